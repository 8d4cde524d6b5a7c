//! Messages of calls on their way along an edge: requests, answers, notices. Those over a transport have a size, and go on in
//! `travel`.

use crate::base::random::{Key, salt};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::{NONE, flag};
use super::observer::Observer;
use super::travel::BACK;
use super::world::{Transit, World};
use super::zone::Ends;

/// Calls that take no time nest up to here; deeper ones queue up.
pub(super) const DEPTH_MAX: u32 = 32;
pub(super) const SALT_REQUEST: u64 = salt("network/request");
const SALT_ANSWER: u64 = salt("network/answer");
pub(super) const SALT_CANCEL: u64 = salt("network/cancel");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Puts a request of the replica `caller` on its way.
    pub(super) fn send(&mut self, ticket: Ticket, edge: u32, caller: u32) {
        if !self.world.routes[edge as usize].is_plain {
            self.send_between(ticket, edge, caller);
            return;
        }
        let hop = self.transit(edge, ticket.frame, SALT_REQUEST);
        self.deliver(hop, Event::Arrive(ticket));
    }

    /// How long a message of frame `id` takes along a plain edge; `direction` names its draw.
    #[inline(always)]
    fn transit(&self, edge: u32, id: u32, direction: u64) -> Transit {
        self.world.routes[edge as usize].hop.transit(self.frames[id].key, direction)
    }

    /// Lets a message arrive: what takes no time is there at once, as deep as calls may nest.
    #[inline(always)]
    pub(super) fn deliver(&mut self, hop: Transit, event: Event) {
        match hop {
            Transit::Lane(lane) => self.agenda.after(lane, event),
            Transit::Span(delay) => self.agenda.at(self.agenda.now() + delay, event),
            Transit::None if self.depth < DEPTH_MAX && self.paused == 0 => {
                self.depth += 1;
                match event {
                    Event::Arrive(ticket) => self.arrive(ticket),
                    Event::Reply(ticket, outcome) => self.answered(ticket, outcome),
                    event => self.soon.push_back(event),
                }
                self.depth -= 1;
            }
            Transit::None => self.soon.push_back(event),
        }
    }

    /// Along an edge that is not plain. One that is cut loses the request, one that errs answers it at once; else it takes
    /// as long as trouble and zones say.
    #[cold]
    pub(super) fn send_between(&mut self, ticket: Ticket, edge: u32, caller: u32) {
        if !self.is_struck(ticket.frame, edge) {
            let frame = &self.frames[ticket.frame];
            let hop = self.transit_between(edge, Ends { caller, callee: frame.replica }, frame.key, SALT_REQUEST);
            self.deliver(hop, Event::Arrive(ticket));
        }
    }

    /// Whether a request never gets there, because its edge is cut or errs; then it is gone.
    pub(super) fn is_struck(&mut self, child: u32, edge: u32) -> bool {
        let frame = self.frames[child];
        let trouble = &self.world.routes[edge as usize].trouble;
        let errs = trouble.errors.iter().any(|&(salt, share)| frame.key.child(salt).uniform() < share);
        if !trouble.cut && !errs {
            return false;
        }
        if !trouble.cut && !frame.has(flag::REPLIED) {
            self.soon.push_back(Event::Reply(frame.parent_ticket(), Outcome::Error));
        }
        self.lose(child);
        true
    }

    /// A request that never reaches its replica.
    fn lose(&mut self, child: u32) {
        let frame = self.frames[child];
        if self.live(frame.parent_ticket()) {
            self.frames[frame.parent].child = NONE;
        }
        self.left_system(frame.service, frame.replica);
        self.free(child);
    }

    /// How long a message takes along an edge that is not plain, without its bytes.
    fn transit_between(&self, edge: u32, ends: Ends, key: Key, direction: u64) -> Transit {
        let World { routes, zones, lanes, .. } = &self.world;
        let route = &routes[edge as usize];
        let link = zones.link(route, ends);
        if route.trouble.is_none() {
            return route.hop_over(link).transit(key, direction);
        }
        Transit::Span(route.latency(link, lanes, key, direction))
    }

    /// Who waits for a frame's answer, and how long it takes there; `None` when nobody waits or it gets lost.
    #[inline(always)]
    pub(super) fn answer_of(&mut self, id: u32, is_good: bool) -> Option<(Ticket, Transit)> {
        let frame = &self.frames[id];
        let caller = frame.parent_ticket();
        if !self.live(caller) {
            return None;
        }
        let edge = frame.edge;
        let route = &self.world.routes[edge as usize];
        if !route.is_bare {
            return self.answer_with_care(edge, id, is_good).map(|hop| (caller, hop));
        }
        Some((caller, route.hop.transit(frame.key, SALT_ANSWER)))
    }

    /// How long an answer takes over a connection, or along an edge that is not plain; `None` when it gets lost.
    #[inline(never)]
    fn answer_with_care(&mut self, edge: u32, id: u32, is_good: bool) -> Option<Transit> {
        let (route, frame) = (&self.world.routes[edge as usize], &self.frames[id]);
        if route.is_swift && !frame.is_cold() && self.streaming.is_empty() {
            let bytes = route.wire().answer(frame.key, is_good).bytes;
            Some(self.travel_swiftly(edge, frame.key, BACK, bytes))
        } else if route.has_connections {
            self.answer_over(id, is_good)
        } else {
            self.message(edge, id, SALT_ANSWER)
        }
    }

    /// How long a message between frame `id` and its caller takes along an edge; `None` when it gets lost.
    #[inline(never)]
    pub(super) fn message(&self, edge: u32, id: u32, direction: u64) -> Option<Transit> {
        let route = &self.world.routes[edge as usize];
        if route.is_plain {
            return Some(self.transit(edge, id, direction));
        }
        let hop = self.transit_between(edge, self.ends(id), self.frames[id].key, direction);
        (!route.trouble.cut).then_some(hop)
    }
}
