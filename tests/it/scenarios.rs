//! Good files: what stands in them is what runs, and no bytes make the loader panic.

use brownout::base::distribution::Distribution;
use brownout::base::time::{Span, Time};
use brownout::base::units::{Rate, Share, Size};
use brownout::model::*;
use brownout::policy::balance::Balance;
use brownout::policy::queue::{AdaptiveTimeout, CodelSettings};
use brownout::policy::retry::{Backoff, BudgetSettings, Jitter, Quota};
use brownout::scenario::{LoadOptions, load, reference};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("../data/good/everything.toml");
const MINIMAL: &str = include_str!("../data/good/minimal.toml");
const WORKED_EXAMPLE: &str = include_str!("../data/good/worked-example.toml");

fn model(text: &str, variants: &[&str], sets: &[&str]) -> Model {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let options = LoadOptions { variants: owned(variants), sets: owned(sets), ..LoadOptions::default() };
    let loaded = load("folder/name.toml", text.as_bytes(), &options);
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.diagnostics.render(false));
    loaded.model.unwrap()
}

fn endpoint(model: &Model, name: &str) -> EndpointId {
    model.endpoints.ids().find(|id| model.endpoint_name(*id) == name).unwrap()
}

fn service<'m>(model: &'m Model, name: &str) -> (ServiceId, &'m Service) {
    model.services.enumerate().find(|(_, service)| service.name == name).unwrap()
}

fn client<'m>(model: &'m Model, name: &str) -> (ClientId, &'m Client) {
    model.clients.enumerate().find(|(_, client)| client.name == name).unwrap()
}

#[test]
fn what_is_left_out_has_its_default() {
    let model = model(MINIMAL, &[], &[]);
    assert_eq!((model.title.as_str(), model.seed), ("name", 1));
    assert_eq!((model.duration, model.warmup), (Span::from_secs(60), Span::ZERO));
    assert_eq!(model.interval, Span::from_millis(500));
    let (_, api) = service(&model, "api");
    assert_eq!(*api, Service::plain("api"));
    assert_eq!(model.clients[ClientId(0)], Client::direct());
    assert_eq!(model.workloads[WorkloadId(0)].client, ClientId(0));
    assert_eq!(model.workloads[WorkloadId(0)].deadline, None);
    let retry = client(&model, "all").1.retry.unwrap();
    assert_eq!((retry.attempts, retry.backoff, retry.jitter), (3, Backoff::Fixed(Span::ZERO), Jitter::None));
    assert_eq!(retry.quota, None);
    let quota = client(&model, "budget").1.retry.unwrap().quota.unwrap();
    assert!(matches!(quota, Quota::Budget(budget) if budget.burst == 10));
    assert_eq!(model.faults[0].lasts, None);
    assert_eq!((model.expectations[0].from, model.expectations[0].until), (Time::ZERO, model.end()));
}

#[test]
fn the_defaults_of_a_breaker_are_those_of_the_preset() {
    let plain = model(MINIMAL, &[], &[]);
    let preset = model(MINIMAL, &[], &["client.all.breaker={ preset = \"resilience4j\" }"]);
    assert_eq!(client(&plain, "all").1.breaker, client(&preset, "all").1.breaker);
}

