//! The tables of pools and caches: what was held, and what was remembered. Models without them have none.

use super::grid::Grid;
use super::{HEAD, Look};
use crate::base::time::Span;
use crate::measure::{CacheConfidence, CacheResult, PoolConfidence, PoolResult};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// A column that stands only where it happened: its head, what it counts, and how far its share may be off.
type Kind<T, C> = (&'static str, fn(&T) -> u64, fn(&C) -> Option<f64>);

/// What was held.
pub(super) fn pools(facts: &Facts, look: Look) -> Option<String> {
    let results = &facts.results.pools;
    if results.is_empty() {
        return None;
    }
    let none = PoolConfidence::default();
    let width = |id: usize| facts.confidence.as_ref().map_or(&none, |it| &it.pools[id]);
    let cells = |text: &dyn Fn(&PoolResult, &PoolConfidence) -> String| {
        results.iter().enumerate().map(|(id, it)| text(it, width(id))).collect::<Vec<_>>()
    };
    let wanted = |it: &PoolResult| (it.acquired + it.timed_out + it.rejected) as f64;
    let level =
        |nanos: u128, half_width: Option<f64>| number::with_width(facts.mean_level(nanos), half_width, number::plain);
    let mut grid = Grid::new("pool", facts.model.pools.iter().map(|it| it.name.clone()).collect());
    grid.column("acquired", 0, cells(&|it, _| number::count(it.acquired)));
    grid.column("in use\nmean", 0, cells(&|it, width| level(it.used_nanos, width.in_use_mean)));
    grid.column("waiting\nmean", 1, cells(&|it, width| level(it.waiting_nanos, width.waiting_mean)));
    grid.column("waiting\npeak", 4, cells(&|it, _| number::count(it.peak_waiting.into())));
    let wait = |it: &PoolResult, width: &PoolConfidence| {
        number::with_width(it.wait.mean().map(Span::as_secs_f64), width.wait_mean_s, number::secs)
    };
    grid.column("wait\nmean", 2, cells(&wait));
    grid.column("wait\np99", 1, cells(&|it, _| number::span(it.wait.quantile(0.99))));
    let kinds: [Kind<PoolResult, PoolConfidence>; 3] = [
        ("timed out", |it| it.timed_out, |it| it.timed_out_share),
        ("rejected", |it| it.rejected, |it| it.rejected_share),
        ("in vain", |it| it.conflicts, |it| it.conflicts_share),
    ];
    for (name, count, half_width) in kinds {
        if results.iter().any(|it| count(it) > 0) {
            let share = |it: &PoolResult, width: &PoolConfidence| {
                number::with_width(facts::ratio(count(it) as f64, wanted(it)), half_width(width), number::share)
            };
            grid.column(name, 3, cells(&share));
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
    let none = CacheConfidence::default();
    let width = |id: usize| facts.confidence.as_ref().map_or(&none, |it| &it.caches[id]);
    let cells = |text: &dyn Fn(&CacheResult, &CacheConfidence) -> String| {
        results.iter().enumerate().map(|(id, it)| text(it, width(id))).collect::<Vec<_>>()
    };
    let mut grid = Grid::new("cache", facts.model.caches.iter().map(|it| it.name.clone()).collect());
    let lookups = |it: &CacheResult, width: &CacheConfidence| {
        let (count, rate) = (number::count(it.lookups), number::rate(facts.per_sec(it.lookups)));
        number::lines([count, rate, number::give_or_take(width.lookups_per_s, number::rate)])
    };
    grid.column("lookups", 0, cells(&lookups));
    grid.column(
        "hit\nratio",
        0,
        cells(&|it, width| number::with_width(it.hit_ratio(), width.hit_ratio_share, number::share)),
    );
    let kinds: [Kind<CacheResult, CacheConfidence>; 4] = [
        ("misses", |it| it.misses, |it| it.misses_share),
        ("stale", |it| it.stale, |it| it.stale_share),
        ("early", |it| it.early, |it| it.early_share),
        ("waited", |it| it.coalesced, |it| it.coalesced_share),
    ];
    for (n, (name, count, half_width)) in kinds.into_iter().enumerate() {
        if n == 0 || results.iter().any(|it| count(it) > 0) {
            let share = |it: &CacheResult, width: &CacheConfidence| {
                let share = facts::ratio(count(it) as f64, it.lookups as f64);
                number::with_width(share, half_width(width), number::share)
            };
            grid.column(name, if n == 0 { 1 } else { 2 }, cells(&share));
        }
    }
    grid.column("fetches\nkept", 3, cells(&|it, _| number::count(it.filled)));
    if results.iter().any(|it| it.too_late > 0) {
        grid.column("too late", 2, cells(&|it, _| number::count(it.too_late)));
    }
    grid.column("expired", 4, cells(&|it, _| number::count(it.expired)));
    grid.column("evicted", 5, cells(&|it, _| number::count(it.evicted)));
    Some(look.paint(HEAD, "Caches: what was remembered") + "\n" + &grid.render(look))
}
