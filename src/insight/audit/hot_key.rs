//! Keys of which one is so frequent that its partition is full before the others are.

use super::{Finding, Grade, Look, each_step};
use crate::base::keys::KeyDistribution;
use crate::base::random::Key;
use crate::model::{Keeping, Partitioner, Step};

/// Draws that say how frequent the hottest key is: a share of a tenth is known to 3% of itself.
const DRAWS: u64 = 10_000;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, endpoint) in look.model.endpoints.enumerate().filter(|(id, _)| look.rate(*id) > 0.0) {
        each_step(&endpoint.steps, &mut |step| {
            let Step::Publish(publish) = step else { return };
            let topic = &look.model.topics[publish.topic];
            let (Some(keys), Keeping::Log(log)) = (&publish.key, &topic.keeping) else { return };
            let share = hottest(keys);
            if log.partitioner != Partitioner::Keyed || share <= 1.0 / f64::from(log.partitions) {
                return;
            }
            let what = format!("one key of `{}` has {:.1}% of its messages", topic.name, share * 100.0);
            found.push(
                Finding::new("hot-key", Grade::Warning, look.endpoint_path(id, "steps"), what)
                    .number(share * f64::from(log.partitions), "times the share of a partition, for one key alone")
                    .why("its messages keep their order in one partition, which is full long before the topic is")
                    .help("publish without a key or with a finer one; more partitions do not help"),
            );
        });
    }
}

/// The share of the most frequent key.
fn hottest(keys: &KeyDistribution) -> f64 {
    let root = Key::root(0, "audit/hottest key");
    let mut counts = std::collections::BTreeMap::<u32, u32>::new();
    for n in 0..DRAWS {
        *counts.entry(keys.sample(root.child(n).draws())).or_default() += 1;
    }
    f64::from(counts.into_values().max().unwrap_or(0)) / DRAWS as f64
}
