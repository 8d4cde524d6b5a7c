//! Queues with leases against a plain oracle: one list of messages, in which everything is looked for from the start.

use brownout::base::time::{Span, Time};
use brownout::base::units::Size;
use brownout::mechanism::broker::queue::{
    Acked, BackTo, DeadLetters, DelayedReturns, Delivery, Lapse, LateAck, LeaseId, LeaseSettings, Member, MessageQueue,
    MessageStream, Overflow, Published, QueueSettings, Reason, Refusal, Report, Retention, RetryDelay, StreamSettings,
    jetstream,
};
use proptest::prelude::*;

const MEMBERS: u32 = 3;

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Ready,
    Leased { member: u32, due: Time, wait: usize, started: u64 },
    Delayed { due: Time, since: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Message {
    id: u32,
    bytes: u64,
    expires: Time,
    state: State,
    deliveries: u32,
    failed: u32,
    /// The order of the delivery that it is in.
    delivered: u64,
    /// Where it stands among those that are ready.
    place: u64,
}

/// All messages that are in the queue.
struct Oracle {
    settings: QueueSettings,
    messages: Vec<Message>,
    sequence: u64,
    left: Vec<(u32, Reason)>,
    closed: Vec<u32>,
}

impl Oracle {
    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn ready(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.state == State::Ready)
    }

    fn leased(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| matches!(message.state, State::Leased { .. }))
    }

    fn delayed(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| matches!(message.state, State::Delayed { .. }))
    }

    fn held_by(&self, of: u32) -> u32 {
        self.leased().filter(|it| matches!(it.state, State::Leased { member, .. } if member == of)).count() as u32
    }

    fn of(&mut self, id: u32) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    fn head(&self) -> Option<Message> {
        self.ready().min_by_key(|message| message.place).copied()
    }

    fn leave(&mut self, id: u32, reason: Reason) {
        self.messages.retain(|message| message.id != id);
        self.left.push((id, reason));
    }

    fn is_too_long(&self, more: u64, more_bytes: u64) -> bool {
        let messages = self.ready().count() as u64 + more;
        let bytes: u64 = self.ready().map(|message| message.bytes).sum::<u64>() + more_bytes;
        self.settings.max_messages.is_some_and(|most| messages > u64::from(most))
            || self.settings.max_bytes.is_some_and(|most| bytes > most.as_bytes())
    }

    fn drop_heads(&mut self) {
        while self.settings.overflow == Overflow::DropHead && self.is_too_long(0, 0) {
            let head = self.head().unwrap();
            self.leave(head.id, Reason::Length);
        }
    }

    fn expire(&mut self, is_over: impl Fn(Time) -> bool) {
        while let Some(head) = self.head()
            && is_over(head.expires)
        {
            self.leave(head.id, Reason::Expired);
        }
    }

    fn publish(&mut self, now: Time, id: u32, bytes: u64, ttl: Option<Span>) -> Published {
        if self.settings.overflow == Overflow::RejectPublish && self.is_too_long(1, bytes) {
            return Published::Rejected;
        }
        let ttl = self.settings.ttl.into_iter().chain(ttl).min();
        let expires = ttl.map_or(Time::MAX, |ttl| now + ttl);
        let place = self.next();
        let message =
            Message { id, bytes, expires, state: State::Ready, deliveries: 0, failed: 0, delivered: 0, place };
        self.messages.push(message);
        self.drop_heads();
        Published::Accepted
    }

    /// The next message for a member, if he may have one.
    fn take_one(&mut self, now: Time, member: u32) -> Option<(u32, u32)> {
        let rules = self.settings.leases.clone();
        if rules.per_member.is_some_and(|most| self.held_by(member) >= most) {
            return None;
        }
        let again = self.ready().filter(|message| message.deliveries > 0).count() as u32;
        let in_flight = (self.leased().count() + self.delayed().count()) as u32;
        let is_full = |in_flight: u32| rules.in_flight.is_some_and(|most| in_flight >= most);
        let message = if rules.in_flight_keeps_returned && is_full(in_flight + again) {
            let first = self.ready().filter(|it| it.deliveries > 0).min_by_key(|it| it.place).copied()?;
            if first.expires < now {
                self.leave(first.id, Reason::Expired);
                return self.take_one(now, member);
            }
            first
        } else {
            if is_full(in_flight) {
                return None;
            }
            let head = self.head()?;
            if head.expires < now {
                self.leave(head.id, Reason::Expired);
                return self.take_one(now, member);
            }
            head
        };
        let (started, delivered) = (self.next(), self.next());
        let it = self.of(message.id).unwrap();
        (it.deliveries, it.delivered) = (it.deliveries + 1, delivered);
        it.state = State::Leased { member, due: Time::MAX, wait: 0, started };
        let deliveries = it.deliveries;
        self.start(now, message.id);
        Some((message.id, deliveries))
    }

    fn start(&mut self, now: Time, id: u32) {
        let started = self.next();
        let LeaseSettings { waits, check_every, .. } = self.settings.leases.clone();
        let it = self.of(id).unwrap();
        let wait = (it.deliveries as usize - 1).min(waits.len().saturating_sub(1));
        let due = waits.get(wait).map_or(Time::MAX, |wait| now + *wait).as_nanos();
        let every = check_every.as_nanos().max(1);
        let State::Leased { member, .. } = it.state else { panic!("it is leased") };
        it.state =
            State::Leased { member, due: Time::from_nanos(due.div_ceil(every).saturating_mul(every)), wait, started };
    }

    fn is_held(&self, id: u32, delivery: u32) -> bool {
        self.leased().any(|message| message.id == id && message.deliveries == delivery)
    }

    fn ack(&mut self, id: u32, delivery: u32) -> Acked {
        let Some(it) = self.messages.iter().find(|message| message.id == id) else { return Acked::Stale };
        let is_open = matches!(it.state, State::Leased { .. });
        let is_late = match self.settings.leases.late_ack {
            LateAck::Ignored => false,
            LateAck::UntilRedelivered => !is_open && it.deliveries == delivery,
            LateAck::Accepted => true,
        };
        let acked = match () {
            () if self.is_held(id, delivery) => Acked::Held,
            () if is_late => Acked::Late,
            () => return Acked::Stale,
        };
        self.messages.retain(|message| message.id != id);
        acked
    }

    fn give_back(&mut self, now: Time, id: u32, is_failure: bool, later: Option<Span>) {
        let (rules, since) = (self.settings.leases.clone(), self.next());
        let it = self.of(id).unwrap();
        it.failed += u32::from(is_failure);
        if is_failure && rules.deliveries == Some(it.failed) {
            return self.leave(id, Reason::DeliveryLimit);
        }
        let delay = rules.delay.filter(|delay| match delay.which {
            DelayedReturns::All => true,
            DelayedReturns::Failed => is_failure,
            DelayedReturns::Uncounted => !is_failure,
        });
        let nth = u64::from(it.deliveries);
        let delay = delay.map(|delay| Span::from_nanos(delay.min.as_nanos() * nth).min(delay.max));
        match later.or(delay).unwrap_or(Span::ZERO) {
            Span::ZERO => self.make_ready(id),
            delay => it.state = State::Delayed { due: now + delay, since },
        }
    }

    fn make_ready(&mut self, id: u32) {
        let end = self.next();
        let is_end = self.settings.leases.back_to == BackTo::End;
        let it = self.of(id).unwrap();
        it.state = State::Ready;
        if is_end {
            it.place = end;
        }
    }

    fn refuse(&mut self, now: Time, id: u32, delivery: u32, refusal: Refusal) -> bool {
        let is_held = self.is_held(id, delivery);
        let counts = self.settings.leases.nack_counts;
        match refusal {
            _ if !is_held => {}
            Refusal::Dead => self.leave(id, Reason::Rejected),
            Refusal::Nack => self.give_back(now, id, counts, None),
            Refusal::Reject => self.give_back(now, id, true, None),
            Refusal::Later(delay) => self.give_back(now, id, counts, Some(delay)),
        }
        self.drop_heads();
        is_held
    }

    fn held(&self, of: u32) -> Vec<u32> {
        let is_his = |it: &&Message| matches!(it.state, State::Leased { member, .. } if member == of);
        let mut held: Vec<Message> = self.leased().filter(is_his).copied().collect();
        held.sort_by_key(|message| message.delivered);
        held.iter().map(|message| message.id).collect()
    }

    fn gone(&mut self, now: Time, member: u32) {
        for id in self.held(member) {
            if self.settings.leases.outlive_member {
                let it = self.of(id).unwrap();
                let State::Leased { due, wait, started, .. } = it.state else { panic!("it is leased") };
                it.state = State::Leased { member: u32::MAX, due, wait, started };
            } else {
                self.give_back(now, id, true, None);
            }
        }
        self.drop_heads();
    }

    fn first_due(&self) -> Option<(Time, usize, u64, u32, u32)> {
        let due = self.leased().filter_map(|message| match message.state {
            State::Leased { due, wait, started, member } if due < Time::MAX => {
                Some((due, wait, started, message.id, member))
            }
            _ => None,
        });
        due.min()
    }

    /// Of those that become ready together, first the one that came back first.
    fn first_delayed(&self) -> Option<(Time, u64, u32)> {
        let due = self.delayed().filter_map(|message| match message.state {
            State::Delayed { due, since } => Some((due, since, message.id)),
            _ => None,
        });
        due.min()
    }

    fn wake_at(&self) -> Option<Time> {
        let expiry = self.head().map(|head| head.expires).filter(|expires| *expires < Time::MAX);
        let times = [expiry, self.first_due().map(|it| it.0), self.first_delayed().map(|it| it.0)];
        times.into_iter().flatten().min()
    }

    fn tick(&mut self, now: Time) {
        let counts = self.settings.leases.lapse_counts;
        while let Some((_, _, _, id, member)) = self.first_due().filter(|first| first.0 <= now) {
            if self.settings.leases.lapse == Lapse::Member && member != u32::MAX {
                self.held(member).iter().for_each(|id| self.give_back(now, *id, counts, None));
                self.closed.push(member);
            } else {
                self.give_back(now, id, counts, None);
            }
        }
        while let Some((_, _, id)) = self.first_delayed().filter(|first| first.0 <= now) {
            self.make_ready(id);
        }
        self.drop_heads();
        self.expire(|expires| expires <= now);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish { bytes: u64, ttl: Option<u64> },
    Take { member: u32, max: u32 },
    Ack(usize),
    Refuse(usize, Refusal),
    Extend(usize),
    Gone(u32),
    Wait(u64),
}

