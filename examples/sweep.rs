//! A sweep to CSV: a row for each run of each combination.

use std::ops::ControlFlow;

use brownout::base::vary::Vary;
use brownout::experiment::{SweepRow, Wanted, combinations, run};
use brownout::report::experiment::sweep::csv;
use brownout::scenario::{LoadOptions, load};

const SCENARIO: &str = "duration = \"10s\"\n\
    [workload.users]\nentry = \"api.page\"\narrivals = \"poisson(40/s)\"\n\
    [service.api]\nthreads = 1\nqueue = 20\n\
    [service.api.endpoint.page]\nsteps = [ { work = \"exp(20ms)\" } ]\n";

pub(crate) fn table() -> String {
    let vary: Vec<Vary> = ["service.api.threads=1,2"].map(|text| text.parse().expect("a path and its values")).into();
    let mut rows = Vec::new();
    for (number, places) in combinations(&vary).iter().enumerate() {
        let sets = vary.iter().zip(places).map(|(it, place)| format!("{}={}", it.path, it.values[*place])).collect();
        let options = LoadOptions { sets, ..LoadOptions::default() };
        let model = load("sweep.toml", SCENARIO.as_bytes(), &options).model.expect("the scenario is right");
        for replication in 0..2 {
            let ran = run(&model, replication, Wanted::FIGURES, &|| ControlFlow::Continue(()));
            let mut row = SweepRow::of(number as u32, ran.expect("nobody interrupts it"));
            row.figures.retain(|(name, _)| name == "goodput(users)");
            rows.push(row);
        }
    }
    csv(&vary, &rows)
}

fn main() {
    print!("{}", table());
}
