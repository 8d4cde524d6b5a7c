//! Audits name what the scenarios of the catalogue were made to show, and keep silent where it is not.

mod measured;
mod places;

use brownout::experiment::proof_file;
use brownout::insight::audit::{Finding, audit};
use brownout::scenario::{LESSONS, LoadOptions, Locator, NoFiles, lesson, load};

fn found(name: &str, text: &str, variant: &str) -> Vec<Finding> {
    let variants = if variant.is_empty() { Vec::new() } else { vec![variant.to_owned()] };
    let options = LoadOptions { variants, ..LoadOptions::default() };
    let loaded = load(name, text.as_bytes(), &options);
    let model = loaded.model.unwrap_or_else(|| panic!("{name}: {}", loaded.diagnostics.render(false)));
    let locator = Locator::new(name, text.as_bytes(), &options, &NoFiles);
    audit(&model, &loaded.diagnostics.notices(), &|path| locator.site(path))
}

/// Scenario and variant with the defect, the defect (and of which part, where others have it, too), and variants without it.
const DEFECTS: &[(&str, &str, &str, &[&str])] = &[
    ("adaptive-concurrency", "", "oversubscribed", &["fixed", "vegas", "aimd", "envoy", "gradient2"]),
    ("breaker-lockstep", "", "breaker-lockstep", &["growing", "none"]),
    ("cache-stampede", "", "cache-stampede", &["late-fill", "short-queue"]),
    ("consumer-lag-death", "", "poll-interval", &["smaller-polls", "longer-interval"]),
    ("coordinated-omission", "", "coordinated-omission", &["crowd"]),
    ("death-spiral", "", "queue-beyond-patience", &["lifo", "short-queue", "cancel"]),
    ("exactly-once-cost", "", "effect-at-least-once at consumer.ledger", &["exactly-once", "slow-commits"]),
    ("forty-node-meltdown", "", "retry-product", &["jitter-and-budget"]),
    ("grpc-sticky-connections", "", "sticky-connections", &["max-age", "per-request"]),
    ("hedging-tail", "", "slow-replica", &["hedge", "fixed", "twice"]),
    ("hot-partition", "", "hot-key", &["uniform", "no-keys"]),
    ("mesh-tax", "istio", "mesh-tax", &[""]),
    ("n-plus-one", "", "n-plus-one", &["batched", "parallel"]),
    ("outlier-small-cluster", "", "outlier-never-ejects", &["half", "first-one", "ten-hosts", "linkerd", "finagle"]),
    ("poison-message", "", "no-dead-letters", &["dead-letters"]),
    ("queue-bloat", "", "disk-blocks-publishers", &["refuse", "drop-oldest"]),
    ("reconnect-storm", "", "reconnect-storm", &["backoff", "patience", "ecdsa"]),
    ("redelivery-storm", "", "redelivery", &["one-at-a-time", "longer-timeout"]),
    ("rest-vs-grpc", "", "grpc-candidate", &["grpc"]),
    ("rest-vs-grpc-vs-queue", "", "grpc-candidate", &["grpc"]),
    ("retry-amplification", "", "retry-product", &["one-layer", "aws", "finagle", "grpc"]),
    ("retry-storm", "", "retry-product", &["one-layer", "budget"]),
    ("slow-reader", "", "slow-reader", &["async", "bulkhead", "larger-window"]),
    ("thundering-herd", "", "retry-without-jitter", &["jitter"]),
    ("two-zones", "", "n-plus-one", &["batched"]),
];

/// Variants that get through although the defect is still there, and why that may be said of them.
const LIVE_WITH_IT: &[(&str, &str, &str)] = &[
    ("forty-node-meltdown", "breaker", "until a breaker has opened, its layer tries as often as before"),
    (
        "forty-node-meltdown",
        "deadline-propagation",
        "as many calls are made as before, and those too late are not served",
    ),
    ("hot-partition", "more-members", "each has fewer partitions, and one key is still as frequent"),
    ("queue-bloat", "larger-disk", "a larger disk is full later"),
    ("rest-vs-grpc-vs-queue", "queue", "the order for stock is as large as before, and still JSON"),
    ("retry-amplification", "polly", "as many attempts in each layer, which only wait for longer"),
    ("two-zones", "one-zone", "there are as many calls, which only go less far"),
];

