//! The laws of retries: attempts, budgets, and the shapes of the delays.

use brownout::base::random::Key;
use brownout::base::time::{Span, Time};
use brownout::base::units::Share;
use brownout::policy::retry::{
    AnyRetry, Backoff, BudgetSettings, Failure, Jitter, Quota, Retry, RetrySettings, RetryThrottle,
    RetryThrottleSettings,
};
use brownout::policy::{Outcome, Outcomes};
use proptest::prelude::*;

fn jitters() -> [Jitter; 6] {
    let fifth = "20%".parse().expect("a share");
    let around = [Jitter::Around(fifth), Jitter::Longer(fifth)];
    [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated, around[0], around[1]]
}

fn at_once(attempts: u32, budget: Option<BudgetSettings>) -> RetrySettings {
    let (on, backoff) = (Outcomes::ALL, Backoff::Fixed(Span::ZERO));
    RetrySettings { attempts, on, backoff, quota: budget.map(Quota::Budget), ..RetrySettings::default() }
}

/// All delays of one call whose attempts all fail.
fn delays(retry: &mut AnyRetry, call: u64) -> Vec<Span> {
    let draws = Key::root(1, "retries").child(call).draws();
    retry.call_started(Time::ZERO);
    let uniform = |retry: u32| draws.skip(u64::from(retry - 1)).uniform();
    (1..).map_while(|attempt| retry.next_delay(Time::ZERO, Failure::new(attempt, Outcome::Error), &uniform)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_budget_never_grants_more_than_its_burst_and_its_ratio(
        percent in 0u32..=100,
        burst in 0u32..20,
        attempts in 1u32..6,
        fails in proptest::collection::vec(any::<bool>(), 0..300),
    ) {
        let ratio = Share::new(f64::from(percent) / 100.0).expect("a share");
        let mut retry = AnyRetry::from_settings(&at_once(attempts, Some(BudgetSettings { ratio, burst })));
        let (mut calls, mut granted, mut wanted) = (0, 0, 0);
        for failing in fails {
            calls += 1;
            if failing {
                granted += u32::try_from(delays(&mut retry, u64::from(calls)).len()).expect("few");
                wanted += attempts - 1;
            } else {
                retry.call_started(Time::ZERO);
            }
            // In whole percents of a token: nothing is rounded.
            prop_assert!(granted * 100 <= burst * 100 + calls * percent, "{} retries in {} calls", granted, calls);
            prop_assert!(granted <= wanted);
        }
    }

    #[test]
    fn delays_stay_within_their_bounds(base in 1u64..1_000_000, factor in 1.0f64..4.0, cap in 1u64..100_000_000, call in any::<u64>()) {
        let (base, cap) = (Span::from_nanos(base), Span::from_nanos(base.max(cap)));
        let backoff = Backoff::Exponential { base, factor, cap };
        for jitter in jitters() {
            let settings = RetrySettings { backoff, jitter, ..at_once(12, None) };
            let found = delays(&mut AnyRetry::from_settings(&settings), call);
            prop_assert_eq!(found.len(), 11);
            prop_assert_eq!(&found, &delays(&mut AnyRetry::from_settings(&settings), call), "the same call waits the same");
            for (retry, delay) in (1..).zip(found) {
                let plain = backoff.delay(retry);
                // Half a nanosecond is rounded up.
                let (least, most) = match jitter {
                    Jitter::None => (plain, plain),
                    Jitter::Full => (Span::ZERO, plain),
                    Jitter::Equal => (Span::from_nanos(plain.as_nanos() / 2), plain),
                    Jitter::Decorrelated => (base, cap),
                    Jitter::Around(_) => {
                        let part = |percent: u64| Span::from_nanos((plain.as_nanos() * percent + 50) / 100);
                        (Span::from_nanos(plain.as_nanos() * 80 / 100), part(120))
                    }
                    Jitter::Longer(_) => (plain, cap),
                    Jitter::Randomized(_) => unreachable!("it counts in whole milliseconds"),
                };
                prop_assert!(least <= delay && delay <= most, "{:?} {}: {} not in {}..={}", jitter, retry, delay, least, most);
            }
        }
    }
}

#[test]
fn attempts_include_the_first() {
    for attempts in 1..6 {
        let mut retry = AnyRetry::from_settings(&at_once(attempts, None));
        assert_eq!(delays(&mut retry, 0).len() + 1, attempts as usize);
    }
}

#[test]
fn a_budget_starts_full_and_refills_by_calls_alone() {
    let ratio = "10%".parse().expect("a share");
    let mut retry = AnyRetry::from_settings(&at_once(2, Some(BudgetSettings { ratio, burst: 3 })));
    let granted: Vec<usize> = (0..25).map(|call| delays(&mut retry, call).len()).collect();
    // The first deposit finds the bucket full. Three retries and nine deposits of later calls make one token
    // again and again: ten calls a retry.
    let expected: Vec<usize> = (0..25).map(|call| usize::from(call < 3 || (call > 3 && call % 10 == 0))).collect();
    assert_eq!(granted, expected);
}

#[test]
fn only_failures_of_the_kinds_that_are_named_are_retried_and_count() {
    let ratio = "10%".parse().expect("a share");
    let on = Outcomes::of(&[Outcome::Rejected, Outcome::Refused]);
    let settings = RetrySettings { on, ..at_once(2, Some(BudgetSettings { ratio, burst: 1 })) };
    let mut retry = AnyRetry::from_settings(&settings);
    let mut again = |outcome| retry.next_delay(Time::ZERO, Failure::new(1, outcome), &|_| 0.5).is_some();
    for (outcome, ..) in Outcome::FAILURES {
        if !on.has(outcome) {
            assert!(!again(outcome), "{outcome:?}");
        }
    }
    // The others have left the only token of the budget where it was.
    assert!(again(Outcome::Rejected));
    assert!(!again(Outcome::Refused));
}

/// Attempts of calls all of which fail, one after the other.
fn attempts_of_failing_calls(calls: u64, throttle: RetryThrottleSettings) -> Vec<usize> {
    let settings = RetrySettings { quota: Some(Quota::Throttle(throttle)), ..at_once(4, None) };
    let mut retry = AnyRetry::from_settings(&settings);
    (0..calls).map(|call| 1 + delays(&mut retry, call).len()).collect()
}

#[test]
fn a_throttle_stops_all_retries_once_half_of_its_tokens_are_gone() {
    let throttle = RetryThrottleSettings { max_tokens: 10, token_thousandths: 100 };
    assert_eq!(attempts_of_failing_calls(6, throttle), [4, 1, 1, 1, 1, 1]);
    // More than half of a single token is never left.
    let one = RetryThrottleSettings { max_tokens: 1, ..throttle };
    assert_eq!(attempts_of_failing_calls(3, one), [1, 1, 1]);
}

#[test]
fn a_throttle_gives_in_to_more_failures_than_successes_can_pay_for() {
    // A success for every failure and nine more pay 1.0 tokens for one; with eight more it is 0.9.
    let may_retry = |successes: u32| {
        let settings = RetryThrottleSettings { max_tokens: 100, token_thousandths: 100 };
        let mut throttle = RetryThrottle::new(settings);
        let mut allowed = true;
        for _ in 0..10_000 {
            (0..successes).for_each(|_| throttle.succeeded());
            allowed = throttle.failed();
        }
        allowed
    };
    assert!(may_retry(10) && !may_retry(9));
}

#[test]
fn each_retry_of_a_call_draws_its_own_number() {
    let backoff = Backoff::Fixed(Span::from_secs(1));
    let settings = RetrySettings { backoff, jitter: Jitter::Full, ..at_once(4, None) };
    let calls = 100_000;
    let mut sums = [0.0; 3];
    let mut products = [0.0; 2];
    for call in 0..calls {
        let found: Vec<f64> = delays(&mut AnyRetry::from_settings(&settings), call)
            .into_iter()
            .map(|delay| delay.as_secs_f64() - 0.5)
            .collect();
        for (sum, x) in sums.iter_mut().zip(&found) {
            *sum += x;
        }
        for (product, pair) in products.iter_mut().zip(found.windows(2)) {
            *product += pair[0] * pair[1];
        }
    }
    // Standard errors: sqrt(1/12/n) of a mean, 1/12/sqrt(n) of a mean product; five of them.
    let n = calls as f64;
    assert!(sums.iter().all(|sum| (sum / n).abs() < 5.0 * (1.0 / 12.0 / n).sqrt()), "{sums:?}");
    assert!(products.iter().all(|product| (product / n).abs() < 5.0 / 12.0 / n.sqrt()), "{products:?}");
}
