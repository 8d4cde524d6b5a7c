//! The adaptive mode of the SDKs of AWS (botocore 0e6e2404, `retries/adaptive.py`, `retries/throttling.py`): once the server
//! has turned a client away, it sends no faster than a rate that grows with the time since then as TCP CUBIC's window
//! does, and at most twice as fast as it has measured itself to send.

use crate::base::time::{Span, Time};

/// What is left of the rate after an attempt that was turned away.
const BETA: f64 = 0.7;
/// How fast it grows.
const SCALE: f64 = 0.4;
/// The lowest rate, per second.
const RATE_MIN: f64 = 0.5;
/// It sends at most so many times as fast as it has measured.
const FASTER_MAX: f64 = 2.0;
/// Over which time it measures, in seconds.
const MEASURED_OVER: f64 = 0.5;
/// What the latest measurement counts.
const SMOOTHING: f64 = 0.8;

/// A rate over time as the window of TCP CUBIC. Rates are per second, times in seconds.
#[derive(Clone, Debug)]
pub struct Cubic {
    w_max: f64,
    k: f64,
    last_fail: f64,
}

impl Cubic {
    /// At a rate, at a time.
    pub fn new(rate: f64, now: f64) -> Cubic {
        Cubic { w_max: rate, k: zero_point(rate), last_fail: now }
    }

    /// An attempt was answered: the rate from now on.
    pub fn succeeded(&self, now: f64) -> f64 {
        let x = now - self.last_fail - self.k;
        SCALE * x * x * x + self.w_max
    }

    /// An attempt was turned away while it sent at `rate`: the rate from now on.
    pub fn throttled(&mut self, rate: f64, now: f64) -> f64 {
        *self = Cubic::new(rate, now);
        rate * BETA
    }

    /// The rate at the last failure, and after how many seconds it is reached again.
    pub fn figures(&self) -> (f64, f64) {
        (self.w_max, self.k)
    }
}

fn zero_point(w_max: f64) -> f64 {
    libm::cbrt(w_max * (1.0 - BETA) / SCALE)
}

/// See the module.
#[derive(Clone, Debug)]
pub struct AdaptiveRate {
    cubic: Cubic,
    is_on: bool,
    /// Tokens per second that come.
    rate: f64,
    capacity: f64,
    tokens: f64,
    filled_at: f64,
    /// Ended attempts since the measurement before, when that was, and what it found.
    counted: f64,
    measured_at: f64,
    measured: f64,
}

impl AdaptiveRate {
    /// Off.
    pub fn new() -> AdaptiveRate {
        AdaptiveRate {
            cubic: Cubic::new(RATE_MIN, 0.0),
            is_on: false,
            rate: RATE_MIN,
            capacity: 1.0,
            tokens: 0.0,
            filled_at: 0.0,
            counted: 0.0,
            measured_at: 0.0,
            measured: 0.0,
        }
    }

    /// An attempt wants to go: how long it waits. What it takes is taken at once, so that the next one waits behind it.
    pub fn acquire(&mut self, now: Time) -> Span {
        if !self.is_on {
            return Span::ZERO;
        }
        self.fill(now.as_secs_f64());
        self.tokens -= 1.0;
        Span::from_secs_f64((-self.tokens).max(0.0) / self.rate)
    }

    /// An attempt has ended.
    pub fn ended(&mut self, now: Time, was_turned_away: bool) {
        let now = now.as_secs_f64();
        self.measure(now);
        let cubic_rate = if was_turned_away {
            let rate = if self.is_on { self.measured.min(self.rate) } else { self.measured };
            self.is_on = true;
            self.cubic.throttled(rate, now)
        } else {
            self.cubic.succeeded(now)
        };
        self.fill(now);
        self.rate = send_rate(cubic_rate, self.measured);
        self.capacity = self.rate.max(1.0);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// Tokens per second that it lets go, once it is on.
    pub fn rate(&self) -> Option<f64> {
        self.is_on.then_some(self.rate)
    }

    fn fill(&mut self, now: f64) {
        self.tokens = (self.tokens + (now - self.filled_at) * self.rate).min(self.capacity);
        self.filled_at = now;
    }

    fn measure(&mut self, now: f64) {
        let at = libm::floor(now / MEASURED_OVER) * MEASURED_OVER;
        self.counted += 1.0;
        if at > self.measured_at {
            let rate = self.counted / (at - self.measured_at);
            self.measured = rate * SMOOTHING + self.measured * (1.0 - SMOOTHING);
            (self.counted, self.measured_at) = (0.0, at);
        }
    }
}

impl Default for AdaptiveRate {
    fn default() -> AdaptiveRate {
        AdaptiveRate::new()
    }
}

/// How fast it sends: as the cubic says, but at most twice as fast as measured, and at least every other second.
pub fn send_rate(cubic: f64, measured: f64) -> f64 {
    cubic.min(FASTER_MAX * measured).max(RATE_MIN)
}
