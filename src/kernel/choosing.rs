//! Which replica gets an attempt: the balancer of the client picks one of those that it may know, that outlier detection
//! does not hide, that have not failed it lately, and that stand in the zone where the call goes.

use crate::base::random::{Key, Stream};
use crate::base::time::{Span, Time};
use crate::model::{Caller, Channel as ModelChannel, Client, Id, Model, Service, ZoneAware, ZoneId};
use crate::policy::Outcome;
use crate::policy::balance::{AnyBalancer, Ask, Balance, Balancer, Fleet, Maglev, PassiveHealth, ZoneShares, subset};
use crate::policy::outlier::{AnyOutlier, Outlier};

use super::frame::NONE;
use super::gate::Gate;
use super::port::Port;
use super::world::{ServiceState, World, channel_name};

/// Who may be picked, where it is not all that are up. One per port.
pub(super) struct Sieve {
    /// The only ones that the client knows, ascending.
    subset: Option<Vec<u32>>,
    outlier: Option<AnyOutlier>,
    health: Option<PassiveHealth>,
    zones: Option<ZoneSieve>,
    /// How many replicas were out when the observer was told last.
    told: u32,
    /// Those that come through.
    rest: Vec<u32>,
}

/// Where a client stands, and what it makes of it.
pub(super) struct ZoneSieve {
    pub(super) aware: ZoneAware,
    /// Of the caller.
    pub(super) zone: u32,
    /// How many callers there are, by zone.
    pub(super) callers: Vec<u32>,
}

impl Sieve {
    /// Of a process that has just started, with `key` for its draws; `None` where all that are up may be picked.
    pub(super) fn new(
        client: &Client,
        subset: Option<Vec<u32>>,
        zones: Option<ZoneSieve>,
        key: impl Fn() -> Key,
    ) -> Option<Box<Sieve>> {
        let health = client.health.as_ref().map(PassiveHealth::new);
        let outlier = client.outlier.as_ref().map(|settings| AnyOutlier::from_settings(settings, key()));
        let is_needed = subset.is_some() || outlier.is_some() || health.is_some() || zones.is_some();
        is_needed.then(|| Box::new(Sieve { subset, outlier, health, zones, told: 0, rest: Vec::new() }))
    }

    /// An attempt goes to a replica.
    fn sent(&mut self, now: Time, replica: u32) {
        if let Some(outlier) = &mut self.outlier {
            outlier.started(now, replica);
        }
        if let Some(health) = &mut self.health {
            health.picked(now, replica);
        }
    }

    /// An attempt at a replica has ended. Returns by how many more replicas are out than the observer knows.
    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) -> i32 {
        if let Some(health) = &mut self.health {
            health.ended(now, replica, outcome);
        }
        let Some(outlier) = &mut self.outlier else { return 0 };
        outlier.ended(now, replica, outcome);
        let ejected = outlier.ejected();
        ejected as i32 - std::mem::replace(&mut self.told, ejected) as i32
    }

    /// How many replicas are out, as far as the observer knows.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    /// Leaves in `rest` who may be picked.
    #[inline(never)]
    fn sift(&mut self, now: Time, service: &ServiceState, picks: &mut Stream) {
        self.rest.clear();
        let up = &service.fleet.up;
        match &self.subset {
            None => self.rest.extend_from_slice(up),
            Some(subset) => self.rest.extend(subset.iter().filter(|it| up.binary_search(it).is_ok())),
        }
        if let Some(outlier) = &mut self.outlier
            && let Some(seen) = outlier.sight(now, &self.rest)
        {
            self.rest.clear();
            self.rest.extend_from_slice(seen);
        }
        // One that stands alone is never left out.
        if let Some(health) = self.health.as_ref().filter(|_| self.rest.len() > 1) {
            self.rest.retain(|replica| health.is_eligible(now, *replica));
        }
        let Some(ZoneSieve { aware, zone, callers }) = &self.zones else { return };
        if *zone == NONE || service.zones.is_empty() {
            return;
        }
        let zone_of = |replica: u32| service.zones[replica as usize % service.zones.len()];
        let goes_to = match aware {
            ZoneAware::Off => return,
            ZoneAware::Prefer => *zone,
            ZoneAware::Envoy => {
                let mut replicas = vec![0; callers.len()];
                self.rest.iter().for_each(|replica| replicas[zone_of(*replica) as usize] += 1);
                let Some(shares) = ZoneShares::new(callers, &replicas, *zone) else { return };
                shares.pick(*zone, picks)
            }
        };
        if self.rest.iter().any(|replica| zone_of(*replica) == goes_to) {
            self.rest.retain(|replica| zone_of(*replica) == goes_to);
        }
    }
}

impl Port {
    /// An attempt goes to replica `number`.
    #[inline(always)]
    pub(super) fn sends_to(&mut self, now: Time, number: u32) {
        if !self.is_quiet {
            self.tells_of_start(now, number);
        }
    }

    #[inline(never)]
    fn tells_of_start(&mut self, now: Time, number: u32) {
        self.balancer.started(number);
        if let Some(sieve) = &mut self.sieve {
            sieve.sent(now, number);
        }
    }

