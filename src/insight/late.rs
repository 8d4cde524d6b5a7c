//! Whether users are down for want of time though nothing is as busy as it can be: a service that takes as much work on
//! as it gets, and becomes slower with all of it, has no threads that could be taken.
//!
//! What fails by itself, as a step that is written to fail, is no want of time: it fails as often with less load. So each
//! failure that users see is followed along the calls to where it was born: an error of a handler that no call of its
//! own explains counts as such, and everything else (timeouts, rejections, passed deadlines, calls that were held back)
//! as want of time.

use super::messages::blame::refuses;
use super::runs::{Failing, Runs, Which};
use super::verdict::CALM_MIN;
use crate::measure::{ServiceBin, WorkloadBin};
use crate::policy::Outcome;

/// A service takes longer than it could when a request is so many times as long in its hands as in its best window.
const SLOWER: f64 = 2.0;

/// A stretch of bins, the last one exclusive.
type Bins = (usize, usize);

/// Windows in which users of `workload` are down for want of time; empty unless they stay so: at the end of the run, or
/// for most of it, `metastable` or more of what ended was late or failed for want of time, and more than chance.
pub(super) fn stays_down(runs: &Runs<'_>, workload: usize, windows: &[Bins]) -> Vec<Bins> {
    let is_down = |bins: &Bins| is_down(runs, workload, *bins);
    let down: Vec<Bins> = windows.iter().copied().filter(is_down).collect();
    let last = windows.len().saturating_sub(CALM_MIN);
    let is_calm = windows.get(last).is_none_or(|it| down.last().is_none_or(|down| down.0 < it.0));
    let at_end = !is_calm && is_down(&runs.tail(runs.warm));
    if at_end || 2 * down.len() > windows.len() { down } else { Vec::new() }
}

fn is_down(runs: &Runs<'_>, workload: usize, bins: Bins) -> bool {
    let settings = &runs.model.verdict;
    let sum = |of: fn(&WorkloadBin) -> f64| runs.workload_sum(Which::Main, workload, bins, of);
    let (late, failed) = (sum(|bin| f64::from(bin.late)), sum(|bin| f64::from(bin.failed)));
    let ended = late + failed + sum(|bin| f64::from(bin.good_now));
    let limit = settings.metastable.as_f64();
    let allowed = limit * ended + settings.sigmas * (ended * limit * (1.0 - limit)).sqrt();
    // The way of the failures takes long to follow: first whether it matters.
    late + failed > allowed && late + failed * (1.0 - by_themselves(runs, workload, bins)) > allowed
}

/// Whether users of `workload` get fewer answers of any kind than they ask for, at the end of the run, by `metastable`
/// and by more than chance. Of two loads at the end the smaller counts: answers to the other one may be on their way.
pub(super) fn is_unanswered(runs: &Runs<'_>, workload: usize) -> bool {
    let settings = &runs.model.verdict;
    let tail = runs.tail(runs.warm);
    let before = (tail.0.saturating_sub(tail.1 - tail.0), tail.0);
    let sum = |bins, of: fn(&WorkloadBin) -> f64| runs.workload_sum(Which::Main, workload, bins, of);
    let offered = |bins| sum(bins, |bin| f64::from(bin.offered));
    let asked = offered(tail).min(offered(before));
    let answered = sum(tail, |bin| f64::from(bin.late) + f64::from(bin.failed) + f64::from(bin.good_now));
    let missing = asked * (1.0 - settings.metastable.as_f64()) - answered;
    missing > settings.sigmas * (asked + answered).sqrt()
}

/// Share of the failures that users of a workload see that failed by themselves.
fn by_themselves(runs: &Runs<'_>, workload: usize, bins: Bins) -> f64 {
    let mut known = vec![None; runs.model.services.len()];
    let (mut all, mut born) = (0.0, 0.0);
    for edge in runs.entries(workload) {
        let ended = runs.failed(Which::Main, edge, bins, Failing::Ended);
        let retried = runs.failed(Which::Main, edge, bins, Failing::Retried);
        let last = |outcome: Outcome| ended[outcome as usize].saturating_sub(retried[outcome as usize]) as f64;
        all += Outcome::ALL.into_iter().filter(|it| *it != Outcome::Cancelled).map(last).sum::<f64>();
        let errors = last(Outcome::Error);
        if errors > 0.0 {
            born += errors * born_at(runs, runs.callee(edge), bins, &mut known);
        }
    }
    if all > 0.0 { born / all } else { 0.0 }
}

