//! Pictures of a run, as SVG and as PNG of the same drawing: each panel alone, and `overview`, which
//! stacks them over one time axis, so that a cascade is seen at a glance. Windows of faults and the
//! warm-up go through all panels. `users`, `services` and `calls` say what a panel shows, `draw` how it
//! looks, this module where it stands.

mod bitmap;
mod calls;
mod canvas;
mod connections;
mod draw;
mod experiment;
mod messages;
mod page;
mod palette;
mod panel;
mod points;
mod resources;
mod scale;
mod services;
mod spread;
mod sweep;
mod users;
mod windows;

use rayon::prelude::*;

pub use experiment::{EXPERIMENT_NAMES, bands, overlay};
pub use sweep::sweep;

use super::Input;
use super::facts::Facts;
use panel::Panel;
use points::Points;

/// A picture in two formats.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its file name without the extension.
    pub name: String,
    /// As text.
    pub svg: String,
    /// 1600 pixels wide.
    pub png: Vec<u8>,
}

/// The names of all pictures that a run can have.
pub const NAMES: [&str; 18] = [
    "overview",
    "load",
    "latency",
    "threads",
    "queues",
    "replicas",
    "limits",
    "pools",
    "caches",
    "failures",
    "breakers",
    "connections",
    "lag",
    "age",
    "messages",
    "delivery",
    "mishaps",
    "disk",
];

/// All pictures of a run: `overview` first, then `load`, `latency`, `threads`, `queues`, if clients
/// stay with replicas, `replicas`, if there are any, `limits`, `pools` and
/// `caches`, then `failures`, if a client has a circuit breaker, `breakers`, and if one needs connections,
/// `connections`. If there are topics or queues, `lag`, and, not in the overview, `age`, `messages`, `delivery`, and if there
/// are any, `mishaps` and `disk`.
pub fn all(input: &Input) -> Vec<Figure> {
    let facts = Facts::new(input);
    let points = Points::new(input.results);
    let mut panels = vec![
        users::load(&facts, &points),
        users::latency(&facts, &points),
        services::threads(&facts, &points),
        services::queues(&facts, &points),
    ];
    panels.extend(spread::replicas(&facts, &points));
    panels.extend(services::limits(&facts, &points));
    panels.extend(resources::pools(&facts, &points));
    panels.extend(resources::caches(&facts, &points));
    panels.push(calls::failures(&facts, &points));
    panels.extend(calls::breakers(&facts, &points));
    panels.extend(connections::opened(&facts, &points));
    panels.extend(messages::lag(&facts, &points));
    let alone = messages::alone(&facts, &points);
    let page = page::Page::new(input, &facts, &points);
    let mut pictures: Vec<(&str, Vec<&Panel>)> = vec![("overview", panels.iter().collect())];
    pictures.extend(panels.iter().chain(&alone).map(|panel| (panel.name, vec![panel])));
    let figure = |(name, panels): (&str, Vec<&Panel>)| {
        let svg = page.svg(&panels);
        let png = bitmap::png(&svg);
        Figure { name: name.to_owned(), svg, png }
    };
    pictures.into_par_iter().map(figure).collect()
}
