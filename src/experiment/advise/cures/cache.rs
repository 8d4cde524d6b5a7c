//! What a cache does with answers that come late, and with many who miss the same key.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::{key, span};
use crate::model::{CacheFill, CacheStore};

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for id in &scene.caches {
        let cache = &scene.model.caches[*id];
        let CacheStore::Lru { ttl, coalesce, fill, .. } = &cache.store else { continue };
        let of = |what: &str| format!("cache.{}.{what}", key(&cache.name));
        let cure = |kind: &str, what: String| Cure::new(kind, &cache.name, what);
        if !coalesce {
            let what = format!("those who miss the same key of `{}` share one fetch", cache.name);
            offered.push(cure("single-flight", what).set(of("coalesce"), "true"));
        }
        if *fill == CacheFill::InTime {
            let what = format!("answers fill `{}` even when their callers have left", cache.name);
            offered.push(cure("late-fill", what).set(of("fill"), "\"late\""));
        }
        if let Some(ttl) = ttl {
            let what = format!("`{}` answers with the old value while one fetches the new one", cache.name);
            offered.push(cure("stale", what).set(of("stale"), span(ttl.length.as_secs_f64())));
        }
    }
}
