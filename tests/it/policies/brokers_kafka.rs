//! Kafka against its published answers: partitioner, producer, log and group as the kernel uses them.

use brownout::base::random::Key;
use brownout::base::time::{Span, Time};
use brownout::base::units::Size;
use brownout::mechanism::broker::kafka::{
    Answer, Append, Commit, Fate, Group, GroupSettings, Log, LogSettings, Member, Node, Offer, OffsetReset, Partition,
    Partitioner, Producer, ProducerId, ProducerSettings, Reading, Record, TransactionSettings, Transactions, Unkeyed,
    murmur2, partition_of_text, retry_backoff,
};
use serde_json::Value;

use super::vectors::{Waiting, count, list, millis, pairs, text};

mod groups;
mod producers;

const P0: Partition = Partition(0);
const N0: Node = Node(0);

fn at(span: Span) -> Time {
    Time::ZERO + span
}

fn bytes(value: &Value) -> Size {
    Size::from_bytes(u64::from(count(value)))
}

fn record<M>(payload: M) -> Record<M> {
    Record { payload, bytes: 1 }
}

fn append<M: Copy>(log: &mut Log<M>, now: Time, payloads: &[M]) {
    let records: Vec<Record<M>> = payloads.iter().map(|payload| record(*payload)).collect();
    assert!(matches!(log.append(now, None, None, records.len() as u64, &records), Append::Stored(_)));
    log.replicated(log.end());
}

/// Settings of a group that gets going at once.
fn at_once(settings: GroupSettings) -> GroupSettings {
    GroupSettings { initial_delay: Span::ZERO, reset: OffsetReset::Earliest, ..settings }
}

/// A producer with one partition, which `N0` leads.
fn producer<M: Copy>(settings: ProducerSettings) -> Producer<M> {
    let mut producer = Producer::new(ProducerId(0), settings, 1, 1);
    producer.set_leader(Time::ZERO, P0, Some(N0));
    producer
}

pub(super) fn keyed(vector: &Value) -> Result<(), Waiting> {
    let partitions = count(&vector["params"]["numPartitions"]);
    let expected = &vector["expected"];
    for (n, key) in list(&vector["input"]["keys"]).iter().map(|key| text(key).as_bytes()).enumerate() {
        assert_eq!(Some(i64::from(murmur2(key) as i32)), expected["murmur2"][n].as_i64());
        assert_eq!(partition_of_text(key, partitions).0, count(&expected["partition"][n]));
    }
    Ok(())
}

pub(super) fn adaptive(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let queues: Vec<u32> = list(&input["queue_sizes"]).iter().map(count).collect();
        let mut it = Partitioner::new(Unkeyed::Adaptive, queues.len() as u32, Size::from_bytes(1));
        it.weigh(queues);
        let weights: Vec<u64> = list(&expected["frequencies"]).iter().map(|weight| count(weight).into()).collect();
        assert_eq!(it.weights(), weights);
    }
    Ok(())
}

pub(super) fn sticky(vector: &Value) -> Result<(), Waiting> {
    let mut it = Partitioner::new(Unkeyed::Sticky, 100, bytes(&vector["params"]["batch.size"]));
    let mut draws = Key::root(1, "sticky").draws();
    let places: Vec<Partition> = list(&vector["input"]["record_bytes"])
        .iter()
        .map(|bytes| {
            let place = it.choose(None, || draws.next_uniform());
            it.appended(count(bytes).into(), true, Vec::new, || draws.next_uniform());
            place
        })
        .collect();
    let last = count(&vector["expected"]["switch_after_record_index"]) as usize;
    assert!(places[..=last].iter().all(|place| *place == places[0]));
    assert_ne!(places[last + 1], places[0]);
    Ok(())
}

pub(super) fn backoff(vector: &Value) -> Result<(), Waiting> {
    let (base, cap) =
        (millis(&vector["params"]["retry.backoff.ms"]), millis(&vector["params"]["retry.backoff.max.ms"]));
    for (n, range) in pairs(&vector["input"]["attempts"], &vector["expected"]["delay_range_ms"]) {
        let found = [0.0, 1.0].map(|draw| retry_backoff(base, cap, count(n), draw));
        assert_eq!(found, [millis(&range[0]), millis(&range[1])]);
    }
    Ok(())
}

