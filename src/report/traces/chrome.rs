//! The trace event format of Chrome, which Perfetto reads: a process for each service, and in it as many lanes as it takes
//! for spans that overlap.

use serde_json::{Value, json};

use super::{Span, Trace};

/// Several traces as one document. Times are microseconds since the run started.
pub fn document(traces: &[&Trace]) -> String {
    let mut services: Vec<&str> = Vec::new();
    for it in traces.iter().flat_map(|it| &it.spans) {
        if !services.contains(&it.service.as_str()) {
            services.push(&it.service);
        }
    }
    let mut events = Vec::new();
    for (service, pid) in services.iter().zip(1u32..) {
        events.push(json!({ "ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": { "name": service } }));
        let of_trace = |trace: &&'_ Trace| trace.spans.iter().filter(|it| it.service == *service).count() > 0;
        let mut spans: Vec<(&Trace, &Span)> = traces
            .iter()
            .filter(|it| of_trace(it))
            .flat_map(|trace| trace.spans.iter().map(move |span| (*trace, span)))
            .filter(|(_, span)| span.service == *service)
            .collect();
        spans.sort_by_key(|(_, span)| (span.start_ns, std::cmp::Reverse(span.end_ns)));
        // Until when each lane is taken.
        let mut lanes: Vec<u64> = Vec::new();
        for (trace, span) in spans {
            let lane = lanes.iter().position(|until| *until <= span.start_ns).unwrap_or_else(|| {
                let tid = lanes.len() + 1;
                let args = json!({ "name": format!("lane {tid}") });
                events.push(json!({ "ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": args }));
                lanes.push(0);
                tid - 1
            });
            // What takes no time has a place of its own, too.
            lanes[lane] = span.end_ns.max(span.start_ns + 1);
            events.push(event(trace, span, pid, lane + 1));
        }
    }
    let mut text = json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string();
    text.push('\n');
    text
}

fn event(trace: &Trace, it: &Span, pid: u32, tid: usize) -> Value {
    let micros = |nanos: u64| nanos as f64 / 1e3;
    json!({
        "ph": "X",
        "pid": pid,
        "tid": tid,
        "ts": micros(it.start_ns),
        "dur": micros(it.end_ns - it.start_ns),
        "name": it.name,
        "cat": it.kind.name(),
        "args": {
            "trace": trace.id,
            "span": it.id,
            "parent": it.parent,
            "outcome": it.outcome,
            "attempt": it.attempt,
            "replica": it.replica,
            "wait_us": micros(it.wait_ns),
        },
    })
}
