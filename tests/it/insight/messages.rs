//! Verdicts and stories of runs whose trouble lies with messages, and is known because it was put there; and that nothing is
//! told where nothing happens to them.

use brownout::insight::{EventKind, LoopKind, RootKind};
use brownout::model::Verdict;
use brownout::scenario::LoadOptions;
use rayon::prelude::*;

use crate::reference::Told;

/// A shop that publishes orders, and mails that are sent for them by way of an archive: 100 messages a second of which the
/// group can handle 200 (ten workers, 50 ms each).
fn scenario(broker: &str, more: &str) -> String {
    let place = if broker == "kafka" { "topic" } else { "queue" };
    let partitions = if broker == "kafka" { "partitions = 10\n" } else { "" };
    format!(
        r#"
        duration = "120s"
        warmup = "5s"
        [workload.customers]
        entry = "shop.order"
        arrivals = "poisson(100/s)"
        deadline = "1s"
        [workload.readers]
        entry = "shop.read"
        arrivals = "poisson(50/s)"
        [service.shop]
        replicas = 2
        threads = 50
        queue = 100
        [service.shop.endpoint.order]
        steps = [ {{ work = "exp(2ms)" }}, {{ publish = "orders", key = "uniform(1000)", size = "10KiB", wait = "acknowledged" }} ]
        [service.shop.endpoint.read]
        steps = [ {{ work = "exp(2ms)" }} ]
        [{place}.orders]
        broker = "{broker}"
        {partitions}
        [consumer.mailer]
        {place} = "orders"
        handler = "mail.send"
        concurrency = 5
        prefetch = 1
        [service.mail]
        replicas = 2
        [service.mail.endpoint.send]
        steps = [ {{ work = "exp(30ms)" }}, {{ call = "archive.put", client = "rest" }} ]
        [client.rest]
        timeout = "10s"
        [queue.dead]
        broker = "rabbitmq"
        [broker.small]
        preset = "rabbitmq"
        disk = "10MB"
        when_full = "block"
        [service.archive]
        threads = 50
        [service.archive.endpoint.put]
        steps = [ {{ work = "exp(20ms)" }} ]
        # Does something elsewhere, and harms nobody.
        [workload.robots]
        entry = "spare.get"
        arrivals = "poisson(50/s)"
        [service.spare]
        threads = 50
        [service.spare.endpoint.get]
        steps = [ {{ work = "exp(5ms)" }} ]
        {more}
        "#
    )
}

const DECOY: &str = "[fault.decoy]\nat = \"28s\"\nfor = \"15s\"\nservice = \"spare\"\nadd_latency = \"60ms\"\n";

struct Case {
    name: &'static str,
    broker: &'static str,
    /// What is put at the end of the file, besides the decoy.
    more: &'static str,
    set: &'static [&'static str],
    verdict: Verdict,
    root: (RootKind, &'static str),
    /// Kinds of events that the story has, in this order.
    events: &'static [EventKind],
    sustained_by: Option<LoopKind>,
}

const FAULT: &str = "[fault.f]\nat = \"30s\"\nfor = \"20s\"\n";

