//! The moments of the playback. They are close together where the cascade runs and far apart elsewhere, so that played at
//! one pace the page shows what matters in slow motion. All that a moment shows comes from what the run recorded for its
//! story, or, where it recorded none, from its series.

use crate::base::time::{Span, Time};
use crate::insight::{Event, EventKind};
use crate::measure::{Causes, OUTCOMES, Results};
use crate::model::{Id, Model, ServiceId};
use crate::policy::Outcome;
use crate::report::Input;

/// Moments of the cascade, and of the rest of the run, at most.
const FINE_MAX: usize = 160;
const COARSE_MAX: usize = 160;
/// A cascade that takes longer than this part of the run needs no slow motion.
const SHORT: f64 = 0.5;

/// From one up to another.
type Stretch = (usize, usize);

/// See the module.
pub(super) struct Frames<'a> {
    model: &'a Model,
    results: &'a Results,
    /// Width of what is recorded.
    width: Span,
    /// What is recorded in each moment: from one bin up to another.
    bins: Vec<(usize, usize)>,
    /// The moments of the cascade; `None` where all are alike.
    pub(super) fine: Option<(usize, usize)>,
    failures: Vec<Vec<usize>>,
}

/// A service in every moment.
pub(super) struct ServiceFrames {
    /// Busy threads of all, or their number where they are not limited.
    pub(super) busy: Vec<f64>,
    pub(super) is_limited: bool,
    /// Part of the busy ones that nobody waits for.
    pub(super) wasted: Vec<f64>,
    /// Requests that wait for a thread.
    pub(super) queue: Vec<f64>,
    /// Attempts that arrive each second.
    pub(super) arrivals: Vec<f64>,
    /// Share of what ended that was turned away or answered with an error.
    pub(super) errors: Vec<f64>,
}

/// A workload in every moment.
pub(super) struct WorkloadFrames {
    /// Requests that users start each second.
    pub(super) rate: Vec<f64>,
    /// Share of those that end then and have failed or come late.
    pub(super) missed: Vec<f64>,
}

/// An edge in every moment: counts, and how most of what failed ended.
pub(super) struct EdgeFrames {
    pub(super) attempts: Vec<f64>,
    pub(super) ended: Vec<[f64; OUTCOMES]>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(input: &Input<'a>) -> Frames<'a> {
        let (model, results) = (input.model, input.results);
        let (width, count) = match results.causes.as_deref().filter(|causes| causes.bins > 0) {
            Some(causes) => (causes.bin, causes.bins),
            None => (results.series.interval, results.series.points),
        };
        let cascade = input.insight.and_then(|insight| {
            let events = cascade(&insight.events);
            // The last ones may be stragglers, long after the rest.
            Some((events.first()?.at, events.get(events.len() * 4 / 5)?.at))
        });
        let (bins, fine) = moments(width, count, cascade);
        let mut failures = Vec::new();
        if let Some(causes) = &results.causes {
            failures = vec![Vec::new(); results.edges.len()];
            causes.failures.iter().enumerate().for_each(|(n, it)| failures[it.edge as usize].push(n));
        }
        Frames { model, results, width, bins, fine, failures }
    }

    pub(super) fn len(&self) -> usize {
        self.bins.len()
    }

    /// When a moment begins.
    pub(super) fn start(&self, frame: usize) -> Time {
        Time::from_nanos(self.width.as_nanos().saturating_mul(self.bins[frame].0 as u64)).min(self.results.ended)
    }

    fn end(&self, frame: usize) -> Time {
        Time::from_nanos(self.width.as_nanos().saturating_mul(self.bins[frame].1 as u64)).min(self.results.ended)
    }

    /// The moment that `time` lies in.
    pub(super) fn at(&self, time: Time) -> usize {
        (0..self.len()).rev().find(|frame| self.start(*frame) <= time).unwrap_or(0)
    }

    /// How long a moment is, in seconds.
    fn secs(&self, frame: usize) -> f64 {
        self.end(frame).since(self.start(frame)).as_secs_f64().max(1e-9)
    }

    /// A point of the series that goes on in the middle of each moment.
    pub(super) fn points(&self) -> Vec<usize> {
        let interval = self.results.series.interval.as_nanos().max(1);
        let last = self.results.series.points.saturating_sub(1);
        let middle = |frame| (self.start(frame).as_nanos() + self.end(frame).as_nanos()) / 2;
        (0..self.len()).map(|frame| ((middle(frame) / interval) as usize).min(last)).collect()
    }

    /// A level of the series in every moment.
    pub(super) fn level(&self, series: &[f64]) -> Vec<f64> {
        self.points().into_iter().map(|point| series.get(point).copied().unwrap_or(0.0)).collect()
    }

    /// A count of the series as a rate in every moment.
    pub(super) fn rate(&self, series: &[u64]) -> Vec<f64> {
        let secs = self.results.series.interval.as_secs_f64().max(1e-9);
        self.points().into_iter().map(|point| series.get(point).copied().unwrap_or(0) as f64 / secs).collect()
    }

    fn causes(&self) -> Option<&'a Causes> {
        self.results.causes.as_deref().filter(|causes| causes.bins > 0)
    }

