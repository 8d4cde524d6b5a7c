//! Keys of messaging of which nothing comes, because of another one.

use super::Elsewhere;
use super::unused::letters;
use crate::model::{Acks, Delivery, Id, Keeping, Model, PublishWait, TopicId};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

pub(super) fn find(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    unacknowledged(model, atlas, cx);
    acknowledged_before(model, atlas, cx);
    nothing_to_redrive(model, atlas, elsewhere, cx);
}

/// Those who publish, and wait for an acknowledgement that nobody gives.
fn unacknowledged(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for site in atlas.publishes.iter().filter(|site| site.wait == PublishWait::Acknowledged) {
        let topic = &model.topics[site.to];
        let Keeping::Log(log) = &topic.keeping else { continue };
        if log.producer.acks == Acks::None {
            cx.say(
                &catalogue::IDLE_KEY,
                site.wait_place,
                format!("nobody acknowledges what is published to `{}`", topic.name),
            )
            .also(atlas.topics[site.to.index()].acks, "its producers do not ask for it")
            .note("the step goes on as soon as the message was sent, whether it arrives or not")
            .help("write `acks = \"leader\"` or \"all\", or `wait = \"nothing\"`");
        }
    }
}

/// What is acknowledged before it is handled does not come again.
fn acknowledged_before(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let consumers = model.consumers.iter().zip(&atlas.consumers);
    for (consumer, places) in consumers.filter(|(consumer, _)| consumer.delivery == Delivery::AtMostOnce) {
        let mut written = places.failed.into_iter().filter(|(_, place)| place.is_somewhere());
        let Some((key, place)) = written.next() else { continue };
        let diagnostic =
            cx.say(&catalogue::IDLE_KEY, place, format!("nothing comes of the `{key}` of `{}`", consumer.name));
        for (_, place) in written {
            diagnostic.also(place, "nor of this");
        }
        diagnostic
            .also(places.delivery, "a message is acknowledged before it is handled")
            .note("the broker forgets it then: what fails is lost, and never delivered again or put aside")
            .help("write `delivery = \"at-least-once\"`, or remove what is about failures");
    }
}

/// Queues to which no dead letters come.
fn nothing_to_redrive(model: &Model, atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    let letters = letters(model);
    let keys = model.topics.enumerate().filter(|(_, topic)| topic.redrive_every.is_some());
    let keys = keys.map(|(id, _)| (id, atlas.topics[id.index()].redrive));
    let places: Vec<(TopicId, Place)> = keys.chain(atlas.redrives.iter().copied()).collect();
    for (id, place) in places.into_iter().filter(|(id, place)| place.is_somewhere() && !letters.contains(id)) {
        let name = &model.topics[id].name;
        if !elsewhere.names(name) {
            cx.say(&catalogue::IDLE_KEY, place, format!("no dead letters come to `{name}`, so that none go back"))
                .help(format!("write `dead_letter = \"{name}\"` in a consumer or a queue, or remove `redrive`"));
        }
    }
}
