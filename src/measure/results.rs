//! What a run measured, as plain data. The names of things are in the model; the vectors here are
//! parallel to the model's workloads, services and edges.

use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::causes::Causes;
use super::latency::Latency;
use super::messaging::MessagingResults;
use super::paths::PathResult;
use super::resilience::ResilienceResults;
use super::spread::SpreadResult;
use super::sums::Sums;
use super::traces::Traces;

/// Number of [`Outcome`]s; arrays of counts are indexed by `outcome as usize`.
pub const OUTCOMES: usize = Outcome::ALL.len();

/// Everything a run measured. Totals count by cohort: what arrived after the warm-up.
#[derive(Clone, Debug)]
pub struct Results {
    /// Where the run ended: the scenario's duration, or earlier when it was interrupted.
    pub ended: Time,
    /// Whether it was interrupted before its end.
    pub interrupted: bool,
    /// Events that the kernel handled.
    pub events: u64,
    /// Parallel to `model.workloads`.
    pub workloads: Vec<WorkloadResult>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceResult>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<EdgeResult>,
    /// Parallel to `model.pools`.
    pub pools: Vec<PoolResult>,
    /// Parallel to `model.caches`.
    pub caches: Vec<CacheResult>,
    /// What messages and connections cost; `None` where no client has a transport.
    pub transport: Option<TransportResults>,
    /// What became of messages; `None` where there are no topics and no effects.
    pub messaging: Option<MessagingResults>,
    /// What clients did instead of calling; `None` where there are no fallbacks and no outlier detection.
    pub resilience: Option<Box<ResilienceResults>>,
    /// Parallel to `model.expectations`: the measured value in the unit of the bound (a share as a number
    /// around 0..=1, a rate per second, a span in seconds); `None` where there was no sample.
    pub measured: Vec<Option<f64>>,
    /// Half the widths of their 95% confidence intervals; `None` for what is no mean, and where there is no interval.
    pub measured_half_widths: Vec<Option<f64>>,
    /// How it went over time, warm-up included.
    pub series: Series,
    /// What tells how sure its means are; `None` where there is no confidence interval to find, or nobody asks.
    pub sums: Option<Box<Sums>>,
    /// What its story is told from; `None` where only expectations were measured.
    pub causes: Option<Box<Causes>>,
    /// What happened to some of the requests, span by span; `None` where nobody wants to know.
    pub traces: Option<Box<Traces>>,
}

/// Totals of a workload's requests that arrived after the warm-up.
#[derive(Clone, Debug, Default)]
pub struct WorkloadResult {
    /// Requests that users started.
    pub offered: u64,
    /// Of these, by how they ended; a request that is under way at the end is in none.
    pub outcomes: [u64; OUTCOMES],
    /// Under way at the end: `offered` is the sum of this and of `outcomes`.
    pub in_flight: u64,
    /// Answered well and within the deadline.
    pub good: u64,
    /// Attempts that the users' client sent after the warm-up.
    pub attempts: u64,
    /// Sessions of its users; `None` where each user asks for one thing.
    pub sessions: Option<SessionResult>,
    /// From the intended start to the good answer (late ones too).
    pub latency: Latency,
}

/// Totals of the sessions that began after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionResult {
    /// Sessions that began.
    pub started: u64,
    /// Of these, those that came to the end of their list.
    pub finished: u64,
    /// Those that a failure ended before.
    pub lost: u64,
}

impl SessionResult {
    /// Under way at the end of the run.
    pub fn in_flight(&self) -> u64 {
        self.started - self.finished - self.lost
    }
}

