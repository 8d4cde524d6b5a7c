//! Amounts of data as text: `"200KiB"`, `"1.5GB"`.

use std::fmt;
use std::str::FromStr;

use super::ParseError;
use super::number::Digits;

/// An amount of data in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Size(u64);

/// Names of units and how many bytes they are, the smallest first.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];
const LIST: &str = "B, kB, KiB, MB, MiB, GB, GiB, TB, TiB";

impl Size {
    /// Nothing.
    pub const ZERO: Size = Size(0);

    /// `bytes` bytes.
    pub const fn from_bytes(bytes: u64) -> Size {
        Size(bytes)
    }

    /// Bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

/// `"200KiB"`: a decimal number and one of `B kB KiB MB MiB GB GiB TB TiB`. Less than a byte is rounded.
impl FromStr for Size {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Size, ParseError> {
        let digits = Digits::read(text, "a size", "200KiB")?;
        let number = digits.text;
        let fault = |message: String| ParseError::new(digits.rest_range(), message);
        let unit = digits.rest;
        if unit.is_empty() {
            return Err(ParseError::new(0..text.len(), "the unit is missing")
                .hint(format!("write `{number}B`, `{number}KiB` or `{number}MiB`")));
        }
        let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let trimmed = unit.trim();
            let meant = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)).map(|(name, _)| *name);
            let meant = meant.or(match trimmed.to_ascii_lowercase().as_str() {
                "byte" | "bytes" => Some("B"),
                "k" => Some("KiB"),
                "m" => Some("MiB"),
                "g" => Some("GiB"),
                "t" => Some("TiB"),
                _ => None,
            });
            return Err(match meant {
                Some(name) if trimmed != unit && trimmed == name => {
                    fault("a size is written without spaces".to_owned())
                }
                _ => fault(format!("unknown unit `{trimmed}`")),
            }
            .hint(match meant {
                Some(name) => format!("write `{number}{name}`"),
                None => format!("units are {LIST}"),
            }));
        };
        let size = digits.scaled(0) * *bytes as f64;
        if size >= u64::MAX as f64 {
            return Err(ParseError::new(0..text.len(), "the size is too large"));
        }
        Ok(Size((size + 0.5) as u64))
    }
}

/// In the largest unit that divides it.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, bytes): &&(&str, u64)| self.0.is_multiple_of(*bytes) && self.0 > 0;
        let (name, bytes) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        f.pad(&format!("{}{name}", self.0 / bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_back() {
        for (text, bytes) in [("0B", 0), ("200KiB", 204_800), ("1.5GB", 1_500_000_000), ("3MiB", 3 << 20), ("7B", 7)] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.as_bytes(), bytes, "{text}");
            assert_eq!(size.to_string().parse::<Size>().unwrap(), size, "{text}");
        }
    }

    #[test]
    fn a_wrong_unit_is_named_with_the_right_one() {
        let hint = |text: &str| text.parse::<Size>().unwrap_err().hint.unwrap();
        assert_eq!(hint("200kb"), "write `200kB`");
        assert_eq!(hint("200 KiB"), "write `200KiB`");
        assert_eq!(hint("200"), "write `200B`, `200KiB` or `200MiB`");
        assert_eq!(hint("2 bananas"), format!("units are {LIST}"));
    }
}
