//! Pictures of tipping points: along one thing the share of runs that end well, along two the phase diagram. Phases are
//! told apart by how light they are and by their hatching, and are named where they are; colours only help.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas, Font};
use super::palette::{BLACK, BLUE, FRAME, GRID, NOTE, VERMILLION, dashed, solid};
use super::scale::Scale;
use super::{Figure, bitmap};
use crate::base::between::Lattice;
use crate::experiment::{Boundary, Phase, PhaseDiagram};
use crate::report::experiment::tip::{Found, Input};
use crate::report::number;
use crate::report::terminal::answer;

const WIDTH: i32 = 1600;
const MARGIN: i32 = 28;
const LEFT: i32 = 200;
const RIGHT: i32 = WIDTH - 70;
const TOP: i32 = 264;
/// Lines of text below the headline, for which there is room above the picture.
const LINES_MAX: usize = 4;
const HEIGHT: i32 = 560;
const HEIGHT_OF_PHASES: i32 = 900;
const FOOT: i32 = 140;
const LEGEND: i32 = 90;
const HEADLINE: Font = Font { size: 36, bold: true, color: BLACK };
const TEXT: Font = Font { size: 22, bold: false, color: BLACK };
const NAME: Font = Font { size: 28, bold: true, color: BLACK };
const DIM: Font = Font { size: 22, bold: false, color: NOTE };
/// Between two lines of hatching.
const HATCH: i32 = 14;
/// Half the side of the mark of a point that ran.
const DOT: i32 = 3;

/// Light to dark, so that a copier tells them apart, too.
const STABLE: RGBColor = RGBColor(0xE3, 0xF1, 0xFA);
const VULNERABLE: RGBColor = RGBColor(0xF2, 0xC5, 0x6B);
const OVERLOADED: RGBColor = RGBColor(0xC2, 0x6A, 0x3A);
const EITHER: RGBColor = RGBColor(0xC9, 0xC9, 0xC9);

/// The names of the pictures that there can be.
pub const TIP_NAMES: [&str; 2] = ["tip", "phases"];

/// The picture: `tip` of a boundary, `phases` of a diagram.
pub fn tip(input: &Input) -> Figure {
    let (name, svg) = match input.found {
        Found::Boundary(it) => (TIP_NAMES[0], boundary(input, it)),
        Found::Phases(it) => (TIP_NAMES[1], phases(input, it)),
    };
    let png = bitmap::png(&svg);
    Figure { name: name.to_owned(), svg, png }
}

fn head(canvas: &Canvas, title: &str, what: &[String]) {
    let left = (HPos::Left, VPos::Center);
    canvas.text(&HEADLINE.fit(title, WIDTH - 2 * MARGIN), (MARGIN, MARGIN + 22), left, HEADLINE);
    let lines = what.iter().flat_map(|text| DIM.wrap(text, WIDTH - 2 * MARGIN));
    for (line, text) in lines.take(LINES_MAX).enumerate() {
        canvas.text(&text, (MARGIN, MARGIN + 66 + 32 * line as i32), left, DIM);
    }
}

/// Where a place stands between two pixels.
fn pixel(lattice: &Lattice, place: u32, (from, to): (i32, i32)) -> i32 {
    let (low, high) = (lattice.position(0), lattice.position(lattice.steps()));
    let share = (lattice.position(place) - low) / (high - low);
    from + (f64::from(to - from) * share).round() as i32
}

/// The places of at most `most` ticks, both ends among them; fewer where the names would not fit.
fn ticks(lattice: &Lattice, most: u32) -> Vec<u32> {
    let count = (lattice.steps() + 1).min(most).max(2);
    (0..count).map(|n| n * lattice.steps() / (count - 1)).collect()
}

