//! What goes over a transport along an edge: how large its messages are, what it costs to write and read them, and what
//! the network makes of them.

use crate::base::distribution::SizeDistribution;
use crate::base::random::{Draws, Key, salt};
use crate::base::time::Span;
use crate::base::units::{Bandwidth, Size};
use crate::model::{Acceptance, Balancing, Caller, Client, Endpoint, Transport};

use super::agenda::TimerId;
use super::frame::Frame;
use super::zone::Link;

const SALT_BODY: u64 = salt("transport/request");
const SALT_ANSWER_BODY: u64 = salt("transport/response");

/// What a route needs to know of its transport.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) transport: Transport,
    requests: Messages,
    answers: Messages,
    bandwidth: Option<Bandwidth>,
    loss: f64,
    /// Time that a message spends in sidecars.
    pub(super) sidecars: Span,
    /// Whether messages take as long as the client's latency says, and no longer.
    pub(super) is_swift: bool,
    /// Whether the first messages on a connection have other headers than those that follow.
    pub(super) warms_up: bool,
    /// Whether every request is balanced, and not every connection.
    pub(super) balances_requests: bool,
    /// How long a request waits for a connection.
    pub(super) acquire: Option<TimerId>,
}

impl Wire {
    pub(super) fn new(
        client: &Client,
        from: Caller,
        to: &Endpoint,
        server: Option<&Acceptance>,
        acquire: Option<TimerId>,
    ) -> Option<Wire> {
        let mut transport = (**client.transport.as_ref()?).clone();
        if let Some(server) = server {
            transport.connections = server.shorten(transport.connections);
        }
        // Users have no sidecar.
        let sidecars = if matches!(from, Caller::Workload(_)) { 1 } else { 2 };
        let latency = transport.mesh.map_or(Span::ZERO, |mesh| mesh.latency);
        Some(Wire {
            requests: Messages::new(&transport, &to.request),
            answers: Messages::new(&transport, &to.response),
            bandwidth: client.bandwidth,
            loss: client.loss.as_f64(),
            sidecars: Span::from_nanos(latency.as_nanos() * sidecars),
            is_swift: client.bandwidth.is_none() && client.loss.as_f64() == 0.0 && latency.is_zero(),
            warms_up: transport.headers != transport.headers_warm,
            balances_requests: transport.balancing == Balancing::Request,
            acquire,
            transport,
        })
    }

    /// Whether a call needs a connection.
    #[inline]
    pub(super) fn connects(&self) -> bool {
        self.transport.connects()
    }

    /// How fast the network takes bytes.
    #[inline]
    pub(super) fn bandwidth(&self, link: Option<&Link>) -> Option<Bandwidth> {
        link.and_then(|link| link.bandwidth).or(self.bandwidth)
    }

    /// Chance that a message gets lost.
    #[inline]
    pub(super) fn loss(&self, link: Option<&Link>) -> f64 {
        link.and_then(|link| link.loss).unwrap_or(self.loss)
    }

    /// How long a message is missed that gets lost with chance `loss`, and is sent again after waits of which each next one
    /// is twice as long.
    pub(super) fn losses(&self, loss: f64, mut draws: Draws) -> Span {
        let (mut missed, mut wait) = (Span::ZERO, self.transport.retransmit);
        // Ten losses in a row are as good as for ever.
        for _ in 0..10 {
            if draws.next_uniform() >= loss {
                break;
            }
            missed += wait;
            wait += wait;
        }
        missed
    }

    /// The request that a frame's present call sends, whose place `salt` names; the same for all its attempts.
    #[inline(always)]
    pub(super) fn request(&self, frame: &Frame, salt: impl FnOnce() -> u64) -> Message {
        let key = || frame.key.child(salt() ^ (u64::from(frame.iteration) << 16) ^ SALT_BODY);
        self.requests.draw(&self.transport, key)
    }

    /// The request that a frame has got.
    #[inline]
    pub(super) fn received(&self, frame: &Frame) -> Message {
        let body = Size::from_bytes(u64::from(frame.count));
        self.requests.always.unwrap_or_else(|| Message::new(&self.transport, body))
    }

    /// The answer to an attempt, whose callee has this key; one that is not good has no body.
    #[inline]
    pub(super) fn answer(&self, attempt: Key, is_good: bool) -> Message {
        if is_good {
            return self.answers.draw(&self.transport, || attempt.child(SALT_ANSWER_BODY));
        }
        Message::new(&self.transport, Size::ZERO)
    }
}

/// The messages in one direction.
#[derive(Clone, Debug)]
struct Messages {
    bodies: SizeDistribution,
    /// What each of them is, where all are equal.
    always: Option<Message>,
}

impl Messages {
    fn new(transport: &Transport, bodies: &SizeDistribution) -> Messages {
        Messages { always: bodies.constant().map(|body| Message::new(transport, body)), bodies: bodies.clone() }
    }

    #[inline(always)]
    fn draw(&self, transport: &Transport, key: impl FnOnce() -> Key) -> Message {
        match self.always {
            Some(message) => message,
            None => Message::new(transport, self.bodies.sample(key().draws())),
        }
    }
}

/// A message, and what it costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) body: Size,
    /// On the wire, headers excluded.
    pub(super) bytes: Size,
    /// CPU time.
    pub(super) encode: Span,
    pub(super) decode: Span,
}

impl Message {
    /// The bytes of its body, as a frame keeps them.
    #[inline]
    pub(super) fn count(&self) -> u32 {
        self.body.as_bytes().min(u64::from(u32::MAX)) as u32
    }

    fn new(transport: &Transport, body: Size) -> Message {
        Message {
            body,
            bytes: transport.on_the_wire(body),
            encode: transport.encode_cpu(body),
            decode: transport.decode_cpu(body),
        }
    }
}
