//! Connections that are balanced once and kept: new replicas get nothing.

use super::{Finding, Grade, Look};
use crate::model::{Action, Balancing};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (of, client, edges) in look.clients() {
        let Some(transport) = client.transport.as_ref() else { continue };
        let limits = &transport.connections;
        if transport.balancing != Balancing::Connection
            || limits.max_age.is_some()
            || limits.requests != crate::model::Limit::Unlimited
        {
            continue;
        }
        let Some(edge) = edges.iter().find(|edge| look.callee(edge).1.replicas > 1) else { continue };
        let (id, service) = look.callee(edge);
        let most = look.model.changes.iter().filter_map(|change| match &change.action {
            Action::Scale(to) => to.iter().find(|(service, _)| *service == id).map(|(_, replicas)| *replicas),
            _ => None,
        });
        let most = most.max().unwrap_or(service.replicas);
        let what = format!("connections of `{}` stay where they are", client.name);
        found.push(
            Finding::new("sticky-connections", Grade::Warning, look.transport_path(of, transport, "balancing"), what)
                .number(f64::from(most.saturating_sub(service.replicas)), "replicas that come later and get no work")
                .why("a connection is balanced when it is opened; replicas that come later get none of the old ones")
                .help("`connections = { max_age = \"30s\" }`, or `balancing = \"request\"`"),
        );
    }
}
