//! Pictures of a sweep: over one thing lines with their intervals, over two a heat map for each figure.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{self, Canvas, Font};
use super::palette::{BLACK, BLUE, FRAME, GRID, NOTE, solid};
use super::scale::Scale;
use super::{Figure, bitmap};
use crate::report::number;
use crate::report::terminal::{Swept, averaged, ended_well, text_of_figure};

const WIDTH: i32 = 1600;
const MARGIN: i32 = 28;
const LEFT: i32 = 240;
const RIGHT: i32 = WIDTH - 60;
const TOP: i32 = 160;
const HEIGHT: i32 = 520;
const FOOT: i32 = 150;
const HEADLINE: Font = Font { size: 36, bold: true, color: BLACK };
const TEXT: Font = Font { size: 22, bold: false, color: BLACK };
const LIGHT: Font = Font { size: 22, bold: false, color: RGBColor(0xFF, 0xFF, 0xFF) };
const DIM: Font = Font { size: 22, bold: false, color: NOTE };
/// A cell of a heat map is at least so high.
const CELL: i32 = 56;
/// From low to high; both ends and the middle are told apart without colour, too.
const COLD: (f64, f64, f64) = (247.0, 251.0, 255.0);
const HOT: (f64, f64, f64) = (8.0, 48.0, 107.0);

/// What is drawn at a combination: a value and, where it is known, its interval.
type Drawn = Option<(f64, Option<(f64, f64)>)>;

/// The pictures of a sweep: `ends-well` and one for each figure that is shown. None of a sweep over more than two things.
pub fn sweep(it: &Swept) -> Vec<Figure> {
    let all = it.combinations();
    let well: Vec<Drawn> = all
        .iter()
        .map(|(_, rows)| ended_well(rows).and_then(|it| Some((it.share()?, Some((it.low, it.high))))))
        .collect();
    let mut figures = Vec::new();
    if well.iter().any(Option::is_some) {
        let what = "share of runs that end well";
        figures.extend(picture(it, ("ends-well", what), &well, number::share));
    }
    for name in it.figures {
        let values: Vec<Drawn> = all
            .iter()
            .map(|(_, rows)| {
                let it = averaged(rows, name)?;
                Some((it.mean, it.half_width.map(|width| (it.mean - width, it.mean + width))))
            })
            .collect();
        let file = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "-");
        let file = file.trim_matches('-').to_owned();
        let what = format!("{name}: mean over runs");
        figures.extend(picture(it, (&file, &what), &values, text_of_figure(name)));
    }
    figures
}

fn picture(
    it: &Swept,
    (file, what): (&str, &str),
    values: &[Drawn],
    text: fn(Option<f64>) -> String,
) -> Option<Figure> {
    let svg = match it.vary {
        [only] => line(it.title, what, (&only.path, &only.values), values, text),
        [rows, columns] => {
            heat(it.title, what, [(&rows.path, &rows.values), (&columns.path, &columns.values)], values, text)
        }
        _ => return None,
    };
    let png = bitmap::png(&svg);
    Some(Figure { name: file.to_owned(), svg, png })
}

/// A thing that varies, and its values.
type Varied<'a> = (&'a str, &'a [String]);

fn head(canvas: &Canvas, title: &str, what: &str) {
    let left = (HPos::Left, VPos::Center);
    canvas.text(&HEADLINE.fit(title, WIDTH - 2 * MARGIN), (MARGIN, MARGIN + 22), left, HEADLINE);
    canvas.text(&DIM.fit(what, WIDTH - 2 * MARGIN), (MARGIN, MARGIN + 66), left, DIM);
}

fn line(
    title: &str,
    what: &str,
    (path, names): Varied<'_>,
    values: &[Drawn],
    text: fn(Option<f64>) -> String,
) -> String {
    let highest = values.iter().flatten().map(|(value, interval)| interval.map_or(*value, |it| it.1.max(*value)));
    let scale = Scale::linear(highest.fold(0.0, f64::max));
    let bottom = TOP + HEIGHT;
    canvas::svg((WIDTH as u32, (bottom + FOOT) as u32), |canvas| {
        head(canvas, title, &format!("{what}, with 95% intervals; means over runs that ended differently have none"));
        let y = |value: f64| bottom - (f64::from(HEIGHT) * scale.place(value)).round() as i32;
        for tick in scale.ticks() {
            canvas.line(&[(LEFT, y(tick)), (RIGHT, y(tick))], solid(GRID, 2));
            canvas.text(&text(Some(tick)), (LEFT - 14, y(tick)), (HPos::Right, VPos::Center), DIM);
        }
        canvas.line(&[(LEFT, TOP), (LEFT, bottom), (RIGHT, bottom)], solid(FRAME, 2));
        let places = places(names);
        let x = |place: usize| LEFT + 40 + (f64::from(RIGHT - LEFT - 80) * places[place]).round() as i32;
        let mut last = i32::MIN / 2;
        for (place, name) in names.iter().enumerate() {
            canvas.line(&[(x(place), bottom), (x(place), bottom + 8)], solid(FRAME, 2));
            let half = TEXT.width(name) / 2;
            if x(place) - half > last + 12 {
                canvas.text(name, (x(place), bottom + 34), (HPos::Center, VPos::Center), DIM);
                last = x(place) + half;
            }
        }
        canvas.text(path, ((LEFT + RIGHT) / 2, bottom + 84), (HPos::Center, VPos::Center), TEXT);
        let points: Vec<(i32, i32)> =
            values.iter().enumerate().filter_map(|(place, it)| Some((x(place), y(it.as_ref()?.0)))).collect();
        canvas.line(&points, solid(BLUE, 4));
        for (place, it) in values.iter().enumerate() {
            let Some((value, interval)) = it else { continue };
            if let Some((low, high)) = interval {
                let (low, high) = (y(*low), y(*high));
                canvas.line(&[(x(place), low), (x(place), high)], solid(BLUE, 2));
                for end in [low, high] {
                    canvas.line(&[(x(place) - 9, end), (x(place) + 9, end)], solid(BLUE, 2));
                }
            }
            let (x, y) = (x(place), y(*value));
            canvas.rectangle([(x - 5, y - 5), (x + 5, y + 5)], BLUE);
        }
    })
}

