//! `extends`: a scenario laid over another one.

use brownout::model::Limit;

use super::{loaded, model, options, said};

const BASE: &str = r#"
title = "Base"
[workload.users]
entry = "api.page"
arrivals = "poisson(10/s)"
[service.api]
threads = 4
queue = 100
[service.api.endpoint.page]
steps = [{ work = "1ms" }, { call = "db.read", client = "rest" }]
[service.db]
threads = 8
queue = 10
[service.db.endpoint.read]
steps = [{ work = "1ms" }]
[client.rest]
timeout = "1s"
retry = { attempts = 3 }
[fault.slow]
at = "10s"
service = "db"
slow = 2
[variant.many.service.api]
threads = 64
"#;

#[test]
fn tables_merge_everything_else_replaces_and_none_takes_away() {
    let text = r#"
extends = "base.toml"
[service.api]
threads = 16
[client.rest]
retry = "none"
[fault]
slow = "none"
"#;
    let model = model(text, &options(&[], &[]), &[("base.toml", BASE)]);
    let api = &model.services.iter().as_slice()[0];
    assert_eq!((api.threads, api.queue), (Limit::AtMost(16), Limit::AtMost(100)));
    assert_eq!(model.clients.iter().as_slice()[1].retry, None);
    assert!(model.faults.is_empty());
    assert_eq!(model.title, "Base");
}

#[test]
fn variants_of_the_base_are_variants_of_the_scenario() {
    let text = "extends = \"base.toml\"\n[variant.many.service.api]\nqueue = 7\n";
    let model = model(text, &options(&["many"], &[]), &[("base.toml", BASE)]);
    let api = &model.services.iter().as_slice()[0];
    assert_eq!((api.threads, api.queue), (Limit::AtMost(64), Limit::AtMost(7)));
}

#[test]
fn paths_are_relative_to_the_file_that_they_stand_in() {
    let files = [("below/middle.toml", "extends = \"../base.toml\"\n[service.api]\nqueue = 3\n"), ("base.toml", BASE)];
    let loaded = loaded("extends = \"below/middle.toml\"\n", &options(&[], &[]), &files);
    let model = loaded.model.unwrap();
    assert_eq!(model.services.iter().as_slice()[0].queue, Limit::AtMost(3));
    let paths: Vec<&str> = loaded.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["below/middle.toml", "base.toml"]);
}

#[test]
fn faults_point_into_the_file_that_has_them() {
    let base = BASE.replace("threads = 8", "threads = \"8\"");
    let text = "extends = \"below/base.toml\"\n[service.api]\nthread = 16\n[client.rest]\ntimeout = \"1\"\n";
    insta::assert_snapshot!("faults-of-a-base", said(text, &options(&[], &[]), &[("below/base.toml", &base)]));
}

#[test]
fn scenarios_that_cannot_be_extended_are_refused_alone() {
    let circle = [("a.toml", "extends = \"b.toml\"\n"), ("b.toml", "extends = \"./scenario.toml\"\n")];
    let chain: Vec<(String, String)> =
        (0..20).map(|n| (format!("{n}.toml"), format!("extends = \"{}.toml\"\n", n + 1))).collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let latin = [("latin.toml", "title = \"x\"\nthreads 5\n")];
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("extends = \"missing.toml\"\n[service.api]\nthreads = 3\n", &[]),
        ("extends = \"scenario.toml\"\n", &[]),
        ("extends = \"a.toml\"\n", &circle),
        ("extends = \"0.toml\"\n", &chain),
        ("extends = \"latin.toml\"\n", &latin),
        ("extends = 5\n[variant.x]\nextends = \"a.toml\"\n", &[]),
    ];
    let all: Vec<String> = cases.iter().map(|(text, files)| said(text, &options(&[], &[]), files)).collect();
    insta::assert_snapshot!("scenarios-that-cannot-be-extended", all.join("\n-----\n"));
}
