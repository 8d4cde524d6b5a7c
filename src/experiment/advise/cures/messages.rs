//! Consumers and what they read from: how many work, what they take at once, and what becomes of what fails.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::{key, span};
use crate::model::{BrokerKind, Consumer, Keeping, Limit, Partitioner, Rebalance, Topic, WhenFull};

const MORE: u32 = 4;
const FEWER: u32 = 10;
const LONGER: f64 = 5.0;

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for id in &scene.consumers {
        let consumer = &scene.model.consumers[*id];
        let topic = &scene.model.topics[consumer.topic];
        of_consumer(consumer, scene.model.brokers[topic.broker].kind, offered);
    }
    for id in &scene.topics {
        let topic = &scene.model.topics[*id];
        of_topic(topic, offered);
        let broker = &scene.model.brokers[topic.broker];
        let is_named = scene.locator.site(&format!("broker.{}", broker.name)).is_some();
        if let Some(disk) = broker.disk.filter(|_| is_named) {
            let of = |what: &str| format!("broker.{}.{what}", key(&broker.name));
            if broker.when_full == WhenFull::Block {
                let what = format!("`{}` refuses what does not fit on its disk, and lets readers go on", broker.name);
                offered.push(Cure::new("refuse", &broker.name, what).set(of("when_full"), "\"refuse\""));
            }
            let what = format!("a disk of ten times the size for `{}`", broker.name);
            let size = format!("\"{}MB\"", disk.as_bytes().saturating_mul(10).div_ceil(1_000_000));
            offered.push(Cure::new("larger-disk", &broker.name, what).set(of("disk"), size));
        }
    }
}

fn of_consumer(consumer: &Consumer, broker: BrokerKind, offered: &mut Vec<Cure>) {
    let of = |what: &str| format!("consumer.{}.{what}", key(&consumer.name));
    let cure = |kind: &str, what: String| Cure::new(kind, &consumer.name, what);
    let more = consumer.concurrency.saturating_mul(MORE);
    let what = format!("{more} workers in each replica of `{}` instead of {}", consumer.name, consumer.concurrency);
    offered.push(cure("more-workers", what).set(of("concurrency"), more.to_string()));
    let fewer = match consumer.prefetch {
        Limit::AtMost(now) => (now / FEWER).max(1),
        Limit::Unlimited => 1,
    };
    if consumer.prefetch != Limit::AtMost(fewer) {
        let what = format!("a worker of `{}` takes {fewer} at once", consumer.name);
        offered.push(cure("smaller-prefetch", what).set(of("prefetch"), fewer.to_string()));
    }
    if broker == BrokerKind::Kafka {
        let longer = span(consumer.membership.max_poll_interval.as_secs_f64() * LONGER);
        let what = format!("a member of `{}` may take {} until it asks again", consumer.name, longer.trim_matches('"'));
        offered.push(cure("longer-poll-interval", what).set(of("max_poll_interval"), longer));
        if consumer.membership.rebalance == Rebalance::Eager {
            let what = format!("members of `{}` go on while partitions are shared anew", consumer.name);
            offered.push(cure("cooperative", what).set(of("rebalance"), "\"cooperative\""));
        }
    } else if let Some(timeout) = consumer.settling.ack_timeout {
        let longer = span(timeout.as_secs_f64() * LONGER);
        let what = format!("a message may be with `{}` for {}", consumer.name, longer.trim_matches('"'));
        offered.push(cure("longer-ack-timeout", what).set(of("ack_timeout"), longer));
    }
    if consumer.dead_letter.is_none() {
        let what = format!("what `{}` has failed with three times goes to a queue of dead letters", consumer.name);
        let dead = format!("{}-dead", consumer.name);
        let queue = match broker {
            BrokerKind::Kafka => "{ broker = \"rabbitmq\", alert = 1 }".to_owned(),
            other => format!("{{ broker = \"{}\", alert = 1 }}", other.name()),
        };
        let cure = cure("dead-letters", what).set(format!("queue.{}", key(&dead)), queue);
        offered.push(
            cure.set(of("deliveries"), "3")
                .set(of("dead_letter"), format!("{dead:?}"))
                .only_if("somebody has to read the dead letters"),
        );
    }
}

fn of_topic(topic: &Topic, offered: &mut Vec<Cure>) {
    let table = if topic.is_queue { "queue" } else { "topic" };
    let of = |what: &str| format!("{table}.{}.{what}", key(&topic.name));
    let cure = |kind: &str, what: String| Cure::new(kind, &topic.name, what);
    match &topic.keeping {
        Keeping::Log(log) => {
            if log.partitioner == Partitioner::Keyed {
                let what = format!("messages of `{}` go to any partition, whatever their key", topic.name);
                offered.push(
                    cure("no-keys", what)
                        .set(of("partitioner"), "\"sticky\"")
                        .only_if("messages with the same key may change their order"),
                );
            }
            let more = log.partitions.saturating_mul(MORE);
            let what = format!("{more} partitions of `{}` instead of {}", topic.name, log.partitions);
            offered.push(cure("more-partitions", what).set(of("partitions"), more.to_string()));
        }
        Keeping::Queue(limits) => {
            if limits.length == Limit::Unlimited {
                let what = format!("`{}` keeps 4000 messages, and drops the oldest", topic.name);
                offered.push(cure("bounded-backlog", what).set(of("length"), "4000").only_if("messages may be lost"));
            }
        }
    }
}
