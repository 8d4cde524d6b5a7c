//! Floor 3: mechanisms, what has state and a clock of its own. They are told and asked over opaque
//! tickets, never schedule anything themselves, and know nothing of requests.

pub mod acceptor;
pub mod broker;
pub mod cache;
pub mod connection;
pub mod cores;
pub mod pool;
pub mod stream;
