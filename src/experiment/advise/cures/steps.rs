//! The handlers themselves: a call that becomes a message, several calls at the same time, an answer without the call.

use toml::Value;

use super::super::cure::Cure;
use super::super::scene::{Scene, caller_name, calls};
use super::key;
use crate::model::{Caller, Edge, EndpointId, Id};

/// More calls at once than this nobody writes down one by one.
const AT_ONCE_MAX: i64 = 32;

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    for edge in &scene.waits {
        let Caller::Service(caller) = edge.from else { continue };
        let own = scene.model.endpoints.enumerate().filter(|(_, it)| it.service == caller);
        let with_call = own.filter(|(_, it)| calls(&it.steps, edge.to) > 0).map(|(id, _)| id);
        let Some(endpoint) = with_call.max_by(|a, b| rate(scene, *a).total_cmp(&rate(scene, *b))) else { continue };
        let it = &scene.model.endpoints[endpoint];
        let service = &scene.model.services[caller].name;
        let path = format!("service.{}.endpoint.{}.steps", key(service), key(&it.name));
        let plain = format!("service.{service}.endpoint.{}.steps", it.name);
        let Some(steps) = scene.locator.text(&plain).and_then(parse) else { continue };
        offered.extend(of_call(scene, edge, &path, &steps));
    }
}

fn rate(scene: &Scene<'_>, endpoint: EndpointId) -> f64 {
    scene.paper.rates[endpoint.index()]
}

/// The steps of an endpoint, as they are written.
fn parse(text: &str) -> Option<Value> {
    let table: toml::Table = format!("steps = {text}").parse().ok()?;
    table.get("steps").filter(|steps| steps.is_array()).cloned()
}

fn of_call(scene: &Scene<'_>, edge: &Edge, path: &str, steps: &Value) -> Vec<Cure> {
    let to = scene.model.endpoint_name(edge.to);
    let from = caller_name(scene.model, edge);
    let place = format!("{from} -> {to}");
    let cure = |kind: &str, what: String, steps: &Value| Cure::new(kind, &place, what).set(path, inline(steps));
    let change = |change: &dyn Fn(&mut toml::Table)| {
        let mut changed = steps.clone();
        (each_call(&mut changed, &to, change) > 0).then_some(changed)
    };
    let mut all = Vec::new();
    let parallel = {
        let mut changed = steps.clone();
        spread(&mut changed, &to).then_some(changed)
    };
    all.extend(
        parallel.map(|steps| cure("parallel", format!("`{from}` makes its calls of `{to}` at the same time"), &steps)),
    );
    let queue = to.replace('.', "-");
    let publish = change(&|call| {
        call.clear();
        call.insert("publish".to_owned(), Value::String(queue.clone()));
    });
    let callee = scene.callee(edge).0;
    let workers = (scene.busy(callee) * 1.5).ceil().clamp(1.0, 1000.0);
    let replicas = f64::from(scene.model.services[callee].replicas);
    let workers = (workers / replicas).ceil() as u32;
    all.extend(publish.map(|steps| {
        cure("queue-instead-of-call", format!("`{from}` puts `{to}` into a queue and does not wait"), &steps)
            .set(format!("queue.{}", key(&queue)), "{ broker = \"rabbitmq\" }")
            .set(
                format!("consumer.{}", key(&queue)),
                format!("{{ queue = {queue:?}, handler = {to:?}, concurrency = {workers} }}"),
            )
            .only_if("nobody may need the answer")
    }));
    let optional = change(&|call| {
        call.insert("optional".to_owned(), Value::Boolean(true));
    });
    all.extend(optional.map(|steps| {
        cure("optional", format!("`{from}` answers without `{to}` when the call fails"), &steps)
            .only_if("the answer must be of use without it")
    }));
    all
}

/// Calls `change` with every call of `to` within `value`; returns how many there are.
fn each_call(value: &mut Value, to: &str, change: &dyn Fn(&mut toml::Table)) -> usize {
    match value {
        Value::Array(items) => items.iter_mut().map(|item| each_call(item, to, change)).sum(),
        Value::Table(table) if table.get("call").and_then(Value::as_str) == Some(to) => {
            change(table);
            1
        }
        Value::Table(table) => table.iter_mut().map(|(_, inner)| each_call(inner, to, change)).sum(),
        _ => 0,
    }
}

/// Turns `repeat` with nothing but a call of `to` into as many calls at once; returns whether there was one.
fn spread(value: &mut Value, to: &str) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().filter_map(|item| spread(item, to).then_some(())).count() > 0,
        Value::Table(table) => {
            let times = table.get("repeat").and_then(Value::as_integer).filter(|times| *times <= AT_ONCE_MAX);
            let body = table.get("steps").and_then(|steps| match steps {
                Value::Array(items) => items.first().filter(|_| items.len() == 1),
                other => Some(other),
            });
            let is_it = body.and_then(|it| it.get("call")).and_then(Value::as_str) == Some(to);
            if let (Some(times), Some(call), true) = (times, body.cloned(), is_it) {
                table.clear();
                table.insert("parallel".to_owned(), Value::Array(vec![call; times as usize]));
                return true;
            }
            table.iter_mut().filter_map(|(_, inner)| spread(inner, to).then_some(())).count() > 0
        }
        _ => false,
    }
}

/// As TOML on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[ {} ]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let entries = table.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_becomes_calls_at_the_same_time_and_a_call_a_message() {
        let mut steps =
            parse(r#"[ { work = "1ms" }, { repeat = 2, steps = [ { call = "a.x", client = "c" } ] } ]"#).unwrap();
        assert!(!spread(&mut steps.clone(), "a.y"));
        assert!(spread(&mut steps, "a.x"));
        let text = r#"[ { work = "1ms" }, { parallel = [ { call = "a.x", client = "c" }, { call = "a.x", client = "c" } ] } ]"#;
        assert_eq!(inline(&steps), text);
        let count = each_call(&mut steps, "a.x", &|call| {
            call.clear();
            call.insert("publish".to_owned(), Value::String("q".to_owned()));
        });
        assert_eq!(count, 2);
        assert_eq!(inline(&steps), r#"[ { work = "1ms" }, { parallel = [ { publish = "q" }, { publish = "q" } ] } ]"#);
    }
}
