//! Services and their endpoints.

use super::names::Names;
use super::zone::zone;
use super::{Atlas, ServicePlaces, acceptance, limit, steps};
use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::time::Span;
use crate::base::units::Size;
use crate::model::{
    ContextSwitch, Endpoint, EndpointId, GarbageCollection, GcTrigger, Ids, Limit, NoisyNeighbour, ServerStream,
    Service, ServiceId,
};
use crate::scenario::decode::{
    Count, Cx, DisciplineForm, Field, NotZero, Or, PositiveNumber, PushbackForm, QueueTimeoutForm, Word,
};
use crate::scenario::language::{ContextSwitchKeys, EndpointKeys, GcKeys, NeighbourKeys, ScenarioKeys, ServiceKeys};
use crate::scenario::say::{Place, catalogue};

pub(super) fn services(
    keys: &ScenarioKeys,
    names: &Names<'_>,
    atlas: &mut Atlas,
    cx: &mut Cx<'_>,
) -> (Ids<ServiceId, Service>, Ids<EndpointId, Endpoint>) {
    let mut services = Ids::default();
    let mut endpoints = Ids::default();
    for item in keys.service.value().iter().flat_map(|services| &services.items) {
        let mut service = service(&item.name, item.value.as_ref(), cx);
        service.pushback = item.value.as_ref().and_then(|keys| keys.pushback.value()).map(|PushbackForm(wish)| *wish);
        service.limit = item.value.as_ref().and_then(|keys| limit::limit(&keys.limit, cx));
        service.connections = acceptance::acceptance(item.value.as_ref(), cx);
        let zones = item.value.as_ref().and_then(|keys| keys.zones.given());
        let zones = zones.iter().flat_map(|zones| &zones.items);
        service.zones = zones.filter_map(|name| zone(name, names, cx)).collect();
        let id = services.push(service);
        let place = |field: fn(&ServiceKeys) -> Place| item.value.as_ref().map_or(Place::NOWHERE, field);
        atlas.services.push(ServicePlaces {
            name: item.place,
            threads: place(|keys| keys.threads.place()),
            queue: place(|keys| keys.queue.place()),
            cores: place(|keys| keys.cores.place()),
        });
        let handlers = item.value.as_ref().and_then(|keys| keys.endpoint.value());
        if let (Some(handlers), Some(keys)) = (handlers, &item.value)
            && handlers.items.is_empty()
        {
            cx.say(
                &catalogue::MISSING_KEY,
                keys.endpoint.key_place(),
                format!("the service `{}` answers nothing", item.name),
            )
            .help(format!("write [service.{}.endpoint.NAME] and its steps below", item.name));
        }
        for handler in handlers.iter().flat_map(|handlers| &handlers.items) {
            let endpoint = endpoints.push(Endpoint::new(id, handler.name.clone(), Vec::new()));
            atlas.endpoints.push(handler.place);
            let stream = handler.value.as_ref().map_or(Place::NOWHERE, |keys| keys.stream.key_place());
            atlas.streams.push(stream);
            if let Some(keys) = &handler.value {
                let built = &mut endpoints[endpoint];
                built.priority = keys.priority.value().map(|Count(priority)| *priority as u8);
                built.idempotent = keys.idempotent.value().copied().unwrap_or(true);
                if keys.priority.key_place().is_somewhere() {
                    atlas.priorities.push((keys.priority.key_place(), endpoint));
                }
                built.allocates = keys.allocates.or_default();
                built.request = keys.request.value().cloned().unwrap_or_default();
                built.response = keys.response.value().cloned().unwrap_or_default();
                built.stream = stream_of(keys, cx);
                built.effect = keys.effect.given().cloned();
                built.effect_once = keys.effect_once.or_default();
                built.steps = steps::steps(endpoint, keys, names, atlas, cx);
            }
        }
    }
    (services, endpoints)
}

