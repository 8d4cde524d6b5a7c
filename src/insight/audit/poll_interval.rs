//! Consumers of Kafka that take so much at once that their group throws them out.

use super::{Finding, Grade, Look, secs};
use crate::model::{Id, Keeping, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for consumer in look.model.consumers.iter() {
        if !matches!(look.model.topics[consumer.topic].keeping, Keeping::Log(_)) {
            continue;
        }
        let Limit::AtMost(ahead) = consumer.prefetch else { continue };
        let needs = f64::from(ahead) * look.paper.total[consumer.handler.index()];
        let allowed = consumer.membership.max_poll_interval.as_secs_f64();
        if needs <= allowed {
            continue;
        }
        let what =
            format!("a full fetch of `{}` takes {}, and it may take {}", consumer.name, secs(needs), secs(allowed));
        found.push(
            Finding::new(
                "poll-interval",
                Grade::Serious,
                format!("consumer.{}.max_poll_interval", consumer.name),
                what,
            )
            .number(needs, "s for a full fetch")
            .why("who has fallen behind takes full fetches, leaves the group, and what he did is done again")
            .help("take fewer at once (`prefetch`), or allow more time (`max_poll_interval`)"),
        );
    }
}