fn nanos(nanos: u64) -> Span {
    Span::from_nanos(nanos)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let refusal = prop_oneof![
        3 => Just(Refusal::Nack),
        3 => Just(Refusal::Reject),
        2 => (0u64..9).prop_map(|delay| Refusal::Later(nanos(delay))),
        1 => Just(Refusal::Dead),
    ];
    // The last few deliveries are answered most.
    let which = prop_oneof![4 => 0usize..5, 1 => 0usize..40];
    let step = prop_oneof![
        8 => (0u64..10, proptest::option::of(0u64..15)).prop_map(|(bytes, ttl)| Step::Publish { bytes, ttl }),
        6 => (0..MEMBERS, 1u32..5).prop_map(|(member, max)| Step::Take { member, max }),
        4 => which.clone().prop_map(Step::Ack),
        4 => (which.clone(), refusal).prop_map(|(which, refusal)| Step::Refuse(which, refusal)),
        1 => which.prop_map(Step::Extend),
        1 => (0..MEMBERS).prop_map(Step::Gone),
        4 => (0u64..8).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..150)
}

prop_compose! {
    fn leases()(
        waits in prop_oneof![Just(vec![]), Just(vec![5]), Just(vec![3, 7, 2])],
        check_every in prop_oneof![Just(0u64), Just(4)],
        lapse in prop_oneof![Just(Lapse::Message), Just(Lapse::Member)],
        late_ack in prop_oneof![Just(LateAck::Ignored), Just(LateAck::UntilRedelivered), Just(LateAck::Accepted)],
        limits in (proptest::option::of(1u32..4), proptest::option::of(1u32..6), proptest::option::of(1u32..4), proptest::option::of(1u32..4)),
        flags in any::<(bool, bool, bool, bool)>(),
        which in prop_oneof![Just(DelayedReturns::All), Just(DelayedReturns::Failed), Just(DelayedReturns::Uncounted)],
        delay in proptest::option::of((0u64..3, 0u64..6)),
        back_to in prop_oneof![Just(BackTo::Place), Just(BackTo::End)],
    ) -> LeaseSettings {
        LeaseSettings {
            waits: waits.into_iter().map(nanos).collect(),
            check_every: nanos(check_every),
            lapse,
            outlive_member: flags.0,
            late_ack,
            per_member: limits.0,
            in_flight: limits.1,
            in_flight_keeps_returned: flags.1,
            batch: limits.2,
            deliveries: limits.3,
            nack_counts: flags.2,
            lapse_counts: flags.3,
            delay: delay.map(|(min, max)| RetryDelay { which, min: nanos(min), max: nanos(max) }),
            back_to,
        }
    }
}

