//! What the meter hears of fallbacks and ejected replicas.

use super::*;

impl Meter {
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