pub(super) fn batch_ready(vector: &Value) -> Result<(), Waiting> {
    let (linger, batch_size) = (millis(&vector["params"]["linger.ms"]), bytes(&vector["params"]["batch.size"]));
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut it = producer(ProducerSettings { linger, batch_size, ..ProducerSettings::default() });
        let now = at(millis(&input["waited_ms"]));
        assert!(matches!(it.offer(Time::ZERO, P0, (), count(&input["bytes"])), Offer::Buffered { .. }));
        it.advance(now, || 0.5, |(), _| ());
        assert_eq!(Some(it.take_request(now, N0).is_some()), expected.as_bool());
    }
    Ok(())
}

pub(super) fn delivery_timeout(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let settings = ProducerSettings {
        delivery_timeout: millis(&params["delivery.timeout.ms"]),
        request_timeout: millis(&params["request.timeout.ms"]),
        ..ProducerSettings::default()
    };
    let mut it = producer(settings);
    it.offer(Time::ZERO, P0, 7, 100);
    let (mut told, mut now, mut sent) = (Vec::new(), Time::ZERO, Vec::new());
    while told.is_empty() {
        if it.take_request(now, N0).is_some() {
            sent.push(now);
        } else {
            now = it.wake_at().expect("something is due");
            it.advance(now, || 0.5, |payload, fate| told.push((payload, fate)));
        }
    }
    assert_eq!((told, now), (vec![(7, Fate::Failed)], at(millis(&vector["expected"]["record_fails_at_ms"]))));
    let each = millis(&vector["expected"]["request_attempt_timeouts_each_ms"]);
    let waits = [100, 200, 400].map(Span::from_millis);
    let mut start = Time::ZERO;
    let mut expected = vec![start];
    expected.extend(waits.map(|wait| {
        start = start + each + wait;
        start
    }));
    assert_eq!(sent, expected);
    Ok(())
}

pub(super) fn buffer_full(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let settings = ProducerSettings {
        buffer_memory: bytes(&params["buffer.memory"]),
        max_block: millis(&params["max.block.ms"]),
        ..ProducerSettings::default()
    };
    let mut it = producer(settings);
    it.set_leader(Time::ZERO, P0, None);
    let mut offered = 0u32;
    while it.offer(Time::ZERO, P0, offered, 16 << 10) != Offer::Blocked {
        offered += 1;
    }
    assert_eq!(u64::from(offered) * (16 << 10), settings.buffer_memory.as_bytes());
    let due = at(millis(&vector["expected"]["send_blocks_ms"]));
    let mut told = Vec::new();
    it.advance(due - Span::from_nanos(1), || 0.5, |payload, fate| told.push((payload, fate)));
    assert_eq!((told.as_slice(), it.wake_at()), (&[][..], Some(due)));
    it.advance(due, || 0.5, |payload, fate| told.push((payload, fate)));
    assert_eq!(told, [(offered, Fate::Refused)]);
    Ok(())
}

pub(super) fn auto_commit(vector: &Value) -> Result<(), Waiting> {
    let (input, expected) = (&vector["input"], &vector["expected"]);
    let each = count(&input["records_per_poll"]);
    let commit = Commit::Auto(millis(&vector["params"]["auto.commit.interval.ms"]));
    let settings = at_once(GroupSettings { commit, max_poll_records: each, ..GroupSettings::default() });
    let (mut group, mut log) = (Group::new(settings, 1), Log::new(LogSettings::default()));
    append(&mut log, Time::ZERO, &vec![0u8; 10_000]);
    let member = group.join(Time::ZERO);
    let (mut got, mut awake) = (Vec::new(), Vec::new());
    for now in list(&input["poll_times_ms"]) {
        group.poll(at(millis(now)), member, std::slice::from_ref(&log), &mut got, |_, _, _| ());
    }
    assert_eq!(got.len(), 8 * each as usize);
    let crash = at(millis(&input["crash_ms"]));
    group.crash(crash, member);
    assert_eq!(group.committed(P0), Some(u64::from(count(&expected["committed_offset"]))));
    let other = group.join(crash);
    while group.owner(P0) != Some(other) {
        group.advance(group.wake_at().expect("the crash is noticed"), &mut awake);
    }
    let now = at(Span::from_secs(60));
    for _ in 0..10 {
        group.poll(now, other, std::slice::from_ref(&log), &mut got, |_, _, _| ());
    }
    assert_eq!(group.tally().redelivered, u64::from(count(&expected["redelivered"])));
    Ok(())
}

