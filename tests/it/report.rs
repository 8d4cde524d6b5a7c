//! Reports: what a person reads and what a program reads, from results that nobody simulated.

mod degenerate;
mod figures;
mod messages;
mod openmetrics;
mod page;
mod synthetic;

use std::ops::ControlFlow;

use brownout::base::time::{Span, Time};
use brownout::measure::Results;
use brownout::model::Model;
use brownout::report::{self, Input};

const HASH: &str = "3f2a91c07be4b5a1d0c9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7";

fn input<'a>(model: &'a Model, results: &'a Results) -> Input<'a> {
    Input { model, results, hash: HASH, version: "0.1.0", twin: None, insight: None }
}

/// Every format of a run but the figures.
fn texts(input: &Input) -> Vec<String> {
    vec![
        report::terminal::summary(input, false, 100),
        report::terminal::summary(input, false, 40),
        report::json::summary(input),
        report::csv::timeseries(input, false),
        report::csv::summary(input),
        report::openmetrics::metrics(input, false),
        report::manifest::manifest(input, "title = \"x\"", &[], "brownout run x.toml"),
    ]
}

fn head(text: &str, lines: usize) -> String {
    text.lines().take(lines).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn terminal_says_first_what_failed_and_last_how_to_repeat_it() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    insta::assert_snapshot!(report::terminal::summary(&input(&model, &results), false, 100));
}

#[test]
fn a_narrow_terminal_loses_columns_and_says_which() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let text = report::terminal::summary(&input(&model, &results), false, 60);
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let input = input(&model, &results);
    let colored = report::terminal::summary(&input, true, 100);
    assert!(colored.contains("\u{1b}[31m✗"), "what failed is red");
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), report::terminal::summary(&input, false, 100));
}

#[test]
fn of_a_thousand_services_the_busiest_are_shown() {
    let (model, results) = synthetic::mesh(1000);
    let text = report::terminal::summary(&input(&model, &results), false, 100);
    let named = |name: &str| text.lines().any(|line| line.split_whitespace().any(|word| word == name));
    assert!(named("mesh-999") && named("mesh-980") && !named("mesh-979"), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("The busiest 20 services are shown, the busiest first; 980 more are in summary.json."),
        "{text}"
    );
    assert!(words.contains("the busiest 50 of 1 000 services unless --series all"), "{text}");
}

#[test]
fn json_holds_every_total() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let text = report::json::summary(&input(&model, &results));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    // 160 s × 8 replicas × 32 threads.
    let utilisation = results.services[2].busy_nanos as f64 / 1e9 / (160.0 * 256.0);
    let inventory = &json["services"][2];
    assert!((inventory["thread_utilisation_share"].as_f64().unwrap() - utilisation).abs() < 1e-12);
    assert_eq!(inventory["littles_law"]["difference_ns"], 0);
    assert_eq!(json["expectations"][0]["pass"], false);
    assert_eq!(json["expectations"][1]["pass"], true);
    insta::assert_snapshot!(text);
}

#[test]
fn littles_law_shows_every_nanosecond_that_is_missing() {
    let model = synthetic::model(false);
    let mut results = synthetic::results(&model);
    results.services[0].sojourn_clipped_nanos += 1;
    let json: serde_json::Value = serde_json::from_str(&report::json::summary(&input(&model, &results))).unwrap();
    assert_eq!(json["services"][0]["littles_law"]["difference_ns"], -1);
}

#[test]
fn csv_is_tidy() {
    let model = synthetic::model(true);
    let results = synthetic::results(&model);
    let input = input(&model, &results);
    let series = report::csv::timeseries(&input, false);
    // Points × (8 of a workload + 9 of each service + 6 of each edge, 8 where there is a breaker), and the header.
    assert_eq!(series.lines().count(), 180 * (8 + 4 * 9 + 6 + 3 * 8) + 1);
    assert!(series.contains("\n100,workload,shoppers,latency_p50_s,\n"), "no sample, no value");
    insta::assert_snapshot!("timeseries", head(&series, 75));
    insta::assert_snapshot!("totals", report::csv::summary(&input));
}

