//! The gate of a client: what a call and each of its attempts pass before they are sent, layer by layer as the client's
//! order has them, from outside in: they wait for their turn at the rate limit, for a place in the bulkhead, for room within
//! the limit; their patience begins; and breaker and throttle are asked here where they do not stand in front. On the way
//! back each layer hears how it ended. Clients that need no layer never come here; see [`Layers`].

use std::collections::BTreeMap;

use crate::base::random::{Stream, salt};
use crate::base::time::{Span, Time};
use crate::model::{BreakerPlace, Client, Layers};
use crate::policy::breaker::{AnyBreaker, Breaker, BreakerState, Verdict};
use crate::policy::bulkhead::{Bulkhead, Entry};
use crate::policy::limit::{AnyLimiter, Ended, Limiter, Newcomer};
use crate::policy::order::Layer;
use crate::policy::rate::{RateLimiter, Turn};
use crate::policy::retry::Retry;
use crate::policy::throttle::{AnyThrottle, Throttle};
use crate::policy::{Outcome, Outcomes};

use super::agenda::{Agenda, Event, Ticket};
use super::caller::{SALT_THROTTLE, set_timeout};
use super::engine::Engine;
use super::frame::{State, flag};
use super::observer::{Deed, Observer};

const SALT_LIMIT: u64 = salt("client/limit");

/// What a frame waits for in [`State::Held`], as the low bits of its `pending`; above them stands the layer's place.
mod wants {
    /// Its turn, which has been promised.
    pub(super) const TURN: u32 = 0;
    /// To hear that it has none.
    pub(super) const REFUSAL: u32 = 1;
    /// A place in the bulkhead.
    pub(super) const PLACE: u32 = 2;
    /// It has one, which it learns in a moment.
    pub(super) const NOTHING: u32 = 3;

    pub(super) const BITS: u32 = 2;
}

/// In place of a layer: the front of an attempt's gate.
const FRONT: usize = usize::MAX;

/// See the module. One per port.
pub(super) struct Gate {
    /// Outermost first.
    layers: Vec<Layer>,
    /// How many of them stand around the call; the rest around each attempt.
    calls: usize,
    rate: Option<RateLimiter>,
    bulkhead: Option<Bulkhead<Ticket>>,
    limit: Option<AnyLimiter>,
    /// If it stands here and not in front.
    pub(super) breaker: Option<AnyBreaker>,
    /// What it ignores.
    pub(super) ignored: Outcomes,
    /// If it stands here and not in front.
    pub(super) throttle: Option<AnyThrottle>,
    /// How long the caller has patience with a call, if its order says so and not of attempts.
    pub(super) call_timeout: Option<Span>,
    /// Whether the client has a timeout of its own.
    has_timeout: bool,
    /// Whether what ends now goes again, and its breaker need not know.
    pub(super) is_resent: bool,
    /// Attempts within the limit, by their frame: how many there were when each was let go, itself included.
    in_flight: BTreeMap<u32, u32>,
    /// Since when they are within a layer, by frame and place, of those who had to wait further in.
    since: BTreeMap<(u32, usize), Time>,
}

impl Gate {
    /// Of a process that starts at `now`; `name` is that of its draws. `None` for a client that needs none.
    pub(super) fn new(client: &Client, seed: u64, name: &str, now: Time) -> Option<Box<Gate>> {
        let layers = Layers::new(client);
        if layers.of_gate.is_empty() {
            return None;
        }
        let Client { rate_limit, bulkhead, limit, breaker, throttle, .. } = client;
        let stream = || Stream::new(seed, &format!("{name}/limit"));
        let breaker = breaker.as_ref().filter(|_| layers.breaker == BreakerPlace::Gate);
        Some(Box::new(Gate {
            rate: rate_limit.as_ref().map(|settings| RateLimiter::new(settings, now)),
            bulkhead: bulkhead.as_ref().map(Bulkhead::new),
            limit: limit.as_ref().map(|settings| AnyLimiter::from_settings(settings, now, stream())),
            breaker: breaker.map(AnyBreaker::from_settings),
            ignored: breaker.map_or(Outcomes::NONE, |breaker| breaker.ignore),
            throttle: throttle.as_ref().filter(|_| layers.throttle_in_gate).map(AnyThrottle::from_settings),
            call_timeout: client.timeout.filter(|_| layers.times_calls),
            has_timeout: client.timeout.is_some(),
            layers: layers.of_gate,
            calls: layers.calls,
            is_resent: false,
            in_flight: BTreeMap::new(),
            since: BTreeMap::new(),
        }))
    }

