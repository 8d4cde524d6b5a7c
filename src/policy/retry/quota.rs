//! Quotas: what keeps a client's retries in relation to its calls. Each kind is a file of its own; a retry policy has one
//! at most.

use crate::base::time::{Span, Time};
use crate::base::units::{ParseError, Share};
use crate::policy::Outcome;
use crate::policy::settings::{Setting, Unit, Value};

use super::{ActiveBudget, AwsQuota, Budget, BudgetSettings, RetryThrottle, RetryThrottleSettings, RollingBudget};

/// What limits retries, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quota {
    /// A token bucket that calls fill.
    Budget(BudgetSettings),
    /// Tokens that failures take and successes bring, as in gRPC.
    Throttle(RetryThrottleSettings),
    /// A balance of the last seconds, as in Finagle.
    Rolling(RollingSettings),
    /// So many retries at a time, as in Envoy.
    Active(ActiveSettings),
    /// A bucket that retries empty and that successes fill again, as in the SDKs of AWS.
    Aws(AwsQuotaSettings),
}

/// Retries for each call, written as a share. In the library there may be more than one for each, a plain number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(pub f64);

impl Setting for Ratio {
    const TAKES: &'static str = Share::TAKES;

    fn value(&self) -> Value {
        Share::new(self.0).map_or(Value::Number(self.0), Value::Share)
    }

    fn from_value(value: &Value) -> Option<Ratio> {
        Share::from_value(value).map(Share::as_f64).or_else(|| f64::from_value(value)).map(Ratio)
    }

    fn parse(text: &str) -> Result<Ratio, ParseError> {
        Share::parse(text).map(|share| Ratio(share.as_f64()))
    }

    fn from_number(number: f64, unit: Unit) -> Option<Ratio> {
        f64::from_number(number, unit).map(Ratio)
    }
}

/// Finagle's retry budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RollingSettings {
    /// Retries for each call.
    pub ratio: Ratio,
    /// Retries that are there in any case, per second.
    pub min_per_second: u32,
    /// For how long a call counts.
    pub ttl: Span,
    /// The part of what is left when a call starts that its own retries may take, rounded up to a whole retry.
    pub per_call: Share,
}

/// Envoy's retry budget and its limit of retries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActiveSettings {
    /// Retries at a time, as a part of all attempts that are under way.
    pub ratio: Share,
    /// Retries at a time that are there in any case.
    pub min: u32,
}

/// The retry quota of the SDKs of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwsQuotaSettings {
    /// What there is at most, and at the start.
    pub capacity: u32,
    /// What a retry costs.
    pub cost: u32,
    /// What it costs after a timeout.
    pub timeout_cost: u32,
    /// What it costs after an attempt that was turned away.
    pub rejected_cost: u32,
    /// What a call earns that needs no retry.
    pub reward: u32,
}

/// A quota with what it has counted.
#[derive(Clone, Debug)]
pub enum AnyQuota {
    /// See [`Quota::Budget`].
    Budget(Budget),
    /// See [`Quota::Throttle`].
    Throttle(RetryThrottle),
    /// See [`Quota::Rolling`]. Boxed: it is large, and few have one.
    Rolling(Box<RollingBudget>),
    /// See [`Quota::Active`].
    Active(ActiveBudget),
    /// See [`Quota::Aws`].
    Aws(AwsQuota),
}

impl AnyQuota {
    /// As a process starts with it.
    pub fn new(quota: Quota) -> AnyQuota {
        match quota {
            Quota::Budget(settings) => AnyQuota::Budget(Budget::new(settings)),
            Quota::Throttle(settings) => AnyQuota::Throttle(RetryThrottle::new(settings)),
            Quota::Rolling(settings) => AnyQuota::Rolling(Box::new(RollingBudget::new(settings))),
            Quota::Active(settings) => AnyQuota::Active(ActiveBudget::new(settings)),
            Quota::Aws(settings) => AnyQuota::Aws(AwsQuota::new(settings)),
        }
    }

    /// A call starts.
    #[inline]
    pub(super) fn call_started(&mut self, now: Time) {
        match self {
            AnyQuota::Budget(budget) => budget.deposit(),
            AnyQuota::Rolling(budget) => budget.deposit(now),
            AnyQuota::Throttle(_) | AnyQuota::Active(_) | AnyQuota::Aws(_) => {}
        }
    }

    /// An attempt starts.
    #[inline]
    pub(super) fn attempt_started(&mut self) {
        if let AnyQuota::Active(budget) = self {
            budget.attempt_started();
        }
    }

    /// An attempt has ended.
    #[inline]
    pub(super) fn attempt_ended(&mut self, attempt: u32, outcome: Outcome, before: Option<Outcome>) {
        match self {
            AnyQuota::Throttle(throttle) if outcome.is_ok() => throttle.succeeded(),
            AnyQuota::Active(budget) => budget.attempt_ended(attempt),
            AnyQuota::Aws(quota) if outcome.is_ok() => quota.succeeded(before),
            _ => {}
        }
    }

    /// An attempt has failed with an outcome that may be retried: does the quota stop it, whoever may still try?
    #[inline]
    pub(super) fn failed(&mut self) -> bool {
        if let AnyQuota::Throttle(throttle) = self { throttle.failed() } else { true }
    }

    /// May a retry go that nothing else stops?
    #[inline]
    pub(super) fn withdraw(&mut self, now: Time, outcome: Outcome, retry: u32) -> bool {
        match self {
            AnyQuota::Budget(budget) => budget.withdraw(),
            AnyQuota::Throttle(_) => true,
            AnyQuota::Rolling(budget) => budget.withdraw(now, retry),
            AnyQuota::Active(budget) => budget.withdraw(),
            AnyQuota::Aws(quota) => quota.withdraw(outcome),
        }
    }

    /// A retry that was granted is not sent.
    pub(super) fn give_back(&mut self) {
        if let AnyQuota::Active(budget) = self {
            budget.give_back();
        }
    }

    /// What is left, in tokens or retries.
    pub fn available(&mut self, now: Time) -> f64 {
        match self {
            AnyQuota::Budget(budget) => budget.tokens(),
            AnyQuota::Throttle(throttle) => throttle.tokens(),
            AnyQuota::Rolling(budget) => budget.balance(now) as f64,
            AnyQuota::Active(budget) => f64::from(budget.limit().saturating_sub(budget.retries())),
            AnyQuota::Aws(quota) => f64::from(quota.available()),
        }
    }
}
