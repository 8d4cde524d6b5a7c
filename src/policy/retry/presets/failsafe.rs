//! Failsafe's retries (`RetryPolicyBuilder`).

use super::*;

const ROWS: &[Named] = &[
    ("attempts", "maxAttempts", ATTEMPTS),
    ("on", "handle", ON),
    ("backoff", "delay (ms)", BACKOFF),
    ("jitter", "jitterFactor", JITTER),
];

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings { attempts: 3, ..RetrySettings::default() }
}

preset! {
    name: "failsafe",
    about: "Two retries of whatever fails, at once.",
    rules: &["There is no delay unless one is set: two retries fall on a server in the moment in which it fails."],
    source: "failsafe-lib/failsafe: RetryPolicyBuilder",
}
