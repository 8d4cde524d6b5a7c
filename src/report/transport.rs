//! What messages and connections cost, for the data files. Models without transports have none of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::kernel::Spent;
use crate::measure::{
    ConnectionConfidence, ConnectionResult, EdgeMessages, MessageConfidence, MessageCpuConfidence, PARTS,
    RequestTimeConfidence, ServiceMessages, StreamConfidence, TransportConfidence, TransportResults,
};
use crate::model::Channel;

use super::facts::{self, Facts};
use super::json::{LatencyRow, latency_row};

/// `transport` in `summary.json`.
#[derive(Serialize)]
pub(super) struct TransportSection<'a> {
    paths: Vec<PathRow<'a>>,
    time_per_request: TimePerRequest,
    edges: Vec<EdgeRow<'a>>,
    services: Vec<ServiceRow<'a>>,
    connections: Vec<ConnectionRow>,
}

/// Where the time of the requests of a workload goes, along the path that each waits for: the parts add up to the mean
/// latency of those that were answered.
#[derive(Serialize)]
pub(super) struct PathRow<'a> {
    pub(super) workload: &'a str,
    pub(super) requests: u64,
    pub(super) mean_s: Option<f64>,
    pub(super) parts_s: BTreeMap<&'static str, f64>,
    pub(super) half_widths: BTreeMap<&'static str, Option<f64>>,
}

/// Names of the parts of a path: as keys, and in words.
pub(super) const PART_NAMES: [(Spent, &str, &str); PARTS] = [
    (Spent::Start, "start", "waiting for its user"),
    (Spent::Network, "network", "network"),
    (Spent::Connections, "connections", "waiting for connections"),
    (Spent::Threads, "threads", "waiting for threads"),
    (Spent::Cores, "cores", "waiting for cores"),
    (Spent::Messages, "messages", "writing and reading messages"),
    (Spent::Work, "work", "work"),
    (Spent::Sleep, "sleep", "sleeping"),
    (Spent::Permits, "permits", "waiting for permits"),
    (Spent::Fetches, "fetches", "waiting for what others fetch"),
    (Spent::Backoff, "backoff", "waiting to try again"),
    (Spent::Answers, "answers", "attempts that did not answer"),
    (Spent::Streams, "streams", "streams"),
    (Spent::Brokers, "brokers", "brokers"),
];

/// CPU time and waits of a user's request, added up over all that it causes, whether one after the other or at once.
#[derive(Clone, Copy, Serialize)]
pub(super) struct TimePerRequest {
    pub(super) network_s: Option<f64>,
    pub(super) connections_s: Option<f64>,
    pub(super) encoding_cpu_s: Option<f64>,
    pub(super) handshakes_cpu_s: Option<f64>,
    pub(super) waiting_for_threads_s: Option<f64>,
    pub(super) work_cpu_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) half_widths: Option<RequestTimeConfidence>,
}

#[derive(Serialize)]
struct EdgeRow<'a> {
    name: &'a str,
    transport: &'a str,
    messages: u64,
    bytes: u64,
    bytes_across_zones: u64,
    across_zones_share: Option<f64>,
    bytes_per_message: Option<f64>,
    network_mean_s: Option<f64>,
    connection_wait: LatencyRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<MessageConfidence>,
    stream: Option<StreamRow>,
}

/// Streams of messages along an edge.
#[derive(Serialize)]
struct StreamRow {
    messages_read: u64,
    first_message: LatencyRow,
    unread_bytes_mean: Option<f64>,
    unread_bytes_peak: u64,
    handlers_blocked_mean: Option<f64>,
    handlers_blocked_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<StreamConfidence>,
}

#[derive(Serialize)]
struct ServiceRow<'a> {
    name: &'a str,
    encoding_cpu_s: f64,
    encoding_share_of_cpu: Option<f64>,
    handshakes: u64,
    handshakes_cpu_s: f64,
    handshake_cores_mean: Option<f64>,
    connections_waited: u64,
    connections_ignored: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_by_replica: Option<&'a [u64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<MessageCpuConfidence>,
}

#[derive(Serialize)]
struct ConnectionRow {
    name: String,
    open_mean: Option<f64>,
    open_peak: u32,
    opened: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<ConnectionConfidence>,
}

pub(super) fn section<'a>(facts: &'a Facts) -> Option<TransportSection<'a>> {
    let results = facts.results.transport.as_ref()?;
    let edges = edges(facts, results).map(|(id, transport, it)| EdgeRow {
        name: &facts.edge_names[id],
        transport,
        messages: it.messages,
        bytes: u64::try_from(it.bytes).unwrap_or(u64::MAX),
        bytes_across_zones: u64::try_from(it.bytes_across).unwrap_or(u64::MAX),
        across_zones_share: across_zones_share(it),
        bytes_per_message: bytes_per_message(it),
        network_mean_s: network_mean(it),
        connection_wait: latency_row(&it.waits),
        half_widths: half_widths(facts).map(|all| all.edges[id]),
        stream: it.stream.as_ref().map(|it| StreamRow {
            messages_read: it.read,
            first_message: latency_row(&it.first),
            unread_bytes_mean: facts.mean_level(it.unread_nanos),
            unread_bytes_peak: it.unread_peak,
            handlers_blocked_mean: facts.mean_level(it.blocked_nanos),
            handlers_blocked_s: seconds(it.blocked_nanos),
            half_widths: half_widths(facts).and_then(|all| all.edges[id].stream),
        }),
    });
    let services = results.services.iter().enumerate().map(|(id, it)| ServiceRow {
        name: &facts.service(id).name,
        encoding_cpu_s: seconds(it.encoding_nanos),
        encoding_share_of_cpu: encoding_share(facts, id, it),
        handshakes: it.handshakes,
        handshakes_cpu_s: seconds(it.handshake_nanos),
        handshake_cores_mean: facts.mean_level(it.handshake_nanos),
        connections_waited: it.connections_waited,
        connections_ignored: it.connections_ignored,
        requests_by_replica: results.spread[id].as_ref().map(|it| it.arrivals.as_slice()),
        half_widths: half_widths(facts).map(|all| all.services[id]),
    });
    let connections = connections(facts, results).map(|(id, name, it)| ConnectionRow {
        name,
        open_mean: facts.mean_level(it.open_nanos),
        open_peak: it.peak,
        opened: it.opened,
        half_widths: half_widths(facts).map(|all| all.connections[id]),
    });
    Some(TransportSection {
        paths: paths(facts, results).collect(),
        time_per_request: time_per_request(facts, results),
        edges: edges.collect(),
        services: services.collect(),
        connections: connections.collect(),
    })
}

