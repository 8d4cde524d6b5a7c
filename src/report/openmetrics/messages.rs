//! The families of connections, topics, groups of consumers and their workers.

use crate::base::time::Span;
use crate::report::facts::Facts;
use crate::report::{messaging as rows, transport};

use super::text::{Labels, Text, family, family_in, labels};

pub(super) fn connections(facts: &Facts, text: &mut Text) {
    let Some(results) = &facts.results.transport else { return };
    let named: Vec<_> =
        transport::connections(facts, results).map(|(_, name, it)| (labels(&[("connections", &name)]), it)).collect();
    let all = || named.iter().map(|(l, it)| (l.clone(), &it.series));
    text.gauge(family("connections_open", "Mean number of connections."), all().map(|(l, it)| (l, &it.open[..])));
    text.counter(
        family("connections_opened", "Connections that were opened."),
        all().map(|(l, it)| (l, &it.opened[..])),
    );
}

pub(super) fn messaging(facts: &Facts, text: &mut Text) {
    let (model, Some(results)) = (facts.model, &facts.results.messaging) else { return };
    let names: Vec<Labels> = model.topics.iter().map(|it| labels(&[("topic", &it.name)])).collect();
    let topics = || names.iter().cloned().zip(results.topics.iter().map(|it| &it.series));
    let help = "Messages that were stored.";
    text.counter(family("topic_published", help), topics().map(|(l, it)| (l, &it.published[..])));
    let help = "Attempts to publish that failed, as far as their publishers know.";
    text.counter(family("topic_failures", help), topics().map(|(l, it)| (l, &it.failed[..])));
    let help = "Mean number of bytes on disk.";
    text.gauge(family_in("topic_disk_bytes", "bytes", help), topics().map(|(l, it)| (l, &it.disk[..])));

    let named: Vec<_> = rows::groups(facts, results).map(|it| (labels(&[("group", &it.name)]), it.it)).collect();
    let groups = || named.iter().map(|(l, it)| (l.clone(), &it.series));
    let help = "Messages that were kept for a group.";
    text.counter(family("group_messages", help), groups().map(|(l, it)| (l, &it.kept[..])));
    let settled = groups().flat_map(|(l, it)| {
        [("consumed", &it.consumed), ("dead", &it.dead), ("expired", &it.expired), ("lost", &it.lost)]
            .map(|(fate, column)| (format!("{l},{}", labels(&[("fate", fate)])), &column[..]))
    });
    text.counter(family("group_settled", "Messages that a group keeps no longer, by what became of them."), settled);
    let help = "Times that a message came again.";
    text.counter(family("group_redelivered", help), groups().map(|(l, it)| (l, &it.redelivered[..])));
    text.gauge(family("group_lag", "Mean number of messages that are kept."), groups().map(|(l, it)| (l, &it.lag[..])));
    let ages = groups().map(|(l, it)| (l, &it.age[..], |age: &Span| age.as_secs_f64()));
    let help = "How old the oldest message is, since its publisher's step began.";
    text.gauge_of(family_in("group_oldest_message_seconds", "seconds", help), ages);
    let help = "From the publisher's step to the end of the handler, of messages that were consumed after the warm-up.";
    let latencies = named.iter().map(|(l, it)| (l.clone(), &it.latency));
    text.histogram(family_in("group_latency_seconds", "seconds", help), latencies);

    let names: Vec<Labels> = model.consumers.iter().map(|it| labels(&[("consumer", &it.name)])).collect();
    let consumers = || names.iter().cloned().zip(&results.consumers);
    let help = "Mean number of workers that are there.";
    text.gauge(family("consumer_workers", help), consumers().map(|(l, it)| (l, &it.there[..])));
    let help = "Mean number of workers that handle something.";
    text.gauge(family("consumer_busy_workers", help), consumers().map(|(l, it)| (l, &it.busy[..])));
    let effects = || results.effects.iter().map(|it| (labels(&[("endpoint", &model.endpoint_name(it.endpoint))]), it));
    let help = "Things that handlers did to the world outside after the warm-up, for the first time.";
    text.total(family("effects", help), effects().map(|(l, it)| (l, it.done as f64)));
    let help = "Times that one of them was done again.";
    text.total(family("effects_again", help), effects().map(|(l, it)| (l, it.again as f64)));
}
