//! Distributions of lengths of time, sampled by our own code on `libm`, so that the bits are the same
//! on every platform.
//!
//! A sample is a pure function of its [`Draws`]. Wherever the inverse of the distribution function is at
//! hand, one uniform number makes one sample and is the chance of a longer one: the same draw is a
//! bad one under every distribution and every parameter, which is what makes common random numbers sharp.
//! Gamma (Marsaglia–Tsang) and mixtures take a few draws more.

mod empirical;
mod normal;
mod parse;
mod shape;
mod size;

use std::fmt;
use std::str::FromStr;

use super::logarithm::neg_ln_unit;
use super::random::Draws;
use super::time::Span;
use super::units::ParseError;
use empirical::Empirical;
use shape::Shape;

pub use parse::{Files, NAMES};
pub use size::SizeDistribution;

/// What a distribution is of. One of it counts as a nanosecond inside.
trait Quantity: FromStr<Err = ParseError> + fmt::Display + Copy + PartialOrd {
    /// "length of time", and in short "time".
    const BARE: &'static str;
    const SHORT: &'static str;
    /// One that can be read.
    const EXAMPLE: &'static str;
    /// "shorter" and "longer".
    const LESS: &'static str;
    const MORE: &'static str;
    /// The names of distributions, each with an example of its use.
    const USAGES: &'static [(&'static str, &'static str)];
    fn count(self) -> u64;
    fn of_count(count: u64) -> Self;
}

impl Quantity for Span {
    const BARE: &'static str = "length of time";
    const SHORT: &'static str = "time";
    const EXAMPLE: &'static str = "5ms";
    const LESS: &'static str = "shorter";
    const MORE: &'static str = "longer";
    const USAGES: &'static [(&'static str, &'static str)] = &NAMES;

    fn count(self) -> u64 {
        self.as_nanos()
    }

    fn of_count(count: u64) -> Span {
        Span::from_nanos(count)
    }
}

/// A validated distribution of lengths of time. It is made from its text; [`NAMES`] lists the shapes. One of measured
/// values needs a file as well: [`Distribution::parse_with`].
///
/// ```
/// use brownout::base::distribution::Distribution;
/// use brownout::base::random::Key;
///
/// let work: Distribution = "lognormal(p50=5ms, p99=40ms)".parse()?;
/// let request = Key::root(1, "workload/shoppers").child(0);
/// assert_eq!(work.sample(request.draws()), work.sample(request.draws()));
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Exponential with the given mean, in nanoseconds.
    Exponential {
        /// Mean in nanoseconds.
        mean: f64,
    },
    /// Any other shape.
    Shaped(Box<Shaped>),
}

/// A distribution with parameters that were worked out when it was parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shaped {
    /// As its author would write it today.
    text: String,
    shape: Shape,
}

impl Distribution {
    /// Zero, always.
    pub const ZERO: Distribution = Distribution::Constant(Span::ZERO);

    /// Exponential with the given mean.
    pub fn exponential(mean: Span) -> Distribution {
        Distribution::Exponential { mean: mean.as_nanos() as f64 }
    }

    /// One of `samples`, each a value and its weight, in any order. `text` is how the distribution is written, such as
    /// `empirical("latencies.csv", unit=1ms)`. `None` when there are no samples, when a weight is negative or not
    /// finite, or when all weights together are zero or not finite.
    pub fn empirical(text: String, samples: Vec<(Span, f64)>) -> Option<Distribution> {
        let shape = Shape::Empirical(Empirical::new(samples)?);
        Some(Distribution::Shaped(Box::new(Shaped { text, shape })))
    }

    /// One sample, drawn from `draws`, rounded to the nearest nanosecond.
    #[inline]
    pub fn sample(&self, mut draws: Draws) -> Span {
        match self {
            Distribution::Constant(span) => *span,
            Distribution::Exponential { mean } => Span::from_nanos_f64(neg_ln_unit(draws.next_u64()) * mean),
            Distribution::Shaped(shaped) => shaped.sample(draws),
        }
    }

    /// The value if it is always the same.
    #[inline]
    pub fn constant(&self) -> Option<Span> {
        match self {
            Distribution::Constant(span) => Some(*span),
            Distribution::Exponential { .. } | Distribution::Shaped(_) => None,
        }
    }

    /// Mean in nanoseconds; may be infinite (a Pareto with shape ≤ 1).
    pub fn mean_nanos(&self) -> f64 {
        match self {
            Distribution::Constant(span) => span.as_nanos() as f64,
            Distribution::Exponential { mean } => *mean,
            Distribution::Shaped(shaped) => shaped.shape.mean(),
        }
    }

    /// Variance in square nanoseconds; may be infinite (a Pareto with shape ≤ 2).
    pub fn variance_nanos2(&self) -> f64 {
        match self {
            Distribution::Constant(_) => 0.0,
            Distribution::Exponential { mean } => mean * mean,
            Distribution::Shaped(shaped) => shaped.shape.variance(),
        }
    }

    /// As one writes it who means `Q`.
    fn text_of<Q: Quantity>(&self) -> String {
        match self {
            Distribution::Constant(span) => Q::of_count(span.as_nanos()).to_string(),
            Distribution::Exponential { mean } => format!("exp({})", Q::of_count(*mean as u64)),
            Distribution::Shaped(shaped) => shaped.text.clone(),
        }
    }

    /// Squared coefficient of variation: variance ÷ mean². Zero when always the same.
    pub fn scv(&self) -> f64 {
        let (mean, variance) = (self.mean_nanos(), self.variance_nanos2());
        if variance == 0.0 { 0.0 } else { variance / (mean * mean) }
    }
}

impl Shaped {
    /// Out of line, so that the cheap shapes stay small where they are inlined.
    #[inline(never)]
    fn sample(&self, mut draws: Draws) -> Span {
        self.shape.sample(&mut draws)
    }
}

/// Parses back to the same distribution, with the same files.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text_of::<Span>())
    }
}
