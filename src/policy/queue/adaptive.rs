//! The queue timeout of B. Maurer, Fail at scale, ACM Queue 13 (2015): a queue that has been empty a moment ago may
//! have a burst to work off, so its requests may wait; a queue that stands is overloaded, and a long wait is in vain.

use crate::base::time::{Span, Time};

/// How long a newcomer may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdaptiveTimeout {
    /// In a queue that stands.
    pub short: Span,
    /// A queue stands when it has not been empty for longer than this, which is also how long a newcomer may wait
    /// before.
    pub standing: Span,
}

impl AdaptiveTimeout {
    /// For one who joins at `now` a queue that was last empty at `last_empty`.
    pub fn timeout(&self, now: Time, last_empty: Time) -> Span {
        if now.since(last_empty) > self.standing { self.short } else { self.standing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_stands_lets_nobody_wait_for_long() {
        let policy = AdaptiveTimeout { short: Span::from_millis(5), standing: Span::from_millis(100) };
        let timeout = |ago| policy.timeout(Time::ZERO + Span::from_millis(ago), Time::ZERO);
        assert_eq!(timeout(100), Span::from_millis(100));
        assert_eq!(timeout(101), Span::from_millis(5));
    }
}
