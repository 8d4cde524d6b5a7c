//! Declared keys → model: names become ids, forms become settings. What cannot be built is said and left out,
//! so that the rest can still be looked at; such a draft never runs.

mod acceptance;
mod change;
mod client;
mod expect;
mod fault;
mod limit;
mod messaging;
mod names;
mod order;
mod parameter;
mod prices;
mod resource;
mod service;
mod steps;
mod traces;
mod transport;
mod verdict;
mod workload;
mod written;
mod zone;

use crate::base::time::{NANOS_PER_SEC, Span};
use crate::model::{
    CacheId, ClientId, ConsumerId, EndpointId, Id, Limit, Model, PoolId, PublishWait, Scope, SharedPool, TopicId,
};
use crate::scenario::data::Fit;
use crate::scenario::decode::{Cx, NotZero, Seed};
use crate::scenario::language::ScenarioKeys;
use crate::scenario::say::{Place, catalogue};
use names::Names;

pub(crate) use messaging::means_nothing;
pub(crate) use parameter::parameters;
pub use parameter::{Parameter, ParameterRange};

/// Points of a time series that one run may have.
const POINTS_MAX: u64 = 1_000_000;

/// A model and where its parts come from.
pub(crate) struct Draft {
    /// Whole only when no error was said.
    pub(crate) model: Model,
    /// Places of its parts.
    pub(crate) atlas: Atlas,
}

/// Where the parts of a model were written.
#[derive(Default)]
pub(crate) struct Atlas {
    /// By workload.
    pub(crate) workloads: Vec<WorkloadPlaces>,
    /// By service.
    pub(crate) services: Vec<ServicePlaces>,
    /// Names, by endpoint.
    pub(crate) endpoints: Vec<Place>,
    /// The key `stream`, by endpoint.
    pub(crate) streams: Vec<Place>,
    /// By client; the first is the built-in one.
    pub(crate) clients: Vec<ClientPlaces>,
    /// How recorded traffic fits.
    pub(crate) traces: Vec<Fit>,
    /// Every parameter whose value could be read.
    pub(crate) parameters: Vec<ParameterPlaces>,
    /// By fault.
    pub(crate) faults: Vec<FaultPlaces>,
    /// Times, by change.
    pub(crate) changes: Vec<Place>,
    /// Every call and forward in the steps.
    pub(crate) calls: Vec<CallSite>,
    /// Every key `priority` of an endpoint or a call, and the endpoint whose requests it is about.
    pub(crate) priorities: Vec<(Place, EndpointId)>,
    /// Every use of a pool or a cache in the steps.
    pub(crate) uses: Vec<ResourceUse>,
    /// The name of every transport, and whether a client uses it.
    pub(crate) transports: Vec<(Place, String, bool)>,
    /// Names, by pool.
    pub(crate) pools: Vec<Place>,
    /// The values of `size`, by pool of the file.
    pub(crate) pool_sizes: Vec<Place>,
    /// By client: how many fallbacks of its calls may be under way, and where that stands.
    pub(crate) fallback_limits: Vec<Option<(u32, Place)>>,
    /// The pools that hold fallbacks to it, behind those of the file.
    pub(crate) fallback_pools: Vec<SharedPool>,
    /// Names, by cache.
    pub(crate) caches: Vec<Place>,
    /// Names, by broker of the file.
    pub(crate) brokers: Vec<Place>,
    /// By topic and queue.
    pub(crate) topics: Vec<TopicPlaces>,
    /// By consumer.
    pub(crate) consumers: Vec<ConsumerPlaces>,
    /// Every group of consumers of a topic.
    pub(crate) groups: Vec<GroupSite>,
    /// What changes redrive, and where that stands.
    pub(crate) redrives: Vec<(TopicId, Place)>,
    /// Every `publish` step.
    pub(crate) publishes: Vec<PublishSite>,
    /// Steps behind one that ends the handler, and that one.
    pub(crate) unreachable: Vec<(Place, Place)>,
}

impl Atlas {
    /// The pool of that name with so many permits, for which nobody waits; its limit stands at `place`.
    pub(crate) fn fallback_pool(&mut self, name: String, size: u32, place: Place) -> PoolId {
        let of_file = self.pools.len() - self.fallback_pools.len();
        let known = self.fallback_pools.iter().position(|pool| pool.name == name);
        PoolId::new(
            of_file
                + known.unwrap_or_else(|| {
                    self.pools.push(place);
                    self.fallback_pools.push(SharedPool {
                        name,
                        size,
                        queue: Limit::AtMost(0),
                        acquire_timeout: None,
                        scope: Scope::Replica,
                        is_optimistic: false,
                    });
                    self.fallback_pools.len() - 1
                }),
        )
    }
}

