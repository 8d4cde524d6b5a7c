//! The meter: the observer behind [`super::simulate`]. It counts, integrates and records; [`Results`] are read off
//! it at the end.

use std::ops::ControlFlow;

use crate::base::time::{Span, Time};
use crate::kernel::agenda::Agenda;
use crate::kernel::{Departure, End, Engine, Observer};
use crate::model::{Caller, Id, Model, ServiceId, Target, WorkloadId};
use crate::policy::Outcome;
use crate::policy::breaker::BreakerState;

use super::latency::Latency;
use super::level::Level;
use super::recorder::Recorder;
use super::results::{
    EdgeResult, EdgeSeries, Results, Series, ServiceResult, ServiceSeries, WorkloadResult, WorkloadSeries,
};
use super::window::{Counts, Window};

/// Runs `model` on the agenda `A` and measures it; see [`super::simulate`].
pub(super) fn measure<A: Agenda>(model: &Model, progress: &mut dyn FnMut(Time) -> ControlFlow<()>) -> Results {
    let mut engine = Engine::<A, Meter>::new(model, Meter::new(model));
    let end = engine.run(progress);
    engine.into_observer().results(end)
}

struct Meter {
    /// Start and end of the time that totals count.
    from: Time,
    end: Time,
    interval: Span,
    /// The next point of the series ends here.
    tick: Time,
    boundary: Time,
    workloads: Vec<WorkloadMeter>,
    services: Vec<ServiceMeter>,
    edges: Vec<EdgeMeter>,
    channels: Vec<ChannelMeter>,
    recorder: Recorder,
    windows: Vec<Window>,
    series: Series,
}

struct WorkloadMeter {
    deadline: Option<Span>,
    counts: Counts,
    last: Counts,
    recent: Latency,
    result: WorkloadResult,
    watched: bool,
}

struct ServiceMeter {
    counts: Counts,
    last: Counts,
    busy: Level,
    wasted: Level,
    queue: Level,
    in_system: Level,
    cores: Level,
    /// Use of cores that are not shared.
    worked_nanos: u128,
    up: Level,
    /// Integrals at the start of the time that totals count: in the order of [`ServiceMeter::integrals`].
    before: [u128; 5],
    last_integrals: [u128; 5],
    result: ServiceResult,
    watched: bool,
}

struct EdgeMeter {
    from_workload: Option<u32>,
    service: u32,
    channel: u32,
    /// Counts by time of the event: calls, attempts, ok, failed, timeouts, short-circuited.
    counts: [u64; 6],
    last: [u64; 6],
    result: EdgeResult,
}

struct ChannelMeter {
    /// Breakers; zero when the client has none.
    breakers: u32,
    open: Level,
    half_open: Level,
    last: [u128; 2],
}

const CALLS: usize = 0;
const ATTEMPTS: usize = 1;
const OK: usize = 2;
const FAILED: usize = 3;
const TIMEOUTS: usize = 4;
const SHORT: usize = 5;

