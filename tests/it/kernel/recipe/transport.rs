//! Random transports, and networks that lose.

use brownout::base::time::Span;
use brownout::base::units::Share;
use brownout::model::{Balancing, ConnectionLimits, Limit, Mesh, Reconnect, Tls, Transport, TransportPreset};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::ms;

/// A transport, and how much its network loses.
pub(super) fn transport() -> impl Strategy<Value = (Transport, Share)> {
    let limit = |most: u32| option::weighted(0.6, 1..most).prop_map(|n| n.map_or(Limit::Unlimited, Limit::AtMost));
    let time = |most: u64| option::weighted(0.4, (1..most).prop_map(ms));
    let reconnect = option::weighted(
        0.3,
        (1u64..50).prop_map(|base| Reconnect { base: ms(base), factor: 2.0, cap: ms(200), jitter: 0.2 }),
    );
    let limits =
        (limit(4), limit(6), limit(8), limit(20), time(40), time(100), time(200), time(30), time(30), reconnect)
            .prop_map(|(streams, per_host, requests, queue, idle_timeout, max_age, _, acquire, connect, reconnect)| {
                ConnectionLimits {
                    streams,
                    per_host,
                    total: if requests == Limit::Unlimited { Limit::AtMost(3) } else { Limit::Unlimited },
                    idle: if queue == Limit::Unlimited { Limit::AtMost(1) } else { Limit::Unlimited },
                    idle_timeout,
                    requests,
                    max_age,
                    queue,
                    acquire_timeout: acquire,
                    connect_timeout: connect,
                    reconnect,
                }
            });
    let presets = select(TransportPreset::ALL.to_vec());
    let balancing = select(vec![Balancing::Request, Balancing::Connection]);
    (presets, limits, balancing, 0u32..3, select(vec![0.0, 0.0, 0.05, 0.3])).prop_map(
        |(preset, connections, balancing, round_trips, loss)| {
            let tls = if round_trips == 0 { Tls::NONE } else { Tls::full(round_trips) };
            let mesh =
                (round_trips == 1).then_some(Mesh { latency: ms(1), cpu: Span::from_micros(100), retries: false });
            let transport = Transport { connections, balancing, tls, mesh, ..Transport::of_preset(preset) };
            (transport, Share::new(loss).expect("a share"))
        },
    )
}
