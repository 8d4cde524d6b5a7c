//! An observer that keeps its own books and knows the laws: it panics at the first breach.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use brownout::base::time::{Span, Time};
use brownout::kernel::agenda::{Agenda, Event};
use brownout::kernel::{Departure, End, Engine, Observer};
use brownout::model::{ClientId, Discipline, Effect, Handlers, Limit, Model, Overflow, Service, ServiceId, Setting};
use brownout::policy::Outcome;
use brownout::policy::breaker::BreakerState;
use brownout::policy::order::Layer;

/// So often a run is asked whether it should go on at points that are not boundaries, before it is stopped: a
/// random model may explode.
const CHECKS_MAX: u32 = 1;

/// A service as it is at the start and after each change.
pub(super) fn all_of(model: &Model, id: ServiceId) -> impl Iterator<Item = Service> {
    let times = model.changes.iter().map(|change| change.at);
    // Several changes at one time hold one after another.
    let after_each = times.chain([Time::ZERO]).map(move |time| model.service_at(id, time));
    let single = model.changes.iter().flat_map(move |change| {
        let alone = Model { changes: vec![change.clone()], ..model.clone() };
        [alone.service_at(id, change.at)]
    });
    after_each.chain([model.services[id].clone()]).chain(single).collect::<Vec<_>>().into_iter()
}

/// The most that a service ever has; `None` if that is ever unlimited.
pub(super) fn most_of(model: &Model, id: ServiceId, has: impl Fn(&Service) -> Option<u32>) -> Option<u32> {
    all_of(model, id).map(|it| has(&it)).try_fold(0, |most, it| Some(most.max(it?)))
}

/// The fewest that it ever has; `None` if that is always unlimited.
pub(super) fn least_of(model: &Model, id: ServiceId, has: impl Fn(&Service) -> Option<u32>) -> Option<u32> {
    all_of(model, id).filter_map(|it| has(&it)).min()
}

/// Whether something ever holds of a service.
pub(super) fn ever(model: &Model, id: ServiceId, holds: impl Fn(&Service) -> bool) -> bool {
    all_of(model, id).any(|it| holds(&it))
}

fn timeout_most(model: &Model, id: ClientId) -> Option<Span> {
    let later = model.changes.iter().flat_map(|it| it.action.settings()).filter_map(|setting| match setting {
        Setting::Timeout(client, timeout) if *client == id => Some(*timeout),
        _ => None,
    });
    let most = later.chain([model.clients[id].timeout]).try_fold(Span::ZERO, |most, it| Some(most.max(it?)));
    most.or(model.clients[id].overall_timeout)
}

/// Runs `model` under the eyes of a ledger.
pub(super) fn audit<A: Agenda>(model: &Model) -> (Ledger, End) {
    let mut engine = Engine::<A, Ledger>::new(model, Ledger::new(model));
    let end = engine.run(&mut budget());
    let mut ledger = engine.into_observer();
    ledger.pass_to(end.at);
    (ledger, end)
}

