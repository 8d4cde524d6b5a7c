//! Times in data: dates, lengths of time, and plain numbers whose unit is said elsewhere.

use crate::base::time::{NANOS_PER_SEC, Span};

/// Nanoseconds since some origin: the same one for all rows of a file.
pub(super) fn nanos(text: &str, unit: Option<Span>) -> Result<i128, String> {
    if let Some(number) = decimal(text, unit) {
        return number;
    }
    if let Ok(span) = text.parse::<Span>() {
        return Ok(span.as_nanos().into());
    }
    date(text).ok_or_else(|| format!("`{text}` is not a point of time"))
}

/// A plain number times its unit, to the nanosecond; `None` when it is no plain number.
pub(super) fn decimal(text: &str, unit: Option<Span>) -> Option<Result<i128, String>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |digits: &str| digits.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let Some(unit) = unit else {
        return Some(Err(format!("`{text}` is a number without a unit")));
    };
    let unit = i128::from(unit.as_nanos());
    let too_large = || format!("`{text}` is too large");
    let parts = || {
        // Nineteen digits behind the point are finer than any unit.
        let fraction = &fraction[..fraction.len().min(18)];
        let parts = if fraction.is_empty() { 0 } else { fraction.parse::<i128>().ok()? };
        let scale = (0..fraction.len()).fold(1i128, |scale, _| scale * 10);
        let whole = whole.parse::<i64>().ok().map(i128::from)?.checked_mul(unit)?;
        whole.checked_add(parts.checked_mul(unit)? / scale)
    };
    let nanos = parts().ok_or_else(too_large);
    Some(nanos.map(|nanos| if text.starts_with('-') { -nanos } else { nanos }))
}

/// A date with a time of day, as RFC 3339 writes it (with `T` or a space, with or without an offset), or the latter alone.
fn date(text: &str) -> Option<i128> {
    let datetime: toml::value::Datetime = text.parse().ok()?;
    let time = datetime.time?;
    // A time of day alone is one of the same day as all others.
    let days = datetime
        .date
        .map_or(0, |date| days_since_epoch(i64::from(date.year), i64::from(date.month), i64::from(date.day)));
    let minutes = match datetime.offset {
        Some(toml::value::Offset::Custom { minutes }) => i64::from(minutes),
        Some(toml::value::Offset::Z) | None => 0,
    };
    let secs = days * 86_400
        + i64::from(time.hour) * 3_600
        + (i64::from(time.minute) - minutes) * 60
        + i64::from(time.second.unwrap_or(0));
    Some(i128::from(secs) * i128::from(NANOS_PER_SEC) + i128::from(time.nanosecond.unwrap_or(0)))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`).
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March: the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_numbers_and_lengths_are_times() {
        let secs = |text: &str, unit: Option<u64>| nanos(text, unit.map(Span::from_secs)).map(|n| n / 1_000_000_000);
        assert_eq!(secs("1970-01-01T00:00:00Z", None), Ok(0));
        assert_eq!(secs("2014-04-10 00:04:00", None), Ok(1_397_088_240));
        assert_eq!(secs("2000-02-29 23:59:59+01:00", None), Ok(951_865_199));
        assert_eq!(secs("1969-12-31 23:59:59", None), Ok(-1));
        assert_eq!(secs("12:30", None), Ok(45_000));
        assert_eq!(secs("90s", None), Ok(90));
        assert_eq!(secs("1397088240", Some(1)), Ok(1_397_088_240));
        assert_eq!(nanos("1.5", Some(Span::from_millis(1))), Ok(1_500_000));
        assert_eq!(nanos("-0.5", Some(Span::from_secs(1))), Ok(-500_000_000));
        assert_eq!(nanos("1500", None).unwrap_err(), "`1500` is a number without a unit");
        assert!(nanos("yesterday", None).is_err() && nanos("99999999999999999999", Some(Span::from_secs(1))).is_err());
    }
}
