//! What is defined under which name, and what somebody meant who wrote another one.

use std::collections::BTreeMap;

use crate::base::suggest::did_you_mean;
use crate::model::{
    CacheId, Client, ClientId, ConsumerId, EndpointId, Id, Ids, Model, PoolId, ServiceId, Target, TopicId, WorkloadId,
    ZoneId,
};
use crate::scenario::decode::{
    BrokerName, CacheName, CallerName, ClientName, ConsumerName, Cx, DestinationName, EndpointName, Measured, Named,
    Noun, PoolName, QueueName, Ref, ServiceName, TopicName, ZoneName, is_name,
};
use crate::scenario::language::ScenarioKeys;
use crate::scenario::say::catalogue;

/// Every name of the file, those of tables that could not be read included.
pub(super) struct Names<'k> {
    workloads: BTreeMap<&'k str, WorkloadId>,
    services: BTreeMap<&'k str, ServiceId>,
    clients: BTreeMap<&'k str, ClientId>,
    pools: BTreeMap<&'k str, PoolId>,
    caches: BTreeMap<&'k str, CacheId>,
    /// In the order of the file.
    topics: BTreeMap<&'k str, TopicId>,
    /// They follow the topics.
    queues: BTreeMap<&'k str, TopicId>,
    consumers: BTreeMap<&'k str, ConsumerId>,
    /// Where somebody stands: users first, in the order of the file.
    zones: BTreeMap<&'k str, ZoneId>,
    endpoints: Vec<Endpoints<'k>>,
    /// Whether a whole group could not be read: then nothing in it is unknown.
    lost: Lost,
}

#[derive(Clone, Copy)]
struct Lost {
    workloads: bool,
    services: bool,
    clients: bool,
    pools: bool,
    caches: bool,
    topics: bool,
    queues: bool,
    consumers: bool,
    zones: bool,
}

/// The endpoints of one service.
struct Endpoints<'k> {
    ids: BTreeMap<&'k str, EndpointId>,
    /// In the order of the file.
    list: Vec<&'k str>,
    /// Whether they could not be read.
    is_lost: bool,
}

/// Either kind of target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Party {
    Workload(WorkloadId),
    Service(ServiceId),
}

impl<'k> Names<'k> {
    pub(super) fn new(keys: &'k ScenarioKeys, has_gaps: bool) -> Names<'k> {
        let mut next_endpoint = 0;
        let mut services = BTreeMap::new();
        let mut endpoints = Vec::new();
        for (at, item) in keys.service.value().iter().flat_map(|services| &services.items).enumerate() {
            services.insert(item.name.as_str(), ServiceId::new(at));
            let handlers = item.value.as_ref().map(|keys| &keys.endpoint);
            let mut own =
                Endpoints { ids: BTreeMap::new(), list: Vec::new(), is_lost: handlers.is_none_or(|h| h.is_bad()) };
            for handler in handlers.and_then(|handlers| handlers.value()).iter().flat_map(|handlers| &handlers.items) {
                own.ids.insert(handler.name.as_str(), EndpointId::new(next_endpoint));
                own.list.push(handler.name.as_str());
                next_endpoint += 1;
            }
            endpoints.push(own);
        }
        let (zones, lost_zone) = zones(keys);
        let mut clients = ids(keys.client.value(), 1);
        clients.insert(Client::DIRECT, ClientId::new(0));
        Names {
            workloads: ids(keys.workload.value(), 0),
            services,
            clients,
            pools: ids(keys.pool.value(), 0),
            caches: ids(keys.cache.value(), 0),
            topics: ids(keys.topic.value(), 0),
            queues: ids(keys.queue.value(), keys.topic.value().map_or(0, |topics| topics.items.len())),
            consumers: consumers(keys),
            zones,
            endpoints,
            lost: Lost {
                workloads: has_gaps || keys.workload.is_bad(),
                services: has_gaps || keys.service.is_bad(),
                clients: has_gaps || keys.client.is_bad(),
                pools: has_gaps || keys.pool.is_bad(),
                caches: has_gaps || keys.cache.is_bad(),
                topics: has_gaps || keys.topic.is_bad(),
                queues: has_gaps || keys.queue.is_bad(),
                consumers: has_gaps || keys.consumer.is_bad(),
                zones: has_gaps || lost_zone,
            },
        }
    }

    /// Whether callers or callees may be missing only because they could not be read.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.services || self.lost.workloads || self.lost.consumers
    }

