//! Netflix's `WindowedLimit` (concurrency-limits 78a74b98): what a limit learns is not each request, but the mean of all
//! that ended in a window, with the most that were in.

use crate::base::time::{Span, Time};

/// Shorter ones are not counted.
const RTT_MIN: Span = Span::from_micros(100);
/// Fewer make no window.
const SAMPLES_MIN: u64 = 10;

/// See the module.
#[derive(Clone, Debug)]
pub struct SampleWindow {
    length: Span,
    ends: Time,
    sum_nanos: u64,
    count: u64,
    in_flight_max: u32,
    dropped: bool,
}

impl SampleWindow {
    /// An empty one; `length` is that of all.
    pub fn new(length: Span) -> SampleWindow {
        SampleWindow { length, ends: Time::ZERO, sum_nanos: 0, count: 0, in_flight_max: 0, dropped: false }
    }

    /// One has ended at `now`. When its window ends with it, and is not too thin: the mean time, the most that were in,
    /// and whether any was dropped.
    pub fn add(&mut self, now: Time, rtt: Span, in_flight: u32, dropped: bool) -> Option<(Span, u32, bool)> {
        if rtt < RTT_MIN {
            return None;
        }
        self.in_flight_max = self.in_flight_max.max(in_flight);
        self.dropped |= dropped;
        if !dropped {
            self.sum_nanos = self.sum_nanos.saturating_add(rtt.as_nanos());
            self.count += 1;
        }
        if now <= self.ends {
            return None;
        }
        let full = std::mem::replace(self, SampleWindow { ends: now + self.length, ..SampleWindow::new(self.length) });
        let mean = || Span::from_nanos(full.sum_nanos / full.count);
        (full.count >= SAMPLES_MIN).then(|| (mean(), full.in_flight_max, full.dropped))
    }
}
