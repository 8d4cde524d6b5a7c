//! What the kernel tells about a run while it happens. Measuring, tracing and explaining are observers; the
//! kernel itself counts nothing. Every method has an empty default and is inlined away when unused.

use crate::base::random::Key;
use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::mechanism::acceptor::Acceptance;
use crate::mechanism::cache::{Found, Lost};
use crate::policy::Outcome;
use crate::policy::breaker::BreakerState;

use super::agenda::Event;

/// How a request left a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Departure {
    /// Handled and answered well.
    Completed,
    /// Handled and answered with an error.
    Failed,
    /// Turned away by a limit, or because every place in the queue was taken.
    Rejected,
    /// Turned away after a wait: it had waited for too long.
    Shed,
    /// Found nobody there, or died with the replica.
    Refused,
    /// Cancelled, or its deadline had passed.
    Dropped,
}

/// Why somebody did not get a permit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotAcquired {
    /// Too many wait already.
    Rejected,
    /// He has waited for too long.
    TimedOut,
    /// Another one has changed meanwhile what he was about to change.
    Conflict,
}

/// What became of a message that was kept for a group of consumers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Fate {
    /// Handled, and acknowledged.
    Consumed,
    /// Nobody had taken it in time.
    Expired,
    /// Published again as a dead letter.
    Dead,
    /// Gone without being handled.
    Lost,
    /// A dead letter that went back to where it came from.
    Redriven,
    /// Taken back: its publisher's transaction was aborted, or it was not replicated when its leader died, and its
    /// publisher sends it again.
    Aborted,
}

/// Something that has happened to messages. Topics, groups and consumers are the model's, as numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names of the fields say what they are, and each variant says the rest")]
pub enum MessageFact {
    /// Somebody publishes to a topic, or tries again.
    Tried { topic: u32 },
    /// Messages are stored, of so many bytes together.
    Published { topic: u32, messages: u32, bytes: u64 },
    /// A message was not published, as far as its publisher knows.
    NotPublished { topic: u32, outcome: Outcome },
    /// A message was known to the broker, and is not stored again.
    Deduplicated { topic: u32 },
    /// The bytes that a topic has on disk change.
    Disk { topic: u32, change: i64 },
    /// Messages are kept for a group of consumers.
    Kept { group: u32, messages: u32 },
    /// A worker begins to handle a message; `again` when it came before.
    Delivered { group: u32, again: bool },
    /// A worker's handler has ended with a message.
    Handled { group: u32, is_good: bool },
    /// A worker's handler ended well with a message that had been handled well before, or that comes again because the
    /// broker did not learn of it in time.
    Duplicate { group: u32 },
    /// A message that was published at `published` and kept for a group is so no more.
    Settled { group: u32, published: Time, fate: Fate },
    /// A group has handled a message after one of the same key that was published later. It is told before the next
    /// [`Observer::boundary`], and otherwise late: with the time at which it happened.
    Reordered { group: u32 },
    /// The partitions of a group are shared anew.
    Rebalanced { group: u32 },
    /// The number of workers of a consumer changes that take messages.
    Workers { consumer: u32, change: i32 },
    /// The number of workers of a consumer changes that handle one.
    Busy { consumer: u32, change: i32 },
    /// A handler has done something to the world outside; `is_again` when it had done so before for the same thing.
    Effect { endpoint: u32, is_again: bool },
    /// The run is over, and so many messages are kept for a group.
    Pending { group: u32, count: u64 },
    /// The run is over: the next partition of a group's topic has got `came` messages, and `pending` of them are not handled.
    Partition { group: u32, came: u64, pending: u64 },
}

/// What a frame (a user's request, a request in a handler, a branch of one) spends its time on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Spent {
    /// A user's request waits for its user, who is still busy with another.
    Start,
    /// Messages are under way.
    Network,
    /// It waits for a connection, or until one is open.
    Connections,
    /// It waits for a thread.
    Threads,
    /// It has its thread, and work takes longer than it would alone: cores are shared, slow or stand still.
    Cores,
    /// Messages are written and read.
    Messages,
    /// Other work.
    Work,
    /// It waits without the CPU.
    Sleep,
    /// It waits for a permit of a pool.
    Permits,
    /// It waits for what another one fetches for a cache.
    Fetches,
    /// It waits to try again.
    Backoff,
    /// An attempt or a branch that did not answer is waited for.
    Answers,
    /// It reads or writes a stream.
    Streams,
    /// It waits until a message is stored, handled or taken.
    Brokers,
}

