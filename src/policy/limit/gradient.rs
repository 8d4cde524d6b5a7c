//! Envoy's adaptive concurrency (`gradient_controller.cc` at 054694f9): now and then it lets in only a few and measures how
//! long requests take without a queue; in between, the limit follows what they take with one. Time passes when it is
//! asked or told something; it has no timer of its own.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};

use super::traced::{TRACE_INPUT, traced};

/// After so many windows at the smallest limit, the time without a queue is measured anew.
const WINDOWS_AT_MIN: u32 = 5;

settings! {
    /// The knobs of [`Gradient`]. Envoy has no default for two of them; the default here takes those of its documentation.
    pub struct GradientSettings {
        /// The smallest limit, and the one with which the time without a queue is measured.
        min: u32 = 3, "min_rtt_calc_params.min_concurrency";
        /// It is never more.
        max: u32 = 1000, "concurrency_limit_params.max_concurrency_limit";
        /// How much longer than without a queue requests may take.
        buffer: Share = percent(25.0), "min_rtt_calc_params.buffer (%)";
        /// How often the limit follows.
        window: Span = Span::from_millis(100), "concurrency_limit_params.concurrency_update_interval (ms)";
        /// How long after it was measured the time without a queue is measured again.
        min_rtt_interval: Span = Span::from_secs(60), "min_rtt_calc_params.interval (ms)";
        /// How much later that may be, drawn each time.
        min_rtt_jitter: Share = percent(15.0), "min_rtt_calc_params.jitter (%)";
        /// Requests with which it is measured.
        min_rtt_requests: u32 = 50, "min_rtt_calc_params.request_count";
        /// Which of the times of a window counts: 50% is the median.
        percentile: Share = percent(50.0), "sample_aggregate_percentile (%)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Limit,
    name: "envoy",
    about: "Envoy's adaptive concurrency: now and then it measures what requests take without a queue, and follows that.",
    rules: &[
        "It starts with a measurement: only `min` requests at a time until 50 have ended.",
        "The gradient is the time without a queue, with the buffer, over the median of the window, between a half and two.",
        "The new limit is limit * gradient, and room for its square root on top.",
        "Five windows in a row at the smallest limit begin a measurement, too.",
        "A window in which nothing ended changes nothing.",
    ],
    source: "envoyproxy/envoy gradient_controller.cc@054694f9; the two intervals are those of its documentation",
    trace_input: TRACE_INPUT,
    parameters: GradientSettings::parameters,
    trace: traced::<GradientSettings>,
};

impl GradientSettings {
    /// The limit after a window in which requests took `sample`.
    pub fn next_limit(&self, limit: u32, min_rtt: Span, sample: Span) -> u32 {
        let allowed = min_rtt.as_nanos() as f64 * (1.0 + self.buffer.as_f64());
        let gradient = (allowed / sample.max(Span::from_nanos(1)).as_nanos() as f64).clamp(0.5, 2.0);
        let limit = f64::from(limit) * gradient;
        ((limit + limit.sqrt()) as u32).min(self.max).max(self.min)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Gradient {
    settings: GradientSettings,
    limit: u32,
    /// What the limit was before the time without a queue began to be measured.
    deferred: Option<u32>,
    min_rtt: Span,
    /// Times of the window, or of the measurement under way.
    samples: Vec<Span>,
    /// Requests from before are not measured.
    epoch: Time,
    window_ends: Time,
    measures_at: Time,
    windows_at_min: u32,
    stream: Stream,
}

impl Gradient {
    /// At its start, which is a measurement; `stream` is its own.
    pub fn new(settings: &GradientSettings, now: Time, stream: Stream) -> Gradient {
        Gradient {
            settings: *settings,
            limit: settings.min,
            deferred: Some(settings.min),
            min_rtt: Span::ZERO,
            samples: Vec::new(),
            epoch: now,
            window_ends: Time::MAX,
            measures_at: Time::MAX,
            windows_at_min: 0,
            stream,
        }
    }

    /// How many may be in.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Whether it measures the time without a queue.
    pub fn measures(&self) -> bool {
        self.deferred.is_some()
    }

    /// Ends the windows that are over, and begins to measure if it is time.
    pub fn advance(&mut self, now: Time) {
        while !self.measures() && now >= self.window_ends.min(self.measures_at) {
            if self.measures_at <= self.window_ends {
                self.deferred = Some(self.limit);
                self.limit = self.settings.min;
                self.samples.clear();
                self.epoch = self.measures_at;
                self.windows_at_min = 0;
                return;
            }
            let end = self.window_ends;
            if self.samples.is_empty() {
                // Nothing changes until somebody ends: the windows in between are passed at one stride.
                let length = self.settings.window.as_nanos();
                let until = now.min(self.measures_at);
                let strides = until.since(end).as_nanos() / length + 1;
                self.window_ends = end + Span::from_nanos(length.saturating_mul(strides));
                continue;
            }
            self.window_ends = end + self.settings.window;
            let sample = self.percentile();
            let new = self.settings.next_limit(self.limit, self.min_rtt, sample);
            let stays_at_min = self.limit == self.settings.min && new == self.settings.min;
            self.windows_at_min = if stays_at_min { self.windows_at_min + 1 } else { 0 };
            self.limit = new;
            if self.windows_at_min >= WINDOWS_AT_MIN {
                self.measures_at = end;
            }
        }
    }

    /// One has ended at `now`, after `rtt`.
    pub fn sample(&mut self, now: Time, rtt: Span) {
        self.advance(now);
        // It came before the measurement began.
        if self.measures() && now.since(self.epoch) < rtt {
            return;
        }
        self.samples.push(rtt);
        if self.measures() && self.samples.len() >= self.settings.min_rtt_requests as usize {
            self.min_rtt = self.percentile();
            self.limit = self.deferred.take().unwrap_or(self.limit);
            let interval = self.settings.min_rtt_interval;
            let jitter = interval.as_nanos() as f64 * self.settings.min_rtt_jitter.as_f64() * self.stream.uniform();
            self.measures_at = now + interval + Span::from_nanos_f64(jitter);
            self.window_ends = now + self.settings.window;
        }
    }

    /// The time that counts of those that were sampled, which are forgotten.
    fn percentile(&mut self) -> Span {
        let rank = (self.samples.len() as f64 * self.settings.percentile.as_f64()).ceil() as usize;
        let place = rank.clamp(1, self.samples.len()) - 1;
        let (_, &mut found, _) = self.samples.select_nth_unstable(place);
        self.samples.clear();
        found
    }
}
