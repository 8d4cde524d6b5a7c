//! What stands around the panels: title, labelled windows of time, the time axis, and where the picture
//! comes from.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas, Font};
use super::draw::{self, Axis, DIM, LEFT, MARGIN, RIGHT, TEXT, WIDTH};
use super::palette::{BLACK, CHANGE_EDGE, FAULT, FAULT_EDGE, FRAME, NOTE, WARMUP, dashed, solid};
use super::panel::Panel;
use super::points::Points;
use super::scale::time_ticks;
use super::windows::{Kind, Window, windows};
use crate::base::time::Time;
use crate::report::facts::{self, Facts};
use crate::report::{Input, number};

const HEADLINE: Font = Font { size: 40, bold: true, color: BLACK };
const FOOTER: Font = Font { size: 19, bold: false, color: NOTE };
const HEADLINE_HEIGHT: i32 = 52;
const SUBTITLE_HEIGHT: i32 = 44;
const LANE_HEIGHT: i32 = 42;
/// More windows on top of one another go without a label.
const LANES_MAX: usize = 5;
const PANEL_GAP: i32 = 30;
/// Time axis and footer.
const FOOT: i32 = 124;
/// The time axis alone.
const AXIS: i32 = 84;

/// Everything but the panels.
pub(super) struct Page {
    axis: Axis,
    headline: Vec<String>,
    subtitle: String,
    windows: Vec<Placed>,
    lanes: usize,
    footer: [String; 2],
}

/// A window of time and where its label stands.
struct Placed {
    window: Window,
    from: i32,
    until: i32,
    /// Left edge and text of the label, and its lane from the top; none where there was no room.
    label: Option<(i32, usize, String)>,
}

impl Page {
    pub(super) fn new(input: &Input, facts: &Facts, points: &Points) -> Page {
        let end = input.model.end().max(input.results.ended).as_secs_f64();
        let axis = Axis { secs: end.max(1e-9), ticks: time_ticks(end), points: points.bounds() };
        let (windows, lanes) = place(windows(facts), &axis);
        let interval = input.results.series.interval.as_secs_f64() * points.group as f64;
        let origin =
            format!("seed {} · scenario {} · brownout {}", input.model.seed, input.short_hash(), input.version);
        let mut precision = format!("one point is {}", number::secs(Some(interval)));
        match windows.iter().filter(|it| it.label.is_none()).count() {
            0 => {}
            unnamed => precision += &format!(" · {unnamed} more windows are not named"),
        }
        Page {
            axis,
            headline: headline(&input.model.title),
            subtitle: subtitle(facts),
            windows,
            lanes,
            footer: [origin, precision],
        }
    }

    /// The picture of `panel` without title and origin, for a page that has them, and where its data begins and ends.
    pub(super) fn bare(&self, panel: &Panel) -> (String, [i32; 2]) {
        let top = MARGIN / 2 + draw::HEADING + self.lanes as i32 * LANE_HEIGHT;
        let bottom = top + draw::height(panel);
        let svg = canvas::svg((WIDTH as u32, (bottom + AXIS) as u32), |canvas| {
            self.shade(canvas, top, bottom);
            draw::heading(canvas, panel, MARGIN / 2);
            draw::body(canvas, &self.axis, panel, top);
            self.labels(canvas, top);
            self.time(canvas, bottom);
        });
        (svg, [top, bottom])
    }

    /// Start and end of every point.
    pub(super) fn points(&self) -> &[(Time, Time)] {
        &self.axis.points
    }

    /// How long its time axis is, in seconds.
    pub(super) fn secs(&self) -> f64 {
        self.axis.secs
    }

    /// The picture of `panels`, one below the other.
    pub(super) fn svg(&self, panels: &[&Panel]) -> String {
        let subtitle = MARGIN + self.headline.len() as i32 * HEADLINE_HEIGHT;
        let mut y = subtitle + SUBTITLE_HEIGHT + PANEL_GAP;
        // The labels of the windows stand between the first heading and its data.
        let mut strip = self.lanes as i32 * LANE_HEIGHT;
        let mut placed = Vec::new();
        for panel in panels {
            let top = y + draw::HEADING + std::mem::take(&mut strip);
            y = top + draw::height(panel) + PANEL_GAP;
            placed.push((*panel, top));
        }
        let bottom = y - PANEL_GAP;
        canvas::svg((WIDTH as u32, (bottom + FOOT) as u32), |canvas| {
            self.head(canvas, subtitle);
            for (place, (panel, top)) in placed.iter().enumerate() {
                self.shade(canvas, *top, *top + draw::height(panel));
                let strip = if place == 0 { self.lanes as i32 * LANE_HEIGHT } else { 0 };
                draw::heading(canvas, panel, *top - strip - draw::HEADING);
                draw::body(canvas, &self.axis, panel, *top);
                if place == 0 {
                    self.labels(canvas, *top);
                }
            }
            self.foot(canvas, bottom);
        })
    }

    fn head(&self, canvas: &Canvas, subtitle: i32) {
        for (line, text) in self.headline.iter().enumerate() {
            let y = MARGIN + line as i32 * HEADLINE_HEIGHT + HEADLINE_HEIGHT / 2;
            canvas.text(text, (MARGIN, y), (HPos::Left, VPos::Center), HEADLINE);
        }
        let at = (MARGIN, subtitle + SUBTITLE_HEIGHT / 2);
        canvas.text(&TEXT.fit(&self.subtitle, WIDTH - 2 * MARGIN), at, (HPos::Left, VPos::Center), DIM);
    }

