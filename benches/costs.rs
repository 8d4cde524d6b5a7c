//! What a part of a model, or of what is measured, costs: the same scenario with it and without it, run in turns on the same
//! machine at the same time. What is printed is the median over all pairs of their difference in CPU time, and the middle
//! half of them.
//!
//! `cargo bench --bench costs` runs all, `cargo bench --bench costs -- grpc` those whose name contains "grpc". `PAIRS=31` sets
//! the number of pairs (default 15).
//!
//! `ONCE=without` or `ONCE=with` simulates that side of each case once and reads no clock, so that it can be counted instead
//! of timed: `ONCE=with valgrind --tool=callgrind --toggle-collect='*meter*measure*' BENCH grpc`.

mod scenarios;

use std::ops::ControlFlow;

use brownout::measure::{Detail, Results, measure};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};
use rustix::time::{ClockId, clock_gettime};
use scenarios::{CHAIN, mesh};

/// One side of a comparison.
struct Side {
    model: Model,
    detail: Detail,
}

struct Case {
    name: &'static str,
    without: Side,
    with: Side,
    /// What the difference is given for.
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    /// Nanoseconds for each call.
    Call,
    /// A share of the run without it.
    Run,
}

fn main() {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let cases = cases().into_iter().filter(|case| case.name.contains(&filter));
    if let Ok(side) = std::env::var("ONCE") {
        for case in cases {
            let results = run(if side == "with" { &case.with } else { &case.without });
            println!("{} {side}: {} calls, {} events", case.name, calls(&results), results.events);
        }
        return;
    }
    let pairs = std::env::var("PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(15);
    println!(
        "{:<16} {:>12} {:>12} {:>24}  CPU time, {pairs} pairs",
        "case", "ns/call", "adds", "the middle half of pairs"
    );
    for case in cases {
        compare(&case, pairs);
    }
}

fn compare(case: &Case, pairs: usize) {
    let (mut bases, mut added): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let (without, with) = (timed(&case.without), timed(&case.with));
        bases.push(without);
        added.push(match case.unit {
            Unit::Call => with - without,
            Unit::Run => 100.0 * (with / without - 1.0),
        });
    }
    bases.sort_by(f64::total_cmp);
    added.sort_by(f64::total_cmp);
    let unit = match case.unit {
        Unit::Call => "ns",
        Unit::Run => "%",
    };
    let (base, middle) = (bases[pairs / 2], added[pairs / 2]);
    let (low, high) = (added[pairs / 4], added[pairs - 1 - pairs / 4]);
    println!("{:<16} {base:>12.1} {middle:>+9.1} {unit:<2} {low:>+12.1} .. {high:>+8.1}", case.name);
}

fn cases() -> Vec<Case> {
    let client = |lines: &str| Side { model: model(&calls_of(lines)), detail: Detail::All };
    let call =
        |name, without: &str, with: &str| Case { name, without: client(without), with: client(with), unit: Unit::Call };
    let policies = "timeout = \"200ms\"\nretry = { attempts = 4, backoff = \"1ms\" }\n\
        breaker = { window = 100, minimum_calls = 100, failure_rate = \"50%\", open_for = \"5s\", half_open_calls = 10 }\n\
        bulkhead = { max = 1000 }";
    let untraced = |scenario: &str| format!("traces = \"none\"\n{scenario}");
    let story = |name, scenario: &str| Case {
        name,
        without: Side { model: model(&untraced(scenario)), detail: Detail::Numbers },
        with: Side { model: model(&untraced(scenario)), detail: Detail::All },
        unit: Unit::Run,
    };
    let traces = |name, scenario: &str| Case {
        name,
        without: Side { model: model(&untraced(scenario)), detail: Detail::All },
        with: Side { model: model(scenario), detail: Detail::All },
        unit: Unit::Run,
    };
    vec![
        call("grpc", "", "transport = \"grpc\""),
        call("rest", "", "transport = \"rest\""),
        call("policies", "", policies),
        story("story of chain", CHAIN),
        story("story of mesh", &mesh()),
        traces("traces of chain", CHAIN),
        traces("traces of mesh", &mesh()),
    ]
}

/// Eight calls a request, 400 000 in all; `lines` are those of their client.
fn calls_of(lines: &str) -> String {
    format!(
        r#"
duration = "50s"
interval = "1s"
[workload.users]
entry = "front.get"
arrivals = "poisson(1000/s)"
[client.callee]
latency = "250us"
{lines}
[service.front]
threads = 1000
[service.front.endpoint.get]
steps = [ {{ repeat = 8, steps = [ {{ call = "store.get", client = "callee" }} ] }} ]
[service.store]
threads = 1000
[service.store.endpoint.get]
steps = [ {{ work = "exp(100us)" }} ]
"#
    )
}

fn model(scenario: &str) -> Model {
    let loaded = load("bench", scenario.as_bytes(), &LoadOptions::default());
    loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)))
}

fn run(side: &Side) -> Results {
    measure(&side.model, side.detail, &mut |_| ControlFlow::Continue(()))
}

/// Calls that services make, each of which crosses an edge once: what users ask for is none.
fn calls(results: &Results) -> u64 {
    let offered: u64 = results.workloads.iter().map(|workload| workload.offered).sum();
    results.edges.iter().map(|edge| edge.calls).sum::<u64>() - offered
}

/// CPU nanoseconds per call of one run.
fn timed(side: &Side) -> f64 {
    let start = cpu_nanos();
    let results = run(side);
    (cpu_nanos() - start) as f64 / calls(&results) as f64
}

fn cpu_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
