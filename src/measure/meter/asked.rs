//! What the windows of expectations read off, and what tells how sure means are.

use super::*;
use crate::model::EdgeId;

impl Meter {
    /// Adds what tells how sure means are, before a point of the series ends.
    pub(super) fn add_sums(&mut self, now: Time) {
        let (point, edge, wait, sojourn) =
            (self.series.points, self.edge_place(0), self.wait_place(0), self.sojourn_place(0));
        let Some(sums) = &mut self.sums else { return };
        self.recorder.flush();
        let latency = |place: u32| self.recorder.latency(place);
        for (meter, sums) in self.workloads.iter_mut().zip(&mut sums.workloads) {
            meter.add_sums(point, sums);
        }
        for ((meter, sums), id) in self.services.iter_mut().zip(&mut sums.services).zip(0..) {
            meter.add_sums(now, sums, latency(wait + id), latency(sojourn + id));
        }
        for ((meter, sums), id) in self.edges.iter_mut().zip(&mut sums.edges).zip(0..) {
            meter.add_sums(point, sums, latency(edge + id));
        }
        self.resources.add_sums(sums);
        if let Some(transport) = &mut self.transport {
            transport.add_sums(now, sums);
        }
    }

    pub(super) fn pass_windows(&mut self, now: Time) {
        for n in 0..self.windows.len() {
            let counts = match self.windows[n].target {
                Target::Workload(id) => self.workloads[id.index()].counts(now),
                Target::Service(id) => self.service_counts(id, now),
                Target::Edge(id) => self.edge_counts(id),
                Target::Pool(id) => self.resources.pool_counts(id, now),
                Target::Cache(id) => self.resources.cache_counts(id),
                Target::Topic(_) | Target::Consumer(_) => self.message_counts(n, now),
                Target::Run => Counts::default(),
            };
            self.windows[n].pass(now, counts);
        }
    }

    pub(super) fn service_counts(&mut self, id: ServiceId, now: Time) -> Counts {
        let reading = self.services[id.index()].read(now);
        let (calls, attempts) = self
            .edges
            .iter()
            .filter(|edge| edge.rare.service == id.0)
            .fold((0, 0), |(calls, attempts), edge| (calls + edge.calls, attempts + edge.attempts));
        let requests = self.workloads.iter().map(|workload| workload.counts.offered).sum();
        Counts { requests, calls, attempts, ..reading.counts() }
    }

    fn edge_counts(&self, id: EdgeId) -> Counts {
        let degraded = self.resilience.as_ref().map_or(0, |it| it.served(id.index()));
        Counts { offered: self.edges[id.index()].calls, degraded, ..Counts::default() }
    }

    #[inline(always)]
    pub(super) fn paths(&mut self) -> Option<&mut Paths> {
        self.transport.as_mut().and_then(|transport| transport.paths.as_mut())
    }
}
