//! Calls over a transport: who has no connection waits for one or opens it, bodies are written and read on somebody's
//! CPU, and messages take as long as their bytes. Calls whose client names no transport never come here.

use crate::base::distribution::SizeDistribution;
use crate::base::random::{Draws, Key, salt};
use crate::base::time::{Span, Time};
use crate::base::units::{Bandwidth, Size};
use crate::mechanism::connection::{ConnectionId, ConnectionSettings, Connections, Wanted};
use crate::model::{Balancing, Caller, Client, ConnectionLimits, Endpoint, Limit, Transport};
use crate::policy::Outcome;
use crate::policy::balance::Balancer;

use super::agenda::{Agenda, Event, Ticket, TimerId};
use super::engine::Engine;
use super::frame::{Frame, NONE, State, flag};
use super::observer::Observer;
use super::world::{Port, Transit};

const SALT_BODY: u64 = salt("transport/request");
const SALT_ANSWER_BODY: u64 = salt("transport/response");
const SALT_LOSS: u64 = salt("transport/loss");
const SALT_BACKOFF: u64 = salt("transport/reconnect");
const SALT_OUT: u64 = salt("transport/connect/out");
const SALT_BACK: u64 = salt("transport/connect/back");

/// The first wait for an answer to the first packet of a connection (RFC 6298); each next one is twice as long.
const FIRST_PACKET_TIMEOUT: Span = Span::from_secs(1);

/// Directions of a connection.
const OUT: usize = 0;
const BACK: usize = 1;

/// What a route needs to know of its transport.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) transport: Transport,
    request: SizeDistribution,
    response: SizeDistribution,
    pub(super) bandwidth: Option<Bandwidth>,
    loss: f64,
    /// Time that a message spends in sidecars.
    sidecars: Span,
    /// How long a request waits for a connection.
    acquire: Option<TimerId>,
}

impl Wire {
    pub(super) fn new(client: &Client, from: Caller, to: &Endpoint, acquire: Option<TimerId>) -> Option<Wire> {
        let transport = (**client.transport.as_ref()?).clone();
        // Users have no sidecar.
        let sidecars = if matches!(from, Caller::Workload(_)) { 1 } else { 2 };
        let latency = transport.mesh.map_or(Span::ZERO, |mesh| mesh.latency);
        Some(Wire {
            request: to.request.clone(),
            response: to.response.clone(),
            bandwidth: client.bandwidth,
            loss: client.loss.as_f64(),
            sidecars: Span::from_nanos(latency.as_nanos() * sidecars),
            acquire,
            transport,
        })
    }

    /// Whether a call needs a connection.
    #[inline]
    pub(super) fn connects(&self) -> bool {
        self.transport.connects()
    }