fn boundary(input: &Input, it: &Boundary) -> String {
    let lattice = &input.lattices[0];
    let bottom = TOP + HEIGHT;
    let scale = Scale::linear(1.0);
    let y = |share: f64| bottom - (f64::from(HEIGHT) * scale.place(share)).round() as i32;
    let x = |place: u32| pixel(lattice, place, (LEFT + 40, RIGHT - 40));
    canvas::svg((WIDTH as u32, (bottom + FOOT) as u32), |canvas| {
        head(canvas, input.title, &answer(input, it));
        if let (Some(well), Some(ill)) = (it.well, it.ill) {
            let (from, to) = (x(well).min(x(ill)), x(well).max(x(ill)));
            canvas.rectangle([(from - 1, TOP), (to + 1, bottom)], VULNERABLE);
        }
        for tick in scale.ticks() {
            canvas.line(&[(LEFT, y(tick)), (RIGHT, y(tick))], solid(GRID, 2));
            canvas.text(&number::share(Some(tick)), (LEFT - 14, y(tick)), (HPos::Right, VPos::Center), DIM);
        }
        canvas.line(&[(LEFT, y(input.plan.share)), (RIGHT, y(input.plan.share))], dashed(NOTE, 2, (8, 8)));
        canvas.line(&[(LEFT, TOP), (LEFT, bottom), (RIGHT, bottom)], solid(FRAME, 2));
        horizontal(canvas, lattice, bottom, &x);
        canvas.text("share of runs that end well", (MARGIN, TOP - 26), (HPos::Left, VPos::Center), TEXT);
        let share = |place: usize| it.points[place].0.well().share().unwrap_or(0.0);
        let line: Vec<(i32, i32)> =
            it.points.iter().enumerate().map(|(n, (point, _))| (x(point.places[0]), y(share(n)))).collect();
        canvas.line(&line, dashed(FRAME, 2, (4, 6)));
        for (n, (point, outcome)) in it.points.iter().enumerate() {
            let (x, well) = (x(point.places[0]), point.well());
            let color = if outcome.name() == "does not" { VERMILLION } else { BLUE };
            if !point.is_exact {
                canvas.line(&[(x, y(well.low)), (x, y(well.high))], solid(color, 2));
                for end in [well.low, well.high] {
                    canvas.line(&[(x - 8, y(end)), (x + 8, y(end))], solid(color, 2));
                }
            }
            let y = y(share(n));
            match outcome.name() {
                "ends well" => canvas.rectangle([(x - 7, y - 7), (x + 7, y + 7)], color),
                "does not" => canvas.area(vec![(x, y - 10), (x + 10, y), (x, y + 10), (x - 10, y)], color),
                _ => {
                    let corners = [(x - 7, y - 7), (x + 7, y - 7), (x + 7, y + 7), (x - 7, y + 7), (x - 7, y - 7)];
                    canvas.line(&corners, solid(color, 3));
                }
            }
        }
        let note = "squares end well, diamonds do not, hollow ones are not known; bars are 95% intervals of the share";
        canvas.text(note, (RIGHT, TOP - 26), (HPos::Right, VPos::Center), DIM);
    })
}

/// The horizontal axis.
fn horizontal(canvas: &Canvas, lattice: &Lattice, bottom: i32, x: &dyn Fn(u32) -> i32) {
    let mut last = i32::MIN / 2;
    for place in ticks(lattice, 9) {
        canvas.line(&[(x(place), bottom), (x(place), bottom + 8)], solid(FRAME, 2));
        let name = lattice.name(place);
        let half = TEXT.width(&name) / 2;
        if x(place) - half > last + 12 {
            canvas.text(&name, (x(place), bottom + 32), (HPos::Center, VPos::Center), DIM);
            last = x(place) + half;
        }
    }
    canvas.text(lattice.path(), ((LEFT + RIGHT) / 2, bottom + 76), (HPos::Center, VPos::Center), TEXT);
}

fn color(phase: Option<Phase>) -> RGBColor {
    match phase {
        Some(Phase::Stable) => STABLE,
        Some(Phase::Vulnerable) => VULNERABLE,
        Some(Phase::Overloaded) => OVERLOADED,
        None => EITHER,
    }
}

fn meaning(phase: Option<Phase>) -> (&'static str, &'static str) {
    match phase {
        Some(Phase::Stable) => ("stable", "comes back by itself"),
        Some(Phase::Vulnerable) => ("vulnerable", "fine until something goes wrong, then down"),
        Some(Phase::Overloaded) => ("overloaded", "down without a trigger"),
        None => ("either", "luck decides"),
    }
}

