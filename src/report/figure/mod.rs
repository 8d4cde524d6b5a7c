//! Pictures of a run, as SVG and as PNG of the same drawing: each panel alone, and `overview`, which
//! stacks them over one time axis, so that a cascade is seen at a glance. Windows of faults and the
//! warm-up go through all panels. `users`, `services` and `calls` say what a panel shows, `draw` how it
//! looks, this module where it stands, `sheet` puts all of them on one page, and `chart` is a panel for a page that shows
//! values under the pointer.

mod bitmap;
mod calls;
mod canvas;
mod chart;
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
mod sheet;
mod spread;
mod sweep;
mod tip;
mod users;
mod windows;

use rayon::prelude::*;

pub use experiment::{EXPERIMENT_NAMES, bands, overlay};
pub use sweep::sweep;
pub use tip::{TIP_NAMES, tip};

use super::Input;
use super::facts::Facts;
use page::Page;
use panel::Panel;
use points::Points;

pub(super) use chart::{Chart, Hover, Values, charts};
pub(super) use windows::label as fault_label;

/// A picture in two formats.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its file name without the extension.
    pub name: String,
    /// As text.
    pub svg: String,
    /// 1600 pixels wide; a contact sheet is wider.
    pub png: Vec<u8>,
}

/// The names of all pictures that a run can have.
pub const NAMES: [&str; 22] = [
    "contact-sheet",
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
    "ejections",
    "fallbacks",
    "connections",
    "workers",
    "lag",
    "age",
    "mishaps",
    "disk",
    "messages",
    "delivery",
];

/// All pictures of a run: `overview` first, then `load`, `latency`, `threads`, `queues`, if clients
/// stay with replicas, `replicas`, if there are any, `limits`, `pools` and
/// `caches`, then `failures`, if a client has a circuit breaker, `breakers`, and if one needs connections,
/// `connections`. If there are topics or queues, `workers`, `lag`, `age`, and if there are any, `mishaps` and `disk`, and, not
/// in the overview, `messages` and `delivery`.
pub fn all(input: &Input) -> Vec<Figure> {
    let facts = Facts::new(input);
    let points = Points::new(input.results);
    let panels = Panels::new(&facts, &points);
    let page = Page::new(input, &facts, &points);
    panels.pictures().into_par_iter().map(|(name, panels)| figure(name, page.svg(&panels))).collect()
}

/// One of the pictures that [`all`] draws, or `contact-sheet`, by its name; `None` where the run has no such picture.
///
/// ```
/// use brownout::{measure, report, scenario};
///
/// let text = "duration = \"5s\"\n[workload.users]\nentry = \"api.page\"\narrivals = \"poisson(50/s)\"\n\
///     [service.api]\nthreads = 2\nendpoint.page.steps = [ { work = \"exp(15ms)\" } ]\n";
/// let model = scenario::load("api.toml", text.as_bytes(), &Default::default()).model.expect("it is right");
/// let results = measure::simulate(&model, &mut |_| std::ops::ControlFlow::Continue(()));
/// let input = report::Input { model: &model, results: &results, hash: "", version: "", twin: None, insight: None };
/// let figure = report::figure::one(&input, "latency").expect("every run has latencies");
/// assert!(figure.svg.starts_with("<svg") && figure.png.starts_with(b"\x89PNG"));
/// ```
pub fn one(input: &Input, name: &str) -> Option<Figure> {
    let facts = Facts::new(input);
    let points = Points::new(input.results);
    let panels = Panels::new(&facts, &points);
    let page = Page::new(input, &facts, &points);
    let pictures = panels.pictures();
    if name == sheet::NAME {
        let alone = pictures.iter().skip(1).map(|(_, panels)| page.svg(panels)).collect::<Vec<_>>();
        return Some(figure(name, sheet::svg(&alone)));
    }
    let (name, panels) = pictures.into_iter().find(|(of, _)| *of == name)?;
    Some(figure(name, page.svg(&panels)))
}

/// All pictures of a run but the overview on one page, as thumbnails that can be read: `contact-sheet`.
pub fn contact_sheet(figures: &[Figure]) -> Figure {
    let alone: Vec<&str> = figures.iter().filter(|it| it.name != "overview").map(|it| it.svg.as_str()).collect();
    figure(sheet::NAME, sheet::svg(&alone))
}

fn figure(name: &str, svg: String) -> Figure {
    let png = bitmap::png(&svg);
    Figure { name: name.to_owned(), svg, png }
}

/// The panels of a run, those of the overview and those that stand alone.
struct Panels {
    together: Vec<Panel>,
    alone: Vec<Panel>,
}

impl Panels {
    fn new(facts: &Facts, points: &Points) -> Panels {
        let mut panels = vec![
            users::load(facts, points),
            users::latency(facts, points),
            services::threads(facts, points),
            services::queues(facts, points),
        ];
        panels.extend(spread::replicas(facts, points));
        panels.extend(services::limits(facts, points));
        panels.extend(resources::pools(facts, points));
        panels.extend(resources::caches(facts, points));
        panels.push(calls::failures(facts, points));
        panels.extend(calls::breakers(facts, points));
        panels.extend(calls::ejections(facts, points));
        panels.extend(calls::fallbacks(facts, points));
        panels.extend(connections::opened(facts, points));
        panels.extend(messages::overview(facts, points));
        Panels { together: panels, alone: messages::alone(facts, points) }
    }

    fn iter(&self) -> impl Iterator<Item = &Panel> {
        self.together.iter().chain(&self.alone)
    }

    /// What each picture shows, by its name.
    fn pictures(&self) -> Vec<(&'static str, Vec<&Panel>)> {
        let overview = ("overview", self.together.iter().collect());
        std::iter::once(overview).chain(self.iter().map(|panel| (panel.name, vec![panel]))).collect()
    }
}
