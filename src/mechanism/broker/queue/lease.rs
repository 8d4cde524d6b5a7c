//! Leases: everything that was handed out at least once and is not done. A message is leased, or it came back and is
//! ready again, or it came back and is delayed. Messages that were never handed out are the owner's: those that came
//! back go before them, unless the settings send them to the end.
//!
//! Leases of equal length end in the order in which they began, so that a list for each length is all the order that
//! time-outs need. Only what comes back out of order costs a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::time::{Span, Time};

use super::{Acked, LeaseId, Member, Refusal};

/// The rules of leases. [`LeaseSettings::PLAIN`] has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseSettings {
    /// How long a lease lasts: the first entry holds for the first delivery of a message, and so on, the last repeats.
    /// Empty: until it is answered.
    pub waits: Vec<Span>,
    /// Leases that have lapsed are found at multiples of this time; zero finds them at once.
    pub check_every: Span,
    /// What a lease that lapses takes with it.
    pub lapse: Lapse,
    /// Whether the leases of a member that is gone go on until they lapse; otherwise they come back at once.
    pub outlive_member: bool,
    /// Whether an acknowledgement counts when its lease has ended.
    pub late_ack: LateAck,
    /// How many messages one member may hold: the prefetch.
    pub per_member: Option<u32>,
    /// How many messages may be leased or delayed together.
    pub in_flight: Option<u32>,
    /// Whether messages that came back and are ready again count as in flight, too. Then they are never held up.
    pub in_flight_keeps_returned: bool,
    /// How many messages can be taken at once.
    pub batch: Option<u32>,
    /// The failed delivery with this number is a message's last.
    pub deliveries: Option<u32>,
    /// Whether a nack counts as a failed delivery. A reject and a death always do.
    pub nack_counts: bool,
    /// Whether a lapse counts as a failed delivery.
    pub lapse_counts: bool,
    /// Whether what comes back waits before it is ready.
    pub delay: Option<RetryDelay>,
    /// Where to.
    pub back_to: BackTo,
}

impl LeaseSettings {
    /// Leases last for ever, nothing is limited, and what comes back comes back at once to where it was.
    pub const PLAIN: LeaseSettings = LeaseSettings {
        waits: Vec::new(),
        check_every: Span::ZERO,
        lapse: Lapse::Message,
        outlive_member: false,
        late_ack: LateAck::Ignored,
        per_member: None,
        in_flight: None,
        in_flight_keeps_returned: false,
        batch: None,
        deliveries: None,
        nack_counts: true,
        lapse_counts: true,
        delay: None,
        back_to: BackTo::Place,
    };
}

/// What a lease that lapses takes with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lapse {
    /// Its message comes back.
    Message,
    /// Its member is closed: all that it holds comes back.
    Member,
}

/// Whether an acknowledgement counts when its lease has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LateAck {
    /// Never.
    Ignored,
    /// As long as the message was not handed out again.
    UntilRedelivered,
    /// As long as the message is not done.
    Accepted,
}

/// Where a message goes that comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackTo {
    /// To where it was: before all that were never handed out, in the order of the first delivery.
    Place,
    /// Behind everything that waits.
    End,
}

/// The nth return of a message waits n times `min`, but no longer than `max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryDelay {
    /// Which returns wait.
    pub which: DelayedReturns,
    /// The wait of the first return.
    pub min: Span,
    /// The longest wait.
    pub max: Span,
}

/// Which returns wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DelayedReturns {
    /// All.
    All,
    /// Those that count as failed deliveries.
    Failed,
    /// Those that do not.
    Uncounted,
}

impl RetryDelay {
    /// The wait after the return number `count`, which starts at 1.
    pub fn of(self, count: u32) -> Span {
        Span::from_nanos(self.min.as_nanos().saturating_mul(u64::from(count))).min(self.max)
    }
}

/// No place, no member, no list.
const NONE: u32 = u32::MAX;

/// See the module. `T` is what the owner keeps of a message.
#[derive(Clone, Debug)]
pub(super) struct Leases<T> {
    settings: LeaseSettings,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    /// What came back and is ready, in order; entries whose slot says otherwise are dead, the first never is.
    returned: BinaryHeap<Reverse<Turn>>,
    /// What came back and waits, by when it becomes ready; the same holds.
    delayed: BinaryHeap<Reverse<(Time, Turn)>>,
    /// Leases by the index of their length, the first to end first.
    by_wait: Vec<List>,
    /// All that were handed out and are not done, in the order in which they were for the first time: the owner's.
    by_age: List,
    members: Vec<Holding>,
    /// Counts whatever needs an order of its own.
    sequence: u64,
    pub(super) tally: Tally,
}

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) leased: u32,
    pub(super) returned: u32,
    pub(super) delayed: u32,
    pub(super) deliveries: u64,
    pub(super) redeliveries: u64,
    pub(super) lapsed: u64,
}

