//! What pools and caches did: counted by the time of the event, from the end of the warm-up on.

use crate::base::time::{Span, Time};
use crate::kernel::NotAcquired;
use crate::mechanism::cache::{Found, Lost};
use crate::model::{CacheId, Id, Model, PoolId};

use super::latency::{Latency, Mark};
use super::level::Level;
use super::results::{CacheResult, CacheSeries, PoolResult, PoolSeries};
use super::sums::{CacheSums, PoolSums, Sums};
use super::window::Counts;

/// The meters of all pools and caches.
pub(super) struct ResourceMeters {
    /// Start of the time that totals count.
    from: Time,
    pools: Vec<PoolMeter>,
    caches: Vec<CacheMeter>,
}

#[derive(Default)]
struct PoolMeter {
    /// From the start on.
    counts: Counts,
    result: PoolResult,
    used: Level,
    wanted: Level,
    wait: Latency,
    /// Permits in use and wanted, integrated up to the start of the totals.
    before: [u128; 2],
    last: [u128; 2],
    /// Not acquired since the last point of the series.
    failed: u64,
    /// Waits, and those that timed out, were rejected or worked in vain, up to the last point of the series.
    mark: Mark,
    last_failed: [u64; 3],
    series: PoolSeries,
}

#[derive(Default)]
struct CacheMeter {
    /// From the start on.
    counts: Counts,
    result: CacheResult,
    /// Lookups and hits up to the last point of the series.
    last: [u64; 2],
    /// Of those that count: stale, early, misses and coalesced.
    last_kinds: [u64; 4],
    series: CacheSeries,
}

impl PoolMeter {
    /// Permits in use and wanted, integrated up to `now`.
    fn read(&mut self, now: Time) -> [u128; 2] {
        [self.used.integral(now), self.wanted.integral(now)]
    }

    fn add_sums(&mut self, sums: &mut PoolSums) {
        let it = &self.result;
        self.wait.add_point(0, &mut self.mark, &mut sums.wait);
        let now = [it.timed_out, it.rejected, it.conflicts];
        add_new([&mut sums.timed_out, &mut sums.rejected, &mut sums.conflicts], now, &mut self.last_failed);
    }
}

impl CacheMeter {
    fn add_sums(&mut self, sums: &mut CacheSums) {
        let it = &self.result;
        let columns = [&mut sums.stale, &mut sums.early, &mut sums.misses, &mut sums.coalesced];
        add_new(columns, [it.stale, it.early, it.misses, it.coalesced], &mut self.last_kinds);
    }
}

/// Adds to each column what there is now and was not there last time.
fn add_new<const N: usize>(columns: [&mut Vec<u64>; N], now: [u64; N], last: &mut [u64; N]) {
    for ((column, now), last) in columns.into_iter().zip(now).zip(last) {
        column.push(now - *last);
        *last = now;
    }
}

impl ResourceMeters {
    pub(super) fn new(model: &Model) -> ResourceMeters {
        ResourceMeters {
            from: Time::ZERO + model.warmup,
            pools: model.pools.iter().map(|_| PoolMeter::default()).collect(),
            caches: model.caches.iter().map(|_| CacheMeter::default()).collect(),
        }
    }

    /// What has been counted so far is left out of the totals.
    pub(super) fn start_totals(&mut self, now: Time) {
        for pool in &mut self.pools {
            pool.before = pool.read(now);
        }
    }

    /// Ends a point of the series.
    pub(super) fn add_point(&mut self, now: Time, length: Span) {
        for pool in &mut self.pools {
            let reading = pool.read(now);
            let mean = |n: usize, last: [u128; 2]| (reading[n] - last[n]) as f64 / length.as_nanos() as f64;
            pool.series.used.push(mean(0, pool.last));
            pool.series.waiting.push(mean(1, pool.last));
            pool.series.failed.push(std::mem::take(&mut pool.failed));
            pool.last = reading;
        }
        for cache in &mut self.caches {
            let now = [cache.counts.offered, cache.counts.hits];
            cache.series.lookups.push(now[0] - cache.last[0]);
            cache.series.hits.push(now[1] - cache.last[1]);
            cache.last = now;
        }
    }

