//! The tables of pools and caches: what was held, and what was remembered. Models without them have none.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::measure::{CacheResult, PoolResult};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// A column that stands only where it happened: its head, and what it counts.
type Kind<T> = (&'static str, fn(&T) -> u64);

/// What was held.
pub(super) fn pools(facts: &Facts, look: Look) -> Option<String> {
    let results = &facts.results.pools;
    if results.is_empty() {
        return None;
    }
    let cells = |text: &dyn Fn(&PoolResult) -> String| results.iter().map(text).collect::<Vec<_>>();
    let wanted = |it: &PoolResult| (it.acquired + it.timed_out + it.rejected) as f64;
    let share = |part: u64, it: &PoolResult| number::share(facts::ratio(part as f64, wanted(it)));
    let mut grid = Grid::new("pool", facts.model.pools.iter().map(|it| it.name.clone()).collect());
    grid.column("acquired", 0, cells(&|it| number::count(it.acquired)));
    grid.column("in use\nmean", 0, cells(&|it| number::plain(facts.mean_level(it.used_nanos))));
    grid.column("waiting\nmean", 1, cells(&|it| number::plain(facts.mean_level(it.waiting_nanos))));
    grid.column("waiting\npeak", 4, cells(&|it| number::count(it.peak_waiting.into())));
    grid.column("wait\nmean", 2, cells(&|it| number::span(it.wait.mean())));
    grid.column("wait\np99", 1, cells(&|it| number::span(it.wait.quantile(0.99))));
    let kinds: [Kind<PoolResult>; 3] =
        [("timed out", |it| it.timed_out), ("rejected", |it| it.rejected), ("in vain", |it| it.conflicts)];
    for (name, count) in kinds {
        if results.iter().any(|it| count(it) > 0) {
            grid.column(name, 3, cells(&|it| share(count(it), it)));
        }
    }
    Some(look.paint(HEAD, "Pools: what was held") + "\n" + &grid.render(look))
}

/// What was remembered.
pub(super) fn caches(facts: &Facts, look: Look) -> Option<String> {
    let results = &facts.results.caches;
    if results.is_empty() {
        return None;
    }
    let cells = |text: &dyn Fn(&CacheResult) -> String| results.iter().map(text).collect::<Vec<_>>();
    let share = |part: u64, it: &CacheResult| number::share(facts::ratio(part as f64, it.lookups as f64));
    let mut grid = Grid::new("cache", facts.model.caches.iter().map(|it| it.name.clone()).collect());
    grid.column("lookups", 0, cells(&|it| number::count(it.lookups)));
    grid.column("hit\nratio", 0, cells(&|it| number::share(it.hit_ratio())));
    grid.column("misses", 1, cells(&|it| share(it.misses, it)));
    let kinds: [Kind<CacheResult>; 3] =
        [("stale", |it| it.stale), ("early", |it| it.early), ("waited", |it| it.coalesced)];
    for (name, count) in kinds {
        if results.iter().any(|it| count(it) > 0) {
            grid.column(name, 2, cells(&|it| share(count(it), it)));
        }
    }
    grid.column("fetches\nkept", 3, cells(&|it| number::count(it.filled)));
    if results.iter().any(|it| it.too_late > 0) {
        grid.column("too late", 2, cells(&|it| number::count(it.too_late)));
    }
    grid.column("expired", 4, cells(&|it| number::count(it.expired)));
    grid.column("evicted", 5, cells(&|it| number::count(it.evicted)));
    Some(look.paint(HEAD, "Caches: what was remembered") + "\n" + &grid.render(look))
}
