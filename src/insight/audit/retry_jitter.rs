//! Retries that come back at the same moment, since nothing spreads them.

use super::{Finding, Grade, Look, secs};
use crate::model::Caller;
use crate::policy::retry::{Backoff, Jitter};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(retry) = client.retry.as_ref().filter(|retry| retry.attempts > 1 && retry.jitter == Jitter::None)
        else {
            continue;
        };
        let base = match retry.backoff {
            Backoff::Fixed(span) => span,
            Backoff::Exponential { base, .. } | Backoff::ExponentialMillis { base, .. } => base,
        };
        let callers: u32 = edges.iter().map(|edge| look.model.caller_replicas(edge.from)).max().unwrap_or(1);
        let users = edges.iter().any(|edge| matches!(edge.from, Caller::Workload(_)));
        let who = if users { "all users".to_owned() } else { format!("all {callers} replicas") };
        let what = format!("`{}` tries again after exactly {}, without jitter", client.name, secs(base.as_secs_f64()));
        found.push(
            Finding::new("retry-without-jitter", Grade::Warning, look.client_path(id, "retry"), what)
                .number(base.as_secs_f64() * 1e3, "ms until the first retry, for everybody the same")
                .why(format!("what fails for {who} at once comes back at once"))
                .help("spread it: `backoff = \"exponential(..)\", jitter = \"full\"`; it does not make retries fewer"),
        );
    }
}
