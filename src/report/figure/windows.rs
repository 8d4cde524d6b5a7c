//! What is marked along the time axis: the warm-up, the faults, where an interrupted run ended.

use crate::base::time::Time;
use crate::model::{Effect, Fault, FaultTarget, Model, Subset};
use crate::report::facts::Facts;
use crate::report::number;

/// What is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Warmup,
    Fault,
    Interrupted,
}

/// A stretch of time with a label.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) kind: Kind,
    pub(super) from: Time,
    pub(super) until: Time,
    pub(super) label: String,
}

/// All that lie within the run, the warm-up first.
pub(super) fn windows(facts: &Facts) -> Vec<Window> {
    let model = facts.model;
    let end = model.end();
    let mut windows = Vec::new();
    if !model.warmup.is_zero() {
        let until = Time::ZERO + model.warmup;
        windows.push(Window { kind: Kind::Warmup, from: Time::ZERO, until, label: "warm-up".to_owned() });
    }
    for fault in model.faults.iter().filter(|fault| fault.at < end) {
        let until = match fault.effect {
            // Over at once.
            Effect::Flush => fault.at,
            _ => fault.lasts.map_or(end, |lasts| fault.at + lasts).min(end),
        };
        windows.push(Window { kind: Kind::Fault, from: fault.at, until, label: label(model, fault) });
    }
    let ended = facts.results.ended;
    if ended < end {
        let label = format!("interrupted at {}", number::secs(Some(ended.as_secs_f64())));
        windows.push(Window { kind: Kind::Interrupted, from: ended, until: ended, label });
    }
    windows
}

/// `slow-inventory: inventory +200 ms`.
fn label(model: &Model, fault: &Fault) -> String {
    let effect = match &fault.effect {
        Effect::AddLatency(distribution) => match distribution.constant() {
            Some(span) => format!("+{}", number::written(span)),
            None => format!("+{distribution}"),
        },
        Effect::Slow(times) => format!("work ×{}", number::plain(Some(*times))),
        Effect::ErrorRate(share) => format!("{} errors", number::share(Some(share.as_f64()))),
        Effect::Pause => "paused".to_owned(),
        Effect::Crash { .. } => "crashed".to_owned(),
        Effect::Cut => "cut off".to_owned(),
        Effect::Flush => "flushed".to_owned(),
        Effect::Traffic(times) => format!("traffic ×{}", number::plain(Some(*times))),
    };
    let target = match fault.target {
        FaultTarget::Service(id, Subset::All) => model.services[id].name.clone(),
        FaultTarget::Service(id, Subset::First(some)) => {
            format!("{some} of {} {}", model.services[id].replicas, model.services[id].name)
        }
        FaultTarget::Edge(from, to) => format!("{} → {}", model.services[from].name, model.services[to].name),
        FaultTarget::Entry(from, to) => format!("{} → {}", model.workloads[from].name, model.services[to].name),
        FaultTarget::Workload(id) => model.workloads[id].name.clone(),
        FaultTarget::Cache(id) => model.caches[id].name.clone(),
    };
    format!("{}: {target} {effect}", fault.name)
}
