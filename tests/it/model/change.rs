//! What an operator does while the system runs.

use brownout::measure::ServiceResult;
use brownout::policy::Outcome;

use super::{longest, workload};
use crate::reference::Run;

/// Good answers to the first workload in a window of seconds, per second.
fn rate(run: &Run, window: std::ops::Range<usize>) -> f64 {
    let secs = window.len() as f64;
    run.good(window) as f64 / secs
}

/// An M/M/1 at 90% until something changes at 500 s.
fn busy(change: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "1000s"
        interval = "1s"

        [workload.users]
        entry = "api.page"
        arrivals = "poisson(90/s)"

        [service.api]
        threads = 1
        [service.api.endpoint.page]
        steps = [{{ work = "exp(10ms)" }}]

        [change.it]
        at = "500s"
        {change}
        "#
    ))
}

/// The mean number in the queue of a service in a window of seconds.
fn queue(run: &Run, window: std::ops::Range<usize>) -> f64 {
    let levels = &run.results.series.services[0].queue[window];
    levels.iter().sum::<f64>() / levels.len() as f64
}

#[test]
fn twice_the_threads_make_a_short_queue_of_a_long_one() {
    let run = busy("set = { \"service.api.threads\" = 2 }");
    // M/M/1 at 90%: 8.1 wait. M/M/2 with a load of 0.9: Erlang's C is 0.279, and C × 0.45 / 0.55 = 0.23 wait.
    let (before, after) = (queue(&run, 100..500), queue(&run, 510..1000));
    assert!((4.0..16.0).contains(&before), "{before}");
    assert!((0.15..0.35).contains(&after), "{after}");
}

#[test]
fn until_a_change_nothing_is_different() {
    let (changed, plain) =
        (busy("set = { \"service.api.threads\" = 2 }"), busy("set = { \"service.api.threads\" = 1 }"));
    let until = |run: &Run| {
        let series = &run.results.series;
        (series.workloads[0].good[..500].to_vec(), series.services[0].queue[..500].to_vec())
    };
    assert_eq!(until(&changed), until(&plain));
    let scaled = busy("scale = { api = 3 }");
    assert_eq!(until(&scaled), until(&plain));
    assert_ne!(scaled.results.series.services[0].queue, plain.results.series.services[0].queue);
}

/// Twenty requests at once, each of which takes a second; something changes after 500 ms and 1500 ms.
fn burst(service: &str, changes: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        interval = "1s"

        [workload.users]
        entry = "api.page"
        arrivals = "burst(20)"

        [workload.late]
        entry = "api.page"
        arrivals = "burst(5, at=600ms)"

        [service.api]
        {service}
        [service.api.endpoint.page]
        steps = [{{ work = "1s" }}]

        {changes}
        "#
    ))
}

#[test]
fn more_threads_serve_who_waits_at_once() {
    let run = burst("threads = 10", "[change.more]\nat = \"500ms\"\nset = { \"service.api.threads\" = 20 }");
    assert_eq!(longest(workload(&run, "users")), 1500.0);
    let run = burst("threads = 10", "[change.more]\nat = \"500ms\"\nset = { \"service.api.threads\" = \"unlimited\" }");
    assert_eq!((longest(workload(&run, "users")), longest(workload(&run, "late"))), (1500.0, 1000.0));
}

#[test]
fn fewer_threads_come_about_as_requests_end() {
    // Ten end at 1 s, after which there are two threads for ten more, two of them at a time.
    let run = burst("threads = 10", "[change.fewer]\nat = \"500ms\"\nset = { \"service.api.threads\" = 2 }");
    assert_eq!(longest(workload(&run, "users")), 6000.0);
    assert_eq!(workload(&run, "users").good, 20);
}

