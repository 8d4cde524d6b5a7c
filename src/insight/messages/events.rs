//! What happened to messages, in words.

use crate::base::time::Span;
use crate::measure::{ConsumerBin, GroupBin};
use crate::model::{Caller, ConsumerId, Id, TopicId, Verdict};

use super::super::blame::{self as blame, Cause};
use super::super::event::{EventKind, PlaceKind};
use super::super::events::{Teller, same};
use super::super::runs::Which;
use super::super::verdict::Judgement;
use super::super::words;
use super::blame::{Why, hot, hot_partition, of_group, share_again};
use super::verdict::GroupJudgement;

/// A peak that is no further from the end of the run is told there.
const NEAR_END: Span = Span::from_secs(5);
/// Part of the workers' requests that wait for somebody that is worth naming him.
const AWAITED: f64 = 0.5;

type Causes = Vec<(PlaceKind, String, EventKind)>;

impl Teller<'_, '_> {
    /// What happened to the messages of a group.
    pub(in super::super) fn group(&mut self, id: usize, judgement: &Judgement) {
        let (runs, it, judged) = (self.runs, self.onsets.groups[id], &judgement.groups[id]);
        let name = runs.group_name(id);
        let place = || (PlaceKind::Topic, name.clone());
        let own = |kinds: &[EventKind]| same(PlaceKind::Topic, &name, kinds);
        let sum = |bins: (usize, usize), of: fn(&GroupBin) -> f64| runs.group_sum(Which::Main, id, bins, of);
        if let Some(bin) = it.fewer {
            let bins = self.shown(bin);
            let mean = |which| {
                let there: fn(&ConsumerBin) -> f64 = |bin| f64::from(bin.there);
                runs.workers_sum(which, id, bins, there) / (bins.1 - bins.0) as f64
            };
            let (there, usual) = (mean(Which::Main), mean(Which::Twin));
            let cause = self.of_messages(id, bin, Vec::new());
            let draft = self.add(bin, EventKind::WorkersGone, place(), Some(3));
            draft.what = match words::number(there).as_str() {
                "0" => format!("no worker is there, usually {}", words::number(usual)),
                there => format!("{there} workers are there on average, usually {}", words::number(usual)),
            };
            draft.evidence.push(("workers_mean".to_owned(), there));
            draft.evidence.push(("workers_of_twin_mean".to_owned(), usual));
            draft.cause = cause;
        }
        self.lag(id, judged);
        if let Some(bin) = it.failing {
            let bins = self.shown(bin);
            let failed = sum(bins, |bin| f64::from(bin.handled_badly));
            let share = failed / (failed + sum(bins, |bin| f64::from(bin.consumed))).max(1.0);
            let mut cause: Causes = runs
                .handlers(id)
                .into_iter()
                .flat_map(|service| {
                    let found = blame::of_failing(runs, service, bin);
                    let mut keys = if matches!(found, Cause::Edge(_)) { self.of_cause(found) } else { Vec::new() };
                    keys.extend(same(PlaceKind::Service, runs.service_name(service), &[EventKind::Fails]));
                    keys
                })
                .collect();
            cause = self.of_messages(id, bin, cause);
            let draft = self.add(bin, EventKind::HandlingFails, place(), Some(3));
            draft.what = format!("{} of the handlings fail, and are tried again", words::percent(share));
            draft.evidence.push(("handlings_failed_share".to_owned(), share));
            draft.cause = cause;
        }
        if let Some(bin) = it.rebalancing {
            let count = sum((bin, runs.bins), |bin| f64::from(bin.rebalances));
            let first = runs.groups[id].consumers.first().map(|it| &runs.model.consumers[*it]);
            let cause =
                self.of_messages(id, bin, own(&[EventKind::WorkersGone, EventKind::LagGrows, EventKind::WorkersBusy]));
            let draft = self.add(bin, EventKind::Rebalances, place(), Some(2));
            let times = if count < 1.5 { "once".to_owned() } else { format!("{} times", words::number(count)) };
            draft.what = format!("partitions are shared anew, {times} until the end");
            if let Some(it) = first.filter(|_| count > 2.0) {
                let (most, lost) = (it.membership.max_poll_interval, it.membership.session_timeout);
                draft.what +=
                    &format!(": who does not ask for more within {most} or is silent for {lost} is thrown out");
            }
            draft.evidence.push(("rebalances".to_owned(), count));
            draft.cause = cause;
        }
        if let Some(bin) = it.redelivering {
            let (bins, rest) = (self.shown(bin), (bin, runs.bins));
            let (share, count) = (share_again(runs, id, bins), sum(rest, |bin| f64::from(bin.redelivered)));
            let draft = self.add(bin, EventKind::Redelivers, place(), Some(3));
            draft.what = format!(
                "{} of the deliveries are of messages that came before; {} until the end",
                words::percent(share),
                words::number(count)
            );
            draft.evidence.push(("redelivered_share".to_owned(), share));
            draft.evidence.push(("redelivered".to_owned(), count));
            let kinds = [
                EventKind::HandlingFails,
                EventKind::Rebalances,
                EventKind::WorkersGone,
                EventKind::WorkersBusy,
                EventKind::LagGrows,
            ];
            draft.cause = own(&kinds);
        }
        self.gone(id);
        self.late(id, judged);
        if let Some(at) = judged.recovered_at.filter(|_| judged.verdict == Verdict::Recovered && is_late(judged, runs))
        {
            let is_last = judgement.recovered_at == Some(at);
            let draft = self.add(runs.main.bin_of(at), EventKind::CatchesUp, place(), (!is_last).then_some(4));
            draft.at = at;
            draft.what = "has caught up".to_owned();
            draft.cause = own(&[EventKind::LagPeaks, EventKind::LagGrows]);
        }
    }

