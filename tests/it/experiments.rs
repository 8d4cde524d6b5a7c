//! Experiments: replications, comparisons and sweeps say what is so, and no more than they know.

mod advice;
mod command_line;
mod examples;
mod gates;
mod statistics;
mod tip;
