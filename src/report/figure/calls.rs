//! What calls do: how many fail and how, and which circuit breakers are open. Rows stand in the order
//! of the calls, users' end first.

use plotters::style::RGBColor;

use super::palette::{BLUE, ORANGE, PURPLE, SKY, VERMILLION};
use super::panel::{Body, Panel, Row};
use super::points::Points;
use crate::measure::EdgeSeries;
use crate::model::Caller;
use crate::report::facts::Facts;
use crate::report::number;
use crate::report::resilience;

/// More edges than this are not shown.
const ROWS_MAX: usize = 8;

/// The share of each edge's attempts that failed, by how.
pub(super) fn failures(facts: &Facts, points: &Points) -> Panel {
    let series = &facts.results.series.edges;
    let candidates: Vec<usize> = (0..series.len()).collect();
    let failed = |id: usize| {
        let it = &series[id];
        [&it.failed, &it.short_circuited, &it.throttled, &it.limited].into_iter().flatten().sum::<u64>()
    };
    let shown = shown(facts, &candidates, failed);
    let stopped = candidates.iter().any(|id| series[*id].short_circuited.iter().any(|count| *count > 0));
    let throttled = candidates.iter().any(|id| series[*id].throttled.iter().any(|count| *count > 0));
    let limited = candidates.iter().any(|id| series[*id].limited.iter().any(|count| *count > 0));
    let rows = shown.iter().map(|id| row(facts, *id, failure_layers(&series[*id], points))).collect();
    let mut key = vec![(VERMILLION, "timeout"), (PURPLE, "error, rejected, refused")];
    if stopped {
        key.push((SKY, "breaker open"));
    }
    if throttled {
        key.push((ORANGE, "throttled"));
    }
    if limited {
        key.push((BLUE, "beyond the client's limit"));
    }
    let note = format!("share of attempts{}", left_out(&candidates, &shown));
    Panel { name: "failures", title: "Failures", note, key, body: Body::Rows(rows) }
}

/// Which share of each edge's circuit breakers is open; nothing where no edge has one.
pub(super) fn breakers(facts: &Facts, points: &Points) -> Option<Panel> {
    let series = &facts.results.series.edges;
    let candidates: Vec<usize> = (0..series.len()).filter(|id| !series[*id].open.is_empty()).collect();
    if candidates.is_empty() {
        return None;
    }
    let shown = shown(facts, &candidates, |id| series[id].short_circuited.iter().sum());
    let layers = |it: &EdgeSeries| {
        let sum = it.open.iter().zip(&it.half_open).map(|(open, half)| open + half).collect::<Vec<_>>();
        vec![(ORANGE, points.levels(&sum)), (SKY, points.levels(&it.open))]
    };
    let rows = shown.iter().map(|id| row(facts, *id, layers(&series[*id]))).collect();
    let key = vec![(SKY, "open"), (ORANGE, "half open")];
    let note = format!("share of the callers'{}", left_out(&candidates, &shown));
    Some(Panel { name: "breakers", title: "Circuit breakers", note, key, body: Body::Rows(rows) })
}

/// Which share of the callee's replicas the callers of each edge do not see; nothing where no client has outlier detection.
pub(super) fn ejections(facts: &Facts, points: &Points) -> Option<Panel> {
    let candidates: Vec<usize> =
        (0..facts.edges.len()).filter(|id| resilience::ejections(facts, *id).is_some()).collect();
    if candidates.is_empty() {
        return None;
    }
    let count = |id: usize| resilience::ejections(facts, id).map_or(0, |it| it.counts.iter().sum());
    let shown = shown(facts, &candidates, count);
    let layers = |id: usize| {
        let edge = facts.edges.iter().nth(id).expect("ejections are parallel to the model's edges");
        let replicas = f64::from(facts.service(facts.callee(edge)).replicas.max(1));
        let ejected = resilience::ejections(facts, id).map_or(&[][..], |it| it.ejected.as_slice());
        vec![(SKY, points.levels(&ejected.iter().map(|mean| mean / replicas).collect::<Vec<_>>()))]
    };
    let rows = shown.iter().map(|id| row(facts, *id, layers(*id))).collect();
    let key = vec![(SKY, "ejected")];
    let note = format!("share of the replicas, as a caller sees it{}", left_out(&candidates, &shown));
    Some(Panel { name: "ejections", title: "Ejected replicas", note, key, body: Body::Rows(rows) })
}

