//! Distributions as text: a bare length of time (or size), or a name and its arguments. One way to say each.
//!
//! What stands in a file (`empirical(..)`) is the caller's to read: nothing here opens one.

use std::marker::PhantomData;
use std::ops::Range;
use std::str::FromStr;

use super::shape::{GammaSampler, Shape};
use super::{Distribution, Quantity, Shaped, normal};
use crate::base::call::{Arg, Bound, Call};
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Count, Number, ParseError, Share};

/// The names of distributions, each with an example of its use.
pub const NAMES: [(&str, &str); 11] = [
    ("exp", "exp(5ms)"),
    ("uniform", "uniform(1ms, 3ms)"),
    ("normal", "normal(mean=5ms, sd=1ms)"),
    ("lognormal", "lognormal(p50=5ms, p99=40ms)"),
    ("gamma", "gamma(mean=5ms, cv=0.5)"),
    ("erlang", "erlang(3, 5ms)"),
    ("weibull", "weibull(mean=5ms, shape=1.5)"),
    ("pareto", "pareto(min=1ms, shape=2.5, max=10s)"),
    ("hyperexp", "hyperexp(90% 5ms, 10% 50ms)"),
    ("mix", "mix(90% exp(5ms), 10% 50ms)"),
    ("empirical", "empirical(\"latencies.csv\", unit=1ms)"),
];

/// Makes a distribution of a call of `empirical`, whose arguments nobody has looked at yet.
pub type Files<'f> = dyn FnMut(&Call<'_>) -> Result<Distribution, ParseError> + 'f;

/// A bare length of time (`"5ms"`) is constant; the rest is a name with arguments, as in [`NAMES`]. There are no files
/// here, so `empirical(..)` is refused.
impl FromStr for Distribution {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Distribution, ParseError> {
        Distribution::parse_with(text, &mut |call| {
            Err(ParseError::new(call.name_range.clone(), "a file can be named only in a scenario"))
        })
    }
}

impl Distribution {
    /// Reads `text` as [`FromStr`] does, and asks `files` for every `empirical(..)` in it, also inside `mix(..)`. The
    /// ranges of the call that `files` gets, and of the fault that it may return, count from the start of that call;
    /// a fault of `parse_with` itself points into `text`.
    ///
    /// ```
    /// use brownout::base::distribution::Distribution;
    /// use brownout::base::time::Span;
    ///
    /// let text = "mix(90% exp(5ms), 10% empirical(\"slow.csv\"))";
    /// let found = Distribution::parse_with(text, &mut |call| {
    ///     let text = format!("empirical({})", call.args[0].value);
    ///     let samples = vec![(Span::from_millis(40), 1.0), (Span::from_millis(60), 1.0)];
    ///     Ok(Distribution::empirical(text, samples).expect("two samples of equal weight"))
    /// })?;
    /// assert_eq!((found.to_string().as_str(), found.mean_nanos()), (text, 9.5e6));
    /// # Ok::<(), brownout::base::units::ParseError>(())
    /// ```
    pub fn parse_with(text: &str, files: &mut Files<'_>) -> Result<Distribution, ParseError> {
        parse_of::<Span>(text, files)
    }
}

/// Reads `text` as a distribution of `Q`, one of which counts as a nanosecond.
pub(super) fn parse_of<Q: Quantity>(text: &str, files: &mut Files<'_>) -> Result<Distribution, ParseError> {
    let word = text.split('(').next().unwrap_or(text).trim();
    if !text.contains('(') && usage::<Q>(word).is_none() {
        return match text.parse::<Q>() {
            Ok(quantity) => Ok(Distribution::Constant(Span::from_nanos(quantity.count()))),
            Err(fault) if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_not_finite(word) => {
                let message = format!("expected a {} or a distribution, found `{text}`", Q::BARE);
                Err(ParseError { message, ..unknown_hint::<Q>(word, fault) })
            }
            Err(fault) => Err(fault),
        };
    }
    let Some(usage) = usage::<Q>(word) else {
        let call = Call::parse(text)?;
        let fault = ParseError::new(call.name_range, format!("unknown distribution `{word}`"));
        return Err(unknown_hint::<Q>(word, fault));
    };
    let call = Call::parse(text).map_err(|fault| match fault.hint {
        Some(_) => fault,
        None => fault.hint(format!("write for example `{usage}`")),
    })?;
    Reader::<Q> { call: &call, usage, quantity: PhantomData }.read(files)
}