/// Totals of a service, over all replicas.
#[derive(Clone, Debug, Default)]
pub struct ServiceResult {
    /// Attempts that arrived after the warm-up. The counts below are of these.
    pub arrivals: u64,
    /// Handled and answered well.
    pub completed: u64,
    /// Handled and answered with an error.
    pub failed: u64,
    /// Turned away by a full queue or a limit.
    pub rejected: u64,
    /// Turned away after a wait, because it was too long.
    pub shed: u64,
    /// Found nobody there, or died with the replica.
    pub refused: u64,
    /// Left early: cancelled, or their deadline had passed.
    pub dropped: u64,
    /// Still there at the end: `arrivals` is the sum of this and of the six counts above.
    pub in_flight: u64,
    /// Had to wait for a thread.
    pub waited: u64,
    /// Time in the queue of those that got a thread (zero for those that did not wait).
    pub wait: Latency,
    /// From arrival to the handler's end, of those that got a thread.
    pub sojourn: Latency,
    /// ∫ busy threads dt after the warm-up, in nanoseconds.
    pub busy_nanos: u128,
    /// The part of `busy_nanos` for callers who had given up.
    pub wasted_nanos: u128,
    /// ∫ waiting requests dt after the warm-up, in nanoseconds.
    pub queue_nanos: u128,
    /// ∫ requests in the service dt after the warm-up, in nanoseconds.
    pub in_system_nanos: u128,
    /// Σ over requests of the part of their stay that lies after the warm-up and before the end, in nanoseconds:
    /// equals `in_system_nanos` to the nanosecond (Little's law).
    pub sojourn_clipped_nanos: u128,
    /// ∫ CPU time used dt after the warm-up, in nanoseconds.
    pub work_nanos: u128,
    /// The most that ever waited at once in one replica, warm-up included.
    pub peak_queue: u32,
    /// What its limit did, if it has one on the number at a time.
    pub limit: Option<LimitResult>,
}

/// Totals of the limits of a service's replicas, by the time of the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitResult {
    /// ∫ requests that they let in at a time together dt after the warm-up, in nanoseconds.
    pub limit_nanos: u128,
    /// Requests that they turned away after the warm-up.
    pub beyond: u64,
}

/// Totals of an edge: attempts sent after the warm-up.
#[derive(Clone, Debug, Default)]
pub struct EdgeResult {
    /// Calls that were made: first attempts, those that a breaker or a throttle did not let go included.
    pub calls: u64,
    /// Attempts sent, retries and hedges included; what a breaker or a throttle does not let go is not sent.
    pub attempts: u64,
    /// Attempts by how they ended; [`Outcome::is_sent`](crate::policy::Outcome::is_sent) tells which were sent.
    pub outcomes: [u64; OUTCOMES],
    /// Without an answer at the end: `attempts` is the sum of this and of all `outcomes` that were sent.
    pub in_flight: u64,
    /// From sending to the good answer.
    pub latency: Latency,
    /// ∫ attempts that wait for the client's rate limit or bulkhead dt after the warm-up, in nanoseconds; `None` where it has
    /// neither.
    pub held_nanos: Option<u128>,
}

/// Totals of a pool, over all instances, by the time of the event.
#[derive(Clone, Debug, Default)]
pub struct PoolResult {
    /// Permits that were given.
    pub acquired: u64,
    /// How long those waited who got one.
    pub wait: Latency,
    /// Waited for too long, and got none.
    pub timed_out: u64,
    /// Found too many waiting.
    pub rejected: u64,
    /// Had done their steps in vain: another one was faster (optimistic concurrency).
    pub conflicts: u64,
    /// ∫ permits in use dt after the warm-up, in nanoseconds.
    pub used_nanos: u128,
    /// ∫ those who wait dt after the warm-up, in nanoseconds.
    pub waiting_nanos: u128,
    /// The most that ever waited at once, over all instances, warm-up included.
    pub peak_waiting: u32,
}

/// Totals of a cache, over all instances, by the time of the event.
#[derive(Clone, Debug, Default)]
pub struct CacheResult {
    /// Lookups: the sum of the next five.
    pub lookups: u64,
    /// Found what they wanted.
    pub hits: u64,
    /// Found it old, and had it fetched in the background.
    pub stale: u64,
    /// Found it, and fetched it before its time.
    pub early: u64,
    /// Did not find it, and fetched it.
    pub misses: u64,
    /// Did not find it, and waited for one who fetched it.
    pub coalesced: u64,
    /// Fetches that it took.
    pub filled: u64,
    /// Fetches that it did not take, because nobody waited for them any more.
    pub too_late: u64,
    /// Keys that were looked up when their time was over.
    pub expired: u64,
    /// Keys that had to make room for others.
    pub evicted: u64,
}

