//! Retries: whether a failed attempt is followed by another, and after which delay. Which failures come
//! here at all, and whether a deadline forbids another attempt, is the kernel's to know.

mod active;
mod adaptive;
mod aws;
mod backoff;
mod budget;
mod presets;
pub(crate) mod quota;
mod rolling;
mod standard;
mod throttle;
mod traced;

use crate::base::time::{Span, Time};
use crate::base::units::Share;

use super::{Outcome, Outcomes};

pub use active::ActiveBudget;
pub use adaptive::{AdaptiveRate, Cubic, send_rate};
pub use aws::AwsQuota;
pub use backoff::USAGE as BACKOFF_USAGE;
pub use budget::Budget;
pub use presets::PRESETS;
pub use quota::{ActiveSettings, AnyQuota, AwsQuotaSettings, Quota, Ratio, RollingSettings};
pub use rolling::RollingBudget;
pub use standard::StandardRetry;
pub use throttle::RetryThrottle;

/// A client's retry settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetrySettings {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// How many a library takes: fewer are a mistake, and more are this many.
    pub attempts_bounds: (u32, u32),
    /// Failures that another attempt may heal; all others are final.
    pub on: Outcomes,
    /// The delay before the next attempt, before jitter.
    pub backoff: Backoff,
    /// The same after an attempt that was turned away, where that is another.
    pub rejected_backoff: Option<Backoff>,
    /// How the delay is spread.
    pub jitter: Jitter,
    /// How many retries the client may send in relation to all else; `None` is without limit.
    pub quota: Option<Quota>,
    /// What becomes of a server's wish to be asked again after some time.
    pub pushback: PushbackRule,
    /// Whether the client finds out how fast it may send, once it has been turned away, and waits before it sends.
    pub adaptive: bool,
    /// Whether an attempt that came to a server that was not there goes again at once, once for each call, without counting
    /// as an attempt or against the quota.
    pub transparent: bool,
}

impl RetrySettings {
    /// Whether what a server says beside its answer makes a difference.
    pub fn listens(&self) -> bool {
        self.transparent || self.pushback != PushbackRule::Ignore
    }
}

impl Default for RetrySettings {
    /// Up to three attempts, at once, of whatever fails.
    fn default() -> RetrySettings {
        RetrySettings {
            attempts: 3,
            attempts_bounds: (1, u32::MAX),
            on: Outcomes::ALL,
            backoff: Backoff::Fixed(Span::ZERO),
            rejected_backoff: None,
            jitter: Jitter::None,
            quota: None,
            pushback: PushbackRule::Ignore,
            adaptive: false,
            transparent: false,
        }
    }
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
    /// The same, cut off to whole milliseconds at every step.
    ExponentialMillis {
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
    /// `v × (1 + U(0, share))`, but never longer than the cap.
    Longer(Share),
    /// resilience4j's randomisation: whole milliseconds from `v × (1 − share)` to `v × (1 + share)`, both included.
    Randomized(Share),
}

/// What a client does with a server's wish to be asked again after some time, or not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushbackRule {
    /// Nothing.
    Ignore,
    /// It waits exactly as long, and counts its own delays anew from there (gRPC); "never" ends the call.
    Obey,
    /// It waits at least as long as it would have, and at most five seconds longer (`x-amz-retry-after`).
    Clamp,
}

/// A server's wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushback {
    /// To be asked again after so long.
    After(Span),
    /// Not to be asked again.
    Never,
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

/// An attempt that has failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Its number; the first attempt of a call is 1.
    pub attempt: u32,
    /// How, which is not `Ok`.
    pub outcome: Outcome,
    /// What the server wishes.
    pub pushback: Option<Pushback>,
    /// The last attempt of this call at which the server wished something, 0 if none.
    pub pushed_back_at: u32,
}

impl Failure {
    /// The failure of attempt number `attempt`, at which the server wishes nothing.
    pub const fn new(attempt: u32, outcome: Outcome) -> Failure {
        Failure { attempt, outcome, pushback: None, pushed_back_at: 0 }
    }
}

/// What the kernel tells and asks a client's retries. One per caller replica and callee.
pub trait Retry: Send {
    /// A call starts: how long it waits before its first attempt.
    fn call_started(&mut self, now: Time) -> Span;

    /// Attempt number `attempt` of a call starts.
    fn attempt_started(&mut self, now: Time, attempt: u32);

    /// An attempt has ended, well or not. `before` is how the attempt before it ended.
    fn attempt_ended(&mut self, now: Time, attempt: u32, outcome: Outcome, before: Option<Outcome>);

    /// An attempt has failed and has been told to have ended: the delay before the next one, or `None` to give up.
    /// `uniform(n)` is the number in (0, 1) that belongs to the n-th retry of this call.
    fn next_delay(&mut self, now: Time, failure: Failure, uniform: &dyn Fn(u32) -> f64) -> Option<Span>;

    /// A retry that was granted will not be sent: its call was withdrawn.
    fn withdrawn(&mut self, now: Time);
}

/// The retries of one client instance: a built-in policy without indirection, or one of a library user's own.
pub enum AnyRetry {
    /// Backoff, jitter, attempts and quota as set.
    Standard(StandardRetry),
    /// Anything else.
    Custom(Box<dyn Retry>),
}

impl AnyRetry {
    /// The built-in policy for `settings`.
    pub fn from_settings(settings: &RetrySettings) -> AnyRetry {
        AnyRetry::Standard(StandardRetry::new(settings))
    }

    /// Whether it wants to hear of calls and attempts that do not fail: to the others they mean nothing, and no call
    /// waits before its first attempt.
    #[inline(always)]
    pub fn listens(&self) -> bool {
        match self {
            AnyRetry::Standard(retry) => retry.listens(),
            AnyRetry::Custom(_) => true,
        }
    }
}

impl Retry for AnyRetry {
    fn call_started(&mut self, now: Time) -> Span {
        match self {
            AnyRetry::Standard(retry) => retry.call_started(now),
            AnyRetry::Custom(retry) => retry.call_started(now),
        }
    }

    fn attempt_started(&mut self, now: Time, attempt: u32) {
        match self {
            AnyRetry::Standard(retry) => retry.attempt_started(now, attempt),
            AnyRetry::Custom(retry) => retry.attempt_started(now, attempt),
        }
    }

    fn attempt_ended(&mut self, now: Time, attempt: u32, outcome: Outcome, before: Option<Outcome>) {
        match self {
            AnyRetry::Standard(retry) => retry.attempt_ended(now, attempt, outcome, before),
            AnyRetry::Custom(retry) => retry.attempt_ended(now, attempt, outcome, before),
        }
    }

    #[inline]
    fn next_delay(&mut self, now: Time, failure: Failure, uniform: &dyn Fn(u32) -> f64) -> Option<Span> {
        match self {
            AnyRetry::Standard(retry) => retry.next_delay(now, failure, uniform),
            AnyRetry::Custom(retry) => retry.next_delay(now, failure, uniform),
        }
    }

    #[inline]
    fn withdrawn(&mut self, now: Time) {
        match self {
            AnyRetry::Standard(retry) => retry.withdrawn(now),
            AnyRetry::Custom(retry) => retry.withdrawn(now),
        }
    }
}
