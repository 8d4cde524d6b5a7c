//! Pools that are held, and caches that are filled by one request for all, within themselves: who has the permit, or
//! fetches, waits for himself.

use std::collections::BTreeSet;

use crate::model::{CacheStore, EndpointId, Id, Model, Scope, ServiceId, Step};
use crate::scenario::build::{Atlas, Resource};
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

/// What can be within itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Pool(crate::model::PoolId),
    Cache(crate::model::CacheId),
}

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let used: BTreeSet<(What, EndpointId)> =
        atlas.uses.iter().filter_map(|used| Some((what(used.what)?, used.by))).collect();
    let mut said = BTreeSet::new();
    for (what, by) in used.iter().filter(|(what, _)| can_wait(model, *what)) {
        let outer = within(&model.endpoints[*by].steps, *what);
        let found = outer.iter().enumerate().find_map(|(number, steps)| {
            let outer = place(atlas, *what, *by, number)?;
            let here = || if within(steps, *what).is_empty() { None } else { place(atlas, *what, *by, number + 1) };
            let inner = here().or_else(|| {
                let below = callees(model, steps, *what, *by)?;
                place(atlas, *what, below, 0)
            })?;
            Some((outer, inner))
        });
        // One message for each of them.
        if let Some((outer, inner)) = found.filter(|_| said.insert(*what)) {
            say(model, *what, outer, inner, cx);
        }
    }
}

fn what(resource: Resource) -> Option<What> {
    match resource {
        Resource::Pool(pool) => Some(What::Pool(pool)),
        // Keys that a step draws for itself are mostly others.
        Resource::Cache { cache, keys: None, .. } => Some(What::Cache(cache)),
        Resource::Cache { .. } | Resource::Standby(_) => None,
    }
}

/// Whether anybody waits there for another.
fn can_wait(model: &Model, what: What) -> bool {
    match what {
        What::Pool(_) => true,
        What::Cache(cache) => matches!(model.caches[cache].store, CacheStore::Lru { coalesce: true, .. }),
    }
}

/// Whether uses in two services can be of the same instance.
fn is_shared(model: &Model, what: What, one: ServiceId, other: ServiceId) -> bool {
    let scope = match what {
        What::Pool(pool) => model.pools[pool].scope,
        What::Cache(cache) => match model.caches[cache].store {
            CacheStore::Lru { scope, .. } => scope,
            CacheStore::Ratio(_) => return false,
        },
    };
    one == other || scope != Scope::Replica
}

/// The steps within each use, in the order in which uses are written.
fn within(steps: &[Step], what: What) -> Vec<&[Step]> {
    let mut found: Vec<&[Step]> = Vec::new();
    for step in steps {
        match step {
            Step::Hold { pool, steps } if what == What::Pool(*pool) => found.push(steps),
            Step::Cached { cache, key: None, miss } if what == What::Cache(*cache) => found.push(miss),
            _ => {}
        }
        for list in step.lists() {
            found.extend(within(list, what));
        }
    }
    found
}

/// The first endpoint that is called in `steps` of `by`, or further down, and uses the same instance.
fn callees(model: &Model, steps: &[Step], what: What, by: EndpointId) -> Option<EndpointId> {
    let service = |endpoint: EndpointId| model.endpoints[endpoint].service;
    let mut seen = vec![false; model.endpoints.len()];
    let mut to_visit: Vec<&[Step]> = vec![steps];
    while let Some(steps) = to_visit.pop() {
        for step in steps {
            // Who hands a request over has given back what he held.
            if let Step::Call { endpoint, .. } = step
                && !std::mem::replace(&mut seen[endpoint.index()], true)
            {
                let steps = &model.endpoints[*endpoint].steps;
                if !within(steps, what).is_empty() && is_shared(model, what, service(by), service(*endpoint)) {
                    return Some(*endpoint);
                }
                to_visit.push(steps);
            }
            to_visit.extend(step.lists());
        }
    }
    None
}

/// Where an endpoint uses it for the `number`th time.
fn place(atlas: &Atlas, what: What, by: EndpointId, number: usize) -> Option<Place> {
    let uses = atlas.uses.iter().filter(|used| used.by == by && self::what(used.what) == Some(what));
    uses.map(|used| used.place).nth(number)
}

fn say(model: &Model, what: What, outer: Place, inner: Place, cx: &mut Cx<'_>) {
    let (title, label, note, help) = match what {
        What::Pool(pool) => {
            let pool = &model.pools[pool];
            let note = match (pool.is_optimistic, pool.size, pool.acquire_timeout) {
                (true, ..) => {
                    "the inner steps succeed since the outer ones began, which therefore always fail".to_owned()
                }
                (false, 1, None) => "who has the only permit waits for it, for ever".to_owned(),
                (false, 1, Some(timeout)) => format!("who has the only permit waits for it for {timeout}, and fails"),
                (false, size, _) => format!("when {size} have one permit each and want another, nobody gives one back"),
            };
            let help = "hold it once around both, or use a pool of its own for the inner steps";
            (format!("`{}` is held within itself", pool.name), "held from here on", note, help)
        }
        What::Cache(cache) => {
            let note = "who fetches a key looks it up again, and waits for who fetches it: for himself".to_owned();
            let help = "leave out the inner `cache` step, or `coalesce`";
            let name = &model.caches[cache].name;
            (format!("`{name}` is looked up by who fetches for it"), "fetched from here on", note, help)
        }
    };
    let diagnostic = cx.say(&catalogue::NESTED, inner, title);
    diagnostic.also(outer, label).note(note).help(help);
    if let What::Pool(pool) = what
        && !model.pools[pool].is_optimistic
    {
        diagnostic.number(f64::from(model.pools[pool].size), "requests with a permit each can stop the pool for good");
    }
}
