//! Again or not: what follows an attempt that has failed, and the wait before the next one; and what follows when the call
//! has failed with all of them.

use crate::base::random::salt;
use crate::base::time::Span;
use crate::policy::Outcome;
use crate::policy::retry::{Failure, Retry};

use super::agenda::{Agenda, Event};
use super::caller::current_call;
use super::engine::Engine;
use super::frame::{State, flag};
use super::note::{NO_NOTE, Note};
use super::observer::{Observer, Spent};
use super::program::{NO_FALLBACK, Op};

const SALT_BACKOFF: u64 = salt("backoff");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// An attempt has failed: again, or not.
    pub(super) fn attempt_failed_on(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        let frame = self.frames[id];
        let port = self.port(edge, frame.replica);
        let route = &self.world.routes[edge as usize];
        let note = if route.noted { self.note(id) } else { NO_NOTE };
        let is_out_of_time = now >= note.until;
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
                let Note { wish, pushed_back_at, .. } = note;
                let failure = Failure { attempt: frame.count, outcome, pushback: wish, pushed_back_at };
                retry.next_delay(now, failure, &uniform)
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
            self.note_failure(id, frame.count, outcome);
        }
        self.observer.retried(edge, now, outcome);
        self.back_off(id, edge, delay);
    }

    /// A call has failed for good: an optional one is passed over, any other ends the handler.
    pub(super) fn call_failed(&mut self, id: u32, outcome: Outcome) {
        let now = self.now();
        let (edge, _) = self.current_call(&self.frames[id]);
        if self.world.routes[edge as usize].noted {
            self.note_end(id, edge, outcome);
        }
        let frame = &self.frames[id];
        let op = &self.world.program.ops[frame.pc as usize - 1];
        if let Op::Call { edge, optional, fallback, .. } = op {
            self.observer.call_failed(*edge, now, outcome, *optional || *fallback != NO_FALLBACK);
        }
        match op {
            Op::Call { fallback, .. } if *fallback != NO_FALLBACK && !frame.has(flag::CANCELLED) => {
                self.frames[id].pc = *fallback;
                self.go_on_soon(id);
            }
            Op::Call { optional: true, .. } => {
                // There is no answer to read.
                if self.world.program.ops.get(frame.pc as usize).is_some_and(Op::reads_answer) {
                    self.frames[id].pc += 1;
                }
                self.go_on_soon(id);
            }
            _ if frame.has(flag::USER) => self.user_done(id, outcome),
            _ => self.fail(id),
        }
    }

    /// A call waits before its next attempt, but no longer than its caller has patience.
    pub(super) fn back_off(&mut self, id: u32, edge: u32, delay: Span) {
        let ticket = self.frames.renew(id);
        self.frames[id].state = State::BackingOff;
        self.tell_spends(id, Spent::Backoff);
        let (event, route) = (Event::Retry(ticket), &self.world.routes[edge as usize]);
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
