//! The world: what the model becomes when it runs. Fixed parts (routes, programs) and moving parts
//! (replicas, ports) are dense vectors; nothing here decides anything.

use crate::base::distribution::Distribution;
use crate::base::keys::KeyDistribution;
use crate::base::random::{Key, Stream};
use crate::base::time::{Span, Time};
use crate::mechanism::cores::Cores;
use crate::mechanism::pool::{Order, Pool};
use crate::model::{
    BreakerPlace, Caller, Cancel, Channel as ModelChannel, Client, ClientId, ContextSwitch, Deadlines, Discipline,
    Edge, EdgeId, Handlers, Id, Ids, Layers, Limit, Model, Overflow, QueueTimeout, Reload, Service, Transport,
};
use crate::policy::Outcomes;
use crate::policy::balance::{Balance, Fleet, Maglev, Ring};
use crate::policy::limit::LimitSettings;
use crate::policy::queue::{AdaptiveTimeout, Codel};
use crate::policy::retry::{Backoff, Jitter, Pushback, Quota, RetrySettings};

use super::agenda::{Event, LaneId, Ticket, TimerId};
use super::arrivals::Source;
use super::choosing::{balanced_by, maglev};
use super::disturbance::Disturbance;
use super::door::{Door, door};
use super::frame::{NONE, flag};
use super::limiting::Guard;
use super::port::Port;
use super::program::Program;
use super::transport::Line;
use super::users::Sessions;
use super::wire::Wire;
use super::zone::{Link, Zones, is_zoned, users_zone};

/// How long a message takes along an edge.
#[derive(Clone, Debug)]
pub(super) enum Hop {
    /// No time: it is there before anything else happens.
    None,
    /// Always the same time.
    Lane(LaneId),
    /// Drawn anew for each message.
    Drawn(Distribution),
}

impl Hop {
    /// How long one message takes; `key` and `direction` name its draw.
    #[inline(always)]
    pub(super) fn transit(&self, key: Key, direction: u64) -> Transit {
        match self {
            Hop::None => Transit::None,
            Hop::Lane(lane) => Transit::Lane(*lane),
            Hop::Drawn(latency) => Transit::Span(latency.sample(key.child(direction).draws())),
        }
    }

    /// The same as a length of time.
    #[inline]
    pub(super) fn span(&self, lanes: &[Span], key: Key, direction: u64) -> Span {
        match self.transit(key, direction) {
            Transit::None => Span::ZERO,
            Transit::Lane(lane) => lanes[lane.0 as usize],
            Transit::Span(span) => span,
        }
    }
}

/// How long one message takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transit {
    /// No time.
    None,
    /// The time of a lane.
    Lane(LaneId),
    /// This time.
    Span(Span),
}

/// An edge as the kernel needs it.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) channel: u32,
    /// The port of the caller's replica 0 of all, as if ports were numbered like replicas; see [`Route::port`].
    port_base: u32,
    pub(super) service: u32,
    /// The callee's first replica.
    pub(super) first_replica: u32,
    /// Where the callee's handler starts.
    pub(super) start: u32,
    pub(super) hop: Hop,
    pub(super) timeout: Option<(TimerId, Span)>,
    /// What it was before, and until when, in order.
    pub(super) timeouts_before: Vec<(Time, Option<Span>)>,
    pub(super) backoff: Option<(LaneId, Span)>,
    pub(super) propagate: bool,
    /// Attempts of a call that may be under way together; zero when they follow each other.
    pub(super) hedged: u32,
    /// Flags that requests along it have.
    pub(super) flags: u16,
    /// Failures that another attempt may follow, if the client wants one.
    pub(super) repeatable: Outcomes,
    /// How long a call is waited for with all its attempts.
    pub(super) overall: Option<Span>,
    /// Whether an attempt that nobody has taken on goes again without counting.
    pub(super) transparent: bool,
    /// Whether more must be known of a call than of its attempts: see [`Note`](super::note::Note).
    pub(super) noted: bool,
    pub(super) cancel: Cancel,
    /// What its client's transport does; `None` without one. Boxed: few have one.
    pub(super) wire: Option<Box<Wire>>,
    /// Whether calls need a connection.
    pub(super) has_connections: bool,
    /// What is wrong with it now.
    pub(super) trouble: EdgeTrouble,
    /// The zone of the users who call, or [`NONE`].
    pub(super) users_zone: u32,
    /// Whether it matters in which zones caller and callee stand.
    pub(super) is_zoned: bool,
    /// Whether nothing is wrong with it and zones do not matter: `hop` says all of its network.
    pub(super) is_plain: bool,
    /// Whether it is plain and needs no connection: most are, and are asked this alone. See [`Route::settle`].
    pub(super) is_bare: bool,
    /// Whether messages along it take as long as the client's latency says: it is plain and has a transport, their size does
    /// not matter, and none gets lost. See [`Route::settle`].
    pub(super) is_swift: bool,
    /// Whether of a call along it nothing counts but the timeouts of its attempts. See [`Route::settle`].
    pub(super) is_simple: bool,
    /// Whether it is bare and its calls are simple: most are, and are asked this alone. See [`Route::settle`].
    pub(super) is_direct: bool,
}

