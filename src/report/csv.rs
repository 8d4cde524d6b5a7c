//! Tidy tables: one value a line, with what it is the value of. `timeseries.csv` holds one line per
//! point, thing and measure; counts are those of the interval that starts at `time_s`, levels are its
//! means. An empty value means that there was no sample.

use std::collections::BTreeMap;

use ::csv::Writer;
use serde::Serialize;
use serde_json::Map;

use crate::base::time::Span;
use crate::measure::{
    EdgeSeries, Latency, MessagingResults, OUTCOMES, ServiceSeries, TransportResults, WorkloadSeries,
};
use crate::model::{Caller, Id};

use super::facts::{self, Facts};
use super::messaging::{self, GroupOf};
use super::{Input, resilience, resources, transport, verdicts};

/// Up to this many services, all have their series written.
pub const ALL_SERVICES_MAX: usize = 100;
/// Beyond that, this many: the busiest.
pub const BUSIEST_SERVICES: usize = 50;

/// `time_s,kind,name,metric,value`: the series of all workloads, and of all services and edges. Beyond
/// [`ALL_SERVICES_MAX`] services, of the [`BUSIEST_SERVICES`] with the most busy thread time and of the
/// edges between them, unless `all_series`.
pub fn timeseries(input: &Input, all_series: bool) -> String {
    let facts = Facts::new(input);
    let series = &input.results.series;
    let kept = kept_services(&facts, all_series);
    let edges: Vec<usize> = kept_edges(&facts, &kept);
    let groups: Vec<GroupOf> = input.results.messaging.iter().flat_map(|it| messaging::groups(&facts, it)).collect();
    let mut table = Table::new(&["time_s", "kind", "name", "metric", "value"]);
    for point in 0..series.points {
        let time = facts::point_bounds(input.results, point).0.as_secs_f64().to_string();
        for (it, workload) in series.workloads.iter().zip(input.model.workloads.iter()) {
            table.rows(&[&time, "workload", &workload.name], &workload_point(it, point));
            if !it.sessions.started.is_empty() {
                let it = &it.sessions;
                let sessions = [&it.started, &it.finished, &it.lost].map(|column| column[point]);
                table.rows(&[&time, "workload", &workload.name], &session_rows(sessions));
            }
        }
        for (id, it) in series.services.iter().enumerate().filter(|(id, _)| kept[*id]) {
            table.rows(&[&time, "service", &facts.service(id).name], &service_point(it, point));
        }
        for id in &edges {
            let prefix = [time.as_str(), "edge", facts.edge_names[*id].as_str()];
            table.rows(&prefix, &edge_point(&series.edges[*id], point));
            table.rows(&prefix, &resilience_point(&facts, *id, point));
        }
        for (it, pool) in series.pools.iter().zip(input.model.pools.iter()) {
            table.rows(&[&time, "pool", &pool.name], &maybe(resources::pool_point(it, point)));
        }
        for (_, name, it) in input.results.transport.iter().flat_map(|it| transport::connections(&facts, it)) {
            let rows = [("open_mean", it.series.open[point].into()), ("opened", it.series.opened[point].into())];
            table.rows(&[&time, "connections", &name], &rows);
        }
        for (it, cache) in series.caches.iter().zip(input.model.caches.iter()) {
            table.rows(&[&time, "cache", &cache.name], &maybe(resources::cache_point(it, point)));
        }
        if let Some(results) = &input.results.messaging {
            messaging_point(&facts, results, &groups, (point, &time), &mut table);
        }
    }
    table.text()
}