#[test]
fn a_shorter_queue_turns_nobody_away_who_waits() {
    for overflow in ["reject-newest", "reject-oldest"] {
        let service = format!("threads = 10\nqueue = 10\noverflow = \"{overflow}\"");
        let run = burst(&service, "[change.shorter]\nat = \"500ms\"\nset = { \"service.api.queue\" = 3 }");
        assert_eq!(workload(&run, "users").good, 20, "{overflow}");
        assert_eq!(workload(&run, "late").outcomes[Outcome::Rejected as usize], 5, "{overflow}");
        let run = burst(&service, "[change.longer]\nat = \"500ms\"\nset = { \"service.api.queue\" = 15 }");
        assert_eq!((workload(&run, "users").good, workload(&run, "late").good), (20, 5), "{overflow}");
    }
}

#[test]
fn who_comes_later_waits_as_long_as_is_said_then() {
    let run =
        burst("threads = 20", "[change.patience]\nat = \"500ms\"\nset = { \"service.api.queue_timeout\" = \"100ms\" }");
    assert_eq!((workload(&run, "users").good, run.service("api").shed), (20, 5));
}

#[test]
fn more_cores_share_the_work_anew() {
    // Of 1 s each has 50 ms after the first 500 ms, 70 ms when the late ones come, who share four cores with them.
    let run = burst("cores = 2", "[change.cores]\nat = \"500ms\"\nset = { \"service.api.cores\" = 4 }");
    assert_eq!(longest(workload(&run, "users")), 600.0 + 930.0 * 25.0 / 4.0);
}

/// A client that asks a server which takes 1 s, ten times a second for 20 s; something changes at 10 s.
fn client(keys: &str, change: &str, endpoint: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "30s"
        interval = "1s"

        [workload.users]
        entry = "api.page"
        arrivals = {{ even = [["0s", "10/s"], ["20s", "10/s"], ["20s", "0/s"]] }}
        client = "web"

        [service.api]
        [service.api.endpoint.page]
        steps = [{endpoint}]

        [client.web]
        {keys}

        [change.it]
        at = "10s"
        set = {{ {change} }}
        "#
    ))
}

#[test]
fn a_new_timeout_holds_for_attempts_that_are_sent_from_then_on() {
    let run = client("timeout = \"5s\"", "\"client.web.timeout\" = \"500ms\"", "{ sleep = \"1s\" }");
    assert_eq!((run.users().good, run.users().outcomes[Outcome::Timeout as usize]), (100, 100));
    let run = client("timeout = \"500ms\"", "\"client.web.timeout\" = \"none\"", "{ sleep = \"1s\" }");
    assert_eq!((run.users().good, run.users().outcomes[Outcome::Timeout as usize]), (100, 100));
}

#[test]
fn policies_change_and_start_afresh() {
    let fails = "{ fail = true }";
    let run = client("", "\"client.web.retry\" = { attempts = 3 }", fails);
    assert_eq!(run.users().attempts, 100 + 3 * 100);
    let run = client("retry = { attempts = 3 }", "\"client.web.retry.attempts\" = 2", fails);
    assert_eq!(run.users().attempts, 3 * 100 + 2 * 100);
    let breaker = "{ window = 10, minimum_calls = 10, open_for = \"60s\" }";
    let run = client("", &format!("\"client.web.breaker\" = {breaker}"), fails);
    assert_eq!(run.users().outcomes[Outcome::ShortCircuited as usize], 90, "after ten failures it opens");
    let run = client(&format!("breaker = {breaker}"), "\"client.web.breaker.window\" = 20", fails);
    assert_eq!(run.users().outcomes[Outcome::ShortCircuited as usize], 90 + 90, "it is closed first");
    let run = client(&format!("breaker = {breaker}"), "\"client.web.breaker\" = \"none\"", fails);
    assert_eq!(run.users().outcomes[Outcome::ShortCircuited as usize], 90);
}

