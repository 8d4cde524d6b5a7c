//! Any bytes as a scenario file. The first line, if it starts with `--set `, is an argument instead.

#![no_main]

#[path = "../harness.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::try_bytes(bytes));
