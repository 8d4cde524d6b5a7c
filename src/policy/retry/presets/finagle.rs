//! Finagle's retries: what its `RequeueFilter` repeats, within the `RetryBudget` that every client has (4feb34cb).

use super::*;
use crate::policy::retry::quota::{Ratio, RollingSettings};

pub(super) const BUDGET_ROWS: [Named; 3] = [
    ("budget.ratio", "percentCanRetry", "Retries for each call."),
    ("budget.min_per_second", "minRetriesPerSec", "Retries that are there in any case, per second."),
    ("budget.ttl", "ttl (s)", "For how long a call counts; from 1 s to 60 s."),
];

const ROWS: &[Named] = &[
    (
        "attempts",
        "",
        "Attempts in all; in Finagle 25 and the first to get a connection (`Effort`), and no limit but the budget's after that.",
    ),
    ("on", "", ON),
    ("backoff", "", BACKOFF),
    BUDGET_ROWS[0],
    BUDGET_ROWS[1],
    BUDGET_ROWS[2],
    ("budget.per_call", "", "The part of what is left of the budget that one call may take (`MaxRequeuesPerReq`)."),
];

/// For whom a call may take as much as there is.
pub(super) fn budget() -> RollingSettings {
    RollingSettings { ratio: Ratio(0.2), min_per_second: 10, ttl: Span::from_secs(10), per_call: Share::ONE }
}

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    let budget = RollingSettings { per_call: percent(20.0), ..budget() };
    RetrySettings {
        attempts: 26,
        on: Outcomes::UNAVAILABLE,
        quota: Some(Quota::Rolling(budget)),
        ..RetrySettings::default()
    }
}

preset! {
    name: "finagle",
    about: "Requeues at once what was not processed, within a budget of 20% of the calls and ten a second.",
    rules: &[
        "A call deposits 1000, a retry withdraws 1000 / percentCanRetry; both are forgotten after the ttl, in ten slices.",
        "The reserve, minRetriesPerSec * ttl retries, is there in any case: 100 by default, at once if need be.",
        "One call may take a fifth of what is left when it starts: 20 requeues of the whole reserve.",
        "Only failures that are known not to have been processed are requeued, without delay.",
    ],
    source: "twitter/finagle@4feb34cb: RetryBudget; twitter/util: TokenBucket, WindowedAdder; twitter/finagle@0e26b576: \
             service/RequeueFilter.scala, service/Retries.scala",
}