/// Where values stand between 0 and 1: to scale where all are numbers of the same unit and in order, evenly otherwise.
fn places(names: &[String]) -> Vec<f64> {
    let split = |name: &String| {
        let end = name.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(name.len());
        Some((name[..end].parse::<f64>().ok()?, name[end..].to_owned()))
    };
    let last = (names.len().max(2) - 1) as f64;
    let evenly = || (0..names.len()).map(|place| place as f64 / last).collect();
    let Some(parts) = names.iter().map(split).collect::<Option<Vec<_>>>() else { return evenly() };
    let (first, end) = (parts[0].0, parts[parts.len() - 1].0);
    let is_in_order = parts.windows(2).all(|pair| pair[0].1 == pair[1].1 && pair[0].0 < pair[1].0);
    match is_in_order && parts.len() > 1 {
        true => parts.iter().map(|(value, _)| (value - first) / (end - first)).collect(),
        false => evenly(),
    }
}

fn heat(
    title: &str,
    what: &str,
    [rows, columns]: [Varied<'_>; 2],
    values: &[Drawn],
    text: fn(Option<f64>) -> String,
) -> String {
    let height = CELL.max(HEIGHT / rows.1.len() as i32);
    let bottom = TOP + height * rows.1.len() as i32;
    let seen = || values.iter().flatten().map(|it| it.0);
    let (low, high) = (seen().fold(f64::MAX, f64::min), seen().fold(f64::MIN, f64::max));
    let left = (MARGIN + 60 + rows.1.iter().map(|name| TEXT.width(name)).max().unwrap_or(0)).max(LEFT);
    canvas::svg((WIDTH as u32, (bottom + FOOT) as u32), |canvas| {
        head(canvas, title, what);
        let width = f64::from(RIGHT - left) / columns.1.len() as f64;
        let x = |column: usize| left + (width * column as f64).round() as i32;
        for (row, name) in rows.1.iter().enumerate() {
            // The first value stands at the bottom, as on an axis.
            let top = bottom - height * (row as i32 + 1);
            canvas.text(name, (left - 14, top + height / 2), (HPos::Right, VPos::Center), DIM);
            for column in 0..columns.1.len() {
                let corners = [(x(column), top), (x(column + 1), top + height)];
                let middle = (x(column) + (width / 2.0) as i32, top + height / 2);
                let Some((value, _)) = values[row * columns.1.len() + column] else {
                    canvas.rectangle(corners, GRID);
                    canvas.text(number::NONE, middle, (HPos::Center, VPos::Center), DIM);
                    continue;
                };
                let share = if high > low { (value - low) / (high - low) } else { 0.5 };
                canvas.rectangle(corners, shade(share));
                let label = text(Some(value));
                if f64::from(TEXT.width(&label)) < width - 6.0 {
                    let font = if share > 0.5 { LIGHT } else { TEXT };
                    canvas.text(&label, middle, (HPos::Center, VPos::Center), font);
                }
            }
        }
        for (column, name) in columns.1.iter().enumerate() {
            let middle = x(column) + (width / 2.0) as i32;
            canvas.text(&DIM.fit(name, width as i32), (middle, bottom + 28), (HPos::Center, VPos::Center), DIM);
        }
        canvas.text(columns.0, ((left + RIGHT) / 2, bottom + 76), (HPos::Center, VPos::Center), TEXT);
        canvas.text(rows.0, (MARGIN, TOP - 18), (HPos::Left, VPos::Center), TEXT);
    })
}

fn shade(share: f64) -> RGBColor {
    let mix = |from: f64, to: f64| (from + (to - from) * share.clamp(0.0, 1.0)).round() as u8;
    RGBColor(mix(COLD.0, HOT.0), mix(COLD.1, HOT.1), mix(COLD.2, HOT.2))
}
