//! Who has published which message, of those that belong to recorded requests: a few hundred, while millions are delivered
//! of which each is looked for. So a small sieve answers first, and says of nearly all that nobody knows them.

use std::collections::BTreeMap;

/// Counters of the sieve; a power of two.
const COUNTERS: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Trace and span, by the key of the message.
    by_key: BTreeMap<u64, (u32, u32)>,
    /// How many of them have a key that ends so. One that cannot count further stays as it is. Empty before the first.
    sieve: Vec<u8>,
}

impl Published {
    /// Whether there is none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// A message is published; who had published it before.
    pub(super) fn insert(&mut self, key: u64, by: (u32, u32)) -> Option<(u32, u32)> {
        let before = self.by_key.insert(key, by);
        if before.is_none() {
            self.sieve.resize(COUNTERS, 0);
            let count = &mut self.sieve[place(key)];
            *count = count.saturating_add(1);
        }
        before
    }

    /// Whether somebody may have published a message; if not, nobody has.
    #[inline]
    pub(super) fn may_know(&self, key: u64) -> bool {
        self.sieve.get(place(key)).is_some_and(|count| *count > 0)
    }

    /// Who has published a message.
    pub(super) fn get(&self, key: u64) -> Option<(u32, u32)> {
        if self.may_know(key) { self.by_key.get(&key).copied() } else { None }
    }

    /// A message is wanted no more.
    pub(super) fn remove(&mut self, key: u64) {
        if self.by_key.remove(&key).is_some() {
            let count = &mut self.sieve[place(key)];
            if *count < u8::MAX {
                *count -= 1;
            }
        }
    }
}

/// Keys are drawn at random: their last bits are as good as any.
#[inline]
fn place(key: u64) -> usize {
    key as usize % COUNTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_from_when_it_is_published_until_it_is_wanted_no_more() {
        let mut published = Published::default();
        assert_eq!(published.get(7), None);
        // More than a counter can count, and others beside them.
        let same = |n: u64| 7 + n * COUNTERS as u64;
        (0..300).for_each(|n| assert_eq!(published.insert(same(n), (n as u32, 1)), None));
        assert_eq!(published.insert(8, (1, 1)), None);
        assert_eq!(published.insert(8, (2, 2)), Some((1, 1)), "it was published again");
        assert_eq!((published.get(8), published.get(8 + COUNTERS as u64)), (Some((2, 2)), None));
        (0..299).for_each(|n| published.remove(same(n)));
        assert_eq!((published.get(same(298)), published.get(same(299))), (None, Some((299, 1))));
        published.remove(8);
        published.remove(8);
        assert_eq!((published.get(8), published.sieve[8], published.is_empty()), (None, 0, false));
    }
}
