//! Transports: a preset, and what the file says otherwise.

use super::client::{chosen, policy};
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Share, Size};
use crate::model::{
    Balancing, Compression, ConnectionLimits, Encoding, Limit, Mesh, Reconnect, Tls, Transport, TransportPreset,
};
use crate::scenario::decode::{
    Cx, Field, LimitFrom, NotZero, Or, PositiveNumber, TlsVersion, TransportName, Word, Words,
};
use crate::scenario::language::{ConnectionsKeys, EncodingKeys, MeshKeys, ReconnectKeys, ScenarioKeys, TransportKeys};
use crate::scenario::say::{Place, catalogue};

/// The transports of the file, with the places of their names.
pub(super) fn transports(keys: &ScenarioKeys, cx: &mut Cx<'_>) -> Vec<(Place, Transport)> {
    let items = keys.transport.value().into_iter().flat_map(|transports| &transports.items);
    items
        .map(|item| {
            if TransportPreset::ALL.iter().any(|preset| preset.name() == item.name) {
                cx.say(&catalogue::BAD_NAME, item.place, format!("`{}` is the name of a preset", item.name))
                    .help("give the transport another name, and name it in the clients");
            }
            let transport = match &item.value {
                Some(keys) => transport(keys, cx),
                None => Transport::of_preset(TransportPreset::InProcess),
            };
            (item.place, Transport { name: item.name.clone(), ..transport })
        })
        .collect()
}

/// The transport that a client names: one of the file, or a preset.
pub(super) fn find(
    name: &TransportName,
    transports: &[(Place, Transport)],
    is_used: &mut [bool],
    keys: &ScenarioKeys,
    cx: &mut Cx<'_>,
) -> Option<Transport> {
    if let Some(at) = transports.iter().position(|(_, transport)| transport.name == name.text) {
        is_used[at] = true;
        return Some(transports[at].1.clone());
    }
    let presets = TransportPreset::ALL.iter().map(|preset| preset.name());
    if let Some(preset) = TransportPreset::ALL.iter().find(|preset| preset.name() == name.text) {
        return Some(Transport::of_preset(*preset));
    }
    if cx.has_gaps || keys.transport.is_bad() {
        return None;
    }
    let text = name.text.as_str();
    if TransportPreset::LATER.contains(&text) {
        cx.say(&catalogue::NOT_YET, name.place, format!("the transport \"{text}\" is not there yet"));
        return None;
    }
    let near = did_you_mean(text, presets.chain(transports.iter().map(|(_, transport)| transport.name.as_str())));
    let list = TransportPreset::ALL.map(|preset| format!("\"{}\"", preset.name())).join(", ");
    cx.say(&catalogue::UNKNOWN_NAME, name.place, format!("there is no transport `{text}`"))
        .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
        .help(format!("define it as [transport.{text}], or name a preset: {list}"));
    None
}

fn transport(keys: &TransportKeys, cx: &mut Cx<'_>) -> Transport {
    let Some(Word(preset)) = keys.preset.value() else { return Transport::of_preset(TransportPreset::InProcess) };
    let preset = Transport::of_preset(*preset);
    let tls = match keys.tls.value() {
        Some(Word(TlsVersion::V12)) => Tls::full(2),
        Some(Word(TlsVersion::V13)) => Tls::full(1),
        Some(Word(TlsVersion::None)) | None => Tls::NONE,
    };
    let mesh = policy(&keys.mesh).map(|keys| mesh(keys, cx));
    let preset_limits = match mesh {
        Some(Mesh { retries: true, .. }) => {
            ConnectionLimits { connect_timeout: Some(Mesh::ISTIO_CONNECT_TIMEOUT), ..preset.connections }
        }
        _ => preset.connections,
    };
    let transport = Transport {
        encoding: keys.encoding.value().map_or(preset.encoding, |keys| encoding(keys, preset.encoding)),
        compression: policy(&keys.compression).map(|keys| Compression {
            ratio: keys.ratio.value().map_or(1.0, |share| share.as_f64()),
            cpu: keys.cpu.or_default(),
        }),
        headers: keys.headers.given().copied().unwrap_or(preset.headers),
        headers_warm: keys.headers_warm.given().copied().unwrap_or(preset.headers_warm),
        message_cpu: keys.message_cpu.or_default(),
        tls: Tls {
            round_trips: tls.round_trips,
            handshake_cpu: keys.handshake_cpu.given().copied().unwrap_or(tls.handshake_cpu),
            record: keys.record_cpu.given().copied().unwrap_or(tls.record),
        },
        connections: keys.connections.value().map_or(preset_limits, |keys| connections(keys, preset_limits, cx)),
        window: keys.window.given().copied().unwrap_or(preset.window),
        balancing: keys.balancing.value().map_or(Balancing::Request, |Word(word)| *word),
        mesh,
        retransmit: keys.retransmit.or_default(),
        ..preset
    };
    without_effect(keys, &transport, cx);
    transport
}

