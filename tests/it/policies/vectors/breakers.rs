//! Vectors of breakers.

use brownout::policy::breaker::ResultWindow;
use serde_json::json;

use super::traces::{Traced, compare};
use super::*;

/// Steps of a breaker, one after the other.
pub(super) fn steps(vector: &Value) -> Result<(), Waiting> {
    let mut traced = Traced::of(vector);
    if let Some(state) = vector["params"].get("initialState") {
        traced.step(&json!({ "t_ms": 0, "op": "put", "state": state }));
    }
    if let Some(repeat) = vector["input"].get("repeat") {
        let outcomes =
            list(repeat).iter().flat_map(|part| std::iter::repeat_n(&part["call"], count(&part["n"]) as usize));
        for (n, outcome) in outcomes.enumerate() {
            let row = traced.step(&json!({ "t_ms": 0, "op": "call", "outcome": outcome }));
            if let Some(expected) = vector["expected"].get(format!("state_after_{}", n + 1)) {
                assert_eq!(row["state"], *expected, "{} after {}", vector["id"], n + 1);
            }
        }
        return Ok(());
    }
    for (n, (step, expected)) in pairs(&vector["input"], &vector["expected"]).enumerate() {
        compare(&traced.step(step), expected, &format!("{}, step {n}", vector["id"]));
    }
    Ok(())
}

pub(super) fn health_counts(vector: &Value) -> Result<(), Waiting> {
    let names = [
        ("SUCCESS", "success"),
        ("FAILURE", "error"),
        ("TIMEOUT", "timeout"),
        ("THREAD_POOL_REJECTED", "rejected"),
        ("SEMAPHORE_REJECTED", "rejected"),
        ("SHORT_CIRCUITED", "short_circuited"),
        ("BAD_REQUEST", "ignored"),
    ];
    let mut traced = Traced::with("hystrix.circuitbreaker", &[]);
    let mut row = Value::Null;
    for (name, outcome) in names {
        row = traced.step(&json!({ "t_ms": 0, "calls": { outcome: vector["input"][name] } }));
    }
    let (total, errors) = (number(&row["calls"]), number(&row["failed"]));
    let expected = &vector["expected"];
    assert_eq!((total, errors), (number(&expected["total"]), number(&expected["errors"])));
    assert_eq!(errors * 100.0 / total, number(&expected["error_percentage"]));
    Ok(())
}

/// The window alone, in batches.
pub(super) fn window(vector: &Value) -> Result<(), Waiting> {
    let mut window = ResultWindow::new(count(&vector["params"]["slidingWindowSize"]));
    let minimum = count(&vector["params"]["minimumNumberOfCalls"]);
    for (batch, expected) in pairs(&vector["input"]["batches"], &vector["expected"]) {
        for outcome in list(batch) {
            window.record(text(outcome) == "error", false);
        }
        let rate = window.rates(minimum).map_or(-1.0, |(failed, _)| f64::from(failed));
        let found = (window.calls(), window.failed(), rate);
        assert_eq!(found, (count(&expected["calls"]), count(&expected["failed"]), number(&expected["failure_rate"])));
    }
    Ok(())
}
