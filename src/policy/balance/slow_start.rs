//! Envoy's slow start: a replica that has just come gets a part of its weight, which grows with its age.

use crate::base::time::Span;
use crate::base::units::Share;

/// The knobs of slow start; the default is Envoy's, which has none for the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStartSettings {
    /// After so long it has all of its weight; not zero.
    pub window: Span,
    /// Above zero: 1 grows linearly, more grows faster at first.
    pub aggression: f64,
    /// It never has less than this part.
    pub min_weight: Share,
}

impl SlowStartSettings {
    /// The part of its weight that a replica of this age has: `max(min, (max(age, 1 s) / window)^(1/aggression))`.
    pub fn share(&self, age: Span) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let time = age.max(Span::from_secs(1)).as_secs_f64() / self.window.as_secs_f64();
        let grown = if self.aggression == 1.0 { time } else { libm::pow(time, 1.0 / self.aggression) };
        grown.max(self.min_weight.as_f64()).min(1.0)
    }
}
