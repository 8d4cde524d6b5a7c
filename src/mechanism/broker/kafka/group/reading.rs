//! Reading and committing: what a member is handed, where it goes on, and what the group needs no more.

use super::super::log::Log;
use super::{Commit, Delivery, Fenced, Group, Member, OffsetReset, Partition, Phase, Polled, Protocol, Standing, Time};

impl Group {
    /// There may be more to read in `partition`: names the member that waits for it, which should poll.
    #[inline]
    pub fn arrived(&mut self, partition: Partition) -> Option<Member> {
        let share = &mut self.shares[partition.index()];
        let owner = share.owner?;
        if share.is_ready {
            return None;
        }
        share.is_ready = true;
        let seat = &mut self.seats[owner.index()];
        seat.ready.push_back(partition);
        seat.is_waiting.then_some(owner)
    }

    /// A living member polls: it is done with, or has set aside, what it got before. Puts records into `out`, partition by
    /// partition in turn. `lost` hears of each record that is jumped over (see
    /// [`GroupTally::skipped`](super::GroupTally::skipped)).
    pub fn poll<M: Copy>(
        &mut self,
        now: Time,
        member: Member,
        logs: &[Log<M>],
        out: &mut Vec<Delivery<M>>,
        mut lost: impl FnMut(Partition, u64, M),
    ) -> Polled {
        let seat = &mut self.seats[member.index()];
        debug_assert!(matches!(seat.standing, Standing::In | Standing::Out), "the dead and the gone do not poll");
        seat.last_poll = now;
        if seat.standing == Standing::Out {
            self.enter(now, member);
            self.work_off(now);
            return Polled::Joining;
        }
        seat.is_waiting = true;
        self.commit_when_due(now, member);
        if !matches!(self.phase, Phase::Stable) || self.seats[member.index()].gives_up {
            self.take_part(now, member);
        }
        let seat = &self.seats[member.index()];
        if seat.has_joined && self.settings.protocol == Protocol::Eager && !matches!(self.phase, Phase::Stable) {
            return Polled::Joining;
        }
        let before = out.len();
        self.read(member, logs, out, &mut lost);
        let seat = &mut self.seats[member.index()];
        if out.len() > before {
            seat.is_waiting = false;
            self.wake_by(now + self.settings.max_poll_interval);
            return Polled::Records;
        }
        if !seat.uncommitted.is_empty() && self.settings.commit != Commit::Manual {
            let due = seat.next_commit;
            self.wake_by(due);
        }
        Polled::Empty
    }

    /// A member that waits has something to finish, or not any more: before it takes part in a rebalance,
    /// [`Group::advance`] names it, and it has to poll again once it has finished (`onPartitionsRevoked`).
    pub fn hold(&mut self, member: Member, is_held: bool) {
        let seat = &mut self.seats[member.index()];
        (seat.is_held, seat.is_hurried) = (is_held, false);
    }

    /// Whether a poll would take partitions from `member` now: what it has not committed would be lost to it.
    pub fn would_take(&self, now: Time, member: Member) -> bool {
        let seat = &self.seats[member.index()];
        let joins = matches!(self.phase, Phase::Preparing { .. }) && !seat.has_joined && seat.learns_at <= now;
        seat.standing == Standing::Out || seat.gives_up || joins
    }

    /// Whether [`Group::commit`] would succeed.
    pub fn may_commit(&self, member: Member, partition: Partition, generation: u32) -> bool {
        let share = &self.shares[partition.index()];
        let is_in = self.seats[member.index()].standing == Standing::In;
        is_in && share.owner == Some(member) && share.since == generation
    }

    /// What a member does inside `poll()` for a rebalance.
    fn take_part(&mut self, now: Time, member: Member) {
        self.give_up_and_rejoin(now, member);
        let seat = &self.seats[member.index()];
        let is_prepared = matches!(self.phase, Phase::Preparing { .. }) && !seat.has_joined;
        if is_prepared && seat.learns_at <= now {
            self.rejoin(member);
            self.wake_by(now);
        } else if is_prepared {
            let learns_at = seat.learns_at;
            self.wake_by(learns_at);
        }
        self.work_off(now);
    }

