//! What somebody does to the system while it runs, and what the system is like after it.

use crate::base::distribution::Distribution;
use crate::base::time::{Span, Time};
use crate::policy::breaker::BreakerSettings;
use crate::policy::limit::LimitSettings;
use crate::policy::retry::RetrySettings;
use crate::policy::throttle::ThrottleSettings;

use super::fault::Subset;
use super::id::{ClientId, ConsumerId, PoolId, ServiceId, TopicId};
use super::service::{Limit, Overflow, QueueTimeout, Service};
use super::{Cancel, Client, Deadlines, Model, Scope};

/// Something that an operator does at a time. Of changes of the same thing the latest one holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// As in the file.
    pub name: String,
    /// When.
    pub at: Time,
    /// What.
    pub action: Action,
    /// Whether it is part of what goes wrong: the run's twin does without it.
    pub is_trigger: bool,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Settings hold from then on.
    Set(Vec<Setting>),
    /// Services have so many replicas from then on; at least 1. New ones start up; those with the highest numbers get
    /// no more requests, finish what they have, and go down.
    Scale(Vec<(ServiceId, u32)>),
    /// Processes die with all they hold, which balancers know at once, and start up again.
    Restart {
        /// Of this service.
        service: ServiceId,
        /// Which of its replicas.
        subset: Subset,
        /// One after another, so long after the last; all at once if `None`. Not zero.
        every: Option<Span>,
    },
    /// All that lies in a queue as dead letters goes back to where it came from.
    Redrive(TopicId),
    /// The group of a consumer reads again. Only of logs.
    Replay {
        /// Whose group.
        consumer: ConsumerId,
        /// From where on.
        from: ReplayFrom,
    },
    /// Balancers send no more requests to processes; these finish what they have, and stay.
    Drain {
        /// Of this service.
        service: ServiceId,
        /// Which of its replicas.
        subset: Subset,
        /// How long until they get requests again; `None` is never.
        lasts: Option<Span>,
    },
}

/// A setting that can change while the system runs, and what it becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Worker threads of one replica.
    Threads(ServiceId, Limit),
    /// Waiting places of one replica.
    Queue(ServiceId, Limit),
    /// Who is turned away when every place is taken.
    Overflow(ServiceId, Overflow),
    /// How long a newcomer waits.
    QueueTimeout(ServiceId, Option<QueueTimeout>),
    /// Cores of one replica, of a service that has had a number of them all the time; at least 1.
    Cores(ServiceId, u32),
    /// What one replica takes on.
    Limit(ServiceId, Option<LimitSettings>),
    /// Network time one way.
    Latency(ClientId, Distribution),
    /// How long one attempt is waited for.
    Timeout(ClientId, Option<Span>),
    /// How failed attempts are repeated. Never of a client with hedges.
    Retry(ClientId, Option<RetrySettings>),
    /// When calls are refused.
    Breaker(ClientId, Option<BreakerSettings>),
    /// Which requests are held back.
    Throttle(ClientId, Option<ThrottleSettings>),
    /// What happens at the callee when the caller gives up.
    Cancel(ClientId, Cancel),
    /// Whether a deadline travels.
    Deadlines(ClientId, Deadlines),
    /// Permits of one instance; at least 1.
    Permits(PoolId, u32),
}

/// From where on a group reads again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayFrom {
    /// What was published since then.
    Time(Time),
    /// In each partition from the record with this number on, or from the nearest one that is there.
    Offset(u64),
}

