//! The meter: the observer behind [`super::simulate`]. It counts, integrates and records; [`Results`] are read off
//! it at the end.

mod asked;
mod finish;
mod messages;
mod points;
mod resilience;

use std::ops::ControlFlow;

use crate::base::time::{Span, Time};
use crate::base::units::Size;
use crate::kernel::agenda::Agenda;
use crate::kernel::{Deed, Departure, End, Engine, MessageFact, NotAcquired, Observer, Spent, Watch};
use crate::mechanism::acceptor::Acceptance;
use crate::mechanism::cache::{Found, Lost};
use crate::model::{Caller, Id, Model, PoolId, ServiceId, Target, WorkloadId};
use crate::policy::Outcome;
use crate::policy::breaker::BreakerState;

use super::Detail;
use super::batches::stationary;
use super::causes::CauseMeter;
use super::latency::Latency;
use super::level::Level;
use super::messaging::MessagingMeters;
use super::meters::{ChannelMeter, EdgeExtra, EdgeMeter, ServiceExtra, ServiceMeter, WorkloadMeter};
use super::paths::Paths;
use super::recorder::Recorder;
use super::resilience::ResilienceMeters;
use super::resources::ResourceMeters;
use super::results::{EdgeSeries, Results, Series, ServiceSeries, WorkloadResult, WorkloadSeries};
use super::stream::StreamMeter;
use super::sums::Sums;
use super::traces::{Ending, Tracer};
use super::transport::TransportMeters;
use super::window::{Counts, Window};

/// Runs `model` on the agenda `A` and measures it; see [`super::simulate`].
pub(super) fn measure<A: Agenda>(
    model: &Model,
    detail: Detail,
    progress: &mut dyn FnMut(Time) -> ControlFlow<()>,
) -> Results {
    let mut engine = Engine::<A, Meter>::new(model, Meter::new(model, detail));
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
    resources: ResourceMeters,
    /// Boxed: few models have any.
    transport: Option<Box<TransportMeters>>,
    /// Boxed for the same reason.
    messaging: Option<Box<MessagingMeters>>,
    /// Boxed for the same reason.
    resilience: Option<Box<ResilienceMeters>>,
    recorder: Recorder,
    detail: Detail,
    /// What tells how sure means are, where somebody wants to know.
    sums: Option<Box<Sums>>,
    causes: Option<Box<CauseMeter>>,
    /// Boxed, and absent where nobody wants any.
    traces: Option<Box<Tracer>>,
    windows: Vec<Window>,
    /// Whether a window asks how many messages wait.
    watches_lag: bool,
    /// The topic and the place of the group of each consumer.
    groups_of_consumers: Vec<(u32, Option<u32>)>,
    series: Series,
}

