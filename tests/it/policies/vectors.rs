//! Published inputs and answers of real libraries, run through the code that the kernel runs.
//!
//! The repository holds an excerpt with every vector that the built-in policies can express. Where the whole
//! collection is at hand, the same runners go over all of it, and what has no policy yet is named. The environment variable
//! `POLICY_VECTORS` names another collection:
//!
//! ```text
//! POLICY_VECTORS=mine.json cargo test --test it -- the_whole_collection
//! ```
//!
//! It is a table with a list `vectors`, each with an `id`, a `policy`, `params` under the library's names or ours, an `input`
//! and what is `expected`. The shape of both follows from the policy: of `NAME.circuitbreaker`, and of any preset as
//! `KIND.NAME`, steps as `brownout policy --trace` takes them and as many rows as it prints, or parts of them.

use std::io::Write;
use std::path::PathBuf;

use brownout::base::suggest::did_you_mean;
use brownout::base::time::Span;
use brownout::policy::balance::{AnyBalancer, Balance, Balancer, LeastRequest};
use brownout::policy::registry::{self, Kind};
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

/// What no policy will ever do, or waits for somebody to build it, and why.
const WAITING: &[(&str, &str)] = &[
    ("envoy.retry_back_off.documented", "Envoy's documentation contradicts its code here, and the code is followed"),
    ("kubernetes.hpa", "nothing scales a service by what it measures yet"),
    ("kubernetes.liveness", "nothing probes replicas yet"),
    ("kubernetes.readiness", "nothing probes replicas yet"),
];

/// Why vectors of a policy wait, if they do: those of the name itself and of all below it.
fn waiting(policy: &str) -> Option<&'static str> {
    let below = |name: &str| policy.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    WAITING.iter().find(|(name, _)| below(name)).map(|(_, reason)| *reason)
}

/// What runs the vectors of a policy. Those of any breaker of the registry, `NAME.circuitbreaker`, and of any preset at all,
/// `KIND.NAME` as in `brownout policy KIND.NAME`, need no line.
fn runner(policy: &str) -> Option<Runner> {
    let declared = RUNNERS.iter().find(|(name, _)| *name == policy).map(|(_, runner)| *runner);
    let is_breaker = || policy.ends_with(".circuitbreaker") && traces::preset_of(policy).is_some();
    let of_registry = || traces::preset_of(policy).is_some().then_some(traces::steps as Runner);
    declared.or_else(|| is_breaker().then_some(breakers::steps as Runner)).or_else(of_registry)
}

/// What became of the vectors of a collection.
#[derive(Default)]
struct Report {
    /// Ids.
    ran: Vec<String>,
    /// Ids with their policies, and why.
    waiting: Vec<(String, &'static str)>,
    /// The same, and what is wrong.
    failed: Vec<(String, String)>,
}

impl Report {
    /// Of the text of a collection; an error says why it is none.
    fn of(collection: &str) -> Result<Report, String> {
        let collection: Value = serde_json::from_str(collection).map_err(|fault| format!("it is no JSON: {fault}"))?;
        let vectors = collection["vectors"].as_array().ok_or("it is no table with a list called `vectors`")?;
        let mut report = Report::default();
        for (n, vector) in vectors.iter().enumerate() {
            let (Some(id), Some(policy)) = (vector["id"].as_str(), vector["policy"].as_str()) else {
                report.failed.push((format!("vector {}", n + 1), "it needs an `id` and a `policy`".to_owned()));
                continue;
            };
            let named = format!("{id} ({policy})");
            if let Some(reason) = waiting(policy) {
                report.waiting.push((named, reason));
                continue;
            }
            let Some(runner) = runner(policy) else {
                report.failed.push((named, unknown(policy)));
                continue;
            };
            match std::panic::catch_unwind(|| runner(vector)) {
                Ok(Ok(())) => report.ran.push(id.to_owned()),
                Ok(Err(Waiting(reason))) => report.waiting.push((named, reason)),
                Err(panic) => report.failed.push((named, said(&*panic))),
            }
        }
        Ok(report)
    }

    /// How many there were.
    fn len(&self) -> usize {
        self.ran.len() + self.waiting.len() + self.failed.len()
    }

