//! The call graph: users, services, topics and queues, and consumers as nodes in layers; calls as full lines, messages as
//! dotted ones. What a node or an edge is like in each moment goes into the page's data; the page's script paints it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Serialize;

use super::frames::Frames;
use super::layers::{self, Path};
use crate::insight::{PlaceKind, Root, RootKind};
use crate::model::{Caller, Edge, FaultTarget, Id, Model, ServiceId, Step, TopicId};
use crate::policy::Outcome;
use crate::report::facts::Facts;
use crate::report::{Input, facts, figure};

/// More nodes than this nobody reads; those of the story and the busiest are shown.
const NODES_MAX: usize = 30;
const EDGES_MAX: usize = 60;
const WIDTH: i32 = 190;
const HEIGHT: i32 = 64;
/// What a node takes in the layout: labels of edges stand between two, and what goes wrong above one.
const ROOM: (i32, i32) = (WIDTH + 70, HEIGHT - 16);
/// Letters of a name that have room.
const LETTERS_MAX: usize = 21;

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Thing {
    Workload(usize),
    Service(usize),
    Topic(usize),
    Consumer(usize),
}

/// The call graph and what it is like over time.
pub(super) struct Graph {
    things: Vec<Thing>,
    names: Vec<String>,
    links: Vec<Link>,
    layout: layers::Layout,
    /// How many services are left out.
    left_out: usize,
}

/// Calls or messages from one node to another.
struct Link {
    from: usize,
    to: usize,
    is_async: bool,
    /// Edges of the model that it stands for; messages have none.
    edges: Vec<usize>,
    path: Path,
}

/// A node in every moment; what it has no notion of is empty.
#[derive(Serialize)]
pub(super) struct NodeData {
    name: String,
    kind: &'static str,
    /// Busy threads or workers in percent, or their number where they are not limited.
    busy: Vec<f64>,
    limited: bool,
    wasted: Vec<f64>,
    queue: Vec<f64>,
    rate: Vec<f64>,
    errors: Vec<f64>,
}

/// An edge in every moment.
#[derive(Serialize)]
pub(super) struct LinkData {
    rate: Vec<f64>,
    /// In percent.
    failed: Vec<f64>,
    /// How most of what failed ended: an index into `words`.
    how: Vec<u8>,
}

/// What goes wrong at a node for some time.
#[derive(Serialize)]
pub(super) struct Trouble {
    node: usize,
    from: f64,
    until: f64,
    text: String,
}

/// What calls do that end so, parallel to [`Outcome::ALL`].
pub(super) fn words() -> Vec<&'static str> {
    let word = |outcome| match outcome {
        Outcome::Ok => "answered",
        Outcome::Error => "fail",
        Outcome::Timeout => "time out",
        Outcome::Rejected => "rejected",
        Outcome::Refused => "find nobody",
        Outcome::ShortCircuited => "stopped by breaker",
        Outcome::Expired => "too late",
        Outcome::Cancelled => "cancelled",
        Outcome::Throttled => "throttled",
        Outcome::Limited => "hit a limit",
    };
    Outcome::ALL.map(word).to_vec()
}

