//! The results that a breaker judges: the last calls (a ring of two bits each, with running sums), or the calls of the
//! last seconds (a ring of buckets, one a second, as resilience4j's `SlidingTimeWindowMetrics` has them: a result lives
//! between one second less than the window and all of it).

use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::base::units::{Count, ParseError};
use crate::policy::settings::{Setting, Unit, Value};

/// How far a breaker looks back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// To so many calls; at least 1.
    Calls(u32),
    /// For so long.
    Time(Span),
}

impl Setting for Window {
    const TAKES: &'static str = "a number of calls or a length of time";

    fn value(&self) -> Value {
        match self {
            Window::Calls(calls) => Value::Count(*calls),
            Window::Time(span) => Value::Span(*span),
        }
    }

    fn from_value(value: &Value) -> Option<Window> {
        match value {
            Value::Count(calls) => Some(Window::Calls(*calls)),
            Value::Span(span) => Some(Window::Time(*span)),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Window, ParseError> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse::<Count>().map(|Count(calls)| Window::Calls(calls));
        }
        text.parse().map(Window::Time)
    }

    fn from_number(number: f64, unit: Unit) -> Option<Window> {
        match unit {
            Unit::One => u32::from_number(number, unit).map(Window::Calls),
            unit => Span::from_number(number, unit).map(Window::Time),
        }
    }
}

/// Results in a window of calls or of time.
#[derive(Clone, Debug)]
pub enum Results {
    /// The last calls.
    Last(ResultWindow),
    /// The calls of the last seconds.
    Timed(TimeWindow),
}

impl Results {
    /// None yet.
    pub fn new(window: Window) -> Results {
        match window {
            Window::Calls(calls) => Results::Last(ResultWindow::new(calls)),
            Window::Time(span) => Results::Timed(TimeWindow::new(span)),
        }
    }

    /// Forgets all, and looks as far back as `window` from now on. Keeps its memory where that suffices.
    pub fn reset(&mut self, window: Window) {
        match (&mut *self, window) {
            (Results::Last(results), Window::Calls(calls)) => results.reset(calls),
            _ => *self = Results::new(window),
        }
    }

    /// Adds a result; what is too old leaves.
    #[inline]
    pub fn record(&mut self, now: Time, failed: bool, slow: bool) {
        match self {
            Results::Last(results) => results.record(failed, slow),
            Results::Timed(results) => results.record(now, failed, slow),
        }
    }

    /// Forgets what is too old at `now`.
    pub fn pass(&mut self, now: Time) {
        if let Results::Timed(results) = self {
            results.pass(now);
        }
    }

    /// Results, and failed ones among them.
    pub fn counts(&self) -> (u32, u32) {
        match self {
            Results::Last(results) => (results.calls(), results.failed()),
            Results::Timed(results) => (results.calls(), results.failed()),
        }
    }

    /// Percentage of failures and percentage of slow calls; `None` below `minimum` results.
    #[inline]
    pub fn rates(&self, minimum: u32) -> Option<(f32, f32)> {
        match self {
            Results::Last(results) => results.rates(minimum),
            Results::Timed(results) => rates(results.sums, minimum),
        }
    }
}

/// In 32-bit floats, because a threshold is met or missed by their rounding in the library whose rule this is.
#[inline]
fn rates(counts: Counts, minimum: u32) -> Option<(f32, f32)> {
    let rate = |n: u32| n as f32 * 100.0 / counts.calls as f32;
    (counts.calls >= minimum.max(1)).then(|| (rate(counts.failed), rate(counts.slow)))
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    calls: u32,
    failed: u32,
    slow: u32,
}

/// The results of the last seconds.
#[derive(Clone, Debug)]
pub struct TimeWindow {
    /// By second, in a ring.
    buckets: Box<[Counts]>,
    /// The second of the latest bucket.
    second: u64,
    sums: Counts,
}

