//! The servers of a broker: how fast they take messages, what their disks hold, and who leads what one led that died.

use std::collections::VecDeque;

use crate::base::distribution::Distribution;
use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::model::{Broker, WhenFull};

use super::super::agenda::{Agenda, Event, Ticket};
use super::super::engine::Engine;
use super::super::observer::{MessageFact, Observer};
use super::super::world::{Hop, Transit, World};
use super::{Message, Parcel};

const SALT_STORE: u64 = salt("broker/store");

/// A broker.
pub(in crate::kernel) struct BrokerState {
    pub(in crate::kernel) nodes: Vec<NodeState>,
    hop: Hop,
    store: Distribution,
    /// Time that one message takes a node, in nanoseconds.
    each_nanos: f64,
    /// And one byte.
    byte_nanos: f64,
    /// How much dearer each partition makes them.
    partition_cost: f64,
    disk: u64,
    when_full: WhenFull,
    /// Nodes whose memory is used beyond the watermark.
    pub(super) alarms: u32,
    failover: Span,
    pub(in crate::kernel) trouble: BrokerTrouble,
    /// Whether nothing is wrong, and nothing takes time.
    is_immediate: bool,
}

/// What is wrong with a broker.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::kernel) struct BrokerTrouble {
    pub(in crate::kernel) latency: Vec<(u64, Distribution)>,
    /// Everything takes this many times as long.
    pub(in crate::kernel) slow: f64,
}

/// One server.
pub(in crate::kernel) struct NodeState {
    /// When it has done all that it has.
    free_at: Time,
    pub(in crate::kernel) is_down: bool,
    /// From when on others lead what it has led.
    replaced_at: Time,
    /// Partitions and queues that it leads.
    pub(in crate::kernel) leads: u32,
    /// Bytes on its disk.
    pub(in crate::kernel) used: u64,
    /// Bytes of messages for which there must be room when they come: of publishers who would have waited otherwise.
    reserved: u64,
    /// Its memory, where that is limited.
    pub(super) memory: Option<crate::mechanism::broker::queue::Node>,
    /// Publishers who wait until there is room, in the order in which they came: to which topic, and on which connection.
    pub(in crate::kernel) blocked: VecDeque<(Ticket, u32, Message, u32)>,
}

impl BrokerState {
    pub(super) fn new(broker: &Broker, world: &mut World) -> BrokerState {
        let node = || NodeState {
            free_at: Time::ZERO,
            is_down: false,
            replaced_at: Time::ZERO,
            leads: 0,
            used: 0,
            reserved: 0,
            memory: super::flow::memory(broker),
            blocked: VecDeque::new(),
        };
        let mut state = BrokerState {
            nodes: (0..broker.nodes).map(|_| node()).collect(),
            hop: world.hop(&broker.latency),
            store: broker.store.clone(),
            each_nanos: broker.rate.map_or(0.0, |rate| 1e9 / rate.as_per_sec()),
            byte_nanos: broker.bandwidth.map_or(0.0, |bandwidth| 1e9 / bandwidth.as_bytes_per_sec()),
            partition_cost: broker.partition_cost.as_f64(),
            disk: broker.disk.map_or(u64::MAX, Size::as_bytes),
            when_full: broker.when_full,
            alarms: 0,
            failover: broker.failover,
            trouble: BrokerTrouble { latency: Vec::new(), slow: 1.0 },
            is_immediate: false,
        };
        state.refresh();
        state
    }

    fn refresh(&mut self) {
        let takes_no_time = self.each_nanos == 0.0 && self.byte_nanos == 0.0;
        let stores_at_once = self.store.constant() == Some(Span::ZERO);
        self.is_immediate = takes_no_time && stores_at_once && self.trouble.latency.is_empty();
    }

    /// Something is wrong with it from now on, or not any more.
    pub(in crate::kernel) fn set_trouble(&mut self, trouble: BrokerTrouble) {
        self.trouble = trouble;
        self.refresh();
    }

    /// Whether a message is stored as soon as it has arrived.
    #[inline]
    pub(super) fn is_immediate(&self) -> bool {
        self.is_immediate
    }

