//! Results that nobody simulated: a meltdown as it would look, so that the reports are tested on their own.

use brownout::base::distribution::Distribution;
use brownout::base::random::Key;
use brownout::base::time::{Span, Time};
use brownout::base::units::{Rate, Share};
use brownout::measure::*;
use brownout::model::*;
use brownout::policy::Outcome;
use brownout::policy::balance::Balance;
use brownout::policy::breaker::BreakerSettings;
use brownout::policy::retry::{Backoff, RetrySettings};
use brownout::policy::settings::Value;

pub(super) const SECONDS: u64 = 180;
const WARMUP: u64 = 20;

pub(super) fn service(name: &str, replicas: u32, threads: u32, queue: Limit) -> Service {
    Service { replicas, threads: Limit::AtMost(threads), queue, ..Service::plain(name) }
}

fn client(name: &str, timeout: Span, breaker: bool) -> Client {
    let breaker = breaker.then(|| {
        let mut settings = BreakerSettings::preset("resilience4j").unwrap();
        settings.set("open_for", &Value::Span(Span::from_secs(10))).unwrap();
        settings
    });
    let backoff = Backoff::Fixed(Span::from_millis(100));
    Client {
        name: name.to_owned(),
        transport: None,
        latency: "1ms".parse().unwrap(),
        bandwidth: None,
        loss: Share::ZERO,
        timeout: Some(timeout),
        balance: Balance::RoundRobin,
        overall_timeout: None,
        retry: Some(RetrySettings { backoff, ..RetrySettings::default() }),
        hedge: None,
        breaker,
        outlier: None,
        throttle: None,
        cancel: Cancel::Off,
        deadlines: Deadlines::Local,
        ..Client::direct()
    }
}

/// Forty gateways in front of a chain of three services, the second of which becomes slow.
pub(super) fn model(breaker: bool) -> Model {
    let mut it = Model {
        title: "Forty nodes melt because one dependency slowed by 200 ms".to_owned(),
        seed: 1,
        duration: Span::from_secs(SECONDS),
        warmup: Span::from_secs(WARMUP),
        interval: Span::from_secs(1),
        workloads: Ids::default(),
        services: Ids::default(),
        endpoints: Ids::default(),
        pools: Ids::default(),
        caches: Ids::default(),
        brokers: Ids::default(),
        topics: Ids::default(),
        consumers: Ids::default(),
        clients: Ids::default(),
        faults: Vec::new(),
        changes: Vec::new(),
        prices: None,
        verdict: brownout::model::VerdictSettings::default(),
        traces: brownout::model::TraceSettings::default(),
        zones: Ids::default(),
        links: Vec::new(),
        expectations: Vec::new(),
    };
    it.clients.push(Client::direct());
    let browser = it.clients.push(client("browser", Span::from_secs(2), false));
    let internal = it.clients.push(client("internal", Span::from_secs(1), breaker));
    it.services.push(service("gateway", 40, 16, Limit::AtMost(100)));
    it.services.push(service("orders", 10, 32, Limit::AtMost(100)));
    let inventory = it.services.push(service("inventory", 8, 32, Limit::Unlimited));
    it.services.push(Service { cores: Some(4), ..service("warehouse", 4, 64, Limit::Unlimited) });
    for (index, name) in ["checkout", "create", "reserve", "locate"].into_iter().enumerate() {
        let mut steps = vec![Step::Work(Distribution::exponential(Span::from_millis(2)))];
        if index < 3 {
            steps.push(Step::Call {
                endpoint: EndpointId(index as u32 + 1),
                client: internal,
                optional: false,
                priority: None,
                read: None,
                fallback: None,
            });
        }
        it.endpoints.push(Endpoint::new(ServiceId(index as u32), name, steps));
    }
    let shoppers = it.workloads.push(Workload {
        name: "shoppers".to_owned(),
        session: Session::one(vec![(Share::ONE, EndpointId(0))]),
        key: None,
        arrivals: Arrivals::poisson(Profile::constant(Rate::per_sec(1500.0).unwrap())),
        deadline: Some(Span::from_secs(2)),
        priority: Workload::PRIORITY,
        reload: None,
        client: browser,
        zone: None,
    });
    it.faults.push(Fault {
        name: "slow-inventory".to_owned(),
        at: Time::from_nanos(60_000_000_000),
        lasts: Some(Span::from_secs(20)),
        target: FaultTarget::Service(inventory, Subset::All),
        effect: Effect::AddLatency("200ms".parse().unwrap()),
    });
    let expect = |name: &str, text: &str, metric, target, comparison, bound, from: u64| Expectation {
        name: name.to_owned(),
        text: text.to_owned(),
        metric,
        target,
        comparison,
        bound,
        from: Time::ZERO + Span::from_secs(from),
        until: Time::ZERO + Span::from_secs(SECONDS),
    };
    it.expectations = vec![
        expect(
            "no-blackout",
            "goodput(shoppers) >= 99%",
            Metric::Goodput,
            Target::Workload(shoppers),
            Comparison::AtLeast,
            Bound::Share(0.99),
            100,
        ),
        expect(
            "quick",
            "p99(shoppers) <= 2.5s",
            Metric::Quantile(0.99),
            Target::Workload(shoppers),
            Comparison::AtMost,
            Bound::Span(Span::from_millis(2500)),
            WARMUP,
        ),
    ];
    it
}

