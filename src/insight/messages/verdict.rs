//! How groups of consumers fared: whether messages came late or not at all.
//!
//! With a trigger a group is harmed from when its oldest message is older than the twin's by more than the file allows (and
//! by more than chance) until its backlog is worked off, and whenever messages are lost, expire or become dead letters that
//! do not in the twin. Without a trigger it is overloaded when its lag grows to the end and the oldest message has become
//! older than allowed, or when its workers are all busy and messages are lost.

use serde::{Deserialize, Serialize};

use crate::base::time::Time;
use crate::measure::GroupBin;
use crate::model::Verdict;

use super::super::runs::{Runs, Which};
use super::super::shift;
use super::super::verdict::{self, CALM_MIN, MOVES, SATURATED};

/// How a group of consumers fared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GroupJudgement {
    /// What it is called: the queue, or `topic -> consumer`.
    pub group: String,
    /// In a word.
    #[serde(with = "verdict::by_name")]
    pub verdict: Verdict,
    /// From when on messages came late, or were gone.
    #[serde(rename = "harmed_from_s")]
    pub harmed_from: Option<Time>,
    /// From when on they did no longer: the backlog is worked off.
    #[serde(rename = "recovered_at_s")]
    pub recovered_at: Option<Time>,
    /// Of the messages that should have been handled at the end of the run, the share that was not.
    pub missing_at_end: f64,
    /// Messages that waited at the end of the run.
    pub lag_at_end: f64,
    /// How old the oldest one was then, in seconds.
    pub oldest_at_end_s: f64,
    /// The most that waited at once, from the first trigger on.
    pub lag_peak: f64,
    /// How old the oldest one was at most, in seconds, from the first trigger on.
    pub oldest_peak_s: f64,
    /// Messages that were lost from the first trigger on, beyond those of the twin.
    pub lost: u64,
    /// The same of those that expired.
    pub expired: u64,
    /// The same of those that became dead letters.
    pub dead: u64,
}

/// Judges the group `id` in windows of `width` bins. `until` is when the last trigger is over.
pub(in super::super) fn judge(runs: &Runs<'_>, id: usize, width: usize, until: Option<Time>) -> GroupJudgement {
    let from = runs.triggers.first().map_or(runs.warm, |trigger| runs.main.bin_of(trigger.from));
    let after = until.map_or(from, |until| runs.main.bin_of(until));
    let tail = runs.tail(after);
    let windows = windows(runs, id, width, from);
    let (verdict, harmed) = match (runs.groups[id].consumers.is_empty(), runs.twin) {
        // Nobody is there who could be late.
        (true, None) => (Verdict::Stable, Vec::new()),
        (true, Some(_)) => (Verdict::Unharmed, Vec::new()),
        (false, None) => alone(runs, id, &windows, tail),
        (false, Some(_)) => against_twin(runs, id, &windows, until, tail),
    };
    let last = runs.bins.saturating_sub(1);
    let bins = || (from..runs.bins).map(|bin| runs.main.messages.group(bin, id));
    let beyond = |of: fn(&GroupBin) -> f64| {
        let sum = |which| runs.group_sum(which, id, (from, runs.bins), of);
        (sum(Which::Main) - sum(Which::Twin)).max(0.0) as u64
    };
    let is_over = matches!(verdict, Verdict::Recovered);
    GroupJudgement {
        group: runs.group_name(id),
        verdict,
        harmed_from: harmed.first().map(|first| runs.start(windows[*first].bins.0)),
        recovered_at: harmed.last().filter(|_| is_over).map(|last| runs.start(windows[*last].bins.1)),
        missing_at_end: missing(runs, id, tail),
        lag_at_end: f64::from(runs.main.messages.group(last, id).lag),
        oldest_at_end_s: f64::from(runs.main.messages.group(last, id).age_s),
        lag_peak: bins().map(|bin| f64::from(bin.lag)).fold(0.0, f64::max),
        oldest_peak_s: bins().map(|bin| f64::from(bin.age_s)).fold(0.0, f64::max),
        lost: beyond(|bin| f64::from(bin.lost)),
        expired: beyond(|bin| f64::from(bin.expired)),
        dead: beyond(|bin| f64::from(bin.dead)),
    }
}

/// A window: means over it, and numbers in it.
struct Window {
    bins: (usize, usize),
    lag: f64,
    age: f64,
    lag_of_twin: f64,
    age_of_twin: f64,
    gone: f64,
    gone_in_twin: f64,
    kept: f64,
}

fn windows(runs: &Runs<'_>, id: usize, width: usize, from: usize) -> Vec<Window> {
    let window = |start: usize| {
        let bins = (start, (start + width).min(runs.bins));
        let length = (bins.1 - bins.0).max(1) as f64;
        let sum = |which, of: fn(&GroupBin) -> f64| runs.group_sum(which, id, bins, of);
        let gone: fn(&GroupBin) -> f64 = |bin| f64::from(bin.lost) + f64::from(bin.expired) + f64::from(bin.dead);
        Window {
            bins,
            lag: sum(Which::Main, |bin| f64::from(bin.lag)) / length,
            age: sum(Which::Main, |bin| f64::from(bin.age_s)) / length,
            lag_of_twin: sum(Which::Twin, |bin| f64::from(bin.lag)) / length,
            age_of_twin: sum(Which::Twin, |bin| f64::from(bin.age_s)) / length,
            gone: sum(Which::Main, gone),
            gone_in_twin: sum(Which::Twin, gone),
            kept: sum(Which::Main, |bin| f64::from(bin.kept)),
        }
    };
    (from..runs.bins).step_by(width).map(window).collect()
}

