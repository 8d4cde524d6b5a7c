//! Random small models. A recipe is plain numbers that shrink well; cooking it makes a valid [`Model`] of it,
//! whatever the numbers are.

mod change;
mod kitchen;
mod messaging;
mod policy;
mod service;
mod stream;
mod transport;
mod zone;

use brownout::base::distribution::Distribution;
use brownout::base::keys::KeyDistribution;
use brownout::base::time::{Span, Time};
use brownout::base::units::{Rate, Share, Size};
use brownout::model::{
    Acceptance, Arrivals, Branch, Cache, CacheFill, CacheId, CacheStart, CacheStore, Caller, Cancel, Client, ClientId,
    ContextSwitch, Deadlines, Discipline, Effect, Endpoint, EndpointId, Fallback, Fault, FaultTarget,
    GarbageCollection, GcTrigger, Handlers, Id, Ids, Limit, Model, Modulation, Need, NoisyNeighbour, OnFailure,
    Overflow, Pace, PoolId, Process, Profile, QueueTimeout, RatePoint, Reload, Scope, Service, ServiceId, Session,
    SessionStep, SharedPool, Step, Subset, Ttl, Workload, WorkloadId,
};
use brownout::policy::balance::Balance;
use brownout::policy::queue::{AdaptiveTimeout, CodelSettings};
use kitchen::Kitchen;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

/// What a model is cooked from. Numbers that choose among things are taken modulo how many there are.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    seed: u64,
    duration_ms: u64,
    interval_ms: u64,
    services: Vec<ServiceRecipe>,
    pools: Vec<SharedPool>,
    caches: Vec<CacheStore>,
    clients: Vec<Client>,
    workloads: Vec<WorkloadRecipe>,
    faults: Vec<FaultRecipe>,
    changes: Vec<change::ChangeRecipe>,
    streams: Vec<stream::StreamRecipe>,
    zones: Option<zone::ZonesRecipe>,
    messaging: Option<messaging::MessagingRecipe>,
}

#[derive(Clone, Debug)]
struct ServiceRecipe {
    service: Service,
    endpoints: Vec<Vec<StepRecipe>>,
}

#[derive(Clone, Debug)]
enum StepRecipe {
    Work(Distribution),
    Contended(Distribution),
    Sleep(Distribution),
    Call {
        to: u32,
        client: u32,
        optional: bool,
        priority: Option<u8>,
    },
    Hold {
        pool: u32,
        steps: Vec<StepRecipe>,
    },
    Cached {
        cache: u32,
        miss: Vec<StepRecipe>,
    },
    /// Now and then an endpoint that may have led here.
    CallBack {
        to: u32,
        client: u32,
    },
    Forward {
        to: u32,
        client: u32,
    },
    Parallel {
        branches: Vec<(bool, Vec<StepRecipe>)>,
        need: u32,
    },
    Choose(Vec<(u32, Vec<StepRecipe>)>),
    Repeat {
        times: u32,
        steps: Vec<StepRecipe>,
    },
    Reply,
    Fail,
}

#[derive(Clone, Debug)]
struct WorkloadRecipe {
    session: Vec<SessionRecipe>,
    on_failure: OnFailure,
    arrivals: Arrivals,
    key: Option<KeyDistribution>,
    deadline: Option<Span>,
    reload: Option<Reload>,
    client: u32,
}

#[derive(Clone, Debug)]
enum SessionRecipe {
    Ask(Vec<(u32, u32)>),
    Think(Distribution),
    Repeat(u32, Vec<SessionRecipe>),
}

#[derive(Clone, Debug)]
struct FaultRecipe {
    at_ms: u64,
    lasts_ms: Option<u64>,
    place: u32,
    replicas: Option<u32>,
    kind: FaultKind,
}

#[derive(Clone, Debug)]
enum FaultKind {
    Service(Effect),
    Edge(Effect),
    Traffic(f64),
    Flush,
}

/// Which lengths of time occur.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lengths {
    /// Whole milliseconds only: ties everywhere.
    Even,
    /// Every shape.
    Any,
}

fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn length(lengths: Lengths) -> BoxedStrategy<Distribution> {
    let constant = (0u64..5).prop_map(|millis| Distribution::Constant(ms(millis)));
    if lengths == Lengths::Even {
        return constant.boxed();
    }
    let shaped = select(vec![
        "uniform(1ms, 3ms)",
        "lognormal(p50=2ms, p99=20ms)",
        "gamma(mean=3ms, cv=2)",
        "erlang(4, 2ms)",
        "pareto(min=1ms, shape=1.5, max=10s)",
        "normal(mean=2ms, sd=1ms)",
        "hyperexp(90% 1ms, 10% 20ms)",
    ]);
    prop_oneof![
        2 => constant,
        2 => (1u64..8).prop_map(|millis| Distribution::exponential(ms(millis))),
        1 => shaped.prop_map(|text| text.parse().expect("a distribution")),
    ]
    .boxed()
}

fn step(lengths: Lengths) -> impl Strategy<Value = StepRecipe> {
    let leaf = prop_oneof![
        6 => length(lengths).prop_map(StepRecipe::Work),
        1 => length(lengths).prop_map(StepRecipe::Contended),
        2 => length(lengths).prop_map(StepRecipe::Sleep),
        8 => (any::<u32>(), any::<u32>(), prop::bool::weighted(0.3), option::weighted(0.2, 0u8..10))
            .prop_map(|(to, client, optional, priority)| StepRecipe::Call { to, client, optional, priority }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(to, client)| StepRecipe::CallBack { to, client }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(to, client)| StepRecipe::Forward { to, client }),
        1 => Just(StepRecipe::Reply),
        1 => Just(StepRecipe::Fail),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let list = || vec(inner.clone(), 0..3);
        prop_oneof![
            3 => (vec((prop::bool::weighted(0.2), list()), 1..4), any::<u32>())
                .prop_map(|(branches, need)| StepRecipe::Parallel { branches, need }),
            1 => vec((1u32..5, list()), 1..4).prop_map(StepRecipe::Choose),
            1 => (1u32..4, list()).prop_map(|(times, steps)| StepRecipe::Repeat { times, steps }),
            1 => (any::<u32>(), list()).prop_map(|(pool, steps)| StepRecipe::Hold { pool, steps }),
            1 => (any::<u32>(), list()).prop_map(|(cache, miss)| StepRecipe::Cached { cache, miss }),
        ]
    })
}

fn client(lengths: Lengths) -> impl Strategy<Value = Client> {
    (
        length(lengths),
        option::weighted(0.7, 1u64..40),
        select(Balance::ALL.to_vec()),
        policy::patience(lengths),
        (option::weighted(0.3, policy::breaker()), option::weighted(0.2, policy::outlier())),
        option::weighted(0.2, 1u64..60),
        option::weighted(0.3, policy::throttle()),
        select(vec![Cancel::Off, Cancel::Waiting, Cancel::BetweenSteps, Cancel::AtOnce]),
        select(vec![Deadlines::Local, Deadlines::Propagate]),
        (option::weighted(0.4, transport::transport()), policy::manners()),
    )
        .prop_map(
            |(
                latency,
                timeout,
                balance,
                (retry, hedge),
                (breaker, outlier),
                overall,
                throttle,
                cancel,
                deadlines,
                (network, manners),
            )| {
                Client {
                    loss: network.as_ref().map_or(Share::ZERO, |(_, loss)| *loss),
                    bandwidth: network.as_ref().and_then(|_| "1MB/s".parse().ok()),
                    transport: network.map(|(transport, _)| Box::new(transport)),
                    latency,
                    timeout: timeout.map(ms),
                    overall_timeout: overall.map(ms),
                    balance,
                    retry,
                    hedge,
                    breaker,
                    outlier: outlier.map(Box::new),
                    throttle,
                    cancel,
                    deadlines,
                    ..manners
                }
            },
        )
}

