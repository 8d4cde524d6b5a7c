//! The table of a sweep: `sweep.csv`, one row a run, tidy.

use std::collections::BTreeMap;

use crate::base::vary::Vary;
use crate::experiment::{SweepRow, combinations};

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
