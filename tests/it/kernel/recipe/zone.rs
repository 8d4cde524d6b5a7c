//! Random zones and links.

use brownout::model::{Link, ZoneId};

use super::*;

/// Where everybody stands, and what is between.
#[derive(Clone, Debug)]
pub(super) struct ZonesRecipe {
    /// By service, from the first again; the zones of its replicas.
    services: Vec<Vec<u32>>,
    /// By workload, from the first again.
    users: Vec<Option<u32>>,
    links: Vec<LinkRecipe>,
}

#[derive(Clone, Debug)]
struct LinkRecipe {
    ends: (u32, u32),
    latency: Option<Distribution>,
    is_narrow: bool,
    loss: Option<u32>,
}

const ZONES: u32 = 3;

pub(super) fn zones(lengths: Lengths) -> impl Strategy<Value = ZonesRecipe> {
    let link = (0..ZONES, 0..ZONES, option::weighted(0.8, length(lengths)), any::<bool>(), option::of(0u32..40))
        .prop_map(|(one, other, latency, is_narrow, loss)| {
            let ends = (one.min(other), one.max(other));
            LinkRecipe { ends, latency, is_narrow, loss }
        });
    (vec(vec(0..ZONES, 0..4), 1..5), vec(option::weighted(0.7, 0..ZONES), 1..4), vec(link, 0..5))
        .prop_map(|(services, users, links)| ZonesRecipe { services, users, links })
}

/// Links that say nothing, or what another one says, are left out.
pub(super) fn cook(recipe: &ZonesRecipe, model: &mut Model) {
    model.zones = (0..ZONES).map(|n| format!("zone{n}")).collect();
    for (id, zones) in model.services.ids().zip(recipe.services.iter().cycle()) {
        model.services[id].zones = zones.iter().map(|zone| ZoneId(*zone)).collect();
    }
    for (id, zone) in model.workloads.ids().zip(recipe.users.iter().cycle()) {
        model.workloads[id].zone = zone.map(ZoneId);
    }
    for (n, link) in recipe.links.iter().enumerate() {
        let is_first = recipe.links[..n].iter().all(|other| other.ends != link.ends);
        let says = link.latency.is_some() || link.is_narrow || link.loss.is_some();
        if is_first && says {
            model.links.push(Link {
                name: format!("link{n}"),
                between: [ZoneId(link.ends.1), ZoneId(link.ends.0)],
                latency: link.latency.clone(),
                bandwidth: link.is_narrow.then(|| "500kB/s".parse().expect("a bandwidth")),
                loss: link.loss.map(share),
            });
        }
    }
}
