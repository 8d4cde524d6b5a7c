//! The clock of an open workload: when the integral of its rate, faults of traffic included, reaches a number.

use crate::base::random::Key;
use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::model::{Effect, Fault, FaultTarget, Id, Model, Modulation, Profile, WorkloadId};

/// A rate over time that is read forwards.
#[derive(Debug)]
pub(super) enum Clock {
    /// Known from the start.
    Profile {
        /// The last has no end.
        pieces: Vec<Piece>,
        /// The one that was reached.
        current: usize,
    },
    /// Drawn on the way.
    Phases(Box<Phases>),
}

/// A stretch of time in which the rate is linear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
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

impl Clock {
    /// The clock of a workload whose rate follows `profile`.
    pub(super) fn of_profile(model: &Model, id: WorkloadId, profile: &Profile) -> Clock {
        Clock::Profile { pieces: pieces(profile, &traffic(model, id)), current: 0 }
    }

    /// The clock of a workload whose rate has phases.
    pub(super) fn of_phases(model: &Model, id: WorkloadId, modulation: &Modulation) -> Clock {
        Clock::Phases(Box::new(Phases::new(model, id, modulation)))
    }

    /// When the integral of the rate reaches `target`; targets never decrease.
    pub(super) fn reaches(&mut self, target: f64) -> Option<Time> {
        match self {
            Clock::Profile { pieces, current } => {
                let mut piece = &pieces[*current];
                while piece.is_below(target) {
                    *current += 1;
                    piece = &pieces[*current];
                }
                piece.reaches(target)
            }
            Clock::Phases(phases) => phases.reaches(target),
        }
    }
}

impl Piece {
    /// Whether the integral reaches `target` only behind this piece.
    fn is_below(&self, target: f64) -> bool {
        target - self.before >= self.total
    }

    /// When the integral reaches `target`, which it does in this piece unless the rate stays zero.
    fn reaches(&self, target: f64) -> Option<Time> {
        let left = target - self.before;
        let secs = if self.slope == 0.0 {
            if self.rate == 0.0 {
                return None;
            }
            // Multiply before dividing: exact wherever the result is a whole number of nanoseconds.
            return Some(self.start + Span::from_nanos_f64(left * NANOS_PER_SEC as f64 / self.rate));
        } else {
            2.0 * left / (self.rate + (self.rate * self.rate + 2.0 * self.slope * left).max(0.0).sqrt())
        };
        let secs = if secs.is_nan() { 0.0 } else { secs.min(self.length_secs) };
        Some(self.start + Span::from_secs_f64(secs))
    }
}

/// The phases of a modulated rate, each drawn when the one before is over.
#[derive(Debug)]
pub(super) struct Phases {
    /// Names the lengths of the phases.
    key: Key,
    modulation: Modulation,
    traffic: Vec<Traffic>,
    /// Phases so far; the even ones are low.
    count: u64,
    /// The phase under way ends here.
    until: Time,
    /// A part of that phase in which no fault begins or ends.
    piece: Piece,
    /// Nobody asks for what comes later.
    end: Time,
}

impl Phases {
    fn new(model: &Model, id: WorkloadId, modulation: &Modulation) -> Phases {
        let key = Key::root(model.seed, &format!("workload/{}/phases", model.workloads[id].name));
        let nothing = Piece { start: Time::ZERO, length_secs: 0.0, rate: 0.0, slope: 0.0, before: 0.0, total: 0.0 };
        Phases {
            key,
            modulation: modulation.clone(),
            traffic: traffic(model, id),
            count: 0,
            until: Time::ZERO,
            piece: nothing,
            end: model.end(),
        }
    }

    fn reaches(&mut self, target: f64) -> Option<Time> {
        let mut start = self.piece.start + Span::from_secs_f64(self.piece.length_secs);
        while self.piece.is_below(target) {
            if start >= self.end {
                return None;
            }
            start = self.enter(start);
        }
        self.piece.reaches(target)
    }

    /// Goes on to the piece that starts at `start`; returns its end.
    fn enter(&mut self, start: Time) -> Time {
        let Modulation { low, high, low_for, high_for } = &self.modulation;
        while self.until <= start {
            let stay = if self.count.is_multiple_of(2) { low_for } else { high_for };
            self.until = start + stay.sample(self.key.child(self.count).draws());
            self.count += 1;
        }
        let rate = if self.count.is_multiple_of(2) { high } else { low };
        let cuts = self.traffic.iter().flat_map(|traffic| [traffic.from, traffic.until]);
        let end = cuts.filter(|cut| *cut > start).fold(self.until, Time::min);
        let length_secs = end.since(start).as_secs_f64();
        let rate = rate.as_per_sec() * factor(&self.traffic, start);
        let before = self.piece.before + self.piece.total;
        self.piece = Piece { start, length_secs, rate, slope: 0.0, before, total: rate * length_secs };
        end
    }
}

/// A fault that multiplies arrivals.
#[derive(Debug)]
struct Traffic {
    from: Time,
    until: Time,
    factor: f64,
}

fn traffic(model: &Model, id: WorkloadId) -> Vec<Traffic> {
    let of_fault = |fault: &Fault| match (fault.target, &fault.effect) {
        (FaultTarget::Workload(workload), Effect::Traffic(factor)) if workload.index() == id.index() => Some(Traffic {
            from: fault.at,
            until: fault.lasts.map_or(Time::MAX, |lasts| fault.at + lasts),
            factor: *factor,
        }),
        _ => None,
    };
    model.faults.iter().filter_map(of_fault).collect()
}

/// How many times as much comes at `time` as without faults.
fn factor(traffic: &[Traffic], time: Time) -> f64 {
    traffic.iter().filter(|it| (it.from..it.until).contains(&time)).map(|it| it.factor).product()
}

/// A profile and the traffic faults of its workload as linear pieces, the last without end.
fn pieces(profile: &Profile, traffic: &[Traffic]) -> Vec<Piece> {
    let mut cuts: Vec<Time> = profile.points.iter().map(|point| point.at).collect();
    cuts.extend(traffic.iter().flat_map(|traffic| [traffic.from, traffic.until]));
    cuts.retain(|&cut| cut < Time::MAX);
    cuts.push(Time::ZERO);
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = Vec::with_capacity(cuts.len());
    let mut before = 0.0;
    for (n, &start) in cuts.iter().enumerate() {
        let end = cuts.get(n + 1).copied();
        let factor = factor(traffic, start);
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
                is_trigger: false,
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
