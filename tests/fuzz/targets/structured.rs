//! Scenarios that are mostly right, written by chance: many load, and those are run for a short time.

#![no_main]

#[path = "../harness.rs"]
mod harness;
#[path = "../writer.rs"]
mod writer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::try_bytes(writer::scenario(bytes).as_bytes()));