/// Whose turn it is among those that came back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Turn {
    /// How many of the owner's messages go before it; among those that are delayed, how many others do.
    behind: u64,
    order: u64,
    place: u32,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    item: T,
    state: State,
    /// Counts the leases that ended here.
    number: u32,
    /// `number` when this message came.
    number_first: u32,
    member: u32,
    wait: u32,
    deliveries: u32,
    /// Those that failed.
    failed: u32,
    /// Order among those at their old place; while it is ready or delayed, the order of its live entry in a heap.
    order: u64,
    due: Time,
    links: [Links; 3],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Free,
    Leased,
    Returned,
    Delayed,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    prev: u32,
    next: u32,
}

/// A list through one of the links of the slots.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Holding {
    list: List,
    leased: u32,
}

const EMPTY: List = List { first: NONE, last: NONE };
const BY_WAIT: usize = 0;
const BY_MEMBER: usize = 1;
const BY_AGE: usize = 2;

/// Why a lease ended without an acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cause {
    Lapse,
    Nack,
    Reject,
    Death,
}

/// What the owner has to know about a message that came back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Back<T> {
    /// It is ready.
    Ready(T),
    /// It has failed too often, and is forgotten here.
    Spent(T),
    /// It was refused for ever, and is forgotten here.
    Dead(T),
    /// A member was closed.
    Closed(Member),
}

/// How many messages may be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Of whatever kind.
    pub(super) all: u32,
    /// Of those that were never handed out.
    pub(super) fresh: u32,
}

/// One delivery, for the owner to complete.
pub(super) struct Granted {
    pub(super) lease: LeaseId,
    pub(super) deliveries: u32,
}

impl<T: Copy> Leases<T> {
    pub(super) fn new(settings: LeaseSettings) -> Leases<T> {
        Leases {
            by_wait: vec![EMPTY; settings.waits.len()],
            by_age: EMPTY,
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            returned: BinaryHeap::new(),
            delayed: BinaryHeap::new(),
            members: Vec::new(),
            sequence: 0,
            tally: Tally::default(),
        }
    }

    /// Messages that `member` holds.
    pub(super) fn held_by(&self, member: Member) -> u32 {
        self.members.get(member.0 as usize).map_or(0, |holding| holding.leased)
    }

    /// How many messages `member` may take in one go.
    #[inline]
    pub(super) fn room(&self, member: Member) -> Room {
        let own = self.settings.per_member.map_or(u32::MAX, |most| most.saturating_sub(self.held_by(member)));
        let own = own.min(self.settings.batch.unwrap_or(u32::MAX));
        let Some(most) = self.settings.in_flight else { return Room { all: own, fresh: own } };
        let in_flight = self.tally.leased + self.tally.delayed;
        if self.settings.in_flight_keeps_returned {
            Room { all: own, fresh: own.min(most.saturating_sub(in_flight + self.tally.returned)) }
        } else {
            let all = own.min(most.saturating_sub(in_flight));
            Room { all, fresh: all }
        }
    }

    /// The first message that came back, if it goes before the owner's next one, of which `passed` have gone.
    #[inline]
    pub(super) fn first_returned(&self, passed: u64) -> Option<(u32, T)> {
        let Reverse(turn) = self.returned.peek()?;
        (turn.behind <= passed).then(|| (turn.place, self.slots[turn.place as usize].item))
    }

    /// Hands out a message for the first time.
    #[inline]
    pub(super) fn grant(&mut self, now: Time, member: Member, item: T) -> Granted {
        self.sequence += 1;
        let order = self.sequence;
        let place = match self.free.pop() {
            Some(place) => {
                let slot = &mut self.slots[place as usize];
                (slot.item, slot.order, slot.deliveries, slot.failed) = (item, order, 0, 0);
                slot.number_first = slot.number;
                place
            }
            None => {
                let links = [Links { prev: NONE, next: NONE }; 3];
                self.slots.push(Slot {
                    item,
                    state: State::Free,
                    number: 0,
                    number_first: 0,
                    member: NONE,
                    wait: NONE,
                    deliveries: 0,
                    failed: 0,
                    order,
                    due: Time::MAX,
                    links,
                });
                u32::try_from(self.slots.len() - 1).expect("fewer than 2³² messages are in work")
            }
        };
        push_back(&mut self.by_age, &mut self.slots, BY_AGE, place);
        self.lease(now, member, place)
    }

