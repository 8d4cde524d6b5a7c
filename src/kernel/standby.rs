//! Fallbacks: what stands in for the answer of a call that has failed with all its attempts. Outside of all else that a
//! client does: retries, breaker and bulkhead have had their turn.

use crate::base::random::salt;
use crate::base::time::Span;
use crate::mechanism::cache::{Found, Lost};
use crate::model::Scope;

use super::agenda::Agenda;
use super::engine::Engine;
use super::frame::flag;
use super::observer::Observer;
use super::resources::CacheState;

const SALT_CHANCE: u64 = salt("cache/chance");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A good answer has come, and is kept.
    #[inline(never)]
    pub(super) fn keep_answer(&mut self, id: u32, lookup: u32) {
        let now = self.now();
        let frame = &self.frames[id];
        let cache = self.world.program.lookups[lookup as usize].cache;
        if let CacheState::Lru { instances, scope, .. } = &mut self.resources.caches[cache as usize] {
            let instance = if *scope == Scope::Replica { frame.replica } else { 0 };
            let lost = instances[instance as usize].fill(now, frame.request_key, Span::ZERO);
            self.observer.fetched(cache, now, true, lost);
        }
    }

    /// Whether an answer was kept that is not too old.
    #[inline(never)]
    pub(super) fn recall_answer(&mut self, id: u32, lookup: u32) -> bool {
        let now = self.now();
        let frame = &self.frames[id];
        let entry = &self.world.program.lookups[lookup as usize];
        let cache = entry.cache;
        let is_there = match &mut self.resources.caches[cache as usize] {
            CacheState::Ratio(share) => {
                let place = frame.key.child(entry.salt ^ u64::from(frame.iteration));
                place.child(SALT_CHANCE).uniform() < *share
            }
            CacheState::Lru { instances, scope, .. } => {
                let instance = if *scope == Scope::Replica { frame.replica } else { 0 };
                instances[instance as usize].has(now, frame.request_key)
            }
        };
        let found = if is_there { Found::Hit } else { Found::Miss };
        self.observer.looked_up(cache, now, found, Lost::default());
        is_there
    }

    /// Something has stood in for an answer: the user's request for which that was learns it, as far as it still waits.
    #[inline(never)]
    pub(super) fn fell_back(&mut self, id: u32, edge: u32) {
        let now = self.now();
        self.observer.fell_back(edge, now);
        let mut at = id;
        while !self.frames[at].has(flag::USER) {
            let parent = self.frames[at].parent_ticket();
            if self.frames[at].has(flag::BACKGROUND) || !self.frames.live(parent) {
                return;
            }
            at = parent.frame;
        }
        self.fell_back.insert(at);
    }
}
