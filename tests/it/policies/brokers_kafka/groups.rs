//! Laws of the group: every record is accounted for, every partition has one reader, and order holds.

use brownout::mechanism::broker::kafka::{Assignor, Delivery, GroupPhase, Polled, Protocol, TransactionId};
use proptest::prelude::*;

use super::*;

const PARTITIONS: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    Leave {
        member: usize,
    },
    Crash {
        member: usize,
    },
    Poll {
        member: usize,
    },
    CommitAll {
        member: usize,
    },
    /// Commits what the last poll of a member returned first.
    CommitOne {
        member: usize,
    },
    Append {
        partition: u32,
        records: usize,
    },
    /// The same in a transaction.
    Begin {
        partition: u32,
        records: usize,
    },
    End {
        succeeds: bool,
    },
    Clean,
    Pass {
        millis: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (member, partition) = (|| 0..6usize, || 0..PARTITIONS);
    let step = prop_oneof![
        2 => Just(Step::Join),
        1 => member().prop_map(|member| Step::Leave { member }),
        1 => member().prop_map(|member| Step::Crash { member }),
        10 => member().prop_map(|member| Step::Poll { member }),
        3 => member().prop_map(|member| Step::CommitAll { member }),
        2 => member().prop_map(|member| Step::CommitOne { member }),
        8 => (partition(), 1..9usize).prop_map(|(partition, records)| Step::Append { partition, records }),
        2 => (partition(), 1..4usize).prop_map(|(partition, records)| Step::Begin { partition, records }),
        2 => any::<bool>().prop_map(|succeeds| Step::End { succeeds }),
        1 => Just(Step::Clean),
        6 => (0..4000u64).prop_map(|millis| Step::Pass { millis }),
        1 => (10_000..400_000u64).prop_map(|millis| Step::Pass { millis }),
    ];
    proptest::collection::vec(step, 1..250)
}

fn settings() -> impl Strategy<Value = GroupSettings> {
    let assignor = prop_oneof![Just(Assignor::Range), Just(Assignor::RoundRobin), Just(Assignor::Sticky)];
    let protocol = prop_oneof![Just(Protocol::Eager), Just(Protocol::Cooperative)];
    let commit = prop_oneof![Just(Commit::Auto(Span::from_secs(5))), Just(Commit::Manual)];
    let reading = prop_oneof![Just(Reading::Committed), Just(Reading::Uncommitted)];
    let reset = prop_oneof![Just(OffsetReset::Earliest), Just(OffsetReset::Latest)];
    (assignor, protocol, commit, reading, reset, 1..10u32, 0..3u64).prop_map(
        |(assignor, protocol, commit, reading, reset, max_poll_records, pause)| GroupSettings {
            assignor,
            protocol,
            commit,
            reading,
            reset,
            max_poll_records,
            pause: Span::from_millis(pause * 700),
            ..GroupSettings::default()
        },
    )
}

/// What a test knows of a record on its own account.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    deliveries: u32,
    is_lost: bool,
    transaction: Option<TransactionId>,
    is_aborted: bool,
}

struct World {
    now: Time,
    settings: GroupSettings,
    group: Group,
    logs: Vec<Log<u64>>,
    /// By partition and offset.
    known: Vec<Vec<Known>>,
    /// The first offset of each partition that the group wants.
    begins: Vec<Option<u64>>,
    transactions: Transactions<Partition>,
    open: Vec<TransactionId>,
    /// Members that live.
    live: Vec<Member>,
    /// What the last poll of each returned.
    got: Vec<(Member, Vec<Delivery<u64>>)>,
    /// Where each partition's reader was last, and in which generation.
    last: Vec<Option<(u32, u64)>>,
    redelivered: u64,
}

impl World {
    fn new(settings: GroupSettings) -> World {
        let log = LogSettings {
            retention: Some(Span::from_secs(100)),
            segment: Size::from_bytes(10),
            ..LogSettings::default()
        };
        let all = PARTITIONS as usize;
        World {
            now: Time::ZERO,
            settings,
            group: Group::new(settings, PARTITIONS),
            logs: vec![Log::new(log); all],
            known: vec![Vec::new(); all],
            begins: vec![(settings.reset == OffsetReset::Earliest).then_some(0); all],
            transactions: Transactions::new(TransactionSettings { timeout: Span::from_secs(1_000_000) }),
            open: Vec::new(),
            live: Vec::new(),
            got: Vec::new(),
            last: vec![None; all],
            redelivered: 0,
        }
    }

