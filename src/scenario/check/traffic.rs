//! Traffic on paper: how often each endpoint is asked, if nothing fails and nothing is repeated.

use std::collections::BTreeSet;

use crate::base::time::Time;
use crate::model::{
    Arrivals, CacheId, CacheStore, ClientId, Consumer, EndpointId, Id, Keeping, Model, Pace, Process, Profile, Step,
    TopicId, Workload,
};
use crate::scenario::build::Atlas;

/// Recursion under `choose` converges quickly or not at all.
const ROUNDS_MAX: usize = 1_000;

/// Endpoints that requests of `workloads` can come to.
pub(super) fn reached<'m>(model: &Model, atlas: &Atlas, workloads: impl Iterator<Item = &'m Workload>) -> Vec<bool> {
    reached_from(model, atlas, workloads.flat_map(|workload| workload.session.entries()).map(|(_, endpoint)| endpoint))
}

/// Endpoints that requests for `starts` can come to, themselves included.
pub(super) fn reached_from(model: &Model, atlas: &Atlas, starts: impl Iterator<Item = EndpointId>) -> Vec<bool> {
    let mut callees = vec![Vec::new(); model.endpoints.len()];
    for call in &atlas.calls {
        callees[call.from.index()].push(call.to);
    }
    for publish in &atlas.publishes {
        let topics = behind(model, publish.to);
        let handlers = model.consumers.iter().filter(|consumer| topics.contains(&consumer.topic));
        callees[publish.from.index()].extend(handlers.map(|consumer| consumer.handler));
    }
    let mut reached = vec![false; model.endpoints.len()];
    let mut to_visit: Vec<EndpointId> = starts.collect();
    while let Some(id) = to_visit.pop() {
        if !std::mem::replace(&mut reached[id.index()], true) {
            to_visit.extend(&callees[id.index()]);
        }
    }
    reached
}

/// The topics to which a message can come that is published to `topic`, itself included: as a dead letter of another one.
fn behind(model: &Model, topic: TopicId) -> BTreeSet<TopicId> {
    let mut found = BTreeSet::new();
    let mut to_visit = vec![topic];
    while let Some(at) = to_visit.pop() {
        if found.insert(at) {
            to_visit.extend(expired_to(model, at));
            let readers = model.consumers.iter().filter(|consumer| consumer.topic == at);
            to_visit.extend(readers.filter_map(|consumer| consumer.dead_letter));
        }
    }
    found
}

/// Where goes what expires in a topic, or has to make room.
fn expired_to(model: &Model, topic: TopicId) -> Option<TopicId> {
    match &model.topics[topic].keeping {
        Keeping::Queue(limits) => limits.dead_letter,
        Keeping::Log(_) => None,
    }
}

/// Where a topic that nobody reads hands on all that it gets, when it expires: so RabbitMQ delays messages.
pub(super) fn hands_on(model: &Model, topic: TopicId) -> Option<TopicId> {
    let Keeping::Queue(limits) = &model.topics[topic].keeping else { return None };
    let is_read = model.consumers.iter().any(|consumer| consumer.topic == topic);
    limits.dead_letter.filter(|_| !is_read && limits.ttl.is_some())
}

