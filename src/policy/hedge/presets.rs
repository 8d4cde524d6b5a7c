//! Hedging under the names under which it is known, and its trace.

use std::fmt;
use std::str::FromStr;

use super::{AnyHedge, Hedge, HedgeDelay, HedgeSettings};
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Share};
use crate::policy::Outcomes;
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Parameter, Setting, Unit, Value, percent, read, unknown};
use crate::policy::trace::{Datum, Row, Trace};

/// Every hedging that has a name.
pub const PRESETS: &[Preset] = &[
    Preset {
        kind: Kind::Hedge,
        name: "grpc",
        about: "Sends up to five attempts, at once unless a delay is set; the first good answer wins.",
        rules: &[
            "There is no default policy; without a delay all attempts go at once.",
            "An attempt that fails with a status that is not fatal sends the next one now; a fatal one ends the call.",
            "The first good answer cancels the others.",
            "The same tokens as for retries throttle it: while at most half are left, no further attempt is sent.",
        ],
        source: "grpc/proposal A6-client-retries.md@1fd061ad",
        trace_input: TRACE_INPUT,
        parameters: || parameters(&GRPC, ["hedgingDelay (ms)", "maxAttempts", "nonFatalStatusCodes"]),
        trace: |set| traced(GRPC, set),
    },
    Preset {
        kind: Kind::Hedge,
        name: "tail-at-scale",
        about: "Sends a second attempt when the first takes longer than 95 of 100 did.",
        rules: &[
            "The percentile is that of the last 1000 calls that were answered well, worked out anew after every hundredth.",
            "It makes about 5% more requests, and cuts off the tail that has its cause in one replica.",
        ],
        source: "J. Dean and L. A. Barroso, The tail at scale, CACM 56(2), 2013",
        trace_input: TRACE_INPUT,
        parameters: || parameters(&tail_at_scale(), ["", "", ""]),
        trace: |set| traced(tail_at_scale(), set),
    },
];

const GRPC: HedgeSettings =
    HedgeSettings { after: HedgeDelay::Fixed(Span::ZERO), attempts: 5, on: Outcomes::UNAVAILABLE };

fn tail_at_scale() -> HedgeSettings {
    HedgeSettings { after: HedgeDelay::Quantile(percent(95.0)), attempts: 2, on: Outcomes::ALL }
}

const TRACE_INPUT: &str = r#"[
  { "answered_ms": 20, "times": 99 },
  { "answered_ms": 300 },
  { "op": "call" }
]
`answered_ms` is how long calls took that were answered well, `times` in a row; the answer is how long the next call waits
before its hedge, and when each of its attempts would start if nothing answered."#;

impl HedgeSettings {
    /// The settings that are known as `name`.
    pub fn preset(name: &str) -> Option<HedgeSettings> {
        match name {
            "grpc" => Some(GRPC),
            "tail-at-scale" => Some(tail_at_scale()),
            _ => None,
        }
    }
}

impl fmt::Display for HedgeDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HedgeDelay::Fixed(delay) => write!(f, "{delay}"),
            HedgeDelay::Quantile(share) => write!(f, "p{}", share.to_string().trim_end_matches('%')),
        }
    }
}

impl FromStr for HedgeDelay {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<HedgeDelay, ParseError> {
        let Some(number) = text.strip_prefix('p') else { return text.parse().map(HedgeDelay::Fixed) };
        let percent = number.parse::<Number>().map(Number::as_f64).unwrap_or(f64::NAN);
        let share = Share::new(percent / 100.0).filter(|share| *share > Share::ZERO && *share < Share::ONE);
        share.map(HedgeDelay::Quantile).ok_or_else(|| {
            ParseError::new(0..text.len(), format!("`{text}` is no percentile"))
                .hint("write for example `p95`: between 0 and 100, both left out")
        })
    }
}

impl Setting for HedgeDelay {
    const TAKES: &'static str = "a length of time or a percentile such as `p95`";

    fn value(&self) -> Value {
        Value::HedgeDelay(*self)
    }

    fn from_value(value: &Value) -> Option<HedgeDelay> {
        match value {
            Value::HedgeDelay(delay) => Some(*delay),
            Value::Span(span) => Some(HedgeDelay::Fixed(*span)),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<HedgeDelay, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, unit: Unit) -> Option<HedgeDelay> {
        Span::from_number(number, unit).map(HedgeDelay::Fixed)
    }
}

fn parameters(settings: &HedgeSettings, theirs: [&'static str; 3]) -> Vec<Parameter> {
    let [after, attempts, on] = theirs;
    vec![
        Parameter {
            name: "after",
            theirs: after,
            default: settings.after.value(),
            about: "How long the latest attempt goes without an answer before the next one is sent.".to_owned(),
        },
        Parameter {
            name: "attempts",
            theirs: attempts,
            default: settings.attempts.value(),
            about: "Attempts at most, the first included.".to_owned(),
        },
        Parameter {
            name: "on",
            theirs: on,
            default: settings.on.value(),
            about: "Failures that another attempt may heal: it is sent at once. Any other ends the call.".to_owned(),
        },
    ]
}

fn traced(mut settings: HedgeSettings, set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    for (name, text) in set {
        match *name {
            "after" => settings.after = read(text, None)?,
            "hedgingDelay" => settings.after = read(text, Some(Unit::Millis))?,
            "attempts" | "maxAttempts" => settings.attempts = read(text, None)?,
            "on" | "nonFatalStatusCodes" => settings.on = read(text, None)?,
            name => {
                return Err(unknown(
                    name,
                    &parameters(&settings, ["hedgingDelay (ms)", "maxAttempts", "nonFatalStatusCodes"]),
                ));
            }
        }
    }
    Ok(Box::new(HedgeTrace { hedge: AnyHedge::from_settings(&settings), attempts: settings.attempts }))
}

struct HedgeTrace {
    hedge: AnyHedge,
    attempts: u32,
}

impl Trace for HedgeTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        if let Some(latency) = step.millis("answered_ms") {
            let times = step.get("times").and_then(Datum::count).unwrap_or(1);
            (0..times).for_each(|_| self.hedge.answered(latency));
        } else if step.get("op").and_then(Datum::text) != Some("call") {
            return Err("a step has `answered_ms`, or is `{ \"op\": \"call\" }`".to_owned());
        }
        let Some(delay) = self.hedge.delay() else { return Ok(vec![("delay_ms", Datum::Missing)]) };
        let millis = delay.as_secs_f64() * 1e3;
        let starts = (0..self.attempts).map(|n| Datum::Number(millis * f64::from(n))).collect();
        Ok(vec![("delay_ms", millis.into()), ("attempt_start_ms", Datum::List(starts))])
    }
}
