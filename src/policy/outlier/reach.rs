//! Whether outlier detection can eject anybody at all in a cluster of so many hosts.

use crate::base::units::Share;

use super::{EnvoyOutlier, EnvoyOutlierSettings, OutlierSettings};

/// Larger clusters are not looked for.
const HOSTS_MAX: u32 = 10_000;

/// Why a cluster is too small for outlier detection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TooFew {
    /// A single host would be more than the part that may be out.
    Share {
        /// The smallest cluster in which one may be.
        needed: Option<u32>,
        /// The most hosts that may be out.
        max: Share,
    },
    /// Only rates eject, and those are compared from so many hosts on.
    Compared {
        /// The smallest such cluster.
        needed: u32,
    },
    /// Nothing ejects, however many hosts there are.
    Nothing,
}

impl OutlierSettings {
    /// Why no host is ever ejected in a cluster of so many; `None` if one can be.
    pub fn too_few(&self, hosts: u32) -> Option<TooFew> {
        match self {
            OutlierSettings::Envoy(settings) => envoy(settings, hosts),
            OutlierSettings::Istio(settings) => envoy(&settings.into(), hosts),
            // They know no limit.
            OutlierSettings::Finagle(_) | OutlierSettings::Linkerd(_) => None,
        }
    }
}

fn envoy(settings: &EnvoyOutlierSettings, hosts: u32) -> Option<TooFew> {
    let allows = |hosts: u32| EnvoyOutlier::allows(settings, hosts, 0);
    let in_a_row = settings.consecutive.is_some()
        || settings.consecutive_gateway.is_some() && settings.consecutive_gateway_enforced > Share::ZERO;
    let by_rates = [
        (settings.success_rate_enforced, settings.success_rate_hosts),
        (settings.failure_rate_enforced, settings.failure_rate_hosts),
    ];
    let needed = by_rates.iter().filter(|(enforced, _)| *enforced > Share::ZERO).map(|(_, hosts)| *hosts).min();
    match needed {
        None if !in_a_row => Some(TooFew::Nothing),
        Some(needed) if !in_a_row && hosts < needed => Some(TooFew::Compared { needed }),
        _ if !allows(hosts) => {
            let needed = (hosts..=HOSTS_MAX).find(|hosts| allows(*hosts));
            Some(TooFew::Share { needed, max: settings.max_ejection })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::outlier::{IstioOutlierSettings, LinkerdOutlierSettings};
    use crate::policy::settings::percent;

    #[test]
    fn envoys_defaults_need_ten_hosts() {
        let settings = EnvoyOutlierSettings::default();
        let share = |needed| Some(TooFew::Share { needed, max: percent(10.0) });
        assert_eq!(envoy(&settings, 9), share(Some(10)));
        assert_eq!(envoy(&settings, 10), None);
        assert_eq!(OutlierSettings::Istio(IstioOutlierSettings::default()).too_few(5), share(Some(10)));
        assert_eq!(OutlierSettings::Linkerd(LinkerdOutlierSettings::default()).too_few(1), None);
        assert_eq!(envoy(&EnvoyOutlierSettings { always_eject_one: true, ..settings }, 1), None);
        assert_eq!(
            envoy(&EnvoyOutlierSettings { max_ejection: Share::ZERO, ..settings }, 20_000),
            Some(TooFew::Share { needed: None, max: Share::ZERO })
        );
    }

    #[test]
    fn rates_need_hosts_to_compare() {
        let rates = EnvoyOutlierSettings { consecutive: None, max_ejection: Share::ONE, ..Default::default() };
        assert_eq!(envoy(&rates, 4), Some(TooFew::Compared { needed: 5 }));
        assert_eq!(envoy(&rates, 5), None);
        let nothing = EnvoyOutlierSettings { success_rate_enforced: Share::ZERO, ..rates };
        assert_eq!(envoy(&nothing, 100), Some(TooFew::Nothing));
    }
}
