//! What stands in for answers, what servers wish of those whom they turn away, and who is ejected: each test is a small
//! scenario in which it would show.

use brownout::measure::{EdgeResult, EjectionResult, FallbackResult};
use brownout::policy::Outcome;
use brownout::scenario::{LoadOptions, load};

use crate::reference::Run;

/// A service `api` whose calls of `store` go through the client `store` and have a fallback. `store` answers well until 10 s
/// and with errors from then on, ten requests a second for twenty seconds.
fn broken_after_ten_seconds(call: &str, rest: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"
        interval = "1s"

        [workload.users]
        entry = "api.page"
        arrivals = "even(10/s)"
        key = "uniform(5)"

        [service.api.endpoint.page]
        steps = [{{ work = "1ms" }}, {{ call = "store.get", client = "store", {call} }}, {{ work = "1ms" }}]

        [service.store.endpoint.get]
        steps = [{{ work = "5ms" }}]

        [service.backup.endpoint.get]
        steps = [{{ work = "20ms" }}]

        [fault.broken]
        at = "10s"
        service = "store"
        error_rate = "100%"

        {rest}
        "#
    ))
}

/// The edge from `api` to an endpoint, by its place among the edges.
fn edge(run: &Run, place: usize) -> &EdgeResult {
    &run.results.edges[place]
}

fn fallbacks(run: &Run) -> &FallbackResult {
    run.results.resilience.as_ref().unwrap().fallbacks[1].as_ref().expect("the calls have a fallback")
}

fn ejections(run: &Run) -> &EjectionResult {
    run.results.resilience.as_ref().unwrap().ejections[0].as_ref().expect("the client ejects")
}

fn degraded(run: &Run) -> u64 {
    run.results.resilience.as_ref().unwrap().degraded[0]
}

const PLAIN: &str = "[client.store]\nlatency = \"1ms\"";

#[test]
fn without_a_fallback_the_handler_fails_with_its_call() {
    let run = broken_after_ten_seconds("optional = false", PLAIN);
    assert_eq!((run.users().good, run.users().outcomes[Outcome::Error as usize]), (100, 100));
    assert!(run.results.resilience.is_none(), "nothing is measured that is not there");
}

#[test]
fn a_constant_stands_in_for_every_answer_and_takes_no_time() {
    let run = broken_after_ten_seconds("fallback = \"constant\"", PLAIN);
    assert_eq!((run.users().good, run.users().offered), (200, 200), "an answer with a fallback is goodput");
    assert_eq!((fallbacks(&run).served, degraded(&run)), (100, 100), "and degraded");
    assert_eq!(fallbacks(&run).series.iter().sum::<u64>(), 100);
    // 1 + 1 + 5 + 1 + 1 ms, of which 5 ms are not spent by a store that errs at its door.
    assert!(run.users().latency.max().unwrap().as_secs_f64() <= 0.0091);
}

#[test]
fn another_service_stands_in_and_is_only_called_then() {
    let run = broken_after_ten_seconds("fallback = { call = \"backup.get\" }", PLAIN);
    assert_eq!((run.users().good, fallbacks(&run).served, degraded(&run)), (200, 100, 100));
    assert_eq!((edge(&run, 1).calls, edge(&run, 2).calls), (200, 100));
}

#[test]
fn a_fallback_that_fails_is_not_served_and_fails_the_handler() {
    let run = broken_after_ten_seconds("fallback = [{ work = \"1ms\" }, { fail = true }]", PLAIN);
    assert_eq!((run.users().good, fallbacks(&run).served, degraded(&run)), (100, 0, 0));
}

#[test]
fn fallbacks_have_fallbacks() {
    let standby = "fallback = { call = \"store.get\", client = \"again\", fallback = \"constant\" }";
    let run = broken_after_ten_seconds(standby, "[client.store]\nlatency = \"1ms\"\n[client.again]\nlatency = \"2ms\"");
    assert_eq!(
        (run.users().good, degraded(&run)),
        (200, 100),
        "a request counts once however often something stands in"
    );
    let all = &run.results.resilience.as_ref().unwrap().fallbacks;
    let served: Vec<Option<u64>> = all.iter().map(|it| it.as_ref().map(|it| it.served)).collect();
    assert_eq!(served, [None, Some(100), Some(100)]);
}

