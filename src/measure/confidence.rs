//! What the means of one run are worth: confidence intervals by batch means, and whether the warm-up was long enough.
//!
//! The points of the series after the warm-up are cut into ten batches of equal length, whose means are nearly
//! independent when a batch is long against the time for which the system remembers. Student's t over the batches gives
//! the interval; for a ratio (a share, a mean latency) the ratio estimator does, because numerator and denominator go
//! together (Law, "Simulation Modeling and Analysis"). Batches are of what happened in them,
//! totals of those that arrived in the time: the two differ by what crosses the ends.
//!
//! That is honest only for a run whose load and system stay as they are. With a fault, a changing rate or a burst the
//! differences between batches are the course of the run, not chance, and what one run says about the next one is
//! unknown: there is no interval then, and only replications would give one.

use serde::Serialize;

use crate::base::student::student_95;
use crate::base::time::{Span, Time};
use crate::model::{Arrivals, Model, Process};

use super::results::{EdgeSeries, Results, ServiceSeries, WorkloadSeries};

/// Few enough that a batch of a run of some thousand requests is long, enough that t is small.
const BATCHES: usize = 10;

/// Half the widths of 95% confidence intervals: the mean lies within, give or take so much. Each in the unit of its
/// mean; `None` where the batches do not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confidence {
    /// The length of a batch.
    pub batch: Span,
    /// Parallel to `model.workloads`.
    pub workloads: Vec<WorkloadConfidence>,
    /// Parallel to `model.services`.
    pub services: Vec<ServiceConfidence>,
    /// Parallel to `model.edges()`.
    pub edges: Vec<EdgeConfidence>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct WorkloadConfidence {
    pub offered_per_s: Option<f64>,
    pub goodput_share: Option<f64>,
    pub goodput_per_s: Option<f64>,
    pub throughput_share: Option<f64>,
    pub throughput_per_s: Option<f64>,
    pub failed_share: Option<f64>,
    pub attempts_per_request: Option<f64>,
    pub latency_mean_s: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct ServiceConfidence {
    pub busy_threads_mean: Option<f64>,
    pub busy_cores_mean: Option<f64>,
    pub queue_mean: Option<f64>,
    pub in_system_mean: Option<f64>,
    pub rejected_share: Option<f64>,
    pub shed_share: Option<f64>,
    pub wait_mean_s: Option<f64>,
    pub waste_share: Option<f64>,
}

/// See [`Confidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names are those of the means")]
pub struct EdgeConfidence {
    pub retry_factor: Option<f64>,
    pub ok_share: Option<f64>,
}

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
}

/// The confidence intervals of a run.
pub fn confidence(model: &Model, results: &Results) -> Result<Confidence, NoConfidence> {
    stationary(model)?;
    let batches = Batches::of(model, results).ok_or(NoConfidence::Short)?;
    let series = &results.series;
    Ok(Confidence {
        batch: batches.length(),
        workloads: series.workloads.iter().map(|it| batches.workload(it)).collect(),
        services: series.services.iter().map(|it| batches.service(it)).collect(),
        edges: series.edges.iter().map(|it| batches.edge(it)).collect(),
    })
}

