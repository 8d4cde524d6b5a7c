//! Balancers: whom they pick, how evenly, and whom never.

use brownout::base::random::Stream;
use brownout::base::time::{Span, Time};
use brownout::policy::Outcome;
use brownout::policy::balance::{AnyBalancer, Ask, Balance, Balancer, Fleet, Maglev, Ring};
use proptest::prelude::*;

fn stream(name: &str) -> Stream {
    Stream::new(1, name)
}

/// What `balancer` picks for a request without a key.
fn pick(balancer: &mut AnyBalancer, up: &[u32], in_system: &[u32], stream: &mut Stream) -> u32 {
    let fleet = Fleet { in_system: in_system.into(), ..Fleet::default() };
    balancer.pick(&Ask { now: Time::ZERO, up, fleet: &fleet, key: None }, stream)
}

/// How often each of `replicas` is picked in `picks` picks that all end at once.
fn counts(balance: Balance, replicas: u32, picks: u32) -> Vec<u32> {
    let up: Vec<u32> = (0..replicas).collect();
    let in_system = vec![0; replicas as usize];
    let mut balancer = AnyBalancer::from_settings(balance);
    let mut stream = stream("counts");
    let mut counts = vec![0; replicas as usize];
    for _ in 0..picks {
        let picked = pick(&mut balancer, &up, &in_system, &mut stream);
        counts[picked as usize] += 1;
        balancer.started(picked);
        balancer.ended(Time::ZERO, picked, Span::ZERO, Outcome::Ok);
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_replicas_that_are_up_are_picked(
        ups in proptest::collection::vec(proptest::collection::btree_set(0u32..12, 1..12), 1..60),
        in_system in proptest::collection::vec(0u32..4, 12),
        seed in any::<u64>(),
    ) {
        let all: Vec<(u32, u32)> = (0..12).map(|replica| (replica, 1)).collect();
        let mut fleet = Fleet { in_system, ring: Ring::new(12), maglev: Maglev::new(&all), ..Fleet::default() };
        for balance in Balance::ALL {
            let mut balancer = AnyBalancer::from_settings(balance);
            let mut stream = Stream::new(seed, "picks");
            let mut running = Vec::new();
            for (n, up) in ups.iter().enumerate() {
                fleet.up = up.iter().copied().collect();
                let key = (n % 3 > 0).then_some(n as u32);
                let picked = balancer.pick(&Ask { now: Time::ZERO, up: &fleet.up, fleet: &fleet, key }, &mut stream);
                prop_assert!(up.contains(&picked), "{:?} picked {} of {:?}", balance, picked, up);
                if balance == Balance::JoinShortest {
                    let least = up.iter().map(|replica| fleet.in_system[*replica as usize]).min();
                    prop_assert_eq!(Some(fleet.in_system[picked as usize]), least);
                }
                balancer.started(picked);
                running.push(picked);
                if running.len() > 5 {
                    balancer.ended(Time::ZERO, running.remove(0), Span::ZERO, Outcome::Ok);
                }
            }
        }
    }
}

#[test]
fn round_robin_goes_around_from_a_random_start() {
    let up = [0, 1, 2, 3, 4];
    let mut stream = stream("starts");
    let mut starts = [0; 5];
    for _ in 0..1000 {
        let mut balancer = AnyBalancer::from_settings(Balance::RoundRobin);
        let picks: Vec<u32> = (0..11).map(|_| pick(&mut balancer, &up, &[0; 5], &mut stream)).collect();
        assert!(picks.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 5), "{picks:?}");
        starts[picks[0] as usize] += 1;
    }
    // 200 expected, standard deviation 12.6: five of them.
    assert!(starts.iter().all(|starts| (137..=263).contains(starts)), "{starts:?}");
}

#[test]
fn round_robin_passes_over_who_is_down_and_keeps_the_others_turns() {
    let mut balancer = AnyBalancer::from_settings(Balance::RoundRobin);
    let mut stream = stream("down");
    let mut next = |up: &[u32]| pick(&mut balancer, up, &[0; 4], &mut stream);
    while next(&[0, 1, 2, 3]) != 1 {}
    assert_eq!(
        [next(&[0, 1, 3]), next(&[0, 1, 3]), next(&[0, 1, 2, 3]), next(&[2, 3]), next(&[0, 1])],
        [3, 0, 1, 2, 0]
    );
}

#[test]
fn round_robin_is_exactly_even() {
    assert_eq!(counts(Balance::RoundRobin, 3, 300), [100, 100, 100]);
}

#[test]
fn chance_is_even() {
    for balance in Balance::ALL {
        let counts = counts(balance, 10, 100_000);
        // 10000 expected, standard deviation 95: five of them.
        assert!(counts.iter().all(|picks| (9525..=10475).contains(picks)), "{balance:?}: {counts:?}");
    }
}

/// Ties of some are broken evenly among them.
#[test]
fn the_shortest_queue_is_joined() {
    let mut balancer = AnyBalancer::from_settings(Balance::JoinShortest);
    let mut stream = stream("shortest");
    assert_eq!(pick(&mut balancer, &[0, 1, 2, 3], &[3, 1, 2, 5], &mut stream), 1);
    assert_eq!(pick(&mut balancer, &[0, 2, 3], &[3, 1, 2, 5], &mut stream), 2);
    let ties = (0..30_000).filter(|_| pick(&mut balancer, &[0, 1, 2, 3], &[1, 4, 1, 1], &mut stream) == 2).count();
    // 10000 expected, standard deviation 82: five of them.
    assert!((9592..=10408).contains(&ties), "{ties}");
}

/// With two draws, a replica that is always busier than the rest is picked only when it is drawn twice: 1 in n².
#[test]
fn two_choices_avoid_the_busy_one() {
    let up: Vec<u32> = (0..10).collect();
    let mut balancer = AnyBalancer::from_settings(Balance::LeastRequest);
    let mut stream = stream("busy");
    (0..5).for_each(|_| balancer.started(7));
    let busy = (0..100_000).filter(|_| pick(&mut balancer, &up, &[0; 10], &mut stream) == 7).count();
    // 1000 expected, standard deviation 31.5: five of them.
    assert!((843..=1157).contains(&busy), "{busy}");
    (0..5).for_each(|_| balancer.ended(Time::ZERO, 7, Span::ZERO, Outcome::Ok));
    let even = (0..100_000).filter(|_| pick(&mut balancer, &up, &[0; 10], &mut stream) == 7).count();
    assert!((9525..=10475).contains(&even), "{even}");
}
