//! JetStream's rules and defaults as settings (`server/consumer.go` at 1787eee0, `server/stream.go`).

use crate::base::time::Span;

use super::{Discard, LateAck, LeaseSettings, Retention, StreamSettings};

/// A stream: no limits, nothing is removed by acknowledgements, and identifiers are known for two minutes.
pub const STREAM: StreamSettings = StreamSettings {
    retention: Retention::Limits,
    discard: Discard::Old,
    max_messages: None,
    max_bytes: None,
    max_age: None,
    dedup_window: Span::from_secs(120),
};

/// A durable consumer: messages come back after 30 s, without end, and 1 000 may wait for their acknowledgement,
/// those that wait for a redelivery included. An acknowledgement counts whenever it comes.
///
/// `AckWait` is a list of one in `waits`, and a `BackOff` list replaces it; a plain nak knows nothing of either.
/// `MaxDeliver` is `deliveries`, `MaxAckPending` is `in_flight`.
pub fn consumer() -> LeaseSettings {
    LeaseSettings {
        waits: vec![Span::from_secs(30)],
        outlive_member: true,
        late_ack: LateAck::Accepted,
        in_flight: Some(1_000),
        in_flight_keeps_returned: true,
        ..LeaseSettings::PLAIN
    }
}
