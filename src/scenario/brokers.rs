//! What brokers are like under their real names: for each preset its parameters, what they are called there, the defaults
//! as they stand in the model and in the declarations of the language, who says so, and how far to trust it.

use std::fmt::Write;

use super::declare::Presence;
use super::language::sections;
use crate::base::time::Span;
use crate::model::{Broker, BrokerKind, Limit, Trust};

/// A preset of a broker.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerPage {
    /// Whose rules.
    pub kind: BrokerKind,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What can be set of it, and of those who publish to it and read from it.
    pub parameters: Vec<BrokerParameter>,
}

/// A parameter of a broker, or of those who use it.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerParameter {
    /// Its path in a scenario.
    pub key: String,
    /// What the broker calls it; empty where it has no name there.
    pub theirs: &'static str,
    /// What holds without it.
    pub default: String,
    /// Who says so.
    pub source: &'static str,
    /// How it is known.
    pub trust: Trust,
}

/// Sources that several figures have.
const KAFKA_DOCS: &str = "apache/kafka ProducerConfig, ConsumerConfig, UnifiedLog (Oct 2024)";
const RABBIT_DOCS: &str = "rabbitmq/rabbitmq-server rabbit_fifo.erl; rabbitmq-website docs";
const NATS_DOCS: &str = "nats-io/nats-server consumer.go, stream.go";
const SQS_DOCS: &str = "Amazon SQS developer guide";
const NO_SOURCE: &str = "none at hand: set your own";

/// The pages of all presets.
pub fn broker_pages() -> Vec<BrokerPage> {
    BrokerKind::ALL.into_iter().map(page).collect()
}

impl BrokerPage {
    /// As a section of Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("#### {} of `[broker]`\n\n{}\n\n", self.kind.name(), self.about);
        text.push_str("| key | in the broker | default | source | trust |\n|---|---|---|---|---|\n");
        for BrokerParameter { key, theirs, default, source, trust } in &self.parameters {
            let theirs = if theirs.is_empty() { String::new() } else { format!("`{theirs}`") };
            let _ = writeln!(text, "| `{key}` | {theirs} | `{default}` | {source} | {} |", trust.name());
        }
        text
    }
}

fn page(kind: BrokerKind) -> BrokerPage {
    let mut parameters = of_broker(kind);
    parameters.extend(of_users(kind));
    let about = match kind {
        BrokerKind::Kafka => {
            "Logs in partitions that consumers read at their own pace: a group shares the partitions, each is read by one \
             member, and what was read stays until its retention is over."
        }
        BrokerKind::Rabbitmq => {
            "Exchanges and quorum queues that push to consumers, as many messages ahead as their prefetch allows; what is \
             not acknowledged comes again to the place where it was."
        }
        BrokerKind::Jetstream => {
            "Streams of NATS: what is not acknowledged in time is delivered again, with a limit to what is under way."
        }
        BrokerKind::Sqs => {
            "Queues of Amazon: a message that was received is invisible for a time, and comes back behind the others if it \
             was not deleted by then."
        }
        BrokerKind::Ideal => "Queues without limits, delays or failures, to compare with.",
    };
    BrokerPage { kind, about, parameters }
}

fn row(key: &str, theirs: &'static str, default: String, source: &'static str, trust: Trust) -> BrokerParameter {
    BrokerParameter { key: key.to_owned(), theirs, default, source, trust }
}

/// What the servers are like.
fn of_broker(kind: BrokerKind) -> Vec<BrokerParameter> {
    let it = Broker::of_kind(kind);
    let unlimited = |text: Option<String>| text.unwrap_or_else(|| "unlimited".to_owned());
    let speed = match kind {
        BrokerKind::Kafka => ("Confluent 2020: p99 5 ms at 200 MB/s with 3 brokers", Trust::Read),
        BrokerKind::Rabbitmq => {
            ("Confluent 2020: 1 ms at 30 MB/s, peak 38 MB/s; StreamNative 2023: 48000/s", Trust::Read)
        }
        BrokerKind::Jetstream => ("StreamNative 2023: 160000/s consumed", Trust::Read),
        BrokerKind::Sqs => ("common knowledge: some milliseconds a request", Trust::Memory),
        BrokerKind::Ideal => ("by definition", Trust::Standard),
    };
    let other = if kind == BrokerKind::Ideal { speed } else { (NO_SOURCE, Trust::Memory) };
    let when_full = match (kind, it.when_full) {
        (_, crate::model::WhenFull::Refuse) => ("refuse", other),
        (_, crate::model::WhenFull::Block) => ("block", (RABBIT_DOCS, Trust::Read)),
    };
    vec![
        row("broker.NAME.nodes", "", it.nodes.to_string(), other.0, other.1),
        row("broker.NAME.latency", "", it.latency.to_string(), other.0, other.1),
        row("broker.NAME.store", "", it.store.to_string(), speed.0, speed.1),
        row("broker.NAME.rate", "", unlimited(it.rate.map(|rate| rate.to_string())), speed.0, speed.1),
        row("broker.NAME.bandwidth", "", unlimited(it.bandwidth.map(|it| it.to_string())), speed.0, speed.1),
        row("broker.NAME.partition_cost", "", it.partition_cost.to_string(), other.0, other.1),
        row("broker.NAME.disk", "", unlimited(it.disk.map(|it| it.to_string())), other.0, other.1),
        row("broker.NAME.when_full", "", when_full.0.to_owned(), when_full.1.0, when_full.1.1),
        row("broker.NAME.failover", "", it.failover.to_string(), other.0, other.1),
    ]
}

