//! The parameters of retries by name, and their trace.

use crate::base::time::{Span, Time};
use crate::base::units::ParseError;
use crate::policy::Outcome;
use crate::policy::registry::Assignment;
use crate::policy::settings::{Misfit, Parameter, Setting, Value, read, unknown};
use crate::policy::trace::{self, Datum, Row, Trace};

use super::{Failure, Pushback, PushbackRule, Quota, Retry, RetrySettings, StandardRetry};

/// A row of a preset: our name, the library's, and what it means.
pub(super) type Named = (&'static str, &'static str, &'static str);

impl Setting for PushbackRule {
    const TAKES: &'static str = "\"ignore\", \"obey\" or \"clamp\"";

    fn value(&self) -> Value {
        Value::Word(match self {
            PushbackRule::Ignore => "ignore",
            PushbackRule::Obey => "obey",
            PushbackRule::Clamp => "clamp",
        })
    }

    fn from_value(value: &Value) -> Option<PushbackRule> {
        if let Value::Word(word) = value { PushbackRule::parse(word).ok() } else { None }
    }

    fn parse(text: &str) -> Result<PushbackRule, ParseError> {
        match text {
            "ignore" => Ok(PushbackRule::Ignore),
            "obey" => Ok(PushbackRule::Obey),
            "clamp" => Ok(PushbackRule::Clamp),
            _ => Err(ParseError::new(0..text.len(), format!("expected {}, found `{text}`", Self::TAKES))),
        }
    }

    fn from_number(_number: f64, _unit: crate::policy::settings::Unit) -> Option<PushbackRule> {
        None
    }
}

/// Tokens in thousandths, as a number of tokens.
struct Thousandths<'a>(&'a mut u32);

/// Does something with the field that a name stands for.
fn with<T>(settings: &mut RetrySettings, name: &str, act: &mut impl Act<T>) -> Option<T> {
    match name {
        "attempts" => return Some(act.on(&mut settings.attempts)),
        "on" => return Some(act.on(&mut settings.on)),
        "backoff" => return Some(act.on(&mut settings.backoff)),
        "rejected_backoff" => return Some(act.on(&mut settings.rejected_backoff)),
        "jitter" => return Some(act.on(&mut settings.jitter)),
        "pushback" => return Some(act.on(&mut settings.pushback)),
        "adaptive" => return Some(act.on(&mut settings.adaptive)),
        "transparent" => return Some(act.on(&mut settings.transparent)),
        _ => {}
    }
    Some(match (settings.quota.as_mut()?, name) {
        (Quota::Budget(budget), "budget.ratio") => act.on(&mut budget.ratio),
        (Quota::Budget(budget), "budget.burst") => act.on(&mut budget.burst),
        (Quota::Throttle(throttle), "throttle.max_tokens") => act.on(&mut throttle.max_tokens),
        (Quota::Throttle(throttle), "throttle.token_ratio") => {
            act.on_thousandths(Thousandths(&mut throttle.token_thousandths))
        }
        (Quota::Rolling(budget), "budget.ratio") => act.on(&mut budget.ratio),
        (Quota::Rolling(budget), "budget.min_per_second") => act.on(&mut budget.min_per_second),
        (Quota::Rolling(budget), "budget.ttl") => act.on(&mut budget.ttl),
        (Quota::Rolling(budget), "budget.per_call") => act.on(&mut budget.per_call),
        (Quota::Active(budget), "budget.ratio") => act.on(&mut budget.ratio),
        (Quota::Active(budget), "budget.min_retries") => act.on(&mut budget.min),
        (Quota::Aws(quota), "quota.capacity") => act.on(&mut quota.capacity),
        (Quota::Aws(quota), "quota.cost") => act.on(&mut quota.cost),
        (Quota::Aws(quota), "quota.timeout_cost") => act.on(&mut quota.timeout_cost),
        (Quota::Aws(quota), "quota.rejected_cost") => act.on(&mut quota.rejected_cost),
        (Quota::Aws(quota), "quota.reward") => act.on(&mut quota.reward),
        _ => return None,
    })
}

