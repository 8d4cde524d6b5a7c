//! What to do about messages: who falls behind, who reads nothing, what is handled twice or never.

use crate::kernel::Fate;
use crate::measure::{GroupSeries, MessagingResults};
use crate::model::{Action, BrokerKind, Consumer, Delivery, Keeping, Limit};

use crate::report::facts::Facts;
use crate::report::messaging::{self, GroupOf};
use crate::report::number;

/// More lines than this are not said.
const STEPS_MAX: usize = 3;
/// The last part of the run in which a lag that grows still grows: one of so many.
const PARTS: usize = 5;
/// From this share of what came in that part on, what has not been handled is no chance.
const BEHIND_MIN: f64 = 0.05;
/// And from so many messages in that part on.
const KEPT_MIN: u64 = 100;
/// And the lag there is so many times that of every part before.
const HIGHER_MIN: f64 = 1.2;
/// From this share of what workers begin with on, what comes again is worth a word.
const AGAIN_MIN: f64 = 0.05;
/// Part of it from which on failures are why.
const FAILED_MIN: f64 = 0.5;
/// From so many times on, sharing partitions anew is worth a word.
const REBALANCES_MIN: u64 = 3;

/// The gravest first.
pub(super) fn steps(facts: &Facts) -> Vec<String> {
    let Some(results) = &facts.results.messaging else { return Vec::new() };
    let groups: Vec<GroupOf> = messaging::groups(facts, results).collect();
    let first = |step: &dyn Fn(&GroupOf) -> Option<String>| groups.iter().find_map(step);
    let found = [
        first(&|it| rebalances(facts, it)),
        first(&|it| comes_again(facts, it)),
        first(&|it| poison(facts, it)),
        first(&|it| hot(facts, it)),
        first(&|it| growing(facts, it)),
        first(&|it| lost(facts, it)),
        first(&|it| dead_letters(facts, it)),
        first(&|it| unread(facts, it)),
        done_again(facts, results),
        first(&|it| idle(facts, it)),
    ];
    found.into_iter().flatten().take(STEPS_MAX).collect()
}

/// `1 message`, `2 messages`.
fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", number::count(count), if count == 1 { "" } else { "s" })
}

/// `queue.mails`.
fn path(facts: &Facts, of: &GroupOf) -> String {
    let topic = &facts.model.topics[of.group.topic];
    format!("{}.{}", if topic.is_queue { "queue" } else { "topic" }, topic.name)
}

fn name(of: &GroupOf) -> String {
    of.name.replace("->", "→")
}

fn readers<'a>(facts: &Facts<'a>, of: &GroupOf) -> Vec<&'a Consumer> {
    of.group.consumers.iter().map(|id| &facts.model.consumers[*id]).collect()
}

/// Workers that a group has at the start.
fn workers(facts: &Facts, of: &GroupOf) -> u64 {
    let replicas = |it: &Consumer| facts.model.services[facts.model.endpoints[it.handler].service].replicas;
    readers(facts, of).into_iter().map(|it| u64::from(it.concurrency) * u64::from(replicas(it))).sum()
}

/// Those of a topic of Kafka.
fn partitions(facts: &Facts, of: &GroupOf) -> Option<u64> {
    match &facts.model.topics[of.group.topic].keeping {
        Keeping::Log(log) => Some(log.partitions.into()),
        Keeping::Queue(_) => None,
    }
}

/// Members that Kafka throws out or loses again and again.
fn rebalances(facts: &Facts, of: &GroupOf) -> Option<String> {
    let reader = *readers(facts, of).first()?;
    let count = of.it.rebalances;
    if count < REBALANCES_MIN {
        return None;
    }
    let again = match of.it.redelivered {
        0 => String::new(),
        again => format!(" and {} handed out again", counted(again, "message")),
    };
    Some(format!(
        "{} shared its partitions anew {} times{again}: a member is thrown out that dies or does not ask for more \
         within {}; try a smaller consumer.{n}.prefetch or a longer .max_poll_interval.",
        name(of),
        number::count(count),
        number::written(reader.membership.max_poll_interval),
        n = reader.name,
    ))
}

/// Work that is not acknowledged in time and is handed out again, though nothing failed.
fn comes_again(facts: &Facts, of: &GroupOf) -> Option<String> {
    let reader = *readers(facts, of).first()?;
    let share = of.it.redelivered as f64 / of.it.delivered.max(1) as f64;
    if share < AGAIN_MIN || of.it.handled_badly as f64 >= FAILED_MIN * of.it.redelivered as f64 {
        return None;
    }
    let share = number::share(Some(share));
    let name = name(of);
    let n = &reader.name;
    if partitions(facts, of).is_some() {
        return (of.it.rebalances < REBALANCES_MIN && of.it.rebalances > 0).then(|| {
            format!(
                "{share} of what {n} began with came before: whoever gets the partitions of a member that died, or was thrown \
                 out, begins where he last committed; try a smaller consumer.{n}.prefetch, .commit_every or a longer \
                 .max_poll_interval."
            )
        });
    }
    let timeout = number::written(reader.settling.ack_timeout?);
    Some(format!(
        "{share} of what {n} began with came before: what is not acknowledged within {timeout} is taken for lost, and comes \
         again from {name}; try a smaller consumer.{n}.prefetch or a longer .ack_timeout."
    ))
}

