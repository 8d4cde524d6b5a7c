//! One after the other: every client instance starts somewhere else, or all of them would march in step. Where weights
//! differ it is nginx's smooth weighted round robin, whose turns are spread as evenly as weights allow.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer, Fleet, SmoothWeighted, any};

/// Goes around by replica numbers, so that a replica that leaves or comes back does not shift the others' turns.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    /// The number whose turn it is; none before the first pick.
    next: Option<u32>,
    /// Boxed: few services have weights.
    weighted: Option<Box<SmoothWeighted>>,
}

impl RoundRobin {
    /// The next one, where it is the one whose turn it is, or the first after the last: what [`Balancer::pick`] finds
    /// too, with less to look at. `None` where there is more to look at.
    #[inline(always)]
    pub fn pick_at_once(&mut self, fleet: &Fleet) -> Option<u32> {
        let (up, next) = (fleet.up.as_slice(), self.next?);
        if !fleet.weights.is_empty() || fleet.slow_start.is_some() {
            return None;
        }
        let picked = match up.get(next as usize) {
            Some(&replica) => (replica == next).then_some(next)?,
            None => (*up.last()? < next).then(|| up[0])?,
        };
        self.next = Some(picked + 1);
        Some(picked)
    }

    #[inline(never)]
    fn pick_by_weight(&mut self, ask: &Ask<'_>) -> u32 {
        let weighted = self.weighted.get_or_insert_default();
        weighted.pick(ask.up, |replica| ask.fleet.weight(ask.now, replica))
    }
}

impl Balancer for RoundRobin {
    #[inline]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        let up = ask.up;
        if ask.fleet.is_weighted(ask.now, up) {
            return self.pick_by_weight(ask);
        }
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

    #[inline]
    fn ended(&mut self, _now: Time, _replica: u32, _rtt: Span, _outcome: Outcome) {}
}
