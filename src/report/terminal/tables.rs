//! The three tables: what users got, how full the services were, what the calls between them did.

use crate::base::time::Span;
use crate::measure::{
    EdgeConfidence, EdgeResult, NoConfidence, OUTCOMES, ServiceConfidence, ServiceResult, SessionConfidence,
    SessionResult, WorkloadConfidence, WorkloadResult,
};
use crate::model::Limit;
use crate::policy::Outcome;

use super::grid::{Grid, MARK};
use super::{DIM, HEAD, Look};
use crate::report::facts::{self, Facts};
use crate::report::number;
use crate::report::resilience;

/// Of more services or edges than this, the busiest are shown.
const ROWS_MAX: usize = 20;

/// What the users of each workload got. The second line of a cell is the rate, the last one says how far the first may be
/// off.
pub(super) fn workloads(facts: &Facts, look: Look) -> String {
    let results = &facts.results.workloads;
    let none = WorkloadConfidence::default();
    let width = |id: usize| facts.confidence.as_ref().map_or(&none, |it| &it.workloads[id]);
    let cells = |text: &dyn Fn(&WorkloadResult, &WorkloadConfidence) -> String| {
        results.iter().enumerate().map(|(id, it)| text(it, width(id))).collect::<Vec<_>>()
    };
    let share = |part: u64, it: &WorkloadResult| facts::ratio(part as f64, it.offered as f64);
    let both = |part: u64, it: &WorkloadResult, half_width: Option<f64>| {
        let (share, rate) = (number::share(share(part, it)), number::rate(facts.per_sec(part)));
        number::lines([share, rate, number::give_or_take(half_width, number::share)])
    };
    let mut grid = Grid::new("workload", facts.model.workloads.iter().map(|it| it.name.clone()).collect());
    let offered = |it: &WorkloadResult, width: &WorkloadConfidence| {
        let (count, rate) = (number::count(it.offered), number::rate(facts.per_sec(it.offered)));
        number::lines([count, rate, number::give_or_take(width.offered_per_s, number::rate)])
    };
    grid.column("offered", 0, cells(&offered));
    grid.column("goodput", 0, cells(&|it, width| both(it.good, it, width.goodput_share)));
    grid.column("through-\nput", 6, cells(&|it, width| both(facts::answered(it), it, width.throughput_share)));
    grid.column("failed", 0, cells(&|it, width| both(facts::failed(it), it, width.failed_share)));
    let latency = |it: &WorkloadResult, width: &WorkloadConfidence| {
        number::with_width(it.latency.mean().map(Span::as_secs_f64), width.latency_mean_s, number::secs)
    };
    grid.column("latency\nmean", 4, cells(&latency));
    grid.column("latency\np50", 1, cells(&|it, _| number::span(it.latency.quantile(0.5))));
    grid.column("latency\np95", 5, cells(&|it, _| number::span(it.latency.quantile(0.95))));
    grid.column("latency\np99", 2, cells(&|it, _| number::span(it.latency.quantile(0.99))));
    grid.column("latency\nmax", 7, cells(&|it, _| number::span(it.latency.max())));
    let attempts = |it: &WorkloadResult, width: &WorkloadConfidence| {
        let attempts = number::factor(share(it.attempts, it));
        number::lines([attempts, number::give_or_take(width.attempts_per_request, number::plain)])
    };
    grid.column("attempts\n/request", 3, cells(&attempts));
    let mut text = look.paint(HEAD, "Workloads: what users got") + "\n" + &grid.render(look);
    for (id, (workload, it)) in facts.model.workloads.iter().zip(results).enumerate() {
        if let Some(kinds) = failures(it, width(id)) {
            text += &look.wrap("", &format!("{} without a good answer: {kinds}", workload.name));
        }
        if let Some(degraded) = resilience::degraded(facts, id).filter(|count| *count > 0) {
            let share = number::share(resilience::degraded_share(facts, id));
            let said = format!(
                "{}: {} requests ({share}) were answered well with the help of a fallback: they are goodput, and degraded",
                workload.name,
                number::count(degraded),
            );
            text += &look.wrap("", &said);
        }
        if let Some(sessions) = &it.sessions {
            let said = format!("{}: {}", workload.name, said_of_sessions(sessions, &width(id).sessions));
            text += &look.wrap("", &said);
        }
    }
    text
}

/// What ± means in the tables, or why there is none.
pub(super) fn confidence(facts: &Facts, look: Look) -> String {
    let note = match &facts.confidence {
        Ok(it) => format!(
            "± is the 95% confidence interval of a mean (of the share, where there is one), from ten batches of {}. \
             Percentiles have none.",
            number::written(it.batches.length())
        ),
        Err(NoConfidence::Faults) => {
            "No ± stands at the means: faults make a part of the run differ from another. Other seeds tell how sure they are."
                .to_owned()
        }
        Err(NoConfidence::Changes) => {
            "No ± stands at the means: changes make a part of the run differ from another. Other seeds tell how sure they are."
                .to_owned()
        }
        Err(NoConfidence::Arrivals) => {
            "No ± stands at the means: the load changes in the course of the run. Other seeds tell how sure they are."
                .to_owned()
        }
        Err(NoConfidence::NotKept) => "No ± stands at the means: the run measured only what its expectations ask.".to_owned(),
        Err(NoConfidence::Short) => "No ± stands at the means: too little of the run is left after its warm-up.".to_owned(),
    };
    dim(&note, look)
}