    fn member(&self, member: usize) -> Option<Member> {
        (!self.live.is_empty()).then(|| self.live[member % self.live.len()])
    }

    fn append(&mut self, partition: u32, records: usize, transaction: Option<TransactionId>) {
        let (log, known) = (&mut self.logs[partition as usize], &mut self.known[partition as usize]);
        let payloads: Vec<Record<u64>> = (0..records as u64).map(|n| record(log.end() + n)).collect();
        log.append(self.now, None, transaction, records as u64, &payloads);
        log.replicated(log.end());
        known.resize(known.len() + records, Known { transaction, ..Known::default() });
        self.wake(Partition(partition));
    }

    fn wake(&mut self, partition: Partition) {
        if let Some(member) = self.group.arrived(partition) {
            self.poll(member);
        }
    }

    fn poll(&mut self, member: Member) {
        let (known, mut out) = (&mut self.known, Vec::new());
        let lost = |partition: Partition, offset: u64, payload: u64| {
            assert_eq!(offset, payload);
            let known = &mut known[partition.index()][offset as usize];
            assert!(!known.is_lost && known.deliveries == 0, "only what nobody has seen is lost, once");
            known.is_lost = true;
        };
        let polled = self.group.poll(self.now, member, &self.logs, &mut out, lost);
        assert_eq!(polled == Polled::Records, !out.is_empty());
        assert!(out.len() <= self.settings.max_poll_records as usize);
        for one in &out {
            let at = one.partition.index();
            assert_eq!((self.group.owner(one.partition), one.offset), (Some(member), one.payload));
            let known = &mut self.known[at][one.offset as usize];
            assert_eq!(one.is_again, known.deliveries > 0);
            assert!(!known.is_aborted || self.settings.reading == Reading::Uncommitted);
            self.redelivered += u64::from(one.is_again);
            known.deliveries += 1;
            let is_next = self.last[at].is_none_or(|(since, offset)| since != one.generation || offset < one.offset);
            assert!(is_next, "in order");
            self.last[at] = Some((one.generation, one.offset));
        }
        self.got.retain(|(other, _)| *other != member);
        self.got.push((member, out));
        self.begin();
    }

