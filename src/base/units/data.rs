//! Costs and speeds of data as text: `"1.3ns/B"`, `"125MB/s"`, `"1Gbit/s"`.

use std::fmt;
use std::str::FromStr;

use super::number::Digits;
use super::{ParseError, Size};
use crate::base::time::Span;

/// Time for each byte, finite and not negative.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct PerByte {
    nanos: f64,
}

impl PerByte {
    /// No time.
    pub const ZERO: PerByte = PerByte { nanos: 0.0 };

    /// `nanos` nanoseconds for each byte, which must be finite and not negative.
    pub const fn from_nanos(nanos: f64) -> PerByte {
        PerByte { nanos }
    }

    /// Nanoseconds for each byte.
    pub fn as_nanos(self) -> f64 {
        self.nanos
    }

    /// The time for `size`, rounded to the nearest nanosecond.
    #[inline]
    pub fn of(self, size: Size) -> Span {
        Span::from_nanos_f64(self.nanos * size.as_bytes() as f64)
    }
}

/// `"1.3ns/B"`: a decimal number, a unit of time, and `/B`.
impl FromStr for PerByte {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<PerByte, ParseError> {
        let digits = Digits::read(text, "a time per byte", "1.3ns/B")?;
        let nanos = match digits.rest {
            "ns/B" => digits.scaled(0),
            "us/B" | "µs/B" => digits.scaled(3),
            "ms/B" => digits.scaled(6),
            _ => {
                return Err(ParseError::new(digits.rest_range(), format!("expected `ns/B`, found `{}`", digits.rest))
                    .hint(format!("write `{}ns/B`: nanoseconds for each byte", digits.text)));
            }
        };
        if !nanos.is_finite() || nanos > 1e9 {
            return Err(ParseError::new(0..text.len(), "more than a second for each byte"));
        }
        Ok(PerByte { nanos })
    }
}

impl fmt::Display for PerByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}ns/B", self.nanos))
    }
}

/// Bytes per second, more than none.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Bandwidth {
    bytes_per_sec: f64,
}

impl Bandwidth {
    /// Bytes per second.
    pub fn as_bytes_per_sec(self) -> f64 {
        self.bytes_per_sec
    }

    /// The time that `size` takes, rounded to the nearest nanosecond.
    #[inline]
    pub fn time_of(self, size: Size) -> Span {
        Span::from_nanos_f64(size.as_bytes() as f64 * 1e9 / self.bytes_per_sec)
    }
}

/// Names of units and how many bytes per second they are.
const UNITS: [(&str, f64); 10] = [
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
];

/// `"125MB/s"` or `"1Gbit/s"`.
impl FromStr for Bandwidth {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Bandwidth, ParseError> {
        let digits = Digits::read(text, "a bandwidth", "1Gbit/s")?;
        let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == digits.rest) else {
            let near = UNITS.iter().find(|(name, _)| {
                let plain = digits.rest.trim().to_ascii_lowercase().replace("bps", "bit/s");
                name.to_ascii_lowercase() == plain
            });
            let fault = ParseError::new(digits.rest_range(), format!("unknown unit `{}`", digits.rest));
            return Err(match near {
                Some((name, _)) => fault.hint(format!("write `{}{name}`", digits.text)),
                None => fault.hint("units are B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s, Gbit/s"),
            });
        };
        let bytes_per_sec = digits.scaled(0) * unit;
        if bytes_per_sec <= 0.0 || !bytes_per_sec.is_finite() {
            return Err(ParseError::new(0..text.len(), "a bandwidth is more than nothing"));
        }
        Ok(Bandwidth { bytes_per_sec })
    }
}

/// In the largest decimal unit of bytes that leaves a number of at least one.
impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3), ("B/s", 1.0)];
        let fits = |(name, unit): &&(&str, f64)| {
            let written = format!("{}{name}", self.bytes_per_sec / unit);
            self.bytes_per_sec >= *unit && written.parse() == Ok(*self)
        };
        let (name, unit) = units.iter().find(fits).unwrap_or(&units[3]);
        f.pad(&format!("{}{name}", self.bytes_per_sec / unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_and_speeds_are_read_and_written_back() {
        for text in ["1.3ns/B", "0ns/B", "20.6ns/B"] {
            assert_eq!(text.parse::<PerByte>().unwrap().to_string(), text);
        }
        assert_eq!("0.5us/B".parse::<PerByte>().unwrap().as_nanos(), 500.0);
        assert_eq!("4.5ns/B".parse::<PerByte>().unwrap().of(Size::from_bytes(1000)), Span::from_nanos(4500));
        let gigabit: Bandwidth = "1Gbit/s".parse().unwrap();
        assert_eq!(gigabit, "125MB/s".parse().unwrap());
        assert_eq!(gigabit.to_string(), "125MB/s");
        assert_eq!(gigabit.time_of(Size::from_bytes(125_000)), Span::from_millis(1));
    }

    #[test]
    fn wrong_units_are_named_with_the_right_ones() {
        assert_eq!("1.3ns".parse::<PerByte>().unwrap_err().hint.unwrap(), "write `1.3ns/B`: nanoseconds for each byte");
        assert_eq!("1Gbps".parse::<Bandwidth>().unwrap_err().hint.unwrap(), "write `1Gbit/s`");
        assert_eq!("0MB/s".parse::<Bandwidth>().unwrap_err().message, "a bandwidth is more than nothing");
    }
}
