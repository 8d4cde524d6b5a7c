//! Random small models. A recipe is plain numbers that shrink well; cooking it makes a valid [`Model`] of it,
//! whatever the numbers are.

use brownout::base::distribution::Distribution;
use brownout::base::keys::KeyDistribution;
use brownout::base::time::{Span, Time};
use brownout::base::units::{Rate, Share};
use brownout::model::{
    Arrivals, Branch, Caller, Cancel, Client, ClientId, Deadlines, Discipline, Effect, Endpoint, EndpointId, Fault,
    FaultTarget, Handlers, Id, Ids, Limit, Model, Need, Profile, RatePoint, Service, ServiceId, Step, Subset, Workload,
    WorkloadId,
};
use brownout::policy::balance::Balance;
use brownout::policy::breaker::BreakerSettings;
use brownout::policy::hedge::{HedgeDelay, HedgeSettings};
use brownout::policy::limit::LimitSettings;
use brownout::policy::retry::{Backoff, BudgetSettings, Jitter, RetrySettings, RetryThrottleSettings};
use brownout::policy::throttle::ThrottleSettings;
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
    clients: Vec<Client>,
    workloads: Vec<WorkloadRecipe>,
    faults: Vec<FaultRecipe>,
}

#[derive(Clone, Debug)]
struct ServiceRecipe {
    service: Service,
    endpoints: Vec<Vec<StepRecipe>>,
}

#[derive(Clone, Debug)]
enum StepRecipe {
    Work(Distribution),
    Sleep(Distribution),
    Call {
        to: u32,
        client: u32,
        optional: bool,
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
    entry: Vec<(u32, u32)>,
    arrivals: Arrivals,
    key: Option<KeyDistribution>,
    deadline: Option<Span>,
    client: u32,
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
        2 => length(lengths).prop_map(StepRecipe::Sleep),
        8 => (any::<u32>(), any::<u32>(), prop::bool::weighted(0.3))
            .prop_map(|(to, client, optional)| StepRecipe::Call { to, client, optional }),
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
        ]
    })
}

fn limit(range: std::ops::Range<u32>) -> impl Strategy<Value = Limit> {
    prop_oneof![1 => Just(Limit::Unlimited), 3 => range.prop_map(Limit::AtMost)]
}

fn limiter() -> impl Strategy<Value = LimitSettings> {
    let rate = select(vec![5.0, 100.0, 1000.0 / 3.0]).prop_map(|rate| Rate::per_sec(rate).expect("a rate"));
    (rate, 1u32..6).prop_map(|(rate, burst)| LimitSettings { rate, burst })
}

fn service(lengths: Lengths) -> impl Strategy<Value = ServiceRecipe> {
    let service = (
        1u32..4,
        limit(1..5),
        limit(0..6),
        select(vec![Discipline::Fifo, Discipline::Lifo]),
        option::weighted(0.3, 1u32..3),
        select(vec![Handlers::Blocking, Handlers::Async]),
        (0u64..40).prop_map(ms),
        option::weighted(0.2, limiter()),
    )
        .prop_map(|(replicas, threads, queue, discipline, cores, handlers, startup, limit)| Service {
            name: String::new(),
            replicas,
            threads,
            queue,
            discipline,
            cores,
            handlers,
            startup,
            limit,
        });
    (service, vec(vec(step(lengths), 0..4), 1..3)).prop_map(|(service, endpoints)| ServiceRecipe { service, endpoints })
}

fn retry() -> impl Strategy<Value = RetrySettings> {
    let backoff = prop_oneof![
        (0u64..6).prop_map(|millis| Backoff::Fixed(ms(millis))),
        (1u64..5, 1.0f64..3.0).prop_map(|(base, factor)| Backoff::Exponential { base: ms(base), factor, cap: ms(20) }),
    ];
    let around = Jitter::Around(share(20));
    let jitter = select(vec![Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated, around]);
    let budget = (0u32..=50, 0u32..5).prop_map(|(percent, burst)| BudgetSettings { ratio: share(percent), burst });
    let throttle = (1u32..6, 1u32..1500)
        .prop_map(|(max_tokens, token_thousandths)| RetryThrottleSettings { max_tokens, token_thousandths });
    (1u32..4, backoff, jitter, option::weighted(0.3, budget), option::weighted(0.3, throttle)).prop_map(
        |(attempts, backoff, jitter, budget, throttle)| RetrySettings { attempts, backoff, jitter, budget, throttle },
    )
}

fn breaker() -> impl Strategy<Value = BreakerSettings> {
    (1u32..12, 1u32..12, 10u32..=100, 1u64..20, 20u32..=100, 1u64..60, 1u32..4).prop_map(
        |(window, minimum_calls, failures, slow, slow_rate, open, half_open_calls)| BreakerSettings {
            window,
            minimum_calls,
            failure_rate: share(failures),
            slow_call_duration: ms(slow),
            slow_call_rate: share(slow_rate),
            open_for: ms(open),
            half_open_calls,
        },
    )
}

