//! Effects that happen again when a message is delivered again.

use std::collections::BTreeSet;

use super::{Finding, Grade, Look, each_step};
use crate::model::{Consumer, Delivery, EndpointId, Id, Step};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for consumer in look.model.consumers.iter().filter(|it| it.delivery == Delivery::AtLeastOnce) {
        let Some((endpoint, effect)) = effect(look, consumer) else { continue };
        let rate = look.paper.rates[endpoint.index()];
        let what = format!("`{}` may do the `{effect}` of a message twice", consumer.name);
        found.push(
            Finding::new("effect-at-least-once", Grade::Note, format!("consumer.{}.handler", consumer.name), what)
                .number(rate, "messages a second whose effect is not safe to repeat")
                .why("what was not acknowledged before a crash or a time-out is delivered, and done, again")
                .help("make the effect happen once (`effect = { name = \"..\", once = true }`), or `delivery = \"exactly-once\"`"),
        );
    }
}

/// What a message of it does to the world, itself or by what its handler publishes and calls.
fn effect<'m>(look: &Look<'m>, consumer: &Consumer) -> Option<(EndpointId, &'m str)> {
    let model = look.model;
    let mut seen = BTreeSet::new();
    let mut to_visit = vec![consumer.handler];
    while let Some(id) = to_visit.pop().filter(|id| seen.insert(*id)) {
        let endpoint = &model.endpoints[id];
        if let Some(effect) = endpoint.effect.as_deref().filter(|_| !endpoint.effect_once) {
            return Some((id, effect));
        }
        each_step(&endpoint.steps, &mut |step| match step {
            Step::Call { endpoint, .. } => to_visit.push(*endpoint),
            Step::Publish(publish) => {
                to_visit.extend(model.consumers.iter().filter(|it| it.topic == publish.topic).map(|it| it.handler));
            }
            _ => {}
        });
    }
    None
}