/// `kind,name,metric,value,half_width`: the totals of the run. The half width is that of the 95% confidence interval of a
/// mean or share, where there is one.
pub fn summary(input: &Input) -> String {
    let facts = Facts::new(input);
    let Input { model, results, .. } = input;
    let mut table = Table::new(&["kind", "name", "metric", "value", "half_width"]);
    table.half_widths = Some(Map::new());
    if let Some(it) = input.insight.map(|insight| &insight.judgement) {
        let rows = [
            ("time_to_recover_s", it.time_to_recover.into()),
            ("missing_at_end_share", it.missing_at_end.into()),
            ("goodput_at_end_share", it.goodput_at_end.into()),
        ];
        table.rows(&["verdict", it.verdict.name()], &rows);
    }
    for it in verdicts(input) {
        let bound = it.expectation.bound.value();
        table.sure(it.half_width.map(|half_width| BTreeMap::from([("measured", half_width)])));
        let rows = [
            ("measured", Value::Maybe(it.value)),
            ("bound", bound.into()),
            ("pass", Value::Maybe(it.pass.map(f64::from))),
        ];
        table.rows(&["expectation", &it.expectation.name], &rows);
    }
    for (id, (workload, it)) in model.workloads.iter().zip(&results.workloads).enumerate() {
        table.sure(facts.half_widths(|all| all.workloads[id]));
        let prefix = ["workload", workload.name.as_str()];
        let share = |part: u64| Value::Maybe(facts::ratio(part as f64, it.offered as f64));
        table.rows(&prefix, &[("offered", it.offered.into()), ("good", it.good.into())]);
        table.rows(&prefix, &[("attempts", it.attempts.into()), ("in_flight_at_end", it.in_flight.into())]);
        table.rows(&prefix, &outcomes(&it.outcomes));
        let sessions = it.sessions.map(|it| [it.started, it.finished, it.lost]);
        table.rows(&prefix, &sessions.map_or_else(Vec::new, session_rows));
        let degraded = resilience::degraded(&facts, id).map(|count| ("degraded", count.into()));
        table.rows(&prefix, &degraded.into_iter().collect::<Vec<Row>>());
        table.rows(&prefix, &[("goodput_share", share(it.good)), ("attempts_per_request", share(it.attempts))]);
        table.latency(&prefix, "latency", &it.latency);
    }
    for (id, it) in results.services.iter().enumerate() {
        table.sure(facts.half_widths(|all| all.services[id]));
        let prefix = ["service", facts.service(id).name.as_str()];
        let counts = [
            ("arrivals", it.arrivals.into()),
            ("completed", it.completed.into()),
            ("failed", it.failed.into()),
            ("rejected", it.rejected.into()),
            ("shed", it.shed.into()),
            ("refused", it.refused.into()),
            ("dropped", it.dropped.into()),
            ("thread_utilisation_share", Value::Maybe(facts.thread_utilisation(id))),
            ("core_utilisation_share", Value::Maybe(facts.core_utilisation(id))),
            ("waste_share", Value::Maybe(facts::waste(it))),
            ("queue_mean", Value::Maybe(facts.mean_level(it.queue_nanos))),
            ("queue_peak_of_a_replica", u64::from(it.peak_queue).into()),
        ];
        table.rows(&prefix, &counts);
        if let Some(limit) = it.limit {
            let mean = facts.mean_level(limit.limit_nanos);
            table.rows(&prefix, &[("limit_mean", Value::Maybe(mean)), ("beyond_limit", limit.beyond.into())]);
        }
        if input.twin.is_some() {
            table.rows(&prefix, &[("amplification", Value::Maybe(facts.amplification(id)))]);
        }
        table.latency(&prefix, "wait", &it.wait);
        table.latency(&prefix, "sojourn", &it.sojourn);
    }
    for (id, it) in results.edges.iter().enumerate() {
        table.sure(facts.half_widths(|all| all.edges[id]));
        let prefix = ["edge", facts.edge_names[id].as_str()];
        table.rows(&prefix, &[("calls", it.calls.into()), ("attempts", it.attempts.into())]);
        table.rows(&prefix, &[("retry_factor", Value::Maybe(facts::retry_factor(it)))]);
        table.rows(&prefix, &outcomes(&it.outcomes));
        if let Some(held_nanos) = it.held_nanos {
            table.rows(&prefix, &[("held_mean", Value::Maybe(facts.mean_level(held_nanos)))]);
        }
        if let Some(it) = resilience::fallbacks(&facts, id) {
            table.rows(&prefix, &[("fallbacks", it.served.into())]);
        }
        if let Some(it) = resilience::ejections(&facts, id) {
            let mean = Value::Maybe(resilience::ejected_mean(&facts, it));
            table.rows(&prefix, &[("ejections", it.count.into()), ("ejected_mean", mean)]);
        }
        table.latency(&prefix, "latency", &it.latency);
    }
    for (id, (pool, it)) in model.pools.iter().zip(&results.pools).enumerate() {
        table.sure(facts.half_widths(|all| all.pools[id]));
        table.rows(&["pool", &pool.name], &maybe(resources::pool_totals(&facts, it)));
    }
    if let Some(results) = &results.transport {
        transport_totals(&facts, results, &mut table);
    }
    for (id, (cache, it)) in model.caches.iter().zip(&results.caches).enumerate() {
        table.sure(facts.half_widths(|all| all.caches[id]));
        table.rows(&["cache", &cache.name], &maybe(resources::cache_totals(it)));
    }
    if let Some(results) = &results.messaging {
        messaging_totals(&facts, results, &mut table);
    }
    table.text()
}

