//! Brokers: what is lost when a leader dies, who is held back when there is too much, and what is told of it. Scenarios
//! without chance, to the millisecond.

use brownout::kernel::Fate;

use super::messaging::{SECOND, fates, group, kafka, mails, topic};
use super::{longest, millis, workload};
use crate::reference::Run;

/// A hundred messages a second to one partition, whose leader dies at 10.002 s: 20 ms there, replicated after 100 ms.
fn leader_dies(acks: &str) -> Run {
    let more = format!(
        r#"
        [broker.log]
        preset = "kafka"
        latency = "20ms"
        store = "100ms"
        bandwidth = "unlimited"
        failover = "1s"
        [topic.mails]
        broker = "log"
        producer = {{ linger = "0s", in_flight = 100, acks = "{acks}" }}
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        [fault.crash]
        at = "10002ms"
        for = "10s"
        broker = "log"
        nodes = 1
        crash = true
        "#,
    );
    mails("even(100/s)", "", r#"{ work = "1ms" }"#, &more)
}

#[test]
fn what_a_dead_leader_had_not_replicated_is_lost_if_somebody_took_it_to_be_stored() {
    let of = |acks: &str| {
        let run = leader_dies(acks);
        let (it, of_topic) = (group(&run, "mails -> mailer"), topic(&run, "mails"));
        let again = it.with_fate(Fate::Aborted);
        // Messages that were handed to the library and never reached the broker, or are still on their way.
        (it.with_fate(Fate::Lost), again, of_topic.tried + again - of_topic.published)
    };
    let (lost_of_all, again_of_all, missing_of_all) = of("all");
    assert_eq!((lost_of_all, again_of_all), (0, 10), "100 ms of messages are not replicated, and sent again");
    let (lost, again, on_their_way) = of("leader");
    assert_eq!((lost, again), (8, 2), "the answers to all but 20 ms of them have been sent");
    // Nothing is known again by its number where a hundred batches are under way.
    assert_eq!(missing_of_all + 2, on_their_way, "and two are stored twice, whose answers died with the leader");
    let (lost, again, missing) = of("none");
    // Two messages are on their way to the leader when it dies, and two to the other node when the leader takes over again.
    assert_eq!((lost, again, missing), (14, 0, on_their_way), "nobody waits for an answer");
}

/// RabbitMQ without any time of its own.
const RABBIT: &str = r#"
    [broker.rabbit]
    preset = "rabbitmq"
    latency = "0s"
    store = "0s"
    bandwidth = "unlimited"
    [queue.mails]
    broker = "rabbit"
    [consumer.mailer]
    queue = "mails"
    handler = "mailer.send"
"#;

#[test]
fn publishers_are_blocked_above_the_watermark_and_released_below() {
    let of = |limit: &str| {
        let more = RABBIT.replace("latency", &format!("rate = \"unlimited\"\n{limit}\nlatency"));
        mails("users(4, think=100ms)", r#", size = "930B""#, SECOND, &more)
    };
    let blocked = of("memory = \"10000B\"\nwatermark = \"50%\"");
    // Five may be there; when the sixth has come, nobody else may publish, and all four go on at once again.
    let peak = topic(&blocked, "mails").disk_peak;
    assert!((6_000..=9_000).contains(&peak), "{peak} bytes");
    assert!(longest(workload(&blocked, "users")) >= 3_000.0, "until four of nine are handled");
    let [consumed, .., pending] = fates(group(&blocked, "mails"));
    assert!(consumed >= 98 && pending <= 9, "consumers go on: {consumed} consumed, {pending} pending");
    let free = of("");
    assert!(topic(&free, "mails").disk_peak > 1_000_000);
    assert_eq!(longest(workload(&free, "users")), 0.0);
}

#[test]
fn a_publisher_is_four_hundred_messages_ahead_and_goes_on_after_two_hundred() {
    let of = |rate: &str| {
        let more = RABBIT.replace("latency", &format!("rate = \"{rate}\"\nlatency"));
        mails("burst(1000)", "", r#"{ work = "1ms" }"#, &more)
    };
    let slow = of("100/s");
    // 600 wait; 200 go on at 2 s, at 4 s and at 6 s.
    assert_eq!(longest(workload(&slow, "users")), 6_000.0);
    assert_eq!(fates(group(&slow, "mails")), [1000, 0, 0, 0, 0]);
    assert_eq!(longest(workload(&of("unlimited"), "users")), 0.0);
}

#[test]
fn the_oldest_message_is_as_old_with_every_broker() {
    let is_so = |run: &Run, name: &str, broker: &str| {
        let it = group(run, name);
        // One is published at once, and is in work for ten seconds; the other waits for it.
        let at_five = millis(Some(it.series.age[9]));
        assert!((4_950.0..=5_000.0).contains(&at_five), "{broker}: {at_five}");
        let peak = millis(Some(it.age_peak));
        assert!((20_000.0..=20_100.0).contains(&peak), "{broker}: {peak}");
    };
    let work = r#"{ work = "10s" }"#;
    for broker in ["ideal", "rabbitmq", "jetstream", "sqs"] {
        for delivery in ["at-least-once", "at-most-once"] {
            let more = format!(
                "[queue.mails]\nbroker = \"{broker}\"\n[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"\n\
                 delivery = \"{delivery}\""
            );
            is_so(&mails("burst(2)", "", work, &more), "mails", broker);
        }
    }
    for delivery in ["at-least-once", "at-most-once"] {
        let run = kafka("burst(2)", work, "", &format!("delivery = \"{delivery}\""), "");
        is_so(&run, "mails -> mailer", "kafka");
    }
}

#[test]
fn every_rebalance_is_counted() {
    let run = kafka("burst(4)", r#"{ work = "20s" }"#, "", "prefetch = 2\nmax_poll_interval = \"30s\"", "");
    // It begins with one. The member is missed at 30 s and comes back at 40 s, is missed at 70 s and comes back at 80 s.
    assert_eq!(group(&run, "mails -> mailer").rebalances, 5);
}

#[test]
fn what_a_transaction_did_is_seen_when_it_is_committed() {
    let of = |commit: &str| {
        let more = r#"
            [topic.sent]
            broker = "log"
            producer = { linger = "0s" }
            [service.archive.endpoint.keep]
            steps = [{ work = "1us" }]
            [consumer.archive]
            topic = "sent"
            handler = "archive.keep"
            isolation = "read-committed"
        "#;
        let work = r#"[{ work = "10ms" }, { publish = "sent" }]"#;
        let run = kafka("even(10/s)", work, "", &format!("delivery = \"exactly-once\"\n{commit}"), more);
        let it = group(&run, "sent -> archive");
        (millis(it.latency.mean()), millis(it.latency.max()))
    };
    let (mean, most) = of("commit_every = \"2s\"");
    // Twenty messages, a tenth of a second apart: the first of them waits for all the time, the last for a tenth of it.
    assert!((900.0..=1_050.0).contains(&mean) && (1_900.0..=2_010.0).contains(&most), "{mean} {most}");
    let (mean, most) = of("");
    // 90 ms from the publishing to the commit, or 100 ms when the next message came at that very moment; then 1 us of work.
    assert!(mean <= 90.1 && most <= 100.1, "every 100 ms if nobody says otherwise: {mean} {most}");
}

#[test]
fn dead_letters_go_back_by_themselves() {
    let more = r#"
        [queue.mails]
        [queue.dead]
        redrive = "20s"
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        deliveries = 1
        dead_letter = "dead"
        [fault.broken]
        at = "0s"
        for = "30s"
        service = "mailer"
        error_rate = "100%"
    "#;
    let run = mails("burst(5)", "", SECOND, more);
    // At 20 s they fail again, at 40 s they do not.
    let (mails, dead) = (group(&run, "mails"), group(&run, "dead"));
    assert_eq!((mails.kept, fates(mails)), (15, [5, 10, 0, 0, 0]));
    assert_eq!((dead.kept, dead.with_fate(Fate::Redriven)), (10, 10));
}

#[test]
fn an_outbox_keeps_what_the_broker_cannot_take_now() {
    let of = |steps: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "100s"
            [workload.users]
            entry = "shop.order"
            arrivals = "even(10/s)"
            [service.shop.endpoint.order]
            steps = [{{ call = "store.insert" }}, {steps}]
            [service.store.endpoint.insert]
            steps = [{{ work = "1ms" }}]
            # The table in the database of the shop, and who brings what is in it to the broker.
            [queue.outbox]
            [consumer.relay]
            queue = "outbox"
            handler = "relay.send"
            backoff = ["100ms"]
            [service.relay.endpoint.send]
            steps = [{{ publish = "orders", wait = "acknowledged", timeout = "1s" }}]
            [broker.log]
            preset = "kafka"
            nodes = 1
            [topic.orders]
            broker = "log"
            producer = {{ delivery_timeout = "1s", request_timeout = "500ms" }}
            [service.billing.endpoint.book]
            steps = [{{ work = "1ms" }}]
            [consumer.billing]
            topic = "orders"
            handler = "billing.book"
            [fault.outage]
            at = "20s"
            for = "20s"
            broker = "log"
            crash = true
            "#
        ));
        let users = workload(&run, "users");
        (users.offered - users.good, group(&run, "orders -> billing").with_fate(Fate::Consumed))
    };
    let (failed, booked) = of(r#"{ publish = "orders", wait = "acknowledged", timeout = "1s" }"#);
    assert!((180..=210).contains(&failed), "{failed} users of 20 s learn that it did not work");
    assert!((790..=830).contains(&booked), "{booked}");
    let (failed, booked) = of(r#"{ publish = "outbox", wait = "acknowledged" }"#);
    assert!(failed <= 1, "nobody notices");
    assert!(booked >= 995, "{booked} of a thousand: nothing is lost");
}

#[test]
fn what_a_full_disk_refuses_is_lost_if_nobody_waits_for_an_answer() {
    let of = |acks: &str| {
        let producer = format!("producer = {{ linger = \"0s\", acks = \"{acks}\", idempotent = {} }}", acks == "all");
        let more = format!(
            "[broker.log]\npreset = \"kafka\"\ndisk = \"10kB\"\nwhen_full = \"refuse\"\n[topic.mails]\nbroker = \"log\"\n\
             {producer}\n[consumer.mailer]\ntopic = \"mails\"\nhandler = \"mailer.send\""
        );
        mails("even(1/s)", r#", size = "930B""#, r#"{ work = "1ms" }"#, &more)
    };
    let (none, all) = (of("none"), of("all"));
    let it = group(&none, "mails -> mailer");
    assert_eq!((it.with_fate(Fate::Consumed), it.with_fate(Fate::Lost), it.kept), (10, 90, 100), "ten have room");
    assert_eq!(group(&all, "mails -> mailer").with_fate(Fate::Lost), 0, "they are sent again");
}

#[test]
fn a_partition_without_copies_is_neither_written_nor_read_while_its_node_is_down() {
    let of = |replication: u32| {
        let more = format!(
            r#"
            [broker.log]
            preset = "kafka"
            failover = "1s"
            [topic.mails]
            broker = "log"
            replication = {replication}
            [consumer.mailer]
            topic = "mails"
            handler = "mailer.send"
            prefetch = 1
            [fault.crash]
            at = "20s"
            for = "30s"
            broker = "log"
            nodes = 1
            crash = true
            "#
        );
        // Two come while one is handled, so that there is something to read all the time.
        mails("even(2/s)", "", SECOND, &more)
    };
    let consumed_between =
        |run: &Run, from: usize, to: usize| group(run, "mails -> mailer").series.consumed[from..to].iter().sum::<u64>();
    let (one, three) = (of(1), of(3));
    let points = group(&one, "mails -> mailer").series.consumed.len();
    assert_eq!(points, 200, "two a second");
    assert_eq!(consumed_between(&one, 42, 100), 0, "nobody else has it");
    assert!(consumed_between(&one, 100, 200) >= 45, "it goes on where it was");
    assert!(consumed_between(&three, 44, 100) >= 27, "another node has it after a second");
    assert_eq!(group(&one, "mails -> mailer").with_fate(Fate::Lost), 0);
}

#[test]
fn a_publisher_dies_with_what_he_has_gathered() {
    let more = r#"
        [broker.log]
        preset = "kafka"
        latency = "20ms"
        store = "100ms"
        [topic.mails]
        broker = "log"
        producer = { linger = "2s" }
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        [fault.crash]
        at = "11s"
        for = "10s"
        service = "shop"
        crash = true
    "#;
    let run = mails("even(10/s)", r#", size = "100B""#, r#"{ work = "1ms" }"#, more);
    let of_topic = topic(&run, "mails");
    let failed: u64 = of_topic.failed.iter().sum();
    // A batch goes after two seconds, the first at 2 s and the next after the next message, ..; what has come since the last
    // one went is gone.
    assert!((5..=10).contains(&failed), "{failed} of a second");
    let rest = of_topic.tried - of_topic.published - failed;
    assert!(rest <= 20, "{rest} of the last two seconds are not sent yet");
    assert_eq!(group(&run, "mails -> mailer").with_fate(Fate::Consumed), of_topic.published);
}