fn usage<Q: Quantity>(name: &str) -> Option<&'static str> {
    Q::USAGES.iter().find(|(known, _)| *known == name).map(|(_, usage)| *usage)
}

fn is_not_finite(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "nan" | "inf" | "infinity")
}

fn unknown_hint<Q: Quantity>(word: &str, fault: ParseError) -> ParseError {
    let names = || Q::USAGES.iter().map(|(name, _)| *name);
    let likely = match word.to_lowercase().as_str() {
        "const" | "constant" | "fixed" | "deterministic" => {
            return fault.hint(format!("a constant is written as a bare {}, such as `{}`", Q::BARE, Q::EXAMPLE));
        }
        "exponential" => Some("exp"),
        "gaussian" | "gauss" => Some("normal"),
        "hyperexponential" => Some("hyperexp"),
        "mixture" | "bimodal" => Some("mix"),
        "file" | "csv" | "measured" | "histogram" => Some("empirical"),
        _ => did_you_mean(word, names()),
    };
    match likely {
        Some(name) => fault.hint(format!("did you mean `{}`?", usage::<Q>(name).unwrap_or(name))),
        None => fault.hint(format!(
            "write a {} such as `{}`, or one of: {}",
            Q::BARE,
            Q::EXAMPLE,
            names().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Reads one call of a known name.
struct Reader<'c, 'a, Q> {
    call: &'c Call<'a>,
    usage: &'static str,
    quantity: PhantomData<Q>,
}

impl<'c, 'a, Q: Quantity> Reader<'c, 'a, Q> {
    fn read(&self, files: &mut Files<'_>) -> Result<Distribution, ParseError> {
        match self.call.name {
            "exp" => self.exponential(),
            "uniform" => self.uniform(),
            "normal" => self.normal(),
            "lognormal" => self.lognormal(),
            "gamma" => self.gamma(),
            "erlang" => self.erlang(),
            "weibull" => self.weibull(),
            "pareto" => self.pareto(),
            "hyperexp" => self.mixture(
                |text| positive_text::<Q>(text).map(exponential),
                |part| Q::of_count(part.mean_nanos() as u64).to_string(),
            ),
            "mix" => self.mixture(|text| parse_of::<Q>(text, files), Distribution::text_of::<Q>),
            "empirical" => files(self.call),
            name => unreachable!("`{name}` stands in NAMES and is read nowhere"),
        }
    }

    fn bind(&self, positional: &[&'static str], named: &[&'static str]) -> Result<Bound<'c, 'a>, ParseError> {
        self.call.bind(positional, named, self.usage)
    }

    fn exponential(&self) -> Result<Distribution, ParseError> {
        let mean = self.bind(&["mean"], &[])?.need("mean").and_then(positive::<Q>)?;
        Ok(exponential(mean))
    }

    fn uniform(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&["low", "high"], &[])?;
        let (low_arg, high_arg) = (bound.need("low")?, bound.need("high")?);
        let (low, high) = (low_arg.parse::<Q>()?, high_arg.parse::<Q>()?);
        if low >= high {
            let range = low_arg.value_range.start..high_arg.value_range.end;
            return Err(ParseError::new(range, format!("the first bound must be {} than the second", Q::LESS)).hint(
                if low == high {
                    format!("a constant is written `{low}`")
                } else {
                    format!("write `uniform({high}, {low})`")
                },
            ));
        }
        let (start, end) = (number(low), number(high));
        Ok(shaped(format!("uniform({low}, {high})"), Shape::Uniform { low: start, width: end - start }))
    }

    fn normal(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&[], &["mean", "sd"])?;
        let (mean, sd) = (bound.need("mean")?.parse::<Q>()?, positive::<Q>(bound.need("sd")?)?);
        Ok(shaped(format!("normal(mean={mean}, sd={sd})"), Shape::Normal { mean: number(mean), sd: number(sd) }))
    }

    fn lognormal(&self) -> Result<Distribution, ParseError> {
        let is_percentile =
            |key: &str| key.strip_prefix('p').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if self.call.args.iter().any(|arg| arg.key.as_ref().is_some_and(|(key, _)| is_percentile(key))) {
            return self.lognormal_by_percentiles();
        }
        let bound = self.bind(&[], &["mean", "cv"])?;
        let mean = positive::<Q>(bound.need("mean")?)?;
        let cv = number_within(bound.need("cv")?, 0.001, 1000.0)?;
        let sigma2 = libm::log1p(cv * cv);
        let shape = Shape::Lognormal { mu: libm::log(number(mean)) - sigma2 / 2.0, sigma: libm::sqrt(sigma2) };
        Ok(shaped(format!("lognormal(mean={mean}, cv={cv})"), shape))
    }

    fn lognormal_by_percentiles(&self) -> Result<Distribution, ParseError> {
        let mut points = Vec::new();
        for arg in &self.call.args {
            let Some((key, range)) = &arg.key else {
                return Err(
                    self.fault(arg.value_range.clone(), "a percentile is given with its name, such as `p99=40ms`")
                );
            };
            let Some(percent) = key.strip_prefix('p') else {
                return Err(self.fault(range.clone(), format!("`{key}` does not go together with percentiles")));
            };
            let percent: Number =
                percent.parse().map_err(|_| self.fault(range.clone(), format!("`{key}` is no percentile")))?;
            if percent.as_f64() <= 0.0 || percent.as_f64() >= 100.0 {
                return Err(self.fault(range.clone(), "a percentile lies between 0 and 100, both excluded"));
            }
            points.push((percent, positive::<Q>(arg)?, arg));
        }
        points.sort_by(|(a, ..), (b, ..)| a.as_f64().total_cmp(&b.as_f64()));
        let [(p, x, x_arg), (q, y, y_arg)] = points.as_slice() else {
            return Err(self.fault(self.call.name_range.clone(), "a lognormal is given by exactly two percentiles"));
        };
        let places =
            x_arg.value_range.start.min(y_arg.value_range.start)..x_arg.value_range.end.max(y_arg.value_range.end);
        if p == q {
            return Err(self.fault(places, format!("`p{p}` is given twice")));
        }
        if x >= y {
            return Err(self.fault(places, format!("`p{q}` must be {} than `p{p}`", Q::MORE)));
        }
        let (z, w) = (normal::quantile(p.as_f64() / 100.0), normal::quantile(q.as_f64() / 100.0));
        let sigma = libm::log(number(*y) / number(*x)) / (w - z);
        let shape = Shape::Lognormal { mu: libm::log(number(*x)) - sigma * z, sigma };
        Ok(shaped(format!("lognormal(p{p}={x}, p{q}={y})"), shape))
    }

    fn gamma(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&[], &["mean", "cv"])?;
        let mean = positive::<Q>(bound.need("mean")?)?;
        let cv = number_within(bound.need("cv")?, 0.001, 100.0)?;
        Ok(shaped(format!("gamma(mean={mean}, cv={cv})"), gamma_shape(1.0 / (cv * cv), mean)))
    }

    fn erlang(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&["stages", "mean"], &[])?;
        let stages_arg = bound.need("stages")?;
        let Count(stages) = stages_arg.parse()?;
        let mean = positive::<Q>(bound.need("mean")?)?;
        if stages == 0 {
            return Err(ParseError::new(stages_arg.value_range.clone(), "there is at least one stage")
                .hint(format!("write `erlang(1, {mean})`")));
        }
        Ok(shaped(format!("erlang({stages}, {mean})"), gamma_shape(f64::from(stages), mean)))
    }

    fn weibull(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&[], &["mean", "shape"])?;
        let mean = positive::<Q>(bound.need("mean")?)?;
        let shape = number_within(bound.need("shape")?, 0.05, 1000.0)?;
        let scale = number(mean) / libm::tgamma(1.0 + 1.0 / shape);
        Ok(shaped(format!("weibull(mean={mean}, shape={shape})"), Shape::Weibull { shape, scale }))
    }

    fn pareto(&self) -> Result<Distribution, ParseError> {
        let bound = self.bind(&[], &["min", "shape", "max"])?;
        let min = positive::<Q>(bound.need("min")?)?;
        let shape = number_within(bound.need("shape")?, 0.01, 1000.0)?;
        let mut text = format!("pareto(min={min}, shape={shape}");
        let max = match bound.get("max") {
            None => None,
            Some(arg) => {
                let max: Q = arg.parse()?;
                if max <= min {
                    return Err(ParseError::new(
                        arg.value_range.clone(),
                        format!("`max` must be {} than `min`", Q::MORE),
                    )
                    .hint(format!("write more than `{min}`")));
                }
                text.push_str(&format!(", max={max}"));
                Some(number(max))
            }
        };
        Ok(shaped(text + ")", Shape::pareto(number(min), shape, max)))
    }

    /// `share part, share part, ..`: `read` reads a part, `write` writes it.
    fn mixture(
        &self,
        mut read: impl FnMut(&str) -> Result<Distribution, ParseError>,
        write: impl Fn(&Distribution) -> String,
    ) -> Result<Distribution, ParseError> {
        let mut parts = Vec::new();
        let mut texts = Vec::new();
        for arg in &self.call.args {
            if let Some((key, range)) = &arg.key {
                return Err(self.fault(range.clone(), format!("`{}` has no argument `{key}`", self.call.name)));
            }
            let at = arg.value_range.start;
            let Some((share, part)) = arg.value.split_once(char::is_whitespace) else {
                return Err(self.fault(
                    arg.value_range.clone(),
                    format!("expected a share and what it is of, found `{}`", arg.value),
                ));
            };
            let part_at = at + arg.value.len() - part.trim_start().len();
            let share: Share = share.parse().map_err(|fault: ParseError| fault.shifted(at))?;
            let part = read(part.trim_start()).map_err(|fault| fault.shifted(part_at))?;
            texts.push(format!("{share} {}", write(&part)));
            parts.push((share.as_f64(), part));
        }
        let (Some(first), Some(last)) = (self.call.args.first(), self.call.args.last()) else {
            return Err(
                self.fault(self.call.name_range.clone(), format!("`{}` needs at least one part", self.call.name))
            );
        };
        let sum: f64 = parts.iter().map(|(share, _)| share).sum();
        // Shares are decimal numbers: their sum in floats is one but for the last digits.
        if (sum - 1.0).abs() > 1e-9 {
            let percent = format!("{:.6}", sum * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            return Err(self.fault(
                first.value_range.start..last.value_range.end,
                format!("the shares sum to {percent}%, not to 100%"),
            ));
        }
        Ok(shaped(format!("{}({})", self.call.name, texts.join(", ")), Shape::Mixture(parts)))
    }

    fn fault(&self, range: Range<usize>, message: impl Into<String>) -> ParseError {
        ParseError::new(range, message).hint(format!("write for example `{}`", self.usage))
    }
}

