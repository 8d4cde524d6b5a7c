//! What goes over a transport is under way: as long as its bytes take, and longer where something gets lost.

use crate::base::random::{Key, salt};
use crate::base::time::Span;
use crate::base::units::Size;
use crate::mechanism::connection::ConnectionId;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::Frame;
use super::observer::Observer;
use super::wire::{Message, Wire};
use super::world::{Hop, Route, Transit, World};
use super::zone::Ends;

pub(super) const SALT_LOSS: u64 = salt("transport/loss");
pub(super) const SALT_OUT: u64 = salt("transport/connect/out");
pub(super) const SALT_BACK: u64 = salt("transport/connect/back");

/// Directions of a connection.
pub(super) const OUT: usize = 0;
pub(super) const BACK: usize = 1;

/// Names the draws of a direction.
#[inline(always)]
fn salt_of(direction: usize) -> u64 {
    if direction == OUT { SALT_OUT } else { SALT_BACK }
}

impl Wire {
    /// A message of so many bytes with its headers, which are longer in the first one on a connection.
    #[inline(always)]
    pub(super) fn with_headers(&self, message: Size, is_first: bool) -> Size {
        let headers = if is_first { self.transport.headers } else { self.transport.headers_warm };
        Size::from_bytes(message.as_bytes() + headers.as_bytes())
    }
}

/// How long a message takes along a swift edge: for the agenda, and as a length of time. `key` names its draw.
#[inline(always)]
pub(super) fn swift_transit(route: &Route, lanes: &[Span], key: Key, direction: usize) -> (Transit, Span) {
    match &route.hop {
        Hop::Lane(lane) => (Transit::Lane(*lane), lanes[lane.0 as usize]),
        hop => {
            let span = hop.span(lanes, key, salt_of(direction));
            (Transit::Span(span), span)
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// How long the packets of a message are under way without their bytes, trouble included.
    pub(super) fn one_way(&self, edge: u32, ends: Ends, key: Key, direction: u64) -> Span {
        let World { routes, zones, lanes, .. } = &self.world;
        let route = &routes[edge as usize];
        route.latency(zones.link(route, ends), lanes, key, direction) + route.wire().sidecars
    }

    /// The message by which a frame hands its request over along an edge, if messages have a size there.
    pub(super) fn handed_over(&self, frame: &Frame, edge: u32, salt: u64) -> Option<Message> {
        self.world.routes[edge as usize].wire.as_deref().map(|wire| wire.request(frame, || salt))
    }

    /// Sends a request that is handed over. The connection is taken to be open, and to be free for the next one at once:
    /// no answer comes back on it.
    pub(super) fn hand_over(&mut self, child: Ticket, edge: u32, caller: u32, request: Message) {
        if !self.world.routes[edge as usize].is_plain && self.is_struck(child.frame, edge) {
            return;
        }
        let frame = &self.frames[child.frame];
        let (key, ends) = (frame.key, Ends { caller, callee: frame.replica });
        let hop = if self.world.routes[edge as usize].is_swift {
            self.travel_swiftly(edge, key, OUT, request.bytes)
        } else {
            self.travel_between(edge, ends, key, None, OUT, request.bytes)
        };
        self.deliver(hop, Event::Arrive(child));
    }

    /// How long a message of such a size, headers excluded, takes along a swift edge that is not the first on its connection.
    #[inline(always)]
    pub(super) fn travel_swiftly(&mut self, edge: u32, key: Key, direction: usize, message: Size) -> Transit {
        let World { routes, lanes, .. } = &self.world;
        let route = &routes[edge as usize];
        let (hop, span) = swift_transit(route, lanes, key, direction);
        let bytes = route.wire().with_headers(message, false);
        self.observer.travelled(edge, self.agenda.now(), span, bytes, false);
        hop
    }

    /// How long a message of such a size, headers excluded, takes between frame `id` and its caller, on the caller's
    /// connection. One that is lost is sent again, and what follows it in the same direction waits for it.
    #[inline(never)]
    pub(super) fn travel(&mut self, edge: u32, id: u32, direction: usize, message: Size) -> Transit {
        let (ends, key) = (self.ends(id), self.frames[id].key);
        let connection = ConnectionId(self.frames[self.frames[id].parent].pending);
        self.travel_between(edge, ends, key, Some(connection), direction, message)
    }

    #[inline(never)]
    fn travel_between(
        &mut self,
        edge: u32,
        ends: Ends,
        key: Key,
        connection: Option<ConnectionId>,
        direction: usize,
        message: Size,
    ) -> Transit {
        let now = self.now();
        let salt = salt_of(direction);
        let World { routes, ports, zones, lanes, .. } = &mut self.world;
        let route = &routes[edge as usize];
        let (wire, link) = (route.wire(), zones.link(route, ends));
        let it = connection.and_then(|it| ports[route.port(ends.caller)].line().connections.at_mut(it));
        let bytes = wire.with_headers(message, it.as_ref().is_some_and(|it| it.requests == 1));
        let mut span = route.latency(link, lanes, key, salt) + wire.sidecars;
        if let Some(bandwidth) = wire.bandwidth(link) {
            span += bandwidth.time_of(bytes);
        }
        let loss = wire.loss(link);
        if loss > 0.0 {
            let missed = wire.losses(loss, key.child(SALT_LOSS ^ salt).draws());
            span += missed;
            span = it.map_or(span, |it| it.arrival(direction, now + span, missed).since(now));
        }
        self.observer.travelled(edge, now, span, bytes, zones.are_apart(route, ends));
        match route.hop_over(link) {
            Hop::Lane(lane) if span == lanes[lane.0 as usize] => Transit::Lane(*lane),
            _ => Transit::Span(span),
        }
    }

    /// How long an answer of frame `id` takes back to its caller; `None` when it gets lost.
    #[inline(never)]
    pub(super) fn answer_over(&mut self, id: u32, is_good: bool) -> Option<Transit> {
        if is_good && self.end_stream(id) {
            return None;
        }
        let Frame { key, edge, .. } = self.frames[id];
        let route = &self.world.routes[edge as usize];
        if route.trouble.cut {
            return None;
        }
        let bytes = route.wire().answer(key, is_good).bytes;
        Some(self.travel(edge, id, BACK, bytes))
    }
}
