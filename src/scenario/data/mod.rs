//! Data in files: tables of numbers (CSV) that a value of the scenario names. Each fault in a row is said with its
//! place in that file; what the rows mean in the scenario is decided by who asks for them.

mod instant;
mod rows;
mod samples;
mod trace;

pub(crate) use samples::{SamplesForm, samples};
pub(crate) use trace::{Fit, Played, TraceForm, play};
