//! Calls over a transport: who has no connection waits for one or opens it. What messages cost stands in `messages`, and how
//! long they take in `travel`. Calls whose client names no transport never come here.

use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::mechanism::connection::{ConnectionId, ConnectionSettings, Connections, Wanted};
use crate::model::{Balancing, ConnectionLimits, Limit, Transport};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::{Frame, NONE, State, flag};
use super::observer::{Observer, Spent};
use super::travel::{SALT_BACK, SALT_LOSS, SALT_OUT};
use super::wire::Wire;
use super::zone::Ends;

const SALT_BACKOFF: u64 = salt("transport/reconnect");

/// The first wait for an answer to the first packet of a connection (RFC 6298); each next one is twice as long.
pub(super) const FIRST_PACKET_TIMEOUT: Span = Span::from_secs(1);

/// The connections of a port.
pub(super) struct Line {
    pub(super) connections: Connections<Ticket>,
    /// The edge whose network they use, the first of its channel.
    pub(super) edge: u32,
    /// Names the draws of what belongs to no request.
    key: Key,
    /// Connections that were begun to be opened.
    dials: u64,
    /// By host.
    hosts: Vec<HostState>,
    /// Whether somebody will look for idle connections, or nobody has to.
    pub(super) is_watched: bool,
    /// Connections that the observer knows of: there, and opened so far.
    told: (u32, u64),
}

/// How connecting to a host goes.
#[derive(Clone, Copy, Default)]
struct HostState {
    failures: u32,
    /// Before this nobody tries again.
    until: Time,
}

impl Line {
    pub(super) fn new(transport: &Transport, edge: u32, key: Key) -> Line {
        Line {
            connections: Connections::new(settings(&transport.connections)),
            edge,
            key,
            dials: 0,
            hosts: Vec::new(),
            is_watched: transport.connections.idle_timeout.is_none() && transport.connections.max_age.is_none(),
            told: (0, 0),
        }
    }

    /// Whether nobody tries to connect to a host yet, since it could not be reached.
    pub(super) fn backs_off(&self, now: Time, host: u32) -> bool {
        self.hosts.get(host as usize).is_some_and(|host| host.until > now)
    }

    /// Whether there are other connections than the observer knows of.
    fn has_changed(&self) -> bool {
        (self.connections.count(), self.connections.opened_so_far()) != self.told
    }

    fn host(&mut self, host: u32) -> &mut HostState {
        if host as usize >= self.hosts.len() {
            self.hosts.resize(host as usize + 1, HostState::default());
        }
        &mut self.hosts[host as usize]
    }
}

