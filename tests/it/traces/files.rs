//! The files that hold traces keep the rules of their formats.

use std::collections::{BTreeMap, BTreeSet};

use brownout::import::jaeger as import;
use brownout::report::Input;
use brownout::report::traces::{Trace, Traces, chrome, jaeger, list, otlp, waterfall};
use serde_json::Value;

use super::run;

/// An order that asks a slow shelf twice and sends a mail.
const ORDER: &str = r#"
title = "an order"
duration = "3s"
[workload.shoppers]
entry = "shop.buy"
arrivals = "even(1/s)"
deadline = "2s"
client = "browser"
[client.browser]
latency = "1ms"
[client.sql]
latency = "2ms"
timeout = "50ms"
retry = { attempts = 2, backoff = "10ms" }
[queue.mails]
broker = "rabbitmq"
[consumer.mailer]
queue = "mails"
handler = "mail.send"
[service.shop]
threads = 4
[service.shop.endpoint.buy]
steps = [ { work = "3ms" }, { publish = "mails" }, { call = "shelf.take", client = "sql" } ]
[service.shelf]
threads = 1
[service.shelf.endpoint.take]
steps = [ { work = "100ms" } ]
[service.mail.endpoint.send]
steps = [ { work = "20ms" } ]
"#;

fn recorded() -> Traces {
    let (model, results) = run(ORDER);
    let input = Input { model: &model, results: &results, hash: "00ff", version: "1", twin: None, insight: None };
    Traces::of(&input).unwrap()
}

fn all(traces: &Traces) -> Vec<&Trace> {
    traces.traces.iter().collect()
}

fn is_hex(text: &Value, digits: usize) -> bool {
    let text = text.as_str().unwrap();
    text.len() == digits && text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
}

#[test]
fn they_look_like_this() {
    let traces = recorded();
    let first = &traces.traces[..1].iter().collect::<Vec<_>>();
    insta::assert_snapshot!("waterfall", waterfall(first[0], 120));
    insta::assert_snapshot!("list", list(&traces));
    let pretty = |text: &str| serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    insta::assert_snapshot!("otlp", pretty(&otlp::document(first, "1")));
    insta::assert_snapshot!("jaeger", pretty(&jaeger::document(first)));
    insta::assert_snapshot!("chrome", pretty(&chrome::document(first)));
}

