//! resilience4j's `AtomicRateLimiter` (af9e7c97): time is cut into cycles from the creation of the limiter, and each brings
//! so many permits; what is left over is lost. A call may take one of a later cycle beforehand, so that there are fewer
//! than none, and waits until then. One that would have to wait for longer than its timeout takes none, but learns it only
//! when the timeout is over: the library puts its thread to sleep for all of it.

use crate::base::time::{Span, Time};

use super::Turn;

/// See the module.
#[derive(Clone, Debug)]
pub struct Cycles {
    limit: i64,
    period_nanos: u64,
    timeout: Span,
    created: Time,
    cycle: u64,
    permits: i64,
}

impl Cycles {
    /// One that is created at `now`.
    pub fn new(limit: u32, period: Span, timeout: Span, now: Time) -> Cycles {
        let limit = i64::from(limit);
        Cycles { limit, period_nanos: period.as_nanos().max(1), timeout, created: now, cycle: 0, permits: limit }
    }

    /// A call wants a permit.
    pub fn reserve(&mut self, now: Time) -> Turn {
        let nanos = now.since(self.created).as_nanos();
        let cycle = nanos / self.period_nanos;
        let passed = i64::try_from(cycle - self.cycle).unwrap_or(i64::MAX);
        self.cycle = cycle;
        self.permits = self.permits.saturating_add(passed.saturating_mul(self.limit)).min(self.limit);
        let wait = self.wait(nanos);
        if wait > self.timeout {
            return Turn::Refused(self.timeout);
        }
        self.permits -= 1;
        Turn::After(wait)
    }

    fn wait(&self, nanos: u64) -> Span {
        if self.permits >= 1 {
            return Span::ZERO;
        }
        let to_next_cycle = (self.cycle + 1) * self.period_nanos - nanos;
        let missing = 1 - (self.permits + self.limit);
        let full_cycles = missing.max(0).unsigned_abs().div_ceil(self.limit.unsigned_abs());
        Span::from_nanos(full_cycles.saturating_mul(self.period_nanos).saturating_add(to_next_cycle))
    }
}
