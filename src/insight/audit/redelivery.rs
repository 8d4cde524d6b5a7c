//! Messages that come again while they wait for the worker who has them.

use super::{Finding, Grade, Look, secs};
use crate::model::{Id, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for consumer in look.model.consumers.iter() {
        let Some(timeout) = consumer.settling.ack_timeout.map(|it| it.as_secs_f64()) else { continue };
        let Limit::AtMost(ahead) = consumer.prefetch else { continue };
        let needs = f64::from(ahead.max(1)) * look.paper.total[consumer.handler.index()];
        if needs <= timeout {
            continue;
        }
        let what = format!(
            "a worker of `{}` needs {} for what it takes ahead, and has {}",
            consumer.name,
            secs(needs),
            secs(timeout)
        );
        found.push(
            Finding::new("redelivery", Grade::Serious, format!("consumer.{}.ack_timeout", consumer.name), what)
                .number(needs, "s for all that a worker has in hand")
                .why("what is not acknowledged in time is delivered again: a backlog makes work, which makes a backlog")
                .help("take fewer ahead (`prefetch`), or wait longer (`ack_timeout`)"),
        );
    }
}