#[test]
fn workloads_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    let names: Vec<_> = model.workloads.iter().map(|workload| workload.name.as_str()).collect();
    assert_eq!(names, ["shoppers", "crowd", "batch", "herd", "day", "beat", "lorries", "gusts", "visitors"]);
    let shoppers = &model.workloads[WorkloadId(0)];
    let (checkout, browse) = (endpoint(&model, "gateway.checkout"), endpoint(&model, "gateway.browse"));
    let share = |share| Share::new(share).unwrap();
    assert_eq!(shoppers.session, Session::one(vec![(share(0.333), checkout), (share(0.667), browse)]));
    assert_eq!(shoppers.deadline, Some(Span::from_secs(2)));
    assert_eq!(shoppers.client, client(&model, "browser").0);
    let point = |secs, rate| RatePoint::new(Time::ZERO + Span::from_secs(secs), Rate::per_sec(rate).unwrap());
    let points = vec![point(0, 100.0), point(30, 100.0), point(30, 400.0), point(60, 50.0)];
    assert_eq!(shoppers.arrivals, Arrivals::poisson(Profile { points }));
    let think = "exp(1s)".parse().unwrap();
    assert_eq!(model.workloads[WorkloadId(1)].arrivals, Arrivals::Users { count: 50, pace: Pace::Think(think) });
    let first = Time::ZERO + Span::from_secs(5);
    let every = Some(Span::from_secs(30));
    assert_eq!(model.workloads[WorkloadId(2)].arrivals, Arrivals::Burst { size: 1000, first, every });
    assert_eq!(model.workloads[WorkloadId(3)].arrivals, Arrivals::Burst { size: 20, first: Time::ZERO, every: None });
    let Arrivals::Rated { process: Process::Even(day), batch: 1 } = &model.workloads[WorkloadId(4)].arrivals else {
        panic!("a day is even")
    };
    assert_eq!(day.points.len(), 2 * 48 + 1, "the run is two periods long");
    assert_eq!((day.points[12].at, day.points[12].rate), (point(15, 9.0).at, point(15, 9.0).rate));
    let beat = Profile::constant(Rate::per_sec(10.0).unwrap());
    assert_eq!(model.workloads[WorkloadId(5)].arrivals, Arrivals::even(beat));
    let rate = |rate| Rate::per_sec(rate).unwrap();
    let slow = Profile::constant(rate(1.0));
    assert_eq!(model.workloads[WorkloadId(6)].arrivals, Arrivals::Rated { process: Process::Even(slow), batch: 10 });
    let (low_for, high_for) =
        (Distribution::exponential(Span::from_secs(8)), Distribution::Constant(Span::from_secs(2)));
    let gusts = Process::Modulated(Modulation { low: rate(1.0), high: rate(20.0), low_for, high_for });
    assert_eq!(model.workloads[WorkloadId(7)].arrivals, Arrivals::Rated { process: gusts, batch: 2 });
    let visitors = &model.workloads[WorkloadId(8)];
    let pace = Pace::Every(Span::from_secs(20));
    assert_eq!(visitors.arrivals, Arrivals::Users { count: 5, pace });
    let think = |think| SessionStep::Think(think);
    let several = vec![
        SessionStep::Ask(vec![(share(0.3), checkout), (share(0.7), browse)]),
        think(Distribution::Constant(Span::from_secs(1))),
    ];
    let steps = vec![
        SessionStep::Ask(vec![(Share::ONE, browse)]),
        think(Distribution::exponential(Span::from_secs(3))),
        SessionStep::Repeat { times: 3, steps: several },
    ];
    assert_eq!(visitors.session, Session { steps, on_failure: OnFailure::GoOn });
    assert_eq!(visitors.session.entries(), [(1.0, browse), (3.0 * 0.3, checkout), (3.0 * 0.7, browse)]);
    let reload = Reload { after: Distribution::exponential(Span::from_millis(500)), attempts: Limit::AtMost(3) };
    assert_eq!((shoppers.priority, shoppers.reload.as_ref()), (7, Some(&reload)));
    assert_eq!((visitors.priority, visitors.reload.as_ref()), (Workload::PRIORITY, None));
}