impl Graph {
    pub(super) fn new(input: &Input, facts: &Facts) -> Graph {
        let model = input.model;
        let things = shown(input, facts);
        let place: BTreeMap<Thing, usize> = things.iter().enumerate().map(|(n, thing)| (*thing, n)).collect();
        let names = things.iter().map(|thing| name(model, *thing)).collect();
        let mut found: BTreeMap<(Thing, Thing, bool), Vec<usize>> = BTreeMap::new();
        for (id, edge) in facts.edges.iter().enumerate() {
            found.entry((caller(edge), Thing::Service(facts.callee(edge)), false)).or_default().push(id);
        }
        for (from, topic) in publishers(model) {
            found.entry((Thing::Service(from), Thing::Topic(topic), true)).or_default();
        }
        for (id, consumer) in model.consumers.enumerate() {
            let id = Thing::Consumer(id.index());
            found.entry((Thing::Topic(consumer.topic.index()), id, true)).or_default();
            if let Some(dead) = consumer.dead_letter {
                found.entry((id, Thing::Topic(dead.index()), true)).or_default();
            }
        }
        let mut links: Vec<Link> = found
            .into_iter()
            .filter_map(|((from, to, is_async), edges)| {
                let (from, to) = (*place.get(&from)?, *place.get(&to)?);
                Some(Link { from, to, is_async, edges, path: Path::default() })
            })
            .collect();
        if links.len() > EDGES_MAX {
            let traffic = |link: &Link| link.edges.iter().map(|edge| facts.results.edges[*edge].attempts).sum::<u64>();
            links.sort_by_key(|link| std::cmp::Reverse(traffic(link)));
            links.truncate(EDGES_MAX);
        }
        // Users first: the layout keeps the order in which it is told.
        links.sort_by_key(|link| (things[link.from], things[link.to]));
        let pairs: Vec<(usize, usize)> = links.iter().map(|link| (link.from, link.to)).collect();
        let layout = layers::layout(&vec![ROOM; things.len()], &pairs);
        for (link, path) in links.iter_mut().zip(&layout.paths) {
            link.path = path.clone();
            link.path.touch(layout.nodes[link.from], layout.nodes[link.to], (WIDTH, HEIGHT));
        }
        let services = things.iter().filter(|thing| matches!(thing, Thing::Service(_))).count();
        Graph { things, names, links, layout, left_out: model.services.len() - services }
    }

    /// The node of a place that the story names.
    pub(super) fn node(&self, kind: PlaceKind, name: &str) -> Option<usize> {
        let of = |thing: &Thing| match (thing, kind) {
            (Thing::Workload(_), PlaceKind::Workload)
            | (Thing::Service(_), PlaceKind::Service)
            | (Thing::Topic(_), PlaceKind::Topic) => true,
            // Calls are where they fail.
            (_, PlaceKind::Edge) => true,
            _ => false,
        };
        let name = match kind {
            PlaceKind::Edge => name.rsplit_once(" -> ").map_or(name, |(_, to)| to),
            _ => name,
        };
        self.things.iter().zip(&self.names).position(|(thing, other)| of(thing) && other == name)
    }

    /// The node that a story goes back to.
    pub(super) fn root(&self, root: &Root) -> Option<usize> {
        let kind = match root.kind {
            RootKind::Service => PlaceKind::Service,
            RootKind::Edge => PlaceKind::Edge,
            RootKind::Workload => PlaceKind::Workload,
            RootKind::Topic => PlaceKind::Topic,
            RootKind::Consumer => {
                let of = |(thing, name): (&Thing, &String)| matches!(thing, Thing::Consumer(_)) && *name == root.target;
                return self.things.iter().zip(&self.names).position(of);
            }
            RootKind::Setting => {
                let name = root.target.strip_prefix("service.")?.split('.').next()?;
                return self.node(PlaceKind::Service, name);
            }
            RootKind::Cache | RootKind::Broker | RootKind::None => return None,
        };
        self.node(kind, &root.target)
    }

    pub(super) fn nodes(&self, input: &Input, frames: &Frames) -> Vec<NodeData> {
        let of = |(thing, name): (&Thing, &String)| node_data(input, frames, *thing, name);
        self.things.iter().zip(&self.names).map(of).collect()
    }

    pub(super) fn links(&self, input: &Input, frames: &Frames) -> Vec<LinkData> {
        self.links.iter().map(|link| self.link_data(input, frames, link)).collect()
    }

