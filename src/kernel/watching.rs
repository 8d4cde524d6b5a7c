//! Watching: what frames do is told of those only that the observer wants to know of, which is a bit of the frame, and
//! another one where it wants to know no more than their times: the many others pay nothing but the question.

use crate::base::time::{Span, Time};

use super::agenda::Agenda;
use super::engine::Engine;
use super::frame::Frame;
use super::observer::{Deed, Observer, Spent};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// What a frame has done.
    #[inline(always)]
    pub(super) fn tell_deed(&mut self, id: u32, deed: Deed) {
        if self.frames[id].is_traced() {
            self.observer.deed(id, self.agenda.now(), deed);
        }
    }

    /// A frame begins that another one has caused, and what it does first.
    #[inline(always)]
    pub(super) fn tell_begins(&mut self, id: u32, on: Spent, deed: Deed) {
        if self.frames[id].is_watched() {
            self.observer.begins(id, self.agenda.now(), on);
        }
        self.tell_deed(id, deed);
    }

    /// What a frame does from now on.
    #[inline(always)]
    pub(super) fn tell_spends(&mut self, id: u32, on: Spent) {
        if self.frames[id].is_watched() {
            self.observer.spends(id, self.agenda.now(), on);
        }
    }

    /// What `waiting` has waited for is what `other` has done.
    #[inline(always)]
    pub(super) fn tell_explains(&mut self, waiting: u32, other: u32) {
        if self.frames[other].is_watched() {
            self.observer.explains(waiting, other, self.agenda.now());
        }
    }
}

/// A frame that is watched works, which would take `cpu` alone.
#[inline(never)]
pub(super) fn watched_works(observer: &mut impl Observer, frame: &Frame, id: u32, now: Time, cpu: Span) {
    observer.demands(id, now, cpu);
    if frame.is_traced() {
        observer.deed(id, now, Deed::Works);
    }
}
