//! `summary.json`: every total of a run, with its unit last in the name (`_s` seconds, `_per_s` a rate,
//! `_share` a part of 1). What has no sample is `null`. The order of keys and the digits are fixed, so
//! that equal runs give equal bytes. Series are in the CSV.

use serde::{Serialize, Serializer};

use crate::base::time::{Span, Time};
use crate::insight::{Insight, Root};
use crate::measure::{
    EdgeConfidence, EdgeResult, Latency, OUTCOMES, ServiceConfidence, ServiceResult, SessionConfidence, SessionResult,
    WorkloadConfidence, WorkloadResult,
};
use crate::model::{Bound, Caller, Comparison, Limit};

use super::cost::{self, CostSection};
use super::facts::{self, Facts, Verdict};
use super::messaging::{self, MessagingSection};
use super::resilience;
use super::resources::{self, CacheRow, PoolRow};
use super::transport::{self, TransportSection};
use super::{Input, verdicts};

/// Counts the revisions of this document that take something away or change a meaning.
const SCHEMA: u32 = 1;
/// What [`Latency`] promises.
const QUANTILE_ERROR: &str = "HDR histogram with two digits: a quantile is off by at most 0.4% or 32 ns, whichever \
                              is more; samples, mean, minimum and maximum are exact";

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    title: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    brownout_version: &'a str,
    run: Run,
    quantiles: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictSection<'a>>,
    expectations: Vec<ExpectationRow<'a>>,
    bottleneck: Option<&'a str>,
    workloads: Vec<WorkloadRow<'a>>,
    services: Vec<ServiceRow<'a>>,
    edges: Vec<EdgeRow<'a>>,
    pools: Vec<PoolRow<'a>>,
    caches: Vec<CacheRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<TransportSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging: Option<MessagingSection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostSection<'a>>,
}

#[derive(Serialize)]
struct Run {
    duration_s: f64,
    warmup_s: f64,
    ended_s: f64,
    interrupted: bool,
    totals_from_s: f64,
    totals_until_s: f64,
    events: u64,
}

/// The verdict; `story.json` has all of it.
#[derive(Serialize)]
struct VerdictSection<'a> {
    verdict: &'static str,
    time_to_recover_s: Option<f64>,
    missing_at_end_share: f64,
    goodput_at_end_share: f64,
    root: &'a Root,
    sustained_by: Option<&'a str>,
}

impl<'a> VerdictSection<'a> {
    fn of(it: &'a Insight) -> VerdictSection<'a> {
        VerdictSection {
            verdict: it.judgement.verdict.name(),
            time_to_recover_s: it.judgement.time_to_recover.map(Span::as_secs_f64),
            missing_at_end_share: it.judgement.missing_at_end,
            goodput_at_end_share: it.judgement.goodput_at_end,
            root: &it.root,
            sustained_by: it.sustained_by.as_ref().map(|it| it.sentence.as_str()),
        }
    }
}

#[derive(Serialize)]
struct ExpectationRow<'a> {
    name: &'a str,
    that: &'a str,
    from_s: f64,
    until_s: f64,
    unit: &'static str,
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_width: Option<f64>,
    comparison: &'static str,
    bound: f64,
    pass: Option<bool>,
}

#[derive(Serialize)]
struct WorkloadRow<'a> {
    name: &'a str,
    deadline_s: Option<f64>,
    offered: u64,
    offered_per_s: Option<f64>,
    outcomes: Outcomes,
    in_flight_at_end: u64,
    good: u64,
    goodput_share: Option<f64>,
    goodput_per_s: Option<f64>,
    throughput_share: Option<f64>,
    throughput_per_s: Option<f64>,
    attempts: u64,
    attempts_per_request: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<SessionRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded_share: Option<f64>,
    latency: LatencyRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<WorkloadConfidence>,
}

#[derive(Serialize)]
struct SessionRow {
    started: u64,
    started_per_s: Option<f64>,
    finished: u64,
    finished_share: Option<f64>,
    lost: u64,
    lost_share: Option<f64>,
    in_flight_at_end: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<SessionConfidence>,
}

#[derive(Serialize)]
struct ServiceRow<'a> {
    name: &'a str,
    replicas: u32,
    threads_per_replica: Option<u32>,
    cores_per_replica: Option<u32>,
    arrivals: u64,
    arrivals_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amplification: Option<f64>,
    completed: u64,
    failed: u64,
    rejected: u64,
    shed: u64,
    refused: u64,
    dropped: u64,
    waited: u64,
    thread_utilisation_share: Option<f64>,
    core_utilisation_share: Option<f64>,
    busy_threads_mean: Option<f64>,
    busy_thread_time_s: f64,
    wasted_thread_time_s: f64,
    waste_share: Option<f64>,
    work_time_s: f64,
    queue_mean: Option<f64>,
    queue_peak_of_a_replica: u32,
    wait: LatencyRow,
    sojourn: LatencyRow,
    littles_law: LittlesLaw,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<LimitRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<ServiceConfidence>,
}

