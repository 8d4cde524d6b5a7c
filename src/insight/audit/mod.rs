//! Static audit: what in a scenario is likely to hurt, with its place, a reason and the number behind it. Nothing runs here.
//!
//! A kind of finding is a file and a line of the registry. What the loader warns about is not looked for again: `checked`
//! takes it over.

mod at_least_once;
mod cache_stampede;
mod chatty_proxy;
mod checked;
mod closed_load;
mod dead_letter;
mod disk;
mod ejection;
mod hot_key;
mod json_bodies;
mod late_queue;
mod lockstep;
mod n_plus_one;
mod no_dead_letter;
mod no_timeout;
mod oversubscribed;
mod poll_interval;
mod reconnect;
mod redelivery;
mod retry_budget;
mod retry_effect;
mod retry_jitter;
mod single_point;
mod slow_call;
mod slow_reader;
mod slow_replica;
mod sticky;

use serde::Serialize;

use crate::model::{Caller, Client, ClientId, Edge, EndpointId, Id, Model, Service, ServiceId, Step, Transport};
use crate::scenario::{Notice, Paper, Site, on_paper};

/// How bad a finding is, from mild to bad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Worth knowing.
    Note,
    /// It hurts when something goes wrong.
    Warning,
    /// It hurts for sure, or brings everything down.
    Serious,
}

impl Grade {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Note => "note",
            Grade::Warning => "warning",
            Grade::Serious => "serious",
        }
    }
}

/// Something that is likely to hurt.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Of which kind, such as `n-plus-one`.
    pub kind: &'static str,
    /// How bad.
    pub grade: Grade,
    /// The path of the key that it is about, or of the nearest one that is written; empty where `site` says it.
    pub path: String,
    /// Where that stands, if anybody wrote it.
    pub site: Option<Site>,
    /// In one line.
    pub what: String,
    /// Why that is bad.
    pub why: String,
    /// The number behind it; `None` where it stands on none.
    pub number: Option<f64>,
    /// What the number counts, with its unit; empty where there is none.
    pub of: &'static str,
    /// What to do.
    pub help: String,
}

impl Finding {
    /// With nothing but this known of it.
    pub(crate) fn new(kind: &'static str, grade: Grade, path: String, what: String) -> Finding {
        let (why, help) = (String::new(), String::new());
        Finding { kind, grade, path, site: None, what, why, number: None, of: "", help }
    }

    pub(crate) fn number(mut self, number: f64, of: &'static str) -> Finding {
        (self.number, self.of) = (Some(number), of);
        self
    }

    pub(crate) fn why(mut self, why: impl Into<String>) -> Finding {
        self.why = why.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = help.into();
        self
    }
}

/// What finders look at.
struct Look<'m> {
    model: &'m Model,
    paper: Paper,
    edges: Vec<Edge>,
    /// Where a path stands.
    site: &'m dyn Fn(&str) -> Option<Site>,
}

/// The kinds of findings, each a file.
const FINDERS: &[fn(&Look<'_>, &mut Vec<Finding>)] = &[
    at_least_once::find,
    cache_stampede::find,
    chatty_proxy::find,
    closed_load::find,
    dead_letter::find,
    disk::find,
    ejection::find,
    hot_key::find,
    json_bodies::find,
    late_queue::find,
    lockstep::find,
    n_plus_one::find,
    no_dead_letter::find,
    no_timeout::find,
    oversubscribed::find,
    poll_interval::find,
    reconnect::find,
    redelivery::find,
    retry_budget::find,
    retry_effect::find,
    retry_jitter::find,
    single_point::find,
    slow_call::find,
    slow_reader::find,
    slow_replica::find,
    sticky::find,
];

/// All findings about `model`, the worst first. `notices` are the loader's; `site` says where a path stands.
pub fn audit(model: &Model, notices: &[Notice], site: &dyn Fn(&str) -> Option<Site>) -> Vec<Finding> {
    let look = Look { model, paper: on_paper(model), edges: model.edges().iter().copied().collect(), site };
    let mut found = checked::findings(notices);
    for finder in FINDERS {
        finder(&look, &mut found);
    }
    for finding in found.iter_mut().filter(|finding| finding.site.is_none()) {
        finding.site = site(&finding.path);
    }
    sort(&mut found);
    found
}

/// The worst first.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (b.grade, a.kind).cmp(&(a.grade, b.kind)));
}

