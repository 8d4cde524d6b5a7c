//! Deterministic subsetting (Site Reliability Engineering, 2016, chapter 20): each client knows only some of the
//! replicas. Clients are taken in rounds; in each, the replicas are shuffled anew and dealt out, so that every one gets
//! as many clients as the others.

use crate::base::random::Key;

/// The replicas, ascending, of client number `client`, of `replicas` in all.
pub fn subset(seed: u64, name: &str, replicas: u32, size: u32, client: u32) -> Vec<u32> {
    if size >= replicas {
        return (0..replicas).collect();
    }
    let subsets = replicas / size;
    let mut draws = Key::root(seed, name).child(u64::from(client / subsets)).draws();
    let mut shuffled: Vec<u32> = (0..replicas).collect();
    for last in (1..shuffled.len()).rev() {
        let other = (draws.next_uniform() * (last + 1) as f64) as usize;
        shuffled.swap(last, other.min(last));
    }
    let start = (client % subsets * size) as usize;
    let mut subset = shuffled[start..start + size as usize].to_vec();
    subset.sort_unstable();
    subset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_clients_deals_all_replicas_out() {
        for round in 0..3 {
            let mut dealt: Vec<u32> = (0..4).flat_map(|n| subset(1, "a", 12, 3, round * 4 + n)).collect();
            dealt.sort_unstable();
            assert_eq!(dealt, (0..12).collect::<Vec<_>>());
        }
        assert_ne!(subset(1, "a", 12, 3, 0), subset(1, "a", 12, 3, 4), "each round is another deal");
        assert_eq!(subset(1, "a", 2, 3, 9), [0, 1], "there are no more");
    }
}
