//! Messaging: brokers, topics, queues and consumers, each with what its kind of broker knows.

use super::client::{policy, retry};
use super::names::Names;
use super::{Atlas, ClientPlaces, ConsumerPlaces, GroupSite, TopicPlaces};
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Share, Size};
use crate::model::{
    Acks, Broker, BrokerId, BrokerKind, Client, Consumer, ConsumerId, Delivery, GroupStart, Id, Ids, Keep, Keeping,
    LagScaling, Limit, LogSettings, Membership, Model, Partitioner, ProducerSettings, QueueLimits, QueueOverflow,
    Rebalance, Settling, Topic, TopicId,
};
use crate::scenario::decode::{
    BrokerName, Count, Cx, DeliveryWord, DestinationName, Field, Item, NotZero, PositiveNumber, ReadCommitted,
    Unlimited, Word, WorkerKind,
};
use crate::scenario::language::{
    BrokerKeys, ConsumerKeys, LagScalingKeys, ProducerKeys, QueueKeys, ScenarioKeys, TopicKeys,
};
use crate::scenario::say::{Place, catalogue};

/// Brokers, topics and queues; consumers come when endpoints and clients are there.
pub(super) fn topics(
    keys: &ScenarioKeys,
    names: &Names<'_>,
    atlas: &mut Atlas,
    cx: &mut Cx<'_>,
) -> (Ids<BrokerId, Broker>, Ids<TopicId, Topic>) {
    let mut brokers = Ids::default();
    for item in keys.broker.value().iter().flat_map(|brokers| &brokers.items) {
        if BrokerKind::ALL.iter().any(|kind| kind.name() == item.name) {
            cx.say(&catalogue::BAD_NAME, item.place, format!("`{}` is the name of a preset", item.name))
                .help("give the broker another name, and name it in the topics and queues");
        }
        brokers.push(broker(item, cx));
        atlas.brokers.push(item.place);
    }
    let mut topics = Ids::default();
    for item in keys.topic.value().iter().flat_map(|topics| &topics.items) {
        topics.push(topic(item, keys, names, &mut brokers, cx));
        let producer = item.value.as_ref().and_then(|keys| keys.producer.value());
        let acks = producer.map_or(Place::NOWHERE, |keys| keys.acks.place());
        atlas.topics.push(TopicPlaces { name: item.place, acks, redrive: Place::NOWHERE });
    }
    for item in keys.queue.value().iter().flat_map(|queues| &queues.items) {
        topics.push(queue(item, keys, names, &mut brokers, cx));
        let redrive = item.value.as_ref().map_or(Place::NOWHERE, |keys| keys.redrive.key_place());
        atlas.topics.push(TopicPlaces { name: item.place, acks: Place::NOWHERE, redrive });
    }
    (brokers, topics)
}

