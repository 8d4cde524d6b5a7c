//! One stream with several consumers: messages are stored once, and each consumer reads them in order with leases of
//! its own. It decides what is stored, how long, and what each consumer is handed.
//!
//! Published = stored + done + unwanted + discarded + expired, and for each consumer published = unread + missed +
//! leased + ready again + delayed + acknowledged + exhausted + terminated ([`MessageStream::is_conserved`]).
//!
//! A message that is removed while a consumer holds it stays with its member; when it would be handed out again, it is
//! found to be missing.

use crate::base::time::{Span, Time};
use crate::base::units::Size;

use super::lease::{Back, Leases};
use super::{Acked, Dedup, Delivery, LeaseId, LeaseSettings, Member, Published, Refusal};

/// The rules of a stream; JetStream's defaults are [`jetstream::STREAM`](super::jetstream::STREAM).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamSettings {
    /// What acknowledgements do to what is stored.
    pub retention: Retention,
    /// What happens when more is stored than may be.
    pub discard: Discard,
    /// Most messages.
    pub max_messages: Option<u32>,
    /// Most bytes.
    pub max_bytes: Option<Size>,
    /// Longest time.
    pub max_age: Option<Span>,
    /// How long identifiers of messages are known; zero knows none.
    pub dedup_window: Span,
}

/// What acknowledgements do to what is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    /// Nothing: only limits remove messages.
    Limits,
    /// What all consumers are done with is removed; what nobody wants is not even stored.
    Interest,
    /// The same, and what nobody wants is stored for whoever may come. JetStream allows a work queue one consumer.
    WorkQueue,
}

/// What happens when more is stored than may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discard {
    /// The oldest is removed.
    Old,
    /// The newcomer is rejected.
    New,
}

/// What happened that nobody asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamReport<M> {
    /// A message was removed before a consumer was handed it.
    Missed {
        /// The message.
        message: M,
        /// When it was published.
        published: Time,
        /// Which consumer, by its place in the list that the stream was made with.
        consumer: u32,
        /// Why.
        why: Removal,
    },
    /// A message that came back from a member of a consumer is not there any more: it was removed meanwhile.
    Gone {
        /// Which consumer.
        consumer: u32,
    },
    /// A consumer will not be handed a message again; the stream keeps it.
    GivenUp {
        /// The message.
        message: M,
        /// When it was published.
        published: Time,
        /// Which consumer, by its place in the list that the stream was made with.
        consumer: u32,
        /// Why.
        why: GivenUp,
    },
}

/// Why a message was removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Removal {
    /// There was too much.
    Discarded,
    /// It was too old.
    Expired,
}

/// Why a consumer will not be handed a message again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GivenUp {
    /// It was handed out as often as may be. The stream keeps it, whatever its retention.
    Exhausted,
    /// A member refused it for ever. For the retention it is done.
    Terminated,
}

/// What a stream has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamCounts {
    /// Messages that were accepted, duplicates apart.
    pub published: u64,
    /// Messages that were not.
    pub rejected: u64,
    /// Messages that were known already.
    pub duplicates: u64,
    /// Messages that nobody wanted, and that were not stored.
    pub unwanted: u64,
    /// Messages that were removed because all consumers were done with them.
    pub done: u64,
    /// Messages that were removed because there was too much, whoever was done with them.
    pub discarded: u64,
    /// Messages that were removed because of their age, whoever was done with them.
    pub expired: u64,
}

/// What one consumer of a stream has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConsumerCounts {
    /// Messages that were handed out, each time counted.
    pub deliveries: u64,
    /// Those of them that were not the first.
    pub redeliveries: u64,
    /// Leases that lapsed.
    pub lapsed: u64,
    /// Messages that are done, those of late acknowledgements included.
    pub acknowledged: u64,
    /// Acknowledgements of leases that had ended but still counted.
    pub late: u64,
    /// Messages that were handed out as often as may be.
    pub exhausted: u64,
    /// Messages that a member refused for ever.
    pub terminated: u64,
    /// Messages that were removed before they were handed out, or could be again.
    pub missed: u64,
}

