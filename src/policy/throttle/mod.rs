//! Throttles of a client: which requests it does not even send, because too many before were turned away. What it
//! holds back costs its callee nothing.

mod adaptive;

use crate::base::time::{Span, Time};
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Settings, settings};
use crate::policy::trace::{Datum, Row, Trace};

pub use adaptive::AdaptiveThrottle;

settings! {
    /// A client's throttle: the adaptive one of Google's SRE book.
    pub struct ThrottleSettings {
        /// Requests that may go for each one that is accepted; at least 1.
        multiplier: f64 = 2.0, "K";
        /// Over which time both are counted; not zero.
        window: Span = Span::from_secs(120), "window (s)";
    }
}

impl ThrottleSettings {
    /// The settings that the library `name` ships with.
    pub fn preset(name: &str) -> Option<ThrottleSettings> {
        (name == SRE.name).then(ThrottleSettings::default)
    }
}

/// Every throttle that has a name.
pub const PRESETS: &[Preset] = &[SRE];

const SRE: Preset = Preset {
    kind: Kind::Throttle,
    name: "sre",
    about: "Holds back what would be turned away anyway: with the chance (requests - 2 * accepts) / (requests + 1).",
    rules: &[
        "Requests count before they are sent, those held back too: else the throttle would forget why it throttles.",
        "An error is an answer: only what is turned away, refused or not answered in time is not accepted.",
        "Twice as many requests go as are accepted: a server that comes back is noticed at once.",
    ],
    source: "Site Reliability Engineering (2016), chapter 21, Handling Overload",
    trace_input: r#"[
  { "t_ms": 0, "requests": 100, "accepts": 40 },
  { "t_ms": 60000, "requests": 10, "accepts": 10 }
]
So many more requests and so many more that were accepted; the answer is the chance that the next one is held back."#,
    parameters: ThrottleSettings::parameters,
    trace: traced,
};

struct ThrottleTrace {
    throttle: AdaptiveThrottle,
    now: Time,
}

fn traced(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = ThrottleSettings::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    Ok(Box::new(ThrottleTrace { throttle: AdaptiveThrottle::new(&settings), now: Time::ZERO }))
}

impl Trace for ThrottleTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        let count = |key| step.get(key).map_or(Ok(0), |it| it.count().ok_or(format!("`{key}` is a whole number")));
        let (requests, accepts) = (count("requests")?, count("accepts")?);
        (0..requests).for_each(|_| {
            self.throttle.permit(self.now, 0.5);
        });
        (0..accepts).for_each(|_| self.throttle.accepted(self.now));
        Ok(vec![("reject_probability", self.throttle.probability_at(self.now).into())])
    }
}

/// What the kernel tells and asks a client's throttle. One per caller replica and callee service.
pub trait Throttle: Send {
    /// Somebody wants to send a request: may it go? `uniform` is the number in (0, 1) that belongs to it.
    fn permit(&mut self, now: Time, uniform: f64) -> bool;

    /// The callee has accepted one: see [`Outcome::is_accepted`](super::Outcome::is_accepted).
    fn accepted(&mut self, now: Time);
}

/// The throttle of one client instance: a built-in one without indirection, or one of a library user's own.
pub enum AnyThrottle {
    /// By what was accepted lately.
    Adaptive(AdaptiveThrottle),
    /// Anything else.
    Custom(Box<dyn Throttle>),
}

impl AnyThrottle {
    /// The built-in throttle for `settings`, which has seen nothing yet.
    pub fn from_settings(settings: &ThrottleSettings) -> AnyThrottle {
        AnyThrottle::Adaptive(AdaptiveThrottle::new(settings))
    }
}

impl Throttle for AnyThrottle {
    fn permit(&mut self, now: Time, uniform: f64) -> bool {
        match self {
            AnyThrottle::Adaptive(throttle) => throttle.permit(now, uniform),
            AnyThrottle::Custom(throttle) => throttle.permit(now, uniform),
        }
    }

    fn accepted(&mut self, now: Time) {
        match self {
            AnyThrottle::Adaptive(throttle) => throttle.accepted(now),
            AnyThrottle::Custom(throttle) => throttle.accepted(now),
        }
    }
}
