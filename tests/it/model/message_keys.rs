//! Keys of topics, queues and consumers, each in a scenario without chance in which it decides what comes out.

use super::messaging::{SECOND, fates, group, kafka, mails, topic};
use super::{longest, workload};
use crate::reference::Run;

/// JetStream without any time of its own.
fn jetstream(publish: &str, keeping: &str, consumer: &str, more: &str) -> Run {
    let more = format!(
        r#"
        [broker.stream]
        preset = "jetstream"
        latency = "0s"
        store = "0s"
        rate = "unlimited"
        [topic.mails]
        broker = "stream"
        {keeping}
        {consumer}
        {more}
        "#
    );
    mails("even(1/s)", publish, r#"{ work = "10ms" }"#, &more)
}

const MAILER: &str = "[consumer.mailer]\ntopic = \"mails\"\nhandler = \"mailer.send\"";

/// A message takes 300 ms to be stored, and its publisher waits for 200 ms, four times. Each attempt is known to the
/// broker by what it is for, as long as the window of deduplication lasts.
#[test]
fn what_is_published_again_within_the_window_is_known() {
    let run = |dedup: &str| {
        mails(
            "even(1/s)",
            r#", wait = "acknowledged", timeout = "200ms", retry = { attempts = 2, backoff = "10ms" }, optional = true"#,
            r#"{ work = "10ms" }"#,
            &format!(
                "[broker.stream]\npreset = \"jetstream\"\nlatency = \"0s\"\nstore = \"300ms\"\nrate = \"unlimited\"\n\
                 [queue.mails]\nbroker = \"stream\"\ndedup = \"{dedup}\"\n\
                 [consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\""
            ),
        )
    };
    let known = run("2m");
    let (of_topic, of_group) = (topic(&known, "mails"), group(&known, "mails"));
    assert_eq!(of_topic.published, of_topic.deduplicated, "each comes twice");
    assert_eq!(of_topic.published, of_group.kept);
    let short = run("100ms");
    assert_eq!(topic(&short, "mails").deduplicated, 0, "forgotten before it comes again");
    assert_eq!(topic(&short, "mails").published, 2 * of_topic.published);
}

/// Limits keep everything for their time, and interest as long as a group has it not handled.
#[test]
fn a_stream_keeps_what_somebody_has_not_handled_or_all_for_a_time() {
    let nobody = jetstream("", "", "", "");
    assert_eq!((group(&nobody, "mails").pending, topic(&nobody, "mails").disk_peak), (0, 0), "nobody is interested");
    let interest = jetstream("", "", MAILER, "");
    assert_eq!(topic(&interest, "mails").disk_end, 0, "all is handled");
    let limits = jetstream("", "retention = \"10s\"", MAILER, "");
    let each = topic(&limits, "mails").bytes as u64 / topic(&limits, "mails").published;
    let kept = topic(&limits, "mails").disk_end / each;
    assert!((10..=11).contains(&kept), "those of ten seconds: {kept}");
    assert_eq!(fates(group(&limits, "mails -> mailer"))[0], group(&limits, "mails -> mailer").kept);
}

/// Workers may hold two messages together, however many they are.
#[test]
fn a_group_holds_so_many_unacknowledged_messages() {
    let run = |most: &str| {
        mails(
            "burst(20)",
            "",
            SECOND,
            &format!(
                "[queue.mails]\nbroker = \"jetstream\"\n[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"\n\
                 concurrency = 10\nprefetch = 1\n{most}"
            ),
        )
    };
    let free = group(&run(""), "mails").latency.max().unwrap().as_secs_f64();
    let held = group(&run("unacknowledged = 2"), "mails").latency.max().unwrap().as_secs_f64();
    assert!((2.0..2.1).contains(&free), "{free}: ten at a time");
    assert!((10.0..10.1).contains(&held), "{held}: two at a time");
}

/// A message is 1000 bytes and 70 more; five of them fit into 5500 bytes.
#[test]
fn a_queue_of_so_many_bytes_is_full() {
    let run = mails(
        "burst(20)",
        r#", size = "1000B""#,
        SECOND,
        "[queue.mails]\nmax_size = \"5500B\"\n[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"",
    );
    let [consumed, _, lost, ..] = fates(group(&run, "mails"));
    assert_eq!(consumed + lost, 20);
    assert!((5..=6).contains(&consumed), "{consumed} of 20");
    assert!(topic(&run, "mails").disk_peak <= 5_500 + 1_070, "{}", topic(&run, "mails").disk_peak);
}

/// Ten messages of 1070 bytes a second into files of ten; three files may stay. A worker who handles one a second
/// loses what is deleted before he comes to it.
#[test]
fn a_partition_keeps_so_many_bytes() {
    let run = |size: &str| {
        Run::of(&format!(
            r#"
            duration = "100s"
            [workload.users]
            entry = "shop.order"
            arrivals = "even(10/s)"
            [service.shop.endpoint.order]
            steps = [{{ publish = "mails", size = "1000B" }}]
            [service.mailer.endpoint.send]
            steps = [{SECOND}]
            [topic.mails]
            broker = "kafka"
            segment = "10700B"
            retention_check = "5s"
            {size}
            [consumer.mailer]
            topic = "mails"
            handler = "mailer.send"
            prefetch = 1
            "#
        ))
    };
    let all = run("");
    assert_eq!(fates(group(&all, "mails -> mailer"))[2], 0, "it keeps all for a week");
    let few = run("retention_size = \"32100B\"");
    let (mails, of_topic) = (group(&few, "mails -> mailer"), topic(&few, "mails"));
    assert!(fates(mails)[2] > 800, "{} of a thousand are lost", fates(mails)[2]);
    // Fifty come between two looks, and the file that is written to stays.
    assert!(of_topic.disk_peak <= 32_100 + 60 * 1_070, "{}", of_topic.disk_peak);
}

/// Nobody takes what a library has: four batches fill its memory, and publishers wait for as long as they may.
#[test]
fn a_full_library_lets_publishers_wait_and_then_fail() {
    let run = Run::of(
        r#"
        duration = "10s"
        [workload.users]
        entry = "shop.order"
        arrivals = "even(10/s)"
        [service.shop.endpoint.order]
        steps = [{ publish = "mails", size = "1000B" }]
        [broker.log]
        preset = "kafka"
        nodes = 1
        [topic.mails]
        broker = "log"
        producer = { batch = "2000B", buffer = "8000B", max_block = "500ms" }
        [service.mailer.endpoint.send]
        steps = [{ work = "0s" }]
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        [fault.outage]
        at = "1s"
        for = "5s"
        broker = "log"
        crash = true
        "#,
    );
    let users = workload(&run, "users");
    let failed = users.offered - users.good;
    // From 1 s on eight fit (two a batch); those who come until 5.5 s at least find no room within 500 ms.
    assert!((35..=45).contains(&failed), "{failed} of 100");
    assert!(longest(users) <= 510.0 || longest(users) < 5_100.0, "{}", longest(users));
    assert_eq!(fates(group(&run, "mails -> mailer"))[0], users.good);
}

/// How evenly messages without a key are spread over four partitions: each in turn exactly, the others by chance, batch by
/// batch; with `keyed` and one key all go to one.
#[test]
fn publishers_choose_partitions_as_they_are_told() {
    let came = |partitioner: &str, key: &str| -> Vec<u64> {
        let run = kafka(
            "even(100/s)",
            r#"{ work = "1ms" }"#,
            &format!("partitions = 4\npartitioner = \"{partitioner}\""),
            "concurrency = 4",
            key,
        );
        group(&run, "mails -> mailer").partitions.iter().map(|it| it.came).collect()
    };
    let in_turn = came("round-robin", "");
    assert_eq!(in_turn.iter().max().unwrap() - in_turn.iter().min().unwrap(), 0, "{in_turn:?}");
    for partitioner in ["sticky", "adaptive"] {
        let spread = came(partitioner, "");
        assert_eq!(spread.iter().sum::<u64>(), in_turn.iter().sum::<u64>());
        // Some two hundred bytes a message and 16 KiB a batch: a partition gets more than a hundred in a row.
        assert_ne!(spread, in_turn, "{partitioner}: batches, and not messages, go round");
    }
}

/// A node that leads a thousand partitions takes half as many messages, at 0.1% each.
#[test]
fn partitions_make_messages_dearer() {
    let waits = |partitions: u32, cost: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "20s"
            [workload.users]
            entry = "shop.order"
            arrivals = "even(100/s)"
            [service.shop.endpoint.order]
            steps = [{{ publish = "mails", wait = "acknowledged" }}]
            [broker.log]
            preset = "kafka"
            nodes = 1
            latency = "0s"
            store = "0s"
            bandwidth = "unlimited"
            rate = "1000/s"
            partition_cost = "{cost}"
            [topic.mails]
            broker = "log"
            partitions = {partitions}
            partitioner = "round-robin"
            producer = {{ linger = "0s" }}
            [service.mailer.endpoint.send]
            steps = [{{ work = "0s" }}]
            [consumer.mailer]
            topic = "mails"
            handler = "mailer.send"
            "#
        ));
        workload(&run, "users").latency.mean().unwrap().as_secs_f64()
    };
    let (cheap, dear) = (waits(1000, "0%"), waits(1000, "0.1%"));
    assert!((cheap - 0.001).abs() < 1e-6 && (dear - 0.002).abs() < 1e-6, "{cheap} and {dear} s a message");
}

/// Two more members come to one. Members of an eager group stop and read nothing while partitions are shared anew, which
/// takes 2 s.
#[test]
fn an_eager_rebalance_stops_everybody() {
    let run = kafka(
        "even(100/s)",
        r#"{ work = "1ms" }"#,
        "partitions = 6\npartitioner = \"round-robin\"",
        "prefetch = 1\nrebalance_time = \"2s\"",
        "[change.more]\nat = \"50s\"\nscale = { mailer = 3 }",
    );
    let mails = group(&run, "mails -> mailer");
    assert!(mails.rebalances >= 2, "{}", mails.rebalances);
    assert!((190..=210).contains(&mails.lag_peak), "{}: what comes in 2 s", mails.lag_peak);
}