impl TimeWindow {
    /// An empty window over `span`, rounded up to seconds; no time at all is taken as one second.
    pub fn new(span: Span) -> TimeWindow {
        let seconds = span.as_nanos().div_ceil(NANOS_PER_SEC).max(1) as usize;
        TimeWindow { buckets: vec![Counts::default(); seconds].into(), second: 0, sums: Counts::default() }
    }

    /// Forgets what is too old at `now`.
    #[inline]
    pub fn pass(&mut self, now: Time) {
        let second = now.as_nanos() / NANOS_PER_SEC;
        let size = self.buckets.len() as u64;
        for passed in self.second + 1..=second.min(self.second.saturating_add(size)) {
            let old = std::mem::take(&mut self.buckets[(passed % size) as usize]);
            self.sums.calls -= old.calls;
            self.sums.failed -= old.failed;
            self.sums.slow -= old.slow;
        }
        // When all is forgotten, the ring may be entered anywhere.
        self.second = self.second.max(second);
    }

    /// Adds a result.
    #[inline]
    pub fn record(&mut self, now: Time, failed: bool, slow: bool) {
        self.pass(now);
        let place = (self.second % self.buckets.len() as u64) as usize;
        for counts in [&mut self.buckets[place], &mut self.sums] {
            counts.calls += 1;
            counts.failed += u32::from(failed);
            counts.slow += u32::from(slow);
        }
    }

    /// Results in the window.
    pub fn calls(&self) -> u32 {
        self.sums.calls
    }

    /// Failed ones among them.
    pub fn failed(&self) -> u32 {
        self.sums.failed
    }
}

/// The last `size` results: whether each failed and whether each was slow.
#[derive(Clone, Debug)]
pub struct ResultWindow {
    /// Failed and slow bits of 64 results each.
    ring: Box<[(u64, u64)]>,
    size: u32,
    /// Where the next result goes.
    next: u32,
    counts: Counts,
}

impl ResultWindow {
    /// An empty window for `size` results; a size of 0 is taken as 1.
    pub fn new(size: u32) -> ResultWindow {
        let size = size.max(1);
        let ring = vec![(0, 0); size.div_ceil(64) as usize].into_boxed_slice();
        ResultWindow { ring, size, next: 0, counts: Counts::default() }
    }

    /// Empties it, and makes it hold `size` results. Keeps its memory where that suffices.
    pub fn reset(&mut self, size: u32) {
        let size = size.max(1);
        if size.div_ceil(64) as usize > self.ring.len() {
            *self = ResultWindow::new(size);
            return;
        }
        self.ring.fill((0, 0));
        *self = ResultWindow { ring: std::mem::take(&mut self.ring), size, next: 0, counts: Counts::default() };
    }

    /// Adds a result; the oldest one leaves when the window is full.
    #[inline]
    pub fn record(&mut self, failed: bool, slow: bool) {
        let bit = self.next % 64;
        let (failed_bits, slow_bits) = &mut self.ring[(self.next / 64) as usize];
        // A window that is not yet full holds zeros in the places to come.
        let left = ((*failed_bits >> bit & 1) as u32, (*slow_bits >> bit & 1) as u32);
        *failed_bits = *failed_bits & !(1 << bit) | u64::from(failed) << bit;
        *slow_bits = *slow_bits & !(1 << bit) | u64::from(slow) << bit;
        self.counts.failed = self.counts.failed + u32::from(failed) - left.0;
        self.counts.slow = self.counts.slow + u32::from(slow) - left.1;
        self.counts.calls = (self.counts.calls + 1).min(self.size);
        self.next = if self.next + 1 == self.size { 0 } else { self.next + 1 };
    }

    /// Results in the window.
    pub fn calls(&self) -> u32 {
        self.counts.calls
    }

    /// Failed ones among them.
    pub fn failed(&self) -> u32 {
        self.counts.failed
    }

    /// Percentage of failures and percentage of slow calls; `None` below `minimum` results.
    #[inline]
    pub fn rates(&self, minimum: u32) -> Option<(f32, f32)> {
        rates(self.counts, minimum)
    }
}
