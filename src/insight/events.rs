//! The story: what happened, in the order of time, each with what it follows from and the numbers that show it.

use crate::base::time::{Span, Time};
use crate::model::{Caller, Id, Limit, ServiceId, Verdict};
use crate::policy::Outcome;

use super::blame::{self, Cause, Root};
use super::event::{Event, EventKind, Place, PlaceKind};
use super::onsets::{Onsets, is_held_back};
use super::runs::{Failing, Runs, Which};
use super::sustain::{Loop, LoopKind};
use super::verdict::Judgement;
use super::words;

/// How long after an onset its numbers are taken.
const SHOWN: Span = Span::from_secs(5);
/// A short story has at most so many events.
const TOLD_MAX: usize = 14;
/// From this multiple of the usual attempts on, an edge or a service has more than usual.
const MORE: f64 = 1.2;

/// An event whose cause has no number yet.
pub(super) struct Draft {
    pub(super) bin: usize,
    pub(super) at: Time,
    /// How many calls lie between the users and it.
    depth: usize,
    kind: EventKind,
    place: Place,
    pub(super) what: String,
    pub(super) cause: Vec<(PlaceKind, String, EventKind)>,
    pub(super) evidence: Vec<(String, f64)>,
    /// What is told first when not all is told; `None` is not told.
    weight: Option<u32>,
}

/// Tells the story; none where nothing happened.
pub(super) fn tell(
    runs: &Runs<'_>,
    onsets: &Onsets,
    judgement: &Judgement,
    root: &Root,
    sustained_by: Option<&Loop>,
) -> Vec<Event> {
    if judgement.verdict == Verdict::Stable {
        return Vec::new();
    }
    let mut teller = Teller { runs, onsets, drafts: Vec::new(), depths: depths(runs) };
    (0..runs.triggers.len()).for_each(|n| teller.trigger(n));
    (0..onsets.services.len()).for_each(|id| teller.service(id));
    (0..onsets.edges.len()).for_each(|id| teller.edge(id));
    (0..onsets.workloads.len()).for_each(|id| teller.workload(id, judgement));
    (0..onsets.groups.len()).for_each(|id| teller.group(id, judgement));
    (0..onsets.topics.len()).for_each(|id| teller.topic(id));
    teller.end(judgement, root, sustained_by);
    resolve(teller.drafts, runs.bins_of(Span::from_millis(100)))
}

pub(super) struct Teller<'r, 'a> {
    pub(super) runs: &'r Runs<'a>,
    pub(super) onsets: &'r Onsets,
    drafts: Vec<Draft>,
    depths: Vec<usize>,
}

impl Teller<'_, '_> {
    pub(super) fn shown(&self, bin: usize) -> (usize, usize) {
        (bin, (bin + self.runs.bins_of(SHOWN)).min(self.runs.bins))
    }

    pub(super) fn add(
        &mut self,
        bin: usize,
        kind: EventKind,
        place: (PlaceKind, String),
        weight: Option<u32>,
    ) -> &mut Draft {
        let at = self.runs.start(bin);
        let place = Place { kind: place.0, name: place.1 };
        self.drafts.push(Draft {
            bin,
            at,
            depth: 0,
            kind,
            place,
            what: String::new(),
            cause: Vec::new(),
            evidence: Vec::new(),
            weight,
        });
        self.drafts.last_mut().expect("it was just added")
    }

    fn trigger(&mut self, n: usize) {
        let runs = self.runs;
        let trigger = runs.triggers[n];
        let place = words::target(runs, n);
        let what = if blame::is_load(runs, n) { self.load(n) } else { words::trigger(runs, n) };
        let draft = self.add(runs.main.bin_of(trigger.from), EventKind::TriggerBegins, place.clone(), Some(0));
        (draft.at, draft.what) = (trigger.from, what);
        if let Some(until) = trigger.until.filter(|until| *until > trigger.from) {
            let draft = self.add(runs.main.bin_of(until), EventKind::TriggerEnds, place, Some(1));
            (draft.at, draft.what) = (until, "back to normal".to_owned());
        }
    }

