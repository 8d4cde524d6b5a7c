//! One queue: messages in the order in which they were published, leased to members. It decides what is accepted, who
//! gets what, what expires, and what becomes of messages that nobody can process.
//!
//! Published = acknowledged + ready + leased + delayed + dropped + expired + discarded + dead-lettered, always
//! ([`MessageQueue::is_conserved`]).

use std::collections::VecDeque;

use crate::base::time::{Span, Time};
use crate::base::units::Size;

use super::lease::{Back, Leases, State};
use super::{Acked, Delivery, LeaseId, LeaseSettings, Member, Published, Refusal};

/// The rules of a queue. [`QueueSettings::IDEAL`] has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSettings {
    /// How messages are handed out and come back.
    pub leases: LeaseSettings,
    /// Most messages that are ready; those that are leased or delayed do not count.
    pub max_messages: Option<u32>,
    /// Most bytes that are ready.
    pub max_bytes: Option<Size>,
    /// What happens when there are more.
    pub overflow: Overflow,
    /// How long a message is kept; one of its own may be shorter.
    pub ttl: Option<Span>,
    /// What is kept of messages that leave without an acknowledgement.
    pub dead_letters: DeadLetters,
}

impl QueueSettings {
    /// Everything is kept, in order, until it is acknowledged.
    pub const IDEAL: QueueSettings = QueueSettings {
        leases: LeaseSettings::PLAIN,
        max_messages: None,
        max_bytes: None,
        overflow: Overflow::DropHead,
        ttl: None,
        dead_letters: DeadLetters::Nothing,
    };
}

/// What happens when more is ready than may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// The first message leaves.
    DropHead,
    /// The newcomer is rejected. What comes back is not, so that there may be more.
    RejectPublish,
}

/// Which messages that leave without an acknowledgement become dead letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeadLetters {
    /// None.
    Nothing,
    /// Those that failed too often.
    Spent,
    /// All.
    All,
}

/// Why a message left a queue without an acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The queue was too long.
    Length,
    /// It was too old.
    Expired,
    /// A member refused it for ever.
    Rejected,
    /// It failed too often.
    DeliveryLimit,
}

/// What happened that nobody asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Report<M> {
    /// A message left.
    Left {
        /// The message.
        message: M,
        /// When it was published.
        published: Time,
        /// Why.
        reason: Reason,
        /// Whether it is to be published to the queue of dead letters.
        is_dead_letter: bool,
    },
    /// A member held a lease for too long: its channel is closed, and what it held has come back.
    Closed(Member),
}

/// What a queue has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Messages that were accepted.
    pub published: u64,
    /// Messages that were not.
    pub rejected: u64,
    /// Messages that were handed out, each time counted.
    pub deliveries: u64,
    /// Those of them that were not the first.
    pub redeliveries: u64,
    /// Leases that lapsed; of a member that was closed, only the one that closed it.
    pub lapsed: u64,
    /// Messages that are done, those of late acknowledgements included.
    pub acknowledged: u64,
    /// Acknowledgements of leases that had ended but still counted.
    pub late: u64,
    /// Messages that left because of the queue's length, and are lost.
    pub dropped: u64,
    /// Messages that were too old, and are lost.
    pub expired: u64,
    /// Messages that were refused for ever or failed too often, and are lost.
    pub discarded: u64,
    /// Messages that became dead letters, for whatever reason.
    pub dead_lettered: u64,
}

/// See the module. `M` is whatever the caller keeps of a message.
#[derive(Clone, Debug)]
pub struct MessageQueue<M> {
    settings: QueueSettings,
    max_messages: usize,
    max_bytes: u64,
    /// Messages that were never handed out.
    fresh: VecDeque<Waiting<M>>,
    /// How many have left that line.
    passed: u64,
    leases: Leases<Waiting<M>>,
    ready_bytes: u64,
    bytes: u64,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
struct Waiting<M> {
    message: M,
    bytes: u64,
    published: Time,
    expires: Time,
}

impl<M: Copy> MessageQueue<M> {
    /// An empty queue.
    pub fn new(settings: QueueSettings) -> MessageQueue<M> {
        MessageQueue {
            max_messages: settings.max_messages.map_or(usize::MAX, |most| most as usize),
            max_bytes: settings.max_bytes.map_or(u64::MAX, Size::as_bytes),
            leases: Leases::new(settings.leases.clone()),
            settings,
            fresh: VecDeque::new(),
            passed: 0,
            ready_bytes: 0,
            bytes: 0,
            counts: Counts::default(),
        }
    }

