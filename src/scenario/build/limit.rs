//! What services take on and clients send.

use super::client::{chosen, policy};
use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::balance::{PassiveHealthSettings, SlowStartSettings};
use crate::policy::bulkhead::BulkheadSettings;
use crate::policy::limit::{
    AdmissionSettings, AimdSettings, ConcurrencySettings, Gradient2Settings, GradientSettings, LawSettings,
    LimitSettings, PriorityShares, RateSettings, VegasSettings,
};
use crate::policy::preset::{bulkhead_preset, rate_limit_preset};
use crate::policy::rate::RateLimitSettings;
use crate::scenario::decode::{Count, Cx, Field, LimitPreset, NotZero, Or, PositiveNumber, RATE_MAX, Word, word_for};
use crate::scenario::language::{BulkheadKeys, HealthKeys, LimitKeys, RateLimitKeys, SlowStartKeys};
use crate::scenario::say::{Place, catalogue};

/// The limit of a service or a client.
pub(super) fn limit(field: &Field<Or<LimitKeys>>, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let keys = policy(field)?;
    let preset = keys.preset.value().map(|Word(preset)| *preset);
    if keys.preset.is_bad() || keys.rate.is_bad() {
        return None;
    }
    says_what_is_useless(keys, preset, cx);
    match preset {
        None if keys.rate.given().is_some() => rate(keys, cx),
        None => match keys.max.given() {
            Some(Count(max)) => concurrency(keys, LawSettings::Fixed(*max), cx),
            None if keys.max.is_bad() => None,
            None => {
                cx.say(&catalogue::MISSING_KEY, keys.place, "a limit needs `rate`, `max` or `preset`")
                    .help("write for example `{ max = 64 }`, `{ rate = \"500/s\" }` or `{ preset = \"gradient2\" }`");
                None
            }
        },
        Some(LimitPreset::EnvoyAdmission) => admission(keys, cx),
        Some(preset) => {
            let law = law(keys, preset, cx);
            concurrency(keys, law, cx)
        }
    }
}

