//! Queues with leases: a message is *ready*, is *leased* to a member of the consumers, and comes to an end by an
//! acknowledgement; or it comes back, because it was refused, because the lease lapsed or because the member died.
//!
//! Two things stand on that one mechanism, [`MessageQueue`] (RabbitMQ, SQS, an ideal queue) and [`MessageStream`]
//! (JetStream: one store, several consumers with leases of their own). What differs between brokers are settings; their
//! defaults stand in [`rabbitmq`], [`jetstream`] and [`sqs`]. Beside them [`Node`] says when a broker that fills up
//! blocks its publishers, and [`Credit`] how far a publisher may be ahead.
//!
//! # How they are used
//!
//! - Times never go back. Whoever uses a queue calls its `tick` at `wake_at`; what falls due at the very instant of
//!   another call may come before or after it.
//! - What happens to messages that nobody asked about (expired, dropped, given up) is appended to `reports`, a buffer of
//!   the caller's.
//! - Nothing is pushed: a caller who pushes asks `takeable` of a member and takes.
//! - Members are small dense numbers. A member that is gone may come back under the same number.

mod credit;
mod dedup;
pub mod jetstream;
mod lease;
mod message_queue;
mod message_stream;
mod node;
pub mod rabbitmq;
pub mod sqs;

pub use credit::{Credit, CreditSettings};
pub use dedup::Dedup;
pub use lease::{BackTo, DelayedReturns, Lapse, LateAck, LeaseSettings, RetryDelay};
pub use message_queue::{Counts, DeadLetters, MessageQueue, Overflow, QueueSettings, Reason, Report};
pub use message_stream::{
    ConsumerCounts, Discard, GivenUp, MessageStream, Removal, Retention, StreamCounts, StreamReport, StreamSettings,
};
pub use node::{Alarm, Node, NodeSettings};

use crate::base::time::{Span, Time};

/// One consumer's slot: what has a prefetch of its own and can die.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member(pub u32);

/// Names one delivery of one message; a later delivery of the same message has another name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeaseId {
    /// Place in the slab of messages that have been delivered.
    pub place: u32,
    /// Counts the leases that ended at that place.
    pub number: u32,
}

/// A message that was handed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery<M> {
    /// What to answer with.
    pub lease: LeaseId,
    /// The message.
    pub message: M,
    /// When it was published.
    pub published: Time,
    /// How often it was handed out, this time included.
    pub deliveries: u32,
}

impl<M> Delivery<M> {
    /// Whether it was handed out before.
    pub fn is_redelivered(&self) -> bool {
        self.deliveries > 1
    }
}

/// How a member refuses what it was handed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Back to the queue (`basic.nack` with requeue, a plain nak, visibility 0). RabbitMQ does not count it.
    Nack,
    /// Back to the queue (`basic.reject` with requeue); counts as a failed delivery everywhere.
    Reject,
    /// Back to the queue after this time (nak with a delay, `ChangeMessageVisibility`); counts as a nack does.
    Later(Span),
    /// Never again (`basic.reject` without requeue, an ack with `Term`).
    Dead,
}

/// What became of an acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acked {
    /// The lease was held: the message is done.
    Held,
    /// The lease had ended, but the broker takes it: the message is done, and it may be in work a second time.
    Late,
    /// The lease had ended and the acknowledgement means nothing.
    Stale,
}

/// What became of a message that was published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// The broker has it.
    Accepted,
    /// The broker is full and says so.
    Rejected,
    /// The broker has had it already and says that all is well.
    Duplicate,
}
