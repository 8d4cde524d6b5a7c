//! What comes back more than once on average: one request or message becomes ever more of them.
//!
//! A circle of calls whose gain is exactly one is a walk that ends when something else does. One that goes through a queue
//! does not: nobody waits for its end, so that more comes in all the while.

use super::graph::components;
use super::traffic::{destination, visits};
use crate::model::{Id, Model, PublishWait};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Endpoints of a circle whose gain is worked out exactly: it takes the cube of their number.
const EXACT_MAX: usize = 300;
/// Rounds that are followed in larger ones: what multiplies is larger after so many more.
const ROUNDS: usize = 500;
/// Nearer to one than rounding is one.
const TINY: f64 = 1e-9;

/// How often one execution of a handler makes another one run, on average.
#[derive(Clone, Copy)]
struct Edge {
    to: usize,
    times: f64,
    is_message: bool,
}

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let edges: Vec<Vec<Edge>> = model.endpoints.iter().map(|endpoint| edges(model, &endpoint.steps)).collect();
    let calls: Vec<Vec<Edge>> =
        edges.iter().map(|edges| edges.iter().filter(|edge| !edge.is_message).copied().collect()).collect();
    let mut is_said = vec![false; model.endpoints.len()];
    for component in circles(&calls) {
        if gain(&component, &calls) != Gain::More {
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
        component.iter().for_each(|at| is_said[*at] = true);
    }
    for component in circles(&edges) {
        let within = |endpoint: usize| component.binary_search(&endpoint).is_ok();
        let has_messages = component.iter().any(|at| edges[*at].iter().any(|it| it.is_message && within(it.to)));
        if has_messages && !component.iter().any(|at| is_said[*at]) && gain(&component, &edges) != Gain::Less {
            through_queues(model, atlas, &within, cx);
        }
    }
}

/// Messages that are handled together make one handler run: once there are many, they are.
fn edges(model: &Model, steps: &[crate::model::Step]) -> Vec<Edge> {
    let visits = visits(model, steps).into_iter().filter(|visit| visit.times > 0.0);
    let edge = |visit: super::traffic::Visit| Edge {
        to: visit.to.index(),
        times: visit.times / f64::from(visit.batch.unwrap_or(1)),
        is_message: visit.batch.is_some(),
    };
    visits.map(edge).collect()
}

/// Endpoints that come back to themselves.
fn circles(edges: &[Vec<Edge>]) -> Vec<Vec<usize>> {
    let successors: Vec<Vec<usize>> = edges.iter().map(|edges| edges.iter().map(|edge| edge.to).collect()).collect();
    let is_circle = |component: &Vec<usize>| component.len() > 1 || successors[component[0]].contains(&component[0]);
    components(&successors).into_iter().filter(is_circle).collect()
}

/// Says that messages come back multiplied.
fn through_queues(model: &Model, atlas: &Atlas, within: &impl Fn(usize) -> bool, cx: &mut Cx<'_>) {
    let handled_within = |topic| {
        let topic = destination(model, topic);
        model.consumers.iter().any(|consumer| consumer.topic == topic && within(consumer.handler.index()))
    };
    let sites = || atlas.publishes.iter().filter(|it| within(it.from.index()) && handled_within(it.to));
    let Some(site) = sites().next() else { return };
    let waits = sites().find(|site| site.wait == PublishWait::Handled);
    let name = &model.topics[site.to].name;
    let diagnostic =
        cx.say(&catalogue::GAIN, site.place, format!("one message of `{name}` comes back as one or more, on average"));
    match waits {
        Some(waits) => {
            diagnostic.also(waits.wait_place, "who publishes waits until the message is handled").note(
                "each round waits for the next one and keeps its worker meanwhile, until nobody is left to handle a message",
            );
        }
        None => {
            diagnostic.note(
                "a circle through queues blocks nobody, but what is once in it never ends, and more keeps coming",
            );
        }
    }
    diagnostic.help("lower the share with which a message is published again, until less than one comes back");
}

/// How many come back of one, in the long run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gain {
    Less,
    One,
    More,
}