/// What else is said of variants without their defect, why, and in which scenarios. All of it is true of them, and not what
/// they are about.
const LEFT: &[(&str, &str, &[&str])] = &[
    (
        "single-point-of-failure",
        "a service of one replica shows it as well as more would, and nobody loses one there",
        &[
            "cache-stampede",
            "coordinated-omission",
            "death-spiral",
            "mesh-tax",
            "n-plus-one",
            "poison-message",
            "queue-bloat",
            "reconnect-storm",
            "redelivery-storm",
            "rest-vs-grpc",
            "retry-amplification",
            "retry-storm",
            "slow-reader",
            "thundering-herd",
        ],
    ),
    (
        "unbounded-queue",
        "the caller has the default queue, and threads enough",
        &["breaker-lockstep", "hedging-tail", "outlier-small-cluster"],
    ),
    (
        "queue-beyond-patience",
        "the queues are long so that one can see what comes through them",
        &["breaker-lockstep", "forty-node-meltdown", "outlier-small-cluster", "retry-storm"],
    ),
    ("no-dead-letters", "no message is broken there", &["consumer-lag-death", "exactly-once-cost", "hot-partition"]),
    (
        "effect-at-least-once",
        "who reads last may die before it has said so",
        &["exactly-once-cost", "redelivery-storm"],
    ),
    ("dead-letters-unread", "an alert tells of them, which nobody reads", &["poison-message"]),
    (
        "retry-without-budget",
        "one layer tries again, as often as it likes",
        &["death-spiral", "retry-amplification", "retry-storm", "thundering-herd"],
    ),
    ("retry-without-jitter", "the cure is another one", &["death-spiral", "retry-amplification", "retry-storm"]),
    (
        "timeout-inversion",
        "callers are less patient than what they call",
        &["forty-node-meltdown", "retry-amplification", "retry-storm"],
    ),
    (
        "slow-replica",
        "round robin with a long timeout, and no replica is slow there",
        &["grpc-sticky-connections", "n-plus-one", "rest-vs-grpc-vs-queue", "two-zones"],
    ),
    (
        "oversubscribed",
        "threads are not what is scarce",
        &["grpc-sticky-connections", "reconnect-storm", "rest-vs-grpc"],
    ),
];

/// Made to show that it copes, and the variants that do, too; and cures that leave nothing to be said.
const HEALTHY: &[(&str, &[&str])] = &[
    ("queue-decouples", &["", "more-workers"]),
    ("adaptive-concurrency", &["fixed", "vegas", "aimd", "envoy", "gradient2"]),
];

/// Whether it is the defect that a scenario was made to show.
fn is_planted(finding: &Finding, defect: &str) -> bool {
    match defect.split_once(" at ") {
        Some((kind, place)) => finding.kind == kind && finding.path.starts_with(place),
        None => finding.kind == defect,
    }
}

