//! What users see: how much was asked and answered, and how fast.

use crate::base::time::Span;
use crate::measure::WorkloadSeries;

use super::palette::{BLACK, BLUE, GREEN, ORANGE, SERIES, SKY, VERMILLION, dashed, solid};
use super::panel::{Body, Line, Lines, Panel};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::report::facts::Facts;
use crate::report::number;

/// Light enough for lines to stand out on it.
const UNDER_GOODPUT: plotters::style::RGBColor = plotters::style::RGBColor(0xC9, 0xEA, 0xE0);

/// Offered, attempts, throughput and goodput of all workloads.
pub(super) fn load(facts: &Facts, points: &Points) -> Panel {
    let workloads = &facts.results.series.workloads;
    let sum = |counts: &dyn Fn(&WorkloadSeries) -> &Vec<u64>| {
        let mut sums = vec![0; facts.results.series.points];
        for workload in workloads {
            sums.iter_mut().zip(counts(workload)).for_each(|(sum, count)| *sum += count);
        }
        points.rates(&sums)
    };
    let line = |name: &str, values, stroke| Line { name: name.to_owned(), values, stroke };
    let lines = vec![
        line("attempts", sum(&|it| &it.attempts), solid(VERMILLION, 4)),
        line("offered", sum(&|it| &it.offered), dashed(BLACK, 3, (8, 6))),
        line("throughput", sum(&|it| &it.answered), solid(SKY, 9)),
        line("goodput", sum(&|it| &it.good), solid(GREEN, 5)),
    ];
    let note = match workloads.len() {
        0 | 1 => "users' requests per second; goodput is answered well and in time".to_owned(),
        count => format!("requests per second of all {count} workloads; goodput is answered well and in time"),
    };
    let scale = Scale::linear(Lines::extent(&lines).1);
    let body = Lines { scale, unit: Unit::PerSecond, lines, marks: vec![], fill: Some(UNDER_GOODPUT), silence: "" };
    Panel { name: "load", title: "Load", note, key: vec![], body: Body::Lines(body) }
}

/// Percentiles of the latency of good answers: three of one workload, or the 99th of several.
pub(super) fn latency(facts: &Facts, points: &Points) -> Panel {
    let series = &facts.results.series.workloads;
    let seconds = |spans: &[Option<Span>]| {
        points.maxima(&spans.iter().map(|span| span.map(Span::as_secs_f64)).collect::<Vec<_>>())
    };
    let shown = busiest_workloads(facts);
    let (lines, mut note): (Vec<Line>, String) = match shown[..] {
        [only] if series.len() == 1 => {
            let strokes = [solid(VERMILLION, 4), dashed(ORANGE, 4, (20, 6)), solid(BLUE, 4)];
            let it = &series[only];
            let percentiles = [("99th percentile", &it.p99), ("95th percentile", &it.p95), ("median", &it.p50)];
            let line = |((name, spans), stroke): ((&str, &Vec<_>), _)| Line {
                name: name.to_owned(),
                values: seconds(spans),
                stroke,
            };
            (percentiles.into_iter().zip(strokes).map(line).collect(), "of good answers, logarithmic".to_owned())
        }
        _ => {
            let names: Vec<&str> = facts.model.workloads.iter().map(|it| it.name.as_str()).collect();
            let line = |(id, stroke): (&usize, &_)| Line {
                name: names[*id].to_owned(),
                values: seconds(&series[*id].p99),
                stroke: *stroke,
            };
            let lines = shown.iter().zip(&SERIES).map(line).collect();
            (lines, "99th percentile of good answers, logarithmic".to_owned())
        }
    };
    if shown.len() < series.len() {
        note += &format!("; busiest {} of {} workloads", shown.len(), series.len());
    }
    let marks = deadlines(facts);
    let (min, max) = Lines::extent(&lines);
    let lowest = marks.iter().map(|mark| mark.0).fold(min, f64::min);
    let highest = marks.iter().map(|mark| mark.0).fold(max, f64::max);
    let scale = Scale::log(lowest, highest);
    let body = Lines { scale, unit: Unit::Seconds, lines, marks, fill: None, silence: "no good answers" };
    Panel { name: "latency", title: "Latency", note, key: vec![], body: Body::Lines(body) }
}

/// The deadlines of all workloads; of more than two, the shortest and the longest.
fn deadlines(facts: &Facts) -> Vec<(f64, String)> {
    let mut spans: Vec<Span> = facts.model.workloads.iter().filter_map(|it| it.deadline).collect();
    spans.sort_unstable();
    spans.dedup();
    let mark = |which: &str, span: &Span| (span.as_secs_f64(), format!("{which}deadline {}", number::written(*span)));
    match &spans[..] {
        [shortest, _, .., longest] => vec![mark("first ", shortest), mark("last ", longest)],
        few => few.iter().map(|span| mark("", span)).collect(),
    }
}

fn busiest_workloads(facts: &Facts) -> Vec<usize> {
    let results = &facts.results.workloads;
    let mut ids: Vec<usize> = (0..results.len()).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(results[*id].offered));
    ids.truncate(SERIES.len());
    ids.sort_unstable();
    ids
}
