//! Lengths of time, summarised: an exact mean, and quantiles from a histogram.

use crate::base::time::Span;

use super::histogram::Histogram;
use super::sums::LengthSeries;

/// Many lengths of time. Count, mean, minimum and maximum are exact; a quantile is off by at most
/// 0.4% or 32 ns, whichever is more (the middle of a bucket of a log-linear histogram).
#[derive(Clone, Debug)]
pub struct Latency {
    /// Made with the first sample: most of the thousands in a large model never get one.
    histogram: Option<Histogram>,
    /// Zero lengths are counted here: a queue that is short has little else.
    zeros: u64,
    /// Lengths that are not zero.
    count: u64,
    sum_nanos: u128,
    min: Span,
    max: Span,
}

/// How far a [`Latency`] had come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    sum_nanos: u128,
    count: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { histogram: None, zeros: 0, count: 0, sum_nanos: 0, min: Span::MAX, max: Span::ZERO }
    }
}

impl Latency {
    /// Adds one length.
    #[inline(always)]
    pub fn record(&mut self, span: Span) {
        if span.is_zero() {
            self.zeros += 1;
            self.min = Span::ZERO;
            return;
        }
        let Some(histogram) = &mut self.histogram else { return self.record_first(span) };
        histogram.record(span);
        self.count += 1;
        self.sum_nanos += u128::from(span.as_nanos());
        // Rarely so: cheaper than to store them anew each time.
        if span < self.min {
            self.min = span;
        }
        if span > self.max {
            self.max = span;
        }
    }

    #[cold]
    #[inline(never)]
    fn record_first(&mut self, span: Span) {
        self.histogram = Some(Histogram::new());
        self.record(span);
    }

    /// Adds `count` zero lengths.
    pub(super) fn record_zeros(&mut self, count: u64) {
        self.zeros += count;
        if count > 0 {
            self.min = Span::ZERO;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.zeros + self.count
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
        let middle = self.histogram.as_ref()?.at_rank(rank - self.zeros);
        Some(middle.max(self.min).min(self.max))
    }

    /// How many are at most as long as each of `bounds`, which ascend. A length up to 0.8% or 64 ns above a bound, whichever
    /// is more, counts as at most that: they share a bucket.
    pub fn counts_up_to(&self, bounds: &[Span]) -> Vec<u64> {
        let counts = self.histogram.as_ref().map_or_else(|| vec![0; bounds.len()], |it| it.counts_up_to(bounds));
        counts.into_iter().map(|count| self.zeros + count).collect()
    }

    /// Adds all lengths of `other`.
    pub fn merge(&mut self, other: &Latency) {
        if let Some(histogram) = &other.histogram {
            self.histogram.get_or_insert_with(Histogram::new).merge(histogram);
        }
        self.count += other.count;
        self.zeros += other.zeros;
        self.sum_nanos += other.sum_nanos;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Puts what it and `zeros` have more than at `mark` into `series`, and moves the mark here.
    pub(super) fn add_point(&self, zeros: u64, mark: &mut Mark, series: &mut LengthSeries) {
        let here = Mark { sum_nanos: self.sum_nanos, count: self.count() + zeros };
        series.secs.push((here.sum_nanos - mark.sum_nanos) as f64 / 1e9);
        series.count.push(here.count - mark.count);
        *mark = here;
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.clear();
        }
        self.zeros = 0;
        self.count = 0;
        self.sum_nanos = 0;
        self.min = Span::MAX;
        self.max = Span::ZERO;
    }
}
