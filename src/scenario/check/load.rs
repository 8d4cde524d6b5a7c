//! Load on paper: offered rates × visits × mean times, without retries and queues, against threads, cores and permits.
//!
//! All of it is a lower bound, so that what is called overloaded really is. Users who think offer no rate of their
//! own and are left out; those with a pace that cannot be kept fall ever further behind it.

use super::graph::components;
use super::limits::admitted;
use super::pools;
use super::traffic::{Visit, misses, offered, rates, visits};
use crate::base::time::Span;
use crate::model::{Arrivals, ClientId, EndpointId, Handlers, Id, Limit, Model, Need, Pace, ServiceId, Step};
use crate::policy::settings::Value;
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    outside(model, atlas, cx);
    let calls: Vec<Vec<Visit>> = model.endpoints.iter().map(|endpoint| visits(model, &endpoint.steps)).collect();
    let successors: Vec<Vec<usize>> =
        calls.iter().map(|visits| visits.iter().map(|visit| visit.to.index()).collect()).collect();
    let order = components(&successors);
    let rates = rates(model, &calls, &order);
    let (taken_on, times) = (admitted(model, &calls, &order, &rates), times(model, &order));
    overload(model, atlas, &taken_on, &times, cx);
    pools::find(model, atlas, &taken_on, &times, cx);
    idle_breakers(model, atlas, &rates, &calls, cx);
}

/// What never happens.
fn outside(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (fault, places) in model.faults.iter().zip(&atlas.faults) {
        if fault.at >= model.end() {
            cx.say(
                &catalogue::OUTSIDE,
                places.at,
                format!("the fault `{}` never happens: the run ends at {}", fault.name, model.end()),
            )
            .help(format!("write a time before `{}`, or lengthen `duration`", model.end()));
        }
    }
    for (change, place) in model.changes.iter().zip(&atlas.changes) {
        if change.at >= model.end() {
            cx.say(
                &catalogue::OUTSIDE,
                *place,
                format!("the change `{}` never happens: the run ends at {}", change.name, model.end()),
            )
            .help(format!("write a time before `{}`, or lengthen `duration`", model.end()));
        }
    }
}

/// Mean times of one execution of a handler in seconds, if nothing ever waits.
#[derive(Clone, Copy, Default)]
pub(super) struct Times {
    /// On the CPU.
    pub(super) work: f64,
    /// Until the answer.
    pub(super) answer: f64,
    /// Until the end.
    pub(super) total: f64,
}

pub(super) fn times(model: &Model, order: &[Vec<usize>]) -> Vec<Times> {
    let mut times = vec![Times::default(); model.endpoints.len()];
    // Callees before callers; those in a circle count as nothing, which keeps it a lower bound.
    for id in order.iter().flatten() {
        let mut spent = Times::default();
        let mut answered = None;
        add_times(model, &model.endpoints[EndpointId::new(*id)].steps, &times, &mut spent, &mut answered);
        let endpoint = &model.endpoints[EndpointId::new(*id)];
        if let Some(stream) = endpoint.stream.as_ref().filter(|_| !endpoint.steps.contains(&Step::Fail)) {
            let (messages, work) = (f64::from(stream.messages), finite(stream.work.mean_nanos() / 1e9));
            spent.work += messages * work;
            spent.total += messages * (work + finite(stream.sleep.mean_nanos() / 1e9));
        }
        spent.answer = answered.unwrap_or(spent.total);
        times[*id] = spent;
    }
    times
}

/// Of one execution of `steps`, if nothing ever waits.
pub(super) fn time_of(model: &Model, steps: &[Step], known: &[Times]) -> Times {
    let mut spent = Times::default();
    add_times(model, steps, known, &mut spent, &mut None);
    spent
}

