//! What clients did instead of calling, as outputs show it: answers that something stood in for, and ejected replicas.

use crate::measure::{EjectionResult, FallbackResult};

use super::facts::{self, Facts};

/// What stood in for the answers of an edge; `None` where no call has a fallback.
pub(super) fn fallbacks<'a>(facts: &'a Facts, edge: usize) -> Option<&'a FallbackResult> {
    facts.results.resilience.as_ref()?.fallbacks[edge].as_ref()
}

/// The replicas that the callers of an edge did not see; `None` without outlier detection.
pub(super) fn ejections<'a>(facts: &'a Facts, edge: usize) -> Option<&'a EjectionResult> {
    facts.results.resilience.as_ref()?.ejections[edge].as_ref()
}

/// Replicas that one caller does not see, on average.
pub(super) fn ejected_mean(facts: &Facts, it: &EjectionResult) -> Option<f64> {
    facts.mean_level(it.ejected_nanos).map(|sum| sum / f64::from(it.callers.max(1)))
}

/// Requests of a workload that were answered well with the help of a fallback; `None` where there are none at all.
pub(super) fn degraded(facts: &Facts, workload: usize) -> Option<u64> {
    facts.results.resilience.as_ref()?.degraded.get(workload).copied()
}

/// Those, as a share of what was offered.
pub(super) fn degraded_share(facts: &Facts, workload: usize) -> Option<f64> {
    facts::ratio(degraded(facts, workload)? as f64, facts.results.workloads[workload].offered as f64)
}
