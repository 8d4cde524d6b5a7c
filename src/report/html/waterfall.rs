//! What happened to chosen requests: a row for each span in the order of the tree, and its bar on one scale of time. What a
//! colour or a pattern of a bar says, the row says in words and numbers too.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::base::time;
use crate::report::traces::{Kind, Span, Trace, Traces};
use crate::report::{Input, number};

/// More spans of a trace than this are not drawn.
const ROWS_MAX: usize = 40;
/// Of more workloads than this nothing is drawn.
const WORKLOADS_MAX: usize = 4;
const TICKS_MAX: u64 = 6;

/// Chosen requests of every workload; nothing where none were recorded.
pub(super) fn section(input: &Input) -> Markup {
    let Some(traces) = Traces::of(input).filter(|it| !it.traces.is_empty()) else { return html! {} };
    let left_out = traces.chosen.len().saturating_sub(WORKLOADS_MAX);
    html! {
        section #requests aria-labelledby="requests-title" {
            h2 #requests-title { "Single requests" }
            p { "Where the time of one request went: a row is a call as its caller sees it, or the work for it. " }
            ul .legend aria-label="What bars mean" {
                li .work { "works" } li .wait { "waits for a thread or another resource" } li .rest { "waits for answers" }
                li .net { "network, pauses" } li .vain { "goes on though nobody waits any more" }
            }
            @for (n, chosen) in traces.chosen.iter().take(WORKLOADS_MAX).enumerate() {
                @if traces.chosen.len() > 1 { h3 { (chosen.workload) } }
                @for (id, titles) in titles(chosen) {
                    @if let Some(trace) = traces.traces.iter().find(|it| it.id == id) {
                        (drawn(trace, &titles, n == 0))
                    }
                }
            }
            @if left_out > 0 { p .note { (number::count(left_out as u64)) " more workloads are in traces.json." } }
        }
    }
}

/// The chosen requests, each once, and what they were chosen for.
fn titles(chosen: &crate::report::traces::Chosen) -> Vec<(&str, String)> {
    let all = [
        (&chosen.fastest, "fastest"),
        (&chosen.median, "median"),
        (&chosen.slowest, "slowest"),
        (&chosen.first_failed, "first failed"),
    ];
    let mut titles: Vec<(&str, String)> = Vec::new();
    for (id, title) in all {
        let Some(id) = id.as_deref() else { continue };
        match titles.iter_mut().find(|(other, _)| *other == id) {
            Some((_, titles)) => *titles += &format!(" and {title}"),
            None => titles.push((id, title.to_owned())),
        }
    }
    titles
}

fn drawn(trace: &Trace, title: &str, is_open: bool) -> Markup {
    let Some(root) = trace.spans.first() else { return html! {} };
    let tree = Tree::of(trace);
    let rows = tree.rows(trace);
    let start = root.start_ns;
    let end = rows.iter().map(|row| trace.spans[row.span].end_ns).max().unwrap_or(start).max(start + 1);
    let scale = Scale { start, nanos: end - start };
    let left_out = trace.spans.len() - rows.len();
    let head = format!(
        "The {title} request of {}: {} after {}, from {} on",
        trace.workload,
        trace.outcome,
        length(root.end_ns - root.start_ns),
        length(start)
    );
    html! {
        details .request open[is_open] {
            summary { (head) }
            div .scroll tabindex="0" role="region" aria-label=(head) {
                table .waterfall style={ "--step:" (percent(scale.step(), scale.nanos)) } {
                    thead { tr {
                        th scope="col" { "Span" } th scope="col" .number { "Took" } th scope="col" .number { "Waited" }
                        th scope="col" { "Ended" }
                        th scope="col" .bars aria-label={ "Bar, from 0 to " (length(scale.nanos)) } { (scale.ticks()) }
                    } }
                    tbody { @for row in &rows { (drawn_row(&trace.spans[row.span], row.depth, &scale)) } }
                }
            }
            @if left_out > 0 {
                p .note { (number::count(left_out as u64)) " more spans are left out: the longest and those that failed are drawn." }
            }
            @if trace.left_out > 0 {
                p .note { (number::count(trace.left_out.into())) " more spans, phases and events were not recorded." }
            }
        }
    }
}

fn drawn_row(span: &Span, depth: usize, scale: &Scale) -> Markup {
    let name = label(span);
    let late = span.abandoned_ns.filter(|at| *at < span.end_ns);
    html! {
        tr .failed[!span.is_ok] {
            th scope="row" title=(name) style={ "padding-left:" (depth.min(16) * 2 + 1) "ex" } { (name) }
            td .number { (length(span.end_ns - span.start_ns)) }
            td .number { @if span.wait_ns > 0 { (length(span.wait_ns)) } }
            td .ended {
                @if span.is_ok { (span.outcome) } @else { span .mark aria-hidden="true" { "✗ " } (span.outcome) }
                @if let Some(at) = late { "; " (length(span.end_ns - at)) " of it in vain" }
            }
            td .bars {
                (scale.bar("rest", span.start_ns, span.end_ns))
                @for (class, start, end) in parts(span) { (scale.bar(class, start, end)) }
                @if let Some(at) = late { (scale.bar("vain", at, span.end_ns)) }
            }
        }
    }
}

