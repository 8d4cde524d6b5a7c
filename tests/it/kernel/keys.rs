//! The key of a request: whom it leads to, that it reaches everything the request causes, and that it disturbs
//! nobody who does not ask for it.

use std::ops::ControlFlow;

use brownout::base::keys::KeyDistribution;
use brownout::base::random::Stream;
use brownout::base::time::Time;
use brownout::base::units::Share;
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{Engine, Observer};
use brownout::measure::{Results, simulate};
use brownout::model::{CacheStore, Effect, Model, Scope, WorkloadId};
use brownout::policy::Outcome;
use brownout::policy::balance::{AnyBalancer, Ask, Balance, Balancer, Fleet, Ring};
use brownout::scenario::{LoadOptions, load};
use proptest::prelude::*;

use super::laws;
use super::recipe::{Lengths, config, models};

fn model(text: &str, key: Option<&str>, balance: Balance) -> Model {
    let loaded = load("keys.toml", text.as_bytes(), &LoadOptions::default());
    let mut model = loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)));
    model.workloads[WorkloadId(0)].key = key.map(|key| key.parse().expect(key));
    for client in model.clients.ids() {
        model.clients[client].balance = balance;
    }
    model
}

fn run(model: &Model) -> Results {
    simulate(model, &mut |_| ControlFlow::Continue(()))
}

/// Ten replicas for 100 requests a second each; 500 requests a second come.
const SHOP: &str = r#"
duration = "200s"
[workload.users]
entry = "shop.show"
arrivals = "even(500/s)"
[service.shop]
replicas = 10
threads = 1
queue = 20
[service.shop.endpoint.show]
steps = [{ work = "10ms" }]
"#;

/// Half of the load that they could bear: enough for round robin, far too much for the one that has the hottest key.
#[test]
fn a_hot_key_overloads_one_replica() {
    let rejected = |results: &Results| results.workloads[0].outcomes[Outcome::Rejected as usize];
    let even = run(&model(SHOP, Some("zipf(1.2, 10000)"), Balance::RoundRobin));
    assert_eq!(rejected(&even), 0);
    let hashed = run(&model(SHOP, Some("zipf(1.2, 10000)"), Balance::RingHash));

    // On paper: every replica rejects what is above 100 requests a second.
    let fleet = Fleet { up: (0..10).collect(), ring: Ring::new(10), ..Fleet::default() };
    let mut balancer = AnyBalancer::from_settings(Balance::RingHash);
    let mut rates = [0.0; 10];
    let weights: Vec<f64> = (1..=10_000).map(|rank| libm::pow(f64::from(rank), -1.2)).collect();
    let total: f64 = weights.iter().sum();
    for (key, weight) in weights.iter().enumerate() {
        let owner = balancer.pick(
            &Ask { now: Time::ZERO, up: &fleet.up, fleet: &fleet, key: Some(key as u32) },
            &mut Stream::new(1, "paper"),
        );
        rates[owner as usize] += 500.0 * weight / total;
    }
    assert_eq!(rates.iter().filter(|rate| **rate > 100.0).count(), 1, "{rates:?}");
    let above: f64 = rates.iter().map(|rate| (rate - 100.0).max(0.0)).sum();
    let found = rejected(&hashed) as f64 / 200.0;
    assert!((found / above - 1.0).abs() < 0.1, "{found} instead of {above} a second are rejected");

    // Without a key they go anywhere.
    let without = run(&model(SHOP, None, Balance::RingHash));
    assert!(rejected(&without) < rejected(&hashed) / 10);
}

