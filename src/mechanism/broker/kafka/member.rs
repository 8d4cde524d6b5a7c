//! One seat of a group: what its member has, and since when.

use std::collections::VecDeque;

use super::Partition;
use crate::base::time::{Span, Time};

/// Where a member stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Standing {
    /// Nobody sits here.
    #[default]
    Free,
    /// It lives and belongs to the group.
    In,
    /// It lives, but the group has given it up; it joins again when it polls.
    Out,
    /// It is dead, and the group does not know.
    Crashed,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Seat {
    pub(super) standing: Standing,
    /// It takes part in the rebalance that is being prepared.
    pub(super) has_joined: bool,
    /// It is inside `poll()` and hears of everything at once.
    pub(super) is_waiting: bool,
    /// Some of its partitions go to others: it gives them up when it polls.
    pub(super) gives_up: bool,
    /// It has something to finish before it gives anything up (see [`Group::hold`](super::Group::hold)).
    pub(super) is_held: bool,
    /// It was told to finish.
    pub(super) is_hurried: bool,
    /// From then on it sends heartbeats.
    pub(super) joined_at: Time,
    pub(super) last_poll: Time,
    /// When it hears that a rebalance is being prepared.
    pub(super) learns_at: Time,
    /// When the group finds out that it has crashed.
    pub(super) noticed_at: Time,
    /// When it commits by itself next.
    pub(super) next_commit: Time,
    pub(super) owned: Vec<Partition>,
    /// Those in which there may be something to read, in turn.
    pub(super) ready: VecDeque<Partition>,
    /// Those of which it was handed something that is not committed.
    pub(super) uncommitted: Vec<Partition>,
}

impl Seat {
    /// Whether the group counts on it.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.standing, Standing::In | Standing::Crashed)
    }

    /// Its last heartbeat up to `now`.
    pub(super) fn last_heartbeat(&self, now: Time, interval: Span) -> Time {
        let interval = interval.as_nanos().max(1);
        let beats = now.since(self.joined_at).as_nanos() / interval;
        self.joined_at + Span::from_nanos(beats * interval)
    }

    /// Its first heartbeat after `now`.
    pub(super) fn next_heartbeat(&self, now: Time, interval: Span) -> Time {
        self.last_heartbeat(now, interval) + interval
    }
}
