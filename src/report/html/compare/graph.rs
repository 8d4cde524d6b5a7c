//! The call graph of one scenario of a comparison, painted with what most of its runs have in common: how busy services
//! are, what share of calls fails, how much is kept waiting.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::experiment::Replications;
use crate::model::{Caller, ConsumerId, EdgeId, Id, Model};
use crate::report::html::graph::publishers;
use crate::report::html::layers::{self, Layout};
use crate::report::number;

const WIDTH: i32 = 190;
const HEIGHT: i32 = 64;
/// What a node takes in the layout: labels of edges stand between two.
const ROOM: (i32, i32) = (WIDTH + 80, HEIGHT - 16);
const LETTERS_MAX: usize = 21;
/// More nodes than this nobody reads.
pub(super) const NODES_MAX: usize = 30;
/// A share of failures that is worth a colour.
const FAILING: f64 = 0.05;
/// What is busier than this is as busy as it can be, and than that is busy.
const FULL: f64 = 0.95;
const BUSY: f64 = 0.7;
/// Where more of the work than this is for callers who have left, it is in vain.
const IN_VAIN: f64 = 0.5;
/// More attempts than this for each call are told.
const RETRIED: f64 = 1.05;

/// Means over the runs of a scenario that ended as most of them did.
pub(super) struct Means<'a> {
    runs: &'a Replications,
    ending: Option<usize>,
}

