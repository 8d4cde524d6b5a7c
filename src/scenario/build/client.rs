//! Clients and their policies.

use super::order::order;
use super::transport::{find, transports};
use super::written::{set_all, written};
use super::{Atlas, ClientPlaces, limit};
use crate::base::time::Span;
use crate::base::units::Share;
use crate::model::{Cancel, Client, ClientId, Deadlines, Ids, Transport, ZoneAware};
use crate::policy::Outcomes;
use crate::policy::balance::Balance;
use crate::policy::breaker::{BreakerRules, BreakerSettings};
use crate::policy::bulkhead::BulkheadSettings;
use crate::policy::hedge::HedgeSettings;
use crate::policy::outlier::OutlierSettings;
use crate::policy::registry::Kind;
use crate::policy::retry::{
    ActiveSettings, AwsQuotaSettings, Backoff, BudgetSettings, Jitter, Quota, Ratio, RetrySettings,
    RetryThrottleSettings, RollingSettings,
};
use crate::policy::settings::{Setting, Value};
use crate::policy::throttle::ThrottleSettings;
use crate::scenario::decode::{
    Auto, BackoffForm, BreakerPreset, Count, Cx, Field, HedgePreset, JitterForm, NotZero, Or, OutlierPreset,
    PositiveNumber, RetryOn, RetryPreset, SpanOrShare, ThrottlePreset, WindowForm, Word,
};
use crate::scenario::language::{
    BreakerKeys, BudgetKeys, ClientKeys, OutlierKeys, QuotaKeys, RetryKeys, RetryThrottleKeys, ScenarioKeys,
    ThrottleKeys,
};
use crate::scenario::say::{Place, catalogue};

