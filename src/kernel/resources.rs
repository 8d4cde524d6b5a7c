//! What is held across steps, and what each frame owes: permits to give back, fetches that others wait for. A model
//! without pools and caches has nothing here.

use std::collections::BTreeMap;

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::mechanism::cache::{Cache, CacheSettings};
use crate::mechanism::pool::{Order, Pool};
use crate::model::{CacheFill, CacheStart, CacheStore, Limit, Model, Scope, SharedPool};

use super::agenda::{Ticket, TimerId};
use super::frame::NONE;

/// See the module.
pub(super) struct Resources {
    pub(super) pools: Vec<PoolState>,
    pub(super) caches: Vec<CacheState>,
    pub(super) debts: Debts,
}

/// All instances of a pool.
pub(super) struct PoolState {
    size: u32,
    places: u32,
    scope: Scope,
    pub(super) is_optimistic: bool,
    pub(super) timeout: Option<TimerId>,
    /// Those of replicas, or the one of all.
    instances: Vec<Pool<Ticket>>,
    /// Those of keys that are in use.
    of_keys: BTreeMap<u32, Pool<Ticket>>,
    /// How often somebody has finished what he did, by instance.
    versions: BTreeMap<u32, u64>,
}

/// All instances of a cache.
pub(super) enum CacheState {
    /// Hits by chance.
    Ratio(f64),
    /// Holds keys.
    Lru {
        /// Those of replicas, or the one of all.
        instances: Vec<Cache<Ticket>>,
        scope: Scope,
        fill: CacheFill,
        coalesce: bool,
    },
}

/// What a frame must do before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Debt {
    /// Give a permit back.
    Permit { pool: u32, instance: u32 },
    /// See that nobody has finished since an instance of an optimistic pool had this version.
    Version { pool: u32, instance: u32, version: u64 },
    /// Tell the limit of its replica, which let it in as one of so many.
    Admission { in_flight: u32 },
    /// End a fetch; `noted` when the cache knows of it, and others may wait.
    Fetch { cache: u32, instance: u32, key: u32, since: Time, noted: bool },
}

/// Lists of debts by frame, the last one first.
#[derive(Default)]
pub(super) struct Debts {
    heads: Vec<u32>,
    items: Vec<(Debt, u32)>,
    free: u32,
}

impl Resources {
    /// `there` tells of every replica whether it is there from the start.
    pub(super) fn new(model: &Model, there: &[bool], mut timer: impl FnMut(Span) -> TimerId) -> Resources {
        let pool = |pool: &SharedPool| {
            let places = match pool.queue {
                Limit::Unlimited => u32::MAX,
                Limit::AtMost(places) => places,
            };
            let count = match pool.scope {
                Scope::Replica => there.len(),
                Scope::Shared => 1,
                Scope::Key => 0,
            };
            PoolState {
                size: pool.size,
                places,
                scope: pool.scope,
                is_optimistic: pool.is_optimistic,
                timeout: pool.acquire_timeout.map(&mut timer),
                instances: vec![Pool::new(pool.size, places, Order::First); count],
                of_keys: BTreeMap::new(),
                versions: BTreeMap::new(),
            }
        };
        Resources {
            pools: model.pools.iter().map(pool).collect(),
            caches: model.caches.iter().map(|cache| CacheState::new(cache, model.seed, there)).collect(),
            debts: Debts { free: NONE, ..Debts::default() },
        }
    }
}

impl PoolState {
    /// The instance for a request in a replica.
    pub(super) fn instance(&self, replica: u32, key: u32) -> u32 {
        match self.scope {
            Scope::Replica => replica,
            Scope::Shared => 0,
            Scope::Key => key,
        }
    }

    /// The pool of an instance.
    pub(super) fn at(&mut self, instance: u32) -> &mut Pool<Ticket> {
        match self.scope {
            Scope::Replica | Scope::Shared => &mut self.instances[instance as usize],
            Scope::Key => {
                self.of_keys.entry(instance).or_insert_with(|| Pool::new(self.size, self.places, Order::First))
            }
        }
    }