fn service(name: &str, keys: Option<&ServiceKeys>, cx: &mut Cx<'_>) -> Service {
    // What could not be read is not known to be unlimited.
    let mut service = Service { threads: Limit::AtMost(1), ..Service::plain(name) };
    let Some(keys) = keys else { return service };
    service.replicas = keys.replicas.value().map_or(1, |count| count.0);
    if !keys.threads.is_bad() {
        service.threads = keys.threads.value().map_or(Limit::Unlimited, |limit| limit.0);
    }
    service.queue = keys.queue.value().map_or(Limit::Unlimited, |limit| limit.0);
    if let Some(Word(overflow)) = keys.overflow.value() {
        service.overflow = *overflow;
    }
    service.queue_timeout = table(&keys.queue_timeout).map(|QueueTimeoutForm(timeout)| timeout.clone());
    if let Some(DisciplineForm(discipline)) = keys.discipline.value() {
        service.discipline = *discipline;
    }
    service.cores = match keys.cores.value().map(|limit| limit.0) {
        Some(Limit::AtMost(cores)) => Some(cores),
        Some(Limit::Unlimited) | None => None,
    };
    if let Some(Word(handlers)) = keys.handlers.value() {
        service.handlers = *handlers;
    }
    service.startup = keys.startup.or_default();
    service.context_switch = table(&keys.context_switch).map(context_switch);
    service.gc = table(&keys.gc).and_then(|keys| gc(keys, cx));
    service.weights =
        keys.weights.value().map_or(Vec::new(), |list| list.items.iter().map(|Count(weight)| *weight).collect());
    service.slow_start = table(&keys.slow_start).and_then(limit::slow_start);
    service.neighbour = table(&keys.neighbour).map(|keys| neighbour(keys, cx));
    service
}

fn stream_of(keys: &EndpointKeys, cx: &mut Cx<'_>) -> Option<Box<ServerStream>> {
    if keys.stream.is_bad() {
        // What could not be read is there.
        let (size, none) = (SizeDistribution::ZERO, Distribution::ZERO);
        return Some(Box::new(ServerStream { messages: 1, size, sleep: none.clone(), work: none }));
    }
    let stream = table(&keys.stream)?;
    if keys.response.given().is_some_and(|size| *size != SizeDistribution::ZERO) {
        cx.say(&catalogue::EXCLUDE, keys.response.key_place(), "the answer is a stream, which has no other body")
            .also(keys.stream.key_place(), "the stream")
            .help("remove `response`: the `size` of the stream is that of one message");
    }
    let length = |field: &Field<Distribution>| field.value().cloned().unwrap_or(Distribution::ZERO);
    Some(Box::new(ServerStream {
        messages: stream.messages.value().map_or(1, |Count(messages)| *messages),
        size: stream.size.value().cloned().unwrap_or_default(),
        sleep: length(&stream.sleep),
        work: length(&stream.work),
    }))
}

fn table<T>(field: &Field<Or<T>>) -> Option<&T> {
    field.value().and_then(|Or(table)| table.as_ref())
}

fn context_switch(keys: &ContextSwitchKeys) -> ContextSwitch {
    let slice = keys.slice.value().map_or(Span::from_nanos(1), |NotZero(span)| *span);
    ContextSwitch { cost: keys.cost.or_default(), slice }
}

fn gc(keys: &GcKeys, cx: &mut Cx<'_>) -> Option<GarbageCollection> {
    let trigger = match (&keys.every, &keys.heap) {
        (Field::Given { key, .. }, Field::Given { key: other, .. }) => {
            cx.say(&catalogue::EXCLUDE, *other, "a pause starts either after a time or after so much memory")
                .also(*key, "the other one")
                .help("remove `every` or `heap`");
            return None;
        }
        (Field::Given { value: every, place, .. }, _) => {
            if every.constant() == Some(Span::ZERO) {
                cx.say(&catalogue::OUT_OF_RANGE, *place, "`every` must be longer than zero");
            }
            GcTrigger::Every(every.clone())
        }
        (_, Field::Given { value: heap, place, .. }) => {
            if *heap == Size::ZERO {
                cx.say(&catalogue::OUT_OF_RANGE, *place, "`heap` must be more than nothing");
            }
            GcTrigger::Allocated(*heap)
        }
        (every, heap) => {
            if !every.is_bad() && !heap.is_bad() {
                cx.say(&catalogue::MISSING_KEY, keys.place, "a garbage collector needs `every` or `heap`")
                    .help("add for example `every = \"exp(10s)\"`, or `heap = \"512MiB\"` and what endpoints allocate");
            }
            return None;
        }
    };
    Some(GarbageCollection { trigger, pause: keys.pause.value()?.clone() })
}

fn neighbour(keys: &NeighbourKeys, cx: &mut Cx<'_>) -> NoisyNeighbour {
    let slow = keys.slow.value().map_or(1.0, |PositiveNumber(slow)| *slow);
    if slow < 1.0 {
        cx.say(&catalogue::OUT_OF_RANGE, keys.slow.place(), "a noisy neighbour makes nothing faster")
            .help("write 1 or more: work takes this many times as long");
    }
    let length = |field: &Field<Distribution>| field.value().cloned().unwrap_or(Distribution::ZERO);
    NoisyNeighbour { every: length(&keys.every), lasts: length(&keys.r#for), slow }
}