fn broker(item: &Item<BrokerKeys>, cx: &mut Cx<'_>) -> Broker {
    let Some(keys) = &item.value else {
        return Broker { name: item.name.clone(), ..Broker::of_kind(BrokerKind::Ideal) };
    };
    let preset = Broker::of_kind(keys.preset.value().map_or(BrokerKind::Ideal, |Word(kind)| *kind));
    if preset.kind != BrokerKind::Rabbitmq {
        let places = [("memory", keys.memory.key_place()), ("watermark", keys.watermark.key_place())];
        for (key, place) in places.into_iter().filter(|(_, place)| place.is_somewhere()) {
            cx.say(
                &catalogue::PARTNER,
                place,
                format!("`{key}` means nothing to the broker \"{}\"", preset.kind.name()),
            )
            .label("only RabbitMQ stops publishers for the sake of its memory")
            .help(format!("remove `{key}`, or limit the `disk`"));
        }
    }
    let memory = keys.memory.value().and_then(limit_of);
    if let (None, true) = (memory, keys.watermark.key_place().is_somewhere() && preset.kind == BrokerKind::Rabbitmq) {
        cx.say(
            &catalogue::PARTNER,
            keys.watermark.key_place(),
            "a `watermark` needs a `memory` of which it is a share",
        )
        .help("add for example `memory = \"4GiB\"`, or remove `watermark`");
    }
    let share = keys.watermark.value().map_or(1.0, |NotZero(share)| share.as_f64());
    let memory_limit = memory.map(|memory| Size::from_bytes((memory.as_bytes() as f64 * share) as u64));
    Broker {
        name: item.name.clone(),
        kind: preset.kind,
        nodes: keys.nodes.given().map_or(preset.nodes, |count| count.0),
        latency: keys.latency.given().cloned().unwrap_or(preset.latency),
        store: keys.store.given().cloned().unwrap_or(preset.store),
        rate: keys.rate.given().map_or(preset.rate, limit_of),
        bandwidth: keys.bandwidth.given().map_or(preset.bandwidth, |Unlimited(bandwidth)| *bandwidth),
        partition_cost: keys.partition_cost.given().copied().unwrap_or(preset.partition_cost),
        disk: keys.disk.value().and_then(limit_of),
        when_full: keys.when_full.given().map_or(preset.when_full, |Word(word)| *word),
        memory_limit,
        failover: keys.failover.given().copied().unwrap_or(preset.failover),
    }
}

/// What is not zero, unless it is without limit.
fn limit_of<T: Copy>(Unlimited(limit): &Unlimited<NotZero<T>>) -> Option<T> {
    limit.as_ref().map(|NotZero(limit)| *limit)
}

/// The broker that a topic names: one of the file, or a preset.
fn find_broker(
    name: Option<&BrokerName>,
    keys: &ScenarioKeys,
    brokers: &mut Ids<BrokerId, Broker>,
    cx: &mut Cx<'_>,
) -> (BrokerId, BrokerKind) {
    let text = name.map_or(BrokerKind::Ideal.name(), |name| name.text.as_str());
    if let Some((id, broker)) = brokers.enumerate().find(|(_, broker)| broker.name == text) {
        return (id, broker.kind);
    }
    let kind = BrokerKind::ALL.into_iter().find(|kind| kind.name() == text);
    if let (None, Some(name), false) = (kind, name, cx.has_gaps || keys.broker.is_bad()) {
        let presets = || BrokerKind::ALL.iter().map(|kind| kind.name());
        let near = did_you_mean(text, presets().chain(brokers.iter().map(|broker| broker.name.as_str())));
        let list = presets().map(|preset| format!("\"{preset}\"")).collect::<Vec<_>>().join(", ");
        cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("there is no broker `{text}`"))
            .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
            .help(format!("define it as [broker.{text}], or name a preset: {list}"));
    }
    let kind = kind.unwrap_or(BrokerKind::Ideal);
    if let Some((id, _)) = brokers.enumerate().find(|(_, broker)| broker.name == kind.name()) {
        return (id, kind);
    }
    (brokers.push(Broker::of_kind(kind)), kind)
}

