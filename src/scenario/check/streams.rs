//! Answers that are streams: who calls for one must be able to read it.

use crate::model::{ClientId, EndpointId, Id, Model};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

/// Refuses calls of endpoints that stream by those who cannot read it, and what is read of those that do not.
pub(super) fn find_errors(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for call in &atlas.calls {
        let name = model.endpoint_name(call.to);
        if model.endpoints[call.to].stream.is_none() {
            if let Some(read) = call.read {
                cx.say(&catalogue::PARTNER, read, format!("`read` is for messages, and `{name}` does not stream"))
                    .also(atlas.endpoints[call.to.index()], "it answers at once")
                    .help(
                        "remove `read` and write a `work` step behind the call, or give the endpoint a `stream`, for example \
                         `stream = { messages = 100, size = \"1KiB\" }`",
                    );
            }
        } else if call.is_forward {
            cx.say(
                &catalogue::STREAM,
                call.place,
                format!("nobody can hand over to `{name}`, whose answer is a stream"),
            )
            .also(atlas.streams[call.to.index()], "the stream")
            .help("`call` it, and answer when it was read");
        } else {
            readable(model, atlas, (call.to, call.client), call.place, cx);
        }
    }
    for (workload, places) in model.workloads.iter().zip(&atlas.workloads) {
        let mut entries: Vec<EndpointId> = workload.session.entries().into_iter().map(|(_, to)| to).collect();
        entries.sort_unstable_by_key(|to| to.index());
        entries.dedup();
        for to in entries.into_iter().filter(|to| model.endpoints[*to].stream.is_some()) {
            readable(model, atlas, (to, workload.client), places.entry, cx);
        }
    }
}

/// Whether a client can read the stream of an endpoint that is asked for at `place`.
fn readable(model: &Model, atlas: &Atlas, (to, client): (EndpointId, ClientId), place: Place, cx: &mut Cx<'_>) {
    let places = &atlas.clients[client.index()];
    let client = &model.clients[client];
    let (name, stream) = (model.endpoint_name(to), atlas.streams[to.index()]);
    let title = match &client.transport {
        Some(transport) if transport.streams() => None,
        Some(transport) => Some(format!("`{name}` streams, which `{}` cannot carry", transport.name)),
        // Something is wrong with its transport, which was said.
        None if places.transport != Place::NOWHERE => None,
        None => Some(format!("`{name}` streams, and the client `{}` has no transport", client.name)),
    };
    if let Some(title) = title {
        let by = if client.transport.is_some() { places.transport } else { places.name };
        cx.say(&catalogue::STREAM, place, title)
            .also(by, "it is called by this")
            .also(stream, "the answer is a stream").help(
            "call it by a client with `transport = \"grpc\"`; over REST, replace `stream` by a `response` of all messages \
             together, or ask for one page after the other: `{ repeat = 10, steps = [{ call = .. }] }`",
        );
    } else if client.hedge.is_some() {
        cx.say(&catalogue::STREAM, place, format!("`{name}` streams, and the client `{}` hedges", client.name))
            .also(places.hedge, "several attempts would stream at once")
            .also(stream, "the answer is a stream")
            .help("call it by a client without `hedge`");
    }
}