/// The built-in client, then those of the file.
pub(super) fn clients(keys: &ScenarioKeys, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Ids<ClientId, Client> {
    let mut clients = Ids::default();
    clients.push(Client::direct());
    atlas.fallback_limits.push(None);
    let nowhere = Place::NOWHERE;
    atlas.clients.push(ClientPlaces {
        name: nowhere,
        transport: nowhere,
        balance: nowhere,
        timeout: nowhere,
        retry: nowhere,
        hedge: nowhere,
        breaker: nowhere,
        outlier: nowhere,
        overall_timeout: nowhere,
        throttle: nowhere,
    });
    let transports = transports(keys, cx);
    let mut is_used = vec![false; transports.len()];
    for item in keys.client.value().iter().flat_map(|clients| &clients.items) {
        if item.name == Client::DIRECT {
            cx.say(&catalogue::BAD_NAME, item.place, "`direct` is the client of calls that name none")
                .help("give the client another name, and name it in the calls");
        }
        clients.push(match &item.value {
            Some(client_keys) => {
                let transport = client_keys.transport.value();
                let transport = transport.and_then(|name| find(name, &transports, &mut is_used, keys, cx));
                client(&item.name, client_keys, transport, cx)
            }
            None => Client { name: item.name.clone(), ..Client::direct() },
        });
        atlas.fallback_limits.push(item.value.as_ref().and_then(fallback_limit));
        let place = |field: fn(&ClientKeys) -> Place| item.value.as_ref().map_or(nowhere, field);
        atlas.clients.push(ClientPlaces {
            name: item.place,
            transport: place(|keys| keys.transport.place()),
            balance: place(|keys| keys.balance.place()),
            timeout: place(|keys| keys.timeout.place()),
            // The retries of a mesh come with the transport.
            retry: place(|keys| match keys.retry.given() {
                Some(_) => keys.retry.key_place(),
                None => keys.transport.place(),
            }),
            hedge: place(|keys| keys.hedge.key_place()),
            breaker: place(|keys| keys.breaker.key_place()),
            outlier: place(|keys| keys.outlier.key_place()),
            overall_timeout: place(|keys| keys.overall_timeout.key_place()),
            throttle: place(|keys| keys.throttle.key_place()),
        });
    }
    let named = transports.into_iter().zip(is_used);
    atlas.transports = named.map(|((place, transport), is_used)| (place, transport.name, is_used)).collect();
    clients
}

fn client(name: &str, keys: &ClientKeys, transport: Option<Transport>, cx: &mut Cx<'_>) -> Client {
    let direct = Client::direct();
    let loss = check_loss(&keys.loss, cx);
    if transport.is_none() && !keys.transport.is_bad() && keys.transport.given().is_none() {
        let useless = [
            (
                "bandwidth",
                keys.bandwidth.given().is_some_and(|Or(it)| it.is_some()).then(|| keys.bandwidth.key_place()),
            ),
            ("loss", keys.loss.given().is_some_and(|share| *share > Share::ZERO).then(|| keys.loss.key_place())),
        ];
        for (key, place) in useless.into_iter().filter_map(|(key, place)| Some((key, place?))) {
            cx.say(&catalogue::PARTNER, place, format!("`{key}` needs a `transport`, which has connections"))
                .help("add for example `transport = \"rest\"`");
        }
    }
    let Auto(cancel) = keys.cancel.or_default();
    let Auto(deadlines) = keys.deadlines.or_default();
    let hedge = hedge(keys, cx);
    let by_mesh = transport.as_ref().and_then(|transport| transport.mesh).is_some_and(|mesh| mesh.retries);
    let retry = match policy(&keys.retry) {
        Some(keys) => Some(retry(keys, cx)),
        None if by_mesh && keys.retry.given().is_none() && hedge.is_none() => RetrySettings::preset("istio"),
        None => None,
    };
    let mut client = Client {
        name: name.to_owned(),
        order: direct.order,
        latency: keys.latency.value().cloned().unwrap_or(direct.latency),
        bandwidth: keys.bandwidth.or_default().0,
        loss,
        timeout: keys.timeout.or_default().0.map(|NotZero(span)| span),
        overall_timeout: keys.overall_timeout.or_default().0.map(|NotZero(span)| span),
        balance: keys.balance.value().map_or(Balance::RoundRobin, |Word(word)| *word),
        zone_aware: keys.zone_aware.value().map_or(ZoneAware::Off, |Word(word)| *word),
        subset: keys.subset.value().map(|Count(size)| *size),
        health: policy(&keys.health).map(limit::health),
        rate_limit: policy(&keys.rate_limit).and_then(|keys| limit::rate_limit(keys, cx)),
        bulkhead: policy(&keys.bulkhead).map(|keys| limit::bulkhead(keys, cx)),
        limit: limit::limit(&keys.limit, cx),
        retry,
        hedge,
        breaker: policy(&keys.breaker).map(|keys| breaker(keys, cx)),
        outlier: policy(&keys.outlier).map(|keys| Box::new(outlier(keys, cx))),
        throttle: policy(&keys.throttle).map(|keys| throttle(keys, cx)),
        cancel: cancel.or(transport.as_ref().map(|transport| transport.cancel)).unwrap_or(Cancel::Off),
        deadlines: deadlines.or(transport.as_ref().map(|transport| transport.deadlines)).unwrap_or(Deadlines::Local),
        transport: transport.map(Box::new),
    };
    client.order = order(keys, &client, cx);
    let sees = client.order.sees();
    client.breaker.iter_mut().for_each(|breaker| breaker.sees = sees);
    client
}

/// How many fallbacks may be under way: what is written, or what Hystrix has (`fallback.isolation.semaphore`).
fn fallback_limit(keys: &ClientKeys) -> Option<(u32, Place)> {
    if let Some(Or(limit)) = keys.fallback_limit.given() {
        return limit.as_ref().map(|Count(limit)| (*limit, keys.fallback_limit.key_place()));
    }
    let of_breaker = policy(&keys.breaker).filter(|keys| {
        keys.preset.value().is_some_and(|BreakerPreset(settings)| matches!(settings.rules, BreakerRules::Hystrix(_)))
    });
    let of_bulkhead = policy(&keys.bulkhead).filter(|keys| {
        keys.preset.value().is_some_and(|preset| {
            ["hystrix", "hystrix-semaphore"].iter().any(|name| BulkheadSettings::preset(name) == Some(preset.settings))
        })
    });
    let place = of_breaker.map(|keys| keys.preset.place()).or(of_bulkhead.map(|keys| keys.preset.place()))?;
    Some((HYSTRIX_FALLBACKS, place))
}

/// `fallback.isolation.semaphore.maxConcurrentRequests` of Hystrix (HystrixCommandProperties).
const HYSTRIX_FALLBACKS: u32 = 10;

/// The chance of a message to get lost: not all may.
pub(super) fn check_loss(field: &Field<Share>, cx: &mut Cx<'_>) -> Share {
    let loss = field.value().copied().unwrap_or(Share::ZERO);
    if loss >= Share::ONE {
        cx.say(&catalogue::OUT_OF_RANGE, field.place(), "some messages must come through")
            .help("a network that loses everything is a fault: `cut = true`");
    }
    loss
}

pub(super) fn policy<T>(field: &Field<Or<T>>) -> Option<&T> {
    field.value().and_then(|Or(policy)| policy.as_ref())
}

/// What is written, else what the preset says, else the declared default.
pub(super) fn chosen<T, U>(field: &Field<T>, preset: Option<U>, convert: impl Fn(&T) -> U, fallback: U) -> U {
    match (field.given(), preset) {
        (Some(written), _) => convert(written),
        (None, Some(preset)) => preset,
        (None, None) => field.value().map_or(fallback, convert),
    }
}

pub(super) fn retry(keys: &RetryKeys, cx: &mut Cx<'_>) -> RetrySettings {
    let preset = keys.preset.value().map(|RetryPreset(settings)| *settings);
    let mut settings = preset.unwrap_or_default();
    let from = preset.is_none();
    if let Some(Count(attempts)) = written(&keys.attempts, from) {
        let (least, most) = settings.attempts_bounds;
        if *attempts < least {
            cx.say(
                &catalogue::OUT_OF_RANGE,
                keys.attempts.place(),
                format!("this preset has at least {least} attempts"),
            )
            .help("leave `retry` out for a single attempt");
        }
        settings.attempts = (*attempts).min(most);
    }
    if let Some(RetryOn(outcomes)) = written(&keys.on, from) {
        settings.on = *outcomes;
    }
    if let Some(BackoffForm(backoff)) = written(&keys.backoff, from) {
        settings.backoff = *backoff;
    }
    if let Some(BackoffForm(backoff)) = written(&keys.rejected_backoff, from) {
        settings.rejected_backoff = Some(*backoff);
    }
    if let Some(JitterForm(jitter)) = written(&keys.jitter, from) {
        settings.jitter = *jitter;
    }
    if let Some(adaptive) = written(&keys.adaptive, from) {
        settings.adaptive = *adaptive;
    }
    if let Some(Word(pushback)) = written(&keys.pushback, from) {
        settings.pushback = *pushback;
    }
    if let Some(transparent) = written(&keys.transparent, from) {
        settings.transparent = *transparent;
    }
    settings.quota = quota(keys, settings.quota, cx);
    // Envoy counts what is under way, and what goes again would count twice.
    settings.transparent &= !matches!(settings.quota, Some(Quota::Active(_)));
    if settings.jitter == Jitter::Decorrelated
        && matches!(settings.backoff, Backoff::Fixed(_))
        && !keys.backoff.is_bad()
    {
        cx.say(&catalogue::PARTNER, keys.jitter.place(), "decorrelated jitter grows: it needs a first delay and a cap")
            .also(keys.backoff.place(), "this delay is always the same")
            .help("write for example `backoff = \"exponential(100ms, cap=10s)\"`");
    }
    settings
}

/// What was written, or without a preset the declared default.
fn written<T>(field: &Field<T>, or_default: bool) -> Option<&T> {
    if or_default { field.value() } else { field.given() }
}

/// What limits the retries: the one that is written, else that of the preset.
fn quota(keys: &RetryKeys, of_preset: Option<Quota>, cx: &mut Cx<'_>) -> Option<Quota> {
    let given = [
        ("budget", keys.budget.given().map(|Or(it)| it.is_some()), keys.budget.key_place()),
        ("throttle", keys.throttle.given().map(|Or(it)| it.is_some()), keys.throttle.key_place()),
        ("quota", keys.quota.given().map(|Or(it)| it.is_some()), keys.quota.key_place()),
    ];
    let own = match of_preset {
        None => None,
        Some(Quota::Throttle(_)) => Some("throttle"),
        Some(Quota::Aws(_)) => Some("quota"),
        Some(_) => Some("budget"),
    };
    let is_lifted = |name: &str| given.iter().any(|(it, set, _)| *it == name && set.is_some());
    let kept = own.filter(|own| !is_lifted(own));
    let mut set = given.iter().filter(|(_, set, _)| *set == Some(true)).map(|(name, _, place)| (*name, *place));
    let (Some((first, place)), second) = (set.next(), set.next()) else { return of_preset.filter(|_| kept.is_some()) };
    let clash = second.map(|(name, place)| (name, place, format!("the {name}")));
    let of_preset = kept.map(|name| (name, keys.preset.place(), format!("this preset has a {name}")));
    if let Some((other, other_place, label)) = clash.or(of_preset) {
        cx.say(&catalogue::EXCLUDE, place, format!("retries have a {first} or a {other}, not both"))
            .also(other_place, label)
            .help(format!("write `{first} = \"none\"` or `{other} = \"none\"`, or leave one out"));
    }
    match first {
        "budget" => policy(&keys.budget).map(|keys| budget(keys, cx)),
        "throttle" => policy(&keys.throttle).and_then(|keys| retry_throttle(keys, cx)).map(Quota::Throttle),
        _ => policy(&keys.quota).map(aws_quota),
    }
}

fn aws_quota(keys: &QuotaKeys) -> Quota {
    Quota::Aws(AwsQuotaSettings {
        capacity: keys.capacity.or_default().0,
        cost: keys.cost.or_default().0,
        timeout_cost: keys.timeout_cost.or_default().0,
        rejected_cost: keys.rejected_cost.or_default().0,
        reward: keys.reward.or_default().0,
    })
}

fn retry_throttle(keys: &RetryThrottleKeys, cx: &mut Cx<'_>) -> Option<RetryThrottleSettings> {
    let (Count(max_tokens), PositiveNumber(ratio)) = (*keys.max_tokens.value()?, *keys.token_ratio.value()?);
    // What a decimal number lacks in binary is not a missing thousandth.
    let thousandths = (ratio * 1e3 + 1e-6).min(1e6) as u32;
    if thousandths == 0 {
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.token_ratio.place(),
            "a success must bring at least a thousandth of a token",
        )
        .help("write for example `token_ratio = 0.1`");
    }
    Some(RetryThrottleSettings { max_tokens, token_thousandths: thousandths })
}

