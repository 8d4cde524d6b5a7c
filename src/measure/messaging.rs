//! What became of messages: counted by the time of the event, from the end of the warm-up on, except for what must add up
//! over the whole run. Models without topics have none of it.

use crate::base::time::{Span, Time};
use crate::kernel::{Fate, MessageFact};
use crate::model::{EndpointId, Group, Id, Model};
use crate::policy::Outcome;

use super::latency::Latency;
use super::level::Level;
use super::message_causes::{ConsumerBin, GroupBin, MessageCauses, TopicBin};
use super::results::OUTCOMES;
use super::window::Counts;

/// Number of [`Fate`]s; arrays of counts are indexed by `fate as usize`.
pub const FATES: usize = 6;

/// What became of messages.
#[derive(Clone, Debug, Default)]
pub struct MessagingResults {
    /// Parallel to `model.topics`.
    pub topics: Vec<TopicResult>,
    /// Parallel to `model.groups()`.
    pub groups: Vec<GroupResult>,
    /// Parallel to `model.consumers`.
    pub consumers: Vec<ConsumerResult>,
    /// Of endpoints that have an effect, in the order of the model.
    pub effects: Vec<EffectResult>,
}

/// What publishers and the broker did with a topic or a queue.
#[derive(Clone, Debug, Default)]
pub struct TopicResult {
    /// Messages that were to be published, each time that it was tried; dead letters too.
    pub tried: u64,
    /// Messages that were stored.
    pub published: u64,
    /// Their bytes.
    pub bytes: u128,
    /// Attempts that failed, as far as their publishers know, by outcome.
    pub failed: [u64; OUTCOMES],
    /// Messages that were known, and not stored again.
    pub deduplicated: u64,
    /// ∫ bytes on disk dt, in byte-nanoseconds.
    pub disk_nanos: u128,
    /// The most bytes on disk at once, warm-up included.
    pub disk_peak: u64,
    /// Bytes on disk at the end.
    pub disk_end: u64,
    /// Messages at the end that were handed over and are neither stored nor given up: on their way, or in the libraries of
    /// their publishers.
    pub under_way_end: u32,
    /// How it went over time.
    pub series: TopicSeries,
}

/// A topic over time.
#[derive(Clone, Debug, Default)]
pub struct TopicSeries {
    /// Messages that were stored.
    pub published: Vec<u64>,
    /// Attempts to publish that failed.
    pub failed: Vec<u64>,
    /// Mean number of bytes on disk.
    pub disk: Vec<f64>,
}

/// What became of the messages of a topic for one group of consumers, or of a queue.
#[derive(Clone, Debug, Default)]
pub struct GroupResult {
    /// Messages that were kept for it.
    pub kept: u64,
    /// Those that were settled, by [`Fate`].
    pub settled: [u64; FATES],
    /// The same two from the start of the run on.
    pub kept_in_all: u64,
    /// See `kept_in_all`.
    pub settled_in_all: [u64; FATES],
    /// Kept at the end of the run, as brokers and workers count them: `kept_in_all` is this and all of `settled_in_all`.
    pub pending: u64,
    /// Times that a worker began with a message.
    pub delivered: u64,
    /// Those of them that were not its first.
    pub redelivered: u64,
    /// Times that a handler ended well.
    pub handled_well: u64,
    /// Times that it did not.
    pub handled_badly: u64,
    /// Times that a handler ended well with a message that had been handled well before, or that comes again because the
    /// broker did not learn of it in time.
    pub duplicates: u64,
    /// Messages that were handled after one of the same key that was published later.
    pub reordered: u64,
    /// Times that partitions were shared anew.
    pub rebalances: u64,
    /// From the publisher's step to the end of the handler, of messages that were consumed.
    pub latency: Latency,
    /// ∫ messages kept dt, in nanoseconds.
    pub lag_nanos: u128,
    /// The most messages kept at once, warm-up included.
    pub lag_peak: u32,
    /// When that was.
    pub lag_peak_at: Time,
    /// How old the oldest message was at most that was published and not settled yet, since its publisher's step began;
    /// warm-up included.
    pub age_peak: Span,
    /// When an alarm was first raised, if it was.
    pub alerted: Option<Time>,
    /// Of a topic with partitions, each of them, from the start of the run on.
    pub partitions: Vec<PartitionResult>,
    /// How it went over time.
    pub series: GroupSeries,
}

