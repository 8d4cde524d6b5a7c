//! Retries under the names of the libraries they come from: a file each, with its settings, its parameters' own names and
//! its rules.

mod aws;
mod envoy;
mod failsafe;
mod finagle;
mod grpc;
mod istio;
mod linkerd;
mod polly;
mod resilience4j;

use super::traced::{Named, TRACE_INPUT, parameters, traced};
use super::{Backoff, Jitter, PushbackRule, Quota, RetrySettings};
use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Parameter, percent};
use crate::policy::trace::Trace;
use crate::policy::{Outcome, Outcomes};

/// Our names with what they always mean.
const ATTEMPTS: &str = "Attempts in all, the first included.";
const ON: &str = "Which failures are repeated.";
const BACKOFF: &str = "The delay before the next attempt.";
const JITTER: &str = "How that delay is spread.";

/// The registry of retries: modules with `PRESET` and `settings`.
macro_rules! retries {
    ($( $($module:ident)::+, )+) => {
        /// Every retry policy that has a name.
        pub const PRESETS: &[Preset] = &[$( $($module)::+::PRESET ),+];

        impl RetrySettings {
            /// The settings that the library `name` ships with.
            pub fn preset(name: &str) -> Option<RetrySettings> {
                $( if name == $($module)::+::PRESET.name {
                    return Some($($module)::+::settings());
                } )+
                None
            }
        }
    };
}

retries! {
    aws::adaptive,
    aws::standard,
    aws::standard_2026,
    envoy,
    failsafe,
    finagle,
    grpc,
    istio,
    linkerd,
    polly,
    resilience4j,
}

/// A preset out of what a file says of it: `settings` and `ROWS` beside it.
macro_rules! preset {
    (name: $name:literal, about: $about:literal, rules: $rules:expr, source: $source:literal,) => {
        pub(in crate::policy::retry) const PRESET: Preset = Preset {
            kind: Kind::Retry,
            name: $name,
            about: $about,
            rules: $rules,
            source: $source,
            trace_input: TRACE_INPUT,
            parameters: own_parameters,
            trace: own_trace,
        };

        fn own_parameters() -> Vec<Parameter> {
            parameters(&settings(), ROWS)
        }

        fn own_trace(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
            traced(settings(), ROWS, set)
        }
    };
}

use preset;