impl Route {
    /// Sums up what has changed of it.
    pub(super) fn settle(&mut self) {
        self.is_bare = self.is_plain && !self.has_connections;
        self.is_swift = self.is_plain && self.wire.as_ref().is_some_and(|wire| wire.is_swift);
        self.is_simple = !self.propagate && !self.needs_care();
        self.is_direct = self.is_simple && self.is_bare;
    }

    /// Whether there is more to a call along it than its attempts, and when an answer is wanted.
    #[inline]
    pub(super) fn needs_care(&self) -> bool {
        self.noted || self.hedged > 0
    }

    /// The state of a caller replica's client towards the callee; users of a workload ([`NONE`]) share one.
    #[inline]
    pub(super) fn port(&self, replica: u32) -> usize {
        if replica == NONE { self.port_base as usize } else { self.port_base.wrapping_add(replica) as usize }
    }

    /// Its transport; it has one.
    #[inline]
    pub(super) fn wire(&self) -> &Wire {
        self.wire.as_deref().expect("only edges with a transport are asked for it")
    }

    /// The caller's replica, across services, whose state this port is; [`NONE`] for users who stand somewhere.
    pub(super) fn replica_of(&self, port: usize) -> u32 {
        if self.users_zone == NONE { (port as u32).wrapping_sub(self.port_base) } else { NONE }
    }

    /// How long one message takes without bytes and trouble.
    #[inline]
    pub(super) fn hop_over<'r>(&'r self, link: Option<&'r Link>) -> &'r Hop {
        link.and_then(|link| link.hop.as_ref()).unwrap_or(&self.hop)
    }

    /// How long one message takes without its bytes, trouble included; `key` and `direction` name its draws.
    #[inline]
    pub(super) fn latency(&self, link: Option<&Link>, lanes: &[Span], key: Key, direction: u64) -> Span {
        let usual = self.hop_over(link).span(lanes, key, direction);
        let extra = self.trouble.latency.iter();
        extra.fold(usual, |sum, (salt, latency)| sum + latency.sample(key.child(salt ^ direction).draws()))
    }

    /// How long an attempt is waited for that was sent at `sent`; the shorter of two if it changed at that moment.
    pub(super) fn timeout_of(&self, sent: Time) -> Option<Span> {
        let now = (Time::MAX, self.timeout.map(|(_, timeout)| timeout));
        let (mut from, mut shortest) = (Time::ZERO, None);
        for (until, timeout) in self.timeouts_before.iter().copied().chain([now]) {
            if (from..=until).contains(&sent) {
                shortest = shortest.into_iter().chain(timeout).min();
            }
            from = until;
        }
        shortest
    }
}

/// What is wrong with an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct EdgeTrouble {
    pub(super) latency: Vec<(u64, Distribution)>,
    pub(super) errors: Vec<(u64, f64)>,
    pub(super) cut: bool,
}

impl EdgeTrouble {
    pub(super) fn is_none(&self) -> bool {
        *self == EdgeTrouble::default()
    }
}

/// All ports of one caller, client and callee service.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// The first port; one for each replica of the caller follows.
    pub(super) first_port: u32,
    /// The caller's first replica.
    pub(super) first_replica: u32,
    pub(super) picks: Stream,
}