impl GroupResult {
    /// Messages that are neither pending nor settled: zero, always.
    pub fn missing(&self) -> i128 {
        let settled: u64 = self.settled_in_all.iter().sum();
        i128::from(self.kept_in_all) - i128::from(settled) - i128::from(self.pending)
    }

    /// How many were settled so.
    pub fn with_fate(&self, fate: Fate) -> u64 {
        self.settled[fate as usize]
    }
}

/// A partition, for one group of consumers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionResult {
    /// Messages that it got.
    pub came: u64,
    /// Those of them that were not handled at the end of the run.
    pub pending: u64,
}

/// The hottest partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HotPartition {
    /// Its number.
    pub number: usize,
    /// Its share of all messages.
    pub share: f64,
    /// How many there are.
    pub partitions: usize,
    /// Messages that wait in it at the end of the run.
    pub pending: u64,
}

/// So many times the mean of all partitions is hot.
const HOT: f64 = 1.25;
/// And it holds so much of what waits.
const HOLDS: f64 = 0.5;
/// And so many messages wait in it.
const WAIT: u64 = 100;

impl GroupResult {
    /// The partition that holds up most of what waits at the end because it got more than others; `None` where none does.
    pub fn hot_partition(&self) -> Option<HotPartition> {
        let (number, most) =
            self.partitions.iter().enumerate().max_by_key(|(n, it)| (it.pending, std::cmp::Reverse(*n)))?;
        let came: u64 = self.partitions.iter().map(|it| it.came).sum();
        let pending: u64 = self.partitions.iter().map(|it| it.pending).sum();
        let partitions = self.partitions.len();
        let share = most.came as f64 / came.max(1) as f64;
        let is_hot = share * partitions as f64 >= HOT;
        let holds = most.pending >= WAIT && most.pending as f64 >= HOLDS * pending as f64;
        (partitions > 1 && is_hot && holds).then_some(HotPartition { number, share, partitions, pending: most.pending })
    }
}

/// A group over time.
#[derive(Clone, Debug, Default)]
pub struct GroupSeries {
    /// Messages that came.
    pub kept: Vec<u64>,
    /// Messages that were consumed.
    pub consumed: Vec<u64>,
    /// Messages that were redelivered.
    pub redelivered: Vec<u64>,
    /// Messages that became dead letters.
    pub dead: Vec<u64>,
    /// Messages that nobody took in time.
    pub expired: Vec<u64>,
    /// Messages that were lost.
    pub lost: Vec<u64>,
    /// Mean number of messages that are kept.
    pub lag: Vec<f64>,
    /// How old the oldest one is at the end of the point: since its publisher's step began.
    pub age: Vec<Span>,
    /// Sum of the latencies of those that were consumed.
    pub latency_nanos: Vec<u128>,
}

/// The workers of a consumer.
#[derive(Clone, Debug, Default)]
pub struct ConsumerResult {
    /// ∫ workers that are there dt, in nanoseconds.
    pub there_nanos: u128,
    /// ∫ workers that handle something dt, in nanoseconds.
    pub busy_nanos: u128,
    /// Mean number of workers that are there, over time.
    pub there: Vec<f64>,
    /// Mean number of those that handle something, over time.
    pub busy: Vec<f64>,
}

/// What a handler does to the world outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectResult {
    /// Whose.
    pub endpoint: EndpointId,
    /// Things that were done for the first time.
    pub done: u64,
    /// Times that one of them was done again.
    pub again: u64,
}

/// See the module.
pub(super) struct MessagingMeters {
    from: Time,
    topics: Vec<TopicMeter>,
    groups: Vec<GroupMeter>,
    consumers: Vec<ConsumerMeter>,
    effects: Vec<EffectResult>,
}

#[derive(Default)]
struct TopicMeter {
    counts: Counts,
    result: TopicResult,
    disk: u64,
    disk_moments: i128,
    disk_before: u128,
    disk_last: u128,
    last: [u64; 2],
    /// Messages that were handed over and are neither stored nor given up. One that its publisher has given up and that is
    /// stored all the same is taken away twice, though never below zero.
    under_way: Level,
    tried: u64,
    /// What stood here when the last bin ended.
    bin: ([u64; 3], [u128; 2]),
}