    /// What was handed out and is not done, the owner's oldest first.
    pub(super) fn by_age(&self) -> impl Iterator<Item = T> {
        let mut next = self.by_age.first;
        std::iter::from_fn(move || {
            let slot = self.slots.get(next as usize)?;
            next = slot.links[BY_AGE].next;
            Some(slot.item)
        })
    }

    /// Hands out a message that came back: the first of them, `place`.
    pub(super) fn grant_again(&mut self, now: Time, member: Member, place: u32) -> Granted {
        self.pop_returned(place);
        self.lease(now, member, place)
    }

    /// Forgets the first message that came back, `place`.
    pub(super) fn forget_returned(&mut self, place: u32) {
        self.pop_returned(place);
        self.release(place);
    }

    fn pop_returned(&mut self, place: u32) {
        let popped = self.returned.pop();
        debug_assert!(popped.is_some_and(|Reverse(turn)| turn.place == place), "it is the first");
        self.slots[place as usize].state = State::Free;
        self.tally.returned -= 1;
        self.drop_dead();
    }

    fn lease(&mut self, now: Time, member: Member, place: u32) -> Granted {
        let holder = member.0 as usize;
        if holder >= self.members.len() {
            self.members.resize(holder + 1, Holding { list: EMPTY, leased: 0 });
        }
        let slot = &mut self.slots[place as usize];
        (slot.state, slot.member) = (State::Leased, member.0);
        slot.deliveries += 1;
        let granted = Granted { lease: LeaseId { place, number: slot.number }, deliveries: slot.deliveries };
        self.members[holder].leased += 1;
        push_back(&mut self.members[holder].list, &mut self.slots, BY_MEMBER, place);
        self.tally.leased += 1;
        self.tally.deliveries += 1;
        self.tally.redeliveries += u64::from(granted.deliveries > 1);
        self.start_wait(now, place);
        granted
    }

    fn start_wait(&mut self, now: Time, place: u32) {
        let slot = &mut self.slots[place as usize];
        let Some(last) = self.settings.waits.len().checked_sub(1) else { return };
        let wait = last.min(slot.deliveries as usize - 1);
        let every = self.settings.check_every.as_nanos();
        let due = now + self.settings.waits[wait];
        slot.due = match due.as_nanos().checked_rem(every) {
            None | Some(0) => due,
            Some(over) => due + Span::from_nanos(every - over),
        };
        slot.wait = wait as u32;
        push_back(&mut self.by_wait[wait], &mut self.slots, BY_WAIT, place);
    }

    fn stop_wait(&mut self, place: u32) {
        let wait = std::mem::replace(&mut self.slots[place as usize].wait, NONE);
        if wait != NONE {
            unlink(&mut self.by_wait[wait as usize], &mut self.slots, BY_WAIT, place);
        }
    }

    /// Whether a lease is held.
    pub(super) fn is_held(&self, lease: LeaseId) -> bool {
        let slot = self.slots.get(lease.place as usize);
        slot.is_some_and(|slot| slot.state == State::Leased && slot.number == lease.number)
    }

    /// What a lease was given for, while it is held.
    pub(super) fn item(&self, lease: LeaseId) -> Option<T> {
        self.is_held(lease).then(|| self.slots[lease.place as usize].item)
    }

    /// The time of a lease begins anew; `false` when it has ended.
    pub(super) fn extend(&mut self, now: Time, lease: LeaseId) -> bool {
        let is_held = self.is_held(lease);
        if is_held {
            self.stop_wait(lease.place);
            self.start_wait(now, lease.place);
        }
        is_held
    }