#[test]
fn the_last_good_answer_is_kept_for_each_key_until_it_is_too_old() {
    let cache = |ttl: &str| format!("{PLAIN}\n[cache.prices]\ncapacity = 100\nttl = \"{ttl}\"");
    let run = broken_after_ten_seconds("fallback = { last_good = \"prices\" }", &cache("1h"));
    assert_eq!((run.users().good, fallbacks(&run).served), (200, 100), "five keys are all known after ten seconds");
    let run = broken_after_ten_seconds("fallback = { last_good = \"prices\" }", &cache("4s"));
    let served = fallbacks(&run).served;
    assert_eq!(run.users().good, 100 + served, "what is too old does not stand in");
    // Every key was last answered within the last few requests before 10 s, and is kept for four seconds from then.
    assert!((30..=40).contains(&served), "{served}");
    let by_second = &fallbacks(&run).series;
    assert!(by_second[10..13].iter().all(|count| *count == 10) && by_second[14..].iter().all(|count| *count == 0));
}

#[test]
fn retries_and_the_breaker_have_their_turn_before_the_fallback() {
    let client = "[client.store]\nretry = { attempts = 3 }\nbreaker = { preset = \"resilience4j\", window = 10, \
                  minimum_calls = 10, open_for = \"60s\" }\nbulkhead = { preset = \"resilience4j\" }";
    let run = broken_after_ten_seconds("fallback = \"constant\"", client);
    let it = edge(&run, 1);
    assert_eq!((it.calls, run.users().good, fallbacks(&run).served), (200, 200, 100));
    let [errors, stopped] = [Outcome::Error, Outcome::ShortCircuited].map(|outcome| it.outcomes[outcome as usize]);
    // Five errors among the last ten results open the breaker; all other attempts of the hundred calls meet it.
    assert_eq!((errors, errors + stopped), (5, 300));
}

#[test]
fn a_cancelled_call_has_no_fallback() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "api.page"
        arrivals = "burst(10)"
        client = "hasty"

        [client.hasty]
        timeout = "100ms"
        cancel = "at-once"

        [service.api.endpoint.page]
        steps = [{ call = "store.get", client = "patient", fallback = "constant" }]

        [client.patient]
        cancel = "at-once"

        [service.store.endpoint.get]
        steps = [{ sleep = "1s" }]
        "#,
    );
    assert_eq!((run.users().outcomes[Outcome::Timeout as usize], fallbacks(&run).served), (10, 0));
}

/// Two requests at once to a service that has room for one, which takes 300 ms.
fn pushed_back(pushback: &str, retry: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"
        interval = "100ms"

        [workload.users]
        entry = "api.get"
        arrivals = "burst(2)"
        client = "grpc"

        [client.grpc]
        retry = {{ preset = "grpc", backoff = "exponential(10ms, cap=10ms)", jitter = "none"{retry} }}

        [service.api]
        threads = 1
        queue = 0
        {pushback}
        endpoint.get.steps = [{{ work = "300ms" }}]
        "#
    ))
}

#[test]
fn a_server_that_wishes_to_be_asked_later_is_asked_then() {
    let first = |run: &Run| run.results.series.edges[0].attempts.iter().skip(1).position(|count| *count > 0);
    let run = pushed_back("", "");
    assert_eq!((edge(&run, 0).attempts, run.users().good), (5, 1), "four attempts in 30 ms all find it busy");
    let run = pushed_back("pushback = \"450ms\"", "");
    assert_eq!((edge(&run, 0).attempts, run.users().good), (3, 2));
    assert_eq!(first(&run), Some(3), "the retry is sent at 450 ms");
    let run = pushed_back("pushback = \"do-not-retry\"", "");
    assert_eq!((edge(&run, 0).attempts, run.users().good), (2, 1));
    let run = pushed_back("pushback = \"do-not-retry\"", ", pushback = \"ignore\"");
    assert_eq!(edge(&run, 0).attempts, 5, "a client that does not listen goes on");
    let run = pushed_back("pushback = \"450ms\"", ", pushback = \"clamp\"");
    assert_eq!((first(&run), run.users().good), (Some(3), 2), "it waits for longer than its own 10 ms");
}

