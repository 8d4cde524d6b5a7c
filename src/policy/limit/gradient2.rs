//! Netflix's `Gradient2Limit` (concurrency-limits 78a74b98): requests that take longer lately than in the long run say
//! that there is a queue, and the limit shrinks by as much; else it grows by the queue that is allowed.

use crate::base::time::Span;

/// Samples of which the long run is the plain mean, before it is an exponential one.
const WARM_UP: u32 = 10;

/// The knobs of [`Gradient2`]; the default is the library's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient2Settings {
    /// What it starts with.
    pub initial: u32,
    /// It is never less.
    pub min: u32,
    /// It is never more.
    pub max: u32,
    /// How much of a new limit counts at once; 1 is all of it.
    pub smoothing: f64,
    /// The queue that is allowed.
    pub queue: u32,
    /// Samples that the long run is about.
    pub long_window: u32,
    /// How many times longer than in the long run a request may take.
    pub tolerance: f64,
}

impl Default for Gradient2Settings {
    fn default() -> Self {
        Gradient2Settings { initial: 20, min: 20, max: 200, smoothing: 0.2, queue: 4, long_window: 600, tolerance: 1.5 }
    }
}

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
        let new = self.limit * (1.0 - smoothing) + new * smoothing;
        self.limit = new.min(f64::from(max)).max(f64::from(min));
    }
}