fn topic(
    item: &Item<TopicKeys>,
    all: &ScenarioKeys,
    names: &Names<'_>,
    brokers: &mut Ids<BrokerId, Broker>,
    cx: &mut Cx<'_>,
) -> Topic {
    let keys = item.value.as_ref();
    let (broker, kind) = find_broker(keys.and_then(|keys| keys.broker.value()), all, brokers, cx);
    let keeping = match keys {
        Some(keys) if kind == BrokerKind::Kafka => {
            only_elsewhere(kind, not_kafka(keys), "a log of Kafka keeps what it has by `retention`", cx);
            Keeping::Log(Box::new(log(keys, &brokers[broker], cx)))
        }
        Some(keys) => {
            only_elsewhere(kind, only_kafka(keys), "only Kafka has that", cx);
            if kind != BrokerKind::Jetstream {
                let others = [("dedup", keys.dedup.key_place()), ("retention", keys.retention.key_place())];
                only_elsewhere(kind, others, "this kind keeps a message until it is acknowledged", cx);
            }
            let dead_letter = keys.dead_letter.given().and_then(|name| other(name, &item.name, names, cx));
            Keeping::Queue(QueueLimits {
                length: keys.length.value().map_or(Limit::Unlimited, |limit| limit.0),
                size: keys.max_size.value().and_then(limit_of),
                overflow: keys.overflow.value().map_or(QueueOverflow::DropOldest, |Word(word)| *word),
                ttl: keys.ttl.or_default().0.map(|NotZero(span)| span),
                keep: match keys.retention.given() {
                    Some(retention) => limit_of(retention).map_or(Keep::Always, Keep::For),
                    None => Keep::UntilHandled,
                },
                dedup: keys.dedup.given().copied().unwrap_or(kind.dedup()),
                dead_letter,
            })
        }
        None => Keeping::Queue(unlimited()),
    };
    Topic {
        name: item.name.clone(),
        is_queue: false,
        broker,
        keeping,
        alert: keys.and_then(|keys| keys.alert.given()).map(|Count(count)| *count),
        redrive_every: None,
    }
}

fn unlimited() -> QueueLimits {
    QueueLimits {
        length: Limit::Unlimited,
        size: None,
        overflow: QueueOverflow::DropOldest,
        ttl: None,
        keep: Keep::UntilHandled,
        dedup: Span::ZERO,
        dead_letter: None,
    }
}

/// Keys of a topic that only Kafka knows.
const TOPIC_OF_KAFKA: [&str; 7] =
    ["partitions", "partitioner", "replication", "retention_size", "segment", "retention_check", "producer"];
/// Keys of a topic that Kafka does not know.
const TOPIC_OF_OTHERS: [&str; 6] = ["length", "max_size", "overflow", "ttl", "dedup", "dead_letter"];
/// Keys of a consumer that only Kafka knows.
const CONSUMER_OF_KAFKA: [&str; 7] =
    ["session_timeout", "max_poll_interval", "rebalance", "rebalance_time", "start", "isolation", "commit_every"];
/// Keys of a consumer that Kafka does not know.
const CONSUMER_OF_OTHERS: [&str; 3] = ["ack_timeout", "unacknowledged", "poll"];

/// Whether `key` of the table at `path` means nothing, for the kind of broker it has to do with.
pub(crate) fn means_nothing(model: &Model, path: &[String], key: &str) -> bool {
    let [section, name] = path else { return false };
    let of_kafka = |topic: &Topic| model.brokers[topic.broker].kind == BrokerKind::Kafka;
    let topic = || model.topics.iter().find(|topic| topic.name == *name).is_some_and(of_kafka);
    let consumer = || model.consumers.iter().find(|consumer| consumer.name == *name);
    match section.as_str() {
        "broker" if matches!(key, "memory" | "watermark") => {
            let broker = || model.brokers.iter().find(|broker| broker.name == *name);
            broker().is_none_or(|it| it.memory_limit.is_none())
        }
        "topic" if topic() => TOPIC_OF_OTHERS.contains(&key),
        "topic" => TOPIC_OF_KAFKA.contains(&key),
        "consumer" if consumer().is_some_and(|it| of_kafka(&model.topics[it.topic])) => {
            CONSUMER_OF_OTHERS.contains(&key)
        }
        "consumer" => CONSUMER_OF_KAFKA.contains(&key),
        _ => false,
    }
}

fn only_kafka(keys: &TopicKeys) -> impl Iterator<Item = (&'static str, Place)> {
    let places = [
        keys.partitions.key_place(),
        keys.partitioner.key_place(),
        keys.replication.key_place(),
        keys.retention_size.key_place(),
        keys.segment.key_place(),
        keys.retention_check.key_place(),
        keys.producer.key_place(),
    ];
    TOPIC_OF_KAFKA.into_iter().zip(places)
}

