//! What services take on.

use crate::policy::limit::LimitSettings;
use crate::scenario::decode::{Cx, Or, RATE_MAX};
use crate::scenario::language::{LimitKeys, ServiceKeys};
use crate::scenario::say::catalogue;

pub(super) fn limit(keys: Option<&ServiceKeys>, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let Or(limit) = keys?.limit.value()?;
    let LimitKeys { rate, burst, .. } = limit.as_ref()?;
    let settings = LimitSettings { rate: *rate.value()?, burst: burst.value()?.0 };
    let per_sec = settings.rate.as_per_sec();
    if per_sec == 0.0 {
        cx.say(&catalogue::OUT_OF_RANGE, rate.place(), "a limit of zero turns everybody away for ever")
            .help("write for example `rate = \"100/s\"`");
    } else if per_sec > RATE_MAX {
        cx.say(&catalogue::OUT_OF_RANGE, rate.place(), "a limit is at most 1e9/s")
            .help("write `limit = \"none\"` for a service that takes on everything");
    }
    Some(settings)
}