/// A request goes through a branch, a hand-over, a call and its retries before it reaches `store`, whose replicas have
/// one thread each.
const DEEP: &str = r#"
duration = "10s"
[workload.users]
entry = "front.page"
arrivals = "poisson(50/s)"
[client.patient]
retry = { attempts = 3, backoff = "10ms" }
[service.front]
replicas = 3
[service.front.endpoint.page]
steps = [
  { parallel = [ { call = "middle.pass" }, [ { sleep = "1ms" }, { call = "middle.ask" } ] ] },
  { call = "store.get", client = "patient", optional = true },
]
[service.middle]
replicas = 3
[service.middle.endpoint.pass]
steps = [{ forward = "store.put" }]
[service.middle.endpoint.ask]
steps = [{ call = "store.get", client = "patient", optional = true }]
[service.store]
replicas = 5
threads = 1
[service.store.endpoint.get]
steps = [{ work = "3ms" }, { choose = [ { share = "50%", steps = [{ fail = true }] }, { share = "50%", steps = [] } ] }]
[service.store.endpoint.put]
steps = [{ work = "3ms" }]
"#;

/// The most threads that a service uses at the same time.
struct Busiest {
    service: u32,
    busy: i32,
    most: i32,
}

impl Observer for Busiest {
    fn threads(&mut self, service: u32, _now: Time, busy: i32, _wasted: i32) {
        if service == self.service {
            self.busy += busy;
            self.most = self.most.max(self.busy);
        }
    }
}

fn most_busy(model: &Model, service: &str) -> i32 {
    let service = model.services.iter().position(|it| it.name == service).unwrap() as u32;
    let observer = Busiest { service, busy: 0, most: 0 };
    let mut engine = Engine::<Wheel, Busiest>::new(model, observer);
    engine.run(&mut |_| ControlFlow::Continue(()));
    engine.into_observer().most
}

#[test]
fn all_that_a_request_causes_has_its_key() {
    // One key: one replica.
    assert_eq!(most_busy(&model(DEEP, Some("uniform(1)"), Balance::RingHash), "store"), 1);
    // Many keys, no key, another balancer: several.
    assert!(most_busy(&model(DEEP, Some("uniform(1000)"), Balance::RingHash), "store") > 2);
    assert!(most_busy(&model(DEEP, None, Balance::RingHash), "store") > 2);
    assert!(most_busy(&model(DEEP, Some("uniform(1)"), Balance::RoundRobin), "store") > 2);
}

#[test]
fn a_user_of_a_closed_loop_draws_a_new_key_for_every_request() {
    let closed = SHOP.replace("even(500/s)", "users(1, think=1ms)");
    let results = run(&model(&closed, Some("uniform(10000)"), Balance::RingHash));
    assert!(results.workloads[0].offered > 10_000);
    // With two users, who would wait for each other at one replica half of the time or always if a key stayed.
    let two = closed.replace("users(1,", "users(2,").replace("queue = 20", "queue = 0");
    let rejected = |key: &str| {
        let users = &run(&model(&two, Some(key), Balance::RingHash)).workloads[0];
        users.outcomes[Outcome::Rejected as usize] as f64 / users.offered as f64
    };
    let (one, many) = (rejected("uniform(1)"), rejected("uniform(10000)"));
    assert!(one > 0.8 && (0.05..0.5).contains(&many), "{one} {many}");
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn keys_that_nobody_asks_for_change_nothing(model in models(Lengths::Any)) {
        let with_key = |key: Option<&str>| {
            let mut model = model.clone();
            for client in model.clients.ids() {
                if matches!(model.clients[client].balance, Balance::RingHash | Balance::Maglev) {
                    model.clients[client].balance = Balance::LeastRequest;
                }
            }
            for cache in model.caches.ids() {
                model.caches[cache].store = CacheStore::Ratio(Share::new(0.5).expect("a share"));
            }
            for pool in model.pools.ids() {
                model.pools[pool].scope = Scope::Shared;
            }
            model.faults.retain(|fault| fault.effect != Effect::Flush);
            for workload in model.workloads.ids() {
                model.workloads[workload].key = key.map(|key| key.parse::<KeyDistribution>().expect(key));
            }
            format!("{:?}", laws::run(&model))
        };
        prop_assert_eq!(with_key(None), with_key(Some("zipf(1, 100)")));
    }
}
