//! Istio's outlier detection: that of Envoy as Istio's control plane configures it (istio/api `destination_rule.proto`;
//! istio/istio `cluster_traffic_policy.go`, `applyOutlierDetection`). Less is on than in a plain Envoy: success rates are
//! never compared, and there is no panic.

use crate::base::random::Key;
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::Outcome;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};

use super::Outlier;
use super::envoy::{EnvoyOutlier, EnvoyOutlierSettings};
use super::own::{OwnOutlier, TRACE_INPUT, traced};

settings! {
    /// What Istio's outlier detection can be told.
    pub struct IstioOutlierSettings {
        /// Failures of any kind in a row that eject a host.
        consecutive: Option<u32> = Some(5), "consecutive5xxErrors";
        /// Failures of the way there in a row (refused, rejected, timeout: 502, 503, 504) that eject it; they do as soon as
        /// this is set.
        consecutive_gateway: Option<u32> = None, "consecutiveGatewayErrors";
        /// How often hosts are let back in.
        interval: Span = Span::from_secs(10), "interval (s)";
        /// How long a host is out the first time; the n-th time in a row n times as long.
        base_ejection_time: Span = Span::from_secs(30), "baseEjectionTime (s)";
        /// The most hosts that may be out.
        max_ejection: Share = percent(10.0), "maxEjectionPercent (%)";
        /// When fewer than these are left, balancing ignores health.
        panic: Share = percent(0.0), "minHealthPercent (%)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Outlier,
    name: "istio",
    about: "Envoy's, as a DestinationRule with an empty outlierDetection sets it: five failures in a row hide a host for 30 s \
            and longer every time; success rates are never compared.",
    rules: &[
        "Off unless a DestinationRule has an outlierDetection.",
        "A host goes if 100 * (out + 1) / hosts is at most maxEjectionPercent: with 10% nobody ever goes in a cluster below \
         ten hosts.",
        "Success rates and failure percentages are off (enforcing_success_rate 0), whatever the rule says.",
        "Gateway errors count as soon as consecutiveGatewayErrors is set; at or above consecutive5xxErrors they change nothing.",
        "minHealthPercent 0 is no panic threshold: where all hosts may be out, requests fail at once.",
        "All else is Envoy's: ejection at the limit, not at the interval; min(base * multiplier, 300 s), and the base if that \
         is longer.",
    ],
    source: "istio/api: networking/v1alpha3/destination_rule.proto; istio/istio: pilot/pkg/networking/core, \
             applyOutlierDetection; envoyproxy/envoy: upstream/outlier_detection_impl.cc",
    trace_input: TRACE_INPUT,
    parameters: IstioOutlierSettings::parameters,
    trace: traced::<IstioOutlierSettings, IstioOutlier>,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct IstioOutlier(EnvoyOutlier);

impl From<&IstioOutlierSettings> for EnvoyOutlierSettings {
    fn from(settings: &IstioOutlierSettings) -> EnvoyOutlierSettings {
        let IstioOutlierSettings {
            consecutive,
            consecutive_gateway,
            interval,
            base_ejection_time,
            max_ejection,
            panic,
        } = *settings;
        EnvoyOutlierSettings {
            consecutive,
            consecutive_gateway,
            consecutive_gateway_enforced: if consecutive_gateway.is_some() { Share::ONE } else { Share::ZERO },
            interval,
            base_ejection_time,
            max_ejection,
            panic,
            success_rate_enforced: Share::ZERO,
            ..EnvoyOutlierSettings::default()
        }
    }
}

impl OwnOutlier<IstioOutlierSettings> for IstioOutlier {
    fn new(settings: &IstioOutlierSettings, key: Key) -> IstioOutlier {
        IstioOutlier(EnvoyOutlier::new(&settings.into(), key))
    }

    fn record_of(&self, replica: u32) -> (u32, u32) {
        self.0.record_of(replica)
    }
}

impl Outlier for IstioOutlier {
    fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]> {
        self.0.sight(now, up)
    }

    fn started(&mut self, now: Time, replica: u32) {
        self.0.started(now, replica);
    }

    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        self.0.ended(now, replica, outcome);
    }

    fn ejected(&self) -> u32 {
        self.0.ejected()
    }
}
