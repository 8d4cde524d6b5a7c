//! Views: which replicas of a callee a client sees, where its outlier detection hides some of them from its balancer.

use crate::base::random::{Key, Stream};
use crate::base::time::Time;
use crate::policy::balance::{AnyBalancer, Balancer, Fleet};
use crate::policy::outlier::{AnyOutlier, Outlier, OutlierSettings};

/// What one caller replica's client sees of one callee.
pub(super) struct View {
    pub(super) outlier: AnyOutlier,
    /// Those that it saw last, or room for them.
    seen: Vec<u32>,
}

impl View {
    /// Of a process that has just started, which sees all.
    pub(super) fn new(settings: &OutlierSettings, key: Key) -> View {
        View { outlier: AnyOutlier::from_settings(settings, key), seen: Vec::new() }
    }

    /// What `balancer` picks among the replicas that it sees; `None` when that is none.
    #[inline(never)]
    pub(super) fn pick(
        &mut self,
        now: Time,
        balancer: &mut AnyBalancer,
        fleet: &mut Fleet,
        key: Option<u32>,
        picks: &mut Stream,
    ) -> Option<u32> {
        let picked = match self.outlier.sight(now, &fleet.up) {
            None => balancer.pick(fleet, key, picks),
            Some([]) => return None,
            Some(seen) => {
                self.seen.clear();
                self.seen.extend_from_slice(seen);
                // The balancer sees no others for the moment of its choice.
                std::mem::swap(&mut self.seen, &mut fleet.up);
                let picked = balancer.pick(fleet, key, picks);
                std::mem::swap(&mut self.seen, &mut fleet.up);
                picked
            }
        };
        self.outlier.started(now, picked);
        Some(picked)
    }
}
