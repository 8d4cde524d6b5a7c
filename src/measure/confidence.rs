//! What the means of one run are worth: confidence intervals by batch means, and whether the warm-up was long enough.
//!
//! The points of the series after the warm-up are cut into ten batches of equal length, whose means are nearly
//! independent when a batch is long against the time for which the system remembers. Student's t over the batches gives
//! the interval; for a ratio (a share, a mean latency) the ratio estimator does, because numerator and denominator go
//! together (Law, "Simulation Modeling and Analysis"). Batches are of what happened in them,
//! totals of those that arrived in the time: the two differ by what crosses the ends.
//!
//! That is honest only for a run whose load and system stay as they are. With a fault, a changing rate or a burst the
//! differences between batches are the course of the run, not chance, and what one run says about the next one is
//! unknown: there is no interval then, and only replications would give one.

use serde::{Serialize, Serializer};

use crate::base::time::Time;
use crate::model::{Model, Service};
use crate::policy::Outcome;

use super::batches::{Batches, NoConfidence, PerBatch, half_width, stationary, together};
use super::messaging::{ConsumerResult, GroupResult, MessagingResults, TopicResult};
use super::paths::PARTS;
use super::results::{
    CacheSeries, ConnectionSeries, EdgeSeries, OUTCOMES, PoolSeries, Results, ServiceSeries, SessionSeries,
    TransportResults, WorkloadSeries,
};
use super::sums::{
    CacheSums, EdgeSums, FailureSeries, MessageCpuSums, MessageSums, PathSums, PoolSums, ServiceSums, Sums,
};

/// Half the widths of 95% confidence intervals: the mean lies within, give or take so much. Each in the unit of its
/// mean; `None` where the batches do not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Confidence {
    /// What they were found with.
    pub batches: Batches,
    /// Parallel to `model.workloads`.
    pub workloads: Vec<WorkloadConfidence>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceConfidence>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<EdgeConfidence>,
    /// Parallel to `model.pools`.
    pub pools: Vec<PoolConfidence>,
    /// Parallel to `model.caches`.
    pub caches: Vec<CacheConfidence>,
    /// `None` where no client has a transport.
    pub transport: Option<TransportConfidence>,
    /// `None` where there are no topics and no effects.
    pub messaging: Option<MessagingConfidence>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct WorkloadConfidence {
    pub offered_per_s: Option<f64>,
    pub goodput_share: Option<f64>,
    pub goodput_per_s: Option<f64>,
    pub throughput_share: Option<f64>,
    pub throughput_per_s: Option<f64>,
    pub failed_share: Option<f64>,
    pub failure_shares: FailureConfidence,
    pub attempts_per_request: Option<f64>,
    pub latency_mean_s: Option<f64>,
    #[serde(skip)]
    pub sessions: SessionConfidence,
}

