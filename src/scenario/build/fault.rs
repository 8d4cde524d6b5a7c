//! Faults: one target, one effect, and whether they fit.

use super::names::{Names, Party};
use super::{Atlas, FaultPlaces};
use crate::base::time::Time;
use crate::model::{Arrivals, CacheStore, Effect, Fault, FaultTarget, Model, Subset, Workload};
use crate::scenario::decode::{Cx, Field, NotZero, PositiveNumber, StruckReplicas};
use crate::scenario::language::{FaultKeys, ScenarioKeys};
use crate::scenario::say::{Place, catalogue};

pub(super) fn faults(keys: &ScenarioKeys, names: &Names<'_>, model: &mut Model, atlas: &mut Atlas, cx: &mut Cx<'_>) {
    for item in keys.fault.value().iter().flat_map(|faults| &faults.items) {
        let Some(keys) = &item.value else { continue };
        let effect = effect(keys, cx);
        let target = target(keys, names, model, cx);
        if let (Some((effect, effect_place)), Some((target, target_place))) = (effect, target) {
            check_fit(model, &effect, target, effect_place, target_place, cx);
            let lasts = keys.r#for.value().map(|NotZero(span)| *span);
            let at = keys.at.value().copied().unwrap_or(Time::ZERO);
            model.faults.push(Fault { name: item.name.clone(), at, lasts, target, effect });
            let at = keys.at.place();
            atlas.faults.push(FaultPlaces { at, effect: effect_place, target: target_place });
        }
    }
}

const EFFECTS: &str = "add_latency, slow, error_rate, pause, crash, cut, traffic, flush or poison";

/// The one effect, and where its key stands.
fn effect(keys: &FaultKeys, cx: &mut Cx<'_>) -> Option<(Effect, Place)> {
    let detect = keys.detect.or_default();
    let written = [
        written("add_latency", &keys.add_latency, |latency| Effect::AddLatency(latency.clone())),
        written("slow", &keys.slow, |PositiveNumber(factor)| Effect::Slow(*factor)),
        written("error_rate", &keys.error_rate, |share| Effect::ErrorRate(*share)),
        written("pause", &keys.pause, |_| Effect::Pause),
        written("crash", &keys.crash, |_| Effect::Crash { detect }),
        written("cut", &keys.cut, |_| Effect::Cut),
        written("traffic", &keys.traffic, |factor| Effect::Traffic(*factor)),
        written("flush", &keys.flush, |_| Effect::Flush),
        written("poison", &keys.poison, |share| Effect::Poison(*share)),
    ];
    let has_bad = written.iter().any(|effect| matches!(effect, Written::Bad));
    let good = written.into_iter().filter_map(|effect| match effect {
        Written::Effect(name, effect, place) => Some((name, effect, place)),
        Written::Bad | Written::Nothing => None,
    });
    let mut good: Vec<_> = good.collect();
    good.sort_by_key(|(_, _, place)| *place);
    let mut good = good.into_iter();
    let Some((name, effect, place)) = good.next() else {
        if !has_bad && !cx.has_gaps {
            cx.say(&catalogue::MISSING_KEY, keys.place, "a fault needs an effect")
                .help(format!("add {EFFECTS}; for example `add_latency = \"200ms\"`"));
        }
        return None;
    };
    if let Some((second, _, second_place)) = good.next() {
        cx.say(&catalogue::EXCLUDE, second_place, format!("a fault has one effect, not `{name}` and `{second}`"))
            .also(place, "the other one")
            .help(format!("write two faults; a variant takes an effect away with `{name} = \"none\"`"));
    }
    if let (Field::Given { key, .. }, false) = (&keys.detect, matches!(effect, Effect::Crash { .. })) {
        cx.say(&catalogue::PARTNER, *key, "`detect` goes with `crash`")
            .help("it is the time for which balancers go on sending to a crashed replica: remove it");
    }
    if let (Field::Given { key, .. }, Effect::Flush) = (&keys.r#for, &effect) {
        cx.say(&catalogue::PARTNER, *key, "a flush is over at once: it does not last")
            .help("remove `for`; for several flushes write several faults");
    }
    Some((effect, place))
}

