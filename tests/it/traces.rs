//! Traces: what happened to chosen requests, and the files that say so.

mod files;
mod recorded;

use std::ops::ControlFlow;

use brownout::measure::{Results, Traces, simulate};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};

/// A run of a scenario.
fn run(text: &str) -> (Model, Results) {
    let loaded = load("traced.toml", text.as_bytes(), &LoadOptions::default());
    let Some(model) = loaded.model else { panic!("{}", loaded.diagnostics.render(false)) };
    let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
    (model, results)
}

fn traces(results: &Results) -> &Traces {
    results.traces.as_ref().expect("traces are recorded unless a scenario says otherwise")
}
