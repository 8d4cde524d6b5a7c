//! Retries: whether a failed attempt is followed by another, and after which delay. Which failures come
//! here at all, and whether a deadline forbids another attempt, is the kernel's to know.

mod backoff;
mod budget;
mod standard;
mod throttle;

use crate::base::random::Draws;
use crate::base::time::{Span, Time};
use crate::base::units::Share;

use super::{Outcome, Outcomes};

pub use budget::Budget;
pub use standard::StandardRetry;
pub use throttle::RetryThrottle;

/// A client's retry settings.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrySettings {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// Failures that another attempt may heal; all others are final.
    pub on: Outcomes,
    /// The delay before the next attempt, before jitter.
    pub backoff: Backoff,
    /// How the delay is spread.
    pub jitter: Jitter,
    /// How many retries the client may send in relation to its calls; `None` is without limit.
    pub budget: Option<BudgetSettings>,
    /// How failures stop retries altogether; `None` does not. A scenario has this or a budget, not both.
    pub throttle: Option<RetryThrottleSettings>,
}

/// The delay before the n-th retry, before jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Backoff {
    /// Always the same; zero is "at once".
    Fixed(Span),
    /// `base × factor^(n−1)`, at most `cap`.
    Exponential {
        /// Delay before the first retry.
        base: Span,
        /// Growth per retry, at least 1.
        factor: f64,
        /// The longest delay.
        cap: Span,
    },
}

/// How a delay `v` is spread over time. The AWS names, where they have one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// `v`.
    None,
    /// `U(0, v)`.
    Full,
    /// `v/2 + U(0, v/2)`.
    Equal,
    /// `min(cap, U(base, 3 × previous))`, the first previous being `base`; `factor` plays no part. A fixed
    /// backoff is its own base and has no cap.
    Decorrelated,
    /// `v × U(1 − share, 1 + share)`; the cap is applied before, so that it may be exceeded.
    Around(Share),
}

/// A token bucket that every call fills and every retry empties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetSettings {
    /// Tokens that a call (not a retry) deposits; a retry costs one token.
    pub ratio: Share,
    /// The most tokens that can be saved, and what the client starts with.
    pub burst: u32,
}

/// Tokens that failures take and successes bring; while at most half of them are there, nothing is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryThrottleSettings {
    /// The most tokens that can be saved, and what the client starts with; at least 1. A failure takes one.
    pub max_tokens: u32,
    /// What a success brings, in thousandths of a token.
    pub token_thousandths: u32,
}

/// What the kernel tells and asks a client's retries. One per caller replica and callee.
pub trait Retry: Send {
    /// A call starts: its first attempt is about to go out.
    fn call_started(&mut self, now: Time);

    /// An attempt was answered well.
    fn succeeded(&mut self, now: Time);

    /// Attempt number `attempt` (the first is 1) ended with `outcome`, which is not `Ok`: the delay before the
    /// next one, or `None` to give up. `draws` belong to this call: the same for all its attempts.
    fn next_delay(&mut self, now: Time, attempt: u32, outcome: Outcome, draws: Draws) -> Option<Span>;
}

/// The retries of one client instance: a built-in policy without indirection, or one of a library user's own.
pub enum AnyRetry {
    /// Backoff, jitter, attempts and budget as set.
    Standard(StandardRetry),
    /// Anything else.
    Custom(Box<dyn Retry>),
}

impl AnyRetry {
    /// The built-in policy for `settings`.
    pub fn from_settings(settings: &RetrySettings) -> AnyRetry {
        AnyRetry::Standard(StandardRetry::new(settings))
    }
}

impl Retry for AnyRetry {
    #[inline]
    fn call_started(&mut self, now: Time) {
        match self {
            AnyRetry::Standard(retry) => retry.call_started(now),
            AnyRetry::Custom(retry) => retry.call_started(now),
        }
    }

    #[inline]
    fn succeeded(&mut self, now: Time) {
        match self {
            AnyRetry::Standard(retry) => retry.succeeded(now),
            AnyRetry::Custom(retry) => retry.succeeded(now),
        }
    }

    #[inline]
    fn next_delay(&mut self, now: Time, attempt: u32, outcome: Outcome, draws: Draws) -> Option<Span> {
        match self {
            AnyRetry::Standard(retry) => retry.next_delay(now, attempt, outcome, draws),
            AnyRetry::Custom(retry) => retry.next_delay(now, attempt, outcome, draws),
        }
    }
}
