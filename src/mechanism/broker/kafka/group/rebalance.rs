//! Coming and going: members join, leave, die and are given up, and partitions change hands.

use super::{Commit, Group, Member, Partition, Phase, Protocol, Seat, Standing, Time};

impl Group {
    /// A consumer starts and waits for what it gets, as after [`Polled::Joining`](super::Polled::Joining).
    pub fn join(&mut self, now: Time) -> Member {
        let member = self.free.pop().unwrap_or_else(|| {
            self.seats.push(Seat::default());
            Member((self.seats.len() - 1) as u32)
        });
        self.enter(now, member);
        self.work_off(now);
        member
    }

    /// A consumer closes. It commits first, if it does that by itself. Its handle must not be used any more.
    pub fn leave(&mut self, now: Time, member: Member) {
        if self.seats[member.index()].standing == Standing::In {
            self.commit_by_itself(member);
            self.remove(now, member, Standing::Free);
            self.work_off(now);
        } else {
            self.vacate(member);
        }
    }

    /// A consumer dies without a word; the group notices when its heartbeats have been missing for the session timeout. Its
    /// handle must not be used any more.
    pub fn crash(&mut self, now: Time, member: Member) {
        let settings = self.settings;
        let seat = &mut self.seats[member.index()];
        if seat.standing != Standing::In {
            self.vacate(member);
            return;
        }
        seat.standing = Standing::Crashed;
        seat.is_waiting = false;
        seat.noticed_at = (seat.last_heartbeat(now, settings.heartbeat) + settings.session_timeout).max(now);
        let noticed_at = seat.noticed_at;
        self.wake_by(noticed_at);
    }

    /// Time has passed. Puts the members that should poll into `awake`.
    pub fn advance(&mut self, now: Time, awake: &mut Vec<Member>) {
        self.work_off(now);
        let seats = &self.seats;
        awake.extend(self.awake.drain(..).filter(|member| seats[member.index()].is_waiting));
    }

    /// A member comes in, or in again.
    pub(super) fn enter(&mut self, now: Time, member: Member) {
        let interval = match self.settings.commit {
            Commit::Auto(interval) => interval,
            Commit::Manual => crate::base::time::Span::MAX,
        };
        let seat = &mut self.seats[member.index()];
        debug_assert!(seat.owned.is_empty() && seat.ready.is_empty());
        (seat.standing, seat.has_joined, seat.is_waiting, seat.gives_up) = (Standing::In, true, true, false);
        (seat.is_held, seat.is_hurried) = (false, false);
        (seat.joined_at, seat.last_poll, seat.next_commit) = (now, now, now + interval);
        match &mut self.phase {
            Phase::Empty => {
                let settings = &self.settings;
                let (due, limit) = (now + settings.initial_delay, now + settings.max_poll_interval);
                self.phase = Phase::Gathering { due, limit, others_came: false };
                self.tally.rebalances += 1;
                self.wake_by(due);
            }
            Phase::Gathering { others_came, .. } => *others_came = true,
            Phase::Preparing { .. } => {}
            Phase::Completing { .. } | Phase::Stable => {
                self.prepare(now);
                self.seats[member.index()].has_joined = true;
            }
        }
    }

    /// Begins a rebalance.
    fn prepare(&mut self, now: Time) {
        let all_wait_for_it = matches!(self.phase, Phase::Completing { .. });
        let heartbeat = self.settings.heartbeat;
        self.phase = Phase::Preparing { due: now + self.settings.max_poll_interval };
        self.tally.rebalances += 1;
        for seat in self.seats.iter_mut().filter(|seat| seat.is_in()) {
            seat.has_joined = false;
            seat.learns_at = if all_wait_for_it { now } else { seat.next_heartbeat(now, heartbeat) };
        }
        // The first of them may hear of it soon: this finds out who.
        self.wake_by(now);
    }

