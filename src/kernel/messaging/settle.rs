//! What becomes of messages: stored, handled, expired, given up, dead. Every message that was stored for a group is
//! settled once, or is pending.

use crate::base::time::Time;
use crate::mechanism::broker::queue::Published;
use crate::model::PublishWait;
use crate::policy::Outcome;

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::observer::{Fate, MessageFact, Observer};
use super::shelf::{News, Why};
use super::{Held, Message, NOBODY};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A message is stored: its publisher is told, and its groups have it.
    pub(super) fn message_stored(&mut self, topic: u32, message: Message) {
        let now = self.now();
        if self.messaging.topics[topic as usize].logs.is_some() {
            self.store_in_log(topic, message);
            return;
        }
        let state = &mut self.messaging.topics[topic as usize];
        let broker = &self.messaging.brokers[state.broker as usize];
        if broker.leader(now, state.home).is_none() {
            // Its node died while it wrote.
            self.publish_fails(topic, &message, Outcome::Refused);
            return;
        }
        let (first, groups, observer) = (state.first_group, state.groups, &mut self.observer);
        let published = state.shelf.publish(now, message, |place| {
            observer.message(now, MessageFact::Kept { group: first + place, messages: 1 })
        });
        match published {
            Published::Accepted => {
                let bytes = message.bytes.into();
                self.observer.message(now, MessageFact::Published { topic, messages: 1, bytes });
                self.publish_succeeds(topic, &message);
            }
            Published::Duplicate => {
                self.observer.message(now, MessageFact::Deduplicated { topic });
                self.publish_succeeds(topic, &message);
            }
            Published::Rejected => self.publish_fails(topic, &message, Outcome::Rejected),
        }
        for group in first..first + groups {
            self.serve(group);
        }
        if groups == 0 {
            self.after_shelf(topic);
        }
    }

    /// A message was handled, and the broker knows it.
    pub(super) fn message_consumed(&mut self, group: u32, held: &Held) {
        self.settled(group, &held.message, Fate::Consumed);
        let state = &self.messaging.groups[group as usize];
        if state.place == 0 {
            self.reply_to(state.topic, &held.message, Outcome::Ok);
        }
    }

    /// A handler ended well with a message for nothing: it had been handled before, or the broker does not learn of it and
    /// delivers it again.
    pub(super) fn handled_in_vain(&mut self, group: u32) {
        self.observer.message(self.agenda.now(), MessageFact::Duplicate { group });
    }

    /// A message was acknowledged before it was handled, and never was.
    pub(super) fn message_lost(&mut self, group: u32, held: &Held) {
        self.settled(group, &held.message, Fate::Lost);
        let state = &self.messaging.groups[group as usize];
        if state.place == 0 {
            self.reply_to(state.topic, &held.message, Outcome::Error);
        }
    }

    pub(super) fn settled(&mut self, group: u32, message: &Message, fate: Fate) {
        self.observer.message(self.agenda.now(), MessageFact::Settled { group, published: message.published, fate });
    }

    /// Sees to all that a shelf has to say after it was touched.
    pub(super) fn after_shelf(&mut self, topic: u32) {
        if !self.messaging.topics[topic as usize].shelf.was_touched() {
            return;
        }
        while let Some(news) = self.messaging.topics[topic as usize].shelf.next_news() {
            match news {
                News::Left { place, message, why } => self.message_left(topic, place, message, why),
                News::Gone { place } => {
                    let now = self.agenda.now();
                    let group = self.messaging.topics[topic as usize].first_group + place;
                    self.observer.message(now, MessageFact::Settled { group, published: now, fate: Fate::Lost });
                }
                News::Closed { worker } => self.close_worker(worker, false),
            }
        }
        self.account(topic);
        let state = &mut self.messaging.topics[topic as usize];
        if let Some(time) = state.shelf.wake_at()
            && time < state.due
        {
            state.due = time;
            self.agenda.at(time.max(self.agenda.now()), Event::ShelfDue(topic));
        }
    }

    /// It is time to look at what a topic keeps.
    pub(in crate::kernel) fn shelf_due(&mut self, topic: u32) {
        let now = self.now();
        let state = &mut self.messaging.topics[topic as usize];
        if state.due > now {
            return;
        }
        state.due = Time::MAX;
        state.shelf.tick(now);
        let (first, groups) = (state.first_group, state.groups);
        self.after_shelf(topic);
        for group in first..first + groups {
            self.serve(group);
        }
    }

    /// A message has left that a group has not handled.
    pub(super) fn message_left(&mut self, topic: u32, place: u32, message: Message, why: Why) {
        let state = &self.messaging.topics[topic as usize];
        let group = state.first_group + place;
        let dead_letter = match why {
            Why::Failed => self.messaging.groups[group as usize].dead_letter,
            Why::TooMany | Why::Expired => state.dead_letter,
        };
        let fate = match (dead_letter, why) {
            (Some(_), _) => Fate::Dead,
            (None, Why::Expired) => Fate::Expired,
            (None, Why::TooMany | Why::Failed) => Fate::Lost,
        };
        self.settled(group, &message, fate);
        if place == 0 {
            self.reply_to(topic, &message, Outcome::Error);
        }
        if let Some(to) = dead_letter {
            let letter = Message { waiter: NOBODY, wait: PublishWait::Nothing, is_dead: true, ..message };
            self.messaging.dead.push_back((to, letter));
            self.soon.push_back(Event::DeadLetter);
        }
    }

    /// The broker publishes a dead letter.
    pub(in crate::kernel) fn dead_letter(&mut self) {
        let Some((topic, message)) = self.messaging.dead.pop_front() else { return };
        self.observer.message(self.agenda.now(), MessageFact::Tried { topic });
        self.message_stored(topic, message);
    }

    /// Tells how old the oldest messages are that are not settled.
    pub(in crate::kernel) fn tell_ages(&mut self) {
        self.look_at_order();
        for group in 0..self.messaging.groups.len() as u32 {
            let state = &self.messaging.groups[group as usize];
            let topic = &self.messaging.topics[state.topic as usize];
            let mut oldest = topic.oldest(state.place);
            if let Some(logs) = &topic.logs {
                let only_there = self.messaging.only_in_hands(group, logs);
                oldest = oldest.into_iter().chain(only_there.map(|held| held.message.published)).min();
            } else if state.acks_first {
                // They are done for the broker, and not for anybody else.
                let own = self.messaging.workers.iter().filter(|worker| worker.group == group);
                let held = own.flat_map(|worker| worker.buffer.iter().chain(&worker.current));
                let only_there = held.filter(|held| held.is_acknowledged);
                oldest = oldest.into_iter().chain(only_there.map(|held| held.message.published)).min();
            }
            self.observer.oldest(group, oldest);
        }
    }

    /// The run is over: tells how many messages are pending, as the brokers and workers count them.
    pub(in crate::kernel) fn tell_what_is_pending(&mut self) {
        self.look_at_order();
        for group in 0..self.messaging.groups.len() as u32 {
            let state = &self.messaging.groups[group as usize];
            let topic = &self.messaging.topics[state.topic as usize];
            let mut pending = topic.pending(state.place);
            if state.acks_first && topic.logs.is_none() {
                // They are done for the broker, and not for anybody else.
                let own = self.messaging.workers.iter().filter(|worker| worker.group == group);
                pending += own.map(|worker| worker.acknowledged()).sum::<u64>();
            }
            if let Some(logs) = &topic.logs {
                // The log has them no more, and they are not handled yet.
                pending += self.messaging.only_in_hands(group, logs).count() as u64;
            }
            self.observer.message(self.agenda.now(), MessageFact::Pending { group, count: pending });
            self.tell_partitions(group);
        }
    }

    /// All that lies in a queue as dead letters goes back to where it came from.
    pub(in crate::kernel) fn redrive(&mut self, topic: u32) {
        let now = self.now();
        let letters = self.messaging.topics[topic as usize].shelf.empty(now, self.messaging.workers.len() as u32);
        let group = self.messaging.topics[topic as usize].first_group;
        for message in letters {
            self.settled(group, &message, Fate::Redriven);
            let back = Message { is_dead: false, ..message };
            self.observer.message(now, MessageFact::Tried { topic: message.home });
            self.message_stored(message.home, back);
        }
        self.after_shelf(topic);
    }
}