    /// Whether a service does nothing but handle messages, and these have begun to wait.
    pub(in super::super) fn lags(&self, service: usize, bin: usize) -> bool {
        let runs = self.runs;
        let is_called = runs.into(service).any(|edge| !matches!(runs.edge(edge).from, Caller::Consumer(_)));
        let lags = |group: usize| {
            let waits = self.onsets.groups[group].lag.is_some_and(|lag| lag <= bin + runs.bins_of(NEAR_END));
            waits && runs.handlers(group).contains(&service)
        };
        !is_called && (0..runs.groups.len()).any(lags)
    }

    /// How many messages wait.
    fn lag(&mut self, id: usize, judged: &GroupJudgement) {
        let (runs, it) = (self.runs, self.onsets.groups[id]);
        let name = runs.group_name(id);
        let place = || (PlaceKind::Topic, name.clone());
        let sum = |bins: (usize, usize), of: fn(&GroupBin) -> f64| runs.group_sum(Which::Main, id, bins, of);
        if let Some(bin) = it.busy {
            let workers = runs.workers_sum(Which::Main, id, (bin, bin + 1), |bin| f64::from(bin.there));
            let waits = runs
                .handlers(id)
                .into_iter()
                .filter_map(|service| blame::awaited(runs, service, blame::looking(runs, bin)));
            let most = waits.filter(|(_, share)| *share >= AWAITED).max_by(|a, b| a.1.total_cmp(&b.1));
            let cause = self.of_messages(id, bin, Vec::new());
            let weight = if it.lag.is_some() { None } else { Some(5) };
            let draft = self.add(bin, EventKind::WorkersBusy, place(), weight);
            draft.what = format!("all {} workers busy", words::number(workers));
            if let Some((edge, _)) = most {
                draft.what += &format!(", most of them waiting for {}", runs.service_name(runs.callee(edge)));
            }
            draft.evidence.push(("workers".to_owned(), workers));
            draft.cause = cause;
        }
        // Without a twin it is compared with its own beginning, which may have lagged, too.
        let since = judged.harmed_from.filter(|_| runs.twin.is_none()).map(|at| runs.main.bin_of(at));
        let Some(bin) = it.lag.into_iter().chain(since).min() else { return };
        let is_harmed = judged.harmed_from.is_some();
        if let Some(hot) = hot(runs, id).filter(|_| is_harmed) {
            let draft = self.add(bin, EventKind::PartitionHot, place(), Some(2));
            draft.what = hot_partition(&hot);
            draft.evidence.push(("partition".to_owned(), hot.number as f64));
            draft.evidence.push(("messages_share".to_owned(), hot.share));
        }
        let bins = self.shown(bin);
        let secs = (bins.1 - bins.0) as f64 * runs.bin_secs();
        let rate = |of| sum(bins, of) / secs;
        let (come, handled) = (rate(|bin| f64::from(bin.kept)), rate(|bin| f64::from(bin.consumed)));
        let waiting = sum(bins, |bin| f64::from(bin.lag)) / (bins.1 - bins.0) as f64;
        let usual = waiting - runs.group_excess(id, bins, |bin| f64::from(bin.lag));
        let first = [EventKind::PartitionHot, EventKind::HandlingFails, EventKind::WorkersGone];
        let mut keys = same(PlaceKind::Topic, &name, &first);
        keys = self.of_messages(id, bin, keys);
        let draft = self.add(bin, EventKind::LagGrows, place(), Some(if is_harmed { 2 } else { 5 }));
        draft.what = match come > 1.02 * handled && come - handled >= 0.1 {
            true => format!("falls behind: {}/s come, {}/s are handled", words::number(come), words::number(handled)),
            false => format!("{} messages wait", words::number(waiting)),
        };
        if runs.twin.is_some() && come <= 1.02 * handled {
            draft.what += &format!(", usually {}", words::number(usual.max(0.0)));
        }
        draft.evidence.push(("lag_mean".to_owned(), waiting));
        draft.evidence.push(("lag_of_twin_mean".to_owned(), usual.max(0.0)));
        draft.evidence.push(("kept_per_s".to_owned(), come));
        draft.evidence.push(("consumed_per_s".to_owned(), handled));
        draft.cause = keys;
        // At the end of the run it is said there.
        let groups = (bin..runs.bins).map(|bin| (bin, runs.main.messages.group(bin, id).lag));
        let peak = groups.reduce(|most, it| if it.1 > most.1 { it } else { most });
        let is_last = |bin: usize| bin + runs.bins_of(NEAR_END) >= runs.bins;
        if let Some((peak, lag)) = peak.filter(|(peak, _)| is_harmed && !is_last(*peak)) {
            let oldest = f64::from(runs.main.messages.group(peak, id).age_s);
            let draft = self.add(peak, EventKind::LagPeaks, place(), Some(3));
            draft.what = format!("{} messages wait, the oldest for {}", words::number(f64::from(lag)), seconds(oldest));
            draft.evidence.push(("lag".to_owned(), f64::from(lag)));
            draft.evidence.push(("oldest_age_s".to_owned(), oldest));
            draft.cause = same(PlaceKind::Topic, &name, &[EventKind::LagGrows]);
        }
    }

