//! Additive increase, multiplicative decrease, as Netflix's `AIMDLimit` (concurrency-limits 78a74b98): one more after
//! every request that ends in time while at least half of the limit is used, a tenth less after one that does not.

use crate::base::time::Span;
use crate::base::units::Share;

/// The knobs of [`Aimd`]; the default is the library's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AimdSettings {
    /// What it starts with.
    pub initial: u32,
    /// It is never less.
    pub min: u32,
    /// It is never more.
    pub max: u32,
    /// What is left of it after a drop.
    pub backoff: Share,
    /// A request that takes longer counts as dropped.
    pub timeout: Span,
}

impl Default for AimdSettings {
    fn default() -> Self {
        let backoff = Share::new(0.9).expect("nine tenths are a share");
        AimdSettings { initial: 20, min: 20, max: 200, backoff, timeout: Span::from_secs(5) }
    }
}

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
