//! Messages: how they get from a `publish` step to a broker, are kept there, and come to a worker that handles them. How
//! a broker keeps messages is the mechanisms' to know; here their answers become events.
//!
//! [`publish`] is the publisher's side, `nodes` the servers of a broker, `shelves` what is kept on them, `workers` the
//! consumers' side, `settle` what becomes of a message, `order` whether it came in its turn, `flow` what holds publishers
//! back, `effects` what is done again. A model without topics has nothing
//! here.

mod effects;
mod flow;
mod kafka;
mod leaving;
mod logs;
mod members;
mod nodes;
mod order;
mod partitions;
mod publish;
mod scaling;
mod settle;
mod shelf;
mod shelves;
mod transactions;
mod trouble;
mod workers;

use std::collections::VecDeque;

use crate::base::random::{Key, salt};
use crate::base::time::Time;
use crate::mechanism::broker::kafka::{self as kafka_rules, RequestId, TransactionId};
use crate::mechanism::broker::queue::{Delivery, LeaseId};
use crate::model::{Id, Keeping, Model, PublishWait};
use crate::policy::Outcome;

use super::agenda::Ticket;
use super::frame::NONE;
use super::world::World;

pub(super) use effects::Effects;
use logs::{ProducerState, Replications};
use nodes::BrokerState;
use publish::Publisher;
use shelves::{GroupState, TopicState};
use workers::Worker;

/// A message, as it lies with a broker or a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// Names the draws of all that it causes.
    pub(super) key: Key,
    /// What it was published for, however often that was tried.
    pub(super) origin: Key,
    /// When the step began that published it.
    pub(super) published: Time,
    /// Who waits for it, as long as he does.
    pub(super) waiter: Ticket,
    /// What it is about; [`NONE`] if nothing in particular.
    pub(super) request_key: u32,
    pub(super) bytes: u32,
    /// The topic to which it was published first.
    pub(super) home: u32,
    /// Its place among all messages of that topic.
    pub(super) number: u32,
    pub(super) priority: u8,
    pub(super) wait: PublishWait,
    /// The transaction of Kafka to which it belongs.
    pub(super) transaction: Option<TransactionId>,
    /// Whether its handler fails, however often it comes.
    pub(super) is_poisoned: bool,
    /// Whether it was published as a dead letter.
    pub(super) is_dead: bool,
}

/// Nobody waits.
pub(super) const NOBODY: Ticket = Ticket { frame: NONE, token: 0 };

/// A message in the hands of a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    pub(super) receipt: Receipt,
    /// How often it came, this time included.
    pub(super) deliveries: u32,
    /// Whether the broker has heard of its acknowledgement while it is in work.
    pub(super) is_acknowledged: bool,
}

/// How a worker names a message to the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Receipt {
    /// Of a queue.
    Lease(LeaseId),
    /// Of a log.
    Record { partition: u32, generation: u32, offset: u64 },
}

impl From<Delivery<Message>> for Held {
    fn from(delivery: Delivery<Message>) -> Held {
        Held {
            message: delivery.message,
            receipt: Receipt::Lease(delivery.lease),
            deliveries: delivery.deliveries,
            is_acknowledged: false,
        }
    }
}

/// Something on its way to a broker or back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parcel {
    /// A message reaches the node that leads its topic, `from` a connection with credit or [`NONE`].
    Arrives { topic: u32, message: Message, from: u32 },
    /// It is stored.
    Stored { topic: u32, message: Message, from: u32 },
    /// The broker's answer reaches a publisher.
    Answered { waiter: Ticket, outcome: Outcome },
    /// Messages reach a worker, if it is still the same process.
    Delivered { worker: u32, epoch: u32, count: u32 },
    /// The first answer of a worker that is on its way reaches the broker.
    Settled { worker: u32 },
    /// A worker that has found nothing, or waits before he tries again, goes on, if it is still the same process.
    Polls { worker: u32, epoch: u32 },
    /// A request of a producer of Kafka reaches a node.
    Requested { producer: u32, node: u32, request: RequestId },
    /// What a request brought is on all nodes.
    Replicated { topic: u32, list: u32 },
    /// The answer to a request reaches its producer.
    RequestAnswered { producer: u32, request: RequestId, list: Option<u32> },
    /// It is time for a worker to commit, if it is still the same process.
    CommitDue { worker: u32, epoch: u32 },
    /// A worker's transaction is committed, if it is still the same process.
    Committed { worker: u32, epoch: u32 },
}

