//! What must hold for any bytes: the loader says what is wrong or gives a model, in words that can be shown; a model
//! runs; what is printed with `--expanded` gives the same model.

use std::ops::ControlFlow;

use brownout::measure::simulate;
use brownout::model::{Arrivals, Model, Pace, Process, Workload};
use brownout::report::{Input, csv, json, terminal};
use brownout::scenario::{LoadOptions, NoFiles, expanded, load};

/// Larger models take longer to build than anybody wants to wait a million times.
const REPLICAS_MAX: u64 = 2_000;
const REQUESTS_MAX: f64 = 3_000.0;

/// Panics when something is wrong.
pub(crate) fn try_bytes(bytes: &[u8]) {
    let (options, text) = split(bytes);
    let loaded = load("fuzzed.toml", text, &options);
    let said = loaded.diagnostics.render(false);
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors(), "{said}");
    assert_eq!(said.is_empty(), loaded.diagnostics.is_empty());
    let Some(model) = loaded.model else { return };
    try_expanded(text, &options, &model);
    if is_small(&model) {
        try_run(&model);
    }
}

/// Whether the bytes are a scenario without errors.
#[allow(dead_code, reason = "the fuzz targets do not ask")]
pub(crate) fn loads(bytes: &[u8]) -> bool {
    let (options, text) = split(bytes);
    load("fuzzed.toml", text, &options).model.is_some()
}

/// The arguments in the first lines, and the file behind them.
fn split(mut bytes: &[u8]) -> (LoadOptions, &[u8]) {
    let mut options = LoadOptions::default();
    loop {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let line = String::from_utf8_lossy(&bytes[..end]);
        if let Some(set) = line.strip_prefix("--set ") {
            options.sets.push(set.to_owned());
        } else if let Some(variant) = line.strip_prefix("--variant ") {
            options.variants.push(variant.to_owned());
        } else {
            return (options, bytes);
        }
        bytes = bytes.get(end + 1..).unwrap_or(&[]);
    }
}

fn try_expanded(text: &[u8], options: &LoadOptions, model: &Model) {
    let (printed, _) = expanded("fuzzed.toml", text, options, &NoFiles);
    let printed = printed.expect("a scenario without errors is printed");
    let again = load("printed.toml", printed.as_bytes(), &LoadOptions::default());
    let said = again.diagnostics.render(false);
    assert!(again.model.as_ref() == Some(model), "printed otherwise:\n{printed}\n{said}");
}

/// Whether a run takes milliseconds: on paper, few replicas and few requests.
fn is_small(model: &Model) -> bool {
    let replicas: u64 = model.services.iter().map(|service| u64::from(service.replicas)).sum();
    let secs = model.duration.as_secs_f64();
    let requests = |arrivals: &Arrivals| match arrivals {
        Arrivals::Rated { process, batch } => {
            let highest = match process {
                Process::Even(profile) | Process::Poisson(profile) => {
                    profile.points.iter().map(|point| point.rate.as_per_sec()).fold(0.0, f64::max)
                }
                Process::Modulated(modulation) => modulation.high.as_per_sec(),
            };
            highest * secs * f64::from(*batch)
        }
        Arrivals::Burst { size, every, .. } => {
            f64::from(*size) * every.map_or(1.0, |every| secs / every.as_secs_f64() + 1.0)
        }
        Arrivals::Users { count, pace: Pace::Think(_) } => f64::from(*count),
        Arrivals::Users { count, pace: Pace::Every(every) } => f64::from(*count) * (1.0 + secs / every.as_secs_f64()),
        Arrivals::Times(times) => times.len() as f64,
    };
    let asks = |workload: &Workload| workload.session.entries().iter().map(|(times, _)| times).sum::<f64>();
    let requests: f64 = model.workloads.iter().map(|it| requests(&it.arrivals) * asks(it).max(1.0)).sum();
    replicas * (1 + model.clients.len() as u64) <= REPLICAS_MAX && requests <= REQUESTS_MAX
}

/// Runs to the end, or for a million events: between the points of its series a run asks only every 2²⁰ events.
fn try_run(model: &Model) {
    let interval = model.interval.as_nanos();
    let results = simulate(model, &mut |now| {
        if now.as_nanos().is_multiple_of(interval) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let input = Input { model, results: &results, hash: "", version: "", twin: None, insight: None };
    terminal::summary(&input, false, 100);
    json::summary(&input);
    csv::summary(&input);
    csv::timeseries(&input, false);
}
