//! Vectors of retries and hedges.

use brownout::base::random::Key;
use brownout::base::time::Time;
use brownout::policy::retry::{
    AnyRetry, Backoff, Cubic, Failure, Jitter, Quota, Retry, RetrySettings, RetryThrottleSettings, send_rate,
};
use brownout::policy::{Outcome, Outcomes};
use serde_json::json;

use super::traces::Traced;
use super::*;
use crate::reference::Run;

fn exponential(base: Span, factor: f64, cap: Span) -> Backoff {
    Backoff::Exponential { base, factor, cap }
}

/// When the attempts of a call start all of which fail.
pub(super) fn timeline(vector: &Value) -> Result<(), Waiting> {
    let mut settings = RetrySettings::preset("resilience4j").expect("its preset");
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
        let failure = Failure::new(u32::try_from(starts.len()).expect("few"), Outcome::Error);
        let Some(delay) = retry.next_delay(now, failure, &|_| draws.uniform()) else { break };
        now = now + delay;
        starts.push(now);
    }
    let expected: Vec<Time> =
        list(&vector["expected"]["attempt_start_ms"]).iter().map(|ms| Time::ZERO + millis(ms)).collect();
    assert_eq!(starts, expected);
    assert_eq!(now, Time::ZERO + millis(&vector["expected"]["fails_at_ms"]));
    Ok(())
}

/// resilience4j's growing waits, cut off to whole milliseconds.
pub(super) fn delays(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = Backoff::ExponentialMillis {
        base: millis(&params["initialInterval_ms"]),
        factor: number(&params["multiplier"]),
        cap: params.get("maxInterval_ms").map_or(Span::MAX, millis),
    };
    for (attempt, expected) in pairs(&vector["input"]["attempt"], &vector["expected"]["delay_ms"]) {
        assert_eq!(Jitter::None.spread(backoff, count(attempt), |_| 0.5), millis(expected), "attempt {attempt}");
    }
    Ok(())
}

pub(super) fn randomized(vector: &Value) -> Result<(), Waiting> {
    let backoff = Backoff::Fixed(millis(&vector["params"]["interval_ms"]));
    let factor = number(&vector["params"]["randomizationFactor"]);
    let jitter = Jitter::Randomized(brownout::base::units::Share::new(factor).expect("a share"));
    for (u, expected) in pairs(&vector["input"]["u"], &vector["expected"]["delay_ms"]) {
        assert_eq!(jitter.spread(backoff, 1, |_| number(u)), millis(expected), "{u}");
    }
    Ok(())
}

