//! How a client waits, gives up, and whom it asks.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::{key, span};
use crate::model::{Caller, Cancel, Client, ClientId, Deadlines};

/// How many times an answer's time on paper is a timeout that still leaves room.
const ROOM: f64 = 4.0;
/// What is shorter than this part of the timeout is worth trying.
const SHORTER: f64 = 0.7;
/// How much longer a longer timeout is.
const LONGER: f64 = 3.0;
/// Up to so many replicas Envoy's share of those that may be ejected is none at all.
const SMALL_CLUSTER: u32 = 10;

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    let clients: Vec<(ClientId, &Client)> = scene.clients.iter().map(|id| (*id, scene.client(*id))).collect();
    for (id, client) in &clients {
        own(scene, *id, client, offered);
    }
    // What only works where everybody on the way takes part is done by all at once.
    let all = |cure: Cure, key_name: &str, value: &dyn Fn(&Client) -> Option<String>| -> Option<Cure> {
        let changed = clients.iter().filter_map(|(_, client)| Some((client, value(client)?)));
        let cure = changed
            .fold(cure, |cure, (client, value)| cure.set(format!("client.{}.{key_name}", key(&client.name)), value));
        (!cure.lines.is_empty()).then_some(cure)
    };
    let names = clients.iter().map(|(_, client)| client.name.as_str()).collect::<Vec<_>>().join(", ");
    let what = "who gives up says so, and the request leaves the queue";
    let has_limits = |client: &Client| client.timeout.is_some() || client.overall_timeout.is_some();
    let cancel = |client: &Client| {
        let can = matches!(client.cancel, Cancel::Off) && has_limits(client);
        can.then(|| "\"waiting\"".to_owned())
    };
    offered.extend(all(Cure::new("cancel", &names, what), "cancel", &cancel));
    let what = "callees learn until when the answer is wanted, and drop what is late";
    let propagate = |client: &Client| {
        let can = matches!(client.deadlines, Deadlines::Local) && has_limits(client);
        can.then(|| "\"propagate\"".to_owned())
    };
    offered.extend(all(Cure::new("deadlines", &names, what), "deadlines", &propagate));
    let longer = |client: &Client| client.timeout.map(|timeout| span(timeout.as_secs_f64() * LONGER));
    let why = "requests wait longer and hold what they hold for longer: the queue grows to fill the patience";
    let cure = Cure::new("long-timeout", &names, "everybody waits three times as long").believed(why);
    offered.extend(all(cure, "timeout", &longer));
}

fn own(scene: &Scene<'_>, id: ClientId, client: &Client, offered: &mut Vec<Cure>) {
    let of = |what: &str| format!("client.{}.{what}", key(&client.name));
    let cure = |kind: &str, what: String| Cure::new(kind, &client.name, what);
    let edges = || scene.edges.iter().filter(|edge| edge.client == id);
    let by_services = edges().any(|edge| matches!(edge.from, Caller::Service(_)));
    let replicas = edges().map(|edge| scene.callee(edge).1.replicas).max().unwrap_or(1);
    let short = scene.answer(id) * ROOM;
    if client.timeout.is_none_or(|timeout| short < SHORTER * timeout.as_secs_f64()) && short > 0.0 {
        let text = span(short);
        let what = format!("`{}` waits {}, four times what an answer takes", client.name, text.trim_matches('"'));
        offered.push(cure("short-timeout", what).set(of("timeout"), text));
    }
    if client.breaker.is_none() {
        let what = format!("`{}` stops calling for 5 s when half of its calls fail", client.name);
        offered.push(cure("breaker", what).set(of("breaker"), "{ preset = \"resilience4j\", open_for = \"5s\" }"));
    } else {
        let what = format!("`{}` opens its breaker for longer each time", client.name);
        let value = "\"exponential(2s, factor=2, cap=30s)\"";
        offered.push(cure("growing-breaker", what).set(of("breaker.open_for"), value));
        let what = format!("`{}` has no breaker", client.name);
        offered.push(cure("no-breaker", what).set(of("breaker"), "\"none\""));
    }
    if client.throttle.is_none() {
        let what = format!("`{}` holds back what would be turned away", client.name);
        offered.push(cure("throttle", what).set(of("throttle"), "{ preset = \"sre\" }"));
    }
    if by_services && client.bulkhead.is_none() {
        // Half of the caller's threads: the rest can do something else.
        let threads = edges().filter_map(|edge| match edge.from {
            Caller::Service(caller) => scene.threads(caller),
            _ => None,
        });
        if let Some(half) = threads.min().map(|threads| threads / 2).filter(|half| *half > 0) {
            let what = format!("`{}` has {half} calls under way at most", client.name);
            offered.push(cure("bulkhead", what).set(of("bulkhead"), format!("{{ max = {half} }}")));
        }
    }
    if replicas > 1 {
        replicated(client, replicas, offered);
    }
}

/// What takes several replicas.
fn replicated(client: &Client, replicas: u32, offered: &mut Vec<Cure>) {
    let of = |what: &str| format!("client.{}.{what}", key(&client.name));
    let cure = |kind: &str, what: String| Cure::new(kind, &client.name, what);
    if !matches!(client.balance, crate::policy::balance::Balance::LeastRequest) {
        let what = format!("`{}` asks the replica that has least to do", client.name);
        offered.push(cure("least-request", what).set(of("balance"), "\"least-request\""));
    }
    if client.outlier.is_none() {
        let what = format!("`{}` does not ask replicas that answer badly", client.name);
        offered
            .push(cure("outlier-ejection", what).set(of("outlier"), "{ preset = \"envoy\", max_ejection = \"50%\" }"));
    } else if replicas < SMALL_CLUSTER {
        let what = format!("`{}` may eject up to half of the replicas", client.name);
        offered.push(cure("outlier-ejection", what).set(of("outlier.max_ejection"), "\"50%\""));
    }
    if client.hedge.is_none() && client.retry.is_none() {
        let what = format!("`{}` asks a second replica when the first takes longer than usual", client.name);
        offered
            .push(cure("hedge", what).set(of("hedge"), "{ after = \"p95\" }").only_if("asking twice must do no harm"));
    }
}
