//! Outlier detection: which replicas a client does not see for a while, because they answered badly. It belongs to the
//! client and knows only what that has seen; the balancer chooses among those that are left.

mod accrual;
mod envoy;
mod finagle;
mod istio;
mod linkerd;
mod own;
mod reach;

use crate::base::random::Key;
use crate::base::time::Time;
use crate::policy::Outcome;
use crate::policy::registry::Preset;
use crate::policy::settings::{Misfit, Settings, Value};

pub use envoy::{EnvoyOutlier, EnvoyOutlierSettings, success_rate_threshold};
pub use finagle::{FinagleOutlier, FinagleOutlierSettings};
pub use istio::{IstioOutlier, IstioOutlierSettings};
pub use linkerd::{LinkerdOutlier, LinkerdOutlierSettings};
pub use own::OwnOutlier;
pub use reach::TooFew;

/// What the kernel tells and asks outlier detection. One per caller replica and callee service.
pub trait Outlier: Send {
    /// Which of `up`, the replicas that are up, may be picked now; `None` is all of them.
    fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]>;

    /// An attempt went to `replica`.
    fn started(&mut self, now: Time, replica: u32);

    /// An attempt at `replica` ended.
    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome);

    /// How many replicas are out now.
    fn ejected(&self) -> u32;
}

/// The registry of outlier detection: each with its settings, its rules and its file.
macro_rules! outliers {
    ($( $Name:ident($Settings:ty, $Outlier:ty) in $module:ident, )+) => {
        /// Every outlier detection that has a name.
        pub const PRESETS: &[Preset] = &[$( $module::PRESET ),+];

        /// Whose rules outlier detection follows, and their parameters.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum OutlierSettings {
            $( #[doc = concat!("Those of ", stringify!($module), ".")] $Name($Settings), )+
        }

        impl OutlierSettings {
            /// The settings that the library `name` ships with.
            pub fn preset(name: &str) -> Option<OutlierSettings> {
                $( if name == $module::PRESET.name {
                    return Some(OutlierSettings::$Name(Default::default()));
                } )+
                None
            }

            /// The library whose rules they are.
            pub const fn name(&self) -> &'static str {
                match self { $( OutlierSettings::$Name(_) => $module::PRESET.name, )+ }
            }

            /// Sets a parameter, under our name.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Misfit> {
                match self { $( OutlierSettings::$Name(settings) => settings.set(name, value), )+ }
            }

            /// A parameter.
            pub fn get(&self, name: &str) -> Option<Value> {
                match self { $( OutlierSettings::$Name(settings) => settings.get(name), )+ }
            }
        }

        /// The outlier detection of one client instance: built-in, or a library user's own.
        pub enum AnyOutlier {
            $( #[doc = concat!("With the rules of ", stringify!($module), ".")] $Name($Outlier), )+
            /// Anything else.
            Custom(Box<dyn Outlier>),
        }

        impl AnyOutlier {
            /// The built-in one for `settings`, which has seen nothing yet; `key` names its draws.
            pub fn from_settings(settings: &OutlierSettings, key: Key) -> AnyOutlier {
                match settings { $( OutlierSettings::$Name(settings) => AnyOutlier::$Name(OwnOutlier::new(settings, key)), )+ }
            }
        }

        impl Outlier for AnyOutlier {
            fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]> {
                match self {
                    $( AnyOutlier::$Name(outlier) => outlier.sight(now, up), )+
                    AnyOutlier::Custom(outlier) => outlier.sight(now, up),
                }
            }

            fn started(&mut self, now: Time, replica: u32) {
                match self {
                    $( AnyOutlier::$Name(outlier) => outlier.started(now, replica), )+
                    AnyOutlier::Custom(outlier) => outlier.started(now, replica),
                }
            }

            fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
                match self {
                    $( AnyOutlier::$Name(outlier) => outlier.ended(now, replica, outcome), )+
                    AnyOutlier::Custom(outlier) => outlier.ended(now, replica, outcome),
                }
            }

            fn ejected(&self) -> u32 {
                match self {
                    $( AnyOutlier::$Name(outlier) => outlier.ejected(), )+
                    AnyOutlier::Custom(outlier) => outlier.ejected(),
                }
            }
        }
    };
}

outliers! {
    Envoy(EnvoyOutlierSettings, EnvoyOutlier) in envoy,
    Finagle(FinagleOutlierSettings, FinagleOutlier) in finagle,
    Istio(IstioOutlierSettings, IstioOutlier) in istio,
    Linkerd(LinkerdOutlierSettings, LinkerdOutlier) in linkerd,
}
