//! A log-linear histogram: the layout of HDR histograms with seven significant bits, and nothing else.
//!
//! Recording stands in the middle of the kernel's hot path several times a request; this is the part of an HDR
//! histogram that a simulation needs, at a fifth of the instructions (the kernel benchmark is the measure).

use crate::base::time::Span;

/// Buckets per power of two, as a power of two: a bucket is at most 2⁻⁷ = 0.8% of its value wide.
const SUB_BITS: u32 = 7;
const SUBS: u64 = 1 << SUB_BITS;
/// Lengths are counted in units of 2⁶ = 64 ns.
const UNIT_BITS: u32 = 6;
/// Lengths from 2⁴³ ns (two and a half hours) on share the last bucket.
const LAST: u64 = (1 << (43 - UNIT_BITS)) - 1;
const BUCKETS: usize = index(LAST) + 1;

/// Counts of lengths of time, by size.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Box<[u32; BUCKETS]>,
}

/// Values below 2 × SUBS have a bucket each; from there on every power of two has SUBS buckets.
const fn index(units: u64) -> usize {
    let shift = (u64::BITS - (units | SUBS).leading_zeros()) - 1 - SUB_BITS;
    ((shift as u64 * SUBS) + (units >> shift)) as usize
}

/// The first value of a bucket, and how many values it holds, in units.
const fn range(index: usize) -> (u64, u64) {
    let index = index as u64;
    if index < 2 * SUBS {
        return (index, 1);
    }
    let shift = index / SUBS - 1;
    ((index - shift * SUBS) << shift, 1 << shift)
}

impl Histogram {
    pub(super) fn new() -> Histogram {
        let counts = vec![0; BUCKETS].into_boxed_slice();
        Histogram { counts: counts.try_into().expect("a slice of BUCKETS counts is an array of BUCKETS counts") }
    }

    /// Adds one length.
    #[inline]
    pub(super) fn record(&mut self, span: Span) {
        let bucket = index(span.as_nanos() >> UNIT_BITS).min(BUCKETS - 1);
        let count = &mut self.counts[bucket];
        *count = count.saturating_add(1);
    }

    /// The middle of the bucket that holds the `rank`-th smallest length, the first being 1.
    pub(super) fn at_rank(&self, rank: u64) -> Span {
        let mut seen = 0;
        let found = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        });
        let (first, width) = range(found.unwrap_or(BUCKETS - 1));
        Span::from_nanos((first << UNIT_BITS) + (width << UNIT_BITS) / 2)
    }

    /// How many lengths lie in the bucket of each of `bounds`, which ascend, or below.
    pub(super) fn counts_up_to(&self, bounds: &[Span]) -> Vec<u64> {
        let (mut next, mut sum) = (0, 0);
        let up_to = |bound: &Span| {
            let end = index(bound.as_nanos() >> UNIT_BITS).min(BUCKETS - 1) + 1;
            sum += self.counts[next..end].iter().map(|count| u64::from(*count)).sum::<u64>();
            next = end;
            sum
        };
        bounds.iter().map(up_to).collect()
    }

    /// Adds all lengths of `other`.
    pub(super) fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count = count.saturating_add(*more);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_begins_where_the_one_before_ends() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let (first, width) = range(bucket);
            assert_eq!(first, next, "bucket {bucket}");
            assert_eq!(index(first), bucket);
            assert_eq!(index(first + width - 1), bucket);
            assert!(first < SUBS || width as f64 <= first as f64 / SUBS as f64, "bucket {bucket} is too wide");
            next = first + width;
        }
        assert_eq!(next, LAST + 1);
    }

    #[test]
    fn what_is_as_long_as_a_bound_is_counted_there() {
        let mut histogram = Histogram::new();
        [1, 5, 5, 6, 70].into_iter().for_each(|n| histogram.record(Span::from_millis(n)));
        let bounds = [1, 5, 10, 50, 100].map(Span::from_millis);
        assert_eq!(histogram.counts_up_to(&bounds), [1, 3, 4, 4, 5]);
    }

    #[test]
    fn ranks_are_found_to_half_a_bucket() {
        let mut histogram = Histogram::new();
        (1..=1000).for_each(|n| histogram.record(Span::from_micros(n)));
        for rank in [1, 10, 500, 990, 1000] {
            let (got, expected) = (histogram.at_rank(rank).as_nanos() as f64, rank as f64 * 1000.0);
            assert!((got - expected).abs() <= expected / 256.0 + 32.0, "{rank}: {got}");
        }
    }
}
