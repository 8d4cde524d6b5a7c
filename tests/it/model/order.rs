//! How the policies of a client stand around a call: the same two policies, one way round and the other.

use brownout::model::Client;
use brownout::policy::Outcome;
use brownout::policy::breaker::Sees;
use brownout::policy::order::{Layer, Order};
use brownout::scenario::{LoadOptions, load};

use super::workload;
use crate::reference::Run;

/// Ten seconds of `arrivals` through a client with these keys; a call takes 10 ms and ends with `last`.
fn text(client: &str, arrivals: &str, last: &str) -> String {
    format!(
        r#"
        duration = "10s"

        [workload.users]
        entry = "api.get"
        arrivals = "{arrivals}"
        client = "app"

        [client.app]
        {client}

        [service.api.endpoint.get]
        steps = [ {{ sleep = "10ms" }}, {last} ]
        "#
    )
}

fn failing(client: &str, arrivals: &str) -> Run {
    Run::of(&text(client, arrivals, "{ fail = true }"))
}

fn working(client: &str, arrivals: &str) -> Run {
    Run::of(&text(client, arrivals, ""))
}

/// Attempts that were sent, and those that ended so without having been sent or answered.
fn attempts(run: &Run, outcome: Outcome) -> (u64, u64) {
    let edge = &run.results.edges[0];
    (edge.attempts, edge.outcomes[outcome as usize])
}

fn users(run: &Run, outcome: Outcome) -> u64 {
    workload(run, "users").outcomes[outcome as usize]
}

