//! Pictures of experiments over time: `bands`, in which most of the replications of a scenario lie, and `overlay`, the
//! middle runs of several scenarios in the same panel.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas, Font};
use super::draw::{self, Axis, DIM, LEFT, MARGIN, RIGHT, TEXT, WIDTH};
use super::palette::{
    BLACK, BLUE, FAULT, FAULT_EDGE, FRAME, GREEN, NOTE, Stroke, VERMILLION, WARMUP, dashed, series, solid,
};
use super::panel::{Body, Line, Lines, Panel};
use super::scale::{Scale, Unit, time_ticks};
use super::{Figure, bitmap};
use crate::base::time::Time;
use crate::experiment::{Band, Course, Replications, WorkloadCourse};
use crate::model::Model;
use crate::report::experiment::{comparison, replications};
use crate::report::{facts, number};

/// The names of the pictures.
pub const EXPERIMENT_NAMES: [&str; 2] = ["bands", "overlay"];

const HEADLINE: Font = Font { size: 40, bold: true, color: BLACK };
const FOOTER: Font = Font { size: 19, bold: false, color: NOTE };
const HEAD: i32 = 104;
/// Between two lines of the headline.
const HEADLINE_LINE: i32 = 48;
const PANEL_GAP: i32 = 30;
const FOOT: i32 = 124;
/// More points than this on a line are thinned out.
const POINTS_MAX: usize = 500;
/// More workloads, or services, than this have no panel of their own.
const PANELS_MAX: usize = 4;
const BAND_GREEN: RGBColor = RGBColor(0xBF, 0xE6, 0xDA);
const BAND_VERMILLION: RGBColor = RGBColor(0xF4, 0xD3, 0xBA);
const BAND_BLUE: RGBColor = RGBColor(0xC2, 0xDC, 0xEC);

/// A line, and the area in which most runs lie.
struct Banded {
    line: Line,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
    /// Colour of the area; `None` draws only its edges, in the colour of the line.
    fill: Option<RGBColor>,
}

impl Banded {
    fn new(name: &str, band: &Band, stroke: Stroke, fill: Option<RGBColor>) -> Banded {
        let line = Line { name: name.to_owned(), values: thin(&band.p50), stroke };
        Banded { line, low: thin(&band.p10), high: thin(&band.p90), fill }
    }
}

/// What a panel is made of, before it has a scale.
struct Sketch {
    title: &'static str,
    note: String,
    unit: Unit,
    is_log: bool,
    silence: &'static str,
    lines: Vec<Banded>,
}

/// The picture of replications, if they kept their courses.
pub fn bands(input: &replications::Input) -> Option<Figure> {
    let (model, courses) = (input.model, courses(input.runs)?);
    let mut sketches = Vec::new();
    for (id, workload) in model.workloads.iter().enumerate().take(PANELS_MAX) {
        let band = |of: fn(&WorkloadCourse) -> &crate::experiment::Line| {
            Band::of(courses.iter().map(|course| of(&course.workloads[id])))
        };
        let offered = Band::of(courses.iter().map(|course| &course.workloads[id].offered));
        let good = Banded::new("goodput", &band(|it| &it.good), solid(GREEN, 5), Some(BAND_GREEN));
        let line = |name: &str, band: &Band, stroke| Banded {
            low: Vec::new(),
            high: Vec::new(),
            ..Banded::new(name, band, stroke, None)
        };
        let offered = line("offered", &offered, dashed(BLACK, 3, (8, 6)));
        sketches.push(Sketch {
            title: "Goodput",
            note: format!("{}: requests per second answered well and in time", workload.name),
            unit: Unit::PerSecond,
            is_log: false,
            silence: "",
            lines: vec![offered, good],
        });
        sketches.push(Sketch {
            title: "Latency",
            note: format!("{}: 99th percentile of good answers, logarithmic", workload.name),
            unit: Unit::Seconds,
            is_log: true,
            silence: "no good answers",
            lines: vec![Banded::new("p99", &band(|it| &it.p99), solid(VERMILLION, 4), Some(BAND_VERMILLION))],
        });
    }
    for (id, service) in model.services.iter().enumerate().take(PANELS_MAX) {
        if courses.iter().any(|course| course.services.len() <= id) {
            continue;
        }
        let band = Band::of(courses.iter().map(|course| &course.services[id].in_system));
        sketches.push(Sketch {
            title: "Crowd",
            note: format!("{}: requests in the service, waiting or handled", service.name),
            unit: Unit::Plain,
            is_log: false,
            silence: "",
            lines: vec![Banded::new("in system", &band, solid(BLUE, 4), Some(BAND_BLUE))],
        });
    }
    let subtitle = format!(
        "{} runs: lines are medians, areas hold the middle 80% (from the 10th to the 90th percentile)",
        input.runs.runs.len()
    );
    let footer = format!(
        "seed {} · scenario {} · brownout {}",
        model.seed,
        input.hash.get(..12).unwrap_or(input.hash),
        input.version
    );
    Some(sheet("bands", (&model.title, &subtitle, &footer), model, courses[0], sketches))
}

