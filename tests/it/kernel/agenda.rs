//! The fast agenda against the plain one: the same events at the same times, whatever is asked of both.

use brownout::base::random::Stream;
use brownout::base::time::{Span, Time};
use brownout::kernel::agenda::{Agenda, Event, LaneId, Ticket, TimerId};
use brownout::kernel::heap::Heap;
use brownout::kernel::wheel::Wheel;
use proptest::prelude::*;
use proptest::sample::select;

use super::recipe::config;

/// Around the borders of the wheel, whatever the width of its slots: within a slot, the next slot, each level, the
/// far end.
const DELAYS: [u64; 25] = [
    0,
    1,
    2,
    (1 << 15) - 1,
    1 << 15,
    (1 << 15) + 1,
    3 << 15,
    (1 << 21) - 1,
    1 << 21,
    (1 << 21) + (1 << 15),
    63 << 15,
    64 << 15,
    65 << 15,
    1 << 27,
    (1 << 27) - 1,
    5 << 27,
    1 << 33,
    (1 << 33) + 1,
    1 << 39,
    1 << 45,
    1 << 51,
    1 << 57,
    1 << 62,
    u64::MAX / 2,
    u64::MAX,
];
/// A delay that occurs twice, one that is no time at all, and one beyond the end of time.
const LANES: [u64; 5] = [250_000, 1 << 15, 250_000, 0, u64::MAX];
const TIMERS: [u64; 5] = [200_000_000, 1, 1 << 21, 0, 200_000_000];
/// Frames that timers wait for.
const FRAMES: usize = 8;

#[derive(Clone, Debug)]
enum Step {
    /// Enters so many events after the same delay.
    At { delay: u64, count: u32 },
    /// Enters so many on the lane.
    After { lane: usize, count: u32 },
    /// Arms so many timers for the frame; each makes the one before stale when `renew`.
    Arm { timer: usize, frame: usize, count: u32, renew: bool },
    /// Enters a timeout of the frame, like one of a deadline that was passed on.
    AtTimeout { delay: u64, frame: usize },
    /// Whatever the frame waited for is stale.
    Renew { frame: usize },
    /// Takes out so many before `now + within`.
    Pop { count: u32, within: u64 },
}

/// Both agendas under the same orders, and the frames whose timers go stale.
struct Twins {
    wheel: Wheel,
    heap: Heap,
    tokens: [u32; FRAMES],
    entered: u32,
    /// Events in the agenda, timeouts not counted.
    pending: u32,
}

impl Twins {
    fn new() -> Twins {
        let (lanes, timers) = (LANES.map(Span::from_nanos), TIMERS.map(Span::from_nanos));
        Twins {
            wheel: Wheel::new(&lanes, &timers),
            heap: Heap::new(&lanes, &timers),
            tokens: [0; FRAMES],
            entered: 0,
            pending: 0,
        }
    }

    /// An event that is like no other.
    fn fresh(&mut self) -> Event {
        self.entered += 1;
        self.pending += 1;
        Event::Arrival(self.entered)
    }

    fn at(&mut self, delay: u64) {
        let event = self.fresh();
        let time = self.heap.now() + Span::from_nanos(delay);
        self.wheel.at(time, event);
        self.heap.at(time, event);
    }

    fn after(&mut self, lane: usize) {
        let event = self.fresh();
        let lane = LaneId(lane as u32);
        self.wheel.after(lane, event);
        self.heap.after(lane, event);
    }

    fn arm(&mut self, timer: usize, frame: usize, renew: bool) {
        if renew {
            self.tokens[frame] += 1;
        }
        let ticket = Ticket { frame: frame as u32, token: self.tokens[frame] };
        let tokens = &self.tokens;
        let live = |ticket: Ticket| tokens[ticket.frame as usize] == ticket.token;
        self.wheel.arm(TimerId(timer as u32), ticket, live);
        self.heap.arm(TimerId(timer as u32), ticket, live);
    }

    /// Takes out one; whether there was one.
    fn pop(&mut self, end: Time) -> bool {
        let tokens = &self.tokens;
        let live = |ticket: Ticket| tokens[ticket.frame as usize] == ticket.token;
        let before = self.heap.now();
        let (fast, plain) = (self.wheel.pop(end, live), self.heap.pop(end, live));
        assert_eq!(fast, plain, "{} entered, {} pending, at {} ns", self.entered, self.pending, before.as_nanos());
        assert_eq!(self.wheel.now().as_nanos(), self.heap.now().as_nanos(), "the clocks after {plain:?}");
        assert!(self.heap.now() >= before, "time never goes back");
        assert!(plain.is_none() || self.heap.now() < end, "an event at the end is not before it");
        match plain {
            // As in a run: who has lost his patience does not lose it twice.
            Some(Event::Timeout(ticket)) => self.tokens[ticket.frame as usize] += 1,
            Some(_) => self.pending -= 1,
            None => {}
        }
        plain.is_some()
    }

