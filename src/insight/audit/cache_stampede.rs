//! Caches without which the service behind them cannot live.

use super::{Finding, Grade, Look, each_step};
use crate::model::{CacheFill, CacheStore, Discipline, Handlers, Id, Limit, Step};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    let waits = look.model.workloads.iter().flat_map(|it| [it.deadline, look.model.clients[it.client].timeout]);
    let patience = waits.flatten().map(|it| it.as_secs_f64()).fold(f64::INFINITY, f64::min);
    for (id, endpoint) in look.model.endpoints.enumerate() {
        let rate = look.rate(id);
        each_step(&endpoint.steps, &mut |step| {
            let Step::Cached { cache, miss, .. } = step else { return };
            let it = &look.model.caches[*cache];
            // What comes late is kept, and so no work is in vain.
            let CacheStore::Lru { fill: CacheFill::InTime, .. } = it.store else { return };
            let mut worst: Option<(f64, String)> = None;
            each_step(miss, &mut |step| {
                let Step::Call { endpoint, .. } = step else { return };
                let service = look.model.endpoints[*endpoint].service;
                let (hold, service) = (look.paper.total[endpoint.index()], &look.model.services[service]);
                let Limit::AtMost(threads) = service.threads else { return };
                let capacity = f64::from(threads) * f64::from(service.replicas) / hold;
                // What is turned away, or served before the longest-waiting, leaves time for the others.
                let wait = match service.queue {
                    Limit::AtMost(places) => f64::from(places) / f64::from(threads) * hold,
                    Limit::Unlimited => f64::INFINITY,
                };
                let is_in_time = wait < patience
                    || service.discipline != Discipline::Fifo
                    || service.queue_timeout.is_some()
                    || service.limit.is_some();
                if service.handlers == Handlers::Blocking && rate > capacity && !is_in_time {
                    worst = Some((rate / capacity, service.name.clone()));
                }
            });
            let Some((times, behind)) = worst else { return };
            let what = format!("without the cache `{}` there is more load than `{behind}` can take", it.name);
            found.push(
                Finding::new("cache-stampede", Grade::Serious, format!("cache.{}.fill", it.name), what)
                    .number(times, "times what is behind the cache can take, when it is empty")
                    .why("an empty cache is filled by answers that come in time only, and under this load none do")
                    .help("`fill = \"late\"`, or turn away what the service cannot take in time (`queue`)"),
            );
        });
    }
}
