//! The caller's side: a call goes out attempt by attempt, is answered or given up, and is tried again. The
//! client's policies decide; here their answers become events.

use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::model::Cancel;
use crate::policy::Outcome;
use crate::policy::breaker::{Breaker, Verdict};
use crate::policy::retry::Retry;
use crate::policy::throttle::Throttle;

use super::agenda::{Agenda, Event, Ticket};
use super::delivery::{SALT_CANCEL, SALT_REQUEST};
use super::engine::Engine;
use super::frame::{DELIVERY, Frame, Frames, NONE, State, flag};
use super::observer::{Deed, Departure, Observer, Spent, Watch};
use super::port::Port;
use super::program::Op;
use super::request::request;
use super::world::{Route, World};
use super::zone::Ends;

/// A user whose request took no time at all (a breaker that is open, a handler without work) pauses at least this
/// long, or one who does not think would ask for ever at the same instant.
pub(super) const BREATH: Span = Span::from_micros(100);
pub(super) const SALT_THROTTLE: u64 = salt("throttle");
const SALT_KEY: u64 = salt("key");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A user (or [`NONE`], of an open workload) starts the request at `start` that he `meant` to start then.
    #[inline]
    pub(super) fn offer(&mut self, workload: u32, user: u32, key: Key, meant: Time, start: u32) {
        let now = self.now();
        self.observer.offered(workload, now, meant);
        let state = &self.world.workloads[workload as usize];
        let deadline = match state.deadline {
            Some(deadline) => meant + deadline,
            None => Time::MAX,
        };
        let request_key = match &state.key {
            Some(keys) => keys.sample(key.child(SALT_KEY).draws()),
            None => NONE,
        };
        let priority = state.priority;
        let ticket = self.frames.insert(Frame {
            arrived: meant,
            deadline,
            pc: start,
            request_key,
            state: State::Running,
            rank: priority,
            flags: flag::USER,
            ..Frame::new(key, Ticket { frame: user, token: workload })
        });
        self.frames.set_origin(ticket.frame, key);
        let watch = self.observer.watches(ticket.frame, now, Deed::Request { workload, key, meant });
        if watch != Watch::Nothing {
            self.frames[ticket.frame].tell(watch);
            self.observer.begins(ticket.frame, meant, Spent::Start);
        }
        self.advance(ticket.frame);
    }

    /// A user's request has ended, or the handler of a message.
    pub(super) fn user_done(&mut self, id: u32, outcome: Outcome) {
        if self.frames[id].parent == DELIVERY {
            self.delivery_done(id, outcome);
            return;
        }
        let fell_back = !self.fell_back.is_empty() && self.fell_back.remove(&id);
        if !outcome.is_ok() && self.will_reload(id) {
            self.observer.will_reload(self.frames[id].parent_token, self.agenda.now(), outcome);
            return;
        }
        let now = self.now();
        let frame = &self.frames[id];
        let (user, workload, arrived) = (frame.parent, frame.parent_token, frame.arrived);
        if frame.is_watched() {
            self.observer.ends(id, workload, now, arrived, outcome);
            if frame.is_traced() {
                self.observer.deed(id, now, Deed::Ends(outcome));
                self.observer.deed(id, now, Deed::Gone);
            }
        }
        self.frames.remove(id);
        self.observer.finished(workload, now, arrived, outcome);
        if fell_back && outcome.is_ok() {
            self.observer.degraded(workload, now, arrived);
        }
        if user != NONE {
            self.user_goes_on(workload, user, arrived, outcome);
        }
    }

    /// The `call` step: a call with all its attempts.
    #[inline]
    pub(super) fn call(&mut self, id: u32, edge: u32, salt: u64) {
        let now = self.now();
        self.observer.called(edge, now);
        let frame = &mut self.frames[id];
        frame.count = 0;
        let (service, deadline) = (frame.service, frame.deadline);
        let World { routes, ports, services, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let port = &mut ports[route.port(frame.replica)];
        let is_gated = !port.is_quiet && port.gates_calls();
        let is_later = port.is_quiet || is_gated;
        let wait = match &mut port.retry {
            Some(retry) if !is_later => retry.call_started(now),
            _ => Span::ZERO,
        };
        let is_simple = route.is_simple || !(is_gated || route.needs_care() || now >= deadline);
        if service != NONE && services[service as usize].hands_back {
            self.give_thread(id);
        }
        if !is_simple {
            self.call_with_care(id, edge, salt, deadline, wait);
        } else if wait.is_zero() {
            self.attempt(id, edge, salt);
        } else {
            self.back_off(id, edge, wait);
        }
    }

    /// A call with a deadline for all of it, or with hedges, or whose end somebody wants to know.
    #[inline(never)]
    fn call_with_care(&mut self, id: u32, edge: u32, salt: u64, deadline: Time, wait: Span) {
        let now = self.now();
        let route = &self.world.routes[edge as usize];
        if route.propagate && now >= deadline {
            self.call_failed(id, Outcome::Expired);
            return;
        }
        if route.noted && !self.note_call(id, edge) {
            self.call_failed(id, Outcome::ShortCircuited);
            return;
        }
        if self.world.ports[self.port(edge, self.frames[id].replica)].gates_calls() {
            self.call_comes_to_gate(id);
        } else {
            self.begin_call(id, edge, salt, wait);
        }
    }

    /// The first attempt of a call, or its first attempts, after `wait`.
    pub(super) fn begin_call(&mut self, id: u32, edge: u32, salt: u64, wait: Span) {
        if self.world.routes[edge as usize].hedged > 0 {
            self.call_with_hedges(id, edge, salt);
        } else if wait.is_zero() {
            self.attempt(id, edge, salt);
        } else {
            self.back_off(id, edge, wait);
        }
    }

    /// A backoff is over, or a hedge is due.
    pub(super) fn retry(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let frame = &self.frames[ticket.frame];
        if frame.state == State::Hedging {
            self.hedge_due(ticket.frame);
            return;
        }
        if frame.state == State::Republishing {
            self.publish_again(ticket.frame);
            return;
        }
        if frame.state == State::Held {
            self.gate_opens(ticket);
            return;
        }
        if frame.has(flag::CANCELLED) {
            self.withdraw_backoff(ticket.frame);
            self.go_on(ticket.frame);
            return;
        }
        let (edge, salt) = self.current_call(frame);
        let route = &self.world.routes[edge as usize];
        if route.propagate && self.now() >= frame.deadline {
            // A paused process comes back to it too late.
            self.withdraw_retry(ticket.frame, edge);
            self.call_failed(ticket.frame, Outcome::Expired);
            return;
        }
        if route.noted && self.now() >= self.note(ticket.frame).until {
            self.withdraw_retry(ticket.frame, edge);
            self.call_failed(ticket.frame, Outcome::Timeout);
            return;
        }
        self.attempt(ticket.frame, edge, salt);
    }

    /// Sends the next attempt of a frame's call.
    #[inline]
    pub(super) fn attempt(&mut self, id: u32, edge: u32, salt: u64) {
        let now = self.now();
        let World { program, routes, channels, ports, services, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let frame = &mut self.frames[id];
        let ticket = frame.renew(id);
        frame.count += 1;
        frame.mark = now;
        frame.child = NONE;
        frame.target = NONE;
        frame.state = State::Calling;
        let (place, count) = (frame.place(salt), frame.count);
        if frame.is_traced() {
            self.observer.deed(id, now, Deed::Tries { edge, attempt: count });
        }
        let port = &mut ports[route.port(frame.replica)];
        if !port.is_quiet
            && let Some(retry) = &mut port.retry
        {
            retry.attempt_started(now, count);
        }
        if let Err(outcome) = permitted(&mut self.observer, now, port, route.channel, edge, place) {
            if let Some(retry) = &mut port.retry {
                retry.attempt_ended(now, count, outcome, None);
            }
            self.tell_deed(id, Deed::Tried(outcome));
            self.attempt_failed_on(id, edge, outcome);
            return;
        }
        if !port.is_quiet && port.gate.is_some() {
            self.come_to_gate(ticket);
            return;
        }
        self.observer.sent(edge, now);
        if !route.is_direct {
            self.send_attempt(ticket, edge, place);
            return;
        }
        if let Some((timer, _)) = route.timeout {
            let frames = &self.frames;
            self.agenda.arm(timer, ticket, |ticket| frames.live(ticket));
        }
        let frame = &mut self.frames[id];
        let picks = &mut channels[route.channel as usize].picks;
        let service = &mut services[route.service as usize];
        let Some(number) = port.sends(now, service, frame.request_key, picks) else {
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
            return;
        };
        let child = request(program, route, frame, ticket, place, edge, number, Time::MAX);
        let hop = route.hop.transit(place, SALT_REQUEST);
        let child = self.set_off(ticket.frame, child);
        self.deliver(hop, Event::Arrive(child));
    }

    /// Sends an attempt of a call of which more counts than the timeouts of its attempts, or over more than a plain edge.
    #[inline(never)]
    fn send_attempt(&mut self, ticket: Ticket, edge: u32, place: Key) {
        let id = ticket.frame;
        let route = &self.world.routes[edge as usize];
        let deadline = self.frames[id].deadline;
        let is_endless = route.timeout.is_none() && !route.noted && deadline == Time::MAX;
        let deadline = if is_endless {
            Time::MAX
        } else {
            let until =
                if route.noted { self.notes.get(id as usize).map_or(Time::MAX, |it| it.until) } else { Time::MAX };
            set_timeout(&mut self.agenda, &self.frames, route, ticket, deadline, until)
        };
        if route.has_connections {
            self.connect(ticket, edge, place);
        } else {
            self.launch_at_once(ticket, edge, place, deadline);
        }
    }

    /// Picks a replica for an attempt, whose frame waits with `ticket`, and sends it there.
    #[inline(never)]
    pub(super) fn launch(&mut self, ticket: Ticket, edge: u32, place: Key, deadline: Time) {
        if self.world.routes[edge as usize].has_connections {
            self.connect(ticket, edge, place);
        } else {
            self.launch_at_once(ticket, edge, place, deadline);
        }
    }

    /// The same along an edge that needs no connection.
    #[inline(never)]
    fn launch_at_once(&mut self, ticket: Ticket, edge: u32, place: Key, deadline: Time) {
        let now = self.now();
        let frame = &mut self.frames[ticket.frame];
        let World { program, routes, channels, ports, services, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let port = &mut ports[route.port(frame.replica)];
        let picks = &mut channels[route.channel as usize].picks;
        let service = &mut services[route.service as usize];
        let Some(number) = port.sends(now, service, frame.request_key, picks) else {
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
            return;
        };
        let child = request(program, route, frame, ticket, place, edge, number, deadline);
        let (is_bare, hop) = (route.is_bare, route.hop.transit(place, SALT_REQUEST));
        let child = self.set_off(ticket.frame, child);
        if is_bare {
            self.deliver(hop, Event::Arrive(child));
        } else {
            self.send_between(child, edge, self.frames[ticket.frame].replica);
        }
    }

    /// A request begins that the frame `id` waits for.
    #[inline(always)]
    pub(super) fn set_off(&mut self, id: u32, child: Frame) -> Ticket {
        let (edge, target) = (child.edge, child.replica);
        let child = self.frames.insert(child);
        let now = self.agenda.now();
        let frame = &mut self.frames[id];
        frame.child = child.frame;
        if frame.is_watched() {
            self.observer.visits(child.frame, now, id);
            if frame.is_traced() {
                self.observer.deed(child.frame, now, Deed::Visits { caller: id, edge, replica: target });
            }
        }
        let place_of_call = (u64::from(frame.iteration) << 32) ^ u64::from(frame.pc);
        self.frames.inherit_origin(child.frame, id, place_of_call);
        child
    }

    /// The number of the replica that the balancer of a port wants next; `None` when none is up.
    pub(super) fn choose(&mut self, port: usize, edge: u32, request_key: u32) -> Option<u32> {
        let now = self.now();
        let World { routes, channels, ports, services, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let picks = &mut channels[route.channel as usize].picks;
        ports[port].choose(now, &services[route.service as usize], request_key, picks)
    }

    /// Chooses the replica that takes a request over, across services; `None` when none is up.
    pub(super) fn pick(&mut self, port: usize, edge: u32, request_key: u32) -> Option<u32> {
        let number = self.choose(port, edge, request_key)?;
        self.world.ports[port].sends_to(self.agenda.now(), number);
        let service = &mut self.world.services[self.world.routes[edge as usize].service as usize];
        service.takes_in(number);
        Some(service.first_replica + number)
    }

    /// An answer reaches its caller.
    #[inline(always)]
    pub(super) fn answered(&mut self, ticket: Ticket, outcome: Outcome) {
        let frame = &self.frames[ticket.frame];
        if frame.token != ticket.token {
            return;
        }
        let is_hedge = frame.has(flag::HEDGE);
        if !self.wishes.is_empty() && self.hears_wish(ticket) {
            return;
        }
        let edge = self.conclude(ticket.frame, outcome);
        if is_hedge {
            self.hedge_ended(ticket.frame, edge, outcome);
        } else if outcome.is_ok() {
            let route = &self.world.routes[edge as usize];
            if !route.is_simple && route.noted {
                self.note_end(ticket.frame, edge, outcome);
            }
            self.go_on(ticket.frame);
        } else {
            self.attempt_failed_on(ticket.frame, edge, outcome);
        }
    }

    /// A caller's patience ends: the callee does not know, unless he is told.
    pub(super) fn timed_out(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let frame = &self.frames[ticket.frame];
        let (edge, _) = self.current_call(frame);
        let has_gate = self.world.ports[self.port(edge, frame.replica)].gate.is_some();
        if (self.world.routes[edge as usize].has_connections || has_gate)
            && matches!(frame.state, State::Calling | State::Streaming)
            && !self.is_out_of_patience(ticket.frame, edge)
        {
            return;
        }
        let expired = self.world.routes[edge as usize].propagate && self.now() >= frame.deadline;
        let outcome = if expired { Outcome::Expired } else { Outcome::Timeout };
        if frame.state == State::Hedging {
            self.hedges_timed_out(ticket.frame, outcome);
            return;
        }
        self.give_up(ticket.frame);
        self.conclude(ticket.frame, outcome);
        self.attempt_failed_on(ticket.frame, edge, outcome);
    }

    /// The attempt under way is over for the caller: policies and observer learn it. Returns the edge.
    #[inline]
    pub(super) fn conclude(&mut self, id: u32, outcome: Outcome) -> u32 {
        let now = self.now();
        let World { program, routes, ports, .. } = &mut self.world;
        let frame = &mut self.frames[id];
        frame.renew(id);
        frame.child = NONE;
        let (sent, target, count) = (frame.mark, frame.target, frame.count);
        let (edge, _) = current_call(&program.ops, frame);
        self.observer.answered(edge, now, sent, outcome);
        if frame.is_traced() {
            self.observer.deed(id, now, Deed::Tried(outcome));
        }
        let route = &routes[edge as usize];
        let place = route.port(frame.replica);
        let port = &mut ports[place];
        if !port.is_quiet {
            if target != NONE {
                let ejected = port.hears_of(now, target - route.first_replica, now.since(sent), outcome);
                if ejected != 0 {
                    self.observer.ejected(route.channel, now, ejected);
                }
            }
            if let Some(throttle) = &mut port.throttle
                && outcome.is_accepted()
            {
                throttle.accepted(now);
            }
            if let Some(retry) = &mut port.retry {
                let last = if route.noted { self.notes.get(id as usize).and_then(|note| note.before) } else { None };
                retry.attempt_ended(now, count, outcome, last);
            }
        }
        if let Some(breaker) = &mut port.breaker {
            let (heard, came) = match &port.gate {
                None => (outcome, sent),
                Some(gate) => gate.heard_in_front(id, outcome, sent),
            };
            let verdict = Verdict::of(heard, port.ignored);
            if let Some((before, after)) = breaker.hear(now, verdict, now.since(came)) {
                self.observer.breaker(route.channel, now, before, after);
            }
        }
        if route.has_connections || !port.is_quiet {
            let has_gate = port.gate.is_some();
            let keeps_connection =
                route.has_connections && !(self.streaming.is_empty() && port.line().gets_back(now, frame, outcome));
            if keeps_connection {
                self.disconnect(id, edge, place, outcome);
            }
            if has_gate {
                self.comes_back_through_gate(id, outcome);
            }
        }
        edge
    }

    /// The caller turns away from the request that he has sent, and tells it if his client does so.
    pub(super) fn give_up(&mut self, id: u32) {
        let child = self.frames[id].child;
        if child == NONE || !self.is_child(child, id) {
            return;
        }
        self.abandon(child);
        let (edge, _) = self.current_call(&self.frames[id]);
        if self.world.routes[edge as usize].cancel == Cancel::Off {
            return;
        }
        let notice = Event::Cancel(Ticket { frame: child, token: self.frames[child].generation });
        if let Some(hop) = self.message(edge, child, SALT_CANCEL) {
            self.deliver(hop, notice);
        }
    }

    /// A frame that is told to stop withdraws its call.
    pub(super) fn withdraw_call(&mut self, id: u32) {
        self.give_up(id);
        let edge = self.conclude(id, Outcome::Cancelled);
        if self.world.routes[edge as usize].noted {
            self.note_end(id, edge, Outcome::Cancelled);
        }
    }

    /// Nobody waits any more for a frame, nor for what it waits for itself.
    pub(super) fn abandon(&mut self, id: u32) {
        let now = self.now();
        let frame = &mut self.frames[id];
        if frame.flags & (flag::ABANDONED | flag::USER) != 0 {
            return;
        }
        frame.flags |= flag::ABANDONED;
        let frame = *frame;
        self.tell_deed(id, Deed::Abandoned);
        if frame.has(flag::THREAD) {
            self.observer.threads(frame.service, now, 0, 1);
        }
        match frame.state {
            State::Calling if frame.child != NONE && self.is_child(frame.child, id) => self.abandon(frame.child),
            State::Streaming => self.abandon_stream(id),
            State::Joining | State::Hedging => {
                let mut next = frame.child;
                while next != NONE {
                    let branch = next;
                    next = self.frames[branch].sibling;
                    if self.frames[branch].state != State::Done {
                        self.abandon(branch);
                    }
                }
            }
            _ => {}
        }
    }

    /// A branch whose parent has gone on stops if it waits for a call whose client cancels; else it goes on.
    pub(super) fn cancel_branch(&mut self, id: u32) {
        let frame = &self.frames[id];
        if matches!(frame.state, State::Calling | State::Connecting | State::Streaming | State::Hedging | State::Held) {
            let (edge, _) = self.current_call(frame);
            if self.world.routes[edge as usize].cancel != Cancel::Off {
                self.abort(id, Departure::Dropped);
            }
        }
    }

    /// Whether `child` is what `id` waits for.
    pub(super) fn is_child(&self, child: u32, id: u32) -> bool {
        let child = &self.frames[child];
        // Its place may be free or another's by now; and what a user's request calls its parent is no ticket.
        child.state != State::Free && !child.has(flag::USER) && child.parent_ticket() == self.frames.ticket(id)
    }

    /// Between whom the messages of a frame travel whose caller still waits.
    pub(super) fn ends(&self, id: u32) -> Ends {
        let frame = &self.frames[id];
        Ends { caller: self.frames[frame.parent].replica, callee: frame.replica }
    }

    /// The edge and the salt of the call that a frame is in.
    pub(super) fn current_call(&self, frame: &Frame) -> (u32, u64) {
        current_call(&self.world.program.ops, frame)
    }

    #[inline]
    pub(super) fn port(&self, edge: u32, replica: u32) -> usize {
        self.world.routes[edge as usize].port(replica)
    }
}

/// Whether the policies of a client let an attempt go, or how it ends without them. `key` names its draws.
#[inline(always)]
pub(super) fn permitted(
    observer: &mut impl Observer,
    now: Time,
    port: &mut Port,
    channel: u32,
    edge: u32,
    key: Key,
) -> Result<(), Outcome> {
    if !port.is_quiet
        && let Some(throttle) = &mut port.throttle
        && !throttle.permit(now, key.child(SALT_THROTTLE).uniform())
    {
        observer.throttled(edge, now);
        return Err(Outcome::Throttled);
    }
    let Some(breaker) = &mut port.breaker else { return Ok(()) };
    if breaker.is_open_to_all() {
        return Ok(());
    }
    let before = breaker.state();
    let permitted = breaker.permit(now);
    let after = breaker.state();
    if before != after {
        observer.breaker(channel, now, before, after);
    }
    if permitted {
        return Ok(());
    }
    observer.short_circuited(edge, now);
    Err(Outcome::ShortCircuited)
}

/// Arms the caller's patience with the attempt, and until `overall` with the call; returns the deadline that the callee learns.
#[inline(always)]
pub(super) fn set_timeout(
    agenda: &mut impl Agenda,
    frames: &Frames,
    route: &Route,
    ticket: Ticket,
    deadline: Time,
    overall: Time,
) -> Time {
    let until = route.timeout.map_or(Time::MAX, |(_, timeout)| agenda.now() + timeout);
    let limit = if route.propagate { deadline.min(overall) } else { overall };
    if limit < until {
        agenda.at(limit, Event::Timeout(ticket));
        return if route.propagate { limit } else { Time::MAX };
    }
    if let Some((timer, _)) = route.timeout {
        agenda.arm(timer, ticket, |ticket| frames.live(ticket));
    }
    if route.propagate { until } else { Time::MAX }
}

/// The edge and the salt of the call that a frame is in.
#[inline]
pub(super) fn current_call(ops: &[Op], frame: &Frame) -> (u32, u64) {
    match &ops[frame.pc as usize - 1] {
        Op::Call { edge, salt, .. } => (*edge, *salt),
        _ => unreachable!("a frame that waits for an answer stands just behind a call"),
    }
}