#[test]
fn a_breaker_counts_attempts_inside_of_retries_and_calls_outside() {
    let client = |order: &str| {
        format!("retry = {{ attempts = 3 }}\nbreaker = {{ minimum_calls = 6, window = 6 }}\norder = {order}")
    };
    // Six failures open it: those of two calls, or of six. Then each of ten calls is refused, with all its attempts or once.
    let inside = failing(&client(r#"["retry", "breaker"]"#), "even(1/s)");
    assert_eq!(attempts(&inside, Outcome::ShortCircuited), (6, 3 * 8));
    let outside = failing(&client(r#"["breaker", "retry"]"#), "even(1/s)");
    assert_eq!(attempts(&outside, Outcome::ShortCircuited), (18, 4));
}

#[test]
fn a_timeout_outside_of_retries_is_that_of_the_call() {
    let client =
        |order: &str| format!("retry = {{ attempts = 3, backoff = \"50ms\" }}\ntimeout = \"100ms\"\norder = {order}");
    // 10 + 50 + 10 + 50 ms, and the third attempt would begin at 120 ms.
    let call = failing(&client(r#"["timeout", "retry"]"#), "even(1/s)");
    assert_eq!((attempts(&call, Outcome::Error), users(&call, Outcome::Timeout)), ((20, 20), 10));
    let attempt = failing(&client(r#"["retry", "timeout"]"#), "even(1/s)");
    assert_eq!((attempts(&attempt, Outcome::Error), users(&attempt, Outcome::Error)), ((30, 30), 10));
}

#[test]
fn a_bulkhead_outside_of_retries_keeps_its_place_between_attempts() {
    let client = |bulkhead: &str, order: &str| {
        format!("retry = {{ attempts = 3, backoff = \"50ms\" }}\nbulkhead = {bulkhead}\norder = {order}")
    };
    let outside = failing(&client("{ max = 1 }", r#"["bulkhead", "retry"]"#), "burst(2, every=1s)");
    assert_eq!(attempts(&outside, Outcome::Limited), (30, 10), "the second call is turned away as a whole");
    let inside = failing(&client("{ max = 1 }", r#"["retry", "bulkhead"]"#), "burst(2, every=1s)");
    assert_eq!(attempts(&inside, Outcome::Limited), (30, 30), "its attempts are, one by one");
    let waiting = failing(&client("{ max = 1, max_wait = \"1s\" }", r#"["bulkhead", "retry"]"#), "burst(2, every=1s)");
    // Three times 10 ms and two times 50 ms, ten times.
    assert_eq!(waiting.results.edges[0].held_nanos, Some(10 * 130_000_000));
    assert_eq!(attempts(&waiting, Outcome::Limited), (60, 0));
}

#[test]
fn a_rate_limit_outside_of_retries_counts_calls() {
    let client = |order: &str| {
        format!(
            "retry = {{ attempts = 3 }}\nrate_limit = {{ limit = 1, period = \"1s\", timeout = \"0s\" }}\norder = {order}"
        )
    };
    let outside = failing(&client(r#"["rate_limit", "retry"]"#), "even(1/s)");
    assert_eq!(attempts(&outside, Outcome::Limited), (30, 0));
    let inside = failing(&client(r#"["retry", "rate_limit"]"#), "even(1/s)");
    assert_eq!(attempts(&inside, Outcome::Limited), (10, 20));
}

#[test]
fn a_wait_for_the_bulkhead_counts_against_a_timeout_that_stands_outside_of_it() {
    let client =
        |order: &str| format!("timeout = \"15ms\"\nbulkhead = {{ max = 1, max_wait = \"1s\" }}\norder = {order}");
    let outside = working(&client(r#"["timeout", "bulkhead"]"#), "burst(2, every=1s)");
    assert_eq!((users(&outside, Outcome::Ok), users(&outside, Outcome::Timeout)), (10, 10));
    let inside = working(&client(r#"["bulkhead", "timeout"]"#), "burst(2, every=1s)");
    assert_eq!((users(&inside, Outcome::Ok), users(&inside, Outcome::Timeout)), (20, 0));
}

#[test]
fn a_breaker_inside_of_a_timeout_does_not_count_what_the_timeout_cuts_off() {
    let client =
        |order: &str| format!("timeout = \"5ms\"\nbreaker = {{ minimum_calls = 3, window = 3 }}\norder = {order}");
    let outside = working(&client(r#"["breaker", "timeout"]"#), "even(1/s)");
    assert_eq!((users(&outside, Outcome::Timeout), users(&outside, Outcome::ShortCircuited)), (3, 7));
    let inside = working(&client(r#"["timeout", "breaker"]"#), "even(1/s)");
    assert_eq!((users(&inside, Outcome::Timeout), users(&inside, Outcome::ShortCircuited)), (10, 0));
}

#[test]
fn a_breaker_takes_the_wait_for_the_bulkhead_for_a_part_of_the_call() {
    // Both take 10 ms, but the second one of each pair waits 10 ms before.
    let client = "bulkhead = { max = 1, max_wait = \"1s\" }\nbreaker = { minimum_calls = 4, window = 4, failure_rate = \
                  \"100%\", slow_call_duration = \"15ms\", slow_call_rate = \"50%\" }";
    let run = working(client, "burst(2, every=1s)");
    assert_eq!((users(&run, Outcome::Ok), users(&run, Outcome::ShortCircuited)), (4, 16));
}

#[test]
fn the_pool_of_envoy_lets_some_wait_and_fails_the_rest_at_once() {
    let client = "retry = { preset = \"envoy\" }\nbulkhead = { preset = \"envoy\", max = 2, queue = 3 }";
    let run = working(client, "burst(10, every=1s)");
    assert_eq!(attempts(&run, Outcome::Limited), (50, 50), "what overflows is never retried");
    assert_eq!(users(&run, Outcome::Ok), 50);
    // Two wait 10 ms and one 20 ms.
    assert_eq!(run.results.edges[0].held_nanos, Some(10 * 40_000_000));
}

/// The client `app` of a scenario that is well formed.
fn client(keys: &str) -> Client {
    let loaded = load("case.toml", text(keys, "even(1/s)", "").as_bytes(), &LoadOptions::default());
    let model = loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)));
    model.clients.iter().find(|client| client.name == "app").unwrap().clone()
}

#[test]
fn the_default_is_the_order_of_the_library() {
    let order = |keys: &str| client(keys).order;
    assert_eq!(order(""), Order::RESILIENCE4J);
    assert_eq!(order("breaker = { preset = \"resilience4j\" }"), Order::RESILIENCE4J);
    assert_eq!(order("breaker = { preset = \"failsafe\" }"), Order::RESILIENCE4J);
    assert_eq!(order("breaker = { preset = \"hystrix\" }"), Order::HYSTRIX);
    assert_eq!(order("breaker = { preset = \"polly\" }\nretry = { preset = \"envoy\" }"), Order::POLLY);
    assert_eq!(order("retry = { preset = \"envoy\" }"), Order::ENVOY);
    assert_eq!(order("retry = { preset = \"grpc\" }"), Order::RESILIENCE4J);
    assert_eq!(order("bulkhead = { preset = \"istio\" }"), Order::ENVOY);
    assert_eq!(order("breaker = { sees = \"calls\" }"), Order::RESILIENCE4J.with_breaker(Sees::Calls));
    assert_eq!(order("hedge = { after = \"1ms\" }"), Order::RESILIENCE4J.with_hedges());
    let written = client("breaker = {}\nretry = {}\norder = [\"breaker\", \"retry\"]");
    assert_eq!(written.breaker.unwrap().sees, Sees::Calls);
    assert_eq!(written.order.around_calls(), [Layer::Breaker]);
}

/// Its timeout is that of the command: it counts from before the wait for a thread, and ends what is repeated in `run()`.
#[test]
fn the_timeout_of_hystrix_is_around_all_of_its_command() {
    let retries = "timeout = \"15ms\"\nretry = { attempts = 3, on = [\"error\"] }\nbreaker = { preset = \"hystrix\" }";
    assert_eq!(client(retries).order.around_calls(), [Layer::Breaker, Layer::Timeout, Layer::Bulkhead]);
    // Two commands want the only thread at once; the second has waited 10 ms of its 15 when it gets it.
    let threads = "bulkhead = { preset = \"hystrix\", core = 1, max = 1, queue = 1 }";
    let run =
        working(&format!("timeout = \"15ms\"\nbreaker = {{ preset = \"hystrix\" }}\n{threads}"), "burst(2, every=1s)");
    assert_eq!((users(&run, Outcome::Ok), users(&run, Outcome::Timeout)), (10, 10));
}

#[test]
fn more_requests_than_a_cluster_may_have_fail_though_there_are_connections() {
    let pool = |keys: &str| {
        let run = working(&format!("bulkhead = {{ preset = \"envoy\", {keys} }}"), "burst(10, every=1s)");
        (users(&run, Outcome::Ok), users(&run, Outcome::Limited))
    };
    assert_eq!(pool("max = 5, queue = 2"), (70, 30));
    assert_eq!(pool("max = 5, queue = 2, requests = 5"), (70, 30));
    assert_eq!(
        pool("max = 5, queue = 2, requests = 4"),
        (40, 60),
        "there is a connection, so that nobody waits for one"
    );
}
