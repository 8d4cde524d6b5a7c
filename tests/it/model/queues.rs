//! Disciplines, full queues, and waits that are too long.

use brownout::policy::Outcome;

use super::{longest, mean, workload};
use crate::reference::Run;

/// One thread that takes 100 ms for a request; ten requests come at once, then what `more` says.
fn station(service: &str, more: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "10s"

        [workload.crowd]
        entry = "station.serve"
        arrivals = "burst(10)"
        {more}

        [service.station]
        threads = 1
        {service}
        [service.station.endpoint.serve]
        steps = [{{ work = "100ms" }}]
        "#
    ))
}

fn late_guest(keys: &str) -> String {
    format!("[workload.guest]\nentry = \"station.serve\"\narrivals = \"burst(1, at=250ms)\"\n{keys}")
}

#[test]
fn whoever_comes_last_waits_longest_or_least_as_the_discipline_says() {
    let wait = |discipline: &str| longest(workload(&station(discipline, &late_guest("")), "guest"));
    assert_eq!(wait("discipline = \"fifo\""), 850.0);
    assert_eq!(wait("discipline = \"lifo\""), 150.0);
    // The queue has not been empty since the start.
    assert_eq!(wait("discipline = \"adaptive-lifo(standing=200ms)\""), 150.0);
    assert_eq!(wait("discipline = \"adaptive-lifo(standing=5s)\""), 850.0);
    assert_eq!(wait("discipline = \"priority\""), 850.0, "all are equally important");
}

#[test]
fn random_order_is_fair_in_the_mean() {
    let run = station("discipline = \"random\"", "");
    assert_eq!(mean(workload(&run, "crowd")), 550.0, "the sum of all waits is the same in any order");
    assert_eq!(longest(workload(&run, "crowd")), 1000.0);
}

/// An endpoint of its own for the guest, who is more important.
fn important_guest(discipline: &str) -> (f64, f64) {
    let more = r#"
        [workload.guest]
        entry = "station.important"
        arrivals = "burst(1, at=250ms)"

        [service.station.endpoint.important]
        priority = 9
        steps = [{ work = "100ms" }]
    "#;
    let run = station(&format!("discipline = \"{discipline}\""), more);
    (longest(workload(&run, "guest")), longest(workload(&run, "crowd")))
}

#[test]
fn the_important_overtake_those_who_wait() {
    assert_eq!(important_guest("priority"), (150.0, 1100.0));
}

#[test]
fn with_preemption_they_interrupt_who_works_and_nobody_loses_what_is_done() {
    assert_eq!(important_guest("preemptive"), (100.0, 1100.0));
}

#[test]
fn who_is_interrupted_on_shared_cores_goes_on_where_he_stopped() {
    let more = r#"
        [workload.guest]
        entry = "station.important"
        arrivals = "burst(1, at=250ms)"

        [service.station.endpoint.important]
        priority = 9
        steps = [{ work = "100ms" }]
    "#;
    let run = station("cores = 1\ndiscipline = \"preemptive\"", more);
    assert_eq!(longest(workload(&run, "guest")), 100.0);
    assert_eq!(longest(workload(&run, "crowd")), 1100.0);
}

#[test]
fn what_a_request_causes_is_as_important_as_it_is() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.crowd]
        entry = "front.page"
        arrivals = "burst(10)"

        [workload.guest]
        entry = "front.vip"
        arrivals = "burst(1, at=50ms)"

        [service.front.endpoint.page]
        steps = [{ call = "back.get" }]
        [service.front.endpoint.vip]
        priority = 8
        steps = [{ call = "back.get" }]

        [service.back]
        threads = 1
        discipline = "priority"
        [service.back.endpoint.get]
        steps = [{ work = "100ms" }]
        "#,
    );
    assert_eq!(longest(workload(&run, "guest")), 150.0);
}

#[test]
fn a_call_can_be_less_important_than_its_request() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.crowd]
        entry = "front.page"
        arrivals = "burst(10)"

        [workload.guest]
        entry = "front.batch"
        arrivals = "burst(1)"

        [service.front.endpoint.page]
        steps = [{ work = "1ms" }, { call = "back.get" }]
        [service.front.endpoint.batch]
        steps = [{ call = "back.get", priority = 9 }, { call = "back.get", priority = 0 }]

        [service.back]
        threads = 1
        discipline = "priority"
        [service.back.endpoint.get]
        steps = [{ work = "100ms" }]
        "#,
    );
    // The first call is served at once, the second behind the ten others.
    assert_eq!(longest(workload(&run, "guest")), 1200.0);
}