    /// How much more a trigger makes a workload ask for.
    fn load(&self, n: usize) -> String {
        let (runs, trigger) = (self.runs, self.runs.triggers[n]);
        let blame::Struck::Workload(id) = blame::struck(runs, n) else { return words::trigger(runs, n) };
        let bins = (runs.main.bin_of(trigger.from), trigger.until.map_or(runs.bins, |until| runs.main.bin_of(until)));
        let offered = |which| runs.workload_sum(which, id, bins, |bin| f64::from(bin.offered));
        format!("{} the requests", words::times(offered(Which::Main) / offered(Which::Twin).max(1.0)))
    }

    fn service(&mut self, id: usize) {
        let (runs, it) = (self.runs, self.onsets.services[id]);
        let place = || (PlaceKind::Service, runs.service_name(id).to_owned());
        let sum = |bins, of: fn(&crate::measure::ServiceBin) -> f64| runs.service_sum(Which::Main, id, bins, of);
        let depth = self.depths[id];
        if let Some(bin) = it.saturated {
            let bins = self.shown(bin);
            let threads = runs.threads(id, bin).unwrap_or(0.0);
            let busy = sum(bins, |bin| f64::from(bin.busy)) / (bins.1 - bins.0) as f64;
            let waits: Vec<(usize, f64)> = runs
                .out_of(id)
                .map(|edge| {
                    (edge, runs.edge_sum(Which::Main, edge, bins, |b| f64::from(b.waiting)) / (bins.1 - bins.0) as f64)
                })
                .collect();
            let most =
                waits.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, waiting)| *waiting >= busy / 2.0);
            let cause = self.of_service(id, bin);
            let publishing =
                super::messages::blame::blocked_on(runs, id, bins).filter(|(_, share)| *share >= blame::ACCOUNTS);
            let draft = self.add(bin, EventKind::Saturates, place(), Some(2));
            let of = words::number(threads);
            draft.what = format!("{of}/{of} threads busy");
            draft.evidence.push(("threads".to_owned(), threads));
            draft.evidence.push(("busy_threads_mean".to_owned(), busy));
            if let Some((edge, waiting)) = most {
                let share = (waiting / busy).min(1.0);
                draft.what = format!(
                    "{of}/{of} threads taken, {} of them blocked on {}",
                    words::percent(share),
                    runs.service_name(runs.callee(edge))
                );
                draft.evidence.push(("blocked_share".to_owned(), share));
            } else if let Some((topic, waiting)) = publishing {
                let share = waiting.min(1.0);
                draft.what = format!(
                    "{of}/{of} threads taken, {} of them by what waits for the broker of {}",
                    words::percent(share),
                    runs.topic_name(topic)
                );
                draft.evidence.push(("blocked_on_broker_share".to_owned(), share));
            }
            (draft.cause, draft.depth) = (cause, depth);
        }
        if let Some(bin) = [it.crowded, it.busy, it.queue].into_iter().flatten().min() {
            let bins = self.shown(bin);
            let cause = self.of_service(id, bin);
            let in_system = sum(bins, |bin| f64::from(bin.in_system)) / (bins.1 - bins.0) as f64;
            let usual = in_system - runs.service_excess(id, bins, |bin| f64::from(bin.in_system));
            // Who is about to be saturated is not told twice.
            let is_told_elsewhere = it.saturated.is_some() || it.rejecting.is_some() || self.lags(id, bin);
            let weight = if is_told_elsewhere { None } else { Some(5) };
            let waits = blame::awaited(runs, id, blame::looking(runs, bin)).filter(|(_, share)| *share >= 0.5);
            let draft = self.add(bin, EventKind::Slows, place(), weight);
            draft.what = match (runs.twin.is_some() && usual >= 0.05, waits) {
                (true, Some((edge, _))) => format!(
                    "holds {} the usual requests: they wait for {}",
                    words::times(in_system / usual),
                    runs.service_name(runs.callee(edge))
                ),
                (true, None) => format!("holds {} the usual requests", words::times(in_system / usual)),
                _ => format!("holds {} requests", words::number(in_system)),
            };
            draft.evidence.push(("in_system_mean".to_owned(), in_system));
            draft.evidence.push(("in_system_of_twin_mean".to_owned(), usual.max(0.0)));
            (draft.cause, draft.depth) = (cause, depth);
        }
        if let Some(bin) = it.full {
            let waiting = runs.places(id, bin).unwrap_or(0.0);
            let weight = if it.rejecting.is_some() { None } else { Some(4) };
            let draft = self.add(bin, EventKind::QueueFills, place(), weight);
            draft.what = format!("queue full: {} wait", words::number(waiting));
            draft.evidence.push(("queue_places".to_owned(), waiting));
            draft.cause = same(PlaceKind::Service, runs.service_name(id), &[EventKind::Saturates, EventKind::Slows]);
            draft.depth = depth;
        }
        self.turned_away(id);
    }

    /// Requests that a service does not handle, or handles badly, and the load that comes to it.
    fn turned_away(&mut self, id: usize) {
        let (runs, it) = (self.runs, self.onsets.services[id]);
        let name = runs.service_name(id).to_owned();
        let place = || (PlaceKind::Service, name.clone());
        let sum = |bins, of: fn(&crate::measure::ServiceBin) -> f64| runs.service_sum(Which::Main, id, bins, of);
        let share = |part: f64, bins| part / sum(bins, |bin| f64::from(bin.arrivals)).max(1.0);
        let depth = self.depths[id];
        if let Some(bin) = it.rejecting {
            let bins = self.shown(bin);
            let rejected = share(sum(bins, |bin| f64::from(bin.rejected)), bins);
            let draft = self.add(bin, EventKind::Rejects, place(), Some(2));
            let is_bounded = runs.model.services[ServiceId::new(id)].queue != Limit::Unlimited;
            let why = if is_bounded { "queue full, " } else { "" };
            draft.what = format!("{why}{} rejected", words::percent(rejected.min(1.0)));
            draft.evidence.push(("rejected_share".to_owned(), rejected));
            let kinds = [EventKind::QueueFills, EventKind::Saturates, EventKind::Slows, EventKind::MoreArrives];
            draft.cause = same(PlaceKind::Service, &name, &kinds);
            draft.depth = depth;
        }
        if let Some(bin) = it.refusing {
            let bins = self.shown(bin);
            let refused = share(sum(bins, |bin| f64::from(bin.refused)), bins);
            let cause = blame::trigger_at_service(runs, id, bin).map(|n| self.of_cause(Cause::Trigger(n)));
            let draft = self.add(bin, EventKind::Refuses, place(), Some(3));
            draft.what = format!("{} find nobody there", words::percent(refused.min(1.0)));
            draft.evidence.push(("refused_share".to_owned(), refused));
            (draft.cause, draft.depth) = (cause.unwrap_or_default(), depth);
        }
        if let Some(bin) = it.failing {
            let bins = self.shown(bin);
            let failed = share(sum(bins, |bin| f64::from(bin.failed)), bins);
            let cause = blame::of_failing(runs, id, bin);
            let keys = self.of_cause(cause);
            let weight = if matches!(cause, Cause::Edge(_) | Cause::Topic(_)) { 6 } else { 3 };
            let draft = self.add(bin, EventKind::Fails, place(), Some(weight));
            draft.what = format!("{} answered with an error", words::percent(failed.min(1.0)));
            draft.evidence.push(("failed_share".to_owned(), failed));
            if let Cause::Edge(edge) = cause {
                draft.what += &format!(", since calls of {} fail", runs.service_name(runs.callee(edge)));
            }
            if let Cause::Topic(topic) = cause {
                draft.what += &format!(", since nothing can be published to {}", runs.topic_name(topic));
            }
            (draft.cause, draft.depth) = (keys, depth);
        }
        if let Some(bin) = it.load {
            let bins = self.shown(bin);
            let (arrivals, usual) = (
                sum(bins, |bin| f64::from(bin.arrivals)),
                runs.service_sum(Which::Twin, id, bins, |bin| f64::from(bin.arrivals)),
            );
            let edge = blame::more_load(runs, id, blame::looking(runs, bin));
            let keys = edge.map(|edge| self.of_cause(Cause::Load(edge))).unwrap_or_default();
            let draft = self.add(bin, EventKind::MoreArrives, place(), None);
            draft.what = if runs.twin.is_some() {
                format!("gets {} the usual attempts", words::times(arrivals / usual.max(1.0)))
            } else {
                "gets more attempts than at first".to_owned()
            };
            draft.evidence.push(("arrivals".to_owned(), arrivals));
            draft.evidence.push(("arrivals_of_twin".to_owned(), usual));
            (draft.cause, draft.depth) = (keys, depth);
        }
    }

    fn edge(&mut self, id: usize) {
        let (runs, it) = (self.runs, self.onsets.edges[id]);
        let name = runs.edge_names[id].clone();
        let place = || (PlaceKind::Edge, name.clone());
        let callee = runs.service_name(runs.callee(id));
        let depth = self.depths[runs.callee(id)];
        let is_told = |outcome: &Outcome| *outcome != Outcome::Ok && *outcome != Outcome::Cancelled;
        let most = |counts: [u64; crate::measure::OUTCOMES]| {
            let all = Outcome::ALL.into_iter().filter(is_told);
            all.max_by_key(|outcome| counts[*outcome as usize]).unwrap_or(Outcome::Error)
        };
        if let Some(bin) = it.failing {
            let bins = self.shown(bin);
            let counts = runs.failed(Which::Main, id, bins, Failing::Ended);
            let failed: u64 =
                Outcome::ALL.into_iter().filter(|o| is_told(o) && !is_held_back(*o)).map(|o| counts[o as usize]).sum();
            let ok = runs.edge_sum(Which::Main, id, bins, |bin| f64::from(bin.ok));
            let (outcome, share) = (most(counts), failed as f64 / (failed as f64 + ok).max(1.0));
            let cause = blame::trigger_at_edge(runs, id, bin).map(|n| self.of_cause(Cause::Trigger(n)));
            let cause = cause.unwrap_or_else(|| same(PlaceKind::Service, callee, of_outcome(outcome)));
            let weight = match runs.edge(id).from {
                // What its consumers tell.
                Caller::Consumer(_) => None,
                _ if it.retrying.is_some() => Some(7),
                _ => Some(4),
            };
            let draft = self.add(bin, EventKind::CallsFail, place(), weight);
            draft.what = format!("{} of the attempts {}", words::percent(share), words::does(outcome));
            draft.evidence.push(("failed_share".to_owned(), share));
            draft.evidence.push((
                format!("{}_share", outcome.name()),
                counts[outcome as usize] as f64 / (failed as f64 + ok).max(1.0),
            ));
            (draft.cause, draft.depth) = (cause, depth);
        }
        if let Some(bin) = it.retrying {
            let bins = self.shown(bin);
            let attempts = runs.edge_sum(Which::Main, id, bins, |bin| f64::from(bin.attempts));
            let usual = runs.edge_sum(Which::Twin, id, bins, |bin| f64::from(bin.attempts));
            let retried = runs.failed(Which::Main, id, bins, Failing::Retried);
            let share = retried.iter().sum::<u64>() as f64 / attempts.max(1.0);
            let grows = runs.twin.is_none() || attempts >= MORE * usual;
            let draft = self.add(bin, EventKind::Retries, place(), Some(if grows { 3 } else { 8 }));
            let cause = words::causes(most(retried));
            draft.what = if runs.twin.is_some() {
                format!("retries after {cause}: {} the usual attempts", words::times(attempts / usual.max(1.0)))
            } else {
                format!("{} of the attempts are retries after {cause}", words::percent(share))
            };
            draft.evidence.push(("retries_share".to_owned(), share));
            draft.evidence.push(("attempts".to_owned(), attempts));
            draft.evidence.push(("attempts_of_twin".to_owned(), usual));
            draft.cause = same(PlaceKind::Edge, &name, &[EventKind::CallsFail]);
            draft.depth = depth;
        }
        if let Some(bin) = it.held_back {
            let bins = self.shown(bin);
            let counts = runs.failed(Which::Main, id, bins, Failing::Ended);
            let held: u64 = Outcome::ALL.into_iter().filter(|o| is_held_back(*o)).map(|o| counts[o as usize]).sum();
            let attempts = runs.edge_sum(Which::Main, id, bins, |bin| f64::from(bin.attempts));
            let share = held as f64 / (held as f64 + attempts).max(1.0);
            let by = if counts[Outcome::ShortCircuited as usize] > 0 { "breaker opens" } else { "throttle bites" };
            let draft = self.add(bin, EventKind::HoldsBack, place(), Some(3));
            draft.what = format!("{by}: {} of the attempts are not sent", words::percent(share));
            draft.evidence.push(("held_back_share".to_owned(), share));
            draft.cause = same(PlaceKind::Edge, &name, &[EventKind::CallsFail]);
            draft.depth = depth;
        }
    }

    fn workload(&mut self, id: usize, judgement: &Judgement) {
        let (runs, it) = (self.runs, self.onsets.workloads[id]);
        let name = runs.workload_name(id).to_owned();
        let place = || (PlaceKind::Workload, name.clone());
        if let Some(bin) = it.load {
            let cause = blame::trigger_at_workload(runs, id, bin).map(|n| self.of_cause(Cause::Trigger(n)));
            let bins = self.shown(bin);
            let offered = runs.workload_sum(Which::Main, id, bins, |bin| f64::from(bin.offered));
            let draft = self.add(bin, EventKind::LoadRises, place(), if cause.is_some() { None } else { Some(3) });
            draft.what = "asks for more".to_owned();
            let secs = (bins.1 - bins.0) as f64 * runs.bin_secs();
            draft.evidence.push(("offered_per_s".to_owned(), offered / secs));
            draft.cause = cause.unwrap_or_default();
        }
        let noticed = judgement.workloads[id].harmed_from;
        if let Some(bin) = it.harmed.filter(|_| noticed.is_some()) {
            let bins = self.shown(bin);
            let sum = |of: fn(&crate::measure::WorkloadBin) -> f64| runs.workload_sum(Which::Main, id, bins, of);
            let (offered, good) = (sum(|bin| f64::from(bin.offered)), sum(|bin| f64::from(bin.good)));
            let share = good / offered.max(1.0);
            let why = runs.entries(id).filter(|edge| self.onsets.edges[*edge].first().is_some());
            let why = why.min_by_key(|edge| self.onsets.edges[*edge].first());
            let mut cause = Vec::new();
            if let Some(edge) = why.or_else(|| runs.entries(id).next()) {
                cause = same(PlaceKind::Edge, &runs.edge_names[edge], &[EventKind::CallsFail]);
                let kinds =
                    [EventKind::Rejects, EventKind::Refuses, EventKind::Fails, EventKind::Saturates, EventKind::Slows];
                cause.extend(same(PlaceKind::Service, runs.service_name(runs.callee(edge)), &kinds));
            }
            let now = |which| runs.workload_sum(which, id, bins, |bin| f64::from(bin.good_now));
            let of_usual = now(Which::Main) / now(Which::Twin).max(1.0);
            let draft = self.add(bin, EventKind::UsersNotice, place(), Some(1));
            // Who waits for his answer asks for nothing else meanwhile: all is answered, but little is asked for.
            draft.what = if share >= 0.995 && of_usual < share {
                format!("notice: they get {} of the usual answers", words::percent(of_usual))
            } else {
                format!("notice: {} of the requests are answered in time", words::percent(share.min(1.0)))
            };
            draft.evidence.push(("goodput_share".to_owned(), share));
            draft.cause = cause;
        }
    }

    fn end(&mut self, judgement: &Judgement, root: &Root, sustained_by: Option<&Loop>) {
        let runs = self.runs;
        let place = || (PlaceKind::Run, String::new());
        let late = runs.model.verdict.lag.as_secs_f64();
        let worst = judgement.worst_group();
        let goodput = words::percent(judgement.goodput_at_end);
        let state = match worst {
            Some(group) => super::messages::events::ending(group),
            None => format!("still {goodput} goodput"),
        };
        if let Some(at) = judgement.recovered_at {
            let draft = self.add(runs.main.bin_of(at), EventKind::UsersRecover, place(), Some(0));
            let after = judgement.time_to_recover.filter(|span| !span.is_zero());
            draft.at = at;
            let last = judgement.groups.iter().find(|it| it.recovered_at == Some(at) && it.oldest_peak_s > late);
            let what = match last {
                Some(group) => format!("the backlog of {} is worked off", group.group),
                None if worst.is_some() => "no more messages are gone".to_owned(),
                None => "users notice nothing any more".to_owned(),
            };
            draft.what = match after {
                Some(span) => format!("{what}: RECOVERED {span} after the trigger"),
                None => format!("{what}: RECOVERED"),
            };
            draft
                .evidence
                .extend(judgement.time_to_recover.map(|span| ("time_to_recover_s".to_owned(), span.as_secs_f64())));
            return;
        }
        let what = match judgement.verdict {
            Verdict::Metastable => {
                let waste = |it: &Loop| match it.wasted_share_of_all {
                    0.0 => String::new(),
                    share => format!(" ({} of the work is for callers who had left)", words::percent(share)),
                };
                let by = |it: &Loop| format!(", sustained by {}{}", loop_in_a_word(it), waste(it));
                let why = sustained_by.map(by).unwrap_or_default();
                format!("{state}: METASTABLE{why}")
            }
            Verdict::Degraded if judgement.trigger_until.is_none() => {
                let state = if worst.is_some() { state } else { format!("{goodput} goodput") };
                format!("{state}: DEGRADED, and what went wrong still does")
            }
            Verdict::Degraded => format!("{state}: DEGRADED"),
            Verdict::Recovering => format!("{state}, but the backlog falls: RECOVERING"),
            Verdict::Overloaded => {
                let state = if worst.is_some() { state } else { format!("{goodput} goodput at the end") };
                match overload(root) {
                    _ if worst.is_some() => format!("{state}: OVERLOADED"),
                    why => format!("{state}: OVERLOADED, {why}"),
                }
            }
            Verdict::Unharmed => "users notice nothing: UNHARMED".to_owned(),
            Verdict::Recovered | Verdict::Stable => return,
        };
        let draft = self.add(runs.bins - 1, EventKind::Ends, place(), Some(0));
        (draft.at, draft.what) = (runs.results.ended, what);
        draft.evidence.push(("goodput_share".to_owned(), judgement.goodput_at_end));
        draft.evidence.push(("missing_share".to_owned(), judgement.missing_at_end));
        if let Some(it) = sustained_by {
            draft.evidence.push(("wasted_share".to_owned(), it.wasted_share));
        }
    }

    fn of_service(&self, id: usize, bin: usize) -> Vec<(PlaceKind, String, EventKind)> {
        self.of_cause(blame::of_service(self.runs, id, bin))
    }

    /// Events that a cause may be, the most telling first.
    pub(super) fn of_cause(&self, cause: Cause) -> Vec<(PlaceKind, String, EventKind)> {
        let runs = self.runs;
        match cause {
            Cause::Trigger(n) => {
                let (kind, name) = words::target(runs, n);
                vec![(kind, name, EventKind::TriggerBegins)]
            }
            Cause::Edge(edge) => {
                let callee = runs.service_name(runs.callee(edge));
                let kinds = [
                    EventKind::Refuses,
                    EventKind::Saturates,
                    EventKind::Rejects,
                    EventKind::Slows,
                    EventKind::Fails,
                    EventKind::TriggerBegins,
                ];
                let mut keys = same(PlaceKind::Edge, &runs.edge_names[edge], &[EventKind::TriggerBegins]);
                keys.extend(same(PlaceKind::Service, callee, &kinds));
                keys.extend(same(PlaceKind::Edge, &runs.edge_names[edge], &[EventKind::CallsFail]));
                keys
            }
            Cause::Load(edge) => {
                let mut keys = same(PlaceKind::Edge, &runs.edge_names[edge], &[EventKind::Retries]);
                match runs.edge(edge).from {
                    Caller::Service(id) => keys.extend(same(
                        PlaceKind::Service,
                        runs.service_name(id.index()),
                        &[EventKind::MoreArrives, EventKind::TriggerBegins],
                    )),
                    Caller::Consumer(id) => keys.extend(self.of_consumer(id)),
                    Caller::Workload(id) => keys.extend(same(
                        PlaceKind::Workload,
                        runs.workload_name(id.index()),
                        &[EventKind::TriggerBegins, EventKind::LoadRises],
                    )),
                }
                keys
            }
            Cause::Topic(topic) => self.of_topic(topic),
            Cause::Own => Vec::new(),
        }
    }
}

