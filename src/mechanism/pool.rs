//! A pool of equal permits and the queue in front of it: worker threads, connections, locks. It decides who starts,
//! who waits and who is turned away; what is done with a permit is not its business.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};

/// Classes of importance, from 0 to one less.
pub const CLASSES: usize = 10;

/// Who of those that wait is next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The one who came first.
    First,
    /// The one who came last.
    Last,
    /// The one who came last while the queue has not been empty for longer than this, else the first.
    LastWhenStanding(Span),
    /// Any of them.
    Random,
    /// The one of the highest class; of equals, the one who came first.
    ByClass,
}

/// One pool. `T` is the ticket of whoever wants a permit.
#[derive(Clone, Debug)]
pub struct Pool<T> {
    size: u32,
    busy: u32,
    places: u32,
    order: Order,
    next: Next,
    line: Line<T>,
    /// Newcomers in the line that have not withdrawn: those that take a place.
    waiting: u32,
    /// Entries in the line that have withdrawn and are still to be cleared away.
    withdrawn: u32,
    /// When the line was last empty, if it is not now and somebody wants to know.
    last_empty: Time,
    notes_empty: bool,
}

/// How the next one is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// He is the first of the only line.
    First,
    /// The order says.
    Ordered,
    /// There is none: more permits are out than there should be.
    Nobody,
}

impl Next {
    fn of(order: Order) -> Next {
        if order == Order::First { Next::First } else { Next::Ordered }
    }
}

/// Those who wait.
#[derive(Clone, Debug)]
enum Line<T> {
    One(VecDeque<Waiter<T>>),
    /// By class.
    Many(Box<[VecDeque<Waiter<T>>; CLASSES]>),
}

#[derive(Clone, Copy, Debug)]
struct Waiter<T> {
    ticket: T,
    /// Whether it takes one of the places; one that was served before (an async handler going on) does not.
    newcomer: bool,
}

/// What the pool does with a newcomer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It has a permit.
    Started,
    /// It waits.
    Queued,
    /// Every place is taken.
    Rejected,
}

impl<T: Copy> Pool<T> {
    /// `size` and `places` of `u32::MAX` are unlimited.
    pub fn new(size: u32, places: u32, order: Order) -> Pool<T> {
        let line = match order {
            Order::ByClass => Line::Many(Box::new(std::array::from_fn(|_| VecDeque::new()))),
            _ => Line::One(VecDeque::new()),
        };
        let notes_empty = matches!(order, Order::LastWhenStanding(_));
        Pool {
            size,
            busy: 0,
            places,
            order,
            next: Next::of(order),
            line,
            waiting: 0,
            withdrawn: 0,
            last_empty: Time::ZERO,
            notes_empty,
        }
    }

    /// The same, which can tell [`Pool::last_empty`].
    pub fn noting_when_empty(mut self) -> Pool<T> {
        self.notes_empty = true;
        self
    }

    /// There are `size` permits from now on; not none. Those that are out and too many are not handed on when they come
    /// back. Who waits for a new one gets it by [`Pool::lend`] and [`Pool::release`].
    pub fn resize(&mut self, size: u32) {
        self.size = size;
        self.next = if self.busy > size { Next::Nobody } else { Next::of(self.order) };
    }

    /// There are `places` from now on; who waits stays.
    pub fn set_places(&mut self, places: u32) {
        self.places = places;
    }

    /// From now on it can tell [`Pool::last_empty`]; as far as it knows, nobody has waited until now.
    pub fn note_when_empty(&mut self, now: Time) {
        if !self.notes_empty {
            self.notes_empty = true;
            self.last_empty = now;
        }
    }

    /// Takes a permit that nobody has, for whoever waits for one.
    pub fn lend(&mut self) -> bool {
        let is_free = self.has_free();
        self.busy += u32::from(is_free);
        is_free
    }

    /// Whether more wait than there are places.
    pub fn is_overfull(&self) -> bool {
        self.waiting > self.places
    }

    /// A newcomer of a class asks for a permit.
    #[inline]
    pub fn arrive(&mut self, now: Time, ticket: T, class: u8) -> Admission {
        if self.busy < self.size {
            self.busy += 1;
            return Admission::Started;
        }
        if self.waiting >= self.places {
            return Admission::Rejected;
        }
        self.waiting += 1;
        self.join(now, Waiter { ticket, newcomer: true }, class);
        Admission::Queued
    }

