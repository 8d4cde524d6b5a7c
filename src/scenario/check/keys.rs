//! Keys of requests: balancers that pick by them, caches and locks need them, and keys need somebody who looks at
//! them.

use super::traffic::reached;
use crate::model::{CacheStore, Id, Model, Scope};
use crate::policy::balance::Balance;
use crate::scenario::build::{Atlas, Resource, ResourceUse};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Refuses what looks at keys which requests do not have.
pub(super) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for used in &atlas.uses {
        if let Resource::Cache { cache, keys: Some(_), key_place } = used.what
            && let CacheStore::Ratio(_) = model.caches[cache].store
        {
            cx.say(&catalogue::EXCLUDE, key_place, "`key` means nothing where hits come by chance")
                .also(atlas.caches[cache.index()], "this cache has a `hit_ratio`")
                .help("remove `key`, or `hit_ratio` to hold real keys");
        }
    }
    for (at, workload) in model.workloads.iter().enumerate().filter(|(_, workload)| workload.key.is_none()) {
        let name = &workload.name;
        if let Some(used) = resource(model, atlas, at) {
            let what = match used.what {
                Resource::Pool(pool) => format!("`{}` is a pool for each key", model.pools[pool].name),
                Resource::Cache { cache, .. } | Resource::Standby(cache) => {
                    format!("`{}` holds keys", model.caches[cache].name)
                }
            };
            cx.say(&catalogue::PARTNER, used.place, format!("{what}, and requests of `{name}` have none"))
                .also(atlas.workloads[at].name, "they come from here")
                .help(format!("add for example `key = \"zipf(1.0, 20000)\"` below [workload.{name}]"));
        }
        let Some(client) = ring(model, atlas, at) else { continue };
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
        if ring(model, atlas, at).is_none() && resource(model, atlas, at).is_none() && !published(model, atlas, at) {
            let title = format!("nothing depends on the keys of `{}`", workload.name);
            cx.say(&catalogue::UNUSED, atlas.workloads[at].key, title).help(
                "look them up in a `cache` on their way, give a client `balance = \"ring-hash\"`, or remove `key`",
            );
        }
    }
}

/// A step on the way of the requests of a workload that looks at their keys.
fn resource(model: &Model, atlas: &Atlas, workload: usize) -> Option<ResourceUse> {
    let looks_at_keys = |used: &&ResourceUse| match used.what {
        Resource::Pool(pool) => model.pools[pool].scope == Scope::Key,
        Resource::Cache { keys: Some(_), .. } => false,
        // Requests without keys share one good answer.
        Resource::Standby(_) => false,
        Resource::Cache { cache, .. } => matches!(model.caches[cache].store, CacheStore::Lru { .. }),
    };
    let mut uses = atlas.uses.iter().filter(looks_at_keys).peekable();
    uses.peek()?;
    let reached = reached(model, atlas, model.workloads.iter().skip(workload).take(1));
    uses.find(|used| reached[used.by.index()]).copied()
}

/// Whether messages are published on the way of the requests of a workload that have their keys: the keys choose
/// partitions, and their order is looked at.
fn published(model: &Model, atlas: &Atlas, workload: usize) -> bool {
    let mut publishes = atlas.publishes.iter().filter(|publish| !publish.key_place.is_somewhere()).peekable();
    if publishes.peek().is_none() {
        return false;
    }
    let reached = reached(model, atlas, model.workloads.iter().skip(workload).take(1));
    publishes.any(|publish| reached[publish.from.index()])
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