#[test]
fn latency_and_limits_change() {
    let run = client("latency = \"10ms\"", "\"client.web.latency\" = \"100ms\"", "{ sleep = \"1s\" }");
    assert_eq!((run.users().good, longest(run.users())), (200, 1200.0));
    let run = client("", "\"service.api.limit\" = { rate = \"5/s\", burst = 1 }", "{ sleep = \"1s\" }");
    assert!((149..=151).contains(&run.users().good), "{}", run.users().good);
}

#[test]
fn later_changes_build_on_earlier_ones() {
    let run = Run::of(
        r#"
        duration = "30s"

        [workload.users]
        entry = "api.page"
        arrivals = "even(10/s)"
        client = "web"

        [service.api.endpoint.page]
        steps = [{ fail = true }]

        [client.web]

        # They stand in another order than they happen.
        [change.backoff]
        at = "20s"
        set = { "client.web.retry.backoff" = "10ms" }

        [change.retry]
        at = "10s"
        set = { "client.web.retry.attempts" = 2 }
        "#,
    );
    assert_eq!(run.users().attempts, 100 + 2 * 200, "the second change keeps what the first one says");
}

#[test]
fn a_pool_gets_more_permits_and_fewer() {
    let held = |size: u32, to: u32| {
        let run = Run::of(&format!(
            r#"
            duration = "60s"
            interval = "1s"

            [workload.users]
            entry = "api.page"
            arrivals = "burst(20)"

            [service.api]
            [service.api.endpoint.page]
            steps = [{{ hold = "db", steps = {{ sleep = "1s" }} }}]

            [pool.db]
            size = {size}

            [change.it]
            at = "500ms"
            set = {{ "pool.db.size" = {to} }}
            "#
        ));
        assert_eq!(run.users().good, 20);
        longest(run.users())
    };
    assert_eq!(held(10, 20), 1500.0);
    assert_eq!(held(10, 2), 6000.0);
    assert_eq!(held(10, 10), 2000.0);
}

/// Three replicas that can answer 100 requests a second each, and what is done to them. `changes` may begin with keys
/// of the client.
fn fleet(rate: &str, service: &str, changes: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        interval = "1s"

        [workload.users]
        entry = "api.page"
        arrivals = "poisson({rate})"
        key = "uniform(1000)"
        deadline = "1s"
        client = "web"

        [service.api]
        replicas = 3
        threads = 1
        startup = "2s"
        {service}
        [service.api.endpoint.page]
        steps = [{{ work = "exp(10ms)" }}]

        [client.web]
        latency = "5ms"

        {changes}
        "#
    ))
}

fn up(run: &Run, second: usize) -> u32 {
    run.results.series.services[0].up[second]
}

fn left(it: &ServiceResult) -> (u64, u64) {
    (it.refused, it.rejected + it.shed + it.dropped)
}

#[test]
fn more_replicas_serve_after_their_startup() {
    let run = fleet("450/s", "queue = 20", "[change.out]\nat = \"30s\"\nscale = { api = 6 }");
    let (before, starting, after) = (rate(&run, 5..30), rate(&run, 30..32), rate(&run, 34..60));
    assert!(before < 305.0 && starting < 330.0, "{before}/s, then {starting}/s");
    assert!((430.0..470.0).contains(&after), "{after}/s");
    assert_eq!((up(&run, 29), up(&run, 31), up(&run, 33)), (3, 3, 6));
}

#[test]
fn fewer_replicas_finish_what_they_have() {
    for balance in ["round-robin", "join-shortest", "ring-hash", "least-request"] {
        let run =
            fleet("80/s", "", &format!("balance = \"{balance}\"\n[change.in]\nat = \"30s\"\nscale = {{ api = 1 }}"));
        assert_eq!(run.users().outcomes[Outcome::Ok as usize] + run.users().in_flight, run.users().offered);
        assert_eq!(left(run.service("api")), (0, 0));
        assert_eq!((up(&run, 29), up(&run, 32)), (3, 1));
    }
}

