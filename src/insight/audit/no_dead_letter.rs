//! Consumers that stop at a message which nobody can handle.

use super::{Finding, Grade, Look};
use crate::model::{Keeping, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for consumer in look.model.consumers.iter() {
        let topic = &look.model.topics[consumer.topic];
        let Keeping::Log(log) = &topic.keeping else { continue };
        let is_lost = matches!(consumer.settling.max_deliveries, Limit::AtMost(_));
        if consumer.dead_letter.is_some() {
            continue;
        }
        let (what, why) = if is_lost {
            (format!("`{}` gives up on messages and puts them nowhere", consumer.name), "what fails too often is lost")
        } else {
            (
                format!("`{}` never gives up on a message", consumer.name),
                "a message that cannot be handled stops its partition, and all that are behind it",
            )
        };
        found.push(
            Finding::new("no-dead-letters", Grade::Warning, format!("consumer.{}.topic", consumer.name), what)
                .number(100.0 / f64::from(log.partitions.max(1)), "% of the topic stand still behind one bad message")
                .why(why)
                .help("put it aside after some attempts: `retry = { attempts = 3 }, dead_letter = \"..\"`"),
        );
    }
}