fn profile() -> impl Strategy<Value = Profile> {
    let rate = || select(vec![0u32, 20, 100, 250, 400]);
    (rate(), vec((0u64..400, rate()), 0..4)).prop_map(|(first, rest)| {
        let mut points = vec![(0, first)];
        for (later, rate) in rest {
            // Often a step: the same time again.
            points.push((points[points.len() - 1].0 + later.saturating_sub(100), rate));
        }
        let point = |(at, rate): (u64, u32)| RatePoint {
            at: Time::ZERO + ms(at),
            rate: Rate::per_sec(f64::from(rate)).expect("a rate"),
            is_trigger: false,
        };
        Profile { points: points.into_iter().map(point).collect() }
    })
}

fn modulation() -> impl Strategy<Value = Modulation> {
    let rate = |rate: u32| Rate::per_sec(f64::from(rate)).expect("a rate");
    let stay = |millis: u64| {
        length(Lengths::Any).prop_map(move |it| match it.constant() {
            Some(Span::ZERO) => Distribution::Constant(ms(millis)),
            _ => it,
        })
    };
    (0u32..50, 100u32..500, stay(7), stay(3)).prop_map(move |(low, high, low_for, high_for)| Modulation {
        low: rate(low),
        high: rate(high),
        low_for,
        high_for,
    })
}

fn arrivals(lengths: Lengths) -> impl Strategy<Value = Arrivals> {
    let process = match lengths {
        Lengths::Even => profile().prop_map(Process::Even).boxed(),
        Lengths::Any => prop_oneof![
            2 => profile().prop_map(Process::Even),
            2 => profile().prop_map(Process::Poisson),
            1 => modulation().prop_map(Process::Modulated),
        ]
        .boxed(),
    };
    let batch = prop_oneof![3 => Just(1u32), 1 => 2u32..6];
    let open = (process, batch).prop_map(|(process, batch)| Arrivals::Rated { process, batch });
    let burst = (1u32..30, 0u64..200, option::of(20u64..300)).prop_map(|(size, first, every)| Arrivals::Burst {
        size,
        first: Time::ZERO + ms(first),
        every: every.map(ms),
    });
    let think = match lengths {
        Lengths::Even => (1u64..10).prop_map(|millis| Distribution::Constant(ms(millis))).boxed(),
        Lengths::Any => (2u64..10).prop_map(|millis| Distribution::exponential(ms(millis))).boxed(),
    };
    let recorded = vec(0u64..400, 1..100).prop_map(|mut times| {
        times.sort_unstable();
        Arrivals::Times(times.into_iter().map(|millis| Time::ZERO + ms(millis)).collect())
    });
    let pace = prop_oneof![think.prop_map(Pace::Think), (1u64..50).prop_map(|millis| Pace::Every(ms(millis)))];
    prop_oneof![
        3 => open,
        1 => burst,
        1 => recorded,
        1 => (1u32..8, pace).prop_map(|(count, pace)| Arrivals::Users { count, pace }),
    ]
}

fn workload(lengths: Lengths, arrivals: impl Strategy<Value = Arrivals>) -> impl Strategy<Value = WorkloadRecipe> {
    let keys = select(vec!["zipf(1.1, 100)", "uniform(3)"]).prop_map(|text| text.parse().expect("keys"));
    let rest = (option::of(keys), option::of(1u64..60), option::weighted(0.3, reload(lengths)), any::<u32>());
    let on_failure = select(vec![OnFailure::Leave, OnFailure::GoOn]);
    (session(lengths), on_failure, arrivals, rest).prop_map(
        |(session, on_failure, arrivals, (key, deadline, reload, client))| WorkloadRecipe {
            session,
            on_failure,
            arrivals,
            key,
            deadline: deadline.map(ms),
            reload,
            client,
        },
    )
}

