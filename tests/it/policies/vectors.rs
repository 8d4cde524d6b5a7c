//! Published inputs and answers of real libraries, run through the code that the kernel runs.
//!
//! The repository holds an excerpt with every vector that the built-in policies can express. Where the whole
//! collection is at hand, the same runners go over all of it, and what has no policy yet is named.

use std::path::PathBuf;

use brownout::base::random::Key;
use brownout::base::time::{Span, Time};
use brownout::base::units::Share;
use brownout::policy::Outcome;
use brownout::policy::balance::{AnyBalancer, Balance, Balancer, LeastRequest};
use brownout::policy::breaker::{AnyBreaker, Breaker, BreakerSettings, BreakerState, ResultWindow, Verdict};
use brownout::policy::preset::{breaker_preset, retry_preset, throttle_preset};
use brownout::policy::retry::{AnyRetry, Backoff, Jitter, Retry, RetryThrottle, RetryThrottleSettings};
use brownout::policy::throttle::{AdaptiveThrottle, Throttle};
use serde_json::Value;

use super::{limiting, transports};
use crate::reference::Run;

/// Why a vector waits: no built-in policy can say what it is about.
pub(super) struct Waiting(&'static str);

type Runner = fn(&Value) -> Result<(), Waiting>;

/// Which declared policy is run by what.
const RUNNERS: &[(&str, Runner)] = &[
    ("apache.httpclient5.pool", transports::routes),
    ("aws.backoff.2026", full_jitter_delays),
    ("aws.backoff.standard_legacy", full_jitter_ranges),
    ("cache.singleflight", limiting::singleflight),
    ("cache.stale_while_revalidate", limiting::stale_while_revalidate),
    ("cache.xfetch.decision", limiting::early_decision),
    ("cache.xfetch.probability", limiting::early_probability),
    ("client_side_adaptive_throttling", adaptive_throttling),
    ("concurrency_limits.aimd", limiting::aimd),
    ("concurrency_limits.gradient2", limiting::gradient2),
    ("concurrency_limits.vegas", limiting::vegas),
    ("envoy.adaptive_concurrency.gradient", limiting::gradient),
    ("envoy.admission_control", limiting::admission),
    ("envoy.circuit_breakers", transports::pending),
    ("envoy.least_request.unweighted", least_request),
    ("envoy.least_request.weighted", limiting::weighted_least_request),
    ("envoy.maglev", limiting::maglev),
    ("envoy.retry_back_off.code", full_jitter_ranges),
    ("envoy.slow_start", limiting::slow_start),
    ("fail_at_scale.queue_timeout", limiting::adaptive_timeout),
    ("folly.codel", limiting::codel),
    ("go.net_http.transport", transports::idle),
    ("grpc.connection_backoff", transports::reconnects),
    ("grpc.hedging", hedging),
    ("grpc.retry.backoff", jitter_around_ranges),
    ("grpc.retry_throttling", retry_throttling),
    ("hikaricp.pool", transports::borrowing),
    ("http2.max_concurrent_streams", transports::streams),
    ("jitter.aws", jitters),
    ("nginx.passive_health", limiting::passive_health),
    ("nginx.smooth_weighted_round_robin", limiting::smooth_weighted),
    ("resilience4j.bulkhead", limiting::bulkhead),
    ("resilience4j.circuitbreaker", breaker),
    ("resilience4j.interval.exponential_capped", capped_delays),
    ("resilience4j.ratelimiter", limiting::rate_limiter),
    ("resilience4j.retry", retry_timeline),
    ("resilience4j.sliding_window.count_based", window),
    ("resilience4j.threadpoolbulkhead", limiting::threads),
    ("tomcat.executor", transports::executor),
    ("transport.l4_vs_l7_balancing", transports::sticking),
];

/// Runs all vectors of a collection; the ids that ran and those that wait, with the reason.
fn run(collection: &str) -> (Vec<String>, Vec<(String, &'static str)>) {
    let collection: Value = serde_json::from_str(collection).expect("the collection is JSON");
    let vectors = collection["vectors"].as_array().expect("the collection has vectors");
    let (mut ran, mut waiting) = (Vec::new(), Vec::new());
    for vector in vectors {
        let (id, policy) = (text(&vector["id"]), text(&vector["policy"]));
        let runner = RUNNERS.iter().find(|(name, _)| *name == policy).map(|(_, runner)| runner);
        match runner.map_or(Err(Waiting("no such policy yet")), |runner| runner(vector)) {
            Ok(()) => ran.push(id.to_owned()),
            Err(Waiting(reason)) => waiting.push((format!("{id} ({policy})"), reason)),
        }
    }
    assert_eq!(ran.len() + waiting.len(), vectors.len(), "every vector ran or waits");
    (ran, waiting)
}

fn excerpt() -> (Vec<String>, Vec<(String, &'static str)>) {
    run(include_str!("../../data/policy-vectors.json"))
}

#[test]
fn the_excerpt_holds() {
    let (ran, waiting) = excerpt();
    assert!(waiting.is_empty(), "the repository holds only vectors that run: {waiting:?}");
    for (policy, _) in RUNNERS {
        let file: Value = serde_json::from_str(include_str!("../../data/policy-vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert!(
            vectors.iter().any(|vector| vector["policy"] == *policy),
            "nothing runs through the runner of {policy}"
        );
    }
    assert_eq!(ran.len(), 52);
}

#[test]
fn the_whole_collection_holds_where_it_is_at_hand() {
    let named = std::env::var_os("POLICY_VECTORS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/policy-vectors.json");
    let path = named.unwrap_or(beside);
    let Ok(collection) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no policy vectors at {}; set POLICY_VECTORS to the file", path.display());
        return;
    };
    let (ran, waiting) = run(&collection);
    eprintln!("{} policy vectors ran, {} wait for their policy:", ran.len(), waiting.len());
    for (vector, reason) in &waiting {
        eprintln!("  waiting: {vector}: {reason}");
    }
    assert_eq!(ran, excerpt().0, "the excerpt in the repository holds exactly what can run");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))).expect("fits")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn millis(value: &Value) -> Span {
    Span::from_secs_f64(number(value) / 1e3)
}

fn secs(value: &Value) -> Span {
    Span::from_secs_f64(number(value))
}

fn verdict(outcome: &Value) -> Verdict {
    match text(outcome) {
        "success" => Verdict::Success,
        "error" => Verdict::Failure,
        "ignored" => Verdict::Ignored,
        other => panic!("unknown outcome {other}"),
    }
}

fn state_name(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "CLOSED",
        BreakerState::Open => "OPEN",
        BreakerState::HalfOpen => "HALF_OPEN",
    }
}

