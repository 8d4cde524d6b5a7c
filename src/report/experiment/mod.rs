//! What experiments found, as bytes: `replications` of one scenario, a `comparison` of several, the table of a `sweep`,
//! the boundary of a `tip`, `advice`, and the `gate` formats of continuous builds. How a person reads a table of theirs is in `terminal`, pictures are in
//! `figure`.

pub mod advice;
pub mod baseline;
pub mod comparison;
pub mod gate;
pub mod replications;
pub mod sweep;
pub mod tip;

use serde::Serialize;

use crate::experiment::Ending;
use crate::insight::statistics::{Estimate, ShareEstimate};
use crate::insight::{Measure, MeasureUnit};
use crate::model::Verdict;

use super::number;

/// How a value of `measure` is read.
pub(super) fn text_of(measure: &Measure) -> fn(Option<f64>) -> String {
    match measure.unit {
        MeasureUnit::Share => number::share,
        MeasureUnit::PerSecond => number::rate,
        MeasureUnit::Seconds => number::secs,
        MeasureUnit::Number | MeasureUnit::Money => number::plain,
    }
}

/// What runs that nobody judged are called.
pub(super) fn ending_name(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("not judged", Verdict::name)
}

/// A share of runs in JSON.
#[derive(Serialize)]
pub(super) struct ShareRow {
    count: u32,
    of: u32,
    share: Option<f64>,
    low: f64,
    high: f64,
}

impl ShareRow {
    pub(super) fn of(it: &ShareEstimate) -> ShareRow {
        ShareRow { count: it.count, of: it.of, share: it.share(), low: it.low, high: it.high }
    }
}

/// How often runs ended so, in JSON.
#[derive(Serialize)]
pub(super) struct EndingRow {
    verdict: &'static str,
    #[serde(flatten)]
    share: ShareRow,
}

pub(super) fn ending_rows(endings: &[Ending]) -> Vec<EndingRow> {
    let row = |it: &Ending| EndingRow { verdict: ending_name(it.verdict), share: ShareRow::of(&it.share) };
    endings.iter().map(row).collect()
}

/// A mean in JSON.
#[derive(Serialize)]
pub(super) struct MeanRow {
    pub(super) mean: Option<f64>,
    pub(super) half_width: Option<f64>,
}

impl MeanRow {
    pub(super) fn of(it: Option<&Estimate>) -> MeanRow {
        MeanRow { mean: it.map(|it| it.mean), half_width: it.and_then(|it| it.half_width) }
    }
}
