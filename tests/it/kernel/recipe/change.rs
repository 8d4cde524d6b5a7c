//! Random changes: what an operator does.

use brownout::model::{Action, Change, Setting};

use super::*;

#[derive(Clone, Debug)]
pub(super) struct ChangeRecipe {
    at_ms: u64,
    place: u32,
    replicas: u32,
    time_ms: Option<u64>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// What becomes of a service, a client or a pool that is made of these.
    Service(u32, Box<ServiceRecipe>),
    Client(u32, Box<Client>),
    Pool(u32),
    Scale,
    Restart,
    Drain,
}

pub(super) fn change(lengths: Lengths) -> impl Strategy<Value = ChangeRecipe> {
    let kind = prop_oneof![
        5 => (any::<u32>(), service::service(lengths)).prop_map(|(which, it)| Kind::Service(which, Box::new(it))),
        5 => (any::<u32>(), client(lengths)).prop_map(|(which, it)| Kind::Client(which, Box::new(it))),
        1 => (1u32..5).prop_map(Kind::Pool),
        5 => Just(Kind::Scale),
        2 => Just(Kind::Restart),
        2 => Just(Kind::Drain),
    ];
    (0u64..400, any::<u32>(), 1u32..6, option::of(1u64..100), kind)
        .prop_map(|(at_ms, place, replicas, time_ms, kind)| ChangeRecipe { at_ms, place, replicas, time_ms, kind })
}

pub(super) fn cook(recipes: &[ChangeRecipe], model: &Model) -> Vec<Change> {
    let cook = |(n, recipe): (usize, &ChangeRecipe)| Change {
        name: format!("change{n}"),
        at: Time::ZERO + ms(recipe.at_ms),
        action: action(recipe, model),
        is_trigger: false,
    };
    recipes.iter().enumerate().map(cook).collect()
}

fn action(recipe: &ChangeRecipe, model: &Model) -> Action {
    let place = recipe.place as usize;
    let service = ServiceId::new(place % model.services.len());
    let subset = if recipe.replicas > 3 { Subset::All } else { Subset::First(recipe.replicas) };
    let time = recipe.time_ms.map(ms);
    match &recipe.kind {
        Kind::Service(which, it) => Action::Set(vec![of_service(*which, service, &it.service, model)]),
        Kind::Client(which, it) => {
            let client = ClientId::new(place % model.clients.len());
            Action::Set(vec![of_client(*which, client, it, model)])
        }
        Kind::Pool(size) => Action::Set(vec![Setting::Permits(PoolId::new(place % model.pools.len()), *size)]),
        Kind::Scale => Action::Scale(vec![(service, recipe.replicas)]),
        Kind::Restart => Action::Restart { service, subset, every: time },
        Kind::Drain => Action::Drain { service, subset, lasts: time },
    }
}

fn of_service(which: u32, id: ServiceId, it: &Service, model: &Model) -> Setting {
    match which % 6 {
        0 => Setting::Queue(id, it.queue),
        1 => Setting::Overflow(id, it.overflow),
        2 => Setting::QueueTimeout(id, it.queue_timeout.clone()),
        3 => Setting::Limit(id, it.limit),
        4 if model.services[id].cores.is_some() => Setting::Cores(id, it.cores.unwrap_or(3)),
        _ => Setting::Threads(id, it.threads),
    }
}

fn of_client(which: u32, id: ClientId, it: &Client, model: &Model) -> Setting {
    match which % 7 {
        0 => Setting::Latency(id, it.latency.clone()),
        1 if model.clients[id].hedge.is_none() => Setting::Retry(id, it.retry),
        2 => Setting::Breaker(id, it.breaker),
        3 => Setting::Throttle(id, it.throttle),
        4 => Setting::Cancel(id, it.cancel),
        5 => Setting::Deadlines(id, it.deadlines),
        _ => Setting::Timeout(id, it.timeout),
    }
}

/// Nobody waits for ever.
pub(super) fn keep_patience(changes: &mut [Change], timeout: Span) {
    for change in changes {
        let Action::Set(settings) = &mut change.action else { continue };
        for setting in settings {
            if let Setting::Timeout(_, until) = setting {
                until.get_or_insert(timeout);
            }
        }
    }
}