#[test]
fn csv_of_many_services_holds_the_busiest_unless_all_are_wanted() {
    let (model, results) = synthetic::mesh(101);
    let input = input(&model, &results);
    let services = |text: &str| {
        let rows = text.lines().filter_map(|line| line.strip_prefix("0,service,"));
        rows.filter(|row| row.contains("busy_threads_mean")).count()
    };
    let few = report::csv::timeseries(&input, false);
    assert_eq!(services(&few), 50);
    assert!(few.contains("0,service,mesh-100,") && !few.contains(",mesh-50,"));
    assert!(!few.lines().any(|line| line.starts_with("0,edge,") && line.contains("mesh-0.get")));
    let all = report::csv::timeseries(&input, true);
    assert_eq!(services(&all), 101);
    let (model, results) = synthetic::mesh(100);
    assert_eq!(services(&report::csv::timeseries(&self::input(&model, &results), false)), 100);
}

#[test]
fn manifest_repeats_the_run() {
    let model = synthetic::model(false);
    let results = synthetic::results(&model);
    let scenario = "title = \"Grüße\"\n";
    let text = report::manifest::manifest(&input(&model, &results), scenario, &[], "brownout run - --seed 1");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["scenario"], scenario);
    assert_eq!(json["command"], "brownout run - --seed 1");
    assert_eq!(json["seed"], 1);
    assert_eq!(json["scenario_hash"], HASH);
}

#[test]
fn the_bottleneck_is_where_the_others_wait() {
    let model = synthetic::model(false);
    let mut results = synthetic::results(&model);
    // All threads of the chain are about as busy; those of the warehouse at its end are not.
    let threads = [640u128, 320, 256, 256];
    for (id, percent) in [99, 98, 97, 10].into_iter().enumerate() {
        results.services[id].busy_nanos = threads[id] * 160_000_000_000 * percent / 100;
    }
    let bottleneck = |results: &Results| {
        let text = report::json::summary(&input(&model, results));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["bottleneck"].clone()
    };
    assert_eq!(bottleneck(&results), "inventory");
    results.services[3].busy_nanos = threads[3] * 160_000_000_000;
    assert_eq!(bottleneck(&results), "warehouse");
    results.services.iter_mut().for_each(|service| (service.busy_nanos, service.work_nanos) = (0, 0));
    assert_eq!(bottleneck(&results), serde_json::Value::Null);
}

#[test]
fn expectations_without_a_sample_do_not_hold() {
    let model = synthetic::model(false);
    let mut results = synthetic::results(&model);
    results.measured = vec![None, Some(1.0)];
    let input = input(&model, &results);
    let verdicts: Vec<Option<bool>> = report::verdicts(&input).iter().map(|verdict| verdict.pass).collect();
    assert_eq!(verdicts, [Some(false), Some(true)]);
    assert!(
        report::terminal::summary(&input, false, 100).contains("✗ no-blackout: goodput(shoppers) >= 99% — no sample")
    );
}

#[test]
fn an_interrupted_run_is_not_judged() {
    let model = synthetic::model(false);
    let mut results = synthetic::results(&model);
    results.interrupted = true;
    let input = input(&model, &results);
    assert!(report::verdicts(&input).iter().all(|verdict| verdict.pass.is_none()));
    let text = report::terminal::summary(&input, false, 100);
    assert!(text.contains("? no-blackout") && !text.contains("expectations failed"), "{text}");
}

#[test]
fn equal_results_give_equal_texts() {
    let (model, again) = (synthetic::model(true), synthetic::model(true));
    let (results, results_again) = (synthetic::results(&model), synthetic::results(&again));
    assert_eq!(texts(&input(&model, &results)), texts(&input(&again, &results_again)));
}

#[test]
fn what_a_run_measures_is_reported() {
    let mut model = synthetic::model(true);
    (model.duration, model.warmup) = (Span::from_secs(8), Span::from_secs(1));
    model.faults[0].at = Time::ZERO + Span::from_secs(3);
    let results = brownout::measure::simulate(&model, &mut |_| ControlFlow::Continue(()));
    let input = input(&model, &results);
    let json: serde_json::Value = serde_json::from_str(&report::json::summary(&input)).unwrap();
    let count = |value: &serde_json::Value| value.as_u64().unwrap();
    let shoppers = &json["workloads"][0];
    let ended: u64 = shoppers["outcomes"].as_object().unwrap().values().map(count).sum();
    let offered = count(&shoppers["offered"]);
    // 1500/s for 7 s, give or take five standard deviations.
    assert!((9_988..=11_012).contains(&offered), "{offered}");
    assert_eq!(offered, ended + count(&shoppers["in_flight_at_end"]));
    for service in json["services"].as_array().unwrap() {
        assert_eq!(service["littles_law"]["difference_ns"], 0, "{service}");
    }
    figures::check(&report::figure::all(&input));
}
