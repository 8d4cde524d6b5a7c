//! Zones and links: what a message takes between two of them, and what leaves its zone.

use brownout::report::{Input, json};
use serde_json::Value;

use super::{longest, mean, workload};
use crate::reference::Run;

/// Users in zone `a` who ask a service without work; `links` and more come behind it.
fn asked(client: &str, service: &str, rest: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"

        [workload.users]
        entry = "server.get"
        arrivals = "even(10/s)"
        client = "user"
        zone = "a"

        [client.user]
        {client}

        [service.server]
        threads = "unlimited"
        {service}
        [service.server.endpoint.get]
        steps = [{{ work = "0s" }}]
        request = "uniform(0kB, 20kB)"
        response = "exp(50kB)"
        {rest}
        "#
    ))
}

#[test]
fn round_robin_over_two_zones_sends_half_of_all_calls_across() {
    let link = "[link.across]\nbetween = [\"a\", \"b\"]\nlatency = \"20ms\"";
    let run = asked("latency = \"1ms\"", "replicas = 2\nzones = [\"a\", \"b\"]", link);
    let users = workload(&run, "users");
    assert_eq!(users.latency.count(), 600);
    assert_eq!((mean(users), longest(users)), (21.0, 40.0), "the mean of 2 ms and 40 ms");
}

#[test]
fn replicas_stand_in_the_zones_one_after_another_and_again_from_the_first() {
    let link = "[link.across]\nbetween = [\"b\", \"a\"]\nlatency = \"20ms\"";
    let run = asked("latency = \"1ms\"", "replicas = 5\nzones = [\"a\", \"b\", \"b\"]", link);
    assert_eq!(mean(workload(&run, "users")), (2.0 * 2.0 + 3.0 * 40.0) / 5.0, "0 and 3 are near");
}

#[test]
fn a_service_calls_another_within_its_zone_and_out_of_it() {
    let run = Run::of(
        r#"
        duration = "60s"
        [workload.users]
        entry = "front.page"
        arrivals = "even(20/s)"
        [client.internal]
        latency = "1ms"
        [service.front]
        replicas = 2
        zones = ["a", "b"]
        [service.front.endpoint.page]
        steps = [{ call = "back.get", client = "internal" }]
        [service.back]
        replicas = 2
        zones = ["a", "b"]
        [service.back.endpoint.get]
        steps = [{ work = "0s" }]
        [link.inside]
        between = ["a", "a"]
        latency = "3ms"
        [link.across]
        between = ["b", "a"]
        latency = "5ms"
        "#,
    );
    // From a: 6 ms and 10 ms; from b: 10 ms, and 2 ms as the client says.
    assert_eq!(mean(workload(&run, "users")), 7.0);
}

#[test]
fn a_link_within_a_zone_is_for_those_who_stand_there() {
    let link = "[link.inside]\nbetween = [\"a\", \"a\"]\nlatency = \"250us\"";
    let latency = |service: &str| mean(workload(&asked("latency = \"50ms\"", service, link), "users"));
    assert_eq!(latency("replicas = 3\nzones = [\"a\"]"), 0.5);
    assert_eq!(latency("zones = [\"b\"]"), 100.0, "no link goes there");
    assert_eq!(latency(""), 100.0, "it stands nowhere");
}

/// What users and services have seen.
fn seen(run: &Run) -> String {
    let edges = run.results.transport.iter().flat_map(|it| &it.edges);
    let edges: Vec<_> = edges.map(|it| (it.messages, it.bytes, it.network_nanos, it.waits.sum_nanos())).collect();
    format!("{:?} {:?} {edges:?}", run.results.workloads, run.results.services)
}