    /// A message arrives; `ttl` is its own. It is never a [`Published::Duplicate`].
    pub fn publish(
        &mut self,
        now: Time,
        message: M,
        size: Size,
        ttl: Option<Span>,
        reports: &mut Vec<Report<M>>,
    ) -> Published {
        let bytes = size.as_bytes();
        if self.settings.overflow == Overflow::RejectPublish
            && (self.ready() >= self.max_messages || self.ready_bytes.saturating_add(bytes) > self.max_bytes)
        {
            self.counts.rejected += 1;
            return Published::Rejected;
        }
        let ttl = [self.settings.ttl, ttl].into_iter().flatten().min();
        let expires = ttl.map_or(Time::MAX, |ttl| now + ttl);
        self.fresh.push_back(Waiting { message, bytes, published: now, expires });
        self.ready_bytes += bytes;
        self.bytes += bytes;
        self.counts.published += 1;
        self.drop_heads(reports);
        Published::Accepted
    }

    /// Hands out up to `max` messages to `member`, as far as the limits allow. How many were appended to `deliveries`.
    pub fn take(
        &mut self,
        now: Time,
        member: Member,
        max: u32,
        deliveries: &mut Vec<Delivery<M>>,
        reports: &mut Vec<Report<M>>,
    ) -> u32 {
        let room = self.leases.room(member);
        let (most, mut fresh) = (room.all.min(max), room.fresh);
        let mut taken = 0;
        while taken < most {
            // Where no new one may go out, what came back still may, wherever it stands.
            let passed = if fresh == 0 { u64::MAX } else { self.passed };
            let Some((returned, head)) =
                self.head_after(passed).filter(|(returned, _)| returned.is_some() || fresh > 0)
            else {
                break;
            };
            // What expires at this very instant can still be had.
            if head.expires < now {
                self.remove_head(returned);
                self.leave(head, Reason::Expired, reports);
                fresh = self.leases.room(member).fresh;
                continue;
            }
            let granted = match returned {
                Some(place) => self.leases.grant_again(now, member, place),
                None => {
                    fresh -= 1;
                    self.fresh.pop_front();
                    self.passed += 1;
                    self.leases.grant(now, member, head)
                }
            };
            self.ready_bytes -= head.bytes;
            taken += 1;
            deliveries.push(Delivery {
                lease: granted.lease,
                message: head.message,
                published: head.published,
                deliveries: granted.deliveries,
            });
        }
        taken
    }

    /// How many messages `member` would be handed now, apart from those that have just expired.
    pub fn takeable(&self, member: Member) -> u32 {
        let room = self.leases.room(member);
        let fresh = u32::try_from(self.fresh.len()).unwrap_or(u32::MAX);
        room.all.min(self.leases.tally.returned.saturating_add(room.fresh.min(fresh)))
    }

    /// A member is done with a message.
    pub fn ack(&mut self, lease: LeaseId) -> Acked {
        let (acked, ended) = self.leases.ack(lease);
        if let Some((waiting, was)) = ended {
            self.bytes -= waiting.bytes;
            self.counts.acknowledged += 1;
            self.counts.late += u64::from(acked == Acked::Late);
            if was == State::Returned {
                self.ready_bytes -= waiting.bytes;
            }
        }
        acked
    }

    /// A member refuses a message; `false` when its lease has ended, which changes nothing.
    pub fn refuse(&mut self, now: Time, lease: LeaseId, refusal: Refusal, reports: &mut Vec<Report<M>>) -> bool {
        let published = self.counts.published;
        self.come_back(reports, |leases, tell| leases.refuse(now, lease, refusal, published, tell))
    }

    /// A member is working on it: the time of its lease begins anew. `false` when that has ended.
    pub fn extend(&mut self, now: Time, lease: LeaseId) -> bool {
        self.leases.extend(now, lease)
    }

    /// Whether a lease is held.
    pub fn is_held(&self, lease: LeaseId) -> bool {
        self.leases.is_held(lease)
    }

    /// A member has died or left.
    pub fn member_gone(&mut self, now: Time, member: Member, reports: &mut Vec<Report<M>>) {
        let published = self.counts.published;
        self.come_back(reports, |leases, tell| leases.member_gone(now, member, published, tell));
    }

    /// When [`MessageQueue::tick`] wants to be called, if nothing else happens. Ask again after every call.
    pub fn wake_at(&self) -> Option<Time> {
        let expiry = self.head().map(|(_, head)| head.expires).filter(|expires| *expires < Time::MAX);
        [expiry, self.leases.wake_at()].into_iter().flatten().min()
    }

    /// Time has come: leases lapse, delays end, messages at the head expire.
    pub fn tick(&mut self, now: Time, reports: &mut Vec<Report<M>>) {
        let published = self.counts.published;
        self.come_back(reports, |leases, tell| leases.tick(now, published, tell));
        while let Some((returned, head)) = self.head()
            && head.expires <= now
        {
            self.remove_head(returned);
            self.leave(head, Reason::Expired, reports);
        }
    }

    /// Messages that could be handed out.
    pub fn ready(&self) -> usize {
        self.fresh.len() + self.leases.tally.returned as usize
    }

    /// Messages that are handed out.
    pub fn leased(&self) -> u32 {
        self.leases.tally.leased
    }

    /// Messages that `member` holds.
    pub fn held_by(&self, member: Member) -> u32 {
        self.leases.held_by(member)
    }

