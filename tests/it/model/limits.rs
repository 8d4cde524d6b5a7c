//! Limits of replicas, and what clients wait for before they send: rate limits and bulkheads.

use brownout::policy::Outcome;

use super::{longest, workload};
use crate::reference::Run;

/// A crowd that asks at once for what takes 10 ms, with `client` and `service` as said.
fn crowd(count: u32, client: &str, service: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "1s"

        [workload.crowd]
        entry = "api.get"
        arrivals = "burst({count})"
        client = "app"

        [client.app]
        {client}

        [service.api]
        {service}
        [service.api.endpoint.get]
        steps = [{{ sleep = "10ms" }}]
        "#
    ))
}

fn ended(run: &Run, outcome: Outcome) -> u64 {
    workload(run, "crowd").outcomes[outcome as usize]
}

/// What waits at the gate of the only edge, summed up, in milliseconds.
fn held_ms(run: &Run) -> f64 {
    run.results.edges[0].held_nanos.expect("its client has a gate") as f64 / 1e6
}

#[test]
fn a_fixed_limit_counts_who_waits_and_who_works() {
    let run = crowd(5, "", "threads = 1\nlimit = { max = 3 }");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Rejected)), (3, 2));
    let limit = run.service("api").limit.expect("it has one");
    assert_eq!((limit.limit_nanos, limit.beyond), (3 * 1_000_000_000, 2));
}

#[test]
fn a_place_within_the_limit_is_free_again_when_the_request_ends_however_it_ends() {
    // Every 20 ms four come, for whom nobody waits longer than 5 ms; the callee hears of it.
    let client = "timeout = \"5ms\"\ncancel = \"at-once\"";
    let service = "limit = { max = 4 }";
    let run = crowd(4, client, service);
    assert_eq!(ended(&run, Outcome::Timeout), 4);
    let again = Run::of(
        r#"
        duration = "1s"
        [workload.crowd]
        entry = "api.get"
        arrivals = "burst(4, every=20ms)"
        client = "app"
        [client.app]
        timeout = "5ms"
        cancel = "at-once"
        [service.api]
        limit = { max = 4 }
        [service.api.endpoint.get]
        steps = [{ sleep = "10ms" }]
        "#,
    );
    assert_eq!(again.service("api").rejected, 0);
    assert_eq!(again.service("api").dropped, again.service("api").arrivals);
}

#[test]
fn a_crash_frees_all_places_and_a_new_process_starts_with_its_limit() {
    let run = Run::of(
        r#"
        duration = "1s"
        [workload.crowd]
        entry = "api.get"
        arrivals = "burst(3, every=100ms)"
        [service.api]
        limit = { max = 3 }
        [service.api.endpoint.get]
        steps = [{ sleep = "10ms" }]
        [fault.crash]
        at = "205ms"
        for = "50ms"
        service = "api"
        crash = true
        [expect.limit]
        that = "limit(api) <= 3"
        "#,
    );
    assert_eq!(ended(&run, Outcome::Refused), 3, "those who were there");
    assert_eq!(ended(&run, Outcome::Ok), 27);
    let limit = run.service("api").limit.expect("it has one");
    assert_eq!(limit.limit_nanos, 3 * 950_000_000, "nothing while it is down");
    assert_eq!(run.results.measured, [Some(2.85)]);
}

#[test]
fn a_class_of_priorities_keeps_its_share_of_a_full_limit() {
    let run = Run::of(
        r#"
        duration = "1s"
        [workload.crowd]
        entry = "api.get"
        arrivals = "burst(20)"
        priority = 0
        [workload.guests]
        entry = "api.get"
        arrivals = "burst(20, at=1ms)"
        priority = 9
        [service.api]
        limit = { max = 10, shares = [{ priority = 5, share = "40%" }, { priority = 0, share = "20%" }] }
        [service.api.endpoint.get]
        steps = [{ sleep = "10ms" }]
        "#,
    );
    assert_eq!(ended(&run, Outcome::Ok), 10, "nobody else was there");
    assert_eq!(workload(&run, "guests").outcomes[Outcome::Ok as usize], 4, "their share, though all places are taken");
}

#[test]
fn a_call_waits_for_its_place_in_the_bulkhead_and_no_longer() {
    let run = crowd(5, "bulkhead = { max = 2, max_wait = \"15ms\" }", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (4, 1));
    assert_eq!(longest(workload(&run, "crowd")), 20.0);
    assert_eq!(held_ms(&run), 10.0 + 10.0 + 15.0);
    assert_eq!(run.results.edges[0].attempts, 4, "what is not sent is no attempt");
    let none = crowd(5, "bulkhead = { preset = \"resilience4j\", max = 2 }", "");
    assert_eq!((ended(&none, Outcome::Ok), ended(&none, Outcome::Limited)), (2, 3), "it does not wait");
}

#[test]
fn patience_counts_while_a_call_waits_for_its_place() {
    let run = crowd(3, "bulkhead = { max = 1, max_wait = \"1s\" }\ntimeout = \"15ms\"", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Timeout)), (1, 2));
    // One is sent after 10 ms, and given up 5 ms later; which makes room for the other, whose patience ends then, too.
    assert_eq!(run.results.edges[0].attempts, 3);
    assert_eq!(held_ms(&run), 10.0 + 15.0);
}

