//! Transports: another one, connections that are shared, spread or opened again in another way.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::key;
use crate::model::{Balancing, Tls, TransportPreset};

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for transport in scene.transports() {
        let of = |what: &str| format!("transport.{}.{what}", key(&transport.name));
        let cure = |kind: &str, what: String| Cure::new(kind, &transport.name, what);
        if matches!(transport.preset, TransportPreset::Rest) {
            let what = format!("`{}` is gRPC: protobuf, and many streams on few connections", transport.name);
            let table = format!("transport.{}", key(&transport.name));
            offered.push(cure("grpc", what).set(table, "{ preset = \"grpc\" }"));
        }
        if transport.balancing == Balancing::Connection {
            let what = format!("`{}` chooses a replica for every request", transport.name);
            offered.push(cure("balance-requests", what).set(of("balancing"), "\"request\""));
            let what = format!("connections of `{}` live 20 s at most", transport.name);
            offered.push(cure("max-age", what).set(of("connections.max_age"), "\"20s\""));
        }
        if transport.mesh.is_some() {
            let what = format!("`{}` goes without a mesh", transport.name);
            offered.push(cure("no-mesh", what).set(of("mesh"), "\"none\""));
        }
        if transport.connects() {
            let what = format!("`{}` waits longer and longer before it connects again", transport.name);
            let value = "{ base = \"1s\", factor = 1.6, cap = \"120s\", jitter = \"20%\" }";
            offered.push(cure("connect-backoff", what).set(of("connections.reconnect"), value));
            if transport.tls != Tls::NONE {
                let what = format!("`{}` waits 10 s for a connection", transport.name);
                offered.push(cure("connect-patience", what).set(of("connections.connect_timeout"), "\"10s\""));
            }
        }
    }
    // A preset stands for itself: who names it may name another one.
    for id in &scene.clients {
        let client = scene.client(*id);
        let Some(transport) = client.transport.as_deref() else { continue };
        let is_named = scene.locator.site(&format!("transport.{}", transport.name)).is_some();
        if !is_named && matches!(transport.preset, TransportPreset::Rest) {
            let what = format!("`{}` calls over gRPC", client.name);
            offered.push(
                Cure::new("grpc", &client.name, what)
                    .set(format!("client.{}.transport", key(&client.name)), "\"grpc\""),
            );
        }
    }
}
