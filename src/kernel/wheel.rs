//! The fast agenda: a radix wheel for what varies, a FIFO lane for every constant delay, and a FIFO of
//! timers with one armed event for every constant timeout.
//!
//! The wheel has levels of 64 buckets; an event lies on the level of the highest base-64 digit in which
//! its slot differs from the current one, so it moves down at most once a level. The current slot (the
//! bottom) is sorted. While few events are pending all of them stay in the bottom. Lanes are sorted by nature and merge with the bottom by (time, order of entry).

use std::collections::VecDeque;

use crate::base::time::{Span, Time};

use super::agenda::{Agenda, Event, LaneId, Ticket, TimerId};

/// Width of a slot as a power of two of nanoseconds: 2¹⁵ ns = 33 µs. Chosen by the kernel benchmark; it
/// changes speed, never order.
const SLOT_BITS: u32 = 15;
const DIGIT_BITS: u32 = 6;
/// So many events that are not due in the current slot may be kept sorted rather than be put on levels.
const BOTTOM_MAX: usize = 32;
/// A class of fewer timers than this is never swept.
const SWEEP_MIN: usize = 1024;
const BUCKETS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = (64 - SLOT_BITS as usize).div_ceil(DIGIT_BITS as usize);

/// The fast agenda.
pub struct Wheel {
    now: Time,
    entered: u64,
    /// The slot that `bottom` holds; never after the slot of the next event.
    slot: u64,
    /// Descending by (time, seq): the next event is last. Everything up to `slot`; and everything later, too, as
    /// long as no level is occupied.
    bottom: Vec<Entry>,
    /// Entries on levels.
    above: usize,
    levels: [Level; LEVELS],
    lanes: Vec<Lane>,
    /// The earliest head of all lanes.
    first_lane: Head,
    timers: Vec<Timers>,
}

#[derive(Clone, Copy)]
struct Entry {
    time: Time,
    seq: u64,
    event: Event,
}

struct Level {
    occupied: u64,
    buckets: [Vec<Entry>; BUCKETS],
}

struct Lane {
    delay: Span,
    queue: VecDeque<Entry>,
}

#[derive(Clone, Copy)]
struct Head {
    time: Time,
    seq: u64,
    lane: usize,
}

struct Timers {
    timeout: Span,
    queue: VecDeque<Timer>,
    armed: bool,
    /// Length at which the stale timers are swept out, so that memory follows what is in flight.
    sweep_at: usize,
}

#[derive(Clone, Copy)]
struct Timer {
    time: Time,
    seq: u64,
    ticket: Ticket,
}

const NO_HEAD: Head = Head { time: Time::MAX, seq: u64::MAX, lane: usize::MAX };

impl Agenda for Wheel {
    fn new(lanes: &[Span], timers: &[Span]) -> Self {
        Wheel {
            now: Time::ZERO,
            entered: 0,
            slot: 0,
            bottom: Vec::new(),
            above: 0,
            levels: std::array::from_fn(|_| Level { occupied: 0, buckets: std::array::from_fn(|_| Vec::new()) }),
            lanes: lanes.iter().map(|&delay| Lane { delay, queue: VecDeque::new() }).collect(),
            first_lane: NO_HEAD,
            timers: timers
                .iter()
                .map(|&timeout| Timers { timeout, queue: VecDeque::new(), armed: false, sweep_at: SWEEP_MIN })
                .collect(),
        }
    }

    #[inline]
    fn now(&self) -> Time {
        self.now
    }

    #[inline]
    fn at(&mut self, time: Time, event: Event) {
        debug_assert!(time >= self.now, "an event cannot be entered in the past");
        self.entered += 1;
        self.place(Entry { time, seq: self.entered, event });
    }

    #[inline]
    fn after(&mut self, lane: LaneId, event: Event) {
        self.entered += 1;
        let index = lane.0 as usize;
        let lane = &mut self.lanes[index];
        let entry = Entry { time: self.now + lane.delay, seq: self.entered, event };
        if lane.queue.is_empty() && (entry.time, entry.seq) < (self.first_lane.time, self.first_lane.seq) {
            self.first_lane = Head { time: entry.time, seq: entry.seq, lane: index };
        }
        lane.queue.push_back(entry);
    }

    #[inline]
    fn arm(&mut self, timer: TimerId, ticket: Ticket, live: impl Fn(Ticket) -> bool) {
        self.entered += 1;
        let timers = &mut self.timers[timer.0 as usize];
        let entry = Timer { time: self.now + timers.timeout, seq: self.entered, ticket };
        if timers.queue.len() >= timers.sweep_at {
            timers.queue.retain(|timer| live(timer.ticket));
            timers.sweep_at = SWEEP_MIN.max(2 * timers.queue.len());
        }
        timers.queue.push_back(entry);
        if !timers.armed {
            timers.armed = true;
            self.place(Entry { time: entry.time, seq: entry.seq, event: Event::Armed(timer.0) });
        }
    }