/// Mostly a single request.
fn session(lengths: Lengths) -> impl Strategy<Value = Vec<SessionRecipe>> {
    let ask = || vec((1u32..5, any::<u32>()), 1..3).prop_map(SessionRecipe::Ask);
    let leaf = prop_oneof![3 => ask(), 2 => length(lengths).prop_map(SessionRecipe::Think)];
    let step = leaf.prop_recursive(2, 6, 3, |inner| {
        (1u32..4, vec(inner, 0..3)).prop_map(|(times, steps)| SessionRecipe::Repeat(times, steps))
    });
    let several = (ask(), vec(step, 0..4), any::<prop::sample::Index>()).prop_map(|(ask, mut steps, place)| {
        steps.insert(place.index(steps.len() + 1), ask);
        steps
    });
    prop_oneof![2 => ask().prop_map(|ask| vec![ask]), 1 => several]
}

fn reload(lengths: Lengths) -> impl Strategy<Value = Reload> {
    (length(lengths), service::limit(1..5)).prop_map(|(after, attempts)| Reload { after, attempts })
}

fn fault(lengths: Lengths) -> impl Strategy<Value = FaultRecipe> {
    let everywhere = || {
        prop_oneof![
            length(lengths).prop_map(Effect::AddLatency),
            (0u32..=100).prop_map(|percent| Effect::ErrorRate(share(percent))),
        ]
    };
    let slow = select(vec![0.5, 2.0, 3.7, 10.0]).prop_map(Effect::Slow);
    let crash = prop_oneof![Just(0), 0u64..60].prop_map(|detect| Effect::Crash { detect: ms(detect) });
    let kind = prop_oneof![
        2 => everywhere().prop_map(FaultKind::Service),
        2 => slow.prop_map(FaultKind::Service),
        2 => Just(FaultKind::Service(Effect::Pause)),
        3 => crash.prop_map(FaultKind::Service),
        1 => everywhere().prop_map(FaultKind::Edge),
        1 => Just(FaultKind::Edge(Effect::Cut)),
        1 => select(vec![0.0, 0.5, 2.0, 3.0]).prop_map(FaultKind::Traffic),
        1 => Just(FaultKind::Flush),
    ];
    (0u64..300, option::weighted(0.8, 1u64..200), any::<u32>(), option::of(1u32..3), kind)
        .prop_map(|(at_ms, lasts_ms, place, replicas, kind)| FaultRecipe { at_ms, lasts_ms, place, replicas, kind })
}

fn recipe(lengths: Lengths, arrivals: BoxedStrategy<Arrivals>) -> impl Strategy<Value = Recipe> {
    (
        0u64..1000,
        100u64..700,
        select(vec![50u64, 77, 100, 1000]),
        (vec(service::service(lengths), 1..6), vec(service::pool(), 1..3), vec(service::cache(), 1..3)),
        vec(client(lengths), 1..4),
        vec(workload(lengths, arrivals), 1..4),
        (vec(fault(lengths), 0..5), vec(change::change(lengths), 0..5), vec(stream::stream(lengths), 0..3)),
        (option::weighted(0.4, zone::zones(lengths)), option::weighted(0.4, messaging::messaging())),
    )
        .prop_map(|(seed, duration_ms, interval_ms, (services, pools, caches), clients, workloads, rest, more)| {
            let ((faults, changes, streams), (zones, messaging)) = (rest, more);
            Recipe {
                seed,
                duration_ms,
                interval_ms,
                services,
                pools,
                caches,
                clients,
                workloads,
                faults,
                changes,
                streams,
                zones,
                messaging,
            }
        })
}

/// So many cases, always the same ones: a failure is met again. For a hunt, `PROPTEST_CASES` and `PROPTEST_RNG_SEED`
/// ask for more and for others.
pub(super) fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let hunt = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if hunt("PROPTEST_CASES") { default.cases } else { cases },
        rng_seed: if hunt("PROPTEST_RNG_SEED") { default.rng_seed } else { RngSeed::Fixed(1) },
        failure_persistence: None,
        ..default
    }
}

/// Any model at all.
pub(super) fn models(lengths: Lengths) -> impl Strategy<Value = Model> {
    recipe(lengths, arrivals(lengths).boxed()).prop_map(|recipe| recipe.cook())
}

