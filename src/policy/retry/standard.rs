//! The built-in retry policy: failures of some kinds are retried, up to a number of attempts, within a budget and as long as a
//! throttle does not stop it.

use crate::base::random::Draws;
use crate::base::time::{Span, Time};
use crate::policy::{Outcome, Outcomes};

use super::{Backoff, Budget, Jitter, Retry, RetrySettings, RetryThrottle};

/// All that [`RetrySettings`] say. Only the budget and the throttle have state.
#[derive(Clone, Debug)]
pub struct StandardRetry {
    attempts: u32,
    on: Outcomes,
    backoff: Backoff,
    jitter: Jitter,
    budget: Option<Budget>,
    throttle: Option<RetryThrottle>,
}

impl StandardRetry {
    /// The policy at the start of the run, with its budget full.
    pub fn new(settings: &RetrySettings) -> StandardRetry {
        StandardRetry {
            attempts: settings.attempts,
            on: settings.on,
            backoff: settings.backoff,
            jitter: settings.jitter,
            budget: settings.budget.map(Budget::new),
            throttle: settings.throttle.map(RetryThrottle::new),
        }
    }
}

impl Retry for StandardRetry {
    #[inline]
    fn call_started(&mut self, _now: Time) {
        if let Some(budget) = &mut self.budget {
            budget.deposit();
        }
    }

    #[inline]
    fn succeeded(&mut self, _now: Time) {
        if let Some(throttle) = &mut self.throttle {
            throttle.succeeded();
        }
    }

    #[inline]
    fn next_delay(&mut self, _now: Time, attempt: u32, outcome: Outcome, draws: Draws) -> Option<Span> {
        debug_assert!(!outcome.is_ok(), "an answered call is not retried");
        if !self.on.has(outcome) {
            return None;
        }
        // Every failure of these kinds counts, also one that is not retried anyway.
        let stopped = self.throttle.as_mut().is_some_and(|throttle| !throttle.failed());
        if stopped || attempt >= self.attempts {
            return None;
        }
        if self.budget.as_mut().is_some_and(|budget| !budget.withdraw()) {
            return None;
        }
        let uniform = |retry: u32| draws.skip(u64::from(retry - 1)).uniform();
        Some(self.jitter.spread(self.backoff, attempt, uniform))
    }
}