    /// Every instance has so many permits from now on. Returns the instances that there are.
    pub(super) fn resize(&mut self, size: u32) -> Vec<u32> {
        self.size = size;
        self.instances.iter_mut().chain(self.of_keys.values_mut()).for_each(|pool| pool.resize(size));
        let instances = 0..self.instances.len() as u32;
        instances.chain(self.of_keys.keys().copied()).collect()
    }

    /// Forgets the pool of a key that nobody uses.
    pub(super) fn tidy(&mut self, instance: u32) {
        if self.scope == Scope::Key && self.of_keys.get(&instance).is_some_and(|pool| pool.busy() == 0) {
            self.of_keys.remove(&instance);
        }
    }

    /// How often somebody has finished what he did with an instance.
    pub(super) fn version(&mut self, instance: u32) -> &mut u64 {
        self.versions.entry(instance).or_default()
    }
}

impl CacheState {
    fn new(cache: &crate::model::Cache, seed: u64, there: &[bool]) -> CacheState {
        let (capacity, ttl, scope, fill, coalesce, start, keys) = match &cache.store {
            CacheStore::Ratio(share) => return CacheState::Ratio(share.as_f64()),
            CacheStore::Lru { capacity, ttl, scope, fill, coalesce, start, keys } => {
                (*capacity, *ttl, *scope, *fill, *coalesce, *start, *keys)
            }
        };
        let capacity = match capacity {
            Limit::Unlimited => u32::MAX,
            Limit::AtMost(capacity) => capacity,
        };
        let empty = Cache::new(CacheSettings {
            capacity,
            ttl: ttl.map_or(Span::MAX, |ttl| ttl.length),
            is_sliding: ttl.is_some_and(|ttl| ttl.is_sliding),
            stale: ttl.map_or(Span::ZERO, |ttl| ttl.stale),
            early: ttl.map_or(0.0, |ttl| ttl.early),
            coalesce,
        });
        let there = if scope == Scope::Replica { there } else { &[true] };
        let mut instances = vec![empty; there.len()];
        if start == CacheStart::Warm {
            let mut ages = Stream::new(seed, &format!("cache/{}/start", cache.name));
            for (instance, _) in instances.iter_mut().zip(there).filter(|(_, there)| **there) {
                // The hottest key is used last.
                for key in (0..keys.min(capacity)).rev() {
                    let expires = match ttl {
                        None => Time::MAX,
                        Some(ttl) => Time::ZERO + Span::from_nanos_f64(ttl.length.as_nanos() as f64 * ages.uniform()),
                    };
                    instance.put(key, expires, Span::ZERO);
                }
            }
        }
        CacheState::Lru { instances, scope, fill, coalesce }
    }

    /// Forgets all keys: those of a replica, or all.
    pub(super) fn flush(&mut self, replica: Option<u32>) {
        let CacheState::Lru { instances, scope, .. } = self else { return };
        match (replica, scope) {
            (None, _) => instances.iter_mut().for_each(Cache::flush),
            (Some(replica), Scope::Replica) => instances[replica as usize].flush(),
            (Some(_), _) => {}
        }
    }
}

impl Debts {
    /// A frame owes one thing more.
    pub(super) fn push(&mut self, frame: u32, debt: Debt) {
        if self.heads.len() <= frame as usize {
            self.heads.resize(frame as usize + 1, NONE);
        }
        let item = (debt, self.heads[frame as usize]);
        let place = if self.free == NONE {
            self.items.push(item);
            self.items.len() as u32 - 1
        } else {
            let place = self.free;
            self.free = self.items[place as usize].1;
            self.items[place as usize] = item;
            place
        };
        self.heads[frame as usize] = place;
    }

    /// What a frame owes since the shortest time, and whether that was all.
    pub(super) fn pop(&mut self, frame: u32) -> Option<(Debt, bool)> {
        let head = self.heads.get_mut(frame as usize)?;
        let place = *head;
        if place == NONE {
            return None;
        }
        let (debt, next) = self.items[place as usize];
        *head = next;
        self.items[place as usize].1 = self.free;
        self.free = place;
        Some((debt, next == NONE))
    }
}
