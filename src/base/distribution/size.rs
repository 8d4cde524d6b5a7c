//! Distributions of amounts of data: the same shapes, with sizes where times would stand.

use std::fmt;
use std::str::FromStr;

use super::{Distribution, Quantity};
use crate::base::random::Draws;
use crate::base::units::{ParseError, Size};

/// The names of distributions, each with an example of its use. What was measured in a file is a time, never a size.
const NAMES: [(&str, &str); 10] = [
    ("exp", "exp(2KiB)"),
    ("uniform", "uniform(1KiB, 4KiB)"),
    ("normal", "normal(mean=8KiB, sd=1KiB)"),
    ("lognormal", "lognormal(p50=2KiB, p99=64KiB)"),
    ("gamma", "gamma(mean=2KiB, cv=0.5)"),
    ("erlang", "erlang(3, 2KiB)"),
    ("weibull", "weibull(mean=2KiB, shape=1.5)"),
    ("pareto", "pareto(min=1KiB, shape=2.5, max=1MiB)"),
    ("hyperexp", "hyperexp(90% 1KiB, 10% 64KiB)"),
    ("mix", "mix(90% exp(1KiB), 10% 64KiB)"),
];

impl Quantity for Size {
    const BARE: &'static str = "size";
    const SHORT: &'static str = "size";
    const EXAMPLE: &'static str = "2KiB";
    const LESS: &'static str = "smaller";
    const MORE: &'static str = "larger";
    const USAGES: &'static [(&'static str, &'static str)] = &NAMES;

    fn count(self) -> u64 {
        self.as_bytes()
    }

    fn of_count(count: u64) -> Size {
        Size::from_bytes(count)
    }
}

/// A validated distribution of sizes, made from its text.
///
/// ```
/// use brownout::base::distribution::SizeDistribution;
/// use brownout::base::random::Key;
///
/// let answers: SizeDistribution = "lognormal(p50=2KiB, p99=64KiB)".parse()?;
/// let request = Key::root(1, "workload/shoppers").child(0);
/// assert_eq!(answers.sample(request.draws()), answers.sample(request.draws()));
/// assert_eq!("1536B".parse::<SizeDistribution>()?.mean_bytes(), 1536.0);
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SizeDistribution(Distribution);

impl SizeDistribution {
    /// Nothing, always.
    pub const ZERO: SizeDistribution = SizeDistribution(Distribution::ZERO);

    /// One sample, drawn from `draws`, rounded to the nearest byte.
    #[inline]
    pub fn sample(&self, draws: Draws) -> Size {
        Size::from_bytes(self.0.sample(draws).as_nanos())
    }

    /// The value if it is always the same.
    pub fn constant(&self) -> Option<Size> {
        self.0.constant().map(|count| Size::from_bytes(count.as_nanos()))
    }

    /// Mean in bytes; may be infinite (a Pareto with shape ≤ 1).
    pub fn mean_bytes(&self) -> f64 {
        self.0.mean_nanos()
    }
}

impl Default for SizeDistribution {
    fn default() -> Self {
        SizeDistribution::ZERO
    }
}

/// A bare size (`"2KiB"`) is constant; the rest is a name with arguments, as for times.
impl FromStr for SizeDistribution {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<SizeDistribution, ParseError> {
        let no_files = &mut |call: &crate::base::call::Call<'_>| {
            Err(ParseError::new(call.name_range.clone(), "sizes are not read from files"))
        };
        super::parse::parse_of::<Size>(text, no_files).map(SizeDistribution)
    }
}

/// Parses back to the same distribution.
impl fmt::Display for SizeDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text_of::<Size>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_back() {
        for text in ["2KiB", "exp(2KiB)", "lognormal(p50=2KiB, p99=64KiB)", "mix(90% exp(1KiB), 10% 64KiB)"] {
            let sizes: SizeDistribution = text.parse().unwrap();
            assert_eq!(sizes.to_string(), text);
        }
        let mix: SizeDistribution = "mix(50% 1KiB, 50% 3KiB)".parse().unwrap();
        assert_eq!(mix.mean_bytes(), 2048.0);
    }

    #[test]
    fn errors_speak_of_sizes() {
        let fault = |text: &str| text.parse::<SizeDistribution>().unwrap_err();
        assert_eq!(fault("exp(2ms)").hint.as_deref(), Some("units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB"));
        assert_eq!(fault("uniform(4KiB, 1KiB)").message, "the first bound must be smaller than the second");
        assert_eq!(fault("exp(0B)").message, "the size must be larger than zero");
        assert_eq!(fault("big").message, "expected a size or a distribution, found `big`");
        assert!(fault("empirical(\"sizes.csv\")").message.contains("unknown distribution"));
    }
}
