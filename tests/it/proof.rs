//! The proof that the simulator says what theory says: `brownout validate` as a library call, every row of it. The rows
//! are those of two collections of reference results, `tests/data/theory.csv` and `tests/data/cascades.csv`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use brownout::experiment::{Cases, Estimate, STANDARD_ERRORS_MIN, Tolerance, proof, proof_file, validate};
use brownout::report::validation;

/// Tests by family of cases, and the list of them. Cases that share runs are in one family.
macro_rules! families {
    ($($test:ident: $($case:literal)*;)*) => {
        $(#[test]
        fn $test() {
            assert_holds(&[$($case),*]);
        })*

        const FAMILIES: &[&[&str]] = &[$(&[$($case),*]),*];
    };
}

families! {
    one_station_with_a_queue: "Q01" "Q02" "Q07" "Q08" "Q37" "Q40";
    a_station_that_turns_requests_away: "Q03" "Q04" "Q05";
    a_shared_processor: "Q09";
    users_who_think: "Q11" "Q12";
    stations_that_hand_requests_over: "Q13" "Q14";
    fan_out: "Q20";
    servers_to_choose_from: "Q21" "Q22";
    threads_held_for_a_slow_dependency: "Q25" "C3-slow-dependency";
    retries_over_layers: "Q31" "C6-layers" "C6-layers-90";
    a_herd: "Q36" "C9-herd";
    who_is_more_important: "Q10";
    who_waits_for_only_so_long: "Q15" "Q16";
    who_asks_again: "Q17";
    who_comes_with_others: "Q23" "MMPP";
    a_server_with_breakdowns: "Q27";
    limits_and_throttles: "Q28" "Q32" "Q33" "C7-sre-throttle";
    caches: "Q29" "Q30" "C5-cache-1000" "C5-cache-350" "C5-cache-late-fill";
    hedges: "Q35";
    contention: "C4-spike" "C11-occ-none";
    a_server_that_stands_still:
        "C1-280" "C1-140" "C1-100-recovery" "C1-130-recovery" "C1-200-critical-outage" "C2-none" "C2-lifo" "C2-queue-100"
        "C2-queue-1000" "C2-cancel" "C2-jitter" "C2-budget" "C2-budget-260" "C8-pause" "C10-probe";
}

fn only(cases: &[&str]) -> Cases {
    proof().only(&cases.iter().map(|case| (*case).to_owned()).collect::<Vec<_>>())
}

fn assert_holds(cases: &[&str]) {
    let validated = validate(&only(cases), 1, None, &|_| ControlFlow::Continue(())).unwrap().unwrap();
    let measured: Vec<&str> = validated.rows.iter().map(|row| row.case.as_str()).collect();
    assert!(cases.iter().all(|case| measured.contains(case)), "{measured:?} are not all of {cases:?}");
    assert!(validated.holds(), "\n{}", validation::text(&validated, "", false, 120));
}

#[test]
fn every_case_of_the_index_is_in_one_family() {
    let index = proof();
    let mut cases: Vec<&str> = FAMILIES.concat();
    cases.sort_unstable();
    let mut named: Vec<&str> = index.names().collect();
    named.sort_unstable();
    assert_eq!(cases, named);
}

#[test]
fn every_scenario_of_the_proof_says_where_the_exact_result_comes_from() {
    let index = proof();
    let files: BTreeMap<&str, &str> = index
        .cases
        .iter()
        .flat_map(|case| &case.runs)
        .map(|run| (run.file.as_str(), proof_file(&run.file).unwrap()))
        .collect();
    for (name, text) in files {
        let comment: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        let has_source = ["# Exact: ", "# Exact but ", "# Published: "].iter().any(|word| comment.contains(word));
        assert!(comment.contains("# Shown: ") && has_source, "{name}:\n{comment}");
    }
}

/// Rows of a collection: case, metric, expected value, tolerance.
type Row = (String, String, f64, Tolerance);

/// The records of a CSV file whose comments start with `#`.
fn records(file: &str) -> Vec<csv::StringRecord> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).unwrap();
    reader.records().map(Result::unwrap).collect()
}

fn theory() -> Vec<Row> {
    let row = |record: csv::StringRecord| {
        let share: f64 = record[4].parse().unwrap();
        let tolerance = if share == 0.0 { Tolerance::Exact } else { Tolerance::Relative(share) };
        (record[0].to_owned(), record[2].to_owned(), record[3].parse().unwrap(), tolerance)
    };
    records("theory.csv").into_iter().map(row).collect()
}

fn cascades() -> Vec<Row> {
    let tolerance = |text: &str| match (text, text.strip_suffix('%')) {
        ("exact", _) => Tolerance::Exact,
        (_, Some(percent)) => Tolerance::Relative(percent.parse::<f64>().unwrap() / 100.0),
        (width, None) => Tolerance::Absolute(width.trim_end_matches(" s").parse().unwrap()),
    };
    let row = |record: csv::StringRecord| {
        (record[0].to_owned(), record[1].to_owned(), record[2].parse().unwrap(), tolerance(&record[3]))
    };
    records("cascades.csv").into_iter().map(row).collect()
}

#[test]
fn the_index_has_every_row_of_the_collections() {
    let index = proof();
    let (theory, cascades) = (theory(), cascades());
    assert_eq!(theory.len(), 116);
    let mut missing = Vec::new();
    for row in theory.iter().chain(&cascades) {
        let (case, metric, expected, tolerance) = row;
        let rows =
            index.cases.iter().filter(|it| it.name == *case).flat_map(|case| &case.runs).flat_map(|run| &run.rows);
        let same = rows.filter(|it| (&it.name, it.expected, it.tolerance) == (metric, *expected, *tolerance)).count();
        let required = theory.iter().chain(&cascades).filter(|other| *other == row).count();
        if same < required {
            missing.push(format!("{case} {metric} {expected} {tolerance:?}"));
        }
    }
    assert!(missing.is_empty(), "the index lacks {missing:#?}");
}