/// The picture of a comparison, if its runs kept their courses. `model` is that of the first scenario: its faults are
/// shown.
pub fn overlay(input: &comparison::Input, model: &Model) -> Option<Figure> {
    let it = input.comparison;
    let arms: Option<Vec<Vec<&Course>>> = it.arms.iter().map(|arm| courses(&arm.runs)).collect();
    let arms = arms?;
    let mut sketches = Vec::new();
    type Of = fn(&WorkloadCourse) -> &crate::experiment::Line;
    let panels: [(&'static str, &'static str, Unit, bool, Of); 3] = [
        ("Goodput", "requests per second answered well and in time", Unit::PerSecond, false, |it| &it.good),
        ("Latency", "99th percentile of good answers, logarithmic", Unit::Seconds, true, |it| &it.p99),
        ("Attempts", "sent by users per second", Unit::PerSecond, false, |it| &it.attempts),
    ];
    for (id, workload) in model.workloads.iter().enumerate().take(PANELS_MAX) {
        for (title, note, unit, is_log, of) in panels {
            let lines = it.arms.iter().zip(&arms).enumerate().filter_map(|(place, (arm, courses))| {
                let lines: Option<Vec<_>> = courses.iter().map(|course| course.workloads.get(id).map(of)).collect();
                Some(Banded::new(&arm.name, &Band::of(lines?.into_iter()), series(place), None))
            });
            let note = format!("{}: {note}", workload.name);
            sketches.push(Sketch { title, note, unit, is_log, silence: "", lines: lines.collect() });
        }
    }
    let runs = it.arms.first().map_or(0, |arm| arm.runs.runs.len());
    let subtitle = format!("{runs} runs of each: thick lines are medians, thin ones the 10th and the 90th percentile");
    let footer = format!("seed {} · brownout {}", input.seed, input.version);
    let title = comparison::title(it);
    Some(sheet("overlay", (&title, &subtitle, &footer), model, arms[0].first()?, sketches))
}

fn courses(runs: &Replications) -> Option<Vec<&Course>> {
    let courses: Option<Vec<&Course>> = runs.runs.iter().map(|run| run.course.as_ref()).collect();
    courses.filter(|courses| !courses.is_empty())
}

