//! What a run cost, in core-hours, replica-hours and bytes, and with prices in money. Costs are those of the time that
//! totals cover. A core costs while it works, a replica while it is there, a byte when it is sent over a transport; one
//! that leaves its zone may have a price of its own.

use crate::base::time::Time;
use crate::measure::Results;
use crate::model::{Id, Model, Prices, ServiceId};

/// Amounts of a whole run, over all services.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Amounts {
    /// Hours for which cores worked.
    pub core_hours: f64,
    /// Hours for which replicas were there.
    pub replica_hours: f64,
    /// Bytes within a zone.
    pub bytes: f64,
    /// Bytes from one zone to another.
    pub bytes_across: f64,
    /// Requests of users.
    pub requests: f64,
}

/// The same as money, in the currency of the prices.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Money {
    /// For cores.
    pub cores: f64,
    /// For replicas.
    pub replicas: f64,
    /// For bytes.
    pub network: f64,
}

impl Amounts {
    /// Those of a run.
    pub fn of(model: &Model, results: &Results) -> Amounts {
        let from = Time::ZERO + model.warmup;
        let hours = results.ended.max(from).since(from).as_secs_f64() / 3600.0;
        let replicas: f64 = (0..results.services.len()).map(|id| replicas(model, results, id)).sum();
        let edges = || results.transport.iter().flat_map(|it| &it.edges);
        let across: u128 = edges().map(|it| it.bytes_across).sum();
        let bytes = edges().map(|it| it.bytes).sum::<u128>() - across;
        Amounts {
            core_hours: core_hours(results.services.iter().map(|it| it.work_nanos).sum()),
            replica_hours: replicas * hours,
            bytes: bytes as f64,
            bytes_across: across as f64,
            requests: results.workloads.iter().map(|it| it.offered).sum::<u64>() as f64,
        }
    }

    /// At these prices.
    pub fn at(&self, prices: &Prices) -> Money {
        Money {
            cores: self.core_hours * prices.core_hour,
            replicas: self.replica_hours * prices.replica_hour,
            network: (self.bytes * prices.gigabyte + self.bytes_across * prices.gigabyte_across) / 1e9,
        }
    }

    /// An amount for a million requests of users; `None` without a request.
    pub fn per_million(&self, amount: f64) -> Option<f64> {
        (self.requests > 0.0).then(|| amount * 1e6 / self.requests)
    }
}

impl Money {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.cores + self.replicas + self.network
    }
}

/// Time of work as hours of a core.
pub fn core_hours(work_nanos: u128) -> f64 {
    work_nanos as f64 / 1e9 / 3600.0
}

/// How many replicas a service had, on average over the points of the series that totals cover.
pub fn replicas(model: &Model, results: &Results, service: usize) -> f64 {
    let series = &results.series.services[service].up;
    let first = model.warmup.as_nanos().div_ceil(results.series.interval.as_nanos().max(1));
    let counted = series.get(usize::try_from(first).unwrap_or(usize::MAX)..).unwrap_or_default();
    match counted.len() {
        0 => f64::from(model.services[ServiceId::new(service)].replicas),
        count => counted.iter().map(|up| f64::from(*up)).sum::<f64>() / count as f64,
    }
}
