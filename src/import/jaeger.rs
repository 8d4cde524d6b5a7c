//! Jaeger's JSON, as its interface and its API export it: read strictly into plain data. Nothing of it becomes a scenario
//! yet; what is read is what the format promises, and whatever breaks it is said.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

/// One trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Hexadecimal digits: 32, or 16 of older clients.
    pub id: String,
    /// In the order of the file.
    pub spans: Vec<Span>,
}

/// One span of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// What was done.
    pub operation: String,
    /// Where.
    pub service: String,
    /// `client`, `server`, `producer`, `consumer` or `internal`, where it says so.
    pub kind: Option<String>,
    /// The id of the span that it is a child of, where there is one.
    pub parent: Option<String>,
    /// Microseconds since 1970.
    pub start_us: u64,
    /// Microseconds.
    pub duration_us: u64,
    /// Whether it is marked as an error.
    pub is_error: bool,
    /// How many moments it tells of.
    pub logs: usize,
}

#[derive(Deserialize)]
struct Document {
    data: Vec<RawTrace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<RawSpan>,
    processes: BTreeMap<String, Process>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: String,
    #[serde(default)]
    references: Vec<Reference>,
    start_time: u64,
    duration: u64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    logs: Vec<Log>,
    #[serde(rename = "processID")]
    process_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(rename = "type")]
    kind: String,
    value: Value,
}

#[derive(Deserialize)]
struct Log {
    #[serde(rename = "timestamp")]
    _timestamp: u64,
    fields: Vec<Tag>,
}

/// Reads a file of traces.
///
/// # Errors
///
/// A sentence that says what breaks the format, and where.
pub fn read(text: &str) -> Result<Vec<Trace>, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    document.data.into_iter().map(trace).collect()
}

fn trace(raw: RawTrace) -> Result<Trace, String> {
    let RawTrace { trace_id, spans, processes } = raw;
    if !is_id(&trace_id, &[16, 32]) {
        return Err(format!("`{trace_id}` is no id of a trace: it has 16 or 32 hexadecimal digits"));
    }
    processes.values().flat_map(|it| &it.tags).try_for_each(check_tag)?;
    let mut ids = BTreeSet::new();
    for span in &spans {
        if !is_id(&span.span_id, &[16]) {
            return Err(format!("`{}` is no id of a span: it has 16 hexadecimal digits", span.span_id));
        }
        if !ids.insert(span.span_id.clone()) {
            return Err(format!("span `{}` is there twice", span.span_id));
        }
    }
    let spans = spans.into_iter().map(|raw| span(raw, &trace_id, &processes, &ids)).collect::<Result<Vec<_>, _>>()?;
    Ok(Trace { id: trace_id, spans })
}

fn span(
    raw: RawSpan,
    trace: &str,
    processes: &BTreeMap<String, Process>,
    ids: &BTreeSet<String>,
) -> Result<Span, String> {
    let name = &raw.span_id;
    if raw.trace_id != trace {
        return Err(format!("span `{name}` is of trace `{}`, and stands in `{trace}`", raw.trace_id));
    }
    let process = processes.get(&raw.process_id);
    let process =
        process.ok_or_else(|| format!("span `{name}` is of a process `{}`, which is missing", raw.process_id))?;
    raw.tags.iter().chain(raw.logs.iter().flat_map(|log| &log.fields)).try_for_each(check_tag)?;
    let mut parent = None;
    for reference in raw.references {
        match reference.ref_type.as_str() {
            "CHILD_OF" if reference.trace_id == trace => {
                if !ids.contains(&reference.span_id) {
                    return Err(format!("span `{name}` is a child of `{}`, which is missing", reference.span_id));
                }
                parent.get_or_insert(reference.span_id);
            }
            "CHILD_OF" | "FOLLOWS_FROM" => {}
            other => return Err(format!("span `{name}` refers to another as `{other}`: CHILD_OF or FOLLOWS_FROM")),
        }
    }
    let tag = |key: &str| raw.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value);
    Ok(Span {
        kind: tag("span.kind").and_then(Value::as_str).map(str::to_owned),
        is_error: tag("error").is_some_and(|it| it == true || it == "true"),
        id: raw.span_id,
        operation: raw.operation_name,
        service: process.service_name.clone(),
        parent,
        start_us: raw.start_time,
        duration_us: raw.duration,
        logs: raw.logs.len(),
    })
}

/// A tag is of the type that it says.
fn check_tag(tag: &Tag) -> Result<(), String> {
    let fits = match tag.kind.as_str() {
        "string" | "binary" => tag.value.is_string(),
        "bool" => tag.value.is_boolean(),
        "int64" => tag.value.is_i64() || tag.value.is_u64(),
        "float64" => tag.value.is_number(),
        other => return Err(format!("tag `{}` is of a type `{other}`", tag.key)),
    };
    if fits { Ok(()) } else { Err(format!("tag `{}` says {}, and is {}", tag.key, tag.kind, tag.value)) }
}

fn is_id(text: &str, lengths: &[usize]) -> bool {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hex && lengths.contains(&text.len()) && text.bytes().any(|byte| byte != b'0')
}