    /// When messages are later than the file allows.
    fn late(&mut self, id: usize, judged: &GroupJudgement) {
        let runs = self.runs;
        let name = runs.group_name(id);
        let Some(from) = judged.harmed_from else { return };
        let age = |which: Which, bin: usize| runs.group_sum(which, id, (bin, bin + 1), |bin| f64::from(bin.age_s));
        let allowed = runs.model.verdict.lag.as_secs_f64();
        let is_late = |bin: &usize| age(Which::Main, *bin) - age(Which::Twin, *bin) > allowed;
        let Some(bin) = (runs.main.bin_of(from)..runs.bins).find(is_late) else { return };
        let draft = self.add(bin, EventKind::MessagesLate, (PlaceKind::Topic, name.clone()), Some(1));
        draft.what = format!("messages are late: the oldest has waited for {}", seconds(age(Which::Main, bin)));
        draft.evidence.push(("oldest_age_s".to_owned(), age(Which::Main, bin)));
        draft.evidence.push(("oldest_age_of_twin_s".to_owned(), age(Which::Twin, bin)));
        let kinds = [EventKind::LagGrows, EventKind::Redelivers, EventKind::Rebalances, EventKind::HandlingFails];
        draft.cause = same(PlaceKind::Topic, &name, &kinds);
    }

    /// Messages that will not be handled.
    fn gone(&mut self, id: usize) {
        let (runs, it) = (self.runs, self.onsets.groups[id]);
        let name = runs.group_name(id);
        type Gone<'a> = (Option<usize>, EventKind, fn(&GroupBin) -> f64, &'a str, &'a str);
        let all: [Gone; 3] = [
            (it.dead, EventKind::DeadLetters, |bin| f64::from(bin.dead), "become dead letters", "dead"),
            (it.expiring, EventKind::Expires, |bin| f64::from(bin.expired), "expire", "expired"),
            (it.losing, EventKind::LosesMessages, |bin| f64::from(bin.lost), "are lost", "lost"),
        ];
        for (bin, kind, of, does, what) in all {
            let Some(bin) = bin else { continue };
            let count = runs.group_sum(Which::Main, id, (bin, runs.bins), of);
            let kinds = [EventKind::HandlingFails, EventKind::WorkersGone, EventKind::LagGrows, EventKind::Redelivers];
            let cause = self.of_messages(id, bin, same(PlaceKind::Topic, &name, &kinds));
            let draft = self.add(bin, kind, (PlaceKind::Topic, name.clone()), Some(2));
            draft.what = format!("messages {does}, {} until the end", words::number(count));
            draft.evidence.push((what.to_owned(), count));
            draft.cause = cause;
        }
    }

