//! Messages in random systems in which everything goes wrong: every message is somewhere, and the same seed does the same.

use brownout::kernel::Fate;
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::Run;

/// What a random system is made of.
#[derive(Clone, Debug)]
struct Recipe {
    seed: u64,
    /// How long the run is, in points of its series.
    points: u32,
    broker: &'static str,
    is_queue: bool,
    partitions: u32,
    publish: &'static str,
    keeping: &'static str,
    disk: &'static str,
    change: &'static str,
    consumers: Vec<ConsumerRecipe>,
    faults: Vec<FaultRecipe>,
    is_burst: bool,
    has_dead_letters: bool,
    publishes_on: bool,
}

#[derive(Clone, Debug)]
struct ConsumerRecipe {
    concurrency: u32,
    replicas: u32,
    batch: u32,
    more: &'static str,
    delivery: &'static str,
    via: &'static str,
}

#[derive(Clone, Debug)]
struct FaultRecipe {
    at: u32,
    lasts: u32,
    what: &'static str,
}

fn consumer() -> impl Strategy<Value = ConsumerRecipe> {
    (
        1..4u32,
        1..3u32,
        select(vec![1, 1, 3]),
        select(vec!["", "", "timeout = \"80ms\"", "retry = { attempts = 2, backoff = \"10ms\" }", "poll = \"50ms\""]),
        select(vec!["at-least-once", "at-least-once", "at-most-once", "exactly-once"]),
        select(vec!["own", "own", "pool"]),
    )
        .prop_map(|(concurrency, replicas, batch, more, delivery, via)| ConsumerRecipe {
            concurrency,
            replicas,
            batch,
            more,
            delivery,
            via,
        })
}

fn fault() -> impl Strategy<Value = FaultRecipe> {
    let whats = vec![
        "service = \"worker0\"\ncrash = true",
        "service = \"worker0\"\nreplicas = 1\ncrash = true",
        "service = \"worker0\"\npause = true",
        "service = \"worker0\"\nslow = 3",
        "service = \"worker0\"\nerror_rate = \"50%\"",
        "service = \"shop\"\ncrash = true",
        "broker = \"BROKER\"\ncrash = true",
        "broker = \"BROKER\"\nnodes = 1\ncrash = true",
        "broker = \"BROKER\"\nslow = 10",
        "broker = \"BROKER\"\nadd_latency = \"exp(20ms)\"",
        "topic = \"things\"\npoison = \"30%\"",
    ];
    (0..4000u32, 50..3000u32, select(whats)).prop_map(|(at, lasts, what)| FaultRecipe { at, lasts, what })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let brokers = select(vec!["kafka", "kafka", "rabbitmq", "jetstream", "sqs", "ideal"]);
    let publish = select(vec![
        "",
        ", wait = \"acknowledged\"",
        ", wait = \"acknowledged\", timeout = \"30ms\", retry = { attempts = 3, backoff = \"20ms\" }, optional = true",
        ", wait = \"handled\", timeout = \"500ms\"",
    ]);
    let disk =
        select(vec!["", "", "disk = \"4KiB\"\nwhen_full = \"refuse\"", "disk = \"4KiB\"\nwhen_full = \"block\""]);
    let change = select(vec![
        "",
        "restart = \"worker0\"\nevery = \"200ms\"",
        "scale = { worker0 = 3 }",
        "redrive = \"dead\"",
        "replay = \"c0\"\nfrom = \"1s\"",
    ]);
    let keeping = select(vec!["", "", "length = 20", "length = 10\noverflow = \"reject-newest\"", "ttl = \"300ms\""]);
    (
        (any::<u64>(), 10..=60u32),
        brokers,
        any::<bool>(),
        1..5u32,
        (publish, keeping, disk, change),
        proptest::collection::vec(consumer(), 0..3),
        proptest::collection::vec(fault(), 0..4),
        any::<[bool; 3]>(),
    )
        .prop_map(|((seed, points), broker, is_queue, partitions, more, consumers, faults, flags)| Recipe {
            seed,
            points,
            broker,
            is_queue: is_queue && broker != "kafka",
            partitions,
            publish: more.0,
            keeping: more.1,
            disk: more.2,
            change: more.3,
            consumers,
            faults,
            is_burst: flags[0],
            has_dead_letters: flags[1],
            publishes_on: flags[2],
        })
}

const ECHO_IN_LOG: &str = r#"
    [topic.echo]
    broker = "it"
    partitions = 2
    retention = "3s"
    retention_check = "1s"
    segment = "20KiB"
    [service.listener.endpoint.hear]
    steps = [{ work = "1ms" }]
    [consumer.patient]
    topic = "echo"
    handler = "listener.hear"
    isolation = "read-committed"
    session_timeout = "700ms"
    [consumer.hasty]
    topic = "echo"
    handler = "listener.hear"
    session_timeout = "700ms"
