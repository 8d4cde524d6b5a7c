//! Services of one process: when it is gone, so is all that needs it.

use super::{Finding, Grade, Look};
use crate::model::Id;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    let model = look.model;
    for (id, service) in model.services.enumerate().filter(|(_, service)| service.replicas == 1) {
        let of = |(endpoint, _): &(crate::model::EndpointId, _)| look.paper.rates[Id::index(*endpoint)];
        let rate: f64 = model.endpoints.enumerate().filter(|(_, it)| it.service == id).map(|it| of(&it)).sum();
        if rate <= 0.0 {
            continue;
        }
        let what = format!("`{}` has one replica", service.name);
        found.push(
            Finding::new("single-point-of-failure", Grade::Note, look.service_path(id, "replicas"), what)
                .number(rate, "requests a second have nowhere else to go")
                .why("a restart, a deployment or a crash takes all of it away")
                .help("run two replicas"),
        );
    }
}
