//! The callee's side: a request that has its thread runs through its steps, and leaves.

use crate::base::time::Span;
use crate::model::Cancel;
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::{Frame, NONE, State, TRACED, WATCHED, flag};
use super::observer::{Deed, Departure, Observer, Spent};
use super::program::Op;
use super::watching::watched_works;
use super::world::Transit;

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Work, a sleep or the branches of a frame are over: it goes on.
    pub(super) fn proceed(&mut self, ticket: Ticket) {
        let frame = &mut self.frames[ticket.frame];
        if frame.token != ticket.token {
            return;
        }
        match frame.state {
            State::Working if !frame.has(flag::PREEMPTIBLE) => {
                frame.state = State::Running;
                self.advance(ticket.frame);
                return;
            }
            State::Working => self.works_no_longer(ticket.frame),
            State::Joining if frame.count > 0 => {
                self.fail(ticket.frame);
                return;
            }
            State::Failing => {
                self.fail(ticket.frame);
                return;
            }
            State::Sleeping | State::Joining if !frame.has(flag::THREAD) => {
                self.want_thread(ticket.frame);
                return;
            }
            _ => {}
        }
        self.frames[ticket.frame].state = State::Running;
        self.advance(ticket.frame);
    }

    /// Runs a frame's operations until it has to wait or ends.
    #[inline]
    pub(super) fn advance(&mut self, id: u32) {
        loop {
            let frame = &mut self.frames[id];
            if frame.has(flag::CANCELLED) {
                self.drop_cancelled(id);
                return;
            }
            let pc = frame.pc;
            frame.pc += 1;
            match &self.world.program.ops[pc as usize] {
                Op::Work { demand, salt } => {
                    let demand = demand.sample(frame.key.child(salt ^ u64::from(frame.iteration)).draws());
                    if !demand.is_zero() {
                        self.work(id, demand);
                        return;
                    }
                }
                Op::ContendedWork(n) => {
                    let n = *n;
                    if self.contended_work(id, n) {
                        return;
                    }
                }
                Op::Sleep { length, salt } => {
                    let length = length.sample(frame.key.child(salt ^ u64::from(frame.iteration)).draws());
                    if !length.is_zero() {
                        self.sleep(id, length);
                        return;
                    }
                }
                Op::Call { edge, salt, .. } => {
                    let (edge, salt) = (*edge, *salt);
                    self.call(id, edge, salt);
                    return;
                }
                Op::Forward { edge, salt } => {
                    let (edge, salt) = (*edge, *salt);
                    self.forward(id, edge, salt);
                    return;
                }
                Op::Parallel { first, count, needed, after } => {
                    let (first, count, needed, after) = (*first, *count, *needed, *after);
                    self.fork(id, first, count, needed, after);
                    return;
                }
                Op::Choose { first, count, salt } => {
                    let draw = frame.key.child(salt ^ u64::from(frame.iteration)).uniform();
                    let arms = &self.world.program.arms[*first as usize..(*first + *count) as usize];
                    let arm = arms.iter().find(|arm| draw < arm.below).unwrap_or(&arms[arms.len() - 1]);
                    frame.pc = arm.start;
                }
                Op::Again { start, times, stride } => {
                    let digit = frame.iteration / stride % times;
                    if digit + 1 < *times {
                        frame.iteration += stride;
                        frame.pc = *start;
                    } else {
                        frame.iteration -= digit * stride;
                    }
                }
                Op::Jump(to) => frame.pc = *to,
                Op::Allocate(bytes) => {
                    let (replica, bytes) = (frame.replica, *bytes);
                    self.allocate(replica, bytes);
                }
                Op::Acquire(pool) => {
                    let pool = *pool;
                    if !self.acquire(id, pool) {
                        return;
                    }
                }
                Op::Release => {
                    if !self.release(id) {
                        return;
                    }
                }
                Op::Lookup(lookup) => {
                    let lookup = *lookup;
                    if !self.look_up(id, lookup) {
                        return;
                    }
                }
                Op::Fill(lookup) => {
                    let lookup = *lookup;
                    if !self.fill(id, lookup) {
                        return;
                    }
                }
                Op::Keep(lookup) => {
                    let lookup = *lookup;
                    self.keep_answer(id, lookup);
                }
                Op::Recall(lookup) => {
                    let lookup = *lookup;
                    if !self.recall_answer(id, lookup) {
                        self.fail(id);
                        return;
                    }
                }
                Op::FellBack(edge) => {
                    let edge = *edge;
                    self.fell_back(id, edge);
                }
                Op::Together(_) | Op::Encode { .. } | Op::Decode { .. } | Op::Receive(_) | Op::Respond(_) => {
                    if self.work_on_messages(id, pc) {
                        return;
                    }
                }
                Op::Produce => {
                    if self.write_message(id) {
                        return;
                    }
                }
                Op::Send => {
                    if !self.send_message(id) {
                        return;
                    }
                }
                Op::Read => {
                    self.read_messages(id);
                    return;
                }
                Op::HandsShaken => {
                    self.hands_shaken(id);
                    return;
                }
                Op::Publish(n) => {
                    let n = *n;
                    if !self.publish(id, n) {
                        return;
                    }
                }
                Op::Effect(endpoint) => {
                    let endpoint = *endpoint;
                    self.effect(id, endpoint);
                }
                Op::Reply => self.reply_early(id),
                Op::Fail => {
                    self.end(id, Outcome::Error);
                    return;
                }
                Op::End => {
                    self.end(id, Outcome::Ok);
                    return;
                }
            }
        }
    }

    /// Work that takes longer the more requests are in progress; `false` when it takes no time.
    #[inline(never)]
    fn contended_work(&mut self, id: u32, n: u32) -> bool {
        let frame = &self.frames[id];
        let entry = &self.world.program.contended[n as usize];
        let in_progress = u64::from(self.world.replicas[frame.replica as usize].in_progress);
        let work = entry.work.sample(frame.key.child(entry.salt ^ u64::from(frame.iteration)).draws());
        let demand = work + Span::from_nanos(entry.each.as_nanos().saturating_mul(in_progress));
        if demand.is_zero() {
            return false;
        }
        self.work(id, demand);
        true
    }

    #[inline(always)]
    pub(super) fn work(&mut self, id: u32, demand: Span) {
        let now = self.now();
        let replica = self.frames[id].replica;
        if self.world.replicas[replica as usize].preempts
            && !self.frames[id].has(flag::HANDSHAKE)
            && self.yields(id, demand)
        {
            return;
        }
        let frame = &mut self.frames[id];
        if frame.is_watched() {
            watched_works(&mut self.observer, frame, id, now, demand);
        }
        frame.state = State::Working;
        let replica = &mut self.world.replicas[frame.replica as usize];
        if let Some(cores) = &mut replica.cores {
            frame.flags |= flag::ON_CORES;
            let before = cores.busy();
            cores.add(now, demand, Ticket { frame: id, token: frame.token });
            let change = cores.busy() as i32 - before as i32;
            self.observer.cores(replica.service, now, change);
            let index = frame.replica;
            self.schedule_cores(index);
            return;
        }
        let demand = if replica.troubled {
            Span::from_nanos_f64(demand.as_nanos() as f64 * replica.condition.slow)
        } else {
            demand
        };
        frame.mark = now + demand;
        self.observer.works(frame.service, now, frame.mark);
        let ticket = Ticket { frame: id, token: frame.token };
        self.agenda.at(now + demand, Event::Proceed(ticket));
    }

    pub(super) fn sleep(&mut self, id: u32, length: Span) {
        let now = self.now();
        self.frames[id].state = State::Sleeping;
        self.tell_spends(id, Spent::Sleep);
        let ticket = self.frames.ticket(id);
        self.hand_back_thread(id);
        self.agenda.at(now + length, Event::Proceed(ticket));
    }

    /// Arms the replica's next completion on shared cores.
    pub(super) fn schedule_cores(&mut self, index: u32) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        let Some(cores) = &mut replica.cores else { return };
        replica.cores_epoch = replica.cores_epoch.wrapping_add(1);
        let frames = &self.frames;
        if let Some(time) = cores.next_done(now, |ticket| frames.live(ticket)) {
            self.agenda.at(time, Event::CoresDue { replica: index, epoch: replica.cores_epoch });
        }
    }

    /// The earliest work on shared cores is done.
    #[inline(never)]
    pub(super) fn cores_due(&mut self, index: u32, epoch: u32) {
        let now = self.now();
        let replica = &mut self.world.replicas[index as usize];
        if replica.cores_epoch != epoch {
            return;
        }
        let Some(cores) = &mut replica.cores else { return };
        let frames = &self.frames;
        let before = cores.busy();
        let done = cores.pop_done(now, |ticket| frames.live(ticket));
        let change = cores.busy() as i32 - before as i32;
        self.observer.cores(replica.service, now, change);
        self.schedule_cores(index);
        if let Some(ticket) = done {
            let frame = &mut self.frames[ticket.frame];
            frame.flags &= !flag::ON_CORES;
            frame.state = State::Running;
            if frame.has(flag::PREEMPTIBLE) {
                self.works_no_longer(ticket.frame);
            }
            self.advance(ticket.frame);
        }
    }

    /// Takes a frame's job off the CPU before it is done.
    pub(super) fn stop_work(&mut self, id: u32) {
        let now = self.now();
        if self.frames[id].has(flag::PREEMPTIBLE) {
            self.works_no_longer(id);
        }
        let frame = &mut self.frames[id];
        let index = frame.replica;
        let replica = &mut self.world.replicas[index as usize];
        frame.token = frame.token.wrapping_add(1);
        if !frame.has(flag::ON_CORES) {
            if frame.state == State::Working {
                self.observer.work_changes(replica.service, frame.mark, now);
            }
            return;
        }
        frame.flags &= !flag::ON_CORES;
        if let Some(cores) = &mut replica.cores {
            let before = cores.busy();
            cores.remove(now);
            let change = cores.busy() as i32 - before as i32;
            self.observer.cores(replica.service, now, change);
            self.schedule_cores(index);
        }
    }

    /// A handler or a branch ends by itself.
    #[inline(always)]
    pub(super) fn end(&mut self, id: u32, outcome: Outcome) {
        let frame = &self.frames[id];
        if frame.has(flag::BRANCH) {
            self.branch_ended(id, outcome);
        } else if frame.has(flag::USER) {
            self.user_done(id, outcome);
        } else {
            let departure = if outcome.is_ok() { Departure::Completed } else { Departure::Failed };
            self.leave(id, departure, if outcome.is_ok() { Outcome::Ok } else { Outcome::Error });
        }
    }

    /// A request leaves its replica: its caller is answered, its thread is given back, its frame is freed.
    #[inline]
    pub(super) fn leave(&mut self, id: u32, how: Departure, outcome: Outcome) {
        let now = self.now();
        if self.frames[id].has(flag::OWES) {
            self.settle(id, outcome);
        }
        let frame = &self.frames[id];
        let (service, replica, rank, flags) = (frame.service, frame.replica, frame.rank, frame.flags);
        let (has_replied, has_started) = (frame.has(flag::REPLIED), frame.has(flag::STARTED));
        self.observer.left(service, now, frame.arrived, has_started, how);
        if rank & TRACED != 0 {
            self.observer.deed(id, now, Deed::Leaves(how));
        }
        if has_started && self.world.program.has_contention() {
            self.world.replicas[replica as usize].in_progress -= 1;
        }
        if how != Departure::Completed && self.listens && !has_replied {
            self.wish(id, how);
        }
        let answer = if has_replied { None } else { self.answer_of(id, outcome.is_ok()) };
        if rank & WATCHED != 0
            && let Some((caller, _)) = &answer
        {
            self.observer.explains(caller.frame, id, now);
        }
        self.left_system(service, replica);
        if flags & flag::THREAD != 0 {
            self.hand_on(replica, service, i32::from(flags & flag::ABANDONED != 0));
        }
        if rank & TRACED != 0 {
            self.observer.deed(id, now, Deed::Gone);
        }
        self.frames.remove(id);
        if let Some((caller, hop)) = answer {
            self.deliver(hop, Event::Reply(caller, outcome));
        }
    }

    /// A frame is no more.
    #[inline]
    pub(super) fn free(&mut self, id: u32) {
        self.tell_deed(id, Deed::Gone);
        self.frames.remove(id);
    }

    /// One request less in a replica or on the way to it.
    #[inline]
    pub(super) fn left_system(&mut self, service: u32, replica: u32) {
        let service = &mut self.world.services[service as usize];
        if !service.fleet.in_system.is_empty() {
            let count = &mut service.fleet.in_system[(replica - service.first_replica) as usize];
            *count -= 1;
            if *count == 0 && service.scales && replica - service.first_replica >= service.wanted {
                self.soon.push_back(Event::Idle(replica));
            }
        }
    }

    /// The `reply` step: the caller has his answer, the handler goes on.
    #[inline(never)]
    fn reply_early(&mut self, id: u32) {
        if self.frames[id].has(flag::REPLIED) {
            return;
        }
        self.frames[id].flags |= flag::REPLIED;
        self.tell_deed(id, Deed::Replies);
        if let Some((caller, hop)) = self.answer_of(id, true) {
            self.tell_explains(caller.frame, id);
            // Not at once even without network: the handler goes on first.
            match hop {
                Transit::None => self.soon.push_back(Event::Reply(caller, Outcome::Ok)),
                hop => self.deliver(hop, Event::Reply(caller, Outcome::Ok)),
            }
        }
    }

    /// Starts the branches of a parallel step.
    #[inline(never)]
    fn fork(&mut self, id: u32, first: u32, count: u32, needed: u32, after: u32) {
        let parent = {
            let frame = &mut self.frames[id];
            frame.pc = after;
            frame.pending = count;
            frame.count = needed;
            frame.state = State::Joining;
            *frame
        };
        let waits = self.frames.renew(id);
        // Linked from the last to the first, so that the list is in the order of the file.
        let mut next = NONE;
        for n in (first..first + count).rev() {
            let entry = self.world.program.branches[n as usize];
            let key = parent.key.child(entry.salt ^ u64::from(parent.iteration));
            let branch = self.frames.insert(Frame {
                arrived: parent.arrived,
                deadline: parent.deadline,
                pc: entry.start,
                edge: parent.edge,
                replica: parent.replica,
                service: parent.service,
                sibling: next,
                request_key: parent.request_key,
                rank: parent.rank,
                flags: flag::BRANCH
                    | flag::REPLIED
                    | (parent.flags & (flag::ABANDONED | flag::WORKER))
                    | if entry.optional { flag::OPTIONAL } else { 0 },
                ..Frame::new(key, waits)
            });
            self.frames.inherit_origin(branch.frame, id, entry.salt ^ u64::from(parent.iteration));
            next = branch.frame;
            if self.frames[next].is_watched() {
                self.observer.begins(next, self.agenda.now(), Spent::Threads);
            }
        }
        self.tell_spends(id, Spent::Answers);
        self.frames[id].child = next;
        self.hand_back_thread(id);
        while next != NONE {
            let branch = next;
            next = self.frames[branch].sibling;
            self.tell_deed(branch, Deed::Branches { parent: id });
            self.go_on(branch);
            if !self.live(waits) {
                // Over before all had started: what has not been started is not.
                break;
            }
        }
    }

    /// A branch has ended: the parent may know enough.
    fn branch_ended(&mut self, id: u32, outcome: Outcome) {
        self.tell_deed(id, Deed::Ends(outcome));
        if self.frames[id].has(flag::OWES) {
            self.settle(id, Outcome::Cancelled);
        }
        self.give_thread(id);
        let branch = self.frames[id];
        let waits = branch.parent_ticket();
        if !self.live(waits) {
            self.free(id);
            return;
        }
        self.frames[id].state = State::Done;
        let parent = &mut self.frames[waits.frame];
        parent.pending -= 1;
        if outcome.is_ok() || branch.has(flag::OPTIONAL) {
            parent.count -= 1;
        }
        if parent.count == 0 || parent.pending < parent.count {
            self.tell_explains(waits.frame, id);
            self.join(waits.frame);
        }
    }

    /// The branches of a frame have decided: it goes on, or fails when some are still missing. Those that still run
    /// are on their own.
    fn join(&mut self, id: u32) {
        let waits = self.frames.ticket(id);
        let mut next = self.frames[id].child;
        while next != NONE {
            let branch = next;
            next = self.frames[branch].sibling;
            debug_assert!(self.frames[branch].parent_ticket() == waits, "a list of branches holds only the parent's");
            match self.frames[branch].state {
                State::Done | State::Travelling => self.free(branch),
                _ => {
                    self.abandon(branch);
                    self.cancel_branch(branch);
                }
            }
        }
        let ticket = self.frames.renew(id);
        self.frames[id].child = NONE;
        self.soon.push_back(Event::Proceed(ticket));
    }

    /// The caller's notice that he has given up reaches this frame (`notice.token` is its generation).
    #[inline(never)]
    pub(super) fn cancelled(&mut self, notice: Ticket) {
        let frame = &self.frames[notice.frame];
        if frame.state == State::Free || frame.generation != notice.token {
            return;
        }
        let how = self.world.routes[frame.edge as usize].cancel;
        self.cancel_frame(notice.frame, how);
    }

    /// Stops a frame as far as `how` goes.
    pub(super) fn cancel_frame(&mut self, id: u32, how: Cancel) {
        let state = self.frames[id].state;
        match state {
            State::Travelling => self.frames[id].flags |= flag::CANCELLED,
            State::Waiting => self.withdraw(id, Departure::Dropped, Outcome::Cancelled),
            _ if how == Cancel::AtOnce => self.abort(id, Departure::Dropped),
            _ if how == Cancel::BetweenSteps => self.stop_between_steps(id),
            _ => {}
        }
    }

    /// A handler and all its branches go no further than their next step.
    fn stop_between_steps(&mut self, id: u32) {
        let frame = &mut self.frames[id];
        frame.flags |= flag::CANCELLED;
        let mut next = if frame.state == State::Joining { frame.child } else { NONE };
        while next != NONE {
            let branch = next;
            next = self.frames[branch].sibling;
            if self.frames[branch].state != State::Done {
                self.stop_between_steps(branch);
            }
        }
    }

    /// A handler or a branch cannot go on: something that it needs has failed, or it was told to stop meanwhile.
    pub(super) fn fail(&mut self, id: u32) {
        if self.frames[id].has(flag::CANCELLED) {
            self.drop_cancelled(id);
        } else {
            self.end(id, Outcome::Error);
        }
    }

    #[inline(never)]
    fn drop_cancelled(&mut self, id: u32) {
        if self.frames[id].has(flag::BRANCH) {
            self.end(id, Outcome::Cancelled);
        } else {
            self.leave(id, Departure::Dropped, Outcome::Cancelled);
        }
    }

    /// Ends a frame in the middle of whatever it does, and what it waits for as far as its clients cancel.
    pub(super) fn abort(&mut self, id: u32, how: Departure) {
        self.let_go(id);
        if self.frames[id].has(flag::BRANCH) {
            if self.frames[id].has(flag::OWES) {
                self.settle(id, Outcome::Cancelled);
            }
            self.give_thread(id);
            self.free(id);
        } else {
            let outcome = if how == Departure::Refused { Outcome::Refused } else { Outcome::Cancelled };
            self.leave(id, how, outcome);
        }
    }

    /// Undoes what a frame is waiting for; afterwards nothing refers to it but its parent.
    pub(super) fn let_go(&mut self, id: u32) {
        match self.frames[id].state {
            State::Working | State::Frozen => self.stop_work(id),
            State::Calling | State::Connecting | State::Streaming => self.withdraw_call(id),
            State::BackingOff => self.withdraw_backoff(id),
            State::Publishing | State::Republishing => self.withdraw_publish(id),
            State::Blocked => self.stop_sending(id),
            State::Held => self.withdraw_held(id),
            State::Hedging => {
                let (edge, _) = self.current_call(&self.frames[id]);
                self.end_hedging(id, Outcome::Cancelled);
                if self.world.routes[edge as usize].noted {
                    self.note_end(id, edge, Outcome::Cancelled);
                }
            }
            State::Joining => {
                let mut next = self.frames[id].child;
                while next != NONE {
                    let branch = next;
                    next = self.frames[branch].sibling;
                    if self.frames[branch].state == State::Done {
                        self.free(branch);
                    } else {
                        self.abort(branch, Departure::Dropped);
                    }
                }
                self.frames[id].child = NONE;
            }
            State::Waiting => {
                let now = self.now();
                self.frames.renew(id);
                let frames = &self.frames;
                let replica = &mut self.world.replicas[frames[id].replica as usize];
                replica.pool.withdraw(true, |ticket| frames.live(ticket));
                self.observer.unqueued(replica.service, now);
            }
            State::Acquiring => {
                self.stop_acquiring(id);
            }
            State::ComingBack => {
                self.frames.renew(id);
                let frames = &self.frames;
                self.world.replicas[frames[id].replica as usize].pool.withdraw(false, |ticket| frames.live(ticket));
            }
            _ => {}
        }
        self.frames.renew(id);
    }
}
