//! Finagle's failure accrual (`FailureAccrualFactory`, `FailureAccrualPolicy`): by failures in a row or by a success rate,
//! per host.

use crate::base::random::Key;
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::Outcome;
use crate::policy::registry::{Kind, Preset};
use crate::policy::retry::Jitter;
use crate::policy::settings::{Settings, percent, settings};

use super::Outlier;
use super::accrual::{Accrual, doubling};
use super::own::{OwnOutlier, TRACE_INPUT, traced};

settings! {
    /// What Finagle's failure accrual can be told.
    pub struct FinagleOutlierSettings {
        /// Failures in a row that mark a host dead.
        consecutive: u32 = 5, "numFailures";
        /// A success rate below this marks it dead, too: a moving mean in which what is older counts ever less.
        success_rate: Share = percent(80.0), "requiredSuccessRate";
        /// What is so long ago counts 1/e in that mean; it does not count at all before the host has been up for so long.
        window: Span = Span::from_secs(30), "window (s)";
        /// Requests in that time before it is.
        success_rate_requests: u32 = 5, "minRequestThreshold";
        /// How long it is dead the first time, half of it by chance; each time in a row twice as long.
        base_ejection_time: Span = Span::from_secs(5), "markDeadFor start (s)";
        /// The longest that it is dead.
        max_ejection_time: Span = Span::from_secs(300), "markDeadFor maximum (s)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Outlier,
    name: "finagle",
    about: "Five failures in a row, or fewer than 80% successes in 30 s, mark a host dead for 5 s and up to 300 s; one probe \
            decides.",
    rules: &[
        "On by default. Either rule suffices; both look at every failure.",
        "The success rate is a moving mean, `old * w + new * (1 - w)` with w = exp(-ms since the last one / 30 000); it marks \
         nobody dead in the first 30 s, nor in the first 30 s after a host has come back.",
        "Dead for v/2 + U(0, v/2), with v doubling from 5 s to 300 s.",
        "Then one request probes: a success brings the host back and forgets all, a failure doubles the time.",
        "When all hosts are dead they are used as if none were.",
    ],
    source: "twitter/finagle@91d24c33: liveness/FailureAccrualPolicy.scala (successRateWithinDuration, orElse), util/Ema.scala, \
             loadbalancer/Balancers.scala (a balancer that finds nobody open in 5 picks takes the last one)",
    trace_input: TRACE_INPUT,
    parameters: FinagleOutlierSettings::parameters,
    trace: traced::<FinagleOutlierSettings, FinagleOutlier>,
};

/// Slices that requests are forgotten in.
const SLICES: u64 = 5;

#[derive(Clone, Debug, Default)]
struct Lately {
    /// Requests of each slice of the window, in a ring.
    slices: [u32; SLICES as usize],
    slice: u64,
    requests: u32,
    /// When the host was first used, or came back.
    since: Option<Time>,
    /// The moving mean of successes, and how many milliseconds after `since` it was last told.
    mean: Option<(u64, f64)>,
}

impl Lately {
    /// A request has ended: the mean with it, and whether it counts by now.
    fn add(&mut self, now: Time, window: Span, success: bool) -> (f64, bool) {
        let slice = now.as_nanos() / (window.as_nanos() / SLICES).max(1);
        for passed in self.slice + 1..=slice.min(self.slice.saturating_add(SLICES)) {
            self.requests -= std::mem::take(&mut self.slices[(passed % SLICES) as usize]);
        }
        self.slice = self.slice.max(slice);
        self.slices[(self.slice % SLICES) as usize] += 1;
        self.requests += 1;
        let since = *self.since.get_or_insert(now);
        let (millis, window) = (now.since(since).as_nanos() / 1_000_000, window.as_nanos() / 1_000_000);
        let value = f64::from(u8::from(success));
        let mean = match self.mean {
            None => value,
            Some((last, mean)) => {
                let weight = libm::exp(-((millis - last) as f64) / window.max(1) as f64);
                value * (1.0 - weight) + mean * weight
            }
        };
        self.mean = Some((millis, mean));
        (mean, millis >= window)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct FinagleOutlier {
    accrual: Accrual,
    lately: Vec<Lately>,
    settings: FinagleOutlierSettings,
}

impl FinagleOutlier {
    fn lately(&mut self, replica: u32) -> &mut Lately {
        let place = replica as usize;
        if place >= self.lately.len() {
            self.lately.resize(place + 1, Lately::default());
        }
        &mut self.lately[place]
    }
}

impl OwnOutlier<FinagleOutlierSettings> for FinagleOutlier {
    fn new(settings: &FinagleOutlierSettings, key: Key) -> FinagleOutlier {
        let backoff = doubling(settings.base_ejection_time, settings.max_ejection_time);
        FinagleOutlier { accrual: Accrual::new(backoff, key.draws()), lately: Vec::new(), settings: *settings }
    }

    fn record_of(&self, replica: u32) -> (u32, u32) {
        self.accrual.record_of(replica)
    }
}

impl Outlier for FinagleOutlier {
    fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]> {
        // As if none were dead once all are: less than one in as many as there are is left.
        let panic = 0.5 / up.len().max(1) as f64;
        self.accrual.sight(now, up, panic)
    }

    fn started(&mut self, now: Time, replica: u32) {
        self.lately(replica).since.get_or_insert(now);
        self.accrual.started(replica);
    }

    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        if outcome == Outcome::Cancelled {
            self.accrual.withdrawn(replica);
            return;
        }
        let FinagleOutlierSettings { consecutive, success_rate, success_rate_requests, window, .. } = self.settings;
        let lately = self.lately(replica);
        let (mean, counts) = lately.add(now, window, outcome.is_ok());
        let by_rate = counts && mean < success_rate.as_f64() && lately.requests >= success_rate_requests;
        if outcome.is_ok() {
            if self.accrual.succeeded(replica) {
                *self.lately(replica) = Lately { since: Some(now), ..Lately::default() };
            }
            return;
        }
        self.accrual.failed(now, replica, Jitter::Equal, |failures| failures >= consecutive || by_rate);
    }

    fn ejected(&self) -> u32 {
        self.accrual.ejected()
    }
}