#[test]
fn services_and_their_steps_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    assert_eq!(model.title, "Everything — größer 😀");
    assert_eq!((model.seed, model.duration), (u64::MAX, Span::from_secs(120)));
    assert_eq!((model.warmup, model.interval), (Span::from_secs(10), Span::from_millis(250)));
    let names: Vec<_> = model.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["gateway", "orders", "ads", "mailer"]);
    let gateway = service(&model, "gateway").1;
    assert_eq!((gateway.replicas, gateway.threads, gateway.queue), (40, Limit::AtMost(16), Limit::AtMost(100)));
    assert_eq!((gateway.cores, gateway.discipline, gateway.handlers), (Some(4), Discipline::Lifo, Handlers::Async));
    assert_eq!(gateway.startup, Span::from_secs(5));
    let orders = service(&model, "orders").1;
    assert_eq!((orders.threads, orders.queue), (Limit::Unlimited, Limit::AtMost(0)));

    let (create, pick) = (endpoint(&model, "orders.create"), endpoint(&model, "ads.pick"));
    let (direct, internal) = (ClientId(0), client(&model, "internal").0);
    let call = |endpoint, client, optional| Step::Call {
        endpoint,
        client,
        optional,
        priority: None,
        read: None,
        fallback: None,
    };
    let branch = |steps, optional| Branch { steps, optional };
    let work = |text: &str| Step::Work(text.parse().unwrap());
    let sleep = |text: &str| Step::Sleep(text.parse().unwrap());
    let share = |share| Share::new(share).unwrap();
    let expected = [
        work("exp(2ms)"),
        sleep("uniform(1ms, 3ms)"),
        call(create, internal, false),
        call(pick, internal, true),
        Step::Parallel {
            branches: vec![
                branch(vec![call(create, direct, false)], false),
                branch(vec![call(pick, direct, false)], true),
                branch(vec![work("1ms"), call(pick, direct, false)], true),
            ],
            need: Need::All,
        },
        Step::Parallel {
            branches: vec![
                branch(vec![call(pick, direct, false)], false),
                branch(vec![work("1ms"), call(pick, direct, false)], false),
                branch(vec![sleep("1s")], false),
            ],
            need: Need::AtLeast(2),
        },
        Step::Parallel {
            branches: vec![
                branch(vec![call(pick, direct, false)], false),
                branch(vec![call(create, direct, false)], false),
            ],
            need: Need::Any,
        },
        Step::Choose(vec![(share(0.8), vec![work("1ms")]), (share(0.2), vec![])]),
        Step::Repeat { times: 9, steps: vec![call(pick, direct, false)] },
        Step::Reply,
        work("5ms"),
    ];
    let checkout = &model.endpoints[endpoint(&model, "gateway.checkout")];
    assert_eq!(checkout.steps, expected);
    let browse = &model.endpoints[endpoint(&model, "gateway.browse")];
    let row = model.pools.enumerate().find(|(_, pool)| pool.name == "row").unwrap().0;
    let expected = [
        Step::Hold { pool: row, steps: vec![sleep("1ms")] },
        Step::Forward { endpoint: create, client: client(&model, "plain").0 },
    ];
    assert_eq!(browse.steps, expected);
}

#[test]
fn queues_and_what_disturbs_a_service_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    let (gateway, orders) = (service(&model, "gateway").1, service(&model, "orders").1);
    assert_eq!(gateway.overflow, Overflow::RejectOldest);
    let (short, standing) = (Span::from_millis(5), Span::from_millis(100));
    assert_eq!(gateway.queue_timeout, Some(QueueTimeout::Adaptive(AdaptiveTimeout { short, standing })));
    let switch = ContextSwitch { cost: Span::from_micros(5), slice: Span::from_millis(2) };
    assert_eq!(gateway.context_switch, Some(switch));
    let every = GcTrigger::Every("exp(20s)".parse().unwrap());
    assert_eq!(gateway.gc, Some(GarbageCollection { trigger: every, pause: "50ms".parse().unwrap() }));
    let neighbour = NoisyNeighbour { every: "exp(60s)".parse().unwrap(), lasts: "2s".parse().unwrap(), slow: 1.5 };
    assert_eq!(gateway.neighbour, Some(neighbour));
    let settings = CodelSettings { target: Span::from_millis(2), ..CodelSettings::default() };
    assert_eq!(orders.discipline, Discipline::Codel(settings));
    assert_eq!(orders.queue_timeout, Some(QueueTimeout::After("exp(1s)".parse().unwrap())));
    assert_eq!(orders.gc.as_ref().unwrap().trigger, GcTrigger::Allocated(Size::from_bytes(512 << 20)));
    let create = &model.endpoints[endpoint(&model, "orders.create")];
    assert_eq!((create.priority, create.allocates), (Some(7), Size::from_bytes(200 << 10)));
    let each = Span::from_micros(10);
    assert_eq!(create.steps[0], Step::ContendedWork { work: "lognormal(p50=5ms, p99=40ms)".parse().unwrap(), each });
}