    /// A group that reads what is yet to come begins where it has got to when it first asks.
    fn begin(&mut self) {
        for (partition, begins) in (0..PARTITIONS).map(Partition).zip(&mut self.begins) {
            if begins.is_none() && self.group.position(partition).is_some() {
                let read = self.known[partition.index()].iter().position(|known| known.deliveries > 0);
                assert_eq!(read, None, "it was asked before");
                *begins = self.group.position(partition);
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join if self.live.len() < 6 => self.live.push(self.group.join(self.now)),
            Step::Join => {}
            Step::Leave { member } | Step::Crash { member } => {
                let Some(member) = self.member(member) else { return };
                self.live.retain(|other| *other != member);
                self.got.retain(|(other, _)| *other != member);
                if matches!(step, Step::Leave { .. }) {
                    self.group.leave(self.now, member);
                } else {
                    self.group.crash(self.now, member);
                }
            }
            Step::Poll { member } => {
                if let Some(member) = self.member(member) {
                    self.poll(member);
                }
            }
            Step::CommitAll { member } => {
                if let Some(member) = self.member(member) {
                    assert_eq!(self.group.commit_all(member).is_ok(), self.group.counts_on(member));
                }
            }
            Step::CommitOne { member } => {
                let Some(member) = self.member(member) else { return };
                let first = self.got.iter().find(|(other, _)| *other == member).and_then(|(_, got)| got.first());
                if let Some(one) = first.copied() {
                    let before = self.group.committed(one.partition);
                    let done = self.group.commit(member, one.partition, one.generation, one.offset + 1);
                    let after = self.group.committed(one.partition);
                    assert_eq!(after, if done.is_ok() { before.max(Some(one.offset + 1)) } else { before });
                    assert!(done.is_err() || self.group.owner(one.partition) == Some(member));
                }
            }
            Step::Append { partition, records } => self.append(partition, records, None),
            Step::Begin { partition, records } => {
                let id = self.transactions.begin(self.now);
                assert!(self.transactions.touch(id, Partition(partition)));
                self.append(partition, records, Some(id));
                self.open.push(id);
            }
            Step::End { succeeds } => {
                let Some(id) = self.open.pop() else { return };
                let (mut touched, logs) = (Vec::new(), &mut self.logs);
                self.transactions.end(id, |partition| {
                    logs[partition.index()].end_transaction(id, succeeds);
                    touched.push(partition);
                });
                let of_it = self.known.iter_mut().flatten().filter(|known| known.transaction == Some(id));
                of_it.for_each(|known| known.is_aborted = !succeeds);
                touched.into_iter().for_each(|partition| self.wake(partition));
            }
            Step::Clean => self.clean(),
            Step::Pass { millis } => self.pass(Span::from_millis(millis)),
        }
        while let Some(partition) = self.group.next_moved() {
            if let Some(lowest) = self.group.lowest(partition) {
                self.logs[partition.index()].forget_below(lowest);
            }
        }
        self.check();
    }

    fn clean(&mut self) {
        for (partition, log) in (0..).map(Partition).zip(&mut self.logs) {
            let known = &mut self.known[partition.index()];
            self.group.expire(partition, log.cleaned_start(self.now), log, |offset, _| {
                let known = &mut known[offset as usize];
                assert!(!known.is_lost && known.deliveries == 0, "only what nobody has seen is lost, once");
                known.is_lost = true;
            });
            log.clean(self.now);
        }
    }

    fn pass(&mut self, span: Span) {
        let target = self.now + span;
        let mut awake = Vec::new();
        while let Some(due) = self.group.wake_at().filter(|due| *due <= target) {
            self.now = due.max(self.now);
            self.group.advance(self.now, &mut awake);
            assert!(self.group.wake_at().is_none_or(|next| next > self.now), "what is due is done");
            for member in awake.drain(..) {
                self.poll(member);
            }
        }
        self.now = target;
    }

    fn check(&self) {
        for partition in (0..PARTITIONS).map(Partition) {
            let at = partition.index();
            let has_it = |member: &u32| self.group.owned(Member(*member)).contains(&partition);
            let seats = self.live.iter().map(|member| member.0).max().map_or(0, |most| most + 1);
            let owners: Vec<u32> = (0..seats).filter(has_it).collect();
            assert!(owners.len() <= 1);
            if let Some(owner) = owners.first() {
                assert_eq!(self.group.owner(partition), Some(Member(*owner)));
            }
            if self.group.is_settled() && self.group.members() > 0 {
                assert!(self.group.owner(partition).is_some(), "nobody reads {partition:?}");
            }
            let Some(begins) = self.begins[at] else { continue };
            // Exactly one of: unread, handed out, lost, aborted (and seen by nobody), not to be read yet.
            let log = &self.logs[at];
            let readable = log.readable_to(self.settings.reading);
            let wanted = self.known[at].iter().zip(0..).skip(begins as usize);
            let mut unread = 0;
            for (known, offset) in wanted {
                let is_hidden = known.is_aborted && self.settings.reading == Reading::Committed;
                assert!(!(known.is_lost && known.deliveries > 0));
                assert!(!is_hidden || (known.deliveries == 0 && !known.is_lost), "the aborted are not seen");
                let is_unread = !is_hidden && !known.is_lost && known.deliveries == 0 && offset < readable;
                unread += u64::from(is_unread);
                if self.group.committed(partition).is_some_and(|committed| offset < committed) {
                    assert!(!is_unread, "{partition:?} {offset} is committed and was never read");
                }
                assert!(offset < readable || known.deliveries == 0, "it could not be read");
            }
            assert_eq!(self.group.unread(partition, log), unread, "{partition:?}");
            assert!(self.group.lag(partition, log) >= unread);
        }
        let tally = self.group.tally();
        let all = || self.known.iter().flatten();
        assert_eq!(tally.redelivered, self.redelivered);
        assert_eq!(tally.delivered, all().map(|known| u64::from(known.deliveries)).sum::<u64>());
        assert_eq!(tally.expired + tally.skipped, all().filter(|known| known.is_lost).count() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_accounted_for_and_every_partition_has_one_reader(settings in settings(), steps in steps()) {
        let mut world = World::new(settings);
        for step in steps {
            world.step(step);
        }
        // In the end everything is read: transactions end, somebody lives, and all poll.
        while !world.open.is_empty() {
            world.step(Step::End { succeeds: true });
        }
        world.step(Step::Join);
        for _ in 0..600 {
            (0..6).for_each(|member| world.step(Step::Poll { member }));
            world.step(Step::Pass { millis: 1000 });
        }
        prop_assert!(world.group.is_settled());
        for (partition, log) in (0..).map(Partition).zip(&world.logs) {
            prop_assert_eq!(world.group.unread(partition, log), 0);
            prop_assert_eq!(world.group.position(partition), Some(log.end()));
        }
    }
}

/// A world in which `members` read `records` in every partition.
fn running(settings: GroupSettings, members: usize, records: usize) -> World {
    let mut world = World::new(GroupSettings { reset: OffsetReset::Earliest, ..settings });
    (0..members).for_each(|_| world.step(Step::Join));
    world.step(Step::Pass { millis: 7000 });
    assert!(world.group.is_settled());
    (0..PARTITIONS).for_each(|partition| world.step(Step::Append { partition, records }));
    world
}

#[test]
fn a_new_group_waits_for_others_as_long_as_they_come() {
    let mut world = World::new(GroupSettings::default());
    world.step(Step::Join);
    world.step(Step::Pass { millis: 2000 });
    world.step(Step::Join);
    world.step(Step::Pass { millis: 3999 });
    assert_eq!(world.group.phase(), GroupPhase::Preparing);
    world.step(Step::Pass { millis: 1 });
    assert_eq!((world.group.phase(), world.group.generation()), (GroupPhase::Stable, 1));
}

#[test]
fn a_slow_member_stops_the_world_and_nobody_else_when_it_is_cooperative() {
    let delivered = |protocol| {
        let settings = GroupSettings { protocol, assignor: Assignor::Sticky, ..GroupSettings::default() };
        let mut world = running(settings, 2, 1);
        // The first works for long; the second waits inside its poll. A third comes.
        world.step(Step::Join);
        world.step(Step::Pass { millis: 10_000 });
        let before = world.group.tally().delivered;
        (0..PARTITIONS).for_each(|partition| world.step(Step::Append { partition, records: 1 }));
        world.step(Step::Poll { member: 1 });
        world.step(Step::Poll { member: 1 });
        world.group.tally().delivered - before
    };
    assert_eq!(delivered(Protocol::Eager), 0);
    // One of its two partitions had a record before, too.
    assert_eq!(delivered(Protocol::Cooperative), 3);
}

#[test]
fn who_is_thrown_out_for_being_slow_cannot_commit_and_its_records_come_again() {
    let settings = GroupSettings { commit: Commit::Manual, ..GroupSettings::default() };
    let mut world = running(settings, 2, 10);
    let slow = world.live[0];
    let got =
        world.got.iter().find(|(member, _)| *member == slow).map(|(_, got)| got[0]).expect("it has got something");
    world.step(Step::Pass { millis: 200_000 });
    world.step(Step::Poll { member: 1 });
    world.step(Step::Pass { millis: 150_000 });
    assert!(!world.group.counts_on(slow));
    assert!(world.group.commit(slow, got.partition, got.generation, got.offset + 1).is_err());
    world.step(Step::Poll { member: 1 });
    world.step(Step::Poll { member: 1 });
    assert!(world.group.tally().redelivered >= 10);
    assert_eq!(world.group.tally().fenced, 1);
    world.step(Step::Poll { member: 0 });
    assert!(world.group.counts_on(slow), "it comes back when it polls");
}

#[test]
fn a_replay_is_no_redelivery() {
    let settings = at_once(GroupSettings::default());
    let mut log = Log::new(LogSettings { keeps_payloads: true, ..LogSettings::default() });
    let mut group = Group::new(settings, 1);
    for n in 0..10u64 {
        append(&mut log, at(Span::from_secs(n)), &[n]);
    }
    let now = at(Span::from_secs(20));
    let member = group.join(now);
    let mut got = Vec::new();
    group.poll(now, member, std::slice::from_ref(&log), &mut got, |_, _, _| ());
    group.commit_all(member).expect("a member");
    log.forget_below(10);
    assert_eq!(group.poll(now, member, std::slice::from_ref(&log), &mut got, |_, _, _| ()), Polled::Empty);
    assert_eq!((got.len(), group.lag(P0, &log)), (10, 0));
    let from = log.offset_at(at(Span::from_secs(7)));
    assert_eq!(group.seek(P0, from, &log, |_, _| ()), Some(member));
    assert_eq!((group.unread(P0, &log), group.oldest_unread(P0, &log)), (3, Some(at(Span::from_secs(7)))));
    got.clear();
    group.poll(now, member, std::slice::from_ref(&log), &mut got, |_, _, _| ());
    assert_eq!(
        got.iter().map(|one| (one.payload, one.is_again)).collect::<Vec<_>>(),
        [(7, false), (8, false), (9, false)]
    );
    assert_eq!((group.tally().replayed, group.tally().redelivered), (3, 0));
}
