//! What those who are harmed depend on, as far as it differs from the twin: from users along calls to services, from
//! services to the brokers that they wait for, from groups of consumers to those who handle their messages, and where more
//! messages come than usual, to those who publish them.

use crate::model::{Caller, Id};

use super::blame::publishes_to;
use super::onsets::Onsets;
use super::runs::Runs;

/// See the module.
pub(super) struct Way {
    pub(super) services: Vec<bool>,
    pub(super) edges: Vec<bool>,
    /// Workloads that ask for more of what publishes.
    pub(super) workloads: Vec<bool>,
    groups: Vec<bool>,
    publishers: Vec<bool>,
}

#[derive(Clone, Copy)]
enum Node {
    Edge(usize),
    Service(usize),
    Group(usize),
    Publisher(usize),
}

impl Way {
    pub(super) fn from(runs: &Runs<'_>, onsets: &Onsets, workloads: &[usize], groups: &[usize]) -> Way {
        let services = runs.model.services.len();
        let mut way = Way {
            services: vec![false; services],
            edges: vec![false; runs.edges.len()],
            workloads: vec![false; runs.model.workloads.len()],
            groups: vec![false; runs.groups.len()],
            publishers: vec![false; services],
        };
        let entries = workloads.iter().flat_map(|id| runs.entries(*id)).map(Node::Edge);
        let mut reached: Vec<Node> = entries.chain(groups.iter().map(|id| Node::Group(*id))).collect();
        while let Some(node) = reached.pop() {
            way.visit(runs, onsets, node, &mut reached);
        }
        way
    }

    fn visit(&mut self, runs: &Runs<'_>, onsets: &Onsets, node: Node, reached: &mut Vec<Node>) {
        match node {
            Node::Edge(edge) => {
                let callee = runs.callee(edge);
                let differs = onsets.edges[edge].first().is_some() || onsets.services[callee].first().is_some();
                if differs && !std::mem::replace(&mut self.edges[edge], true) {
                    reached.push(Node::Service(callee));
                }
            }
            Node::Service(id) => {
                if std::mem::replace(&mut self.services[id], true) {
                    return;
                }
                reached.extend(runs.out_of(id).map(Node::Edge));
                let differs = |topic: &usize| onsets.topics[*topic].first().is_some();
                let topics = (0..onsets.topics.len()).filter(differs).filter(|topic| publishes_to(runs, id, &[*topic]));
                let topics: Vec<usize> = topics.collect();
                let groups = (0..runs.groups.len()).filter(|group| topics.contains(&runs.topic_of(*group)));
                reached.extend(groups.map(Node::Group));
            }
            Node::Group(id) => {
                if std::mem::replace(&mut self.groups[id], true) {
                    return;
                }
                reached.extend(runs.handlers(id).into_iter().map(Node::Service));
                for edge in (0..runs.edges.len()).filter(|edge| runs.is_of_group(*edge, id)) {
                    self.edges[edge] = true;
                }
                if onsets.groups[id].load.is_some() {
                    reached.extend(runs.publishers(runs.topic_of(id)).into_iter().map(Node::Publisher));
                }
            }
            Node::Publisher(id) => {
                if std::mem::replace(&mut self.publishers[id], true) {
                    return;
                }
                self.services[id] = true;
                for edge in runs.into(id).filter(|edge| onsets.edges[*edge].load.is_some()) {
                    match runs.edge(edge).from {
                        Caller::Service(caller) => reached.push(Node::Publisher(caller.index())),
                        Caller::Workload(workload) => self.workloads[workload.index()] = true,
                        Caller::Consumer(_) => {}
                    }
                }
            }
        }
    }
}
