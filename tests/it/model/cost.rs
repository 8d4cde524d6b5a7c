//! What a run costs.

use serde_json::Value;

use brownout::report::{Input, json};

use crate::reference::Run;

/// `cost` of the summary of two services that work 10 ms and 4 ms for each of 100 requests a second.
fn cost(prices: &str) -> Value {
    let run = Run::of(&format!(
        r#"
        duration = "110s"
        warmup = "10s"
        [workload.users]
        entry = "front.page"
        arrivals = "even(100/s)"
        [client.rest]
        transport = "rest"
        [service.front]
        cores = 1
        replicas = 3
        [service.front.endpoint.page]
        steps = [{{ work = "10ms" }}, {{ call = "back.get", client = "rest" }}]
        [service.back]
        threads = 2
        [service.back.endpoint.get]
        steps = [{{ work = "4ms" }}]
        {prices}
        "#
    ));
    let input = Input { model: &run.model, results: &run.results, hash: "", version: "", twin: None, insight: None };
    let summary: Value = serde_json::from_str(&json::summary(&input)).unwrap();
    summary["cost"].clone()
}

#[test]
fn a_million_requests_cost_their_cores_their_replicas_and_their_bytes() {
    assert_eq!(cost(""), Value::Null, "nobody asks");
    let it = cost("[prices]\ncore_hour = 3.6\nreplica_hour = 0.9\ngigabyte = 10");
    let near = |value: &Value, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!((value / expected - 1.0).abs() < 1e-3, "{value} and not {expected}");
    };
    let of = &it["per_million_requests"];
    // 14 000 s of CPU time; a million requests take 10 000 s, in which four replicas are there; 1200 bytes of headers each.
    near(&of["core_hours"], 14_000.0 / 3600.0);
    near(&of["cores"], 14.0);
    near(&of["replicas"], 10.0);
    near(&of["network"], 12.0);
    near(&of["total"], 36.0);
    assert_eq!(it["currency"], "USD");
}

#[test]
fn it_says_how_many_replicas_would_be_enough() {
    let needed = |prices: &str| {
        let it = cost(prices);
        let services = it["services"].as_array().unwrap().clone();
        services.iter().map(|it| it["replicas_needed"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // One core is busy all the time in three replicas of one core each; 0.4 threads of two.
    assert_eq!(needed("[prices]"), [2, 1]);
    assert_eq!(needed("[prices]\nutilisation = \"30%\""), [4, 1]);
    assert_eq!(needed("[prices]\nutilisation = \"100%\""), [1, 1]);
}
