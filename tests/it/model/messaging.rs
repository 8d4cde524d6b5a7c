//! Messages: who gets one, who gets it again, and what becomes of it. Scenarios without chance, to the millisecond.

use brownout::kernel::Fate;
use brownout::measure::{GroupResult, TopicResult};

use super::{longest, millis, workload};
use crate::reference::Run;

/// A shop that publishes a mail for each order, and mailers that send them.
pub(super) fn mails(arrivals: &str, publish: &str, work: &str, more: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "100s"

        [workload.users]
        entry = "shop.order"
        arrivals = "{arrivals}"

        [service.shop.endpoint.order]
        steps = [{{ publish = "mails"{publish} }}]

        [service.mailer]
        [service.mailer.endpoint.send]
        steps = [{work}]

        {more}
        "#
    ))
}

pub(super) fn group<'r>(run: &'r Run, name: &str) -> &'r GroupResult {
    let groups = run.model.groups();
    let at = groups.iter().position(|group| run.model.group_name(group) == name);
    let names = || groups.iter().map(|group| run.model.group_name(group)).collect::<Vec<_>>();
    let found = &messaging(run).groups[at.unwrap_or_else(|| panic!("{name} is none of {:?}", names()))];
    assert_eq!(found.missing(), 0, "every message is somewhere");
    found
}

pub(super) fn topic<'r>(run: &'r Run, name: &str) -> &'r TopicResult {
    let at = run.model.topics.iter().position(|topic| topic.name == name);
    &messaging(run).topics[at.unwrap()]
}

fn messaging(run: &Run) -> &brownout::measure::MessagingResults {
    run.results.messaging.as_ref().unwrap()
}

/// Consumed, dead, lost, expired, pending.
pub(super) fn fates(it: &GroupResult) -> [u64; 5] {
    let of = |fate| it.with_fate(fate);
    [of(Fate::Consumed), of(Fate::Dead), of(Fate::Lost), of(Fate::Expired), it.pending]
}

pub(super) const SECOND: &str = r#"{ work = "1s" }"#;

#[test]
fn a_queue_takes_what_comes_and_gives_it_to_one_worker_each() {
    let run = mails(
        "burst(10)",
        "",
        SECOND,
        "[queue.mails]\n[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"\nconcurrency = 2",
    );
    let mails = group(&run, "mails");
    assert_eq!(fates(mails), [10, 0, 0, 0, 0]);
    assert_eq!(millis(mails.latency.max()), 5_000.0, "two workers, a second each");
    assert_eq!((mails.lag_peak, mails.redelivered), (10, 0));
    assert_eq!(mails.lag_nanos, 2 * (1 + 2 + 3 + 4 + 5) * 1_000_000_000);
    assert_eq!(longest(workload(&run, "users")), 0.0, "the users do not wait");
}

#[test]
fn a_topic_gives_each_group_all_of_it() {
    let run = mails(
        "burst(10)",
        "",
        SECOND,
        r#"
        [topic.mails]
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        concurrency = 10
        [consumer.archive]
        topic = "mails"
        handler = "mailer.send"
        "#,
    );
    let (mailer, archive) = (group(&run, "mails -> mailer"), group(&run, "mails -> archive"));
    assert_eq!((fates(mailer), fates(archive)), ([10, 0, 0, 0, 0], [10, 0, 0, 0, 0]));
    assert_eq!((millis(mailer.latency.max()), millis(archive.latency.max())), (1_000.0, 10_000.0));
    assert_eq!(topic(&run, "mails").published, 10);
}

