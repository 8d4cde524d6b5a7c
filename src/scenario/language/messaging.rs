//! The keys of messaging: brokers, topics, queues, consumers and the `publish` step.

use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::keys::KeyDistribution;
use crate::base::time::Span;
use crate::base::units::{Bandwidth, Rate, Share, Size};
use crate::model::{Acks, BrokerKind, GroupStart, Partitioner, PublishWait, QueueOverflow, Rebalance, WhenFull};
use crate::scenario::declare::keys;
use crate::scenario::decode::{
    BrokerName, Count, DeliveryWord, DestinationName, EndpointName, LimitFrom, List, NotZero, Or, PositiveNumber,
    QueueName, ReadCommitted, TopicName, Unlimited, Word, WorkerKind,
};

use super::RetryKeys;

keys! {
    /// Publishes a message to a topic or a queue.
    PublishKeys is "a `publish` step" at "step" {
        /// To which topic or queue.
        publish: DestinationName, required;
        /// What the handler waits for: "nothing" (the message is handed to the client library, and whether it arrives is
        /// not known), "acknowledged" (the broker has stored it), or "handled" (a consumer has handled it, and his answer has
        /// come back: request and reply over a queue; a topic's first group answers).
        wait: Word<PublishWait> = "nothing";
        /// How long it waits before it counts as failed; the message may be stored all the same.
        timeout: Or<NotZero<Span>> = "none";
        /// Whether a message that could not be published is published again.
        retry: Or<RetryKeys> = "none";
        /// Whether the handler goes on when it could not be published.
        optional: bool = "false";
        /// The message's key, drawn each time: `zipf(1.0, 20000)`, `uniform(20000)`. What the request is about (the `key`
        /// of its workload) if absent. Messages of one key go to one partition, in order.
        key: KeyDistribution;
        /// How large it is.
        size: SizeDistribution = "1KiB";
    }
    later { "delay" "headers" "priority" "transaction" "client" }
}

keys! {
    /// A cluster of servers that keeps messages. A topic or a queue names it, or one of the presets.
    BrokerKeys is "a broker" at "broker.NAME" {
        /// Whose rules it follows, and the defaults of all other keys: "kafka", "rabbitmq", "jetstream", "sqs", or "ideal"
        /// (queues without limits, delays or failures).
        preset: Word<BrokerKind>, required;
        /// Servers. Partitions and queues are led by them in turn.
        nodes: Count<1, 1000>;
        /// Network time one way between it and its clients.
        latency: Distribution;
        /// How long it takes until a message that has arrived is stored and replicated; before that it is neither
        /// acknowledged nor seen.
        store: Distribution;
        /// Messages that one node takes each second.
        rate: Unlimited<NotZero<Rate>>;
        /// Bytes that one node takes each second.
        bandwidth: Unlimited<Bandwidth>;
        /// By how much every partition that a node leads makes each message dearer: with "0.1%", a thousand partitions
        /// halve what it takes.
        partition_cost: Share;
        /// How much one node can keep.
        disk: Unlimited<NotZero<Size>> = "unlimited";
        /// What becomes of publishers who find the disk full: they get an error ("refuse"), or wait until there is room
        /// ("block").
        when_full: Word<WhenFull>;
        /// RabbitMQ: the memory of one node. Messages stay in it as long as they are kept.
        memory: Unlimited<NotZero<Size>> = "unlimited";
        /// RabbitMQ: the share of its memory that messages may take (`vm_memory_high_watermark`). When those of one node take
        /// more, all who publish to the broker wait until they take less; consumers go on.
        watermark: NotZero<Share> = "60%";
        /// How long nobody can reach what a node has led that died, until another one leads it.
        failover: Span;
    }
    later { "zones" "prices" }
}

