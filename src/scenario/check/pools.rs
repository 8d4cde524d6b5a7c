//! Permits on paper: how often a pool's are taken and for how long, against how many there are (Little's law).
//!
//! A lower bound, like the times that it is made of: whoever waits for a permit, or holds it while he waits, needs more.

use std::collections::BTreeMap;

use super::load::{Times, short, time_of};
use super::traffic::misses;
use crate::model::{Id, Model, PoolId, Scope, ServiceId, Step};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// What is asked of one pool.
#[derive(Clone, Copy)]
struct Asked {
    /// How often a permit is taken, in a second.
    rate: f64,
    /// Permits that are out at a time, on average.
    busy: f64,
    /// Instances of the pool that share that; each has `size` permits.
    instances: u32,
}

impl Asked {
    /// Permits of one instance that are out.
    fn of_one(&self) -> f64 {
        self.busy / f64::from(self.instances)
    }
}

/// The permits of one instance that the load keeps out on average, by pool: where it is used by several services, in the
/// busiest. Zero for pools whose permits nobody waits for, and for those with an instance a key.
pub(super) fn needs(model: &Model, rates: &[f64], times: &[Times]) -> Vec<f64> {
    asked(model, rates, times).iter().map(|asked| asked.map_or(0.0, |it| it.of_one())).collect()
}

/// Warns of pools with fewer permits than the load needs.
pub(super) fn find(model: &Model, atlas: &Atlas, rates: &[f64], times: &[Times], cx: &mut Cx<'_>) {
    for ((id, pool), asked) in model.pools.enumerate().zip(asked(model, rates, times)) {
        let Some(Asked { rate, busy, instances }) = asked else { continue };
        let have = f64::from(pool.size) * f64::from(instances);
        if busy < have {
            continue;
        }
        let percent = busy / have * 100.0;
        let there = match pool.scope {
            Scope::Replica => format!("{instances} x {} are there", pool.size),
            Scope::Shared | Scope::Key => format!("{} are there", pool.size),
        };
        let sizes = atlas.pool_sizes.get(id.index()).copied();
        let place = sizes.filter(|place| place.is_somewhere()).unwrap_or(atlas.pools[id.index()]);
        cx.say(
            &catalogue::OVERLOAD,
            place,
            format!("`{}` is overloaded on paper: it needs {percent:.0}% of its permits", pool.name),
        )
        .number(percent, "% of what is there is needed, on paper")
        .note(format!(
            "{} permits/s, each for {} ms on average, keep {} of them out; {there}",
            short(rate),
            short(busy / rate * 1e3),
            short(busy),
        ))
        .help("for a system that can recover, give it a larger `size`, hold it for less, or offer less");
    }
}

/// By pool: what is asked of all its instances; of those of the busiest service where each replica has one.
fn asked(model: &Model, rates: &[f64], times: &[Times]) -> Vec<Option<Asked>> {
    let mut sums: Held<(PoolId, ServiceId)> = BTreeMap::new();
    for (id, endpoint) in model.endpoints.enumerate() {
        let mut held = BTreeMap::new();
        add_held(model, &endpoint.steps, times, rates[id.index()], &mut held);
        for (pool, (rate, busy)) in held {
            add(&mut sums, (pool, endpoint.service), rate, busy);
        }
    }
    let mut all: Vec<Option<Asked>> = vec![None; model.pools.len()];
    for ((id, service), (rate, busy)) in sums.into_iter().filter(|(_, (rate, _))| *rate > 0.0) {
        let pool = &model.pools[id];
        // What has a blank in its name holds fallbacks, for which nobody waits.
        if pool.is_optimistic || pool.name.contains(' ') {
            continue;
        }
        let known = &mut all[id.index()];
        match pool.scope {
            Scope::Key => {}
            Scope::Shared => {
                let sum = known.get_or_insert(Asked { rate: 0.0, busy: 0.0, instances: 1 });
                (sum.rate, sum.busy) = (sum.rate + rate, sum.busy + busy);
            }
            Scope::Replica => {
                let it = Asked { rate, busy, instances: model.services[service].replicas.max(1) };
                let is_busier = known.is_none_or(|other| it.of_one() > other.of_one());
                *known = if is_busier { Some(it) } else { *known };
            }
        }
    }
    all
}

/// How often a permit is taken and how many are out, by whatever is counted.
type Held<K> = BTreeMap<K, (f64, f64)>;

fn add<K: Ord>(held: &mut Held<K>, key: K, rate: f64, busy: f64) {
    let sum = held.entry(key).or_default();
    (sum.0, sum.1) = (sum.0 + rate, sum.1 + busy);
}

/// Adds how often `steps` take a permit of each pool when they run `often`, and for how many seconds in all.
fn add_held(model: &Model, steps: &[Step], known: &[Times], often: f64, held: &mut Held<PoolId>) {
    for step in steps {
        match step {
            Step::Hold { pool, steps } => {
                add(held, *pool, often, often * time_of(model, steps, known).total);
                add_held(model, steps, known, often, held);
            }
            Step::Cached { cache, miss, .. } => add_held(model, miss, known, often * misses(model, *cache), held),
            Step::Parallel { branches, .. } => {
                branches.iter().for_each(|branch| add_held(model, &branch.steps, known, often, held));
            }
            Step::Choose(arms) => {
                arms.iter().for_each(|(share, steps)| add_held(model, steps, known, often * share.as_f64(), held));
            }
            Step::Repeat { times, steps } => add_held(model, steps, known, often * f64::from(*times), held),
            Step::Forward { .. } | Step::Fail => return,
            Step::Work(_)
            | Step::ContendedWork { .. }
            | Step::Sleep(_)
            | Step::Call { .. }
            | Step::Publish(_)
            | Step::Reply => {}
        }
    }
}
