//! `traces.json`: what happened to some requests, span by span and by name, so that `brownout trace` can draw it or hand it
//! to the programs that know traces: `otlp`, `jaeger` and `chrome` are their formats, `waterfall` is for the terminal.

pub mod chrome;
pub mod jaeger;
pub mod otlp;
mod waterfall;

use serde::{Deserialize, Serialize};

use crate::base::random::Key;
use crate::base::time::Time;
use crate::kernel::Spent;
use crate::measure::{self, SpanKind};
use crate::model::{ConsumerId, EndpointId, Model, ServiceId, TopicId, WorkloadId};

use super::Input;

pub use waterfall::{list, waterfall};

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;
/// Programs that show traces want a date: a run starts on the first of January 2000, in universal time.
pub const EPOCH_NANOS: u64 = 946_684_800_000_000_000;

/// `traces.json`. Times are nanoseconds since the run started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// Counts the revisions that take something away or change a meaning.
    pub schema: u32,
    /// Of the scenario.
    pub title: String,
    /// Hash of its text.
    pub scenario_hash: String,
    /// Of the run.
    pub seed: u64,
    /// By workload: those to look at first.
    pub chosen: Vec<Chosen>,
    /// In the order of their starts.
    pub traces: Vec<Trace>,
}

/// The traces of a workload to look at first, by their ids; among those that were recorded, which all but the median make
/// those of all requests unless the scenario says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Its name.
    pub workload: String,
    /// Requests that were recorded.
    pub recorded: u64,
    /// Answered well, and fastest.
    pub fastest: Option<String>,
    /// Answered well, and nearest to the median.
    pub median: Option<String>,
    /// Took longest.
    pub slowest: Option<String>,
    /// Failed first.
    pub first_failed: Option<String>,
}

/// What happened to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// 32 hexadecimal digits, the same whenever the run is repeated.
    pub id: String,
    /// Whose request it is.
    pub workload: String,
    /// Its number among all requests of the workload, from 0 on.
    pub number: u64,
    /// How it ended for its user.
    pub outcome: String,
    /// Why it was kept: `sampled`, `slow`, `failed`.
    pub kept: Vec<String>,
    /// Parents come before their children; the first one is the user's request.
    pub spans: Vec<Span>,
    /// Spans, phases and events beyond what one trace may hold.
    pub left_out: u32,
}

/// One thing that took a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// The id of the span that it belongs to.
    pub parent: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// `service.endpoint`, or the name of a workload, a topic or a consumer.
    pub name: String,
    /// The service where it happened, or the workload whose users did it.
    pub service: String,
    /// Which replica, from 0 on.
    pub replica: Option<u32>,
    /// When it began.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// How long it waited for a thread, or a message for its handler.
    pub wait_ns: u64,
    /// What became of it.
    pub outcome: String,
    /// Whether that is as it should be.
    pub is_ok: bool,
    /// Of an attempt: its number, the first being 1; of a delivery: how often the message came.
    pub attempt: Option<u32>,
    /// From then on nobody waited for it.
    pub abandoned_ns: Option<u64>,
    /// What it spent its time on; what is missing in between it waited for its children.
    pub phases: Vec<Phase>,
    /// What happened at a moment.
    pub events: Vec<Event>,
    /// Spans that it belongs to as well.
    pub links: Vec<Link>,
}

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A user's request.
    Request,
    /// An attempt of a call, as its caller sees it.
    Attempt,
    /// A request in a service.
    Handler,
    /// One that was handed over by another handler.
    Forward,
    /// A branch of a handler.
    Branch,
    /// A fetch for a cache that nobody waits for.
    Fetch,
    /// A message that is published.
    Publish,
    /// A message that is brought to its handler.
    Delivery,
}

impl Kind {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Request => "request",
            Kind::Attempt => "attempt",
            Kind::Handler => "handler",
            Kind::Forward => "forward",
            Kind::Branch => "branch",
            Kind::Fetch => "fetch",
            Kind::Publish => "publish",
            Kind::Delivery => "delivery",
        }
    }
}

/// A part of a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// What it spent it on.
    pub on: String,
    /// From when.
    pub start_ns: u64,
    /// Until when.
    pub end_ns: u64,
}

/// Something that happened at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at_ns: u64,
    /// What.
    pub what: String,
}

/// A span of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// 32 hexadecimal digits.
    pub trace: String,
    /// 16 hexadecimal digits.
    pub span: String,
}

impl Traces {
    /// Those of a run; `None` when none were recorded.
    pub fn of(input: &Input<'_>) -> Option<Traces> {
        let all = input.results.traces.as_deref()?;
        let model = input.model;
        let id_of = |place: Option<u32>| place.map(|place| trace_id(model, all.traces[place as usize].key));
        let chosen = all.chosen.iter().zip(model.workloads.iter()).map(|(chosen, workload)| Chosen {
            workload: workload.name.clone(),
            recorded: chosen.recorded,
            fastest: id_of(chosen.fastest),
            median: id_of(chosen.median),
            slowest: id_of(chosen.slowest),
            first_failed: id_of(chosen.first_failed),
        });
        Some(Traces {
            schema: SCHEMA,
            title: model.title.clone(),
            scenario_hash: input.hash.to_owned(),
            seed: model.seed,
            chosen: chosen.collect(),
            traces: all.traces.iter().map(|trace| named(model, trace)).collect(),
        })
    }

