//! What services take on and clients send.

use super::client::{chosen, policy};
use super::written::{set_all, written};
use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::balance::{PassiveHealthSettings, SlowStartSettings};
use crate::policy::bulkhead::{BulkheadSettings, PoolSettings, SemaphoreSettings, ThreadPoolSettings};
use crate::policy::limit::{ConcurrencySettings, LawSettings, LimitSettings, PriorityShares, RateSettings};
use crate::policy::rate::{CyclesSettings, RateLimitSettings};
use crate::policy::registry::Kind;
use crate::policy::settings::Value;
use crate::scenario::decode::{
    Count, Cx, Field, HealthPreset, LimitPreset, NotZero, Or, PositiveNumber, RATE_MAX, RateLimitPreset,
    SlowStartPreset,
};
use crate::scenario::language::{BulkheadKeys, HealthKeys, LimitKeys, RateLimitKeys, SlowStartKeys};
use crate::scenario::say::{Place, catalogue};

/// The limit of a service or a client.
pub(super) fn limit(field: &Field<Or<LimitKeys>>, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let keys = policy(field)?;
    if keys.preset.is_bad() || keys.rate.is_bad() {
        return None;
    }
    let mut settings = match (keys.preset.value(), keys.rate.given(), keys.max.given()) {
        (Some(LimitPreset(settings)), ..) => *settings,
        (None, Some(_), _) => rate(keys, cx)?,
        (None, None, Some(Count(max))) => {
            LimitSettings::Concurrency(ConcurrencySettings { law: LawSettings::Fixed(*max), shares: None })
        }
        (None, None, None) if keys.max.is_bad() => return None,
        (None, None, None) => {
            cx.say(&catalogue::MISSING_KEY, keys.place, "a limit needs `rate`, `max` or `preset`")
                .help("write for example `{ max = 64 }`, `{ rate = \"500/s\" }` or `{ preset = \"gradient2\" }`");
            return None;
        }
    };
    set_parameters(&mut settings, keys, cx);
    match &mut settings {
        LimitSettings::Rate(_) => {}
        LimitSettings::Concurrency(ConcurrencySettings { law, shares }) => {
            check_law(law, keys, cx);
            *shares = priority_shares(keys, cx);
        }
        LimitSettings::Admission(settings) => {
            needs_window(keys, settings.window, cx);
            if settings.success == Share::ZERO {
                cx.say(
                    &catalogue::OUT_OF_RANGE,
                    keys.success.place(),
                    "where nothing must succeed, nobody is turned away",
                )
                .help("write for example `success = \"95%\"`");
            }
        }
    }
    Some(settings)
}

/// Sets what is written, and says what this kind of limit does not have.
fn set_parameters(settings: &mut LimitSettings, keys: &LimitKeys, cx: &mut Cx<'_>) {
    let count = |Count(count): &Count<1, 1_000_000>| Value::Count(*count);
    let (small, share) = (|Count(count): &Count<1, 1000>| Value::Count(*count), |share: &Share| Value::Share(*share));
    let number = |PositiveNumber(number): &PositiveNumber| Value::Number(*number);
    let written = written! { keys;
        rate: |rate| Value::Rate(*rate),
        burst: |Count(count)| Value::Count(*count),
        max: count,
        min: count,
        initial: count,
        backoff: share,
        timeout: |NotZero(span)| Value::Span(*span),
        smoothing: share,
        alpha: small,
        beta: small,
        queue: |Count(count)| Value::Count(*count),
        long_window: count,
        tolerance: number,
        window: |span| Value::Span(*span),
        buffer: share,
        min_rtt_interval: |NotZero(span)| Value::Span(*span),
        min_rtt_jitter: share,
        min_rtt_requests: count,
        percentile: share,
        success: share,
        aggression: number,
        max_rejection: share,
        min_rate: |rate| Value::Rate(*rate),
    };
    let has_shares = matches!(settings, LimitSettings::Concurrency(_));
    let shares = keys.shares.given().map(|_| keys.shares.key_place()).filter(|_| !has_shares);
    let Some(name) = settings.name() else {
        let (kind, own): (_, &[&str]) = match settings {
            LimitSettings::Rate(_) => ("a token bucket", &["rate", "burst"]),
            _ => ("a fixed number at a time", &["max"]),
        };
        let others = written.into_iter().filter(|(key, value, _)| value.is_some() && !own.contains(key));
        for (key, place) in others.map(|(key, _, place)| (key, place)).chain(shares.map(|place| ("shares", place))) {
            cx.say(&catalogue::EXCLUDE, place, format!("{kind} has no `{key}`"))
                .help(format!("remove `{key}`, or choose another kind of limit"));
        }
        return;
    };
    set_all(&written, (name, keys.preset.place()), Kind::Limit, &mut |key, value| settings.set(key, value), cx);
    if let Some(place) = shares {
        cx.say(&catalogue::EXCLUDE, place, format!("the limit of {name} has no `shares`"))
            .also(keys.preset.place(), format!("its limit follows {name}"))
            .help("remove `shares`: it does not count places");
    }
}

