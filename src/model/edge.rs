//! Edges: who calls whom, and how. They follow from the steps; nobody writes them.

use super::id::{ClientId, EdgeId, EndpointId, Ids, ServiceId, WorkloadId};
use super::{Model, Step};

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// The users of a workload.
    Workload(WorkloadId),
    /// The replicas of a service.
    Service(ServiceId),
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
    /// Every edge once, those of workloads first, in the order in which the file names them.
    pub fn edges(&self) -> Ids<EdgeId, Edge> {
        let mut edges = EdgeSet::default();
        for (id, workload) in self.workloads.enumerate() {
            for (_, to) in &workload.entry {
                edges.add(Edge { from: Caller::Workload(id), to: *to, client: workload.client });
            }
        }
        for endpoint in self.endpoints.iter() {
            edges.add_steps(Caller::Service(endpoint.service), &endpoint.steps);
        }
        edges.list
    }

    /// `caller -> service.endpoint`, as tables show it.
    pub fn edge_name(&self, edge: &Edge) -> String {
        let from = match edge.from {
            Caller::Workload(id) => &self.workloads[id].name,
            Caller::Service(id) => &self.services[id].name,
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
        let (kind, from) = match edge.from {
            Caller::Workload(id) => (0, id.0),
            Caller::Service(id) => (1, id.0),
        };
        if self.seen.insert((kind, from, edge.to.0, edge.client.0)) {
            self.list.push(edge);
        }
    }

    fn add_steps(&mut self, from: Caller, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Call { endpoint, client, .. } | Step::Forward { endpoint, client } => {
                    self.add(Edge { from, to: *endpoint, client: *client });
                }
                Step::Parallel { branches, .. } => branches.iter().for_each(|b| self.add_steps(from, &b.steps)),
                Step::Choose(arms) => arms.iter().for_each(|(_, steps)| self.add_steps(from, steps)),
                Step::Repeat { steps, .. } => self.add_steps(from, steps),
                Step::Work(_) | Step::Sleep(_) | Step::Reply | Step::Fail => {}
            }
        }
    }
}
