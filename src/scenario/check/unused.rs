//! What is defined and never used, and steps that are never reached.

use std::collections::BTreeSet;

use super::Elsewhere;
use super::traffic::{hands_on, reached};
use crate::base::suggest::did_you_mean;
use crate::model::{Action, CacheId, ClientId, EndpointId, Id, Keeping, Model, PoolId, ServiceId, TopicId};
use crate::scenario::build::{Atlas, Resource};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    unreachable_steps(atlas, cx);
    let mut used = BTreeSet::from([ClientId::new(0)]);
    used.extend(model.workloads.iter().map(|workload| workload.client));
    used.extend(atlas.calls.iter().map(|call| call.client));
    used.extend(model.consumers.iter().map(|consumer| consumer.client));
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
    topics(model, atlas, elsewhere, cx);
}

/// Pools and caches that no step names.
fn resources(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    let is_pool = |id: PoolId| atlas.uses.iter().any(|used| matches!(used.what, Resource::Pool(pool) if pool == id));
    let is_cache = |id: CacheId| {
        let is_it =
            |what: Resource| matches!(what, Resource::Cache { cache, .. } | Resource::Standby(cache) if cache == id);
        atlas.uses.iter().any(|used| is_it(used.what))
    };
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

/// Where dead letters go.
pub(super) fn letters(model: &Model) -> BTreeSet<TopicId> {
    let mut letters: BTreeSet<TopicId> = model.consumers.iter().filter_map(|consumer| consumer.dead_letter).collect();
    letters.extend(model.topics.iter().filter_map(|topic| match &topic.keeping {
        Keeping::Queue(limits) => limits.dead_letter,
        Keeping::Log(_) => None,
    }));
    letters
}

/// Topics and queues to which nobody publishes, or that nobody reads, and brokers that keep none.
fn topics(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    let letters = letters(model);
    for (id, topic) in model.topics.enumerate().filter(|(_, topic)| !elsewhere.names(&topic.name)) {
        let (name, place) = (&topic.name, atlas.topics[id.index()].name);
        let what = if topic.is_queue { "queue" } else { "topic" };
        let is_published = atlas.publishes.iter().any(|publish| publish.to == id) || letters.contains(&id);
        if !is_published {
            cx.say(&catalogue::UNUSED, place, format!("nobody publishes to the {what} `{name}`"))
                .help(format!("publish to it in a step, `{{ publish = \"{name}\" }}`, or remove it"));
        } else if !model.consumers.iter().any(|consumer| consumer.topic == id) && hands_on(model, id).is_none() {
            let is_watched = topic.alert.is_some() || topic.redrive_every.is_some();
            let redriven = model.changes.iter().any(|change| change.action == Action::Redrive(id));
            if letters.contains(&id) && (is_watched || redriven) {
                continue;
            }
            let diagnostic = cx.say(&catalogue::UNUSED, place, format!("nobody reads the {what} `{name}`"));
            if letters.contains(&id) {
                diagnostic
                    .note("dead letters are written to it")
                    .help("add an `alert`, so that somebody sees them, or `redrive` them, or write a consumer");
            } else {
                diagnostic.help(format!("write a [consumer.NAME] with `{what} = \"{name}\"`, or remove it"));
            }
        }
    }
    let named = |broker: usize| model.topics.iter().any(|topic| topic.broker.index() == broker);
    for (at, place) in atlas.brokers.iter().enumerate().filter(|(at, _)| !named(*at)) {
        let Some(broker) = model.brokers.iter().nth(at).filter(|broker| !elsewhere.names(&broker.name)) else {
            continue;
        };
        cx.say(&catalogue::UNUSED, *place, format!("the broker `{}` keeps nothing", broker.name))
            .help(format!("write `broker = \"{}\"` in a topic or a queue, or remove it", broker.name));
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
