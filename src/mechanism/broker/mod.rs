//! Brokers: what keeps messages between those who publish and those who consume. Each is told and asked over opaque
//! messages and members; where a message comes from, how long it travels and what a consumer does with it is the
//! kernel's business.

pub mod kafka;
pub mod queue;