#[test]
fn pools_and_caches_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    let [db, row] = [0, 1].map(|n| model.pools[PoolId(n)].clone());
    assert_eq!((db.size, db.queue, db.scope), (10, Limit::AtMost(50), Scope::Replica));
    assert_eq!((db.acquire_timeout, db.is_optimistic), (Some(Span::from_secs(30)), false));
    assert_eq!((row.size, row.scope, row.is_optimistic), (1, Scope::Key, true));
    let [prices, flags, luck] = [0, 1, 2].map(|n| model.caches[CacheId(n)].store.clone());
    let (length, stale) = (Span::from_secs(60), Span::from_secs(5));
    let expected = CacheStore::Lru {
        capacity: Limit::AtMost(500),
        ttl: Some(Ttl { length, is_sliding: false, stale, early: 1.5 }),
        scope: Scope::Shared,
        fill: CacheFill::Late,
        coalesce: true,
        start: CacheStart::Warm,
        keys: 1000,
    };
    assert_eq!(prices, expected);
    let CacheStore::Lru { ttl: Some(ttl), scope, fill, start, .. } = flags else { panic!("it holds keys") };
    assert_eq!((ttl.is_sliding, scope, fill, start), (true, Scope::Replica, CacheFill::InTime, CacheStart::Cold));
    assert_eq!(luck, CacheStore::Ratio(Share::new(0.95).unwrap()));
}

#[test]
fn clients_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    let browser = client(&model, "browser").1;
    assert_eq!(browser.latency, "uniform(20ms, 80ms)".parse().unwrap());
    assert_eq!((browser.timeout, browser.balance), (Some(Span::from_secs(5)), Balance::Random));
    assert_eq!((browser.cancel, browser.deadlines), (Cancel::AtOnce, Deadlines::Propagate));
    let retry = browser.retry.unwrap();
    let (base, cap) = (Span::from_millis(100), Span::from_secs(2));
    assert_eq!((retry.attempts, retry.backoff), (4, Backoff::Exponential { base, factor: 3.0, cap }));
    let budget = Quota::Budget(BudgetSettings { ratio: Share::new(0.1).unwrap(), burst: 7 });
    assert_eq!((retry.jitter, retry.quota), (Jitter::Full, Some(budget)));
    let internal = client(&model, "internal").1;
    let retry = internal.retry.unwrap();
    assert_eq!(
        (retry.attempts, retry.backoff),
        (2, Backoff::Fixed(Span::from_millis(500))),
        "written, and of the preset"
    );
    let breaker = internal.breaker.unwrap();
    let expected = [
        ("window", "20"),
        ("minimum_calls", "10"),
        ("half_open_calls", "3"),
        ("slow_call_duration", "500ms"),
        ("open_for", "5s"),
        ("failure_rate", "40%"),
        ("slow_call_rate", "80%"),
        ("half_open_for", "20s"),
        ("automatic", "true"),
    ];
    for (name, value) in expected {
        assert_eq!(breaker.get(name).unwrap().to_string(), value, "{name}");
    }
    let steady = client(&model, "steady").1.outlier.clone().unwrap();
    assert_eq!((steady.name(), steady.get("max_ejection").unwrap().to_string().as_str()), ("envoy", "30%"));
}