/// Of messages, streams, handshakes and connections.
fn transport_totals(facts: &Facts, results: &TransportResults, table: &mut Table) {
    let widths = transport::half_widths(facts);
    for (id, _, it) in transport::edges(facts, results) {
        table.sure(widths.map(|all| all.edges[id]));
        let rows = [
            ("messages", it.messages.into()),
            ("bytes_per_message", Value::Maybe(transport::bytes_per_message(it))),
            ("network_mean_s", Value::Maybe(transport::network_mean(it))),
        ];
        table.rows(&["edge", &facts.edge_names[id]], &rows);
        table.latency(&["edge", &facts.edge_names[id]], "connection_wait", &it.waits);
        if let Some(stream) = &it.stream {
            table.sure(widths.and_then(|all| all.edges[id].stream));
            let rows = [
                ("messages_read", stream.read.into()),
                ("unread_bytes_mean", Value::Maybe(facts.mean_level(stream.unread_nanos))),
                ("unread_bytes_peak", stream.unread_peak.into()),
                ("handlers_blocked_mean", Value::Maybe(facts.mean_level(stream.blocked_nanos))),
                ("handlers_blocked_s", transport::seconds(stream.blocked_nanos).into()),
            ];
            table.rows(&["edge", &facts.edge_names[id]], &rows);
            table.latency(&["edge", &facts.edge_names[id]], "first_message", &stream.first);
        }
    }
    for (id, it) in results.services.iter().enumerate() {
        table.sure(widths.map(|all| all.services[id]));
        let rows = [
            ("encoding_cpu_s", transport::seconds(it.encoding_nanos).into()),
            ("handshakes", it.handshakes.into()),
            ("handshakes_cpu_s", transport::seconds(it.handshake_nanos).into()),
        ];
        table.rows(&["service", &facts.service(id).name], &rows);
    }
    for (id, name, it) in transport::connections(facts, results) {
        table.sure(widths.map(|all| all.connections[id]));
        let rows = [
            ("open_mean", Value::Maybe(facts.mean_level(it.open_nanos))),
            ("open_peak", u64::from(it.peak).into()),
            ("opened", it.opened.into()),
        ];
        table.rows(&["connections", &name], &rows);
    }
}

/// Of topics, groups, consumers and effects.
fn messaging_totals(facts: &Facts, results: &MessagingResults, table: &mut Table) {
    let (model, widths) = (facts.model, messaging::half_widths(facts));
    for (id, (topic, it)) in model.topics.iter().zip(&results.topics).enumerate() {
        table.sure(widths.map(|all| all.topics[id]));
        table.rows(&["topic", &topic.name], &maybe(messaging::topic_totals(facts, it)));
    }
    for group in messaging::groups(facts, results) {
        table.sure(widths.map(|all| all.groups[group.id]));
        table.rows(&["group", &group.name], &maybe(messaging::group_totals(facts, &group)));
        table.latency(&["group", &group.name], "latency", &group.it.latency);
    }
    for (id, (consumer, it)) in model.consumers.iter().zip(&results.consumers).enumerate() {
        table.sure(widths.map(|all| all.consumers[id]));
        table.rows(&["consumer", &consumer.name], &maybe(messaging::consumer_totals(facts, it)));
    }
    table.sure(None::<()>);
    for it in &results.effects {
        let rows = [("done", it.done.into()), ("done_again", it.again.into())];
        table.rows(&["effect", &model.endpoint_name(it.endpoint)], &rows);
    }
}