    /// One that was served before asks for a permit again: it is never turned away. `true` when it has one.
    pub fn come_back(&mut self, now: Time, ticket: T, class: u8) -> bool {
        if self.busy < self.size {
            self.busy += 1;
            return true;
        }
        self.join(now, Waiter { ticket, newcomer: false }, class);
        false
    }

    /// One that was served before and had to make room waits again, before all others of its class.
    pub fn make_room(&mut self, now: Time, ticket: T, class: u8) {
        self.note_empty(now);
        self.line_of(class).push_front(Waiter { ticket, newcomer: false });
    }

    /// A permit is given back. If somebody `live` waits, it is handed on to him: the ticket, and whether he is a
    /// newcomer. `below(n)` draws a number in `0..n`.
    #[inline]
    pub fn release(
        &mut self,
        now: Time,
        live: impl Fn(T) -> bool,
        mut below: impl FnMut(u32) -> u32,
    ) -> Option<(T, bool)> {
        debug_assert!(self.busy > 0, "a permit that is given back was taken");
        while let Some(next) = self.take_next(now, &mut below) {
            if live(next.ticket) {
                self.waiting -= u32::from(next.newcomer);
                return Some((next.ticket, next.newcomer));
            }
            self.withdrawn -= 1;
        }
        self.busy -= 1;
        None
    }

    /// One that waits goes away; its ticket must not be `live` any more.
    pub fn withdraw(&mut self, newcomer: bool, live: impl Fn(T) -> bool) {
        self.waiting -= u32::from(newcomer);
        self.withdrawn += 1;
        // Amortised: at least half of what is walked over is cleared away.
        if self.withdrawn as usize * 2 > self.len() {
            let lines = match &mut self.line {
                Line::One(line) => std::slice::from_mut(line),
                Line::Many(lines) => lines.as_mut_slice(),
            };
            lines.iter_mut().for_each(|line| line.retain(|waiter| live(waiter.ticket)));
            self.withdrawn = 0;
        }
    }

    /// The newcomer that has waited longest; where there are classes, in the lowest of those up to `class`.
    pub fn oldest(&mut self, class: u8, live: impl Fn(T) -> bool) -> Option<T> {
        let lines = match &mut self.line {
            Line::One(line) => std::slice::from_mut(line),
            Line::Many(lines) => &mut lines[..=usize::from(class)],
        };
        for line in lines {
            while line.front().is_some_and(|waiter| !live(waiter.ticket)) {
                line.pop_front();
                self.withdrawn -= 1;
            }
            let oldest = line.iter().find(|waiter| waiter.newcomer && live(waiter.ticket));
            if let Some(waiter) = oldest {
                return Some(waiter.ticket);
            }
        }
        None
    }

    /// The class of who is next, where there are classes.
    pub fn next_class(&mut self, live: impl Fn(T) -> bool) -> Option<u8> {
        let Line::Many(lines) = &mut self.line else { return None };
        for (class, line) in lines.iter_mut().enumerate().rev() {
            while line.front().is_some_and(|waiter| !live(waiter.ticket)) {
                line.pop_front();
                self.withdrawn -= 1;
            }
            if !line.is_empty() {
                return Some(class as u8);
            }
        }
        None
    }

    /// Whether a newcomer would not have to wait.
    pub fn has_free(&self) -> bool {
        self.busy < self.size
    }

    /// Permits in use.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Newcomers that wait.
    #[inline]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// When nobody waited last; only for a pool that notes it.
    pub fn last_empty(&self, now: Time) -> Time {
        if self.is_empty() { now } else { self.last_empty }
    }

    /// Whether all that are in the line have withdrawn.
    fn is_empty(&self) -> bool {
        self.len() == self.withdrawn as usize
    }

    fn len(&self) -> usize {
        match &self.line {
            Line::One(line) => line.len(),
            Line::Many(lines) => lines.iter().map(VecDeque::len).sum(),
        }
    }

    #[inline]
    fn join(&mut self, now: Time, waiter: Waiter<T>, class: u8) {
        match &mut self.line {
            Line::One(line) if !self.notes_empty => line.push_back(waiter),
            _ => self.join_elsewhere(now, waiter, class),
        }
    }