impl Model {
    /// All that changes settings, in the order of time.
    fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.changes.iter().flat_map(|change| change.action.settings())
    }

    /// The most replicas that a service ever has.
    pub fn replicas_most(&self, service: ServiceId) -> u32 {
        let scaled = self.changes.iter().flat_map(|change| match &change.action {
            Action::Scale(to) => to.as_slice(),
            _ => &[],
        });
        let of_service = scaled.filter(|(id, _)| *id == service).map(|(_, replicas)| *replicas);
        let by_lag = self.scaled_by_lag(service).map(|scaling| scaling.max);
        of_service.chain(by_lag).fold(self.services[service].replicas, u32::max)
    }

    /// Whether somebody takes replicas out of a service and waits until they have finished what they have.
    pub fn scales(&self, service: ServiceId) -> bool {
        self.changes.iter().any(|change| match &change.action {
            Action::Scale(to) => to.iter().any(|(id, _)| *id == service),
            _ => false,
        }) || self.scaled_by_lag(service).next().is_some()
    }

    /// What makes replicas of a service follow the messages that wait for its consumers.
    fn scaled_by_lag(&self, service: ServiceId) -> impl Iterator<Item = super::LagScaling> {
        let of_service = self.consumers.iter().filter(move |it| self.endpoints[it.handler].service == service);
        of_service.filter_map(|consumer| consumer.scaling)
    }

    /// Whether a client ever has a breaker.
    pub fn ever_breaks(&self, client: ClientId) -> bool {
        let of_client = |setting: &Setting| matches!(setting, Setting::Breaker(id, Some(_)) if *id == client);
        self.clients[client].breaker.is_some() || self.settings().any(of_client)
    }

    /// Whether a client ever has a throttle.
    pub fn ever_throttles(&self, client: ClientId) -> bool {
        let of_client = |setting: &Setting| matches!(setting, Setting::Throttle(id, Some(_)) if *id == client);
        self.clients[client].throttle.is_some() || self.settings().any(of_client)
    }

    /// Whether a service ever takes on only so many requests at a time.
    pub fn ever_limits(&self, service: ServiceId) -> bool {
        let is_number = |limit: &LimitSettings| matches!(limit, LimitSettings::Concurrency(_));
        let of_service = |setting: &Setting| matches!(setting, Setting::Limit(id, Some(limit)) if *id == service && is_number(limit));
        self.services[service].limit.as_ref().is_some_and(is_number) || self.settings().any(of_service)
    }

    /// A service as it is at `time`, changes of that time included.
    pub fn service_at(&self, id: ServiceId, time: Time) -> Service {
        let mut service = self.services[id].clone();
        for change in self.changes_until(time) {
            match &change.action {
                Action::Set(settings) => settings.iter().for_each(|setting| setting.apply_to_service(id, &mut service)),
                Action::Scale(to) => {
                    to.iter().filter(|(it, _)| *it == id).for_each(|(_, replicas)| service.replicas = *replicas);
                }
                Action::Restart { .. } | Action::Drain { .. } | Action::Redrive(_) | Action::Replay { .. } => {}
            }
        }
        service
    }

    /// A client at `time`, changes of that time included.
    pub fn client_at(&self, id: ClientId, time: Time) -> Client {
        let mut client = self.clients[id].clone();
        let changes = self.changes_until(time);
        let settings = changes.iter().flat_map(|change| change.action.settings());
        settings.filter(|setting| setting.client() == Some(id)).for_each(|it| it.apply_to_client(&mut client));
        client
    }

    /// Permits of one instance of a pool at `time`, changes of that time included.
    pub fn permits_at(&self, id: PoolId, time: Time) -> u32 {
        let changes = self.changes_until(time);
        let settings = changes.iter().flat_map(|change| change.action.settings());
        let mut of_pool = settings.filter_map(|setting| match setting {
            Setting::Permits(it, size) if *it == id => Some(*size),
            _ => None,
        });
        of_pool.next_back().unwrap_or(self.pools[id].size)
    }

    /// Permits of all instances of a pool at `time` that are there whether somebody uses them or not; `None` where each key
    /// has its own.
    pub fn permits_in_all_at(&self, id: PoolId, time: Time) -> Option<u64> {
        let instances = match self.pools[id].scope {
            Scope::Key => return None,
            Scope::Shared => 1,
            Scope::Replica => {
                let uses = |service: &ServiceId| {
                    let mut endpoints = self.endpoints.iter().filter(|endpoint| endpoint.service == *service);
                    endpoints.any(|endpoint| endpoint.steps.iter().any(|step| step.holds(id)))
                };
                let users = self.services.ids().filter(uses);
                users.map(|service| u64::from(self.service_at(service, time).replicas)).sum()
            }
        };
        Some(instances * u64::from(self.permits_at(id, time)))
    }

    /// The mean over time of what a service has of something; `None` if it is ever without a limit.
    pub fn mean_of_service(
        &self,
        id: ServiceId,
        during: (Time, Time),
        has: impl Fn(&Service) -> Option<f64>,
    ) -> Option<f64> {
        self.mean_over(during, |time| has(&self.service_at(id, time)))
    }

    /// The mean over time of something that only changes can change; `None` if it is ever none.
    pub fn mean_over(&self, (from, until): (Time, Time), at: impl Fn(Time) -> Option<f64>) -> Option<f64> {
        let inside = |time: &Time| *time > from && *time < until;
        let mut times: Vec<Time> = self.changes.iter().map(|change| change.at).filter(inside).collect();
        if times.is_empty() {
            return at(from);
        }
        times.push(from);
        times.sort_unstable();
        times.dedup();
        let mut sum = 0.0;
        for (n, time) in times.iter().enumerate() {
            let length = times.get(n + 1).unwrap_or(&until).since(*time);
            sum += at(*time)? * length.as_secs_f64();
        }
        Some(sum / until.since(from).as_secs_f64())
    }

    /// Changes up to `time` and at it, in the order in which they happen.
    fn changes_until(&self, time: Time) -> Vec<&Change> {
        let mut changes: Vec<&Change> = self.changes.iter().filter(|change| change.at <= time).collect();
        changes.sort_by_key(|change| change.at);
        changes
    }
}

