//! Fallbacks that come back to their own endpoint: while what they stand in for fails, they would never end.

use crate::model::{EndpointId, Id, Model};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for call in atlas.calls.iter().filter(|call| call.is_standby) {
        if reaches(model, atlas, call.to, call.from) {
            let name = model.endpoint_name(call.from);
            cx.say(&catalogue::RECURSION, call.place, format!("this fallback of `{name}` comes back to `{name}`"))
                .note("as long as the call fails for which it stands in, no request would ever be answered")
                .help("stand in with an endpoint that does not need this one");
        }
    }
}

/// Whether requests of `from` can come to `to`.
fn reaches(model: &Model, atlas: &Atlas, from: EndpointId, to: EndpointId) -> bool {
    let mut seen = vec![false; model.endpoints.len()];
    let mut to_visit = vec![from];
    while let Some(at) = to_visit.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at.index()], true) {
            to_visit.extend(atlas.calls.iter().filter(|call| call.from == at).map(|call| call.to));
        }
    }
    false
}
