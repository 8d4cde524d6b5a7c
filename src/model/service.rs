//! Services: processes, their threads and cores, and the queue in front of them.

use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::time::Span;
use crate::base::units::Size;
use crate::policy::balance::SlowStartSettings;
use crate::policy::limit::LimitSettings;
use crate::policy::queue::{AdaptiveTimeout, CodelSettings};
use crate::policy::retry::Pushback;

use super::id::{ServiceId, ZoneId};
use super::{ConnectionLimits, Step};

/// A number of places, or as many as wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// No limit.
    Unlimited,
    /// At most this many.
    AtMost(u32),
}

/// A group of equal replicas that run the same endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// As in the file.
    pub name: String,
    /// Processes; at least 1.
    pub replicas: u32,
    /// Worker threads of one replica; at least 1.
    pub threads: Limit,
    /// Waiting places in front of one replica's threads; may be 0.
    pub queue: Limit,
    /// Who is turned away when every place is taken.
    pub overflow: Overflow,
    /// How long a newcomer waits in the queue before he is turned away; `None` is for ever.
    pub queue_timeout: Option<QueueTimeout>,
    /// Who is next when a thread becomes free.
    pub discipline: Discipline,
    /// CPU cores of one replica, shared by processor sharing; `None` gives every thread a core of its own.
    pub cores: Option<u32>,
    /// What it costs that more work than there are cores. Only with `cores`.
    pub context_switch: Option<ContextSwitch>,
    /// Whether a handler keeps its thread while it waits.
    pub handlers: Handlers,
    /// Time from a restart until the replica serves.
    pub startup: Span,
    /// What one replica takes on at all; `None` takes everything.
    pub limit: Option<LimitSettings>,
    /// What it has those know whom it turns away; `None` is nothing.
    pub pushback: Option<Pushback>,
    /// What connections one replica takes on; `None` takes on all, for as long as their clients like.
    pub connections: Option<Acceptance>,
    /// What part of the requests each replica is meant for, over and over from the first; none is all the same.
    pub weights: Vec<u32>,
    /// How a replica that has just come gets its weight; `None` is all at once.
    pub slow_start: Option<SlowStartSettings>,
    /// When the whole process stands still to tidy its memory up.
    pub gc: Option<GarbageCollection>,
    /// Who takes CPU time away now and then.
    pub neighbour: Option<NoisyNeighbour>,
    /// Where its replicas stand, one after another, and again from the first; none is nowhere in particular.
    pub zones: Vec<ZoneId>,
}

impl Service {
    /// One replica with unlimited threads and queue, first come, first served, that nothing disturbs.
    pub fn plain(name: impl Into<String>) -> Service {
        Service {
            name: name.into(),
            replicas: 1,
            threads: Limit::Unlimited,
            queue: Limit::Unlimited,
            overflow: Overflow::RejectNewest,
            queue_timeout: None,
            discipline: Discipline::Fifo,
            cores: None,
            context_switch: None,
            handlers: Handlers::Blocking,
            startup: Span::ZERO,
            limit: None,
            pushback: None,
            connections: None,
            weights: Vec::new(),
            slow_start: None,
            gc: None,
            neighbour: None,
            zones: Vec::new(),
        }
    }

    /// Threads of all replicas together, where they are limited.
    pub fn threads_in_all(&self) -> Option<u64> {
        match self.threads {
            Limit::Unlimited => None,
            Limit::AtMost(threads) => Some(u64::from(threads) * u64::from(self.replicas)),
        }
    }

    /// Cores of all replicas; `None` when every thread has one of its own.
    pub fn cores_in_all(&self) -> Option<u64> {
        Some(u64::from(self.cores?) * u64::from(self.replicas))
    }
}

/// What connections a process takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acceptance {
    /// Connections at once.
    pub max: Limit,
    /// Connections that wait in the backlog of the operating system.
    pub queue: Limit,
    /// How long an idle connection is kept; `None` is for ever.
    pub keep_alive: Option<Span>,
    /// Requests after which a connection is closed.
    pub requests: Limit,
}

impl Acceptance {
    /// The limits of a client's connections, where the server ends them, too.
    pub fn shorten(&self, client: ConnectionLimits) -> ConnectionLimits {
        ConnectionLimits {
            requests: match (self.requests, client.requests) {
                (Limit::AtMost(server), Limit::AtMost(client)) => Limit::AtMost(server.min(client)),
                (Limit::Unlimited, other) | (other, Limit::Unlimited) => other,
            },
            idle_timeout: self.keep_alive.into_iter().chain(client.idle_timeout).min(),
            ..client
        }
    }
}