    /// A lease is acknowledged. With the message, if that ends it, comes what it was until now.
    #[inline]
    pub(super) fn ack(&mut self, lease: LeaseId) -> (Acked, Option<(T, State)>) {
        let Some(slot) = self.slots.get(lease.place as usize) else { return (Acked::Stale, None) };
        let (state, item) = (slot.state, slot.item);
        if state == State::Leased && slot.number == lease.number {
            self.end_lease(lease.place);
            self.release(lease.place);
            return (Acked::Held, Some((item, state)));
        }
        let ended = slot.number.wrapping_sub(slot.number_first);
        let is_of_this_message = lease.number.wrapping_sub(slot.number_first) < ended;
        // The last lease that ended is the one before the count.
        let is_last = lease.number.wrapping_add(1) == slot.number;
        let is_taken = match self.settings.late_ack {
            LateAck::Ignored => false,
            LateAck::UntilRedelivered => is_last && matches!(state, State::Returned | State::Delayed),
            LateAck::Accepted => state != State::Free,
        };
        if !is_of_this_message || !is_taken {
            return (Acked::Stale, None);
        }
        match state {
            State::Leased => self.end_lease(lease.place),
            State::Returned => self.tally.returned -= 1,
            State::Delayed => self.tally.delayed -= 1,
            State::Free => {}
        }
        self.release(lease.place);
        self.drop_dead();
        (Acked::Late, Some((item, state)))
    }

    /// A lease is refused; `false` when it has ended. `behind` of the owner's messages have been published.
    pub(super) fn refuse(
        &mut self,
        now: Time,
        lease: LeaseId,
        refusal: Refusal,
        behind: u64,
        tell: &mut dyn FnMut(Back<T>),
    ) -> bool {
        if !self.is_held(lease) {
            return false;
        }
        match refusal {
            Refusal::Dead => {
                self.end_lease(lease.place);
                tell(Back::Dead(self.slots[lease.place as usize].item));
                self.release(lease.place);
            }
            Refusal::Nack => self.give_back(now, lease.place, Cause::Nack, None, behind, tell),
            Refusal::Reject => self.give_back(now, lease.place, Cause::Reject, None, behind, tell),
            Refusal::Later(delay) => self.give_back(now, lease.place, Cause::Nack, Some(delay), behind, tell),
        }
        true
    }

    /// A member is gone.
    pub(super) fn member_gone(&mut self, now: Time, member: Member, behind: u64, tell: &mut dyn FnMut(Back<T>)) {
        if !self.settings.outlive_member {
            return self.give_all_back(now, member.0, Cause::Death, behind, tell);
        }
        let Some(holding) = self.members.get_mut(member.0 as usize) else { return };
        let mut next = std::mem::replace(holding, Holding { list: EMPTY, leased: 0 }).list.first;
        while next != NONE {
            let slot = &mut self.slots[next as usize];
            slot.member = NONE;
            next = slot.links[BY_MEMBER].next;
        }
    }

    fn give_all_back(&mut self, now: Time, member: u32, cause: Cause, behind: u64, tell: &mut dyn FnMut(Back<T>)) {
        while let Some(holding) = self.members.get(member as usize)
            && holding.list.first != NONE
        {
            self.give_back(now, holding.list.first, cause, None, behind, tell);
        }
    }

    fn give_back(
        &mut self,
        now: Time,
        place: u32,
        cause: Cause,
        later: Option<Span>,
        behind: u64,
        tell: &mut dyn FnMut(Back<T>),
    ) {
        self.end_lease(place);
        let is_failure = match cause {
            Cause::Nack => self.settings.nack_counts,
            Cause::Lapse => self.settings.lapse_counts,
            Cause::Reject | Cause::Death => true,
        };
        let slot = &mut self.slots[place as usize];
        slot.failed += u32::from(is_failure);
        if is_failure && self.settings.deliveries.is_some_and(|most| slot.failed >= most) {
            tell(Back::Spent(slot.item));
            return self.release(place);
        }
        let ruled = self.settings.delay.filter(|delay| match delay.which {
            DelayedReturns::All => true,
            DelayedReturns::Failed => is_failure,
            DelayedReturns::Uncounted => !is_failure,
        });
        let delay = later.or(ruled.map(|delay| delay.of(slot.deliveries))).unwrap_or(Span::ZERO);
        if delay.is_zero() {
            self.make_ready(place, behind, tell);
        } else {
            slot.state = State::Delayed;
            slot.due = now + delay;
            self.tally.delayed += 1;
            self.sequence += 1;
            // Of those that become ready together, the one goes first that came back first.
            self.delayed.push(Reverse((slot.due, Turn { behind: self.sequence, order: slot.order, place })));
        }
    }

