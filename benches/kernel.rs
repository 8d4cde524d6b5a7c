//! The kernel's speed: CPU time per request and per event of a few fixed scenarios, medians over runs.
//!
//! `cargo bench --bench kernel` runs all, `cargo bench --bench kernel -- chain` those whose name contains "chain".
//! `RUNS=15` sets the number of runs (default 7). With `PEERS=DIR`, the SimPy programs in DIR
//! (`simpy_chain_full.py`) run in between, on the same machine at the same time, and the ratio is printed.
//!
//! `ONCE=130s` simulates each case once for so long and reads no clock, so that it can be counted instead of timed:
//! `ONCE=130s valgrind --tool=callgrind --toggle-collect='*measure*simulate*' BENCH mm1`. `SET` changes the scenarios then:
//! `SET="traces.sample=0 traces.slowest=0 traces.failed=0"` records no requests.

mod scenarios;

use std::ops::ControlFlow;
use std::process::Command;

use brownout::measure::{Results, simulate};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};
use rustix::time::{ClockId, clock_gettime};
use scenarios::{CHAIN, mesh};

struct Case {
    name: &'static str,
    scenario: String,
    /// Arguments of `simpy_chain_full.py` for the same workload.
    peer: Option<[&'static str; 3]>,
}

fn main() {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    if let Ok(duration) = std::env::var("ONCE") {
        cases().into_iter().filter(|case| case.name.contains(&filter)).for_each(|case| once(&case, &duration));
        return;
    }
    let runs = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(7);
    println!(
        "{:<8} {:>10} {:>10} {:>10} {:>10}  CPU time, median of {runs}",
        "case", "ns/request", "min", "max", "ns/event"
    );
    for case in cases().into_iter().filter(|case| case.name.contains(&filter)) {
        let model = model(&case.scenario);
        let mut samples: Vec<(f64, f64)> = (0..runs).map(|_| measure(&model)).collect();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (per_request, per_event) = samples[runs / 2];
        let (min, max) = (samples[0].0, samples[runs - 1].0);
        println!("{:<8} {per_request:>10.1} {min:>10.1} {max:>10.1} {per_event:>10.1}", case.name);
        if let (Some(args), Ok(dir)) = (case.peer, std::env::var("PEERS")) {
            compare(&dir, args, per_request);
        }
    }
}

fn cases() -> Vec<Case> {
    vec![
        Case { name: "mm1", scenario: MM1.to_owned(), peer: Some(["mm1", "200000", "3"]) },
        Case { name: "chain", scenario: CHAIN.to_owned(), peer: Some(["chain", "50000", "3"]) },
        Case { name: "storm", scenario: storm(), peer: None },
        Case { name: "mesh", scenario: mesh(), peer: None },
    ]
}

/// One queue, no network, no client: 1 000 000 requests.
const MM1: &str = r#"
duration = "1250s"
interval = "10s"
[workload.users]
entry = "server.get"
arrivals = "poisson(800/s)"
[service.server]
threads = 1
[service.server.endpoint.get]
steps = [ { work = "exp(1ms)" } ]
"#;

/// The chain without breakers, whose users retry: a slow store for ten seconds, and it never comes back.
fn storm() -> String {
    let chain = CHAIN.lines().filter(|line| !line.starts_with("breaker")).collect::<Vec<_>>().join("\n");
    let chain = chain.replace("duration = \"667s\"", "duration = \"150s\"");
    chain.replace("arrivals = ", "client = \"rest\"\narrivals = ")
        + r#"
[fault.slow-store]
at = "20s"
for = "10s"
service = "store"
add_latency = "200ms"
"#
}

fn model(scenario: &str) -> Model {
    let loaded = load("bench", scenario.as_bytes(), &LoadOptions::default());
    loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)))
}

/// One run without a clock: valgrind does not show the program where the kernel keeps it.
fn once(case: &Case, duration: &str) {
    let more = std::env::var("SET").unwrap_or_default();
    let sets = more.split_whitespace().map(str::to_owned).chain([format!("duration={duration}")]).collect();
    let options = LoadOptions { sets, ..LoadOptions::default() };
    let loaded = load("bench", case.scenario.as_bytes(), &options);
    let model = loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)));
    let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
    let offered: u64 = results.workloads.iter().map(|workload| workload.offered).sum();
    println!("{}: {offered} requests, {} events", case.name, results.events);
}

/// CPU nanoseconds per request and per event of one run.
fn measure(model: &Model) -> (f64, f64) {
    let start = cpu_nanos();
    let results: Results = simulate(model, &mut |_| ControlFlow::Continue(()));
    let nanos = (cpu_nanos() - start) as f64;
    let offered: u64 = results.workloads.iter().map(|workload| workload.offered).sum();
    (nanos / offered as f64, nanos / results.events as f64)
}

fn cpu_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Runs the peer and prints its own line and the ratio.
fn compare(dir: &str, args: [&str; 3], per_request: f64) {
    let output = Command::new("python3").arg(format!("{dir}/simpy_chain_full.py")).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("simpy")).unwrap_or("simpy: could not be run");
    let median = line.split("median ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    let ratio =
        median.map_or_else(|| "no figure".to_owned(), |peer| format!("{:.0} times as long", peer / per_request));
    println!("         {line}: {ratio}");
}