    #[inline]
    fn pop(&mut self, end: Time, live: impl Fn(Ticket) -> bool) -> Option<Event> {
        loop {
            let lane = self.first_lane;
            self.fill_bottom(lane.time.min(end));
            let entry = match self.bottom.last() {
                Some(entry) if (entry.time, entry.seq) < (lane.time, lane.seq) => {
                    if entry.time >= end {
                        return None;
                    }
                    let entry = *entry;
                    self.bottom.pop();
                    entry
                }
                _ if lane.time < end => self.pop_lane(lane.lane),
                _ => return None,
            };
            match entry.event {
                Event::Armed(timer) => {
                    if let Some(event) = self.expire(timer, entry, &live) {
                        self.now = entry.time;
                        return Some(event);
                    }
                }
                event => {
                    self.now = entry.time;
                    return Some(event);
                }
            }
        }
    }
}

impl Wheel {
    /// Puts an entry on its level, or into the bottom when it belongs to the current slot.
    #[inline]
    fn place(&mut self, entry: Entry) {
        if self.above == 0 && self.bottom.len() >= BOTTOM_MAX {
            self.spill();
        }
        let slot = entry.time.as_nanos() >> SLOT_BITS;
        if slot <= self.slot || (self.above == 0 && self.bottom.len() < BOTTOM_MAX) {
            self.place_bottom(entry);
        } else {
            self.place_above(entry, slot);
        }
    }

    #[inline]
    fn place_above(&mut self, entry: Entry, slot: u64) {
        let level = ((u64::BITS - 1 - (slot ^ self.slot).leading_zeros()) / DIGIT_BITS) as usize;
        let bucket = ((slot >> (level as u32 * DIGIT_BITS)) & (BUCKETS as u64 - 1)) as usize;
        let level = &mut self.levels[level];
        level.occupied |= 1 << bucket;
        level.buckets[bucket].push(entry);
        self.above += 1;
    }

    /// The bottom has grown too long to be kept sorted: what is later than the current slot goes up.
    #[cold]
    fn spill(&mut self) {
        // The levels are empty: nothing depends on the slot that they were filled for.
        self.slot = self.now.as_nanos() >> SLOT_BITS;
        let late = self.bottom.partition_point(|entry| entry.time.as_nanos() >> SLOT_BITS > self.slot);
        let entries: Vec<Entry> = self.bottom.drain(..late).collect();
        for entry in entries {
            self.place_above(entry, entry.time.as_nanos() >> SLOT_BITS);
        }
    }

    fn place_bottom(&mut self, entry: Entry) {
        let key = (entry.time, entry.seq);
        let index = self.bottom.partition_point(|other| (other.time, other.seq) > key);
        self.bottom.insert(index, entry);
    }

    /// Moves to the next slot that holds something, as long as it starts no later than `limit`.
    #[inline]
    fn fill_bottom(&mut self, limit: Time) {
        while self.bottom.is_empty() && self.above > 0 {
            let Some(level) = self.levels.iter().position(|level| level.occupied != 0) else { return };
            let bucket = self.levels[level].occupied.trailing_zeros() as usize;
            let shift = level as u32 * DIGIT_BITS;
            let above = self.slot >> (shift + DIGIT_BITS);
            let slot = ((above << DIGIT_BITS) | bucket as u64) << shift;
            if slot > limit.as_nanos() >> SLOT_BITS {
                return;
            }
            self.enter(level, bucket, slot);
        }
    }

    fn enter(&mut self, level: usize, bucket: usize, slot: u64) {
        self.slot = slot;
        self.levels[level].occupied &= !(1 << bucket);
        self.above -= self.levels[level].buckets[bucket].len();
        if level == 0 {
            std::mem::swap(&mut self.bottom, &mut self.levels[0].buckets[bucket]);
            self.bottom.sort_unstable_by(|a, b| (b.time, b.seq).cmp(&(a.time, a.seq)));
        } else {
            let mut entries = std::mem::take(&mut self.levels[level].buckets[bucket]);
            for entry in entries.drain(..) {
                let slot = entry.time.as_nanos() >> SLOT_BITS;
                if slot == self.slot { self.place_bottom(entry) } else { self.place_above(entry, slot) }
            }
            self.levels[level].buckets[bucket] = entries;
        }
    }

    fn pop_lane(&mut self, index: usize) -> Entry {
        let entry = self.lanes[index].queue.pop_front().expect("the first lane has a head");
        self.first_lane = NO_HEAD;
        for (lane, it) in self.lanes.iter().enumerate() {
            if let Some(head) = it.queue.front()
                && (head.time, head.seq) < (self.first_lane.time, self.first_lane.seq)
            {
                self.first_lane = Head { time: head.time, seq: head.seq, lane };
            }
        }
        entry
    }

    /// The armed entry of a class is due: fires its first timer if that is the one and live; arms the next live one.
    fn expire(&mut self, class: u32, armed: Entry, live: impl Fn(Ticket) -> bool) -> Option<Event> {
        let timers = &mut self.timers[class as usize];
        let mut fired = None;
        if let Some(first) = timers.queue.front()
            && first.seq == armed.seq
        {
            fired = live(first.ticket).then_some(Event::Timeout(first.ticket));
            timers.queue.pop_front();
        }
        while timers.queue.front().is_some_and(|timer| !live(timer.ticket)) {
            timers.queue.pop_front();
        }
        match timers.queue.front().copied() {
            Some(next) => self.place(Entry { time: next.time, seq: next.seq, event: Event::Armed(class) }),
            None => timers.armed = false,
        }
        fired
    }
}
