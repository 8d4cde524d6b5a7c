//! How a run went over time, in few enough points to be kept: what `--at 61s` shows, and what a report draws.

use serde::{Deserialize, Serialize};

use crate::measure::{ConsumerBin, EdgeBin, GroupBin, ServiceBin, WorkloadBin};
use crate::policy::Outcome;

use super::onsets::is_held_back;
use super::runs::{Failing, Runs, Which};

/// Points that are kept at most.
const POINTS_MAX: usize = 400;
/// Services and edges that are kept at most: those with the most time in them.
const KEPT_MAX: usize = 100;

/// A run over time; see the module. Levels are means over a point, counts are numbers in it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// Width of a point in seconds; the last one may be cut short.
    pub width_s: f64,
    /// How many there are.
    pub points: usize,
    /// Every workload.
    pub workloads: Vec<WorkloadPoints>,
    /// Services, in the order of the file.
    pub services: Vec<ServicePoints>,
    /// Edges, in the order of the file.
    pub edges: Vec<EdgePoints>,
    /// Groups of consumers, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupPoints>,
}

/// A group of consumers over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GroupPoints {
    /// What it is called.
    pub name: String,
    /// Messages that wait.
    pub lag: Vec<f64>,
    /// How old the oldest one is at the end of the point, in seconds.
    pub oldest_age_s: Vec<f64>,
    /// Messages that came.
    pub kept: Vec<u32>,
    /// Those that were handled.
    pub consumed: Vec<u32>,
    /// Workers that are there.
    pub workers: Vec<f64>,
    /// Those of them that are busy.
    pub busy: Vec<f64>,
}

/// A workload over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkloadPoints {
    /// Its name.
    pub name: String,
    /// Requests that were meant to start.
    pub offered: Vec<u32>,
    /// Of these, those that were answered well and in time.
    pub good: Vec<u32>,
    /// The same in the twin; empty without one.
    pub good_of_twin: Vec<u32>,
}

/// A service over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ServicePoints {
    /// Its name.
    pub name: String,
    /// Threads of all replicas; `None` where they are not limited.
    pub threads: Vec<Option<u32>>,
    /// Busy threads.
    pub busy: Vec<f64>,
    /// Those of them that nobody waits for.
    pub wasted: Vec<f64>,
    /// Requests that wait for a thread.
    pub queue: Vec<f64>,
    /// Attempts that arrived.
    pub arrivals: Vec<u32>,
    /// The same in the twin; empty without one.
    pub arrivals_of_twin: Vec<u32>,
    /// Turned away.
    pub rejected: Vec<u32>,
    /// Found nobody there.
    pub refused: Vec<u32>,
    /// Answered with an error.
    pub failed: Vec<u32>,
}

/// An edge over time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EdgePoints {
    /// `caller -> service`.
    pub name: String,
    /// The caller, a service or a workload.
    pub from: String,
    /// The service that is called.
    pub to: String,
    /// Attempts that somebody waits for.
    pub waiting: Vec<f64>,
    /// Attempts sent.
    pub attempts: Vec<u32>,
    /// Those of them that repeat another one.
    pub retries: Vec<u32>,
    /// Attempts that failed, timeouts included.
    pub failed: Vec<u32>,
    /// Attempts that timed out.
    pub timeouts: Vec<u32>,
    /// Attempts that breakers or throttles did not let go.
    pub held_back: Vec<u32>,
}

/// The timeline of a run.
pub(super) fn of(runs: &Runs<'_>) -> Timeline {
    let step = runs.bins.div_ceil(POINTS_MAX).max(1);
    let stretches: Vec<(usize, usize)> =
        (0..runs.bins).step_by(step).map(|bin| (bin, (bin + step).min(runs.bins))).collect();
    let whole = (0, runs.bins);
    let services =
        most(runs.model.services.len(), |id| runs.service_sum(Which::Main, id, whole, |bin| f64::from(bin.in_system)));
    let edges = most(runs.edges.len(), |id| runs.edge_sum(Which::Main, id, whole, |bin| f64::from(bin.attempts)));
    let groups = most(runs.groups.len(), |id| runs.group_sum(Which::Main, id, whole, |bin| f64::from(bin.kept)));
    Timeline {
        width_s: runs.bin_secs() * step as f64,
        points: stretches.len(),
        workloads: (0..runs.model.workloads.len()).map(|id| workload(runs, id, &stretches)).collect(),
        services: services.into_iter().map(|id| service(runs, id, &stretches)).collect(),
        edges: edges.into_iter().map(|id| edge(runs, id, &stretches)).collect(),
        groups: groups.into_iter().map(|id| group(runs, id, &stretches)).collect(),
    }
}

