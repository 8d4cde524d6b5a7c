//! Retries on paper: how many calls one request can become when each layer on its way tries again.

use std::collections::BTreeSet;

use super::graph::components;
use crate::base::units::Share;
use crate::model::{ClientId, Id, Limit, Model, Workload};
use crate::policy::retry::{Quota, Ratio, RetrySettings};
use crate::scenario::build::{Atlas, CallSite};
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

/// More calls than this from one request are worth a warning.
const PRODUCT_MAX: u64 = 10;
/// Layers that one message shows.
const SHOWN_MAX: usize = 6;

/// The most calls that one user's request can become at an endpoint, and the call that brings them.
#[derive(Clone, Copy)]
struct Load {
    product: u64,
    /// The call site, in the atlas; `None` is a workload.
    through: Option<usize>,
    workload: usize,
}

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    dry_budgets(model, atlas, cx);
    let mut sites = vec![Vec::new(); model.endpoints.len()];
    for (at, call) in atlas.calls.iter().enumerate() {
        sites[call.from.index()].push((at, call));
    }
    let successors: Vec<Vec<usize>> =
        sites.iter().map(|calls| calls.iter().map(|(_, call)| call.to.index()).collect()).collect();
    let loads = loads(model, &sites, &components(&successors));
    // The worst one that no call multiplies further: one message for a whole chain of layers.
    let is_last = |endpoint: usize, product: u64| {
        sites[endpoint].iter().all(|(_, call)| loads[call.to.index()].is_none_or(|load| load.product <= product))
    };
    let worst = loads
        .iter()
        .enumerate()
        .filter_map(|(endpoint, load)| load.map(|load| (endpoint, load)))
        .filter(|(endpoint, load)| load.product > PRODUCT_MAX && is_last(*endpoint, load.product))
        // Of equal ones the one that is nearest to the users.
        .fold(None, |worst: Option<(usize, Load)>, next| match worst {
            Some(worst) if worst.1.product >= next.1.product => Some(worst),
            _ => Some(next),
        });
    if let Some((endpoint, load)) = worst {
        say(model, atlas, &loads, endpoint, load, cx);
    }
}

/// Budgets that nothing fills again: after the first retries there are no others for the rest of the run.
fn dry_budgets(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (id, client) in model.clients.enumerate() {
        let Some(quota) = client.retry.as_ref().and_then(|retry| retry.quota) else { continue };
        let has = match quota {
            Quota::Budget(budget) if budget.ratio == Share::ZERO => u64::from(budget.burst),
            Quota::Rolling(budget) if budget.ratio == Ratio(0.0) && budget.min_per_second == 0 => 0,
            Quota::Active(budget) if budget.ratio == Share::ZERO && budget.min == 0 => 0,
            Quota::Aws(quota) if quota.cost > quota.capacity => 0,
            // What a retry costs that helps comes back; of one that does not nothing does.
            Quota::Aws(quota) if quota.reward == 0 && quota.cost > 0 => u64::from(quota.capacity / quota.cost),
            _ => continue,
        };
        let what = match has {
            0 => "there is never a retry".to_owned(),
            n if matches!(quota, Quota::Aws(_)) => format!("after {n} retries in vain there is never another one"),
            n => format!("after {n} retries there is never another one"),
        };
        cx.say(
            &catalogue::DRY_BUDGET,
            atlas.clients[id.index()].retry,
            format!("the retry budget of `{}` is never filled again", client.name),
        )
        .number(has as f64, "retries in the whole run")
        .note(what)
        .help(match quota {
            Quota::Aws(_) => {
                "let calls that succeed bring a `reward`, and let the `capacity` hold more than one retry costs"
            }
            _ => "give each call a part of a retry, such as `ratio = \"10%\"`, or make one attempt only",
        });
    }
}

/// Attempts of one call, the first included, that nothing but the policy limits: retries or hedges.
fn attempts(model: &Model, client: ClientId) -> u64 {
    let client = &model.clients[client];
    let unlimited = |retry: &&RetrySettings| retry.quota.is_none();
    let retries = client.retry.as_ref().filter(unlimited).map_or(1, |retry| retry.attempts.into());
    client.hedge.as_ref().map_or(retries, |hedge| hedge.attempts.into())
}