/// See [`Confidence`]. `None` where each user asks for one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct SessionConfidence {
    pub started_per_s: Option<f64>,
    pub finished_share: Option<f64>,
    pub lost_share: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct ServiceConfidence {
    pub arrivals_per_s: Option<f64>,
    pub thread_utilisation_share: Option<f64>,
    pub core_utilisation_share: Option<f64>,
    pub busy_threads_mean: Option<f64>,
    pub busy_cores_mean: Option<f64>,
    pub queue_mean: Option<f64>,
    pub in_system_mean: Option<f64>,
    pub rejected_share: Option<f64>,
    pub shed_share: Option<f64>,
    pub wait_mean_s: Option<f64>,
    pub sojourn_mean_s: Option<f64>,
    pub waste_share: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct EdgeConfidence {
    pub attempts_per_s: Option<f64>,
    pub retry_factor: Option<f64>,
    pub ok_share: Option<f64>,
    pub failure_shares: FailureConfidence,
    pub latency_mean_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct PoolConfidence {
    pub acquired_per_s: Option<f64>,
    pub timed_out_share: Option<f64>,
    pub rejected_share: Option<f64>,
    pub conflicts_share: Option<f64>,
    pub in_use_mean: Option<f64>,
    pub waiting_mean: Option<f64>,
    pub wait_mean_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct CacheConfidence {
    pub lookups_per_s: Option<f64>,
    pub hit_ratio_share: Option<f64>,
    pub stale_share: Option<f64>,
    pub early_share: Option<f64>,
    pub misses_share: Option<f64>,
    pub coalesced_share: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Debug, PartialEq)]
pub struct TransportConfidence {
    /// Of where the time of a request goes.
    pub per_request: RequestTimeConfidence,
    /// Of requests' paths; parallel to `model.workloads`.
    pub paths: Vec<PathConfidence>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<MessageConfidence>,
    /// Parallel to `model.services`.
    pub services: Vec<MessageCpuConfidence>,
    /// Parallel to the channels of `model.channels`.
    pub connections: Vec<ConnectionConfidence>,
}

/// Of where the time of the requests of a workload goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathConfidence {
    /// Of all together.
    pub mean_s: Option<f64>,
    /// By [`Spent`](crate::kernel::Spent).
    pub parts_s: [Option<f64>; PARTS],
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct RequestTimeConfidence {
    pub network_s: Option<f64>,
    pub connections_s: Option<f64>,
    pub encoding_cpu_s: Option<f64>,
    pub handshakes_cpu_s: Option<f64>,
    pub waiting_for_threads_s: Option<f64>,
    pub work_cpu_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct MessageConfidence {
    pub bytes_per_message: Option<f64>,
    pub across_zones_share: Option<f64>,
    pub network_mean_s: Option<f64>,
    pub connection_wait_mean_s: Option<f64>,
    #[serde(skip)]
    pub stream: Option<StreamConfidence>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct StreamConfidence {
    pub first_message_mean_s: Option<f64>,
    pub unread_bytes_mean: Option<f64>,
    pub handlers_blocked_mean: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct MessageCpuConfidence {
    pub encoding_share_of_cpu: Option<f64>,
    pub handshake_cores_mean: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct ConnectionConfidence {
    pub open_mean: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Debug, PartialEq)]
pub struct MessagingConfidence {
    /// Parallel to `model.topics`.
    pub topics: Vec<TopicConfidence>,
    /// Parallel to `model.groups()`.
    pub groups: Vec<GroupConfidence>,
    /// Parallel to `model.consumers`.
    pub consumers: Vec<ConsumerConfidence>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct TopicConfidence {
    pub published_per_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct GroupConfidence {
    pub kept_per_s: Option<f64>,
    pub consumed_per_s: Option<f64>,
    pub lag_mean: Option<f64>,
    pub latency_mean_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct ConsumerConfidence {
    pub workers_busy_mean: Option<f64>,
    pub workers_busy_share: Option<f64>,
}

/// Of the share that each bad outcome has, by [`Outcome`]; `None` where it never happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FailureConfidence(pub [Option<f64>; OUTCOMES]);

impl Serialize for FailureConfidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seen = Outcome::ALL.into_iter().filter_map(|outcome| Some((outcome.name(), self.0[outcome as usize]?)));
        serializer.collect_map(seen)
    }
}

/// The confidence intervals of a run.
pub fn confidence(model: &Model, results: &Results) -> Result<Confidence, NoConfidence> {
    let batches = &Batches::of(model, results)?;
    let sums = results.sums.as_ref().ok_or(NoConfidence::NotKept)?;
    let series = &results.series;
    let services = model.services.iter().zip(series.services.iter().zip(&sums.services));
    Ok(Confidence {
        batches: *batches,
        workloads: series.workloads.iter().zip(&sums.workloads).map(|(it, sums)| workload(batches, it, sums)).collect(),
        services: services.map(|(service, (it, sums))| self::service(batches, service, it, sums)).collect(),
        edges: series.edges.iter().zip(&sums.edges).map(|(it, sums)| edge(batches, it, sums)).collect(),
        pools: series.pools.iter().zip(&sums.pools).map(|(it, sums)| pool(batches, it, sums)).collect(),
        caches: series.caches.iter().zip(&sums.caches).map(|(it, sums)| cache(batches, it, sums)).collect(),
        transport: results.transport.as_ref().map(|it| transport(batches, results, it, sums)),
        messaging: results.messaging.as_ref().map(|it| messaging(batches, it)),
    })
}

fn workload(batches: &Batches, it: &WorkloadSeries, bad: &FailureSeries) -> WorkloadConfidence {
    let [offered, answered, good, failed, attempts] =
        [&it.offered, &it.answered, &it.good, &it.failed, &it.attempts].map(|column| batches.counts(column));
    let latency = batches.sums(&it.latency_nanos, |nanos| nanos as f64 / 1e9);
    WorkloadConfidence {
        offered_per_s: batches.rate(&offered),
        goodput_share: half_width(&good, &offered),
        goodput_per_s: batches.rate(&good),
        throughput_share: half_width(&answered, &offered),
        throughput_per_s: batches.rate(&answered),
        failed_share: half_width(&failed, &offered),
        failure_shares: failures(batches, bad, &offered),
        attempts_per_request: half_width(&attempts, &offered),
        latency_mean_s: half_width(&latency, &answered),
        sessions: sessions(batches, &it.sessions),
    }
}

fn sessions(batches: &Batches, it: &SessionSeries) -> SessionConfidence {
    let [started, finished, lost] = [&it.started, &it.finished, &it.lost].map(|column| batches.counts(column));
    SessionConfidence {
        started_per_s: batches.rate(&started).filter(|_| !it.started.is_empty()),
        finished_share: half_width(&finished, &started),
        lost_share: half_width(&lost, &started),
    }
}

fn failures(batches: &Batches, it: &FailureSeries, wholes: &PerBatch) -> FailureConfidence {
    let share = |column: &Vec<u64>| half_width(&batches.counts(column), wholes).filter(|_| !column.is_empty());
    FailureConfidence(it.0.each_ref().map(share))
}

fn service(batches: &Batches, service: &Service, it: &ServiceSeries, sums: &ServiceSums) -> ServiceConfidence {
    let [arrivals, rejected, shed] = [&it.arrivals, &it.rejected, &it.shed].map(|column| batches.counts(column));
    let (busy, cores) = (batches.level(&it.busy), batches.rate(&batches.sums(&sums.work, |secs| secs)));
    let part = |half_width: Option<f64>, whole: Option<u64>| Some(half_width? / whole? as f64);
    ServiceConfidence {
        arrivals_per_s: batches.rate(&arrivals),
        thread_utilisation_share: part(busy, service.threads_in_all()),
        core_utilisation_share: part(cores, service.cores_in_all()),
        busy_threads_mean: busy,
        busy_cores_mean: cores,
        queue_mean: batches.level(&it.queue),
        in_system_mean: batches.level(&it.in_system),
        rejected_share: half_width(&rejected, &arrivals),
        shed_share: half_width(&shed, &arrivals),
        wait_mean_s: batches.mean(&sums.wait),
        sojourn_mean_s: batches.mean(&sums.sojourn),
        waste_share: half_width(&batches.integrals(&it.wasted), &batches.integrals(&it.busy)),
    }
}

fn edge(batches: &Batches, it: &EdgeSeries, sums: &EdgeSums) -> EdgeConfidence {
    let [calls, attempts, ok, failed, short, throttled, limited] =
        [&it.calls, &it.attempts, &it.ok, &it.failed, &it.short_circuited, &it.throttled, &it.limited]
            .map(|column| batches.counts(column));
    let ended = together([ok, failed, short, throttled, limited]);
    EdgeConfidence {
        attempts_per_s: batches.rate(&attempts),
        retry_factor: half_width(&attempts, &calls),
        ok_share: half_width(&ok, &ended),
        failure_shares: failures(batches, &sums.failures, &ended),
        latency_mean_s: batches.mean(&sums.latency),
    }
}

fn pool(batches: &Batches, it: &PoolSeries, sums: &PoolSums) -> PoolConfidence {
    let [acquired, timed_out, rejected, conflicts] =
        [&sums.wait.count, &sums.timed_out, &sums.rejected, &sums.conflicts].map(|column| batches.counts(column));
    let wanted = together([acquired, timed_out, rejected]);
    PoolConfidence {
        acquired_per_s: batches.rate(&acquired),
        timed_out_share: half_width(&timed_out, &wanted),
        rejected_share: half_width(&rejected, &wanted),
        conflicts_share: half_width(&conflicts, &wanted),
        in_use_mean: batches.level(&it.used),
        waiting_mean: batches.level(&it.waiting),
        wait_mean_s: batches.mean(&sums.wait),
    }
}

fn cache(batches: &Batches, it: &CacheSeries, sums: &CacheSums) -> CacheConfidence {
    let lookups = batches.counts(&it.lookups);
    let share = |column: &[u64]| half_width(&batches.counts(column), &lookups);
    CacheConfidence {
        lookups_per_s: batches.rate(&lookups),
        hit_ratio_share: share(&it.hits),
        stale_share: share(&sums.stale),
        early_share: share(&sums.early),
        misses_share: share(&sums.misses),
        coalesced_share: share(&sums.coalesced),
    }
}

fn transport(batches: &Batches, results: &Results, it: &TransportResults, sums: &Sums) -> TransportConfidence {
    let services = sums.services.iter().zip(&sums.message_cpu);
    TransportConfidence {
        per_request: per_request(batches, results, sums),
        paths: sums.paths.iter().map(|it| path(batches, it)).collect(),
        edges: sums.messages.iter().map(|it| messages(batches, it)).collect(),
        services: services.map(|(service, it)| message_cpu(batches, service, it)).collect(),
        connections: it.channels.iter().map(|it| connections(batches, it.as_ref().map(|it| &it.series))).collect(),
    }
}

fn per_request(batches: &Batches, results: &Results, sums: &Sums) -> RequestTimeConfidence {
    let seconds = |column: &[f64]| batches.sums(column, |secs| secs);
    let series = &results.series;
    let requests = together(series.workloads.iter().map(|it| batches.counts(&it.offered)));
    let encoding = together(sums.message_cpu.iter().map(|it| seconds(&it.encoding)));
    let handshakes = together(sums.message_cpu.iter().map(|it| seconds(&it.handshakes)));
    let all_work = together(sums.services.iter().map(|it| seconds(&it.work)));
    let work = std::array::from_fn(|batch| all_work[batch] - encoding[batch] - handshakes[batch]);
    let each = |parts: PerBatch| half_width(&parts, &requests);
    RequestTimeConfidence {
        network_s: each(together(sums.messages.iter().map(|it| seconds(&it.network.secs)))),
        connections_s: each(together(sums.messages.iter().map(|it| seconds(&it.waits.secs)))),
        encoding_cpu_s: each(encoding),
        handshakes_cpu_s: each(handshakes),
        waiting_for_threads_s: each(together(series.services.iter().map(|it| batches.integrals(&it.queue)))),
        work_cpu_s: each(work),
    }
}

fn path(batches: &Batches, it: &PathSums) -> PathConfidence {
    let requests = batches.counts(&it.count);
    let secs: [PerBatch; PARTS] = std::array::from_fn(|part| batches.sums(&it.secs[part], |secs| secs));
    PathConfidence {
        mean_s: half_width(&together(secs.iter().copied()), &requests),
        parts_s: secs.map(|secs| half_width(&secs, &requests)),
    }
}

fn messages(batches: &Batches, it: &MessageSums) -> MessageConfidence {
    let bytes = batches.sums(&it.bytes, |bytes| bytes);
    MessageConfidence {
        across_zones_share: half_width(&batches.sums(&it.bytes_across, |bytes| bytes), &bytes),
        bytes_per_message: half_width(&bytes, &batches.counts(&it.network.count)),
        network_mean_s: batches.mean(&it.network),
        connection_wait_mean_s: batches.mean(&it.waits),
        stream: it.stream.as_ref().map(|it| StreamConfidence {
            first_message_mean_s: batches.mean(&it.first),
            unread_bytes_mean: half_width(&batches.sums(&it.unread, |bytes| bytes), &batches.secs()),
            handlers_blocked_mean: half_width(&batches.sums(&it.blocked, |secs| secs), &batches.secs()),
        }),
    }
}

fn message_cpu(batches: &Batches, service: &ServiceSums, it: &MessageCpuSums) -> MessageCpuConfidence {
    let [work, encoding, handshakes] =
        [&service.work, &it.encoding, &it.handshakes].map(|column| batches.sums(column, |secs| secs));
    MessageCpuConfidence {
        encoding_share_of_cpu: half_width(&encoding, &work),
        handshake_cores_mean: batches.rate(&handshakes),
    }
}

fn messaging(batches: &Batches, it: &MessagingResults) -> MessagingConfidence {
    // A log grows until it has kept messages for as long as it may: what is on disk is no matter of chance.
    let topic =
        |it: &TopicResult| TopicConfidence { published_per_s: batches.rate(&batches.counts(&it.series.published)) };
    let group = |it: &GroupResult| {
        let [kept, consumed] = [&it.series.kept, &it.series.consumed].map(|column| batches.counts(column));
        let latency = batches.sums(&it.series.latency_nanos, |nanos| nanos as f64 / 1e9);
        GroupConfidence {
            kept_per_s: batches.rate(&kept),
            consumed_per_s: batches.rate(&consumed),
            lag_mean: batches.level(&it.series.lag),
            latency_mean_s: half_width(&latency, &consumed),
        }
    };
    let consumer = |it: &ConsumerResult| ConsumerConfidence {
        workers_busy_mean: batches.level(&it.busy),
        workers_busy_share: half_width(&batches.integrals(&it.busy), &batches.integrals(&it.there)),
    };
    MessagingConfidence {
        topics: it.topics.iter().map(topic).collect(),
        groups: it.groups.iter().map(group).collect(),
        consumers: it.consumers.iter().map(consumer).collect(),
    }
}

fn connections(batches: &Batches, it: Option<&ConnectionSeries>) -> ConnectionConfidence {
    ConnectionConfidence { open_mean: it.and_then(|it| batches.level(&it.open)) }
}

/// How a run began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transient {
    /// Until here it should have warmed up.
    pub until: Time,
    /// Requests in all services, from the end of the warm-up that it had to `until`.
    pub early: f64,
    /// Requests in all services afterwards.
    pub later: f64,
}

/// Whether a stationary run still filled up after its warm-up, by the number of requests in all services and MSER-5
/// (White, Cobb and Spratt, "A Comparison of Five Steady-State Truncation Heuristics for Simulation", 2000): of all places
/// at which the run could be cut, in steps of five points, the one that makes the standard error of what is left
/// smallest. The rule also cuts where there is nothing but chance. So the first place is taken that is nearly as good,
/// within a quarter of the variance; and since every run starts empty, what is cut off must be emptier than the rest by
/// a fifth.
pub fn transient(model: &Model, results: &Results) -> Option<Transient> {
    const STEP: usize = 5;
    const NEARLY: f64 = 1.25;
    const EMPTIER: f64 = 0.8;
    stationary(model).ok()?;
    let series = &results.series;
    let width = series.interval.as_nanos().max(1);
    let whole = series.points.min((results.ended.as_nanos() / width) as usize);
    let levels: Vec<f64> = (0..whole).map(|point| series.services.iter().map(|it| it.in_system[point]).sum()).collect();
    let steps: Vec<f64> = levels.chunks_exact(STEP).map(mean).collect();
    // Beyond the middle there is too little left to tell.
    let error = |cut: usize| {
        let rest = &steps[cut..];
        let middle = mean(rest);
        let squares: f64 = rest.iter().map(|level| (level - middle) * (level - middle)).sum();
        squares / (rest.len() * rest.len()) as f64
    };
    let errors: Vec<f64> = (0..=steps.len() / 2).map(error).collect();
    let smallest = errors.iter().copied().min_by(f64::total_cmp)?;
    let cut = STEP * errors.iter().position(|error| *error <= NEARLY * smallest)?;
    let had = model.warmup.as_nanos().div_ceil(width) as usize;
    if cut <= had || steps.len() < 2 {
        return None;
    }
    let (early, later) = (mean(&levels[had..cut]), mean(&levels[cut..]));
    let until = Time::from_nanos(width * cut as u64);
    (early < EMPTIER * later).then_some(Transient { until, early, later })
}

fn mean(levels: &[f64]) -> f64 {
    levels.iter().sum::<f64>() / levels.len() as f64
}
