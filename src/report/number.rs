//! How a person reads a number: three or four significant digits, its unit beside it, and a dash
//! where there is no sample. A no-break space groups digits and joins the unit, so that no table
//! breaks a number.

use crate::base::time::Span;

/// Stands where nothing was measured.
pub(super) const NONE: &str = "–";
const SPACE: char = '\u{a0}';

/// `270 000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(SPACE);
        }
        grouped.push(digit);
    }
    grouped
}

/// A number without a unit: whole and grouped from 100 on, three digits below.
pub(super) fn plain(value: Option<f64>) -> String {
    match value.filter(|v| v.is_finite()) {
        None => NONE.to_owned(),
        Some(v) if v < 0.0 => format!("-{}", plain(Some(-v))),
        Some(v) if v >= 99.95 => count(v.round() as u64),
        Some(v) => significant(v),
    }
}

/// `1 500/s`.
pub(super) fn rate(per_sec: Option<f64>) -> String {
    with_unit(per_sec, plain, "/s")
}

/// `1.5 GB`.
pub(super) fn bytes(value: Option<f64>) -> String {
    let Some(v) = value.filter(|v| v.is_finite() && *v >= 0.0) else { return NONE.to_owned() };
    // The borders lie where three digits would round up to the next unit.
    let (scaled, unit) = match v {
        v if v < 999.5 => (v, "B"),
        v if v < 999.5e3 => (v / 1e3, "kB"),
        v if v < 999.5e6 => (v / 1e6, "MB"),
        v if v < 999.5e9 => (v / 1e9, "GB"),
        v => (v / 1e12, "TB"),
    };
    format!("{}{SPACE}{unit}", plain(Some(scaled)))
}

/// `2.7×`.
pub(super) fn factor(value: Option<f64>) -> String {
    match value.filter(|v| v.is_finite()) {
        Some(v) if v < 99.995 => format!("{v:.2}×"),
        other => with_unit(other, plain, "×"),
    }
}

/// `34.1%`. Never rounds up to 100% nor down to 0%.
pub(super) fn share(value: Option<f64>) -> String {
    match value.filter(|v| v.is_finite()).map(|v| v * 100.0) {
        None => NONE.to_owned(),
        Some(0.0) => "0%".to_owned(),
        Some(100.0) => "100%".to_owned(),
        Some(v) if v > 0.0 && v < 0.01 => "<0.01%".to_owned(),
        Some(v) if v > 99.99 && v < 100.0 => ">99.99%".to_owned(),
        Some(v) if v < 0.1 || (99.9..100.0).contains(&v) => format!("{v:.2}%"),
        Some(v) => format!("{v:.1}%"),
    }
}

/// `203 ms`.
pub(super) fn span(value: Option<Span>) -> String {
    secs(value.map(Span::as_secs_f64))
}

/// [`span`] of a number of seconds.
pub(super) fn secs(value: Option<f64>) -> String {
    let Some(v) = value.filter(|v| v.is_finite() && *v >= 0.0) else { return NONE.to_owned() };
    // The borders lie where three digits would round up to the next unit.
    let (scaled, unit) = match v {
        0.0 => return format!("0{SPACE}s"),
        v if v < 999.5e-9 => (v * 1e9, "ns"),
        v if v < 999.5e-6 => (v * 1e6, "µs"),
        v if v < 0.9995 => (v * 1e3, "ms"),
        v => (v, "s"),
    };
    format!("{}{SPACE}{unit}", plain(Some(scaled)))
}

/// A length of time that somebody wrote: shown in full (`1.5 s`, `250 ms`, `180 s`).
pub(super) fn written(value: Span) -> String {
    let text = value.to_string().replace("us", "µs");
    let unit = text.find(|c: char| c.is_alphabetic() || c == 'µ').unwrap_or(text.len());
    format!("{}{SPACE}{}", &text[..unit], &text[unit..])
}

/// `value`, and in a line of its own how far it may be off.
pub(super) fn with_width(value: Option<f64>, half_width: Option<f64>, text: fn(Option<f64>) -> String) -> String {
    // A constant is exact: what is below a billionth of it comes from the arithmetic.
    let half_width = half_width.filter(|width| value.is_none_or(|value| *width > 1e-9 * value.abs()));
    lines([text(value), give_or_take(half_width, text)])
}

/// The same in a sentence: `203 ms ±4 ms`.
pub(super) fn in_words(value: Option<f64>, half_width: Option<f64>, text: fn(Option<f64>) -> String) -> String {
    with_width(value, half_width, text).replace('\n', " ")
}

/// Those of the lines of a cell that say something.
pub(super) fn lines<const N: usize>(lines: [String; N]) -> String {
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// `text` of half the width of an interval, behind a ±; nothing where it is not known or nothing.
pub(super) fn give_or_take(half_width: Option<f64>, text: fn(Option<f64>) -> String) -> String {
    match half_width.filter(|width| *width > 0.0) {
        Some(width) => format!("±{}", text(Some(width))),
        None => String::new(),
    }
}

fn significant(v: f64) -> String {
    let decimals = match v {
        0.0 => return "0".to_owned(),
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.0995 => 3,
        _ => 4,
    };
    let text = format!("{v:.decimals$}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "0" => "<0.0001".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

fn with_unit(value: Option<f64>, text: fn(Option<f64>) -> String, unit: &str) -> String {
    match value.filter(|v| v.is_finite()) {
        None => NONE.to_owned(),
        some => text(some) + unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let plainly = |text: String| text.replace(SPACE, " ");
        assert_eq!(plainly(count(0)), "0");
        assert_eq!(plainly(count(1_234_567)), "1 234 567");
        assert_eq!(plainly(rate(Some(1500.4))), "1 500/s");
        assert_eq!(plainly(rate(Some(0.125))), "0.125/s");
        assert_eq!(plainly(rate(Some(99.97))), "100/s");
        assert_eq!(plainly(rate(Some(f64::NAN))), "–");
        assert_eq!(plainly(secs(Some(0.203_4))), "203 ms");
        assert_eq!(plainly(secs(Some(0.999_6))), "1 s");
        assert_eq!(plainly(secs(Some(0.000_012_34))), "12.3 µs");
        assert_eq!(plainly(secs(None)), "–");
        assert_eq!(plainly(bytes(Some(0.0))), "0 B");
        assert_eq!(plainly(bytes(Some(999.6))), "1 kB");
        assert_eq!(plainly(bytes(Some(1_234_567.0))), "1.23 MB");
        assert_eq!(plainly(bytes(Some(5e15))), "5 000 TB");
        assert_eq!(plainly(bytes(None)), "–");
        assert_eq!(plainly(factor(Some(2.714))), "2.71×");
        assert_eq!(plainly(written(Span::from_millis(1500))), "1.5 s");
        assert_eq!(plainly(written(Span::from_micros(250))), "250 µs");
        assert_eq!(plainly(in_words(Some(0.203), Some(0.004), secs)), "203 ms ±4 ms");
        assert_eq!(plainly(in_words(Some(0.203), Some(3e-17), secs)), "203 ms");
    }

    #[test]
    fn a_share_is_neither_all_nor_nothing_by_rounding() {
        assert_eq!(share(Some(1.0)), "100%");
        assert_eq!(share(Some(0.999_96)), ">99.99%");
        assert_eq!(share(Some(0.999_5)), "99.95%");
        assert_eq!(share(Some(0.341)), "34.1%");
        assert_eq!(share(Some(0.000_05)), "<0.01%");
        assert_eq!(share(Some(0.0)), "0%");
        assert_eq!(share(None), "–");
    }
}
