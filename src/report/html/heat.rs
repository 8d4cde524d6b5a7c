//! The heat map: services from the users' end down, over time. A cascade is a diagonal in it. Each value is one letter in
//! the page's data; the page's script paints them.

use maud::{Markup, html};
use serde::Serialize;

use super::frames::Frames;
use super::graph::publishers;
use crate::insight::{Event, EventKind};
use crate::model::{Caller, Id};
use crate::report::facts::{self, Facts};
use crate::report::{Input, number};

/// More services than this are not shown.
const ROWS_MAX: usize = 1_000;
/// Steps of a value; each is one of [`letters`].
const STEPS: f64 = 79.0;

/// A row of the map.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    busy: String,
    queue: String,
    errors: String,
}

/// All rows, and what the highest step of a queue is.
#[derive(Serialize)]
pub(super) struct Heat {
    rows: Vec<Row>,
    queue_max: f64,
    letters: String,
}

/// Letters that need no escape anywhere in a page, each a step of a value.
fn letters() -> Vec<char> {
    ('('..='z').filter(|letter| !matches!(letter, '<' | '>' | '\\')).collect()
}

impl Heat {
    pub(super) fn new(facts: &Facts, frames: &Frames) -> Heat {
        let depths = depths(facts);
        let mut ids = facts.busiest_services(ROWS_MAX);
        ids.sort_by_key(|id| (depths[*id], *id));
        let services: Vec<_> = ids.iter().map(|id| frames.service(*id)).collect();
        let queue_max = services.iter().flat_map(|it| &it.queue).copied().fold(1.0, f64::max);
        let letters = letters();
        let text = |values: &mut dyn Iterator<Item = f64>| -> String {
            values.map(|value| letters[((value * STEPS).round() as usize).min(letters.len() - 1)]).collect()
        };
        let row = |(id, it): (&usize, &super::frames::ServiceFrames)| {
            let peak = if it.is_limited { 1.0 } else { it.busy.iter().copied().fold(1e-9, f64::max) };
            let log = libm::log1p(queue_max);
            Row {
                name: facts.service(*id).name.clone(),
                busy: text(&mut it.busy.iter().map(|busy| seen(busy / peak))),
                queue: text(&mut it.queue.iter().map(|queue| libm::log1p(*queue) / log)),
                errors: text(&mut it.errors.iter().map(|errors| seen(*errors))),
            }
        };
        Heat { rows: ids.iter().zip(&services).map(row).collect(), queue_max, letters: letters.iter().collect() }
    }

    pub(super) fn section(&self, input: &Input, facts: &Facts, frames: &Frames) -> Markup {
        let all = facts.model.services.len();
        html! {
            section #heat aria-labelledby="heat-title" {
                h2 #heat-title { "Who is struck when" }
                p {
                    "Every row is a service, those that users call first on top; every column is a moment. "
                    "What spreads from one service to the next is a diagonal. "
                    @if all > self.rows.len() { "The busiest " (self.rows.len()) " of " (number::count(all as u64)) " services. " }
                }
                fieldset .choice {
                    legend { "Colour is" }
                    @for (value, text) in
                        [("busy", "busy threads"), ("queue", "waiting requests"), ("errors", "errors")] {
                        label { input type="radio" name="heat-what" value=(value) checked[value == "busy"]; (text) }
                    }
                }
                @if frames.fine.is_some() {
                    fieldset .choice {
                        legend { "Time is" }
                        label { input type="radio" name="heat-time" value="fine" checked; "the cascade" }
                        label { input type="radio" name="heat-time" value="all"; "the whole run" }
                    }
                }
                div .wide {
                    canvas #heat-map tabindex="0" role="img" aria-label=(spoken(input)) {}
                }
                p .scale aria-hidden="true" { span { "none" } canvas #heat-scale width="160" height="12" {} span #heat-most { "all" } }
                p #heat-said .said aria-live="polite" { "Point at a row, or walk through them with the arrow keys." }
            }
        }
    }
}

/// How many calls or messages lie between the users and each service at least; those that nobody reaches come last.
fn depths(facts: &Facts) -> Vec<usize> {
    let model = facts.model;
    let mut next = vec![Vec::new(); model.services.len()];
    let mut reached = Vec::new();
    for edge in facts.edges.iter() {
        match edge.from {
            Caller::Workload(_) => reached.push(facts.callee(edge)),
            Caller::Service(from) => next[from.index()].push(facts.callee(edge)),
            Caller::Consumer(_) => {}
        }
    }
    for (from, topic) in publishers(model) {
        let readers = model.consumers.iter().filter(|consumer| consumer.topic.index() == topic);
        next[from].extend(readers.map(|consumer| model.endpoints[consumer.handler].service.index()));
    }
    let mut depths = vec![usize::MAX; next.len()];
    let mut depth = 0;
    while !reached.is_empty() {
        reached.retain(|id| depths[*id] == usize::MAX);
        reached.iter().for_each(|id| depths[*id] = depth);
        reached = reached.iter().flat_map(|id| next[*id].iter().copied()).collect();
        reached.sort_unstable();
        reached.dedup();
        depth += 1;
    }
    depths
}

/// What is not nothing is seen.
fn seen(share: f64) -> f64 {
    if share > 0.0 { share.clamp(1.0 / STEPS, 1.0) } else { 0.0 }
}

/// The map in words: when whose threads were all busy, who turned requests away.
fn spoken(input: &Input) -> String {
    const WORDS_MAX: usize = 8;
    let events = input.insight.map(|insight| insight.events.as_slice()).unwrap_or_default();
    let shown = |event: &&Event| {
        matches!(event.kind, EventKind::Saturates | EventKind::QueueFills | EventKind::Rejects | EventKind::Refuses)
    };
    let word = |event: &Event| {
        format!("{:.1} s {}: {}", event.at.as_secs_f64(), event.place.name.replace("->", "→"), event.what)
    };
    let words: Vec<String> = events.iter().filter(shown).take(WORDS_MAX).map(word).collect();
    let how = facts::ratio(1.0, words.len() as f64).map_or("no service was full".to_owned(), |_| words.join("; "));
    format!("Heat map of services over time: {how}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_letter_that_needs_no_escape() {
        let letters = letters();
        assert_eq!(letters.len(), STEPS as usize + 1);
        assert!(letters.iter().all(|letter| !"<>&\"\\'".contains(*letter)));
    }
}
