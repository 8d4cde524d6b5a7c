//! Runners of the vectors of limits, bulkheads, rate limits, balancers, queues and caches.

use brownout::base::random::Stream;
use brownout::base::time::{Span, Time};
use brownout::base::units::{Rate, Share};
use brownout::mechanism::cache::{Cache, CacheSettings, Found, is_early};
use brownout::policy::Outcome;
use brownout::policy::balance::{
    Maglev, PassiveHealth, PassiveHealthSettings, SlowStartSettings, SmoothWeighted, weighted_load,
};
use brownout::policy::bulkhead::{Bulkhead, BulkheadSettings, Entry, SemaphoreSettings, ThreadPoolSettings};
use brownout::policy::limit::{
    Admission, AdmissionSettings, Aimd, AimdSettings, Gradient2, Gradient2Settings, GradientSettings, Vegas,
    VegasSettings,
};
use brownout::policy::queue::{AdaptiveTimeout, Codel, CodelSettings};
use brownout::policy::rate::{CyclesSettings, RateLimitSettings, RateLimiter, Turn};
use serde_json::Value;

use super::vectors::{Waiting, count, list, number, pairs};

type Ran = Result<(), Waiting>;

fn millis(value: &Value) -> Span {
    Span::from_secs_f64(number(value) / 1e3)
}

fn secs(value: &Value) -> Span {
    Span::from_secs_f64(number(value))
}

fn share(percent: &Value) -> Share {
    Share::new(number(percent) / 100.0).expect("a percentage")
}

fn part(share: &Value) -> Share {
    Share::new(number(share)).expect("a share")
}

/// The inputs with the answers that they should get.
fn steps(vector: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    pairs(&vector["input"], &vector["expected"])
}

pub(super) fn aimd(vector: &Value) -> Ran {
    let params = &vector["params"];
    for (input, expected) in steps(vector) {
        let mut law = Aimd::new(&AimdSettings {
            initial: count(&input["limit"]),
            min: count(&input["minLimit"]),
            max: count(&input["maxLimit"]),
            backoff: part(&params["backoffRatio"]),
            timeout: millis(&params["timeout_ms"]),
            ..AimdSettings::default()
        });
        law.sample(millis(&input["rtt_ms"]), count(&input["inflight"]), input["dropped"] == true);
        assert_eq!(law.limit(), count(expected), "{input}");
    }
    Ok(())
}

pub(super) fn vegas(vector: &Value) -> Ran {
    let params = &vector["params"];
    let of = |name: &str, default: u32| params.get(name).map_or(default, count);
    let defaults = VegasSettings::default();
    let mut law = Vegas::new(
        &VegasSettings {
            initial: count(&params["initialLimit"]),
            max: count(&params["maxConcurrency"]),
            smoothing: params.get("smoothing").map_or(defaults.smoothing, part),
            alpha: of("alpha", defaults.alpha),
            beta: of("beta", defaults.beta),
            ..defaults
        },
        Stream::new(1, "probes"),
    );
    for (input, expected) in steps(vector) {
        law.sample(millis(&input["rtt_ms"]), count(&input["inflight"]), false);
        assert_eq!(law.limit(), count(expected), "{input}");
    }
    Ok(())
}

pub(super) fn gradient2(vector: &Value) -> Ran {
    let params = &vector["params"];
    let mut law = Gradient2::new(&Gradient2Settings {
        initial: count(&params["initialLimit"]),
        min: count(&params["minLimit"]),
        max: count(&params["maxConcurrency"]),
        smoothing: part(&params["smoothing"]),
        queue: count(&params["queueSize"]),
        long_window: count(&params["longWindow"]),
        tolerance: number(&params["rttTolerance"]),
        ..Gradient2Settings::default()
    });
    let expected = &vector["expected"];
    for (n, input) in list(&vector["input"]["samples"]).iter().enumerate() {
        law.sample(millis(&input["rtt_ms"]), count(&input["inflight"]));
        assert!((law.estimate() - number(&expected["estimatedLimit"][n])).abs() < 1e-9, "{input}");
        assert_eq!(law.limit(), count(&expected["limit"][n]), "{input}");
    }
    Ok(())
}

