//! Limits of replicas: who is let in, and how the limit hears of his end. A frame that was let in owes its replica's
//! limit the news, as it owes a pool its permit; frames of replicas whose limit does not count owe nothing.

use crate::base::random::{Stream, salt};
use crate::base::time::Time;
use crate::model::{Id, Model, ServiceId};
use crate::policy::Outcome;
use crate::policy::limit::{AnyLimiter, Ended, LimitSettings, Limiter, Newcomer};

use super::agenda::Agenda;
use super::engine::Engine;
use super::observer::Observer;
use super::resources::Debt;
use super::world::Replica;

const SALT_LIMIT: u64 = salt("limit");

/// The limit of one process.
pub(super) struct Guard {
    pub(super) limiter: AnyLimiter,
    /// What the observer was told of it; nothing while the process is down.
    told: u32,
}

impl Guard {
    /// Of replica `number` of a service, whose process starts at `now`.
    pub(super) fn new(model: &Model, service: ServiceId, number: u32, settings: &LimitSettings, now: Time) -> Guard {
        let name = &model.services[service].name;
        let stream = Stream::new(model.seed, &format!("service/{name}/limit/{number}/{}", now.as_nanos()));
        Guard { limiter: AnyLimiter::from_settings(settings, now, stream), told: 0 }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Tells the observer of the limits that there are at the start.
    pub(super) fn enter_limits(&mut self) {
        for index in 0..self.world.replicas.len() as u32 {
            self.tell_limit(index);
        }
    }

    /// Whether the limit of a replica lets a newcomer in.
    #[inline(never)]
    pub(super) fn is_within_limit(&mut self, id: u32) -> bool {
        let now = self.now();
        let frame = &self.frames[id];
        let index = frame.replica;
        let replica = &mut self.world.replicas[index as usize];
        let Some(guard) = &mut replica.limit else { return true };
        let newcomer = Newcomer {
            in_flight: replica.admitted,
            priority: frame.priority(),
            uniform: frame.key.child(SALT_LIMIT).uniform(),
        };
        let is_in = guard.limiter.admit(now, &newcomer);
        if !is_in {
            self.observer.beyond_limit(replica.service, now);
        }
        if guard.limiter.counts() {
            if is_in {
                replica.admitted += 1;
                let in_flight = replica.admitted;
                self.owe(id, Debt::Admission { in_flight });
            }
            self.tell_limit(index);
        }
        is_in
    }

    /// One that a limit let in has ended.
    pub(super) fn ended_for_limit(&mut self, id: u32, in_flight: u32, outcome: Outcome) {
        let now = self.now();
        let frame = &self.frames[id];
        let index = frame.replica;
        let replica = &mut self.world.replicas[index as usize];
        replica.admitted -= 1;
        if let Some(guard) = &mut replica.limit {
            let rtt = now.since(frame.arrived);
            guard.limiter.ended(now, &Ended { rtt, in_flight, priority: frame.priority(), outcome });
            self.tell_limit(index);
        }
    }

    /// A process has a new limit, or none any more, from now on.
    pub(super) fn renew_limit(&mut self, index: u32) {
        let now = self.now();
        let replica = &self.world.replicas[index as usize];
        let state = &self.world.services[replica.service as usize];
        let number = index - state.first_replica;
        let id = ServiceId::new(replica.service as usize);
        let guard = state.limit.as_ref().map(|settings| Guard::new(self.model, id, number, settings, now));
        let replica = &mut self.world.replicas[index as usize];
        let told = replica.limit.as_ref().map_or(0, |guard| guard.told);
        replica.limit = guard.map(|guard| Box::new(Guard { told, ..guard }));
        replica.guarded = replica.is_guarded();
        if replica.limit.is_none() && told > 0 {
            self.observer.limit(replica.service, now, -(told as i32));
        }
        self.tell_limit(index);
    }

    /// Tells the observer when a limit has changed.
    pub(super) fn tell_limit(&mut self, index: u32) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        let is_down = replica.condition.down;
        let Some(guard) = &mut replica.limit else { return };
        let limit = if is_down { 0 } else { guard.limiter.limit().unwrap_or(0) };
        if limit != guard.told {
            self.observer.limit(replica.service, now, limit as i32 - guard.told as i32);
            guard.told = limit;
        }
    }
}

impl Replica {
    /// Whether somebody stands at its door.
    pub(super) fn is_guarded(&self) -> bool {
        self.limit.is_some() || self.codel.is_some()
    }
}
