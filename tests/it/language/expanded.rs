//! `check --expanded`: what it prints is a scenario that gives the same model.

use brownout::scenario::{Files, LoadOptions, NoFiles, expanded, load_with_files};

use super::{Memory, options};

/// Expands, loads what came out, and compares.
#[track_caller]
pub(crate) fn holds(name: &str, text: &str, options: &LoadOptions, files: &dyn Files) -> String {
    let (printed, diagnostics) = expanded(name, text.as_bytes(), options, files);
    let printed = printed.unwrap_or_else(|| panic!("{}", diagnostics.render(false)));
    let first = load_with_files(name, text.as_bytes(), options, files).model.unwrap();
    let again = load_with_files("printed.toml", printed.as_bytes(), &LoadOptions::default(), files);
    assert!(!again.diagnostics.has_errors(), "{}\n{printed}", again.diagnostics.render(false));
    assert_eq!(again.model.unwrap(), first, "{printed}");
    printed
}

#[test]
fn every_scenario_runs_as_it_is_printed() {
    let everything = include_str!("../../data/good/everything.toml");
    for variants in [&[][..], &["grpc"], &["small", "steps"]] {
        holds("everything.toml", everything, &options(variants, &[]), &NoFiles);
    }
    for (name, text) in [
        ("minimal.toml", include_str!("../../data/good/minimal.toml")),
        ("worked-example.toml", include_str!("../../data/good/worked-example.toml")),
        ("determinism.toml", include_str!("../../data/determinism.toml")),
        ("determinism-policies.toml", include_str!("../../data/determinism-policies.toml")),
        ("forty.toml", include_str!("../../../scenarios/forty-node-meltdown.toml")),
        ("herd.toml", include_str!("../../../scenarios/thundering-herd.toml")),
    ] {
        holds(name, text, &LoadOptions::default(), &NoFiles);
    }
}

/// What Kafka's producers do unless it is written depends on what is: on acknowledgements, timeouts and nodes.
#[test]
fn producers_and_queues_are_printed_as_they_run() {
    let text = "[workload.users]\nentry = \"api.page\"\narrivals = \"even(10/s)\"\n[service.api.endpoint.page]\n\
                steps = [{ publish = \"t\" }, { publish = \"q\" }]\n[broker.k]\npreset = \"kafka\"\nnodes = 1\n[topic.t]\n\
                broker = \"k\"\n[topic.t.producer]\nacks = \"leader\"\nrequest_timeout = \"10m\"\n[queue.q]\nredrive = \"none\"\n\
                [consumer.c]\ntopic = \"t\"\nhandler = \"w.do\"\n[consumer.d]\nqueue = \"q\"\nhandler = \"w.do\"\n\
                [service.w.endpoint.do]\nsteps = [{ work = \"1ms\" }]\n";
    let printed = holds("main.toml", text, &LoadOptions::default(), &NoFiles);
    let again = load_with_files("printed.toml", printed.as_bytes(), &LoadOptions::default(), &NoFiles);
    assert!(!again.diagnostics.codes().contains(&"W018"), "{}", again.diagnostics.render(false));
    assert!(!printed.contains("replication"), "{printed}");
}

#[test]
fn each_value_says_where_it_comes_from() {
    let base = "[workload.users]\nentry = \"api.page\"\narrivals = \"poisson($load)\"\n[param.load]\nvalue = \"10/s\"\n\
                [service.api]\nthreads = 4\nqueue = 9\n[service.api.endpoint.page]\nsteps = [{ work = \"empirical('lat.csv')\" }]\n\
                [client.rest]\nbreaker = { preset = \"resilience4j\", window = 20 }\n[variant.v.service.api]\nqueue = 8\n";
    let files = Memory::of(&[("deep/base.toml", base), ("deep/lat.csv", "1ms\n2ms\n")]);
    let text = "extends = \"deep/base.toml\"\n[expect.ok]\nthat = \"goodput(users) > 1/s\"\n";
    let printed = holds("main.toml", text, &options(&["v"], &["service.api.threads=5"]), &files);
    insta::assert_snapshot!("expanded", printed);
}

#[test]
fn a_scenario_with_errors_is_not_printed() {
    let (text, diagnostics) = expanded("x.toml", b"[service.api]\n", &LoadOptions::default(), &NoFiles);
    assert!(text.is_none() && diagnostics.has_errors());
}