trait Act<T> {
    fn on<S: Setting>(&mut self, field: &mut S) -> T;
    fn on_thousandths(&mut self, field: Thousandths<'_>) -> T;
}

struct Get;

impl Act<Value> for Get {
    fn on<S: Setting>(&mut self, field: &mut S) -> Value {
        field.value()
    }

    fn on_thousandths(&mut self, field: Thousandths<'_>) -> Value {
        Value::Number(f64::from(*field.0) / 1e3)
    }
}

struct Read<'a> {
    text: &'a str,
    unit: Option<crate::policy::settings::Unit>,
}

impl Act<Result<(), Misfit>> for Read<'_> {
    fn on<S: Setting>(&mut self, field: &mut S) -> Result<(), Misfit> {
        *field = read(self.text, self.unit)?;
        Ok(())
    }

    fn on_thousandths(&mut self, field: Thousandths<'_>) -> Result<(), Misfit> {
        *field.0 = (read::<f64>(self.text, self.unit)? * 1e3 + 1e-6) as u32;
        Ok(())
    }
}

impl RetrySettings {
    /// A parameter by name; those of its quota by the table in which they stand, as in `budget.ratio`.
    pub fn get(&self, name: &str) -> Option<Value> {
        with(&mut self.clone(), name, &mut Get)
    }
}

/// The parameters of a preset.
pub(super) fn parameters(settings: &RetrySettings, rows: &[Named]) -> Vec<Parameter> {
    let row = |(name, theirs, about): &Named| {
        let default = settings.get(name).expect("a preset names parameters that it has");
        Parameter { name, theirs, default, about: (*about).to_owned() }
    };
    rows.iter().map(row).collect()
}

/// A retry policy at its start that can be stepped.
pub(super) fn traced(
    mut settings: RetrySettings,
    rows: &[Named],
    set: &[Assignment<'_>],
) -> Result<Box<dyn Trace>, Misfit> {
    let parameters = parameters(&settings, rows);
    for (name, text) in set {
        let ours = parameters.iter().find(|it| it.name == *name).map(|it| (it.name, None));
        let theirs = || parameters.iter().find(|it| !it.theirs.is_empty() && it.their_name() == *name);
        let found = ours.or_else(|| theirs().map(|it| (it.name, Some(it.unit()))));
        let (name, unit) = found.ok_or_else(|| unknown(name, &parameters))?;
        with(&mut settings, name, &mut Read { text, unit }).expect("a preset names parameters that it has")?;
    }
    let (least, _) = settings.attempts_bounds;
    if settings.attempts < least {
        let text = settings.attempts.to_string();
        let fault = ParseError::new(0..text.len(), format!("there are at least {least} attempts"));
        return Err(Misfit::Text(fault.hint("leave the retries out instead")));
    }
    Ok(Box::new(RetryTrace {
        retry: StandardRetry::new(&settings),
        now: Time::ZERO,
        attempt: 0,
        before: None,
        pushed_back_at: 0,
    }))
}

/// What a step of a trace of retries looks like.
pub(super) const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "op": "call" },
  { "t_ms": 20, "op": "fail", "outcome": "rejected" },
  { "t_ms": 140, "op": "fail", "outcome": "timeout", "u": 0.5 },
  { "t_ms": 400, "op": "success" }
]
`call` begins a call and its first attempt; `fail` is how that ended, and the answer is the delay before the next one, or
that there is none; after a delay the next attempt is under way. `success` ends the call. Outcomes are rejected, refused,
timeout, error. `u` between 0 and 1 stands for chance (0.5 if absent); `delay_ms_min` and `delay_ms_max` are what chance can
make of it. `pushback_ms` is what the server wishes. `deposit` and `withdraw` try the budget alone."#;

struct RetryTrace {
    retry: StandardRetry,
    now: Time,
    attempt: u32,
    before: Option<Outcome>,
    pushed_back_at: u32,
}