fn phases(input: &Input, it: &PhaseDiagram) -> String {
    let [across, up] = [&input.lattices[0], &input.lattices[1]];
    let (top, bottom) = (TOP, TOP + HEIGHT_OF_PHASES);
    let x = |place: u32| pixel(across, place, (LEFT, RIGHT));
    let y = |place: u32| pixel(up, place, (bottom, top));
    let size = (WIDTH as u32, (bottom + FOOT + LEGEND) as u32);
    let runs: u32 = it.points.iter().map(|(point, _)| point.runs()).sum();
    let [columns, lines] = it.map.steps();
    let what = format!(
        "{} points ({runs} runs) of {} ran, the dots; every other one has the phase of those around it",
        it.points.len(),
        u64::from(columns + 1) * u64::from(lines + 1)
    );
    canvas::svg(size, |canvas| {
        head(canvas, input.title, &[what]);
        for line in 0..=lines {
            // Neighbours of the same phase are one rectangle: no seams between them.
            let mut from = 0;
            for column in 0..=columns {
                let phase = it.map.at([from, line]);
                if column < columns && it.map.at([column + 1, line]) == phase {
                    continue;
                }
                let corners = cell((from, column, columns), (line, line, lines), &x, &y);
                canvas.rectangle(corners, color(phase));
                hatch(canvas, corners, phase);
                from = column + 1;
            }
        }
        edges(canvas, it, &x, &y);
        for (point, _) in &it.points {
            let (x, y) = (x(point.places[0]), y(point.places[1]));
            canvas.rectangle([(x - DOT, y - DOT), (x + DOT, y + DOT)], BLACK);
        }
        canvas.line(&[(LEFT, top), (LEFT, bottom), (RIGHT, bottom), (RIGHT, top), (LEFT, top)], solid(FRAME, 2));
        horizontal(canvas, across, bottom, &x);
        for place in ticks(up, 9) {
            canvas.line(&[(LEFT - 8, y(place)), (LEFT, y(place))], solid(FRAME, 2));
            canvas.text(&up.name(place), (LEFT - 16, y(place)), (HPos::Right, VPos::Center), DIM);
        }
        canvas.text(up.path(), (MARGIN, top - 26), (HPos::Left, VPos::Center), TEXT);
        names(canvas, it, &x, &y);
        legend(canvas, it, bottom + FOOT);
    })
}

/// The corners of the places from one to another, each of which reaches half way to its neighbours.
fn cell(
    (from, to, columns): (u32, u32, u32),
    (low, high, lines): (u32, u32, u32),
    x: &dyn Fn(u32) -> i32,
    y: &dyn Fn(u32) -> i32,
) -> [(i32, i32); 2] {
    let before =
        |place: u32, at: &dyn Fn(u32) -> i32| if place == 0 { at(0) } else { at(place - 1).midpoint(at(place)) };
    let after = |place: u32, last: u32, at: &dyn Fn(u32) -> i32| {
        if place == last { at(last) } else { at(place).midpoint(at(place + 1)) }
    };
    [(before(from, x), after(high, lines, y)), (after(to, columns, x), before(low, y))]
}

/// Lines through a rectangle: rising ones where it is vulnerable, crossed ones where it is overloaded. They meet those of
/// their neighbours.
fn hatch(canvas: &Canvas, [(left, top), (right, bottom)]: [(i32, i32); 2], phase: Option<Phase>) {
    let (rises, falls) = match phase {
        Some(Phase::Stable) | None => return,
        Some(Phase::Vulnerable) => (true, false),
        Some(Phase::Overloaded) => (true, true),
    };
    let stroke = solid(RGBColor(0x9A, 0x6B, 0x1E), 1);
    // Rising lines are where x + y is a multiple, falling ones where x - y is.
    let first = (left + top).div_euclid(HATCH) * HATCH;
    for sum in (first..=right + bottom).step_by(HATCH as usize).filter(|_| rises) {
        let (from, to) = ((sum - bottom).max(left), (sum - top).min(right));
        if from < to {
            canvas.line(&[(from, sum - from), (to, sum - to)], stroke);
        }
    }
    let first = (left - bottom).div_euclid(HATCH) * HATCH;
    for difference in (first..=right - top).step_by(HATCH as usize).filter(|_| falls) {
        let (from, to) = ((difference + top).max(left), (difference + bottom).min(right));
        if from < to {
            canvas.line(&[(from, from - difference), (to, to - difference)], stroke);
        }
    }
}

/// Lines where two phases meet.
fn edges(canvas: &Canvas, it: &PhaseDiagram, x: &dyn Fn(u32) -> i32, y: &dyn Fn(u32) -> i32) {
    let [columns, lines] = it.map.steps();
    for line in 0..=lines {
        for column in 0..=columns {
            let here = it.map.at([column, line]);
            let [(left, top), (right, bottom)] = cell((column, column, columns), (line, line, lines), x, y);
            if column < columns && it.map.at([column + 1, line]) != here {
                canvas.line(&[(right, top), (right, bottom)], solid(BLACK, 3));
            }
            if line < lines && it.map.at([column, line + 1]) != here {
                canvas.line(&[(left, top), (right, top)], solid(BLACK, 3));
            }
        }
    }
}

