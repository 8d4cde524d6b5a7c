//! What the windows of expectations read off.

use super::*;

impl Meter {
    pub(super) fn pass_windows(&mut self, now: Time) {
        for n in 0..self.windows.len() {
            let counts = match self.windows[n].target {
                Target::Workload(id) => self.workloads[id.index()].counts(now),
                Target::Service(id) => self.service_counts(id, now),
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

    #[inline(always)]
    pub(super) fn paths(&mut self) -> Option<&mut Paths> {
        self.transport.as_mut().and_then(|transport| transport.paths.as_mut())
    }
}
