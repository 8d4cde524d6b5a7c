//! Linkerd's retries by `ServiceProfile` (linkerd/website, 2-edge reference): Finagle's budget, in a proxy.

use super::finagle::{BUDGET_ROWS, budget};
use super::*;

const ROWS: &[Named] = &[
    ("attempts", "", "Attempts in all; only the budget ends them."),
    ("on", "isRetryable", ON),
    ("backoff", "", BACKOFF),
    (BUDGET_ROWS[0].0, "retryBudget.retryRatio", BUDGET_ROWS[0].2),
    (BUDGET_ROWS[1].0, "retryBudget.minRetriesPerSecond", BUDGET_ROWS[1].2),
    (BUDGET_ROWS[2].0, "retryBudget.ttl (s)", BUDGET_ROWS[2].2),
];

/// As good as without end: the budget is the limit.
const ATTEMPTS_MAX: u32 = 1_000;

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings {
        attempts: ATTEMPTS_MAX,
        on: Outcomes::of(&[Outcome::Error, Outcome::Rejected, Outcome::Refused]),
        quota: Some(Quota::Rolling(budget())),
        ..RetrySettings::default()
    }
}

preset! {
    name: "linkerd",
    about: "Repeats at once whatever a route marks as retryable, as long as the budget lasts: 20% and ten a second.",
    rules: &[
        "Off unless a route of a ServiceProfile is marked `isRetryable`.",
        "There is no limit of attempts for one call, only the budget; the route's timeout spans all of them.",
        "Only requests without a body, or with one up to 64 KiB, are repeated.",
        "By annotation instead of a profile the limit is one retry.",
    ],
    source: "linkerd/website: 2-edge reference (retries, service profiles)",
}
