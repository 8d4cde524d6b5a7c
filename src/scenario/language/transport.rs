//! The keys of transports.

use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::time::Span;
use crate::base::units::{Bandwidth, PerByte, Share, Size};
use crate::model::{Balancing, TransportPreset};
use crate::scenario::declare::keys;
use crate::scenario::decode::{
    Count, LimitFrom, List, MeshPreset, NotZero, Or, PositiveNumber, TlsVersion, Word, ZoneName,
};

keys! {
    /// How the messages of a client look, what they cost, and on which connections they travel. A client names it, or
    /// one of the presets. Bodies are as large as the `request` and `response` of the endpoint say; encoding and
    /// decoding is work on the thread and the cores of the service that does it.
    TransportKeys is "a transport" at "transport.NAME" {
        /// The defaults of all other keys: "rest" (JSON over HTTP/1.1: one request at a time on a connection), "rest-h2"
        /// (JSON over HTTP/2), "grpc" (protobuf over HTTP/2: many streams on one connection, deadlines and
        /// cancellation), "grpc-stream" (messages on a stream that stays open), or "in-process" (nothing of that).
        preset: Word<TransportPreset>, required;
        /// How bodies are written.
        encoding: EncodingKeys;
        /// Whether encoded bodies are compressed.
        compression: Or<CompressionKeys> = "none";
        /// Headers of the first request and the first answer on a connection, each: 600 B where there are any.
        headers: Size;
        /// Headers of the others: 600 B in HTTP/1.1, 60 B in HTTP/2 (indexed), 14 B on an open stream.
        headers_warm: Size;
        /// CPU time of every message besides that of its bytes, at both ends.
        message_cpu: Span = "0s";
        /// Encryption: a handshake of one round trip more than without ("1.3") or two ("1.2"), and CPU time.
        tls: Word<TlsVersion> = "none";
        /// CPU time of a handshake at the server: 310 us with `tls`, for a key of RSA 2048 (80 us for ECDSA P-256).
        handshake_cpu: Span;
        /// CPU time to encrypt or decrypt a byte: 0.5 ns with `tls`.
        record_cpu: PerByte;
        /// On which connections requests travel. Each replica of a caller has its own to every service that it calls;
        /// the users of a workload share theirs.
        connections: ConnectionsKeys;
        /// Bytes of one stream of messages (see `stream` of endpoints) that may be sent and not yet read, each message with a
        /// prefix of 5 B: 65535 B in HTTP/2 (RFC 9113) and gRPC unless it is set. When it is full, the handler waits; one
        /// message may always go, however large. Windows of connections, and what libraries add to windows as they
        /// measure the network, are left out.
        window: Size;
        /// Whether the client's balancer chooses a replica for every request ("request": client-side or in a mesh, L7), or
        /// for every connection, where requests then stay ("connection": a proxy or a virtual address, L4).
        balancing: Word<Balancing> = "request";
        /// A proxy beside every process, through which all its messages go.
        mesh: Or<MeshKeys> = "none";
        /// How long a message that gets lost (see `loss` of clients) is missed before it is sent again.
        retransmit: Span = "200ms";
    }
    later { "flow_control" }
}

keys! {
    /// Server streaming: the answer is many messages, which follow when the steps are over. Only clients with a transport
    /// of gRPC can call it, and not with hedges. The handler waits while the `window` of the transport is full; a
    /// blocking one holds its thread meanwhile, and the caller's connection always carries the stream. The call is over
    /// when its last message was read, and all of it counts for `timeout`, deadlines and latency; if it fails, what was
    /// not read is lost. A caller who gives up resets the stream: whatever `cancel` says, the next message that the
    /// handler wants to send, or waits to send, ends it, as the write fails in gRPC. Once the first message has come,
    /// nothing is retried. While the network is cut, messages wait; they come when it is whole again.
    StreamKeys is "a stream" at "service.NAME.endpoint.NAME.stream" {
        /// How many messages.
        messages: Count<1, 1_000_000_000>, required;
        /// How large the body of one is, as JSON.
        size: SizeDistribution, required;
        /// What the handler waits for before each message, without using the CPU: an event that it tells of.
        sleep: Distribution = "0s";
        /// CPU time to produce one, besides that of writing it.
        work: Distribution = "0s";
    }
    later { "every" "duration" }
}

keys! {
    /// How bodies are written; sizes of the file are those of JSON. What is left out is as the preset says.
    EncodingKeys is "an encoding" at "transport.NAME.encoding" {
        /// Encoded bytes for each byte of the file: 1 for JSON, 0.5 for protobuf.
        size: PositiveNumber;
        /// CPU time to write an encoded byte: 1.3 ns for JSON, 0.9 ns for protobuf.
        encode: PerByte;
        /// CPU time to read an encoded byte: 4.5 ns for JSON, 3.1 ns for protobuf.
        decode: PerByte;
    }
    later { }
}

keys! {
    /// What compression does to every body.
    CompressionKeys is "a compression" at "transport.NAME.compression" {
        /// Compressed bytes for each encoded byte.
        ratio: Share, required;
        /// CPU time for each encoded byte, at either end.
        cpu: PerByte, required;
    }
    later { }
}

