//! Topics of Kafka: their partitions, the client libraries of their publishers, and their groups.

use std::rc::Rc;

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::mechanism::broker::kafka::{
    self, Acks, Commit, Group, GroupSettings, Log, LogSettings, Node, OffsetReset, Partitioner, Producer, ProducerId,
    ProducerSettings, Protocol, Reading, Unkeyed,
};
use crate::model::{self, Consumer, Delivery, GroupStart, Id, Limit, Model, Rebalance, Step, Topic, TopicId};

use super::super::world::World;
use super::{Held, Message, Receipt};

/// A topic of Kafka.
pub(in crate::kernel) struct Logs {
    /// By partition.
    pub(super) logs: Vec<Log<Message>>,
    /// Their bytes on all disks, kept up to date by [`Logs::change`].
    bytes: u64,
    pub(super) groups: Vec<LogGroup>,
    /// The producer of each replica, across services; [`super::NONE`] where nobody publishes to it.
    pub(super) producers: Vec<u32>,
    pub(super) acks: Acks,
    /// Of each partition, on nodes that follow one another.
    pub(super) copies: u32,
    pub(super) settings: ProducerSettings,
    pub(super) unkeyed: Unkeyed,
    /// Whether keys choose partitions.
    pub(super) uses_keys: bool,
}

/// A group that reads a topic of Kafka.
pub(in crate::kernel) struct LogGroup {
    pub(super) group: Group,
    /// The worker of each member.
    pub(super) workers: Vec<u32>,
    /// How far it is with each partition.
    pub(super) progress: Vec<Progress>,
    /// When it is looked at next.
    pub(super) due: Time,
    /// Rebalances that were told.
    pub(super) rebalances_told: u64,
    pub(super) reading: Reading,
    pub(super) max_deliveries: u32,
    /// Whether a worker commits what he has got before he handles it.
    pub(super) commits_first: bool,
    /// Whether a worker commits when he has handled all that he has got.
    pub(super) commits_after: bool,
    /// How often a transaction is committed; `None` where there is none.
    pub(super) commit_every: Option<Span>,
}

/// What of a partition a group has settled: handled, or given up.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// All before is settled.
    to: u64,
    /// Stretches behind that are settled, too, in order and apart: somebody has still what lies before them in his hands.
    beyond: Vec<(u64, u64)>,
}

impl Progress {
    /// A record is settled; `false` when it was before.
    pub(super) fn settle(&mut self, offset: u64) -> bool {
        if offset < self.to {
            return false;
        }
        if offset == self.to && self.beyond.is_empty() {
            self.to += 1;
            return true;
        }
        let place = self.beyond.partition_point(|(_, to)| *to < offset);
        match self.beyond.get_mut(place) {
            Some((from, to)) if (*from..*to).contains(&offset) => return false,
            Some((_, to)) if *to == offset => *to += 1,
            Some((from, _)) if *from == offset + 1 => *from = offset,
            _ => self.beyond.insert(place, (offset, offset + 1)),
        }
        // Stretches that touch now become one.
        if let (Some(one), Some(next)) = (self.beyond.get(place).copied(), self.beyond.get(place + 1).copied())
            && one.1 == next.0
        {
            self.beyond[place].1 = next.1;
            self.beyond.remove(place + 1);
        }
        if let Some((from, to)) = self.beyond.first().copied()
            && from == self.to
        {
            self.to = to;
            self.beyond.remove(0);
        }
        true
    }

    /// Whether a record is settled.
    fn is_settled(&self, offset: u64) -> bool {
        let place = self.beyond.partition_point(|(_, to)| *to <= offset);
        offset < self.to || self.beyond.get(place).is_some_and(|(from, _)| *from <= offset)
    }

    /// Whether something before `offset` may be unsettled.
    pub(super) fn is_before(&self, offset: u64) -> bool {
        self.to < offset
    }

    /// How many of those behind `from` are settled.
    fn beyond(&self, from: u64) -> u64 {
        self.beyond.iter().map(|(start, to)| to.saturating_sub((*start).max(from))).sum()
    }
}

