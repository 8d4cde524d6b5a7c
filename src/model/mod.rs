//! Floor 2: the validated system, as plain data. Only `scenario` and tests build it; the kernel runs it.
//!
//! Names live here once; everything else refers to them by dense ids.

mod broker;
mod change;
mod edge;
mod expectation;
mod fault;
mod figures;
mod id;
mod layers;
mod messaging;
mod prices;
mod resource;
mod service;
mod traces;
mod transport;
mod trigger;
mod verdict;
mod workload;
mod zone;

pub use change::{Action, Change, ReplayFrom, Setting};
pub use edge::{Caller, Channel, Channels, Edge};
pub use expectation::{Bound, Comparison, Expectation, Metric, Target};
pub use fault::{Effect, Fault, FaultTarget, Subset};
pub use figures::{Figure, Trust, transport_figures};
pub use id::{
    BrokerId, CacheId, ClientId, ConsumerId, EdgeId, EndpointId, Id, Ids, PoolId, ServiceId, TopicId, WorkloadId,
    ZoneId,
};
pub use layers::{BreakerPlace, Layers};
pub use messaging::{
    Acks, Broker, BrokerKind, Consumer, Delivery, Group, GroupStart, Keep, Keeping, LagScaling, LogSettings,
    Membership, Partitioner, ProducerSettings, Publish, PublishWait, QueueLimits, QueueOverflow, Rebalance, Settling,
    Topic, WhenFull,
};
pub use prices::Prices;
pub use resource::{Cache, CacheFill, CacheStart, CacheStore, Scope, SharedPool, Ttl};
pub use service::{
    Acceptance, ContextSwitch, Discipline, Endpoint, GarbageCollection, GcTrigger, Handlers, Limit, NoisyNeighbour,
    Overflow, QueueTimeout, ServerStream, Service,
};
pub use traces::TraceSettings;
pub use transport::{
    Balancing, Compression, ConnectionLimits, Encoding, Mesh, Reconnect, Tls, Transport, TransportPreset,
};
pub use trigger::{Trigger, TriggerKind};
pub use verdict::{Verdict, VerdictSettings};
pub use workload::{
    Arrivals, Modulation, OnFailure, Pace, Process, Profile, RatePoint, Reload, Session, SessionStep, Workload,
};
pub use zone::{Link, ZoneAware};

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::{Span, Time};
use crate::base::units::{Bandwidth, Share};
use crate::policy::balance::Balance;
use crate::policy::balance::PassiveHealthSettings;
use crate::policy::breaker::BreakerSettings;
use crate::policy::bulkhead::BulkheadSettings;
use crate::policy::hedge::HedgeSettings;
use crate::policy::limit::LimitSettings;
use crate::policy::order::{Layer, Order};
use crate::policy::outlier::OutlierSettings;
use crate::policy::rate::RateLimitSettings;
use crate::policy::retry::RetrySettings;
use crate::policy::throttle::ThrottleSettings;

/// A whole scenario, checked: every id exists, every share is a share, no endpoint calls itself unconditionally.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What the picture is called.
    pub title: String,
    /// Names every random draw.
    pub seed: u64,
    /// How long the run lasts.
    pub duration: Span,
    /// The part at the start that is plotted, but left out of totals; shorter than `duration`.
    pub warmup: Span,
    /// Width of one point of a time series; not zero.
    pub interval: Span,
    /// Where requests come from, in file order.
    pub workloads: Ids<WorkloadId, Workload>,
    /// What handles them, in file order.
    pub services: Ids<ServiceId, Service>,
    /// Their handlers, grouped by service, in file order.
    pub endpoints: Ids<EndpointId, Endpoint>,
    /// What is held across steps: connections, locks, semaphores. In file order.
    pub pools: Ids<PoolId, SharedPool>,
    /// What is remembered, in file order.
    pub caches: Ids<CacheId, Cache>,
    /// Who keeps messages: those of the file, then those that are only named by their kind.
    pub brokers: Ids<BrokerId, Broker>,
    /// Where messages are published to: topics, then queues, in file order.
    pub topics: Ids<TopicId, Topic>,
    /// Who handles them, in file order.
    pub consumers: Ids<ConsumerId, Consumer>,
    /// How calls are made. Client 0 is [`Client::direct`], for calls that name none.
    pub clients: Ids<ClientId, Client>,
    /// Where processes and users stand: names, in the order in which the file names them.
    pub zones: Ids<ZoneId, String>,
    /// What the network is like between two of them, in file order.
    pub links: Vec<Link>,
    /// What goes wrong, in file order.
    pub faults: Vec<Fault>,
    /// What somebody does to it, in file order.
    pub changes: Vec<Change>,
    /// What must hold, in file order.
    pub expectations: Vec<Expectation>,
    /// What computing costs; `None` where nobody asks.
    pub prices: Option<Prices>,
    /// When it counts as harmed.
    pub verdict: VerdictSettings,
    /// Which requests are traced.
    pub traces: TraceSettings,
}

