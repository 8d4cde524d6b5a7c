//! What keeps a run down though nothing goes wrong any more: a loop in which work that came too late makes more work.

use serde::{Deserialize, Serialize};

use crate::model::{CacheId, Id, Step, Verdict};
use crate::policy::Outcome;

use super::runs::{Failing, Runs, Which};
use super::verdict::{self, Judgement};
use super::words;

/// From this part of the attempts on, retries feed a queue.
const RETRIES_MIN: f64 = 0.05;
/// From this part of the work on, handshakes are what a service does.
const HANDSHAKES_MIN: f64 = 0.2;
/// A hit ratio that is lower than the twin's by so much.
const HITS_MISSING: f64 = 0.05;

/// A loop that sustains itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Loop {
    /// Of which kind.
    pub kind: LoopKind,
    /// The service that works in vain.
    pub service: String,
    /// Where the loop closes: the edge along which work is repeated, the cache that stays empty, the workload whose users
    /// reload, or the group whose messages come again.
    pub through: String,
    /// Of what attempts are repeated: "timeouts".
    pub cause: Option<String>,
    /// Share of the busy thread time of the service that is for callers who have left, at the end of the run.
    pub wasted_share: f64,
    /// Share of the work of all services together.
    pub wasted_share_of_all: f64,
    /// Attempts to the service, as a multiple of those of the twin, at the end of the run.
    pub amplification: Option<f64>,
    /// In a sentence.
    pub sentence: String,
}

/// Kinds of loops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopKind {
    /// What comes too late is asked for again.
    Retries,
    /// A cache is filled only by answers that come in time, and none do while it is empty.
    EmptyCache,
    /// Users whose request has failed ask again.
    Reloads,
    /// Connections are opened anew, whose handshakes keep a service from its work.
    Reconnects,
    /// A queue so long that all who are served have left already.
    Queue,
    /// Messages that are not acknowledged in time because there are so many, and come again.
    Redeliveries,
    /// Members of a group that take so much at once that they are thrown out of it.
    Rebalances,
    /// Messages that fail each time they are tried.
    Poison,
}

/// Finds the loop of a run that is metastable.
pub(super) fn find(runs: &Runs<'_>, judgement: &Judgement) -> Option<Loop> {
    if judgement.verdict != Verdict::Metastable {
        return None;
    }
    if judgement.worst_group_place().is_some() {
        return super::messages::sustain::find(runs, judgement);
    }
    let tail = runs.tail(judgement.trigger_until.map_or(0, |until| runs.main.bin_of(until)));
    let services = 0..runs.model.services.len();
    let busy = |id: usize| runs.service_sum(Which::Main, id, tail, |bin| f64::from(bin.busy));
    let wasted = |id: usize| runs.service_sum(Which::Main, id, tail, |bin| f64::from(bin.wasted));
    let crowd = |id: usize| runs.service_excess(id, tail, |bin| f64::from(bin.in_system));
    // Where it ends: what is as busy as it can be and waits for nothing that is so, too.
    let is_down = |id: &usize| verdict::is_saturated(runs, *id, tail);
    let waits = |id: &usize| runs.out_of(*id).any(|edge| runs.callee(edge) != *id && is_down(&runs.callee(edge)));
    let ends = services.clone().filter(|id| is_down(id) && !waits(id));
    let by_waste = ends.max_by(|a, b| wasted(*a).total_cmp(&wasted(*b)));
    let by_crowd = || services.clone().max_by(|a, b| crowd(*a).total_cmp(&crowd(*b)));
    let service = by_waste.or_else(by_crowd)?;
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let attempts = |which| runs.service_sum(which, service, tail, |bin| f64::from(bin.arrivals));
    let found = Found {
        service,
        name: runs.service_name(service).to_owned(),
        tail,
        wasted_share: share(wasted(service), busy(service)),
        wasted_share_of_all: share(services.clone().map(wasted).sum(), services.map(busy).sum()),
        amplification: Some(share(attempts(Which::Main), attempts(Which::Twin))).filter(|times| *times > 0.0),
    };
    empty_cache(runs, &found)
        .or_else(|| reconnects(runs, &found))
        .or_else(|| retries(runs, &found))
        .or_else(|| reloads(runs, &found))
        .or_else(|| queue(runs, &found))
}