/// What a workload gives its requests on the way.
pub(super) struct WorkloadState {
    /// For clients that pass it on.
    pub(super) deadline: Option<Span>,
    /// What they are about.
    pub(super) key: Option<KeyDistribution>,
    /// How important they are.
    pub(super) priority: u8,
    /// Whether those that fail are asked for again.
    pub(super) reload: Option<Reload>,
    /// Sessions under way; of a closed workload one for each user. None if who arrives makes a single request.
    pub(super) sessions: Sessions,
}

/// A service as the kernel needs it.
pub(super) struct ServiceState {
    pub(super) first_replica: u32,
    /// The most that there ever are.
    pub(super) replicas: u32,
    /// How many there should be now: those with the lowest numbers.
    pub(super) wanted: u32,
    /// Whether somebody waits until those that are not wanted have nothing to do.
    pub(super) scales: bool,
    pub(super) hands_back: bool,
    pub(super) startup: Span,
    pub(super) overflow: Overflow,
    /// What a replica that starts takes on.
    pub(super) limit: Option<LimitSettings>,
    /// What it wishes of those whom it turns away.
    pub(super) pushback: Option<Pushback>,
    pub(super) patience: Patience,
    /// Who is next in a queue without order.
    pub(super) picks: Stream,
    /// The zone of each replica, over and over; none is nowhere.
    pub(super) zones: Vec<u32>,
    /// What balancers choose from. Requests count from the moment they are sent.
    pub(super) fleet: Fleet,
}

impl ServiceState {
    /// One request more in a replica, or on the way to it.
    #[inline]
    pub(super) fn takes_in(&mut self, number: u32) {
        if let Some(count) = self.fleet.in_system.get_mut(number as usize) {
            *count += 1;
        }
    }
}

/// How long a newcomer waits in a queue.
pub(super) enum Patience {
    /// For ever.
    Endless,
    /// Always as long.
    Constant(TimerId),
    /// Drawn for each request.
    Drawn(Distribution),
    /// It depends on the queue.
    Adaptive { policy: AdaptiveTimeout, short: TimerId, standing: TimerId },
}

/// A process.
pub(super) struct Replica {
    pub(super) service: u32,
    /// Whether it has a limit or watches how long its requests wait.
    pub(super) guarded: bool,
    pub(super) limit: Option<Box<Guard>>,
    /// Those whom a limit that counts has let in, and who are not through.
    pub(super) admitted: u32,
    pub(super) pool: Pool<Ticket>,
    pub(super) codel: Option<Box<Codel>>,
    pub(super) cores: Option<Cores<Ticket>>,
    pub(super) cores_epoch: u32,
    /// Handlers that have begun and not ended; counted only where a program has work with contention.
    pub(super) in_progress: u32,
    /// Whether work is interrupted for what is more important.
    pub(super) preempts: bool,
    /// Whether somebody must know when one begins to wait.
    pub(super) watches_queue: bool,
    /// Frames that work and may be interrupted, in the order in which they began.
    pub(super) workers: Vec<u32>,
    pub(super) disturbance: Option<Box<Disturbance>>,
    /// Where connections come in, if not all are taken on.
    pub(super) door: Option<Box<Door>>,
    pub(super) condition: Condition,
    /// Whether `condition` is anything.
    pub(super) troubled: bool,
    /// Events for a paused process, in order.
    pub(super) deferred: Vec<Event>,
    /// How often it was taken out of the balancers' sight and not yet put back.
    pub(super) drains: u32,
    /// When balancers learn of the last crash; what comes at another time is about an earlier one.
    pub(super) detected_at: Time,
    /// When it serves again after the last restart; never once it has crashed again.
    pub(super) serves_at: Time,
}

/// What is wrong with a process.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) down: bool,
    pub(super) paused: bool,
    /// Work takes this many times as long.
    pub(super) slow: f64,
    pub(super) latency: Vec<(u64, Distribution)>,
    pub(super) errors: Vec<(u64, f64)>,
}

impl Condition {
    pub(super) fn sound() -> Condition {
        Condition { down: false, paused: false, slow: 1.0, latency: Vec::new(), errors: Vec::new() }
    }
}

