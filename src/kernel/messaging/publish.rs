//! The publisher's side: a `publish` step hands a message over, waits for what it waits for, and tries again.

use crate::base::random::salt;
use crate::base::time::Span;
use crate::model::{Model, PublishWait};
use crate::policy::Outcome;
use crate::policy::retry::{AnyRetry, Failure, Retry};

use super::super::agenda::{Agenda, Event, Ticket, TimerId};
use super::super::engine::Engine;
use super::super::frame::State;
use super::super::observer::{Deed, MessageFact, Observer, Spent};
use super::super::program::Op;
use super::super::world::World;
use super::{Message, Messaging, NONE, Parcel};

const SALT_KEY: u64 = salt("publish/key");
const SALT_SIZE: u64 = salt("publish/size");
const SALT_BACKOFF: u64 = salt("publish/backoff");
pub(super) const SALT_TO: u64 = salt("broker/to");
pub(super) const SALT_ANSWER: u64 = salt("broker/answer");

/// What a message takes besides its body: what brokers add to find it again.
const OVERHEAD: u32 = 70;

/// What the replicas of a service know about one of its `publish` steps.
pub(in crate::kernel) struct Publisher {
    topic: u32,
    timer: Option<TimerId>,
    /// By replica of the service; empty where nothing is tried again.
    retries: Vec<AnyRetry>,
    first_replica: u32,
    /// The connection of the first replica, where publishers need credit; else [`NONE`].
    first_connection: u32,
}

