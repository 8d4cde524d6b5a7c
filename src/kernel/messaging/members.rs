//! Groups that read topics of Kafka: members come and go, partitions are shared anew, and members poll.

use crate::base::time::Time;
use crate::mechanism::broker::kafka::{Partition, Polled};
use crate::model::ReplayFrom;

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::observer::{Fate, MessageFact, Observer};
use super::logs::LogGroup;
use super::{Held, Message, NONE, Parcel, Receipt};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A worker comes to his group.
    pub(super) fn member_joins(&mut self, worker: u32) {
        let now = self.now();
        let group = self.messaging.workers[worker as usize].group;
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let it = &mut self.logs(topic).groups[place];
        let member = it.group.join(now);
        if it.workers.len() <= member.index() {
            it.workers.resize(member.index() + 1, NONE);
        }
        it.workers[member.index()] = worker;
        if let Some(id) = self.messaging.workers[worker as usize].transaction.take() {
            // Whoever comes back ends what he had begun.
            self.end_transaction(id, false);
        }
        self.messaging.workers[worker as usize].member = Some(member);
        self.messaging.workers[worker as usize].is_open = false;
        self.arm_group(group);
    }

    /// A worker leaves his group, or dies without a word.
    pub(super) fn member_leaves(&mut self, worker: u32, died: bool) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        let Some(member) = it.member.take() else { return };
        let group = it.group;
        self.abort_transaction(worker, died);
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let it = &mut self.logs(topic).groups[place];
        if died {
            it.group.crash(now, member);
        } else {
            it.group.leave(now, member);
        }
        self.forget(topic, place);
        self.arm_group(group);
    }

    /// A group was touched: it is looked at when it wants to be, and rebalances that have begun are told.
    fn arm_group(&mut self, group: u32) {
        let now = self.now();
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let it = &mut self.logs(topic).groups[place];
        let begun = it.group.tally().rebalances;
        let told = std::mem::replace(&mut it.rebalances_told, begun);
        for _ in told..begun {
            self.observer.message(now, MessageFact::Rebalanced { group });
        }
        let it = &mut self.logs(topic).groups[place];
        if let Some(time) = it.group.wake_at() {
            let time = time.max(now);
            if time < it.due {
                it.due = time;
                self.agenda.at(time, Event::GroupDue(group));
            }
        }
    }

    /// A group wants to be looked at.
    pub(in crate::kernel) fn group_due(&mut self, group: u32) {
        let now = self.now();
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let mut awake = std::mem::take(&mut self.messaging.awake);
        let it = &mut self.logs(topic).groups[place];
        if it.due > now {
            self.messaging.awake = awake;
            return;
        }
        it.due = Time::MAX;
        it.group.advance(now, &mut awake);
        for member in awake.drain(..) {
            let worker = self.logs(topic).groups[place].workers[member.index()];
            self.wake_worker(worker);
        }
        self.messaging.awake = awake;
        self.forget(topic, place);
        self.arm_group(group);
    }

    /// A worker with nothing in his hands polls.
    pub(super) fn poll_logs(&mut self, worker: u32) {
        let now = self.now();
        let it = &mut self.messaging.workers[worker as usize];
        it.is_open = false;
        let (group, Some(member)) = (it.group, it.member) else { return };
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let (commits_first, commits_after) = {
            let it = &self.logs(topic).groups[place];
            (it.commits_first, it.commits_after)
        };
        if commits_after {
            // One who is not counted on any more learns it when he polls.
            let _ = self.logs(topic).groups[place].group.commit_all(member);
        }
        let mut records = std::mem::take(&mut self.messaging.records);
        let mut lost = std::mem::take(&mut self.messaging.lost);
        let holds = self.messaging.workers[worker as usize].transaction.is_some();
        let logs = self.logs(topic);
        logs.groups[place].group.hold(member, holds);
        let polled =
            logs.groups[place].group.poll(now, member, &logs.logs, &mut records, |partition, offset, message| {
                lost.push((partition.0, offset, message));
            });
        if commits_first && polled == Polled::Records {
            let _ = logs.groups[place].group.commit_all(member);
        }
        self.give_up_on(topic, place, &mut lost);
        self.messaging.lost = lost;
        let count = records.len() as u32;
        if polled == Polled::Records {
            let key = records[0].payload.key;
            let it = &mut self.messaging.workers[worker as usize];
            it.buffer.extend(records.drain(..).map(|record| Held {
                message: record.payload,
                receipt: Receipt::Record {
                    partition: record.partition.0,
                    generation: record.generation,
                    offset: record.offset,
                },
                deliveries: 1 + u32::from(record.is_again),
                is_acknowledged: false,
            }));
            let epoch = it.epoch;
            let broker = self.messaging.topics[topic as usize].broker;
            let way = self.messaging.brokers[broker as usize].way(&self.world.lanes, key, super::workers::SALT_DELIVER);
            self.dispatch_parcel(way, Parcel::Delivered { worker, epoch, count });
        }
        records.clear();
        self.messaging.records = records;
        self.forget(topic, place);
        self.arm_group(group);
    }

    /// Messages that a group will never see.
    pub(super) fn give_up_on(&mut self, topic: u32, place: usize, lost: &mut Vec<(u32, u64, Message)>) {
        let group = self.messaging.topics[topic as usize].first_group + place as u32;
        for (partition, offset, message) in lost.drain(..) {
            if self.logs(topic).groups[place].progress[partition as usize].settle(offset) {
                self.settled(group, &message, Fate::Lost);
            }
        }
    }

    /// Nobody needs again what all groups have left behind.
    fn forget(&mut self, topic: u32, place: usize) {
        while let Some(partition) = self.logs(topic).groups[place].group.next_moved() {
            let logs = self.logs(topic);
            let mut all = logs.groups.iter().map(|group| group.group.lowest(partition));
            let lowest = all.try_fold(u64::MAX, |lowest, of_group| of_group.map(|offset| offset.min(lowest)));
            let Some(lowest) = lowest else { continue };
            let upto = logs.logs[partition.index()].forgotten_below(lowest);
            // Whoever commits first has what is left in his hands; others may have begun anew further on.
            let left = |it: &LogGroup| !it.commits_first && it.progress[partition.index()].is_before(upto);
            if logs.groups.iter().any(left) {
                for place in 0..self.logs(topic).groups.len() {
                    if left(&self.logs(topic).groups[place]) {
                        self.lose_what_leaves(topic, place, partition.0, upto);
                    }
                }
            }
            self.logs(topic).logs[partition.index()].forget_below(lowest);
        }
    }

    /// What a worker did with a record: `true` when it is settled, `false` when he has to try again.
    pub(super) fn record_done(&mut self, worker: u32, held: Held, is_good: bool) -> bool {
        let it = &self.messaging.workers[worker as usize];
        let group = it.group;
        let state = &self.messaging.groups[group as usize];
        let (topic, place) = (state.topic, state.place as usize);
        let Receipt::Record { partition, offset, .. } = held.receipt else { return true };
        let of_group = &mut self.logs(topic).groups[place];
        if !is_good && held.deliveries < of_group.max_deliveries && !of_group.commits_first {
            return false;
        }
        if !of_group.progress[partition as usize].settle(offset) {
            if is_good {
                self.handled_in_vain(group);
            }
            return true;
        }
        if is_good {
            self.message_consumed(group, &held);
        } else if self.logs(topic).groups[place].commits_first {
            self.message_lost(group, &held);
        } else {
            self.message_left(topic, place as u32, held.message, super::shelf::Why::Failed);
        }
        true
    }

    /// The group of a consumer reads again.
    pub(in crate::kernel) fn replay(&mut self, consumer: u32, from: ReplayFrom) {
        let it = self.model.consumers.iter().nth(consumer as usize).expect("the model's consumers are as many");
        let (topic, place) = (it.topic.0, it.group as usize);
        if self.messaging.topics[topic as usize].logs.is_none() {
            return;
        }
        let mut lost = std::mem::take(&mut self.messaging.lost);
        for partition in 0..self.logs(topic).logs.len() as u32 {
            let logs = self.logs(topic);
            let log = &logs.logs[partition as usize];
            let offset = match from {
                ReplayFrom::Time(time) => log.offset_at(time),
                ReplayFrom::Offset(offset) => offset,
            };
            let member = logs.groups[place].group.seek(Partition(partition), offset, log, |offset, message| {
                lost.push((partition, offset, message));
            });
            let worker = member.map(|member| logs.groups[place].workers[member.index()]);
            self.give_up_on(topic, place, &mut lost);
            if let Some(worker) = worker {
                self.wake_worker(worker);
            }
        }
        self.messaging.lost = lost;
    }
}