/// resilience4j's parameters over its defaults.
fn breaker_settings(vector: &Value) -> Result<BreakerSettings, Waiting> {
    let mut settings = breaker_preset("resilience4j").expect("its preset");
    let params = vector["params"].as_object().expect("parameters");
    for (name, value) in params {
        let share = || Share::new(number(value) / 100.0).expect("a percentage");
        match name.as_str() {
            "failureRateThreshold" => settings.failure_rate = share(),
            "slowCallRateThreshold" => settings.slow_call_rate = share(),
            "slowCallDurationThreshold_ms" => settings.slow_call_duration = millis(value),
            "permittedNumberOfCallsInHalfOpenState" => settings.half_open_calls = count(value),
            "waitDurationInOpenState_ms" => settings.open_for = millis(value),
            "slidingWindowSize" => settings.window = count(value),
            "minimumNumberOfCalls" => settings.minimum_calls = count(value),
            "slidingWindowType" | "initialState" => {}
            "maxWaitDurationInHalfOpenState_ms" if half_open_is_left_before(vector, number(value)) => {}
            "maxWaitDurationInHalfOpenState_ms" => return Err(Waiting("half open for a limited time")),
            "openIntervals_ms" => return Err(Waiting("an open interval that grows")),
            other => panic!("unknown parameter {other} of {}", vector["id"]),
        }
    }
    if params.get("slidingWindowType").is_some_and(|kind| kind == "TIME_BASED") {
        // A window of time out of which nothing falls while the vector lasts is a window of enough calls.
        let seconds = f64::from(settings.window);
        let inputs = list(&vector["input"]);
        let nothing_leaves =
            inputs.iter().filter(|step| step["op"] == "call").all(|step| number(&step["t_ms"]) < (seconds - 1.0) * 1e3);
        if !nothing_leaves || settings.minimum_calls > settings.window {
            return Err(Waiting("a window of time"));
        }
        settings.window = settings.minimum_calls.max(u32::try_from(inputs.len()).expect("few"));
    }
    Ok(settings)
}