pub(super) fn gradient(vector: &Value) -> Ran {
    let params = &vector["params"];
    let settings = GradientSettings {
        min: count(&params["min_concurrency"]),
        max: count(&params["max_concurrency_limit"]),
        buffer: share(&params["buffer_percent"]),
        ..GradientSettings::default()
    };
    for (input, expected) in steps(vector) {
        let limit =
            settings.next_limit(count(&input["limit"]), millis(&input["min_rtt_ms"]), millis(&input["sample_rtt_ms"]));
        assert_eq!(limit, count(expected), "{input}");
    }
    Ok(())
}

pub(super) fn admission(vector: &Value) -> Ran {
    let params = &vector["params"];
    for (input, expected) in steps(vector) {
        let mut limiter = Admission::new(&AdmissionSettings {
            success: share(&params["sr_threshold_percent"]),
            aggression: number(input.get("aggression").unwrap_or(&params["aggression"])),
            max_rejection: share(&params["max_rejection_probability_percent"]),
            window: secs(&params["sampling_window_s"]),
            min_rate: Rate::per_sec(number(&params["rps_threshold"])).expect("a rate"),
        });
        let (total, good) = (count(&input["total"]), count(&input["success"]));
        (0..total).for_each(|n| limiter.record(Time::ZERO, n < good));
        assert!((limiter.probability() - number(&expected["reject_probability"])).abs() < 1e-8, "{input}");
    }
    Ok(())
}

pub(super) fn rate_limiter(vector: &Value) -> Ran {
    let params = &vector["params"];
    let nanos = |value: &Value| Span::from_nanos(value.as_u64().expect("nanoseconds"));
    let timeout = nanos(&params["timeoutDuration_ns"]);
    let settings = RateLimitSettings::Cycles(CyclesSettings {
        limit: count(&params["limitForPeriod"]),
        period: nanos(&params["limitRefreshPeriod_ns"]),
        timeout,
    });
    // Not at the start of time: cycles count from the creation.
    let created = Time::ZERO + Span::from_secs(86_400) + Span::from_nanos(7);
    let mut limiter = RateLimiter::new(&settings, created);
    let times = pairs(&vector["input"]["reserve_at_ns"], &vector["expected"]["wait_ns"]);
    for (at, wait) in times {
        let expected = match wait.as_i64() {
            Some(-1) => Turn::Refused(timeout),
            _ => Turn::After(nanos(wait)),
        };
        assert_eq!(limiter.reserve(created + nanos(at)), expected, "{at}");
    }
    Ok(())
}

pub(super) fn bulkhead(vector: &Value) -> Ran {
    let params = &vector["params"];
    let settings = BulkheadSettings::Semaphore(SemaphoreSettings {
        max: count(&params["maxConcurrentCalls"]),
        max_wait: millis(&params["maxWaitDuration_ms"]),
    });
    assert_eq!(BulkheadSettings::preset("resilience4j"), Some(settings));
    let mut bulkhead = Bulkhead::new(&settings);
    let calls = count(&vector["input"]["simultaneous_calls"]);
    let permitted = (0..calls).filter(|call| bulkhead.enter(Time::ZERO, *call, |_| true) != Entry::Rejected).count();
    assert_eq!(permitted as u32, count(&vector["expected"]["permitted"]));
    assert_eq!(calls - permitted as u32, count(&vector["expected"]["rejected"]));
    Ok(())
}

pub(super) fn threads(vector: &Value) -> Ran {
    let params = &vector["params"];
    let mut pool = Bulkhead::new(&BulkheadSettings::Threads(ThreadPoolSettings {
        core: count(&params["coreThreadPoolSize"]),
        max: count(&params["maxThreadPoolSize"]),
        queue: count(&params["queueCapacity"]),
        ..ThreadPoolSettings::default()
    }));
    let tasks = count(&vector["input"]["long_tasks_submitted"]);
    let found: Vec<&str> = (0..tasks)
        .map(|task| match pool.enter(Time::ZERO, task, |_| true) {
            Entry::Entered { is_new: true } => "new_thread",
            Entry::Entered { is_new: false } => "idle_thread",
            Entry::Waits(_) => "queued",
            Entry::Rejected => "rejected",
        })
        .collect();
    assert_eq!(Value::from(found), vector["expected"]);
    Ok(())
}