    /// Whether calls have something to pass before their first attempt.
    pub(super) fn stands_around_calls(&self) -> bool {
        self.calls > 0
    }

    /// What a breaker in front of an attempt's gate makes of its end, and since when the attempt lasts, of one that was
    /// sent at `sent`.
    pub(super) fn heard_in_front(&self, id: u32, outcome: Outcome, sent: Time) -> (Outcome, Time) {
        let came = self.since.get(&(id, FRONT)).copied().unwrap_or(sent);
        let is_cut = self.call_timeout.is_some() && outcome == Outcome::Timeout;
        (if is_cut { Outcome::Cancelled } else { outcome }, came)
    }

    /// Notes since when a frame is within the layers outside of `place`, at which it begins to wait.
    fn note_entries(&mut self, now: Time, id: u32, place: usize) {
        let first = if place < self.calls { 0 } else { self.calls };
        for outer in first..=place {
            self.since.entry((id, outer)).or_insert(now);
        }
        if first == self.calls && place >= self.calls {
            self.since.entry((id, FRONT)).or_insert(now);
        }
    }
}

/// What becomes of one who comes to a layer.
enum Passage {
    /// It is within.
    Within,
    /// It waits.
    Held,
    /// It goes no further.
    Stopped(Outcome),
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    fn gate(&mut self, id: u32) -> (u32, &mut Gate) {
        let (edge, _) = self.current_call(&self.frames[id]);
        let port = self.port(edge, self.frames[id].replica);
        (edge, self.world.ports[port].gate.as_mut().expect("only clients with a gate come here"))
    }

    /// A call comes to the layers that stand around it; its first attempt follows.
    #[inline(never)]
    pub(super) fn call_comes_to_gate(&mut self, id: u32) {
        let ticket = self.frames.renew(id);
        self.goes_in(ticket, 0, true);
    }

    /// An attempt, whose frame waits with `ticket`, comes to the gate.
    #[inline(never)]
    pub(super) fn come_to_gate(&mut self, ticket: Ticket) {
        let first = self.gate(ticket.frame).1.calls;
        self.goes_in(ticket, first, false);
    }

    /// A call, or an attempt, goes in from the layer at `place` on, as far as it may.
    fn goes_in(&mut self, ticket: Ticket, mut place: usize, is_call: bool) {
        let id = ticket.frame;
        loop {
            let (edge, gate) = self.gate(id);
            let end = if is_call { gate.calls } else { gate.layers.len() };
            if place >= end {
                break;
            }
            let layer = gate.layers[place];
            match self.comes_to(ticket, edge, place, layer) {
                Passage::Within => place += 1,
                Passage::Held => return,
                Passage::Stopped(outcome) => {
                    self.stopped_at_gate(id, edge, place, outcome);
                    return;
                }
            }
        }
        if is_call { self.call_is_through(id, place) } else { self.send_through_gate(ticket) }
    }

