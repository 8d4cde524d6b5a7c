//! Transports: connections, bytes, CPU time of messages, and who is asked.

use brownout::base::time::Span;
use brownout::measure::{ConnectionResult, TransportResults};
use brownout::model::{Caller, Cancel, Deadlines, Id};
use brownout::policy::Outcome;

use super::{longest, mean, workload};
use crate::reference::Run;

/// Users who ask a service that works for 100 ms on as many threads as are wanted, over a transport.
fn asked(arrivals: &str, client: &str, transport: &str, service: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"

        [workload.users]
        entry = "server.get"
        arrivals = "{arrivals}"
        client = "user"

        [client.user]
        transport = "tuned"
        {client}

        [transport.tuned]
        {transport}

        [service.server]
        {service}
        [service.server.endpoint.get]
        request = "1kB"
        response = "1MB"
        steps = [{{ work = "100ms" }}]
        "#
    ))
}

fn transport(run: &Run) -> &TransportResults {
    run.results.transport.as_ref().unwrap()
}

/// Of the only channel.
fn connections(run: &Run) -> &ConnectionResult {
    transport(run).channels[0].as_ref().unwrap()
}

/// Outcomes of the users' requests.
fn ended(run: &Run, outcome: Outcome) -> u64 {
    workload(run, "users").outcomes[outcome as usize]
}

#[test]
fn the_first_request_waits_for_its_connection_and_the_others_do_not() {
    let first_and_mean = |transport: &str| {
        let run = asked("even(1/s)", "latency = \"10ms\"", transport, "");
        assert_eq!(connections(&run).opened, 1);
        let waits = &transport_edge(&run).waits;
        assert_eq!(waits.count(), 60);
        let others = (mean(workload(&run, "users")) * 60.0 - longest(workload(&run, "users"))) / 59.0;
        (longest(workload(&run, "users")), (others * 1e3).round() / 1e3)
    };
    // Server and network 120 ms; a round trip for TCP, another for TLS 1.3, two for TLS 1.2, and 310 us of CPU time.
    // Users do not count as anybody's CPU; the server writes 1 MB in 1.3 ms and reads 1 kB in 4.5 us.
    let server = 120.0 + 1.3 + 0.0045;
    let near = |(first, others): (f64, f64), expected: (f64, f64)| {
        assert!((first - expected.0).abs() < 0.002 && (others - expected.1).abs() < 0.002, "{first} {others}");
    };
    near(first_and_mean("preset = \"rest\""), (server + 20.0, server));
    // Encryption costs the server 0.5 ns for each byte, too.
    let server = server + 0.5005;
    near(first_and_mean("preset = \"rest\"\ntls = \"1.3\""), (server + 40.31, server));
    near(first_and_mean("preset = \"rest\"\ntls = \"1.2\""), (server + 60.31, server));
    near(first_and_mean("preset = \"grpc\""), (120.0 + 20.0 + 0.45 + 0.00155, 120.0 + 0.45 + 0.00155));
}

fn transport_edge(run: &Run) -> &brownout::measure::EdgeMessages {
    &transport(run).edges[0]
}

/// A network without latency, a server that works for 100 ms, messages that cost nothing.
fn free(arrivals: &str, connections: &str) -> Run {
    let encoding = "encoding = { encode = \"0ns/B\", decode = \"0ns/B\" }";
    asked(arrivals, "", &format!("preset = \"rest\"\n{encoding}\nconnections = {{ {connections} }}"), "")
}

#[test]
fn requests_wait_for_a_connection_of_which_there_are_only_so_many() {
    let run = free("burst(20)", "per_host = 5");
    assert_eq!((longest(workload(&run, "users")), connections(&run).peak), (400.0, 5));
    let waits = &transport_edge(&run).waits;
    assert_eq!((waits.count(), waits.max()), (20, Some(Span::from_millis(300))));
    let run = free("burst(20)", "per_host = 1, streams = 5");
    assert_eq!((longest(workload(&run, "users")), connections(&run).peak), (400.0, 1));
    let run = free("burst(20)", "per_host = 5, acquire_timeout = \"150ms\"");
    assert_eq!((workload(&run, "users").good, ended(&run, Outcome::Rejected)), (10, 10));
    let run = free("burst(20)", "per_host = 5, queue = 3");
    assert_eq!((workload(&run, "users").good, ended(&run, Outcome::Rejected)), (3, 17), "none was open yet");
}

