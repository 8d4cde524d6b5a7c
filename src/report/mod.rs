//! Floor 8: results become bytes. Pure functions of the model and of what was measured; nothing is
//! written here, nothing is measured here. What more than one format needs is in `facts` (derived
//! numbers, with their definitions) and `number` (how a person reads a number).

pub mod audit;
mod cost;
pub mod csv;
mod drain;
pub mod experiment;
mod facts;
pub mod figure;
pub mod html;
pub mod json;
pub mod manifest;
mod messaging;
mod number;
pub mod openmetrics;
mod resilience;
mod resources;
pub mod story;
pub mod terminal;
pub mod traces;
mod transport;
pub mod validation;

use crate::insight::Insight;
use crate::measure::Results;
use crate::model::Model;

pub use facts::{Verdict, verdicts};

/// What every report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What was simulated.
    pub model: &'a Model,
    /// What it measured.
    pub results: &'a Results,
    /// Hash of the scenario's text, as hexadecimal digits.
    pub hash: &'a str,
    /// Version of brownout.
    pub version: &'a str,
    /// What the same without triggers measured; `None` where nothing goes wrong, or nobody compared.
    pub twin: Option<&'a Results>,
    /// What happened; `None` where nothing was compared.
    pub insight: Option<&'a Insight>,
}

impl Input<'_> {
    /// As much of the hash as a person compares.
    fn short_hash(&self) -> &str {
        const DIGITS: usize = 12;
        self.hash.get(..DIGITS).unwrap_or(self.hash)
    }
}