/// One step of a handler.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Uses the CPU for as long.
    Work(Distribution),
    /// Uses the CPU for as long and, for each request that its replica has in progress when the step starts (its own
    /// included), for `each` more.
    ContendedWork {
        /// Alone, but for its own `each`.
        work: Distribution,
        /// For each request.
        each: Span,
    },
    /// Waits for as long, without the CPU.
    Sleep(Distribution),
    /// Calls an endpoint and waits for the answer; a failure fails the handler.
    Call {
        /// Who is called.
        endpoint: EndpointId,
        /// How.
        client: ClientId,
        /// Whether the handler goes on when the call fails.
        optional: bool,
        /// How important the request is; `None` is as important as the caller's own.
        priority: Option<u8>,
        /// CPU time that the caller spends on each message of an endpoint that streams; `None` is none.
        read: Option<Distribution>,
        /// What stands in for the answer when the call has failed with all its attempts.
        fallback: Option<Box<Fallback>>,
    },
    /// Hands the request over to another endpoint, which answers the caller; ends the handler.
    Forward {
        /// Who takes over.
        endpoint: EndpointId,
        /// Only its latency and its balancing matter: nobody waits here.
        client: ClientId,
    },
    /// Runs branches at the same time.
    Parallel {
        /// At least one.
        branches: Vec<Branch>,
        /// When the step has succeeded.
        need: Need,
    },
    /// Runs one of several lists, by chance. Shares sum to one.
    Choose(Vec<(Share, Vec<Step>)>),
    /// Runs a list several times, one after the other.
    Repeat {
        /// At least 1.
        times: u32,
        /// What is repeated.
        steps: Vec<Step>,
    },
    /// Takes a permit of a pool, runs a list, and gives the permit back. It fails when there is none in time.
    Hold {
        /// Which pool.
        pool: PoolId,
        /// What is done with it.
        steps: Vec<Step>,
    },
    /// Looks something up; runs a list only when it is not there, after which it is.
    Cached {
        /// Which cache.
        cache: CacheId,
        /// What is looked up, drawn anew each time; `None` is what the request is about.
        key: Option<KeyDistribution>,
        /// How it is fetched. It neither hands over nor replies.
        miss: Vec<Step>,
    },
    /// Publishes a message.
    Publish(Box<Publish>),
    /// Answers now; the handler goes on without anybody waiting.
    Reply,
    /// Ends the handler with an error.
    Fail,
}

/// What stands in for the answer of a call that has failed for good.
#[derive(Clone, Debug, PartialEq)]
pub enum Fallback {
    /// What these steps find; no steps at all are an answer that is always the same.
    Steps(Vec<Step>),
    /// The last good answer, which a cache keeps for each key. Where it has none, the call has failed.
    LastGood(CacheId),
}

impl Fallback {
    /// The steps that it takes.
    pub fn steps(&self) -> &[Step] {
        match self {
            Fallback::Steps(steps) => steps,
            Fallback::LastGood(_) => &[],
        }
    }
}

impl Step {
    /// The lists of steps within it.
    pub fn lists(&self) -> Vec<&[Step]> {
        match self {
            Step::Hold { steps, .. } | Step::Repeat { steps, .. } | Step::Cached { miss: steps, .. } => vec![steps],
            Step::Parallel { branches, .. } => branches.iter().map(|branch| branch.steps.as_slice()).collect(),
            Step::Choose(arms) => arms.iter().map(|(_, steps)| steps.as_slice()).collect(),
            Step::Call { fallback: Some(fallback), .. } => vec![fallback.steps()],
            _ => Vec::new(),
        }
    }

    /// Whether `is` holds for it, or for a step within it.
    pub fn any(&self, is: &impl Fn(&Step) -> bool) -> bool {
        is(self) || self.lists().into_iter().flatten().any(|step| step.any(is))
    }

    /// Whether it holds permits of a pool, or steps within it do.
    pub fn holds(&self, pool: PoolId) -> bool {
        let is_it = matches!(self, Step::Hold { pool: held, .. } if *held == pool);
        is_it || self.lists().into_iter().flatten().any(|step| step.holds(pool))
    }
}

/// A branch of a parallel step.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What it does.
    pub steps: Vec<Step>,
    /// Whether its failure counts as a success. Only with [`Need::All`].
    pub optional: bool,
}

/// How many branches must succeed. The step ends as soon as this is reached or out of reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// All of them.
    All,
    /// One.
    Any,
    /// This many: at least 1, at most as many as there are branches.
    AtLeast(u32),
}