struct GroupMeter {
    group: Group,
    alert: Option<u32>,
    counts: Counts,
    result: GroupResult,
    lag: Level,
    lag_before: u128,
    lag_last: u128,
    /// When it was looked at last how old messages are, and when the oldest was published that was not settled then.
    looked_at: Time,
    oldest: Option<Time>,
    last: [u64; 6],
    latency_since: u128,
    handled_badly: u64,
    rebalances: u64,
    /// What stood here when the last bin ended.
    bin: ([u64; 8], u128),
}

#[derive(Default)]
struct ConsumerMeter {
    there: Level,
    busy: Level,
    before: [u128; 2],
    last: [u128; 2],
    bin: [u128; 2],
    result: ConsumerResult,
}

impl TopicMeter {
    /// Messages are no longer under way.
    fn arrived(&mut self, now: Time, messages: u32) {
        let messages = self.under_way.value().min(messages);
        if messages > 0 {
            self.under_way.add(now, -(messages as i32));
        }
    }

    fn integral(&self, now: Time) -> u128 {
        (i128::from(self.disk) * i128::from(now.as_nanos()) - self.disk_moments) as u128
    }
}

impl MessagingMeters {
    /// `None` where there are no topics and no effects.
    pub(super) fn new(model: &Model) -> Option<Box<MessagingMeters>> {
        let with_effect = model.endpoints.enumerate().filter(|(_, endpoint)| endpoint.effect.is_some());
        let effects: Vec<_> = with_effect.map(|(endpoint, _)| EffectResult { endpoint, done: 0, again: 0 }).collect();
        if model.topics.is_empty() && effects.is_empty() {
            return None;
        }
        Some(Box::new(MessagingMeters {
            from: Time::ZERO + model.warmup,
            topics: model.topics.iter().map(|_| TopicMeter::default()).collect(),
            groups: model
                .groups()
                .into_iter()
                .map(|group| GroupMeter {
                    alert: model.topics[group.topic].alert,
                    group,
                    counts: Counts::default(),
                    result: GroupResult::default(),
                    lag: Level::default(),
                    lag_before: 0,
                    lag_last: 0,
                    looked_at: Time::ZERO,
                    oldest: None,
                    last: [0; 6],
                    latency_since: 0,
                    handled_badly: 0,
                    rebalances: 0,
                    bin: ([0; 8], 0),
                })
                .collect(),
            consumers: model.consumers.iter().map(|_| ConsumerMeter::default()).collect(),
            effects,
        }))
    }

    /// What has been counted so far is left out of the totals.
    pub(super) fn start_totals(&mut self, now: Time) {
        for topic in &mut self.topics {
            topic.disk_before = topic.integral(now);
        }
        for group in &mut self.groups {
            group.lag_before = group.lag.integral(now);
        }
        for consumer in &mut self.consumers {
            consumer.before = [consumer.there.integral(now), consumer.busy.integral(now)];
        }
    }

    /// Ends a point of the series.
    pub(super) fn add_point(&mut self, now: Time, length: Span) {
        let per_length = |nanos: u128| nanos as f64 / length.as_nanos() as f64;
        for topic in &mut self.topics {
            let (series, counts) = (&mut topic.result.series, [topic.counts.answered, topic.counts.failed]);
            series.published.push(counts[0] - topic.last[0]);
            series.failed.push(counts[1] - topic.last[1]);
            topic.last = counts;
            let disk = topic.integral(now);
            topic.result.series.disk.push(per_length(disk - topic.disk_last));
            topic.disk_last = disk;
        }
        for meter in &mut self.groups {
            let counts = &meter.counts;
            let Counts { offered, answered, redelivered, dead, expired, lost, .. } = *counts;
            let now_counted = [offered, answered, redelivered, dead, expired, lost];
            let series = &mut meter.result.series;
            let taken = [&mut series.kept, &mut series.consumed, &mut series.redelivered];
            let columns = taken.into_iter().chain([&mut series.dead, &mut series.expired, &mut series.lost]);
            for ((column, count), last) in columns.zip(now_counted).zip(&mut meter.last) {
                column.push(count - *last);
                *last = count;
            }
            let lag = meter.lag.integral(now);
            series.lag.push(per_length(lag - meter.lag_last));
            meter.lag_last = lag;
            series.age.push(meter.oldest.map_or(Span::ZERO, |oldest| now.since(oldest)));
            series.latency_nanos.push(std::mem::take(&mut meter.latency_since));
        }
        for consumer in &mut self.consumers {
            let levels = [consumer.there.integral(now), consumer.busy.integral(now)];
            let columns = [&mut consumer.result.there, &mut consumer.result.busy];
            for ((column, level), last) in columns.into_iter().zip(levels).zip(&mut consumer.last) {
                column.push(per_length(level - *last));
                *last = level;
            }
        }
    }