/// No place.
const NONE: u32 = u32::MAX;

/// See the module. `M` is whatever the caller keeps of a message.
#[derive(Clone, Debug)]
pub struct MessageStream<M> {
    settings: StreamSettings,
    store: Store<M>,
    consumers: Vec<Consumer>,
    /// Consumers that have read everything.
    caught_up: Vec<u32>,
    dedup: Dedup,
    /// Messages that were stored since the beginning.
    appended: u64,
    counts: StreamCounts,
}

/// What is stored, in order.
#[derive(Clone, Debug)]
struct Store<M> {
    slots: Vec<Stored<M>>,
    free: Vec<u32>,
    first: u32,
    last: u32,
    messages: u32,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Stored<M> {
    message: M,
    bytes: u64,
    published: Time,
    /// Which message this is; zero when the place is free.
    sequence: u64,
    /// Consumers that are not done with it.
    unfinished: u32,
    prev: u32,
    next: u32,
}

#[derive(Clone, Debug)]
struct Consumer {
    leases: Leases<Reference>,
    /// The place of the first message that it has not read.
    next: u32,
    /// How many it has read or missed before.
    passed: u64,
    counts: ConsumerCounts,
}

/// A message in the store, if it is still there.
#[derive(Clone, Copy, Debug)]
struct Reference {
    place: u32,
    sequence: u64,
}

impl<M: Copy> Store<M> {
    fn push(&mut self, mut stored: Stored<M>) -> u32 {
        (stored.prev, stored.next) = (self.last, NONE);
        self.messages += 1;
        self.bytes += stored.bytes;
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = stored;
                place
            }
            None => {
                self.slots.push(stored);
                u32::try_from(self.slots.len() - 1).expect("fewer than 2³² messages are stored")
            }
        };
        match self.last {
            NONE => self.first = place,
            last => self.slots[last as usize].next = place,
        }
        self.last = place;
        place
    }

    fn remove(&mut self, place: u32) -> Stored<M> {
        let stored = self.slots[place as usize];
        match stored.prev {
            NONE => self.first = stored.next,
            prev => self.slots[prev as usize].next = stored.next,
        }
        match stored.next {
            NONE => self.last = stored.prev,
            next => self.slots[next as usize].prev = stored.prev,
        }
        self.slots[place as usize].sequence = 0;
        self.free.push(place);
        self.messages -= 1;
        self.bytes -= stored.bytes;
        stored
    }

    fn get(&self, reference: Reference) -> Option<&Stored<M>> {
        let stored = &self.slots[reference.place as usize];
        (stored.sequence == reference.sequence).then_some(stored)
    }

    fn first(&self) -> Option<&Stored<M>> {
        self.slots.get(self.first as usize)
    }
}

impl<M: Copy> MessageStream<M> {
    /// An empty stream. Consumers are named by their place in the list.
    pub fn new(settings: StreamSettings, consumers: &[LeaseSettings]) -> MessageStream<M> {
        let consumer = |settings: &LeaseSettings| Consumer {
            leases: Leases::new(settings.clone()),
            next: NONE,
            passed: 0,
            counts: ConsumerCounts::default(),
        };
        MessageStream {
            settings,
            store: Store { slots: Vec::new(), free: Vec::new(), first: NONE, last: NONE, messages: 0, bytes: 0 },
            caught_up: (0..).take(consumers.len()).collect(),
            consumers: consumers.iter().map(consumer).collect(),
            dedup: Dedup::new(settings.dedup_window),
            appended: 0,
            counts: StreamCounts::default(),
        }
    }

