//! Floor 4: the kernel. It runs a model: events, requests, policies' answers turned into events. It measures
//! nothing (that is an [`Observer`]'s) and decides nothing that a policy decides.
//!
//! [`agenda`] orders events (`wheel` fast, `heap` plain); `program` compiles steps; `frame` holds what is in
//! flight; `world` holds everything else; `engine` is the loop; `handler`, `caller`, `hedging`, `trouble` and `arrivals`
//! say what an event does.

pub mod agenda;
mod arrivals;
mod caller;
mod engine;
mod frame;
mod handler;
pub mod heap;
mod hedging;
mod observer;
mod program;
mod trouble;
pub mod wheel;
mod world;

pub use engine::{End, Engine};
pub use observer::{Departure, Observer};
