//! What became of messages, for the data files: rows of `summary.json`, and metrics of the tables. Models without topics and
//! effects have none of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::time::{Span, Time};
use crate::kernel::Fate;
use crate::measure::{
    ConsumerConfidence, ConsumerResult, GroupConfidence, GroupResult, GroupSeries, MessagingConfidence,
    MessagingResults, TopicConfidence, TopicResult, TopicSeries,
};
use crate::model::{Group, Keeping, Model, TopicId};
use crate::policy::Outcome;

use super::drain;
use super::facts::{self, Facts};
use super::json::{LatencyRow, latency_row};

/// `messaging` in `summary.json`.
#[derive(Serialize)]
pub(super) struct MessagingSection<'a> {
    topics: Vec<TopicRow<'a>>,
    groups: Vec<GroupRow<'a>>,
    consumers: Vec<ConsumerRow<'a>>,
    effects: Vec<EffectRow<'a>>,
}

#[derive(Serialize)]
struct TopicRow<'a> {
    name: &'a str,
    kind: &'static str,
    broker: &'a str,
    broker_kind: &'static str,
    tried: u64,
    published: u64,
    published_per_s: Option<f64>,
    published_bytes: u64,
    failed: u64,
    failures: BTreeMap<&'static str, u64>,
    deduplicated: u64,
    disk_bytes_mean: Option<f64>,
    disk_bytes_peak: u64,
    disk_bytes_at_end: u64,
    under_way_at_end: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<TopicConfidence>,
}

#[derive(Serialize)]
struct GroupRow<'a> {
    name: String,
    topic: &'a str,
    consumers: Vec<&'a str>,
    kept: u64,
    kept_per_s: Option<f64>,
    consumed: u64,
    consumed_per_s: Option<f64>,
    dead: u64,
    expired: u64,
    lost: u64,
    redriven: u64,
    aborted: u64,
    pending_at_end: u64,
    delivered: u64,
    redelivered: u64,
    handled_well: u64,
    handled_badly: u64,
    duplicates: u64,
    reordered: u64,
    rebalances: u64,
    lag_mean: Option<f64>,
    lag_peak: u32,
    lag_peak_at_s: f64,
    oldest_age_peak_s: f64,
    oldest_age_at_end_s: Option<f64>,
    latency: LatencyRow,
    alerted_at_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drain: Option<DrainRow<'a>>,
    conservation: Conservation,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<GroupConfidence>,
}

/// See the module `drain`.
#[derive(Serialize)]
struct DrainRow<'a> {
    after: &'a str,
    from_s: f64,
    lag_before_mean: f64,
    lag_then: f64,
    drain_s: Option<f64>,
}

/// All that was kept from the start of the run on is settled or pending: the difference is zero.
#[derive(Serialize)]
struct Conservation {
    kept: u64,
    settled: u64,
    pending: u64,
    difference: i128,
}

#[derive(Serialize)]
struct ConsumerRow<'a> {
    name: &'a str,
    topic: &'a str,
    handler: String,
    workers_mean: Option<f64>,
    workers_busy_mean: Option<f64>,
    workers_busy_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<ConsumerConfidence>,
}

#[derive(Serialize)]
struct EffectRow<'a> {
    name: &'a str,
    endpoint: String,
    idempotent: bool,
    done: u64,
    done_again: u64,
}

pub(super) fn section<'a>(facts: &'a Facts) -> Option<MessagingSection<'a>> {
    let results = facts.results.messaging.as_ref()?;
    let (model, sure) = (facts.model, half_widths(facts));
    let topics = model.topics.iter().zip(&results.topics).enumerate().map(|(id, (topic, it))| TopicRow {
        name: &topic.name,
        kind: if topic.is_queue { "queue" } else { "topic" },
        broker: &model.brokers[topic.broker].name,
        broker_kind: model.brokers[topic.broker].kind.name(),
        tried: it.tried,
        published: it.published,
        published_per_s: facts.per_sec(it.published),
        published_bytes: u64::try_from(it.bytes).unwrap_or(u64::MAX),
        failed: failed(it),
        failures: failures(it).collect(),
        deduplicated: it.deduplicated,
        disk_bytes_mean: facts.mean_level(it.disk_nanos),
        disk_bytes_peak: it.disk_peak,
        disk_bytes_at_end: it.disk_end,
        under_way_at_end: it.under_way_end,
        half_widths: sure.map(|all| all.topics[id]),
    });
    let groups = groups(facts, results).map(|it| group_row(facts, it));
    let consumers =
        model.consumers.iter().zip(&results.consumers).enumerate().map(|(id, (consumer, it))| ConsumerRow {
            name: &consumer.name,
            topic: &model.topics[consumer.topic].name,
            handler: model.endpoint_name(consumer.handler),
            workers_mean: facts.mean_level(it.there_nanos),
            workers_busy_mean: facts.mean_level(it.busy_nanos),
            workers_busy_share: busy_share(it),
            half_widths: sure.map(|all| all.consumers[id]),
        });
    let effects = results.effects.iter().map(|it| EffectRow {
        name: model.endpoints[it.endpoint].effect.as_deref().unwrap_or_default(),
        endpoint: model.endpoint_name(it.endpoint),
        idempotent: model.endpoints[it.endpoint].effect_once,
        done: it.done,
        done_again: it.again,
    });
    Some(MessagingSection {
        topics: topics.collect(),
        groups: groups.collect(),
        consumers: consumers.collect(),
        effects: effects.collect(),
    })
}

