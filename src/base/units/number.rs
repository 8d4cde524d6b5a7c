//! Decimal numbers as people write them: digits, at most one point, no sign, no exponent.

use std::fmt;
use std::str::FromStr;

use super::ParseError;

/// The number that opens a text, still as digits.
pub(super) struct Digits<'a> {
    /// As written.
    pub(super) text: &'a str,
    /// Before the point.
    pub(super) whole: &'a str,
    /// After the point; empty when there is none.
    pub(super) fraction: &'a str,
    /// What follows the number.
    pub(super) rest: &'a str,
}

impl<'a> Digits<'a> {
    /// Reads the number that opens `text`. `what` names the thing in messages ("a rate"), `example` shows one.
    pub(super) fn read(text: &'a str, what: &str, example: &str) -> Result<Digits<'a>, ParseError> {
        let all = 0..text.len();
        let fault =
            |message: String| ParseError::new(all.clone(), message).hint(format!("write for example `{example}`"));
        let digits_end =
            |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| from + length);
        let whole_end = digits_end(0);
        if whole_end == 0 {
            let lower = text.trim_start_matches(['+', '-']).to_lowercase();
            return Err(match text.chars().next() {
                None => fault(format!("expected {what}, found nothing")),
                Some(_) if lower.starts_with("nan") || lower.starts_with("inf") => {
                    fault(format!("{what} must be a finite number"))
                }
                Some('-') => fault(format!("{what} cannot be negative")),
                Some('+') => ParseError::new(0..1, format!("{what} is written without a sign"))
                    .hint(format!("write `{}`", &text[1..])),
                Some('.') => {
                    ParseError::new(0..1, "a digit must stand before the point").hint(format!("write `0{text}`"))
                }
                Some(c) if c.is_whitespace() => {
                    ParseError::new(0..c.len_utf8(), format!("{what} starts with a digit, not with a space"))
                        .hint(format!("write `{}`", text.trim()))
                }
                Some(_) => fault(format!("expected {what}, found `{text}`")),
            });
        }
        let end = if text[whole_end..].starts_with('.') { digits_end(whole_end + 1) } else { whole_end };
        if end == whole_end + 1 {
            return Err(ParseError::new(whole_end..end, "a digit must stand after the point").hint(format!(
                "write `{}{}`",
                &text[..whole_end],
                &text[end..]
            )));
        }
        let rest = &text[end..];
        match rest.chars().next() {
            Some(c @ (',' | '_' | '\'' | '.')) => {
                Err(ParseError::new(end..end + 1, format!("`{c}` does not belong into a number"))
                    .hint("write digits with at most one point, such as `1500` or `0.5`"))
            }
            Some('e' | 'E') if rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') => {
                Err(ParseError::new(0..text.len(), "a number is written without an exponent")
                    .hint("write all its digits, such as `1500` or `0.001`"))
            }
            _ => {
                let fraction = text.get(whole_end + 1..end).unwrap_or("");
                Ok(Digits { text: &text[..end], whole: &text[..whole_end], fraction, rest })
            }
        }
    }

    /// The bytes of what follows the number.
    pub(super) fn rest_range(&self) -> std::ops::Range<usize> {
        self.text.len()..self.text.len() + self.rest.len()
    }

    /// The number times 10^`shift`, rounded once to the nearest float; infinite when too large.
    pub(super) fn scaled(&self, shift: i32) -> f64 {
        format!("{}e{shift}", self.text).parse().expect("digits with an exponent are a float")
    }
}

/// A number without a unit: a shape, a coefficient of variation. Finite and not negative.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Number(f64);

impl Number {
    /// `None` when negative, infinite or NaN.
    pub fn new(number: f64) -> Option<Number> {
        (number.is_finite() && number >= 0.0).then_some(Number(number))
    }

    /// The number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl FromStr for Number {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Number, ParseError> {
        let digits = Digits::read(text, "a number", "1.5")?;
        if !digits.rest.is_empty() {
            let fault = ParseError::new(0..text.len(), format!("expected a plain number, found `{text}`"));
            return Err(match digits.rest {
                "%" => fault.hint(format!("write `{}`", digits.scaled(-2))),
                rest if rest.starts_with('/') => fault.hint("work out the division, and write its result"),
                _ => fault.hint("write a number without a unit, such as `1.5`"),
            });
        }
        Number::new(digits.scaled(0)).ok_or_else(|| ParseError::new(0..text.len(), "the number is too large"))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // std writes the shortest digits that read back the same, and never an exponent.
        write!(f, "{}", self.0)
    }
}

/// How many: a whole number up to 2³² − 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Count(pub u32);

impl FromStr for Count {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Count, ParseError> {
        let digits = Digits::read(text, "a whole number", "50")?;
        let all = 0..text.len();
        if !digits.rest.is_empty() {
            return Err(ParseError::new(digits.rest_range(), format!("expected a whole number, found `{text}`"))
                .hint(format!("write `{}`", digits.whole)));
        }
        if !digits.fraction.is_empty() {
            return Err(ParseError::new(all, format!("expected a whole number, found `{text}`"))
                .hint(format!("write `{}`", digits.whole)));
        }
        let count = digits.whole.parse().map_err(|_| {
            ParseError::new(all, "the number is too large").hint(format!("write at most `{}`", u32::MAX))
        })?;
        Ok(Count(count))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
