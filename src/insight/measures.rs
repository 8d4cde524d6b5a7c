//! The figures of a run as a flat table: each with a name as conditions write it (`goodput(shoppers)`, `p99(orders)`),
//! its unit, and whether more of it is better. Which rows there are depends on the scenario alone, so that those of
//! several runs can be held side by side.

use serde::{Deserialize, Serialize};

use crate::base::time::{Span, Time};
use crate::kernel::Fate;
use crate::measure::{Latency, Results};
use crate::model::{Caller, EdgeId, Id, Model, Scope, Service, ServiceId};
use crate::policy::Outcome;

use super::Insight;
use super::cost::{Amounts, core_hours};

/// In what something is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureUnit {
    /// A part of a whole, as a number around 0..=1.
    Share,
    /// Events per second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// A plain number.
    Number,
    /// Money, in the currency of the prices.
    Money,
}

/// Of which two values the better one is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The larger.
    More,
    /// The smaller.
    Less,
    /// Neither: it says what happened, not whether that is good.
    Neither,
}

/// What it is measured at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureOf {
    /// The run as a whole.
    Run,
    /// A workload.
    Workload,
    /// A service.
    Service,
    /// An edge.
    Edge,
    /// A pool.
    Pool,
    /// A cache.
    Cache,
    /// A topic or a queue, for one group of consumers.
    Group,
}

/// A figure of a run, without its value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// As conditions write it.
    pub name: String,
    /// What kind of thing it is measured at.
    pub of: MeasureOf,
    /// The name of that thing; empty for the run as a whole.
    pub subject: String,
    /// Its unit.
    pub unit: MeasureUnit,
    /// Which values are better.
    pub better: Better,
}

impl Measure {
    /// The name without its subject: `goodput` of `goodput(shoppers)`.
    pub fn metric(&self) -> &str {
        self.name.split('(').next().unwrap_or(&self.name)
    }
}

/// Every figure of a run and its value; `None` where there is no sample. `twin` is the run without triggers.
pub fn measures(
    model: &Model,
    results: &Results,
    twin: Option<&Results>,
    insight: Option<&Insight>,
) -> Vec<(Measure, Option<f64>)> {
    let from = Time::ZERO + model.warmup;
    let secs = results.ended.max(from).since(from).as_secs_f64();
    let mut table = Table { model, results, twin, from, secs, rows: Vec::new() };
    table.run(insight);
    table.workloads();
    table.services();
    table.edges();
    table.pools();
    table.caches();
    table.groups();
    table.rows
}

struct Table<'a> {
    model: &'a Model,
    results: &'a Results,
    twin: Option<&'a Results>,
    from: Time,
    secs: f64,
    rows: Vec<(Measure, Option<f64>)>,
}

/// A thing and its name.
type Thing<'n> = (MeasureOf, &'n str);

