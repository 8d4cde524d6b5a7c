//! Cores, context switches, contention, pauses and neighbours.

use super::{longest, mean, workload};
use crate::reference::Run;

fn machine(arrivals: &str, service: &str, steps: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "100s"

        [workload.users]
        entry = "machine.run"
        arrivals = "{arrivals}"

        [service.machine]
        {service}
        [service.machine.endpoint.run]
        allocates = "1MiB"
        steps = [{steps}]
        "#
    ))
}

#[test]
fn turns_cost_time_only_when_more_threads_work_than_there_are_cores() {
    let last = |count: u32, switch: &str| {
        let service = format!("cores = 2\n{switch}");
        longest(workload(&machine(&format!("burst({count})"), &service, "{ work = \"100ms\" }"), "users"))
    };
    let switch = "context_switch = { cost = \"1ms\", slice = \"4ms\" }";
    assert_eq!(last(2, switch), 100.0);
    assert_eq!(last(4, ""), 200.0);
    assert_eq!(last(4, switch), 250.0, "a fifth of the time is lost");
}

#[test]
fn contended_work_grows_with_what_is_in_progress_when_it_starts() {
    let steps = "{ work = \"100ms\", contention = \"10ms\" }";
    let run = machine("burst(5)", "", steps);
    // The first finds itself alone, the fifth four others.
    assert_eq!((longest(workload(&run, "users")), mean(workload(&run, "users"))), (150.0, 130.0));
    let run = machine("burst(5)", "threads = 1", steps);
    assert_eq!(longest(workload(&run, "users")), 550.0, "who waits in the queue is not in progress");
}

#[test]
fn an_event_loop_stands_still_while_one_handler_works() {
    let steps = "{ sleep = \"50ms\" }, { work = \"10ms\" }";
    let blocking = machine("burst(10)", "threads = 1", steps);
    let event_loop = machine("burst(10)", "threads = 1\nhandlers = \"async\"", steps);
    assert_eq!(longest(workload(&blocking, "users")), 600.0);
    assert_eq!(longest(workload(&event_loop, "users")), 150.0, "all sleep at once, and work one after the other");
}

#[test]
fn a_collector_that_counts_memory_pauses_as_often_as_memory_is_used() {
    // A pause of 50 ms after every 20 requests.
    let run = machine("even(10/s)", "gc = { heap = \"20MiB\", pause = \"50ms\" }", "{ work = \"10ms\" }");
    let users = workload(&run, "users");
    assert_eq!((longest(users), users.good), (60.0, 1000));
    assert_eq!(mean(users), 12.5, "one of twenty is struck, by 50 ms");
}

#[test]
fn a_collector_that_looks_at_the_clock_pauses_from_time_to_time() {
    let run = machine("even(10/s)", "gc = { every = \"1s\", pause = \"500ms\" }", "{ work = \"10ms\" }");
    let users = workload(&run, "users");
    // 1.0 s: what comes at 1.0 to 1.4 s waits until 1.5 s; a third of all come in a pause.
    assert_eq!(longest(users), 510.0);
    let late = users.latency.count() as f64 * (mean(users) - 10.0) / 1000.0;
    assert!((late - 100.0 / 1.5 * (0.5 + 0.4 + 0.3 + 0.2 + 0.1)).abs() < 3.0, "{late}");
}

#[test]
fn a_noisy_neighbour_stretches_what_is_under_way() {
    let neighbour = "neighbour = { every = \"1s\", for = \"1s\", slow = 3 }";
    let run = machine("even(2/s)", neighbour, "{ work = \"100ms\" }");
    // 0, 0.5: quiet; 1, 1.5: noisy; and so on.
    let users = workload(&run, "users");
    assert_eq!((mean(users), longest(users)), (200.0, 300.0));
}

#[test]
fn replicas_pause_at_times_of_their_own() {
    let service = "replicas = 20\ngc = { every = \"exp(5s)\", pause = \"1s\" }";
    let run = machine("even(100/s)", service, "{ work = \"1ms\" }");
    let users = workload(&run, "users");
    let quantiles = (0..100).map(|n| users.latency.quantile(f64::from(n) / 100.0).unwrap().as_secs_f64());
    let struck = quantiles.filter(|latency| *latency >= 0.002).count() as f64 / 100.0;
    // A sixth of the time of each.
    assert!((0.1..0.24).contains(&struck), "{struck}");
}
