//! The kernel's speed with messages: CPU time, medians over runs.
//!
//! `cargo bench --bench messages` runs all, `cargo bench --bench messages -- kafka` those whose name contains "kafka".
//! `RUNS=15` sets the number of runs (default 5). The time of everything (arrivals, the publisher's handler, the worker's
//! handler, what is measured) is divided by the number of
//!
//! - *messages*;
//! - *message events*: what happens to a message, each at a time of its own. In Kafka ten: it is published, sent with its
//!   batch, stored, replicated, acknowledged, handed out by a poll, brought to the worker, begun, handled, and committed. In
//!   RabbitMQ nine: published, brought to the broker, stored, handed out, brought to the worker, begun, handled, acknowledged,
//!   settled. In an ideal queue, where nothing takes time, six: published, stored, handed out, begun, handled, settled;
//! - *agenda events*: what the agenda hands to the engine, which is fewer, for one of them may be about many messages. A
//!   request of Kafka reaches its node, is replicated and is answered with three of them, whether it brings one message or a
//!   thousand.
//!
//! "held" is the most messages that were pending.

use std::ops::ControlFlow;

use brownout::measure::simulate;
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let runs = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(5);
    println!(
        "{:<10} {:>10} {:>16} {:>16} {:>21} {:>8}  CPU time, median of {runs}",
        "case", "ns/message", "ns/message event", "ns/agenda event", "agenda events/message", "held"
    );
    for (name, message_events, scenario) in cases().into_iter().filter(|(name, ..)| name.contains(&filter)) {
        let model = model(&scenario);
        let mut samples: Vec<Sample> = (0..runs).map(|_| measure(&model)).collect();
        samples.sort_by(|a, b| a.per_message.total_cmp(&b.per_message));
        let Sample { per_message, events, held } = samples[runs / 2];
        let per_event = per_message / f64::from(message_events);
        let per_agenda_event = per_message / events;
        println!("{name:<10} {per_message:>10.1} {per_event:>16.1} {per_agenda_event:>16.1} {events:>21.2} {held:>8}");
    }
}

/// What one run measured.
#[derive(Clone, Copy)]
struct Sample {
    per_message: f64,
    /// What the agenda handed to the engine for each.
    events: f64,
    held: u32,
}

/// Names, events of a message, scenarios.
fn cases() -> Vec<(&'static str, u32, String)> {
    let kafka = r#"
        [topic.reports]
        broker = "kafka"
        partitions = 1000
    "#;
    // One node takes all that comes.
    let rabbit = r#"
        [broker.rabbit]
        preset = "rabbitmq"
        rate = "unlimited"
        bandwidth = "unlimited"
        [queue.reports]
        broker = "rabbit"
    "#;
    vec![
        ("kafka", 10, scenario(kafka, "topic", "")),
        ("rabbitmq", 9, scenario(rabbit, "queue", "prefetch = 20")),
        ("ideal", 6, scenario("[queue.reports]", "queue", "")),
    ]
}

/// 100 000 messages a second for 20 s, from 20 publishers to 200 workers, who are busy for three quarters of the time.
fn scenario(keeping: &str, kind: &str, consumer: &str) -> String {
    format!(
        r#"
        duration = "20s"
        [workload.devices]
        entry = "intake.report"
        arrivals = "poisson(100000/s)"
        key = "uniform(1000000)"
        [service.intake]
        replicas = 20
        [service.intake.endpoint.report]
        steps = [ {{ publish = "reports", size = "100B" }} ]
        {keeping}
        [service.analysis]
        replicas = 50
        [service.analysis.endpoint.judge]
        steps = [ {{ work = "exp(1500us)" }} ]
        [consumer.analysts]
        {kind} = "reports"
        handler = "analysis.judge"
        concurrency = 4
        {consumer}
        "#
    )
}

fn model(scenario: &str) -> Model {
    let loaded = load("bench", scenario.as_bytes(), &LoadOptions::default());
    loaded.model.unwrap_or_else(|| panic!("{}", loaded.diagnostics.render(false)))
}

fn measure(model: &Model) -> Sample {
    let start = cpu_nanos();
    let results = simulate(model, &mut |_| ControlFlow::Continue(()));
    let nanos = (cpu_nanos() - start) as f64;
    let messaging = results.messaging.as_ref().expect("there is a topic");
    let messages = messaging.topics[0].published as f64;
    let group = &messaging.groups[0];
    assert!(group.missing() == 0 && group.pending < 20_000, "{} messages are left", group.pending);
    Sample { per_message: nanos / messages, events: results.events as f64 / messages, held: group.lag_peak }
}

fn cpu_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
