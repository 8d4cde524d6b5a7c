//! The better of two random replicas, by what this client itself has outstanding there: Envoy's least-request
//! balancer (`LeastRequestLoadBalancer`, N choices, N = 2). Where weights differ it does not draw: each replica gets its
//! turns by its weight over its calls and one.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer, EarliestDeadline, Outstanding, any};

/// Envoy's weight of a host that has `active` calls: `weight / (active + 1)^bias`.
pub fn weighted_load(weight: f64, active: u32, bias: f64) -> f64 {
    if bias == 1.0 {
        return weight / (f64::from(active) + 1.0);
    }
    weight / libm::pow(f64::from(active) + 1.0, bias)
}

/// Knows only its own calls, as a real client does.
#[derive(Clone, Debug, Default)]
pub struct LeastRequest {
    outstanding: Outstanding,
    turns: EarliestDeadline,
}

impl LeastRequest {
    /// The one of two drawn replicas with fewer calls outstanding; the first wins a tie.
    #[inline]
    pub fn better(&self, first: u32, second: u32) -> u32 {
        if self.outstanding.of(second) < self.outstanding.of(first) { second } else { first }
    }
}

impl Balancer for LeastRequest {
    #[inline]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        if ask.fleet.is_weighted(ask.now, ask.up) {
            let outstanding = &self.outstanding;
            let weight = |it| weighted_load(ask.fleet.weight(ask.now, it), outstanding.of(it), 1.0);
            return self.turns.pick(ask.up, weight);
        }
        // With replacement: the same one may be drawn twice.
        let first = any(ask.up, stream);
        let second = any(ask.up, stream);
        self.better(first, second)
    }

    #[inline]
    fn started(&mut self, replica: u32) {
        self.outstanding.started(replica);
    }

    #[inline]
    fn ended(&mut self, _now: Time, replica: u32, _rtt: Span, _outcome: Outcome) {
        self.outstanding.ended(replica);
    }
}
