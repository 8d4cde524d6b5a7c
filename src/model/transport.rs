//! Transports: how the messages of a client look, what they cost, and on which connections they travel.
//!
//! The figures of the presets are defaults of specifications and libraries, or were measured; where each comes from
//! stands beside it. All of them can be overridden in the file.

use crate::base::time::Span;
use crate::base::units::{PerByte, Size};

use super::{Cancel, Deadlines, Limit};

/// How the messages of a client travel.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// As in the file; the preset's name where the client names that.
    pub name: String,
    /// Whether calls leave the process at all.
    pub preset: TransportPreset,
    /// How bodies are written.
    pub encoding: Encoding,
    /// What compression does to bodies that were encoded; `None` leaves them as they are.
    pub compression: Option<Compression>,
    /// Headers of the first request and answer on a connection, each way.
    pub headers: Size,
    /// Headers of all others.
    pub headers_warm: Size,
    /// CPU time of each message besides that of its bytes, at both ends.
    pub message_cpu: Span,
    /// How connections are encrypted.
    pub tls: Tls,
    /// Connections of one client instance to one service.
    pub connections: ConnectionLimits,
    /// Bytes of one stream of messages that may be sent and not yet read; more than nothing.
    pub window: Size,
    /// Who is asked.
    pub balancing: Balancing,
    /// The sidecars beside both ends; `None` where there are none.
    pub mesh: Option<Mesh>,
    /// How long one that was sent and got lost goes without an answer before it is sent again.
    pub retransmit: Span,
    /// What a client does about cancelling that does not say.
    pub cancel: Cancel,
    /// What a client does about deadlines that does not say.
    pub deadlines: Deadlines,
}

/// A set of defaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportPreset {
    /// JSON over HTTP/1.1.
    Rest,
    /// JSON over HTTP/2.
    RestH2,
    /// Protobuf over HTTP/2.
    Grpc,
    /// Protobuf messages on a stream of HTTP/2 that stays open.
    GrpcStream,
    /// A call within one process.
    InProcess,
}

/// How bodies are written. Sizes of the file are those of JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encoding {
    /// Encoded bytes for each byte of the file.
    pub size: f64,
    /// CPU time to write an encoded byte.
    pub encode: PerByte,
    /// CPU time to read an encoded byte.
    pub decode: PerByte,
}

/// What compression does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compression {
    /// Compressed bytes for each encoded byte.
    pub ratio: f64,
    /// CPU time for each encoded byte, at either end.
    pub cpu: PerByte,
}

/// How connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tls {
    /// Round trips of a handshake besides the one that opens the connection; zero is no encryption.
    pub round_trips: u32,
    /// CPU time of a handshake at the server.
    pub handshake_cpu: Span,
    /// CPU time to encrypt or decrypt a byte.
    pub record: PerByte,
}

/// Limits of connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectionLimits {
    /// Requests that a connection carries at once.
    pub streams: Limit,
    /// Connections to one host.
    pub per_host: Limit,
    /// Connections to all hosts of a service.
    pub total: Limit,
    /// Idle connections that are kept for one host.
    pub idle: Limit,
    /// How long an idle connection is kept; `None` is for ever.
    pub idle_timeout: Option<Span>,
    /// Requests after which a connection is closed.
    pub requests: Limit,
    /// Age from which a connection takes no new requests; `None` is no age.
    pub max_age: Option<Span>,
    /// Requests that may wait for a connection to one host.
    pub queue: Limit,
    /// How long a request waits for a connection; `None` is as long as its caller does.
    pub acquire_timeout: Option<Span>,
    /// How long a connection may take to open; `None` is for ever.
    pub connect_timeout: Option<Span>,
    /// What happens after one could not be opened; `None` tries again with the next request.
    pub reconnect: Option<Reconnect>,
}

/// How long a client waits before it tries to connect again; requests fail at once meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reconnect {
    /// The first wait.
    pub base: Span,
    /// How much longer each next one is.
    pub factor: f64,
    /// The longest.
    pub cap: Span,
    /// The share by which all but the first are spread, both ways.
    pub jitter: f64,
}

