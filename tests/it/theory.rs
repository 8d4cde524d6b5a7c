//! Queueing theory: scenarios whose exact results are known. Every row of `tests/data/theory.csv` is held against a
//! run, with that row's tolerance.
//!
//! Runs are long enough that a tolerance is more than three standard errors. The comment of each case names the row
//! where the two are closest, and its standard error `SE`: the standard deviation of one run over 16 seeds, in per cent
//! of the expected value, measured by `CASE=Q01 cargo test --test it standard_errors -- --ignored --nocapture`.

mod balancing;
pub(crate) mod calls;
mod closed;
mod stations;

use serde_json::Value;

use crate::reference::{Measured, Row, Tolerance, assert_covered, check, groups, records};

/// Rows by case: all of the file.
const REQUIRED: [(&str, usize); 18] = [
    ("Q01", 6),
    ("Q02", 19),
    ("Q03", 3),
    ("Q04", 1),
    ("Q05", 2),
    ("Q07", 2),
    ("Q08", 3),
    ("Q11", 8),
    ("Q12", 3),
    ("Q14", 2),
    ("Q20", 3),
    ("Q21", 5),
    ("Q22", 4),
    ("Q25", 2),
    ("Q31", 8),
    ("Q36", 3),
    ("Q37", 1),
    ("Q40", 1),
];

type Measure = fn(&Params, u64) -> Measured;

/// Tests by case, and the list of them.
macro_rules! cases {
    ($($test:ident: $case:literal = $measure:path;)*) => {
        $(#[test]
        fn $test() {
            check(&rows(), $case, |params| $measure(&Params::new(params), 1));
        })*

        const CASES: &[(&str, Measure)] = &[$(($case, $measure)),*];
    };
}

cases! {
    one_server_with_exponential_work: "Q01" = stations::mm1;
    several_servers_behind_one_queue: "Q02" = stations::mmc;
    a_bounded_queue_turns_away_what_birth_and_death_say: "Q03" = stations::bounded;
    a_pool_without_queue_does_not_care_for_the_law_of_service: "Q04" = stations::erlang_loss;
    an_overloaded_bounded_queue_is_nearly_always_full: "Q05" = stations::bounded;
    one_server_with_constant_work: "Q07" = stations::md1;
    one_server_with_widely_spread_work: "Q08" = stations::mg1;
    users_who_think_share_one_server: "Q11" = closed::repairman;
    users_who_think_visit_three_stations: "Q12" = closed::three_stations;
    a_request_that_is_forwarded_frees_its_thread: "Q14" = stations::tandem;
    one_slow_branch_makes_the_whole_slow: "Q20" = calls::fan_out;
    two_choices_shorten_the_queues_of_many_servers: "Q21" = balancing::two_choices;
    four_ways_to_share_two_servers: "Q22" = balancing::two_servers;
    threads_held_for_a_slow_dependency_reject_nearly_all: "Q25" = calls::held_threads;
    retries_multiply_over_layers: "Q31" = calls::layers;
    a_herd_is_served_in_rows: "Q36" = calls::herd;
    several_servers_with_constant_work: "Q37" = stations::mdc;
    what_is_in_flight_is_rate_times_latency: "Q40" = stations::unlimited;
}

#[test]
fn every_row_is_measured_once() {
    let cases: Vec<&str> = CASES.iter().map(|(case, _)| *case).collect();
    assert_covered(&rows(), &REQUIRED, &cases);
}

/// Prints the standard deviation of every measured value over seeds, beside its tolerance. Where that is not three
/// times as much, the run is too short. `CASE=Q01` measures only one.
#[test]
#[ignore = "takes minutes; run it after changing the length of a run"]
#[allow(clippy::print_stdout, reason = "a table for whoever asks")]
fn standard_errors() {
    const SEEDS: u64 = 16;
    let only = std::env::var("CASE").ok();
    let rows = rows();
    for (case, measure) in CASES.iter().filter(|(case, _)| only.as_ref().is_none_or(|only| only == case)) {
        for group in groups(&rows, case) {
            let params = Params::new(&group[0].params);
            let runs: Vec<Measured> = (101..101 + SEEDS).map(|seed| measure(&params, seed)).collect();
            for row in &group {
                let Tolerance::Relative(tolerance) = row.tolerance else { continue };
                let values = |run: &Measured| -> Vec<f64> {
                    run.iter().filter(|(metric, _)| *metric == row.metric).map(|(_, value)| *value).collect()
                };
                let values: Vec<f64> = runs.iter().flat_map(values).map(|value| value / row.expected).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
                let deviation = (variance / (values.len() - 1) as f64).sqrt();
                let width = tolerance / deviation;
                println!(
                    "{case} {:32} SE {:6.3}%  tolerance {:4.1}% = {width:5.1} SE  mean off by {:+.3}%  {}",
                    row.metric,
                    deviation * 100.0,
                    tolerance * 100.0,
                    (mean - 1.0) * 100.0,
                    row.params,
                );
            }
        }
    }
}

/// The parameters of a row.
struct Params(Value);

impl Params {
    fn new(json: &str) -> Params {
        Params(serde_json::from_str(json).unwrap())
    }

    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("{} has no number `{name}`", self.0))
    }

    fn count(&self, name: &str) -> usize {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{} has no count `{name}`", self.0)) as usize
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{} has no text `{name}`", self.0))
    }
}

fn rows() -> Vec<Row> {
    let row = |record: csv::StringRecord| {
        let tolerance: f64 = record[4].parse().unwrap();
        Row {
            case: record[0].to_owned(),
            params: record[1].to_owned(),
            metric: record[2].to_owned(),
            expected: record[3].parse().unwrap(),
            tolerance: if tolerance == 0.0 { Tolerance::Exact } else { Tolerance::Relative(tolerance) },
        }
    };
    records("theory.csv").into_iter().map(row).collect()
}
