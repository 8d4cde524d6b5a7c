//! The consumers' side: workers are given messages, or ask for them, and bring them to their handler one after another.
//!
//! To the rest of the kernel a worker is a user who stands in a replica of his handler's service and calls it with the
//! consumer's own client; so time-outs and retries are those of any call.

use std::collections::VecDeque;

use crate::base::random::salt;
use crate::base::time::{Span, Time};
use crate::mechanism::broker::kafka::{Member, TransactionId};
use crate::mechanism::broker::queue::{Acked, Refusal};
use crate::model::{Id, Limit, Model};
use crate::policy::Outcome;

use super::super::agenda::{Agenda, Event, Ticket};
use super::super::caller::BREATH;
use super::super::engine::Engine;
use super::super::frame::{DELIVERY, Frame, NONE, State, flag};
use super::super::observer::{Deed, MessageFact, Observer, Spent, Watch};
use super::super::world::World;
use super::shelves::groups_of;
use super::{Held, Messaging, Parcel, Receipt, number};

pub(super) const SALT_DELIVER: u64 = salt("broker/deliver");
const SALT_SETTLE: u64 = salt("broker/settle");

/// One worker of a consumer in a replica.
pub(in crate::kernel) struct Worker {
    pub(super) consumer: u32,
    pub(super) group: u32,
    pub(super) replica: u32,
    /// Whether its process is there and takes messages.
    pub(super) is_there: bool,
    /// Counts the times that it was closed: what was on its way to it is lost then.
    pub(super) epoch: u32,
    /// The frame that brings what it works on; [`NONE`] while it works on nothing.
    pub(super) frame: u32,
    /// Whether its group knows that it has room.
    pub(super) is_open: bool,
    /// Of a group of Kafka: which member he is, while he is one.
    pub(super) member: Option<Member>,
    /// His producers within transactions, by topic.
    pub(super) producers: Vec<(u32, u32)>,
    /// The one that he is in, and when it is to be committed.
    pub(super) transaction: Option<TransactionId>,
    pub(super) commit_at: Time,
    /// Up to where he has handled partitions within it, and in which generation of the group.
    pub(super) handled: Vec<(u32, u32, u64)>,
    /// Whether he waits until it is committed, and whether that is under way.
    pub(super) is_committing: bool,
    pub(super) is_ending: bool,
    /// Whether he waits before he tries again what has failed.
    pub(super) is_resting: bool,
    pub(super) batch: u32,
    pub(super) poll: Span,
    /// Messages that it has, or that are on their way to it.
    pub(super) buffer: VecDeque<Held>,
    /// How many of them have reached it.
    pub(super) arrived: u32,
    /// What it works on.
    pub(super) current: Vec<Held>,
    /// Its answers that are on their way to the broker.
    pub(super) answers: VecDeque<(Held, Answer)>,
}

impl Worker {
    /// Messages in his hands that the broker knows to be acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.current.iter().filter(|held| held.is_acknowledged).count() as u64
    }
}

/// What a worker tells the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// The message is handled.
    Done,
    /// The message will be handled, or is in work.
    Begun,
    /// The message was acknowledged before it was handled, and that ended well or not.
    Ended { well: bool },
    /// It has failed.
    Failed,
    /// It has failed, and that took no time.
    FailedAtOnce,
    /// Nothing: the answer has died with its worker.
    Nothing,
}

impl Messaging {
    pub(super) fn add_workers(&mut self, model: &Model, world: &mut World) {
        for (topic, _) in model.topics.enumerate() {
            let first_group = self.topics[topic.index()].first_group;
            for (place, consumers) in groups_of(model, topic).iter().enumerate() {
                for consumer in consumers {
                    self.add_workers_of(model, world, consumer, first_group + place as u32);
                }
            }
        }
    }

    /// Whether a worker of a replica is a member of a group of Kafka. One who was told to stop is until he has handled and
    /// committed what he has got: his process waits for that.
    pub(in crate::kernel) fn has_members(&self, replica: u32) -> bool {
        let workers = self.workers_of.get(replica as usize);
        workers.is_some_and(|workers| workers.iter().any(|worker| self.workers[*worker as usize].member.is_some()))
    }

