//! What a model asks of its endpoints on paper: rates and mean times, if nothing fails, waits or is repeated.

use super::graph::components;
use super::load::times;
use super::traffic::{Visit, rates, visits};
use crate::model::{Id, Model};

/// Parallel to the model's endpoints.
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
}

/// The model on paper. All figures are lower bounds.
pub fn on_paper(model: &Model) -> Paper {
    let calls: Vec<Vec<Visit>> = model.endpoints.iter().map(|endpoint| visits(model, &endpoint.steps)).collect();
    let successors: Vec<Vec<usize>> =
        calls.iter().map(|visits| visits.iter().map(|visit| visit.to.index()).collect()).collect();
    let order = components(&successors);
    let times = times(model, &order);
    Paper {
        rates: rates(model, &calls, &order),
        work: times.iter().map(|it| it.work).collect(),
        answer: times.iter().map(|it| it.answer).collect(),
        total: times.iter().map(|it| it.total).collect(),
    }
}
