//! What the scenario's expectations measure, each in its own window of time.

use crate::base::time::{Span, Time};
use crate::model::{Bound, Expectation, Metric, Model, Target, WorkloadId};

use super::batches::{BATCHES, half_width};
use super::latency::Latency;

/// Counts since the start, by time of the event, of one workload, service, pool or cache.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Workload: requests started. Service: attempts that arrived. Edge: calls made. Pool: permits wanted. Cache: lookups. Topic: messages
    /// that were kept.
    pub(super) offered: u64,
    pub(super) answered: u64,
    pub(super) good: u64,
    pub(super) failed: u64,
    /// Workload: answered well with the help of a fallback. Edge: calls for whose answer one stood in.
    pub(super) degraded: u64,
    pub(super) rejected: u64,
    pub(super) shed: u64,
    pub(super) dropped: u64,
    pub(super) waited: u64,
    /// Requests that users started: of this workload, or of all of them for a service.
    pub(super) requests: u64,
    pub(super) calls: u64,
    pub(super) attempts: u64,
    pub(super) busy_nanos: u128,
    pub(super) wasted_nanos: u128,
    pub(super) queue_nanos: u128,
    pub(super) in_system_nanos: u128,
    pub(super) limit_nanos: u128,
    /// Cache: lookups that neither fetched nor waited.
    pub(super) hits: u64,
    pub(super) fetches: u64,
    pub(super) expired: u64,
    /// Messages that became dead letters, were lost, came again, were handled well for nothing, or late for their key.
    pub(super) dead: u64,
    pub(super) lost: u64,
    pub(super) redelivered: u64,
    pub(super) duplicates: u64,
    pub(super) reordered: u64,
}

/// The window of one expectation.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) from: Time,
    pub(super) until: Time,
    pub(super) target: Target,
    metric: Metric,
    bound: Bound,
    /// Threads of the target service or permits of the target pool in all, where they are limited.
    threads: Option<f64>,
    /// Its batches, or 1 where nobody asks how sure its mean is.
    parts: usize,
    /// What stood there at its beginning and at the end of each part, as far as the run has come.
    readings: Vec<Reading>,
    lengths: Latency,
    /// The most that waited, and the longest.
    peak: Option<(u32, Span)>,
}

/// What a window reads off.
#[derive(Clone, Copy, Debug)]
struct Reading {
    counts: Counts,
    /// Lengths of time so far: how many, and their sum.
    lengths: (u64, u128),
}

impl Window {
    /// That of an expectation; in batches where somebody asks how sure means are.
    pub(super) fn new(model: &Model, expectation: &Expectation, in_batches: bool) -> Window {
        let during = (expectation.from, expectation.until.min(model.end()));
        let threads = match expectation.target {
            Target::Service(id) => {
                model.mean_of_service(id, during, |service| service.threads_in_all().map(|threads| threads as f64))
            }
            Target::Pool(id) => {
                model.mean_over(during, |time| model.permits_in_all_at(id, time).map(|permits| permits as f64))
            }
            Target::Workload(_)
            | Target::Edge(_)
            | Target::Cache(_)
            | Target::Topic(_)
            | Target::Consumer(_)
            | Target::Run => None,
        };
        Window {
            from: expectation.from,
            until: expectation.until.min(model.end()),
            target: expectation.target,
            metric: expectation.metric,
            bound: expectation.bound,
            threads,
            parts: if in_batches { BATCHES } else { 1 },
            readings: Vec::new(),
            lengths: Latency::default(),
            peak: None,
        }
    }

    /// Whether its latencies are wanted of requests that end at a workload or service.
    pub(super) fn wants_latency(&self, target: Target) -> bool {
        self.target == target && matches!(self.metric, Metric::Mean | Metric::Quantile(_) | Metric::Max)
    }

    /// Whether it wants to know how long requests wait at a service or a pool.
    pub(super) fn wants_waits(&self, target: Target) -> bool {
        self.target == target && matches!(self.metric, Metric::Wait | Metric::WaitQuantile(_))
    }

    /// Whether it wants to know how many requests of `workload` are under way.
    pub(super) fn wants_level(&self, workload: WorkloadId) -> bool {
        self.target == Target::Workload(workload) && self.metric == Metric::InSystem
    }

    /// A request that was answered left `target` at `now`, `latency` after it came.
    #[cold]
    pub(super) fn tell_latency(windows: &mut [Window], target: Target, now: Time, latency: Span) {
        windows.iter_mut().filter(|it| it.wants_latency(target)).for_each(|it| it.record(now, latency));
    }

    /// A wait at `target` ended at `now`.
    #[cold]
    pub(super) fn tell_wait(windows: &mut [Window], target: Target, now: Time, length: Span) {
        windows.iter_mut().filter(|it| it.wants_waits(target)).for_each(|it| it.record(now, length));
    }

    /// Whether it wants to know how many messages wait, or how long.
    pub(super) fn wants_lag(&self) -> bool {
        self.metric == Metric::Lag
    }

    /// So many messages wait at its target at `now`, the oldest for so long.
    pub(super) fn tell_lag(&mut self, now: Time, (count, age): (u32, Span)) {
        if (self.from..=self.until).contains(&now) {
            let (most, longest) = self.peak.unwrap_or_default();
            self.peak = Some((most.max(count), longest.max(age)));
        }
    }

    fn record(&mut self, now: Time, length: Span) {
        if (self.from..self.until).contains(&now) {
            self.lengths.record(length);
        }
    }