/// Stops a run that has become far too large. Ledgers have no boundaries: every question is about size.
fn budget() -> impl FnMut(Time) -> ControlFlow<()> {
    let mut checks = 0;
    move |_| {
        checks += 1;
        if checks > CHECKS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The books.
#[derive(Debug)]
pub(super) struct Ledger {
    now: Time,
    pub(super) workloads: Vec<WorkloadBook>,
    pub(super) services: Vec<ServiceBook>,
    pub(super) edges: Vec<EdgeBook>,
    /// Permits of each pool that are in use, and those who wait for one.
    pub(super) pools: Vec<[i64; 2]>,
    /// Somebody may wait longer than his timeout: he himself is paused.
    pauses: bool,
}

#[derive(Debug, Default)]
pub(super) struct WorkloadBook {
    /// When each request was meant to start.
    pub(super) offered: Vec<Time>,
    /// How each ended: when it was meant to start, when it ended, how.
    pub(super) finished: Vec<(Time, Time, Outcome)>,
    pub(super) remaining: u64,
}

#[derive(Debug)]
pub(super) struct ServiceBook {
    /// The most that there ever are, as all that follows.
    replicas: u32,
    threads: Option<u32>,
    /// The fewest.
    threads_min: Option<u32>,
    queue_max: Option<u32>,
    queue_min: Option<u32>,
    cores_max: Option<u32>,
    fifo: bool,
    blocking: bool,
    oldest_first: bool,
    limited: bool,
    pub(super) arrivals: u64,
    pub(super) started: u64,
    pub(super) left: BTreeMap<u8, u64>,
    pub(super) in_system: i64,
    pub(super) waiting: i64,
    pub(super) busy: i64,
    pub(super) wasted: i64,
    pub(super) cores: i64,
    /// Integrals over time of busy, wasted, waiting and in the system, in nanoseconds.
    pub(super) integrals: [u128; 4],
    up: i64,
    /// When somebody started last, and who of them had come last.
    last_started: (Time, Time),
    /// Who of those had come last that started at an earlier instant.
    last_started_before: Time,
    pub(super) remaining: u64,
    pub(super) peak: u32,
}

#[derive(Debug, Default)]
pub(super) struct EdgeBook {
    /// The longest.
    timeout: Option<Span>,
    /// Whether there are several.
    changes: bool,
    /// One timeout for all attempts of a call: the later ones have less.
    hedged: bool,
    /// Whether patience may have begun before it was sent.
    queues: bool,
    pub(super) calls: u64,
    pub(super) sent: u64,
    /// Of these, those that have got a connection.
    pub(super) connected: u64,
    pub(super) short_circuited: u64,
    pub(super) throttled: u64,
    pub(super) answered: u64,
    /// Messages of streams that were read; bytes that were sent and not read; handlers that wait for room.
    pub(super) read: u64,
    pub(super) unread: i64,
    pub(super) blocked: i64,
}

impl Ledger {
    pub(super) fn new(model: &Model) -> Ledger {
        let most = |limit: Limit| match limit {
            Limit::Unlimited => None,
            Limit::AtMost(n) => Some(n),
        };
        Ledger {
            now: Time::ZERO,
            workloads: model.workloads.iter().map(|_| WorkloadBook::default()).collect(),
            services: model
                .services
                .enumerate()
                .map(|(id, service)| ServiceBook {
                    replicas: model.replicas_most(id),
                    threads: most_of(model, id, |it| most(it.threads)),
                    threads_min: least_of(model, id, |it| most(it.threads)),
                    queue_max: most_of(model, id, |it| most(it.queue)),
                    queue_min: least_of(model, id, |it| most(it.queue)),
                    cores_max: most_of(model, id, |it| it.cores),
                    fifo: service.discipline == Discipline::Fifo,
                    // One that was interrupted has no thread, and is no newcomer.
                    blocking: service.handlers == Handlers::Blocking && service.discipline != Discipline::Preemptive,
                    oldest_first: ever(model, id, |it| it.overflow == Overflow::RejectOldest),
                    limited: ever(model, id, |it| it.limit.is_some()),
                    arrivals: 0,
                    started: 0,
                    left: BTreeMap::new(),
                    in_system: 0,
                    waiting: 0,
                    busy: 0,
                    wasted: 0,
                    cores: 0,
                    integrals: [0; 4],
                    up: i64::from(service.replicas),
                    last_started: (Time::ZERO, Time::ZERO),
                    last_started_before: Time::ZERO,
                    remaining: 0,
                    peak: 0,
                })
                .collect(),
            edges: model
                .edges()
                .iter()
                .map(|edge| EdgeBook {
                    timeout: timeout_most(model, edge.client),
                    changes: model
                        .changes
                        .iter()
                        .flat_map(|it| it.action.settings())
                        .any(|setting| matches!(setting, Setting::Timeout(id, _) if *id == edge.client)),
                    hedged: model.clients[edge.client].hedge.is_some()
                        || model.clients[edge.client].overall_timeout.is_some()
                        || model.clients[edge.client].order.around_calls().contains(&Layer::Timeout),
                    queues: model.clients[edge.client].bulkhead.is_some()
                        || model.clients[edge.client].rate_limit.is_some(),
                    ..EdgeBook::default()
                })
                .collect(),
            pools: model.pools.iter().map(|_| [0; 2]).collect(),
            pauses: model.faults.iter().any(|fault| fault.effect == Effect::Pause)
                || model.services.iter().any(|service| service.gc.is_some()),
        }
    }

    /// Moves the clock to `now`; until then everything stays as it is.
    fn pass_to(&mut self, now: Time) {
        let passed = u128::from(now.since(self.now).as_nanos());
        for (number, it) in self.services.iter_mut().enumerate() {
            it.check_at_rest(number);
            let levels = [it.busy, it.wasted, it.waiting, it.in_system];
            for (integral, level) in it.integrals.iter_mut().zip(levels) {
                *integral += passed * level as u128;
            }
        }
        self.now = now;
    }

    fn service(&mut self, service: u32, now: Time) -> &mut ServiceBook {
        self.pass(now);
        &mut self.services[service as usize]
    }

    /// Time never goes back, and what is told in between is told at the time of the event.
    fn pass(&mut self, now: Time) {
        assert_eq!(now.as_nanos(), self.now.as_nanos(), "everything that an event does, it does at its own time");
    }
}

impl ServiceBook {
    /// What holds whenever the clock moves.
    fn check_at_rest(&self, number: usize) {
        let (waiting, busy, wasted) = (self.waiting, self.busy, self.wasted);
        assert!(waiting >= 0 && busy >= 0 && self.in_system >= 0 && self.cores >= 0, "service {number}: {self:?}");
        assert!((0..=busy).contains(&wasted), "service {number}: {wasted} of {busy} busy threads are wasted");
        assert!((0..=i64::from(self.replicas)).contains(&self.up), "service {number}: {} are up", self.up);
        let replicas = i64::from(self.replicas);
        if let Some(threads) = self.threads.map(i64::from) {
            assert!(busy <= threads * replicas, "service {number}: {busy} threads are busy of {threads} each");
        }
        match self.threads_min.map(i64::from) {
            // Who waits, waits at a replica all of whose threads are busy; of a single one that is all.
            Some(threads) => {
                assert!(waiting == 0 || busy >= threads, "service {number}: {waiting} wait, {busy} threads are busy");
            }
            None => assert_eq!(waiting, 0, "service {number}: nobody waits for unlimited threads"),
        }
        if let Some(most) = self.queue_max {
            assert!(waiting <= i64::from(most) * replicas, "service {number}: {waiting} wait in places for {most}");
        }
        if let Some(cores) = self.cores_max {
            assert!(self.cores <= i64::from(cores) * replicas, "service {number}: {} cores are in use", self.cores);
        }
        if self.blocking {
            assert_eq!(self.in_system, waiting + busy, "service {number}: who does not wait has a thread");
        }
    }

    /// All that have left.
    pub(super) fn departures(&self) -> u64 {
        self.left.values().sum()
    }
}

impl Observer for Ledger {
    fn event(&mut self, now: Time, _event: &Event) {
        assert!(now >= self.now, "time goes back from {} to {}", self.now.as_nanos(), now.as_nanos());
        if now > self.now {
            self.pass_to(now);
        }
    }

    fn offered(&mut self, workload: u32, now: Time, arrived: Time) {
        self.pass(now);
        assert!(arrived <= now, "nobody is early");
        self.workloads[workload as usize].offered.push(arrived);
    }

    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        self.pass(now);
        self.workloads[workload as usize].finished.push((arrived, now, outcome));
    }

    fn called(&mut self, edge: u32, now: Time) {
        self.pass(now);
        self.edges[edge as usize].calls += 1;
    }

    fn sent(&mut self, edge: u32, now: Time) {
        self.pass(now);
        self.edges[edge as usize].sent += 1;
    }

    fn connected(&mut self, edge: u32, now: Time, waited: Span) {
        self.pass(now);
        let edge = &mut self.edges[edge as usize];
        edge.connected += 1;
        assert!(edge.connected <= edge.sent, "more connections than attempts");
        assert!(now.since(Time::ZERO) >= waited, "nobody waits since before the start");
    }

    fn message_read(&mut self, edge: u32, now: Time) {
        self.pass(now);
        self.edges[edge as usize].read += 1;
    }

    fn unread(&mut self, edge: u32, now: Time, change: i64) {
        self.pass(now);
        let edge = &mut self.edges[edge as usize];
        edge.unread += change;
        assert!(edge.unread >= 0, "more is read than was sent");
    }

    fn blocked(&mut self, edge: u32, now: Time, change: i32) {
        self.pass(now);
        let edge = &mut self.edges[edge as usize];
        edge.blocked += i64::from(change);
        assert!(edge.blocked >= 0, "who goes on has waited");
    }

    fn short_circuited(&mut self, edge: u32, now: Time) {
        self.pass(now);
        self.edges[edge as usize].short_circuited += 1;
    }

    fn throttled(&mut self, edge: u32, now: Time) {
        self.pass(now);
        self.edges[edge as usize].throttled += 1;
    }

    fn answered(&mut self, edge: u32, now: Time, sent: Time, outcome: Outcome) {
        self.pass(now);
        let pauses = self.pauses;
        let edge = &mut self.edges[edge as usize];
        edge.answered += 1;
        assert!(edge.answered <= edge.sent, "more answers than attempts");
        let took = now.since(sent);
        if let Some(timeout) = edge.timeout {
            assert!(took <= timeout || pauses, "waited {} ns in spite of a timeout", took.as_nanos());
            let may_be_short = pauses || edge.hedged || edge.changes || edge.queues;
            assert!(
                outcome != Outcome::Timeout || took == timeout || may_be_short,
                "gave up after {} ns",
                took.as_nanos()
            );
        } else if !edge.changes {
            assert_ne!(outcome, Outcome::Timeout, "who waits for ever never gives up");
        }
    }

    fn breaker(&mut self, _channel: u32, now: Time, from: BreakerState, to: BreakerState) {
        self.pass(now);
        assert_ne!(from, to, "a breaker that changes becomes another");
    }

    fn permits(&mut self, pool: u32, now: Time, change: i32) {
        self.pass(now);
        let used = &mut self.pools[pool as usize][0];
        *used += i64::from(change);
        assert!(*used >= 0, "more permits are given back than were taken");
    }

    fn permits_wanted(&mut self, pool: u32, now: Time, change: i32) {
        self.pass(now);
        let wanted = &mut self.pools[pool as usize][1];
        *wanted += i64::from(change);
        assert!(*wanted >= 0, "more get a permit than wait for one");
    }

    fn arrived(&mut self, service: u32, now: Time) {
        let book = self.service(service, now);
        book.arrivals += 1;
        book.in_system += 1;
    }

    fn queued(&mut self, service: u32, now: Time, waiting: u32) {
        let book = self.service(service, now);
        book.waiting += 1;
        book.peak = book.peak.max(waiting);
        assert!(waiting > 0, "who waits is counted");
        assert!(book.replicas > 1 || i64::from(waiting) == book.waiting, "{waiting} wait, or {}", book.waiting);
        assert!(book.queue_max.is_none_or(|most| waiting <= most), "{waiting} wait in {:?} places", book.queue_max);
    }

    fn unqueued(&mut self, service: u32, now: Time) {
        let book = self.service(service, now);
        book.waiting -= 1;
        assert!(book.waiting >= 0, "who stops to wait has waited");
    }

    fn started(&mut self, service: u32, now: Time, arrived: Time) {
        let book = self.service(service, now);
        book.started += 1;
        assert!(arrived <= now);
        if book.fifo && book.replicas == 1 {
            // Those that start at one instant had their threads before, and start in any order.
            let (started, latest) = book.last_started;
            if now > started {
                book.last_started_before = latest;
            }
            assert!(arrived >= book.last_started_before, "first come, first served");
            book.last_started = (now, latest.max(arrived));
        }
    }

    fn threads(&mut self, service: u32, now: Time, busy: i32, wasted: i32) {
        let book = self.service(service, now);
        book.busy += i64::from(busy);
        book.wasted += i64::from(wasted);
        let most = book.threads.map(|threads| i64::from(threads) * i64::from(book.replicas));
        assert!(most.is_none_or(|most| book.busy <= most), "more threads than there are");
        assert!(book.busy >= 0, "a thread that is given back was taken");
        assert!((0..=book.busy).contains(&book.wasted), "only a busy thread can be wasted");
    }

    fn left(&mut self, service: u32, now: Time, arrived: Time, started: bool, how: Departure) {
        let book = self.service(service, now);
        if how == Departure::Rejected && !book.limited {
            // At his replica every thread is busy and every place is taken; of a single one that is all.
            let (threads, places) = (book.threads_min.map(i64::from), book.queue_min.map(i64::from));
            assert!(threads.is_some_and(|threads| book.busy >= threads), "turned away from a free thread");
            // Who makes room for a newcomer has just left his place.
            let waiting = book.waiting + i64::from(book.oldest_first);
            assert!(places.is_some_and(|places| waiting >= places), "turned away from a free place");
        }
        book.in_system -= 1;
        *book.left.entry(how as u8).or_default() += 1;
        assert!(book.in_system >= 0, "who leaves has arrived");
        assert!(arrived <= now);
        let may_start = match how {
            Departure::Completed | Departure::Failed => started,
            Departure::Rejected | Departure::Shed => !started,
            Departure::Refused | Departure::Dropped => true,
        };
        assert!(may_start, "{how:?} with started = {started}");
    }

    fn cores(&mut self, service: u32, now: Time, change: i32) {
        let book = self.service(service, now);
        book.cores += i64::from(change);
        assert!(book.cores >= 0, "a core that is given back was in use");
    }

    fn works(&mut self, _service: u32, now: Time, until: Time) {
        self.pass(now);
        assert!(until >= now, "work ends after it begins");
    }

    fn request_remains(&mut self, workload: u32, _arrived: Time) {
        self.workloads[workload as usize].remaining += 1;
    }

    fn visit_remains(&mut self, service: u32, _end: Time, _arrived: Time) {
        self.services[service as usize].remaining += 1;
    }

    fn replica(&mut self, service: u32, now: Time, change: i32) {
        self.service(service, now).up += i64::from(change);
    }
}