impl Meter {
    fn new(model: &Model) -> Meter {
        let edges = model.edges();
        let channels = model.channels(&edges);
        let windows: Vec<Window> = model.expectations.iter().map(|it| Window::new(model, it)).collect();
        let watched = |target: Target| windows.iter().any(|window| window.wants_latency(target));
        let mut meter = Meter {
            from: Time::ZERO + model.warmup,
            end: model.end(),
            interval: model.interval,
            tick: Time::ZERO + model.interval,
            boundary: Time::ZERO,
            workloads: model
                .workloads
                .enumerate()
                .map(|(id, workload)| WorkloadMeter {
                    deadline: workload.deadline,
                    counts: Counts::default(),
                    last: Counts::default(),
                    recent: Latency::default(),
                    result: WorkloadResult::default(),
                    watched: watched(Target::Workload(id)),
                })
                .collect(),
            services: model
                .services
                .enumerate()
                .map(|(id, service)| ServiceMeter::new(service.replicas, watched(Target::Service(id))))
                .collect(),
            edges: edges
                .enumerate()
                .map(|(id, edge)| EdgeMeter {
                    from_workload: match edge.from {
                        Caller::Workload(id) => Some(id.0),
                        Caller::Service(_) => None,
                    },
                    service: model.endpoints[edge.to].service.0,
                    channel: channels.of[id.index()],
                    counts: [0; 6],
                    last: [0; 6],
                    result: EdgeResult::default(),
                })
                .collect(),
            channels: channels
                .list
                .iter()
                .map(|channel| ChannelMeter {
                    breakers: match model.clients[channel.client].breaker {
                        Some(_) => model.caller_replicas(channel.from),
                        None => 0,
                    },
                    open: Level::default(),
                    half_open: Level::default(),
                    last: [0; 2],
                })
                .collect(),
            recorder: Recorder::new(model.workloads.len() + edges.len() + 2 * model.services.len()),
            windows,
            series: Series {
                interval: model.interval,
                points: 0,
                workloads: vec![WorkloadSeries::default(); model.workloads.len()],
                services: vec![ServiceSeries::default(); model.services.len()],
                edges: vec![EdgeSeries::default(); edges.len()],
            },
        };
        meter.boundary = meter.next_boundary(None);
        meter
    }

    // Places in the recorder: workloads, edges, waits, sojourns.

    fn edge_place(&self, edge: u32) -> u32 {
        self.workloads.len() as u32 + edge
    }

    fn wait_place(&self, service: u32) -> u32 {
        (self.workloads.len() + self.edges.len()) as u32 + service
    }

    fn sojourn_place(&self, service: u32) -> u32 {
        self.wait_place(service) + self.services.len() as u32
    }

    /// The first of all times at which something is read off that lies after `passed`.
    fn next_boundary(&self, passed: Option<Time>) -> Time {
        let times = self.windows.iter().flat_map(|window| [window.from, window.until]);
        times
            .chain([self.tick, self.from])
            .filter(|time| passed.is_none_or(|passed| *time > passed))
            .min()
            .unwrap_or(Time::MAX)
    }

    fn pass_windows(&mut self, now: Time) {
        for window in &mut self.windows {
            let counts = match window.target {
                Target::Workload(id) => self.workloads[id.index()].counts,
                Target::Service(id) => self.services[id.index()].counts_at(now),
            };
            window.pass(now, counts);
        }
    }

    /// Ends a point of the series at `now`.
    fn add_point(&mut self, now: Time, length: Span) {
        self.series.points += 1;
        for (meter, series) in self.workloads.iter_mut().zip(&mut self.series.workloads) {
            meter.add_point(series);
        }
        for (meter, series) in self.services.iter_mut().zip(&mut self.series.services) {
            meter.add_point(series, now, length);
        }
        let shares: Vec<_> = self.channels.iter_mut().map(|channel| channel.shares(now, length)).collect();
        for (meter, series) in self.edges.iter_mut().zip(&mut self.series.edges) {
            meter.add_point(series, shares[meter.channel as usize]);
        }
    }

    fn results(mut self, end: End) -> Results {
        let started = self.tick - self.interval;
        if end.at > started {
            self.add_point(end.at, end.at.since(started));
        }
        self.pass_windows(end.at);
        let measured = self
            .windows
            .iter()
            .map(|window| if end.interrupted && window.until > end.at { None } else { window.value() })
            .collect();
        let (workloads, edges, services) = (self.workloads.len(), self.edges.len(), self.services.len());
        let mut latencies = self.recorder.into_latencies().into_iter();
        let mut take = |count: usize| -> Vec<Latency> { latencies.by_ref().take(count).collect() };
        let (of_workloads, of_edges, waits, sojourns) = (take(workloads), take(edges), take(services), take(services));
        Results {
            ended: end.at,
            interrupted: end.interrupted,
            events: end.events,
            workloads: self
                .workloads
                .into_iter()
                .zip(of_workloads)
                .map(|(meter, latency)| WorkloadResult { latency, ..meter.result })
                .collect(),
            services: self
                .services
                .into_iter()
                .zip(waits)
                .zip(sojourns)
                .map(|((meter, wait), sojourn)| meter.result(end.at, wait, sojourn))
                .collect(),
            edges: self
                .edges
                .into_iter()
                .zip(of_edges)
                .map(|(meter, latency)| EdgeResult { latency, ..meter.result })
                .collect(),
            measured,
            series: self.series,
        }
    }
}

