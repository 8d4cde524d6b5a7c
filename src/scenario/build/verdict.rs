//! The verdict: its thresholds.

use crate::model::VerdictSettings;
use crate::scenario::decode::{Cx, NotZero};
use crate::scenario::language::ScenarioKeys;
use crate::scenario::say::catalogue;

pub(super) fn verdict(keys: &ScenarioKeys, cx: &mut Cx<'_>) -> VerdictSettings {
    let default = VerdictSettings::default();
    let Some(keys) = keys.verdict.value() else { return default };
    let tolerance = keys.tolerance.value().copied().unwrap_or(default.tolerance);
    let metastable = keys.metastable.value().copied().unwrap_or(default.metastable);
    if metastable < tolerance {
        cx.say(&catalogue::OUT_OF_RANGE, keys.metastable.place(), "what is metastable is harmed, too")
            .also(keys.tolerance.place(), "so much may be missing without harm")
            .help(format!("write at least `metastable = \"{tolerance}\"`"));
    }
    VerdictSettings {
        tolerance,
        metastable,
        sigmas: keys.sigmas.value().map_or(default.sigmas, |sigmas| sigmas.0),
        window: keys.window.value().map(|NotZero(span)| *span),
        lag: keys.lag.value().map_or(default.lag, |NotZero(span)| *span),
        lost: keys.lost.value().copied().unwrap_or(default.lost),
    }
}