    /// The windows of time behind the data of a panel.
    fn shade(&self, canvas: &Canvas, top: i32, bottom: i32) {
        for it in &self.windows {
            if let Some(tint) = tint(it.window.kind) {
                canvas.rectangle([(it.from, top), (it.until.max(it.from + 1), bottom)], tint);
            }
        }
        for it in self.windows.iter().filter(|it| it.window.kind != Kind::Warmup) {
            // A mark without a tint must be seen beside the line of the grid that may cover it.
            let width = if it.window.kind == Kind::Change { 4 } else { 2 };
            let side = dashed(edge(it.window.kind), width, (6, 6));
            canvas.line(&[(it.from, top), (it.from, bottom)], side);
            canvas.line(&[(it.until, top), (it.until, bottom)], side);
        }
    }

    /// What the windows are, in lanes above `bottom`, each with a bar as long as it lasts.
    fn labels(&self, canvas: &Canvas, bottom: i32) {
        for it in &self.windows {
            let Some((left, lane, text)) = &it.label else { continue };
            let bar = bottom - (self.lanes - 1 - lane) as i32 * LANE_HEIGHT - 5;
            canvas.line(&[(it.from, bar), (it.until.max(it.from + 3), bar)], solid(edge(it.window.kind), 6));
            canvas.text(text, (*left, bar - 19), (HPos::Left, VPos::Center), TEXT);
        }
    }

    /// The time axis.
    fn time(&self, canvas: &Canvas, bottom: i32) {
        for (at, label) in &self.axis.ticks {
            let x = self.axis.x(*at);
            canvas.line(&[(x, bottom), (x, bottom + 8)], solid(FRAME, 2));
            canvas.text(label, (x, bottom + 32), (HPos::Center, VPos::Center), DIM);
        }
        canvas.text("simulated time", ((LEFT + RIGHT) / 2, bottom + 64), (HPos::Center, VPos::Center), DIM);
    }

    /// The time axis, and where the picture comes from.
    fn foot(&self, canvas: &Canvas, bottom: i32) {
        self.time(canvas, bottom);
        let y = bottom + 102;
        canvas.text(&self.footer[0], (MARGIN, y), (HPos::Left, VPos::Center), FOOTER);
        canvas.text(&self.footer[1], (WIDTH - MARGIN, y), (HPos::Right, VPos::Center), FOOTER);
    }
}

fn tint(kind: Kind) -> Option<RGBColor> {
    match kind {
        Kind::Warmup => Some(WARMUP),
        Kind::Fault => Some(FAULT),
        Kind::Change | Kind::Interrupted => None,
    }
}

fn edge(kind: Kind) -> RGBColor {
    match kind {
        Kind::Warmup => FRAME,
        Kind::Fault => FAULT_EDGE,
        Kind::Change => CHANGE_EDGE,
        Kind::Interrupted => BLACK,
    }
}

/// Gives every label the highest lane in which it covers no other; how many lanes that takes.
fn place(windows: Vec<Window>, axis: &Axis) -> (Vec<Placed>, usize) {
    let mut taken: Vec<Vec<(i32, i32)>> = Vec::new();
    let mut placed = Vec::new();
    for window in windows {
        let (from, until) = (axis.x(window.from.as_secs_f64()), axis.x(window.until.as_secs_f64()));
        let text = TEXT.fit(&window.label, WIDTH - MARGIN - LEFT);
        let width = TEXT.width(&text);
        let left = ((from + until - width) / 2).clamp(LEFT, (WIDTH - MARGIN - width).max(LEFT));
        let span = (from.min(left) - 14, until.max(left + width) + 14);
        let free = |lane: &Vec<(i32, i32)>| lane.iter().all(|other| span.1 <= other.0 || other.1 <= span.0);
        let lane = taken.iter().position(free).unwrap_or(taken.len());
        let label = (lane < LANES_MAX).then_some((left, lane, text));
        if label.is_some() {
            taken.resize(taken.len().max(lane + 1), Vec::new());
            taken[lane].push(span);
        }
        placed.push(Placed { window, from, until, label });
    }
    (placed, taken.len())
}

/// The title in at most two lines.
fn headline(title: &str) -> Vec<String> {
    const LINES_MAX: usize = 2;
    let room = WIDTH - 2 * MARGIN;
    let mut lines: Vec<String> = vec![String::new()];
    for word in title.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || lines.len() == LINES_MAX || HEADLINE.width(&longer) <= room {
            *lines.last_mut().expect("there is a first line") = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| HEADLINE.fit(line, room)).collect()
}

/// What became of the requests, in one line.
fn subtitle(facts: &Facts) -> String {
    let workloads = &facts.results.workloads;
    let offered: u64 = workloads.iter().map(|it| it.offered).sum();
    let good: u64 = workloads.iter().map(|it| it.good).sum();
    match facts::ratio(good as f64, offered as f64) {
        None => "no requests after the warm-up".to_owned(),
        share => format!(
            "{} requests after the warm-up, {} of them answered well and in time",
            number::count(offered),
            number::share(share)
        ),
    }
}