pub(super) fn jitters(vector: &Value) -> Result<(), Waiting> {
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

pub(super) fn full_jitter_delays(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = exponential(secs(&params["base_scale_s"]), 2.0, secs(&params["max_backoff_s"]));
    for (attempt, expected) in pairs(&vector["input"]["failed_attempt"], &vector["expected"]["delay_s"]) {
        assert_eq!(
            Jitter::Full.spread(backoff, count(attempt), |_| number(&params["u"])),
            secs(expected),
            "attempt {attempt}"
        );
    }
    Ok(())
}

pub(super) fn full_jitter_ranges(vector: &Value) -> Result<(), Waiting> {
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

pub(super) fn grpc_ranges(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let backoff = exponential(
        millis(&params["initialBackoff_ms"]),
        number(&params["backoffMultiplier"]),
        millis(&params["maxBackoff_ms"]),
    );
    let jitter = RetrySettings::preset("grpc").expect("its preset").jitter;
    let ranges = list(&vector["expected"]["delay_range_ms"]);
    assert_eq!(ranges.len(), count(&vector["input"]["retries"]) as usize);
    for (retry, range) in (1..).zip(ranges) {
        assert_eq!(jitter.spread(backoff, retry, |_| 0.0), millis(&range[0]), "retry {retry}");
        assert_eq!(jitter.spread(backoff, retry, |_| 1.0), millis(&range[1]), "retry {retry}");
    }
    Ok(())
}

/// Calls to a server whose answers are given, in the order in which its attempts reach it. What is retryable is taken as
/// rejected, and everything else as an error.
pub(super) fn scripted(vector: &Value) -> Result<(), Waiting> {
    let (params, input) = (&vector["params"], &vector["input"]);
    let mut settings = RetrySettings::preset("grpc").expect("its preset");
    settings.attempts = count(&params["maxAttempts"]);
    settings.on = Outcomes::of(&[Outcome::Rejected]);
    settings.quota = params.get("maxTokens").map(|tokens| {
        let token_thousandths = (number(&params["tokenRatio"]) * 1e3) as u32;
        Quota::Throttle(RetryThrottleSettings { max_tokens: count(tokens), token_thousandths })
    });
    let retryable = text(&params["retryableStatusCodes"][0]);
    let script = input.get("server_by_call_index");
    let has = |status: &str, index: u32| {
        let of_script = script.and_then(|script| script.get(status));
        let calls = of_script.or((status == "OK").then(|| &input["server_ok_on_call_index"]));
        calls.and_then(Value::as_array).is_some_and(|calls| calls.iter().any(|call| count(call) == index))
    };
    let answer = |index: u32| ["OK", "INTERNAL"].into_iter().find(|status| has(status, index)).unwrap_or(retryable);
    let mut retry = brownout::policy::retry::StandardRetry::new(&settings);
    let mut index = 0;
    for (rpc, expected) in list(&vector["expected"]).iter().enumerate() {
        retry.call_started(Time::ZERO);
        let mut attempt = 1;
        let status = loop {
            let status = answer(index);
            let outcome = match status {
                "OK" => Outcome::Ok,
                status if status == retryable => Outcome::Rejected,
                _ => Outcome::Error,
            };
            retry.attempt_started(Time::ZERO, attempt);
            retry.attempt_ended(Time::ZERO, attempt, outcome, None);
            let failure = Failure::new(attempt, outcome);
            if outcome.is_ok() || retry.next_delay(Time::ZERO, failure, &|_| 0.5).is_none() {
                break status;
            }
            (attempt, index) = (attempt + 1, index + 1);
        };
        assert_eq!(
            (status, index),
            (text(&expected["status"]), count(&expected["last_server_call_index"])),
            "call {rpc}"
        );
        if let Some(tokens) = expected.get("tokens") {
            assert_eq!(retry.available(Time::ZERO), Some(number(tokens)), "call {rpc}");
        }
        index += 1;
    }
    Ok(())
}

pub(super) fn validation(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let attempts = input["maxAttempts"].to_string();
        let set = [("maxAttempts", attempts.as_str())];
        let preset = brownout::policy::registry::Kind::Retry.preset("grpc").expect("its preset");
        let made = (preset.trace)(&set);
        assert_eq!(made.is_err(), expected.get("error").is_some(), "{input}");
        if let Some(effective) = expected.get("effective") {
            let mut traced = Traced::with("grpc.retry", &set);
            assert_eq!(traced.step(&json!({ "op": "call" }))["attempts_max"], *effective, "{input}");
        }
    }
    Ok(())
}

pub(super) fn pushback(vector: &Value) -> Result<(), Waiting> {
    let attempts = vector["params"]["maxAttempts"].to_string();
    let mut traced = Traced::with("grpc.retry", &[("maxAttempts", &attempts), ("on", "[refused]")]);
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut step = input.clone();
        step["op"] = json!("fail");
        step.as_object_mut().expect("a step").remove("attempt");
        let row = traced.step(&step);
        if let Some(range) = expected.get("delay_range_ms") {
            assert_eq!(
                (number(&row["delay_ms_min"]), number(&row["delay_ms_max"])),
                (number(&range[0]), number(&range[1]))
            );
        } else {
            let key = if expected.get("stop").is_some() { "stop" } else { "delay_ms" };
            assert_eq!(row[key], expected[key], "{input}");
        }
    }
    Ok(())
}

pub(super) fn retry_after(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut traced = Traced::with("aws.aws-standard-2026", &[]);
        let mut step = json!({ "op": "fail", "u": vector["params"]["u"] });
        // What is no number is no wish.
        if let Ok(millis) = text(&input["x-amz-retry-after"]).parse::<f64>() {
            step["pushback_ms"] = json!(millis);
        }
        let delay = number(&traced.step(&step)["delay_ms"]) / 1e3;
        assert!((delay - number(&expected["delay_s"])).abs() < 1e-9, "{input}: {delay}");
    }
    Ok(())
}

/// Steps of one call after the other, and what is left of the quota.
pub(super) fn aws_quota(vector: &Value) -> Result<(), Waiting> {
    let preset = if text(&vector["policy"]).ends_with("2026") { "aws.aws-standard-2026" } else { "aws.aws-standard" };
    let mut traced = Traced::with(preset, &[("max_attempts", "10")]);
    let outcome = |what: &str| if what == "timeout" { "timeout" } else { "error" };
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let (what, how) = input.as_object().and_then(|step| step.iter().next()).expect("one thing happens");
        let row = match (what.as_str(), text(how)) {
            ("retry", how) => traced.step(&json!({ "op": "fail", "outcome": outcome(how) })),
            (_, "success") => traced.step(&json!({ "op": "success" })),
            _ => traced.step(&json!({ "op": "give_up" })),
        };
        assert_eq!(row["available"], expected["available"], "{input}");
    }
    Ok(())
}

