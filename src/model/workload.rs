//! Where requests come from.

use std::sync::Arc;

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::time::{Span, Time};
use crate::base::units::{Rate, Share};

use super::Limit;
use super::id::{ClientId, EndpointId, ZoneId};

/// A source of requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// As in the file.
    pub name: String,
    /// What one who arrives asks for: mostly for one thing, and is gone.
    pub session: Session,
    /// When they arrive.
    pub arrivals: Arrivals,
    /// Which of many things a request is about. One is drawn when a user's request starts, and holds for all that the
    /// request causes. `None` makes requests that are about nothing in particular.
    pub key: Option<KeyDistribution>,
    /// An answer later than this is throughput, not goodput; `None` takes any.
    pub deadline: Option<Span>,
    /// How important its requests are: 9 goes first, 0 last.
    pub priority: u8,
    /// Whether users whose request has failed ask again.
    pub reload: Option<Reload>,
    /// How the users' own client behaves.
    pub client: ClientId,
    /// Where they are; `None` is nowhere in particular.
    pub zone: Option<ZoneId>,
}

/// What a user does from his arrival to his leave. Each thing that he asks for is a request of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// In order. At least one of them asks for something.
    pub steps: Vec<SessionStep>,
    /// What follows a request that has failed.
    pub on_failure: OnFailure,
}

/// One step of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionStep {
    /// Asks for one of several endpoints, with these shares (which sum to one), and waits for the answer.
    Ask(Vec<(Share, EndpointId)>),
    /// Waits.
    Think(Distribution),
    /// Does a list several times, one after the other.
    Repeat {
        /// At least 1.
        times: u32,
        /// What is repeated.
        steps: Vec<SessionStep>,
    },
}

/// What a user does whose request has failed for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFailure {
    /// Leaves: the rest of the session is lost.
    Leave,
    /// Goes on with the next step.
    GoOn,
}

impl Session {
    /// A single request.
    pub fn one(entry: Vec<(Share, EndpointId)>) -> Session {
        Session { steps: vec![SessionStep::Ask(entry)], on_failure: OnFailure::Leave }
    }

    /// The endpoints of a session that is no more than a single request.
    pub fn single(&self) -> Option<&[(Share, EndpointId)]> {
        match self.steps.as_slice() {
            [SessionStep::Ask(entry)] => Some(entry),
            _ => None,
        }
    }

    /// How often a session asks for each endpoint if nothing fails, on average, in the order of the file.
    pub fn entries(&self) -> Vec<(f64, EndpointId)> {
        let mut entries = Vec::new();
        add_entries(&self.steps, 1.0, &mut entries);
        entries
    }
}

fn add_entries(steps: &[SessionStep], times: f64, entries: &mut Vec<(f64, EndpointId)>) {
    for step in steps {
        match step {
            SessionStep::Ask(entry) => {
                entries.extend(entry.iter().map(|(share, endpoint)| (times * share.as_f64(), *endpoint)));
            }
            SessionStep::Think(_) => {}
            SessionStep::Repeat { times: again, steps } => add_entries(steps, times * f64::from(*again), entries),
        }
    }
}

/// The reload button: a user whose request has failed, all attempts of his client included, waits and asks again. It
/// stays one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Reload {
    /// How long he waits.
    pub after: Distribution,
    /// How often he asks in all; at least 1.
    pub attempts: Limit,
}

impl Workload {
    /// The priority of requests that name none.
    pub const PRIORITY: u8 = 4;
}

/// When requests arrive. Only a process has a rate that a fault's [`Effect::Traffic`](super::Effect::Traffic) can
/// multiply; the others take no notice of one, and the loader refuses it.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// Open: `batch` at once at each point of a process.
    Rated {
        /// When they come.
        process: Process,
        /// How many at once; at least 1.
        batch: u32,
    },
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
    /// Closed: users each of whom waits for his answer before he asks again.
    Users {
        /// How many; at least 1.
        count: u32,
        /// When they ask.
        pace: Pace,
    },
}

/// When a user who has his answer asks again.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// After he has thought for so long; he also thinks before his first request. After a request that took no time at
    /// all he pauses for at least 100 µs.
    Think(Distribution),
    /// So long after he *meant* to start the last one, or as soon as he has its answer; the latency counts from the
    /// intended start. The first starts of all users are spread evenly over one such time, which is not zero.
    Every(Span),
}

/// Points in time that come at a rate.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// One at every whole of the integral of the rate; the first at the start.
    Even(Profile),
    /// A Poisson process whose rate follows the profile.
    Poisson(Profile),
    /// A Poisson process whose rate is now low, now high.
    Modulated(Modulation),
}

/// A rate that jumps between two values: with exponential stays the points are a Markov-modulated Poisson process.
#[derive(Clone, Debug, PartialEq)]
pub struct Modulation {
    /// The rate at the start, and in every other phase.
    pub low: Rate,
    /// The rate in the phases between.
    pub high: Rate,
    /// How long each low phase lasts; its mean is not zero.
    pub low_for: Distribution,
    /// How long each high phase lasts; its mean is not zero.
    pub high_for: Distribution,
}

impl Modulation {
    /// The mean rate per second over all time; the low one if a mean stay is infinite.
    pub fn mean_per_sec(&self) -> f64 {
        let (low, high) = (self.low.as_per_sec(), self.high.as_per_sec());
        let (low_for, high_for) = (self.low_for.mean_nanos(), self.high_for.mean_nanos());
        let is_known = low_for.is_finite() && high_for.is_finite();
        if is_known { (low * low_for + high * high_for) / (low_for + high_for) } else { low }
    }
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
    /// Whether it is part of what goes wrong: the run's twin does without it.
    pub is_trigger: bool,
}

impl RatePoint {
    /// An ordinary one.
    pub fn new(at: Time, rate: Rate) -> RatePoint {
        RatePoint { at, rate, is_trigger: false }
    }
}

impl Arrivals {
    /// Evenly spaced, one at a time.
    pub fn even(profile: Profile) -> Arrivals {
        Arrivals::Rated { process: Process::Even(profile), batch: 1 }
    }

    /// A Poisson process of single requests.
    pub fn poisson(profile: Profile) -> Arrivals {
        Arrivals::Rated { process: Process::Poisson(profile), batch: 1 }
    }
}

impl Profile {
    /// Always the same rate.
    pub fn constant(rate: Rate) -> Profile {
        Profile { points: vec![RatePoint::new(Time::ZERO, rate)] }
    }
}
