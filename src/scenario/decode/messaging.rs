//! Words of messaging.

use super::words::Words;
use crate::model::{Acks, BrokerKind, GroupStart, Partitioner, PublishWait, QueueOverflow, Rebalance, WhenFull};

impl Words for BrokerKind {
    const WHAT: &'static str = "a preset of brokers";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("kafka", BrokerKind::Kafka),
        ("rabbitmq", BrokerKind::Rabbitmq),
        ("jetstream", BrokerKind::Jetstream),
        ("sqs", BrokerKind::Sqs),
        ("ideal", BrokerKind::Ideal),
    ];
    const LATER: &'static [&'static str] = &["pulsar", "redis", "pubsub"];
}

impl Words for WhenFull {
    const WHAT: &'static str = "what a full disk does";
    const WORDS: &'static [(&'static str, Self)] = &[("refuse", WhenFull::Refuse), ("block", WhenFull::Block)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Partitioner {
    const WHAT: &'static str = "a partitioner";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("keyed", Partitioner::Keyed),
        ("sticky", Partitioner::Sticky),
        ("adaptive", Partitioner::Adaptive),
        ("round-robin", Partitioner::RoundRobin),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Acks {
    const WHAT: &'static str = "an acknowledgement";
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", Acks::None), ("leader", Acks::Leader), ("all", Acks::All)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for QueueOverflow {
    const WHAT: &'static str = "a way to keep a queue short";
    const WORDS: &'static [(&'static str, Self)] =
        &[("drop-oldest", QueueOverflow::DropOldest), ("reject-newest", QueueOverflow::RejectNewest)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for PublishWait {
    const WHAT: &'static str = "what a publisher waits for";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("nothing", PublishWait::Nothing),
        ("acknowledged", PublishWait::Acknowledged),
        ("handled", PublishWait::Handled),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Words for Rebalance {
    const WHAT: &'static str = "a way to share partitions anew";
    const WORDS: &'static [(&'static str, Self)] =
        &[("eager", Rebalance::Eager), ("cooperative", Rebalance::Cooperative)];
    const LATER: &'static [&'static str] = &[];
}

impl Words for GroupStart {
    const WHAT: &'static str = "a place to start";
    const WORDS: &'static [(&'static str, Self)] =
        &[("earliest", GroupStart::Earliest), ("latest", GroupStart::Latest)];
    const LATER: &'static [&'static str] = &[];
}

/// On whose thread a message is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WorkerKind {
    /// That of a worker.
    Own,
    /// One of the service's.
    Pool,
}

impl Words for WorkerKind {
    const WHAT: &'static str = "a kind of worker";
    const WORDS: &'static [(&'static str, Self)] = &[("own", WorkerKind::Own), ("pool", WorkerKind::Pool)];
    const LATER: &'static [&'static str] = &[];
}

/// What is certain about a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DeliveryWord {
    /// It comes once or not at all.
    AtMost,
    /// It comes, perhaps more than once.
    AtLeast,
    /// It comes once.
    Exactly,
}

impl Words for DeliveryWord {
    const WHAT: &'static str = "a kind of delivery";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("at-most-once", DeliveryWord::AtMost),
        ("at-least-once", DeliveryWord::AtLeast),
        ("exactly-once", DeliveryWord::Exactly),
    ];
    const LATER: &'static [&'static str] = &[];
}

/// Whether open transactions are seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReadCommitted {
    /// They are.
    Uncommitted,
    /// They are not.
    Committed,
}

impl Words for ReadCommitted {
    const WHAT: &'static str = "an isolation level";
    const WORDS: &'static [(&'static str, Self)] =
        &[("read-uncommitted", ReadCommitted::Uncommitted), ("read-committed", ReadCommitted::Committed)];
    const LATER: &'static [&'static str] = &[];
}
