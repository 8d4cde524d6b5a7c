//! How a panel looks. The data is clipped to the frame; names stand right of it, so that none covers data.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Canvas, Font, Point};
use super::palette::{BLACK, FRAME, GRID, NOTE, Stroke, dashed, solid};
use super::panel::{Body, Line, Lines, Panel, Row};
use super::scale::Scale;
use crate::base::time::Time;

/// Width of every figure in pixels.
pub(super) const WIDTH: i32 = 1600;
pub(super) const MARGIN: i32 = 28;
/// Where the time axis starts and ends.
pub(super) const LEFT: i32 = 150;
pub(super) const RIGHT: i32 = 1216;

pub(super) const TITLE: Font = Font { size: 27, bold: true, color: BLACK };
pub(super) const TEXT: Font = Font { size: 23, bold: false, color: BLACK };
pub(super) const DIM: Font = Font { size: 23, bold: false, color: NOTE };
const SMALL: Font = Font { size: 19, bold: false, color: NOTE };

/// How much room a heading takes.
pub(super) const HEADING: i32 = 60;
const HEADING_MIDDLE: i32 = 20;
const LINES: i32 = 330;
const ROW: i32 = 60;
const ROW_GAP: i32 = 12;
/// Between two names right of the data.
const NAME_HEIGHT: i32 = 32;
const SAMPLE: i32 = 44;
const NAMES: i32 = RIGHT + 84;

/// The time axis that all panels share.
pub(super) struct Axis {
    /// Its length in seconds; positive.
    pub(super) secs: f64,
    pub(super) ticks: Vec<(f64, String)>,
    /// Start and end of every point.
    pub(super) points: Vec<(Time, Time)>,
}

impl Axis {
    pub(super) fn x(&self, secs: f64) -> i32 {
        LEFT + (f64::from(RIGHT - LEFT) * (secs / self.secs).clamp(0.0, 1.0)).round() as i32
    }

    fn left(&self, point: usize) -> i32 {
        self.x(self.points[point].0.as_secs_f64())
    }

    fn right(&self, point: usize) -> i32 {
        self.x(self.points[point].1.as_secs_f64())
    }

    fn middle(&self, point: usize) -> i32 {
        let (from, until) = self.points[point];
        self.x((from.as_secs_f64() + until.as_secs_f64()) / 2.0)
    }

    /// Stretches of points that have a value, as ranges.
    fn stretches(&self, values: &[Option<f64>]) -> Vec<std::ops::Range<usize>> {
        let has = |point: usize| values[point].is_some_and(f64::is_finite);
        let len = values.len().min(self.points.len());
        let mut stretches = Vec::new();
        let mut from = 0;
        while from < len {
            let until = (from..len).find(|point| has(*point) != has(from)).unwrap_or(len);
            if has(from) {
                stretches.push(from..until);
            }
            from = until;
        }
        stretches
    }
}

/// How high a panel is without its heading.
pub(super) fn height(panel: &Panel) -> i32 {
    match &panel.body {
        Body::Lines(_) => LINES,
        Body::Rows(rows) => (rows.len().max(1) as i32) * (ROW + ROW_GAP) - ROW_GAP,
    }
}

/// Draws the data of `panel` with its upper edge at `top`.
pub(super) fn body(canvas: &Canvas, axis: &Axis, panel: &Panel, top: i32) {
    let bottom = top + height(panel);
    for (at, _) in &axis.ticks {
        let x = axis.x(*at);
        canvas.line(&[(x, top), (x, bottom)], solid(GRID, 2));
    }
    match &panel.body {
        Body::Lines(lines) => draw_lines(canvas, axis, lines, top, bottom),
        Body::Rows(rows) => draw_rows(canvas, axis, rows, top),
    }
}

/// Draws the title of `panel`, what it measures and what its colours mean; they stand above the topmost tick.
pub(super) fn heading(canvas: &Canvas, panel: &Panel, top: i32) {
    let y = top + HEADING_MIDDLE;
    const BOX: i32 = 22;
    const GAP: i32 = 14;
    let left = (HPos::Left, VPos::Center);
    canvas.text(panel.title, (MARGIN, y), left, TITLE);
    let mut x = MARGIN + TITLE.width(panel.title) + GAP;
    let key: i32 = panel.key.iter().map(|(_, text)| GAP * 3 + BOX + DIM.width(text)).sum();
    let note = DIM.fit(&panel.note, WIDTH - MARGIN - x - key);
    canvas.text(&note, (x, y), left, DIM);
    x += DIM.width(&note) + GAP * 2;
    for (color, text) in &panel.key {
        canvas.rectangle([(x, y - BOX / 2), (x + BOX, y + BOX / 2)], *color);
        canvas.text(text, (x + BOX + GAP / 2, y), left, DIM);
        x += BOX + DIM.width(text) + GAP * 2;
    }
}

