//! Laws of the producer: nothing is lost sight of, memory is given back, and numbered batches are stored once and in order.

use std::collections::BTreeMap;

use brownout::mechanism::broker::kafka::RequestId;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Offer {
        partition: u32,
        bytes: u32,
    },
    Send {
        node: u32,
    },
    /// The request arrives and is answered.
    Arrive {
        request: usize,
    },
    /// It arrives, and its answer does not.
    LoseAnswer {
        request: usize,
    },
    /// It does not arrive.
    Lose {
        request: usize,
    },
    Disconnect {
        node: u32,
    },
    Lead {
        partition: u32,
        node: Option<u32>,
    },
    Pass {
        millis: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3u32, 1..60u32).prop_map(|(partition, bytes)| Step::Offer { partition, bytes }),
        5 => (0..2u32).prop_map(|node| Step::Send { node }),
        5 => (0..4usize).prop_map(|request| Step::Arrive { request }),
        1 => (0..4usize).prop_map(|request| Step::LoseAnswer { request }),
        1 => (0..4usize).prop_map(|request| Step::Lose { request }),
        1 => (0..2u32).prop_map(|node| Step::Disconnect { node }),
        1 => (0..3u32, proptest::option::of(0..2u32)).prop_map(|(partition, node)| Step::Lead { partition, node }),
        3 => (0..400u64).prop_map(|millis| Step::Pass { millis }),
        1 => (1000..6000u64).prop_map(|millis| Step::Pass { millis }),
    ];
    proptest::collection::vec(step, 1..250)
}

/// One producer, the logs it writes to, and what it was told.
struct World {
    now: Time,
    producer: Producer<u32>,
    logs: Vec<Log<u32>>,
    on_the_way: Vec<RequestId>,
    fates: BTreeMap<u32, Vec<Fate>>,
    /// Where records were put that were taken.
    offered: Vec<(u32, Partition)>,
    draw: Box<dyn FnMut() -> f64>,
}

impl World {
    fn new(settings: ProducerSettings) -> World {
        let mut producer = Producer::new(ProducerId(0), settings, 3, 2);
        for n in 0..3 {
            producer.set_leader(Time::ZERO, Partition(n), Some(Node(n % 2)));
        }
        let logs = vec![Log::new(LogSettings::default()); 3];
        let draw = Box::new(draws("producer"));
        let (on_the_way, fates, offered) = (Vec::new(), BTreeMap::new(), Vec::new());
        World { now: Time::ZERO, producer, logs, on_the_way, fates, offered, draw }
    }

    /// A request reaches the broker; what he says to each batch.
    fn store(&mut self, request: RequestId) -> BTreeMap<Partition, Answer> {
        let mut answers = BTreeMap::new();
        for batch in self.producer.batches(request) {
            let log = &mut self.logs[batch.partition.index()];
            let answer = match self.producer.store(self.now, &batch, None, log) {
                Append::Stored(_) | Append::Duplicate => Answer::Stored,
                Append::OutOfOrder => Answer::Again,
            };
            log.replicated(log.end());
            answers.insert(batch.partition, answer);
        }
        answers
    }

    fn step(&mut self, step: Step) {
        let fates = &mut self.fates;
        let tell = |payload, fate| fates.entry(payload).or_default().push(fate);
        match step {
            Step::Offer { partition, bytes } => {
                let (id, partition) = (self.offered.len() as u32, Partition(partition));
                assert_ne!(self.producer.offer(self.now, partition, id, bytes), Offer::TooLarge);
                self.offered.push((id, partition));
            }
            Step::Send { node } => self.on_the_way.extend(self.producer.take_request(self.now, Node(node))),
            Step::Arrive { request } if !self.on_the_way.is_empty() => {
                let request = self.on_the_way.remove(request % self.on_the_way.len());
                let answers = self.store(request);
                let fates = &mut self.fates;
                let tell = |payload, fate| fates.entry(payload).or_default().push(fate);
                self.producer.answer(self.now, request, |partition| answers[&partition], &mut self.draw, tell);
            }
            Step::LoseAnswer { request } if !self.on_the_way.is_empty() => {
                let request = self.on_the_way.remove(request % self.on_the_way.len());
                self.store(request);
            }
            Step::Lose { request } if !self.on_the_way.is_empty() => {
                self.on_the_way.remove(request % self.on_the_way.len());
            }
            Step::Arrive { .. } | Step::LoseAnswer { .. } | Step::Lose { .. } => {}
            Step::Disconnect { node } => self.producer.disconnected(self.now, Node(node), &mut self.draw, tell),
            Step::Lead { partition, node } => {
                self.producer.set_leader(self.now, Partition(partition), node.map(Node));
            }
            Step::Pass { millis } => {
                let target = self.now + Span::from_millis(millis);
                while let Some(due) = self.producer.wake_at().filter(|due| *due <= target) {
                    assert!(due >= self.now, "nothing was overlooked");
                    self.now = due;
                    let fates = &mut self.fates;
                    let tell = |payload, fate| fates.entry(payload).or_default().push(fate);
                    self.producer.advance(due, &mut self.draw, tell);
                    assert!(self.producer.wake_at().is_none_or(|next| next > due), "what is due is done");
                }
                self.now = target;
            }
        }
    }

