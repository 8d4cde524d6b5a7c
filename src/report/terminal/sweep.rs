//! A sweep for people: a row for every combination, with how its runs ended and the means of some figures.

use crate::base::vary::Vary;
use crate::experiment::{Estimate, SweepRow, combinations};
use crate::insight::statistics::ShareEstimate;
use crate::report::number;

use super::grid::Grid;
use super::{DIM, HEAD, Look};

/// More combinations than this are left to the files.
const ROWS_MAX: usize = 100;

/// What a sweep found, and what of it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Swept<'a> {
    /// Of the scenario.
    pub title: &'a str,
    /// What varied.
    pub vary: &'a [Vary],
    /// All runs, in the order of combinations.
    pub rows: &'a [SweepRow],
    /// Names of the figures that are shown.
    pub figures: &'a [String],
}

impl<'a> Swept<'a> {
    /// The runs of each combination, in order.
    pub fn combinations(&self) -> Vec<(Vec<usize>, Vec<&'a SweepRow>)> {
        let of = |(number, places): (usize, Vec<usize>)| {
            (places, self.rows.iter().filter(|row| row.combination as usize == number).collect())
        };
        combinations(self.vary).into_iter().enumerate().map(of).collect()
    }
}

/// The share of runs of which users notice nothing any more at the end; `None` where nobody judged them.
pub fn ended_well(rows: &[&SweepRow]) -> Option<ShareEstimate> {
    let judged: Vec<bool> = rows.iter().filter_map(|row| row.ended_well()).collect();
    let good = judged.iter().filter(|good| **good).count() as u32;
    (!judged.is_empty()).then(|| ShareEstimate::of(good, judged.len() as u32))
}

/// The mean of a figure over runs; without an interval where they ended in different ways.
pub fn averaged(rows: &[&SweepRow], name: &str) -> Option<Estimate> {
    let values: Vec<f64> = rows.iter().filter_map(|row| row.figure(name)).collect();
    let is_mixed = rows.iter().any(|row| row.verdict != rows[0].verdict);
    let estimate = (!values.is_empty()).then(|| Estimate::of(&values))?;
    Some(Estimate { half_width: estimate.half_width.filter(|_| !is_mixed), ..estimate })
}

/// How a value of the figure called `name` is read.
pub fn text_of_figure(name: &str) -> fn(Option<f64>) -> String {
    match name.split('(').next().unwrap_or(name) {
        "offered" => number::rate,
        "mean" | "p50" | "p95" | "p99" | "wait" | "age_peak" | "time_to_recover" => number::secs,
        "attempts"
        | "amplification"
        | "retry_factor"
        | "queue"
        | "in_system"
        | "lag"
        | "lag_peak"
        | "core_hours_per_million"
        | "replica_hours_per_million"
        | "cost_per_million" => number::plain,
        _ => number::share,
    }
}

/// The table of a sweep for a terminal of `width` columns.
pub fn sweep(it: &Swept, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let all = it.combinations();
    let kept = &all[..all.len().min(ROWS_MAX)];
    let value = |axis: usize| {
        kept.iter().map(|(places, _)| it.vary[axis].values[places[axis]].clone()).collect::<Vec<String>>()
    };
    let mut grid = Grid::new(&it.vary[0].path, value(0));
    for axis in 1..it.vary.len() {
        grid.column(&it.vary[axis].path, 0, value(axis));
    }
    let well = |rows: &[&SweepRow]| {
        let Some(share) = ended_well(rows) else { return number::NONE.to_owned() };
        let (low, high) = (number::share(Some(share.low)), number::share(Some(share.high)));
        format!("{} of {}\n{low} to {high}", share.count, share.of)
    };
    grid.column("end well\n(95%)", 0, kept.iter().map(|(_, rows)| well(rows)).collect());
    for figure in it.figures {
        let cell = |rows: &[&SweepRow]| {
            let it = averaged(rows, figure);
            number::with_width(it.map(|it| it.mean), it.and_then(|it| it.half_width), text_of_figure(figure))
        };
        grid.column(figure, 1, kept.iter().map(|(_, rows)| cell(rows)).collect());
    }
    let mut text = look.paint(HEAD, look.wrap("", it.title).trim_end()) + "\n" + &grid.render(look);
    let left_out = all.len() - kept.len();
    let more = if left_out > 0 { format!(" {left_out} more combinations are in sweep.csv.") } else { String::new() };
    let note = format!(
        "Runs end well when they are stable, unharmed or recovered; ± is the 95% interval of a mean over runs that ended \
         alike.{more}"
    );
    text += &(look.paint(DIM, look.wrap("", &note).trim_end()) + "\n");
    text
}