impl CacheResult {
    /// The share of lookups that neither fetched nor waited, or `None` without one.
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.lookups > 0).then(|| (self.hits + self.stale) as f64 / self.lookups as f64)
    }
}

/// Everything over time; point `i` covers `[i × interval, (i + 1) × interval)`.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Width of a point.
    pub interval: Span,
    /// Number of points: the length of every vector below. The last may be cut short by the end of the run.
    pub points: usize,
    /// Parallel to `model.workloads`.
    pub workloads: Vec<WorkloadSeries>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceSeries>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<EdgeSeries>,
    /// Parallel to `model.pools`.
    pub pools: Vec<PoolSeries>,
    /// Parallel to `model.caches`.
    pub caches: Vec<CacheSeries>,
}

/// A workload over time: counts of events in the interval.
#[derive(Clone, Debug, Default)]
pub struct WorkloadSeries {
    /// Requests started.
    pub offered: Vec<u64>,
    /// Answered well, in time or late.
    pub answered: Vec<u64>,
    /// Answered well and within the deadline.
    pub good: Vec<u64>,
    /// Ended without a good answer.
    pub failed: Vec<u64>,
    /// Attempts sent.
    pub attempts: Vec<u64>,
    /// Its sessions; empty where each user asks for one thing.
    pub sessions: SessionSeries,
    /// Sum of the latencies of the good answers of the interval.
    pub latency_nanos: Vec<u128>,
    /// Median latency of the good answers of the interval; `None` without one.
    pub p50: Vec<Option<Span>>,
    /// Their 95th percentile.
    pub p95: Vec<Option<Span>>,
    /// Their 99th percentile.
    pub p99: Vec<Option<Span>>,
}

/// Sessions over time.
#[derive(Clone, Debug, Default)]
pub struct SessionSeries {
    /// Sessions that began.
    pub started: Vec<u64>,
    /// Those that came to the end of their list.
    pub finished: Vec<u64>,
    /// Those that a failure ended before.
    pub lost: Vec<u64>,
}

/// A service over time, over all replicas.
#[derive(Clone, Debug, Default)]
pub struct ServiceSeries {
    /// Attempts that arrived.
    pub arrivals: Vec<u64>,
    /// Answered well.
    pub completed: Vec<u64>,
    /// Answered with an error by a handler.
    pub failed: Vec<u64>,
    /// Turned away by full queues or limits.
    pub rejected: Vec<u64>,
    /// Turned away after too long a wait.
    pub shed: Vec<u64>,
    /// Mean number waiting.
    pub queue: Vec<f64>,
    /// Mean number of busy threads.
    pub busy: Vec<f64>,
    /// Mean number of threads busy for callers who had given up.
    pub wasted: Vec<f64>,
    /// Mean number of requests in the service.
    pub in_system: Vec<f64>,
    /// Replicas that are up, at the end of the interval.
    pub up: Vec<u32>,
    /// Mean number of requests that the limits of all replicas let in at a time; empty where there are none.
    pub limit: Vec<f64>,
}

/// An edge over time.
#[derive(Clone, Debug, Default)]
pub struct EdgeSeries {
    /// Calls made.
    pub calls: Vec<u64>,
    /// Attempts sent.
    pub attempts: Vec<u64>,
    /// Attempts that ended well.
    pub ok: Vec<u64>,
    /// Attempts that were sent and ended otherwise.
    pub failed: Vec<u64>,
    /// Of these, timeouts.
    pub timeouts: Vec<u64>,
    /// Attempts not sent because of an open breaker.
    pub short_circuited: Vec<u64>,
    /// Attempts not sent because of the client's throttle; empty when it has none.
    pub throttled: Vec<u64>,
    /// Attempts not sent because of the client's rate limit, bulkhead or limit; empty when it has none.
    pub limited: Vec<u64>,
    /// Mean number of attempts that wait for them; empty when it has none.
    pub held: Vec<f64>,
    /// Share of the callers' breakers that are open, mean over the interval; empty when the edge has none.
    pub open: Vec<f64>,
    /// Share that are half open; empty when the edge has none.
    pub half_open: Vec<f64>,
}

