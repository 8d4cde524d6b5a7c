//! What messages wait for, and what it goes back to.

use crate::measure::HotPartition;
use crate::model::{BrokerKind, Id, ServiceId};

use super::super::blame::{self, Root, RootKind};
use super::super::runs::{Runs, Which};
use super::super::verdict;
use super::super::words;
use super::verdict::are_workers_busy;

/// More messages than usual, of the usual ones, that make load the cause.
const MORE: f64 = 0.2;
/// From this part of what workers begin with on, what comes again is the cause.
const AGAIN: f64 = 0.05;

/// Why a group has more messages waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Why {
    /// By its place among the triggers.
    Trigger(usize),
    /// Those who handle them wait for the callee of this edge, or it fails.
    Edge(usize),
    /// More of them come.
    Load,
    /// Nothing else is found.
    Own,
}

/// Why more messages wait for a group from `bin` on.
pub(in super::super) fn of_group(runs: &Runs<'_>, group: usize, bin: usize) -> Why {
    let handlers = runs.handlers(group);
    if let Some(n) = handlers.iter().find_map(|id| blame::trigger_at_service(runs, *id, bin)) {
        return Why::Trigger(n);
    }
    let bins = blame::looking(runs, bin);
    let kept = |which| runs.group_sum(which, group, bins, |bin| f64::from(bin.kept));
    // Who handles more waits for more, too.
    if runs.twin.is_some() && kept(Which::Main) > (1.0 + MORE) * kept(Which::Twin) {
        return Why::Load;
    }
    let awaited = handlers.iter().filter_map(|id| blame::awaited(runs, *id, bins));
    if let Some((edge, _)) = awaited.filter(|(_, share)| *share >= blame::ACCOUNTS).max_by(|a, b| a.1.total_cmp(&b.1)) {
        return Why::Edge(edge);
    }
    Why::Own
}

/// The topic for whose broker most of the additional requests of a service wait, and their share.
pub(in super::super) fn blocked_on(runs: &Runs<'_>, service: usize, bins: (usize, usize)) -> Option<(usize, f64)> {
    if runs.groups.is_empty() {
        return None;
    }
    let crowd = runs.service_excess(service, bins, |bin| f64::from(bin.in_system) - f64::from(bin.queue)).max(0.0);
    let topics = (0..runs.model.topics.len()).filter(|topic| blame::publishes_to(runs, service, &[*topic]));
    let length = (bins.1 - bins.0).max(1) as f64;
    let waiting = |topic: usize| {
        let sum = |which| runs.topic_sum(which, topic, bins, |bin| f64::from(bin.under_way));
        (sum(Which::Main) - sum(Which::Twin)) / length
    };
    let (topic, most) = topics.map(|topic| (topic, waiting(topic))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (crowd > 0.0).then(|| (topic, most / crowd))
}

/// The topic to which a service cannot publish, if most of what it tries fails there.
pub(in super::super) fn refuses(runs: &Runs<'_>, service: usize, bins: (usize, usize)) -> Option<usize> {
    if runs.groups.is_empty() {
        return None;
    }
    let failed = |topic: &usize| {
        let sum = |which| runs.topic_sum(which, *topic, bins, |bin| f64::from(bin.failed));
        sum(Which::Main) - sum(Which::Twin)
    };
    let topics = (0..runs.model.topics.len()).filter(|topic| blame::publishes_to(runs, service, &[*topic]));
    topics.filter(|topic| failed(topic) > 0.0).max_by(|a, b| failed(a).total_cmp(&failed(b)))
}

/// The partition that is hot, of a group.
pub(in super::super) fn hot(runs: &Runs<'_>, group: usize) -> Option<HotPartition> {
    runs.results.messaging.as_ref()?.groups.get(group)?.hot_partition()
}

/// What of all that workers begin with has come before.
pub(in super::super) fn share_again(runs: &Runs<'_>, group: usize, bins: (usize, usize)) -> f64 {
    let sum = |of| runs.group_sum(Which::Main, group, bins, of);
    let again = sum(|bin| f64::from(bin.redelivered));
    let consumed = sum(|bin| f64::from(bin.consumed));
    if again > 0.0 { (again / (again + consumed)).min(1.0) } else { 0.0 }
}

/// Without a trigger: why a group does not cope.
pub(in super::super) fn bottleneck(runs: &Runs<'_>, group: usize, bins: (usize, usize)) -> Root {
    let root = |kind, target: String, what: String| Root { kind, target, trigger: None, what };
    let topic = runs.topic_name(runs.topic_of(group)).to_owned();
    if let Some(hot) = hot(runs, group) {
        return root(RootKind::Topic, topic, hot_partition(&hot));
    }
    let Some(first) = runs.groups[group].consumers.first() else {
        return root(RootKind::Topic, topic, "nobody reads it".to_owned());
    };
    let consumer = &runs.model.consumers[*first];
    let again = share_again(runs, group, bins);
    if again >= AGAIN {
        let what = format!("{} of what its workers begin with has come before", words::percent(again));
        return root(RootKind::Consumer, consumer.name.clone(), what);
    }
    // Who handles may wait for somebody who can do no more.
    let saturated = |id: &usize| verdict::is_saturated(runs, *id, bins);
    let callees = runs.handlers(group).into_iter().flat_map(|id| runs.out_of(id).collect::<Vec<usize>>());
    if let Some(callee) = callees.map(|edge| runs.callee(edge)).find(saturated) {
        let name = &runs.model.services[ServiceId::new(callee)].name;
        return root(RootKind::Service, name.clone(), format!("it can do less than the messages of {topic} need"));
    }
    let rate = |of| runs.group_sum(Which::Main, group, bins, of) / ((bins.1 - bins.0).max(1) as f64 * runs.bin_secs());
    let (come, handled) = (rate(|bin| f64::from(bin.kept)), rate(|bin| f64::from(bin.consumed)));
    let rates = format!("{}/s come, {}/s are handled", words::number(come), words::number(handled));
    match are_workers_busy(runs, group, bins) {
        true => root(RootKind::Consumer, consumer.name.clone(), format!("its workers are all busy: {rates}")),
        false => root(RootKind::Consumer, consumer.name.clone(), rates),
    }
}

/// `partition 3 of 12 gets 21% of all messages, and only one member may read it`.
pub(in super::super) fn hot_partition(it: &HotPartition) -> String {
    format!(
        "partition {} of {} gets {} of all messages, more than the one member can handle that may read it",
        it.number,
        it.partitions,
        words::percent(it.share)
    )
}

/// Whether a group reads a log of Kafka, whose members share partitions.
pub(in super::super) fn shares_partitions(runs: &Runs<'_>, group: usize) -> bool {
    let topic = &runs.model.topics[runs.groups[group].topic];
    runs.model.brokers[topic.broker].kind == BrokerKind::Kafka
}