keys! {
    /// A topic: what is published to it goes to one consumer of each group. With Kafka it is a log with partitions, which
    /// keeps messages whether they were read or not; with RabbitMQ an exchange with a queue for each group, with
    /// JetStream a stream with a consumer for each group.
    TopicKeys is "a topic" at "topic.NAME" {
        /// Who keeps it: the name of a broker, or one of its presets.
        broker: BrokerName = "ideal";
        /// Kafka: in how many parts it is kept. Each is read by one member of a group.
        partitions: Count<1, 100_000> = "1";
        /// Kafka: how publishers choose one: by the message's key, and "sticky" without one ("keyed"); one until a batch is
        /// full, then another ("sticky"); the same, those with shorter queues being likelier ("adaptive"); each in turn
        /// ("round-robin").
        partitioner: Word<Partitioner> = "keyed";
        /// Kafka: copies of each partition, the leader's included, on nodes that follow one another: when its leader dies, one
        /// of them takes over, and with 1 it is neither written nor read until its node is back. Not more than the broker has
        /// nodes; three if absent, or as many as there are nodes.
        replication: Count<1, 1000>;
        /// How long messages are kept, whether they were handled or not; with "unlimited" as long as the other limits let them.
        /// If absent, 168 h in Kafka, and in JetStream until all groups have handled them (retention by interest).
        retention: Unlimited<NotZero<Span>>;
        /// Kafka: how much of a partition is kept.
        retention_size: Unlimited<NotZero<Size>> = "unlimited";
        /// Kafka: the size of a file of a partition. Only whole files are removed, and never the newest.
        segment: NotZero<Size> = "1GiB";
        /// Kafka: how often it is looked for what need not be kept.
        retention_check: NotZero<Span> = "300s";
        /// Kafka: how the client library of each publisher behaves.
        producer: ProducerKeys;
        /// Not Kafka: how many messages are kept for each group.
        length: LimitFrom<1> = "unlimited";
        /// Not Kafka: how many bytes are kept for each group.
        max_size: Unlimited<NotZero<Size>> = "unlimited";
        /// Not Kafka: who goes when there are too many: the oldest message, or the new one, whose publisher learns it.
        overflow: Word<QueueOverflow> = "drop-oldest";
        /// Not Kafka: how long a message is kept that nobody takes.
        ttl: Or<NotZero<Span>> = "none";
        /// JetStream: how long a message is known, so that one that is published again is not taken again.
        dedup: Span;
        /// Not Kafka: where goes what expires or has to make room; it is lost if absent.
        dead_letter: DestinationName;
        /// So many messages waiting for a group are an alarm, which the summary shows.
        alert: Count<1>;
    }
    later { "compaction" "min_insync" "transactions" }
}

keys! {
    /// A producer of Kafka: the client library of a publisher. Each replica of a publisher has one for each topic.
    ProducerKeys is "a producer" at "topic.NAME.producer" {
        /// How long a message waits for others to go in one batch.
        linger: Span = "5ms";
        /// The largest batch.
        batch: NotZero<Size> = "16KiB";
        /// How much waits in the library at most; then publishers wait.
        buffer: NotZero<Size> = "32MiB";
        /// How long they wait before they fail.
        max_block: NotZero<Span> = "60s";
        /// How long a message may take, all attempts included, before it is given up; at least `linger` and `request_timeout`
        /// together. 120 s if absent, or as long as those.
        delivery_timeout: NotZero<Span>;
        /// How long one attempt is waited for.
        request_timeout: NotZero<Span> = "30s";
        /// Batches that are under way to one node at once.
        in_flight: Count<1, 1000> = "5";
        /// Which acknowledgement it waits for: "none" (what never gets into a log is lost, and its publisher does not know), that
        /// of the "leader", or that of "all" replicas.
        acks: Word<Acks> = "all";
        /// Whether a batch that is sent again is known to the broker, and not stored twice. It needs `acks = "all"` and at most
        /// five batches `in_flight`; if absent, it is so where they allow it.
        idempotent: bool;
        /// Bytes on the wire and on disk for each byte.
        compression: PositiveNumber = "1";
    }
    later { "transactional" "retries" }
}

keys! {
    /// A queue: each message goes to one consumer, and is gone when it is acknowledged.
    QueueKeys is "a queue" at "queue.NAME" {
        /// Who keeps it: the name of a broker, or one of its presets; not Kafka.
        broker: BrokerName = "ideal";
        /// How many messages it keeps. In RabbitMQ, those that are with a consumer do not count.
        length: LimitFrom<1> = "unlimited";
        /// How many bytes it keeps.
        max_size: Unlimited<NotZero<Size>> = "unlimited";
        /// Who goes when there are too many: the oldest message, or the new one, whose publisher learns it.
        overflow: Word<QueueOverflow> = "drop-oldest";
        /// How long a message is kept that nobody takes.
        ttl: Or<NotZero<Span>> = "none";
        /// JetStream: how long a message is known, so that one that is published again is not taken again: 2 min there.
        dedup: Span;
        /// Where goes what expires or has to make room; it is lost if absent.
        dead_letter: DestinationName;
        /// So many messages waiting are an alarm, which the summary shows.
        alert: Count<1>;
        /// Of a queue for dead letters: how often all that is in it goes back to where it came from.
        redrive: Or<NotZero<Span>> = "none";
    }
    later { "priority" "delay" "exclusive" }
}