/// What is written but can have no effect.
fn without_effect(keys: &TransportKeys, transport: &Transport, cx: &mut Cx<'_>) {
    if keys.window.given() == Some(&Size::ZERO) {
        cx.say(&catalogue::OUT_OF_RANGE, keys.window.place(), "a window of nothing would never let a message go")
            .help(format!("write for example `window = \"64KiB\"`; without it, it is {}", Transport::WINDOW));
    } else if keys.window.given().is_some() && !transport.streams() {
        cx.say(&catalogue::EXCLUDE, keys.window.key_place(), "`window` means nothing where no answer can stream")
            .also(keys.preset.place(), "only \"grpc\" and \"grpc-stream\" have streams of messages")
            .help("remove `window`, or choose another preset");
    }
    let written = |is_written: bool, name: &'static str, place: Place| is_written.then_some((name, place));
    if !transport.connects() {
        let useless = [
            written(keys.connections.given().is_some(), "connections", keys.connections.key_place()),
            written(transport.tls.round_trips > 0, "tls", keys.tls.key_place()),
            written(transport.mesh.is_some(), "mesh", keys.mesh.key_place()),
            written(transport.balancing == Balancing::Connection, "balancing", keys.balancing.key_place()),
        ];
        for (name, place) in useless.into_iter().flatten() {
            cx.say(&catalogue::EXCLUDE, place, format!("`{name}` means nothing within one process"))
                .also(keys.preset.place(), "no connection is needed")
                .help(format!("remove `{name}`, or choose another preset"));
        }
    } else if transport.tls.round_trips == 0 {
        let useless = [
            written(
                keys.handshake_cpu.given().is_some_and(|it| !it.is_zero()),
                "handshake_cpu",
                keys.handshake_cpu.key_place(),
            ),
            written(
                keys.record_cpu.given().is_some_and(|it| it.as_nanos() > 0.0),
                "record_cpu",
                keys.record_cpu.key_place(),
            ),
        ];
        for (name, place) in useless.into_iter().flatten() {
            cx.say(&catalogue::PARTNER, place, format!("`{name}` needs `tls`"))
                .help("add `tls = \"1.3\"`, or remove it");
        }
    }
}

fn encoding(keys: &EncodingKeys, preset: Encoding) -> Encoding {
    Encoding {
        size: keys.size.given().map_or(preset.size, |PositiveNumber(number)| *number),
        encode: keys.encode.given().copied().unwrap_or(preset.encode),
        decode: keys.decode.given().copied().unwrap_or(preset.decode),
    }
}

fn connections(keys: &ConnectionsKeys, preset: ConnectionLimits, cx: &mut Cx<'_>) -> ConnectionLimits {
    fn limit<const MIN: u32>(field: &Field<LimitFrom<MIN>>, preset: Limit) -> Limit {
        chosen(field, Some(preset), |limit| limit.0, preset)
    }
    let time = |field: &Field<Or<NotZero<Span>>>, preset: Option<Span>| {
        chosen(field, Some(preset), |Or(time)| time.map(|NotZero(span)| span), preset)
    };
    let limits = ConnectionLimits {
        streams: limit(&keys.streams, preset.streams),
        per_host: limit(&keys.per_host, preset.per_host),
        total: limit(&keys.total, preset.total),
        idle: limit(&keys.idle, preset.idle),
        idle_timeout: time(&keys.idle_timeout, preset.idle_timeout),
        requests: limit(&keys.requests, preset.requests),
        max_age: time(&keys.max_age, preset.max_age),
        queue: limit(&keys.queue, preset.queue),
        acquire_timeout: time(&keys.acquire_timeout, preset.acquire_timeout),
        connect_timeout: time(&keys.connect_timeout, preset.connect_timeout),
        reconnect: match keys.reconnect.given() {
            Some(Or(keys)) => keys.as_ref().map(|keys| reconnect(keys, cx)),
            None => preset.reconnect,
        },
    };
    if let (Limit::AtMost(per_host), Limit::AtMost(total)) = (limits.per_host, limits.total)
        && total < per_host
        && keys.per_host.given().is_some()
    {
        cx.say(&catalogue::OUT_OF_RANGE, keys.total.place(), "fewer connections in all than to one host")
            .also(keys.per_host.place(), "to one host")
            .help(format!("write at least {per_host}"));
    }
    limits
}

fn reconnect(keys: &ReconnectKeys, cx: &mut Cx<'_>) -> Reconnect {
    let time = |field: &Field<NotZero<Span>>| field.value().map_or(Span::from_secs(1), |NotZero(span)| *span);
    let (base, cap) = (time(&keys.base), time(&keys.cap));
    let factor = keys.factor.value().map_or(1.0, |PositiveNumber(number)| *number);
    if factor < 1.0 {
        cx.say(&catalogue::OUT_OF_RANGE, keys.factor.place(), "`factor` is at least 1")
            .help("below 1 the waits would shrink");
    }
    if cap < base {
        cx.say(&catalogue::OUT_OF_RANGE, keys.cap.place(), "the cap is below the first wait")
            .help(format!("write at least `cap = \"{base}\"`"));
    }
    let jitter = keys.jitter.value().copied().unwrap_or(Share::ZERO);
    Reconnect { base, factor, cap, jitter: jitter.as_f64() }
}

fn mesh(keys: &MeshKeys, cx: &mut Cx<'_>) -> Mesh {
    let preset = keys.preset.value().map(|Word(_)| Mesh::ISTIO);
    if preset.is_none() && !keys.preset.is_bad() && keys.latency.given().is_none() && keys.cpu.given().is_none() {
        cx.say(&catalogue::MISSING_KEY, keys.place, "a mesh needs a `preset`, or `latency` and `cpu`")
            .help("write for example `mesh = { preset = \"istio\" }`");
    }
    let preset = preset.unwrap_or(Mesh { latency: Span::ZERO, cpu: Span::ZERO, retries: false });
    Mesh {
        retries: preset.retries,
        latency: keys.latency.given().copied().unwrap_or(preset.latency),
        cpu: keys.cpu.given().copied().unwrap_or(preset.cpu),
    }
}