    /// A member that is inside `poll()` takes part in the rebalance.
    pub(super) fn rejoin(&mut self, member: Member) {
        self.commit_by_itself(member);
        if self.settings.protocol == Protocol::Eager {
            self.release(member, |_| true);
        }
        self.give_up(member);
        self.seats[member.index()].has_joined = true;
    }

    /// A member that is inside `poll()` gives up what goes to others: `true` when there was something, and another
    /// rebalance has to follow.
    pub(super) fn give_up(&mut self, member: Member) -> bool {
        if !std::mem::take(&mut self.seats[member.index()].gives_up) {
            return false;
        }
        self.commit_by_itself(member);
        self.release(member, |share| share.is_leaving);
        true
    }

    /// The same, and the rebalance that follows.
    pub(super) fn give_up_and_rejoin(&mut self, now: Time, member: Member) {
        if self.give_up(member) && matches!(self.phase, Phase::Stable | Phase::Completing { .. }) {
            self.prepare(now);
            self.rejoin(member);
        }
    }

    /// Takes partitions from their owner.
    fn release(&mut self, member: Member, which: impl Fn(&super::Share) -> bool) {
        let shares = &mut self.shares;
        let seat = &mut self.seats[member.index()];
        let mut leaves = |partition: &Partition| {
            let share = &mut shares[partition.index()];
            let leaves = which(share);
            if leaves {
                if share.is_leaving {
                    share.previous = None;
                }
                (share.owner, share.position, share.is_leaving) = (None, None, false);
                (share.is_ready, share.is_uncommitted) = (false, false);
            }
            leaves
        };
        seat.owned.retain(|partition| !leaves(partition));
        let shares = &self.shares;
        seat.ready.retain(|partition| shares[partition.index()].is_ready);
        seat.uncommitted.retain(|partition| shares[partition.index()].is_uncommitted);
    }

    /// The group does not count on a member any more.
    fn remove(&mut self, now: Time, member: Member, becomes: Standing) {
        self.release(member, |_| true);
        let seat = &mut self.seats[member.index()];
        (seat.standing, seat.gives_up, seat.is_waiting) = (becomes, false, false);
        if becomes == Standing::Free {
            self.vacate(member);
        }
        match self.phase {
            Phase::Stable | Phase::Completing { .. } => self.prepare(now),
            Phase::Empty | Phase::Gathering { .. } | Phase::Preparing { .. } => self.wake_by(now),
        }
    }

    fn vacate(&mut self, member: Member) {
        self.seats[member.index()].standing = Standing::Free;
        self.free.push(member);
    }

    pub(super) fn wake_by(&mut self, time: Time) {
        self.wake_at = self.wake_at.min(time);
    }

    /// Does everything that is due.
    pub(super) fn work_off(&mut self, now: Time) {
        while self.wake_at <= now {
            for member in (0..self.seats.len() as u32).map(Member) {
                self.look_after(now, member);
            }
            self.go_on(now);
            self.wake_at = self.next_due();
        }
    }

    /// When the next thing is due, from the beginning.
    fn next_due(&self) -> Time {
        let all_have_joined = || self.seats.iter().all(|seat| !seat.is_in() || seat.has_joined);
        let phase = match self.phase {
            Phase::Preparing { .. } if all_have_joined() => Time::ZERO,
            Phase::Gathering { due, .. } | Phase::Preparing { due } | Phase::Completing { due } => due,
            Phase::Empty | Phase::Stable => Time::MAX,
        };
        self.seats.iter().map(|seat| self.due_of(seat)).fold(phase, Time::min)
    }

    /// When something is due for a member.
    fn due_of(&self, seat: &Seat) -> Time {
        match seat.standing {
            Standing::Free | Standing::Out => Time::MAX,
            Standing::Crashed => seat.noticed_at,
            Standing::In if !seat.is_waiting => seat.last_poll + self.settings.max_poll_interval,
            Standing::In => {
                let commits = !seat.uncommitted.is_empty() && self.settings.commit != Commit::Manual;
                let commit = if commits { seat.next_commit } else { Time::MAX };
                let joins = matches!(self.phase, Phase::Preparing { .. }) && !seat.has_joined;
                let join = if joins { seat.learns_at } else { Time::MAX };
                let gives_up = if seat.gives_up { Time::ZERO } else { Time::MAX };
                if seat.is_hurried { commit } else { commit.min(join).min(gives_up) }
            }
        }
    }

