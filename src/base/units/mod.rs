//! Units that parse themselves: `"200ms"`, `"1500/s"`, `"99%"`. No bare number carries a hidden unit.
//!
//! Every text is read digit by digit, never through a rounded float, and every `Display` writes a text
//! that parses back to the same value. A fault is a [`ParseError`] with its place in the text; what
//! file the text comes from is the caller's affair.

mod data;
mod number;
mod rate;
mod share;
mod size;
mod span;

use std::ops::Range;

pub use data::{Bandwidth, PerByte};
pub use number::{Count, Number};
pub use rate::Rate;
pub use share::Share;
pub use size::Size;

/// Why a piece of text is not the value it should be, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Bytes of the text that are at fault.
    pub range: Range<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ParseError {
    /// A fault at `range` without a hint.
    pub fn new(range: Range<usize>, message: impl Into<String>) -> ParseError {
        ParseError { range, message: message.into(), hint: None }
    }

    /// The same fault with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> ParseError {
        self.hint = Some(hint.into());
        self
    }

    /// The same fault in a text in which this one starts at byte `offset`.
    pub fn shifted(mut self, offset: usize) -> ParseError {
        self.range = self.range.start + offset..self.range.end + offset;
        self
    }
}

/// Names of units of time and their lengths in nanoseconds, shortest first.
const TIME_UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The unit of time called `name`, in nanoseconds.
fn time_unit(name: &str) -> Option<u64> {
    TIME_UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, nanos)| *nanos)
}

/// The unit that somebody meant who wrote `name`.
fn likely_time_unit(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "ns" | "nano" | "nanos" | "nsec" | "nanosecond" | "nanoseconds" => "ns",
        "us" | "μs" | "micro" | "micros" | "usec" | "microsecond" | "microseconds" => "us",
        "ms" | "milli" | "millis" | "msec" | "msecs" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    })
}
