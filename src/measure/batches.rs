//! The points of a run's series, cut into batches, and what they tell of a mean. Which runs have batches at all, and why,
//! is said in [`super::confidence`].

use crate::base::student::student_95;
use crate::base::time::Span;
use crate::model::{Arrivals, Model, Process};

use super::results::Results;
use super::sums::LengthSeries;

/// Few enough that a batch of a run of some thousand requests is long, enough that t is small.
pub(super) const BATCHES: usize = 10;

/// A number for each batch.
pub type PerBatch = [f64; BATCHES];

/// Why a run has no confidence intervals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoConfidence {
    /// Something goes wrong in it.
    Faults,
    /// Somebody changes it while it runs.
    Changes,
    /// Its arrivals do not come at the same rate all the time.
    Arrivals,
    /// There are too few points of the series after the warm-up.
    Short,
    /// It measured only what its expectations ask.
    NotKept,
}

/// Whether nothing but chance makes one part of a run differ from another.
pub(super) fn stationary(model: &Model) -> Result<(), NoConfidence> {
    if !model.faults.is_empty() {
        return Err(NoConfidence::Faults);
    }
    if !model.changes.is_empty() {
        return Err(NoConfidence::Changes);
    }
    let is_steady = |arrivals: &Arrivals| match arrivals {
        Arrivals::Rated { process: Process::Even(profile) | Process::Poisson(profile), .. } => {
            profile.points.len() == 1
        }
        // Gusts come by chance, too.
        Arrivals::Rated { process: Process::Modulated(_), .. } | Arrivals::Users { .. } => true,
        _ => false,
    };
    let all = model.workloads.iter().all(|workload| is_steady(&workload.arrivals));
    if all { Ok(()) } else { Err(NoConfidence::Arrivals) }
}

/// Points of the series after the warm-up, cut into batches of equal length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batches {
    /// The first point of the first batch.
    first: usize,
    /// Points in each.
    points: usize,
    interval: Span,
}

impl Batches {
    /// Those of a run; why there are none.
    pub(super) fn of(model: &Model, results: &Results) -> Result<Batches, NoConfidence> {
        stationary(model)?;
        let interval = results.series.interval;
        let width = interval.as_nanos().max(1);
        let from = model.warmup.as_nanos().div_ceil(width) as usize;
        // The last point may be cut short.
        let until = ((results.ended.as_nanos() / width) as usize).min(results.series.points);
        let points = until.saturating_sub(from) / BATCHES;
        match points {
            0 => Err(NoConfidence::Short),
            _ => Ok(Batches { first: until - points * BATCHES, points, interval }),
        }
    }

    /// The length of a batch.
    pub fn length(&self) -> Span {
        Span::from_nanos(self.interval.as_nanos() * self.points as u64)
    }

    /// The seconds of a point.
    pub fn point_secs(&self) -> f64 {
        self.interval.as_secs_f64()
    }

    /// The seconds of every batch.
    pub fn secs(&self) -> PerBatch {
        [self.length().as_secs_f64(); BATCHES]
    }

    /// The sum of a column in every batch. What the column does not reach is zero.
    pub fn sums<T: Copy>(&self, column: &[T], number: impl Fn(T) -> f64) -> PerBatch {
        std::array::from_fn(|batch| {
            let start = self.first + batch * self.points;
            column.iter().skip(start).take(self.points).map(|value| number(*value)).sum()
        })
    }

    /// Of counts.
    pub fn counts(&self, column: &[u64]) -> PerBatch {
        self.sums(column, |count| count as f64)
    }

    /// Of a level that is a mean over each point: its integral, in seconds.
    pub fn integrals(&self, column: &[f64]) -> PerBatch {
        self.sums(column, |level| level * self.point_secs())
    }

    /// Half the width of the interval of the mean of such a level.
    pub(super) fn level(&self, column: &[f64]) -> Option<f64> {
        half_width(&self.integrals(column), &self.secs())
    }

    /// That of a rate per second.
    pub(super) fn rate(&self, counts: &PerBatch) -> Option<f64> {
        half_width(counts, &self.secs())
    }

    /// That of the mean of lengths of time, in seconds.
    pub(super) fn mean(&self, it: &LengthSeries) -> Option<f64> {
        half_width(&self.sums(&it.secs, |secs| secs), &self.counts(&it.count))
    }
}

/// The sum of what several things have in every batch.
pub fn together(all: impl IntoIterator<Item = PerBatch>) -> PerBatch {
    let mut sums = [0.0; BATCHES];
    all.into_iter().for_each(|it| sums.iter_mut().zip(it).for_each(|(sum, part)| *sum += part));
    sums
}

/// Half the width of the 95% interval of Σ parts ÷ Σ wholes; `None` where there is nothing whole.
pub fn half_width(parts: &PerBatch, wholes: &PerBatch) -> Option<f64> {
    let whole: f64 = wholes.iter().sum();
    if whole <= 0.0 {
        return None;
    }
    let count = BATCHES as f64;
    let ratio = parts.iter().sum::<f64>() / whole;
    let squares: f64 = parts.iter().zip(wholes).map(|(part, whole)| part - ratio * whole).map(|rest| rest * rest).sum();
    let error = (squares / (count - 1.0) / count).sqrt() / (whole / count);
    Some(student_95(BATCHES - 1) * error)
}
