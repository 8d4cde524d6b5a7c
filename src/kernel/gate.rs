//! The gate of a client: before an attempt is sent, and behind breaker and throttle, it waits for its turn at the rate
//! limit, for a place in the bulkhead, and for room within the limit. The order is that of resilience4j: the timeout starts
//! with the bulkhead. Clients without any of these never come here.

use std::collections::BTreeMap;

use crate::base::random::{Key, Stream, salt};
use crate::base::time::{Span, Time};
use crate::model::Client;
use crate::policy::Outcome;
use crate::policy::breaker::Verdict;
use crate::policy::bulkhead::{Bulkhead, Entry};
use crate::policy::limit::{AnyLimiter, Ended, Limiter, Newcomer};
use crate::policy::rate::{RateLimiter, Turn};
use crate::policy::retry::Retry;

use super::agenda::{Agenda, Event, Ticket};
use super::caller::set_timeout;
use super::engine::Engine;
use super::frame::{State, flag};
use super::observer::{Deed, Observer};

const SALT_LIMIT: u64 = salt("client/limit");

/// What a frame waits for in [`State::Held`], as its `pending`.
mod wants {
    /// Its turn, which has been promised.
    pub(super) const TURN: u32 = 0;
    /// To hear that it has none.
    pub(super) const REFUSAL: u32 = 1;
    /// A place in the bulkhead.
    pub(super) const PLACE: u32 = 2;
    /// It has one, which it learns in a moment.
    pub(super) const NOTHING: u32 = 3;
}

/// See the module. One per port.
pub(super) struct Gate {
    rate: Option<RateLimiter>,
    bulkhead: Option<Bulkhead<Ticket>>,
    limit: Option<AnyLimiter>,
    /// Attempts within the limit, by their frame: how many there were when each was let go, itself included.
    in_flight: BTreeMap<u32, u32>,
    /// Since when the caller's patience counts with attempts that had to wait for the bulkhead, by their frame.
    since: BTreeMap<u32, Time>,
}

