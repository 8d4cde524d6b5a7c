//! What follows from what, and what everything goes back to.
//!
//! A service is crowded because a trigger strikes it, because its threads wait for a callee (more attempts along that
//! edge are waited for than in the twin), or because more is asked of it (more attempts along an edge, perhaps retries).
//! An edge fails because a trigger strikes it, or because of its callee. So from a workload whose users notice something
//! the way leads to what goes wrong.

use serde::{Deserialize, Serialize};

use crate::base::time::Span;
use crate::model::{
    Action, Caller, Effect, EndpointId, FaultTarget, Id, PoolId, ServiceId, Setting, Step, TopicId, TriggerKind,
    Verdict,
};

use super::late;
use super::messages::blame as messages;
use super::onsets::Onsets;
use super::runs::{Failing, Runs, Which};
use super::verdict::{self, Judgement};
use super::way::Way;

/// How long after an onset its cause is looked for.
const LOOKS: Span = Span::from_secs(2);
/// Part of what came in addition for which an edge must account to be its cause.
pub(super) const ACCOUNTS: f64 = 0.4;
/// More arrivals than usual, of the usual ones, that make load the cause.
const MORE: f64 = 0.2;
/// Permits in use, of all, that are all.
const POOL_FULL: f64 = 0.98;

/// What a story goes back to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Root {
    /// Of which kind.
    pub kind: RootKind,
    /// Its name: a service, `caller -> service`, a workload, a cache, or the path of a setting; empty for none.
    pub target: String,
    /// The name of the fault or change in the file, where it is one.
    pub trigger: Option<String>,
    /// In words.
    pub what: String,
}

/// Kinds of roots.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// A service.
    Service,
    /// Calls from one to another.
    Edge,
    /// What users ask for.
    Workload,
    /// A cache that forgot.
    Cache,
    /// A broker.
    Broker,
    /// A topic or a queue.
    Topic,
    /// A consumer.
    Consumer,
    /// A setting, changed or too small.
    Setting,
    /// Nothing.
    None,
}

/// Why something differs from the twin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// By its place among the triggers.
    Trigger(usize),
    /// Its threads wait for the callee of this edge, or that fails.
    Edge(usize),
    /// More comes along this edge.
    Load(usize),
    /// Its threads wait for the broker of this topic, or cannot publish to it.
    Topic(usize),
    /// Nothing else is found.
    Own,
}

/// Where a trigger strikes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Struck {
    Service(usize),
    Edges(Vec<usize>),
    Workload(usize),
    Cache(usize),
    /// Topics and queues: those of a broker, or one.
    Topics {
        topics: Vec<usize>,
        is_broker: bool,
        name: String,
    },
    /// Services and clients, by what is set.
    Settings {
        services: Vec<usize>,
        edges: Vec<usize>,
        path: String,
    },
}

