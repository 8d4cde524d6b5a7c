//! Queues with leases: the answers of RabbitMQ, JetStream and SQS, and streams with several consumers.

use brownout::base::time::{Span, Time};
use brownout::base::units::Size;
use brownout::mechanism::broker::queue::{
    Acked, BackTo, DelayedReturns, Delivery, Discard, GivenUp, LeaseSettings, Member, MessageQueue, MessageStream,
    Published, QueueSettings, Reason, Refusal, Removal, Report, Retention, RetryDelay, StreamReport, StreamSettings,
    jetstream, rabbitmq, sqs,
};
use serde_json::Value;

use super::vectors::{Waiting, count, list, number, pairs};

const ONE: Member = Member(0);
const TWO: Member = Member(1);
const NOTHING: Size = Size::ZERO;

fn at(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

fn span(secs: &Value) -> Span {
    Span::from_secs_f64(number(secs))
}

fn numbers(values: &Value) -> Vec<u32> {
    list(values).iter().map(count).collect()
}

/// A queue with its buffers.
struct Queue {
    it: MessageQueue<u32>,
    reports: Vec<Report<u32>>,
}

impl Queue {
    fn new(settings: QueueSettings) -> Queue {
        Queue { it: MessageQueue::new(settings), reports: Vec::new() }
    }

    fn publish(&mut self, now: Time, messages: impl IntoIterator<Item = u32>) -> Vec<Published> {
        let publish = |message| self.it.publish(now, message, NOTHING, None, &mut self.reports);
        messages.into_iter().map(publish).collect()
    }

    fn take(&mut self, now: Time, member: Member, max: u32) -> Vec<Delivery<u32>> {
        let mut taken = Vec::new();
        self.it.take(now, member, max, &mut taken, &mut self.reports);
        assert!(self.it.is_conserved());
        taken
    }

    fn left(&self) -> Vec<(u32, Reason, bool)> {
        let left = self.reports.iter().filter_map(|report| match report {
            Report::Left { message, reason, is_dead_letter, .. } => Some((*message, *reason, *is_dead_letter)),
            Report::Closed(_) => None,
        });
        left.collect()
    }
}

pub(super) fn delivery_limit(vector: &Value) -> Result<(), Waiting> {
    let limit = count(&vector["params"]["x-delivery-limit"]);
    assert_eq!(limit, rabbitmq::DELIVERY_LIMIT);
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut queue = Queue::new(rabbitmq::quorum());
        queue.publish(at(0), [1]);
        let mut deliveries = 0;
        while deliveries < 1_000
            && let [delivery] = queue.take(at(0), ONE, 1)[..]
        {
            deliveries += 1;
            assert_eq!(delivery.deliveries, deliveries);
            let reports = &mut queue.reports;
            match input["each_delivery_ends_with"].as_str().expect("a text") {
                "consumer crash" => queue.it.member_gone(at(0), ONE, reports),
                "basic.nack requeue" => assert!(queue.it.refuse(at(0), delivery.lease, Refusal::Nack, reports)),
                "basic.reject requeue" => assert!(queue.it.refuse(at(0), delivery.lease, Refusal::Reject, reports)),
                other => panic!("unknown end {other}"),
            }
        }
        let (total, left) = match &expected["total_deliveries"] {
            Value::Null => (1_000, vec![]),
            total => (count(total), vec![(1, Reason::DeliveryLimit, false)]),
        };
        assert_eq!((deliveries, queue.left()), (total, left), "{input}");
    }
    Ok(())
}

pub(super) fn max_length(vector: &Value) -> Result<(), Waiting> {
    assert_eq!(vector["params"]["x-overflow"], "drop-head");
    let max_messages = Some(count(&vector["params"]["x-max-length"]));
    let mut queue = Queue::new(QueueSettings { max_messages, ..rabbitmq::classic() });
    let confirms = queue.publish(at(0), numbers(&vector["input"]["publish"]));
    assert!(confirms.iter().all(|confirm| *confirm == Published::Accepted), "all are confirmed");
    let expected = &vector["expected"];
    let dropped: Vec<u32> = queue.left().iter().map(|(message, ..)| *message).collect();
    assert_eq!(dropped, numbers(&expected["dropped_or_dead_lettered"]));
    let ready: Vec<u32> = queue.take(at(0), ONE, 10).iter().map(|delivery| delivery.message).collect();
    assert_eq!(ready, numbers(&expected["ready"]));
    Ok(())
}

