//! The fast agenda: a radix wheel for what varies, a FIFO lane for every constant delay, and a FIFO of
//! timers with one armed event for every constant timeout.
//!
//! The wheel has levels of 64 buckets; an event lies on the level of the highest base-64 digit in which
//! its slot differs from the current one, so it moves down at most once a level. The current slot (the
//! bottom) is sorted. While few events are pending all of them stay in the bottom. The width of a slot follows
//! the density of events; it changes speed, never order. Lanes are sorted by nature and merge with the bottom
//! by (time, order of entry).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::base::time::{Span, Time};

use super::agenda::{Agenda, Event, LaneId, Ticket, TimerId};

/// Width of a slot at the start, as a power of two of nanoseconds: 2¹⁷ ns = 131 µs.
const SLOT_BITS_START: u32 = 17;
/// Between 2⁸ ns and 2³² ns (4.3 s).
const SLOT_BITS: std::ops::RangeInclusive<u32> = 8..=32;
/// After so many slots their mean occupation is looked at.
const SLOTS_PER_TUNING: u32 = 1024;
/// A mean occupation in this range is left as it is; outside, the width is halved or doubled.
const OCCUPATION: std::ops::RangeInclusive<u32> = 3..=12;
const DIGIT_BITS: u32 = 6;
const BUCKETS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = (64 - *SLOT_BITS.start() as usize).div_ceil(DIGIT_BITS as usize);
/// So many events that are not due in the current slot may be kept sorted rather than be put on levels.
const BOTTOM_MAX: usize = 32;
/// A bottom as long as this takes no more: what comes for its slot goes to a heap, so that a crowd at one instant
/// does not shift the rest for every newcomer.
const BOTTOM_CROWDED: usize = 256;
/// A class of fewer timers than this is never swept.
const SWEEP_MIN: usize = 1024;

/// The fast agenda.
pub struct Wheel {
    now: Time,
    entered: u64,
    slot_bits: u32,
    /// The slot that `bottom` holds; never after the slot of the next event.
    slot: u64,
    /// Descending: the next event is last. Everything up to `slot`; and everything later, too, as long as no level
    /// is occupied.
    bottom: Vec<Entry>,
    /// Whether the bottom may hold what is later than `slot`.
    ahead: bool,
    /// What came for the current slot when the bottom was crowded.
    crowd: BinaryHeap<Reverse<Entry>>,
    /// The levels that hold anything, one bit each.
    occupied: u32,
    /// The buckets of each level that hold anything, one bit each.
    buckets_of: [u64; LEVELS],
    buckets: Vec<Vec<Entry>>,
    /// Slots entered, and entries in them, since the width was last looked at.
    tuning: (u32, u32),
    lanes: Vec<Lane>,
    /// The earliest head of all lanes, and which lane it heads.
    first_lane: (Order, usize),
    timers: Vec<Timers>,
}

/// The rule of order in one number: time above, order of entry below.
type Order = u128;

const NEVER: Order = Order::MAX;

#[derive(Clone, Copy)]
struct Entry {
    order: Order,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.order == other.order
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
        self.order.cmp(&other.order)
    }
}

struct Lane {
    delay: Span,
    queue: VecDeque<Entry>,
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
    order: Order,
    ticket: Ticket,
}

#[inline]
fn order(time: Time, seq: u64) -> Order {
    (u128::from(time.as_nanos()) << 64) | u128::from(seq)
}

#[inline]
fn time(order: Order) -> Time {
    Time::from_nanos((order >> 64) as u64)
}

