//! resilience4j's `FixedThreadPoolBulkhead` (af9e7c97), and Hystrix' thread pools: threads with the rules of Java's
//! `ThreadPoolExecutor`. First the core is filled, then the queue, and only then there are more threads; so a task that
//! finds the queue full starts before those that wait in it.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};

use crate::policy::settings::settings;

use super::Entry;

settings! {
    /// The knobs of [`ThreadPool`]; the default is resilience4j's, on a machine of four processors.
    pub struct ThreadPoolSettings {
        /// Threads that stay; a call beyond them is queued.
        core: u32 = 3, "coreThreadPoolSize";
        /// Threads at most, which a full queue brings; at least as many, and at least 1.
        max: u32 = 4, "maxThreadPoolSize";
        /// Places in the queue.
        queue: u32 = 100, "queueCapacity";
        /// How many may stand in the queue at most, however many places it has; all of them if it is `none`.
        queue_threshold: Option<u32> = None, "";
        /// How long a thread beyond the core stays without a call.
        keep_alive: Span = Span::from_millis(20), "keepAliveDuration (ms)";
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct ThreadPool<T> {
    core: u32,
    max: u32,
    places: u32,
    keep_alive: Span,
    busy: u32,
    /// Since when each thread has nothing to do, the longest first.
    idle: VecDeque<Time>,
    /// Nobody's patience ends here but his own.
    pub(super) waiting: VecDeque<(T, Time)>,
}

impl<T: Copy> ThreadPool<T> {
    /// Without threads.
    pub fn new(settings: &ThreadPoolSettings) -> ThreadPool<T> {
        let ThreadPoolSettings { core, max, queue, queue_threshold, keep_alive } = *settings;
        let places = queue.min(queue_threshold.unwrap_or(queue));
        ThreadPool { core, max, places, keep_alive, busy: 0, idle: VecDeque::new(), waiting: VecDeque::new() }
    }

    fn threads(&self) -> u32 {
        self.busy + self.idle.len() as u32
    }

    /// A task comes.
    pub fn enter(&mut self, now: Time, ticket: T, live: impl Fn(T) -> bool) -> Entry {
        while self.threads() > self.core && self.idle.front().is_some_and(|since| now.since(*since) >= self.keep_alive)
        {
            self.idle.pop_front();
        }
        if self.threads() >= self.core && self.idle.pop_back().is_some() {
            self.busy += 1;
            return Entry::Entered { is_new: false };
        }
        // Where no thread is left one is made for what is in the queue.
        if self.threads() >= self.core.max(1) {
            self.waiting.retain(|(waiter, _)| live(*waiter));
            if self.waiting.len() < self.places as usize {
                self.waiting.push_back((ticket, Time::MAX));
                return Entry::Waits(Time::MAX);
            }
            if self.threads() >= self.max {
                return Entry::Rejected;
            }
        }
        self.busy += 1;
        Entry::Entered { is_new: true }
    }

    /// A task is done: its thread takes the next one.
    pub fn leave(&mut self, now: Time, live: impl Fn(T) -> bool) -> Option<T> {
        while let Some((next, _)) = self.waiting.pop_front() {
            if live(next) {
                return Some(next);
            }
        }
        self.busy -= 1;
        self.idle.push_back(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_beyond_the_core_leave_when_they_have_nothing_to_do() {
        let mut pool =
            ThreadPool::new(&ThreadPoolSettings { core: 1, max: 2, queue: 0, ..ThreadPoolSettings::default() });
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let all = |_| true;
        let new = Entry::Entered { is_new: true };
        let old = Entry::Entered { is_new: false };
        assert_eq!((pool.enter(at(0), 1, all), pool.enter(at(0), 2, all)), (new, new));
        assert_eq!(pool.enter(at(0), 3, all), Entry::Rejected);
        assert_eq!((pool.leave(at(1), all), pool.leave(at(2), all)), (None, None));
        assert_eq!(pool.enter(at(3), 4, all), old, "it still has nothing to do");
        assert_eq!(pool.leave(at(4), all), None);
        assert_eq!((pool.enter(at(30), 5, all), pool.enter(at(30), 6, all)), (old, new), "one is gone, one is core");
    }

    #[test]
    fn a_pool_without_a_core_makes_a_thread_rather_than_let_a_task_wait_for_none() {
        let settings =
            ThreadPoolSettings { core: 0, max: 1, queue: 5, keep_alive: Span::ZERO, ..ThreadPoolSettings::default() };
        let mut pool = ThreadPool::new(&settings);
        let at = |millis| Time::ZERO + Span::from_millis(millis);
        let all = |_| true;
        for millis in [0, 10, 20] {
            assert_eq!(pool.enter(at(millis), 1, all), Entry::Entered { is_new: true });
            assert_eq!(pool.enter(at(millis + 1), 2, all), Entry::Waits(Time::MAX), "one thread is there");
            assert_eq!(pool.leave(at(millis + 2), all), Some(2));
            assert_eq!(pool.leave(at(millis + 3), all), None);
        }
    }
}