    fn comes_to(&mut self, ticket: Ticket, edge: u32, place: usize, layer: Layer) -> Passage {
        let (now, id) = (self.now(), ticket.frame);
        match layer {
            Layer::Retry => Passage::Within,
            Layer::Throttle => {
                let (_, salt) = self.current_call(&self.frames[id]);
                let uniform = self.frames[id].place(salt).child(SALT_THROTTLE).uniform();
                let throttle = self.gate(id).1.throttle.as_mut();
                match throttle.is_none_or(|throttle| throttle.permit(now, uniform)) {
                    true => Passage::Within,
                    false => Passage::Stopped(Outcome::Throttled),
                }
            }
            Layer::Breaker => {
                let Some(breaker) = &mut self.gate(id).1.breaker else { return Passage::Within };
                let before = breaker.state();
                let permitted = breaker.permit(now);
                let after = breaker.state();
                if before != after {
                    self.observer.breaker(self.world.routes[edge as usize].channel, now, before, after);
                }
                if permitted { Passage::Within } else { Passage::Stopped(Outcome::ShortCircuited) }
            }
            Layer::RateLimit => {
                let turn = self.gate(id).1.rate.as_mut().map_or(Turn::After(Span::ZERO), |rate| rate.reserve(now));
                let (wants, wait) = match turn {
                    Turn::After(Span::ZERO) => return Passage::Within,
                    Turn::Refused(Span::ZERO) => return Passage::Stopped(Outcome::Limited),
                    Turn::After(wait) => (wants::TURN, wait),
                    Turn::Refused(wait) => (wants::REFUSAL, wait),
                };
                self.hold(id, edge, place, wants);
                let until = self.call_until(id, edge);
                self.agenda.at((now + wait).min(until), Event::Retry(ticket));
                Passage::Held
            }
            Layer::Timeout => self.patience_begins(ticket, edge, place),
            Layer::Bulkhead => self.comes_to_bulkhead(ticket, edge, place),
            Layer::Limit => {
                let (_, salt) = self.current_call(&self.frames[id]);
                let (priority, key) = (self.frames[id].priority(), self.frames[id].place(salt));
                let (_, gate) = self.gate(id);
                let in_flight = gate.in_flight.len() as u32;
                let newcomer = Newcomer { in_flight, priority, uniform: key.child(SALT_LIMIT).uniform() };
                let Some(limit) = &mut gate.limit else { return Passage::Within };
                if !limit.admit(now, &newcomer) {
                    return Passage::Stopped(Outcome::Limited);
                }
                if limit.counts() {
                    gate.in_flight.insert(id, in_flight + 1);
                }
                Passage::Within
            }
        }
    }

    fn hold(&mut self, id: u32, edge: u32, place: usize, wants: u32) {
        let now = self.agenda.now();
        self.gate(id).1.note_entries(now, id, place);
        let frame = &mut self.frames[id];
        (frame.state, frame.pending) = (State::Held, (place as u32) << wants::BITS | wants);
        self.observer.held(edge, now, 1);
    }

    /// A wait at the gate is over.
    pub(super) fn gate_opens(&mut self, ticket: Ticket) {
        let frame = &self.frames[ticket.frame];
        let (place, wants) = held(frame.pending);
        if frame.has(flag::CANCELLED) && !frame.has(flag::HEDGE) {
            self.withdraw_held(ticket.frame);
            self.frames.renew(ticket.frame);
            self.go_on(ticket.frame);
            return;
        }
        let (edge, gate) = self.gate(ticket.frame);
        let is_call = place < gate.calls;
        self.observer.held(edge, self.agenda.now(), -1);
        if matches!(wants, wants::TURN | wants::REFUSAL) && self.now() >= self.call_until(ticket.frame, edge) {
            self.stopped_at_gate(ticket.frame, edge, place, Outcome::Timeout);
        } else if wants == wants::REFUSAL {
            self.stopped_at_gate(ticket.frame, edge, place, Outcome::Limited);
        } else {
            self.goes_in(ticket, place + 1, is_call);
        }
    }