fn draw_lines(canvas: &Canvas, axis: &Axis, it: &Lines, top: i32, bottom: i32) {
    let y = |value: f64| bottom - (f64::from(bottom - top) * it.scale.place(value)).round() as i32;
    let mut ticks = it.scale.ticks();
    // From zero up, those that stand too close to the one below are left out.
    ticks.dedup_by(|tick, below| y(*below) - y(*tick) < NAME_HEIGHT);
    for tick in &ticks {
        canvas.line(&[(LEFT, y(*tick)), (RIGHT, y(*tick))], solid(GRID, 2));
        canvas.text(&it.unit.text(*tick), (LEFT - 12, y(*tick)), (HPos::Right, VPos::Center), DIM);
    }
    if let (Some(color), Some(line)) = (it.fill, it.lines.last()) {
        fill(canvas, axis, &line.values, color, &y);
        // The grid goes on under the fill.
        ticks.iter().for_each(|tick| canvas.line(&[(LEFT, y(*tick)), (RIGHT, y(*tick))], solid(GRID, 2)));
    }
    canvas.line(&[(LEFT, top), (LEFT, bottom), (RIGHT, bottom)], solid(FRAME, 2));
    let mark = dashed(BLACK, 2, (12, 8));
    it.marks.iter().for_each(|(value, _)| canvas.line(&[(LEFT, y(*value)), (RIGHT, y(*value))], mark));
    it.lines.iter().for_each(|line| draw_line(canvas, axis, line, &y));
    silence(canvas, axis, it, (top + bottom) / 2);
    let ends = it.lines.iter().map(|line| {
        let last = line.values.iter().rposition(|value| value.is_some_and(f64::is_finite));
        let at = last.and_then(|last| line.values[last]).map(&y);
        let leads = last.is_some_and(|last| axis.right(last) == RIGHT);
        Name { text: &line.name, stroke: line.stroke, at, leads }
    });
    let marks = it.marks.iter().map(|(value, text)| Name { text, stroke: mark, at: Some(y(*value)), leads: true });
    names(canvas, ends.chain(marks).collect(), top, bottom);
}

fn draw_line(canvas: &Canvas, axis: &Axis, line: &Line, y: &dyn Fn(f64) -> i32) {
    for stretch in axis.stretches(&line.values) {
        let at = |point: usize| y(line.values[point].unwrap_or(0.0));
        let mut points: Vec<Point> = stretch.clone().map(|point| (axis.middle(point), at(point))).collect();
        if let [(_, only)] = points[..] {
            points = vec![(axis.left(stretch.start), only), (axis.right(stretch.start), only)];
        }
        canvas.line(&points, line.stroke);
    }
}

/// Fills the area under `values`, up to the edges of the first and the last point.
fn fill(canvas: &Canvas, axis: &Axis, values: &[Option<f64>], color: RGBColor, y: &dyn Fn(f64) -> i32) {
    for stretch in axis.stretches(values) {
        let (first, last) = (stretch.start, stretch.end - 1);
        let at = |point: usize| y(values[point].unwrap_or(0.0));
        let ground = y(0.0);
        let mut points = vec![(axis.left(first), ground), (axis.left(first), at(first))];
        points.extend(stretch.map(|point| (axis.middle(point), at(point))));
        points.extend([(axis.right(last), at(last)), (axis.right(last), ground)]);
        canvas.area(points, color);
    }
}

/// Draws the area between two lines, or where it is not filled its edges, below whatever is drawn after it; the data stands in a
/// panel of lines with its upper edge at `top`.
pub(super) fn band(
    canvas: &Canvas,
    axis: &Axis,
    scale: &Scale,
    top: i32,
    (low, high): (&[Option<f64>], &[Option<f64>]),
    (fill, edge): (Option<RGBColor>, Stroke),
) {
    let bottom = top + LINES;
    let y = |value: f64| bottom - (f64::from(LINES) * scale.place(value)).round() as i32;
    for stretch in axis.stretches(low) {
        let points = |values: &[Option<f64>]| -> Vec<Point> {
            stretch.clone().map(|point| (axis.middle(point), y(values[point].unwrap_or(0.0)))).collect()
        };
        let (low, high) = (points(low), points(high));
        match fill {
            Some(color) => canvas.area(high.into_iter().chain(low.into_iter().rev()).collect(), color),
            None => [low, high].iter().for_each(|line| canvas.line(line, edge)),
        }
    }
}

