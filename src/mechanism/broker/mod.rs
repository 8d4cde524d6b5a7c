//! Brokers: what stands between who publishes a message and who consumes it.

pub mod kafka;
