//! One server that stands still for a while (Bronson et al., HotOS 2021): it serves 300/s, clients wait a second and
//! try once more, and what they have given up on is served all the same.

use std::ops::Range;

use crate::reference::{Measured, Run, span};

/// What differs between the cases.
struct System {
    arrivals: &'static str,
    work: &'static str,
    /// Keys of the service.
    service: &'static str,
    /// Keys of the client.
    client: &'static str,
    outage_secs: f64,
    duration_secs: u32,
}

/// 280/s by chance, and the outage of ten seconds.
const STORM: System = System {
    arrivals: "poisson(280/s)",
    work: "exp(3333333ns)",
    service: "",
    client: RETRY,
    outage_secs: 10.0,
    duration_secs: 200,
};

const RETRY: &str = "retry = { attempts = 2, backoff = \"0s\" }";

/// The cases of chance are run with each of these.
const SEEDS: Range<u64> = 1..6;

impl System {
    fn run(&self, seed: u64) -> Run {
        let System { arrivals, work, service, client, outage_secs, duration_secs } = self;
        Run::of(&format!(
            r#"
            seed = {seed}
            duration = "{duration_secs}s"
            interval = "1s"

            [workload.users]
            entry = "server.page"
            arrivals = "{arrivals}"
            client = "browser"

            [client.browser]
            timeout = "1s"
            {client}

            [service.server]
            threads = 1
            {service}

            [service.server.endpoint.page]
            steps = [{{ work = "{work}" }}]

            [fault.stop]
            at = "20s"
            for = "{}"
            service = "server"
            pause = true
            "#,
            span(*outage_secs),
        ))
    }

    /// Over all seeds.
    fn runs(&self) -> Vec<Run> {
        SEEDS.map(|seed| self.run(seed)).collect()
    }
}

pub(super) fn storm() -> Measured {
    // Every seed for itself: no good answer at all, and two attempts for each request but for what crosses the ends
    // of the window, some 1% of it.
    let window = 180..200;
    let measure = |run: Run| {
        let attempts = run.attempts(window.clone()) as f64 / run.offered(window.clone()) as f64;
        [("goodput_per_s", run.good(window.clone()) as f64 / 20.0), ("attempts_per_offered", attempts)]
    };
    STORM.runs().into_iter().flat_map(measure).collect()
}

pub(super) fn below_the_vulnerable_load() -> Measured {
    // Every seed for itself: only what crosses the ends of the window could differ.
    let window = 340..400;
    let measure = |run: Run| {
        let share = run.good(window.clone()) as f64 / run.offered(window.clone()) as f64;
        ("goodput_per_offered", share)
    };
    System { arrivals: "poisson(140/s)", duration_secs: 400, ..STORM }.runs().into_iter().map(measure).collect()
}

pub(super) fn recovery_at_100() -> Measured {
    recovery("even(100/s)")
}

pub(super) fn recovery_at_130() -> Measured {
    recovery("even(130/s)")
}

/// No chance in it. The second that starts at 46 s is the 47th.
fn recovery(arrivals: &'static str) -> Measured {
    let run = System { arrivals, work: "3333333ns", ..STORM }.run(1);
    let back = (31..200).find(|&second| run.good(second..second + 1) >= run.offered(second..second + 1));
    vec![("recovered_at_s", back.map_or(f64::NAN, |second| second as f64))]
}

/// No chance in it.
pub(super) fn critical_outage() -> Measured {
    let recovers = |outage_secs: f64| {
        let system = System { arrivals: "even(200/s)", work: "3333333ns", outage_secs, duration_secs: 120, ..STORM };
        let run = system.run(1);
        2 * run.good(100..120) >= run.offered(100..120)
    };
    let (mut survived, mut fatal) = (0.5, 5.0);
    assert!(recovers(survived) && !recovers(fatal), "the ends of the bisection");
    while fatal - survived > 0.001 {
        let middle = (survived + fatal) / 2.0;
        if recovers(middle) { survived = middle } else { fatal = middle }
    }
    vec![("critical_outage_s", fatal)]
}

/// The mean goodput of all seeds over 210..240 s: the number of arrivals in that time has a standard error of 0.5%.
/// Each seed is held against its own arrivals, too.
fn goodput(system: System, window: Range<usize>) -> Measured {
    let runs = system.runs();
    let secs = (window.len() * runs.len()) as f64;
    let good: u64 = runs.iter().map(|run| run.good(window.clone())).sum();
    let rate = good as f64 / secs;
    for run in runs {
        let share = run.good(window.clone()) as f64 / run.offered(window.clone()) as f64;
        assert!((share - 1.0).abs() <= 0.03, "a seed for itself: {share} of what was offered was answered in time");
    }
    vec![("goodput_per_s", rate)]
}

/// The goodput of every seed.
fn collapsed(system: System) -> Measured {
    let window = 210..240;
    let rate = |run: Run| ("goodput_per_s", run.good(window.clone()) as f64 / 30.0);
    system.runs().into_iter().map(rate).collect()
}

pub(super) fn without_retries() -> Measured {
    goodput(System { client: "", duration_secs: 240, ..STORM }, 210..240)
}

pub(super) fn lifo() -> Measured {
    goodput(System { service: "discipline = \"lifo\"", duration_secs: 240, ..STORM }, 210..240)
}

pub(super) fn short_queue() -> Measured {
    goodput(System { service: "queue = 100", duration_secs: 240, ..STORM }, 210..240)
}

pub(super) fn long_queue() -> Measured {
    collapsed(System { service: "queue = 1000", duration_secs: 240, ..STORM })
}

pub(super) fn cancel() -> Measured {
    let client = "retry = { attempts = 2, backoff = \"0s\" }\ncancel = \"waiting\"";
    goodput(System { client, duration_secs: 240, ..STORM }, 210..240)
}

pub(super) fn jitter() -> Measured {
    let client = "retry = { attempts = 2, backoff = \"exponential(1s, cap=30s)\", jitter = \"full\" }";
    collapsed(System { client, duration_secs: 240, ..STORM })
}

const BUDGET: &str = "retry = { attempts = 2, backoff = \"0s\", budget = { ratio = \"10%\" } }";

pub(super) fn budget() -> Measured {
    collapsed(System { client: BUDGET, duration_secs: 240, ..STORM })
}

pub(super) fn budget_at_260() -> Measured {
    goodput(System { arrivals: "poisson(260/s)", client: BUDGET, duration_secs: 420, ..STORM }, 390..420)
}
