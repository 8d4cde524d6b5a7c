//! resilience4j's `AtomicRateLimiter` (af9e7c97): time is cut into cycles from the creation of the limiter, and each brings
//! so many permits; what is left over is lost. A call may take one of a later cycle beforehand, so that there are fewer
//! than none, and waits until then. One that would have to wait for longer than its timeout takes none, but learns it only
//! when the timeout is over: the library puts its thread to sleep for all of it.

use crate::base::time::{Span, Time};
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Settings, settings};
use crate::policy::trace::{Datum, Row, Trace};

use super::{RateLimitSettings, RateLimiter, Turn};

settings! {
    /// The knobs of [`Cycles`]; the default is the library's.
    pub struct CyclesSettings {
        /// Calls in a cycle; at least 1.
        limit: u32 = 50, "limitForPeriod";
        /// How long a cycle is; not zero.
        period: Span = Span::from_nanos(500), "limitRefreshPeriod (ns)";
        /// How long a call waits at most.
        timeout: Span = Span::from_secs(5), "timeoutDuration (ns)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::RateLimit,
    name: "resilience4j",
    about: "So many calls in each cycle of time; a call takes a permit of a later cycle beforehand, and waits for it.",
    rules: &[
        "Cycles count from the creation of the limiter, and what is left over of one is lost.",
        "A call that would have to wait for longer than its timeout takes no permit, but learns it only after the timeout.",
        "The default cycle of 500 ns lets 10^8 calls a second go: it limits nothing until it is set.",
    ],
    source: "resilience4j/resilience4j@af9e7c97, AtomicRateLimiter, RateLimiterConfig",
    trace_input: r#"[
  { "t_ms": 0, "times": 60 },
  { "t_ms": 1, "times": 1 }
]
So many calls come at this moment; the answer is how long each waits, and `refused` for one that may not go at all."#,
    parameters: CyclesSettings::parameters,
    trace: traced,
};

fn traced(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = CyclesSettings::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    let limiter = RateLimiter::new(&RateLimitSettings::Cycles(settings), Time::ZERO);
    Ok(Box::new(RateTrace { limiter, now: Time::ZERO }))
}

struct RateTrace {
    limiter: RateLimiter,
    now: Time,
}

impl Trace for RateTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        let times = match step.get("times") {
            None => 1,
            Some(times) => times.count().ok_or("`times` is a whole number")?,
        };
        let mut turn = || match self.limiter.reserve(self.now) {
            Turn::After(wait) => Datum::Number(wait.as_secs_f64() * 1e3),
            Turn::Refused(_) => Datum::from("refused"),
        };
        let waits: Vec<Datum> = (0..times).map(|_| turn()).collect();
        let refused = waits.iter().filter(|wait| wait.number().is_none()).count() as u32;
        Ok(vec![("permitted", (times - refused).into()), ("refused", refused.into()), ("wait_ms", Datum::List(waits))])
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Cycles {
    limit: i64,
    period_nanos: u64,
    timeout: Span,
    created: Time,
    cycle: u64,
    permits: i64,
}

impl Cycles {
    /// One that is created at `now`.
    pub fn new(settings: &CyclesSettings, now: Time) -> Cycles {
        let CyclesSettings { limit, period, timeout } = *settings;
        let limit = i64::from(limit);
        Cycles { limit, period_nanos: period.as_nanos().max(1), timeout, created: now, cycle: 0, permits: limit }
    }

    /// A call wants a permit.
    pub fn reserve(&mut self, now: Time) -> Turn {
        let nanos = now.since(self.created).as_nanos();
        let cycle = nanos / self.period_nanos;
        let passed = i64::try_from(cycle - self.cycle).unwrap_or(i64::MAX);
        self.cycle = cycle;
        self.permits = self.permits.saturating_add(passed.saturating_mul(self.limit)).min(self.limit);
        let wait = self.wait(nanos);
        if wait > self.timeout {
            return Turn::Refused(self.timeout);
        }
        self.permits -= 1;
        Turn::After(wait)
    }

    fn wait(&self, nanos: u64) -> Span {
        if self.permits >= 1 {
            return Span::ZERO;
        }
        let to_next_cycle = (self.cycle + 1) * self.period_nanos - nanos;
        let missing = 1 - (self.permits + self.limit);
        let full_cycles = missing.max(0).unsigned_abs().div_ceil(self.limit.unsigned_abs());
        Span::from_nanos(full_cycles.saturating_mul(self.period_nanos).saturating_add(to_next_cycle))
    }
}