/// Half the widths of confidence intervals, where there are any.
pub(super) fn half_widths<'a>(facts: &'a Facts) -> Option<&'a TransportConfidence> {
    facts.confidence.as_ref().ok()?.transport.as_ref()
}

/// The edges whose client has a transport: id, the transport's name, and what it cost.
pub(super) fn edges<'a>(
    facts: &'a Facts,
    results: &'a TransportResults,
) -> impl Iterator<Item = (usize, &'a str, &'a EdgeMessages)> {
    let all = facts.edges.iter().zip(&results.edges).enumerate();
    all.filter_map(|(id, (edge, it))| {
        let transport = facts.model.clients[edge.client].transport.as_ref()?;
        Some((id, transport.name.as_str(), it))
    })
}

/// Connections by channel and by who has them to whom: `gateway -> orders (internal)`.
pub(super) fn connections<'a>(
    facts: &'a Facts,
    results: &'a TransportResults,
) -> impl Iterator<Item = (usize, String, &'a ConnectionResult)> {
    let channels = facts.model.channels(&facts.edges).list;
    let name = |channel: &Channel| {
        let edge = facts.edges.iter().find(|edge| edge.from == channel.from).map_or("", |edge| facts.caller_name(edge));
        format!("{edge} -> {} ({})", facts.model.services[channel.to].name, facts.model.clients[channel.client].name)
    };
    let names: Vec<String> = channels.iter().map(name).collect();
    names.into_iter().zip(&results.channels).enumerate().filter_map(|(id, (name, it))| Some((id, name, it.as_ref()?)))
}

/// See [`PathRow`]. Of workloads of which requests were answered.
pub(super) fn paths<'a>(facts: &'a Facts, results: &'a TransportResults) -> impl Iterator<Item = PathRow<'a>> {
    let all = facts.model.workloads.iter().zip(&results.paths).enumerate();
    all.filter(|(_, (_, it))| it.requests > 0).map(move |(id, (workload, it))| {
        let spent = PART_NAMES.iter().filter(|(part, ..)| it.nanos[*part as usize] > 0);
        let each = |nanos: u128| seconds(nanos) / it.requests as f64;
        let half_widths = half_widths(facts).map(|all| &all.paths[id]);
        let parts = spent.clone().filter_map(|(part, key, _)| Some((*key, half_widths?.parts_s[*part as usize])));
        let half_widths = half_widths.map(|it| ("mean_s", it.mean_s)).into_iter().chain(parts);
        PathRow {
            workload: &workload.name,
            requests: it.requests,
            mean_s: Some(each(it.nanos.iter().sum())),
            half_widths: half_widths.collect(),
            parts_s: spent.map(|(part, key, _)| (*key, each(it.nanos[*part as usize]))).collect(),
        }
    })
}

/// See [`TimePerRequest`].
pub(super) fn time_per_request(facts: &Facts, results: &TransportResults) -> TimePerRequest {
    let requests: u64 = facts.results.workloads.iter().map(|it| it.offered).sum();
    let each = |nanos: u128| facts::ratio(seconds(nanos), requests as f64);
    let encoding: u128 = results.services.iter().map(|it| it.encoding_nanos).sum();
    let handshakes: u128 = results.services.iter().map(|it| it.handshake_nanos).sum();
    let work: u128 = facts.results.services.iter().map(|it| it.work_nanos).sum();
    TimePerRequest {
        network_s: each(results.edges.iter().map(|it| it.network_nanos).sum()),
        connections_s: each(results.edges.iter().map(|it| it.waits.sum_nanos()).sum()),
        encoding_cpu_s: each(encoding),
        handshakes_cpu_s: each(handshakes),
        waiting_for_threads_s: each(facts.results.services.iter().map(|it| it.queue_nanos).sum()),
        work_cpu_s: each(work.saturating_sub(encoding + handshakes)),
        half_widths: half_widths(facts).map(|all| all.per_request),
    }
}

/// Mean bytes of a message, headers included.
pub(super) fn bytes_per_message(it: &EdgeMessages) -> Option<f64> {
    facts::ratio(it.bytes as f64, it.messages as f64)
}

/// The part of the bytes that went from one zone to another.
pub(super) fn across_zones_share(it: &EdgeMessages) -> Option<f64> {
    facts::ratio(it.bytes_across as f64, it.bytes as f64)
}

/// Mean time of a message under way.
pub(super) fn network_mean(it: &EdgeMessages) -> Option<f64> {
    facts::ratio(seconds(it.network_nanos), it.messages as f64)
}

/// The part of a service's CPU time that goes into messages.
pub(super) fn encoding_share(facts: &Facts, id: usize, it: &ServiceMessages) -> Option<f64> {
    facts::ratio(it.encoding_nanos as f64, facts.results.services[id].work_nanos as f64)
}

pub(super) fn seconds(nanos: u128) -> f64 {
    nanos as f64 / 1e9
}
