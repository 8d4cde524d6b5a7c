//! Random services, and what they hold and remember.

use brownout::policy::balance::SlowStartSettings;
use brownout::policy::limit::{
    AdmissionSettings, AimdSettings, ConcurrencySettings, Gradient2Settings, GradientSettings, LawSettings,
    LimitSettings, PriorityShares, RateSettings, VegasSettings,
};

use brownout::policy::retry::Pushback;

use super::*;

pub(super) fn limit(range: std::ops::Range<u32>) -> impl Strategy<Value = Limit> {
    prop_oneof![1 => Just(Limit::Unlimited), 3 => range.prop_map(Limit::AtMost)]
}

fn discipline() -> impl Strategy<Value = Discipline> {
    let settings = CodelSettings { target: ms(1), interval: ms(10) };
    select(vec![
        Discipline::Fifo,
        Discipline::Fifo,
        Discipline::Lifo,
        Discipline::AdaptiveLifo { standing: ms(5) },
        Discipline::Random,
        Discipline::Priority,
        Discipline::Preemptive,
        Discipline::Codel(settings),
    ])
}

fn queue_timeout(lengths: Lengths) -> impl Strategy<Value = QueueTimeout> {
    prop_oneof![
        length(lengths).prop_map(QueueTimeout::After),
        Just(QueueTimeout::Adaptive(AdaptiveTimeout { short: ms(2), standing: ms(10) })),
    ]
}

fn disturbances(
    lengths: Lengths,
) -> impl Strategy<Value = (Option<GarbageCollection>, Option<NoisyNeighbour>, Option<ContextSwitch>)> {
    // Never without a pause in between, or they would fill the run.
    let every = || (1u64..50).prop_map(|millis| Distribution::Constant(ms(millis)));
    let trigger = prop_oneof![
        every().prop_map(GcTrigger::Every),
        (1u64..5000).prop_map(|bytes| GcTrigger::Allocated(Size::from_bytes(bytes))),
    ];
    let gc = (trigger, length(lengths)).prop_map(|(trigger, pause)| GarbageCollection { trigger, pause });
    let neighbour = (every(), length(lengths)).prop_map(|(every, lasts)| NoisyNeighbour { every, lasts, slow: 2.5 });
    let switch = (1u64..2000).prop_map(|micros| ContextSwitch { cost: Span::from_micros(micros), slice: ms(1) });
    (option::weighted(0.1, gc), option::weighted(0.1, neighbour), option::weighted(0.3, switch))
}

pub(super) fn limiter() -> impl Strategy<Value = LimitSettings> {
    let rate = select(vec![5.0, 100.0, 1000.0 / 3.0]).prop_map(|rate| Rate::per_sec(rate).expect("a rate"));
    let rate = (rate, 1u32..6).prop_map(|(rate, burst)| LimitSettings::Rate(RateSettings { rate, burst }));
    let admission = (1u32..=100, 20u64..500).prop_map(|(success, window)| {
        let usual = AdmissionSettings::default();
        LimitSettings::Admission(AdmissionSettings { success: share(success), window: ms(window), ..usual })
    });
    prop_oneof![2 => rate, 4 => concurrency().prop_map(LimitSettings::Concurrency), 1 => admission]
}

fn concurrency() -> impl Strategy<Value = ConcurrencySettings> {
    let bounds = (1u32..4, 0u32..4, 0u32..30).prop_map(|(min, more, most)| (min, min + more, min + more + most));
    let window = option::weighted(0.3, (1u64..50).prop_map(ms));
    let law = (0u32..5, bounds, 1u64..30, window).prop_map(|(kind, (min, initial, max), length, window)| match kind {
        0 => LawSettings::Fixed(max),
        1 => LawSettings::Aimd(AimdSettings {
            initial,
            min,
            max,
            timeout: ms(length),
            window: window.unwrap_or_default(),
            ..AimdSettings::default()
        }),
        2 => LawSettings::Vegas(VegasSettings {
            initial,
            max,
            window: window.unwrap_or_default(),
            ..VegasSettings::default()
        }),
        3 => LawSettings::Gradient2(Gradient2Settings {
            initial,
            min,
            max,
            window: window.unwrap_or_default(),
            ..Gradient2Settings::default()
        }),
        _ => LawSettings::Gradient(GradientSettings {
            min,
            max,
            window: ms(length),
            min_rtt_interval: ms(8 * length),
            min_rtt_requests: initial,
            ..GradientSettings::default()
        }),
    });
    let shares = vec(option::weighted(0.3, (0u32..=30).prop_map(share)), 10)
        .prop_map(|of| PriorityShares::new(std::array::from_fn(|n| of[n])));
    (law, shares, any::<bool>())
        .prop_map(|(law, shares, has_shares)| ConcurrencySettings { law, shares: shares.filter(|_| has_shares) })
}