/// The topic out of which messages of `topic` are handled: itself, or the one behind those that only delay them.
pub(super) fn destination(model: &Model, topic: TopicId) -> TopicId {
    let mut at = topic;
    // Queues that hand on to each other in a circle are left after a round.
    for _ in model.topics.iter() {
        match hands_on(model, at) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// Calls of one execution of a handler to one endpoint; what it publishes is handled by consumers with their own clients.
pub(super) struct Visit {
    pub(super) to: EndpointId,
    pub(super) client: ClientId,
    /// How many, on average.
    pub(super) times: f64,
    /// Of messages: how many of them the handler gets at once, at most; `None` is a call.
    pub(super) batch: Option<u32>,
}

pub(super) fn visits(model: &Model, steps: &[Step]) -> Vec<Visit> {
    let mut visits = Vec::new();
    add_visits(model, steps, 1.0, &mut visits);
    visits
}

/// The share of lookups in a cache that miss for sure: how well one does that holds keys only the run will show.
pub(super) fn misses(model: &Model, cache: CacheId) -> f64 {
    match model.caches[cache].store {
        CacheStore::Ratio(hits) => 1.0 - hits.as_f64(),
        CacheStore::Lru { .. } => 0.0,
    }
}

fn add_visits(model: &Model, steps: &[Step], times: f64, visits: &mut Vec<Visit>) {
    for step in steps {
        match step {
            Step::Call { endpoint, client, .. } => {
                visits.push(Visit { to: *endpoint, client: *client, times, batch: None });
            }
            Step::Forward { endpoint, client } => {
                visits.push(Visit { to: *endpoint, client: *client, times, batch: None });
                return;
            }
            Step::Parallel { branches, .. } => {
                branches.iter().for_each(|branch| add_visits(model, &branch.steps, times, visits))
            }
            Step::Choose(arms) => {
                arms.iter().for_each(|(share, steps)| add_visits(model, steps, times * share.as_f64(), visits));
            }
            Step::Repeat { times: again, steps } => add_visits(model, steps, times * f64::from(*again), visits),
            Step::Hold { steps, .. } => add_visits(model, steps, times, visits),
            Step::Cached { cache, miss, .. } => add_visits(model, miss, times * misses(model, *cache), visits),
            Step::Publish(publish) => {
                let shares = handled(model, publish.topic);
                let visit = |(by, share): (&Consumer, f64)| Visit {
                    to: by.handler,
                    client: by.client,
                    times: times * share,
                    batch: Some(by.batch),
                };
                visits.extend(shares.map(visit));
            }
            Step::Fail => return,
            Step::Work(_) | Step::ContendedWork { .. } | Step::Sleep(_) | Step::Reply => {}
        }
    }
}

/// Who handles a message of a topic: of each group one, as likely as it has workers.
fn handled(model: &Model, topic: TopicId) -> impl Iterator<Item = (&Consumer, f64)> {
    let topic = destination(model, topic);
    let workers = |consumer: &Consumer| {
        let service = model.endpoints[consumer.handler].service;
        f64::from(consumer.concurrency) * f64::from(model.services[service].replicas)
    };
    let of_topic = move || model.consumers.iter().filter(move |consumer| consumer.topic == topic);
    of_topic().map(move |consumer| {
        let group: f64 = of_topic().filter(|other| other.group == consumer.group).map(workers).sum();
        (consumer, workers(consumer) / group)
    })
}

/// Requests per second that each endpoint gets, averaged over the run.
pub(super) fn rates(model: &Model, calls: &[Vec<Visit>], order: &[Vec<usize>]) -> Vec<f64> {
    let mut rates = vec![0.0; model.endpoints.len()];
    for workload in model.workloads.iter() {
        let rate = offered(model, workload);
        for (times, endpoint) in workload.session.entries() {
            rates[endpoint.index()] += rate * times;
        }
    }
    // Callers before callees.
    for component in order.iter().rev() {
        let within = |endpoint: EndpointId| component.binary_search(&endpoint.index()).is_ok();
        settle(component, calls, &mut rates);
        for from in component {
            for visit in calls[*from].iter().filter(|visit| !within(visit.to)) {
                rates[visit.to.index()] += rates[*from] * visit.times;
            }
        }
    }
    rates
}

/// Adds the rates that a component sends to itself.
fn settle(component: &[usize], calls: &[Vec<Visit>], rates: &mut [f64]) {
    let is_cyclic = component.len() > 1 || calls[component[0]].iter().any(|visit| visit.to.index() == component[0]);
    if !is_cyclic {
        return;
    }
    let place = |endpoint: EndpointId| component.binary_search(&endpoint.index()).ok();
    let mut more: Vec<f64> = component.iter().map(|at| rates[*at]).collect();
    for _ in 0..ROUNDS_MAX {
        let mut next = vec![0.0; component.len()];
        for (from, extra) in component.iter().zip(&more) {
            for visit in &calls[*from] {
                if let Some(to) = place(visit.to) {
                    next[to] += extra * visit.times;
                }
            }
        }
        component.iter().zip(&next).for_each(|(at, extra)| rates[*at] += extra);
        more = next;
        if more.iter().all(|extra| *extra < 1e-6 || !extra.is_finite()) {
            break;
        }
    }
}

/// Sessions per second (of most workloads: requests) that a workload means to start, averaged over the run; zero for users who think.
pub(super) fn offered(model: &Model, workload: &Workload) -> f64 {
    let secs = model.duration.as_secs_f64();
    match &workload.arrivals {
        Arrivals::Rated { process, batch } => {
            let points = match process {
                Process::Even(profile) | Process::Poisson(profile) => requests(profile, model.end()) / secs,
                Process::Modulated(modulation) => modulation.mean_per_sec(),
            };
            points * f64::from(*batch)
        }
        Arrivals::Burst { size, first, every } => {
            let first_secs = first.as_secs_f64();
            let bursts = match every {
                _ if first_secs >= secs => 0.0,
                Some(every) => ((secs - first_secs) / every.as_secs_f64()).floor() + 1.0,
                None => 1.0,
            };
            f64::from(*size) * bursts / secs
        }
        Arrivals::Times(times) => times.partition_point(|time| *time < model.end()) as f64 / secs,
        Arrivals::Users { count, pace: Pace::Every(every) } => f64::from(*count) / every.as_secs_f64(),
        Arrivals::Users { pace: Pace::Think(_), .. } => 0.0,
    }
}

/// The integral of a profile up to `end`.
fn requests(profile: &Profile, end: Time) -> f64 {
    let mut sum = 0.0;
    for pair in profile.points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if a.at >= end {
            return sum;
        }
        let (from, to) = (a.rate.as_per_sec(), b.rate.as_per_sec());
        let whole = b.at.since(a.at).as_secs_f64();
        let part = end.min(b.at).since(a.at).as_secs_f64();
        if whole > 0.0 {
            let last = from + (to - from) * (part / whole);
            sum += (from + last) / 2.0 * part;
        }
    }
    match profile.points.last() {
        Some(last) => sum + last.rate.as_per_sec() * end.since(last.at).as_secs_f64(),
        None => sum,
    }
}
