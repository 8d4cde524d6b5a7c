//! One after the other: every client instance starts somewhere else, or all of them would march in step.

use crate::base::random::Stream;

use super::{Balancer, Fleet, any};

/// Goes around by replica numbers, so that a replica that leaves or comes back does not shift the others' turns.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    /// The number whose turn it is; none before the first pick.
    next: Option<u32>,
}

impl Balancer for RoundRobin {
    #[inline]
    fn pick(&mut self, fleet: &Fleet, _key: Option<u32>, stream: &mut Stream) -> u32 {
        let up = fleet.up.as_slice();
        let picked = match self.next {
            None => any(up, stream),
            // As long as all replicas are up, each stands at its own number.
            Some(next) if up.get(next as usize) == Some(&next) => next,
            Some(next) => {
                let place = up.partition_point(|replica| *replica < next);
                up.get(place).copied().unwrap_or(up[0])
            }
        };
        self.next = Some(picked + 1);
        picked
    }

    fn started(&mut self, _replica: u32) {}

    fn ended(&mut self, _replica: u32) {}
}