/// What those are like who publish and consume.
fn of_users(kind: BrokerKind) -> Vec<BrokerParameter> {
    let settling = kind.settling(false);
    let limit = |limit: Limit| match limit {
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::AtMost(n) => n.to_string(),
    };
    let span = |span: Option<Span>| span.map_or_else(|| "unlimited".to_owned(), |span| span.to_string());
    let (source, trust) = match kind {
        BrokerKind::Kafka => (KAFKA_DOCS, Trust::Read),
        BrokerKind::Rabbitmq => (RABBIT_DOCS, Trust::Read),
        BrokerKind::Jetstream => (NATS_DOCS, Trust::Read),
        BrokerKind::Sqs => (SQS_DOCS, Trust::Read),
        BrokerKind::Ideal => ("by definition", Trust::Standard),
    };
    let declared = |key: &'static str, theirs| row(key, theirs, default_of(key), source, trust);
    let names: [&'static str; 4] = match kind {
        BrokerKind::Kafka => ["max.poll.records", "", "", ""],
        BrokerKind::Rabbitmq => ["basic.qos prefetch", "consumer_timeout", "delivery-limit + 1", ""],
        BrokerKind::Jetstream => ["MaxRequestBatch", "AckWait", "MaxDeliver", "MaxAckPending"],
        BrokerKind::Sqs => ["MaxNumberOfMessages", "VisibilityTimeout", "maxReceiveCount", "in flight"],
        BrokerKind::Ideal => [""; 4],
    };
    // Nobody says how much a worker pulls at once.
    let prefetch =
        if kind == BrokerKind::Jetstream { ("one at a time: set your own", Trust::Memory) } else { (source, trust) };
    let mut rows = vec![row("consumer.NAME.prefetch", names[0], limit(kind.prefetch()), prefetch.0, prefetch.1)];
    if kind == BrokerKind::Kafka {
        rows.extend([
            row(
                "consumer.NAME.commit_every",
                "auto.commit.interval.ms",
                settling.commit_every.to_string(),
                source,
                trust,
            ),
            declared("consumer.NAME.session_timeout", "session.timeout.ms"),
            declared("consumer.NAME.max_poll_interval", "max.poll.interval.ms"),
            declared("consumer.NAME.rebalance", "partition.assignment.strategy"),
            row(
                "consumer.NAME.start",
                "auto.offset.reset",
                default_of("consumer.NAME.start"),
                "ours: Kafka begins at the latest",
                Trust::Memory,
            ),
            declared("consumer.NAME.isolation", "isolation.level"),
            row("topic.NAME.retention", "retention.ms", "604800s".to_owned(), source, trust),
            declared("topic.NAME.retention_size", "retention.bytes"),
            declared("topic.NAME.segment", "segment.bytes"),
            declared("topic.NAME.retention_check", "log.retention.check.interval.ms"),
            declared("topic.NAME.partitioner", "partitioner.class"),
            declared("topic.NAME.producer.linger", "linger.ms"),
            declared("topic.NAME.producer.batch", "batch.size"),
            declared("topic.NAME.producer.buffer", "buffer.memory"),
            declared("topic.NAME.producer.max_block", "max.block.ms"),
            row("topic.NAME.producer.delivery_timeout", "delivery.timeout.ms", "120s".to_owned(), source, trust),
            declared("topic.NAME.producer.request_timeout", "request.timeout.ms"),
            declared("topic.NAME.producer.in_flight", "max.in.flight.requests.per.connection"),
            declared("topic.NAME.producer.acks", "acks"),
            row("topic.NAME.producer.idempotent", "enable.idempotence", "true".to_owned(), source, trust),
        ]);
        return rows;
    }
    rows.extend([
        row("consumer.NAME.ack_timeout", names[1], span(settling.ack_timeout), source, trust),
        row("consumer.NAME.deliveries", names[2], limit(settling.max_deliveries), source, trust),
        row("consumer.NAME.unacknowledged", names[3], limit(settling.max_unacked), source, trust),
        declared("queue.NAME.length", if kind == BrokerKind::Rabbitmq { "max-length" } else { "" }),
        declared("queue.NAME.overflow", if kind == BrokerKind::Rabbitmq { "overflow" } else { "" }),
        declared("queue.NAME.ttl", if kind == BrokerKind::Rabbitmq { "message-ttl" } else { "" }),
    ]);
    if kind == BrokerKind::Jetstream {
        rows.push(row("queue.NAME.dedup", "Duplicates", kind.dedup().to_string(), source, trust));
    }
    rows
}

/// The default of a key by its path, as the language declares it.
fn default_of(path: &str) -> String {
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    let section = sections().into_iter().find(|section| section.path == table);
    let key = section.and_then(|section| section.keys.iter().find(|key| key.name == name));
    match key.map(|key| key.presence) {
        Some(Presence::Default(value)) => value.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_page_is_declared() {
        for page in broker_pages() {
            for parameter in &page.parameters {
                let (table, name) = parameter.key.rsplit_once('.').unwrap();
                let is_known = |path: &str| {
                    sections().into_iter().any(|it| it.path == path && it.keys.iter().any(|key| key.name == name))
                };
                assert!(is_known(table), "{}", parameter.key);
                assert!(!parameter.default.is_empty(), "{}", parameter.key);
            }
        }
    }
}