/// Where the parts of a workload were written.
#[derive(Clone, Copy)]
pub(crate) struct WorkloadPlaces {
    /// Its name.
    pub(crate) name: Place,
    /// The key `key`.
    pub(crate) key: Place,
    /// The key `priority`.
    pub(crate) priority: Place,
    /// The key `reload`.
    pub(crate) reload: Place,
    /// What is asked for: the value of `entry` or of `session`.
    pub(crate) entry: Place,
}

/// Where the parts of a service were written.
#[derive(Clone, Copy)]
pub(crate) struct ServicePlaces {
    /// Its name.
    pub(crate) name: Place,
    /// The value of `threads`.
    pub(crate) threads: Place,
    /// The value of `queue`.
    pub(crate) queue: Place,
    /// The value of `cores`.
    pub(crate) cores: Place,
}

/// Where the parts of a client were written.
#[derive(Clone, Copy)]
pub(crate) struct ClientPlaces {
    /// Its name.
    pub(crate) name: Place,
    /// The value of `transport`.
    pub(crate) transport: Place,
    /// The value of `balance`.
    pub(crate) balance: Place,
    /// The value of `timeout`.
    pub(crate) timeout: Place,
    /// The key `retry`.
    pub(crate) retry: Place,
    /// The key `hedge`.
    pub(crate) hedge: Place,
    /// The key `breaker`.
    pub(crate) breaker: Place,
    /// The key `outlier`.
    pub(crate) outlier: Place,
    /// The key `overall_timeout`.
    pub(crate) overall_timeout: Place,
    /// The key `throttle`.
    pub(crate) throttle: Place,
}

/// Where the parts of a topic or a queue were written.
#[derive(Clone, Copy)]
pub(crate) struct TopicPlaces {
    /// Its name.
    pub(crate) name: Place,
    /// The value of `acks` of its producers.
    pub(crate) acks: Place,
    /// The key `redrive`.
    pub(crate) redrive: Place,
}