impl Table<'_> {
    fn add(&mut self, (of, subject): Thing<'_>, metric: &str, unit: MeasureUnit, better: Better, value: Option<f64>) {
        let name = if subject.is_empty() { metric.to_owned() } else { format!("{metric}({subject})") };
        let measure = Measure { name, of, subject: subject.to_owned(), unit, better };
        self.rows.push((measure, value.filter(|value| value.is_finite())));
    }

    fn share(&mut self, thing: Thing<'_>, metric: &str, better: Better, (part, whole): (u64, u64)) {
        self.add(thing, metric, MeasureUnit::Share, better, ratio(part as f64, whole as f64));
    }

    fn latency(&mut self, thing: Thing<'_>, it: &Latency) {
        let quantile = |q| it.quantile(q).map(Span::as_secs_f64);
        let mean = (it.count() > 0).then(|| it.sum_nanos() as f64 / 1e9 / it.count() as f64);
        for (metric, value) in
            [("mean", mean), ("p50", quantile(0.5)), ("p95", quantile(0.95)), ("p99", quantile(0.99))]
        {
            self.add(thing, metric, MeasureUnit::Seconds, Better::Less, value);
        }
    }

    fn per_sec(&self, count: u64) -> Option<f64> {
        ratio(count as f64, self.secs)
    }

    fn level(&self, nanos: u128) -> Option<f64> {
        ratio(nanos as f64 / 1e9, self.secs)
    }

    fn run(&mut self, insight: Option<&Insight>) {
        let thing = (MeasureOf::Run, "");
        let judgement = insight.map(|insight| &insight.judgement);
        if !self.model.triggers().is_empty() {
            let back = judgement.and_then(|it| it.time_to_recover).map(Span::as_secs_f64);
            self.add(thing, "time_to_recover", MeasureUnit::Seconds, Better::Less, back);
        }
        let missing = judgement.map(|it| it.missing_at_end);
        self.add(thing, "missing_at_end", MeasureUnit::Share, Better::Less, missing);
        let amounts = Amounts::of(self.model, self.results);
        let each = |amount| amounts.per_million(amount);
        let core_hours = each(amounts.core_hours);
        self.add(thing, "core_hours_per_million", MeasureUnit::Number, Better::Less, core_hours);
        let replica_hours = each(amounts.replica_hours);
        self.add(thing, "replica_hours_per_million", MeasureUnit::Number, Better::Less, replica_hours);
        if let Some(prices) = &self.model.prices {
            let total = each(amounts.at(prices).total());
            self.add(thing, "cost_per_million", MeasureUnit::Money, Better::Less, total);
        }
    }

    fn workloads(&mut self) {
        let (model, results) = (self.model, self.results);
        for (workload, it) in model.workloads.iter().zip(&results.workloads) {
            let thing = (MeasureOf::Workload, workload.name.as_str());
            let answered = it.outcomes[Outcome::Ok as usize];
            let failed = it.outcomes.iter().sum::<u64>() - answered;
            let offered = self.per_sec(it.offered);
            self.add(thing, "offered", MeasureUnit::PerSecond, Better::Neither, offered);
            self.share(thing, "goodput", Better::More, (it.good, it.offered));
            self.share(thing, "throughput", Better::More, (answered, it.offered));
            self.share(thing, "failures", Better::Less, (failed, it.offered));
            let attempts = ratio(it.attempts as f64, it.offered as f64);
            self.add(thing, "attempts", MeasureUnit::Number, Better::Less, attempts);
            self.latency(thing, &it.latency);
            if let Some(sessions) = it.sessions {
                self.share(thing, "sessions_finished", Better::More, (sessions.finished, sessions.started));
            }
        }
    }

    fn services(&mut self) {
        let (model, results, window) = (self.model, self.results, (self.from, self.results.ended.max(self.from)));
        let has_triggers = !model.triggers().is_empty();
        let requests: u64 = results.workloads.iter().map(|it| it.offered).sum();
        for (n, (service, it)) in model.services.iter().zip(&results.services).enumerate() {
            let (id, thing) = (ServiceId::new(n), (MeasureOf::Service, service.name.as_str()));
            let most = |of: fn(&Service) -> Option<u64>| {
                model.mean_of_service(id, window, |service| of(service).map(|many| many as f64))
            };
            if service.threads_in_all().is_some() {
                let busy = most(Service::threads_in_all).and_then(|all| ratio(self.level(it.busy_nanos)?, all));
                self.add(thing, "utilisation", MeasureUnit::Share, Better::Less, busy);
            }
            if service.cores_in_all().is_some() {
                let busy = most(Service::cores_in_all).and_then(|all| ratio(self.level(it.work_nanos)?, all));
                self.add(thing, "core_utilisation", MeasureUnit::Share, Better::Less, busy);
            }
            let attempts = ratio(it.arrivals as f64, requests as f64);
            self.add(thing, "attempts", MeasureUnit::Number, Better::Less, attempts);
            if has_triggers {
                let usual = self.twin.map(|twin| twin.services[n].arrivals);
                let times = usual.and_then(|usual| ratio(it.arrivals as f64, usual as f64));
                self.add(thing, "amplification", MeasureUnit::Number, Better::Less, times);
            }
            self.share(thing, "rejected", Better::Less, (it.rejected, it.arrivals));
            self.share(thing, "shed", Better::Less, (it.shed, it.arrivals));
            self.share(thing, "dropped", Better::Less, (it.dropped, it.arrivals));
            let waste = ratio(it.wasted_nanos as f64, it.busy_nanos as f64);
            self.add(thing, "waste", MeasureUnit::Share, Better::Less, waste);
            self.add(thing, "queue", MeasureUnit::Number, Better::Less, self.level(it.queue_nanos));
            self.add(thing, "in_system", MeasureUnit::Number, Better::Less, self.level(it.in_system_nanos));
            let wait = it.wait.mean().map(Span::as_secs_f64);
            self.add(thing, "wait", MeasureUnit::Seconds, Better::Less, wait);
            self.latency(thing, &it.sojourn);
            let core_hours = ratio(core_hours(it.work_nanos) * 1e6, requests as f64);
            self.add(thing, "core_hours_per_million", MeasureUnit::Number, Better::Less, core_hours);
        }
    }

    fn edges(&mut self) {
        let (model, results) = (self.model, self.results);
        let edges = model.edges();
        let mut times = std::collections::BTreeMap::new();
        edges.iter().for_each(|edge| *times.entry(model.edge_name(edge)).or_insert(0) += 1);
        for (n, it) in results.edges.iter().enumerate() {
            let edge = &edges[EdgeId::new(n)];
            // Those that differ only in their client say so.
            let plain = model.edge_name(edge);
            let name = match times[&plain] {
                1 => plain,
                _ => format!("{plain} via {}", model.clients[edge.client].name),
            };
            let thing = (MeasureOf::Edge, name.as_str());
            let factor = ratio(it.attempts as f64, it.calls as f64);
            self.add(thing, "retry_factor", MeasureUnit::Number, Better::Less, factor);
            let ended: u64 = it.outcomes.iter().sum();
            self.share(thing, "failures", Better::Less, (ended - it.outcomes[Outcome::Ok as usize], ended));
            if let Some(Some(fallbacks)) = results.resilience.as_ref().map(|it| it.fallbacks[n].as_ref()) {
                self.share(thing, "fallbacks", Better::Less, (fallbacks.served, it.calls));
            }
            if matches!(edge.from, Caller::Service(_) | Caller::Consumer(_)) {
                let p99 = it.latency.quantile(0.99).map(Span::as_secs_f64);
                self.add(thing, "p99", MeasureUnit::Seconds, Better::Less, p99);
            }
        }
    }

    fn pools(&mut self) {
        let (model, results) = (self.model, self.results);
        for (pool, it) in model.pools.iter().zip(&results.pools) {
            let thing = (MeasureOf::Pool, pool.name.as_str());
            let wanted = it.acquired + it.timed_out + it.rejected;
            self.share(thing, "rejected", Better::Less, (it.timed_out + it.rejected, wanted));
            if pool.scope == Scope::Shared && !pool.is_optimistic {
                let used = self.level(it.used_nanos).and_then(|used| ratio(used, f64::from(pool.size)));
                self.add(thing, "utilisation", MeasureUnit::Share, Better::Less, used);
            }
            self.add(thing, "queue", MeasureUnit::Number, Better::Less, self.level(it.waiting_nanos));
            let wait = it.wait.mean().map(Span::as_secs_f64);
            self.add(thing, "wait", MeasureUnit::Seconds, Better::Less, wait);
        }
    }

    fn caches(&mut self) {
        let (model, results) = (self.model, self.results);
        for (cache, it) in model.caches.iter().zip(&results.caches) {
            let thing = (MeasureOf::Cache, cache.name.as_str());
            self.add(thing, "hit_ratio", MeasureUnit::Share, Better::More, it.hit_ratio());
        }
    }

    fn groups(&mut self) {
        let (model, Some(messaging)) = (self.model, &self.results.messaging) else { return };
        for (group, it) in model.groups().iter().zip(&messaging.groups) {
            let name = model.group_name(group);
            let thing = (MeasureOf::Group, name.as_str());
            self.add(thing, "lag", MeasureUnit::Number, Better::Less, self.level(it.lag_nanos));
            self.add(thing, "lag_peak", MeasureUnit::Number, Better::Less, Some(f64::from(it.lag_peak)));
            self.add(thing, "age_peak", MeasureUnit::Seconds, Better::Less, Some(it.age_peak.as_secs_f64()));
            self.share(thing, "consumed", Better::More, (it.with_fate(Fate::Consumed), it.kept));
            for (metric, fate) in [("dead", Fate::Dead), ("expired", Fate::Expired), ("lost", Fate::Lost)] {
                self.share(thing, metric, Better::Less, (it.with_fate(fate), it.kept));
            }
            self.share(thing, "redelivered", Better::Less, (it.redelivered, it.delivered));
            self.latency(thing, &it.latency);
        }
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then_some(part / whole)
}
