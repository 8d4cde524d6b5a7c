//! The retry quota of the SDKs of AWS (botocore 0e6e2404, `RetryQuotaChecker`): a bucket that retries empty. A call that
//! succeeds after retries gives back what its last one cost, one that needs none brings a little; failures bring nothing.

use crate::policy::Outcome;

use super::quota::AwsQuotaSettings;

/// See the module.
#[derive(Clone, Debug)]
pub struct AwsQuota {
    available: u32,
    settings: AwsQuotaSettings,
}

impl AwsQuota {
    /// A full bucket.
    pub fn new(settings: AwsQuotaSettings) -> AwsQuota {
        AwsQuota { available: settings.capacity, settings }
    }

    /// What a retry costs after `outcome`.
    fn cost(&self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Timeout => self.settings.timeout_cost,
            Outcome::Rejected => self.settings.rejected_cost,
            _ => self.settings.cost,
        }
    }

    /// Takes what a retry after `outcome` costs, if there is as much.
    pub fn withdraw(&mut self, outcome: Outcome) -> bool {
        let left = self.available.checked_sub(self.cost(outcome));
        self.available = left.unwrap_or(self.available);
        left.is_some()
    }

    /// A call has succeeded; `before` is how the attempt before the one that did ended.
    pub fn succeeded(&mut self, before: Option<Outcome>) {
        let back = before.map_or(self.settings.reward, |outcome| self.cost(outcome));
        self.available = self.available.saturating_add(back).min(self.settings.capacity);
    }

    /// What is left.
    pub fn available(&self) -> u32 {
        self.available
    }
}