/// How many of each edge's calls something stood in for; nothing where no call has a fallback.
pub(super) fn fallbacks(facts: &Facts, points: &Points) -> Option<Panel> {
    let candidates: Vec<usize> =
        (0..facts.edges.len()).filter(|id| resilience::fallbacks(facts, *id).is_some()).collect();
    if candidates.is_empty() {
        return None;
    }
    let shown = shown(facts, &candidates, |id| resilience::fallbacks(facts, id).map_or(0, |it| it.series.iter().sum()));
    let layers = |id: usize| {
        let served = resilience::fallbacks(facts, id).map_or(&[][..], |it| it.series.as_slice());
        // A fallback may be served in the point after that of its call.
        let calls = facts.results.series.edges[id].calls.iter().zip(served).map(|(calls, served)| *calls.max(served));
        vec![(ORANGE, points.shares(served, &calls.collect::<Vec<_>>()))]
    };
    let rows = shown.iter().map(|id| row(facts, *id, layers(*id))).collect();
    let key = vec![(ORANGE, "answered by a fallback")];
    let note = format!("share of calls{}", left_out(&candidates, &shown));
    Some(Panel { name: "fallbacks", title: "Fallbacks", note, key, body: Body::Rows(rows) })
}

/// Each layer holds those that are drawn after it.
fn failure_layers(it: &EdgeSeries, points: &Points) -> Vec<(RGBColor, Vec<Option<f64>>)> {
    let add = |one: &[u64], other: &[u64]| one.iter().zip(other).map(|(a, b)| a + b).collect::<Vec<_>>();
    let bad = add(&it.failed, &it.short_circuited);
    let held_back = (!it.throttled.is_empty()).then(|| add(&bad, &it.throttled));
    let limited = (!it.limited.is_empty()).then(|| add(held_back.as_ref().unwrap_or(&bad), &it.limited));
    let all = add(limited.as_ref().or(held_back.as_ref()).unwrap_or(&bad), &it.ok);
    let share = |part: &[u64]| points.shares(part, &all);
    let mut layers = vec![(SKY, share(&bad)), (PURPLE, share(&it.failed)), (VERMILLION, share(&it.timeouts))];
    if let Some(held_back) = &held_back {
        layers.insert(0, (ORANGE, share(held_back)));
    }
    if let Some(limited) = &limited {
        layers.insert(0, (BLUE, share(limited)));
    }
    layers
}

fn row(facts: &Facts, id: usize, layers: Vec<(RGBColor, Vec<Option<f64>>)>) -> Row {
    let edge = facts.edges.iter().nth(id).expect("series are parallel to the model's edges");
    let name = facts.model.endpoint_name(edge.to);
    Row { name, note: format!("called by {}", facts.caller_name(edge)), whole: "100%".to_owned(), layers }
}

/// All `candidates`, or if they are too many, those with the highest `weight`, which must not be zero. In the
/// order of the calls.
fn shown(facts: &Facts, candidates: &[usize], weight: impl Fn(usize) -> u64) -> Vec<usize> {
    let depths = facts.depths();
    let mut shown = candidates.to_vec();
    if shown.len() > ROWS_MAX {
        shown.retain(|id| weight(*id) > 0);
        shown.sort_by_cached_key(|id| std::cmp::Reverse(weight(*id)));
        shown.truncate(ROWS_MAX);
    }
    let edges: Vec<_> = facts.edges.iter().collect();
    shown.sort_by_key(|id| match edges[*id].from {
        Caller::Workload(_) => (0, *id),
        Caller::Consumer(_) => (usize::MAX, *id),
        Caller::Service(from) => (depths[from.0 as usize].saturating_add(1), *id),
    });
    shown
}

fn left_out(candidates: &[usize], shown: &[usize]) -> String {
    let all = number::count(candidates.len() as u64);
    match shown.len() {
        few if few == candidates.len() => String::new(),
        0 => format!("; none of {all} edges had any"),
        ROWS_MAX => format!("; worst {ROWS_MAX} of {all} edges"),
        few => format!("; {few} of {all} edges, the others had none"),
    }
}
