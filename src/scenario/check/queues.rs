//! Queues without an end in front of limited threads, under users who do not wait for each other.

use super::paper::{Paper, on_paper};
use super::traffic::reached;
use crate::model::{Arrivals, Id, Limit, Model, ServiceId};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Services that one message names.
const SHOWN_MAX: usize = 5;

/// Only queues that nobody wrote down: `queue = "unlimited"` is a decision, and so is a `limit` in front of it.
pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let open = model.workloads.iter().filter(|workload| !matches!(workload.arrivals, Arrivals::Users { .. }));
    let reached = reached(model, atlas, open);
    let mut is_under_load = vec![false; model.services.len()];
    for (id, endpoint) in model.endpoints.enumerate() {
        is_under_load[endpoint.service.index()] |= reached[id.index()];
    }
    let is_unbounded = |id: &ServiceId| {
        let service = &model.services[*id];
        is_under_load[id.index()]
            && service.threads != Limit::Unlimited
            && service.queue == Limit::Unlimited
            && service.limit.is_none()
            && !atlas.services[id.index()].queue.is_somewhere()
    };
    let unbounded: Vec<ServiceId> = model.services.ids().filter(is_unbounded).collect();
    let Some(first) = unbounded.first() else { return };
    let names: Vec<String> =
        unbounded.iter().take(SHOWN_MAX).map(|id| format!("`{}`", model.services[*id].name)).collect();
    let title = match (unbounded.len(), names.as_slice()) {
        (1, [only]) => format!("the queue of {only} has no end"),
        (n, names) if n > names.len() => {
            format!("the queues of {} and {} more have no end", names.join(", "), n - names.len())
        }
        (_, names) => format!("the queues of {} have no end", names.join(", ")),
    };
    let diagnostic = cx.say(&catalogue::UNBOUNDED_QUEUE, atlas.services[first.index()].name, title);
    for id in unbounded.iter().skip(1).take(SHOWN_MAX - 1) {
        diagnostic.also(atlas.services[id.index()].name, "and this one");
    }
    let paper = on_paper(model);
    let busy = unbounded.iter().map(|id| busy(model, &paper, *id)).fold(0.0, f64::max);
    diagnostic
        .number(busy * 100.0, "% of its threads are busy on paper; from 100 on the queue grows without end")
        .note("once it is overloaded, everybody waits ever longer and nobody is turned away")
        .help("write for example `queue = 100`, or `queue = \"unlimited\"` if it is meant so");
}

/// The share of its threads that the load keeps busy on paper.
fn busy(model: &Model, paper: &Paper, id: ServiceId) -> f64 {
    let Some(threads) = model.services[id].threads_in_all() else { return 0.0 };
    let own = model.endpoints.enumerate().filter(|(_, it)| it.service == id).map(|(id, _)| id.index());
    own.map(|at| paper.rates[at] * paper.total[at]).sum::<f64>() / threads as f64
}
