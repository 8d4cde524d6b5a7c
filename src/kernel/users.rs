//! What users do besides waiting for one answer: they think and ask for the next thing, and those whose request has
//! failed may ask again.
//!
//! A session lives in a slab from the arrival of its user until he leaves; each thing that he asks for is a frame of
//! its own, whose parent it is. Draws belong to the session: to its place in the list and its position in repeats.

use crate::base::random::{Key, salt};
use crate::base::time::{Span, Time};
use crate::model::{Arrivals, Limit, OnFailure, Workload};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::caller::BREATH;
use super::engine::Engine;
use super::frame::{NONE, State};
use super::observer::{Observer, Spent};
use super::program::{SessionOp, Visit};

const SALT_RELOAD: u64 = salt("reload");
const SALT_ASK: u64 = salt("session/ask");
const SALT_THINK: u64 = salt("session/think");

/// Sessions of one workload. Those of a closed one have the numbers of its users.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    sessions: Vec<Session>,
    free: u32,
    is_closed: bool,
}

/// A user on his way through his list.
#[derive(Clone, Copy, Debug)]
struct Session {
    key: Key,
    started: Time,
    /// The next operation; [`NONE`] while nobody is there.
    at: u32,
    /// Position in nested repeats, in mixed radix.
    iteration: u32,
    /// The next free place.
    next: u32,
}

impl Session {
    fn nobody() -> Session {
        Session { key: Key::default(), started: Time::ZERO, at: NONE, iteration: 0, next: NONE }
    }
}

impl Sessions {
    /// Those of a workload at the start.
    pub(super) fn of(workload: &Workload) -> Sessions {
        let users = match &workload.arrivals {
            Arrivals::Users { count, .. } if workload.session.single().is_none() => *count as usize,
            _ => 0,
        };
        let is_closed = matches!(workload.arrivals, Arrivals::Users { .. });
        Sessions { sessions: vec![Session::nobody(); users], free: NONE, is_closed }
    }

    /// A free place.
    fn place(&mut self) -> u32 {
        if self.free == NONE {
            self.sessions.push(Session::nobody());
            return u32::try_from(self.sessions.len() - 1).expect("fewer than 2^32 sessions are under way");
        }
        let id = self.free;
        self.free = self.sessions[id as usize].next;
        id
    }

