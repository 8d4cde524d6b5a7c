//! Distributions of keys: which of many things somebody asks for. Keys are numbers from 0 on, and 0 is the one that
//! is asked for most.
//!
//! A sample takes the same time and no memory, however many keys there are. The first uniform number is the chance
//! of a colder key, as the draws of lengths of time are chances of longer ones.

use std::fmt;
use std::str::FromStr;

use super::call::{Arg, Call};
use super::random::Draws;
use super::suggest::did_you_mean;
use super::units::{Count, Number, ParseError};

/// The names of distributions of keys, each with an example of its use.
pub const NAMES: [(&str, &str); 2] = [("zipf", "zipf(1.0, 20000)"), ("uniform", "uniform(20000)")];

/// More keys than this are refused.
pub const COUNT_MAX: u32 = 100_000_000;
/// A larger exponent of Zipf's law is refused.
const EXPONENT_MAX: f64 = 10.0;

/// A validated distribution of keys. It is made from its text; [`NAMES`] lists the kinds.
///
/// ```
/// use brownout::base::keys::KeyDistribution;
/// use brownout::base::random::Key;
///
/// let products: KeyDistribution = "zipf(1.0, 20000)".parse()?;
/// let request = Key::root(1, "workload/shoppers").child(0);
/// assert!(products.sample(request.draws()) < products.count());
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDistribution {
    /// At least 1.
    count: u32,
    /// `None` where all keys are alike.
    zipf: Option<Zipf>,
}

impl KeyDistribution {
    /// How many keys there are: all are below it.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// One key, drawn from `draws`. Out of line: most requests have none.
    #[inline(never)]
    pub fn sample(&self, mut draws: Draws) -> u32 {
        match &self.zipf {
            None => {
                let colder = (draws.next_uniform() * f64::from(self.count)) as u32;
                // A product may be rounded up to the whole.
                self.count - 1 - colder.min(self.count - 1)
            }
            Some(zipf) => zipf.sample(f64::from(self.count), &mut draws),
        }
    }
}

/// Zipf's law: key k is drawn with a chance in proportion to (k + 1)^−s. Sampled by rejection-inversion: W. Hörmann
/// and G. Derflinger, Rejection-inversion to generate variates from monotone discrete distributions, ACM TOMACS 6
/// (1996), 169–184. Ranks count from 1 there, and so they do here.
#[derive(Clone, Debug, PartialEq)]
struct Zipf {
    /// s.
    exponent: f64,
    /// H(1.5) − h(1): the whole of rank 1 lies below the curve, and is never rejected.
    from: f64,
    /// H(n + 0.5).
    until: f64,
    /// As far as this behind its point a rank is taken without another look.
    squeeze: f64,
}

