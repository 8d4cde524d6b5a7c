//! What hedged calls mean at their edges: each test is a small scenario in which it would show.

use brownout::measure::EdgeResult;
use brownout::policy::Outcome;

use crate::reference::Run;

/// A run of one user's request, made with the client `hedged` to the service `api`.
fn one_call(client: &str, api: &str) -> Run {
    many("burst(1)", client, api)
}

fn many(arrivals: &str, client: &str, api: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        interval = "100ms"

        [workload.users]
        entry = "api.get"
        arrivals = "{arrivals}"
        client = "hedged"

        [client.hedged]
        {client}

        [service.api]
        {api}
        "#
    ))
}

fn edge(run: &Run) -> &EdgeResult {
    &run.results.edges[0]
}

fn attempts(run: &Run, outcome: Outcome) -> u64 {
    edge(run).outcomes[outcome as usize]
}

/// Milliseconds at which attempts were sent, by tenths of a second.
fn sent_at_ms(run: &Run) -> Vec<usize> {
    let points = run.results.series.edges[0].attempts.iter().enumerate();
    points.flat_map(|(point, count)| vec![point * 100; *count as usize]).collect()
}

const SLOW: &str = "endpoint.get.steps = [{ sleep = \"10s\" }]";
const BROKEN: &str = "endpoint.get.steps = [{ sleep = \"300ms\" }, { fail = true }]";

#[test]
fn attempts_follow_each_other_while_none_is_answered() {
    let run = one_call("hedge = { after = \"500ms\", attempts = 4 }", SLOW);
    assert_eq!(sent_at_ms(&run), [0, 500, 1000, 1500]);
    assert_eq!(run.users().latency.max().unwrap().as_secs_f64(), 10.0);
    assert_eq!((attempts(&run, Outcome::Ok), attempts(&run, Outcome::Cancelled)), (1, 3));
    assert_eq!((edge(&run).calls, edge(&run).attempts, edge(&run).in_flight), (1, 4, 0));
}

#[test]
fn a_delay_of_zero_sends_all_at_once() {
    let run = one_call("hedge = { after = \"0s\", attempts = 5 }", SLOW);
    assert_eq!(sent_at_ms(&run), [0; 5]);
}

#[test]
fn an_attempt_that_fails_sends_the_next_one_at_once_and_the_call_fails_with_the_last() {
    let run = one_call("hedge = { after = \"5s\", attempts = 4 }", BROKEN);
    assert_eq!(sent_at_ms(&run), [0, 300, 600, 900]);
    assert_eq!(attempts(&run, Outcome::Error), 4);
    assert_eq!(run.users().outcomes[Outcome::Error as usize], 1);
}

#[test]
fn a_failure_moves_the_next_hedge_by_a_whole_delay() {
    // The first fails at 300 ms and sends the third, 100 ms before it is due; the fourth is then due at 500 ms.
    let run = one_call("hedge = { after = \"200ms\", attempts = 4 }", BROKEN);
    assert_eq!(sent_at_ms(&run), [0, 200, 300, 500]);
}

#[test]
fn one_timeout_holds_for_the_whole_call() {
    let run = one_call("timeout = \"1s\"\nhedge = { after = \"400ms\", attempts = 5 }", SLOW);
    assert_eq!(sent_at_ms(&run), [0, 400, 800]);
    assert_eq!(attempts(&run, Outcome::Timeout), 3, "what is under way ends with the call");
    assert_eq!(run.users().outcomes[Outcome::Timeout as usize], 1);
}

#[test]
fn callees_of_losers_hear_of_it_as_the_client_cancels() {
    let api = "endpoint.get.steps = [{ choose = [{ share = \"50%\", steps = [{ sleep = \"10s\" }] }, { share = \"50%\", steps = [{ sleep = \"1ms\" }] }] }]";
    let hedge = "hedge = { after = \"100ms\", attempts = 2 }";
    let deaf = many("even(10/s)", hedge, api);
    assert_eq!(deaf.service("api").dropped, 0, "they work on for nobody");
    assert!(deaf.service("api").wasted_nanos > 0);
    let told = many("even(10/s)", &format!("cancel = \"at-once\"\n{hedge}"), api);
    assert_eq!(told.service("api").dropped, attempts(&told, Outcome::Cancelled));
    assert!(told.service("api").dropped > 50 && told.service("api").wasted_nanos == 0);
    assert_eq!(attempts(&told, Outcome::Ok), attempts(&deaf, Outcome::Ok), "which answer wins is the same");
}