prop_compose! {
    fn queues()(
        leases in leases(),
        max_messages in proptest::option::of(0u32..8),
        max_bytes in proptest::option::of((0u64..40).prop_map(Size::from_bytes)),
        overflow in prop_oneof![Just(Overflow::DropHead), Just(Overflow::RejectPublish)],
        ttl in proptest::option::of((0u64..20).prop_map(nanos)),
        dead_letters in prop_oneof![Just(DeadLetters::Nothing), Just(DeadLetters::Spent), Just(DeadLetters::All)],
    ) -> QueueSettings {
        QueueSettings { leases, max_messages, max_bytes, overflow, ttl, dead_letters }
    }
}

/// The queue and the oracle side by side.
struct Pair {
    queue: MessageQueue<u32>,
    oracle: Oracle,
    reports: Vec<Report<u32>>,
    given: Vec<(LeaseId, u32, u32)>,
    now: Time,
}

impl Pair {
    fn new(settings: QueueSettings) -> Pair {
        let queue = MessageQueue::new(settings.clone());
        let oracle = Oracle { settings, messages: vec![], sequence: 0, left: vec![], closed: vec![] };
        Pair { queue, oracle, reports: vec![], given: vec![], now: Time::ZERO }
    }

    fn given(&self, back: usize) -> Option<(LeaseId, u32, u32)> {
        self.given.len().checked_sub(back + 1).map(|index| self.given[index])
    }

