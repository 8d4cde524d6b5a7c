//! resilience4j's circuit breaker (af9e7c97: `CircuitBreakerStateMachine`, `CircuitBreakerMetrics`), in nanoseconds where
//! that counts milliseconds.
//!
//! The thresholds are looked at after every result, a success too. From open it becomes half open only when
//! a call asks for its permit after the wait, so that a breaker nobody asks stays open, unless it is told to do so by
//! itself. Half open, it hands out a fixed number of permits, and is judged once as many results are in. A result
//! counts in whatever state it finds, also one of a call that started in another; open, it changes nothing.

use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::retry::Backoff;
use crate::policy::settings::{percent, settings};

use super::own::{OwnBreaker, TRACE_INPUT, parameters, traced};
use super::{Breaker, BreakerState, Results, Sees, Verdict, Window};

settings! {
    /// What resilience4j's breaker can be told.
    pub struct Resilience4jSettings {
        /// The results that are judged: so many of the last, or those of so many seconds (in buckets of one second; a
        /// part of a second counts as a whole one).
        window: Window = Window::Calls(100), "slidingWindowSize";
        /// Results needed before they are judged; with a window of calls never more than it holds.
        minimum_calls: u32 = 100, "minimumNumberOfCalls";
        /// Share of failures at which it opens.
        failure_rate: Share = percent(50.0), "failureRateThreshold (%)";
        /// A call longer than this is slow.
        slow_call_duration: Span = Span::from_secs(60), "slowCallDurationThreshold (ms)";
        /// Share of slow calls at which it opens.
        slow_call_rate: Share = percent(100.0), "slowCallRateThreshold (%)";
        /// How long it stays open before it lets probes through; a delay that grows does so with every time it opens
        /// again without having been closed.
        open_for: Backoff = Backoff::Fixed(Span::from_secs(60)), "waitDurationInOpenState (ms)";
        /// Whether it becomes half open by itself, and not with the first call after that time.
        automatic: bool = false, "automaticTransitionFromOpenToHalfOpenEnabled";
        /// Probes that it lets through when half open.
        half_open_calls: u32 = 10, "permittedNumberOfCallsInHalfOpenState";
        /// How long it waits for the results of its probes.
        half_open_for: Option<Span> = None, "maxWaitDurationInHalfOpenState (ms)";
        /// What becomes of it after that: it opens again, or closes when this is set.
        half_open_closes: bool = false, "transitionToStateAfterWaitDuration";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Breaker,
    name: "resilience4j",
    about: "Opens when too many of the last calls failed or were slow, and lets a fixed number of probes decide.",
    rules: &[
        "Judged after every result, a success too; it opens at a rate equal to the threshold.",
        "Rates are percentages in 32-bit floats. Below the minimum of calls nothing is judged.",
        "A call as long as the threshold is not slow; failed and slow are counted apart.",
        "A call's time starts with its permit: the waits at what stands inside of the breaker, a rate limit or a bulkhead, are \
         part of it.",
        "With a window of calls the minimum is never more than the window; with a window of time it is as written.",
        "It opens for longer than the wait: a call at exactly the end of it is still refused.",
        "Without `automatic`, only a call makes it half open: what nobody asks stays open.",
        "Half open, it is judged once min(minimum, probes) results are in, also those of calls from before.",
        "An ignored result gives its permit back and counts as nothing. Refused calls are not counted.",
    ],
    source: "resilience4j/resilience4j@af9e7c97: CircuitBreakerConfig, CircuitBreakerStateMachine, CircuitBreakerMetrics, \
             core/metrics",
    trace_input: TRACE_INPUT,
    parameters: parameters::<Resilience4jSettings, Resilience4jBreaker>,
    trace: traced::<Resilience4jSettings, Resilience4jBreaker>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Resilience4jBreaker {
    state: State,
    results: Results,
    /// Results that there must be in the present state to be judged.
    minimum: u32,
    /// How often it has opened since it was last closed.
    openings: u32,
    failure_percent: f32,
    slow_percent: f32,
    settings: Resilience4jSettings,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    /// It refuses calls up to this moment, and at it.
    Open {
        until: Time,
    },
    HalfOpen {
        permits: u32,
        since: Time,
    },
    /// By hand, for good.
    Forced,
}

impl Resilience4jBreaker {
    fn close(&mut self) {
        self.state = State::Closed;
        self.openings = 0;
        self.measure_afresh(self.settings.window);
    }

    fn open(&mut self, now: Time) {
        self.openings = self.openings.saturating_add(1);
        self.state = State::Open { until: now + self.settings.open_for.delay(self.openings) };
    }

    fn half_open(&mut self, now: Time) {
        self.state = State::HalfOpen { permits: self.settings.half_open_calls, since: now };
        self.measure_afresh(Window::Calls(self.settings.half_open_calls));
    }

    fn measure_afresh(&mut self, window: Window) {
        self.results.reset(window);
        self.minimum = minimum(&self.settings, window);
    }

    /// What its own timers have done up to `now`; with `automatic` it may have gone round several times.
    fn catch_up(&mut self, now: Time) {
        loop {
            match (self.state, self.settings.half_open_for) {
                (State::Open { until }, _) if self.settings.automatic && now >= until => self.half_open(until),
                (State::HalfOpen { since, .. }, Some(limit)) if now >= since + limit => {
                    if self.settings.half_open_closes {
                        self.close();
                        return;
                    }
                    self.open(since + limit);
                }
                _ => return,
            }
        }
    }

    #[inline(always)]
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// [`Breaker::record`] while it is closed, when its own timers do nothing.
    #[inline(always)]
    pub(super) fn record_closed(&mut self, now: Time, verdict: Verdict, duration: Span) {
        if verdict == Verdict::Ignored {
            return;
        }
        self.results.record(now, verdict == Verdict::Failure, duration > self.settings.slow_call_duration);
        if self.too_bad() == Some(true) {
            self.open(now);
        }
    }

    /// Whether the window is too bad; `None` while it holds too little to tell.
    #[inline]
    fn too_bad(&self) -> Option<bool> {
        let (failed, slow) = self.results.rates(self.minimum)?;
        Some(failed >= self.failure_percent || slow >= self.slow_percent)
    }
}

fn minimum(settings: &Resilience4jSettings, window: Window) -> u32 {
    match window {
        Window::Calls(calls) => settings.minimum_calls.min(calls).max(1),
        Window::Time(_) => settings.minimum_calls.max(1),
    }
}

/// Shares are written as decimal percentages, and in 32 bits the product is the float nearest to them.
fn in_percent(share: Share) -> f32 {
    (share.as_f64() * 100.0) as f32
}

impl OwnBreaker<Resilience4jSettings> for Resilience4jBreaker {
    const SEES: Sees = Sees::Attempts;

    /// Closed, with an empty window. Numbers of calls below 1 are taken as 1.
    fn new(settings: &Resilience4jSettings) -> Resilience4jBreaker {
        let window = match settings.window {
            Window::Calls(calls) => Window::Calls(calls.max(1)),
            time => time,
        };
        let settings = Resilience4jSettings { window, half_open_calls: settings.half_open_calls.max(1), ..*settings };
        Resilience4jBreaker {
            state: State::Closed,
            results: Results::new(window),
            minimum: minimum(&settings, window),
            openings: 0,
            failure_percent: in_percent(settings.failure_rate),
            slow_percent: in_percent(settings.slow_call_rate),
            settings,
        }
    }

    fn put(&mut self, now: Time, state: &str) -> bool {
        match state {
            "CLOSED" => self.close(),
            "OPEN" => self.open(now),
            "HALF_OPEN" => self.half_open(now),
            "FORCED_OPEN" => self.state = State::Forced,
            _ => return false,
        }
        true
    }

    fn pass(&mut self, now: Time) {
        self.catch_up(now);
        self.results.pass(now);
    }

    fn counts(&self) -> Option<(u32, u32)> {
        Some(self.results.counts())
    }

    fn state_name(&self) -> &'static str {
        if let State::Forced = self.state { "FORCED_OPEN" } else { self.state().name() }
    }
}

impl Breaker for Resilience4jBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        self.catch_up(now);
        if let State::Open { until } = self.state {
            if now <= until {
                return false;
            }
            self.half_open(now);
        }
        match &mut self.state {
            State::HalfOpen { permits: 0, .. } | State::Forced => false,
            State::HalfOpen { permits, .. } => {
                *permits -= 1;
                true
            }
            State::Closed | State::Open { .. } => true,
        }
    }

    #[inline]
    fn record(&mut self, now: Time, verdict: Verdict, duration: Span) {
        if self.is_closed() {
            self.record_closed(now, verdict, duration);
            return;
        }
        self.catch_up(now);
        match (&mut self.state, verdict) {
            (State::Open { .. } | State::Forced, _) | (State::Closed, Verdict::Ignored) => return,
            (State::HalfOpen { permits, .. }, Verdict::Ignored) => {
                *permits = permits.saturating_add(1);
                return;
            }
            (State::Closed | State::HalfOpen { .. }, Verdict::Success | Verdict::Failure) => {}
        }
        self.results.record(now, verdict == Verdict::Failure, duration > self.settings.slow_call_duration);
        match (self.too_bad(), self.state) {
            (Some(true), _) => self.open(now),
            (Some(false), State::HalfOpen { .. }) => self.close(),
            (Some(false) | None, _) => {}
        }
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } | State::Forced => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}