/// Where the trigger number `n` strikes.
pub(super) fn struck(runs: &Runs<'_>, n: usize) -> Struck {
    let between = |from: Caller, to: ServiceId| -> Vec<usize> {
        let is_it = |edge: &usize| runs.edge(*edge).from == from && runs.callee(*edge) == to.index();
        (0..runs.edges.len()).filter(is_it).collect()
    };
    match runs.triggers[n].kind {
        TriggerKind::Fault(fault) => match runs.model.faults[fault].target {
            FaultTarget::Service(id, _) => Struck::Service(id.index()),
            FaultTarget::Edge(from, to) => Struck::Edges(between(Caller::Service(from), to)),
            FaultTarget::Entry(from, to) => Struck::Edges(between(Caller::Workload(from), to)),
            FaultTarget::Workload(id) => Struck::Workload(id.index()),
            FaultTarget::Cache(id) => Struck::Cache(id.index()),
            FaultTarget::Broker(id, _) => Struck::Topics {
                topics: runs
                    .model
                    .topics
                    .enumerate()
                    .filter(|(_, it)| it.broker == id)
                    .map(|(id, _)| id.index())
                    .collect(),
                is_broker: true,
                name: runs.model.brokers[id].name.clone(),
            },
            FaultTarget::Topic(id) => topic(runs, id),
        },
        TriggerKind::Load(id) => Struck::Workload(id.index()),
        TriggerKind::Change(change) => match &runs.model.changes[change].action {
            Action::Restart { service, .. } | Action::Drain { service, .. } => Struck::Service(service.index()),
            Action::Redrive(id) => topic(runs, *id),
            Action::Replay { consumer, .. } => topic(runs, runs.model.consumers[*consumer].topic),
            Action::Scale(to) => Struck::Settings {
                services: to.iter().map(|(id, _)| id.index()).collect(),
                edges: Vec::new(),
                path: to
                    .first()
                    .map_or_else(String::new, |(id, _)| format!("service.{}.replicas", runs.model.services[*id].name)),
            },
            Action::Set(settings) => {
                let of_client = |setting: &Setting| setting.client();
                let clients: Vec<_> = settings.iter().filter_map(of_client).collect();
                let edges = (0..runs.edges.len()).filter(|edge| clients.contains(&runs.edge(*edge).client));
                Struck::Settings {
                    services: settings.iter().flat_map(|setting| services_of(runs, setting)).collect(),
                    edges: edges.collect(),
                    path: settings.first().map_or_else(String::new, |setting| path(runs, setting)),
                }
            }
        },
    }
}

fn services_of(runs: &Runs<'_>, setting: &Setting) -> Vec<usize> {
    match setting {
        Setting::Threads(id, _)
        | Setting::Queue(id, _)
        | Setting::Overflow(id, _)
        | Setting::QueueTimeout(id, _)
        | Setting::Cores(id, _)
        | Setting::Limit(id, _) => vec![id.index()],
        Setting::Permits(pool, _) => holders(runs, pool.index()),
        _ => Vec::new(),
    }
}

/// Services that hold permits of a pool.
pub(super) fn holders(runs: &Runs<'_>, pool: usize) -> Vec<usize> {
    let holds = |service: &usize| {
        let mut endpoints = runs.model.endpoints.iter().filter(|it| it.service.index() == *service);
        endpoints.any(|it| it.steps.iter().any(|step| step.holds(PoolId::new(pool))))
    };
    (0..runs.model.services.len()).filter(holds).collect()
}

fn path(runs: &Runs<'_>, setting: &Setting) -> String {
    let service = |id: &ServiceId, key: &str| format!("service.{}.{key}", runs.model.services[*id].name);
    let client = |key: &str| {
        let name = setting.client().map_or("", |id| &runs.model.clients[id].name);
        format!("client.{name}.{key}")
    };
    match setting {
        Setting::Threads(id, _) => service(id, "threads"),
        Setting::Queue(id, _) => service(id, "queue"),
        Setting::Overflow(id, _) => service(id, "overflow"),
        Setting::QueueTimeout(id, _) => service(id, "queue_timeout"),
        Setting::Cores(id, _) => service(id, "cores"),
        Setting::Limit(id, _) => service(id, "limit"),
        Setting::Latency(..) => client("latency"),
        Setting::Timeout(..) => client("timeout"),
        Setting::Retry(..) => client("retry"),
        Setting::Breaker(..) => client("breaker"),
        Setting::Throttle(..) => client("throttle"),
        Setting::Cancel(..) => client("cancel"),
        Setting::Deadlines(..) => client("deadlines"),
        Setting::Permits(id, _) => format!("pool.{}.size", runs.model.pools[*id].name),
    }
}

/// The trigger that strikes a service when `bin` begins, the latest one if there are several.
pub(super) fn trigger_at_service(runs: &Runs<'_>, service: usize, bin: usize) -> Option<usize> {
    let strikes = |n: &usize| match struck(runs, *n) {
        Struck::Service(id) => id == service,
        Struck::Settings { services, .. } => services.contains(&service),
        Struck::Cache(cache) => looks_up(runs, service, cache),
        Struck::Topics { topics, .. } => has_messages_of(runs, service, &topics),
        _ => false,
    };
    (0..runs.triggers.len()).rev().filter(|n| is_on(runs, *n, bin)).find(strikes)
}