fn group(runs: &Runs<'_>, id: usize, stretches: &[(usize, usize)]) -> GroupPoints {
    let length = |bins: &(usize, usize)| (bins.1 - bins.0) as f64;
    let sum = |bins: &(usize, usize), of: fn(&GroupBin) -> f64| runs.group_sum(Which::Main, id, *bins, of);
    let count = |of: fn(&GroupBin) -> f64| stretches.iter().map(|bins| sum(bins, of) as u32).collect();
    let workers = |of: fn(&ConsumerBin) -> f64| {
        let mean = |bins: &(usize, usize)| rounded(runs.workers_sum(Which::Main, id, *bins, of) / length(bins));
        stretches.iter().map(mean).collect()
    };
    let last = |bins: &(usize, usize)| rounded(sum(&(bins.1 - 1, bins.1), |bin| f64::from(bin.age_s)));
    GroupPoints {
        name: runs.group_name(id),
        lag: stretches.iter().map(|bins| rounded(sum(bins, |bin| f64::from(bin.lag)) / length(bins))).collect(),
        oldest_age_s: stretches.iter().map(last).collect(),
        kept: count(|bin| f64::from(bin.kept)),
        consumed: count(|bin| f64::from(bin.consumed)),
        workers: workers(|bin| f64::from(bin.there)),
        busy: workers(|bin| f64::from(bin.busy)),
    }
}

/// Those with the most of something, in their order.
fn most(count: usize, of: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut ids: Vec<(usize, f64)> = (0..count).map(|id| (id, of(id))).collect();
    ids.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ids.truncate(KEPT_MAX);
    let mut kept: Vec<usize> = ids.into_iter().map(|(id, _)| id).collect();
    kept.sort_unstable();
    kept
}

/// Two digits behind the point: enough for a mean, and short in a file.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn workload(runs: &Runs<'_>, id: usize, stretches: &[(usize, usize)]) -> WorkloadPoints {
    let count = |which, of: fn(&WorkloadBin) -> f64| {
        stretches.iter().map(|bins| runs.workload_sum(which, id, *bins, of) as u32).collect::<Vec<u32>>()
    };
    let twin = |of| if runs.twin.is_some() { count(Which::Twin, of) } else { Vec::new() };
    WorkloadPoints {
        name: runs.workload_name(id).to_owned(),
        offered: count(Which::Main, |bin| f64::from(bin.offered)),
        good: count(Which::Main, |bin| f64::from(bin.good)),
        good_of_twin: twin(|bin| f64::from(bin.good)),
    }
}

fn service(runs: &Runs<'_>, id: usize, stretches: &[(usize, usize)]) -> ServicePoints {
    let count = |which, of: fn(&ServiceBin) -> f64| {
        stretches.iter().map(|bins| runs.service_sum(which, id, *bins, of) as u32).collect::<Vec<u32>>()
    };
    let level = |of: fn(&ServiceBin) -> f64| {
        let mean = |bins: &(usize, usize)| runs.service_sum(Which::Main, id, *bins, of) / (bins.1 - bins.0) as f64;
        stretches.iter().map(|bins| rounded(mean(bins))).collect::<Vec<f64>>()
    };
    let twin = |of| if runs.twin.is_some() { count(Which::Twin, of) } else { Vec::new() };
    ServicePoints {
        name: runs.service_name(id).to_owned(),
        threads: stretches.iter().map(|bins| runs.threads(id, bins.0).map(|threads| threads as u32)).collect(),
        busy: level(|bin| f64::from(bin.busy)),
        wasted: level(|bin| f64::from(bin.wasted)),
        queue: level(|bin| f64::from(bin.queue)),
        arrivals: count(Which::Main, |bin| f64::from(bin.arrivals)),
        arrivals_of_twin: twin(|bin| f64::from(bin.arrivals)),
        rejected: count(Which::Main, |bin| f64::from(bin.rejected)),
        refused: count(Which::Main, |bin| f64::from(bin.refused)),
        failed: count(Which::Main, |bin| f64::from(bin.failed)),
    }
}

fn edge(runs: &Runs<'_>, id: usize, stretches: &[(usize, usize)]) -> EdgePoints {
    let step = stretches.first().map_or(1, |bins| bins.1 - bins.0).max(1);
    let failures = |what: Failing, counts: fn(Outcome) -> bool| {
        let mut points = vec![0; stretches.len()];
        for (bin, found) in runs.failures(Which::Main, id, what).iter().filter(|(bin, _)| *bin < runs.bins) {
            let counted = Outcome::ALL.into_iter().filter(|outcome| counts(*outcome));
            points[bin / step] += counted.map(|outcome| found[outcome as usize]).sum::<u32>();
        }
        points
    };
    let attempts: fn(&EdgeBin) -> f64 = |bin| f64::from(bin.attempts);
    let waiting = |bins: &(usize, usize)| {
        runs.edge_sum(Which::Main, id, *bins, |bin| f64::from(bin.waiting)) / (bins.1 - bins.0) as f64
    };
    EdgePoints {
        name: runs.edge_names[id].clone(),
        from: super::words::caller(runs, id),
        to: runs.service_name(runs.callee(id)).to_owned(),
        waiting: stretches.iter().map(|bins| rounded(waiting(bins))).collect(),
        attempts: stretches.iter().map(|bins| runs.edge_sum(Which::Main, id, *bins, attempts) as u32).collect(),
        retries: failures(Failing::Retried, |_| true),
        failed: failures(Failing::Ended, |outcome| !is_held_back(outcome) && outcome != Outcome::Cancelled),
        timeouts: failures(Failing::Ended, |outcome| outcome == Outcome::Timeout),
        held_back: failures(Failing::Ended, is_held_back),
    }
}