    fn link_data(&self, input: &Input, frames: &Frames, link: &Link) -> LinkData {
        let of_topic = |thing: Thing| match thing {
            Thing::Topic(id) => Some(id),
            _ => None,
        };
        if link.is_async {
            let messaging = input.results.messaging.as_ref();
            let (from, to) = (self.things[link.from], self.things[link.to]);
            let rate = match (of_topic(from), to, messaging) {
                (Some(topic), Thing::Consumer(id), Some(it)) => {
                    let groups = input.model.groups();
                    let group = groups.iter().position(|group| {
                        group.topic.index() == topic && group.consumers.iter().any(|one| one.index() == id)
                    });
                    group.map(|group| frames.rate(&it.groups[group].series.consumed))
                }
                (None, Thing::Topic(topic), Some(it)) => Some(frames.rate(&it.topics[topic].series.published)),
                _ => None,
            };
            return LinkData { rate: rounded(rate.unwrap_or_default()), failed: Vec::new(), how: Vec::new() };
        }
        let mut rate = vec![0.0; frames.len()];
        let mut ended = vec![[0.0; crate::measure::OUTCOMES]; frames.len()];
        for edge in &link.edges {
            let it = frames.edge(*edge);
            rate.iter_mut().zip(it.attempts).for_each(|(sum, more)| *sum += more);
            for (sums, more) in ended.iter_mut().zip(it.ended) {
                sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
        }
        let failing = |ended: &[f64; crate::measure::OUTCOMES]| {
            let bad = |outcome: &Outcome| !matches!(outcome, Outcome::Ok | Outcome::Cancelled);
            let most = Outcome::ALL
                .into_iter()
                .filter(bad)
                .reduce(|best, it| if ended[it as usize] > ended[best as usize] { it } else { best });
            let failed: f64 = Outcome::ALL.into_iter().filter(bad).map(|outcome| ended[outcome as usize]).sum();
            let share = facts::ratio(failed, failed + ended[Outcome::Ok as usize]).unwrap_or(0.0);
            (share, most.map_or(0, |outcome| outcome as u8))
        };
        let (failed, how): (Vec<f64>, Vec<u8>) = ended.iter().map(failing).unzip();
        LinkData { rate: rounded(rate), failed: percent(failed), how }
    }

    /// Faults at nodes that are shown.
    pub(super) fn troubles(&self, input: &Input) -> Vec<Trouble> {
        let model = input.model;
        let end = model.end();
        let of = |fault: &crate::model::Fault| {
            let thing = match fault.target {
                FaultTarget::Service(id, _) => Thing::Service(id.index()),
                FaultTarget::Edge(_, to) | FaultTarget::Entry(_, to) => Thing::Service(to.index()),
                FaultTarget::Workload(id) => Thing::Workload(id.index()),
                FaultTarget::Topic(id) => Thing::Topic(id.index()),
                FaultTarget::Broker(id, _) => Thing::Topic(model.topics.iter().position(|topic| topic.broker == id)?),
                FaultTarget::Cache(_) => return None,
            };
            let node = self.things.iter().position(|other| *other == thing)?;
            let label = figure::fault_label(model, fault);
            Some(Trouble {
                node,
                from: fault.at.as_secs_f64(),
                until: facts::fault_over(fault).map_or(end, |over| over.min(end)).as_secs_f64(),
                text: label.split_once(": ").map_or(label.clone(), |(_, text)| text.to_owned()),
            })
        };
        model.faults.iter().filter(|fault| fault.at < end).filter_map(of).collect()
    }

    /// How many services are not shown.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// The drawing. States are painted by the script; without it the graph stands there in one colour.
    pub(super) fn svg(&self, what: &str) -> Markup {
        let (width, height) = self.layout.size;
        html! {
            svg #graph .graph viewBox={ "0 -26 " (width) " " (height + 26) } width=(width) height=(height + 26)
                role="img" aria-labelledby="graph-title" {
                title #graph-title { (what) }
                defs {
                    marker #head viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11"
                        markerUnits="userSpaceOnUse" orient="auto-start-reverse" {
                        path d="M0 1 L10 5 L0 9 z" {}
                    }
                }
                @for (n, link) in self.links.iter().enumerate() {
                    g .link .async[link.is_async] data-n=(n) {
                        title { (self.names[link.from]) " → " (self.names[link.to]) }
                        path d=(link.path.d) marker-start=[link.path.is_reversed.then_some("url(#head)")]
                            marker-end=[(!link.path.is_reversed).then_some("url(#head)")] {}
                        text x=(link.path.middle.0) y=(link.path.middle.1 - 5) {}
                    }
                }
                @for (n, ((x, y), thing)) in self.layout.nodes.iter().zip(&self.things).enumerate() {
                    g .node .(kind(*thing)) data-n=(n)
                        transform={ "translate(" (x - WIDTH / 2) " " (y - HEIGHT / 2) ")" } {
                        title { (self.names[n]) }
                        rect .box width=(WIDTH) height=(HEIGHT) rx=(corner(*thing)) {}
                        @if matches!(thing, Thing::Topic(_)) {
                            path .slots d={ "M8 0V" (HEIGHT) "M14 0V" (HEIGHT) } {}
                        }
                        text .name x=(WIDTH / 2) y="22" { (short(&self.names[n])) }
                        text .state x=(WIDTH / 2) y="41" { (kind(*thing)) }
                        rect .bar .back x="10" y=(HEIGHT - 12) width=(WIDTH - 20) height="6" {}
                        rect .bar .used x="10" y=(HEIGHT - 12) width="0" height="6" {}
                        rect .bar .vain x="10" y=(HEIGHT - 12) width="0" height="6" {}
                        g .trouble { rect x="-2" y="-25" width=(WIDTH + 4) height="21" rx="3" {} text x=(WIDTH / 2) y="-10" {} }
                    }
                }
            }
        }
    }
}

fn kind(thing: Thing) -> &'static str {
    match thing {
        Thing::Workload(_) => "users",
        Thing::Service(_) => "service",
        Thing::Topic(_) => "topic",
        Thing::Consumer(_) => "consumer",
    }
}

