//! The `forward` step: a handler hands its request over to another endpoint, which answers in its place. Where the
//! request goes, the balancer of the client decides that the step names; nobody waits at this end.

use crate::base::time::Span;
use crate::policy::Outcome;

use super::agenda::Agenda;
use super::engine::Engine;
use super::frame::{Frame, flag};
use super::observer::{Deed, Departure, Observer};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// The `forward` step: another endpoint takes over and will answer this frame's caller.
    #[inline(never)]
    pub(super) fn forward(&mut self, id: u32, edge: u32, salt: u64) {
        let now = self.now();
        let frame = self.frames[id];
        self.observer.called(edge, now);
        self.observer.sent(edge, now);
        let port = self.port(edge, frame.replica);
        let Some(target) = self.pick(port, edge, frame.request_key) else {
            self.observer.answered(edge, now, now, Outcome::Refused);
            self.end(id, Outcome::Error);
            return;
        };
        let first = self.world.services[self.world.routes[edge as usize].service as usize].first_replica;
        // Nobody waits at this end: neither the balancer nor who looks after replicas learns when it is over.
        let ejected = self.world.ports[port].hears_of(now, target - first, Span::ZERO, Outcome::Cancelled);
        if ejected != 0 {
            self.observer.ejected(self.world.routes[edge as usize].channel, now, ejected);
        }
        self.observer.answered(edge, now, now, Outcome::Ok);
        let place = salt ^ (u64::from(frame.iteration) << 16);
        let child = self.frames.insert(Frame {
            deadline: frame.deadline,
            pc: self.world.routes[edge as usize].start,
            edge: frame.edge,
            replica: target,
            service: self.world.routes[edge as usize].service,
            // By which it comes: see [`Engine::work_on_messages`].
            target: edge,
            count: self.handed_over(&frame, edge, salt).map_or(0, |request| request.count()),
            request_key: frame.request_key,
            rank: self.world.program.rank(frame.pc - 1, frame.rank),
            flags: frame.flags & (flag::ABANDONED | flag::REPLIED),
            ..Frame::new(frame.key.child(place), frame.parent_ticket())
        });
        self.frames.inherit_origin(child.frame, id, place);
        if frame.is_watched() {
            self.observer.hands_over(id, child.frame, now);
        }
        if frame.is_traced() {
            self.observer.deed(child.frame, now, Deed::TakesOver { from: id, edge, replica: target });
        }
        if self.live(frame.parent_ticket()) && self.frames[frame.parent].child == id {
            self.frames[frame.parent].child = child.frame;
        }
        self.frames[id].flags |= flag::REPLIED;
        // It makes room before the other arrives, who may want its thread.
        self.leave(id, Departure::Completed, Outcome::Ok);
        match self.handed_over(&frame, edge, salt) {
            Some(request) if self.world.routes[edge as usize].has_connections => {
                self.hand_over(child, edge, frame.replica, request);
            }
            _ => self.send(child, edge, frame.replica),
        }
    }
}