pub(super) fn cubic(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut cubic = Cubic::new(number(&params["starting_max_rate"]), number(&params["start_time_s"]));
        let rate = input.get("t_s").map(|now| match input.get("throttle_at_rate") {
            Some(rate) => cubic.throttled(number(rate), number(now)),
            None => cubic.succeeded(number(now)),
        });
        let (w_max, k) = cubic.figures();
        let found = [("rate", rate), ("w_max", Some(w_max)), ("k", Some(k))];
        for (key, found) in found.into_iter().filter(|(key, _)| expected.get(key).is_some()) {
            let found = found.expect("there is one");
            assert!((found - number(&expected[key])).abs() < 1e-12, "{input}: {key} {found}");
        }
    }
    Ok(())
}

pub(super) fn rate_cap(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let rate = send_rate(number(&input["cubic_rate"]), number(&input["measured_rate"]));
        assert_eq!(rate, number(&expected["send_rate"]), "{input}");
    }
    Ok(())
}

/// The most retries that may be under way beside so many attempts.
pub(super) fn active_budget(vector: &Value) -> Result<(), Waiting> {
    let percent = format!("{}%", number(&vector["params"]["budget_percent"]));
    let min = vector["params"]["min_retry_concurrency"].to_string();
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut traced = Traced::with("envoy.retry", &[("budget.ratio", &percent), ("budget.min_retries", &min)]);
        let active = count(&input["active_requests"]) + count(&input["pending_requests"]);
        let row = traced.step(&json!({ "op": "attempt", "times": active }));
        assert_eq!(row["available"], expected["max_active_retries"], "{input}");
    }
    Ok(())
}

pub(super) fn rolling_budget(vector: &Value) -> Result<(), Waiting> {
    let (params, input, expected) = (&vector["params"], &vector["input"], &vector["expected"]);
    let [ratio, min, ttl] = ["percentCanRetry", "minRetriesPerSec", "ttl_s"].map(|key| params[key].to_string());
    let set = [("percentCanRetry", ratio.as_str()), ("minRetriesPerSec", &min), ("ttl", &ttl), ("on", "[refused]")];
    let mut traced = Traced::with("finagle.retry_budget", &set);
    let deposits = input.get("deposits").map_or(0, count);
    let mut row = traced.step(&json!({ "op": "deposit", "times": deposits }));
    let mut granted = 0;
    if let Some(attempts) = input.get("withdraw_attempts") {
        row = traced.step(&json!({ "op": "withdraw", "times": attempts }));
        granted += count(&row["granted"]);
    }
    for _ in 0..input.get("repeat").map_or(0, count) {
        traced.step(&json!({ "op": "deposit" }));
        row = traced.step(&json!({ "op": "withdraw" }));
        granted += count(&row["granted"]);
    }
    if let Some(balance) = expected.get("balance") {
        assert_eq!(row["available"], *balance);
    }
    if let Some(wanted) = expected.get("granted") {
        let tolerance = expected.get("tolerance").map_or(0, count);
        assert!(granted.abs_diff(count(wanted)) <= tolerance, "{granted} granted");
    }
    Ok(())
}

/// A scenario: the first try fails late, and what is left of the route's timeout is all that the second one has.
pub(super) fn route_timeout(vector: &Value) -> Result<(), Waiting> {
    let (params, first) = (&vector["params"], count(&vector["input"][0]["first_try_ms"]));
    let total = count(&params["route_timeout_ms"]);
    let run = Run::of(&format!(
        r#"
        duration = "60s"
        interval = "1ms"
        [workload.users]
        entry = "api.get"
        arrivals = "burst(1)"
        client = "envoy"
        [client.envoy]
        overall_timeout = "{total}ms"
        retry = {{ preset = "envoy", attempts = {} }}
        [service.api.endpoint.get]
        steps = [{{ sleep = "{first}ms" }}, {{ fail = true }}]
        "#,
        count(&params["num_retries"]) + 1,
    ));
    let edge = &run.results.edges[0];
    assert_eq!((edge.attempts, edge.outcomes[Outcome::Timeout as usize]), (2, 1), "the second one is cut off");
    let ended = run.results.series.workloads[0].failed.iter().position(|failed| *failed > 0).expect("it has failed");
    let left = count(&vector["expected"]["remaining_ms_for_backoff_and_retry"]);
    assert_eq!(u32::try_from(ended).expect("soon"), first + left);
    Ok(())
}

