//! In front of a pool of threads: who is next, how many may wait, and for how long.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::{key, span};
use crate::model::{Discipline, Limit, Service};

/// The part of its callers' patience that a queue may take.
const OF_PATIENCE: f64 = 0.5;
/// What a queue without end becomes when it is to be long, and how much longer any other one.
const LONG: u32 = 1000;
const LONGER: u32 = 10;

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for id in &scene.services {
        let service = &scene.model.services[*id];
        let Some(threads) = scene.threads(*id) else { continue };
        let of = |what: &str| format!("service.{}.{what}", key(&service.name));
        let cure = |kind: &str, what: String| Cure::new(kind, &service.name, what);
        if service.discipline != Discipline::Lifo {
            let what = format!("`{}` serves the newest first", service.name);
            offered.push(cure("lifo", what).set(of("discipline"), "\"lifo\""));
        }
        offered.extend(longer(service, &of("queue")));
        let limit = format!("`{}` learns how many requests it can take on", service.name);
        if service.limit.is_none() {
            offered.push(cure("adaptive-limit", limit).set(of("limit"), "{ preset = \"gradient2\" }"));
        }
        let Some((patience, hold)) = scene.patience(*id).zip(scene.hold(*id)) else { continue };
        let places = (OF_PATIENCE * patience / hold * f64::from(threads)).floor().clamp(1.0, 1e6) as u32;
        if is_shorter(places, service.queue) {
            let what = format!("a queue of {places} in front of `{}`, and the rest is turned away", service.name);
            offered.push(cure("short-queue", what).set(of("queue"), places.to_string()));
        }
        if service.queue_timeout.is_none() {
            let wait = span(patience);
            let what = format!("`{}` drops what has waited for {}", service.name, wait.trim_matches('"'));
            offered.push(cure("drop-expired", what).set(of("queue_timeout"), wait));
        }
    }
}

fn longer(service: &Service, path: &str) -> Option<Cure> {
    let (places, what) = match service.queue {
        Limit::Unlimited => (LONG, format!("a long queue of {LONG} in front of `{}`", service.name)),
        Limit::AtMost(places) => {
            let longer = places.saturating_mul(LONGER).max(LONG);
            (longer, format!("a queue of {longer} in front of `{}` instead of {places}", service.name))
        }
    };
    let why = "whoever is behind a queue that is longer than callers wait is served after they have left";
    Some(Cure::new("long-queue", &service.name, what).set(path, places.to_string()).believed(why))
}

fn is_shorter(places: u32, than: Limit) -> bool {
    match than {
        Limit::Unlimited => true,
        Limit::AtMost(now) => places < now,
    }
}