fn budget(keys: &BudgetKeys, cx: &mut Cx<'_>) -> Quota {
    let ratio = keys.ratio.or_default();
    let rolling = keys.min_per_second.given().map(|Count(count)| *count);
    let min_retries = keys.min_retries.given().map(|Count(count)| *count);
    let kinds = [
        ("burst", keys.burst.given().is_some(), keys.burst.key_place()),
        ("min_per_second", rolling.is_some(), keys.min_per_second.key_place()),
        ("min_retries", min_retries.is_some(), keys.min_retries.key_place()),
    ];
    let mut kinds = kinds.into_iter().filter(|(_, is_set, _)| *is_set);
    if let (Some((first, _, one)), Some((second, _, other))) = (kinds.next(), kinds.next()) {
        cx.say(&catalogue::EXCLUDE, other, format!("a budget has `{first}` or `{second}`, not both"))
            .also(one, format!("`{first}`"))
            .help(
                "`burst` is a bucket that calls fill, `min_per_second` Finagle's balance, `min_retries` Envoy's limit",
            );
    }
    let of_rolling = [
        ("ttl", keys.ttl.given().is_some(), keys.ttl.key_place()),
        ("per_call", keys.per_call.given().is_some(), keys.per_call.key_place()),
    ];
    for (name, _, place) in of_rolling.into_iter().filter(|(_, is_set, _)| *is_set && rolling.is_none()) {
        cx.say(&catalogue::PARTNER, place, format!("`{name}` needs `min_per_second`"))
            .help("add for example `min_per_second = 10`");
    }
    match (rolling, min_retries) {
        (Some(min_per_second), _) => Quota::Rolling(RollingSettings {
            ratio: Ratio(ratio.as_f64()),
            min_per_second,
            ttl: keys.ttl.given().map_or(Span::from_secs(10), |NotZero(span)| *span),
            per_call: keys.per_call.given().copied().unwrap_or(Share::ONE),
        }),
        (None, Some(min)) => Quota::Active(ActiveSettings { ratio, min }),
        (None, None) => Quota::Budget(BudgetSettings { ratio, burst: keys.burst.value().map_or(10, |count| count.0) }),
    }
}