/// `∫ N dt` and `Σ sojourns clipped to the window` are the same number, counted in two ways.
#[derive(Serialize)]
struct LittlesLaw {
    in_system_mean: Option<f64>,
    in_system_integral_s: f64,
    sojourn_sum_s: f64,
    difference_ns: i128,
}

/// What the limits of a service's replicas did.
#[derive(Serialize)]
struct LimitRow {
    mean: Option<f64>,
    beyond: u64,
}

#[derive(Serialize)]
struct EdgeRow<'a> {
    name: &'a str,
    from_kind: &'static str,
    from: &'a str,
    to: String,
    client: &'a str,
    calls: u64,
    attempts: u64,
    attempts_per_s: Option<f64>,
    retry_factor: Option<f64>,
    outcomes: Outcomes,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallbacks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ejections: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ejected_mean: Option<f64>,
    latency: LatencyRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_widths: Option<EdgeConfidence>,
}

#[derive(Serialize)]
pub(super) struct LatencyRow {
    samples: u64,
    mean_s: Option<f64>,
    min_s: Option<f64>,
    p50_s: Option<f64>,
    p90_s: Option<f64>,
    p95_s: Option<f64>,
    p99_s: Option<f64>,
    p999_s: Option<f64>,
    max_s: Option<f64>,
}

struct Outcomes([u64; OUTCOMES]);

impl Serialize for Outcomes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(facts::outcomes(&self.0))
    }
}

/// The document `summary.json`.
pub fn summary(input: &Input) -> String {
    let facts = Facts::new(input);
    let Input { model, results, .. } = input;
    let (from, until) = facts.window();
    let workloads = model.workloads.iter().zip(&results.workloads);
    document(&Summary {
        schema: SCHEMA,
        title: &model.title,
        scenario_hash: input.hash,
        seed: model.seed,
        brownout_version: input.version,
        run: Run {
            duration_s: model.duration.as_secs_f64(),
            warmup_s: model.warmup.as_secs_f64(),
            ended_s: results.ended.as_secs_f64(),
            interrupted: results.interrupted,
            totals_from_s: from.as_secs_f64(),
            totals_until_s: until.as_secs_f64(),
            events: results.events,
        },
        quantiles: QUANTILE_ERROR,
        verdict: input.insight.map(VerdictSection::of),
        expectations: verdicts(input).iter().map(|verdict| expectation_row(verdict, until)).collect(),
        bottleneck: facts.bottleneck().map(|id| facts.service(id).name.as_str()),
        workloads: workloads
            .enumerate()
            .map(|(id, (it, result))| workload_row(&facts, id, &it.name, it.deadline, result))
            .collect(),
        services: results.services.iter().enumerate().map(|(id, result)| service_row(&facts, id, result)).collect(),
        edges: results.edges.iter().enumerate().map(|(id, result)| edge_row(&facts, id, result)).collect(),
        pools: resources::pool_rows(&facts),
        caches: resources::cache_rows(&facts),
        transport: transport::section(&facts),
        messaging: messaging::section(&facts),
        cost: cost::section(&facts),
    })
}

/// Pretty JSON with a newline at the end.
pub(super) fn document(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("structs with text keys always serialise");
    text.push('\n');
    text
}

fn expectation_row<'a>(verdict: &Verdict<'a>, ended: Time) -> ExpectationRow<'a> {
    let it = verdict.expectation;
    ExpectationRow {
        name: &it.name,
        that: &it.text,
        from_s: it.from.as_secs_f64(),
        until_s: it.until.min(ended).as_secs_f64(),
        unit: match it.bound {
            Bound::Share(_) => "share",
            Bound::Rate(_) => "per_s",
            Bound::Span(_) => "s",
            Bound::Number(_) => "number",
            Bound::Verdict(_) => "verdict",
        },
        value: verdict.value,
        half_width: verdict.half_width,
        comparison: comparison(it.comparison),
        bound: it.bound.value(),
        pass: verdict.pass,
    }
}

fn workload_row<'a>(
    facts: &Facts,
    id: usize,
    name: &'a str,
    deadline: Option<Span>,
    it: &WorkloadResult,
) -> WorkloadRow<'a> {
    let of_offered = |part: u64| facts::ratio(part as f64, it.offered as f64);
    WorkloadRow {
        name,
        deadline_s: deadline.map(Span::as_secs_f64),
        offered: it.offered,
        offered_per_s: facts.per_sec(it.offered),
        outcomes: Outcomes(it.outcomes),
        in_flight_at_end: it.in_flight,
        good: it.good,
        goodput_share: of_offered(it.good),
        goodput_per_s: facts.per_sec(it.good),
        throughput_share: of_offered(facts::answered(it)),
        throughput_per_s: facts.per_sec(facts::answered(it)),
        attempts: it.attempts,
        attempts_per_request: of_offered(it.attempts),
        sessions: it.sessions.map(|sessions| session_row(facts, id, sessions)),
        degraded: resilience::degraded(facts, id),
        degraded_share: resilience::degraded_share(facts, id),
        latency: latency_row(&it.latency),
        half_widths: facts.half_widths(|all| all.workloads[id]),
    }
}

