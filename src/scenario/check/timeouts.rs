//! Timeouts that do not fit together, and policies that cannot apply.

use std::collections::BTreeSet;

use crate::base::time::Span;
use crate::model::{Cancel, Client, ClientId, Deadlines, Effect, EndpointId, FaultTarget, Id, Model, ServiceId};
use crate::policy::hedge::HedgeDelay;
use crate::policy::retry::{Backoff, Jitter};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

use super::paper::on_paper;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    inversions(model, atlas, cx);
    forwards(model, atlas, cx);
    faults(model, atlas, cx);
    hedges(model, atlas, cx);
    impatience(model, atlas, cx);
}

/// Callers that give up before an answer takes on paper; of each client the call that takes the least.
fn impatience(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let answers = on_paper(model).answer;
    let answer = |to: &EndpointId| Span::from_secs_f64(answers[to.index()]);
    let entries = model.workloads.iter().flat_map(|it| it.session.entries().into_iter().map(|(_, to)| (it.client, to)));
    let calls = atlas.calls.iter().filter(|call| !call.is_forward).map(|call| (call.client, call.to));
    let handlers = model.consumers.iter().map(|it| (it.client, it.handler));
    let all: Vec<(ClientId, EndpointId)> = entries.chain(calls).chain(handlers).collect();
    for (id, client) in model.clients.enumerate() {
        let Some(timeout) = client.timeout else { continue };
        let of_client = all.iter().filter(|(client, to)| *client == id && answer(to) > timeout);
        let Some(to) = of_client.map(|(_, to)| to).min_by_key(|to| answer(to)) else { continue };
        cx.say(
            &catalogue::IMPATIENT,
            atlas.clients[id.index()].timeout,
            format!("callers give up after {timeout}, but `{}` takes {}", model.endpoint_name(*to), answer(to)),
        )
        .number(answer(to).as_secs_f64() * 1e3, "ms until an answer on average, and callers wait for less")
        .note("on average, when nothing else is under way: most calls time out, and so do their retries")
        .help("wait for longer, or make the steps shorter");
    }
}

/// Hedges that come after their call has been given up.
fn hedges(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (client, places) in model.clients.iter().zip(&atlas.clients) {
        let timeouts = [
            (client.timeout, places.timeout, "timeout"),
            (client.overall_timeout, places.overall_timeout, "overall_timeout"),
        ];
        let shortest = timeouts.into_iter().filter_map(|(timeout, place, key)| Some((timeout?, place, key))).min();
        let (Some(hedge), Some((timeout, place, key))) = (client.hedge, shortest) else { continue };
        let HedgeDelay::Fixed(delay) = hedge.after else { continue };
        if delay >= timeout {
            cx.say(
                &catalogue::HEDGE_IDLE,
                places.hedge,
                format!("the hedges of `{}` are sent only for attempts that fail", client.name),
            )
            .number(delay.as_secs_f64() * 1e3, "ms until a hedge would be sent, and by then the call is over")
            .also(place, "the whole call is given up after this time")
            .note(format!("a call without an answer would be sent again after {delay}"))
            .help(format!("shorten `after`, or lengthen `{key}`"));
        }
    }
}

/// Callers that give up before their callee does.
fn inversions(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let mut inbound = vec![BTreeSet::new(); model.endpoints.len()];
    let mut outbound = vec![BTreeSet::new(); model.endpoints.len()];
    for workload in model.workloads.iter() {
        for (_, endpoint) in workload.session.entries() {
            inbound[endpoint.index()].insert(workload.client);
        }
    }
    for call in atlas.calls.iter().filter(|call| !call.is_forward) {
        inbound[call.to.index()].insert(call.client);
        outbound[call.from.index()].insert(call.client);
    }
    let mut said = BTreeSet::new();
    for (id, _) in model.endpoints.enumerate() {
        for outer in &inbound[id.index()] {
            for inner in &outbound[id.index()] {
                let (above, below) = (&model.clients[*outer], &model.clients[*inner]);
                let (Some(timeout), Some(patience)) = (above.timeout, patience(below)) else { continue };
                let is_told = above.deadlines == Deadlines::Propagate || above.cancel == Cancel::AtOnce;
                if timeout < patience && !is_told && said.insert((*outer, *inner)) {
                    say_inversion(model, atlas, (*outer, timeout), (*inner, patience), &model.endpoint_name(id), cx);
                }
            }
        }
    }
}