    /// Messages that came back and wait.
    pub fn delayed(&self) -> u32 {
        self.leases.tally.delayed
    }

    /// Bytes of all messages in the queue.
    pub fn bytes(&self) -> Size {
        Size::from_bytes(self.bytes)
    }

    /// Bytes of those that are ready.
    pub fn ready_bytes(&self) -> Size {
        Size::from_bytes(self.ready_bytes)
    }

    /// The message that was published first of all that are not done, whether it is ready, handed out or waits.
    pub fn oldest(&self) -> Option<M> {
        self.leases.by_age().next().or_else(|| self.fresh.front().copied()).map(|waiting| waiting.message)
    }

    /// What was counted since the beginning.
    pub fn counts(&self) -> Counts {
        let tally = self.leases.tally;
        Counts { deliveries: tally.deliveries, redeliveries: tally.redeliveries, lapsed: tally.lapsed, ..self.counts }
    }

    /// Whether every message that was accepted is somewhere.
    pub fn is_conserved(&self) -> bool {
        let Counts { published, acknowledged, dropped, expired, discarded, dead_lettered, .. } = self.counts;
        let inside = self.ready() as u64 + u64::from(self.leased()) + u64::from(self.delayed());
        published == acknowledged + inside + dropped + expired + discarded + dead_lettered
    }

    /// The message that is handed out next; its place among the leases when it came back.
    #[inline]
    fn head(&self) -> Option<(Option<u32>, Waiting<M>)> {
        self.head_after(self.passed)
    }

    /// The same, when so many others had gone.
    #[inline]
    fn head_after(&self, passed: u64) -> Option<(Option<u32>, Waiting<M>)> {
        match self.leases.first_returned(passed) {
            Some((place, waiting)) => Some((Some(place), waiting)),
            None => self.fresh.front().map(|waiting| (None, *waiting)),
        }
    }

    fn remove_head(&mut self, returned: Option<u32>) {
        match returned {
            Some(place) => {
                let (_, head) = self.leases.first_returned(u64::MAX).expect("the head is there");
                self.ready_bytes -= head.bytes;
                self.leases.forget_returned(place);
            }
            None => {
                self.ready_bytes -= self.fresh.pop_front().map_or(0, |head| head.bytes);
                self.passed += 1;
            }
        }
    }

    fn is_too_long(&self) -> bool {
        self.ready() > self.max_messages || self.ready_bytes > self.max_bytes
    }

    fn drop_heads(&mut self, reports: &mut Vec<Report<M>>) {
        if self.settings.overflow != Overflow::DropHead {
            return;
        }
        while self.is_too_long()
            && let Some((returned, head)) = self.head()
        {
            self.remove_head(returned);
            self.leave(head, Reason::Length, reports);
        }
    }

    /// Lets the leases change, and sees to what comes back.
    fn come_back<R>(
        &mut self,
        reports: &mut Vec<Report<M>>,
        change: impl FnOnce(&mut Leases<Waiting<M>>, &mut dyn FnMut(Back<Waiting<M>>)) -> R,
    ) -> R {
        let MessageQueue { leases, settings, ready_bytes, bytes, counts, .. } = self;
        let mut ledger = Ledger { dead_letters: settings.dead_letters, bytes, counts };
        let result = change(leases, &mut |back| match back {
            Back::Ready(waiting) => *ready_bytes += waiting.bytes,
            Back::Spent(waiting) => ledger.leave(waiting, Reason::DeliveryLimit, reports),
            Back::Dead(waiting) => ledger.leave(waiting, Reason::Rejected, reports),
            Back::Closed(member) => reports.push(Report::Closed(member)),
        });
        self.drop_heads(reports);
        result
    }

    fn leave(&mut self, waiting: Waiting<M>, reason: Reason, reports: &mut Vec<Report<M>>) {
        let MessageQueue { settings, bytes, counts, .. } = self;
        Ledger { dead_letters: settings.dead_letters, bytes, counts }.leave(waiting, reason, reports);
    }
}

/// Where messages are written down that leave.
struct Ledger<'a> {
    dead_letters: DeadLetters,
    bytes: &'a mut u64,
    counts: &'a mut Counts,
}

impl Ledger<'_> {
    fn leave<M>(&mut self, waiting: Waiting<M>, reason: Reason, reports: &mut Vec<Report<M>>) {
        *self.bytes -= waiting.bytes;
        let is_dead_letter = match self.dead_letters {
            DeadLetters::Nothing => false,
            DeadLetters::Spent => reason == Reason::DeliveryLimit,
            DeadLetters::All => true,
        };
        let count = match reason {
            _ if is_dead_letter => &mut self.counts.dead_lettered,
            Reason::Length => &mut self.counts.dropped,
            Reason::Expired => &mut self.counts.expired,
            Reason::Rejected | Reason::DeliveryLimit => &mut self.counts.discarded,
        };
        *count += 1;
        reports.push(Report::Left { message: waiting.message, published: waiting.published, reason, is_dead_letter });
    }
}