"#;

/// Only Kafka has transactions.
fn delivery(wanted: &'static str, broker: &str) -> &'static str {
    if wanted == "exactly-once" && broker != "kafka" { "at-least-once" } else { wanted }
}

/// Who waits until his message is stored has brokers who answer.
fn acks(seed: u64, publish: &str) -> &'static str {
    match seed % 5 {
        0 if publish.is_empty() => "acks = \"none\", idempotent = false",
        1 => "acks = \"leader\", idempotent = false",
        _ => "acks = \"all\"",
    }
}

impl Recipe {
    fn text(&self) -> String {
        let arrivals = if self.is_burst { "burst(60, at=500ms, every=1500ms)" } else { "poisson(60/s)" };
        let kind = if self.is_queue { "queue" } else { "topic" };
        let is_kafka = self.broker == "kafka";
        let mut text = format!(
            r#"
            seed = {seed}
            duration = "{length}ms"
            interval = "100ms"
            [workload.users]
            entry = "shop.buy"
            arrivals = "{arrivals}"
            key = "zipf(1.0, 20)"
            [service.shop]
            replicas = 2
            [service.shop.endpoint.buy]
            effect = "order"
            steps = [{{ work = "exp(1ms)" }}, {{ publish = "things"{publish} }}, {{ work = "exp(1ms)" }}]
            [broker.it]
            preset = "{broker}"
            nodes = 2
            failover = "400ms"
            {disk}
            [{kind}.things]
            broker = "it"
            "#,
            seed = self.seed % 1_000_000,
            length = self.points * 100,
            publish = self.publish,
            broker = self.broker,
            disk = self.disk,
        );
        if is_kafka {
            text += &format!(
                "partitions = {}\nretention = \"3s\"\nretention_check = \"1s\"\nsegment = \"20KiB\"\n\
                 replication = {}\nproducer = {{ buffer = \"40KiB\", max_block = \"300ms\", delivery_timeout = \"1s\", \
                 request_timeout = \"200ms\", {} }}\n",
                self.partitions,
                1 + self.seed % 2,
                acks(self.seed, self.publish),
            );
        } else {
            text += &format!("{}\n", self.keeping);
        }
        if self.has_dead_letters {
            text += "[queue.dead]\nalert = 1\nredrive = \"2s\"\n";
        }
        for (n, it) in self.consumers.iter().enumerate() {
            let on = if n == 0 && self.publishes_on { r#", { publish = "echo" }"# } else { "" };
            let more = if is_kafka { it.more.replace("poll = \"50ms\"", "") } else { it.more.to_owned() };
            text += &format!(
                r#"
                [service.worker{n}]
                replicas = {replicas}
                threads = 3
                queue = 5
                [service.worker{n}.endpoint.handle]
                effect = "handling"
                steps = [{{ work = "exp(20ms)" }}{on}]
                [consumer.c{n}]
                {kind} = "things"
                handler = "worker{n}.handle"
                concurrency = {concurrency}
                batch = {batch}
                delivery = "{delivery}"
                via = "{via}"
                deliveries = 4
                {more}
                "#,
                replicas = it.replicas,
                concurrency = it.concurrency,
                batch = it.batch,
                delivery = delivery(if self.is_queue { self.consumers[0].delivery } else { it.delivery }, self.broker),
                via = it.via,
            );
            if is_kafka {
                text += "session_timeout = \"700ms\"\nmax_poll_interval = \"2s\"\ncommit_every = \"300ms\"\nprefetch = 10\n";
            }
            if self.has_dead_letters {
                text += "dead_letter = \"dead\"\n";
            }
        }
        if self.publishes_on && !self.consumers.is_empty() {
            // What is published within a transaction is seen by one who waits for its end, and by one who does not.
            text += if is_kafka { ECHO_IN_LOG } else { "[queue.echo]\n" };
        }
        for (n, it) in self.faults.iter().enumerate() {
            if it.what.contains("worker0") && self.consumers.is_empty() {
                continue;
            }
            let what = it.what.replace("BROKER", "it");
            text += &format!("[fault.f{n}]\nat = \"{}ms\"\nfor = \"{}ms\"\n{what}\n", it.at, it.lasts);
        }
        let needs_reader = self.change.contains("worker0") || self.change.contains("c0");
        let may = match self.change {
            "" => false,
            change if change.contains("replay") => is_kafka && !self.consumers.is_empty(),
            change if change.contains("redrive") => self.has_dead_letters,
            _ => !needs_reader || !self.consumers.is_empty(),
        };
        if may {
            text += &format!("[change.hand]\nat = \"2500ms\"\n{}\n", self.change);
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_somewhere(recipe in recipe()) {
        let text = recipe.text();
        let run = Run::of(&text);
        let messaging = run.results.messaging.as_ref().unwrap();
        for (it, group) in messaging.groups.iter().zip(run.model.groups()) {
            let name = run.model.group_name(&group);
            prop_assert_eq!(it.missing(), 0, "{}: {:?} kept {} pending {}\n{}", name, it.settled_in_all, it.kept_in_all, it.pending, text);
            // What is pending lies in a partition, also when its log has it no more and a worker still has.
            let in_partitions: u64 = it.partitions.iter().map(|partition| partition.pending).sum();
            prop_assert!(it.partitions.is_empty() || in_partitions == it.pending, "{}: {} of {}\n{}", name, in_partitions, it.pending, text);
            // A message is handed out before it is handled, and handled before it is consumed.
            prop_assert!(it.handled_well + it.handled_badly <= it.delivered, "{}", name);
            prop_assert!(it.with_fate(Fate::Consumed) <= it.handled_well, "{}", name);
            prop_assert_eq!(it.latency.count(), it.with_fate(Fate::Consumed), "{}", name);
            let lag: f64 = it.series.lag.iter().sum();
            prop_assert!((lag * 1e8 - it.lag_nanos as f64).abs() < 1e3, "{} {}", lag, it.lag_nanos);
        }
        let again = Run::of(&text);
        prop_assert_eq!(format!("{:?}", run.results.messaging), format!("{:?}", again.results.messaging));
        prop_assert_eq!(run.results.events, again.results.events);
    }
}

/// A reader dies with all that he was handed, and the log deletes it before anybody reads it again.
#[test]
fn what_a_reader_died_with_is_lost_when_retention_deletes_it() {
    let text = r#"
        duration = "4100ms"
        interval = "100ms"
        [workload.users]
        entry = "shop.buy"
        arrivals = "even(100/s)"
        [service.shop.endpoint.buy]
        steps = [{ publish = "things" }]
        [broker.it]
        preset = "kafka"
        [topic.things]
        broker = "it"
        partitions = 1
        retention = "1s"
        retention_check = "1s"
        segment = "1KiB"
        [service.worker.endpoint.handle]
        steps = [{ work = "50ms" }]
        [consumer.reader]
        topic = "things"
        handler = "worker.handle"
        prefetch = 20
        session_timeout = "1500ms"
        commit_every = "300ms"
        [fault.dies]
        at = "1500ms"
        for = "2s"
        service = "worker"
        crash = true
    "#;
    let run = Run::of(text);
    let it = &run.results.messaging.as_ref().unwrap().groups[0];
    assert_eq!(it.missing(), 0, "{:?} kept {} pending {}", it.settled_in_all, it.kept_in_all, it.pending);
    // A message takes him 50 ms, and he is there for 2.1 s; what is older than 1 s is deleted, of what he died with too.
    assert!(it.with_fate(Fate::Lost) > 100, "{:?}", it.settled_in_all);
    assert!(it.with_fate(Fate::Consumed) >= 25, "{:?}", it.settled_in_all);
}

/// A topic or a queue of a random topology, and who reads it.
#[derive(Clone, Debug)]
struct PlaceRecipe {
    broker: &'static str,
    is_queue: bool,
    readers: Vec<ReaderRecipe>,
}

/// A reader, who publishes to another place now and then.
#[derive(Clone, Debug)]
struct ReaderRecipe {
    target: usize,
    delivery: &'static str,
    concurrency: u32,
    has_dead_letters: bool,
    crashes: Option<(u32, u32)>,
}

fn topology() -> impl Strategy<Value = (u64, Vec<PlaceRecipe>, Option<(u32, u32)>)> {
    let when = || proptest::option::of((0..4000u32, 50..3000u32));
    let reader =
        (0..8usize, select(vec!["at-least-once", "at-most-once", "exactly-once"]), 1..4u32, any::<bool>(), when())
            .prop_map(|(target, delivery, concurrency, has_dead_letters, crashes)| ReaderRecipe {
                target,
                delivery,
                concurrency,
                has_dead_letters,
                crashes,
            });
    let brokers = select(vec!["kafka", "rabbitmq", "jetstream", "sqs", "ideal"]);
    let place =
        (brokers, any::<bool>(), proptest::collection::vec(reader, 0..3)).prop_map(|(broker, is_queue, readers)| {
            PlaceRecipe { broker, is_queue: is_queue && broker != "kafka", readers }
        });
    (any::<u64>(), proptest::collection::vec(place, 1..5), when())
}

/// Places that hand on a part of what they get, in any direction and in circles, while readers and brokers die.
fn topology_text(seed: u64, places: &[PlaceRecipe], outage: Option<(u32, u32)>) -> String {
    let mut text = format!(
        "seed = {}\nduration = \"6s\"\n[workload.users]\nentry = \"shop.buy\"\narrivals = \"poisson(60/s)\"\n\
         key = \"uniform(20)\"\n[service.shop.endpoint.buy]\nsteps = [{{ publish = \"p0\" }}]\n[queue.dead]\nalert = 1\n",
        seed % 1_000_000
    );
    if seed.is_multiple_of(3) {
        text += "[fault.shop]\nat = \"1500ms\"\nfor = \"1s\"\nservice = \"shop\"\ncrash = true\n";
    }
    let mut used = Vec::new();
    for (n, place) in places.iter().enumerate() {
        let kind = if place.is_queue { "queue" } else { "topic" };
        if !used.contains(&place.broker) {
            used.push(place.broker);
            text += &format!("[broker.my-{0}]\npreset = \"{0}\"\nnodes = 2\nfailover = \"300ms\"\n", place.broker);
            if let Some((at, lasts)) = outage {
                text += &format!(
                    "[fault.of-{0}]\nat = \"{at}ms\"\nfor = \"{lasts}ms\"\nbroker = \"my-{0}\"\nnodes = 1\ncrash = true\n",
                    place.broker
                );
            }
        }
        text += &format!("[{kind}.p{n}]\nbroker = \"my-{}\"\n", place.broker);
        if place.broker == "kafka" {
            let (replication, acks) = (1 + seed % 2, acks(seed, ""));
            text += &format!("partitions = 3\nreplication = {replication}\nproducer = {{ {acks} }}\n");
        }
        for (m, it) in place.readers.iter().enumerate() {
            let delivery = delivery(if place.is_queue { place.readers[0].delivery } else { it.delivery }, place.broker);
            text += &format!(
                "[service.s{n}-{m}.endpoint.handle]\nsteps = [{{ work = \"exp(10ms)\" }}, {{ choose = [{{ share = \"30%\", \
                 steps = [{{ publish = \"p{}\" }}] }}, {{ share = \"60%\", steps = [] }}, {{ share = \"10%\", \
                 steps = [{{ fail = true }}] }}] }}]\n[consumer.c{n}-{m}]\n{kind} = \"p{n}\"\nhandler = \"s{n}-{m}.handle\"\n\
                 concurrency = {}\ndelivery = \"{delivery}\"\ndeliveries = 3\n",
                it.target % places.len(),
                it.concurrency,
            );
            if place.broker == "kafka" {
                text += "session_timeout = \"500ms\"\n";
            }
            if it.has_dead_letters {
                text += "dead_letter = \"dead\"\n";
            }
            if let Some((at, lasts)) = it.crashes {
                text += &format!(
                    "[fault.f{n}-{m}]\nat = \"{at}ms\"\nfor = \"{lasts}ms\"\nservice = \"s{n}-{m}\"\ncrash = true\n"
                );
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

    #[test]
    fn what_was_published_is_consumed_pending_expired_dead_or_lost((seed, places, outage) in topology()) {
        let text = topology_text(seed, &places, outage);
        let run = Run::of(&text);
        let messaging = run.results.messaging.as_ref().unwrap();
        let mut dead = 0;
        for (it, group) in messaging.groups.iter().zip(run.model.groups()) {
            let name = run.model.group_name(&group);
            let settled: u64 = it.settled_in_all.iter().sum();
            let topic = &messaging.topics[group.topic.0 as usize];
            // Where nobody reads and nobody is waited for, JetStream keeps nothing.
            let is_kept = !group.consumers.is_empty() || it.kept_in_all > 0;
            prop_assert!(!is_kept || topic.published == it.kept_in_all, "{}: {} of {}\n{}", name, it.kept_in_all, topic.published, text);
            prop_assert_eq!(it.kept_in_all, settled + it.pending, "{}: {:?}\n{}", name, it.settled_in_all, text);
            dead += it.with_fate(Fate::Dead);
        }
        let at = run.model.topics.iter().position(|topic| topic.name == "dead").unwrap();
        prop_assert_eq!(dead, messaging.topics[at].published, "{}", text);
        let again = Run::of(&text);
        prop_assert_eq!(format!("{:?}", run.results.messaging), format!("{:?}", again.results.messaging));
    }
}
