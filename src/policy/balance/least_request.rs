//! The better of two random replicas, by what this client itself has outstanding there: Envoy's least-request
//! balancer with equal weights (`LeastRequestLoadBalancer`, N choices, N = 2).

use crate::base::random::Stream;

use super::{Balancer, Fleet, any};

/// Knows only its own calls, as a real client does.
#[derive(Clone, Debug, Default)]
pub struct LeastRequest {
    /// Calls of this client by replica number; beyond its end there are none.
    outstanding: Vec<u32>,
}

impl LeastRequest {
    /// The one of two drawn replicas with fewer calls outstanding; the first wins a tie.
    #[inline]
    pub fn better(&self, first: u32, second: u32) -> u32 {
        if self.outstanding(second) < self.outstanding(first) { second } else { first }
    }

    #[inline]
    fn outstanding(&self, replica: u32) -> u32 {
        self.outstanding.get(replica as usize).copied().unwrap_or(0)
    }
}

impl Balancer for LeastRequest {
    #[inline]
    fn pick(&mut self, fleet: &Fleet, _key: Option<u32>, stream: &mut Stream) -> u32 {
        // With replacement: the same one may be drawn twice.
        let first = any(&fleet.up, stream);
        let second = any(&fleet.up, stream);
        self.better(first, second)
    }

    #[inline]
    fn started(&mut self, replica: u32) {
        let place = replica as usize;
        if place >= self.outstanding.len() {
            self.outstanding.resize(place + 1, 0);
        }
        self.outstanding[place] += 1;
    }

    #[inline]
    fn ended(&mut self, replica: u32) {
        let calls = self.outstanding.get_mut(replica as usize);
        debug_assert!(calls.as_ref().is_some_and(|calls| **calls > 0), "an attempt ends after it started");
        if let Some(calls) = calls {
            *calls = calls.saturating_sub(1);
        }
    }
}