/// Whether a limit on the time of being half open never matters (0 is none).
fn half_open_is_left_before(vector: &Value, limit_ms: f64) -> bool {
    let times = list(&vector["input"]).iter().zip(list(&vector["expected"]));
    let half_open: Vec<f64> =
        times.filter(|(_, answer)| answer["state"] == "HALF_OPEN").map(|(step, _)| number(&step["t_ms"])).collect();
    limit_ms == 0.0 || half_open.last().zip(half_open.first()).is_none_or(|(last, first)| last - first < limit_ms)
}

/// A breaker in its initial state at `start`, brought there by calls.
fn breaker_at(start: Time, initial: &str, settings: &BreakerSettings) -> Result<AnyBreaker, Waiting> {
    let mut breaker = AnyBreaker::from_settings(settings);
    let opened = match initial {
        "CLOSED" => return Ok(breaker),
        "OPEN" => start,
        "HALF_OPEN" => start - settings.open_for - Span::from_nanos(1),
        "FORCED_OPEN" => return Err(Waiting("a breaker held open by hand")),
        other => panic!("unknown state {other}"),
    };
    for _ in 0..settings.minimum_calls.min(settings.window) {
        assert!(breaker.permit(opened));
        breaker.record(opened, Verdict::Failure, Span::ZERO);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    if initial == "HALF_OPEN" {
        assert!(breaker.permit(start));
        breaker.record(start, Verdict::Ignored, Span::ZERO);
    }
    assert_eq!(state_name(breaker.state()), initial);
    Ok(breaker)
}

fn breaker(vector: &Value) -> Result<(), Waiting> {
    let start = Time::ZERO + Span::from_secs(86_400);
    let settings = breaker_settings(vector)?;
    let initial = vector["params"].get("initialState").map_or("CLOSED", text);
    let mut breaker = breaker_at(start, initial, &settings)?;
    let id = &vector["id"];
    if let Some(repeat) = vector["input"].get("repeat") {
        let outcomes = list(repeat)
            .iter()
            .flat_map(|part| std::iter::repeat_n(verdict(&part["call"]), count(&part["n"]) as usize));
        for (n, outcome) in outcomes.enumerate() {
            assert!(breaker.permit(start));
            breaker.record(start, outcome, Span::ZERO);
            if let Some(expected) = vector["expected"].get(format!("state_after_{}", n + 1)) {
                assert_eq!(state_name(breaker.state()), text(expected), "{id} after {}", n + 1);
            }
        }
        return Ok(());
    }
    for (n, (step, expected)) in list(&vector["input"]).iter().zip(list(&vector["expected"])).enumerate() {
        let now = start + millis(&step["t_ms"]);
        let op = text(&step["op"]);
        if matches!(op, "call" | "acquire") {
            let permitted = breaker.permit(now);
            assert_eq!(Some(permitted), expected["permitted"].as_bool(), "{id}, step {n}");
            if permitted && op == "call" {
                breaker.record(now, verdict(&step["outcome"]), millis(&step["duration_ms"]));
            }
        }
        match op {
            "result" => breaker.record(now, verdict(&step["outcome"]), millis(&step["duration_ms"])),
            "release" => breaker.record(now, Verdict::Ignored, Span::ZERO),
            "call" | "acquire" | "observe" => {}
            _ => return Err(Waiting("a breaker moved by hand")),
        }
        assert_eq!(state_name(breaker.state()), text(&expected["state"]), "{id}, step {n}");
    }
    Ok(())
}

fn window(vector: &Value) -> Result<(), Waiting> {
    let mut window = ResultWindow::new(count(&vector["params"]["slidingWindowSize"]));
    let minimum = count(&vector["params"]["minimumNumberOfCalls"]);
    for (batch, expected) in list(&vector["input"]["batches"]).iter().zip(list(&vector["expected"])) {
        for outcome in list(batch) {
            window.record(verdict(outcome) == Verdict::Failure, false);
        }
        let rate = window.rates(minimum).map_or(-1.0, |(failed, _)| f64::from(failed));
        let found = (window.calls(), window.failed(), rate);
        assert_eq!(found, (count(&expected["calls"]), count(&expected["failed"]), number(&expected["failure_rate"])));
    }
    Ok(())
}

fn retry_timeline(vector: &Value) -> Result<(), Waiting> {
    let mut settings = retry_preset("resilience4j").expect("its preset");
    settings.attempts = count(&vector["params"]["maxAttempts"]);
    settings.backoff = Backoff::Fixed(millis(&vector["params"]["waitDuration_ms"]));
    let mut retry = AnyRetry::from_settings(&settings);
    let lasts = millis(&vector["input"]["all_attempts_fail_after_ms"]);
    let draws = Key::root(1, "call").draws();
    let mut now = Time::ZERO;
    let mut starts = vec![now];
    retry.call_started(now);
    loop {
        now = now + lasts;
        let attempt = u32::try_from(starts.len()).expect("few");
        let Some(delay) = retry.next_delay(now, attempt, Outcome::Error, draws) else { break };
        now = now + delay;
        starts.push(now);
    }
    let expected: Vec<Time> =
        list(&vector["expected"]["attempt_start_ms"]).iter().map(|ms| Time::ZERO + millis(ms)).collect();
    assert_eq!(starts, expected);
    assert_eq!(now, Time::ZERO + millis(&vector["expected"]["fails_at_ms"]));
    Ok(())
}

fn capped_delays(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = exponential(
        millis(&params["initialInterval_ms"]),
        number(&params["multiplier"]),
        millis(&params["maxInterval_ms"]),
    );
    for (attempt, expected) in list(&vector["input"]["attempt"]).iter().zip(list(&vector["expected"]["delay_ms"])) {
        assert_eq!(Jitter::None.spread(backoff, count(attempt), |_| 0.5), millis(expected), "attempt {attempt}");
    }
    Ok(())
}

fn exponential(base: Span, factor: f64, cap: Span) -> Backoff {
    Backoff::Exponential { base, factor, cap }
}

fn jitters(vector: &Value) -> Result<(), Waiting> {
    // The collection has no unit here: one is taken as a millisecond.
    let (base, cap, u) = (&vector["params"]["base"], millis(&vector["params"]["cap"]), number(&vector["params"]["u"]));
    // Amazon's simulator counts attempts from 1 and doubles before the first: its first bound is twice the base.
    let doubled = exponential(millis(base) + millis(base), 2.0, cap);
    let plain = exponential(millis(base), 2.0, cap);
    let attempts = list(&vector["input"]["attempt"]);
    let kinds = [(Jitter::None, "expo"), (Jitter::Full, "full"), (Jitter::Equal, "equal")];
    for (jitter, name) in kinds {
        for (attempt, expected) in attempts.iter().zip(list(&vector["expected"][name])) {
            assert_eq!(jitter.spread(doubled, count(attempt), |_| u), millis(expected), "{name} {attempt}");
        }
    }
    for (retry, expected) in (1..).zip(list(&vector["expected"]["decorrelated_successive_calls"])) {
        assert_eq!(Jitter::Decorrelated.spread(plain, retry, |_| u), millis(expected), "decorrelated {retry}");
    }
    Ok(())
}

fn full_jitter_delays(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = exponential(secs(&params["base_scale_s"]), 2.0, secs(&params["max_backoff_s"]));
    for (attempt, expected) in list(&vector["input"]["failed_attempt"]).iter().zip(list(&vector["expected"]["delay_s"]))
    {
        assert_eq!(
            Jitter::Full.spread(backoff, count(attempt), |_| number(&params["u"])),
            secs(expected),
            "attempt {attempt}"
        );
    }
    Ok(())
}

fn full_jitter_ranges(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], &vector["expected"]);
    let (backoff, ranges, unit): (_, _, fn(&Value) -> Span) = match expected.get("delay_range_ms") {
        Some(ranges) => {
            (exponential(millis(&params["base_interval_ms"]), 2.0, millis(&params["max_interval_ms"])), ranges, millis)
        }
        None => (
            exponential(Span::from_secs(1), number(&params["base"]), secs(&params["max_backoff_s"])),
            &expected["delay_range_s"],
            secs,
        ),
    };
    for (retry, range) in (1..).zip(list(ranges)) {
        assert_eq!(Jitter::Full.spread(backoff, retry, |_| 0.0), unit(&range[0]), "retry {retry}");
        assert_eq!(Jitter::Full.spread(backoff, retry, |_| 1.0), unit(&range[1]), "retry {retry}");
    }
    Ok(())
}

