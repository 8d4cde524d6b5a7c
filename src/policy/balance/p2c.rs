//! The power of two choices: of two different random replicas the one to which this client has fewer calls outstanding
//! (finagle's `p2c` with the load of `leastLoaded`). It knows no weights.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer, Outstanding, two};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct PowerOfTwo {
    outstanding: Outstanding,
}

impl Balancer for PowerOfTwo {
    #[inline(never)]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        let (first, second) = two(ask.up, stream);
        if self.outstanding.of(second) < self.outstanding.of(first) { second } else { first }
    }

    fn started(&mut self, replica: u32) {
        self.outstanding.started(replica);
    }

    fn ended(&mut self, _now: Time, replica: u32, _rtt: Span, _outcome: Outcome) {
        self.outstanding.ended(replica);
    }
}
