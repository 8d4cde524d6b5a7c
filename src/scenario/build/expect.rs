//! Expectations: whether their metric can be measured at their target, in their time.

use super::names::Names;
use crate::base::time::Time;
use crate::model::{Expectation, Keeping, Limit, Metric, Model, Scope, Target};
use crate::scenario::decode::{Condition, Cx, Measured, measured, measured_at, metric_name};
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
    let wanted = measured(metric);
    if wanted == [Measured::Run] {
        return Some(Target::Run);
    }
    let found = names.targets(&name.text);
    let mut fits = found.iter().copied().filter(|target| wanted.contains(&thing(*target)));
    let target = match (fits.next(), fits.next()) {
        (Some(target), None) => target,
        (Some(one), Some(other)) => {
            let path = |target: Target| {
                let kind = match target {
                    Target::Topic(id) if matches!(model.topics[id].keeping, Keeping::Queue(_)) => "queue",
                    Target::Topic(_) => "topic",
                    _ => is(thing(target)).trim_start_matches("a "),
                };
                format!("`{kind}.{}`", name.text)
            };
            let help = format!("write {} or {}", path(one), path(other));
            let (one, other) = (is(thing(one)), is(thing(other)));
            cx.say(&catalogue::AMBIGUOUS, name.place, format!("`{}` is both {one} and {other}", name.text)).help(help);
            return None;
        }
        (None, _) => {
            let Some(target) = found.first() else {
                names.unknown_target(name, wanted, cx);
                return None;
            };
            let (what, at, is) = (metric_name(metric), measured_at(metric), is(thing(*target)));
            cx.say(
                &catalogue::CONDITION,
                name.place,
                format!("`{what}` is measured at {at}, and `{}` is {is}", name.text),
            )
            .help(format!("at {is}, measure for example {}", example(thing(*target))));
            return None;
        }
    };
    if let (Metric::Limit, Target::Service(id)) = (metric, target)
        && !model.ever_limits(id)
    {
        let title = format!("`{}` has no limit on the requests that it takes on at a time", name.text);
        cx.say(&catalogue::CONDITION, name.place, title)
            .help("give it one, such as `limit = { preset = \"gradient2\" }`");
        return None;
    }
    if metric == Metric::Utilisation {
        match target {
            Target::Service(id) if model.services[id].threads == Limit::Unlimited => {
                let title = format!("`{}` has unlimited threads: they are never all busy", name.text);
                cx.say(&catalogue::CONDITION, name.place, title).help("limit its `threads`");
                return None;
            }
            Target::Pool(id) if model.pools[id].scope == Scope::Key || model.pools[id].is_optimistic => {
                let title = format!("`{}` has no fixed number of permits: they are never all in use", name.text);
                cx.say(&catalogue::CONDITION, name.place, title).help("measure for example its `wait` or `rejected`");
                return None;
            }
            _ => {}
        }
    }
    Some(target)
}

fn thing(target: Target) -> Measured {
    match target {
        Target::Workload(_) => Measured::Workload,
        Target::Service(_) => Measured::Service,
        Target::Pool(_) => Measured::Pool,
        Target::Cache(_) => Measured::Cache,
        Target::Topic(_) => Measured::Topic,
        Target::Consumer(_) => Measured::Consumer,
        Target::Run => Measured::Run,
    }
}

fn is(thing: Measured) -> &'static str {
    match thing {
        Measured::Workload => "a workload",
        Measured::Service => "a service",
        Measured::Pool => "a pool",
        Measured::Cache => "a cache",
        Measured::Topic => "a topic or queue",
        Measured::Consumer => "a consumer",
        Measured::Run => "the run",
    }
}

fn example(thing: Measured) -> &'static str {
    match thing {
        Measured::Workload => "goodput, throughput, failures or p99",
        Measured::Service => "p99, mean, attempts or rejected",
        Measured::Pool => "utilisation, queue, wait or rejected",
        Measured::Cache => "hit_ratio, fetches or expired",
        Measured::Topic | Measured::Consumer => "lag, p99, lost or duplicates",
        Measured::Run => "verdict or time_to_recover",
    }
}
