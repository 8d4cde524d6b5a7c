//! Maglev hashing (Eisenbud and others, NSDI 2016; Envoy's `MaglevTable`): a table in which every replica has a share by its
//! weight, almost exactly; a key leads to its place. When a replica goes, the table is made anew, and few other keys move.

use std::sync::Arc;

use twox_hash::XxHash64;

use crate::base::random::Stream;

use super::{Ask, any};

/// Envoy's default: a prime.
const SIZE: u64 = 65_537;

/// The table of a service; the default is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maglev {
    table: Arc<[u32]>,
}

/// A replica that takes its places.
struct Taker {
    replica: u32,
    weight: u64,
    /// What its weights must have come to before it takes the next place.
    target: u64,
    place: u64,
    skip: u64,
}

impl Maglev {
    /// The table of replicas with their weights, which are above zero. They are called by their numbers.
    pub fn new(weights: &[(u32, u32)]) -> Maglev {
        let Some(most) = weights.iter().map(|(_, weight)| u64::from(*weight)).max() else { return Maglev::default() };
        let mut takers: Vec<Taker> = weights
            .iter()
            .map(|&(replica, weight)| {
                let name = replica.to_string();
                Taker {
                    replica,
                    weight: weight.into(),
                    target: 0,
                    place: XxHash64::oneshot(0, name.as_bytes()) % SIZE,
                    skip: XxHash64::oneshot(1, name.as_bytes()) % (SIZE - 1) + 1,
                }
            })
            .collect();
        let mut table = vec![u32::MAX; SIZE as usize];
        let (mut taken, mut round) = (0, 1);
        while taken < SIZE {
            for taker in &mut takers {
                if taken == SIZE || round * taker.weight < taker.target {
                    continue;
                }
                taker.target += most;
                while table[taker.place as usize] != u32::MAX {
                    taker.place = (taker.place + taker.skip) % SIZE;
                }
                table[taker.place as usize] = taker.replica;
                taken += 1;
            }
            round += 1;
        }
        Maglev { table: table.into() }
    }

    /// Whether nobody asked for it.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// How many places of the table a replica has.
    pub fn places(&self, replica: u32) -> usize {
        self.table.iter().filter(|owner| **owner == replica).count()
    }

    /// The replicas from the place of `hash` on, once around.
    fn from(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let (before, after) = self.table.split_at((hash % SIZE) as usize);
        after.iter().chain(before).copied()
    }
}

/// The replica of the key; the next one in the table where it may not be picked.
#[inline(never)]
pub(super) fn pick(ask: &Ask<'_>, stream: &mut Stream) -> u32 {
    let Some(key) = ask.key.filter(|_| !ask.fleet.maglev.is_empty()) else { return any(ask.up, stream) };
    let may = |replica: &u32| ask.up.binary_search(replica).is_ok();
    let found = ask.fleet.maglev.from(XxHash64::oneshot(0, &key.to_le_bytes())).find(may);
    found.unwrap_or_else(|| any(ask.up, stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_goes_moves_few_other_keys() {
        let all: Vec<(u32, u32)> = (0..10).map(|replica| (replica, 1)).collect();
        let (before, after) = (Maglev::new(&all), Maglev::new(&all[..9]));
        let moved = before.table.iter().zip(&*after.table).filter(|(old, new)| **old != 9 && old != new).count();
        // The paper's figure 12: with a table a hundred times the number of backends, few per cent.
        assert!(moved < SIZE as usize / 20, "{moved} of {SIZE}");
    }
}