/// Ten requests, one a second, to two replicas in turn, of which one went down without anybody noticing.
fn one_replica_is_gone(retry: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"

        [workload.users]
        entry = "api.get"
        arrivals = "even(1/s)"
        client = "grpc"

        [client.grpc]
        retry = {{ {retry} }}

        [service.api]
        replicas = 2
        endpoint.get.steps = [{{ work = "1ms" }}]

        [fault.gone]
        at = "100ms"
        service = "api"
        replicas = 1
        crash = true
        detect = "1h"
        "#
    ))
}

#[test]
fn what_nobody_has_taken_on_goes_again_without_counting() {
    let single = one_replica_is_gone("attempts = 1");
    let refused = edge(&single, 0).outcomes[Outcome::Refused as usize];
    assert!(refused >= 9 && refused + single.users().good == 20, "every second request meets nobody: {refused}");
    let again = one_replica_is_gone("attempts = 1, transparent = true");
    assert_eq!((again.users().good, again.users().offered), (20, 20));
    assert!(edge(&again, 0).attempts > 20, "what goes again is sent, and seen");
    // The quota of a retry is not touched: it would not allow a single one.
    let dry = one_replica_is_gone("transparent = true, budget = { ratio = \"1%\", burst = 0 }");
    assert_eq!(dry.users().good, 20);
}

#[test]
fn once_is_once() {
    let run = Run::of(
        r#"
        duration = "20s"

        [workload.users]
        entry = "api.get"
        arrivals = "even(1/s)"
        client = "grpc"

        [client.grpc]
        retry = { attempts = 3, transparent = true }

        [service.api.endpoint.get]
        steps = [{ work = "1ms" }]

        [fault.gone]
        at = "0s"
        service = "api"
        crash = true
        detect = "1h"
        "#,
    );
    assert_eq!((edge(&run, 0).calls, edge(&run, 0).attempts, run.users().good), (20, 80, 0));
}

/// Ten replicas, of which one answers nothing but errors from 10 s on; 200 requests a second.
fn one_bad_replica(outlier: &str, replicas: u32) -> Run {
    Run::of(&format!(
        r#"
        duration = "60s"
        interval = "1s"

        [workload.users]
        entry = "api.get"
        arrivals = "even(200/s)"
        client = "mesh"

        [client.mesh]
        outlier = {{ {outlier} }}

        [service.api]
        replicas = {replicas}
        endpoint.get.steps = [{{ work = "1ms" }}]

        [fault.bad]
        at = "10s"
        service = "api"
        replicas = 1
        error_rate = "100%"
        "#
    ))
}

#[test]
fn who_is_ejected_is_counted_and_seen_over_time() {
    for preset in ["envoy", "istio"] {
        let run = one_bad_replica(&format!("preset = \"{preset}\""), 10);
        let it = ejections(&run);
        // Out from the fifth error on, at about 10.2 s, for 30 s and up to the next interval; then again, for longer.
        assert_eq!((it.count, it.callers), (2, 1), "{preset}");
        assert_eq!(it.counts.iter().sum::<u64>(), 2);
        assert_eq!((it.counts[10], it.ejected[9], it.ejected[20], it.ejected[59]), (1, 0.0, 1.0, 1.0));
        let out = it.ejected_nanos as f64 / 1e9;
        assert!((48.0..50.0).contains(&out), "{preset}: out for {out} s");
    }
    let run = one_bad_replica("preset = \"envoy\"", 9);
    assert_eq!((ejections(&run).count, ejections(&run).ejected_nanos), (0, 0), "one of nine is more than a tenth");
}