    fn at_timeout(&mut self, delay: u64, frame: usize) {
        let event = Event::Timeout(Ticket { frame: frame as u32, token: self.tokens[frame] });
        let time = self.heap.now() + Span::from_nanos(delay);
        self.wheel.at(time, event);
        self.heap.at(time, event);
    }

    fn obey(&mut self, step: &Step) {
        match *step {
            Step::At { delay, count } => (0..count).for_each(|_| self.at(delay)),
            Step::After { lane, count } => (0..count).for_each(|_| self.after(lane)),
            Step::Arm { timer, frame, count, renew } => (0..count).for_each(|_| self.arm(timer, frame, renew)),
            Step::AtTimeout { delay, frame } => self.at_timeout(delay, frame),
            Step::Renew { frame } => self.tokens[frame] += 1,
            Step::Pop { count, within } => {
                let end = self.heap.now() + Span::from_nanos(within);
                for _ in 0..count {
                    if !self.pop(end) {
                        break;
                    }
                }
            }
        }
    }

    fn drain(&mut self) {
        while self.pop(Time::MAX) {}
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let count = || prop_oneof![4 => Just(1u32), 2 => 2u32..6, 1 => 20u32..80];
    let delay = || {
        prop_oneof![
            3 => select(&DELAYS[..]),
            2 => select(&DELAYS[..8]),
            1 => (0u32..40).prop_map(|bits| (1u64 << bits) - 1),
            1 => 0u64..200_000_000,
        ]
    };
    prop_oneof![
        4 => (delay(), count()).prop_map(|(delay, count)| Step::At { delay, count }),
        2 => (0..LANES.len(), count()).prop_map(|(lane, count)| Step::After { lane, count }),
        2 => (0..TIMERS.len(), 0..FRAMES, count(), any::<bool>())
            .prop_map(|(timer, frame, count, renew)| Step::Arm { timer, frame, count, renew }),
        1 => (delay(), 0..FRAMES).prop_map(|(delay, frame)| Step::AtTimeout { delay, frame }),
        1 => (0..FRAMES).prop_map(|frame| Step::Renew { frame }),
        4 => (count(), prop_oneof![1 => delay(), 3 => Just(u64::MAX)])
            .prop_map(|(count, within)| Step::Pop { count, within }),
    ]
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn both_agendas_tell_the_same_story(steps in proptest::collection::vec(steps(), 0..120)) {
        let mut twins = Twins::new();
        for step in &steps {
            twins.obey(step);
        }
        twins.drain();
    }
}

/// A long run with about `pending` events in the agenda, whose delays are drawn by `delay`.
fn hold(pending: u32, turns: u32, delay: impl Fn(&mut Stream) -> u64) {
    let mut twins = Twins::new();
    let mut stream = Stream::new(u64::from(pending), "hold");
    for _ in 0..pending {
        twins.at(delay(&mut stream));
    }
    for _ in 0..turns {
        assert!(twins.pop(Time::MAX), "as much is entered as is taken out");
        // Now and then more or less, so that the number pending wanders across what the wheel keeps sorted.
        match stream.below(16) {
            0 => {}
            1 => (0..2).for_each(|_| twins.at(delay(&mut stream))),
            2 | 3 => twins.after(stream.below(3) as usize),
            4 | 5 => {
                let (timer, frame) = (stream.below(3) as usize, stream.below(FRAMES as u32) as usize);
                twins.arm(timer, frame, stream.below(4) > 0);
                twins.at(delay(&mut stream));
            }
            _ => twins.at(delay(&mut stream)),
        }
        if twins.pending < pending / 2 + 1 {
            twins.at(delay(&mut stream));
        }
    }
    twins.drain();
}

#[test]
fn long_runs_agree_at_every_density() {
    for pending in [1, 8, 24, 31, 32, 33, 48, 300, 3_000] {
        // Heavy ties: few distinct times.
        hold(pending, 30_000, |stream| u64::from(stream.below(4)) * 1_000_000);
        // Everything within a few slots.
        hold(pending, 30_000, |stream| stream.next_u64() % (5 << 15));
        // Lengths of every order of magnitude, so that every level is crossed.
        hold(pending, 30_000, |stream| stream.next_u64() >> (20 + stream.below(44)));
        // Mostly near, rarely far: the far ones come down level by level.
        hold(pending, 30_000, |stream| match stream.below(50) {
            0 => stream.next_u64() >> 24,
            _ => stream.next_u64() % 3_000_000,
        });
    }
}

#[test]
fn thousands_of_stale_timeouts_are_swept_without_a_trace() {
    let mut twins = Twins::new();
    let mut stream = Stream::new(1, "sweep");
    for turn in 0..40_000u32 {
        // The first timer of a class goes stale in some rounds and stays live in others.
        twins.arm(0, stream.below(2) as usize, turn % 5_000 != 7);
        twins.at(u64::from(stream.below(3)) * 10_000);
        if turn % 7_000 == 6_999 {
            twins.at(250_000_000);
        }
        twins.pop(Time::MAX);
    }
    twins.drain();
}
