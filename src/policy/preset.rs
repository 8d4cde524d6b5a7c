//! Settings under the names of the libraries they come from: their published defaults, with the version read.

use crate::base::time::Span;
use crate::base::units::Share;

use super::breaker::BreakerSettings;
use super::bulkhead::BulkheadSettings;
use super::rate::RateLimitSettings;
use super::retry::{Backoff, Jitter, RetrySettings, RetryThrottleSettings};
use super::throttle::ThrottleSettings;
use super::{Outcome, Outcomes};

/// Names that [`retry_preset`] knows.
pub const RETRY_PRESETS: &[&str] = &["grpc", "istio", "resilience4j"];

/// Names that [`breaker_preset`] knows.
pub const BREAKER_PRESETS: &[&str] = &["resilience4j"];

/// Names that [`throttle_preset`] knows.
pub const THROTTLE_PRESETS: &[&str] = &["sre"];

/// Names of real libraries and servers that have no preset yet.
pub const COMING_PRESETS: &[&str] =
    &["aws-sdk", "envoy", "failsafe", "finagle", "hystrix", "kafka", "linkerd", "polly"];

/// The server has not taken the request on: gRPC's `UNAVAILABLE`, HTTP's 503, or no connection.
const UNAVAILABLE: Outcomes = Outcomes::of(&[Outcome::Rejected, Outcome::Refused]);

/// The retry settings that `name` ships with.
pub fn retry_preset(name: &str) -> Option<RetrySettings> {
    match name {
        // resilience4j af9e7c97, RetryConfig: randomisation is there, but off.
        "resilience4j" => Some(RetrySettings {
            attempts: 3,
            on: Outcomes::ALL,
            backoff: Backoff::Fixed(Span::from_millis(500)),
            jitter: Jitter::None,
            budget: None,
            throttle: None,
        }),
        // gRFC A6 (proposal 1fd061ad): there is no default, and these are the values of its examples; the jitter is fixed.
        "grpc" => Some(RetrySettings {
            attempts: 4,
            on: UNAVAILABLE,
            backoff: Backoff::Exponential { base: Span::from_millis(100), factor: 2.0, cap: Span::from_secs(1) },
            jitter: Jitter::Around(Share::new(0.2).expect("a fifth is a share")),
            budget: None,
            throttle: Some(RetryThrottleSettings { max_tokens: 10, token_thousandths: 100 }),
        }),
        // Istio's default for HTTP: two retries of connect-failure, refused-stream, unavailable, cancelled and 503, after
        // 25 ms or more; Envoy's intervals are 25, 50, 100, 200, 250 ms, of which any part is waited.
        "istio" => Some(RetrySettings {
            attempts: 3,
            on: UNAVAILABLE,
            backoff: Backoff::Exponential { base: Span::from_millis(25), factor: 2.0, cap: Span::from_millis(250) },
            jitter: Jitter::Full,
            budget: None,
            throttle: None,
        }),
        _ => None,
    }
}

/// The throttle settings that `name` ships with.
pub fn throttle_preset(name: &str) -> Option<ThrottleSettings> {
    match name {
        // Site Reliability Engineering (2016), chapter 21: K = 2 over two minutes.
        "sre" => Some(ThrottleSettings { multiplier: 2.0, window: Span::from_secs(120) }),
        _ => None,
    }
}

/// The settings of a client's rate limit that `name` ships with.
pub fn rate_limit_preset(name: &str) -> Option<RateLimitSettings> {
    match name {
        // resilience4j af9e7c97, RateLimiterConfig.
        "resilience4j" => {
            Some(RateLimitSettings::Cycles { limit: 50, period: Span::from_nanos(500), timeout: Span::from_secs(5) })
        }
        _ => None,
    }
}

/// The settings of a bulkhead that `name` ships with.
pub fn bulkhead_preset(name: &str) -> Option<BulkheadSettings> {
    match name {
        // resilience4j af9e7c97, BulkheadConfig.
        "resilience4j" => Some(BulkheadSettings::Semaphore { max: 25, max_wait: Span::ZERO }),
        // The same, ThreadPoolBulkheadConfig: as many threads as there are processors, of which one less stay. Of four.
        "resilience4j-threads" => {
            Some(BulkheadSettings::Threads { core: 3, max: 4, queue: 100, keep_alive: Span::from_millis(20) })
        }
        // Hystrix, HystrixThreadPoolProperties: ten threads, and no queue.
        "hystrix" => Some(BulkheadSettings::Threads { core: 10, max: 10, queue: 0, keep_alive: Span::from_secs(60) }),
        // The same, HystrixCommandProperties.
        "hystrix-semaphore" => Some(BulkheadSettings::Semaphore { max: 10, max_wait: Span::ZERO }),
        _ => None,
    }
}

/// The breaker settings that `name` ships with.
pub fn breaker_preset(name: &str) -> Option<BreakerSettings> {
    match name {
        // resilience4j af9e7c97, CircuitBreakerConfig.
        "resilience4j" => Some(BreakerSettings {
            window: 100,
            minimum_calls: 100,
            failure_rate: Share::new(0.5).expect("a half is a share"),
            slow_call_duration: Span::from_secs(60),
            slow_call_rate: Share::ONE,
            open_for: Span::from_secs(60),
            half_open_calls: 10,
        }),
        _ => None,
    }
}