    fn add_workers_of(&mut self, model: &Model, world: &World, consumer: &crate::model::Consumer, group: u32) {
        let id = model.consumers.enumerate().find(|(_, it)| std::ptr::eq(*it, consumer)).map(|(id, _)| number(id));
        let service = &world.services[model.endpoints[consumer.handler].service.index()];
        let prefetch = match consumer.prefetch {
            Limit::AtMost(most) => most,
            Limit::Unlimited => 64,
        };
        for replica in service.first_replica..service.first_replica + service.replicas {
            for _ in 0..consumer.concurrency {
                self.workers_of[replica as usize].push(self.workers.len() as u32);
                self.workers.push(Worker {
                    consumer: id.expect("it is one of the model's"),
                    group,
                    replica,
                    is_there: false,
                    epoch: 0,
                    frame: NONE,
                    is_open: false,
                    member: None,
                    producers: Vec::new(),
                    transaction: None,
                    commit_at: Time::ZERO,
                    handled: Vec::new(),
                    is_committing: false,
                    is_ending: false,
                    is_resting: false,
                    batch: consumer.batch,
                    poll: consumer.poll,
                    buffer: VecDeque::with_capacity(prefetch.min(4) as usize),
                    arrived: 0,
                    current: Vec::new(),
                    answers: VecDeque::new(),
                });
            }
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// The processes that are there from the start begin to take messages.
    pub(in crate::kernel) fn enter_workers(&mut self) {
        for replica in 0..self.messaging.workers_of.len() as u32 {
            if !self.world.replicas[replica as usize].condition.down {
                self.workers_start(replica);
            }
        }
    }

    /// The workers of a process that serves.
    pub(in crate::kernel) fn workers_start(&mut self, replica: u32) {
        let Some(workers) = self.messaging.workers_of.get(replica as usize) else { return };
        for worker in workers.clone() {
            let it = &mut self.messaging.workers[worker as usize];
            if !it.is_there {
                it.is_there = true;
                self.observer.message(self.agenda.now(), MessageFact::Workers { consumer: it.consumer, change: 1 });
                // One who was told to stop, and has not left yet, stays.
                let is_member = self.messaging.workers[worker as usize].member.is_some();
                if self.reads_log(worker) && !is_member {
                    self.member_joins(worker);
                } else {
                    self.soon.push_back(Event::Worker(worker));
                }
            }
        }
    }

    /// The workers of a process that dies.
    pub(in crate::kernel) fn workers_die(&mut self, replica: u32) {
        let Some(workers) = self.messaging.workers_of.get(replica as usize) else { return };
        for worker in workers.clone() {
            let frame = self.messaging.workers[worker as usize].frame;
            if frame != NONE {
                self.let_go(frame);
                self.free(frame);
                let consumer = self.messaging.workers[worker as usize].consumer;
                self.observer.message(self.agenda.now(), MessageFact::Busy { consumer, change: -1 });
            }
            self.worker_leaves(worker, true);
        }
    }

    /// The workers of a process that is not wanted any more take nothing new.
    pub(in crate::kernel) fn workers_stop(&mut self, replica: u32) {
        let Some(workers) = self.messaging.workers_of.get(replica as usize) else { return };
        for worker in workers.clone() {
            let reads_log = self.reads_log(worker);
            let it = &mut self.messaging.workers[worker as usize];
            // A member of a group of Kafka handles what he has got before he leaves.
            if it.frame == NONE && (!reads_log || (it.buffer.is_empty() && it.transaction.is_none())) {
                self.worker_leaves(worker, false);
            } else if std::mem::replace(&mut it.is_there, false) {
                let is_idle = it.frame == NONE;
                self.observer.message(self.agenda.now(), MessageFact::Workers { consumer: it.consumer, change: -1 });
                if is_idle {
                    self.soon.push_back(Event::Worker(worker));
                }
            }
        }
    }

    /// A worker takes nothing any more, and what he has not handled comes back; what he worked on only if he `died`.
    fn worker_leaves(&mut self, worker: u32, died: bool) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        if it.is_there {
            self.observer.message(now, MessageFact::Workers { consumer: it.consumer, change: -1 });
        }
        it.is_there = false;
        it.frame = NONE;
        self.close_worker(worker, died);
    }

    /// A worker loses his connection to the broker, and with it all that he has.
    pub(super) fn close_worker(&mut self, worker: u32, died: bool) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        it.epoch = it.epoch.wrapping_add(1);
        it.arrived = 0;
        it.is_resting = false;
        let had: Vec<Held> = it.buffer.drain(..).collect();
        let (group, lost) = (it.group, if died { std::mem::take(&mut it.current) } else { Vec::new() });
        let state = &self.messaging.groups[group as usize];
        let (topic, place, acks_first) = (state.topic, state.place, state.acks_first);
        if self.messaging.topics[topic as usize].logs.is_some() {
            let mut had = lost.into_iter().chain(had);
            if acks_first {
                // They were committed when he got them.
                had.by_ref().for_each(|held| {
                    self.record_done(worker, held, false);
                });
            }
            self.member_leaves(worker, died);
            self.lose_what_was_held(topic, place as usize, had);
            return;
        }
        if acks_first {
            for held in &lost {
                if held.is_acknowledged {
                    self.message_lost(group, held);
                    continue;
                }
                // The broker does not know: it delivers the message again.
                let answers = self.messaging.workers[worker as usize].answers.iter_mut();
                answers.filter(|(other, _)| other.receipt == held.receipt).for_each(|it| it.1 = Answer::Nothing);
            }
        }
        self.messaging.topics[topic as usize].shelf.worker_gone(now, place, worker);
        self.after_shelf(topic);
        self.serve(group);
    }

