//! When every group of consumers and every topic began to differ from what it does in the twin run; for a run without a
//! trigger, from what it did at first.

use crate::measure::{ConsumerBin, GroupBin, TopicBin};
use crate::model::{BrokerId, Id, Keeping};

use super::super::onsets::{FAILURES_MATTER, FULL, FULL_FOR, LOAD_MATTERS, Seen};
use super::super::runs::{Runs, Which};
use super::super::shift;

/// A lag is worth telling that is longer by as many messages as come within so many seconds.
const LAG_SECS: f64 = 0.2;
/// And by so much of what it usually is.
const LAG_MATTERS: f64 = 0.5;
/// And by so many messages.
const LAG_MIN: f64 = 3.0;
/// Part of the workers that are there usually whose absence is worth telling.
const WORKERS_MATTER: f64 = 0.1;
/// Publishers that wait, of those who came within a second.
const WAITING_SECS: f64 = 0.1;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct GroupOnsets {
    /// More messages wait.
    pub(in super::super) lag: Option<usize>,
    /// More messages come.
    pub(in super::super) load: Option<usize>,
    /// Fewer workers are there.
    pub(in super::super) fewer: Option<usize>,
    /// All workers that are there are busy.
    pub(in super::super) busy: Option<usize>,
    /// Handlers fail.
    pub(in super::super) failing: Option<usize>,
    /// Messages are delivered again.
    pub(in super::super) redelivering: Option<usize>,
    /// Partitions are shared anew.
    pub(in super::super) rebalancing: Option<usize>,
    /// Messages become dead letters.
    pub(in super::super) dead: Option<usize>,
    /// Messages expire.
    pub(in super::super) expiring: Option<usize>,
    /// Messages are lost.
    pub(in super::super) losing: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct TopicOnsets {
    /// More messages are under way to the broker.
    pub(in super::super) waiting: Option<usize>,
    /// Publishing fails.
    pub(in super::super) failing: Option<usize>,
    /// The disk is full.
    pub(in super::super) full: Option<usize>,
}

impl GroupOnsets {
    /// When anything about it began to differ for the worse.
    pub(in super::super) fn first(&self) -> Option<usize> {
        let all = [self.lag, self.fewer, self.failing, self.redelivering, self.rebalancing];
        all.into_iter().chain([self.dead, self.expiring, self.losing]).flatten().min()
    }
}

impl TopicOnsets {
    /// When anything about it began to differ for the worse.
    pub(in super::super) fn first(&self) -> Option<usize> {
        [self.waiting, self.failing, self.full].into_iter().flatten().min()
    }
}

/// Those of a group.
pub(in super::super) fn group(seen: &Seen<'_, '_>, id: usize) -> GroupOnsets {
    let runs = seen.runs;
    let read = move |which: Which, bin: usize, of: fn(&GroupBin) -> f64| {
        runs.causes(which).map_or(0.0, |causes| of(causes.messages.group(bin, id)))
    };
    let both =
        |of: fn(&GroupBin) -> f64| (move |bin| read(Which::Main, bin, of), move |bin| read(Which::Twin, bin, of));
    let workers =
        move |which: Which, bin: usize, of: fn(&ConsumerBin) -> f64| runs.workers_sum(which, id, (bin, bin + 1), of);
    let kept = both(|bin| f64::from(bin.kept));
    let (usual, _) = shift::moments((runs.warm..runs.bins).map(&kept.0));
    let rate = usual / runs.bin_secs();
    let count = |of: fn(&GroupBin) -> f64| {
        let (main, twin) = both(of);
        seen.failures(main, twin, usual)
    };
    let there: fn(&ConsumerBin) -> f64 = |bin| f64::from(bin.there);
    let has_workers = !runs.groups[id].consumers.is_empty();
    let lag = both(|bin| f64::from(bin.lag));
    let rebalances = both(|bin| f64::from(bin.rebalances));
    // Sharing anew takes place or does not: more often than in the twin is enough.
    let rebalancing = (seen.from..runs.bins).find(|bin| (rebalances.0)(*bin) > (rebalances.1)(*bin));
    GroupOnsets {
        lag: seen
            .rise(lag.0, lag.1, |mean| (LAG_MATTERS * mean).max(LAG_SECS * rate).max(LAG_MIN))
            .filter(|_| has_workers),
        load: seen.rise(kept.0, kept.1, |mean| (LOAD_MATTERS * mean).max(0.02)),
        fewer: seen
            .rise(
                |bin| -workers(Which::Main, bin, there),
                |bin| -workers(Which::Twin, bin, there),
                |mean| WORKERS_MATTER * mean.abs().max(0.5),
            )
            .filter(|_| has_workers && runs.twin.is_some()),
        busy: busy(seen, id).filter(|_| has_workers),
        failing: count(|bin| f64::from(bin.handled_badly)),
        redelivering: count(|bin| f64::from(bin.redelivered)),
        rebalancing,
        dead: gone(seen, id, |bin| f64::from(bin.dead)),
        expiring: gone(seen, id, |bin| f64::from(bin.expired)),
        losing: gone(seen, id, |bin| f64::from(bin.lost)),
    }
}

/// Messages that are gone are told if any are that should not be; where they are in the twin, too, if more are.
fn gone(seen: &Seen<'_, '_>, id: usize, of: fn(&GroupBin) -> f64) -> Option<usize> {
    let runs = seen.runs;
    let whole = (runs.warm, runs.bins);
    let main = |bin: usize| of(runs.main.messages.group(bin, id));
    if runs.twin.is_some() && runs.group_sum(Which::Twin, id, whole, of) == 0.0 {
        return (seen.from..runs.bins).find(|bin| main(*bin) > 0.0);
    }
    let twin = |bin: usize| runs.causes(Which::Twin).map_or(0.0, |causes| of(causes.messages.group(bin, id)));
    let usual =
        runs.group_sum(Which::Main, id, whole, |bin| f64::from(bin.kept)) / (runs.bins - runs.warm).max(1) as f64;
    seen.failures(main, twin, usual)
}

/// The first bin in which, and for longer than ever in the twin, all workers that are there are busy.
fn busy(seen: &Seen<'_, '_>, id: usize) -> Option<usize> {
    let runs = seen.runs;
    let is_full = |which: Which, bin: usize| {
        let sum = |of| runs.workers_sum(which, id, (bin, bin + 1), of);
        let there = sum(|it: &ConsumerBin| f64::from(it.there));
        there > 0.0 && sum(|it: &ConsumerBin| f64::from(it.busy)) >= FULL * there
    };
    longer_than_usual(seen, |bin| is_full(Which::Main, bin), |bin| is_full(Which::Twin, bin))
}

/// The first bin from which on something is so for longer than it ever is in the twin.
fn longer_than_usual(seen: &Seen<'_, '_>, main: impl Fn(usize) -> bool, twin: impl Fn(usize) -> bool) -> Option<usize> {
    let runs = seen.runs;
    let (mut row, mut usual) = (0, 0);
    for bin in runs.warm..if runs.twin.is_some() { runs.bins } else { 0 } {
        row = if twin(bin) { row + 1 } else { 0 };
        usual = usual.max(row);
    }
    let needed = runs.bins_of(FULL_FOR).max(usual + 1);
    row = 0;
    for bin in seen.from..runs.bins {
        row = if main(bin) { row + 1 } else { 0 };
        if row == needed {
            return Some(bin + 1 - needed);
        }
    }
    None
}

/// Those of a topic or a queue.
pub(in super::super) fn topic(seen: &Seen<'_, '_>, id: usize) -> TopicOnsets {
    let runs = seen.runs;
    let read = move |which: Which, bin: usize, of: fn(&TopicBin) -> f64| {
        runs.causes(which).map_or(0.0, |causes| of(causes.messages.topic(bin, id)))
    };
    let both =
        |of: fn(&TopicBin) -> f64| (move |bin| read(Which::Main, bin, of), move |bin| read(Which::Twin, bin, of));
    let tried = both(|bin| f64::from(bin.tried));
    let (usual, _) = shift::moments((runs.warm..runs.bins).map(&tried.0));
    let rate = usual / runs.bin_secs();
    let (under_way, failed) = (both(|bin| f64::from(bin.under_way)), both(|bin| f64::from(bin.failed)));
    let full = |which, bin| is_disk_full(runs, which, id, bin);
    TopicOnsets {
        waiting: seen.rise(under_way.0, under_way.1, |mean| (LAG_MATTERS * mean).max(WAITING_SECS * rate).max(LAG_MIN)),
        failing: seen.failures(failed.0, failed.1, usual.max(LAG_MIN * FAILURES_MATTER)),
        full: longer_than_usual(seen, |bin| full(Which::Main, bin), |bin| full(Which::Twin, bin)),
    }
}

/// Whether what the broker of a topic keeps takes up its disk; a queue lies on one node, the partitions of a log on all.
fn is_disk_full(runs: &Runs<'_>, which: Which, topic: usize, bin: usize) -> bool {
    let Some((disk, nodes, broker)) = disk(runs, topic) else { return false };
    let Some(causes) = runs.causes(which) else { return false };
    let of_broker = runs.model.topics.enumerate().filter(|(_, it)| it.broker == broker);
    let bytes: f64 = of_broker.map(|(id, _)| f64::from(causes.messages.topic(bin, id.index()).disk)).sum();
    bytes >= FULL * disk * nodes
}

/// The bytes that a node keeps, on how many a topic lies, and their broker; `None` without limit.
fn disk(runs: &Runs<'_>, topic: usize) -> Option<(f64, f64, BrokerId)> {
    let topic = runs.model.topics.iter().nth(topic)?;
    let broker = &runs.model.brokers[topic.broker];
    let nodes = match topic.keeping {
        Keeping::Log(_) => broker.nodes,
        Keeping::Queue(_) => 1,
    };
    Some((broker.disk?.as_bytes() as f64, f64::from(nodes), topic.broker))
}
