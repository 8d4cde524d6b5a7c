//! The retry modes of the SDKs of AWS, as botocore has them (0e6e2404: `retries/{standard,adaptive,throttling}.py`).

use super::*;
use crate::policy::retry::quota::AwsQuotaSettings;

const MODE_ROWS: [Named; 9] = [
    ("attempts", "max_attempts", ATTEMPTS),
    ("on", "", ON),
    ("backoff", "", BACKOFF),
    ("jitter", "", "How that delay is spread: any part of it."),
    ("quota.capacity", "capacity", "What the quota holds at most, and at the start."),
    ("quota.cost", "retry_cost", "What a retry costs."),
    ("quota.timeout_cost", "timeout_retry_cost", "What it costs after a timeout."),
    ("quota.rejected_cost", "throttling_retry_cost", "What it costs after an attempt that was turned away."),
    ("quota.reward", "no_retry_increment", "What a call brings that succeeds at once."),
];

/// Errors of the service, throttling, and connections that fail or take too long.
const TRANSIENT: Outcomes = Outcomes::of(&[Outcome::Error, Outcome::Timeout, Outcome::Rejected, Outcome::Refused]);

const QUOTA_RULES: [&str; 3] = [
    "A call that succeeds after retries gives back what its last one cost, and no more; failures give nothing back.",
    "An empty quota ends the call with its failure at once.",
    "Delays are any part of base * 2^(n-1), at most 20 s.",
];

pub(super) mod standard {
    use super::*;

    const ROWS: &[Named] = &MODE_ROWS;

    pub(in crate::policy::retry) fn settings() -> RetrySettings {
        RetrySettings {
            attempts: 3,
            on: TRANSIENT,
            backoff: Backoff::Exponential { base: Span::from_secs(1), factor: 2.0, cap: Span::from_secs(20) },
            jitter: Jitter::Full,
            quota: Some(Quota::Aws(AwsQuotaSettings {
                capacity: 500,
                cost: 5,
                timeout_cost: 10,
                rejected_cost: 5,
                reward: 1,
            })),
            ..RetrySettings::default()
        }
    }

    preset! {
        name: "aws-standard",
        about: "Two retries after up to 1 and 2 s, from a quota of 500 of which each takes 5.",
        rules: &QUOTA_RULES,
        source: "boto/botocore@0e6e2404: botocore/retries/standard.py (RetryQuotaChecker, ExponentialBackoff)",
    }
}

pub(super) mod standard_2026 {
    use super::*;

    const ROWS: &[Named] = &[
        MODE_ROWS[0],
        MODE_ROWS[1],
        MODE_ROWS[2],
        ("rejected_backoff", "", "The delay after an attempt that was turned away."),
        MODE_ROWS[3],
        MODE_ROWS[4],
        MODE_ROWS[5],
        MODE_ROWS[6],
        MODE_ROWS[7],
        MODE_ROWS[8],
        ("pushback", "", "What `x-amz-retry-after` does."),
    ];

    fn growing(base: Span) -> Backoff {
        Backoff::Exponential { base, factor: 2.0, cap: Span::from_secs(20) }
    }

    pub(in crate::policy::retry) fn settings() -> RetrySettings {
        RetrySettings {
            backoff: growing(Span::from_millis(50)),
            rejected_backoff: Some(growing(Span::from_secs(1))),
            quota: Some(Quota::Aws(AwsQuotaSettings {
                capacity: 500,
                cost: 14,
                timeout_cost: 14,
                rejected_cost: 5,
                reward: 1,
            })),
            pushback: PushbackRule::Clamp,
            ..super::standard::settings()
        }
    }

    preset! {
        name: "aws-standard-2026",
        about: "Two retries after up to 50 and 100 ms (1 and 2 s when turned away), from a quota of 500 of which each takes 14.",
        rules: &[
            QUOTA_RULES[0],
            QUOTA_RULES[1],
            QUOTA_RULES[2],
            "Behind AWS_NEW_RETRIES_2026: short delays, dear retries; throttling costs 5 and waits longer.",
            "`x-amz-retry-after` is waited for, but never less than the own delay and never 5 s more.",
        ],
        source: "boto/botocore@0e6e2404: tests/unit/retries/test_standard_retry_v2_1.py",
    }
}

pub(super) mod adaptive {
    use super::*;

    const ROWS: &[Named] = &[
        MODE_ROWS[0],
        MODE_ROWS[1],
        MODE_ROWS[2],
        MODE_ROWS[3],
        MODE_ROWS[4],
        MODE_ROWS[5],
        MODE_ROWS[6],
        MODE_ROWS[7],
        MODE_ROWS[8],
        ("adaptive", "", "Whether the client finds out how fast it may send."),
    ];

    pub(in crate::policy::retry) fn settings() -> RetrySettings {
        RetrySettings { adaptive: true, ..super::standard::settings() }
    }

    preset! {
        name: "aws-adaptive",
        about: "The standard mode, and once it was turned away the client waits before it sends, at a rate like TCP CUBIC's.",
        rules: &[
            QUOTA_RULES[0],
            QUOTA_RULES[1],
            "Off until the first attempt that is turned away; then the rate falls to 70% of what is measured.",
            "It grows as 0.4 * (t - k)^3 + w with k = cbrt(w * 0.3 / 0.4), and is never more than twice what is measured, \
             nor less than one every other second.",
            "What is sent is measured in half seconds, of which the last counts 80%.",
            "All attempts of a client wait for one bucket: who shares a client is slowed down by the others' throttling.",
        ],
        source: "boto/botocore@0e6e2404: botocore/retries/{adaptive,throttling,bucket}.py",
    }
}