/// What a span is called: attempts of calls have numbers.
fn label(span: &Span) -> String {
    match (span.kind, span.attempt) {
        (Kind::Attempt, Some(attempt)) => format!("→ {} attempt {attempt}", span.name),
        (Kind::Attempt, None) => format!("→ {}", span.name),
        (Kind::Publish, Some(attempt)) if attempt > 1 => format!("publish {} attempt {attempt}", span.name),
        (Kind::Delivery, Some(time)) if time > 1 => format!("delivery {} time {time}", span.name),
        (Kind::Handler | Kind::Request, _) => span.name.clone(),
        (kind, _) => format!("{} {}", kind.name(), span.name),
    }
}

/// The phases of a span as bars; those of one look that touch are one.
fn parts(span: &Span) -> Vec<(&'static str, u64, u64)> {
    let mut parts: Vec<(&'static str, u64, u64)> = Vec::new();
    for phase in span.phases.iter().filter(|it| it.start_ns < it.end_ns) {
        let class = match phase.on.as_str() {
            "work" | "reads and writes messages" => "work",
            "network" | "backoff" | "sleep" | "streams" => "net",
            "waits for answers" => continue,
            _ => "wait",
        };
        match parts.last_mut() {
            Some((last, _, end)) if *last == class && *end == phase.start_ns => *end = phase.end_ns,
            _ => parts.push((class, phase.start_ns, phase.end_ns)),
        }
    }
    parts
}

/// The spans of a trace by their parents, as places in its list.
struct Tree {
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
}

struct Row {
    span: usize,
    depth: usize,
}

impl Tree {
    fn of(trace: &Trace) -> Tree {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tree = Tree { parents: Vec::new(), children: vec![Vec::new(); trace.spans.len()] };
        for (place, span) in trace.spans.iter().enumerate() {
            let parent = span.parent.as_deref().and_then(|id| places.get(id).copied());
            if let Some(parent) = parent {
                tree.children[parent].push(place);
            }
            tree.parents.push(parent);
            places.insert(&span.id, place);
        }
        tree
    }

    /// Those that are drawn, children below their parents: what failed and what took longest goes first, with all it
    /// belongs to.
    fn rows(&self, trace: &Trace) -> Vec<Row> {
        let spans = &trace.spans;
        let mut wanted: Vec<usize> = (0..spans.len()).collect();
        wanted.sort_by_key(|place| {
            let it = &spans[*place];
            (it.is_ok, std::cmp::Reverse(it.end_ns - it.start_ns), *place)
        });
        let mut kept = vec![false; spans.len()];
        let mut room = ROWS_MAX;
        for place in wanted {
            let line = std::iter::successors(Some(place), |place| self.parents[*place]);
            let fresh: Vec<usize> = line.filter(|place| !kept[*place]).collect();
            if fresh.len() <= room {
                room -= fresh.len();
                fresh.into_iter().for_each(|place| kept[place] = true);
            }
        }
        let roots = (0..spans.len()).rev().filter(|place| self.parents[*place].is_none());
        let mut open: Vec<Row> = roots.map(|span| Row { span, depth: 0 }).collect();
        let mut rows = Vec::new();
        while let Some(row) = open.pop() {
            if !kept[row.span] {
                continue;
            }
            let mut children = self.children[row.span].clone();
            children.sort_by_key(|place| (spans[*place].start_ns, *place));
            open.extend(children.into_iter().rev().map(|span| Row { span, depth: row.depth + 1 }));
            rows.push(row);
        }
        rows
    }
}

struct Scale {
    start: u64,
    nanos: u64,
}

impl Scale {
    fn bar(&self, class: &str, start: u64, end: u64) -> Markup {
        let (start, end) = (start.saturating_sub(self.start), end.saturating_sub(self.start).min(self.nanos));
        let (left, width) = (percent(start, self.nanos), percent(end.saturating_sub(start), self.nanos));
        html! { span class=(class) style={ "left:" (left) ";width:" (width) } {} }
    }

    /// Between two ticks, a round number of nanoseconds.
    fn step(&self) -> u64 {
        let rounds = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        rounds.into_iter().find(|step| self.nanos / step <= TICKS_MAX).unwrap_or(self.nanos)
    }

    fn ticks(&self) -> Markup {
        let step = self.step();
        html! {
            @for tick in 0..=self.nanos / step {
                // The last one would stand out of the table.
                @if tick * step <= self.nanos / 100 * 93 {
                    span .tick style={ "left:" (percent(tick * step, self.nanos)) } { (length(tick * step)) }
                }
            }
        }
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", part as f64 / whole as f64 * 100.0)
}

fn length(nanos: u64) -> String {
    number::span(Some(time::Span::from_nanos(nanos)))
}
