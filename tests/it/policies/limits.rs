//! The laws of a server's limits.

use brownout::base::random::Stream;
use brownout::base::time::{Span, Time};
use brownout::base::units::Rate;
use brownout::policy::limit::{AnyLimiter, LimitSettings, Limiter, Newcomer, RateSettings};
use proptest::prelude::*;

const ANYBODY: Newcomer = Newcomer { in_flight: 0, priority: 4, uniform: 0.5 };

fn bucket(per_sec: f64, burst: u32) -> AnyLimiter {
    let settings = RateSettings { rate: Rate::per_sec(per_sec).expect("a rate"), burst };
    AnyLimiter::from_settings(&LimitSettings::Rate(settings), Time::ZERO, Stream::new(1, "limits"))
}

/// How many of `count` requests, one every `gap`, are let in.
fn admitted(limiter: &mut AnyLimiter, count: u32, gap: Span) -> u32 {
    let mut now = Time::ZERO;
    let mut admitted = 0;
    for _ in 0..count {
        admitted += u32::from(limiter.admit(now, &ANYBODY));
        now = now + gap;
    }
    admitted
}

#[test]
fn a_full_bucket_lets_in_its_burst_at_once_and_then_a_request_for_every_token() {
    let mut limiter = bucket(100.0, 20);
    assert_eq!((0..50).filter(|_| limiter.admit(Time::ZERO, &ANYBODY)).count(), 20);
    let millis = |millis| Time::ZERO + Span::from_millis(millis);
    assert!(!limiter.admit(millis(10) - Span::from_nanos(1), &ANYBODY), "a hair too early");
    assert!(limiter.admit(millis(10), &ANYBODY), "a token has come");
    assert!(!limiter.admit(millis(19), &ANYBODY), "and was taken");
    assert_eq!(
        (0..50).filter(|_| limiter.admit(millis(3_600_000), &ANYBODY)).count(),
        20,
        "no more than the burst is saved"
    );
}

#[test]
fn a_million_tokens_are_not_off_by_one() {
    assert_eq!(admitted(&mut bucket(100.0, 1), 1_000_000, Span::from_millis(10)), 1_000_000);
    // A third of a token every second: three seconds bring a whole one, but for what nine decimal places leave out.
    assert_eq!(admitted(&mut bucket(1.0 / 3.0, 1), 300_000, Span::from_secs(1)), 75_000);
    assert_eq!(admitted(&mut bucket(0.25, 1), 400_000, Span::from_secs(1)), 100_000);
}

#[test]
fn the_fastest_and_the_longest_do_not_overflow() {
    let mut limiter = bucket(1e9, u32::MAX);
    assert!(limiter.admit(Time::ZERO, &ANYBODY));
    assert!(limiter.admit(Time::MAX, &ANYBODY));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_stretch_of_time_lets_in_more_than_the_burst_and_its_tokens(
        gaps in proptest::collection::vec(0u64..50, 1..300),
        per_sec in 1u32..200,
        burst in 1u32..10,
    ) {
        let mut limiter = bucket(f64::from(per_sec), burst);
        let mut now_ms = 0;
        let mut let_in: Vec<u64> = Vec::new();
        for gap in gaps {
            now_ms += gap;
            if limiter.admit(Time::ZERO + Span::from_millis(now_ms), &ANYBODY) {
                let_in.push(now_ms);
            } else {
                prop_assert!(let_in.len() >= burst as usize, "turned away from a full bucket");
            }
        }
        for (from, first) in let_in.iter().enumerate() {
            for (to, last) in let_in.iter().enumerate().skip(from) {
                let tokens = u64::from(burst) * 1000 + (last - first) * u64::from(per_sec);
                prop_assert!((to - from + 1) as u64 * 1000 <= tokens, "{} to {} ms", first, last);
            }
        }
    }
}
