//! Pools and caches: whether their keys fit together.

use super::{Atlas, Resource};
use crate::base::time::Span;
use crate::model::{Cache, CacheFill, CacheId, CacheStart, CacheStore, Id, Ids, Limit, PoolId, Scope, SharedPool, Ttl};
use crate::policy::hikari::{HikariConfig, HikariError};
use crate::scenario::decode::{CacheScope, Cx, Expiry, Field, NotZero, Word};
use crate::scenario::language::{CacheKeys, PoolKeys, ScenarioKeys};
use crate::scenario::say::{Place, catalogue};

/// More keys than this are not filled in at the start.
const WARM_MAX: u32 = 10_000_000;

pub(super) fn pools(keys: &ScenarioKeys, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Ids<PoolId, SharedPool> {
    let mut pools = Ids::default();
    for item in keys.pool.value().iter().flat_map(|pools| &pools.items) {
        atlas.pools.push(item.place);
        atlas.pool_sizes.push(item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.size.place()));
        pools.push(pool(&item.name, item.value.as_ref(), cx));
    }
    pools
}

fn pool(name: &str, keys: Option<&PoolKeys>, cx: &mut Cx<'_>) -> SharedPool {
    let is_optimistic = keys.is_some_and(|keys| keys.optimistic.or_default());
    if let Some(keys) = keys.filter(|_| is_optimistic) {
        // What is only the default, written down, does no harm.
        let useless = [
            ("preset", keys.preset.key_place()),
            ("size", unless(&keys.size, |count| count.0 == 1)),
            ("queue", unless(&keys.queue, |limit| limit.0 == Limit::Unlimited)),
            ("acquire_timeout", unless(&keys.acquire_timeout, |timeout| timeout.0.is_none())),
        ];
        for (name, place) in useless.into_iter().filter(|(_, place)| place.is_somewhere()) {
            cx.say(&catalogue::EXCLUDE, place, format!("`{name}` means nothing where nobody waits"))
                .also(keys.optimistic.key_place(), "all go on at once")
                .help(format!("remove `{name}`, or `optimistic`"));
        }
    }
    let (size, acquire_timeout) = match keys {
        Some(keys) if keys.preset.value().is_some() && !is_optimistic => hikari(keys, cx),
        keys => (
            keys.and_then(|keys| keys.size.value()).map_or(1, |count| count.0),
            keys.and_then(|keys| keys.acquire_timeout.value()?.0).map(|NotZero(span)| span),
        ),
    };
    SharedPool {
        name: name.to_owned(),
        size,
        queue: keys.and_then(|keys| keys.queue.value()).map_or(Limit::Unlimited, |limit| limit.0),
        acquire_timeout,
        scope: keys.and_then(|keys| keys.scope.value()).map_or(Scope::Replica, |Word(scope)| *scope),
        is_optimistic,
    }
}

/// Size and patience of a pool that HikariCP manages.
fn hikari(keys: &PoolKeys, cx: &mut Cx<'_>) -> (u32, Option<Span>) {
    let config = HikariConfig {
        maximum_pool_size: keys.size.value().map(|count| count.0),
        connection_timeout: keys.acquire_timeout.value().map(|timeout| timeout.0.map(|NotZero(span)| span)),
        ..HikariConfig::default()
    };
    match config.validated() {
        Ok(pool) => (pool.maximum_pool_size, pool.connection_timeout),
        Err(error) => {
            let field = match error {
                HikariError::TimeoutTooShort => keys.acquire_timeout.place(),
                HikariError::NoConnections => keys.size.place(),
            };
            cx.say(&catalogue::OUT_OF_RANGE, field, format!("HikariCP does not start with this: {error}"))
                .also(keys.preset.key_place(), "the pool is HikariCP's")
                .help("write at least that much, or leave `preset` out");
            (1, None)
        }
    }
}

/// Where a key stands, unless what it says is the default.
fn unless<T>(field: &Field<T>, is_default: impl Fn(&T) -> bool) -> Place {
    match field {
        Field::Given { value, key, .. } if !is_default(value) => *key,
        _ => Place::NOWHERE,
    }
}

