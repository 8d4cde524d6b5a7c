//! Limits: whether a request that has arrived is let in at all. Who is not is turned away at once, before any queue.
//! A limit stands at the door of a server's replica, or in a client, where it counts the calls to one service.

mod admission;
mod aimd;
mod concurrency;
mod gradient;
mod gradient2;
mod sampling;
mod token_bucket;
mod traced;
mod vegas;

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::base::units::Rate;

use super::registry::Preset;
use super::settings::{Misfit, Settings, Value, unknown};
use super::{Outcome, Outcomes};

pub use admission::{Admission, AdmissionSettings};
pub use aimd::{Aimd, AimdSettings};
pub use concurrency::{Concurrency, ConcurrencySettings, LawSettings, PriorityShares};
pub use gradient::{Gradient, GradientSettings};
pub use gradient2::{Gradient2, Gradient2Settings};
pub use sampling::SampleWindow;
pub use token_bucket::TokenBucket;
pub use vegas::{Vegas, VegasSettings};

/// How many requests are taken on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitSettings {
    /// So many a second: a bucket that fills at a constant rate, and from which every request takes a token.
    Rate(RateSettings),
    /// So many at a time.
    Concurrency(ConcurrencySettings),
    /// Ever fewer, the more of them fail.
    Admission(AdmissionSettings),
}

/// The registry of limits: each with its settings and its file.
macro_rules! limits {
    ($( $Settings:ident in $module:ident as $pattern:pat => $settings:ident, $wrap:expr; )+) => {
        /// Every limit that has a name.
        pub const PRESETS: &[Preset] = &[$( $module::PRESET ),+];

        $( impl From<$Settings> for LimitSettings {
            fn from(settings: $Settings) -> LimitSettings {
                $wrap(settings)
            }
        } )+

        impl LimitSettings {
            /// The settings that the library `name` ships with.
            pub fn preset(name: &str) -> Option<LimitSettings> {
                $( if name == $module::PRESET.name {
                    return Some($Settings::default().into());
                } )+
                None
            }

            /// The library whose rules they are; `None` for a plain number or rate.
            pub const fn name(&self) -> Option<&'static str> {
                match self {
                    $( $pattern => {
                        let _ = $settings;
                        Some($module::PRESET.name)
                    } )+
                    LimitSettings::Rate(_) | LimitSettings::Concurrency(_) => None,
                }
            }

            /// Sets a parameter of a library's limit, under our name.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Misfit> {
                match self {
                    $( $pattern => $settings.set(name, value), )+
                    LimitSettings::Rate(_) | LimitSettings::Concurrency(_) => Err(unknown(name, &[])),
                }
            }
        }
    };
}

const fn law(law: LawSettings) -> LimitSettings {
    LimitSettings::Concurrency(ConcurrencySettings { law, shares: None })
}

limits! {
    AimdSettings in aimd
        as LimitSettings::Concurrency(ConcurrencySettings { law: LawSettings::Aimd(it), .. }) => it, |it| law(LawSettings::Aimd(it));
    GradientSettings in gradient
        as LimitSettings::Concurrency(ConcurrencySettings { law: LawSettings::Gradient(it), .. }) => it, |it| law(LawSettings::Gradient(it));
    AdmissionSettings in admission
        as LimitSettings::Admission(it) => it, LimitSettings::Admission;
    Gradient2Settings in gradient2
        as LimitSettings::Concurrency(ConcurrencySettings { law: LawSettings::Gradient2(it), .. }) => it, |it| law(LawSettings::Gradient2(it));
    VegasSettings in vegas
        as LimitSettings::Concurrency(ConcurrencySettings { law: LawSettings::Vegas(it), .. }) => it, |it| law(LawSettings::Vegas(it));
}

impl LimitSettings {
    /// Requests a second that are taken on at most in the long run; a number at a time says nothing about that.
    pub fn rate(self) -> f64 {
        match self {
            LimitSettings::Rate(settings) => settings.rate.as_per_sec(),
            LimitSettings::Concurrency(_) | LimitSettings::Admission(_) => f64::INFINITY,
        }
    }
}

