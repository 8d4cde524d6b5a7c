//! Failsafe's circuit breaker (`CircuitBreakerBuilder`, `ClosedState`, `HalfOpenState`) with thresholds that count:
//! so many failures of so many calls. Its defaults open it with a single failure.

use crate::base::time::{Span, Time};
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::settings;

use super::own::{OwnBreaker, TRACE_INPUT, parameters, traced};
use super::{Breaker, BreakerState, ResultWindow, Sees, Verdict};

settings! {
    /// What Failsafe's breaker can be told.
    pub struct FailsafeSettings {
        /// The last calls that are judged.
        window: u32 = 1, "failureThresholdingCapacity";
        /// Failures among them at which it opens.
        failures: u32 = 1, "failureThreshold";
        /// Successes of its probes at which it closes, if they do not follow from the failures.
        successes: Option<u32> = None, "successThreshold";
        /// How long it stays open before it lets probes through.
        open_for: Span = Span::from_secs(60), "delay (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Breaker,
    name: "failsafe",
    about: "Opens with one failure for a minute, unless told to count: so many failures of so many calls.",
    rules: &[
        "By default a single failure opens it, and a single success closes it.",
        "Judged after every result; there is no minimum: three failures of five open it at the third.",
        "Half open from exactly the end of the delay on, with as many probes as calls are judged.",
        "With `successes`, so many of as many probes close it, and one failure opens it again; without, it closes once \
         too few failures are left to come, and opens at `failures`.",
    ],
    source: "failsafe-lib/failsafe: CircuitBreakerBuilder, CircuitBreakerConfig, internal/ClosedState, \
             internal/HalfOpenState@dc6b4593 (`checkThreshold`, `capacityFor`)",
    trace_input: TRACE_INPUT,
    parameters: parameters::<FailsafeSettings, FailsafeBreaker>,
    trace: traced::<FailsafeSettings, FailsafeBreaker>,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open { until: Time },
    HalfOpen { permits: u32 },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct FailsafeBreaker {
    state: State,
    results: ResultWindow,
    settings: FailsafeSettings,
}

impl FailsafeBreaker {
    /// Probes that may be under way together.
    fn probes(&self) -> u32 {
        self.settings.successes.unwrap_or(self.settings.window).max(1)
    }

    fn open(&mut self, now: Time) {
        self.state = State::Open { until: now + self.settings.open_for };
    }

    fn judge_probes(&mut self, now: Time) {
        let (failed, calls) = (self.results.failed(), self.results.calls());
        let succeeded = calls - failed;
        let (closes, opens) = match self.settings.successes {
            Some(successes) => (succeeded >= successes, failed > 0),
            None => {
                let spare = self.settings.window.saturating_sub(self.settings.failures);
                (succeeded > spare, failed >= self.settings.failures)
            }
        };
        if closes {
            self.state = State::Closed;
            self.results.reset(self.settings.window);
        } else if opens {
            self.open(now);
        }
    }
}

impl OwnBreaker<FailsafeSettings> for FailsafeBreaker {
    const SEES: Sees = Sees::Attempts;

    fn new(settings: &FailsafeSettings) -> FailsafeBreaker {
        let window = settings.window.max(1);
        let settings = FailsafeSettings { window, failures: settings.failures.clamp(1, window), ..*settings };
        FailsafeBreaker { state: State::Closed, results: ResultWindow::new(window), settings }
    }
}

impl Breaker for FailsafeBreaker {
    #[inline]
    fn permit(&mut self, now: Time) -> bool {
        if let State::Open { until } = self.state {
            if now < until {
                return false;
            }
            let probes = self.probes();
            self.state = State::HalfOpen { permits: probes };
            self.results.reset(probes);
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
    fn record(&mut self, now: Time, verdict: Verdict, _duration: Span) {
        let limit = self.probes();
        if let State::HalfOpen { permits } = &mut self.state {
            *permits = (*permits + 1).min(limit);
        }
        if verdict == Verdict::Ignored {
            return;
        }
        match self.state {
            State::Closed => {
                self.results.record(verdict == Verdict::Failure, false);
                if self.results.failed() >= self.settings.failures {
                    self.open(now);
                }
            }
            State::HalfOpen { .. } => {
                self.results.record(verdict == Verdict::Failure, false);
                self.judge_probes(now);
            }
            State::Open { .. } => {}
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