#[test]
fn attempts_that_the_breaker_does_not_let_go_are_used_up() {
    let client =
        "breaker = { window = 2, minimum_calls = 2, open_for = \"50s\" }\nhedge = { after = \"5s\", attempts = 4 }";
    let run = one_call(client, BROKEN);
    assert_eq!(sent_at_ms(&run), [0, 300], "the breaker opens with the second failure");
    assert_eq!(attempts(&run, Outcome::ShortCircuited), 2);
    assert_eq!(run.users().outcomes[Outcome::ShortCircuited as usize], 1);
}

#[test]
fn nobody_there_is_a_failure_of_every_attempt() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.users]
        entry = "api.get"
        arrivals = "burst(1, at=5s)"
        client = "hedged"

        [client.hedged]
        hedge = { after = "1s", attempts = 3 }

        [service.api.endpoint.get]
        steps = [{ work = "1ms" }]

        [fault.dead]
        at = "1s"
        service = "api"
        crash = true
        "#,
    );
    assert_eq!(attempts(&run, Outcome::Refused), 3);
    assert_eq!(run.users().outcomes[Outcome::Refused as usize], 1);
}

#[test]
fn a_caller_that_dies_withdraws_all_its_attempts() {
    let run = Run::of(
        r#"
        duration = "10s"

        [workload.users]
        entry = "front.page"
        arrivals = "burst(1)"

        [service.front.endpoint.page]
        steps = [{ call = "api.get", client = "hedged" }]

        [client.hedged]
        cancel = "at-once"
        hedge = { after = "1s", attempts = 3 }

        [service.api.endpoint.get]
        steps = [{ sleep = "60s" }]

        [fault.dead]
        at = "1500ms"
        service = "front"
        crash = true
        "#,
    );
    assert_eq!(run.results.edges[1].outcomes[Outcome::Cancelled as usize], 2, "the third is not sent any more");
    assert_eq!((run.service("api").dropped, run.service("api").in_flight), (2, 0));
}

#[test]
fn a_percentile_is_not_known_before_a_hundred_answers_and_then_costs_what_it_says() {
    let api = "endpoint.get.steps = [{ sleep = \"exp(10ms)\" }]";
    let few = many("burst(99)", "hedge = { after = \"p50\" }", api);
    assert_eq!(edge(&few).attempts, 99);
    let all = many("even(1000/s)", "hedge = { after = \"p90\" }", api);
    let extra = edge(&all).attempts as f64 / edge(&all).calls as f64 - 1.0;
    assert!((extra - 0.1).abs() < 0.005, "{extra}");
}

#[test]
fn grpc_hedges_at_once_up_to_five_times() {
    let run = one_call("hedge = { preset = \"grpc\" }", SLOW);
    assert_eq!(sent_at_ms(&run), [0; 5]);
    let run = one_call("hedge = { preset = \"grpc\", after = \"500ms\", attempts = 3 }", SLOW);
    assert_eq!(sent_at_ms(&run), [0, 500, 1000]);
    let run = one_call("hedge = { preset = \"grpc\", after = \"500ms\" }", BROKEN);
    assert_eq!(sent_at_ms(&run), [0], "an error is fatal: nothing is sent after it");
}

#[test]
fn the_tail_at_scale_hedges_after_a_percentile() {
    // Nothing is known before the hundredth call; of the 500 that follow about one in twenty is hedged: 25, give or take three
    // standard deviations of 4.9.
    let slow = "endpoint.get.steps = [{ sleep = \"uniform(10ms, 20ms)\" }]";
    let run = many("even(10/s)", "hedge = { preset = \"tail-at-scale\" }", slow);
    assert_eq!(edge(&run).calls, 600);
    assert!((610..=640).contains(&edge(&run).attempts), "{}", edge(&run).attempts);
}

#[test]
fn failures_stop_hedges_as_they_stop_retries_in_grpc() {
    // Ten tokens: the fifth failure leaves five, which is not more than half. The first call makes three attempts, the
    // second two, and all others one.
    let client = |throttle: &str| format!("hedge = {{ after = \"5s\", attempts = 3{throttle} }}");
    let attempts = |throttle: &str| edge(&many("even(1/s)", &client(throttle), BROKEN)).attempts;
    assert_eq!(attempts(""), 60 * 3);
    assert_eq!(attempts(", throttle = { max_tokens = 10, token_ratio = 0.1 }"), 60 + 2 + 1);
    assert_eq!(attempts(", throttle = \"none\""), 60 * 3);
}
