//! Where the time of a request goes, along the path that it waits for: the parts are exact, and add up to its latency.

use brownout::kernel::Spent;
use brownout::measure::PARTS;

use super::workload;
use crate::reference::Run;

/// Mean milliseconds of a request by what they were spent on; all together are its mean latency.
fn parts(run: &Run) -> [f64; PARTS] {
    let path = &run.results.transport.as_ref().unwrap().paths[0];
    let latency = &workload(run, "users").latency;
    assert_eq!((path.requests, path.nanos.iter().sum::<u128>()), (latency.count(), latency.sum_nanos()));
    path.nanos.map(|nanos| nanos as f64 / 1e6 / path.requests as f64)
}

#[track_caller]
fn check(run: &Run, expected: &[(Spent, f64)]) {
    let parts = parts(run);
    for part in Spent::ALL {
        let expected = expected.iter().find(|(it, _)| *it == part).map_or(0.0, |(_, millis)| *millis);
        // Each of up to four messages is rounded to a nanosecond.
        assert!(
            (parts[part as usize] - expected).abs() < 1e-5,
            "{part:?}: {} and not {expected}",
            parts[part as usize]
        );
    }
}

fn shop(arrivals: &str, front: &str, client: &str, back: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        warmup = "1s"
        [workload.users]
        entry = "front.page"
        arrivals = "{arrivals}"
        [client.internal]
        transport = "tuned"
        latency = "1ms"
        {client}
        [transport.tuned]
        preset = "rest"
        connections = {{ idle_timeout = "none" }}
        [service.front]
        {front}
        [service.back]
        {back}
        "#
    ))
}

#[test]
fn one_step_after_another_adds_up() {
    let steps = r#"endpoint.page.steps = [
        { work = "2ms" }, { sleep = "3ms" },
        { call = "back.get", client = "internal" }, { call = "back.get", client = "internal" },
    ]"#;
    let back = r#"endpoint.get = { request = "10kB", response = "30kB", steps = [{ work = "1ms" }] }"#;
    let run = shop("even(10/s)", steps, "", back);
    // Two calls of 40 kB, of which each byte is written for 1.3 ns and read for 4.5 ns.
    let messages = 2.0 * 40_000.0 * 5.8e-6;
    check(&run, &[(Spent::Network, 4.0), (Spent::Messages, messages), (Spent::Work, 4.0), (Spent::Sleep, 3.0)]);
}

#[test]
fn what_others_take_of_cores_and_threads_is_a_wait() {
    let steps = "endpoint.page.steps = [{ work = \"10ms\" }, { call = \"back.get\", client = \"internal\" }]";
    let back = "endpoint.get.steps = [{ sleep = \"1ms\" }]";
    let both = "even(1/s, batch=2)";
    // Two at once on one core: each has half of it.
    let run = shop(both, &format!("cores = 1\n{steps}"), "", back);
    check(&run, &[(Spent::Work, 10.0), (Spent::Cores, 10.0), (Spent::Network, 2.0), (Spent::Sleep, 1.0)]);
    // On one thread, the second one waits for all that the first one does.
    let run = shop(both, &format!("threads = 1\n{steps}"), "", back);
    check(&run, &[(Spent::Work, 10.0), (Spent::Threads, 6.5), (Spent::Network, 2.0), (Spent::Sleep, 1.0)]);
}

#[test]
fn of_what_goes_on_at_once_the_last_one_counts() {
    let steps = r#"endpoint.page.steps = [{ parallel = [
        { call = "back.get", client = "internal" }, { sleep = "7ms" }, { work = "1ms" },
    ] }]"#;
    let run = shop("even(10/s)", steps, "", "endpoint.get.steps = [{ work = \"4ms\" }]");
    check(&run, &[(Spent::Sleep, 7.0)]);
    let run = shop("even(10/s)", steps, "", "endpoint.get.steps = [{ work = \"8ms\" }]");
    check(&run, &[(Spent::Network, 2.0), (Spent::Work, 8.0)]);
}

#[test]
fn attempts_without_an_answer_and_the_waits_between_them_are_told_apart() {
    let steps =
        r#"endpoint.page.steps = [{ call = "back.get", client = "internal", optional = true }, { work = "1ms" }]"#;
    let client = "timeout = \"100ms\"\nretry = { attempts = 2, backoff = \"50ms\", jitter = \"none\" }";
    let run = shop("even(1/s)", steps, client, "endpoint.get.steps = [{ sleep = \"1h\" }]");
    // Their connections are closed, and opened anew by each attempt in one round trip.
    check(&run, &[(Spent::Answers, 196.0), (Spent::Connections, 4.0), (Spent::Backoff, 50.0), (Spent::Work, 1.0)]);
}
