//! Netflix's `Gradient2Limit` (concurrency-limits 78a74b98): requests that take longer lately than in the long run say
//! that there is a queue, and the limit shrinks by as much; else it grows by the queue that is allowed.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};

use super::traced::{TRACE_INPUT, traced};

/// Samples of which the long run is the plain mean, before it is an exponential one.
const WARM_UP: u32 = 10;

settings! {
    /// The knobs of [`Gradient2`]; the default is the library's.
    pub struct Gradient2Settings {
        /// What it starts with.
        initial: u32 = 20, "initialLimit";
        /// It is never less.
        min: u32 = 20, "minLimit";
        /// It is never more.
        max: u32 = 200, "maxConcurrency";
        /// How much of a new limit counts at once; 100% is all of it.
        smoothing: Share = percent(20.0), "smoothing";
        /// The queue that is allowed.
        queue: u32 = 4, "queueSize";
        /// Samples that the long run is about.
        long_window: u32 = 600, "longWindow";
        /// How many times longer than in the long run a request may take.
        tolerance: f64 = 1.5, "rttTolerance";
        /// Over how long it takes the mean of what requests take; zero looks at each request by itself.
        window: Span = Span::from_secs(1), "WindowedLimit.maxWindowTime (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Limit,
    name: "gradient2",
    about: "Shrinks when requests take longer lately than in the long run, and grows by the queue that is allowed.",
    rules: &[
        "The gradient is tolerance * long run / lately, between a half and one.",
        "The long run is the plain mean of the first ten samples, then an exponential one over 600.",
        "While requests take less than half of the long run, that is forgotten five hundredths at a time.",
        "Nothing changes while less than half of the limit is in use; drops alone do not shrink it.",
    ],
    source: "Netflix/concurrency-limits@78a74b98, Gradient2Limit",
    trace_input: TRACE_INPUT,
    parameters: Gradient2Settings::parameters,
    trace: traced::<Gradient2Settings>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Gradient2 {
    settings: Gradient2Settings,
    limit: f64,
    /// What requests take in the long run, in nanoseconds.
    long: f64,
    /// The sum of the first samples, and how many they are.
    sum: f64,
    count: u32,
}

impl Gradient2 {
    /// At its start.
    pub fn new(settings: &Gradient2Settings) -> Gradient2 {
        Gradient2 { settings: *settings, limit: f64::from(settings.initial), long: 0.0, sum: 0.0, count: 0 }
    }

    /// How many may be in.
    pub fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// The same, with its fraction.
    pub fn estimate(&self) -> f64 {
        self.limit
    }

    /// One has ended after `rtt`, which was let in as number `in_flight`.
    pub fn sample(&mut self, rtt: Span, in_flight: u32) {
        let Gradient2Settings { min, max, smoothing, queue, long_window, tolerance, .. } = self.settings;
        let short = rtt.max(Span::from_nanos(1)).as_nanos() as f64;
        if self.count < WARM_UP {
            self.count += 1;
            self.sum += short;
            self.long = self.sum / f64::from(self.count);
        } else {
            let factor = 2.0 / (f64::from(long_window) + 1.0);
            self.long = self.long * (1.0 - factor) + short * factor;
        }
        let long = self.long;
        if long / short > 2.0 {
            self.long *= 0.95;
        }
        if f64::from(in_flight) < self.limit / 2.0 {
            return;
        }
        let gradient = (tolerance * long / short).clamp(0.5, 1.0);
        let new = self.limit * gradient + f64::from(queue);
        let smoothing = smoothing.as_f64();
        let new = self.limit * (1.0 - smoothing) + new * smoothing;
        self.limit = new.min(f64::from(max)).max(f64::from(min));
    }
}
