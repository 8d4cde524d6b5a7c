//! The keys of what is held across steps, and of what is remembered.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::model::{CacheFill, CacheStart, Scope};
use crate::scenario::declare::keys;
use crate::scenario::decode::{CacheScope, Count, Expiry, LimitFrom, NotZero, Or, PoolPreset, Word};

keys! {
    /// Permits that a `hold` step holds across other steps and remote calls: connections, locks, semaphores.
    PoolKeys is "a pool" at "pool.NAME" {
        /// Start from the figures of a library, and be refused what it refuses. "hikari" is HikariCP: 10 connections, a
        /// wait of 30 s, and none shorter than 250 ms.
        preset: Word<PoolPreset>;
        /// Permits of one instance; one is a lock, and what there is without a preset.
        size: Count<1>;
        /// How many may wait for one.
        queue: LimitFrom<0> = "unlimited";
        /// How long one waits before the step fails: for ever without a preset.
        acquire_timeout: Or<NotZero<Span>>;
        /// How many instances there are: one for each "replica" that uses it, one that is "shared" by all, or one for
        /// each "key" of requests, which all replicas share (a lock on a row).
        scope: Word<Scope> = "replica";
        /// Optimistic concurrency: nobody waits, but at the end the step fails if another one has succeeded since it
        /// began.
        optimistic: bool = "false";
    }
    later { "fair" "lease" }
}

keys! {
    /// What is remembered. With `hit_ratio` it decides by chance; otherwise it holds keys, and forgets the one that was
    /// used longest ago (LRU) or whose time is over.
    CacheKeys is "a cache" at "cache.NAME" {
        /// The share of lookups that find what they want; then no other key is set.
        hit_ratio: Share;
        /// How many keys it holds.
        capacity: LimitFrom<1> = "unlimited";
        /// How long it keeps a key.
        ttl: Or<NotZero<Span>> = "none";
        /// From when that counts: "fixed" is from the fill, "sliding" from the last use.
        expiry: Word<Expiry> = "fixed";
        /// For how long after that it still answers with the old value, while one request's worth of fetching goes on in
        /// the background (stale-while-revalidate).
        stale: Span = "0s";
        /// Early expiration (XFetch): whoever finds a key fetches it with a chance that grows as its end comes near. 1 is
        /// usual, more is earlier, 0 is never.
        early: f64 = "0";
        /// Whether those who miss a key that is being fetched wait for it and share what becomes of it (single-flight).
        coalesce: bool = "false";
        /// Whose answers it takes: only those that come "in-time", while somebody still waits, or "late" ones too.
        fill: Word<CacheFill> = "in-time";
        /// How many instances there are: one for each "replica" that uses it, or one that is "shared" by all.
        scope: Word<CacheScope> = "replica";
        /// What it holds at the start: nothing when "cold"; when "warm" as many keys as it can, the hottest ones.
        start: Word<CacheStart> = "cold";
    }
    later { "negative" "refresh" }
}
