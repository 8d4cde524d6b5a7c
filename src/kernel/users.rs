//! What users do beyond waiting for an answer: those whose request has failed may ask again.

use crate::base::random::salt;
use crate::base::time::Time;
use crate::model::Limit;

use super::agenda::{Agenda, Event, Ticket};
use super::caller::BREATH;
use super::engine::Engine;
use super::frame::State;
use super::observer::Observer;

const SALT_RELOAD: u64 = salt("reload");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Whether the user whose request `id` has failed asks again. If so, the request stays where it is until then.
    #[cold]
    pub(super) fn will_reload(&mut self, id: u32) -> bool {
        let now = self.now();
        let frame = &self.frames[id];
        let Some(reload) = &self.world.workloads[frame.parent_token as usize].reload else { return false };
        // A user's request has no loops of its own: its iteration is how often he has asked again.
        if matches!(reload.attempts, Limit::AtMost(most) if frame.iteration + 1 >= most) {
            return false;
        }
        let wait = reload.after.sample(frame.key.child(SALT_RELOAD ^ u64::from(frame.iteration)).draws());
        // Whoever is refused in no time must not ask for ever at the same instant.
        let wait = if frame.mark == now { wait.max(BREATH) } else { wait };
        let ticket = self.frames.renew(id);
        self.frames[id].state = State::BackingOff;
        self.agenda.at(now + wait, Event::Reload(ticket));
        true
    }

    /// A user asks again, for the same thing.
    pub(super) fn reload(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let now = self.now();
        let frame = &mut self.frames[ticket.frame];
        let deadline = self.world.workloads[frame.parent_token as usize].deadline;
        // Those who are told of a deadline are asked for something new.
        frame.deadline = deadline.map_or(Time::MAX, |deadline| now + deadline);
        frame.iteration = frame.iteration.wrapping_add(1);
        frame.state = State::Running;
        // Back to the call behind which it stands.
        frame.pc -= 1;
        self.advance(ticket.frame);
    }
}
