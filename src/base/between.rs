//! A stretch of values between two ends, through which something is searched: `load=100/s..900/s`, or inside of a larger
//! value `arrivals=poisson(100/s..900/s)`.

use std::ops::Range;
use std::str::FromStr;

use super::time::Span;
use super::units::ParseError;
use super::vary::{number, rounded};

/// The most values that a search tells apart.
pub const STEPS_MAX: u32 = 1_000_000;
/// A step is one of these times a power of ten: what is found is a number that somebody would write.
const ROUND: [f64; 4] = [5.0, 2.5, 2.0, 1.0];

/// Something, and the two ends between which it is searched.
///
/// ```
/// use brownout::base::between::Between;
///
/// let between: Between = "arrivals=poisson(100/s..300/s)".parse()?;
/// let lattice = between.lattice(0.1);
/// assert_eq!((lattice.steps(), lattice.set(1).as_str()), (10, "arrivals=poisson(120/s)"));
/// assert_eq!(lattice.name(10), "300/s");
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Between {
    /// The path of a key, or the name of a parameter.
    pub path: String,
    /// What stands before and after the number in the value.
    around: (String, String),
    low: f64,
    high: f64,
    unit: Unit,
}

#[derive(Clone, PartialEq, Debug)]
enum Unit {
    /// Whole numbers without a unit count something.
    Count,
    /// In nanoseconds.
    Span,
    /// As it is written.
    Written(String),
}

/// Evenly spaced values of a [`Between`], both ends among them; the last step may be shorter.
#[derive(Clone, PartialEq, Debug)]
pub struct Lattice {
    between: Between,
    step: f64,
    steps: u32,
}

impl FromStr for Between {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Between, ParseError> {
        let hint = "write for example `load=100/s..900/s`, or `arrivals=poisson(100/s..900/s)`";
        let fault = |range: Range<usize>, message: String| Err(ParseError::new(range, message).hint(hint));
        let Some(equals) = text.find('=').filter(|at| !text[..*at].trim().is_empty()) else {
            return fault(0..text.len(), "a path and two ends need a `=` between them".to_owned());
        };
        let path = text[..equals].trim().to_owned();
        let start = equals + 1;
        let Some(dots) = text[start..].find("..").map(|at| at + start) else {
            return fault(start..text.len(), format!("`{path}` has no two ends with `..` between them"));
        };
        let is_border = |c: char| c.is_whitespace() || "()[]{},=\"'".contains(c);
        let before = text[start..dots].trim_end();
        let from = before.rfind(is_border).map_or(start, |at| start + at + 1);
        let after = &text[dots + 2..];
        let to = text.len() - after.trim_start().len();
        let until = text[to..].find(is_border).map_or(text.len(), |at| to + at);
        let (low, high) = (&text[from..start + before.len()], &text[to..until]);
        if high.contains(':') {
            let message = "a search finds its own steps";
            return Err(ParseError::new(to..until, message)
                .hint("leave out the `:` and what follows; `--precision` says how finely it searches"));
        }
        let (Some((a, unit_a)), Some((b, unit_b))) = (number(low), number(high)) else {
            return fault(from..until, "both ends are numbers with a unit".to_owned());
        };
        let is_whole = |end: &str| !end.contains(['.', 'e', 'E']);
        let (a, b, unit) = if unit_a != unit_b {
            let (Ok(low), Ok(high)) = (low.parse::<Span>(), high.parse::<Span>()) else {
                return fault(from..until, "both ends have the same unit".to_owned());
            };
            (low.as_nanos() as f64, high.as_nanos() as f64, Unit::Span)
        } else if unit_a.is_empty() && is_whole(low) && is_whole(high) && (b - a).abs() > 1.0 {
            (a, b, Unit::Count)
        } else {
            (a, b, Unit::Written(unit_a.to_owned()))
        };
        if a == b {
            return fault(from..until, "both ends are the same".to_owned());
        }
        let around = (text[start..from].trim_start().to_owned(), text[until..].trim_end().to_owned());
        Ok(Between { path, around, low: a.min(b), high: a.max(b), unit })
    }
}

impl Between {
    /// Its values in round steps that are no longer than the part `precision` of the whole.
    pub fn lattice(&self, precision: f64) -> Lattice {
        let longest = ((self.high - self.low) * precision).max((self.high - self.low) / f64::from(STEPS_MAX));
        let decade = libm::pow(10.0, libm::floor(libm::log10(longest)));
        // A hair of slack: a tenth of 3 must not need the next step.
        let digit = ROUND.into_iter().find(|digit| digit * decade <= longest * 1.000_001).unwrap_or(1.0);
        let mut step = rounded(digit * decade);
        if self.unit == Unit::Count {
            step = step.floor().max(1.0);
        }
        if self.unit == Unit::Span {
            step = step.max(1.0);
        }
        let steps = ((self.high - self.low) / step * 0.999_999_999).ceil().max(1.0) as u32;
        Lattice { between: self.clone(), step, steps }
    }

