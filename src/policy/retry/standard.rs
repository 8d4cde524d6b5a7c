//! The built-in retry policy: failures of some kinds are retried, up to a number of attempts, as long as a quota lets
//! it.

use crate::base::time::{Span, Time};
use crate::policy::{Outcome, Outcomes};

use super::{AdaptiveRate, AnyQuota, Backoff, Failure, Jitter, Pushback, PushbackRule, Retry, RetrySettings};

/// A server that wishes to be asked later is obeyed for so long beyond one's own delay, where it is not obeyed to the
/// letter.
const CLAMP: Span = Span::from_secs(5);

/// All that [`RetrySettings`] say. Only the quota and the adaptive rate have state.
#[derive(Clone, Debug)]
pub struct StandardRetry {
    attempts: u32,
    on: Outcomes,
    backoff: Backoff,
    rejected_backoff: Option<Backoff>,
    jitter: Jitter,
    pushback: PushbackRule,
    quota: Option<AnyQuota>,
    adaptive: Option<Box<AdaptiveRate>>,
}

impl StandardRetry {
    /// The policy at the start of the run, with its quota full.
    pub fn new(settings: &RetrySettings) -> StandardRetry {
        StandardRetry {
            attempts: settings.attempts.min(settings.attempts_bounds.1),
            on: settings.on,
            backoff: settings.backoff,
            rejected_backoff: settings.rejected_backoff,
            jitter: settings.jitter,
            pushback: settings.pushback,
            quota: settings.quota.map(AnyQuota::new),
            adaptive: settings.adaptive.then(Default::default),
        }
    }

    /// Whether it remembers anything: a quota, or a rate.
    #[inline(always)]
    pub(super) fn listens(&self) -> bool {
        self.quota.is_some() || self.adaptive.is_some()
    }

    /// Attempts of a call at most.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What is left of the quota.
    pub fn available(&mut self, now: Time) -> Option<f64> {
        self.quota.as_mut().map(|quota| quota.available(now))
    }

    /// How fast it sends, once it finds that out.
    pub fn rate(&self) -> Option<f64> {
        self.adaptive.as_ref().and_then(|rate| rate.rate())
    }

    /// The delay before the retry that follows `failure`, as its own rules and the server want it.
    fn delay(&self, failure: Failure, uniform: &dyn Fn(u32) -> f64) -> Option<Span> {
        let of_outcome = self.rejected_backoff.filter(|_| failure.outcome == Outcome::Rejected);
        // After a wish that was obeyed, delays count anew.
        let from = if self.pushback == PushbackRule::Obey { failure.pushed_back_at } else { 0 };
        let own = || self.jitter.spread(of_outcome.unwrap_or(self.backoff), failure.attempt - from, uniform);
        match (self.pushback, failure.pushback) {
            (PushbackRule::Ignore, _) | (_, None) => Some(own()),
            (PushbackRule::Obey, Some(Pushback::Never)) => None,
            (PushbackRule::Obey, Some(Pushback::After(delay))) => Some(delay),
            (PushbackRule::Clamp, Some(Pushback::Never)) => Some(own()),
            (PushbackRule::Clamp, Some(Pushback::After(delay))) => {
                let own = own();
                Some(own.max(delay.min(own + CLAMP)))
            }
        }
    }
}

impl Retry for StandardRetry {
    #[inline]
    fn call_started(&mut self, now: Time) -> Span {
        if let Some(quota) = &mut self.quota {
            quota.call_started(now);
        }
        match &mut self.adaptive {
            Some(rate) => rate.acquire(now),
            None => Span::ZERO,
        }
    }

    #[inline]
    fn attempt_started(&mut self, _now: Time, _attempt: u32) {
        if let Some(quota) = &mut self.quota {
            quota.attempt_started();
        }
    }

    #[inline]
    fn attempt_ended(&mut self, now: Time, attempt: u32, outcome: Outcome, before: Option<Outcome>) {
        if let Some(quota) = &mut self.quota {
            quota.attempt_ended(attempt, outcome, before);
        }
        if let Some(rate) = &mut self.adaptive
            && outcome.is_sent()
        {
            rate.ended(now, outcome == Outcome::Rejected);
        }
    }

    #[inline]
    fn next_delay(&mut self, now: Time, failure: Failure, uniform: &dyn Fn(u32) -> f64) -> Option<Span> {
        debug_assert!(!failure.outcome.is_ok(), "an answered call is not retried");
        let told_never = self.pushback == PushbackRule::Obey && failure.pushback == Some(Pushback::Never);
        if !self.on.has(failure.outcome) && !told_never {
            return None;
        }
        // Every failure of these kinds counts, also one that is not retried anyway.
        let stopped = self.quota.as_mut().is_some_and(|quota| !quota.failed());
        if stopped || told_never || failure.attempt >= self.attempts {
            return None;
        }
        if self.quota.as_mut().is_some_and(|quota| !quota.withdraw(now, failure.outcome, failure.attempt)) {
            return None;
        }
        let delay = self.delay(failure, uniform)?;
        match &mut self.adaptive {
            Some(rate) => Some(delay.max(rate.acquire(now))),
            None => Some(delay),
        }
    }

    fn withdrawn(&mut self, _now: Time) {
        if let Some(quota) = &mut self.quota {
            quota.give_back();
        }
    }
}
