//! The speed of a queue with leases: CPU time per message through publish, take and acknowledge, medians over runs.
//!
//! `cargo bench --bench queue`; `RUNS=15` sets the number of runs (default 7).

use brownout::base::time::{Span, Time};
use brownout::base::units::Size;
use brownout::mechanism::broker::queue::{
    Acked, Member, MessageQueue, MessageStream, QueueSettings, Retention, StreamSettings, jetstream, rabbitmq, sqs,
};
use rustix::time::{ClockId, clock_gettime};

const MESSAGES: u32 = 4_000_000;
const BYTES: Size = Size::from_bytes(1_000);
/// Messages in work at any time.
const HELD: usize = 64;

fn main() {
    let runs: usize = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(7);
    println!("{:<10} {:>10} {:>14}  CPU time, median of {runs}", "queue", "ns/message", "messages/s");
    report("ideal", runs, || run_queue(QueueSettings::IDEAL));
    report("rabbitmq", runs, || run_queue(rabbitmq::quorum()));
    report("sqs", runs, || run_queue(sqs::standard()));
    report("jetstream", runs, run_stream);
}

fn report(name: &str, runs: usize, case: impl Fn()) {
    let mut samples: Vec<f64> = (0..runs).map(|_| seconds(&case)).collect();
    samples.sort_by(f64::total_cmp);
    let nanos = samples[runs / 2] * 1e9 / f64::from(MESSAGES);
    println!("{name:<10} {nanos:>10.1} {:>14.0}", 1e9 / nanos);
}

fn seconds(case: &impl Fn()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let start = now();
    case();
    now() - start
}

/// One message every 10 µs, of which each is held for as long as it takes to publish `HELD` others; two members.
fn run_queue(settings: QueueSettings) {
    let mut queue = MessageQueue::new(settings);
    let (mut taken, mut reports) = (Vec::new(), Vec::new());
    let mut held = std::collections::VecDeque::new();
    for message in 0..MESSAGES {
        let now = Time::ZERO + Span::from_micros(10 * u64::from(message));
        if queue.wake_at().is_some_and(|wake| wake <= now) {
            queue.tick(now, &mut reports);
        }
        queue.publish(now, (message, message), BYTES, None, &mut reports);
        queue.take(now, Member(message % 2), 1, &mut taken, &mut reports);
        held.extend(taken.drain(..).map(|delivery| delivery.lease));
        if held.len() > HELD
            && let Some(lease) = held.pop_front()
        {
            assert_eq!(queue.ack(lease), Acked::Held);
        }
    }
    assert!(queue.is_conserved() && reports.is_empty());
}

/// The same in a work queue with one consumer.
fn run_stream() {
    let settings = StreamSettings { retention: Retention::WorkQueue, ..jetstream::STREAM };
    let mut stream = MessageStream::new(settings, &[jetstream::consumer()]);
    let (mut taken, mut reports) = (Vec::new(), Vec::new());
    let mut held = std::collections::VecDeque::new();
    for message in 0..MESSAGES {
        let now = Time::ZERO + Span::from_micros(10 * u64::from(message));
        if stream.wake_at().is_some_and(|wake| wake <= now) {
            stream.tick(now, &mut reports);
        }
        stream.publish(now, (message, message), BYTES, None, &mut reports);
        stream.take(now, 0, Member(message % 2), 1, &mut taken, &mut reports);
        held.extend(taken.drain(..).map(|delivery| delivery.lease));
        if held.len() > HELD
            && let Some(lease) = held.pop_front()
        {
            assert_eq!(stream.ack(0, lease), Acked::Held);
        }
    }
    assert!(stream.is_conserved() && reports.is_empty());
}
