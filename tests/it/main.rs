//! One integration binary: what a user would notice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod bad_files;
mod base;
mod command_line;
mod confidence;
mod determinism;
mod experiments;
mod fuzz;
mod hedging;
mod insight;
mod isotope;
mod kernel;
mod language;
mod lessons;
mod messages;
mod metrics;
mod model;
mod policies;
mod proof;
mod reference;
mod report;
mod resilience;
mod scenarios;
mod semantics;
mod tidy;
mod traces;