#[test]
fn the_page_in_the_repository_states_what_the_index_states() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("VALIDATION.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut lines =
        page.lines().filter(|line| line.starts_with("## ") || line.starts_with("| ") && !line.starts_with("| what"));
    let again = "run `brownout validate --format markdown > VALIDATION.md` again";
    for case in &proof().cases {
        assert_eq!(lines.next(), Some(format!("## {}: {}", case.name, case.shows).as_str()), "{again}");
        for (run, row) in case.runs.iter().flat_map(|run| run.rows.iter().map(move |row| (run, row))) {
            let line = lines.next().unwrap_or_default();
            assert!(line.starts_with(&validation::stated(run, row)), "`{line}` states something else: {again}");
        }
    }
    assert_eq!(lines.next(), None, "{again}");
    assert!(
        page.contains(&format!("results hold: brownout {}, seeds from 1 on.", env!("CARGO_PKG_VERSION"))),
        "{again}"
    );
}

#[test]
fn what_comes_out_does_not_depend_on_how_many_runs_go_at_once() {
    let cases = only(&["Q36", "C1-280"]);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let validated = pool.install(|| validate(&cases, 3, None, &|_| ControlFlow::Continue(()))).unwrap().unwrap();
        validation::json(&validated, "")
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_result_that_does_not_hold_is_seen() {
    let mut cases = only(&["C9-herd"]);
    cases.cases[0].runs[0].rows[0].expected = 2.0;
    let validated = validate(&cases, 1, None, &|_| ControlFlow::Continue(())).unwrap().unwrap();
    assert!(!validated.holds());
    assert_eq!(validated.rows[0].estimate, Some(Estimate { mean: 1.0, half_width: None, standard_error: None }));
    let text = validation::text(&validated, "1", false, 100);
    assert!(text.contains("✗ max(users)") && text.contains("1 of 3 results do not hold"), "{text}");
    assert!(validation::markdown(&validated, "1").contains("**1\u{a0}s**"));
}

#[test]
fn a_row_about_runs_that_end_in_one_way_counts_only_those() {
    let mut cases = only(&["C10-probe"]);
    cases.cases[0].runs.truncate(1);
    let run = &mut cases.cases[0].runs[0];
    run.rows.truncate(1);
    run.replications = 8;
    let measured = |cases: &Cases| validate(cases, 1, None, &|_| ControlFlow::Continue(())).unwrap().unwrap();
    let all = measured(&cases);
    let mean = all.rows[0].estimate.unwrap().mean;
    let condition = |bound: &str| {
        let metric = cases.cases[0].runs[0].rows[0].metric.text().to_owned();
        format!("holds({metric} {bound})").parse().unwrap()
    };
    let (some, none) = (condition(&format!(">= {mean}")), condition("> 1000"));
    cases.cases[0].runs[0].rows[0].among = Some(some);
    let above = measured(&cases).rows.remove(0);
    assert!((1..8).contains(&above.counted.0) && above.counted.1 == 8, "{:?} of them", above.counted);
    assert!(above.estimate.unwrap().mean > mean, "only those that are above the mean count");
    cases.cases[0].runs[0].rows[0].among = Some(none);
    let nobody = measured(&cases).rows.remove(0);
    assert_eq!((nobody.holds, nobody.estimate, nobody.counted), (false, None, (0, 8)));
}

#[test]
fn how_wide_a_tolerance_is_can_be_measured() {
    let mut cases = only(&["C10-probe", "C9-herd"]);
    let measured = |cases: &Cases| validate(cases, 1, Some(16), &|_| ControlFlow::Continue(())).unwrap().unwrap();
    let validated = measured(&cases);
    let exact = validated.rows.iter().find(|row| row.case == "C9-herd").unwrap();
    assert!(exact.width.is_none() && !exact.is_narrow(), "there is no chance in it");
    let (row, width) = validated.narrowest().expect("a probe of chance");
    let error =
        row.estimate.and_then(|it| it.standard_error).unwrap() * (16.0 / f64::from(row.run.replications)).sqrt();
    let around = row.row.tolerance.around(row.row.expected);
    assert!((width * error / around - 1.0).abs() < 1e-12, "of a mean over the index's own replications");
    assert!(validated.holds() && width >= STANDARD_ERRORS_MIN, "{}", validation::text(&validated, "", false, 120));
    assert!(validation::text(&validated, "", false, 120).contains(&format!("= {width:.2} SE")));
    // A run that is too short to show anything is found out.
    let runs = cases.cases.iter_mut().flat_map(|case| &mut case.runs);
    runs.flat_map(|run| &mut run.rows).for_each(|row| row.tolerance = Tolerance::Absolute(1e-9));
    let narrow = measured(&cases);
    assert!(!narrow.holds() && validation::text(&narrow, "", false, 120).contains("below 3 standard errors"));
}

#[test]
fn whoever_watches_can_end_it() {
    let ended = validate(&only(&["C1-280"]), 1, None, &|_| ControlFlow::Break(())).unwrap();
    assert!(ended.is_none());
}

#[test]
fn what_is_wrong_with_a_scenario_is_said() {
    let mut cases = only(&["C9-herd"]);
    cases.cases[0].runs[0].set = vec!["patients=1s".to_owned()];
    let said = validate(&cases, 1, None, &|_| ControlFlow::Continue(())).unwrap_err();
    assert!(said.contains("patience"), "{said}");
}