/// Between 0 before `from` and 1 after `until`.
fn ramp(at: f64, from: f64, until: f64) -> f64 {
    ((at - from) / (until - from)).clamp(0.0, 1.0)
}

fn after_warmup(counts: &[u64]) -> u64 {
    counts[WARMUP as usize..].iter().sum()
}

fn latencies(groups: &[(u64, f64)]) -> Latency {
    let mut latency = Latency::default();
    for (index, (count, median)) in groups.iter().enumerate() {
        let mut draws = Key::root(1, "synthetic").child(index as u64).draws();
        for _ in 0..*count {
            let spread = draws.next_uniform() + draws.next_uniform() + draws.next_uniform() - 1.5;
            latency.record(Span::from_secs_f64(median * libm::exp(spread)));
        }
    }
    latency
}

/// A collapse at 60 s that never recovers.
pub(super) fn results(model: &Model) -> Results {
    let points = SECONDS as usize;
    let breaker = model.clients[ClientId(2)].breaker.is_some();
    let mut noise = Key::root(model.seed, "noise").draws();
    let mut near = |value: f64, spread: f64| (value * (1.0 + spread * (noise.next_uniform() - 0.5))).max(0.0);
    let mut series = Series { interval: model.interval, points, ..Series::default() };
    let mut workload = WorkloadSeries::default();
    let mut services = vec![ServiceSeries::default(); 4];
    let mut edges = vec![EdgeSeries::default(); 4];
    for point in 0..points {
        let at = point as f64 + 0.5;
        let hurt = ramp(at, 61.0, 70.0);
        let offered = near(1500.0, 0.1);
        let attempts = near(1500.0 * (1.0 + 1.8 * ramp(at, 62.0, 74.0)), 0.06);
        let answered = near(offered.min(1500.0 * (1.0 - 0.85 * hurt)), 0.05 + 0.3 * hurt);
        let good = answered * (1.0 - 0.8 * ramp(at, 62.0, 72.0));
        workload.offered.push(offered as u64);
        workload.attempts.push(attempts as u64);
        workload.answered.push(answered as u64);
        workload.good.push(good as u64);
        workload.failed.push((offered - answered).max(0.0) as u64);
        let quantile = |healthy: f64, ill: f64| healthy * libm::exp(ramp(at, 60.0, 66.0) * libm::log(ill / healthy));
        let silent = (95.0..125.0).contains(&at);
        let latency = |secs: f64| (!silent).then(|| Span::from_secs_f64(secs));
        workload.p50.push(latency(near(quantile(0.018, 2.4), 0.1)));
        workload.p95.push(latency(near(quantile(0.045, 4.1), 0.1)));
        workload.p99.push(latency(near(quantile(0.070, 5.2), 0.2)));

        let starts = [66.0, 63.0, 60.5];
        for (id, service) in services.iter_mut().enumerate() {
            let threads = [640.0, 320.0, 256.0, 256.0][id];
            let healthy = [0.12, 0.17, 0.2, 0.06][id];
            let full = starts.get(id).map_or(0.0, |start| ramp(at, *start, start + 4.0));
            let busy = near(threads * healthy, 0.2) * (1.0 - full) + threads * full * near(0.995, 0.01).min(1.0);
            service.busy.push(busy);
            service.wasted.push(busy * 0.75 * starts.get(id).map_or(0.0, |start| ramp(at, start + 2.0, start + 15.0)));
            service.queue.push([3200.0, 900.0, 5200.0, 0.0][id] * full * near(0.95, 0.1));
            let arrivals = [attempts, answered * 1.9, answered * 1.5, answered][id];
            let rejected = [0.35, 0.2, 0.0, 0.0][id] * full * arrivals;
            service.arrivals.push(arrivals as u64);
            service.completed.push((arrivals - rejected) as u64);
            service.failed.push(0);
            service.rejected.push(rejected as u64);
            service.shed.push(0);
            service.up.push([40, 10, 8, 4][id]);
        }
        for (id, edge) in edges.iter_mut().enumerate() {
            let start = [66.0, 63.0, 60.5, 200.0][id];
            let ill = ramp(at, start, start + 5.0);
            let calls = services[id].arrivals[point];
            let open = if breaker && id > 0 { ill * near(0.8, 0.3).min(1.0) } else { 0.0 };
            let sent = calls as f64 * (1.0 - open);
            let failed = sent * 0.9 * ill;
            edge.calls.push((calls as f64 / (1.0 + ill)) as u64);
            edge.attempts.push(sent as u64);
            edge.ok.push((sent - failed) as u64);
            edge.failed.push(failed as u64);
            edge.timeouts.push((failed * near(0.6, 0.2)) as u64);
            edge.short_circuited.push((calls as f64 * open) as u64);
            if breaker && id > 0 {
                edge.open.push(open);
                edge.half_open.push(if open > 0.0 { (1.0 - open) * 0.5 } else { 0.0 });
            }
        }
    }
    let totals = Totals { workload: &workload, services: &services, edges: &edges };
    let mut results = totals.results(model);
    series.workloads = vec![workload];
    series.services = services;
    series.edges = edges;
    results.series = series;
    results
}

