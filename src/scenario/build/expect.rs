//! Expectations: whether their metric can be measured at their target, in their time.

use super::names::Names;
use crate::base::suggest::did_you_mean;
use crate::base::time::Time;
use crate::model::{Caller, Edge, EdgeId, Endpoint, Expectation, Keeping, Limit, Metric, Model, Scope, Step, Target};
use crate::scenario::decode::{Condition, Cx, Measured, Noun, Ref, measured, measured_at, metric_name};
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
    if wanted == [Measured::Edge] {
        return edge(name, names, model, cx);
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

/// The calls that `caller -> service.endpoint` names, or with ` via client` behind it, and for whose answers something
/// stands in.
fn edge<K: Noun>(name: &Ref<K>, names: &Names<'_>, model: &Model, cx: &mut Cx<'_>) -> Option<Target> {
    let (wanted, client) = match name.text.split_once(" via ") {
        Some((edge, client)) => (edge, Some(client.trim())),
        None => (name.text.as_str(), None),
    };
    let wanted = wanted.split_once("->").map(|(from, to)| format!("{} -> {}", from.trim(), to.trim()));
    let edges = model.edges();
    let has_fallback = |edge: &Edge| {
        let is_it = |step: &Step| {
            matches!(step, Step::Call { endpoint, client, fallback: Some(_), .. }
                if (*endpoint, *client) == (edge.to, edge.client))
        };
        let of_caller =
            |endpoint: &Endpoint| matches!(edge.from, Caller::Service(service) if service == endpoint.service);
        model.endpoints.iter().filter(|it| of_caller(it)).any(|it| it.steps.iter().any(|step| step.any(&is_it)))
    };
    let of_client = |edge: &Edge| client.is_none_or(|client| model.clients[edge.client].name == client);
    let named: Vec<(EdgeId, &Edge)> = edges
        .enumerate()
        .filter(|(_, edge)| wanted.as_ref() == Some(&model.edge_name(edge)) && of_client(edge))
        .collect();
    let mut found = named.iter().filter(|(_, edge)| has_fallback(edge));
    match (found.next(), found.next()) {
        (Some((id, _)), None) => return Some(Target::Edge(*id)),
        (Some((_, one)), Some((_, other))) => {
            let via = |edge: &Edge| format!("`{} via {}`", model.edge_name(edge), model.clients[edge.client].name);
            let help = format!("write {} or {}", via(one), via(other));
            cx.say(&catalogue::AMBIGUOUS, name.place, format!("`{}` calls through several clients", name.text))
                .help(help);
        }
        (None, _) if !named.is_empty() => {
            cx.say(&catalogue::CONDITION, name.place, format!("no call of `{}` has a `fallback`", name.text))
                .help("add one to the call, such as `fallback = \"constant\"`");
        }
        (None, _) if names.is_lost() => {}
        (None, _) => {
            let known: Vec<String> =
                edges.iter().filter(|edge| has_fallback(edge)).map(|edge| model.edge_name(edge)).collect();
            let near = did_you_mean(&name.text, known.iter().map(String::as_str));
            cx.say(&catalogue::CONDITION, name.place, format!("`{}` is no edge", name.text))
                .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
                .help("an edge is written `caller -> service.endpoint`, such as `gateway -> stock.read`");
        }
    }
    None
}

fn thing(target: Target) -> Measured {
    match target {
        Target::Workload(_) => Measured::Workload,
        Target::Service(_) => Measured::Service,
        Target::Edge(_) => Measured::Edge,
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
        Measured::Edge => "an edge",
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
        Measured::Edge => "fallbacks",
        Measured::Pool => "utilisation, queue, wait or rejected",
        Measured::Cache => "hit_ratio, fetches or expired",
        Measured::Topic | Measured::Consumer => "lag, p99, lost or duplicates",
        Measured::Run => "verdict or time_to_recover",
    }
}
