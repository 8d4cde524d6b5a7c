//! Messaging: brokers, the topics and queues that they keep, who consumes them, and what publishing means.
//!
//! A topic and a queue are both a [`Topic`] here: what is published to a queue goes to one consumer, what is published to
//! a topic goes to one consumer of every group.

use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::keys::KeyDistribution;
use crate::base::time::Span;
use crate::base::units::{Bandwidth, Rate, Share, Size};
use crate::policy::retry::RetrySettings;

use super::Model;
use super::id::{BrokerId, ClientId, ConsumerId, EndpointId, TopicId};
use super::service::Limit;

/// Whose rules a broker follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum BrokerKind {
    /// Logs with partitions, which consumers read at their own pace.
    Kafka,
    /// Queues that push to consumers.
    Rabbitmq,
    /// Streams of NATS from which consumers are pushed to and must acknowledge in time.
    Jetstream,
    /// Queues of Amazon, whose messages are invisible for a time when they are received.
    Sqs,
    /// Queues without limits, delays or failures.
    Ideal,
}

impl BrokerKind {
    /// All of them.
    pub const ALL: [BrokerKind; 5] =
        [BrokerKind::Kafka, BrokerKind::Rabbitmq, BrokerKind::Jetstream, BrokerKind::Sqs, BrokerKind::Ideal];

    /// As in the file.
    pub const fn name(self) -> &'static str {
        match self {
            BrokerKind::Kafka => "kafka",
            BrokerKind::Rabbitmq => "rabbitmq",
            BrokerKind::Jetstream => "jetstream",
            BrokerKind::Sqs => "sqs",
            BrokerKind::Ideal => "ideal",
        }
    }
}

/// A cluster of servers that keeps messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    /// As in the file; of one that is only named by its kind, that.
    pub name: String,
    /// Whose rules it follows.
    pub kind: BrokerKind,
    /// Servers; at least 1. Topics, or their partitions, are led by them in turn.
    pub nodes: u32,
    /// Network time one way between it and its clients.
    pub latency: Distribution,
    /// How long it takes until a message that has arrived is stored, on its replicas too: before that it is neither
    /// acknowledged nor seen.
    pub store: Distribution,
    /// Messages that one node takes each second; `None` is as many as come.
    pub rate: Option<Rate>,
    /// Bytes that one node takes each second; `None` is as many as come.
    pub bandwidth: Option<Bandwidth>,
    /// By how much every partition that a node leads makes each message dearer for it.
    pub partition_cost: Share,
    /// What one node can keep; `None` is without limit.
    pub disk: Option<Size>,
    /// What becomes of publishers who find the disk full.
    pub when_full: WhenFull,
    /// RabbitMQ: bytes of messages that one node has at most before all who publish to the broker wait; `None` is any
    /// number.
    pub memory_limit: Option<Size>,
    /// How long nobody can reach what a node has led that died, until another one leads it.
    pub failover: Span,
}

/// What becomes of publishers who find a disk full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenFull {
    /// They get an error.
    Refuse,
    /// They wait until there is room.
    Block,
}

/// Where messages are published to.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// As in the file.
    pub name: String,
    /// Whether every message goes to one consumer only.
    pub is_queue: bool,
    /// Who keeps it.
    pub broker: BrokerId,
    /// How it keeps messages.
    pub keeping: Keeping,
    /// So many messages waiting are an alarm; `None` is none.
    pub alert: Option<u32>,
    /// How often what has come here as dead letters goes back to where it came from; `None` is never.
    pub redrive_every: Option<Span>,
}

/// How a topic keeps messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Keeping {
    /// In partitions, whether they were read or not.
    Log(Box<LogSettings>),
    /// Until they were acknowledged.
    Queue(QueueLimits),
}

/// A topic of Kafka.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSettings {
    /// At least 1.
    pub partitions: u32,
    /// How publishers choose one.
    pub partitioner: Partitioner,
    /// How long messages are kept; `None` is for ever.
    pub retention: Option<Span>,
    /// How much a partition keeps; `None` is without limit.
    pub retention_size: Option<Size>,
    /// A file of a partition: only whole ones are removed.
    pub segment: Size,
    /// How often it is looked for what need not be kept.
    pub retention_check: Span,
    /// Copies of each partition, the leader's included; at least 1.
    pub replication: u32,
    /// How publishers' libraries behave.
    pub producer: ProducerSettings,
}