struct Totals<'a> {
    workload: &'a WorkloadSeries,
    services: &'a [ServiceSeries],
    edges: &'a [EdgeSeries],
}

impl Totals<'_> {
    fn results(&self, model: &Model) -> Results {
        Results {
            ended: model.end(),
            interrupted: false,
            events: 12_345_678,
            workloads: vec![self.workload()],
            services: self.services.iter().map(service_totals).collect(),
            edges: self.edges.iter().map(edge_totals).collect(),
            pools: Vec::new(),
            transport: None,
            resilience: None,
            messaging: None,
            caches: Vec::new(),
            measured: vec![Some(0.0321), Some(2.1)],
            measured_half_widths: vec![None; 2],
            series: Series::default(),
            sums: None,
            causes: None,
            traces: None,
        }
    }

    fn workload(&self) -> WorkloadResult {
        let offered = after_warmup(&self.workload.offered);
        let ok = after_warmup(&self.workload.answered).min(offered);
        let mut outcomes = [0; OUTCOMES];
        outcomes[Outcome::Ok as usize] = ok;
        outcomes[Outcome::Rejected as usize] = (offered - ok) / 3;
        outcomes[Outcome::Timeout as usize] = (offered - ok) - (offered - ok) / 3 - 1234;
        WorkloadResult {
            offered,
            outcomes,
            in_flight: 1234,
            good: after_warmup(&self.workload.good),
            attempts: after_warmup(&self.workload.attempts),
            sessions: None,
            latency: latencies(&[(60_000, 0.018), (20_000, 2.4)]),
        }
    }
}

fn service_totals(it: &ServiceSeries) -> ServiceResult {
    let integral = |levels: &[f64]| levels[WARMUP as usize..].iter().map(|level| (level * 1e9) as u128).sum::<u128>();
    let arrivals = after_warmup(&it.arrivals);
    let in_system = integral(&it.busy) + integral(&it.queue);
    ServiceResult {
        arrivals,
        completed: after_warmup(&it.completed),
        failed: 0,
        rejected: after_warmup(&it.rejected),
        shed: 0,
        refused: 0,
        dropped: 0,
        in_flight: 0,
        waited: arrivals / 2,
        wait: latencies(&[(1000, 0.002), (4000, 0.8)]),
        sojourn: latencies(&[(1000, 0.014), (4000, 1.1)]),
        busy_nanos: integral(&it.busy),
        wasted_nanos: integral(&it.wasted),
        queue_nanos: integral(&it.queue),
        in_system_nanos: in_system,
        sojourn_clipped_nanos: in_system,
        work_nanos: integral(&it.busy) / 10,
        peak_queue: it.queue.iter().fold(0.0, |peak: f64, level| peak.max(*level / 40.0)) as u32,
        limit: None,
    }
}