impl WorkloadMeter {
    fn add_point(&mut self, series: &mut WorkloadSeries) {
        let (now, last) = (self.counts, self.last);
        series.offered.push(now.offered - last.offered);
        series.answered.push(now.answered - last.answered);
        series.good.push(now.good - last.good);
        series.failed.push(now.failed - last.failed);
        series.attempts.push(now.attempts - last.attempts);
        series.p50.push(self.recent.quantile(0.50));
        series.p95.push(self.recent.quantile(0.95));
        series.p99.push(self.recent.quantile(0.99));
        self.recent.clear();
        self.last = now;
    }
}

impl ServiceMeter {
    fn new(replicas: u32, watched: bool) -> ServiceMeter {
        ServiceMeter {
            counts: Counts::default(),
            last: Counts::default(),
            busy: Level::default(),
            wasted: Level::default(),
            queue: Level::default(),
            in_system: Level::default(),
            cores: Level::default(),
            worked_nanos: 0,
            up: Level::starting_at(replicas),
            before: [0; 5],
            last_integrals: [0; 5],
            result: ServiceResult::default(),
            watched,
        }
    }

    /// Busy, wasted, queue, in system, cores.
    fn integrals(&mut self, now: Time) -> [u128; 5] {
        [&mut self.busy, &mut self.wasted, &mut self.queue, &mut self.in_system, &mut self.cores]
            .map(|level| level.integral(now))
    }

    fn counts_at(&mut self, now: Time) -> Counts {
        let [busy_nanos, wasted_nanos, queue_nanos, ..] = self.integrals(now);
        Counts { busy_nanos, wasted_nanos, queue_nanos, ..self.counts }
    }

    fn add_point(&mut self, series: &mut ServiceSeries, now: Time, length: Span) {
        let (counts, last) = (self.counts, self.last);
        series.arrivals.push(counts.offered - last.offered);
        series.completed.push(counts.answered - last.answered);
        series.failed.push(counts.failed - last.failed);
        series.rejected.push(counts.rejected - last.rejected);
        let integrals = self.integrals(now);
        let mean = |n: usize| (integrals[n] - self.last_integrals[n]) as f64 / length.as_nanos() as f64;
        series.busy.push(mean(0));
        series.wasted.push(mean(1));
        series.queue.push(mean(2));
        series.up.push(self.up.value());
        self.last = counts;
        self.last_integrals = integrals;
    }

    fn result(mut self, end: Time, wait: Latency, sojourn: Latency) -> ServiceResult {
        let after = self.integrals(end);
        let [busy_nanos, wasted_nanos, queue_nanos, in_system_nanos, cores_nanos] =
            std::array::from_fn(|n| after[n] - self.before[n]);
        ServiceResult {
            busy_nanos,
            wasted_nanos,
            queue_nanos,
            in_system_nanos,
            work_nanos: cores_nanos + self.worked_nanos,
            wait,
            sojourn,
            ..self.result
        }
    }
}

impl EdgeMeter {
    fn add_point(&mut self, series: &mut EdgeSeries, shares: Option<(f64, f64)>) {
        let new: [u64; 6] = std::array::from_fn(|n| self.counts[n] - self.last[n]);
        series.calls.push(new[CALLS]);
        series.attempts.push(new[ATTEMPTS]);
        series.ok.push(new[OK]);
        series.failed.push(new[FAILED]);
        series.timeouts.push(new[TIMEOUTS]);
        series.short_circuited.push(new[SHORT]);
        if let Some((open, half_open)) = shares {
            series.open.push(open);
            series.half_open.push(half_open);
        }
        self.last = self.counts;
    }
}

