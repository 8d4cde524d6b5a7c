//! What varies in a series of experiments, and through which values: `load=100/s,200/s` or `load=100/s..500/s:5`.

use std::ops::Range;
use std::str::FromStr;

use super::call::pieces;
use super::time::Span;
use super::units::ParseError;

/// The most values that one thing varies through.
const STEPS_MAX: usize = 10_000;

/// Something and the values that it takes, one after the other, each as `--set` takes it.
///
/// ```
/// use brownout::base::vary::Vary;
///
/// let vary: Vary = "load=100/s..500/s:5".parse()?;
/// assert_eq!((vary.path.as_str(), vary.values.join(" ").as_str()), ("load", "100/s 200/s 300/s 400/s 500/s"));
/// // What stands in parentheses, brackets or quotes belongs together.
/// let vary: Vary = "think=exp(1s),uniform(1s, 2s)".parse()?;
/// assert_eq!(vary.values, ["exp(1s)", "uniform(1s, 2s)"]);
/// # Ok::<(), brownout::base::units::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vary {
    /// The path of a key, or the name of a parameter.
    pub path: String,
    /// At least one.
    pub values: Vec<String>,
}

impl FromStr for Vary {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Vary, ParseError> {
        let hint = "write for example `load=100/s,200/s`, or `load=100/s..500/s:5` for five values from 100/s to 500/s";
        let Some(equals) = text.find('=').filter(|at| !text[..*at].trim().is_empty()) else {
            return Err(ParseError::new(0..text.len(), "a path and its values need a `=` between them").hint(hint));
        };
        let path = text[..equals].trim().to_owned();
        let start = equals + 1;
        let rest = &text[start..];
        if rest.trim().is_empty() {
            return Err(ParseError::new(0..text.len(), format!("`{path}` has no values")).hint(hint));
        }
        let pieces = pieces(rest).map_err(|fault| fault.shifted(start))?;
        let trimmed = |range: &Range<usize>| rest[range.clone()].trim();
        if let Some(empty) = pieces.iter().find(|piece| trimmed(piece).is_empty()) {
            return Err(ParseError::new(start + empty.start..start + empty.end, "a value is missing here").hint(hint));
        }
        let values = match pieces.as_slice() {
            [only] => match between(trimmed(only)) {
                Some(values) => values.map_err(|fault| fault.shifted(start))?,
                None => vec![trimmed(only).to_owned()],
            },
            several => several.iter().map(|piece| trimmed(piece).to_owned()).collect(),
        };
        if let Some(again) = (1..values.len()).find(|place| values[..*place].contains(&values[*place])) {
            let piece = pieces.get(again).filter(|_| pieces.len() > 1).unwrap_or(&pieces[0]);
            let message = format!("`{}` is among the values of `{path}` twice", values[again]);
            let place = start + piece.start..start + piece.end;
            return Err(ParseError::new(place, message).hint("every value runs once, `--reps` says how often"));
        }
        Ok(Vary { path, values })
    }
}

/// The values of `low..high:steps`; `None` where it is something else.
fn between(text: &str) -> Option<Result<Vec<String>, ParseError>> {
    if text.starts_with(['"', '\'', '[', '{']) {
        return None;
    }
    let (low, rest) = text.split_once("..")?;
    let fault = |message: &str| {
        let fault = ParseError::new(0..text.len(), message);
        Some(Err(fault.hint("write for example `100/s..500/s:5`: five values, both ends among them")))
    };
    let Some((high, steps)) = rest.rsplit_once(':') else { return fault("the number of values is missing") };
    let (low, high) = (low.trim(), high.trim());
    let steps = match steps.trim().parse::<usize>() {
        Ok(steps) if (2..=STEPS_MAX).contains(&steps) => steps,
        _ => return fault(&format!("there are 2 to {STEPS_MAX} values from one end to the other")),
    };
    let ((a, unit_a), (b, unit_b)) = match (number(low), number(high)) {
        (Some(low), Some(high)) => (low, high),
        _ => return fault("both ends are numbers with a unit"),
    };
    let at = |step: usize, a: f64, b: f64| a + (b - a) * step as f64 / (steps - 1) as f64;
    if unit_a == unit_b {
        // Whole numbers without a unit count something, as long as there are enough of them.
        let is_count = unit_a.is_empty()
            && [low, high].iter().all(|end| !end.contains(['.', 'e', 'E']))
            && (b - a).abs() >= (steps - 1) as f64;
        let value = |step| {
            let value = at(step, a, b);
            format!("{}{unit_a}", if is_count { value.round() } else { rounded(value) })
        };
        return Some(Ok((0..steps).map(value).collect()));
    }
    let (Ok(low), Ok(high)) = (low.parse::<Span>(), high.parse::<Span>()) else {
        return fault("both ends have the same unit");
    };
    let (a, b) = (low.as_nanos() as f64, high.as_nanos() as f64);
    Some(Ok((0..steps).map(|step| Span::from_nanos(at(step, a, b).round() as u64).to_string()).collect()))
}

/// A number and what follows it.
pub(super) fn number(text: &str) -> Option<(f64, &str)> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    Some((text[..end].replace('_', "").parse().ok()?, text[end..].trim_start()))
}

/// To twelve digits: 0.1 + 0.2 is 0.3.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> String {
        text.parse::<Vary>().unwrap().values.join(" | ")
    }

    #[test]
    fn lists_keep_what_belongs_together() {
        assert_eq!(values("a.b=1,2,3"), "1 | 2 | 3");
        assert_eq!(
            values("a = 5ms , exp(5ms, 1s) , lognormal(p50=1ms, p99=2ms)"),
            "5ms | exp(5ms, 1s) | lognormal(p50=1ms, p99=2ms)"
        );
        assert_eq!(values(r#"a=["x", "y"],["z"]"#), r#"["x", "y"] | ["z"]"#);
        assert_eq!(values(r#"a="x,y",z"#), r#""x,y" | z"#);
        assert_eq!(values(r#"a={ preset = "none", b = 1 },none"#), r#"{ preset = "none", b = 1 } | none"#);
        assert_eq!(values("a=only"), "only");
    }

    #[test]
    fn ranges_have_both_ends() {
        assert_eq!(values("a=1..64:4"), "1 | 22 | 43 | 64");
        assert_eq!(values("a=1..5:3"), "1 | 3 | 5");
        assert_eq!(values("a=0..1:5"), "0 | 0.25 | 0.5 | 0.75 | 1");
        assert_eq!(values("a=0%..30%:4"), "0% | 10% | 20% | 30%");
        assert_eq!(values("a=0.1..0.3:3"), "0.1 | 0.2 | 0.3");
        assert_eq!(values("a=500ms..2s:4"), "500ms | 1s | 1.5s | 2s");
        assert_eq!(values("a=3..1:3"), "3 | 2 | 1");
    }

    #[test]
    fn a_value_stands_there_once() {
        let fault = "a=1/s,2/s,1/s".parse::<Vary>().unwrap_err();
        assert_eq!(fault.range, 10..13);
        assert!("a=3..3:2".parse::<Vary>().is_err());
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        for text in ["a", "=1", "a=", "a=1,,2", "a=1..2", "a=1..2:1", "a=1..2:x", "a=x..y:3", "a=1s..2/s:3", "a=f(1,2"]
        {
            let fault = text.parse::<Vary>().unwrap_err();
            assert!(fault.range.end <= text.len(), "{text}: {fault:?}");
        }
    }
}
