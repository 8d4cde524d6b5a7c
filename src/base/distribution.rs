//! Distributions of lengths of time, sampled by our own code on `libm`, so that the bits are the same
//! on every platform.

use super::random::Draws;
use super::time::Span;

/// A validated distribution of lengths of time.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Exponential with the given mean, in nanoseconds.
    Exponential {
        /// Mean in nanoseconds.
        mean: f64,
    },
}

impl Distribution {
    /// Zero, always.
    pub const ZERO: Distribution = Distribution::Constant(Span::ZERO);

    /// One sample, drawn from `draws`, rounded to the nearest nanosecond.
    #[inline]
    pub fn sample(&self, mut draws: Draws) -> Span {
        match self {
            Distribution::Constant(span) => *span,
            Distribution::Exponential { mean } => Span::from_nanos_f64(-libm::log(draws.next_uniform()) * mean),
        }
    }

    /// The value if it is always the same.
    pub fn constant(&self) -> Option<Span> {
        match self {
            Distribution::Constant(span) => Some(*span),
            Distribution::Exponential { .. } => None,
        }
    }

    /// Mean in nanoseconds; may be infinite (a Pareto with shape ≤ 1).
    pub fn mean_nanos(&self) -> f64 {
        match self {
            Distribution::Constant(span) => span.as_nanos() as f64,
            Distribution::Exponential { mean } => *mean,
        }
    }
}