    /// Joins a line that is watched, or one of several. Out of line: most pools have neither.
    #[inline(never)]
    fn join_elsewhere(&mut self, now: Time, waiter: Waiter<T>, class: u8) {
        self.note_empty(now);
        self.line_of(class).push_back(waiter);
    }

    fn note_empty(&mut self, now: Time) {
        if self.notes_empty && self.is_empty() {
            self.last_empty = now;
        }
    }

    fn line_of(&mut self, class: u8) -> &mut VecDeque<Waiter<T>> {
        match &mut self.line {
            Line::One(line) => line,
            Line::Many(lines) => &mut lines[usize::from(class)],
        }
    }

    #[inline]
    fn take_next(&mut self, now: Time, below: &mut impl FnMut(u32) -> u32) -> Option<Waiter<T>> {
        match &mut self.line {
            Line::One(line) if matches!(self.next, Next::First) => line.pop_front(),
            _ => self.take_by_order(now, below),
        }
    }

    /// Who is next when that is not simply the first. Out of line: most pools are queues.
    #[inline(never)]
    fn take_by_order(&mut self, now: Time, below: &mut impl FnMut(u32) -> u32) -> Option<Waiter<T>> {
        if self.next == Next::Nobody {
            // The one that comes back just now is still counted.
            if self.busy - 1 <= self.size {
                self.next = Next::of(self.order);
            }
            return None;
        }
        match &mut self.line {
            Line::One(line) => match self.order {
                Order::Last => line.pop_back(),
                Order::LastWhenStanding(standing) if now.since(self.last_empty) > standing => line.pop_back(),
                Order::Random if !line.is_empty() => line.swap_remove_back(below(line.len() as u32) as usize),
                _ => line.pop_front(),
            },
            Line::Many(lines) => lines.iter_mut().rev().find_map(VecDeque::pop_front),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Time = Time::ZERO;

    fn all(_: u32) -> bool {
        true
    }

    fn first(_: u32) -> u32 {
        0
    }

    #[test]
    fn permits_before_queue_before_rejection() {
        let mut pool = Pool::new(1, 1, Order::First);
        assert_eq!(pool.arrive(T0, 1, 0), Admission::Started);
        assert_eq!(pool.arrive(T0, 2, 0), Admission::Queued);
        assert_eq!(pool.arrive(T0, 3, 0), Admission::Rejected);
        assert_eq!(pool.release(T0, all, first), Some((2, true)));
        assert_eq!(pool.release(T0, all, first), None);
        assert_eq!(pool.busy(), 0);
    }

    #[test]
    fn the_last_comes_first_when_asked() {
        let mut pool = Pool::new(1, u32::MAX, Order::Last);
        (1..=3).for_each(|ticket| assert_ne!(pool.arrive(T0, ticket, 0), Admission::Rejected));
        assert_eq!(pool.release(T0, all, first), Some((3, true)));
        assert_eq!(pool.release(T0, all, first), Some((2, true)));
    }

    #[test]
    fn the_last_comes_first_only_while_the_queue_stands() {
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let mut pool = Pool::new(1, u32::MAX, Order::LastWhenStanding(Span::from_millis(100)));
        (1..=5).for_each(|ticket| assert_ne!(pool.arrive(at(10), ticket, 0), Admission::Rejected));
        assert_eq!(pool.release(at(110), all, first), Some((2, true)), "no longer than");
        assert_eq!(pool.release(at(111), all, first), Some((5, true)));
        assert_eq!(pool.release(at(111), all, first), Some((4, true)));
        assert_eq!(pool.release(at(112), all, first), Some((3, true)));
        assert_eq!(pool.arrive(at(200), 6, 0), Admission::Queued);
        assert_eq!(pool.arrive(at(200), 7, 0), Admission::Queued);
        assert_eq!(pool.release(at(250), all, first), Some((6, true)), "a new queue");
    }

    #[test]
    fn the_most_important_comes_first_and_makes_no_other_of_its_class_wait() {
        let mut pool = Pool::new(1, u32::MAX, Order::ByClass);
        for (ticket, class) in [(1, 4), (2, 4), (3, 9), (4, 0), (5, 9)] {
            assert_ne!(pool.arrive(T0, ticket, class), Admission::Rejected);
        }
        assert_eq!(pool.next_class(all), Some(9));
        pool.make_room(T0, 6, 9);
        let order: Vec<u32> = (0..5).filter_map(|_| pool.release(T0, all, first)).map(|(ticket, _)| ticket).collect();
        assert_eq!(order, [6, 3, 5, 2, 4]);
    }

    #[test]
    fn anybody_is_next_when_the_order_is_random() {
        let mut pool = Pool::new(1, u32::MAX, Order::Random);
        (1..=4).for_each(|ticket| assert_ne!(pool.arrive(T0, ticket, 0), Admission::Rejected));
        assert_eq!(pool.release(T0, all, |count| count - 2), Some((3, true)));
        assert_eq!(pool.release(T0, all, first), Some((2, true)));
        assert_eq!(pool.release(T0, all, first), Some((4, true)));
    }

    #[test]
    fn the_oldest_is_the_one_who_waits_longest_in_the_lowest_class() {
        let mut pool = Pool::new(1, 3, Order::ByClass);
        for (ticket, class) in [(1, 4), (2, 9), (3, 4), (4, 4)] {
            assert_ne!(pool.arrive(T0, ticket, class), Admission::Rejected);
        }
        assert_eq!(pool.oldest(9, all), Some(3));
        assert_eq!(pool.oldest(4, all), Some(3));
        assert_eq!(pool.oldest(3, all), None);
        pool.withdraw(true, |ticket| ticket != 3);
        assert_eq!(pool.oldest(4, |ticket| ticket != 3), Some(4), "who has withdrawn does not count");
    }

    #[test]
    fn who_withdraws_frees_his_place_and_is_never_served() {
        let mut pool = Pool::new(1, 2, Order::First);
        (1..=3).for_each(|ticket| assert_ne!(pool.arrive(T0, ticket, 0), Admission::Rejected));
        assert_eq!(pool.arrive(T0, 4, 0), Admission::Rejected);
        pool.withdraw(true, |ticket| ticket != 2);
        assert_eq!(pool.arrive(T0, 4, 0), Admission::Queued);
        assert_eq!(pool.release(T0, |ticket| ticket != 2, first), Some((3, true)));
        assert_eq!(pool.release(T0, |ticket| ticket != 2, first), Some((4, true)));
        assert_eq!(pool.waiting(), 0);
    }

    #[test]
    fn more_permits_are_lent_at_once_and_fewer_only_as_others_come_back() {
        for order in [Order::First, Order::ByClass] {
            let mut pool = Pool::new(3, u32::MAX, order);
            (1..=6).for_each(|ticket| assert_ne!(pool.arrive(T0, ticket, 0), Admission::Rejected));
            pool.resize(1);
            assert!(!pool.lend());
            assert_eq!(pool.release(T0, all, first), None);
            assert_eq!(pool.release(T0, all, first), None);
            assert_eq!(pool.busy(), 1);
            assert_eq!(pool.release(T0, all, first), Some((4, true)), "there is one again");
            pool.resize(2);
            assert!(pool.lend());
            assert_eq!(pool.release(T0, all, first), Some((5, true)));
            assert!(!pool.lend());
            assert_eq!((pool.busy(), pool.waiting()), (2, 1));
        }
    }

    #[test]
    fn who_waits_stays_when_there_are_fewer_places() {
        let mut pool = Pool::new(1, 3, Order::First);
        (1..=4).for_each(|ticket| assert_ne!(pool.arrive(T0, ticket, 0), Admission::Rejected));
        pool.set_places(1);
        assert_eq!((pool.waiting(), pool.is_overfull()), (3, true));
        assert_eq!(pool.arrive(T0, 5, 0), Admission::Rejected);
        assert_eq!(pool.release(T0, all, first), Some((2, true)));
    }

    #[test]
    fn who_comes_back_takes_no_place() {
        let mut pool = Pool::new(1, 0, Order::First);
        assert_eq!(pool.arrive(T0, 1, 0), Admission::Started);
        assert!(!pool.come_back(T0, 2, 0));
        assert_eq!(pool.release(T0, all, first), Some((2, false)));
    }
}
