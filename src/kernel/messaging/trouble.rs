//! What goes wrong with brokers: nodes die and others take over, the network is slow, messages are poisoned.

use crate::base::time::Time;
use crate::model::{BrokerKind, Effect, Fault, FaultTarget, Id};

use super::super::agenda::{Agenda, Event};
use super::super::engine::Engine;
use super::super::observer::Observer;
use super::super::trouble::fault_salt;
use super::nodes::BrokerTrouble;

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A fault of a broker begins or ends; all others are left alone.
    pub(in crate::kernel) fn broker_fault(&mut self, fault: &Fault, begins: bool) {
        let FaultTarget::Broker(broker, subset) = fault.target else { return };
        if !matches!(fault.effect, Effect::Crash { .. }) {
            return;
        }
        let count = self.messaging.brokers[broker.index()].nodes.len() as u32;
        for node in 0..subset.of(count) {
            if begins {
                self.node_dies(broker.0, node);
            } else {
                self.node_is_back(broker.0, node);
            }
        }
    }

    fn node_dies(&mut self, broker: u32, node: u32) {
        let now = self.now();
        let state = &mut self.messaging.brokers[broker as usize];
        if state.nodes[node as usize].is_down {
            return;
        }
        let replaced_at = state.node_dies(now, node);
        if replaced_at < Time::MAX {
            self.agenda.at(replaced_at, Event::BrokerDue(broker));
        }
        let brokers = &self.model.brokers;
        let kind = brokers.iter().nth(broker as usize).map(|it| it.kind);
        for topic in self.topics_led_by(broker, node) {
            // Connections break: what was delivered and not acknowledged comes back, unless it is only invisible.
            if matches!(kind, Some(BrokerKind::Rabbitmq | BrokerKind::Ideal)) {
                self.close_all(topic);
            }
        }
        self.logs_hear_of_leaders(broker, Some(node));
    }

    fn node_is_back(&mut self, broker: u32, node: u32) {
        let state = &mut self.messaging.brokers[broker as usize].nodes[node as usize];
        if !std::mem::replace(&mut state.is_down, false) {
            return;
        }
        self.let_publishers_go(broker, node);
        self.broker_due(broker);
    }

    /// Somebody leads again what nobody led: groups get their messages.
    pub(in crate::kernel) fn broker_due(&mut self, broker: u32) {
        self.logs_hear_of_leaders(broker, None);
        for topic in 0..self.messaging.topics.len() as u32 {
            let state = &self.messaging.topics[topic as usize];
            if state.broker == broker && state.logs.is_none() {
                for group in state.first_group..state.first_group + state.groups {
                    self.serve(group);
                }
            }
        }
    }

    fn logs_hear_of_leaders(&mut self, broker: u32, died: Option<u32>) {
        for topic in 0..self.messaging.topics.len() as u32 {
            let state = &self.messaging.topics[topic as usize];
            if state.broker == broker && state.logs.is_some() {
                self.leaders_changed(topic, died);
            }
        }
    }

    fn topics_led_by(&self, broker: u32, node: u32) -> Vec<u32> {
        let topics = self.messaging.topics.iter().enumerate();
        let led = topics.filter(|(_, topic)| topic.broker == broker && topic.home == node);
        led.map(|(id, _)| id as u32).collect()
    }

    /// All workers of a topic's groups lose their connections.
    fn close_all(&mut self, topic: u32) {
        let state = &self.messaging.topics[topic as usize];
        let groups = state.first_group..state.first_group + state.groups;
        for worker in 0..self.messaging.workers.len() as u32 {
            let it = &self.messaging.workers[worker as usize];
            if it.is_there && groups.contains(&it.group) {
                self.close_worker(worker, false);
                if self.messaging.workers[worker as usize].frame == super::NONE {
                    self.soon.push_back(Event::Worker(worker));
                }
            }
        }
    }

    /// Brings a broker in line with all that is wrong with it.
    pub(in crate::kernel) fn refresh_broker(&mut self, broker: u32) {
        let mut trouble = BrokerTrouble { latency: Vec::new(), slow: 1.0 };
        for (fault, _) in self.model.faults.iter().zip(&self.active).filter(|(_, active)| **active) {
            if !matches!(fault.target, FaultTarget::Broker(id, _) if id.0 == broker) {
                continue;
            }
            match &fault.effect {
                Effect::AddLatency(latency) => trouble.latency.push((fault_salt(fault), latency.clone())),
                Effect::Slow(factor) => trouble.slow *= factor,
                _ => {}
            }
        }
        self.messaging.brokers[broker as usize].set_trouble(trouble);
    }

    /// Brings the share of messages that are poisoned in line with all faults that are on.
    pub(in crate::kernel) fn refresh_poison(&mut self, topic: u32) {
        let active = self.model.faults.iter().zip(&self.active).filter(|(_, active)| **active);
        let of_topic = active.filter_map(|(fault, _)| match (fault.target, &fault.effect) {
            (FaultTarget::Topic(id), Effect::Poison(share)) if id.0 == topic => {
                Some((fault_salt(fault), share.as_f64()))
            }
            _ => None,
        });
        self.messaging.topics[topic as usize].poison = of_topic.collect();
    }
}
