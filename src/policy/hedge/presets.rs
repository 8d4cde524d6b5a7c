//! Hedging under the names under which it is known, and its trace.

use std::fmt;
use std::str::FromStr;

use super::{AnyHedge, Hedge, HedgeDelay, HedgeSettings};
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Share};
use crate::policy::Outcomes;
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::retry::RetryThrottleSettings;
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
        parameters: || parameters(&GRPC, GRPC_NAMES),
        trace: |set| traced(GRPC, GRPC_NAMES, set),
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
        parameters: || parameters(&tail_at_scale(), [""; 5]),
        trace: |set| traced(tail_at_scale(), [""; 5], set),
    },
];

const GRPC: HedgeSettings = HedgeSettings {
    after: HedgeDelay::Fixed(Span::ZERO),
    attempts: 5,
    on: Outcomes::UNAVAILABLE,
    // The proposal's example, as for its retries.
    throttle: Some(RetryThrottleSettings { max_tokens: 10, token_thousandths: 100 }),
};

/// What gRPC calls our parameters.
const GRPC_NAMES: [&str; 5] = ["hedgingDelay (ms)", "maxAttempts", "nonFatalStatusCodes", "maxTokens", "tokenRatio"];

fn tail_at_scale() -> HedgeSettings {
    HedgeSettings { after: HedgeDelay::Quantile(percent(95.0)), attempts: 2, on: Outcomes::ALL, throttle: None }
}

const TRACE_INPUT: &str = r#"[
  { "answered_ms": 20, "times": 99 },
  { "answered_ms": 300 },
  { "op": "fail", "times": 2 },
  { "op": "call" }
]
`answered_ms` is how long calls took that were answered well, `times` in a row; `fail` are attempts that failed in a way that
another one may heal. The answer is how long the next call waits before its hedge, and when each of its attempts would start
if nothing answered; and, where failures stop hedges, how many tokens are left."#;

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

fn parameters(settings: &HedgeSettings, theirs: [&'static str; 5]) -> Vec<Parameter> {
    let [after, attempts, on, max_tokens, token_ratio] = theirs;
    let row = |name, theirs, default, about: &str| Parameter { name, theirs, default, about: about.to_owned() };
    let mut rows = vec![
        row(
            "after",
            after,
            settings.after.value(),
            "How long the latest attempt goes without an answer before the next one is sent.",
        ),
        row("attempts", attempts, settings.attempts.value(), "Attempts at most, the first included."),
        row(
            "on",
            on,
            settings.on.value(),
            "Failures that another attempt may heal: it is sent at once. Any other ends the call.",
        ),
    ];
    if let Some(throttle) = settings.throttle {
        let ratio = f64::from(throttle.token_thousandths) / 1e3;
        rows.push(row(
            "throttle.max_tokens",
            max_tokens,
            throttle.max_tokens.value(),
            "The most tokens; a failure takes one.",
        ));
        rows.push(row("throttle.token_ratio", token_ratio, Value::Number(ratio), "What a success brings."));
    }
    rows
}

fn traced(
    mut settings: HedgeSettings,
    theirs: [&'static str; 5],
    set: &[Assignment<'_>],
) -> Result<Box<dyn Trace>, Misfit> {
    let rows = parameters(&settings, theirs);
    for (name, text) in set {
        let ours = rows.iter().find(|row| row.name == *name).map(|row| (row.name, None));
        let their = || rows.iter().find(|row| !row.theirs.is_empty() && row.their_name() == *name);
        let found = ours.or_else(|| their().map(|row| (row.name, Some(row.unit()))));
        let (name, unit) = found.ok_or_else(|| unknown(name, &rows))?;
        match (name, &mut settings.throttle) {
            ("after", _) => settings.after = read(text, unit)?,
            ("attempts", _) => settings.attempts = read(text, unit)?,
            ("throttle.max_tokens", Some(throttle)) => throttle.max_tokens = read(text, unit)?,
            ("throttle.token_ratio", Some(throttle)) => {
                throttle.token_thousandths = (read::<f64>(text, unit)? * 1e3 + 1e-6) as u32;
            }
            _ => settings.on = read(text, unit)?,
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
        let times = step.get("times").and_then(Datum::count).unwrap_or(1);
        if let Some(latency) = step.millis("answered_ms") {
            (0..times).for_each(|_| self.hedge.answered(latency));
        } else {
            match step.get("op").and_then(Datum::text) {
                Some("call") => {}
                Some("fail") => (0..times).for_each(|_| self.hedge.failed()),
                _ => return Err("a step has `answered_ms`, or its `op` is `call` or `fail`".to_owned()),
            }
        }
        let mut row = match self.hedge.delay() {
            None => vec![("delay_ms", Datum::Missing)],
            Some(delay) => {
                let millis = delay.as_secs_f64() * 1e3;
                let attempts = if self.hedge.permits() { self.attempts } else { 1 };
                let starts = (0..attempts).map(|n| Datum::Number(millis * f64::from(n))).collect();
                vec![("delay_ms", millis.into()), ("attempt_start_ms", Datum::List(starts))]
            }
        };
        if let AnyHedge::Throttled(hedge) = &self.hedge {
            row.push(("tokens", hedge.tokens().into()));
        }
        Ok(row)
    }
}
