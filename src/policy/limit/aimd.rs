//! Additive increase, multiplicative decrease, as Netflix's `AIMDLimit` (concurrency-limits 78a74b98): one more after
//! every request that ends in time while at least half of the limit is used, a tenth less after one that does not.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};

use super::traced::{TRACE_INPUT, traced};

settings! {
    /// The knobs of [`Aimd`]; the default is the library's.
    pub struct AimdSettings {
        /// What it starts with.
        initial: u32 = 20, "initialLimit";
        /// It is never less.
        min: u32 = 20, "minLimit";
        /// It is never more.
        max: u32 = 200, "maxLimit";
        /// What is left of it after a drop.
        backoff: Share = percent(90.0), "backoffRatio";
        /// A request that takes longer counts as dropped.
        timeout: Span = Span::from_secs(5), "timeout (ms)";
        /// Over how long it takes the mean of what requests take; zero looks at each request by itself.
        window: Span = Span::ZERO, "WindowedLimit.maxWindowTime (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Limit,
    name: "aimd",
    about: "One more after every request that ends in time while half of the limit is used, a tenth less after a drop.",
    rules: &[
        "A drop is a request that timed out, was turned away further on, or took longer than the timeout; an error is none.",
        "The limit grows only if at least half of it was in use when the request came.",
        "What shrinks is rounded down.",
    ],
    source: "Netflix/concurrency-limits@78a74b98, AIMDLimit",
    trace_input: TRACE_INPUT,
    parameters: AimdSettings::parameters,
    trace: traced::<AimdSettings>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Aimd {
    settings: AimdSettings,
    limit: u32,
}

impl Aimd {
    /// At its start.
    pub fn new(settings: &AimdSettings) -> Aimd {
        Aimd { settings: *settings, limit: settings.initial }
    }

    /// How many may be in.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// One has ended after `rtt`, which was let in as number `in_flight`.
    pub fn sample(&mut self, rtt: Span, in_flight: u32, dropped: bool) {
        let AimdSettings { min, max, backoff, timeout, .. } = self.settings;
        if dropped || rtt > timeout {
            self.limit = (f64::from(self.limit) * backoff.as_f64()) as u32;
        } else if u64::from(in_flight) * 2 >= u64::from(self.limit) {
            self.limit += 1;
        }
        self.limit = self.limit.min(max).max(min);
    }
}
