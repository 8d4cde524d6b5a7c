//! Members of groups of Kafka: more of them than partitions are idle.

use crate::model::{Consumer, Id, Keeping, Model};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for group in model.groups() {
        let Keeping::Log(log) = &model.topics[group.topic].keeping else { continue };
        let members = |consumer: &Consumer| {
            let service = model.endpoints[consumer.handler].service;
            u64::from(consumer.concurrency) * u64::from(model.replicas_most(service))
        };
        let all: u64 = group.consumers.iter().map(|id| members(&model.consumers[*id])).sum();
        let partitions = u64::from(log.partitions);
        if all <= partitions {
            continue;
        }
        let Some(first) = group.consumers.first() else { continue };
        let places = atlas.consumers[first.index()];
        let place = if places.concurrency == Place::NOWHERE { places.name } else { places.concurrency };
        let name = &model.topics[group.topic].name;
        let s = if partitions == 1 { "" } else { "s" };
        let have = if all - partitions == 1 { "has" } else { "have" };
        cx.say(
            &catalogue::IDLE_MEMBERS,
            place,
            format!("{} of {all} workers {have} nothing to read", all - partitions),
        )
        .also(atlas.topics[group.topic.index()].name, format!("this topic has {partitions} partition{s}"))
        .number((all - partitions) as f64, "workers have nothing to read")
        .note("each replica has `concurrency` workers, and a partition is read by one of them")
        .help(format!("give `{name}` at least {all} `partitions`, or have fewer workers"));
    }
}