fn shaped(text: String, shape: Shape) -> Distribution {
    Distribution::Shaped(Box::new(Shaped { text, shape }))
}

fn exponential(mean: impl Quantity) -> Distribution {
    Distribution::Exponential { mean: number(mean) }
}

fn gamma_shape(shape: f64, mean: impl Quantity) -> Shape {
    Shape::Gamma { shape, scale: number(mean) / shape, sampler: GammaSampler::new(shape) }
}

fn number(quantity: impl Quantity) -> f64 {
    quantity.count() as f64
}

fn positive<Q: Quantity>(arg: &Arg<'_>) -> Result<Q, ParseError> {
    positive_text(arg.value).map_err(|fault| fault.shifted(arg.value_range.start))
}

fn positive_text<Q: Quantity>(text: &str) -> Result<Q, ParseError> {
    let quantity: Q = text.parse()?;
    if quantity.count() == 0 {
        let message = format!("the {} must be {} than zero", Q::SHORT, Q::MORE);
        return Err(ParseError::new(0..text.len(), message)
            .hint(format!("what is always the same is written as a bare {}, such as `{quantity}`", Q::BARE)));
    }
    Ok(quantity)
}

fn number_within(arg: &Arg<'_>, least: f64, most: f64) -> Result<f64, ParseError> {
    let number = arg.parse::<Number>()?.as_f64();
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    let key = arg.key.as_ref().map_or("the number", |(key, _)| key);
    Err(ParseError::new(arg.value_range.clone(), format!("`{key}` must lie between {least} and {most}")))
}