/// Who is next in a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discipline {
    /// The one who came first.
    Fifo,
    /// The one who came last.
    Lifo,
    /// The one who came last while the queue has not been empty for longer than `standing`, else the first.
    AdaptiveLifo {
        /// How long a queue may be there before it stands.
        standing: Span,
    },
    /// Any of them.
    Random,
    /// The most important one; of equals, the one who came first.
    Priority,
    /// The same, and one who works is interrupted for a more important one; he goes on later where he stopped.
    Preemptive,
    /// The one who came first, unless he has waited too long in an overloaded queue: then he is turned away.
    Codel(CodelSettings),
}

/// Who is turned away when every waiting place is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// Who comes.
    RejectNewest,
    /// Who has waited longest; where there are priorities, of those less important than who comes or equal to him.
    RejectOldest,
}

/// How long a newcomer waits in the queue before he is turned away.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueTimeout {
    /// As long as this, drawn for each request.
    After(Distribution),
    /// It depends on whether the queue stands.
    Adaptive(AdaptiveTimeout),
}

/// The cost of switching a core from one thread to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContextSwitch {
    /// Time lost with each switch.
    pub cost: Span,
    /// How long a thread runs before another one has its turn; not zero.
    pub slice: Span,
}

impl ContextSwitch {
    /// The part of the time that is left for work, as a divisor: 1.1 leaves 10/11.
    pub fn slowdown(self) -> f64 {
        (self.slice.as_nanos() as f64 + self.cost.as_nanos() as f64) / self.slice.as_nanos() as f64
    }
}

/// What a handler does with its thread while it sleeps or waits for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handlers {
    /// Keeps it.
    Blocking,
    /// Gives it back, and queues for one to go on.
    Async,
}

/// Pauses of one process, each replica for itself: nothing works, what comes waits outside.
#[derive(Clone, Debug, PartialEq)]
pub struct GarbageCollection {
    /// What starts a pause.
    pub trigger: GcTrigger,
    /// How long it lasts.
    pub pause: Distribution,
}

/// What starts a pause.
#[derive(Clone, Debug, PartialEq)]
pub enum GcTrigger {
    /// As long after the end of the last one (at first: after the start of the run).
    Every(Distribution),
    /// Handlers have allocated as much since the end of the last one.
    Allocated(Size),
}

/// Somebody else on the same machine who takes CPU time away now and then, from each replica for itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NoisyNeighbour {
    /// How long he is quiet.
    pub every: Distribution,
    /// How long he is noisy.
    pub lasts: Distribution,
    /// Work takes this many times as long meanwhile. At least 1.
    pub slow: f64,
}

/// A handler of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Whose it is.
    pub service: ServiceId,
    /// As in the file, without the service.
    pub name: String,
    /// What it does, in order. A handler that reaches the end answers well.
    pub steps: Vec<Step>,
    /// How important requests for it are, unless the call says so; `None` is as important as the caller's own.
    pub priority: Option<u8>,
    /// Whether asking twice is as good as asking once: if not, only what has not been processed is repeated.
    pub idempotent: bool,
    /// Memory that one request leaves behind. Counts only where [`GcTrigger::Allocated`] does.
    pub allocates: Size,
    /// Bodies of requests, as JSON; only clients with a transport care.
    pub request: SizeDistribution,
    /// Bodies of good answers, as JSON; nothing where it streams.
    pub response: SizeDistribution,
    /// The answer as a stream of messages, which follows its steps. Boxed: few endpoints have one.
    pub stream: Option<Box<ServerStream>>,
    /// What it does to the world outside when it ends well; `None` is nothing that counts.
    pub effect: Option<String>,
    /// Whether doing that again does no harm.
    pub effect_once: bool,
}

/// Server streaming: an answer of many messages, which the reader slows down when he is slower.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerStream {
    /// How many; at least 1.
    pub messages: u32,
    /// The body of one, as JSON.
    pub size: SizeDistribution,
    /// What the handler waits for before each message, without using the CPU.
    pub sleep: Distribution,
    /// CPU time to produce one.
    pub work: Distribution,
}

impl Endpoint {
    /// A handler that does `steps`.
    pub fn new(service: ServiceId, name: impl Into<String>, steps: Vec<Step>) -> Endpoint {
        Endpoint {
            service,
            name: name.into(),
            steps,
            priority: None,
            idempotent: true,
            allocates: Size::ZERO,
            request: SizeDistribution::ZERO,
            response: SizeDistribution::ZERO,
            stream: None,
            effect: None,
            effect_once: false,
        }
    }
}
