//! The headline and the story: how it ended, what it goes back to, what happened in the order of time, each with a button
//! that takes the playback there.

use maud::{Markup, html};

use super::graph::Graph;
use crate::insight::{Event, EventKind, Insight, PlaceKind};
use crate::model::Verdict;
use crate::report::facts;
use crate::report::{Input, number, story};

/// The verdict in large letters, and what is expected of the run.
pub(super) fn headline(input: &Input) -> Markup {
    let verdicts = facts::verdicts(input);
    html! {
        h1 { (input.model.title) }
        @match input.insight {
            Some(insight) => (verdict(insight, input.model.verdict.lag.as_secs_f64())),
            None if input.results.interrupted => p .verdict.mixed { strong { "INTERRUPTED" } " at " (number::span(Some(input.results.ended.since(crate::base::time::Time::ZERO)))) ": there is no verdict" },
            None => p .verdict.mixed { "This run was not compared with one in which nothing goes wrong, so there is no verdict." },
        }
        @if !verdicts.is_empty() {
            ul .expectations aria-label="Expectations" {
                @for it in &verdicts {
                    li .good[it.pass == Some(true)] .bad[it.pass == Some(false)] {
                        span .mark aria-hidden="true" { (match it.pass { Some(true) => "✓", Some(false) => "✗", None => "–" }) }
                        " " (match it.pass { Some(true) => "holds", Some(false) => "does not hold", None => "not judged" })
                        ": " code { (it.expectation.text) } " (" (it.expectation.name) ")"
                    }
                }
            }
        }
    }
}

fn verdict(insight: &Insight, lag_s: f64) -> Markup {
    let it = &insight.judgement;
    let tone = match it.verdict {
        Verdict::Stable | Verdict::Unharmed | Verdict::Recovered => "good",
        Verdict::Recovering | Verdict::Degraded => "mixed",
        Verdict::Overloaded | Verdict::Metastable => "bad",
    };
    html! {
        p .verdict .(tone) { strong { (it.verdict.name().to_uppercase()) } ": " (story::says(it, lag_s)) }
        dl .causes {
            @if let Some(root) = story::root_says(&insight.root) { dt { "Root cause" } dd { (root) } }
            @if let Some(it) = &insight.sustained_by { dt { "Kept down by" } dd { (arrows(&it.sentence)) } }
        }
    }
}

/// What happened, in the order of time; nothing where nobody compared.
pub(super) fn section(input: &Input, graph: &Graph) -> Markup {
    let events = input.insight.map(|insight| insight.events.as_slice()).unwrap_or_default();
    let more = events.iter().filter(|event| !event.is_told).count();
    html! {
        @if !events.is_empty() {
            section #story aria-labelledby="story-title" {
                h2 #story-title { "What happened" }
                p { "A time takes the playback there." }
                ol #events .events {
                    @for (n, event) in events.iter().enumerate() {
                        li .event .more[!event.is_told] .(tone(event)) hidden[!event.is_told] id={ "event-" (n) } {
                            button type="button" data-t=(event.at.as_secs_f64())
                                data-node=[graph.node(event.place.kind, &event.place.name)] {
                                (format!("{:.1}\u{a0}s", event.at.as_secs_f64()))
                            }
                            span { (said(event)) }
                            @if let Some(cause) = event.caused_by.and_then(|n| events.get(n)) {
                                span .from { span .spoken { "because of " } span aria-hidden="true" { "← " } (format!("{:.1}\u{a0}s ", cause.at.as_secs_f64())) (said(cause)) }
                            }
                        }
                    }
                }
                @if more > 0 { button #more-events type="button" aria-expanded="false" aria-controls="events" { "Show " (more) " more" } }
            }
        }
    }
}

/// An event as the terminal tells it.
pub(super) fn said(event: &Event) -> String {
    let place = &event.place.name;
    arrows(&match (event.place.kind, event.kind) {
        (PlaceKind::Run, _) => event.what.clone(),
        (_, EventKind::TriggerEnds | EventKind::UsersNotice) => format!("{place} {}", event.what),
        _ => format!("{place}: {}", event.what),
    })
}

fn tone(event: &Event) -> &'static str {
    match event.kind {
        EventKind::TriggerBegins | EventKind::TriggerEnds => "trigger",
        EventKind::UsersNotice => "users",
        EventKind::UsersRecover => "recovery",
        EventKind::Ends => "end",
        _ => "follows",
    }
}

fn arrows(text: &str) -> String {
    text.replace("->", "→")
}
