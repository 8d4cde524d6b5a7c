//! What each partition of a log has got and still holds for each group, told when the run is over: so that it can be said
//! that one of them is hot.

use super::super::agenda::Agenda;
use super::super::engine::Engine;
use super::super::observer::{MessageFact, Observer};
use super::Receipt;

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// The run is over: tells of a group how many messages each partition got, and how many of them are pending.
    pub(super) fn tell_partitions(&mut self, group: u32) {
        let state = &self.messaging.groups[group as usize];
        let Some(logs) = &self.messaging.topics[state.topic as usize].logs else { return };
        let mut rows: Vec<(u64, u64)> = logs.by_partition(state.place).collect();
        // What has left the log, and is not handled yet.
        for held in self.messaging.only_in_hands(group, logs) {
            if let Receipt::Record { partition, .. } = held.receipt {
                rows[partition as usize].1 += 1;
            }
        }
        let now = self.agenda.now();
        for (came, pending) in rows {
            self.observer.message(now, MessageFact::Partition { group, came, pending });
        }
    }
}
