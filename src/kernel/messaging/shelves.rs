//! Topics and queues, and the groups of consumers that read them, as the model says.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::mechanism::broker::queue::{
    DeadLetters, Discard, LeaseSettings, MessageQueue, MessageStream, Overflow, QueueSettings, Retention,
    StreamSettings, jetstream, rabbitmq, sqs,
};
use crate::model::{
    Broker, BrokerKind, Consumer, Keep, Keeping, Limit, Model, QueueLimits, QueueOverflow, Settling, Topic, TopicId,
};

use super::logs::Logs;
use super::shelf::Shelf;
use super::{Messaging, number};

/// A topic or a queue.
pub(in crate::kernel) struct TopicState {
    pub(in crate::kernel) broker: u32,
    /// The node that leads it unless it is down.
    pub(in crate::kernel) home: u32,
    /// What is kept, unless it is a topic of Kafka.
    pub(in crate::kernel) shelf: Shelf,
    /// Of a topic of Kafka, what is kept.
    pub(in crate::kernel) logs: Option<Box<Logs>>,
    pub(in crate::kernel) first_group: u32,
    pub(in crate::kernel) groups: u32,
    /// Messages that were published.
    pub(in crate::kernel) published: u32,
    /// Bytes that it has on its node's disk.
    pub(in crate::kernel) bytes: u64,
    /// Shares of messages that are poisoned now, each with the name of its draws.
    pub(in crate::kernel) poison: Vec<(u64, f64)>,
    /// Where goes what expires or has to make room.
    pub(in crate::kernel) dead_letter: Option<u32>,
    /// When it is looked at next; [`Time::MAX`] if it is not.
    pub(in crate::kernel) due: Time,
    pub(in crate::kernel) redrive_every: Option<Span>,
}

/// A group of consumers of a topic.
pub(in crate::kernel) struct GroupState {
    pub(in crate::kernel) topic: u32,
    /// Its place among those of its topic.
    pub(in crate::kernel) place: u32,
    /// Workers that take a message when there is one, in turn.
    pub(in crate::kernel) open: VecDeque<u32>,
    /// Whether workers are given messages as far as they have room, instead of asking when they have none.
    pub(in crate::kernel) pushes: bool,
    /// Messages that a worker takes at once, or has at most.
    pub(in crate::kernel) prefetch: u32,
    /// Whether messages are acknowledged before they are handled.
    pub(in crate::kernel) acks_first: bool,
    /// Whether a message that has failed is only not acknowledged, and comes back when its time is over.
    pub(in crate::kernel) keeps_failed: bool,
    /// How long a message is not delivered again after each failure.
    pub(in crate::kernel) backoff: Vec<Span>,
    /// Where goes what has failed for good.
    pub(in crate::kernel) dead_letter: Option<u32>,
    /// The number of the last message that was handled, by what it was about.
    pub(in crate::kernel) last: Vec<u32>,
    /// Names the draws of its deliveries.
    pub(in crate::kernel) salt: u64,
}

impl Messaging {
    pub(super) fn add_topics(&mut self, model: &Model, replicas: usize) {
        for (id, topic) in model.topics.enumerate() {
            let groups = groups_of(model, id);
            let first_group = self.groups.len() as u32;
            let broker = &model.brokers[topic.broker];
            for (place, consumers) in groups.iter().enumerate() {
                self.groups.push(GroupState::new(number(id), place as u32, consumers, broker, model));
            }
            if groups.is_empty() {
                self.groups.push(GroupState::nobody(number(id)));
            }
            let dead_letter = match &topic.keeping {
                Keeping::Queue(limits) => limits.dead_letter.map(number),
                Keeping::Log(_) => None,
            };
            self.topics.push(TopicState {
                broker: number(topic.broker),
                home: number(id) % broker.nodes,
                shelf: shelf(topic, broker, &groups),
                logs: matches!(topic.keeping, Keeping::Log(_))
                    .then(|| Box::new(Logs::new(model, id, topic, &groups, replicas))),
                first_group,
                groups: self.groups.len() as u32 - first_group,
                published: 0,
                bytes: 0,
                poison: Vec::new(),
                dead_letter,
                due: Time::MAX,
                redrive_every: topic.redrive_every,
            });
        }
    }
}

/// The consumers of each group of a topic.
pub(super) fn groups_of(model: &Model, topic: TopicId) -> Vec<Vec<&Consumer>> {
    let mut groups: Vec<Vec<&Consumer>> = Vec::new();
    for consumer in model.consumers.iter().filter(|consumer| consumer.topic == topic) {
        let place = consumer.group as usize;
        if groups.len() <= place {
            groups.resize_with(place + 1, Vec::new);
        }
        groups[place].push(consumer);
    }
    groups
}

impl TopicState {
    /// Messages of a group that it has not handled.
    pub(super) fn pending(&self, place: u32) -> u64 {
        self.logs.as_ref().map_or_else(|| self.shelf.pending(place), |logs| logs.pending(place))
    }

    /// When the oldest of them was published.
    pub(super) fn oldest(&self, place: u32) -> Option<Time> {
        match &self.logs {
            Some(logs) => logs.oldest(place),
            None => self.shelf.oldest(place).map(|message| message.published),
        }
    }

    /// Bytes of all that is kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.logs.as_ref().map_or_else(|| self.shelf.bytes(), |logs| logs.bytes())
    }
}

