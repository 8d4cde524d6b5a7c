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
}

impl TraceSettings {
    /// Nothing is recorded.
    pub const NONE: TraceSettings = TraceSettings { sample: 0, slowest: 0, failed: 0 };

    /// Whether nothing is recorded.
    pub fn is_none(self) -> bool {
        self == TraceSettings::NONE
    }
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { sample: 100, slowest: 10, failed: 10 }
    }
}
