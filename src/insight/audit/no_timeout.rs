//! Calls that are waited for without end.

use super::{Finding, Grade, Look, call_path};
use crate::model::{Caller, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for edge in &look.edges {
        let Caller::Service(from) = edge.from else { continue };
        let (client, caller) = (look.client(edge), &look.model.services[from]);
        let Limit::AtMost(threads) = caller.threads else { continue };
        if client.timeout.is_some() || client.overall_timeout.is_some() || look.rate(edge.to) <= 0.0 {
            continue;
        }
        let what = format!("`{}` waits for ever", look.model.edge_name(edge));
        found.push(
            Finding::new("no-timeout", Grade::Warning, call_path(look.model, edge, "timeout", look.site), what)
                .number(f64::from(threads), "threads of a replica can be stuck")
                .why("a callee that does not answer takes every thread of its caller, one after the other")
                .help("give its client a `timeout` a little above what the callee takes"),
        );
    }
}
