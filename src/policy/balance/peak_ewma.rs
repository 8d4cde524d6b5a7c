//! The power of two choices by peak latency, as finagle and linkerd do it (`PeakEwma`): a replica's cost is its latency,
//! which jumps up at once and sinks by a mean with a decay of ten seconds, times its calls outstanding and one. One
//! that was never heard of is worth a try, but not two at a time.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer, two};

/// finagle's `decayTime`, and linkerd's.
const DECAY: Span = Span::from_secs(10);
/// What one costs that has not answered yet, and was asked.
const PENALTY: f64 = f64::MAX / 2.0;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct PeakEwma {
    replicas: Vec<Load>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    cost_nanos: f64,
    at: Time,
    pending: u32,
}

impl Load {
    fn observe(&mut self, now: Time, rtt_nanos: f64) {
        if rtt_nanos > self.cost_nanos {
            self.cost_nanos = rtt_nanos;
        } else {
            let passed = now.since(self.at).as_nanos() as f64 / DECAY.as_nanos() as f64;
            let kept = libm::exp(-passed);
            self.cost_nanos = self.cost_nanos * kept + rtt_nanos * (1.0 - kept);
        }
        self.at = now;
    }

    fn load(&mut self, now: Time) -> f64 {
        self.observe(now, 0.0);
        let pending = f64::from(self.pending);
        if self.cost_nanos == 0.0 && self.pending > 0 { PENALTY + pending } else { self.cost_nanos * (pending + 1.0) }
    }
}

impl PeakEwma {
    fn of(&mut self, replica: u32) -> &mut Load {
        let place = replica as usize;
        if place >= self.replicas.len() {
            self.replicas.resize(place + 1, Load::default());
        }
        &mut self.replicas[place]
    }
}

impl Balancer for PeakEwma {
    #[inline(never)]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        let (first, second) = two(ask.up, stream);
        if self.of(second).load(ask.now) < self.of(first).load(ask.now) { second } else { first }
    }

    fn started(&mut self, replica: u32) {
        self.of(replica).pending += 1;
    }

    fn ended(&mut self, now: Time, replica: u32, rtt: Span, _outcome: Outcome) {
        let load = self.of(replica);
        load.observe(now, rtt.as_nanos() as f64);
        load.pending = load.pending.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_counts_at_once_and_is_forgotten_slowly() {
        let mut load = Load::default();
        let secs = |secs| Time::ZERO + Span::from_secs(secs);
        load.observe(secs(1), 1e6);
        assert_eq!(load.cost_nanos, 1e6);
        load.observe(secs(1), 5e8);
        assert_eq!(load.cost_nanos, 5e8, "the peak");
        load.observe(secs(11), 1e6);
        // e⁻¹ of the peak and the rest of what is new.
        assert!((load.cost_nanos - (5e8 * 0.367_879_441 + 1e6 * 0.632_120_559)).abs() < 1.0);
    }

    #[test]
    fn who_has_never_answered_is_asked_once() {
        let mut load = Load::default();
        assert_eq!(load.load(Time::ZERO), 0.0);
        load.pending = 1;
        assert!(load.load(Time::ZERO) > 1e300);
    }
}