impl Messaging {
    pub(super) fn add_publishers(&mut self, model: &Model, world: &mut World) {
        for n in 0..world.program.publishes.len() {
            let op = &world.program.publishes[n];
            let service = &world.services[op.service.0 as usize];
            let (replicas, first_replica) = (service.replicas, service.first_replica);
            let retries = op
                .publish
                .retry
                .iter()
                .flat_map(|settings| (0..replicas).map(|_| AnyRetry::from_settings(settings)).collect::<Vec<_>>());
            let broker = &model.brokers[model.topics[op.publish.topic].broker];
            let (topic, timeout) = (op.publish.topic.0, op.publish.timeout);
            let retries = retries.collect();
            let timer = timeout.map(|timeout| world.timer(timeout));
            let gives_credit = super::flow::gives_credit(broker);
            let mut first_connection = NONE;
            if gives_credit {
                first_connection = self.connections.len() as u32;
                self.connections.extend((0..replicas).map(|_| super::flow::Connection::new()));
            }
            self.publishers.push(Publisher { topic, timer, retries, first_replica, first_connection });
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// The `publish` step: `true` when the frame goes on at once.
    #[inline(never)]
    pub(in crate::kernel) fn publish(&mut self, id: u32, n: u32) -> bool {
        let now = self.now();
        let frame = &mut self.frames[id];
        (frame.count, frame.child, frame.mark) = (0, NONE, now);
        let wait = self.retry_of(id, n).map_or(Span::ZERO, |retry| retry.call_started(now));
        if wait.is_zero() {
            return self.publish_attempt(id, n);
        }
        self.hand_back_thread(id);
        self.publish_later(id, wait);
        false
    }

    /// What a frame's replica knows about tries of a `publish` step; `None` where nothing is tried again.
    fn retry_of(&mut self, id: u32, n: u32) -> Option<&mut AnyRetry> {
        let publisher = &mut self.messaging.publishers[n as usize];
        let at = self.frames[id].replica.wrapping_sub(publisher.first_replica) as usize;
        publisher.retries.get_mut(at)
    }

    /// The next attempt: `true` when the frame goes on at once.
    fn publish_attempt(&mut self, id: u32, n: u32) -> bool {
        self.frames[id].count += 1;
        let (now, count) = (self.now(), self.frames[id].count);
        if let Some(retry) = self.retry_of(id, n) {
            retry.attempt_started(now, count);
        }
        let is_gone = self.publish_once(id, n);
        if is_gone {
            self.publish_succeeded(id, n);
        }
        is_gone
    }

    /// A message is where it was to go, as far as its publisher wants to know.
    fn publish_succeeded(&mut self, id: u32, n: u32) {
        let (now, count, before) = (self.now(), self.frames[id].count, self.outcome_before(id));
        if let Some(retry) = self.retry_of(id, n) {
            retry.attempt_ended(now, count, Outcome::Ok, before);
        }
        self.frames[id].child = NONE;
    }

    /// The next attempt comes after a wait.
    fn publish_later(&mut self, id: u32, wait: Span) {
        let (now, ticket) = (self.now(), self.frames.renew(id));
        self.tell_spends(id, Spent::Backoff);
        self.frames[id].state = State::Republishing;
        if wait.is_zero() {
            self.soon.push_back(Event::Retry(ticket));
        } else {
            self.agenda.at(now + wait, Event::Retry(ticket));
        }
    }

    /// Hands a message over, for the first time or again: `true` when nobody waits.
    fn publish_once(&mut self, id: u32, n: u32) -> bool {
        let goes_on = self.hand_to_broker(id, n);
        if goes_on {
            self.tell_deed(id, Deed::Published(Outcome::Ok));
        }
        goes_on
    }

    fn hand_to_broker(&mut self, id: u32, n: u32) -> bool {
        let message = self.message_of(id, n);
        let publisher = &self.messaging.publishers[n as usize];
        let (topic, timer) = (publisher.topic, publisher.timer);
        let now = self.agenda.now();
        self.observer.message(now, MessageFact::Tried { topic });
        let frame = &self.frames[id];
        if frame.is_traced() {
            self.observer.deed(id, now, Deed::Publishes { topic, key: message.key, attempt: frame.count });
        }
        if self.messaging.topics[topic as usize].logs.is_some() {
            if self.produce(id, topic, message) {
                return true;
            }
            self.wait_for_broker(id, timer);
            return false;
        }
        let from = match publisher.first_connection {
            NONE => NONE,
            first => first + (self.frames[id].replica - publisher.first_replica),
        };
        let needs_credit = from != NONE && self.messaging.connections[from as usize].holds_back();
        let blocked_by = self.held_back_by(topic, &message);
        if message.wait == PublishWait::Nothing && blocked_by.is_none() && !needs_credit {
            self.pass_to_broker(topic, message, from);
            return true;
        }
        let ticket = self.wait_for_broker(id, timer);
        match blocked_by {
            _ if needs_credit => self.messaging.connections[from as usize].wait(ticket, topic, message),
            Some(node) => {
                let broker = &mut self.messaging.brokers[self.messaging.topics[topic as usize].broker as usize];
                broker.nodes[node as usize].blocked.push_back((ticket, topic, message, from));
            }
            None => self.pass_to_broker(topic, message, from),
        }
        false
    }

    /// A frame waits until its message is stored, handled or taken.
    fn wait_for_broker(&mut self, id: u32, timer: Option<TimerId>) -> Ticket {
        let ticket = self.frames.ticket(id);
        self.tell_spends(id, Spent::Brokers);
        self.frames[id].state = State::Publishing;
        if let Some(timer) = timer {
            let frames = &self.frames;
            self.agenda.arm(timer, ticket, |ticket| frames.live(ticket));
        }
        self.hand_back_thread(id);
        ticket
    }

    /// The message that a frame publishes behind whose step it stands.
    fn message_of(&mut self, id: u32, n: u32) -> Message {
        let ticket = self.frames.renew(id);
        let transaction =
            self.transaction_of(id).and_then(|worker| self.messaging.workers[worker as usize].transaction);
        let frame = &self.frames[id];
        let op = &self.world.program.publishes[n as usize];
        let publish = &op.publish;
        let place = op.salt ^ (u64::from(frame.iteration) << 16);
        let key = frame.key.child(place);
        let topic = &mut self.messaging.topics[publish.topic.0 as usize];
        let number = topic.published;
        topic.published = number.wrapping_add(1);
        let is_poisoned = topic.poison.iter().any(|&(salt, share)| key.child(salt).uniform() < share);
        let size = publish.size.sample(key.child(SALT_SIZE).draws());
        Message {
            key,
            origin: self.frames.origin(id).child(place),
            published: frame.mark,
            waiter: ticket,
            request_key: publish
                .key
                .as_ref()
                .map_or(frame.request_key, |keys| keys.sample(key.child(SALT_KEY).draws())),
            bytes: u32::try_from(size.as_bytes()).unwrap_or(u32::MAX).saturating_add(OVERHEAD),
            home: publish.topic.0,
            number,
            priority: frame.priority(),
            wait: publish.wait,
            transaction,
            is_poisoned,
            is_dead: false,
        }
    }

    /// Puts a message on its way to its broker.
    fn pass_to_broker(&mut self, topic: u32, message: Message, from: u32) {
        self.uses_credit(from);
        let state = &self.messaging.topics[topic as usize];
        let broker = &mut self.messaging.brokers[state.broker as usize];
        broker.reserve(state.home, message.bytes.into());
        let way = broker.way(&self.world.lanes, message.key, SALT_TO);
        self.dispatch_parcel(way, Parcel::Arrives { topic, message, from });
    }

    /// A publisher who has waited for room goes on.
    pub(super) fn publisher_goes_on(&mut self, ticket: Ticket, topic: u32, message: Message, from: u32) {
        if !self.live(ticket) {
            // He has given up, and takes his message with him.
            return;
        }
        if self.waits_for_credit(from, ticket, topic, message) {
            return;
        }
        self.pass_to_broker(topic, message, from);
        if message.wait == PublishWait::Nothing {
            self.tell_deed(ticket.frame, Deed::Published(Outcome::Ok));
            self.frames.renew(ticket.frame);
            let n = self.current_publish(ticket.frame);
            self.publish_succeeded(ticket.frame, n);
            self.go_on_soon(ticket.frame);
        }
    }

    /// A message is stored, or was here before: its publisher is told, if he waits for that.
    pub(super) fn publish_succeeds(&mut self, topic: u32, message: &Message) {
        if message.wait == PublishWait::Acknowledged {
            self.answer_publisher(topic, message, Outcome::Ok);
        }
    }

    /// A message is not taken.
    pub(super) fn publish_fails(&mut self, topic: u32, message: &Message, outcome: Outcome) {
        self.observer.message(self.agenda.now(), MessageFact::NotPublished { topic, outcome });
        if message.wait != PublishWait::Nothing {
            self.answer_publisher(topic, message, outcome);
        }
    }

    fn answer_publisher(&mut self, topic: u32, message: &Message, outcome: Outcome) {
        let broker = self.messaging.topics[topic as usize].broker;
        let way = self.messaging.brokers[broker as usize].way(&self.world.lanes, message.key, SALT_ANSWER);
        self.dispatch_parcel(way, Parcel::Answered { waiter: message.waiter, outcome });
    }

    /// A consumer has handled a message for whose answer somebody waits, or nobody ever will: the answer comes back as the
    /// message came.
    pub(super) fn reply_to(&mut self, topic: u32, message: &Message, outcome: Outcome) {
        if message.wait != PublishWait::Handled || !self.live(message.waiter) {
            return;
        }
        let now = self.now();
        let broker = &mut self.messaging.brokers[self.messaging.topics[topic as usize].broker as usize];
        let lanes = &self.world.lanes;
        let at_broker = now + broker.way_span(lanes, message.key, SALT_TO);
        let back = broker.way_span(lanes, message.key, SALT_ANSWER);
        let Some(node) = broker.leader(now, self.messaging.topics[topic as usize].home) else { return };
        let there = broker.stored_at(at_broker, node, 1, OVERHEAD.into(), message.key) + back;
        self.dispatch_parcel_at(there, Parcel::Answered { waiter: message.waiter, outcome });
    }

    /// The answer to a message reaches its publisher.
    pub(super) fn publish_answered(&mut self, ticket: Ticket, outcome: Outcome) {
        if !self.live(ticket) || self.frames[ticket.frame].state != State::Publishing {
            return;
        }
        self.publish_ends(ticket.frame, outcome);
    }

    /// A publisher has waited for long enough.
    pub(in crate::kernel) fn publish_timed_out(&mut self, id: u32) {
        let n = self.current_publish(id);
        let topic = self.messaging.publishers[n as usize].topic;
        self.observer.message(self.agenda.now(), MessageFact::NotPublished { topic, outcome: Outcome::Timeout });
        self.publish_ends(id, Outcome::Timeout);
    }

    fn publish_ends(&mut self, id: u32, outcome: Outcome) {
        let (now, n) = (self.now(), self.current_publish(id));
        self.tell_deed(id, Deed::Published(outcome));
        self.frames.renew(id);
        if outcome.is_ok() {
            self.publish_succeeded(id, n);
            self.go_on(id);
            return;
        }
        let (frame, before) = (self.frames[id], self.outcome_before(id));
        self.frames[id].child = outcome as u32;
        let draws = frame.key.child(self.world.program.publishes[n as usize].salt ^ SALT_BACKOFF).draws();
        let uniform = |retry: u32| draws.skip(u64::from(retry - 1)).uniform();
        let delay = self.retry_of(id, n).and_then(|retry| {
            retry.attempt_ended(now, frame.count, outcome, before);
            retry.next_delay(now, Failure::new(frame.count, outcome), &uniform)
        });
        let Some(delay) = delay else {
            self.frames[id].child = NONE;
            if self.world.program.publishes[n as usize].publish.is_optional {
                self.go_on_soon(id);
            } else {
                self.fail(id);
            }
            return;
        };
        self.publish_later(id, delay);
    }

    /// A wait is over: the message is published, for the first time or again.
    pub(in crate::kernel) fn publish_again(&mut self, id: u32) {
        let n = self.current_publish(id);
        if self.publish_attempt(id, n) {
            self.go_on(id);
        }
    }

    /// How the attempt before the last one ended.
    fn outcome_before(&self, id: u32) -> Option<Outcome> {
        let before = self.frames[id].child;
        Outcome::ALL.into_iter().find(|outcome| *outcome as u32 == before)
    }

    /// A frame ends that publishes, or waits to do so.
    pub(in crate::kernel) fn withdraw_publish(&mut self, id: u32) {
        let (now, n) = (self.now(), self.current_publish(id));
        let (frame, before) = (self.frames[id], self.outcome_before(id));
        let Some(retry) = self.retry_of(id, n) else { return };
        if frame.state == State::Publishing {
            retry.attempt_ended(now, frame.count, Outcome::Cancelled, before);
        } else if frame.count > 0 {
            retry.withdrawn(now);
        }
    }

    /// The `publish` step behind which a frame stands.
    fn current_publish(&self, id: u32) -> u32 {
        let Op::Publish(n) = self.world.program.ops[self.frames[id].pc as usize - 1] else {
            unreachable!("a frame that publishes stands just behind the step")
        };
        n
    }
}
