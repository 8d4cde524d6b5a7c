//! Where requests come from.

use std::sync::Arc;

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::{Span, Time};
use crate::base::units::{Rate, Share};

use super::id::{ClientId, EndpointId};

/// A source of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// As in the file.
    pub name: String,
    /// Which endpoints are asked for, in which shares (which sum to one).
    pub entry: Vec<(Share, EndpointId)>,
    /// When.
    pub arrivals: Arrivals,
    /// Which of many things a request is about. One is drawn when a user's request starts, and holds for all that the
    /// request causes. `None` makes requests that are about nothing in particular.
    pub key: Option<KeyDistribution>,
    /// An answer later than this is throughput, not goodput; `None` takes any.
    pub deadline: Option<Span>,
    /// How the users' own client behaves.
    pub client: ClientId,
}

/// When requests arrive. Only a profile has a rate that a fault's [`Effect::Traffic`](super::Effect::Traffic) can
/// multiply; the others take no notice of one, and the loader refuses it.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// Open: one at every whole of the integral of the rate; the first at the start.
    Even(Profile),
    /// Open: a Poisson process whose rate follows the profile.
    Poisson(Profile),
    /// Open: `size` at once at `first` and then, if given, after every `every`.
    Burst {
        /// How many at once; at least 1.
        size: u32,
        /// When the first burst comes.
        first: Time,
        /// How long until the next; not zero.
        every: Option<Span>,
    },
    /// Open: one at each of these times, as they were recorded. At least one; they do not decrease, and several may be
    /// the same.
    Times(Arc<[Time]>),
    /// Closed: users that think, ask, wait for the answer, and think again. After a request that took no time at all
    /// a user pauses for at least 100 µs.
    Users {
        /// How many; at least 1.
        count: u32,
        /// How long a user thinks before each request.
        think: Distribution,
    },
}

/// A rate over time, linear between points, constant after the last one.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// At least one point, the first at the start; times do not decrease, and two points at the same time are a step.
    pub points: Vec<RatePoint>,
}

/// The rate at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// When.
    pub at: Time,
    /// How much.
    pub rate: Rate,
}

impl Profile {
    /// Always the same rate.
    pub fn constant(rate: Rate) -> Profile {
        Profile { points: vec![RatePoint { at: Time::ZERO, rate }] }
    }
}