/// A pool over time, over all instances.
#[derive(Clone, Debug, Default)]
pub struct PoolSeries {
    /// Mean number of permits in use.
    pub used: Vec<f64>,
    /// Mean number of those who wait for one.
    pub waiting: Vec<f64>,
    /// Those who got none, or did their steps in vain.
    pub failed: Vec<u64>,
}

/// A cache over time, over all instances.
#[derive(Clone, Debug, Default)]
pub struct CacheSeries {
    /// Lookups.
    pub lookups: Vec<u64>,
    /// Those that neither fetched nor waited.
    pub hits: Vec<u64>,
}

/// What messages and connections cost, by the time of the event, after the warm-up.
#[derive(Clone, Debug)]
pub struct TransportResults {
    /// Parallel to `model.edges()`; edges without a transport have nothing.
    pub edges: Vec<EdgeMessages>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceMessages>,
    /// Parallel to the channels of `model.channels`; `None` where no connection is needed.
    pub channels: Vec<Option<ConnectionResult>>,
    /// Where the time of requests went, parallel to `model.workloads`; empty where not all was measured.
    pub paths: Vec<PathResult>,
    /// How requests spread over replicas, parallel to `model.services`; `None` where each request is balanced.
    pub spread: Vec<Option<SpreadResult>>,
}

/// Messages of an edge.
#[derive(Clone, Debug, Default)]
pub struct EdgeMessages {
    /// Requests, answers and messages of streams that were sent.
    pub messages: u64,
    /// Their bytes, headers included.
    pub bytes: u128,
    /// Those of them that went from one zone to another.
    pub bytes_across: u128,
    /// Their time under way, added up.
    pub network_nanos: u128,
    /// How long attempts waited for a connection; those that never got one are not in it.
    pub waits: Latency,
    /// What streamed; `None` where answers are no streams. Boxed: few are.
    pub stream: Option<Box<StreamMessages>>,
}

/// Streams of messages along an edge.
#[derive(Clone, Debug, Default)]
pub struct StreamMessages {
    /// Messages that were read.
    pub read: u64,
    /// From sending an attempt to its first message.
    pub first: Latency,
    /// ∫ bytes that were sent and not read dt, in byte-nanoseconds.
    pub unread_nanos: u128,
    /// The most of them at once, over all streams.
    pub unread_peak: u64,
    /// ∫ handlers that wait for room in a window dt, in nanoseconds.
    pub blocked_nanos: u128,
}

/// CPU time that a service spends on messages.
#[derive(Clone, Debug, Default)]
pub struct ServiceMessages {
    /// Writing and reading them.
    pub encoding_nanos: u128,
    /// Handshakes of connections to it.
    pub handshakes: u64,
    /// Their CPU time.
    pub handshake_nanos: u128,
    /// Connections that were not taken on at once.
    pub connections_waited: u64,
    /// How often a connection was ignored.
    pub connections_ignored: u64,
}

/// Connections of one client of one caller to one service, over all replicas of the caller.
#[derive(Clone, Debug, Default)]
pub struct ConnectionResult {
    /// How many there are, those that are being opened included, integrated over time.
    pub open_nanos: u128,
    /// How many were opened.
    pub opened: u64,
    /// The most at once.
    pub peak: u32,
    /// How it went over time.
    pub series: ConnectionSeries,
}

/// Connections over time.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSeries {
    /// How many there are, on average over the point.
    pub open: Vec<f64>,
    /// How many were opened.
    pub opened: Vec<u64>,
}
