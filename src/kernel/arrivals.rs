//! Where requests come from: the arrival times of open workloads, and the thinking of closed ones.
//!
//! An open process is a unit-rate one whose clock is stretched by the profile: arrival k comes when the
//! integral of the rate reaches the k-th point of the unit process. So another rate stretches the same arrivals.
//! Recorded times are played as they are.

use std::sync::Arc;

use crate::base::distribution::Distribution;
use crate::base::logarithm::neg_ln_unit;
use crate::base::random::{Key, salt};
use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::model::{Arrivals, Effect, FaultTarget, Id, Model, Profile, WorkloadId};

/// A source of requests, and the names of their draws.
#[derive(Debug)]
pub(super) struct Source {
    /// Parent of all request keys.
    key: Key,
    /// Parent of the draws of arrival times.
    arrivals: Key,
    /// Requests so far.
    count: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Open { pieces: Vec<Piece>, piece: usize, reached: f64, poisson: bool },
    Burst { size: u32, next: Option<Time>, every: Option<Span> },
    Recorded { times: Arc<[Time]>, next: usize },
    Closed { think: Distribution, iterations: Vec<u32> },
}

/// A stretch of time in which the rate is linear.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Time,
    /// Not used for the last piece, which has no end.
    length_secs: f64,
    rate: f64,
    slope: f64,
    /// Integral of the rate before this piece.
    before: f64,
    /// Integral over this piece; infinite for the last one (also when its rate is zero: nothing comes any more).
    total: f64,
}

impl Source {
    pub(super) fn new(model: &Model, id: WorkloadId) -> Source {
        let workload = &model.workloads[id];
        let key = Key::root(model.seed, &format!("workload/{}", workload.name));
        let arrivals = Key::root(model.seed, &format!("workload/{}/arrivals", workload.name));
        let kind = match &workload.arrivals {
            Arrivals::Even(profile) => open(pieces(model, id, profile), false),
            Arrivals::Poisson(profile) => open(pieces(model, id, profile), true),
            Arrivals::Burst { size, first, every } => Kind::Burst { size: *size, next: Some(*first), every: *every },
            Arrivals::Times(times) => Kind::Recorded { times: times.clone(), next: 0 },
            Arrivals::Users { count, think } => {
                Kind::Closed { think: think.clone(), iterations: vec![0; *count as usize] }
            }
        };
        Source { key, arrivals, count: 0, kind }
    }

