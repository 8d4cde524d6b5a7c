//! Random policies of clients.

use brownout::model::ZoneAware;
use brownout::policy::balance::PassiveHealthSettings;
use brownout::policy::breaker::{
    BreakerRules, BreakerSettings, FailsafeSettings, HystrixSettings, PollySettings, Resilience4jSettings, Sees, Window,
};
use brownout::policy::bulkhead::{BulkheadSettings, SemaphoreSettings, ThreadPoolSettings};
use brownout::policy::hedge::{HedgeDelay, HedgeSettings};
use brownout::policy::order::Order;
use brownout::policy::outlier::{
    EnvoyOutlierSettings, FinagleOutlierSettings, LinkerdOutlierSettings, OutlierSettings,
};
use brownout::policy::rate::{CyclesSettings, RateLimitSettings};
use brownout::policy::retry::{
    ActiveSettings, AwsQuotaSettings, Backoff, BudgetSettings, Jitter, PushbackRule, Quota, Ratio, RetrySettings,
    RetryThrottleSettings, RollingSettings,
};
use brownout::policy::throttle::ThrottleSettings;
use brownout::policy::{Outcome, Outcomes};

use super::*;

fn retry() -> impl Strategy<Value = RetrySettings> {
    let backoff = prop_oneof![
        (0u64..6).prop_map(|millis| Backoff::Fixed(ms(millis))),
        (1u64..5, 1.0f64..3.0).prop_map(|(base, factor)| Backoff::Exponential { base: ms(base), factor, cap: ms(20) }),
    ];
    let around = Jitter::Around(share(20));
    let jitter = select(vec![Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated, around]);
    let budget = (0u32..=50, 0u32..5).prop_map(|(percent, burst)| BudgetSettings { ratio: share(percent), burst });
    let throttle = (1u32..6, 1u32..1500)
        .prop_map(|(max_tokens, token_thousandths)| RetryThrottleSettings { max_tokens, token_thousandths });
    let unavailable = Outcomes::of(&[Outcome::Rejected, Outcome::Refused]);
    let on = prop_oneof![3 => Just(Outcomes::ALL), 1 => Just(unavailable)];
    let rolling = (0.0f64..1.0, 0u32..4, 1u64..50, 0u32..=100).prop_map(|(ratio, min_per_second, ttl, part)| {
        RollingSettings { ratio: Ratio(ratio), min_per_second, ttl: ms(ttl), per_call: share(part) }
    });
    let active = (0u32..=100, 0u32..4).prop_map(|(percent, min)| ActiveSettings { ratio: share(percent), min });
    let aws = (1u32..60, 1u32..15, 1u32..15, 1u32..15, 0u32..3).prop_map(
        |(capacity, cost, timeout_cost, rejected_cost, reward)| AwsQuotaSettings {
            capacity,
            cost,
            timeout_cost,
            rejected_cost,
            reward,
        },
    );
    let quota = prop_oneof![
        budget.prop_map(Quota::Budget),
        throttle.prop_map(Quota::Throttle),
        rolling.prop_map(Quota::Rolling),
        active.prop_map(Quota::Active),
        aws.prop_map(Quota::Aws),
    ];
    (1u32..4, on, backoff, jitter, option::weighted(0.5, quota), (0u32..10).prop_map(|n| n == 0)).prop_map(
        |(attempts, on, backoff, jitter, quota, adaptive)| RetrySettings {
            attempts,
            on,
            backoff,
            jitter,
            quota,
            adaptive,
            pushback: [PushbackRule::Ignore, PushbackRule::Obey, PushbackRule::Clamp][attempts as usize % 3],
            transparent: adaptive && !matches!(quota, Some(Quota::Active(_))),
            ..RetrySettings::default()
        },
    )
}

