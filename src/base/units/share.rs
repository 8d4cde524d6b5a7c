//! Parts of a whole as text: `"99%"`, `"0.1%"`.

use std::fmt;
use std::str::FromStr;

use super::ParseError;
use super::number::Digits;

/// A part of a whole, between 0 and 1.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Share(f64);

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

/// `"99.9%"`: a decimal number between 0 and 100 and a percent sign.
impl FromStr for Share {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Share, ParseError> {
        let digits = Digits::read(text, "a share", "99%")?;
        let number = digits.text;
        match digits.rest {
            // Moving the point in the text and rounding once keeps 99% the float nearest to 0.99.
            "%" => Share::new(digits.scaled(-2)).ok_or_else(|| {
                ParseError::new(0..text.len(), "a share is at most 100%").hint("write a number between `0%` and `100%`")
            }),
            "" => {
                let fraction = digits.scaled(0);
                let percent = if fraction <= 1.0 && !digits.fraction.is_empty() {
                    percent_text(fraction)
                } else {
                    format!("{number}%")
                };
                Err(ParseError::new(0..text.len(), "the percent sign is missing").hint(format!("write `{percent}`")))
            }
            rest if rest.trim() == "%" => {
                Err(ParseError::new(digits.rest_range(), "a share is written without spaces")
                    .hint(format!("write `{number}%`")))
            }
            rest => Err(ParseError::new(digits.rest_range(), format!("expected `%`, found `{rest}`"))
                .hint(format!("write `{number}%`"))),
        }
    }
}

/// `share` as a percentage: its shortest digits with the point moved, so that no rounding happens.
fn percent_text(share: f64) -> String {
    let scientific = format!("{share:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().expect("an exponent is a whole number");
    // Digits before the point of the percentage.
    let whole = exponent + 3;
    let text = match usize::try_from(whole) {
        Ok(whole) if whole >= digits.len() => format!("{digits}{}", "0".repeat(whole - digits.len())),
        Ok(whole) if whole > 0 => format!("{}.{}", &digits[..whole], &digits[whole..]),
        _ => format!("0.{}{digits}", "0".repeat(whole.unsigned_abs() as usize)),
    };
    if share == 0.0 { "0%".to_owned() } else { format!("{text}%") }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&percent_text(self.0))
    }
}
