//! Presets of brokers: what one of each kind is like, unless the file says otherwise.

use crate::base::distribution::Distribution;
use crate::base::time::Span;
use crate::base::units::{Bandwidth, Rate, Share};

use super::messaging::{Broker, BrokerKind, Settling, WhenFull};
use super::service::Limit;

impl Broker {
    /// A broker of this kind, under its name.
    pub fn of_kind(kind: BrokerKind) -> Broker {
        let ideal = Broker {
            name: kind.name().to_owned(),
            kind,
            nodes: 1,
            latency: Distribution::ZERO,
            store: Distribution::ZERO,
            rate: None,
            bandwidth: None,
            partition_cost: Share::ZERO,
            disk: None,
            when_full: WhenFull::Refuse,
            memory_limit: None,
            failover: Span::ZERO,
        };
        let constant = |span: Span| span.to_string().parse::<Distribution>().expect("a length of time");
        let micros = |micros| constant(Span::from_micros(micros));
        match kind {
            BrokerKind::Ideal => ideal,
            BrokerKind::Kafka => Broker {
                nodes: 3,
                latency: micros(200),
                store: "lognormal(p50=1.2ms, p99=4ms)".parse().expect("a distribution"),
                bandwidth: Some("200MB/s".parse::<Bandwidth>().expect("a bandwidth")),
                partition_cost: Share::new(0.0001).expect("a share"),
                failover: Span::from_secs(9),
                ..ideal
            },
            BrokerKind::Rabbitmq => Broker {
                nodes: 3,
                latency: micros(200),
                store: micros(300),
                rate: Rate::per_sec(48_000.0),
                bandwidth: Some("38MB/s".parse::<Bandwidth>().expect("a bandwidth")),
                when_full: WhenFull::Block,
                failover: Span::from_secs(5),
                ..ideal
            },
            BrokerKind::Jetstream => Broker {
                nodes: 3,
                latency: micros(200),
                store: micros(300),
                rate: Rate::per_sec(160_000.0),
                failover: Span::from_secs(4),
                ..ideal
            },
            BrokerKind::Sqs => Broker { latency: constant(Span::from_millis(4)), store: micros(2000), ..ideal },
        }
    }
}

impl BrokerKind {
    /// How consumers of such a broker settle messages; `has_dead_letter` tells whether there is a place for what fails.
    pub fn settling(self, has_dead_letter: bool) -> Settling {
        let plain = Settling {
            ack_timeout: None,
            backoff: Vec::new(),
            max_deliveries: Limit::Unlimited,
            max_unacked: Limit::Unlimited,
            commit_every: Span::ZERO,
        };
        match self {
            BrokerKind::Kafka => Settling {
                commit_every: Span::from_secs(5),
                max_deliveries: if has_dead_letter { Limit::AtMost(1) } else { Limit::Unlimited },
                ..plain
            },
            BrokerKind::Rabbitmq => {
                Settling { ack_timeout: Some(Span::from_secs(1800)), max_deliveries: Limit::AtMost(21), ..plain }
            }
            BrokerKind::Jetstream => {
                Settling { ack_timeout: Some(Span::from_secs(30)), max_unacked: Limit::AtMost(1000), ..plain }
            }
            BrokerKind::Sqs => {
                Settling { ack_timeout: Some(Span::from_secs(30)), max_unacked: Limit::AtMost(120_000), ..plain }
            }
            BrokerKind::Ideal => plain,
        }
    }

    /// Messages that a worker takes ahead.
    pub fn prefetch(self) -> Limit {
        match self {
            BrokerKind::Kafka => Limit::AtMost(500),
            BrokerKind::Rabbitmq => Limit::Unlimited,
            BrokerKind::Jetstream | BrokerKind::Ideal => Limit::AtMost(1),
            BrokerKind::Sqs => Limit::AtMost(10),
        }
    }

    /// For how long it is known which messages came.
    pub fn dedup(self) -> Span {
        if self == BrokerKind::Jetstream { Span::from_secs(120) } else { Span::ZERO }
    }
}