#[test]
fn a_connection_is_closed_when_it_was_idle_used_or_there_for_long() {
    let opened = |limits: &str| connections(&free("even(1/s)", limits)).opened;
    assert_eq!(opened("idle_timeout = \"none\""), 1);
    assert_eq!(opened("idle_timeout = \"800ms\""), 60);
    assert_eq!(opened("idle_timeout = \"950ms\""), 1, "it is idle for 900 ms");
    assert_eq!(opened("requests = 10"), 6);
    assert_eq!(opened("idle = 0"), 60);
    assert_eq!(opened("max_age = \"10s\""), 6);
}

#[test]
fn a_request_that_is_given_up_breaks_a_connection_of_http_1_and_only_ends_a_stream_of_http_2() {
    let opened = |preset: &str| {
        let run = asked("even(10/s)", "timeout = \"50ms\"", &format!("preset = \"{preset}\""), "");
        assert_eq!(ended(&run, Outcome::Timeout), 600);
        connections(&run).opened
    };
    assert_eq!((opened("rest"), opened("rest-h2")), (600, 1));
}

#[test]
fn a_timeout_that_changes_holds_for_what_is_sent_from_then_on() {
    let change = "[change.patience]\nat = \"10s\"\nset = { \"client.user.timeout\" = \"90ms\" }";
    let run = asked("even(30/s)", "timeout = \"50ms\"", "preset = \"grpc\"", change);
    // Two are under way as it changes, and are given up after 50 ms like all before them; two are at the end.
    assert_eq!((ended(&run, Outcome::Timeout), workload(&run, "users").in_flight), (1_798, 2));
}

#[test]
fn bytes_take_time_on_the_way() {
    let run = asked("even(1/s)", "bandwidth = \"10MB/s\"", "preset = \"rest\"", "");
    let it = transport_edge(&run);
    // 1 kB and 1 MB, each with 600 bytes of headers.
    assert_eq!((it.messages, it.bytes), (120, 60 * (1_000 + 1_000_000 + 1_200)));
    assert_eq!(it.network_nanos, 60 * 100_220_000);
    let grpc = asked("even(1/s)", "", "preset = \"grpc\"", "");
    let grpc = transport_edge(&grpc);
    assert_eq!(grpc.bytes, 60 * (500 + 500_000) + 2 * 600 + 118 * 60, "headers are sent in full once");
    let zipped = asked("even(1/s)", "", "preset = \"rest\"\ncompression = { ratio = \"10%\", cpu = \"5ns/B\" }", "");
    assert_eq!(transport_edge(&zipped).bytes, 60 * (100 + 100_000 + 1_200));
    // Written in 1.3 ms and compressed in 5 ms; read in 4.5 us and 5 us.
    assert_eq!(transport(&zipped).services[0].encoding_nanos, 60 * (6_300_000 + 9_500));
}

