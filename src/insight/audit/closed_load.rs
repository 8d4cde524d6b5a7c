//! Load that waits for answers: it asks less when the system is slow, and so sees less of it.

use super::{Finding, Grade, Look};
use crate::model::{Arrivals, Pace};

/// Who thinks for longer than short outages last asks as often in one as without it.
const OUTAGE_SECS: f64 = 5.0;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for workload in look.model.workloads.iter() {
        let Arrivals::Users { count, pace: Pace::Think(think) } = &workload.arrivals else { continue };
        if think.mean_nanos() / 1e9 >= OUTAGE_SECS {
            continue;
        }
        let what = format!("`{}` asks again only when it was answered", workload.name);
        found.push(
            Finding::new("coordinated-omission", Grade::Note, format!("workload.{}.arrivals", workload.name), what)
                .number(f64::from(*count), "requests at a time is all that it can notice")
                .why("while the system stands still it does not ask, so its percentiles do not show it")
                .help("measure with arrivals that do not wait: `poisson(..)`, or `users(.., every=..)`"),
        );
    }
}