impl<'a> Means<'a> {
    pub(super) fn new(runs: &'a Replications) -> Means<'a> {
        let endings = runs.endings();
        let most = (0..endings.len()).max_by_key(|place| endings[*place].share.count);
        Means { runs, ending: most.filter(|_| endings.len() > 1) }
    }

    /// That of the figure called `name`; `None` without a sample.
    pub(super) fn of(&self, name: &str) -> Option<f64> {
        let averaged = self.runs.averaged(self.runs.place(name)?);
        let estimate = match self.ending {
            None => averaged.all,
            Some(place) => averaged.by_ending.get(place).copied().flatten(),
        };
        estimate.map(|it| it.mean)
    }

    fn about(&self, metric: &str, subject: &str) -> Option<f64> {
        self.of(&format!("{metric}({subject})"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Workload(usize),
    Service(usize),
    Topic(usize),
    Consumer(usize),
}

/// How a node is painted, what is written below its name, and how much of its bar is busy, and in vain.
struct Look {
    class: &'static str,
    said: String,
    bar: Option<(f64, f64)>,
}

/// A line between two nodes.
#[derive(Default)]
struct Link {
    is_async: bool,
    /// Names of its calls.
    edges: Vec<String>,
}

/// The graph of `model`, called `what` for who cannot see it, and how many pixels wide it is; nothing where it is too large.
pub(super) fn svg(model: &Model, means: &Means<'_>, what: &str) -> Option<(Markup, i32)> {
    let mut things: Vec<(Thing, String)> = Vec::new();
    things.extend(model.workloads.iter().enumerate().map(|(n, it)| (Thing::Workload(n), it.name.clone())));
    things.extend(model.services.iter().enumerate().map(|(n, it)| (Thing::Service(n), it.name.clone())));
    things.extend(model.topics.iter().enumerate().map(|(n, it)| (Thing::Topic(n), it.name.clone())));
    things.extend(model.consumers.iter().enumerate().map(|(n, it)| (Thing::Consumer(n), it.name.clone())));
    if things.len() > NODES_MAX {
        return None;
    }
    let place = |thing: Thing| things.iter().position(|(other, _)| *other == thing).unwrap_or_default();
    let links: Vec<((usize, usize), Link)> =
        links(model).into_iter().map(|((from, to), link)| ((place(from), place(to)), link)).collect();
    let pairs: Vec<(usize, usize)> = links.iter().map(|(ends, _)| *ends).collect();
    let mut layout = layers::layout(&vec![ROOM; things.len()], &pairs);
    for (path, (from, to)) in layout.paths.iter_mut().zip(&pairs) {
        path.touch(layout.nodes[*from], layout.nodes[*to], (WIDTH, HEIGHT));
    }
    Some((drawn(model, means, what, &things, &links, &layout), layout.size.0))
}

/// Calls and messages, those between the same two nodes together.
fn links(model: &Model) -> BTreeMap<(Thing, Thing), Link> {
    let mut links: BTreeMap<(Thing, Thing), Link> = BTreeMap::new();
    let edges = model.edges();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    edges.iter().for_each(|edge| *times.entry(model.edge_name(edge)).or_insert(0) += 1);
    for edge in (0..edges.len()).map(|n| &edges[EdgeId::new(n)]) {
        let from = match edge.from {
            Caller::Workload(id) => Thing::Workload(id.index()),
            Caller::Service(id) => Thing::Service(id.index()),
            Caller::Consumer(id) => Thing::Consumer(id.index()),
        };
        let to = Thing::Service(model.endpoints[edge.to].service.index());
        let plain = model.edge_name(edge);
        let name = match times.get(&plain) {
            Some(1) => plain,
            _ => format!("{plain} via {}", model.clients[edge.client].name),
        };
        links.entry((from, to)).or_default().edges.push(name);
    }
    let message = || Link { is_async: true, edges: Vec::new() };
    for (from, topic) in publishers(model) {
        links.entry((Thing::Service(from), Thing::Topic(topic))).or_insert_with(message);
    }
    for (id, consumer) in model.consumers.enumerate() {
        let id = Thing::Consumer(id.index());
        links.entry((Thing::Topic(consumer.topic.index()), id)).or_insert_with(message);
        if let Some(dead) = consumer.dead_letter {
            links.entry((id, Thing::Topic(dead.index()))).or_insert_with(message);
        }
    }
    links
}

fn drawn(
    model: &Model,
    means: &Means<'_>,
    what: &str,
    things: &[(Thing, String)],
    links: &[((usize, usize), Link)],
    layout: &Layout,
) -> Markup {
    let (width, height) = layout.size;
    html! {
        svg .graph viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(what) {
            @for (((from, to), link), path) in links.iter().zip(&layout.paths) {
                @let said = said_of_link(means, link);
                g .link .async[link.is_async] .broken[said.1] {
                    title { (things[*from].1) " → " (things[*to].1) }
                    path d=(path.d) marker-start=[path.is_reversed.then_some("url(#head)")]
                        marker-end=[(!path.is_reversed).then_some("url(#head)")] {}
                    text x=(path.middle.0) y=(path.middle.1 - 5) { (said.0) }
                }
            }
            @for ((x, y), (thing, name)) in layout.nodes.iter().zip(things) {
                @let look = look(model, means, *thing, name);
                g .node .(look.class) transform={ "translate(" (x - WIDTH / 2) " " (y - HEIGHT / 2) ")" } {
                    title { (name) ": " (look.said) }
                    rect .box width=(WIDTH) height=(HEIGHT) rx=(corner(*thing)) {}
                    @if matches!(thing, Thing::Topic(_)) { path .slots d={ "M8 0V" (HEIGHT) "M14 0V" (HEIGHT) } {} }
                    text .name x=(WIDTH / 2) y="22" { (short(name)) }
                    text .state x=(WIDTH / 2) y="41" { (look.said) }
                    @if let Some((busy, vain)) = look.bar {
                        rect .bar .back x="10" y=(HEIGHT - 12) width=(WIDTH - 20) height="6" {}
                        rect .bar .used x="10" y=(HEIGHT - 12) width=(part(busy)) height="6" {}
                        rect .bar .vain x="10" y=(HEIGHT - 12) width=(part(vain)) height="6" {}
                    }
                }
            }
        }
    }
}

fn part(share: f64) -> i32 {
    (share.clamp(0.0, 1.0) * f64::from(WIDTH - 20)).round() as i32
}

/// What is written at a line, and whether it is broken.
fn said_of_link(means: &Means<'_>, link: &Link) -> (String, bool) {
    let most = |metric: &str| {
        link.edges
            .iter()
            .filter_map(|edge| means.about(metric, edge))
            .fold(None, |most: Option<f64>, it| Some(most.map_or(it, |most| most.max(it))))
    };
    let failed = most("failures").filter(|share| *share >= FAILING);
    let retried = most("retry_factor").filter(|factor| *factor > RETRIED);
    let said = [
        failed.map(|share| format!("{} fail", number::share(Some(share)))),
        retried.map(|factor| format!("{} tries", number::factor(Some(factor)))),
    ];
    (said.into_iter().flatten().collect::<Vec<String>>().join(", "), failed.is_some())
}

fn look(model: &Model, means: &Means<'_>, thing: Thing, name: &str) -> Look {
    match thing {
        Thing::Workload(_) => {
            let good = means.about("goodput", name);
            let class = if good.is_some_and(|good| good < 1.0 - FAILING) { "failing" } else { "calm" };
            Look { class, said: format!("{} served in time", number::share(good)), bar: None }
        }
        Thing::Service(_) => service(means, name),
        Thing::Topic(_) => Look { class: "idle", said: "messages".to_owned(), bar: None },
        Thing::Consumer(n) => {
            let id = ConsumerId::new(n);
            let group =
                model.groups().iter().find(|group| group.consumers.contains(&id)).map(|it| model.group_name(it));
            let about = |metric: &str| means.about(metric, group.as_deref()?);
            let is_behind = about("consumed").is_some_and(|share| share < 1.0 - FAILING);
            let said = format!("{} messages wait", number::plain(about("lag")));
            Look { class: if is_behind { "failing" } else { "calm" }, said, bar: None }
        }
    }
}

fn service(means: &Means<'_>, name: &str) -> Look {
    let share = |metric: &str| means.about(metric, name);
    let busy = share("utilisation").or_else(|| share("core_utilisation"));
    let away = ["rejected", "shed", "dropped"].into_iter().filter_map(share).sum::<f64>();
    let waste = share("waste").unwrap_or(0.0);
    let inside = share("in_system").unwrap_or(0.0);
    let class = match busy {
        _ if away >= FAILING => "failing",
        Some(busy) if waste >= IN_VAIN && busy > 0.0 => "vain",
        Some(busy) if busy >= FULL => "full",
        Some(busy) if busy >= BUSY => "busy",
        _ if busy.unwrap_or(0.0) == 0.0 && inside == 0.0 => "idle",
        _ => "calm",
    };
    let said = match busy {
        _ if away >= FAILING => format!("{} turned away", number::share(Some(away))),
        Some(busy) if waste >= IN_VAIN && busy > 0.0 => format!("{} in vain", number::share(Some(waste))),
        // What comes as a message is handled by the threads of its consumer.
        Some(busy) if busy > 0.0 || inside == 0.0 => format!("{} busy", number::share(Some(busy))),
        _ => format!("{} in it", number::plain(Some(inside))),
    };
    Look { class, said, bar: busy.map(|busy| (busy, busy * waste)) }
}

fn corner(thing: Thing) -> i32 {
    match thing {
        Thing::Workload(_) => HEIGHT / 2,
        Thing::Service(_) => 4,
        Thing::Topic(_) => 0,
        Thing::Consumer(_) => 16,
    }
}

fn short(name: &str) -> String {
    match name.chars().count() > LETTERS_MAX {
        true => name.chars().take(LETTERS_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
