//! Numbers that follow from the results and that more than one format shows, each defined once:
//! rates and shares over the time that totals cover, utilisation, waste, the bottleneck, who is busiest.

use crate::base::time::{Span, Time};
use crate::measure::{self, Confidence, EdgeResult, NoConfidence, OUTCOMES, Results, ServiceResult, WorkloadResult};
use crate::model::{Caller, Edge, EdgeId, Effect, Expectation, Fault, Ids, Limit, Model, Service, ServiceId};
use crate::policy::Outcome;

use super::Input;

/// An expectation and how it went.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// What was expected.
    pub expectation: &'a Expectation,
    /// What was measured, in the unit of the bound; `None` without a sample.
    pub value: Option<f64>,
    /// Half the width of its 95% confidence interval, where there is one.
    pub half_width: Option<f64>,
    /// Whether it holds. What has no sample does not hold; what was interrupted is not judged.
    pub pass: Option<bool>,
}

/// How every expectation went, in file order.
pub fn verdicts<'a>(input: &Input<'a>) -> Vec<Verdict<'a>> {
    let measured = input.results.measured.iter().copied().chain(std::iter::repeat(None));
    let half_widths = input.results.measured_half_widths.iter().copied().chain(std::iter::repeat(None));
    let verdict = |((expectation, value), half_width): ((&'a Expectation, Option<f64>), Option<f64>)| {
        let bound = expectation.bound.value();
        let holds = value.is_some_and(|v| expectation.comparison.holds(v, bound));
        Verdict { expectation, value, half_width, pass: (!input.results.interrupted).then_some(holds) }
    };
    input.model.expectations.iter().zip(measured).zip(half_widths).map(verdict).collect()
}

/// A run with what follows from it.
pub(super) struct Facts<'a> {
    pub(super) model: &'a Model,
    pub(super) results: &'a Results,
    /// Of the run without triggers.
    pub(super) twin: Option<&'a Results>,
    pub(super) edges: Ids<EdgeId, Edge>,
    /// Names of the edges, parallel to `edges`, each once.
    pub(super) edge_names: Vec<String>,
    /// What the means are worth.
    pub(super) confidence: Result<Confidence, NoConfidence>,
}

/// At this part of the highest utilisation a service is about as busy as the busiest.
const CLOSE: f64 = 0.9;

