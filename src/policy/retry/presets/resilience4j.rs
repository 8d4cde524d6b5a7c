//! resilience4j's retry (af9e7c97: `RetryConfig`, `RetryImpl`, `IntervalFunction`).

use super::*;

const ROWS: &[Named] = &[
    ("attempts", "maxAttempts", ATTEMPTS),
    ("on", "retryExceptions", ON),
    ("backoff", "waitDuration (ms)", BACKOFF),
    ("jitter", "randomizedWaitFactor", JITTER),
];

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings { attempts: 3, backoff: Backoff::Fixed(Span::from_millis(500)), ..RetrySettings::default() }
}

preset! {
    name: "resilience4j",
    about: "Two retries of whatever fails, each half a second after the failure.",
    rules: &[
        "The wait starts when the attempt has failed.",
        "There is randomisation, but it is off; on, it is `jitter = \"randomized(50%)\"`: whole milliseconds, both ends \
         included.",
        "Its exponential wait grows by 1.5 and is cut off to whole milliseconds at every step: \
         `exponential(500ms, factor=1.5, grain=1ms)`.",
        "Stands outside the breaker: each attempt asks it, and a refused one is retried like any other failure.",
    ],
    source: "resilience4j/resilience4j@af9e7c97: RetryConfig, retry/internal/RetryImpl, core/IntervalFunction",
}
