//! Open queues: one station with Poisson arrivals, and two of them in a row.

use super::Params;
use crate::reference::{Measured, Run, secs, span};

/// A station under Poisson arrivals.
struct Station {
    rate: f64,
    /// Keys of the service.
    pool: String,
    work: String,
    requests: f64,
}

impl Station {
    /// Runs it; the first fiftieth of the time is the warm-up.
    fn run(&self, seed: u64) -> Run {
        let Station { rate, pool, work, requests } = self;
        let duration = requests / rate;
        Run::of(&format!(
            r#"
            seed = {seed}
            duration = "{}"
            warmup = "{}"

            [workload.users]
            entry = "station.serve"
            arrivals = "poisson({rate}/s)"

            [service.station]
            {pool}

            [service.station.endpoint.serve]
            steps = [{{ work = "{work}" }}]
            "#,
            span(duration),
            span(duration / 50.0),
        ))
    }
}

fn mean_wait(run: &Run) -> f64 {
    secs(run.service("station").wait.mean())
}

/// Rejected requests as a share of all.
fn rejected(run: &Run) -> f64 {
    let station = run.service("station");
    station.rejected as f64 / station.arrivals as f64
}

/// SE 0.53% of the mean wait, whose tolerance is 2%.
pub(super) fn mm1(params: &Params, seed: u64) -> Measured {
    let station = Station {
        rate: params.number("lam"),
        pool: format!("threads = {}", params.count("servers")),
        work: format!("exp({})", span(1.0 / params.number("mu"))),
        requests: 5e6,
    };
    let run = station.run(seed);
    let nanos = run.secs() * 1e9;
    vec![
        ("mean_sojourn_s", run.mean_latency()),
        ("mean_wait_s", mean_wait(&run)),
        ("mean_in_system", run.service("station").in_system_nanos as f64 / nanos),
        ("p50_sojourn_s", run.latency(0.50)),
        ("p99_sojourn_s", run.latency(0.99)),
        ("utilisation", run.service("station").busy_nanos as f64 / nanos),
    ]
}

/// SE 0.79% of two servers' 99th percentile, whose tolerance is 3%.
pub(super) fn mmc(params: &Params, seed: u64) -> Measured {
    let servers = params.count("servers");
    let requests = match servers {
        1 => 6e6,
        2 => 4e6,
        10 => 3e6,
        _ => 2.5e6,
    };
    let station = Station {
        rate: params.number("lam"),
        pool: format!("threads = {servers}"),
        work: format!("exp({})", span(1.0 / params.number("mu"))),
        requests,
    };
    let run = station.run(seed);
    let waited = run.service("station").waited as f64 / run.service("station").arrivals as f64;
    vec![("prob_wait", waited), ("mean_sojourn_s", run.mean_latency()), ("p99_sojourn_s", run.latency(0.99))]
}

/// SE 0.49% and 0.46% of the share that is rejected, whose tolerance is 2%.
pub(super) fn bounded(params: &Params, seed: u64) -> Measured {
    let servers = params.count("servers");
    let station = Station {
        rate: params.number("lam"),
        pool: format!("threads = {servers}\nqueue = {}", params.count("capacity_total") - servers),
        work: format!("exp({})", span(1.0 / params.number("mu"))),
        requests: 3e6,
    };
    let run = station.run(seed);
    vec![
        ("prob_reject", rejected(&run)),
        ("throughput_per_s", run.users().outcomes[0] as f64 / run.secs()),
        ("mean_sojourn_accepted_s", run.mean_latency()),
    ]
}

/// Three laws of service with the same mean. SE 0.58%, tolerance 3%.
pub(super) fn erlang_loss(params: &Params, seed: u64) -> Measured {
    let mean = span(params.number("mean_service"));
    let laws = [format!("exp({mean})"), mean.clone(), format!("lognormal(mean={mean}, cv=2)")];
    let measure = |work: String| {
        let station = Station {
            rate: params.number("lam"),
            pool: format!("threads = {}\nqueue = {}", params.count("servers"), params.count("queue")),
            work,
            requests: 1e6,
        };
        ("prob_reject", rejected(&station.run(seed)))
    };
    laws.into_iter().map(measure).collect()
}

/// SE 0.77% of the 99th percentile, whose tolerance is 3%.
pub(super) fn md1(params: &Params, seed: u64) -> Measured {
    let run = constant(params, 4e6).run(seed);
    let p99 = run.service("station").wait.quantile(0.99);
    vec![("mean_wait_s", mean_wait(&run)), ("p99_wait_s", secs(p99))]
}

/// SE 0.71%, tolerance 3%.
pub(super) fn mdc(params: &Params, seed: u64) -> Measured {
    vec![("mean_wait_s", mean_wait(&constant(params, 2e6).run(seed)))]
}

/// Constant work, given as `const 0.1`.
fn constant(params: &Params, requests: f64) -> Station {
    let work: f64 = params.text("service").strip_prefix("const ").unwrap().parse().unwrap();
    Station {
        rate: params.number("lam"),
        pool: format!("threads = {}", params.count("servers")),
        work: span(work),
        requests,
    }
}

/// SE 1.04%, 0.50% and 2.94%, tolerances 4%, 2% and 10%.
pub(super) fn mg1(params: &Params, seed: u64) -> Measured {
    let (work, requests) = match params.text("service") {
        "lognormal mean 0.1 scv 4" => ("lognormal(mean=100ms, cv=2)", 6e6),
        "weibull shape 2 mean 0.1" => ("weibull(mean=100ms, shape=2)", 3e6),
        "0.999 Exp(mean .1) | 0.001 Exp(mean 10)" => ("hyperexp(99.9% 100ms, 0.1% 10s)", 12e6),
        other => panic!("no such law: {other}"),
    };
    let station = Station {
        rate: params.number("lam"),
        pool: format!("threads = {}", params.count("servers")),
        work: work.to_owned(),
        requests,
    };
    vec![("mean_wait_s", mean_wait(&station.run(seed)))]
}

/// SE 0.22%, tolerance 1%: √(2 × 0.25 s ÷ (50 × 2450 s)) by the correlation e^(−t ÷ 0.25 s) of a Poisson number.
pub(super) fn unlimited(params: &Params, seed: u64) -> Measured {
    let station = Station {
        rate: params.number("throughput"),
        pool: String::new(),
        work: format!("exp({})", span(params.number("mean_latency"))),
        requests: 5e5,
    };
    let run = station.run(seed);
    vec![("mean_concurrency", run.service("station").in_system_nanos as f64 / (run.secs() * 1e9))]
}

/// SE 0.75% of the 99th percentile, whose tolerance is 3%.
pub(super) fn tandem(params: &Params, seed: u64) -> Measured {
    let rate = params.number("lam");
    let [first, second] = [0, 1].map(|n| span(1.0 / params.0["mu"][n].as_f64().unwrap()));
    let duration = 7e6 / rate;
    let run = Run::of(&format!(
        r#"
        seed = {seed}
        duration = "{}"
        warmup = "{}"

        [workload.users]
        entry = "first.serve"
        arrivals = "poisson({rate}/s)"

        [service.first]
        threads = 1
        [service.first.endpoint.serve]
        steps = [{{ work = "exp({first})" }}, {{ forward = "second.serve" }}]

        [service.second]
        threads = 1
        [service.second.endpoint.serve]
        steps = [{{ work = "exp({second})" }}]
        "#,
        span(duration),
        span(duration / 50.0),
    ));
    vec![("mean_end_to_end_s", run.mean_latency()), ("p99_end_to_end_s", run.latency(0.99))]
}
