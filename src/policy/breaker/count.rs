//! The circuit breaker over the last calls, with the rules of resilience4j's (`COUNT_BASED`, af9e7c97:
//! `CircuitBreakerStateMachine`, `CircuitBreakerMetrics`), in nanoseconds where that counts milliseconds.
//!
//! The thresholds are looked at after every result, a success too. From open it becomes half open only when
//! a call asks for its permit after the wait, so that a breaker nobody asks stays open. Half open, it hands out
//! a fixed number of permits, and is judged once as many results are in. A result counts in whatever state
//! it finds, also one of a call that started in another; open, it changes nothing.

use crate::base::time::{Span, Time};
use crate::base::units::Share;

use super::{Breaker, BreakerSettings, BreakerState, ResultWindow, Verdict};

/// A breaker over a window of the last calls.
#[derive(Clone, Debug)]
pub struct CountBreaker {
    state: State,
    results: ResultWindow,
    /// Results that the window of the present state must hold to be judged.
    minimum: u32,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { since: Time },
    HalfOpen { permits: u32 },
}

/// [`BreakerSettings`] as the hot path wants them.
#[derive(Clone, Debug)]
struct Settings {
    window: u32,
    minimum_calls: u32,
    half_open_calls: u32,
    failure_percent: f32,
    slow_percent: f32,
    slow_call_duration: Span,
    open_for: Span,
}

impl CountBreaker {
    /// Closed, with an empty window. Numbers of calls below 1 are taken as 1.
    pub fn new(settings: &BreakerSettings) -> CountBreaker {
        let settings = Settings {
            window: settings.window.max(1),
            minimum_calls: settings.minimum_calls.max(1),
            half_open_calls: settings.half_open_calls.max(1),
            failure_percent: percent(settings.failure_rate),
            slow_percent: percent(settings.slow_call_rate),
            slow_call_duration: settings.slow_call_duration,
            open_for: settings.open_for,
        };
        let minimum = settings.minimum_calls.min(settings.window);
        CountBreaker { state: State::Closed, results: ResultWindow::new(settings.window), minimum, settings }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.measure_afresh(self.settings.window);
    }

    fn half_open(&mut self) {
        self.state = State::HalfOpen { permits: self.settings.half_open_calls };
        self.measure_afresh(self.settings.half_open_calls);
    }

    fn measure_afresh(&mut self, window: u32) {
        self.results.reset(window);
        self.minimum = self.settings.minimum_calls.min(window);
    }

    /// Whether the window is too bad; `None` while it holds too little to tell.
    #[inline]
    fn too_bad(&self) -> Option<bool> {
        let (failed, slow) = self.results.rates(self.minimum)?;
        Some(failed >= self.settings.failure_percent || slow >= self.settings.slow_percent)
    }
}

/// Shares are written as decimal percentages, and in 32 bits the product is the float nearest to them.
fn percent(share: Share) -> f32 {
    (share.as_f64() * 100.0) as f32
}

impl Breaker for CountBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        if let State::Open { since } = self.state {
            if now.since(since) <= self.settings.open_for {
                return false;
            }
            self.half_open();
        }
        match &mut self.state {
            State::HalfOpen { permits: 0 } => false,
            State::HalfOpen { permits } => {
                *permits -= 1;
                true
            }
            State::Closed | State::Open { .. } => true,
        }
    }

    #[inline]
    fn record(&mut self, now: Time, verdict: Verdict, duration: Span) {
        match (&mut self.state, verdict) {
            (State::Open { .. }, _) | (State::Closed, Verdict::Ignored) => return,
            (State::HalfOpen { permits }, Verdict::Ignored) => {
                *permits += 1;
                return;
            }
            (State::Closed | State::HalfOpen { .. }, Verdict::Success | Verdict::Failure) => {}
        }
        self.results.record(verdict == Verdict::Failure, duration > self.settings.slow_call_duration);
        match (self.too_bad(), self.state) {
            (Some(true), _) => self.state = State::Open { since: now },
            (Some(false), State::HalfOpen { .. }) => self.close(),
            (Some(false) | None, _) => {}
        }
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}
