//! Rate limiters of a client: when a call may go. One that may not go at once waits, or is refused; what it waits for is
//! promised to it.

mod cycles;
mod leaky_bucket;

use crate::base::time::{Span, Time};
use crate::base::units::Rate;
use crate::policy::registry::Preset;

pub use cycles::{Cycles, CyclesSettings};
pub use leaky_bucket::LeakyBucket;

/// The knobs of a rate limiter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateLimitSettings {
    /// So many in each cycle.
    Cycles(CyclesSettings),
    /// One after another, evenly.
    Leaky {
        /// How fast; above zero.
        rate: Rate,
        /// How long a call waits at most.
        timeout: Span,
    },
}

/// Every rate limit that has a name.
pub const PRESETS: &[Preset] = &[cycles::PRESET];

impl RateLimitSettings {
    /// The settings that the library `name` ships with.
    pub fn preset(name: &str) -> Option<RateLimitSettings> {
        (name == cycles::PRESET.name).then(|| RateLimitSettings::Cycles(CyclesSettings::default()))
    }
}

/// When a call may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// After so long; zero is now.
    After(Span),
    /// It may not, which it learns after so long.
    Refused(Span),
}

/// A rate limiter. One per caller replica and callee service.
#[derive(Clone, Debug)]
pub enum RateLimiter {
    /// See [`RateLimitSettings::Cycles`].
    Cycles(Cycles),
    /// See [`RateLimitSettings::Leaky`].
    Leaky(LeakyBucket),
}

impl RateLimiter {
    /// Of a client that starts at `now`.
    pub fn new(settings: &RateLimitSettings, now: Time) -> RateLimiter {
        match *settings {
            RateLimitSettings::Cycles(settings) => RateLimiter::Cycles(Cycles::new(&settings, now)),
            RateLimitSettings::Leaky { rate, timeout } => RateLimiter::Leaky(LeakyBucket::new(rate, timeout)),
        }
    }

    /// A call wants to go.
    pub fn reserve(&mut self, now: Time) -> Turn {
        match self {
            RateLimiter::Cycles(limiter) => limiter.reserve(now),
            RateLimiter::Leaky(limiter) => limiter.reserve(now),
        }
    }
}
