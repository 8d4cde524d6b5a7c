//! Which requests should have been recorded: the slowest, the fastest and the first that failed of all that a workload
//! offered. That is known when they are over, and then it is too late, so a second run records them. A request is named by
//! its workload and the moment at which its user meant to start it.

use crate::base::time::{Span, Time};
use crate::model::TraceSettings;
use crate::policy::Outcome;

use super::Trace;

/// Of one workload.
#[derive(Clone, Debug)]
struct Shelf {
    /// The slowest first, ties in the order of their starts.
    slowest: Vec<(Span, Time)>,
    /// In the order of their starts.
    failed: Vec<Time>,
    fastest: Option<(Span, Time)>,
    /// Whoever takes at least so many nanoseconds is one of the slowest so far.
    slow_from_nanos: u64,
    /// Whoever takes less is the fastest so far, if it was answered well.
    fast_below_nanos: u64,
    /// Whoever starts earlier and fails is one of the first that did so.
    failed_before: Time,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    settings: TraceSettings,
    /// By workload.
    shelves: Vec<Shelf>,
}

impl Wanted {
    pub(super) fn new(settings: TraceSettings, workloads: usize) -> Wanted {
        let from = |is_wanted: bool| if is_wanted { u64::MAX } else { 0 };
        let shelf = Shelf {
            slowest: Vec::new(),
            failed: Vec::new(),
            fastest: None,
            slow_from_nanos: u64::MAX - from(settings.slowest > 0),
            fast_below_nanos: from(settings.sample > 0),
            failed_before: Time::from_nanos(from(settings.failed > 0)),
        };
        Wanted { settings, shelves: vec![shelf; workloads] }
    }

    /// A request has ended, or has lasted so long at the end of the run. Nearly all are of no interest.
    #[inline(always)]
    pub(super) fn ended(&mut self, workload: u32, meant: Time, latency: Span, ending: Ending) {
        let shelf = &self.shelves[workload as usize];
        let nanos = latency.as_nanos();
        let is_extreme = nanos >= shelf.slow_from_nanos || nanos < shelf.fast_below_nanos;
        if is_extreme || (ending == Ending::Failed && meant < shelf.failed_before) {
            self.take(workload, meant, latency, ending);
        }
    }

    #[cold]
    #[inline(never)]
    fn take(&mut self, workload: u32, meant: Time, latency: Span, ending: Ending) {
        let (slowest, failed) = (self.settings.slowest as usize, self.settings.failed as usize);
        let shelf = &mut self.shelves[workload as usize];
        if latency.as_nanos() >= shelf.slow_from_nanos {
            let place = shelf.slowest.partition_point(|it| (it.0, meant) >= (latency, it.1));
            shelf.slowest.insert(place, (latency, meant));
            shelf.slowest.truncate(slowest);
            if shelf.slowest.len() == slowest
                && let Some((least, _)) = shelf.slowest.last()
            {
                shelf.slow_from_nanos = least.as_nanos() + 1;
            }
        }
        match ending {
            Ending::Well if latency.as_nanos() < shelf.fast_below_nanos => {
                shelf.fastest = Some((latency, meant));
                shelf.fast_below_nanos = latency.as_nanos();
            }
            Ending::Failed if meant < shelf.failed_before => {
                let place = shelf.failed.partition_point(|it| *it <= meant);
                shelf.failed.insert(place, meant);
                shelf.failed.truncate(failed);
                if shelf.failed.len() == failed
                    && let Some(last) = shelf.failed.last()
                {
                    shelf.failed_before = *last;
                }
            }
            _ => {}
        }
    }

    /// By workload: when those were meant to start that are not among `traces`, in order, each once.
    pub(super) fn missing(&self, traces: &[Trace]) -> Vec<Vec<Time>> {
        let of = |(shelf, workload): (&Shelf, u32)| {
            let here = || traces.iter().filter(move |it| it.workload == workload);
            let has_length =
                |(length, meant): &&(Span, Time)| !here().any(|it| it.start() == *meant && it.latency() == *length);
            let has_failed = |meant: &&Time| !here().any(|it| it.start() == **meant && it.has_failed());
            let lengths = shelf.slowest.iter().chain(&shelf.fastest).filter(has_length).map(|(_, meant)| *meant);
            let mut starts: Vec<Time> = lengths.chain(shelf.failed.iter().filter(has_failed).copied()).collect();
            starts.sort_unstable();
            starts.dedup();
            starts
        };
        self.shelves.iter().zip(0..).map(of).collect()
    }
}

/// How a request ended for its user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::measure) enum Ending {
    /// It was answered well.
    Well,
    /// It was not.
    Failed,
    /// Not before the end of the run.
    Open,
}

impl Ending {
    /// That of a request with this outcome.
    #[inline(always)]
    pub(in crate::measure) fn of(outcome: Outcome) -> Ending {
        if outcome.is_ok() { Ending::Well } else { Ending::Failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a sort of all.
    #[test]
    fn the_extremes_of_many_are_found() {
        let settings = TraceSettings { sample: 1, slowest: 3, failed: 4, exact: true };
        let mut wanted = Wanted::new(settings, 1);
        // Starts in order, ends not: whoever takes long ends late.
        let all: Vec<(Span, Time, Ending)> = (0..500_u64)
            .map(|n| {
                let latency = Span::from_millis(5 + n * 7919 % 211);
                let ending = if n > 20 && n % 3 == 0 { Ending::Failed } else { Ending::Well };
                (latency, Time::from_nanos(1000 + n), ending)
            })
            .collect();
        let mut by_end = all.clone();
        by_end.sort_by_key(|(latency, meant, _)| *meant + *latency);
        by_end.iter().for_each(|(latency, meant, ending)| wanted.ended(0, *meant, *latency, *ending));
        let mut slowest = all.clone();
        slowest.sort_by_key(|(latency, meant, _)| (std::cmp::Reverse(*latency), *meant));
        let fastest = all.iter().filter(|it| it.2 == Ending::Well).min_by_key(|it| (it.0, it.1)).unwrap();
        let failed = all.iter().filter(|it| it.2 == Ending::Failed).take(4);
        let mut expected: Vec<Time> =
            slowest.iter().take(3).chain([fastest]).chain(failed).map(|(_, meant, _)| *meant).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(wanted.missing(&[]), [expected]);
    }

    #[test]
    fn who_wants_nothing_gets_nothing() {
        let mut wanted = Wanted::new(TraceSettings::NONE, 1);
        for ending in [Ending::Well, Ending::Failed, Ending::Open] {
            wanted.ended(0, Time::from_nanos(5), Span::from_secs(1), ending);
        }
        assert_eq!(wanted.missing(&[]), [Vec::<Time>::new()]);
    }
}