/// Whether nothing but chance makes one part of a run differ from another.
fn stationary(model: &Model) -> Result<(), NoConfidence> {
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

/// Points of the series, cut into batches.
struct Batches {
    /// The first point of the first batch.
    first: usize,
    /// Points in each.
    points: usize,
    interval: Span,
}

impl Batches {
    fn of(model: &Model, results: &Results) -> Option<Batches> {
        let interval = results.series.interval;
        let width = interval.as_nanos().max(1);
        let from = model.warmup.as_nanos().div_ceil(width) as usize;
        // The last point may be cut short.
        let until = (results.ended.as_nanos() / width) as usize;
        let points = until.min(results.series.points).checked_sub(from)? / BATCHES;
        let first = until.checked_sub(points * BATCHES)?;
        (points > 0).then_some(Batches { first, points, interval })
    }

    fn length(&self) -> Span {
        Span::from_nanos(self.interval.as_nanos() * self.points as u64)
    }

    fn secs(&self) -> f64 {
        self.length().as_secs_f64()
    }

    /// The sum of a column in every batch.
    fn sums<T: Copy>(&self, column: &[T], number: impl Fn(T) -> f64) -> [f64; BATCHES] {
        std::array::from_fn(|batch| {
            let start = self.first + batch * self.points;
            column.iter().skip(start).take(self.points).map(|value| number(*value)).sum()
        })
    }

    fn counts(&self, column: &[u64]) -> [f64; BATCHES] {
        self.sums(column, |count| count as f64)
    }

    /// Of a level that is a mean over each point.
    fn level(&self, column: &[f64]) -> Option<f64> {
        half_width(&self.sums(column, |level| level), &[self.points as f64; BATCHES])
    }

    fn rate(&self, counts: &[f64; BATCHES]) -> Option<f64> {
        half_width(counts, &[self.secs(); BATCHES])
    }

    fn workload(&self, it: &WorkloadSeries) -> WorkloadConfidence {
        let [offered, answered, good, failed, attempts] =
            [&it.offered, &it.answered, &it.good, &it.failed, &it.attempts].map(|column| self.counts(column));
        let latency = self.sums(&it.latency_nanos, |nanos| nanos as f64 / 1e9);
        WorkloadConfidence {
            offered_per_s: self.rate(&offered),
            goodput_share: half_width(&good, &offered),
            goodput_per_s: self.rate(&good),
            throughput_share: half_width(&answered, &offered),
            throughput_per_s: self.rate(&answered),
            failed_share: half_width(&failed, &offered),
            attempts_per_request: half_width(&attempts, &offered),
            latency_mean_s: half_width(&latency, &answered),
        }
    }

    fn service(&self, it: &ServiceSeries) -> ServiceConfidence {
        let [arrivals, rejected, shed] = [&it.arrivals, &it.rejected, &it.shed].map(|column| self.counts(column));
        let secs = self.interval.as_secs_f64();
        let [queue, busy, wasted] = [&it.queue, &it.busy, &it.wasted].map(|column| self.sums(column, |it| it * secs));
        // By Little's law in each batch: who waits, over who was let in; unless some of them waited in vain.
        let in_vain = shed.iter().any(|count| *count > 0.0);
        let admitted = std::array::from_fn(|batch| arrivals[batch] - rejected[batch]);
        ServiceConfidence {
            busy_threads_mean: self.level(&it.busy),
            busy_cores_mean: self.level(&it.cores),
            queue_mean: self.level(&it.queue),
            in_system_mean: self.level(&it.in_system),
            rejected_share: half_width(&rejected, &arrivals),
            shed_share: half_width(&shed, &arrivals),
            wait_mean_s: half_width(&queue, &admitted).filter(|_| !in_vain),
            waste_share: half_width(&wasted, &busy),
        }
    }

    fn edge(&self, it: &EdgeSeries) -> EdgeConfidence {
        let [calls, attempts, ok, failed, short] =
            [&it.calls, &it.attempts, &it.ok, &it.failed, &it.short_circuited].map(|column| self.counts(column));
        let ended = std::array::from_fn(|batch| ok[batch] + failed[batch] + short[batch]);
        EdgeConfidence { retry_factor: half_width(&attempts, &calls), ok_share: half_width(&ok, &ended) }
    }
}

/// Half the width of the 95% interval of Σ parts ÷ Σ wholes; `None` where there is nothing whole.
fn half_width(parts: &[f64; BATCHES], wholes: &[f64; BATCHES]) -> Option<f64> {
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

/// How a run began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transient {
    /// Until here it should have warmed up.
    pub until: Time,
    /// Requests in all services, from the end of the warm-up that it had to `until`.
    pub early: f64,
    /// Requests in all services afterwards.
    pub later: f64,
}

/// Whether a stationary run still filled up after its warm-up, by the number of requests in all services and MSER-5
/// (White, Cobb and Spratt, "A Comparison of Five Steady-State Truncation Heuristics for Simulation", 2000): of all places
/// at which the run could be cut, in steps of five points, the one that makes the standard error of what is left
/// smallest. The rule also cuts where there is nothing but chance. So the first place is taken that is nearly as good,
/// within a quarter of the variance; and since every run starts empty, what is cut off must be emptier than the rest by
/// a fifth.
pub fn transient(model: &Model, results: &Results) -> Option<Transient> {
    const STEP: usize = 5;
    const NEARLY: f64 = 1.25;
    const EMPTIER: f64 = 0.8;
    stationary(model).ok()?;
    let series = &results.series;
    let width = series.interval.as_nanos().max(1);
    let whole = series.points.min((results.ended.as_nanos() / width) as usize);
    let levels: Vec<f64> = (0..whole).map(|point| series.services.iter().map(|it| it.in_system[point]).sum()).collect();
    let steps: Vec<f64> = levels.chunks_exact(STEP).map(mean).collect();
    // Beyond the middle there is too little left to tell.
    let error = |cut: usize| {
        let rest = &steps[cut..];
        let middle = mean(rest);
        let squares: f64 = rest.iter().map(|level| (level - middle) * (level - middle)).sum();
        squares / (rest.len() * rest.len()) as f64
    };
    let errors: Vec<f64> = (0..=steps.len() / 2).map(error).collect();
    let smallest = errors.iter().copied().min_by(f64::total_cmp)?;
    let cut = STEP * errors.iter().position(|error| *error <= NEARLY * smallest)?;
    let had = model.warmup.as_nanos().div_ceil(width) as usize;
    if cut <= had || steps.len() < 2 {
        return None;
    }
    let (early, later) = (mean(&levels[had..cut]), mean(&levels[cut..]));
    let until = Time::from_nanos(width * cut as u64);
    (early < EMPTIER * later).then_some(Transient { until, early, later })
}

fn mean(levels: &[f64]) -> f64 {
    levels.iter().sum::<f64>() / levels.len() as f64
}