/// How often a user asks at most who presses the reload button. One who never stops says nothing here.
fn reloads(workload: &Workload) -> u64 {
    match workload.reload.as_ref().map(|reload| reload.attempts) {
        Some(Limit::AtMost(times)) => times.into(),
        _ => 1,
    }
}

fn loads(model: &Model, sites: &[Vec<(usize, &CallSite)>], order: &[Vec<usize>]) -> Vec<Option<Load>> {
    let mut loads: Vec<Option<Load>> = vec![None; model.endpoints.len()];
    let raise = |loads: &mut Vec<Option<Load>>, endpoint: usize, load: Load| {
        if loads[endpoint].is_none_or(|known| known.product < load.product) {
            loads[endpoint] = Some(load);
        }
    };
    for (at, workload) in model.workloads.iter().enumerate() {
        let product = attempts(model, workload.client).saturating_mul(reloads(workload));
        for (_, endpoint) in workload.session.entries() {
            raise(&mut loads, endpoint.index(), Load { product, through: None, workload: at });
        }
    }
    // Callers before callees; calls within a circle multiply without end and are another warning's affair.
    for component in order.iter().rev() {
        for from in component {
            let Some(load) = loads[*from] else { continue };
            for (at, call) in sites[*from].iter().filter(|(_, call)| component.binary_search(&call.to.index()).is_err())
            {
                let factor = if call.is_forward { 1 } else { attempts(model, call.client) };
                let product = load.product.saturating_mul(factor);
                raise(&mut loads, call.to.index(), Load { product, through: Some(*at), workload: load.workload });
            }
        }
    }
    loads
}

/// One of those that try again.
struct Layer {
    times: u64,
    what: String,
    place: Place,
    is_reload: bool,
}

fn say(model: &Model, atlas: &Atlas, loads: &[Option<Load>], endpoint: usize, load: Load, cx: &mut Cx<'_>) {
    // From the lowest up.
    let mut layers = Vec::new();
    let layer = |client: ClientId, endpoint: usize| {
        let places = atlas.clients[client.index()];
        let is_hedged = model.clients[client].hedge.is_some();
        Layer {
            times: attempts(model, client),
            what: format!("`{}`", model.endpoint_name(Id::new(endpoint))),
            place: if is_hedged { places.hedge } else { places.retry },
            is_reload: false,
        }
    };
    let (mut at, mut current) = (endpoint, load);
    while let Some(site) = current.through {
        let call = &atlas.calls[site];
        if !call.is_forward {
            layers.push(layer(call.client, at));
        }
        at = call.from.index();
        let Some(above) = loads[at] else { break };
        current = above;
    }
    if let Some(workload) = model.workloads.iter().nth(load.workload) {
        layers.push(layer(workload.client, at));
        layers.push(Layer {
            times: reloads(workload),
            what: format!("reload by `{}`", workload.name),
            place: atlas.workloads[load.workload].reload,
            is_reload: true,
        });
    }
    layers.retain(|layer| layer.times > 1);
    let Some(lowest) = layers.first() else { return };
    let name = model.endpoint_name(Id::new(endpoint));
    let diagnostic = cx.say(
        &catalogue::RETRY_PRODUCT,
        lowest.place,
        format!("one request can become {} calls of `{name}`", load.product),
    );
    diagnostic.number(load.product as f64, "calls that one request can become");
    let others: BTreeSet<Place> = layers.iter().map(|layer| layer.place).filter(|it| *it != lowest.place).collect();
    for other in others {
        diagnostic.also(other, "and here");
    }
    let path: Vec<String> =
        layers.iter().rev().take(SHOWN_MAX).map(|layer| format!("{} x {}", layer.times, layer.what)).collect();
    diagnostic.note(format!("layers that try again multiply: {}", path.join(", ")));
    diagnostic.help(if layers.iter().all(|layer| layer.is_reload) {
        "let users give up sooner: `reload = { attempts = 3, .. }`"
    } else {
        "retry in one layer only, or give each client a budget: `retry = { attempts = 3, budget = { ratio = \"10%\" } }`"
    });
}
