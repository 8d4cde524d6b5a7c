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
        let is_asked = atlas.calls.iter().any(|call| {
            component.binary_search(&call.from.index()).is_ok() && component.binary_search(&call.to.index()).is_ok()
        });
        // One message that becomes one goes round for ever; one request that becomes one ends when something else does.
        if !is_cyclic || !multiplies(&component, &calls, is_asked) {
            continue;
        }
        let within = |endpoint: usize| component.binary_search(&endpoint).is_ok();
        let mut sites = atlas.calls.iter().filter(|call| within(call.from.index()) && within(call.to.index()));
        let Some(site) = sites.next() else {
            through_queues(model, atlas, &within, cx);
            continue;
        };
        cx.say(
            &catalogue::GAIN,
            site.place,
            format!("one request of `{}` comes back as more than one, on average", model.endpoint_name(site.to)),
        )
        .note("once it is asked, the requests in flight grow without end, and the memory that holds them")
        .help("lower the share or the repeats on the way back, until less than one call comes back");
    }
}

/// Says that messages come back multiplied.
fn through_queues(model: &Model, atlas: &Atlas, within: &impl Fn(usize) -> bool, cx: &mut Cx<'_>) {
    let handled_within =
        |topic| model.consumers.iter().any(|consumer| consumer.topic == topic && within(consumer.handler.index()));
    let mut sites = atlas.publishes.iter().filter(|it| within(it.from.index()) && handled_within(it.to));
    let Some(site) = sites.next() else { return };
    let name = &model.topics[site.to].name;
    cx.say(&catalogue::GAIN, site.place, format!("one message of `{name}` comes back as one or more, on average"))
        .note("a circle through queues blocks nobody, but what is once in it never ends, and more keeps coming")
        .help("lower the share with which a message is published again, until less than one comes back");
}

/// Whether requests to the endpoints of `component` become more from round to round.
fn multiplies(component: &[usize], calls: &[Vec<(usize, f64)>], is_asked: bool) -> bool {
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
    let grows = end > halfway * (1.0 + 1e-9) || end.is_infinite();
    grows || (!is_asked && end > halfway * (1.0 - 1e-9) && end > 0.0)
}
