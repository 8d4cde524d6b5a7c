//! What a built-in breaker has besides its rules: settings of its own, and a trace.

use crate::base::time::{Span, Time};
use crate::policy::Outcomes;
use crate::policy::registry::Assignment;
use crate::policy::settings::{Misfit, Parameter, Setting, Settings, Value};
use crate::policy::trace::{self, Datum, Row, Trace};

use super::{Breaker, Sees, Verdict};

/// A built-in breaker.
pub trait OwnBreaker<S>: Breaker + Sized + 'static {
    /// Whether the library puts it before each attempt or before the whole call.
    const SEES: Sees;

    /// Closed, at the start of a process.
    fn new(settings: &S) -> Self;

    /// Puts it into a state by hand; `false` if it cannot be put there.
    fn put(&mut self, _now: Time, _state: &str) -> bool {
        false
    }

    /// Does what its own timers do up to `now`.
    fn pass(&mut self, _now: Time) {}

    /// What the library calls the state in which it is.
    fn state_name(&self) -> &'static str {
        self.state().name()
    }

    /// Takes counts as they stand at a moment, for breakers that judge at moments and not with results; `false` for all
    /// others.
    fn judge(&mut self, _now: Time, _calls: u32, _failed: u32) -> bool {
        false
    }

    /// Calls and failures that it holds, for those that tell.
    fn counts(&self) -> Option<(u32, u32)> {
        None
    }
}

/// What a step of a breaker's trace looks like.
pub(super) const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "op": "call", "outcome": "error", "duration_ms": 20 },
  { "t_ms": 5, "calls": { "success": 40, "error": 60 } },
  { "t_ms": 10, "op": "acquire" },
  { "t_ms": 90, "op": "result", "outcome": "success", "duration_ms": 80 },
  { "t_ms": 61000, "op": "observe" }
]
`call` asks for a permit and has its result at once; `acquire` only asks, `result` is that of an earlier one, `release`
gives a permit back, `observe` lets time pass, `calls` are many at once. Outcomes are those of calls: success, error,
timeout, rejected, refused, or ignored."#;

/// Those of the rules, and those that all breakers have.
pub(super) fn parameters<S: Settings, B: OwnBreaker<S>>() -> Vec<Parameter> {
    let mut parameters = S::parameters();
    parameters.push(Parameter {
        name: "ignore",
        theirs: "",
        default: Value::Outcomes(Outcomes::NONE),
        about: "Failures that count as nothing.".to_owned(),
    });
    parameters.push(Parameter {
        name: "sees",
        theirs: "",
        default: Value::Word(match B::SEES {
            Sees::Attempts => "attempts",
            Sees::Calls => "calls",
        }),
        about: "Whether it permits and counts each attempt, or the call with all its attempts.".to_owned(),
    });
    parameters
}

/// A breaker at its start that can be stepped.
pub(super) fn traced<S: Settings, B: OwnBreaker<S>>(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let (mut settings, mut ignore) = (S::default(), Outcomes::NONE);
    for (name, text) in set {
        match *name {
            "ignore" => ignore = Outcomes::parse(text).map_err(Misfit::Text)?,
            // Without retries there is no difference.
            "sees" => {}
            name => settings.read(name, text)?,
        }
    }
    let breaker = B::new(&settings);
    Ok(Box::new(BreakerTrace { breaker, ignore, now: START, settings: std::marker::PhantomData::<fn(S)> }))
}

/// When traces start: late enough that nothing has to have happened before the start of time, and at a full second.
const START: Time = Time::from_nanos(86_400_000_000_000);

struct BreakerTrace<S, B> {
    breaker: B,
    ignore: Outcomes,
    now: Time,
    settings: std::marker::PhantomData<fn(S)>,
}