/// How a publisher chooses a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Partitioner {
    /// By the message's key; without one as [`Partitioner::Sticky`].
    Keyed,
    /// One partition until a batch is full, then another one.
    Sticky,
    /// The same, and partitions with shorter queues are likelier.
    Adaptive,
    /// Each in turn.
    RoundRobin,
}

/// Which acknowledgement a publisher's library waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// None: what the broker does not take is lost.
    None,
    /// That of the leader: what he has not replicated when he dies is lost.
    Leader,
    /// That of all replicas.
    All,
}

/// A producer of Kafka; each replica of a publisher has one for every topic.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerSettings {
    /// How long a message waits for others that go in the same batch.
    pub linger: Span,
    /// The largest batch.
    pub batch: Size,
    /// Bytes that wait in the library at most; then publishers wait.
    pub buffer: Size,
    /// How long they do before they fail.
    pub max_block: Span,
    /// How long a message may take until it is acknowledged, all attempts included, before it is given up.
    pub delivery_timeout: Span,
    /// How long one attempt is waited for.
    pub request_timeout: Span,
    /// Batches that are under way to a node at once.
    pub in_flight: u32,
    /// What it waits for.
    pub acks: Acks,
    /// Whether the broker knows a batch that it has got before.
    pub is_idempotent: bool,
    /// Bytes on the wire and on disk for each byte.
    pub compression: f64,
}

/// What a queue, or a stream of JetStream, keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueLimits {
    /// Messages; those that somebody works on do not count in RabbitMQ.
    pub length: Limit,
    /// Bytes; `None` is without limit.
    pub size: Option<Size>,
    /// Who goes when there are too many.
    pub overflow: QueueOverflow,
    /// How long a message is kept that nobody takes; `None` is for ever.
    pub ttl: Option<Span>,
    /// JetStream: how long messages are kept.
    pub keep: Keep,
    /// How long it is known which messages came, so that a second one is not taken; zero is not at all.
    pub dedup: Span,
    /// Where goes what expires or has to make room; `None` is nowhere.
    pub dead_letter: Option<TopicId>,
}

/// How long a stream of JetStream keeps its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Until all groups have handled them: retention by interest, or of a work queue.
    UntilHandled,
    /// So long, handled or not: retention by limits.
    For(Span),
    /// As long as there is room, handled or not: retention by limits, none of which is an age.
    Always,
}

impl Keep {
    /// How old they become; `None` is any age.
    pub fn age(self) -> Option<Span> {
        match self {
            Keep::For(age) => Some(age),
            Keep::UntilHandled | Keep::Always => None,
        }
    }
}

/// Which message goes when there are too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueOverflow {
    /// The oldest one.
    DropOldest,
    /// The one that comes, whose publisher learns it.
    RejectNewest,
}

/// What a `publish` step does.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// Where to.
    pub topic: TopicId,
    /// What the step waits for.
    pub wait: PublishWait,
    /// How long it waits; `None` is for ever.
    pub timeout: Option<Span>,
    /// Whether it is tried again.
    pub retry: Option<Box<RetrySettings>>,
    /// Whether the handler goes on when the message could not be published.
    pub is_optional: bool,
    /// The message's key, drawn each time; `None` is what the request is about.
    pub key: Option<KeyDistribution>,
    /// How large the message is.
    pub size: SizeDistribution,
}

/// What a `publish` step waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublishWait {
    /// Nothing, but for room in the library.
    Nothing,
    /// The broker has stored the message.
    Acknowledged,
    /// A consumer has handled the message, and its answer has come back: request and reply over a queue.
    Handled,
}

