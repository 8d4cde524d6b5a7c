//! Vectors as traces: the policy of the registry, with the vector's parameters, stepped as `brownout policy --trace` steps
//! it.

use brownout::policy::registry::{self, Kind};
use brownout::policy::trace::{Datum, Trace};
use serde_json::json;

use super::*;

/// A policy that is stepped with JSON.
pub(super) struct Traced(Box<dyn Trace>);

/// Steps of any preset, one after the other.
pub(super) fn steps(vector: &Value) -> Result<(), Waiting> {
    let mut traced = Traced::of(vector);
    for (n, (step, expected)) in pairs(&vector["input"], &vector["expected"]).enumerate() {
        compare(&traced.step(step), expected, &format!("{}, step {}", vector["id"], n + 1));
    }
    Ok(())
}

/// Which preset a vector's policy is.
const PRESETS: &[(&str, Kind, &str)] = &[
    ("aws.aws-standard", Kind::Retry, "aws-standard"),
    ("aws.aws-standard-2026", Kind::Retry, "aws-standard-2026"),
    ("client_side_adaptive_throttling", Kind::Throttle, "sre"),
    ("envoy.outlier", Kind::Outlier, "envoy"),
    ("envoy.retry", Kind::Retry, "envoy"),
    ("finagle.retry_budget", Kind::Retry, "finagle"),
    ("grpc.retry", Kind::Retry, "grpc"),
    ("hystrix.circuitbreaker", Kind::Breaker, "hystrix"),
    ("polly.circuitbreaker", Kind::Breaker, "polly"),
    ("resilience4j.circuitbreaker", Kind::Breaker, "resilience4j"),
    ("resilience4j.sliding_window.time_based", Kind::Breaker, "resilience4j"),
];

/// The preset of a vector's policy: one of those, the breaker NAME of `NAME.circuitbreaker`, or `KIND.NAME`.
pub(super) fn preset_of(policy: &str) -> Option<&'static registry::Preset> {
    let named = PRESETS.iter().find(|(known, ..)| *known == policy).map(|(_, kind, name)| (*kind, *name));
    let of_breaker = || policy.strip_suffix(".circuitbreaker").map(|name| (Kind::Breaker, name));
    let of_kind = || {
        let (kind, name) = policy.split_once('.')?;
        Some((Kind::ALL.into_iter().find(|it| it.name() == kind)?, name))
    };
    let (kind, name) = named.or_else(of_breaker).or_else(of_kind)?;
    kind.preset(name)
}

impl Traced {
    /// With other settings than the default ones.
    pub(super) fn with(policy: &str, set: &[(&str, &str)]) -> Traced {
        let preset = preset_of(policy).expect("it is in the registry");
        Traced((preset.trace)(set).unwrap_or_else(|misfit| panic!("{policy} with {set:?}: {misfit}")))
    }

    /// With the parameters of a vector, under the library's own names; a unit behind `_` is the library's own.
    pub(super) fn of(vector: &Value) -> Traced {
        let params = vector["params"].as_object().expect("parameters");
        let is_timed = params.get("slidingWindowType").is_some_and(|kind| kind == "TIME_BASED");
        let mut set = Vec::new();
        for (name, value) in params {
            let bare = ["_ms", "_s"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
            match bare {
                "slidingWindowType" | "initialState" => {}
                "slidingWindowSize" if is_timed || name.ends_with("_s") => {
                    set.push(("window".to_owned(), format!("{value}s")));
                }
                "openIntervals" => {
                    let intervals = list(value);
                    let factor = number(&intervals[1]) / number(&intervals[0]);
                    let backoff = format!("exponential({}ms, factor={factor})", intervals[0]);
                    set.push(("open_for".to_owned(), backoff));
                }
                _ => {
                    let preset = preset_of(text(&vector["policy"])).expect("it is in the registry");
                    let parameters = (preset.parameters)();
                    // The library may have it in a table of its own.
                    let ends = |theirs: &str| theirs == bare || theirs.ends_with(&format!(".{bare}"));
                    let lower = |theirs: &str| ends(&theirs.replace("timeInMilliseconds", "InMilliseconds"));
                    let snapshot = |theirs: &str| {
                        bare == "healthSnapshotIntervalInMilliseconds" && theirs.contains("healthSnapshot")
                    };
                    let theirs = parameters.iter().map(|it| it.their_name()).filter(|it| !it.is_empty());
                    let ours = || parameters.iter().map(|it| it.name).find(|it| it == name);
                    let found = theirs.into_iter().find(|it| ends(it) || lower(it) || snapshot(it)).or_else(ours);
                    let found = found.unwrap_or_else(|| panic!("{}: unknown parameter {name}", vector["id"]));
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    set.push((found.to_owned(), text));
                }
            }
        }
        let set: Vec<(&str, &str)> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Traced::with(text(&vector["policy"]), &set)
    }

    /// Does a step, and answers with a row.
    pub(super) fn step(&mut self, step: &Value) -> Value {
        let datum = Datum::from(step);
        let row =
            datum.check_times().and_then(|()| self.0.step(&datum)).unwrap_or_else(|fault| panic!("{step}: {fault}"));
        Value::Object(row.iter().map(|(name, datum)| ((*name).to_owned(), Value::from(datum))).collect())
    }
}

/// Whatever is expected and told must agree; what is expected must be told.
pub(super) fn compare(row: &Value, expected: &Value, place: &str) {
    for (key, wanted) in expected.as_object().expect("an answer is a table").iter().filter(|(key, _)| *key != "t_ms") {
        assert_eq!(row[key], *wanted, "{place}: {key}");
    }
}

pub(super) fn throttle(vector: &Value) -> Result<(), Waiting> {
    for (input, expected) in pairs(&vector["input"], &vector["expected"]) {
        let mut traced = Traced::of(vector);
        let mut step = input.clone();
        step["t_ms"] = json!(0);
        let found = number(&traced.step(&step)["reject_probability"]);
        assert!((found - number(&expected["reject_probability"])).abs() < 1e-8, "{input}: {found}");
    }
    Ok(())
}
