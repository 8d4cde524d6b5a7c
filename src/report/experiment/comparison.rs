//! A comparison of several scenarios: `comparison.json`, and `comparison.csv` with a row for each difference.

use serde::Serialize;

use crate::experiment::{Against, Comparison, Difference};
use crate::insight::{Better, MeasureOf, MeasureUnit};
use crate::report::json::document;

use super::{EndingRow, ending_name, ending_rows, text_of};

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;

/// What a report of a comparison is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What came out.
    pub comparison: &'a Comparison,
    /// The seed that all scenarios share.
    pub seed: u64,
    /// Hashes of the scenarios, parallel to them.
    pub hashes: &'a [String],
    /// Version of brownout.
    pub version: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    seed: u64,
    brownout_version: &'a str,
    replications: usize,
    is_precise: bool,
    method: String,
    scenarios: Vec<ScenarioRow<'a>>,
    against: Vec<AgainstRow<'a>>,
}

#[derive(Serialize)]
struct ScenarioRow<'a> {
    name: &'a str,
    scenario_hash: &'a str,
    endings: Vec<EndingRow>,
}

#[derive(Serialize)]
struct AgainstRow<'a> {
    name: &'a str,
    first: &'a str,
    is_mixed: bool,
    flips: Vec<FlipRow>,
    flips_p: f64,
    only_first: &'a [String],
    only_this: &'a [String],
    differences: Vec<DifferenceRow<'a>>,
}

#[derive(Serialize)]
struct FlipRow {
    from: &'static str,
    to: &'static str,
    pairs: u32,
}

#[derive(Serialize)]
struct DifferenceRow<'a> {
    /// In the document it stands above the differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<&'a str>,
    figure: &'a str,
    of: MeasureOf,
    subject: &'a str,
    unit: MeasureUnit,
    better: Better,
    within: Option<&'static str>,
    pairs: usize,
    first_mean: f64,
    mean: f64,
    difference: f64,
    half_width: Option<f64>,
    call: &'static str,
    p: Option<f64>,
    p_holm: Option<f64>,
    pairing_gain: Option<f64>,
}