impl Action {
    /// The settings that it changes.
    pub fn settings(&self) -> &[Setting] {
        match self {
            Action::Set(settings) => settings,
            _ => &[],
        }
    }
}

impl Setting {
    /// Changes `service`, if it is the one that the setting is about.
    fn apply_to_service(&self, id: ServiceId, service: &mut Service) {
        match self {
            Setting::Threads(it, threads) if *it == id => service.threads = *threads,
            Setting::Queue(it, queue) if *it == id => service.queue = *queue,
            Setting::Overflow(it, overflow) if *it == id => service.overflow = *overflow,
            Setting::QueueTimeout(it, timeout) if *it == id => service.queue_timeout.clone_from(timeout),
            Setting::Cores(it, cores) if *it == id => service.cores = Some(*cores),
            Setting::Limit(it, limit) if *it == id => service.limit = *limit,
            _ => {}
        }
    }

    /// The client that the setting is about.
    pub fn client(&self) -> Option<ClientId> {
        match self {
            Setting::Latency(id, _)
            | Setting::Timeout(id, _)
            | Setting::Retry(id, _)
            | Setting::Breaker(id, _)
            | Setting::Throttle(id, _)
            | Setting::Cancel(id, _)
            | Setting::Deadlines(id, _) => Some(*id),
            _ => None,
        }
    }

    /// Changes `client`, which is the one that the setting is about.
    pub fn apply_to_client(&self, client: &mut Client) {
        match self {
            Setting::Latency(_, latency) => client.latency.clone_from(latency),
            Setting::Timeout(_, timeout) => client.timeout = *timeout,
            Setting::Retry(_, retry) => client.retry.clone_from(retry),
            Setting::Breaker(_, breaker) => {
                client.breaker.clone_from(breaker);
                if let Some(breaker) = breaker {
                    client.order = client.order.with_breaker(breaker.sees);
                }
            }
            Setting::Throttle(_, throttle) => client.throttle = *throttle,
            Setting::Cancel(_, cancel) => client.cancel = *cancel,
            Setting::Deadlines(_, deadlines) => client.deadlines = *deadlines,
            _ => {}
        }
    }
}
