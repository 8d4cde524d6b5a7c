//! A group of consumers that share the partitions of one topic: who reads which, from where, what is handed out again
//! after somebody is lost, and when everybody has to stop for it. Who processes a record, and for how long, is the
//! kernel's business.
//!
//! Source: apache/kafka `ConsumerCoordinator`, `GroupCoordinator` (the classic protocol), ConsumerConfig. A member hears
//! of a rebalance by its next heartbeat and takes part in it when it polls; the group waits for all of them, or until
//! `max.poll.interval` has passed. One that has nothing to read is inside `poll()` all the time.
//!
//! Not here: static members, and the protocol of KIP-848.

use super::log::Reading;
use super::member::{Seat, Standing};
use super::{Member, Partition};
use crate::base::time::{Span, Time};

mod reading;
mod rebalance;

pub use super::assignment::Assignor;

/// Who stops for a rebalance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// Everybody gives up everything when it joins, and reads again when all have joined: stop the world.
    #[default]
    Eager,
    /// Everybody reads on; what changes hands is given up after one rebalance and given away by another.
    Cooperative,
}

/// Where a group begins that has committed nothing, or something that is deleted (`auto.offset.reset`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OffsetReset {
    /// With the oldest record there is.
    Earliest,
    /// With the next record that comes.
    #[default]
    Latest,
}

/// Who commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commit {
    /// `poll()`, once this has passed since the last time: what earlier polls have returned, done or not
    /// (`enable.auto.commit` and `auto.commit.interval.ms`).
    Auto(Span),
    /// The application.
    Manual,
}

/// How a group goes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GroupSettings {
    /// Who gets what (`partition.assignment.strategy`; the default list begins with range).
    pub assignor: Assignor,
    /// Who stops for a rebalance.
    pub protocol: Protocol,
    /// Who commits (by itself, every 5 s).
    pub commit: Commit,
    /// What is visible (`isolation.level`, read uncommitted).
    pub reading: Reading,
    /// Where it begins (`auto.offset.reset`, latest).
    pub reset: OffsetReset,
    /// The most that one poll returns (`max.poll.records`, 500); not 0.
    pub max_poll_records: u32,
    /// A member that does not poll for so long leaves (`max.poll.interval.ms`, 300 s); a rebalance waits for nobody
    /// for longer.
    pub max_poll_interval: Span,
    /// A member of which nothing is heard for so long is given up (`session.timeout.ms`, 45 s).
    pub session_timeout: Span,
    /// How often a member is heard of (`heartbeat.interval.ms`, 3 s).
    pub heartbeat: Span,
    /// How long a new group waits for more members (`group.initial.rebalance.delay.ms`, 3 s).
    pub initial_delay: Span,
    /// How long it takes from the last member's joining until all know what they have got; 0.
    pub pause: Span,
}

impl Default for GroupSettings {
    fn default() -> GroupSettings {
        GroupSettings {
            assignor: Assignor::Range,
            protocol: Protocol::Eager,
            commit: Commit::Auto(Span::from_secs(5)),
            reading: Reading::Uncommitted,
            reset: OffsetReset::Latest,
            max_poll_records: 500,
            max_poll_interval: Span::from_secs(300),
            session_timeout: Span::from_secs(45),
            heartbeat: Span::from_secs(3),
            initial_delay: Span::from_secs(3),
            pause: Span::ZERO,
        }
    }
}

/// What a group is busy with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupPhase {
    /// It has no members.
    Empty,
    /// It waits for its members to join a rebalance.
    Preparing,
    /// All have joined; they will know soon what they get.
    Completing,
    /// Everybody has what it gets.
    Stable,
}

/// One record for a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery<M> {
    /// Where it comes from.
    pub partition: Partition,
    /// Its offset there.
    pub offset: u64,
    /// The generation of the group in which the member got that partition: a later commit needs it.
    pub generation: u32,
    /// Whether the group has handed it out before, and nobody has asked for it again by [`Group::seek`].
    pub is_again: bool,
    /// What it carries.
    pub payload: M,
}

/// What a poll came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Polled {
    /// Records were handed out.
    Records,
    /// There is nothing to read. The member waits until [`Group::arrived`] or [`Group::advance`] names it.
    Empty,
    /// The member takes part in a rebalance. It waits until [`Group::advance`] names it.
    Joining,
}

/// A commit was refused: the partition is not the member's any more, or again only since.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the partition has changed hands")]
pub struct Fenced;

