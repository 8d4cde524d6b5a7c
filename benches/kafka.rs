//! The speed of the Kafka mechanisms alone: CPU time per record from producer through log to group, without a kernel.
//!
//! `cargo bench --bench kafka`: 1000 partitions, 200 consumers, 20 producers, 3 nodes; 100 000 records a second of
//! simulated time, 5 ms of linger. Consumers poll when they hear of something, and commit by themselves.

use brownout::base::time::{Span, Time};
use brownout::mechanism::broker::kafka::{
    Answer, Group, GroupSettings, Log, LogSettings, Member, Node, OffsetReset, Partition, Producer, ProducerId,
    ProducerSettings, partition_of_key,
};
use rustix::time::{ClockId, clock_gettime};

const PARTITIONS: u32 = 1000;
const CONSUMERS: u32 = 200;
const PRODUCERS: u32 = 20;
const NODES: u32 = 3;
const RECORDS: u32 = 3_000_000;

fn main() {
    let mut samples: Vec<f64> = (0..7).map(|_| run()).collect();
    samples.sort_by(f64::total_cmp);
    println!("ns/record: median {:.1}, min {:.1}, max {:.1}", samples[3], samples[0], samples[6]);
}

/// CPU time per record in nanoseconds.
fn run() -> f64 {
    let settings = ProducerSettings { linger: Span::from_millis(5), ..ProducerSettings::default() };
    let mut producers: Vec<Producer<u32>> =
        (0..PRODUCERS).map(|id| Producer::new(ProducerId(id), settings, PARTITIONS, NODES)).collect();
    for producer in &mut producers {
        (0..PARTITIONS).for_each(|n| producer.set_leader(Time::ZERO, Partition(n), Some(Node(n % NODES))));
    }
    let mut logs: Vec<Log<u32>> = vec![Log::new(LogSettings::default()); PARTITIONS as usize];
    let group_settings =
        GroupSettings { initial_delay: Span::ZERO, reset: OffsetReset::Earliest, ..GroupSettings::default() };
    let mut group = Group::new(group_settings, PARTITIONS);
    let members: Vec<Member> = (0..CONSUMERS).map(|_| group.join(Time::ZERO)).collect();
    let (mut awake, mut out) = (Vec::new(), Vec::new());
    // Members that join while others hold partitions wait for their heartbeats.
    let mut now = Time::ZERO;
    for _ in 0..10 {
        now = now + Span::from_secs(1);
        group.advance(now, &mut awake);
        for member in &members {
            group.poll(now, *member, &logs, &mut out, |_, _, _| ());
        }
    }
    assert!(group.is_settled());
    let (mut read, mut held, mut requests) = (0u64, 0, 0u64);
    let start = cpu_nanos();
    for record in 0..RECORDS {
        now = now + Span::from_micros(10);
        let from = &mut producers[(record % PRODUCERS) as usize];
        from.offer(now, partition_of_key(record.wrapping_mul(2_654_435_761), PARTITIONS), record, 100);
        if from.wake_at().is_none_or(|due| due > now) {
            continue;
        }
        from.advance(now, || 0.5, |_, _| ());
        awake.clear();
        for node in (0..NODES).map(Node) {
            while let Some(request) = from.take_request(now, node) {
                requests += 1;
                for batch in from.batches(request) {
                    let log = &mut logs[batch.partition.index()];
                    log.append(now, batch.stamp, None, batch.bytes, batch.records);
                    log.replicated(log.end());
                    awake.extend(group.arrived(batch.partition));
                }
                from.answer(now, request, |_| Answer::Stored, || 0.5, |_, _| ());
            }
        }
        if group.wake_at().is_some_and(|due| due <= now) {
            group.advance(now, &mut awake);
        }
        for member in awake.drain(..) {
            out.clear();
            group.poll(now, member, &logs, &mut out, |_, _, _| ());
            read += out.len() as u64;
            // It is done at once, and waits again.
            out.clear();
            group.poll(now, member, &logs, &mut out, |_, _, _| ());
            read += out.len() as u64;
        }
        while let Some(partition) = group.next_moved() {
            if let Some(lowest) = group.lowest(partition) {
                logs[partition.index()].forget_below(lowest);
            }
        }
        held = held.max(if record % 100_000 < 100 { logs.iter().map(Log::held).sum::<usize>() } else { 0 });
    }
    let nanos = cpu_nanos() - start;
    assert!(read > u64::from(RECORDS) * 99 / 100, "{read}");
    assert!(held < 700_000, "what was committed is let go: {held}");
    assert!(requests > 1000);
    nanos as f64 / f64::from(RECORDS)
}

fn cpu_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
