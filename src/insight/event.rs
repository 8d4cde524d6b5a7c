//! What a story is made of: events, each with its place, what it follows from and the numbers that show it.

use serde::{Deserialize, Serialize};

use crate::base::time::Time;

/// Something that happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// When it began.
    #[serde(rename = "at_s")]
    pub at: Time,
    /// Of which kind.
    pub kind: EventKind,
    /// Where.
    pub place: Place,
    /// In words, without the place.
    pub what: String,
    /// The event that it follows from, by its place in the list; `None` where none is found.
    pub caused_by: Option<usize>,
    /// Numbers that show it, by name; names say their unit as those of the summary do.
    pub evidence: Vec<(String, f64)>,
    /// Whether the short story has it.
    pub is_told: bool,
}

/// Where something happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Of which kind.
    pub kind: PlaceKind,
    /// Its name; empty for the run as a whole.
    pub name: String,
}

/// Kinds of places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A service.
    Service,
    /// Calls from one to another: `caller -> service`.
    Edge,
    /// A workload.
    Workload,
    /// A cache.
    Cache,
    /// A broker.
    Broker,
    /// A topic or a queue.
    Topic,
    /// A setting, by its path.
    Setting,
    /// The run as a whole.
    Run,
}

/// Kinds of events; within the same bin of time they happen in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A fault, a change or a load step that is marked begins.
    TriggerBegins,
    /// It is over.
    TriggerEnds,
    /// A workload asks for more.
    LoadRises,
    /// More attempts arrive at a service.
    MoreArrives,
    /// A service finds nobody there for requests.
    Refuses,
    /// Workers of a group of consumers are no longer there.
    WorkersGone,
    /// A service holds more requests than usual.
    Slows,
    /// All threads of a service are busy.
    Saturates,
    /// All workers of a group of consumers are busy.
    WorkersBusy,
    /// A partition gets more than its member can handle.
    PartitionHot,
    /// Messages cannot be handled.
    HandlingFails,
    /// More messages wait for a group of consumers than usual.
    LagGrows,
    /// The partitions of a group are shared anew.
    Rebalances,
    /// Messages are delivered again.
    Redelivers,
    /// Messages become dead letters.
    DeadLetters,
    /// Messages expire before somebody takes them.
    Expires,
    /// Messages are lost.
    LosesMessages,
    /// The disk of a broker is full.
    DiskFills,
    /// Publishers, or their libraries, wait for a broker.
    PublishersWait,
    /// Messages are not published.
    PublishFails,
    /// The most messages wait.
    LagPeaks,
    /// All places in the queue of a service are taken.
    QueueFills,
    /// A service turns requests away.
    Rejects,
    /// A service answers with errors.
    Fails,
    /// Attempts along an edge fail.
    CallsFail,
    /// Attempts along an edge are repeated.
    Retries,
    /// Attempts along an edge are not sent.
    HoldsBack,
    /// Users notice.
    UsersNotice,
    /// Messages are later than they may be.
    MessagesLate,
    /// A group of consumers has worked off its backlog.
    CatchesUp,
    /// Users notice nothing any more, and messages are not late.
    UsersRecover,
    /// The run is over.
    Ends,
}
