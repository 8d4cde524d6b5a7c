//! Where the policies of a client are asked. Its order says how they stand around a call; most stand as resilience4j has
//! them, and then throttle and breaker are asked at once before each attempt, without a gate. What stands elsewhere is a
//! layer of the client's gate.

use super::Client;
use crate::policy::order::Layer;

/// Where a breaker is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerPlace {
    /// Before each attempt, in front of all but the throttle.
    Attempts,
    /// Before each call, in front of everything.
    Calls,
    /// In the gate.
    Gate,
}

/// The layers of a client: what is asked where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layers {
    /// Those of the gate, outermost first; none if the client needs none.
    pub of_gate: Vec<Layer>,
    /// How many of these stand around the call; the rest around each attempt.
    pub calls: usize,
    /// Where its breaker is asked.
    pub breaker: BreakerPlace,
    /// Whether the throttle is asked in the gate.
    pub throttle_in_gate: bool,
    /// Whether the client's timeout is that of the call with all its attempts.
    pub times_calls: bool,
}

impl Layers {
    /// Of this client.
    pub fn new(client: &Client) -> Layers {
        let is_there = |layer: &Layer| match layer {
            Layer::Retry => false,
            // Where they would stand counts, for they may come while it runs.
            Layer::Throttle | Layer::Breaker | Layer::Timeout => true,
            Layer::RateLimit => client.rate_limit.is_some(),
            Layer::Bulkhead => client.bulkhead.is_some(),
            Layer::Limit => client.limit.is_some(),
        };
        let of = |layers: &[Layer]| layers.iter().copied().filter(is_there).collect::<Vec<_>>();
        let mut calls = of(client.order.around_calls());
        let mut attempts = of(client.order.around_attempts());
        // Hedges have their patience with the call anyway.
        if client.hedge.is_some() && calls.last() == Some(&Layer::Timeout) {
            calls.pop();
        }
        let mut breaker = BreakerPlace::Gate;
        if calls.first() == Some(&Layer::Breaker) {
            breaker = BreakerPlace::Calls;
            calls.remove(0);
        }
        let throttle_in_gate = attempts.first() != Some(&Layer::Throttle);
        if !throttle_in_gate {
            attempts.remove(0);
        }
        if attempts.first() == Some(&Layer::Breaker) {
            breaker = BreakerPlace::Attempts;
            attempts.remove(0);
        }
        let is_set = |layer: &Layer| match layer {
            Layer::Throttle => client.throttle.is_some(),
            Layer::Breaker => client.breaker.is_some(),
            _ => true,
        };
        calls.retain(is_set);
        attempts.retain(is_set);
        let times_calls = calls.contains(&Layer::Timeout);
        // Whatever the client's own timeout is, attempts end with their call and with the deadlines that they were told.
        if !attempts.contains(&Layer::Timeout) {
            let behind_rate_limit = attempts.iter().position(|layer| *layer == Layer::RateLimit).map(|place| place + 1);
            attempts.insert(behind_rate_limit.unwrap_or(0), Layer::Timeout);
        }
        let is_needed = !calls.is_empty() || attempts != [Layer::Timeout];
        let (around_calls, of_gate) = (calls.len(), if is_needed { [calls, attempts].concat() } else { Vec::new() });
        Layers { of_gate, calls: around_calls, breaker, throttle_in_gate, times_calls }
    }
}