fn not_kafka(keys: &TopicKeys) -> impl Iterator<Item = (&'static str, Place)> {
    let places = [
        keys.length.key_place(),
        keys.max_size.key_place(),
        keys.overflow.key_place(),
        keys.ttl.key_place(),
        keys.dedup.key_place(),
        keys.dead_letter.key_place(),
    ];
    TOPIC_OF_OTHERS.into_iter().zip(places)
}

/// Refuses keys that this kind of broker does not know.
fn only_elsewhere(kind: BrokerKind, keys: impl IntoIterator<Item = (&'static str, Place)>, why: &str, cx: &mut Cx<'_>) {
    for (key, place) in keys.into_iter().filter(|(_, place)| place.is_somewhere()) {
        cx.say(&catalogue::PARTNER, place, format!("`{key}` means nothing to the broker \"{}\"", kind.name()))
            .label(why)
            .help(format!("remove `{key}`, or name another `broker`"));
    }
}

/// Copies of a partition unless it is said; never more than there are nodes.
const COPIES: u32 = 3;
/// What waits for acknowledgement of an idempotent producer is numbered; the broker knows the last so many.
const IDEMPOTENT_IN_FLIGHT: u32 = 5;

fn log(keys: &TopicKeys, broker: &Broker, cx: &mut Cx<'_>) -> LogSettings {
    let replication = keys.replication.given().map_or(COPIES.min(broker.nodes), |count| count.0);
    if replication > broker.nodes {
        let nodes = if broker.nodes == 1 { "one node".to_owned() } else { format!("{} nodes", broker.nodes) };
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.replication.place(),
            format!("{replication} copies of a partition do not fit on {nodes}"),
        )
        .label(format!("the broker `{}` has {nodes}, and each keeps one copy", broker.name))
        .help(format!("write at most `replication = {}`, or give the broker more `nodes`", broker.nodes));
    }
    LogSettings {
        partitions: keys.partitions.value().map_or(1, |count| count.0),
        partitioner: keys.partitioner.value().map_or(Partitioner::Keyed, |Word(word)| *word),
        retention: match keys.retention.given() {
            Some(retention) => limit_of(retention),
            None => Some(Span::from_secs(168 * 3600)),
        },
        retention_size: keys.retention_size.value().and_then(limit_of),
        segment: keys.segment.value().map_or(Size::from_bytes(1 << 30), |NotZero(size)| *size),
        retention_check: keys.retention_check.value().map_or(Span::from_secs(300), |NotZero(span)| *span),
        replication,
        producer: producer(keys.producer.value(), cx),
    }
}

fn producer(keys: Option<&ProducerKeys>, cx: &mut Cx<'_>) -> ProducerSettings {
    let span = |field: fn(&ProducerKeys) -> &Field<NotZero<Span>>, secs| {
        keys.and_then(|keys| field(keys).value()).map_or(Span::from_secs(secs), |NotZero(span)| *span)
    };
    let size = |field: fn(&ProducerKeys) -> &Field<NotZero<Size>>, bytes| {
        keys.and_then(|keys| field(keys).value()).map_or(Size::from_bytes(bytes), |NotZero(size)| *size)
    };
    let linger = keys.map_or(Span::from_millis(5), |keys| keys.linger.or_default());
    let request_timeout = span(|keys| &keys.request_timeout, 30);
    let in_flight = keys.and_then(|keys| keys.in_flight.value()).map_or(IDEMPOTENT_IN_FLIGHT, |count| count.0);
    let acks = keys.and_then(|keys| keys.acks.value()).map_or(Acks::All, |Word(word)| *word);
    let attempt = linger + request_timeout;
    if let Some(keys) = keys {
        producer_fits(keys, attempt, cx);
    }
    // As in Kafka, where what nobody has written gives way.
    let delivery_timeout = keys.and_then(|keys| keys.delivery_timeout.given());
    let may_be_idempotent = acks == Acks::All && in_flight <= IDEMPOTENT_IN_FLIGHT;
    ProducerSettings {
        linger,
        batch: size(|keys| &keys.batch, 16 << 10),
        buffer: size(|keys| &keys.buffer, 32 << 20),
        max_block: span(|keys| &keys.max_block, 60),
        delivery_timeout: delivery_timeout.map_or(Span::from_secs(120).max(attempt), |NotZero(span)| *span),
        request_timeout,
        in_flight,
        acks,
        is_idempotent: may_be_idempotent && keys.and_then(|keys| keys.idempotent.given()).is_none_or(|is| *is),
        compression: keys.and_then(|keys| keys.compression.value()).map_or(1.0, |PositiveNumber(number)| *number),
    }
}