fn settings(limits: &ConnectionLimits) -> ConnectionSettings {
    let number = |limit: Limit| match limit {
        Limit::Unlimited => u32::MAX,
        Limit::AtMost(n) => n,
    };
    ConnectionSettings {
        streams: number(limits.streams),
        per_host: number(limits.per_host),
        total: number(limits.total),
        idle: number(limits.idle),
        idle_timeout: limits.idle_timeout.unwrap_or(Span::MAX),
        max_requests: number(limits.requests),
        max_age: limits.max_age.unwrap_or(Span::MAX),
        queue: number(limits.queue),
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    fn line(&mut self, port: usize) -> &mut Line {
        self.world.ports[port].line()
    }

    pub(super) fn wire(&self, edge: u32) -> &Wire {
        self.world.routes[edge as usize].wire()
    }

    /// One who has got no connection at once.
    #[inline(never)]
    pub(super) fn connects_later(&mut self, ticket: Ticket, edge: u32, port: usize, host: u32, wanted: Wanted) {
        if wanted == Wanted::Rejected {
            self.soon.push_back(Event::Reply(ticket, Outcome::Rejected));
        } else {
            let frame = &mut self.frames[ticket.frame];
            frame.state = State::Connecting;
            self.tell_spends(ticket.frame, Spent::Connections);
            if let Some(timer) = self.wire(edge).acquire {
                let frames = &self.frames;
                self.agenda.arm(timer, ticket, |ticket| frames.live(ticket));
            }
            self.open_more(port, edge, host);
        }
        self.tell_connections(port, edge);
    }

    /// Opens as many connections to a host as those who wait for them need.
    fn open_more(&mut self, port: usize, edge: u32, host: u32) {
        let now = self.now();
        while self.line(port).connections.wants_more(host) {
            let number = match self.wire(edge).transport.balancing {
                Balancing::Request => Some(host),
                Balancing::Connection => self.choose(port, edge, NONE),
            };
            let first_replica = self.world.routes[edge as usize].first_replica;
            let line = self.line(port);
            let Some(number) = number else {
                // Nobody is there to connect to.
                self.connecting_failed(port, edge, host);
                return;
            };
            let Some(connection) = line.connections.open(now, host, first_replica + number) else { return };
            self.dial(port, edge, connection);
            let limit = self.wire(edge).transport.connections.connect_timeout;
            if let Some(limit) = limit {
                self.agenda.at(now + limit, Event::DialTimeout { port: port as u32, connection });
            }
        }
    }

    /// The first packet of a connection is sent.
    fn dial(&mut self, port: usize, edge: u32, connection: ConnectionId) {
        let line = self.line(port);
        let key = line.key.child(line.dials);
        line.dials += 1;
        let Some(it) = line.connections.at_mut(connection) else { return };
        it.stage = it.stage.saturating_add(1);
        let (tries, callee) = (it.stage, it.replica);
        let route = &self.world.routes[edge as usize];
        let ends = Ends { caller: route.replica_of(port), callee };
        let loss = route.wire().loss(self.world.zones.link(route, ends));
        let is_lost = route.trouble.cut || (loss > 0.0 && key.child(SALT_LOSS).uniform() < loss);
        let event = Event::Dial { port: port as u32, connection };
        if is_lost {
            // Sent again after 1 s, 2 s, 4 s, ..
            let wait = Span::from_nanos(FIRST_PACKET_TIMEOUT.as_nanos() << u32::from(tries - 1).min(30));
            self.agenda.at(self.agenda.now() + wait, event);
            return;
        }
        let out = self.one_way(edge, ends, key, SALT_OUT);
        let back = self.one_way(edge, ends, key, SALT_BACK);
        let round_trips = u64::from(self.wire(edge).transport.tls.round_trips);
        if let Some(it) = self.line(port).connections.at_mut(connection) {
            it.stage = if round_trips == 0 { OPENING } else { SHAKING };
            // What comes after the handshake at the server: back, and the other round trips.
            it.rest = Span::from_nanos((out.as_nanos() + back.as_nanos()) * round_trips.saturating_sub(1)) + back;
        }
        let first = if round_trips == 0 { out + back } else { out + back + out };
        self.agenda.at(self.agenda.now() + first, event);
    }

    /// The next stage of opening a connection is due.
    pub(super) fn dial_goes_on(&mut self, port: u32, connection: ConnectionId) {
        let now = self.now();
        let place = port as usize;
        let Some(line) = self.world.ports[place].line.as_mut() else { return };
        let edge = line.edge;
        let Some(it) = line.connections.at_mut(connection).filter(|it| !it.is_open()) else { return };
        let (stage, replica, host) = (it.stage, it.replica, it.host);
        if stage < OPENING {
            self.dial(place, edge, connection);
            return;
        }
        if self.world.replicas[replica as usize].condition.down {
            self.dial_failed(place, connection);
            return;
        }
        if self.world.replicas[replica as usize].door.is_some() && !self.comes_in(port, connection) {
            return;
        }
        if stage == SHAKING {
            self.shake_hands(port, edge, connection);
            return;
        }
        let line = self.line(place);
        line.connections.opened(now, connection);
        *line.host(host) = HostState::default();
        self.serve_waiting(place, edge, host);
        self.watch_idle(place, edge);
    }

    /// The server works on the handshake of a connection, on its cores but on none of its threads.
    fn shake_hands(&mut self, port: u32, edge: u32, connection: ConnectionId) {
        let line = self.line(port as usize);
        let key = line.key.child(line.dials);
        line.dials += 1;
        let Some(it) = line.connections.at_mut(connection) else { return };
        it.stage = OPENING;
        let replica = it.replica;
        let demand = self.wire(edge).transport.tls.handshake_cpu;
        let service = self.world.replicas[replica as usize].service;
        if demand.is_zero() {
            self.go_on_connecting(port, connection, service);
            return;
        }
        let nobody = Ticket { frame: 0, token: 0 };
        let ticket = self.frames.insert(Frame {
            arrived: self.agenda.now(),
            pc: self.world.program.hands_shaken,
            // The one that its end tells: see `Op::HandsShaken`.
            iteration: port,
            pending: connection.0,
            edge,
            replica,
            service,
            flags: flag::BRANCH | flag::REPLIED | flag::HANDSHAKE,
            ..Frame::new(key, nobody)
        });
        // Of nobody: this token is never one again.
        let id = ticket.frame;
        self.frames[id].parent = id;
        self.frames[id].parent_token = ticket.token.wrapping_sub(1);
        self.work(id, demand);
    }

    /// The frame that has worked on a handshake is done.
    #[cold]
    pub(super) fn hands_shaken(&mut self, id: u32) {
        let frame = &self.frames[id];
        let (port, connection, service) = (frame.iteration, ConnectionId(frame.pending), frame.service);
        self.free(id);
        self.go_on_connecting(port, connection, service);
    }

    /// The server is done with a handshake: its last message goes back, if somebody still wants it.
    fn go_on_connecting(&mut self, port: u32, connection: ConnectionId, service: u32) {
        let edge = self.line(port as usize).edge;
        let cpu = self.wire(edge).transport.tls.handshake_cpu;
        self.observer.shook_hands(service, self.agenda.now(), cpu);
        let line = self.line(port as usize);
        let Some(rest) = line.connections.at(connection).map(|it| it.rest) else { return };
        self.agenda.at(self.agenda.now() + rest, Event::Dial { port, connection });
    }

    /// A connection takes too long to open.
    pub(super) fn dial_timed_out(&mut self, port: u32, connection: ConnectionId) {
        let place = port as usize;
        let is_opening = self.world.ports[place].line.as_ref().and_then(|line| line.connections.at(connection));
        if is_opening.is_some_and(|it| !it.is_open()) {
            self.dial_failed(place, connection);
        }
    }

    /// A connection cannot be opened.
    fn dial_failed(&mut self, port: usize, connection: ConnectionId) {
        let line = self.line(port);
        let edge = line.edge;
        let Some(host) = line.connections.at(connection).map(|it| it.host) else { return };
        line.connections.close(connection);
        self.connecting_failed(port, edge, host);
        self.open_more(port, edge, host);
        self.tell_connections(port, edge);
    }

    /// Those who wait for a host hear that it cannot be reached: all where there is a backoff, else the first.
    fn connecting_failed(&mut self, port: usize, edge: u32, host: u32) {
        let now = self.now();
        let reconnect = self.wire(edge).transport.connections.reconnect;
        let frames = &self.frames;
        let line = self.world.ports[port].line();
        let failed = match reconnect {
            Some(reconnect) => {
                let draw = line.key.child(line.dials ^ SALT_BACKOFF).uniform();
                let state = line.host(host);
                state.failures = state.failures.saturating_add(1);
                state.until = now + reconnect.delay(state.failures, draw);
                line.connections.dismiss(host, |ticket| frames.live(ticket))
            }
            None => line.connections.dismiss_first(host, |ticket| frames.live(ticket)).into_iter().collect(),
        };
        for ticket in failed {
            self.frames[ticket.frame].state = State::Calling;
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
        }
    }

    /// Those who wait for a host go on as far as its connections have room.
    fn serve_waiting(&mut self, port: usize, edge: u32, host: u32) {
        let now = self.now();
        loop {
            let frames = &self.frames;
            let line = self.world.ports[port].line();
            let Some((ticket, connection)) = line.connections.next(now, host, |ticket| frames.live(ticket)) else {
                break;
            };
            let frame = &mut self.frames[ticket.frame];
            (frame.state, frame.pending) = (State::Calling, connection.0);
            self.soon.push_back(Event::Connected(ticket));
        }
        self.open_more(port, edge, host);
        if let Some(other) = self.line(port).connections.neediest() {
            self.open_more(port, edge, other);
        }
        self.tell_connections(port, edge);
    }

    /// The attempt of a frame is over: its connection is free for others, or closed, or it waits for none any more. What it
    /// nearly always is does [`Line::gets_back`].
    #[inline(never)]
    pub(super) fn disconnect(&mut self, id: u32, edge: u32, port: usize, outcome: Outcome) {
        let now = self.now();
        self.close_stream(id);
        let frame = &mut self.frames[id];
        let line = self.world.ports[port].line();
        let connection = std::mem::replace(&mut frame.pending, NONE);
        if connection == NONE {
            if frame.state == State::Connecting {
                frame.state = State::Calling;
                let first = self.world.routes[edge as usize].first_replica;
                let host = if frame.target == NONE { 0 } else { frame.target - first };
                let frames = &self.frames;
                line.connections.withdraw(host, |ticket| frames.live(ticket));
            }
            return;
        }
        let connection = ConnectionId(connection);
        let reusable = !matches!(outcome, Outcome::Timeout | Outcome::Cancelled | Outcome::Expired | Outcome::Refused);
        let Some(host) = line.connections.release(now, connection, reusable) else { return };
        let (is_wanted, is_unwatched) = (line.connections.may_be_wanted(host), !line.is_watched);
        if is_wanted {
            self.serve_waiting(port, edge, host);
        } else if line.has_changed() {
            self.tell_change_of_connections(port, edge);
        }
        if is_unwatched {
            self.watch_idle(port, edge);
        }
    }

    /// One has waited long enough for a connection, though its caller would wait on.
    pub(super) fn connecting_timed_out(&mut self, ticket: Ticket) {
        let (edge, _) = self.current_call(&self.frames[ticket.frame]);
        if self.is_out_of_patience(ticket.frame, edge) {
            self.timed_out(ticket);
        } else {
            self.answered(ticket, Outcome::Rejected);
        }
    }

    /// Whether the caller's patience with an attempt is over, and not only that with waiting for its connection.
    pub(super) fn is_out_of_patience(&self, id: u32, edge: u32) -> bool {
        let (frame, now) = (&self.frames[id], self.now());
        let route = &self.world.routes[edge as usize];
        let since = self.patience_since(id, edge);
        let is_over = route.timeout_of(since).is_some_and(|timeout| now >= since + timeout);
        // Of a call with hedges the call has patience, and no attempt of its own.
        let call_is_over = route.noted && now >= self.note(id).until;
        !frame.has(flag::HEDGE) && (is_over || call_is_over || (route.propagate && now >= frame.deadline))
    }

    /// Idle connections of a port are closed when their time has come.
    fn watch_idle(&mut self, port: usize, edge: u32) {
        let limits = &self.wire(edge).transport.connections;
        let Some(soonest) = limits.idle_timeout.into_iter().chain(limits.max_age).min() else { return };
        let now = self.now();
        let line = self.line(port);
        if !line.is_watched && line.connections.count() > 0 {
            line.is_watched = true;
            self.agenda.at(now + soonest, Event::IdleDue(port as u32));
        }
    }

    /// It is time to look for idle connections.
    pub(super) fn idle_due(&mut self, port: u32) {
        let now = self.now();
        let Some(line) = self.world.ports[port as usize].line.as_mut() else { return };
        let edge = line.edge;
        line.connections.close_idle(now);
        line.is_watched = false;
        if let Some(at) = line.connections.wake_at() {
            line.is_watched = true;
            self.agenda.at(at.max(now + Span::from_nanos(1)), Event::IdleDue(port));
        }
        self.tell_connections(port as usize, edge);
    }

    pub(super) fn tell_connections(&mut self, port: usize, edge: u32) {
        if self.line(port).has_changed() {
            self.tell_change_of_connections(port, edge);
        }
    }

    #[inline(never)]
    fn tell_change_of_connections(&mut self, port: usize, edge: u32) {
        let now = self.now();
        let line = self.line(port);
        let there = (line.connections.count(), line.connections.opened_so_far());
        let (change, new) = (there.0 as i32 - line.told.0 as i32, there.1 - line.told.1);
        line.told = there;
        let channel = self.world.routes[edge as usize].channel;
        self.observer.connections(channel, now, change, new as u32);
        if self.line(port).connections.has_left() {
            self.makes_room(port as u32);
        }
    }

    /// All connections to a replica break; those that were being opened fail.
    pub(super) fn break_connections(&mut self, replica: u32) {
        for port in 0..self.world.ports.len() {
            let Some(line) = self.world.ports[port].line.as_mut() else { continue };
            let edge = line.edge;
            for connection in line.connections.to_replica(replica) {
                if line_is_opening(self.line(port), connection) {
                    self.dial_failed(port, connection);
                } else {
                    self.line(port).connections.close(connection);
                }
            }
            self.tell_connections(port, edge);
        }
    }

    /// A replica tells its clients to go elsewhere: connections to it take no new requests.
    pub(super) fn retire_connections(&mut self, replica: u32) {
        for port in 0..self.world.ports.len() {
            let Some(line) = self.world.ports[port].line.as_mut() else { continue };
            let edge = line.edge;
            line.connections.retire(replica);
            self.tell_connections(port, edge);
        }
    }

    /// A process whose clients' connections these are has died.
    pub(super) fn hang_up(&mut self, port: usize) {
        let Some(line) = self.world.ports[port].line.as_mut() else { return };
        let edge = line.edge;
        line.connections.close_all();
        line.hosts.clear();
        self.tell_connections(port, edge);
    }
}

/// Stages of opening a connection: below these, how often its first packet was sent.
pub(super) const OPENING: u8 = 254;
pub(super) const SHAKING: u8 = 255;

fn line_is_opening(line: &Line, connection: ConnectionId) -> bool {
    line.connections.at(connection).is_some_and(|it| !it.is_open())
}
