//! Priorities that nobody looks at: those of requests that never come to a queue which asks for them.

use super::Elsewhere;
use super::traffic::{reached, reached_from};
use crate::model::{Discipline, Model};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

pub(super) fn find(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    // A variant may bring a queue that looks at them.
    if elsewhere.names("priority") || elsewhere.names("preemptive") {
        return;
    }
    let looks = |reached: &[bool]| {
        let endpoints = model.endpoints.iter().zip(reached).filter(|(_, is_reached)| **is_reached);
        let mut services = endpoints.map(|(endpoint, _)| &model.services[endpoint.service]);
        services.any(|service| matches!(service.discipline, Discipline::Priority | Discipline::Preemptive))
    };
    for (at, workload) in model.workloads.iter().enumerate() {
        let place = atlas.workloads[at].priority;
        if place.is_somewhere() && !looks(&reached(model, atlas, std::iter::once(workload))) {
            say(place, format!("the requests of `{}`", workload.name), cx);
        }
    }
    for (place, endpoint) in &atlas.priorities {
        if !looks(&reached_from(model, atlas, std::iter::once(*endpoint))) {
            say(*place, format!("`{}`", model.endpoint_name(*endpoint)), cx);
        }
    }
}

fn say(place: Place, whose: String, cx: &mut Cx<'_>) {
    cx.say(&catalogue::UNUSED, place, format!("nothing looks at the priority of {whose}"))
        .help("give a service on their way `discipline = \"priority\"` or \"preemptive\", or remove `priority`");
}
