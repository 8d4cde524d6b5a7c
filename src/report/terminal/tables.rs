//! The three tables: what users got, how full the services were, what the calls between them did.

use crate::measure::{EdgeResult, OUTCOMES, ServiceResult, WorkloadResult};
use crate::model::Limit;
use crate::policy::Outcome;

use super::grid::{Grid, MARK};
use super::{DIM, HEAD, Look};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// Of more services or edges than this, the busiest are shown.
const ROWS_MAX: usize = 20;

/// What the users of each workload got; the second line of a cell is the rate.
pub(super) fn workloads(facts: &Facts, look: Look) -> String {
    let results = &facts.results.workloads;
    let cells = |text: &dyn Fn(&WorkloadResult) -> String| results.iter().map(text).collect::<Vec<_>>();
    let share = |part: u64, it: &WorkloadResult| facts::ratio(part as f64, it.offered as f64);
    let both = |part: u64, it: &WorkloadResult| {
        format!("{}\n{}", number::share(share(part, it)), number::rate(facts.per_sec(part)))
    };
    let mut grid = Grid::new("workload", facts.model.workloads.iter().map(|it| it.name.clone()).collect());
    let offered =
        |it: &WorkloadResult| format!("{}\n{}", number::count(it.offered), number::rate(facts.per_sec(it.offered)));
    grid.column("offered", 0, cells(&offered));
    grid.column("goodput", 0, cells(&|it| both(it.good, it)));
    grid.column("through-\nput", 6, cells(&|it| both(facts::answered(it), it)));
    grid.column("failed", 0, cells(&|it| both(facts::failed(it), it)));
    grid.column("latency\nmean", 4, cells(&|it| number::span(it.latency.mean())));
    grid.column("latency\np50", 1, cells(&|it| number::span(it.latency.quantile(0.5))));
    grid.column("latency\np95", 5, cells(&|it| number::span(it.latency.quantile(0.95))));
    grid.column("latency\np99", 2, cells(&|it| number::span(it.latency.quantile(0.99))));
    grid.column("latency\nmax", 7, cells(&|it| number::span(it.latency.max())));
    grid.column("attempts\n/request", 3, cells(&|it| number::factor(share(it.attempts, it))));
    let mut text = look.paint(HEAD, "Workloads: what users got") + "\n" + &grid.render(look);
    for (workload, it) in facts.model.workloads.iter().zip(results) {
        if let Some(kinds) = failures(it) {
            text += &look.wrap("", &format!("{} without a good answer: {kinds}", workload.name));
        }
    }
    text
}

/// What did not end well, by how it ended, as shares of what was offered.
fn failures(it: &WorkloadResult) -> Option<String> {
    let ended = Outcome::ALL.iter().filter(|outcome| !outcome.is_ok());
    let kinds = ended.map(|outcome| (outcome_name(*outcome), it.outcomes[*outcome as usize]));
    let kinds: Vec<String> = kinds
        .chain([("still under way at the end", it.in_flight)])
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{} {kind}", number::share(facts::ratio(count as f64, it.offered as f64))))
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
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
    let name = |id: usize, _: &ServiceResult| {
        let mark = if bottleneck == Some(id) { MARK } else { " " };
        format!("{mark} {}", facts.service(id).name)
    };
    let mut grid = Grid::new("  service", cells(&name));
    if shown.iter().any(|id| facts.service(*id).threads != Limit::Unlimited) {
        grid.column("threads\nbusy", 0, cells(&|id, _| number::share(facts.thread_utilisation(id))));
    }
    if shown.iter().any(|id| facts.service(*id).cores.is_some()) {
        grid.column("cores\nbusy", 2, cells(&|id, _| number::share(facts.core_utilisation(id))));
    }
    grid.column("queue\nmean", 0, cells(&|_, it| number::plain(facts.mean_level(it.queue_nanos))));
    grid.column("replica\npeak", 5, cells(&|_, it| number::count(it.peak_queue.into())));
    let rejected = |_: usize, it: &ServiceResult| number::share(facts::ratio(it.rejected as f64, it.arrivals as f64));
    grid.column("rejected", 3, cells(&rejected));
    if shown.iter().any(|id| facts.results.services[*id].shed > 0) {
        let shed = |_: usize, it: &ServiceResult| number::share(facts::ratio(it.shed as f64, it.arrivals as f64));
        grid.column("shed", 3, cells(&shed));
    }
    grid.column("wait\nmean", 6, cells(&|_, it| number::span(it.wait.mean())));
    grid.column("sojourn\np50", 4, cells(&|_, it| number::span(it.sojourn.quantile(0.5))));
    grid.column("sojourn\np99", 1, cells(&|_, it| number::span(it.sojourn.quantile(0.99))));
    grid.column("wasted\ntime", 1, cells(&|_, it| number::share(facts::waste(it))));
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
    let mut grid = Grid::new("edge", cells(&|id, _| facts.edge_names[id].replace("->", "→")));
    grid.column("calls", 4, cells(&|_, it| number::count(it.calls)));
    grid.column("attempts", 2, cells(&|_, it| number::count(it.attempts)));
    grid.column("retry\nfactor", 0, cells(&|_, it| number::factor(facts::retry_factor(it))));
    for outcome in Outcome::ALL {
        let seen = shown.iter().any(|id| facts.results.edges[*id].outcomes[outcome as usize] > 0);
        if seen || outcome.is_ok() {
            let give_up = if outcome.is_ok() { 0 } else { 3 };
            let part = |_: usize, it: &EdgeResult| number::share(outcome_share(&it.outcomes, outcome));
            grid.column(outcome_name(outcome), give_up, cells(&part));
        }
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
