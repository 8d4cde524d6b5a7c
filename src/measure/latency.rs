//! Lengths of time, summarised: an exact mean, and quantiles from a histogram.

use hdrhistogram::Histogram;

use crate::base::time::Span;

/// Many lengths of time. Count, mean, minimum and maximum are exact; a quantile is off by at most
/// 0.4% or 32 ns, whichever is more (HDR histogram, two digits).
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u32>,
    /// Zero lengths are counted here: a queue that is short has little else.
    zeros: u64,
    sum_nanos: u128,
    min: Span,
    max: Span,
}

/// Lengths below this number of nanoseconds share one bucket.
const LOWEST_NANOS: u64 = 64;
/// Lengths above this number of nanoseconds (two hours) share one bucket; mean and maximum stay exact.
const HIGHEST_NANOS: u64 = 2 * 3_600 * 1_000_000_000;

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_NANOS, HIGHEST_NANOS, 2)
            .expect("the bounds are constants that HDR histograms accept");
        Latency { histogram, zeros: 0, sum_nanos: 0, min: Span::MAX, max: Span::ZERO }
    }
}

impl Latency {
    /// Adds one length.
    #[inline]
    pub fn record(&mut self, span: Span) {
        if span.is_zero() {
            self.zeros += 1;
            self.min = Span::ZERO;
            return;
        }
        self.histogram.saturating_record(span.as_nanos());
        self.sum_nanos += u128::from(span.as_nanos());
        self.min = self.min.min(span);
        self.max = self.max.max(span);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.zeros + self.histogram.len()
    }

    /// The mean, or `None` without a sample.
    pub fn mean(&self) -> Option<Span> {
        let count = u128::from(self.count());
        (count > 0).then(|| Span::from_nanos(((self.sum_nanos + count / 2) / count) as u64))
    }

    /// The exact sum in nanoseconds.
    pub fn sum_nanos(&self) -> u128 {
        self.sum_nanos
    }

    /// The smallest, or `None` without a sample.
    pub fn min(&self) -> Option<Span> {
        (self.count() > 0).then_some(self.min)
    }

    /// The largest, or `None` without a sample.
    pub fn max(&self) -> Option<Span> {
        (self.count() > 0).then_some(self.max)
    }

    /// The value at `quantile` (0..=1), the middle of its bucket, or `None` without a sample.
    pub fn quantile(&self, quantile: f64) -> Option<Span> {
        let count = self.count();
        // The rank that HDR histograms use: the smallest value that at least this share does not exceed.
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count.max(1));
        if count == 0 || rank <= self.zeros {
            return (count > 0).then_some(Span::ZERO);
        }
        let share = (rank - self.zeros) as f64 / self.histogram.len() as f64;
        let value = self.histogram.value_at_quantile(share);
        let middle = self.histogram.median_equivalent(value);
        Some(Span::from_nanos(middle).max(self.min).min(self.max))
    }

    /// Adds all lengths of `other`.
    pub fn merge(&mut self, other: &Latency) {
        self.histogram.add(&other.histogram).expect("all latencies have the same bounds");
        self.zeros += other.zeros;
        self.sum_nanos += other.sum_nanos;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.zeros = 0;
        self.sum_nanos = 0;
        self.min = Span::MAX;
        self.max = Span::ZERO;
    }
}
