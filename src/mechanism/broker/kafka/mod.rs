//! Kafka: a producer gathers records into batches, a log keeps them in order, a group of consumers shares the
//! partitions of a topic. Each piece is told and asked; who carries what where, and when, is the kernel's business.
//!
//! The way of a record: [`Partitioner::choose`] names its partition, [`Producer::offer`] puts it into a batch,
//! [`Producer::take_request`] hands the batches for one node over, [`Log::append`] stores them,
//! [`Log::replicated`] makes them readable, [`Group::arrived`] says who should poll, [`Group::poll`] hands them out,
//! a commit moves the group on, and [`Log::forget_below`] lets go of the payloads that nobody can need again.
//!
//! Defaults are those of Apache Kafka 3.9 (ProducerConfig, ConsumerConfig, RecordAccumulator, BuiltInPartitioner,
//! UnifiedLog), except where the setting says otherwise.

mod assignment;
mod few;
mod group;
mod log;
mod marks;
mod member;
mod partitioner;
mod producer;
mod segments;
mod transaction;

pub use group::{
    Assignor, Commit, Delivery, Fenced, Group, GroupPhase, GroupSettings, GroupTally, OffsetReset, Polled, Protocol,
};
pub use log::{Append, Log, LogSettings, Reading};
pub use partitioner::{Partitioner, Unkeyed, murmur2, partition_of_key, partition_of_text};
pub use producer::{
    Acks, Answer, Batch, Fate, Offer, Producer, ProducerSettings, Record, RequestId, Stamp, retry_backoff,
};
pub use transaction::{TransactionId, TransactionSettings, Transactions};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// Its place in a list of all of them.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids!(
    /// A partition of one topic, from 0.
    Partition,
    /// A broker node, from 0.
    Node,
    /// One running producer, from 0: across all that write to the same logs.
    ProducerId,
    /// A member of one group. A consumer that starts again is a new member.
    Member,
);