/// The trigger that strikes an edge when `bin` begins.
pub(super) fn trigger_at_edge(runs: &Runs<'_>, edge: usize, bin: usize) -> Option<usize> {
    let strikes = |n: &usize| match struck(runs, *n) {
        Struck::Edges(edges) | Struck::Settings { edges, .. } => edges.contains(&edge),
        _ => false,
    };
    (0..runs.triggers.len()).rev().filter(|n| is_on(runs, *n, bin)).find(strikes)
}

/// The trigger that makes a workload ask for more.
pub(super) fn trigger_at_workload(runs: &Runs<'_>, workload: usize, bin: usize) -> Option<usize> {
    let strikes = |n: &usize| struck(runs, *n) == Struck::Workload(workload);
    (0..runs.triggers.len()).rev().filter(|n| is_on(runs, *n, bin)).find(strikes)
}

/// Whether a trigger may be the direct cause of what begins in `bin`: it has begun, and is not long over.
fn is_on(runs: &Runs<'_>, n: usize, bin: usize) -> bool {
    let trigger = &runs.triggers[n];
    let grace = runs.bins_of(LOOKS);
    runs.main.bin_of(trigger.from) <= bin && trigger.until.is_none_or(|until| bin <= runs.main.bin_of(until) + grace)
}

/// Whether a service looks something up in a cache.
fn looks_up(runs: &Runs<'_>, service: usize, cache: usize) -> bool {
    fn any(steps: &[Step], cache: usize) -> bool {
        steps.iter().any(|step| match step {
            Step::Cached { cache: it, miss, .. } => it.index() == cache || any(miss, cache),
            Step::Parallel { branches, .. } => branches.iter().any(|branch| any(&branch.steps, cache)),
            Step::Choose(arms) => arms.iter().any(|(_, steps)| any(steps, cache)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } => any(steps, cache),
            _ => false,
        })
    }
    let of_service = |id: &EndpointId| runs.model.endpoints[*id].service.index() == service;
    runs.model.endpoints.ids().filter(of_service).any(|id| any(&runs.model.endpoints[id].steps, cache))
}

fn topic(runs: &Runs<'_>, id: TopicId) -> Struck {
    let name = runs.model.topics[id].name.clone();
    Struck::Topics { topics: vec![id.index()], is_broker: false, name }
}

/// Whether a service publishes to one of these topics, or handles messages of one.
fn has_messages_of(runs: &Runs<'_>, service: usize, topics: &[usize]) -> bool {
    let of_service = |id: EndpointId| runs.model.endpoints[id].service.index() == service;
    let handles = runs.model.consumers.iter().any(|it| topics.contains(&it.topic.index()) && of_service(it.handler));
    handles || publishes_to(runs, service, topics)
}

/// Whether a service publishes to one of these topics.
pub(super) fn publishes_to(runs: &Runs<'_>, service: usize, topics: &[usize]) -> bool {
    fn publishes(steps: &[Step], topics: &[usize]) -> bool {
        steps.iter().any(|step| match step {
            Step::Publish(publish) => topics.contains(&publish.topic.index()),
            Step::Parallel { branches, .. } => branches.iter().any(|branch| publishes(&branch.steps, topics)),
            Step::Choose(arms) => arms.iter().any(|(_, steps)| publishes(steps, topics)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
                publishes(steps, topics)
            }
            _ => false,
        })
    }
    let mut own = runs.model.endpoints.iter().filter(|it| it.service.index() == service);
    own.any(|it| publishes(&it.steps, topics))
}

/// A stretch of bins from an onset on in which its cause is looked for.
pub(super) fn looking(runs: &Runs<'_>, bin: usize) -> (usize, usize) {
    (bin, (bin + runs.bins_of(LOOKS)).min(runs.bins))
}

