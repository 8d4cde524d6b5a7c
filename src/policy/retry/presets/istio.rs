//! Istio's default retries for HTTP, which its sidecars do: Envoy with `connect-failure, refused-stream, unavailable,
//! cancelled` and 503.

use super::envoy::ROWS;
use super::*;

pub(in crate::policy::retry) fn settings() -> RetrySettings {
    RetrySettings { attempts: 3, on: Outcomes::UNAVAILABLE, quota: None, ..super::envoy::settings() }
}

/// Its limit of retries is 2³² − 1: none.
const OWN_ROWS: usize = 4;

pub(in crate::policy::retry) const PRESET: Preset = Preset {
    kind: Kind::Retry,
    name: "istio",
    about: "Two retries of what the server has not taken on, after up to 25 and 50 ms.",
    rules: &[
        "On by default for HTTP, for connect-failure, refused-stream, unavailable, cancelled and 503.",
        "Envoy's limit of three retries at a time is lifted: there is none.",
        "Envoy's delays: any part of 25, 50, 100, 200, 250 ms.",
    ],
    source: "istio/api: virtual_service, destination_rule; envoyproxy/envoy: common/backoff_strategy.cc",
    trace_input: TRACE_INPUT,
    parameters: own_parameters,
    trace: own_trace,
};

fn own_parameters() -> Vec<Parameter> {
    parameters(&settings(), &ROWS[..OWN_ROWS])
}

fn own_trace(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    traced(settings(), &ROWS[..OWN_ROWS], set)
}
