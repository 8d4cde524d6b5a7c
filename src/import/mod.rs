//! Floor 3, beside `scenario`: foreign files become scenario files, as text that runs as it is.
//!
//! An importer knows the foreign format and the words of the scenario language; it neither loads
//! nor checks what it writes. What the foreign file does not say is filled in with a default that
//! the scenario's first comment names, and what the simulator does not use yet is named there too.

mod fault;
pub mod isotope;
pub mod jaeger;

pub use fault::{Fault, Faults};
