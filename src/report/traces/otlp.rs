//! OTLP JSON, as OpenTelemetry's collectors read it from files: the JSON mapping of the message `TracesData`, with ids as
//! hexadecimal digits and times as texts.

use serde_json::{Value, json};

use super::{EPOCH_NANOS, Kind, Span, Trace};

/// Several traces as one document; the spans of a service stand together.
pub fn document(traces: &[&Trace], version: &str) -> String {
    let mut services: Vec<&str> = traces.iter().flat_map(|it| &it.spans).map(|it| it.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let resources = services.iter().map(|service| {
        let of_trace = |trace: &&Trace| -> Vec<Value> {
            trace.spans.iter().filter(|it| it.service == *service).map(|it| span(trace, it)).collect()
        };
        json!({
            "resource": { "attributes": [text("service.name", service)] },
            "scopeSpans": [{
                "scope": { "name": "brownout", "version": version },
                "spans": traces.iter().flat_map(of_trace).collect::<Vec<_>>(),
            }],
        })
    });
    let mut text = json!({ "resourceSpans": resources.collect::<Vec<_>>() }).to_string();
    text.push('\n');
    text
}

fn span(trace: &Trace, it: &Span) -> Value {
    let phases = it.phases.iter().map(|phase| {
        let length = int("brownout.duration_ns", phase.end_ns - phase.start_ns);
        json!({ "timeUnixNano": time(phase.start_ns), "name": phase.on, "attributes": [length] })
    });
    let moments = it.events.iter().map(|it| json!({ "timeUnixNano": time(it.at_ns), "name": it.what }));
    let mut attributes = vec![text("brownout.kind", it.kind.name()), text("brownout.outcome", &it.outcome)];
    attributes.extend(it.replica.map(|it| int("brownout.replica", it.into())));
    attributes.extend(it.attempt.map(|it| int("brownout.attempt", it.into())));
    attributes.extend((it.wait_ns > 0).then(|| int("brownout.wait_ns", it.wait_ns)));
    let mut span = json!({
        "traceId": trace.id,
        "spanId": it.id,
        "name": it.name,
        "kind": kind(it.kind),
        "startTimeUnixNano": time(it.start_ns),
        "endTimeUnixNano": time(it.end_ns),
        "attributes": attributes,
        "events": phases.chain(moments).collect::<Vec<_>>(),
        "links": it.links.iter().map(|it| json!({ "traceId": it.trace, "spanId": it.span })).collect::<Vec<_>>(),
        "status": if it.is_ok { json!({}) } else { json!({ "code": 2, "message": it.outcome }) },
    });
    if let Some(parent) = &it.parent {
        span["parentSpanId"] = json!(parent);
    }
    span
}

/// The number of a kind of span in OpenTelemetry's protocol.
fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Request | Kind::Branch | Kind::Fetch => 1,
        Kind::Handler | Kind::Forward => 2,
        Kind::Attempt => 3,
        Kind::Publish => 4,
        Kind::Delivery => 5,
    }
}

fn time(nanos: u64) -> String {
    (EPOCH_NANOS + nanos).to_string()
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Numbers of 64 bits are texts in the mapping.
fn int(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}
