//! `run --reps`, `compare` and `sweep` as a user meets them.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// A small shop; its variant is slower than its users wait.
const SHOP: &str = r#"
duration = "4s"

[param.load]
value = "50/s"

[workload.users]
entry    = "api.page"
arrivals = "poisson($load)"
deadline = "1s"

[service.api]
threads = 4
queue = 100

[service.api.endpoint.page]
steps = [ { work = "exp(5ms)" } ]

[expect.answered]
that = "goodput(users) >= 99%"

[sweep]
vary = ["load=20/s..60/s:3"]
replications = 2

[variant.slow.service.api.endpoint.page]
steps = [ { work = "exp(400ms)" } ]
"#;

pub(super) struct Place(TempDir);

impl Place {
    pub(super) fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        place.write("shop.toml", SHOP);
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(cargo_bin("brownout"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program, whatever it exits with.
    pub(super) fn alone(&self, arguments: &str) {
        self.command(arguments).output().unwrap();
    }

    /// Runs the program, which is to exit with `code`; what it said on both streams.
    #[track_caller]
    pub(super) fn run(&self, arguments: &str, code: i32) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{arguments}\n{out}\n{err}");
        (out, err)
    }
}

#[test]
fn replications_say_how_many_ended_how_and_do_not_depend_on_threads() {
    let place = Place::new();
    let (out, _) = place.run("run --reps 6 --jobs 1 shop.toml --out one", 0);
    assert!(out.contains("6 of 6 runs") && out.contains("stable") && out.contains("goodput(users)"), "{out}");
    place.run("run --reps 6 --jobs 3 shop.toml --out two", 0);
    for file in ["summary.json", "runs.csv", "bands.svg"] {
        assert_eq!(place.read(&format!("one/{file}")), place.read(&format!("two/{file}")), "{file}");
    }
    let table = place.read("one/runs.csv");
    assert_eq!(table.lines().count(), 7);
    // Every row can be run again alone.
    let row: Vec<&str> = table.lines().nth(4).unwrap().split(',').collect();
    let head: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let goodput = head.iter().position(|name| *name == "p99(users)").unwrap();
    let (alone, _) = place.run(&format!("run --seed {} --format json shop.toml", row[1]), 0);
    let alone: serde_json::Value = serde_json::from_str(&alone).unwrap();
    assert_eq!(alone["workloads"][0]["latency"]["p99_s"].as_f64(), row[goodput].parse().ok());
}

#[test]
fn an_expectation_of_several_runs_is_a_gate() {
    let place = Place::new();
    let (out, _) = place.run("run --reps 3 --variant slow shop.toml --format github --report junit=gate.xml", 99);
    assert!(out.starts_with("::error file=shop.toml,"), "{out}");
    assert!(place.read("gate.xml").contains("<failure message=\"goodput(users) &gt;= 99%: holds in 0 of 3 runs\"/>"));
    place.run("run --reps 3 --variant slow --holds-in 0% shop.toml", 0);
    // One run is a gate, too.
    place.run("run --variant slow shop.toml --report junit=one.xml", 99);
    assert!(place.read("one.xml").contains("failures=\"1\""));
    let (_, err) = place.run("run --report xunit=a.xml shop.toml", 2);
    assert!(err.contains("did you mean `junit`?"), "{err}");
}

#[test]
fn a_baseline_tells_chance_from_change() {
    let place = Place::new();
    place.run("run --reps 8 shop.toml --out golden", 0);
    let (_, err) = place.run("run --reps 8 --baseline golden/summary.json shop.toml", 0);
    assert!(!err.contains("worse"), "nothing has changed: {err}");
    let set = "--set service.api.threads=1";
    let (_, err) = place.run(&format!("run --reps 8 --baseline golden/summary.json {set} shop.toml"), 99);
    assert!(err.contains("worse than the baseline: wait(api)"), "{err}");
    // What gets better does not fail.
    place.run(&format!("run --reps 8 {set} shop.toml --out worse"), 0);
    let (_, err) = place.run("run --reps 8 --baseline worse/summary.json shop.toml", 0);
    assert!(err.contains("other than the baseline: wait(api)"), "{err}");
    place.run("run --out once shop.toml", 0);
    let (_, err) = place.run("run --reps 8 --baseline once/summary.json shop.toml", 2);
    assert!(err.contains("no summary of several runs"), "{err}");
}

#[test]
fn variants_are_compared_with_the_file_as_it_stands() {
    let place = Place::new();
    let (out, _) = place.run("compare --reps 4 shop.toml", 0);
    assert!(out.contains("slow against as it stands") && out.contains("worse"), "{out}");
    let document: serde_json::Value = serde_json::from_str(&place.read("output/compare-shop/comparison.json")).unwrap();
    assert_eq!(document["scenarios"].as_array().unwrap().len(), 2);
    let page = place.read("output/compare-shop/report.html");
    for part in [
        "How they end",
        "Side by side",
        "slow",
        "Who calls whom",
        "<svg",
        "aria-sort",
        "goodput(users)",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(!page.contains(" src=") && !page.contains("href=\"http"), "it needs nothing but itself");
    let command = "brownout compare --reps 4 shop.toml";
    assert!(page.contains(command), "it says how to repeat it");
    place.run("compare --reps 2 --no-figures --no-report shop.toml", 0);
    assert!(!place.path("output/compare-shop/report.html").exists(), "nothing stale stays");
    let (_, err) = place.run("compare --reps 4 --no-worse goodput shop.toml", 99);
    assert!(err.contains("goodput(users)"), "{err}");
    let (_, err) = place.run("compare --reps 4 --no-worse gudput shop.toml", 2);
    assert!(err.contains("nothing that was compared is called `gudput`"), "{err}");
    assert!(err.contains("did you mean `goodput`?"), "{err}");
    place.write("plain.toml", &SHOP[..SHOP.find("[variant").unwrap()]);
    let (_, err) = place.run("compare plain.toml", 2);
    assert!(err.contains("has no variants"), "{err}");
    let (csv, _) = place.run("compare --reps 3 --format csv shop.toml plain.toml", 0);
    let same = csv.lines().find(|line| line.contains("goodput(users)")).unwrap();
    assert!(same.contains(",0.0,0.0,no clear difference"), "the same scenario twice: {same}");
}

#[test]
fn a_sweep_is_one_row_a_run() {
    let place = Place::new();
    let (csv, _) = place.run("sweep --format csv shop.toml", 0);
    assert_eq!(csv.lines().count(), 7, "what the file says: three values, two runs each\n{csv}");
    assert!(csv.starts_with("load,run,seed,verdict,") && csv.contains("\n40/s,1,"), "{csv}");
    let grid = "--vary service.api.threads=2,4 --vary load=20/s,50/s,80/s --reps 3";
    let (out, _) = place.run(&format!("sweep {grid} shop.toml --out grid"), 0);
    assert!(out.contains("service.api.threads") && out.contains("3 of 3"), "{out}");
    for file in ["sweep.csv", "ends-well.svg", "goodput-users.svg", "goodput-users.png"] {
        assert!(place.path("grid").join(file).exists(), "{file}");
    }
    // The next one in the same place shows another figure: nothing of the first is taken for a part of it.
    let (json, _) = place.run(&format!("sweep {grid} shop.toml --out grid --figure p99(users) --format json"), 0);
    assert!(place.path("grid/p99-users.png").exists() && !place.path("grid/goodput-users.png").exists());
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["combinations"][5]["values"], serde_json::json!(["4", "80/s"]));
    assert_eq!(document["combinations"][5]["verdicts"]["stable"], 3);
    assert_eq!(document["pictures"], serde_json::json!(["ends-well", "p99-users"]));
    let third = "--vary service.api.threads=2,4 --vary load=20/s,50/s --vary service.api.queue=50,100 --reps 1";
    let (_, err) = place.run(&format!("sweep {third} shop.toml --out third"), 0);
    assert!(err.contains("no pictures: more than two things vary"), "{err}");
    for (arguments, code, says) in [
        ("--vary load=1..2", 2, "the number of values is missing"),
        ("--vary load=1/s,2/s --vary load=3/s", 2, "varies twice"),
        ("--vary load=1/s,2/s,1/s", 2, "`1/s` is among the values of `load` twice"),
        ("--vary laod=1/s,2/s", 104, "did you mean `load`?"),
        ("--vary laod=1/s,2/s", 104, "--> --vary:1:1"),
        ("--figure p99(user)", 2, "did you mean `p99(users)`?"),
    ] {
        let (_, err) = place.run(&format!("sweep {arguments} shop.toml --out wrong"), code);
        assert!(err.contains(says), "{arguments}: {err}");
        let _ = fs::remove_dir_all(place.path("wrong"));
    }
}

#[test]
fn a_killed_sweep_goes_on_and_gives_the_same_bytes() {
    let place = Place::new();
    let sweep = "sweep --quiet --no-figures --vary load=10/s..400/s:50 --reps 10 shop.toml";
    place.run(&format!("{sweep} --jobs 1 --out whole"), 0);
    assert_eq!(place.read("whole/sweep.csv").lines().count(), 501);

    let journal = place.path("cut/sweep.journal");
    let lines = || fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
    for enough in [60, 150] {
        let mut child = place.command(&format!("{sweep} --out cut")).spawn().unwrap();
        while lines() < enough && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        // SIGKILL: nobody can do anything about it.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!place.path("cut/sweep.csv").exists(), "it was killed before its end");
        // What was being written when it died.
        let mut file = fs::OpenOptions::new().append(true).open(&journal).unwrap();
        file.write_all(b"{\"combination\":49,\"run\":9,\"se").unwrap();
    }
    let there = lines();
    assert!((150..501).contains(&there), "{there} lines were there");
    place.run(&format!("{sweep} --out cut"), 0);
    assert_eq!(place.read("cut/sweep.csv"), place.read("whole/sweep.csv"));
    assert_eq!(lines(), 501, "no run was done twice");

    // Another scenario does not go on with the runs of this one.
    place.write("shop.toml", &SHOP.replace("exp(5ms)", "exp(6ms)"));
    let (_, err) = place.run(&format!("{sweep} --out cut"), 2);
    assert!(err.contains("another scenario (its hash differs)"), "{err}");
}