/// Messages that fail each time and hold up those behind them.
fn poison(facts: &Facts, of: &GroupOf) -> Option<String> {
    let reader = *readers(facts, of).first()?;
    let tries_for_ever = reader.settling.max_deliveries == Limit::Unlimited;
    if !tries_for_ever || of.it.handled_badly == 0 || !fails_at_end(facts, of) {
        return None;
    }
    let holds = if partitions(facts, of).is_some() { ", and nobody gets past them in their partitions" } else { "" };
    Some(format!(
        "{} of {} still {}, some of which have failed {}{holds}: give them up after some attempts \
         (consumer.{n}.deliveries) and put them aside (.dead_letter).",
        counted(of.it.pending, "message"),
        name(of),
        if of.it.pending == 1 { "waits" } else { "wait" },
        counted(of.it.handled_badly, "time"),
        n = reader.name,
    ))
}

/// Whether messages are still delivered again at the end, and wait for longer and longer.
fn fails_at_end(facts: &Facts, of: &GroupOf) -> bool {
    let (from, length) = part(facts);
    let start = from + (PARTS - 1) * length;
    let again: u64 = of.it.series.redelivered.iter().skip(start).sum();
    let oldest = of.it.series.age.last().copied().unwrap_or_default();
    again > 0 && oldest.as_secs_f64() >= part_secs(facts)
}

/// A partition that gets more than its one reader can handle.
fn hot(facts: &Facts, of: &GroupOf) -> Option<String> {
    let hot = of.it.hot_partition().filter(|_| !fails_at_end(facts, of))?;
    let path = path(facts, of);
    Some(format!(
        "{} of the {} messages that wait in {} lie in one of its {} partitions, which gets {} of all: only one member may read \
         it, so that others cannot help. Spread the keys (`key` of `publish`), or part what shares the partition \
         ({path}.partitions) among more members.",
        number::count(hot.pending),
        number::count(of.it.pending),
        name(of),
        number::count(hot.partitions as u64),
        number::share(Some(hot.share)),
    ))
}

/// A group whose lag still grows when the run ends.
fn growing(facts: &Facts, of: &GroupOf) -> Option<String> {
    let reader = *readers(facts, of).first()?;
    let is_said = [rebalances(facts, of), comes_again(facts, of), poison(facts, of), hot(facts, of)];
    if is_said.iter().any(Option::is_some) {
        return None;
    }
    let (kept, settled, lag) = last_part(facts, &of.it.series)?;
    if kept < KEPT_MIN || (kept - settled.min(kept)) as f64 <= BEHIND_MIN * kept as f64 || lag.is_none() {
        return None;
    }
    let secs = part_secs(facts);
    let rate = |count: u64| number::rate(Some(count as f64 / secs));
    let service = &facts.model.services[facts.model.endpoints[reader.handler].service].name;
    let more = match partitions(facts, of) {
        Some(partitions) if partitions <= workers(facts, of) => {
            format!("it needs more partitions ({}.partitions) and as many workers", path(facts, of))
        }
        _ => format!("it needs more workers (consumer.{}.concurrency or service.{service}.replicas)", reader.name),
    };
    Some(format!(
        "{} still falls behind at the end, {} come, {} are settled, {} wait: {more} or less work.",
        name(of),
        rate(kept),
        rate(settled),
        number::count(of.it.pending),
    ))
}

/// The points of the series after the warm-up, in parts.
fn part(facts: &Facts) -> (usize, usize) {
    let series = &facts.results.series;
    let from = facts.model.warmup.as_nanos().div_ceil(series.interval.as_nanos().max(1)) as usize;
    (from, series.points.saturating_sub(from) / PARTS)
}

fn part_secs(facts: &Facts) -> f64 {
    part(facts).1 as f64 * facts.results.series.interval.as_secs_f64()
}

/// What came in the last part, what was settled, and the lag if it is higher than in every part before.
fn last_part(facts: &Facts, it: &GroupSeries) -> Option<(u64, u64, Option<f64>)> {
    let (from, length) = part(facts);
    let lags: Vec<f64> = it.lag.get(from..)?.chunks_exact(length.max(1)).take(PARTS).map(mean).collect();
    let (last, before) = lags.split_last().filter(|_| length > 0)?;
    let start = from + (PARTS - 1) * length;
    let sum = |column: &[u64]| column.iter().skip(start).take(length).sum::<u64>();
    let settled = sum(&it.consumed) + sum(&it.dead) + sum(&it.expired) + sum(&it.lost);
    Some((sum(&it.kept), settled, before.iter().all(|lag| *last >= HIGHER_MIN * lag).then_some(*last)))
}

fn mean(levels: &[f64]) -> f64 {
    levels.iter().sum::<f64>() / levels.len() as f64
}