fn hedge(client: &ClientKeys, cx: &mut Cx<'_>) -> Option<HedgeSettings> {
    let keys = policy(&client.hedge)?;
    if policy(&client.retry).is_some() {
        cx.say(&catalogue::EXCLUDE, client.hedge.key_place(), "a client repeats what fails or hedges, not both")
            .also(client.retry.key_place(), "retries")
            .help("leave one out; a hedge whose attempt fails sends the next one at once");
    }
    let preset = keys.preset.value().map(|HedgePreset(settings)| *settings);
    let after = keys.after.value().map(|after| after.0).or(preset.map(|preset| preset.after));
    if after.is_none() && !keys.after.is_bad() && !keys.preset.is_bad() {
        cx.say(&catalogue::MISSING_KEY, client.hedge.key_place(), "a hedge needs `after`")
            .help("write for example `after = \"p95\"` or `preset = \"tail-at-scale\"`");
    }
    let throttle = match keys.throttle.given() {
        None => preset.and_then(|preset| preset.throttle),
        Some(_) => policy(&keys.throttle).and_then(|keys| retry_throttle(keys, cx)),
    };
    Some(HedgeSettings {
        after: after?,
        attempts: chosen(&keys.attempts, preset.map(|preset| preset.attempts), |Count(attempts)| *attempts, 2),
        on: keys.on.given().map_or(preset.map_or(Outcomes::ALL, |preset| preset.on), |RetryOn(outcomes)| *outcomes),
        throttle,
    })
}