    pub(super) fn workload(&self, id: usize) -> WorkloadFrames {
        let series = &self.results.series.workloads[id];
        let bin = |bin: usize| match self.causes() {
            Some(causes) => {
                let it = causes.workload(bin, id);
                [it.offered, it.failed + it.late, it.good_now].map(f64::from)
            }
            None => {
                let late = series.answered[bin].saturating_sub(series.good[bin]);
                [series.offered[bin], series.failed[bin] + late, series.good[bin]].map(|count| count as f64)
            }
        };
        let mut of = WorkloadFrames { rate: Vec::new(), missed: Vec::new() };
        for (frame, (from, until)) in self.bins.iter().copied().enumerate() {
            let mut sums = [0.0; 3];
            (from..until).map(bin).for_each(|counts| sums.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more));
            let [offered, bad, good] = sums;
            of.rate.push(offered / self.secs(frame));
            of.missed.push(if bad > 0.0 { bad / (bad + good) } else { 0.0 });
        }
        of
    }

    pub(super) fn service(&self, id: usize) -> ServiceFrames {
        let series = &self.results.series.services[id];
        let bin = |bin: usize| match self.causes() {
            Some(causes) => {
                let it = causes.service(bin, id);
                let bad = f64::from(it.failed) + f64::from(it.rejected) + f64::from(it.refused);
                let levels = [it.busy, it.wasted, it.queue].map(f64::from);
                (levels, f64::from(it.arrivals), bad, f64::from(it.completed))
            }
            None => {
                let bad = (series.failed[bin] + series.rejected[bin] + series.shed[bin]) as f64;
                let levels = [series.busy[bin], series.wasted[bin], series.queue[bin]];
                (levels, series.arrivals[bin] as f64, bad, series.completed[bin] as f64)
            }
        };
        let mut of = ServiceFrames {
            busy: Vec::new(),
            is_limited: true,
            wasted: Vec::new(),
            queue: Vec::new(),
            arrivals: Vec::new(),
            errors: Vec::new(),
        };
        for (frame, (from, until)) in self.bins.iter().copied().enumerate() {
            let (mut levels, mut arrivals, mut bad, mut good) = ([0.0; 3], 0.0, 0.0, 0.0);
            for (more, came, failed, completed) in (from..until).map(bin) {
                levels.iter_mut().zip(more).for_each(|(sum, level)| *sum += level / (until - from) as f64);
                (arrivals, bad, good) = (arrivals + came, bad + failed, good + completed);
            }
            let [busy, wasted, queue] = levels;
            of.wasted.push(if busy > 0.0 { (wasted / busy).min(1.0) } else { 0.0 });
            match self.model.service_at(ServiceId::new(id), self.start(frame)).threads_in_all() {
                Some(threads) if threads > 0 => of.busy.push((busy / threads as f64).min(1.0)),
                Some(_) => of.busy.push(0.0),
                None => {
                    of.is_limited = false;
                    of.busy.push(busy);
                }
            }
            of.queue.push(queue);
            of.arrivals.push(arrivals / self.secs(frame));
            of.errors.push(if bad > 0.0 { bad / (bad + good) } else { 0.0 });
        }
        of
    }

    pub(super) fn edge(&self, id: usize) -> EdgeFrames {
        let series = &self.results.series.edges[id];
        let mut of = EdgeFrames { attempts: Vec::new(), ended: Vec::new() };
        let mut failures = self.failures.get(id).map(Vec::as_slice).unwrap_or_default().iter().peekable();
        for (frame, (from, until)) in self.bins.iter().copied().enumerate() {
            let mut ended = [0.0; OUTCOMES];
            let mut attempts = 0.0;
            match self.causes() {
                Some(causes) => {
                    for bin in from..until {
                        let it = causes.edge(bin, id);
                        attempts += f64::from(it.attempts);
                        ended[Outcome::Ok as usize] += f64::from(it.ok);
                    }
                    while let Some(it) = failures.next_if(|n| (causes.failures[**n].bin as usize) < until) {
                        let counts = causes.failures[*it].ended;
                        ended.iter_mut().zip(counts).for_each(|(sum, count)| *sum += f64::from(count));
                    }
                }
                None => {
                    for bin in from..until {
                        attempts += series.attempts[bin] as f64;
                        ended[Outcome::Ok as usize] += series.ok[bin] as f64;
                        ended[Outcome::Timeout as usize] += series.timeouts[bin] as f64;
                        ended[Outcome::Error as usize] += (series.failed[bin] - series.timeouts[bin]) as f64;
                        ended[Outcome::ShortCircuited as usize] += series.short_circuited[bin] as f64;
                    }
                }
            }
            of.attempts.push(attempts / self.secs(frame));
            of.ended.push(ended);
        }
        of
    }
}