    /// When it is to be read off next.
    pub(super) fn next(&self) -> Option<Time> {
        (self.readings.len() <= self.parts).then(|| self.end_of(self.readings.len()))
    }

    /// The end of so many parts.
    fn end_of(&self, parts: usize) -> Time {
        let whole = u128::from(self.until.since(self.from).as_nanos());
        self.from + Span::from_nanos((whole * parts as u128 / self.parts as u128) as u64)
    }

    /// The clock is at `now`, and the target has counted `counts` so far.
    pub(super) fn pass(&mut self, now: Time, counts: Counts) {
        while self.next().is_some_and(|next| now >= next) {
            let lengths = (self.lengths.count(), self.lengths.sum_nanos());
            self.readings.push(Reading { counts, lengths });
        }
    }

    /// The measured value in the unit of the bound, or `None` without a sample.
    pub(super) fn value(&self) -> Option<f64> {
        let (start, end) = (self.readings.first()?, self.readings.get(self.parts)?);
        match self.metric {
            Metric::Mean | Metric::Wait => self.lengths.mean().map(Span::as_secs_f64),
            Metric::Quantile(quantile) | Metric::WaitQuantile(quantile) => {
                self.lengths.quantile(quantile).map(Span::as_secs_f64)
            }
            Metric::Max => self.lengths.max().map(Span::as_secs_f64),
            Metric::Lag => self.peak.map(|(count, age)| match self.bound {
                Bound::Span(_) => age.as_secs_f64(),
                _ => f64::from(count),
            }),
            _ => {
                let (part, whole) = self.fraction(start, end, self.until.since(self.from))?;
                (whole > 0.0).then(|| part / whole)
            }
        }
    }

    /// Half the width of its 95% confidence interval, where there is one.
    pub(super) fn half_width(&self) -> Option<f64> {
        if self.parts < BATCHES || self.readings.len() <= self.parts {
            return None;
        }
        let (mut parts, mut wholes) = ([0.0; BATCHES], [0.0; BATCHES]);
        for batch in 0..BATCHES {
            let length = self.end_of(batch + 1).since(self.end_of(batch));
            (parts[batch], wholes[batch]) = self.fraction(&self.readings[batch], &self.readings[batch + 1], length)?;
        }
        half_width(&parts, &wholes)
    }

    /// What a mean is the ratio of, between two readings that are so far apart; `None` for what is no mean.
    fn fraction(&self, start: &Reading, end: &Reading, apart: Span) -> Option<(f64, f64)> {
        let lengths = || {
            let (count, sum_nanos) = (end.lengths.0 - start.lengths.0, end.lengths.1 - start.lengths.1);
            Some((sum_nanos as f64 / 1e9, count as f64))
        };
        let (start, end) = (&start.counts, &end.counts);
        let secs = apart.as_secs_f64();
        let nanos = secs * 1e9;
        let ratio = |part: f64, whole: f64| Some((part, whole));
        let offered = (end.offered - start.offered) as f64;
        let count = |part: u64| match self.bound {
            Bound::Rate(_) => ratio(part as f64, secs),
            // So many in all.
            Bound::Number(_) => ratio(part as f64, 1.0),
            _ => ratio(part as f64, offered),
        };
        match self.metric {
            Metric::Goodput => count(end.good - start.good),
            Metric::Throughput => count(end.answered - start.answered),
            Metric::Failures => count(end.failed - start.failed),
            Metric::Degraded | Metric::Fallbacks => count(end.degraded - start.degraded),
            Metric::Rejected => count(end.rejected - start.rejected),
            Metric::Shed => count(end.shed - start.shed),
            Metric::HitRatio => ratio((end.hits - start.hits) as f64, offered),
            Metric::Fetches => count(end.fetches - start.fetches),
            Metric::Expired => count(end.expired - start.expired),
            Metric::Dropped => count(end.dropped - start.dropped),
            Metric::Waited => count(end.waited - start.waited),
            Metric::Mean | Metric::Wait => lengths(),
            Metric::Quantile(_) | Metric::WaitQuantile(_) | Metric::Max | Metric::Lag => None,
            Metric::Consumed => count(end.answered - start.answered),
            Metric::Dead => count(end.dead - start.dead),
            Metric::Lost => count(end.lost - start.lost),
            Metric::Redelivered => count(end.redelivered - start.redelivered),
            Metric::Reordered => count(end.reordered - start.reordered),
            Metric::Duplicates => count(end.duplicates - start.duplicates),
            Metric::Utilisation => ratio((end.busy_nanos - start.busy_nanos) as f64, nanos * self.threads?),
            Metric::Queue => ratio((end.queue_nanos - start.queue_nanos) as f64, nanos),
            Metric::Limit => ratio((end.limit_nanos - start.limit_nanos) as f64, nanos),
            Metric::InSystem => ratio((end.in_system_nanos - start.in_system_nanos) as f64, nanos),
            Metric::Attempts => {
                let whole =
                    if matches!(self.bound, Bound::Rate(_)) { secs } else { (end.requests - start.requests) as f64 };
                ratio((end.attempts - start.attempts) as f64, whole)
            }
            // What it is compared with stands in the results of the twin.
            Metric::Amplification => ratio((end.attempts - start.attempts) as f64, secs),
            Metric::TimeToRecover | Metric::Verdict => None,
            Metric::RetryFactor => ratio((end.attempts - start.attempts) as f64, (end.calls - start.calls) as f64),
            Metric::Waste => {
                ratio((end.wasted_nanos - start.wasted_nanos) as f64, (end.busy_nanos - start.busy_nanos) as f64)
            }
        }
    }
}