/// Where the parts of a consumer were written.
#[derive(Clone, Copy)]
pub(crate) struct ConsumerPlaces {
    /// Its name.
    pub(crate) name: Place,
    /// The value of `concurrency`.
    pub(crate) concurrency: Place,
    /// The value of `group`.
    pub(crate) group: Place,
    /// The value of `delivery`.
    pub(crate) delivery: Place,
    /// Keys that say what becomes of a message that has failed or was not acknowledged.
    pub(crate) failed: [(&'static str, Place); 4],
}

/// A group of consumers of a topic.
pub(crate) struct GroupSite {
    /// Whose messages.
    pub(crate) topic: TopicId,
    /// What it is called.
    pub(crate) name: String,
    /// Who belongs to it, in the order of the file.
    pub(crate) members: Vec<ConsumerId>,
}

/// A `publish` step of an endpoint.
#[derive(Clone, Copy)]
pub(crate) struct PublishSite {
    /// Who publishes.
    pub(crate) from: EndpointId,
    /// Where to.
    pub(crate) to: TopicId,
    /// The name of the topic in the step.
    pub(crate) place: Place,
    /// The key `key`, if it is there.
    pub(crate) key_place: Place,
    /// What it waits for.
    pub(crate) wait: PublishWait,
    /// Where that stands.
    pub(crate) wait_place: Place,
}

/// A parameter, and where it was written.
pub(crate) struct ParameterPlaces {
    /// As in the file.
    pub(crate) name: String,
    /// Its name.
    pub(crate) place: Place,
    /// In how many places its value stands.
    pub(crate) uses: usize,
    /// Its value and its range, when the one lies outside of the other.
    pub(crate) outside: Option<(Place, Place)>,
}

/// Where the parts of a fault were written.
#[derive(Clone, Copy)]
pub(crate) struct FaultPlaces {
    /// The value of `at`.
    pub(crate) at: Place,
    /// The key of its effect.
    pub(crate) effect: Place,
    /// Its target.
    pub(crate) target: Place,
}

/// A call in the steps of an endpoint.
#[derive(Clone, Copy)]
pub(crate) struct CallSite {
    /// Who calls.
    pub(crate) from: EndpointId,
    /// Who is called.
    pub(crate) to: EndpointId,
    /// How.
    pub(crate) client: ClientId,
    /// Whether the request is handed over.
    pub(crate) is_forward: bool,
    /// Whether it only stands in for another call that has failed.
    pub(crate) is_standby: bool,
    /// The name of the callee.
    pub(crate) place: Place,
    /// The key `read`, if it is there.
    pub(crate) read: Option<Place>,
}

/// A step that uses a pool or a cache.
#[derive(Clone, Copy)]
pub(crate) struct ResourceUse {
    /// In whose steps.
    pub(crate) by: EndpointId,
    /// Which.
    pub(crate) what: Resource,
    /// Its name in the step.
    pub(crate) place: Place,
}

/// A pool or a cache.
#[derive(Clone, Copy)]
pub(crate) enum Resource {
    /// A pool.
    Pool(PoolId),
    /// A cache.
    Cache {
        /// Which.
        cache: CacheId,
        /// How many keys the step draws from, if it has keys of its own.
        keys: Option<u32>,
        /// Where they stand.
        key_place: Place,
    },
    /// A cache that keeps the good answers of a call.
    Standby(CacheId),
}

/// Makes a model of what was read. `file` is what the scenario is called when it has no title.
pub(crate) fn build(keys: &ScenarioKeys, file: &str, cx: &mut Cx<'_>) -> Draft {
    // Variants and other scenarios did their work before anything was decoded.
    let _ = (&keys.variant, &keys.extends);
    let names = Names::new(keys, cx.has_gaps);
    let mut atlas = Atlas::default();
    let duration = keys.duration.value().map_or(Span::from_secs(60), |NotZero(span)| *span);
    let warmup = keys.warmup.or_default();
    if warmup >= duration && !keys.duration.is_bad() {
        let place = if keys.warmup.given().is_some() { keys.warmup.place() } else { keys.duration.place() };
        cx.say(&catalogue::WARMUP, place, format!("the warm-up of {warmup} leaves nothing of the run of {duration}"))
            .also(keys.duration.place(), "the run")
            .help("shorten `warmup`, or lengthen `duration`");
    }
    let interval = keys.interval.value().map_or_else(|| nice_interval(duration), |NotZero(span)| *span);
    if duration.as_nanos() / interval.as_nanos() > POINTS_MAX {
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.interval.place(),
            "the time series would have more than a million points",
        )
        .help(format!("leave `interval` out, or write `interval = \"{}\"`", nice_interval(duration)));
    }
    if keys.workload.value().is_none_or(|workloads| workloads.items.is_empty())
        && !keys.workload.is_bad()
        && !cx.has_gaps
    {
        cx.say(&catalogue::EMPTY, keys.place, "the scenario has no workload: nothing would ever arrive")
            .help("add one:\n[workload.users]\nentry = \"service.endpoint\"\narrivals = \"poisson(100/s)\"");
    }
    let clients = client::clients(keys, &mut atlas, cx);
    let workloads = workload::workloads(keys, &names, duration, &mut atlas, cx);
    let mut pools = resource::pools(keys, &mut atlas, cx);
    let mut caches = resource::caches(keys, &mut atlas, cx);
    let (brokers, topics) = messaging::topics(keys, &names, &mut atlas, cx);
    let (services, endpoints) = service::services(keys, &names, &mut atlas, cx);
    atlas.fallback_pools.iter().for_each(|pool| {
        pools.push(pool.clone());
    });
    resource::count_keys(keys, &mut caches, &atlas, cx);
    let mut model = Model {
        title: keys.title.given().cloned().unwrap_or_else(|| stem(file)),
        seed: keys.seed.value().map_or(1, |Seed(seed)| *seed),
        duration,
        warmup,
        interval,
        workloads,
        services,
        endpoints,
        pools,
        caches,
        brokers,
        topics,
        consumers: Default::default(),
        clients,
        zones: names.zones(),
        links: zone::links(keys, &names, cx),
        faults: Vec::new(),
        changes: Vec::new(),
        expectations: Vec::new(),
        prices: prices::prices(keys, cx),
        verdict: verdict::verdict(keys, cx),
        traces: traces::traces(keys),
    };
    messaging::consumers(keys, &names, &mut model, &mut atlas, cx);
    fault::faults(keys, &names, &mut model, &mut atlas, cx);
    change::changes(keys, &names, &mut model, &mut atlas, cx);
    expect::expectations(keys, &names, &mut model, cx);
    Draft { model, atlas }
}

/// The smallest of 1, 2, 5, 10, 20, .. nanoseconds that is at least a two-hundredth of `duration`.
fn nice_interval(duration: Span) -> Span {
    let least = duration.as_nanos().div_ceil(200).max(1);
    let mut step = 1u64;
    loop {
        for factor in [1, 2, 5] {
            match step.checked_mul(factor) {
                Some(nanos) if nanos >= least => return Span::from_nanos(nanos),
                Some(_) => {}
                None => return Span::from_nanos(least.div_ceil(NANOS_PER_SEC) * NANOS_PER_SEC),
            }
        }
        step = step.saturating_mul(10);
    }
}

/// The name of a file without folders and ending.
fn stem(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".toml").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_nice_and_give_at_most_200_points() {
        let interval = |secs| nice_interval(Span::from_secs(secs));
        assert_eq!(interval(60), Span::from_millis(500));
        assert_eq!(interval(180), Span::from_secs(1));
        assert_eq!(interval(200), Span::from_secs(1));
        assert_eq!(interval(201), Span::from_secs(2));
        assert_eq!(nice_interval(Span::from_nanos(1)), Span::from_nanos(1));
        assert!(nice_interval(Span::MAX).as_nanos() >= u64::MAX / 200);
    }
}