    fn step(&mut self, number: u32, step: Step) {
        let (queue, oracle, now) = (&mut self.queue, &mut self.oracle, self.now);
        match step {
            Step::Publish { bytes, ttl } => {
                let ttl = ttl.map(nanos);
                let found = queue.publish(now, number, Size::from_bytes(bytes), ttl, &mut self.reports);
                assert_eq!(found, oracle.publish(now, number, bytes, ttl));
            }
            Step::Take { member, max } => {
                let mut taken = vec![];
                let count = queue.take(now, Member(member), max, &mut taken, &mut self.reports);
                let most = max.min(oracle.settings.leases.batch.unwrap_or(u32::MAX));
                let expected: Vec<(u32, u32)> = (0..most).map_while(|_| oracle.take_one(now, member)).collect();
                let found: Vec<(u32, u32)> = taken.iter().map(|it| (it.message, it.deliveries)).collect();
                assert_eq!((found, count as usize), (expected, taken.len()));
                self.given.extend(taken.iter().map(|it| (it.lease, it.message, it.deliveries)));
            }
            Step::Ack(back) => {
                let Some((lease, id, delivery)) = self.given(back) else { return };
                assert_eq!(self.queue.ack(lease), self.oracle.ack(id, delivery));
            }
            Step::Refuse(back, refusal) => {
                let Some((lease, id, delivery)) = self.given(back) else { return };
                let found = self.queue.refuse(now, lease, refusal, &mut self.reports);
                assert_eq!(found, self.oracle.refuse(now, id, delivery, refusal));
            }
            Step::Extend(back) => {
                let Some((lease, id, delivery)) = self.given(back) else { return };
                let is_held = self.oracle.is_held(id, delivery);
                assert_eq!(self.queue.extend(now, lease), is_held);
                if is_held {
                    self.oracle.start(now, id);
                }
            }
            Step::Gone(member) => {
                queue.member_gone(now, Member(member), &mut self.reports);
                oracle.gone(now, member);
            }
            Step::Wait(length) => {
                let end = now + nanos(length);
                while let Some(wake) = self.queue.wake_at().filter(|wake| *wake <= end) {
                    self.now = wake.max(self.now);
                    self.queue.tick(self.now, &mut self.reports);
                    self.oracle.tick(self.now);
                    self.look();
                }
                self.now = end;
            }
        }
        self.look();
    }