impl Spent {
    /// All of them.
    pub const ALL: [Spent; 14] = [
        Spent::Start,
        Spent::Network,
        Spent::Connections,
        Spent::Threads,
        Spent::Cores,
        Spent::Messages,
        Spent::Work,
        Spent::Sleep,
        Spent::Permits,
        Spent::Fetches,
        Spent::Backoff,
        Spent::Answers,
        Spent::Streams,
        Spent::Brokers,
    ];
}

/// What a frame does that belongs to the trace of a request: who works for whom, and what became of it. Edges, workloads,
/// topics and consumers are the model's, as numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// A user's request begins, which was meant to start at `meant`; `key` names its draws.
    #[allow(missing_docs, reason = "the variant says it")]
    Request { workload: u32, key: Key, meant: Time },
    /// The frame begins an attempt of a call along an edge, the first being 1. It may end before it is sent.
    #[allow(missing_docs, reason = "the variant says it")]
    Tries { edge: u32, attempt: u32 },
    /// The attempt that it has begun last has ended for it.
    Tried(Outcome),
    /// The frame is a request on its way to a replica: what `caller` has begun last.
    #[allow(missing_docs, reason = "the variant says it")]
    Visits { caller: u32, edge: u32, replica: u32 },
    /// The frame takes over from another one that was handling a request, and comes by that edge.
    #[allow(missing_docs, reason = "the variant says it")]
    TakesOver { from: u32, edge: u32, replica: u32 },
    /// The frame is a branch of another.
    #[allow(missing_docs, reason = "the variant says it")]
    Branches { parent: u32 },
    /// The frame is one attempt of the call in which another one is.
    #[allow(missing_docs, reason = "the variant says it")]
    Hedges { call: u32 },
    /// The frame fetches for a cache, and `parent`, who has caused it, does not wait.
    #[allow(missing_docs, reason = "the variant says it")]
    Fetches { parent: u32 },
    /// It has reached its replica.
    Arrives,
    /// It has its first thread.
    Starts,
    /// It works.
    Works,
    /// Its caller is answered, and it goes on.
    Replies,
    /// Nobody waits for it any more.
    Abandoned,
    /// It leaves its replica.
    Leaves(Departure),
    /// It publishes a message that is known by a key, or tries to; the first attempt is 1.
    #[allow(missing_docs, reason = "the variant says it")]
    Publishes { topic: u32, key: Key, attempt: u32 },
    /// It knows what has become of the message.
    Published(Outcome),
    /// The frame brings a message to its handler that was published at `published`, for the `time`-th time.
    #[allow(missing_docs, reason = "the variant says it")]
    Delivers { consumer: u32, key: Key, published: Time, time: u32 },
    /// A user's request, or what brought messages to a handler, has ended.
    Ends(Outcome),
    /// The frame is no more.
    Gone,
}

/// How much an observer wants to know of a frame, and of all those that it causes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Watch {
    /// Nothing.
    Nothing,
    /// On what it spends its time.
    Times,
    /// That, and what it does: [`Observer::deed`].
    Deeds,
}

/// Receives the facts of a run in the order of time. Ids are the model's, as numbers.
#[allow(unused_variables, reason = "the defaults ignore everything")]
pub trait Observer {
    /// When [`Observer::cross`] wants to be called next.
    fn boundary(&self) -> Time {
        Time::MAX
    }

    /// The clock has reached the boundary; nothing that happens at it or later has been told yet.
    fn cross(&mut self) {}

    /// An event is about to be handled.
    fn event(&mut self, now: Time, event: &Event) {}

    /// A user starts a request that was meant to start at `arrived`: now, or earlier if he had to wait for the answer
    /// to another.
    fn offered(&mut self, workload: u32, now: Time, arrived: Time) {}

    /// A user's request that was meant to start at `arrived` has ended.
    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {}

    /// A frame begins that no other one has caused: a user's request ([`Deed::Request`]), or what brings a message to its
    /// handler ([`Deed::Delivers`], once for each). How much the observer wants to know of it; nothing of
    /// [`Observer::begins`], [`Observer::visits`], [`Observer::spends`], [`Observer::demands`], [`Observer::explains`],
    /// [`Observer::hands_over`], [`Observer::ends`] and [`Observer::deed`] is told that it does not want.
    fn watches(&mut self, frame: u32, now: Time, deed: Deed) -> Watch {
        Watch::Nothing
    }

    /// A frame begins, and what it does first since `now`. Frames are named by their place, which others have after them.
    fn begins(&mut self, frame: u32, now: Time, on: Spent) {}

