//! Bad and suspicious files: what a user reads who made a mistake. The snapshots are the specification; each was
//! read with the question whether one would know what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use brownout::scenario::{LoadOptions, Loaded, Severity, codes, load};

/// The scenarios in a folder of test data, by name.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    files.into_iter().map(read).collect()
}

fn load_with(text: &str, variants: &[&str], sets: &[&str]) -> Loaded {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    load(
        "scenario.toml",
        text.as_bytes(),
        &LoadOptions { variants: owned(variants), sets: owned(sets), ..LoadOptions::default() },
    )
}

#[test]
fn bad_files_are_refused_with_all_their_errors() {
    let mut seen = BTreeSet::new();
    let bad = files("bad");
    assert!(bad.len() >= 60, "only {} bad files", bad.len());
    for (name, bytes) in bad {
        let loaded = load(&name, &bytes, &LoadOptions::default());
        assert!(loaded.model.is_none() && loaded.diagnostics.has_errors(), "{name} was accepted");
        assert_eq!(loaded.diagnostics.codes().len(), loaded.diagnostics.errors(), "{name}: no warnings beside errors");
        seen.extend(loaded.diagnostics.codes());
        insta::assert_snapshot!(name.trim_end_matches(".toml"), loaded.diagnostics.render(false));
    }
    // Those of sizes and of the command line are tried below, those of other files in `language`.
    let elsewhere = ["E003", "E006", "E007", "E008", "E031", "E032", "E036"];
    let errors = codes().filter(|code| code.severity == Severity::Error).map(|code| code.id);
    let missing: Vec<_> = errors.filter(|id| !seen.contains(id) && !elsewhere.contains(id)).collect();
    assert!(missing.is_empty(), "no bad file shows {missing:?}");
}

#[test]
fn suspicious_files_run_with_warnings() {
    let mut seen = BTreeSet::new();
    for (name, bytes) in files("suspicious") {
        let loaded = load(&name, &bytes, &LoadOptions::default());
        assert!(loaded.model.is_some(), "{name} was refused:\n{}", loaded.diagnostics.render(false));
        seen.extend(loaded.diagnostics.codes());
        insta::assert_snapshot!(
            format!("suspicious-{}", name.trim_end_matches(".toml")),
            loaded.diagnostics.render(false)
        );
    }
    let warnings = codes().filter(|code| code.severity == Severity::Warning).map(|code| code.id);
    // What has to do with other files is tried in `language`.
    let missing: Vec<_> = warnings.filter(|id| !seen.contains(id) && *id != "W014").collect();
    assert!(missing.is_empty(), "no suspicious file shows {missing:?}");
}

const SMALL: &str = "\
[workload.users]
entry = \"api.page\"
arrivals = \"poisson(10/s)\"

