//! What connections services take on.

use crate::base::time::Span;
use crate::model::{Acceptance, Limit};
use crate::scenario::decode::{Cx, Field, LimitFrom, NotZero, Or};
use crate::scenario::language::ServiceKeys;
use crate::scenario::say::catalogue;

pub(super) fn acceptance(keys: Option<&ServiceKeys>, cx: &mut Cx<'_>) -> Option<Acceptance> {
    fn limit<const MIN: u32>(field: &Field<LimitFrom<MIN>>) -> Limit {
        field.value().map_or(Limit::Unlimited, |limit| limit.0)
    }
    let Or(keys) = keys?.connections.value()?;
    let keys = keys.as_ref()?;
    let acceptance = Acceptance {
        max: limit(&keys.max),
        queue: limit(&keys.queue),
        keep_alive: keys
            .keep_alive
            .value()
            .and_then(|Or(time)| time.as_ref().map(|NotZero(span): &NotZero<Span>| *span)),
        requests: limit(&keys.requests),
    };
    if acceptance.max == Limit::Unlimited && keys.queue.given().is_some() {
        cx.say(&catalogue::PARTNER, keys.queue.key_place(), "nobody waits where every connection is taken on")
            .also(keys.max.place(), "without a limit")
            .help("write for example `max = 8192`, or remove `queue`");
    }
    Some(acceptance)
}
