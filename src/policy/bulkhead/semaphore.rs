//! resilience4j's `SemaphoreBulkhead` (af9e7c97), and Hystrix' semaphores: a fair semaphore, for which one waits in a row.

use std::collections::VecDeque;

use crate::base::time::{Span, Time};

use crate::policy::settings::settings;

use super::Entry;

settings! {
    /// The knobs of [`Semaphore`]; the default is resilience4j's.
    pub struct SemaphoreSettings {
        /// Calls at a time; at least 1.
        max: u32 = 25, "maxConcurrentCalls";
        /// How long a call waits for a permit; zero turns it away at once.
        max_wait: Span = Span::ZERO, "maxWaitDuration (ms)";
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Semaphore<T> {
    max: u32,
    max_wait: Span,
    busy: u32,
    /// Until when each waits.
    pub(super) waiting: VecDeque<(T, Time)>,
}

impl<T: Copy> Semaphore<T> {
    /// With all its permits.
    pub fn new(settings: &SemaphoreSettings) -> Semaphore<T> {
        let SemaphoreSettings { max, max_wait } = *settings;
        Semaphore { max, max_wait, busy: 0, waiting: VecDeque::new() }
    }

    /// One wants a permit.
    pub fn enter(&mut self, now: Time, ticket: T) -> Entry {
        if self.busy < self.max {
            self.busy += 1;
            return Entry::Entered { is_new: false };
        }
        if self.max_wait.is_zero() {
            return Entry::Rejected;
        }
        let until = now + self.max_wait;
        self.waiting.push_back((ticket, until));
        Entry::Waits(until)
    }

    /// One gives his permit back, to the first who still waits.
    pub fn leave(&mut self, live: impl Fn(T) -> bool) -> Option<T> {
        while let Some((next, _)) = self.waiting.pop_front() {
            if live(next) {
                return Some(next);
            }
        }
        self.busy -= 1;
        None
    }
}
