//! Far more threads than cores for work that needs cores: a queue that nobody sees.

use super::{Finding, Grade, Look, secs};
use crate::model::{Id, Limit};

/// From so many threads a core on it is no reserve any more, but a queue.
const THREADS_A_CORE: f64 = 16.0;
/// A handler that works for this part of its time waits for nobody.
const WORKS: f64 = 0.9;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    let model = look.model;
    for (id, service) in model.services.enumerate() {
        let (Limit::AtMost(threads), Some(cores)) = (service.threads, service.cores) else { continue };
        let own = || model.endpoints.enumerate().filter(|(_, it)| it.service == id).map(|(id, _)| id);
        let sum = |of: &[f64]| own().map(|it| look.rate(it) * of[it.index()]).sum::<f64>();
        let (work, total) = (sum(&look.paper.work), sum(&look.paper.total));
        let times = f64::from(threads) / f64::from(cores);
        if total <= 0.0 || work < WORKS * total || times < THREADS_A_CORE || service.limit.is_some() {
            continue;
        }
        let slowed = look.hold(id) * times;
        let what = format!("`{}` has {threads} threads for {cores} cores, and its work is CPU time", service.name);
        found.push(
            Finding::new("oversubscribed", Grade::Warning, look.service_path(id, "threads"), what)
                .number(slowed * 1e3, "ms a request takes when all threads are busy")
                .why(format!(
                    "when all of them work, each takes {}: a queue in which all are served late",
                    secs(slowed)
                ))
                .help("as many threads as cores or a few more, or a `limit` that learns"),
        );
    }
}