fn throttle(keys: &ThrottleKeys, cx: &mut Cx<'_>) -> ThrottleSettings {
    let preset = keys.preset.value().map(|ThrottlePreset(settings)| *settings);
    let of_preset = preset.as_ref();
    let settings = ThrottleSettings {
        multiplier: chosen(
            &keys.multiplier,
            of_preset.map(|preset| preset.multiplier),
            |PositiveNumber(number)| *number,
            1.0,
        ),
        window: chosen(&keys.window, of_preset.map(|preset| preset.window), |NotZero(span)| *span, Span::from_secs(1)),
    };
    if settings.multiplier < 1.0 {
        cx.say(&catalogue::OUT_OF_RANGE, keys.multiplier.place(), "`multiplier` is at least 1")
            .note("below, requests are held back though every one is accepted")
            .help("write for example `multiplier = 2.0`, or 1.1 to hold back more");
    }
    settings
}

fn breaker(keys: &BreakerKeys, cx: &mut Cx<'_>) -> BreakerSettings {
    const DEFAULT: &str = "resilience4j";
    let preset = keys.preset.value().map(|BreakerPreset(settings)| *settings);
    let mut settings =
        preset.or_else(|| BreakerSettings::preset(DEFAULT)).expect("the default preset is in the registry");
    let limit = |Or(it): &Or<NotZero<Span>>| it.map_or(Value::None, |NotZero(span)| Value::Span(span));
    let written = written! { keys;
        window: |WindowForm(window)| window.value(),
        minimum_calls: |Count(count)| Value::Count(*count),
        failure_rate: |share| Value::Share(*share),
        failures: |Count(count)| Value::Count(*count),
        successes: |Count(count)| Value::Count(*count),
        slow_call_duration: |span| Value::Span(*span),
        slow_call_rate: |share| Value::Share(*share),
        open_for: |BackoffForm(backoff)| Value::Backoff(*backoff),
        automatic: |flag| Value::Flag(*flag),
        half_open_calls: |Count(count)| Value::Count(*count),
        half_open_for: limit,
        half_open_closes: |flag| Value::Flag(*flag),
        snapshot: |NotZero(span)| Value::Span(*span),
    };
    let name = settings.name();
    set_all(&written, (name, keys.preset.place()), Kind::Breaker, &mut |key, value| settings.set(key, value), cx);
    let least = match settings.rules {
        BreakerRules::Resilience4j(_) => 1,
        BreakerRules::Polly(_) => 2,
        _ => 0,
    };
    if keys.minimum_calls.given().is_some_and(|Count(minimum)| *minimum < least) {
        let title = format!("`minimum_calls` of {name} is at least {least}");
        cx.say(&catalogue::OUT_OF_RANGE, keys.minimum_calls.place(), title);
    }
    if let Some(RetryOn(outcomes)) = keys.ignore.given() {
        settings.ignore = *outcomes;
    }
    if let Some(Word(sees)) = keys.sees.given() {
        settings.sees = *sees;
    }
    settings
}