/// The keys of each kind of limit.
fn says_what_is_useless(keys: &LimitKeys, preset: Option<LimitPreset>, cx: &mut Cx<'_>) {
    use LimitPreset::{Aimd, Envoy, EnvoyAdmission, Gradient2, Vegas};
    let bucket = preset.is_none() && keys.rate.given().is_some();
    let fixed = preset.is_none() && !bucket;
    let is = |kinds: &[LimitPreset]| preset.is_some_and(|preset| kinds.contains(&preset));
    fn at<T>(field: &Field<T>) -> Option<Place> {
        field.given().map(|_| field.key_place())
    }
    let written = [
        ("rate", at(&keys.rate), bucket),
        ("burst", at(&keys.burst), bucket),
        ("max", at(&keys.max), fixed || is(&[Aimd, Vegas, Gradient2, Envoy])),
        ("min", at(&keys.min), is(&[Aimd, Gradient2, Envoy])),
        ("initial", at(&keys.initial), is(&[Aimd, Vegas, Gradient2])),
        ("backoff", at(&keys.backoff), is(&[Aimd])),
        ("timeout", at(&keys.timeout), is(&[Aimd])),
        ("smoothing", at(&keys.smoothing), is(&[Vegas, Gradient2])),
        ("alpha", at(&keys.alpha), is(&[Vegas])),
        ("beta", at(&keys.beta), is(&[Vegas])),
        ("queue", at(&keys.queue), is(&[Gradient2])),
        ("long_window", at(&keys.long_window), is(&[Gradient2])),
        ("tolerance", at(&keys.tolerance), is(&[Gradient2])),
        ("window", at(&keys.window), preset.is_some()),
        ("buffer", at(&keys.buffer), is(&[Envoy])),
        ("min_rtt_interval", at(&keys.min_rtt_interval), is(&[Envoy])),
        ("min_rtt_requests", at(&keys.min_rtt_requests), is(&[Envoy])),
        ("success", at(&keys.success), is(&[EnvoyAdmission])),
        ("aggression", at(&keys.aggression), is(&[EnvoyAdmission])),
        ("max_rejection", at(&keys.max_rejection), is(&[EnvoyAdmission])),
        ("min_rate", at(&keys.min_rate), is(&[EnvoyAdmission])),
        ("shares", at(&keys.shares), !bucket && !is(&[EnvoyAdmission])),
    ];
    let kind = match preset {
        Some(preset) => format!("a limit of the preset \"{}\"", word_for(preset)),
        None if bucket => "a token bucket".to_owned(),
        None => "a fixed number at a time".to_owned(),
    };
    for (key, place) in written.into_iter().filter(|(.., fits)| !fits).filter_map(|(key, at, _)| Some((key, at?))) {
        cx.say(&catalogue::EXCLUDE, place, format!("{kind} has no `{key}`"))
            .help(format!("remove `{key}`, or choose another kind of limit"));
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

fn set<T, U>(target: &mut U, field: &Field<T>, convert: impl Fn(&T) -> U) {
    if let Some(value) = field.value() {
        *target = convert(value);
    }
}

fn law(keys: &LimitKeys, preset: LimitPreset, cx: &mut Cx<'_>) -> LawSettings {
    let count = |Count(count): &Count<1, 1_000_000>| *count;
    let (law, bounds) = match preset {
        LimitPreset::Aimd => {
            let mut it = AimdSettings::default();
            set(&mut it.initial, &keys.initial, count);
            set(&mut it.min, &keys.min, count);
            set(&mut it.max, &keys.max, count);
            set(&mut it.backoff, &keys.backoff, |share| *share);
            set(&mut it.timeout, &keys.timeout, |NotZero(span)| *span);
            if it.backoff >= Share::ONE {
                cx.say(
                    &catalogue::OUT_OF_RANGE,
                    keys.backoff.place(),
                    "a limit that does not shrink has no use for drops",
                )
                .help("write less than `100%`: 90% is usual");
            }
            (LawSettings::Aimd(it), [it.min, it.initial, it.max])
        }
        LimitPreset::Vegas => {
            let mut it = VegasSettings::default();
            set(&mut it.initial, &keys.initial, count);
            set(&mut it.max, &keys.max, count);
            set(&mut it.smoothing, &keys.smoothing, |share| share.as_f64());
            set(&mut it.alpha, &keys.alpha, |Count(count)| *count);
            set(&mut it.beta, &keys.beta, |Count(count)| *count);
            if it.alpha > it.beta {
                cx.say(&catalogue::OUT_OF_RANGE, keys.alpha.place(), "a short queue is not longer than a long one")
                    .also(keys.beta.place(), "the other end")
                    .help("`alpha` is at most `beta`: 3 and 6 are usual");
            }
            (LawSettings::Vegas(it), [1, it.initial, it.max])
        }
        LimitPreset::Gradient2 => {
            let mut it = Gradient2Settings::default();
            set(&mut it.initial, &keys.initial, count);
            set(&mut it.min, &keys.min, count);
            set(&mut it.max, &keys.max, count);
            set(&mut it.smoothing, &keys.smoothing, |share| share.as_f64());
            set(&mut it.queue, &keys.queue, |Count(count)| *count);
            set(&mut it.long_window, &keys.long_window, |Count(count)| *count);
            set(&mut it.tolerance, &keys.tolerance, |PositiveNumber(number)| *number);
            if it.tolerance < 1.0 {
                cx.say(&catalogue::OUT_OF_RANGE, keys.tolerance.place(), "`tolerance` is at least 1")
                    .help("below, a limit shrinks though requests take no longer than usual");
            }
            (LawSettings::Gradient2(it), [it.min, it.initial, it.max])
        }
        LimitPreset::Envoy | LimitPreset::EnvoyAdmission => {
            let mut it = GradientSettings::default();
            set(&mut it.min, &keys.min, count);
            set(&mut it.max, &keys.max, count);
            set(&mut it.buffer, &keys.buffer, |share| *share);
            set(&mut it.min_rtt_interval, &keys.min_rtt_interval, |NotZero(span)| *span);
            set(&mut it.min_rtt_requests, &keys.min_rtt_requests, |Count(count)| *count);
            it.window = needs_window(keys, it.window, cx);
            (LawSettings::Gradient(it), [it.min, it.min, it.max])
        }
    };
    if !bounds.is_sorted() {
        let places = [&keys.min, &keys.initial, &keys.max].map(|field| field.place());
        let place = places.into_iter().find(|place| *place != Place::NOWHERE).unwrap_or(keys.place);
        let [min, initial, max] = bounds;
        cx.say(&catalogue::OUT_OF_RANGE, place, format!("a limit from {min} to {max} cannot start with {initial}"))
            .help("`min`, `initial` and `max` must rise: set those that the preset has, too");
    }
    law
}

/// The window of a limit that cannot do without.
fn needs_window(keys: &LimitKeys, usual: Span, cx: &mut Cx<'_>) -> Span {
    let window = keys.window.value().copied().unwrap_or(usual);
    if window.is_zero() {
        cx.say(&catalogue::OUT_OF_RANGE, keys.window.place(), "this limit looks at windows of time, and needs one")
            .help(format!("leave `window` out: {usual} is usual"));
    }
    window
}

fn concurrency(keys: &LimitKeys, law: LawSettings, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let window = match (keys.window.given(), law) {
        (_, LawSettings::Gradient(_) | LawSettings::Fixed(_)) => None,
        (Some(window), _) => (!window.is_zero()).then_some(*window),
        (None, LawSettings::Gradient2(_)) => Some(Span::from_secs(1)),
        (None, _) => None,
    };
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
    Some(LimitSettings::Concurrency(ConcurrencySettings { law, window, shares: PriorityShares::new(of) }))
}

fn admission(keys: &LimitKeys, cx: &mut Cx<'_>) -> Option<LimitSettings> {
    let mut it = AdmissionSettings::default();
    set(&mut it.success, &keys.success, |share| *share);
    set(&mut it.aggression, &keys.aggression, |PositiveNumber(number)| *number);
    set(&mut it.max_rejection, &keys.max_rejection, |share| *share);
    set(&mut it.min_rate, &keys.min_rate, |rate| rate.as_per_sec());
    it.window = needs_window(keys, it.window, cx);
    if it.success == Share::ZERO {
        cx.say(&catalogue::OUT_OF_RANGE, keys.success.place(), "where nothing must succeed, nobody is turned away")
            .help("write for example `success = \"95%\"`");
    }
    Some(LimitSettings::Admission(it))
}

pub(super) fn rate_limit(keys: &RateLimitKeys, cx: &mut Cx<'_>) -> Option<RateLimitSettings> {
    let preset = keys.preset.value().map(|Word(preset)| rate_limit_preset(word_for(*preset))).unwrap_or_default();
    let (of_limit, of_period, of_timeout) = match preset {
        Some(RateLimitSettings::Cycles { limit, period, timeout }) => (Some(limit), Some(period), Some(timeout)),
        _ => (None, None, None),
    };
    let timeout = chosen(&keys.timeout, of_timeout, |span| *span, Span::ZERO);
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
    let limit = chosen(&keys.limit, of_limit, |Count(count)| *count, 50);
    let period = chosen(&keys.period, of_period, |NotZero(span)| *span, Span::from_secs(1));
    Some(RateLimitSettings::Cycles { limit, period, timeout })
}

pub(super) fn bulkhead(keys: &BulkheadKeys, cx: &mut Cx<'_>) -> BulkheadSettings {
    let preset = keys.preset.value().and_then(|Word(preset)| bulkhead_preset(word_for(*preset)));
    let is_threads = keys.core.given().is_some() || matches!(preset, Some(BulkheadSettings::Threads { .. }));
    let count = |Count(count): &Count<1, 1_000_000>| *count;
    if !is_threads {
        let (of_max, of_wait) = match preset {
            Some(BulkheadSettings::Semaphore { max, max_wait }) => (Some(max), Some(max_wait)),
            _ => (None, None),
        };
        for (key, place) in [("queue", keys.queue.key_place()), ("keep_alive", keys.keep_alive.key_place())] {
            if place != Place::NOWHERE {
                cx.say(&catalogue::PARTNER, place, format!("`{key}` is about a bulkhead of threads"))
                    .help("add `core`, the threads that stay, or a preset such as \"resilience4j-threads\"");
            }
        }
        return BulkheadSettings::Semaphore {
            max: chosen(&keys.max, of_max, count, 25),
            max_wait: chosen(&keys.max_wait, of_wait, |span| *span, Span::ZERO),
        };
    }
    let (of_core, of_max, of_queue, of_keep) = match preset {
        Some(BulkheadSettings::Threads { core, max, queue, keep_alive }) => {
            (Some(core), Some(max), Some(queue), Some(keep_alive))
        }
        _ => (None, None, None, None),
    };
    if keys.max_wait.given().is_some() {
        cx.say(
            &catalogue::EXCLUDE,
            keys.max_wait.key_place(),
            "in the queue of a pool of threads a call waits for ever",
        )
        .help("remove `max_wait`; the client's `timeout` ends the wait");
    }
    let core = chosen(&keys.core, of_core, |Count(count)| *count, 1);
    let max = chosen(&keys.max, of_max, count, core.max(1));
    if core > max {
        let place = if keys.core.given().is_some() { keys.core.place() } else { keys.max.place() };
        cx.say(&catalogue::OUT_OF_RANGE, place, format!("{core} threads stay, but there are at most {max}"))
            .help("`core` is at most `max`");
    }
    BulkheadSettings::Threads {
        core,
        max: max.max(core),
        queue: chosen(&keys.queue, of_queue, |Count(count)| *count, 100),
        keep_alive: chosen(&keys.keep_alive, of_keep, |span| *span, Span::from_millis(20)),
    }
}

pub(super) fn health(keys: &HealthKeys) -> PassiveHealthSettings {
    let mut it = PassiveHealthSettings::default();
    set(&mut it.max_fails, &keys.max_fails, |Count(count)| *count);
    set(&mut it.fail_timeout, &keys.fail_timeout, |NotZero(span)| *span);
    it
}

pub(super) fn slow_start(keys: &SlowStartKeys) -> Option<SlowStartSettings> {
    Some(SlowStartSettings {
        window: keys.window.value()?.0,
        aggression: keys.aggression.value().map_or(1.0, |PositiveNumber(number)| *number),
        min_weight: keys.min_weight.or_default(),
    })
}
