//! `report.html`: one page that needs nothing but itself. `story` says how the run ended and what happened; `graph` draws
//! who calls whom (`layers` lays it out) and `frames` what it was like in each moment, which the page plays; `heat` shows
//! services over time, the charts are those of `figure`, `waterfall` draws single
//! requests, and `tables` sort. `compare` is the page of several scenarios side by side. The page's data is JSON beside the markup, its
//! script and its style are files of their own here.

mod compare;
mod frames;
mod graph;
mod heat;
mod layers;
mod story;
mod tables;
mod waterfall;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::Input;
use super::facts::Facts;
use super::figure::{self, Chart, Hover};
use super::number;
pub use compare::comparison_report;
use frames::Frames;
use graph::{Graph, LinkData, NodeData, Trouble};
use heat::Heat;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const SORTS: &str = include_str!("sorts.js");

/// What of a run is neither in its model nor in its results.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The text of the scenario's file.
    pub scenario: &'a str,
    /// The command that repeats the run. It must not name where the files go: the page is the same everywhere.
    pub command: &'a str,
}

/// All that the script needs.
#[derive(Serialize)]
struct Data<'a> {
    /// When each moment begins, in seconds, and the end of the run.
    times: Vec<f64>,
    /// The moments of the cascade.
    fine: Option<(usize, usize)>,
    /// Where the playback stands at first.
    start: usize,
    nodes: Vec<NodeData>,
    links: Vec<LinkData>,
    words: Vec<&'static str>,
    troubles: Vec<Trouble>,
    /// The node that everything goes back to.
    root: Option<usize>,
    heat: Heat,
    charts: ChartData,
    events: Vec<EventData>,
    snapshots: Vec<Snapshot<'a>>,
}

#[derive(Serialize)]
struct ChartData {
    axis: [i32; 3],
    secs: f64,
    points: Vec<f64>,
    charts: Vec<Vec<Line>>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    unit: &'static str,
    values: Vec<Option<f64>>,
}

/// What the playback says from a time on.
#[derive(Serialize)]
struct EventData {
    at: f64,
    text: String,
    node: Option<usize>,
}

/// A moment that is shown as a picture of its own.
#[derive(Serialize)]
struct Snapshot<'a> {
    frame: usize,
    title: &'a str,
}

/// The document `report.html`.
pub fn report(input: &Input, origin: &Origin) -> String {
    let facts = Facts::new(input);
    let frames = Frames::new(input);
    let graph = Graph::new(input, &facts);
    let heat = Heat::new(&facts, &frames);
    let (hover, charts) = figure::charts(input);
    let heat_section = heat.section(input, &facts, &frames);
    let data = data(input, &frames, &graph, heat, &hover, &charts);
    // The only way out of a script element is a tag, so no `<` may stand in it.
    let data = serde_json::to_string(&data).expect("structs with text keys always serialise").replace('<', "\\u003c");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "brownout " (input.version) };
                title { (input.model.title) " – brownout" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#story" { "Skip to what happened" }
                header { (story::headline(input)) }
                main {
                    (playback(input, &graph))
                    (story::section(input, &graph))
                    (heat_section)
                    (chart_section(&charts, &hover))
                    (waterfall::section(input))
                    (tables::services(&facts))
                    (tables::edges(&facts))
                    (scenario(origin))
                    (reproduce(input, origin))
                }
                (controls(&frames))
                footer { p { "Simulated by brownout " (input.version) ". A model is a drawing, not a photograph." } }
                script #data type="application/json" { (PreEscaped(data)) }
                script { (PreEscaped(SCRIPT)) }
                script { (PreEscaped(SORTS)) }
            }
        }
    }
    .into_string()
}

fn data<'a>(input: &Input, frames: &Frames, graph: &Graph, heat: Heat, hover: &Hover, charts: &[Chart]) -> Data<'a> {
    let lines = |chart: &Chart| {
        let line = |it: &figure::Values| Line { name: it.name.clone(), unit: it.unit, values: digits(&it.values) };
        chart.values.iter().map(line).collect()
    };
    let mut times: Vec<f64> = (0..frames.len()).map(|frame| frames.start(frame).as_secs_f64()).collect();
    times.push(input.results.ended.as_secs_f64());
    let snapshots = snapshots(input, frames);
    let events = input.insight.map(|insight| insight.events.as_slice()).unwrap_or_default();
    let event = |event: &crate::insight::Event| EventData {
        at: event.at.as_secs_f64(),
        text: story::said(event),
        node: graph.node(event.place.kind, &event.place.name),
    };
    Data {
        times,
        fine: frames.fine,
        start: snapshots.iter().rev().nth(1).or(snapshots.first()).map_or(0, |it| it.frame),
        nodes: graph.nodes(input, frames),
        links: graph.links(input, frames),
        words: graph::words(),
        troubles: graph.troubles(input),
        root: input.insight.and_then(|insight| graph.root(&insight.root)),
        heat,
        charts: ChartData {
            axis: hover.axis,
            secs: hover.secs,
            points: hover.points.clone(),
            charts: charts.iter().map(lines).collect(),
        },
        events: events.iter().filter(|event| event.is_told).map(event).collect(),
        snapshots,
    }
}

