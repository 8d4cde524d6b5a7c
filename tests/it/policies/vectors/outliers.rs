//! Vectors of outlier detection.

use brownout::policy::outlier::{EnvoyOutlier, EnvoyOutlierSettings, success_rate_threshold};
use serde_json::json;

use super::traces::Traced;
use super::*;

const OUTLIER: &str = "envoy.outlier";

fn hosts(set: &[(&str, &str)], hosts: usize) -> Traced {
    let mut traced = Traced::with(OUTLIER, set);
    traced.step(&json!({ "t_ms": 0, "hosts": hosts }));
    traced
}

pub(super) fn max_ejection(vector: &Value) -> Result<(), Waiting> {
    let settings = EnvoyOutlierSettings::default();
    assert_eq!(settings.max_ejection.as_f64() * 100.0, number(&vector["params"]["max_ejection_percent"]));
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let found = EnvoyOutlier::allows(&settings, count(&input["hosts"]), count(&input["ejected"]));
        assert_eq!(Some(found), expected.as_bool(), "{input}");
    }
    Ok(())
}

/// Codes of one host; the counter is looked at before each ejection sets it back.
pub(super) fn consecutive(vector: &Value) -> Result<(), Waiting> {
    let params = &vector["params"];
    let mut traced = hosts(&[], count(&params["hosts"]) as usize);
    let (expected, at) = (&vector["expected"], count(&vector["expected"]["ejected_at_index"]) as usize);
    let counters = list(&expected["consecutive_5xx_after"]);
    for (n, code) in list(&vector["input"]["codes"]).iter().enumerate() {
        let row = traced.step(&json!({ "t_ms": n, "host": 0, "code": code }));
        assert_eq!(row["ejected"], u32::from(n == at), "after {n}");
        if n == at {
            assert_eq!(counters[n], params["consecutive_5xx"], "the counter was at the limit");
        } else {
            assert_eq!(row["in_a_row"], counters[n], "after {n}");
        }
    }
    Ok(())
}

/// Five failures in a row at each of these moments, and when the host is seen again.
pub(super) fn ejection_time(vector: &Value) -> Result<(), Waiting> {
    let interval = number(&vector["params"]["interval_ms"]);
    let mut traced = hosts(&[], 10);
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let at = number(&input["ejected_at_ms"]);
        let row = traced.step(&json!({ "t_ms": at, "host": 3, "code": 500, "times": 5 }));
        assert_eq!((&row["ejected"], &row["multiplier"]), (&json!(1), &input["multiplier"]));
        let mut now = at;
        let back = loop {
            now = (now / interval).floor() * interval + interval;
            if traced.step(&json!({ "t_ms": now, "op": "observe" }))["ejected"] == 0 {
                break now;
            }
        };
        assert_eq!(back, number(&expected["returned_at_ms"]), "{input}");
        assert!(
            at + number(&expected["ejection_ms"]) <= back && back - interval < at + number(&expected["ejection_ms"])
        );
    }
    Ok(())
}

/// The host is ejected until its multiplier is as high as in the vector; then ticks count from its return.
pub(super) fn multiplier(vector: &Value) -> Result<(), Waiting> {
    let input = &vector["input"];
    let interval = number(&vector["params"]["interval_ms"]);
    let mut traced = hosts(&[], 10);
    let mut now = 0.0;
    for wanted in 1..=count(&input["multiplier_at_return"]) {
        let row = traced.step(&json!({ "t_ms": now + 1.0, "host": 3, "code": 500, "times": 5 }));
        assert_eq!(row["multiplier"], wanted);
        loop {
            now += interval;
            if traced.step(&json!({ "t_ms": now, "op": "observe" }))["ejected"] == 0 {
                break;
            }
        }
    }
    let returned = number(&input["returned_at_ms"]);
    for (tick, expected) in list(&input["ticks_ms"]).iter().zip(list(&vector["expected"]["multiplier_after_tick"])) {
        let row = traced.step(&json!({ "t_ms": now + number(tick) - returned, "host": 3, "code": 200, "times": 0 }));
        assert_eq!(row["multiplier"], *expected, "at {tick}");
    }
    Ok(())
}

/// Feeds an interval's requests, so many of which fail spread out, and answers who is out after it.
fn after_an_interval(traced: &mut Traced, requests: &[(u32, u32)]) -> Value {
    for (host, (requests, failures)) in requests.iter().enumerate() {
        for n in 0..*requests {
            // As evenly as can be.
            let fails = (n + 1) * failures / requests > n * failures / requests;
            let code = if fails { 500 } else { 200 };
            traced.step(&json!({ "t_ms": 0, "host": host, "code": code }));
        }
    }
    traced.step(&json!({ "t_ms": 10_000, "op": "observe" }))["hidden"].clone()
}

pub(super) fn success_rate(vector: &Value) -> Result<(), Waiting> {
    let rates: Vec<f64> = list(&vector["input"]["success_rate_percent_per_host"]).iter().map(number).collect();
    let factor = number(&vector["params"]["success_rate_stdev_factor"]) / 1e3;
    let found = success_rate_threshold(&rates, factor);
    let expected = &vector["expected"];
    assert_eq!(found, (number(&expected["mean"]), number(&expected["stdev"]), number(&expected["threshold"])));
    let requests = count(&vector["input"]["requests_per_host"]);
    let of_host = |rate: &f64| (requests, requests - (f64::from(requests) * rate / 100.0) as u32);
    let requests: Vec<(u32, u32)> = rates.iter().map(of_host).collect();
    let set = [("max_ejection", "100%"), ("consecutive", "none")];
    assert_eq!(after_an_interval(&mut hosts(&set, rates.len()), &requests), expected["outliers"]);
    Ok(())
}

pub(super) fn failure_percentage(vector: &Value) -> Result<(), Waiting> {
    let (params, input) = (&vector["params"], &vector["input"]);
    let requests = list(&input["requests"]).iter().map(count).zip(list(&input["failures"]).iter().map(count));
    let requests: Vec<(u32, u32)> = requests.collect();
    let names = ["failure_percentage_threshold", "enforcing_failure_percentage", "failure_percentage_request_volume"];
    let values = names.map(|name| params[name].to_string());
    let minimum = params["failure_percentage_minimum_hosts"].to_string();
    let fewer = vector["expected"]["valid_hosts"].to_string();
    for (hosts_at_least, expected) in [(minimum, "ejected"), (fewer, "outliers_envoy")] {
        let mut set: Vec<(&str, &str)> =
            names.iter().zip(&values).map(|(name, value)| (*name, value.as_str())).collect();
        set.extend([("failure_percentage_minimum_hosts", hosts_at_least.as_str()), ("success_rate_enforced", "0%")]);
        // With Envoy's other limits out of the way.
        set.extend([("max_ejection", "100%"), ("consecutive", "none"), ("panic", "0%")]);
        assert_eq!(after_an_interval(&mut hosts(&set, requests.len()), &requests), vector["expected"][expected]);
    }
    Ok(())
}
