//! A worker pool: threads, and the queue in front of them. It decides who starts, who waits and who is
//! turned away; what a thread does is not its business.

use std::collections::VecDeque;

/// The pool of one replica. `T` is the ticket of whoever wants a thread.
#[derive(Clone, Debug)]
pub struct Pool<T> {
    threads: u32,
    busy: u32,
    places: u32,
    last_first: bool,
    queue: VecDeque<Waiter<T>>,
    /// Newcomers in `queue` that have not withdrawn: those that take a place.
    waiting: u32,
    /// Entries in `queue` that have withdrawn and are still to be cleared away.
    withdrawn: u32,
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
    /// It has a thread.
    Started,
    /// It waits.
    Queued,
    /// Every place is taken.
    Rejected,
}

impl<T: Copy> Pool<T> {
    /// `threads` and `places` of `u32::MAX` are unlimited; `last_first` serves who came last (LIFO).
    pub fn new(threads: u32, places: u32, last_first: bool) -> Pool<T> {
        Pool { threads, busy: 0, places, last_first, queue: VecDeque::new(), waiting: 0, withdrawn: 0 }
    }

    /// A newcomer asks for a thread.
    #[inline]
    pub fn arrive(&mut self, ticket: T) -> Admission {
        if self.busy < self.threads {
            self.busy += 1;
            return Admission::Started;
        }
        if self.waiting >= self.places {
            return Admission::Rejected;
        }
        self.waiting += 1;
        self.queue.push_back(Waiter { ticket, newcomer: true });
        Admission::Queued
    }

    /// One that was served before asks for a thread again: it is never turned away. `true` when it has one.
    pub fn come_back(&mut self, ticket: T) -> bool {
        if self.busy < self.threads {
            self.busy += 1;
            return true;
        }
        self.queue.push_back(Waiter { ticket, newcomer: false });
        false
    }

    /// A thread is given back. If somebody `live` waits, it is handed on to him: the ticket, and whether he is a newcomer.
    #[inline]
    pub fn release(&mut self, live: impl Fn(T) -> bool) -> Option<(T, bool)> {
        debug_assert!(self.busy > 0, "a thread that is given back was taken");
        while let Some(next) = if self.last_first { self.queue.pop_back() } else { self.queue.pop_front() } {
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
        if self.withdrawn as usize * 2 > self.queue.len() {
            self.queue.retain(|waiter| live(waiter.ticket));
            self.withdrawn = 0;
        }
    }

    /// Threads in use.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Newcomers that wait.
    #[inline]
    pub fn waiting(&self) -> u32 {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(_: u32) -> bool {
        true
    }

    #[test]
    fn threads_before_queue_before_rejection() {
        let mut pool = Pool::new(1, 1, false);
        assert_eq!(pool.arrive(1), Admission::Started);
        assert_eq!(pool.arrive(2), Admission::Queued);
        assert_eq!(pool.arrive(3), Admission::Rejected);
        assert_eq!(pool.release(all), Some((2, true)));
        assert_eq!(pool.release(all), None);
        assert_eq!(pool.busy(), 0);
    }

    #[test]
    fn the_last_comes_first_when_asked() {
        let mut pool = Pool::new(1, u32::MAX, true);
        (1..=3).for_each(|ticket| assert_ne!(pool.arrive(ticket), Admission::Rejected));
        assert_eq!(pool.release(all), Some((3, true)));
        assert_eq!(pool.release(all), Some((2, true)));
    }

    #[test]
    fn who_withdraws_frees_his_place_and_is_never_served() {
        let mut pool = Pool::new(1, 2, false);
        (1..=3).for_each(|ticket| assert_ne!(pool.arrive(ticket), Admission::Rejected));
        assert_eq!(pool.arrive(4), Admission::Rejected);
        pool.withdraw(true, |ticket| ticket != 2);
        assert_eq!(pool.arrive(4), Admission::Queued);
        assert_eq!(pool.release(|ticket| ticket != 2), Some((3, true)));
        assert_eq!(pool.release(|ticket| ticket != 2), Some((4, true)));
        assert_eq!(pool.waiting(), 0);
    }

    #[test]
    fn who_comes_back_takes_no_place() {
        let mut pool = Pool::new(1, 0, false);
        assert_eq!(pool.arrive(1), Admission::Started);
        assert!(!pool.come_back(2));
        assert_eq!(pool.release(all), Some((2, false)));
    }
}