/// Four digits are more than a curve shows.
fn digits(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let round = |value: f64| format!("{value:.3e}").parse::<f64>().unwrap_or(value);
    values.iter().map(|value| value.filter(|value| value.is_finite()).map(round)).collect()
}

/// Before, when it begins, at its height, and how it ends.
fn snapshots<'a>(input: &Input, frames: &Frames) -> Vec<Snapshot<'a>> {
    let Some(last) = frames.len().checked_sub(1) else { return Vec::new() };
    let events = input.insight.map(|insight| insight.events.as_slice()).unwrap_or_default();
    let cascade = frames::cascade(events);
    let (Some(first), Some(late)) = (cascade.first(), cascade.get(cascade.len() * 4 / 5)) else { return Vec::new() };
    let (begin, height) = (frames.at(first.at), frames.at(late.at));
    let list = [
        (begin.saturating_sub(3), "Before"),
        (begin + 2, "It begins"),
        ((begin + height) / 2, "It spreads"),
        (height + 2, "Its height"),
        (last, "The end"),
    ];
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for (frame, title) in list {
        // What goes fast has no moment between its beginning and its height.
        if snapshots.last().is_none_or(|before| before.frame < frame) {
            snapshots.push(Snapshot { frame: frame.min(last), title });
        }
    }
    snapshots
}

fn playback(input: &Input, graph: &Graph) -> Markup {
    let what = format!("Call graph of {}: who calls whom, from the users on the left", input.model.title);
    html! {
        section #playback aria-labelledby="playback-title" {
            h2 #playback-title { "The cascade" }
            p #now .now aria-live="polite" {}
            div .wide { (graph.svg(&what)) }
            ul .legend aria-label="What colours and lines mean" {
                li .idle { "idle" } li .calm { "calm" } li .busy { "busy" } li .full { "all threads taken" }
                li .failing { "failing" } li .vain { "working in vain" }
                li .line.sync { "calls, as thick as their traffic" } li .line.async { "messages" } li .line.broken { "calls that fail" }
                li .meter { "bar: busy threads, hatched for callers who have left" }
            }
            @if graph.left_out() > 0 {
                p .note { (number::count(graph.left_out() as u64)) " more services are not drawn: those of the story and the busiest are. All are in the heat map and in the tables." }
            }
            div #moments .moments {}
        }
    }
}

/// Plays, and stands at the foot of the window.
fn controls(frames: &Frames) -> Markup {
    html! {
        nav #controls aria-label="Playback" {
            button #play type="button" aria-pressed="false" { "▶ Play" }
            button #back type="button" title="Event before ([)" { "‹ Back" }
            button #forth type="button" title="Next event (])" { "Next ›" }
            label .spoken for="time" { "Time" }
            input #time type="range" min="0" max=(frames.len().saturating_sub(1)) step="1" value="0";
            output #clock for="time" {}
        }
    }
}

fn chart_section(charts: &[Chart], hover: &Hover) -> Markup {
    html! {
        section #charts aria-labelledby="charts-title" {
            h2 #charts-title { "Over time" }
            p { "Point at a chart for its values; a click takes the playback there. The " span .cursor-word { "upright line" } " is where the playback stands." }
            @for (n, chart) in charts.iter().enumerate() {
                figure .chart id={ "chart-" (chart.name) } data-n=(n) data-top=(chart.rows[0]) data-bottom=(chart.rows[1]) {
                    div .wide role="img" aria-label={ (chart.title) ": " (chart.note) ", over " (number::secs(Some(hover.secs))) ". " (peaks(chart)) } {
                        (PreEscaped(&chart.svg))
                    }
                }
            }
        }
    }
}

/// The highest value of each line, for who cannot see them.
fn peaks(chart: &Chart) -> String {
    let peak = |it: &figure::Values| {
        let value = it.values.iter().flatten().copied().reduce(f64::max);
        let text = match it.unit {
            "/s" => number::rate(value),
            "s" => number::secs(value),
            "B" => number::bytes(value),
            unit => number::plain(value) + unit,
        };
        format!("{} at most {text}", it.name)
    };
    chart.values.iter().map(peak).collect::<Vec<_>>().join("; ")
}

fn scenario(origin: &Origin) -> Markup {
    html! {
        section #scenario aria-labelledby="scenario-title" {
            h2 #scenario-title { "The scenario" }
            details { summary { "The file that was run" } pre tabindex="0" { code { (origin.scenario) } } }
        }
    }
}

fn reproduce(input: &Input, origin: &Origin) -> Markup {
    html! {
        section #reproduce aria-labelledby="reproduce-title" {
            h2 #reproduce-title { "How to reproduce this" }
            p { "The same file, seed and version give the same bytes on every machine." }
            pre tabindex="0" { code { (origin.command) } }
            dl {
                dt { "Seed" } dd { (input.model.seed) }
                dt { "Hash of the scenario" } dd { code .hash { (input.hash) } }
                dt { "Version" } dd { "brownout " (input.version) }
                dt { "Simulated" } dd { (number::span(Some(input.model.duration))) ", warm-up " (number::span(Some(input.model.warmup))) ", " (number::count(input.results.events)) " events" }
            }
        }
    }
}
