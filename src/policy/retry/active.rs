//! Envoy's limit of retries (`ResourceManagerImpl`): so many at a time, or a part of what is under way, but never less
//! than a minimum. A retry counts from its decision, its delay included, until its attempt ends.

use super::quota::ActiveSettings;

/// See the module.
#[derive(Clone, Debug)]
pub struct ActiveBudget {
    attempts: u32,
    retries: u32,
    settings: ActiveSettings,
}

impl ActiveBudget {
    /// With nothing under way.
    pub fn new(settings: ActiveSettings) -> ActiveBudget {
        ActiveBudget { attempts: 0, retries: 0, settings }
    }

    pub(super) fn attempt_started(&mut self) {
        self.attempts += 1;
    }

    pub(super) fn attempt_ended(&mut self, attempt: u32) {
        self.attempts = self.attempts.saturating_sub(1);
        if attempt > 1 {
            self.retries = self.retries.saturating_sub(1);
        }
    }

    /// `max(trunc(ratio × attempts), min)`.
    pub fn limit(&self) -> u32 {
        let part = (f64::from(self.attempts) * self.settings.ratio.as_f64() + 1e-9) as u32;
        part.max(self.settings.min)
    }

    /// Retries under way, those that wait included.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    pub(super) fn withdraw(&mut self) -> bool {
        let granted = self.retries < self.limit();
        self.retries += u32::from(granted);
        granted
    }

    pub(super) fn give_back(&mut self) {
        self.retries = self.retries.saturating_sub(1);
    }
}