    /// A message arrives. With an `id` that was stored within the window it is a duplicate.
    pub fn publish(
        &mut self,
        now: Time,
        message: M,
        size: Size,
        id: Option<u64>,
        reports: &mut Vec<StreamReport<M>>,
    ) -> Published {
        if id.is_some_and(|id| self.dedup.knows(now, id)) {
            self.counts.duplicates += 1;
            return Published::Duplicate;
        }
        let bytes = size.as_bytes();
        let max_messages = self.settings.max_messages.unwrap_or(u32::MAX);
        let max_bytes = self.settings.max_bytes.map_or(u64::MAX, Size::as_bytes);
        if self.settings.discard == Discard::New
            && (self.store.messages >= max_messages || self.store.bytes.saturating_add(bytes) > max_bytes)
        {
            self.counts.rejected += 1;
            return Published::Rejected;
        }
        if let Some(id) = id {
            self.dedup.learn(now, id);
        }
        self.counts.published += 1;
        if self.settings.retention == Retention::Interest && self.consumers.is_empty() {
            self.counts.unwanted += 1;
            return Published::Accepted;
        }
        self.appended += 1;
        let place = self.store.push(Stored {
            message,
            bytes,
            published: now,
            sequence: self.appended,
            unfinished: u32::try_from(self.consumers.len()).expect("few"),
            prev: NONE,
            next: NONE,
        });
        for consumer in self.caught_up.drain(..) {
            self.consumers[consumer as usize].next = place;
        }
        while self.store.messages > max_messages || self.store.bytes > max_bytes {
            self.remove_first(Removal::Discarded, reports);
        }
        Published::Accepted
    }

    /// Hands out up to `max` messages to a member of `consumer`, as far as the limits allow. How many were appended.
    pub fn take(
        &mut self,
        now: Time,
        consumer: u32,
        member: Member,
        max: u32,
        deliveries: &mut Vec<Delivery<M>>,
        reports: &mut Vec<StreamReport<M>>,
    ) -> u32 {
        let it = &mut self.consumers[consumer as usize];
        let room = it.leases.room(member);
        let (most, mut fresh) = (room.all.min(max), room.fresh);
        let mut taken = 0;
        while taken < most {
            let passed = if fresh == 0 { u64::MAX } else { it.passed };
            let (reference, granted) = match it.leases.first_returned(passed) {
                Some((place, reference)) if self.store.get(reference).is_some() => {
                    (reference, it.leases.grant_again(now, member, place))
                }
                Some((place, _)) => {
                    it.leases.forget_returned(place);
                    it.counts.missed += 1;
                    reports.push(StreamReport::Gone { consumer });
                    fresh = it.leases.room(member).fresh;
                    continue;
                }
                None if it.next == NONE || fresh == 0 => break,
                None => {
                    let reference = Reference { place: it.next, sequence: self.store.slots[it.next as usize].sequence };
                    fresh -= 1;
                    it.passed += 1;
                    it.next = self.store.slots[it.next as usize].next;
                    if it.next == NONE {
                        self.caught_up.push(consumer);
                    }
                    (reference, it.leases.grant(now, member, reference))
                }
            };
            let stored = &self.store.slots[reference.place as usize];
            deliveries.push(Delivery {
                lease: granted.lease,
                message: stored.message,
                published: stored.published,
                deliveries: granted.deliveries,
            });
            taken += 1;
        }
        taken
    }

    /// How many messages a member of `consumer` would be handed now; those count that will be found missing.
    pub fn takeable(&self, consumer: u32, member: Member) -> u32 {
        let room = self.consumers[consumer as usize].leases.room(member);
        let unread = u32::try_from(self.unread(consumer)).unwrap_or(u32::MAX);
        room.all.min(self.returned(consumer).saturating_add(room.fresh.min(unread)))
    }

    /// A member of `consumer` is done with a message.
    pub fn ack(&mut self, consumer: u32, lease: LeaseId) -> Acked {
        let it = &mut self.consumers[consumer as usize];
        let (acked, ended) = it.leases.ack(lease);
        if let Some((reference, _)) = ended {
            it.counts.acknowledged += 1;
            it.counts.late += u64::from(acked == Acked::Late);
            self.finish(reference);
        }
        acked
    }

