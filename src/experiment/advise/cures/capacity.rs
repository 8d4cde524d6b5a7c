//! More of the same: threads, replicas, places in a pool. It costs something.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::key;
use crate::model::{Handlers, Id};

const MORE: u32 = 2;
/// So busy the permits of a pool may be.
const BUSY: f64 = 0.8;

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for id in &scene.services {
        let service = &scene.model.services[*id];
        let of = |what: &str| format!("service.{}.{what}", key(&service.name));
        if let Some(threads) = scene.threads(*id) {
            let more = threads.saturating_mul(MORE);
            let what = format!("{more} threads in each replica of `{}` instead of {threads}", service.name);
            let why = "threads are places to wait in: what they wait for, or the cores that they share, gets no faster";
            let cure = Cure::new("more-threads", &service.name, what).set(of("threads"), more.to_string());
            offered.push(cure.believed(why));
            // Without a number of cores a service without threads could do everything at once.
            if service.handlers == Handlers::Blocking && service.cores_in_all().is_some() {
                let what = format!("handlers of `{}` hold no thread while they wait", service.name);
                offered.push(Cure::new("async", &service.name, what).set(of("handlers"), "\"async\""));
            }
        }
        let more = service.replicas.saturating_mul(MORE);
        let what = format!("{more} replicas of `{}` instead of {}", service.name, service.replicas);
        offered.push(Cure::new("more-replicas", &service.name, what).set(of("replicas"), more.to_string()));
    }
    for (id, pool) in scene.model.pools.enumerate() {
        // A limit of fallbacks is no pool of the file.
        let is_written = !pool.name.contains(' ');
        let is_used = scene.services.iter().any(|id| uses(scene, *id, pool));
        if is_written && is_used && !pool.is_optimistic {
            let size = format!("pool.{}.size", key(&pool.name));
            // As many as the load needs on paper, and some more: what is busy all the time has no end of a queue.
            let needed = libm::ceil(scene.paper.permits[id.index()] / BUSY) as u32;
            let more = pool.size.saturating_mul(MORE).max(needed);
            let what = format!("{more} places in the pool `{}` instead of {}", pool.name, pool.size);
            // A pool of one, without anybody having said so, is a lock.
            let is_lock = pool.size == 1 && scene.locator.text(&size).is_none();
            let cure = Cure::new("larger-pool", &pool.name, what).set(size, more.to_string());
            offered.push(if is_lock { cure.only_if("several may do at once what is a lock now") } else { cure });
        }
    }
}

fn uses(scene: &Scene<'_>, service: crate::model::ServiceId, pool: &crate::model::SharedPool) -> bool {
    let own = scene.model.endpoints.enumerate().filter(|(_, it)| it.service == service);
    let place = scene.model.pools.enumerate().find(|(_, it)| it.name == pool.name).map(|(id, _)| id);
    place.is_some_and(|id| own.flat_map(|(_, it)| &it.steps).any(|step| step.holds(id)))
}