/// Refuses what Kafka's library refuses; `attempt` is how long one attempt takes at most.
fn producer_fits(keys: &ProducerKeys, attempt: Span, cx: &mut Cx<'_>) {
    if keys.idempotent.given() == Some(&true) {
        let place = keys.idempotent.place();
        if let Some(Word(Acks::None | Acks::Leader)) = keys.acks.given() {
            cx.say(&catalogue::EXCLUDE, place, "an idempotent producer needs the acknowledgement of all replicas")
                .also(keys.acks.place(), "this one does not wait for it")
                .help("write `acks = \"all\"`, or remove `idempotent`");
        }
        if keys.in_flight.given().is_some_and(|count| count.0 > IDEMPOTENT_IN_FLIGHT) {
            cx.say(
                &catalogue::EXCLUDE,
                place,
                format!("an idempotent producer has at most {IDEMPOTENT_IN_FLIGHT} batches under way"),
            )
            .also(keys.in_flight.place(), "these are more")
            .help(format!("write `in_flight = {IDEMPOTENT_IN_FLIGHT}` or less, or remove `idempotent`"));
        }
    }
    let is_whole = !keys.linger.is_bad() && !keys.request_timeout.is_bad();
    if let Some(NotZero(timeout)) = keys.delivery_timeout.given().filter(|NotZero(span)| is_whole && *span < attempt) {
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.delivery_timeout.place(),
            format!("a message is given up after {timeout}, before its first attempt is over"),
        )
        .also(keys.linger.place(), "before it is sent")
        .also(keys.request_timeout.place(), "and behind that")
        .note("`linger` and `request_timeout` together are how long one attempt may take; Kafka's library refuses less")
        .help(format!("write `delivery_timeout = \"{attempt}\"` or more, or a shorter `request_timeout`"));
    }
}

fn queue(
    item: &Item<QueueKeys>,
    all: &ScenarioKeys,
    names: &Names<'_>,
    brokers: &mut Ids<BrokerId, Broker>,
    cx: &mut Cx<'_>,
) -> Topic {
    let keys = item.value.as_ref();
    let (broker, kind) = find_broker(keys.and_then(|keys| keys.broker.value()), all, brokers, cx);
    if let (Some(keys), BrokerKind::Kafka) = (keys, kind) {
        cx.say(&catalogue::PARTNER, keys.broker.place(), "Kafka keeps topics, not queues")
            .help(format!("write [topic.{0}] instead of [queue.{0}]; one group of consumers shares it", item.name));
    }
    let limits = keys.map_or_else(unlimited, |keys| {
        if kind != BrokerKind::Jetstream {
            only_elsewhere(kind, [("dedup", keys.dedup.key_place())], "only JetStream has that", cx);
        }
        QueueLimits {
            length: keys.length.value().map_or(Limit::Unlimited, |limit| limit.0),
            size: keys.max_size.value().and_then(limit_of),
            overflow: keys.overflow.value().map_or(QueueOverflow::DropOldest, |Word(word)| *word),
            ttl: keys.ttl.or_default().0.map(|NotZero(span)| span),
            keep: Keep::UntilHandled,
            dedup: keys.dedup.given().copied().unwrap_or(kind.dedup()),
            dead_letter: keys.dead_letter.given().and_then(|name| other(name, &item.name, names, cx)),
        }
    });
    Topic {
        name: item.name.clone(),
        is_queue: true,
        broker,
        keeping: Keeping::Queue(limits),
        alert: keys.and_then(|keys| keys.alert.given()).map(|Count(count)| *count),
        redrive_every: keys.and_then(|keys| keys.redrive.or_default().0).map(|NotZero(span)| span),
    }
}

