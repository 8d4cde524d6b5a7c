//! What pools and caches do: how many permits are in use, and how many lookups find what they want. One row each, those
//! with the most to do where there are many.

use super::palette::{BLUE, GREEN};
use super::panel::{Body, Panel, Row};
use super::points::Points;
use super::services::in_turn;
use crate::model::{CacheStore, Id, Limit, PoolId};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// More rows than this are not shown.
const ROWS_MAX: usize = 8;

/// Permits in use of each pool as a share of all that it has; nothing where no pool gives any.
pub(super) fn pools(facts: &Facts, points: &Points) -> Option<Panel> {
    let model = facts.model;
    let giving: Vec<PoolId> = model.pools.ids().filter(|id| !model.pools[*id].is_optimistic).collect();
    let shown = shown(giving.len(), |n| facts.results.pools[giving[n].index()].used_nanos)?;
    let row = |n: &usize| {
        let id = giving[*n];
        let used = points.levels(&facts.results.series.pools[id.index()].used);
        let permits = |time| model.permits_in_all_at(id, time);
        // Where each key has its own there is no share: the row is as high as its peak.
        let (whole, full, note) = match facts.most_over_time(|time| Some(permits(time)? as f64)) {
            Some(most) => {
                let counts = in_turn(facts, |time| permits(time).map_or_else(String::new, number::count));
                let note = format!("{counts} permit{}", if counts == "1" { "" } else { "s" });
                (most, "100%".to_owned(), note)
            }
            None => {
                let peak = used.iter().flatten().copied().fold(0.0, f64::max);
                (peak, number::plain(Some(peak)), "one pool for each key".to_owned())
            }
        };
        let share = used.into_iter().map(|used| facts::ratio(used?, whole)).collect();
        Row { name: model.pools[id].name.clone(), note, whole: full, layers: vec![(BLUE, share)] }
    };
    let rows = shown.iter().map(row).collect();
    let note = format!("share of permits in use{}", left_out("pools", giving.len()));
    Some(Panel { name: "pools", title: "Pools", note, key: vec![], body: Body::Rows(rows) })
}

/// Hit ratio of each cache; nothing where there is none.
pub(super) fn caches(facts: &Facts, points: &Points) -> Option<Panel> {
    let series = &facts.results.series.caches;
    let shown = shown(series.len(), |id| facts.results.caches[id].lookups.into())?;
    let caches: Vec<_> = facts.model.caches.iter().collect();
    let row = |id: &usize| {
        let (cache, it) = (caches[*id], &series[*id]);
        let note = match &cache.store {
            CacheStore::Ratio(share) => format!("{} set", number::share(Some(share.as_f64()))),
            CacheStore::Lru { capacity: Limit::AtMost(keys), .. } => format!("{} keys", number::count((*keys).into())),
            CacheStore::Lru { capacity: Limit::Unlimited, .. } => "unlimited keys".to_owned(),
        };
        let layers = vec![(GREEN, points.shares(&it.hits, &it.lookups))];
        Row { name: cache.name.clone(), note, whole: "100%".to_owned(), layers }
    };
    let rows = shown.iter().map(row).collect();
    let note = format!("share of lookups that neither fetch nor wait{}", left_out("caches", series.len()));
    Some(Panel { name: "caches", title: "Caches", note, key: vec![], body: Body::Rows(rows) })
}

/// All of `count` things, or those with the highest `weight`, in the order of the file; `None` of none.
fn shown(count: usize, weight: impl Fn(usize) -> u128) -> Option<Vec<usize>> {
    let mut shown: Vec<usize> = (0..count).collect();
    shown.sort_by_key(|id| std::cmp::Reverse(weight(*id)));
    shown.truncate(ROWS_MAX);
    shown.sort_unstable();
    (count > 0).then_some(shown)
}

fn left_out(things: &str, all: usize) -> String {
    match all > ROWS_MAX {
        true => format!("; busiest {ROWS_MAX} of {} {things}", number::count(all as u64)),
        false => String::new(),
    }
}
