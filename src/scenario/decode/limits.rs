//! Limits under the names of the libraries that they come from.

use crate::model::ZoneAware;

use super::words::Words;

/// Limits that learn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimitPreset {
    /// Netflix' additive increase, multiplicative decrease.
    Aimd,
    /// Netflix' Vegas.
    Vegas,
    /// Netflix' second gradient.
    Gradient2,
    /// Envoy's adaptive concurrency.
    Envoy,
    /// Envoy's admission control.
    EnvoyAdmission,
}

impl Words for LimitPreset {
    const WHAT: &'static str = "a preset of limits";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("aimd", LimitPreset::Aimd),
        ("vegas", LimitPreset::Vegas),
        ("gradient2", LimitPreset::Gradient2),
        ("envoy", LimitPreset::Envoy),
        ("envoy-admission", LimitPreset::EnvoyAdmission),
    ];
    const LATER: &'static [&'static str] = &[];
}

/// Rate limits of libraries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RateLimitPreset {
    /// resilience4j's.
    Resilience4j,
}

impl Words for RateLimitPreset {
    const WHAT: &'static str = "a preset of rate limits";
    const WORDS: &'static [(&'static str, Self)] = &[("resilience4j", RateLimitPreset::Resilience4j)];
    const LATER: &'static [&'static str] = &[];
}

/// Bulkheads of libraries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BulkheadPreset {
    /// resilience4j's semaphore.
    Resilience4j,
    /// resilience4j's pool of threads.
    Resilience4jThreads,
    /// Hystrix' pool of threads.
    Hystrix,
    /// Hystrix' semaphore.
    HystrixSemaphore,
}

impl Words for BulkheadPreset {
    const WHAT: &'static str = "a preset of bulkheads";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("resilience4j", BulkheadPreset::Resilience4j),
        ("resilience4j-threads", BulkheadPreset::Resilience4jThreads),
        ("hystrix", BulkheadPreset::Hystrix),
        ("hystrix-semaphore", BulkheadPreset::HystrixSemaphore),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Words for ZoneAware {
    const WHAT: &'static str = "what zones mean";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", ZoneAware::Off), ("prefer", ZoneAware::Prefer), ("envoy", ZoneAware::Envoy)];
    const LATER: &'static [&'static str] = &[];
}
