//! Which partition a record goes to: by its key, or, without one, to where the others go for a while.
//!
//! Source: apache/kafka `BuiltInPartitioner` and `Utils.murmur2`.

use super::Partition;
use crate::base::units::Size;

/// How records without a key are spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unkeyed {
    /// One after the other (`RoundRobinPartitioner`).
    RoundRobin,
    /// All to one partition, until it has got a batch; then to any other, all alike.
    Sticky,
    /// The same, but partitions with fewer waiting batches are chosen more often
    /// (`partitioner.adaptive.partitioning.enable`).
    #[default]
    Adaptive,
}

/// Kafka's 32-bit murmur2 hash of `bytes`.
pub fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = bytes.len() as u32;
    let mut hash = 0x9747_b28c ^ length;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

/// The partition of a key given as text, of `partitions`, which is not 0.
pub fn partition_of_text(key: &[u8], partitions: u32) -> Partition {
    Partition((murmur2(key) & 0x7fff_ffff) % partitions)
}

/// The partition of a numbered key: that of the number's decimal text.
pub fn partition_of_key(key: u32, partitions: u32) -> Partition {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = key;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    partition_of_text(&digits[start..], partitions)
}

/// The partitioner of one producer for one topic.
#[derive(Clone, Debug)]
pub struct Partitioner {
    unkeyed: Unkeyed,
    partitions: u32,
    batch_bytes: u64,
    /// Where records without a key go now; `None` before the first.
    current: Option<Partition>,
    /// Bytes that went there since it was chosen.
    produced: u64,
    /// Weights of the partitions, added up; empty while all are alike.
    cumulative: Vec<u64>,
}

impl Partitioner {
    /// For a topic of `partitions`, not 0. `batch_size` is the producer's: so many bytes stick together.
    pub fn new(unkeyed: Unkeyed, partitions: u32, batch_size: Size) -> Partitioner {
        let batch_bytes = batch_size.as_bytes().max(1);
        Partitioner { unkeyed, partitions, batch_bytes, current: None, produced: 0, cumulative: Vec::new() }
    }

    /// Where the next record goes. `draw` is uniform in (0, 1); it is used only when a new partition is chosen at random.
    #[inline]
    pub fn choose(&mut self, key: Option<u32>, draw: impl FnOnce() -> f64) -> Partition {
        match (key, self.unkeyed, self.current) {
            (Some(key), ..) => partition_of_key(key, self.partitions),
            (None, Unkeyed::RoundRobin, last) => {
                let next = Partition(last.map_or(0, |last| (last.0 + 1) % self.partitions));
                self.current = Some(next);
                next
            }
            (None, _, Some(current)) => current,
            (None, _, None) => {
                let first = self.pick(draw());
                self.current = Some(first);
                first
            }
        }
    }

    /// A record without a key was put where [`Partitioner::choose`] said. `is_full` says whether the batch it went into
    /// takes no more: only then does the partition change, or when twice a batch has gone there. `queues` gives the
    /// waiting batches of each partition in order, and is asked only when that matters. `true` when the partition
    /// has changed.
    pub fn appended<Q: IntoIterator<Item = u32>>(
        &mut self,
        bytes: u64,
        is_full: bool,
        queues: impl FnOnce() -> Q,
        draw: impl FnOnce() -> f64,
    ) -> bool {
        if self.unkeyed == Unkeyed::RoundRobin {
            return false;
        }
        self.produced += bytes;
        let enough = self.produced >= self.batch_bytes && is_full;
        if !enough && self.produced < 2 * self.batch_bytes {
            return false;
        }
        if self.unkeyed == Unkeyed::Adaptive {
            self.weigh(queues());
        }
        self.current = Some(self.pick(draw()));
        self.produced = 0;
        true
    }

    /// Learns how many batches wait for each partition, in order. The more, the more rarely it is chosen:
    /// its weight is the longest queue and one, less its own.
    pub fn weigh(&mut self, queues: impl IntoIterator<Item = u32>) {
        self.cumulative.clear();
        self.cumulative.extend(queues.into_iter().map(u64::from));
        debug_assert_eq!(self.cumulative.len(), self.partitions as usize);
        let longest = self.cumulative.iter().copied().max().unwrap_or(0);
        if self.cumulative.iter().all(|queue| *queue == longest) {
            self.cumulative.clear();
            return;
        }
        let mut sum = 0;
        for entry in &mut self.cumulative {
            sum += longest + 1 - *entry;
            *entry = sum;
        }
    }

    /// The weights of the partitions as they are used now.
    pub fn weights(&self) -> Vec<u64> {
        if self.cumulative.is_empty() {
            return vec![1; self.partitions as usize];
        }
        let before = std::iter::once(&0).chain(&self.cumulative);
        self.cumulative.iter().zip(before).map(|(sum, before)| sum - before).collect()
    }

    fn pick(&self, draw: f64) -> Partition {
        let total = self.cumulative.last().copied().unwrap_or(u64::from(self.partitions));
        let ticket = ((draw * total as f64) as u64).min(total - 1);
        if self.cumulative.is_empty() {
            return Partition(ticket as u32);
        }
        Partition(self.cumulative.partition_point(|sum| *sum <= ticket) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_hashed_as_its_decimal_text() {
        for key in [0, 7, 10, 21, 4_294_967_295] {
            assert_eq!(partition_of_key(key, 1000), partition_of_text(key.to_string().as_bytes(), 1000));
        }
    }

    #[test]
    fn without_a_key_one_after_the_other() {
        let mut it = Partitioner::new(Unkeyed::RoundRobin, 3, Size::from_bytes(10));
        let found: Vec<u32> = (0..5).map(|_| it.choose(None, || 0.5).0).collect();
        assert_eq!(found, [0, 1, 2, 0, 1]);
        assert_eq!(it.choose(Some(21), || 0.5), partition_of_key(21, 3));
    }

    #[test]
    fn a_batch_that_is_not_full_keeps_the_partition_until_twice_its_size() {
        let mut it = Partitioner::new(Unkeyed::Sticky, 4, Size::from_bytes(10));
        assert_eq!(it.choose(None, || 0.3), Partition(1));
        let mut add = |bytes, is_full, draw| it.appended(bytes, is_full, Vec::new, || draw);
        assert!(!add(9, true, 0.9), "not enough");
        assert!(!add(10, false, 0.9), "enough, but not full");
        assert!(add(1, false, 0.9), "twice as much");
        assert_eq!(it.choose(None, || 0.0), Partition(3));
    }

    #[test]
    fn each_partition_is_drawn_as_often_as_it_weighs() {
        let mut it = Partitioner::new(Unkeyed::Adaptive, 3, Size::from_bytes(1));
        let mut found = [0; 3];
        for n in 0..8 {
            let draw = (f64::from(n) + 0.5) / 8.0;
            assert!(it.appended(1, true, || [0, 3, 1], || draw));
            found[it.choose(None, || 0.0).index()] += 1;
        }
        assert_eq!(found, [4, 1, 3]);
    }
}
