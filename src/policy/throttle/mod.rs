//! Throttles of a client: which requests it does not even send, because too many before were turned away. What it
//! holds back costs its callee nothing.

mod adaptive;

use crate::base::time::{Span, Time};

pub use adaptive::AdaptiveThrottle;

/// A client's throttle: the adaptive one of Google's SRE book.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleSettings {
    /// Requests that may go for each one that is accepted; at least 1.
    pub multiplier: f64,
    /// Over which time both are counted; not zero.
    pub window: Span,
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
