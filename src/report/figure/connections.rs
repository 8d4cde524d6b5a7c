//! How many connections are opened: a storm of them is work for whoever is connected to.

use super::palette::SERIES;
use super::panel::{Body, Line, Lines, Panel};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::report::facts::Facts;
use crate::report::{number, transport};

/// Connections that are opened, by who opens them to whom; nothing where none are needed.
pub(super) fn opened(facts: &Facts, points: &Points) -> Option<Panel> {
    let mut all: Vec<_> = transport::connections(facts, facts.results.transport.as_ref()?).collect();
    if all.is_empty() {
        return None;
    }
    let count = all.len();
    all.sort_by_key(|(_, it)| std::cmp::Reverse(it.series.opened.iter().sum::<u64>()));
    all.truncate(SERIES.len());
    let line = |((name, it), stroke): (&(String, _), &_)| {
        let it: &&crate::measure::ConnectionResult = it;
        Line { name: name.replace("->", "→"), values: points.rates(&it.series.opened), stroke: *stroke }
    };
    let lines: Vec<Line> = all.iter().zip(&SERIES).map(line).collect();
    let peaks: Vec<f64> = lines.iter().map(|line| Lines::extent(std::slice::from_ref(line)).1).collect();
    let scale = Scale::levels(&peaks);
    let how = if scale.is_logarithmic() { ", logarithmic" } else { "" };
    let most = match count > all.len() {
        true => format!("; the {} of {} with the most", all.len(), number::count(count as u64)),
        false => String::new(),
    };
    let note = format!("opened per second{how}{most}");
    let body = Lines { scale, unit: Unit::Plain, lines, marks: vec![], fill: None, silence: "" };
    Some(Panel { name: "connections", title: "Connections", note, key: vec![], body: Body::Lines(body) })
}
