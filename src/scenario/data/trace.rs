//! Recorded traffic: counts per interval become a rate over time, times of arrival stay as they are.

use super::instant;
use super::rows::{Rows, column_name};
use super::samples::unit;
use crate::base::call::Call;
use crate::base::time::{Span, Time};
use crate::base::units::{Number, ParseError, Rate};
use crate::model::RatePoint;
use crate::scenario::decode::{Cx, RATE_MAX};
use crate::scenario::files::{of_place, resolved};
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::Node;

const USAGE: &str = "trace(\"requests.csv\", per=5m, speed=60)";

/// `trace("file.csv", per=5m, speed=60, scale=2)` as written.
#[derive(Clone, Debug)]
pub(crate) struct TraceForm {
    path: String,
    /// The length of the interval that a row counts; without it a row is one arrival.
    per: Option<Span>,
    speed: f64,
    scale: f64,
    at: Time,
    unit: Option<Span>,
    gaps: Option<Gaps>,
    time: Option<String>,
    column: Option<String>,
}

/// What happens where rows are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gaps {
    /// Nothing arrives.
    Zero,
    /// The rate stays as it was.
    Hold,
}

impl TraceForm {
    /// Reads the arguments.
    pub(crate) fn of_call(call: &Call<'_>) -> Result<TraceForm, ParseError> {
        let named = ["per", "speed", "scale", "at", "unit", "gaps", "time", "column"];
        let bound = call.bind(&["file"], &named, USAGE)?;
        let file = bound.need("file")?;
        let factor = |key: &str| match bound.get(key) {
            None => Ok(1.0),
            Some(arg) => match arg.parse::<Number>()?.as_f64() {
                zero if zero <= 0.0 => {
                    Err(ParseError::new(arg.value_range.clone(), format!("`{key}` must be above zero")))
                }
                factor => Ok(factor),
            },
        };
        let per = bound.get("per").map(|arg| match arg.parse::<Span>()? {
            Span::ZERO => Err(ParseError::new(arg.value_range.clone(), "`per` must be longer than zero")),
            per => Ok(per),
        });
        let per = per.transpose()?;
        let gaps = match bound.get("gaps") {
            None => None,
            Some(arg) => match arg.value {
                "zero" => Some(Gaps::Zero),
                "hold" => Some(Gaps::Hold),
                other => {
                    return Err(ParseError::new(arg.value_range.clone(), format!("`{other}` is no way to fill a gap"))
                        .hint("write `gaps=zero` or `gaps=hold`"));
                }
            },
        };
        if per.is_none() {
            for key in ["scale", "gaps", "column"] {
                if let Some((_, range)) = bound.get(key).and_then(|arg| arg.key.as_ref()) {
                    return Err(ParseError::new(range.clone(), format!("`{key}` goes with `per`: it is about counts"))
                        .hint("add `per=5m` when a row counts the requests of five minutes"));
                }
            }
        }
        Ok(TraceForm {
            path: file.quoted()?.to_owned(),
            per,
            speed: factor("speed")?,
            scale: factor("scale")?,
            at: bound.get("at").map(|arg| arg.parse::<Time>()).transpose()?.unwrap_or(Time::ZERO),
            unit: unit(&bound)?,
            gaps,
            time: column_name(&bound, "time")?,
            column: column_name(&bound, "column")?,
        })
    }

    /// Whether rows are counts.
    pub(crate) fn counts(&self) -> bool {
        self.per.is_some()
    }
}

/// A trace as it is played.
#[derive(Clone, Debug)]
pub(crate) enum Played {
    /// A rate that changes in steps.
    Rates(Vec<RatePoint>),
    /// One arrival at each.
    Times(Vec<Time>),
}

/// How a trace fits: for those who want to hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// Where the file is named.
    pub(crate) place: Place,
    /// When it ends in the run.
    pub(crate) end: Time,
    /// Stretches without rows: how many, and the longest one in the file's own time.
    pub(crate) gaps: usize,
    /// See `gaps`.
    pub(crate) longest: Span,
    /// A column of a trace of single arrivals that looks like counts.
    pub(crate) counts: Option<String>,
    /// Whether the file of the scenario says how they are filled.
    pub(crate) is_decided: bool,
}

/// Reads the file of the trace that the value at `node` names.
pub(crate) fn play(form: &TraceForm, node: &Node, cx: &mut Cx<'_>) -> Option<(Played, Fit)> {
    let path_place = cx.place_of(node, &form.path);
    let path = resolved(of_place(path_place, cx.sources), &form.path);
    let file = cx.data(&path, path_place)?;
    let one = Some(Span::from_secs(1));
    let rows = Rows::read(file, |field| instant::nanos(field, one).is_ok() || field.parse::<f64>().is_ok(), cx)?;
    let time = rows.column(form.time.as_ref(), node, cx);
    let (time, value) = (time?, rows.column(form.column.as_ref(), node, cx)?);
    match form.per {
        None => arrivals(form, &rows, time.unwrap_or(0), path_place, cx),
        Some(per) => {
            let (time, value) = match (time, value, rows.width()) {
                (time, Some(value), _) => (time.or((value != 0).then_some(0)), value),
                (None, None, 0 | 1) => (None, 0),
                (None, None, 2) => (Some(0), 1),
                (Some(time @ (0 | 1)), None, 2) => (Some(time), 1 - time),
                (_, None, _) => {
                    cx.say(&catalogue::BAD_DATA, path_place, format!("the file has {}", rows.columns()))
                        .help("name the one with the counts: `column=\"..\"`");
                    return None;
                }
            };
            rates(form, per, &rows, (time, value), path_place, cx)
        }
    }
}