fn resilience4j() -> impl Strategy<Value = BreakerRules> {
    let window =
        prop_oneof![(1u32..12).prop_map(Window::Calls), (1u64..2).prop_map(|_| Window::Time(Span::from_secs(1)))];
    let half_open = (1u32..4, option::of(1u64..30), any::<bool>(), any::<bool>());
    (window, 1u32..12, 10u32..=100, 1u64..20, 20u32..=100, 1u64..60, half_open).prop_map(
        |(window, minimum_calls, failures, slow, slow_rate, open, (half_open_calls, limit, closes, automatic))| {
            BreakerRules::Resilience4j(Resilience4jSettings {
                window,
                minimum_calls,
                failure_rate: share(failures),
                slow_call_duration: ms(slow),
                slow_call_rate: share(slow_rate),
                open_for: Backoff::Fixed(ms(open)),
                automatic,
                half_open_calls,
                half_open_for: limit.map(ms),
                half_open_closes: closes,
            })
        },
    )
}

pub(super) fn breaker() -> impl Strategy<Value = BreakerSettings> {
    let hystrix = (1u32..8, 10u32..=100, 1u64..60, 1u64..20).prop_map(|(minimum_calls, failures, open, snapshot)| {
        BreakerRules::Hystrix(HystrixSettings {
            window: ms(snapshot * 10),
            minimum_calls,
            failure_rate: share(failures),
            open_for: ms(open),
            snapshot: ms(snapshot),
        })
    });
    let polly = (2u32..8, 10u32..=100, 1u64..60, 1u64..400).prop_map(|(minimum_calls, failures, open, window)| {
        let (window, failure_rate, open_for) = (ms(window), share(failures), ms(open));
        BreakerRules::Polly(PollySettings { window, minimum_calls, failure_rate, open_for })
    });
    let failsafe = (1u32..6, 1u32..6, option::of(1u32..4), 1u64..60).prop_map(|(window, failures, successes, open)| {
        BreakerRules::Failsafe(FailsafeSettings { window, failures, successes, open_for: ms(open) })
    });
    let rules = prop_oneof![2 => resilience4j(), 1 => hystrix, 1 => polly, 1 => failsafe];
    let ignore = prop_oneof![3 => Just(Outcomes::NONE), 1 => Just(Outcomes::of(&[Outcome::Rejected]))];
    (rules, ignore, select(vec![Sees::Attempts, Sees::Calls])).prop_map(|(rules, ignore, sees)| BreakerSettings {
        rules,
        ignore,
        sees,
    })
}

pub(super) fn outlier() -> impl Strategy<Value = OutlierSettings> {
    let envoy =
        (1u32..5, 1u64..40, 1u64..40, 10u32..=100, 0u32..=60).prop_map(|(consecutive, interval, out, most, panic)| {
            OutlierSettings::Envoy(EnvoyOutlierSettings {
                consecutive: Some(consecutive),
                interval: ms(interval),
                base_ejection_time: ms(out),
                max_ejection: share(most),
                success_rate_requests: 3,
                success_rate_hosts: 2,
                panic: share(panic),
                ..EnvoyOutlierSettings::default()
            })
        });
    let linkerd = (1u32..5, 1u64..40).prop_map(|(consecutive, out)| {
        let base_ejection_time = ms(out);
        OutlierSettings::Linkerd(LinkerdOutlierSettings { consecutive, base_ejection_time, ..Default::default() })
    });
    let finagle = (1u32..5, 1u64..40).prop_map(|(consecutive, out)| {
        let (base_ejection_time, window) = (ms(out), ms(out * 5));
        OutlierSettings::Finagle(FinagleOutlierSettings {
            consecutive,
            base_ejection_time,
            window,
            ..Default::default()
        })
    });
    prop_oneof![envoy, linkerd, finagle]
}