impl ChannelMeter {
    /// Shares of the breakers that were open and half open since the last time.
    fn shares(&mut self, now: Time, length: Span) -> Option<(f64, f64)> {
        let integrals = [self.open.integral(now), self.half_open.integral(now)];
        let whole = length.as_nanos() as f64 * f64::from(self.breakers);
        let share = |n: usize| (integrals[n] - self.last[n]) as f64 / whole;
        let shares = (self.breakers > 0).then(|| (share(0), share(1)));
        self.last = integrals;
        shares
    }

    fn level(&mut self, state: BreakerState) -> Option<&mut Level> {
        match state {
            BreakerState::Closed => None,
            BreakerState::Open => Some(&mut self.open),
            BreakerState::HalfOpen => Some(&mut self.half_open),
        }
    }
}

impl Observer for Meter {
    #[inline]
    fn boundary(&self) -> Time {
        self.boundary
    }

    fn cross(&mut self) {
        let now = self.boundary;
        self.pass_windows(now);
        if now == self.from {
            for service in &mut self.services {
                service.before = service.integrals(now);
            }
        }
        if now == self.tick {
            self.add_point(now, self.interval);
            self.tick = now + self.interval;
        }
        self.boundary = self.next_boundary(Some(now));
    }

    #[inline]
    fn offered(&mut self, workload: u32, now: Time) {
        let meter = &mut self.workloads[workload as usize];
        meter.counts.offered += 1;
        meter.result.offered += u64::from(now >= self.from);
    }