fn jitter_around_ranges(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = exponential(
        millis(&params["initialBackoff_ms"]),
        number(&params["backoffMultiplier"]),
        millis(&params["maxBackoff_ms"]),
    );
    let jitter = retry_preset("grpc").expect("its preset").jitter;
    let ranges = list(&vector["expected"]["delay_range_ms"]);
    assert_eq!(ranges.len(), count(&vector["input"]["retries"]) as usize);
    for (retry, range) in (1..).zip(ranges) {
        assert_eq!(jitter.spread(backoff, retry, |_| 0.0), millis(&range[0]), "retry {retry}");
        assert_eq!(jitter.spread(backoff, retry, |_| 1.0), millis(&range[1]), "retry {retry}");
    }
    Ok(())
}

/// The policy decides, and the store of tokens beside it is told the same, so that it can be looked into.
fn retry_throttling(vector: &Value) -> Result<(), Waiting> {
    let (params, input) = (&vector["params"], &vector["input"]);
    let throttle = RetryThrottleSettings {
        max_tokens: count(&params["maxTokens"]),
        token_thousandths: (number(&params["tokenRatio"]) * 1e3) as u32,
    };
    let mut settings = retry_preset("grpc").expect("its preset");
    (settings.attempts, settings.throttle) = (count(&params["maxAttempts"]), Some(throttle));
    let mut retry = AnyRetry::from_settings(&settings);
    let mut store = RetryThrottle::new(throttle);
    let ok: Vec<u32> = list(&input["server_ok_on_call_index"]).iter().map(count).collect();
    let draws = Key::root(1, "call").draws();
    let mut index = 0;
    for (rpc, expected) in list(&vector["expected"]).iter().enumerate() {
        retry.call_started(Time::ZERO);
        let mut attempt = 1;
        let status = loop {
            if ok.contains(&index) {
                retry.succeeded(Time::ZERO);
                store.succeeded();
                break "OK";
            }
            store.failed();
            if retry.next_delay(Time::ZERO, attempt, Outcome::Rejected, draws).is_none() {
                break "UNAVAILABLE";
            }
            (attempt, index) = (attempt + 1, index + 1);
        };
        let found = (status, index, store.tokens());
        let wanted =
            (text(&expected["status"]), count(&expected["last_server_call_index"]), number(&expected["tokens"]));
        assert_eq!(found, wanted, "call {rpc}");
        index += 1;
    }
    Ok(())
}