/// Retries, hedges, or neither.
fn patience(lengths: Lengths) -> impl Strategy<Value = (Option<RetrySettings>, Option<HedgeSettings>)> {
    let fixed = match lengths {
        Lengths::Even => (0u64..6).prop_map(ms).boxed(),
        Lengths::Any => (0u64..6_000).prop_map(Span::from_micros).boxed(),
    };
    let after = prop_oneof![
        3 => fixed.prop_map(HedgeDelay::Fixed),
        1 => (1u32..100).prop_map(|percent| HedgeDelay::Quantile(share(percent))),
    ];
    let hedge = (after, 2u32..6).prop_map(|(after, attempts)| HedgeSettings { after, attempts });
    prop_oneof![
        2 => Just((None, None)),
        3 => retry().prop_map(|retry| (Some(retry), None)),
        2 => hedge.prop_map(|hedge| (None, Some(hedge))),
    ]
}

fn throttle() -> impl Strategy<Value = ThrottleSettings> {
    (1.0f64..3.0, 1u64..400).prop_map(|(multiplier, window)| ThrottleSettings { multiplier, window: ms(window) })
}

fn client(lengths: Lengths) -> impl Strategy<Value = Client> {
    (
        length(lengths),
        option::weighted(0.7, 1u64..40),
        select(Balance::ALL.to_vec()),
        patience(lengths),
        option::weighted(0.3, breaker()),
        option::weighted(0.3, throttle()),
        select(vec![Cancel::Off, Cancel::Waiting, Cancel::BetweenSteps, Cancel::AtOnce]),
        select(vec![Deadlines::Local, Deadlines::Propagate]),
    )
        .prop_map(|(latency, timeout, balance, (retry, hedge), breaker, throttle, cancel, deadlines)| Client {
            name: String::new(),
            latency,
            timeout: timeout.map(ms),
            balance,
            retry,
            hedge,
            breaker,
            throttle,
            cancel,
            deadlines,
        })
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
        };
        Profile { points: points.into_iter().map(point).collect() }
    })
}

fn arrivals(lengths: Lengths) -> impl Strategy<Value = Arrivals> {
    let open = match lengths {
        Lengths::Even => profile().prop_map(Arrivals::Even).boxed(),
        Lengths::Any => prop_oneof![profile().prop_map(Arrivals::Even), profile().prop_map(Arrivals::Poisson)].boxed(),
    };
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
    prop_oneof![
        3 => open,
        1 => burst,
        1 => recorded,
        1 => (1u32..8, think).prop_map(|(count, think)| Arrivals::Users { count, think }),
    ]
}

fn workload(arrivals: impl Strategy<Value = Arrivals>) -> impl Strategy<Value = WorkloadRecipe> {
    let keys = select(vec!["zipf(1.1, 100)", "uniform(3)"]).prop_map(|text| text.parse().expect("keys"));
    let entry = vec((1u32..5, any::<u32>()), 1..3);
    (entry, arrivals, option::of(keys), option::of(1u64..60), any::<u32>()).prop_map(
        |(entry, arrivals, key, deadline, client)| WorkloadRecipe {
            entry,
            arrivals,
            key,
            deadline: deadline.map(ms),
            client,
        },
    )
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
    ];
    (0u64..300, option::weighted(0.8, 1u64..200), any::<u32>(), option::of(1u32..3), kind)
        .prop_map(|(at_ms, lasts_ms, place, replicas, kind)| FaultRecipe { at_ms, lasts_ms, place, replicas, kind })
}

