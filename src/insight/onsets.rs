//! When every workload, service and edge began to differ from what it does in the twin run; for a run without a
//! trigger, from what it did at first.

use crate::base::time::Span;
use crate::measure::{EdgeBin, ServiceBin, WorkloadBin};
use crate::model::{Caller, Id, Verdict};
use crate::policy::Outcome;

use super::messages::onsets::{self as messages, GroupOnsets, TopicOnsets};
use super::runs::{Failing, Runs, Which};
use super::shift::{self, Scale};
use super::verdict::Judgement;

/// Part of the threads, or of what is usual, that is worth telling.
const LEVEL_MATTERS: f64 = 0.1;
/// The same where there is no number of threads.
const CROWD_MATTERS: f64 = 0.5;
/// Part of the arrivals.
pub(super) const LOAD_MATTERS: f64 = 0.25;
/// Part of the arrivals that fail.
pub(super) const FAILURES_MATTER: f64 = 0.01;
/// Busy threads, of all, that are all for whoever comes; the same for places in a queue.
pub(super) const FULL: f64 = 0.98;
/// How long that lasts before it is told.
pub(super) const FULL_FOR: Span = Span::from_millis(300);
/// Part of a run without a trigger that shows what is usual.
const USUAL: usize = 5;

/// Bins of the first onsets; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Onsets {
    pub(super) workloads: Vec<WorkloadOnsets>,
    pub(super) services: Vec<ServiceOnsets>,
    pub(super) edges: Vec<EdgeOnsets>,
    pub(super) groups: Vec<GroupOnsets>,
    pub(super) topics: Vec<TopicOnsets>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct WorkloadOnsets {
    /// Requests fail, come late, or are not answered.
    pub(super) harmed: Option<usize>,
    /// More is asked for.
    pub(super) load: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ServiceOnsets {
    /// More requests are in it.
    pub(super) crowded: Option<usize>,
    /// More threads are busy.
    pub(super) busy: Option<usize>,
    /// All threads are busy.
    pub(super) saturated: Option<usize>,
    /// More requests wait for a thread.
    pub(super) queue: Option<usize>,
    /// All places in the queue are taken.
    pub(super) full: Option<usize>,
    /// Requests are turned away.
    pub(super) rejecting: Option<usize>,
    /// Nobody is there.
    pub(super) refusing: Option<usize>,
    /// Handlers answer with errors.
    pub(super) failing: Option<usize>,
    /// More attempts arrive.
    pub(super) load: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct EdgeOnsets {
    /// More attempts are waited for.
    pub(super) waiting: Option<usize>,
    /// Attempts fail.
    pub(super) failing: Option<usize>,
    /// Attempts are repeated.
    pub(super) retrying: Option<usize>,
    /// Attempts are not sent: a breaker is open, or a throttle holds them back.
    pub(super) held_back: Option<usize>,
    /// More attempts are sent.
    pub(super) load: Option<usize>,
}

impl ServiceOnsets {
    /// When anything about it began to differ for the worse.
    pub(super) fn first(&self) -> Option<usize> {
        let all = [self.crowded, self.busy, self.queue, self.rejecting, self.refusing, self.failing, self.saturated];
        all.into_iter().flatten().min()
    }
}

impl EdgeOnsets {
    pub(super) fn first(&self) -> Option<usize> {
        [self.waiting, self.failing].into_iter().flatten().min()
    }
}

/// Finds them; there are none in a run in which nothing happens.
pub(super) fn find(runs: &Runs<'_>, judgement: &Judgement) -> Onsets {
    let (workloads, services, edges) = (runs.model.workloads.len(), runs.model.services.len(), runs.edges.len());
    let groups = runs.groups.len();
    let topics = if groups == 0 { 0 } else { runs.model.topics.len() };
    if judgement.verdict == Verdict::Stable {
        return Onsets {
            workloads: vec![WorkloadOnsets::default(); workloads],
            services: vec![ServiceOnsets::default(); services],
            edges: vec![EdgeOnsets::default(); edges],
            groups: vec![GroupOnsets::default(); groups],
            topics: vec![TopicOnsets::default(); topics],
        };
    }
    let seen = Seen::new(runs);
    Onsets {
        workloads: (0..workloads).map(|id| seen.workload(id)).collect(),
        services: (0..services).map(|id| seen.service(id)).collect(),
        edges: (0..edges).map(|id| seen.edge(id)).collect(),
        groups: (0..groups).map(|id| messages::group(&seen, id)).collect(),
        topics: (0..topics).map(|id| messages::topic(&seen, id)).collect(),
    }
}

/// Runs, and from which bin on they are looked at.
pub(super) struct Seen<'r, 'a> {
    pub(super) runs: &'r Runs<'a>,
    pub(super) from: usize,
}

impl<'r, 'a> Seen<'r, 'a> {
    fn new(runs: &'r Runs<'a>) -> Seen<'r, 'a> {
        let from = runs.triggers.first().map_or(runs.warm, |trigger| runs.main.bin_of(trigger.from));
        Seen { runs, from }
    }

    /// Values of both runs, and the mean and the standard deviation of what is usual.
    fn compare(&self, main: impl Fn(usize) -> f64, twin: impl Fn(usize) -> f64) -> (Vec<f64>, f64, f64) {
        let runs = self.runs;
        if runs.twin.is_some() {
            let (mean, sigma) = shift::moments((runs.warm..runs.bins).map(&twin));
            // Both runs are uncertain once they have parted.
            return ((0..runs.bins).map(|bin| main(bin) - twin(bin)).collect(), mean, sigma * std::f64::consts::SQRT_2);
        }
        let usual = runs.warm..runs.warm + (runs.bins - runs.warm).div_ceil(USUAL);
        let (mean, sigma) = shift::moments(usual.map(&main));
        ((0..runs.bins).map(|bin| main(bin) - mean).collect(), mean, sigma)
    }

    /// The onset of a rise of which `matters` says, given what is usual, how much is worth telling.
    pub(super) fn rise(
        &self,
        main: impl Fn(usize) -> f64,
        twin: impl Fn(usize) -> f64,
        matters: impl Fn(f64) -> f64,
    ) -> Option<usize> {
        let (difference, mean, sigma) = self.compare(main, twin);
        shift::onset(&difference, self.from, Scale::new(sigma, matters(mean)))
    }

    /// The onset of failures, of which there are `whole` in each bin that could fail; there should be none.
    pub(super) fn failures(
        &self,
        main: impl Fn(usize) -> f64,
        twin: impl Fn(usize) -> f64,
        whole: f64,
    ) -> Option<usize> {
        let matters = (FAILURES_MATTER * whole).max(0.02);
        let is_alone = self.runs.twin.is_none();
        let (difference, _, sigma) = self.compare(&main, &twin);
        let scale = |sigma| {
            let scale = Scale::new(sigma, matters);
            // Failures are whole: three are more than one that happened to happen.
            Scale { height: scale.height.max(3.0 - scale.drift), ..scale }
        };
        if is_alone {
            let all: Vec<f64> = (0..self.runs.bins).map(main).collect();
            return shift::onset(&all, self.from, scale(0.0));
        }
        shift::onset(&difference, self.from, scale(sigma))
    }

    fn service(&self, id: usize) -> ServiceOnsets {
        let runs = self.runs;
        let level = |of: fn(&ServiceBin) -> f32| {
            let read =
                move |which, bin| runs.causes(which).map_or(0.0, |causes| f64::from(of(causes.service(bin, id))));
            (move |bin| read(Which::Main, bin), move |bin| read(Which::Twin, bin))
        };
        let count = |of: fn(&ServiceBin) -> u32| {
            let read =
                move |which, bin| runs.causes(which).map_or(0.0, |causes| f64::from(of(causes.service(bin, id))));
            (move |bin| read(Which::Main, bin), move |bin| read(Which::Twin, bin))
        };
        let threads = runs.threads(id, self.from);
        let matters = move |mean: f64| match threads {
            Some(threads) => (LEVEL_MATTERS * threads).max(0.5),
            None => (CROWD_MATTERS * mean).max(1.0),
        };
        let (in_system, busy, queue) = (level(|bin| bin.in_system), level(|bin| bin.busy), level(|bin| bin.queue));
        let (rejected, refused, failed) =
            (count(|bin| bin.rejected), count(|bin| bin.refused), count(|bin| bin.failed));
        let arrivals = count(|bin| bin.arrivals);
        let (usual, _) = shift::moments((runs.warm..runs.bins).map(&arrivals.0));
        ServiceOnsets {
            crowded: self.rise(in_system.0, in_system.1, matters),
            busy: self.rise(busy.0, busy.1, matters),
            saturated: self.full(busy.0, busy.1, |bin| runs.threads(id, bin)),
            queue: self.rise(queue.0, queue.1, |mean| matters(mean).max(1.0)),
            full: self.full(queue.0, queue.1, |bin| runs.places(id, bin).filter(|places| *places > 0.0)),
            rejecting: self.failures(rejected.0, rejected.1, usual),
            refusing: self.failures(refused.0, refused.1, usual),
            failing: self.failures(failed.0, failed.1, usual),
            load: self.rise(arrivals.0, arrivals.1, |mean| (LOAD_MATTERS * mean).max(0.02)),
        }
    }

    /// The first bin in which, and for longer than ever in the twin, everything is in use of which there is so much.
    fn full(
        &self,
        main: impl Fn(usize) -> f64,
        twin: impl Fn(usize) -> f64,
        whole: impl Fn(usize) -> Option<f64>,
    ) -> Option<usize> {
        let runs = self.runs;
        let whole_at_first = whole(self.from)?;
        let changes = !runs.model.changes.is_empty();
        let is_full = |of: &dyn Fn(usize) -> f64, bin: usize| {
            let whole = if changes { whole(bin) } else { Some(whole_at_first) };
            whole.is_some_and(|whole| of(bin) >= FULL * whole)
        };
        // For longer than it ever is in the twin.
        let (mut row, mut usual) = (0, 0);
        for bin in runs.warm..if runs.twin.is_some() { runs.bins } else { 0 } {
            row = if is_full(&twin, bin) { row + 1 } else { 0 };
            usual = usual.max(row);
        }
        let needed = runs.bins_of(FULL_FOR).max(usual + 1);
        row = 0;
        for bin in self.from..runs.bins {
            row = if is_full(&main, bin) { row + 1 } else { 0 };
            if row == needed {
                return Some(bin + 1 - needed);
            }
        }
        None
    }

    fn edge(&self, id: usize) -> EdgeOnsets {
        let runs = self.runs;
        let read = |which: Which, bin: usize, of: fn(&EdgeBin) -> f64| {
            runs.causes(which).map_or(0.0, |causes| of(causes.edge(bin, id)))
        };
        let threads = match runs.edge(id).from {
            Caller::Service(service) => runs.threads(service.index(), self.from),
            Caller::Workload(_) | Caller::Consumer(_) => None,
        };
        let matters = |mean: f64| match threads {
            Some(threads) => (LEVEL_MATTERS * threads).max(0.5),
            None => (CROWD_MATTERS * mean).max(1.0),
        };
        let attempts: fn(&EdgeBin) -> f64 = |bin| f64::from(bin.attempts);
        let waiting: fn(&EdgeBin) -> f64 = |bin| f64::from(bin.waiting);
        let (usual, _) = shift::moments((runs.warm..runs.bins).map(|bin| read(Which::Main, bin, attempts)));
        let of = |what: Failing, counts: fn(Outcome) -> bool| {
            let dense = |which| self.dense(which, id, what, counts);
            let (main, twin) = (dense(Which::Main), dense(Which::Twin));
            self.failures(|bin| main[bin], |bin| twin[bin], usual)
        };
        EdgeOnsets {
            waiting: self.rise(|bin| read(Which::Main, bin, waiting), |bin| read(Which::Twin, bin, waiting), matters),
            failing: of(Failing::Ended, |outcome| outcome != Outcome::Cancelled && !is_held_back(outcome)),
            retrying: of(Failing::Retried, |_| true),
            held_back: of(Failing::Ended, is_held_back),
            load: self.rise(
                |bin| read(Which::Main, bin, attempts),
                |bin| read(Which::Twin, bin, attempts),
                |mean| (LOAD_MATTERS * mean).max(0.02),
            ),
        }
    }

    /// Failures bin by bin.
    fn dense(&self, which: Which, edge: usize, what: Failing, counts: fn(Outcome) -> bool) -> Vec<f64> {
        let mut dense = vec![0.0; self.runs.bins];
        let bins = dense.len();
        for (bin, found) in self.runs.failures(which, edge, what).iter().filter(|(bin, _)| *bin < bins) {
            let of = |outcome: Outcome| if counts(outcome) { f64::from(found[outcome as usize]) } else { 0.0 };
            dense[*bin] = Outcome::ALL.into_iter().map(of).sum();
        }
        dense
    }

    fn workload(&self, id: usize) -> WorkloadOnsets {
        let runs = self.runs;
        let read = |which: Which, bin: usize, of: fn(&WorkloadBin) -> f64| {
            runs.causes(which).map_or(0.0, |causes| of(causes.workload(bin, id)))
        };
        let both = |of: fn(&WorkloadBin) -> f64| {
            (move |bin| read(Which::Main, bin, of), move |bin| read(Which::Twin, bin, of))
        };
        let bad = both(|bin| f64::from(bin.failed) + f64::from(bin.late));
        let offered = both(|bin| f64::from(bin.offered));
        let (usual, _) = shift::moments((runs.warm..runs.bins).map(&offered.0));
        let failing = self.failures(bad.0, bad.1, usual);
        // Who is not answered at all does not fail either: fewer are answered than in the twin.
        let good = both(|bin| f64::from(bin.good_now));
        let fewer = runs.twin.and_then(|_| self.rise(|bin| -(good.0)(bin), |bin| -(good.1)(bin), |mean| -mean / 2.0));
        WorkloadOnsets {
            harmed: failing.or(fewer),
            load: self.rise(offered.0, offered.1, |mean| (LOAD_MATTERS * mean).max(0.02)),
        }
    }
}

/// Whether an attempt was not even sent.
pub(super) fn is_held_back(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::ShortCircuited | Outcome::Throttled | Outcome::Limited)
}
