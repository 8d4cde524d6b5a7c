//! Breakers of many replicas that open and close together.

use super::{Finding, Grade, Look};
use crate::policy::retry::Backoff;
use crate::policy::settings::Value;

/// From so many on they are a crowd.
const CALLERS_MIN: u32 = 10;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(breaker) = client.breaker.as_ref() else { continue };
        let callers = edges.iter().map(|edge| look.model.caller_replicas(edge.from)).max().unwrap_or(0);
        let grows = matches!(breaker.get("open_for"), Some(Value::Backoff(wait)) if !matches!(wait, Backoff::Fixed(_)));
        if callers < CALLERS_MIN || grows {
            continue;
        }
        let what = format!("{callers} breakers of `{}` open and close in the same second", client.name);
        found.push(
            Finding::new("breaker-lockstep", Grade::Note, look.client_path(id, "breaker"), what)
                .number(f64::from(callers), "breakers that see the same and wait as long")
                .why("when they close, the callee gets all of its load at once")
                .help("let the time for which they are open differ or grow, and let few calls probe"),
        );
    }
}