    fn payloads(&self, partition: usize) -> Vec<u32> {
        let mut found = Vec::new();
        self.logs[partition].fetch(0, Reading::Uncommitted, usize::MAX, |_, payload| found.push(payload));
        found
    }
}

/// Settings under which everything happens soon.
fn hasty(is_idempotent: bool, linger: u64) -> ProducerSettings {
    ProducerSettings {
        linger: Span::from_millis(linger),
        batch_size: Size::from_bytes(100),
        buffer_memory: Size::from_bytes(700),
        max_block: Span::from_secs(2),
        delivery_timeout: Span::from_secs(5),
        request_timeout: Span::from_secs(1),
        max_in_flight: 3,
        max_request: Size::from_bytes(150),
        is_idempotent,
        ..ProducerSettings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_record_has_one_end_and_numbered_ones_are_stored_once_and_in_order(
        steps in steps(),
        is_idempotent in any::<bool>(),
        linger in prop_oneof![Just(0u64), Just(20)],
    ) {
        let mut world = World::new(hasty(is_idempotent, linger));
        for step in steps {
            world.step(step);
        }
        // In the end all goes well.
        for n in 0..3 {
            world.step(Step::Lead { partition: n, node: Some(n % 2) });
        }
        for _ in 0..40 {
            for node in [0, 1] {
                for _ in 0..5 {
                    world.step(Step::Send { node });
                }
            }
            while !world.on_the_way.is_empty() {
                world.step(Step::Arrive { request: 0 });
            }
            world.step(Step::Pass { millis: 500 });
        }
        prop_assert_eq!((world.producer.pending(), world.producer.blocked(), world.producer.buffered()), (0, 0, 0));
        prop_assert_eq!(world.producer.wake_at(), None);
        for (id, partition) in &world.offered {
            let fates = &world.fates[id];
            let ends = fates.iter().filter(|fate| **fate != Fate::Admitted).count();
            prop_assert_eq!(ends, 1, "{}: {:?}", id, fates);
            let stored = world.payloads(partition.index()).iter().filter(|other| *other == id).count();
            match fates[fates.len() - 1] {
                Fate::Acknowledged => prop_assert!(stored >= 1),
                Fate::Refused => prop_assert_eq!(stored, 0),
                _ => {}
            }
            prop_assert!(stored <= 1 || !is_idempotent, "{} is stored {} times", id, stored);
        }
        for n in 0..3 {
            let found = world.payloads(n);
            // Who waits for memory may be overtaken by a smaller one that fits where it waits.
            let admitted = |id: &u32| world.fates[id].contains(&Fate::Admitted);
            let at_once: Vec<u32> = found.into_iter().filter(|id| !admitted(id)).collect();
            prop_assert!(!is_idempotent || at_once.is_sorted(), "{:?}", at_once);
        }
    }
}

#[test]
fn an_answer_that_is_lost_stores_twice_what_is_not_numbered() {
    let stored = |is_idempotent| {
        let mut world = World::new(ProducerSettings { is_idempotent, ..ProducerSettings::default() });
        world.step(Step::Offer { partition: 0, bytes: 10 });
        world.step(Step::Send { node: 0 });
        world.step(Step::LoseAnswer { request: 0 });
        world.step(Step::Pass { millis: 31_000 });
        world.step(Step::Send { node: 0 });
        world.step(Step::Arrive { request: 0 });
        assert_eq!(world.fates[&0], [Fate::Acknowledged]);
        world.payloads(0)
    };
    assert_eq!(stored(true), [0]);
    assert_eq!(stored(false), [0, 0]);
}

#[test]
fn a_request_takes_the_oldest_batch_of_every_partition_of_its_node_along() {
    let settings = ProducerSettings { linger: Span::from_millis(5), ..ProducerSettings::default() };
    let mut world = World::new(settings);
    let offer = |world: &mut World, partition| world.step(Step::Offer { partition, bytes: 10 });
    offer(&mut world, 0);
    world.step(Step::Pass { millis: 4 });
    [1, 2, 2].into_iter().for_each(|partition| offer(&mut world, partition));
    world.step(Step::Send { node: 0 });
    assert!(world.on_the_way.is_empty());
    world.step(Step::Pass { millis: 1 });
    world.step(Step::Send { node: 0 });
    let request = world.on_the_way[0];
    let sizes: Vec<(u32, usize)> =
        world.producer.batches(request).map(|it| (it.partition.0, it.records.len())).collect();
    assert_eq!(sizes, [(0, 1), (2, 2)]);
    assert!(world.producer.answer(
        world.now,
        request,
        answered,
        || 0.5,
        |_, fate| assert_eq!(fate, Fate::Acknowledged)
    ));
    assert!(!world.producer.answer(world.now, request, answered, || 0.5, |_, _| unreachable!()), "only once");
    assert_eq!(world.producer.pending(), 1);
}