fn add_times(model: &Model, steps: &[Step], known: &[Times], spent: &mut Times, answered: &mut Option<f64>) {
    let inner = |steps: &[Step]| time_of(model, steps, known);
    for step in steps {
        match step {
            Step::Work(time) => {
                let secs = finite(time.mean_nanos() / 1e9);
                spent.work += secs;
                spent.total += secs;
            }
            Step::ContendedWork { work, each } => {
                // At least its own share.
                let secs = finite(work.mean_nanos() / 1e9) + each.as_secs_f64();
                spent.work += secs;
                spent.total += secs;
            }
            Step::Hold { steps, .. } => {
                let time = inner(steps);
                spent.work += time.work;
                spent.total += time.total;
            }
            Step::Cached { cache, miss, .. } => {
                let (time, misses) = (inner(miss), misses(model, *cache));
                spent.work += time.work * misses;
                spent.total += time.total * misses;
            }
            Step::Sleep(time) => spent.total += finite(time.mean_nanos() / 1e9),
            Step::Call { endpoint, client, read, .. } => {
                let messages = model.endpoints[*endpoint].stream.as_ref().map_or(0, |stream| stream.messages);
                let read = read.as_ref().map_or(0.0, |read| f64::from(messages) * finite(read.mean_nanos() / 1e9));
                let callee = known[endpoint.index()];
                let callee = Times { answer: callee.answer.max(read), ..callee };
                let time = call_time(model, *client, callee);
                spent.work += read.min(time);
                spent.total += time;
            }
            Step::Parallel { branches, need } => {
                let times: Vec<Times> = branches.iter().map(|branch| inner(&branch.steps)).collect();
                spent.work += times.iter().map(|time| time.work).sum::<f64>();
                spent.total += parallel_time(times.iter().map(|time| time.total).collect(), *need);
            }
            Step::Choose(arms) => {
                for (share, steps) in arms {
                    let time = inner(steps);
                    spent.work += time.work * share.as_f64();
                    spent.total += time.total * share.as_f64();
                }
            }
            Step::Repeat { times, steps } => {
                let time = inner(steps);
                spent.work += time.work * f64::from(*times);
                spent.total += time.total * f64::from(*times);
            }
            Step::Reply => {
                answered.get_or_insert(spent.total);
            }
            // What a broker takes for it is no time of a thread that is known on paper.
            Step::Publish(_) => {}
            Step::Forward { .. } | Step::Fail => return,
        }
    }
}

/// Distributions without a mean say nothing about a lower bound.
fn finite(secs: f64) -> f64 {
    if secs.is_finite() { secs } else { 0.0 }
}

fn call_time(model: &Model, client: ClientId, callee: Times) -> f64 {
    let client = &model.clients[client];
    let way = finite(client.latency.mean_nanos() / 1e9);
    let timeout = client.timeout.map_or(f64::INFINITY, |timeout| timeout.as_secs_f64());
    // A mean above the timeout still has answers below it; half of the timeout is a safe guess for none.
    let answer = 2.0 * way + callee.answer;
    if answer < timeout { answer } else { timeout / 2.0 }
}

fn parallel_time(mut times: Vec<f64>, need: Need) -> f64 {
    times.sort_by(f64::total_cmp);
    let last = match need {
        Need::All => times.len(),
        Need::Any => 1,
        Need::AtLeast(least) => least as usize,
    };
    times.get(last.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn overload(model: &Model, atlas: &Atlas, rates: &[f64], times: &[Times], cx: &mut Cx<'_>) {
    let mut need = vec![(0.0, 0.0, 0.0); model.services.len()];
    for (id, endpoint) in model.endpoints.enumerate() {
        let service = &model.services[endpoint.service];
        let (rate, time) = (rates[id.index()], times[id.index()]);
        let held = if service.handlers == Handlers::Blocking { time.total } else { time.work };
        let sums = &mut need[endpoint.service.index()];
        sums.0 += rate;
        sums.1 += rate * held;
        sums.2 += rate * time.work;
    }
    for (id, service) in model.services.enumerate() {
        let (rate, threads, cores) = need[id.index()];
        let have = |limit: u32| f64::from(limit) * f64::from(service.replicas);
        let places = atlas.services[id.index()];
        let limits = [
            ("core", service.cores, cores, places.cores),
            (
                "thread",
                match service.threads {
                    Limit::AtMost(limit) => Some(limit),
                    Limit::Unlimited => None,
                },
                threads,
                places.threads,
            ),
        ];
        // Where both are short, the scarcer one is said.
        let short = limits.into_iter().filter_map(|(what, limit, busy, place)| {
            let have = have(limit?);
            (busy >= have).then_some((what, have, busy, place))
        });
        let Some((what, have, busy, place)) = short.max_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1))) else {
            continue;
        };
        say_overload(model, id, (what, have, busy, rate), if place.is_somewhere() { place } else { places.name }, cx);
    }
}

