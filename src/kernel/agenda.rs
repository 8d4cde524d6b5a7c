//! The agenda: what happens next. The only place where events are ordered, by one rule: by time, and
//! at the same time by the order in which they were entered.
//!
//! [`Agenda`] is the small interface; [`super::wheel::Wheel`] is the fast structure behind it and
//! [`super::heap::Heap`] the plain one that it is held against.

use crate::base::time::{Span, Time};
use crate::mechanism::connection::ConnectionId;
use crate::mechanism::stream::{StreamFrame, StreamId};
use crate::policy::Outcome;

/// A reference to a frame that goes stale: the frame bumps its token whenever what it waits for changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Place in the slab of frames.
    pub frame: u32,
    /// The frame's token when the reference was made.
    pub token: u32,
}

/// Something that happens. Small and `Copy`: it is stored by value everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// An open workload's next request, or its next burst.
    Arrival(u32),
    /// A user has thought: it is time for the next thing that he does.
    Thought {
        /// Which workload.
        workload: u32,
        /// Which of its users; of an open workload: which session.
        user: u32,
    },
    /// A request reaches its replica.
    Arrive(Ticket),
    /// A request that waited gets its thread.
    Begin(Ticket),
    /// A handler's work or sleep is over, or all its branches are.
    Proceed(Ticket),
    /// An answer reaches its caller.
    Reply(Ticket, Outcome),
    /// The patience ends of a caller, or of one who waits in a queue or for a permit.
    Timeout(Ticket),
    /// A backoff is over, or a hedge is due.
    Retry(Ticket),
    /// A user whose request has failed asks again.
    Reload(Ticket),
    /// A caller's notice that it has given up reaches the callee.
    Cancel(Ticket),
    /// One that has waited for a connection has one.
    Connected(Ticket),
    /// Something reaches a broker, or comes back from it.
    Parcel(u32),
    /// A worker of a consumer looks for his next message.
    Worker(u32),
    /// A dead letter is published.
    DeadLetter,
    /// It is time to look at what is kept of a topic.
    ShelfDue(u32),
    /// What lies in a queue of dead letters goes back.
    Redrive(u32),
    /// A producer of Kafka wants to be looked at.
    ProducerDue(u32),
    /// A group of Kafka wants to be looked at.
    GroupDue(u32),
    /// Logs of a topic are looked at for what need not be kept.
    CleanLogs(u32),
    /// The oldest transaction may have been open for too long.
    TransactionsDue,
    /// What a broker's node has led that died is led by others.
    BrokerDue(u32),
    /// It is time to look how many messages wait.
    LagLook {
        /// For which consumer.
        consumer: u32,
        /// How many times in a row fewer replicas would have been enough.
        looks: u32,
    },
    /// Something reaches the other end of a stream.
    Stream(StreamId, StreamFrame),
    /// The earliest work on the shared cores of a replica is done, unless `epoch` is outdated.
    CoresDue {
        /// Which replica.
        replica: u32,
        /// Counts how often the next completion changed.
        epoch: u32,
    },
    /// The next stage of opening a connection is due.
    Dial {
        /// Whose client instance.
        port: u32,
        /// Which of its connections.
        connection: ConnectionId,
    },
    /// A connection must be open by now.
    DialTimeout {
        /// Whose client instance.
        port: u32,
        /// Which of its connections.
        connection: ConnectionId,
    },
    /// A client instance looks for connections that have been idle for too long.
    IdleDue(u32),
    /// A fault begins.
    FaultStart(u32),
    /// A fault ends.
    FaultEnd(u32),
    /// A step of a change is due: the only one, one replica of several, or its end.
    Change {
        /// Which change.
        change: u32,
        /// Counted from zero.
        step: u32,
    },
    /// A replica may have nothing left to do.
    Idle(u32),
    /// Balancers learn that a replica is down (unless it is up again).
    Detected(u32),
    /// A replica has started up (unless it went down again).
    Started(u32),
    /// A replica stands still to tidy its memory up.
    GcStart(u32),
    /// It goes on.
    GcEnd(u32),
    /// A replica's neighbour begins to take CPU time away.
    NoiseStart(u32),
    /// He is quiet again.
    NoiseEnd(u32),
    /// Only inside an agenda: the first timer of a class is due.
    Armed(u32),
}

const _: () = assert!(size_of::<Event>() <= 12);

/// A constant delay that has a queue of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneId(pub u32);

/// A constant timeout that has a queue of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId(pub u32);

/// The order of events, and the clock that it moves.
pub trait Agenda {
    /// An empty agenda at time zero, with the constant delays and timeouts that will be asked for.
    fn new(lanes: &[Span], timers: &[Span]) -> Self;

    /// When the last event happened.
    fn now(&self) -> Time;

    /// Enters `event` at `time`, which is not before [`Agenda::now`].
    fn at(&mut self, time: Time, event: Event);

    /// Enters `event` after the constant delay of `lane`.
    fn after(&mut self, lane: LaneId, event: Event);

    /// Enters `Event::Timeout(ticket)` after the constant delay of `timer`. It is nearly always stale by then.
    fn arm(&mut self, timer: TimerId, ticket: Ticket, live: impl Fn(Ticket) -> bool);

    /// Takes out the next event before `end` and moves the clock there. Timeouts that are not `live` are left out.
    fn pop(&mut self, end: Time, live: impl Fn(Ticket) -> bool) -> Option<Event>;
}
