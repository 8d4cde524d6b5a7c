//! Bodies of messages are written and read on somebody's CPU, together with the work beside it: one piece of work where
//! nothing else comes in between. What costs nothing for sure is no operation, and what always costs the same is added up
//! when the steps are compiled.

use std::collections::BTreeSet;

use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::time::Span;
use crate::base::units::Size;
use crate::model::{Edge, EdgeId, EndpointId, Id, Ids, Model, Step, Transport};

use super::agenda::Agenda;
use super::engine::Engine;
use super::frame::{NONE, flag};
use super::observer::Observer;
use super::program::Op;
use super::world::World;

/// Operations that are one piece of work.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// How many they are.
    length: u32,
    /// Work beside the messages; the salts name its draws.
    works: Vec<(Distribution, u64)>,
    /// What messages cost that always cost the same.
    messages: Span,
    /// The same for an answer, which is written only where somebody is to get it.
    answer: Span,
    /// Whether the first one reads an answer.
    pub(super) reads_answer: bool,
    /// The other messages.
    others: Vec<Op>,
}

impl Row {
    /// `ops` are work and messages.
    pub(super) fn of(ops: &[Op]) -> Row {
        let mut row =
            Row { length: ops.len() as u32, reads_answer: ops.first().is_some_and(Op::reads_answer), ..Row::default() };
        for op in ops {
            match op {
                Op::Work { demand, salt } => row.works.push((demand.clone(), *salt)),
                Op::Encode { cpu: Some(cpu), .. } | Op::Decode { cpu: Some(cpu), .. } | Op::Receive(Some(cpu)) => {
                    row.messages += *cpu;
                }
                Op::Respond(Some(cpu)) => row.answer += *cpu,
                other => row.others.push(other.clone()),
            }
        }
        row
    }
}

/// CPU time of the messages that endpoints get and send as callees, where it is always the same.
pub(super) struct CalleeCosts {
    /// To read a request, by endpoint.
    pub(super) receive: Vec<Option<Span>>,
    /// To write an answer, by endpoint.
    pub(super) respond: Vec<Option<Span>>,
}

impl CalleeCosts {
    pub(super) fn new(model: &Model, edges: &Ids<EdgeId, Edge>) -> CalleeCosts {
        let count = model.endpoints.len();
        let mut to: Vec<Vec<&Edge>> = vec![Vec::new(); count];
        edges.iter().for_each(|edge| to[edge.to.index()].push(edge));
        let receive = (0..count).map(|endpoint| agreed(to[endpoint].iter().map(|edge| request_decode(model, edge))));
        let asked = asked(model);
        let respond = (0..count).map(|endpoint| {
            let edges = asked[endpoint].iter().flat_map(|asked| &to[*asked]);
            agreed(edges.map(|edge| response_encode(model, edge)))
        });
        CalleeCosts { receive: receive.collect(), respond: respond.collect() }
    }
}

/// For which endpoints callers have asked whom each endpoint answers: for itself, and for those that hand over to it.
fn asked(model: &Model) -> Vec<BTreeSet<usize>> {
    let mut asked: Vec<BTreeSet<usize>> =
        (0..model.endpoints.len()).map(|endpoint| BTreeSet::from([endpoint])).collect();
    let mut handed_over = Vec::new();
    for (id, endpoint) in model.endpoints.enumerate() {
        find_forwards(&endpoint.steps, &mut |to| handed_over.push((id.index(), to.index())));
    }
    let mut grows = !handed_over.is_empty();
    while grows {
        grows = false;
        for (from, to) in &handed_over {
            let more: Vec<usize> = asked[*from].difference(&asked[*to]).copied().collect();
            grows |= !more.is_empty();
            asked[*to].extend(more);
        }
    }
    asked
}

fn find_forwards(steps: &[Step], found: &mut impl FnMut(EndpointId)) {
    for step in steps {
        match step {
            Step::Forward { endpoint, .. } => found(*endpoint),
            Step::Choose(arms) => arms.iter().for_each(|(_, steps)| find_forwards(steps, found)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } => find_forwards(steps, found),
            // Nothing is handed over in a branch or in what fetches for a cache.
            _ => {}
        }
    }
}

