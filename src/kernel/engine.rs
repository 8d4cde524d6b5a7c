//! The engine: takes the next event off the agenda and hands it to whoever it concerns, until the end.
//!
//! What an event does stands in the files beside this one: `handler` (the callee's side), `caller` (the
//! caller's side), `hedging` (several attempts at a time), `trouble` (faults), `change` (the operator). Something that takes no time goes through
//! `soon`, a queue that is emptied before the clock moves, so that nothing recurses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

use crate::base::time::{Span, Time};
use crate::model::Model;
use crate::policy::retry::RetrySettings;

use super::agenda::{Agenda, Event, Ticket};
use super::frame::{DELIVERY, Frames, NONE, State, flag};
use super::messaging::Messaging;
use super::note::Note;
use super::observer::Observer;
use super::program::Visit;
use super::resources::Resources;
use super::streaming::Streaming;
use super::wish::Wish;
use super::world::World;

/// How often a run that stands still in time asks whether it should go on: every 2²⁰ events.
const EVENTS_PER_CHECK: u64 = 1 << 20;

/// A run in progress.
pub struct Engine<'m, A, O> {
    pub(super) model: &'m Model,
    pub(super) agenda: A,
    pub(super) observer: O,
    pub(super) world: World,
    pub(super) resources: Resources,
    pub(super) streaming: Streaming,
    pub(super) messaging: Messaging,
    pub(super) frames: Frames,
    pub(super) soon: VecDeque<Event>,
    /// By frame; empty as long as no client wants any.
    pub(super) notes: Vec<Note>,
    /// Users' requests for which something has stood in for an answer; empty as long as no call has a fallback.
    pub(super) fell_back: BTreeSet<u32>,
    /// What answers say that are on their way, by their caller.
    pub(super) wishes: BTreeMap<u32, Wish>,
    /// Whether any client listens to wishes.
    pub(super) listens: bool,
    /// How deep calls that take no time are nested.
    pub(super) depth: u32,
    /// Number of paused replicas: while zero, nobody asks whether his is.
    pub(super) paused: u32,
    /// Faults that are on, by their place in the model.
    pub(super) active: Vec<bool>,
    events: u64,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// When.
    pub at: Time,
    /// Whether it was told to stop before the scenario's end.
    pub interrupted: bool,
    /// Events that were handled.
    pub events: u64,
    /// Requests, attempts and branches of handlers that were still under way.
    pub in_flight: u64,
}

impl<'m, A: Agenda, O: Observer> Engine<'m, A, O> {
    /// A run of `model` that stands at its start.
    pub fn new(model: &'m Model, observer: O) -> Self {
        let mut world = World::new(model);
        let there: Vec<bool> = world.replicas.iter().map(|replica| !replica.condition.down).collect();
        let resources = Resources::new(model, &there, |timeout| world.timer(timeout));
        let messaging = Messaging::new(model, &mut world);
        let agenda = A::new(&world.lanes, &world.timers);
        Engine {
            model,
            agenda,
            observer,
            world,
            resources,
            streaming: Streaming::new(model),
            messaging,
            frames: Frames::new(Messaging::knows_origins(model)),
            soon: VecDeque::new(),
            notes: Vec::new(),
            fell_back: BTreeSet::new(),
            wishes: BTreeMap::new(),
            listens: model.clients.iter().any(|client| client.retry.as_ref().is_some_and(RetrySettings::listens)),
            depth: 0,
            paused: 0,
            active: vec![false; model.faults.len()],
            events: 0,
        }
    }

    /// Runs to the end, or until `go_on` says to stop; it is asked at every boundary of the observer and every
    /// 2²⁰ events.
    pub fn run(&mut self, go_on: &mut dyn FnMut(Time) -> ControlFlow<()>) -> End {
        self.enter_limits();
        self.enter_faults();
        self.enter_changes();
        self.enter_disturbances();
        self.enter_messaging();
        self.enter_workloads();
        let end = self.model.end();
        let stopped = self.run_to(end, go_on).break_value();
        let at = stopped.unwrap_or(end);
        // What is still to be told of the time after the last event.
        while stopped.is_none() && self.observer.boundary() <= end {
            if !self.messaging.is_empty() {
                self.tell_ages();
            }
            self.observer.cross();
        }
        let in_flight = self.tell_what_remains(at);
        End { at, interrupted: stopped.is_some(), events: self.events, in_flight }
    }