/// A place for dead letters, which is not where they come from.
fn other(name: &DestinationName, own: &str, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<TopicId> {
    if name.text == own {
        cx.say(&catalogue::OUT_OF_RANGE, name.place, format!("dead letters of `{own}` would come back to it at once"))
            .help("name another queue, for example [queue.dead]");
        return None;
    }
    names.destination(name, cx)
}

/// Consumers; each has a client of its own, with which it calls its handler.
pub(super) fn consumers(keys: &ScenarioKeys, names: &Names<'_>, model: &mut Model, atlas: &mut Atlas, cx: &mut Cx<'_>) {
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); model.topics.len()];
    for item in keys.consumer.value().iter().flat_map(|consumers| &consumers.items) {
        let Some(keys) = &item.value else { continue };
        let Some(topic) = source(keys, names, cx) else { continue };
        let Some(handler) = keys.handler.value().and_then(|name| names.endpoint(name, cx)) else { continue };
        let kind = model.brokers[model.topics[topic].broker].kind;
        let group_name = match (keys.group.given(), model.topics[topic].is_queue) {
            (Some(_), true) => {
                cx.say(&catalogue::PARTNER, keys.group.key_place(), "a queue has no groups: its consumers share it")
                    .help("remove `group`, or read a `topic`");
                String::new()
            }
            (None, true) => String::new(),
            (Some(name), false) => name.clone(),
            (None, false) => item.name.clone(),
        };
        let id = ConsumerId::new(model.consumers.len());
        let of_topic = &mut groups[topic.index()];
        let known = of_topic.iter().position(|at| atlas.groups[*at].name == group_name);
        let mut consumer = consumer(item, keys, topic, handler, kind, names, model, cx);
        consumer.group = known.unwrap_or(of_topic.len()) as u32;
        consumer.client = client(&item.name, keys, item.place, model, atlas, cx);
        match known {
            None => {
                of_topic.push(atlas.groups.len());
                atlas.groups.push(GroupSite { topic, name: group_name, members: vec![id] });
            }
            Some(known) => {
                let members = &mut atlas.groups[of_topic[known]].members;
                let first = members.first().copied();
                members.push(id);
                if let Some(first) = first {
                    same_group(model, &consumer, item.place, atlas, first, cx);
                }
            }
        }
        model.consumers.push(consumer);
        atlas.consumers.push(ConsumerPlaces {
            name: item.place,
            concurrency: keys.concurrency.place(),
            group: keys.group.place(),
            delivery: keys.delivery.place(),
            failed: [
                ("deliveries", keys.deliveries.key_place()),
                ("dead_letter", keys.dead_letter.key_place()),
                ("ack_timeout", keys.ack_timeout.key_place()),
                ("backoff", keys.backoff.key_place()),
            ],
        });
    }
}

/// Members of one group take messages under the same conditions.
fn same_group(model: &Model, second: &Consumer, place: Place, atlas: &Atlas, first_id: ConsumerId, cx: &mut Cx<'_>) {
    let first = &model.consumers[first_id];
    let is_queue = model.topics[first.topic].is_queue;
    let differs = [
        ("the acknowledgement or the deliveries", first.settling != second.settling),
        ("the delivery", first.delivery != second.delivery),
        ("the membership", first.delivery == second.delivery && first.membership != second.membership),
    ];
    let help = if is_queue { "write the same in both" } else { "write the same in both, or give one another `group`" };
    for (what, _) in differs.iter().filter(|(_, differs)| *differs) {
        cx.say(&catalogue::EXCLUDE, place, format!("consumers of one group or queue share {what}"))
            .also(atlas.consumers[first_id.index()].name, "this one says otherwise")
            .help(help);
    }
}

