//! Floor 4: the kernel. It runs a model: events, requests, policies' answers turned into events. It measures
//! nothing (that is an [`Observer`]'s) and decides nothing that a policy decides.
//!
//! [`agenda`] orders events (`wheel` fast, `heap` plain); `program` compiles steps; `frame` holds what is in
//! flight; `world`, `wire` and `resources` hold everything else; `engine` is the loop; `admission`, `handler`, `holding`,
//! `caller`, `again`, `note`, `hedging`, `transport`, `sending`, `streaming`, `users`, `preemption`, `trouble`, `change`, `disturbance` and `arrivals`
//! say what an event does; `watching` what of it is told frame by frame.

mod admission;
mod again;
pub mod agenda;
mod arrivals;
mod caller;
mod change;
mod choosing;
mod delivery;
mod disturbance;
mod door;
mod engine;
mod forward;
mod frame;
mod gate;
mod handler;
pub mod heap;
mod hedging;
mod holding;
mod limiting;
mod messages;
mod messaging;
mod note;
mod observer;
mod port;
mod preemption;
mod program;
mod request;
mod resources;
mod sending;
mod standby;
mod streaming;
mod transport;
mod travel;
mod trouble;
mod users;
mod watching;
pub mod wheel;
mod wire;
mod wish;
mod world;
mod zone;

pub use engine::{End, Engine};
pub use observer::{Deed, Departure, Fate, MessageFact, NotAcquired, Observer, Spent, Watch};