/// The client library of a publisher.
pub(in crate::kernel) struct ProducerState {
    pub(super) topic: u32,
    pub(super) producer: Producer<Message>,
    pub(super) partitioner: Partitioner,
    pub(super) draws: Stream,
    /// When it is looked at next.
    pub(super) due: Time,
    /// What is new need not be looked at earlier than so long after it came.
    pub(super) patience: Span,
    /// The worker whose transactions it writes; [`super::NONE`] without.
    pub(super) worker: u32,
}

/// What is stored and not replicated yet, by parcel: which partition, up to where.
#[derive(Default)]
pub(super) struct Replications {
    lists: Vec<Vec<(u32, u64)>>,
    free: Vec<u32>,
}

impl Replications {
    pub(super) fn add(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.lists.push(Vec::new());
            self.lists.len() as u32 - 1
        })
    }

    /// Another list with what is in one: two parcels are on their way with it.
    pub(super) fn copy(&mut self, id: u32) -> u32 {
        let copy = self.add();
        let entries = std::mem::take(&mut self.lists[id as usize]);
        self.lists[copy as usize].extend_from_slice(&entries);
        self.lists[id as usize] = entries;
        copy
    }

    pub(super) fn at(&mut self, id: u32) -> &mut Vec<(u32, u64)> {
        &mut self.lists[id as usize]
    }

    /// The partitions in which something of a list was stored.
    pub(super) fn stored(&self, id: u32) -> impl Iterator<Item = u32> {
        let stored = self.lists[id as usize].iter().filter(|(_, upto)| *upto != super::kafka::AGAIN);
        stored.map(|(partition, _)| *partition)
    }

    /// Gives a list back, which is empty then.
    pub(super) fn give_back(&mut self, id: u32, mut list: Vec<(u32, u64)>) {
        list.clear();
        self.lists[id as usize] = list;
        self.free.push(id);
    }
}

impl Logs {
    pub(super) fn new(model: &Model, id: TopicId, topic: &Topic, groups: &[Vec<&Consumer>], replicas: usize) -> Logs {
        let model::Keeping::Log(settings) = &topic.keeping else { unreachable!("a topic of Kafka keeps logs") };
        let replays = model.changes.iter().any(|change| match change.action {
            model::Action::Replay { consumer, .. } => model.consumers[consumer].topic == id,
            _ => false,
        });
        let log = LogSettings {
            retention: settings.retention,
            retention_size: settings.retention_size,
            segment: settings.segment,
            retention_check: settings.retention_check,
            keeps_payloads: replays,
            ..LogSettings::default()
        };
        let log = Rc::new(log);
        let producer = &settings.producer;
        Logs {
            logs: (0..settings.partitions).map(|_| Log::new(Rc::clone(&log))).collect(),
            bytes: 0,
            groups: groups.iter().map(|group| LogGroup::new(group[0], settings.partitions)).collect(),
            producers: vec![super::NONE; replicas],
            acks: acks(producer.acks),
            copies: settings.replication,
            settings: ProducerSettings {
                linger: producer.linger,
                batch_size: producer.batch,
                buffer_memory: producer.buffer,
                max_block: producer.max_block,
                delivery_timeout: producer.delivery_timeout,
                request_timeout: producer.request_timeout,
                max_in_flight: producer.in_flight,
                acks: acks(producer.acks),
                is_idempotent: producer.is_idempotent,
                compression: Share::new(producer.compression.min(1.0)).unwrap_or(Share::ONE),
                ..ProducerSettings::default()
            },
            unkeyed: match settings.partitioner {
                model::Partitioner::Keyed | model::Partitioner::Sticky => Unkeyed::Sticky,
                model::Partitioner::Adaptive => Unkeyed::Adaptive,
                model::Partitioner::RoundRobin => Unkeyed::RoundRobin,
            },
            uses_keys: settings.partitioner == model::Partitioner::Keyed,
        }
    }

    /// A producer that writes to it; `nodes` tells who leads each partition.
    pub(super) fn producer(
        &self,
        topic: u32,
        id: u32,
        draws: Stream,
        nodes: u32,
        worker: u32,
        leader: impl Fn(u32) -> Option<u32>,
    ) -> ProducerState {
        let partitions = self.logs.len() as u32;
        let mut producer = Producer::new(ProducerId(id), self.settings, partitions, nodes);
        for partition in 0..partitions {
            producer.set_leader(Time::ZERO, kafka::Partition(partition), leader(partition).map(Node));
        }
        let partitioner = Partitioner::new(self.unkeyed, partitions, self.settings.batch_size);
        let patience = producer.patience();
        ProducerState { topic, producer, partitioner, draws, due: Time::MAX, patience, worker }
    }

