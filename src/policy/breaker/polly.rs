//! Polly's circuit breaker of version 8 (`CircuitBreakerResilienceStrategy`, `AdvancedCircuitBehavior`,
//! `RollingHealthMetrics`).
//!
//! It judges with failures only, and its counts roll in ten windows that start with the first result after the last one
//! has ended. Half open, one probe decides.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{percent, settings};

use super::own::{OwnBreaker, TRACE_INPUT, parameters, traced};
use super::{Breaker, BreakerState, Sees, Verdict};

settings! {
    /// What Polly's breaker can be told.
    pub struct PollySettings {
        /// How long results count.
        window: Span = Span::from_secs(30), "SamplingDuration (ms)";
        /// Results needed before a failure is judged; at least 2.
        minimum_calls: u32 = 100, "MinimumThroughput";
        /// Share of failures at which it opens.
        failure_rate: Share = percent(10.0), "FailureRatio";
        /// How long it stays open before it lets a probe through.
        open_for: Span = Span::from_secs(5), "BreakDuration (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Breaker,
    name: "polly",
    about: "Opens when a failure finds a tenth of at least 100 calls of the last 30 s failed; one probe decides.",
    rules: &[
        "Judged only when a call fails: a success that makes the rate bad enough does not open it.",
        "It opens at a rate equal to the threshold, in 64-bit floats.",
        "Counts roll in ten windows, each of which starts with the first result after the one before has ended.",
        "Half open from exactly the end of the break on; one probe goes, the rest is refused.",
        "What is not a failure is a success, also what is ignored or withdrawn.",
        "Late results of calls from before the break close or open it again when they come while it is half open.",
    ],
    source: "App-vNext/Polly v8: Polly.Core/CircuitBreaker (CircuitStateController, AdvancedCircuitBehavior, \
             RollingHealthMetrics; `OnUnhandledOutcomeAsync` counts what is not handled as a success)",
    trace_input: TRACE_INPUT,
    parameters: parameters::<PollySettings, PollyBreaker>,
    trace: traced::<PollySettings, PollyBreaker>,
};

/// Windows that the sampling duration is cut into.
const WINDOWS: u64 = 10;
/// A shorter sampling duration than this has one window.
const CUT_FROM: Span = Span::from_millis(200);

#[derive(Clone, Copy, Debug)]
struct Part {
    since: Time,
    calls: u32,
    failed: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open { until: Time },
    HalfOpen,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct PollyBreaker {
    state: State,
    parts: VecDeque<Part>,
    calls: u32,
    failed: u32,
    width: Span,
    settings: PollySettings,
}

impl PollyBreaker {
    /// Counts a result, and forgets what is too old.
    #[inline]
    fn count(&mut self, now: Time, failed: bool) {
        if self.parts.back().is_none_or(|part| now.since(part.since) >= self.width) {
            self.parts.push_back(Part { since: now, calls: 0, failed: 0 });
            while let Some(part) = self.parts.front().copied()
                && now.since(part.since) >= self.settings.window
                && self.parts.len() > 1
            {
                self.calls -= part.calls;
                self.failed -= part.failed;
                self.parts.pop_front();
            }
        }
        if let Some(part) = self.parts.back_mut() {
            part.calls += 1;
            part.failed += u32::from(failed);
        }
        self.calls += 1;
        self.failed += u32::from(failed);
    }
}

impl OwnBreaker<PollySettings> for PollyBreaker {
    const SEES: Sees = Sees::Attempts;

    fn new(settings: &PollySettings) -> PollyBreaker {
        let nanos = settings.window.as_nanos();
        let width = if settings.window < CUT_FROM { nanos } else { nanos / WINDOWS };
        PollyBreaker {
            state: State::Closed,
            parts: VecDeque::new(),
            calls: 0,
            failed: 0,
            width: Span::from_nanos(width),
            settings: *settings,
        }
    }
}

impl Breaker for PollyBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if now >= until => {
                self.state = State::HalfOpen;
                true
            }
            State::Open { .. } | State::HalfOpen => false,
        }
    }

    #[inline]
    fn record(&mut self, now: Time, verdict: Verdict, _duration: Span) {
        let failed = verdict == Verdict::Failure;
        match self.state {
            State::Closed => {
                self.count(now, failed);
                let rate = f64::from(self.failed) / f64::from(self.calls);
                let is_judged = failed && self.calls >= self.settings.minimum_calls;
                if is_judged && rate >= self.settings.failure_rate.as_f64() {
                    self.state = State::Open { until: now + self.settings.open_for };
                }
            }
            State::HalfOpen if failed => self.state = State::Open { until: now + self.settings.open_for },
            State::HalfOpen => {
                self.state = State::Closed;
                self.parts.clear();
                (self.calls, self.failed) = (0, 0);
            }
            State::Open { .. } => {}
        }
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        }
    }
}