/// Hedges are the kernel's to send: the vector is a scenario of one request, to which nobody answers, or one attempt with an
/// error.
pub(super) fn hedging(vector: &Value) -> Result<(), Waiting> {
    let (params, expected) = (&vector["params"], list(&vector["expected"]["attempt_start_ms"]));
    let answers = list(&vector["input"]["responses"]);
    // Only the first attempt is ever answered: it is the one that goes to the first replica.
    let steps = match answers {
        [] => r#"[{ sleep = "1h" }]"#.to_owned(),
        [answer] => format!(r#"[{{ sleep = "{}ms" }}, {{ fail = true }}]"#, count(&answer["t_ms"])),
        _ => return Err(Waiting("answers to several attempts")),
    };
    let run = Run::of(&format!(
        r#"
        duration = "60s"
        interval = "100ms"
        [workload.users]
        entry = "api.get"
        arrivals = "burst(1)"
        client = "grpc"
        [client.grpc]
        hedge = {{ after = "{}ms", attempts = {}, on = ["rejected", "refused"] }}
        [service.api.endpoint.get]
        steps = {steps}
        "#,
        count(&params["hedgingDelay_ms"]),
        count(&params["maxAttempts"]),
    ));
    let points = run.results.series.edges[0].attempts.iter().enumerate();
    let sent: Vec<u64> = points.flat_map(|(point, sent)| vec![point as u64 * 100; *sent as usize]).collect();
    assert_eq!(sent, expected.iter().map(|ms| u64::from(count(ms))).collect::<Vec<_>>());
    if let Some(at) = vector["expected"].get("result_t_ms") {
        let cancelled = list(&vector["expected"]["cancelled_attempts"]).len() as u64;
        assert_eq!(run.results.edges[0].outcomes[Outcome::Cancelled as usize], cancelled);
        let failed = &run.results.series.workloads[0].failed;
        assert_eq!(failed.iter().position(|failed| *failed > 0), Some(count(at) as usize / 100));
    }
    Ok(())
}

/// Deadlines travel in the kernel: the vector is a scenario of one request, whose last hop never answers.
pub(super) fn deadline(vector: &Value) -> Result<(), Waiting> {
    let (params, input, expected) = (&vector["params"], &vector["input"], &vector["expected"]);
    let works = count(&input["server_local_work_before_downstream_ms"]);
    let run = Run::of(&format!(
        r#"
        duration = "10s"
        interval = "100ms"
        [workload.users]
        entry = "api.get"
        arrivals = "burst(1)"
        client = "grpc"
        [client.grpc]
        timeout = "{}ms"
        deadlines = "propagate"
        cancel = "at-once"
        [client.down]
        latency = "{}ms"
        deadlines = "propagate"
        cancel = "at-once"
        [service.api.endpoint.get]
        steps = [{{ sleep = "{works}ms" }}, {{ call = "store.read", client = "down" }}]
        [service.store.endpoint.read]
        steps = [{{ sleep = "1h" }}]
        "#,
        count(&params["client_deadline_ms"]),
        count(&input["network_ms"]),
    ));
    let stop = count(&expected["all_hops_stop_at_ms"]) as usize / 100;
    let only_at = |counts: &[u64], at: usize| {
        assert_eq!(counts.iter().enumerate().filter(|(_, count)| **count > 0).collect::<Vec<_>>(), [(at, &1)]);
    };
    only_at(&run.results.series.workloads[0].failed, stop);
    // What is left of the deadline when the server calls on is what that call lasts.
    let down = &run.results.series.edges[1];
    only_at(&down.attempts, works as usize / 100);
    only_at(&down.failed, works as usize / 100 + count(&expected["grpc_timeout_sent_downstream_ms"]) as usize / 100);
    for service in &run.results.series.services {
        let is_in = |point: &f64| *point > 0.0;
        assert_eq!(service.in_system.iter().rposition(is_in), Some(stop - 1), "nobody works for a caller who is gone");
    }
    // DEADLINE_EXCEEDED for the client, CANCELLED at the server.
    assert_eq!(run.results.edges[0].outcomes[Outcome::Timeout as usize], 1);
    assert_eq!(text(&expected["client_status"]), "DEADLINE_EXCEEDED");
    Ok(())
}
