//! What must hold: the gate of a continuous build.

use crate::base::time::{Span, Time};

use super::id::{CacheId, ConsumerId, EdgeId, PoolId, ServiceId, TopicId, WorkloadId};
use super::verdict::Verdict;

/// A named condition on what a run measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As in the file.
    pub name: String,
    /// The condition, as in the file.
    pub text: String,
    /// What is measured.
    pub metric: Metric,
    /// At what.
    pub target: Target,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
    /// Start of the time in which it is measured: the end of the warm-up unless given.
    pub from: Time,
    /// End of the time in which it is measured: the end of the run unless given.
    pub until: Time,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Workload: answered well within the deadline, as a share of what was offered in that time, or as a rate.
    Goodput,
    /// Workload: answered at all, as a share of what was offered in that time, or as a rate.
    Throughput,
    /// Workload: ended without a good answer, as a share of what was offered, or as a rate.
    Failures,
    /// Workload: answered well with the help of a fallback, in time or not, as a share of what was offered, or as a rate.
    Degraded,
    /// Edge: calls for whose answer a fallback stood in, as a share of the calls made, as a rate, or as a number.
    Fallbacks,
    /// Workload or service: mean latency of good answers.
    Mean,
    /// Workload or service: the longest latency of a good answer.
    Max,
    /// Workload or service: this quantile (between 0 and 1) of the latency of good answers.
    Quantile(f64),
    /// Service: busy threads (of all), between 0 and 1; needs a limited number. Pool: permits in use, if it is not one for
    /// each key.
    Utilisation,
    /// Service or pool: mean number of those who wait, over all replicas.
    Queue,
    /// Service or pool: mean time in the queue of those who got a thread or a permit, those included who got it at once.
    Wait,
    /// Service or pool: this quantile (between 0 and 1) of the same times.
    WaitQuantile(f64),
    /// Service: had to wait for a thread, as a share of attempts that arrived, or as a rate.
    Waited,
    /// Workload: mean number of its requests under way. Service: mean number of requests in it, over all replicas.
    InSystem,
    /// Service: mean number of requests that its limits let in at a time, over all replicas.
    Limit,
    /// Service: turned away by full queues and limits, as a share of attempts that arrived, or as a rate. Pool: those who
    /// got no permit, as a share of those who wanted one, or as a rate.
    Rejected,
    /// Service: turned away after too long a wait, as a share of attempts that arrived, or as a rate.
    Shed,
    /// Service: left before their handler had ended, cancelled or because their deadline had passed; as a share of
    /// attempts that arrived, or as a rate.
    Dropped,
    /// Workload or service: attempts sent (by the workload; to the service), as a rate, or as a number for each request
    /// that users started (the workload's own; those of all workloads).
    Attempts,
    /// Workload or service: attempts sent ÷ first attempts sent.
    RetryFactor,
    /// Service: thread time spent for callers who had given up, as a share of busy thread time.
    Waste,
    /// Cache: lookups that neither fetched nor waited, as a share of all.
    HitRatio,
    /// Cache: fetches, as a share of lookups, or as a rate.
    Fetches,
    /// Cache: keys looked up when their time was over, as a share of lookups, or as a rate. Topic or consumer: messages that
    /// nobody had taken in time, as a share of those that came, as a rate, or as a number.
    Expired,
    /// Topic or consumer: the most messages that waited, or the age of the oldest of them.
    Lag,
    /// Topic or consumer: messages that were handled and acknowledged, as a share of those that came, as a rate, or as a
    /// number.
    Consumed,
    /// The same of those that became dead letters.
    Dead,
    /// The same of those that were lost.
    Lost,
    /// The same of deliveries that were not a message's first.
    Redelivered,
    /// The same of those that were handled after one of the same key that was published later.
    Reordered,
    /// The same of those that were handled well more often than needed.
    Duplicates,
    /// Workload or service: attempts, as a multiple of those of the twin run in the same time.
    Amplification,
    /// Run: how long users notice after what went wrong is over, if it is.
    TimeToRecover,
    /// Run: how it ended as a whole.
    Verdict,
}

impl Metric {
    /// Whether it takes a comparison with the twin run, so that one run alone does not tell.
    pub fn takes_twin(self) -> bool {
        matches!(self, Metric::Amplification | Metric::TimeToRecover | Metric::Verdict)
    }
}

/// Where it is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At a workload.
    Workload(WorkloadId),
    /// At a service, over all replicas.
    Service(ServiceId),
    /// At the calls from one caller to one endpoint through one client.
    Edge(EdgeId),
    /// At a pool, over all instances.
    Pool(PoolId),
    /// At a cache, over all instances.
    Cache(CacheId),
    /// At a topic or a queue, over all groups.
    Topic(TopicId),
    /// At the group of a consumer.
    Consumer(ConsumerId),
    /// At nothing in particular.
    Run,
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
    /// `==`; only of verdicts.
    Equal,
    /// `!=`; only of verdicts.
    Differs,
}

/// With what it is compared; the unit says how the metric is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A share of the whole, as a number around 0..=1 (goodput may exceed what was offered in a short window).
    Share(f64),
    /// Events per second.
    Rate(f64),
    /// A length of time.
    Span(Span),
    /// A plain number.
    Number(f64),
    /// How a run ended; what is less is better.
    Verdict(Verdict),
}

impl Bound {
    /// As a number: a length of time in seconds.
    pub fn value(self) -> f64 {
        match self {
            Bound::Share(x) | Bound::Rate(x) | Bound::Number(x) => x,
            Bound::Span(span) => span.as_secs_f64(),
            Bound::Verdict(verdict) => verdict.rank(),
        }
    }
}

impl Comparison {
    /// Whether `value` compares with `bound` as it should.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => value < bound,
            Comparison::AtMost => value <= bound,
            Comparison::AtLeast => value >= bound,
            Comparison::Greater => value > bound,
            Comparison::Equal => value == bound,
            Comparison::Differs => value != bound,
        }
    }
}
