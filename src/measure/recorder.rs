//! Latencies of everything, recorded in batches: a record into one of thousands of cold histograms costs a
//! cache miss, so records are collected and sorted by histogram first.

use crate::base::time::Span;

use super::latency::Latency;

/// Records per batch.
const BATCH: usize = 4096;
/// Up to so many histograms stay in the cache and are recorded into directly.
const DIRECT_MAX: usize = 64;

/// Latencies by place.
#[derive(Debug)]
pub(super) struct Recorder {
    latencies: Vec<Latency>,
    batch: Vec<(u32, Span)>,
    direct: bool,
}

impl Recorder {
    pub(super) fn new(places: usize) -> Recorder {
        Recorder { latencies: vec![Latency::default(); places], batch: Vec::new(), direct: places <= DIRECT_MAX }
    }

    #[inline]
    pub(super) fn record(&mut self, place: u32, span: Span) {
        if self.direct {
            self.latencies[place as usize].record(span);
            return;
        }
        self.batch.push((place, span));
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    #[cold]
    fn flush(&mut self) {
        self.batch.sort_unstable_by_key(|(place, _)| *place);
        for (place, span) in self.batch.drain(..) {
            self.latencies[place as usize].record(span);
        }
    }

    /// Everything recorded, by place.
    pub(super) fn into_latencies(mut self) -> Vec<Latency> {
        self.flush();
        self.latencies
    }
}
