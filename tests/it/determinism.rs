//! The same scenario and seed give the same bytes: in two runs, on any number of threads, in any build, on every
//! platform. And a request draws the same numbers whatever else is in the file.

mod common_numbers;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use brownout::base::distribution::NAMES;
use brownout::insight;
use brownout::measure::{Results, simulate};
use brownout::model::Model;
use brownout::policy::Outcome;
use brownout::report::{Input, csv, json};
use brownout::scenario::{LoadOptions, load};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Scenarios in `tests/data` whose results are recorded, and what is recorded of them.
const RECORDED: [(&str, &str); 2] = [
    ("determinism", include_str!("../data/determinism.sha256")),
    ("determinism-policies", include_str!("../data/determinism-policies.sha256")),
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn scenario() -> Vec<u8> {
    std::fs::read(file("determinism.toml")).unwrap()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(text: &[u8]) -> (Model, Results) {
    let loaded = load("determinism.toml", text, &LoadOptions::default());
    let Some(model) = loaded.model else { panic!("{}", loaded.diagnostics.render(false)) };
    let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
    (model, results)
}

/// `summary.json` and `timeseries.csv`, as the program would write them.
fn data_files(text: &[u8]) -> [String; 2] {
    let (model, mut results) = run(text);
    let twin = insight::twin(&model).map(|twin| simulate(&twin, &mut |_| ControlFlow::Continue(())));
    let found = insight::explain(&model, &results, twin.as_ref());
    insight::answer(&model, &mut results, twin.as_ref(), found.as_ref());
    let input = Input {
        model: &model,
        results: &results,
        hash: &hex(&Sha256::digest(text)),
        version: env!("CARGO_PKG_VERSION"),
        twin: twin.as_ref(),
        insight: found.as_ref(),
    };
    [json::summary(&input), csv::timeseries(&input, false)]
}

/// A digest of both files, but for the version of the program: a release alone changes nothing.
fn digest(files: &[String; 2]) -> String {
    let [summary, series] = files;
    let lasting = summary.split_inclusive('\n').filter(|line| !line.contains("\"brownout_version\""));
    let digest = lasting.fold(Sha256::new(), |digest, line| digest.chain_update(line));
    hex(&digest.chain_update(series).finalize())
}

fn assert_golden(name: &str, golden: &str, found: &str, of: &str) {
    assert_eq!(
        found,
        golden.trim(),
        "\n{of} gives other bytes for tests/data/{name}.toml than are recorded.\n\
         If nothing was meant to change, something draws, orders or rounds differently than before: find it.\n\
         If the change is meant, write {found} into tests/data/{name}.sha256 and tell users in CHANGELOG.md\n\
         that results differ from those of earlier versions."
    );
}

#[test]
fn the_library_gives_the_recorded_bytes() {
    for (name, golden) in RECORDED {
        let text = std::fs::read(file(&format!("{name}.toml"))).unwrap();
        assert_golden(name, golden, &digest(&data_files(&text)), "the library");
    }
}

#[test]
fn the_program_gives_the_recorded_bytes() {
    for (name, golden) in RECORDED {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(cargo_bin("brownout"));
        let scenario = file(&format!("{name}.toml"));
        command.args(["run", "--quiet", "--no-figures", "--out"]).arg(folder.path()).arg(scenario);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_golden(name, golden, &digest(&[read("summary.json"), read("timeseries.csv")]), "the program");
    }
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let text = scenario();
    let alone = data_files(&text);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together: Vec<_> = pool.install(|| (0..4).into_par_iter().map(|_| data_files(&text)).collect());
        for files in together {
            assert_eq!(files, alone, "on {threads} threads");
        }
    }
}

#[test]
fn another_seed_gives_other_results() {
    let text = String::from_utf8(scenario()).unwrap();
    let other = text.replace("seed     = 20", "seed     = 21");
    assert_ne!(other, text);
    assert_ne!(data_files(other.as_bytes())[1], data_files(text.as_bytes())[1]);
}

/// What the digest does not see it cannot hold: the scenarios must go everywhere.
#[test]
fn the_recorded_scenarios_meet_everything_that_can_happen() {
    let policies = std::fs::read(file("determinism-policies.toml")).unwrap();
    let ((model, results), (_, of_policies)) = (run(&scenario()), run(&policies));
    for outcome in Outcome::ALL {
        let edges = results.edges.iter().chain(&of_policies.edges);
        let count: u64 = edges.map(|edge| edge.outcomes[outcome as usize]).sum();
        assert!(count > 0, "no attempt ends {}", outcome.name());
    }
    let sum = |count: fn(&brownout::measure::ServiceResult) -> u64| results.services.iter().map(count).sum::<u64>();
    let departures = [sum(|it| it.failed), sum(|it| it.rejected), sum(|it| it.refused), sum(|it| it.dropped)];
    assert!(departures.iter().all(|count| *count > 0), "{departures:?}");
    assert!(sum(|it| it.in_flight) > 0 && results.services.iter().any(|it| it.wasted_nanos > 0));
    assert!(results.series.edges.iter().any(|it| it.half_open.iter().any(|share| *share > 0.0)), "no breaker opens");
    assert!(results.measured.iter().all(Option::is_some), "{:?}", results.measured);
    // The lists of what there is are exhaustive in the code that names them: a new name must appear here, too.
    let text = String::from_utf8([scenario(), policies].concat()).unwrap();
    let words = [
        "poisson(",
        "even(",
        "burst(",
        "users(",
        "diurnal(",
        "work =",
        "sleep =",
        "call =",
        "forward =",
        "parallel =",
        "choose =",
        "repeat =",
        "reply =",
        "fail =",
        "need =",
        "optional =",
        "add_latency =",
        "slow =",
        "error_rate =",
        "pause =",
        "crash =",
        "cut =",
        "traffic =",
        "round-robin",
        "random",
        "least-request",
        "join-shortest",
        "full",
        "equal",
        "decorrelated",
        "waiting",
        "between-steps",
        "at-once",
        "propagate",
        "lifo",
        "async",
        "cores",
        "startup",
        "budget",
        "preset",
        "limit ",
        "throttle ",
        "hedge ",
        "after = \"p",
    ];
    let missing: Vec<_> = words.iter().filter(|word| !text.contains(&word.replace('(', ""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // A scenario that names no file stands for itself; drawn values of a file keep their bits in the samplers' test.
    let distributions = NAMES.iter().filter(|(name, _)| *name != "empirical");
    let missing: Vec<_> = distributions.filter(|(name, _)| !text.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(model.faults.len() >= 12);
}