    /// An attempt at replica `number` has ended. Returns by how many more replicas are out than the observer knows.
    #[inline(always)]
    pub(super) fn hears_of(&mut self, now: Time, number: u32, rtt: Span, outcome: Outcome) -> i32 {
        if self.is_quiet { 0 } else { self.tells_of_end(now, number, rtt, outcome) }
    }

    #[inline(never)]
    fn tells_of_end(&mut self, now: Time, number: u32, rtt: Span, outcome: Outcome) -> i32 {
        self.balancer.ended(now, number, rtt, outcome);
        self.sieve.as_mut().map_or(0, |sieve| sieve.ended(now, number, outcome))
    }

    /// The number of the replica that its balancer wants next; `None` when none may be picked.
    #[inline(always)]
    pub(super) fn choose(
        &mut self,
        now: Time,
        service: &ServiceState,
        request_key: u32,
        picks: &mut Stream,
    ) -> Option<u32> {
        if let (AnyBalancer::RoundRobin(balancer), None) = (&mut self.balancer, &self.sieve)
            && let Some(number) = balancer.pick_at_once(&service.fleet)
        {
            return Some(number);
        }
        self.choose_with_care(now, service, request_key, picks)
    }

    /// The number of the replica that it sends an attempt to; `None` when none is up.
    #[inline(always)]
    pub(super) fn sends(
        &mut self,
        now: Time,
        service: &mut ServiceState,
        request_key: u32,
        picks: &mut Stream,
    ) -> Option<u32> {
        let number = self.choose(now, service, request_key, picks)?;
        self.sends_to(now, number);
        service.takes_in(number);
        Some(number)
    }

    #[inline(never)]
    fn choose_with_care(
        &mut self,
        now: Time,
        service: &ServiceState,
        request_key: u32,
        picks: &mut Stream,
    ) -> Option<u32> {
        let fleet = &service.fleet;
        // A worker's handler is in the same process, whatever balancers see of it.
        if let AnyBalancer::Own(number) = self.balancer {
            return Some(number);
        }
        if fleet.up.is_empty() {
            return None;
        }
        let key = (request_key != NONE).then_some(request_key);
        let Some(sieve) = &mut self.sieve else {
            return Some(self.balancer.pick(&Ask { now, up: &fleet.up, fleet, key }, picks));
        };
        sieve.sift(now, service, picks);
        if sieve.rest.is_empty() {
            return None;
        }
        Some(self.balancer.pick(&Ask { now, up: &sieve.rest, fleet, key }, picks))
    }
}

impl World {
    /// What replica `number` of a channel's caller knows when it starts at `now`, but for its connections.
    pub(super) fn port(&self, model: &Model, channel: &ModelChannel, client: &Client, number: u32, now: Time) -> Port {
        let name = || channel_name(model, channel);
        let service = &self.services[channel.to.index()];
        let subset =
            client.subset.map(|size| subset(model.seed, &format!("{}/subset", name()), service.wanted, size, number));
        let zones = (client.zone_aware != ZoneAware::Off).then(|| {
            let all = model.zones.len();
            let mut callers = vec![0; all];
            let (zones, count): (&[ZoneId], u32) = match channel.from {
                Caller::Workload(id) => (model.workloads[id].zone.as_slice(), 1),
                Caller::Service(id) => (&model.services[id].zones, model.services[id].replicas),
                Caller::Consumer(id) => {
                    let service = &model.services[model.endpoints[model.consumers[id].handler].service];
                    (&service.zones, service.replicas)
                }
            };
            let zone_of = |number: u32| zones.get(number as usize % zones.len().max(1)).map_or(NONE, |zone| zone.0);
            (0..count).map(zone_of).filter(|zone| *zone != NONE).for_each(|zone| callers[zone as usize] += 1);
            ZoneSieve { aware: client.zone_aware, zone: zone_of(number), callers }
        });
        let started = if now == Time::ZERO { String::new() } else { format!("/{}", now.as_nanos()) };
        let key = || {
            let key = Key::root(model.seed, &format!("{}/policies", name())).child(u64::from(number));
            if now == Time::ZERO { key } else { key.child(now.as_nanos()) }
        };
        let mut port = Port {
            sieve: Sieve::new(client, subset, zones, key),
            gate: Gate::new(client, model.seed, &format!("{}/{number}{started}", name()), now),
            ..Port::new(client)
        };
        // A worker's handler is in the same process.
        let is_own = matches!(channel.from, Caller::Consumer(_));
        if is_own {
            port.balancer = AnyBalancer::Own(number);
        }
        port.settle();
        port
    }
}

/// The table in which whoever balances by Maglev looks its replicas up.
pub(super) fn maglev(service: &Service) -> Maglev {
    let fleet = Fleet { weights: service.weights.clone(), ..Fleet::default() };
    Maglev::new(&(0..service.replicas).map(|replica| (replica, fleet.written_weight(replica))).collect::<Vec<_>>())
}

/// Which services somebody balances by `balance`.
pub(super) fn balanced_by(model: &Model, balance: Balance) -> Vec<bool> {
    let mut found = vec![false; model.services.len()];
    for edge in model.edges().iter() {
        if model.clients[edge.client].balance == balance {
            found[model.endpoints[edge.to].service.index()] = true;
        }
    }
    found
}
