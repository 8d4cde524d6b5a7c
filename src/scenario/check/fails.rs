//! What fails by itself, on paper: `fail` steps, and calls of what has them.

use super::traffic::misses;
use crate::model::{EndpointId, Id, Model, Need, Step};

/// By endpoint: the chance that a request fails by a `fail` step of its own, or of what it cannot do without. A lower
/// bound: nothing else that may go wrong counts.
pub(super) fn failing(model: &Model, order: &[Vec<usize>]) -> Vec<f64> {
    let mut failing = vec![0.0; model.endpoints.len()];
    // Callees before callers; those in a circle count as if they never failed.
    for id in order.iter().flatten() {
        failing[*id] = fails(model, &model.endpoints[EndpointId::new(*id)].steps, &failing);
    }
    failing
}

fn fails(model: &Model, steps: &[Step], known: &[f64]) -> f64 {
    let mut lives = 1.0;
    for step in steps {
        let fails = match step {
            Step::Fail => 1.0,
            Step::Reply => break,
            Step::Call { endpoint, client, optional, fallback, .. } if !optional && fallback.is_none() => {
                let attempts = model.clients[*client].retry.as_ref().map_or(1, |retry| retry.attempts);
                libm::pow(known[endpoint.index()], f64::from(attempts))
            }
            Step::Forward { endpoint, .. } => known[endpoint.index()],
            Step::Hold { steps, .. } => fails(model, steps, known),
            Step::Cached { cache, miss, .. } => misses(model, *cache) * fails(model, miss, known),
            Step::Choose(arms) => arms.iter().map(|(share, steps)| share.as_f64() * fails(model, steps, known)).sum(),
            Step::Repeat { times, steps } => 1.0 - libm::pow(1.0 - fails(model, steps, known), f64::from(*times)),
            Step::Parallel { branches, need: Need::All } => {
                let needed = branches.iter().filter(|branch| !branch.optional);
                1.0 - needed.map(|branch| 1.0 - fails(model, &branch.steps, known)).product::<f64>()
            }
            _ => 0.0,
        };
        lives *= 1.0 - fails;
        if matches!(step, Step::Forward { .. } | Step::Fail) {
            break;
        }
    }
    1.0 - lives
}
