//! Isotope service graphs: what is read, what is assumed, what is refused, and that the result runs.

use std::fs;
use std::path::{Path, PathBuf};

use brownout::import::isotope::{Options, import};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/isotope")
}

fn options() -> Options {
    Options { work: "1ms".parse().unwrap(), rate: None }
}

fn graphs(folder: &Path) -> Vec<PathBuf> {
    let mut graphs: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    graphs.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    graphs.sort();
    graphs
}

fn scenario(path: &Path, options: &Options) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    import(name, &fs::read(path).unwrap(), options).unwrap_or_else(|faults| panic!("{}", faults.render(false)))
}

/// What `text` is refused with.
fn refused(text: &str) -> String {
    match import("graph.yaml", text.as_bytes(), &options()) {
        Ok(scenario) => panic!("was imported:\n{scenario}"),
        Err(faults) => faults.render(false),
    }
}

#[test]
fn canonical() {
    insta::assert_snapshot!(scenario(&folder().join("canonical.yaml"), &options()));
}

#[test]
fn every_feature() {
    insta::assert_snapshot!(scenario(&folder().join("every-feature.yaml"), &options()));
}

#[test]
fn a_given_rate_and_work_are_taken() {
    let options = Options { work: "exp(2ms)".parse().unwrap(), rate: Some("40/s".parse().unwrap()) };
    let scenario = scenario(&folder().join("tree-13-services.yaml"), &options);
    assert!(scenario.contains("arrivals = \"poisson(40/s)\""), "{scenario}");
    assert!(scenario.contains("{ work = \"exp(2ms)\" }"), "{scenario}");
    assert!(scenario.contains("make 1.333% busy"), "{scenario}");
}

#[test]
fn no_work_needs_a_rate() {
    let path = folder().join("1-service.yaml");
    let idle = Options { work: "0s".parse().unwrap(), rate: None };
    let faults = import("1-service.yaml", &fs::read(&path).unwrap(), &idle).unwrap_err().render(false);
    assert!(faults.contains("--rate 100/s"), "{faults}");
    scenario(&path, &Options { rate: Some("100/s".parse().unwrap()), ..idle });
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let bad = fs::read_to_string(folder().join("bad.yml")).unwrap();
    insta::assert_snapshot!(refused(&bad));
}

#[test]
fn graphs_that_make_no_sense_are_refused() {
    for (graph, expected) in [
        ("", "the file is empty"),
        ("services: [a: b\n- x", "this is not YAML"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("- services", "expected a service graph, found a list"),
        ("kind: ConfigMap\nservices: []", "expected `MockServiceGraph`"),
        ("defaults: {}", "the graph has no `services`"),
        ("services: []", "expected at least one service"),
        ("services: [{name: a}, {name: b, script: [{call: a}]}]", "nobody calls `b`"),
        ("services: [{name: a, isEntrypoint: true, script: [{call: a}]}]", "a cycle: a -> a"),
        ("services: [{name: a, isEntrypoint: true}, {name: a}]", "several services `a`"),
        ("services: [{name: a, name: b}]", "duplicated key"),
        ("services: [{name: a, script: [{sleep: {SleepCommand: []}}]}]", "only a fixed length of time"),
    ] {
        let faults = refused(graph);
        assert!(faults.contains(expected), "{graph:?} was refused with\n{faults}");
    }
    let binary = import("graph.yaml", b"services:\n- name: \xff", &options()).unwrap_err().render(false);
    assert!(binary.contains("graph.yaml:2:9"), "{binary}");
    assert!(refused(&"[".repeat(100_000)).contains("this is not YAML"));
}

#[test]
fn cycles_show_their_way() {
    let faults = refused(
        "services:\n- {name: a, isEntrypoint: true, script: [{call: b}]}\n- {name: b, script: [[{call: c}]]}\n- {name: c, script: [{call: {service: b, probability: 1}}]}\n",
    );
    assert!(faults.contains("b -> c -> b"), "{faults}");
    assert!(faults.contains("graph.yaml:4:39"), "{faults}");
}

#[test]
fn every_graph_here_is_imported() {
    let graphs = graphs(&folder());
    assert_eq!(graphs.len(), 6, "graphs in tests/data/isotope");
    for graph in graphs {
        scenario(&graph, &options());
    }
}

/// The whole set of examples, when it lies beside the repository.
#[test]
fn every_graph_of_the_whole_set_is_imported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/real/isotope");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is absent, so only the graphs in tests/data/isotope are tested", folder.display());
        return;
    }
    let graphs = graphs(&folder);
    assert_eq!(graphs.len(), 14, "graphs in {}", folder.display());
    for graph in graphs {
        scenario(&graph, &options());
    }
}