/// Says why there is nothing where no line has a value for long enough to have room for the word.
fn silence(canvas: &Canvas, axis: &Axis, it: &Lines, y: i32) {
    if it.silence.is_empty() {
        return;
    }
    let none = |point: usize| it.lines.iter().all(|line| line.values.get(point).is_none_or(Option::is_none));
    let gaps: Vec<Option<f64>> = (0..axis.points.len()).map(|point| none(point).then_some(0.0)).collect();
    for gap in axis.stretches(&gaps) {
        let (left, right) = (axis.left(gap.start), axis.right(gap.end - 1));
        if right - left > DIM.width(it.silence) + 20 {
            canvas.text(it.silence, ((left + right) / 2, y), (HPos::Center, VPos::Center), DIM);
        }
    }
}

/// The name of a line, wanted where the line ends.
struct Name<'a> {
    text: &'a str,
    stroke: Stroke,
    at: Option<i32>,
    /// Whether the line goes on to the edge, so that a thin one can lead from there to the name.
    leads: bool,
}

fn names(canvas: &Canvas, mut names: Vec<Name>, top: i32, bottom: i32) {
    names.sort_by_key(|name| name.at.unwrap_or(bottom));
    let places = spread(&names.iter().map(|name| name.at.unwrap_or(bottom)).collect::<Vec<_>>(), top, bottom);
    for (name, y) in names.iter().zip(places) {
        if let Some(at) = name.at.filter(|_| name.leads) {
            canvas.line(&[(RIGHT + 4, at), (NAMES - SAMPLE - 14, y)], solid(FRAME, 1));
        }
        canvas.line(&[(NAMES - SAMPLE - 10, y), (NAMES - 10, y)], name.stroke);
        let text = TEXT.fit(name.text, WIDTH - 8 - NAMES);
        canvas.text(&text, (NAMES, y), (HPos::Left, VPos::Center), TEXT);
    }
}

/// Moves ascending places apart, as little as it takes, within `top..bottom` if there is room.
fn spread(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut places: Vec<i32> = wanted.to_vec();
    let mut least = top;
    for place in &mut places {
        *place = (*place).max(least);
        least = *place + NAME_HEIGHT;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = (*place).min(most);
        most = *place - NAME_HEIGHT;
    }
    places
}

fn draw_rows(canvas: &Canvas, axis: &Axis, rows: &[Row], top: i32) {
    if rows.is_empty() {
        canvas.text("none", (LEFT, top + ROW / 2), (HPos::Left, VPos::Center), DIM);
    }
    for (place, row) in rows.iter().enumerate() {
        let top = top + place as i32 * (ROW + ROW_GAP);
        let bottom = top + ROW;
        let y = |share: f64| bottom - (f64::from(ROW) * share.clamp(0.0, 1.0)).round() as i32;
        canvas.line(&[(LEFT, top), (RIGHT, top)], solid(GRID, 2));
        row.layers.iter().for_each(|(color, values)| fill(canvas, axis, values, *color, &y));
        canvas.line(&[(LEFT, bottom), (RIGHT, bottom)], solid(FRAME, 2));
        canvas.text(&row.whole, (LEFT - 12, top + 2), (HPos::Right, VPos::Center), SMALL);
        let (x, width) = (RIGHT + 16, WIDTH - 8 - RIGHT - 16);
        canvas.text(&TEXT.fit(&row.name, width), (x, top + 16), (HPos::Left, VPos::Center), TEXT);
        canvas.text(&SMALL.fit(&row.note, width), (x, top + 44), (HPos::Left, VPos::Center), SMALL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_distance_and_stay_inside() {
        assert_eq!(spread(&[10, 100], 0, 200), [10, 100]);
        assert_eq!(spread(&[100, 100, 100], 0, 300), [100, 132, 164]);
        assert_eq!(spread(&[190, 200, 200], 0, 200), [136, 168, 200]);
    }
}
