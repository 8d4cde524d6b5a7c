//! Lengths and points of time as text: one decimal number and one unit, exact to the nanosecond.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::Digits;
use super::{ParseError, likely_time_unit, time_unit};
use crate::base::time::{NANOS_PER_SEC, Span, Time};

const WHAT: &str = "a length of time";

/// `"200ms"`: a decimal number and one of `ns us µs ms s m min h d`. It must be a whole number of nanoseconds.
impl FromStr for Span {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Span, ParseError> {
        let digits = Digits::read(text, WHAT, "200ms")?;
        let unit = unit(text, &digits)?;
        exact_nanos(&digits, unit).map(Span::from_nanos).map_err(|fault| match fault {
            Inexact::TooFine => {
                ParseError::new(0..digits.text.len(), "time counts in whole nanoseconds; this is finer")
                    .hint("leave out the last digits, or write it in `ns`")
            }
            Inexact::TooLong => ParseError::new(0..text.len(), "the time is too long")
                .hint("the longest that can be counted is `18446744073s`, about 584 years"),
        })
    }
}

/// A point of time is written as its distance from the start of the run.
impl FromStr for Time {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Time, ParseError> {
        Ok(Time::ZERO + text.parse::<Span>()?)
    }
}

/// The unit after the number in nanoseconds, or why it is none.
fn unit(text: &str, digits: &Digits<'_>) -> Result<u64, ParseError> {
    let (number, rest) = (digits.text, digits.rest);
    if let Some(nanos) = time_unit(rest) {
        return Ok(nanos);
    }
    let fault = ParseError::new(digits.rest_range(), format!("unknown unit of time `{rest}`"));
    Err(if rest.is_empty() {
        let zero = number.bytes().all(|b| matches!(b, b'0' | b'.'));
        let hint = if zero {
            "write `0s`".to_owned()
        } else {
            format!("write `{number}ms` for milliseconds or `{number}s` for seconds")
        };
        ParseError::new(0..text.len(), "the unit is missing").hint(hint)
    } else if let Some(likely) = likely_time_unit(rest.trim()) {
        let fault = if rest.starts_with(char::is_whitespace) {
            ParseError::new(digits.rest_range(), "the unit stands right behind the number, without a space")
        } else if rest.ends_with(char::is_whitespace) {
            ParseError::new(digits.rest_range(), "there is a space behind the unit")
        } else {
            fault
        };
        fault.hint(format!("write `{number}{likely}`"))
    } else if rest.contains(|c: char| c.is_ascii_digit()) {
        ParseError::new(digits.rest_range(), format!("{WHAT} is one number and one unit")).hint(
            sum(digits.text, rest).map_or_else(
                || "write it in the smaller unit: `90m` instead of `1h30m`".to_owned(),
                |sum| format!("write `{sum}`"),
            ),
        )
    } else {
        fault.hint("units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`")
    })
}

/// The length of `1m30s`, of which `number` is the first number and `rest` what follows it.
fn sum(number: &str, rest: &str) -> Option<Span> {
    let text = format!("{number}{rest}");
    let is_unit = |c: char| !c.is_ascii_digit() && c != '.';
    let mut nanos = 0u64;
    let mut left = text.as_str();
    while !left.is_empty() {
        let unit = left.find(is_unit)?;
        let end = left[unit..].find(|c: char| !is_unit(c)).map_or(left.len(), |length| unit + length);
        nanos = nanos.checked_add(left[..end].parse::<Span>().ok()?.as_nanos())?;
        left = &left[end..];
    }
    Some(Span::from_nanos(nanos))
}

enum Inexact {
    TooFine,
    TooLong,
}

fn exact_nanos(digits: &Digits<'_>, unit: u64) -> Result<u64, Inexact> {
    let mut nanos: u64 = 0;
    for digit in digits.whole.bytes() {
        let digit = u64::from(digit - b'0');
        nanos = nanos.checked_mul(10).and_then(|n| n.checked_add(digit)).ok_or(Inexact::TooLong)?;
    }
    nanos = nanos.checked_mul(unit).ok_or(Inexact::TooLong)?;
    let fraction = digits.fraction.trim_end_matches('0');
    // The longest unit is 2^16 × 27 × 5^11 ns, and a fraction that ends in no zero lacks a factor 2 or a
    // factor 5: with more than 16 digits it cannot come out whole.
    if fraction.len() > 16 {
        return Err(Inexact::TooFine);
    }
    let (part, scale) =
        fraction.bytes().fold((0, 1), |(part, scale), digit| (part * 10 + u128::from(digit - b'0'), scale * 10));
    let part = part * u128::from(unit);
    if part % scale != 0 {
        return Err(Inexact::TooFine);
    }
    let part = u64::try_from(part / scale).expect("a fraction of a unit is shorter than the unit");
    nanos.checked_add(part).ok_or(Inexact::TooLong)
}

/// In files that programs read: a number of seconds.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        f64::deserialize(deserializer).map(Span::from_secs_f64)
    }
}

/// The same: seconds since the start of the run.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        f64::deserialize(deserializer).map(|secs| Time::ZERO + Span::from_secs_f64(secs))
    }
}

/// Exact, in the largest unit up to seconds in which the length is at least one.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.as_nanos();
        let (name, unit, places) = match nanos {
            0 => return f.pad("0s"),
            n if n < 1_000 => ("ns", 1, 0),
            n if n < 1_000_000 => ("us", 1_000, 3),
            n if n < NANOS_PER_SEC => ("ms", 1_000_000, 6),
            _ => ("s", NANOS_PER_SEC, 9),
        };
        let (whole, part) = (nanos / unit, nanos % unit);
        let text = if part == 0 {
            format!("{whole}{name}")
        } else {
            format!("{}{name}", format!("{whole}.{part:0places$}").trim_end_matches('0'))
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.since(Time::ZERO), f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Span {
    /// The length with up to four significant digits, for people: `"12.35ms"`. It may not parse back to the same length.
    pub fn approx(self) -> String {
        let nanos = self.as_nanos();
        let (value, unit) = match nanos {
            n if n < 1_000 => return self.to_string(),
            n if n < 1_000_000 => (n as f64 / 1e3, "us"),
            n if n < NANOS_PER_SEC => (n as f64 / 1e6, "ms"),
            n => (n as f64 / 1e9, "s"),
        };
        let decimals = match value {
            v if v >= 1000.0 => 0,
            v if v >= 100.0 => 1,
            v if v >= 10.0 => 2,
            _ => 3,
        };
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text}{unit}")
    }
}