#[test]
fn a_full_queue_turns_away_the_newest_or_the_oldest() {
    let run = |overflow: &str| station(&format!("queue = 3\noverflow = \"{overflow}\""), "");
    let (newest, oldest) = (run("reject-newest"), run("reject-oldest"));
    for run in [&newest, &oldest] {
        let crowd = workload(run, "crowd");
        assert_eq!((crowd.good, crowd.outcomes[Outcome::Rejected as usize]), (4, 6));
        assert_eq!(run.service("station").rejected, 6);
        assert_eq!(mean(crowd), 250.0);
    }
    let guest = |overflow: &str| {
        let run = station(&format!("queue = 3\noverflow = \"{overflow}\""), &late_guest("").replace("250", "50"));
        (workload(&run, "guest").good, longest(workload(&run, "crowd")))
    };
    assert_eq!(guest("reject-newest"), (0, 400.0));
    assert_eq!(guest("reject-oldest"), (1, 300.0));
}

#[test]
fn the_oldest_makes_no_room_for_who_is_less_important() {
    let more = r#"
        [workload.guest]
        entry = "station.batch"
        arrivals = "burst(1, at=50ms)"

        [service.station.endpoint.batch]
        priority = 1
        steps = [{ work = "100ms" }]
    "#;
    let run = station("queue = 3\noverflow = \"reject-oldest\"\ndiscipline = \"priority\"", more);
    assert_eq!((workload(&run, "guest").good, workload(&run, "crowd").good), (0, 4));
}

#[test]
fn who_waits_for_too_long_is_turned_away_when_his_time_is_over() {
    let run = station("queue_timeout = \"250ms\"", "");
    let (crowd, station) = (workload(&run, "crowd"), run.service("station"));
    assert_eq!((crowd.good, crowd.outcomes[Outcome::Rejected as usize]), (3, 7));
    assert_eq!((station.shed, station.rejected, station.peak_queue), (7, 0, 9));
    assert_eq!(longest(crowd), 300.0);
    // All seven wait for 250 ms, the others for 0, 100 and 200.
    assert_eq!(station.queue_nanos, (7 * 250 + 300) * 1_000_000);
}

#[test]
fn one_who_is_served_is_never_turned_away_however_long_it_takes() {
    let run = station("queue_timeout = \"50ms\"", "");
    assert_eq!((workload(&run, "crowd").good, run.service("station").shed), (1, 9));
}

#[test]
fn a_standing_queue_has_less_patience() {
    // Ten at once find an empty queue and may wait for 450 ms; who comes when it has stood for longer may not.
    let run = station("queue_timeout = \"adaptive(20ms, standing=450ms)\"", &late_guest("").replace("250", "455"));
    assert_eq!((workload(&run, "crowd").good, workload(&run, "guest").good), (5, 1));
    let run = station("queue_timeout = \"adaptive(20ms, standing=150ms)\"", &late_guest("").replace("250", "145"));
    assert_eq!((workload(&run, "crowd").good, workload(&run, "guest").good), (2, 1));
}

#[test]
fn controlled_delay_turns_away_at_the_head_what_has_waited_too_long() {
    let run = Run::of(
        r#"
        duration = "60s"

        [workload.users]
        entry = "station.serve"
        arrivals = "even(150/s)"

        [service.station]
        threads = 1
        discipline = "codel(target=20ms, interval=100ms)"
        [service.station.endpoint.serve]
        steps = [{ work = "10ms" }]
        "#,
    );
    let (station, users) = (run.service("station"), workload(&run, "users"));
    assert_eq!(station.shed, users.outcomes[Outcome::Rejected as usize]);
    // A third too much comes: it is turned away, and the others wait for little more than twice the target.
    let shed = station.shed as f64 / station.arrivals as f64;
    assert!((shed - 1.0 / 3.0).abs() < 0.01, "{shed}");
    assert!(users.latency.quantile(0.99).unwrap().as_secs_f64() < 0.15, "{:?}", users.latency.quantile(0.99));
    assert!(run.service("station").busy_nanos > 59_500_000_000, "no thread is idle meanwhile");
}

#[test]
fn a_request_whose_deadline_has_passed_is_refused_at_the_door() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.users]
        entry = "station.serve"
        arrivals = "even(10/s)"
        client = "impatient"

        [client.impatient]
        latency = "30ms"
        timeout = "20ms"
        deadlines = "propagate"

        [service.station]
        threads = 1
        [service.station.endpoint.serve]
        steps = [{ work = "500ms" }]
        "#,
    );
    let station = run.service("station");
    assert_eq!((station.dropped, station.busy_nanos, station.peak_queue), (100, 0, 0));
}