/// What has happened to a group so far, in records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupTally {
    /// Handed out, every time counted.
    pub delivered: u64,
    /// Of those, handed out before, and not asked for again.
    pub redelivered: u64,
    /// Of those, handed out before and asked for again by [`Group::seek`].
    pub replayed: u64,
    /// Deleted before they were handed out.
    pub expired: u64,
    /// Jumped over by [`OffsetReset::Latest`] or by [`Group::seek`], and never handed out.
    pub skipped: u64,
    /// Rebalances that were begun.
    pub rebalances: u64,
    /// Commits that were refused.
    pub fenced: u64,
}

/// What a group knows of one partition.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    owner: Option<Member>,
    /// Who had it last.
    previous: Option<Member>,
    /// The generation in which its owner got it.
    since: u32,
    /// Its owner has to give it up.
    is_leaving: bool,
    /// What is read next; `None` until its owner asks.
    position: Option<u64>,
    committed: Option<u64>,
    /// Everything before was handed out, deleted or jumped over, since the last replay. `None` before the first poll.
    reached: Option<u64>,
    /// What was handed out before it was asked for again ends here.
    replayed_to: u64,
    /// It is in the line of those in which there may be something to read.
    is_ready: bool,
    /// It is in the list of what its owner has not committed.
    is_uncommitted: bool,
    /// It is in the list of those whose committed offset has moved.
    has_moved: bool,
}

/// A phase, and when it ends.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Empty,
    /// A new group gathers: until then, or until `limit` if others keep coming.
    Gathering {
        due: Time,
        limit: Time,
        others_came: bool,
    },
    Preparing {
        due: Time,
    },
    Completing {
        due: Time,
    },
    Stable,
}

/// See the module. Times never go back from one call to the next, and [`Group::advance`] is called when
/// [`Group::wake_at`] says. All calls that take logs get the same ones: those of the topic, by partition.
#[derive(Clone, Debug)]
pub struct Group {
    settings: GroupSettings,
    shares: Vec<Share>,
    seats: Vec<Seat>,
    free: Vec<Member>,
    phase: Phase,
    generation: u32,
    /// Nothing is due before.
    wake_at: Time,
    /// Members that should poll.
    awake: Vec<Member>,
    /// Partitions whose committed offset has moved.
    moved: Vec<Partition>,
    tally: GroupTally,
}

impl Group {
    /// A group without members.
    pub fn new(settings: GroupSettings, partitions: u32) -> Group {
        Group {
            settings,
            shares: vec![Share::default(); partitions as usize],
            seats: Vec::new(),
            free: Vec::new(),
            phase: Phase::Empty,
            generation: 0,
            wake_at: Time::MAX,
            awake: Vec::new(),
            moved: Vec::new(),
            tally: GroupTally::default(),
        }
    }

    /// When [`Group::advance`] has something to do or to say next; it may turn out to be nothing. At once, when that is in
    /// the past: ask after every call.
    pub fn wake_at(&self) -> Option<Time> {
        if !self.awake.is_empty() {
            return Some(Time::ZERO);
        }
        (self.wake_at < Time::MAX).then_some(self.wake_at)
    }

    /// What it is busy with.
    pub fn phase(&self) -> GroupPhase {
        match self.phase {
            Phase::Empty => GroupPhase::Empty,
            Phase::Gathering { .. } | Phase::Preparing { .. } => GroupPhase::Preparing,
            Phase::Completing { .. } => GroupPhase::Completing,
            Phase::Stable => GroupPhase::Stable,
        }
    }

    /// Counts rebalances that were completed.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What has happened so far.
    pub fn tally(&self) -> GroupTally {
        self.tally
    }

    /// Members that the group counts on, the dead of which it does not know included.
    pub fn members(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_in()).count()
    }

    /// Whether the group counts on `member`.
    pub fn counts_on(&self, member: Member) -> bool {
        self.seats[member.index()].is_in()
    }

    /// Who reads `partition`.
    pub fn owner(&self, partition: Partition) -> Option<Member> {
        self.shares[partition.index()].owner
    }

    /// What `member` reads, in no particular order.
    pub fn owned(&self, member: Member) -> &[Partition] {
        &self.seats[member.index()].owned
    }

    /// Whether all partitions have been given away, and none is about to change hands.
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Stable) && self.seats.iter().all(|seat| !seat.gives_up)
    }

    /// The offset that was committed last.
    pub fn committed(&self, partition: Partition) -> Option<u64> {
        self.shares[partition.index()].committed
    }

    /// What is read next; what was committed, while nobody reads.
    pub fn position(&self, partition: Partition) -> Option<u64> {
        let share = &self.shares[partition.index()];
        share.position.or(share.committed)
    }
}