    fn remove(&mut self, id: u32) {
        self.sessions[id as usize].at = NONE;
        if !self.is_closed {
            self.sessions[id as usize].next = self.free;
            self.free = id;
        }
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// It is time for the next thing that a user does.
    #[inline(never)]
    pub(super) fn thought(&mut self, workload: u32, user: u32) {
        let now = self.now();
        match self.world.program.workloads[workload as usize] {
            Visit::Request(start) => {
                let (key, meant) = self.world.sources[workload as usize].user_request(user, now);
                self.offer(workload, user, key, meant, start);
            }
            Visit::Session(_) => {
                if self.world.workloads[workload as usize].sessions.sessions[user as usize].at == NONE {
                    let (key, meant) = self.world.sources[workload as usize].user_request(user, now);
                    self.session_starts(workload, user, key, meant);
                } else {
                    self.session_goes_on(workload, user, now);
                }
            }
        }
    }

    /// A user of an open workload arrives for a session.
    #[inline(never)]
    pub(super) fn session_arrives(&mut self, workload: u32, key: Key) {
        let id = self.world.workloads[workload as usize].sessions.place();
        self.session_starts(workload, id, key, self.now());
    }

    fn session_starts(&mut self, workload: u32, id: u32, key: Key, meant: Time) {
        let started = self.now();
        let sessions = &mut self.world.workloads[workload as usize].sessions.sessions;
        sessions[id as usize] = Session { key, started, at: 0, ..Session::nobody() };
        self.observer.session_started(workload, started);
        self.session_goes_on(workload, id, meant);
    }

    /// The next steps of a session, up to one that takes time. What is asked for now was `meant` to be asked for then.
    fn session_goes_on(&mut self, workload: u32, id: u32, meant: Time) {
        let Visit::Session(program) = self.world.program.workloads[workload as usize] else { return };
        let ops = &self.world.program.sessions[program as usize].ops;
        let session = &mut self.world.workloads[workload as usize].sessions.sessions[id as usize];
        while let Some(op) = ops.get(session.at as usize) {
            let place = (u64::from(session.iteration) << 16) ^ u64::from(session.at);
            session.at += 1;
            match op {
                SessionOp::Ask(start) => {
                    let (key, start) = (session.key.child(SALT_ASK ^ place), *start);
                    self.offer(workload, id, key, meant, start);
                    return;
                }
                SessionOp::Think(length) => {
                    let length = length.sample(session.key.child(SALT_THINK ^ place).draws());
                    self.agenda.at(self.agenda.now() + length, Event::Thought { workload, user: id });
                    return;
                }
                SessionOp::Again { start, times, stride } => {
                    let digit = session.iteration / stride % times;
                    if digit + 1 < *times {
                        session.iteration += stride;
                        session.at = *start;
                    } else {
                        session.iteration -= digit * stride;
                    }
                }
            }
        }
        self.session_ends(workload, id, false);
    }

    fn session_ends(&mut self, workload: u32, id: u32, is_lost: bool) {
        let now = self.now();
        let sessions = &mut self.world.workloads[workload as usize].sessions;
        let started = sessions.sessions[id as usize].started;
        sessions.remove(id);
        self.observer.session_ended(workload, started, is_lost);
        if self.world.workloads[workload as usize].sessions.is_closed {
            self.think(workload, id, pause_after(started, now));
        }
    }

    /// The request of a user who has more to do has ended; it was meant to start at `arrived`.
    #[inline(never)]
    pub(super) fn user_goes_on(&mut self, workload: u32, user: u32, arrived: Time, outcome: Outcome) {
        let now = self.now();
        let program = match self.world.program.workloads[workload as usize] {
            Visit::Request(_) => {
                self.think(workload, user, pause_after(arrived, now));
                return;
            }
            Visit::Session(program) => &self.world.program.sessions[program as usize],
        };
        if program.on_failure == OnFailure::Leave && !outcome.is_ok() {
            self.session_ends(workload, user, true);
        } else {
            // Not at once: a long session of requests that take no time would recurse.
            self.soon.push_back(Event::Thought { workload, user });
        }
    }

    /// Whether the user whose request `id` has failed asks again. If so, the request stays where it is until then.
    #[cold]
    pub(super) fn will_reload(&mut self, id: u32) -> bool {
        let now = self.now();
        let frame = &self.frames[id];
        let Some(reload) = &self.world.workloads[frame.parent_token as usize].reload else { return false };
        // A user's request has no loops of its own: its iteration is how often he has asked again.
        if matches!(reload.attempts, Limit::AtMost(most) if frame.iteration + 1 >= most) {
            return false;
        }
        let wait = reload.after.sample(frame.key.child(SALT_RELOAD ^ u64::from(frame.iteration)).draws());
        let wait = wait.max(pause_after(frame.mark, now));
        let ticket = self.frames.renew(id);
        self.frames[id].state = State::BackingOff;
        self.tell_spends(id, Spent::Backoff);
        self.agenda.at(now + wait, Event::Reload(ticket));
        true
    }

    /// A user asks again, for the same thing.
    pub(super) fn reload(&mut self, ticket: Ticket) {
        if !self.live(ticket) {
            return;
        }
        let now = self.now();
        let frame = &mut self.frames[ticket.frame];
        let deadline = self.world.workloads[frame.parent_token as usize].deadline;
        // Those who are told of a deadline are asked for something new.
        frame.deadline = deadline.map_or(Time::MAX, |deadline| now + deadline);
        frame.iteration = frame.iteration.wrapping_add(1);
        frame.state = State::Running;
        // Back to the call behind which it stands.
        frame.pc -= 1;
        self.advance(ticket.frame);
    }
}

/// How long a user pauses at least: whoever is answered in no time must not ask for ever at the same instant.
fn pause_after(started: Time, now: Time) -> Span {
    if started == now { BREATH } else { Span::ZERO }
}
