//! What tells how sure means are.

use super::*;

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
}
