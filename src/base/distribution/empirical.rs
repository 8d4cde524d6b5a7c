//! What was measured, drawn again: the values of a sample, each by its weight.
//!
//! Equal weights take one multiplication to find a value, whatever their number; others a binary search.

use std::sync::Arc;

use crate::base::time::Span;

/// Values by falling length, so that the chance of a longer one leads to its place. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Empirical {
    /// Longest first; at least one.
    values: Arc<[Span]>,
    /// The weight of each value and all longer ones together; `None` when all weigh the same.
    cumulated: Option<Arc<[f64]>>,
    /// In nanoseconds.
    mean: f64,
    /// Of the population, in square nanoseconds.
    variance: f64,
}

impl Empirical {
    /// `None` unless weights are finite, not negative, and sum to a finite number above zero. The order of `samples`
    /// does not matter.
    pub(super) fn new(mut samples: Vec<(Span, f64)>) -> Option<Empirical> {
        if samples.iter().any(|(_, weight)| !weight.is_finite() || *weight < 0.0) {
            return None;
        }
        samples.retain(|(_, weight)| *weight > 0.0);
        samples.sort_by(|(a, v), (b, w)| b.cmp(a).then(v.total_cmp(w)));
        let cumulated: Arc<[f64]> = samples
            .iter()
            .scan(0.0, |sum, (_, weight)| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let total = *cumulated.last()?;
        if !total.is_finite() {
            return None;
        }
        let is_even = samples.iter().all(|(_, weight)| *weight == samples[0].1);
        // Equal weights count as one each: sums of whole nanoseconds stay exact.
        let (unit, units) = if is_even { (samples[0].1, samples.len() as f64) } else { (total, 1.0) };
        let expect = |value: &dyn Fn(f64) -> f64| {
            samples.iter().map(|(span, weight)| weight / unit * value(span.as_nanos() as f64)).sum::<f64>() / units
        };
        let mean = expect(&|nanos| nanos);
        let variance = expect(&|nanos| (nanos - mean) * (nanos - mean));
        Some(Empirical {
            values: samples.iter().map(|(span, _)| *span).collect(),
            cumulated: (!is_even).then_some(cumulated),
            mean,
            variance,
        })
    }

    /// The value of which a share `u` of the weight is longer; 0 < `u` < 1.
    pub(super) fn value(&self, u: f64) -> Span {
        let place = match &self.cumulated {
            None => (u * self.values.len() as f64) as usize,
            Some(cumulated) => {
                let weight = u * cumulated[cumulated.len() - 1];
                cumulated.partition_point(|longer| *longer <= weight)
            }
        };
        // A product may be rounded up to the whole.
        self.values[place.min(self.values.len() - 1)]
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    pub(super) fn variance(&self) -> f64 {
        self.variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[(u64, f64)]) -> Option<Empirical> {
        Empirical::new(samples.iter().map(|(nanos, weight)| (Span::from_nanos(*nanos), *weight)).collect())
    }

    fn values(empirical: &Empirical, draws: &[f64]) -> Vec<u64> {
        draws.iter().map(|u| empirical.value(*u).as_nanos()).collect()
    }

    #[test]
    fn a_draw_is_the_chance_of_a_longer_one() {
        let even = of(&[(3, 2.0), (1, 2.0), (4, 2.0), (2, 2.0)]).unwrap();
        assert!(even.cumulated.is_none());
        assert_eq!(values(&even, &[1e-16, 0.249, 0.25, 0.5, 0.76, 1.0 - 1e-16]), [4, 4, 3, 2, 1, 1]);
        let uneven = of(&[(10, 1.0), (20, 6.0), (30, 1.0), (40, 0.0)]).unwrap();
        assert_eq!(values(&uneven, &[1e-16, 0.124, 0.125, 0.874, 0.875, 1.0 - 1e-16]), [30, 30, 20, 20, 10, 10]);
    }

    #[test]
    fn weights_that_cannot_be_drawn_by_are_refused() {
        for weights in [&[][..], &[0.0, 0.0], &[1.0, -1.0], &[1.0, f64::NAN], &[f64::INFINITY], &[f64::MAX, f64::MAX]] {
            assert_eq!(of(&weights.iter().map(|weight| (1, *weight)).collect::<Vec<_>>()), None, "{weights:?}");
        }
        // The smallest weight of all: its product with a draw is rounded up.
        assert_eq!(values(&of(&[(7, 5e-324), (8, 1e-323)]).unwrap(), &[1.0 - 1e-16]), [7]);
    }

    #[test]
    fn the_order_of_a_file_does_not_matter() {
        let rows = [(5, 0.1), (5, 0.7), (1, 0.3), (9, 0.2)];
        let mut turned = rows;
        turned.reverse();
        assert_eq!(of(&rows), of(&turned));
    }
}