    /// Ends a bin of the causes at `now`.
    pub(super) fn add_bin(&mut self, now: Time, length: Span, causes: &mut MessageCauses) {
        let length = length.as_nanos() as f64;
        let mean = |nanos: u128| (nanos as f64 / length) as f32;
        for it in &mut self.topics {
            let counts = [it.tried, it.counts.answered, it.counts.failed];
            let levels = [it.integral(now), it.under_way.integral(now)];
            let (last, last_levels) = std::mem::replace(&mut it.bin, (counts, levels));
            let count = |n: usize| (counts[n] - last[n]) as u32;
            let level = |n: usize| mean(levels[n] - last_levels[n]);
            let (disk, under_way) = (level(0), level(1));
            causes.topics.push(TopicBin { disk, under_way, tried: count(0), published: count(1), failed: count(2) });
        }
        for it in &mut self.groups {
            let Counts { offered, answered, redelivered, dead, expired, lost, .. } = it.counts;
            let counts = [offered, answered, redelivered, it.handled_badly, dead, expired, lost, it.rebalances];
            let lag = it.lag.integral(now);
            let (last, last_lag) = std::mem::replace(&mut it.bin, (counts, lag));
            let count = |n: usize| (counts[n] - last[n]) as u32;
            causes.groups.push(GroupBin {
                lag: mean(lag - last_lag),
                age_s: it.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64() as f32),
                kept: count(0),
                consumed: count(1),
                redelivered: count(2),
                handled_badly: count(3),
                dead: count(4),
                expired: count(5),
                lost: count(6),
                rebalances: count(7),
            });
        }
        for it in &mut self.consumers {
            let levels = [it.there.integral(now), it.busy.integral(now)];
            let last = std::mem::replace(&mut it.bin, levels);
            causes.consumers.push(ConsumerBin { there: mean(levels[0] - last[0]), busy: mean(levels[1] - last[1]) });
        }
    }

    /// What the groups of a topic have counted from the start on, or one of its groups.
    pub(super) fn counts(&self, topic: u32, group: Option<u32>, now: Time) -> Counts {
        let mut sum = self.topics[topic as usize].counts;
        let of_topic = self.groups.iter().filter(|meter| meter.group.topic.index() == topic as usize);
        let chosen = of_topic.filter(|meter| group.is_none_or(|place| meter.group.place == place));
        (sum.offered, sum.answered) = (0, 0);
        for meter in chosen {
            let it = &meter.counts;
            sum.offered += it.offered;
            sum.answered += it.answered;
            sum.dead += it.dead;
            sum.expired += it.expired;
            sum.lost += it.lost;
            sum.redelivered += it.redelivered;
            sum.duplicates += it.duplicates;
            sum.reordered += it.reordered;
            sum.queue_nanos += meter.lag.integral(now);
        }
        sum
    }

    /// The most messages that wait for one of the groups, and the age of the oldest if it is known just now.
    pub(super) fn lag_now(&self, topic: u32, group: Option<u32>, now: Time) -> (u32, Span) {
        let of_topic = self.groups.iter().filter(|meter| meter.group.topic.index() == topic as usize);
        let chosen = of_topic.filter(|meter| group.is_none_or(|place| meter.group.place == place));
        let oldest_of = |meter: &GroupMeter| meter.oldest.filter(|_| meter.looked_at == now);
        let age = |meter: &GroupMeter| oldest_of(meter).map_or(Span::ZERO, |oldest| now.since(oldest));
        chosen.fold((0, Span::ZERO), |(most, oldest), meter| (most.max(meter.lag.value()), oldest.max(age(meter))))
    }

    /// Totals and series at the end of the run.
    pub(super) fn finish(self, end: Time) -> MessagingResults {
        let topics = self.topics.into_iter().map(|topic| {
            let disk_nanos = topic.integral(end).saturating_sub(topic.disk_before);
            let under_way_end = topic.under_way.value();
            TopicResult { disk_nanos, disk_end: topic.disk, under_way_end, ..topic.result }
        });
        let groups = self.groups.into_iter().map(|meter| {
            let lag_nanos = meter.lag.integral(end).saturating_sub(meter.lag_before);
            GroupResult { lag_nanos, ..meter.result }
        });
        let consumers = self.consumers.into_iter().map(|consumer| ConsumerResult {
            there_nanos: consumer.there.integral(end).saturating_sub(consumer.before[0]),
            busy_nanos: consumer.busy.integral(end).saturating_sub(consumer.before[1]),
            ..consumer.result
        });
        MessagingResults {
            topics: topics.collect(),
            groups: groups.collect(),
            consumers: consumers.collect(),
            effects: self.effects,
        }
    }

    /// Something has happened to messages. Returns how long a message took, if it was consumed.
    pub(super) fn tell(&mut self, now: Time, fact: MessageFact) -> Option<Span> {
        match fact {
            MessageFact::Tried { topic } => self.publishes(topic, now),
            MessageFact::Published { topic, messages, bytes } => self.published(topic, now, messages, bytes),
            MessageFact::NotPublished { topic, outcome } => self.publish_failed(topic, now, outcome),
            MessageFact::Deduplicated { topic } => self.deduplicated(topic, now),
            MessageFact::Disk { topic, change } => self.stored_bytes(topic, now, change),
            MessageFact::Kept { group, messages } => self.messages_kept(group, now, messages),
            MessageFact::Delivered { group, again } => self.delivered(group, now, again),
            MessageFact::Handled { group, is_good } => self.handled(group, now, is_good),
            MessageFact::Duplicate { group } => self.duplicate(group, now),
            MessageFact::Settled { group, published, fate } => return self.settled(group, now, published, fate),
            MessageFact::Reordered { group } => self.reordered(group, now),
            MessageFact::Rebalanced { group } => self.rebalanced(group, now),
            MessageFact::Workers { consumer, change } => self.workers(consumer, now, change),
            MessageFact::Busy { consumer, change } => self.works_on_message(consumer, now, change),
            MessageFact::Effect { endpoint, is_again } => self.effect(endpoint, now, is_again),
            MessageFact::Pending { group, count } => self.pending(group, count),
            MessageFact::Partition { group, came, pending } => {
                self.groups[group as usize].result.partitions.push(PartitionResult { came, pending });
            }
        }
        None
    }

    fn publishes(&mut self, topic: u32, now: Time) {
        let it = &mut self.topics[topic as usize];
        it.tried += 1;
        it.under_way.add(now, 1);
        it.result.tried += u64::from(now >= self.from);
    }

    fn published(&mut self, topic: u32, now: Time, messages: u32, bytes: u64) {
        let it = &mut self.topics[topic as usize];
        it.counts.answered += u64::from(messages);
        it.arrived(now, messages);
        if now >= self.from {
            it.result.published += u64::from(messages);
            it.result.bytes += u128::from(bytes);
        }
    }

    fn publish_failed(&mut self, topic: u32, now: Time, outcome: Outcome) {
        let it = &mut self.topics[topic as usize];
        it.counts.failed += 1;
        it.arrived(now, 1);
        it.result.failed[outcome as usize] += u64::from(now >= self.from);
    }

    fn deduplicated(&mut self, topic: u32, now: Time) {
        let it = &mut self.topics[topic as usize];
        it.arrived(now, 1);
        it.result.deduplicated += u64::from(now >= self.from);
    }

    fn stored_bytes(&mut self, topic: u32, now: Time, change: i64) {
        let it = &mut self.topics[topic as usize];
        it.disk = it.disk.saturating_add_signed(change);
        it.disk_moments += i128::from(change) * i128::from(now.as_nanos());
        it.result.disk_peak = it.result.disk_peak.max(it.disk);
    }

    fn messages_kept(&mut self, group: u32, now: Time, messages: u32) {
        let it = &mut self.groups[group as usize];
        it.counts.offered += u64::from(messages);
        it.result.kept += if now >= self.from { messages.into() } else { 0 };
        it.result.kept_in_all += u64::from(messages);
        it.lag.add(now, messages as i32);
        if it.lag.value() > it.result.lag_peak {
            (it.result.lag_peak, it.result.lag_peak_at) = (it.lag.value(), now);
        }
        if it.alert.is_some_and(|alert| it.lag.value() >= alert) {
            it.result.alerted.get_or_insert(now);
        }
    }

    fn delivered(&mut self, group: u32, now: Time, again: bool) {
        let it = &mut self.groups[group as usize];
        it.counts.redelivered += u64::from(again);
        if now >= self.from {
            it.result.delivered += 1;
            it.result.redelivered += u64::from(again);
        }
    }

    fn handled(&mut self, group: u32, now: Time, is_good: bool) {
        let it = &mut self.groups[group as usize];
        it.handled_badly += u64::from(!is_good);
        if now >= self.from {
            *if is_good { &mut it.result.handled_well } else { &mut it.result.handled_badly } += 1;
        }
    }

    fn duplicate(&mut self, group: u32, now: Time) {
        let it = &mut self.groups[group as usize];
        it.counts.duplicates += 1;
        it.result.duplicates += u64::from(now >= self.from);
    }

    /// Returns how long the message took, if it was consumed.
    fn settled(&mut self, group: u32, now: Time, published: Time, fate: Fate) -> Option<Span> {
        let it = &mut self.groups[group as usize];
        it.lag.add(now, -1);
        it.result.settled_in_all[fate as usize] += 1;
        // When the oldest one is settled, it is as old as it ever was.
        it.result.age_peak = it.result.age_peak.max(now.since(published));
        let counted = now >= self.from;
        it.result.settled[fate as usize] += u64::from(counted);
        match fate {
            Fate::Consumed => it.counts.answered += 1,
            Fate::Dead => it.counts.dead += 1,
            Fate::Expired => it.counts.expired += 1,
            Fate::Lost => it.counts.lost += 1,
            Fate::Redriven | Fate::Aborted => {}
        }
        if fate != Fate::Consumed {
            return None;
        }
        let latency = now.since(published);
        it.latency_since += u128::from(latency.as_nanos());
        if counted {
            it.result.latency.record(latency);
        }
        Some(latency)
    }

    fn reordered(&mut self, group: u32, now: Time) {
        let it = &mut self.groups[group as usize];
        it.counts.reordered += 1;
        it.result.reordered += u64::from(now >= self.from);
    }

    fn rebalanced(&mut self, group: u32, now: Time) {
        let it = &mut self.groups[group as usize];
        it.rebalances += 1;
        it.result.rebalances += u64::from(now >= self.from);
    }

    fn workers(&mut self, consumer: u32, now: Time, change: i32) {
        self.consumers[consumer as usize].there.add(now, change);
    }

    fn works_on_message(&mut self, consumer: u32, now: Time, change: i32) {
        self.consumers[consumer as usize].busy.add(now, change);
    }

    /// `now` is the end of a point of the series, or another time at which something is read off.
    pub(super) fn oldest(&mut self, group: u32, now: Time, stored: Option<Time>) {
        let it = &mut self.groups[group as usize];
        (it.looked_at, it.oldest) = (now, stored);
        let age = stored.map_or(Span::ZERO, |stored| now.since(stored));
        it.result.age_peak = it.result.age_peak.max(age);
    }

    fn pending(&mut self, group: u32, count: u64) {
        self.groups[group as usize].result.pending = count;
    }

    fn effect(&mut self, endpoint: u32, now: Time, is_again: bool) {
        if now < self.from {
            return;
        }
        if let Some(it) = self.effects.iter_mut().find(|it| it.endpoint.0 == endpoint) {
            *if is_again { &mut it.again } else { &mut it.done } += 1;
        }
    }

    /// The topic of a group, and its place among those of the topic.
    pub(super) fn place(&self, group: u32) -> (u32, u32) {
        let it = &self.groups[group as usize].group;
        (it.topic.0, it.place)
    }
}