impl RetryTrace {
    fn begin(&mut self) -> Span {
        let wait = self.retry.call_started(self.now);
        (self.attempt, self.before, self.pushed_back_at) = (1, None, 0);
        self.retry.attempt_started(self.now, 1);
        wait
    }

    fn fail(&mut self, outcome: Outcome, step: &Datum, row: &mut Row) {
        let pushback = step.get("pushback_ms").or(step.get("grpc-retry-pushback-ms")).and_then(Datum::number);
        let pushback = pushback.map(|ms| match ms < 0.0 {
            true => Pushback::Never,
            false => Pushback::After(Span::from_secs_f64(ms / 1e3)),
        });
        let failure = Failure { attempt: self.attempt, outcome, pushback, pushed_back_at: self.pushed_back_at };
        self.retry.attempt_ended(self.now, self.attempt, outcome, self.before);
        let bound = |u: f64| self.retry.clone().next_delay(self.now, failure, &|_| u);
        let bounds = (bound(0.0), bound(1.0));
        let fixed = step.get("u").and_then(Datum::number);
        let chance = |_: u32| fixed.unwrap_or(0.5);
        match self.retry.next_delay(self.now, failure, &chance) {
            Some(delay) => {
                let millis = |delay: Span| Datum::Number(delay.as_secs_f64() * 1e3);
                row.push(("delay_ms", millis(delay)));
                row.push(("delay_ms_min", millis(bounds.0.unwrap_or(delay))));
                row.push(("delay_ms_max", millis(bounds.1.unwrap_or(delay))));
                if pushback.is_some() {
                    self.pushed_back_at = self.attempt;
                }
                self.before = Some(outcome);
                self.attempt += 1;
                self.now = self.now + delay;
                self.retry.attempt_started(self.now, self.attempt);
            }
            None => {
                row.push(("stop", true.into()));
                self.attempt = 0;
            }
        }
    }

    /// A call whose single failed attempt asks for a retry: whether it is granted.
    fn withdraw(&mut self) -> bool {
        let failure = Failure::new(1, Outcome::Refused);
        self.retry.next_delay(self.now, failure, &|_| 0.5).is_some()
    }
}

impl Trace for RetryTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        let mut row = Row::new();
        let op =
            step.get("op").and_then(Datum::text).ok_or("a step has an `op`: call, fail, success, deposit, withdraw")?;
        let times = step.get("times").and_then(Datum::count).unwrap_or(1);
        if !matches!(op, "fail" | "success") && step.get("outcome").is_some() {
            return Err(format!(
                "`{op}` has no `outcome`: how an attempt ends is a step of its own, `fail` or `success`"
            ));
        }
        match op {
            "call" => {
                let wait = self.begin();
                row.push(("wait_ms", Datum::Number(wait.as_secs_f64() * 1e3)));
            }
            "fail" => {
                if self.attempt == 0 {
                    self.begin();
                }
                let outcome = step.get("outcome").and_then(Datum::text).unwrap_or("refused");
                self.fail(trace::outcome(outcome)?, step, &mut row);
            }
            "success" => {
                if self.attempt == 0 {
                    self.begin();
                }
                self.retry.attempt_ended(self.now, self.attempt, Outcome::Ok, self.before);
                self.attempt = 0;
            }
            "give_up" => self.attempt = 0,
            "deposit" => (0..times).for_each(|_| {
                self.retry.call_started(self.now);
            }),
            "attempt" => (0..times).for_each(|_| self.retry.attempt_started(self.now, 1)),
            "withdraw" => {
                let granted: u32 = (0..times).map(|_| u32::from(self.withdraw())).sum();
                row.push(("granted", granted.into()));
            }
            other => {
                return Err(format!("unknown op \"{other}\": it is one of call, fail, success, deposit, withdraw"));
            }
        }
        row.push(("attempt", self.attempt.into()));
        row.push(("attempts_max", self.retry.attempts().into()));
        if let Some(available) = self.retry.available(self.now) {
            row.push(("available", available.into()));
        }
        if let Some(rate) = self.retry.rate() {
            row.push(("rate_per_s", rate.into()));
        }
        Ok(row)
    }
}