/// Who decides which replica is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Balancing {
    /// The client's balancer, for every request.
    Request,
    /// The client's balancer, for every connection: requests go where their connection goes.
    Connection,
}

/// Proxies beside the client and beside the server, through which every message goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mesh {
    /// Time that a message spends in each of them.
    pub latency: Span,
    /// CPU time of each of them for a message.
    pub cpu: Span,
    /// Whether they repeat what a server has not taken on, as Istio does, for clients that do not say.
    pub retries: bool,
}

impl Transport {
    /// The window of a stream of HTTP/2 unless it is set (RFC 9113, section 6.9.2), which is gRPC's, too.
    pub const WINDOW: Size = Size::from_bytes(65_535);

    /// What gRPC puts before each message of a stream: a flag and its length.
    pub const PREFIX: Size = Size::from_bytes(5);

    /// The header of a frame of HTTP/2 (RFC 9113, section 4.1).
    pub const FRAME_HEADER: Size = Size::from_bytes(9);

    /// A preset under its own name.
    pub fn of_preset(preset: TransportPreset) -> Transport {
        // serde_json, 1 KB of typed data, on an AMD EPYC; Go's encoding/json takes 6 and 5 times as long.
        const JSON: Encoding =
            Encoding { size: 1.0, encode: PerByte::from_nanos(1.3), decode: PerByte::from_nanos(4.5) };
        // prost, the same data on the same machine; half as large as JSON there, and 0.3 to 0.85 of it elsewhere.
        const PROTOBUF: Encoding =
            Encoding { size: 0.5, encode: PerByte::from_nanos(0.9), decode: PerByte::from_nanos(3.1) };
        const NOTHING: Encoding = Encoding { size: 1.0, encode: PerByte::ZERO, decode: PerByte::ZERO };
        // Grigorik, "High Performance Browser Networking": 500 to 800 bytes each way, more with cookies.
        const TEXT_HEADERS: Size = Size::from_bytes(600);
        // A frame of gRPC and two of HTTP/2 with headers that HPACK has indexed.
        const INDEXED_HEADERS: Size = Size::from_bytes(60);
        // A message on a stream that is open, without its body.
        const FRAME: Size = Size::from_bytes(Transport::PREFIX.as_bytes() + Transport::FRAME_HEADER.as_bytes());
        let plain = Transport {
            name: preset.name().to_owned(),
            preset,
            encoding: NOTHING,
            compression: None,
            headers: Size::ZERO,
            headers_warm: Size::ZERO,
            message_cpu: Span::ZERO,
            tls: Tls::NONE,
            connections: ConnectionLimits::UNLIMITED,
            window: Transport::WINDOW,
            balancing: Balancing::Request,
            mesh: None,
            retransmit: Span::from_millis(200),
            cancel: Cancel::Off,
            deadlines: Deadlines::Local,
        };
        // One connection, and the 100 streams that clients assume before the server says (grpc-go, RFC 9113 advises it).
        let streams =
            ConnectionLimits { streams: Limit::AtMost(100), per_host: Limit::AtMost(1), ..ConnectionLimits::UNLIMITED };
        let grpc = Transport {
            encoding: PROTOBUF,
            headers: TEXT_HEADERS,
            headers_warm: INDEXED_HEADERS,
            connections: ConnectionLimits { reconnect: Some(Reconnect::GRPC), ..streams },
            cancel: Cancel::BetweenSteps,
            deadlines: Deadlines::Propagate,
            ..plain.clone()
        };
        match preset {
            TransportPreset::InProcess => plain,
            TransportPreset::Rest => Transport {
                encoding: JSON,
                headers: TEXT_HEADERS,
                headers_warm: TEXT_HEADERS,
                // Tomcat keeps an idle connection for 60 s (connectionTimeout, which keepAliveTimeout follows).
                connections: ConnectionLimits {
                    streams: Limit::AtMost(1),
                    idle_timeout: Some(Span::from_secs(60)),
                    ..ConnectionLimits::UNLIMITED
                },
                ..plain
            },
            TransportPreset::RestH2 => Transport {
                encoding: JSON,
                headers: TEXT_HEADERS,
                headers_warm: INDEXED_HEADERS,
                connections: streams,
                ..plain
            },
            TransportPreset::Grpc => grpc,
            TransportPreset::GrpcStream => Transport {
                headers_warm: FRAME,
                connections: ConnectionLimits { streams: Limit::Unlimited, ..grpc.connections },
                ..grpc
            },
        }
    }