fn session_row(facts: &Facts, id: usize, it: SessionResult) -> SessionRow {
    let share = |part: u64| facts::ratio(part as f64, it.started as f64);
    SessionRow {
        started: it.started,
        started_per_s: facts.per_sec(it.started),
        finished: it.finished,
        finished_share: share(it.finished),
        lost: it.lost,
        lost_share: share(it.lost),
        in_flight_at_end: it.in_flight(),
        half_widths: facts.half_widths(|all| all.workloads[id].sessions),
    }
}

fn service_row<'a>(facts: &Facts<'a>, id: usize, it: &ServiceResult) -> ServiceRow<'a> {
    let service = facts.service(id);
    ServiceRow {
        name: &service.name,
        replicas: service.replicas,
        threads_per_replica: match service.threads {
            Limit::Unlimited => None,
            Limit::AtMost(threads) => Some(threads),
        },
        cores_per_replica: service.cores,
        arrivals: it.arrivals,
        arrivals_per_s: facts.per_sec(it.arrivals),
        amplification: facts.amplification(id),
        completed: it.completed,
        failed: it.failed,
        rejected: it.rejected,
        shed: it.shed,
        refused: it.refused,
        dropped: it.dropped,
        waited: it.waited,
        thread_utilisation_share: facts.thread_utilisation(id),
        core_utilisation_share: facts.core_utilisation(id),
        busy_threads_mean: facts.mean_level(it.busy_nanos),
        busy_thread_time_s: seconds(it.busy_nanos),
        wasted_thread_time_s: seconds(it.wasted_nanos),
        waste_share: facts::waste(it),
        work_time_s: seconds(it.work_nanos),
        queue_mean: facts.mean_level(it.queue_nanos),
        queue_peak_of_a_replica: it.peak_queue,
        wait: latency_row(&it.wait),
        sojourn: latency_row(&it.sojourn),
        littles_law: LittlesLaw {
            in_system_mean: facts.mean_level(it.in_system_nanos),
            in_system_integral_s: seconds(it.in_system_nanos),
            sojourn_sum_s: seconds(it.sojourn_clipped_nanos),
            difference_ns: it.in_system_nanos as i128 - it.sojourn_clipped_nanos as i128,
        },
        limit: it.limit.map(|limit| LimitRow { mean: facts.mean_level(limit.limit_nanos), beyond: limit.beyond }),
        half_widths: facts.half_widths(|all| all.services[id]),
    }
}

fn edge_row<'a>(facts: &'a Facts, id: usize, it: &EdgeResult) -> EdgeRow<'a> {
    let edge = facts.edges.iter().nth(id).expect("results are parallel to the model's edges");
    EdgeRow {
        name: &facts.edge_names[id],
        from_kind: match edge.from {
            Caller::Workload(_) => "workload",
            Caller::Service(_) => "service",
            Caller::Consumer(_) => "consumer",
        },
        from: facts.caller_name(edge),
        to: facts.model.endpoint_name(edge.to),
        client: &facts.model.clients[edge.client].name,
        calls: it.calls,
        attempts: it.attempts,
        attempts_per_s: facts.per_sec(it.attempts),
        retry_factor: facts::retry_factor(it),
        outcomes: Outcomes(it.outcomes),
        held_mean: it.held_nanos.and_then(|nanos| facts.mean_level(nanos)),
        fallbacks: resilience::fallbacks(facts, id).map(|it| it.served),
        ejections: resilience::ejections(facts, id).map(|it| it.count),
        ejected_mean: resilience::ejections(facts, id).and_then(|it| resilience::ejected_mean(facts, it)),
        latency: latency_row(&it.latency),
        half_widths: facts.half_widths(|all| all.edges[id]),
    }
}

pub(super) fn latency_row(it: &Latency) -> LatencyRow {
    let quantile = |q: f64| it.quantile(q).map(Span::as_secs_f64);
    LatencyRow {
        samples: it.count(),
        mean_s: it.mean().map(Span::as_secs_f64),
        min_s: it.min().map(Span::as_secs_f64),
        p50_s: quantile(0.5),
        p90_s: quantile(0.9),
        p95_s: quantile(0.95),
        p99_s: quantile(0.99),
        p999_s: quantile(0.999),
        max_s: it.max().map(Span::as_secs_f64),
    }
}

fn seconds(nanos: u128) -> f64 {
    nanos as f64 / 1e9
}

pub(super) fn comparison(it: Comparison) -> &'static str {
    match it {
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::AtLeast => ">=",
        Comparison::Greater => ">",
        Comparison::Equal => "==",
        Comparison::Differs => "!=",
    }
}
