//! Edges: who calls whom, and how. They follow from the steps; nobody writes them.

use super::id::{ClientId, ConsumerId, EdgeId, EndpointId, Ids, ServiceId, WorkloadId};
use super::{Model, Step};

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// The users of a workload.
    Workload(WorkloadId),
    /// The replicas of a service.
    Service(ServiceId),
    /// The workers of a consumer, which call their handler in their own process.
    Consumer(ConsumerId),
}

/// All calls from one caller to one endpoint through one client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Who calls.
    pub from: Caller,
    /// Who is called.
    pub to: EndpointId,
    /// How.
    pub client: ClientId,
}

impl Model {
    /// Every edge once, those of workloads first and those of consumers last, in the order in which the file names them.
    pub fn edges(&self) -> Ids<EdgeId, Edge> {
        let mut edges = EdgeSet::default();
        for (id, workload) in self.workloads.enumerate() {
            for (_, to) in workload.session.entries() {
                edges.add(Edge { from: Caller::Workload(id), to, client: workload.client });
            }
        }
        for endpoint in self.endpoints.iter() {
            edges.add_steps(Caller::Service(endpoint.service), &endpoint.steps);
        }
        for (id, consumer) in self.consumers.enumerate() {
            edges.add(Edge { from: Caller::Consumer(id), to: consumer.handler, client: consumer.client });
        }
        edges.list
    }

    /// `caller -> service.endpoint`, as tables show it.
    pub fn edge_name(&self, edge: &Edge) -> String {
        let from = match edge.from {
            Caller::Workload(id) => &self.workloads[id].name,
            Caller::Service(id) => &self.services[id].name,
            Caller::Consumer(id) => &self.consumers[id].name,
        };
        format!("{from} -> {}", self.endpoint_name(edge.to))
    }
}

#[derive(Default)]
struct EdgeSet {
    list: Ids<EdgeId, Edge>,
    seen: std::collections::BTreeSet<(u8, u32, u32, u32)>,
}

impl EdgeSet {
    fn add(&mut self, edge: Edge) {
        let (kind, from) = edge.from.order();
        if self.seen.insert((kind, from, edge.to.0, edge.client.0)) {
            self.list.push(edge);
        }
    }

    fn add_steps(&mut self, from: Caller, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Call { endpoint, client, fallback, .. } => {
                    self.add(Edge { from, to: *endpoint, client: *client });
                    fallback.iter().for_each(|fallback| self.add_steps(from, fallback.steps()));
                }
                Step::Forward { endpoint, client } => {
                    self.add(Edge { from, to: *endpoint, client: *client });
                }
                Step::Parallel { branches, .. } => branches.iter().for_each(|b| self.add_steps(from, &b.steps)),
                Step::Choose(arms) => arms.iter().for_each(|(_, steps)| self.add_steps(from, steps)),
                Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
                    self.add_steps(from, steps);
                }
                Step::Work(_)
                | Step::ContendedWork { .. }
                | Step::Sleep(_)
                | Step::Publish(_)
                | Step::Reply
                | Step::Fail => {}
            }
        }
    }
}

/// All edges that share the state of a client: one caller, one client, one callee service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channel {
    /// Who calls.
    pub from: Caller,
    /// Which service is called.
    pub to: ServiceId,
    /// How.
    pub client: ClientId,
}

/// The channels of a model.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// Every channel once, in the order of its first edge.
    pub list: Vec<Channel>,
    /// The place in `list` of each edge's channel, by edge.
    pub of: Vec<u32>,
}

impl Model {
    /// The channels of `edges`, which are this model's. A caller's replica keeps one breaker, one retry budget
    /// and one balancer for each.
    pub fn channels(&self, edges: &Ids<EdgeId, Edge>) -> Channels {
        let mut channels = Channels::default();
        let mut places = std::collections::BTreeMap::new();
        for edge in edges.iter() {
            let channel = Channel { from: edge.from, to: self.endpoints[edge.to].service, client: edge.client };
            let (kind, from) = edge.from.order();
            let place = *places.entry((kind, from, channel.to.0, channel.client.0)).or_insert_with(|| {
                channels.list.push(channel);
                channels.list.len() as u32 - 1
            });
            channels.of.push(place);
        }
        channels
    }

    /// How many replicas a caller has at most; a workload's users are one.
    pub fn caller_replicas(&self, caller: Caller) -> u32 {
        match caller {
            Caller::Workload(_) => 1,
            Caller::Service(id) => self.replicas_most(id),
            Caller::Consumer(id) => self.replicas_most(self.endpoints[self.consumers[id].handler].service),
        }
    }
}

impl Caller {
    /// Sorts workloads before services, and these before consumers, each by id.
    fn order(self) -> (u8, u32) {
        match self {
            Caller::Workload(id) => (0, id.0),
            Caller::Service(id) => (1, id.0),
            Caller::Consumer(id) => (2, id.0),
        }
    }
}
