//! Expectations: whether their metric can be measured at their target, in their time.

use super::names::{Names, Party};
use crate::base::time::Time;
use crate::model::{Expectation, Limit, Metric, Model, Target};
use crate::scenario::decode::{Condition, Cx, Measured, measured, metric_name};
use crate::scenario::language::{ExpectKeys, ScenarioKeys};
use crate::scenario::say::catalogue;

pub(super) fn expectations(keys: &ScenarioKeys, names: &Names<'_>, model: &mut Model, cx: &mut Cx<'_>) {
    // How long the run is meant to last.
    let is_known = !cx.has_gaps && !keys.duration.is_bad() && !keys.warmup.is_bad();
    for item in keys.expect.value().iter().flat_map(|expectations| &expectations.items) {
        let Some(keys) = &item.value else { continue };
        let window = window(keys, model, is_known, cx);
        let Some(condition) = keys.that.value() else { continue };
        let Some(target) = target(condition, names, model, cx) else { continue };
        model.expectations.push(Expectation {
            name: item.name.clone(),
            text: condition.text.clone(),
            metric: condition.metric,
            target,
            comparison: condition.comparison,
            bound: condition.bound,
            from: window.0,
            until: window.1,
        });
    }
}

/// The time in which it is measured.
fn window(keys: &ExpectKeys, model: &Model, is_known: bool, cx: &mut Cx<'_>) -> (Time, Time) {
    let end = model.end();
    let from = keys.after.value().copied().unwrap_or(Time::ZERO + model.warmup);
    let until = keys.until.value().copied().unwrap_or(end);
    if !is_known {
        return (from, until);
    }
    if until > end {
        cx.say(&catalogue::CONDITION, keys.until.place(), format!("the run ends at {end}"))
            .help("leave `until` out to measure to the end");
    } else if from >= until && keys.after.given().is_some() {
        let end = if keys.until.given().is_some() { "the measurement" } else { "the run" };
        cx.say(&catalogue::CONDITION, keys.after.place(), format!("{end} ends at {until}: nothing is left to measure"))
            .also(keys.until.place(), "it is measured until here")
            .help(format!("write a time before `{until}`"));
    } else if from >= until && keys.until.given().is_some() {
        cx.say(
            &catalogue::CONDITION,
            keys.until.place(),
            format!("the warm-up ends at {from}; nothing is left to measure"),
        )
        .help(format!("write a time after `{from}`, or set `after`"));
    }
    (from, until)
}

fn target(condition: &Condition, names: &Names<'_>, model: &Model, cx: &mut Cx<'_>) -> Option<Target> {
    let (name, metric) = (&condition.target, condition.metric);
    let kind = measured(metric);
    let target = match (kind, names.parties(&name.text)) {
        // A name with two meanings means the one that can be measured.
        (Measured::Workload, (Some(id), _)) => Target::Workload(id),
        (Measured::Service, (_, Some(id))) => Target::Service(id),
        (Measured::Workload, (None, None)) if !name.text.contains('.') => Target::Workload(names.workload(name, cx)?),
        _ => match names.party(name, cx)? {
            Party::Workload(id) => Target::Workload(id),
            Party::Service(id) => Target::Service(id),
        },
    };
    let (is, wanted, example) = match (kind, target) {
        (Measured::Workload, Target::Service(_)) => ("a service", "workloads", "p99, mean, attempts or rejected"),
        (Measured::Service, Target::Workload(_)) => ("a workload", "services", "goodput, throughput, failures or p99"),
        (_, Target::Service(id)) if metric == Metric::Utilisation && model.services[id].threads == Limit::Unlimited => {
            cx.say(
                &catalogue::CONDITION,
                name.place,
                format!("`{}` has unlimited threads: they are never all busy", name.text),
            )
            .help("limit its `threads`");
            return None;
        }
        _ => return Some(target),
    };
    let what = metric_name(metric);
    cx.say(&catalogue::CONDITION, name.place, format!("`{what}` is measured at {wanted}, and `{}` is {is}", name.text))
        .help(format!("at {is}, measure for example {example}"));
    None
}