    /// What a frame does from now on.
    fn spends(&mut self, frame: u32, now: Time, on: Spent) {}

    /// A frame works from now on, for which it needs so much CPU time.
    fn demands(&mut self, frame: u32, now: Time, cpu: Span) {}

    /// What `waiting` has waited for since `other` began is what `other` has done; what is left is a message's way.
    fn explains(&mut self, waiting: u32, other: u32, now: Time) {}

    /// What `from` has done so far counts as done by `to`, which is on its way.
    fn hands_over(&mut self, from: u32, to: u32, now: Time) {}

    /// A user's request is about to end that was meant to start at `arrived`.
    fn ends(&mut self, frame: u32, workload: u32, now: Time, arrived: Time, outcome: Outcome) {}

    /// What a frame does that belongs to a trace.
    fn deed(&mut self, frame: u32, now: Time, deed: Deed) {}

    /// A frame begins that is a request on its way to a replica, and `caller`, who has sent it, waits; before the
    /// [`Deed::Visits`] of the same.
    fn visits(&mut self, frame: u32, now: Time, caller: u32) {
        self.spends(caller, now, Spent::Answers);
        self.begins(frame, now, Spent::Network);
    }

    /// A user begins a session: a list of things to ask for.
    fn session_started(&mut self, workload: u32, now: Time) {}

    /// A session that began at `started` has ended, at the end of its list or because something failed.
    fn session_ended(&mut self, workload: u32, started: Time, is_lost: bool) {}

    /// A call is made along an edge.
    fn called(&mut self, edge: u32, now: Time) {}

    /// An attempt of a call is sent.
    fn sent(&mut self, edge: u32, now: Time) {}

    /// An attempt is not sent because of the caller's breaker.
    fn short_circuited(&mut self, edge: u32, now: Time) {}

    /// An attempt is not sent because of the caller's throttle.
    fn throttled(&mut self, edge: u32, now: Time) {}

    /// An attempt is not sent because of the caller's rate limit, bulkhead or limit, or because patience ended in front of
    /// them.
    fn limited(&mut self, edge: u32, now: Time, outcome: Outcome) {}

    /// The number of attempts changes that wait for the caller's rate limit or bulkhead.
    fn held(&mut self, edge: u32, now: Time, change: i32) {}
    /// An attempt has ended with `cause`, and another one follows.
    fn retried(&mut self, edge: u32, now: Time, cause: Outcome) {}

    /// A call has failed for good with its last attempt, and so has its caller's handler, branch or request, unless
    /// it is passed over (`optional`).
    fn call_failed(&mut self, edge: u32, now: Time, cause: Outcome, optional: bool) {}

    /// Something has stood in for the answer of a call along an edge, which has failed for good.
    fn fell_back(&mut self, edge: u32, now: Time) {}

    /// A user's request that was meant to start at `arrived` has been answered well, though something has stood in for an
    /// answer on its way; after [`Observer::finished`].
    fn degraded(&mut self, workload: u32, now: Time, arrived: Time) {}

    /// The number of replicas changes that the callers of a channel do not see because of their outlier detection, all
    /// callers together.
    fn ejected(&mut self, channel: u32, now: Time, change: i32) {}

    /// A user whose request has ended with `cause` will ask again.
    fn will_reload(&mut self, workload: u32, now: Time, cause: Outcome) {}

    /// An attempt that was sent at `sent` has ended for its caller.
    fn answered(&mut self, edge: u32, now: Time, sent: Time, outcome: Outcome) {}

    /// An attempt along an edge has a connection, after a wait for it.
    fn connected(&mut self, edge: u32, now: Time, waited: Span) {}

    /// A message of so many bytes, headers included, is on its way along an edge, for so long, perhaps to another zone.
    fn travelled(&mut self, edge: u32, now: Time, span: Span, bytes: Size, is_across: bool) {}

    /// An attempt that has a connection, after a wait for it, sets off: both at once, within its zone.
    fn set_off(&mut self, edge: u32, now: Time, waited: Span, span: Span, bytes: Size) {
        self.connected(edge, now, waited);
        self.travelled(edge, now, span, bytes, false);
    }

    /// The first message of a stream has come, so long after the attempt was sent.
    fn first_message(&mut self, edge: u32, now: Time, waited: Span) {}

    /// A message of a stream was read.
    fn message_read(&mut self, edge: u32, now: Time) {}

    /// The bytes of messages that were sent along an edge and not read yet change.
    fn unread(&mut self, edge: u32, now: Time, change: i64) {}

