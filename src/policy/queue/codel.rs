//! Controlled delay for a queue of requests, with the rules of folly's `executors/Codel`: while the shortest wait of
//! an interval is above the target, whoever has waited longer than twice the target is dropped when his turn comes.
//! (The algorithm for packets, RFC 8289, drops ever faster instead.)

use crate::base::time::{Span, Time};

/// The knobs of [`Codel`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodelSettings {
    /// A wait that is fine even if nobody waits less.
    pub target: Span,
    /// How long the shortest wait is looked for.
    pub interval: Span,
}

impl Default for CodelSettings {
    /// folly's defaults.
    fn default() -> Self {
        CodelSettings { target: Span::from_millis(5), interval: Span::from_millis(100) }
    }
}

/// The state of one queue; see the module.
#[derive(Clone, Debug)]
pub struct Codel {
    settings: CodelSettings,
    /// The shortest wait of this interval.
    shortest: Span,
    ends: Time,
    /// The next wait is the first of its interval.
    is_first: bool,
    is_overloaded: bool,
}

impl Codel {
    /// Of a queue that has been empty so far.
    pub fn new(settings: CodelSettings) -> Codel {
        Codel { settings, shortest: Span::ZERO, ends: Time::ZERO, is_first: true, is_overloaded: false }
    }

    /// The turn of one who has waited for `delay` has come: whether he is dropped. The first one of an interval never is.
    pub fn drops(&mut self, now: Time, delay: Span) -> bool {
        if now > self.ends && !self.is_first {
            self.ends = now + self.settings.interval;
            self.is_overloaded = self.shortest > self.settings.target;
            self.is_first = true;
        }
        if self.is_first {
            self.is_first = false;
            self.shortest = delay;
            return false;
        }
        self.shortest = self.shortest.min(delay);
        self.is_overloaded && delay > self.settings.target + self.settings.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_queue_is_cut_down_until_somebody_waits_little() {
        let mut codel = Codel::new(CodelSettings::default());
        let mut drops = |at, delay| codel.drops(Time::ZERO + Span::from_millis(at), Span::from_millis(delay));
        assert!(!drops(10, 50), "the first");
        assert!(!drops(20, 50), "the first of the second interval, after which it is overloaded");
        assert!(drops(30, 50));
        assert!(!drops(40, 10), "twice the target is not more than it");
        assert!(!drops(50, 3));
        assert!(!drops(130, 50), "the interval had a short wait");
        assert!(!drops(140, 50), "so nobody is dropped in the next");
    }
}
