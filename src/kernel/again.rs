//! Again or not: what follows an attempt that has failed, and the wait before the next one.

use crate::base::random::salt;
use crate::base::time::Span;
use crate::policy::Outcome;
use crate::policy::retry::{Failure, Retry};

use super::agenda::{Agenda, Event};
use super::caller::current_call;
use super::engine::Engine;
use super::frame::{State, flag};
use super::observer::{Observer, Spent};

const SALT_BACKOFF: u64 = salt("backoff");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// An attempt has failed: again, or not.
    pub(super) fn attempt_failed_on(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        let frame = self.frames[id];
        let port = self.port(edge, frame.replica);
        let route = &self.world.routes[edge as usize];
        let is_out_of_time = route.noted && now >= self.note(id).until;
        let delay = match &mut self.world.ports[port].retry {
            // What was read of a stream cannot be taken back.
            Some(retry)
                if !frame.has(flag::CANCELLED)
                    && frame.state != State::Streaming
                    && route.repeatable.has(outcome)
                    && !is_out_of_time =>
            {
                let (_, salt) = current_call(&self.world.program.ops, &frame);
                let draws = frame.key.child(salt ^ (u64::from(frame.iteration) << 16) ^ SALT_BACKOFF).draws();
                let uniform = |retry: u32| draws.skip(u64::from(retry - 1)).uniform();
                retry.next_delay(now, Failure::new(frame.count, outcome), &uniform)
            }
            _ => None,
        };
        let Some(delay) = delay else {
            self.call_failed(id, outcome);
            return;
        };
        if route.propagate && now + delay >= frame.deadline {
            self.withdraw_retry(id, edge);
            self.call_failed(id, outcome);
            return;
        }
        if route.noted {
            self.note_failure(id, outcome);
        }
        self.observer.retried(edge, now, outcome);
        self.back_off(id, edge, delay);
    }

    /// A call waits before its next attempt, but no longer than its caller has patience.
    pub(super) fn back_off(&mut self, id: u32, edge: u32, delay: Span) {
        let ticket = self.frames.renew(id);
        self.frames[id].state = State::BackingOff;
        let (event, route) = (Event::Retry(ticket), &self.world.routes[edge as usize]);
        self.observer.spends(id, self.agenda.now(), Spent::Backoff);
        let due = self.agenda.now() + delay;
        match route.backoff {
            _ if delay.is_zero() => self.soon.push_back(event),
            _ if route.noted => self.agenda.at(due.min(self.note(id).until), event),
            Some((lane, constant)) if constant == delay => self.agenda.after(lane, event),
            _ => self.agenda.at(due, event),
        }
    }

    /// A retry that was granted is not sent.
    pub(super) fn withdraw_retry(&mut self, id: u32, edge: u32) {
        let (now, port) = (self.now(), self.port(edge, self.frames[id].replica));
        if let Some(retry) = self.world.ports[port].retry.as_mut().filter(|_| self.frames[id].count > 0) {
            retry.withdrawn(now);
        }
    }

    /// A call that backs off is told to stop.
    pub(super) fn withdraw_backoff(&mut self, id: u32) {
        let (edge, _) = self.current_call(&self.frames[id]);
        self.withdraw_retry(id, edge);
        if self.world.routes[edge as usize].noted {
            self.note_end(id, edge, Outcome::Cancelled);
        }
    }
}