/// Why a service holds more requests, or more of its threads are busy, from `bin` on.
pub(super) fn of_service(runs: &Runs<'_>, service: usize, bin: usize) -> Cause {
    if let Some(n) = trigger_at_service(runs, service, bin) {
        return Cause::Trigger(n);
    }
    let bins = looking(runs, bin);
    let accounts = |it: &(usize, f64)| it.1 >= ACCOUNTS;
    let edge = awaited(runs, service, bins).filter(accounts);
    let topic = messages::blocked_on(runs, service, bins).filter(accounts);
    match (edge, topic) {
        (Some((edge, share)), topic) if topic.is_none_or(|topic| topic.1 <= share) => return Cause::Edge(edge),
        (_, Some((topic, _))) => return Cause::Topic(topic),
        _ => {}
    }
    more_load(runs, service, bins).map_or(Cause::Own, Cause::Load)
}

/// The edge that most of the additional requests of a service wait for, and their share.
pub(super) fn awaited(runs: &Runs<'_>, service: usize, bins: (usize, usize)) -> Option<(usize, f64)> {
    let crowd = runs.service_excess(service, bins, |bin| f64::from(bin.in_system) - f64::from(bin.queue)).max(0.0);
    let waiting = |edge: usize| runs.edge_excess(edge, bins, |bin| f64::from(bin.waiting));
    let edge = runs.out_of(service).max_by(|a, b| waiting(*a).total_cmp(&waiting(*b)))?;
    (crowd > 0.0).then(|| (edge, waiting(edge) / crowd))
}

/// The edge along which most of the additional attempts come to a service, if there are many.
pub(super) fn more_load(runs: &Runs<'_>, service: usize, bins: (usize, usize)) -> Option<usize> {
    let arrivals = runs.service_sum(Which::Main, service, bins, |bin| f64::from(bin.arrivals));
    let usual = runs.service_sum(Which::Twin, service, bins, |bin| f64::from(bin.arrivals));
    if runs.twin.is_none() || arrivals <= (1.0 + MORE) * usual {
        return None;
    }
    let more = |edge: usize| runs.edge_excess(edge, bins, |bin| f64::from(bin.attempts));
    runs.into(service).max_by(|a, b| more(*a).total_cmp(&more(*b)))
}

/// Why a service answers with errors from `bin` on.
pub(super) fn of_failing(runs: &Runs<'_>, service: usize, bin: usize) -> Cause {
    let bins = looking(runs, bin);
    let fatal = |edge: usize| runs.failed(Which::Main, edge, bins, Failing::Fatal).iter().sum::<u64>();
    match runs.out_of(service).max_by_key(|edge| fatal(*edge)).filter(|edge| fatal(*edge) > 0) {
        Some(edge) => Cause::Edge(edge),
        None if messages::refuses(runs, service, bins).is_some() => {
            messages::refuses(runs, service, bins).map_or(Cause::Own, Cause::Topic)
        }
        None => trigger_at_service(runs, service, bin).map_or(Cause::Own, Cause::Trigger),
    }
}

/// What it all goes back to.
pub(super) fn root(runs: &Runs<'_>, onsets: &Onsets, judgement: &Judgement) -> Root {
    match judgement.verdict {
        Verdict::Stable => Root { kind: RootKind::None, target: String::new(), trigger: None, what: String::new() },
        Verdict::Overloaded => match judgement.worst_group_place() {
            Some(group) => messages::bottleneck(runs, group, runs.tail(runs.warm)),
            // What is too much without what goes wrong is the twin's.
            None => bottleneck(runs.of_twin().as_ref().unwrap_or(runs), judgement),
        },
        _ => trigger(runs, onsets, judgement).map_or_else(
            || Root { kind: RootKind::None, target: String::new(), trigger: None, what: String::new() },
            |n| of_trigger(runs, n),
        ),
    }
}

