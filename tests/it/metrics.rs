//! What expectations can measure, each metric on a system whose numbers are known by heart.

use crate::reference::Run;

/// Two threads for a burst of six requests of 100 ms: two begin at once, two wait 100 ms, two 200 ms. Then it happens
/// again, outside of the time of the conditions.
const BURSTS: &str = r#"
    duration = "20s"

    [workload.users]
    entry = "a.page"
    arrivals = "burst(6, at=1s, every=12s)"

    [service.a]
    threads = 2
    [service.a.endpoint.page]
    steps = [{ work = "100ms" }]
"#;

/// The values of conditions without their comparison, measured from 0 s to 10 s.
fn values(scenario: &str, conditions: &[&str]) -> Vec<Option<f64>> {
    let expectation = |(number, condition): (usize, &&str)| {
        format!("[expect.number{number}]\nthat = \"{condition}\"\nuntil = \"10s\"\n")
    };
    let text: String = conditions.iter().enumerate().map(expectation).collect();
    Run::of(&format!("{scenario}\n{text}")).results.measured
}

fn assert_close(got: &[Option<f64>], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        let got = got.unwrap();
        assert!((got - expected).abs() <= 0.005 * expected.abs(), "{got} instead of {expected}");
    }
}

#[test]
fn waits_count_everybody_who_got_a_thread() {
    let conditions = [
        "wait(a) < 1s",
        "wait_p50(a) < 1s",
        "wait_p99(a) < 1s",
        "waited(a) < 1%",
        "waited(a) < 1/s",
        "max(users) < 1s",
    ];
    assert_close(&values(BURSTS, &conditions), &[0.1, 0.1, 0.2, 4.0 / 6.0, 0.4, 0.3]);
}

#[test]
fn who_is_under_way_is_averaged_over_the_time() {
    // Two stay for 100 ms, two for 200 ms, two for 300 ms.
    let conditions = ["in_system(a) < 1", "in_system(users) < 1", "max(a) < 1s"];
    assert_close(&values(BURSTS, &conditions), &[0.12, 0.12, 0.3]);
}

/// Every call fails, and is tried three times; the front calls twice.
const RETRIES: &str = r#"
    duration = "20s"

    [workload.users]
    entry = "front.page"
    arrivals = "even(10/s)"

    [workload.others]
    entry = "other.page"
    arrivals = "even(30/s)"

    [client.stubborn]
    retry = { attempts = 3, backoff = "1ms" }

    [service.front.endpoint.page]
    steps = [
        { parallel = [{ call = "back.get", client = "stubborn" }, { call = "back.get", client = "stubborn" }] },
    ]
    [service.back.endpoint.get]
    steps = [{ fail = true }]
    [service.other.endpoint.page]
    steps = [{ work = "1ms" }]
"#;

#[test]
fn attempts_are_a_rate_or_a_number_for_each_request_of_users() {
    // At a service for each request of any workload: 6 attempts of one in four.
    let conditions = ["attempts(back) < 1/s", "attempts(back) < 1", "attempts(users) < 1", "attempts(users) < 1/s"];
    assert_close(&values(RETRIES, &conditions), &[60.0, 1.5, 1.0, 10.0]);
}

#[test]
fn who_leaves_the_queue_is_dropped() {
    // One thread for a burst of four of 100 ms, whose callers wait for 150 ms: the last two leave the queue.
    let scenario = r#"
        duration = "20s"

        [workload.users]
        entry = "a.page"
        arrivals = "burst(4)"
        client = "users"

        [client.users]
        timeout = "150ms"
        cancel = "waiting"

        [service.a]
        threads = 1
        [service.a.endpoint.page]
        steps = [{ work = "100ms" }]
    "#;
    let conditions = ["dropped(a) < 1%", "dropped(a) < 1/s", "waited(a) < 1%", "wait(a) < 1s", "wait_p99(a) < 1s"];
    assert_close(&values(scenario, &conditions), &[0.5, 0.2, 0.75, 0.05, 0.1]);
}
