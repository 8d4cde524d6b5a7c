//! What connections a service takes on, and what becomes of the others.

use brownout::measure::ServiceMessages;
use brownout::policy::Outcome;

use super::workload;
use crate::reference::Run;

fn asked(arrivals: &str, connections: &str, service: &str, steps: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        [workload.users]
        entry = "server.get"
        arrivals = "{arrivals}"
        client = "user"
        [client.user]
        transport = "tuned"
        [transport.tuned]
        preset = "rest"
        connections = {{ {connections} }}
        [service.server]
        {service}
        [service.server.endpoint.get]
        steps = [{{ {steps} }}]
        "#
    ))
}

fn messages(run: &Run) -> &ServiceMessages {
    &run.results.transport.as_ref().unwrap().services[0]
}

fn opened(run: &Run) -> u64 {
    run.results.transport.as_ref().unwrap().channels[0].as_ref().unwrap().opened
}

/// Five at once, of which two are taken on, one has left the backlog and one is in it; each is done after 100 ms, and its
/// connection is closed. The fifth tries again after a second.
#[test]
fn connections_wait_in_the_backlog_and_are_ignored_behind_it() {
    let run = asked("burst(5)", "requests = 1", "connections = { max = 2, queue = 1 }", "sleep = \"100ms\"");
    let it = messages(&run);
    assert_eq!((it.connections_waited, it.connections_ignored), (2, 1));
    let users = workload(&run, "users");
    assert_eq!(users.outcomes[Outcome::Ok as usize], 5);
    // Two after 100 ms, two after 200 ms, one after 1.1 s.
    assert_eq!(users.latency.sum_nanos(), 1_700_000_000);
    let run = asked("burst(5)", "requests = 1", "", "sleep = \"100ms\"");
    assert_eq!(workload(&run, "users").latency.sum_nanos(), 500_000_000, "without a limit nobody waits");
}

/// Who keeps connections that he does not use keeps others out, until he goes away.
#[test]
fn one_that_gives_up_makes_room() {
    let service = "connections = { max = 1, queue = 0, keep_alive = \"10s\" }";
    let run = asked("burst(2)", "per_host = 2", service, "sleep = \"100ms\"");
    // The connection of the first is free after 100 ms, and the second request, which waits for one, takes it.
    assert_eq!(workload(&run, "users").latency.sum_nanos(), 300_000_000);
    assert_eq!(messages(&run).connections_waited, 1);
}

#[test]
fn the_server_ends_connections_too() {
    let every_second =
        |service: &str| opened(&asked("even(1/s)", "idle_timeout = \"20s\"", service, "sleep = \"1ms\""));
    assert_eq!(every_second(""), 1);
    assert_eq!(every_second("connections = { requests = 10 }"), 6);
    assert_eq!(every_second("connections = { requests = \"unlimited\" }"), 1);
    assert_eq!(every_second("connections = { keep_alive = \"500ms\" }"), 60);
    assert_eq!(every_second("connections = { keep_alive = \"30s\" }"), 1);
    // By default after a hundred requests.
    assert_eq!(opened(&asked("even(10/s)", "", "connections = {}", "sleep = \"1ms\"")), 6);
}