/// Hedges are the kernel's to send: the vector is a scenario of one request, to which nobody answers.
fn hedging(vector: &Value) -> Result<(), Waiting> {
    if !list(&vector["input"]["responses"]).is_empty() {
        return Err(Waiting("failures that are fatal"));
    }
    let (params, expected) = (&vector["params"], list(&vector["expected"]["attempt_start_ms"]));
    let run = Run::of(&format!(
        r#"
        duration = "60s"
        interval = "100ms"
        [workload.users]
        entry = "api.get"
        arrivals = "burst(1)"
        client = "grpc"
        [client.grpc]
        hedge = {{ after = "{}ms", attempts = {} }}
        [service.api.endpoint.get]
        steps = [{{ sleep = "1h" }}]
        "#,
        count(&params["hedgingDelay_ms"]),
        count(&params["maxAttempts"]),
    ));
    let points = run.results.series.edges[0].attempts.iter().enumerate();
    let sent: Vec<u64> = points.flat_map(|(point, sent)| vec![point as u64 * 100; *sent as usize]).collect();
    assert_eq!(sent, expected.iter().map(|ms| u64::from(count(ms))).collect::<Vec<_>>());
    Ok(())
}

fn adaptive_throttling(vector: &Value) -> Result<(), Waiting> {
    let settings = throttle_preset("sre").expect("its preset");
    assert_eq!(settings.multiplier, number(&vector["params"]["K"]));
    assert_eq!(settings.window, secs(&vector["params"]["window_s"]));
    for (input, expected) in list(&vector["input"]).iter().zip(list(&vector["expected"])) {
        let mut throttle = AdaptiveThrottle::new(&settings);
        (0..count(&input["requests"])).for_each(|_| {
            throttle.permit(Time::ZERO, 0.5);
        });
        (0..count(&input["accepts"])).for_each(|_| throttle.accepted(Time::ZERO));
        let wanted = number(&expected["reject_probability"]);
        assert!((throttle.probability() - wanted).abs() < 1e-8, "{input}");
    }
    Ok(())
}

fn least_request(vector: &Value) -> Result<(), Waiting> {
    for (step, expected) in list(&vector["input"]).iter().zip(list(&vector["expected"])) {
        let mut balancer = LeastRequest::default();
        for (replica, active) in (0..).zip(list(&step["active"])) {
            (0..count(active)).for_each(|_| balancer.started(replica));
        }
        let draws = list(&step["random_index_draws"]);
        assert_eq!(balancer.better(count(&draws[0]), count(&draws[1])), count(expected), "{step}");
    }
    assert!(matches!(AnyBalancer::from_settings(Balance::LeastRequest), AnyBalancer::LeastRequest(_)));
    Ok(())
}