pub(super) fn group_failure(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let settings = at_once(GroupSettings {
        session_timeout: millis(&params["session.timeout.ms"]),
        heartbeat: millis(&params["heartbeat.interval.ms"]),
        max_poll_interval: millis(&params["max.poll.interval.ms"]),
        ..GroupSettings::default()
    });
    let mut log = Log::new(LogSettings::default());
    append(&mut log, Time::ZERO, &[1, 2, 3]);
    let start = || {
        let mut group = Group::new(settings, 1);
        let member = group.join(Time::ZERO);
        group.poll(Time::ZERO, member, std::slice::from_ref(&log), &mut Vec::new(), |_, _, _| ());
        (group, member)
    };
    let gone_at = |mut group: Group, member: Member| loop {
        let now = group.wake_at().expect("it will be noticed");
        group.advance(now, &mut Vec::new());
        if !group.counts_on(member) {
            return now;
        }
    };
    let (mut group, member) = start();
    group.crash(Time::ZERO, member);
    let expected = list(&vector["expected"]);
    assert_eq!(gone_at(group, member), at(millis(&expected[0]["partitions_reassigned_not_before_ms"])));
    let (group, member) = start();
    assert_eq!(gone_at(group, member), at(millis(&expected[1]["member_leaves_at_ms"])));
    Ok(())
}

pub(super) fn retention_bytes(vector: &Value) -> Result<(), Waiting> {
    let settings = LogSettings {
        retention_size: Some(bytes(&vector["params"]["retention.bytes"])),
        segment: Size::from_bytes(100),
        ..LogSettings::default()
    };
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut log = Log::new(settings);
        let sizes: Vec<u64> =
            list(&input["segment_bytes_oldest_first"]).iter().map(|size| count(size).into()).collect();
        for size in &sizes {
            log.append(Time::ZERO, None, None, *size, &[record(())]);
        }
        log.replicated(log.end());
        assert_eq!(log.segment_bytes().collect::<Vec<u64>>(), sizes);
        let now = log.next_check(Time::ZERO).expect("there is a limit");
        assert_eq!(now, at(Span::from_secs(300)));
        log.clean(now);
        assert_eq!(sizes.len() - log.segment_bytes().count(), count(&expected["segments_deleted"]) as usize);
        assert_eq!(log.bytes(), u64::from(count(&expected["left"])));
    }
    Ok(())
}

pub(super) fn read_committed(vector: &Value) -> Result<(), Waiting> {
    assert_eq!(text(&vector["params"]["isolation.level"]), "read_committed");
    let states = list(&vector["input"]["state"]);
    for (state, expected) in states.iter().zip(list(&vector["expected"]["visible_offsets"])) {
        let (mut log, mut transactions) =
            (Log::new(LogSettings::default()), Transactions::new(TransactionSettings::default()));
        let id = transactions.begin(Time::ZERO);
        for entry in list(&vector["input"]["log"]) {
            let of = (!entry["txn"].is_null()).then_some(id);
            assert!(of.is_none_or(|id| transactions.touch(id, P0)));
            log.append(Time::ZERO, None, of, 1, &[record(count(&entry["off"]))]);
        }
        log.replicated(log.end());
        match text(&state["A"]) {
            "open" => {}
            end => assert!(transactions.end(id, |_| log.end_transaction(id, end == "committed"))),
        }
        let mut seen = Vec::new();
        log.fetch(0, Reading::Committed, 100, |_, payload| seen.push(payload));
        assert_eq!(seen, list(expected).iter().map(count).collect::<Vec<u32>>(), "{state}");
        let mut all = 0;
        log.fetch(0, Reading::Uncommitted, 100, |_, _| all += 1);
        assert_eq!(all, 4);
    }
    Ok(())
}

/// Numbers for a test, in turn.
fn draws(name: &str) -> impl FnMut() -> f64 {
    let mut draws = Key::root(1, name).draws();
    move || draws.next_uniform()
}

/// What a test that does not look at fractions of numbers needs.
const fn answered(_: Partition) -> Answer {
    Answer::Stored
}
