//! Cascades: retry storms that outlive their trigger, and the cures, as published and as computed elsewhere. Every row
//! of `tests/data/cascades.csv` is held against runs, with that row's tolerance.
//!
//! The systems stand far from the points where they tip (but for the bisection, which has no chance in it), so most
//! rows are exact. Where a share or a rate is counted, the reason why the run is long enough stands beside it.

mod outage;
mod storms;

use crate::reference::{Row, Tolerance, assert_covered, check, records};

/// Rows by case: all of the file.
const REQUIRED: [(&str, usize); 18] = [
    ("C1-280", 2),
    ("C1-140", 1),
    ("C1-100-recovery", 1),
    ("C1-130-recovery", 1),
    ("C1-200-critical-outage", 1),
    ("C2-none", 1),
    ("C2-lifo", 1),
    ("C2-queue-100", 1),
    ("C2-queue-1000", 1),
    ("C2-cancel", 1),
    ("C2-jitter", 1),
    ("C2-budget", 1),
    ("C2-budget-260", 1),
    ("C3-slow-dependency", 2),
    ("C6-layers", 2),
    ("C6-layers-90", 2),
    ("C8-pause", 3),
    ("C9-herd", 3),
];

/// Tests by case, and the list of them.
macro_rules! cases {
    ($($test:ident: $case:literal = $measure:path;)*) => {
        $(#[test]
        fn $test() {
            check(&rows(), $case, |_| $measure());
        })*

        const CASES: &[&str] = &[$($case),*];
    };
}

cases! {
    retries_keep_a_system_down_that_stood_still_for_ten_seconds: "C1-280" = outage::storm;
    below_the_vulnerable_load_it_recovers: "C1-140" = outage::below_the_vulnerable_load;
    at_a_third_of_capacity_it_recovers_soon: "C1-100-recovery" = outage::recovery_at_100;
    at_two_fifths_of_capacity_it_recovers_late: "C1-130-recovery" = outage::recovery_at_130;
    the_longest_outage_that_it_survives: "C1-200-critical-outage" = outage::critical_outage;
    without_retries_it_recovers_slowly: "C2-none" = outage::without_retries;
    last_come_first_served_recovers: "C2-lifo" = outage::lifo;
    a_short_queue_recovers: "C2-queue-100" = outage::short_queue;
    a_long_queue_does_not_help: "C2-queue-1000" = outage::long_queue;
    dropping_what_nobody_waits_for_recovers: "C2-cancel" = outage::cancel;
    jitter_alone_does_not_help: "C2-jitter" = outage::jitter;
    a_budget_does_not_help_near_capacity: "C2-budget" = outage::budget;
    a_budget_helps_further_below: "C2-budget-260" = outage::budget_at_260;
    threads_held_for_a_slow_dependency: "C3-slow-dependency" = storms::slow_dependency;
    retries_multiply_over_layers: "C6-layers" = storms::layers;
    retries_multiply_even_where_some_succeed: "C6-layers-90" = storms::layers_at_90;
    a_pause_of_a_second_tips_what_four_tenths_do_not: "C8-pause" = storms::pause;
    a_herd_is_served_in_rows: "C9-herd" = storms::herd;
}

#[test]
fn every_row_is_measured_once() {
    assert_covered(&rows(), &REQUIRED, CASES);
}

fn rows() -> Vec<Row> {
    let row = |record: csv::StringRecord| Row {
        case: record[0].to_owned(),
        params: String::new(),
        metric: record[1].to_owned(),
        expected: record[2].parse().unwrap(),
        tolerance: tolerance(&record[3]),
    };
    records("cascades.csv").into_iter().map(row).collect()
}

/// `exact`, `3%` or `0.02 s`.
fn tolerance(text: &str) -> Tolerance {
    if text == "exact" {
        return Tolerance::Exact;
    }
    match (text.strip_suffix('%'), text.strip_suffix(" s")) {
        (Some(percent), _) => Tolerance::Relative(percent.parse::<f64>().unwrap() / 100.0),
        (None, Some(secs)) => Tolerance::Absolute(secs.parse().unwrap()),
        (None, None) => panic!("`{text}` is no tolerance"),
    }
}