/// The gain of a circle: how the largest eigenvalue of its edges compares to one.
fn gain(component: &[usize], edges: &[Vec<Edge>]) -> Gain {
    if component.len() > EXACT_MAX { followed(component, edges) } else { eliminated(component, edges) }
}

/// Takes one endpoint after the other out, and joins what led to it with what it leads to: the last one leads to itself
/// as often as one comes back of one. An earlier one that leads to itself once or more does so beside the rest.
fn eliminated(component: &[usize], edges: &[Vec<Edge>]) -> Gain {
    let n = component.len();
    let mut times = vec![0.0; n * n];
    for (row, from) in component.iter().enumerate() {
        for edge in &edges[*from] {
            if let Ok(column) = component.binary_search(&edge.to) {
                times[row * n + column] += edge.times;
            }
        }
    }
    for k in 0..n {
        let rest = 1.0 - times[k * n + k];
        if rest <= TINY {
            return if k + 1 == n && rest >= -TINY { Gain::One } else { Gain::More };
        }
        for row in k + 1..n {
            let share = times[row * n + k] / rest;
            if share > 0.0 {
                (k + 1..n).for_each(|column| times[row * n + column] += share * times[k * n + column]);
            }
        }
    }
    Gain::Less
}

/// Follows requests to the endpoints of a circle from round to round. Half of them stay where they are, so that those of
/// odd and even rounds mix.
fn followed(component: &[usize], edges: &[Vec<Edge>]) -> Gain {
    let mut now = vec![1.0; component.len()];
    let mut halfway = f64::INFINITY;
    for round in 0..2 * ROUNDS {
        let mut next: Vec<f64> = now.iter().map(|requests| requests / 2.0).collect();
        for (from, requests) in component.iter().zip(&now) {
            for edge in &edges[*from] {
                if let Ok(to) = component.binary_search(&edge.to) {
                    next[to] += requests * edge.times / 2.0;
                }
            }
        }
        now = next;
        if round + 1 == ROUNDS {
            halfway = now.iter().sum();
        }
    }
    let end: f64 = now.iter().sum();
    match end {
        end if end > halfway * (1.0 + TINY) || end.is_infinite() => Gain::More,
        end if end > halfway * (1.0 - TINY) && end > 0.0 => Gain::One,
        _ => Gain::Less,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(to: usize, times: f64) -> Edge {
        Edge { to, times, is_message: false }
    }

    /// A ring of `n` endpoints, whose gain is the product of its edges.
    fn ring(weights: &[f64]) -> Vec<Vec<Edge>> {
        weights.iter().enumerate().map(|(at, times)| vec![edge((at + 1) % weights.len(), *times)]).collect()
    }

    #[test]
    fn the_gain_of_a_ring_is_the_product_of_its_edges() {
        for n in [1, 2, 3, 7, 50, EXACT_MAX] {
            for (last, expected) in [(0.999, Gain::Less), (1.0, Gain::One), (1.001, Gain::More)] {
                let mut weights = vec![1.0; n];
                // What one edge multiplies by eight, another one divides.
                if n > 2 {
                    (weights[0], weights[1]) = (8.0, 0.125);
                }
                weights[n - 1] *= last;
                let all: Vec<usize> = (0..n).collect();
                assert_eq!(gain(&all, &ring(&weights)), expected, "{n} endpoints, {last}");
            }
        }
    }

    #[test]
    fn the_gain_of_what_branches_is_its_largest_eigenvalue() {
        // A matrix [[a, b], [c, a]] has the eigenvalue a + sqrt(b c).
        for (a, b, c, expected) in [
            (0.5, 0.5, 0.5, Gain::One),
            (0.5, 4.0, 0.0625, Gain::One),
            (0.5, 0.4, 0.5, Gain::Less),
            (0.5, 0.6, 0.5, Gain::More),
            (1.0, 0.1, 0.1, Gain::More),
            (0.0, 2.0, 0.49, Gain::Less),
        ] {
            let edges = vec![vec![edge(0, a), edge(1, b)], vec![edge(0, c), edge(1, a)]];
            assert_eq!(eliminated(&[0, 1], &edges), expected, "{a} {b} {c}");
            assert_eq!(followed(&[0, 1], &edges), expected, "{a} {b} {c}");
        }
    }
}
