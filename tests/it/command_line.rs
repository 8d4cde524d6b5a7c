//! The program as a user meets it: exit codes, streams, files, and what it says when something is wrong.

mod beginnings;
mod help;
mod inputs;
mod messages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// Light load, an expectation that holds, a variant in which it does not, and one that warns.
const GOOD: &str = r#"
duration = "4s"

[workload.users]
entry    = "api.page"
arrivals = "poisson(50/s)"
deadline = "1s"

[service.api]
threads = 4
queue = 100

[service.api.endpoint.page]
steps = [ { work = "exp(5ms)" } ]

[expect.answered]
that = "goodput(users) >= 99%"

[variant.slow.service.api.endpoint.page]
steps = [ { work = "exp(400ms)" } ]
"#;

/// A folder with `good.toml` and `bad.toml` in it, in which the program runs.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: TempDir::new().unwrap() };
        place.write("good.toml", GOOD);
        place.write("bad.toml", "duratoin = \"4s\"\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("brownout"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Every file below `folder`, by its path in it.
    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(folder);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

#[test]
fn a_run_prints_the_summary_and_writes_the_files() {
    let place = Place::new();
    let output = place.run(&["run", "good.toml"]);
    exits(&output, 0);
    assert!(out(&output).contains("users"), "{}", out(&output));
    assert!(err(&output).contains("output/good"), "where the files are:\n{}", err(&output));
    let files = place.files("output/good");
    for name in ["summary.json", "timeseries.csv", "manifest.json"] {
        assert!(files.contains_key(name), "{name} is missing among {:?}", files.keys());
    }
    let of = |extension: &str| files.keys().filter(|name| name.ends_with(extension)).count();
    assert!(of(".png") > 0 && of(".png") == of(".svg"), "{:?}", files.keys());
    assert!(files.keys().all(|name| !name.ends_with(".tmp")), "{:?}", files.keys());
}

#[test]
fn no_picture_of_an_earlier_run_stays_beside_the_numbers_of_this_one() {
    let place = Place::new();
    place.run(&["run", "--out", "same", "good.toml"]);
    assert!(place.files("same").contains_key("overview.png"));
    place.run(&["run", "--out", "same", "--no-figures", "good.toml"]);
    let names: Vec<String> = place.files("same").into_keys().collect();
    let data = ["story.json", "summary.json", "timeline.json", "timeseries.csv", "traces.json"];
    let expected = ["manifest.json", "openmetrics.txt", "report.html"].into_iter().chain(data).collect::<Vec<_>>();
    assert_eq!(names, expected);
}

#[test]
fn a_story_is_told_again() {
    let place = Place::new();
    let run = place.run(&["run", "--out", "melted", "--no-figures", "death-spiral"]);
    exits(&run, 99);
    let again = place.run(&["story", "melted"]);
    exits(&again, 0);
    assert!(out(&again).starts_with("METASTABLE: "), "{}", out(&again));
    assert!(out(&run).contains(&out(&again)), "a run and its story say the same");
    for (arguments, says) in [
        (&["story", "melted", "--all"][..], "api: holds"),
        (&["story", "melted", "--at", "31s"], "Who waits for whom"),
        (&["story", "melted", "--service", "api"], "What api saw"),
    ] {
        let output = place.run(arguments);
        exits(&output, 0);
        assert!(out(&output).contains(says), "{}", out(&output));
    }
    for arguments in [
        &["story", "nowhere"][..],
        &["story", "melted", "--at", "soon"],
        &["story", "melted", "--at", "1h"],
        &["story", "melted", "--service", "apy"],
    ] {
        exits(&place.run(arguments), 2);
    }
    // Without its twin a run in which something goes wrong has no story, and that of an earlier one does not stay.
    place.run(&["run", "--out", "melted", "--no-figures", "--no-twin", "death-spiral"]);
    assert!(!place.files("melted").contains_key("story.json"));
    exits(&place.run(&["story", "melted"]), 2);
}

#[test]
fn exit_codes() {
    let place = Place::new();
    for (arguments, code) in [
        (&["run", "good.toml"][..], 0),
        (&["check", "good.toml"], 0),
        (&["run", "--variant", "slow", "good.toml"], 99),
        (&["check", "--variant", "slow", "good.toml"], 0),
        (&["run", "bad.toml"], 104),
        (&["check", "bad.toml"], 104),
        (&["run", "good.toml", "bad.toml"], 104),
        (&["check", "--variant", "nope", "good.toml"], 104),
        (&["check", "--set", "service.api.threads=0", "good.toml"], 104),
        (&["run", "absent.toml"], 1),
        (&["check", "."], 1),
        (&["import", "isotope", "absent.yaml"], 1),
        (&["import", "isotope", "bad.toml"], 104),
        (&["run"], 2),
        (&["walk", "good.toml"], 2),
        (&["run", "--format", "xml", "good.toml"], 2),
        (&["run", "--jobs", "0", "good.toml"], 2),
        (&["run", "good.toml", "good.toml"], 2),
        (&["import", "isotope", "good.toml", "--work", "5"], 2),
        (&[], 2),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}{}", out(&output), err(&output));
    }
}

