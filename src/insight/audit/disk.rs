//! Queues without a limit on a disk with one, which blocks whoever publishes when it is full.

use super::{Finding, Grade, Look};
use crate::model::{Keeping, Limit, WhenFull};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for topic in look.model.topics.iter() {
        let broker = &look.model.brokers[topic.broker];
        let (Some(disk), Keeping::Queue(limits)) = (broker.disk, &topic.keeping) else { continue };
        if broker.when_full != WhenFull::Block || limits.length != Limit::Unlimited || limits.size.is_some() {
            continue;
        }
        let what =
            format!("`{}` grows until the disk of `{}` is full, and then publishers wait", topic.name, broker.name);
        found.push(
            Finding::new("disk-blocks-publishers", Grade::Warning, look.topic_path(topic, "broker"), what)
                .number(disk.as_bytes() as f64 / 1e6, "MB until everybody who publishes waits")
                .why("they keep their threads, and so even requests that publish nothing are not served any more")
                .help("give the queue a `max_length`, publishing a `timeout`, or let the broker refuse"),
        );
    }
}