#[test]
fn faults_and_expectations_are_what_the_file_says() {
    let model = model(EVERYTHING, &[], &[]);
    let (gateway, orders, ads) = (service(&model, "gateway").0, service(&model, "orders").0, service(&model, "ads").0);
    let found: Vec<_> = model.faults.iter().map(|fault| (fault.target, fault.effect.clone())).collect();
    let latency = "lognormal(p50=100ms, p99=1s)".parse().unwrap();
    let expected = [
        (FaultTarget::Service(orders, Subset::First(2)), Effect::AddLatency(latency)),
        (FaultTarget::Service(orders, Subset::First(1)), Effect::Slow(2.5)),
        (FaultTarget::Service(ads, Subset::All), Effect::ErrorRate(Share::new(0.05).unwrap())),
        (FaultTarget::Service(gateway, Subset::All), Effect::Pause),
        (FaultTarget::Service(orders, Subset::All), Effect::Crash { detect: Span::from_millis(500) }),
        (FaultTarget::Edge(gateway, orders), Effect::ErrorRate(Share::ONE)),
        (FaultTarget::Entry(WorkloadId(0), gateway), Effect::Cut),
        (FaultTarget::Cache(CacheId(0)), Effect::Flush),
        (FaultTarget::Topic(TopicId(0)), Effect::Poison(Share::new(0.01).unwrap())),
        (FaultTarget::Broker(BrokerId(0), Subset::First(1)), Effect::Crash { detect: Span::ZERO }),
        (FaultTarget::Workload(WorkloadId(0)), Effect::Traffic(3.0)),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        (model.faults[0].at, model.faults[0].lasts),
        (Time::from_nanos(20_000_000_000), Some(Span::from_secs(10)))
    );
    assert_eq!(model.faults[4].lasts, None);

    let [good, fast] = model.expectations.as_slice() else { panic!("there are two") };
    assert_eq!(good.text, "goodput(shoppers) >= 99.5%");
    assert_eq!((good.metric, good.target), (Metric::Goodput, Target::Workload(WorkloadId(0))));
    assert_eq!((good.comparison, good.bound), (Comparison::AtLeast, Bound::Share(0.995)));
    assert_eq!((good.from, good.until), (Time::ZERO + model.warmup, model.end()));
    assert_eq!((fast.metric, fast.target), (Metric::Quantile(0.999), Target::Service(gateway)));
    assert_eq!((fast.comparison, fast.bound), (Comparison::Less, Bound::Span(Span::from_millis(200))));
    assert_eq!((fast.from.as_secs_f64(), fast.until.as_secs_f64()), (30.0, 60.0));
}

#[test]
fn the_worked_example_loads() {
    let model = model(WORKED_EXAMPLE, &[], &[]);
    assert_eq!((model.services.len(), model.endpoints.len(), model.clients.len()), (5, 5, 3));
}

#[test]
fn tables_merge_and_everything_else_replaces() {
    let plain = model(EVERYTHING, &[], &[]);
    let small = model(EVERYTHING, &["small"], &[]);
    assert_eq!(small.duration, Span::from_secs(20));
    let orders = service(&small, "orders").1;
    assert_eq!((orders.replicas, orders.threads, orders.queue), (2, Limit::AtMost(5), Limit::AtMost(0)));
    assert_eq!(small.workloads[WorkloadId(0)].session, plain.workloads[WorkloadId(0)].session);
    assert_eq!(small.expectations.len(), 1, "\"none\" takes a named table away");
    let steps = model(EVERYTHING, &["steps"], &[]);
    assert_eq!(steps.endpoints[endpoint(&steps, "gateway.checkout")].steps.len(), 1, "lists replace");
}

#[test]
fn a_policy_that_names_a_preset_replaces_and_none_takes_away() {
    let grpc = model(EVERYTHING, &["grpc"], &[]);
    let internal = client(&grpc, "internal").1;
    assert_eq!((internal.retry, internal.timeout), (None, None));
    assert_eq!(internal.breaker.unwrap().get("window").unwrap().to_string(), "100", "not the 20 of the file");
    assert_eq!(internal.balance, Balance::LeastRequest, "what the variant does not name stays");
}