fn rate(keys: &LimitKeys, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let settings =
        RateSettings { rate: *keys.rate.value()?, burst: keys.burst.value().map_or(10, |Count(burst)| *burst) };
    let per_sec = settings.rate.as_per_sec();
    if per_sec == 0.0 {
        cx.say(&catalogue::OUT_OF_RANGE, keys.rate.place(), "a limit of zero turns everybody away for ever")
            .help("write for example `rate = \"100/s\"`");
    } else if per_sec > RATE_MAX {
        cx.say(&catalogue::OUT_OF_RANGE, keys.rate.place(), "a limit is at most 1e9/s")
            .help("write `limit = \"none\"` to take everything on");
    }
    Some(LimitSettings::Rate(settings))
}

/// What no law of a limit can be.
fn check_law(law: &LawSettings, keys: &LimitKeys, cx: &mut Cx<'_>) {
    let bounds = match law {
        LawSettings::Fixed(_) => return,
        LawSettings::Aimd(it) => {
            if it.backoff >= Share::ONE {
                cx.say(
                    &catalogue::OUT_OF_RANGE,
                    keys.backoff.place(),
                    "a limit that does not shrink has no use for drops",
                )
                .help("write less than `100%`: 90% is usual");
            }
            [it.min, it.initial, it.max]
        }
        LawSettings::Vegas(it) => {
            if it.alpha > it.beta {
                cx.say(&catalogue::OUT_OF_RANGE, keys.alpha.place(), "a short queue is not longer than a long one")
                    .also(keys.beta.place(), "the other end")
                    .help("`alpha` is at most `beta`: 3 and 6 are usual");
            }
            [1, it.initial, it.max]
        }
        LawSettings::Gradient2(it) => {
            if it.tolerance < 1.0 {
                cx.say(&catalogue::OUT_OF_RANGE, keys.tolerance.place(), "`tolerance` is at least 1")
                    .help("below, a limit shrinks though requests take no longer than usual");
            }
            [it.min, it.initial, it.max]
        }
        LawSettings::Gradient(it) => {
            needs_window(keys, it.window, cx);
            [it.min, it.min, it.max]
        }
    };
    if !bounds.is_sorted() {
        let places = [&keys.min, &keys.initial, &keys.max].map(|field| field.place());
        let place = places.into_iter().find(|place| *place != Place::NOWHERE).unwrap_or(keys.place);
        let [min, initial, max] = bounds;
        cx.say(&catalogue::OUT_OF_RANGE, place, format!("a limit from {min} to {max} cannot start with {initial}"))
            .help("`min`, `initial` and `max` must rise: set those that the preset has, too");
    }
}

/// The window of a limit that cannot do without.
fn needs_window(keys: &LimitKeys, window: Span, cx: &mut Cx<'_>) {
    if window.is_zero() {
        cx.say(&catalogue::OUT_OF_RANGE, keys.window.place(), "this limit looks at windows of time, and needs one")
            .help("leave `window` out to have the usual one");
    }
}