#[test]
fn a_waterfall_fits_its_terminal() {
    for width in [60, 80, 100, 200] {
        for line in waterfall(&recorded().traces[0], width).lines() {
            let is_prose = line.starts_with("trace ") || line.starts_with('█');
            assert!(is_prose || line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn the_own_form_is_read_again() {
    let traces = recorded();
    assert_eq!(Traces::from_json(&traces.to_json()), Ok(traces));
    assert!(Traces::from_json("{}").is_err());
}

#[test]
fn otlp_keeps_the_rules_of_the_json_mapping() {
    let traces = recorded();
    let document: Value = serde_json::from_str(&otlp::document(&all(&traces), "1")).unwrap();
    let mut spans: BTreeMap<(String, String), Value> = BTreeMap::new();
    for resource in document["resourceSpans"].as_array().unwrap() {
        let name = &resource["resource"]["attributes"][0];
        assert_eq!(name["key"], "service.name");
        assert!(!name["value"]["stringValue"].as_str().unwrap().is_empty());
        for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
            assert!(is_hex(&span["traceId"], 32) && is_hex(&span["spanId"], 16));
            let known = [
                "traceId",
                "spanId",
                "parentSpanId",
                "name",
                "kind",
                "startTimeUnixNano",
                "endTimeUnixNano",
                "attributes",
                "events",
                "links",
                "status",
            ];
            assert!(span.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{span}");
            let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
            assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
            assert!((1..=5).contains(&span["kind"].as_u64().unwrap()));
            for event in span["events"].as_array().unwrap() {
                let at = event["timeUnixNano"].as_str().unwrap().parse::<u64>().unwrap();
                assert!((time("startTimeUnixNano")..=time("endTimeUnixNano")).contains(&at));
            }
            for attribute in span["attributes"].as_array().unwrap() {
                let value = attribute["value"].as_object().unwrap();
                let (kind, value) = value.iter().next().unwrap();
                assert!(matches!(kind.as_str(), "stringValue" | "intValue") && value.is_string());
            }
            let ids = [&span["traceId"], &span["spanId"]].map(|it| it.as_str().unwrap().to_owned());
            let [trace, id] = ids;
            assert!(spans.insert((trace, id), span.clone()).is_none(), "an id is of one span");
        }
    }
    assert_eq!(spans.len(), traces.traces.iter().map(|it| it.spans.len()).sum::<usize>());
    let mut kinds = BTreeSet::new();
    for ((trace, _), span) in &spans {
        kinds.insert(span["kind"].as_u64().unwrap());
        if let Some(parent) = span.get("parentSpanId") {
            let parent = &spans[&(trace.clone(), parent.as_str().unwrap().to_owned())];
            let start = |it: &Value| it["startTimeUnixNano"].as_str().unwrap().parse::<u64>().unwrap();
            assert!(start(parent) <= start(span));
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn jaeger_is_read_by_who_reads_real_files() {
    let real = import::read(include_str!("../../data/jaeger/social-network.json")).unwrap();
    assert_eq!((real.len(), real[0].spans.len()), (1, 33));
    assert_eq!(real[0].spans.iter().filter(|it| it.parent.is_none()).count(), 1);

    let traces = recorded();
    let text = jaeger::document(&all(&traces));
    let read = import::read(&text).unwrap();
    assert_eq!(read.len(), traces.traces.len());
    for (read, own) in read.iter().zip(&traces.traces) {
        assert_eq!((&read.id, read.spans.len()), (&own.id, own.spans.len()));
        for (read, own) in read.spans.iter().zip(&own.spans) {
            assert_eq!((&read.id, &read.parent, &read.operation), (&own.id, &own.parent, &own.name));
            assert_eq!((&read.service, read.is_error), (&own.service, !own.is_ok));
            assert_eq!(read.start_us - 946_684_800_000_000, own.start_ns / 1000);
        }
    }
}

#[test]
fn a_broken_file_of_jaeger_is_refused() {
    let good = include_str!("../../data/jaeger/social-network.json");
    let id = "\"spanID\":\"";
    let at = good.find(id).unwrap() + id.len();
    let first = &good[at..at + 16];
    for (from, to, why) in [
        (first.to_owned(), "xyz".to_owned(), "no id of a span"),
        ("\"processID\":\"p1\"".to_owned(), "\"processID\":\"p99\"".to_owned(), "missing"),
        ("CHILD_OF".to_owned(), "CHILD".to_owned(), "refers to another"),
        ("\"int64\"".to_owned(), "\"string\"".to_owned(), "says string"),
        ("\"startTime\":".to_owned(), "\"startTime\":-".to_owned(), "invalid value"),
    ] {
        assert!(good.contains(&from), "{from}");
        let fault = import::read(&good.replace(&from, &to)).unwrap_err();
        assert!(fault.contains(why), "{fault}");
    }
}

#[test]
fn chrome_has_lanes_in_which_nothing_overlaps() {
    let traces = recorded();
    let document: Value = serde_json::from_str(&chrome::document(&all(&traces))).unwrap();
    let mut lanes: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    let mut named = BTreeSet::new();
    let mut count = 0;
    for event in document["traceEvents"].as_array().unwrap() {
        let lane = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        if event["ph"] == "M" {
            assert!(matches!(event["name"].as_str().unwrap(), "process_name" | "thread_name"));
            assert!(event["args"]["name"].is_string());
            named.insert(lane);
            continue;
        }
        assert_eq!(event["ph"], "X");
        let (ts, dur) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
        assert!(named.contains(&lane) && named.contains(&(lane.0, 0)), "every lane has a name");
        let until = lanes.entry(lane).or_insert(0.0);
        assert!(*until <= ts + 1e-6 && dur >= 0.0);
        *until = ts + dur;
        count += 1;
    }
    assert_eq!(count, traces.traces.iter().map(|it| it.spans.len()).sum::<usize>());
}

#[test]
fn the_program_finds_a_request_or_says_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("order.toml");
    std::fs::write(&file, ORDER).unwrap();
    let out = directory.path().join("out");
    let brownout = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin("brownout"));
        command.args(arguments).arg(&out).env("NO_COLOR", "1").output().unwrap()
    };
    let missing = brownout(&["trace"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there are no traces in"));

    assert!(brownout(&["run", "--quiet", "--no-figures", file.to_str().unwrap(), "--out"]).status.success());
    for request in ["slowest", "first-failed", "1"] {
        let drawn = brownout(&["trace", "--request", request]);
        assert!(drawn.status.success(), "{request}: {}", String::from_utf8_lossy(&drawn.stderr));
        assert!(String::from_utf8_lossy(&drawn.stdout).contains("→ shelf.take (attempt 2)"));
    }
    let jaeger = brownout(&["trace", "--format", "jaeger"]);
    assert_eq!(import::read(&String::from_utf8(jaeger.stdout).unwrap()).unwrap().len(), 3);
    for (arguments, hint) in [
        (["--request", "slowst"], "did you mean `slowest`?"),
        (["--request", "77"], "`--list` says"),
        (["--workload", "shopers"], "did you mean `shoppers`?"),
    ] {
        let wrong = brownout(&["trace", arguments[0], arguments[1]]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&wrong.stderr).contains(hint), "{}", String::from_utf8_lossy(&wrong.stderr));
    }
}