#[test]
fn both_ends_work_on_messages_and_a_busy_service_gets_faster_when_they_get_cheaper() {
    let shop = |preset: &str| {
        Run::of(&format!(
            r#"
            duration = "1020s"
            warmup = "20s"

            [workload.users]
            entry = "front.page"
            arrivals = "poisson(70/s)"

            [client.internal]
            transport = "{preset}"

            [service.front]
            cores = 1
            [service.front.endpoint.page]
            steps = [{{ work = "8ms" }}, {{ call = "store.get", client = "internal" }}]

            [service.store.endpoint.get]
            request = "10kB"
            response = "1MB"
            steps = [{{ work = "1ms" }}]
            "#
        ))
    };
    let (rest, grpc) = (shop("rest"), shop("grpc"));
    let share = |run: &Run, service: usize| {
        transport(run).services[service].encoding_nanos as f64 / run.results.services[service].work_nanos as f64
    };
    // bytes × ns/byte: 13 us to write the request, 4.5 ms to read the answer; 45 us and 1.3 ms at the store.
    assert!((share(&rest, 0) - 4.513 / 12.513).abs() < 0.002, "{}", share(&rest, 0));
    assert!((share(&rest, 1) - 1.345 / 2.345).abs() < 0.002, "{}", share(&rest, 1));
    assert!((share(&grpc, 0) - 1.5545 / 9.5545).abs() < 0.002, "{}", share(&grpc, 0));
    // The core of the front is busy for 70 × 12.5 ms or 70 × 9.6 ms a second.
    // Of 70 000 requests: a standard error of 0.4%.
    let utilisation = |run: &Run| run.results.services[0].work_nanos as f64 / 1000e9;
    assert!((utilisation(&rest) - 0.876).abs() < 0.01, "{}", utilisation(&rest));
    assert!((utilisation(&grpc) - 0.669).abs() < 0.01, "{}", utilisation(&grpc));
    let (slow, fast) = (mean(workload(&rest, "users")), mean(workload(&grpc, "users")));
    assert!(slow > 2.0 * fast, "processor sharing at 88% and at 67%: {slow} ms and {fast} ms");
}

#[test]
fn a_connection_sticks_to_a_replica_unless_every_request_is_balanced() {
    let arrivals = |transport: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "30s"
            [workload.users]
            entry = "front.page"
            arrivals = "even(10/s)"
            [client.internal]
            transport = "tuned"
            [transport.tuned]
            preset = "grpc"
            {transport}
            [service.front.endpoint.page]
            steps = [{{ call = "back.get", client = "internal" }}]
            [service.back]
            replicas = 3
            limit = {{ rate = "4/s", burst = 1 }}
            [service.back.endpoint.get]
            steps = [{{ work = "1ms" }}]
            "#
        ));
        run.results.services[1].rejected
    };
    // Each replica takes on four requests a second: three together are enough for all.
    assert_eq!(arrivals("balancing = \"request\""), 0);
    let stuck = arrivals("balancing = \"connection\"");
    assert_eq!(stuck, 200, "one of them gets ten a second, and has a token for every third");
    let renewed = arrivals("balancing = \"connection\"\nconnections = { max_age = \"100ms\" }");
    assert!(renewed < stuck / 2, "{renewed}");
}

#[test]
fn a_loss_stalls_every_stream_of_its_connection() {
    let late = |preset: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "6000s"
            interval = "100s"
            [workload.users]
            entry = "server.get"
            arrivals = "even(100/s)"
            client = "user"
            deadline = "100ms"
            [client.user]
            transport = "{preset}"
            latency = "1ms"
            loss = "0.1%"
            [service.server.endpoint.get]
            steps = [{{ work = "1ms" }}]
            "#
        ));
        let users = workload(&run, "users");
        1.0 - users.good as f64 / users.offered as f64
    };
    // Two messages a request. In 600 000 requests the standard error is 0.006%.
    let rest = late("rest");
    assert!((rest - 0.001_999).abs() < 0.000_2, "{rest}");
    // A message that is lost is there 200 ms later, and so is what follows it on the connection: in each direction it and
    // the ten behind it, of which one comes every 10 ms, stall for 100 ms or more, which is too long with the 3 ms that
    // a request takes otherwise. Losses are 1200, so the standard error is 3% of it.
    let h2 = late("rest-h2");
    assert!((h2 / (1.0 - libm::pow(0.999, 22.0)) - 1.0).abs() < 0.09, "{h2}");
}

