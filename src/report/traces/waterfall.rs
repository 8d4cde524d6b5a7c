//! A trace in the terminal: a line for each span, and its bar on one scale of time. The letters of a bar say what the time
//! went to, so that colour says nothing that is not written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::time;
use crate::report::number;

use super::{Kind, Span, Trace, Traces};

const KEY: &str = "\
█ work  ~ sleep  w waits for a thread or another resource  > network  b backoff  · waits for answers  ! nobody waits for it";
/// Narrower than that nothing can be told apart.
const BAR_MIN: usize = 20;
const NAME_MAX: usize = 38;

/// Draws a trace into so many columns.
pub fn waterfall(trace: &Trace, width: usize) -> String {
    let (start, end) = bounds(trace);
    let depths = depths(trace);
    let labels: Vec<String> =
        trace.spans.iter().zip(&depths).map(|(it, depth)| format!("{}{}", "  ".repeat(*depth), label(it))).collect();
    let lengths: Vec<String> = trace.spans.iter().map(|it| length(it.end_ns - it.start_ns)).collect();
    let notes: Vec<String> = trace.spans.iter().map(note).collect();
    let widest = |texts: &[String]| texts.iter().map(|it| it.chars().count()).max().unwrap_or(0);
    let (length_width, note_width) = (widest(&lengths), widest(&notes).min(24));
    let name_width = widest(&labels).min(NAME_MAX).min(width.saturating_sub(length_width + note_width + BAR_MIN + 4));
    let name_width = name_width.max(12);
    let bar_width = width.saturating_sub(name_width + length_width + note_width + 4).clamp(BAR_MIN, 100);
    let root = &trace.spans[0];
    let mut text = format!(
        "{} request {}: {} after {}, from {} on\n",
        trace.workload,
        trace.number,
        trace.outcome,
        length(root.end_ns - root.start_ns),
        length(root.start_ns)
    );
    let _ = writeln!(text, "trace {}\n", trace.id);
    for (((it, name), length), note) in trace.spans.iter().zip(&labels).zip(&lengths).zip(&notes) {
        let bar = bar(it, start, end, bar_width);
        let line = format!(
            "{:name_width$} {bar} {length:>length_width$}  {}",
            cut(name, name_width),
            cut(note, note_width.max(1))
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let scale = length(end - start);
    let _ = writeln!(text, "{:name_width$} 0{scale:>1$}", "", bar_width - 1);
    if trace.left_out > 0 {
        let _ = writeln!(text, "{} more spans, phases and events were left out", trace.left_out);
    }
    let _ = writeln!(text, "\n{KEY}");
    text
}

/// What there is: those to look at first, and then all.
pub fn list(traces: &Traces) -> String {
    let mut text = String::new();
    for it in &traces.chosen {
        let _ = writeln!(text, "{}: {} requests were recorded", it.workload, it.recorded);
    }
    let names: BTreeMap<&str, Vec<&str>> = traces.chosen.iter().fold(BTreeMap::new(), |mut names, it| {
        let chosen = [
            (&it.fastest, "fastest"),
            (&it.median, "median"),
            (&it.slowest, "slowest"),
            (&it.first_failed, "first-failed"),
        ];
        for (id, name) in chosen {
            if let Some(id) = id {
                names.entry(id.as_str()).or_default().push(name);
            }
        }
        names
    });
    let workloads = traces.traces.iter().map(|it| it.workload.chars().count()).max().unwrap_or(0).max(8);
    let _ = writeln!(
        text,
        "\n{:32}  {:workloads$}  {:>9}  {:>9}  {:>9}  {:12}",
        "trace", "workload", "number", "start", "latency", "outcome"
    );
    for it in &traces.traces {
        let root = &it.spans[0];
        let why = names.get(it.id.as_str()).map(|names| names.join(", ")).unwrap_or_default();
        let line = format!(
            "{:32}  {:workloads$}  {:>9}  {:>9}  {:>9}  {:12}  {why}",
            it.id,
            it.workload,
            it.number,
            length(root.start_ns),
            length(root.end_ns - root.start_ns),
            it.outcome
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn bounds(trace: &Trace) -> (u64, u64) {
    let start = trace.spans[0].start_ns;
    let end = trace.spans.iter().map(|it| it.end_ns).max().unwrap_or(start);
    (start, end.max(start + 1))
}

fn depths(trace: &Trace) -> Vec<usize> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    trace
        .spans
        .iter()
        .map(|it| {
            let depth = it.parent.as_ref().and_then(|parent| depths.get(parent.as_str())).map_or(0, |it| it + 1);
            depths.insert(&it.id, depth);
            depth
        })
        .collect()
}

fn label(it: &Span) -> String {
    match (it.kind, it.attempt) {
        (Kind::Attempt, Some(attempt)) if attempt > 1 => format!("→ {} (attempt {attempt})", it.name),
        (Kind::Attempt, _) => format!("→ {}", it.name),
        (Kind::Publish, Some(attempt)) if attempt > 1 => format!("publish {} (attempt {attempt})", it.name),
        (Kind::Delivery, Some(time)) if time > 1 => format!("delivery {} (time {time})", it.name),
        (Kind::Handler | Kind::Request, _) => it.name.clone(),
        (kind, _) => format!("{} {}", kind.name(), it.name),
    }
}

fn note(it: &Span) -> String {
    let late = it.abandoned_ns.is_some_and(|at| at < it.end_ns);
    match (it.is_ok, late) {
        (true, false) => String::new(),
        (true, true) => "too late".to_owned(),
        (false, _) => it.outcome.clone(),
    }
}

fn bar(it: &Span, start: u64, end: u64, width: usize) -> String {
    let column = |time: u64| {
        let share = u128::from(time.saturating_sub(start)) * width as u128 / u128::from(end - start);
        (share as usize).min(width - 1)
    };
    let mut cells = vec![' '; width];
    cells[column(it.start_ns)..=column(it.end_ns)].fill('·');
    for phase in &it.phases {
        let mark = match phase.on.as_str() {
            "work" | "reads and writes messages" => '█',
            "sleep" => '~',
            "network" => '>',
            "backoff" => 'b',
            "waits for answers" => '·',
            _ => 'w',
        };
        cells[column(phase.start_ns)..=column(phase.end_ns)].fill(mark);
    }
    if it.start_ns == it.end_ns {
        cells[column(it.start_ns)] = '|';
    }
    if let Some(at) = it.abandoned_ns.filter(|at| *at <= it.end_ns) {
        cells[column(at)] = '!';
    }
    cells.into_iter().collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn length(nanos: u64) -> String {
    number::span(Some(time::Span::from_nanos(nanos)))
}