/// A configured client library.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// As in the file.
    pub name: String,
    /// How its messages travel; `None` is without size, cost or connection. Boxed: few clients have one.
    pub transport: Option<Box<Transport>>,
    /// Network time one way.
    pub latency: Distribution,
    /// How fast the network takes bytes; `None` takes no time.
    pub bandwidth: Option<Bandwidth>,
    /// Chance that a message gets lost and is sent again.
    pub loss: Share,
    /// How its policies stand around a call.
    pub order: Order,
    /// How long one attempt is waited for, of calls with hedges all together, and of those whose `order` says so;
    /// `None` is for ever.
    pub timeout: Option<Span>,
    /// How long a call is waited for with all its attempts; `None` is for ever.
    pub overall_timeout: Option<Span>,
    /// Which replica gets it.
    pub balance: Balance,
    /// What zones mean for it.
    pub zone_aware: ZoneAware,
    /// How many of the replicas it knows; `None` is all.
    pub subset: Option<u32>,
    /// When a replica is left out that has failed; `None` is never.
    pub health: Option<PassiveHealthSettings>,
    /// When calls may go; `None` is at once.
    pub rate_limit: Option<RateLimitSettings>,
    /// How many may be under way; `None` is any number.
    pub bulkhead: Option<BulkheadSettings>,
    /// How many may be under way by a limit that learns; `None` is any number.
    pub limit: Option<LimitSettings>,
    /// `None` makes one attempt.
    pub retry: Option<RetrySettings>,
    /// Sends another attempt when the first has no answer yet; not together with `retry`.
    pub hedge: Option<HedgeSettings>,
    /// `None` lets every call go.
    pub breaker: Option<BreakerSettings>,
    /// Which replicas it does not see for a while; `None` sees all. Boxed: few clients have it.
    pub outlier: Option<Box<OutlierSettings>>,
    /// Holds requests back of which too many are turned away; `None` sends all.
    pub throttle: Option<ThrottleSettings>,
    /// What happens at the callee when the caller gives up.
    pub cancel: Cancel,
    /// Whether the callee learns until when the answer is wanted.
    pub deadlines: Deadlines,
}

impl Client {
    /// Whether attempts or calls may have to wait in front of a rate limit, a bulkhead or a limit, or are turned away there.
    pub fn has_gate(&self) -> bool {
        self.rate_limit.is_some() || self.bulkhead.is_some() || self.limit.is_some()
    }

    /// How long one attempt is waited for.
    pub fn attempt_timeout(&self) -> Option<Span> {
        self.timeout.filter(|_| !self.order.around_calls().contains(&Layer::Timeout))
    }

    /// How long a call is waited for, with all its attempts and the delays between them.
    pub fn call_timeout(&self) -> Option<Span> {
        let of_order = self.timeout.filter(|_| self.order.around_calls().contains(&Layer::Timeout));
        self.overall_timeout.into_iter().chain(of_order).min()
    }

    /// The name of the client of calls that name none.
    pub const DIRECT: &'static str = "direct";

    /// A call without network, timeout, retries or breaker, balanced round robin.
    pub fn direct() -> Client {
        Client {
            name: Client::DIRECT.to_owned(),
            transport: None,
            latency: Distribution::ZERO,
            bandwidth: None,
            loss: Share::ZERO,
            order: Order::RESILIENCE4J,
            timeout: None,
            overall_timeout: None,
            balance: Balance::RoundRobin,
            zone_aware: ZoneAware::Off,
            subset: None,
            health: None,
            rate_limit: None,
            bulkhead: None,
            limit: None,
            retry: None,
            hedge: None,
            breaker: None,
            outlier: None,
            throttle: None,
            cancel: Cancel::Off,
            deadlines: Deadlines::Local,
        }
    }
}

/// What the callee does when its caller has given up. The notice travels as long as a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cancel {
    /// Nothing: it works for nobody.
    Off,
    /// It leaves the queue; once it has a thread, it works on.
    Waiting,
    /// It also stops before its next step.
    BetweenSteps,
    /// It stops in the middle of a step.
    AtOnce,
}

/// Whether a deadline travels with the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadlines {
    /// Only the caller knows when it will give up.
    Local,
    /// The callee knows, too: it neither starts nor calls on once the time has passed, and passes it on.
    Propagate,
}

impl Model {
    /// `service.endpoint`, as in the file.
    pub fn endpoint_name(&self, endpoint: EndpointId) -> String {
        let it = &self.endpoints[endpoint];
        format!("{}.{}", self.services[it.service].name, it.name)
    }

    /// The end of the run.
    pub fn end(&self) -> Time {
        Time::ZERO + self.duration
    }
}