keys! {
    /// Who handles the messages of a topic or a queue.
    ConsumerKeys is "a consumer" at "consumer.NAME" {
        /// Whose messages: those of this topic.
        topic: TopicName;
        /// Whose messages: those of this queue.
        queue: QueueName;
        /// What handles a message, as `service.endpoint`; each replica of the service is a consumer.
        handler: EndpointName, required;
        /// Of a topic: the group to which it belongs; each message goes to one member of every group. Its own name if
        /// absent.
        group: String;
        /// Workers of each replica. Each handles one message (or batch) at a time; in Kafka each is a member of the group.
        concurrency: Count<1, 100_000> = "1";
        /// On whose thread a handler runs: that of a worker of its "own", or one of the service's "pool", for which it waits
        /// like a request.
        via: Word<WorkerKind> = "own";
        /// How many messages a handler gets at once, at most.
        batch: Count<1, 1_000_000> = "1";
        /// Not Kafka: how long a worker that has found nothing waits before he looks again; with "0s" he is told at once.
        poll: Span = "0s";
        /// Messages that a worker takes ahead: at most 500 in Kafka (`max.poll.records`), 10 in SQS, one in JetStream and in
        /// an ideal queue, any number in RabbitMQ.
        prefetch: LimitFrom<1>;
        /// "at-least-once" acknowledges what was handled: it may come again; "at-most-once" acknowledges before: what fails is
        /// lost; "exactly-once" (Kafka) reads and publishes in one transaction.
        delivery: Word<DeliveryWord> = "at-least-once";
        /// Kafka: how often it is told how far the group is, which happens when messages are asked for; "0s" is after every
        /// batch. With "exactly-once", how often the transaction is committed: 100 ms there.
        commit_every: Span;
        /// Not Kafka: how long a message may be with a worker before it is delivered again: 30 s in JetStream (`AckWait`) and
        /// SQS (visibility timeout), 30 min in RabbitMQ (where the worker loses all that he has).
        ack_timeout: Unlimited<NotZero<Span>>;
        /// How long a message is not delivered again after the first, second, .. time that it failed, or was not
        /// acknowledged in time (JetStream's `BackOff`, which stands for `ack_timeout` then); the last one repeats. At once if
        /// absent; in SQS when `ack_timeout` is over.
        backoff: List<Span>;
        /// How often a message is delivered before it has failed for good. Where it goes then, `dead_letter` says; without
        /// one it is lost. If absent: 21 in RabbitMQ, once in Kafka with a `dead_letter`, else for ever.
        deliveries: LimitFrom<1>;
        /// Not Kafka: messages that are with all workers of the group together: 1000 in JetStream, 120000 in SQS.
        unacknowledged: LimitFrom<1>;
        /// How long the handler of a message is waited for; it does not stop by itself then.
        timeout: Or<NotZero<Span>> = "none";
        /// Whether the worker tries a message again that has failed, before it counts as failed: he has it in his hands
        /// meanwhile.
        retry: Or<RetryKeys> = "none";
        /// Where goes what has failed for good.
        dead_letter: DestinationName;
        /// Kafka: how long until a member is missed that died.
        session_timeout: NotZero<Span> = "45s";
        /// Kafka: a member that does not ask for messages for longer leaves its group.
        max_poll_interval: NotZero<Span> = "300s";
        /// Kafka: who stops while partitions are shared anew: all members ("eager"), or nobody but who loses or gets one
        /// ("cooperative").
        rebalance: Word<Rebalance> = "eager";
        /// Kafka: how long sharing anew takes, besides the time until every member has come back to ask for messages.
        rebalance_time: Span = "0s";
        /// Kafka: where a group begins that has never read, or whose place is gone.
        start: Word<GroupStart> = "earliest";
        /// Kafka: whether it sees what belongs to a transaction that is not committed.
        isolation: Word<ReadCommitted> = "read-uncommitted";
        /// More replicas of the handler's service when messages wait.
        scale: Or<LagScalingKeys> = "none";
    }
    later { "priority" "pause" "breaker" "rate_limit" }
}

keys! {
    /// Replicas that follow the messages that wait for a group, as KEDA makes them do: as many as the messages divided by
    /// `lag`. In Kafka there are never more members than partitions.
    LagScalingKeys is "a scaling by lag" at "consumer.NAME.scale" {
        /// Waiting messages for which there should be one replica.
        lag: Count<1>, required;
        /// At least so many replicas.
        min: Count<1, 100_000> = "1";
        /// At most so many.
        max: Count<1, 100_000>, required;
        /// How often it is looked at.
        every: NotZero<Span> = "30s";
        /// How long fewer must have been enough before there are fewer.
        down_after: Span = "300s";
    }
    later { }
}
