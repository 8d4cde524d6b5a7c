//! Sums over the points of the series from which the confidence of means follows. They are what the totals count, so they
//! begin with the end of the warm-up. Only runs that have confidence intervals keep them.

use crate::model::Model;
use crate::policy::Outcome;

use super::paths::PARTS;
use super::results::OUTCOMES;

/// See the module; point `i` of each column is that of the series.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Bad outcomes of requests; parallel to `model.workloads`.
    pub workloads: Vec<FailureSeries>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceSums>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<EdgeSums>,
    /// Parallel to `model.pools`.
    pub pools: Vec<PoolSums>,
    /// Parallel to `model.caches`.
    pub caches: Vec<CacheSums>,
    /// Parallel to `model.edges()`; those of edges without a transport stay empty.
    pub messages: Vec<MessageSums>,
    /// Parallel to `model.services`.
    pub message_cpu: Vec<MessageCpuSums>,
    /// Parallel to `model.workloads`.
    pub paths: Vec<PathSums>,
}

impl Sums {
    /// Empty ones of a model with so many edges.
    pub(super) fn of(model: &Model, edges: usize, has_transport: bool) -> Sums {
        let services = model.services.len();
        let workloads = model.workloads.len();
        let (messages, message_cpu, paths) = if has_transport { (edges, services, workloads) } else { (0, 0, 0) };
        Sums {
            workloads: vec![FailureSeries::default(); workloads],
            services: vec![ServiceSums::default(); services],
            edges: vec![EdgeSums::default(); edges],
            pools: vec![PoolSums::default(); model.pools.len()],
            caches: vec![CacheSums::default(); model.caches.len()],
            messages: vec![MessageSums::default(); messages],
            message_cpu: vec![MessageCpuSums::default(); message_cpu],
            paths: vec![PathSums::default(); paths],
        }
    }
}

/// Of a service.
#[derive(Clone, Debug, Default)]
pub struct ServiceSums {
    /// CPU time, in seconds. Work on a core of its own counts when it begins.
    pub work: Vec<f64>,
    /// Waits of those that got a thread.
    pub wait: LengthSeries,
    /// Sojourns of those that got a thread.
    pub sojourn: LengthSeries,
}

/// Of an edge.
#[derive(Clone, Debug, Default)]
pub struct EdgeSums {
    /// Attempts that ended without a good answer.
    pub failures: FailureSeries,
    /// Latencies of good answers.
    pub latency: LengthSeries,
}

/// Of a pool.
#[derive(Clone, Debug, Default)]
pub struct PoolSums {
    /// Waits of those who got a permit.
    pub wait: LengthSeries,
    /// Waited for too long, and got none.
    pub timed_out: Vec<u64>,
    /// Found too many waiting.
    pub rejected: Vec<u64>,
    /// Had done their steps in vain.
    pub conflicts: Vec<u64>,
}

/// Of a cache; see [`CacheResult`](super::CacheResult).
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the names are those of the totals")]
pub struct CacheSums {
    pub stale: Vec<u64>,
    pub early: Vec<u64>,
    pub misses: Vec<u64>,
    pub coalesced: Vec<u64>,
}

/// Of the messages of an edge.
#[derive(Clone, Debug, Default)]
pub struct MessageSums {
    /// Their bytes.
    pub bytes: Vec<f64>,
    /// Those that went from one zone to another.
    pub bytes_across: Vec<f64>,
    /// Their time under way.
    pub network: LengthSeries,
    /// Waits for a connection.
    pub waits: LengthSeries,
    /// Of what streams, if anything does.
    pub stream: Option<StreamSums>,
}

/// Of the streams along an edge.
#[derive(Clone, Debug, Default)]
pub struct StreamSums {
    /// Times to the first message.
    pub first: LengthSeries,
    /// Bytes that were sent and not read, times seconds.
    pub unread: Vec<f64>,
    /// Seconds of handlers that wait for room.
    pub blocked: Vec<f64>,
}

/// CPU time that a service spends on messages and handshakes, in seconds.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MessageCpuSums {
    pub encoding: Vec<f64>,
    pub handshakes: Vec<f64>,
}

/// Where the time of the requests of a workload went.
#[derive(Clone, Debug, Default)]
pub struct PathSums {
    /// In seconds, by [`Spent`](crate::kernel::Spent).
    pub secs: [Vec<f64>; PARTS],
    /// Of how many requests.
    pub count: Vec<u64>,
}

/// Lengths of time over time, as far as a mean of them needs it.
#[derive(Clone, Debug, Default)]
pub struct LengthSeries {
    /// Their sum, in seconds.
    pub secs: Vec<f64>,
    /// How many there were.
    pub count: Vec<u64>,
}

/// Bad outcomes over time, by [`Outcome`]. Most never happen: a column ends with the last point at which its outcome did.
#[derive(Clone, Debug, Default)]
pub struct FailureSeries(pub [Vec<u64>; OUTCOMES]);

impl FailureSeries {
    /// Adds what a point has more than those before it.
    pub(super) fn add(&mut self, point: usize, counts: impl Fn(Outcome) -> u64) {
        for outcome in Outcome::ALL.into_iter().filter(|outcome| !outcome.is_ok()) {
            let (column, count) = (&mut self.0[outcome as usize], counts(outcome));
            if count > 0 {
                column.resize(point, 0);
                column.push(count);
            }
        }
    }
}
