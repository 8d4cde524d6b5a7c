//! Whether what failed is tried again, how soon, and how often in all.

use super::super::cure::Cure;
use super::super::scene::Scene;
use super::key;
use crate::model::{Caller, Client};
use crate::policy::retry::{Backoff, Jitter, RetrySettings};

const BUDGET: &str = "{ budget = { ratio = \"10%\" } }";

pub(super) fn offer(scene: &Scene<'_>, offered: &mut Vec<Cure>) {
    let retrying: Vec<(&Client, &RetrySettings)> = scene
        .clients
        .iter()
        .map(|id| scene.client(*id))
        .filter_map(|client| Some((client, client.retry.as_ref().filter(|retry| retry.attempts > 1)?)))
        .collect();
    let names = retrying.iter().map(|(client, _)| client.name.as_str()).collect::<Vec<_>>();
    let place = names.join(", ");
    let of = |client: &Client| format!("client.{}.retry", key(&client.name));
    for (client, _) in &retrying {
        let what = format!("`{}` tries once", client.name);
        offered.push(Cure::new("no-retries", &client.name, what).set(of(client), "\"none\""));
    }
    if retrying.is_empty() {
        return;
    }
    let each = |mut cure: Cure, value: &dyn Fn(&RetrySettings) -> String| {
        for (client, retry) in &retrying {
            cure = cure.set(of(client), value(retry));
        }
        cure
    };
    if retrying.len() > 1 {
        let inner: Vec<&Client> =
            retrying.iter().map(|(client, _)| *client).filter(|client| !is_of_users(scene, client)).collect();
        if !inner.is_empty() && inner.len() < retrying.len() {
            let cure = Cure::new("retries-in-one-layer", &place, "only users' own clients try again, services do not");
            offered.push(inner.iter().fold(cure, |cure, client| cure.set(of(client), "\"none\"")));
        }
        offered.push(each(Cure::new("no-retries", &place, "nobody tries again"), &|_| "\"none\"".to_owned()));
    }
    if retrying.iter().any(|(_, retry)| retry.quota.is_none()) {
        let what = format!("retries of {place} are at most 10% of the calls");
        let why = "it bounds the retries and not the work: what is left is still more than can be served in time";
        offered.push(each(Cure::new("budget", &place, what), &|_| BUDGET.to_owned()).believed(why));
    }
    if retrying.iter().any(|(_, retry)| retry.jitter == Jitter::None || is_at_once(retry)) {
        let what = format!("{place} waits before a retry, with full jitter");
        let why = "it delays the work and does not remove it: as much comes, spread over a longer time";
        offered.push(each(Cure::new("jitter", &place, what), &jitter).believed(why));
    }
}

/// Users' own client, which no service calls with.
fn is_of_users(scene: &Scene<'_>, client: &Client) -> bool {
    let of = scene.edges.iter().filter(|edge| scene.client(edge.client).name == client.name);
    of.clone().count() > 0 && of.clone().all(|edge| matches!(edge.from, Caller::Workload(_)))
}

fn is_at_once(retry: &RetrySettings) -> bool {
    matches!(retry.backoff, Backoff::Fixed(span) if span.as_nanos() == 0)
}

/// Full jitter; a delay that is none needs one first, since there is nothing to spread.
fn jitter(retry: &RetrySettings) -> String {
    match is_at_once(retry) {
        true => "{ backoff = \"exponential(1s, cap=30s)\", jitter = \"full\" }".to_owned(),
        false => match retry.backoff {
            Backoff::Fixed(span) => {
                format!("{{ backoff = \"exponential({span}, cap=30s)\", jitter = \"full\" }}")
            }
            _ => "{ jitter = \"full\" }".to_owned(),
        },
    }
}