/// The topic or the queue.
fn source(keys: &ConsumerKeys, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<TopicId> {
    match (&keys.topic, &keys.queue) {
        (Field::Given { key, .. }, Field::Given { key: other, .. }) => {
            cx.say(&catalogue::EXCLUDE, *other, "a consumer reads a topic or a queue, not both")
                .also(*key, "the other one")
                .help("write two consumers");
            None
        }
        (Field::Given { value: topic, .. }, _) => {
            names.topic(topic, &format!("write `queue = \"{}\"`", topic.text), cx)
        }
        (_, Field::Given { value: queue, .. }) => {
            names.queue(queue, &format!("write `topic = \"{}\"`", queue.text), cx)
        }
        (topic, queue) => {
            if !topic.is_bad() && !queue.is_bad() {
                cx.say(&catalogue::MISSING_KEY, keys.place, "a consumer needs a `topic` or a `queue`")
                    .help("add for example `queue = \"mails\"`");
            }
            None
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "one place reads all keys of a consumer")]
fn consumer(
    item: &Item<ConsumerKeys>,
    keys: &ConsumerKeys,
    topic: TopicId,
    handler: crate::model::EndpointId,
    kind: BrokerKind,
    names: &Names<'_>,
    model: &Model,
    cx: &mut Cx<'_>,
) -> Consumer {
    if kind == BrokerKind::Kafka {
        let places = [keys.ack_timeout.key_place(), keys.unacknowledged.key_place()];
        only_elsewhere(kind, CONSUMER_OF_OTHERS.into_iter().zip(places), "Kafka only knows how far a group is", cx);
        let why = "Kafka answers a poll as soon as there is something; `prefetch` limits what it brings";
        only_elsewhere(kind, [("poll", keys.poll.key_place())], why, cx);
    } else {
        let places = [
            keys.session_timeout.key_place(),
            keys.max_poll_interval.key_place(),
            keys.rebalance.key_place(),
            keys.rebalance_time.key_place(),
            keys.start.key_place(),
            keys.isolation.key_place(),
            keys.commit_every.key_place(),
        ];
        only_elsewhere(kind, CONSUMER_OF_KAFKA.into_iter().zip(places), "only Kafka has that", cx);
    }
    let dead_letter = keys.dead_letter.given().and_then(|name| other(name, &model.topics[topic].name, names, cx));
    let usual = kind.settling(keys.dead_letter.given().is_some());
    let ack_timeout = match keys.ack_timeout.given() {
        Some(Unlimited(timeout)) => timeout.as_ref().map(|NotZero(span)| *span),
        None => usual.ack_timeout,
    };
    let settling = Settling {
        ack_timeout,
        backoff: keys.backoff.given().map(|list| list.items.clone()).unwrap_or_default(),
        max_deliveries: keys.deliveries.given().map_or(usual.max_deliveries, |limit| limit.0),
        max_unacked: keys.unacknowledged.given().map_or(usual.max_unacked, |limit| limit.0),
        commit_every: keys.commit_every.given().copied().unwrap_or(usual.commit_every),
    };
    let delivery = match keys.delivery.value() {
        Some(Word(DeliveryWord::AtMost)) => Delivery::AtMostOnce,
        Some(Word(DeliveryWord::Exactly)) => {
            if kind != BrokerKind::Kafka {
                cx.say(
                    &catalogue::PARTNER,
                    keys.delivery.place(),
                    format!("the broker \"{}\" has no transactions", kind.name()),
                )
                .help(
                    "write \"at-least-once\"; where doing it again does no harm, because of an upsert or an idempotency key, \
                     say so with `effect_once = true` beside the `effect` of the handler's endpoint",
                );
            }
            Delivery::ExactlyOnce { commit_every: keys.commit_every.given().copied().unwrap_or(Span::from_millis(100)) }
        }
        Some(Word(DeliveryWord::AtLeast)) | None => Delivery::AtLeastOnce,
    };
    let batch = keys.batch.value().map_or(1, |count| count.0);
    let prefetch = keys.prefetch.given().map_or(kind.prefetch(), |limit| limit.0);
    if let (Limit::AtMost(most), Some(_)) = (prefetch, keys.prefetch.given())
        && batch > most
    {
        cx.say(&catalogue::OUT_OF_RANGE, keys.batch.place(), format!("a worker that takes {most} never has {batch}"))
            .also(keys.prefetch.place(), "so many are taken ahead")
            .help(format!("write `prefetch = {batch}` or more, or leave it out"));
    }
    let prefetch = match prefetch {
        Limit::AtMost(most) => Limit::AtMost(most.max(batch)),
        Limit::Unlimited => Limit::Unlimited,
    };
    let positive =
        |field: &Field<NotZero<Span>>, secs| field.value().map_or(Span::from_secs(secs), |NotZero(span)| *span);
    let is_exactly_once = matches!(delivery, Delivery::ExactlyOnce { .. });
    Consumer {
        name: item.name.clone(),
        topic,
        group: 0,
        handler,
        client: crate::model::ClientId::new(0),
        concurrency: keys.concurrency.value().map_or(1, |count| count.0),
        uses_pool: matches!(keys.via.value(), Some(Word(WorkerKind::Pool))),
        batch,
        poll: keys.poll.or_default(),
        prefetch,
        delivery,
        settling,
        dead_letter,
        membership: Membership {
            session_timeout: positive(&keys.session_timeout, 45),
            max_poll_interval: positive(&keys.max_poll_interval, 300),
            rebalance: keys.rebalance.value().map_or(Rebalance::Eager, |Word(word)| *word),
            rebalance_time: keys.rebalance_time.or_default(),
            start: keys.start.value().map_or(GroupStart::Earliest, |Word(word)| *word),
            is_read_committed: is_exactly_once
                || matches!(keys.isolation.value(), Some(Word(ReadCommitted::Committed))),
        },
        scaling: policy(&keys.scale).and_then(|keys| scaling(keys, cx)),
    }
}

fn scaling(keys: &LagScalingKeys, cx: &mut Cx<'_>) -> Option<LagScaling> {
    let (Count(lag), Count(max)) = (*keys.lag.value()?, *keys.max.value()?);
    let min = keys.min.value().map_or(1, |count| count.0);
    if min > max {
        cx.say(
            &catalogue::OUT_OF_RANGE,
            keys.max.place(),
            format!("at most {max} replicas are fewer than at least {min}"),
        )
        .help("make `max` at least `min`");
    }
    Some(LagScaling {
        lag,
        min,
        max,
        every: keys.every.value().map_or(Span::from_secs(30), |NotZero(span)| *span),
        down_after: keys.down_after.or_default(),
    })
}

/// The client with which a worker calls its handler.
fn client(
    name: &str,
    keys: &ConsumerKeys,
    place: Place,
    model: &mut Model,
    atlas: &mut Atlas,
    cx: &mut Cx<'_>,
) -> crate::model::ClientId {
    let nowhere = Place::NOWHERE;
    atlas.clients.push(ClientPlaces {
        name: place,
        transport: nowhere,
        balance: nowhere,
        timeout: keys.timeout.place(),
        retry: keys.retry.key_place(),
        hedge: nowhere,
        breaker: nowhere,
        outlier: nowhere,
        overall_timeout: nowhere,
        throttle: nowhere,
    });
    model.clients.push(Client {
        name: name.to_owned(),
        timeout: keys.timeout.or_default().0.map(|NotZero(span)| span),
        retry: policy(&keys.retry).map(|keys| retry(keys, cx)),
        loss: Share::ZERO,
        ..Client::direct()
    })
}
