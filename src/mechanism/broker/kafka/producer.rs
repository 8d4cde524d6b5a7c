//! The sending side of one client: records are gathered into batches, one open batch a partition, and go out in
//! requests, one at a time to each node and a few on their way. It decides what is sent when, what is sent again, who
//! waits for memory, and which records have failed; the way there and back is the kernel's business.
//!
//! Source: apache/kafka `RecordAccumulator`, `Sender`, `BufferPool`. As there, a request takes along the oldest batch of
//! every partition of its node as soon as one of them is ready; memory is taken in pieces of `batch.size`; and a
//! request that times out takes the connection, and all that is on its way there, with it.
//!
//! One thing is simpler: where the original gives its batches new numbers after one has failed, [`Producer::store`] knows
//! which numbers are given up.

use std::collections::VecDeque;

use super::few::Few;
use super::{Node, Partition, ProducerId};
use crate::base::time::{Span, Time};
use crate::base::units::{Share, Size};

mod accumulator;
mod batches;

pub use accumulator::Producer;

/// When a request is answered (`acks`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Acks {
    /// Not at all: the kernel settles a request at once when it was sent. What is lost on the way is lost unseen.
    None,
    /// When the leader has it: what was not replicated when he fails is lost.
    Leader,
    /// When it is replicated.
    #[default]
    All,
}

/// How a producer sends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ProducerSettings {
    /// How long a batch waits for more records (`linger.ms`: 0, and 5 ms from Kafka 4.0).
    pub linger: Span,
    /// A batch that is not smaller is full (`batch.size`, 16 KiB).
    pub batch_size: Size,
    /// Memory for all batches that have not been settled (`buffer.memory`, 32 MiB).
    pub buffer_memory: Size,
    /// How long a caller waits for memory (`max.block.ms`, 60 s).
    pub max_block: Span,
    /// A record that was not acknowledged after this fails (`delivery.timeout.ms`, 120 s).
    pub delivery_timeout: Span,
    /// How long an answer is waited for (`request.timeout.ms`, 30 s).
    pub request_timeout: Span,
    /// The first wait before a batch is sent again (`retry.backoff.ms`, 100 ms); it doubles each time.
    pub retry_backoff: Span,
    /// The longest such wait (`retry.backoff.max.ms`, 1 s).
    pub retry_backoff_max: Span,
    /// How often a batch is sent again (`retries`, practically always).
    pub retries: u32,
    /// Requests to one node that have not been answered (`max.in.flight.requests.per.connection`, 5); not 0.
    pub max_in_flight: u32,
    /// The largest request (`max.request.size`, 1 MiB); a larger record is refused.
    pub max_request: Size,
    /// When a request is answered (`acks`).
    pub acks: Acks,
    /// Whether batches are numbered, so that one which is sent again is not stored again, and order holds
    /// (`enable.idempotence`, on). Needs [`Acks::All`] and at most 5 requests on their way.
    pub is_idempotent: bool,
    /// What a record's bytes are multiplied with on the way and on disk; 100% without compression, the default.
    pub compression: Share,
}

impl Default for ProducerSettings {
    fn default() -> ProducerSettings {
        ProducerSettings {
            linger: Span::ZERO,
            batch_size: Size::from_bytes(16 << 10),
            buffer_memory: Size::from_bytes(32 << 20),
            max_block: Span::from_secs(60),
            delivery_timeout: Span::from_secs(120),
            request_timeout: Span::from_secs(30),
            retry_backoff: Span::from_millis(100),
            retry_backoff_max: Span::from_secs(1),
            retries: u32::MAX,
            max_in_flight: 5,
            max_request: Size::from_bytes(1 << 20),
            acks: Acks::All,
            is_idempotent: true,
            compression: Share::ONE,
        }
    }
}

