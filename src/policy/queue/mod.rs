//! Queue management: what a queue does so that nobody waits for long in vain.

mod adaptive;
mod codel;

pub use adaptive::AdaptiveTimeout;
pub use codel::{Codel, CodelSettings};