/// Models whose work is finite and whose run is long enough to do it: bursts at the start, faults that end, and
/// nobody who waits for what never comes.
pub(super) fn draining_models(lengths: Lengths) -> impl Strategy<Value = Model> {
    let burst = (1u32..40, 0u64..200)
        .prop_map(|(size, first)| Arrivals::Burst { size, first: Time::ZERO + ms(first), every: None })
        .boxed();
    recipe(lengths, burst).prop_map(|recipe| {
        // Messages may be kept for ever where nobody reads.
        let mut model = Recipe { messaging: None, ..recipe }.cook();
        for fault in &mut model.faults {
            if fault.effect != Effect::Flush {
                fault.lasts.get_or_insert(ms(100));
            }
        }
        // What comes again and again would do so for an hour.
        for service in model.services.ids() {
            let service = &mut model.services[service];
            service.neighbour = None;
            service.gc = service.gc.take().filter(|gc| matches!(gc.trigger, GcTrigger::Allocated(_)));
        }
        // A request that is lost, or stands behind itself in a circle of calls, is given up in time.
        for client in model.clients.ids() {
            model.clients[client].timeout.get_or_insert(ms(200));
        }
        change::keep_patience(&mut model.changes, ms(200));
        // Somebody who asks for ever for what always fails is never done.
        for workload in model.workloads.ids() {
            if let Some(reload) = &mut model.workloads[workload].reload
                && reload.attempts == Limit::Unlimited
            {
                reload.attempts = Limit::AtMost(5);
            }
        }
        model.duration = Span::from_secs(3_600);
        model.interval = Span::from_secs(600);
        model
    })
}

/// `model` with `length` left out of its totals.
pub(super) fn with_warmup(model: &Model, length: Span) -> Model {
    Model { warmup: length, ..model.clone() }
}

fn share(percent: u32) -> Share {
    Share::new(f64::from(percent) / 100.0).expect("a share")
}

