//! What goes wrong, where and when.

use crate::base::distribution::Distribution;
use crate::base::time::{Span, Time};
use crate::base::units::Share;

use super::id::{BrokerId, CacheId, ServiceId, TopicId, WorkloadId};

/// One thing that goes wrong for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// As in the file.
    pub name: String,
    /// When it starts.
    pub at: Time,
    /// How long it lasts; `None` is to the end of the run.
    pub lasts: Option<Span>,
    /// Where.
    pub target: FaultTarget,
    /// What. Only combinations that [`FaultTarget`] names occur.
    pub effect: Effect,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultTarget {
    /// Replicas of a service: latency, slow, error rate, pause, crash.
    Service(ServiceId, Subset),
    /// Calls from a service to another: latency, error rate, cut.
    Edge(ServiceId, ServiceId),
    /// Calls from a workload to a service: latency, error rate, cut.
    Entry(WorkloadId, ServiceId),
    /// A workload: traffic.
    Workload(WorkloadId),
    /// A cache: flush.
    Cache(CacheId),
    /// Nodes of a broker: latency, slow, crash.
    Broker(BrokerId, Subset),
    /// A topic or a queue: poison.
    Topic(TopicId),
}

/// Which replicas are struck: always the first ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subset {
    /// All of them.
    All,
    /// The first `n`; at least 1, at most as many as there are.
    First(u32),
}

impl Subset {
    /// How many that are of so many.
    pub fn of(self, replicas: u32) -> u32 {
        match self {
            Subset::All => replicas,
            Subset::First(n) => n.min(replicas),
        }
    }
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// On a service: every handler first sleeps as long, holding its thread. On an edge: network delay, each way.
    AddLatency(Distribution),
    /// Work takes this many times as long, what is left of work under way too. Above 0; below 1 is faster.
    Slow(f64),
    /// This share of handlers (on an edge: of attempts) fails at once.
    ErrorRate(Share),
    /// Work freezes and goes on afterwards; everything else the process does waits for the end.
    Pause,
    /// The process dies with all it holds; it comes back at the end, after the service's startup.
    Crash {
        /// How long balancers go on sending to it.
        detect: Span,
    },
    /// Requests and answers on the edge are lost.
    Cut,
    /// Arrivals come at this many times their rate. At least 0. Only where they follow a profile: what was recorded,
    /// bursts and users have no rate.
    Traffic(f64),
    /// A cache forgets everything, once: such a fault does not last. Not where it decides by chance.
    Flush,
    /// This share of the messages that are published is poisoned: their handler fails, however often they come.
    Poison(Share),
}
