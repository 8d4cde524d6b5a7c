//! Server streaming: an answer of many messages, and what its window does to both ends.
//!
//! A stream exists from the moment when its request is sent until both ends know that it is over. The handler produces
//! a message, and waits when its window is full: a blocking one holds its thread meanwhile. The caller reads in a frame
//! of its own, a branch of the one that waits for the end of the answer, so that his patience goes on as he works. What
//! a message takes on its way is [`Engine::one_way`] and what `transport` says of bytes and losses; a network that is cut
//! delays it until it is whole again, as TCP does. Calls of endpoints that do not stream never come here.

use crate::base::distribution::SizeDistribution;
use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::mechanism::connection::ConnectionId;
use crate::mechanism::stream::{Stream, StreamFrame, StreamId};
use crate::model::{Model, Transport};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::{Frame, Frames, NONE, State, flag};
use super::observer::{Departure, Observer, Spent};
use super::zone::Ends;

const SALT_MESSAGE: u64 = salt("stream/message");
const SALT_READ: u64 = salt("stream/read");
const SALT_CREDIT: u64 = salt("stream/window-update");
const SALT_END: u64 = salt("stream/end");
const SALT_RESET: u64 = salt("stream/reset");
const SALT_SIZE: u64 = salt("stream/size");
const SALT_NETWORK: u64 = salt("stream/network");
const SALT_LOSS: u64 = salt("stream/loss");

/// The direction of messages on a connection.
const BACK: usize = 1;

/// In [`Link::serves`]: nobody reads any more, and the handler knows.
const RESET: u32 = NONE - 1;

/// See the module. Empty where nothing streams.
#[derive(Default)]
pub(super) struct Streaming {
    /// By edge: what its calls stream.
    flows: Vec<Option<Flow>>,
    /// By frame.
    links: Vec<Link>,
    streams: Vec<Slot>,
    free: Vec<u32>,
}

/// What the calls along an edge stream.
struct Flow {
    size: SizeDistribution,
    window: Size,
}

/// What a frame has to do with streams.
#[derive(Clone, Copy)]
struct Link {
    /// Of the frame that this is about: others had its place before.
    generation: u32,
    /// The stream that is its answer.
    serves: u32,
    /// The stream that it reads.
    reads: u32,
}

/// A stream.
struct Slot {
    /// How often the place was used before.
    number: u32,
    flow: Stream,
    edge: u32,
    /// The frame that waits for the end; [`NONE`] once it has turned away.
    caller: u32,
    /// Where it runs, across services; [`NONE`] for users.
    caller_replica: u32,
    /// The frame that reads; [`NONE`] before the first message.
    reader: u32,
    /// The handler's frame, and its generation.
    server: Ticket,
    /// Its key: names all draws of the stream.
    key: Key,
    /// The entry of the list of what callers spend on each message, or [`NONE`].
    read: u32,
    /// Messages that were read.
    read_so_far: u32,
    /// Whether the handler waits for room.
    is_blocked: bool,
    /// Whether the end has come.
    has_ended: bool,
    /// The bytes of the last message have left by then.
    line_free_at: Time,
    /// It arrives then, and the next one no earlier.
    last_arrival: Time,
}

impl Streaming {
    pub(super) fn new(model: &Model) -> Streaming {
        let edges = model.edges();
        let flows = edges.iter().map(|edge| {
            let client = &model.clients[edge.client];
            let transport = client.transport.as_ref().filter(|it| it.streams() && client.hedge.is_none())?;
            let stream = model.endpoints[edge.to].stream.as_ref()?;
            Some(Flow { size: stream.size.clone(), window: transport.window })
        });
        let flows: Vec<Option<Flow>> = flows.collect();
        if flows.iter().all(Option::is_none) {
            Streaming::default()
        } else {
            Streaming { flows, ..Streaming::default() }
        }
    }

    /// Whether nothing ever streams.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// What a frame has to do with streams, to be changed.
    fn link(&mut self, frames: &Frames, id: u32) -> &mut Link {
        let nothing = Link { generation: frames[id].generation, serves: NONE, reads: NONE };
        if self.links.len() <= id as usize {
            self.links.resize(id as usize + 1, nothing);
        }
        let link = &mut self.links[id as usize];
        if link.generation != nothing.generation {
            *link = nothing;
        }
        link
    }

