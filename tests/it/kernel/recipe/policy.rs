//! Random policies of clients.

use brownout::model::ZoneAware;
use brownout::policy::balance::PassiveHealthSettings;
use brownout::policy::breaker::BreakerSettings;
use brownout::policy::bulkhead::BulkheadSettings;
use brownout::policy::hedge::{HedgeDelay, HedgeSettings};
use brownout::policy::limit::LimitSettings;
use brownout::policy::rate::RateLimitSettings;
use brownout::policy::retry::{Backoff, BudgetSettings, Jitter, RetrySettings, RetryThrottleSettings};
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
    (1u32..4, on, backoff, jitter, option::weighted(0.3, budget), option::weighted(0.3, throttle)).prop_map(
        |(attempts, on, backoff, jitter, budget, throttle)| RetrySettings {
            attempts,
            on,
            backoff,
            jitter,
            budget,
            throttle,
        },
    )
}

pub(super) fn breaker() -> impl Strategy<Value = BreakerSettings> {
    (1u32..12, 1u32..12, 10u32..=100, 1u64..20, 20u32..=100, 1u64..60, 1u32..4).prop_map(
        |(window, minimum_calls, failures, slow, slow_rate, open, half_open_calls)| BreakerSettings {
            window,
            minimum_calls,
            failure_rate: share(failures),
            slow_call_duration: ms(slow),
            slow_call_rate: share(slow_rate),
            open_for: ms(open),
            half_open_calls,
        },
    )
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
    let hedge = (after, 2u32..6).prop_map(|(after, attempts)| HedgeSettings { after, attempts });
    prop_oneof![
        2 => Just((None, None)),
        3 => retry().prop_map(|retry| (Some(retry), None)),
        2 => hedge.prop_map(|hedge| (None, Some(hedge))),
    ]
}

pub(super) fn throttle() -> impl Strategy<Value = ThrottleSettings> {
    (1.0f64..3.0, 1u64..400).prop_map(|(multiplier, window)| ThrottleSettings { multiplier, window: ms(window) })
}

/// Whom a client picks and what it waits for.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    pub(super) zone_aware: ZoneAware,
    pub(super) subset: Option<u32>,
    pub(super) health: Option<PassiveHealthSettings>,
    pub(super) rate_limit: Option<RateLimitSettings>,
    pub(super) bulkhead: Option<BulkheadSettings>,
    pub(super) limit: Option<LimitSettings>,
}

pub(super) fn manners() -> impl Strategy<Value = Manners> {
    let zone_aware = prop_oneof![4 => Just(ZoneAware::Off), 1 => Just(ZoneAware::Prefer), 1 => Just(ZoneAware::Envoy)];
    // It counts whole seconds, and a run is short.
    let health = (1u32..4, 0u64..2)
        .prop_map(|(max_fails, secs)| PassiveHealthSettings { max_fails, fail_timeout: Span::from_secs(secs) });
    let cycles = (1u32..8, 1u64..40, 0u64..30).prop_map(|(limit, period, timeout)| RateLimitSettings::Cycles {
        limit,
        period: ms(period),
        timeout: ms(timeout),
    });
    let leaky = (1u32..500, 0u64..30).prop_map(|(rate, timeout)| RateLimitSettings::Leaky {
        rate: Rate::per_sec(rate.into()).expect("a rate"),
        timeout: ms(timeout),
    });
    let semaphore = (1u32..6, 0u64..20).prop_map(|(max, wait)| BulkheadSettings::Semaphore { max, max_wait: ms(wait) });
    let threads = (0u32..4, 1u32..4, 0u32..4, 0u64..20).prop_map(|(core, more, queue, keep)| {
        BulkheadSettings::Threads { core, max: core + more, queue, keep_alive: ms(keep) }
    });
    (
        zone_aware,
        option::weighted(0.2, 1u32..4),
        option::weighted(0.2, health),
        option::weighted(0.2, prop_oneof![cycles, leaky]),
        option::weighted(0.3, prop_oneof![semaphore, threads]),
        option::weighted(0.2, super::service::limiter()),
    )
        .prop_map(|(zone_aware, subset, health, rate_limit, bulkhead, limit)| Manners {
            zone_aware,
            subset,
            health,
            rate_limit,
            bulkhead,
            limit,
        })
}
