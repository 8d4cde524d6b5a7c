//! What the meter hears of messages, and the expectations that ask about them.

use super::*;
use crate::kernel::MessageFact;

impl Meter {
    /// The topic and the group, if it is about one, that window `n` looks at.
    fn topic_of(&self, n: usize) -> (u32, Option<u32>) {
        match self.windows[n].target {
            Target::Topic(id) => (id.0, None),
            Target::Consumer(id) => self.groups_of_consumers[id.index()],
            _ => unreachable!("only topics and consumers have messages"),
        }
    }

    pub(super) fn message_counts(&mut self, n: usize, now: Time) -> Counts {
        let (topic, group) = self.topic_of(n);
        let Some(messaging) = &self.messaging else { return Counts::default() };
        if self.windows[n].wants_lag() {
            let lag = messaging.lag_now(topic, group, now);
            self.windows[n].tell_lag(now, lag);
        }
        messaging.counts(topic, group, now)
    }

    /// Tells the windows that ask how many messages wait for a group.
    pub(super) fn tell_lags(&mut self, now: Time, changed: Option<u32>) {
        for n in 0..self.windows.len() {
            if !self.windows[n].wants_lag() {
                continue;
            }
            let (topic, group) = self.topic_of(n);
            let Some(messaging) = &self.messaging else { return };
            if changed.is_none_or(|of| messaging.place(of).0 == topic) {
                let lag = messaging.lag_now(topic, group, now);
                self.windows[n].tell_lag(now, lag);
            }
        }
    }

    /// Tells the windows that ask how old a message of a group was when it was settled.
    fn tell_age(&mut self, now: Time, group: u32, age: Span) {
        for n in (0..self.windows.len()).filter(|n| self.windows[*n].wants_lag()).collect::<Vec<_>>() {
            let (topic, place) = self.topic_of(n);
            let Some(messaging) = &self.messaging else { return };
            let (of_topic, of_place) = messaging.place(group);
            if of_topic == topic && place.is_none_or(|place| place == of_place) {
                self.windows[n].tell_lag(now, (0, age));
            }
        }
    }

    /// Something has happened to messages.
    pub(super) fn tell_message(&mut self, now: Time, fact: MessageFact) {
        let Some(messaging) = &mut self.messaging else { return };
        let latency = messaging.tell(now, fact);
        if self.windows.is_empty() {
            return;
        }
        match fact {
            MessageFact::Kept { group, .. } if self.watches_lag => self.tell_lags(now, Some(group)),
            MessageFact::Settled { group, published, .. } => {
                if self.watches_lag {
                    self.tell_age(now, group, now.since(published));
                }
                let Some(messaging) = &self.messaging else { return };
                let Some(latency) = latency else { return };
                let (topic, place) = messaging.place(group);
                let of_group = |window: &Window| match window.target {
                    Target::Topic(id) => id.0 == topic,
                    Target::Consumer(id) => self.groups_of_consumers[id.index()] == (topic, Some(place)),
                    _ => false,
                };
                let asked: Vec<Target> = self.windows.iter().filter(|it| of_group(it)).map(|it| it.target).collect();
                let mut told = Vec::new();
                for target in asked {
                    if !told.contains(&target) {
                        Window::tell_latency(&mut self.windows, target, now, latency);
                        told.push(target);
                    }
                }
            }
            _ => {}
        }
    }
}
