//! Traces: a policy on its own, stepped through what happens to it, so that one can see what it does without a scenario.
//!
//! A step is a small table of what happens: `{ t_ms = 10, op = "call", outcome = "error" }`; the answer is a row of what
//! the policy says then. Where steps come from and how rows are shown is the caller's affair. The shapes are those
//! of the published vectors, which run through here too.

use crate::base::time::{Span, Time};

use super::Outcome;

/// Plain data: what a step holds, and what an answer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// Nothing.
    Missing,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several.
    List(Vec<Datum>),
    /// Several with names, in order.
    Table(Vec<(String, Datum)>),
}

impl From<bool> for Datum {
    fn from(flag: bool) -> Datum {
        Datum::Flag(flag)
    }
}

impl From<f64> for Datum {
    fn from(number: f64) -> Datum {
        Datum::Number(number)
    }
}

impl From<u32> for Datum {
    fn from(number: u32) -> Datum {
        Datum::Number(f64::from(number))
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Datum {
        Datum::Text(text.to_owned())
    }
}

impl From<&serde_json::Value> for Datum {
    fn from(value: &serde_json::Value) -> Datum {
        match value {
            serde_json::Value::Null => Datum::Missing,
            serde_json::Value::Bool(flag) => Datum::Flag(*flag),
            serde_json::Value::Number(number) => number.as_f64().map_or(Datum::Missing, Datum::Number),
            serde_json::Value::String(text) => Datum::Text(text.clone()),
            serde_json::Value::Array(items) => Datum::List(items.iter().map(Datum::from).collect()),
            serde_json::Value::Object(entries) => {
                Datum::Table(entries.iter().map(|(name, value)| (name.clone(), value.into())).collect())
            }
        }
    }
}

impl From<&Datum> for serde_json::Value {
    fn from(datum: &Datum) -> serde_json::Value {
        match datum {
            Datum::Missing => serde_json::Value::Null,
            Datum::Flag(flag) => (*flag).into(),
            // A whole number is written as one.
            Datum::Number(number) if *number >= 0.0 && *number < 9e15 && libm::floor(*number) == *number => {
                (*number as u64).into()
            }
            Datum::Number(number) => (*number).into(),
            Datum::Text(text) => text.as_str().into(),
            Datum::List(items) => items.iter().map(serde_json::Value::from).collect(),
            Datum::Table(entries) => {
                let entries = entries.iter().map(|(name, datum)| (name.clone(), datum.into()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

impl Datum {
    /// What a table holds under `key`.
    pub fn get(&self, key: &str) -> Option<&Datum> {
        let Datum::Table(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, datum)| datum).filter(|it| **it != Datum::Missing)
    }

    /// The items of a list.
    pub fn items(&self) -> &[Datum] {
        if let Datum::List(items) = self { items } else { &[] }
    }

    /// The entries of a table.
    pub fn entries(&self) -> &[(String, Datum)] {
        if let Datum::Table(entries) = self { entries } else { &[] }
    }

    /// What holds for each step of a trace, whatever the policy: its times are times. Past a century nanoseconds have no
    /// more room.
    pub fn check_times(&self) -> Result<(), String> {
        for (key, value) in self.entries().iter().filter(|(key, _)| key.ends_with("_ms") || key == "at_ns") {
            let longest = if key == "at_ns" { CENTURY_MILLIS * 1e6 } else { CENTURY_MILLIS };
            match value {
                Datum::Missing => {}
                Datum::Number(number) if *number <= longest => {}
                Datum::Number(number) => return Err(format!("`{key}` is {number:e}: a trace lasts a century at most")),
                _ => return Err(format!("`{key}` is a number")),
            }
        }
        Ok(())
    }

    /// As a number.
    pub fn number(&self) -> Option<f64> {
        if let Datum::Number(number) = self { Some(*number) } else { None }
    }

    /// As a whole number.
    pub fn count(&self) -> Option<u32> {
        self.number().filter(|number| f64::from(*number as u32) == *number).map(|number| number as u32)
    }

    /// As a text.
    pub fn text(&self) -> Option<&str> {
        if let Datum::Text(text) = self { Some(text) } else { None }
    }

    /// The number under `key`, in milliseconds, as a length of time.
    pub fn millis(&self, key: &str) -> Option<Span> {
        self.get(key).and_then(Datum::number).map(|ms| Span::from_secs_f64(ms / 1e3))
    }

    /// The moment of a step: `t_ms` milliseconds, or `at_ns` nanoseconds, after `start`.
    pub fn time(&self, start: Time) -> Option<Time> {
        let nanos = self.get("at_ns").and_then(Datum::number).map(Span::from_nanos_f64);
        self.millis("t_ms").or(nanos).map(|since| start + since)
    }
}

/// The longest time of a step.
const CENTURY_MILLIS: f64 = 100.0 * 365.25 * 86_400_000.0;

/// A row of what a policy says.
pub type Row = Vec<(&'static str, Datum)>;

/// A policy that can be stepped through what happens to it.
pub trait Trace {
    /// Does one step, and says what the policy says then; an error says what is wrong with the step.
    fn step(&mut self, step: &Datum) -> Result<Row, String>;
}

/// The outcome that a step names: a name of ours, or `success` for `ok`.
pub fn outcome(text: &str) -> Result<Outcome, String> {
    let name = text.replace('-', "_");
    let found = match name.as_str() {
        "success" => Some(Outcome::Ok),
        "failure" => Some(Outcome::Error),
        "ignored" => Some(Outcome::Cancelled),
        name => Outcome::ALL.into_iter().find(|outcome| outcome.name() == name),
    };
    let all = || Outcome::ALL.map(Outcome::name).join(", ");
    found.ok_or_else(|| format!("unknown outcome \"{text}\": it is one of success, failure, ignored, {}", all()))
}
