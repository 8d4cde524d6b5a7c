//! Clients and their policies.

use super::transport::{find, transports};
use super::{Atlas, ClientPlaces, limit};
use crate::base::time::Span;
use crate::base::units::Share;
use crate::model::{Cancel, Client, ClientId, Deadlines, Ids, Transport, ZoneAware};
use crate::policy::Outcomes;
use crate::policy::balance::Balance;
use crate::policy::breaker::BreakerSettings;
use crate::policy::hedge::HedgeSettings;
use crate::policy::preset::retry_preset;
use crate::policy::retry::{Backoff, BudgetSettings, Jitter, RetrySettings, RetryThrottleSettings};
use crate::policy::throttle::ThrottleSettings;
use crate::scenario::decode::{
    Auto, BackoffForm, BreakerPreset, Count, Cx, Field, JitterForm, NotZero, Or, PositiveNumber, RetryOn, RetryPreset,
    ThrottlePreset, Word,
};
use crate::scenario::language::{
    BreakerKeys, BudgetKeys, ClientKeys, RetryKeys, RetryThrottleKeys, ScenarioKeys, ThrottleKeys,
};
use crate::scenario::say::{Place, catalogue};

/// The built-in client, then those of the file.
pub(super) fn clients(keys: &ScenarioKeys, atlas: &mut Atlas, cx: &mut Cx<'_>) -> Ids<ClientId, Client> {
    let mut clients = Ids::default();
    clients.push(Client::direct());
    let nowhere = Place::NOWHERE;
    atlas.clients.push(ClientPlaces {
        name: nowhere,
        transport: nowhere,
        balance: nowhere,
        timeout: nowhere,
        retry: nowhere,
        hedge: nowhere,
        breaker: nowhere,
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
        None if by_mesh && keys.retry.given().is_none() && hedge.is_none() => retry_preset("istio"),
        None => None,
    };
    Client {
        name: name.to_owned(),
        latency: keys.latency.value().cloned().unwrap_or(direct.latency),
        bandwidth: keys.bandwidth.or_default().0,
        loss,
        timeout: keys.timeout.or_default().0.map(|NotZero(span)| span),
        balance: keys.balance.value().map_or(Balance::RoundRobin, |Word(word)| *word),
        zone_aware: keys.zone_aware.value().map_or(ZoneAware::Off, |Word(word)| *word),
        subset: keys.subset.value().map(|Count(size)| *size),
        health: policy(&keys.health).map(limit::health),
        rate_limit: policy(&keys.rate_limit).and_then(|keys| limit::rate_limit(keys, cx)),
        bulkhead: policy(&keys.bulkhead).map(|keys| limit::bulkhead(keys, cx)),
        limit: limit::limit(&keys.limit, cx),
        retry,
        hedge,
        breaker: policy(&keys.breaker).map(breaker),
        throttle: policy(&keys.throttle).map(|keys| throttle(keys, cx)),
        cancel: cancel.or(transport.as_ref().map(|transport| transport.cancel)).unwrap_or(Cancel::Off),
        deadlines: deadlines.or(transport.as_ref().map(|transport| transport.deadlines)).unwrap_or(Deadlines::Local),
        transport: transport.map(Box::new),
    }
}

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

fn retry(keys: &RetryKeys, cx: &mut Cx<'_>) -> RetrySettings {
    let preset = keys.preset.value().map(|RetryPreset(settings)| settings.clone());
    let of_preset = preset.as_ref();
    let settings = RetrySettings {
        attempts: chosen(&keys.attempts, of_preset.map(|preset| preset.attempts), |count| count.0, 1),
        on: chosen(&keys.on, of_preset.map(|preset| preset.on), |RetryOn(outcomes)| *outcomes, Outcomes::ALL),
        backoff: chosen(
            &keys.backoff,
            of_preset.map(|preset| preset.backoff),
            |BackoffForm(backoff)| *backoff,
            Backoff::Fixed(Default::default()),
        ),
        jitter: chosen(&keys.jitter, of_preset.map(|preset| preset.jitter), |JitterForm(form)| *form, Jitter::None),
        budget: chosen(
            &keys.budget,
            of_preset.map(|preset| preset.budget),
            |Or(budget)| budget.as_ref().map(budget_settings),
            None,
        ),
        throttle: None,
    };
    let throttle = match (keys.throttle.given(), of_preset) {
        (None, Some(preset)) => preset.throttle,
        _ => policy(&keys.throttle).and_then(|keys| retry_throttle(keys, cx)),
    };
    let settings = RetrySettings { throttle, ..settings };
    retry_conflicts(keys, &settings, cx);
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

/// What cannot be set together.
fn retry_conflicts(keys: &RetryKeys, settings: &RetrySettings, cx: &mut Cx<'_>) {
    if settings.budget.is_some() && settings.throttle.is_some() {
        let of_preset = keys.throttle.given().is_none();
        let second = if of_preset { keys.preset.place() } else { keys.throttle.key_place() };
        cx.say(&catalogue::EXCLUDE, keys.budget.key_place(), "retries have a budget or a throttle, not both")
            .also(second, if of_preset { "this preset has a throttle" } else { "the throttle" })
            .help("write `budget = \"none\"` or `throttle = \"none\"`, or leave one out");
    }
}

fn budget_settings(keys: &BudgetKeys) -> BudgetSettings {
    BudgetSettings { ratio: keys.ratio.or_default(), burst: keys.burst.value().map_or(0, |count| count.0) }
}

fn hedge(client: &ClientKeys, cx: &mut Cx<'_>) -> Option<HedgeSettings> {
    let keys = policy(&client.hedge)?;
    if policy(&client.retry).is_some() {
        cx.say(&catalogue::EXCLUDE, client.hedge.key_place(), "a client repeats what fails or hedges, not both")
            .also(client.retry.key_place(), "retries")
            .help("leave one out; a hedge whose attempt fails sends the next one at once");
    }
    Some(HedgeSettings { after: keys.after.value()?.0, attempts: keys.attempts.value()?.0 })
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

fn breaker(keys: &BreakerKeys) -> BreakerSettings {
    let preset = keys.preset.value().map(|BreakerPreset(settings)| settings.clone());
    let of_preset = preset.as_ref();
    BreakerSettings {
        window: chosen(&keys.window, of_preset.map(|preset| preset.window), |count| count.0, 1),
        minimum_calls: chosen(&keys.minimum_calls, of_preset.map(|preset| preset.minimum_calls), |count| count.0, 1),
        failure_rate: chosen(
            &keys.failure_rate,
            of_preset.map(|preset| preset.failure_rate),
            |share| *share,
            Default::default(),
        ),
        slow_call_duration: chosen(
            &keys.slow_call_duration,
            of_preset.map(|preset| preset.slow_call_duration),
            |span| *span,
            Default::default(),
        ),
        slow_call_rate: chosen(
            &keys.slow_call_rate,
            of_preset.map(|preset| preset.slow_call_rate),
            |share| *share,
            Default::default(),
        ),
        open_for: chosen(&keys.open_for, of_preset.map(|preset| preset.open_for), |span| *span, Default::default()),
        half_open_calls: chosen(
            &keys.half_open_calls,
            of_preset.map(|preset| preset.half_open_calls),
            |count| count.0,
            1,
        ),
    }
}
