//! Audits name what the scenarios of the catalogue were made to show, and keep silent where it is not.

use brownout::insight::audit::{Finding, Grade, audit};
use brownout::scenario::{LESSONS, LoadOptions, Locator, NoFiles, lesson, load};

fn found(name: &str, text: &str, variant: &str) -> Vec<Finding> {
    let variants = if variant.is_empty() { Vec::new() } else { vec![variant.to_owned()] };
    let options = LoadOptions { variants, ..LoadOptions::default() };
    let loaded = load(name, text.as_bytes(), &options);
    let model = loaded.model.unwrap_or_else(|| panic!("{name}: {}", loaded.diagnostics.render(false)));
    let locator = Locator::new(name, text.as_bytes(), &options, &NoFiles);
    audit(&model, &loaded.diagnostics.notices(), &|path| locator.site(path))
}

/// Scenario and variant with the defect, the defect, and variants without it.
const DEFECTS: &[(&str, &str, &str, &[&str])] = &[
    ("adaptive-concurrency", "", "oversubscribed", &["fixed", "vegas"]),
    ("breaker-lockstep", "", "breaker-lockstep", &["growing", "none"]),
    ("cache-stampede", "", "cache-stampede", &[]),
    ("consumer-lag-death", "", "poll-interval", &["smaller-polls", "longer-interval"]),
    ("coordinated-omission", "", "coordinated-omission", &[]),
    ("death-spiral", "", "queue-beyond-patience", &["lifo", "short-queue"]),
    ("exactly-once-cost", "", "effect-at-least-once", &[]),
    ("forty-node-meltdown", "", "retry-product", &["jitter-and-budget"]),
    ("grpc-sticky-connections", "", "sticky-connections", &["max-age", "per-request"]),
    ("hedging-tail", "", "slow-replica", &["hedge"]),
    ("hot-partition", "", "hot-key", &["uniform", "no-keys"]),
    ("mesh-tax", "istio", "mesh-tax", &[""]),
    ("n-plus-one", "", "n-plus-one", &["batched", "parallel"]),
    ("outlier-small-cluster", "", "outlier-never-ejects", &["half", "first-one", "ten-hosts"]),
    ("poison-message", "", "no-dead-letters", &["dead-letters"]),
    ("queue-bloat", "", "disk-blocks-publishers", &["refuse", "drop-oldest"]),
    ("reconnect-storm", "", "reconnect-storm", &["backoff", "patience"]),
    ("redelivery-storm", "", "redelivery", &["one-at-a-time", "longer-timeout"]),
    ("rest-vs-grpc", "", "grpc-candidate", &["grpc"]),
    ("rest-vs-grpc-vs-queue", "", "grpc-candidate", &["grpc"]),
    ("retry-amplification", "", "retry-product", &["one-layer"]),
    ("retry-storm", "", "retry-product", &["one-layer", "budget"]),
    ("slow-reader", "", "slow-reader", &["async", "bulkhead"]),
    ("thundering-herd", "", "retry-without-jitter", &["jitter"]),
    ("two-zones", "", "n-plus-one", &["batched"]),
];

/// Made to show that it copes.
const HEALTHY: &[&str] = &["queue-decouples"];

#[test]
fn audits_name_the_defect_of_each_scenario_and_not_that_of_its_cure() {
    let mut wrong = Vec::new();
    for (name, variant, defect, cures) in DEFECTS {
        let text = lesson(name).unwrap().text;
        let findings = found(name, text, variant);
        match findings.iter().find(|finding| finding.kind == *defect) {
            None => wrong.push(format!("{name} {variant}: no {defect}")),
            Some(finding) => assert!(finding.site.is_some() && !finding.why.is_empty(), "{name}: {finding:?}"),
        }
        for cure in *cures {
            if found(name, text, cure).iter().any(|finding| finding.kind == *defect) {
                wrong.push(format!("{name} {cure}: still {defect}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for lesson in LESSONS {
        let is_told = DEFECTS.iter().any(|(name, ..)| *name == lesson.name) || HEALTHY.contains(&lesson.name);
        assert!(is_told, "{} is neither healthy nor has it a defect", lesson.name);
    }
}

#[test]
fn a_healthy_scenario_has_nothing_serious_and_a_sound_one_nothing_at_all() {
    for name in HEALTHY {
        let findings = found(name, lesson(name).unwrap().text, "");
        assert!(findings.iter().all(|finding| finding.grade < Grade::Serious), "{name}: {findings:#?}");
    }
    let sound = r#"
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
    let findings = found("sound", sound, "");
    assert!(findings.is_empty(), "{findings:#?}");
}
