//! Which of several servers gets a request.

use super::Params;
use crate::reference::{Measured, Run, span};

struct Servers<'a> {
    replicas: usize,
    threads: usize,
    balance: &'a str,
    rate: f64,
    mean: f64,
    warmup: f64,
    duration: f64,
}

fn mean_sojourn(servers: &Servers<'_>, seed: u64) -> Measured {
    let Servers { replicas, threads, balance, rate, mean, warmup, duration } = servers;
    let run = Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"
        warmup = "{}"

        [workload.users]
        entry = "farm.serve"
        arrivals = "poisson({rate}/s)"
        client = "users"

        [client.users]
        balance = "{balance}"

        [service.farm]
        replicas = {replicas}
        threads = {threads}
        [service.farm.endpoint.serve]
        steps = [{{ work = "exp({})" }}]
        "#,
        span(*duration),
        span(*warmup),
        span(*mean),
    ));
    vec![("mean_sojourn_s", run.mean_latency())]
}

pub(super) fn two_choices(params: &Params, seed: u64) -> Measured {
    assert_eq!(params.text("servers"), "N>=500");
    let replicas = 500;
    let rate = params.number("lam_per_server") * replicas as f64;
    let servers = Servers {
        replicas,
        threads: 1,
        balance: "least-request",
        rate,
        mean: 1.0 / params.number("mu"),
        warmup: 500.0,
        duration: 3000.0,
    };
    mean_sojourn(&servers, seed)
}

pub(super) fn two_servers(params: &Params, seed: u64) -> Measured {
    let policy = params.text("servers").strip_prefix("2 x M/1, policy=").unwrap();
    let (replicas, threads, balance) = match policy {
        "join-shortest-queue, ties fair" => (2, 1, "join-shortest"),
        "round-robin" => (2, 1, "round-robin"),
        "uniform random" => (2, 1, "random"),
        "central queue M/M/2" => (1, 2, "round-robin"),
        other => panic!("no such policy: {other}"),
    };
    let rate = params.number("lam");
    let duration = 4e6 / rate;
    let mean = 1.0 / params.number("mu");
    mean_sojourn(&Servers { replicas, threads, balance, rate, mean, warmup: duration / 50.0, duration }, seed)
}
