//! Circuit breakers: whether a call may go at all. Each library's rules are a file of their own.

mod failsafe;
mod hystrix;
mod maker;
mod own;
mod polly;
mod resilience4j;
mod window;

use crate::base::time::{Span, Time};
use crate::policy::registry::Preset;
use crate::policy::settings::{Misfit, Settings, Value};
use crate::policy::{Outcome, Outcomes};

pub use failsafe::{FailsafeBreaker, FailsafeSettings};
pub use hystrix::{HystrixBreaker, HystrixSettings};
pub use maker::Maker;
pub use own::OwnBreaker;
pub use polly::{PollyBreaker, PollySettings};
pub use resilience4j::{Resilience4jBreaker, Resilience4jSettings};
pub use window::{ResultWindow, Results, TimeWindow, Window};

/// A client's breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Whose rules, and their parameters.
    pub rules: BreakerRules,
    /// Failures that count as nothing, besides what the caller has withdrawn.
    pub ignore: Outcomes,
    /// Whether it stands before each attempt or before the whole call.
    pub sees: Sees,
}

/// What a breaker permits and counts, where a call is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sees {
    /// Each attempt: retries stand outside, as in `Retry(CircuitBreaker(..))`.
    Attempts,
    /// The call with all its attempts: retries stand inside, as in `CircuitBreaker(Retry(..))`.
    Calls,
}

/// Where a breaker stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    /// Calls go.
    Closed,
    /// Calls are refused.
    Open,
    /// Probes go, the rest is refused.
    HalfOpen,
}

impl BreakerState {
    /// As libraries write it.
    pub const fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "CLOSED",
            BreakerState::Open => "OPEN",
            BreakerState::HalfOpen => "HALF_OPEN",
        }
    }
}

/// What a finished call was, to a breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It counts as a success.
    Success,
    /// It counts as a failure.
    Failure,
    /// It counts as nothing; its permit goes back.
    Ignored,
}

impl Verdict {
    /// Of an outcome, where those of `ignore` count as nothing; so does what was withdrawn or not sent.
    #[inline]
    pub const fn of(outcome: Outcome, ignore: Outcomes) -> Verdict {
        match outcome {
            Outcome::Ok => Verdict::Success,
            Outcome::Cancelled | Outcome::ShortCircuited | Outcome::Throttled => Verdict::Ignored,
            outcome if ignore.has(outcome) => Verdict::Ignored,
            _ => Verdict::Failure,
        }
    }
}

/// What the kernel tells and asks a circuit breaker. One per caller replica and callee.
pub trait Breaker: Send {
    /// May a call go now? `true` hands out a permit that must come back through [`Breaker::record`].
    fn permit(&mut self, now: Time) -> bool;

    /// A permitted call ended after `duration`.
    fn record(&mut self, now: Time, verdict: Verdict, duration: Span);

    /// Where it stands, without side effect.
    fn state(&self) -> BreakerState;
}