const TIME_HINT: &str = "write dates such as `2026-01-31 12:00:00`, lengths of time such as `1.5s`, or plain numbers and `unit=1s` in the scenario";

/// The times of all rows, counted from the first one.
fn times(form: &TraceForm, rows: &Rows, column: usize, cx: &mut Cx<'_>) -> Option<Vec<u64>> {
    let nanos = rows.map(column, |text| instant::nanos(text, form.unit), TIME_HINT, cx)?;
    let first = *nanos.first()?;
    if let Some(at) = nanos.windows(2).position(|pair| pair[1] < pair[0]) {
        rows.say(at + 1, column, "the rows go back in time", cx).help("sort them by time");
        return None;
    }
    // A hundred years are more than anybody has recorded.
    nanos.iter().map(|at| u64::try_from(at - first).ok()).collect::<Option<Vec<u64>>>().or_else(|| {
        rows.say(nanos.len() - 1, column, "this is too long after the first row", cx);
        None
    })
}

/// When what was recorded `nanos` after the first row is played.
fn played_at(form: &TraceForm, nanos: u64) -> Time {
    form.at + Span::from_nanos_f64(nanos as f64 / form.speed)
}

fn arrivals(form: &TraceForm, rows: &Rows, column: usize, place: Place, cx: &mut Cx<'_>) -> Option<(Played, Fit)> {
    let times: Vec<Time> = times(form, rows, column, cx)?.into_iter().map(|nanos| played_at(form, nanos)).collect();
    let end = *times.last()?;
    let counts = rows.numbers_beside(column).map(str::to_owned);
    Some((Played::Times(times), Fit { place, end, gaps: 0, longest: Span::ZERO, counts, is_decided: true }))
}

fn rates(
    form: &TraceForm,
    per: Span,
    rows: &Rows,
    (time, value): (Option<usize>, usize),
    place: Place,
    cx: &mut Cx<'_>,
) -> Option<(Played, Fit)> {
    let counts = rows.map(value, count, "counts are numbers that are not negative", cx);
    let step = per.as_nanos();
    let starts = match time {
        Some(column) => times(form, rows, column, cx),
        None => counts.as_ref().map(|counts| (0..counts.len() as u64).map(|row| row.saturating_mul(step)).collect()),
    };
    let (counts, starts) = (counts?, starts?);
    let mut fit =
        Fit { place, end: Time::ZERO, gaps: 0, longest: Span::ZERO, counts: None, is_decided: form.gaps.is_some() };
    let mut points = Vec::with_capacity(2 * counts.len() + 3);
    if form.at > Time::ZERO {
        points.extend([Time::ZERO, form.at].map(|at| RatePoint::new(at, Rate::default())));
    }
    for (row, (start, count)) in starts.iter().zip(&counts).enumerate() {
        let until_next = starts.get(row + 1).map_or(step, |next| next - start);
        if until_next < step / 2 {
            let column = time.unwrap_or(value);
            rows.say(
                row + 1,
                column,
                format!("this row comes {} after the one before", Span::from_nanos(until_next)),
                cx,
            )
            .help(format!("`per={per}` says that a row counts the requests of {per}"));
            return None;
        }
        // Clocks are not exact: a row that is late by less than half an interval leaves no gap.
        let is_gap = until_next > step + step / 2;
        let length = if is_gap { step } else { until_next };
        let rate = count / Span::from_nanos(length).as_secs_f64() * form.speed * form.scale;
        let Some(rate) = Rate::per_sec(rate).filter(|rate| rate.as_per_sec() <= RATE_MAX) else {
            rows.say(row, value, "more than one arrival a nanosecond cannot be told apart", cx)
                .help("lower `speed` or `scale`");
            return None;
        };
        let end = if is_gap && form.gaps == Some(Gaps::Hold) { start + until_next } else { start + length };
        points.extend([*start, end].map(|at| RatePoint::new(played_at(form, at), rate)));
        if is_gap {
            fit.gaps += 1;
            fit.longest = fit.longest.max(Span::from_nanos(until_next - length));
            if form.gaps != Some(Gaps::Hold) {
                points.extend([end, start + until_next].map(|at| RatePoint::new(played_at(form, at), Rate::default())));
            }
        }
        fit.end = played_at(form, end);
    }
    points.push(RatePoint::new(fit.end, Rate::default()));
    Some((Played::Rates(points), fit))
}

fn count(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(count) if count.is_finite() && count >= 0.0 => Ok(count),
        Ok(count) if count < 0.0 => Err(format!("`{text}` is negative")),
        _ => Err(format!("`{text}` is not a count")),
    }
}
