//! Hedged calls: several attempts at a time, of which the first good answer wins.
//!
//! While it waits, the frame of such a call has a small frame for each attempt, linked like the branches of a parallel
//! step. Each stands at the same operation and waits for its callee like a call without hedges, so that sending,
//! answering and giving up one attempt are the same; all are freed when the call is over. Calls whose client does not
//! hedge have none.

use crate::base::time::Time;
use crate::policy::Outcome;
use crate::policy::hedge::Hedge;

use super::agenda::{Agenda, Event};
use super::caller::{permitted, set_timeout};
use super::engine::Engine;
use super::frame::{Frame, NONE, State, flag};
use super::observer::{Deed, Observer, Spent};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A call with hedges begins: one patience holds for all its attempts.
    #[inline(never)]
    pub(super) fn call_with_hedges(&mut self, id: u32, edge: u32, salt: u64) {
        let ticket = self.frames.renew(id);
        let frame = &mut self.frames[id];
        (frame.state, frame.child, frame.pending) = (State::Hedging, NONE, 0);
        let deadline = frame.deadline;
        self.tell_spends(id, Spent::Answers);
        let route = &self.world.routes[edge as usize];
        let until = if route.noted { self.notes.get(id as usize).map_or(Time::MAX, |it| it.until) } else { Time::MAX };
        let deadline = set_timeout(&mut self.agenda, &self.frames, route, ticket, deadline, until);
        if let Err(outcome) = self.send_hedge(id, edge, salt, deadline) {
            self.end_hedging(id, Outcome::Cancelled);
            self.call_failed(id, outcome);
        }
    }

    /// Sends the next attempt that the client's policies let go; those that they do not let go have failed. Afterwards
    /// the call may be over.
    fn send_hedge(&mut self, id: u32, edge: u32, salt: u64, deadline: Time) -> Result<(), Outcome> {
        let now = self.now();
        let attempts = self.world.routes[edge as usize].hedged;
        let port = self.port(edge, self.frames[id].replica);
        let channel = self.world.routes[edge as usize].channel;
        let place = loop {
            let frame = &mut self.frames[id];
            frame.count += 1;
            let (count, place) = (frame.count, frame.place(salt));
            match permitted(&mut self.observer, now, &mut self.world.ports[port], channel, edge, place) {
                Ok(()) => break place,
                Err(outcome) => {
                    self.tell_deed(id, Deed::Tries { edge, attempt: count });
                    self.tell_deed(id, Deed::Tried(outcome));
                    if count >= attempts {
                        return Err(outcome);
                    }
                }
            }
        };
        let has_gate = self.world.ports[port].gate.is_some();
        if !has_gate {
            self.observer.sent(edge, now);
        }
        let ticket = self.frames.ticket(id);
        let caller = self.frames[id];
        let attempt = self.frames.insert(Frame {
            mark: now,
            deadline,
            pc: caller.pc,
            iteration: caller.iteration,
            count: caller.count,
            sibling: caller.child,
            replica: caller.replica,
            service: caller.service,
            request_key: caller.request_key,
            rank: caller.rank,
            state: State::Calling,
            flags: flag::HEDGE | flag::BRANCH | flag::REPLIED | (caller.flags & flag::ABANDONED),
            ..Frame::new(caller.key, ticket)
        });
        let origin = self.frames.origin(id);
        self.frames.set_origin(attempt.frame, origin);
        self.tell_begins(attempt.frame, Spent::Answers, Deed::Hedges { call: id });
        self.tell_deed(attempt.frame, Deed::Tries { edge, attempt: caller.count });
        let frame = &mut self.frames[id];
        frame.child = attempt.frame;
        frame.pending += 1;
        frame.mark = Time::MAX;
        let delay = self.world.ports[port].hedge.as_ref().and_then(|hedge| hedge.delay());
        if let Some(delay) = delay.filter(|_| caller.count < attempts) {
            self.frames[id].mark = now + delay;
            match delay.is_zero() {
                true => self.soon.push_back(Event::Retry(ticket)),
                false => self.agenda.at(now + delay, Event::Retry(ticket)),
            }
        }
        match has_gate {
            true => self.come_to_gate(attempt),
            false => self.launch(attempt, edge, place, deadline),
        }
        Ok(())
    }

    /// The latest attempt has had its time: the next one is sent, unless one that failed has already sent it.
    pub(super) fn hedge_due(&mut self, id: u32) {
        if self.now() >= self.frames[id].mark && self.may_hedge(id) {
            let (edge, salt) = self.current_call(&self.frames[id]);
            let deadline = self.frames[self.frames[id].child].deadline;
            // When the policies let none go, those under way decide.
            let _ = self.send_hedge(id, edge, salt, deadline);
        }
    }

    /// Whether a call may send another attempt.
    fn may_hedge(&self, id: u32) -> bool {
        let frame = &self.frames[id];
        let (edge, _) = self.current_call(frame);
        let route = &self.world.routes[edge as usize];
        let too_late = route.propagate && self.now() >= frame.deadline;
        let port = self.port(edge, frame.replica);
        frame.count < route.hedged
            && !frame.has(flag::CANCELLED)
            && !too_late
            && self.world.ports[port].hedge.as_ref().is_none_or(|hedge| hedge.permits())
    }

    /// An attempt of a call with hedges has ended: it wins, or the next one is sent at once, or nothing is left.
    pub(super) fn hedge_ended(&mut self, attempt: u32, edge: u32, outcome: Outcome) {
        let id = self.frames[attempt].parent;
        let deadline = self.frames[attempt].deadline;
        debug_assert!(self.frames[id].state == State::Hedging, "attempts are freed with their call");
        self.frames[attempt].state = State::Done;
        self.frames[id].pending -= 1;
        if outcome.is_ok() {
            // The answer that is read is the one to this attempt.
            self.frames[id].count = self.frames[attempt].count;
            let latency = self.now().since(self.first_sent(id));
            let port = self.port(edge, self.frames[id].replica);
            if let Some(hedge) = &mut self.world.ports[port].hedge {
                hedge.answered(latency);
            }
            self.tell_explains(id, attempt);
            self.end_hedging(id, Outcome::Cancelled);
            if self.world.routes[edge as usize].noted {
                self.note_end(id, edge, outcome);
            }
            self.go_on(id);
            return;
        }
        if !self.world.routes[edge as usize].repeatable.has(outcome) {
            self.end_hedging(id, Outcome::Cancelled);
            self.call_failed(id, outcome);
            return;
        }
        let port = self.port(edge, self.frames[id].replica);
        if let Some(hedge) = &mut self.world.ports[port].hedge {
            hedge.failed();
        }
        let mut last = outcome;
        if self.may_hedge(id) {
            let (_, salt) = self.current_call(&self.frames[id]);
            match self.send_hedge(id, edge, salt, deadline) {
                Ok(()) => return,
                Err(outcome) => last = outcome,
            }
        }
        if self.frames[id].pending == 0 {
            self.end_hedging(id, Outcome::Cancelled);
            self.call_failed(id, last);
        }
    }

    /// The caller's patience with a call with hedges ends.
    pub(super) fn hedges_timed_out(&mut self, id: u32, outcome: Outcome) {
        self.end_hedging(id, outcome);
        self.call_failed(id, outcome);
    }

    /// Gives up all attempts of a call that are still under way, which end with `outcome`, and frees all.
    pub(super) fn end_hedging(&mut self, id: u32, outcome: Outcome) {
        let mut next = self.frames[id].child;
        while next != NONE {
            let attempt = next;
            next = self.frames[attempt].sibling;
            if self.frames[attempt].state == State::Held {
                self.leave_gate(attempt);
            }
            if matches!(self.frames[attempt].state, State::Calling | State::Connecting) {
                self.give_up(attempt);
                self.conclude(attempt, outcome);
            }
            self.free(attempt);
        }
        self.frames[id].child = NONE;
        self.frames.renew(id);
    }

    /// When the first attempt of a call was sent.
    fn first_sent(&self, id: u32) -> Time {
        let mut first = self.now();
        let mut next = self.frames[id].child;
        while next != NONE {
            let attempt = &self.frames[next];
            (first, next) = (first.min(attempt.mark), attempt.sibling);
        }
        first
    }
}