impl Agenda for Wheel {
    fn new(lanes: &[Span], timers: &[Span]) -> Self {
        Wheel {
            now: Time::ZERO,
            entered: 0,
            slot_bits: SLOT_BITS_START,
            slot: 0,
            bottom: Vec::new(),
            ahead: false,
            crowd: BinaryHeap::new(),
            occupied: 0,
            buckets_of: [0; LEVELS],
            buckets: vec![Vec::new(); LEVELS * BUCKETS],
            tuning: (0, 0),
            lanes: lanes.iter().map(|&delay| Lane { delay, queue: VecDeque::new() }).collect(),
            first_lane: (NEVER, 0),
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
        self.place(Entry { order: order(time, self.entered), event });
    }

    #[inline(always)]
    fn after(&mut self, lane: LaneId, event: Event) {
        self.entered += 1;
        let index = lane.0 as usize;
        let lane = &mut self.lanes[index];
        let entry = Entry { order: order(self.now + lane.delay, self.entered), event };
        lane.queue.push_back(entry);
        // Behind others of its lane it cannot be earlier than the first of all.
        if entry.order < self.first_lane.0 {
            self.first_lane = (entry.order, index);
        }
    }

    #[inline]
    fn arm(&mut self, timer: TimerId, ticket: Ticket, live: impl Fn(Ticket) -> bool) {
        self.entered += 1;
        let timers = &mut self.timers[timer.0 as usize];
        let entry = Timer { order: order(self.now + timers.timeout, self.entered), ticket };
        if timers.queue.len() >= timers.sweep_at {
            timers.queue.retain(|timer| live(timer.ticket));
            timers.sweep_at = SWEEP_MIN.max(2 * timers.queue.len());
        }
        timers.queue.push_back(entry);
        if !timers.armed {
            timers.armed = true;
            self.place(Entry { order: entry.order, event: Event::Armed(timer.0) });
        }
    }

    #[inline]
    fn pop(&mut self, end: Time, live: impl Fn(Ticket) -> bool) -> Option<Event> {
        loop {
            let (first_lane, lane) = self.first_lane;
            if self.occupied != 0 && self.bottom.is_empty() && self.crowd.is_empty() {
                self.fill_bottom(time(first_lane).min(end));
            }
            let head = self.head();
            let entry = if head < first_lane {
                if time(head) >= end {
                    return None;
                }
                self.pop_head(head)
            } else if time(first_lane) < end {
                self.pop_lane(lane)
            } else {
                return None;
            };
            let event = match entry.event {
                Event::Armed(class) => match self.expire(class, entry.order, &live) {
                    Some(event) => event,
                    None => continue,
                },
                Event::Timeout(ticket) if !live(ticket) => continue,
                event => event,
            };
            self.now = time(entry.order);
            return Some(event);
        }
    }
}

impl Wheel {
    #[inline(always)]
    fn slot_of(&self, entry: &Entry) -> u64 {
        (entry.order >> (64 + self.slot_bits)) as u64
    }

    /// The next event of the bottom and its crowd.
    #[inline(always)]
    fn head(&self) -> Order {
        let head = self.bottom.last().map_or(NEVER, |entry| entry.order);
        match self.crowd.peek() {
            Some(Reverse(first)) => head.min(first.order),
            None => head,
        }
    }

    #[inline(always)]
    fn pop_head(&mut self, head: Order) -> Entry {
        match self.bottom.last() {
            Some(entry) if entry.order == head => {
                let entry = *entry;
                self.bottom.pop();
                entry
            }
            _ => self.crowd.pop().expect("the head is in the bottom or in its crowd").0,
        }
    }

    /// Puts an entry on its level, or into the bottom when it belongs to the current slot.
    #[inline(always)]
    fn place(&mut self, entry: Entry) {
        let slot = self.slot_of(&entry);
        if slot <= self.slot {
            self.place_bottom(entry);
        } else if self.occupied == 0 && self.bottom.len() < BOTTOM_MAX {
            self.ahead = true;
            self.place_bottom(entry);
        } else if self.ahead {
            self.spread(entry);
        } else {
            self.place_above(entry, slot);
        }
    }

    #[inline(always)]
    fn place_above(&mut self, entry: Entry, slot: u64) {
        let level = ((u64::BITS - 1 - (slot ^ self.slot).leading_zeros()) / DIGIT_BITS) as usize;
        let bucket = ((slot >> (level as u32 * DIGIT_BITS)) & (BUCKETS as u64 - 1)) as usize;
        self.occupied |= 1 << level;
        self.buckets_of[level] |= 1 << bucket;
        self.buckets[level * BUCKETS + bucket].push(entry);
    }

    #[inline]
    fn place_bottom(&mut self, entry: Entry) {
        if self.bottom.len() >= BOTTOM_CROWDED {
            self.crowd.push(Reverse(entry));
            return;
        }
        // The bottom is short, and what is entered is rarely the next: look from the latest on.
        let index = self.bottom.iter().position(|other| other.order < entry.order).unwrap_or(self.bottom.len());
        self.bottom.insert(index, entry);
    }

