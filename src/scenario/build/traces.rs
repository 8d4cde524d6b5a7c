//! Which requests are traced.

use crate::model::TraceSettings;
use crate::scenario::decode::Or;
use crate::scenario::language::ScenarioKeys;

pub(super) fn traces(keys: &ScenarioKeys) -> TraceSettings {
    let default = TraceSettings::default();
    let keys = match keys.traces.value() {
        Some(Or(Some(keys))) => keys,
        Some(Or(None)) => return TraceSettings::NONE,
        None => return default,
    };
    TraceSettings {
        sample: keys.sample.value().map_or(default.sample, |it| it.0),
        slowest: keys.slowest.value().map_or(default.slowest, |it| it.0),
        failed: keys.failed.value().map_or(default.failed, |it| it.0),
        exact: keys.exact.value().copied().unwrap_or(default.exact),
    }
}
