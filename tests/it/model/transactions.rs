//! Exactly-once: what a handler publishes is seen once, whoever stops, is thrown out, or takes too long in between.

use brownout::kernel::Fate;

use super::messaging::{group, topic};
use crate::reference::Run;

/// Fifty messages, ten a second, to two partitions; for each its handler publishes another, which an archive reads.
fn handed_on(replicas: u32, consumer: &str, more: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "100s"
        [workload.users]
        entry = "shop.order"
        arrivals = {{ even = [["0s", "10/s"], ["5s", "10/s"], ["5s", "0/s"], ["100s", "0/s"]] }}
        key = "uniform(1000)"
        [service.shop.endpoint.order]
        steps = [{{ publish = "mails" }}]
        [broker.log]
        preset = "kafka"
        [topic.mails]
        broker = "log"
        partitions = 2
        [topic.sent]
        broker = "log"
        [service.mailer]
        replicas = {replicas}
        [service.mailer.endpoint.send]
        steps = [{{ work = "1ms" }}, {{ publish = "sent" }}]
        [consumer.mailer]
        topic = "mails"
        handler = "mailer.send"
        delivery = "exactly-once"
        prefetch = 1
        {consumer}
        [service.archive.endpoint.keep]
        steps = [{{ work = "1us" }}]
        [consumer.archive]
        topic = "sent"
        handler = "archive.keep"
        isolation = "read-committed"
        {more}
        "#
    ))
}

/// What the archive has got, what was done in vain, and how often a message was handled again.
fn seen(run: &Run) -> (u64, u64, u64) {
    let (archive, mails) = (group(run, "sent -> archive"), group(run, "mails -> mailer"));
    assert_eq!(topic(run, "sent").published, archive.kept, "all that was written came");
    (archive.with_fate(Fate::Consumed), archive.with_fate(Fate::Aborted), mails.redelivered)
}

#[test]
fn who_is_told_to_stop_commits_first() {
    // Nothing would be committed before 30 s; the replica that goes at 3 s has handled about fifteen messages.
    let run = handed_on(2, "commit_every = \"30s\"", "[change.fewer]\nat = \"3s\"\nscale = { mailer = 1 }");
    assert_eq!(seen(&run), (50, 0, 0));
}

#[test]
fn who_is_about_to_lose_a_partition_commits_first() {
    let more = "[change.more]\nat = \"3s\"\nscale = { mailer = 2 }";
    for rebalance in ["eager", "cooperative"] {
        let run = handed_on(1, &format!("commit_every = \"30s\"\nrebalance = \"{rebalance}\""), more);
        assert_eq!(seen(&run), (50, 0, 0), "{rebalance}");
        assert!(group(&run, "mails -> mailer").rebalances > 1, "{rebalance}");
    }
}

#[test]
fn who_has_been_thrown_out_commits_nothing() {
    let more = "[fault.hangs]\nat = \"3s\"\nfor = \"8s\"\nservice = \"mailer\"\nreplicas = 1\npause = true";
    let run = handed_on(2, "commit_every = \"1s\"\nmax_poll_interval = \"2s\"", more);
    let (archived, in_vain, again) = seen(&run);
    // What it had handled since its last commit, and what it had in hand.
    assert_eq!(archived, 50);
    assert!((1..=10).contains(&in_vain) && (1..=10).contains(&again), "{in_vain} {again}");
}

#[test]
fn a_transaction_that_is_open_for_too_long_is_done_again() {
    // The broker waits for a minute.
    let more = "[fault.hangs]\nat = \"3s\"\nfor = \"65s\"\nservice = \"mailer\"\npause = true";
    let (archived, in_vain, again) = seen(&handed_on(1, "commit_every = \"1s\"", more));
    assert_eq!(archived, 50);
    assert!((1..=10).contains(&in_vain) && (1..=11).contains(&again), "{in_vain} {again}");
}
