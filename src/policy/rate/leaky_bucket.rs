//! A leaky bucket that is a queue: calls leave it one after another at a constant rate, whatever they come at. One that
//! would have to wait for longer than its timeout is refused at once, as a full bucket overflows.

use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::base::units::Rate;

use super::Turn;

/// See the module.
#[derive(Clone, Debug)]
pub struct LeakyBucket {
    gap_nanos: f64,
    timeout: Span,
    /// When the next one may leave, in nanoseconds since the start of the run.
    free_at_nanos: f64,
}

impl LeakyBucket {
    /// An empty one.
    pub fn new(rate: Rate, timeout: Span) -> LeakyBucket {
        LeakyBucket { gap_nanos: NANOS_PER_SEC as f64 / rate.as_per_sec(), timeout, free_at_nanos: 0.0 }
    }

    /// A call comes.
    pub fn reserve(&mut self, now: Time) -> Turn {
        let now = now.as_nanos() as f64;
        let leaves = self.free_at_nanos.max(now);
        let wait = Span::from_nanos_f64(leaves - now);
        if wait > self.timeout {
            return Turn::Refused(Span::ZERO);
        }
        self.free_at_nanos = leaves + self.gap_nanos;
        Turn::After(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_leave_evenly_until_the_bucket_is_full() {
        let mut bucket = LeakyBucket::new(Rate::per_sec(100.0).expect("a rate"), Span::from_millis(25));
        let mut at = |millis| bucket.reserve(Time::ZERO + Span::from_millis(millis));
        let after = |millis| Turn::After(Span::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [after(0), after(10), after(20), Turn::Refused(Span::ZERO)]);
        assert_eq!([at(5), at(100)], [after(25), after(0)]);
    }
}
