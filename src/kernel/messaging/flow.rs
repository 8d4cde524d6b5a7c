//! What RabbitMQ does against publishers who are too fast: a node whose memory is used beyond its watermark lets nobody
//! publish to the broker, and a connection that is so many messages ahead of the node waits until it has caught up.
//! Consumers are left alone, so that it can.

use std::collections::VecDeque;

use crate::base::units::{Share, Size};
use crate::mechanism::broker::queue::{Credit, Node, NodeSettings, rabbitmq};
use crate::model::{Broker, BrokerKind};

use super::super::agenda::{Agenda, Ticket};
use super::super::engine::Engine;
use super::super::observer::Observer;
use super::{Message, NONE};

/// One publisher's connection to RabbitMQ: a replica has one for every `publish` step.
pub(in crate::kernel) struct Connection {
    credit: Credit,
    /// Who waits for credit, in the order in which they came, and to which topic.
    waiting: VecDeque<(Ticket, u32, Message)>,
}

impl Connection {
    pub(super) fn new() -> Connection {
        Connection { credit: Credit::new(rabbitmq::CREDIT), waiting: VecDeque::new() }
    }

    /// Whether the next publisher has to wait.
    pub(super) fn holds_back(&self) -> bool {
        self.credit.is_blocked() || !self.waiting.is_empty()
    }

    pub(super) fn wait(&mut self, ticket: Ticket, topic: u32, message: Message) {
        self.waiting.push_back((ticket, topic, message));
    }
}

/// Whether publishers to a broker get credit: where a message takes the node time.
pub(super) fn gives_credit(broker: &Broker) -> bool {
    broker.kind == BrokerKind::Rabbitmq && (broker.rate.is_some() || broker.bandwidth.is_some())
}

/// The memory of one node, where that is limited.
pub(super) fn memory(broker: &Broker) -> Option<Node> {
    let settings = |memory| NodeSettings { memory: Some(memory), watermark: Share::ONE, ..rabbitmq::node() };
    broker.memory_limit.map(|memory| Node::new(settings(memory)))
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Messages of a node take more memory or less: everybody goes on when there is enough of it again.
    pub(super) fn memory_changes(&mut self, broker: u32, node: u32, before: u64, now: u64) {
        let state = &mut self.messaging.brokers[broker as usize];
        let Some(memory) = &mut state.nodes[node as usize].memory else { return };
        if now > before {
            state.alarms += u32::from(memory.stored(Size::from_bytes(now - before), Size::ZERO));
            return;
        }
        if memory.released(Size::from_bytes(before - now), Size::ZERO) {
            state.alarms -= 1;
            for node in 0..state.nodes.len() as u32 {
                self.let_publishers_go(broker, node);
            }
        }
    }

    /// A message leaves for the broker on a connection, if it is one with credit.
    pub(super) fn uses_credit(&mut self, from: u32) {
        if from != NONE {
            self.messaging.connections[from as usize].credit.send();
        }
    }

    /// A publisher who may go on needs credit, too: `true` when he waits for it now.
    pub(super) fn waits_for_credit(&mut self, from: u32, ticket: Ticket, topic: u32, message: Message) -> bool {
        if from == NONE || !self.messaging.connections[from as usize].credit.is_blocked() {
            return false;
        }
        self.messaging.connections[from as usize].wait(ticket, topic, message);
        true
    }

    /// The node is done with a message that came on a connection.
    pub(super) fn credit_comes_back(&mut self, from: u32) {
        if from == NONE {
            return;
        }
        let it = &mut self.messaging.connections[from as usize];
        if let Some(credit) = it.credit.handled() {
            it.credit.granted(credit);
        }
        while let it = &mut self.messaging.connections[from as usize]
            && !it.credit.is_blocked()
            && let Some((ticket, topic, message)) = it.waiting.pop_front()
        {
            if !self.live(ticket) {
                continue;
            }
            match self.held_back_by(topic, &message) {
                Some(node) => {
                    let broker = self.messaging.topics[topic as usize].broker;
                    let node = &mut self.messaging.brokers[broker as usize].nodes[node as usize];
                    node.blocked.push_back((ticket, topic, message, from));
                }
                None => self.publisher_goes_on(ticket, topic, message, from),
            }
        }
    }

    /// The node at which a publisher has to wait now.
    pub(super) fn held_back_by(&self, topic: u32, message: &Message) -> Option<u32> {
        let state = &self.messaging.topics[topic as usize];
        let broker = &self.messaging.brokers[state.broker as usize];
        let node = broker.leader(self.agenda.now(), state.home)?;
        broker.holds_back(node, message.bytes.into()).then_some(node)
    }
}