    /// A group may have messages for workers who have room.
    pub(super) fn serve(&mut self, group: u32) {
        let now = self.now();
        let (topic, place) = (self.messaging.groups[group as usize].topic, self.messaging.groups[group as usize].place);
        let state = &self.messaging.topics[topic as usize];
        let (broker, home) = (state.broker, state.home);
        if self.messaging.brokers[broker as usize].leader(now, home).is_none() {
            return;
        }
        loop {
            let it = &mut self.messaging.groups[group as usize];
            let Some(&worker) = it.open.front() else { break };
            let (pushes, prefetch) = (it.pushes, it.prefetch);
            let state = &mut self.messaging.workers[worker as usize];
            if !state.is_there {
                state.is_open = false;
                it.open.pop_front();
                continue;
            }
            let most = if pushes { 1 } else { prefetch };
            let shelf = &mut self.messaging.topics[topic as usize].shelf;
            let deliveries = &mut self.messaging.deliveries;
            let count = shelf.take(now, place, worker, most, deliveries);
            if count == 0 {
                break;
            }
            it.open.pop_front();
            state.is_open = pushes && shelf.held_by(place, worker) < prefetch;
            if state.is_open {
                it.open.push_back(worker);
            }
            let key = deliveries[0].message.key;
            state.buffer.extend(deliveries.drain(..).map(Held::from));
            let epoch = state.epoch;
            let way = self.messaging.brokers[broker as usize].way(&self.world.lanes, key, SALT_DELIVER);
            self.dispatch_parcel(way, Parcel::Delivered { worker, epoch, count });
        }
        self.after_shelf(topic);
    }

    /// Messages reach a worker.
    pub(super) fn messages_reach(&mut self, worker: u32, epoch: u32, count: u32) {
        let it = &mut self.messaging.workers[worker as usize];
        if it.epoch != epoch {
            return;
        }
        it.arrived += count;
        if it.frame == NONE {
            self.worker_goes_on(worker);
        }
    }

    /// A worker has nothing in his hands: he takes the next message that he has, or asks for one.
    #[inline(never)]
    pub(in crate::kernel) fn worker_goes_on(&mut self, worker: u32) {
        let reads_log = self.reads_log(worker);
        let it = &mut self.messaging.workers[worker as usize];
        if it.frame != NONE {
            return;
        }
        if it.is_committing || it.is_resting {
            return;
        }
        if !it.is_there && (!reads_log || it.buffer.is_empty()) {
            // He was told to stop while he worked.
            if !self.must_commit(worker) {
                let replica = self.messaging.workers[worker as usize].replica;
                self.close_worker(worker, false);
                if reads_log {
                    self.soon.push_back(Event::Idle(replica));
                }
            }
            return;
        }
        if it.arrived > 0 {
            if self.must_commit(worker) {
                return;
            }
            let it = &mut self.messaging.workers[worker as usize];
            let count = it.arrived.min(it.batch);
            it.arrived -= count;
            for _ in 0..count {
                let held = it.buffer.pop_front().expect("what has arrived is there");
                it.current.push(held);
            }
            self.begin_delivery(worker);
        } else if reads_log {
            if self.messaging.workers[worker as usize].buffer.is_empty() && !self.must_commit(worker) {
                self.poll_logs(worker);
            }
        } else if it.buffer.is_empty() || self.messaging.groups[it.group as usize].pushes {
            self.ask_for_messages(worker);
        }
    }

    /// Whether a worker is a member of a group of Kafka.
    fn reads_log(&self, worker: u32) -> bool {
        let group = &self.messaging.groups[self.messaging.workers[worker as usize].group as usize];
        self.messaging.topics[group.topic as usize].logs.is_some()
    }