/// Share of a service's errors that failed by themselves, in it or in what it calls.
fn born_at(runs: &Runs<'_>, service: usize, bins: Bins, known: &mut [Option<f64>]) -> f64 {
    if let Some(share) = known[service] {
        return share;
    }
    // What calls itself in a circle explains nothing by it.
    known[service] = Some(0.0);
    let failed = runs.service_sum(Which::Main, service, bins, |bin| f64::from(bin.failed));
    let (mut called, mut born) = (0.0, 0.0);
    for edge in runs.out_of(service) {
        let fatal = runs.failed(Which::Main, edge, bins, Failing::Fatal);
        called += fatal.iter().sum::<u64>() as f64;
        let errors = fatal[Outcome::Error as usize] as f64;
        if errors > 0.0 {
            born += errors * born_at(runs, runs.callee(edge), bins, known);
        }
    }
    let own = if refuses(runs, service, bins).is_some() { 0.0 } else { (failed - called).max(0.0) };
    let all = failed.max(called);
    // An error that nobody made comes from what was told to go wrong on the way.
    let share = if all > 0.0 { (own + born) / all } else { 1.0 };
    known[service] = Some(share);
    share
}

/// The service that became slower, and has the most in its hands within `bins`: what it does itself, not what it waits
/// for.
pub(super) fn slower(runs: &Runs<'_>, bins: Bins, width: usize) -> Option<usize> {
    let all = (0..runs.model.services.len()).filter(|service| is_slower(runs, *service, bins, width));
    all.max_by(|a, b| held(runs, *a, bins).total_cmp(&held(runs, *b, bins)))
}

/// The edge along which callers give up before they can be answered, though what they call is as fast as ever: most
/// attempts time out, and none of its own calls do. The first of several, as the file has them.
pub(super) fn impatient(runs: &Runs<'_>, bins: Bins, width: usize) -> Option<usize> {
    let gives_up = |edge: usize| {
        let attempts = runs.edge_sum(Which::Main, edge, bins, |bin| f64::from(bin.attempts));
        let timeouts = runs.failed(Which::Main, edge, bins, Failing::Ended)[Outcome::Timeout as usize];
        timeouts as f64 > attempts / 2.0
    };
    let is_last = |edge: &usize| !runs.out_of(runs.callee(*edge)).any(gives_up);
    let is_as_ever = |edge: &usize| !is_slower(runs, runs.callee(*edge), bins, width);
    (0..runs.edges.len()).find(|edge| gives_up(*edge) && is_last(edge) && is_as_ever(edge))
}

/// Whether a request is longer in its own hands within `bins` than in its best window.
fn is_slower(runs: &Runs<'_>, service: usize, bins: Bins, width: usize) -> bool {
    let each = |bins: Bins| {
        let ended: fn(&ServiceBin) -> f64 = |bin| f64::from(bin.completed) + f64::from(bin.failed);
        held(runs, service, bins) / runs.service_sum(Which::Main, service, bins, ended).max(1.0)
    };
    let windows = (0..runs.bins).step_by(width.max(1)).map(|start| (start, (start + width.max(1)).min(runs.bins)));
    let best = windows.map(each).filter(|it| *it > 0.0).fold(f64::INFINITY, f64::min);
    best.is_finite() && each(bins) >= SLOWER * best
}

/// How many requests a service has in its own hands, summed over the bins.
fn held(runs: &Runs<'_>, service: usize, bins: Bins) -> f64 {
    let busy = runs.service_sum(Which::Main, service, bins, |bin| f64::from(bin.busy));
    let waits = |edge| runs.edge_sum(Which::Main, edge, bins, |bin| f64::from(bin.waiting));
    (busy - runs.out_of(service).map(waits).sum::<f64>()).max(0.0)
}
