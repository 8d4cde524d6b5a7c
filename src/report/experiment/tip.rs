//! A tipping point or a phase diagram: `tip.json`, and `tip.csv` with a row for each point that ran.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::between::Lattice;
use crate::experiment::{Boundary, Direction, Phase, PhaseDiagram, Point, TipPlan};
use crate::report::json::document;

use super::ShareRow;

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;
const INFALLIBLE: &str = "writing to memory does not fail";
/// A point whose runs do not say how it ends.
pub const EITHER: &str = "either";

/// What was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// Along one thing.
    Boundary(Boundary),
    /// Along two.
    Phases(PhaseDiagram),
}

/// What a report of a tipping point is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Of the scenario.
    pub title: &'a str,
    /// What was searched: one for a boundary, two for phases.
    pub lattices: &'a [Lattice],
    /// What came out.
    pub found: &'a Found,
    /// How it was searched.
    pub plan: TipPlan,
    /// What a run that ends well is, in words: `recovered or better`.
    pub criterion: &'a str,
    /// Of the scenario; that of each run comes from it.
    pub seed: u64,
    /// Hash of the scenario's text, as hexadecimal digits.
    pub hash: &'a str,
    /// Version of brownout.
    pub version: &'a str,
}

impl<'a> Input<'a> {
    /// Every point that ran, with how it ends in a word.
    pub fn points(&self) -> Vec<(&'a Point, &'static str)> {
        match self.found {
            Found::Boundary(it) => it.points.iter().map(|(point, outcome)| (point, outcome.name())).collect(),
            Found::Phases(it) => {
                it.points.iter().map(|(point, phase)| (point, phase.map_or(EITHER, Phase::name))).collect()
            }
        }
    }

    /// Whether there is anything between the ends: a boundary, or several phases.
    pub fn is_found(&self) -> bool {
        match self.found {
            Found::Boundary(it) => it.direction.is_some(),
            Found::Phases(it) => it.points.iter().any(|(_, phase)| Some(phase) != it.points.first().map(|it| &it.1)),
        }
    }

    /// The values of a point, parallel to the lattices.
    pub(in crate::report) fn values(&self, point: &Point) -> Vec<String> {
        self.lattices.iter().zip(&point.places).map(|(lattice, place)| lattice.value(*place)).collect()
    }
}

/// A column for each thing that is varied, then how the runs of the point fared; in the order of the values.
pub fn csv(input: &Input) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    let paths = input.lattices.iter().map(Lattice::path);
    let columns = ["runs", "well", "share", "share_low", "share_high", "stable", "vulnerable", "overloaded", "outcome"];
    table.write_record(paths.chain(columns)).expect(INFALLIBLE);
    for (point, outcome) in input.points() {
        let well = point.well();
        let share = well.share().map_or_else(String::new, |share| share.to_string());
        let mut row = input.values(point);
        row.extend([well.of.to_string(), well.count.to_string(), share, well.low.to_string(), well.high.to_string()]);
        row.extend(point.phases.map(|count| count.to_string()));
        row.push(outcome.to_owned());
        table.write_record(row).expect(INFALLIBLE);
    }
    String::from_utf8(table.into_inner().expect(INFALLIBLE)).expect("names and numbers are text")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    title: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    brownout_version: &'a str,
    method: String,
    criterion: &'a str,
    share: f64,
    confidence: f64,
    replications_max: u32,
    vary: Vec<VaryRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boundary: Option<BoundaryRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<BTreeMap<&'static str, usize>>,
    points: Vec<PointRow>,
}

#[derive(Serialize)]
struct VaryRow<'a> {
    path: &'a str,
    low: String,
    high: String,
    step: String,
    values: u32,
}

#[derive(Serialize)]
struct BoundaryRow {
    is_found: bool,
    searched: Option<&'static str>,
    last_that_ends_well: Option<String>,
    first_that_does_not: Option<String>,
    luck_decides_between: Option<[Option<String>; 2]>,
    is_crossed: bool,
}

#[derive(Serialize)]
struct PointRow {
    values: Vec<String>,
    outcome: &'static str,
    is_exact: bool,
    ends_well: ShareRow,
    phases: BTreeMap<&'static str, u32>,
    verdicts: BTreeMap<&'static str, u32>,
}

fn point_row(input: &Input, point: &Point, outcome: &'static str) -> PointRow {
    PointRow {
        values: input.values(point),
        outcome,
        is_exact: point.is_exact,
        ends_well: ShareRow::of(&point.well()),
        phases: Phase::ALL.iter().zip(point.phases).map(|(phase, count)| (phase.name(), count)).collect(),
        verdicts: point.verdicts.iter().map(|(verdict, count)| (verdict.name(), *count)).collect(),
    }
}

fn boundary_row(it: &Boundary, lattice: &Lattice) -> BoundaryRow {
    let name = |place: Option<u32>| place.map(|place| lattice.value(place));
    BoundaryRow {
        is_found: it.direction.is_some(),
        searched: it.direction.map(|direction| match direction {
            Direction::Highest => "highest that ends well",
            Direction::Lowest => "lowest that ends well",
        }),
        last_that_ends_well: name(it.well),
        first_that_does_not: name(it.ill),
        luck_decides_between: it.spread.map(|spread| [name(spread.nearly_all), name(spread.nearly_none)]),
        is_crossed: it.is_crossed,
    }
}

/// The document `tip.json`.
pub fn json(input: &Input) -> String {
    let (boundary, phases, error) = match input.found {
        Found::Boundary(it) => (Some(boundary_row(it, &input.lattices[0])), None, it.error),
        Found::Phases(it) => {
            let mut phases: BTreeMap<&'static str, usize> = BTreeMap::new();
            it.points.iter().for_each(|(_, phase)| *phases.entry(phase.map_or(EITHER, Phase::name)).or_default() += 1);
            (None, Some(phases), it.error)
        }
    };
    let vary = |lattice: &'_ Lattice| (lattice.value(0), lattice.value(lattice.steps()), lattice.step_name());
    document(&Document {
        schema: SCHEMA,
        title: input.title,
        scenario_hash: input.hash,
        seed: input.seed,
        brownout_version: input.version,
        method: format!(
            "run k of every point has the same seed; each point is decided by a sequential test over its runs and wrong \
             with a probability of at most {error:.3e}; intervals of shares are Wilson's, 95%"
        ),
        criterion: input.criterion,
        share: input.plan.share,
        confidence: input.plan.confidence,
        replications_max: input.plan.replications,
        vary: input
            .lattices
            .iter()
            .map(|lattice| {
                let (low, high, step) = vary(lattice);
                VaryRow { path: lattice.path(), low, high, step, values: lattice.steps() + 1 }
            })
            .collect(),
        boundary,
        phases,
        points: input.points().into_iter().map(|(point, outcome)| point_row(input, point, outcome)).collect(),
    })
}
