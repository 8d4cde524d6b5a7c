//! gRPC's retry throttling (gRFC A6): a store of tokens that failures empty and successes fill. While it is at most
//! half full, nothing is retried.
//!
//! A failure costs a token, a success earns a part of one: once a larger share than `ratio / (1 + ratio)` of attempts
//! fails for long, retries stop.

use super::RetryThrottleSettings;

/// Tokens count in thousandths, as in gRPC.
const TOKEN: u32 = 1_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct RetryThrottle {
    thousandths: u32,
    most: u32,
    earned: u32,
}

impl RetryThrottle {
    /// A full store.
    pub fn new(settings: RetryThrottleSettings) -> RetryThrottle {
        let most = settings.max_tokens.saturating_mul(TOKEN);
        RetryThrottle { thousandths: most, most, earned: settings.token_thousandths }
    }

    /// An attempt was answered well.
    #[inline]
    pub fn succeeded(&mut self) {
        self.thousandths = self.thousandths.saturating_add(self.earned).min(self.most);
    }

    /// An attempt has failed: may it be retried?
    #[inline]
    pub fn failed(&mut self) -> bool {
        self.thousandths = self.thousandths.saturating_sub(TOKEN);
        self.permits()
    }

    /// Whether more than half of the tokens are left.
    #[inline]
    pub fn permits(&self) -> bool {
        self.thousandths > self.most / 2
    }

    /// What is in store, in tokens.
    pub fn tokens(&self) -> f64 {
        f64::from(self.thousandths) / f64::from(TOKEN)
    }
}