/// The knobs of a [`TokenBucket`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSettings {
    /// Tokens that come; above zero, and at most 10⁹ a second.
    pub rate: Rate,
    /// The most tokens that can be saved, and what a process starts with; at least 1.
    pub burst: u32,
}

/// One who asks to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Newcomer {
    /// Those that were let in and have not ended, without him.
    pub in_flight: u32,
    /// How important he is: 9 goes first, 0 last.
    pub priority: u8,
    /// The number in (0, 1) that belongs to him.
    pub uniform: f64,
}

/// One who was let in, and is through.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// How long he was in: from the arrival, the wait for a thread included.
    pub rtt: Span,
    /// Those that were in when he was let in, with him.
    pub in_flight: u32,
    /// As of [`Newcomer`].
    pub priority: u8,
    /// How he ended.
    pub outcome: Outcome,
}

/// What the limits of Netflix take for a sign of too much: nobody could serve it, or not in time. An error says nothing
/// about load, and is passed over, as is what was withdrawn.
const DROPPED: Outcomes = Outcomes::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Refused, Outcome::Expired]);

/// What the kernel asks and tells a limiter. One per server replica; in a client one per caller replica and callee.
pub trait Limiter: Send {
    /// A request has arrived: is it let in?
    fn admit(&mut self, now: Time, newcomer: &Newcomer) -> bool;

    /// One that was let in has ended. Told only if [`Limiter::counts`].
    fn ended(&mut self, _now: Time, _ended: &Ended) {}

    /// Whether it wants to know how many are in, and how they end.
    fn counts(&self) -> bool {
        true
    }

    /// How many may be in at a time, if that is what it limits.
    fn limit(&self) -> Option<u32> {
        None
    }
}

/// The limiter of one replica: a built-in one without indirection, or one of a library user's own.
pub enum AnyLimiter {
    /// At a constant rate.
    TokenBucket(TokenBucket),
    /// So many at a time.
    Concurrency(Box<Concurrency>),
    /// By the share that fails.
    Admission(Box<Admission>),
    /// Anything else.
    Custom(Box<dyn Limiter>),
}

impl AnyLimiter {
    /// The built-in limiter for `settings`, as a process starts with it at `now`. `stream` is its own.
    pub fn from_settings(settings: &LimitSettings, now: Time, stream: Stream) -> AnyLimiter {
        match settings {
            LimitSettings::Rate(settings) => AnyLimiter::TokenBucket(TokenBucket::new(settings)),
            LimitSettings::Concurrency(settings) => {
                AnyLimiter::Concurrency(Box::new(Concurrency::new(settings, now, stream)))
            }
            LimitSettings::Admission(settings) => AnyLimiter::Admission(Box::new(Admission::new(settings))),
        }
    }
}

impl Limiter for AnyLimiter {
    #[inline]
    fn admit(&mut self, now: Time, newcomer: &Newcomer) -> bool {
        match self {
            AnyLimiter::TokenBucket(bucket) => bucket.admit(now, newcomer),
            AnyLimiter::Concurrency(limiter) => limiter.admit(now, newcomer),
            AnyLimiter::Admission(limiter) => limiter.admit(now, newcomer),
            AnyLimiter::Custom(limiter) => limiter.admit(now, newcomer),
        }
    }

    fn ended(&mut self, now: Time, ended: &Ended) {
        match self {
            AnyLimiter::TokenBucket(_) => {}
            AnyLimiter::Concurrency(limiter) => limiter.ended(now, ended),
            AnyLimiter::Admission(limiter) => limiter.ended(now, ended),
            AnyLimiter::Custom(limiter) => limiter.ended(now, ended),
        }
    }

    #[inline]
    fn counts(&self) -> bool {
        match self {
            AnyLimiter::TokenBucket(_) => false,
            AnyLimiter::Concurrency(_) | AnyLimiter::Admission(_) => true,
            AnyLimiter::Custom(limiter) => limiter.counts(),
        }
    }

    #[inline]
    fn limit(&self) -> Option<u32> {
        match self {
            AnyLimiter::TokenBucket(_) | AnyLimiter::Admission(_) => None,
            AnyLimiter::Concurrency(limiter) => limiter.limit(),
            AnyLimiter::Custom(limiter) => limiter.limit(),
        }
    }
}