/// What the loops have in common.
struct Found {
    service: usize,
    name: String,
    tail: (usize, usize),
    wasted_share: f64,
    wasted_share_of_all: f64,
    amplification: Option<f64>,
}

impl Found {
    fn as_loop(&self, kind: LoopKind, through: String, cause: Option<String>, sentence: String) -> Loop {
        Loop {
            kind,
            service: self.name.clone(),
            through,
            cause,
            wasted_share: self.wasted_share,
            wasted_share_of_all: self.wasted_share_of_all,
            amplification: self.amplification,
            sentence,
        }
    }

    fn waste(&self) -> String {
        match self.wasted_share {
            0.0 => String::new(),
            share => format!(": {} of the work there is for callers who had left", words::percent(share)),
        }
    }
}

/// The edge on the way to the service along which most attempts are repeated.
fn retries(runs: &Runs<'_>, found: &Found) -> Option<Loop> {
    let retried = |edge: usize| runs.failed(Which::Main, edge, found.tail, Failing::Retried);
    let sum = |edge: usize| retried(edge).iter().sum::<u64>();
    let upstream = upstream(runs, found.service);
    let edge = upstream.into_iter().max_by_key(|edge| (sum(*edge), runs.callee(*edge) == found.service))?;
    let attempts = runs.edge_sum(Which::Main, edge, found.tail, |bin| f64::from(bin.attempts));
    if sum(edge) as f64 <= RETRIES_MIN * attempts {
        return None;
    }
    let counts = retried(edge);
    let cause = Outcome::ALL.into_iter().max_by_key(|outcome| counts[*outcome as usize])?;
    let (cause, name) = (words::causes(cause), &runs.edge_names[edge]);
    let multiply = match found.amplification {
        Some(times) if times >= 1.5 => format!(" ({} the usual attempts)", words::times(times)),
        _ => String::new(),
    };
    let sentence = format!("retries of {cause} at {name} feed {}{multiply}{}", found.name, found.waste());
    Some(found.as_loop(LoopKind::Retries, name.clone(), Some(cause.to_owned()), sentence))
}

/// All edges on ways to a service.
fn upstream(runs: &Runs<'_>, service: usize) -> Vec<usize> {
    let (mut edges, mut seen, mut reached) = (Vec::new(), vec![false; runs.model.services.len()], vec![service]);
    seen[service] = true;
    while let Some(id) = reached.pop() {
        for edge in runs.into(id) {
            edges.push(edge);
            if let crate::model::Caller::Service(caller) = runs.edge(edge).from
                && !std::mem::replace(&mut seen[caller.index()], true)
            {
                reached.push(caller.index());
            }
        }
    }
    edges
}

fn empty_cache(runs: &Runs<'_>, found: &Found) -> Option<Loop> {
    let ratio = |results: &crate::measure::Results, id: usize| {
        let series = &results.series.caches[id];
        let from = series.lookups.len() - series.lookups.len().div_ceil(10);
        let lookups: u64 = series.lookups[from..].iter().sum();
        let hits: u64 = series.hits[from..].iter().sum();
        (lookups > 0).then(|| hits as f64 / lookups as f64)
    };
    let (twin, _) = runs.twin?;
    let lost = |id: &usize| match (ratio(twin, *id), ratio(runs.results, *id)) {
        (Some(usual), Some(now)) => usual - now,
        _ => 0.0,
    };
    let fetches_from_it = |id: &usize| {
        let calls =
            |endpoint: &crate::model::Endpoint| fetches(&endpoint.steps, CacheId::new(*id), found.service, runs);
        runs.model.endpoints.iter().any(calls)
    };
    let caches = (0..runs.model.caches.len()).filter(fetches_from_it);
    let id = caches.max_by(|a, b| lost(a).total_cmp(&lost(b))).filter(|id| lost(id) >= HITS_MISSING)?;
    let cache = &runs.model.caches[CacheId::new(id)].name;
    let (now, usual) = (ratio(runs.results, id).unwrap_or(0.0), ratio(twin, id).unwrap_or(0.0));
    let more = match found.amplification {
        Some(times) => format!("{} the usual attempts", words::times(times)),
        None => "what it never got before".to_owned(),
    };
    let sentence = format!(
        "{cache} stays empty ({} hits instead of {}), so that {} gets {more}, and answers come too late to fill it{}",
        words::percent(now),
        words::percent(usual),
        found.name,
        found.waste(),
    );
    Some(found.as_loop(LoopKind::EmptyCache, cache.clone(), None, sentence))
}

