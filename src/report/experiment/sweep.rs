//! A sweep: `sweep.csv`, one row a run, tidy; and `sweep.json` with what the runs of each combination have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::vary::Vary;
use crate::experiment::{SweepRow, combinations};
use crate::report::json::document;
use crate::report::terminal::{Swept, averaged, ended_well};

use super::{MeanRow, ShareRow};

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;
const INFALLIBLE: &str = "writing to memory does not fail";

/// A column for each thing that varies, then `run`, `seed`, `verdict`, then a column for every figure that any combination
/// has. Rows are in the order of the combinations and of their runs, whoever ran them in which order. An empty value means
/// that there was no sample, or that the combination has no such figure.
pub fn csv(vary: &[Vary], rows: &[SweepRow]) -> String {
    let mut rows: Vec<&SweepRow> = rows.iter().collect();
    rows.sort_by_key(|row| (row.combination, row.run));
    let mut columns: Vec<&str> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in rows.iter().flat_map(|row| &row.figures) {
        places.entry(name).or_insert_with(|| {
            columns.push(name);
            columns.len() - 1
        });
    }
    let combinations = combinations(vary);
    let mut table = csv::Writer::from_writer(Vec::new());
    let paths = vary.iter().map(|it| it.path.as_str());
    let head = paths.chain(["run", "seed", "verdict"]).chain(columns.iter().copied());
    table.write_record(head).expect(INFALLIBLE);
    for row in rows {
        let mut figures = vec![""; columns.len()];
        row.figures.iter().for_each(|(name, value)| figures[places[name.as_str()]] = value);
        let values =
            vary.iter().zip(&combinations[row.combination as usize]).map(|(it, value)| it.values[*value].as_str());
        let (run, seed) = (row.run.to_string(), row.seed.to_string());
        let head = [run.as_str(), seed.as_str(), row.verdict.as_str()];
        table.write_record(values.chain(head).chain(figures)).expect(INFALLIBLE);
    }
    String::from_utf8(table.into_inner().expect(INFALLIBLE)).expect("names and numbers are text")
}

/// What repeats a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Of the scenario; that of each run comes from it.
    pub seed: u64,
    /// Hash of the scenario's text, as hexadecimal digits.
    pub hash: &'a str,
    /// Version of brownout.
    pub version: &'a str,
    /// How often each combination ran.
    pub replications: u32,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    title: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    brownout_version: &'a str,
    replications: u32,
    intervals: &'static str,
    vary: Vec<VaryRow<'a>>,
    pictures: &'a [String],
    combinations: Vec<CombinationRow<'a>>,
}

#[derive(Serialize)]
struct VaryRow<'a> {
    path: &'a str,
    values: &'a [String],
}

#[derive(Serialize)]
struct CombinationRow<'a> {
    values: Vec<&'a str>,
    ends_well: Option<ShareRow>,
    verdicts: BTreeMap<&'a str, u32>,
    figures: BTreeMap<&'a str, MeanRow>,
}

const INTERVALS: &str = "half widths of 95% intervals: Student's t of means, Wilson's of shares; a mean over runs that \
                         ended differently has none";

/// The document `sweep.json`. `pictures` are the names of those that were drawn, without their extensions.
pub fn json(swept: &Swept, origin: &Origin, pictures: &[String]) -> String {
    let mut all = Vec::new();
    for (places, rows) in swept.combinations() {
        let mut verdicts: BTreeMap<&str, u32> = BTreeMap::new();
        let judged = rows.iter().filter(|row| !row.verdict.is_empty());
        judged.for_each(|row| *verdicts.entry(&row.verdict).or_default() += 1);
        let names: BTreeSet<&str> = rows.iter().flat_map(|row| &row.figures).map(|(name, _)| name.as_str()).collect();
        let figures = names.into_iter().map(|name| (name, MeanRow::of(averaged(&rows, name).as_ref()))).collect();
        all.push(CombinationRow {
            values: swept.vary.iter().zip(places).map(|(it, place)| it.values[place].as_str()).collect(),
            ends_well: ended_well(&rows).as_ref().map(ShareRow::of),
            verdicts,
            figures,
        });
    }
    document(&Document {
        schema: SCHEMA,
        title: swept.title,
        scenario_hash: origin.hash,
        seed: origin.seed,
        brownout_version: origin.version,
        replications: origin.replications,
        intervals: INTERVALS,
        vary: swept.vary.iter().map(|it| VaryRow { path: &it.path, values: &it.values }).collect(),
        pictures,
        combinations: all,
    })
}

/// The pictures that an earlier sweep has drawn, by its `sweep.json`.
pub fn pictures(json: &str) -> Vec<String> {
    let document: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let names = document.as_ref().and_then(|it| it["pictures"].as_array()).into_iter().flatten();
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    names.filter_map(|name| name.as_str()).filter(is_name).map(str::to_owned).collect()
}