    /// Returns how many frames are in use.
    fn tell_what_remains(&mut self, end: Time) -> u64 {
        let mut in_flight = 0;
        for id in self.frames.ids() {
            let frame = &self.frames[id];
            in_flight += u64::from(frame.state != State::Free);
            match frame.state {
                State::Calling | State::Connecting | State::Streaming => {
                    let (edge, _) = self.current_call(frame);
                    self.observer.attempt_remains(edge, frame.mark);
                }
                // It was told to work longer than the run lasts.
                State::Working if !frame.has(flag::ON_CORES) => {
                    self.observer.work_changes(frame.service, frame.mark, end);
                }
                _ => {}
            }
            if frame.parent == DELIVERY && frame.has(flag::USER) {
                // What a worker has in his hands is pending.
            } else if frame.has(flag::USER) && frame.state != State::Free {
                self.observer.request_remains(frame.parent_token, frame.arrived);
            } else if !matches!(frame.state, State::Free | State::Travelling | State::Done) && !frame.has(flag::BRANCH)
            {
                let service = self.world.replicas[frame.replica as usize].service;
                self.observer.visit_remains(service, end, frame.arrived);
            }
        }
        self.tell_what_is_pending();
        in_flight
    }

    /// The observer, with what it has seen.
    pub fn into_observer(self) -> O {
        self.observer
    }

    /// Breaks with the time at which it was told to stop.
    fn run_to(&mut self, end: Time, go_on: &mut dyn FnMut(Time) -> ControlFlow<()>) -> ControlFlow<Time> {
        let mut ask = |time: Time| match go_on(time) {
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
            ControlFlow::Break(()) => ControlFlow::Break(time),
        };
        loop {
            let frames = &self.frames;
            let Some(event) = self.agenda.pop(end, |ticket| frames.live(ticket)) else {
                return ControlFlow::Continue(());
            };
            while self.agenda.now() >= self.observer.boundary() {
                let boundary = self.observer.boundary();
                if !self.messaging.is_empty() {
                    self.tell_ages();
                }
                self.observer.cross();
                ask(boundary)?;
            }
            self.dispatch(event);
            while let Some(event) = self.soon.pop_front() {
                self.dispatch(event);
                if self.events.is_multiple_of(EVENTS_PER_CHECK) {
                    ask(self.agenda.now())?;
                }
            }
            if self.events.is_multiple_of(EVENTS_PER_CHECK) {
                ask(self.agenda.now())?;
            }
        }
    }

    fn enter_workloads(&mut self) {
        for workload in 0..self.world.sources.len() as u32 {
            for user in 0..self.world.sources[workload as usize].users() {
                self.think(workload, user, Span::ZERO);
            }
            self.enter_next_arrival(workload);
        }
    }

    fn enter_next_arrival(&mut self, workload: u32) {
        if let Some(time) = self.world.sources[workload as usize].next() {
            self.agenda.at(time, Event::Arrival(workload));
        }
    }

    /// A user waits until his next request, for `at_least` as long if nothing but himself keeps him.
    pub(super) fn think(&mut self, workload: u32, user: u32, at_least: Span) {
        let start = self.world.sources[workload as usize].next_start(user, self.agenda.now(), at_least);
        self.agenda.at(start, Event::Thought { workload, user });
    }