fn corner(thing: Thing) -> i32 {
    match thing {
        Thing::Workload(_) => HEIGHT / 2,
        Thing::Service(_) => 4,
        Thing::Topic(_) => 0,
        Thing::Consumer(_) => 16,
    }
}

fn name(model: &Model, thing: Thing) -> String {
    match thing {
        Thing::Workload(id) => model.workloads.iter().nth(id).map(|it| it.name.clone()),
        Thing::Service(id) => model.services.iter().nth(id).map(|it| it.name.clone()),
        Thing::Topic(id) => model.topics.iter().nth(id).map(|it| it.name.clone()),
        Thing::Consumer(id) => model.consumers.iter().nth(id).map(|it| it.name.clone()),
    }
    .unwrap_or_default()
}

fn short(name: &str) -> String {
    match name.chars().count() > LETTERS_MAX {
        true => name.chars().take(LETTERS_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

fn caller(edge: &Edge) -> Thing {
    match edge.from {
        Caller::Workload(id) => Thing::Workload(id.index()),
        Caller::Service(id) => Thing::Service(id.index()),
        Caller::Consumer(id) => Thing::Consumer(id.index()),
    }
}

/// Which service publishes to which topic, each pair once.
pub(super) fn publishers(model: &Model) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for endpoint in model.endpoints.iter() {
        published(&endpoint.steps, &mut |topic| found.push((endpoint.service.index(), topic.index())));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn published(steps: &[Step], tell: &mut dyn FnMut(TopicId)) {
    for step in steps {
        match step {
            Step::Publish(it) => tell(it.topic),
            Step::Parallel { branches, .. } => branches.iter().for_each(|branch| published(&branch.steps, tell)),
            Step::Choose(arms) => arms.iter().for_each(|(_, steps)| published(steps, tell)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
                published(steps, tell);
            }
            _ => {}
        }
    }
}

/// Everything where there is room; else those that the story names, then the busiest.
fn shown(input: &Input, facts: &Facts) -> Vec<Thing> {
    let model = input.model;
    let mut all: Vec<Thing> = Vec::new();
    all.extend((0..model.workloads.len()).map(Thing::Workload));
    all.extend((0..model.services.len()).map(Thing::Service));
    all.extend((0..model.topics.len()).map(Thing::Topic));
    all.extend((0..model.consumers.len()).map(Thing::Consumer));
    if all.len() <= NODES_MAX {
        return all;
    }
    let events = input.insight.map(|insight| insight.events.as_slice()).unwrap_or_default();
    let told = |name: &str, is_told: bool| {
        events.iter().any(|event| {
            (event.is_told || !is_told)
                && (event.place.name == name || event.place.name.split(" -> ").any(|end| end == name))
        })
    };
    let struck = |id: usize| {
        let id = ServiceId::new(id);
        model.faults.iter().any(|fault| matches!(fault.target, FaultTarget::Service(of, _) if of == id))
    };
    let depths = facts.depths();
    all.sort_by_cached_key(|thing| {
        let name = name(model, *thing);
        let rank = match thing {
            Thing::Service(id) if struck(*id) => 0,
            _ if told(&name, true) => 1,
            Thing::Workload(_) => 2,
            // Who is asked first leads to the others.
            Thing::Service(id) if depths[*id] == 0 => 3,
            _ if told(&name, false) => 4,
            _ => 5,
        };
        let busy = match thing {
            Thing::Service(id) => facts.results.services[*id].busy_nanos,
            _ => 0,
        };
        (rank, std::cmp::Reverse(busy), *thing)
    });
    all.truncate(NODES_MAX);
    all.sort_unstable();
    all
}

fn node_data(input: &Input, frames: &Frames, thing: Thing, name: &str) -> NodeData {
    let mut data = NodeData {
        name: name.to_owned(),
        kind: kind(thing),
        busy: Vec::new(),
        limited: true,
        wasted: Vec::new(),
        queue: Vec::new(),
        rate: Vec::new(),
        errors: Vec::new(),
    };
    match thing {
        Thing::Workload(id) => {
            let it = frames.workload(id);
            data.rate = rounded(it.rate);
            data.errors = percent(it.missed);
        }
        Thing::Service(id) => {
            let it = frames.service(id);
            data.limited = it.is_limited;
            data.busy = if it.is_limited { percent(it.busy) } else { rounded(it.busy) };
            data.wasted = percent(it.wasted);
            data.queue = rounded(it.queue);
            data.rate = rounded(it.arrivals);
            data.errors = percent(it.errors);
        }
        Thing::Topic(id) => {
            let Some(messaging) = &input.results.messaging else { return data };
            data.rate = rounded(frames.rate(&messaging.topics[id].series.published));
            let groups = input.model.groups();
            let lags = groups.iter().zip(&messaging.groups).filter(|(group, _)| group.topic.index() == id);
            let mut most = vec![0.0; frames.len()];
            for (_, group) in lags {
                let lag = frames.level(&group.series.lag);
                most.iter_mut().zip(lag).for_each(|(most, lag)| *most = f64::max(*most, lag));
            }
            data.queue = rounded(most);
        }
        Thing::Consumer(id) => {
            let Some(messaging) = &input.results.messaging else { return data };
            let it = &messaging.consumers[id];
            let (busy, there) = (frames.level(&it.busy), frames.level(&it.there));
            let share = |(busy, there): (f64, f64)| facts::ratio(busy, there).unwrap_or(0.0).min(1.0);
            data.busy = percent(busy.into_iter().zip(there).map(share).collect());
        }
    }
    data
}

/// Three digits are enough for a picture.
pub(super) fn rounded(values: Vec<f64>) -> Vec<f64> {
    let round = |value: f64| {
        let scale = match value {
            v if v >= 100.0 => 1.0,
            v if v >= 10.0 => 10.0,
            _ => 100.0,
        };
        (value * scale).round() / scale
    };
    values.into_iter().map(round).collect()
}

/// Shares in whole percent; never 0 for something nor 100 for less.
fn percent(shares: Vec<f64>) -> Vec<f64> {
    let percent = |share: f64| match (share * 100.0).round() {
        0.0 if share > 0.0 => (share * 1000.0).ceil() / 10.0,
        100.0 if share < 1.0 => 99.0,
        whole => whole,
    };
    shares.into_iter().map(percent).collect()
}
