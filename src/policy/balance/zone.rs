//! Zone-aware routing as Envoy does it (`zone_aware_lb`): calls stay in the caller's zone as far as it has its share of the
//! replicas; what is too much for it goes to zones that have more replicas than callers.

use crate::base::random::Stream;

/// Fewer replicas are not routed by zone: Envoy's `min_cluster_size`.
const REPLICAS_MIN: u32 = 6;

/// Where the calls from one zone go.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneShares {
    /// The part that stays.
    pub local: f64,
    /// Each other zone, with the sum of what it and those before it can take.
    residual: Vec<(u32, f64)>,
}

impl ZoneShares {
    /// `callers` and `replicas` hold how many there are, by zone. `None` where zones do not matter: there are few
    /// replicas, or the caller's zone has none of them.
    pub fn new(callers: &[u32], replicas: &[u32], zone: u32) -> Option<ZoneShares> {
        let sum = |counts: &[u32]| counts.iter().sum::<u32>();
        let (all_callers, all_replicas) = (sum(callers), sum(replicas));
        let here = zone as usize;
        let at = |counts: &[u32], zone: usize| counts.get(zone).copied().unwrap_or(0);
        let spread = replicas.iter().filter(|count| **count > 0).count();
        if all_replicas < REPLICAS_MIN || all_callers == 0 || spread < 2 || at(replicas, here) == 0 {
            return None;
        }
        let share = |counts: &[u32], zone, all: u32| f64::from(at(counts, zone)) / f64::from(all);
        let (of_callers, of_replicas) = (share(callers, here, all_callers), share(replicas, here, all_replicas));
        if of_replicas >= of_callers {
            return Some(ZoneShares { local: 1.0, residual: Vec::new() });
        }
        let mut total = 0.0;
        let others = (0..replicas.len()).filter(|other| *other != here).filter_map(|other| {
            let left = share(replicas, other, all_replicas) - share(callers, other, all_callers);
            (left > 0.0).then(|| {
                total += left;
                (other as u32, total)
            })
        });
        Some(ZoneShares { residual: others.collect(), local: of_replicas / of_callers })
    }

    /// Where the next call goes; `zone` is the caller's.
    pub fn pick(&self, zone: u32, stream: &mut Stream) -> u32 {
        let Some(&(last, total)) = self.residual.last().filter(|_| self.local < 1.0) else { return zone };
        if stream.uniform() < self.local {
            return zone;
        }
        let draw = stream.uniform() * total;
        self.residual.iter().find(|(_, until)| draw < *until).map_or(last, |(zone, _)| *zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_keeps_what_it_has_replicas_for() {
        // The example of Envoy's documentation: as many of both everywhere, and all stays.
        assert_eq!(ZoneShares::new(&[3, 3, 3], &[3, 3, 3], 0).map(|shares| shares.local), Some(1.0));
        // Half of the callers, a quarter of the replicas: half of the calls go elsewhere, where replicas are left over.
        let shares = ZoneShares::new(&[4, 2, 2], &[2, 4, 2], 0).expect("eight replicas in three zones");
        assert_eq!((shares.local, shares.residual), (0.5, vec![(1, 0.25)]));
        assert_eq!(ZoneShares::new(&[1, 1], &[2, 3], 0), None, "too few replicas");
    }
}
