//! Wishes: what a server has its callers know beside the answer. That it wants to be asked again later or not at all (gRPC's
//! pushback), or that nobody has taken the request on, so that it may go again without counting as an attempt (gRPC's
//! transparent retries). They travel with the answer, and only clients that listen hear them.

use crate::policy::Outcome;
use crate::policy::breaker::{Breaker, Verdict};
use crate::policy::retry::Pushback;

use super::agenda::{Agenda, Ticket};
use super::engine::Engine;
use super::frame::{NONE, flag};
use super::observer::{Departure, Observer};

/// What an answer says beside its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Of the caller, when it was said: an answer to another attempt says something else.
    token: u32,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// The server wishes this.
    Pushback(Pushback),
    /// The request came to a process that was not there.
    Unprocessed,
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A request leaves in a way that may be a wish. Nobody asks as long as no client listens.
    #[cold]
    pub(super) fn wish(&mut self, id: u32, how: Departure) {
        let frame = &self.frames[id];
        let caller = frame.parent_ticket();
        if frame.edge == NONE || !self.frames.live(caller) {
            return;
        }
        let route = &self.world.routes[frame.edge as usize];
        if !route.noted {
            return;
        }
        let what = match how {
            Departure::Rejected | Departure::Shed => {
                let Some(pushback) = self.world.services[frame.service as usize].pushback else { return };
                What::Pushback(pushback)
            }
            // One that has had a thread may have done something.
            Departure::Refused if route.transparent && !frame.has(flag::STARTED) => What::Unprocessed,
            _ => return,
        };
        self.wishes.insert(caller.frame, Wish { token: caller.token, what });
    }

    /// An answer reaches its caller, perhaps with a wish: whether that is all that there is to it.
    #[inline(never)]
    pub(super) fn hears_wish(&mut self, ticket: Ticket) -> bool {
        let id = ticket.frame;
        let Some(wish) = self.wishes.remove(&id).filter(|wish| wish.token == ticket.token) else { return false };
        let Some(note) = self.notes.get_mut(id as usize) else { return false };
        match wish.what {
            What::Pushback(pushback) => {
                note.wish = Some(pushback);
                false
            }
            What::Unprocessed => {
                let goes_again = !note.resent && !self.frames[id].has(flag::HEDGE | flag::CANCELLED);
                note.resent |= goes_again;
                if goes_again {
                    self.send_again(id);
                }
                goes_again
            }
        }
    }

    /// The attempt that nobody has taken on goes again at once. Retries and breaker do not hear of it.
    fn send_again(&mut self, id: u32) {
        let now = self.now();
        let (edge, salt) = self.current_call(&self.frames[id]);
        let place = self.port(edge, self.frames[id].replica);
        let port = &mut self.world.ports[place];
        let (retry, breaker) = (port.retry.take(), port.breaker.take());
        port.gate.iter_mut().for_each(|gate| gate.is_resent = true);
        self.conclude(id, Outcome::Refused);
        let port = &mut self.world.ports[place];
        (port.retry, port.breaker) = (retry, breaker);
        port.gate.iter_mut().for_each(|gate| gate.is_resent = false);
        if let Some(breaker) = &mut port.breaker {
            // It gives its permit back, if it had one.
            let before = breaker.state();
            breaker.record(now, Verdict::of(Outcome::Cancelled, port.ignored), now.since(self.frames[id].mark));
            let after = breaker.state();
            if before != after {
                self.observer.breaker(self.world.routes[edge as usize].channel, now, before, after);
            }
        }
        self.observer.retried(edge, now, Outcome::Refused);
        self.frames[id].count -= 1;
        self.attempt(id, edge, salt);
    }
}