/// The registry of breakers: each with its settings, its rules and its file.
macro_rules! breakers {
    ($( $Name:ident($Settings:ty, $Breaker:ty) in $module:ident, )+) => {
        /// Every breaker that has a name.
        pub const PRESETS: &[Preset] = &[$( $module::PRESET ),+];

        /// Whose rules a breaker follows, and their parameters.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum BreakerRules {
            $( #[doc = concat!("Those of ", stringify!($module), ".")] $Name($Settings), )+
            /// Those of a library user's own; no file can say so.
            Custom(Maker),
        }

        impl BreakerSettings {
            /// The settings that the library `name` ships with.
            pub fn preset(name: &str) -> Option<BreakerSettings> {
                $( if name == $module::PRESET.name {
                    let sees = <$Breaker as OwnBreaker<$Settings>>::SEES;
                    return Some(BreakerSettings { rules: BreakerRules::$Name(Default::default()), ignore: Outcomes::NONE, sees });
                } )+
                None
            }

            /// The library whose rules they are.
            pub const fn name(&self) -> &'static str {
                match &self.rules {
                    $( BreakerRules::$Name(_) => $module::PRESET.name, )+
                    BreakerRules::Custom(_) => "custom",
                }
            }

            /// Sets a parameter of the rules, under our name.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Misfit> {
                match &mut self.rules {
                    $( BreakerRules::$Name(settings) => settings.set(name, value), )+
                    BreakerRules::Custom(_) => Err(Misfit::Unknown { name: name.to_owned(), near: None, known: Vec::new() }),
                }
            }

            /// A parameter of the rules.
            pub fn get(&self, name: &str) -> Option<Value> {
                match &self.rules {
                    $( BreakerRules::$Name(settings) => settings.get(name), )+
                    BreakerRules::Custom(_) => None,
                }
            }
        }

        /// The breaker of one client instance: a built-in one without indirection, or one of a library user's own.
        pub enum AnyBreaker {
            $( #[doc = concat!("With the rules of ", stringify!($module), ".")] $Name($Breaker), )+
            /// Anything else.
            Custom(Box<dyn Breaker>),
        }

        impl AnyBreaker {
            /// Whether it is closed and a permit is a matter of course: [`Breaker::permit`] would give it and change nothing.
            #[inline(always)]
            pub fn is_open_to_all(&self) -> bool {
                matches!(self, AnyBreaker::Resilience4j(breaker) if breaker.is_closed())
            }

            /// [`Breaker::record`]; the states before and after it where they differ.
            #[inline(always)]
            pub fn hear(&mut self, now: Time, verdict: Verdict, duration: Span) -> Option<(BreakerState, BreakerState)> {
                if let AnyBreaker::Resilience4j(breaker) = self
                    && breaker.is_closed()
                {
                    breaker.record_closed(now, verdict, duration);
                    return (!breaker.is_closed()).then_some((BreakerState::Closed, BreakerState::Open));
                }
                self.hear_in_any_state(now, verdict, duration)
            }

            #[inline(never)]
            fn hear_in_any_state(
                &mut self,
                now: Time,
                verdict: Verdict,
                duration: Span,
            ) -> Option<(BreakerState, BreakerState)> {
                let before = self.state();
                self.record(now, verdict, duration);
                let after = self.state();
                (before != after).then_some((before, after))
            }

            /// The breaker for `settings`, closed.
            pub fn from_settings(settings: &BreakerSettings) -> AnyBreaker {
                match &settings.rules {
                    $( BreakerRules::$Name(settings) => AnyBreaker::$Name(OwnBreaker::new(settings)), )+
                    BreakerRules::Custom(Maker(make)) => AnyBreaker::Custom(make()),
                }
            }
        }

        impl Breaker for AnyBreaker {
            fn permit(&mut self, now: Time) -> bool {
                match self {
                    $( AnyBreaker::$Name(breaker) => breaker.permit(now), )+
                    AnyBreaker::Custom(breaker) => breaker.permit(now),
                }
            }

            fn record(&mut self, now: Time, verdict: Verdict, duration: Span) {
                match self {
                    $( AnyBreaker::$Name(breaker) => breaker.record(now, verdict, duration), )+
                    AnyBreaker::Custom(breaker) => breaker.record(now, verdict, duration),
                }
            }

            fn state(&self) -> BreakerState {
                match self {
                    $( AnyBreaker::$Name(breaker) => breaker.state(), )+
                    AnyBreaker::Custom(breaker) => breaker.state(),
                }
            }
        }
    };
}

breakers! {
    Failsafe(FailsafeSettings, FailsafeBreaker) in failsafe,
    Hystrix(HystrixSettings, HystrixBreaker) in hystrix,
    Polly(PollySettings, PollyBreaker) in polly,
    Resilience4j(Resilience4jSettings, Resilience4jBreaker) in resilience4j,
}
