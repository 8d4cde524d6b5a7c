//! What leaves a log of Kafka before a group is done with it: it is pending while a worker has it in his hands, and lost
//! when nobody has.

use std::collections::BTreeSet;

use crate::mechanism::broker::kafka::Partition;

use super::super::agenda::Agenda;
use super::super::engine::Engine;
use super::super::observer::Observer;
use super::logs::Logs;
use super::{Held, Message, Messaging, Receipt};

impl Messaging {
    /// What the workers of a group of Kafka have in their hands, or on its way to them: partition and offset. Who is not
    /// counted on any more may have what another one has, too.
    fn in_hands(&self, group: u32) -> impl Iterator<Item = &Held> {
        let own = self.workers.iter().filter(move |worker| worker.group == group);
        own.flat_map(|worker| worker.buffer.iter().chain(&worker.current))
    }

    /// The messages of a group of Kafka that have left the log, and that somebody has in his hands who is not done with
    /// them: each once.
    pub(super) fn only_in_hands<'a>(&'a self, group: u32, logs: &'a Logs) -> impl Iterator<Item = &'a Held> {
        let place = self.groups[group as usize].place;
        let mut seen = BTreeSet::new();
        let left = self.in_hands(group).filter(move |held| logs.has_only_in_hand(place, held));
        left.filter(move |held| place_in_log(held).is_some_and(|place| seen.insert(place)))
    }
}

fn place_in_log(held: &Held) -> Option<(u32, u64)> {
    match held.receipt {
        Receipt::Record { partition, offset, .. } => Some((partition, offset)),
        Receipt::Lease(_) => None,
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// What is before offset `upto` of a partition is about to leave its log: of what a group is not done with, all is lost
    /// that no worker has in his hands.
    pub(super) fn lose_what_leaves(&mut self, topic: u32, place: usize, partition: u32, upto: u64) {
        let mut lost = self.logs(topic).leaving(place, partition, upto);
        self.lose_unless_held(topic, place, &mut lost);
    }

    /// A worker of a group of Kafka has lost what he had: what his group will not read again is lost.
    pub(super) fn lose_what_was_held(&mut self, topic: u32, place: usize, held: impl Iterator<Item = Held>) {
        let logs = self.logs(topic);
        let of_group = &logs.groups[place];
        let mut lost: Vec<(u32, u64, Message)> = held
            .filter_map(|held| {
                let (partition, offset) = place_in_log(&held)?;
                let lowest = of_group.group.lowest(Partition(partition)).unwrap_or(0);
                let is_left_behind = offset < lowest.max(logs.logs[partition as usize].readable_from());
                is_left_behind.then_some((partition, offset, held.message))
            })
            .collect();
        self.lose_unless_held(topic, place, &mut lost);
    }

    fn lose_unless_held(&mut self, topic: u32, place: usize, lost: &mut Vec<(u32, u64, Message)>) {
        if lost.is_empty() {
            return;
        }
        let group = self.messaging.topics[topic as usize].first_group + place as u32;
        let held: BTreeSet<_> = self.messaging.in_hands(group).filter_map(place_in_log).collect();
        lost.retain(|(partition, offset, _)| !held.contains(&(*partition, *offset)));
        self.give_up_on(topic, place, lost);
    }
}