impl<'a> DifferenceRow<'a> {
    fn of(it: &'a Difference) -> DifferenceRow<'a> {
        DifferenceRow {
            scenario: None,
            first: None,
            figure: &it.measure.name,
            of: it.measure.of,
            subject: &it.measure.subject,
            unit: it.measure.unit,
            better: it.measure.better,
            within: it.within.map(|verdict| ending_name(Some(verdict))),
            pairs: it.paired.pairs,
            first_mean: it.means.0,
            mean: it.means.1,
            difference: it.paired.difference.mean,
            half_width: it.half_width,
            call: it.call.name(),
            p: it.paired.p,
            p_holm: it.p_holm,
            pairing_gain: it.paired.gain,
        }
    }
}

/// How the numbers were found, in a sentence or two.
pub fn method(comparison: &Comparison) -> String {
    let runs = comparison.arms.first().map_or(0, |arm| arm.runs.runs.len());
    let figures = comparison.against.iter().map(|it| it.differences.len()).max().unwrap_or(0);
    let several = match comparison.against.len() {
        0 | 1 => "Intervals are Student's t of 95%".to_owned(),
        others => format!(
            "All are compared with the first; intervals are Student's t, widened so that those of all {others} \
             comparisons of a figure are right together in 95% of all experiments (Bonferroni)"
        ),
    };
    format!(
        "{runs} pairs of runs with the same random numbers. {several}. Figures are not corrected for one another: of \
         {figures} figures without any difference {:.0} would be called different by chance; `p_holm` is corrected for \
         all of them.",
        (figures as f64 * 0.05).ceil()
    )
}

/// What figure it is, and which runs were compared: `goodput(shoppers) if recovered`.
pub fn name_of(it: &Difference) -> String {
    match it.within {
        None => it.measure.name.clone(),
        Some(verdict) => format!("{} if {}", it.measure.name, verdict.name()),
    }
}

/// The scenarios in one line: the first, and what is compared with it.
pub(in crate::report) fn title(comparison: &Comparison) -> String {
    let names: Vec<&str> = comparison.arms.iter().map(|arm| arm.name.as_str()).collect();
    match names.as_slice() {
        [first, others @ .., last] if !others.is_empty() => {
            format!("{first} against {} and {last}", others.join(", "))
        }
        names => names.join(" against "),
    }
}

/// Which figures only one of the two has, in a sentence; a few by name. Empty where there are none.
pub(in crate::report) fn alone(all: &Comparison, it: &Against) -> String {
    const NAMED: usize = 4;
    let of = |names: &[String], arm: usize| {
        let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if names.len() > NAMED { ", …" } else { "" };
        (!names.is_empty()).then(|| format!("{} only in {} ({named}{more})", names.len(), all.arms[arm].name))
    };
    let said: Vec<String> = [of(&it.only_first, 0), of(&it.only_this, it.arm)].into_iter().flatten().collect();
    match said.is_empty() {
        true => String::new(),
        false => format!("Figures that only one of the two has are not compared: {}.", said.join(", ")),
    }
}

/// A difference and its interval, as a person reads them: `+95% ±1%`.
pub(in crate::report) fn difference(it: &Difference) -> String {
    let width = it.half_width.map_or_else(String::new, |width| format!(" ±{}", text_of(&it.measure)(Some(width))));
    signed(it) + &width
}

/// The same without its interval.
pub(in crate::report) fn signed(it: &Difference) -> String {
    let mean = it.paired.difference.mean;
    let sign = match mean {
        0.0 => "",
        mean if mean > 0.0 => "+",
        _ => "-",
    };
    format!("{sign}{}", text_of(&it.measure)(Some(mean.abs())))
}

/// The document `comparison.json`.
pub fn json(input: &Input) -> String {
    let it = input.comparison;
    document(&Document {
        schema: SCHEMA,
        seed: input.seed,
        brownout_version: input.version,
        replications: it.arms.first().map_or(0, |arm| arm.runs.runs.len()),
        is_precise: it.is_precise,
        method: method(it),
        scenarios: it
            .arms
            .iter()
            .zip(input.hashes)
            .map(|(arm, hash)| ScenarioRow {
                name: &arm.name,
                scenario_hash: hash,
                endings: ending_rows(&arm.runs.endings()),
            })
            .collect(),
        against: it.against.iter().map(|against| against_row(it, against)).collect(),
    })
}

fn against_row<'a>(all: &'a Comparison, it: &'a Against) -> AgainstRow<'a> {
    let flip = |flip: &crate::experiment::Flip| FlipRow {
        from: ending_name(flip.from),
        to: ending_name(flip.to),
        pairs: flip.pairs,
    };
    AgainstRow {
        name: &all.arms[it.arm].name,
        first: &all.arms[0].name,
        is_mixed: it.is_mixed,
        flips: it.flips.iter().map(flip).collect(),
        flips_p: it.flips_p,
        only_first: &it.only_first,
        only_this: &it.only_this,
        differences: it.differences.iter().map(DifferenceRow::of).collect(),
    }
}

/// A row for each difference.
pub fn csv(comparison: &Comparison) -> String {
    const INFALLIBLE: &str = "writing to memory does not fail";
    let mut table = ::csv::Writer::from_writer(Vec::new());
    let first = comparison.arms.first().map(|arm| arm.name.as_str());
    for against in &comparison.against {
        let scenario = Some(comparison.arms[against.arm].name.as_str());
        for it in against.differences.iter().map(DifferenceRow::of) {
            table.serialize(DifferenceRow { scenario, first, ..it }).expect(INFALLIBLE);
        }
    }
    String::from_utf8(table.into_inner().expect(INFALLIBLE)).expect("names and numbers are text")
}
