//! Which requests are traced, and how many of their traces are kept.

/// How many traces are kept. All zero: nothing is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceSettings {
    /// Of each workload, spread evenly by count: at most so many.
    pub sample: u32,
    /// The slowest of each workload.
    pub slowest: u32,
    /// The first of each workload that failed.
    pub failed: u32,
    /// Whether the slowest and those that failed are those of all requests, for which `brownout run` runs a second time
    /// where they were not recorded.
    pub exact: bool,
}

impl TraceSettings {
    /// Nothing is recorded.
    pub const NONE: TraceSettings = TraceSettings { sample: 0, slowest: 0, failed: 0, exact: false };

    /// Whether nothing is recorded.
    pub fn is_none(self) -> bool {
        self.sample == 0 && self.slowest == 0 && self.failed == 0
    }
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { sample: 100, slowest: 10, failed: 10, exact: true }
    }
}
