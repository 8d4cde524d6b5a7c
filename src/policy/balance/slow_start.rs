//! Envoy's slow start: a replica that has just come gets a part of its weight, which grows with its age.

use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Settings, percent, settings};
use crate::policy::trace::{Datum, Row, Trace};

settings! {
    /// The knobs of slow start; the default is Envoy's, which has none for the window.
    pub struct SlowStartSettings {
        /// After so long it has all of its weight; not zero. Envoy has no default: here it is a minute.
        window: Span = Span::from_secs(60), "slow_start_window (s)";
        /// Above zero: 1 grows linearly, more grows faster at first.
        aggression: f64 = 1.0, "aggression";
        /// It never has less than this part.
        min_weight: Share = percent(10.0), "min_weight_percent (%)";
    }
}

/// Every slow start that has a name.
pub const SLOW_START_PRESETS: &[Preset] = &[Preset {
    kind: Kind::SlowStart,
    name: "envoy",
    about: "A replica that has just come gets a tenth of its weight, and more with its age until the window is over.",
    rules: &[
        "weight * max(min_weight_percent, (max(age, 1 s) / window)^(1 / aggression)).",
        "Off unless a window is set; round robin and least request look at it.",
    ],
    source: "envoyproxy/envoy docs: upstream/load_balancing/slow_start; EdfLoadBalancerBase::applySlowStartFactor",
    trace_input: TRACE_INPUT,
    parameters: SlowStartSettings::parameters,
    trace: traced,
}];

const TRACE_INPUT: &str = r#"[
  { "t_ms": 0 },
  { "t_ms": 15000 },
  { "t_ms": 60000 }
]
Each step is a moment after a replica has come; the answer is the part of its weight that it has then."#;

fn traced(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = SlowStartSettings::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    Ok(Box::new(settings))
}

impl Trace for SlowStartSettings {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        let age = step.millis("t_ms").ok_or("a step has a moment, such as `\"t_ms\": 15000`")?;
        Ok(vec![("weight_share", Datum::Number(self.share(age)))])
    }
}

impl SlowStartSettings {
    /// The settings that the proxy `name` ships with.
    pub fn preset(name: &str) -> Option<SlowStartSettings> {
        (name == SLOW_START_PRESETS[0].name).then(SlowStartSettings::default)
    }

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
