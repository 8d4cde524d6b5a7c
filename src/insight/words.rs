//! How a story says things: short, with a number and its unit.

use crate::model::{Action, Caller, Effect, Fault, FaultTarget, Setting, Subset, TriggerKind};
use crate::policy::Outcome;

use super::blame::{Struck, struck};
use super::runs::Runs;

/// `38%`; one digit behind the point below ten, never 0% for something nor 100% for less.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p <= 0.0 => "0%".to_owned(),
        p if p < 0.1 => "<0.1%".to_owned(),
        p if p < 9.95 => format!("{p:.1}%"),
        p if (99.5..100.0).contains(&p) => ">99%".to_owned(),
        p => format!("{p:.0}%"),
    }
}

/// `2.7×`.
pub(super) fn times(factor: f64) -> String {
    if factor < 9.95 { format!("{factor:.1}×") } else { format!("{factor:.0}×") }
}

/// `1280`, `0.4`.
pub(super) fn number(value: f64) -> String {
    if value < 9.95 && value.fract().abs() > 0.05 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// What an outcome is called where it is the cause of something: "timeouts".
pub(super) fn causes(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "answers",
        Outcome::Error => "errors",
        Outcome::Timeout => "timeouts",
        Outcome::Rejected => "rejections",
        Outcome::Refused => "refusals",
        Outcome::ShortCircuited => "open breakers",
        Outcome::Expired => "passed deadlines",
        Outcome::Cancelled => "cancellations",
        Outcome::Throttled => "throttles",
        Outcome::Limited => "limits",
    }
}

/// What attempts do that end so: "time out".
pub(super) fn does(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "are answered",
        Outcome::Error => "end with an error",
        Outcome::Timeout => "time out",
        Outcome::Rejected => "are rejected",
        Outcome::Refused => "find nobody there",
        Outcome::ShortCircuited => "are stopped by open breakers",
        Outcome::Expired => "pass their deadline",
        Outcome::Cancelled => "are cancelled",
        Outcome::Throttled => "are held back",
        Outcome::Limited => "find no room within their client's limits",
    }
}

/// What the trigger number `n` does, without where it does it.
pub(super) fn trigger(runs: &Runs<'_>, n: usize) -> String {
    match runs.triggers[n].kind {
        TriggerKind::Fault(fault) => effect(runs, &runs.model.faults[fault]),
        TriggerKind::Load(_) => "load changes".to_owned(),
        TriggerKind::Change(change) => match &runs.model.changes[change].action {
            Action::Set(settings) => match settings.as_slice() {
                [Setting::Threads(_, it)] => format!("threads become {}", limit(*it)),
                [Setting::Queue(_, it)] => format!("queue becomes {}", limit(*it)),
                [Setting::Cores(_, it)] => format!("cores become {it}"),
                [Setting::Permits(_, it)] => format!("size becomes {it}"),
                [Setting::Timeout(_, Some(it))] => format!("timeout becomes {it}"),
                [Setting::Latency(_, it)] => format!("latency becomes {it}"),
                [_] => "is changed".to_owned(),
                several => format!("and {} other settings are changed", several.len() - 1),
            },
            Action::Scale(to) => match to.as_slice() {
                [(_, replicas)] => format!("replicas become {replicas}"),
                _ => "services are scaled".to_owned(),
            },
            Action::Restart { .. } => "restarts".to_owned(),
            Action::Drain { .. } => "is drained".to_owned(),
            Action::Redrive(_) => "is redriven".to_owned(),
            Action::Replay { .. } => "is read again".to_owned(),
        },
    }
}

fn limit(limit: crate::model::Limit) -> String {
    match limit {
        crate::model::Limit::Unlimited => "unlimited".to_owned(),
        crate::model::Limit::AtMost(n) => n.to_string(),
    }
}

fn effect(runs: &Runs<'_>, fault: &Fault) -> String {
    let of = match fault.target {
        FaultTarget::Service(id, Subset::First(n)) if n < runs.model.services[id].replicas => {
            format!(" ({n} of {} replicas)", runs.model.services[id].replicas)
        }
        _ => String::new(),
    };
    let what = match &fault.effect {
        Effect::AddLatency(latency) => match latency.constant() {
            Some(latency) => format!("+{latency}"),
            None => format!("slower by {latency}"),
        },
        Effect::Slow(factor) if *factor >= 1.0 => format!("work takes {} as long", times(*factor)),
        Effect::Slow(factor) => format!("work takes {} of its time", percent(*factor)),
        Effect::ErrorRate(share) => format!("{} fail at once", percent(share.as_f64())),
        Effect::Pause => "stands still".to_owned(),
        Effect::Crash { .. } => "crashes".to_owned(),
        Effect::Cut => "is cut".to_owned(),
        Effect::Traffic(factor) => format!("{} the requests", times(*factor)),
        Effect::Flush => "forgets everything".to_owned(),
        Effect::Poison(share) => format!("{} of its messages are poisoned", percent(share.as_f64())),
    };
    format!("{what}{of}")
}

/// The name of what the trigger number `n` strikes.
pub(super) fn target(runs: &Runs<'_>, n: usize) -> (super::PlaceKind, String) {
    use super::PlaceKind as Kind;
    match struck(runs, n) {
        Struck::Service(id) => (Kind::Service, runs.service_name(id).to_owned()),
        Struck::Workload(id) => (Kind::Workload, runs.workload_name(id).to_owned()),
        Struck::Topics { is_broker, name, .. } => (if is_broker { Kind::Broker } else { Kind::Topic }, name),
        Struck::Cache(id) => {
            (Kind::Cache, runs.model.caches.iter().nth(id).map_or_else(String::new, |cache| cache.name.clone()))
        }
        Struck::Settings { path, .. } => (Kind::Setting, path),
        Struck::Edges(edges) => match edges.first() {
            Some(edge) => (Kind::Edge, runs.edge_names[*edge].clone()),
            None => (Kind::Run, String::new()),
        },
    }
}

/// `orders` or `users of shop`: who calls along an edge.
pub(super) fn caller(runs: &Runs<'_>, edge: usize) -> String {
    match runs.edge(edge).from {
        Caller::Service(id) => runs.model.services[id].name.clone(),
        Caller::Workload(id) => runs.model.workloads[id].name.clone(),
        Caller::Consumer(id) => runs.model.consumers[id].name.clone(),
    }
}