const CASES: [Case; 16] = [
    Case {
        name: "slow consumer",
        broker: "rabbitmq",
        more: "service = \"mail\"\nslow = 10",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate, EventKind::UsersRecover],
        sustained_by: None,
    },
    Case {
        name: "slow consumer of kafka",
        broker: "kafka",
        more: "service = \"mail\"\nslow = 10",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate, EventKind::UsersRecover],
        sustained_by: None,
    },
    Case {
        name: "consumer crash",
        broker: "rabbitmq",
        more: "service = \"mail\"\ncrash = true",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[
            EventKind::TriggerBegins,
            EventKind::WorkersGone,
            EventKind::LagGrows,
            EventKind::MessagesLate,
            EventKind::UsersRecover,
        ],
        sustained_by: None,
    },
    Case {
        name: "consumer crash in jetstream",
        broker: "jetstream",
        more: "service = \"mail\"\ncrash = true",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::WorkersGone, EventKind::LagGrows, EventKind::MessagesLate],
        sustained_by: None,
    },
    Case {
        name: "what the consumer calls is slow",
        broker: "rabbitmq",
        more: "service = \"archive\"\nadd_latency = \"300ms\"",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "archive"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate, EventKind::UsersRecover],
        sustained_by: None,
    },
    Case {
        name: "calls of the consumer are cut",
        broker: "kafka",
        more: "from = \"mail\"\nto = \"archive\"\ncut = true",
        set: &["client.rest.timeout=500ms"],
        verdict: Verdict::Recovered,
        root: (RootKind::Edge, "mail -> archive"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate],
        sustained_by: None,
    },
    Case {
        name: "more is ordered",
        broker: "sqs",
        more: "workload = \"customers\"\ntraffic = 4.0",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Workload, "customers"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate],
        sustained_by: None,
    },
    Case {
        name: "broker outage",
        broker: "rabbitmq",
        more: "broker = \"rabbitmq\"\ncrash = true",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Broker, "rabbitmq"),
        events: &[EventKind::TriggerBegins, EventKind::UsersNotice, EventKind::UsersRecover],
        sustained_by: None,
    },
    Case {
        name: "poison message",
        broker: "kafka",
        more: "topic = \"orders\"\npoison = \"2%\"",
        set: &["consumer.mailer.backoff=[\"1s\"]"],
        verdict: Verdict::Metastable,
        root: (RootKind::Topic, "orders"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::MessagesLate, EventKind::Ends],
        sustained_by: Some(LoopKind::Poison),
    },
    Case {
        name: "poison message and dead letters",
        broker: "rabbitmq",
        more: "topic = \"orders\"\npoison = \"2%\"",
        set: &["consumer.mailer.dead_letter=dead", "consumer.mailer.deliveries=3"],
        verdict: Verdict::Recovered,
        root: (RootKind::Topic, "orders"),
        events: &[EventKind::TriggerBegins, EventKind::HandlingFails, EventKind::DeadLetters],
        sustained_by: None,
    },
    Case {
        name: "hot key",
        broker: "kafka",
        more: "",
        set: &["service.shop.endpoint.order.steps=[{work=\"exp(2ms)\"},{publish=\"orders\",key=\"zipf(1.3, 1000)\"}]"],
        verdict: Verdict::Overloaded,
        root: (RootKind::Topic, "orders"),
        events: &[EventKind::PartitionHot, EventKind::LagGrows, EventKind::MessagesLate, EventKind::Ends],
        sustained_by: None,
    },
    Case {
        name: "too few consumers",
        broker: "rabbitmq",
        more: "",
        set: &["consumer.mailer.concurrency=2"],
        verdict: Verdict::Overloaded,
        root: (RootKind::Consumer, "mailer"),
        events: &[EventKind::LagGrows, EventKind::MessagesLate, EventKind::Ends],
        sustained_by: None,
    },
    Case {
        name: "disk full",
        broker: "small",
        more: "service = \"mail\"\ncrash = true",
        set: &[],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::DiskFills, EventKind::UsersNotice],
        sustained_by: None,
    },
    Case {
        name: "no room in the queue",
        broker: "rabbitmq",
        more: "service = \"mail\"\npause = true",
        set: &["queue.orders.length=500"],
        verdict: Verdict::Recovered,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::LosesMessages, EventKind::UsersRecover],
        sustained_by: None,
    },
    Case {
        name: "redelivery storm",
        broker: "jetstream",
        more: "service = \"mail\"\nslow = 10",
        set: &["consumer.mailer.prefetch=200", "consumer.mailer.ack_timeout=500ms"],
        verdict: Verdict::Metastable,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::Redelivers, EventKind::Ends],
        sustained_by: Some(LoopKind::Redeliveries),
    },
    Case {
        name: "rebalance storm",
        broker: "kafka",
        more: "service = \"mail\"\nslow = 10",
        set: &["consumer.mailer.prefetch=500", "consumer.mailer.max_poll_interval=8s", "duration=240s"],
        verdict: Verdict::Metastable,
        root: (RootKind::Service, "mail"),
        events: &[EventKind::TriggerBegins, EventKind::LagGrows, EventKind::Redelivers, EventKind::Ends],
        sustained_by: Some(LoopKind::Rebalances),
    },
];

impl Case {
    fn told(&self) -> Told {
        let fault = if self.more.is_empty() { String::new() } else { format!("{DECOY}{FAULT}{}", self.more) };
        let sets = self.set.iter().map(|set| (*set).to_owned()).collect();
        Told::of("messages", &scenario(self.broker, &fault), &LoadOptions { sets, ..LoadOptions::default() })
    }

    /// What is wrong.
    fn wrong(&self, told: &Told) -> Vec<String> {
        let insight = &told.insight;
        let mut wrong = Vec::new();
        if told.verdict() != self.verdict {
            wrong.push(format!("{:?}", told.verdict()));
        }
        if (insight.root.kind, insight.root.target.as_str()) != self.root {
            wrong.push(format!("{:?}", insight.root));
        }
        let found = insight.sustained_by.as_ref().map(|it| it.kind);
        if found != self.sustained_by {
            wrong.push(format!("sustained by {found:?}"));
        }
        let mut kinds = insight.events.iter().filter(|event| event.place.name != "spare").map(|event| event.kind);
        for kind in self.events {
            if !kinds.any(|it| it == *kind) {
                wrong.push(format!("{kind:?} is missing, or not after the one before"));
                break;
            }
        }
        wrong
    }
}