#[test]
fn data_and_diagnostics_do_not_mix() {
    let place = Place::new();
    let good = place.run(&["run", "--quiet", "good.toml"]);
    exits(&good, 0);
    assert_eq!((out(&good), err(&good)), (String::new(), String::new()));

    let bad = place.run(&["run", "bad.toml"]);
    assert_eq!(out(&bad), "");
    assert!(err(&bad).contains("bad.toml:1:1") && err(&bad).contains("duration"), "{}", err(&bad));

    let failed = place.run(&["run", "--quiet", "--variant", "slow", "good.toml"]);
    assert_eq!(out(&failed), "");
    assert!(err(&failed).contains("answered"), "which expectation failed:\n{}", err(&failed));

    let both = place.run(&["check", "good.toml", "bad.toml"]);
    assert!(out(&both).contains("good.toml: fine"), "{}", out(&both));
    assert!(!out(&both).contains("bad.toml"), "{}", out(&both));
}

#[test]
fn formats() {
    let place = Place::new();
    let json = place.run(&["run", "--format", "json", "--quiet", "good.toml"]);
    exits(&json, 0);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(value.is_object());
    assert_eq!(json.stdout, place.files("output/good")["summary.json"], "standard output and the file are the same");

    let table = place.run(&["run", "--format", "csv", "--quiet", "good.toml"]);
    exits(&table, 0);
    let mut reader = csv::Reader::from_reader(&table.stdout[..]);
    let rows = reader.records().collect::<Result<Vec<_>, _>>().unwrap().len();
    assert!(rows > 0);

    place.write("other.toml", GOOD);
    let tables = place.run(&["run", "--format", "csv", "--quiet", "good.toml", "other.toml"]);
    exits(&tables, 0);
    let mut reader = csv::Reader::from_reader(&tables.stdout[..]);
    assert_eq!(reader.headers().unwrap().get(0), Some("scenario"));
    let of = |name: &str, records: &[csv::StringRecord]| records.iter().filter(|record| &record[0] == name).count();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
    assert_eq!((of("good.toml", &records), of("other.toml", &records), records.len()), (rows, rows, 2 * rows));
}

#[test]
fn standard_input() {
    let place = Place::new();
    let mut command = place.command(&["run", "-"]);
    command.stdin(fs::File::open(place.path("good.toml")).unwrap());
    exits(&command.output().unwrap(), 0);
    assert!(place.files("output/stdin").contains_key("summary.json"));

    let mut command = place.command(&["check", "-"]);
    command.stdin(fs::File::open(place.path("bad.toml")).unwrap());
    let output = command.output().unwrap();
    exits(&output, 104);
    assert!(err(&output).contains("<stdin>:1:1"), "{}", err(&output));
}

#[test]
fn a_graph_goes_through_pipes() {
    let place = Place::new();
    let graph = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/isotope/canonical.yaml");
    let imported = place.run(&["import", "isotope", graph.to_str().unwrap()]);
    exits(&imported, 0);
    fs::write(place.path("canonical.toml"), &imported.stdout).unwrap();
    let written = place.run(&["import", "isotope", graph.to_str().unwrap(), "--output", "written.toml"]);
    exits(&written, 0);
    assert_eq!(fs::read(place.path("written.toml")).unwrap(), imported.stdout);
    exits(&place.run(&["run", "--set", "duration=2s", "--set", "warmup=0s", "canonical.toml"]), 0);
}

#[test]
fn overrides_change_the_results_and_the_directory() {
    let place = Place::new();
    exits(&place.run(&["run", "good.toml"]), 0);
    exits(&place.run(&["run", "--variant", "slow", "good.toml"]), 99);
    exits(&place.run(&["run", "--seed", "2", "--out", "seeded", "good.toml"]), 0);
    exits(&place.run(&["run", "--set", "service.api.threads=1", "--out", "narrow/er", "good.toml"]), 0);
    let base = place.files("output/good");
    for folder in ["output/good-slow", "seeded", "narrow/er"] {
        assert_ne!(base["timeseries.csv"], place.files(folder)["timeseries.csv"], "{folder}");
    }
}

