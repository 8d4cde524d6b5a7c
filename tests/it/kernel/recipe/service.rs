//! Random services, and what they hold and remember.

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

fn limiter() -> impl Strategy<Value = LimitSettings> {
    let rate = select(vec![5.0, 100.0, 1000.0 / 3.0]).prop_map(|rate| Rate::per_sec(rate).expect("a rate"));
    (rate, 1u32..6).prop_map(|(rate, burst)| LimitSettings { rate, burst })
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
        (disturbances(lengths), option::weighted(0.2, limiter()), option::weighted(0.15, acceptance())),
    )
        .prop_map(|(replicas, threads, queue, cores, handlers, startup, (disturbances, limit, connections))| {
            let (gc, neighbour, context_switch) = disturbances;
            let (queue, overflow, queue_timeout, discipline) = queue;
            Service {
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
                zones: Vec::new(),
            }
        });
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