/// The trigger from which what users notice follows: one that shows at what it strikes, on the way from the users to
/// where it ends; the first of these. Without users who notice anything, the first that shows.
fn trigger(runs: &Runs<'_>, onsets: &Onsets, judgement: &Judgement) -> Option<usize> {
    let showing: Vec<usize> = (0..runs.triggers.len()).filter(|n| shows(runs, onsets, *n)).collect();
    let harmed: Vec<usize> = (0..onsets.workloads.len()).filter(|id| onsets.workloads[*id].harmed.is_some()).collect();
    let late: Vec<usize> = (0..runs.groups.len()).filter(|id| judgement.groups[*id].harmed_from.is_some()).collect();
    let way = Way::from(runs, onsets, &harmed, &late);
    let is_on_the_way = |n: &&usize| match struck(runs, **n) {
        Struck::Service(id) => way.services[id],
        Struck::Edges(edges) => edges.iter().any(|edge| way.edges[*edge]),
        Struck::Workload(id) => {
            harmed.contains(&id) || way.workloads[id] || runs.entries(id).any(|edge| way.services[runs.callee(edge)])
        }
        Struck::Cache(cache) => (0..way.services.len()).any(|id| way.services[id] && looks_up(runs, id, cache)),
        Struck::Topics { topics, .. } => {
            (0..way.services.len()).any(|id| way.services[id] && has_messages_of(runs, id, &topics))
        }
        Struck::Settings { services, edges, .. } => {
            services.iter().any(|id| way.services[*id]) || edges.iter().any(|edge| way.edges[*edge])
        }
    };
    if let Some(n) = showing.iter().find(is_on_the_way) {
        return Some(*n);
    }
    // Others who call what the users depend on may have taken it.
    let crowds = |n: &&usize| match struck(runs, **n) {
        Struck::Service(id) => runs.out_of(id).any(|edge| way.services[runs.callee(edge)]),
        Struck::Workload(id) => runs.entries(id).any(|edge| way.services[runs.callee(edge)]),
        Struck::Edges(edges) => edges.iter().any(|edge| way.services[runs.callee(*edge)]),
        Struck::Cache(_) | Struck::Topics { .. } | Struck::Settings { .. } => false,
    };
    if let Some(n) = showing.iter().find(crowds) {
        return Some(*n);
    }
    // Where nobody notices, the one from which most follows.
    let reach = |n: &usize| reach(runs, onsets, *n);
    showing
        .into_iter()
        .filter(|_| harmed.is_empty() && late.is_empty())
        .max_by_key(|n| (reach(n), std::cmp::Reverse(*n)))
}