    /// How long a message is missed that gets lost, and is sent again after waits of which each next one is twice as long.
    pub(super) fn losses(&self, mut draws: Draws) -> Span {
        let (mut missed, mut wait) = (Span::ZERO, self.transport.retransmit);
        // Ten losses in a row are as good as for ever.
        for _ in 0..10 {
            if draws.next_uniform() >= self.loss {
                break;
            }
            missed += wait;
            wait += wait;
        }
        missed
    }
}

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
    /// Whether somebody will look for idle connections.
    is_watched: bool,
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
            is_watched: false,
            told: (0, 0),
        }
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
        line_of(&mut self.world.ports, port)
    }

    pub(super) fn wire(&self, edge: u32) -> &Wire {
        self.world.routes[edge as usize].wire.as_ref().expect("only edges with a transport come here")
    }

    /// An attempt of the frame of `ticket` wants a connection.
    #[inline(never)]
    pub(super) fn connect(&mut self, ticket: Ticket, edge: u32) {
        let now = self.now();
        let id = ticket.frame;
        self.frames[id].pending = NONE;
        let (replica, request_key) = (self.frames[id].replica, self.frames[id].request_key);
        let port = self.port(edge, replica);
        let host = match self.wire(edge).transport.balancing {
            Balancing::Connection => 0,
            Balancing::Request => {
                let Some(number) = self.choose(port, edge, request_key) else {
                    self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
                    return;
                };
                self.world.ports[port].balancer.started(number);
                self.frames[id].target = self.world.routes[edge as usize].first_replica + number;
                number
            }
        };
        let frames = &self.frames;
        let line = line_of(&mut self.world.ports, port);
        if line.host(host).until > now && line.connections.open_to(host) == 0 {
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
            return;
        }
        match line.connections.want(now, host, ticket) {
            Wanted::Has(connection) => {
                self.frames[id].pending = connection.0;
                self.send_over(id, edge, connection);
            }
            Wanted::Rejected => self.soon.push_back(Event::Reply(ticket, Outcome::Rejected)),
            Wanted::Waits => {
                if let Some(timer) = self.world.routes[edge as usize].wire.as_ref().and_then(|wire| wire.acquire) {
                    self.agenda.arm(timer, ticket, |ticket| frames.live(ticket));
                }
                self.frames[id].state = State::Connecting;
                self.open_more(port, edge, host);
            }
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
        let tries = it.stage;
        let route = &self.world.routes[edge as usize];
        let loss = self.wire(edge).loss;
        let is_lost = route.trouble.cut || (loss > 0.0 && key.child(SALT_LOSS).uniform() < loss);
        let event = Event::Dial { port: port as u32, connection };
        if is_lost {
            // Sent again after 1 s, 2 s, 4 s, ..
            let wait = Span::from_nanos(FIRST_PACKET_TIMEOUT.as_nanos() << u32::from(tries - 1).min(30));
            self.agenda.at(self.agenda.now() + wait, event);
            return;
        }
        let out = self.one_way(edge, key, SALT_OUT);
        let back = self.one_way(edge, key, SALT_BACK);
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
            self.hands_shaken(port, connection, service);
            return;
        }
        let nobody = Ticket { frame: 0, token: 0 };
        let frame = self.frames.insert(Frame {
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
        self.frames[frame].parent = frame;
        self.frames[frame].parent_token = self.frames[frame].token.wrapping_sub(1);
        self.work(frame, demand);
    }

    /// The server is done with a handshake: its last message goes back, if somebody still wants it.
    pub(super) fn hands_shaken(&mut self, port: u32, connection: ConnectionId, service: u32) {
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
        let line = line_of(&mut self.world.ports, port);
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
            let line = line_of(&mut self.world.ports, port);
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

    /// One that has waited for a connection has one.
    pub(super) fn connected(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let (edge, _) = self.current_call(&self.frames[ticket.frame]);
        self.send_over(ticket.frame, edge, ConnectionId(self.frames[ticket.frame].pending));
    }

    /// Sends the attempt of frame `id` over its connection.
    fn send_over(&mut self, id: u32, edge: u32, connection: ConnectionId) {
        let now = self.now();
        let (_, salt) = self.current_call(&self.frames[id]);
        let frame = self.frames[id];
        self.observer.connected(edge, now, now.since(frame.mark));
        let port = self.port(edge, frame.replica);
        let Some(replica) = self.line(port).connections.at(connection).map(|it| it.replica) else {
            // It broke between two moments.
            self.frames[id].pending = NONE;
            self.soon.push_back(Event::Reply(self.frames.ticket(id), Outcome::Refused));
            return;
        };
        let first_replica = self.world.routes[edge as usize].first_replica;
        if frame.target == NONE {
            self.world.ports[port].balancer.started(replica - first_replica);
            self.frames[id].target = replica;
        }
        let service = self.world.routes[edge as usize].service;
        self.world.services[service as usize].takes_in(replica - first_replica);
        let body = self.request_body(&frame, edge, salt);
        let child = self.frames.insert(Frame {
            deadline: self.told_deadline(&frame, edge),
            pc: self.world.routes[edge as usize].start,
            edge,
            replica,
            service,
            request_key: frame.request_key,
            priority: self.world.program.priority(frame.pc - 1, frame.priority),
            // The body that it has to read: see `Engine::read_request`.
            count: body.as_bytes().min(u64::from(u32::MAX)) as u32,
            flags: frame.flags & flag::ABANDONED,
            ..Frame::new(frame.place(salt), self.frames.ticket(id))
        });
        self.frames[id].child = child;
        self.open_stream(id, child, edge);
        let (key, ticket) = (self.frames[child].key, self.frames.ticket(child));
        if self.world.routes[edge as usize].troubled && self.is_struck(child, edge) {
            return;
        }
        let hop = self.travel(edge, port, connection, key, OUT, body);
        self.deliver(Transit::Span(hop), Event::Arrive(ticket));
    }

    /// Until when the callee of an attempt is told that an answer is wanted.
    fn told_deadline(&self, frame: &Frame, edge: u32) -> Time {
        let route = &self.world.routes[edge as usize];
        if frame.has(flag::HEDGE) {
            return frame.deadline;
        }
        if !route.propagate {
            return Time::MAX;
        }
        let until = route.timeout.map_or(Time::MAX, |(_, timeout)| frame.mark + timeout);
        frame.deadline.min(until)
    }

    /// The body of the request that a frame's present call sends, the same for all its attempts.
    fn request_body(&self, frame: &Frame, edge: u32, salt: u64) -> Size {
        let call = frame.key.child(salt ^ (u64::from(frame.iteration) << 16) ^ SALT_BODY);
        self.wire(edge).request.sample(call.draws())
    }

    /// The body of the good answer to an attempt, whose callee has this key.
    fn answer_body(&self, key: Key, edge: u32) -> Size {
        self.wire(edge).response.sample(key.child(SALT_ANSWER_BODY).draws())
    }

    /// How long the packets of a message are under way without their bytes, trouble included.
    pub(super) fn one_way(&self, edge: u32, key: Key, direction: u64) -> Span {
        self.troubled_delay(edge, key, direction) + self.wire(edge).sidecars
    }

    /// How long a message of such a body takes on a connection. One that is lost is sent again, and what follows it in the
    /// same direction waits for it.
    fn travel(
        &mut self,
        edge: u32,
        port: usize,
        connection: ConnectionId,
        key: Key,
        direction: usize,
        body: Size,
    ) -> Span {
        let now = self.now();
        let salt = if direction == OUT { SALT_OUT } else { SALT_BACK };
        let latency = self.one_way(edge, key, salt);
        let wire = self.wire(edge);
        let bandwidth = wire.bandwidth;
        let missed = (wire.loss > 0.0).then(|| wire.losses(key.child(SALT_LOSS ^ salt).draws()));
        let (headers, warm) = (wire.transport.headers, wire.transport.headers_warm);
        let body = wire.transport.on_the_wire(body);
        let it = self.world.ports[port].line.as_mut().and_then(|line| line.connections.at_mut(connection));
        let is_first = it.as_ref().is_some_and(|it| it.requests == 1);
        let headers = if is_first { headers } else { warm };
        let bytes = Size::from_bytes(body.as_bytes() + headers.as_bytes());
        let mut span = latency + bandwidth.map_or(Span::ZERO, |bandwidth| bandwidth.time_of(bytes));
        if let Some(missed) = missed {
            span += missed;
            span = it.map_or(span, |it| it.arrival(direction, now + span, missed).since(now));
        }
        self.observer.travelled(edge, now, span, bytes);
        span
    }

    /// How long an answer of frame `id` takes back to its caller; `None` when it gets lost.
    #[inline(never)]
    pub(super) fn answer_over(&mut self, id: u32, is_good: bool) -> Option<Span> {
        let frame = self.frames[id];
        if (is_good && self.end_stream(id)) || self.world.routes[frame.edge as usize].trouble.cut {
            return None;
        }
        let body = if is_good { self.answer_body(frame.key, frame.edge) } else { Size::ZERO };
        let caller = self.frames[frame.parent];
        let port = self.port(frame.edge, caller.replica);
        Some(self.travel(frame.edge, port, ConnectionId(caller.pending), frame.key, BACK, body))
    }

    /// The attempt of a frame is over: its connection is free for others, or closed, or it waits for none any more.
    #[inline(never)]
    pub(super) fn disconnect(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        self.close_stream(id);
        let frame = &mut self.frames[id];
        let connection = std::mem::replace(&mut frame.pending, NONE);
        let (state, target, replica) = (frame.state, frame.target, frame.replica);
        if state == State::Connecting {
            frame.state = State::Calling;
        }
        let port = self.port(edge, replica);
        let frames = &self.frames;
        let line = line_of(&mut self.world.ports, port);
        if connection == NONE {
            if state == State::Connecting {
                let first_replica = self.world.routes[edge as usize].first_replica;
                let host = if target == NONE { 0 } else { target - first_replica };
                line.connections.withdraw(host, |ticket| frames.live(ticket));
            }
            return;
        }
        let connection = ConnectionId(connection);
        let Some(host) = line.connections.at(connection).map(|it| it.host) else { return };
        let reusable = !matches!(outcome, Outcome::Timeout | Outcome::Cancelled | Outcome::Expired | Outcome::Refused);
        line.connections.release(now, connection, reusable);
        self.serve_waiting(port, edge, host);
        self.watch_idle(port, edge);
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
        let is_over = route.timeout_of(frame.mark).is_some_and(|timeout| now >= frame.mark + timeout);
        // Of a call with hedges the call has patience, and no attempt of its own.
        !frame.has(flag::HEDGE) && (is_over || (route.propagate && now >= frame.deadline))
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

    fn tell_connections(&mut self, port: usize, edge: u32) {
        let now = self.now();
        let line = self.line(port);
        let (count, opened) = (line.connections.count(), line.connections.opened_so_far());
        let (change, new) = (count as i32 - line.told.0 as i32, opened - line.told.1);
        if change != 0 || new != 0 {
            line.told = (count, opened);
            let channel = self.world.routes[edge as usize].channel;
            self.observer.connections(channel, now, change, new as u32);
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

    /// The `Encode` operation: the body of a request is written. `true` when that takes time.
    #[inline(never)]
    pub(super) fn write_request(&mut self, id: u32, edge: u32, salt: u64) -> bool {
        let body = self.request_body(&self.frames[id], edge, salt);
        let cpu = self.wire(edge).transport.encode_cpu(body);
        self.work_on_message(id, cpu)
    }

    /// The `Decode` operation: the answer to a call that went well is read.
    #[inline(never)]
    pub(super) fn read_answer(&mut self, id: u32, edge: u32, salt: u64) -> bool {
        let body = self.answer_body(self.frames[id].place(salt), edge);
        let cpu = self.wire(edge).transport.decode_cpu(body);
        self.work_on_message(id, cpu)
    }

    /// The `Receive` operation: a handler reads its request.
    #[inline(never)]
    pub(super) fn read_request(&mut self, id: u32) -> bool {
        let frame = &self.frames[id];
        let Some(wire) = &self.world.routes[frame.edge as usize].wire else { return false };
        let cpu = wire.transport.decode_cpu(Size::from_bytes(u64::from(frame.count)));
        self.work_on_message(id, cpu)
    }

    /// The `Respond` operation: a handler writes its good answer, if somebody is still to get it.
    #[inline(never)]
    pub(super) fn write_answer(&mut self, id: u32) -> bool {
        let frame = &self.frames[id];
        if frame.has(flag::REPLIED) {
            return false;
        }
        let Some(wire) = &self.world.routes[frame.edge as usize].wire else { return false };
        let cpu = wire.transport.encode_cpu(self.answer_body(frame.key, frame.edge));
        self.work_on_message(id, cpu)
    }

    pub(super) fn work_on_message(&mut self, id: u32, cpu: Span) -> bool {
        if cpu.is_zero() {
            return false;
        }
        self.observer.encodes(self.frames[id].service, self.agenda.now(), cpu);
        self.work(id, cpu);
        true
    }
}

/// Stages of opening a connection: below these, how often its first packet was sent.
pub(super) const OPENING: u8 = 254;
pub(super) const SHAKING: u8 = 255;

fn line_of(ports: &mut [Port], port: usize) -> &mut Line {
    ports[port].line.as_mut().expect("a port whose client has a transport has a line")
}

fn line_is_opening(line: &Line, connection: ConnectionId) -> bool {
    line.connections.at(connection).is_some_and(|it| !it.is_open())
}
