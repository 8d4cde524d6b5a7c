//! Consistent hashing: a request's key leads to its replica, always to the same one, and when one goes only its own
//! keys move. The ring is Envoy's (`ring_hash`, all weights equal; ketama) and that of gRPC's proposal A42: every
//! host stands on it equally often, at the xxHash64 of `host_i`, and a key belongs to the first entry at or after
//! its own hash.
//!
//! A replica that is down is passed over clockwise on the ring of all replicas, as gRPC does it. Envoy instead makes
//! a new ring of those that are healthy; it differs only where fewer hosts stand on it more often each.

use twox_hash::XxHash64;

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer, any};

/// A ring has at least so many entries: the default `minimum_ring_size`. (The default maximum of 8 × 2²⁰ would be
/// met by that many replicas only.)
const ENTRIES_MIN: u32 = 1024;

/// Where the replicas of a service stand. One for all clients of the service; the default is a ring of none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// Hashes, ascending, and the number of the replica that stands there.
    entries: Box<[(u64, u32)]>,
}

impl Ring {
    /// The ring of a service with this many replicas, who are called by their numbers: `0`, `1` and so on.
    pub fn new(replicas: u32) -> Ring {
        let each = if replicas == 0 { 0 } else { ENTRIES_MIN.div_ceil(replicas) };
        let place = |replica: u32, n: u32| (hash(format!("{replica}_{n}").as_bytes()), replica);
        let mut entries: Vec<(u64, u32)> =
            (0..replicas).flat_map(|replica| (0..each).map(move |n| place(replica, n))).collect();
        entries.sort_unstable();
        Ring { entries: entries.into() }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody stands on it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The replicas from `hash` on, once around, as often as they stand there.
    pub fn clockwise(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let first = self.entries.partition_point(|(place, _)| *place < hash);
        let (before, after) = self.entries.split_at(first);
        after.iter().chain(before).map(|(_, replica)| *replica)
    }
}

/// Remembers nothing; draws only for requests without a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingHash;

impl Balancer for RingHash {
    /// Out of line, so that cheaper balancers stay small where they are inlined.
    #[inline(never)]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        let (up, fleet) = (ask.up, ask.fleet);
        let Some(key) = ask.key else { return any(up, stream) };
        let is_up = |replica: &u32| {
            // As long as all replicas are up, each stands at its own number.
            up.get(*replica as usize) == Some(replica) || up.binary_search(replica).is_ok()
        };
        let found = fleet.ring.clockwise(hash(&key.to_le_bytes())).find(is_up);
        found.unwrap_or_else(|| any(up, stream))
    }

    fn started(&mut self, _replica: u32) {}

    fn ended(&mut self, _now: Time, _replica: u32, _rtt: Span, _outcome: Outcome) {}
}

/// xxHash64 with seed 0.
fn hash(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As published with the algorithm.
    #[test]
    fn hashes_are_xxhash64() {
        assert_eq!(hash(b""), 0xef46_db37_51d8_e999);
        assert_eq!(hash(b"abc"), 0x44bc_2cf5_ad77_0999);
    }

    #[test]
    fn every_replica_stands_equally_often_where_its_name_hashes() {
        for (replicas, each) in [(1, 1024), (2, 512), (10, 103), (1000, 2), (1024, 1), (5000, 1)] {
            let ring = Ring::new(replicas);
            assert_eq!(ring.len(), (replicas * each) as usize);
            assert!(ring.entries.is_sorted());
            let mut counts = vec![0; replicas as usize];
            ring.clockwise(u64::MAX / 3).for_each(|replica| counts[replica as usize] += 1);
            assert!(counts.iter().all(|count| *count == each), "{counts:?}");
        }
        let ring = Ring::new(12);
        assert_eq!(ring.clockwise(hash(b"11_85")).next(), Some(11));
        assert_eq!(Ring::new(0), Ring::default());
    }

    #[test]
    fn a_hash_belongs_to_the_first_entry_at_or_after_it() {
        let ring = Ring { entries: [(10, 2), (20, 0), (30, 1)].into() };
        let firsts = [0, 10, 11, 20, 30, 31, u64::MAX].map(|hash| ring.clockwise(hash).next());
        assert_eq!(firsts, [2, 2, 0, 0, 1, 2, 2].map(Some));
        assert_eq!(ring.clockwise(15).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
