//! Random streams: endpoints whose answer is many messages, and callers who read them.

use brownout::model::{ServerStream, Transport, TransportPreset};

use super::*;

#[derive(Clone, Debug)]
pub(super) struct StreamRecipe {
    place: u32,
    stream: ServerStream,
    read: Option<Distribution>,
    window: u64,
}

pub(super) fn stream(lengths: Lengths) -> impl Strategy<Value = StreamRecipe> {
    let size = select(vec!["0B", "10kB", "exp(20kB)", "200kB"]).prop_map(|text| text.parse().expect("a size"));
    let stream = (1u32..12, size, length(lengths), length(lengths))
        .prop_map(|(messages, size, sleep, work)| ServerStream { messages, size, sleep, work });
    let window = select(vec![1u64, 12_000, 65_535, 1_000_000]);
    (any::<u32>(), stream, option::weighted(0.7, length(lengths)), window)
        .prop_map(|(place, stream, read, window)| StreamRecipe { place, stream, read, window })
}

/// Lets some endpoints stream, and all that call them read: they get clients that can.
pub(super) fn cook(recipes: &[StreamRecipe], model: &mut Model) {
    for recipe in recipes {
        let to = EndpointId::new(recipe.place as usize % model.endpoints.len());
        let mut is_forwarded = false;
        for id in model.endpoints.ids() {
            visit(&mut model.endpoints[id].steps.clone(), &mut |step| {
                let ends = id == to && matches!(step, Step::Reply | Step::Forward { .. });
                is_forwarded |= ends || matches!(step, Step::Forward { endpoint, .. } if *endpoint == to);
            });
        }
        if is_forwarded {
            continue;
        }
        model.endpoints[to].stream = Some(Box::new(recipe.stream.clone()));
        let mut clients = Vec::new();
        for id in model.endpoints.ids() {
            visit(&mut model.endpoints[id].steps, &mut |step| {
                if let Step::Call { endpoint, client, read, .. } = step
                    && *endpoint == to
                {
                    *client = ClientId::new(client.index().max(1));
                    *read = recipe.read.clone();
                    clients.push(*client);
                }
            });
        }
        for id in model.workloads.ids() {
            let workload = &mut model.workloads[id];
            if workload.session.entries().iter().any(|(_, endpoint)| *endpoint == to) {
                workload.client = ClientId::new(workload.client.index().max(1));
                clients.push(workload.client);
            }
        }
        for client in clients {
            let client = &mut model.clients[client];
            client.hedge = None;
            let transport = client.transport.take();
            let transport = transport.map_or_else(|| Transport::of_preset(TransportPreset::Grpc), |it| *it);
            let window = Size::from_bytes(recipe.window);
            client.transport = Some(Box::new(Transport { preset: TransportPreset::Grpc, window, ..transport }));
        }
    }
}

/// Shows every step, however deep.
fn visit(steps: &mut [Step], see: &mut dyn FnMut(&mut Step)) {
    for step in steps {
        see(step);
        match step {
            Step::Parallel { branches, .. } => branches.iter_mut().for_each(|it| visit(&mut it.steps, see)),
            Step::Choose(arms) => arms.iter_mut().for_each(|(_, steps)| visit(steps, see)),
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } | Step::Cached { miss: steps, .. } => {
                visit(steps, see);
            }
            _ => {}
        }
    }
}
