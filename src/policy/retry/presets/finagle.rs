//! Finagle's retries: what its `RequeueFilter` repeats, within the `RetryBudget` that every client has (4feb34cb).

use super::*;
use crate::policy::retry::quota::RollingSettings;

pub(super) const BUDGET_ROWS: [Named; 3] = [
    ("budget.ratio", "percentCanRetry", "Retries for each call."),
    ("budget.min_per_second", "minRetriesPerSec", "Retries that are there in any case, per second."),
    ("budget.ttl", "ttl (s)", "For how long a call counts; from 1 s to 60 s."),
];

const ROWS: &[Named] = &[
    ("attempts", "", "Attempts in all: 25 requeues and the first."),
    ("on", "", ON),
    ("backoff", "", BACKOFF),
    BUDGET_ROWS[0],
    BUDGET_ROWS[1],
    BUDGET_ROWS[2],
];

pub(super) fn budget() -> Quota {
    Quota::Rolling(RollingSettings { ratio: 0.2, min_per_second: 10, ttl: Span::from_secs(10) })
}

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings { attempts: 26, on: Outcomes::UNAVAILABLE, quota: Some(budget()), ..RetrySettings::default() }
}

preset! {
    name: "finagle",
    about: "Requeues at once what was not processed, within a budget of 20% of the calls and ten a second.",
    rules: &[
        "A call deposits 1000, a retry withdraws 1000 / percentCanRetry; both are forgotten after the ttl, in ten slices.",
        "The reserve, minRetriesPerSec * ttl retries, is there in any case: 100 by default, at once if need be.",
        "Only failures that are known not to have been processed are requeued, without delay.",
    ],
    source: "twitter/finagle@4feb34cb: RetryBudget; twitter/util: TokenBucket, WindowedAdder; 25 requeues: from memory",
}