    /// The name of the service that an endpoint belongs to.
    pub(super) fn service_of(&self, endpoint: EndpointId) -> &'k str {
        let is_its = |at: ServiceId| self.endpoints[at.index()].ids.values().any(|id| *id == endpoint);
        self.services.iter().find(|(_, id)| is_its(**id)).map_or("", |(name, _)| name)
    }

    /// The client of that name.
    pub(super) fn client(&self, name: &ClientName, cx: &mut Cx<'_>) -> Option<ClientId> {
        if let Some(id) = self.clients.get(name.text.as_str()) {
            return Some(*id);
        }
        if !self.lost.clients {
            unknown(name, self.clients.keys().copied(), &format!("define it as [client.{}]", name.text), cx);
        }
        None
    }

    /// The pool of that name.
    pub(super) fn pool(&self, name: &PoolName, cx: &mut Cx<'_>) -> Option<PoolId> {
        let id = self.pools.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.pools {
            unknown(name, self.pools.keys().copied(), &format!("define it as [pool.{}]", name.text), cx);
        }
        id
    }

    /// The cache of that name.
    pub(super) fn cache(&self, name: &CacheName, cx: &mut Cx<'_>) -> Option<CacheId> {
        let id = self.caches.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.caches {
            unknown(name, self.caches.keys().copied(), &format!("define it as [cache.{}]", name.text), cx);
        }
        id
    }

    /// The topic of that name; where a queue is called so, `otherwise` says what to do.
    pub(super) fn topic(&self, name: &TopicName, otherwise: &str, cx: &mut Cx<'_>) -> Option<TopicId> {
        let id = self.topics.get(name.text.as_str()).copied();
        if id.is_none() && self.queues.contains_key(name.text.as_str()) {
            cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("`{}` is a queue, not a topic", name.text))
                .help(otherwise);
        } else if id.is_none() && !self.lost.topics {
            unknown(name, self.topics.keys().copied(), &format!("define it as [topic.{}]", name.text), cx);
        }
        id
    }

    /// The queue of that name; where a topic is called so, `otherwise` says what to do.
    pub(super) fn queue(&self, name: &QueueName, otherwise: &str, cx: &mut Cx<'_>) -> Option<TopicId> {
        let id = self.queues.get(name.text.as_str()).copied();
        if id.is_none() && self.topics.contains_key(name.text.as_str()) {
            cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("`{}` is a topic, not a queue", name.text))
                .help(otherwise);
        } else if id.is_none() && !self.lost.queues {
            unknown(name, self.queues.keys().copied(), &format!("define it as [queue.{}]", name.text), cx);
        }
        id
    }

    /// The topic or queue of that name; `topic.NAME` and `queue.NAME` tell which when both exist.
    pub(super) fn destination(&self, name: &DestinationName, cx: &mut Cx<'_>) -> Option<TopicId> {
        if let Some((kind, rest)) = name.text.split_once('.') {
            let place = name.place.part(kind.len() + 1..name.text.len());
            match kind {
                "topic" => return self.topic(&Ref::new(rest, place), &format!("write `queue.{rest}`"), cx),
                "queue" => return self.queue(&Ref::new(rest, place), &format!("write `topic.{rest}`"), cx),
                _ => {}
            }
        }
        let text = name.text.as_str();
        match (self.topics.get(text), self.queues.get(text)) {
            (Some(id), None) | (None, Some(id)) => Some(*id),
            (Some(_), Some(_)) => {
                cx.say(&catalogue::AMBIGUOUS, name.place, format!("`{text}` is both a topic and a queue"))
                    .help(format!("write `topic.{text}` or `queue.{text}`"));
                None
            }
            (None, None) => {
                if !self.lost.topics && !self.lost.queues {
                    let all = self.topics.keys().chain(self.queues.keys()).copied();
                    unknown(name, all, &format!("define it as [topic.{text}] or [queue.{text}]"), cx);
                }
                None
            }
        }
    }

    /// Says that nothing is kept by a broker of that name.
    pub(super) fn unknown_broker(&self, name: &BrokerName, model: &Model, cx: &mut Cx<'_>) {
        let known = model.brokers.iter().map(|broker| broker.name.as_str());
        unknown(name, known, &format!("define it as [broker.{}], and name it in a topic or a queue", name.text), cx);
    }

    /// The consumer of that name.
    pub(super) fn consumer(&self, name: &ConsumerName, cx: &mut Cx<'_>) -> Option<ConsumerId> {
        let id = self.consumers.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.consumers {
            unknown(name, self.consumers.keys().copied(), &format!("define it as [consumer.{}]", name.text), cx);
        }
        id
    }

    /// The zone of that name.
    pub(super) fn zone(&self, name: &ZoneName, cx: &mut Cx<'_>) -> Option<ZoneId> {
        let id = self.zones.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.zones {
            let otherwise = format!(
                "nobody stands there: a service does with `zones = [\"{0}\"]`, users do with `zone = \"{0}\"`",
                name.text
            );
            unknown(name, self.zones.keys().copied(), &otherwise, cx);
        }
        id
    }

    /// The names of all zones.
    pub(super) fn zones(&self) -> Ids<ZoneId, String> {
        let mut names: Vec<_> = self.zones.iter().collect();
        names.sort_by_key(|(_, id)| **id);
        names.into_iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// The service of that name.
    pub(super) fn service(&self, name: &ServiceName, cx: &mut Cx<'_>) -> Option<ServiceId> {
        let id = self.services.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.services {
            self.unknown_service(name, cx);
        }
        id
    }

    /// The workload of that name.
    pub(super) fn workload<K: Noun>(&self, name: &Ref<K>, cx: &mut Cx<'_>) -> Option<WorkloadId> {
        let id = self.workloads.get(name.text.as_str()).copied();
        if id.is_none() && !self.lost.workloads {
            let name = Ref::<WorkloadOnly>::new(name.text.as_str(), name.place);
            let list = self.workloads.keys().copied();
            unknown(&name, list, &format!("define it as [workload.{}]", name.text), cx);
        }
        id
    }

    /// A workload or a service; `workload.NAME` and `service.NAME` tell which when both exist.
    pub(super) fn party<K: Noun>(&self, name: &Ref<K>, cx: &mut Cx<'_>) -> Option<Party> {
        if let Some((kind, rest)) = name.text.split_once('.') {
            let at = kind.len() + 1..name.text.len();
            let (rest, place) = (rest.to_owned(), name.place.part(at));
            match kind {
                "workload" => return self.workload(&Ref::<K>::new(rest, place), cx).map(Party::Workload),
                "service" => return self.service(&Ref::new(rest, place), cx).map(Party::Service),
                _ => {}
            }
        }
        let text = name.text.as_str();
        match (self.workloads.get(text), self.services.get(text)) {
            (Some(id), None) => Some(Party::Workload(*id)),
            (None, Some(id)) => Some(Party::Service(*id)),
            (Some(_), Some(_)) => {
                cx.say(&catalogue::AMBIGUOUS, name.place, format!("`{text}` is both a workload and a service"))
                    .help(format!("write `workload.{text}` or `service.{text}`"));
                None
            }
            (None, None) => {
                if !self.lost.workloads && !self.lost.services {
                    let all = self.workloads.keys().chain(self.services.keys()).copied();
                    unknown(name, all, "", cx);
                }
                None
            }
        }
    }

    /// All that has a name and can be measured; `service.NAME` tells which.
    pub(super) fn targets(&self, text: &str) -> Vec<Target> {
        let (kind, name) = match text.split_once('.') {
            Some((kind @ ("workload" | "service" | "pool" | "cache" | "topic" | "queue" | "consumer"), name)) => {
                (Some(kind), name)
            }
            _ => (None, text),
        };
        let workload = self.workloads.get(name).map(|id| ("workload", Target::Workload(*id)));
        let service = self.services.get(name).map(|id| ("service", Target::Service(*id)));
        let pool = self.pools.get(name).map(|id| ("pool", Target::Pool(*id)));
        let cache = self.caches.get(name).map(|id| ("cache", Target::Cache(*id)));
        let topic = self.topics.get(name).map(|id| ("topic", Target::Topic(*id)));
        let queue = self.queues.get(name).map(|id| ("queue", Target::Topic(*id)));
        let consumer = self.consumers.get(name).map(|id| ("consumer", Target::Consumer(*id)));
        let all = [workload, service, pool, cache, topic, queue, consumer].into_iter().flatten();
        all.filter(|(is, _)| kind.is_none_or(|kind| kind == *is)).map(|(_, target)| target).collect()
    }

    /// Says that there is nothing of that name at which one of the `wanted` could be measured.
    pub(super) fn unknown_target<K: Noun>(&self, name: &Ref<K>, wanted: &[Measured], cx: &mut Cx<'_>) {
        let is_lost = |thing: &Measured| match thing {
            Measured::Workload => self.lost.workloads,
            Measured::Service => self.lost.services,
            Measured::Pool => self.lost.pools,
            Measured::Cache => self.lost.caches,
            Measured::Topic => self.lost.topics || self.lost.queues,
            Measured::Consumer => self.lost.consumers,
            Measured::Edge => self.lost.services || self.lost.workloads,
            Measured::Run => false,
        };
        if wanted.iter().any(is_lost) {
            return;
        }
        if let Some((kind, rest)) = name.text.split_once('.') {
            let place = name.place.part(kind.len() + 1..name.text.len());
            match kind {
                "pool" => {
                    self.pool(&Ref::new(rest, place), cx);
                    return;
                }
                "cache" => {
                    self.cache(&Ref::new(rest, place), cx);
                    return;
                }
                "topic" => {
                    self.topic(&Ref::new(rest, place), &format!("write `queue.{rest}`"), cx);
                    return;
                }
                "queue" => {
                    self.queue(&Ref::new(rest, place), &format!("write `topic.{rest}`"), cx);
                    return;
                }
                "consumer" => {
                    self.consumer(&Ref::new(rest, place), cx);
                    return;
                }
                _ => {}
            }
        }
        match wanted {
            [Measured::Workload] if !name.text.contains('.') => {
                self.workload(name, cx);
            }
            [Measured::Topic, Measured::Consumer] => {
                let name = Ref::<TopicOrConsumer>::new(name.text.as_str(), name.place);
                let all = self.topics.keys().chain(self.queues.keys()).chain(self.consumers.keys()).copied();
                unknown(&name, all, "", cx);
            }
            [Measured::Cache] => {
                self.cache(&Ref::new(name.text.as_str(), name.place), cx);
            }
            [Measured::Service, Measured::Pool] if !self.pools.is_empty() && !name.text.contains('.') => {
                let name = Ref::<ServiceOrPool>::new(name.text.as_str(), name.place);
                unknown(&name, self.services.keys().chain(self.pools.keys()).copied(), "", cx);
            }
            _ => {
                self.party(name, cx);
            }
        }
    }

    /// The caller of that name.
    pub(super) fn caller(&self, name: &CallerName, cx: &mut Cx<'_>) -> Option<Party> {
        self.party(name, cx)
    }

    /// The endpoint called `service.endpoint`.
    pub(super) fn endpoint(&self, name: &EndpointName, cx: &mut Cx<'_>) -> Option<EndpointId> {
        let Some((service, endpoint)) = name.text.split_once('.') else {
            self.without_dot(name, cx);
            return None;
        };
        if let Some(id) = self.endpoint_of_bad_name(&name.text) {
            return Some(id);
        }
        let service_place = name.place.part(0..service.len());
        if service == "service" && !self.services.contains_key(service) && !self.lost.services {
            // `service.api.endpoint.page`, as its table is called.
            let rest = endpoint.replace(".endpoint.", ".");
            cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("`{}` does not name an endpoint", name.text))
                .label("expected `service.endpoint`")
                .help(format!("write `{rest}`"));
            return None;
        }
        let id = self.service(&Ref::new(service, service_place), cx)?;
        let own = &self.endpoints[id.index()];
        if let Some(id) = own.ids.get(endpoint) {
            return Some(*id);
        }
        if !own.is_lost && !self.lost.services {
            let place = name.place.part(service.len() + 1..name.text.len());
            let near = did_you_mean(endpoint, own.list.iter().copied());
            let list: Vec<&str> = own.list.iter().copied().filter(|name| is_name(name)).collect();
            let diagnostic = cx.say(
                &catalogue::UNKNOWN_NAME,
                place,
                format!("the service `{service}` has no endpoint `{endpoint}`"),
            );
            diagnostic.maybe_help(match (near, list.as_slice()) {
                (Some(near), _) => Some(format!("did you mean `{service}.{near}`?")),
                (None, []) => {
                    is_name(endpoint).then(|| format!("define it as [service.{service}.endpoint.{endpoint}]"))
                }
                (None, list) => Some(format!("it has {}", shortened(list))),
            });
        }
        None
    }

    /// The endpoint of a service whose name holds a dot: that has been said where it is defined.
    fn endpoint_of_bad_name(&self, text: &str) -> Option<EndpointId> {
        let dots = text.match_indices('.').map(|(at, _)| at).skip(1);
        let mut found = dots.filter_map(|at| {
            let id = self.services.get(&text[..at])?;
            self.endpoints[id.index()].ids.get(&text[at + 1..]).copied()
        });
        found.next()
    }

    fn without_dot(&self, name: &EndpointName, cx: &mut Cx<'_>) {
        if self.lost.services {
            return;
        }
        let text = name.text.as_str();
        let near = match self.services.get(text) {
            Some(id) => self.endpoints[id.index()].list.first().map(|endpoint| format!("{text}.{endpoint}")),
            None => {
                let ends =
                    |endpoint: &str| text.strip_suffix(endpoint).map(|rest| rest.trim_end_matches(['/', ':', '-']));
                let fits = |service: &str, endpoint: &str| {
                    ends(endpoint).is_some_and(|rest| rest.is_empty() || rest.rsplit('/').next() == Some(service))
                };
                self.services.iter().find_map(|(service, id)| {
                    let mut list = self.endpoints[id.index()].list.iter();
                    list.find(|endpoint| fits(service, endpoint)).map(|endpoint| format!("{service}.{endpoint}"))
                })
            }
        };
        cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("`{text}` does not name an endpoint"))
            .label("expected `service.endpoint`")
            .maybe_help(near.map(|near| format!("did you mean `{near}`?")));
    }

    fn unknown_service(&self, name: &ServiceName, cx: &mut Cx<'_>) {
        unknown(name, self.services.keys().copied(), &format!("define it as [service.{}]", name.text), cx);
    }
}