/// The events of the short story in which something gets worse, in the order of time.
pub(super) fn cascade(events: &[Event]) -> Vec<&Event> {
    let worse =
        |event: &&Event| !matches!(event.kind, EventKind::TriggerEnds | EventKind::UsersRecover | EventKind::Ends);
    events.iter().filter(|event| event.is_told).filter(worse).collect()
}

/// Bins of `width` put together into moments, and which moments are those of the cascade.
fn moments(width: Span, count: usize, cascade: Option<(Time, Time)>) -> (Vec<Stretch>, Option<Stretch>) {
    let bin_of = |time: Time| (time.as_nanos() / width.as_nanos().max(1)) as usize;
    let window = cascade.map(|(from, until)| {
        let (from, until) = (bin_of(from), bin_of(until) + 1);
        // A little of before, so that one sees what it was like.
        let margin = ((until - from) / 4).max(10);
        (from.saturating_sub(margin), (until + 2 * margin).min(count))
    });
    let groups = |from: usize, until: usize, most: usize, whole: usize| {
        let step = whole.div_ceil(most).max(1);
        (from..until).step_by(step).map(move |bin| (bin, (bin + step).min(until)))
    };
    match window.filter(|(from, until)| from < until && (until - from) as f64 <= SHORT * count as f64) {
        None => (groups(0, count, FINE_MAX + COARSE_MAX, count).collect(), None),
        Some((from, until)) => {
            let rest = count - (until - from);
            let mut bins: Vec<(usize, usize)> = groups(0, from, COARSE_MAX, rest).collect();
            let first = bins.len();
            bins.extend(groups(from, until, FINE_MAX, until - from));
            let last = bins.len();
            bins.extend(groups(until, count, COARSE_MAX, rest));
            (bins, Some((first, last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_cover_all_once_and_lie_close_where_it_happens() {
        let second = |secs: u64| Time::ZERO + Span::from_secs(secs);
        let (bins, fine) = moments(Span::from_millis(100), 1_800, Some((second(60), second(64))));
        assert_eq!((bins[0].0, bins[bins.len() - 1].1), (0, 1_800));
        assert!(bins.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let (from, until) = fine.unwrap();
        assert!(bins[from..until].iter().all(|(from, until)| until - from == 1));
        assert!(bins[from].0 < 600 && bins[until - 1].1 > 641);
        assert!(bins.len() <= FINE_MAX + COARSE_MAX + 2);
        assert_eq!(moments(Span::from_secs(1), 30, Some((second(1), second(25)))).1, None);
        assert_eq!(moments(Span::from_secs(1), 0, None).0, []);
    }
}