#[test]
fn audits_name_the_defect_of_each_scenario_and_not_that_of_its_cure() {
    let mut wrong = Vec::new();
    for (name, variant, defect, cures) in DEFECTS {
        let text = lesson(name).unwrap().text;
        let findings = found(name, text, variant);
        match findings.iter().find(|finding| is_planted(finding, defect)) {
            None => wrong.push(format!("{name} {variant}: no {defect}")),
            Some(finding) => assert!(finding.site.is_some() && !finding.why.is_empty(), "{name}: {finding:?}"),
        }
        for cure in *cures {
            if found(name, text, cure).iter().any(|finding| is_planted(finding, defect)) {
                wrong.push(format!("{name} {cure}: still {defect}"));
            }
        }
        for (_, cure, why) in LIVE_WITH_IT.iter().filter(|(of, ..)| of == name) {
            if !found(name, text, cure).iter().any(|finding| is_planted(finding, defect)) {
                wrong.push(format!("{name} {cure}: no {defect} any more, though {why}"));
            }
        }
        // Whatever gets through where the scenario does not is looked at.
        let fails = |variant: &str| {
            let of = if variant.is_empty() { String::new() } else { format!(" of {variant}") };
            text.lines().any(|line| line == format!("# expected exit{of}: 99"))
        };
        for variant in lesson(name).unwrap().variants() {
            let is_known = cures.contains(&variant.as_str())
                || LIVE_WITH_IT.iter().any(|(of, cure, _)| (of, *cure) == (name, variant.as_str()));
            if fails("") && !fails(&variant) && !is_known {
                wrong.push(format!("{name} {variant}: gets through, and nobody looks at it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for lesson in LESSONS {
        let healthy = HEALTHY.iter().filter(|(_, variants)| variants.contains(&"")).map(|(name, _)| *name);
        let rows = DEFECTS.iter().map(|(name, ..)| *name).chain(healthy);
        let rows = rows.filter(|name| *name == lesson.name).count();
        assert_eq!(rows, 1, "{} is neither healthy nor has it a defect, or both", lesson.name);
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut embedded: Vec<&str> = LESSONS.iter().map(|lesson| lesson.name).collect();
    embedded.sort_unstable();
    assert_eq!(files, embedded, "every scenario of the folder is looked at");
}

#[test]
fn what_is_left_of_a_cured_scenario_is_known_and_why() {
    let mut wrong = Vec::new();
    let mut said: Vec<(&str, &str)> = Vec::new();
    for (name, _, defect, cures) in DEFECTS {
        for cure in *cures {
            for finding in found(name, lesson(name).unwrap().text, cure).iter().filter(|it| !is_planted(it, defect)) {
                assert!(finding.site.is_some(), "{name} {cure}: {finding:?}");
                match LEFT.iter().find(|(kind, _, names)| *kind == finding.kind && names.contains(name)) {
                    Some((kind, ..)) => said.push((kind, name)),
                    None => wrong.push(format!("{name} {cure}: {}", finding.kind)),
                }
            }
        }
    }
    let listed = LEFT.iter().flat_map(|(kind, _, names)| names.iter().map(move |name| (*kind, *name)));
    wrong.extend(listed.filter(|row| !said.contains(row)).map(|(kind, name)| format!("{name}: no {kind}")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Nothing can be said against it.
const SOUND: &str = r#"
[workload.users]
entry    = "api.get"
arrivals = "poisson(100/s)"
client   = "app"

[client.app]
timeout = "1s"
balance = "least-request"
cancel  = "waiting"

[service.api]
replicas = 3
threads  = 4
queue    = 20

[service.api.endpoint.get]
steps = [ { work = "exp(10ms)" } ]
"#;

#[test]
fn audits_are_silent_on_what_is_healthy() {
    for (name, variants) in HEALTHY {
        for variant in *variants {
            let findings = found(name, lesson(name).unwrap().text, variant);
            assert!(findings.is_empty(), "{name} {variant}: {findings:#?}");
        }
    }
    for (name, text) in [("sound", SOUND), ("servers", proof_file("servers").unwrap())] {
        let findings = found(name, text, "");
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
}

/// A second service, which the first one calls with `client`.
fn with_store(client: &str, step: &str) -> String {
    let call = SOUND.replace("exp(10ms)\" } ]", "exp(10ms)\" }, { call = \"store.read\", client = \"rest\" } ]");
    let store = format!("replicas = 2\nthreads = 8\nqueue = 20\n[service.store.endpoint.read]\nsteps = [ {step} ]");
    format!("{call}\n[client.rest]\nbalance = \"least-request\"\n{client}\n[service.store]\n{store}\n")
}

/// One change to what is sound, and what it is called. That finding is silent without the change: nothing is found then.
fn changes() -> Vec<(&'static str, String)> {
    let set = |from: &str, to: &str| {
        assert!(SOUND.contains(from), "{from}");
        SOUND.replace(from, to)
    };
    let retry = |retry: &str| set("cancel  = \"waiting\"", &format!("cancel = \"waiting\"\nretry = {{ {retry} }}"));
    let spread = "attempts = 2, backoff = \"exponential(100ms)\", jitter = \"full\"";
    let order = retry(spread).replace("[ { work", "{ work").replace("10ms)\" } ]", "10ms)\" }\neffect = \"order\"");
    let publish = set("exp(10ms)\" } ]", "exp(10ms)\" }, { publish = \"mails\" } ]");
    let dead = "[queue.mails]\nbroker = \"rabbitmq\"\nttl = \"1s\"\ndead_letter = \"dead\"\n[queue.dead]\nbroker = \"rabbitmq\"\n\
                [consumer.mailer]\nqueue = \"mails\"\nhandler = \"api.get\"\n";
    vec![
        ("single-point-of-failure", set("replicas = 3", "replicas = 1")),
        ("queue-beyond-patience", set("queue    = 20", "queue = 2000").replace("cancel  = \"waiting\"\n", "")),
        ("unbounded-queue", set("queue    = 20\n", "")),
        ("pool-below-littles-law", set("100/s", "2000/s")),
        ("retry-without-budget", retry(spread)),
        ("retry-without-jitter", retry("attempts = 2, backoff = \"100ms\", budget = { ratio = \"10%\" }")),
        ("non-idempotent-retry", order),
        ("no-timeout", with_store("", "{ work = \"1ms\" }")),
        ("slow-call", with_store("timeout = \"1s\"", "{ sleep = \"60ms\" }")),
        ("timeout-inversion", with_store("timeout = \"3s\"", "{ work = \"1ms\" }")),
        ("dead-letters-unread", format!("{publish}\n{dead}")),
    ]
}

fn suspicious() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/suspicious");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

/// What findings are called, as the finders write it.
fn kinds() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/insight/audit");
    let mut kinds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for part in text.split("Finding::new(").skip(1) {
            let first = part.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            kinds.extend(first.map(|(kind, _)| kind.to_owned()));
        }
        for line in text.lines().filter(|line| line.trim_start().starts_with("(\"W")) {
            kinds.extend(line.split('"').nth(3).map(str::to_owned));
        }
    }
    kinds.sort();
    kinds
}

#[test]
fn every_finder_fires_somewhere_and_none_of_them_at_what_is_sound() {
    let mut fired: Vec<String> = Vec::new();
    for (kind, text) in changes() {
        let findings = found(kind, &text, "");
        assert!(findings.iter().any(|it| it.kind == kind), "{kind}: {findings:#?}\n{text}");
        fired.extend(findings.into_iter().map(|it| it.kind.to_owned()));
    }
    for (name, text) in suspicious() {
        fired.extend(found(&name, &text, "").into_iter().map(|it| it.kind.to_owned()));
    }
    for (name, variant, ..) in DEFECTS {
        fired.extend(found(name, lesson(name).unwrap().text, variant).into_iter().map(|it| it.kind.to_owned()));
    }
    let kinds = kinds();
    assert!(kinds.len() >= 38, "the finders are found: {kinds:?}");
    let silent: Vec<&String> = kinds.iter().filter(|kind| !fired.contains(kind)).collect();
    assert!(silent.is_empty(), "nothing makes these fire: {silent:?}");
}