/// The name of each phase where it has most room around it, on a plate of its own colour.
fn names(canvas: &Canvas, it: &PhaseDiagram, x: &dyn Fn(u32) -> i32, y: &dyn Fn(u32) -> i32) {
    let [columns, lines] = it.map.steps();
    let xs: Vec<i32> = (0..=columns).map(x).collect();
    // Downwards, as pixels are counted.
    let ys: Vec<i32> = (0..=lines).rev().map(y).collect();
    for phase in Phase::ALL.map(Some).into_iter().chain([None]) {
        let (name, _) = meaning(phase);
        let plate = (NAME.width(name) / 2 + 12, 22);
        let is_it = |column: usize, line: usize| it.map.at([column as u32, lines - line as u32]) == phase;
        let Some(middle) = roomiest(&xs, &ys, &is_it, plate) else { continue };
        canvas.rectangle(
            [(middle.0 - plate.0, middle.1 - plate.1), (middle.0 + plate.0, middle.1 + plate.1)],
            color(phase),
        );
        canvas.text(name, middle, (HPos::Center, VPos::Center), NAME);
    }
}

/// The place, of those at `xs` and `ys` that belong to a phase, around which the largest multiple of a plate lies within it;
/// of equal ones that in their middle. `plate` is half of its width and height. `None` where it fits nowhere.
fn roomiest(xs: &[i32], ys: &[i32], is_it: &dyn Fn(usize, usize) -> bool, plate: (i32, i32)) -> Option<(i32, i32)> {
    // How many places left of a column and above a line belong to it.
    let width = xs.len() + 1;
    let mut sums = vec![0u32; width * (ys.len() + 1)];
    for line in 0..ys.len() {
        for column in 0..xs.len() {
            let here = u32::from(is_it(column, line));
            let (above, next) = (line * width + column, (line + 1) * width + column);
            sums[next + 1] = here + sums[next] + sums[above + 1] - sums[above];
        }
    }
    // Whether all places are of it that a stretch of each axis touches.
    let is_within = |across: (i32, i32), down: (i32, i32)| {
        let touched = |at: &[i32], (from, to): (i32, i32)| {
            let inside = at[0] <= from && to <= at[at.len() - 1];
            let (first, last) = (at.partition_point(|place| *place <= from), at.partition_point(|place| *place < to));
            inside.then(|| (first - 1, (last + 1).min(at.len())))
        };
        let (Some((left, right)), Some((top, bottom))) = (touched(xs, across), touched(ys, down)) else { return false };
        let count = sums[bottom * width + right] + sums[top * width + left]
            - sums[top * width + right]
            - sums[bottom * width + left];
        count as usize == (right - left) * (bottom - top)
    };
    let fits = |(x, y): (i32, i32), eighths: i32| {
        let (across, down) = (plate.0 * eighths / 8, plate.1 * eighths / 8);
        is_within((x - across, x + across), (y - down, y + down))
    };
    let (mut most, mut best) = (8, Vec::new());
    for y in ys {
        for x in xs {
            while fits((*x, *y), most + 1) {
                most += 1;
                best.clear();
            }
            if fits((*x, *y), most) {
                best.push((*x, *y));
            }
        }
    }
    let count = i32::try_from(best.len()).ok().filter(|count| *count > 0)?;
    let mean = (best.iter().map(|it| it.0).sum::<i32>() / count, best.iter().map(|it| it.1).sum::<i32>() / count);
    best.into_iter().min_by_key(|it| (it.0 - mean.0).abs() + (it.1 - mean.1).abs())
}

fn legend(canvas: &Canvas, it: &PhaseDiagram, y: i32) {
    let mut x = MARGIN;
    for phase in Phase::ALL.map(Some).into_iter().chain([None]) {
        if it.points.iter().all(|(_, other)| *other != phase) {
            continue;
        }
        let corners = [(x, y - 14), (x + 40, y + 14)];
        canvas.rectangle(corners, color(phase));
        hatch(canvas, corners, phase);
        let (name, means) = meaning(phase);
        canvas.text(name, (x + 52, y), (HPos::Left, VPos::Center), TEXT);
        canvas.text(means, (x, y + 34), (HPos::Left, VPos::Center), DIM);
        x += (52 + TEXT.width(name)).max(DIM.width(means)) + 40;
    }
}
