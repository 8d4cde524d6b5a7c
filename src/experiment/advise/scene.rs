//! Where it hurts: the services, clients, caches and consumers that the story of a run is about, the most likely place
//! first. Cures are looked for nowhere else.

use crate::insight::{Insight, PlaceKind, RootKind};
use crate::model::{
    CacheId, Caller, Client, ClientId, ConsumerId, Edge, Endpoint, EndpointId, Id, Limit, Model, PoolId, Service,
    ServiceId, Step, Target, TopicId, Transport, WorkloadId,
};
use crate::scenario::{Locator, Paper, on_paper};

/// So many places of a kind are looked at.
const SERVICES_MAX: usize = 3;
const CLIENTS_MAX: usize = 3;
const EDGES_MAX: usize = 3;

/// See the module.
pub(super) struct Scene<'a> {
    pub model: &'a Model,
    pub locator: &'a Locator,
    pub paper: Paper,
    pub edges: Vec<Edge>,
    /// Where work piles up.
    pub services: Vec<ServiceId>,
    /// Which clients' calls fail, or are repeated.
    pub clients: Vec<ClientId>,
    /// The calls by which services wait for another one.
    pub waits: Vec<Edge>,
    pub caches: Vec<CacheId>,
    pub consumers: Vec<ConsumerId>,
    pub topics: Vec<TopicId>,
}