fn outlier(keys: &OutlierKeys, cx: &mut Cx<'_>) -> OutlierSettings {
    const DEFAULT: &str = "envoy";
    let preset = keys.preset.value().map(|OutlierPreset(settings)| *settings);
    let mut settings =
        preset.or_else(|| OutlierSettings::preset(DEFAULT)).expect("the default preset is in the registry");
    let span = |NotZero(span): &NotZero<Span>| Value::Span(*span);
    let limit = |Or(it): &Or<Count<1>>| it.as_ref().map_or(Value::None, |Count(count)| Value::Count(*count));
    let share = |share: &Share| Value::Share(*share);
    let written = written! { keys;
        consecutive: limit,
        consecutive_gateway: limit,
        consecutive_gateway_enforced: share,
        interval: span,
        base_ejection_time: span,
        max_ejection_time: span,
        ejection_jitter: |SpanOrShare(value)| *value,
        max_ejection: share,
        always_eject_one: |flag| Value::Flag(*flag),
        success_rate: share,
        window: span,
        success_rate_hosts: |Count(count)| Value::Count(*count),
        success_rate_requests: |Count(count)| Value::Count(*count),
        success_rate_deviations: |PositiveNumber(number)| Value::Number(*number),
        success_rate_enforced: share,
        failure_rate_hosts: |Count(count)| Value::Count(*count),
        failure_rate_requests: |Count(count)| Value::Count(*count),
        failure_rate: share,
        failure_rate_enforced: share,
        panic: share,
    };
    let name = settings.name();
    set_all(&written, (name, keys.preset.place()), Kind::Outlier, &mut |key, value| settings.set(key, value), cx);
    settings
}