    /// Bytes on all disks.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Does something to a partition that changes what it keeps.
    pub(super) fn change<T>(&mut self, partition: u32, change: impl FnOnce(&mut Log<Message>) -> T) -> T {
        let log = &mut self.logs[partition as usize];
        let before = log.bytes();
        let result = change(log);
        self.bytes = self.bytes - before + log.bytes();
        result
    }

    /// Messages that a group has not handled.
    pub(super) fn pending(&self, place: u32) -> u64 {
        let Some(group) = self.groups.get(place as usize) else {
            return self.logs.iter().map(|log| log.end() - log.start()).sum();
        };
        let left = self.logs.iter().zip(&group.progress);
        left.map(|(log, progress)| {
            let from = progress.to.max(log.readable_from());
            log.visible(from.min(log.end()), log.end(), group.reading) - progress.beyond(from)
        })
        .sum()
    }

    /// How many messages each partition got, and how many of them a group has not handled.
    pub(super) fn by_partition(&self, place: u32) -> impl Iterator<Item = (u64, u64)> {
        let group = self.groups.get(place as usize);
        let progress =
            group.into_iter().flat_map(|group| group.progress.iter().map(|progress| (progress, group.reading)));
        self.logs.iter().zip(progress).map(|(log, (progress, reading))| {
            let from = progress.to.max(log.readable_from());
            (log.end(), log.visible(from.min(log.end()), log.end(), reading) - progress.beyond(from))
        })
    }

    /// Whether a message that a worker has is nowhere else, and nobody is done with it.
    pub(super) fn has_only_in_hand(&self, place: u32, held: &Held) -> bool {
        let Receipt::Record { partition, offset, .. } = held.receipt else { return false };
        let progress = &self.groups[place as usize].progress[partition as usize];
        !progress.is_settled(offset) && offset < self.logs[partition as usize].readable_from()
    }

    /// What a group is not done with of what can be read of a partition before offset `upto`: partition, offset and
    /// message.
    pub(super) fn leaving(&self, place: usize, partition: u32, upto: u64) -> Vec<(u32, u64, Message)> {
        let (group, log) = (&self.groups[place], &self.logs[partition as usize]);
        let progress = &group.progress[partition as usize];
        let from = progress.to.max(log.readable_from());
        let mut left = Vec::new();
        if from >= upto {
            return left;
        }
        let count = log.visible(from, upto, group.reading);
        log.fetch(from, group.reading, count as usize, |offset, message| {
            if !progress.is_settled(offset) {
                left.push((partition, offset, message));
            }
        });
        left
    }

    /// When the oldest message was published that a group has not handled. Of a topic that nobody reads only what is on
    /// disk is known, and when that was written.
    pub(super) fn oldest(&self, place: u32) -> Option<Time> {
        if self.groups.is_empty() {
            return self.logs.iter().filter_map(Log::oldest).min();
        }
        self.first_left(place).map(|message| message.published).min()
    }

    /// The message of each partition that was stored first of those that a group has not handled.
    fn first_left(&self, place: u32) -> impl Iterator<Item = Message> {
        let group = self.groups.get(place as usize);
        group.into_iter().flat_map(|group| {
            let left = self.logs.iter().zip(&group.progress);
            left.filter_map(|(log, progress)| {
                let mut from = progress.to.max(log.readable_from());
                loop {
                    let (offset, message) = log.first_from(from, group.reading)?;
                    match progress.beyond.iter().find(|(start, to)| (*start..*to).contains(&offset)) {
                        Some((_, to)) => from = *to,
                        None => return Some(message),
                    }
                }
            })
        })
    }
}