    /// The number of handlers changes that wait for room in the windows of streams.
    fn blocked(&mut self, edge: u32, now: Time, change: i32) {}

    /// The number of connections of a channel changes, those that are being opened included, and so many were begun to be
    /// opened.
    fn connections(&mut self, channel: u32, now: Time, change: i32, opened: u32) {}

    /// A frame of a service begins to write or read a message, which takes so much CPU time.
    fn encodes(&mut self, service: u32, frame: u32, now: Time, cpu: Span) {}

    /// A connection comes to a service that does not take it on, at least not at once.
    fn comes_in(&mut self, service: u32, now: Time, how: Acceptance) {}

    /// A service is done with the handshake of a connection, which took so much CPU time.
    fn shook_hands(&mut self, service: u32, now: Time, cpu: Span) {}

    /// One of the breakers of a channel (a caller, a client and a callee service) has changed.
    fn breaker(&mut self, channel: u32, now: Time, from: BreakerState, to: BreakerState) {}

    /// An attempt reaches a service.
    fn arrived(&mut self, service: u32, now: Time) {}

    /// Which replica that is, numbered across services.
    fn lands(&mut self, service: u32, replica: u32, now: Time) {}

    /// It has to wait; `waiting` wait at its replica, itself included.
    fn queued(&mut self, service: u32, now: Time, waiting: u32) {}

    /// One that waited does so no longer.
    fn unqueued(&mut self, service: u32, now: Time) {}

    /// A request that reached the service at `arrived` gets its first thread.
    fn started(&mut self, service: u32, now: Time, arrived: Time) {}

    /// The number of threads that a service uses changes, and of these the number that nobody waits for.
    fn threads(&mut self, service: u32, now: Time, busy: i32, wasted: i32) {}

    /// A request that reached the service at `arrived` leaves it; `started` when it ever had a thread.
    fn left(&mut self, service: u32, now: Time, arrived: Time, started: bool, how: Departure) {}

    /// The number of requests that the limits of a service's replicas let in together changes.
    fn limit(&mut self, service: u32, now: Time, change: i32) {}

    /// A request was turned away by a limit; [`Observer::left`] tells the same of any full queue.
    fn beyond_limit(&mut self, service: u32, now: Time) {}

    /// The number of shared cores that a service uses changes.
    fn cores(&mut self, service: u32, now: Time, change: i32) {}

    /// A thread begins to use a core of its own, until `until` unless [`Observer::work_changes`] is told.
    fn works(&mut self, service: u32, now: Time, until: Time) {}

    /// Work that would have ended at `from` ends at `to` (which is now when it is stopped).
    fn work_changes(&mut self, service: u32, from: Time, to: Time) {}

    /// The number of permits of a pool that are in use changes.
    fn permits(&mut self, pool: u32, now: Time, change: i32) {}

    /// The number of those changes who wait for a permit of a pool.
    fn permits_wanted(&mut self, pool: u32, now: Time, change: i32) {}

    /// Somebody gets a permit of a pool, after a wait.
    fn acquired(&mut self, pool: u32, now: Time, waited: Span) {}

    /// Somebody does not get one, or finds at the end that another was faster.
    fn not_acquired(&mut self, pool: u32, now: Time, why: NotAcquired) {}

    /// Somebody looks something up in a cache.
    fn looked_up(&mut self, cache: u32, now: Time, found: Found, lost: Lost) {}

    /// Something was fetched for a cache; `kept` when it took it.
    fn fetched(&mut self, cache: u32, now: Time, kept: bool, lost: Lost) {}

    /// Something has happened to messages, or their brokers and workers.
    fn message(&mut self, now: Time, fact: MessageFact) {}

    /// Just before [`Observer::cross`]: when the oldest message was stored that waits for a group.
    fn oldest(&mut self, group: u32, stored: Option<Time>) {}

    /// The run is over, and a request that was meant to start at `arrived` is still under way.
    fn request_remains(&mut self, workload: u32, arrived: Time) {}

    /// The run is over, and an attempt that was sent at `sent` is still without an answer.
    fn attempt_remains(&mut self, edge: u32, sent: Time) {}

    /// The run is over at `end`, and a request that reached the service at `arrived` is still there.
    fn visit_remains(&mut self, service: u32, end: Time, arrived: Time) {}

    /// A replica goes down (-1) or comes up (+1).
    fn replica(&mut self, service: u32, now: Time, change: i32) {}
}

/// Observes nothing.
impl Observer for () {}
