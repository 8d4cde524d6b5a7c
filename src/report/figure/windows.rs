//! What is marked along the time axis: the warm-up, the faults, the changes, where an interrupted run ended.

use crate::base::time::Time;
use crate::model::{Action, Effect, Fault, FaultTarget, Limit, Model, ReplayFrom, ServiceId, Setting, Subset};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// What is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Warmup,
    Fault,
    Change,
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
        let until = facts::fault_over(fault).map_or(end, |over| over.min(end));
        windows.push(Window { kind: Kind::Fault, from: fault.at, until, label: label(model, fault) });
    }
    for change in model.changes.iter().filter(|change| change.at < end) {
        let label = format!("{}: {}", change.name, action(model, &change.action));
        windows.push(Window { kind: Kind::Change, from: change.at, until: change.at, label });
    }
    let ended = facts.results.ended;
    if ended < end {
        let label = format!("interrupted at {}", number::secs(Some(ended.as_secs_f64())));
        windows.push(Window { kind: Kind::Interrupted, from: ended, until: ended, label });
    }
    windows
}

/// `slow-inventory: inventory +200 ms`.
pub(in crate::report) fn label(model: &Model, fault: &Fault) -> String {
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
        Effect::Poison(share) => format!("{} poisoned", number::share(Some(share.as_f64()))),
        Effect::Traffic(times) => format!("traffic ×{}", number::plain(Some(*times))),
    };
    let target = match fault.target {
        FaultTarget::Service(id, subset) => replicas(model, id, subset),
        FaultTarget::Edge(from, to) => format!("{} → {}", model.services[from].name, model.services[to].name),
        FaultTarget::Entry(from, to) => format!("{} → {}", model.workloads[from].name, model.services[to].name),
        FaultTarget::Workload(id) => model.workloads[id].name.clone(),
        FaultTarget::Cache(id) => model.caches[id].name.clone(),
        FaultTarget::Topic(id) => model.topics[id].name.clone(),
        FaultTarget::Broker(id, subset) => {
            let it = &model.brokers[id];
            match subset {
                Subset::All => it.name.clone(),
                Subset::First(some) => format!("{some} of {} nodes of {}", it.nodes, it.name),
            }
        }
    };
    format!("{}: {target} {effect}", fault.name)
}

/// `3 of 40 orders`.
fn replicas(model: &Model, service: ServiceId, subset: Subset) -> String {
    let it = &model.services[service];
    match subset {
        Subset::All => it.name.clone(),
        Subset::First(some) => format!("{some} of {} {}", it.replicas.max(some), it.name),
    }
}

/// `orders × 60`.
fn action(model: &Model, action: &Action) -> String {
    match action {
        Action::Set(settings) if settings.is_empty() => "nothing".to_owned(),
        Action::Set(settings) => settings.iter().map(|it| setting(model, it)).collect::<Vec<_>>().join(", "),
        Action::Scale(to) => {
            let text = |(id, count): &(ServiceId, u32)| {
                format!("{} × {}", model.services[*id].name, number::count((*count).into()))
            };
            to.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Action::Restart { service, subset, every } => {
            let rolling = every.map_or_else(String::new, |every| format!(", one every {}", number::written(every)));
            format!("{} restarted{rolling}", replicas(model, *service, *subset))
        }
        Action::Redrive(topic) => format!("{} redriven", model.topics[*topic].name),
        Action::Replay { consumer, from } => {
            let from = match from {
                ReplayFrom::Time(time) => number::written(time.since(crate::base::time::Time::ZERO)),
                ReplayFrom::Offset(offset) => format!("offset {offset}"),
            };
            format!("{} reads again from {from}", model.consumers[*consumer].name)
        }
        Action::Drain { service, subset, .. } => format!("{} drained", replicas(model, *service, *subset)),
    }
}

/// `orders threads = 64`; of a policy only that it is another one.
fn setting(model: &Model, setting: &Setting) -> String {
    let limit = |limit: &Limit| match limit {
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::AtMost(most) => number::count((*most).into()),
    };
    let service = |id: &ServiceId| &model.services[*id].name;
    match setting {
        Setting::Threads(id, threads) => format!("{} threads = {}", service(id), limit(threads)),
        Setting::Queue(id, queue) => format!("{} queue = {}", service(id), limit(queue)),
        Setting::Overflow(id, _) => format!("{} overflow", service(id)),
        Setting::QueueTimeout(id, _) => format!("{} queue_timeout", service(id)),
        Setting::Cores(id, cores) => format!("{} cores = {cores}", service(id)),
        Setting::Limit(id, _) => format!("{} limit", service(id)),
        Setting::Timeout(id, timeout) => {
            let timeout = timeout.map_or_else(|| "none".to_owned(), number::written);
            format!("{} timeout = {timeout}", model.clients[*id].name)
        }
        Setting::Latency(id, _) => format!("{} latency", model.clients[*id].name),
        Setting::Retry(id, _) => format!("{} retry", model.clients[*id].name),
        Setting::Breaker(id, _) => format!("{} breaker", model.clients[*id].name),
        Setting::Throttle(id, _) => format!("{} throttle", model.clients[*id].name),
        Setting::Cancel(id, _) => format!("{} cancel", model.clients[*id].name),
        Setting::Deadlines(id, _) => format!("{} deadlines", model.clients[*id].name),
        Setting::Permits(id, size) => format!("{} size = {size}", model.pools[*id].name),
    }
}
