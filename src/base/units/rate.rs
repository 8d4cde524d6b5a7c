//! Events per time as text: `"1500/s"`, `"30/m"`, `"0.5/ms"`.

use std::fmt;
use std::str::FromStr;

use super::number::Digits;
use super::{ParseError, likely_time_unit};

/// Events per second, finite and not negative.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Rate(f64);

impl Rate {
    /// `None` when negative, infinite or NaN.
    pub fn per_sec(rate: f64) -> Option<Rate> {
        (rate.is_finite() && rate >= 0.0).then_some(Rate(rate))
    }

    /// Events per second.
    pub fn as_per_sec(self) -> f64 {
        self.0
    }
}

/// `"1500/s"`: a decimal number, a slash and one of `ns us µs ms s m min h d`.
impl FromStr for Rate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Rate, ParseError> {
        let digits = Digits::read(text, "a rate", "1500/s")?;
        let Some(unit) = digits.rest.strip_prefix('/') else { return Err(without_slash(text, &digits)) };
        let rate = match unit {
            "ns" => digits.scaled(9),
            "us" | "µs" => digits.scaled(6),
            "ms" => digits.scaled(3),
            "s" => digits.scaled(0),
            "m" | "min" => digits.scaled(0) / 60.0,
            "h" => digits.scaled(0) / 3_600.0,
            "d" => digits.scaled(0) / 86_400.0,
            _ => return Err(unknown_unit(text, &digits, unit)),
        };
        Rate::per_sec(rate).ok_or_else(|| ParseError::new(0..text.len(), "the rate is too large"))
    }
}

fn without_slash(text: &str, digits: &Digits<'_>) -> ParseError {
    let (number, rest) = (digits.text, digits.rest.trim_start());
    if rest.is_empty() {
        return ParseError::new(0..text.len(), "the unit is missing")
            .hint(format!("write `{number}/s` for {number} a second"));
    }
    let fault = |message: String| ParseError::new(digits.rest_range(), message);
    if let Some(unit) = rest.strip_prefix('/').map(str::trim).and_then(likely_time_unit) {
        return fault("a rate is written without spaces".to_owned()).hint(format!("write `{number}/{unit}`"));
    }
    let fault = fault(format!("expected `/` and a unit of time, found `{rest}`"));
    match rest.to_lowercase().as_str() {
        thousands if thousands.starts_with("k/") => fault.hint(format!("write `{}/s`", digits.scaled(3))),
        millions if millions.starts_with("m/") => fault.hint(format!("write `{}/s`", digits.scaled(6))),
        "rps" | "qps" | "tps" | "hz" | "per second" => fault.hint(format!("write `{number}/s`")),
        "rpm" | "qpm" | "per minute" => fault.hint(format!("write `{number}/m`")),
        "per hour" => fault.hint(format!("write `{number}/h`")),
        _ => fault.hint(format!("write for example `{number}/s`")),
    }
}

fn unknown_unit(text: &str, digits: &Digits<'_>, unit: &str) -> ParseError {
    let number = digits.text;
    let at = digits.text.len() + 1;
    match likely_time_unit(unit.trim()) {
        Some(likely) => ParseError::new(at..text.len(), format!("unknown unit of time `{unit}`"))
            .hint(format!("write `{number}/{likely}`")),
        None if unit.is_empty() => ParseError::new(0..text.len(), "the unit of time after `/` is missing")
            .hint(format!("write `{number}/s` for {number} a second")),
        None => ParseError::new(at..text.len(), format!("unknown unit of time `{unit}`"))
            .hint("units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`, without a number of their own"),
    }
}

/// Per second where that is short, else in the unit that is written shortest; always the same value when read back.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHORT: usize = 10;
        let mut shortest = format!("{}/s", self.0);
        if shortest.len() > SHORT {
            for (unit, seconds) in [("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)] {
                let other = format!("{}/{unit}", self.0 * seconds);
                if other.len() < shortest.len() && other.parse() == Ok(*self) {
                    shortest = other;
                }
            }
        }
        f.pad(&shortest)
    }
}