enum Written {
    Effect(&'static str, Effect, Place),
    Nothing,
    Bad,
}

fn written<T>(name: &'static str, field: &Field<T>, effect: impl Fn(&T) -> Effect) -> Written {
    match field {
        Field::Given { value, key, .. } => Written::Effect(name, effect(value), *key),
        Field::Bad => Written::Bad,
        _ => Written::Nothing,
    }
}

/// The one target, and where it stands.
fn target(keys: &FaultKeys, names: &Names<'_>, model: &Model, cx: &mut Cx<'_>) -> Option<(FaultTarget, Place)> {
    let is_bad = [keys.service.is_bad(), keys.from.is_bad(), keys.to.is_bad(), keys.workload.is_bad()];
    if is_bad.contains(&true) || keys.cache.is_bad() || keys.broker.is_bad() || keys.topic.is_bad() {
        return None;
    }
    let edge = if keys.from.given().is_some() { keys.from.key_place() } else { keys.to.key_place() };
    let places = [
        keys.service.key_place(),
        edge,
        keys.workload.key_place(),
        keys.cache.key_place(),
        keys.broker.key_place(),
        keys.topic.key_place(),
    ];
    let mut given = places.into_iter().filter(|place| place.is_somewhere());
    let Some(place) = given.next() else {
        if !cx.has_gaps {
            cx.say(&catalogue::MISSING_KEY, keys.place, "a fault needs a target").help(
                "add `service = \"..\"`, or `from = \"..\"` and `to = \"..\"`, `workload = \"..\"`, `cache = \"..\"`, `broker = \"..\"` \
                 or `topic = \"..\"`",
            );
        }
        return None;
    };
    if let Some(second) = given.next() {
        cx.say(&catalogue::EXCLUDE, second, "a fault has one target").also(place, "the other one").help(
            "a service, calls `from` one `to` another, a workload, a cache, a broker or a topic: write several faults for \
             several targets",
        );
        return None;
    }
    if let (None, Field::Given { key, .. }) = (keys.service.given(), &keys.replicas) {
        cx.say(&catalogue::PARTNER, *key, "`replicas` goes with `service`")
            .also(place, "the target is not a service")
            .help("remove it: calls and workloads have no replicas");
    }
    if let (None, Field::Given { key, .. }) = (keys.broker.given(), &keys.nodes) {
        cx.say(&catalogue::PARTNER, *key, "`nodes` goes with `broker`")
            .also(place, "the target is no broker")
            .help("remove it; of a service it is `replicas`");
    }
    if let Some(name) = keys.broker.given() {
        let known = model.brokers.enumerate().find(|(_, broker)| broker.name == name.text);
        let Some((id, broker)) = known else {
            names.unknown_broker(name, model, cx);
            return None;
        };
        let subset = subset(&keys.nodes, broker.nodes, &name.text, cx)?;
        return Some((FaultTarget::Broker(id, subset), keys.broker.place()));
    }
    if let Some(name) = keys.topic.given() {
        return Some((FaultTarget::Topic(names.destination(name, cx)?), keys.topic.place()));
    }
    if let Some(name) = keys.service.given() {
        let id = names.service(name, cx)?;
        let subset = subset(&keys.replicas, model.services[id].replicas, &name.text, cx)?;
        return Some((FaultTarget::Service(id, subset), keys.service.place()));
    }
    if let Some(name) = keys.workload.given() {
        return Some((FaultTarget::Workload(names.workload(name, cx)?), keys.workload.place()));
    }
    if let Some(name) = keys.cache.given() {
        return Some((FaultTarget::Cache(names.cache(name, cx)?), keys.cache.place()));
    }
    match (keys.from.given(), keys.to.given()) {
        (Some(from), Some(to)) => {
            let (caller, callee) = (names.caller(from, cx), names.service(to, cx));
            let target = match caller? {
                Party::Service(id) => FaultTarget::Edge(id, callee?),
                Party::Workload(id) => FaultTarget::Entry(id, callee?),
            };
            Some((target, keys.from.place()))
        }
        (from, _) => {
            let (here, missing) = if from.is_some() { ("from", "to") } else { ("to", "from") };
            cx.say(&catalogue::PARTNER, place, format!("`{here}` needs `{missing}`"))
                .help("a fault on calls strikes those `from` a service or workload `to` a service");
            None
        }
    }
}

/// Which replicas are meant, of so many that `service` has.
pub(super) fn subset(field: &Field<StruckReplicas>, replicas: u32, service: &str, cx: &mut Cx<'_>) -> Option<Subset> {
    match field.value() {
        None if field.is_bad() => None,
        None => Some(Subset::All),
        Some(StruckReplicas::Count(count)) if *count > replicas => {
            let has = if replicas == 1 { "one replica".to_owned() } else { format!("{replicas} replicas") };
            cx.say(&catalogue::OUT_OF_RANGE, field.place(), format!("`{service}` has only {has}"))
                .help(format!("write at most `replicas = {replicas}`, or leave it out for all of them"));
            None
        }
        Some(StruckReplicas::Count(count)) => Some(Subset::First(*count)),
        Some(StruckReplicas::Share(share)) => {
            // `as` is exact here: the product is between 0 and the number of replicas.
            let struck = (share.as_f64() * f64::from(replicas)).ceil() as u32;
            Some(Subset::First(struck.clamp(1, replicas)))
        }
    }
}

fn check_fit(
    model: &Model,
    effect: &Effect,
    target: FaultTarget,
    effect_place: Place,
    target_place: Place,
    cx: &mut Cx<'_>,
) {
    let (struck, takes) = match target {
        FaultTarget::Service(..) => ("a service", "`add_latency`, `slow`, `error_rate`, `pause` or `crash`"),
        FaultTarget::Edge(..) | FaultTarget::Entry(..) => ("calls", "`add_latency`, `error_rate` or `cut`"),
        FaultTarget::Workload(_) => ("a workload", "`traffic`"),
        FaultTarget::Cache(_) => ("a cache", "`flush`"),
        FaultTarget::Broker(..) => ("a broker", "`add_latency`, `slow` or `crash`"),
        FaultTarget::Topic(_) => ("a topic", "`poison`"),
    };
    let fits = match target {
        FaultTarget::Service(..) => {
            !matches!(effect, Effect::Cut | Effect::Traffic(_) | Effect::Flush | Effect::Poison(_))
        }
        FaultTarget::Edge(..) | FaultTarget::Entry(..) => {
            matches!(effect, Effect::AddLatency(_) | Effect::ErrorRate(_) | Effect::Cut)
        }
        FaultTarget::Workload(_) => matches!(effect, Effect::Traffic(_)),
        FaultTarget::Cache(_) => matches!(effect, Effect::Flush),
        FaultTarget::Broker(..) => matches!(effect, Effect::AddLatency(_) | Effect::Slow(_) | Effect::Crash { .. }),
        FaultTarget::Topic(_) => matches!(effect, Effect::Poison(_)),
    };
    if fits {
        if let FaultTarget::Workload(id) = target {
            check_rate(&model.workloads[id], effect_place, target_place, cx);
        }
        if let FaultTarget::Cache(id) = target
            && let CacheStore::Ratio(_) = model.caches[id].store
        {
            cx.say(&catalogue::EFFECT, effect_place, "`flush` finds nothing to forget where hits come by chance")
                .also(target_place, "it has a `hit_ratio`, and no keys")
                .help("remove `hit_ratio`, and give the requests keys");
        }
        return;
    }
    let (name, wanted) = match effect {
        Effect::AddLatency(_) => ("add_latency", "a `service`, calls `from` one `to` another, or a `broker`"),
        Effect::Slow(_) => ("slow", "a `service` or a `broker`"),
        Effect::ErrorRate(_) => ("error_rate", "a `service`, or calls `from` one `to` another"),
        Effect::Pause => ("pause", "a `service`"),
        Effect::Crash { .. } => ("crash", "a `service` or a `broker`"),
        Effect::Cut => ("cut", "calls `from` one `to` another"),
        Effect::Traffic(_) => ("traffic", "a `workload`"),
        Effect::Flush => ("flush", "a `cache`"),
        Effect::Poison(_) => ("poison", "a `topic` or a queue"),
    };
    cx.say(&catalogue::EFFECT, effect_place, format!("`{name}` cannot strike {struck}"))
        .also(target_place, format!("{struck} takes {takes}").replace("calls takes", "calls take"))
        .help(format!("`{name}` strikes {wanted}"));
}

/// `traffic` stretches a rate: what comes at given times, or when users want, has none.
fn check_rate(workload: &Workload, effect_place: Place, target_place: Place, cx: &mut Cx<'_>) {
    let what = match workload.arrivals {
        Arrivals::Rated { .. } => return,
        Arrivals::Burst { .. } => "`burst`",
        Arrivals::Users { .. } => "`users`",
        Arrivals::Times(_) => "recorded times",
    };
    cx.say(&catalogue::EFFECT, effect_place, format!("`traffic` cannot stretch arrivals that are {what}"))
        .also(target_place, "they have no rate")
        .help("give the workload `even` or `poisson` arrivals, or add a second workload for the surge");
}