/// A point of the series of topics, groups and consumers.
fn messaging_point(
    facts: &Facts,
    results: &MessagingResults,
    groups: &[GroupOf],
    (point, time): (usize, &str),
    table: &mut Table,
) {
    for (topic, it) in facts.model.topics.iter().zip(&results.topics) {
        table.rows(&[time, "topic", &topic.name], &maybe(messaging::topic_point(&it.series, point)));
    }
    for GroupOf { name, it, .. } in groups {
        table.rows(&[time, "group", name], &maybe(messaging::group_point(&it.series, point)));
    }
    for (consumer, it) in facts.model.consumers.iter().zip(&results.consumers) {
        table.rows(&[time, "consumer", &consumer.name], &maybe(messaging::consumer_point(it, point)));
    }
}

fn maybe(rows: impl IntoIterator<Item = (&'static str, Option<f64>)>) -> Vec<Row> {
    rows.into_iter().map(|(metric, value)| (metric, Value::Maybe(value))).collect()
}

/// Which services have their series written.
pub(super) fn kept_services(facts: &Facts, all_series: bool) -> Vec<bool> {
    let services = facts.model.services.len();
    let mut kept = vec![all_series || services <= ALL_SERVICES_MAX; services];
    facts.busiest_services(BUSIEST_SERVICES).into_iter().for_each(|id| kept[id] = true);
    kept
}

/// The edges between them.
pub(super) fn kept_edges(facts: &Facts, kept: &[bool]) -> Vec<usize> {
    let between = facts.edges.iter().enumerate().filter(|(_, edge)| {
        let from = match edge.from {
            Caller::Workload(_) | Caller::Consumer(_) => true,
            Caller::Service(id) => kept[id.index()],
        };
        from && kept[facts.callee(edge)]
    });
    between.map(|(id, _)| id).collect()
}

/// What stands in the last column.
#[derive(Clone, Copy)]
enum Value {
    Count(u64),
    Maybe(Option<f64>),
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Maybe(Some(value))
    }
}

impl From<Option<Span>> for Value {
    fn from(span: Option<Span>) -> Value {
        Value::Maybe(span.map(Span::as_secs_f64))
    }
}

