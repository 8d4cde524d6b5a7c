//! The verdict: how a run ended, from what users got, and from what became of messages.
//!
//! With a trigger a run is compared with its twin, window by window, by the time at which users meant to start: the
//! arrivals are the same in both, so that nothing but the trigger makes a difference. A window is harmed when more good
//! answers are missing than the tolerance and chance allow. Where the twin is down itself, no harm means nothing: both
//! are overloaded. Without a trigger there is nothing to compare with: a run
//! is overloaded when something is as busy as it can be and users notice, or the backlog grows; and, whatever is busy,
//! when users are down for want of time at its end or for most of it.

use serde::{Deserialize, Serialize};

use crate::base::time::{Span, Time};
use crate::model::{Id, ServiceId, Verdict};

use super::late;
use super::messages::verdict::{GroupJudgement, judge as judge_group};
use super::runs::{Runs, Which};
use super::shift;

/// Good answers of the twin that a window holds, unless the file says how wide it is.
const ANSWERS_PER_WINDOW: f64 = 20.0;
/// A run has at least so many windows.
const WINDOWS_MIN: u64 = 20;
/// Windows without harm at the end of a run that has recovered.
pub(super) const CALM_MIN: usize = 3;
/// What is busier than this is as busy as it can be.
pub(super) const SATURATED: f64 = 0.95;
/// The backlog, or what users miss, moves when it changes by so much of itself within half of the time.
pub(super) const MOVES: f64 = 0.1;

/// How a run ended, and what says so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// In a word: that of the workload, or the group of consumers, that fared worst.
    #[serde(with = "by_name")]
    pub verdict: Verdict,
    /// When the first trigger begins; `None` without one.
    #[serde(rename = "trigger_from_s")]
    pub trigger_from: Option<Time>,
    /// When the last one is over; `None` without one, and where one lasts to the end.
    #[serde(rename = "trigger_until_s")]
    pub trigger_until: Option<Time>,
    /// From when on users noticed, or messages came late or were lost.
    #[serde(rename = "harmed_from_s")]
    pub harmed_from: Option<Time>,
    /// From when on they did no longer, and all backlogs were worked off.
    #[serde(rename = "recovered_at_s")]
    pub recovered_at: Option<Time>,
    /// How long after the last trigger was over that was, zero if it was before; `None` where it never was, and without
    /// a trigger.
    #[serde(rename = "time_to_recover_s")]
    pub time_to_recover: Option<Span>,
    /// Share of good answers that are missing from the first trigger on; without one, of requests that failed or came late
    /// after the warm-up. That of the workload that fared worst.
    pub missing_share: f64,
    /// The same at the end of the run.
    pub missing_at_end: f64,
    /// Share of what was offered that was answered well and in time at the end of the run.
    pub goodput_at_end: f64,
    /// Width of the windows that were compared.
    #[serde(rename = "window_s")]
    pub window: Span,
    /// Parallel to the model's workloads.
    pub workloads: Vec<WorkloadJudgement>,
    /// Parallel to the model's groups of consumers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupJudgement>,
}

impl Judgement {
    /// The group that fared worst, if it fared worse than all workloads.
    pub fn worst_group(&self) -> Option<&GroupJudgement> {
        self.worst_group_place().map(|place| &self.groups[place])
    }

    /// Its place among the groups.
    pub(super) fn worst_group_place(&self) -> Option<usize> {
        let of_users = self.workloads.iter().map(|it| it.verdict).max();
        let key = |place: &usize| {
            let it = &self.groups[*place];
            (it.verdict, it.recovered_at, it.oldest_peak_s)
        };
        let compare = |a: &usize, b: &usize| key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal);
        let place = (0..self.groups.len()).max_by(compare)?;
        of_users.is_none_or(|of_users| self.groups[place].verdict > of_users).then_some(place)
    }

    /// How many messages are gone that are not in the twin: lost, expired, and dead.
    pub fn gone(&self) -> [u64; 3] {
        let sum = |of: fn(&GroupJudgement) -> u64| self.groups.iter().map(of).sum();
        [sum(|it| it.lost), sum(|it| it.expired), sum(|it| it.dead)]
    }
}

