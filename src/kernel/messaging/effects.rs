//! What handlers do to the world outside, and whether they do it again for the same thing. What something is done for is
//! known by its origin: the same for every attempt of a call, and for every delivery of a message.
//!
//! To know what is done again, all that was done must be remembered: this is the one place where memory follows what has
//! passed, 8 bytes and a little for each effect, and only where an endpoint has one.

use std::collections::BTreeSet;

use crate::base::random::Key;
use crate::model::Model;

use super::super::agenda::Agenda;
use super::super::engine::Engine;
use super::super::frame::DELIVERY;
use super::super::observer::{MessageFact, Observer};

/// See the module.
pub(in crate::kernel) struct Effects {
    done: BTreeSet<(u32, u64)>,
}

impl Effects {
    /// `None` where no endpoint has an effect.
    pub(super) fn of(model: &Model) -> Option<Box<Effects>> {
        let any = model.endpoints.iter().any(|endpoint| endpoint.effect.is_some());
        any.then(|| Box::new(Effects { done: BTreeSet::new() }))
    }

    /// `true` when it was done before.
    fn happens(&mut self, endpoint: u32, origin: Key) -> bool {
        !self.done.insert((endpoint, origin.draws().next_u64()))
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A handler has done something to the world outside; one that handles several messages at once for each of them.
    #[inline(never)]
    pub(in crate::kernel) fn effect(&mut self, id: u32, endpoint: u32) {
        let now = self.now();
        let frame = &self.frames[id];
        let (parent, waits) = (frame.parent, frame.parent_ticket());
        let origin = self.frames.origin(id);
        let Some(effects) = &mut self.messaging.effects else { return };
        let is_delivery = self.frames.live(waits) && self.frames[parent].parent == DELIVERY;
        if !is_delivery {
            self.observer.message(now, MessageFact::Effect { endpoint, is_again: effects.happens(endpoint, origin) });
            return;
        }
        let worker = &self.messaging.workers[self.frames[parent].parent_token as usize];
        let salt = self.messaging.groups[worker.group as usize].salt;
        for held in &worker.current {
            let is_again = effects.happens(endpoint, held.message.origin.child(salt));
            self.observer.message(now, MessageFact::Effect { endpoint, is_again });
        }
    }
}
