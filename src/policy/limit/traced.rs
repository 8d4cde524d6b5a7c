//! The trace of a limit: what it makes of requests that end, without a server.

use crate::base::random::Stream;
use crate::base::time::Time;
use crate::policy::Outcome;
use crate::policy::registry::Assignment;
use crate::policy::settings::{Misfit, Settings};
use crate::policy::trace::{self, Datum, Row, Trace};

use super::{AnyLimiter, Ended, LimitSettings, Limiter, Newcomer};

/// What a step of the trace of a limit that counts looks like.
pub(super) const TRACE_INPUT: &str = r#"[
  { "t_ms": 1000, "rtt_ms": 20, "inflight": 20, "times": 60 },
  { "t_ms": 1100, "rtt_ms": 80, "inflight": 20, "times": 10 },
  { "t_ms": 1200, "rtt_ms": 5000, "inflight": 20, "outcome": "timeout" },
  { "t_ms": 2500, "op": "observe" }
]
Requests that took `rtt_ms`, and with which `inflight` were in when they came, end now, `times` in a row, as an `outcome`
(success if absent); `observe` lets time pass. The answer is how many may be in."#;

/// A limit at its start that can be stepped.
pub(super) fn traced<S: Settings + Into<LimitSettings>>(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = S::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    let limiter = AnyLimiter::from_settings(&settings.into(), Time::ZERO, Stream::new(1, "trace"));
    Ok(Box::new(LimitTrace { limiter, now: Time::ZERO }))
}

struct LimitTrace {
    limiter: AnyLimiter,
    now: Time,
}

impl Trace for LimitTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        // One who comes shows it what time it is.
        self.limiter.admit(self.now, &Newcomer { in_flight: u32::MAX, priority: 4, uniform: 0.5 });
        let outcome = step.get("outcome").and_then(Datum::text).map(trace::outcome).transpose()?;
        let rtt = step.millis("rtt_ms");
        let is_timed = self.limiter.limit().is_some();
        if rtt.is_some() || (outcome.is_some() && !is_timed) {
            let limit = self.limiter.limit().unwrap_or(0);
            let ended = Ended {
                rtt: rtt.unwrap_or_default(),
                in_flight: step.get("inflight").and_then(Datum::count).unwrap_or(limit),
                priority: 4,
                outcome: outcome.unwrap_or(Outcome::Ok),
            };
            let times = step.get("times").and_then(Datum::count).unwrap_or(1);
            (0..times).for_each(|_| self.limiter.ended(self.now, &ended));
        } else if step.get("op").and_then(Datum::text) != Some("observe") {
            let what = if is_timed { "`rtt_ms`" } else { "`outcome`" };
            return Err(format!("a step has {what}, or is `{{ \"op\": \"observe\" }}`"));
        }
        let mut row = Row::new();
        if let Some(limit) = self.limiter.limit() {
            row.push(("limit", limit.into()));
        }
        if let AnyLimiter::Admission(admission) = &self.limiter {
            row.push(("reject_probability", admission.probability().into()));
        }
        Ok(row)
    }
}