/// Messages that are gone without having been handled.
fn lost(facts: &Facts, of: &GroupOf) -> Option<String> {
    let lost = of.it.with_fate(Fate::Lost);
    if lost == 0 {
        return None;
    }
    let fact = format!("{} lost {}", name(of), counted(lost, "message"));
    let readers = readers(facts, of);
    let try_this = match readers.iter().find(|it| it.delivery == Delivery::AtMostOnce) {
        Some(it) => format!("consumer.{}.delivery = \"at-most-once\" acknowledges before it handles", it.name),
        None => match &facts.model.topics[of.group.topic].keeping {
            Keeping::Log(log) if log.retention.is_some() || log.retention_size.is_some() => format!(
                "what is removed before it is read is lost ({p}.retention and .retention_size), and so is what a leader \
                 had not replicated",
                p = path(facts, of)
            ),
            Keeping::Log(_) => "what a leader had not replicated when he died is lost".to_owned(),
            Keeping::Queue(_) => match readers.iter().find(|it| it.dead_letter.is_none()) {
                // What was given up had failed before.
                Some(it) if it.settling.max_deliveries != Limit::Unlimited && of.it.handled_badly > 0 => {
                    format!("what has failed for good goes nowhere: try consumer.{}.dead_letter", it.name)
                }
                _ => format!("what does not fit is dropped: look at {}.length and .overflow", path(facts, of)),
            },
        },
    };
    Some(format!("{fact}: {try_this}."))
}

/// `1 message lies`, `2 messages lie`.
fn lie(count: u64, what: &str) -> String {
    format!("{} {}", counted(count, what), if count == 1 { "lies" } else { "lie" })
}

/// Dead letters that nobody takes, or that came back after they were sent back.
fn dead_letters(facts: &Facts, of: &GroupOf) -> Option<String> {
    let redriven = of.it.with_fate(Fate::Redriven);
    let takes = messaging::gets_dead_letters(facts.model, of.group.topic) && of.group.consumers.is_empty();
    if takes && redriven > 0 && of.it.pending > 0 {
        return Some(format!(
            "{} in {} though {}: what was sent back fails again. Find out what is wrong with it, or with who handles it, before \
             it is sent back once more.",
            lie(of.it.pending, "dead letter"),
            name(of),
            if redriven == 1 {
                "1 was sent back".to_owned()
            } else {
                format!("{} were sent back", number::count(redriven))
            },
        ));
    }
    let waiting = untaken(facts, of).filter(|_| messaging::gets_dead_letters(facts.model, of.group.topic))?;
    let path = path(facts, of);
    let who = match facts.model.topics[of.group.topic].is_queue {
        true => format!(
            "give it a [consumer.NAME], set {path}.redrive, or send them back with `redrive` of a [change.NAME]"
        ),
        false => "give it a [consumer.NAME]".to_owned(),
    };
    Some(format!("{} in {}, and nobody reads them: {who}.", lie(waiting, "dead letter"), name(of)))
}

/// Other messages that nobody takes.
fn unread(facts: &Facts, of: &GroupOf) -> Option<String> {
    let waiting = untaken(facts, of).filter(|_| !messaging::gets_dead_letters(facts.model, of.group.topic))?;
    Some(format!("{} in {}, and nobody reads them: it needs a [consumer.NAME].", lie(waiting, "message"), name(of)))
}

/// How many lie in a topic that nobody reads and that is never emptied.
fn untaken(facts: &Facts, of: &GroupOf) -> Option<u64> {
    let (model, topic) = (facts.model, of.group.topic);
    let redrives = model.changes.iter().any(|it| it.action == Action::Redrive(topic));
    let is_emptied = model.topics[topic].redrive_every.is_some() || redrives;
    (of.group.consumers.is_empty() && of.it.pending > 0 && !is_emptied).then_some(of.it.pending)
}

/// What was done to the world outside more than once.
fn done_again(facts: &Facts, results: &MessagingResults) -> Option<String> {
    let harmful = results.effects.iter().filter(|it| !facts.model.endpoints[it.endpoint].effect_once);
    let worst = harmful.max_by_key(|it| it.again).filter(|it| it.again > 0)?;
    let endpoint = &facts.model.endpoints[worst.endpoint];
    let service = &facts.model.services[endpoint.service].name;
    Some(format!(
        "{} was done again {} for the same thing: what is delivered or tried again must do no harm. Where it does none, because \
         of an upsert or an idempotency key, say so (service.{service}.endpoint.{}.effect_once = true).",
        endpoint.effect.as_deref().unwrap_or_default(),
        counted(worst.again, "time"),
        endpoint.name,
    ))
}

/// Members that have nothing to read.
fn idle(facts: &Facts, of: &GroupOf) -> Option<String> {
    let topic = &facts.model.topics[of.group.topic];
    let (partitions, workers) = (partitions(facts, of)?, workers(facts, of));
    let is_kafka = facts.model.brokers[topic.broker].kind == BrokerKind::Kafka;
    (is_kafka && workers > partitions).then(|| {
        format!(
            "{} of the {} workers of {} {} nothing to read: {} has {}, and each goes to one of them.",
            number::count(workers - partitions),
            number::count(workers),
            name(of),
            if workers - partitions == 1 { "has" } else { "have" },
            path(facts, of),
            counted(partitions, "partition"),
        )
    })
}