/// Over a link every message goes as if the client had its figures: requests, answers, notices of cancellation, handshakes,
/// messages of streams.
#[test]
fn all_that_crosses_a_link_goes_as_if_the_client_had_its_figures() {
    let impatient = "timeout = \"25ms\"\ncancel = \"at-once\"\nretry = { attempts = 2, backoff = \"1ms\" }";
    let stream = "stream = { messages = 5, size = \"exp(4kB)\", sleep = \"1ms\" }";
    let tls = "[transport.safe]\npreset = \"rest\"\ntls = \"1.3\"\n[transport.safe.connections]\nrequests = 3";
    let latency = "latency = \"uniform(2ms, 12ms)\"";
    let all = format!("{latency}\nbandwidth = \"1MB/s\"\nloss = \"20%\"");
    let cases = [
        (String::new(), "steps = [{ work = \"exp(9ms)\" }]", latency),
        (impatient.to_owned(), "steps = [{ work = \"exp(9ms)\" }, { sleep = \"exp(9ms)\" }]", latency),
        (
            format!("transport = \"rest\"\n{impatient}"),
            "steps = [{ work = \"0s\" }]\nresponse = \"exp(5kB)\"",
            all.as_str(),
        ),
        ("transport = \"safe\"".to_owned(), "steps = [{ work = \"0s\" }]\nresponse = \"exp(50kB)\"", &all),
        ("transport = \"grpc\"".to_owned(), "steps = [{ work = \"0s\" }]\nrequest = \"exp(50kB)\"", &all),
        ("transport = \"grpc\"".to_owned(), &format!("steps = [{{ work = \"0s\" }}]\n{stream}"), &all),
    ];
    for (client, endpoint, figures) in cases {
        let run = |figures: &str, link: &str| {
            Run::of(&format!(
                r#"
                duration = "60s"
                [workload.users]
                entry = "server.get"
                arrivals = "poisson(20/s)"
                client = "user"
                zone = "a"
                [client.user]
                {client}
                {figures}
                {tls}
                [service.server]
                replicas = 2
                zones = ["b"]
                [service.server.endpoint.get]
                {endpoint}
                {link}
                "#
            ))
        };
        let own = if figures == all { "bandwidth = \"50MB/s\"\nloss = \"1%\"" } else { "latency = \"300us\"" };
        let (direct, plain) = (run(figures, ""), run(own, ""));
        let linked = run(own, &format!("[link.out]\nbetween = [\"b\", \"a\"]\n{figures}"));
        assert_eq!(seen(&linked), seen(&direct), "{client} {endpoint}");
        assert_ne!(seen(&linked), seen(&plain), "{client} {endpoint}");
    }
}

#[test]
fn what_a_link_does_not_say_is_as_the_client_says() {
    let run = |client: &str, link: &str| {
        let link =
            if link.is_empty() { String::new() } else { format!("[link.out]\nbetween = [\"a\", \"b\"]\n{link}") };
        seen(&asked(&format!("transport = \"rest\"\n{client}"), "zones = [\"b\"]", &link))
    };
    let (latency, bandwidth, loss) = ("latency = \"3ms\"\n", "bandwidth = \"1MB/s\"\n", "loss = \"30%\"\n");
    let whole = run(&[latency, bandwidth, loss].concat(), "");
    assert_eq!(run(&[latency, bandwidth].concat(), loss), whole);
    assert_eq!(run(&[latency, loss].concat(), bandwidth), whole);
    assert_eq!(run(&[bandwidth, loss].concat(), latency), whole);
    assert_ne!(run(&[latency, bandwidth].concat(), ""), whole);
    // A link may be better than the client says, too.
    let better = run(&[latency, bandwidth, loss].concat(), "loss = \"0%\"");
    assert_eq!(better, run(&[latency, bandwidth].concat(), ""));
}

