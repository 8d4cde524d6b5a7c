//! What pools and caches did, for the data files: rows of `summary.json`, and metrics of the tables.

use serde::Serialize;

use crate::base::time::Span;
use crate::measure::{CacheConfidence, CacheResult, CacheSeries, PoolConfidence, PoolResult, PoolSeries};
use crate::model::{CacheStore, Scope};

use super::facts::{self, Facts};
use super::json::{LatencyRow, latency_row};

/// A pool in `summary.json`.
#[derive(Serialize)]
pub(super) struct PoolRow<'a> {
    name: &'a str,
    scope: &'static str,
    size: Option<u32>,
    acquired: u64,
    acquired_per_s: Option<f64>,
    timed_out: u64,
    rejected: u64,
    conflicts: u64,
    in_use_mean: Option<f64>,
    waiting_mean: Option<f64>,
    waiting_peak: u32,
    wait: LatencyRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<PoolConfidence>,
}

/// A cache in `summary.json`.
#[derive(Serialize)]
pub(super) struct CacheRow<'a> {
    name: &'a str,
    scope: Option<&'static str>,
    lookups: u64,
    lookups_per_s: Option<f64>,
    hits: u64,
    stale: u64,
    early: u64,
    misses: u64,
    coalesced: u64,
    hit_ratio_share: Option<f64>,
    filled: u64,
    too_late: u64,
    expired: u64,
    evicted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<CacheConfidence>,
}

pub(super) fn pool_rows<'a>(facts: &Facts<'a>) -> Vec<PoolRow<'a>> {
    let rows = facts.model.pools.iter().zip(&facts.results.pools).enumerate().map(|(id, (pool, it))| PoolRow {
        name: &pool.name,
        scope: scope(pool.scope),
        size: (!pool.is_optimistic).then_some(pool.size),
        acquired: it.acquired,
        acquired_per_s: facts.per_sec(it.acquired),
        timed_out: it.timed_out,
        rejected: it.rejected,
        conflicts: it.conflicts,
        in_use_mean: facts.mean_level(it.used_nanos),
        waiting_mean: facts.mean_level(it.waiting_nanos),
        waiting_peak: it.peak_waiting,
        wait: latency_row(&it.wait),
        half_widths: facts.half_widths(|all| all.pools[id]),
    });
    rows.collect()
}

pub(super) fn cache_rows<'a>(facts: &Facts<'a>) -> Vec<CacheRow<'a>> {
    let rows = facts.model.caches.iter().zip(&facts.results.caches).enumerate().map(|(id, (cache, it))| CacheRow {
        name: &cache.name,
        scope: match cache.store {
            CacheStore::Ratio(_) => None,
            CacheStore::Lru { scope: of, .. } => Some(scope(of)),
        },
        lookups: it.lookups,
        lookups_per_s: facts.per_sec(it.lookups),
        hits: it.hits,
        stale: it.stale,
        early: it.early,
        misses: it.misses,
        coalesced: it.coalesced,
        hit_ratio_share: it.hit_ratio(),
        filled: it.filled,
        too_late: it.too_late,
        expired: it.expired,
        evicted: it.evicted,
        half_widths: facts.half_widths(|all| all.caches[id]),
    });
    rows.collect()
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Replica => "replica",
        Scope::Shared => "shared",
        Scope::Key => "key",
    }
}

/// The totals of a pool, by metric.
pub(super) fn pool_totals(facts: &Facts, it: &PoolResult) -> [(&'static str, Option<f64>); 9] {
    let wait = |span: Option<Span>| span.map(Span::as_secs_f64);
    [
        ("acquired", Some(it.acquired as f64)),
        ("timed_out", Some(it.timed_out as f64)),
        ("rejected", Some(it.rejected as f64)),
        ("conflicts", Some(it.conflicts as f64)),
        ("in_use_mean", facts.mean_level(it.used_nanos)),
        ("waiting_mean", facts.mean_level(it.waiting_nanos)),
        ("waiting_peak", Some(it.peak_waiting.into())),
        ("wait_mean_s", wait(it.wait.mean())),
        ("wait_p99_s", wait(it.wait.quantile(0.99))),
    ]
}

/// The totals of a cache, by metric.
pub(super) fn cache_totals(it: &CacheResult) -> [(&'static str, Option<f64>); 11] {
    let count = |count: u64| Some(count as f64);
    [
        ("lookups", count(it.lookups)),
        ("hits", count(it.hits)),
        ("stale", count(it.stale)),
        ("early", count(it.early)),
        ("misses", count(it.misses)),
        ("coalesced", count(it.coalesced)),
        ("hit_ratio_share", it.hit_ratio()),
        ("filled", count(it.filled)),
        ("too_late", count(it.too_late)),
        ("expired", count(it.expired)),
        ("evicted", count(it.evicted)),
    ]
}

/// A point of a pool's series, by metric.
pub(super) fn pool_point(it: &PoolSeries, point: usize) -> [(&'static str, Option<f64>); 3] {
    [
        ("in_use_mean", Some(it.used[point])),
        ("waiting_mean", Some(it.waiting[point])),
        ("not_acquired", Some(it.failed[point] as f64)),
    ]
}

/// A point of a cache's series, by metric.
pub(super) fn cache_point(it: &CacheSeries, point: usize) -> [(&'static str, Option<f64>); 3] {
    let (lookups, hits) = (it.lookups[point] as f64, it.hits[point] as f64);
    [("lookups", Some(lookups)), ("hits", Some(hits)), ("hit_ratio_share", facts::ratio(hits, lookups))]
}