keys! {
    /// Connections, from one client instance to one service. A host is a replica where every request is balanced, or the
    /// service as a whole where connections are. A connection opens with a round trip (the client's latency, both
    /// ways) and the handshake of `tls`; requests wait for it, and that wait counts.
    ConnectionsKeys is "a set of connections" at "transport.NAME.connections" {
        /// Requests that a connection carries at once: 1 in HTTP/1.1, 100 in HTTP/2, unlimited on an open stream. More wait
        /// in the client.
        streams: LimitFrom<1>;
        /// Connections to one host: unlimited in HTTP/1.1, 1 in HTTP/2.
        per_host: LimitFrom<1>;
        /// Connections to all hosts of a service together.
        total: LimitFrom<1> = "unlimited";
        /// Idle connections that are kept for one host; more are closed after their answer.
        idle: LimitFrom<0> = "unlimited";
        /// How long an idle connection is kept: 60 s in HTTP/1.1, else for ever.
        idle_timeout: Or<NotZero<Span>>;
        /// Requests after which a connection is closed.
        requests: LimitFrom<1> = "unlimited";
        /// From this age on a connection takes no new requests, and is closed when its last one has ended.
        max_age: Or<NotZero<Span>> = "none";
        /// Requests that may wait for a connection to one host, whether or not one is being opened for them; more fail at
        /// once.
        queue: LimitFrom<1> = "unlimited";
        /// How long a request waits for a connection before it fails; its caller's `timeout` counts too.
        acquire_timeout: Or<NotZero<Span>> = "none";
        /// How long a connection may take to open before the request fails that it is opened for.
        connect_timeout: Or<NotZero<Span>> = "none";
        /// What follows when a connection cannot be opened: all that wait for it fail, and all others at once until it is
        /// tried again. The presets of gRPC do that after 1 s, 1.6 s, .. up to 120 s, spread by 20%; otherwise every
        /// request tries anew.
        reconnect: Or<ReconnectKeys>;
    }
    later { "warm" "min" "lifetime" }
}

keys! {
    /// The network between two zones, both ways, or within one. A message that goes there takes these figures instead of
    /// those of its client; what is not given stays the client's, and so does all where the caller or the callee stands in
    /// no zone. Requests, answers, notices of cancellation and the handshakes of connections are such messages. Services
    /// stand in `zones`, users in a `zone`; who is called is the choice of the client's `balance`, which knows no zones:
    /// over two zones, half of all calls go across.
    LinkKeys is "a link" at "link.NAME" {
        /// Its two ends: zones in which somebody stands. Twice the same one is the network within it.
        between: List<ZoneName>, required;
        /// Network time one way.
        latency: Distribution;
        /// How fast it takes bytes; only for clients with a `transport`.
        bandwidth: Bandwidth;
        /// Chance that a message gets lost and is sent again; only for clients with a `transport`.
        loss: Share;
    }
    later { }
}

keys! {
    /// The server's side of connections. The defaults are Tomcat's (`maxConnections`, `acceptCount`, `keepAliveTimeout`,
    /// `maxKeepAliveRequests`). A connection that must wait counts as not open yet; one that is ignored is tried again after
    /// 1 s, 2 s, 4 s, as a packet that got lost. That a server may close an idle connection just as a request comes is left
    /// out.
    AcceptKeys is "a limit of connections" at "service.NAME.connections" {
        /// Connections of one replica at once, busy or not.
        max: LimitFrom<1> = "8192";
        /// Connections that wait in the backlog of the operating system until one of those is closed. One more has left it and
        /// waits, too. Further ones are ignored.
        queue: LimitFrom<0> = "100";
        /// How long an idle connection is kept, if its client keeps it that long.
        keep_alive: Or<NotZero<Span>> = "60s";
        /// Requests after which a connection is closed.
        requests: LimitFrom<1> = "100";
    }
    later { "max_age" }
}

keys! {
    /// How long a client waits before it tries to connect again.
    ReconnectKeys is "a reconnect backoff" at "transport.NAME.connections.reconnect" {
        /// The first wait.
        base: NotZero<Span> = "1s";
        /// How many times as long each next one is.
        factor: PositiveNumber = "1.6";
        /// The longest.
        cap: NotZero<Span> = "120s";
        /// By how much all but the first are spread, both ways.
        jitter: Share = "20%";
    }
    later { }
}

keys! {
    /// A proxy beside the client and one beside the server. The preset "istio" brings its defaults for HTTP: two retries of
    /// what the server has not taken on, for clients without `retry` and `hedge` (`retry = "none"` switches them off), no
    /// limits of connections, and 10 s for one to open.
    MeshKeys is "a mesh" at "transport.NAME.mesh" {
        /// Start from the figures of a mesh; the other keys change them.
        preset: Word<MeshPreset>;
        /// Time that a message spends in each proxy.
        latency: Span;
        /// CPU time of each proxy for a message, on the cores of the service beside which it stands.
        cpu: Span;
    }
    later { "breaker" }
}
