//! What a run cost: CPU time, and with prices money, for a million requests of users; and how many replicas would do.

use serde::Serialize;

use crate::insight::cost::{Amounts, Money, core_hours, replicas};
use crate::measure::{Batches, PerBatch, ServiceSums, half_width, together};
use crate::model::{Limit, Prices};

use super::facts::{self, Facts};

/// `cost` in `summary.json`; only where the scenario has prices.
#[derive(Serialize)]
pub(super) struct CostSection<'a> {
    currency: &'a str,
    per_million_requests: PerMillion,
    target_utilisation_share: f64,
    services: Vec<ServiceCost<'a>>,
}

/// Of all services together.
#[derive(Clone, Copy, Serialize)]
pub(super) struct PerMillion {
    pub(super) cores: Option<f64>,
    pub(super) replicas: Option<f64>,
    pub(super) network: Option<f64>,
    pub(super) total: Option<f64>,
    pub(super) core_hours: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) half_widths: Option<PerMillionWidths>,
}

/// How far [`PerMillion`] may be off.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct PerMillionWidths {
    pub(super) cores: Option<f64>,
    pub(super) replicas: Option<f64>,
    pub(super) network: Option<f64>,
    pub(super) total: Option<f64>,
    pub(super) core_hours: Option<f64>,
}

/// Of one service.
#[derive(Clone, Copy, Serialize)]
pub(super) struct ServiceCost<'a> {
    pub(super) name: &'a str,
    pub(super) core_hours_per_million_requests: Option<f64>,
    pub(super) replicas: f64,
    /// So many would keep its cores (or its threads, where cores are not limited) at most as busy as wanted; `None` where
    /// neither is limited.
    pub(super) replicas_needed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) half_widths: Option<ServiceCostWidths>,
}

/// How far [`ServiceCost`] may be off. Replicas do not vary where load and system stay as they are.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct ServiceCostWidths {
    pub(super) core_hours_per_million_requests: Option<f64>,
}

/// What the run cost, if the scenario has prices.
pub(super) fn section<'a>(facts: &Facts<'a>) -> Option<CostSection<'a>> {
    let prices = facts.model.prices.as_ref()?;
    Some(CostSection {
        currency: &prices.currency,
        per_million_requests: per_million(facts, prices),
        target_utilisation_share: prices.utilisation.as_f64(),
        services: services(facts, prices),
    })
}

/// Costs of a million requests.
pub(super) fn per_million(facts: &Facts, prices: &Prices) -> PerMillion {
    let amounts = Amounts::of(facts.model, facts.results);
    let Money { cores, replicas, network } = amounts.at(prices);
    let each = |amount: f64| amounts.per_million(amount);
    PerMillion {
        cores: each(cores),
        replicas: each(replicas),
        network: each(network),
        total: each(cores + replicas + network),
        core_hours: each(amounts.core_hours),
        half_widths: facts.half_widths(|all| per_million_widths(facts, prices, &all.batches)).flatten(),
    }
}

fn per_million_widths(facts: &Facts, prices: &Prices, batches: &Batches) -> Option<PerMillionWidths> {
    let sums = facts.results.sums.as_ref()?;
    let requests = millions(facts, batches);
    let core_hours = together(sums.services.iter().map(|it| core_hours_of(it, batches)));
    let up = |column: &[u32]| scaled(batches.sums(column, f64::from), batches.point_secs() / 3600.0);
    let replica_hours = together(facts.results.series.services.iter().map(|it| up(&it.up)));
    let bytes = together(sums.messages.iter().map(|it| batches.sums(&it.bytes, |bytes| bytes)));
    let across = together(sums.messages.iter().map(|it| batches.sums(&it.bytes_across, |bytes| bytes)));
    let dearer = (prices.gigabyte_across - prices.gigabyte) / 1e9;
    let network = together([scaled(bytes, prices.gigabyte / 1e9), scaled(across, dearer)]);
    let parts = [scaled(core_hours, prices.core_hour), scaled(replica_hours, prices.replica_hour), network];
    let [cores, replicas, network] = parts.map(|part| half_width(&part, &requests));
    Some(PerMillionWidths {
        cores,
        replicas,
        network,
        total: half_width(&together(parts), &requests),
        core_hours: half_width(&core_hours, &requests),
    })
}

fn core_hours_of(it: &ServiceSums, batches: &Batches) -> PerBatch {
    batches.sums(&it.work, |secs| secs / 3600.0)
}

/// Requests of users in each batch, in millions.
fn millions(facts: &Facts, batches: &Batches) -> PerBatch {
    scaled(together(facts.results.series.workloads.iter().map(|it| batches.counts(&it.offered))), 1e-6)
}

fn scaled(amounts: PerBatch, by: f64) -> PerBatch {
    amounts.map(|amount| amount * by)
}

/// Service by service.
pub(super) fn services<'a>(facts: &Facts<'a>, prices: &Prices) -> Vec<ServiceCost<'a>> {
    let of = |id: usize| ServiceCost {
        name: &facts.service(id).name,
        core_hours_per_million_requests: facts::ratio(
            core_hours(facts.results.services[id].work_nanos) * 1e6,
            requests(facts),
        ),
        replicas: replicas(facts.model, facts.results, id),
        replicas_needed: replicas_needed(facts, id, prices.utilisation.as_f64()),
        half_widths: facts.half_widths(|all| ServiceCostWidths {
            core_hours_per_million_requests: facts.results.sums.as_ref().and_then(|sums| {
                half_width(&core_hours_of(&sums.services[id], &all.batches), &millions(facts, &all.batches))
            }),
        }),
    };
    (0..facts.results.services.len()).map(of).collect()
}

fn replicas_needed(facts: &Facts, id: usize, utilisation: f64) -> Option<u64> {
    let (service, results) = (facts.service(id), &facts.results.services[id]);
    let (busy, each) = match (service.cores, service.threads) {
        (Some(cores), _) => (facts.mean_level(results.work_nanos)?, f64::from(cores)),
        (None, Limit::AtMost(threads)) => (facts.mean_level(results.busy_nanos)?, f64::from(threads)),
        (None, Limit::Unlimited) => return None,
    };
    // What rounding leaves behind must not cost a replica.
    Some(((busy / (each * utilisation) - 1e-9).ceil() as u64).max(1))
}

fn requests(facts: &Facts) -> f64 {
    facts.results.workloads.iter().map(|it| it.offered).sum::<u64>() as f64
}