    /// Whether a call needs a connection.
    pub fn connects(&self) -> bool {
        self.preset != TransportPreset::InProcess
    }

    /// Whether an answer can be a stream of messages.
    pub fn streams(&self) -> bool {
        matches!(self.preset, TransportPreset::Grpc | TransportPreset::GrpcStream)
    }

    /// Bytes of a body after encoding.
    pub fn encoded(&self, body: Size) -> Size {
        scaled(body, self.encoding.size)
    }

    /// Bytes of a body on the wire, without headers.
    pub fn on_the_wire(&self, body: Size) -> Size {
        let encoded = self.encoded(body);
        self.compression.map_or(encoded, |compression| scaled(encoded, compression.ratio))
    }

    /// CPU time to write a message with such a body.
    pub fn encode_cpu(&self, body: Size) -> Span {
        self.message_cpu + self.encoding.encode.of(self.encoded(body)) + self.wire_cpu(body)
    }

    /// CPU time to read a message with such a body.
    pub fn decode_cpu(&self, body: Size) -> Span {
        self.message_cpu + self.encoding.decode.of(self.encoded(body)) + self.wire_cpu(body)
    }

    /// CPU time of compression, encryption and the sidecar.
    fn wire_cpu(&self, body: Size) -> Span {
        let compression = self.compression.map_or(Span::ZERO, |it| it.cpu.of(self.encoded(body)));
        let mesh = self.mesh.map_or(Span::ZERO, |mesh| mesh.cpu);
        compression + self.tls.record.of(self.on_the_wire(body)) + mesh
    }

    /// Whether messages cost any CPU time.
    pub fn costs_cpu(&self) -> bool {
        let megabyte = Size::from_bytes(1_000_000);
        !self.encode_cpu(megabyte).is_zero() || !self.decode_cpu(megabyte).is_zero()
    }
}

impl TransportPreset {
    /// Every preset.
    pub const ALL: [TransportPreset; 5] = [
        TransportPreset::Rest,
        TransportPreset::RestH2,
        TransportPreset::Grpc,
        TransportPreset::GrpcStream,
        TransportPreset::InProcess,
    ];

    /// As in the file.
    pub fn name(self) -> &'static str {
        match self {
            TransportPreset::Rest => "rest",
            TransportPreset::RestH2 => "rest-h2",
            TransportPreset::Grpc => "grpc",
            TransportPreset::GrpcStream => "grpc-stream",
            TransportPreset::InProcess => "in-process",
        }
    }
}

impl Mesh {
    /// Istio 1.8 to 1.15, "Performance and Scalability": a proxy uses 0.35 vCPU for 1000 requests per second, and both
    /// together add 2.65 ms to the 90th percentile. A request is two messages, each through two proxies; what is not CPU
    /// time is latency.
    pub const ISTIO: Mesh = Mesh { latency: Span::from_micros(487), cpu: Span::from_micros(175), retries: true };

    /// How long a connection of Istio's proxies may take to open. Their pools have no limits (2^32 - 1).
    pub const ISTIO_CONNECT_TIMEOUT: Span = Span::from_secs(10);
}

impl Tls {
    /// No encryption.
    pub const NONE: Tls = Tls { round_trips: 0, handshake_cpu: Span::ZERO, record: PerByte::ZERO };

