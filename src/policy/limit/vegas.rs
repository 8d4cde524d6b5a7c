//! The limit of TCP Vegas for requests, as Netflix's `VegasLimit` (concurrency-limits 78a74b98): the shortest time that a
//! request ever took is one without a queue; what the others take longer is the queue, which is kept between α and β.

use crate::base::random::Stream;
use crate::base::time::Span;

/// Samples after which the shortest time is measured anew, for every one that may be in.
const PROBE_MULTIPLIER: f64 = 30.0;

/// The knobs of [`Vegas`]; the default is the library's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VegasSettings {
    /// What it starts with.
    pub initial: u32,
    /// It is never more; nor ever less than one.
    pub max: u32,
    /// How much of a new limit counts at once; 1 is all of it.
    pub smoothing: f64,
    /// A queue below so many times the decimal logarithm of the limit is short.
    pub alpha: u32,
    /// A queue above so many times the decimal logarithm of the limit is long.
    pub beta: u32,
}

impl Default for VegasSettings {
    fn default() -> Self {
        VegasSettings { initial: 20, max: 1000, smoothing: 1.0, alpha: 3, beta: 6 }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Vegas {
    settings: VegasSettings,
    limit: f64,
    /// The shortest time of a request since the last probe; zero before the first sample.
    shortest: Span,
    samples: u64,
    /// How much earlier than at its full time the next probe comes.
    jitter: f64,
    stream: Stream,
}

impl Vegas {
    /// At its start; `stream` is its own.
    pub fn new(settings: &VegasSettings, stream: Stream) -> Vegas {
        let mut vegas = Vegas {
            settings: *settings,
            limit: f64::from(settings.initial),
            shortest: Span::ZERO,
            samples: 0,
            jitter: 1.0,
            stream,
        };
        vegas.draw_jitter();
        vegas
    }

    /// How many may be in.
    pub fn limit(&self) -> u32 {
        self.limit as u32
    }

    fn draw_jitter(&mut self) {
        self.jitter = 0.5 + self.stream.uniform() / 2.0;
    }

    /// One has ended after `rtt`, which was let in as number `in_flight`.
    pub fn sample(&mut self, rtt: Span, in_flight: u32, dropped: bool) {
        let rtt = rtt.max(Span::from_nanos(1));
        self.samples += 1;
        if self.jitter * PROBE_MULTIPLIER * self.limit <= self.samples as f64 {
            self.draw_jitter();
            self.samples = 0;
            self.shortest = rtt;
            return;
        }
        if self.shortest.is_zero() || rtt < self.shortest {
            self.shortest = rtt;
            return;
        }
        let VegasSettings { max, smoothing, alpha, beta, .. } = self.settings;
        let queue = (self.limit * (1.0 - self.shortest.as_nanos() as f64 / rtt.as_nanos() as f64)).ceil();
        let step = f64::from((self.limit as u32).max(1).ilog10().max(1));
        let (alpha, beta) = (f64::from(alpha) * step, f64::from(beta) * step);
        let new = if dropped {
            self.limit - step
        } else if f64::from(in_flight) * 2.0 < self.limit {
            return;
        } else if queue <= step {
            self.limit + beta
        } else if queue < alpha {
            self.limit + step
        } else if queue > beta {
            self.limit - step
        } else {
            return;
        };
        let new = new.min(f64::from(max)).max(1.0);
        self.limit = (1.0 - smoothing) * self.limit + smoothing * new;
    }
}