    /// A worker has room: the group knows it, and gives him what there is.
    fn ask_for_messages(&mut self, worker: u32) {
        let it = &mut self.messaging.workers[worker as usize];
        let (group, poll, epoch) = (it.group, it.poll, it.epoch);
        if it.is_open {
            return;
        }
        it.is_open = true;
        if poll.is_zero() {
            self.messaging.groups[group as usize].open.push_back(worker);
            self.serve(group);
            return;
        }
        // He looks now, and again after a while if there is nothing.
        self.messaging.groups[group as usize].open.push_front(worker);
        self.serve(group);
        let state = &mut self.messaging.groups[group as usize];
        if state.open.front() == Some(&worker) {
            state.open.pop_front();
            self.dispatch_parcel_at(self.agenda.now() + poll, Parcel::Polls { worker, epoch });
        }
    }

    /// A worker looks again.
    pub(super) fn worker_polls(&mut self, worker: u32, epoch: u32) {
        let it = &mut self.messaging.workers[worker as usize];
        if it.epoch != epoch {
            return;
        }
        (it.is_open, it.is_resting) = (false, false);
        self.worker_goes_on(worker);
    }

    /// A worker brings what he has in his hands to the handler.
    fn begin_delivery(&mut self, worker: u32) {
        let now = self.now();
        self.begin_transaction(worker);
        let it = &self.messaging.workers[worker as usize];
        let (consumer, group, replica) = (it.consumer, it.group, it.replica);
        let first = it.current[0];
        let is_poisoned = it.current.iter().any(|held| held.message.is_poisoned);
        let state = &self.messaging.groups[group as usize];
        let key = first.message.key.child(state.salt ^ u64::from(first.deliveries));
        let (acks_first, origin) = (state.acks_first, first.message.origin.child(state.salt));
        for held in &self.messaging.workers[worker as usize].current {
            self.observer.message(now, MessageFact::Delivered { group, again: held.deliveries > 1 });
        }
        self.observer.message(now, MessageFact::Busy { consumer, change: 1 });
        if acks_first && !self.reads_log(worker) {
            for at in 0..self.messaging.workers[worker as usize].current.len() {
                let held = self.messaging.workers[worker as usize].current[at];
                self.send_answer(worker, held, Answer::Begun);
            }
        }
        let ticket = self.frames.insert(Frame {
            arrived: now,
            pc: self.world.program.consumers[consumer as usize],
            request_key: first.message.request_key,
            replica,
            state: State::Running,
            rank: first.message.priority,
            flags: flag::USER | if is_poisoned { flag::POISONED } else { 0 },
            ..Frame::new(key, Ticket { frame: DELIVERY, token: worker })
        });
        self.frames.set_origin(ticket.frame, origin);
        let mut watch = Watch::Nothing;
        for held in &self.messaging.workers[worker as usize].current {
            let (key, published) = (held.message.key, held.message.published);
            let deed = Deed::Delivers { consumer, key, published, time: held.deliveries };
            watch = watch.max(self.observer.watches(ticket.frame, now, deed));
        }
        if watch != Watch::Nothing {
            self.frames[ticket.frame].tell(watch);
            self.observer.begins(ticket.frame, now, Spent::Start);
        }
        self.messaging.workers[worker as usize].frame = ticket.frame;
        self.advance(ticket.frame);
    }

    /// The handler of what a worker has in his hands has ended.
    #[inline(never)]
    pub(in crate::kernel) fn delivery_done(&mut self, id: u32, outcome: Outcome) {
        let now = self.now();
        let worker = self.frames[id].parent_token;
        let took_no_time = self.frames[id].arrived == now;
        self.tell_deed(id, Deed::Ends(outcome));
        self.free(id);
        let it = &mut self.messaging.workers[worker as usize];
        it.frame = NONE;
        let (group, consumer) = (it.group, it.consumer);
        let mut current = std::mem::take(&mut it.current);
        self.observer.message(now, MessageFact::Busy { consumer, change: -1 });
        let reads_log = self.reads_log(worker);
        let mut again = Vec::new();
        for held in current.drain(..) {
            self.observer.message(now, MessageFact::Handled { group, is_good: outcome.is_ok() });
            if outcome.is_ok() {
                self.note_order(group, &held);
            }
            if reads_log {
                if self.record_done(worker, held, outcome.is_ok()) {
                    self.note_handled(worker, held.receipt);
                } else {
                    again.push(held);
                }
            } else if self.messaging.groups[group as usize].acks_first {
                self.ends_acknowledged(worker, &held, outcome.is_ok());
            } else {
                let answer = match (outcome.is_ok(), took_no_time) {
                    (true, _) => Answer::Done,
                    (false, false) => Answer::Failed,
                    (false, true) => Answer::FailedAtOnce,
                };
                self.send_answer(worker, held, answer);
            }
        }
        // The list is used again.
        self.messaging.workers[worker as usize].current = current;
        if !again.is_empty() {
            self.try_again(worker, again, took_no_time);
        } else {
            self.soon.push_back(Event::Worker(worker));
        }
    }