/// The picture of panels below each other, over one time axis.
fn sheet(
    name: &str,
    (title, subtitle, footer): (&str, &str, &str),
    model: &Model,
    course: &Course,
    sketches: Vec<Sketch>,
) -> Figure {
    let end = model.end().as_secs_f64();
    let points = course.workloads.first().map_or(0, |it| it.good.len());
    let axis = Axis { secs: end.max(1e-9), ticks: time_ticks(end), points: bounds(course, points, model) };
    let panels: Vec<(Panel, Vec<Banded>)> = sketches.into_iter().map(panel).collect();
    let height: i32 = panels.iter().map(|(panel, _)| draw::HEADING + draw::height(panel) + PANEL_GAP).sum();
    let headline = HEADLINE.wrap(title, WIDTH - 2 * MARGIN);
    let head = HEAD + HEADLINE_LINE * (headline.len().max(1) as i32 - 1);
    let bottom = MARGIN + head + height;
    let svg = canvas::svg((WIDTH as u32, (bottom + FOOT) as u32), |canvas| {
        let left = (HPos::Left, VPos::Center);
        for (line, text) in (0..).zip(&headline) {
            canvas.text(text, (MARGIN, MARGIN + 26 + HEADLINE_LINE * line), left, HEADLINE);
        }
        canvas.text(&TEXT.fit(subtitle, WIDTH - 2 * MARGIN), (MARGIN, MARGIN + head - 34), left, DIM);
        let mut y = MARGIN + head;
        for (panel, banded) in &panels {
            draw::heading(canvas, panel, y);
            let top = y + draw::HEADING;
            shade(canvas, &axis, model, top, top + draw::height(panel));
            if let Body::Lines(lines) = &panel.body {
                for it in banded {
                    let edge = Stroke { width: 1, ..it.line.stroke };
                    draw::band(canvas, &axis, &lines.scale, top, (&it.low, &it.high), (it.fill, edge));
                }
            }
            draw::body(canvas, &axis, panel, top);
            y = top + draw::height(panel) + PANEL_GAP;
        }
        let bottom = bottom - PANEL_GAP;
        for (at, label) in &axis.ticks {
            let x = axis.x(*at);
            canvas.line(&[(x, bottom), (x, bottom + 8)], solid(FRAME, 2));
            canvas.text(label, (x, bottom + 32), (HPos::Center, VPos::Center), DIM);
        }
        canvas.text("simulated time", ((LEFT + RIGHT) / 2, bottom + 64), (HPos::Center, VPos::Center), DIM);
        canvas.text(footer, (MARGIN, bottom + 102), left, FOOTER);
        let interval = format!("one point is {}", number::secs(Some(course.interval.as_secs_f64())));
        canvas.text(&interval, (WIDTH - MARGIN, bottom + 102), (HPos::Right, VPos::Center), FOOTER);
    });
    let png = bitmap::png(&svg);
    Figure { name: name.to_owned(), svg, png }
}

/// A panel with room for its areas. Those without a colour become thin lines, which have no name of their own.
fn panel(sketch: Sketch) -> (Panel, Vec<Banded>) {
    let values = || sketch.lines.iter().flat_map(|it| [&it.line.values, &it.low, &it.high]).flatten().flatten();
    let max = values().copied().fold(0.0, f64::max);
    let min = values().copied().filter(|value| *value > 0.0).fold(f64::MAX, f64::min);
    let scale = if sketch.is_log { Scale::log(min, max) } else { Scale::linear(max) };
    let lines = sketch.lines.iter().map(|it| Line {
        name: it.line.name.clone(),
        values: it.line.values.clone(),
        stroke: it.line.stroke,
    });
    let body = Lines {
        scale,
        unit: sketch.unit,
        lines: lines.collect(),
        marks: Vec::new(),
        fill: None,
        silence: sketch.silence,
    };
    let panel =
        Panel { name: "experiment", title: sketch.title, note: sketch.note, key: Vec::new(), body: Body::Lines(body) };
    (panel, sketch.lines)
}

/// Warm-up and faults behind the data.
fn shade(canvas: &Canvas, axis: &Axis, model: &Model, top: i32, bottom: i32) {
    let x = |time: Time| axis.x(time.as_secs_f64());
    if !model.warmup.is_zero() {
        canvas.rectangle([(LEFT, top), (x(Time::ZERO + model.warmup), bottom)], WARMUP);
    }
    for fault in &model.faults {
        let (from, until) = (x(fault.at), facts::fault_over(fault).map_or(RIGHT, x));
        canvas.rectangle([(from, top), (until.max(from + 1), bottom)], FAULT);
        for side in [from, until] {
            canvas.line(&[(side, top), (side, bottom)], dashed(FAULT_EDGE, 2, (6, 6)));
        }
    }
}

fn group(points: usize) -> usize {
    points.div_ceil(POINTS_MAX).max(1)
}

/// Means of neighbours, as many as a figure can show.
fn thin(values: &[f64]) -> Vec<Option<f64>> {
    let mean = |values: &[f64]| {
        let found: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    };
    values.chunks(group(values.len())).map(mean).collect()
}

/// Start and end of every point of the picture.
fn bounds(course: &Course, points: usize, model: &Model) -> Vec<(Time, Time)> {
    let at = |point: usize| Time::from_nanos(course.interval.as_nanos().saturating_mul(point as u64)).min(model.end());
    let step = group(points);
    (0..points).step_by(step).map(|point| (at(point), at(point + step))).collect()
}