impl<S: 'static, B: OwnBreaker<S>> BreakerTrace<S, B> {
    fn call(&mut self, outcome: &str, duration: Span) -> Result<bool, String> {
        let verdict = Verdict::of(trace::outcome(outcome)?, self.ignore);
        let permitted = self.breaker.permit(self.now);
        if permitted {
            self.breaker.record(self.now, verdict, duration);
        }
        Ok(permitted)
    }

    fn result(&mut self, outcome: &str, duration: Span) -> Result<(), String> {
        let verdict = Verdict::of(trace::outcome(outcome)?, self.ignore);
        self.breaker.record(self.now, verdict, duration);
        Ok(())
    }

    /// Several calls at once: how many were permitted.
    fn calls(&mut self, calls: &Datum) -> Result<u32, String> {
        let mut permitted = 0;
        for outcome in calls.items() {
            permitted += u32::from(self.call(outcome.text().ok_or("`calls` lists outcomes")?, Span::ZERO)?);
        }
        for (outcome, count) in calls.entries() {
            for _ in 0..count.count().ok_or("`calls` says how many of each outcome")? {
                permitted += u32::from(self.call(outcome, Span::ZERO)?);
            }
        }
        Ok(permitted)
    }

    fn op(&mut self, op: &str, step: &Datum) -> Result<Option<bool>, String> {
        let duration = step.millis("duration_ms").unwrap_or(Span::ZERO);
        let outcome = || step.get("outcome").and_then(Datum::text).ok_or(format!("`{op}` needs an `outcome`"));
        match op {
            "call" => return self.call(outcome()?, duration).map(Some),
            "acquire" => return Ok(Some(self.breaker.permit(self.now))),
            "result" => self.result(outcome()?, duration)?,
            "release" => self.breaker.record(self.now, Verdict::Ignored, Span::ZERO),
            "observe" => self.breaker.pass(self.now),
            "force_open" | "put" => {
                let state = step.get("state").and_then(Datum::text).unwrap_or("OPEN");
                if !self.breaker.put(self.now, state) {
                    return Err(format!("this breaker cannot be put into {state} by hand"));
                }
            }
            other => return Err(format!("unknown op \"{other}\": it is one of {OPS}")),
        }
        Ok(None)
    }
}

const OPS: &str = "call, acquire, result, release, observe, put";

impl<S: 'static, B: OwnBreaker<S>> Trace for BreakerTrace<S, B> {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(START).unwrap_or(self.now).max(self.now);
        let mut row = Row::new();
        if let Some(op) = step.get("op") {
            let permitted = self.op(op.text().ok_or("`op` is a text")?, step)?;
            row.extend(permitted.map(|permitted| ("permitted", permitted.into())));
        } else if let Some(calls) = step.get("calls") {
            row.push(("permitted", self.calls(calls)?.into()));
            if let Some(wait) = step.millis("then_wait_ms") {
                self.now = self.now + wait;
                self.breaker.pass(self.now);
            }
        } else if let Some(result) = step.get("record").and_then(Datum::text) {
            self.result(result, Span::ZERO)?;
        } else if step.get("observe").is_some() {
            self.breaker.pass(self.now);
        } else if step.get("attempt").is_some() {
            row.push(("permitted", self.breaker.permit(self.now).into()));
        } else if let Some(probe) = step.get("probe").and_then(Datum::text) {
            self.result(probe, Span::ZERO)?;
        } else if let Some(counts) = step.get("health_snapshot") {
            let count = |name| counts.get(name).and_then(Datum::count).ok_or("a snapshot has `total` and `errors`");
            if !self.breaker.judge(self.now, count("total")?, count("errors")?) {
                return Err("this breaker judges with every result, not at snapshots".to_owned());
            }
        } else if let Some(outcome) = step.get("call").and_then(Datum::text) {
            row.push(("permitted", self.call(outcome, Span::ZERO)?.into()));
        } else {
            return Err(format!("a step has an `op`, one of {OPS}, or `calls`"));
        }
        row.push(("state", self.breaker.state_name().into()));
        if let Some((calls, failed)) = self.breaker.counts() {
            row.push(("calls", calls.into()));
            row.push(("failed", failed.into()));
        }
        Ok(row)
    }
}