#[test]
fn a_full_queue_brings_threads_beyond_the_core() {
    let run = crowd(4, "bulkhead = { core = 1, max = 2, queue = 1 }", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (3, 1));
    assert_eq!(held_ms(&run), 10.0, "the second one waits in the queue, and the third one goes");
    let hystrix = crowd(12, "bulkhead = { preset = \"hystrix\" }", "");
    assert_eq!((ended(&hystrix, Outcome::Ok), ended(&hystrix, Outcome::Limited)), (10, 2));
}

#[test]
fn a_call_that_will_not_get_its_turn_sleeps_for_all_of_its_timeout() {
    let run = crowd(5, "rate_limit = { limit = 2, period = \"10ms\", timeout = \"12ms\" }", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (4, 1));
    assert_eq!(longest(workload(&run, "crowd")), 20.0, "two of the next cycle, and the work");
    assert_eq!(held_ms(&run), 10.0 + 10.0 + 12.0);
}

#[test]
fn a_leaky_bucket_lets_calls_go_one_after_another() {
    let run = crowd(5, "rate_limit = { rate = \"100/s\", timeout = \"25ms\" }", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (3, 2));
    assert_eq!(held_ms(&run), 10.0 + 20.0);
    assert_eq!(longest(workload(&run, "crowd")), 30.0);
}

#[test]
fn what_the_gate_refuses_is_tried_again_and_opens_the_breaker() {
    let breaker = "breaker = { window = 4, minimum_calls = 4, failure_rate = \"50%\", open_for = \"10s\" }";
    let run = crowd(6, &format!("bulkhead = {{ max = 2 }}\n{breaker}"), "");
    // Two are under way when the other four fail.
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (2, 4));
    let later = crowd(6, "bulkhead = { max = 2 }\nretry = { attempts = 4, backoff = \"10ms\" }", "");
    assert_eq!(ended(&later, Outcome::Ok), 6, "two every ten milliseconds");
}

#[test]
fn a_limit_of_a_client_holds_for_its_own_calls() {
    let run = crowd(5, "limit = { max = 3 }", "");
    assert_eq!((ended(&run, Outcome::Ok), ended(&run, Outcome::Limited)), (3, 2));
    let dropped = crowd(40, "limit = { preset = \"aimd\", initial = 20 }", "");
    assert_eq!((ended(&dropped, Outcome::Ok), ended(&dropped, Outcome::Limited)), (20, 20));
}

/// Weights, zones and subsets show in who is busy: each replica serves one request at a time and rejects the others.
fn served(client: &str, service: &str, users: &str) -> u64 {
    let run = Run::of(&format!(
        r#"
        duration = "1s"
        [workload.crowd]
        entry = "api.get"
        arrivals = "burst(14)"
        client = "app"
        {users}
        [client.app]
        {client}
        [service.api]
        threads = 1
        queue = 0
        {service}
        [service.api.endpoint.get]
        steps = [{{ sleep = "10ms" }}]
        [link.far]
        between = ["a", "b"]
        latency = "1ms"
        "#
    ));
    run.service("api").completed
}

#[test]
fn balancers_send_where_subset_zone_and_health_let_them() {
    let zones = "replicas = 6\nzones = [\"a\", \"b\"]";
    let here = "zone = \"a\"";
    assert_eq!(served("", zones, here), 6);
    assert_eq!(served("zone_aware = \"prefer\"", zones, here), 3, "one of two stands in the users' zone");
    assert_eq!(served("subset = 2", zones, here), 2);
    assert_eq!(served("balance = \"maglev\"", zones, here), served("balance = \"random\"", zones, here));
}

#[test]
fn a_replica_that_does_not_answer_is_left_out_for_a_while() {
    let run = |health: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "20s"
            [workload.crowd]
            entry = "api.get"
            arrivals = "even(10/s)"
            client = "app"
            [client.app]
            timeout = "100ms"
            {health}
            [service.api]
            replicas = 2
            [service.api.endpoint.get]
            steps = [{{ sleep = "10ms" }}]
            [fault.mute]
            at = "1s"
            service = "api"
            replicas = 1
            pause = true
            "#
        ));
        ended(&run, Outcome::Timeout)
    };
    // Half of nineteen seconds' requests, of which the last one still waits at the end, or one of each eleven seconds: it is tried after more than ten whole ones.
    assert_eq!(run(""), 94);
    assert_eq!(run("health = { max_fails = 1, fail_timeout = \"10s\" }"), 2);
}

#[test]
fn a_replica_that_has_just_come_back_gets_less_until_it_is_warm() {
    let arrivals_of = |slow_start: &str| {
        let run = Run::of(&format!(
            r#"
            duration = "20s"
            [workload.crowd]
            entry = "api.get"
            arrivals = "even(100/s)"
            [service.api]
            replicas = 2
            threads = 1
            queue = 0
            {slow_start}
            [service.api.endpoint.get]
            steps = [{{ sleep = "15ms" }}]
            [change.again]
            at = "10s"
            restart = "api"
            replicas = 1
            "#
        ));
        run.service("api").rejected
    };
    // Each can answer 66 of 100 a second, and gets 50. With a tenth of the weight at first the other one gets too many.
    assert_eq!(arrivals_of(""), 0);
    assert!(arrivals_of("slow_start = { window = \"8s\" }") > 50);
}