impl LogGroup {
    fn new(consumer: &Consumer, partitions: u32) -> LogGroup {
        let membership = &consumer.membership;
        let commit_every = match consumer.delivery {
            Delivery::ExactlyOnce { commit_every } => Some(commit_every),
            Delivery::AtMostOnce | Delivery::AtLeastOnce => None,
        };
        let commits_first = consumer.delivery == Delivery::AtMostOnce;
        let commits_after = commit_every.is_none() && consumer.settling.commit_every.is_zero();
        let is_manual = commit_every.is_some() || commits_first || commits_after;
        let reading = if membership.is_read_committed { Reading::Committed } else { Reading::Uncommitted };
        let settings = GroupSettings {
            protocol: match membership.rebalance {
                Rebalance::Eager => Protocol::Eager,
                Rebalance::Cooperative => Protocol::Cooperative,
            },
            assignor: match membership.rebalance {
                Rebalance::Eager => kafka::Assignor::Range,
                Rebalance::Cooperative => kafka::Assignor::Sticky,
            },
            commit: if is_manual { Commit::Manual } else { Commit::Auto(consumer.settling.commit_every) },
            reading,
            reset: match membership.start {
                GroupStart::Earliest => OffsetReset::Earliest,
                GroupStart::Latest => OffsetReset::Latest,
            },
            max_poll_records: match consumer.prefetch {
                Limit::AtMost(most) => most,
                Limit::Unlimited => u32::MAX,
            },
            max_poll_interval: membership.max_poll_interval,
            session_timeout: membership.session_timeout,
            // It is there when the run begins.
            initial_delay: Span::from_nanos(1),
            pause: membership.rebalance_time,
            ..GroupSettings::default()
        };
        LogGroup {
            group: Group::new(settings, partitions),
            workers: Vec::new(),
            progress: vec![Progress::default(); partitions as usize],
            due: Time::MAX,
            rebalances_told: 0,
            reading,
            max_deliveries: match consumer.settling.max_deliveries {
                Limit::AtMost(most) => most,
                Limit::Unlimited => u32::MAX,
            },
            commits_first,
            commits_after,
            commit_every,
        }
    }
}

fn acks(acks: model::Acks) -> Acks {
    match acks {
        model::Acks::None => Acks::None,
        model::Acks::Leader => Acks::Leader,
        model::Acks::All => Acks::All,
    }
}

/// The topics to which steps publish.
pub(super) fn published_by(steps: &[Step], found: &mut Vec<TopicId>) {
    for step in steps {
        match step {
            Step::Publish(publish) => found.push(publish.topic),
            step => step.lists().into_iter().for_each(|steps| published_by(steps, found)),
        }
    }
}

impl super::Messaging {
    /// Each replica of a service that publishes to a topic of Kafka has a producer for it.
    pub(super) fn add_producers(&mut self, model: &Model, world: &World) {
        for (id, service) in model.services.enumerate() {
            let mut topics = Vec::new();
            for endpoint in model.endpoints.iter().filter(|endpoint| endpoint.service == id) {
                published_by(&endpoint.steps, &mut topics);
            }
            topics.sort_unstable();
            topics.dedup();
            topics.retain(|topic| self.topics[topic.index()].logs.is_some());
            let state = &world.services[id.index()];
            for topic in topics {
                for number in 0..state.replicas {
                    let name = format!("{}/{number}", service.name);
                    let n = self.add_producer(model.seed, topic.0, &name, super::NONE);
                    if let Some(logs) = &mut self.topics[topic.index()].logs {
                        logs.producers[(state.first_replica + number) as usize] = n;
                    }
                }
            }
        }
        for topic in self.topics.iter() {
            let Some(logs) = &topic.logs else { continue };
            let nodes = &mut self.brokers[topic.broker as usize].nodes;
            let count = nodes.len() as u32;
            for partition in 0..logs.logs.len() as u32 {
                nodes[((topic.home + partition) % count) as usize].leads += 1;
            }
        }
    }

    /// Adds a producer for a topic; `name` names its draws.
    pub(super) fn add_producer(&mut self, seed: u64, topic: u32, name: &str, worker: u32) -> u32 {
        let n = self.producers.len() as u32;
        let state = &self.topics[topic as usize];
        let broker = &self.brokers[state.broker as usize];
        let count = broker.nodes.len() as u32;
        let draws = Stream::new(seed, &format!("topic/{topic}/producer/{name}"));
        let logs = state.logs.as_ref().expect("only topics of Kafka have producers");
        let home = state.home;
        let producer = logs.producer(topic, n, draws, count, worker, |partition| {
            let node = (home + partition) % count;
            (!broker.nodes[node as usize].is_down).then_some(node)
        });
        self.producers.push(producer);
        n
    }
}