fn say_overload(
    model: &Model,
    id: ServiceId,
    (what, have, busy, rate): (&str, f64, f64, f64),
    place: crate::scenario::say::Place,
    cx: &mut Cx<'_>,
) {
    let service = &model.services[id];
    let percent = busy / have * 100.0;
    let each = busy / rate * 1e3;
    cx.say(
        &catalogue::OVERLOAD,
        place,
        format!("`{}` is overloaded on paper: it needs {percent:.0}% of its {what}s", service.name),
    )
    .number(percent, "% of what is there is needed, on paper")
    .note(format!(
        "{} requests/s, each {} ms of a {what} on average, keep {} {what}s busy; {} x {} are there",
        short(rate),
        short(each),
        short(busy),
        service.replicas,
        have / f64::from(service.replicas),
    ))
    .help(format!("for a system that can recover, give it more `{what}s` or `replicas`, or offer less"));
}

/// Three significant digits.
pub(super) fn short(number: f64) -> String {
    let decimals = match number {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Breakers none of whose keepers sees enough calls in the whole run.
fn idle_breakers(model: &Model, atlas: &Atlas, rates: &[f64], calls: &[Vec<Visit>], cx: &mut Cx<'_>) {
    if model.workloads.iter().any(|workload| matches!(workload.arrivals, Arrivals::Users { pace: Pace::Think(_), .. }))
    {
        return;
    }
    let secs = model.duration.as_secs_f64();
    for (id, client) in model.clients.enumerate() {
        let Some(breaker) = &client.breaker else { continue };
        let Some(Value::Count(minimum)) = breaker.get("minimum_calls") else { continue };
        // A window of calls holds the calls of the whole run, one of time those of its own length.
        let (minimum, secs) = match breaker.get("window") {
            Some(Value::Count(window)) => (minimum.min(window), secs),
            Some(Value::Span(window)) => (minimum, secs.min(window.as_secs_f64())),
            _ => (minimum, secs),
        };
        // By caller and callee, as breakers are kept.
        let mut seen = std::collections::BTreeMap::<(usize, usize), f64>::new();
        for (from, endpoint) in model.endpoints.enumerate() {
            let replicas = f64::from(model.services[endpoint.service].replicas);
            for visit in calls[from.index()].iter().filter(|visit| visit.client == id) {
                let channel = (endpoint.service.index() + 1, model.endpoints[visit.to].service.index());
                *seen.entry(channel).or_default() += rates[from.index()] * visit.times * secs / replicas;
            }
        }
        for workload in model.workloads.iter().filter(|workload| workload.client == id) {
            let rate = offered(model, workload);
            for (times, endpoint) in workload.session.entries() {
                let channel = (0, model.endpoints[endpoint].service.index());
                *seen.entry(channel).or_default() += rate * times * secs;
            }
        }
        let Some(most) = seen.values().copied().max_by(f64::total_cmp) else { continue };
        if most < f64::from(minimum) {
            let place = atlas.clients[id.index()].breaker;
            cx.say(
                &catalogue::BREAKER_IDLE,
                place,
                format!("the breaker of `{}` is never judged in this run", client.name),
            )
            .number(most, "calls at most that one of its keepers sees, too few to be judged")
            .note(format!(
                "it needs {minimum} calls, and each replica of its callers makes about {} in {}",
                short(most),
                Span::from_secs_f64(secs)
            ))
            .help("lower `minimum_calls` or `window`, or lengthen `duration`");
        }
    }
}