/// What did not end well, by how it ended, as shares of what was offered.
fn failures(it: &WorkloadResult, width: &WorkloadConfidence) -> Option<String> {
    let ended = Outcome::ALL.into_iter().filter(|outcome| !outcome.is_ok());
    let kinds = ended.map(|outcome| {
        let n = outcome as usize;
        (outcome_name(outcome), it.outcomes[n], width.failure_shares.0[n])
    });
    let say = |(kind, count, half_width): (&str, u64, Option<f64>)| {
        let share = facts::ratio(count as f64, it.offered as f64);
        format!("{} {kind}", number::in_words(share, half_width, number::share))
    };
    let kinds: Vec<String> = kinds
        .chain([("still under way at the end", it.in_flight, None)])
        .filter(|(_, count, _)| *count > 0)
        .map(say)
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// What became of the sessions of a workload, as shares of those that began.
fn said_of_sessions(it: &SessionResult, width: &SessionConfidence) -> String {
    let kinds = [
        ("finished", it.finished, width.finished_share),
        ("lost to a failure", it.lost, width.lost_share),
        ("still under way at the end", it.in_flight(), None),
    ];
    let say = |(kind, count, half_width): (&str, u64, Option<f64>)| {
        let share = facts::ratio(count as f64, it.started as f64);
        format!("{} {kind}", number::in_words(share, half_width, number::share))
    };
    let kinds: Vec<String> = kinds.into_iter().filter(|(_, count, _)| *count > 0).map(say).collect();
    let of = if kinds.is_empty() { String::new() } else { format!(", {}", kinds.join(", ")) };
    format!("{} sessions{of}", number::count(it.started))
}

/// How full each service was.
pub(super) fn services(facts: &Facts, look: Look) -> String {
    let mut shown = in_order(facts.busiest_services(ROWS_MAX), facts.results.services.len());
    let bottleneck = facts.bottleneck();
    if let Some(id) = bottleneck.filter(|id| !shown.contains(id)) {
        shown.pop();
        shown.insert(0, id);
    }
    let cells = |text: &dyn Fn(usize, &ServiceResult) -> String| {
        shown.iter().map(|id| text(*id, &facts.results.services[*id])).collect::<Vec<_>>()
    };
    let none = ServiceConfidence::default();
    let width = |id: usize| facts.confidence.as_ref().map_or(&none, |it| &it.services[id]);
    let share = |share: Option<f64>, half_width: Option<f64>| number::with_width(share, half_width, number::share);
    let name = |id: usize, _: &ServiceResult| {
        let mark = if bottleneck == Some(id) { MARK } else { " " };
        format!("{mark} {}", facts.service(id).name)
    };
    let mut grid = Grid::new("  service", cells(&name));
    if shown.iter().any(|id| facts.service(*id).threads != Limit::Unlimited) {
        grid.column(
            "threads\nbusy",
            0,
            cells(&|id, _| share(facts.thread_utilisation(id), width(id).thread_utilisation_share)),
        );
    }
    if shown.iter().any(|id| facts.service(*id).cores.is_some()) {
        grid.column(
            "cores\nbusy",
            2,
            cells(&|id, _| share(facts.core_utilisation(id), width(id).core_utilisation_share)),
        );
    }
    grid.column(
        "queue\nmean",
        0,
        cells(&|id, it| number::with_width(facts.mean_level(it.queue_nanos), width(id).queue_mean, number::plain)),
    );
    grid.column("replica\npeak", 5, cells(&|_, it| number::count(it.peak_queue.into())));
    let rejected = |id: usize, it: &ServiceResult| {
        share(facts::ratio(it.rejected as f64, it.arrivals as f64), width(id).rejected_share)
    };
    grid.column("rejected", 3, cells(&rejected));
    if shown.iter().any(|id| facts.results.services[*id].limit.is_some()) {
        let limit = |_: usize, it: &ServiceResult| {
            it.limit.map_or_else(String::new, |limit| number::plain(facts.mean_level(limit.limit_nanos)))
        };
        grid.column("limit\nmean", 4, cells(&limit));
    }
    if shown.iter().any(|id| facts.results.services[*id].shed > 0) {
        let shed = |id: usize, it: &ServiceResult| {
            share(facts::ratio(it.shed as f64, it.arrivals as f64), width(id).shed_share)
        };
        grid.column("shed", 3, cells(&shed));
    }
    grid.column(
        "wait\nmean",
        6,
        cells(&|id, it| number::with_width(it.wait.mean().map(Span::as_secs_f64), width(id).wait_mean_s, number::secs)),
    );
    grid.column("sojourn\np50", 4, cells(&|_, it| number::span(it.sojourn.quantile(0.5))));
    grid.column("sojourn\np99", 1, cells(&|_, it| number::span(it.sojourn.quantile(0.99))));
    grid.column("wasted\ntime", 1, cells(&|id, it| share(facts::waste(it), width(id).waste_share)));
    let mut text = look.paint(HEAD, "Services: who was busy") + "\n" + &grid.render(look);
    if bottleneck.is_some() {
        let note = format!("{MARK} bottleneck: about as busy as the busiest, and not because it waits for another");
        text += &dim(&note, look);
    }
    text + &left_out("service", facts.results.services.len(), look)
}

/// What the calls did, one line an edge.
pub(super) fn edges(facts: &Facts, look: Look) -> String {
    let shown = in_order(facts.busiest_edges(ROWS_MAX), facts.results.edges.len());
    let cells = |text: &dyn Fn(usize, &EdgeResult) -> String| {
        shown.iter().map(|id| text(*id, &facts.results.edges[*id])).collect::<Vec<_>>()
    };
    let none = EdgeConfidence::default();
    let width = |id: usize| facts.confidence.as_ref().map_or(&none, |it| &it.edges[id]);
    let mut grid = Grid::new("edge", cells(&|id, _| facts.edge_names[id].replace("->", "→")));
    grid.column("calls", 4, cells(&|_, it| number::count(it.calls)));
    grid.column("attempts", 2, cells(&|_, it| number::count(it.attempts)));
    grid.column(
        "retry\nfactor",
        0,
        cells(&|id, it| {
            let factor = number::factor(facts::retry_factor(it));
            number::lines([factor, number::give_or_take(width(id).retry_factor, number::plain)])
        }),
    );
    for outcome in Outcome::ALL {
        let seen = shown.iter().any(|id| facts.results.edges[*id].outcomes[outcome as usize] > 0);
        if seen || outcome.is_ok() {
            let give_up = if outcome.is_ok() { 0 } else { 3 };
            let part = |id: usize, it: &EdgeResult| {
                let half_width = match outcome {
                    Outcome::Ok => width(id).ok_share,
                    bad => width(id).failure_shares.0[bad as usize],
                };
                number::with_width(outcome_share(&it.outcomes, outcome), half_width, number::share)
            };
            grid.column(outcome_name(outcome), give_up, cells(&part));
        }
    }
    if shown.iter().any(|id| facts.results.edges[*id].held_nanos.is_some_and(|nanos| nanos > 0)) {
        let held = |_: usize, it: &EdgeResult| {
            it.held_nanos.map_or_else(String::new, |nanos| number::plain(facts.mean_level(nanos)))
        };
        grid.column("held\nmean", 4, cells(&held));
    }
    if shown.iter().any(|id| resilience::fallbacks(facts, *id).is_some_and(|it| it.served > 0)) {
        let served = |id: usize, it: &EdgeResult| {
            resilience::fallbacks(facts, id).map_or_else(String::new, |fallbacks| {
                number::share(facts::ratio(fallbacks.served as f64, it.calls as f64))
            })
        };
        grid.column("fallback\n/call", 3, cells(&served));
    }
    if shown.iter().any(|id| resilience::ejections(facts, *id).is_some()) {
        let ejected = |id: usize, _: &EdgeResult| {
            resilience::ejections(facts, id).map_or_else(String::new, |it| {
                let mean = number::plain(resilience::ejected_mean(facts, it));
                number::lines([mean, format!("{} times", number::count(it.count))])
            })
        };
        grid.column("ejected\nmean", 3, cells(&ejected));
    }
    grid.column("latency\np99", 1, cells(&|_, it| number::span(it.latency.quantile(0.99))));
    let title = look.paint(HEAD, "Edges: what the calls did") + "\n";
    title + &grid.render(look) + &left_out("edge", facts.results.edges.len(), look)
}

/// Of all attempts that ended, those that ended so.
fn outcome_share(counts: &[u64; OUTCOMES], outcome: Outcome) -> Option<f64> {
    facts::ratio(counts[outcome as usize] as f64, counts.iter().sum::<u64>() as f64)
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::ShortCircuited => "breaker",
        other => other.name(),
    }
}

/// In file order when all are shown, otherwise the busiest first.
fn in_order(mut shown: Vec<usize>, all: usize) -> Vec<usize> {
    if shown.len() == all {
        shown.sort_unstable();
    }
    shown
}

fn left_out(thing: &str, count: usize, look: Look) -> String {
    if count <= ROWS_MAX {
        return String::new();
    }
    let rest = number::count((count - ROWS_MAX) as u64);
    dim(
        &format!("The busiest {ROWS_MAX} {thing}s are shown, the busiest first; {rest} more are in summary.json."),
        look,
    )
}

fn dim(note: &str, look: Look) -> String {
    look.paint(DIM, look.wrap("", note).trim_end()) + "\n"
}