/// Who handles the messages of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    /// As in the file.
    pub name: String,
    /// Whose messages.
    pub topic: TopicId,
    /// Which group it belongs to: the number among those of its topic. Every message goes to one member of each group;
    /// a queue has one group.
    pub group: u32,
    /// What handles a message.
    pub handler: EndpointId,
    /// How it calls the handler: with its time-out and retries.
    pub client: ClientId,
    /// Workers of each replica of the handler's service, one message at a time each; at least 1.
    pub concurrency: u32,
    /// Whether handlers need a thread of the service's pool, like requests.
    pub uses_pool: bool,
    /// Messages that the handler gets at once, at most; at least 1.
    pub batch: u32,
    /// How long a worker that finds nothing waits before he looks again; zero is told at once.
    pub poll: Span,
    /// Messages that a worker takes ahead.
    pub prefetch: Limit,
    /// What it does about failures.
    pub delivery: Delivery,
    /// How a message is treated that was taken.
    pub settling: Settling,
    /// Where goes what has failed for good; `None` is nowhere: it is lost.
    pub dead_letter: Option<TopicId>,
    /// How the members of its group share partitions.
    pub membership: Membership,
    /// More replicas of the handler's service when it lags; `None` leaves them alone.
    pub scaling: Option<LagScaling>,
}

/// What is certain about a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// It is acknowledged before it is handled: what fails or dies is lost.
    AtMostOnce,
    /// It is acknowledged when it was handled: it may come again.
    AtLeastOnce,
    /// What a handler publishes and that it has read belong to one transaction. Only Kafka.
    ExactlyOnce {
        /// How often a transaction is committed.
        commit_every: Span,
    },
}

/// How a message is treated that was taken and is not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Settling {
    /// How long it may be with a worker before it counts as not delivered; `None` is for ever. Not in Kafka.
    pub ack_timeout: Option<Span>,
    /// How long it is not delivered again after the first, second, .. time that it was not acknowledged; the last one
    /// repeats. Empty is at once.
    pub backoff: Vec<Span>,
    /// How often a message is delivered before it has failed for good.
    pub max_deliveries: Limit,
    /// Messages with all workers of the group together.
    pub max_unacked: Limit,
    /// How often Kafka is told how far its group is; zero is after every batch.
    pub commit_every: Span,
}

/// How the members of a group of Kafka share partitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Membership {
    /// How long until a member is missed that died.
    pub session_timeout: Span,
    /// A member that does not ask for messages for longer leaves.
    pub max_poll_interval: Span,
    /// Who stops while partitions are shared anew.
    pub rebalance: Rebalance,
    /// How long sharing anew takes.
    pub rebalance_time: Span,
    /// Whether it reads what was published before it was there.
    pub start: GroupStart,
    /// Whether what belongs to an open transaction is not seen.
    pub is_read_committed: bool,
}

/// Who stops while partitions are shared anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rebalance {
    /// All members.
    Eager,
    /// Only those partitions stop that move.
    Cooperative,
}

/// Where a group begins that has never read a partition, or lost its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupStart {
    /// At the oldest message that is there.
    Earliest,
    /// Behind the newest one.
    Latest,
}

/// More replicas when a group lags, as KEDA does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LagScaling {
    /// Waiting messages for which there should be one replica.
    pub lag: u32,
    /// At least so many replicas.
    pub min: u32,
    /// At most so many.
    pub max: u32,
    /// How often it is looked at.
    pub every: Span,
    /// How long fewer must be enough before there are fewer.
    pub down_after: Span,
}

/// Consumers that share the messages of a topic: each message goes to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Whose messages.
    pub topic: TopicId,
    /// Its place among those of the topic.
    pub place: u32,
    /// Who belongs to it; nobody where nobody reads the topic.
    pub consumers: Vec<ConsumerId>,
}

impl Model {
    /// Every group, by topic; a topic that nobody reads has one without consumers.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for topic in self.topics.ids() {
            let first = groups.len();
            groups.push(Group { topic, place: 0, consumers: Vec::new() });
            for (id, consumer) in self.consumers.enumerate().filter(|(_, consumer)| consumer.topic == topic) {
                while groups.len() <= first + consumer.group as usize {
                    let place = (groups.len() - first) as u32;
                    groups.push(Group { topic, place, consumers: Vec::new() });
                }
                groups[first + consumer.group as usize].consumers.push(id);
            }
        }
        groups
    }

    /// What a group is called: the topic and its first consumer, or the topic alone.
    pub fn group_name(&self, group: &Group) -> String {
        let topic = &self.topics[group.topic];
        match group.consumers.first() {
            Some(first) if !topic.is_queue => format!("{} -> {}", topic.name, self.consumers[*first].name),
            _ => topic.name.clone(),
        }
    }
}