fn say_inversion(
    model: &Model,
    atlas: &Atlas,
    (outer, timeout): (ClientId, Span),
    (inner, patience): (ClientId, Span),
    endpoint: &str,
    cx: &mut Cx<'_>,
) {
    let attempts = model.clients[inner].retry.as_ref().map_or(1, |retry| retry.attempts);
    let how = if attempts == 1 { String::new() } else { format!(" in {attempts} attempts") };
    let diagnostic = cx.say(
        &catalogue::INVERSION,
        atlas.clients[outer.index()].timeout,
        format!("callers of `{endpoint}` give up after {timeout}, but it waits {patience} for its own calls"),
    );
    let in_vain = patience.as_secs_f64() - timeout.as_secs_f64();
    diagnostic.number(in_vain * 1e3, "ms at most that it goes on after its caller has given up");
    if inner == outer {
        diagnostic.label(format!("the same client waits up to {patience}{how}"));
    } else {
        diagnostic
            .label("callers wait this long")
            .also(atlas.clients[inner.index()].timeout, format!("up to {patience}{how}"));
    }
    diagnostic
        .note(format!("after {timeout} it goes on waiting and retrying for nobody"))
        .help("give calls further down shorter timeouts, or set `deadlines = \"propagate\"`");
}

/// How long a call waits at most, over all its attempts.
fn patience(client: &Client) -> Option<Span> {
    [attempts_patience(client), client.call_timeout()].into_iter().flatten().min()
}

/// How long they take together at most.
fn attempts_patience(client: &Client) -> Option<Span> {
    let timeout = client.attempt_timeout()?;
    let attempts = client.retry.as_ref().map_or(1, |retry| retry.attempts);
    let waits =
        client.retry.as_ref().filter(|retry| retry.jitter != Jitter::Decorrelated).map_or(0, |retry| {
            match retry.backoff {
                Backoff::Fixed(delay) => delay.as_nanos().saturating_mul(u64::from(attempts - 1)),
                Backoff::Exponential { base, factor, cap } | Backoff::ExponentialMillis { base, factor, cap } => {
                    exponential(base, factor, cap, attempts - 1)
                }
            }
        });
    let waits = match client.retry.as_ref().map(|retry| retry.jitter) {
        Some(Jitter::Around(share) | Jitter::Longer(share) | Jitter::Randomized(share)) => {
            (waits as f64 * (1.0 + share.as_f64())) as u64
        }
        _ => waits,
    };
    Some(Span::from_nanos(timeout.as_nanos().saturating_mul(u64::from(attempts)).saturating_add(waits)))
}

fn exponential(base: Span, factor: f64, cap: Span, retries: u32) -> u64 {
    let (mut sum, mut delay) = (0u64, base.as_nanos() as f64);
    for done in 0..retries {
        if Span::from_nanos_f64(delay) >= cap {
            return sum.saturating_add(cap.as_nanos().saturating_mul(u64::from(retries - done)));
        }
        // A factor of one never reaches the cap: all delays are equal.
        if factor == 1.0 {
            return base.as_nanos().saturating_mul(u64::from(retries));
        }
        sum = sum.saturating_add(Span::from_nanos_f64(delay).as_nanos());
        delay *= factor;
    }
    sum
}

