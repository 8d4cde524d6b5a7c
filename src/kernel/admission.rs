//! The door of a replica: a request gets a thread, waits for one, or is turned away; threads are taken, given back
//! and handed on.

use crate::base::random::salt;
use crate::base::time::{Span, Time};
use crate::mechanism::pool::Admission;
use crate::model::Overflow;
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::delivery::DEPTH_MAX;
use super::engine::Engine;
use super::frame::{Frame, NONE, State, flag};
use super::observer::{Deed, Departure, Observer, Spent};
use super::program::Program;
use super::world::{Patience, Replica, World};

const SALT_ERROR: u64 = salt("fault/error");
const SALT_PATIENCE: u64 = salt("queue/timeout");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A request reaches its replica.
    #[inline]
    pub(super) fn arrive(&mut self, ticket: Ticket) {
        let now = self.now();
        let World { program, replicas, .. } = &mut self.world;
        let frame = &mut self.frames[ticket.frame];
        if frame.token != ticket.token {
            return;
        }
        frame.arrived = now;
        let replica = &mut replicas[frame.replica as usize];
        self.observer.arrived(replica.service, now);
        self.observer.lands(replica.service, frame.replica, now);
        if frame.is_traced() {
            self.observer.deed(ticket.frame, now, Deed::Arrives);
        }
        let is_special = frame.has(flag::CANCELLED | flag::WORKER | flag::POISONED);
        if replica.guarded || replica.troubled || is_special || now >= frame.deadline {
            self.arrives_with_care(ticket);
            return;
        }
        match replica.pool.arrive(now, ticket, frame.priority()) {
            Admission::Started => {
                frame.flags |= flag::THREAD;
                self.observer.threads(replica.service, now, 1, i32::from(frame.has(flag::ABANDONED)));
                starts(&mut self.observer, program, replica, frame, ticket.frame, now);
                self.advance(ticket.frame);
            }
            admission => self.finds_no_thread(ticket, admission),
        }
    }

    /// One that is special, or comes to a replica that is, or too late.
    #[inline(never)]
    fn arrives_with_care(&mut self, ticket: Ticket) {
        let now = self.now();
        let frame = &mut self.frames[ticket.frame];
        if frame.has(flag::POISONED) {
            frame.pc = self.world.program.failing;
        }
        if frame.has(flag::WORKER) {
            self.arrives_with_worker(ticket.frame);
            return;
        }
        if !self.lets_in(ticket.frame) {
            return;
        }
        let World { program, replicas, .. } = &mut self.world;
        let frame = &mut self.frames[ticket.frame];
        let replica = &mut replicas[frame.replica as usize];
        match replica.pool.arrive(now, ticket, frame.priority()) {
            Admission::Started => {
                frame.flags |= flag::THREAD;
                self.observer.threads(replica.service, now, 1, i32::from(frame.has(flag::ABANDONED)));
                if replica.troubled {
                    self.run_first_steps_in_trouble(ticket.frame);
                    return;
                }
                starts(&mut self.observer, program, replica, frame, ticket.frame, now);
                self.advance(ticket.frame);
            }
            admission => self.finds_no_thread(ticket, admission),
        }
    }

    /// A newcomer waits for a thread, or cannot.
    #[inline(always)]
    fn finds_no_thread(&mut self, ticket: Ticket, admission: Admission) {
        let now = self.now();
        match admission {
            Admission::Started => {}
            Admission::Queued => {
                let frame = &mut self.frames[ticket.frame];
                frame.state = State::Waiting;
                if frame.is_watched() {
                    self.observer.spends(ticket.frame, now, Spent::Threads);
                }
                let replica = &self.world.replicas[frame.replica as usize];
                self.observer.queued(replica.service, now, replica.pool.waiting());
                if replica.watches_queue {
                    self.watch(ticket);
                }
            }
            Admission::Rejected => self.overflow(ticket),
        }
    }

    /// What a worker of a consumer handles starts at once, on his own thread.
    #[inline(never)]
    fn arrives_with_worker(&mut self, id: u32) {
        let now = self.now();
        let World { program, replicas, .. } = &mut self.world;
        let frame = &mut self.frames[id];
        let replica = &mut replicas[frame.replica as usize];
        if replica.condition.down {
            self.leave(id, Departure::Refused, Outcome::Refused);
            return;
        }
        if replica.troubled {
            self.run_first_steps_in_trouble(id);
            return;
        }
        starts(&mut self.observer, program, replica, frame, id, now);
        self.advance(id);
    }

    /// Whether a replica that is guarded or in trouble takes a newcomer on, or one that may come in vain; else he leaves.
    #[cold]
    fn lets_in(&mut self, id: u32) -> bool {
        let now = self.now();
        let frame = &self.frames[id];
        let index = frame.replica as usize;
        let (how, outcome) = if self.world.replicas[index].condition.down {
            (Departure::Refused, Outcome::Refused)
        } else if frame.has(flag::CANCELLED) {
            (Departure::Dropped, Outcome::Cancelled)
        } else if now >= frame.deadline {
            (Departure::Dropped, Outcome::Expired)
        } else if !self.is_within_limit(id) {
            (Departure::Rejected, Outcome::Rejected)
        } else {
            // One who will not wait counts as a wait of no time.
            let replica = &mut self.world.replicas[index];
            if let Some(codel) = replica.codel.as_mut().filter(|_| replica.pool.has_free()) {
                codel.drops(now, Span::ZERO);
            }
            return true;
        };
        self.leave(id, how, outcome);
        false
    }

    /// A newcomer leaves at the door. Out of line: most are taken on.
    #[cold]
    fn send_back(&mut self, id: u32, how: Departure, outcome: Outcome) {
        self.leave(id, how, outcome);
    }

    /// One who waits has patience, or is so important that somebody is interrupted.
    #[cold]
    fn watch(&mut self, ticket: Ticket) {
        let now = self.now();
        let frame = &self.frames[ticket.frame];
        let (index, class, key) = (frame.replica, frame.priority(), frame.key);
        let replica = &self.world.replicas[index as usize];
        let frames = &self.frames;
        match &self.world.services[replica.service as usize].patience {
            Patience::Endless => {}
            Patience::Constant(timer) => self.agenda.arm(*timer, ticket, |ticket| frames.live(ticket)),
            Patience::Drawn(length) => {
                let length = length.sample(key.child(SALT_PATIENCE).draws());
                self.agenda.at(now + length, Event::Timeout(ticket));
            }
            Patience::Adaptive { policy, short, standing } => {
                let is_short = policy.timeout(now, replica.pool.last_empty(now)) == policy.short;
                self.agenda.arm(if is_short { *short } else { *standing }, ticket, |ticket| frames.live(ticket));
            }
        }
        if replica.preempts {
            self.interrupt_for(index, class);
        }
    }

    /// Every place is taken: the newcomer is turned away, or somebody for him.
    #[cold]
    fn overflow(&mut self, ticket: Ticket) {
        let now = self.now();
        let frame = &self.frames[ticket.frame];
        let class = frame.priority();
        let replica = &mut self.world.replicas[frame.replica as usize];
        let frames = &self.frames;
        let overflow = self.world.services[replica.service as usize].overflow;
        let oldest = match overflow {
            Overflow::RejectNewest => None,
            // There are fewer places than there were: nobody gets the one of who leaves.
            Overflow::RejectOldest if replica.pool.is_overfull() => None,
            Overflow::RejectOldest => replica.pool.oldest(class, |ticket| frames.live(ticket)),
        };
        let Some(oldest) = oldest else {
            self.send_back(ticket.frame, Departure::Rejected, Outcome::Rejected);
            return;
        };
        self.turn_away(oldest.frame, Departure::Rejected);
        let frame = &mut self.frames[ticket.frame];
        let replica = &mut self.world.replicas[frame.replica as usize];
        let admission = replica.pool.arrive(now, ticket, class);
        assert_eq!(admission, Admission::Queued, "there is one free place and no free thread");
        frame.state = State::Waiting;
        if frame.is_watched() {
            self.observer.spends(ticket.frame, now, Spent::Threads);
        }
        self.observer.queued(replica.service, now, replica.pool.waiting());
        if replica.watches_queue {
            self.watch(ticket);
        }
    }

    /// One that waits has waited too long.
    pub(super) fn queue_timed_out(&mut self, id: u32) {
        self.turn_away(id, Departure::Shed);
    }

    /// One that waits is sent away. What its caller does about it he does in a moment, not in the middle of this.
    #[inline(never)]
    fn turn_away(&mut self, id: u32, how: Departure) {
        let depth = std::mem::replace(&mut self.depth, DEPTH_MAX);
        self.withdraw(id, how, Outcome::Rejected);
        self.depth = depth;
    }

    /// A frame that was handed a thread starts, or goes on.
    pub(super) fn begin_handed(&mut self, ticket: Ticket) {
        let now = self.now();
        let World { program, replicas, .. } = &mut self.world;
        let frame = &mut self.frames[ticket.frame];
        // Whoever made the ticket stale has given the thread back, too.
        if frame.token != ticket.token {
            return;
        }
        if frame.has(flag::INTERRUPTED) {
            self.resume(ticket.frame);
            return;
        }
        if frame.has(flag::STARTED) {
            frame.state = State::Running;
            self.advance(ticket.frame);
            return;
        }
        let replica = &mut replicas[frame.replica as usize];
        if replica.troubled || now >= frame.deadline {
            self.run_first_steps_in_trouble(ticket.frame);
            return;
        }
        starts(&mut self.observer, program, replica, frame, ticket.frame, now);
        self.advance(ticket.frame);
    }

    /// A request begins on a process that is not sound, or too late.
    #[cold]
    fn run_first_steps_in_trouble(&mut self, id: u32) {
        let now = self.now();
        let World { program, replicas, .. } = &mut self.world;
        let frame = &mut self.frames[id];
        let replica = &mut replicas[frame.replica as usize];
        if replica.condition.paused {
            frame.state = State::Starting;
            replica.deferred.push(Event::Begin(Ticket { frame: id, token: frame.token }));
            return;
        }
        starts(&mut self.observer, program, replica, frame, id, now);
        if now >= frame.deadline {
            self.leave(id, Departure::Dropped, Outcome::Expired);
            return;
        }
        if !self.meets_trouble(id) {
            self.advance(id);
        }
    }

    /// Faults on the service strike at the start of a handler: an error at once, or a sleep. `true` when struck.
    #[cold]
    fn meets_trouble(&mut self, id: u32) -> bool {
        let frame = self.frames[id];
        let condition = &self.world.replicas[frame.replica as usize].condition;
        if condition.errors.iter().any(|&(salt, share)| frame.key.child(salt ^ SALT_ERROR).uniform() < share) {
            self.end(id, Outcome::Error);
            return true;
        }
        let extra = condition
            .latency
            .iter()
            .fold(Span::ZERO, |sum, (salt, latency)| sum + latency.sample(frame.key.child(*salt).draws()));
        if extra.is_zero() {
            return false;
        }
        self.sleep(id, extra);
        true
    }

    /// Marks a frame as holding a thread, which the pool has given.
    #[inline]
    fn take_thread(&mut self, id: u32) {
        let now = self.agenda.now();
        let frame = &mut self.frames[id];
        frame.flags |= flag::THREAD;
        self.observer.threads(frame.service, now, 1, i32::from(frame.has(flag::ABANDONED)));
    }

    /// Gives a frame's thread back, to whoever waits for it.
    #[inline]
    pub(super) fn give_thread(&mut self, id: u32) {
        let frame = &mut self.frames[id];
        if !frame.has(flag::THREAD) {
            return;
        }
        frame.flags &= !flag::THREAD;
        let (service, wasted) = (frame.service, i32::from(frame.has(flag::ABANDONED)));
        let index = frame.replica;
        self.hand_on(index, service, wasted);
    }

    /// Hands a thread on that is free, and was `wasted` before, to whoever waits for it; `false` when nobody does.
    #[inline(always)]
    pub(super) fn hand_on(&mut self, index: u32, service: u32, wasted: i32) -> bool {
        let now = self.now();
        let next = loop {
            let World { replicas, services, .. } = &mut self.world;
            let replica = &mut replicas[index as usize];
            let frames = &self.frames;
            let any = |count| services[service as usize].picks.below(count);
            let Some((next, newcomer)) = replica.pool.release(now, |ticket| frames.live(ticket), any) else {
                self.observer.threads(service, now, -1, -wasted);
                return false;
            };
            if !newcomer {
                break next;
            }
            if replica.guarded
                && let Some(codel) = &mut replica.codel
                && codel.drops(now, now.since(frames[next.frame].arrived))
            {
                self.shed(next.frame);
                continue;
            }
            self.observer.unqueued(service, now);
            break next;
        };
        let frame = &mut self.frames[next.frame];
        frame.state = State::Starting;
        frame.flags |= flag::THREAD;
        let change = i32::from(frame.has(flag::ABANDONED)) - wasted;
        if change != 0 {
            self.observer.threads(service, now, 0, change);
        }
        self.soon.push_back(Event::Begin(next));
        true
    }

    /// One whose turn has come is sent away instead.
    #[cold]
    fn shed(&mut self, id: u32) {
        let now = self.now();
        self.frames.renew(id);
        self.observer.unqueued(self.frames[id].service, now);
        let depth = std::mem::replace(&mut self.depth, DEPTH_MAX);
        self.leave(id, Departure::Shed, Outcome::Rejected);
        self.depth = depth;
    }

    /// An async handler that starts to wait gives its thread back.
    #[inline]
    pub(super) fn hand_back_thread(&mut self, id: u32) {
        let service = self.frames[id].service;
        if service != NONE && self.world.services[service as usize].hands_back {
            self.give_thread(id);
        }
    }

    /// Goes on with a frame that has waited: at once when it has kept its thread or needs none, else when it has one.
    pub(super) fn go_on(&mut self, id: u32) {
        let frame = &self.frames[id];
        if !frame.has(flag::THREAD) && frame.service != NONE && self.world.services[frame.service as usize].hands_back {
            self.want_thread(id);
            return;
        }
        self.frames[id].state = State::Running;
        self.advance(id);
    }

    /// Goes on with a frame of a handler, but not at once: a long row of calls that fail at once must not nest.
    pub(super) fn go_on_soon(&mut self, id: u32) {
        let ticket = self.frames.renew(id);
        self.frames[id].state = State::Sleeping;
        self.soon.push_back(Event::Proceed(ticket));
    }

    /// A frame without a thread wants to run on; frames of blocking handlers that hold none (branches) just do.
    pub(super) fn want_thread(&mut self, id: u32) {
        let now = self.now();
        let ticket = self.frames.ticket(id);
        let frame = &mut self.frames[id];
        let replica = &mut self.world.replicas[frame.replica as usize];
        if frame.has(flag::WORKER) || !self.world.services[replica.service as usize].hands_back {
            frame.state = State::Running;
            self.advance(id);
        } else if replica.pool.come_back(now, ticket, frame.priority()) {
            frame.state = State::Running;
            frame.flags |= flag::STARTED;
            self.take_thread(id);
            self.advance(id);
        } else {
            frame.flags |= flag::STARTED;
            frame.state = State::ComingBack;
            self.tell_spends(id, Spent::Threads);
        }
    }

    /// Leaves the queue.
    #[inline(never)]
    pub(super) fn withdraw(&mut self, id: u32, how: Departure, outcome: Outcome) {
        let now = self.now();
        self.frames.renew(id);
        let frames = &self.frames;
        let replica = &mut self.world.replicas[frames[id].replica as usize];
        replica.pool.withdraw(true, |ticket| frames.live(ticket));
        self.observer.unqueued(replica.service, now);
        self.leave(id, how, outcome);
    }
}

/// A request has its first thread, and runs.
#[inline(always)]
fn starts(
    observer: &mut impl Observer,
    program: &Program,
    replica: &mut Replica,
    frame: &mut Frame,
    id: u32,
    now: Time,
) {
    frame.flags |= flag::STARTED;
    frame.state = State::Running;
    if program.has_contention() {
        replica.in_progress += 1;
    }
    observer.started(replica.service, now, frame.arrived);
    if frame.is_traced() {
        observer.deed(id, now, Deed::Starts);
    }
}
