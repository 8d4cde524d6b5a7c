//! The kernel's speed in CPU time: medians over several runs of a few fixed workloads.

use std::ops::ControlFlow;

use brownout::base::distribution::Distribution;
use brownout::base::time::Span;
use brownout::base::units::{Rate, Share};
use brownout::measure::simulate;
use brownout::model::*;
use rustix::time::{ClockId, clock_gettime};

fn cpu_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn model(services: &[(&str, u32, f64)], rate: f64, n: f64, client: Client, entry: Client) -> Model {
    let mut m = Model {
        title: "t".into(),
        seed: 1,
        duration: Span::from_secs_f64(n / rate),
        warmup: Span::ZERO,
        interval: Span::from_secs(1),
        workloads: Ids::default(),
        services: Ids::default(),
        endpoints: Ids::default(),
        clients: Ids::default(),
        faults: vec![],
        expectations: vec![],
    };
    m.clients.push(Client::direct());
    let c = m.clients.push(client);
    let e = m.clients.push(entry);
    for (i, (name, threads, mean)) in services.iter().enumerate() {
        let s = m.services.push(Service {
            name: name.to_string(),
            replicas: 1,
            threads: Limit::AtMost(*threads),
            queue: Limit::Unlimited,
            discipline: Discipline::Fifo,
            cores: None,
            handlers: Handlers::Blocking,
            startup: Span::ZERO,
        });
        let mut steps = vec![Step::Work(format!("exp({mean}ms)").parse::<Distribution>().unwrap())];
        if i + 1 < services.len() {
            steps.push(Step::Call { endpoint: EndpointId(i as u32 + 1), client: c, optional: false });
        }
        m.endpoints.push(Endpoint { service: s, name: "get".into(), steps });
    }
    m.workloads.push(Workload {
        name: "w".into(),
        entry: vec![(Share::ONE, EndpointId(0))],
        arrivals: Arrivals::Poisson(Profile::constant(Rate::per_sec(rate).unwrap())),
        deadline: None,
        client: e,
    });
    m
}

#[allow(non_snake_case)]
fn main() {
    let N: f64 = std::env::var("N").map(|n| n.parse().unwrap()).unwrap_or(1_000_000.0);
    let which = std::env::args().nth(1).unwrap_or_default();
    let mut c = Client::direct();
    c.latency = Distribution::Constant(Span::from_micros(250));
    c.timeout = Some(Span::from_millis(200));
    c.retry = Some(brownout::policy::retry::RetrySettings {
        attempts: 4,
        backoff: brownout::policy::retry::Backoff::Fixed(Span::ZERO),
        jitter: brownout::policy::retry::Jitter::None,
        budget: None,
    });
    c.breaker = Some(brownout::policy::breaker::BreakerSettings {
        window: 100,
        minimum_calls: 100,
        failure_rate: Share::new(0.5).unwrap(),
        slow_call_duration: Span::from_secs(60),
        slow_call_rate: Share::ONE,
        open_for: Span::from_secs(5),
        half_open_calls: 10,
    });
    let runs = [
        ("mm1", model(&[("a", 1, 1.0)], 800.0, N, Client::direct(), Client::direct())),
        ("chain", model(&[("a", 64, 5.0), ("b", 64, 5.0), ("c", 32, 8.0)], 1500.0, N, c, Client::direct())),
    ];
    for (name, model) in runs {
        if which.starts_with('-') || name.contains(&which) {
            let mut nanos: Vec<(u64, u64, u64)> = (0..7)
                .map(|_| {
                    let start = cpu_nanos();
                    let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
                    (cpu_nanos() - start, results.events, results.workloads[0].offered)
                })
                .collect();
            nanos.sort();
            let (median, events, requests) = nanos[3];
            println!(
                "{name} {:.1} ns/request {:.1} ns/event ({} events/request)  min {:.1}",
                median as f64 / requests as f64,
                median as f64 / events as f64,
                events as f64 / requests as f64,
                nanos[0].0 as f64 / requests as f64
            );
        }
    }
}