#[test]
fn what_messages_suffer_from_is_known() {
    let wrong: Vec<String> = CASES
        .par_iter()
        .filter_map(|case| {
            let told = case.told();
            let wrong = case.wrong(&told);
            (!wrong.is_empty()).then(|| format!("{}: {}\n{}", case.name, wrong.join("; "), told.text(true)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lag grows because of what was done, and not by itself: causes lead from it to the trigger.
#[test]
fn lags_follow_from_what_was_done() {
    for case in CASES.iter().filter(|case| !case.more.is_empty() && case.events.contains(&EventKind::LagGrows)) {
        let told = case.told();
        let events = &told.insight.events;
        let mut event = events.iter().find(|event| event.kind == EventKind::LagGrows).unwrap();
        while let Some(cause) = event.caused_by {
            event = &events[cause];
        }
        assert_eq!(event.kind, EventKind::TriggerBegins, "{}: {}", case.name, told.text(true));
        assert_ne!(event.place.name, "spare", "{}: {}", case.name, told.text(true));
    }
}

/// Nobody is late as long as the file allows more, and messages may be lost of which it allows so many.
#[test]
fn thresholds_say_what_is_harm() {
    let case = |name: &str, set: &[&'static str]| {
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let sets = case.set.iter().chain(set).map(|set| (*set).to_owned()).collect();
        let fault = format!("{FAULT}{}", case.more);
        Told::of("messages", &scenario(case.broker, &fault), &LoadOptions { sets, ..LoadOptions::default() })
    };
    assert_eq!(case("slow consumer", &["verdict.lag=60s"]).verdict(), Verdict::Unharmed);
    assert_eq!(case("poison message and dead letters", &["verdict.lost=20%"]).verdict(), Verdict::Unharmed);
}

/// The backlog is worked off when the fluid argument says so: (100/s - 15/s) x 20 s wait, which takes 17 s at 200/s less
/// 100/s. What the group can do is random by 1/sqrt(10 workers x 17 s / 50 ms), 2%, so the difference by 4%; the arrivals
/// of 37 s by 2%; and windows are a second wide.
#[test]
fn the_time_to_recover_holds_the_drain() {
    let told = CASES[0].told();
    let group = &told.insight.judgement.groups[0];
    let secs = told.insight.judgement.time_to_recover.unwrap().as_secs_f64();
    let drain = group.lag_peak / 100.0;
    assert!((0.88 * drain - 1.0..=1.12 * drain + 2.0).contains(&secs), "{secs} s instead of {drain} s");
}

/// The same shop with every broker and bad luck in everything, at up to 75% of what the workers can do.
#[test]
fn healthy_messages_are_not_told() {
    const HARMLESS: [&str; 5] = [
        "[fault.tiny]\nat = \"30s\"\nfor = \"10s\"\nservice = \"mail\"\nadd_latency = \"1ms\"",
        "[fault.tiny]\nat = \"30s\"\nfor = \"10s\"\nservice = \"archive\"\nadd_latency = \"1ms\"",
        "[fault.tiny]\nat = \"30s\"\nfor = \"10s\"\nservice = \"shop\"\nadd_latency = \"1ms\"",
        "[change.more]\nat = \"30s\"\ntrigger = true\nscale = { archive = 2 }",
        "[fault.tiny]\nat = \"30s\"\nfor = \"10s\"\nworkload = \"readers\"\ntraffic = 1.01",
    ];
    let alarmed: Vec<String> = (0..15_usize)
        .into_par_iter()
        .filter_map(|n| {
            let broker = ["kafka", "rabbitmq", "jetstream", "sqs", "ideal"][n % 5];
            let trigger = if n < 5 { "" } else { HARMLESS[(n + n / 5) % 5] };
            let sets = vec![format!("seed={n}"), format!("workload.customers.arrivals=poisson({}/s)", 60 + 6 * n)];
            let options = LoadOptions { sets, ..LoadOptions::default() };
            let told = Told::of("healthy", &scenario(broker, trigger), &options);
            let expected = if n < 5 { Verdict::Stable } else { Verdict::Unharmed };
            let is_silent =
                |kind: EventKind| matches!(kind, EventKind::TriggerBegins | EventKind::TriggerEnds | EventKind::Ends);
            let is_quiet = told.insight.events.iter().all(|event| is_silent(event.kind));
            let is_fine = told.verdict() == expected && is_quiet && (n >= 5 || told.insight.events.is_empty());
            (!is_fine).then(|| format!("{n} ({broker}): {}", told.text(true)))
        })
        .collect();
    assert!(alarmed.is_empty(), "{}", alarmed.join("\n"));
}
