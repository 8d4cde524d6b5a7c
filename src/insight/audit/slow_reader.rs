//! Streams whose sender keeps a thread for as long as the reader likes.

use super::{Finding, Grade, Look};
use crate::model::{Handlers, Limit};

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for edge in &look.edges {
        let (id, service) = look.callee(edge);
        let endpoint = &look.model.endpoints[edge.to];
        let (Some(stream), Limit::AtMost(threads)) = (&endpoint.stream, service.threads) else { continue };
        let client = look.client(edge);
        let is_bounded = client.timeout.is_some() || client.bulkhead.is_some();
        let streams = client.transport.as_ref().map_or(Limit::Unlimited, |it| it.connections.streams);
        let is_bounded = is_bounded || matches!(streams, Limit::AtMost(streams) if streams < threads);
        // Who has room for all of it on its way never waits for the reader.
        let bytes = f64::from(stream.messages) * stream.size.mean_bytes();
        let fits = client.transport.as_ref().is_some_and(|it| bytes * it.encoding.size <= it.window.as_bytes() as f64);
        let is_bounded = is_bounded || fits;
        if service.handlers != Handlers::Blocking || is_bounded {
            continue;
        }
        let what = format!("a slow reader on `{}` keeps threads of `{}`", look.model.edge_name(edge), service.name);
        found.push(
            Finding::new("slow-reader", Grade::Warning, look.service_path(id, "threads"), what)
                .number(f64::from(threads), "slow streams take all threads, and everybody else waits")
                .why("when the window is full the handler waits, and keeps its thread, until he has read")
                .help("`handlers = \"async\"`, a bulkhead or fewer `streams` for that reader, or a timeout"),
        );
    }
}