    /// A member of `consumer` refuses a message; `false` when its lease has ended, which changes nothing.
    pub fn refuse(
        &mut self,
        now: Time,
        consumer: u32,
        lease: LeaseId,
        refusal: Refusal,
        reports: &mut Vec<StreamReport<M>>,
    ) -> bool {
        let item = self.consumers[consumer as usize].leases.item(lease);
        let appended = self.appended;
        let is_held =
            self.come_back(consumer, reports, |leases, tell| leases.refuse(now, lease, refusal, appended, tell));
        if refusal == Refusal::Dead
            && let Some(reference) = item
        {
            self.finish(reference);
        }
        is_held
    }

    /// A member is working on it: the time of its lease begins anew. `false` when that has ended.
    pub fn extend(&mut self, now: Time, consumer: u32, lease: LeaseId) -> bool {
        self.consumers[consumer as usize].leases.extend(now, lease)
    }

    /// Whether a lease is held.
    pub fn is_held(&self, consumer: u32, lease: LeaseId) -> bool {
        self.consumers[consumer as usize].leases.is_held(lease)
    }

    /// A member of `consumer` has died or left.
    pub fn member_gone(&mut self, now: Time, consumer: u32, member: Member, reports: &mut Vec<StreamReport<M>>) {
        let appended = self.appended;
        self.come_back(consumer, reports, |leases, tell| leases.member_gone(now, member, appended, tell));
    }

    /// When [`MessageStream::tick`] wants to be called, if nothing else happens. Ask again after every call.
    pub fn wake_at(&self) -> Option<Time> {
        let age = self.settings.max_age.zip(self.store.first()).map(|(age, first)| first.published + age);
        let age = age.filter(|expires| *expires < Time::MAX);
        self.consumers.iter().filter_map(|consumer| consumer.leases.wake_at()).chain(age).min()
    }

    /// Time has come: messages expire, leases lapse, delays end.
    pub fn tick(&mut self, now: Time, reports: &mut Vec<StreamReport<M>>) {
        while let Some(age) = self.settings.max_age
            && self.store.first().is_some_and(|first| first.published + age <= now)
        {
            self.remove_first(Removal::Expired, reports);
        }
        let appended = self.appended;
        for consumer in (0..).take(self.consumers.len()) {
            self.come_back(consumer, reports, |leases, tell| leases.tick(now, appended, tell));
        }
    }

    /// How many consumers it has.
    pub fn consumers(&self) -> u32 {
        self.consumers.len() as u32
    }

    /// Messages in the stream.
    pub fn stored(&self) -> u32 {
        self.store.messages
    }

    /// Their bytes.
    pub fn bytes(&self) -> Size {
        Size::from_bytes(self.store.bytes)
    }

    /// When the oldest message in the stream was published.
    pub fn oldest_stored(&self) -> Option<Time> {
        self.store.first().map(|first| first.published)
    }

    /// Messages that `consumer` was never handed.
    pub fn unread(&self, consumer: u32) -> u64 {
        self.appended - self.consumers[consumer as usize].passed
    }

    /// The message that was stored first of all with which `consumer` is not done.
    pub fn oldest(&self, consumer: u32) -> Option<M> {
        let it = &self.consumers[consumer as usize];
        let read = it.leases.by_age().find_map(|reference| self.store.get(reference));
        read.or_else(|| self.store.slots.get(it.next as usize)).map(|stored| stored.message)
    }

    /// Messages that came back to `consumer` and are ready again.
    pub fn returned(&self, consumer: u32) -> u32 {
        self.consumers[consumer as usize].leases.tally.returned
    }

    /// Messages that came back to `consumer` and wait.
    pub fn delayed(&self, consumer: u32) -> u32 {
        self.consumers[consumer as usize].leases.tally.delayed
    }

