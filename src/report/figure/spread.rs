//! How unequal replicas are whose clients stay with the one that they are connected to.

use super::palette::SERIES;
use super::panel::{Body, Line, Lines, Panel};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::model::ServiceId;
use crate::report::facts::{self, Facts};
use crate::report::number;

/// Requests of the busiest and the idlest replica of each such service; nothing where there is none.
pub(super) fn replicas(facts: &Facts, points: &Points) -> Option<Panel> {
    let spread = &facts.results.transport.as_ref()?.spread;
    let mut shown: Vec<usize> = (0..spread.len()).filter(|id| spread[*id].is_some()).collect();
    let count = shown.len();
    shown.truncate(SERIES.len() / 2);
    let mut lines = Vec::new();
    for id in &shown {
        let Some(it) = &spread[*id] else { continue };
        let name = &facts.service(*id).name;
        let (mut most, mut least) = (Vec::new(), Vec::new());
        for (point, counts) in it.series.iter().enumerate() {
            let end = facts::point_bounds(facts.results, point).1;
            // Those that are not there yet have nothing to do, and are not meant.
            let there = facts.model.service_at(ServiceId(*id as u32), end).replicas as usize;
            let mut counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            most.push(counts.first().copied().unwrap_or(0));
            least.push(counts.get(there.saturating_sub(1)).copied().unwrap_or(0));
        }
        for (which, values) in [("busiest", most), ("idlest", least)] {
            let stroke = SERIES[lines.len()];
            lines.push(Line { name: format!("{which} of {name}"), values: points.rates(&values), stroke });
        }
    }
    if lines.is_empty() {
        return None;
    }
    let peaks: Vec<f64> = lines.iter().map(|line| Lines::extent(std::slice::from_ref(line)).1).collect();
    let most = match count > shown.len() {
        true => format!("; {} of {} services", shown.len(), number::count(count as u64)),
        false => String::new(),
    };
    let note = format!("requests per second of the busiest and the idlest that is there{most}");
    // Nothing is a level here: a logarithmic scale would hide it.
    let scale = Scale::linear(peaks.iter().copied().fold(0.0, f64::max));
    let body = Lines { scale, unit: Unit::Plain, lines, marks: vec![], fill: None, silence: "" };
    Some(Panel { name: "replicas", title: "Replicas", note, key: vec![], body: Body::Lines(body) })
}