/// How long a batch waits before it is sent again after `failures` failures and one (0 after the first). `draw` is
/// uniform in (0, 1): 20% more or less, but never more than `cap`.
///
/// Source: apache/kafka `ExponentialBackoff`.
pub fn retry_backoff(base: Span, cap: Span, failures: u32, draw: f64) -> Span {
    let cap_nanos = cap.as_nanos() as f64;
    let mut nanos = base.as_nanos() as f64;
    for _ in 0..failures {
        if nanos >= cap_nanos {
            break;
        }
        nanos *= 2.0;
    }
    let spread = nanos.min(cap_nanos) * (0.8 + 0.4 * draw);
    Span::from_nanos_f64(spread.min(cap_nanos))
}

/// One record of a batch: most batches have one or few, so that it lies in one line of the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(64))]
pub struct Record<M> {
    /// What it carries.
    pub payload: M,
    /// Its size before compression.
    pub bytes: u32,
}

/// The number of a batch among all that its producer sends to one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Whose batch it is.
    pub producer: ProducerId,
    /// Counts batches of one partition from 0.
    pub sequence: u32,
}

/// A batch on its way.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, M> {
    /// Where it goes.
    pub partition: Partition,
    /// Its number; `None` without idempotence.
    pub stamp: Option<Stamp>,
    /// Its size on the way and on disk.
    pub bytes: u64,
    /// In the order in which they were offered.
    pub records: &'a [Record<M>],
}

/// Names a request that is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestId {
    /// Place in the list of requests.
    pub place: u32,
    /// Counts how often that place was used.
    pub number: u32,
}

/// What becomes of a record that is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// It is in a batch, and the caller goes on. `is_full` says whether that batch takes no more
    /// (see [`Partitioner::appended`](super::Partitioner::appended)).
    Buffered {
        /// Whether the batch takes no more.
        is_full: bool,
    },
    /// There is no memory: the caller waits until he hears [`Fate::Admitted`] or [`Fate::Refused`]. Now batches do not
    /// wait for more records: [`Producer::take_request`] may have something for any node.
    Blocked,
    /// It is larger than a request may be, or than all memory.
    TooLarge,
}

/// What the broker says of one batch of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is stored, now or before.
    Stored,
    /// Not now; it is sent again.
    Again,
    /// Never.
    Refused,
}

/// What becomes of a record after it was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// There is memory for it now: its caller goes on.
    Admitted,
    /// Its caller has waited for memory in vain.
    Refused,
    /// The broker has acknowledged it.
    Acknowledged,
    /// It was not acknowledged in time, or too often in vain, or is refused. It may be stored all the same.
    Failed,
}

/// Someone who waits for memory.
#[derive(Clone, Copy, Debug)]
struct Waiter<M> {
    partition: Partition,
    record: Record<M>,
    due: Time,
}

/// Requests to one node.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// On their way, the oldest first.
    in_flight: VecDeque<RequestId>,
    /// Partitions of which a batch may be sent, each once; those that are led by another node now are passed over.
    sendable: VecDeque<Partition>,
    /// How many of them have a batch for which it is time.
    ready: u32,
}

/// A request.
#[derive(Clone, Debug)]
struct Request {
    number: u32,
    node: Node,
    due: Time,
    batches: Vec<batches::Key>,
    is_open: bool,
}

/// Whether the oldest batch of a partition may be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Readiness {
    /// There is none, or it must not.
    #[default]
    No,
    /// It goes along with others.
    Sendable,
    /// It is time for it.
    Ready,
}

/// What a producer must know of a partition for which it has nothing: most of thousands. So it is small.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// What it has for it, by place in the list of lots; [`NOTHING`].
    lot: u32,
    leader: Option<u16>,
    /// The number of the next batch.
    next_sequence: u32,
}

const _: () = assert!(size_of::<Place>() == 12);

/// There is no lot.
const NOTHING: u32 = u32::MAX;

/// What a producer has for one partition.
#[derive(Clone, Debug, Default)]
struct Lot {
    /// Batches that wait, the oldest first.
    waiting: Few<u32>,
    /// Numbered batches that are not settled, in order.
    numbered: Few<u32>,
    /// It waits until then before it sends again.
    backs_off_until: Time,
    readiness: Readiness,
    /// Whether it is among the sendable ones of its leader.
    is_listed: bool,
}
