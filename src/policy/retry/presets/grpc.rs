//! gRPC's retries (gRFC A6, proposal 1fd061ad; grpc-go `stream.go`, `clientconn.go`). There is no default policy: the values
//! are those of the proposal's examples.

use super::*;
use crate::policy::retry::RetryThrottleSettings;

const ROWS: &[Named] = &[
    ("attempts", "maxAttempts", "Attempts in all, the first included; clients allow five."),
    ("on", "retryableStatusCodes", ON),
    ("backoff", "initialBackoff, backoffMultiplier, maxBackoff", BACKOFF),
    ("jitter", "", "How that delay is spread: a fifth both ways, after the cap."),
    ("throttle.max_tokens", "maxTokens", "The most tokens; a failure takes one."),
    ("throttle.token_ratio", "tokenRatio", "What a success brings."),
    ("pushback", "", "What `grpc-retry-pushback-ms` does."),
    ("transparent", "", "Whether what no server has taken on goes again without counting."),
];

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings {
        attempts: 4,
        attempts_bounds: (2, 5),
        on: Outcomes::UNAVAILABLE,
        backoff: Backoff::Exponential { base: Span::from_millis(100), factor: 2.0, cap: Span::from_secs(1) },
        jitter: Jitter::Around(percent(20.0)),
        quota: Some(Quota::Throttle(RetryThrottleSettings { max_tokens: 10, token_thousandths: 100 })),
        pushback: PushbackRule::Obey,
        transparent: true,
        ..RetrySettings::default()
    }
}

preset! {
    name: "grpc",
    about: "Up to three retries of what the server has not taken on, stopped altogether while too much fails.",
    rules: &[
        "There is no default policy: these are the values of the proposal's examples.",
        "Jitter comes after the cap: a delay may be a fifth longer than `maxBackoff`.",
        "Every retryable failure takes a token, retried or not; nothing is retried unless more than half are left after that.",
        "A server's wish is waited for to the letter and starts the delays anew; a negative one ends the call.",
        "What came to a server that was not there (a refused stream, a connection that was going away) goes again at once, once for each call: it costs neither an attempt nor a token.",
        "One deadline spans all attempts.",
    ],
    source: "grpc/proposal A6-client-retries.md@1fd061ad; grpc/grpc-go@4793ad04: stream.go, clientconn.go",
}
