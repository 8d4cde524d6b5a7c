//! Proxies of a mesh, through which every message goes twice.

use super::{Finding, Grade, Look, is_sync};

/// Hops through proxies from which on their time is worth a word.
const HOPS_MIN: usize = 3;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(transport) = client.transport.as_ref() else { continue };
        let Some(mesh) = transport.mesh else { continue };
        let hops = edges.iter().filter(|edge| is_sync(edge)).count();
        if hops < HOPS_MIN {
            continue;
        }
        // Two proxies for a request, two for its answer.
        let each = 4.0 * (mesh.latency.as_secs_f64() + mesh.cpu.as_secs_f64());
        let what = format!("calls through `{}` pass two proxies each way", client.name);
        found.push(
            Finding::new("mesh-tax", Grade::Warning, look.transport_path(id, transport, "mesh"), what)
                .number(each * 1e3, "ms that proxies add to a call")
                .why(format!("{hops} edges go through them, and what is in a chain adds up"))
                .help("a proxy for each node, or none where calls are frequent and short"),
        );
    }
}