impl Meter {
    fn new(model: &Model, detail: Detail) -> Meter {
        let edges = model.edges();
        let channels = model.channels(&edges);
        let keeps_sums = detail != Detail::Expectations && stationary(model).is_ok();
        let windows: Vec<Window> = model.expectations.iter().map(|it| Window::new(model, it, keeps_sums)).collect();
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
                .map(|(id, workload)| {
                    let level_watched = windows.iter().any(|window| window.wants_level(id));
                    WorkloadMeter::new(workload, detail, watched(Target::Workload(id)), level_watched)
                })
                .collect(),
            services: model
                .services
                .enumerate()
                .map(|(id, service)| ServiceMeter {
                    watched: watched(Target::Service(id)),
                    waits_watched: windows.iter().any(|window| window.wants_waits(Target::Service(id))),
                    rare: Box::new(ServiceExtra {
                        up: Level::starting_at(service.replicas),
                        limits: model.ever_limits(id),
                        ..ServiceExtra::default()
                    }),
                    ..ServiceMeter::default()
                })
                .collect(),
            edges: edges
                .enumerate()
                .map(|(id, edge)| EdgeMeter {
                    from_workload: match edge.from {
                        Caller::Workload(id) => Some(id.0),
                        Caller::Service(_) | Caller::Consumer(_) => None,
                    },
                    rare: Box::new(EdgeExtra {
                        service: model.endpoints[edge.to].service.0,
                        channel: channels.of[id.index()],
                        throttles: model.ever_throttles(edge.client),
                        gates: model.clients[edge.client].has_gate(),
                        ..EdgeExtra::default()
                    }),
                    ..EdgeMeter::default()
                })
                .collect(),
            channels: channels
                .list
                .iter()
                .map(|channel| ChannelMeter {
                    breakers: match model.ever_breaks(channel.client) {
                        true => model.caller_replicas(channel.from),
                        false => 0,
                    },
                    open: Level::default(),
                    half_open: Level::default(),
                    last: [0; 2],
                })
                .collect(),
            resources: ResourceMeters::new(model),
            transport: TransportMeters::new(model, &edges, detail),
            messaging: MessagingMeters::new(model),
            resilience: ResilienceMeters::new(model, &edges, &channels),
            recorder: Recorder::new(model.workloads.len() + edges.len() + 2 * model.services.len(), detail),
            detail,
            sums: None,
            watches_lag: windows.iter().any(Window::wants_lag),
            groups_of_consumers: model.consumers.iter().map(|it| (it.topic.0, Some(it.group))).collect(),
            traces: Some(detail).filter(|it| *it == Detail::All).and_then(|_| Tracer::new(model, &edges, Vec::new())),
            causes: (detail == Detail::All).then(|| Box::new(CauseMeter::new(model, edges.len()))),
            windows,
            series: Series {
                interval: model.interval,
                points: 0,
                workloads: vec![WorkloadSeries::default(); model.workloads.len()],
                services: vec![ServiceSeries::default(); model.services.len()],
                edges: vec![EdgeSeries::default(); edges.len()],
                ..Series::default()
            },
        };
        if keeps_sums {
            let has_transport = meter.transport.is_some();
            meter.sums = Some(Box::new(Sums::of(model, edges.len(), has_transport)));
        }
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
        let times = self.windows.iter().filter_map(Window::next);
        let bin = self.causes.as_ref().map(|causes| causes.next);
        times
            .chain([self.tick, self.from])
            .chain(bin)
            .filter(|time| passed.is_none_or(|passed| *time > passed))
            .min()
            .unwrap_or(Time::MAX)
    }

    fn stream(&mut self, edge: u32) -> Option<&mut StreamMeter> {
        self.transport.as_mut().and_then(|transport| transport.stream(edge))
    }
}

impl Observer for Meter {
    #[inline]
    fn boundary(&self) -> Time {
        self.boundary
    }

    fn cross(&mut self) {
        let now = self.boundary;
        if self.watches_lag {
            self.tell_lags(now, None);
        }
        self.pass_windows(now);
        if now == self.from {
            self.start_totals(now);
        }
        if let Some(causes) = self.causes.as_mut().filter(|causes| causes.next == now) {
            causes.add_bin(now, &self.services, &self.edges, self.messaging.as_deref_mut());
        }
        if now == self.tick {
            self.add_point(now, self.interval);
            self.tick = now + self.interval;
        }
        self.boundary = self.next_boundary(Some(now));
    }

    #[inline]
    fn offered(&mut self, workload: u32, now: Time, arrived: Time) {
        let meter = &mut self.workloads[workload as usize];
        meter.counts.offered += 1;
        meter.result.offered += u64::from(arrived >= self.from);
        if meter.level_watched {
            meter.level.add(now, 1);
        }
        if let Some(causes) = &mut self.causes {
            causes.offered(workload, arrived);
        }
    }