    /// Messages that members of `consumer` hold.
    pub fn leased(&self, consumer: u32) -> u32 {
        self.consumers[consumer as usize].leases.tally.leased
    }

    /// Messages that one of its members holds.
    pub fn held_by(&self, consumer: u32, member: Member) -> u32 {
        self.consumers[consumer as usize].leases.held_by(member)
    }

    /// What the stream has counted since the beginning.
    pub fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// What `consumer` has counted since the beginning.
    pub fn consumer_counts(&self, consumer: u32) -> ConsumerCounts {
        let it = &self.consumers[consumer as usize];
        let tally = it.leases.tally;
        ConsumerCounts {
            deliveries: tally.deliveries,
            redeliveries: tally.redeliveries,
            lapsed: tally.lapsed,
            ..it.counts
        }
    }

    /// Whether every message that was accepted is somewhere, in the store and for each consumer.
    pub fn is_conserved(&self) -> bool {
        let StreamCounts { published, unwanted, done, discarded, expired, .. } = self.counts;
        let is_stored = published == u64::from(self.store.messages) + done + unwanted + discarded + expired;
        let is_seen = |consumer: u32| {
            let ConsumerCounts { acknowledged, exhausted, terminated, missed, .. } = self.consumer_counts(consumer);
            let open = u64::from(self.leased(consumer) + self.returned(consumer) + self.delayed(consumer));
            self.appended == self.unread(consumer) + open + acknowledged + exhausted + terminated + missed
        };
        is_stored && published == self.appended + unwanted && (0..).take(self.consumers.len()).all(is_seen)
    }

    /// A consumer is done with a message.
    fn finish(&mut self, reference: Reference) {
        let Reference { place, sequence } = reference;
        let stored = &mut self.store.slots[place as usize];
        if stored.sequence != sequence {
            return;
        }
        stored.unfinished -= 1;
        if stored.unfinished == 0 && self.settings.retention != Retention::Limits {
            self.store.remove(place);
            self.counts.done += 1;
        }
    }

    fn remove_first(&mut self, why: Removal, reports: &mut Vec<StreamReport<M>>) {
        let place = self.store.first;
        let Stored { message, published, next, .. } = self.store.remove(place);
        for (index, consumer) in (0..).zip(&mut self.consumers).filter(|(_, consumer)| consumer.next == place) {
            consumer.next = next;
            consumer.passed += 1;
            consumer.counts.missed += 1;
            reports.push(StreamReport::Missed { message, published, consumer: index, why });
            if next == NONE {
                self.caught_up.push(index);
            }
        }
        match why {
            Removal::Discarded => self.counts.discarded += 1,
            Removal::Expired => self.counts.expired += 1,
        }
    }

    /// Lets the leases of a consumer change, and sees to what comes back.
    fn come_back<R>(
        &mut self,
        consumer: u32,
        reports: &mut Vec<StreamReport<M>>,
        change: impl FnOnce(&mut Leases<Reference>, &mut dyn FnMut(Back<Reference>)) -> R,
    ) -> R {
        let MessageStream { store, consumers, .. } = self;
        let Consumer { leases, counts, .. } = &mut consumers[consumer as usize];
        let mut give_up = |reference: Reference, why: GivenUp| {
            let Some(stored) = store.get(reference) else {
                counts.missed += 1;
                reports.push(StreamReport::Gone { consumer });
                return;
            };
            match why {
                GivenUp::Exhausted => counts.exhausted += 1,
                GivenUp::Terminated => counts.terminated += 1,
            }
            reports.push(StreamReport::GivenUp { message: stored.message, published: stored.published, consumer, why });
        };
        change(leases, &mut |back| match back {
            Back::Spent(reference) => give_up(reference, GivenUp::Exhausted),
            Back::Dead(reference) => give_up(reference, GivenUp::Terminated),
            Back::Ready(_) | Back::Closed(_) => {}
        })
    }
}