#[test]
fn variants_and_arguments_are_laid_over_in_their_order() {
    let sets = ["service.orders.threads=7", "seed=3", "duration=45s", "expect.good=none"];
    let both = model(EVERYTHING, &["small", "grpc"], &sets);
    assert_eq!(service(&both, "orders").1.threads, Limit::AtMost(7));
    assert_eq!((both.seed, both.duration), (3, Span::from_secs(45)));
    assert_eq!(client(&both, "internal").1.timeout, None);
    assert!(both.expectations.is_empty());
    let deep =
        model(WORKED_EXAMPLE, &["patient"], &["client.internal.retry.attempts=5", "service.ads.queue=\"unlimited\""]);
    assert_eq!(client(&deep, "internal").1.retry.unwrap().attempts, 5, "a policy that was taken away comes back");
}

#[test]
fn the_seed_of_the_options_wins() {
    let options = LoadOptions { seed: Some(9), ..LoadOptions::default() };
    assert_eq!(load("name", MINIMAL.as_bytes(), &options).model.unwrap().seed, 9);
}

#[test]
fn the_reference_names_every_table() {
    let text = reference();
    for heading in
        ["### The whole file", "### `[client.NAME.retry.budget]`", "### Step: `parallel`", "### `[expect.NAME]`"]
    {
        assert!(text.contains(heading), "{heading}");
    }
    assert!(
        text.contains(
            "| `threads` | a whole number from 1 on or `\"unlimited\"` | `unlimited` | 0.1 | Worker threads of one replica. |"
        )
    );
}

/// Pieces that mean something somewhere.
const PIECES: [&str; 34] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ",",
    ".",
    "\n",
    "#",
    "-1",
    "0",
    "nan",
    "inf",
    "1e400",
    "\"none\"",
    "\"unlimited\"",
    "99999999999999999999",
    "\"5s\"",
    "\"exp(0s)\"",
    "\"api.page\"",
    "\"direct\"",
    "[[",
    "service",
    "steps = []",
    "\"101%\"",
    "\"\\u00e9\"",
    "é",
    "😀",
    "\u{0}",
    "\"$x\"",
    "true",
    "{}",
];

proptest! {
    // PROPTEST_CASES makes it longer.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

    #[test]
    fn no_mutation_of_a_good_file_makes_the_loader_panic(
        file in prop::sample::select(vec![EVERYTHING, MINIMAL, WORKED_EXAMPLE]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, prop::sample::select(PIECES.to_vec())), 1..5),
    ) {
        let mut bytes = file.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        let loaded = load("mutated.toml", &bytes, &LoadOptions::default());
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
        let text = loaded.diagnostics.render(false);
        prop_assert_eq!(text.is_empty(), loaded.diagnostics.is_empty());
    }

    #[test]
    fn no_value_of_any_key_makes_the_loader_panic(
        line in any::<prop::sample::Index>(),
        value in prop::sample::select(PIECES.to_vec()),
    ) {
        let mut lines: Vec<String> = EVERYTHING.lines().map(str::to_owned).collect();
        let keys: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(" = ")).collect();
        let at = keys[line.index(keys.len())];
        let key = lines[at].split(" = ").next().unwrap().to_owned();
        lines[at] = format!("{key} = {value}");
        let loaded = load("mutated.toml", lines.join("\n").as_bytes(), &LoadOptions::default());
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
        loaded.diagnostics.render(false);
    }

    #[test]
    fn no_argument_makes_the_loader_panic(set in "[a-z.=\"\\[\\]{}0-9 ,é]{0,40}", path in "service\\.(api|db)\\.[a-z]{1,8}=.{0,20}") {
        for set in [set, path] {
            let options = LoadOptions { sets: vec![set], ..LoadOptions::default() };
            let loaded = load("minimal.toml", MINIMAL.as_bytes(), &options);
            prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
            loaded.diagnostics.render(false);
        }
    }
}