impl Recipe {
    fn cook(&self) -> Model {
        let mut model = Model {
            title: "random".into(),
            seed: self.seed,
            duration: ms(self.duration_ms),
            warmup: Span::ZERO,
            interval: ms(self.interval_ms),
            workloads: Ids::default(),
            services: Ids::default(),
            endpoints: Ids::default(),
            pools: Ids::default(),
            caches: Ids::default(),
            brokers: Ids::default(),
            topics: Ids::default(),
            consumers: Ids::default(),
            clients: Ids::default(),
            faults: Vec::new(),
            changes: Vec::new(),
            expectations: Vec::new(),
            prices: None,
            verdict: brownout::model::VerdictSettings::default(),
            traces: brownout::model::TraceSettings::default(),
            zones: Ids::default(),
            links: Vec::new(),
        };
        model.clients.push(Client::direct());
        for (n, client) in self.clients.iter().enumerate() {
            model.clients.push(Client { name: format!("client{n}"), ..client.clone() });
        }
        for (n, pool) in self.pools.iter().enumerate() {
            model.pools.push(SharedPool { name: format!("pool{n}"), ..pool.clone() });
        }
        for (n, store) in self.caches.iter().enumerate() {
            model.caches.push(Cache { name: format!("cache{n}"), store: store.clone() });
        }
        let owners: Vec<usize> =
            self.services.iter().enumerate().flat_map(|(n, it)| vec![n; it.endpoints.len()]).collect();
        for (n, recipe) in self.services.iter().enumerate() {
            let service = model.services.push(Service { name: format!("service{n}"), ..recipe.service.clone() });
            // Calls go to services further on; the last ones call nobody.
            let first = owners.iter().position(|owner| *owner > n).unwrap_or(owners.len());
            let kitchen = Kitchen {
                first,
                endpoints: owners.len(),
                clients: self.clients.len() + 1,
                pools: self.pools.len(),
                caches: self.caches.len(),
            };
            for (m, steps) in recipe.endpoints.iter().enumerate() {
                let steps = kitchen.list(steps, false);
                let allocates = Size::from_bytes(100 * (m as u64 + 1));
                // Read and written only where somebody's client has a transport.
                let (request, response) = ("exp(20kB)".parse(), "200kB".parse());
                let (request, response) = (request.expect("a size"), response.expect("a size"));
                let endpoint = Endpoint::new(service, format!("endpoint{m}"), steps);
                model.endpoints.push(Endpoint { allocates, request, response, ..endpoint });
            }
        }
        for (n, recipe) in self.workloads.iter().enumerate() {
            model.workloads.push(Workload {
                name: format!("workload{n}"),
                session: Session { steps: cook_session(&recipe.session, owners.len()), on_failure: recipe.on_failure },
                arrivals: recipe.arrivals.clone(),
                key: recipe.key.clone(),
                deadline: recipe.deadline,
                priority: Workload::PRIORITY,
                reload: recipe.reload.clone(),
                client: ClientId::new(recipe.client as usize % model.clients.len()),
                zone: None,
            });
        }
        stream::cook(&self.streams, &mut model);
        self.zones.iter().for_each(|zones| zone::cook(zones, &mut model));
        let edges = model.edges();
        for (n, recipe) in self.faults.iter().enumerate() {
            let place = recipe.place as usize;
            let (target, effect) = match &recipe.kind {
                FaultKind::Service(effect) => {
                    let service = ServiceId::new(place % model.services.len());
                    let subset = recipe
                        .replicas
                        .map_or(Subset::All, |replicas| Subset::First(replicas.min(model.services[service].replicas)));
                    (FaultTarget::Service(service, subset), effect.clone())
                }
                FaultKind::Edge(effect) => {
                    let edge = edges.iter().nth(place % edges.len()).expect("a workload calls somebody");
                    let to = model.endpoints[edge.to].service;
                    let target = match edge.from {
                        Caller::Service(from) => FaultTarget::Edge(from, to),
                        Caller::Workload(from) => FaultTarget::Entry(from, to),
                        Caller::Consumer(_) => unreachable!("these models have no consumers"),
                    };
                    (target, effect.clone())
                }
                FaultKind::Flush => {
                    let cache = CacheId::new(place % model.caches.len());
                    if let CacheStore::Ratio(_) = model.caches[cache].store {
                        continue;
                    }
                    (FaultTarget::Cache(cache), Effect::Flush)
                }
                FaultKind::Traffic(factor) => {
                    let workload = WorkloadId::new(place % model.workloads.len());
                    if !matches!(model.workloads[workload].arrivals, Arrivals::Rated { .. }) {
                        continue;
                    }
                    (FaultTarget::Workload(workload), Effect::Traffic(*factor))
                }
            };
            model.faults.push(Fault {
                name: format!("fault{n}"),
                at: Time::ZERO + ms(recipe.at_ms),
                lasts: recipe.lasts_ms.map(ms).filter(|_| effect != Effect::Flush),
                target,
                effect,
            });
        }
        model.changes = change::cook(&self.changes, &model);
        self.messaging.iter().for_each(|messaging| messaging::cook(messaging, &mut model));
        model
    }
}

fn cook_session(steps: &[SessionRecipe], endpoints: usize) -> Vec<SessionStep> {
    let cook = |step: &SessionRecipe| match step {
        SessionRecipe::Ask(entry) => {
            let total: u32 = entry.iter().map(|(weight, _)| weight).sum();
            let share = |weight: u32| Share::new(f64::from(weight) / f64::from(total)).expect("a share");
            let cook = |(weight, to): &(u32, u32)| (share(*weight), EndpointId::new(*to as usize % endpoints));
            SessionStep::Ask(entry.iter().map(cook).collect())
        }
        SessionRecipe::Think(length) => SessionStep::Think(length.clone()),
        SessionRecipe::Repeat(times, steps) => {
            SessionStep::Repeat { times: *times, steps: cook_session(steps, endpoints) }
        }
    };
    steps.iter().map(cook).collect()
}