    /// What was acknowledged before it was handled has been handled, well or not. It is settled when the broker has heard of
    /// the acknowledgement; if it never does, the message comes again.
    fn ends_acknowledged(&mut self, worker: u32, held: &Held, well: bool) {
        let it = &mut self.messaging.workers[worker as usize];
        let group = it.group;
        if !held.is_acknowledged {
            let answer = it.answers.iter_mut().find(|(other, _)| other.receipt == held.receipt);
            match answer {
                Some(answer) => answer.1 = Answer::Ended { well },
                None if well => self.handled_in_vain(group),
                None => {}
            }
        } else if well {
            self.message_consumed(group, held);
        } else {
            self.message_lost(group, held);
        }
    }

    /// A member of a group of Kafka tries again what has failed, before he goes on: his partitions are read in order.
    fn try_again(&mut self, worker: u32, again: Vec<Held>, took_no_time: bool) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        let (group, epoch) = (it.group, it.epoch);
        let failures = again[0].deliveries;
        it.arrived += again.len() as u32;
        it.is_resting = true;
        for held in again.into_iter().rev() {
            it.buffer.push_front(Held { deliveries: held.deliveries + 1, ..held });
        }
        let wait = self.messaging.groups[group as usize].wait_after(failures);
        // What fails in no time must not fail for ever at the same instant.
        let wait = if took_no_time { wait.max(BREATH) } else { wait };
        self.dispatch_parcel_at(now + wait, Parcel::Polls { worker, epoch });
    }

    /// Sends an answer to the broker.
    fn send_answer(&mut self, worker: u32, held: Held, answer: Answer) {
        self.messaging.workers[worker as usize].answers.push_back((held, answer));
        let group = self.messaging.workers[worker as usize].group;
        let topic = self.messaging.groups[group as usize].topic;
        let broker = self.messaging.topics[topic as usize].broker;
        let way = self.messaging.brokers[broker as usize].way(&self.world.lanes, held.message.key, SALT_SETTLE);
        match way {
            super::super::world::Transit::None => self.answer_reaches(worker),
            way => self.dispatch_parcel(way, Parcel::Settled { worker }),
        }
    }

    /// The first answer of a worker that is on its way reaches the broker.
    pub(super) fn answer_reaches(&mut self, worker: u32) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        let Some((held, answer)) = it.answers.pop_front() else { return };
        let group = it.group;
        let state = &self.messaging.groups[group as usize];
        let (topic, place, pushes) = (state.topic, state.place, state.pushes);
        // What fails in no time must not come back for ever at the same instant.
        let wait =
            state.wait_after(held.deliveries).max(if answer == Answer::FailedAtOnce { BREATH } else { Span::ZERO });
        let topic_state = &mut self.messaging.topics[topic as usize];
        if self.messaging.brokers[topic_state.broker as usize].leader(now, topic_state.home).is_none() {
            // It is lost with the connection.
            if matches!(answer, Answer::Done | Answer::Ended { well: true }) {
                self.handled_in_vain(group);
            }
            return;
        }
        let Receipt::Lease(lease) = held.receipt else { return };
        let shelf = &mut topic_state.shelf;
        match answer {
            Answer::Nothing => {}
            Answer::Done | Answer::Begun | Answer::Ended { .. } => {
                let is_known = shelf.ack(place, lease) != Acked::Stale;
                match answer {
                    Answer::Begun if is_known => {
                        let current = &mut self.messaging.workers[worker as usize].current;
                        let of_it = current.iter_mut().filter(|other| other.receipt == held.receipt);
                        of_it.for_each(|held| held.is_acknowledged = true);
                    }
                    Answer::Ended { well: false } if is_known => self.message_lost(group, &held),
                    Answer::Done | Answer::Ended { .. } if is_known => self.message_consumed(group, &held),
                    Answer::Done | Answer::Ended { well: true } => self.handled_in_vain(group),
                    _ => {}
                }
            }
            Answer::Failed | Answer::FailedAtOnce if self.messaging.groups[group as usize].keeps_failed => {}
            Answer::Failed | Answer::FailedAtOnce => {
                let refusal = if wait.is_zero() { Refusal::Reject } else { Refusal::Later(wait) };
                shelf.refuse(now, place, lease, refusal);
            }
        }
        self.after_shelf(topic);
        let it = &mut self.messaging.workers[worker as usize];
        if pushes && it.is_there && !it.is_open {
            it.is_open = true;
            self.messaging.groups[group as usize].open.push_back(worker);
        }
        self.serve(group);
    }
}