#[test]
fn a_service_shrinks_and_grows_again() {
    let run = fleet(
        "80/s",
        "",
        "[change.in]\nat = \"20s\"\nscale = { api = 1 }\n[change.out]\nat = \"30s\"\nscale = { api = 2 }",
    );
    assert_eq!((up(&run, 19), up(&run, 25), up(&run, 31), up(&run, 33)), (3, 1, 1, 2));
    assert_eq!(left(run.service("api")), (0, 0));
}

#[test]
fn a_drain_loses_no_request() {
    let run = fleet("90/s", "", "[change.aside]\nat = \"20s\"\ndrain = \"api\"\nreplicas = 2\nfor = \"10s\"");
    assert_eq!(run.users().outcomes[Outcome::Ok as usize] + run.users().in_flight, run.users().offered);
    assert_eq!(left(run.service("api")), (0, 0));
    let queue = |window| queue(&run, window);
    let (before, during, after) = (queue(5..20), queue(22..30), queue(40..60));
    assert!(during > 5.0 * before && during > 5.0 * after, "{before}, {during}, {after}");
    let all = fleet("90/s", "", "[change.aside]\nat = \"20s\"\ndrain = \"api\"");
    assert!(all.good(21..60) == 0 && all.good(0..20) > 1500, "nobody is left");
}

#[test]
fn a_restart_loses_what_a_process_holds() {
    let run = fleet("200/s", "", "[change.all]\nat = \"20s\"\nrestart = \"api\"");
    assert_eq!((run.good(21..22), up(&run, 21), up(&run, 23)), (0, 0, 3));
    assert!(rate(&run, 30..60) > 190.0);
    assert!(run.service("api").refused > 0);
    let one = fleet("200/s", "", "[change.one]\nat = \"20s\"\nrestart = \"api\"\nreplicas = \"10%\"");
    assert_eq!((up(&one, 21), up(&one, 23)), (2, 3));
}

#[test]
fn a_rolling_restart_keeps_up_goodput() {
    let changes =
        |every: &str| format!("retry = {{ attempts = 3 }}\n[change.roll]\nat = \"20s\"\nrestart = \"api\"\n{every}");
    let rolling = fleet("100/s", "", &changes("every = \"5s\""));
    let ups: Vec<u32> = [19, 21, 23, 26, 28, 31, 33].map(|second| up(&rolling, second)).to_vec();
    assert_eq!(ups, [3, 2, 3, 2, 3, 2, 3]);
    let users = rolling.users();
    assert!(users.good as f64 >= 0.999 * users.offered as f64, "{} of {}", users.good, users.offered);
    let at_once = fleet("100/s", "", &changes(""));
    assert!((at_once.users().good as f64) < 0.98 * at_once.users().offered as f64);
}

#[test]
fn a_crash_during_a_scale_in_brings_nobody_back() {
    let run = fleet(
        "80/s",
        "",
        r#"
        [change.in]
        at = "20s"
        scale = { api = 1 }

        [fault.power]
        at = "25s"
        for = "5s"
        service = "api"
        crash = true
        "#,
    );
    assert_eq!((up(&run, 22), up(&run, 27), up(&run, 33)), (1, 0, 1));
}

#[test]
fn expectations_count_the_threads_that_are_there() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "api.page"
        arrivals = "even(10/s)"

        [service.api]
        threads = 1
        [service.api.endpoint.page]
        steps = [{ work = "50ms" }]

        [change.more]
        at = "10s"
        set = { "service.api.threads" = 3 }

        [expect.all]
        that = "utilisation(api) <= 25.1%"

        [expect.late]
        that = "utilisation(api) <= 17%"
        after = "10s"
        "#,
    );
    let measured: Vec<f64> = run.results.measured.iter().map(|it| (it.unwrap() * 1e3).round() / 1e3).collect();
    assert_eq!(measured, [0.25, 0.167], "half a thread of two, and of three");
}
