//! Where the figures of transports come from, and how far each can be trusted.

use super::Limit;
use super::transport::{Mesh, Reconnect, Tls, Transport, TransportPreset};
use crate::base::time::Span;

/// A default, with its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, with the key of `[transport.NAME]` in which it can be set.
    pub what: &'static str,
    /// As it stands.
    pub default: String,
    /// What others have found.
    pub range: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// How it is known.
    pub trust: Trust,
}

/// How a figure is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Measured with the tool that is named, on one kind of machine: another one has other figures.
    Measured,
    /// Read in the source that is named.
    Read,
    /// What a specification says.
    Standard,
    /// Common knowledge, for which no source was at hand.
    Memory,
}

impl Trust {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Trust::Measured => "measured",
            Trust::Read => "read",
            Trust::Standard => "standard",
            Trust::Memory => "from memory",
        }
    }
}

/// Every figure of the presets of transports.
pub fn transport_figures() -> Vec<Figure> {
    let rest = Transport::of_preset(TransportPreset::Rest);
    let h2 = Transport::of_preset(TransportPreset::RestH2);
    let grpc = Transport::of_preset(TransportPreset::Grpc);
    let stream = Transport::of_preset(TransportPreset::GrpcStream);
    let tls = Tls::full(1);
    let Reconnect { base, factor, cap, jitter } = Reconnect::GRPC;
    let streams = match grpc.connections.streams {
        Limit::AtMost(n) => n.to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    };
    let after = |span: Option<Span>| span.map_or_else(|| "never".to_owned(), |span| span.to_string());
    let row = |what, default: String, range, source, trust| Figure { what, default, range, source, trust };
    vec![
        row(
            "CPU time to write JSON (`encoding.encode`)",
            format!("{}", rest.encoding.encode),
            "1.3 to 8.3 ns",
            "serde_json, 1 KB of typed data, AMD EPYC; 8.3 ns: Go's encoding/json, 64 KB (soa-serialization benchmark)",
            Trust::Measured,
        ),
        row(
            "CPU time to read JSON (`encoding.decode`)",
            format!("{}", rest.encoding.decode),
            "4.2 to 20.6 ns",
            "the same two; untyped data 14 ns with serde_json",
            Trust::Measured,
        ),
        row(
            "CPU time to write protobuf (`encoding.encode`)",
            format!("{}", grpc.encoding.encode),
            "0.8 to 5.8 ns",
            "prost 0.13, the same data and machine; 5.8 ns: Go (soa-serialization benchmark)",
            Trust::Measured,
        ),
        row(
            "CPU time to read protobuf (`encoding.decode`)",
            format!("{}", grpc.encoding.decode),
            "3.0 to 9.6 ns",
            "the same two",
            Trust::Measured,
        ),
        row(
            "Size of protobuf (`encoding.size`)",
            format!("{} of JSON's", grpc.encoding.size),
            "0.3 to 0.85",
            "0.49 to 0.50 for the same data; 0.85 in the Go benchmark: text stays text",
            Trust::Measured,
        ),
        row(
            "Headers of HTTP/1.1 (`headers`)",
            format!("{} a message", rest.headers),
            "500 to 800 B, more with cookies",
            "Grigorik, \"High Performance Browser Networking\"",
            Trust::Read,
        ),
        row(
            "Headers of HTTP/2 that HPACK has indexed (`headers_warm`)",
            format!("{} a message", h2.headers_warm),
            "30 to 120 B",
            "5 B of gRPC's prefix and 9 B for each of three frames stand in the specifications; the rest is an estimate",
            Trust::Memory,
        ),
        row(
            "A message on a stream that is open (`headers_warm`)",
            format!("{} a message", stream.headers_warm),
            "",
            "gRPC over HTTP/2 (5 B) and RFC 9113, section 4.1 (9 B)",
            Trust::Standard,
        ),
        row(
            "Streams of a connection of HTTP/2 (`connections.streams`)",
            streams,
            "100 to unlimited",
            "what clients assume before the server says (grpc-go), and what RFC 9113 advises as the least",
            Trust::Read,
        ),
        row(
            "Idle connections of HTTP/1.1 (`connections.idle_timeout`)",
            after(rest.connections.idle_timeout),
            "5 s (Node) to 90 s (Go)",
            "Tomcat, keepAliveTimeout, which follows connectionTimeout",
            Trust::Read,
        ),
        row(
            "Window of a stream (`window`)",
            Transport::WINDOW.to_string(),
            "64 KiB and more, where it is tuned",
            "RFC 9113, section 6.9.2",
            Trust::Standard,
        ),
        row("Opening a connection", "1 round trip".to_owned(), "", "TCP (RFC 9293)", Trust::Standard),
        row(
            "Handshake of TLS (`tls`)",
            "1 round trip with \"1.3\", 2 with \"1.2\"".to_owned(),
            "",
            "RFC 8446, RFC 5246",
            Trust::Standard,
        ),
        row(
            "CPU time of a handshake at the server (`handshake_cpu`)",
            tls.handshake_cpu.to_string(),
            "250 us to 1.5 ms; with ECDSA P-256 80 us",
            "openssl 3.0.19 speed: RSA of 2048 bits 243 us, and 2 x X25519 of 31 us",
            Trust::Measured,
        ),
        row(
            "CPU time to encrypt (`record_cpu`)",
            format!("{}", tls.record),
            "0.23 to 2 ns",
            "openssl, AES-128-GCM: 1.88 GB/s with 1 KB, 4.4 GB/s with 16 KB",
            Trust::Measured,
        ),
        row(
            "A lost packet is sent again after (`retransmit`)",
            rest.retransmit.to_string(),
            "200 ms to 1 s",
            "Linux, TCP_RTO_MIN; RFC 6298 says 1 s",
            Trust::Memory,
        ),
        row(
            "The first packet of a connection that is lost",
            "1s, doubling".to_owned(),
            "",
            "RFC 6298",
            Trust::Standard,
        ),
        row(
            "gRPC tries to connect again (`connections.reconnect`)",
            format!("{base}, times {factor}, at most {cap}, spread by {}%", jitter * 100.0),
            "",
            "grpc-go, internal/backoff",
            Trust::Read,
        ),
        row(
            "Sidecar: latency of each message at each (`mesh.latency`)",
            Mesh::ISTIO.latency.to_string(),
            "",
            "Istio, \"Performance and Scalability\": both add 2.65 ms to the 90th percentile of a request, less their CPU time",
            Trust::Read,
        ),
        row(
            "Sidecar: CPU time of each message at each (`mesh.cpu`)",
            Mesh::ISTIO.cpu.to_string(),
            "",
            "the same page: 0.35 vCPU for 1000 requests per second",
            Trust::Read,
        ),
    ]
}
