//! N+1: a handler that calls the same endpoint again and again, one call after the other.

use std::collections::BTreeMap;

use super::{Finding, Grade, Look};
use crate::model::{EndpointId, Step};

/// As many calls of one endpoint, one after the other, could be one.
const CALLS_MIN: f64 = 4.0;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, endpoint) in look.model.endpoints.enumerate() {
        let mut calls = BTreeMap::new();
        count(&endpoint.steps, 1.0, &mut calls);
        for (to, times) in calls.into_iter().filter(|(_, times)| *times >= CALLS_MIN) {
            let name = look.model.endpoint_name(to);
            let from = look.model.endpoint_name(id);
            let finding = Finding::new(
                "n-plus-one",
                Grade::Warning,
                look.endpoint_path(id, "steps"),
                format!("`{from}` calls `{name}` {times} times, one call after the other"),
            );
            found.push(
                finding
                    .number(times, "calls of a request, one after the other")
                    .why("it waits as often, and whatever makes one of these calls slower is multiplied")
                    .help("ask once for all of them, or at least at the same time with `parallel`"),
            );
        }
    }
}

/// Calls in sequence; branches that go at the same time count as their longest.
fn count(steps: &[Step], times: f64, calls: &mut BTreeMap<EndpointId, f64>) {
    for step in steps {
        match step {
            Step::Call { endpoint, .. } => *calls.entry(*endpoint).or_default() += times,
            Step::Repeat { times: again, steps } => count(steps, times * f64::from(*again), calls),
            Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => count(steps, times, calls),
            Step::Choose(arms) => arms.iter().for_each(|(share, steps)| count(steps, times * share.as_f64(), calls)),
            Step::Parallel { branches, .. } => {
                let mut longest = BTreeMap::new();
                for branch in branches {
                    let mut own = BTreeMap::new();
                    count(&branch.steps, times, &mut own);
                    for (to, n) in own {
                        let most: &mut f64 = longest.entry(to).or_default();
                        *most = most.max(n);
                    }
                }
                longest.into_iter().for_each(|(to, n)| *calls.entry(to).or_default() += n);
            }
            _ => {}
        }
    }
}