/// What all of them are, if they are the same and known; zero where there are none.
fn agreed(mut costs: impl Iterator<Item = Option<Span>>) -> Option<Span> {
    let Some(first) = costs.next() else { return Some(Span::ZERO) };
    first.filter(|first| costs.all(|cost| cost == Some(*first)))
}

/// What it always costs the caller to write the request along an edge.
pub(super) fn request_encode(model: &Model, edge: &Edge) -> Option<Span> {
    always(model, edge, &model.endpoints[edge.to].request, Transport::encode_cpu)
}

/// What it always costs the caller to read the answer along an edge.
pub(super) fn response_decode(model: &Model, edge: &Edge) -> Option<Span> {
    always(model, edge, &model.endpoints[edge.to].response, Transport::decode_cpu)
}

fn request_decode(model: &Model, edge: &Edge) -> Option<Span> {
    always(model, edge, &model.endpoints[edge.to].request, Transport::decode_cpu)
}

fn response_encode(model: &Model, edge: &Edge) -> Option<Span> {
    always(model, edge, &model.endpoints[edge.to].response, Transport::encode_cpu)
}

/// `None` where it depends on how large a body is.
fn always(model: &Model, edge: &Edge, bodies: &SizeDistribution, cpu: fn(&Transport, Size) -> Span) -> Option<Span> {
    let Some(transport) = &model.clients[edge.client].transport else { return Some(Span::ZERO) };
    if !transport.costs_cpu() && transport.message_cpu.is_zero() {
        return Some(Span::ZERO);
    }
    bodies.constant().map(|body| cpu(transport, body))
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Messages are written and read, and the work is done that goes with it: the operation at `pc`. `true` when that takes
    /// time.
    #[inline(never)]
    pub(super) fn work_on_messages(&mut self, id: u32, pc: u32) -> bool {
        let now = self.now();
        let World { program, routes, .. } = &self.world;
        let frame = &mut self.frames[id];
        let (mut demand, mut on_messages) = (Span::ZERO, Span::ZERO);
        let ops = match &program.ops[pc as usize] {
            Op::Together(row) => {
                frame.pc = pc + row.length;
                for (work, salt) in &row.works {
                    demand += work.sample(frame.key.child(salt ^ u64::from(frame.iteration)).draws());
                }
                on_messages = row.messages;
                if !frame.has(flag::REPLIED) {
                    on_messages += row.answer;
                }
                row.others.as_slice()
            }
            op => {
                frame.pc = pc + 1;
                std::slice::from_ref(op)
            }
        };
        let wire = |edge: u32| routes[edge as usize].wire.as_deref();
        for op in ops {
            let cpu = match op {
                Op::Encode { cpu: Some(cpu), .. } | Op::Decode { cpu: Some(cpu), .. } | Op::Receive(Some(cpu)) => {
                    Some(*cpu)
                }
                Op::Encode { edge, salt, .. } => wire(*edge).map(|wire| wire.request(frame, || *salt).encode),
                Op::Decode { edge, salt, .. } => wire(*edge).map(|wire| wire.answer(frame.place(*salt), true).decode),
                // What was handed over came by another edge than the answer goes.
                Op::Receive(None) => match std::mem::replace(&mut frame.target, NONE) {
                    NONE => wire(frame.edge),
                    handed_over_by => wire(handed_over_by),
                }
                .map(|wire| wire.received(frame).decode),
                // Unless nobody is to get it any more.
                Op::Respond(cpu) if !frame.has(flag::REPLIED) => {
                    cpu.or_else(|| wire(frame.edge).map(|wire| wire.answer(frame.key, true).encode))
                }
                _ => None,
            };
            on_messages += cpu.unwrap_or(Span::ZERO);
        }
        if !on_messages.is_zero() {
            self.observer.encodes(frame.service, id, now, on_messages);
        }
        demand += on_messages;
        if demand.is_zero() {
            return false;
        }
        self.work(id, demand);
        true
    }

    /// Work on a message alone; `true` when it takes time.
    pub(super) fn work_on_message(&mut self, id: u32, cpu: Span) -> bool {
        if cpu.is_zero() {
            return false;
        }
        self.observer.encodes(self.frames[id].service, id, self.agenda.now(), cpu);
        self.work(id, cpu);
        true
    }
}
