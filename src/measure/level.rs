//! A number that changes over time, and its exact integral.

use crate::base::time::Time;

/// How many there are of something, and ∫ how many dt.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    value: u32,
    since: Time,
    integral_nanos: u128,
}

impl Level {
    pub(super) fn starting_at(value: u32) -> Level {
        Level { value, ..Level::default() }
    }

    /// Changes it by `change` at `now`.
    #[inline]
    pub(super) fn add(&mut self, now: Time, change: i32) {
        self.settle(now);
        debug_assert!(self.value.checked_add_signed(change).is_some(), "there is never less than nothing");
        self.value = self.value.wrapping_add_signed(change);
    }

    /// The integral up to `now`, in nanoseconds.
    #[inline]
    pub(super) fn integral(&mut self, now: Time) -> u128 {
        self.settle(now);
        self.integral_nanos
    }

    /// How many there are.
    pub(super) fn value(&self) -> u32 {
        self.value
    }

    #[inline]
    fn settle(&mut self, now: Time) {
        // Widened from 64 bits: one multiplication.
        self.integral_nanos += u128::from(self.value) * u128::from(now.since(self.since).as_nanos());
        self.since = now;
    }
}
