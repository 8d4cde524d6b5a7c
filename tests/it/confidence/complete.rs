//! Every mean and every share of the summary says how far it may be off.

use serde_json::{Map, Value};

use brownout::report::{Input, csv, json};

use crate::reference::Run;

/// A run that has something of everything, and whose load stays as it is.
fn everything() -> Run {
    Run::of(
        r#"
        duration = "120s"
        warmup = "20s"

        [workload.users]
        entry = "app.page"
        arrivals = "poisson(40/s)"
        key = "zipf(1.0, 1000)"
        deadline = "1s"
        client = "browser"

        [workload.room]
        arrivals = "users(5, think=exp(1s))"
        key = "uniform(10)"
        session = [{ ask = "app.page" }, { think = "exp(100ms)" }, { ask = "app.search" }]

        [service.app]
        cores = 2
        threads = 20
        queue = 10
        queue_timeout = "200ms"
        [service.app.endpoint.page]
        steps = [
          { work = "exp(10ms)" },
          { cache = "things", miss = [{ hold = "db", steps = [{ call = "store.get", client = "sql" }] }] },
        ]
        [service.app.endpoint.search]
        steps = [
          { hold = "version", steps = [{ call = "store.get", client = "sql" }] },
          { call = "store.list", client = "sql", read = "exp(1ms)" },
        ]

        [service.store]
        threads = 2
        queue = 2
        [service.store.endpoint.get]
        response = "10kB"
        steps = [{ work = "exp(40ms)" }]
        [service.store.endpoint.list]
        stream = { messages = 5, size = "30kB" }
        steps = [{ work = "exp(1ms)" }]

        [client.browser]
        transport = "rest"
        timeout = "500ms"
        retry = { attempts = 2 }
        [client.sql]
        transport = "grpc"
        timeout = "150ms"
        breaker = { preset = "resilience4j" }
        throttle = { preset = "sre" }

        [cache.things]
        capacity = 100
        ttl = "5s"
        stale = "2s"
        coalesce = true

        [pool.db]
        size = 2
        acquire_timeout = "50ms"
        [pool.version]
        scope = "shared"
        optimistic = true

        [prices]
        core_hour = 0.05
        replica_hour = 0.1
        gigabyte = 0.01
        gigabyte_across = 0.02
        "#,
    )
}

/// What has the look of a mean or a share and no interval.
const WITHOUT: [(&str, &str); 1] = [("target_utilisation_share", "is what somebody wants")];

/// Whether a number is a mean or a share by its name, or by what it stands in.
fn is_mean(path: &[&str]) -> bool {
    let words = ["mean", "share", "factor", "per_s", "per_request", "per_message", "per_million"];
    path.iter().any(|name| words.iter().any(|word| name.contains(word)))
}

/// Goes through `object`, which stands at `path` below the last object with half widths, `widths`.
fn walk<'a>(
    object: &'a Map<String, Value>,
    path: &mut Vec<&'a str>,
    widths: Option<&'a Map<String, Value>>,
    seen: &mut Vec<String>,
    missing: &mut Vec<String>,
) {
    for (name, value) in object.iter().filter(|(name, _)| *name != "half_widths") {
        path.push(name);
        match value {
            Value::Object(inner) if inner.contains_key("half_widths") => {
                // In a section of its own only its own name counts.
                walk(inner, &mut vec![name], inner["half_widths"].as_object(), seen, missing);
            }
            Value::Object(inner) => walk(inner, path, widths, seen, missing),
            Value::Array(all) => {
                for inner in all.iter().filter_map(Value::as_object) {
                    walk(inner, &mut vec![], inner.get("half_widths").and_then(Value::as_object), seen, missing);
                }
            }
            Value::Number(_) if is_mean(path) && !WITHOUT.iter().any(|(exception, _)| name == exception) => {
                // `mean_s` of a latency stands as `latency_mean_s`.
                let names = [name.clone(), path[path.len().saturating_sub(2)..].join("_")];
                let width = widths.and_then(|widths| names.iter().find_map(|name| widths.get(name)?.as_f64()));
                let list = if width.is_some_and(|width| width >= 0.0) { &mut *seen } else { &mut *missing };
                list.push(path.join("."));
            }
            _ => {}
        }
        path.pop();
    }
}

#[test]
fn no_mean_stands_alone() {
    let run = everything();
    let input = Input { model: &run.model, results: &run.results, hash: "", version: "", twin: None, insight: None };
    let summary: Value = serde_json::from_str(&json::summary(&input)).unwrap();
    let (mut seen, mut missing) = (Vec::new(), Vec::new());
    walk(summary.as_object().unwrap(), &mut Vec::new(), None, &mut seen, &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
    for wanted in [
        "goodput_share",
        "sessions.finished_share",
        "sojourn.mean_s",
        "hit_ratio_share",
        "wait.mean_s",
        "open_mean",
        "network_mean_s",
    ] {
        assert!(seen.iter().any(|it| it == wanted), "{wanted} is not in {seen:?}");
    }
    assert!(seen.iter().any(|it| it == "per_million_requests.total"), "{seen:?}");
}

#[test]
fn no_mean_of_the_table_of_totals_stands_alone() {
    let run = everything();
    let input = Input { model: &run.model, results: &run.results, hash: "", version: "", twin: None, insight: None };
    let table = csv::summary(&input);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["kind", "name", "metric", "value", "half_width"]);
    let means: Vec<_> = rows[1..].iter().filter(|row| is_mean(&[row[2]]) && !row[3].is_empty()).collect();
    assert!(means.len() > 30, "{}", means.len());
    for row in means {
        assert!(row[4].parse::<f64>().is_ok_and(|width| width >= 0.0), "{row:?}");
    }
    let counts = rows[1..].iter().filter(|row| row[2] == "offered");
    assert!(counts.into_iter().all(|row| row[4].is_empty()), "a number of arrivals is what it is");
}