/// What must be the same wherever and however a scenario runs: everything but the manifest.
fn data(place: &Place, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = place.files(folder);
    files.retain(|name, _| !name.ends_with("manifest.json"));
    files
}

#[test]
fn two_runs_give_the_same_bytes() {
    let place = Place::new();
    let first = place.run(&["run", "--out", "first", "good.toml"]);
    fs::create_dir(place.path("elsewhere")).unwrap();
    fs::copy(place.path("good.toml"), place.path("elsewhere/good.toml")).unwrap();
    let second = place.run(&["run", "--out", "second", "elsewhere/good.toml"]);
    assert_eq!(out(&first), out(&second));
    let (first, second) = (data(&place, "first"), data(&place, "second"));
    assert!(first.keys().eq(second.keys()), "{:?} {:?}", first.keys(), second.keys());
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} differs");
    }
}

#[test]
fn any_number_of_jobs_gives_the_same_bytes_in_the_same_order() {
    let place = Place::new();
    let names: Vec<String> = (0..4).map(|number| format!("s{number}.toml")).collect();
    for (number, name) in names.iter().enumerate() {
        // The first takes longest: with two jobs the others are done before it.
        place.write(name, &GOOD.replace("50/s", &format!("{}/s", 400 / (number + 1))));
    }
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let one = place.run(&[&["run", "--jobs", "1", "--out", "one", "--format", "json"], &files[..]].concat());
    let two = place.run(&[&["run", "--jobs", "2", "--out", "two", "--format", "json"], &files[..]].concat());
    exits(&one, 0);
    assert_eq!(out(&one), out(&two));
    assert_eq!(data(&place, "one"), data(&place, "two"));
    assert!(data(&place, "one").contains_key("s3/summary.json"));
}

#[test]
fn a_directory_that_takes_no_files_is_told_before_the_run() {
    let place = Place::new();
    place.write("occupied", "");
    let output = place.run(&["run", "--out", "occupied/below", "good.toml"]);
    exits(&output, 1);
    assert_eq!(out(&output), "");
    assert!(err(&output).starts_with("error: cannot write `occupied/below`"), "{}", err(&output));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let place = Place::new();
    for arguments in [&["run", "good.toml"][..], &["check", "good.toml"], &["--help"]] {
        let mut command = place.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        exits(&output, 0);
        assert!(!err(&output).contains("error"), "{arguments:?}\n{}", err(&output));
    }
}

#[test]
fn colour_is_asked_for_or_absent() {
    let place = Place::new();
    for (arguments, colour) in [
        (&["run", "good.toml"][..], false),
        (&["run", "bad.toml"], false),
        (&["run", "--color", "always", "good.toml"], true),
        (&["run", "--color", "always", "bad.toml"], true),
        (&["run", "--color", "never", "bad.toml"], false),
    ] {
        let output = place.run(arguments);
        let text = format!("{}{}", out(&output), err(&output));
        assert_eq!(text.contains('\u{1b}'), colour, "{arguments:?}\n{text}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run_and_keeps_what_there_is() {
    let place = Place::new();
    let endless = GOOD.replace("\"4s\"", "\"1000000s\"").replace("50/s", "1000/s");
    place.write("endless.toml", &endless);
    let mut command = place.command(&["run", "endless.toml"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The directory is made after the signal is watched for and before the run starts.
    while !place.path("output/endless").exists() {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    exits(&output, 130);
    assert!(err(&output).contains("interrupted"), "{}", err(&output));
    assert!(out(&output).contains("interrupted"), "{}", out(&output));
    let files = place.files("output/endless");
    assert!(String::from_utf8_lossy(&files["summary.json"]).contains("\"interrupted\": true"));
    assert!(files.contains_key("manifest.json"));
}

#[test]
fn validate_runs_the_cases_it_is_asked_for_and_knows_their_names() {
    let place = Place::new();
    let output = place.run(&["validate", "Q36", "C9-herd"]);
    exits(&output, 0);
    assert!(out(&output).contains("✓ max(users)") && out(&output).contains("All 6 results hold"), "{}", out(&output));
    let output = place.run(&["validate", "C9-herd", "--format", "json", "--jobs", "1"]);
    let document: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&document["holds"], &document["results"][0]["mean"]), (&true.into(), &1.0.into()));
    let output = place.run(&["validate", "C9-heard"]);
    exits(&output, 2);
    assert!(err(&output).contains("did you mean `C9-herd`?"), "{}", err(&output));
}