impl Look<'_> {
    fn client(&self, edge: &Edge) -> &Client {
        &self.model.clients[edge.client]
    }

    fn callee(&self, edge: &Edge) -> (ServiceId, &Service) {
        let id = self.model.endpoints[edge.to].service;
        (id, &self.model.services[id])
    }

    fn rate(&self, endpoint: EndpointId) -> f64 {
        self.paper.rates[endpoint.index()]
    }

    /// Threads that the load on paper keeps busy in a service (Little's law), of all replicas.
    fn busy(&self, service: ServiceId) -> f64 {
        let of = |(id, _): &(EndpointId, _)| self.paper.rates[id.index()] * self.paper.total[id.index()];
        self.model.endpoints.enumerate().filter(|(_, it)| it.service == service).map(|it| of(&it)).sum()
    }

    /// How long a request of a service holds its thread on average, in seconds.
    fn hold(&self, service: ServiceId) -> f64 {
        let ids = self.model.endpoints.enumerate().filter(|(_, it)| it.service == service).map(|(id, _)| id);
        let rate: f64 = ids.map(|id| self.rate(id)).sum();
        if rate > 0.0 { self.busy(service) / rate } else { 0.0 }
    }

    /// Clients that are used, each with its edges.
    fn clients(&self) -> impl Iterator<Item = (ClientId, &Client, Vec<&Edge>)> {
        self.model.clients.enumerate().filter_map(|(id, client)| {
            let edges: Vec<&Edge> = self.edges.iter().filter(|edge| edge.client == id).collect();
            (!edges.is_empty()).then_some((id, client, edges))
        })
    }

    /// Of a client; a consumer says itself how its messages are tried.
    fn client_path(&self, client: ClientId, key: &str) -> String {
        match self.model.consumers.iter().find(|it| it.client == client) {
            Some(consumer) => format!("consumer.{}.{key}", consumer.name),
            None => format!("client.{}.{key}", self.model.clients[client].name),
        }
    }

    /// Of a transport; a preset is written where a client names it.
    fn transport_path(&self, client: ClientId, transport: &Transport, key: &str) -> String {
        let path = format!("transport.{}.{key}", transport.name);
        if (self.site)(&path).is_some() { path } else { self.client_path(client, "transport") }
    }

    fn service_path(&self, service: ServiceId, key: &str) -> String {
        format!("service.{}.{key}", self.model.services[service].name)
    }

    fn endpoint_path(&self, endpoint: EndpointId, key: &str) -> String {
        let it = &self.model.endpoints[endpoint];
        format!("service.{}.endpoint.{}.{key}", self.model.services[it.service].name, it.name)
    }

    fn topic_path(&self, topic: &crate::model::Topic, key: &str) -> String {
        format!("{}.{}.{key}", if topic.is_queue { "queue" } else { "topic" }, topic.name)
    }
}

/// The path of `key` of the client that makes a call; of the call, where nobody has written that client.
pub(crate) fn call_path(model: &Model, edge: &Edge, key: &str, site: &dyn Fn(&str) -> Option<Site>) -> String {
    let path = format!("client.{}.{key}", model.clients[edge.client].name);
    let calls = |step: &Step| matches!(step, Step::Call { endpoint, client, .. } if (*endpoint, *client) == (edge.to, edge.client));
    match edge.from {
        Caller::Consumer(id) => format!("consumer.{}.{key}", model.consumers[id].name),
        _ if site(&path).is_some() => path,
        Caller::Workload(id) => format!("workload.{}.entry", model.workloads[id].name),
        Caller::Service(id) => {
            let name = &model.services[id].name;
            let own = model.endpoints.iter().filter(|it| it.service == id);
            let by = own.into_iter().find(|it| it.steps.iter().any(|step| step.any(&calls)));
            by.map_or(format!("service.{name}"), |it| format!("service.{name}.endpoint.{}.steps", it.name))
        }
    }
}

/// Calls `visit` for every step, those within others included.
fn each_step<'s>(steps: &'s [Step], visit: &mut dyn FnMut(&'s Step)) {
    for step in steps {
        visit(step);
        match step {
            Step::Parallel { branches, .. } => branches.iter().for_each(|it| each_step(&it.steps, visit)),
            Step::Choose(arms) => arms.iter().for_each(|(_, steps)| each_step(steps, visit)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
                each_step(steps, visit);
            }
            _ => {}
        }
    }
}

/// Seconds as a length of time to read.
fn secs(secs: f64) -> String {
    crate::base::time::Span::from_secs_f64(secs).approx()
}

/// Whether calls on this edge hold up whoever makes them.
fn is_sync(edge: &Edge) -> bool {
    matches!(edge.from, Caller::Service(_))
}