fn loop_in_a_word(it: &Loop) -> String {
    match it.kind {
        LoopKind::Retries => "retries".to_owned(),
        LoopKind::EmptyCache => format!("the empty cache {}", it.through),
        LoopKind::Reloads => "reloads".to_owned(),
        LoopKind::Reconnects => format!("handshakes at {}", it.service),
        LoopKind::Queue => format!("the queue at {}", it.service),
        LoopKind::Redeliveries | LoopKind::Rebalances | LoopKind::Poison => super::messages::sustain::in_a_word(it),
    }
}

fn overload(root: &Root) -> String {
    match root.what.as_str() {
        "" => "with no single cause".to_owned(),
        what if root.kind == super::RootKind::Workload => {
            format!("{}: {what}", root.target)
        }
        what => what.to_owned(),
    }
}

pub(super) fn same(kind: PlaceKind, name: &str, kinds: &[EventKind]) -> Vec<(PlaceKind, String, EventKind)> {
    kinds.iter().map(|event| (kind, name.to_owned(), *event)).collect()
}

/// What a callee does whose attempts end so.
fn of_outcome(outcome: Outcome) -> &'static [EventKind] {
    match outcome {
        Outcome::Rejected => &[EventKind::Rejects, EventKind::Saturates],
        Outcome::Refused => &[EventKind::Refuses, EventKind::TriggerBegins],
        Outcome::Error => &[EventKind::Fails, EventKind::TriggerBegins],
        _ => &[EventKind::Saturates, EventKind::Slows, EventKind::TriggerBegins],
    }
}