    fn read<M: Copy>(
        &mut self,
        member: Member,
        logs: &[Log<M>],
        out: &mut Vec<Delivery<M>>,
        lost: &mut impl FnMut(Partition, u64, M),
    ) {
        let reading = self.settings.reading;
        let mut left = self.settings.max_poll_records as usize;
        while left > 0 {
            let Some(partition) = self.seats[member.index()].ready.pop_front() else { return };
            let log = &logs[partition.index()];
            if !log.is_led() {
                // It is named again when somebody leads it.
                self.shares[partition.index()].is_ready = false;
                continue;
            }
            let position = self.find_position(partition, log, lost);
            let share = &mut self.shares[partition.index()];
            let (reached, replayed_to) = (share.reached.unwrap_or(position), share.replayed_to);
            let (generation, before) = (share.since, out.len());
            let next = log.fetch(position, reading, left, |offset, payload| {
                out.push(Delivery { partition, offset, generation, is_again: offset < reached, payload });
            });
            share.position = Some(next);
            share.reached = Some(reached.max(next));
            let count = out.len() - before;
            left -= count;
            self.tally.delivered += count as u64;
            if position < reached {
                self.tally.redelivered += out[before..].iter().filter(|delivery| delivery.is_again).count() as u64;
            }
            if position < replayed_to {
                let asked = out[before..].iter().filter(|one| !one.is_again && one.offset < replayed_to);
                self.tally.replayed += asked.count() as u64;
            }
            let seat = &mut self.seats[member.index()];
            if next > position && !share.is_uncommitted {
                share.is_uncommitted = true;
                seat.uncommitted.push(partition);
            }
            if next < log.readable_to(reading) {
                seat.ready.push_back(partition);
            } else {
                share.is_ready = false;
            }
        }
    }

    /// Where its owner reads a partition on.
    fn find_position<M: Copy>(
        &mut self,
        partition: Partition,
        log: &Log<M>,
        lost: &mut impl FnMut(Partition, u64, M),
    ) -> u64 {
        let share = &mut self.shares[partition.index()];
        let known = share.position.or(share.committed);
        if let Some(position) = known.filter(|position| (log.start()..=log.end()).contains(position)) {
            share.position = Some(position);
            share.reached.get_or_insert(position);
            return position;
        }
        match self.settings.reset {
            OffsetReset::Earliest => {
                let start = log.readable_from();
                share.position = Some(start);
                share.reached.get_or_insert(start);
                start
            }
            OffsetReset::Latest => {
                let end = log.readable_to(self.settings.reading);
                share.position = Some(end);
                self.jump(partition, end, log, |offset, payload| lost(partition, offset, payload));
                end
            }
        }
    }

    /// What was not handed out before `to` never will be.
    fn jump<M: Copy>(&mut self, partition: Partition, to: u64, log: &Log<M>, mut lost: impl FnMut(u64, M)) {
        let share = &mut self.shares[partition.index()];
        let from = share.reached.unwrap_or(to).max(log.readable_from());
        share.reached = Some(share.reached.unwrap_or(to).max(to));
        if from < to {
            let count = log.visible(from, to, self.settings.reading);
            self.tally.skipped += count;
            log.fetch(from, self.settings.reading, count as usize, &mut lost);
        }
    }

    /// A partition's log is about to delete what is before `start` ([`Log::cleaned_start`]): `lost` hears of every record
    /// that this group will never have seen.
    pub fn expire<M: Copy>(&mut self, partition: Partition, start: u64, log: &Log<M>, lost: impl FnMut(u64, M)) {
        let share = &mut self.shares[partition.index()];
        let begins = match self.settings.reset {
            OffsetReset::Earliest => Some(log.start()),
            OffsetReset::Latest => None,
        };
        let Some(reached) = share.reached.or(share.committed).or(begins) else { return };
        if reached >= start {
            return;
        }
        share.reached = Some(start);
        let from = reached.max(log.readable_from());
        let count = log.visible(from, start, self.settings.reading);
        self.tally.expired += count;
        if count > 0 {
            log.fetch(from, self.settings.reading, count as usize, lost);
        }
    }

    /// The application has processed what is before `offset`. Needs the generation of the delivery. Nothing changes when
    /// more was committed before: only [`Group::seek`] goes back.
    ///
    /// # Errors
    /// When the partition is not the member's any more, or was given to it anew since.
    pub fn commit(&mut self, member: Member, partition: Partition, generation: u32, offset: u64) -> Result<(), Fenced> {
        if !self.may_commit(member, partition, generation) {
            self.tally.fenced += 1;
            return Err(Fenced);
        }
        let share = &mut self.shares[partition.index()];
        share.committed = share.committed.max(Some(offset));
        if share.position == Some(offset) && share.is_uncommitted {
            share.is_uncommitted = false;
            self.seats[member.index()].uncommitted.retain(|other| *other != partition);
        }
        self.note_moved(partition);
        Ok(())
    }

