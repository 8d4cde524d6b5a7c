//! Limits on paper: what is left of the offered rates when services turn away what is too much.

use super::traffic::{Visit, rates};
use crate::model::{EndpointId, Id, Model};
use crate::policy::limit::LimitSettings;

/// Requests per second that each endpoint takes on, at least. `offered` is what comes where nobody turns anything
/// away, which is never less than what really comes.
pub(super) fn admitted(model: &Model, calls: &[Vec<Visit>], order: &[Vec<usize>], offered: &[f64]) -> Vec<f64> {
    if model.services.iter().all(|service| service.limit.is_none()) {
        return offered.to_vec();
    }
    let mut totals = vec![0.0; model.services.len()];
    for (id, endpoint) in model.endpoints.enumerate() {
        totals[endpoint.service.index()] += offered[id.index()];
    }
    let taken_on = |endpoint: usize| {
        let id = model.endpoints[EndpointId::new(endpoint)].service;
        let service = &model.services[id];
        let limit = service.limit.map_or(f64::INFINITY, LimitSettings::rate);
        (limit * f64::from(service.replicas) / totals[id.index()].max(f64::MIN_POSITIVE)).min(1.0)
    };
    let fewer = |(from, visits): (usize, &Vec<Visit>)| {
        visits.iter().map(|visit| Visit { times: visit.times * taken_on(from), ..*visit }).collect()
    };
    let calls: Vec<Vec<Visit>> = calls.iter().enumerate().map(fewer).collect();
    rates(model, &calls, order).iter().enumerate().map(|(endpoint, rate)| rate * taken_on(endpoint)).collect()
}