pub(super) fn prefetch(vector: &Value) -> Result<(), Waiting> {
    let mut settings = rabbitmq::classic();
    assert_eq!(rabbitmq::prefetch(0), None);
    settings.leases.per_member = rabbitmq::prefetch(count(&vector["params"]["prefetch_count"]));
    let mut queue = Queue::new(settings);
    queue.publish(at(0), 0..count(&vector["input"]["ready"]));
    let members: Vec<Member> = (0..count(&vector["params"]["consumers_on_channel"])).map(Member).collect();
    // Pushed in turn, for as long as anybody may be handed anything.
    while members.iter().map(|member| queue.take(at(0), *member, 1).len()).sum::<usize>() > 0 {}
    let held: Vec<u32> = members.iter().map(|member| queue.it.held_by(*member)).collect();
    assert_eq!(held, numbers(&vector["expected"]["unacked_per_consumer"]));
    assert_eq!(queue.it.ready() as u32, count(&vector["expected"]["ready_left"]));
    Ok(())
}

pub(super) fn delayed_retry(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    assert_eq!(params["x-delayed-retry-type"], "all");
    let ms = |value: &Value| Span::from_millis(u64::from(count(value)));
    let (min, max) = (ms(&params["x-delayed-retry-min"]), ms(&params["x-delayed-retry-max"]));
    let mut settings = rabbitmq::quorum();
    settings.leases.deliveries = rabbitmq::deliveries(None);
    settings.leases.delay = Some(RetryDelay { which: DelayedReturns::All, min, max });
    let mut queue = Queue::new(settings);
    queue.publish(at(0), [1]);
    let mut now = at(0);
    let mut delays = vec![];
    while delays.len() < 31 {
        let delivery = queue.take(now, ONE, 1)[0];
        assert!(queue.it.refuse(now, delivery.lease, Refusal::Reject, &mut queue.reports));
        assert_eq!(queue.take(now, ONE, 1), [], "it waits");
        let ready = queue.it.wake_at().expect("it becomes ready");
        delays.push(ready.since(now));
        now = ready;
        queue.it.tick(now, &mut queue.reports);
    }
    let counts = numbers(&vector["input"]["delivery_count"]);
    for (returns, expected) in counts.iter().zip(list(&vector["expected"]["delay_ms"])) {
        assert_eq!(delays[*returns as usize - 1], ms(expected), "return {returns}");
    }
    Ok(())
}

pub(super) fn consumer_timeout(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let settings = rabbitmq::quorum();
    let ms = |value: &Value| Span::from_millis(u64::from(count(value)));
    assert_eq!(settings.leases.waits, [ms(&params["consumer_timeout_ms"])]);
    assert_eq!(settings.leases.check_every, ms(&params["check_interval_ms"]));
    let between = list(&expected["channel_closed_between_ms"]);
    // Wherever between two checks the message is delivered.
    for delivered in [0, 1, 30, 59] {
        let mut queue = Queue::new(settings.clone());
        queue.publish(at(0), [1, 2, 3]);
        assert_eq!(queue.take(at(delivered), ONE, 1).len(), 1);
        assert_eq!(queue.take(at(delivered + 600), ONE, 1).len(), 1, "another one, much later");
        assert_eq!(queue.take(at(delivered + 600), TWO, 1).len(), 1, "and another channel");
        let closed = queue.it.wake_at().expect("the channel is closed");
        let after = closed.since(at(delivered));
        assert!((ms(&between[0])..=ms(&between[1])).contains(&after), "after {after}");
        queue.it.tick(closed, &mut queue.reports);
        assert_eq!(queue.reports, [Report::Closed(ONE)]);
        assert_eq!((queue.it.ready(), queue.it.leased()), (2, 1), "all that the channel held is back, and no more");
        let again: Vec<_> = queue.take(closed, TWO, 9).iter().map(|it| (it.message, it.deliveries)).collect();
        assert_eq!(again, [(1, 2), (2, 2)]);
    }
    Ok(())
}

/// A stream with its buffers.
struct Stream {
    it: MessageStream<u32>,
    reports: Vec<StreamReport<u32>>,
}

impl Stream {
    fn new(settings: StreamSettings, consumers: &[LeaseSettings]) -> Stream {
        Stream { it: MessageStream::new(settings, consumers), reports: Vec::new() }
    }

    fn publish(&mut self, now: Time, message: u32) -> Published {
        self.it.publish(now, message, Size::from_bytes(10), None, &mut self.reports)
    }

    fn take(&mut self, now: Time, consumer: u32, max: u32) -> Vec<Delivery<u32>> {
        let mut taken = Vec::new();
        self.it.take(now, consumer, ONE, max, &mut taken, &mut self.reports);
        assert!(self.it.is_conserved());
        taken
    }

