//! Changes: one action each, at whom it is aimed, and whether it has what it needs. What a change of settings does is
//! found out later, by reading the scenario once more.

use super::Atlas;
use super::fault::subset;
use super::names::Names;
use crate::base::time::Time;
use crate::model::{Action, Change, Model, ReplayFrom, ServiceId, Subset};
use crate::scenario::decode::{Cx, Field, NotZero, Scales};
use crate::scenario::language::{ChangeKeys, ScenarioKeys};
use crate::scenario::say::{Place, catalogue};

pub(super) fn changes(keys: &ScenarioKeys, names: &Names<'_>, model: &mut Model, atlas: &mut Atlas, cx: &mut Cx<'_>) {
    let mut of_replicas = Vec::new();
    for item in keys.change.value().iter().flat_map(|changes| &changes.items) {
        let Some(keys) = &item.value else { continue };
        let Some(action) = action(keys, names, cx) else { continue };
        if let Action::Redrive(queue) = action {
            atlas.redrives.push((queue, keys.redrive.place()));
        }
        if let Action::Restart { service, .. } | Action::Drain { service, .. } = action {
            of_replicas.push((model.changes.len(), service, keys));
        }
        let at = keys.at.value().copied().unwrap_or(Time::ZERO);
        let is_trigger = keys.trigger.value().is_some();
        model.changes.push(Change { name: item.name.clone(), at, action, is_trigger });
        atlas.changes.push(keys.at.place());
    }
    // How many replicas there are then is known when all changes are.
    for (n, service, keys) in of_replicas {
        let there = model.service_at(service, model.changes[n].at);
        let Some(chosen) = subset(&keys.replicas, there.replicas, &there.name, cx) else { continue };
        if let Action::Restart { subset, .. } | Action::Drain { subset, .. } = &mut model.changes[n].action {
            *subset = chosen;
        }
    }
}

/// The one action.
fn action(keys: &ChangeKeys, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<Action> {
    let mut given: Vec<(&str, Place)> = [
        ("set", keys.set.key_place()),
        ("scale", keys.scale.key_place()),
        ("restart", keys.restart.key_place()),
        ("drain", keys.drain.key_place()),
        ("redrive", keys.redrive.key_place()),
        ("replay", keys.replay.key_place()),
    ]
    .into_iter()
    .filter(|(_, place)| place.is_somewhere())
    .collect();
    given.sort_by_key(|(_, place)| *place);
    let is_bad = keys.set.is_bad()
        || keys.scale.is_bad()
        || keys.restart.is_bad()
        || keys.drain.is_bad()
        || keys.redrive.is_bad()
        || keys.replay.is_bad();
    let Some((name, place)) = given.first().copied() else {
        if !is_bad && !cx.has_gaps {
            cx.say(&catalogue::MISSING_KEY, keys.place, "a change needs an action")
                .help("add set, scale, restart, drain, redrive or replay; for example `scale = { orders = 60 }`");
        }
        return None;
    };
    if let Some((second, second_place)) = given.get(1) {
        cx.say(&catalogue::EXCLUDE, *second_place, format!("a change does one thing, not `{name}` and `{second}`"))
            .also(place, "the other one")
            .help(format!("write two changes; a variant takes an action away with `{name} = \"none\"`"));
    }
    let action = match name {
        "set" => Action::Set(Vec::new()),
        "scale" => scale(keys.scale.value()?, names, cx),
        "restart" => {
            let service = names.service(keys.restart.value()?, cx)?;
            let every = keys.every.value().map(|NotZero(span)| *span);
            Action::Restart { service, subset: Subset::All, every }
        }
        "redrive" => {
            let name = keys.redrive.value()?;
            let otherwise = format!(
                "dead letters go back from queues only: write [queue.{0}] instead of [topic.{0}], or a [consumer.NAME] that \
                 reads it",
                name.text
            );
            Action::Redrive(names.queue(name, &otherwise, cx)?)
        }
        "replay" => {
            let is_bad = keys.from.is_bad() || keys.offset.is_bad();
            match (keys.from.given(), keys.offset.given()) {
                (None, None) if !is_bad => {
                    cx.say(&catalogue::PARTNER, keys.replay.key_place(), "`replay` needs `from`: since when")
                        .help("add for example `from = \"60s\"`, or `offset = 0` for all that is kept");
                }
                (Some(_), Some(_)) => {
                    cx.say(&catalogue::PARTNER, keys.offset.key_place(), "`offset` and `from` both say where to begin")
                        .also(keys.from.key_place(), "this is the other one")
                        .help("remove one of them");
                }
                _ => {}
            }
            let time = keys.from.value().copied().unwrap_or(Time::ZERO);
            if let (Some(from), Some(at)) = (keys.from.given(), keys.at.given().filter(|at| *at < &time)) {
                cx.say(
                    &catalogue::OUT_OF_RANGE,
                    keys.from.place(),
                    format!("at {at} nothing has been published since {from}"),
                )
                .also(keys.at.place(), "this is when they are read again")
                .help("`from` says since when what was published is read again: write an earlier time than `at`");
            }
            let from = match keys.offset.value() {
                Some(offset) => ReplayFrom::Offset(offset.0.into()),
                None => ReplayFrom::Time(time),
            };
            Action::Replay { consumer: names.consumer(keys.replay.value()?, cx)?, from }
        }
        _ => {
            let service = names.service(keys.drain.value()?, cx)?;
            let lasts = keys.r#for.value().map(|NotZero(span)| *span);
            Action::Drain { service, subset: Subset::All, lasts }
        }
    };
    partners(keys, &action, cx);
    Some(action)
}

fn scale(Scales(scales): &Scales, names: &Names<'_>, cx: &mut Cx<'_>) -> Action {
    let known = scales.iter().filter_map(|(name, replicas)| Some((names.service(name, cx)?, *replicas)));
    Action::Scale(known.collect::<Vec<(ServiceId, u32)>>())
}

/// Keys that mean something only beside another action.
fn partners(keys: &ChangeKeys, action: &Action, cx: &mut Cx<'_>) {
    let is_restart = matches!(action, Action::Restart { .. });
    let is_drain = matches!(action, Action::Drain { .. });
    if let (Field::Given { key, .. }, false) = (&keys.from, matches!(action, Action::Replay { .. })) {
        cx.say(&catalogue::PARTNER, *key, "`from` goes with `replay`")
            .help("it says since when messages are read again: remove it");
    }
    if let (Field::Given { key, .. }, false) = (&keys.offset, matches!(action, Action::Replay { .. })) {
        cx.say(&catalogue::PARTNER, *key, "`offset` goes with `replay`")
            .help("it says from which record on messages are read again: remove it");
    }
    if let (Field::Given { key, .. }, false) = (&keys.replicas, is_restart || is_drain) {
        cx.say(&catalogue::PARTNER, *key, "`replicas` goes with `restart` and `drain`")
            .help("`scale = { orders = 60 }` says itself how many replicas there are to be: remove it");
    }
    if let (Field::Given { key, .. }, false) = (&keys.every, is_restart) {
        cx.say(&catalogue::PARTNER, *key, "`every` goes with `restart`")
            .help("it makes replicas start again one after another: remove it");
    }
    if let (Field::Given { key, .. }, false) = (&keys.r#for, is_drain) {
        cx.say(&catalogue::PARTNER, *key, "`for` goes with `drain`")
            .help("whatever else changes stays so: write a second change that takes it back");
    }
}