    fn look(&self) {
        let (queue, oracle) = (&self.queue, &self.oracle);
        assert!(queue.is_conserved(), "{:?}", queue.counts());
        let found = (queue.ready(), queue.leased() as usize, queue.delayed() as usize);
        assert_eq!(found, (oracle.ready().count(), oracle.leased().count(), oracle.delayed().count()));
        assert_eq!(queue.bytes().as_bytes(), oracle.messages.iter().map(|it| it.bytes).sum::<u64>());
        assert_eq!(queue.ready_bytes().as_bytes(), oracle.ready().map(|it| it.bytes).sum::<u64>());
        assert_eq!(queue.wake_at(), oracle.wake_at());
        let (mut left, mut closed) = (vec![], vec![]);
        for report in &self.reports {
            match report {
                Report::Left { message, reason, is_dead_letter, .. } => {
                    let is_kept = match oracle.settings.dead_letters {
                        DeadLetters::Nothing => false,
                        DeadLetters::Spent => *reason == Reason::DeliveryLimit,
                        DeadLetters::All => true,
                    };
                    assert_eq!(*is_dead_letter, is_kept);
                    left.push((*message, *reason));
                }
                Report::Closed(member) => closed.push(member.0),
            }
        }
        assert_eq!((&left, &closed), (&oracle.left, &oracle.closed));
        let rules = &oracle.settings.leases;
        for member in 0..MEMBERS {
            assert_eq!(queue.held_by(Member(member)), oracle.held_by(member));
            assert!(rules.per_member.is_none_or(|most| queue.held_by(Member(member)) <= most));
        }
        let is_again = |it: &&Message| rules.in_flight_keeps_returned && it.deliveries > 0;
        let in_flight = oracle.leased().count() + oracle.delayed().count() + oracle.ready().filter(is_again).count();
        assert!(rules.in_flight.is_none_or(|most| in_flight <= most as usize), "{in_flight} are in flight");
        for message in &oracle.messages {
            let is_counted = rules.nack_counts && rules.lapse_counts;
            assert!(rules.deliveries.is_none_or(|most| !is_counted || message.deliveries <= most));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_answers_as_a_plain_list_does(settings in queues(), steps in steps()) {
        let mut pair = Pair::new(settings);
        for (number, step) in (0..).zip(steps) {
            pair.step(number, step);
        }
    }

    /// Without limits of its own, a work queue with one consumer is a queue.
    #[test]
    fn a_work_queue_answers_as_a_queue_does(mut leases in leases(), steps in steps()) {
        // A stream closes nobody.
        leases.lapse = Lapse::Message;
        let mut queue = MessageQueue::new(QueueSettings { leases: leases.clone(), ..QueueSettings::IDEAL });
        let work_queue = StreamSettings { retention: Retention::WorkQueue, ..jetstream::STREAM };
        let mut stream = MessageStream::new(work_queue, &[leases]);
        let (mut reports, mut others) = (vec![], vec![]);
        let mut given: Vec<(Delivery<u32>, Delivery<u32>)> = vec![];
        let mut now = Time::ZERO;
        for (number, step) in (0u32..).zip(steps) {
            let back = |back: usize| given.len().checked_sub(back + 1).map(|index| given[index]);
            match step {
                Step::Publish { bytes, .. } => {
                    let size = Size::from_bytes(bytes);
                    let found = stream.publish(now, number, size, None, &mut others);
                    assert_eq!(found, queue.publish(now, number, size, None, &mut reports));
                }
                Step::Take { member, max } => {
                    let member = Member(member);
                    assert_eq!(stream.takeable(0, member), queue.takeable(member));
                    let expected = queue.takeable(member).min(max);
                    let (mut these, mut those) = (vec![], vec![]);
                    assert_eq!(queue.take(now, member, max, &mut these, &mut reports), expected);
                    assert_eq!(stream.take(now, 0, member, max, &mut those, &mut Vec::new()), expected);
                    let plain = |it: &Delivery<u32>| (it.message, it.published, it.deliveries);
                    assert_eq!(these.iter().map(plain).collect::<Vec<_>>(), those.iter().map(plain).collect::<Vec<_>>());
                    given.extend(these.into_iter().zip(those));
                }
                Step::Ack(which) => {
                    let Some((this, that)) = back(which) else { continue };
                    assert_eq!(stream.ack(0, that.lease), queue.ack(this.lease));
                }
                Step::Refuse(which, refusal) => {
                    let Some((this, that)) = back(which) else { continue };
                    let found = stream.refuse(now, 0, that.lease, refusal, &mut others);
                    assert_eq!(found, queue.refuse(now, this.lease, refusal, &mut reports));
                }
                Step::Extend(which) => {
                    let Some((this, that)) = back(which) else { continue };
                    assert_eq!(stream.extend(now, 0, that.lease), queue.extend(now, this.lease));
                }
                Step::Gone(member) => {
                    queue.member_gone(now, Member(member), &mut reports);
                    stream.member_gone(now, 0, Member(member), &mut others);
                }
                Step::Wait(length) => {
                    now = now + nanos(length);
                    queue.tick(now, &mut reports);
                    stream.tick(now, &mut others);
                }
            }
            assert!(stream.is_conserved() && queue.is_conserved());
            assert_eq!((stream.wake_at(), others.len()), (queue.wake_at(), reports.len()));
            assert_eq!(stream.consumer_counts(0).acknowledged, queue.counts().acknowledged);
            let exhausted = stream.consumer_counts(0).exhausted;
            let open = queue.ready() as u64 + u64::from(queue.leased() + queue.delayed());
            assert_eq!(u64::from(stream.stored()), open + exhausted, "what is exhausted stays");
        }
    }
}
