//! What to do next, from the facts of this run: never more than a handful of lines, the gravest first,
//! and none that the numbers do not bear out.

mod messaging;

use crate::base::time::Time;
use crate::measure;
use crate::model::{Cancel, Client, Deadlines, Limit};
use crate::policy::retry::Jitter;

use super::{HEAD, Look, matters};
use crate::report::csv::{ALL_SERVICES_MAX, BUSIEST_SERVICES};
use crate::report::facts::{self, Facts};
use crate::report::number;
use crate::report::resilience;

/// From this utilisation on, over the whole of the totals, the bottleneck is worth a word.
const UTILISATION_MIN: f64 = 0.7;
/// From this share of what came to a service on, what it turned away is worth a word.
const REJECTED_MIN: f64 = 0.01;
/// From this share of its busy thread time on, a service's waste is worth a word.
const WASTE_MIN: f64 = 0.1;
/// From this share of a workload's requests on, answers that something stood in for are worth a word.
const DEGRADED_MIN: f64 = 0.01;
/// From so many attempts per call on, an edge's retries are worth a word.
const RETRY_FACTOR_MIN: f64 = 1.2;
/// More requests waiting than so many times the threads is a queue that nobody wants to stand in.
const QUEUE_PER_THREAD_MAX: f64 = 2.0;

pub(super) fn steps(facts: &Facts, look: Look) -> String {
    let found = [interrupted(facts), silence(facts), transient(facts)];
    let in_general = [bottleneck(facts), rejections(facts), waste(facts), retries(facts), queue(facts)];
    let mut steps: Vec<String> = found.into_iter().flatten().collect();
    steps.extend(messaging::steps(facts));
    steps.extend(degraded(facts));
    steps.extend(in_general.into_iter().flatten());
    if steps.is_empty() {
        steps.push("Nothing stood out: add a fault or raise the load to see where it breaks.".to_owned());
    }
    steps.push(files(facts));
    let lines: String = steps.iter().map(|step| look.wrap("• ", step)).collect();
    look.paint(HEAD, "What to do next") + "\n" + &lines
}

fn interrupted(facts: &Facts) -> Option<String> {
    facts.results.interrupted.then(|| {
        let ended = number::secs(Some(facts.results.ended.as_secs_f64()));
        format!("The run was interrupted at {ended} of {}: run it to its end.", number::written(facts.model.duration))
    })
}

/// Users who got what stood in for an answer, which goodput does not tell from the real one.
fn degraded(facts: &Facts) -> Option<String> {
    let share = |id: &usize| resilience::degraded_share(facts, *id).unwrap_or(0.0);
    let id = (0..facts.results.workloads.len()).max_by(|a, b| share(a).total_cmp(&share(b)))?;
    if !matters(Some(share(&id)), DEGRADED_MIN) {
        return None;
    }
    Some(format!(
        "{} of the requests of {} were answered with the help of a fallback: goodput counts them, so look at `fallbacks` \
         in timeseries.csv, too.",
        number::share(Some(share(&id))),
        facts.model.workloads.iter().nth(id).map_or("", |workload| workload.name.as_str()),
    ))
}

fn silence(facts: &Facts) -> Option<String> {
    let none = facts.results.workloads.iter().all(|workload| workload.offered == 0);
    none.then(|| "No request arrived after the warm-up: let the run last longer, or the warm-up less.".to_owned())
}

/// A run that was still filling up when its totals began.
fn transient(facts: &Facts) -> Option<String> {
    let found = measure::transient(facts.model, facts.results)?;
    let until = number::written(found.until.since(Time::ZERO));
    Some(format!(
        "The totals begin before the system has filled up: until {until} it held {} requests, then {} (MSER-5): set \
         `warmup = \"{}\"`, and let the run be long against that.",
        number::plain(Some(found.early)),
        number::plain(Some(found.later)),
        found.until.since(Time::ZERO),
    ))
}

fn bottleneck(facts: &Facts) -> Option<String> {
    let id = facts.bottleneck().filter(|id| matters(facts.utilisation(*id), UTILISATION_MIN))?;
    let service = facts.service(id);
    let (threads, cores) = (facts.thread_utilisation(id), facts.core_utilisation(id));
    let name = &service.name;
    Some(if cores > threads {
        let busy = number::share(cores);
        format!(
            "{name} is the bottleneck, {busy} of its cores busy: give it more (service.{name}.cores or .replicas) or less work."
        )
    } else {
        let busy = number::share(threads);
        format!(
            "{name} is the bottleneck, {busy} of its threads busy: look at what holds them, then at service.{name}.threads or .replicas."
        )
    })
}