fn group_row<'a>(facts: &'a Facts, group: GroupOf<'a>) -> GroupRow<'a> {
    let GroupOf { id, group, name, it } = group;
    let drain = drain::drain(facts, &group, &it.series).map(|it| DrainRow {
        after: it.after,
        from_s: it.over.as_secs_f64(),
        lag_before_mean: it.before,
        lag_then: it.behind,
        drain_s: it.secs,
    });
    GroupRow {
        name,
        topic: &facts.model.topics[group.topic].name,
        consumers: group.consumers.iter().map(|id| facts.model.consumers[*id].name.as_str()).collect(),
        kept: it.kept,
        kept_per_s: facts.per_sec(it.kept),
        consumed: it.with_fate(Fate::Consumed),
        consumed_per_s: facts.per_sec(it.with_fate(Fate::Consumed)),
        dead: it.with_fate(Fate::Dead),
        expired: it.with_fate(Fate::Expired),
        lost: it.with_fate(Fate::Lost),
        redriven: it.with_fate(Fate::Redriven),
        aborted: it.with_fate(Fate::Aborted),
        pending_at_end: it.pending,
        delivered: it.delivered,
        redelivered: it.redelivered,
        handled_well: it.handled_well,
        handled_badly: it.handled_badly,
        duplicates: it.duplicates,
        reordered: it.reordered,
        rebalances: it.rebalances,
        lag_mean: facts.mean_level(it.lag_nanos),
        lag_peak: it.lag_peak,
        lag_peak_at_s: it.lag_peak_at.as_secs_f64(),
        oldest_age_peak_s: it.age_peak.as_secs_f64(),
        oldest_age_at_end_s: oldest_at_end(it),
        latency: latency_row(&it.latency),
        alerted_at_s: it.alerted.map(Time::as_secs_f64),
        drain,
        conservation: Conservation {
            kept: it.kept_in_all,
            settled: it.settled_in_all.iter().sum(),
            pending: it.pending,
            difference: it.missing(),
        },
        half_widths: half_widths(facts).map(|all| all.groups[id]),
    }
}

/// A group and what became of its messages.
pub(super) struct GroupOf<'a> {
    /// Its place among all groups.
    pub(super) id: usize,
    pub(super) group: Group,
    pub(super) name: String,
    pub(super) it: &'a GroupResult,
}

pub(super) fn groups<'a>(facts: &Facts<'a>, results: &'a MessagingResults) -> impl Iterator<Item = GroupOf<'a>> {
    let model = facts.model;
    let named = move |(id, (group, it)): (usize, (Group, &'a GroupResult))| {
        let name = model.group_name(&group);
        GroupOf { id, group, name, it }
    };
    model.groups().into_iter().zip(&results.groups).enumerate().map(named)
}

/// How old the oldest message is at the end of the run, in seconds.
fn oldest_at_end(it: &GroupResult) -> Option<f64> {
    it.series.age.last().copied().map(Span::as_secs_f64)
}

/// Half the widths of confidence intervals, where there are any.
pub(super) fn half_widths<'a>(facts: &'a Facts) -> Option<&'a MessagingConfidence> {
    facts.confidence.as_ref().ok()?.messaging.as_ref()
}

/// Attempts to publish that failed.
pub(super) fn failed(it: &TopicResult) -> u64 {
    it.failed.iter().sum()
}

/// How they failed, as far as it happened.
pub(super) fn failures(it: &TopicResult) -> impl Iterator<Item = (&'static str, u64)> {
    let counts = Outcome::ALL.into_iter().map(|outcome| (outcome.name(), it.failed[outcome as usize]));
    counts.filter(|(_, count)| *count > 0)
}

/// The part of the workers that are there that handles something.
pub(super) fn busy_share(it: &ConsumerResult) -> Option<f64> {
    facts::ratio(it.busy_nanos as f64, it.there_nanos as f64)
}

/// Whether dead letters go to a topic.
pub(super) fn gets_dead_letters(model: &Model, topic: TopicId) -> bool {
    let of_topics = model.topics.iter().filter_map(|it| match &it.keeping {
        Keeping::Queue(limits) => limits.dead_letter,
        Keeping::Log(_) => None,
    });
    of_topics.chain(model.consumers.iter().filter_map(|it| it.dead_letter)).any(|id| id == topic)
}

