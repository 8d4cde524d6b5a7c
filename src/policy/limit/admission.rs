//! Envoy's admission control (`admission_control_filter`): once fewer requests succeed than should, ever more of them are
//! turned away by chance. Those that are turned away do not count.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::base::units::{Rate, Share};
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};
use crate::policy::{Outcome, Outcomes};

use super::traced::traced;
use super::{Ended, Limiter, Newcomer};

/// What came within so long is kept as one sum.
const GRANULARITY: Span = Span::from_secs(1);
/// What nobody has answered, because its caller is gone, says nothing.
const UNKNOWN: Outcomes = Outcomes::of(&[Outcome::Cancelled]);

settings! {
    /// The knobs of [`Admission`]; the default is Envoy's.
    pub struct AdmissionSettings {
        /// The share of requests that must succeed; above zero.
        success: Share = percent(95.0), "sr_threshold (%)";
        /// How fast it reacts; above zero: 1 is linear, 2 turns away more at once.
        aggression: f64 = 1.0, "aggression";
        /// The most that is turned away.
        max_rejection: Share = percent(80.0), "max_rejection_probability (%)";
        /// Over which time requests count.
        window: Span = Span::from_secs(30), "sampling_window (s)";
        /// With fewer requests a second nobody is turned away.
        min_rate: Rate = Rate::per_sec(0.0).expect("no request a second is a rate"), "rps_threshold";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Limit,
    name: "envoy-admission",
    about: "Envoy's admission control: once fewer requests succeed than should, ever more are turned away by chance.",
    rules: &[
        "The chance is ((requests - successes / threshold) / (requests + 1)) to the power of 1 / aggression.",
        "What is turned away does not count, so that the chance falls as soon as those that are let in succeed.",
        "At least a fifth of all requests are always let in.",
    ],
    source: "envoyproxy/envoy admission_control_filter.rst; data-plane-api admission_control.proto",
    trace_input: r#"[
  { "t_ms": 0, "outcome": "success", "times": 50 },
  { "t_ms": 100, "outcome": "error", "times": 50 },
  { "t_ms": 31000, "op": "observe" }
]
So many requests that were let in ended so; the answer is the chance that the next one is turned away."#,
    parameters: AdmissionSettings::parameters,
    trace: traced::<AdmissionSettings>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Admission {
    settings: AdmissionSettings,
    /// Since when each sum is, and what it is.
    parts: VecDeque<(Time, Counts)>,
    sum: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    successes: u64,
}

impl Admission {
    /// One that has seen nothing yet.
    pub fn new(settings: &AdmissionSettings) -> Admission {
        Admission { settings: *settings, parts: VecDeque::new(), sum: Counts::default() }
    }

    /// The chance that the next request is turned away.
    pub fn probability(&self) -> f64 {
        let AdmissionSettings { success, aggression, max_rejection, window, min_rate } = &self.settings;
        let (requests, successes) = (self.sum.requests as f64, self.sum.successes as f64);
        if requests / window.as_secs_f64() < min_rate.as_per_sec() {
            return 0.0;
        }
        let excess = (requests - successes / success.as_f64()) / (requests + 1.0);
        libm::pow(excess.max(0.0), 1.0 / aggression).min(max_rejection.as_f64())
    }

    /// Forgets what has left the window.
    fn pass(&mut self, now: Time) {
        while let Some((_, old)) = self.parts.front().filter(|(since, _)| now.since(*since) >= self.settings.window) {
            self.sum.requests -= old.requests;
            self.sum.successes -= old.successes;
            self.parts.pop_front();
        }
    }

    /// One was answered, well or not.
    pub fn record(&mut self, now: Time, is_success: bool) {
        self.pass(now);
        if self.parts.back().is_none_or(|(since, _)| now.since(*since) >= GRANULARITY) {
            self.parts.push_back((now, Counts::default()));
        }
        let one = Counts { requests: 1, successes: u64::from(is_success) };
        let part = self.parts.back_mut().map(|(_, counts)| counts);
        for counts in part.into_iter().chain([&mut self.sum]) {
            counts.requests += one.requests;
            counts.successes += one.successes;
        }
    }
}

impl Limiter for Admission {
    fn admit(&mut self, now: Time, newcomer: &Newcomer) -> bool {
        self.pass(now);
        newcomer.uniform >= self.probability()
    }

    fn ended(&mut self, now: Time, ended: &Ended) {
        if !UNKNOWN.has(ended.outcome) {
            self.record(now, ended.outcome.is_ok());
        }
    }
}