    /// Takes everything out and puts it, and one more, where it belongs from now on.
    #[cold]
    fn spread(&mut self, one_more: Entry) {
        let mut entries = std::mem::take(&mut self.bottom);
        entries.push(one_more);
        entries.extend(std::mem::take(&mut self.crowd).into_iter().map(|Reverse(entry)| entry));
        for bucket in &mut self.buckets {
            entries.append(bucket);
        }
        self.occupied = 0;
        self.buckets_of = [0; LEVELS];
        self.ahead = false;
        self.slot = self.now.as_nanos() >> self.slot_bits;
        for entry in entries {
            let slot = self.slot_of(&entry);
            if slot <= self.slot { self.bottom.push(entry) } else { self.place_above(entry, slot) }
        }
        self.sort_bottom();
    }

    fn sort_bottom(&mut self) {
        if self.bottom.len() > 1 {
            self.bottom.sort_unstable_by_key(|entry| Reverse(entry.order));
        }
    }

    /// Moves to the next slot that holds something, as long as it starts no later than `limit`.
    #[cold]
    fn fill_bottom(&mut self, limit: Time) {
        while self.bottom.is_empty() && self.occupied != 0 {
            let level = self.occupied.trailing_zeros() as usize;
            let bucket = self.buckets_of[level].trailing_zeros() as usize;
            let shift = level as u32 * DIGIT_BITS;
            let above = self.slot >> shift >> DIGIT_BITS;
            let slot = ((above << DIGIT_BITS) | bucket as u64) << shift;
            if slot > limit.as_nanos() >> self.slot_bits {
                return;
            }
            self.enter(level, bucket, slot);
        }
    }

    #[inline]
    fn enter(&mut self, level: usize, bucket: usize, slot: u64) {
        self.slot = slot;
        self.ahead = false;
        self.buckets_of[level] &= !(1 << bucket);
        self.occupied &= !(u32::from(self.buckets_of[level] == 0) << level);
        let place = level * BUCKETS + bucket;
        if level == 0 {
            std::mem::swap(&mut self.bottom, &mut self.buckets[place]);
            self.tune();
        } else {
            let mut entries = std::mem::take(&mut self.buckets[place]);
            for entry in entries.drain(..) {
                let slot = self.slot_of(&entry);
                if slot == self.slot { self.bottom.push(entry) } else { self.place_above(entry, slot) }
            }
            self.buckets[place] = entries;
        }
        self.sort_bottom();
    }

    /// Now and then, halves or doubles the width of a slot.
    #[inline]
    fn tune(&mut self) {
        let (slots, entries) = self.tuning;
        self.tuning = (slots + 1, entries + self.bottom.len().min(1 << 16) as u32);
        if slots == SLOTS_PER_TUNING {
            self.retune();
        }
    }

    #[cold]
    fn retune(&mut self) {
        let (slots, entries) = std::mem::take(&mut self.tuning);
        let mean = entries / slots;
        let bits = match mean {
            mean if mean < *OCCUPATION.start() => self.slot_bits + 1,
            mean if mean > *OCCUPATION.end() => self.slot_bits - 1,
            _ => return,
        };
        if SLOT_BITS.contains(&bits) {
            self.slot_bits = bits;
            if let Some(entry) = self.bottom.pop() {
                self.spread(entry);
            }
        }
    }

    #[inline]
    fn pop_lane(&mut self, index: usize) -> Entry {
        let lane = &mut self.lanes[index];
        let entry = lane.queue.pop_front().expect("the first lane has a head");
        self.first_lane = (lane.queue.front().map_or(NEVER, |head| head.order), index);
        if self.lanes.len() > 1 {
            for (lane, it) in self.lanes.iter().enumerate() {
                if let Some(head) = it.queue.front()
                    && head.order < self.first_lane.0
                {
                    self.first_lane = (head.order, lane);
                }
            }
        }
        entry
    }

    /// The armed entry of a class is due: fires its first timer if that is the one and live; arms the next live one.
    fn expire(&mut self, class: u32, armed: Order, live: impl Fn(Ticket) -> bool) -> Option<Event> {
        let timers = &mut self.timers[class as usize];
        let mut fired = None;
        if let Some(first) = timers.queue.front()
            && first.order == armed
        {
            fired = live(first.ticket).then_some(Event::Timeout(first.ticket));
            timers.queue.pop_front();
        }
        while timers.queue.front().is_some_and(|timer| !live(timer.ticket)) {
            timers.queue.pop_front();
        }
        match timers.queue.front().copied() {
            Some(next) => self.place(Entry { order: next.order, event: Event::Armed(class) }),
            None => timers.armed = false,
        }
        fired
    }
}
