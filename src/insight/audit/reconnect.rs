//! Handshakes of all clients together that take longer than any of them waits.

use super::{Finding, Grade, Look, secs};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(transport) = client.transport.as_ref() else { continue };
        let Some(patience) = transport.connections.connect_timeout.map(|it| it.as_secs_f64()) else { continue };
        for edge in edges {
            let (_, service) = look.callee(edge);
            let clients = f64::from(look.model.caller_replicas(edge.from));
            let cores = service.cores_in_all().map_or(f64::INFINITY, |cores| cores as f64);
            let all = clients * transport.tls.handshake_cpu.as_secs_f64() / cores;
            if all <= patience || transport.connections.reconnect.is_some() {
                continue;
            }
            let what = format!("`{}` shakes hands for {} when all connect at once", service.name, secs(all));
            found.push(
                Finding::new(
                    "reconnect-storm",
                    Grade::Serious,
                    look.transport_path(id, transport, "connections"),
                    what,
                )
                .number(all, "s of handshakes, when all clients connect at once")
                .why(format!("they give up after {} and begin anew, while it still shakes hands", secs(patience)))
                .help("`reconnect = \"grpc\"` spreads them, a cheaper key or more patience lets them through"),
            );
        }
    }
}