    /// As a file: one line, because it is long and nobody reads it.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("structs with text keys always serialise");
        text.push('\n');
        text
    }

    /// Reads what [`Traces::to_json`] has written.
    ///
    /// # Errors
    ///
    /// A sentence that says why it is no such file.
    pub fn from_json(text: &str) -> Result<Traces, String> {
        let traces: Traces = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if traces.schema != SCHEMA {
            return Err(format!("it has schema {}, and this program knows {SCHEMA}", traces.schema));
        }
        if traces.traces.iter().any(|trace| trace.spans.is_empty()) {
            return Err("a trace has no spans".to_owned());
        }
        Ok(traces)
    }
}

fn trace_id(model: &Model, key: u64) -> String {
    let run = Key::root(model.seed, "trace").child(key).to_bits();
    // An id of zeros only is none.
    format!("{run:016x}{:016x}", key.max(1))
}

fn span_id(model: &Model, key: u64, span: u32) -> String {
    let id = Key::root(model.seed, "trace/span").child(key).child(span.into()).to_bits();
    format!("{:016x}", id.max(1))
}

fn named(model: &Model, trace: &measure::Trace) -> Trace {
    let kept = [(trace.kept.sampled, "sampled"), (trace.kept.slow, "slow"), (trace.kept.failed, "failed")];
    let spans: Vec<Span> = trace.spans.iter().map(|span| named_span(model, trace, span)).collect();
    Trace {
        id: trace_id(model, trace.key),
        workload: model.workloads[WorkloadId(trace.workload)].name.clone(),
        number: trace.number,
        outcome: trace.root().outcome.name().to_owned(),
        kept: kept.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()).collect(),
        spans,
        left_out: trace.left_out,
    }
}

fn named_span(model: &Model, trace: &measure::Trace, span: &measure::TraceSpan) -> Span {
    let endpoint = span.endpoint.map(|id| model.endpoint_name(EndpointId(id)));
    let workload = &model.workloads[WorkloadId(trace.workload)].name;
    let (kind, name) = match span.kind {
        SpanKind::Request => (Kind::Request, Some(workload.clone())),
        SpanKind::Attempt { .. } => (Kind::Attempt, endpoint),
        SpanKind::Handler => (Kind::Handler, endpoint),
        SpanKind::Forward => (Kind::Forward, endpoint),
        SpanKind::Branch => (Kind::Branch, endpoint),
        SpanKind::Fetch => (Kind::Fetch, endpoint),
        SpanKind::Publish { topic } => (Kind::Publish, Some(model.topics[TopicId(topic)].name.clone())),
        SpanKind::Delivery { consumer } => (Kind::Delivery, Some(model.consumers[ConsumerId(consumer)].name.clone())),
    };
    let counts = matches!(kind, Kind::Attempt | Kind::Publish | Kind::Delivery);
    Span {
        id: span_id(model, trace.key, span.id),
        parent: span.parent.map(|parent| span_id(model, trace.key, parent)),
        kind,
        name: name.unwrap_or_default(),
        service: span.service.map_or(workload, |id| &model.services[ServiceId(id)].name).clone(),
        replica: span.replica,
        start_ns: span.start.as_nanos(),
        end_ns: span.end.as_nanos(),
        wait_ns: span.wait.as_nanos(),
        outcome: span.outcome.name().to_owned(),
        is_ok: span.outcome.is_ok(),
        attempt: Some(span.attempt).filter(|_| counts),
        abandoned_ns: span.abandoned.map(Time::as_nanos),
        phases: span
            .phases
            .iter()
            .map(|it| Phase {
                on: phase_name(it.on).to_owned(),
                start_ns: it.start.as_nanos(),
                end_ns: it.end.as_nanos(),
            })
            .collect(),
        events: span
            .events
            .iter()
            .map(|it| Event { at_ns: it.at.as_nanos(), what: it.what.name().to_owned() })
            .collect(),
        links: span
            .links
            .iter()
            .map(|it| Link { trace: trace_id(model, it.trace), span: span_id(model, it.trace, it.span) })
            .collect(),
    }
}

/// What a phase is called.
fn phase_name(on: Spent) -> &'static str {
    match on {
        Spent::Start => "waits for its user",
        Spent::Network => "network",
        Spent::Connections => "waits for a connection",
        Spent::Threads => "waits for a thread",
        Spent::Cores => "waits for a core",
        Spent::Messages => "reads and writes messages",
        Spent::Work => "work",
        Spent::Sleep => "sleep",
        Spent::Permits => "waits for a permit",
        Spent::Fetches => "waits for a fetch",
        Spent::Backoff => "backoff",
        Spent::Answers => "waits for answers",
        Spent::Streams => "streams",
        Spent::Brokers => "waits for the broker",
    }
}
