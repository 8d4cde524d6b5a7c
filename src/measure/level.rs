//! A number that changes over time, and its exact integral.

use crate::base::time::Time;

/// How many there are of something, and ∫ how many dt.
///
/// A change by c at t adds c × (T − t) to the integral up to T. So what is summed up is c × t, of which there is nothing to
/// do but an addition when c is 1, and the integral is the number at T, times T, less that sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    value: u32,
    /// Sum of change × time; in the nanoseconds of the clock, so that 2⁶³ times 2³² fits.
    moments: i128,
}

impl Level {
    pub(super) fn starting_at(value: u32) -> Level {
        Level { value, moments: 0 }
    }

    /// Changes it by `change` at `now`.
    #[inline(always)]
    pub(super) fn add(&mut self, now: Time, change: i32) {
        debug_assert!(self.value.checked_add_signed(change).is_some(), "there is never less than nothing");
        self.value = self.value.wrapping_add_signed(change);
        self.moments += i128::from(change) * i128::from(now.as_nanos());
    }

    /// The integral up to `now`, in nanoseconds.
    #[inline]
    pub(super) fn integral(&self, now: Time) -> u128 {
        let integral = i128::from(self.value) * i128::from(now.as_nanos()) - self.moments;
        debug_assert!(integral >= 0, "time goes forwards");
        integral as u128
    }

    /// How many there are.
    pub(super) fn value(&self) -> u32 {
        self.value
    }
}