    /// Adds what tells how sure means are.
    pub(super) fn add_sums(&mut self, sums: &mut Sums) {
        self.pools.iter_mut().zip(&mut sums.pools).for_each(|(pool, sums)| pool.add_sums(sums));
        self.caches.iter_mut().zip(&mut sums.caches).for_each(|(cache, sums)| cache.add_sums(sums));
    }

    /// What a pool has counted from the start on.
    pub(super) fn pool_counts(&mut self, id: PoolId, now: Time) -> Counts {
        let pool = &mut self.pools[id.index()];
        let [busy_nanos, queue_nanos] = pool.read(now);
        Counts { busy_nanos, queue_nanos, ..pool.counts }
    }

    /// What a cache has counted from the start on.
    pub(super) fn cache_counts(&self, id: CacheId) -> Counts {
        self.caches[id.index()].counts
    }

    /// Totals and series at the end of the run.
    pub(super) fn finish(self, end: Time) -> (Vec<PoolResult>, Vec<CacheResult>, Vec<PoolSeries>, Vec<CacheSeries>) {
        let mut pools = (Vec::new(), Vec::new());
        for mut pool in self.pools {
            let reading = pool.read(end);
            pools.0.push(PoolResult {
                wait: pool.wait,
                used_nanos: reading[0] - pool.before[0],
                waiting_nanos: reading[1] - pool.before[1],
                ..pool.result
            });
            pools.1.push(pool.series);
        }
        let (caches, series) = self.caches.into_iter().map(|cache| (cache.result, cache.series)).unzip();
        (pools.0, caches, pools.1, series)
    }

    pub(super) fn permits(&mut self, pool: u32, now: Time, change: i32) {
        self.pools[pool as usize].used.add(now, change);
    }

    pub(super) fn permits_wanted(&mut self, pool: u32, now: Time, change: i32) {
        let pool = &mut self.pools[pool as usize];
        pool.wanted.add(now, change);
        pool.result.peak_waiting = pool.result.peak_waiting.max(pool.wanted.value());
    }

    pub(super) fn acquired(&mut self, pool: u32, now: Time, waited: Span) {
        let pool = &mut self.pools[pool as usize];
        pool.counts.offered += 1;
        if now >= self.from {
            pool.result.acquired += 1;
            pool.wait.record(waited);
        }
    }

    pub(super) fn not_acquired(&mut self, pool: u32, now: Time, why: NotAcquired) {
        let pool = &mut self.pools[pool as usize];
        pool.failed += 1;
        pool.counts.rejected += 1;
        // One who has worked in vain had begun.
        pool.counts.offered += u64::from(why != NotAcquired::Conflict);
        if now >= self.from {
            *match why {
                NotAcquired::Rejected => &mut pool.result.rejected,
                NotAcquired::TimedOut => &mut pool.result.timed_out,
                NotAcquired::Conflict => &mut pool.result.conflicts,
            } += 1;
        }
    }

    pub(super) fn looked_up(&mut self, cache: u32, now: Time, found: Found, lost: Lost) {
        let cache = &mut self.caches[cache as usize];
        cache.counts.offered += 1;
        cache.counts.hits += u64::from(matches!(found, Found::Hit | Found::Stale));
        cache.counts.fetches += u64::from(matches!(found, Found::Stale | Found::Early | Found::Miss));
        cache.counts.expired += u64::from(lost.expired);
        if now < self.from {
            return;
        }
        cache.result.lookups += 1;
        cache.result.expired += u64::from(lost.expired);
        *match found {
            Found::Hit => &mut cache.result.hits,
            Found::Stale => &mut cache.result.stale,
            Found::Early => &mut cache.result.early,
            Found::Miss => &mut cache.result.misses,
            Found::Wait => &mut cache.result.coalesced,
        } += 1;
    }

    pub(super) fn fetched(&mut self, cache: u32, now: Time, kept: bool, lost: Lost) {
        if now >= self.from {
            let result = &mut self.caches[cache as usize].result;
            *if kept { &mut result.filled } else { &mut result.too_late } += 1;
            result.evicted += u64::from(lost.evicted);
        }
    }
}