/// See the module.
pub(super) struct World {
    pub(super) program: Program,
    pub(super) routes: Vec<Route>,
    pub(super) channels: Vec<Channel>,
    pub(super) ports: Vec<Port>,
    pub(super) services: Vec<ServiceState>,
    pub(super) replicas: Vec<Replica>,
    pub(super) zones: Zones,
    pub(super) sources: Vec<Source>,
    pub(super) workloads: Vec<WorkloadState>,
    /// As they are now.
    pub(super) clients: Ids<ClientId, Client>,
    /// Constant delays with a queue of their own.
    pub(super) lanes: Vec<Span>,
    /// Constant timeouts with a queue of their own.
    pub(super) timers: Vec<Span>,
}

/// More different constant delays than this share the wheel: merging many lanes costs more than it saves.
const LANES_MAX: usize = 8;

impl World {
    pub(super) fn new(model: &Model) -> World {
        let edges = model.edges();
        let mut world = World {
            program: Program::compile(model, &edges),
            routes: Vec::new(),
            channels: Vec::new(),
            ports: Vec::new(),
            services: Vec::new(),
            replicas: Vec::new(),
            zones: Zones::default(),
            sources: model.workloads.enumerate().map(|(id, _)| Source::new(model, id)).collect(),
            workloads: model
                .workloads
                .iter()
                .map(|workload| WorkloadState {
                    deadline: workload.deadline,
                    key: workload.key.clone(),
                    priority: workload.priority,
                    reload: workload.reload.clone(),
                    sessions: Sessions::of(workload),
                })
                .collect(),
            clients: model.clients.clone(),
            lanes: Vec::new(),
            timers: Vec::new(),
        };
        world.add_services(model);
        world.add_zones(model);
        world.add_routes(model, &edges);
        world.prepare_for_changes(model);
        world
    }

    fn add_services(&mut self, model: &Model) {
        let counted = balanced_by(model, Balance::JoinShortest);
        let hashed = balanced_by(model, Balance::RingHash);
        let tabled = balanced_by(model, Balance::Maglev);
        for (id, service) in model.services.enumerate() {
            let first_replica = self.replicas.len() as u32;
            let replicas = model.replicas_most(id);
            let scales = model.scales(id);
            for number in 0..replicas {
                // Those that come later are not there yet.
                let down = number >= service.replicas;
                self.replicas.push(Replica {
                    service: id.0,
                    guarded: service.limit.is_some() || matches!(service.discipline, Discipline::Codel(_)),
                    limit: service
                        .limit
                        .as_ref()
                        .map(|settings| Box::new(Guard::new(model, id, number, settings, Time::ZERO))),
                    admitted: 0,
                    pool: pool(service),
                    codel: match service.discipline {
                        Discipline::Codel(settings) => Some(Box::new(Codel::new(settings))),
                        _ => None,
                    },
                    cores: service
                        .cores
                        .map(|cores| Cores::new(cores, service.context_switch.map_or(1.0, ContextSwitch::slowdown))),
                    cores_epoch: 0,
                    in_progress: 0,
                    preempts: service.discipline == Discipline::Preemptive,
                    watches_queue: service.queue_timeout.is_some() || service.discipline == Discipline::Preemptive,
                    workers: Vec::new(),
                    disturbance: Disturbance::new(service, number, model.seed),
                    door: service.connections.as_ref().and_then(door),
                    condition: Condition { down, ..Condition::sound() },
                    troubled: down,
                    deferred: Vec::new(),
                    drains: 0,
                    detected_at: Time::MAX,
                    serves_at: Time::MAX,
                });
            }
            let patience = self.patience(service.queue_timeout.as_ref());
            self.services.push(ServiceState {
                first_replica,
                replicas,
                wanted: service.replicas,
                scales,
                hands_back: service.handlers == Handlers::Async,
                startup: service.startup,
                overflow: service.overflow,
                limit: service.limit,
                pushback: service.pushback,
                patience,
                picks: Stream::new(model.seed, &format!("service/{}/queue", service.name)),
                zones: service.zones.iter().map(|zone| zone.0).collect(),
                fleet: Fleet {
                    up: (0..service.replicas).collect(),
                    in_system: if counted[id.index()] || scales { vec![0; replicas as usize] } else { Vec::new() },
                    ring: if hashed[id.index()] { Ring::new(service.replicas) } else { Ring::default() },
                    maglev: if tabled[id.index()] { maglev(service) } else { Maglev::default() },
                    weights: service.weights.clone(),
                    slow_start: service.slow_start.map(|settings| (settings, vec![Time::ZERO; replicas as usize])),
                },
            });
        }
    }

