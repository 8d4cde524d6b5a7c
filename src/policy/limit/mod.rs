//! Limits of a server: whether a request that has arrived is let in at all. Who is not is turned away at once, before
//! any queue.

mod token_bucket;

use crate::base::time::Time;
use crate::base::units::Rate;

pub use token_bucket::TokenBucket;

/// How many requests a replica takes on: a token bucket, which fills at a constant rate and from which every request
/// takes a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitSettings {
    /// Tokens that come; above zero, and at most 10⁹ a second.
    pub rate: Rate,
    /// The most tokens that can be saved, and what a process starts with; at least 1.
    pub burst: u32,
}

/// What the kernel asks a replica's limiter.
pub trait Limiter: Send {
    /// A request has arrived: is it let in?
    fn admit(&mut self, now: Time) -> bool;
}

/// The limiter of one replica: a built-in one without indirection, or one of a library user's own.
pub enum AnyLimiter {
    /// At a constant rate.
    TokenBucket(TokenBucket),
    /// Anything else.
    Custom(Box<dyn Limiter>),
}

impl AnyLimiter {
    /// The built-in limiter for `settings`, as a process starts with it.
    pub fn from_settings(settings: &LimitSettings) -> AnyLimiter {
        AnyLimiter::TokenBucket(TokenBucket::new(settings))
    }
}

impl Limiter for AnyLimiter {
    #[inline]
    fn admit(&mut self, now: Time) -> bool {
        match self {
            AnyLimiter::TokenBucket(bucket) => bucket.admit(now),
            AnyLimiter::Custom(limiter) => limiter.admit(now),
        }
    }
}
