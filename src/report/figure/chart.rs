//! A panel for a page: its drawing without the title that the page has, where its time axis lies, and the values that are
//! shown under the pointer.

use super::Panels;
use super::draw::{LEFT, RIGHT, WIDTH};
use super::page::Page;
use super::panel::{Body, Panel};
use super::points::Points;
use super::scale::Unit;
use crate::report::Input;
use crate::report::facts::Facts;

/// A panel for a page.
pub(in crate::report) struct Chart {
    /// As the figure is called.
    pub(in crate::report) name: &'static str,
    pub(in crate::report) title: &'static str,
    /// What it measures.
    pub(in crate::report) note: String,
    pub(in crate::report) svg: String,
    /// Top and bottom of the data.
    pub(in crate::report) rows: [i32; 2],
    pub(in crate::report) values: Vec<Values>,
}

/// What lies under the pointer.
pub(in crate::report) struct Values {
    pub(in crate::report) name: String,
    /// `/s`, `s`, `B`, `%`, or nothing.
    pub(in crate::report) unit: &'static str,
    pub(in crate::report) values: Vec<Option<f64>>,
}

/// Where all charts of a page have their time axis.
pub(in crate::report) struct Hover {
    /// Width of the drawing, and where the axis begins and ends in it.
    pub(in crate::report) axis: [i32; 3],
    /// Length of the axis in seconds.
    pub(in crate::report) secs: f64,
    /// When each point begins, in seconds.
    pub(in crate::report) points: Vec<f64>,
}

/// All panels of a run for a page.
pub(in crate::report) fn charts(input: &Input) -> (Hover, Vec<Chart>) {
    let facts = Facts::new(input);
    let points = Points::new(input.results);
    let page = Page::new(input, &facts, &points);
    let of = |panel: &Panel| {
        let (svg, rows) = page.bare(panel);
        Chart { name: panel.name, title: panel.title, note: panel.note.clone(), svg, rows, values: values(panel) }
    };
    let charts = Panels::new(&facts, &points).iter().map(of).collect();
    let points = page.points().iter().map(|(from, _)| from.as_secs_f64()).collect();
    (Hover { axis: [WIDTH, LEFT, RIGHT], secs: page.secs(), points }, charts)
}

fn values(panel: &Panel) -> Vec<Values> {
    match &panel.body {
        Body::Lines(lines) => {
            let unit = match lines.unit {
                Unit::PerSecond => "/s",
                Unit::Seconds => "s",
                Unit::Bytes => "B",
                Unit::Plain => "",
            };
            let of = |line: &super::panel::Line| Values { name: line.name.clone(), unit, values: line.values.clone() };
            lines.lines.iter().map(of).collect()
        }
        Body::Rows(rows) => rows.iter().flat_map(|row| row_values(panel, row)).collect(),
    }
}

/// A layer holds those that are drawn over it: it is shown as its colour is seen.
fn row_values(panel: &Panel, row: &super::panel::Row) -> Vec<Values> {
    let is_stacked = matches!(panel.name, "threads" | "failures" | "breakers" | "mishaps");
    let of = |(n, (color, layer)): (usize, &(plotters::style::RGBColor, Vec<Option<f64>>))| {
        let over = row.layers.get(n + 1).filter(|_| is_stacked).map(|(_, over)| over);
        let seen = |(point, share): (usize, &Option<f64>)| {
            let over = over.and_then(|over| over.get(point).copied().flatten()).unwrap_or(0.0);
            share.map(|share| (share - over).max(0.0) * 100.0)
        };
        let what = panel.key.iter().find(|(of, _)| of == color).map(|(_, what)| format!(", {what}"));
        let whole = if row.whole == "100%" { String::new() } else { format!(" (100% is {})", row.whole) };
        Values {
            name: format!("{}{}{whole}", row.name, what.unwrap_or_default()),
            unit: "%",
            values: layer.iter().enumerate().map(seen).collect(),
        }
    };
    row.layers.iter().enumerate().map(of).collect()
}
