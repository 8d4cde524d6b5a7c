//! Users who do more than ask once: sessions, and those who reload.

use brownout::measure::SessionResult;
use brownout::policy::Outcome;

use crate::reference::Run;

const SERVICES: &str = r#"
    [service.api.endpoint]
    home = { steps = [{ work = "1ms" }] }
    buy  = { steps = [{ work = "1ms" }] }
    page = { steps = [{ work = "1ms" }] }
    sick = { steps = [{ fail = true }] }
"#;

fn run(workload: &str) -> Run {
    Run::of(&format!("duration = \"100s\"\n[workload.shoppers]\n{workload}\n{SERVICES}"))
}

fn calls(run: &Run) -> Vec<u64> {
    run.results.edges.iter().map(|edge| edge.calls).collect()
}

#[test]
fn each_thing_that_a_session_asks_for_is_a_request_of_its_own() {
    // Ten sessions, a second apart; each takes 3 ms and 4 s.
    let run = run(r#"
        arrivals = { even = [["0s", "1/s"], ["9.5s", "1/s"], ["9.5s", "0/s"]] }
        session = [
          { ask = "api.home" },
          { think = "3s" },
          { repeat = 2, steps = [{ ask = { "api.buy" = "50%", "api.page" = "50%" } }, { think = "500ms" }] },
        ]
    "#);
    let users = run.users();
    assert_eq!((users.offered, users.good, users.attempts), (30, 30, 30));
    assert_eq!(users.sessions, Some(SessionResult { started: 10, finished: 10, lost: 0 }));
    assert_eq!(users.latency.max().unwrap().as_nanos(), 1_000_000);
    let [home, buy, page] = calls(&run)[..] else { panic!("three edges") };
    assert_eq!((home, buy + page), (10, 20));
    assert!(buy > 3 && page > 3, "each time another draw: {buy} and {page}");
    // The first session asks again at 3.001 s, the last one at 9 s + 1 ms + 3 s + 1 ms + 500 ms.
    let offered = &run.results.series.workloads[0].offered;
    let per_second: Vec<u64> = offered.chunks(2).map(|pair| pair.iter().sum()).collect();
    assert_eq!(per_second[..14], [1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 0]);
}

#[test]
fn a_failure_ends_a_session_or_not_as_the_file_says() {
    let session = r#"session = [{ ask = "api.home" }, { ask = "api.sick" }, { ask = "api.page" }]"#;
    let arrivals = r#"arrivals = "burst(7)""#;
    let leaving = run(&format!("{session}\n{arrivals}"));
    assert_eq!(calls(&leaving), [7, 7, 0]);
    assert_eq!(leaving.users().sessions, Some(SessionResult { started: 7, finished: 0, lost: 7 }));
    assert_eq!(leaving.results.series.workloads[0].sessions.lost.iter().sum::<u64>(), 7);
    let going_on = run(&format!("{session}\n{arrivals}\non_failure = \"go-on\""));
    assert_eq!(calls(&going_on), [7, 7, 7]);
    assert_eq!(going_on.users().sessions, Some(SessionResult { started: 7, finished: 7, lost: 0 }));
    let users = going_on.users();
    assert_eq!((users.offered, users.good, users.outcomes[Outcome::Error as usize]), (21, 14, 7));
}

#[test]
fn users_with_sessions_do_one_after_the_other() {
    // 1 ms, 500 ms, 1 ms, then 498 ms until the next: one session a second.
    let run = run(r#"
        arrivals = "users(3, think=498ms)"
        session = [{ ask = "api.home" }, { think = "500ms" }, { ask = "api.page" }]
    "#);
    assert_eq!(calls(&run), [300, 300]);
}

#[test]
fn sessions_that_take_no_time_neither_recurse_nor_stand_still() {
    let run = Run::of(&format!(
        r#"
        duration = "150us"
        [workload.shoppers]
        arrivals = "users(1, think=0s)"
        session = [{{ repeat = 100000, steps = [{{ ask = "api.sick" }}] }}]
        on_failure = "go-on"
        {SERVICES}
        "#
    ));
    // The second session starts after a pause of 100 µs.
    assert_eq!(run.users().offered, 200_000);
}

#[test]
fn who_reloads_asks_again_for_the_same_request() {
    // Asks at 0, 400 and 800 ms in vain, and at 1.2 s well.
    let run = run(r#"
        arrivals = "burst(1)"
        entry = { "api.home" = "50%", "api.page" = "50%" }
        reload = { after = "400ms" }
        [fault.broken]
        at = "0s"
        for = "1s"
        from = "shoppers"
        to = "api"
        error_rate = "100%"
    "#);
    let users = run.users();
    assert_eq!((users.offered, users.good, users.attempts), (1, 1, 4));
    assert_eq!(users.latency.max().unwrap().as_nanos(), 1_201_000_000);
    let mut calls = calls(&run);
    calls.sort_unstable();
    assert_eq!(calls, [0, 4], "the same page each time");
}

#[test]
fn who_reloads_gives_up_after_his_attempts_and_first_of_all_lets_his_client_try() {
    let run = run(r#"
        arrivals = "burst(5)"
        entry = "api.sick"
        reload = { after = "exp(1s)", attempts = 3 }
        client = "browser"
        [client.browser]
        retry = { attempts = 2 }
    "#);
    let users = run.users();
    assert_eq!((users.offered, users.outcomes[Outcome::Error as usize], users.attempts), (5, 5, 30));
    assert_eq!(calls(&run), [15]);
}

#[test]
fn who_reloads_after_his_deadline_has_passed_has_another_one() {
    // Each time the deadline of 50 ms travels along and ends a handler of 1 s; at 5 s the work becomes short.
    let run = Run::of(
        r#"
        duration = "20s"
        [workload.shoppers]
        arrivals = "burst(1)"
        entry = "front.page"
        deadline = "50ms"
        reload = { after = "450ms" }
        client = "browser"
        [client.browser]
        deadlines = "propagate"
        cancel = "at-once"
        [service.front.endpoint.page]
        steps = [{ work = "10ms" }]
        [fault.slow]
        at = "0s"
        for = "5s"
        service = "front"
        slow = 100.0
    "#,
    );
    let users = run.users();
    assert_eq!((users.offered, users.attempts, users.good), (1, 11, 0), "answered, though too late");
    assert_eq!(users.outcomes[Outcome::Ok as usize], 1);
    assert_eq!(users.latency.max().unwrap().as_nanos(), 5_010_000_000);
}
