//! Where requests come from: the arrival times of open workloads, and the thinking of closed ones.
//!
//! An open process is a unit-rate one whose clock is stretched by the profile: arrival k comes when the
//! integral of the rate reaches the k-th point of the unit process ([`clock`] knows when). So another rate stretches
//! the same arrivals. Recorded times are played as they are.

mod clock;

use std::sync::Arc;

use crate::base::logarithm::neg_ln_unit;
use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::model::{Arrivals, Model, Pace, Process, WorkloadId};

use clock::Clock;

/// A source of requests, and the names of their draws.
#[derive(Debug)]
pub(super) struct Source {
    /// Parent of all request keys.
    key: Key,
    /// Parent of the draws of arrival times.
    arrivals: Key,
    /// Requests so far.
    count: u64,
    /// How many come at once.
    pub(super) batch: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Open { clock: Clock, reached: f64, points: u64, poisson: bool },
    Burst { next: Option<Time>, every: Option<Span> },
    Recorded { times: Arc<[Time]>, next: usize },
    Closed { pace: Pace, iterations: Vec<u32> },
}

impl Source {
    pub(super) fn new(model: &Model, id: WorkloadId) -> Source {
        let workload = &model.workloads[id];
        let key = Key::root(model.seed, &format!("workload/{}", workload.name));
        let arrivals = Key::root(model.seed, &format!("workload/{}/arrivals", workload.name));
        let (kind, batch) = match &workload.arrivals {
            Arrivals::Rated { process, batch } => {
                let clock = match process {
                    Process::Even(profile) | Process::Poisson(profile) => Clock::of_profile(model, id, profile),
                    Process::Modulated(modulation) => Clock::of_phases(model, id, modulation),
                };
                let kind = Kind::Open { clock, reached: 0.0, points: 0, poisson: !matches!(process, Process::Even(_)) };
                (kind, *batch)
            }
            Arrivals::Burst { size, first, every } => (Kind::Burst { next: Some(*first), every: *every }, *size),
            Arrivals::Times(times) => (Kind::Recorded { times: times.clone(), next: 0 }, 1),
            Arrivals::Users { count, pace } => {
                (Kind::Closed { pace: pace.clone(), iterations: vec![0; *count as usize] }, 1)
            }
        };
        Source { key, arrivals, count: 0, batch, kind }
    }

    /// When the next requests of an open workload come.
    pub(super) fn next(&mut self) -> Option<Time> {
        match &mut self.kind {
            Kind::Open { clock, reached, points, poisson } => {
                if *poisson {
                    *reached += neg_ln_unit(self.arrivals.child(*points).draws().next_u64());
                } else if *points > 0 {
                    *reached += 1.0;
                }
                *points += 1;
                clock.reaches(*reached)
            }
            Kind::Burst { next, every } => {
                let time = (*next)?;
                *next = every.map(|every| time + every);
                Some(time)
            }
            Kind::Recorded { times, next } => {
                *next += 1;
                times.get(*next - 1).copied()
            }
            Kind::Closed { .. } => None,
        }
    }

    /// The key of the next request of an open workload.
    #[inline]
    pub(super) fn next_key(&mut self) -> Key {
        self.count += 1;
        self.key.child(self.count - 1)
    }

    /// Number of users of a closed workload; zero for an open one.
    pub(super) fn users(&self) -> u32 {
        match &self.kind {
            Kind::Closed { iterations, .. } => iterations.len() as u32,
            Kind::Open { .. } | Kind::Burst { .. } | Kind::Recorded { .. } => 0,
        }
    }

    /// When a user who is free from now on, or has a pause to make that is `at_least` as long, starts his next request.
    pub(super) fn next_start(&self, user: u32, now: Time, at_least: Span) -> Time {
        match &self.kind {
            Kind::Closed { pace: Pace::Think(think), .. } => {
                now + think.sample(self.user_key(user).child(salt("think")).draws()).max(at_least)
            }
            Kind::Closed { pace: Pace::Every(every), iterations } => intended(iterations, user, *every).max(now),
            Kind::Open { .. } | Kind::Burst { .. } | Kind::Recorded { .. } => now,
        }
    }

    /// The key of a user's next request, which he makes now, and when he meant to.
    pub(super) fn user_request(&mut self, user: u32, now: Time) -> (Key, Time) {
        let key = self.user_key(user);
        let Kind::Closed { pace, iterations } = &mut self.kind else { return (key, now) };
        let meant = match pace {
            Pace::Think(_) => now,
            Pace::Every(every) => intended(iterations, user, *every),
        };
        iterations[user as usize] += 1;
        (key, meant)
    }

    fn user_key(&self, user: u32) -> Key {
        match &self.kind {
            Kind::Closed { iterations, .. } => {
                self.key.child(u64::from(user)).child(u64::from(iterations[user as usize]))
            }
            Kind::Open { .. } | Kind::Burst { .. } | Kind::Recorded { .. } => self.key,
        }
    }
}

/// When a user with a pace means to start his next request.
fn intended(iterations: &[u32], user: u32, every: Span) -> Time {
    let every = u128::from(every.as_nanos());
    let offset = every * u128::from(user) / iterations.len() as u128;
    let nanos = every * u128::from(iterations[user as usize]) + offset;
    Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