    /// The stream that a frame reads, if any.
    fn read_by(&mut self, frames: &Frames, id: u32) -> Option<u32> {
        Some(self.link(frames, id).reads).filter(|place| *place != NONE)
    }

    /// The place of a stream of this edge that begins.
    fn insert(&mut self, slot: Slot) -> u32 {
        match self.free.pop() {
            Some(place) => {
                let number = self.streams[place as usize].number;
                self.streams[place as usize] = Slot { number, ..slot };
                place
            }
            None => {
                self.streams.push(slot);
                self.streams.len() as u32 - 1
            }
        }
    }

    fn remove(&mut self, place: u32) {
        let slot = &mut self.streams[place as usize];
        slot.number = slot.number.wrapping_add(1);
        self.free.push(place);
    }

    fn at(&mut self, place: u32) -> &mut Slot {
        &mut self.streams[place as usize]
    }
}

impl Slot {
    /// Whether the handler is still there.
    fn is_served(&self, frames: &Frames) -> bool {
        frames[self.server.frame].generation == self.server.token
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// An attempt of frame `id` is sent to the handler `child`, whose answer may be a stream.
    #[inline]
    pub(super) fn open_stream(&mut self, id: u32, child: u32, edge: u32) {
        if !self.streaming.is_empty() {
            self.open_stream_of(id, child, edge);
        }
    }

    #[inline(never)]
    fn open_stream_of(&mut self, id: u32, child: u32, edge: u32) {
        let Some(flow) = &self.streaming.flows[edge as usize] else { return };
        let slot = Slot {
            number: 0,
            flow: Stream::new(flow.window),
            edge,
            caller: id,
            caller_replica: self.frames[id].replica,
            reader: NONE,
            server: Ticket { frame: child, token: self.frames[child].generation },
            key: self.frames[child].key,
            read: self.world.program.read_at(self.frames[id].pc - 1).unwrap_or(NONE),
            read_so_far: 0,
            is_blocked: false,
            has_ended: false,
            line_free_at: Time::ZERO,
            last_arrival: Time::ZERO,
        };
        let place = self.streaming.insert(slot);
        self.streaming.link(&self.frames, id).reads = place;
        self.streaming.link(&self.frames, child).serves = place;
    }

    /// The attempt of frame `id` is over: what it has not read of a stream is gone, and the handler will hear of it.
    #[inline]
    pub(super) fn close_stream(&mut self, id: u32) {
        if !self.streaming.is_empty() {
            self.close_stream_of(id);
        }
    }

    #[inline(never)]
    fn close_stream_of(&mut self, id: u32) {
        let now = self.now();
        let Some(place) = self.streaming.read_by(&self.frames, id) else { return };
        self.streaming.link(&self.frames, id).reads = NONE;
        let slot = self.streaming.at(place);
        slot.caller = NONE;
        let reader = std::mem::replace(&mut slot.reader, NONE);
        let (edge, key, unread) = (slot.edge, slot.key, slot.flow.unread());
        if unread > 0 {
            self.observer.unread(edge, now, -(unread as i64));
        }
        if reader != NONE {
            self.abort(reader, Departure::Dropped);
        }
        if self.streaming.at(place).is_served(&self.frames) {
            let delay = self.one_way(edge, self.stream_ends(place), key, SALT_RESET);
            self.post(now + delay, place, StreamFrame::Reset);
        } else {
            self.streaming.remove(place);
        }
    }

    /// The `Produce` operation: a handler writes a message. `true` when that takes time.
    #[inline(never)]
    pub(super) fn write_message(&mut self, id: u32) -> bool {
        let Some(place) = self.served_by(id) else { return false };
        let edge = self.streaming.at(place).edge;
        let body = self.message_body(edge, self.frames[id].key, self.frames[id].iteration);
        let cpu = self.wire(edge).transport.encode_cpu(body);
        self.work_on_message(id, cpu)
    }

    /// The `Send` operation: `false` when the handler waits, or has ended because nobody reads any more.
    #[inline(never)]
    pub(super) fn send_message(&mut self, id: u32) -> bool {
        let now = self.now();
        if self.streaming.is_empty() {
            return true;
        }
        if self.streaming.link(&self.frames, id).serves == RESET {
            self.leave(id, Departure::Dropped, Outcome::Cancelled);
            return false;
        }
        let Some(place) = self.served_by(id) else { return true };
        if now >= self.frames[id].deadline {
            self.leave(id, Departure::Dropped, Outcome::Expired);
            return false;
        }
        let edge = self.streaming.at(place).edge;
        let body = self.message_body(edge, self.frames[id].key, self.frames[id].iteration);
        let body = self.wire(edge).transport.on_the_wire(body);
        let bytes = body.as_bytes() + Transport::PREFIX.as_bytes();
        let slot = self.streaming.at(place);
        if slot.flow.offer(bytes) {
            if slot.caller != NONE {
                self.transmit(place, bytes, self.frames[id].iteration);
            }
            return true;
        }
        slot.is_blocked = true;
        self.observer.blocked(edge, now, 1);
        self.frames.renew(id);
        let frame = &mut self.frames[id];
        frame.state = State::Blocked;
        if frame.is_watched() {
            self.observer.spends(id, now, Spent::Streams);
        }
        // It offers the same message again.
        frame.pc -= 1;
        self.hand_back_thread(id);
        false
    }

    /// A message, the `number`th from zero, leaves for its reader.
    fn transmit(&mut self, place: u32, bytes: u64, number: u32) {
        let now = self.now();
        let slot = self.streaming.at(place);
        let (edge, key) = (slot.edge, slot.key.child(SALT_MESSAGE ^ u64::from(number)));
        self.observer.unread(edge, now, bytes as i64);
        let transport = &self.wire(edge).transport;
        // Before the first one come the headers of the answer.
        let headers = if number == 0 { transport.headers_warm } else { Size::ZERO };
        let framed = bytes + Transport::FRAME_HEADER.as_bytes() + headers.as_bytes();
        let at = self.carry(place, key, Size::from_bytes(framed));
        self.post(at, place, StreamFrame::Message);
    }

    /// Between whom a stream travels whose handler is still there.
    fn stream_ends(&self, place: u32) -> Ends {
        let slot = &self.streaming.streams[place as usize];
        Ends { caller: slot.caller_replica, callee: self.frames[slot.server.frame].replica }
    }

    /// When so many bytes arrive at the reader. They wait for those before them.
    fn carry(&mut self, place: u32, key: Key, bytes: Size) -> Time {
        let now = self.now();
        let slot = self.streaming.at(place);
        let (edge, caller) = (slot.edge, slot.caller);
        let connection = ConnectionId(self.frames[caller].pending);
        let ends = self.stream_ends(place);
        let latency = self.one_way(edge, ends, key, SALT_NETWORK);
        let route = &self.world.routes[edge as usize];
        let (wire, link) = (route.wire(), self.world.zones.link(route, ends));
        let sending = wire.bandwidth(link).map_or(Span::ZERO, |bandwidth| bandwidth.time_of(bytes));
        let missed = wire.losses(wire.loss(link), key.child(SALT_LOSS).draws());
        let (port, is_across) = (route.port(ends.caller), self.world.zones.are_apart(route, ends));
        let slot = self.streaming.at(place);
        slot.line_free_at = slot.line_free_at.max(now) + sending;
        let arrival = (slot.line_free_at + latency + missed).max(slot.last_arrival);
        let line = self.world.ports[port].line.as_mut();
        let connection = line.and_then(|line| line.connections.at_mut(connection));
        let arrival = connection.map_or(arrival, |it| it.arrival(BACK, arrival, missed));
        slot.last_arrival = arrival;
        self.observer.travelled(edge, now, arrival.since(now), bytes, is_across);
        arrival
    }

    /// A handler ends well: if its answer was a stream, the end of it is on its way. `false` when it was none.
    #[inline]
    pub(super) fn end_stream(&mut self, id: u32) -> bool {
        !self.streaming.is_empty() && self.end_stream_of(id)
    }

    #[inline(never)]
    fn end_stream_of(&mut self, id: u32) -> bool {
        let Some(place) = self.served_by(id) else { return false };
        let slot = self.streaming.at(place);
        let (edge, key) = (slot.edge, slot.key.child(SALT_END));
        let trailers = self.wire(edge).transport.headers_warm;
        let at = self.carry(place, key, trailers);
        self.post(at, place, StreamFrame::End);
        true
    }

    /// A handler that waits for room stops to do so, since it ends.
    pub(super) fn stop_sending(&mut self, id: u32) {
        if let Some(place) = self.served_by(id) {
            self.unblock(place);
        }
    }

    /// Nobody waits any more for one who reads, for his reader, or for his handler.
    #[cold]
    pub(super) fn abandon_stream(&mut self, id: u32) {
        let child = self.frames[id].child;
        if child != NONE && self.is_child(child, id) {
            self.abandon(child);
        }
        if let Some(place) = self.streaming.read_by(&self.frames, id) {
            let reader = self.streaming.at(place).reader;
            if reader != NONE {
                self.abandon(reader);
            }
        }
    }

    /// Something reaches the other end of a stream, if that still is one. A network that is cut keeps it until it is whole.
    #[inline(never)]
    pub(super) fn streamed(&mut self, id: StreamId, frame: StreamFrame) {
        let slot = self.streaming.at(id.place);
        if slot.number != id.number {
            return;
        }
        let edge = slot.edge;
        if self.world.routes[edge as usize].trouble.cut {
            let again = self.wire(edge).transport.retransmit.max(Span::from_millis(1));
            self.agenda.at(self.agenda.now() + again, Event::Stream(id, frame));
            return;
        }
        match frame {
            StreamFrame::WindowUpdate => self.window_opens(id.place),
            StreamFrame::Reset => self.stream_reset(id.place),
            // He has turned away.
            _ if self.streaming.at(id.place).caller == NONE => {}
            StreamFrame::Message => self.message_arrives(id.place),
            StreamFrame::End => {
                self.streaming.at(id.place).has_ended = true;
                self.end_of_answer(id.place);
            }
        }
    }

    fn message_arrives(&mut self, place: u32) {
        let now = self.now();
        let slot = self.streaming.at(place);
        slot.flow.arrive();
        let (edge, caller, reader) = (slot.edge, slot.caller, slot.reader);
        if self.frames[caller].state != State::Streaming {
            self.observer.first_message(edge, now, now.since(self.frames[caller].mark));
            self.frames[caller].state = State::Streaming;
            self.tell_spends(caller, Spent::Streams);
        }
        if self.frames[caller].has(flag::USER) {
            // Users read without effort.
            while self.streaming.at(place).flow.begin() {
                self.message_read(place);
            }
            self.end_of_answer(place);
        } else if reader == NONE {
            let reader = self.hire_reader(place, caller);
            self.wake(reader, State::Sleeping);
        } else if self.frames[reader].state == State::Blocked {
            self.wake(reader, State::Sleeping);
        }
    }

    /// The frame that reads for `caller`: it runs as a branch of his does.
    fn hire_reader(&mut self, place: u32, caller: u32) -> u32 {
        let frame = self.frames[caller];
        let Ticket { frame: reader, .. } = self.frames.insert(Frame {
            arrived: self.agenda.now(),
            deadline: frame.deadline,
            pc: self.world.program.reader,
            edge: frame.edge,
            replica: frame.replica,
            service: frame.service,
            request_key: frame.request_key,
            rank: frame.rank,
            flags: flag::BRANCH | flag::REPLIED | (frame.flags & flag::ABANDONED),
            ..Frame::new(frame.key, self.frames.ticket(caller))
        });
        self.streaming.at(place).reader = reader;
        self.streaming.link(&self.frames, reader).reads = place;
        reader
    }

    /// The `Read` operation: a reader is done with a message, if he had one, and takes up the next.
    #[inline(never)]
    pub(super) fn read_messages(&mut self, id: u32) {
        // It stands here until it is removed.
        self.frames[id].pc -= 1;
        let Some(place) = self.streaming.read_by(&self.frames, id) else { return };
        loop {
            if self.streaming.at(place).flow.is_reading() {
                self.message_read(place);
            }
            let caller = self.streaming.at(place).caller;
            if self.frames[caller].has(flag::CANCELLED) {
                self.withdraw_call(caller);
                self.fail(caller);
                return;
            }
            let slot = self.streaming.at(place);
            if !slot.flow.begin() {
                break;
            }
            let (edge, key, read, number) = (slot.edge, slot.key, slot.read, slot.read_so_far);
            let body = self.message_body(edge, key, number);
            let decoding = self.wire(edge).transport.decode_cpu(body);
            let read = self.world.program.reads.get(read as usize);
            let reading =
                read.map_or(Span::ZERO, |(_, read)| read.sample(key.child(SALT_READ ^ u64::from(number)).draws()));
            if !decoding.is_zero() {
                self.observer.encodes(self.frames[id].service, id, self.agenda.now(), decoding);
            }
            if !(decoding + reading).is_zero() {
                self.work(id, decoding + reading);
                return;
            }
        }
        let slot = self.streaming.at(place);
        if slot.has_ended && slot.flow.is_drained() {
            let caller = slot.caller;
            self.answered_in_full(id, caller);
            return;
        }
        self.frames.renew(id);
        self.frames[id].state = State::Blocked;
        self.tell_spends(id, Spent::Streams);
        self.hand_back_thread(id);
    }

    /// A reader has nothing left to read: his caller goes on, on the same thread.
    fn answered_in_full(&mut self, reader: u32, caller: u32) {
        if self.frames[reader].has(flag::THREAD) {
            self.frames[reader].flags &= !flag::THREAD;
            self.frames[caller].flags |= flag::THREAD;
        }
        self.answered(self.frames.ticket(caller), Outcome::Ok);
    }

    /// The message at hand was read: the handler will hear of it, if he is still there.
    fn message_read(&mut self, place: u32) {
        let now = self.now();
        let slot = &mut self.streaming.streams[place as usize];
        let bytes = slot.flow.finish();
        let (edge, is_served) = (slot.edge, slot.is_served(&self.frames));
        let key = slot.key.child(SALT_CREDIT ^ u64::from(slot.read_so_far));
        slot.read_so_far += 1;
        self.observer.message_read(edge, now);
        self.observer.unread(edge, now, -(bytes as i64));
        if is_served {
            let delay = self.one_way(edge, self.stream_ends(place), key, SALT_NETWORK);
            self.post(now + delay, place, StreamFrame::WindowUpdate);
        }
    }

    /// The call of a stream is over when its end has come and all of it was read.
    fn end_of_answer(&mut self, place: u32) {
        let slot = self.streaming.at(place);
        if slot.has_ended && slot.flow.is_drained() {
            let caller = slot.caller;
            // Not in the middle of this: he may be paused.
            self.soon.push_back(Event::Reply(self.frames.ticket(caller), Outcome::Ok));
        }
    }

    /// The sender hears of a message that was read.
    fn window_opens(&mut self, place: u32) {
        let slot = self.streaming.at(place);
        if slot.flow.credit() && slot.is_blocked {
            let server = slot.server.frame;
            self.unblock(place);
            self.wake(server, State::Sleeping);
        }
    }

    /// The sender hears that nobody reads any more: what he writes next fails, and what he waits to write.
    fn stream_reset(&mut self, place: u32) {
        let slot = &self.streaming.streams[place as usize];
        let (server, is_blocked) = (slot.server.frame, slot.is_blocked);
        if slot.is_served(&self.frames) {
            self.streaming.link(&self.frames, server).serves = RESET;
            if is_blocked {
                self.unblock(place);
                self.wake(server, State::Sleeping);
            }
        }
        self.streaming.remove(place);
    }

    fn unblock(&mut self, place: u32) {
        let now = self.now();
        let slot = self.streaming.at(place);
        if std::mem::replace(&mut slot.is_blocked, false) {
            let edge = slot.edge;
            self.observer.blocked(edge, now, -1);
        }
    }

    /// The stream that is the answer of a handler, as long as somebody may read it.
    fn served_by(&mut self, id: u32) -> Option<u32> {
        if self.streaming.is_empty() {
            return None;
        }
        Some(self.streaming.link(&self.frames, id).serves).filter(|place| *place < RESET)
    }

    /// The body of a message, the `number`th from zero, of the stream whose handler has this key.
    fn message_body(&self, edge: u32, key: Key, number: u32) -> Size {
        let flow = self.streaming.flows[edge as usize].as_ref().expect("streams have edges that stream");
        flow.size.sample(key.child(SALT_SIZE ^ u64::from(number)).draws())
    }

    /// Something reaches the other end of a stream at `at`.
    fn post(&mut self, at: Time, place: u32, frame: StreamFrame) {
        let event = Event::Stream(StreamId { place, number: self.streaming.at(place).number }, frame);
        if at == self.agenda.now() { self.soon.push_back(event) } else { self.agenda.at(at, event) }
    }
}
