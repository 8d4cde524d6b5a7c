//! Closed queues: a fixed number of users who think, ask and wait for the answer.

use super::Params;
use crate::reference::{Measured, Run, span};

const SECS: f64 = 40_000.0;

fn run(users: usize, think: f64, services: &str, seed: u64) -> Run {
    Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"
        warmup = "{}"

        [workload.users]
        entry = "front.page"
        arrivals = "users({users}, think=exp({}))"
        {services}
        "#,
        span(SECS),
        span(SECS / 50.0),
        span(think),
    ))
}

/// The number behind a word: `exp 0.1`.
fn exponential(text: &str) -> f64 {
    text.strip_prefix("exp ").unwrap().parse().unwrap()
}

fn throughput_and_response(run: &Run) -> Measured {
    let throughput = run.users().outcomes[0] as f64 / run.secs();
    vec![("throughput_per_s", throughput), ("mean_response_s", run.mean_latency())]
}

/// SE 0.47% of the response of eleven users, whose tolerance is 2%.
pub(super) fn repairman(params: &Params, seed: u64) -> Measured {
    let services = format!(
        r#"
        [service.front]
        threads = {}
        [service.front.endpoint.page]
        steps = [{{ work = "exp({})" }}]
        "#,
        params.count("servers"),
        span(exponential(params.text("service"))),
    );
    throughput_and_response(&run(params.count("clients"), exponential(params.text("think")), &services, seed))
}

/// A front without limits that calls three stations one after the other. SE 0.49% of the response, whose tolerance is 2%.
pub(super) fn three_stations(params: &Params, seed: u64) -> Measured {
    assert_eq!(params.text("chain"), "3 FIFO exp stations visited in series, mean .05,.08,.03");
    let services = r#"
        [service.front.endpoint.page]
        steps = [{ call = "one.serve" }, { call = "two.serve" }, { call = "three.serve" }]

        [service.one]
        threads = 1
        [service.one.endpoint.serve]
        steps = [{ work = "exp(50ms)" }]

        [service.two]
        threads = 1
        [service.two.endpoint.serve]
        steps = [{ work = "exp(80ms)" }]

        [service.three]
        threads = 1
        [service.three.endpoint.serve]
        steps = [{ work = "exp(30ms)" }]
        "#;
    let run = run(params.count("clients"), exponential(params.text("think")), services, seed);
    let mut measured = throughput_and_response(&run);
    measured.push(("mean_queue_station2", run.service("two").in_system_nanos as f64 / (run.secs() * 1e9)));
    measured
}
