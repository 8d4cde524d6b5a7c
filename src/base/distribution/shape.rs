//! The shapes behind the names: how each is sampled, and its first two moments. Lengths are floats in
//! nanoseconds here; the parser has checked every parameter and worked out what a sample needs.

use super::empirical::Empirical;
use super::{Distribution, normal};
use crate::base::random::Draws;
use crate::base::time::Span;

/// A distribution that is neither constant nor exponential.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Between `low` and `low + width`.
    Uniform { low: f64, width: f64 },
    /// Normal; a negative sample becomes zero.
    Normal { mean: f64, sd: f64 },
    /// The exponential of a normal with these parameters.
    Lognormal { mu: f64, sigma: f64 },
    /// By its shape and scale.
    Gamma { shape: f64, scale: f64, sampler: GammaSampler },
    /// By its shape and scale.
    Weibull { shape: f64, scale: f64 },
    /// From `min` on, cut off at `max` (not piled up there) when given; `beyond` is the chance that was cut off.
    Pareto { min: f64, shape: f64, max: Option<f64>, beyond: f64 },
    /// Any of several, each with its chance. Chances sum to one.
    Mixture(Vec<(f64, Distribution)>),
    /// Measured values.
    Empirical(Empirical),
}

impl Shape {
    /// A Pareto distribution, cut off at `max` when given.
    pub(super) fn pareto(min: f64, shape: f64, max: Option<f64>) -> Shape {
        let beyond = max.map_or(0.0, |max| libm::pow(min / max, shape));
        Shape::Pareto { min, shape, max, beyond }
    }

    /// One sample. `u` below is the chance of a longer one.
    pub(super) fn sample(&self, draws: &mut Draws) -> Span {
        let nanos = match self {
            Shape::Uniform { low, width } => low + (1.0 - draws.next_uniform()) * width,
            Shape::Normal { mean, sd } => mean - sd * normal::quantile(draws.next_uniform()),
            Shape::Lognormal { mu, sigma } => libm::exp(mu - sigma * normal::quantile(draws.next_uniform())),
            Shape::Gamma { scale, sampler, .. } => scale * sampler.sample(draws),
            Shape::Weibull { shape, scale } => scale * libm::pow(-libm::log(draws.next_uniform()), 1.0 / shape),
            Shape::Pareto { min, shape, beyond, .. } => {
                // Cutting off leaves the chances above `beyond` only. A logarithm and an exponential take half the
                // time of a power.
                let u = beyond + draws.next_uniform() * (1.0 - beyond);
                min * libm::exp(-libm::log(u) / shape)
            }
            Shape::Mixture(parts) => return pick(parts, draws.next_uniform()).sample(*draws),
            Shape::Empirical(empirical) => return empirical.value(draws.next_uniform()),
        };
        // Negative becomes zero here.
        Span::from_nanos_f64(nanos)
    }

    /// Mean in nanoseconds.
    pub(super) fn mean(&self) -> f64 {
        match self {
            Shape::Uniform { low, width } => low + width / 2.0,
            Shape::Normal { mean, sd } => {
                let z = mean / sd;
                mean * normal::below(z) + sd * normal::density(z)
            }
            Shape::Lognormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Shape::Gamma { shape, scale, .. } => shape * scale,
            Shape::Weibull { shape, scale } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Shape::Pareto { min, shape, max, .. } => pareto_moment(*min, *shape, *max, 1.0),
            Shape::Mixture(parts) => expect(parts, Distribution::mean_nanos),
            Shape::Empirical(empirical) => empirical.mean(),
        }
    }

    /// Variance in square nanoseconds.
    pub(super) fn variance(&self) -> f64 {
        let mean = self.mean();
        match self {
            Shape::Uniform { width, .. } => width * width / 12.0,
            Shape::Normal { mean: centre, sd } => {
                let z = centre / sd;
                (centre * centre + sd * sd) * normal::below(z) + centre * sd * normal::density(z) - mean * mean
            }
            Shape::Lognormal { sigma, .. } => libm::expm1(sigma * sigma) * mean * mean,
            Shape::Gamma { shape, scale, .. } => shape * scale * scale,
            Shape::Weibull { shape, scale } => scale * scale * libm::tgamma(1.0 + 2.0 / shape) - mean * mean,
            Shape::Pareto { min, shape, max, .. } => match pareto_moment(*min, *shape, *max, 2.0) {
                second if second.is_finite() => second - mean * mean,
                infinite => infinite,
            },
            Shape::Mixture(parts) => expect(parts, |part| {
                let distance = part.mean_nanos() - mean;
                part.variance_nanos2() + distance * distance
            }),
            Shape::Empirical(empirical) => empirical.variance(),
        }
    }
}

/// The part that the chances up to `u` lead to.
fn pick(parts: &[(f64, Distribution)], mut u: f64) -> &Distribution {
    for (chance, part) in parts {
        if u < *chance {
            return part;
        }
        u -= chance;
    }
    // Chances may sum to a hair less than one.
    let likely = parts.iter().rfind(|(chance, _)| *chance > 0.0);
    &likely.expect("chances sum to one").1
}

/// The mean of `value` over the parts that can happen (of the others it may be infinite).
fn expect(parts: &[(f64, Distribution)], value: impl Fn(&Distribution) -> f64) -> f64 {
    parts.iter().filter(|(chance, _)| *chance > 0.0).map(|(chance, part)| chance * value(part)).sum()
}

/// The `k`-th moment: of the density `shape × minˢ ÷ xˢ⁺¹`, divided by its weight below `max`.
fn pareto_moment(min: f64, shape: f64, max: Option<f64>, k: f64) -> f64 {
    let power = libm::pow(min, k);
    let Some(max) = max else {
        return if shape > k { power * shape / (shape - k) } else { f64::INFINITY };
    };
    let length = libm::log(max / min);
    let growth = k - shape;
    let integral = if growth == 0.0 { length } else { libm::expm1(growth * length) / growth };
    power * shape * integral / -libm::expm1(-shape * length)
}

/// Samples gamma with scale 1: Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26
/// (2000), 363–372. About one and a twentieth rounds of one normal and one uniform number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GammaSampler {
    /// A shape below 1 is sampled as `shape + 1` and shrunk by `U^(1/shape)`.
    shrink: Option<f64>,
    d: f64,
    c: f64,
}

impl GammaSampler {
    pub(super) fn new(shape: f64) -> GammaSampler {
        let (shrink, shape) = if shape < 1.0 { (Some(1.0 / shape), shape + 1.0) } else { (None, shape) };
        let d = shape - 1.0 / 3.0;
        GammaSampler { shrink, d, c: 1.0 / libm::sqrt(9.0 * d) }
    }

    fn sample(&self, draws: &mut Draws) -> f64 {
        let shrink = self.shrink.map_or(1.0, |power| libm::pow(1.0 - draws.next_uniform(), power));
        loop {
            let x = -normal::quantile(draws.next_uniform());
            let cube_root = 1.0 + self.c * x;
            let v = cube_root * cube_root * cube_root;
            let u = draws.next_uniform();
            if v <= 0.0 {
                continue;
            }
            let squeezed = u < 1.0 - 0.0331 * (x * x) * (x * x);
            if squeezed || libm::log(u) < 0.5 * x * x + self.d * (1.0 - v + libm::log(v)) {
                return self.d * v * shrink;
            }
        }
    }
}