impl Zipf {
    fn new(exponent: f64, count: u32) -> Zipf {
        let mut zipf = Zipf { exponent, from: 0.0, until: 0.0, squeeze: 0.0 };
        zipf.from = zipf.integral(1.5) - 1.0;
        zipf.until = zipf.integral(f64::from(count) + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        zipf
    }

    fn sample(&self, count: f64, draws: &mut Draws) -> u32 {
        loop {
            let area = self.until + draws.next_uniform() * (self.from - self.until);
            let point = self.inverse(area);
            let rank = libm::floor(point + 0.5).clamp(1.0, count);
            if rank - point <= self.squeeze || area >= self.integral(rank + 0.5) - self.weight(rank) {
                return rank as u32 - 1;
            }
        }
    }

    /// h(x) = x^−s.
    fn weight(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// H(x) = (x^(1−s) − 1) ÷ (1 − s), the integral of h from 1 to x; ln x for s = 1.
    fn integral(&self, x: f64) -> f64 {
        let log = libm::log(x);
        log * expm1_ratio((1.0 - self.exponent) * log)
    }

    /// The inverse of H.
    fn inverse(&self, area: f64) -> f64 {
        // Below −1 it is by rounding only.
        let t = (area * (1.0 - self.exponent)).max(-1.0);
        libm::exp(area * ln_1p_ratio(t))
    }
}

/// (eˣ − 1) ÷ x, and 1 for x = 0.
fn expm1_ratio(x: f64) -> f64 {
    if x.abs() > 1e-8 { libm::expm1(x) / x } else { 1.0 + x / 2.0 }
}

/// ln(1 + x) ÷ x, and 1 for x = 0.
fn ln_1p_ratio(x: f64) -> f64 {
    if x.abs() > 1e-8 { libm::log1p(x) / x } else { 1.0 - x / 2.0 }
}

/// `zipf(exponent, keys)` or `uniform(keys)`.
impl FromStr for KeyDistribution {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<KeyDistribution, ParseError> {
        let word = text.split('(').next().unwrap_or(text).trim();
        let Some((name, usage)) = NAMES.iter().find(|(name, _)| *name == word) else { return Err(unknown(text, word)) };
        let call = Call::parse(text).map_err(|fault| match fault.hint {
            Some(_) if text.contains('(') => fault,
            _ => fault.hint(format!("write for example `{usage}`")),
        })?;
        let positional: &[&str] = if *name == "zipf" { &["exponent", "keys"] } else { &["keys"] };
        let bound = call.bind(positional, &[], usage)?;
        let exponent = bound.get("exponent").map(exponent).transpose()?;
        let count = count(bound.need("keys")?)?;
        Ok(KeyDistribution { count, zipf: exponent.map(|exponent| Zipf::new(exponent, count)) })
    }
}

fn exponent(arg: &Arg<'_>) -> Result<f64, ParseError> {
    let exponent = arg.parse::<Number>()?.as_f64();
    if exponent > EXPONENT_MAX {
        let message = format!("the exponent must lie between 0 and {EXPONENT_MAX}");
        return Err(ParseError::new(arg.value_range.clone(), message)
            .hint("the exponent stands first, as in `zipf(1.0, 20000)`; most of what was measured lies near 1"));
    }
    Ok(exponent)
}

fn count(arg: &Arg<'_>) -> Result<u32, ParseError> {
    let too_many = || {
        ParseError::new(arg.value_range.clone(), "there are too many keys").hint(format!("write at most `{COUNT_MAX}`"))
    };
    let is_whole = arg.value.chars().all(|c| c.is_ascii_digit());
    let Count(count) = arg.parse().map_err(|fault| if is_whole { too_many() } else { fault })?;
    match count {
        0 => Err(ParseError::new(arg.value_range.clone(), "there is at least one key").hint("write `1` or more")),
        1..=COUNT_MAX => Ok(count),
        _ => Err(too_many()),
    }
}

fn unknown(text: &str, word: &str) -> ParseError {
    let likely = match word.to_lowercase().as_str() {
        "zipfian" | "zeta" | "powerlaw" | "power-law" | "power_law" | "pareto" | "hot" | "skewed" => Some("zipf"),
        "random" | "even" | "flat" => Some("uniform"),
        _ => did_you_mean(word, NAMES.iter().map(|(name, _)| *name)),
    };
    let hint = match NAMES.iter().find(|(name, _)| Some(*name) == likely) {
        Some((_, usage)) => format!("did you mean `{usage}`?"),
        None => format!("write `{}` or `{}`", NAMES[0].1, NAMES[1].1),
    };
    match Call::parse(text) {
        Ok(call) => ParseError::new(call.name_range, format!("unknown distribution of keys `{word}`")),
        Err(_) => ParseError::new(0..text.len(), format!("expected a distribution of keys, found `{text}`")),
    }
    .hint(hint)
}

/// Parses back to the same distribution.
impl fmt::Display for KeyDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zipf {
            None => f.pad(&format!("uniform({})", self.count)),
            Some(zipf) => f.pad(&format!("zipf({}, {})", zipf.exponent, self.count)),
        }
    }
}
