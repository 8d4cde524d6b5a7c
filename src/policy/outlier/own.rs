//! What built-in outlier detection has besides its rules: settings of its own, what it cannot see, and a trace.

use crate::base::random::Key;
use crate::base::time::Time;
use crate::policy::Outcome;
use crate::policy::registry::Assignment;
use crate::policy::settings::{Misfit, Settings};
use crate::policy::trace::{self, Datum, Row, Trace};

use super::Outlier;

/// Built-in outlier detection.
pub trait OwnOutlier<S>: Outlier + Sized + 'static {
    /// Which has seen nothing yet; `key` names its draws.
    fn new(settings: &S, key: Key) -> Self;

    /// What it holds against a replica: failures in a row, and by how much its next ejection is longer than the first.
    fn record_of(&self, replica: u32) -> (u32, u32);
}

/// Who may be picked, remembered for as long as nothing changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    up: Vec<u32>,
    left: Vec<u32>,
    is_fresh: bool,
    ignores_health: bool,
}

impl Sight {
    /// Somebody went or came back.
    pub(super) fn spoil(&mut self) {
        self.is_fresh = false;
    }

    /// The replicas that are up, as last seen.
    pub(super) fn hosts(&self) -> u32 {
        self.up.len() as u32
    }

    /// Notes who is up.
    pub(super) fn look(&mut self, up: &[u32]) {
        if self.up != up {
            self.up.clear();
            self.up.extend_from_slice(up);
            self.is_fresh = false;
        }
    }

    /// Those of them that `is_out` leaves; all if fewer than the share `panic` of them are left, or none and `panic` is
    /// more than nothing.
    pub(super) fn through(&mut self, panic: f64, is_out: impl Fn(u32) -> bool) -> Option<&[u32]> {
        if !self.is_fresh {
            self.left.clear();
            self.left.extend(self.up.iter().copied().filter(|host| !is_out(*host)));
            self.ignores_health = (self.left.len() as f64) < panic * self.up.len() as f64;
            self.is_fresh = true;
        }
        let all = self.ignores_health || self.left.len() == self.up.len();
        (!all).then_some(&self.left)
    }
}

/// What a step of a trace looks like.
pub(super) const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "hosts": 10 },
  { "t_ms": 100, "host": 3, "outcome": "error", "times": 4 },
  { "t_ms": 200, "host": 3, "code": 503 },
  { "t_ms": 40000, "op": "observe" }
]
`hosts` is how many replicas there are, numbered from 0; then each step is how requests to one `host` end, as an outcome
(success, error, timeout, rejected, refused) or as a status `code`, `times` in a row; `observe` lets time pass."#;

/// Outlier detection at its start that can be stepped.
pub(super) fn traced<S: Settings, B: OwnOutlier<S>>(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = S::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    let outlier = B::new(&settings, Key::root(1, "trace"));
    Ok(Box::new(OutlierTrace { outlier, up: Vec::new(), now: Time::ZERO, settings: std::marker::PhantomData::<fn(S)> }))
}

struct OutlierTrace<S, B> {
    outlier: B,
    up: Vec<u32>,
    now: Time,
    settings: std::marker::PhantomData<fn(S)>,
}

/// What a status code is to a client.
fn outcome_of(code: u32) -> Outcome {
    match code {
        502 => Outcome::Refused,
        503 => Outcome::Rejected,
        504 => Outcome::Timeout,
        code if code >= 500 => Outcome::Error,
        _ => Outcome::Ok,
    }
}

impl<S: 'static, B: OwnOutlier<S>> Trace for OutlierTrace<S, B> {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        if let Some(hosts) = step.get("hosts").and_then(Datum::count) {
            self.up = (0..hosts).collect();
        }
        self.outlier.sight(self.now, &self.up);
        let mut row = Row::new();
        if let Some(host) = step.get("host").and_then(Datum::count) {
            if !self.up.contains(&host) {
                return Err(format!("there is no host {host}: the first step says how many `hosts` there are"));
            }
            let code = step.get("code").and_then(Datum::count).map(outcome_of).map(Ok);
            let named = step.get("outcome").and_then(Datum::text).map(trace::outcome);
            let outcome = code.or(named).ok_or("a step with a `host` has an `outcome` or a `code`")??;
            for _ in 0..step.get("times").and_then(Datum::count).unwrap_or(1) {
                self.outlier.started(self.now, host);
                self.outlier.ended(self.now, host, outcome);
            }
            let (failures, multiplier) = self.outlier.record_of(host);
            row.push(("in_a_row", failures.into()));
            row.push(("multiplier", multiplier.into()));
        }
        let left = self.outlier.sight(self.now, &self.up).map(<[u32]>::to_vec);
        let hidden = left.as_ref().map_or_else(Vec::new, |left| {
            self.up.iter().filter(|host| !left.contains(host)).map(|host| Datum::from(*host)).collect()
        });
        row.push(("ejected", self.outlier.ejected().into()));
        row.push(("hidden", Datum::List(hidden)));
        Ok(row)
    }
}