    fn messages(&mut self, now: Time, consumer: u32) -> Vec<u32> {
        self.take(now, consumer, 100).iter().map(|delivery| delivery.message).collect()
    }
}

fn consumer_of(params: &Value) -> LeaseSettings {
    let mut settings = jetstream::consumer();
    if let Some(wait) = params.get("AckWait_ms") {
        settings.waits = vec![Span::from_millis(u64::from(count(wait)))];
    }
    if let Some(back_off) = params.get("BackOff_s") {
        settings.waits = list(back_off).iter().map(span).collect();
    }
    settings.deliveries = params.get("MaxDeliver").map(count);
    settings
}

/// When a message is delivered that is never acknowledged, and when it is given up.
pub(super) fn redelivery(vector: &Value) -> Result<(), Waiting> {
    assert_eq!(vector["input"]["never_acked"], true);
    let expected = &vector["expected"];
    let work_queue = StreamSettings { retention: Retention::WorkQueue, ..jetstream::STREAM };
    let mut stream = Stream::new(work_queue, &[consumer_of(&vector["params"])]);
    stream.publish(at(0), 1);
    let mut delivered = vec![];
    let mut now = at(0);
    loop {
        delivered.extend(stream.take(now, 0, 10).iter().map(|_| now));
        let Some(next) = stream.it.wake_at() else { break };
        now = next;
        stream.it.tick(now, &mut stream.reports);
    }
    if let Some(times) = expected.get("delivered_at_s") {
        let times: Vec<Time> = list(times).iter().map(|secs| Time::ZERO + span(secs)).collect();
        assert_eq!(delivered, times);
    }
    if let Some(deliveries) = expected.get("deliveries") {
        assert_eq!(delivered.len() as u32, count(deliveries));
    }
    if let Some(given_up) = expected.get("max_deliver_advisory_at_s") {
        assert_eq!(now, Time::ZERO + span(given_up));
    }
    let given_up = StreamReport::GivenUp { message: 1, published: at(0), consumer: 0, why: GivenUp::Exhausted };
    assert_eq!(stream.reports, [given_up]);
    assert_eq!(stream.it.stored(), 1, "it stays in the stream, even in a work queue");
    Ok(())
}

pub(super) fn nak(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut stream = Stream::new(jetstream::STREAM, &[consumer_of(&vector["params"])]);
        stream.publish(at(0), 1);
        let delivery = stream.take(at(0), 0, 1)[0];
        let refusal = input.get("nak_delay_s").map_or(Refusal::Nack, |delay| Refusal::Later(span(delay)));
        assert!(stream.it.refuse(at(0), 0, delivery.lease, refusal, &mut stream.reports));
        let after = span(&expected["redelivered_after_s"]);
        let ready = if after.is_zero() { at(0) } else { stream.it.wake_at().expect("it becomes ready") };
        assert_eq!(ready, Time::ZERO + after, "{input}");
        stream.it.tick(ready, &mut stream.reports);
        assert_eq!(stream.take(ready, 0, 1)[0].deliveries, 2);
    }
    Ok(())
}

pub(super) fn discard(vector: &Value) -> Result<(), Waiting> {
    let max_messages = Some(count(&vector["params"]["MaxMsgs"]));
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let discard = if input["Discard"] == "new" { Discard::New } else { Discard::Old };
        let settings = StreamSettings { discard, max_messages, ..jetstream::STREAM };
        let mut stream = Stream::new(settings, &[jetstream::consumer()]);
        let mut rejected = numbers(&input["publish"]);
        rejected.retain(|message| stream.publish(at(0), *message) == Published::Rejected);
        assert_eq!(rejected, numbers(&expected["rejected"]), "{input}");
        assert_eq!(stream.messages(at(0), 0), numbers(&expected["stored"]), "{input}");
    }
    Ok(())
}

pub(super) fn max_ack_pending(vector: &Value) -> Result<(), Waiting> {
    let consumer = jetstream::consumer();
    assert_eq!(consumer.in_flight, Some(count(&vector["params"]["MaxAckPending"])));
    let mut stream = Stream::new(jetstream::STREAM, &[consumer]);
    (0..count(&vector["input"]["stream_messages"])).for_each(|message| {
        stream.publish(at(0), message);
    });
    let delivered = stream.take(at(0), 0, u32::MAX);
    assert_eq!(delivered.len() as u32, count(&vector["expected"]["delivered"]));
    assert_eq!((stream.take(at(0), 0, 1), stream.it.takeable(0, ONE)), (vec![], 0), "suspended");
    assert_eq!(stream.it.ack(0, delivered[7].lease), Acked::Held);
    assert_eq!(stream.take(at(0), 0, 10).len(), 1, "one was acknowledged, one follows");
    stream.it.tick(at(30), &mut stream.reports);
    assert_eq!(stream.take(at(30), 0, u32::MAX).len(), 1_000, "what came back is handed out again");
    Ok(())
}

