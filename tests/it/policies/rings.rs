//! The ring of hashes: who gets which keys, how evenly, and whose keys move when somebody goes.

use brownout::base::random::Stream;
use brownout::base::time::Time;
use brownout::policy::balance::{AnyBalancer, Ask, Balance, Balancer, Fleet, Ring};

/// The replica of each of the first `keys` keys.
fn owners(replicas: u32, up: &[u32], keys: u32) -> Vec<u32> {
    let fleet = Fleet { ring: Ring::new(replicas), ..Fleet::default() };
    let mut stream = Stream::new(1, "rings");
    let mut pick = |key| {
        // Every client is as good as any other.
        let mut balancer = AnyBalancer::from_settings(Balance::RingHash);
        balancer.pick(&Ask { now: Time::ZERO, up, fleet: &fleet, key: Some(key) }, &mut stream)
    };
    (0..keys).map(&mut pick).collect()
}

fn shares(owners: &[u32], replicas: u32) -> Vec<f64> {
    let count = |replica| owners.iter().filter(|owner| **owner == replica).count();
    (0..replicas).map(|replica| count(replica) as f64 / owners.len() as f64).collect()
}

/// Ten replicas stand on their ring at 1030 random places, 103 each. A replica's share of the ring is the sum of 103
/// of the arcs between them, Beta(103, 927): mean 10%, standard deviation √(0.1 × 0.9 ÷ 1031) = 0.93%.
#[test]
fn ten_replicas_get_what_a_ring_of_1024_gives() {
    let shares = shares(&owners(10, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 200_000), 10);
    // Three and a half standard deviations: one of ten is further off once in two hundred rings.
    assert!(shares.iter().all(|share| (share - 0.1).abs() < 0.033), "{shares:?}");
    // The sum of ten squares in standard deviations is about χ² with nine degrees of freedom: 0.1% are below 1.15.
    let spread: f64 = shares.iter().map(|share| ((share - 0.1) / 0.0093) * ((share - 0.1) / 0.0093)).sum();
    assert!(spread > 1.15, "a ring is not as even as that: {shares:?}");
}

#[test]
fn a_key_always_goes_to_the_same_replica() {
    let all: Vec<u32> = (0..7).collect();
    assert_eq!(owners(7, &all, 10_000), owners(7, &all, 10_000));
}

#[test]
fn when_a_replica_goes_only_its_keys_move_and_they_spread() {
    let all: Vec<u32> = (0..10).collect();
    let before = owners(10, &all, 50_000);
    for gone in [0, 4, 9] {
        let rest: Vec<u32> = all.iter().copied().filter(|replica| *replica != gone).collect();
        let after = owners(10, &rest, 50_000);
        assert!(after.iter().all(|owner| *owner != gone));
        let moved: Vec<u32> =
            before.iter().zip(&after).filter(|(before, after)| before != after).map(|(_, after)| *after).collect();
        assert_eq!(moved.len(), before.iter().filter(|owner| **owner == gone).count());
        // To each of the nine others, not to a neighbour alone.
        let most = shares(&moved, 10).into_iter().fold(0.0, f64::max);
        assert!(rest.iter().all(|replica| moved.contains(replica)) && most < 0.3, "{most}");
    }
    // With one left, all is his.
    assert!(owners(10, &[3], 1000).iter().all(|owner| *owner == 3));
}

/// What consistent hashing is for: another replica takes its share, and nobody else's keys move among the others.
#[test]
fn a_replica_more_takes_keys_and_moves_no_others() {
    // 1024 ÷ 8 to 1024 ÷ 9 is a ring of other entries; from 2000 on each replica stands on it once.
    let before = owners(2000, &(0..2000).collect::<Vec<_>>(), 50_000);
    let after = owners(2001, &(0..2001).collect::<Vec<_>>(), 50_000);
    assert!(before.iter().zip(&after).all(|(before, after)| before == after || *after == 2000));
}

/// The same places on every platform.
#[test]
fn owners_stay_where_they_are() {
    assert_eq!(owners(10, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 12), [2, 7, 7, 5, 3, 4, 5, 0, 9, 3, 5, 9]);
}
