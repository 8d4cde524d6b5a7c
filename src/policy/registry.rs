//! The registry: every policy that has a name, with its parameters, its rules in short and its source.
//!
//! # Adding a policy takes one new file and one registry line
//!
//! A breaker, say, that opens for a second on every third failure. The whole of the new file, `breaker/third.rs`:
//!
//! ```ignore
//! //! A breaker that opens on every third failure.
//!
//! use crate::base::time::{Span, Time};
//! use crate::policy::registry::{Kind, Preset};
//! use crate::policy::settings::settings;
//!
//! use super::own::{OwnBreaker, TRACE_INPUT, parameters, traced};
//! use super::{Breaker, BreakerState, Sees, Verdict};
//!
//! settings! {
//!     /// What it can be told.
//!     pub struct ThirdSettings {
//!         /// How long it stays open.
//!         open_for: Span = Span::from_secs(1), "sleepTime (ms)";
//!     }
//! }
//!
//! pub(super) const PRESET: Preset = Preset {
//!     kind: Kind::Breaker,
//!     name: "third",
//!     about: "Opens for a second on every third failure.",
//!     rules: &["A success changes nothing."],
//!     source: "example/third@1a2b3c, Third.java",
//!     trace_input: TRACE_INPUT,
//!     parameters: parameters::<ThirdSettings, ThirdBreaker>,
//!     trace: traced::<ThirdSettings, ThirdBreaker>,
//! };
//!
//! /// See the module.
//! #[derive(Clone, Debug)]
//! pub struct ThirdBreaker {
//!     settings: ThirdSettings,
//!     failures: u32,
//!     open_until: Option<Time>,
//! }
//!
//! impl OwnBreaker<ThirdSettings> for ThirdBreaker {
//!     const SEES: Sees = Sees::Attempts;
//!
//!     fn new(settings: &ThirdSettings) -> ThirdBreaker {
//!         ThirdBreaker { settings: *settings, failures: 0, open_until: None }
//!     }
//! }
//!
//! impl Breaker for ThirdBreaker {
//!     fn permit(&mut self, now: Time) -> bool {
//!         self.open_until = self.open_until.filter(|until| now < *until);
//!         self.open_until.is_none()
//!     }
//!
//!     fn record(&mut self, now: Time, verdict: Verdict, _duration: Span) {
//!         self.failures += u32::from(verdict == Verdict::Failure);
//!         if self.failures == 3 {
//!             (self.failures, self.open_until) = (0, Some(now + self.settings.open_for));
//!         }
//!     }
//!
//!     fn state(&self) -> BreakerState {
//!         if self.open_until.is_some() { BreakerState::Open } else { BreakerState::Closed }
//!     }
//! }
//! ```
//!
//! and in `breaker/mod.rs` the registry gets its line, `Third(third::ThirdSettings, third::ThirdBreaker) in third,`, in the
//! order of the names, and the compiler its `mod third;`. From then on `breaker = { preset = "third", open_for = "2s" }` can be
//! written, `brownout policy third` prints it, `brownout policy third --trace steps.json` steps it, and vectors of the policy
//! `third.circuitbreaker` run through it. `SCENARIOS.md` and `scenarios/schema.json` list it once they are generated again, by
//! `brownout explain --reference` and `brownout schema`.
//!
//! A parameter may have any name that a breaker's table knows already; a new one is declared there (`BreakerKeys` of the
//! scenario language) as well.

use super::settings::{Misfit, Parameter};
use super::trace::Trace;
use super::{balance, breaker, bulkhead, hedge, limit, outlier, rate, retry, throttle};

/// What a policy decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Whether a call may go at all.
    Breaker,
    /// Whether a failed attempt is followed by another, and when.
    Retry,
    /// When another attempt is sent beside one that has no answer yet.
    Hedge,
    /// Which requests a client holds back.
    Throttle,
    /// Which replicas a client does not see.
    Outlier,
    /// When a client's calls may go.
    RateLimit,
    /// How many calls of a client may be under way.
    Bulkhead,
    /// How many requests a server's replica takes on, or a client sends, at a time.
    Limit,
    /// Which replica gets a call.
    Balance,
    /// Which replicas a client leaves out that did not answer it.
    Health,
    /// How a replica that has just come gets its weight.
    SlowStart,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 11] = [
        Kind::Breaker,
        Kind::Retry,
        Kind::Hedge,
        Kind::Throttle,
        Kind::Outlier,
        Kind::RateLimit,
        Kind::Bulkhead,
        Kind::Limit,
        Kind::Balance,
        Kind::Health,
        Kind::SlowStart,
    ];

    /// The table of the scenario language that takes it, or the key.
    pub const fn path(self) -> &'static str {
        match self {
            Kind::Breaker => "client.NAME.breaker",
            Kind::Retry => "client.NAME.retry",
            Kind::Hedge => "client.NAME.hedge",
            Kind::Throttle => "client.NAME.throttle",
            Kind::Outlier => "client.NAME.outlier",
            Kind::RateLimit => "client.NAME.rate_limit",
            Kind::Bulkhead => "client.NAME.bulkhead",
            Kind::Limit => "service.NAME.limit",
            Kind::Balance => "client.NAME.balance",
            Kind::Health => "client.NAME.health",
            Kind::SlowStart => "service.NAME.slow_start",
        }
    }

    /// What it is called: the last part of the path.
    pub fn name(self) -> &'static str {
        self.path().rsplit('.').next().unwrap_or_default()
    }

    /// What it is, in words.
    pub fn what(self) -> String {
        match self {
            Kind::Outlier => "outlier detection".to_owned(),
            _ => self.name().replace('_', " "),
        }
    }

    /// All presets of this kind.
    pub fn presets(self) -> &'static [Preset] {
        match self {
            Kind::Breaker => breaker::PRESETS,
            Kind::Retry => retry::PRESETS,
            Kind::Hedge => hedge::PRESETS,
            Kind::Throttle => throttle::PRESETS,
            Kind::Outlier => outlier::PRESETS,
            Kind::RateLimit => rate::PRESETS,
            Kind::Bulkhead => bulkhead::PRESETS,
            Kind::Limit => limit::PRESETS,
            Kind::Balance => balance::PRESETS,
            Kind::Health => balance::HEALTH_PRESETS,
            Kind::SlowStart => balance::SLOW_START_PRESETS,
        }
    }

    /// The preset called `name`.
    pub fn preset(self, name: &str) -> Option<&'static Preset> {
        self.presets().iter().find(|preset| preset.name == name)
    }
}

/// A parameter's name and the text of its value.
pub type Assignment<'a> = (&'a str, &'a str);

/// Makes a policy at its start, with other settings than the default ones.
pub type Start = fn(&[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit>;

/// A policy under its real name.
#[derive(Debug)]
pub struct Preset {
    /// What it decides.
    pub kind: Kind,
    /// What it is called, in a scenario too.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What one would not guess, a sentence each.
    pub rules: &'static [&'static str],
    /// Where the rules and the defaults were read.
    pub source: &'static str,
    /// What a step of its trace looks like.
    pub trace_input: &'static str,
    /// What there is to set, with the defaults.
    pub parameters: fn() -> Vec<Parameter>,
    /// The policy at its start, ready to be stepped, with other settings than the default ones.
    pub trace: Start,
}

/// Every preset, by kind and name.
pub fn all() -> impl Iterator<Item = &'static Preset> {
    Kind::ALL.into_iter().flat_map(|kind| kind.presets().iter())
}
