//! Large bodies as text between services: what a binary encoding would save most.

use super::{Finding, Grade, Look, is_sync};
use crate::model::TransportPreset;

/// From such bodies on the encoding is what a call costs.
const BODY_MIN_BYTES: f64 = 20_000.0;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for edge in look.edges.iter().filter(|edge| is_sync(edge) && look.rate(edge.to) > 0.0) {
        let is_json = |preset| matches!(preset, TransportPreset::Rest | TransportPreset::RestH2);
        let Some(transport) = look.client(edge).transport.as_ref().filter(|it| is_json(it.preset)) else { continue };
        let endpoint = &look.model.endpoints[edge.to];
        let bytes = endpoint.request.mean_bytes() + endpoint.response.mean_bytes();
        if !bytes.is_finite() || bytes < BODY_MIN_BYTES {
            continue;
        }
        let cpu = bytes
            * transport.encoding.size
            * (transport.encoding.encode.as_nanos() + transport.encoding.decode.as_nanos());
        let what = format!("`{}` carries {:.0} kB of JSON a call", look.model.edge_name(edge), bytes / 1e3);
        found.push(
            Finding::new("grpc-candidate", Grade::Warning, look.transport_path(edge.client, transport, "preset"), what)
                .number(cpu / 1e3, "us of CPU time a call writes and reads JSON")
                .why("the same in protobuf is smaller and cheaper to write and to read")
                .help("`preset = \"grpc\"`"),
        );
    }
}
