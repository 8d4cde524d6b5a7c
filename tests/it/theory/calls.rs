//! Calls: fan-out, threads held while waiting, retries over layers, and a herd.

use super::Params;
use crate::reference::{Measured, Run, span};

/// Leaves sleep for a second with the given chance; whoever waits for one of them misses the deadline.
///
/// SE by the binomial distribution: √((1 − p) ÷ p ÷ requests) = 0.57%, 0.44% and 0.64%.
pub(super) fn fan_out(params: &Params, seed: u64) -> Measured {
    let (branches, slow) = (params.count("fanout"), params.number("p_slow"));
    let leaf = format!(
        r#"{{ choose = [
            {{ share = "{}%", steps = [{{ sleep = "1s" }}] }},
            {{ share = "{}%", steps = [] }},
        ] }}"#,
        slow * 100.0,
        100.0 - slow * 100.0,
    );
    // Thousands of leaves are branches of the front itself: calls would take four times as long.
    let call = r#"{ call = "leaf.get" }"#;
    let (requests, branch) = match branches {
        1 => (3_000_000, call),
        100 => (30_000, call),
        _ => (110_000, leaf.as_str()),
    };
    let run = Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"

        [workload.users]
        entry = "front.page"
        arrivals = "even(1000/s)"
        deadline = "500ms"

        [service.front.endpoint.page]
        steps = [{{ parallel = [{}] }}]

        [service.leaf.endpoint.get]
        steps = [{leaf}]
        "#,
        span(f64::from(requests) / 1000.0),
        vec![branch; branches].join(", "),
    ));
    // Who is still under way at the end is slow: the others take no time.
    vec![("prob_slow", 1.0 - run.users().good as f64 / run.users().offered as f64)]
}

/// SE 0.89% of the healthy state, whose tolerance is 3%: some 20 000 rejections, which come in clusters.
pub(super) fn held_threads(params: &Params, seed: u64) -> Measured {
    let seconds = |name| params.text(name).strip_prefix("const ").unwrap().parse::<f64>().unwrap();
    let (rate, share) = (params.number("lam"), params.number("p_call_B"));
    let requests = if params.text("state") == "healthy" { 25e6 } else { 1e5 };
    let run =
        slow_dependency(rate, params.count("pool"), seconds("local"), share, seconds("B_latency"), requests, seed);
    vec![("prob_reject_all_requests", run)]
}

/// The share of requests that A rejects: a pool without queue, whose threads some requests hold while they wait for B.
pub(crate) fn slow_dependency(
    rate: f64,
    threads: usize,
    work: f64,
    share: f64,
    answer: f64,
    requests: f64,
    seed: u64,
) -> f64 {
    let duration = requests / rate;
    let run = Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"
        warmup = "{}"

        [workload.users]
        entry = "a.page"
        arrivals = "poisson({rate}/s)"

        [service.a]
        threads = {threads}
        queue = 0
        [service.a.endpoint.page]
        steps = [{{ work = "{}" }}, {{ choose = [
            {{ share = "{}%", steps = [{{ call = "b.get" }}] }},
            {{ share = "{}%", steps = [] }},
        ] }}]

        [service.b.endpoint.get]
        steps = [{{ sleep = "{}" }}]
        "#,
        span(duration),
        span(duration / 50.0),
        span(work),
        share * 100.0,
        100.0 - share * 100.0,
        span(answer),
    ));
    let a = run.service("a");
    a.rejected as f64 / a.arrivals as f64
}

/// SE 1.6% of the share that fails, whose tolerance is 5%: some 4100 failures by the binomial distribution.
pub(super) fn layers(params: &Params, seed: u64) -> Measured {
    let (layers, attempts) = (params.count("layers"), params.count("attempts_per_layer"));
    let fails = params.number(if params.has("leaf_fail") { "leaf_fail" } else { "leaf_fail_iid" });
    let requests = match fails {
        0.9 => 3_500_000,
        1.0 => 1000,
        _ => 200_000,
    };
    let run = retries_over_layers(layers, attempts, fails, requests, seed);
    let users = run.users().offered as f64;
    let leaf = run.service(&format!("layer{layers}")).arrivals as f64;
    vec![("leaf_attempts_per_request", leaf / users), ("request_fail_prob", run.failed() as f64 / users)]
}

/// A chain of services, each of which tries the next so many times; the last fails with the given chance. Nothing takes
/// time.
pub(crate) fn retries_over_layers(layers: usize, attempts: usize, fails: f64, requests: u32, seed: u64) -> Run {
    let mut services = String::new();
    for layer in 1..layers {
        services += &format!(
            r#"
            [service.layer{layer}.endpoint.get]
            steps = [{{ call = "layer{}.get", client = "stubborn" }}]
            "#,
            layer + 1
        );
    }
    let leaf = if fails == 1.0 {
        "{ fail = true }".to_owned()
    } else {
        let (fail, answer) = (fails * 100.0, 100.0 - fails * 100.0);
        format!(
            r#"{{ choose = [
                {{ share = "{fail}%", steps = [{{ fail = true }}] }},
                {{ share = "{answer}%", steps = [] }},
            ] }}"#
        )
    };
    Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"

        [workload.users]
        entry = "layer1.get"
        arrivals = "even(1000/s)"
        client = "stubborn"

        [client.stubborn]
        retry = {{ attempts = {attempts}, backoff = "0s" }}
        {services}
        [service.layer{layers}.endpoint.get]
        steps = [{leaf}]
        "#,
        span(f64::from(requests) / 1000.0),
    ))
}

pub(super) fn herd(params: &Params, _seed: u64) -> Measured {
    let timeout = if params.has("client_timeout") { params.number("client_timeout") } else { 3600.0 };
    let work: f64 = params.text("service").strip_prefix("const ").unwrap().parse().unwrap();
    let run = simultaneous(params.count("simultaneous"), params.count("servers"), work, timeout);
    let users = run.users();
    vec![
        ("makespan_s", users.latency.max().unwrap().as_secs_f64()),
        ("mean_sojourn_s", run.mean_latency()),
        ("ok_within_timeout", users.outcomes[0] as f64),
    ]
}

/// Many requests at once, whose client gives up after `timeout`.
pub(crate) fn simultaneous(requests: usize, threads: usize, work: f64, timeout: f64) -> Run {
    Run::of(&format!(
        r#"
        duration = "10s"

        [workload.users]
        entry = "station.serve"
        arrivals = "burst({requests})"
        client = "users"

        [client.users]
        timeout = "{}"

        [service.station]
        threads = {threads}
        [service.station.endpoint.serve]
        steps = [{{ work = "{}" }}]
        "#,
        span(timeout),
        span(work),
    ))
}