impl<'a> Facts<'a> {
    pub(super) fn new(input: &Input<'a>) -> Facts<'a> {
        let model = input.model;
        let edges = model.edges();
        let edge_names = edge_names(model, &edges);
        let confidence = measure::confidence(model, input.results);
        Facts { model, results: input.results, twin: input.twin, edges, edge_names, confidence }
    }

    /// The time that totals cover: from the end of the warm-up to the end of the run.
    pub(super) fn window(&self) -> (Time, Time) {
        let from = Time::ZERO + self.model.warmup;
        (from, self.results.ended.max(from))
    }

    /// `count` per second of [`Facts::window`].
    pub(super) fn per_sec(&self, count: u64) -> Option<f64> {
        ratio(count as f64, self.window_secs())
    }

    /// A time integral over [`Facts::window`] as a mean level.
    pub(super) fn mean_level(&self, integral_nanos: u128) -> Option<f64> {
        ratio(integral_nanos as f64 / 1e9, self.window_secs())
    }

    /// Threads of all replicas when there are most of them; `None` if they are ever unlimited.
    pub(super) fn threads_most(&self, id: usize) -> Option<f64> {
        self.most_over_time(|time| pool(&self.model.service_at(ServiceId(id as u32), time)))
    }

    /// The most that there ever is of something that only changes can change; `None` if it is ever none.
    pub(super) fn most_over_time(&self, at: impl Fn(Time) -> Option<f64>) -> Option<f64> {
        let times = self.model.changes.iter().map(|change| change.at);
        times.chain([Time::ZERO]).map(at).try_fold(0.0, |most: f64, there| Some(most.max(there?)))
    }

    /// Busy threads ÷ threads of all replicas; `None` for an unlimited pool.
    pub(super) fn thread_utilisation(&self, id: usize) -> Option<f64> {
        let threads = self.model.mean_of_service(ServiceId(id as u32), self.window(), pool)?;
        Some(self.mean_level(self.results.services[id].busy_nanos)? / threads)
    }

    /// Busy cores ÷ cores of all replicas; `None` when every thread has a core of its own.
    pub(super) fn core_utilisation(&self, id: usize) -> Option<f64> {
        let cores = |service: &Service| service.cores_in_all().map(|cores| cores as f64);
        let cores = self.model.mean_of_service(ServiceId(id as u32), self.window(), cores)?;
        Some(self.mean_level(self.results.services[id].work_nanos)? / cores)
    }

    /// Attempts that arrived at a service, as a multiple of those of the twin run.
    pub(super) fn amplification(&self, id: usize) -> Option<f64> {
        let usual = self.twin?.services[id].arrivals;
        ratio(self.results.services[id].arrivals as f64, usual as f64)
    }

    /// Half the widths of confidence intervals, where there are any.
    pub(super) fn half_widths<T>(&self, of: impl FnOnce(&Confidence) -> T) -> Option<T> {
        self.confidence.as_ref().ok().map(of)
    }

    /// The higher one of the two utilisations.
    pub(super) fn utilisation(&self, id: usize) -> Option<f64> {
        let (threads, cores) = (self.thread_utilisation(id), self.core_utilisation(id));
        threads.into_iter().chain(cores).reduce(f64::max)
    }

    /// The service that limits the run: among those about as utilised as the most utilised one, the one
    /// that calls none of the others, because the threads of a caller are busy waiting for it. Thread pools
    /// downstream that are not limited cannot be found here.
    pub(super) fn bottleneck(&self) -> Option<usize> {
        let utilisation: Vec<f64> =
            (0..self.model.services.len()).map(|id| self.utilisation(id).unwrap_or(0.0)).collect();
        let highest = utilisation.iter().copied().fold(0.0, f64::max);
        if highest <= 0.0 {
            return None;
        }
        let close = |id: usize| utilisation[id] >= CLOSE * highest;
        let waits = |id: usize| {
            self.edges.iter().any(|edge| {
                let to = self.callee(edge);
                edge.from == Caller::Service(ServiceId(id as u32)) && to != id && close(to)
            })
        };
        let candidates: Vec<usize> = (0..utilisation.len()).filter(|id| close(*id)).collect();
        let ends: Vec<usize> = candidates.iter().copied().filter(|id| !waits(*id)).collect();
        let among = if ends.is_empty() { candidates } else { ends };
        among.into_iter().reduce(|best, id| if utilisation[id] > utilisation[best] { id } else { best })
    }

    /// Ids of the `limit` services with the most busy thread time, the busiest first.
    pub(super) fn busiest_services(&self, limit: usize) -> Vec<usize> {
        busiest(self.results.services.len(), limit, |id| {
            let service = &self.results.services[id];
            (service.busy_nanos, service.arrivals)
        })
    }

    /// Ids of the `limit` edges with the most attempts, the busiest first.
    pub(super) fn busiest_edges(&self, limit: usize) -> Vec<usize> {
        busiest(self.results.edges.len(), limit, |id| {
            let edge = &self.results.edges[id];
            (edge.attempts, edge.calls)
        })
    }

    pub(super) fn service(&self, id: usize) -> &'a Service {
        &self.model.services[ServiceId(id as u32)]
    }

    /// The service that an edge calls.
    pub(super) fn callee(&self, edge: &Edge) -> usize {
        self.model.endpoints[edge.to].service.0 as usize
    }

    /// The name of who calls.
    pub(super) fn caller_name(&self, edge: &Edge) -> &'a str {
        match edge.from {
            Caller::Workload(id) => &self.model.workloads[id].name,
            Caller::Service(id) => &self.model.services[id].name,
            Caller::Consumer(id) => &self.model.consumers[id].name,
        }
    }

    /// How many calls lie between the users and each service at least; services that nobody calls come last.
    pub(super) fn depths(&self) -> Vec<usize> {
        let mut depths = vec![usize::MAX; self.model.services.len()];
        let mut callees = vec![Vec::new(); depths.len()];
        let mut reached = Vec::new();
        for edge in self.edges.iter() {
            match edge.from {
                Caller::Workload(_) | Caller::Consumer(_) => reached.push(self.callee(edge)),
                Caller::Service(id) => callees[id.0 as usize].push(self.callee(edge)),
            }
        }
        let mut depth = 0;
        while !reached.is_empty() {
            let mut next = Vec::new();
            for id in reached {
                if depths[id] == usize::MAX {
                    depths[id] = depth;
                    next.extend_from_slice(&callees[id]);
                }
            }
            reached = next;
            depth += 1;
        }
        depths
    }

    fn window_secs(&self) -> f64 {
        let (from, until) = self.window();
        until.since(from).as_secs_f64()
    }
}

