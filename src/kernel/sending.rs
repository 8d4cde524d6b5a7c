//! An attempt over a transport sets off once it has a connection, and gives it back when it is over. Where one is ready nothing
//! else happens, and all is looked up once; who waits for one or opens it is the business of `transport`.

use crate::base::random::Key;
use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::mechanism::connection::{Connection, ConnectionId, Lent, Wanted};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::caller::current_call;
use super::engine::Engine;
use super::frame::{COLD, Frame, NONE, flag};
use super::observer::Observer;
use super::port::Port;
use super::program::Program;
use super::transport::Line;
use super::travel::{OUT, swift_transit};
use super::world::{Route, ServiceState, Transit, World};

/// Where an attempt goes.
struct Way<'w> {
    program: &'w Program,
    route: &'w Route,
    lanes: &'w [Span],
    service: &'w mut ServiceState,
    port: &'w mut Port,
    /// The caller's.
    frame: &'w mut Frame,
    edge: u32,
}

/// A request that is to be sent.
struct Parcel {
    child: Frame,
    /// Without headers.
    bytes: Size,
    /// How long its attempt has waited for its connection.
    waited: Span,
    /// How long it takes and its bytes with headers, along an edge where neither matters to the other.
    swift: Option<(Transit, Span, Size)>,
}

