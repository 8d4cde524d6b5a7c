//! The plain agenda: the standard library's heap. It is the oracle for the fast one, never the default.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::time::{Span, Time};

use super::agenda::{Agenda, Event, LaneId, Ticket, TimerId};

/// One binary heap over everything.
pub struct Heap {
    now: Time,
    entered: u64,
    heap: BinaryHeap<Reverse<Entry>>,
    lanes: Vec<Span>,
    timers: Vec<Span>,
}

struct Entry {
    time: Time,
    seq: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.seq == other.seq
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.time, self.seq).cmp(&(other.time, other.seq))
    }
}

impl Agenda for Heap {
    fn new(lanes: &[Span], timers: &[Span]) -> Self {
        Heap { now: Time::ZERO, entered: 0, heap: BinaryHeap::new(), lanes: lanes.to_vec(), timers: timers.to_vec() }
    }

    fn now(&self) -> Time {
        self.now
    }

    fn at(&mut self, time: Time, event: Event) {
        assert!(time >= self.now, "an event cannot be entered in the past");
        self.entered += 1;
        self.heap.push(Reverse(Entry { time, seq: self.entered, event }));
    }

    fn after(&mut self, lane: LaneId, event: Event) {
        self.at(self.now + self.lanes[lane.0 as usize], event);
    }

    fn arm(&mut self, timer: TimerId, ticket: Ticket, _live: impl Fn(Ticket) -> bool) {
        self.at(self.now + self.timers[timer.0 as usize], Event::Timeout(ticket));
    }

    fn pop(&mut self, end: Time, live: impl Fn(Ticket) -> bool) -> Option<Event> {
        loop {
            if self.heap.peek()?.0.time >= end {
                return None;
            }
            let Reverse(entry) = self.heap.pop()?;
            match entry.event {
                Event::Timeout(ticket) if !live(ticket) => {}
                event => {
                    self.now = entry.time;
                    return Some(event);
                }
            }
        }
    }
}
