//! Traces: what happened to chosen requests, span by span, as plain data. [`Tracer`](tracer::Tracer) records them while
//! the run happens; `keep` decides which ones stay, so that memory is bounded whatever the run is like.

mod again;
mod keep;
mod published;
mod tracer;
mod wanted;

use crate::base::time::{Span, Time};
use crate::kernel::{Departure, Spent};
use crate::policy::Outcome;

pub use again::record_missing;
pub(super) use tracer::Tracer;
pub(super) use wanted::Ending;

/// The traces of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// In the order in which users meant to start them, then by workload and number; each once.
    pub traces: Vec<Trace>,
    /// Parallel to `model.workloads`.
    pub chosen: Vec<Chosen>,
    /// By workload: when those of the slowest, the fastest and the first that failed were meant to start that were not
    /// recorded, because that was decided before anybody knew. [`record_missing`] records them.
    pub missing: Vec<Vec<Time>>,
}

/// The traces of a workload to look at first, as places in [`Traces::traces`]. They are chosen among the requests that were
/// recorded, which all but the median make those of all requests once nothing is [missing](Traces::missing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Requests that were recorded.
    pub recorded: u64,
    /// Of the requests that were answered well: the fastest.
    pub fastest: Option<u32>,
    /// Of these: the one whose latency is nearest to the median of all that were answered well.
    pub median: Option<u32>,
    /// The one that took longest, however it ended; one that is still under way counts as long as it has taken.
    pub slowest: Option<u32>,
    /// Of those that failed: the one that started first.
    pub first_failed: Option<u32>,
}

/// Why a trace was kept: any of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its number was drawn.
    pub sampled: bool,
    /// It is one of the slowest.
    pub slow: bool,
    /// It is one of the first that failed.
    pub failed: bool,
}

/// What happened to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Whose request it is, by its place in `model.workloads`.
    pub workload: u32,
    /// Its number among all requests of the workload, from 0 on.
    pub number: u64,
    /// Names its draws; no two requests of a run have the same.
    pub key: u64,
    /// Why it is here.
    pub kept: Kept,
    /// A parent comes before its children; the first one is the user's request.
    pub spans: Vec<TraceSpan>,
    /// Spans, phases and events beyond what one trace may hold.
    pub left_out: u32,
}

impl Trace {
    /// The user's request.
    pub fn root(&self) -> &TraceSpan {
        &self.spans[0]
    }

    /// When the user meant to start it.
    pub fn start(&self) -> Time {
        self.root().start
    }

    /// How long the user waited.
    pub fn latency(&self) -> Span {
        self.root().length()
    }

    /// How it ended for the user; `None` while it is under way.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.root().outcome {
            SpanOutcome::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether it ended without a good answer.
    pub fn has_failed(&self) -> bool {
        self.outcome().is_some_and(|outcome| !outcome.is_ok())
    }

    /// When the last that belongs to it ended: perhaps after its user had left.
    pub fn end(&self) -> Time {
        self.spans.iter().map(|span| span.end).max().unwrap_or_default()
    }
}

/// One thing that took a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSpan {
    /// Its place in [`Trace::spans`].
    pub id: u32,
    /// The span that it belongs to.
    pub parent: Option<u32>,
    /// What it is.
    pub kind: SpanKind,
    /// Where it happened, by its place in `model.services`; `None` on the user's side, and for what a broker hands over.
    pub service: Option<u32>,
    /// Which of its replicas, from 0 on.
    pub replica: Option<u32>,
    /// The endpoint that is called or that handles, by its place in `model.endpoints`.
    pub endpoint: Option<u32>,
    /// When it began.
    pub start: Time,
    /// When it ended, or the end of the run.
    pub end: Time,
    /// How long it waited for its first thread; for a message, until it was brought to its handler.
    pub wait: Span,
    /// What became of it.
    pub outcome: SpanOutcome,
    /// Of an attempt: its number, the first being 1; of a delivery: how often the message came. Else 0.
    pub attempt: u32,
    /// From then on nobody waited for it.
    pub abandoned: Option<Time>,
    /// What it spent its time on, in order; what is missing in between it waited for its children.
    pub phases: Vec<Phase>,
    /// What happened at a moment, in order.
    pub events: Vec<TraceEvent>,
    /// Spans of other traces, or other parents, that it belongs to as well.
    pub links: Vec<SpanLink>,
}

impl TraceSpan {
    /// How long it took.
    pub fn length(&self) -> Span {
        self.end.since(self.start)
    }
}

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A user's request.
    Request,
    /// An attempt of a call, as its caller sees it; along this edge.
    Attempt {
        /// By its place in `model.edges()`.
        edge: u32,
    },
    /// A request in a service: on its way there, in its queue, in its handler.
    Handler,
    /// One that took the request over from another handler.
    Forward,
    /// A branch of a handler.
    Branch,
    /// A fetch for a cache that nobody waits for.
    Fetch,
    /// A message that is published, as its publisher sees it.
    Publish {
        /// By its place in `model.topics`.
        topic: u32,
    },
    /// A message that is brought to its handler.
    Delivery {
        /// By its place in `model.consumers`.
        consumer: u32,
    },
}

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanOutcome {
    /// It is under way at the end of the run.
    UnderWay,
    /// It ended, as whoever waited sees it.
    Ended(Outcome),
    /// It left its replica.
    Left(Departure),
    /// It got lost on its way, or died with its replica.
    Lost,
}

impl SpanOutcome {
    /// Whether nothing went wrong, as far as is known.
    pub fn is_ok(self) -> bool {
        matches!(
            self,
            SpanOutcome::Ended(Outcome::Ok) | SpanOutcome::Left(Departure::Completed) | SpanOutcome::UnderWay
        )
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            SpanOutcome::UnderWay => "under way",
            SpanOutcome::Ended(Outcome::Ok) | SpanOutcome::Left(Departure::Completed) => "ok",
            SpanOutcome::Ended(Outcome::Error) | SpanOutcome::Left(Departure::Failed) => "error",
            SpanOutcome::Ended(Outcome::Timeout) => "timeout",
            SpanOutcome::Ended(Outcome::Rejected) | SpanOutcome::Left(Departure::Rejected) => "rejected",
            SpanOutcome::Ended(Outcome::Refused) | SpanOutcome::Left(Departure::Refused) => "refused",
            SpanOutcome::Ended(Outcome::ShortCircuited) => "breaker open",
            SpanOutcome::Ended(Outcome::Expired) => "expired",
            SpanOutcome::Ended(Outcome::Cancelled) => "cancelled",
            SpanOutcome::Ended(Outcome::Throttled) => "throttled",
            SpanOutcome::Ended(Outcome::Limited) => "limited",
            SpanOutcome::Left(Departure::Shed) => "shed",
            SpanOutcome::Left(Departure::Dropped) => "dropped",
            SpanOutcome::Lost => "lost",
        }
    }
}

/// A part of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What it spent it on.
    pub on: Spent,
    /// From when.
    pub start: Time,
    /// Until when.
    pub end: Time,
}

/// Something that happened at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Time,
    /// What.
    pub what: Moment,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It reached its replica.
    Arrived,
    /// It had its first thread.
    Started,
    /// Its caller was answered, and it went on.
    Replied,
    /// Nobody waited for it any more.
    Abandoned,
}

impl Moment {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Arrived => "arrived",
            Moment::Started => "started",
            Moment::Replied => "replied",
            Moment::Abandoned => "abandoned",
        }
    }
}

/// A span of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanLink {
    /// [`Trace::key`].
    pub trace: u64,
    /// Its place there.
    pub span: u32,
}