#[test]
fn connections_of_each_replica_are_opened_over_its_own_link() {
    let run = Run::of(
        r#"
        duration = "60s"
        [workload.users]
        entry = "front.page"
        arrivals = "even(2/s)"
        [client.internal]
        transport = "rest"
        latency = "1ms"
        [service.front]
        replicas = 2
        zones = ["a", "b"]
        [service.front.endpoint.page]
        steps = [{ call = "back.get", client = "internal" }]
        [service.back]
        zones = ["b"]
        [service.back.endpoint.get]
        steps = [{ work = "0s" }]
        [link.across]
        between = ["a", "b"]
        latency = "10ms"
        "#,
    );
    // There and back: from a over the link, from b as the client says.
    let waits = &run.results.transport.as_ref().unwrap().edges[1].waits;
    assert_eq!((waits.count(), waits.sum_nanos()), (120, 20_000_000 + 2_000_000));
}

/// Who takes a request over answers from where he stands.
#[test]
fn a_request_that_is_handed_over_takes_the_links_of_its_way() {
    let rest = r#"
        [service.worker]
        zones = ["c"]
        [service.worker.endpoint.do]
        steps = [{ work = "0s" }]
        [link.there]
        between = ["a", "b"]
        latency = "3ms"
        [link.on]
        between = ["b", "c"]
        latency = "10ms"
        [link.back]
        between = ["c", "a"]
        latency = "100ms"
        [service.desk]
        zones = ["b"]
        [service.desk.endpoint.hand]
        steps = [{ forward = "worker.do", client = "user" }]
        [workload.others]
        entry = "desk.hand"
        arrivals = "even(5/s)"
        client = "user"
        zone = "a"
        "#;
    let run = asked("latency = \"1ms\"", "", rest);
    assert_eq!(mean(workload(&run, "others")), 113.0);
    assert_eq!(mean(workload(&run, "users")), 2.0);
}

#[test]
fn a_fault_on_calls_comes_on_top_and_goes_again() {
    let rest = r#"
        [link.across]
        between = ["a", "b"]
        latency = "20ms"
        [fault.slow]
        at = "20s"
        for = "20s"
        from = "users"
        to = "server"
        add_latency = "10ms"
        [fault.gone]
        at = "50s"
        for = "5s"
        from = "users"
        to = "server"
        cut = true
        "#;
    let run = asked("latency = \"1ms\"\ntimeout = \"1s\"", "zones = [\"b\"]", rest);
    let users = workload(&run, "users");
    assert_eq!(users.latency.count(), 550, "what is cut is lost");
    // 200 requests at 60 ms and 350 at 40 ms.
    assert_eq!(mean(users), 47.273);
    assert_eq!(longest(users), 60.0);
}

#[test]
fn bytes_that_leave_their_zone_are_counted_and_have_a_price() {
    let run = |prices: &str| {
        let rest = format!("[prices]\n{prices}");
        let run = asked("transport = \"rest\"", "replicas = 2\nzones = [\"a\", \"b\"]", &rest);
        let edge = run.results.transport.as_ref().unwrap().edges[0].clone();
        let input =
            Input { model: &run.model, results: &run.results, hash: "", version: "", twin: None, insight: None };
        let summary: Value = serde_json::from_str(&json::summary(&input)).unwrap();
        assert_eq!(summary["transport"]["edges"][0]["bytes_across_zones"], edge.bytes_across as u64);
        (edge, summary["cost"]["per_million_requests"]["network"].as_f64().unwrap())
    };
    let (edge, cost) = run("gigabyte = 10");
    let per_million = |bytes: u128, price: f64| bytes as f64 / 1e9 * price * 1e6 / 600.0;
    let near = |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 1e-9, "{value} not {expected}");
    // About half of them: every second request, of random size.
    assert!((0.4..0.6).contains(&(edge.bytes_across as f64 / edge.bytes as f64)));
    near(cost, per_million(edge.bytes, 10.0));
    near(run("gigabyte_across = 20").1, per_million(edge.bytes_across, 20.0));
    let both = per_million(edge.bytes - edge.bytes_across, 10.0) + per_million(edge.bytes_across, 20.0);
    near(run("gigabyte = 10\ngigabyte_across = 20").1, both);
}