impl Gate {
    /// Of a process that starts at `now`; `name` is that of its draws. `None` for a client that needs none.
    pub(super) fn new(client: &Client, seed: u64, name: &str, now: Time) -> Option<Box<Gate>> {
        if !client.has_gate() {
            return None;
        }
        let Client { rate_limit, bulkhead, limit, .. } = client;
        let stream = || Stream::new(seed, &format!("{name}/limit"));
        Some(Box::new(Gate {
            rate: rate_limit.as_ref().map(|settings| RateLimiter::new(settings, now)),
            bulkhead: bulkhead.as_ref().map(Bulkhead::new),
            limit: limit.as_ref().map(|settings| AnyLimiter::from_settings(settings, now, stream())),
            in_flight: BTreeMap::new(),
            since: BTreeMap::new(),
        }))
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    fn gate(&mut self, id: u32) -> (u32, &mut Gate) {
        let (edge, _) = self.current_call(&self.frames[id]);
        let port = self.port(edge, self.frames[id].replica);
        (edge, self.world.ports[port].gate.as_mut().expect("only clients with a gate come here"))
    }

    /// An attempt, whose frame waits with `ticket`, comes to the gate.
    #[inline(never)]
    pub(super) fn come_to_gate(&mut self, ticket: Ticket) {
        let now = self.now();
        let (edge, gate) = self.gate(ticket.frame);
        let (wants, wait) = match gate.rate.as_mut().map_or(Turn::After(Span::ZERO), |rate| rate.reserve(now)) {
            Turn::After(Span::ZERO) => {
                self.enter_bulkhead(ticket);
                return;
            }
            Turn::Refused(Span::ZERO) => {
                self.stopped_at_gate(ticket.frame, edge, Outcome::Limited);
                return;
            }
            Turn::After(wait) => (wants::TURN, wait),
            Turn::Refused(wait) => (wants::REFUSAL, wait),
        };
        self.hold(ticket.frame, edge, wants);
        let until = self.call_until(ticket.frame, edge);
        self.agenda.at((now + wait).min(until), Event::Retry(ticket));
    }

    fn hold(&mut self, id: u32, edge: u32, wants: u32) {
        let frame = &mut self.frames[id];
        (frame.state, frame.pending) = (State::Held, wants);
        self.observer.held(edge, self.agenda.now(), 1);
    }

    /// A wait at the gate is over.
    pub(super) fn gate_opens(&mut self, ticket: Ticket) {
        let frame = &self.frames[ticket.frame];
        let (wants, is_cancelled) = (frame.pending, frame.has(flag::CANCELLED));
        if is_cancelled && !frame.has(flag::HEDGE) {
            self.withdraw_held(ticket.frame);
            self.frames.renew(ticket.frame);
            self.go_on(ticket.frame);
            return;
        }
        let (edge, _) = self.current_call(frame);
        self.observer.held(edge, self.agenda.now(), -1);
        if matches!(wants, wants::TURN | wants::REFUSAL) && self.now() >= self.call_until(ticket.frame, edge) {
            self.stopped_at_gate(ticket.frame, edge, Outcome::Timeout);
            return;
        }
        match wants {
            wants::TURN => self.enter_bulkhead(ticket),
            wants::REFUSAL => self.stopped_at_gate(ticket.frame, edge, Outcome::Limited),
            _ => self.pass_limit(ticket),
        }
    }

    /// The patience of the caller starts, and it wants a place in the bulkhead.
    fn enter_bulkhead(&mut self, ticket: Ticket) {
        let now = self.now();
        let id = ticket.frame;
        let (edge, _) = self.current_call(&self.frames[id]);
        if !self.frames[id].has(flag::HEDGE) {
            // Of a call with hedges the call has patience, and no attempt of its own.
            let told = self.frames[id].deadline;
            let until = self.call_until(id, edge);
            let route = &self.world.routes[edge as usize];
            if route.propagate && now >= told {
                self.stopped_at_gate(id, edge, Outcome::Expired);
                return;
            }
            set_timeout(&mut self.agenda, &self.frames, route, ticket, told, until);
        }
        let port = self.port(edge, self.frames[id].replica);
        let frames = &self.frames;
        let gate = self.world.ports[port].gate.as_mut().expect("it stands at the gate");
        let entry = gate.bulkhead.as_mut().map_or(Entry::Entered { is_new: false }, |bulkhead| {
            bulkhead.enter(now, ticket, |ticket| frames.live(ticket))
        });
        match entry {
            Entry::Entered { .. } => self.pass_limit(ticket),
            Entry::Rejected => self.stopped_at_gate(id, edge, Outcome::Limited),
            Entry::Waits(until) => {
                gate.since.insert(id, now);
                self.hold(id, edge, wants::PLACE);
                if until != Time::MAX {
                    self.agenda.at(until, Event::Timeout(ticket));
                }
            }
        }
    }

    /// It has its place: if the limit lets it, it is sent.
    fn pass_limit(&mut self, ticket: Ticket) {
        let now = self.now();
        let id = ticket.frame;
        let priority = self.frames[id].priority();
        let (edge, salt) = self.current_call(&self.frames[id]);
        let place = self.frames[id].place(salt);
        let (_, gate) = self.gate(id);
        let in_flight = gate.in_flight.len() as u32;
        let newcomer = Newcomer { in_flight, priority, uniform: place.child(SALT_LIMIT).uniform() };
        if let Some(limit) = &mut gate.limit {
            if !limit.admit(now, &newcomer) {
                self.free_place(id);
                self.stopped_at_gate(id, edge, Outcome::Limited);
                return;
            }
            if limit.counts() {
                gate.in_flight.insert(id, in_flight + 1);
            }
        }
        self.send_through_gate(ticket, edge, place);
    }

    fn send_through_gate(&mut self, ticket: Ticket, edge: u32, place: Key) {
        let now = self.now();
        let frame = &mut self.frames[ticket.frame];
        (frame.state, frame.mark) = (State::Calling, now);
        self.observer.sent(edge, now);
        let deadline = frame.deadline;
        let since = self.patience_since(ticket.frame, edge);
        let call_until = self.call_until(ticket.frame, edge);
        let (frame, route) = (&self.frames[ticket.frame], &self.world.routes[edge as usize]);
        let until = route.timeout.map_or(Time::MAX, |(_, timeout)| since + timeout);
        let deadline = match (frame.has(flag::HEDGE), route.propagate) {
            (true, _) => deadline,
            (false, true) => until.min(deadline).min(call_until),
            (false, false) => Time::MAX,
        };
        self.launch(ticket, edge, place, deadline);
    }

    /// It is not sent.
    fn stopped_at_gate(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        self.observer.limited(edge, now, outcome);
        self.ended_unsent(id, edge, outcome);
        self.forget_patience(id);
        self.frames.renew(id);
        self.frames[id].state = State::Calling;
        if self.frames[id].has(flag::HEDGE) {
            self.hedge_ended(id, edge, outcome);
        } else {
            self.attempt_failed_on(id, edge, outcome);
        }
    }

    /// Breaker and retries learn how an attempt ended that was not sent.
    fn ended_unsent(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        self.tell_deed(id, Deed::Tried(outcome));
        let frame = &self.frames[id];
        let last = self.note(id).before;
        let route = &self.world.routes[edge as usize];
        let port = &mut self.world.ports[route.port(frame.replica)];
        if let Some(retry) = &mut port.retry {
            retry.attempt_ended(now, frame.count, outcome, last);
        }
        let Some(breaker) = &mut port.breaker else { return };
        let verdict = Verdict::of(outcome, port.ignored);
        if let Some((before, after)) = breaker.hear(now, verdict, now.since(frame.mark)) {
            self.observer.breaker(route.channel, now, before, after);
        }
    }

    /// Who waits for a place has waited too long, or his caller has.
    pub(super) fn held_too_long(&mut self, ticket: Ticket) {
        let now = self.now();
        let id = ticket.frame;
        let (edge, _) = self.gate(id);
        let has_place = self.frames[id].pending == wants::NOTHING;
        if has_place && !self.is_out_of_patience(id, edge) {
            // Its place and the end of its patience with the bulkhead came at the same moment.
            return;
        }
        let (_, gate) = self.gate(id);
        let patience = gate.bulkhead.as_mut().and_then(|bulkhead| bulkhead.withdraw(ticket));
        let route = &self.world.routes[edge as usize];
        let frame = &self.frames[id];
        let outcome = if patience.is_some_and(|until| now >= until) {
            Outcome::Limited
        } else if route.propagate && now >= frame.deadline {
            Outcome::Expired
        } else {
            Outcome::Timeout
        };
        if has_place {
            self.free_place(id);
        }
        self.observer.held(edge, now, -1);
        self.stopped_at_gate(id, edge, outcome);
    }

    /// Waits at the gate no longer, for whatever reason. Its state is still that of one who does.
    pub(super) fn leave_gate(&mut self, id: u32) {
        let now = self.now();
        let ticket = self.frames.ticket(id);
        let wants = self.frames[id].pending;
        let (edge, gate) = self.gate(id);
        match wants {
            wants::PLACE => {
                gate.bulkhead.as_mut().and_then(|bulkhead| bulkhead.withdraw(ticket));
            }
            wants::NOTHING => self.free_place(id),
            _ => {}
        }
        self.ended_unsent(id, edge, Outcome::Cancelled);
        self.forget_patience(id);
        self.observer.held(edge, now, -1);
    }

    /// A call that waits at the gate is withdrawn.
    pub(super) fn withdraw_held(&mut self, id: u32) {
        self.leave_gate(id);
        if self.frames[id].has(flag::HEDGE) {
            return;
        }
        let (edge, _) = self.current_call(&self.frames[id]);
        if self.world.routes[edge as usize].noted {
            self.note_end(id, edge, Outcome::Cancelled);
        }
    }

    /// Until when the caller has patience with a call and all its attempts.
    fn call_until(&self, id: u32, edge: u32) -> Time {
        if self.world.routes[edge as usize].noted { self.note(id).until } else { Time::MAX }
    }

    /// An attempt that went through the gate has ended.
    #[inline(never)]
    pub(super) fn comes_back_through_gate(&mut self, id: u32, outcome: Outcome) {
        let now = self.now();
        let (sent, priority) = (self.frames[id].mark, self.frames[id].priority());
        let (_, gate) = self.gate(id);
        if let Some(in_flight) = gate.in_flight.remove(&id)
            && let Some(limit) = &mut gate.limit
        {
            limit.ended(now, &Ended { rtt: now.since(sent), in_flight, priority, outcome });
        }
        self.forget_patience(id);
        self.free_place(id);
    }

    /// Since when the caller's patience counts with an attempt.
    pub(super) fn patience_since(&self, id: u32, edge: u32) -> Time {
        let frame = &self.frames[id];
        let gate = &self.world.ports[self.port(edge, frame.replica)].gate;
        gate.as_ref().and_then(|gate| gate.since.get(&id)).copied().unwrap_or(frame.mark)
    }

    fn forget_patience(&mut self, id: u32) {
        let (_, gate) = self.gate(id);
        gate.since.remove(&id);
    }

    /// The place of an attempt in the bulkhead is another's from now on.
    fn free_place(&mut self, id: u32) {
        let now = self.now();
        let (edge, _) = self.current_call(&self.frames[id]);
        let port = self.port(edge, self.frames[id].replica);
        let frames = &self.frames;
        let gate = self.world.ports[port].gate.as_mut().expect("only clients with a gate come here");
        let next = gate.bulkhead.as_mut().and_then(|bulkhead| bulkhead.leave(now, |ticket| frames.live(ticket)));
        if let Some(next) = next {
            self.frames[next.frame].pending = wants::NOTHING;
            self.soon.push_back(Event::Retry(next));
        }
    }
}
