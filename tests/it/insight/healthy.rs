//! Runs in which nothing happens: no story is told.

use brownout::insight::EventKind;
use brownout::model::Verdict;
use brownout::scenario::LoadOptions;
use rayon::prelude::*;

use crate::reference::Told;

/// A web shop at between 30% and 75% of what it can do, with bad luck in everything.
fn scenario(n: u32, trigger: &str) -> String {
    let load = 100 + 15 * (n % 11);
    format!(
        r#"
        seed = {n}
        duration = "60s"
        warmup = "5s"
        [workload.users]
        entry = "web.page"
        arrivals = "poisson({load}/s)"
        client = "rest"
        deadline = "2s"
        [workload.room]
        entry = "api.get"
        arrivals = "users(20, think=exp(1s))"
        [client.rest]
        latency = "exp(1ms)"
        timeout = "1s"
        retry = {{ attempts = 3, backoff = "50ms" }}
        balance = "random"
        [service.web]
        replicas = 3
        threads = 8
        queue = 100
        [service.web.endpoint.page]
        steps = [ {{ work = "exp(10ms)" }}, {{ call = "api.get", client = "rest" }}, {{ call = "ads.pick", client = "rest", optional = true }} ]
        [service.api]
        replicas = 2
        threads = 4
        queue = 100
        [service.api.endpoint.get]
        steps = [ {{ work = "lognormal(p50=8ms, p99=60ms)" }}, {{ call = "db.read", client = "rest" }} ]
        [service.ads]
        threads = 10
        [service.ads.endpoint.pick]
        steps = [ {{ work = "exp(5ms)" }} ]
        [service.db]
        threads = 4
        [service.db.endpoint.read]
        steps = [ {{ work = "exp(5ms)" }} ]
        {trigger}
        "#
    )
}

/// What strikes nobody hard enough to be noticed.
const HARMLESS: [&str; 5] = [
    "[fault.tiny]\nat = \"20s\"\nfor = \"10s\"\nservice = \"ads\"\nadd_latency = \"1ms\"",
    "[fault.tiny]\nat = \"20s\"\nfor = \"10s\"\nfrom = \"web\"\nto = \"ads\"\nadd_latency = \"500us\"",
    "[fault.tiny]\nat = \"20s\"\nfor = \"10s\"\nservice = \"ads\"\nerror_rate = \"0.1%\"",
    "[change.more]\nat = \"20s\"\ntrigger = true\nscale = { ads = 2 }",
    "[fault.tiny]\nat = \"20s\"\nfor = \"10s\"\nworkload = \"users\"\ntraffic = 1.01",
];

#[test]
fn healthy_runs_are_not_alarmed() {
    let alarmed: Vec<String> = (0..20_u32)
        .into_par_iter()
        .filter_map(|n| {
            // Every second one has no trigger at all.
            let trigger = if n % 2 == 0 { "" } else { HARMLESS[(n / 2 % 5) as usize] };
            let text = scenario(n, trigger);
            let told = Told::of("healthy", &text, &LoadOptions::default());
            let expected = if n % 2 == 0 { Verdict::Stable } else { Verdict::Unharmed };
            let is_quiet =
                told.insight.events.iter().all(|event| {
                    matches!(event.kind, EventKind::TriggerBegins | EventKind::TriggerEnds | EventKind::Ends)
                });
            let is_fine = told.verdict() == expected && is_quiet && (n % 2 == 1 || told.insight.events.is_empty());
            (!is_fine).then(|| format!("{n}: {}", told.text(true)))
        })
        .collect();
    assert!(alarmed.is_empty(), "{}", alarmed.join("\n"));
}
