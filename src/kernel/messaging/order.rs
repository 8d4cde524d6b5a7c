//! Whether messages of one key are handled in the order in which they were published. What was handled last of each of a
//! million keys is in no cache, and to wait for memory with every message would cost more than all else that a worker does
//! with it; so messages are gathered, and looked up together.

use crate::base::time::Time;

use super::super::agenda::Agenda;
use super::super::engine::Engine;
use super::super::frame::NONE;
use super::super::observer::{MessageFact, Observer};
use super::{Held, Message};

/// So many messages are looked up together.
const TOGETHER: usize = 256;

/// Messages that were handled well and whose order is not known yet, the first first.
#[derive(Default)]
pub(super) struct Order {
    handled: Vec<Handled>,
}

#[derive(Clone, Copy)]
struct Handled {
    time: Time,
    group: u32,
    key: u32,
    number: u32,
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A group has handled a message.
    #[inline]
    pub(super) fn note_order(&mut self, group: u32, held: &Held) {
        let Message { request_key: key, number, .. } = held.message;
        if key == NONE {
            return;
        }
        let time = self.now();
        let handled = &mut self.messaging.order.handled;
        handled.push(Handled { time, group, key, number });
        if handled.len() >= TOGETHER {
            self.look_at_order();
        }
    }

    /// Tells which messages were handled out of order, of those of which that is not known yet.
    pub(super) fn look_at_order(&mut self) {
        let mut handled = std::mem::take(&mut self.messaging.order.handled);
        for Handled { time, group, key, number } in handled.drain(..) {
            let last = &mut self.messaging.groups[group as usize].last;
            if last.len() <= key as usize {
                last.resize(key as usize + 1, 0);
            }
            // Numbers are stored one higher, so that zero is none.
            let number = number.wrapping_add(1);
            let before = last[key as usize];
            if before > number {
                self.observer.message(time, MessageFact::Reordered { group });
            } else {
                last[key as usize] = number;
            }
        }
        self.messaging.order.handled = handled;
    }
}
