//! Zones: who stands where, and what the network is like between two of them. Routes of callers who stand nowhere never
//! come here, nor do plain ones whose zones have no links.

use std::collections::BTreeMap;

use crate::base::units::Bandwidth;
use crate::model::{Caller, Edge, Model, ZoneId};

use super::frame::NONE;
use super::world::{Hop, Route, World};

/// See the module. Empty where nobody stands anywhere.
#[derive(Debug, Default)]
pub(super) struct Zones {
    /// By replica, across services; [`NONE`] is nowhere.
    of: Vec<u32>,
    /// By the zones of caller and callee; each stands there both ways. A tree: they are few, and zones may be many.
    links: BTreeMap<(u32, u32), Link>,
}

/// What is known of the network between two zones; the client knows the rest.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) hop: Option<Hop>,
    pub(super) bandwidth: Option<Bandwidth>,
    pub(super) loss: Option<f64>,
}

/// Between whom a message travels, whichever way: replicas across services.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// [`NONE`] is the users of the route's workload.
    pub(super) caller: u32,
    pub(super) callee: u32,
}

impl Zones {
    /// The link that a message along a route takes, if there is any.
    pub(super) fn link(&self, route: &Route, ends: Ends) -> Option<&Link> {
        self.links.get(&self.of(route, ends)?)
    }

    /// Whether a message along a route leaves its zone.
    pub(super) fn are_apart(&self, route: &Route, ends: Ends) -> bool {
        self.of(route, ends).is_some_and(|(from, to)| from != to)
    }

    /// `None` when one of them stands nowhere.
    fn of(&self, route: &Route, ends: Ends) -> Option<(u32, u32)> {
        if !route.is_zoned {
            return None;
        }
        let from = if ends.caller == NONE { route.users_zone } else { self.of[ends.caller as usize] };
        let to = self.of[ends.callee as usize];
        (from != NONE && to != NONE).then_some((from, to))
    }
}

impl World {
    /// Puts every replica into its zone, and links between them. The services are there.
    pub(super) fn add_zones(&mut self, model: &Model) {
        if model.zones.is_empty() {
            return;
        }
        let services = model.services.iter().zip(&self.services);
        let zone =
            |zones: &[ZoneId], number: u32| zones.get(number as usize % zones.len().max(1)).map_or(NONE, |zone| zone.0);
        let of = services.flat_map(|(service, state)| (0..state.replicas).map(|number| zone(&service.zones, number)));
        let of = of.collect();
        let mut links = BTreeMap::new();
        for link in &model.links {
            let built = Link {
                hop: link.latency.as_ref().map(|latency| self.hop(latency)),
                bandwidth: link.bandwidth,
                loss: link.loss.map(|loss| loss.as_f64()),
            };
            let [one, other] = link.between.map(|zone| zone.0);
            links.insert((one, other), built.clone());
            links.insert((other, one), built);
        }
        self.zones = Zones { of, links };
    }
}

/// The zone of the users who call along an edge; [`NONE`] where a service calls, or they stand nowhere.
pub(super) fn users_zone(model: &Model, edge: &Edge) -> u32 {
    match edge.from {
        Caller::Workload(id) => model.workloads[id].zone.map_or(NONE, |zone| zone.0),
        Caller::Service(_) | Caller::Consumer(_) => NONE,
    }
}

/// Whether zones matter to what travels along an edge: its caller stands somewhere, and a link ends there, or its messages
/// have a size, and it is known how much leaves a zone.
pub(super) fn is_zoned(model: &Model, edge: &Edge) -> bool {
    let zones = match edge.from {
        Caller::Workload(id) => model.workloads[id].zone.as_slice(),
        Caller::Service(id) => &model.services[id].zones,
        // Its handler is in the same process.
        Caller::Consumer(_) => return false,
    };
    let is_linked = model.links.iter().any(|link| link.between.iter().any(|end| zones.contains(end)));
    !zones.is_empty() && (is_linked || model.clients[edge.client].transport.is_some())
}
