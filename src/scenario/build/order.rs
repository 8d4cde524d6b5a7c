//! The order of a client's policies: what is written, or that of its libraries.

use crate::model::Client;
use crate::policy::breaker::Sees;
use crate::policy::bulkhead::BulkheadSettings;
use crate::policy::order::{Layer, Order};
use crate::policy::retry::RetrySettings;
use crate::scenario::decode::{Cx, OrderForm, RetryPreset};
use crate::scenario::language::ClientKeys;
use crate::scenario::say::{Place, catalogue};

/// Of `client`, which is complete but for it.
pub(super) fn order(keys: &ClientKeys, client: &Client, cx: &mut Cx<'_>) -> Order {
    let breaker = super::client::policy(&keys.breaker);
    let sees = breaker.and_then(|breaker| Some((breaker.sees.given()?.0, breaker.sees.place())));
    let Some(OrderForm(written)) = keys.order.given() else {
        let order = library(keys, client).and_then(Order::of_library).unwrap_or(Order::RESILIENCE4J);
        let order = sees.map_or(order, |(sees, _)| order.with_breaker(sees));
        return if client.hedge.is_some() { order.with_hedges() } else { order };
    };
    say_missing(keys, client, written, cx);
    let layers: Vec<Layer> = written.iter().map(|(layer, _)| *layer).collect();
    let place_of =
        |layer: Layer| written.iter().find(|(it, _)| *it == layer).map_or(Place::NOWHERE, |(_, place)| *place);
    let order = Order::from_written(&layers);
    if let Some((sees, place)) = sees.filter(|(sees, _)| *sees != order.sees()) {
        let (said, outside) = match sees {
            Sees::Attempts => ("attempts", "outside"),
            Sees::Calls => ("calls", "inside"),
        };
        cx.say(&catalogue::EXCLUDE, place, format!("this breaker cannot see {said} where it stands"))
            .also(place_of(Layer::Breaker), format!("{outside} of the retries"))
            .help("leave `sees` out: the order says it");
    }
    if client.hedge.is_some() && order.around_attempts().contains(&Layer::Timeout) && client.timeout.is_some() {
        cx.say(
            &catalogue::EXCLUDE,
            place_of(Layer::Timeout),
            "the attempts of a client that hedges have no timeout of their own: it stands outside of `hedge`",
        )
        .also(place_of(Layer::Retry), "hedges")
        .help("write \"timeout\" before \"hedge\"");
    }
    order
}

/// The library whose order holds.
fn library(keys: &ClientKeys, client: &Client) -> Option<&'static str> {
    if let Some(breaker) = &client.breaker {
        return Some(breaker.name());
    }
    if matches!(client.bulkhead, Some(BulkheadSettings::Pool(_))) {
        return Some("envoy");
    }
    client.retry.as_ref()?;
    let Some(retry) = super::client::policy(&keys.retry) else {
        // The retries of a mesh.
        return Some("istio");
    };
    let RetryPreset(settings) = retry.preset.value()?;
    ["envoy", "istio"].into_iter().find(|name| RetrySettings::preset(name).as_ref() == Some(settings))
}

fn say_missing(keys: &ClientKeys, client: &Client, written: &[(Layer, Place)], cx: &mut Cx<'_>) {
    let has = [
        ("retry", Layer::Retry, client.retry.is_some() && keys.retry.given().is_some(), keys.retry.key_place()),
        ("hedge", Layer::Retry, client.hedge.is_some(), keys.hedge.key_place()),
        ("throttle", Layer::Throttle, client.throttle.is_some(), keys.throttle.key_place()),
        ("breaker", Layer::Breaker, client.breaker.is_some(), keys.breaker.key_place()),
        ("rate_limit", Layer::RateLimit, client.rate_limit.is_some(), keys.rate_limit.key_place()),
        ("timeout", Layer::Timeout, client.timeout.is_some(), keys.timeout.key_place()),
        ("bulkhead", Layer::Bulkhead, client.bulkhead.is_some(), keys.bulkhead.key_place()),
        ("limit", Layer::Limit, client.limit.is_some(), keys.limit.key_place()),
    ];
    for (name, layer, is_there, place) in has {
        if is_there && !written.iter().any(|(it, _)| *it == layer) {
            cx.say(&catalogue::PARTNER, keys.order.place(), format!("this order leaves out `{name}`"))
                .also(place, "this client has one")
                .help(format!("add \"{name}\" where it stands, from outside in"));
        }
    }
}
