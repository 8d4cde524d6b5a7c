//! The limit of TCP Vegas for requests, as Netflix's `VegasLimit` (concurrency-limits 78a74b98): the shortest time that a
//! request ever took is one without a queue; what the others take longer is the queue, which is kept between α and β.

use crate::base::random::Stream;
use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, settings};

use super::traced::{TRACE_INPUT, traced};

/// Samples after which the shortest time is measured anew, for every one that may be in.
const PROBE_MULTIPLIER: f64 = 30.0;

settings! {
    /// The knobs of [`Vegas`]; the default is the library's.
    pub struct VegasSettings {
        /// What it starts with.
        initial: u32 = 20, "initialLimit";
        /// It is never more; nor ever less than one.
        max: u32 = 1000, "maxConcurrency";
        /// How much of a new limit counts at once; 100% is all of it.
        smoothing: Share = Share::ONE, "smoothing";
        /// A queue below so many times the decimal logarithm of the limit is short.
        alpha: u32 = 3, "alpha";
        /// A queue above so many times the decimal logarithm of the limit is long.
        beta: u32 = 6, "beta";
        /// Over how long it takes the mean of what requests take; zero looks at each request by itself.
        window: Span = Span::ZERO, "WindowedLimit.maxWindowTime (ms)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Limit,
    name: "vegas",
    about: "Keeps the queue between three and six times the logarithm of the limit, as TCP Vegas does.",
    rules: &[
        "The queue is what requests take longer than the shortest one did: limit * (1 - shortest / time), rounded up.",
        "The shortest time is measured anew after 15 to 30 samples for every request of the limit.",
        "A very short queue lets it grow by beta at once, a short one by one step; the limit grows only if half is in use.",
        "The shortest time is that of a queue, too, if there always was one: then the limit grows for ever.",
    ],
    source: "Netflix/concurrency-limits@78a74b98, VegasLimit",
    trace_input: TRACE_INPUT,
    parameters: VegasSettings::parameters,
    trace: traced::<VegasSettings>,
};

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
        let smoothing = smoothing.as_f64();
        self.limit = (1.0 - smoothing) * self.limit + smoothing * new;
    }
}
