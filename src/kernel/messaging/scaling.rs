//! Replicas that follow the messages that wait for a group.

use crate::base::time::Time;
use crate::model::Id;

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::observer::Observer;

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Enters what looks at topics and groups now and then.
    pub(in crate::kernel) fn enter_messaging(&mut self) {
        for (id, consumer) in self.model.consumers.enumerate() {
            if let Some(scaling) = consumer.scaling {
                self.agenda.at(Time::ZERO + scaling.every, Event::LagLook { consumer: id.0, looks: 0 });
            }
        }
        for (id, topic) in self.model.topics.enumerate() {
            if let Some(every) = topic.redrive_every {
                self.agenda.at(Time::ZERO + every, Event::Redrive(id.0));
            }
        }
        for topic in 0..self.messaging.topics.len() as u32 {
            if self.messaging.topics[topic as usize].logs.is_some() {
                self.enter_cleaning(topic);
            }
        }
        self.enter_workers();
    }

    /// It is time to look whether a group has as many replicas as it needs. `looks` counts those since when
    /// fewer would have been enough.
    pub(in crate::kernel) fn look_at_lag(&mut self, consumer: u32, looks: u32) {
        let now = self.now();
        let consumers = &self.model.consumers;
        let it = consumers.iter().nth(consumer as usize).expect("the model's consumers are as many");
        let Some(scaling) = it.scaling else { return };
        let topic = &self.messaging.topics[it.topic.index()];
        let pending = topic.pending(it.group);
        // A partition is read by one member: more would have nothing to do.
        let partitions = topic.logs.as_ref().map_or(u32::MAX, |logs| logs.logs.len() as u32);
        let max = scaling.max.min(partitions.div_ceil(it.concurrency)).max(scaling.min);
        let wanted = pending.div_ceil(scaling.lag.into()).clamp(scaling.min.into(), max.into()) as u32;
        let service = self.model.endpoints[it.handler].service;
        let there = self.world.services[service.index()].wanted;
        let looks_needed = (scaling.down_after.as_nanos() / scaling.every.as_nanos()) as u32;
        let mut low = 0;
        if wanted > there {
            self.scale(service, wanted);
        } else if wanted < there {
            low = looks + 1;
            if low > looks_needed {
                self.scale(service, wanted);
                low = 0;
            }
        }
        self.agenda.at(now + scaling.every, Event::LagLook { consumer, looks: low });
    }

    /// What lies in a queue of dead letters goes back, as it does every so often.
    pub(in crate::kernel) fn redrive_due(&mut self, topic: u32) {
        self.redrive(topic);
        if let Some(every) = self.messaging.topics[topic as usize].redrive_every {
            self.agenda.at(self.agenda.now() + every, Event::Redrive(topic));
        }
    }
}