fn against_twin(
    runs: &Runs<'_>,
    id: usize,
    windows: &[Window],
    until: Option<Time>,
    tail: (usize, usize),
) -> (Verdict, Vec<usize>) {
    let settings = &runs.model.verdict;
    // Both runs are uncertain once they have parted.
    let chance =
        |of: fn(&Window) -> f64| settings.sigmas * std::f64::consts::SQRT_2 * shift::moments(windows.iter().map(of)).1;
    let age_allowed = settings.lag.as_secs_f64() + chance(|it| it.age_of_twin);
    let lag_allowed = chance(|it| it.lag_of_twin).max(1.0);
    let gone_usual = windows.iter().map(|it| it.gone_in_twin).sum::<f64>() / windows.len().max(1) as f64;
    let gone_chance = settings.sigmas * (2.0 * gone_usual).sqrt();
    let mut harmed = Vec::new();
    let mut was_late = false;
    for (n, it) in windows.iter().enumerate() {
        let is_late = it.age - it.age_of_twin > age_allowed;
        // What is late stays so until the backlog is worked off.
        was_late = is_late || (was_late && it.lag - it.lag_of_twin > lag_allowed);
        let is_gone = it.gone - it.gone_in_twin > settings.lost.as_f64() * it.kept + gone_chance;
        if was_late || is_gone {
            harmed.push(n);
        }
    }
    let calm = harmed.last().map_or(windows.len(), |last| windows.len() - 1 - last);
    let verdict = if harmed.is_empty() {
        Verdict::Unharmed
    } else if calm >= CALM_MIN.min(windows.len()) {
        Verdict::Recovered
    } else if until.is_none() {
        Verdict::Degraded
    } else if drains(runs, windows, until) {
        Verdict::Recovering
    } else if missing(runs, id, tail) >= settings.metastable.as_f64() {
        Verdict::Metastable
    } else {
        Verdict::Degraded
    };
    (verdict, harmed)
}

/// Whether the backlog falls at the end.
fn drains(runs: &Runs<'_>, windows: &[Window], until: Option<Time>) -> bool {
    let after = until.map_or(0, |until| runs.main.bin_of(until));
    let late = windows.iter().filter(|it| it.bins.0 >= after.midpoint(runs.bins));
    let backlog: Vec<f64> = late.map(|it| it.lag - it.lag_of_twin).collect();
    verdict::falls(&backlog, runs.model.verdict.sigmas)
}

/// Of the messages that came, and that the twin would have handled, the share that was not.
fn missing(runs: &Runs<'_>, id: usize, bins: (usize, usize)) -> f64 {
    let sum = |which, bins, of: fn(&GroupBin) -> f64| runs.group_sum(which, id, bins, of);
    let kept = |which, bins| sum(which, bins, |bin| f64::from(bin.kept));
    let consumed = |which, bins| sum(which, bins, |bin| f64::from(bin.consumed));
    let whole = (runs.warm, runs.bins);
    let usual = match kept(Which::Twin, whole) {
        kept if kept > 0.0 => (consumed(Which::Twin, whole) / kept).min(1.0),
        _ => 1.0,
    };
    let expected = kept(Which::Main, bins) * usual;
    if expected > 0.0 { (1.0 - consumed(Which::Main, bins) / expected).clamp(0.0, 1.0) } else { 0.0 }
}

fn alone(runs: &Runs<'_>, id: usize, windows: &[Window], tail: (usize, usize)) -> (Verdict, Vec<usize>) {
    let settings = &runs.model.verdict;
    let allowed = settings.lag.as_secs_f64();
    let late: Vec<f64> =
        windows.iter().filter(|it| it.bins.0 >= runs.warm.midpoint(runs.bins)).map(|it| it.lag).collect();
    let grows = shift::slope(&late).is_some_and(|(slope, sigmas)| {
        let mean = late.iter().sum::<f64>() / late.len() as f64;
        sigmas >= settings.sigmas && slope * late.len() as f64 >= 2.0 * MOVES * mean
    });
    let at_end = windows.last().map_or(0.0, |it| it.age);
    let (gone, kept) = windows.iter().fold((0.0, 0.0), |(gone, kept), it| (gone + it.gone, kept + it.kept));
    let loses =
        gone > settings.tolerance.as_f64().max(settings.lost.as_f64()) * kept && are_workers_busy(runs, id, tail);
    if !(loses || (grows && at_end > allowed)) {
        return (Verdict::Stable, Vec::new());
    }
    let is_harmed = |it: &Window| it.age > allowed || (loses && it.gone > 0.0);
    (Verdict::Overloaded, (0..windows.len()).filter(|n| is_harmed(&windows[*n])).collect())
}

/// Whether the workers of a group are as busy as they can be.
pub(in super::super) fn are_workers_busy(runs: &Runs<'_>, id: usize, bins: (usize, usize)) -> bool {
    let there = runs.workers_sum(Which::Main, id, bins, |bin| f64::from(bin.there));
    let busy = runs.workers_sum(Which::Main, id, bins, |bin| f64::from(bin.busy));
    there > 0.0 && busy >= SATURATED * there
}