/// Weights and slow start.
fn weights() -> impl Strategy<Value = (Vec<u32>, Option<SlowStartSettings>)> {
    let slow_start = (1u64..3000, select(vec![1.0, 2.0]), 0u32..=100).prop_map(|(window, aggression, min)| {
        SlowStartSettings { window: ms(window), aggression, min_weight: share(min.max(1)) }
    });
    (prop_oneof![3 => Just(Vec::new()), 1 => vec(1u32..4, 1..4)], option::weighted(0.2, slow_start))
}

/// Idle connections are closed soon, or those who wait outside would wait for ever.
fn acceptance() -> impl Strategy<Value = Acceptance> {
    (limit(1..4), limit(0..4), 1u64..20, limit(1..5)).prop_map(|(max, queue, keep_alive, requests)| Acceptance {
        max,
        queue,
        keep_alive: Some(ms(keep_alive)),
        requests,
    })
}

pub(super) fn service(lengths: Lengths) -> impl Strategy<Value = ServiceRecipe> {
    let queue = (
        limit(0..6),
        select(vec![Overflow::RejectNewest, Overflow::RejectOldest]),
        option::weighted(0.2, queue_timeout(lengths)),
        discipline(),
    );
    let service = (
        1u32..4,
        limit(1..5),
        queue,
        option::weighted(0.3, 1u32..3),
        select(vec![Handlers::Blocking, Handlers::Async]),
        (0u64..40).prop_map(ms),
        (disturbances(lengths), option::weighted(0.35, limiter()), weights(), option::weighted(0.15, acceptance())),
    )
        .prop_map(
            |(
                replicas,
                threads,
                queue,
                cores,
                handlers,
                startup,
                (disturbances, limit, (weights, slow_start), connections),
            )| {
                let (gc, neighbour, context_switch) = disturbances;
                let (queue, overflow, queue_timeout, discipline) = queue;
                Service {
                    pushback: match replicas % 3 {
                        0 => Some(Pushback::After(Span::from_millis(5))),
                        1 => Some(Pushback::Never),
                        _ => None,
                    },
                    name: String::new(),
                    replicas,
                    threads,
                    queue,
                    overflow,
                    queue_timeout,
                    discipline,
                    cores,
                    context_switch,
                    handlers,
                    startup,
                    gc,
                    neighbour,
                    limit,
                    connections,
                    weights,
                    slow_start,
                    zones: Vec::new(),
                }
            },
        );
    (service, vec(vec(step(lengths), 0..4), 1..3)).prop_map(|(service, endpoints)| ServiceRecipe { service, endpoints })
}

pub(super) fn pool() -> impl Strategy<Value = SharedPool> {
    let scope = select(vec![Scope::Replica, Scope::Shared, Scope::Key]);
    // Never without a timeout, or two that hold what the other wants would wait for ever.
    (1u32..4, limit(0..6), 1u64..30, scope, prop::bool::weighted(0.2)).prop_map(
        |(size, queue, timeout, scope, is_optimistic)| SharedPool {
            name: String::new(),
            size,
            queue,
            acquire_timeout: Some(ms(timeout)),
            scope,
            is_optimistic,
        },
    )
}

pub(super) fn cache() -> impl Strategy<Value = CacheStore> {
    let ttl = (1u64..100, any::<bool>(), 0u64..20, select(vec![0.0, 1.0, 5.0]))
        .prop_map(|(length, is_sliding, stale, early)| Ttl { length: ms(length), is_sliding, stale: ms(stale), early });
    let lru = (
        limit(1..20),
        option::of(ttl),
        select(vec![Scope::Replica, Scope::Shared]),
        select(vec![CacheFill::InTime, CacheFill::Late]),
        any::<bool>(),
        select(vec![CacheStart::Cold, CacheStart::Warm]),
    )
        .prop_map(|(capacity, ttl, scope, fill, coalesce, start)| CacheStore::Lru {
            capacity,
            ttl,
            scope,
            fill,
            coalesce,
            start,
            keys: 30,
        });
    prop_oneof![
        1 => (0u32..=100).prop_map(|percent| CacheStore::Ratio(share(percent))),
        4 => lru,
    ]
}
