//! Hystrix's circuit breaker (`HystrixCircuitBreaker`, `HystrixCommandMetrics`, `HealthCountsStream`).
//!
//! It does not judge with results but at snapshots of its health counts, every half second from its start: what happens
//! between two of them goes through, whatever it is. The counts are rolling ones, in buckets as wide as the snapshots are
//! apart. It never schedules: snapshots that are due are worked out when somebody asks or tells.

use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{percent, settings};

use super::own::{OwnBreaker, TRACE_INPUT, parameters, traced};
use super::{Breaker, BreakerState, Sees, Verdict};

settings! {
    /// What Hystrix's breaker can be told.
    pub struct HystrixSettings {
        /// How long results count.
        window: Span = Span::from_secs(10), "metrics.rollingStats.timeInMilliseconds (ms)";
        /// Results needed in a snapshot before it is judged.
        minimum_calls: u32 = 20, "circuitBreaker.requestVolumeThreshold";
        /// Share of failures at which it opens, in whole percent: parts of one are cut off on both sides.
        failure_rate: Share = percent(50.0), "circuitBreaker.errorThresholdPercentage (%)";
        /// How long it stays open before it lets a probe through, and after a probe that failed again.
        open_for: Span = Span::from_secs(5), "circuitBreaker.sleepWindowInMilliseconds (ms)";
        /// How far apart snapshots are.
        snapshot: Span = Span::from_millis(500), "metrics.healthSnapshot.intervalInMilliseconds (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Breaker,
    name: "hystrix",
    about: "Looks at its counts twice a second, opens when half of at least 20 calls failed, and lets one probe decide.",
    rules: &[
        "Judged at snapshots only: what comes before the next one still goes through.",
        "The percentage of failures is cut off to a whole number; it opens at one equal to the threshold.",
        "Failures, timeouts and what a full pool rejects are errors; what the breaker refuses is not counted.",
        "Open for longer than the sleep window: a call at exactly the end of it is still refused.",
        "Half open, exactly one probe goes. Any success closes it and clears the counts; any other end starts the sleep anew.",
        "It stands around the whole command, retries inside it included.",
    ],
    source: "Netflix/Hystrix: HystrixCircuitBreaker, HystrixCommandMetrics, HealthCountsStream, HystrixCommandProperties",
    trace_input: TRACE_INPUT,
    parameters: parameters::<HystrixSettings, HystrixBreaker>,
    trace: traced::<HystrixSettings, HystrixBreaker>,
};

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    calls: u32,
    failed: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    /// The last failure that opened it, or opened it again.
    Open(Time),
    HalfOpen,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct HystrixBreaker {
    state: State,
    /// Buckets of the window, in a ring, the one that fills now included.
    buckets: Box<[Bucket]>,
    /// The one that fills now, from the start of the counts.
    bucket: u64,
    /// Sum of the buckets that are complete.
    complete: Bucket,
    /// When the counts started.
    start: Option<Time>,
    settings: HystrixSettings,
}

impl HystrixBreaker {
    /// Takes all snapshots up to `now`.
    #[inline]
    fn catch_up(&mut self, now: Time) {
        let start = *self.start.get_or_insert(now);
        let width = self.settings.snapshot.as_nanos().max(1);
        let due = now.since(start).as_nanos() / width;
        if due > self.bucket {
            self.turn(start, width, due);
        }
    }

    #[inline(never)]
    fn turn(&mut self, start: Time, width: u64, due: u64) {
        let size = self.buckets.len() as u64;
        while self.bucket < due {
            let done = self.buckets[(self.bucket % size) as usize];
            self.complete.calls += done.calls;
            self.complete.failed += done.failed;
            self.bucket += 1;
            // The oldest one makes room for the one that fills from now on, and is in no snapshot any more.
            let old = std::mem::take(&mut self.buckets[(self.bucket % size) as usize]);
            self.complete.calls -= old.calls;
            self.complete.failed -= old.failed;
            let Bucket { calls, failed } = self.complete;
            self.assess(start + Span::from_nanos(self.bucket.saturating_mul(width)), calls, failed);
            if self.complete.calls == 0 && self.buckets.iter().all(|bucket| bucket.calls == 0) {
                // Nothing is left to count: no snapshot changes anything before the next result.
                self.bucket = due;
            }
        }
    }

    /// A snapshot.
    fn assess(&mut self, at: Time, calls: u32, failed: u32) {
        let percent = if calls == 0 { 0 } else { (f64::from(failed) / f64::from(calls) * 100.0) as u32 };
        let is_bad = percent >= (self.settings.failure_rate.as_f64() * 100.0 + 1e-9) as u32;
        if calls >= self.settings.minimum_calls && is_bad && self.state == State::Closed {
            self.state = State::Open(at);
        }
    }

    fn clear(&mut self, now: Time) {
        self.buckets.fill(Bucket::default());
        (self.bucket, self.complete, self.start) = (0, Bucket::default(), Some(now));
    }
}

impl OwnBreaker<HystrixSettings> for HystrixBreaker {
    const SEES: Sees = Sees::Calls;

    fn new(settings: &HystrixSettings) -> HystrixBreaker {
        let complete = settings.window.as_nanos() / settings.snapshot.as_nanos().max(1);
        let buckets = vec![Bucket::default(); complete.clamp(1, 100_000) as usize + 1].into();
        HystrixBreaker {
            state: State::Closed,
            buckets,
            bucket: 0,
            complete: Bucket::default(),
            start: None,
            settings: *settings,
        }
    }

    fn pass(&mut self, now: Time) {
        self.catch_up(now);
    }

    fn judge(&mut self, now: Time, calls: u32, failed: u32) -> bool {
        self.assess(now, calls, failed);
        true
    }

    fn counts(&self) -> Option<(u32, u32)> {
        let filling = self.buckets[(self.bucket % self.buckets.len() as u64) as usize];
        Some((self.complete.calls + filling.calls, self.complete.failed + filling.failed))
    }
}

impl Breaker for HystrixBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        self.catch_up(now);
        match self.state {
            State::Closed => true,
            State::Open(since) if now > since + self.settings.open_for => {
                self.state = State::HalfOpen;
                true
            }
            State::Open(_) | State::HalfOpen => false,
        }
    }

    #[inline]
    fn record(&mut self, now: Time, verdict: Verdict, _duration: Span) {
        self.catch_up(now);
        if verdict != Verdict::Ignored {
            let place = (self.bucket % self.buckets.len() as u64) as usize;
            self.buckets[place].calls += 1;
            self.buckets[place].failed += u32::from(verdict == Verdict::Failure);
        }
        if self.state == State::HalfOpen {
            if verdict == Verdict::Success {
                self.state = State::Closed;
                self.clear(now);
            } else {
                self.state = State::Open(now);
            }
        }
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open(_) => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        }
    }
}
