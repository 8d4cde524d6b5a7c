//! A port: what one replica of a caller knows of one service through one client, which is the state of the client's
//! policies: balancer, retries, breaker, throttle, hedges, connections, and the gate that its attempts pass.

use crate::model::{BreakerPlace, Client, Layers};
use crate::policy::Outcomes;
use crate::policy::balance::AnyBalancer;
use crate::policy::breaker::{AnyBreaker, Breaker, BreakerState};
use crate::policy::hedge::AnyHedge;
use crate::policy::retry::AnyRetry;
use crate::policy::throttle::AnyThrottle;

use super::choosing::Sieve;
use super::gate::{Gate, breaker_state};
use super::transport::Line;

/// What one caller replica knows about one callee service through one client.
pub(super) struct Port {
    pub(super) balancer: AnyBalancer,
    pub(super) retry: Option<AnyRetry>,
    /// Before each attempt.
    pub(super) breaker: Option<AnyBreaker>,
    /// Before the call with all its attempts. Boxed: few clients have one.
    pub(super) call_breaker: Option<Box<AnyBreaker>>,
    /// What breakers ignore.
    pub(super) ignored: Outcomes,
    /// Boxed: few clients have one, and ports are many.
    pub(super) throttle: Option<Box<AnyThrottle>>,
    /// Boxed for the same reason.
    pub(super) hedge: Option<Box<AnyHedge>>,
    /// Boxed for the same reason; set when the world is made, and kept when the process starts anew.
    pub(super) line: Option<Box<Line>>,
    /// Who may be picked, if it is not all. Boxed for the same reason.
    pub(super) sieve: Option<Box<Sieve>>,
    /// What attempts wait for. Boxed for the same reason.
    pub(super) gate: Option<Box<Gate>>,
    /// Whether no policy but its breaker wants to hear of attempts that do not fail, and only the breaker may refuse them:
    /// most ports are so, and are asked this alone. See [`Port::settle`].
    pub(super) is_quiet: bool,
}

impl Port {
    /// Of a process that has just started, to which all that are up are open.
    pub(super) fn new(client: &Client) -> Port {
        let layers = Layers::new(client);
        let (breaker, call_breaker) = breakers(client, &layers);
        Port {
            balancer: AnyBalancer::from_settings(client.balance),
            retry: client.retry.as_ref().map(AnyRetry::from_settings),
            breaker,
            call_breaker,
            ignored: client.breaker.as_ref().map_or(Outcomes::NONE, |breaker| breaker.ignore),
            throttle: throttle(client, &layers).map(Box::new),
            hedge: client.hedge.as_ref().map(|settings| Box::new(AnyHedge::from_settings(settings))),
            line: None,
            sieve: None,
            gate: None,
            is_quiet: false,
        }
    }

    /// Sums up what has changed of it.
    pub(super) fn settle(&mut self) {
        let listens = self.balancer.listens() || self.retry.as_ref().is_some_and(AnyRetry::listens);
        self.is_quiet = !listens && self.throttle.is_none() && self.sieve.is_none() && self.gate.is_none();
    }

    /// Whether calls have something to pass before their first attempt.
    #[inline]
    pub(super) fn gates_calls(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.stands_around_calls())
    }

    /// How its breaker is, wherever it stands.
    pub(super) fn breaker_state(&self) -> Option<BreakerState> {
        let in_front = self.breaker.as_ref().or(self.call_breaker.as_deref());
        in_front.map(Breaker::state).or_else(|| breaker_state(self.gate.as_deref()))
    }

    /// Its connections; its client has a transport.
    #[inline]
    pub(super) fn line(&mut self) -> &mut Line {
        self.line.as_mut().expect("a port whose client has a transport has a line")
    }
}

/// A client's breaker if it stands in front of its attempts, or of its calls.
pub(super) fn breakers(client: &Client, layers: &Layers) -> (Option<AnyBreaker>, Option<Box<AnyBreaker>>) {
    let new = |place: BreakerPlace| {
        client.breaker.as_ref().filter(|_| layers.breaker == place).map(AnyBreaker::from_settings)
    };
    (new(BreakerPlace::Attempts), new(BreakerPlace::Calls).map(Box::new))
}

/// A client's throttle if it stands in front of its attempts.
pub(super) fn throttle(client: &Client, layers: &Layers) -> Option<AnyThrottle> {
    client.throttle.as_ref().filter(|_| !layers.throttle_in_gate).map(AnyThrottle::from_settings)
}