    /// The patience of the caller begins.
    fn patience_begins(&mut self, ticket: Ticket, edge: u32, place: usize) -> Passage {
        let (now, id) = (self.now(), ticket.frame);
        let (_, gate) = self.gate(id);
        if place < gate.calls {
            let until = gate.call_timeout.map_or(Time::MAX, |timeout| now + timeout);
            self.bounds_call(id, until);
            return Passage::Within;
        }
        // Of a call with hedges the call has patience, and no attempt of its own.
        if !self.frames[id].has(flag::HEDGE) {
            let told = self.frames[id].deadline;
            let until = self.call_until(id, edge);
            let route = &self.world.routes[edge as usize];
            if route.propagate && now >= told {
                return Passage::Stopped(Outcome::Expired);
            }
            set_timeout(&mut self.agenda, &self.frames, route, ticket, told, until);
        }
        Passage::Within
    }

    fn comes_to_bulkhead(&mut self, ticket: Ticket, edge: u32, place: usize) -> Passage {
        let (now, id) = (self.now(), ticket.frame);
        let port = self.port(edge, self.frames[id].replica);
        let frames = &self.frames;
        let gate = self.world.ports[port].gate.as_mut().expect("it stands at the gate");
        let entry = gate.bulkhead.as_mut().map_or(Entry::Entered { is_new: false }, |bulkhead| {
            bulkhead.enter(now, ticket, |ticket| frames.live(ticket))
        });
        let until = match entry {
            Entry::Entered { .. } => return Passage::Within,
            Entry::Rejected => return Passage::Stopped(Outcome::Limited),
            Entry::Waits(until) => until,
        };
        let is_timed = place >= gate.calls && gate.layers[gate.calls..place].contains(&Layer::Timeout);
        self.hold(id, edge, place, wants::PLACE);
        let until = if is_timed { until } else { until.min(self.wanted_until(id, edge)) };
        if until != Time::MAX {
            self.agenda.at(until, Event::Timeout(ticket));
        }
        Passage::Held
    }

    /// A call has passed what stands around it: its first attempt begins.
    fn call_is_through(&mut self, id: u32, layers: usize) {
        let now = self.now();
        let (edge, salt) = self.current_call(&self.frames[id]);
        self.enters_call(id, layers);
        let route = &self.world.routes[edge as usize];
        if route.propagate && now >= self.frames[id].deadline {
            self.call_failed(id, Outcome::Expired);
        } else if now >= self.call_until(id, edge) {
            self.call_failed(id, Outcome::Timeout);
        } else {
            let port = route.port(self.frames[id].replica);
            let retry = self.world.ports[port].retry.as_mut();
            let wait = retry.map_or(Span::ZERO, |retry| retry.call_started(now));
            self.begin_call(id, edge, salt, wait);
        }
    }

    fn send_through_gate(&mut self, ticket: Ticket) {
        let now = self.now();
        let id = ticket.frame;
        let (edge, salt) = self.current_call(&self.frames[id]);
        let frame = &mut self.frames[id];
        (frame.state, frame.mark) = (State::Calling, now);
        self.observer.sent(edge, now);
        let (deadline, key) = (frame.deadline, frame.place(salt));
        let since = self.patience_since(id, edge);
        let call_until = self.call_until(id, edge);
        let (frame, route) = (&self.frames[id], &self.world.routes[edge as usize]);
        let until = route.timeout.map_or(Time::MAX, |(_, timeout)| since + timeout);
        let deadline = match (frame.has(flag::HEDGE), route.propagate) {
            (true, _) => deadline,
            (false, true) => until.min(deadline).min(call_until),
            (false, false) => Time::MAX,
        };
        self.launch(ticket, edge, key, deadline);
    }

