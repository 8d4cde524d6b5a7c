//! Which requests are traced.

use crate::model::TraceSettings;
use crate::scenario::language::ScenarioKeys;

pub(super) fn traces(keys: &ScenarioKeys) -> TraceSettings {
    let default = TraceSettings::default();
    let Some(keys) = keys.traces.value() else { return default };
    TraceSettings {
        sample: keys.sample.value().map_or(default.sample, |it| it.0),
        slowest: keys.slowest.value().map_or(default.slowest, |it| it.0),
        failed: keys.failed.value().map_or(default.failed, |it| it.0),
    }
}
