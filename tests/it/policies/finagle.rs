//! Finagle where it differs from what one would think: what one call may take of the budget, and from when on a success rate
//! counts.

use brownout::policy::registry::Kind;
use brownout::policy::trace::{Datum, Trace};
use serde_json::{Value, json};

fn traced(kind: Kind) -> Box<dyn Trace> {
    (kind.preset("finagle").expect("it is in the registry").trace)(&[]).expect("its defaults are fine")
}

fn step(traced: &mut dyn Trace, step: &Value) -> Value {
    let row = traced.step(&Datum::from(step)).expect("the step is fine");
    Value::Object(row.iter().map(|(name, datum)| ((*name).to_owned(), Value::from(datum))).collect())
}

/// `Math.ceil(MaxRequeuesPerReq * retryBudget.balance)` (RequeueFilter.scala): a fifth of the reserve of a hundred.
#[test]
fn one_call_takes_a_fifth_of_the_budget() {
    let mut retry = traced(Kind::Retry);
    let mut requeues = |calls: u32| {
        let mut sum = 0;
        for _ in 0..calls {
            step(&mut *retry, &json!({ "t_ms": 0, "op": "call" }));
            while step(&mut *retry, &json!({ "t_ms": 0, "op": "fail" })).get("delay_ms").is_some() {
                sum += 1;
            }
        }
        sum
    };
    assert_eq!(requeues(1), 20);
    assert_eq!(requeues(1), 16, "80 whole ones are left");
}

/// `canRemove` (FailureAccrualPolicy.scala) wants `emaStamp >= window`: half of the requests fail, never five in a row.
#[test]
fn a_success_rate_counts_when_its_window_is_over() {
    let mut outlier = traced(Kind::Outlier);
    step(&mut *outlier, &json!({ "t_ms": 0, "hosts": 10 }));
    let mut dead_at = Vec::new();
    for second in 0..40 {
        let outcome = if second % 2 == 0 { "success" } else { "error" };
        let row = step(&mut *outlier, &json!({ "t_ms": second * 1000, "host": 3, "outcome": outcome }));
        if row["ejected"] == 1 {
            dead_at.push(second);
        }
    }
    // The first failure after 30 s; then the mean is exp(-1) + (1 - exp(-1)) / 2 = 0.68 or so, below 0.8.
    assert_eq!(dead_at.first(), Some(&31));
}