fn recipe(lengths: Lengths, arrivals: BoxedStrategy<Arrivals>) -> impl Strategy<Value = Recipe> {
    (
        0u64..1000,
        100u64..700,
        select(vec![50u64, 77, 100, 1000]),
        vec(service(lengths), 1..6),
        vec(client(lengths), 1..4),
        vec(workload(arrivals), 1..4),
        vec(fault(lengths), 0..5),
    )
        .prop_map(|(seed, duration_ms, interval_ms, services, clients, workloads, faults)| Recipe {
            seed,
            duration_ms,
            interval_ms,
            services,
            clients,
            workloads,
            faults,
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
        let mut model = recipe.cook();
        for fault in &mut model.faults {
            fault.lasts.get_or_insert(ms(100));
        }
        // A request that is lost, or stands behind itself in a circle of calls, is given up in time.
        for client in model.clients.ids() {
            model.clients[client].timeout.get_or_insert(ms(200));
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
            clients: Ids::default(),
            faults: Vec::new(),
            expectations: Vec::new(),
        };
        model.clients.push(Client::direct());
        for (n, client) in self.clients.iter().enumerate() {
            model.clients.push(Client { name: format!("client{n}"), ..client.clone() });
        }
        let owners: Vec<usize> =
            self.services.iter().enumerate().flat_map(|(n, it)| vec![n; it.endpoints.len()]).collect();
        for (n, recipe) in self.services.iter().enumerate() {
            let service = model.services.push(Service { name: format!("service{n}"), ..recipe.service.clone() });
            // Calls go to services further on; the last ones call nobody.
            let first = owners.iter().position(|owner| *owner > n).unwrap_or(owners.len());
            let kitchen = Kitchen { first, endpoints: owners.len(), clients: self.clients.len() + 1 };
            for (m, steps) in recipe.endpoints.iter().enumerate() {
                let steps = kitchen.list(steps, false);
                model.endpoints.push(Endpoint { service, name: format!("endpoint{m}"), steps });
            }
        }
        for (n, recipe) in self.workloads.iter().enumerate() {
            let total: u32 = recipe.entry.iter().map(|(weight, _)| weight).sum();
            let entry = recipe.entry.iter().map(|(weight, to)| {
                let share = Share::new(f64::from(*weight) / f64::from(total)).expect("a share");
                (share, EndpointId::new(*to as usize % owners.len()))
            });
            model.workloads.push(Workload {
                name: format!("workload{n}"),
                entry: entry.collect(),
                arrivals: recipe.arrivals.clone(),
                key: recipe.key.clone(),
                deadline: recipe.deadline,
                client: ClientId::new(recipe.client as usize % model.clients.len()),
            });
        }
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
                    };
                    (target, effect.clone())
                }
                FaultKind::Traffic(factor) => {
                    let workload = WorkloadId::new(place % model.workloads.len());
                    if !matches!(model.workloads[workload].arrivals, Arrivals::Even(_) | Arrivals::Poisson(_)) {
                        continue;
                    }
                    (FaultTarget::Workload(workload), Effect::Traffic(*factor))
                }
            };
            model.faults.push(Fault {
                name: format!("fault{n}"),
                at: Time::ZERO + ms(recipe.at_ms),
                lasts: recipe.lasts_ms.map(ms),
                target,
                effect,
            });
        }
        model
    }
}

/// Makes steps for the endpoints of one service.
struct Kitchen {
    /// The first endpoint further on.
    first: usize,
    /// All endpoints.
    endpoints: usize,
    /// All clients.
    clients: usize,
}

impl Kitchen {
    fn list(&self, steps: &[StepRecipe], in_branch: bool) -> Vec<Step> {
        steps.iter().filter_map(|step| self.step(step, in_branch)).collect()
    }

    fn further_on(&self, to: u32) -> Option<EndpointId> {
        let count = self.endpoints - self.first;
        (count > 0).then(|| EndpointId::new(self.first + to as usize % count))
    }

    fn client(&self, client: u32) -> ClientId {
        ClientId::new(client as usize % self.clients)
    }

    fn step(&self, step: &StepRecipe, in_branch: bool) -> Option<Step> {
        Some(match step {
            StepRecipe::Work(demand) => Step::Work(demand.clone()),
            StepRecipe::Sleep(length) => Step::Sleep(length.clone()),
            StepRecipe::Call { to, client, optional } => {
                Step::Call { endpoint: self.further_on(*to)?, client: self.client(*client), optional: *optional }
            }
            // Never without a timeout, or a circle of calls might wait for itself for ever.
            StepRecipe::CallBack { to, client } => {
                let endpoint = EndpointId::new(*to as usize % self.endpoints);
                let client = ClientId::new(1 + *client as usize % (self.clients - 1));
                let call = Step::Call { endpoint, client, optional: false };
                Step::Choose(vec![(share(95), Vec::new()), (share(5), vec![call])])
            }
            StepRecipe::Forward { .. } | StepRecipe::Reply if in_branch => return None,
            StepRecipe::Forward { to, client } => {
                Step::Forward { endpoint: self.further_on(*to)?, client: self.client(*client) }
            }
            StepRecipe::Parallel { branches, need } => {
                let need = match need % 3 {
                    0 => Need::All,
                    1 => Need::Any,
                    _ => Need::AtLeast(1 + need / 3 % branches.len() as u32),
                };
                let branches = branches.iter().map(|(optional, steps)| Branch {
                    steps: self.list(steps, true),
                    optional: *optional && need == Need::All,
                });
                Step::Parallel { branches: branches.collect(), need }
            }
            StepRecipe::Choose(arms) => {
                let total: u32 = arms.iter().map(|(weight, _)| weight).sum();
                let share = |weight: u32| Share::new(f64::from(weight) / f64::from(total)).expect("a share");
                Step::Choose(arms.iter().map(|(w, steps)| (share(*w), self.list(steps, in_branch))).collect())
            }
            StepRecipe::Repeat { times, steps } => Step::Repeat { times: *times, steps: self.list(steps, in_branch) },
            StepRecipe::Reply => Step::Reply,
            StepRecipe::Fail => Step::Fail,
        })
    }
}
