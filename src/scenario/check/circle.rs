//! Services that wait for each other in a circle while they hold threads of limited pools.

use super::graph::components;
use crate::model::{Handlers, Id, Limit, Model, ServiceId};
use crate::scenario::build::{Atlas, CallSite};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let from = |call: &CallSite| model.endpoints[call.from].service;
    let to = |call: &CallSite| model.endpoints[call.to].service;
    let holds_threads = |service: ServiceId| {
        let service = &model.services[service];
        service.handlers == Handlers::Blocking && service.threads != Limit::Unlimited
    };
    let waiting = || atlas.calls.iter().filter(|call| !call.is_forward && holds_threads(from(call)));
    let mut successors = vec![Vec::new(); model.services.len()];
    for call in waiting() {
        successors[from(call).index()].push(to(call).index());
    }
    for component in components(&successors) {
        let first = component[0];
        let calls_itself = successors[first].contains(&first);
        if component.len() == 1 && !calls_itself {
            continue;
        }
        let within = |service: ServiceId| component.binary_search(&service.index()).is_ok();
        let mut sites = waiting().filter(|call| within(from(call)) && within(to(call)));
        let Some(site) = sites.next() else { continue };
        let names: Vec<_> =
            component.iter().map(|at| format!("`{}`", model.services[ServiceId::new(*at)].name)).collect();
        let title = match names.as_slice() {
            [only] => format!("{only} calls itself and holds a thread while it waits"),
            [a, b] => format!("{a} and {b} call each other and hold threads while they wait"),
            _ => format!(
                "{} services call each other in a circle: {}",
                names.len(),
                names[..names.len().min(6)].join(", ")
            ),
        };
        let diagnostic = cx.say(&catalogue::CIRCLE, site.place, title);
        for site in sites.take(3) {
            diagnostic.also(site.place, "and here");
        }
        diagnostic
            .number(component.len() as f64, "services wait for each other with their threads")
            .note("when all threads wait for each other, nobody is left to answer")
            .help("give one of them `handlers = \"async\"`, or break the circle");
    }
}
