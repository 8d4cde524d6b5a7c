//! Hedges: when a call that has no answer yet is sent a second time. Which answer wins, and what becomes of the others,
//! is the kernel's to know.

mod presets;
mod recent;
mod throttled;

use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::Outcomes;
use crate::policy::retry::RetryThrottleSettings;

pub use presets::PRESETS;
pub use recent::RecentQuantile;
pub use throttled::ThrottledHedge;

/// A client's hedging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeSettings {
    /// How long the latest attempt goes without an answer before the next one is sent.
    pub after: HedgeDelay,
    /// Attempts of a call at most, the first included; at least 2.
    pub attempts: u32,
    /// Failures that another attempt may heal; any other ends the call.
    pub on: Outcomes,
    /// How failures stop all hedges, as they stop gRPC's retries.
    pub throttle: Option<RetryThrottleSettings>,
}

/// How long a hedge waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeDelay {
    /// Always as long; zero sends all at once.
    Fixed(Span),
    /// As long as this share of the client's recent good answers took at most; below 1.
    Quantile(Share),
}

/// What the kernel tells and asks a client's hedging. One per caller replica and callee service.
pub trait Hedge: Send {
    /// How long to wait before the next attempt is sent; `None` sends none.
    fn delay(&self) -> Option<Span>;

    /// A call was answered well, so long after its first attempt was sent.
    fn answered(&mut self, latency: Span);

    /// An attempt has failed in a way that another one may heal.
    fn failed(&mut self) {}

    /// May a call that has sent an attempt send another one now?
    fn permits(&self) -> bool {
        true
    }
}

/// The hedging of one client instance: a built-in one without indirection, or one of a library user's own.
pub enum AnyHedge {
    /// [`HedgeDelay::Fixed`].
    Fixed(Span),
    /// [`HedgeDelay::Quantile`].
    Recent(RecentQuantile),
    /// Either, as long as not too many attempts fail.
    Throttled(ThrottledHedge),
    /// Anything else.
    Custom(Box<dyn Hedge>),
}

impl AnyHedge {
    /// The built-in hedging for `settings`, which has seen no answer yet.
    pub fn from_settings(settings: &HedgeSettings) -> AnyHedge {
        let hedge = match settings.after {
            HedgeDelay::Fixed(delay) => AnyHedge::Fixed(delay),
            HedgeDelay::Quantile(share) => AnyHedge::Recent(RecentQuantile::new(share)),
        };
        match settings.throttle {
            Some(throttle) => AnyHedge::Throttled(ThrottledHedge::new(hedge, throttle)),
            None => hedge,
        }
    }
}

impl Hedge for AnyHedge {
    fn delay(&self) -> Option<Span> {
        match self {
            AnyHedge::Fixed(delay) => Some(*delay),
            AnyHedge::Recent(recent) => recent.delay(),
            AnyHedge::Throttled(hedge) => hedge.delay(),
            AnyHedge::Custom(hedge) => hedge.delay(),
        }
    }

    fn answered(&mut self, latency: Span) {
        match self {
            AnyHedge::Fixed(_) => {}
            AnyHedge::Recent(recent) => recent.answered(latency),
            AnyHedge::Throttled(hedge) => hedge.answered(latency),
            AnyHedge::Custom(hedge) => hedge.answered(latency),
        }
    }

    fn failed(&mut self) {
        match self {
            AnyHedge::Fixed(_) | AnyHedge::Recent(_) => {}
            AnyHedge::Throttled(hedge) => hedge.failed(),
            AnyHedge::Custom(hedge) => hedge.failed(),
        }
    }

    fn permits(&self) -> bool {
        match self {
            AnyHedge::Fixed(_) | AnyHedge::Recent(_) => true,
            AnyHedge::Throttled(hedge) => hedge.permits(),
            AnyHedge::Custom(hedge) => hedge.permits(),
        }
    }
}