    #[inline]
    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        let latency = now.since(arrived);
        let meter = &mut self.workloads[workload as usize];
        let counted = arrived >= self.from;
        meter.result.outcomes[outcome as usize] += u64::from(counted);
        if !outcome.is_ok() {
            meter.counts.failed += 1;
            return;
        }
        let good = meter.deadline.is_none_or(|deadline| latency <= deadline);
        meter.counts.answered += 1;
        meter.counts.good += u64::from(good);
        meter.recent.record(latency);
        if meter.watched {
            let target = Target::Workload(WorkloadId(workload));
            self.windows.iter_mut().filter(|it| it.wants_latency(target)).for_each(|it| it.record(now, latency));
        }
        if counted {
            self.workloads[workload as usize].result.good += u64::from(good);
            self.recorder.record(workload, latency);
        }
    }

    #[inline]
    fn called(&mut self, edge: u32, now: Time) {
        let meter = &mut self.edges[edge as usize];
        meter.counts[CALLS] += 1;
        meter.result.calls += u64::from(now >= self.from);
        self.services[meter.service as usize].counts.calls += 1;
        if let Some(workload) = meter.from_workload {
            self.workloads[workload as usize].counts.calls += 1;
        }
    }

    #[inline]
    fn sent(&mut self, edge: u32, now: Time) {
        let counted = u64::from(now >= self.from);
        let meter = &mut self.edges[edge as usize];
        meter.counts[ATTEMPTS] += 1;
        meter.result.attempts += counted;
        self.services[meter.service as usize].counts.attempts += 1;
        if let Some(workload) = meter.from_workload {
            let workload = &mut self.workloads[workload as usize];
            workload.counts.attempts += 1;
            workload.result.attempts += counted;
        }
    }

    fn short_circuited(&mut self, edge: u32, now: Time) {
        let meter = &mut self.edges[edge as usize];
        meter.counts[SHORT] += 1;
        meter.result.outcomes[Outcome::ShortCircuited as usize] += u64::from(now >= self.from);
    }

    #[inline]
    fn answered(&mut self, edge: u32, now: Time, sent: Time, outcome: Outcome) {
        let counted = sent >= self.from;
        let meter = &mut self.edges[edge as usize];
        meter.result.outcomes[outcome as usize] += u64::from(counted);
        if outcome.is_ok() {
            meter.counts[OK] += 1;
            if counted {
                let place = self.edge_place(edge);
                self.recorder.record(place, now.since(sent));
            }
        } else {
            meter.counts[FAILED] += 1;
            meter.counts[TIMEOUTS] += u64::from(outcome == Outcome::Timeout);
        }
    }

    fn breaker(&mut self, channel: u32, now: Time, from: BreakerState, to: BreakerState) {
        let channel = &mut self.channels[channel as usize];
        if let Some(level) = channel.level(from) {
            level.add(now, -1);
        }
        if let Some(level) = channel.level(to) {
            level.add(now, 1);
        }
    }

    #[inline]
    fn arrived(&mut self, service: u32, now: Time) {
        let meter = &mut self.services[service as usize];
        meter.counts.offered += 1;
        meter.result.arrivals += u64::from(now >= self.from);
        meter.in_system.add(now, 1);
    }

    #[inline]
    fn queued(&mut self, service: u32, now: Time, waiting: u32) {
        let meter = &mut self.services[service as usize];
        meter.queue.add(now, 1);
        meter.result.waited += u64::from(now >= self.from);
        meter.result.peak_queue = meter.result.peak_queue.max(waiting);
    }

    #[inline]
    fn unqueued(&mut self, service: u32, now: Time) {
        self.services[service as usize].queue.add(now, -1);
    }

    #[inline]
    fn started(&mut self, service: u32, now: Time, arrived: Time) {
        if arrived >= self.from {
            let place = self.wait_place(service);
            self.recorder.record(place, now.since(arrived));
        }
    }

    #[inline]
    fn threads(&mut self, service: u32, now: Time, busy: i32, wasted: i32) {
        let meter = &mut self.services[service as usize];
        meter.busy.add(now, busy);
        if wasted != 0 {
            meter.wasted.add(now, wasted);
        }
    }

    #[inline]
    fn left(&mut self, service: u32, now: Time, arrived: Time, started: bool, how: Departure) {
        let from = self.from;
        let meter = &mut self.services[service as usize];
        meter.in_system.add(now, -1);
        meter.result.sojourn_clipped_nanos += u128::from(now.since(arrived.max(from)).as_nanos());
        let counted = arrived >= from;
        let (count, total) = match how {
            Departure::Completed => (Some(&mut meter.counts.answered), &mut meter.result.completed),
            Departure::Failed => (Some(&mut meter.counts.failed), &mut meter.result.failed),
            Departure::Rejected => (Some(&mut meter.counts.rejected), &mut meter.result.rejected),
            Departure::Refused => (None, &mut meter.result.refused),
            Departure::Dropped => (None, &mut meter.result.dropped),
        };
        if let Some(count) = count {
            *count += 1;
        }
        *total += u64::from(counted);
        if started {
            let sojourn = now.since(arrived);
            if meter.watched && how == Departure::Completed {
                let target = Target::Service(ServiceId(service));
                self.windows.iter_mut().filter(|it| it.wants_latency(target)).for_each(|it| it.record(now, sojourn));
            }
            if counted {
                let place = self.sojourn_place(service);
                self.recorder.record(place, sojourn);
            }
        }
    }

    #[inline]
    fn cores(&mut self, service: u32, now: Time, change: i32) {
        self.services[service as usize].cores.add(now, change);
    }

    #[inline]
    fn works(&mut self, service: u32, now: Time, until: Time) {
        let clipped = until.min(self.end).since(now.max(self.from));
        self.services[service as usize].worked_nanos += u128::from(clipped.as_nanos());
    }

    fn work_changes(&mut self, service: u32, from: Time, to: Time) {
        let clip = |time: Time| time.min(self.end).max(self.from).as_nanos();
        let worked = &mut self.services[service as usize].worked_nanos;
        *worked = (*worked + u128::from(clip(to))).saturating_sub(u128::from(clip(from)));
    }

    fn request_remains(&mut self, workload: u32, arrived: Time) {
        self.workloads[workload as usize].result.in_flight += u64::from(arrived >= self.from);
    }

    fn visit_remains(&mut self, service: u32, end: Time, arrived: Time) {
        let stay = end.since(arrived.max(self.from));
        self.services[service as usize].result.sojourn_clipped_nanos += u128::from(stay.as_nanos());
    }

    fn replica(&mut self, service: u32, now: Time, change: i32) {
        self.services[service as usize].up.add(now, change);
    }
}