pub(super) fn codel(vector: &Value) -> Ran {
    let params = &vector["params"];
    let settings =
        CodelSettings { target: millis(&params["target_delay_ms"]), interval: millis(&params["interval_ms"]) };
    assert_eq!(settings, CodelSettings::default());
    let mut codel = Codel::new(settings);
    for (input, expected) in steps(vector) {
        let drops = codel.drops(Time::ZERO + millis(&input["now_ms"]), millis(&input["queue_delay_ms"]));
        assert_eq!(Some(drops), expected.as_bool(), "{input}");
    }
    Ok(())
}

pub(super) fn adaptive_timeout(vector: &Value) -> Ran {
    let params = &vector["params"];
    let policy = AdaptiveTimeout { short: millis(&params["M_ms"]), standing: millis(&params["N_ms"]) };
    for (input, expected) in steps(vector) {
        let now = Time::ZERO + Span::from_secs(10);
        let timeout = policy.timeout(now, now - millis(&input["queue_last_empty_ms_ago"]));
        assert_eq!(timeout, millis(&expected["queue_timeout_ms"]), "{input}");
    }
    Ok(())
}

pub(super) fn smooth_weighted(vector: &Value) -> Ran {
    let peers = vector["params"]["weights"].as_object().expect("weights");
    let names: Vec<&str> = peers.keys().map(String::as_str).collect();
    let weights: Vec<f64> = peers.values().map(number).collect();
    let up: Vec<u32> = (0..names.len() as u32).collect();
    let mut balancer = SmoothWeighted::default();
    let picks = (0..count(&vector["input"]["picks"])).map(|_| balancer.pick(&up, |peer| weights[peer as usize]));
    let found: Vec<&str> = picks.map(|peer| names[peer as usize]).collect();
    assert_eq!(Value::from(found), vector["expected"]);
    Ok(())
}

pub(super) fn passive_health(vector: &Value) -> Ran {
    let params = &vector["params"];
    let settings =
        PassiveHealthSettings { max_fails: count(&params["max_fails"]), fail_timeout: secs(&params["fail_timeout_s"]) };
    assert_eq!(settings, PassiveHealthSettings::default());
    let mut health = PassiveHealth::new(&settings);
    health.ended(Time::ZERO + secs(&vector["input"]["failed_at_s"]), 0, Outcome::Timeout);
    let probes = list(&vector["input"]["probe_times_s"]).iter();
    let found: Vec<bool> = probes.map(|at| health.is_eligible(Time::ZERO + secs(at), 0)).collect();
    assert_eq!(Value::from(found), vector["expected"]["eligible"]);
    Ok(())
}

pub(super) fn weighted_least_request(vector: &Value) -> Ran {
    for (input, expected) in steps(vector) {
        let bias = number(input.get("active_request_bias").unwrap_or(&vector["params"]["active_request_bias"]));
        let load = weighted_load(number(&input["weight"]), count(&input["active"]), bias);
        assert!((load - number(expected)).abs() < 1e-12, "{input}");
    }
    Ok(())
}

pub(super) fn slow_start(vector: &Value) -> Ran {
    let params = &vector["params"];
    for (input, expected) in steps(vector) {
        let settings = SlowStartSettings {
            window: secs(&params["slow_start_window_s"]),
            aggression: number(input.get("aggression").unwrap_or(&params["aggression"])),
            min_weight: share(&params["min_weight_percent"]),
        };
        let weight = number(&params["weight"]) * settings.share(secs(&input["age_s"]));
        assert!((weight - number(expected)).abs() < 1e-9, "{input}");
    }
    Ok(())
}

pub(super) fn maglev(vector: &Value) -> Ran {
    let weights = vector["input"]["weights"].as_object().expect("weights");
    let table = Maglev::new(&(0..).zip(weights.values().map(count)).collect::<Vec<_>>());
    for (replica, name) in (0..).zip(weights.keys()) {
        assert_eq!(table.places(replica) as u32, count(&vector["expected"]["entries"][name]), "{name}");
    }
    Ok(())
}

pub(super) fn early_probability(vector: &Value) -> Ran {
    let (cost, beta) = (secs(&vector["params"]["delta_s"]), number(&vector["params"]["beta"]));
    let ttls = list(&vector["input"]["seconds_to_expiry"]).iter();
    for (ttl, expected) in ttls.zip(list(&vector["expected"]["refresh_probability"])) {
        let fetches = |u: f64| is_early(Time::ZERO, Time::ZERO + secs(ttl), cost, beta, u);
        // It fetches for the draws below the probability, and for no others; the collection has nine decimal places.
        let probability = number(expected);
        assert!(probability < 1e-8 || fetches(probability - 1e-8), "{ttl}");
        assert!(probability > 1.0 - 1e-8 || !fetches(probability + 1e-8), "{ttl}");
    }
    Ok(())
}

