//! Recursion whose calls come back more than once on average: one request becomes ever more of them.

use super::graph::components;
use super::traffic::visits;
use crate::model::{Id, Model};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Rounds of calls that are followed: what multiplies is larger after so many more.
const ROUNDS: usize = 500;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let calls: Vec<Vec<(usize, f64)>> = model
        .endpoints
        .iter()
        .map(|endpoint| visits(model, &endpoint.steps).iter().map(|visit| (visit.to.index(), visit.times)).collect())
        .collect();
    let successors: Vec<Vec<usize>> = calls.iter().map(|calls| calls.iter().map(|(to, _)| *to).collect()).collect();
    for component in components(&successors) {
        let is_cyclic = component.len() > 1 || successors[component[0]].contains(&component[0]);
        if !is_cyclic || !multiplies(&component, &calls) {
            continue;
        }
        let within = |endpoint: usize| component.binary_search(&endpoint).is_ok();
        let mut sites = atlas.calls.iter().filter(|call| within(call.from.index()) && within(call.to.index()));
        let Some(site) = sites.next() else { continue };
        cx.say(
            &catalogue::GAIN,
            site.place,
            format!("one request of `{}` comes back as more than one, on average", model.endpoint_name(site.to)),
        )
        .note("once it is asked, the requests in flight grow without end, and the memory that holds them")
        .help("lower the share or the repeats on the way back, until less than one call comes back");
    }
}

/// Whether requests to the endpoints of `component` become more from round to round.
fn multiplies(component: &[usize], calls: &[Vec<(usize, f64)>]) -> bool {
    let mut now = vec![1.0; component.len()];
    let mut halfway = f64::INFINITY;
    for round in 0..2 * ROUNDS {
        let mut next = vec![0.0; component.len()];
        for (from, requests) in component.iter().zip(&now) {
            for (to, times) in &calls[*from] {
                if let Ok(to) = component.binary_search(to) {
                    next[to] += requests * times;
                }
            }
        }
        now = next;
        if round + 1 == ROUNDS {
            halfway = now.iter().sum();
        }
    }
    // Exactly one is a walk that does end.
    let end: f64 = now.iter().sum();
    end > halfway * (1.0 + 1e-9) || end.is_infinite()
}