impl<'a> Scene<'a> {
    /// A single call.
    pub(super) fn of_call(model: &'a Model, locator: &'a Locator, call: &Edge) -> Scene<'a> {
        let mut scene = Scene::empty(model, locator);
        scene.add_edge(call);
        scene
    }

    fn empty(model: &'a Model, locator: &'a Locator) -> Scene<'a> {
        Scene {
            model,
            locator,
            paper: on_paper(model),
            edges: model.edges().iter().copied().collect(),
            services: Vec::new(),
            clients: Vec::new(),
            waits: Vec::new(),
            caches: Vec::new(),
            consumers: Vec::new(),
            topics: Vec::new(),
        }
    }

    /// What `insight` says about the run of `model`; `failed` are the places of expectations that did not hold.
    pub(super) fn new(model: &'a Model, locator: &'a Locator, insight: &Insight, failed: &[usize]) -> Scene<'a> {
        let mut scene = Scene::empty(model, locator);
        if let Some(found) = &insight.sustained_by {
            scene.add_named(&found.service);
            scene.add_named(&found.through);
        }
        scene.add_named(&insight.root.target);
        if insight.root.kind == RootKind::Setting {
            scene.add_setting(&insight.root.target);
        }
        for event in &insight.events {
            match event.place.kind {
                PlaceKind::Setting => scene.add_setting(&event.place.name),
                PlaceKind::Run => {}
                _ => scene.add_named(&event.place.name),
            }
        }
        for place in failed {
            let expectation = &model.expectations[*place];
            scene.add_target(expectation.target);
        }
        scene.add_busiest();
        scene.add_callers();
        scene
    }

    /// A service, an edge `caller -> service`, a workload, a cache, a topic or a consumer.
    fn add_named(&mut self, name: &str) {
        let model = self.model;
        if let Some((from, to)) = name.split_once(" -> ") {
            let to = to.split_once(" via ").map_or(to, |(to, _)| to);
            let to = to.split_once('.').map_or(to, |(service, _)| service);
            let is_it = |edge: &&Edge| caller_name(model, edge) == from && self.callee(edge).1.name == to;
            let of: Vec<Edge> = self.edges.iter().filter(is_it).copied().collect();
            of.iter().for_each(|edge| self.add_edge(edge));
            return;
        }
        let name = name.split_once('.').map_or(name, |(service, _)| service);
        if let Some((id, _)) = model.services.enumerate().find(|(_, it)| it.name == name) {
            push(&mut self.services, id);
        }
        if let Some((id, _)) = model.workloads.enumerate().find(|(_, it)| it.name == name) {
            self.add_workload(id);
        }
        if let Some((id, _)) = model.caches.enumerate().find(|(_, it)| it.name == name) {
            self.add_cache(id);
        }
        if let Some((id, _)) = model.topics.enumerate().find(|(_, it)| it.name == name) {
            self.add_topic(id);
        }
        if let Some((id, _)) = model.pools.enumerate().find(|(_, it)| it.name == name) {
            self.add_pool(id);
        }
        let of_group = |it: &crate::model::Consumer| it.name == name;
        let consumers: Vec<ConsumerId> =
            model.consumers.enumerate().filter(|(_, it)| of_group(it)).map(|(id, _)| id).collect();
        consumers.into_iter().for_each(|id| self.add_consumer(id));
        for (id, _) in model.brokers.enumerate().filter(|(_, it)| it.name == name) {
            let of = model.topics.enumerate().filter(|(_, it)| it.broker == id).map(|(id, _)| id);
            of.for_each(|topic| self.add_topic(topic));
        }
    }

    /// The second part of a path is a name.
    fn add_setting(&mut self, path: &str) {
        if let Some(name) = path.split('.').nth(1) {
            let clients = self.model.clients.enumerate().filter(|(_, it)| it.name == name);
            let clients: Vec<ClientId> = clients.map(|(id, _)| id).collect();
            clients.into_iter().for_each(|id| push(&mut self.clients, id));
            self.add_named(name);
        }
    }

    fn add_target(&mut self, target: Target) {
        match target {
            Target::Workload(id) => self.add_workload(id),
            Target::Service(id) => push(&mut self.services, id),
            Target::Cache(id) => self.add_cache(id),
            Target::Topic(id) => self.add_topic(id),
            Target::Consumer(id) => self.add_consumer(id),
            Target::Pool(id) => self.add_pool(id),
            Target::Edge(_) | Target::Run => {}
        }
    }

    fn add_workload(&mut self, id: WorkloadId) {
        let workload = &self.model.workloads[id];
        push(&mut self.clients, workload.client);
    }

    fn add_edge(&mut self, edge: &Edge) {
        let callee = self.callee(edge).0;
        push(&mut self.services, callee);
        push(&mut self.clients, edge.client);
        if matches!(edge.from, Caller::Service(_)) && !self.waits.contains(edge) {
            self.waits.push(*edge);
        }
    }

    fn add_cache(&mut self, id: CacheId) {
        push(&mut self.caches, id);
    }

    /// Whoever holds its permits.
    fn add_pool(&mut self, id: PoolId) {
        let holds = |it: &&Endpoint| it.steps.iter().any(|step| step.holds(id));
        self.model.endpoints.iter().filter(holds).for_each(|it| push(&mut self.services, it.service));
    }

    fn add_topic(&mut self, id: TopicId) {
        push(&mut self.topics, id);
        let of: Vec<ConsumerId> =
            self.model.consumers.enumerate().filter(|(_, it)| it.topic == id).map(|(id, _)| id).collect();
        of.into_iter().for_each(|id| push(&mut self.consumers, id));
    }

    fn add_consumer(&mut self, id: ConsumerId) {
        push(&mut self.consumers, id);
        let consumer = &self.model.consumers[id];
        push(&mut self.topics, consumer.topic);
        push(&mut self.services, self.model.endpoints[consumer.handler].service);
    }

    /// The service that is busiest on paper, and the calls that take longest: where nothing goes wrong, it hurts there.
    fn add_busiest(&mut self) {
        let all = self.model.services.enumerate();
        let busy = |id: ServiceId| match self.model.services[id].threads_in_all() {
            Some(threads) => self.busy(id) / threads as f64,
            None => self.model.services[id].cores_in_all().map_or(0.0, |cores| self.working(id) / cores as f64),
        };
        let busiest = all.map(|(id, _)| (busy(id), id)).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, id)) = busiest.filter(|(share, _)| *share > 0.0) {
            push(&mut self.services, id);
        }
        let weight = |edge: &Edge| self.paper.answer[edge.to.index()] * self.paper.rates[edge.to.index()];
        let mut calls: Vec<Edge> =
            self.edges.iter().filter(|edge| matches!(edge.from, Caller::Service(_))).copied().collect();
        calls.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        for edge in calls {
            if !self.waits.contains(&edge) {
                self.waits.push(edge);
            }
        }
    }

    /// Whoever calls the services that hurt; then no more than anybody can try.
    fn add_callers(&mut self) {
        self.services.truncate(SERVICES_MAX);
        for service in self.services.clone() {
            let callers: Vec<ClientId> =
                self.edges.iter().filter(|edge| self.callee(edge).0 == service).map(|edge| edge.client).collect();
            callers.into_iter().for_each(|id| push(&mut self.clients, id));
        }
        for id in (0..self.model.caches.len()).map(CacheId::new) {
            push(&mut self.caches, id);
        }
        let model = self.model;
        // What has no name of its own in the file cannot be given other values.
        let is_written = |path: String| self.locator.site(&path).is_some();
        self.clients.retain(|id| is_written(format!("client.{}", model.clients[*id].name)));
        self.clients.truncate(CLIENTS_MAX);
        self.waits.truncate(EDGES_MAX);
        self.caches.truncate(SERVICES_MAX);
        self.topics.truncate(SERVICES_MAX);
        self.consumers.truncate(SERVICES_MAX);
    }

    pub(super) fn callee(&self, edge: &Edge) -> (ServiceId, &'a Service) {
        let id = self.model.endpoints[edge.to].service;
        (id, &self.model.services[id])
    }

    pub(super) fn client(&self, id: ClientId) -> &'a Client {
        &self.model.clients[id]
    }

    /// Edges into a service.
    pub(super) fn edges_to(&self, service: ServiceId) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| self.callee(edge).0 == service)
    }

    /// Threads that the load on paper keeps busy (Little's law), of all replicas.
    pub(super) fn busy(&self, service: ServiceId) -> f64 {
        self.sum(service, &self.paper.total)
    }

    /// The same for cores.
    fn working(&self, service: ServiceId) -> f64 {
        self.sum(service, &self.paper.work)
    }

    fn sum(&self, service: ServiceId, of: &[f64]) -> f64 {
        let own = self.model.endpoints.enumerate().filter(|(_, it)| it.service == service);
        own.map(|(id, _): (EndpointId, _)| self.paper.rates[id.index()] * of[id.index()]).sum()
    }

    /// How long a request holds a thread of the service on average, in seconds; `None` where nobody asks for anything.
    pub(super) fn hold(&self, service: ServiceId) -> Option<f64> {
        let own = self.model.endpoints.enumerate().filter(|(_, it)| it.service == service);
        let rate: f64 = own.map(|(id, _)| self.paper.rates[id.index()]).sum();
        (rate > 0.0).then(|| self.busy(service) / rate).filter(|hold| *hold > 0.0)
    }

    /// How long the least patient caller of a service waits, in seconds.
    pub(super) fn patience(&self, service: ServiceId) -> Option<f64> {
        let timeouts = self.edges_to(service).filter_map(|edge| {
            let deadline = match edge.from {
                Caller::Workload(id) => self.model.workloads[id].deadline,
                _ => None,
            };
            [self.client(edge.client).timeout, deadline].into_iter().flatten().min()
        });
        timeouts.min().map(|timeout| timeout.as_secs_f64())
    }

    /// How long an answer to a call of this client takes on paper when nobody waits, in seconds: the slowest of its calls.
    pub(super) fn answer(&self, client: ClientId) -> f64 {
        let of = self.edges.iter().filter(|edge| edge.client == client);
        of.map(|edge| self.paper.answer[edge.to.index()]).fold(0.0, f64::max)
    }

    /// Threads of a replica, where they are counted.
    pub(super) fn threads(&self, service: ServiceId) -> Option<u32> {
        match self.model.services[service].threads {
            Limit::AtMost(threads) => Some(threads),
            Limit::Unlimited => None,
        }
    }

    /// The transports that the clients use and the file names.
    pub(super) fn transports(&self) -> Vec<&'a Transport> {
        let mut all: Vec<&Transport> = Vec::new();
        for id in &self.clients {
            let Some(transport) = self.model.clients[*id].transport.as_deref() else { continue };
            let is_named = self.locator.site(&format!("transport.{}", transport.name)).is_some();
            if is_named && all.iter().all(|known| known.name != transport.name) {
                all.push(transport);
            }
        }
        all
    }
}

/// The name of whoever calls.
pub(super) fn caller_name<'m>(model: &'m Model, edge: &Edge) -> &'m str {
    match edge.from {
        Caller::Workload(id) => &model.workloads[id].name,
        Caller::Service(id) => &model.services[id].name,
        Caller::Consumer(id) => &model.consumers[id].name,
    }
}

/// Adds what is not there yet.
fn push<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// The calls of an endpoint in `steps`, those within others included.
pub(super) fn calls(steps: &[Step], to: EndpointId) -> u32 {
    let one = |step: &Step| match step {
        Step::Call { endpoint, .. } => u32::from(*endpoint == to),
        other => other.lists().into_iter().map(|steps| calls(steps, to)).sum(),
    };
    steps.iter().map(one).sum()
}
