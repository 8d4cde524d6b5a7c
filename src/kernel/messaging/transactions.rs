//! Exactly-once: what a handler publishes, and how far its group is, belong to one transaction of its worker.

use crate::base::time::Time;
use crate::mechanism::broker::kafka::{Partition, Reading, TransactionId, TransactionSettings, Transactions};

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::frame::{DELIVERY, flag};
use super::super::observer::{Fate, MessageFact, Observer};
use super::workers::Worker;
use super::{Parcel, Receipt};

/// All transactions, whose partitions are named by topic and number.
pub(in crate::kernel) type All = Transactions<(u32, u32)>;

pub(super) fn none_open() -> All {
    Transactions::new(TransactionSettings::default())
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// The worker within whose transaction a handler publishes, if it does.
    pub(super) fn transaction_of(&self, id: u32) -> Option<u32> {
        self.worker_of(id).filter(|worker| self.messaging.workers[*worker as usize].transaction.is_some())
    }

    /// Whether a handler would publish within a transaction that the broker has aborted meanwhile: it may not.
    pub(super) fn is_fenced(&self, id: u32) -> bool {
        self.worker_of(id).is_some_and(|worker| {
            let is_open = self.messaging.workers[worker as usize].transaction.is_some();
            !is_open && self.commit_interval(worker).is_some()
        })
    }

    /// The worker whose message a handler handles; not asked where nobody has transactions.
    fn worker_of(&self, id: u32) -> Option<u32> {
        self.messaging.transactions.as_ref()?;
        let mut frame = &self.frames[id];
        while frame.has(flag::BRANCH) && self.frames.live(frame.parent_ticket()) {
            frame = &self.frames[frame.parent];
        }
        let waits = frame.parent_ticket();
        if frame.parent >= DELIVERY || !self.frames.live(waits) || self.frames[frame.parent].parent != DELIVERY {
            return None;
        }
        Some(self.frames[frame.parent].parent_token)
    }

    /// A worker who is about to handle something within a transaction begins one, unless he is in one.
    pub(super) fn begin_transaction(&mut self, worker: u32) {
        let now = self.now();
        let it = &self.messaging.workers[worker as usize];
        let (None, Some(every)) = (it.transaction, self.commit_interval(worker)) else { return };
        let Some(transactions) = &mut self.messaging.transactions else { return };
        let id = transactions.begin(now);
        let it = &mut self.messaging.workers[worker as usize];
        it.transaction = Some(id);
        it.commit_at = now + every;
        let (epoch, commit_at) = (it.epoch, it.commit_at);
        if let Some(time) = transactions.wake_at() {
            self.agenda.at(time, Event::TransactionsDue);
        }
        self.dispatch_parcel_at(commit_at, Parcel::CommitDue { worker, epoch });
    }

    /// It is time for a worker to commit: he does it when he has nothing in his hands.
    pub(super) fn commit_due(&mut self, worker: u32, epoch: u32) {
        let it = &self.messaging.workers[worker as usize];
        if it.epoch == epoch && it.frame == super::NONE && !it.is_resting {
            self.must_commit(worker);
        }
    }

    fn commit_interval(&self, worker: u32) -> Option<crate::base::time::Span> {
        let group = &self.messaging.groups[self.messaging.workers[worker as usize].group as usize];
        let logs = self.messaging.topics[group.topic as usize].logs.as_ref()?;
        logs.groups[group.place as usize].commit_every
    }

    /// A worker has nothing in his hands: `true` when he has to commit first, for it is time, he is to stop, or he is about
    /// to lose partitions.
    pub(super) fn must_commit(&mut self, worker: u32) -> bool {
        let it = &self.messaging.workers[worker as usize];
        if it.transaction.is_none() {
            return false;
        }
        let now = self.agenda.now();
        let (group, member) = (&self.messaging.groups[it.group as usize], it.member);
        let logs = self.messaging.topics[group.topic as usize].logs.as_ref();
        let it_loses = logs.zip(member).is_some_and(|(logs, member)| {
            it.buffer.is_empty() && logs.groups[group.place as usize].group.would_take(now, member)
        });
        let is_due = now >= it.commit_at || it_loses || (!it.is_there && it.buffer.is_empty());
        if !is_due {
            return false;
        }
        let it = &mut self.messaging.workers[worker as usize];
        if !it.is_committing {
            it.is_committing = true;
            self.commit_goes_on(worker);
        }
        true
    }

    /// A worker commits when all that he has published is stored.
    pub(super) fn commit_goes_on(&mut self, worker: u32) {
        let it = &self.messaging.workers[worker as usize];
        if !it.is_committing || it.is_ending {
            return;
        }
        let open = it.producers.iter().any(|(_, n)| self.messaging.producers[*n as usize].producer.pending() > 0);
        if open {
            return;
        }
        let (epoch, group) = (it.epoch, it.group);
        self.messaging.workers[worker as usize].is_ending = true;
        // Offsets and markers are written one after the other: two round trips, and two times of storing.
        let topic = self.messaging.groups[group as usize].topic;
        let state = &self.messaging.topics[topic as usize];
        let now = self.agenda.now();
        let key =
            crate::base::random::Key::root(self.model.seed, "transaction").child(now.as_nanos() ^ u64::from(worker));
        let broker = &mut self.messaging.brokers[state.broker as usize];
        let lanes = &self.world.lanes;
        let mut time = now;
        for trip in 0..2 {
            let key = key.child(trip);
            time = time + broker.way_span(lanes, key, super::publish::SALT_TO);
            time = broker.stored_at(time, state.home, 1, 0, key);
            time = time + broker.way_span(lanes, key, super::publish::SALT_ANSWER);
        }
        self.dispatch_parcel_at(time, Parcel::Committed { worker, epoch });
    }

    /// A transaction is committed.
    pub(super) fn committed(&mut self, worker: u32, epoch: u32) {
        let it = &mut self.messaging.workers[worker as usize];
        if it.epoch != epoch {
            return;
        }
        (it.is_committing, it.is_ending) = (false, false);
        let (group, member, transaction) = (it.group, it.member, it.transaction.take());
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let handled = std::mem::take(&mut self.messaging.workers[worker as usize].handled);
        // Whoever has lost a partition has lost what he did, too: the next one does it again.
        let is_his = member.zip(self.messaging.topics[topic as usize].logs.as_ref()).is_some_and(|(member, logs)| {
            let it = &logs.groups[place].group;
            handled.iter().all(|(partition, generation, _)| it.may_commit(member, Partition(*partition), *generation))
        });
        if let Some(id) = transaction {
            self.end_transaction(id, is_his);
        }
        if let (Some(member), Some(logs)) = (member, self.messaging.topics[topic as usize].logs.as_mut()) {
            for (partition, generation, to) in handled {
                let it = &mut logs.groups[place].group;
                let _ = it.commit(member, Partition(partition), generation, to);
            }
            logs.groups[place].group.hold(member, false);
        }
        self.worker_goes_on(worker);
    }

    /// Remembers what belongs to a worker's transaction.
    pub(super) fn note_handled(&mut self, worker: u32, receipt: Receipt) {
        let Receipt::Record { partition, generation, offset } = receipt else { return };
        let it = &mut self.messaging.workers[worker as usize];
        if it.transaction.is_none() {
            return;
        }
        match it.handled.iter_mut().find(|(of, ..)| *of == partition) {
            Some((_, of, to)) => (*of, *to) = (generation, (*to).max(offset + 1)),
            None => it.handled.push((partition, generation, offset + 1)),
        }
    }

    /// A worker is gone: what he has begun ends in vain, at once if he says so, else when it was open for too long.
    pub(super) fn abort_transaction(&mut self, worker: u32, died: bool) {
        let it = &mut self.messaging.workers[worker as usize];
        (it.is_committing, it.is_ending) = (false, false);
        it.handled.clear();
        if died {
            // His successor ends it, or time does.
            return;
        }
        if let Some(id) = it.transaction.take() {
            self.end_transaction(id, false);
        }
    }

    /// Ends a transaction on all partitions that it has written to.
    pub(super) fn end_transaction(&mut self, id: TransactionId, succeeded: bool) {
        let Some(transactions) = &mut self.messaging.transactions else { return };
        let mut partitions = Vec::new();
        transactions.end(id, |partition| partitions.push(partition));
        self.close_partitions(id, &partitions, succeeded);
    }

    fn close_partitions(&mut self, id: TransactionId, partitions: &[(u32, u32)], succeeded: bool) {
        for (topic, partition) in partitions.iter().copied() {
            let Some(logs) = self.messaging.topics[topic as usize].logs.as_mut() else { continue };
            let log = &mut logs.logs[partition as usize];
            let aborted = if succeeded { 0 } else { log.of_transaction(id) };
            log.end_transaction(id, succeeded);
            let first = self.messaging.topics[topic as usize].first_group;
            let groups = self.messaging.topics[topic as usize].groups;
            let now: Time = self.agenda.now();
            for group in first..first + groups {
                let place = self.messaging.groups[group as usize].place as usize;
                let logs = self.messaging.topics[topic as usize].logs.as_ref();
                let reads = logs.and_then(|logs| logs.groups.get(place)).map(|group| group.reading);
                if reads != Some(Reading::Committed) {
                    // It sees them all the same; where nobody reads, they lie there.
                    continue;
                }
                (0..aborted).for_each(|_| {
                    self.observer.message(now, MessageFact::Settled { group, published: now, fate: Fate::Aborted })
                });
            }
            self.more_to_read(topic, partition);
        }
    }

    /// The oldest transaction may have been open for too long.
    pub(in crate::kernel) fn transactions_due(&mut self) {
        let now = self.now();
        let mut partitions = Vec::new();
        while let Some(transactions) = &mut self.messaging.transactions {
            let Some(id) = transactions.expire(now, |partition| partitions.push(partition)) else { break };
            self.close_partitions(id, &partitions, false);
            partitions.clear();
            let of_it = |worker: &Worker| worker.transaction == Some(id);
            if let Some(worker) = self.messaging.workers.iter().position(of_it) {
                // He may not write any more: he begins anew from what was committed last.
                let is_there = self.messaging.workers[worker].is_there;
                self.messaging.workers[worker].transaction = None;
                self.close_worker(worker as u32, false);
                if is_there {
                    self.member_joins(worker as u32);
                }
            }
        }
        if let Some(time) = self.messaging.transactions.as_ref().and_then(Transactions::wake_at) {
            self.agenda.at(time.max(now), Event::TransactionsDue);
        }
    }
}
