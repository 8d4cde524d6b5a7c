//! Zones and links: whether somebody stands at both ends, and whether a link says anything.

use std::collections::BTreeMap;

use super::client::check_loss;
use super::names::Names;
use crate::base::units::Share;
use crate::model::{Link, ZoneId};
use crate::scenario::decode::{Cx, ZoneName, check_name};
use crate::scenario::language::{LinkKeys, ScenarioKeys};
use crate::scenario::say::{Place, catalogue};

/// The zone in which somebody says that he stands.
pub(super) fn zone(name: &ZoneName, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<ZoneId> {
    check_name(&name.text, name.place, cx);
    names.zone(name, cx)
}

pub(super) fn links(keys: &ScenarioKeys, names: &Names<'_>, cx: &mut Cx<'_>) -> Vec<Link> {
    let clients = keys.client.value().into_iter().flat_map(|clients| &clients.items);
    let may_have_transport = keys.client.is_bad()
        || clients.map(|item| &item.value).any(|client| {
            client.as_ref().is_none_or(|keys| keys.transport.given().is_some() || keys.transport.is_bad())
        });
    let mut links = Vec::new();
    let mut places: BTreeMap<[ZoneId; 2], Place> = BTreeMap::new();
    for item in keys.link.value().iter().flat_map(|links| &links.items) {
        let Some(keys) = &item.value else { continue };
        check_figures(keys, may_have_transport, cx);
        let Some(between) = between(keys, names, cx) else { continue };
        let mut ends = between;
        ends.sort();
        if let Some(first) = places.insert(ends, keys.between.place()) {
            cx.say(&catalogue::DEFINED_TWICE, keys.between.place(), "there is another link between these zones")
                .also(first, "the first one")
                .help("a link is for both directions: remove one of the two");
            continue;
        }
        links.push(Link {
            name: item.name.clone(),
            between,
            latency: keys.latency.given().cloned(),
            bandwidth: keys.bandwidth.given().copied(),
            loss: keys.loss.given().copied(),
        });
    }
    links
}

fn between(keys: &LinkKeys, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<[ZoneId; 2]> {
    let ends: Vec<Option<ZoneId>> = keys.between.value()?.items.iter().map(|name| names.zone(name, cx)).collect();
    let [one, other] = ends[..] else {
        cx.say(&catalogue::BAD_VALUE, keys.between.place(), format!("a link has two ends, not {}", ends.len()))
            .help("write two zones, such as `between = [\"eu-a\", \"eu-b\"]`; twice the same is the network within it");
        return None;
    };
    Some([one?, other?])
}

fn check_figures(keys: &LinkKeys, may_have_transport: bool, cx: &mut Cx<'_>) {
    check_loss(&keys.loss, cx);
    let is_given = [keys.latency.key_place(), keys.bandwidth.key_place(), keys.loss.key_place()];
    let is_bad = keys.latency.is_bad() || keys.bandwidth.is_bad() || keys.loss.is_bad();
    if !is_given.iter().any(|place| place.is_somewhere()) && !is_bad && !cx.has_gaps {
        cx.say(&catalogue::MISSING_KEY, keys.place, "a link needs `latency`, `bandwidth` or `loss`")
            .help("add for example `latency = \"1ms\"`: what is not there is as the client says");
    }
    let loses = keys.loss.given().is_some_and(|share| *share > Share::ZERO);
    let loss = if loses { keys.loss.key_place() } else { Place::NOWHERE };
    let useless = [("bandwidth", keys.bandwidth.key_place()), ("loss", loss)];
    for (key, place) in useless.into_iter().filter(|(_, place)| place.is_somewhere() && !may_have_transport) {
        cx.say(&catalogue::PARTNER, place, format!("`{key}` needs a client with a `transport`, which has connections"))
            .help("add for example `transport = \"rest\"` to the client of these calls");
    }
}
