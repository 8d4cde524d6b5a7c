//! Retries on paper: how many calls one request can become when each layer on its way tries again.

use super::graph::components;
use crate::base::units::Share;
use crate::model::{ClientId, Id, Model};
use crate::policy::retry::{Quota, RetrySettings};
use crate::scenario::build::{Atlas, CallSite};
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

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
            Quota::Rolling(budget) if budget.ratio == 0.0 && budget.min_per_second == 0 => 0,
            Quota::Active(budget) if budget.ratio.is_none() && budget.min == 0 => 0,
            Quota::Aws(quota) if quota.cost > quota.capacity => 0,
            _ => continue,
        };
        let what = match has {
            0 => "there is never a retry".to_owned(),
            n => format!("after {n} retries there is never another one"),
        };
        cx.say(
            &catalogue::DRY_BUDGET,
            atlas.clients[id.index()].retry,
            format!("the retry budget of `{}` is never filled again", client.name),
        )
        .note(what)
        .help("give each call a part of a retry, such as `ratio = \"10%\"`, or make one attempt only");
    }
}

/// Attempts of one call, the first included, that nothing but the policy limits.
fn attempts(model: &Model, client: ClientId) -> u64 {
    let unlimited = |retry: &&RetrySettings| retry.quota.is_none();
    model.clients[client].retry.as_ref().filter(unlimited).map_or(1, |retry| retry.attempts.into())
}

fn loads(model: &Model, sites: &[Vec<(usize, &CallSite)>], order: &[Vec<usize>]) -> Vec<Option<Load>> {
    let mut loads: Vec<Option<Load>> = vec![None; model.endpoints.len()];
    let raise = |loads: &mut Vec<Option<Load>>, endpoint: usize, load: Load| {
        if loads[endpoint].is_none_or(|known| known.product < load.product) {
            loads[endpoint] = Some(load);
        }
    };
    for (at, workload) in model.workloads.iter().enumerate() {
        let product = attempts(model, workload.client);
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

fn say(model: &Model, atlas: &Atlas, loads: &[Option<Load>], endpoint: usize, load: Load, cx: &mut Cx<'_>) {
    let mut layers = Vec::new();
    let mut clients = Vec::new();
    let (mut at, mut current) = (endpoint, load);
    while let Some(site) = current.through {
        let call = &atlas.calls[site];
        layers.push((model.endpoint_name(Id::new(at)), if call.is_forward { 1 } else { attempts(model, call.client) }));
        clients.push(call.client);
        at = call.from.index();
        let Some(above) = loads[at] else { break };
        current = above;
    }
    let workload = &model.workloads.iter().nth(load.workload);
    if let Some(workload) = workload {
        layers.push((model.endpoint_name(Id::new(at)), attempts(model, workload.client)));
        clients.push(workload.client);
    }
    layers.reverse();
    layers.retain(|(_, attempts)| *attempts > 1);
    let path: Vec<String> =
        layers.iter().take(SHOWN_MAX).map(|(name, attempts)| format!("{attempts} x `{name}`")).collect();
    let name = model.endpoint_name(Id::new(endpoint));
    let retries = |client: &ClientId| attempts(model, *client) > 1;
    let Some(client) = clients.iter().find(|client| retries(client)) else { return };
    let diagnostic = cx.say(
        &catalogue::RETRY_PRODUCT,
        atlas.clients[client.index()].retry,
        format!("one request can become {} calls of `{name}`", load.product),
    );
    let mut others: Vec<ClientId> =
        clients.iter().filter(|other| retries(other) && *other != client).copied().collect();
    others.sort_unstable();
    others.dedup();
    for other in others {
        diagnostic.also(atlas.clients[other.index()].retry, "and here");
    }
    diagnostic
        .note(format!("layers that try again multiply: {}", path.join(", ")))
        .help("retry in one layer only, or give each client a budget: `retry = { attempts = 3, budget = { ratio = \"10%\" } }`");
}
