//! Changes: what an operator does while the system runs. Settings are changed, services get more replicas or fewer,
//! processes are started again or taken out of the balancers' sight. What goes wrong of itself stands in `trouble`.

use std::ops::Range;

use crate::base::distribution::Distribution;
use crate::base::time::{Span, Time};
use crate::model::{
    Action, BreakerPlace, ClientId, Edge, Id, Layers, Limit, Model, PoolId, QueueTimeout, ServiceId, Setting, Subset,
};
use crate::policy::Outcomes;
use crate::policy::balance::Ring;
use crate::policy::breaker::{AnyBreaker, BreakerState};
use crate::policy::limit::LimitSettings;
use crate::policy::retry::AnyRetry;
use crate::policy::throttle::AnyThrottle;

use super::agenda::{Agenda, Event};
use super::engine::Engine;
use super::gate::Gate;
use super::observer::Observer;
use super::port::{Port, breakers};
use super::world::{Route, World, is_noted, limit};

impl World {
    /// Sets the constant delays and timeouts up that changes will bring: an agenda knows all of them from its start.
    pub(super) fn prepare_for_changes(&mut self, model: &Model) {
        for change in &model.changes {
            let Action::Set(settings) = &change.action else { continue };
            for setting in settings {
                match setting {
                    Setting::QueueTimeout(_, timeout) => {
                        self.patience(timeout.as_ref());
                    }
                    Setting::Latency(_, latency) => {
                        self.hop(latency);
                    }
                    Setting::Timeout(_, Some(timeout)) => {
                        self.timer(*timeout);
                    }
                    Setting::Retry(_, retry) => {
                        self.backoff(retry.as_ref());
                    }
                    _ => {}
                }
            }
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Enters the time of every change.
    pub(super) fn enter_changes(&mut self) {
        for (n, change) in self.model.changes.iter().enumerate() {
            self.agenda.at(change.at, Event::Change { change: n as u32, step: 0 });
        }
    }

    /// A step of a change is due.
    pub(super) fn change(&mut self, n: u32, step: u32) {
        let model = self.model;
        match &model.changes[n as usize].action {
            Action::Set(settings) => settings.iter().for_each(|setting| self.set(setting)),
            Action::Scale(to) => to.iter().for_each(|(service, replicas)| self.scale(*service, *replicas)),
            Action::Restart { service, subset, every: None } => {
                let replicas = self.wanted(*service, *subset);
                replicas.clone().for_each(|replica| self.crash(replica, Span::ZERO));
                replicas.for_each(|replica| self.restart(replica));
            }
            Action::Restart { service, subset, every: Some(every) } => {
                let mut left = self.wanted(*service, *subset).skip(step as usize);
                if let Some(replica) = left.next() {
                    self.crash(replica, Span::ZERO);
                    self.restart(replica);
                }
                if left.next().is_some() {
                    self.agenda.at(self.agenda.now() + *every, Event::Change { change: n, step: step + 1 });
                }
            }
            Action::Redrive(topic) => self.redrive(topic.0),
            Action::Replay { consumer, from } => self.replay(consumer.0, *from),
            Action::Drain { service, subset, lasts } => {
                let begins = step == 0;
                // Those that come later are meant, too.
                let Range { start, end } = self.replicas_of(*service);
                for index in start..start + subset.of(end - start) {
                    let drains = &mut self.world.replicas[index as usize].drains;
                    *drains = if begins { *drains + 1 } else { drains.saturating_sub(1) };
                    if begins {
                        self.leave_rotation(index);
                    } else {
                        self.join_rotation(index);
                    }
                }
                if let (true, Some(lasts)) = (begins, lasts) {
                    self.agenda.at(self.agenda.now() + *lasts, Event::Change { change: n, step: 1 });
                }
            }
        }
    }

    /// The replicas, across services, that are started again.
    fn wanted(&self, service: ServiceId, subset: Subset) -> Range<u32> {
        let service = &self.world.services[service.index()];
        service.first_replica..service.first_replica + subset.of(service.wanted)
    }

    /// A service has so many replicas from now on.
    pub(super) fn scale(&mut self, service: ServiceId, replicas: u32) {
        let state = &mut self.world.services[service.index()];
        let first = state.first_replica;
        let before = std::mem::replace(&mut state.wanted, replicas);
        if !state.fleet.ring.is_empty() {
            state.fleet.ring = Ring::new(replicas);
        }
        for index in first + replicas..first + before.max(replicas) {
            self.leave_rotation(index);
            self.workers_stop(index);
            // One that is starting up is not waited for.
            self.world.replicas[index as usize].serves_at = Time::MAX;
            self.soon.push_back(Event::Idle(index));
        }
        for index in first + before..first + replicas.max(before) {
            if self.world.replicas[index as usize].condition.down {
                self.restart(index);
            } else {
                self.join_rotation(index);
                self.workers_start(index);
            }
        }
    }

    /// A replica has nothing to do: it goes down if it is not wanted any more.
    pub(super) fn idle(&mut self, index: u32) {
        let replica = &self.world.replicas[index as usize];
        let service = &self.world.services[replica.service as usize];
        let number = index - service.first_replica;
        let is_busy = service.fleet.in_system.get(number as usize).is_some_and(|count| *count > 0)
            || self.messaging.has_members(index);
        if number >= service.wanted && !is_busy {
            self.crash(index, Span::ZERO);
        }
    }

    /// Balancers stop to send to a replica.
    pub(super) fn leave_rotation(&mut self, index: u32) {
        let service = &mut self.world.services[self.world.replicas[index as usize].service as usize];
        let number = index - service.first_replica;
        service.fleet.up.retain(|&up| up != number);
        service.fleet.changed();
        self.retire_connections(index);
    }

    /// Balancers send to a replica, if it is up and meant to get requests.
    pub(super) fn join_rotation(&mut self, index: u32) {
        let now = self.agenda.now();
        let replica = &self.world.replicas[index as usize];
        let service = &mut self.world.services[replica.service as usize];
        let number = index - service.first_replica;
        if replica.condition.down || replica.drains > 0 || number >= service.wanted {
            return;
        }
        if let Err(place) = service.fleet.up.binary_search(&number) {
            service.fleet.up.insert(place, number);
            if let Some((_, since)) = &mut service.fleet.slow_start {
                since[number as usize] = now;
            }
            service.fleet.changed();
        }
    }

    fn set(&mut self, setting: &Setting) {
        if let Some(client) = setting.client() {
            setting.apply_to_client(&mut self.world.clients[client]);
        }
        match setting {
            Setting::Threads(service, threads) => self.set_threads(*service, *threads),
            Setting::Queue(service, places) => {
                let places = limit(*places);
                self.replicas_of(*service).for_each(|it| self.world.replicas[it as usize].pool.set_places(places));
            }
            Setting::Overflow(service, overflow) => self.world.services[service.index()].overflow = *overflow,
            Setting::QueueTimeout(service, timeout) => self.set_queue_timeout(*service, timeout.as_ref()),
            Setting::Cores(service, cores) => self.set_cores(*service, *cores),
            Setting::Limit(service, limit) => self.set_limit(*service, limit.as_ref()),
            Setting::Latency(client, latency) => self.set_latency(*client, latency),
            Setting::Timeout(client, timeout) => {
                let timeout = timeout.map(|timeout| (self.world.timer(timeout), timeout));
                let now = self.now();
                if Layers::new(&self.world.clients[*client]).times_calls {
                    let timeout = timeout.map(|(_, timeout)| timeout);
                    self.gates_of(*client, |gate| gate.call_timeout = timeout);
                    return;
                }
                self.routes_of(*client, |route| {
                    let before = std::mem::replace(&mut route.timeout, timeout);
                    route.timeouts_before.push((now, before.map(|(_, timeout)| timeout)));
                });
            }
            Setting::Retry(client, retry) => {
                let backoff = self.world.backoff(retry.as_ref());
                let noted = is_noted(&self.world.clients[*client]);
                self.routes_of(*client, |route| (route.backoff, route.noted) = (backoff, noted || route.noted));
                self.ports_of(*client, |port| port.retry = retry.as_ref().map(AnyRetry::from_settings));
            }
            Setting::Breaker(client, _) => {
                let noted = is_noted(&self.world.clients[*client]);
                self.routes_of(*client, |route| route.noted |= noted);
                self.renew_breakers(*client);
            }
            Setting::Throttle(client, throttle) => {
                let fresh = || throttle.as_ref().map(AnyThrottle::from_settings);
                if Layers::new(&self.world.clients[*client]).throttle_in_gate {
                    self.gates_of(*client, |gate| gate.throttle = fresh());
                    return;
                }
                self.ports_of(*client, |port| port.throttle = fresh().map(Box::new));
            }
            Setting::Cancel(client, cancel) => self.routes_of(*client, |route| route.cancel = *cancel),
            Setting::Deadlines(client, deadlines) => {
                let propagate = *deadlines == crate::model::Deadlines::Propagate;
                self.routes_of(*client, |route| route.propagate = propagate);
            }
            Setting::Permits(pool, size) => self.set_permits(*pool, *size),
        }
    }

    /// All replicas of a service that there ever are.
    fn replicas_of(&self, service: ServiceId) -> Range<u32> {
        let service = &self.world.services[service.index()];
        service.first_replica..service.first_replica + service.replicas
    }

    fn routes_of(&mut self, client: ClientId, change: impl Fn(&mut Route)) {
        let edges = self.model.edges();
        let of_client = |(_, edge): &(&mut Route, &Edge)| edge.client == client;
        self.world.routes.iter_mut().zip(edges.iter()).filter(of_client).for_each(|(route, _)| {
            change(route);
            route.settle();
        });
    }

    /// The places of all ports of a client, each with its channel.
    fn port_places(&self, client: ClientId) -> Vec<(u32, usize)> {
        let channels = self.model.channels(&self.model.edges()).list;
        let of_client = channels.iter().enumerate().filter(|(_, channel)| channel.client == client);
        let places = of_client.flat_map(|(n, channel)| {
            let first = self.world.channels[n].first_port;
            (first..first + self.model.caller_replicas(channel.from)).map(move |port| (n as u32, port as usize))
        });
        places.collect()
    }

    fn ports_of(&mut self, client: ClientId, change: impl Fn(&mut Port)) {
        for (_, place) in self.port_places(client) {
            change(&mut self.world.ports[place]);
            self.world.ports[place].settle();
        }
    }

    fn gates_of(&mut self, client: ClientId, change: impl Fn(&mut Gate)) {
        for (_, place) in self.port_places(client) {
            self.world.ports[place].gate.iter_mut().for_each(|gate| change(gate));
        }
    }

    fn renew_breakers(&mut self, client: ClientId) {
        let now = self.now();
        for (channel, place) in self.port_places(client) {
            let client = &self.world.clients[client];
            let layers = Layers::new(client);
            let (breaker, call_breaker) = breakers(client, &layers);
            let ignored = client.breaker.map_or(Outcomes::NONE, |it| it.ignore);
            let of_gate = client.breaker.filter(|_| layers.breaker == BreakerPlace::Gate);
            let port = &mut self.world.ports[place];
            let before = port.breaker_state();
            (port.breaker, port.call_breaker, port.ignored) = (breaker, call_breaker, ignored);
            if let Some(gate) = &mut port.gate {
                (gate.breaker, gate.ignored) = (of_gate.as_ref().map(AnyBreaker::from_settings), ignored);
            }
            if let Some(state) = before
                && state != BreakerState::Closed
            {
                self.observer.breaker(channel, now, state, BreakerState::Closed);
            }
        }
    }

    fn set_threads(&mut self, service: ServiceId, threads: Limit) {
        let now = self.now();
        for index in self.replicas_of(service) {
            self.world.replicas[index as usize].pool.resize(limit(threads));
            while self.world.replicas[index as usize].pool.lend() {
                self.observer.threads(service.0, now, 1, 0);
                if !self.hand_on(index, service.0, 0) {
                    break;
                }
            }
        }
    }

    fn set_queue_timeout(&mut self, service: ServiceId, timeout: Option<&QueueTimeout>) {
        let now = self.now();
        let patience = self.world.patience(timeout);
        self.world.services[service.index()].patience = patience;
        for index in self.replicas_of(service) {
            let replica = &mut self.world.replicas[index as usize];
            replica.watches_queue = timeout.is_some() || replica.preempts;
            if let Some(QueueTimeout::Adaptive(_)) = timeout {
                replica.pool.note_when_empty(now);
            }
        }
    }

    fn set_cores(&mut self, service: ServiceId, count: u32) {
        let now = self.now();
        for index in self.replicas_of(service) {
            let Some(cores) = &mut self.world.replicas[index as usize].cores else { continue };
            let before = cores.busy();
            cores.resize(now, count);
            let change = cores.busy() as i32 - before as i32;
            self.observer.cores(service.0, now, change);
            self.schedule_cores(index);
        }
    }

    fn set_limit(&mut self, service: ServiceId, settings: Option<&LimitSettings>) {
        self.world.services[service.index()].limit = settings.copied();
        for index in self.replicas_of(service) {
            self.renew_limit(index);
        }
    }

    fn set_latency(&mut self, client: ClientId, latency: &Distribution) {
        let hop = self.world.hop(latency);
        self.routes_of(client, |route| route.hop = hop.clone());
    }

    fn set_permits(&mut self, pool: PoolId, size: u32) {
        let now = self.now();
        for instance in self.resources.pools[pool.index()].resize(size) {
            while self.resources.pools[pool.index()].at(instance).lend() {
                self.observer.permits(pool.0, now, 1);
                if !self.give_permit(pool.0, instance) {
                    break;
                }
            }
        }
    }
}
