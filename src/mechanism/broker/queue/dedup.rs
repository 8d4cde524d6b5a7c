//! The identifiers of the last so many minutes, so that what is published twice is stored once. Memory grows with the
//! identifiers of one window, as it does in a broker.

use std::collections::{BTreeSet, VecDeque};

use crate::base::time::{Span, Time};

/// See the module.
#[derive(Clone, Debug)]
pub struct Dedup {
    window: Span,
    known: BTreeSet<u64>,
    /// By age.
    order: VecDeque<(Time, u64)>,
}

impl Dedup {
    /// Knows nothing. An identifier is known for `window` after it was first seen.
    pub fn new(window: Span) -> Dedup {
        Dedup { window, known: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Whether `id` is known.
    pub fn knows(&mut self, now: Time, id: u64) -> bool {
        while let Some((seen, old)) = self.order.front().copied()
            && now.since(seen) >= self.window
        {
            self.order.pop_front();
            self.known.remove(&old);
        }
        self.known.contains(&id)
    }

    /// `id` has been stored.
    pub fn learn(&mut self, now: Time, id: u64) {
        if !self.window.is_zero() && self.known.insert(id) {
            self.order.push_back((now, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_known_for_its_window() {
        let mut it = Dedup::new(Span::from_secs(120));
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        assert!(!it.knows(at(0), 7));
        it.learn(at(0), 7);
        it.learn(at(60), 7);
        assert_eq!([1, 119].map(|secs| it.knows(at(secs), 7)), [true, true]);
        assert!(!it.knows(at(119), 8));
        assert!(!it.knows(at(120), 7), "being asked again does not keep it");
        assert!(it.known.is_empty() && it.order.is_empty());
    }
}
