//! Retries that nothing limits when everything fails.

use super::{Finding, Grade, Look};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, _) in look.clients() {
        let Some(retry) = client.retry.as_ref().filter(|it| it.attempts > 1 && it.quota.is_none() && !it.adaptive)
        else {
            continue;
        };
        if client.breaker.is_some() || client.throttle.is_some() {
            continue;
        }
        let what = format!("`{}` makes up to {} attempts whatever happens", client.name, retry.attempts);
        found.push(
            Finding::new("retry-without-budget", Grade::Warning, look.client_path(id, "retry"), what)
                .number(f64::from(retry.attempts), "times the load when everything fails")
                .why("when the callee is in trouble it gets the most, and neither a budget nor a breaker ends that")
                .help("`budget = { ratio = \"10%\" }` lets retries be a tenth of the calls; a breaker ends them"),
        );
    }
}
