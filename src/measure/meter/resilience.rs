//! What the meter hears of fallbacks, ejected replicas and attempts that are not sent.

use super::*;

impl Meter {
    /// An attempt that a policy of its client does not let go.
    pub(super) fn not_sent(&mut self, edge: u32, outcome: Outcome) {
        self.edges[edge as usize].outcomes[outcome as usize] += 1;
        if let Some(causes) = &mut self.causes {
            causes.ended(edge, outcome);
        }
    }

    pub(super) fn tell_fallback(&mut self, edge: u32, now: Time) {
        if let Some(resilience) = &mut self.resilience {
            resilience.fell_back(edge, now);
        }
    }

    pub(super) fn tell_degraded(&mut self, workload: u32, arrived: Time) {
        self.workloads[workload as usize].counts.degraded += 1;
        if let Some(resilience) = &mut self.resilience {
            resilience.degraded(workload, arrived);
        }
    }

    pub(super) fn tell_ejected(&mut self, channel: u32, now: Time, change: i32) {
        if let Some(resilience) = &mut self.resilience {
            resilience.ejected(channel, now, change);
        }
    }
}