impl Way<'_> {
    /// The request of the attempt whose frame waits with `ticket`, on the connection that was `lent` to it; `key` names its
    /// draws.
    #[inline(always)]
    fn parcel(self, now: Time, ticket: Ticket, key: Key, lent: Lent) -> Parcel {
        let Way { program, route, lanes, service, port, frame, edge } = self;
        let Lent { replica, is_first, .. } = lent;
        let number = replica - route.first_replica;
        if frame.target == NONE {
            port.sends_to(now, number);
            frame.target = replica;
        }
        service.takes_in(number);
        let wire = route.wire();
        let request = wire.request(frame, || current_call(&program.ops, frame).1);
        let swift = route.is_swift.then(|| {
            let (hop, span) = swift_transit(route, lanes, key, OUT);
            (hop, span, wire.with_headers(request.bytes, is_first))
        });
        let child = Frame {
            deadline: told_deadline(route, frame),
            pc: route.start,
            edge,
            replica,
            service: route.service,
            request_key: frame.request_key,
            rank: program.rank(frame.pc - 1, frame.rank) | if is_first && wire.warms_up { COLD } else { 0 },
            // The body that it has to read: see [`Wire::received`].
            count: request.count(),
            flags: frame.flags & flag::ABANDONED,
            ..Frame::new(key, ticket)
        };
        Parcel { child, bytes: request.bytes, waited: now.since(frame.mark), swift }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// An attempt of the frame of `ticket`, whose draws `key` names, wants a connection.
    #[inline(always)]
    pub(super) fn connect(&mut self, ticket: Ticket, edge: u32, key: Key) {
        let now = self.now();
        let World { program, routes, channels, ports, services, lanes, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let frame = &mut self.frames[ticket.frame];
        frame.pending = NONE;
        let place = route.port(frame.replica);
        let (port, service) = (&mut ports[place], &mut services[route.service as usize]);
        let mut host = 0;
        if route.wire().balances_requests {
            let picks = &mut channels[route.channel as usize].picks;
            let Some(number) = port.choose(now, service, frame.request_key, picks) else {
                self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
                return;
            };
            port.sends_to(now, number);
            frame.target = route.first_replica + number;
            host = number;
        }
        let Some(lent) = port.line().connections.take_at_once(now, host) else {
            self.connect_with_care(ticket, edge, key, place, host);
            return;
        };
        frame.pending = lent.id.0;
        let way = Way { program, route, lanes, service, port, frame, edge };
        let parcel = way.parcel(now, ticket, key, lent);
        self.send_over(ticket.frame, edge, parcel);
    }

    /// The same where it takes more than to take the one that is ready.
    #[inline(never)]
    fn connect_with_care(&mut self, ticket: Ticket, edge: u32, key: Key, place: usize, host: u32) {
        let now = self.now();
        let line = self.world.ports[place].line();
        if line.backs_off(now, host) && line.connections.open_to(host) == 0 {
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
            return;
        }
        match line.connections.want(now, host, ticket) {
            Wanted::Has(lent) => {
                self.frames[ticket.frame].pending = lent.id.0;
                self.send_with(ticket, edge, key, lent);
                // One that was ready may have been too old.
                self.tell_connections(place, edge);
            }
            wanted => self.connects_later(ticket, edge, place, host, wanted),
        }
    }

    /// One that has waited for a connection has one.
    #[inline(never)]
    pub(super) fn connected(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let now = self.now();
        let World { program, routes, ports, .. } = &mut self.world;
        let frame = &mut self.frames[ticket.frame];
        let (edge, salt) = current_call(&program.ops, frame);
        let (line, key) = (ports[routes[edge as usize].port(frame.replica)].line(), frame.place(salt));
        let Some(lent) = line.connections.at(ConnectionId(frame.pending)).map(Connection::lent) else {
            // It has broken between two moments.
            self.observer.connected(edge, now, now.since(frame.mark));
            frame.pending = NONE;
            self.soon.push_back(Event::Reply(ticket, Outcome::Refused));
            return;
        };
        self.send_with(ticket, edge, key, lent);
    }

    /// Sends the attempt of the frame of `ticket`, to which a connection was lent.
    #[inline(never)]
    fn send_with(&mut self, ticket: Ticket, edge: u32, key: Key, lent: Lent) {
        let now = self.now();
        let World { program, routes, ports, services, lanes, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let frame = &mut self.frames[ticket.frame];
        let (port, service) = (&mut ports[route.port(frame.replica)], &mut services[route.service as usize]);
        let way = Way { program, route, lanes, service, port, frame, edge };
        let parcel = way.parcel(now, ticket, key, lent);
        self.send_over(ticket.frame, edge, parcel);
    }

    /// The attempt of frame `id` sets off.
    #[inline(always)]
    fn send_over(&mut self, id: u32, edge: u32, parcel: Parcel) {
        let now = self.now();
        let Parcel { child, bytes, waited, swift } = parcel;
        match swift {
            Some((_, span, bytes)) => self.observer.set_off(edge, now, waited, span, bytes),
            None => self.observer.connected(edge, now, waited),
        }
        let child = self.set_off(id, child);
        self.open_stream(id, child.frame, edge);
        match swift {
            Some((hop, ..)) => self.deliver(hop, Event::Arrive(child)),
            None => self.send_with_care(child, edge, bytes),
        }
    }

    /// Along an edge where it matters how large a message is, or what becomes of it.
    #[inline(never)]
    fn send_with_care(&mut self, child: Ticket, edge: u32, bytes: Size) {
        if !self.world.routes[edge as usize].is_plain && self.is_struck(child.frame, edge) {
            return;
        }
        let hop = self.travel(edge, child.frame, OUT, bytes);
        self.deliver(hop, Event::Arrive(child));
    }
}

impl Line {
    /// The attempt of a frame is over, and gives its connection back if it has one; `false` where more is to be done, and
    /// nothing has changed: see [`Engine::disconnect`].
    #[inline(always)]
    pub(super) fn gets_back(&mut self, now: Time, frame: &mut Frame, outcome: Outcome) -> bool {
        let connection = ConnectionId(frame.pending);
        let is_back = self.is_watched && outcome.is_ok() && self.connections.give_back_at_once(now, connection);
        if is_back {
            frame.pending = NONE;
        }
        is_back
    }
}

/// Until when the callee of an attempt is told that an answer is wanted.
#[inline(always)]
fn told_deadline(route: &Route, frame: &Frame) -> Time {
    if frame.has(flag::HEDGE) {
        return frame.deadline;
    }
    if !route.propagate {
        return Time::MAX;
    }
    let until = route.timeout.map_or(Time::MAX, |(_, timeout)| frame.mark + timeout);
    frame.deadline.min(until)
}
