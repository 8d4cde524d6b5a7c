//! Envoy's retries (`router/retry_state_impl.cc`, `common/backoff_strategy.cc`, `upstream/resource_manager_impl.h`).

use super::*;
use crate::policy::retry::quota::ActiveSettings;

pub(super) const ROWS: &[Named] = &[
    ("attempts", "", "Attempts in all: `num_retries` and the first."),
    ("on", "retry_on", ON),
    ("backoff", "retry_back_off.base_interval, max_interval", BACKOFF),
    ("jitter", "", "How that delay is spread: any part of it."),
    ("budget.min_retries", "max_retries", "Retries at a time, those that wait included."),
    ("budget.ratio", "retry_budget.budget_percent (%)", "More of them, as a part of all attempts under way."),
];

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings {
        attempts: 2,
        on: Outcomes::of(&[Outcome::Error, Outcome::Rejected, Outcome::Refused, Outcome::Timeout]),
        backoff: Backoff::Exponential { base: Span::from_millis(25), factor: 2.0, cap: Span::from_millis(250) },
        jitter: Jitter::Full,
        quota: Some(Quota::Active(ActiveSettings { ratio: Share::ZERO, min: 3 })),
        ..RetrySettings::default()
    }
}

preset! {
    name: "envoy",
    about: "One retry, after up to 25 ms, and never more than three at a time.",
    rules: &[
        "Off unless `retry_on` is set; this is `5xx`: every error, timeout of a try, or connection that fails.",
        "Intervals are 25, 50, 100, 200, 250 ms, and any part of one is waited, as the code has it; the documentation \
         says `(2^n - 1) * 25 ms`.",
        "`max_retries` counts per upstream cluster; with a budget of 20%, `max(trunc(20% of attempts under way), 3)`.",
        "The route's timeout of 15 s spans all tries and is not retried (a client's `overall_timeout`); only \
         `per_try_timeout` (its `timeout`) makes a slow try retryable.",
        "What the pool's own limits turn away is never retried.",
    ],
    source: "envoyproxy/envoy: router/retry_state_impl.cc, common/backoff_strategy.cc, upstream/resource_manager_impl.h, \
             docs router_filter",
}