/// Threads of all replicas; `None` when they are not limited.
pub(super) fn pool(service: &Service) -> Option<f64> {
    match service.threads {
        Limit::Unlimited => None,
        Limit::AtMost(threads) => Some(f64::from(threads) * f64::from(service.replicas)),
    }
}

/// `part ÷ whole`, or `None` when there is no whole.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then_some(part / whole)
}

/// Thread time for callers who had given up ÷ busy thread time.
pub(super) fn waste(service: &ServiceResult) -> Option<f64> {
    ratio(service.wasted_nanos as f64, service.busy_nanos as f64)
}

/// Attempts sent ÷ calls made. Below 1 when a breaker holds calls back.
pub(super) fn retry_factor(edge: &EdgeResult) -> Option<f64> {
    ratio(edge.attempts as f64, edge.calls as f64)
}

/// The outcomes that data files name, with their counts. Only some clients throttle or limit: that stands there where
/// it happened.
pub(super) fn outcomes(counts: &[u64; OUTCOMES]) -> impl Iterator<Item = (&'static str, u64)> {
    let counts = Outcome::ALL.map(|outcome| (outcome, counts[outcome as usize]));
    let named = counts
        .into_iter()
        .filter(|(outcome, count)| !matches!(outcome, Outcome::Throttled | Outcome::Limited) || *count > 0);
    named.map(|(outcome, count)| (outcome.name(), count))
}

/// Requests that were answered well, in time or late.
pub(super) fn answered(workload: &WorkloadResult) -> u64 {
    workload.outcomes[Outcome::Ok as usize]
}

/// Requests that ended without a good answer.
pub(super) fn failed(workload: &WorkloadResult) -> u64 {
    workload.outcomes.iter().sum::<u64>() - answered(workload)
}

/// When a fault is over; `None` of one that lasts to the end of the run.
pub(super) fn fault_over(fault: &Fault) -> Option<Time> {
    match fault.effect {
        // Over at once.
        Effect::Flush => Some(fault.at),
        _ => Some(fault.at + fault.lasts?),
    }
}

/// Width of each point of the series: that of the last one may be cut short.
pub(super) fn point_width(results: &Results, point: usize) -> Span {
    let (from, until) = point_bounds(results, point);
    until.since(from)
}

/// Start and end of a point of the series.
pub(super) fn point_bounds(results: &Results, point: usize) -> (Time, Time) {
    let interval = results.series.interval.as_nanos();
    let from = interval.saturating_mul(point as u64);
    let until = Time::from_nanos(from.saturating_add(interval)).min(results.ended);
    (Time::from_nanos(from), until)
}

fn busiest<K: Ord>(len: usize, limit: usize, key: impl Fn(usize) -> K) -> Vec<usize> {
    let mut ids: Vec<usize> = (0..len).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(key(*id)));
    ids.truncate(limit);
    ids
}

/// Edges that differ only in their client say so.
fn edge_names(model: &Model, edges: &Ids<EdgeId, Edge>) -> Vec<String> {
    let plain: Vec<String> = edges.iter().map(|edge| model.edge_name(edge)).collect();
    let mut times = std::collections::BTreeMap::new();
    plain.iter().for_each(|name| *times.entry(name.as_str()).or_insert(0) += 1);
    let unique = |(name, edge): (&String, &Edge)| match times[name.as_str()] {
        1 => name.clone(),
        _ => format!("{name} via {}", model.clients[edge.client].name),
    };
    plain.iter().zip(edges.iter()).map(unique).collect()
}
