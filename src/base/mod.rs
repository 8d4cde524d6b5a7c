//! Floor 0: time, randomness, distributions and units. No word of the domain is known here.

pub mod between;
pub mod call;
pub mod distribution;
pub mod keys;
pub mod logarithm;
pub mod random;
pub mod student;
pub mod suggest;
pub mod time;
pub mod units;
pub mod vary;