/// How many services differ that a trigger strikes, and that are called by these or call them.
fn reach(runs: &Runs<'_>, onsets: &Onsets, n: usize) -> usize {
    let services = runs.model.services.len();
    let mut reached: Vec<usize> = match struck(runs, n) {
        Struck::Service(id) => vec![id],
        Struck::Edges(edges) => edges.into_iter().map(|edge| runs.callee(edge)).collect(),
        Struck::Workload(id) => runs.entries(id).map(|edge| runs.callee(edge)).collect(),
        Struck::Cache(cache) => (0..services).filter(|id| looks_up(runs, *id, cache)).collect(),
        Struck::Topics { topics, .. } => (0..services).filter(|id| has_messages_of(runs, *id, &topics)).collect(),
        Struck::Settings { services, edges, .. } => {
            services.into_iter().chain(edges.into_iter().map(|edge| runs.callee(edge))).collect()
        }
    };
    let mut seen = vec![false; services];
    while let Some(id) = reached.pop() {
        if onsets.services[id].first().is_none() || std::mem::replace(&mut seen[id], true) {
            continue;
        }
        reached.extend(runs.out_of(id).map(|edge| runs.callee(edge)));
        reached.extend(runs.into(id).filter_map(|edge| match runs.edge(edge).from {
            Caller::Service(caller) => Some(caller.index()),
            Caller::Workload(_) | Caller::Consumer(_) => None,
        }));
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// Whether something differs at what a trigger strikes, at a time at which it may be the cause.
fn shows(runs: &Runs<'_>, onsets: &Onsets, n: usize) -> bool {
    let on = |bin: Option<usize>| bin.is_some_and(|bin| is_on(runs, n, bin));
    let group = |id: &usize| on(onsets.groups[*id].first());
    let handles = |service: usize| (0..runs.groups.len()).filter(move |id| runs.handlers(*id).contains(&service));
    let service = |id: usize| on(onsets.services[id].first()) || handles(id).any(|id| group(&id));
    let edge = |edge: &usize| {
        let caller = match runs.edge(*edge).from {
            Caller::Service(id) => service(id.index()),
            Caller::Workload(id) => on(onsets.workloads[id.index()].harmed),
            Caller::Consumer(_) => false,
        };
        on(onsets.edges[*edge].first()) || caller
    };
    match struck(runs, n) {
        Struck::Service(id) => service(id) || runs.into(id).any(|it| edge(&it)),
        Struck::Edges(edges) => edges.iter().any(edge),
        Struck::Workload(id) => on(onsets.workloads[id].load) || on(onsets.workloads[id].harmed),
        Struck::Topics { topics, .. } => {
            let is_of_one = |id: &usize| topics.contains(&runs.topic_of(*id));
            topics.iter().any(|id| on(onsets.topics[*id].first()))
                || (0..runs.groups.len()).filter(is_of_one).any(|id| group(&id))
                || (0..runs.model.services.len()).any(|id| service(id) && has_messages_of(runs, id, &topics))
        }
        Struck::Cache(cache) => (0..runs.model.services.len()).any(|id| {
            looks_up(runs, id, cache) && (service(id) || runs.out_of(id).any(|edge| on(onsets.edges[edge].load)))
        }),
        Struck::Settings { services, edges, .. } => services.into_iter().any(service) || edges.iter().any(edge),
    }
}

fn of_trigger(runs: &Runs<'_>, n: usize) -> Root {
    let (kind, target) = match struck(runs, n) {
        Struck::Service(id) => (RootKind::Service, runs.service_name(id).to_owned()),
        Struck::Edges(edges) => {
            (RootKind::Edge, edges.first().map_or_else(String::new, |edge| runs.edge_names[*edge].clone()))
        }
        Struck::Workload(id) => (RootKind::Workload, runs.workload_name(id).to_owned()),
        Struck::Topics { is_broker, name, .. } => (if is_broker { RootKind::Broker } else { RootKind::Topic }, name),
        Struck::Cache(id) => {
            (RootKind::Cache, runs.model.caches.iter().nth(id).map_or_else(String::new, |it| it.name.clone()))
        }
        Struck::Settings { path, .. } => (RootKind::Setting, path),
    };
    let trigger = match runs.triggers[n].kind {
        TriggerKind::Fault(fault) => Some(runs.model.faults[fault].name.clone()),
        TriggerKind::Change(change) => Some(runs.model.changes[change].name.clone()),
        TriggerKind::Load(_) => None,
    };
    Root { kind, target, trigger, what: super::words::trigger(runs, n) }
}

/// Without a trigger: what is as busy as it can be and waits for nothing that is so, too; else what became slower.
fn bottleneck(runs: &Runs<'_>, judgement: &Judgement) -> Root {
    let root = |kind, target: String, what: String| Root { kind, target, trigger: None, what };
    let pools = (0..runs.model.pools.len()).filter(|id| is_pool_saturated(runs, *id));
    let pool = pools.max_by_key(|id| runs.results.pools[*id].waiting_nanos);
    // While users notice; else at the end.
    let tail = match judgement.harmed_from {
        Some(from) => {
            let until = judgement.workloads.iter().filter_map(|it| it.recovered_at).max();
            (runs.main.bin_of(from), until.map_or(runs.bins, |until| runs.main.bin_of(until)))
        }
        None => runs.tail(runs.warm),
    };
    let saturated = |id: &usize| verdict::is_saturated(runs, *id, tail);
    let waits_for_one =
        |id: &usize| runs.out_of(*id).any(|edge| runs.callee(edge) != *id && saturated(&runs.callee(edge)));
    let all: Vec<usize> = (0..runs.model.services.len()).filter(saturated).collect();
    let ends = all.iter().copied().filter(|id| !waits_for_one(id));
    let queue = |id: &usize| runs.results.services[*id].queue_nanos + runs.results.services[*id].busy_nanos;
    let end = ends.max_by_key(queue);
    if let Some(pool) = pool {
        let name = &runs.model.pools[PoolId::new(pool)].name;
        return root(RootKind::Setting, format!("pool.{name}.size"), format!("all permits of {name} are in use"));
    }
    let Some(end) = end else {
        let width = runs.bins_of(judgement.window);
        if let Some(edge) = late::impatient(runs, tail, width) {
            return impatient(runs, edge);
        }
        let Some(slower) = late::slower(runs, tail, width) else {
            return root(RootKind::None, String::new(), String::new());
        };
        let name = runs.service_name(slower);
        return root(
            RootKind::Service,
            name.to_owned(),
            format!("{name} is slower than it can be, though not all busy"),
        );
    };
    let name = runs.service_name(end);
    let busy = runs.service_sum(Which::Main, end, tail, |bin| f64::from(bin.busy));
    let waiting: f64 =
        runs.out_of(end).map(|edge| runs.edge_sum(Which::Main, edge, tail, |bin| f64::from(bin.waiting))).sum();
    if waiting > busy / 2.0 {
        // It could do more if it had more threads: those it has only wait.
        let what = format!("all threads of {name} are taken, and most of them only wait");
        return root(RootKind::Setting, format!("service.{name}.threads"), what);
    }
    let worst = judgement.workloads.iter().enumerate().filter(|(_, it)| it.verdict == Verdict::Overloaded);
    let offered = |id: usize| runs.workload_sum(Which::Main, id, tail, |bin| f64::from(bin.offered));
    let workload = worst.map(|(id, _)| id).max_by(|a, b| offered(*a).total_cmp(&offered(*b))).unwrap_or(0);
    let what = format!("it asks for more than {name} can do");
    root(RootKind::Workload, runs.workload_name(workload).to_owned(), what)
}

/// Callers along an edge who give up before they can be answered.
fn impatient(runs: &Runs<'_>, edge: usize) -> Root {
    let client = &runs.model.clients[runs.edge(edge).client];
    let callee = runs.service_name(runs.callee(edge));
    let (kind, target) = match client.timeout {
        Some(_) => (RootKind::Setting, format!("client.{}.timeout", client.name)),
        None => (RootKind::Edge, runs.edge_names[edge].clone()),
    };
    let what = format!("most callers of {callee} give up before it can answer, and it is as fast as ever");
    Root { kind, target, trigger: None, what }
}

/// Whether all permits of a pool are in use nearly all the time, and more are waited for.
pub(super) fn is_pool_saturated(runs: &Runs<'_>, id: usize) -> bool {
    let series = &runs.results.series.pools[id];
    let points = series.used.len();
    let from = points - points / 5;
    let mean = |values: &[f64]| values[from..].iter().sum::<f64>() / (points - from).max(1) as f64;
    let permits = runs.model.permits_in_all_at(PoolId::new(id), runs.model.end());
    permits.is_some_and(|permits| {
        points > from && mean(&series.used) >= POOL_FULL * permits as f64 && mean(&series.waiting) >= permits as f64
    })
}

/// Whether a trigger adds to what users ask for.
pub(super) fn is_load(runs: &Runs<'_>, n: usize) -> bool {
    match runs.triggers[n].kind {
        TriggerKind::Load(_) => true,
        TriggerKind::Fault(fault) => matches!(runs.model.faults[fault].effect, Effect::Traffic(_)),
        TriggerKind::Change(_) => false,
    }
}
