//! Replications of one scenario: `summary.json`, which a later run can be held against, and `runs.csv` with a row for each
//! run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::experiment::{Averaged, Ending, Estimate, Replications};
use crate::insight::statistics::ShareEstimate;
use crate::insight::{Better, Measure, MeasureOf, MeasureUnit};
use crate::model::Model;
use crate::report::json::document;

use super::{EndingRow, MeanRow, ShareRow, ending_name, ending_rows};

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;

/// What a report of replications is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What ran; with the scenario's own seed.
    pub model: &'a Model,
    /// What came out.
    pub runs: &'a Replications,
    /// Hash of the scenario's text, as hexadecimal digits.
    pub hash: &'a str,
    /// Version of brownout.
    pub version: &'a str,
    /// In so many runs, as a share, an expectation must hold.
    pub needed: f64,
}

/// An expectation over several runs.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its place in the model.
    pub place: usize,
    /// In how many runs it held.
    pub share: ShareEstimate,
    /// Whether that is enough.
    pub pass: bool,
}

/// How every expectation went, in file order.
pub fn held(input: &Input) -> Vec<Held> {
    let held = |place| {
        let share = input.runs.held(input.model, place);
        // What rounding leaves behind must not cost a run.
        let pass = f64::from(share.count) >= input.needed * f64::from(share.of) - 1e-9;
        Held { place, share, pass }
    };
    (0..input.model.expectations.len()).map(held).collect()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    title: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    brownout_version: &'a str,
    replications: usize,
    intervals: &'static str,
    endings: Vec<EndingRow>,
    expectations: Vec<ExpectationRow<'a>>,
    figures: Vec<FigureRow<'a>>,
}

#[derive(Serialize)]
struct ExpectationRow<'a> {
    name: &'a str,
    that: &'a str,
    held: ShareRow,
    needed_share: f64,
    pass: bool,
}

#[derive(Serialize)]
struct FigureRow<'a> {
    name: &'a str,
    of: MeasureOf,
    subject: &'a str,
    unit: MeasureUnit,
    better: Better,
    samples: u32,
    #[serde(flatten)]
    all: MeanRow,
    lowest: Option<f64>,
    highest: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_ending: BTreeMap<&'static str, WithinRow>,
}

/// A mean over the runs that ended alike.
#[derive(Serialize)]
struct WithinRow {
    samples: usize,
    #[serde(flatten)]
    mean: MeanRow,
}

const INTERVALS: &str = "half widths of 95% intervals: Student's t of means, Wilson's of shares; a mean over runs that \
                         ended differently has none, see by_ending";

/// The document `summary.json`.
pub fn summary(input: &Input) -> String {
    let endings = input.runs.endings();
    let figure = |(place, measure)| {
        let averaged = input.runs.averaged(place);
        let samples = |ending: &Ending| {
            let runs = input.runs.runs.iter().zip(input.runs.values(place));
            runs.filter(|(run, value)| run.verdict == ending.verdict && value.is_some()).count()
        };
        let within = |(ending, it): (&Ending, &Option<Estimate>)| {
            (ending_name(ending.verdict), WithinRow { samples: samples(ending), mean: MeanRow::of(it.as_ref()) })
        };
        let values = || input.runs.values(place).flatten();
        FigureRow {
            lowest: values().reduce(f64::min),
            highest: values().reduce(f64::max),
            ..figure_row(measure, &averaged, endings.iter().zip(&averaged.by_ending).map(within).collect())
        }
    };
    document(&Document {
        schema: SCHEMA,
        title: &input.model.title,
        scenario_hash: input.hash,
        seed: input.model.seed,
        brownout_version: input.version,
        replications: input.runs.runs.len(),
        intervals: INTERVALS,
        endings: ending_rows(&endings),
        expectations: held(input)
            .iter()
            .map(|it| {
                let expectation = &input.model.expectations[it.place];
                ExpectationRow {
                    name: &expectation.name,
                    that: &expectation.text,
                    held: ShareRow::of(&it.share),
                    needed_share: input.needed,
                    pass: it.pass,
                }
            })
            .collect(),
        figures: input.runs.measures.iter().enumerate().map(figure).collect(),
    })
}

fn figure_row<'a>(
    measure: &'a Measure,
    averaged: &Averaged,
    by_ending: BTreeMap<&'static str, WithinRow>,
) -> FigureRow<'a> {
    FigureRow {
        name: &measure.name,
        of: measure.of,
        subject: &measure.subject,
        unit: measure.unit,
        better: measure.better,
        samples: averaged.samples,
        all: MeanRow::of(averaged.all.as_ref()),
        lowest: None,
        highest: None,
        by_ending,
    }
}

/// `run,seed,verdict` and a column for every figure: a row for each run. An empty value means that there was no sample.
pub fn runs(input: &Input) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    let names = input.runs.measures.iter().map(|measure| measure.name.as_str());
    let mut write = |row: Vec<String>| table.write_record(row).expect("writing to memory does not fail");
    write(["run", "seed", "verdict"].into_iter().chain(names).map(str::to_owned).collect());
    for run in &input.runs.runs {
        let values = run.values.iter().map(|value| value.map_or_else(String::new, |value| value.to_string()));
        let head = [run.number.to_string(), run.seed.to_string(), ending_name(run.verdict).to_owned()];
        write(head.into_iter().chain(values).collect());
    }
    let bytes = table.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("names and numbers are text")
}
