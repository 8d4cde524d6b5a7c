//! Finagle's retry budget (4feb34cb: `RetryBudget`, and twitter/util's `TokenBucket.newLeakyBucket`, `WindowedAdder`): a
//! balance over the last seconds. Calls deposit, retries withdraw, and both are forgotten after a time, in ten slices; a
//! reserve is always there.

use crate::base::time::Time;

use super::quota::{Ratio, RollingSettings};

/// What a call deposits.
const DEPOSIT: i64 = 1_000;
/// Slices of the time for which something counts.
const SLICES: u64 = 10;

/// See the module.
#[derive(Clone, Debug)]
pub struct RollingBudget {
    /// What came and went in each slice, in a ring.
    slices: [i64; SLICES as usize],
    slice: u64,
    sum: i64,
    reserve: i64,
    withdrawal: i64,
    width_nanos: u64,
    deposit: i64,
    per_call: f64,
}

impl RollingBudget {
    /// With its reserve, and nothing else.
    pub fn new(settings: RollingSettings) -> RollingBudget {
        // Without a share for calls only the reserve is there: it is counted as if all calls were.
        let Ratio(ratio) = settings.ratio;
        let (deposit, withdrawal) =
            if ratio == 0.0 { (0, DEPOSIT) } else { (DEPOSIT, (DEPOSIT as f64 / ratio) as i64) };
        let seconds = settings.ttl.as_secs_f64();
        RollingBudget {
            slices: [0; SLICES as usize],
            slice: 0,
            sum: 0,
            reserve: (f64::from(settings.min_per_second) * seconds * withdrawal as f64) as i64,
            withdrawal: withdrawal.max(1),
            width_nanos: (settings.ttl.as_nanos() / SLICES).max(1),
            deposit,
            per_call: settings.per_call.as_f64(),
        }
    }

    fn pass(&mut self, now: Time) -> &mut i64 {
        let slice = now.as_nanos() / self.width_nanos;
        for passed in self.slice + 1..=slice.min(self.slice.saturating_add(SLICES)) {
            self.sum -= std::mem::take(&mut self.slices[(passed % SLICES) as usize]);
        }
        self.slice = self.slice.max(slice);
        &mut self.slices[(self.slice % SLICES) as usize]
    }

    /// A call starts.
    #[inline]
    pub fn deposit(&mut self, now: Time) {
        let deposit = self.deposit;
        *self.pass(now) += deposit;
        self.sum += deposit;
    }

    /// Takes what a call's `retry`-th retry costs (the first is 1), if there is as much and the call has not had its part:
    /// of what there was when it started, which is what there is and what it has taken itself. (Finagle keeps the number
    /// from the start of the call; they differ by what others have taken in the meantime.)
    #[inline]
    pub fn withdraw(&mut self, now: Time, retry: u32) -> bool {
        self.pass(now);
        if self.sum + self.reserve < self.withdrawal {
            return false;
        }
        if self.per_call < 1.0 {
            let at_start = (self.sum + self.reserve) / self.withdrawal + i64::from(retry) - 1;
            if f64::from(retry) > libm::ceil(self.per_call * at_start as f64) {
                return false;
            }
        }
        let withdrawal = self.withdrawal;
        *self.pass(now) -= withdrawal;
        self.sum -= withdrawal;
        true
    }

    /// Retries that there are.
    pub fn balance(&mut self, now: Time) -> u64 {
        self.pass(now);
        u64::try_from((self.sum + self.reserve) / self.withdrawal).unwrap_or(0)
    }
}
