//! Preemptive priority: a request that works is interrupted for a more important one that waits, and goes on later
//! where it stopped. Only work can be interrupted: who waits for an answer keeps what he holds.

use crate::base::time::{Span, Time};

use super::agenda::Agenda;
use super::engine::Engine;
use super::frame::{State, flag};
use super::observer::{Observer, Spent};

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// One of priority `class` waits in a replica: the least important one that works makes room, if it is less so; of
    /// equals, the one that began last.
    #[cold]
    pub(super) fn interrupt_for(&mut self, replica: u32, class: u8) {
        let frames = &self.frames;
        let workers = &self.world.replicas[replica as usize].workers;
        let below = workers.iter().filter(|id| frames[**id].priority() < class && frames[**id].state == State::Working);
        // The last of the smallest.
        let Some(&victim) = below.rev().min_by_key(|id| frames[**id].priority()) else { return };
        let left = self.interrupt_work(victim);
        self.make_room(victim, left);
    }

    /// A frame is about to work: `true` when a more important one waits, to which it gives its thread instead.
    #[cold]
    pub(super) fn yields(&mut self, id: u32, demand: Span) -> bool {
        let frame = &self.frames[id];
        if !frame.has(flag::THREAD) {
            return false;
        }
        let frames = &self.frames;
        let replica = &mut self.world.replicas[frame.replica as usize];
        if replica.pool.next_class(|ticket| frames.live(ticket)).is_some_and(|class| class > frame.priority()) {
            self.make_room(id, demand);
            return true;
        }
        replica.workers.push(id);
        self.frames[id].flags |= flag::PREEMPTIBLE;
        false
    }

    /// A frame works no longer.
    #[cold]
    pub(super) fn works_no_longer(&mut self, id: u32) {
        let frame = &mut self.frames[id];
        frame.flags &= !flag::PREEMPTIBLE;
        let workers = &mut self.world.replicas[frame.replica as usize].workers;
        if let Some(place) = workers.iter().rposition(|worker| *worker == id) {
            workers.remove(place);
        }
    }

    /// Stops a frame's work; returns the CPU time that it still needs.
    fn interrupt_work(&mut self, id: u32) -> Span {
        let now = self.now();
        let ticket = self.frames.ticket(id);
        let frame = &mut self.frames[id];
        let index = frame.replica;
        let replica = &mut self.world.replicas[index as usize];
        let Some(cores) = replica.cores.as_mut().filter(|_| frame.has(flag::ON_CORES)) else {
            let left = frame.mark.since(now);
            let slow = replica.condition.slow;
            self.stop_work(id);
            return if slow == 1.0 { left } else { Span::from_nanos_f64(left.as_nanos() as f64 / slow) };
        };
        let before = cores.busy();
        let left = cores.take(now, |job| job == ticket).unwrap_or_default();
        let change = cores.busy() as i32 - before as i32;
        frame.flags &= !flag::ON_CORES;
        self.observer.cores(replica.service, now, change);
        self.frames.renew(id);
        self.works_no_longer(id);
        self.schedule_cores(index);
        left
    }

    /// A frame with `left` to work gives its thread to who waits, and waits itself before all others of its class.
    fn make_room(&mut self, id: u32, left: Span) {
        let now = self.now();
        let ticket = self.frames.renew(id);
        let frame = &mut self.frames[id];
        frame.state = State::ComingBack;
        if frame.is_watched() {
            self.observer.spends(id, now, Spent::Threads);
        }
        frame.mark = Time::from_nanos(left.as_nanos());
        frame.flags |= flag::INTERRUPTED;
        let class = frame.priority();
        self.world.replicas[frame.replica as usize].pool.make_room(now, ticket, class);
        self.give_thread(id);
    }

    /// One that was interrupted has a thread again.
    #[cold]
    pub(super) fn resume(&mut self, id: u32) {
        let frame = &mut self.frames[id];
        frame.flags &= !flag::INTERRUPTED;
        let left = Span::from_nanos(frame.mark.as_nanos());
        self.work(id, left);
    }
}
