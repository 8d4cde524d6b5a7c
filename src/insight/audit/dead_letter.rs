//! Queues of dead letters that nobody reads.

use super::{Finding, Grade, Look};
use crate::model::{Action, Keeping};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    let model = look.model;
    for (id, topic) in model.topics.enumerate() {
        let by_queue = model
            .topics
            .iter()
            .filter(|it| matches!(&it.keeping, Keeping::Queue(limits) if limits.dead_letter == Some(id)));
        let by_consumer = model.consumers.iter().filter(|it| it.dead_letter == Some(id));
        let sources = by_queue.count() + by_consumer.count();
        let is_read = model.consumers.iter().any(|it| it.topic == id) || topic.redrive_every.is_some();
        let is_redriven = model.changes.iter().any(|it| matches!(it.action, Action::Redrive(to) if to == id));
        if sources == 0 || is_read || is_redriven {
            continue;
        }
        let what = format!("nobody reads the dead letters in `{}`", topic.name);
        found.push(
            Finding::new("dead-letters-unread", Grade::Warning, look.topic_path(topic, "broker"), what)
                .number(sources as f64, "queues or consumers put dead letters there")
                .why("what lands there is lost without anybody knowing it")
                .help("give it a consumer, an `alert`, or put its messages back with `redrive`"),
        );
    }
}
