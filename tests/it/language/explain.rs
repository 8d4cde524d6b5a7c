//! `explain` and the reference: a page for everything that can be written or said.

use brownout::scenario::{LoadOptions, codes, explain, load_with_files, reference};

use super::{Memory, options};

/// What the examples of the codes are parts of.
const SCAFFOLD: &str = r#"
[workload.users]
entry = "gateway.page"
arrivals = "poisson(100/s)"
client = "rest"
[client.rest]
latency = "1ms"
timeout = "1s"
[service.gateway]
threads = 128
queue = 100
[service.gateway.endpoint.page]
steps = [{ work = "1ms" }, { call = "orders.create", client = "rest" }]
[service.orders]
threads = 64
queue = 100
[service.orders.endpoint.create]
steps = [{ work = "5ms" }]
[variant.many-threads.service.orders]
threads = 256
"#;

fn files(example: &str) -> Memory {
    Memory::of(&[
        ("scaffold.toml", SCAFFOLD),
        ("base.toml", SCAFFOLD),
        ("example.toml", example),
        ("broken.csv", "12\nfast\n15\n"),
        ("latencies.csv", "12\n14\n15\n"),
        ("requests.csv", "10\n20\n40\n20\n10\n"),
    ])
}

/// The codes that an example shows: alone, and laid over the scaffold.
fn shown(example: &str) -> Vec<Vec<&'static str>> {
    let files = files(example);
    let load = |text: &str, options: &LoadOptions| {
        load_with_files("example.toml", text.as_bytes(), options, &files).diagnostics.codes()
    };
    if let Some(command) = example.strip_prefix("$ brownout run scenario.toml ") {
        let (flag, value) = command.split_once(' ').unwrap();
        let options = match flag {
            "--set" => options(&[], &[value]),
            "--variant" => options(&[value], &[]),
            other => panic!("{other}"),
        };
        return vec![load(SCAFFOLD, &options)];
    }
    let laid_over = format!("extends = \"scaffold.toml\"\n{example}");
    vec![load(example, &LoadOptions::default()), load(&laid_over, &LoadOptions::default())]
}

#[test]
fn the_examples_of_every_code_show_it_and_do_not() {
    for code in codes().filter(|code| !code.bad.is_empty()) {
        let (bad, good) = (shown(code.bad), shown(code.good));
        // Some are whole files, most are parts of one.
        let is_shown = |at: &usize| {
            let is_fine = !good[*at].iter().any(|shown| shown.starts_with('E') || *shown == code.id);
            bad[*at].contains(&code.id) && is_fine
        };
        assert!((0..bad.len()).any(|at| is_shown(&at)), "{}: bad shows {bad:?}, good shows {good:?}", code.id);
    }
    let without: Vec<&str> = codes().filter(|code| code.bad.is_empty()).map(|code| code.id).collect();
    assert_eq!(without, ["E002", "E003"], "only what cannot be written down has no example");
}

#[test]
fn every_code_has_a_page() {
    for code in codes() {
        let page = explain(code.id).unwrap();
        assert!(page.contains(code.id) && page.contains(code.title), "{page}");
        assert_eq!(explain(&code.id.to_lowercase()), Ok(page));
    }
    insta::assert_snapshot!("explain-E010", explain("E010").unwrap());
}

#[test]
fn names_lead_to_pages() {
    for (name, words) in [
        ("service.threads", &["`threads` of a service", "Worker threads", "unlimited"][..]),
        ("service.orders.threads", &["`threads` of a service"]),
        ("[service.NAME]", &["`[service.NAME]`", "replicas"]),
        ("service", &["`[service.NAME]`"]),
        ("threads", &["`threads` of a service"]),
        ("call", &["call", "endpoint"]),
        ("steps.call.client", &["`client` of a `call` step"]),
        ("client.rest.retry", &["`[client.NAME.retry]`", "attempts"]),
        ("client.retry.attempts", &["the first included"]),
        ("timeout", &["How long one attempt is waited for"]),
        ("duration", &["How long the run lasts"]),
        ("at", &["a fault"]),
        ("param", &["`[param.NAME]`"]),
        ("service.orders.endpoint.create.steps", &["`steps` of an endpoint"]),
    ] {
        let page = explain(name).unwrap_or_else(|unknown| panic!("{name}: {unknown:?}"));
        for word in words {
            assert!(page.contains(word), "{name} does not say `{word}`:\n{page}");
        }
    }
    assert_eq!(explain("service.thraeds").unwrap_err().near.as_deref(), Some("threads"));
    assert!(explain("E999").is_err());
    assert!(explain("").is_err() && explain("..").is_err());
    insta::assert_snapshot!("explain-timeout", explain("client.timeout").unwrap());
    insta::assert_snapshot!("explain-retry", explain("client.retry").unwrap());
}

#[test]
fn the_reference_in_the_repository_is_that_of_the_program() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("SCENARIOS.md");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == reference(), "refresh it: cargo run -- explain --reference > SCENARIOS.md");
}

#[test]
fn the_example_of_the_reference_is_fine() {
    let text = reference();
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let loaded = super::loaded(example, &LoadOptions::default(), &[]);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.render(false));
}