/// Parcels on their way, by their number.
#[derive(Default)]
pub(super) struct Parcels {
    slots: Vec<Option<Parcel>>,
    free: Vec<u32>,
}

impl Parcels {
    pub(super) fn add(&mut self, parcel: Parcel) -> u32 {
        if let Some(id) = self.free.pop() {
            self.slots[id as usize] = Some(parcel);
            return id;
        }
        self.slots.push(Some(parcel));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 parcels are on their way")
    }

    pub(super) fn take(&mut self, id: u32) -> Parcel {
        self.free.push(id);
        self.slots[id as usize].take().expect("a parcel arrives once")
    }
}

/// See the module.
pub(super) struct Messaging {
    pub(super) topics: Vec<TopicState>,
    /// Those of each topic follow one another.
    pub(super) groups: Vec<GroupState>,
    pub(super) workers: Vec<Worker>,
    /// The workers of each replica.
    pub(super) workers_of: Vec<Vec<u32>>,
    pub(super) brokers: Vec<BrokerState>,
    /// By `publish` step.
    pub(super) publishers: Vec<Publisher>,
    pub(super) parcels: Parcels,
    /// Those of publishers to RabbitMQ.
    connections: Vec<flow::Connection>,
    /// What is done to the world outside; `None` where nobody asks.
    pub(super) effects: Option<Box<Effects>>,
    /// Client libraries of publishers to Kafka.
    pub(super) producers: Vec<ProducerState>,
    /// `None` where nobody has transactions.
    pub(super) transactions: Option<transactions::All>,
    replications: Replications,
    order: order::Order,
    /// Lists that are used again.
    deliveries: Vec<Delivery<Message>>,
    fates: Vec<(Message, kafka_rules::Fate)>,
    records: Vec<kafka_rules::Delivery<Message>>,
    lost: Vec<(u32, u64, Message)>,
    awake: Vec<kafka_rules::Member>,
    /// Dead letters that are still to be published: to which topic.
    dead: VecDeque<(u32, Message)>,
}

impl Messaging {
    pub(super) fn new(model: &Model, world: &mut World) -> Messaging {
        let mut messaging = Messaging {
            topics: Vec::new(),
            groups: Vec::new(),
            workers: Vec::new(),
            workers_of: vec![Vec::new(); if model.consumers.is_empty() { 0 } else { world.replicas.len() }],
            brokers: model.brokers.iter().map(|broker| BrokerState::new(broker, world)).collect(),
            publishers: Vec::new(),
            parcels: Parcels::default(),
            connections: Vec::new(),
            effects: Effects::of(model),
            producers: Vec::new(),
            transactions: has_transactions(model).then(transactions::none_open),
            replications: Replications::default(),
            order: order::Order::default(),
            deliveries: Vec::new(),
            fates: Vec::new(),
            records: Vec::new(),
            lost: Vec::new(),
            awake: Vec::new(),
            dead: VecDeque::new(),
        };
        messaging.add_topics(model, world.replicas.len());
        messaging.add_workers(model, world);
        messaging.add_publishers(model, world);
        messaging.add_producers(model, world);
        messaging
    }

    /// Whether it must be known what a frame does something for.
    pub(super) fn knows_origins(model: &Model) -> bool {
        let has_effect = model.endpoints.iter().any(|endpoint| endpoint.effect.is_some());
        has_effect
            || model.topics.iter().any(|topic| matches!(&topic.keeping, Keeping::Queue(it) if !it.dedup.is_zero()))
    }

    /// What a node has stored of the requests of a producer of Kafka that waits for their answers: request and partition.
    fn stored_for(&self, n: u32) -> Vec<(RequestId, u32)> {
        let answers = self.parcels.slots.iter().filter_map(|parcel| match parcel {
            Some(Parcel::RequestAnswered { producer, request, list: Some(list) }) if *producer == n => {
                Some((*request, *list))
            }
            _ => None,
        });
        answers
            .flat_map(|(request, list)| self.replications.stored(list).map(move |partition| (request, partition)))
            .collect()
    }

    /// Whether there is nothing of it.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }
}

fn has_transactions(model: &Model) -> bool {
    model.consumers.iter().any(|consumer| matches!(consumer.delivery, crate::model::Delivery::ExactlyOnce { .. }))
}

/// The name of what a topic's or a consumer's draws are for.
pub(super) fn named(kind: &str, name: &str) -> u64 {
    salt(&format!("{kind}/{name}"))
}

/// The number of a thing in the kernel.
pub(super) fn number(id: impl Id) -> u32 {
    id.index() as u32
}
