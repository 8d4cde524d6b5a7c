//! What clients do instead of calling: answers that something has stood in for, and replicas that they do not see. Models
//! without fallbacks and outlier detection have none of it.

use crate::base::time::{Span, Time};
use crate::model::{Channels, Edge, EdgeId, Ids, Model, Step};

use super::level::Level;

/// What clients did instead of calling.
#[derive(Clone, Debug, Default)]
pub struct ResilienceResults {
    /// Requests that arrived after the warm-up and were answered well though something had stood in for an answer on their
    /// way, in time or not. Parallel to `model.workloads`; empty where no call has a fallback.
    pub degraded: Vec<u64>,
    /// Parallel to `model.edges()`; `None` where no call has a fallback.
    pub fallbacks: Vec<Option<FallbackResult>>,
    /// Parallel to `model.edges()`; `None` where the client has no outlier detection.
    pub ejections: Vec<Option<EjectionResult>>,
}

/// Answers along an edge that something has stood in for.
#[derive(Clone, Debug, Default)]
pub struct FallbackResult {
    /// How many, by the time of the event, after the warm-up.
    pub served: u64,
    /// Over time, warm-up included.
    pub series: Vec<u64>,
}

/// Replicas that the callers of an edge do not see. Edges of one caller and one client to the same service share them.
/// A caller finds that a replica is back when it hears of an answer.
#[derive(Clone, Debug, Default)]
pub struct EjectionResult {
    /// How often a replica was ejected after the warm-up, all callers together.
    pub count: u64,
    /// ∫ ejected replicas dt after the warm-up, all callers together, in nanoseconds.
    pub ejected_nanos: u128,
    /// Callers that eject, each for itself.
    pub callers: u32,
    /// How often, over time, warm-up included.
    pub counts: Vec<u64>,
    /// Mean number of replicas that a caller does not see, over time.
    pub ejected: Vec<f64>,
}

/// See the module.
pub(super) struct ResilienceMeters {
    from: Time,
    results: ResilienceResults,
    /// By edge.
    channel_of: Vec<u32>,
    /// By channel.
    channels: Vec<ChannelMeter>,
    /// By edge: served at the last point.
    last_served: Vec<u64>,
    served: Vec<u64>,
}

#[derive(Clone, Default)]
struct ChannelMeter {
    level: Level,
    count: u64,
    last_count: u64,
    count_before: u64,
    last_nanos: u128,
    nanos_before: u128,
}

impl ResilienceMeters {
    /// `None` where there is nothing to measure.
    pub(super) fn new(model: &Model, edges: &Ids<EdgeId, Edge>, channels: &Channels) -> Option<Box<ResilienceMeters>> {
        let standby = with_fallbacks(model, edges);
        let has_fallbacks = standby.iter().any(|has| *has);
        let ejects = |edge: &Edge| model.clients[edge.client].outlier.is_some();
        if !has_fallbacks && !edges.iter().any(ejects) {
            return None;
        }
        let ejections = edges.iter().map(|edge| {
            let callers = model.caller_replicas(edge.from);
            ejects(edge).then(|| EjectionResult { callers, ..EjectionResult::default() })
        });
        Some(Box::new(ResilienceMeters {
            from: Time::ZERO + model.warmup,
            results: ResilienceResults {
                degraded: if has_fallbacks { vec![0; model.workloads.len()] } else { Vec::new() },
                fallbacks: standby.iter().map(|has| has.then(FallbackResult::default)).collect(),
                ejections: ejections.collect(),
            },
            channel_of: channels.of.clone(),
            channels: vec![ChannelMeter::default(); channels.list.len()],
            last_served: vec![0; edges.len()],
            served: vec![0; edges.len()],
        }))
    }

    pub(super) fn fell_back(&mut self, edge: u32, now: Time) {
        self.served[edge as usize] += 1;
        if let Some(it) = self.results.fallbacks[edge as usize].as_mut().filter(|_| now >= self.from) {
            it.served += 1;
        }
    }

    /// How many answers along an edge something has stood in for so far.
    pub(super) fn served(&self, edge: usize) -> u64 {
        self.served[edge]
    }

    pub(super) fn degraded(&mut self, workload: u32, arrived: Time) {
        self.results.degraded[workload as usize] += u64::from(arrived >= self.from);
    }

    pub(super) fn ejected(&mut self, channel: u32, now: Time, change: i32) {
        let meter = &mut self.channels[channel as usize];
        meter.level.add(now, change);
        meter.count += u64::from(change.max(0).unsigned_abs());
    }

    pub(super) fn start_totals(&mut self, now: Time) {
        for meter in &mut self.channels {
            (meter.count_before, meter.nanos_before) = (meter.count, meter.level.integral(now));
        }
    }

    pub(super) fn add_point(&mut self, now: Time, length: Span) {
        for (edge, it) in self.results.fallbacks.iter_mut().enumerate() {
            let Some(it) = it else { continue };
            it.series.push(self.served[edge] - self.last_served[edge]);
            self.last_served[edge] = self.served[edge];
        }
        for (it, channel) in self.results.ejections.iter_mut().zip(&self.channel_of) {
            let (Some(it), meter) = (it, &self.channels[*channel as usize]) else { continue };
            let whole = length.as_nanos() as f64 * f64::from(it.callers.max(1));
            it.ejected.push((meter.level.integral(now) - meter.last_nanos) as f64 / whole);
            it.counts.push(meter.count - meter.last_count);
        }
        for meter in &mut self.channels {
            (meter.last_count, meter.last_nanos) = (meter.count, meter.level.integral(now));
        }
    }

    pub(super) fn finish(mut self, end: Time) -> ResilienceResults {
        for (it, channel) in self.results.ejections.iter_mut().zip(&self.channel_of) {
            let (Some(it), meter) = (it, &self.channels[*channel as usize]) else { continue };
            it.count = meter.count - meter.count_before;
            it.ejected_nanos = meter.level.integral(end) - meter.nanos_before;
        }
        self.results
    }
}

/// Which edges have calls with a fallback.
fn with_fallbacks(model: &Model, edges: &Ids<EdgeId, Edge>) -> Vec<bool> {
    let mut found = vec![false; edges.len()];
    for endpoint in model.endpoints.iter() {
        let mut to_visit: Vec<&[Step]> = vec![&endpoint.steps];
        while let Some(steps) = to_visit.pop() {
            for step in steps {
                if let Step::Call { endpoint: to, client, fallback: Some(_), .. } = step {
                    let from = crate::model::Caller::Service(endpoint.service);
                    let along = Edge { from, to: *to, client: *client };
                    found
                        .iter_mut()
                        .zip(edges.iter())
                        .filter(|(_, edge)| **edge == along)
                        .for_each(|(has, _)| *has = true);
                }
                to_visit.extend(step.lists());
            }
        }
    }
    found
}