    /// All of it, a line each.
    fn text(&self, place: &str) -> String {
        let mut text = format!(
            "{place}: {} policy vectors ran, {} wait for their policy, {} failed",
            self.ran.len(),
            self.waiting.len(),
            self.failed.len()
        );
        self.waiting.iter().for_each(|(vector, reason)| text += &format!("\n  WAITING: {vector}: {reason}"));
        self.failed.iter().for_each(|(vector, fault)| text += &format!("\n  FAILED: {vector}: {fault}"));
        text
    }
}

/// What to write instead of a policy that nobody knows.
fn unknown(policy: &str) -> String {
    let kinds = registry::all().map(|preset| format!("{}.{}", preset.kind.name(), preset.name));
    let breakers = Kind::Breaker.presets().iter().map(|preset| format!("{}.circuitbreaker", preset.name));
    let names: Vec<String> = RUNNERS.iter().map(|(name, _)| (*name).to_owned()).chain(kinds).chain(breakers).collect();
    let near = did_you_mean(policy, names.iter().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!(": did you mean `{near}`"));
    format!(
        "no vectors are called `{policy}`{near}. A breaker's are `NAME.circuitbreaker`, those of any preset `KIND.NAME` as in \
         `brownout policy KIND.NAME`: steps as `--trace` takes them, and rows as it prints them. All others: {}",
        RUNNERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    )
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").replace('\n', " ")
}

fn excerpt() -> Report {
    Report::of(include_str!("../../data/policy-vectors.json")).expect("the excerpt is a collection")
}

#[test]
fn the_excerpt_holds() {
    let report = excerpt();
    assert!(report.failed.is_empty(), "{}", report.text("the excerpt"));
    assert!(report.waiting.is_empty(), "the repository holds only vectors that run: {}", report.text("the excerpt"));
    for (policy, _) in RUNNERS {
        let file: Value = serde_json::from_str(include_str!("../../data/policy-vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert!(
            vectors.iter().any(|vector| vector["policy"] == *policy),
            "nothing runs through the runner of {policy}"
        );
    }
    assert_eq!(report.ran.len(), 110);
}

/// A collection of one vector.
fn of_one(policy: &str, input: Value, expected: Value) -> Report {
    let vector = serde_json::json!({
        "id": "mine-01", "policy": policy, "params": {}, "input": input, "expected": expected,
    });
    Report::of(&serde_json::json!({ "vectors": [vector] }).to_string()).expect("it is a collection")
}

/// A breaker that only the registry knows by name.
#[test]
fn vectors_of_a_breaker_need_no_line_of_code() {
    let opens = serde_json::json!([{ "t_ms": 0, "op": "call", "outcome": "error" }]);
    let vector =
        |state: &str| of_one("failsafe.circuitbreaker", opens.clone(), serde_json::json!([{ "state": state }]));
    assert_eq!(vector("OPEN").ran, ["mine-01"]);
    let wrong = vector("CLOSED");
    assert!(wrong.failed[0].1.contains("state"), "what is wrong fails: {}", wrong.text("mine"));
}

#[test]
fn vectors_of_any_preset_need_no_line_of_code() {
    let bulkhead = |rejected: u32| {
        let (input, calls) = (serde_json::json!([{ "t_ms": 0, "op": "enter", "times": 12 }]), 12 - rejected);
        of_one("bulkhead.hystrix", input, serde_json::json!([{ "inside": calls }]))
    };
    assert_eq!(bulkhead(2).ran, ["mine-01"], "{}", bulkhead(2).text("mine"));
    assert_eq!(bulkhead(3).failed.len(), 1);
}

/// Each of these would once have been taken for right, or ended the run before the others had their turn.
#[test]
fn a_collection_that_is_wrong_says_what_is_wrong() {
    let error = |text: &str| Report::of(text).err().expect("it is no collection");
    assert!(error("{").contains("no JSON"));
    assert!(error("{ \"vector\": [] }").contains("called `vectors`"));
    let call = serde_json::json!([{ "t_ms": 0, "op": "call", "outcome": "error" }]);
    let open = serde_json::json!([{ "state": "OPEN" }]);
    let says = |report: &Report, text: &str| {
        assert!(report.failed.len() == 1 && report.failed[0].1.contains(text), "{}", report.text("mine"));
    };
    says(&of_one("failsaf.circuitbreaker", call.clone(), open.clone()), "no vectors are called");
    says(&of_one("failsafe.circuitbreaker", call.clone(), serde_json::json!([])), "as many");
    let late = serde_json::json!([{ "t_ms": "0", "op": "call", "outcome": "error" }]);
    says(&of_one("failsafe.circuitbreaker", late, open), "`t_ms` is a number");
    let nameless = Report::of("{ \"vectors\": [{ \"policy\": \"grpc.retry\" }] }").expect("it is a collection");
    says(&nameless, "needs an `id`");
    let scales = of_one("kubernetes.hpa.cpu", call, serde_json::json!([]));
    assert_eq!((scales.waiting.len(), scales.failed.len()), (1, 0));
}

#[test]
fn the_whole_collection_holds_where_it_is_at_hand() {
    let named = std::env::var_os("POLICY_VECTORS").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/policy-vectors.json");
    let is_named = named.is_some();
    let path = named.unwrap_or(beside);
    let place = path.display();
    let collection = match std::fs::read_to_string(&path) {
        Ok(collection) => collection,
        Err(fault) if is_named => panic!("POLICY_VECTORS names {place}, which cannot be read: {fault}"),
        Err(_) => {
            aloud(&format!("SKIPPED: no policy vectors at {place}; set POLICY_VECTORS to the file"));
            return;
        }
    };
    let report = Report::of(&collection).unwrap_or_else(|fault| panic!("{place} holds no policy vectors: {fault}"));
    let text = report.text(&place.to_string());
    aloud(&text);
    assert!(report.len() > 0, "{place} holds no policy vector");
    assert!(report.failed.is_empty(), "{text}");
    if is_named {
        // Somebody's own vectors hold what he likes.
        return;
    }
    let (mut ran, mut held) = (report.ran, excerpt().ran);
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
    value.as_array().unwrap_or_else(|| panic!("{value} is no list (`null` is one that is missing)"))
}

/// Two lists that belong together, item by item.
pub(super) fn pairs<'a>(input: &'a Value, expected: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let (input, expected) = (list(input), list(expected));
    assert_eq!(input.len(), expected.len(), "as many answers as questions");
    input.iter().zip(expected)
}

pub(super) fn millis(value: &Value) -> Span {
    Span::from_secs_f64(number(value) / 1e3)
}

fn secs(value: &Value) -> Span {
    Span::from_secs_f64(number(value))
}

fn least_request(vector: &Value) -> Result<(), Waiting> {
    for (step, expected) in pairs(&vector["input"], &vector["expected"]) {
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