/// Retries, hedges, or neither.
pub(super) fn patience(lengths: Lengths) -> impl Strategy<Value = (Option<RetrySettings>, Option<HedgeSettings>)> {
    let fixed = match lengths {
        Lengths::Even => (0u64..6).prop_map(ms).boxed(),
        Lengths::Any => (0u64..6_000).prop_map(Span::from_micros).boxed(),
    };
    let after = prop_oneof![
        3 => fixed.prop_map(HedgeDelay::Fixed),
        1 => (1u32..100).prop_map(|percent| HedgeDelay::Quantile(share(percent))),
    ];
    let throttle = option::of(
        (1u32..6, 1u32..1500)
            .prop_map(|(max_tokens, token_thousandths)| RetryThrottleSettings { max_tokens, token_thousandths }),
    );
    let hedge = (after, 2u32..6, any::<bool>(), throttle).prop_map(|(after, attempts, some, throttle)| {
        let on = if some { Outcomes::UNAVAILABLE } else { Outcomes::ALL };
        HedgeSettings { after, attempts, on, throttle }
    });
    prop_oneof![
        2 => Just((None, None)),
        3 => retry().prop_map(|retry| (Some(retry), None)),
        2 => hedge.prop_map(|hedge| (None, Some(hedge))),
    ]
}

pub(super) fn throttle() -> impl Strategy<Value = ThrottleSettings> {
    (1.0f64..3.0, 1u64..400).prop_map(|(multiplier, window)| ThrottleSettings { multiplier, window: ms(window) })
}

/// As resilience4j has it, with the breaker before attempts or calls, or any other way.
fn order() -> impl Strategy<Value = Order> {
    let sees = select(vec![Sees::Attempts, Sees::Calls]);
    let any = Just(Order::RESILIENCE4J.layers().to_vec()).prop_shuffle();
    prop_oneof![
        sees.prop_map(|sees| Order::RESILIENCE4J.with_breaker(sees)),
        any.prop_map(|layers| Order::from_written(&layers)),
    ]
}

/// A client that is nothing but the order of its policies, whom it picks and what it waits for.
pub(super) fn manners() -> impl Strategy<Value = Client> {
    let zone_aware = prop_oneof![4 => Just(ZoneAware::Off), 1 => Just(ZoneAware::Prefer), 1 => Just(ZoneAware::Envoy)];
    // It counts whole seconds, and a run is short.
    let health = (1u32..4, 0u64..2)
        .prop_map(|(max_fails, secs)| PassiveHealthSettings { max_fails, fail_timeout: Span::from_secs(secs) });
    let cycles = (1u32..8, 1u64..40, 0u64..30).prop_map(|(limit, period, timeout)| {
        RateLimitSettings::Cycles(CyclesSettings { limit, period: ms(period), timeout: ms(timeout) })
    });
    let leaky = (1u32..500, 0u64..30).prop_map(|(rate, timeout)| RateLimitSettings::Leaky {
        rate: Rate::per_sec(rate.into()).expect("a rate"),
        timeout: ms(timeout),
    });
    let semaphore = (1u32..6, 0u64..20)
        .prop_map(|(max, wait)| BulkheadSettings::Semaphore(SemaphoreSettings { max, max_wait: ms(wait) }));
    let threads = (0u32..4, 1u32..4, 0u32..4, 0u64..20).prop_map(|(core, more, queue, keep)| {
        BulkheadSettings::Threads(ThreadPoolSettings {
            core,
            max: core + more,
            queue,
            queue_threshold: None,
            keep_alive: ms(keep),
        })
    });
    (
        zone_aware,
        option::weighted(0.2, 1u32..4),
        option::weighted(0.2, health),
        option::weighted(0.2, prop_oneof![cycles, leaky]),
        option::weighted(0.3, prop_oneof![semaphore, threads]),
        option::weighted(0.2, super::service::limiter()),
        order(),
    )
        .prop_map(|(zone_aware, subset, health, rate_limit, bulkhead, limit, order)| Client {
            zone_aware,
            subset,
            health,
            rate_limit,
            bulkhead,
            limit,
            order,
            ..Client::direct()
        })
}