pub(super) fn visibility(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let mut settings = sqs::standard();
    assert_eq!(settings.leases.waits, [span(&params["VisibilityTimeout_s"])]);
    settings.leases.deliveries = Some(count(&params["maxReceiveCount"]));
    let mut queue = Queue::new(settings);
    queue.publish(at(0), [1]);
    let mut received = vec![];
    for second in 0..200 {
        queue.it.tick(at(second), &mut queue.reports);
        received.extend(queue.take(at(second), ONE, 10).iter().map(|_| second as u32));
        let is_moved = second >= u64::from(count(&expected["moved_to_dlq_at_or_after_s"]));
        assert_eq!(queue.left().len(), usize::from(is_moved), "at {second} s");
    }
    assert_eq!(received, numbers(&expected["received_at_s"]));
    assert_eq!(queue.left(), [(1, Reason::DeliveryLimit, true)]);
    Ok(())
}

#[test]
fn in_a_stream_of_interest_a_message_stays_until_all_are_done_with_it() {
    let settings = StreamSettings { retention: Retention::Interest, ..jetstream::STREAM };
    let mut stream = Stream::new(settings, &[jetstream::consumer(), jetstream::consumer()]);
    (1..=3).for_each(|message| assert_eq!(stream.publish(at(0), message), Published::Accepted));
    let first = stream.take(at(1), 0, 2);
    let second = stream.take(at(1), 1, 3);
    assert_eq!((first.len(), second.len(), stream.it.unread(0), stream.it.unread(1)), (2, 3, 1, 0));
    for delivery in &first {
        assert_eq!(stream.it.ack(0, delivery.lease), Acked::Held);
    }
    assert_eq!(stream.it.stored(), 3, "the other consumer is not done");
    assert_eq!(stream.it.ack(1, second[1].lease), Acked::Held);
    assert_eq!((stream.it.stored(), stream.it.bytes()), (2, Size::from_bytes(20)));
    assert!(stream.it.refuse(at(2), 1, second[0].lease, Refusal::Dead, &mut stream.reports));
    let terminated = StreamReport::GivenUp { message: 1, published: at(0), consumer: 1, why: GivenUp::Terminated };
    assert_eq!((stream.it.stored(), &stream.reports[..]), (1, &[terminated][..]), "for the retention it is done");
    assert_eq!(stream.messages(at(3), 0), [3]);
    stream.publish(at(4), 4);
    assert_eq!((stream.messages(at(4), 0), stream.messages(at(4), 1)), (vec![4], vec![4]));
    assert!(stream.it.is_conserved());
    let mut nobody = Stream::new(settings, &[]);
    nobody.publish(at(0), 1);
    assert_eq!((nobody.it.stored(), nobody.it.counts().unwanted), (0, 1));
}

#[test]
fn what_a_stream_removes_is_missed_by_whoever_was_not_done() {
    let settings = StreamSettings { max_age: Some(Span::from_secs(60)), max_messages: Some(3), ..jetstream::STREAM };
    let mut stream = Stream::new(settings, &[jetstream::consumer(), jetstream::consumer()]);
    (1..=3).for_each(|message| assert_eq!(stream.publish(at(u64::from(message)), message), Published::Accepted));
    let held = stream.take(at(3), 0, 2);
    assert_eq!(stream.it.ack(0, held[0].lease), Acked::Held);
    stream.publish(at(4), 4);
    let missed = StreamReport::Missed { message: 1, published: at(1), consumer: 1, why: Removal::Discarded };
    assert_eq!(stream.reports, [missed]);
    assert_eq!((stream.it.consumer_counts(0).missed, stream.it.consumer_counts(1).missed), (0, 1));
    assert_eq!(stream.messages(at(5), 1), [2, 3, 4]);
    assert_eq!(stream.it.wake_at(), Some(at(33)), "the lease of the second message");
    stream.it.tick(at(33), &mut stream.reports);
    stream.it.tick(at(35), &mut stream.reports);
    stream.it.tick(at(62), &mut stream.reports);
    assert_eq!(stream.reports.len(), 1, "both had been handed the second one");
    assert_eq!(stream.messages(at(62), 0), [3, 4], "the second one came back, but it is gone");
    assert_eq!(stream.reports[1..], [StreamReport::Gone { consumer: 0 }]);
    assert_eq!(stream.it.consumer_counts(0).missed, 1);
    assert!(stream.it.is_conserved());
}

