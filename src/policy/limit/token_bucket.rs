//! A token bucket that is filled by time: `rate` tokens a second, never more than `burst`; a request takes a whole one.
//!
//! Whole numbers throughout, so that nothing drifts: after any time the bucket holds to the last part what the rate
//! and the requests say.

use crate::base::time::Time;

use super::{Limiter, Newcomer, RateSettings};

/// Parts of a token: as many as there are nanoseconds in a second times the parts of a rate, so that a nanosecond
/// brings a whole number of them.
const TOKEN: u128 = 1_000_000_000 * RATE_PARTS as u128;
/// Parts of one token a second: rates are kept to nine decimal places.
const RATE_PARTS: u64 = 1_000_000_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    /// In parts of a token, at `filled_at`.
    held: u128,
    filled_at: Time,
    /// Parts that a nanosecond brings.
    refill: u64,
    most: u128,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(settings: &RateSettings) -> TokenBucket {
        let most = u128::from(settings.burst) * TOKEN;
        let refill = (settings.rate.as_per_sec() * RATE_PARTS as f64 + 0.5) as u64;
        TokenBucket { held: most, filled_at: Time::ZERO, refill, most }
    }
}

impl Limiter for TokenBucket {
    #[inline]
    fn admit(&mut self, now: Time, _newcomer: &Newcomer) -> bool {
        let passed = now.since(self.filled_at).as_nanos();
        self.filled_at = now;
        let held = (self.held + u128::from(passed) * u128::from(self.refill)).min(self.most);
        let left = held.checked_sub(TOKEN);
        self.held = left.unwrap_or(held);
        left.is_some()
    }

    fn counts(&self) -> bool {
        false
    }
}
