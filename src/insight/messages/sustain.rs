//! What keeps a backlog: messages that come again, so that workers do again what was done.

use crate::model::Consumer;

use super::super::runs::{Runs, Which};
use super::super::sustain::{Loop, LoopKind};
use super::super::verdict::Judgement;
use super::super::words;
use super::blame;

/// From this part of what workers begin with on, what has come before is a loop.
const AGAIN_MIN: f64 = 0.05;
/// From this part of what was delivered again on, failures are why.
const FAILED_MIN: f64 = 0.5;

/// The loop of the group that fared worst; `None` where no message comes again.
pub(in super::super) fn find(runs: &Runs<'_>, judgement: &Judgement) -> Option<Loop> {
    let group = judgement.worst_group_place()?;
    let tail = runs.tail(judgement.trigger_until.map_or(0, |until| runs.main.bin_of(until)));
    let sum = |of| runs.group_sum(Which::Main, group, tail, of);
    let (again, failed) = (sum(|bin| f64::from(bin.redelivered)), sum(|bin| f64::from(bin.handled_badly)));
    let consumer = &runs.model.consumers[*runs.groups[group].consumers.first()?];
    let share = blame::share_again(runs, group, tail);
    let is_poison = failed > 0.0 && failed >= FAILED_MIN * again;
    if share < AGAIN_MIN && !is_poison {
        return None;
    }
    let name = runs.group_name(group);
    let (kind, cause, sentence) = if is_poison {
        let keeps = if blame::shares_partitions(runs, group) {
            "nobody gets past them in their partitions"
        } else {
            "they take the place of others"
        };
        (LoopKind::Poison, "failures", format!("messages of {name} that fail each time are tried again, and {keeps}"))
    } else if blame::shares_partitions(runs, group) {
        // Nothing else makes Kafka deliver again what did not fail, while everybody is there.
        (LoopKind::Rebalances, "rebalances", rebalance(consumer, &name, share))
    } else {
        (LoopKind::Redeliveries, "redeliveries", redelivery(consumer, &name, share))
    };
    let service = runs.handlers(group).first().map_or_else(String::new, |id| runs.service_name(*id).to_owned());
    Some(Loop {
        kind,
        service,
        through: name,
        cause: Some(cause.to_owned()),
        wasted_share: share,
        wasted_share_of_all: 0.0,
        amplification: None,
        sentence,
    })
}

fn rebalance(consumer: &Consumer, name: &str, share: f64) -> String {
    let most = match consumer.prefetch {
        crate::model::Limit::AtMost(most) => format!("up to {most} messages"),
        crate::model::Limit::Unlimited => "all they get".to_owned(),
    };
    format!(
        "because of the lag members of {} take {most} at once, do not ask again within {}, and are thrown out; who gets \
         their partitions of {name} begins anew: {} of the work is for messages that came before",
        consumer.name,
        consumer.membership.max_poll_interval,
        words::percent(share)
    )
}

fn redelivery(consumer: &Consumer, name: &str, share: f64) -> String {
    let within = consumer.settling.ack_timeout.map(|timeout| format!(" within {timeout}")).unwrap_or_default();
    format!(
        "because of the backlog workers of {} do not acknowledge messages of {name}{within}, so that these come again: {} of \
         the deliveries are of messages that came before",
        consumer.name,
        words::percent(share)
    )
}

/// Who a loop of messages goes through, in a word.
pub(in super::super) fn in_a_word(it: &Loop) -> String {
    match it.kind {
        LoopKind::Poison => "messages that fail each time".to_owned(),
        LoopKind::Rebalances => format!("rebalances of {}", it.through),
        _ => format!("redeliveries of {}", it.through),
    }
}