/// What each class of priorities gets for sure.
fn priority_shares(keys: &LimitKeys, cx: &mut Cx<'_>) -> Option<PriorityShares> {
    let mut of = [None; 10];
    for class in keys.shares.value().iter().flat_map(|shares| &shares.items) {
        let (Some(Count(priority)), Some(share)) = (class.priority.value(), class.share.value()) else { continue };
        if of[*priority as usize].replace(*share).is_some() {
            cx.say(&catalogue::EXCLUDE, class.priority.place(), format!("two classes begin at priority {priority}"))
                .help("give each class another lowest priority");
        }
    }
    let sum: f64 = of.iter().flatten().map(|share| share.as_f64()).sum();
    if sum > 1.0 + 1e-9 {
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.shares.place(),
            "the shares of all classes are more than the whole limit",
        )
        .help("they may be less: what is left goes to who comes first");
    }
    PriorityShares::new(of)
}

pub(super) fn rate_limit(keys: &RateLimitKeys, cx: &mut Cx<'_>) -> Option<RateLimitSettings> {
    let preset = match keys.preset.value() {
        Some(RateLimitPreset(RateLimitSettings::Cycles(settings))) => Some(*settings),
        _ => None,
    };
    let timeout = chosen(&keys.timeout, preset.map(|it| it.timeout), |span| *span, Span::ZERO);
    if let Some(rate) = keys.rate.given() {
        for (key, place) in [
            ("limit", keys.limit.key_place()),
            ("period", keys.period.key_place()),
            ("preset", keys.preset.key_place()),
        ] {
            if place != Place::NOWHERE {
                cx.say(&catalogue::EXCLUDE, place, format!("a leaky bucket has no `{key}`"))
                    .also(keys.rate.key_place(), "`rate` makes it one")
                    .help(format!("remove `rate` or `{key}`"));
            }
        }
        let per_sec = rate.as_per_sec();
        if per_sec == 0.0 || per_sec > RATE_MAX {
            cx.say(&catalogue::OUT_OF_RANGE, keys.rate.place(), "calls go at a rate above zero, and at most 1e9/s")
                .help("write for example `rate = \"100/s\"`");
            return None;
        }
        return Some(RateLimitSettings::Leaky { rate: *rate, timeout });
    }
    let limit = chosen(&keys.limit, preset.map(|it| it.limit), |Count(count)| *count, 50);
    let period = chosen(&keys.period, preset.map(|it| it.period), |NotZero(span)| *span, Span::from_secs(1));
    Some(RateLimitSettings::Cycles(CyclesSettings { limit, period, timeout }))
}