    /// How long a message takes to a client or from one; `key` and `direction` name its draw.
    #[inline]
    pub(super) fn way(&self, lanes: &[Span], key: Key, direction: u64) -> Transit {
        if self.trouble.latency.is_empty() {
            return self.hop.transit(key, direction);
        }
        Transit::Span(self.way_span(lanes, key, direction))
    }

    /// The same as a length of time.
    pub(super) fn way_span(&self, lanes: &[Span], key: Key, direction: u64) -> Span {
        let usual = self.hop.span(lanes, key, direction);
        let extra = self.trouble.latency.iter();
        extra.fold(usual, |sum, (salt, latency)| sum + latency.sample(key.child(salt ^ direction).draws()))
    }

    /// The node that leads now what `home` leads when all are up; `None` while nobody does.
    pub(in crate::kernel) fn leader(&self, now: Time, home: u32) -> Option<u32> {
        self.leader_among(now, home, u32::MAX)
    }

    /// The same where only so many nodes have copies, `home` and those behind it.
    pub(super) fn leader_among(&self, now: Time, home: u32, copies: u32) -> Option<u32> {
        let count = self.nodes.len() as u32;
        let at_home = &self.nodes[home as usize];
        if !at_home.is_down {
            return Some(home);
        }
        if now < at_home.replaced_at {
            return None;
        }
        (1..count.min(copies)).map(|step| (home + step) % count).find(|node| !self.nodes[*node as usize].is_down)
    }

    /// A node dies. Returns from when on others lead what it led.
    pub(in crate::kernel) fn node_dies(&mut self, now: Time, node: u32) -> Time {
        let replaced_at = now + self.failover;
        let node = &mut self.nodes[node as usize];
        node.is_down = true;
        node.replaced_at = replaced_at;
        node.free_at = now;
        replaced_at
    }

    /// When a node has stored `bytes` of `messages` that arrive now, replicas included.
    pub(super) fn stored_at(&mut self, now: Time, node: u32, messages: u32, bytes: u64, key: Key) -> Time {
        let (slow, cost, each, byte) = (self.trouble.slow, self.partition_cost, self.each_nanos, self.byte_nanos);
        let node = &mut self.nodes[node as usize];
        let dearer = slow * (1.0 + cost * f64::from(node.leads));
        let takes = (each * f64::from(messages) + byte * bytes as f64) * dearer;
        node.free_at = node.free_at.max(now) + Span::from_nanos_f64(takes);
        let store = self.store.sample(key.child(SALT_STORE).draws());
        let store = if slow == 1.0 { store } else { Span::from_nanos_f64(store.as_nanos() as f64 * slow) };
        node.free_at + store
    }

    /// When a node has done all that it has.
    pub(super) fn free_at(&self, node: u32) -> Time {
        self.nodes[node as usize].free_at
    }

    /// Whether a node's disk has no room for so many bytes.
    pub(super) fn is_full(&self, node: u32, bytes: u64) -> bool {
        let node = &self.nodes[node as usize];
        self.disk != u64::MAX && node.used.saturating_add(node.reserved).saturating_add(bytes) > self.disk
    }

    pub(super) fn blocks_when_full(&self) -> bool {
        self.when_full == WhenFull::Block
    }

    /// Whether a node lets a publisher wait before he sends so many bytes.
    pub(super) fn holds_back(&self, node: u32, bytes: u64) -> bool {
        !self.nodes[node as usize].blocked.is_empty() || self.has_no_room(node, bytes)
    }

    fn has_no_room(&self, node: u32, bytes: u64) -> bool {
        self.alarms > 0 || (self.blocks_when_full() && self.is_full(node, bytes))
    }

