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
        Counts {
            offered: reading.arrivals,
            answered: reading.left[Departure::Completed as usize],
            good: 0,
            failed: reading.left[Departure::Failed as usize],
            rejected: reading.left[Departure::Rejected as usize],
            shed: reading.left[Departure::Shed as usize],
            dropped: reading.left[Departure::Dropped as usize],
            waited: reading.waited,
            requests: self.workloads.iter().map(|workload| workload.counts.offered).sum(),
            calls,
            attempts,
            busy_nanos: reading.busy_nanos,
            wasted_nanos: reading.wasted_nanos,
            queue_nanos: reading.queue_nanos,
            in_system_nanos: reading.in_system_nanos,
            ..Counts::default()
        }
    }

    #[inline(always)]
    pub(super) fn paths(&mut self) -> Option<&mut Paths> {
        self.transport.as_mut().and_then(|transport| transport.paths.as_mut())
    }
}