    /// The application has processed everything that it was handed.
    ///
    /// # Errors
    /// When the group does not count on the member any more.
    pub fn commit_all(&mut self, member: Member) -> Result<(), Fenced> {
        if self.seats[member.index()].standing != Standing::In {
            self.tally.fenced += 1;
            return Err(Fenced);
        }
        self.commit_positions(member);
        Ok(())
    }

    /// A partition whose committed offset has moved since it was named last: [`Log::forget_below`] may have something to do.
    pub fn next_moved(&mut self) -> Option<Partition> {
        let partition = self.moved.pop()?;
        self.shares[partition.index()].has_moved = false;
        Some(partition)
    }

    /// What is before this offset the group will never read again by itself. `None` while it will begin with what is yet
    /// to come.
    pub fn lowest(&self, partition: Partition) -> Option<u64> {
        let share = &self.shares[partition.index()];
        let begins = share.committed.or(match self.settings.reset {
            OffsetReset::Earliest => Some(0),
            OffsetReset::Latest => share.reached,
        });
        [begins, share.position, share.reached].into_iter().flatten().min().filter(|_| begins.is_some())
    }

    /// From now on the group reads `partition` from `offset` on, or from the nearest that can be read: a replay, or a jump
    /// ahead of which `lost` hears. Its committed offset goes there, too. Names the member that should poll.
    pub fn seek<M: Copy>(
        &mut self,
        partition: Partition,
        offset: u64,
        log: &Log<M>,
        lost: impl FnMut(u64, M),
    ) -> Option<Member> {
        let target = offset.clamp(log.readable_from(), log.readable_to(self.settings.reading));
        self.jump(partition, target, log, lost);
        let share = &mut self.shares[partition.index()];
        if let Some(reached) = share.reached.filter(|reached| *reached > target) {
            share.replayed_to = share.replayed_to.max(reached);
            share.reached = Some(target);
        }
        share.position = share.owner.map(|_| target);
        share.committed = Some(target);
        self.note_moved(partition);
        self.arrived(partition)
    }

    /// Records between what was committed and the end of what can be read.
    pub fn lag<M: Copy>(&self, partition: Partition, log: &Log<M>) -> u64 {
        let done = self.committed(partition).or(self.shares[partition.index()].reached).unwrap_or(log.start());
        log.readable_to(self.settings.reading).saturating_sub(done.max(log.start()))
    }

    /// Records that can be read and were not handed out.
    pub fn unread<M: Copy>(&self, partition: Partition, log: &Log<M>) -> u64 {
        let from = self.unread_from(partition, log);
        log.visible(from, log.readable_to(self.settings.reading), self.settings.reading)
    }

    /// When the oldest of those was appended.
    pub fn oldest_unread<M: Copy>(&self, partition: Partition, log: &Log<M>) -> Option<Time> {
        let from = self.unread_from(partition, log);
        if from < log.readable_to(self.settings.reading) { log.time_of(from) } else { None }
    }

    fn unread_from<M: Copy>(&self, partition: Partition, log: &Log<M>) -> u64 {
        let share = &self.shares[partition.index()];
        let begins = match self.settings.reset {
            OffsetReset::Earliest => log.start(),
            OffsetReset::Latest => log.end(),
        };
        share.reached.or(share.committed).unwrap_or(begins).max(log.readable_from())
    }

    /// Commits inside `poll()`, if that is how it is done and it is time.
    pub(super) fn commit_when_due(&mut self, now: Time, member: Member) {
        if let Commit::Auto(interval) = self.settings.commit {
            let seat = &mut self.seats[member.index()];
            if seat.next_commit <= now {
                seat.next_commit = now + interval;
                self.commit_positions(member);
            }
        }
    }

    /// Commits before something is given up, if the member does that by itself.
    pub(super) fn commit_by_itself(&mut self, member: Member) {
        if self.settings.commit != Commit::Manual {
            self.commit_positions(member);
        }
    }

    fn commit_positions(&mut self, member: Member) {
        while let Some(partition) = self.seats[member.index()].uncommitted.pop() {
            let share = &mut self.shares[partition.index()];
            share.is_uncommitted = false;
            share.committed = share.position.or(share.committed);
            self.note_moved(partition);
        }
    }

    fn note_moved(&mut self, partition: Partition) {
        let share = &mut self.shares[partition.index()];
        if !share.has_moved {
            share.has_moved = true;
            self.moved.push(partition);
        }
    }
}