    fn add_routes(&mut self, model: &Model, edges: &Ids<EdgeId, Edge>) {
        let channels = model.channels(edges);
        for channel in &channels.list {
            let first_replica = match channel.from {
                Caller::Workload(_) => 0,
                Caller::Service(id) => self.services[id.index()].first_replica,
                Caller::Consumer(_) => self.services[channel.to.index()].first_replica,
            };
            let first_port = self.ports.len() as u32;
            self.channels.push(Channel { first_port, first_replica, picks: World::stream(model, channel) });
            let client = &model.clients[channel.client];
            let ports = (0..model.caller_replicas(channel.from))
                .map(|number| self.port(model, channel, client, number, Time::ZERO));
            let ports: Vec<Port> = ports.collect();
            self.ports.extend(ports);
        }
        for (id, edge) in edges.enumerate() {
            let client = &model.clients[edge.client];
            let hop = self.hop(&client.latency);
            let backoff = self.backoff(client.retry.as_ref());
            let timeout = client.timeout.filter(|_| !Layers::new(client).times_calls);
            let timeout = timeout.map(|timeout| (self.timer(timeout), timeout));
            let channel = channels.of[id.index()];
            let service = model.endpoints[edge.to].service;
            let is_idempotent = model.endpoints[edge.to].idempotent;
            let Channel { first_port, first_replica, .. } = self.channels[channel as usize];
            let acquire = client.transport.as_ref().and_then(|transport| transport.connections.acquire_timeout);
            let acquire = acquire.map(|timeout| self.timer(timeout));
            let wire = Wire::new(
                client,
                edge.from,
                &model.endpoints[edge.to],
                model.services[service].connections.as_ref(),
                acquire,
            );
            let has_connections = wire.as_ref().is_some_and(Wire::connects);
            if let Some(wire) = wire.as_ref().filter(|_| has_connections) {
                self.add_lines(&wire.transport, model, channel, id, &channels.list[channel as usize]);
            }
            let is_zoned = is_zoned(model, edge);
            let mut route = Route {
                channel,
                port_base: first_port.wrapping_sub(first_replica),
                service: service.0,
                first_replica: self.services[service.index()].first_replica,
                start: self.program.endpoints[edge.to.index()],
                hop,
                timeout,
                timeouts_before: Vec::new(),
                backoff,
                propagate: client.deadlines == Deadlines::Propagate,
                hedged: client.hedge.filter(|_| is_idempotent).map_or(0, |hedge| hedge.attempts),
                flags: match edge.from {
                    Caller::Consumer(id) if !model.consumers[id].uses_pool => flag::WORKER,
                    _ => 0,
                },
                repeatable: match client.hedge {
                    _ if !is_idempotent => Outcomes::NOT_PROCESSED,
                    Some(hedge) => hedge.on,
                    None => Outcomes::ALL,
                },
                overall: client.overall_timeout,
                transparent: client.retry.as_ref().is_some_and(|retry| retry.transparent),
                noted: is_noted(client),
                cancel: client.cancel,
                wire: wire.map(Box::new),
                has_connections,
                trouble: EdgeTrouble::default(),
                users_zone: users_zone(model, edge),
                is_zoned,
                is_plain: !is_zoned,
                is_bare: false,
                is_swift: false,
                is_simple: false,
                is_direct: false,
            };
            route.settle();
            self.routes.push(route);
        }
    }

    /// Gives the ports of a channel their connections, if they have none yet.
    fn add_lines(&mut self, transport: &Transport, model: &Model, channel: u32, edge: EdgeId, of: &ModelChannel) {
        let first = self.channels[channel as usize].first_port as usize;
        let key = Key::root(model.seed, &format!("{}/connections", channel_name(model, of)));
        for (n, port) in self.ports[first..].iter_mut().take(model.caller_replicas(of.from) as usize).enumerate() {
            port.line.get_or_insert_with(|| Box::new(Line::new(transport, edge.0, key.child(n as u64))));
        }
    }