    #[inline]
    fn dispatch(&mut self, event: Event) {
        self.events += 1;
        self.observer.event(self.agenda.now(), &event);
        if self.paused > 0 && self.defer(event) {
            return;
        }
        match event {
            Event::Arrival(workload) => {
                let visit = self.world.program.workloads[workload as usize];
                for _ in 0..self.world.sources[workload as usize].batch {
                    let key = self.world.sources[workload as usize].next_key();
                    match visit {
                        Visit::Request(start) => self.offer(workload, NONE, key, self.agenda.now(), start),
                        Visit::Session(_) => self.session_arrives(workload, key),
                    }
                }
                self.enter_next_arrival(workload);
            }
            Event::Thought { workload, user } => self.thought(workload, user),
            Event::Arrive(ticket) => self.arrive(ticket),
            Event::Begin(ticket) => self.begin_handed(ticket),
            Event::Proceed(ticket) => self.proceed(ticket),
            Event::Reply(ticket, outcome) => self.answered(ticket, outcome),
            Event::Timeout(ticket) => self.patience_ends(ticket),
            Event::Retry(ticket) => self.retry(ticket),
            Event::Cancel(notice) => self.cancelled(notice),
            Event::Parcel(id) => self.parcel_arrives(id),
            Event::Worker(worker) => self.worker_goes_on(worker),
            Event::ProducerDue(n) => self.producer_due(n),
            Event::Connected(ticket) => self.connected(ticket),
            Event::Stream(id, frame) => self.streamed(id, frame),
            Event::CoresDue { replica, epoch } => self.cores_due(replica, epoch),
            event => self.dispatch_rare(event),
        }
    }

    /// What happens now and then only, kept away from what happens with every request.
    #[cold]
    fn dispatch_rare(&mut self, event: Event) {
        match event {
            Event::Reload(ticket) => self.reload(ticket),
            Event::DeadLetter => self.dead_letter(),
            Event::ShelfDue(topic) => self.shelf_due(topic),
            Event::Redrive(topic) => self.redrive_due(topic),
            Event::GroupDue(group) => self.group_due(group),
            Event::CleanLogs(topic) => self.clean_logs(topic),
            Event::TransactionsDue => self.transactions_due(),
            Event::BrokerDue(n) => self.broker_due(n),
            Event::LagLook { consumer, looks } => self.look_at_lag(consumer, looks),
            Event::Dial { port, connection } => self.dial_goes_on(port, connection),
            Event::DialTimeout { port, connection } => self.dial_timed_out(port, connection),
            Event::IdleDue(port) => self.idle_due(port),
            Event::FaultStart(fault) => self.fault_starts(fault),
            Event::FaultEnd(fault) => self.fault_ends(fault),
            Event::Change { change, step } => self.change(change, step),
            Event::Idle(replica) => self.idle(replica),
            Event::Detected(replica) => self.crash_detected(replica),
            Event::Started(replica) => self.started_up(replica),
            Event::GcStart(replica) => self.gc_starts(replica),
            Event::GcEnd(replica) => self.gc_ends(replica),
            Event::NoiseStart(replica) => self.noise_starts(replica),
            Event::NoiseEnd(replica) => self.noise_ends(replica),
            event => unreachable!("{event:?} is no rare event, or stays inside the agenda"),
        }
    }

    /// Whoever has waited for long enough does so no longer.
    #[inline(never)]
    fn patience_ends(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        match self.frames[ticket.frame].state {
            State::Calling | State::Hedging | State::Streaming => self.timed_out(ticket),
            State::Waiting => self.queue_timed_out(ticket.frame),
            State::Publishing => self.publish_timed_out(ticket.frame),
            State::Connecting => self.connecting_timed_out(ticket),
            State::Acquiring => self.acquire_timed_out(ticket.frame),
            State::Held => self.held_too_long(ticket),
            // It has what it waited for, and goes on with the same ticket.
            _ => {}
        }
    }

    /// Keeps an event for the process that it concerns if that is paused. The queue goes on: the operating system
    /// keeps it.
    #[cold]
    fn defer(&mut self, event: Event) -> bool {
        let frame = match event {
            Event::Begin(ticket)
            | Event::Proceed(ticket)
            | Event::Reply(ticket, _)
            | Event::Timeout(ticket)
            | Event::Retry(ticket)
            | Event::Connected(ticket)
                if self.frames.live(ticket) =>
            {
                ticket.frame
            }
            Event::Cancel(notice) if self.frames.is_inside(notice) => notice.frame,
            _ => return false,
        };
        let replica = self.frames[frame].replica;
        if replica == NONE || !self.world.replicas[replica as usize].condition.paused {
            return false;
        }
        self.world.replicas[replica as usize].deferred.push(event);
        true
    }

    #[inline]
    pub(super) fn now(&self) -> Time {
        self.agenda.now()
    }

    /// Whether a frame still waits for what `ticket` was made for.
    #[inline]
    pub(super) fn live(&self, ticket: Ticket) -> bool {
        self.frames.live(ticket)
    }
}