    fn make_ready(&mut self, place: u32, behind: u64, tell: &mut dyn FnMut(Back<T>)) {
        let slot = &mut self.slots[place as usize];
        let behind = match self.settings.back_to {
            BackTo::Place => 0,
            BackTo::End => {
                self.sequence += 1;
                slot.order = self.sequence;
                behind
            }
        };
        slot.state = State::Returned;
        self.tally.returned += 1;
        tell(Back::Ready(slot.item));
        self.returned.push(Reverse(Turn { behind, order: slot.order, place }));
    }

    /// The lease of a slot is over; the slot still is the message's.
    fn end_lease(&mut self, place: u32) {
        self.stop_wait(place);
        let slot = &mut self.slots[place as usize];
        slot.state = State::Free;
        slot.number = slot.number.wrapping_add(1);
        let member = std::mem::replace(&mut slot.member, NONE);
        if let Some(holding) = self.members.get_mut(member as usize) {
            holding.leased -= 1;
            unlink(&mut holding.list, &mut self.slots, BY_MEMBER, place);
        }
        self.tally.leased -= 1;
    }

    fn release(&mut self, place: u32) {
        self.slots[place as usize].state = State::Free;
        unlink(&mut self.by_age, &mut self.slots, BY_AGE, place);
        self.free.push(place);
    }

    /// Clears away entries of messages that are done, from the top of the heaps always, from inside when they prevail.
    fn drop_dead(&mut self) {
        let slots = &self.slots;
        let is_live = |state: State, turn: &Turn| {
            let slot = &slots[turn.place as usize];
            slot.state == state && slot.order == turn.order
        };
        while self.returned.peek().is_some_and(|Reverse(turn)| !is_live(State::Returned, turn)) {
            self.returned.pop();
        }
        while self.delayed.peek().is_some_and(|Reverse((_, turn))| !is_live(State::Delayed, turn)) {
            self.delayed.pop();
        }
        let prevail = |entries: usize, live: u32| entries > 2 * live as usize + 64;
        if prevail(self.returned.len(), self.tally.returned) {
            self.returned.retain(|Reverse(turn)| is_live(State::Returned, turn));
        }
        if prevail(self.delayed.len(), self.tally.delayed) {
            self.delayed.retain(|Reverse((_, turn))| is_live(State::Delayed, turn));
        }
    }

    /// The next lease to lapse, by the index of its length.
    fn first_to_lapse(&self) -> Option<(Time, usize)> {
        let firsts = self.by_wait.iter().enumerate().filter(|(_, list)| list.first != NONE);
        firsts.map(|(wait, list)| (self.slots[list.first as usize].due, wait)).min()
    }

    /// When a lease lapses or a delay ends, if nothing else happens.
    pub(super) fn wake_at(&self) -> Option<Time> {
        let lapse = self.first_to_lapse().map(|(due, _)| due).filter(|due| *due < Time::MAX);
        let ready = self.delayed.peek().map(|Reverse((due, _))| *due);
        [lapse, ready].into_iter().flatten().min()
    }

    /// Lets leases lapse and delays end, up to and with `now`.
    pub(super) fn tick(&mut self, now: Time, behind: u64, tell: &mut dyn FnMut(Back<T>)) {
        while let Some((due, wait)) = self.first_to_lapse()
            && due <= now
        {
            self.tally.lapsed += 1;
            let place = self.by_wait[wait].first;
            let member = self.slots[place as usize].member;
            if self.settings.lapse == Lapse::Member && member != NONE {
                self.give_all_back(now, member, Cause::Lapse, behind, tell);
                tell(Back::Closed(Member(member)));
            } else {
                self.give_back(now, place, Cause::Lapse, None, behind, tell);
            }
        }
        while let Some(Reverse((due, turn))) = self.delayed.peek().copied()
            && due <= now
        {
            self.delayed.pop();
            self.tally.delayed -= 1;
            self.make_ready(turn.place, behind, tell);
            self.drop_dead();
        }
    }
}

fn push_back<T>(list: &mut List, slots: &mut [Slot<T>], by: usize, place: u32) {
    slots[place as usize].links[by] = Links { prev: list.last, next: NONE };
    match list.last {
        NONE => list.first = place,
        last => slots[last as usize].links[by].next = place,
    }
    list.last = place;
}

fn unlink<T>(list: &mut List, slots: &mut [Slot<T>], by: usize, place: u32) {
    let Links { prev, next } = slots[place as usize].links[by];
    match prev {
        NONE => list.first = next,
        prev => slots[prev as usize].links[by].next = next,
    }
    match next {
        NONE => list.last = prev,
        next => slots[next as usize].links[by].prev = prev,
    }
}
