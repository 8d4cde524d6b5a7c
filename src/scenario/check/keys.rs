//! Keys of requests: balancers that pick by them need them, and keys need somebody who looks at them.

use super::traffic::reached;
use crate::model::{Id, Model};
use crate::policy::balance::Balance;
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Refuses balancers that pick by keys which requests do not have.
pub(super) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (at, workload) in model.workloads.iter().enumerate().filter(|(_, workload)| workload.key.is_none()) {
        let Some(client) = ring(model, atlas, at) else { continue };
        let name = &workload.name;
        cx.say(
            &catalogue::PARTNER,
            atlas.workloads[at].name,
            format!("`ring-hash` picks by keys, and requests of `{name}` have none"),
        )
        .also(atlas.clients[client].balance, "they come by this client")
        .help(format!("add for example `key = \"zipf(1.0, 20000)\"` below [workload.{name}]"));
    }
}

/// Warns of keys that nobody looks at.
pub(super) fn find_warnings(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (at, workload) in model.workloads.iter().enumerate().filter(|(_, workload)| workload.key.is_some()) {
        if ring(model, atlas, at).is_none() {
            let title = format!("nothing depends on the keys of `{}`", workload.name);
            cx.say(&catalogue::UNUSED, atlas.workloads[at].key, title)
                .help("give a client on their way `balance = \"ring-hash\"`, or remove `key`");
        }
    }
}

/// A client with `ring-hash` on the way of the requests of a workload.
fn ring(model: &Model, atlas: &Atlas, workload: usize) -> Option<usize> {
    let is_ring =
        |client: usize| model.clients.iter().nth(client).is_some_and(|client| client.balance == Balance::RingHash);
    let only = model.workloads.iter().skip(workload).take(1);
    let own = model.workloads.iter().nth(workload).map(|workload| workload.client.index());
    if let Some(client) = own.filter(|client| is_ring(*client)) {
        return Some(client);
    }
    if !(0..model.clients.len()).any(is_ring) {
        return None;
    }
    let reached = reached(model, atlas, only);
    let on_the_way = atlas.calls.iter().filter(|call| reached[call.from.index()]);
    on_the_way.map(|call| call.client.index()).find(|client| is_ring(*client))
}