    /// A publisher who would wait if there were no room sends so many bytes (or they have come).
    pub(super) fn reserve(&mut self, node: u32, bytes: i64) {
        if self.when_full == WhenFull::Block && self.disk != u64::MAX {
            let node = &mut self.nodes[node as usize];
            node.reserved = node.reserved.saturating_add_signed(bytes);
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Sends a parcel, which takes so long.
    pub(super) fn dispatch_parcel(&mut self, way: Transit, parcel: Parcel) {
        let id = self.messaging.parcels.add(parcel);
        match way {
            Transit::None => self.soon.push_back(Event::Parcel(id)),
            Transit::Lane(lane) => self.agenda.after(lane, Event::Parcel(id)),
            Transit::Span(span) => self.agenda.at(self.agenda.now() + span, Event::Parcel(id)),
        }
    }

    /// Sends a parcel that is there at a time.
    pub(super) fn dispatch_parcel_at(&mut self, time: Time, parcel: Parcel) {
        let id = self.messaging.parcels.add(parcel);
        self.agenda.at(time, Event::Parcel(id));
    }

    /// A parcel is there.
    #[inline(never)]
    pub(in crate::kernel) fn parcel_arrives(&mut self, id: u32) {
        match self.messaging.parcels.take(id) {
            Parcel::Arrives { topic, message, from } => self.reaches_broker(topic, message, from),
            Parcel::Stored { topic, message, from } => {
                self.message_stored(topic, message);
                self.credit_comes_back(from);
            }
            Parcel::Answered { waiter, outcome } => self.publish_answered(waiter, outcome),
            Parcel::Delivered { worker, epoch, count } => self.messages_reach(worker, epoch, count),
            Parcel::Settled { worker } => self.answer_reaches(worker),
            Parcel::Polls { worker, epoch } => self.worker_polls(worker, epoch),
            Parcel::Requested { producer, node, request } => self.request_reaches(producer, node, request),
            Parcel::Replicated { topic, list } => self.replicated(topic, list),
            Parcel::RequestAnswered { producer, request, list } => self.request_answered(producer, request, list),
            Parcel::CommitDue { worker, epoch } => self.commit_due(worker, epoch),
            Parcel::Committed { worker, epoch } => self.committed(worker, epoch),
        }
    }

    /// A message reaches the node that leads its topic.
    pub(super) fn reaches_broker(&mut self, topic: u32, message: Message, from: u32) {
        let now = self.now();
        let state = &self.messaging.topics[topic as usize];
        let broker = &mut self.messaging.brokers[state.broker as usize];
        broker.reserve(state.home, -i64::from(message.bytes));
        let Some(node) = broker.leader(now, state.home) else {
            self.publish_fails(topic, &message, crate::policy::Outcome::Refused);
            self.credit_comes_back(from);
            return;
        };
        if broker.is_full(node, message.bytes.into()) && !broker.blocks_when_full() {
            self.publish_fails(topic, &message, crate::policy::Outcome::Rejected);
            self.credit_comes_back(from);
            return;
        }
        if broker.is_immediate() {
            self.message_stored(topic, message);
            self.credit_comes_back(from);
            return;
        }
        let stored = broker.stored_at(now, node, 1, message.bytes.into(), message.key);
        self.dispatch_parcel_at(stored, Parcel::Stored { topic, message, from });
    }

    /// Brings what a topic has on disk in line with what it keeps.
    pub(super) fn account(&mut self, topic: u32) {
        let now = self.now();
        let state = &mut self.messaging.topics[topic as usize];
        let bytes = state.kept_bytes();
        let before = std::mem::replace(&mut state.bytes, bytes);
        if bytes == before {
            return;
        }
        self.observer.message(now, MessageFact::Disk { topic, change: bytes as i64 - before as i64 });
        let (broker, home) = (state.broker, state.home);
        let node = &mut self.messaging.brokers[broker as usize].nodes[home as usize];
        node.used = node.used + bytes - before;
        let is_room_awaited = bytes < before && !node.blocked.is_empty();
        self.memory_changes(broker, home, before, bytes);
        if is_room_awaited {
            self.let_publishers_go(broker, home);
        }
    }

    /// There may be room again: publishers go on who waited for it.
    pub(super) fn let_publishers_go(&mut self, broker: u32, node: u32) {
        let state = &mut self.messaging.brokers[broker as usize];
        let mut bytes = 0;
        let mut free = Vec::new();
        while let Some((_, _, message, _)) = state.nodes[node as usize].blocked.front() {
            bytes += u64::from(message.bytes);
            if state.has_no_room(node, bytes) {
                break;
            }
            free.extend(state.nodes[node as usize].blocked.pop_front());
        }
        for (ticket, topic, message, from) in free {
            self.publisher_goes_on(ticket, topic, message, from);
        }
    }
}