    /// A call, or an attempt, goes no further than to the layer at `place`: it is not sent.
    fn stopped_at_gate(&mut self, id: u32, edge: u32, place: usize, outcome: Outcome) {
        let now = self.now();
        match outcome {
            Outcome::ShortCircuited => self.observer.short_circuited(edge, now),
            Outcome::Throttled => self.observer.throttled(edge, now),
            outcome => self.observer.limited(edge, now, outcome),
        }
        let is_call = self.turns_back(id, edge, place, outcome);
        self.frames.renew(id);
        self.frames[id].state = State::Calling;
        if is_call {
            self.call_failed(id, outcome);
        } else if self.frames[id].has(flag::HEDGE) {
            self.hedge_ended(id, edge, outcome);
        } else {
            self.attempt_failed_on(id, edge, outcome);
        }
    }

    /// Goes out again from the layer at `place`, within which it is not, without having been sent. Returns whether it is a
    /// call and no attempt.
    fn turns_back(&mut self, id: u32, edge: u32, place: usize, outcome: Outcome) -> bool {
        let now = self.now();
        let calls = self.gate(id).1.calls;
        if place < calls {
            self.enters_call(id, 0);
            self.goes_out(id, place, 0, outcome);
            self.gate(id).1.since.remove(&(id, place));
            return true;
        }
        self.frames[id].mark = now;
        self.tell_deed(id, Deed::Tried(outcome));
        let (last, count) = (self.note(id).before, self.frames[id].count);
        let port = self.port(edge, self.frames[id].replica);
        if let Some(retry) = &mut self.world.ports[port].retry {
            retry.attempt_ended(now, count, outcome, last);
        }
        self.goes_out(id, place, calls, outcome);
        let port = &mut self.world.ports[port];
        if let (Some(breaker), Some(gate)) = (&mut port.breaker, &port.gate) {
            let (outcome, came) = gate.heard_in_front(id, outcome, now);
            if let Some((before, after)) = breaker.hear(now, Verdict::of(outcome, port.ignored), now.since(came)) {
                self.observer.breaker(self.world.routes[edge as usize].channel, now, before, after);
            }
        }
        let (_, gate) = self.gate(id);
        gate.since.remove(&(id, place));
        gate.since.remove(&(id, FRONT));
        false
    }

    /// Leaves the layers from `from` out to `to`, that one included, within which it is.
    fn goes_out(&mut self, id: u32, from: usize, to: usize, outcome: Outcome) {
        for place in (to..from).rev() {
            self.leaves(id, place, outcome);
        }
    }

    fn leaves(&mut self, id: u32, place: usize, outcome: Outcome) {
        let now = self.now();
        let (priority, mark, call_began) = (self.frames[id].priority(), self.frames[id].mark, self.note(id).entered);
        let (edge, gate) = self.gate(id);
        let entered = if place < gate.calls { call_began } else { mark };
        let since = gate.since.remove(&(id, place)).unwrap_or(entered);
        match gate.layers[place] {
            Layer::Bulkhead => self.free_place(id, place),
            Layer::Limit => {
                if let Some(in_flight) = gate.in_flight.remove(&id)
                    && let Some(limit) = &mut gate.limit
                {
                    limit.ended(now, &Ended { rtt: now.since(since), in_flight, priority, outcome });
                }
            }
            Layer::Throttle => {
                if let Some(throttle) = gate.throttle.as_mut().filter(|_| outcome.is_accepted()) {
                    throttle.accepted(now);
                }
            }
            Layer::Breaker => {
                let is_cut = gate.has_timeout && gate.layers[..place].contains(&Layer::Timeout);
                let is_unheard = gate.is_resent || (is_cut && outcome == Outcome::Timeout);
                let verdict = Verdict::of(if is_unheard { Outcome::Cancelled } else { outcome }, gate.ignored);
                let heard = gate.breaker.as_mut().and_then(|breaker| breaker.hear(now, verdict, now.since(since)));
                if let Some((before, after)) = heard {
                    self.observer.breaker(self.world.routes[edge as usize].channel, now, before, after);
                }
            }
            Layer::Retry | Layer::RateLimit | Layer::Timeout => {}
        }
    }