    #[inline]
    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        let latency = now.since(arrived);
        if let Some(traces) = &mut self.traces {
            traces.user_ended(workload, now, arrived, Ending::of(outcome));
        }
        let meter = &mut self.workloads[workload as usize];
        let counted = arrived >= self.from;
        meter.result.outcomes[outcome as usize] += u64::from(counted);
        if meter.level_watched {
            meter.level.add(now, -1);
        }
        if !outcome.is_ok() {
            meter.counts.failed += 1;
            if let Some(causes) = &mut self.causes {
                causes.failed(workload, now);
            }
            return;
        }
        let good = meter.deadline.is_none_or(|deadline| latency <= deadline);
        meter.counts.answered += 1;
        meter.counts.good += u64::from(good);
        if let Some(causes) = &mut self.causes {
            meter.recent.record(latency);
            if good { causes.good(workload, now, arrived) } else { causes.late(workload, now) }
        } else if self.detail == Detail::Numbers {
            meter.recent.record(latency);
        }
        if meter.watched {
            Window::tell_latency(&mut self.windows, Target::Workload(WorkloadId(workload)), now, latency);
        }
        if counted {
            meter.result.good += u64::from(good);
            self.recorder.record(workload, latency);
        }
    }

    #[inline]
    fn watches(&mut self, frame: u32, now: Time, deed: Deed) -> Watch {
        let is_recorded = match &mut self.traces {
            Some(traces) => traces.watches(frame, now, deed),
            None => false,
        };
        match is_recorded {
            true => Watch::Deeds,
            false if self.paths().is_some() => Watch::Times,
            false => Watch::Nothing,
        }
    }

    #[inline(never)]
    fn begins(&mut self, frame: u32, now: Time, on: Spent) {
        if let Some(paths) = self.paths() {
            paths.begins(frame, now, on);
        }
    }

    #[inline(never)]
    fn visits(&mut self, frame: u32, now: Time, caller: u32) {
        if let Some(paths) = self.paths() {
            paths.visits(frame, now, caller);
        }
        // Traces hear of it as a deed.
    }

    #[inline(never)]
    fn spends(&mut self, frame: u32, now: Time, on: Spent) {
        if let Some(paths) = self.paths() {
            paths.spends(frame, now, on);
        }
        if let Some(traces) = &mut self.traces {
            traces.spends(frame, now, on);
        }
    }

    #[inline]
    fn demands(&mut self, frame: u32, now: Time, cpu: Span) {
        if let Some(paths) = self.paths() {
            paths.demands(frame, now, cpu);
        }
        // Traces hear of it as a deed.
    }

    #[inline(never)]
    fn explains(&mut self, waiting: u32, other: u32, now: Time) {
        if let Some(paths) = self.paths() {
            paths.explains(waiting, other, now);
        }
    }

    #[inline(never)]
    fn hands_over(&mut self, from: u32, to: u32, now: Time) {
        if let Some(paths) = self.paths() {
            paths.hands_over(from, to, now);
        }
    }

    #[inline(never)]
    fn ends(&mut self, frame: u32, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        let counts = outcome.is_ok() && arrived >= self.from;
        if let Some(paths) = self.paths().filter(|_| counts) {
            paths.ends(frame, workload, now);
        }
    }

    #[inline(never)]
    fn deed(&mut self, frame: u32, now: Time, deed: Deed) {
        if let Some(traces) = &mut self.traces {
            traces.deed(frame, now, deed);
        }
    }

    fn session_started(&mut self, workload: u32, now: Time) {
        let meter = &mut self.workloads[workload as usize];
        meter.sessions[0] += 1;
        if let Some(sessions) = meter.result.sessions.as_mut().filter(|_| now >= self.from) {
            sessions.started += 1;
        }
    }

    fn session_ended(&mut self, workload: u32, started: Time, is_lost: bool) {
        let meter = &mut self.workloads[workload as usize];
        meter.sessions[if is_lost { 2 } else { 1 }] += 1;
        if let Some(sessions) = meter.result.sessions.as_mut().filter(|_| started >= self.from) {
            *if is_lost { &mut sessions.lost } else { &mut sessions.finished } += 1;
        }
    }

    #[inline]
    fn called(&mut self, edge: u32, _now: Time) {
        let meter = &mut self.edges[edge as usize];
        meter.calls += 1;
        if let Some(workload) = meter.from_workload {
            self.workloads[workload as usize].counts.calls += 1;
        }
    }

    #[inline]
    fn sent(&mut self, edge: u32, now: Time) {
        let meter = &mut self.edges[edge as usize];
        meter.attempts += 1;
        meter.waiting.add(now, 1);
        if let Some(workload) = meter.from_workload {
            let workload = &mut self.workloads[workload as usize];
            workload.counts.attempts += 1;
            workload.result.attempts += u64::from(now >= self.from);
        }
    }

    fn short_circuited(&mut self, edge: u32, _now: Time) {
        self.not_sent(edge, Outcome::ShortCircuited);
    }

    fn message(&mut self, now: Time, fact: MessageFact) {
        self.tell_message(now, fact);
    }

    fn oldest(&mut self, group: u32, stored: Option<Time>) {
        if let Some(messaging) = &mut self.messaging {
            messaging.oldest(group, self.boundary, stored);
        }
    }

    fn throttled(&mut self, edge: u32, _now: Time) {
        self.not_sent(edge, Outcome::Throttled);
    }

    fn retried(&mut self, edge: u32, _now: Time, cause: Outcome) {
        if let Some(causes) = &mut self.causes {
            causes.retried(edge, cause);
        }
    }

    fn call_failed(&mut self, edge: u32, _now: Time, cause: Outcome, optional: bool) {
        if let Some(causes) = self.causes.as_mut().filter(|_| !optional) {
            causes.fatal(edge, cause);
        }
    }

    fn fell_back(&mut self, edge: u32, now: Time) {
        self.tell_fallback(edge, now);
    }

    fn degraded(&mut self, workload: u32, _now: Time, arrived: Time) {
        self.tell_degraded(workload, arrived);
    }

    fn ejected(&mut self, channel: u32, now: Time, change: i32) {
        self.tell_ejected(channel, now, change);
    }

    fn will_reload(&mut self, workload: u32, now: Time, _cause: Outcome) {
        if let Some(causes) = &mut self.causes {
            causes.will_reload(workload, now);
        }
    }

    fn limited(&mut self, edge: u32, _now: Time, _outcome: Outcome) {
        self.edges[edge as usize].outcomes[Outcome::Limited as usize] += 1;
    }

    fn held(&mut self, edge: u32, now: Time, change: i32) {
        self.edges[edge as usize].rare.held.add(now, change);
    }

    fn limit(&mut self, service: u32, now: Time, change: i32) {
        self.services[service as usize].rare.limit.add(now, change);
    }

    fn beyond_limit(&mut self, service: u32, _now: Time) {
        self.services[service as usize].rare.beyond += 1;
    }

    #[inline]
    fn answered(&mut self, edge: u32, now: Time, sent: Time, outcome: Outcome) {
        let meter = &mut self.edges[edge as usize];
        meter.outcomes[outcome as usize] += 1;
        meter.waiting.add(now, -1);
        if !outcome.is_ok()
            && let Some(causes) = &mut self.causes
        {
            causes.ended(edge, outcome);
        }
        if sent < self.from {
            meter.rare.late[outcome as usize] += u64::from(now >= self.from);
        } else if outcome.is_ok() {
            let place = self.edge_place(edge);
            self.recorder.record(place, now.since(sent));
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
        meter.arrivals += 1;
        meter.in_system.add(now, 1);
    }

    #[inline]
    fn lands(&mut self, service: u32, replica: u32, now: Time) {
        if let Some(transport) = &mut self.transport {
            transport.lands(service, replica, now);
        }
    }

    #[inline]
    fn queued(&mut self, service: u32, now: Time, waiting: u32) {
        let meter = &mut self.services[service as usize];
        meter.waited += 1;
        meter.rare.queue.add(now, 1);
        meter.rare.peak_queue = meter.rare.peak_queue.max(waiting);
    }

    #[inline]
    fn unqueued(&mut self, service: u32, now: Time) {
        self.services[service as usize].rare.queue.add(now, -1);
    }

    #[inline]
    fn started(&mut self, service: u32, now: Time, arrived: Time) {
        let meter = &mut self.services[service as usize];
        if meter.waits_watched {
            Window::tell_wait(&mut self.windows, Target::Service(ServiceId(service)), now, now.since(arrived));
        }
        if arrived < self.from {
            return;
        }
        if now == arrived {
            meter.no_wait += 1;
        } else {
            let place = self.wait_place(service);
            self.recorder.record(place, now.since(arrived));
        }
    }

    #[inline]
    fn threads(&mut self, service: u32, now: Time, busy: i32, wasted: i32) {
        let meter = &mut self.services[service as usize];
        meter.busy.add(now, busy);
        if wasted != 0 {
            meter.rare.wasted.add(now, wasted);
        }
    }

    #[inline]
    fn left(&mut self, service: u32, now: Time, arrived: Time, started: bool, how: Departure) {
        let from = self.from;
        let meter = &mut self.services[service as usize];
        meter.in_system.add(now, -1);
        meter.left[how as usize] += 1;
        meter.sojourn_clipped_nanos += u128::from(now.since(arrived.max(from)).as_nanos());
        let sojourn = now.since(arrived);
        if meter.watched && how == Departure::Completed {
            Window::tell_latency(&mut self.windows, Target::Service(ServiceId(service)), now, sojourn);
        }
        if arrived < from {
            meter.rare.left_late[how as usize] += u64::from(now >= from);
        } else if started {
            let place = self.sojourn_place(service);
            self.recorder.record(place, sojourn);
        }
    }

    #[inline]
    fn cores(&mut self, service: u32, now: Time, change: i32) {
        self.services[service as usize].rare.cores.add(now, change);
    }

    #[inline(always)]
    fn works(&mut self, service: u32, now: Time, until: Time) {
        let clipped = until.min(self.end).since(now.max(self.from));
        self.services[service as usize].worked_nanos += u128::from(clipped.as_nanos());
    }

    fn work_changes(&mut self, service: u32, from: Time, to: Time) {
        let clip = |time: Time| time.min(self.end).max(self.from).as_nanos();
        let worked = &mut self.services[service as usize].worked_nanos;
        *worked = (*worked + u128::from(clip(to))).saturating_sub(u128::from(clip(from)));
    }

    #[inline]
    fn connected(&mut self, edge: u32, now: Time, waited: Span) {
        if let Some(transport) = &mut self.transport {
            transport.connected(edge, now, waited);
        }
    }

    #[inline]
    fn travelled(&mut self, edge: u32, now: Time, span: Span, bytes: Size, is_across: bool) {
        if let Some(transport) = &mut self.transport {
            transport.travelled(edge, now, span, bytes, is_across);
        }
    }

    #[inline]
    fn set_off(&mut self, edge: u32, now: Time, waited: Span, span: Span, bytes: Size) {
        if let Some(transport) = &mut self.transport {
            transport.set_off(edge, now, waited, span, bytes);
        }
    }

    fn first_message(&mut self, edge: u32, now: Time, waited: Span) {
        let counts = now >= self.from && self.detail != Detail::Expectations;
        if let Some(stream) = self.stream(edge).filter(|_| counts) {
            stream.first_message(waited);
        }
    }

    fn message_read(&mut self, edge: u32, _now: Time) {
        if let Some(stream) = self.stream(edge) {
            stream.message_read();
        }
    }

    fn unread(&mut self, edge: u32, now: Time, change: i64) {
        if let Some(stream) = self.stream(edge) {
            stream.unread(now, change);
        }
    }

    fn blocked(&mut self, edge: u32, now: Time, change: i32) {
        if let Some(stream) = self.stream(edge) {
            stream.blocked(now, change);
        }
    }

    fn connections(&mut self, channel: u32, now: Time, change: i32, opened: u32) {
        if let Some(transport) = &mut self.transport {
            transport.connections(channel, now, change, opened);
        }
    }

    fn encodes(&mut self, service: u32, frame: u32, now: Time, cpu: Span) {
        if let Some(transport) = &mut self.transport {
            transport.encodes(service, frame, now, cpu);
        }
    }

    fn comes_in(&mut self, service: u32, now: Time, how: Acceptance) {
        if let Some(transport) = &mut self.transport {
            transport.comes_in(service, now, how);
        }
    }

    fn shook_hands(&mut self, service: u32, now: Time, cpu: Span) {
        if let Some(transport) = &mut self.transport {
            transport.shook_hands(service, now, cpu);
        }
    }

    fn permits(&mut self, pool: u32, now: Time, change: i32) {
        self.resources.permits(pool, now, change);
    }

    fn permits_wanted(&mut self, pool: u32, now: Time, change: i32) {
        self.resources.permits_wanted(pool, now, change);
    }

    fn acquired(&mut self, pool: u32, now: Time, waited: Span) {
        self.resources.acquired(pool, now, waited);
        Window::tell_wait(&mut self.windows, Target::Pool(PoolId(pool)), now, waited);
    }

    fn not_acquired(&mut self, pool: u32, now: Time, why: NotAcquired) {
        self.resources.not_acquired(pool, now, why);
    }

    fn looked_up(&mut self, cache: u32, now: Time, found: Found, lost: Lost) {
        self.resources.looked_up(cache, now, found, lost);
    }

    fn fetched(&mut self, cache: u32, now: Time, kept: bool, lost: Lost) {
        self.resources.fetched(cache, now, kept, lost);
    }

    fn request_remains(&mut self, workload: u32, arrived: Time) {
        self.workloads[workload as usize].result.in_flight += u64::from(arrived >= self.from);
        if let Some(traces) = &mut self.traces {
            traces.user_ended(workload, self.end, arrived, Ending::Open);
        }
    }

    fn attempt_remains(&mut self, edge: u32, sent: Time) {
        self.edges[edge as usize].rare.in_flight += u64::from(sent >= self.from);
    }

    fn visit_remains(&mut self, service: u32, end: Time, arrived: Time) {
        let stay = end.since(arrived.max(self.from));
        let meter = &mut self.services[service as usize];
        meter.sojourn_clipped_nanos += u128::from(stay.as_nanos());
        meter.rare.in_flight += u64::from(arrived >= self.from);
    }

    fn replica(&mut self, service: u32, now: Time, change: i32) {
        self.services[service as usize].rare.up.add(now, change);
    }
}
