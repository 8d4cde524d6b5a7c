//! Causes that lie with messages: in the same bins as those of services it is recorded how many messages wait for each group
//! and for how long, what became of them, what publishers and the disk of each topic do, and how many workers of each
//! consumer are there and busy.

use crate::model::Model;

/// What became of messages, bin by bin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageCauses {
    /// How many topics, groups and consumers have a row in each.
    sizes: [usize; 3],
    pub(super) topics: Vec<TopicBin>,
    pub(super) groups: Vec<GroupBin>,
    pub(super) consumers: Vec<ConsumerBin>,
}

/// A topic or a queue in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TopicBin {
    /// Mean number of bytes on disk.
    pub disk: f32,
    /// Mean number of messages that publishers have handed over and that are neither stored nor given up.
    pub under_way: f32,
    /// Messages that were to be published, each time that it was tried.
    pub tried: u32,
    /// Messages that were stored.
    pub published: u32,
    /// Attempts that failed, as far as their publishers know.
    pub failed: u32,
}

/// A group of consumers in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GroupBin {
    /// Mean number of messages that are kept for it.
    pub lag: f32,
    /// How old the oldest one is at the end of the bin, in seconds.
    pub age_s: f32,
    /// Messages that were kept for it.
    pub kept: u32,
    /// Those that were handled, and acknowledged.
    pub consumed: u32,
    /// Times that a worker began with a message that had come before.
    pub redelivered: u32,
    /// Times that a handler did not end well.
    pub handled_badly: u32,
    /// Messages that became dead letters.
    pub dead: u32,
    /// Messages that nobody had taken in time.
    pub expired: u32,
    /// Messages that are gone without having been handled.
    pub lost: u32,
    /// Times that partitions were shared anew.
    pub rebalances: u32,
}

/// The workers of a consumer in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConsumerBin {
    /// Mean number of those that take messages.
    pub there: f32,
    /// Mean number of those that handle one.
    pub busy: f32,
}

impl MessageCauses {
    pub(super) fn new(model: &Model) -> MessageCauses {
        let sizes = match model.topics.is_empty() {
            true => [0; 3],
            false => [model.topics.len(), model.groups().len(), model.consumers.len()],
        };
        MessageCauses { sizes, ..MessageCauses::default() }
    }

    pub(super) fn rows_per_bin(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes[0] == 0
    }

    /// A topic in a bin.
    pub fn topic(&self, bin: usize, id: usize) -> &TopicBin {
        &self.topics[bin * self.sizes[0] + id]
    }

    /// A group in a bin; its place is that in `model.groups()`.
    pub fn group(&self, bin: usize, id: usize) -> &GroupBin {
        &self.groups[bin * self.sizes[1] + id]
    }

    /// A consumer in a bin.
    pub fn consumer(&self, bin: usize, id: usize) -> &ConsumerBin {
        &self.consumers[bin * self.sizes[2] + id]
    }
}
