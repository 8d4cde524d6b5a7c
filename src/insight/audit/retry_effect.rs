//! Retries of what must not be done twice.

use super::{Finding, Grade, Look};
use crate::policy::Outcome;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(retry) = client.retry.as_ref().filter(|it| it.attempts > 1 && it.on.has(Outcome::Timeout)) else {
            continue;
        };
        for edge in edges {
            let endpoint = &look.model.endpoints[edge.to];
            let Some(effect) = endpoint.effect.as_ref().filter(|_| endpoint.idempotent && !endpoint.effect_once) else {
                continue;
            };
            let name = look.model.endpoint_name(edge.to);
            let what = format!("`{}` repeats `{name}`, which is not safe to repeat", client.name);
            found.push(
                Finding::new("non-idempotent-retry", Grade::Serious, look.client_path(id, "retry"), what)
                    .number(f64::from(retry.attempts), "times it may happen for one request")
                    .why(format!("a call that timed out may have done its `{effect}` all the same"))
                    .help("give the endpoint `idempotent = false`, or make the effect happen once"),
            );
        }
    }
}