impl GroupState {
    fn new(topic: u32, place: u32, consumers: &[&Consumer], broker: &Broker, model: &Model) -> GroupState {
        let first = consumers[0];
        let prefetch = consumers.iter().map(|consumer| match consumer.prefetch {
            Limit::AtMost(most) => most,
            Limit::Unlimited => u32::MAX,
        });
        GroupState {
            topic,
            place,
            open: VecDeque::new(),
            pushes: broker.kind == BrokerKind::Rabbitmq,
            prefetch: prefetch.max().unwrap_or(1),
            acks_first: first.delivery == crate::model::Delivery::AtMostOnce,
            keeps_failed: broker.kind == BrokerKind::Sqs && first.settling.backoff.is_empty(),
            backoff: first.settling.backoff.clone(),
            dead_letter: first.dead_letter.map(number),
            last: Vec::new(),
            salt: super::named("consumer", model.consumers.iter().find(|it| *it == first).map_or("", |it| &it.name)),
        }
    }

    /// Of a topic that nobody reads: it counts what is kept.
    fn nobody(topic: u32) -> GroupState {
        GroupState {
            topic,
            place: 0,
            open: VecDeque::new(),
            pushes: false,
            prefetch: 1,
            acks_first: false,
            keeps_failed: false,
            backoff: Vec::new(),
            dead_letter: None,
            last: Vec::new(),
            salt: 0,
        }
    }

    /// How long a message waits that has failed so many times.
    pub(super) fn wait_after(&self, failures: u32) -> Span {
        let last = self.backoff.len().saturating_sub(1);
        self.backoff.get(last.min(failures.saturating_sub(1) as usize)).copied().unwrap_or(Span::ZERO)
    }
}

fn shelf(topic: &Topic, broker: &Broker, groups: &[Vec<&Consumer>]) -> Shelf {
    let limits = match &topic.keeping {
        Keeping::Queue(limits) => limits,
        Keeping::Log(_) => return Shelf::of_queues(Vec::new()),
    };
    let leases = |consumers: &[&Consumer]| leases(broker.kind, &consumers[0].settling, consumers[0].prefetch);
    if broker.kind == BrokerKind::Jetstream && !groups.is_empty() {
        let settings = StreamSettings {
            retention: match (topic.is_queue, limits.keep) {
                (_, Keep::For(_) | Keep::Always) => Retention::Limits,
                (true, Keep::UntilHandled) => Retention::WorkQueue,
                (false, Keep::UntilHandled) => Retention::Interest,
            },
            discard: match limits.overflow {
                QueueOverflow::DropOldest => Discard::Old,
                QueueOverflow::RejectNewest => Discard::New,
            },
            max_messages: at_most(limits.length),
            max_bytes: limits.size,
            max_age: limits.keep.age().or(limits.ttl),
            dedup_window: limits.dedup,
        };
        let consumers: Vec<LeaseSettings> = groups.iter().map(|group| leases(group)).collect();
        return Shelf::of_stream(MessageStream::new(settings, &consumers));
    }
    let queue = |leases: LeaseSettings| MessageQueue::new(queue_settings(limits, leases));
    if groups.is_empty() {
        // Nobody has said that he is interested: a stream that keeps messages for those who are keeps nothing.
        let is_unwanted = broker.kind == BrokerKind::Jetstream && !topic.is_queue && limits.keep == Keep::UntilHandled;
        let length = if is_unwanted { Limit::AtMost(0) } else { limits.length };
        let limits = QueueLimits { length, ttl: limits.ttl.or(limits.keep.age()), ..limits.clone() };
        let queue = |leases: LeaseSettings| MessageQueue::new(queue_settings(&limits, leases));
        return Shelf::of_queues(vec![queue(LeaseSettings::PLAIN)]);
    }
    Shelf::of_queues(groups.iter().map(|group| queue(leases(group))).collect())
}

fn queue_settings(limits: &QueueLimits, leases: LeaseSettings) -> QueueSettings {
    QueueSettings {
        leases,
        max_messages: at_most(limits.length),
        max_bytes: limits.size,
        overflow: match limits.overflow {
            QueueOverflow::DropOldest => Overflow::DropHead,
            QueueOverflow::RejectNewest => Overflow::RejectPublish,
        },
        ttl: limits.ttl,
        // Who gets what leaves is decided when it does.
        dead_letters: DeadLetters::All,
    }
}

fn leases(kind: BrokerKind, settling: &Settling, prefetch: Limit) -> LeaseSettings {
    let base = match kind {
        BrokerKind::Rabbitmq => LeaseSettings { per_member: at_most(prefetch), ..rabbitmq::classic().leases },
        BrokerKind::Jetstream => jetstream::consumer(),
        BrokerKind::Sqs => sqs::standard().leases,
        BrokerKind::Ideal | BrokerKind::Kafka => LeaseSettings::PLAIN,
    };
    let waits = match (kind, settling.backoff.as_slice()) {
        (BrokerKind::Jetstream, backoff @ [_, ..]) => backoff.to_vec(),
        _ => settling.ack_timeout.into_iter().collect(),
    };
    LeaseSettings {
        waits,
        in_flight: at_most(settling.max_unacked),
        deliveries: at_most(settling.max_deliveries),
        // A handler that fails is a failure, whichever word its library has for it.
        nack_counts: true,
        ..base
    }
}

fn at_most(limit: Limit) -> Option<u32> {
    match limit {
        Limit::AtMost(most) => Some(most),
        Limit::Unlimited => None,
    }
}