pub(super) fn early_decision(vector: &Value) -> Ran {
    let (cost, beta) = (secs(&vector["params"]["delta_s"]), number(&vector["params"]["beta"]));
    for (input, expected) in steps(vector) {
        let (now, expires) = (Time::ZERO + secs(&input["now_s"]), Time::ZERO + secs(&input["expiry_s"]));
        assert_eq!(Some(is_early(now, expires, cost, beta, number(&input["u"]))), expected.as_bool(), "{input}");
    }
    Ok(())
}

fn settings() -> CacheSettings {
    CacheSettings {
        capacity: u32::MAX,
        ttl: Span::MAX,
        is_sliding: false,
        stale: Span::ZERO,
        early: 0.0,
        coalesce: false,
    }
}

/// Nothing is kept: a load ends without a fill, and those who waited share it.
pub(super) fn singleflight(vector: &Value) -> Ran {
    let mut cache = Cache::new(CacheSettings { coalesce: true, ..settings() });
    let takes = count(&vector["input"]["load_takes_ms"]);
    let callers: Vec<u32> = list(&vector["input"]["callers_at_ms"]).iter().map(count).collect();
    let (mut started, mut results) = (Vec::new(), vec![0; callers.len()]);
    let mut load: Option<(u32, usize)> = None;
    let mut end = |cache: &mut Cache<usize>, load: &mut Option<(u32, usize)>, now: u32| {
        if let Some((at, leader)) = load.filter(|(at, _)| *at <= now) {
            *load = None;
            results[leader] = at;
            cache.end_fetch(1).into_iter().for_each(|follower| results[follower] = at);
        }
    };
    for (caller, &at) in callers.iter().enumerate() {
        end(&mut cache, &mut load, at);
        if cache.get(Time::ZERO + Span::from_millis(at.into()), 1, 0.5, caller).0 == Found::Miss {
            started.push(at);
            load = Some((at + takes, caller));
        }
    }
    end(&mut cache, &mut load, u32::MAX);
    assert_eq!(Value::from(started), vector["expected"]["loads_started_at_ms"]);
    assert_eq!(Value::from(results), vector["expected"]["results_at_ms"]);
    Ok(())
}

pub(super) fn stale_while_revalidate(vector: &Value) -> Ran {
    let params = &vector["params"];
    let settings = CacheSettings {
        ttl: secs(&params["max_age_s"]),
        stale: secs(&params["stale_while_revalidate_s"]),
        ..settings()
    };
    for (age, expected) in pairs(&vector["input"]["age_s"], &vector["expected"]["served"]) {
        let mut cache = Cache::new(settings);
        cache.fill(Time::ZERO, 1, Span::ZERO);
        let found = match cache.get(Time::ZERO + secs(age), 1, 0.5, 0).0 {
            Found::Hit => "fresh",
            Found::Stale => "stale+background_revalidate",
            Found::Miss => "synchronous_revalidate",
            other => panic!("{other:?}"),
        };
        assert_eq!(*expected, found, "{age}");
    }
    Ok(())
}

/// `HystrixThreadPool.isQueueSpaceAvailable`: the queue may be long, but is not used beyond `queueSizeRejectionThreshold`.
#[test]
fn the_queue_of_hystrix_takes_five_whatever_its_size() {
    let Some(BulkheadSettings::Threads(pool)) = BulkheadSettings::preset("hystrix") else {
        panic!("a pool of threads")
    };
    let waiting = |queue: u32, queue_threshold: Option<u32>| {
        let mut pool = Bulkhead::new(&BulkheadSettings::Threads(ThreadPoolSettings { queue, queue_threshold, ..pool }));
        let entries = (0..200).map(|ticket| pool.enter(Time::ZERO, ticket, |_| true));
        entries.filter(|entry| matches!(entry, Entry::Waits(_))).count()
    };
    assert_eq!(waiting(pool.queue, pool.queue_threshold), 0, "without a size there is no queue");
    assert_eq!(waiting(100, pool.queue_threshold), 5);
    assert_eq!(waiting(100, Some(100)), 100);
    assert_eq!(waiting(3, pool.queue_threshold), 3);
}
