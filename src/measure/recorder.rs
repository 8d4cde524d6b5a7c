//! Latencies of everything, recorded in batches: a record into one of thousands of cold histograms costs a
//! cache miss, so records are collected and sorted by histogram first.

use crate::base::time::Span;

use super::Detail;
use super::latency::Latency;

/// Records per batch.
const BATCH: usize = 32_768;
/// Up to so many histograms stay in the cache and are recorded into directly.
const DIRECT_MAX: usize = 64;

/// Latencies by place.
#[derive(Debug)]
pub(super) struct Recorder {
    latencies: Vec<Latency>,
    batch: Vec<(u32, Span)>,
    /// The batch, sorted; and for each place where its records end.
    sorted: Vec<(u32, Span)>,
    ends: Vec<u32>,
    mode: Mode,
}

/// How it records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Direct,
    Batches,
    Nothing,
}

impl Recorder {
    pub(super) fn new(places: usize, detail: Detail) -> Recorder {
        Recorder {
            latencies: vec![Latency::default(); places],
            batch: Vec::new(),
            sorted: Vec::new(),
            ends: Vec::new(),
            mode: match detail {
                Detail::Expectations => Mode::Nothing,
                Detail::All | Detail::Numbers if places <= DIRECT_MAX => Mode::Direct,
                Detail::All | Detail::Numbers => Mode::Batches,
            },
        }
    }

    #[inline(always)]
    pub(super) fn record(&mut self, place: u32, span: Span) {
        match self.mode {
            Mode::Direct => self.latencies[place as usize].record(span),
            Mode::Batches => self.put_aside(place, span),
            Mode::Nothing => {}
        }
    }

    #[inline(never)]
    fn put_aside(&mut self, place: u32, span: Span) {
        self.batch.push((place, span));
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// What has been recorded so far at `place`; [`Recorder::flush`] must have been called.
    pub(super) fn latency(&self, place: u32) -> &Latency {
        debug_assert!(self.batch.is_empty(), "nothing is left to be sorted");
        &self.latencies[place as usize]
    }

    /// Counting sort by place, then one histogram after the other.
    #[cold]
    pub(super) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.ends.clear();
        self.ends.resize(self.latencies.len() + 1, 0);
        for (place, _) in &self.batch {
            self.ends[*place as usize + 1] += 1;
        }
        for place in 1..self.ends.len() {
            self.ends[place] += self.ends[place - 1];
        }
        self.sorted.resize(self.batch.len(), (0, Span::ZERO));
        for record in self.batch.drain(..) {
            let next = &mut self.ends[record.0 as usize];
            self.sorted[*next as usize] = record;
            *next += 1;
        }
        for (place, span) in &self.sorted {
            self.latencies[*place as usize].record(*span);
        }
    }

    /// Everything recorded, by place.
    pub(super) fn into_latencies(mut self) -> Vec<Latency> {
        self.flush();
        self.latencies
    }
}