/// How many calls lie between the users and each service at least.
fn depths(runs: &Runs<'_>) -> Vec<usize> {
    let mut depths = vec![usize::MAX; runs.model.services.len()];
    let mut reached: Vec<usize> = (0..runs.model.workloads.len()).flat_map(|id| runs.entries(id)).collect();
    let mut depth = 1;
    while !reached.is_empty() {
        let mut next = Vec::new();
        for edge in reached {
            let callee = runs.callee(edge);
            if depths[callee] == usize::MAX {
                depths[callee] = depth;
                next.extend(runs.out_of(callee));
            }
        }
        (reached, depth) = (next, depth + 1);
    }
    depths
}

/// Sorts, chooses what is told, and gives causes their numbers. What begins within `tie` bins is one moment.
fn resolve(mut drafts: Vec<Draft>, tie: usize) -> Vec<Event> {
    // Within a moment, causes first: what is far from the users before what is near to them.
    drafts.sort_by(|a, b| {
        (a.bin, a.kind == EventKind::Ends)
            .cmp(&(b.bin, b.kind == EventKind::Ends))
            .then(a.kind.cmp(&b.kind))
            .then(b.depth.cmp(&a.depth))
            .then_with(|| a.place.name.cmp(&b.place.name))
    });
    let mut weights: Vec<u32> = drafts.iter().filter_map(|draft| draft.weight).collect();
    weights.sort_unstable();
    let bound = weights.get(TOLD_MAX - 1).copied().unwrap_or(u32::MAX);
    let mut room = TOLD_MAX;
    let mut told: Vec<usize> = (0..drafts.len()).collect();
    told.sort_by_key(|n| (drafts[*n].weight.unwrap_or(u32::MAX), *n));
    told.retain(|n| {
        let is_told = room > 0 && drafts[*n].weight.is_some_and(|weight| weight <= bound);
        room -= usize::from(is_told);
        is_told
    });
    let find = |n: usize| {
        let draft = &drafts[n];
        draft.cause.iter().find_map(|(kind, name, event)| {
            let is_it = |it: &Draft| {
                it.kind == *event && it.place.kind == *kind && it.place.name == *name && it.bin <= draft.bin + tie
            };
            drafts.iter().enumerate().filter(|(other, it)| *other != n && is_it(it)).map(|(other, _)| other).next_back()
        })
    };
    let causes: Vec<Option<usize>> = (0..drafts.len()).map(find).collect();
    drafts
        .into_iter()
        .zip(causes)
        .enumerate()
        .map(|(n, (draft, caused_by))| Event {
            at: draft.at,
            kind: draft.kind,
            place: draft.place,
            what: draft.what,
            caused_by,
            evidence: draft.evidence,
            is_told: told.contains(&n),
        })
        .collect()
}