    /// What happened to those who publish.
    pub(in super::super) fn topic(&mut self, id: usize) {
        let (runs, it) = (self.runs, self.onsets.topics[id]);
        let name = runs.topic_name(id).to_owned();
        let place = || (PlaceKind::Topic, name.clone());
        let broker = &runs.model.brokers[runs.model.topics[TopicId::new(id)].broker];
        let groups: Vec<String> = (0..runs.groups.len())
            .filter(|group| runs.topic_of(*group) == id)
            .map(|group| runs.group_name(group))
            .collect();
        if let Some(bin) = it.full {
            let disk = broker.disk.map_or(0.0, |disk| disk.as_bytes() as f64);
            let draft = self.add(bin, EventKind::DiskFills, place(), Some(2));
            draft.what = format!("the disk of {} is full", broker.name);
            draft.evidence.push(("disk_bytes".to_owned(), disk));
            draft.cause =
                groups.iter().flat_map(|group| same(PlaceKind::Topic, group, &[EventKind::LagGrows])).collect();
        }
        let struck = || {
            let mut keys = same(PlaceKind::Topic, &name, &[EventKind::DiskFills]);
            keys.extend(same(PlaceKind::Broker, &broker.name, &[EventKind::TriggerBegins]));
            keys.extend(same(PlaceKind::Topic, &name, &[EventKind::TriggerBegins]));
            keys
        };
        if let Some(bin) = it.waiting {
            let bins = self.shown(bin);
            let waiting =
                runs.topic_sum(Which::Main, id, bins, |bin| f64::from(bin.under_way)) / (bins.1 - bins.0) as f64;
            let draft = self.add(bin, EventKind::PublishersWait, place(), Some(4));
            draft.what = format!("{} messages wait for the broker", words::number(waiting));
            draft.evidence.push(("under_way_mean".to_owned(), waiting));
            draft.cause = struck();
        }
        if let Some(bin) = it.failing {
            let bins = self.shown(bin);
            let sum = |of| runs.topic_sum(Which::Main, id, bins, of);
            let share = sum(|bin| f64::from(bin.failed)) / sum(|bin| f64::from(bin.tried)).max(1.0);
            let draft = self.add(bin, EventKind::PublishFails, place(), Some(3));
            draft.what = format!("{} of what is to be published is not", words::percent(share.min(1.0)));
            draft.evidence.push(("publish_failed_share".to_owned(), share));
            draft.cause = struck();
        }
    }

    /// What more messages, or fewer who handle them, follow from: a trigger, `first`, whoever is waited for, those who
    /// publish more.
    fn of_messages(&self, group: usize, bin: usize, first: Causes) -> Causes {
        let runs = self.runs;
        let why = of_group(runs, group, bin);
        let mut keys = Causes::new();
        let topic = runs.topic_of(group);
        let broker = &runs.model.brokers[runs.model.topics[TopicId::new(topic)].broker].name;
        match why {
            Why::Trigger(n) => {
                keys.extend(first);
                keys.extend(self.of_cause(Cause::Trigger(n)));
            }
            Why::Edge(edge) => {
                keys.extend(self.of_cause(Cause::Edge(edge)));
                keys.extend(first);
            }
            Why::Load => {
                keys.extend(first);
                for service in runs.publishers(topic) {
                    keys.extend(same(PlaceKind::Service, runs.service_name(service), &[EventKind::MoreArrives]));
                }
            }
            Why::Own => keys.extend(first),
        }
        keys.extend(same(PlaceKind::Broker, broker, &[EventKind::TriggerBegins]));
        keys.extend(same(PlaceKind::Topic, runs.topic_name(topic), &[EventKind::TriggerBegins]));
        keys
    }

    /// Events that may be why threads wait for a broker.
    pub(in super::super) fn of_topic(&self, topic: usize) -> Causes {
        let name = self.runs.topic_name(topic);
        let broker = &self.runs.model.brokers[self.runs.model.topics[TopicId::new(topic)].broker].name;
        let mut keys =
            same(PlaceKind::Topic, name, &[EventKind::DiskFills, EventKind::PublishFails, EventKind::PublishersWait]);
        keys.extend(same(PlaceKind::Broker, broker, &[EventKind::TriggerBegins]));
        keys
    }

    /// Events that may be why a consumer calls more.
    pub(in super::super) fn of_consumer(&self, id: ConsumerId) -> Causes {
        let groups = (0..self.runs.groups.len()).filter(|group| self.runs.groups[*group].consumers.contains(&id));
        let kinds = [EventKind::Redelivers, EventKind::LagGrows];
        groups.flat_map(|group| same(PlaceKind::Topic, &self.runs.group_name(group), &kinds)).collect()
    }
}

/// How it ended where messages fared worst.
pub(in super::super) fn ending(it: &GroupJudgement) -> String {
    let waiting = format!(
        "{} messages of {} wait, the oldest for {}",
        words::number(it.lag_at_end),
        it.group,
        seconds(it.oldest_at_end_s)
    );
    match it.missing_at_end {
        missing if missing >= 0.01 => {
            format!("{waiting}, and {} of those that come are not handled", words::percent(missing))
        }
        _ => waiting,
    }
}

/// Whether messages of a group were late, not only gone.
fn is_late(it: &GroupJudgement, runs: &super::super::runs::Runs<'_>) -> bool {
    it.oldest_peak_s > runs.model.verdict.lag.as_secs_f64()
}

/// `15.1 s`.
pub(in super::super) fn seconds(secs: f64) -> String {
    if secs < 9.95 { format!("{secs:.1} s") } else { format!("{secs:.0} s") }
}