/// Whether steps fetch for a cache from a service.
fn fetches(steps: &[Step], cache: CacheId, service: usize, runs: &Runs<'_>) -> bool {
    let calls = |steps: &[Step]| calls(steps, service, runs);
    steps.iter().any(|step| match step {
        Step::Cached { cache: it, miss, .. } => (*it == cache && calls(miss)) || fetches(miss, cache, service, runs),
        Step::Parallel { branches, .. } => branches.iter().any(|branch| fetches(&branch.steps, cache, service, runs)),
        Step::Choose(arms) => arms.iter().any(|(_, steps)| fetches(steps, cache, service, runs)),
        Step::Repeat { steps, .. } | Step::Hold { steps, .. } => fetches(steps, cache, service, runs),
        _ => false,
    })
}

fn calls(steps: &[Step], service: usize, runs: &Runs<'_>) -> bool {
    let is_it = |endpoint: &crate::model::EndpointId| runs.model.endpoints[*endpoint].service.index() == service;
    steps.iter().any(|step| match step {
        Step::Call { endpoint, .. } | Step::Forward { endpoint, .. } => is_it(endpoint),
        Step::Parallel { branches, .. } => branches.iter().any(|branch| calls(&branch.steps, service, runs)),
        Step::Choose(arms) => arms.iter().any(|(_, steps)| calls(steps, service, runs)),
        Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
            calls(steps, service, runs)
        }
        _ => false,
    })
}

/// A service that is busy with handshakes, of which the twin has few. Over the whole of the totals.
fn reconnects(runs: &Runs<'_>, found: &Found) -> Option<Loop> {
    let share = |results: &crate::measure::Results| {
        let nanos = results.transport.as_ref()?.services[found.service].handshake_nanos;
        let work = results.services[found.service].work_nanos;
        (work > 0).then(|| nanos as f64 / work as f64)
    };
    let (now, usual) = (share(runs.results)?, share(runs.twin?.0).unwrap_or(0.0));
    if now < HANDSHAKES_MIN || now < 2.0 * usual {
        return None;
    }
    let sentence = format!(
        "connections to {} that are opened anew: {} of its work are handshakes, usually {}{}",
        found.name,
        words::percent(now),
        words::percent(usual),
        found.waste(),
    );
    Some(found.as_loop(LoopKind::Reconnects, found.name.clone(), None, sentence))
}

fn reloads(runs: &Runs<'_>, found: &Found) -> Option<Loop> {
    let reloads = |id: &usize| runs.workload_sum(Which::Main, *id, found.tail, |bin| f64::from(bin.reloads));
    let id = (0..runs.model.workloads.len()).max_by(|a, b| reloads(a).total_cmp(&reloads(b)))?;
    let offered = runs.workload_sum(Which::Main, id, found.tail, |bin| f64::from(bin.offered));
    if reloads(&id) <= RETRIES_MIN * offered {
        return None;
    }
    let name = runs.workload_name(id);
    let sentence = format!("users of {name} who reload feed {}{}", found.name, found.waste());
    Some(found.as_loop(LoopKind::Reloads, name.to_owned(), None, sentence))
}

fn queue(runs: &Runs<'_>, found: &Found) -> Option<Loop> {
    let waiting = runs.service_sum(Which::Main, found.service, found.tail, |bin| f64::from(bin.queue))
        / (found.tail.1 - found.tail.0).max(1) as f64;
    (waiting >= 1.0).then(|| {
        let sentence = format!(
            "the queue at {} ({} waiting) is longer than anybody waits{}",
            found.name,
            words::number(waiting),
            found.waste()
        );
        found.as_loop(LoopKind::Queue, found.name.clone(), None, sentence)
    })
}