#[test]
fn a_message_that_is_published_twice_is_stored_once() {
    let mut stream = Stream::new(jetstream::STREAM, &[jetstream::consumer()]);
    let publish =
        |stream: &mut Stream, secs, message, id| stream.it.publish(at(secs), message, NOTHING, id, &mut stream.reports);
    assert_eq!(publish(&mut stream, 0, 1, Some(7)), Published::Accepted);
    assert_eq!(publish(&mut stream, 119, 2, Some(7)), Published::Duplicate);
    assert_eq!(publish(&mut stream, 119, 3, None), Published::Accepted);
    assert_eq!(publish(&mut stream, 120, 4, Some(7)), Published::Accepted, "the window is over");
    assert_eq!(stream.messages(at(120), 0), [1, 3, 4]);
    assert_eq!(stream.it.counts().duplicates, 1);
}

#[test]
fn a_late_acknowledgement_is_worth_what_the_broker_makes_of_it() {
    let mut queue = Queue::new(sqs::standard());
    queue.publish(at(0), [1, 2]);
    let first = queue.take(at(0), ONE, 2);
    queue.it.tick(at(30), &mut queue.reports);
    assert_eq!(queue.it.ack(first[0].lease), Acked::Late, "it was visible again, but nobody had received it");
    let again = queue.take(at(31), TWO, 2);
    assert_eq!(again.iter().map(|delivery| delivery.message).collect::<Vec<_>>(), [2]);
    assert_eq!(queue.it.ack(first[1].lease), Acked::Stale, "somebody else has received it");
    assert_eq!(queue.it.ack(again[0].lease), Acked::Held);
    assert_eq!(queue.it.ack(again[0].lease), Acked::Stale);

    let mut stream = Stream::new(jetstream::STREAM, &[jetstream::consumer()]);
    stream.publish(at(0), 1);
    let first = stream.take(at(0), 0, 1)[0];
    stream.it.tick(at(30), &mut stream.reports);
    let again = stream.take(at(30), 0, 1)[0];
    assert_eq!(stream.it.ack(0, first.lease), Acked::Late, "a stream takes it by the message's number");
    assert_eq!(stream.it.ack(0, again.lease), Acked::Stale);
    assert_eq!(stream.it.wake_at(), None, "it will not come back");
}

#[test]
fn a_message_keeps_its_time_to_live_and_expires_at_the_head() {
    let mut settings = rabbitmq::quorum();
    settings.ttl = Some(Span::from_secs(10));
    let mut queue = Queue::new(settings);
    queue.publish(at(0), [1]);
    let own = Some(Span::from_secs(3));
    queue.it.publish(at(0), 2, NOTHING, own, &mut queue.reports);
    queue.it.publish(at(0), 3, NOTHING, Some(Span::from_secs(99)), &mut queue.reports);
    assert_eq!(queue.it.wake_at(), Some(at(10)), "the second expires when it is at the head");
    let held = queue.take(at(5), ONE, 1);
    assert_eq!(queue.it.wake_at(), Some(at(3)), "now it is");
    queue.it.tick(at(5), &mut queue.reports);
    assert_eq!(queue.left(), [(2, Reason::Expired, false)]);
    assert!(queue.it.refuse(at(12), held[0].lease, Refusal::Nack, &mut queue.reports));
    queue.it.tick(at(12), &mut queue.reports);
    assert_eq!(queue.left()[1..], [(1, Reason::Expired, false), (3, Reason::Expired, false)]);
    assert_eq!(queue.it.counts().expired, 3);
}

#[test]
fn what_comes_back_goes_where_it_was_or_to_the_end() {
    for (back_to, expected) in [(BackTo::Place, [1, 2, 3]), (BackTo::End, [3, 2, 1])] {
        let leases = LeaseSettings { back_to, ..LeaseSettings::PLAIN };
        let mut queue = Queue::new(QueueSettings { leases, ..QueueSettings::IDEAL });
        queue.publish(at(0), 1..=3);
        let held = queue.take(at(0), ONE, 2);
        for delivery in held.iter().rev() {
            assert!(queue.it.refuse(at(1), delivery.lease, Refusal::Nack, &mut queue.reports));
        }
        let again: Vec<u32> = queue.take(at(2), ONE, 3).iter().map(|delivery| delivery.message).collect();
        assert_eq!(again, expected, "{back_to:?}");
    }
}
