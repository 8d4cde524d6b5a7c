//! A retry budget: a token bucket filled by calls, emptied by retries. It does not leak with time.

use super::BudgetSettings;

/// Parts of a token, so that shares of one are whole numbers and nothing is lost by rounding.
const TOKEN: u64 = 1_000_000_000;

/// Never grants more retries than `burst + ratio × calls`.
#[derive(Clone, Debug)]
pub struct Budget {
    tokens: u64,
    deposit: u64,
    burst: u64,
}

impl Budget {
    /// A full bucket. The ratio is rounded to nine decimal places.
    pub fn new(settings: BudgetSettings) -> Budget {
        let burst = u64::from(settings.burst) * TOKEN;
        let deposit = (settings.ratio.as_f64() * TOKEN as f64 + 0.5) as u64;
        Budget { tokens: burst, deposit, burst }
    }

    /// A call (not a retry) starts.
    #[inline]
    pub fn deposit(&mut self) {
        self.tokens = (self.tokens + self.deposit).min(self.burst);
    }

    /// Takes a token for one retry, if there is a whole one.
    #[inline]
    pub fn withdraw(&mut self) -> bool {
        let left = self.tokens.checked_sub(TOKEN);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// What is in it, in tokens.
    pub fn tokens(&self) -> f64 {
        self.tokens as f64 / TOKEN as f64
    }
}