#[test]
fn a_gate_may_ask_how_much_is_answered_with_fallbacks() {
    let expect = "\n[expect]\nwhole = { that = \"degraded(users) <= 50%\" }\nlate = { that = \"degraded(users) <= 100%\", after = \"12s\" }\n\
                  early = { that = \"degraded(users) < 1%\", until = \"9s\" }\nrate = { that = \"degraded(users) <= 10/s\", after = \"12s\" }\n";
    let run = broken_after_ten_seconds("fallback = \"constant\"", &format!("{PLAIN}{expect}"));
    // Answers take less than 10 ms: at the ends of a window a request may be missing that is under way.
    let expected = [0.5, 1.0, 0.0, 10.0];
    for (found, expected) in run.results.measured.iter().zip(expected) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= 0.013 * expected, "{found} instead of {expected}");
    }
    assert_eq!(run.results.measured.len(), 4);

    let none = broken_after_ten_seconds("optional = true", &format!("{PLAIN}{expect}"));
    assert_eq!(none.results.measured, [Some(0.0); 4], "what is left out is no fallback");

    let wrong = "duration = \"1s\"\n[workload.users]\nentry = \"a.b\"\narrivals = \"even(1/s)\"\n[service.a.endpoint.b]\n\
                 steps = [{ work = \"1ms\" }]\n[expect]\na = { that = \"degradd(users) < 1%\" }\n";
    let said = load("wrong.toml", wrong.as_bytes(), &LoadOptions::default()).diagnostics.render(false);
    assert!(said.contains("did you mean `degraded`?"), "{said}");
}

/// Fifty requests a second whose `store` refuses all from the start, and whose fallback takes a second: fifty would be under
/// way at a time.
fn slow_fallbacks(client: &str) -> Run {
    Run::of(&format!(
        r#"
        duration = "20s"
        warmup = "5s"

        [workload.users]
        entry = "api.page"
        arrivals = "even(50/s)"

        [service.api.endpoint.page]
        steps = [{{ call = "store.get", client = "store", fallback = {{ call = "backup.get" }} }}]

        [service.store.endpoint.get]
        steps = [{{ fail = true }}]

        [service.backup.endpoint.get]
        steps = [{{ sleep = "1s" }}]

        [client.store]
        {client}

        [expect.a-fifth]
        that = "fallbacks(api -> store.get) <= 20%"
        "#
    ))
}

/// Of Hystrix only ten fallbacks of a command run at a time (`fallback.isolation.semaphore.maxConcurrentRequests`), and nobody
/// waits for them: ten of the fifty a second.
#[test]
fn only_so_many_fallbacks_are_under_way() {
    // In thousandths of the calls. A place that is free in the moment of an arrival may be free only after it: then ten
    // fallbacks take 1.02 s.
    let served = |client: &str| {
        let run = slow_fallbacks(client);
        (run.results.measured[0].expect("calls are made") * 1e3) as u32
    };
    let tenth = 195..=200;
    assert_eq!(served("latency = \"0s\""), 1000);
    assert!(tenth.contains(&served("fallback_limit = 10")));
    assert!(tenth.contains(&served("breaker = { preset = \"hystrix\" }")), "the default of Hystrix");
    assert!(tenth.contains(&served("bulkhead = { preset = \"hystrix-semaphore\" }")), "the default of Hystrix");
    assert_eq!(served("breaker = { preset = \"hystrix\" }\nfallback_limit = \"none\""), 1000);
    assert_eq!(served("breaker = { preset = \"resilience4j\" }"), 1000);
}

#[test]
fn an_edge_is_named_where_its_fallbacks_are_asked_for() {
    let says = |that: &str, text: &str| {
        let file = format!(
            r#"
            [workload.users]
            entry = "api.page"
            arrivals = "even(50/s)"
            [service.api.endpoint.page]
            steps = [{{ call = "store.get", fallback = "constant" }}, {{ call = "store.put" }}]
            [service.store.endpoint.get]
            steps = [{{ work = "1ms" }}]
            [service.store.endpoint.put]
            steps = [{{ work = "1ms" }}]
            [expect.it]
            that = "{that} <= 20%"
            "#
        );
        let loaded = load("case.toml", file.as_bytes(), &LoadOptions::default());
        let found = loaded.diagnostics.render(false);
        assert!(if text.is_empty() { loaded.model.is_some() } else { found.contains(text) }, "{found}");
    };
    says("fallbacks(api -> store.get)", "");
    says("fallbacks( api->store.get )", "");
    says("fallbacks(api -> store.get via direct)", "");
    says("fallbacks(api -> store.gt)", "did you mean `api -> store.get`?");
    says("fallbacks(api -> store.put)", "no call of `api -> store.put` has a `fallback`");
    says("fallbacks(api)", "an edge is written `caller -> service.endpoint`");
}
