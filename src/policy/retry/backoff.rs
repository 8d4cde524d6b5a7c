//! How long to wait before a retry: the delay, and its spread over time.
//!
//! Jitter as in Amazon's published simulator (aws-samples/aws-arch-backoff-simulator), over retries counted from 1.

use crate::base::time::Span;

use super::{Backoff, Jitter};

impl Backoff {
    /// The delay before the `retry`-th retry (the first is 1), before jitter.
    #[inline]
    pub fn delay(self, retry: u32) -> Span {
        match self {
            Backoff::Fixed(delay) => delay,
            Backoff::Exponential { base, factor, cap } => Span::from_nanos_f64(grown(base, factor, cap, retry)),
        }
    }

    fn base(self) -> Span {
        match self {
            Backoff::Fixed(delay) => delay,
            Backoff::Exponential { base, .. } => base,
        }
    }

    fn cap(self) -> Span {
        match self {
            Backoff::Fixed(_) => Span::MAX,
            Backoff::Exponential { cap, .. } => cap,
        }
    }
}

fn grown(base: Span, factor: f64, cap: Span, retry: u32) -> f64 {
    let cap = cap.as_nanos() as f64;
    let mut delay = base.as_nanos() as f64;
    for _ in 1..retry {
        let longer = delay * factor;
        // Once it does not grow any more, or is cut off anyway, the rest of the way changes nothing.
        if delay >= cap || longer <= delay {
            break;
        }
        delay = longer;
    }
    delay.min(cap)
}

impl Jitter {
    /// The delay before the `retry`-th retry (the first is 1), spread. `uniform(n)` is the number in (0, 1) that
    /// belongs to the n-th retry: always the same for one call, so that a delay that builds on earlier ones
    /// can be worked out again instead of being remembered.
    #[inline]
    pub fn spread(self, backoff: Backoff, retry: u32, uniform: impl Fn(u32) -> f64) -> Span {
        let nanos = || backoff.delay(retry).as_nanos() as f64;
        match self {
            Jitter::None => backoff.delay(retry),
            Jitter::Full => Span::from_nanos_f64(uniform(retry) * nanos()),
            Jitter::Equal => {
                let half = nanos() / 2.0;
                Span::from_nanos_f64(half + uniform(retry) * half)
            }
            Jitter::Decorrelated => decorrelated(backoff, retry, uniform),
            Jitter::Around(share) => {
                Span::from_nanos_f64(nanos() * (1.0 + share.as_f64() * (2.0 * uniform(retry) - 1.0)))
            }
        }
    }
}

fn decorrelated(backoff: Backoff, retry: u32, uniform: impl Fn(u32) -> f64) -> Span {
    let (base, cap) = (backoff.base().as_nanos() as f64, backoff.cap().as_nanos() as f64);
    let last = (1..=retry).fold(base, |previous, n| (base + uniform(n) * (3.0 * previous - base)).min(cap));
    Span::from_nanos_f64(last)
}