    /// A channel's own draws: balancers' picks belong to no request.
    fn stream(model: &Model, channel: &ModelChannel) -> Stream {
        Stream::new(model.seed, &format!("{}/picks", channel_name(model, channel)))
    }

    /// A backoff that is always the same may have a queue of its own.
    pub(super) fn backoff(&mut self, retry: Option<&RetrySettings>) -> Option<(LaneId, Span)> {
        match retry.map(|retry| (retry.backoff, retry.jitter)) {
            Some((Backoff::Fixed(delay), Jitter::None)) if !delay.is_zero() => Some((self.lane(delay)?, delay)),
            _ => None,
        }
    }

    pub(super) fn hop(&mut self, latency: &Distribution) -> Hop {
        match latency.constant() {
            Some(Span::ZERO) => Hop::None,
            Some(delay) => self.lane(delay).map_or_else(|| Hop::Drawn(latency.clone()), Hop::Lane),
            None => Hop::Drawn(latency.clone()),
        }
    }

    fn lane(&mut self, delay: Span) -> Option<LaneId> {
        let found = self.lanes.iter().position(|&lane| lane == delay);
        let index = found.or_else(|| {
            (self.lanes.len() < LANES_MAX).then(|| {
                self.lanes.push(delay);
                self.lanes.len() - 1
            })
        })?;
        Some(LaneId(index as u32))
    }

    pub(super) fn patience(&mut self, timeout: Option<&QueueTimeout>) -> Patience {
        match timeout {
            None => Patience::Endless,
            Some(QueueTimeout::After(length)) => match length.constant() {
                Some(constant) => Patience::Constant(self.timer(constant)),
                None => Patience::Drawn(length.clone()),
            },
            Some(QueueTimeout::Adaptive(policy)) => Patience::Adaptive {
                policy: *policy,
                short: self.timer(policy.short),
                standing: self.timer(policy.standing),
            },
        }
    }

    pub(super) fn timer(&mut self, timeout: Span) -> TimerId {
        let found = self.timers.iter().position(|&timer| timer == timeout);
        let index = found.unwrap_or_else(|| {
            self.timers.push(timeout);
            self.timers.len() - 1
        });
        TimerId(index as u32)
    }
}

/// Whether more must be known of a client's calls than of their attempts.
pub(super) fn is_noted(client: &Client) -> bool {
    let layers = Layers::new(client);
    let acts_on_calls = layers.calls > 0 || (client.breaker.is_some() && layers.breaker == BreakerPlace::Calls);
    let quota = client.retry.as_ref().and_then(|retry| retry.quota);
    let listens = client.retry.as_ref().is_some_and(RetrySettings::listens);
    client.overall_timeout.is_some() || acts_on_calls || listens || matches!(quota, Some(Quota::Aws(_)))
}

/// What names the draws of a channel.
pub(super) fn channel_name(model: &Model, channel: &ModelChannel) -> String {
    let from = match channel.from {
        Caller::Workload(id) => format!("workload/{}", model.workloads[id].name),
        Caller::Service(id) => format!("service/{}", model.services[id].name),
        Caller::Consumer(id) => format!("consumer/{}", model.consumers[id].name),
    };
    let (client, to) = (&model.clients[channel.client].name, &model.services[channel.to].name);
    format!("{from}/client/{client}/service/{to}")
}

fn pool(service: &Service) -> Pool<Ticket> {
    let pool = Pool::new(limit(service.threads), limit(service.queue), order(service.discipline));
    if let Some(QueueTimeout::Adaptive(_)) = service.queue_timeout { pool.noting_when_empty() } else { pool }
}

fn order(discipline: Discipline) -> Order {
    match discipline {
        Discipline::Fifo | Discipline::Codel(_) => Order::First,
        Discipline::Lifo => Order::Last,
        Discipline::AdaptiveLifo { standing } => Order::LastWhenStanding(standing),
        Discipline::Random => Order::Random,
        Discipline::Priority | Discipline::Preemptive => Order::ByClass,
    }
}

/// As pools count.
pub(super) fn limit(limit: Limit) -> u32 {
    match limit {
        Limit::Unlimited => u32::MAX,
        Limit::AtMost(n) => n,
    }
}