#[test]
fn a_publisher_waits_for_as_much_as_it_wants() {
    let latency = |publish: &str| {
        let more = r#"
            [broker.slow]
            preset = "ideal"
            latency = "10ms"
            store = "5ms"
            [queue.mails]
            broker = "slow"
            [consumer.mailer]
            queue = "mails"
            handler = "mailer.send"
        "#;
        longest(workload(&mails("burst(1)", publish, SECOND, more), "users"))
    };
    assert_eq!(latency(""), 0.0);
    assert_eq!(latency(r#", wait = "acknowledged""#), 25.0, "there, stored, and back");
    // There and stored; to the worker; his work; his acknowledgement; and the answer as a message of its own.
    assert_eq!(latency(r#", wait = "handled""#), 15.0 + 10.0 + 1_000.0 + 10.0 + 25.0);
}

#[test]
fn a_full_queue_drops_the_oldest_or_refuses_the_newest() {
    let consumer = "[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"";
    let run = mails("burst(10)", "", SECOND, &format!("[queue.mails]\nlength = 3\n{consumer}"));
    assert_eq!(fates(group(&run, "mails")), [4, 0, 6, 0, 0], "one in work, three kept");
    let run = mails(
        "burst(10)",
        ", wait = \"acknowledged\"",
        SECOND,
        &format!("[queue.mails]\nlength = 3\noverflow = \"reject-newest\"\n{consumer}"),
    );
    assert_eq!(fates(group(&run, "mails")), [4, 0, 0, 0, 0]);
    assert_eq!(workload(&run, "users").good, 4, "the others learn it");
    let run = mails("burst(10)", "", SECOND, &format!("[queue.mails]\nttl = \"2500ms\"\n{consumer}"));
    assert_eq!(fates(group(&run, "mails")), [3, 0, 0, 7, 0], "nobody takes the rest in time");
}

#[test]
fn what_always_fails_comes_back_until_it_is_a_dead_letter() {
    let more = r#"
        [queue.mails]
        [queue.dead]
        alert = 1
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        deliveries = 3
        backoff = ["1s", "2s"]
        dead_letter = "dead"
        [fault.poison]
        at = "0s"
        topic = "mails"
        poison = "100%"
    "#;
    let run = mails("burst(2)", "", SECOND, more);
    let (mails, dead) = (group(&run, "mails"), group(&run, "dead"));
    assert_eq!(fates(mails), [0, 2, 0, 0, 0]);
    assert_eq!((mails.delivered, mails.redelivered, mails.handled_badly), (6, 4, 6));
    assert_eq!(fates(dead), [0, 0, 0, 0, 2]);
    assert_eq!(dead.alerted.map(|at| at.as_secs_f64()), Some(3.0), "after one second and two more");
}

#[test]
fn dead_letters_go_back_when_somebody_says_so() {
    let more = r#"
        [queue.mails]
        [queue.dead]
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        deliveries = 1
        dead_letter = "dead"
        [fault.broken]
        at = "0s"
        for = "10s"
        service = "mailer"
        error_rate = "100%"
        [change.again]
        at = "20s"
        redrive = "dead"
    "#;
    let run = mails("burst(5)", "", SECOND, more);
    let (mails, dead) = (group(&run, "mails"), group(&run, "dead"));
    assert_eq!((mails.kept, fates(mails)), (10, [5, 5, 0, 0, 0]));
    assert_eq!((dead.kept, dead.with_fate(Fate::Redriven), dead.pending), (5, 5, 0));
}

#[test]
fn a_worker_that_dies_gives_back_what_he_had_or_loses_it() {
    let run = |delivery: &str| {
        mails(
            "burst(4)",
            "",
            SECOND,
            &format!(
                r#"
                [queue.mails]
                [consumer.mailer]
                queue = "mails"
                handler = "mailer.send"
                delivery = "{delivery}"
                [fault.crash]
                at = "1500ms"
                for = "1s"
                service = "mailer"
                crash = true
                "#
            ),
        )
    };
    let least = run("at-least-once");
    assert_eq!(fates(group(&least, "mails")), [4, 0, 0, 0, 0]);
    assert_eq!(group(&least, "mails").redelivered, 1);
    assert_eq!(millis(group(&least, "mails").latency.max()), 5_500.0, "from 2.5 s on three more");
    let most = run("at-most-once");
    assert_eq!(fates(group(&most, "mails")), [3, 0, 1, 0, 0]);
    assert_eq!(group(&most, "mails").redelivered, 0);
}

#[test]
fn an_acknowledgement_that_comes_too_late_makes_work_twice() {
    let run = mails(
        "burst(1)",
        "",
        r#"{ work = "45s" }"#,
        r#"
        [queue.mails]
        broker = "sqs"
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        concurrency = 2
        "#,
    );
    // It is visible again after 30 s, when the second worker takes it: what the first one says counts no more.
    let mails = group(&run, "mails");
    assert_eq!((mails.delivered, mails.redelivered, mails.handled_well), (4, 3, 2), "again and again");
    assert_eq!(fates(mails), [0, 0, 0, 0, 1]);
}

#[test]
fn effects_are_counted_again_for_retries_and_for_redeliveries() {
    let run = Run::of(
        r#"
        duration = "100s"
        [workload.users]
        entry = "shop.order"
        arrivals = "burst(1)"
        client = "impatient"
        [client.impatient]
        timeout = "1s"
        retry = { attempts = 3 }
        [service.shop.endpoint.order]
        effect = "order"
        steps = [{ work = "1500ms" }]
        "#,
    );
    let effect = messaging(&run).effects[0];
    assert_eq!((effect.done, effect.again), (1, 2), "three attempts that all end well, too late");
    let run = mails(
        "burst(1)",
        "",
        r#"{ call = "bank.pay" }"#,
        r#"
        [service.bank.endpoint.pay]
        effect = "payment"
        steps = [{ work = "20s" }]
        [queue.mails]
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        timeout = "15s"
        deliveries = 2
        "#,
    );
    let effect = messaging(&run).effects[0];
    assert_eq!((effect.done, effect.again), (1, 1), "the mail came twice");
}

#[test]
fn a_broker_whose_nodes_die_takes_nothing_until_others_lead() {
    let more = r#"
        [broker.rabbit]
        preset = "rabbitmq"
        latency = "0s"
        store = "0s"
        rate = "unlimited"
        bandwidth = "unlimited"
        failover = "5s"
        [queue.mails]
        broker = "rabbit"
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        [fault.outage]
        at = "10s"
        for = "60s"
        broker = "rabbit"
        nodes = 1
        crash = true
    "#;
    let run = mails("even(1/s)", ", wait = \"acknowledged\"", r#"{ work = "100ms" }"#, more);
    let users = workload(&run, "users");
    assert_eq!(users.offered - users.good, 5, "those of 10 s to 15 s");
    assert_eq!(fates(group(&run, "mails"))[0], users.good);
}

#[test]
fn a_full_disk_blocks_publishers_or_refuses_them() {
    let run = |when_full: &str| {
        let more = format!(
            r#"
            [broker.small]
            preset = "ideal"
            disk = "5000B"
            when_full = "{when_full}"
            [queue.mails]
            broker = "small"
            [consumer.mailer]
            queue = "mails"
            handler = "mailer.send"
            "#
        );
        mails("burst(10)", ", size = \"930B\"", SECOND, &more)
    };
    let blocks = run("block");
    assert_eq!(fates(group(&blocks, "mails")), [10, 0, 0, 0, 0]);
    assert_eq!(longest(workload(&blocks, "users")), 5_000.0, "five fit, and then one a second");
    let refuses = run("refuse");
    assert_eq!(fates(group(&refuses, "mails")), [5, 0, 0, 0, 0]);
    assert_eq!(topic(&refuses, "mails").disk_peak, 5_000);
}

/// A topic of Kafka without any time of its own.
pub(super) fn kafka(arrivals: &str, work: &str, topic: &str, consumer: &str, more: &str) -> Run {
    let more = format!(
        r#"
        [broker.log]
        preset = "kafka"
        latency = "0s"
        store = "0s"
        bandwidth = "unlimited"
        [topic.mails]
        broker = "log"
        producer = {{ linger = "0s" }}
        {topic}
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        {consumer}
        {more}
        "#
    );
    mails(arrivals, "", work, &more)
}

#[test]
fn a_partition_is_read_in_order_by_one_worker() {
    let run = kafka("burst(8)", SECOND, "partitions = 4\npartitioner = \"round-robin\"", "concurrency = 4", "");
    let mails = group(&run, "mails -> mailer");
    assert_eq!(fates(mails), [8, 0, 0, 0, 0]);
    assert_eq!(millis(mails.latency.max()), 2_000.0, "two in each partition");
    let run = kafka("burst(8)", SECOND, "partitions = 2\npartitioner = \"round-robin\"", "concurrency = 4", "");
    assert_eq!(millis(group(&run, "mails -> mailer").latency.max()), 4_000.0, "two workers are idle");
}

#[test]
fn what_was_not_committed_is_read_again_after_a_crash() {
    let crash = r#"
        [fault.crash]
        at = "7500ms"
        for = "1s"
        service = "mailer"
        crash = true
    "#;
    // One message a poll; it is committed every five seconds, in a poll: at 5 s those handled by then.
    let consumer = "prefetch = 1\nsession_timeout = \"10s\"";
    let run = kafka("burst(20)", SECOND, "", consumer, crash);
    let mails = group(&run, "mails -> mailer");
    assert_eq!(fates(mails), [20, 0, 0, 0, 0]);
    // Five were committed. Of those of 5 to 7 s and the one in work at 7.5 s, two had been handled.
    assert_eq!((mails.redelivered, mails.duplicates), (3, 2));
    let every = kafka("burst(20)", SECOND, "", &format!("{consumer}\ncommit_every = \"0s\""), crash);
    let mails = group(&every, "mails -> mailer");
    assert_eq!((mails.redelivered, mails.duplicates), (1, 0), "only the one that was in work");
    let before = kafka("burst(20)", SECOND, "", &format!("{consumer}\ndelivery = \"at-most-once\""), crash);
    assert_eq!(fates(group(&before, "mails -> mailer")), [19, 0, 1, 0, 0]);
}

#[test]
fn a_slow_worker_is_thrown_out_of_his_group() {
    let run = kafka("burst(4)", r#"{ work = "20s" }"#, "", "prefetch = 2\nmax_poll_interval = \"30s\"", "");
    let mails = group(&run, "mails -> mailer");
    // He takes two, which last for 40 s: at 30 s he leaves, and may not commit what he has done.
    assert!(mails.rebalances >= 2, "{} rebalances", mails.rebalances);
    assert!(mails.duplicates > 0);
}

#[test]
fn what_is_read_too_late_is_lost() {
    let run = kafka(
        "even(10/s)",
        SECOND,
        "retention = \"10s\"\nretention_check = \"10s\"\nsegment = \"5000B\"",
        "prefetch = 1",
        "",
    );
    let mails = group(&run, "mails -> mailer");
    let [consumed, dead, lost, expired, _] = fates(mails);
    assert!((95..=100).contains(&consumed), "{consumed}: one a second");
    assert!(lost > 500 && dead + expired == 0, "{lost} of a thousand");
}

#[test]
fn a_log_is_read_again_from_any_time() {
    let replay = "[change.again]\nat = \"50s\"\nreplay = \"mailer\"\nfrom = \"10s\"";
    let run = kafka("even(1/s)", r#"{ work = "10ms" }"#, "", "prefetch = 1\ncommit_every = \"0s\"", replay);
    let mails = group(&run, "mails -> mailer");
    assert_eq!(fates(mails)[0], mails.kept - mails.pending);
    assert_eq!(mails.duplicates, 40, "those of 10 s to 50 s, once more");
}

#[test]
fn a_log_is_read_again_from_any_record() {
    let again = |from: u32| {
        let replay = format!("[change.again]\nat = \"50s\"\nreplay = \"mailer\"\noffset = {from}");
        kafka("even(1/s)", r#"{ work = "10ms" }"#, "", "prefetch = 1\ncommit_every = \"0s\"", &replay)
    };
    let duplicates = |from: u32| group(&again(from), "mails -> mailer").duplicates;
    let all = duplicates(0);
    assert!((49..=51).contains(&all), "{all}: one a second");
    assert_eq!((duplicates(20), duplicates(1000)), (all - 20, 0), "from the twentieth, and from none that is there");
}

#[test]
fn a_transaction_shows_what_it_did_when_it_is_committed_and_only_then() {
    let run = |delivery: &str| {
        kafka(
            "burst(10)",
            r#"[{ work = "1s" }, { publish = "sent" }]"#,
            "",
            &format!("prefetch = 1\nsession_timeout = \"10s\"\n{delivery}"),
            r#"
            [topic.sent]
            broker = "log"
            producer = { linger = "0s" }
            [service.archive.endpoint.keep]
            steps = [{ work = "1ms" }]
            [consumer.archive]
            topic = "sent"
            handler = "archive.keep"
            isolation = "read-committed"
            [fault.crash]
            at = "3500ms"
            for = "1s"
            service = "mailer"
            crash = true
            "#,
        )
    };
    let once = run("delivery = \"exactly-once\"\ncommit_every = \"1s\"");
    assert_eq!(fates(group(&once, "mails -> mailer"))[0], 10);
    assert_eq!(fates(group(&once, "sent -> archive"))[0], 10, "each once");
    let least = run("");
    assert!(fates(group(&least, "sent -> archive"))[0] > 10, "some twice");
}

#[test]
fn replicas_follow_the_messages_that_wait() {
    let run = mails(
        "burst(100)",
        "",
        SECOND,
        r#"
        [queue.mails]
        [consumer.mailer]
        queue = "mails"
        handler = "mailer.send"
        scale = { lag = 10, max = 10, every = "5s", down_after = "10s" }
        "#,
    );
    let mails = group(&run, "mails");
    assert_eq!(fates(mails), [100, 0, 0, 0, 0]);
    // Five by one worker; then 95 wait, and there are ten.
    assert_eq!(millis(mails.latency.max()), 15_000.0);
    let up = &run.results.series.services[1].up;
    assert_eq!((up[20], *up.last().unwrap()), (10, 1), "and fewer again");
}

#[test]
fn one_who_is_wanted_again_before_he_has_left_stays() {
    let run = |again: &str| {
        kafka(
            "even(2/s)",
            r#"{ work = "900ms" }"#,
            "partitions = 4\npartitioner = \"round-robin\"",
            "prefetch = 5\nrebalance = \"cooperative\"",
            &format!(
                r#"
                [change.up]
                at = "1s"
                scale = {{ mailer = 2 }}
                [change.down]
                at = "40s"
                scale = {{ mailer = 1 }}
                [change.again]
                at = "{again}"
                scale = {{ mailer = 2 }}
                "#
            ),
        )
    };
    let (soon, late) = (run("40100ms"), run("70s"));
    for run in [&soon, &late] {
        let mails = group(run, "mails -> mailer");
        assert_eq!((mails.redelivered, mails.duplicates), (0, 0), "he handles and commits what he has before he goes");
        let there = &messaging(run).consumers[0].there;
        assert_eq!(there.last(), Some(&2.0));
    }
    let (soon, late) = (group(&soon, "mails -> mailer"), group(&late, "mails -> mailer"));
    assert!(late.rebalances > soon.rebalances, "{} and {}: he leaves and comes", late.rebalances, soon.rebalances);
}

#[test]
fn what_nobody_reads_gets_old_until_it_is_deleted() {
    let run = Run::of(
        r#"
        duration = "100s"
        [workload.users]
        entry = "shop.order"
        arrivals = "even(10/s)"
        [service.shop.endpoint.order]
        steps = [{ publish = "facts" }]
        [topic.facts]
        broker = "kafka"
        partitions = 2
        segment = "1KiB"
        retention = "30s"
        retention_check = "5s"
        "#,
    );
    let it = &messaging(&run).groups[0];
    assert_eq!(it.missing(), 0);
    assert!(it.pending > 300 && it.with_fate(Fate::Expired) > 500, "{} {:?}", it.pending, it.settled_in_all);
    // A file goes when its last record is older than 30 s; it is looked for every 5 s, and a file is full after some 2 s.
    let (peak, end) = (it.age_peak.as_secs_f64(), it.series.age.last().unwrap().as_secs_f64());
    assert!((32.0..40.0).contains(&peak) && (30.0..=peak).contains(&end), "{peak} {end}");
}

#[test]
fn what_fails_comes_back_to_sqs_when_its_time_is_over() {
    let of = |backoff: &str| {
        let more = format!(
            "[queue.dead]\n[queue.mails]\nbroker = \"sqs\"\n[consumer.mailer]\nqueue = \"mails\"\nhandler = \"mailer.send\"\n\
             deliveries = 3\ndead_letter = \"dead\"\nconcurrency = 5\n{backoff}"
        );
        mails("burst(1)", "", r#"{ work = "10ms" }, { fail = true }"#, &more)
    };
    let dead_at = |run: &Run| {
        let dead = &group(run, "mails").series.dead;
        dead.iter().position(|count| *count > 0).map(|point| point as f64 / 2.0)
    };
    // Nobody deletes it: it is there again 30 s after each time that it was taken, and dead after the third.
    let at = dead_at(&of("")).unwrap();
    assert!((89.0..=91.0).contains(&at), "{at} s");
    assert_eq!(dead_at(&of("backoff = [\"1s\"]")), Some(2.0), "its consumer makes it visible after a second");
}

#[test]
fn there_are_never_more_replicas_than_their_workers_have_partitions() {
    let run = kafka(
        "burst(500)",
        SECOND,
        "partitions = 6\npartitioner = \"round-robin\"",
        "concurrency = 2\nprefetch = 1\nscale = { lag = 10, max = 20, every = \"5s\" }",
        "",
    );
    let there = &messaging(&run).consumers[0].there;
    assert_eq!(there.iter().copied().fold(0.0, f64::max), 6.0, "three of two");
}