/// How a workload fared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkloadJudgement {
    /// Its name.
    pub workload: String,
    /// In a word.
    #[serde(with = "by_name")]
    pub verdict: Verdict,
    /// From when on users noticed.
    #[serde(rename = "harmed_from_s")]
    pub harmed_from: Option<Time>,
    /// From when on they noticed nothing any more.
    #[serde(rename = "recovered_at_s")]
    pub recovered_at: Option<Time>,
    /// Share of good answers that are missing from the first trigger on; without one, of requests that failed or came late
    /// after the warm-up.
    pub missing_share: f64,
    /// The same at the end of the run.
    pub missing_at_end: f64,
    /// Share of what was offered that was answered well and in time at the end of the run.
    pub goodput_at_end: f64,
}

/// Verdicts as words in files.
pub(super) mod by_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::model::Verdict;

    pub(in super::super) fn serialize<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(verdict.name())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Verdict::ALL.into_iter().find(|verdict| verdict.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("`{name}` is no verdict")))
    }
}

/// Judges a run.
pub(super) fn judge(runs: &Runs<'_>) -> Judgement {
    let trigger_from = runs.triggers.iter().map(|trigger| trigger.from).min();
    let lasts = runs.triggers.iter().any(|trigger| trigger.until.is_none());
    let trigger_until = runs.triggers.iter().filter_map(|trigger| trigger.until).max().filter(|_| !lasts);
    let window = window(runs);
    let of_twin = runs.of_twin();
    let workloads: Vec<WorkloadJudgement> = (0..runs.model.workloads.len())
        .map(|id| match &of_twin {
            Some(of_twin) => match against_twin(runs, id, window, trigger_until) {
                it if it.verdict <= Verdict::Recovered => down_like_its_twin(runs, of_twin, id, window).unwrap_or(it),
                it => it,
            },
            None => alone(runs, id, window),
        })
        .collect();
    let worst = workloads.iter().max_by(|a, b| {
        (a.verdict, a.missing_at_end, a.recovered_at)
            .partial_cmp(&(b.verdict, b.missing_at_end, b.recovered_at))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let groups: Vec<GroupJudgement> =
        (0..runs.groups.len()).map(|id| judge_group(runs, id, window, trigger_until)).collect();
    let verdicts = worst.map(|it| it.verdict).into_iter().chain(groups.iter().map(|it| it.verdict));
    let verdict = verdicts.max().unwrap_or(Verdict::Stable);
    let harmed_from = workloads.iter().map(|it| it.harmed_from).chain(groups.iter().map(|it| it.harmed_from));
    let harmed_from = harmed_from.flatten().min();
    let has_recovered = verdict == Verdict::Recovered;
    let recovered_at = workloads.iter().map(|it| it.recovered_at).chain(groups.iter().map(|it| it.recovered_at));
    let recovered_at = recovered_at.flatten().max().filter(|_| has_recovered);
    let time_to_recover = match (verdict, trigger_until) {
        (Verdict::Unharmed, _) => Some(Span::ZERO),
        (Verdict::Recovered, until) => {
            let until = until.or(trigger_from).unwrap_or(Time::ZERO);
            recovered_at.map(|at| if at > until { at.since(until) } else { Span::ZERO })
        }
        _ => None,
    };
    let offered: f64 = (0..workloads.len()).map(|id| at_end(runs, id, trigger_until).0).sum();
    let good: f64 = (0..workloads.len()).map(|id| at_end(runs, id, trigger_until).1).sum();
    Judgement {
        verdict,
        trigger_from,
        trigger_until,
        harmed_from,
        recovered_at,
        time_to_recover,
        missing_share: worst.map_or(0.0, |it| it.missing_share),
        missing_at_end: worst.map_or(0.0, |it| it.missing_at_end),
        goodput_at_end: if offered > 0.0 { good / offered } else { 1.0 },
        window: Span::from_nanos(runs.main.bin.as_nanos().saturating_mul(window as u64)),
        workloads,
        groups,
    }
}

/// Width of the windows, in bins.
fn window(runs: &Runs<'_>) -> usize {
    let settings = &runs.model.verdict;
    if let Some(window) = settings.window {
        return runs.bins_of(window).min(runs.bins);
    }
    let which = if runs.twin.is_some() { Which::Twin } else { Which::Main };
    let good = |id| runs.workload_sum(which, id, (0, runs.bins), |bin| f64::from(bin.good));
    let rates = (0..runs.model.workloads.len()).map(|id| good(id) / (runs.bins as f64 * runs.bin_secs()));
    let slowest = rates.filter(|rate| *rate > 0.0).fold(f64::INFINITY, f64::min);
    let secs = if slowest.is_finite() { ANSWERS_PER_WINDOW / slowest } else { 1.0 };
    let longest = Span::from_nanos(runs.model.duration.as_nanos() / WINDOWS_MIN);
    runs.bins_of(Span::from_secs_f64(secs.max(1.0)).min(longest))
}

/// What was offered and answered well at the end of the run.
fn at_end(runs: &Runs<'_>, id: usize, until: Option<Time>) -> (f64, f64) {
    let tail = runs.tail(until.map_or(runs.warm, |until| runs.main.bin_of(until)));
    let sum = |of: fn(&crate::measure::WorkloadBin) -> f64| runs.workload_sum(Which::Main, id, tail, of);
    (sum(|bin| f64::from(bin.offered)), sum(|bin| f64::from(bin.good)))
}

/// How a workload fared that is no worse off than in the twin, where it is down as well; `None` where it is not.
fn down_like_its_twin(runs: &Runs<'_>, of_twin: &Runs<'_>, id: usize, width: usize) -> Option<WorkloadJudgement> {
    let windows: Vec<(usize, usize)> = windows_of(runs, width).collect();
    let is_down = |runs: &Runs<'_>| !late::stays_down(runs, id, &windows).is_empty();
    (is_down(of_twin) && is_down(runs)).then(|| {
        let it = alone(runs, id, width);
        WorkloadJudgement { verdict: Verdict::Overloaded, ..it }
    })
}

/// A window, compared.
#[derive(Clone, Copy, Debug)]
struct Window {
    bins: (usize, usize),
    expected: f64,
    missing: f64,
    allowed: f64,
}

fn against_twin(runs: &Runs<'_>, id: usize, width: usize, until: Option<Time>) -> WorkloadJudgement {
    let settings = &runs.model.verdict;
    let from = runs.triggers.first().map_or(0, |trigger| runs.main.bin_of(trigger.from));
    let windows = windows(runs, id, width, from);
    let harmed: Vec<bool> = windows.iter().map(|it| it.missing > it.allowed).collect();
    // One alone may be chance, unless it is far off.
    let counts = |n: usize| {
        let beside = (n > 0 && harmed[n - 1]) || harmed.get(n + 1).copied().unwrap_or(false);
        harmed[n] && (beside || windows[n].missing > 2.0 * windows[n].allowed)
    };
    let harmed: Vec<usize> = (0..windows.len()).filter(|n| counts(*n)).collect();
    let after = until.map_or(from, |until| runs.main.bin_of(until));
    let tail = runs.tail(after);
    let in_tail: Vec<&Window> = windows.iter().filter(|it| it.bins.1 > tail.0).collect();
    let missing_at_end = share_missing(in_tail.into_iter());
    let calm = harmed.last().map_or(windows.len(), |last| windows.len() - 1 - last);
    let verdict = if harmed.is_empty() {
        Verdict::Unharmed
    } else if calm >= CALM_MIN.min(windows.len()) {
        Verdict::Recovered
    } else if until.is_none() {
        Verdict::Degraded
    } else if comes_back(runs, &windows, after) {
        Verdict::Recovering
    } else if missing_at_end >= settings.metastable.as_f64() {
        Verdict::Metastable
    } else {
        Verdict::Degraded
    };
    let (offered, good) = at_end(runs, id, until);
    WorkloadJudgement {
        workload: runs.workload_name(id).to_owned(),
        verdict,
        harmed_from: harmed.first().map(|first| runs.start(windows[*first].bins.0)),
        recovered_at: harmed
            .last()
            .filter(|_| verdict == Verdict::Recovered)
            .map(|last| runs.start(windows[*last].bins.1)),
        missing_share: share_missing(windows.iter()),
        missing_at_end,
        goodput_at_end: if offered > 0.0 { good / offered } else { 1.0 },
    }
}

fn share_missing<'w>(windows: impl Iterator<Item = &'w Window>) -> f64 {
    let (expected, missing) = windows.fold((0.0, 0.0), |(e, m), it| (e + it.expected, m + it.missing));
    if expected > 0.0 { (missing / expected).max(0.0) } else { 0.0 }
}

/// All windows from the bin `from` on.
fn windows(runs: &Runs<'_>, id: usize, width: usize, from: usize) -> Vec<Window> {
    let settings = &runs.model.verdict;
    let is_closed = runs.is_closed(id);
    let whole = (0, runs.bins);
    let usual = runs.workload_sum(Which::Twin, id, whole, |bin| f64::from(bin.offered));
    let failing = if usual > 0.0 {
        1.0 - runs.workload_sum(Which::Twin, id, whole, |bin| f64::from(bin.good)) / usual
    } else {
        0.0
    };
    let starts = (from..runs.bins).step_by(width);
    let window = |start: usize| {
        let bins = (start, (start + width).min(runs.bins));
        let sum = |which, of: fn(&crate::measure::WorkloadBin) -> f64| runs.workload_sum(which, id, bins, of);
        let good = sum(Which::Main, |bin| f64::from(bin.good));
        let (usual, twin_good) =
            (sum(Which::Twin, |bin| f64::from(bin.offered)), sum(Which::Twin, |bin| f64::from(bin.good)));
        let offered = sum(Which::Main, |bin| f64::from(bin.offered));
        // Load that is a trigger makes other arrivals: of what is asked for, the same share should be answered.
        let share = if usual > 0.0 { twin_good / usual } else { 1.0 - failing };
        let expected = if is_closed { twin_good } else { offered * share };
        // Arrivals are the same: what is left to chance is who fails. Users who wait for answers have other arrivals.
        let variance = if is_closed { good + twin_good } else { 2.0 * offered.max(usual) * failing * (1.0 - failing) };
        let allowed = settings.tolerance.as_f64() * expected + settings.sigmas * variance.max(0.0).sqrt();
        Window { bins, expected, missing: expected - good, allowed }
    };
    starts.map(window).collect()
}

/// Whether the backlog falls, or what users miss does, so that it will come back.
fn comes_back(runs: &Runs<'_>, windows: &[Window], after: usize) -> bool {
    let sigmas = runs.model.verdict.sigmas;
    let late: Vec<&Window> = windows.iter().filter(|it| it.bins.0 >= after.midpoint(runs.bins)).collect();
    let services = 0..runs.model.services.len();
    let backlog =
        |it: &&Window| services.clone().map(|id| runs.service_excess(id, it.bins, |b| f64::from(b.in_system))).sum();
    let share = |it: &&Window| if it.expected > 0.0 { it.missing / it.expected } else { 0.0 };
    let backlog: Vec<f64> = late.iter().map(backlog).collect();
    let missing: Vec<f64> = late.iter().map(share).collect();
    falls(&backlog, sigmas) || falls(&missing, sigmas)
}

/// Whether values fall by more than chance, and by much of what they are.
pub(super) fn falls(values: &[f64], sigmas: f64) -> bool {
    let Some((slope, found)) = shift::slope(values) else { return false };
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    found <= -sigmas && -slope * values.len() as f64 >= MOVES * mean && mean > 0.0
}

fn alone(runs: &Runs<'_>, id: usize, width: usize) -> WorkloadJudgement {
    let settings = &runs.model.verdict;
    let whole = (runs.warm, runs.bins);
    let sum = |bins, of: fn(&crate::measure::WorkloadBin) -> f64| runs.workload_sum(Which::Main, id, bins, of);
    let bad = |bins| sum(bins, |bin| f64::from(bin.failed) + f64::from(bin.late));
    let good = |bins| sum(bins, |bin| f64::from(bin.good_now));
    let share = |bins| {
        let ended = bad(bins) + good(bins);
        if ended > 0.0 { bad(bins) / ended } else { 0.0 }
    };
    let tail = runs.tail(runs.warm);
    let services = 0..runs.model.services.len();
    let is_full = |bins| services.clone().any(|service| is_saturated(runs, service, bins)) || is_pool_saturated(runs);
    let half = runs.warm.midpoint(runs.bins);
    let in_system = |start: usize| {
        let bins = (start, (start + width).min(runs.bins));
        let sum = |service| runs.service_sum(Which::Main, service, bins, |b| f64::from(b.in_system));
        services.clone().map(sum).sum::<f64>() / (bins.1 - bins.0) as f64
    };
    let backlog: Vec<f64> = (half..runs.bins).step_by(width).map(in_system).collect();
    let grows = shift::slope(&backlog).is_some_and(|(slope, sigmas)| {
        let mean = backlog.iter().sum::<f64>() / backlog.len() as f64;
        sigmas >= settings.sigmas && slope * backlog.len() as f64 >= 2.0 * MOVES * mean
    });
    let windows = || windows_of(runs, width);
    let harmed: Vec<(usize, usize)> =
        windows().filter(|bins| share(*bins) > settings.tolerance.as_f64() && is_full(*bins)).collect();
    let is_harmed = share(whole) > settings.tolerance.as_f64() && !harmed.is_empty();
    let is_full_up = is_harmed || (grows && is_full(tail));
    let down = || late::stays_down(runs, id, &windows().collect::<Vec<_>>());
    let down = if is_full_up { Vec::new() } else { down() };
    let is_overloaded = is_full_up || !down.is_empty() || (grows && late::is_unanswered(runs, id));
    let harmed = if is_full_up { harmed } else { down };
    let is_over = |last: &&(usize, usize)| runs.bins.saturating_sub(last.1) >= CALM_MIN * width;
    let (offered, answered) = at_end(runs, id, None);
    WorkloadJudgement {
        workload: runs.workload_name(id).to_owned(),
        verdict: if is_overloaded { Verdict::Overloaded } else { Verdict::Stable },
        harmed_from: harmed.first().map(|first| runs.start(first.0)),
        recovered_at: harmed.last().filter(is_over).map(|last| runs.start(last.1)),
        missing_share: share(whole),
        missing_at_end: share(tail),
        goodput_at_end: if offered > 0.0 { answered / offered } else { 1.0 },
    }
}

/// Stretches of `width` bins from the warm-up on.
fn windows_of(runs: &Runs<'_>, width: usize) -> impl Iterator<Item = (usize, usize)> {
    let bins = runs.bins;
    (runs.warm..bins).step_by(width).map(move |start| (start, (start + width).min(bins)))
}

/// Whether a service can do no more: its threads or cores are busy, or it turns much away.
pub(super) fn is_saturated(runs: &Runs<'_>, service: usize, bins: (usize, usize)) -> bool {
    let sum = |of: fn(&crate::measure::ServiceBin) -> f64| runs.service_sum(Which::Main, service, bins, of);
    let length = (bins.1 - bins.0).max(1) as f64;
    let threads = runs.threads(service, bins.0);
    let are_busy = threads.is_some_and(|threads| sum(|bin| f64::from(bin.busy)) / length >= SATURATED * threads);
    let rejects = sum(|bin| f64::from(bin.rejected));
    let arrivals = sum(|bin| f64::from(bin.arrivals));
    are_busy || rejects > runs.model.verdict.tolerance.as_f64() * arrivals || are_cores_busy(runs, service)
}

/// Over the whole of the totals.
fn are_cores_busy(runs: &Runs<'_>, service: usize) -> bool {
    let from = Time::ZERO + runs.model.warmup;
    let nanos = runs.results.ended.since(from.min(runs.results.ended)).as_nanos() as f64;
    let cores = runs.model.services[ServiceId::new(service)].cores_in_all();
    cores.is_some_and(|cores| runs.results.services[service].work_nanos as f64 >= SATURATED * cores as f64 * nanos)
}

/// Whether all permits of a pool are in use nearly all the time, and somebody waits.
fn is_pool_saturated(runs: &Runs<'_>) -> bool {
    (0..runs.model.pools.len()).any(|id| super::blame::is_pool_saturated(runs, id))
}