[service.api]
threads = 4
[service.api.endpoint.page]
steps = [{ work = \"1ms\" }]

[variant.fast.service.api.endpoint.page]
steps = [{ work = \"1us\" }]
";

#[test]
fn errors_of_the_command_line_point_into_its_arguments() {
    let sets = [
        "service.api.threads=abc",
        "service.apj.threads=3",
        "threads",
        "duration=60",
        "workload.users.arrivals=poisson(5/x)",
        "service.api.threads.deep=1",
        "a..b=3",
        "workload.users.entry=",
        "service.api.endpoint.page.steps=[{ wrok = \"1ms\" }]",
        "client.web.timeout=1s",
        "servce.api.threads=3",
    ];
    let loaded = load_with(SMALL, &["fats", "fast"], &sets);
    assert!(loaded.model.is_none());
    insta::assert_snapshot!("command-line", loaded.diagnostics.render(false));
}

#[test]
fn every_kind_of_fault_in_an_argument_points_into_it() {
    let long = format!("workload.users.entry={}", "x".repeat(10_000));
    let sets = [
        "",
        "=",
        "=3",
        "service.api.threads=",
        "service.api.threads = 0",
        "  service.api.queue  =  -1  ",
        "service.api.threads==3",
        "service.api.cores=\"4",
        "service.\"api\".discipline=fifi",
        "service.'api'.handlers='asink'",
        "service.api.threds=3",
        "service.api={ threads = 0, endpoint.page = { step = [] } }",
        "service.api.startup=\"1 s\"",
        "service.api.replicas=3 # three",
        "service.api.endpoint.page.steps=[{ work = \"1ms\" }, { work = \"5\" }, { call = \"db.read\" }]",
        "service.api.endpoint.page.steps=[",
        "service.api.endpoint.pge.steps=[]",
        "service.api.endpoint.page.steps.0.work=5ms",
        "workload.users.arrivals=poisson($load)",
        "workload.users.deadline=5",
        "workload.users=none",
        "workload.usres.deadline=5s",
        "größe=3",
        "service.a b.threads=3",
        "service.api[0].threads=3",
        "service.api:threads=3",
        "title=5",
        "service.api.discipline=\u{202e}fifo",
        "interval=\t\n5",
        "seed=99999999999999999999999999",
        "warmup=2024-01-01",
        "load=3",
        "variant.fast.seed=3",
        "extends=other.toml",
        &long,
    ];
    let mut said = String::new();
    for set in sets {
        let loaded = load_with(SMALL, &[], &[set]);
        assert!(loaded.model.is_none(), "{set} was accepted");
        said += &loaded.diagnostics.render(false);
    }
    insta::assert_snapshot!("command-line-values", said);
}

#[test]
fn variants_with_faults_are_told_alone_and_together() {
    let text = format!(
        "{SMALL}
[variant.typo.service.api]
threds = 4

[variant.unit.workload.users]
deadline = 5

[variant.name.workload.users]
entry = \"api.pag\"

[variant.gone.service]
api = \"none\"
"
    );
    let variants = ["typo", "unit", "name", "fast", "fast", "Fast", "", "typo,unit", "variant.typo", "gone"];
    insta::assert_snapshot!(
        "command-line-variants",
        load_with(&text, &variants, &["seed=x"]).diagnostics.render(false)
    );
    // Those that are not asked for are checked as well, and nothing is said twice.
    let alone = load_with(&text, &[], &[]).diagnostics;
    for variant in ["typo", "unit", "name", "gone"] {
        let asked = load_with(&text, &[variant], &[]).diagnostics;
        assert_eq!(asked.errors(), alone.errors(), "{variant}:\n{}", asked.render(false));
    }
}

#[test]
fn colour_changes_nothing_but_the_look() {
    let diagnostics = load_with("[workload.users]\nentri = 3\n", &[], &[]).diagnostics;
    let plain = diagnostics.render(false);
    let styled = diagnostics.render(true);
    assert_ne!(plain, styled);
    assert_eq!(anstream::adapter::strip_str(&styled).to_string(), plain);
}

#[test]
fn a_hundred_megabytes_are_refused_unread() {
    let loaded = load("huge.toml", &vec![b'#'; 100 << 20], &LoadOptions::default());
    assert_eq!(loaded.diagnostics.codes(), ["E003"]);
    insta::assert_snapshot!("huge", loaded.diagnostics.render(false));
}

#[test]
fn megabytes_of_garbage_are_refused_with_the_first_errors() {
    for line in ["a = 1\n", "= [\n", "\"\n", "[a]\n", "{[{[\n"] {
        let text = line.repeat((1 << 20) / line.len());
        let loaded = load_with(&text, &[], &[]);
        assert!(loaded.model.is_none(), "{line:?}");
        assert!(loaded.diagnostics.codes().len() <= 200, "{line:?}");
    }
    let unique: String = (0..100_000).map(|line| format!("key{line} = \"value\"\n")).collect();
    let loaded = load_with(&unique, &[], &[]);
    assert!(loaded.diagnostics.errors() > 100_000 && loaded.diagnostics.codes().len() <= 200);
    assert!(loaded.diagnostics.render(false).contains("the first 200 errors found are shown"));
}

#[test]
fn deep_nesting_is_refused_and_exhausts_no_stack() {
    let nested = |open: &str, close: &str, n: usize| format!("title = {}1{}\n", open.repeat(n), close.repeat(n));
    let files = [
        nested("[", "]", 10_000),
        nested("{ a = ", " }", 10_000),
        format!("title = {}", "[".repeat(100_000)),
        format!("{} = 1\n", vec!["a"; 100_000].join(".")),
        format!("[{}]\n", vec!["a"; 100_000].join(".")),
        format!("x = {{ {} = 1 }}\n", vec!["\"a\""; 100_000].join(" . ")),
        format!("{}x = 1{}", "a = { b.c.d.e.f.g.h.i.j.k.l.m.n.o = { ".repeat(79), " }".repeat(158)),
    ];
    for text in files {
        let loaded = load_with(&text, &[], &[]);
        assert!(loaded.diagnostics.codes().contains(&"E003"), "{:?}", &text[..40]);
    }
    let set = format!("duration={}", "[".repeat(100_000));
    assert!(load_with(SMALL, &[], &[&set]).diagnostics.has_errors());
    let set = format!("{}=1", vec!["a"; 100_000].join("."));
    assert!(load_with(SMALL, &[], &[&set]).diagnostics.has_errors());
}

#[test]
fn a_chain_that_comes_back_after_ten_thousand_services_is_one_error() {
    let services = 10_000;
    let mut text = "[workload.users]\nentry = \"s0.go\"\narrivals = \"poisson(1/s)\"\n".to_owned();
    for at in 0..services {
        text += &format!("[service.s{at}.endpoint.go]\nsteps = [{{ call = \"s{}.go\" }}]\n", (at + 1) % services);
    }
    let loaded = load_with(&text, &[], &[]);
    assert_eq!(loaded.diagnostics.codes(), ["E043"]);
}
