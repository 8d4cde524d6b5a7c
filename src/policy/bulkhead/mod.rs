//! Bulkheads of a client: how many of its calls to a service may be under way at a time, so that one slow callee does not
//! take all threads with it. Who finds no place waits for one, or is turned away without being sent.

mod pool;
mod presets;
mod semaphore;
mod threads;

use crate::base::time::Time;

pub use pool::PoolSettings;
pub use presets::PRESETS;
pub use semaphore::{Semaphore, SemaphoreSettings};
pub use threads::{ThreadPool, ThreadPoolSettings};

/// The knobs of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BulkheadSettings {
    /// Permits; who finds none waits in a row.
    Semaphore(SemaphoreSettings),
    /// Threads of its own, with the rules of Java's `ThreadPoolExecutor`.
    Threads(ThreadPoolSettings),
    /// Connections, and requests that wait for one, as in Envoy.
    Pool(PoolSettings),
}

/// What becomes of one who wants to enter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// He is in. In a pool of threads: on one that was made for him, or on one that had nothing to do.
    Entered {
        /// Whether the thread is new.
        is_new: bool,
    },
    /// He waits, at most until then.
    Waits(Time),
    /// He is turned away.
    Rejected,
}

/// A bulkhead; `T` is the ticket of one who waits.
#[derive(Clone, Debug)]
pub enum Bulkhead<T> {
    /// Of permits.
    Semaphore(Semaphore<T>),
    /// Of threads.
    Threads(ThreadPool<T>),
    /// Of connections.
    Pool(ThreadPool<T>),
}

impl<T: Copy + PartialEq> Bulkhead<T> {
    /// An empty one.
    pub fn new(settings: &BulkheadSettings) -> Bulkhead<T> {
        match *settings {
            BulkheadSettings::Semaphore(settings) => Bulkhead::Semaphore(Semaphore::new(&settings)),
            BulkheadSettings::Threads(settings) => Bulkhead::Threads(ThreadPool::new(&settings)),
            BulkheadSettings::Pool(settings) => Bulkhead::Pool(ThreadPool::new(&settings.as_threads())),
        }
    }

    /// One wants to enter. `live` tells whether one who waits still does.
    pub fn enter(&mut self, now: Time, ticket: T, live: impl Fn(T) -> bool) -> Entry {
        match self {
            Bulkhead::Semaphore(semaphore) => semaphore.enter(now, ticket),
            Bulkhead::Threads(threads) => threads.enter(now, ticket, live),
            Bulkhead::Pool(connections) => match connections.enter(now, ticket, live) {
                Entry::Entered { .. } => Entry::Entered { is_new: false },
                other => other,
            },
        }
    }

    /// One who was in has left: the next one of those who wait is in, if one does.
    pub fn leave(&mut self, now: Time, live: impl Fn(T) -> bool) -> Option<T> {
        match self {
            Bulkhead::Semaphore(semaphore) => semaphore.leave(live),
            Bulkhead::Threads(pool) | Bulkhead::Pool(pool) => pool.leave(now, live),
        }
    }

    /// One waits no longer; until when he would have.
    pub fn withdraw(&mut self, ticket: T) -> Option<Time> {
        let waiting = match self {
            Bulkhead::Semaphore(semaphore) => &mut semaphore.waiting,
            Bulkhead::Threads(pool) | Bulkhead::Pool(pool) => &mut pool.waiting,
        };
        let place = waiting.iter().position(|(waiter, _)| *waiter == ticket)?;
        waiting.remove(place).map(|(_, until)| until)
    }
}
