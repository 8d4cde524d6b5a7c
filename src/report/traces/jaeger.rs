//! Jaeger's JSON, as its interface exports and loads it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{EPOCH_NANOS, Kind, Span, Trace};

/// Several traces as one document.
pub fn document(traces: &[&Trace]) -> String {
    let data: Vec<Value> = traces.iter().map(|it| trace(it)).collect();
    let mut text = json!({ "data": data, "total": 0, "limit": 0, "offset": 0, "errors": null }).to_string();
    text.push('\n');
    text
}

fn trace(trace: &Trace) -> Value {
    let mut processes: BTreeMap<(&str, Option<u32>), String> = BTreeMap::new();
    for it in &trace.spans {
        let name = format!("p{}", processes.len() + 1);
        processes.entry((&it.service, it.replica)).or_insert(name);
    }
    let spans: Vec<Value> =
        trace.spans.iter().map(|it| span(trace, it, &processes[&(it.service.as_str(), it.replica)])).collect();
    let processes: Map<String, Value> = processes
        .into_iter()
        .map(|((service, replica), name)| {
            let tags: Vec<Value> = replica.map(|it| int("brownout.replica", it.into())).into_iter().collect();
            (name, json!({ "serviceName": service, "tags": tags }))
        })
        .collect();
    json!({ "traceID": trace.id, "spans": spans, "processes": processes, "warnings": null })
}

fn span(trace: &Trace, it: &Span, process: &str) -> Value {
    let refer = |kind: &str, trace: &str, span: &str| json!({ "refType": kind, "traceID": trace, "spanID": span });
    let parent = it.parent.iter().map(|parent| refer("CHILD_OF", &trace.id, parent));
    let links = it.links.iter().map(|it| refer("FOLLOWS_FROM", &it.trace, &it.span));
    let mut tags = vec![
        text("span.kind", kind(it.kind)),
        text("brownout.kind", it.kind.name()),
        text("brownout.outcome", &it.outcome),
    ];
    tags.extend((!it.is_ok).then(|| json!({ "key": "error", "type": "bool", "value": true })));
    tags.extend(it.attempt.map(|it| int("brownout.attempt", it.into())));
    tags.extend((it.wait_ns > 0).then(|| int("brownout.wait_ns", it.wait_ns)));
    let phases = it.phases.iter().map(|phase| {
        let fields = [text("event", &phase.on), int("duration_ns", phase.end_ns - phase.start_ns)];
        json!({ "timestamp": micros(phase.start_ns), "fields": fields })
    });
    let moments =
        it.events.iter().map(|it| json!({ "timestamp": micros(it.at_ns), "fields": [text("event", &it.what)] }));
    json!({
        "traceID": trace.id,
        "spanID": it.id,
        "operationName": it.name,
        "references": parent.chain(links).collect::<Vec<_>>(),
        "startTime": micros(it.start_ns),
        // Both ends are rounded down, so that a child stays within its parent.
        "duration": micros(it.end_ns) - micros(it.start_ns),
        "tags": tags,
        "logs": phases.chain(moments).collect::<Vec<_>>(),
        "processID": process,
        "warnings": null,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Request | Kind::Branch | Kind::Fetch => "internal",
        Kind::Handler | Kind::Forward => "server",
        Kind::Attempt => "client",
        Kind::Publish => "producer",
        Kind::Delivery => "consumer",
    }
}

fn micros(nanos: u64) -> u64 {
    (EPOCH_NANOS + nanos) / 1000
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "type": "string", "value": value })
}

fn int(key: &str, value: u64) -> Value {
    json!({ "key": key, "type": "int64", "value": value })
}