fn edge_totals(it: &EdgeSeries) -> EdgeResult {
    let mut outcomes = [0; OUTCOMES];
    let timeouts = after_warmup(&it.timeouts);
    outcomes[Outcome::Ok as usize] = after_warmup(&it.ok);
    outcomes[Outcome::Timeout as usize] = timeouts;
    outcomes[Outcome::Rejected as usize] = after_warmup(&it.failed).saturating_sub(timeouts);
    outcomes[Outcome::ShortCircuited as usize] = after_warmup(&it.short_circuited);
    EdgeResult {
        calls: after_warmup(&it.calls),
        attempts: after_warmup(&it.attempts),
        outcomes,
        in_flight: 0,
        latency: latencies(&[(1000, 0.014), (300, 0.8)]),
        held_nanos: None,
    }
}

/// Results in which nothing ever happened, with `points` points.
pub(super) fn nothing(model: &Model, points: usize) -> Results {
    let edges = model.edges().len();
    let zeros = vec![0; points];
    let workload = WorkloadSeries {
        offered: zeros.clone(),
        answered: zeros.clone(),
        good: zeros.clone(),
        failed: zeros.clone(),
        attempts: zeros.clone(),
        sessions: SessionSeries::default(),
        latency_nanos: vec![0; points],
        p50: vec![None; points],
        p95: vec![None; points],
        p99: vec![None; points],
    };
    let service = ServiceSeries {
        arrivals: zeros.clone(),
        completed: zeros.clone(),
        failed: zeros.clone(),
        rejected: zeros.clone(),
        shed: zeros.clone(),
        queue: vec![0.0; points],
        busy: vec![0.0; points],
        wasted: vec![0.0; points],
        in_system: vec![0.0; points],
        up: vec![1; points],
        limit: Vec::new(),
    };
    let edge = EdgeSeries {
        calls: zeros.clone(),
        attempts: zeros.clone(),
        ok: zeros.clone(),
        failed: zeros.clone(),
        timeouts: zeros.clone(),
        short_circuited: zeros,
        throttled: Vec::new(),
        limited: Vec::new(),
        held: Vec::new(),
        open: Vec::new(),
        half_open: Vec::new(),
    };
    Results {
        ended: model.end().min(Time::from_nanos(model.interval.as_nanos() * points as u64)),
        interrupted: false,
        events: 0,
        workloads: vec![WorkloadResult::default(); model.workloads.len()],
        services: vec![ServiceResult::default(); model.services.len()],
        edges: vec![EdgeResult::default(); edges],
        pools: Vec::new(),
        caches: Vec::new(),
        transport: None,
        resilience: None,
        messaging: None,
        measured: vec![None; model.expectations.len()],
        measured_half_widths: vec![None; model.expectations.len()],
        sums: None,
        causes: None,
        traces: None,
        series: Series {
            interval: model.interval,
            points,
            workloads: vec![workload; model.workloads.len()],
            services: vec![service; model.services.len()],
            edges: vec![edge; edges],
            pools: Vec::new(),
            caches: Vec::new(),
        },
    }
}

/// A tree of `services` services, each of which calls two others; the deeper, the busier.
pub(super) fn mesh(services: u32) -> (Model, Results) {
    let mut it = model(false);
    it.services = (0..services).map(|id| service(&format!("mesh-{id}"), 1, 8, Limit::Unlimited)).collect();
    let call = |id: u32| Step::Call {
        endpoint: EndpointId(id),
        client: ClientId(2),
        optional: false,
        priority: None,
        read: None,
        fallback: None,
    };
    let endpoint = |id: u32| {
        let callees = [2 * id + 1, 2 * id + 2].into_iter().filter(|id| *id < services);
        Endpoint::new(ServiceId(id), "get", callees.map(call).collect())
    };
    it.endpoints = (0..services).map(endpoint).collect();
    it.faults.clear();
    it.expectations.clear();
    let mut results = nothing(&it, 10);
    for (id, service) in results.services.iter_mut().enumerate() {
        service.busy_nanos = 1_000_000_000 * (id as u128 + 1);
    }
    for series in &mut results.series.services {
        series.busy.iter_mut().enumerate().for_each(|(point, busy)| *busy = point as f64 / 2.0);
    }
    (it, results)
}