    /// When the next requests of an open workload come.
    pub(super) fn next(&mut self) -> Option<Time> {
        match &mut self.kind {
            Kind::Open { pieces, piece, reached, poisson } => {
                if *poisson {
                    *reached += neg_ln_unit(self.arrivals.child(self.count).draws().next_u64());
                } else if self.count > 0 {
                    *reached += 1.0;
                }
                invert(pieces, piece, *reached)
            }
            Kind::Burst { next, every, .. } => {
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

    /// How many come at once.
    pub(super) fn burst(&self) -> u32 {
        match &self.kind {
            Kind::Burst { size, .. } => *size,
            Kind::Open { .. } | Kind::Recorded { .. } | Kind::Closed { .. } => 1,
        }
    }

    /// The key of the next request of an open workload.
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

    /// How long a user thinks before his next request.
    pub(super) fn think(&self, user: u32) -> Span {
        match &self.kind {
            Kind::Closed { think, .. } => think.sample(self.user_key(user).child(salt("think")).draws()),
            Kind::Open { .. } | Kind::Burst { .. } | Kind::Recorded { .. } => Span::ZERO,
        }
    }

    /// The key of a user's next request, which he makes now.
    pub(super) fn user_request(&mut self, user: u32) -> Key {
        let key = self.user_key(user);
        if let Kind::Closed { iterations, .. } = &mut self.kind {
            iterations[user as usize] += 1;
        }
        key
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

fn open(pieces: Vec<Piece>, poisson: bool) -> Kind {
    Kind::Open { pieces, piece: 0, reached: 0.0, poisson }
}

/// When the integral of the rate reaches `target`; targets never decrease.
fn invert(pieces: &[Piece], current: &mut usize, target: f64) -> Option<Time> {
    while target - pieces[*current].before >= pieces[*current].total {
        *current += 1;
    }
    let piece = &pieces[*current];
    let left = target - piece.before;
    let secs = if piece.slope == 0.0 {
        if piece.rate == 0.0 {
            return None;
        }
        // Multiply before dividing: exact wherever the result is a whole number of nanoseconds.
        return Some(piece.start + Span::from_nanos_f64(left * NANOS_PER_SEC as f64 / piece.rate));
    } else {
        2.0 * left / (piece.rate + (piece.rate * piece.rate + 2.0 * piece.slope * left).max(0.0).sqrt())
    };
    let secs = if secs.is_nan() { 0.0 } else { secs.min(piece.length_secs) };
    Some(piece.start + Span::from_secs_f64(secs))
}

/// A profile and the traffic faults of its workload as linear pieces, the last without end.
fn pieces(model: &Model, id: WorkloadId, profile: &Profile) -> Vec<Piece> {
    let traffic: Vec<(Time, Time, f64)> = model
        .faults
        .iter()
        .filter_map(|fault| match (fault.target, &fault.effect) {
            (FaultTarget::Workload(workload), Effect::Traffic(factor)) if workload.index() == id.index() => {
                Some((fault.at, fault.lasts.map_or(Time::MAX, |lasts| fault.at + lasts), *factor))
            }
            _ => None,
        })
        .collect();
    let mut cuts: Vec<Time> = profile.points.iter().map(|point| point.at).collect();
    cuts.extend(traffic.iter().flat_map(|&(from, until, _)| [from, until]));
    cuts.retain(|&cut| cut < Time::MAX);
    cuts.push(Time::ZERO);
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = Vec::with_capacity(cuts.len());
    let mut before = 0.0;
    for (n, &start) in cuts.iter().enumerate() {
        let end = cuts.get(n + 1).copied();
        let factor: f64 = traffic
            .iter()
            .filter(|(from, until, _)| (*from..*until).contains(&start))
            .map(|(.., factor)| factor)
            .product();
        let rate = factor * rate_from(profile, start);
        let (slope, length_secs, total) = match end {
            None => (0.0, f64::INFINITY, f64::INFINITY),
            Some(end) => {
                let length_secs = end.since(start).as_secs_f64();
                let last = factor * rate_until(profile, end);
                ((last - rate) / length_secs, length_secs, (rate + last) / 2.0 * length_secs)
            }
        };
        pieces.push(Piece { start, length_secs, rate, slope, before, total });
        before += total;
    }
    pieces
}

/// The rate just after `time`.
fn rate_from(profile: &Profile, time: Time) -> f64 {
    let next = profile.points.partition_point(|point| point.at <= time);
    between(profile, next, time)
}

/// The rate just before `time`.
fn rate_until(profile: &Profile, time: Time) -> f64 {
    let next = profile.points.partition_point(|point| point.at < time);
    between(profile, next, time)
}

/// The rate at `time` on the line that ends at point `next`.
fn between(profile: &Profile, next: usize, time: Time) -> f64 {
    let points = &profile.points;
    let Some(left) = next.checked_sub(1).and_then(|n| points.get(n)) else {
        return points[0].rate.as_per_sec();
    };
    let Some(right) = points.get(next) else { return left.rate.as_per_sec() };
    let (from, to) = (left.rate.as_per_sec(), right.rate.as_per_sec());
    let part = time.since(left.at).as_secs_f64() / right.at.since(left.at).as_secs_f64();
    from + (to - from) * part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Rate;
    use crate::model::RatePoint;

    fn profile(points: &[(u64, f64)]) -> Profile {
        let points = points
            .iter()
            .map(|&(secs, rate)| RatePoint {
                at: Time::ZERO + Span::from_secs(secs),
                rate: Rate::per_sec(rate).unwrap(),
            })
            .collect();
        Profile { points }
    }

    #[test]
    fn a_ramp_is_read_on_its_line_and_a_step_on_its_sides() {
        let profile = profile(&[(0, 0.0), (10, 100.0), (10, 20.0), (20, 20.0)]);
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        assert_eq!(rate_from(&profile, at(5)), 50.0);
        assert_eq!(rate_until(&profile, at(10)), 100.0);
        assert_eq!(rate_from(&profile, at(10)), 20.0);
        assert_eq!(rate_from(&profile, at(99)), 20.0);
    }
}
