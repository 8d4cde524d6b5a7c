//! Which traces stay: of each workload a sample, the slowest, the first that failed, the fastest. What stays is bounded,
//! and depends on what happened only, never on the order in which requests end.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::time::{Span, Time};
use crate::model::TraceSettings;

use super::{Chosen, Kept, Trace, Traces};

/// Of one workload.
#[derive(Debug, Default)]
struct Shelf {
    recorded: u64,
    /// Every `stride`-th request, by number.
    sample: BTreeMap<u64, Rc<Trace>>,
    stride: u64,
    /// The slowest first, ties in the order of their starts.
    slowest: Vec<Rc<Trace>>,
    /// In the order of their starts.
    failed: BTreeMap<(Time, u64), Rc<Trace>>,
    fastest: Option<Rc<Trace>>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper {
    settings: TraceSettings,
    /// By workload.
    shelves: Vec<Shelf>,
}

impl Keeper {
    pub(super) fn new(settings: TraceSettings, workloads: usize) -> Keeper {
        Keeper { settings, shelves: (0..workloads).map(|_| Shelf { stride: 1, ..Shelf::default() }).collect() }
    }

    /// A trace is complete; whether it is one that may be drawn, or is only here because it is wanted.
    pub(super) fn take(&mut self, trace: Trace, is_of_sample: bool) {
        let TraceSettings { sample, slowest, failed, .. } = self.settings;
        let shelf = &mut self.shelves[trace.workload as usize];
        shelf.recorded += 1;
        let trace = Rc::new(trace);
        let number = trace.number;
        if number.is_multiple_of(shelf.stride) && is_of_sample {
            shelf.sample.insert(number, Rc::clone(&trace));
            while shelf.sample.len() > sample as usize {
                let stride = shelf.stride.saturating_mul(2);
                shelf.stride = stride;
                // The very first request is a multiple of everything.
                shelf.sample.retain(|number, _| number.is_multiple_of(stride) && sample > 0);
            }
        }
        let place = shelf.slowest.partition_point(|it| order(it) <= order(&trace));
        if place < slowest as usize {
            shelf.slowest.insert(place, Rc::clone(&trace));
            shelf.slowest.truncate(slowest as usize);
        }
        match trace.outcome() {
            Some(outcome) if outcome.is_ok() => {
                let faster =
                    |it: &Rc<Trace>| (trace.latency(), trace.start(), number) < (it.latency(), it.start(), it.number);
                if sample > 0 && shelf.fastest.as_ref().is_none_or(faster) {
                    shelf.fastest = Some(trace);
                }
            }
            Some(_) => {
                shelf.failed.insert((trace.start(), number), trace);
                if shelf.failed.len() > failed as usize {
                    shelf.failed.pop_last();
                }
            }
            None => {}
        }
    }

    /// All that stay; `medians` are those of all requests, by workload.
    pub(super) fn finish(self, medians: &[Option<Span>]) -> Traces {
        let mut all: BTreeMap<(u32, u64), (Rc<Trace>, Kept)> = BTreeMap::new();
        let mut add = |trace: &Rc<Trace>, mark: fn(&mut Kept)| {
            let entry = all.entry((trace.workload, trace.number));
            let (_, kept) = entry.or_insert_with(|| (Rc::clone(trace), Kept::default()));
            mark(kept);
        };
        for shelf in &self.shelves {
            shelf.sample.values().for_each(|trace| add(trace, |kept| kept.sampled = true));
            shelf.slowest.iter().for_each(|trace| add(trace, |kept| kept.slow = true));
            shelf.failed.values().for_each(|trace| add(trace, |kept| kept.failed = true));
            shelf.fastest.iter().for_each(|trace| add(trace, |_| {}));
        }
        let mut traces: Vec<Trace> =
            all.into_values().map(|(trace, kept)| Trace { kept, ..Trace::clone(&trace) }).collect();
        traces.sort_by_key(|trace| (trace.start(), trace.workload, trace.number));
        let place = |wanted: &Rc<Trace>| {
            let same = |it: &Trace| (it.workload, it.number) == (wanted.workload, wanted.number);
            traces.iter().position(same).map(|place| place as u32)
        };
        let chosen = self.shelves.iter().zip(medians).zip(0..).map(|((shelf, median), workload)| Chosen {
            recorded: shelf.recorded,
            fastest: shelf.fastest.as_ref().and_then(place),
            median: median.and_then(|median| nearest(&traces, workload, median)),
            slowest: shelf.slowest.first().and_then(place),
            first_failed: shelf.failed.values().next().and_then(place),
        });
        let chosen = chosen.collect();
        Traces { traces, chosen, missing: Vec::new() }
    }
}

/// By which the slowest come first.
fn order(trace: &Trace) -> (std::cmp::Reverse<Span>, Time, u64) {
    (std::cmp::Reverse(trace.latency()), trace.start(), trace.number)
}

/// The one of a workload that was answered well and took as long as that, or nearly.
fn nearest(traces: &[Trace], workload: u32, latency: Span) -> Option<u32> {
    let distance = |it: &Trace| it.latency().as_nanos().abs_diff(latency.as_nanos());
    let ok = |it: &(usize, &Trace)| it.1.workload == workload && it.1.outcome().is_some_and(|it| it.is_ok());
    traces.iter().enumerate().filter(ok).min_by_key(|(place, it)| (distance(it), *place)).map(|(place, _)| place as u32)
}