    /// A full handshake with an RSA key of 2048 bits and X25519 (`openssl speed`: 243 + 2 × 31 µs at the server), and
    /// AES-128-GCM at 1.9 GB/s for records of 1 KB; `round_trips` is 1 for TLS 1.3 (RFC 8446) and 2 for TLS 1.2.
    pub fn full(round_trips: u32) -> Tls {
        Tls { round_trips, handshake_cpu: Span::from_micros(310), record: PerByte::from_nanos(0.5) }
    }
}

impl ConnectionLimits {
    /// As many as are wanted, for ever.
    pub const UNLIMITED: ConnectionLimits = ConnectionLimits {
        streams: Limit::Unlimited,
        per_host: Limit::Unlimited,
        total: Limit::Unlimited,
        idle: Limit::Unlimited,
        idle_timeout: None,
        requests: Limit::Unlimited,
        max_age: None,
        queue: Limit::Unlimited,
        acquire_timeout: None,
        connect_timeout: None,
        reconnect: None,
    };
}

impl Reconnect {
    /// gRPC's connection backoff (grpc-go, `internal/backoff`).
    pub const GRPC: Reconnect =
        Reconnect { base: Span::from_secs(1), factor: 1.6, cap: Span::from_secs(120), jitter: 0.2 };

    /// The wait after `failures` failures in a row, of which there is at least one. `uniform` is a draw from 0 to 1.
    pub fn delay(&self, failures: u32, uniform: f64) -> Span {
        if failures <= 1 {
            return self.base;
        }
        let mut delay = self.base.as_nanos() as f64;
        let cap = self.cap.as_nanos() as f64;
        for _ in 1..failures {
            delay *= self.factor;
            if delay >= cap {
                break;
            }
        }
        Span::from_nanos_f64(delay.min(cap) * (1.0 + self.jitter * (2.0 * uniform - 1.0)))
    }
}

fn scaled(size: Size, factor: f64) -> Size {
    Size::from_bytes((size.as_bytes() as f64 * factor + 0.5) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_cpu_time_follow_from_the_size_of_the_body() {
        let body = Size::from_bytes(10_000);
        let rest = Transport::of_preset(TransportPreset::Rest);
        assert_eq!(rest.on_the_wire(body), body);
        assert_eq!(rest.encode_cpu(body), Span::from_micros(13));
        assert_eq!(rest.decode_cpu(body), Span::from_micros(45));
        let grpc = Transport::of_preset(TransportPreset::Grpc);
        assert_eq!(grpc.on_the_wire(body).as_bytes(), 5_000);
        assert_eq!(grpc.encode_cpu(body), Span::from_nanos(4_500));
        assert_eq!(grpc.decode_cpu(body), Span::from_nanos(15_500));
        let zipped = Transport {
            compression: Some(Compression { ratio: 0.3, cpu: PerByte::from_nanos(20.0) }),
            tls: Tls::full(1),
            ..rest
        };
        assert_eq!(zipped.on_the_wire(body).as_bytes(), 3_000);
        assert_eq!(zipped.encode_cpu(body), Span::from_nanos(13_000 + 200_000 + 1_500));
        assert!(!Transport::of_preset(TransportPreset::InProcess).costs_cpu());
    }

    /// Vector `grpc-conn-01` of the reference: 1 s, then times 1.6 up to 120 s, spread by 20% but for the first.
    #[test]
    fn grpc_waits_longer_and_longer_before_it_connects_again() {
        let grpc = Reconnect::GRPC;
        let range = |failures: u32| (grpc.delay(failures, 0.0).as_secs_f64(), grpc.delay(failures, 1.0).as_secs_f64());
        for (failures, low, high) in [(1, 1.0, 1.0), (2, 1.28, 1.92), (3, 2.048, 3.072), (12, 96.0, 144.0)] {
            let (got_low, got_high) = range(failures);
            assert!((got_low - low).abs() < 1e-6 && (got_high - high).abs() < 1e-6, "{failures}: {got_low} {got_high}");
        }
    }
}
