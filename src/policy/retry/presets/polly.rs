//! Polly's retries of version 8 (`Polly.Core/Retry`).

use super::*;

const ROWS: &[Named] = &[
    ("attempts", "", "Attempts in all: `MaxRetryAttempts` and the first."),
    ("on", "ShouldHandle", ON),
    ("backoff", "Delay (ms)", BACKOFF),
    ("jitter", "UseJitter", "How that delay is spread: not at all, or with `25%` a quarter both ways."),
];

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings { attempts: 4, backoff: Backoff::Fixed(Span::from_secs(2)), ..RetrySettings::default() }
}

preset! {
    name: "polly",
    about: "Three retries of whatever fails, two seconds apart.",
    rules: &[
        "`MaxRetryAttempts` does not count the first attempt.",
        "`BackoffType` is constant; `UseJitter` spreads constant and linear delays by a quarter both ways.",
    ],
    source: "App-vNext/Polly v8: Polly.Core/Retry (RetryStrategyOptions, RetryHelper)",
}