/// Names a workload in messages, whatever kind of reference it came from.
enum WorkloadOnly {}

impl Noun for WorkloadOnly {
    const NOUN: &'static str = "workload";
}

/// Names a service or a pool in messages.
enum ServiceOrPool {}

impl Noun for ServiceOrPool {
    const NOUN: &'static str = "service or pool";
}

/// Names a topic, a queue or a consumer in messages.
enum TopicOrConsumer {}

impl Noun for TopicOrConsumer {
    const NOUN: &'static str = "topic or queue or consumer";
}

fn ids<T, I: Id>(named: Option<&Named<T>>, first: usize) -> BTreeMap<&str, I> {
    let items = named.iter().flat_map(|named| &named.items);
    items.enumerate().map(|(at, item)| (item.name.as_str(), I::new(at + first))).collect()
}

/// Consumers that could be read: others are not built.
fn consumers(keys: &ScenarioKeys) -> BTreeMap<&str, ConsumerId> {
    let items = keys.consumer.value().into_iter().flat_map(|consumers| &consumers.items);
    let readable = items.filter(|item| item.value.is_some());
    readable.enumerate().map(|(at, item)| (item.name.as_str(), ConsumerId::new(at))).collect()
}

/// The zones in which somebody stands, and whether it is not known of somebody where he does.
fn zones(keys: &ScenarioKeys) -> (BTreeMap<&str, ZoneId>, bool) {
    let workloads = keys.workload.value().into_iter().flat_map(|workloads| &workloads.items);
    let services = keys.service.value().into_iter().flat_map(|services| &services.items);
    let (mut names, mut is_lost) = (Vec::new(), keys.workload.is_bad() || keys.service.is_bad());
    for item in workloads {
        is_lost |= item.value.as_ref().is_none_or(|keys| keys.zone.is_bad());
        names.extend(item.value.as_ref().and_then(|keys| keys.zone.given()));
    }
    for item in services {
        is_lost |= item.value.as_ref().is_none_or(|keys| keys.zones.is_bad());
        names.extend(item.value.as_ref().and_then(|keys| keys.zones.given()).iter().flat_map(|zones| &zones.items));
    }
    let mut zones = BTreeMap::new();
    for name in names {
        let next = ZoneId::new(zones.len());
        zones.entry(name.text.as_str()).or_insert(next);
    }
    (zones, is_lost)
}

fn unknown<'n, K: Noun>(name: &Ref<K>, known: impl Iterator<Item = &'n str> + Clone, otherwise: &str, cx: &mut Cx<'_>) {
    let near = if cx.findings.is_full() { None } else { did_you_mean(&name.text, known.clone()) };
    let diagnostic = cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("unknown {} `{}`", K::NOUN, name.text));
    match near {
        Some(near) => {
            diagnostic.help(format!("did you mean `{near}`?"));
        }
        None => {
            let list: Vec<&str> = known.filter(|name| is_name(name)).collect();
            if !list.is_empty() {
                let what =
                    K::NOUN.split(' ').map(|word| if word == "or" { "and".to_owned() } else { format!("{word}s") });
                diagnostic.help(format!("the {} are {}", what.collect::<Vec<_>>().join(" "), shortened(&list)));
            }
            if !otherwise.is_empty() && is_name(&name.text) {
                diagnostic.help(otherwise);
            }
        }
    }
}

/// A list of names that stays readable in a scenario of a thousand services.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
