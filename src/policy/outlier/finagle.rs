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
        /// A success rate below this marks it dead, too.
        success_rate: Share = percent(80.0), "requiredSuccessRate";
        /// Over which time that is counted.
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
        "Dead for v/2 + U(0, v/2), with v doubling from 5 s to 300 s.",
        "Then one request probes: a success brings the host back and forgets all, a failure doubles the time.",
        "When all hosts are dead they are used as if none were.",
    ],
    source: "twitter/finagle@4feb34cb: FailureAccrualFactory, FailureAccrualPolicy; slices of the window and what happens \
             when all are dead: from memory",
    trace_input: TRACE_INPUT,
    parameters: FinagleOutlierSettings::parameters,
    trace: traced::<FinagleOutlierSettings, FinagleOutlier>,
};

/// Slices that the window is forgotten in.
const SLICES: u64 = 5;

#[derive(Clone, Debug, Default)]
struct Lately {
    /// Requests and successes of each slice, in a ring.
    slices: [(u32, u32); SLICES as usize],
    slice: u64,
    requests: u32,
    successes: u32,
}

impl Lately {
    fn add(&mut self, slice: u64, success: bool) {
        for passed in self.slice + 1..=slice.min(self.slice.saturating_add(SLICES)) {
            let (requests, successes) = std::mem::take(&mut self.slices[(passed % SLICES) as usize]);
            self.requests -= requests;
            self.successes -= successes;
        }
        self.slice = self.slice.max(slice);
        let place = &mut self.slices[(self.slice % SLICES) as usize];
        place.0 += 1;
        place.1 += u32::from(success);
        self.requests += 1;
        self.successes += u32::from(success);
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

    fn started(&mut self, _now: Time, replica: u32) {
        self.accrual.started(replica);
    }

    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        if outcome == Outcome::Cancelled {
            self.accrual.withdrawn(replica);
            return;
        }
        let slice = now.as_nanos() / (self.settings.window.as_nanos() / SLICES).max(1);
        self.lately(replica).add(slice, outcome.is_ok());
        if outcome.is_ok() {
            if self.accrual.succeeded(replica) {
                *self.lately(replica) = Lately::default();
                self.lately(replica).slice = slice;
            }
            return;
        }
        let FinagleOutlierSettings { consecutive, success_rate, success_rate_requests, .. } = self.settings;
        let Lately { requests, successes, .. } = *self.lately(replica);
        let rate = f64::from(successes) / f64::from(requests);
        let by_rate = requests >= success_rate_requests && rate < success_rate.as_f64();
        self.accrual.failed(now, replica, Jitter::Equal, |failures| failures >= consecutive || by_rate);
    }

    fn ejected(&self) -> u32 {
        self.accrual.ejected()
    }
}