/// The totals of a topic, by metric.
pub(super) fn topic_totals(facts: &Facts, it: &TopicResult) -> [(&'static str, Option<f64>); 10] {
    let count = |count: u64| Some(count as f64);
    [
        ("tried", count(it.tried)),
        ("published", count(it.published)),
        ("published_per_s", facts.per_sec(it.published)),
        ("published_bytes", Some(it.bytes as f64)),
        ("failed", count(failed(it))),
        ("deduplicated", count(it.deduplicated)),
        ("disk_bytes_mean", facts.mean_level(it.disk_nanos)),
        ("disk_bytes_peak", count(it.disk_peak)),
        ("disk_bytes_at_end", count(it.disk_end)),
        ("under_way_at_end", count(it.under_way_end.into())),
    ]
}

/// The totals of a group but for its latency, by metric.
pub(super) fn group_totals(facts: &Facts, group: &GroupOf) -> Vec<(&'static str, Option<f64>)> {
    let count = |count: u64| Some(count as f64);
    let GroupOf { group, it, .. } = group;
    let fate = |fate: Fate| count(it.with_fate(fate));
    let mut totals = vec![
        ("kept", count(it.kept)),
        ("kept_per_s", facts.per_sec(it.kept)),
        ("consumed", fate(Fate::Consumed)),
        ("consumed_per_s", facts.per_sec(it.with_fate(Fate::Consumed))),
        ("dead", fate(Fate::Dead)),
        ("expired", fate(Fate::Expired)),
        ("lost", fate(Fate::Lost)),
        ("redriven", fate(Fate::Redriven)),
        ("aborted", fate(Fate::Aborted)),
        ("pending_at_end", count(it.pending)),
        ("delivered", count(it.delivered)),
        ("redelivered", count(it.redelivered)),
        ("handled_well", count(it.handled_well)),
        ("handled_badly", count(it.handled_badly)),
        ("duplicates", count(it.duplicates)),
        ("reordered", count(it.reordered)),
        ("rebalances", count(it.rebalances)),
        ("lag_mean", facts.mean_level(it.lag_nanos)),
        ("lag_peak", count(it.lag_peak.into())),
        ("lag_peak_at_s", Some(it.lag_peak_at.as_secs_f64())),
        ("oldest_age_peak_s", Some(it.age_peak.as_secs_f64())),
        ("oldest_age_at_end_s", oldest_at_end(it)),
        ("alerted_at_s", it.alerted.map(Time::as_secs_f64)),
        ("conservation_difference", Some(it.missing() as f64)),
    ];
    totals.extend(drain::drain(facts, group, &it.series).map(|it| ("drain_s", it.secs)));
    totals
}

/// The totals of a consumer, by metric.
pub(super) fn consumer_totals(facts: &Facts, it: &ConsumerResult) -> [(&'static str, Option<f64>); 3] {
    [
        ("workers_mean", facts.mean_level(it.there_nanos)),
        ("workers_busy_mean", facts.mean_level(it.busy_nanos)),
        ("workers_busy_share", busy_share(it)),
    ]
}

/// A point of a topic's series, by metric.
pub(super) fn topic_point(it: &TopicSeries, point: usize) -> [(&'static str, Option<f64>); 3] {
    [
        ("published", Some(it.published[point] as f64)),
        ("failed", Some(it.failed[point] as f64)),
        ("disk_bytes_mean", Some(it.disk[point])),
    ]
}

/// A point of a group's series, by metric.
pub(super) fn group_point(it: &GroupSeries, point: usize) -> [(&'static str, Option<f64>); 9] {
    let count = |column: &[u64]| Some(column[point] as f64);
    [
        ("kept", count(&it.kept)),
        ("consumed", count(&it.consumed)),
        ("redelivered", count(&it.redelivered)),
        ("dead", count(&it.dead)),
        ("expired", count(&it.expired)),
        ("lost", count(&it.lost)),
        ("lag_mean", Some(it.lag[point])),
        ("oldest_age_s", it.age.get(point).copied().map(Span::as_secs_f64)),
        ("latency_mean_s", latency(it, point)),
    ]
}

/// Mean latency in seconds of what was consumed in a point.
pub(super) fn latency(it: &GroupSeries, point: usize) -> Option<f64> {
    facts::ratio(it.latency_nanos[point] as f64 / 1e9, it.consumed[point] as f64)
}

/// A point of a consumer's series, by metric.
pub(super) fn consumer_point(it: &ConsumerResult, point: usize) -> [(&'static str, Option<f64>); 2] {
    [("workers_mean", Some(it.there[point])), ("workers_busy_mean", Some(it.busy[point]))]
}