/// Forwards whose client has policies that do not apply.
fn forwards(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for call in atlas.calls.iter().filter(|call| call.is_forward) {
        let (client, places) = (&model.clients[call.client], atlas.clients[call.client.index()]);
        let policies = [
            ("timeout", client.timeout.is_some(), places.timeout),
            ("overall_timeout", client.overall_timeout.is_some(), places.overall_timeout),
            ("retry", client.retry.is_some(), places.retry),
            ("hedge", client.hedge.is_some(), places.hedge),
            ("breaker", client.breaker.is_some(), places.breaker),
            ("outlier", client.outlier.is_some(), places.outlier),
            ("throttle", client.throttle.is_some(), places.throttle),
        ];
        let given: Vec<_> = policies.into_iter().filter(|(_, is_given, _)| *is_given).collect();
        let Some((_, _, place)) = given.first() else { continue };
        let names: Vec<_> = given.iter().map(|(name, _, _)| format!("`{name}`")).collect();
        cx.say(
            &catalogue::IGNORED_POLICY,
            call.place,
            format!("{} of the client `{}` cannot apply to a forward", names.join(" and "), client.name),
        )
        .also(*place, "set here")
        .help("name a client without them, or none");
    }
}

/// Faults on calls that nobody makes, or that leave somebody waiting for ever.
fn faults(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (fault, places) in model.faults.iter().zip(&atlas.faults) {
        let (callee, clients) = match fault.target {
            FaultTarget::Edge(from, to) => (to, clients_between(model, atlas, from, to)),
            FaultTarget::Entry(from, to) => {
                let workload = &model.workloads[from];
                let calls =
                    workload.session.entries().iter().any(|(_, endpoint)| model.endpoints[*endpoint].service == to);
                (to, if calls { vec![(workload.client, false)] } else { Vec::new() })
            }
            FaultTarget::Service(..)
            | FaultTarget::Workload(_)
            | FaultTarget::Cache(_)
            | FaultTarget::Broker(..)
            | FaultTarget::Topic(_) => continue,
        };
        let callee = &model.services[callee].name;
        if clients.is_empty() {
            cx.say(
                &catalogue::NO_SUCH_EDGE,
                places.target,
                format!("nothing here ever calls `{callee}`: the fault strikes nobody"),
            )
            .help("name a caller that has a `call` to it in its steps");
        }
        let waits_for_ever =
            |(client, is_forward): &(ClientId, bool)| !is_forward && model.clients[*client].timeout.is_none();
        if fault.effect == Effect::Cut
            && let Some((client, _)) = clients.iter().find(|client| waits_for_ever(client))
        {
            say_waits_for_ever(model, atlas, *client, callee, places.effect, cx);
        }
    }
}

fn say_waits_for_ever(model: &Model, atlas: &Atlas, client: ClientId, callee: &str, place: Place, cx: &mut Cx<'_>) {
    let name = &model.clients[client].name;
    let diagnostic = cx.say(
        &catalogue::CUT_FOR_EVER,
        place,
        format!("calls to `{callee}` that are cut wait for ever: the client `{name}` has no timeout"),
    );
    diagnostic.also(atlas.clients[client.index()].name, "this client");
    diagnostic.help(if client == ClientId::new(0) {
        "name a client with a `timeout` in the call".to_owned()
    } else {
        format!("add a `timeout` to [client.{name}]")
    });
}

/// The clients of all calls between two services, and whether they are forwards.
fn clients_between(model: &Model, atlas: &Atlas, from: ServiceId, to: ServiceId) -> Vec<(ClientId, bool)> {
    let service = |endpoint| model.endpoints[endpoint].service;
    let calls = atlas.calls.iter().filter(|call| service(call.from) == from && service(call.to) == to);
    calls.map(|call| (call.client, call.is_forward)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_delays_add_up_and_stop_growing_at_the_cap() {
        let sum = |factor, cap, retries| {
            exponential(Span::from_millis(100), factor, Span::from_millis(cap), retries) / 1_000_000
        };
        assert_eq!(sum(2.0, 10_000, 3), 700);
        assert_eq!(sum(2.0, 300, 4), 100 + 200 + 300 + 300);
        assert_eq!(sum(1.0, 10_000, 5), 500);
        assert_eq!(sum(2.0, 1_000, u32::MAX) / 1_000, (1_500 + 1_000 * (u64::from(u32::MAX) - 4)) / 1_000);
    }
}
