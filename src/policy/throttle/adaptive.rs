//! Client-side throttling as in chapter 21 of Google's SRE book: a request is held back with the probability
//! `max(0, (requests − K × accepts) / (requests + 1))`, where both were counted over the last minutes. `requests` are
//! all that somebody wanted to send, those held back too: otherwise the throttle would forget why it throttles.

use crate::base::time::Time;

use super::{Throttle, ThrottleSettings};

/// The window is counted in so many parts, of which the oldest is forgotten as a whole: what is counted is between
/// 119/120 of the window and all of it.
const PARTS: u64 = 120;

/// See the module.
#[derive(Clone, Debug)]
pub struct AdaptiveThrottle {
    multiplier: f64,
    part_nanos: u64,
    /// A ring of parts: how much each adds to the sums.
    parts: Box<[Counts]>,
    /// The part that counts now, from the start of the run.
    part: u64,
    sums: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    accepts: u64,
}

impl AdaptiveThrottle {
    /// One that has seen nothing yet.
    pub fn new(settings: &ThrottleSettings) -> AdaptiveThrottle {
        AdaptiveThrottle {
            multiplier: settings.multiplier,
            part_nanos: settings.window.as_nanos().div_ceil(PARTS).max(1),
            parts: vec![Counts::default(); PARTS as usize].into_boxed_slice(),
            part: 0,
            sums: Counts::default(),
        }
    }

    /// The chance that the next request is held back.
    pub fn probability(&self) -> f64 {
        let (requests, accepts) = (self.sums.requests as f64, self.sums.accepts as f64);
        ((requests - self.multiplier * accepts) / (requests + 1.0)).max(0.0)
    }

    /// The same at `now`, once what is too old is forgotten.
    pub fn probability_at(&mut self, now: Time) -> f64 {
        self.pass(now);
        self.probability()
    }

    /// Forgets what has left the window, and returns where `now` counts.
    fn pass(&mut self, now: Time) -> &mut Counts {
        let part = now.as_nanos() / self.part_nanos;
        for passed in self.part + 1..=part.min(self.part.saturating_add(PARTS)) {
            let old = std::mem::take(&mut self.parts[(passed % PARTS) as usize]);
            self.sums.requests -= old.requests;
            self.sums.accepts -= old.accepts;
        }
        self.part = part;
        &mut self.parts[(part % PARTS) as usize]
    }
}

impl Throttle for AdaptiveThrottle {
    fn permit(&mut self, now: Time, uniform: f64) -> bool {
        self.pass(now).requests += 1;
        // What came before decides; it counts whatever becomes of it.
        let held_back = uniform < self.probability();
        self.sums.requests += 1;
        !held_back
    }

    fn accepted(&mut self, now: Time) {
        self.pass(now).accepts += 1;
        self.sums.accepts += 1;
    }
}