/// The service that turned away the largest share of what came.
fn rejections(facts: &Facts) -> Option<String> {
    let services = &facts.results.services;
    let share = |id: usize| facts::ratio(services[id].rejected as f64, services[id].arrivals as f64);
    let id = (0..services.len()).max_by(|a, b| share(*a).unwrap_or(0.0).total_cmp(&share(*b).unwrap_or(0.0)))?;
    let rejected = share(id);
    if !matters(rejected, REJECTED_MIN) {
        return None;
    }
    let service = facts.service(id);
    let name = &service.name;
    let why = match (service.limit.is_some(), service.queue == Limit::Unlimited) {
        (false, _) => format!("its queue was full (service.{name}.queue)"),
        (true, true) => format!("it was over its limit (service.{name}.limit)"),
        (true, false) => format!("its queue was full or it was over its limit (service.{name}.queue and .limit)"),
    };
    Some(format!(
        "{name} turned away {} of what came: {why}; look for the time in timeseries.csv.",
        number::share(rejected)
    ))
}

/// The service that worked most for callers who had given up, and the settings that would have told it.
fn waste(facts: &Facts) -> Option<String> {
    let services = &facts.results.services;
    let id = (0..services.len()).max_by_key(|id| services[*id].wasted_nanos)?;
    let share = facts::waste(&services[id]);
    if !matters(share, WASTE_MIN) {
        return None;
    }
    let name = &facts.service(id).name;
    let fact = format!("{name} spent {} of its busy thread time for callers who had given up", number::share(share));
    let callers = || facts.edges.iter().filter(|edge| facts.callee(edge) == id);
    let mut clients = callers().map(|edge| &facts.model.clients[edge.client]);
    if let Some(client) = clients.find(|client| client.hedge.is_some() && client.cancel == Cancel::Off) {
        return Some(format!("{fact}: hedges that lose work on, try client.{}.cancel = \"at-once\".", client.name));
    }
    let deaf = callers().map(|edge| &facts.model.clients[edge.client]);
    let deaf: Vec<&Client> = deaf.filter(|it| it.cancel == Cancel::Off && it.deadlines == Deadlines::Local).collect();
    Some(match deaf.first() {
        Some(client) if client.name != Client::DIRECT => {
            let path = format!("client.{}", client.name);
            format!("{fact}: try {path}.deadlines = \"propagate\" or {path}.cancel = \"at-once\".")
        }
        _ => format!("{fact}: its callers' timeouts are shorter than its answers take."),
    })
}

/// The edge that sent the most retries, and what its client does not have.
fn retries(facts: &Facts) -> Option<String> {
    let edges = &facts.results.edges;
    let id = (0..edges.len()).max_by_key(|id| edges[*id].attempts.saturating_sub(edges[*id].calls))?;
    let factor = facts::retry_factor(&edges[id]);
    let client = &facts.model.clients[facts.edges.iter().nth(id)?.client];
    let retry = client.retry.as_ref().filter(|_| matters(factor, RETRY_FACTOR_MIN))?;
    let lacks = [
        (retry.quota.is_none(), "no budget"),
        (retry.jitter == Jitter::None, "no jitter"),
        (client.breaker.is_none(), "no circuit breaker"),
    ];
    let missing: Vec<&str> = lacks.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect();
    let name = facts.edge_names[id].replace("->", "→");
    let fact = format!("{name} sent {} attempts for every call", number::plain(factor));
    Some(match missing.is_empty() {
        true => format!("{fact}: try fewer attempts (client.{}.retry).", client.name),
        false => format!("{fact}: client.{} has {}.", client.name, missing.join(", ")),
    })
}

/// The longest queue without a bound.
fn queue(facts: &Facts) -> Option<String> {
    let services = &facts.results.services;
    let unbounded = (0..services.len()).filter(|id| facts.service(*id).queue == Limit::Unlimited);
    let id = unbounded.max_by_key(|id| services[*id].queue_nanos)?;
    let mean = facts.mean_level(services[id].queue_nanos)?;
    let name = &facts.service(id).name;
    (mean > QUEUE_PER_THREAD_MAX * facts::pool(facts.service(id))?).then(|| {
        let waiting = number::plain(Some(mean));
        format!(
            "{waiting} requests waited at {name} on average, and nothing bounds its queue: try service.{name}.queue."
        )
    })
}

fn files(facts: &Facts) -> String {
    let services = facts.model.services.len();
    let series = match services > ALL_SERVICES_MAX {
        true => format!(
            "timeseries.csv holds how it went (the busiest {BUSIEST_SERVICES} of {} services unless --series all)",
            number::count(services as u64)
        ),
        false => "timeseries.csv holds how it went".to_owned(),
    };
    format!("Look at overview.png; summary.json holds every total, {series}.")
}