pub(super) fn caches(keys: &ScenarioKeys, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Ids<CacheId, Cache> {
    let mut caches = Ids::default();
    for item in keys.cache.value().iter().flat_map(|caches| &caches.items) {
        atlas.caches.push(item.place);
        let store = match &item.value {
            Some(keys) => store(keys, cx),
            None => lru(None, None),
        };
        caches.push(Cache { name: item.name.clone(), store });
    }
    caches
}

fn store(keys: &CacheKeys, cx: &mut Cx<'_>) -> CacheStore {
    let others = [
        ("capacity", unless(&keys.capacity, |limit| limit.0 == Limit::Unlimited)),
        ("ttl", unless(&keys.ttl, |ttl| ttl.0.is_none())),
        ("expiry", unless(&keys.expiry, |word| word.0 == Expiry::Fixed)),
        ("stale", unless(&keys.stale, |stale| stale.is_zero())),
        ("early", unless(&keys.early, |early| *early == 0.0)),
        ("coalesce", unless(&keys.coalesce, |coalesce| !coalesce)),
        ("fill", unless(&keys.fill, |word| word.0 == CacheFill::InTime)),
        ("scope", unless(&keys.scope, |word| word.0 == CacheScope::Replica)),
        ("start", unless(&keys.start, |word| word.0 == CacheStart::Cold)),
    ];
    if let Field::Given { value: share, key, .. } = &keys.hit_ratio {
        for (name, place) in others.into_iter().filter(|(_, place)| place.is_somewhere()) {
            cx.say(&catalogue::EXCLUDE, place, format!("`{name}` means nothing where hits come by chance"))
                .also(*key, "it decides every lookup")
                .help(format!("remove `{name}`, or `hit_ratio` to hold real keys"));
        }
        return CacheStore::Ratio(*share);
    }
    let length = keys.ttl.or_default().0.map(|NotZero(span)| span);
    if length.is_none() && !keys.ttl.is_bad() {
        let of_ttl = ["expiry", "stale", "early"];
        let useless = |(name, place): &(&str, Place)| of_ttl.contains(name) && place.is_somewhere();
        for (name, place) in others.into_iter().filter(useless) {
            cx.say(&catalogue::PARTNER, place, format!("`{name}` needs `ttl`: these keys never expire"))
                .help("add for example `ttl = \"60s\"`");
        }
    }
    let ttl = length.map(|length| Ttl {
        length,
        is_sliding: matches!(keys.expiry.value(), Some(Word(Expiry::Sliding))),
        stale: keys.stale.or_default(),
        early: keys.early.or_default(),
    });
    lru(Some(keys), ttl)
}

fn lru(keys: Option<&CacheKeys>, ttl: Option<Ttl>) -> CacheStore {
    CacheStore::Lru {
        capacity: keys.and_then(|keys| keys.capacity.value()).map_or(Limit::Unlimited, |limit| limit.0),
        ttl,
        scope: match keys.and_then(|keys| keys.scope.value()) {
            Some(Word(CacheScope::Shared)) => Scope::Shared,
            _ => Scope::Replica,
        },
        fill: keys.and_then(|keys| keys.fill.value()).map_or(CacheFill::InTime, |Word(fill)| *fill),
        coalesce: keys.is_some_and(|keys| keys.coalesce.or_default()),
        start: keys.and_then(|keys| keys.start.value()).map_or(CacheStart::Cold, |Word(start)| *start),
        keys: 0,
    }
}

/// Tells warm caches how many keys there are: those of the steps that use them and of all workloads.
pub(super) fn count_keys(keys: &ScenarioKeys, caches: &mut Ids<CacheId, Cache>, atlas: &Atlas, cx: &mut Cx<'_>) {
    let workloads = keys.workload.value();
    let workloads = workloads.iter().flat_map(|workloads| &workloads.items);
    let of_workloads =
        workloads.filter_map(|item| item.value.as_ref()?.key.given()).map(|keys| keys.count()).max().unwrap_or(0);
    let ids: Vec<CacheId> = caches.ids().collect();
    for id in ids {
        let of_steps = atlas.uses.iter().filter_map(|used| match used.what {
            Resource::Cache { cache, keys, .. } if cache == id => Some(keys.unwrap_or(of_workloads)),
            _ => None,
        });
        let count = of_steps.max().unwrap_or(0);
        let CacheStore::Lru { capacity, keys, start: CacheStart::Warm, .. } = &mut caches[id].store else { continue };
        *keys = count;
        let fits = match capacity {
            Limit::Unlimited => count,
            Limit::AtMost(capacity) => count.min(*capacity),
        };
        if fits > WARM_MAX {
            cx.say(
                &catalogue::OUT_OF_RANGE,
                atlas.caches[id.index()],
                format!("{fits} keys are too many to start with"),
            )
            .help(format!("limit `capacity` to {WARM_MAX}, or leave `start` out"));
        }
    }
}
