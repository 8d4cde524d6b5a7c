//! The laws of a client's throttle.

use brownout::base::random::Key;
use brownout::base::time::{Span, Time};
use brownout::policy::Outcome;
use brownout::policy::throttle::{AdaptiveThrottle, Throttle, ThrottleSettings};
use proptest::prelude::*;

fn throttle(multiplier: f64, window: Span) -> AdaptiveThrottle {
    AdaptiveThrottle::new(&ThrottleSettings { multiplier, window })
}

fn millis(millis: u64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

#[test]
fn a_callee_that_accepts_everything_is_sent_everything() {
    let mut throttle = throttle(1.1, Span::from_secs(120));
    for n in 0..10_000 {
        assert!(throttle.permit(millis(n), 1e-9));
        throttle.accepted(millis(n + 50));
    }
}

#[test]
fn what_is_old_is_forgotten() {
    let mut throttle = throttle(2.0, Span::from_secs(120));
    (0..100).for_each(|_| assert!(throttle.permit(Time::ZERO, 0.999)));
    assert!(throttle.probability() > 0.99);
    // All of a part is forgotten at once, in the last of 120 parts of the window.
    assert!(!throttle.permit(millis(119_999), 0.5), "nothing was accepted in the last two minutes");
    assert!(throttle.permit(millis(120_000), 0.6), "one request is left, and it was not accepted");
    assert!((throttle.probability() - 2.0 / 3.0).abs() < 1e-12);
    assert!(throttle.permit(millis(1_000_000), 1e-9), "after a long silence nothing is left");
}

#[test]
fn errors_are_answers_and_what_is_turned_away_is_none() {
    let accepted: Vec<&str> =
        Outcome::ALL.iter().filter(|outcome| outcome.is_accepted()).map(|outcome| outcome.name()).collect();
    assert_eq!(accepted, ["ok", "error", "cancelled"]);
    let not_sent: Vec<&str> =
        Outcome::ALL.iter().filter(|outcome| !outcome.is_sent()).map(|outcome| outcome.name()).collect();
    assert_eq!(not_sent, ["short_circuited", "throttled", "limited"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_counts_exactly_what_lies_in_its_window(
        gaps in proptest::collection::vec((0u64..2_000, any::<bool>()), 1..200),
        window_s in 1u64..60,
        multiplier in 1.0f64..3.0,
    ) {
        let window = Span::from_secs(window_s);
        let mut throttle = throttle(multiplier, window);
        let part = window.as_nanos().div_ceil(120);
        let mut now_ms = 0;
        let mut seen: Vec<(u64, bool)> = Vec::new();
        for (n, (gap, accepted)) in gaps.into_iter().enumerate() {
            now_ms += gap;
            let now = millis(now_ms);
            let current = now.as_nanos() / part;
            seen.retain(|(part, _)| part + 120 > current);
            let requests = seen.len() as f64;
            let accepts = seen.iter().filter(|(_, accepted)| *accepted).count() as f64;
            let expected = ((requests - multiplier * accepts) / (requests + 1.0)).max(0.0);
            let uniform = Key::root(1, "throttle").child(n as u64).uniform();
            prop_assert_eq!(throttle.permit(now, uniform), uniform >= expected);
            if accepted {
                throttle.accepted(now);
            }
            seen.push((current, accepted));
        }
    }
}
