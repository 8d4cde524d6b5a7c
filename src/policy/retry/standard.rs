//! The built-in retry policy: every failure is retried, up to a number of attempts and within a budget.

use crate::base::random::Draws;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Backoff, Budget, Jitter, Retry, RetrySettings};

/// Backoff, jitter, attempts and budget as in [`RetrySettings`]. Only the budget has state.
#[derive(Clone, Debug)]
pub struct StandardRetry {
    attempts: u32,
    backoff: Backoff,
    jitter: Jitter,
    budget: Option<Budget>,
}

impl StandardRetry {
    /// The policy at the start of the run, with its budget full.
    pub fn new(settings: &RetrySettings) -> StandardRetry {
        StandardRetry {
            attempts: settings.attempts,
            backoff: settings.backoff,
            jitter: settings.jitter,
            budget: settings.budget.map(Budget::new),
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
    fn next_delay(&mut self, _now: Time, attempt: u32, outcome: Outcome, draws: Draws) -> Option<Span> {
        debug_assert!(!outcome.is_ok(), "an answered call is not retried");
        if attempt >= self.attempts {
            return None;
        }
        if self.budget.as_mut().is_some_and(|budget| !budget.withdraw()) {
            return None;
        }
        let uniform = |retry: u32| draws.skip(u64::from(retry - 1)).uniform();
        Some(self.jitter.spread(self.backoff, attempt, uniform))
    }
}
