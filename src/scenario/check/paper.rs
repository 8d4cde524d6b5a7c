//! What a model asks of its endpoints on paper: rates and mean times, if nothing fails, waits or is repeated.

use super::fails::failing;
use super::graph::components;
use super::load::times;
use super::pools::needs;
use super::traffic::{Visit, rates, visits};
use crate::model::{Id, Model};

/// Parallel to the model's endpoints, where nothing else is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Paper {
    /// Requests a second, averaged over the run.
    pub rates: Vec<f64>,
    /// Mean CPU time of a request, in seconds.
    pub work: Vec<f64>,
    /// Mean time until the answer, in seconds.
    pub answer: Vec<f64>,
    /// Mean time until the handler ends, in seconds: so long it holds its thread.
    pub total: Vec<f64>,
    /// The chance that a request fails by a `fail` step, its own or one of what it cannot do without.
    pub failing: Vec<f64>,
    /// Parallel to the model's pools: the permits of one instance that are out on average. Zero where nobody waits for
    /// one, and where each key has an instance.
    pub permits: Vec<f64>,
}

/// The model on paper. All figures are lower bounds.
pub fn on_paper(model: &Model) -> Paper {
    let calls: Vec<Vec<Visit>> = model.endpoints.iter().map(|endpoint| visits(model, &endpoint.steps)).collect();
    let successors: Vec<Vec<usize>> =
        calls.iter().map(|visits| visits.iter().map(|visit| visit.to.index()).collect()).collect();
    let order = components(&successors);
    let times = times(model, &order);
    let rates = rates(model, &calls, &order);
    Paper {
        permits: needs(model, &rates, &times),
        failing: failing(model, &order),
        rates,
        work: times.iter().map(|it| it.work).collect(),
        answer: times.iter().map(|it| it.answer).collect(),
        total: times.iter().map(|it| it.total).collect(),
    }
}