type Row = (&'static str, Value);

fn workload_point(it: &WorkloadSeries, point: usize) -> [Row; 8] {
    [
        ("offered", it.offered[point].into()),
        ("answered", it.answered[point].into()),
        ("good", it.good[point].into()),
        ("failed", it.failed[point].into()),
        ("attempts", it.attempts[point].into()),
        ("latency_p50_s", it.p50[point].into()),
        ("latency_p95_s", it.p95[point].into()),
        ("latency_p99_s", it.p99[point].into()),
    ]
}

/// Sessions that began, were finished and were lost.
fn session_rows(counts: [u64; 3]) -> Vec<Row> {
    ["sessions_started", "sessions_finished", "sessions_lost"].into_iter().zip(counts.map(Value::Count)).collect()
}

fn service_point(it: &ServiceSeries, point: usize) -> Vec<Row> {
    let mut rows = vec![
        ("arrivals", it.arrivals[point].into()),
        ("completed", it.completed[point].into()),
        ("failed", it.failed[point].into()),
        ("rejected", it.rejected[point].into()),
        ("shed", it.shed[point].into()),
        ("queue_mean", it.queue[point].into()),
        ("busy_threads_mean", it.busy[point].into()),
        ("wasted_threads_mean", it.wasted[point].into()),
        ("replicas_up", u64::from(it.up[point]).into()),
    ];
    rows.extend(it.limit.get(point).map(|mean| ("limit_mean", (*mean).into())));
    rows
}

fn edge_point(it: &EdgeSeries, point: usize) -> Vec<Row> {
    let mut rows = vec![
        ("calls", it.calls[point].into()),
        ("attempts", it.attempts[point].into()),
        ("ok", it.ok[point].into()),
        ("failed", it.failed[point].into()),
        ("timeouts", it.timeouts[point].into()),
        ("short_circuited", it.short_circuited[point].into()),
    ];
    rows.extend(it.throttled.get(point).map(|count| ("throttled", (*count).into())));
    rows.extend(it.limited.get(point).map(|count| ("limited", (*count).into())));
    rows.extend(it.held.get(point).map(|mean| ("held_mean", (*mean).into())));
    let breaker = [("breaker_open_share", &it.open), ("breaker_half_open_share", &it.half_open)];
    let shares = breaker.into_iter().filter_map(|(metric, share)| Some((metric, (*share.get(point)?).into())));
    rows.extend(shares);
    rows
}

/// Fallbacks and ejected replicas, where an edge has them.
fn resilience_point(facts: &Facts, edge: usize, point: usize) -> Vec<Row> {
    let served = resilience::fallbacks(facts, edge).map(|it| ("fallbacks", it.series[point].into()));
    let ejected = resilience::ejections(facts, edge)
        .map(|it| [("ejections", it.counts[point].into()), ("ejected_mean", it.ejected[point].into())]);
    served.into_iter().chain(ejected.into_iter().flatten()).collect()
}

fn outcomes(counts: &[u64; OUTCOMES]) -> Vec<Row> {
    facts::outcomes(counts).map(|(name, count)| (name, count.into())).collect()
}

struct Table {
    writer: Writer<Vec<u8>>,
    /// Of what is written next, by metric; `None` where the table does not say how sure its values are.
    half_widths: Option<Map<String, serde_json::Value>>,
}

impl Table {
    fn new(header: &[&str]) -> Table {
        let mut table = Table { writer: Writer::from_writer(Vec::new()), half_widths: None };
        table.row(header);
        table
    }

    /// What is written next is so sure: half widths have the names of their means.
    fn sure<T: Serialize>(&mut self, half_widths: Option<T>) {
        let widths = half_widths.map(|it| serde_json::to_value(it).expect("plain numbers are JSON"));
        self.half_widths = Some(match widths {
            Some(serde_json::Value::Object(widths)) => widths,
            _ => Map::new(),
        });
    }

    fn field(&mut self, prefix: &[&str], metric: &str, value: &str) {
        let width = self.half_widths.as_ref().map(|widths| widths.get(metric).and_then(serde_json::Value::as_f64));
        let width = width.map(|width| width.map(|width| width.to_string()).unwrap_or_default());
        let mut fields = prefix.to_vec();
        fields.extend([metric, value]);
        fields.extend(width.as_deref());
        self.row(&fields);
    }

    fn rows(&mut self, prefix: &[&str], rows: &[Row]) {
        for (metric, value) in rows {
            let value = match value {
                Value::Count(count) => count.to_string(),
                Value::Maybe(value) => value.filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default(),
            };
            self.field(prefix, metric, &value);
        }
    }

    fn latency(&mut self, prefix: &[&str], of: &str, it: &Latency) {
        let values = [
            ("mean", it.mean()),
            ("p50", it.quantile(0.5)),
            ("p95", it.quantile(0.95)),
            ("p99", it.quantile(0.99)),
            ("max", it.max()),
        ];
        for (metric, span) in values {
            let value = span.map(|span| span.as_secs_f64().to_string()).unwrap_or_default();
            self.field(prefix, &format!("{of}_{metric}_s"), &value);
        }
    }

    fn row(&mut self, fields: &[&str]) {
        self.writer
            .write_record(fields)
            .expect("writing to memory does not fail, and every row is as long as the header");
    }

    fn text(self) -> String {
        let bytes = self.writer.into_inner().expect("flushing to memory does not fail");
        String::from_utf8(bytes).expect("every field is text")
    }
}
