//! How requests spread over the replicas of services whose clients choose a replica for each connection, not for each
//! request: there they may differ for as long as connections live.

use crate::base::time::Time;
use crate::model::{Balancing, Edge, EdgeId, Ids, Model, ServiceId};

/// Requests by replica, of those that came after the warm-up and over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpreadResult {
    /// Requests that reached each replica, by its number.
    pub arrivals: Vec<u64>,
    /// The same in each point of the series.
    pub series: Vec<Vec<u32>>,
}

/// Of one service.
pub(super) struct SpreadMeter {
    first: u32,
    recent: Vec<u32>,
    result: SpreadResult,
}

/// By service; none of those where requests are balanced one by one, or of which there is but one replica.
pub(super) fn meters(model: &Model, edges: &Ids<EdgeId, Edge>) -> Vec<Option<SpreadMeter>> {
    let mut first = 0;
    let meter = |id: ServiceId| {
        let replicas = model.replicas_most(id);
        let start = first;
        first += replicas;
        let sticks = edges.iter().any(|edge| {
            let transport = model.clients[edge.client].transport.as_ref();
            model.endpoints[edge.to].service == id
                && transport.is_some_and(|it| it.connects() && it.balancing == Balancing::Connection)
        });
        (sticks && replicas > 1).then(|| SpreadMeter {
            first: start,
            recent: vec![0; replicas as usize],
            result: SpreadResult { arrivals: vec![0; replicas as usize], series: Vec::new() },
        })
    };
    model.services.ids().map(meter).collect()
}

impl SpreadMeter {
    /// A request reaches a replica, which is numbered across services.
    pub(super) fn lands(&mut self, replica: u32, now: Time, from: Time) {
        let number = (replica - self.first) as usize;
        self.recent[number] += 1;
        self.result.arrivals[number] += u64::from(now >= from);
    }

    /// Ends a point of the series.
    pub(super) fn add_point(&mut self) {
        let next = vec![0; self.recent.len()];
        self.result.series.push(std::mem::replace(&mut self.recent, next));
    }

    pub(super) fn finish(self) -> SpreadResult {
        self.result
    }
}
