//! Units that parse themselves: `"200ms"`, `"1500/s"`, `"99%"`. No bare number carries a hidden unit.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::time::Span;

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

/// Events per second, finite and not negative.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Rate(f64);

/// A part of a whole, between 0 and 1.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Share(f64);

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

impl Share {
    /// Nothing.
    pub const ZERO: Share = Share(0.0);
    /// The whole.
    pub const ONE: Share = Share(1.0);

    /// `None` outside 0..=1.
    pub fn new(share: f64) -> Option<Share> {
        (0.0..=1.0).contains(&share).then_some(Share(share))
    }

    /// Between 0 and 1.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}
