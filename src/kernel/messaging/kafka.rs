//! Topics of Kafka at work: producers gather what is published into requests, and nodes store and replicate them.

use std::collections::BTreeSet;

use crate::base::time::Time;
use crate::mechanism::broker::kafka::{self, Acks, Answer, Append, Node, Offer, Partition, Reading, Record, RequestId};
use crate::model::PublishWait;
use crate::policy::Outcome;

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::frame::State;
use super::super::observer::{Fate, MessageFact, Observer};
use super::logs::Logs;
use super::{Message, NONE, Parcel};

/// In a list of what was stored: not now.
pub(super) const AGAIN: u64 = u64::MAX;

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A topic of Kafka.
    pub(super) fn logs(&mut self, topic: u32) -> &mut Logs {
        self.messaging.topics[topic as usize].logs.as_mut().expect("it is a topic of Kafka")
    }

    /// The node that leads a partition now.
    pub(super) fn leader_of(&self, topic: u32, partition: u32) -> Option<u32> {
        let state = &self.messaging.topics[topic as usize];
        let broker = &self.messaging.brokers[state.broker as usize];
        let count = broker.nodes.len() as u32;
        let copies = state.logs.as_ref().map_or(u32::MAX, |logs| logs.copies);
        broker.leader_among(self.agenda.now(), (state.home + partition) % count, copies)
    }

    /// A frame publishes to a topic of Kafka: `true` when it goes on at once.
    pub(super) fn produce(&mut self, id: u32, topic: u32, message: Message) -> bool {
        let now = self.now();
        if self.is_fenced(id) {
            self.publish_fails(topic, &message, Outcome::Rejected);
            return message.wait == PublishWait::Nothing;
        }
        let worker = self.transaction_of(id);
        let n = self.producer_for(topic, self.frames[id].replica, worker);
        let logs = self.messaging.topics[topic as usize].logs.as_ref().expect("it is a topic of Kafka");
        let uses_keys = logs.uses_keys;
        let state = &mut self.messaging.producers[n as usize];
        let key = (uses_keys && message.request_key != NONE).then_some(message.request_key);
        let partition = state.partitioner.choose(key, || state.draws.uniform());
        let offer = state.producer.offer(now, partition, message, message.bytes);
        match offer {
            Offer::Buffered { is_full } => {
                if key.is_none() {
                    let producer = &state.producer;
                    state.partitioner.appended(
                        message.bytes.into(),
                        is_full,
                        || producer.queues().collect::<Vec<_>>(),
                        || state.draws.uniform(),
                    );
                }
                if let Some(node) = self.leader_of(topic, partition.0) {
                    self.send_requests(n, node);
                }
                let state = &self.messaging.producers[n as usize];
                if state.due > now + state.patience {
                    self.arm_producer(n);
                }
                message.wait == PublishWait::Nothing
            }
            Offer::Blocked => {
                self.send_all_requests(n);
                self.arm_producer(n);
                false
            }
            Offer::TooLarge => {
                self.publish_fails(topic, &message, Outcome::Rejected);
                message.wait == PublishWait::Nothing
            }
        }
    }

    /// The producer with which a replica, or a worker within a transaction, publishes to a topic.
    fn producer_for(&mut self, topic: u32, replica: u32, worker: Option<u32>) -> u32 {
        let Some(worker) = worker else { return self.logs(topic).producers[replica as usize] };
        let known = &self.messaging.workers[worker as usize].producers;
        if let Some((_, n)) = known.iter().find(|(of, _)| *of == topic) {
            return *n;
        }
        let n = self.messaging.add_producer(self.model.seed, topic, &format!("worker/{worker}"), worker);
        self.messaging.workers[worker as usize].producers.push((topic, n));
        n
    }

    /// Sends what a producer may send to a node.
    fn send_requests(&mut self, n: u32, node: u32) {
        let now = self.now();
        let state = &mut self.messaging.producers[n as usize];
        let topic = state.topic;
        while let Some(request) = self.messaging.producers[n as usize].producer.take_request(now, Node(node)) {
            let state = &self.messaging.producers[n as usize];
            let Some((.., &Message { key, .. })) = state.producer.load(request) else { continue };
            let broker = &self.messaging.brokers[self.messaging.topics[topic as usize].broker as usize];
            let way = broker.way(&self.world.lanes, key, super::publish::SALT_TO);
            self.dispatch_parcel(way, Parcel::Requested { producer: n, node, request });
        }
    }

    fn send_all_requests(&mut self, n: u32) {
        let topic = self.messaging.producers[n as usize].topic;
        let broker = self.messaging.topics[topic as usize].broker;
        for node in 0..self.messaging.brokers[broker as usize].nodes.len() as u32 {
            self.send_requests(n, node);
        }
    }

    /// A producer is looked at when it wants to be.
    fn arm_producer(&mut self, n: u32) {
        let state = &mut self.messaging.producers[n as usize];
        if let Some(time) = state.producer.wake_at()
            && time < state.due
        {
            state.due = time;
            self.agenda.at(time.max(self.agenda.now()), Event::ProducerDue(n));
        }
    }

    /// A producer wants to be looked at.
    pub(in crate::kernel) fn producer_due(&mut self, n: u32) {
        let now = self.now();
        let state = &mut self.messaging.producers[n as usize];
        if state.due > now {
            return;
        }
        state.due = Time::MAX;
        let mut fates = std::mem::take(&mut self.messaging.fates);
        let state = &mut self.messaging.producers[n as usize];
        let draws = &mut state.draws;
        state.producer.advance(now, || draws.uniform(), |message, fate| fates.push((message, fate)));
        self.tell_publishers(n, fates);
        self.send_all_requests(n);
        self.arm_producer(n);
    }

    /// Records are settled: their publishers are told.
    fn tell_publishers(&mut self, n: u32, mut fates: Vec<(Message, kafka::Fate)>) {
        let topic = self.messaging.producers[n as usize].topic;
        for (message, fate) in fates.drain(..) {
            let waits = self.live(message.waiter) && self.frames[message.waiter.frame].state == State::Publishing;
            match fate {
                kafka::Fate::Acknowledged if message.wait == PublishWait::Acknowledged && waits => {
                    self.publish_answered(message.waiter, Outcome::Ok);
                }
                kafka::Fate::Admitted if message.wait == PublishWait::Nothing && waits => {
                    self.publish_answered(message.waiter, Outcome::Ok);
                }
                kafka::Fate::Acknowledged | kafka::Fate::Admitted => {}
                kafka::Fate::Refused | kafka::Fate::Failed => {
                    let outcome = if fate == kafka::Fate::Refused { Outcome::Rejected } else { Outcome::Timeout };
                    self.observer.message(self.agenda.now(), MessageFact::NotPublished { topic, outcome });
                    if waits {
                        self.publish_answered(message.waiter, outcome);
                    }
                }
            }
        }
        self.messaging.fates = fates;
        let worker = self.messaging.producers[n as usize].worker;
        if worker != NONE {
            self.commit_goes_on(worker);
        }
    }

    /// A request reaches a node: what it brings is stored there, and then on the other nodes.
    pub(super) fn request_reaches(&mut self, n: u32, node: u32, request: RequestId) {
        let now = self.now();
        let topic = self.messaging.producers[n as usize].topic;
        let state = &self.messaging.topics[topic as usize];
        let (broker_id, home) = (state.broker, state.home);
        if self.messaging.brokers[broker_id as usize].nodes[node as usize].is_down {
            if self.logs(topic).acks == Acks::None {
                self.lose_request(n, request, |_| true);
                self.request_answered(n, request, None);
            }
            return;
        }
        let load = self.messaging.producers[n as usize].producer.load(request);
        let Some((bytes, messages, &Message { key, .. })) = load else { return };
        let broker = &mut self.messaging.brokers[broker_id as usize];
        let is_full = broker.is_full(node, bytes);
        let list = self.messaging.replications.add();
        let acks = self.logs(topic).acks;
        let (mut kept, mut published, mut entries) = (0, 0, std::mem::take(self.messaging.replications.at(list)));
        let messaging = &mut self.messaging;
        let state = &mut messaging.topics[topic as usize];
        let count = messaging.brokers[broker_id as usize].nodes.len() as u32;
        let logs = state.logs.as_mut().expect("it is a topic of Kafka");
        let producer = &messaging.producers[n as usize];
        for batch in producer.producer.batches(request) {
            let partition = batch.partition.0;
            let leader =
                messaging.brokers[broker_id as usize].leader_among(now, (home + partition) % count, logs.copies);
            if leader != Some(node) || is_full {
                entries.push((partition, AGAIN));
                continue;
            }
            let transaction = batch.records[0].payload.transaction;
            if let Some(id) = transaction
                && !messaging.transactions.as_mut().is_some_and(|it| it.touch(id, (topic, partition)))
            {
                entries.push((partition, AGAIN));
                continue;
            }
            let appended = logs.change(partition, |log| producer.producer.store(now, &batch, transaction, log));
            let log = &logs.logs[partition as usize];
            match appended {
                Append::Stored(_) => {
                    kept += batch.records.len() as u32;
                    published += batch.records.iter().map(|record| u64::from(record.payload.bytes)).sum::<u64>();
                    entries.push((partition, log.end()));
                }
                Append::Duplicate => {
                    entries.push((partition, log.end()));
                }
                Append::OutOfOrder => entries.push((partition, AGAIN)),
            }
        }
        let is_lost = acks == Acks::None && entries.iter().any(|(_, upto)| *upto == AGAIN);
        *messaging.replications.at(list) = entries;
        let (first, groups) = (state.first_group, state.groups);
        if kept > 0 {
            self.observer.message(now, MessageFact::Published { topic, messages: kept, bytes: published });
            for group in first..first + groups {
                self.observer.message(now, MessageFact::Kept { group, messages: kept });
            }
        }
        if is_lost {
            let refused: Vec<u32> =
                self.messaging.replications.at(list).iter().filter(|it| it.1 == AGAIN).map(|it| it.0).collect();
            self.lose_request(n, request, |partition| refused.contains(&partition));
        }
        let broker = &mut self.messaging.brokers[broker_id as usize];
        let stored = broker.stored_at(now, node, messages, bytes, key);
        let processed = broker.free_at(node);
        self.account(topic);
        self.dispatch_parcel_at(stored, Parcel::Replicated { topic, list });
        let back =
            self.messaging.brokers[broker_id as usize].way_span(&self.world.lanes, key, super::publish::SALT_ANSWER);
        let answered = match acks {
            Acks::None => now,
            Acks::Leader => processed + back,
            Acks::All => stored + back,
        };
        let copy = self.messaging.replications.copy(list);
        self.dispatch_parcel_at(answered, Parcel::RequestAnswered { producer: n, request, list: Some(copy) });
    }

    /// What a request brings for some partitions never gets into a log, and its producer does not ask: it is lost.
    fn lose_request(&mut self, n: u32, request: RequestId, is_lost: impl Fn(u32) -> bool) {
        let now = self.now();
        let state = &self.messaging.producers[n as usize];
        let topic = state.topic;
        let batches = state.producer.batches(request).filter(|batch| is_lost(batch.partition.0));
        let lost: Vec<Message> = batches.flat_map(|batch| batch.records).map(|record| record.payload).collect();
        let it = &self.messaging.topics[topic as usize];
        for message in lost {
            self.observer.message(now, MessageFact::Published { topic, messages: 1, bytes: message.bytes.into() });
            for group in it.first_group..it.first_group + it.groups {
                self.observer.message(now, MessageFact::Kept { group, messages: 1 });
                let published = message.published;
                self.observer.message(now, MessageFact::Settled { group, published, fate: Fate::Lost });
            }
        }
    }

    /// A process dies that publishes: what its libraries have gathered, or have on its way, is gone.
    pub(in crate::kernel) fn producers_die(&mut self, replica: u32) {
        let now = self.now();
        for n in 0..self.messaging.producers.len() as u32 {
            let state = &self.messaging.producers[n as usize];
            let logs = self.messaging.topics[state.topic as usize].logs.as_ref().expect("it is a topic of Kafka");
            let is_its = match self.messaging.workers.get(state.worker as usize) {
                Some(worker) => worker.replica == replica,
                None => logs.producers[replica as usize] == n,
            };
            if !is_its {
                continue;
            }
            let stored = self.messaging.stored_for(n);
            let mut fates = std::mem::take(&mut self.messaging.fates);
            let is_stored = |request, partition: Partition| stored.contains(&(request, partition.0));
            let state = &mut self.messaging.producers[n as usize];
            state.producer.dies(now, is_stored, |message, fate| fates.push((message, fate)));
            for (_, fate) in fates.drain(..) {
                if fate != kafka::Fate::Acknowledged {
                    let (topic, outcome) = (self.messaging.producers[n as usize].topic, Outcome::Cancelled);
                    self.observer.message(now, MessageFact::NotPublished { topic, outcome });
                }
            }
            self.messaging.fates = fates;
        }
    }

    /// What was stored is on the other nodes, too: it can be read.
    pub(super) fn replicated(&mut self, topic: u32, list: u32) {
        let entries = std::mem::take(self.messaging.replications.at(list));
        for (partition, upto) in entries.iter().copied().filter(|(_, upto)| *upto != AGAIN) {
            let logs = self.logs(topic);
            let log = &mut logs.logs[partition as usize];
            let upto = upto.min(log.end());
            if log.replicated(upto) {
                self.more_to_read(topic, partition);
            }
        }
        self.messaging.replications.give_back(list, entries);
    }

    /// Members may find something in a partition.
    pub(super) fn more_to_read(&mut self, topic: u32, partition: u32) {
        let logs = self.messaging.topics[topic as usize].logs.as_mut().expect("it is a topic of Kafka");
        if logs.groups.is_empty() {
            let log = &mut logs.logs[partition as usize];
            log.forget_below(log.high_watermark());
            return;
        }
        for place in 0..logs.groups.len() {
            let group = &mut self.logs(topic).groups[place];
            if let Some(member) = group.group.arrived(Partition(partition)) {
                let worker = group.workers[member.index()];
                self.wake_worker(worker);
            }
        }
    }

    /// A worker who waits for messages asks again.
    pub(super) fn wake_worker(&mut self, worker: u32) {
        let it = &mut self.messaging.workers[worker as usize];
        if !it.is_open {
            it.is_open = true;
            self.soon.push_back(Event::Worker(worker));
        }
    }

    /// The answer to a request reaches its producer; one who wants no answer takes all to be well.
    pub(super) fn request_answered(&mut self, n: u32, request: RequestId, list: Option<u32>) {
        let now = self.now();
        let topic = self.messaging.producers[n as usize].topic;
        let wants_none = self.logs(topic).acks == Acks::None;
        let entries = list.map(|list| std::mem::take(self.messaging.replications.at(list))).unwrap_or_default();
        let mut fates = std::mem::take(&mut self.messaging.fates);
        let state = &mut self.messaging.producers[n as usize];
        let draws = &mut state.draws;
        // They are asked for in their order, though some may be left out.
        let mut rest = 0;
        let answer = |partition: Partition| {
            let is_its = |(of, _): &(u32, u64)| *of == partition.0;
            let place = entries[rest..].iter().position(is_its).map(|place| rest + place);
            rest = place.map_or(rest, |place| place + 1);
            let stored = place.is_some_and(|place| entries[place].1 != AGAIN);
            if stored || wants_none { Answer::Stored } else { Answer::Again }
        };
        state.producer.answer(now, request, answer, || draws.uniform(), |message, fate| fates.push((message, fate)));
        if let Some(list) = list {
            self.messaging.replications.give_back(list, entries);
        }
        self.tell_publishers(n, fates);
        self.send_all_requests(n);
        self.arm_producer(n);
    }

    /// A dead letter, or what is published again by hand, is stored in a topic of Kafka at once.
    pub(super) fn store_in_log(&mut self, topic: u32, message: Message) {
        let now = self.now();
        let state = &mut self.messaging.topics[topic as usize];
        let (first, groups) = (state.first_group, state.groups);
        let logs = state.logs.as_mut().expect("it is a topic of Kafka");
        let count = logs.logs.len() as u32;
        let partition = if message.request_key == NONE {
            message.number % count
        } else {
            kafka::partition_of_key(message.request_key, count).0
        };
        let record = Record { payload: message, bytes: message.bytes };
        logs.change(partition, |log| {
            log.append(now, None, None, message.bytes.into(), &[record]);
            let end = log.end();
            log.replicated(end);
        });
        self.observer.message(now, MessageFact::Published { topic, messages: 1, bytes: message.bytes.into() });
        (first..first + groups).for_each(|group| self.observer.message(now, MessageFact::Kept { group, messages: 1 }));
        self.more_to_read(topic, partition);
        self.account(topic);
    }

    /// It is time to look for what logs need not keep.
    pub(in crate::kernel) fn clean_logs(&mut self, topic: u32) {
        let now = self.now();
        for partition in 0..self.logs(topic).logs.len() as u32 {
            let logs = self.logs(topic);
            let log = &logs.logs[partition as usize];
            let start = log.cleaned_start(now);
            if logs.groups.is_empty() {
                // Nobody reads it: what is removed was kept in vain.
                let (removed, group) = (start - log.start(), self.messaging.topics[topic as usize].first_group);
                (0..removed).for_each(|_| {
                    self.observer.message(now, MessageFact::Settled { group, published: now, fate: Fate::Expired })
                });
            }
            let logs = self.logs(topic);
            for place in 0..logs.groups.len() {
                let logs = self.logs(topic);
                let log = &logs.logs[partition as usize];
                logs.groups[place].group.expire(Partition(partition), start, log, |_, _| ());
                // More than it has not been handed: what its workers died with has not come back yet.
                self.lose_what_leaves(topic, place, partition, start);
            }
            self.logs(topic).change(partition, |log| log.clean(now));
        }
        self.account(topic);
        self.enter_cleaning(topic);
    }

    /// Enters the next time at which logs are looked at.
    pub(super) fn enter_cleaning(&mut self, topic: u32) {
        let now = self.now();
        if let Some(time) = self.logs(topic).logs.first().and_then(|log| log.next_check(now)) {
            self.agenda.at(time, Event::CleanLogs(topic));
        }
    }

    /// The nodes that lead partitions have changed: producers hear of it, and what a node had on its way is sent again.
    pub(super) fn leaders_changed(&mut self, topic: u32, died: Option<u32>) {
        let now = self.now();
        if let Some(node) = died {
            self.lose_what_was_not_replicated(topic, node);
        }
        let partitions = self.logs(topic).logs.len() as u32;
        for partition in 0..partitions {
            let has_leader = self.leader_of(topic, partition).is_some();
            let log = &mut self.logs(topic).logs[partition as usize];
            if log.set_led(has_leader) && has_leader {
                self.more_to_read(topic, partition);
            }
        }
        for n in 0..self.messaging.producers.len() as u32 {
            if self.messaging.producers[n as usize].topic != topic {
                continue;
            }
            for partition in 0..partitions {
                let leader = self.leader_of(topic, partition).map(Node);
                self.messaging.producers[n as usize].producer.set_leader(now, Partition(partition), leader);
            }
            if let Some(node) = died {
                let mut fates = std::mem::take(&mut self.messaging.fates);
                let state = &mut self.messaging.producers[n as usize];
                let draws = &mut state.draws;
                let tell = |message, fate| fates.push((message, fate));
                state.producer.disconnected(now, Node(node), || draws.uniform(), tell);
                self.tell_publishers(n, fates);
            }
            self.send_all_requests(n);
            self.arm_producer(n);
        }
    }

    /// What is on its way to a node that died: it is sent again, unless nobody waits for an answer.
    fn sent_again(&mut self, topic: u32, node: u32) -> BTreeSet<(u32, u32)> {
        let wants_none = self.logs(topic).acks == Acks::None;
        let mut again = BTreeSet::new();
        for n in 0..self.messaging.producers.len() as u32 {
            let state = &self.messaging.producers[n as usize];
            if state.topic != topic {
                continue;
            }
            let requests: Vec<RequestId> = state.producer.in_flight(Node(node)).collect();
            for request in requests {
                if wants_none {
                    self.lose_request(n, request, |_| true);
                    self.request_answered(n, request, None);
                    continue;
                }
                let batches = self.messaging.producers[n as usize].producer.batches(request);
                let records = batches.flat_map(|batch| batch.records);
                again.extend(records.map(|record| (record.payload.home, record.payload.number)));
            }
        }
        again
    }

    /// What only a node had that died is gone: lost, if its publisher takes it to be stored.
    fn lose_what_was_not_replicated(&mut self, topic: u32, node: u32) {
        let again = self.sent_again(topic, node);
        let state = &self.messaging.topics[topic as usize];
        let (home, first, groups) = (state.home, state.first_group, state.groups);
        let count = self.messaging.brokers[state.broker as usize].nodes.len() as u32;
        let mut lost = Vec::new();
        let logs = self.logs(topic);
        for partition in (0..logs.logs.len() as u32).filter(|partition| (home + partition) % count == node) {
            logs.change(partition, |log| log.fail_over(|_, message, is_aborted| lost.push((message, is_aborted))));
        }
        let readings: Vec<_> = logs.groups.iter().map(|group| group.reading).collect();
        for (message, is_aborted) in lost {
            let comes_again = again.contains(&(message.home, message.number));
            let fate = if comes_again { Fate::Aborted } else { Fate::Lost };
            for (place, group) in (first..first + groups).enumerate() {
                // Who reads only what is committed is done with what was aborted.
                if !is_aborted || readings.get(place) != Some(&Reading::Committed) {
                    self.settled(group, &message, fate);
                }
            }
        }
    }
}
