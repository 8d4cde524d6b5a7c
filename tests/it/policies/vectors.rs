//! Published inputs and answers of real libraries, run through the code that the kernel runs.
//!
//! The repository holds an excerpt with every vector that the built-in policies can express. Where the whole
//! collection is at hand, the same runners go over all of it, and what has no policy yet is named.

use std::io::Write;
use std::path::PathBuf;

use brownout::base::time::Span;
use brownout::policy::balance::{AnyBalancer, Balance, Balancer, LeastRequest};
use serde_json::Value;

use super::{brokers_kafka, brokers_queue, limiting, transports};

mod breakers;
mod outliers;
mod retries;
mod traces;

/// Why a vector waits: no built-in policy can say what it is about.
pub(super) struct Waiting(&'static str);

type Runner = fn(&Value) -> Result<(), Waiting>;

/// Which declared policy is run by what.
const RUNNERS: &[(&str, Runner)] = &[
    ("apache.httpclient5.pool", transports::routes),
    ("aws.adaptive.cubic", retries::cubic),
    ("aws.adaptive.rate_cap", retries::rate_cap),
    ("aws.backoff.2026", retries::full_jitter_delays),
    ("aws.backoff.2026.retry_after", retries::retry_after),
    ("aws.backoff.standard_legacy", retries::full_jitter_ranges),
    ("aws.retry_quota.2026", retries::aws_quota),
    ("aws.retry_quota.standard_legacy", retries::aws_quota),
    ("cache.singleflight", limiting::singleflight),
    ("cache.stale_while_revalidate", limiting::stale_while_revalidate),
    ("cache.xfetch.decision", limiting::early_decision),
    ("cache.xfetch.probability", limiting::early_probability),
    ("client_side_adaptive_throttling", traces::throttle),
    ("concurrency_limits.aimd", limiting::aimd),
    ("concurrency_limits.gradient2", limiting::gradient2),
    ("concurrency_limits.vegas", limiting::vegas),
    ("envoy.adaptive_concurrency.gradient", limiting::gradient),
    ("envoy.admission_control", limiting::admission),
    ("envoy.circuit_breakers", transports::pending),
    ("envoy.least_request.unweighted", least_request),
    ("envoy.least_request.weighted", limiting::weighted_least_request),
    ("envoy.maglev", limiting::maglev),
    ("envoy.outlier_detection.consecutive_5xx", outliers::consecutive),
    ("envoy.outlier_detection.ejection_time", outliers::ejection_time),
    ("envoy.outlier_detection.failure_percentage", outliers::failure_percentage),
    ("envoy.outlier_detection.max_ejection", outliers::max_ejection),
    ("envoy.outlier_detection.multiplier", outliers::multiplier),
    ("envoy.outlier_detection.success_rate", outliers::success_rate),
    ("envoy.retry", retries::route_timeout),
    ("envoy.retry_back_off.code", retries::full_jitter_ranges),
    ("envoy.retry_budget", retries::active_budget),
    ("envoy.slow_start", limiting::slow_start),
    ("fail_at_scale.queue_timeout", limiting::adaptive_timeout),
    ("finagle.retry_budget", retries::rolling_budget),
    ("folly.codel", limiting::codel),
    ("go.net_http.transport", transports::idle),
    ("grpc.connection_backoff", transports::reconnects),
    ("grpc.deadline_propagation", retries::deadline),
    ("grpc.hedging", retries::hedging),
    ("grpc.retry", retries::scripted),
    ("grpc.retry.backoff", retries::grpc_ranges),
    ("grpc.retry.pushback", retries::pushback),
    ("grpc.retry.validation", retries::validation),
    ("grpc.retry_throttling", retries::scripted),
    ("hikaricp.config", transports::configured_pool),
    ("hikaricp.pool", transports::borrowing),
    ("http2.max_concurrent_streams", transports::streams),
    ("hystrix.circuitbreaker", breakers::steps),
    ("hystrix.health_counts", breakers::health_counts),
    ("jitter.aws", retries::jitters),
    ("kafka.client.retry_backoff", brokers_kafka::backoff),
    ("kafka.consumer.auto_commit", brokers_kafka::auto_commit),
    ("kafka.consumer.group_failure", brokers_kafka::group_failure),
    ("kafka.isolation.read_committed", brokers_kafka::read_committed),
    ("kafka.partitioner.adaptive", brokers_kafka::adaptive),
    ("kafka.partitioner.keyed", brokers_kafka::keyed),
    ("kafka.partitioner.sticky", brokers_kafka::sticky),
    ("kafka.producer.batch_ready", brokers_kafka::batch_ready),
    ("kafka.producer.buffer_full", brokers_kafka::buffer_full),
    ("kafka.producer.delivery_timeout", brokers_kafka::delivery_timeout),
    ("kafka.retention.bytes", brokers_kafka::retention_bytes),
    ("nats.jetstream.discard", brokers_queue::discard),
    ("nats.jetstream.max_ack_pending", brokers_queue::max_ack_pending),
    ("nats.jetstream.max_deliver", brokers_queue::redelivery),
    ("nats.jetstream.nak", brokers_queue::nak),
    ("nats.jetstream.redelivery", brokers_queue::redelivery),
    ("nginx.passive_health", limiting::passive_health),
    ("nginx.smooth_weighted_round_robin", limiting::smooth_weighted),
    ("polly.circuitbreaker", breakers::steps),
    ("rabbitmq.consumer_timeout", brokers_queue::consumer_timeout),
    ("rabbitmq.max_length", brokers_queue::max_length),
    ("rabbitmq.prefetch", brokers_queue::prefetch),
    ("rabbitmq.quorum.delayed_retry", brokers_queue::delayed_retry),
    ("rabbitmq.quorum.delivery_limit", brokers_queue::delivery_limit),
    ("resilience4j.bulkhead", limiting::bulkhead),
    ("resilience4j.circuitbreaker", breakers::steps),
    ("resilience4j.interval.exponential", retries::delays),
    ("resilience4j.interval.exponential_capped", retries::delays),
    ("resilience4j.interval.randomized", retries::randomized),
    ("resilience4j.ratelimiter", limiting::rate_limiter),
    ("resilience4j.retry", retries::timeline),
    ("resilience4j.sliding_window.count_based", breakers::window),
    ("resilience4j.sliding_window.time_based", breakers::steps),
    ("resilience4j.threadpoolbulkhead", limiting::threads),
    ("sqs.visibility_and_dlq", brokers_queue::visibility),
    ("tomcat.connector", transports::connector),
    ("tomcat.executor", transports::executor),
    ("transport.l4_vs_l7_balancing", transports::sticking),
];

/// What no policy will ever do, and why.
const REFUSED: &[(&str, &str)] =
    &[("envoy.retry_back_off.documented", "Envoy's documentation contradicts its code here, and the code is followed")];

/// What runs the vectors of a policy; those of any breaker of the registry, `NAME.circuitbreaker`, need no line.
fn runner(policy: &str) -> Option<Runner> {
    let declared = RUNNERS.iter().find(|(name, _)| *name == policy).map(|(_, runner)| *runner);
    let is_breaker = || policy.ends_with(".circuitbreaker") && traces::preset_of(policy).is_some();
    declared.or_else(|| is_breaker().then_some(breakers::steps as Runner))
}

/// Runs all vectors of a collection; the ids that ran and those that wait, with the reason.
fn run(collection: &str) -> (Vec<String>, Vec<(String, &'static str)>) {
    let collection: Value = serde_json::from_str(collection).expect("the collection is JSON");
    let vectors = collection["vectors"].as_array().expect("the collection has vectors");
    let (mut ran, mut waiting) = (Vec::new(), Vec::new());
    for vector in vectors {
        let (id, policy) = (text(&vector["id"]), text(&vector["policy"]));
        let runner = runner(policy);
        let reason =
            REFUSED.iter().find(|(name, _)| *name == policy).map_or("no such policy yet", |(_, reason)| reason);
        match runner.map_or(Err(Waiting(reason)), |runner| runner(vector)) {
            Ok(()) => ran.push(id.to_owned()),
            Err(Waiting(reason)) => waiting.push((format!("{id} ({policy})"), reason)),
        }
    }
    assert_eq!(ran.len() + waiting.len(), vectors.len(), "every vector ran or waits");
    (ran, waiting)
}

fn excerpt() -> (Vec<String>, Vec<(String, &'static str)>) {
    run(include_str!("../../data/policy-vectors.json"))
}

#[test]
fn the_excerpt_holds() {
    let (ran, waiting) = excerpt();
    assert!(waiting.is_empty(), "the repository holds only vectors that run: {waiting:?}");
    for (policy, _) in RUNNERS {
        let file: Value = serde_json::from_str(include_str!("../../data/policy-vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert!(
            vectors.iter().any(|vector| vector["policy"] == *policy),
            "nothing runs through the runner of {policy}"
        );
    }
    assert_eq!(ran.len(), 110);
}

/// A breaker that only the registry knows by name.
#[test]
fn vectors_of_a_breaker_need_no_line_of_code() {
    let vector = |state: &str| {
        let opens = serde_json::json!({
            "id": "failsafe-01", "policy": "failsafe.circuitbreaker", "params": {},
            "input": [{ "t_ms": 0, "op": "call", "outcome": "error" }],
            "expected": [{ "state": state }],
        });
        serde_json::json!({ "vectors": [opens] }).to_string()
    };
    assert_eq!(run(&vector("OPEN")).0, ["failsafe-01"]);
    assert!(std::panic::catch_unwind(|| run(&vector("CLOSED"))).is_err(), "and what is wrong fails");
}

#[test]
fn the_whole_collection_holds_where_it_is_at_hand() {
    let named = std::env::var_os("POLICY_VECTORS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/policy-vectors.json");
    let is_named = named.is_some();
    let path = named.unwrap_or(beside);
    let collection = match std::fs::read_to_string(&path) {
        Ok(collection) => collection,
        Err(fault) if is_named => panic!("POLICY_VECTORS names {}: {fault}", path.display()),
        Err(_) => {
            aloud(&format!("SKIPPED: no policy vectors at {}; set POLICY_VECTORS to the file", path.display()));
            return;
        }
    };
    let (mut ran, waiting) = run(&collection);
    let waiting_text: String =
        waiting.iter().map(|(vector, reason)| format!("\n  WAITING: {vector}: {reason}")).collect();
    aloud(&format!("{} policy vectors ran, {} wait for their policy{waiting_text}", ran.len(), waiting.len()));
    if is_named {
        // Somebody's own vectors hold what he likes.
        return;
    }
    let mut held = excerpt().0;
    ran.sort();
    held.sort();
    assert_eq!(ran, held, "the excerpt in the repository holds exactly what can run");
}

/// Says something even when the test passes, whose prints nobody sees.
fn aloud(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))).expect("fits")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub(super) fn millis(value: &Value) -> Span {
    Span::from_secs_f64(number(value) / 1e3)
}

fn secs(value: &Value) -> Span {
    Span::from_secs_f64(number(value))
}

fn least_request(vector: &Value) -> Result<(), Waiting> {
    for (step, expected) in list(&vector["input"]).iter().zip(list(&vector["expected"])) {
        let mut balancer = LeastRequest::default();
        for (replica, active) in (0..).zip(list(&step["active"])) {
            (0..count(active)).for_each(|_| balancer.started(replica));
        }
        let draws = list(&step["random_index_draws"]);
        assert_eq!(balancer.better(count(&draws[0]), count(&draws[1])), count(expected), "{step}");
    }
    assert!(matches!(AnyBalancer::from_settings(Balance::LeastRequest), AnyBalancer::LeastRequest(_)));
    Ok(())
}
