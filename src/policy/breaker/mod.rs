//! Circuit breakers: whether a call may go at all.

mod count;
mod window;

use crate::base::time::{Span, Time};
use crate::base::units::Share;

pub use count::CountBreaker;
pub use window::ResultWindow;

/// A circuit breaker over a window of the last calls, with the rules of resilience4j's count-based one.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Results that the window holds.
    pub window: u32,
    /// Results needed before the window is judged; never more than `window` counts.
    pub minimum_calls: u32,
    /// Share of failures at which it opens.
    pub failure_rate: Share,
    /// A call longer than this is slow.
    pub slow_call_duration: Span,
    /// Share of slow calls at which it opens.
    pub slow_call_rate: Share,
    /// How long it stays open before it lets probes through.
    pub open_for: Span,
    /// Probes that it lets through when half open.
    pub half_open_calls: u32,
}

/// Where a breaker stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    /// Calls go.
    Closed,
    /// Calls are refused.
    Open,
    /// Probes go, the rest is refused.
    HalfOpen,
}

/// What a finished call was, to a breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It counts as a success.
    Success,
    /// It counts as a failure.
    Failure,
    /// It counts as nothing; its permit goes back.
    Ignored,
}

/// What the kernel tells and asks a circuit breaker. One per caller replica and callee.
pub trait Breaker: Send {
    /// May a call go now? `true` hands out a permit that must come back through [`Breaker::record`].
    fn permit(&mut self, now: Time) -> bool;

    /// A permitted call ended after `duration`.
    fn record(&mut self, now: Time, verdict: Verdict, duration: Span);

    /// Where it stands, without side effect.
    fn state(&self) -> BreakerState;
}

/// The breaker of one client instance: a built-in one without indirection, or one of a library user's own.
pub enum AnyBreaker {
    /// Over the last calls.
    Count(CountBreaker),
    /// Anything else.
    Custom(Box<dyn Breaker>),
}

impl AnyBreaker {
    /// The built-in breaker for `settings`, closed.
    pub fn from_settings(settings: &BreakerSettings) -> AnyBreaker {
        AnyBreaker::Count(CountBreaker::new(settings))
    }
}

impl Breaker for AnyBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        match self {
            AnyBreaker::Count(breaker) => breaker.permit(now),
            AnyBreaker::Custom(breaker) => breaker.permit(now),
        }
    }

    #[inline]
    fn record(&mut self, now: Time, verdict: Verdict, duration: Span) {
        match self {
            AnyBreaker::Count(breaker) => breaker.record(now, verdict, duration),
            AnyBreaker::Custom(breaker) => breaker.record(now, verdict, duration),
        }
    }

    #[inline]
    fn state(&self) -> BreakerState {
        match self {
            AnyBreaker::Count(breaker) => breaker.state(),
            AnyBreaker::Custom(breaker) => breaker.state(),
        }
    }
}
