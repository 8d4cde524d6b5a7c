//! Linkerd's failure accrual (linkerd/website, 2-edge reference): by failures in a row, per endpoint, in the proxy of the
//! caller.

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
    /// What Linkerd's failure accrual can be told.
    pub struct LinkerdOutlierSettings {
        /// Failures in a row that make an endpoint unavailable.
        consecutive: u32 = 7, "failure-accrual-consecutive-max-failures";
        /// How long it is out the first time; each time in a row twice as long.
        base_ejection_time: Span = Span::from_secs(1), "failure-accrual-consecutive-min-penalty (ms)";
        /// The longest that it is out.
        max_ejection_time: Span = Span::from_secs(60), "failure-accrual-consecutive-max-penalty (ms)";
        /// By up to which part of that it is out for longer, by chance.
        ejection_jitter: Share = percent(50.0), "failure-accrual-consecutive-jitter-ratio";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Outlier,
    name: "linkerd",
    about: "Seven failures in a row hide an endpoint for a second and up to a minute; one probe decides.",
    rules: &[
        "Off unless a service is annotated with `balancer.linkerd.io/failure-accrual: consecutive`.",
        "When its time is over one request goes: if it succeeds the endpoint is back, if not it is out for twice as long.",
        "There is no limit: all endpoints may be out, and then requests fail at once.",
    ],
    source: "linkerd/website: 2-edge reference (circuit breaking); linkerd/linkerd2-proxy@00ace22a: exp-backoff/src/lib.rs (jitter \
             is added to the base, and no time is longer than the maximum)",
    trace_input: TRACE_INPUT,
    parameters: LinkerdOutlierSettings::parameters,
    trace: traced::<LinkerdOutlierSettings, LinkerdOutlier>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct LinkerdOutlier {
    accrual: Accrual,
    settings: LinkerdOutlierSettings,
}

impl OwnOutlier<LinkerdOutlierSettings> for LinkerdOutlier {
    fn new(settings: &LinkerdOutlierSettings, key: Key) -> LinkerdOutlier {
        let backoff = doubling(settings.base_ejection_time, settings.max_ejection_time);
        LinkerdOutlier { accrual: Accrual::new(backoff, key.draws()), settings: *settings }
    }

    fn record_of(&self, replica: u32) -> (u32, u32) {
        self.accrual.record_of(replica)
    }
}

impl Outlier for LinkerdOutlier {
    fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]> {
        self.accrual.sight(now, up, 0.0)
    }

    fn started(&mut self, _now: Time, replica: u32) {
        self.accrual.started(replica);
    }

    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        match outcome {
            Outcome::Ok => {
                self.accrual.succeeded(replica);
            }
            Outcome::Cancelled => self.accrual.withdrawn(replica),
            _ => {
                let limit = self.settings.consecutive;
                let jitter = Jitter::Longer(self.settings.ejection_jitter);
                self.accrual.failed(now, replica, jitter, |failures| failures >= limit);
            }
        }
    }

    fn ejected(&self) -> u32 {
        self.accrual.ejected()
    }
}