    /// Which part of the whole `text` is, as a share or as a length in the unit of the ends.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn part(&self, text: &str) -> Result<f64, ParseError> {
        let fault = |message: &str| {
            let hint = "write a share of the whole such as `1%`, or a length in the unit of its ends";
            Err(ParseError::new(0..text.len(), message).hint(hint))
        };
        let Some((value, unit)) = number(text) else { return fault("it is no number") };
        let part = match &self.unit {
            Unit::Written(own) if own.as_str() == unit => value / (self.high - self.low),
            Unit::Span => match text.parse::<Span>() {
                Ok(length) => length.as_nanos() as f64 / (self.high - self.low),
                Err(_) if unit == "%" => value / 100.0,
                Err(_) => return fault("it is no length of time"),
            },
            Unit::Written(own) if unit != "%" => match (text.parse::<Span>(), format!("1{own}").parse::<Span>()) {
                (Ok(length), Ok(one)) => length.as_secs_f64() / one.as_secs_f64() / (self.high - self.low),
                _ => return fault("it has another unit than what is searched"),
            },
            Unit::Count if unit.is_empty() => value / (self.high - self.low),
            _ if unit == "%" => value / 100.0,
            _ => return fault("it has another unit than what is searched"),
        };
        if part > 0.0 && part <= 1.0 { Ok(part) } else { fault("it is more than zero and no more than the whole") }
    }
}

impl Lattice {
    /// How many steps it is from one end to the other; there is one more value than that.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// What is searched.
    pub fn path(&self) -> &str {
        &self.between.path
    }

    /// The number at `place`, in a unit of its own: only distances mean something.
    pub fn position(&self, place: u32) -> f64 {
        let Between { low, high, .. } = self.between;
        if place >= self.steps { high } else { low + self.step * f64::from(place) }
    }

    /// The number at `place` with its unit.
    pub fn name(&self, place: u32) -> String {
        self.written(self.position(place))
    }

    /// How long a step is.
    pub fn step_name(&self) -> String {
        self.written(self.step)
    }

    fn written(&self, value: f64) -> String {
        match &self.between.unit {
            Unit::Count => value.round().to_string(),
            Unit::Span => Span::from_nanos(value.round() as u64).to_string(),
            Unit::Written(unit) => format!("{}{unit}", rounded(value)),
        }
    }

    /// The whole value at `place`, as it stands in a file.
    pub fn value(&self, place: u32) -> String {
        let (before, after) = &self.between.around;
        format!("{before}{}{after}", self.name(place))
    }

    /// What `--set` takes for the value at `place`.
    pub fn set(&self, place: u32) -> String {
        format!("{}={}", self.between.path, self.value(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, precision: f64) -> String {
        let lattice = text.parse::<Between>().unwrap().lattice(precision);
        (0..=lattice.steps()).map(|place| lattice.value(place)).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn steps_are_round_and_both_ends_are_there() {
        assert_eq!(values("a=1..5", 0.25), "1 | 2 | 3 | 4 | 5");
        assert_eq!(values("a=1..64", 0.5), "1 | 26 | 51 | 64");
        assert_eq!(values("a=100/s .. 200/s", 0.3), "100/s | 125/s | 150/s | 175/s | 200/s");
        assert_eq!(values("a=200/s..100/s", 0.5), "100/s | 150/s | 200/s");
        assert_eq!(values("a=500ms..2s", 0.4), "500ms | 1s | 1.5s | 2s");
        assert_eq!(values("a=0.1..0.3", 0.5), "0.1 | 0.2 | 0.3");
        assert_eq!(values("a=even(1/s..3/s)", 0.5), "even(1/s) | even(2/s) | even(3/s)");
        assert_eq!(
            values(r#"a={ x = "1ms..3ms", y = 2 }"#, 0.5),
            r#"{ x = "1ms", y = 2 } | { x = "2ms", y = 2 } | { x = "3ms", y = 2 }"#
        );
    }

    #[test]
    fn a_precision_is_a_share_or_a_length() {
        let part = |of: &str, text: &str| of.parse::<Between>().unwrap().part(text).map_err(|fault| fault.message);
        assert_eq!(part("a=100/s..200/s", "5%"), Ok(0.05));
        assert_eq!(part("a=100/s..200/s", "5/s"), Ok(0.05));
        assert_eq!(part("a=1s..2s", "20ms"), Ok(0.02));
        assert_eq!(part("a=500ms..1500ms", "20ms"), Ok(0.02));
        assert_eq!(part("a=500ms..2s", "150ms"), Ok(0.1));
        assert_eq!(part("a=0..20", "1"), Ok(0.05));
        assert_eq!(part("a=0%..50%", "1%"), Ok(0.02), "in the unit of the ends");
        for (of, text) in
            [("a=1..9", "1s"), ("a=1s..9s", "1/s"), ("a=1s..9s", "0s"), ("a=1s..9s", "9s"), ("a=1..9", "x")]
        {
            assert!(part(of, text).is_err(), "{of} {text}");
        }
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        for text in ["a", "=1..2", "a=1", "a=1..", "a=..2", "a=1/s..2s", "a=1..2:5", "a=3..3", "a=x..y", "a=f(1..2s)"] {
            let fault = text.parse::<Between>().unwrap_err();
            assert!(fault.range.end <= text.len(), "{text}: {fault:?}");
        }
    }
}