#[test]
fn a_crash_breaks_connections_and_grpc_waits_before_it_connects_again() {
    let run = |preset: &str| {
        Run::of(&format!(
            r#"
            duration = "20s"
            [workload.users]
            entry = "front.page"
            arrivals = "even(10/s)"
            [client.internal]
            transport = "{preset}"
            [service.front.endpoint.page]
            steps = [{{ call = "back.get", client = "internal" }}]
            [service.back.endpoint.get]
            steps = [{{ work = "1ms" }}]
            [fault.crash]
            at = "5s"
            for = "1550ms"
            service = "back"
            crash = true
            detect = "1h"
            "#
        ))
    };
    let (rest, grpc) = (run("rest"), run("grpc"));
    let failed = |run: &Run| run.results.services[0].failed;
    // Down until 6.55 s; HTTP/1.1 asks again with every request.
    assert_eq!((failed(&rest), connections_of(&rest).opened), (16, 18));
    // gRPC tries at 5 s and, a second later, at 6 s; then only after 1.28 to 1.92 s more.
    assert!((23..=30).contains(&failed(&grpc)), "{}", failed(&grpc));
    assert_eq!(connections_of(&grpc).opened, 4);
}

/// Of the channel between the services.
fn connections_of(run: &Run) -> &ConnectionResult {
    transport(run).channels.iter().flatten().next().unwrap()
}

#[test]
fn grpc_passes_deadlines_and_cancels_unless_the_client_says_otherwise() {
    let client = |keys: &str| {
        let run = asked("even(1/s)", keys, "preset = \"grpc\"", "");
        let client = run.model.clients.iter().nth(1).unwrap().clone();
        (client.deadlines, client.cancel)
    };
    assert_eq!(client(""), (Deadlines::Propagate, Cancel::BetweenSteps));
    assert_eq!(client("deadlines = \"local\"\ncancel = \"off\""), (Deadlines::Local, Cancel::Off));
}

#[test]
fn a_mesh_adds_two_proxies_to_every_message() {
    let shop = |mesh: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "10s"
            [workload.users]
            entry = "front.page"
            arrivals = "even(10/s)"
            [client.internal]
            transport = "tuned"
            [transport.tuned]
            preset = "rest"
            {mesh}
            [service.front.endpoint.page]
            steps = [{{ call = "back.get", client = "internal" }}]
            [service.back.endpoint.get]
            steps = [{{ work = "1ms" }}]
            "#
        ));
        millis_of_the_second(&run)
    };
    let without = shop("");
    let with = shop("mesh = { preset = \"istio\" }");
    assert!((with - without - 2.65).abs() < 0.01, "{without} {with}");
}

/// Istio asks twice more where nobody has taken the request on, unless the client says what it does itself.
#[test]
fn a_mesh_repeats_what_was_not_taken_on() {
    let attempts = |client: &str, back: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "20s"
            [workload.users]
            entry = "front.page"
            arrivals = "even(1/s)"
            [client.internal]
            transport = "meshed"
            {client}
            [transport.meshed]
            preset = "grpc"
            mesh = {{ preset = "istio" }}
            [service.front.endpoint.page]
            steps = [{{ call = "back.get", client = "internal" }}]
            [service.back]
            {back}
            "#
        ));
        let (id, _) = run.model.edges().enumerate().find(|(_, edge)| matches!(edge.from, Caller::Service(_))).unwrap();
        let edge = &run.results.edges[id.index()];
        (edge.calls, edge.attempts)
    };
    // The first takes the only token for ever.
    let full = "limit = { rate = \"1/h\", burst = 1 }\nendpoint.get.steps = [{ work = \"1ms\" }]";
    let (calls, all) = attempts("", full);
    assert_eq!(all, 3 * calls - 2);
    let (calls, all) = attempts("retry = \"none\"", full);
    assert_eq!(all, calls);
    let (calls, all) = attempts("retry = { attempts = 2 }", full);
    assert_eq!(all, 2 * calls - 1);
    let (calls, all) = attempts("", "endpoint.get.steps = [{ fail = true }]");
    assert_eq!(all, calls, "an error is an answer");
}

