//! What is defined and never used, and steps that are never reached.

use std::collections::BTreeSet;

use super::Elsewhere;
use super::traffic::reached;
use crate::base::suggest::did_you_mean;
use crate::model::{CacheId, ClientId, EndpointId, Id, Model, PoolId, ServiceId};
use crate::scenario::build::{Atlas, Resource};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    unreachable_steps(atlas, cx);
    let mut used = BTreeSet::from([ClientId::new(0)]);
    used.extend(model.workloads.iter().map(|workload| workload.client));
    used.extend(atlas.calls.iter().map(|call| call.client));
    let near = |name: &str| {
        let others = used.iter().map(|id| model.clients[*id].name.as_str());
        did_you_mean(name, others.filter(|other| *other != name)).map(str::to_owned)
    };
    for (id, client) in model.clients.enumerate() {
        if !used.contains(&id) && !elsewhere.names(&client.name) {
            cx.say(
                &catalogue::UNUSED,
                atlas.clients[id.index()].name,
                format!("no call names the client `{}`", client.name),
            )
            .maybe_help(near(&client.name).map(|near| format!("did you mean `{near}`?")))
            .help(format!("write `client = \"{}\"` beside a `call`, or remove it", client.name));
        }
    }
    let transports = atlas.transports.iter().filter(|(_, name, is_used)| !is_used && !elsewhere.names(name));
    for (place, name, _) in transports {
        cx.say(&catalogue::UNUSED, *place, format!("no client names the transport `{name}`"))
            .help(format!("write `transport = \"{name}\"` in a client, or remove it"));
    }
    endpoints(model, atlas, elsewhere, cx);
    resources(model, atlas, elsewhere, cx);
}

/// Pools and caches that no step names.
fn resources(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    let is_pool = |id: PoolId| atlas.uses.iter().any(|used| matches!(used.what, Resource::Pool(pool) if pool == id));
    let is_cache =
        |id: CacheId| atlas.uses.iter().any(|used| matches!(used.what, Resource::Cache { cache, .. } if cache == id));
    let pools = model.pools.enumerate().filter(|(id, _)| !is_pool(*id));
    let pools = pools.map(|(id, pool)| ("pool", &pool.name, atlas.pools[id.index()], "hold"));
    let caches = model.caches.enumerate().filter(|(id, _)| !is_cache(*id));
    let caches = caches.map(|(id, cache)| ("cache", &cache.name, atlas.caches[id.index()], "cache"));
    for (what, name, place, verb) in pools.chain(caches).filter(|(_, name, ..)| !elsewhere.names(name)) {
        let rest = if verb == "hold" { "steps" } else { "miss" };
        cx.say(&catalogue::UNUSED, place, format!("no step names the {what} `{name}`"))
            .help(format!("use it in a step, such as `{{ {verb} = \"{name}\", {rest} = [..] }}`, or remove it"));
    }
}

fn endpoints(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    let reached = reached(model, atlas, model.workloads.iter());
    let is_unused = |id: EndpointId| !reached[id.index()] && !elsewhere.names(&model.endpoint_name(id));
    let mut whole = vec![true; model.services.len()];
    for (id, endpoint) in model.endpoints.enumerate() {
        whole[endpoint.service.index()] &= is_unused(id);
    }
    for (id, service) in model.services.enumerate() {
        if whole[id.index()] {
            cx.say(
                &catalogue::UNUSED,
                atlas.services[id.index()].name,
                format!("no request ever reaches the service `{}`", service.name),
            )
            .help("call one of its endpoints, or remove it");
        }
    }
    for (id, endpoint) in model.endpoints.enumerate() {
        let service: ServiceId = endpoint.service;
        if is_unused(id) && !whole[service.index()] {
            let name = model.endpoint_name(id);
            cx.say(
                &catalogue::UNUSED,
                atlas.endpoints[id.index()],
                format!("no request ever reaches the endpoint `{name}`"),
            )
            .help("call it, or remove it");
        }
    }
}

fn unreachable_steps(atlas: &Atlas, cx: &mut Cx<'_>) {
    for (place, ender) in &atlas.unreachable {
        cx.say(&catalogue::UNREACHABLE, *place, "this step is never reached")
            .also(*ender, "this step ends the handler")
            .help("remove it, or write it before the other one");
    }
}
