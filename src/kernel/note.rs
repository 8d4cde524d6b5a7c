//! Notes: what must be known of a call beyond its attempts, for the few clients that ask: since when it lasts and until
//! when it may, whether its breaker let it go, how its last attempt ended. They lie beside the frames, so that frames stay
//! small.

use crate::base::time::Time;
use crate::policy::Outcome;
use crate::policy::breaker::{Breaker, Verdict};
use crate::policy::retry::Pushback;

use super::agenda::Agenda;
use super::engine::Engine;
use super::observer::Observer;

/// Of the call that a frame is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    started: Time,
    /// When the caller's patience with all its attempts ends.
    pub(super) until: Time,
    /// Whether a breaker waits to hear how the call ends.
    permitted: bool,
    /// Since when it is within the layers of the gate that stand around it.
    pub(super) entered: Time,
    /// How many of them it is within.
    layers: u8,
    /// How the attempt before the present one ended.
    pub(super) before: Option<Outcome>,
    /// What the server wishes who has turned the present attempt away.
    pub(super) wish: Option<Pushback>,
    /// The last attempt at which a server wished something; 0 if none.
    pub(super) pushed_back_at: u32,
    /// Whether an attempt was sent a second time because nobody had taken it on.
    pub(super) resent: bool,
}

/// Of a frame that is in no call of interest.
pub(super) const NO_NOTE: Note = Note {
    started: Time::ZERO,
    until: Time::MAX,
    permitted: false,
    entered: Time::ZERO,
    layers: 0,
    before: None,
    wish: None,
    pushed_back_at: 0,
    resent: false,
};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A call begins whose client wants notes: may it?
    #[inline(never)]
    pub(super) fn note_call(&mut self, id: u32, edge: u32) -> bool {
        let now = self.now();
        let route = &self.world.routes[edge as usize];
        let until = route.overall.map_or(Time::MAX, |overall| now + overall);
        let (channel, port) = (route.channel, route.port(self.frames[id].replica));
        let mut note = Note { started: now, until, ..NO_NOTE };
        let mut may_go = true;
        if let Some(breaker) = &mut self.world.ports[port].call_breaker {
            let before = breaker.state();
            may_go = breaker.permit(now);
            note.permitted = may_go;
            let after = breaker.state();
            if before != after {
                self.observer.breaker(channel, now, before, after);
            }
        }
        let place = id as usize;
        if place >= self.notes.len() {
            self.notes.resize(place + 1, NO_NOTE);
        }
        self.notes[place] = note;
        if !may_go {
            self.observer.short_circuited(edge, now);
        }
        may_go
    }

    /// The note of a frame that is in a call whose client wants notes.
    #[inline]
    pub(super) fn note(&self, id: u32) -> Note {
        self.notes.get(id as usize).copied().unwrap_or(NO_NOTE)
    }

    /// A call is within the first `layers` layers of its gate from now on.
    pub(super) fn enters_call(&mut self, id: u32, layers: usize) {
        let now = self.now();
        if let Some(note) = self.notes.get_mut(id as usize) {
            (note.entered, note.layers) = (now, layers as u8);
        }
    }

    /// The caller's patience with a call ends at `until` at the latest.
    pub(super) fn bounds_call(&mut self, id: u32, until: Time) {
        if let Some(note) = self.notes.get_mut(id as usize) {
            note.until = note.until.min(until);
        }
    }

    /// Notes how attempt number `attempt` ended that another one follows.
    pub(super) fn note_failure(&mut self, id: u32, attempt: u32, outcome: Outcome) {
        if let Some(note) = self.notes.get_mut(id as usize) {
            note.before = Some(outcome);
            if note.wish.take().is_some() {
                note.pushed_back_at = attempt;
            }
        }
    }

    /// A call has ended with all its attempts.
    #[inline(never)]
    pub(super) fn note_end(&mut self, id: u32, edge: u32, outcome: Outcome) {
        let now = self.now();
        let note = self.note(id);
        if note.layers > 0 {
            self.call_leaves_gate(id, usize::from(note.layers), outcome);
        }
        if let Some(place) = self.notes.get_mut(id as usize) {
            *place = NO_NOTE;
        }
        if !note.permitted {
            return;
        }
        let route = &self.world.routes[edge as usize];
        let port = &mut self.world.ports[route.port(self.frames[id].replica)];
        let Some(breaker) = &mut port.call_breaker else { return };
        let before = breaker.state();
        breaker.record(now, Verdict::of(outcome, port.ignored), now.since(note.started));
        let after = breaker.state();
        if before != after {
            self.observer.breaker(route.channel, now, before, after);
        }
    }
}
