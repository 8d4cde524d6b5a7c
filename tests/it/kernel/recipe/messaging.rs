//! Random topics and queues: endpoints of the first service publish, and endpoints of the others handle what comes, so
//! that no message begets others without end. Handlers run on threads of the pool, as all others do of which the laws tell.

use std::fmt::Write as _;

use brownout::model::Consumer;
use brownout::scenario::{LoadOptions, load};

use super::*;

#[derive(Clone, Debug)]
pub(super) struct MessagingRecipe {
    topics: Vec<TopicRecipe>,
    publishes: Vec<PublishRecipe>,
}

#[derive(Clone, Debug)]
struct TopicRecipe {
    broker: &'static str,
    is_queue: bool,
    partitions: u32,
    length: Option<u32>,
    /// None, or several groups of one each; of a queue only the first.
    consumers: Vec<ConsumerRecipe>,
}

#[derive(Clone, Debug)]
struct ConsumerRecipe {
    handler: u32,
    client: u32,
    concurrency: u32,
    batch: u32,
    delivery: &'static str,
    via: &'static str,
    deliveries: u32,
    has_dead_letters: bool,
}

#[derive(Clone, Debug)]
struct PublishRecipe {
    endpoint: u32,
    place: u32,
    topic: u32,
    how: &'static str,
}

pub(super) fn messaging() -> impl Strategy<Value = MessagingRecipe> {
    let whats = (select(vec!["at-least-once", "at-most-once"]), Just("pool"), 1u32..4, any::<bool>());
    let consumer = (any::<u32>(), any::<u32>(), 1u32..4, select(vec![1u32, 1, 3]), whats).prop_map(
        |(handler, client, concurrency, batch, (delivery, via, deliveries, has_dead_letters))| ConsumerRecipe {
            handler,
            client,
            concurrency,
            batch,
            delivery,
            via,
            deliveries,
            has_dead_letters,
        },
    );
    let brokers = select(vec!["kafka", "rabbitmq", "jetstream", "sqs", "ideal"]);
    let topic = (brokers, any::<bool>(), 1u32..5, option::of(1u32..20), vec(consumer, 0..3)).prop_map(
        |(broker, is_queue, partitions, length, consumers)| TopicRecipe {
            broker,
            is_queue: is_queue && broker != "kafka",
            partitions,
            length,
            consumers,
        },
    );
    let how = select(vec![
        "",
        ", wait = \"acknowledged\"",
        ", wait = \"acknowledged\", timeout = \"3ms\", retry = { attempts = 3, backoff = \"2ms\" }, optional = true",
        ", wait = \"handled\", timeout = \"50ms\"",
    ]);
    let publish = (any::<u32>(), any::<u32>(), any::<u32>(), how)
        .prop_map(|(endpoint, place, topic, how)| PublishRecipe { endpoint, place, topic, how });
    (vec(topic, 1..4), vec(publish, 1..4)).prop_map(|(topics, publishes)| MessagingRecipe { topics, publishes })
}

impl MessagingRecipe {
    /// A scenario with the same topics and consumers, whose only handler publishes all that is to be published.
    fn text(&self) -> String {
        let mut text = String::from("duration = \"1s\"\n[workload.w]\nentry = \"s.h\"\narrivals = \"poisson(1/s)\"\n");
        for (n, topic) in self.topics.iter().enumerate() {
            let kind = if topic.is_queue { "queue" } else { "topic" };
            let _ = write!(text, "[{kind}.t{n}]\nbroker = \"{}\"\n", topic.broker);
            match topic.length.filter(|_| topic.broker != "kafka") {
                _ if topic.broker == "kafka" => text += &format!("partitions = {}\n", topic.partitions),
                Some(length) => text += &format!("length = {length}\n"),
                None => {}
            }
            let most = if topic.is_queue { 1 } else { topic.consumers.len() };
            for (m, it) in topic.consumers.iter().take(most).enumerate() {
                let _ = write!(
                    text,
                    "[consumer.c{n}-{m}]\n{kind} = \"t{n}\"\nhandler = \"s.h\"\nconcurrency = {}\nbatch = {}\n\
                     delivery = \"{}\"\nvia = \"{}\"\ndeliveries = {}\n",
                    it.concurrency, it.batch, it.delivery, it.via, it.deliveries
                );
                if it.has_dead_letters {
                    text += "dead_letter = \"dead\"\n";
                }
            }
        }
        let publishes = self.publishes.iter();
        let steps =
            publishes.map(|it| format!("{{ publish = \"t{}\"{} }}", it.topic as usize % self.topics.len(), it.how));
        let steps: Vec<String> = steps.collect();
        text + &format!("[queue.dead]\nalert = 1\n[service.s.endpoint.h]\nsteps = [ {} ]\n", steps.join(", "))
    }
}

/// Adds topics, their consumers, and steps that publish, to a model that is otherwise whole.
pub(super) fn cook(recipe: &MessagingRecipe, model: &mut Model) {
    let text = recipe.text();
    let loaded = load("messaging", text.as_bytes(), &LoadOptions::default());
    let source = loaded.model.unwrap_or_else(|| panic!("{}\n{text}", loaded.diagnostics.render(false)));
    let of_first = model.endpoints.iter().take_while(|it| it.service == ServiceId::new(0)).count();
    let others = model.endpoints.len() - of_first;
    if others == 0 {
        return;
    }
    (model.brokers, model.topics) = (source.brokers.clone(), source.topics.clone());
    let recipes = recipe
        .topics
        .iter()
        .flat_map(|topic| topic.consumers.iter().take(if topic.is_queue { 1 } else { topic.consumers.len() }));
    for (consumer, recipe) in source.consumers.iter().zip(recipes) {
        // Whoever has never a patience for what does not come would hold his message for ever.
        let client = 1 + recipe.client as usize % (model.clients.len() - 1);
        model.consumers.push(Consumer {
            handler: EndpointId::new(of_first + recipe.handler as usize % others),
            client: ClientId::new(client),
            ..consumer.clone()
        });
    }
    let publishes = source.endpoints.iter().flat_map(|it| &it.steps);
    for (step, recipe) in publishes.zip(&recipe.publishes) {
        let endpoint = EndpointId::new(recipe.endpoint as usize % of_first);
        let steps = &mut model.endpoints[endpoint].steps;
        steps.insert(recipe.place as usize % (steps.len() + 1), step.clone());
    }
}