pub(super) fn bulkhead(keys: &BulkheadKeys, cx: &mut Cx<'_>) -> BulkheadSettings {
    let preset = keys.preset.value().map(|preset| preset.settings);
    if let Some(BulkheadSettings::Pool(usual)) = preset {
        return BulkheadSettings::Pool(pool(keys, usual, cx));
    }
    if keys.requests.given().is_some() {
        cx.say(&catalogue::PARTNER, keys.requests.key_place(), "`requests` is about a connection pool")
            .help("add `preset = \"envoy\"` or `preset = \"istio\"`, or write `max`");
    }
    let is_threads = keys.core.given().is_some() || matches!(preset, Some(BulkheadSettings::Threads(_)));
    let count = |Count(count): &Count<1, 1_000_000>| *count;
    if !is_threads {
        let usual = match preset {
            Some(BulkheadSettings::Semaphore(settings)) => settings,
            _ => SemaphoreSettings::default(),
        };
        let of_threads = [
            ("queue", keys.queue.key_place()),
            ("queue_threshold", keys.queue_threshold.key_place()),
            ("keep_alive", keys.keep_alive.key_place()),
        ];
        for (key, place) in of_threads {
            if place != Place::NOWHERE {
                cx.say(&catalogue::PARTNER, place, format!("`{key}` is about a bulkhead of threads"))
                    .help("add `core`, the threads that stay, or a preset such as \"resilience4j-threads\"");
            }
        }
        if keys.preset.value().is_some_and(|preset| !preset.waits) && keys.max_wait.given().is_some() {
            cx.say(&catalogue::EXCLUDE, keys.max_wait.key_place(), "the semaphore of Hystrix has no `max_wait`")
                .also(keys.preset.place(), "a call that finds no place fails at once")
                .help("remove `max_wait`, or choose `preset = \"resilience4j\"`, whose callers may wait");
        }
        return BulkheadSettings::Semaphore(SemaphoreSettings {
            max: chosen(&keys.max, Some(usual.max), count, usual.max),
            max_wait: chosen(&keys.max_wait, Some(usual.max_wait), |span| *span, usual.max_wait),
        });
    }
    let usual = match preset {
        Some(BulkheadSettings::Threads(settings)) => Some(settings),
        _ => None,
    };
    if keys.max_wait.given().is_some() {
        cx.say(
            &catalogue::EXCLUDE,
            keys.max_wait.key_place(),
            "in the queue of a pool of threads a call waits for ever",
        )
        .help("remove `max_wait`; the client's `timeout` ends the wait");
    }
    let core = chosen(&keys.core, usual.map(|it| it.core), |Count(count)| *count, 1);
    let max = chosen(&keys.max, usual.map(|it| it.max), count, core.max(1));
    if core > max {
        let place = if keys.core.given().is_some() { keys.core.place() } else { keys.max.place() };
        cx.say(&catalogue::OUT_OF_RANGE, place, format!("{core} threads stay, but there are at most {max}"))
            .help("`core` is at most `max`");
    }
    let ThreadPoolSettings { queue, queue_threshold, keep_alive, .. } = usual.unwrap_or_default();
    let threshold = keys.queue_threshold.given().map(|Count(count)| *count).or(queue_threshold);
    if let (Some(Count(places)), Some(threshold)) = (keys.queue.given(), threshold)
        && *places > threshold
    {
        cx.say(&catalogue::SHORT_QUEUE, keys.queue.place(), format!("this queue is full with {threshold} in it"))
            .note(format!("`queue_threshold` is {threshold}, however many places the queue has"))
            .help(format!("add `queue_threshold = {places}`, or write `queue = {threshold}`"));
    }
    BulkheadSettings::Threads(ThreadPoolSettings {
        core,
        max: max.max(core),
        queue: chosen(&keys.queue, Some(queue), |Count(count)| *count, queue),
        queue_threshold: threshold,
        keep_alive: chosen(&keys.keep_alive, Some(keep_alive), |span| *span, keep_alive),
    })
}

/// The limits of a connection pool.
fn pool(keys: &BulkheadKeys, usual: PoolSettings, cx: &mut Cx<'_>) -> PoolSettings {
    let others = [
        ("max_wait", keys.max_wait.key_place()),
        ("core", keys.core.key_place()),
        ("queue_threshold", keys.queue_threshold.key_place()),
        ("keep_alive", keys.keep_alive.key_place()),
    ];
    for (key, place) in others.into_iter().filter(|(_, place)| *place != Place::NOWHERE) {
        cx.say(&catalogue::EXCLUDE, place, format!("the limits of a connection pool have no `{key}`"))
            .also(keys.preset.place(), "this preset has `max` and `queue`")
            .help(format!("remove `{key}`, or choose another preset"));
    }
    PoolSettings {
        max: chosen(&keys.max, Some(usual.max), |Count(count)| *count, usual.max),
        queue: chosen(&keys.queue, Some(usual.queue), |Count(count)| *count, usual.queue),
        requests: chosen(&keys.requests, Some(usual.requests), |Count(count)| *count, usual.requests),
    }
}

pub(super) fn health(keys: &HealthKeys) -> PassiveHealthSettings {
    let usual = keys.preset.value().map_or_else(PassiveHealthSettings::default, |HealthPreset(settings)| *settings);
    PassiveHealthSettings {
        max_fails: keys.max_fails.given().map_or(usual.max_fails, |Count(count)| *count),
        fail_timeout: keys.fail_timeout.given().map_or(usual.fail_timeout, |NotZero(span)| *span),
    }
}

pub(super) fn slow_start(keys: &SlowStartKeys) -> Option<SlowStartSettings> {
    let usual = keys.preset.value().map_or_else(SlowStartSettings::default, |SlowStartPreset(settings)| *settings);
    Some(SlowStartSettings {
        window: keys.window.value()?.0,
        aggression: keys.aggression.given().map_or(usual.aggression, |PositiveNumber(number)| *number),
        min_weight: keys.min_weight.given().copied().unwrap_or(usual.min_weight),
    })
}