    /// Does what is due for a member.
    fn look_after(&mut self, now: Time, member: Member) {
        let seat = &self.seats[member.index()];
        if self.due_of(seat) > now {
            return;
        }
        match seat.standing {
            Standing::Free | Standing::Out => {}
            Standing::Crashed => self.remove(now, member, Standing::Free),
            Standing::In if !seat.is_waiting => self.remove(now, member, Standing::Out),
            Standing::In => {
                let joins = matches!(self.phase, Phase::Preparing { .. }) && !seat.has_joined && seat.learns_at <= now;
                self.commit_when_due(now, member);
                let seat = &mut self.seats[member.index()];
                if seat.is_held && (joins || seat.gives_up) {
                    seat.is_hurried = true;
                    self.awake.push(member);
                    return;
                }
                self.give_up_and_rejoin(now, member);
                if joins {
                    self.rejoin(member);
                }
            }
        }
    }

    /// Goes to the next phase when it is time.
    fn go_on(&mut self, now: Time) {
        if !matches!(self.phase, Phase::Empty) && self.members() == 0 {
            self.phase = Phase::Empty;
            return;
        }
        match self.phase {
            Phase::Gathering { due, limit, others_came: true } if due <= now && due < limit => {
                let due = (now + self.settings.initial_delay).min(limit);
                self.phase = Phase::Gathering { due, limit, others_came: false };
            }
            Phase::Gathering { due, .. } if due <= now => self.complete(now),
            Phase::Preparing { due } => {
                if due <= now {
                    self.throw_out_who_is_missing(now);
                }
                if self.seats.iter().all(|seat| !seat.is_in() || seat.has_joined) {
                    self.complete(now);
                }
            }
            Phase::Completing { due } if due <= now => self.hand_out(),
            _ => {}
        }
    }

    fn throw_out_who_is_missing(&mut self, now: Time) {
        for member in (0..self.seats.len() as u32).map(Member) {
            let seat = &self.seats[member.index()];
            if seat.is_in() && !seat.has_joined {
                let becomes = if seat.standing == Standing::In { Standing::Out } else { Standing::Free };
                self.remove(now, member, becomes);
            }
        }
    }

    fn complete(&mut self, now: Time) {
        let due = now + self.settings.pause;
        self.phase = Phase::Completing { due };
        if due <= now {
            self.hand_out();
        }
    }

    /// Gives every partition to somebody, or lets its owner know that it goes.
    fn hand_out(&mut self) {
        self.generation += 1;
        self.phase = Phase::Stable;
        let all = (0..self.seats.len() as u32).map(Member);
        let members: Vec<Member> = all.filter(|member| self.seats[member.index()].is_in()).collect();
        if members.is_empty() {
            return;
        }
        let shares = &self.shares;
        let previous = |partition: Partition| {
            let share = &shares[partition.index()];
            share.owner.or(share.previous)
        };
        let owners = self.settings.assignor.assign(&members, shares.len() as u32, previous);
        for member in &members {
            self.seats[member.index()].gives_up = false;
        }
        for (partition, owner) in (0..).map(Partition).zip(owners) {
            let share = &mut self.shares[partition.index()];
            match share.owner {
                Some(other) => {
                    share.is_leaving = other != owner;
                    self.seats[other.index()].gives_up |= share.is_leaving;
                }
                None => {
                    (share.owner, share.previous, share.since) = (Some(owner), Some(owner), self.generation);
                    share.is_ready = true;
                    let seat = &mut self.seats[owner.index()];
                    seat.owned.push(partition);
                    seat.ready.push_back(partition);
                }
            }
        }
        self.awake.extend(members.into_iter().filter(|member| self.seats[member.index()].is_waiting));
    }
}
