//! Isotope's own values: Go durations, percentages, sizes, counts.

use crate::base::time::Span;
use crate::base::units::Share;

use super::super::Faults;
use super::yaml::{Node, Value};

/// A Go duration: `10ms`, `1m30s`, `0`.
pub(super) fn duration(node: &Node, faults: &mut Faults) -> Option<Span> {
    const HINT: &str = "write a Go duration, such as `10ms` or `1m30s`";
    let Value::Text(text) = &node.value else {
        if matches!(node.value, Value::Integer(0)) {
            return Some(Span::ZERO);
        }
        let hint = match &node.value {
            Value::Integer(number) if *number > 0 => format!("the unit is missing: write `{number}ms` or `{number}s`"),
            Value::Map(_) => "only a fixed length of time can be imported, such as `10ms`".to_owned(),
            _ => HINT.to_owned(),
        };
        node.expected("a length of time", &hint, faults);
        return None;
    };
    let span = parts(text);
    if span.is_none() {
        let hint = if text.starts_with('-') { "nothing sleeps for a negative time" } else { HINT };
        node.expected("a length of time", hint, faults);
    }
    span
}

/// The sum of the parts of a Go duration.
fn parts(text: &str) -> Option<Span> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Span::ZERO);
    }
    let mut sum = Span::ZERO;
    let mut any = false;
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let end = rest[unit..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |end| unit + end);
        // Go allows `.5s` and `1.s`, our own notation does not; Go's two letters for micro are ours too.
        let number = rest[..unit].trim_end_matches('.');
        let number = if number.starts_with('.') { format!("0{number}") } else { number.to_owned() };
        let name = rest[unit..end].replace('μ', "µ");
        if !["ns", "us", "µs", "ms", "s", "m", "h"].contains(&name.as_str()) {
            return None;
        }
        sum += format!("{number}{name}").parse::<Span>().ok()?;
        any = true;
        rest = &rest[end..];
    }
    any.then_some(sum)
}

/// A percentage: text such as `0.01%`, or a number between 0 and 1.
pub(super) fn percentage(node: &Node, faults: &mut Faults) -> Option<Share> {
    let share = match &node.value {
        Value::Text(text) => text.parse().ok(),
        Value::Integer(number) => Share::new(*number as f64),
        Value::Float(number) => Share::new(*number),
        _ => None,
    };
    if share.is_none() {
        node.expected("a percentage", "write text such as `0.01%`, or a number between 0 and 1", faults);
    }
    share
}

/// The probability of a call: a number of percent above 0 and up to 100.
pub(super) fn probability(node: &Node, faults: &mut Faults) -> Option<Share> {
    let (percent, hint) = match &node.value {
        Value::Integer(0) => (None, "a call that is never made can be left out"),
        Value::Integer(number) => (Some(*number as f64), ""),
        Value::Float(number) => (Some(*number), ""),
        _ => (None, ""),
    };
    let share = percent.filter(|percent| *percent > 0.0).and_then(|percent| format!("{percent}%").parse().ok());
    if share.is_none() {
        let hint = if hint.is_empty() { "write percent as a plain number, such as `50`" } else { hint };
        node.expected("a number of percent above 0 and up to 100", hint, faults);
    }
    share
}

/// A size is not used yet, but must be one: a number of bytes, or text such as `1 KB`, `10k`, `1.5MiB`.
pub(super) fn check_size(node: &Node, faults: &mut Faults) {
    let good = match &node.value {
        Value::Integer(bytes) => *bytes >= 0,
        Value::Text(text) => is_size(text),
        _ => false,
    };
    if !good {
        node.expected("a size", "write a number of bytes, or text such as `1 KB`", faults);
    }
}

fn is_size(text: &str) -> bool {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..unit], text[unit..].trim_start().to_ascii_lowercase());
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let unit = unit.strip_suffix('i').unwrap_or(unit);
    number.parse::<f64>().is_ok() && ["", "k", "m", "g", "t", "p"].contains(&unit)
}

/// A number of replicas: at least 1.
pub(super) fn replicas(node: &Node, faults: &mut Faults) -> Option<u32> {
    let count = match node.value {
        Value::Integer(number) => u32::try_from(number).ok().filter(|count| *count > 0),
        _ => None,
    };
    if count.is_none() {
        node.expected("a number of replicas", "write a whole number from 1 on", faults);
    }
    count
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node, faults: &mut Faults) -> Option<bool> {
    match node.value {
        Value::Boolean(boolean) => Some(boolean),
        _ => {
            node.expected("`true` or `false`", "write one of the two, without quotes", faults);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        for (text, nanos) in [
            ("10ms", 10_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("100μs", 100_000),
            ("100µs", 100_000),
            ("0", 0),
            ("+1h", 3_600_000_000_000),
        ] {
            assert_eq!(parts(text), Some(Span::from_nanos(nanos)), "{text}");
        }
        for text in ["", "10", "ms", "-1s", "1d", "1 s", "1s2", "1.2.3s", "+"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for text in ["1 KB", "10k", "16mb", "32 PB", "128", "1.5MiB", "1KiB"] {
            assert!(is_size(text), "{text}");
        }
        for text in ["", "KB", "1 XB", "-1k", "1 K B", "1.2.3k"] {
            assert!(!is_size(text), "{text}");
        }
    }
}