    /// Who waits for a place has waited too long, or his caller has.
    pub(super) fn held_too_long(&mut self, ticket: Ticket) {
        let now = self.now();
        let id = ticket.frame;
        let (place, wants) = held(self.frames[id].pending);
        let (edge, gate) = self.gate(id);
        let is_call = place < gate.calls;
        let is_over = |engine: &Self| match is_call {
            true => now >= engine.wanted_until(id, edge),
            false => engine.is_out_of_patience(id, edge),
        };
        if wants != wants::PLACE && !is_over(self) {
            // It has its place, and what ended at the same moment was its patience with the bulkhead.
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
        if wants == wants::NOTHING {
            self.free_place(id, place);
        }
        self.observer.held(edge, now, -1);
        self.stopped_at_gate(id, edge, place, outcome);
    }

    /// Waits at the gate no longer, for whatever reason. Its state is still that of one who does.
    pub(super) fn leave_gate(&mut self, id: u32) {
        let now = self.now();
        let ticket = self.frames.ticket(id);
        let (place, wants) = held(self.frames[id].pending);
        let (edge, gate) = self.gate(id);
        match wants {
            wants::PLACE => {
                gate.bulkhead.as_mut().and_then(|bulkhead| bulkhead.withdraw(ticket));
            }
            wants::NOTHING => self.free_place(id, place),
            _ => {}
        }
        self.turns_back(id, edge, place, Outcome::Cancelled);
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

    /// The same, or until when he wants an answer at all, if that is sooner.
    fn wanted_until(&self, id: u32, edge: u32) -> Time {
        let told = if self.world.routes[edge as usize].propagate { self.frames[id].deadline } else { Time::MAX };
        self.call_until(id, edge).min(told)
    }

    /// An attempt that went through the gate has ended.
    #[inline(never)]
    pub(super) fn comes_back_through_gate(&mut self, id: u32, outcome: Outcome) {
        let (_, gate) = self.gate(id);
        let (from, to) = (gate.layers.len(), gate.calls);
        gate.since.remove(&(id, FRONT));
        self.goes_out(id, from, to, outcome);
    }

    /// A call has ended that was within the first `layers` of its gate.
    #[inline(never)]
    pub(super) fn call_leaves_gate(&mut self, id: u32, layers: usize, outcome: Outcome) {
        self.goes_out(id, layers, 0, outcome);
    }

    /// Since when the caller's patience counts with an attempt.
    pub(super) fn patience_since(&self, id: u32, edge: u32) -> Time {
        let frame = &self.frames[id];
        let Some(gate) = &self.world.ports[self.port(edge, frame.replica)].gate else { return frame.mark };
        let place = gate.layers[gate.calls..].iter().position(|layer| *layer == Layer::Timeout);
        place.and_then(|place| gate.since.get(&(id, gate.calls + place))).copied().unwrap_or(frame.mark)
    }

    /// The place of an attempt in the bulkhead, which is the layer at `place`, is another's from now on.
    fn free_place(&mut self, id: u32, place: usize) {
        let now = self.now();
        let (edge, _) = self.current_call(&self.frames[id]);
        let port = self.port(edge, self.frames[id].replica);
        let frames = &self.frames;
        let gate = self.world.ports[port].gate.as_mut().expect("only clients with a gate come here");
        let next = gate.bulkhead.as_mut().and_then(|bulkhead| bulkhead.leave(now, |ticket| frames.live(ticket)));
        if let Some(next) = next {
            self.frames[next.frame].pending = (place as u32) << wants::BITS | wants::NOTHING;
            self.soon.push_back(Event::Retry(next));
        }
    }
}

/// At which layer a frame waits, and for what.
fn held(pending: u32) -> (usize, u32) {
    ((pending >> wants::BITS) as usize, pending & ((1 << wants::BITS) - 1))
}

/// Where the breaker of a gate stands, if it has one.
pub(super) fn breaker_state(gate: Option<&Gate>) -> Option<BreakerState> {
    gate?.breaker.as_ref().map(Breaker::state)
}
