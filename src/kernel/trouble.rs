//! Faults: they begin and end, and what they change about processes, edges and work under way. Traffic faults
//! are not here: they are part of a workload's profile.

use crate::base::distribution::Distribution;
use crate::base::random::salt;
use crate::base::time::{Span, Time};
use crate::model::{Caller, Effect, Fault, FaultTarget, Id};
use crate::policy::breaker::BreakerState;

use super::agenda::{Agenda, Event};
use super::delivery::DEPTH_MAX;
use super::engine::Engine;
use super::frame::{State, flag};
use super::observer::{Departure, Observer};
use super::port::Port;
use super::world::{Condition, EdgeTrouble};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Enters every fault's start and end.
    pub(super) fn enter_faults(&mut self) {
        for (n, fault) in self.model.faults.iter().enumerate() {
            if matches!(fault.effect, Effect::Traffic(_)) {
                continue;
            }
            self.agenda.at(fault.at, Event::FaultStart(n as u32));
            if let Some(lasts) = fault.lasts {
                self.agenda.at(fault.at + lasts, Event::FaultEnd(n as u32));
            }
        }
    }

    /// A fault begins.
    pub(super) fn fault_starts(&mut self, n: u32) {
        self.active[n as usize] = true;
        let fault = &self.model.faults[n as usize];
        self.broker_fault(fault, true);
        if let Effect::Crash { detect } = fault.effect {
            for replica in self.struck(fault) {
                self.crash(replica, detect);
            }
        }
        if let FaultTarget::Cache(cache) = fault.target {
            self.resources.caches[cache.index()].flush(None);
        }
        self.refresh(fault);
    }

    /// A fault ends.
    pub(super) fn fault_ends(&mut self, n: u32) {
        self.active[n as usize] = false;
        let fault = &self.model.faults[n as usize];
        self.broker_fault(fault, false);
        if let Effect::Crash { .. } = fault.effect {
            for replica in self.struck(fault) {
                self.restart(replica);
            }
        }
        self.refresh(fault);
    }

    /// Brings what a fault is about in line with all faults that are on.
    fn refresh(&mut self, fault: &Fault) {
        match fault.target {
            FaultTarget::Service(..) => {
                self.struck(fault).for_each(|replica| self.refresh_replica(replica));
            }
            FaultTarget::Edge(from, to) => self.refresh_edges(Caller::Service(from), to.0),
            FaultTarget::Entry(from, to) => self.refresh_edges(Caller::Workload(from), to.0),
            FaultTarget::Broker(broker, _) => self.refresh_broker(broker.0),
            FaultTarget::Topic(topic) => self.refresh_poison(topic.0),
            FaultTarget::Workload(_) | FaultTarget::Cache(_) => {}
        }
    }

    /// Brings a process in line with all that is wrong with it.
    pub(super) fn refresh_replica(&mut self, replica: u32) {
        let condition = self.condition_of(replica);
        self.apply(replica, condition);
    }

    /// The replicas, across services, that a fault strikes.
    fn struck(&self, fault: &Fault) -> std::ops::Range<u32> {
        let FaultTarget::Service(service, subset) = fault.target else { return 0..0 };
        let service = &self.world.services[service.index()];
        service.first_replica..service.first_replica + subset.of(service.replicas)
    }

    fn condition_of(&self, replica: u32) -> Condition {
        let old = &self.world.replicas[replica as usize].condition;
        let mut condition = Condition { down: old.down, ..Condition::sound() };
        if let Some(disturbance) = &self.world.replicas[replica as usize].disturbance {
            condition.paused = disturbance.pauses();
            condition.slow = disturbance.slow();
        }
        for (fault, _) in self.model.faults.iter().zip(&self.active).filter(|(_, active)| **active) {
            if !self.struck(fault).contains(&replica) {
                continue;
            }
            match &fault.effect {
                Effect::AddLatency(latency) => condition.latency.push(named(fault, latency)),
                Effect::Slow(factor) => condition.slow *= factor,
                Effect::ErrorRate(share) => condition.errors.push((fault_salt(fault), share.as_f64())),
                Effect::Pause => condition.paused = true,
                Effect::Crash { .. } | Effect::Cut | Effect::Traffic(_) | Effect::Flush | Effect::Poison(_) => {}
            }
        }
        condition
    }

    fn refresh_edges(&mut self, from: Caller, to: u32) {
        let mut trouble = EdgeTrouble::default();
        for (fault, _) in self.model.faults.iter().zip(&self.active).filter(|(_, active)| **active) {
            let (caller, callee) = match fault.target {
                FaultTarget::Edge(caller, callee) => (Caller::Service(caller), callee),
                FaultTarget::Entry(caller, callee) => (Caller::Workload(caller), callee),
                FaultTarget::Service(..)
                | FaultTarget::Workload(_)
                | FaultTarget::Cache(_)
                | FaultTarget::Broker(..)
                | FaultTarget::Topic(_) => continue,
            };
            if caller != from || callee.0 != to {
                continue;
            }
            match &fault.effect {
                Effect::AddLatency(latency) => trouble.latency.push(named(fault, latency)),
                Effect::ErrorRate(share) => trouble.errors.push((fault_salt(fault), share.as_f64())),
                Effect::Cut => trouble.cut = true,
                _ => {}
            }
        }
        let edges = self.model.edges();
        for (route, edge) in self.world.routes.iter_mut().zip(edges.iter()) {
            if edge.from == from && route.service == to {
                route.is_plain = trouble.is_none() && !route.is_zoned;
                route.trouble = trouble.clone();
                route.settle();
            }
        }
    }

    /// Changes a process's condition, and with it the work that it has under way.
    fn apply(&mut self, index: u32, condition: Condition) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        let old = std::mem::replace(&mut replica.condition, condition);
        replica.troubled = replica.condition != Condition::sound();
        let (paused, slow) = (replica.condition.paused, replica.condition.slow);
        if (paused, slow) == (old.paused, old.slow) {
            return;
        }
        if let Some(cores) = &mut replica.cores {
            let before = cores.busy();
            cores.set_slow(now, if paused { f64::INFINITY } else { slow });
            let change = cores.busy() as i32 - before as i32;
            self.observer.cores(replica.service, now, change);
            self.schedule_cores(index);
        } else {
            self.stretch_work(index, &old);
        }
        if paused && !old.paused {
            self.paused += 1;
        }
        if old.paused && !paused {
            self.paused -= 1;
            let deferred = std::mem::take(&mut self.world.replicas[index as usize].deferred);
            self.soon.extend(deferred);
        }
    }

    /// Freezes, thaws and stretches what is left of the work of a replica whose threads have a core each.
    fn stretch_work(&mut self, index: u32, old: &Condition) {
        let now = self.now();
        let replica = &self.world.replicas[index as usize];
        let (service, paused, slow) = (replica.service, replica.condition.paused, replica.condition.slow);
        for id in self.frames.ids() {
            let frame = &mut self.frames[id];
            if frame.replica != index || !matches!(frame.state, State::Working | State::Frozen) {
                continue;
            }
            let expected = frame.mark;
            let left = if old.paused { Span::from_nanos(frame.mark.as_nanos()) } else { frame.mark.since(now) };
            let left =
                if slow == old.slow { left } else { Span::from_nanos_f64(left.as_nanos() as f64 / old.slow * slow) };
            let ticket = self.frames.renew(id);
            let frame = &mut self.frames[id];
            if paused {
                frame.state = State::Frozen;
                frame.mark = Time::from_nanos(left.as_nanos());
            } else {
                frame.state = State::Working;
                frame.mark = now + left;
                self.agenda.at(now + left, Event::Proceed(ticket));
            }
            // Frozen work counts as stopped.
            let now_ends = if paused { now } else { now + left };
            self.observer.work_changes(service, if old.paused { now } else { expected }, now_ends);
        }
    }

    /// A process dies with all that it holds; who waits for it sees the connection break.
    pub(super) fn crash(&mut self, index: u32, detect: Span) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        replica.serves_at = Time::MAX;
        if replica.condition.down {
            return;
        }
        replica.condition.down = true;
        replica.troubled = true;
        replica.detected_at = now + detect;
        // Whoever hears of it acts when all that dies is dead.
        let depth = std::mem::replace(&mut self.depth, DEPTH_MAX);
        self.workers_die(index);
        for id in self.frames.ids() {
            let frame = &self.frames[id];
            if frame.replica != index || matches!(frame.state, State::Free | State::Travelling | State::Done) {
                continue;
            }
            // Branches go with their parent, unless he has gone on without them.
            if !frame.has(flag::BRANCH) || !self.live(frame.parent_ticket()) {
                self.abort(id, Departure::Refused);
            }
        }
        self.producers_die(index);
        self.depth = depth;
        self.forget_clients(index);
        self.break_connections(index);
        self.resources.caches.iter_mut().for_each(|cache| cache.flush(Some(index)));
        let replica = &mut self.world.replicas[index as usize];
        replica.deferred.clear();
        self.observer.replica(replica.service, now, -1);
        self.renew_limit(index);
        if detect.is_zero() {
            self.crash_detected(index);
        } else {
            self.agenda.at(now + detect, Event::Detected(index));
        }
    }

    /// What a process's clients have learned dies with it.
    fn forget_clients(&mut self, index: u32) {
        let now = self.now();
        let service = self.world.replicas[index as usize].service;
        let number = index - self.world.services[service as usize].first_replica;
        let channels = self.model.channels(&self.model.edges()).list;
        for (n, channel) in channels.iter().enumerate() {
            let is_own = match channel.from {
                Caller::Service(from) => from.0 == service,
                Caller::Consumer(_) => channel.to.0 == service,
                Caller::Workload(_) => false,
            };
            if !is_own {
                continue;
            }
            let place = (self.world.channels[n].first_port + number) as usize;
            self.hang_up(place);
            let line = self.world.ports[place].line.take();
            let fresh = self.world.port(self.model, channel, &self.world.clients[channel.client], number, now);
            let new = Port { line, ..fresh };
            let port = std::mem::replace(&mut self.world.ports[place], new);
            let told = port.sieve.as_ref().map_or(0, |sieve| sieve.told());
            if told > 0 {
                self.observer.ejected(n as u32, now, -(told as i32));
            }
            if let Some(state) = port.breaker_state()
                && state != BreakerState::Closed
            {
                self.observer.breaker(n as u32, now, state, BreakerState::Closed);
            }
        }
    }

    /// Balancers stop to send to a replica that is down.
    pub(super) fn crash_detected(&mut self, index: u32) {
        let replica = &self.world.replicas[index as usize];
        if !replica.condition.down || replica.detected_at != self.now() {
            return;
        }
        self.leave_rotation(index);
    }

    /// A process that is down is started again, unless a crash still holds it down or nobody wants it.
    pub(super) fn restart(&mut self, index: u32) {
        let held_down = self.model.faults.iter().zip(&self.active).any(|(fault, active)| {
            *active && matches!(fault.effect, Effect::Crash { .. }) && self.struck(fault).contains(&index)
        });
        let replica = &mut self.world.replicas[index as usize];
        let service = &self.world.services[replica.service as usize];
        if held_down || index - service.first_replica >= service.wanted {
            return;
        }
        let startup = service.startup;
        let serves_at = self.agenda.now() + startup;
        replica.serves_at = serves_at;
        if startup.is_zero() {
            self.started_up(index);
        } else {
            self.agenda.at(serves_at, Event::Started(index));
        }
    }

    /// A process serves again.
    pub(super) fn started_up(&mut self, index: u32) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        // Somebody who restarts what is just starting makes it start once more, at the same moment perhaps.
        if replica.serves_at != now || !replica.condition.down {
            return;
        }
        replica.condition.down = false;
        replica.troubled = replica.condition != Condition::sound();
        self.observer.replica(replica.service, now, 1);
        self.renew_limit(index);
        self.join_rotation(index);
        self.enter_disturbance(index);
        self.workers_start(index);
    }
}

/// The name of a fault's draws.
pub(super) fn fault_salt(fault: &Fault) -> u64 {
    salt(&format!("fault/{}", fault.name))
}

fn named(fault: &Fault, latency: &Distribution) -> (u64, Distribution) {
    (fault_salt(fault), latency.clone())
}