/// The shortest latency: that of a request whose connection was open.
fn millis_of_the_second(run: &Run) -> f64 {
    workload(run, "users").latency.min().unwrap().as_secs_f64() * 1e3
}

/// M/M/c/K at the client: c connections, K - c places in the queue for one.
#[test]
fn a_pool_of_connections_is_a_queue_of_its_own() {
    let run = Run::of(
        r#"
        duration = "40000s"
        warmup = "100s"
        interval = "100s"
        [workload.users]
        entry = "server.get"
        arrivals = "poisson(50/s)"
        client = "user"
        [client.user]
        transport = "tuned"
        [transport.tuned]
        preset = "rest"
        connections = { per_host = 5, queue = 5, idle_timeout = "none" }
        [service.server.endpoint.get]
        steps = [{ work = "exp(100ms)" }]
        "#,
    );
    let (load, c, k) = (5.0_f64, 5, 10);
    let mut weights = vec![1.0];
    for n in 1..=k {
        weights.push(weights[n - 1] * load / n.min(c) as f64);
    }
    let sum: f64 = weights.iter().sum();
    let blocked = weights[k] / sum;
    let queue: f64 = (c..=k).map(|n| (n - c) as f64 * weights[n] / sum).sum();
    let users = workload(&run, "users");
    let rejected = ended(&run, Outcome::Rejected) as f64 / users.offered as f64;
    // Two million requests: standard error below 0.3% of the share, measured over seeds.
    assert!((rejected / blocked - 1.0).abs() < 0.015, "{rejected} and not {blocked}");
    let wait = transport_edge(&run).waits.mean().unwrap().as_secs_f64();
    let expected = queue / (50.0 * (1.0 - blocked));
    assert!((wait / expected - 1.0).abs() < 0.015, "{wait} and not {expected}");
}

/// A front that hands requests of 1 MB over to a back, which works for 50 ms and answers with 1 kB; users ask without a
/// transport, or by `users`.
fn handed_over(users: &str, client: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"

        [workload.users]
        entry = "front.get"
        arrivals = "even(0.2/s)"
        {users}

        [client.users]
        transport = "rest"

        [client.internal]
        latency = "20ms"
        {client}

        [transport.wire]
        preset = "rest"

        [service.front.endpoint.get]
        response = "2MB"
        steps = [{{ work = "10ms" }}, {{ forward = "back.get", client = "internal" }}]

        [service.back.endpoint.get]
        request = "1MB"
        response = "1kB"
        steps = [{{ work = "50ms" }}]
        "#
    ))
}

#[test]
fn a_request_that_is_handed_over_costs_what_its_message_costs() {
    let took = |users: &str, client: &str| {
        let run = handed_over(users, client);
        (longest(workload(&run, "users")), run)
    };
    assert_eq!(took("", "").0, 80.0, "no transport, no size");
    // Written in 1.3 ms, read in 4.5 ms; 1 MB and headers of 600 B at 1 MB/s; the answer has no transport.
    let (millis, run) = took("", "transport = \"wire\"\nbandwidth = \"8Mbit/s\"");
    assert!((millis - (80.0 + 1.3 + 4.5 + 1000.6)).abs() < 1e-6, "{millis}");
    let messages: u64 = transport(&run).edges.iter().map(|edge| edge.messages).sum();
    assert_eq!(messages, 12, "one way only");
    // The answer is that of the endpoint that users have called, over their transport: written in 2.6 ms.
    let (millis, _) = took("client = \"users\"", "transport = \"wire\"\nbandwidth = \"8Mbit/s\"");
    assert!((millis - (80.0 + 1.3 + 4.5 + 1000.6 + 2.6)).abs() < 1e-6, "{millis}");
    let (millis, _) = took("client = \"users\"", "");
    assert!((millis - (80.0 + 2.6)).abs() < 1e-6, "the back reads nothing that came without a transport: {millis}");
    let (millis, _) = took("", "transport = \"in-process\"");
    assert_eq!(millis, 80.0);
}
