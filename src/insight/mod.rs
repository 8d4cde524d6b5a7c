//! Floor 6: what happened, said from plain data. A run and its twin (the same scenario and the same draws without what
//! goes wrong) become a verdict, and a story: what went wrong, what followed from it in which order and why, and what
//! keeps it down if it does not come back.
//!
//! `runs` holds the two runs side by side; `verdict` compares what users got, `late` says whether they are down for want of time; `shift` finds when something began to
//! differ; `onsets` does so for every workload, service and edge; `blame` says what each follows from, and what the root
//! is, along the `way` from those who are harmed; `events` puts it into words; `sustain` finds the loop that keeps a run
//! down. `messages` does all of this for topics, queues and their consumers. `audit` says what is risky in a scenario
//! before it runs. `measures` is the flat table of a run's figures, `cost` what it cost; `statistics` says what several
//! runs are worth together. Nothing here runs anything.

pub mod audit;
mod blame;
pub mod cost;
mod event;
mod events;
mod late;
mod measures;
mod messages;
mod onsets;
mod runs;
mod shift;
pub mod statistics;
mod sustain;
mod timeline;
mod verdict;
mod way;
mod words;

pub use blame::{Root, RootKind};
pub use event::{Event, EventKind, Place, PlaceKind};
pub use measures::{Better, Measure, MeasureOf, MeasureUnit, measures};
pub use messages::verdict::GroupJudgement;
pub use sustain::{Loop, LoopKind};
pub use timeline::{EdgePoints, GroupPoints, ServicePoints, Timeline, WorkloadPoints};
pub use verdict::{Judgement, WorkloadJudgement};

use serde::{Deserialize, Serialize};

use crate::measure::Results;
use crate::model::{Metric, Model, TraceSettings};

use runs::Runs;

/// What happened in a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Insight {
    /// How it ended.
    pub judgement: Judgement,
    /// What it goes back to.
    pub root: Root,
    /// What happened, in the order of time. Empty where nothing did.
    pub events: Vec<Event>,
    /// What keeps it down; only of runs that are metastable.
    pub sustained_by: Option<Loop>,
}

/// The model of the run that this one is compared with, of which nobody looks at single requests; `None` where nothing
/// goes wrong.
pub fn twin(model: &Model) -> Option<Model> {
    let twin = || Model { traces: TraceSettings::NONE, ..model.without_triggers() };
    (!model.triggers().is_empty()).then(twin)
}

/// What happened in the run of `model` that gave `results`. `twin` are the results of its [`twin`]; a run in which
/// something goes wrong is not explained without. `None` also for what was cut short or not measured whole.
pub fn explain(model: &Model, results: &Results, twin: Option<&Results>) -> Option<Insight> {
    let runs = Runs::new(model, results, twin)?;
    let judgement = verdict::judge(&runs);
    let onsets = onsets::find(&runs, &judgement);
    let root = blame::root(&runs, &onsets, &judgement);
    let sustained_by = sustain::find(&runs, &judgement);
    let events = events::tell(&runs, &onsets, &judgement, &root, sustained_by.as_ref());
    Some(Insight { judgement, root, events, sustained_by })
}

/// How the run ended, without its story.
pub fn judge(model: &Model, results: &Results, twin: Option<&Results>) -> Option<Judgement> {
    Runs::new(model, results, twin).map(|runs| verdict::judge(&runs))
}

/// How the run went over time, as far as a story needs it.
pub fn timeline(model: &Model, results: &Results, twin: Option<&Results>) -> Option<Timeline> {
    Runs::new(model, results, twin).map(|runs| timeline::of(&runs))
}

/// Answers those expectations in `results` that take a comparison with the twin run.
pub fn answer(model: &Model, results: &mut Results, twin: Option<&Results>, insight: Option<&Insight>) {
    for (n, expectation) in model.expectations.iter().enumerate().filter(|(_, it)| it.metric.takes_twin()) {
        let value = match expectation.metric {
            Metric::Verdict => insight.map(|insight| insight.judgement.verdict.rank()),
            Metric::TimeToRecover => {
                insight.and_then(|it| it.judgement.time_to_recover).map(crate::base::time::Span::as_secs_f64)
            }
            // Without a trigger a run is its own twin.
            _ if model.triggers().is_empty() => results.measured[n].map(|_| 1.0),
            _ => results.measured[n].zip(twin.and_then(|twin| twin.measured[n])).and_then(|(attempts, usual)| {
                let times = attempts / usual;
                times.is_finite().then_some(times)
            }),
        };
        results.measured[n] = value;
        results.measured_half_widths[n] = None;
    }
}
