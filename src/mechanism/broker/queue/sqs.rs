//! The defaults of a standard queue of Amazon SQS as settings (its documentation of quotas and visibility).

use crate::base::time::Span;

use super::{BackTo, DeadLetters, LateAck, LeaseSettings, QueueSettings};

/// A standard queue: invisible for 30 s, at most 120 000 in flight and ten at a time, kept for four days. It promises no
/// order: what becomes visible again stands behind what waits, so that nothing hides behind a message that fails.
/// A deletion counts until the message is received again.
///
/// A redrive policy sets `deliveries` to its `maxReceiveCount`. SQS moves a message that was received so often when it
/// would be received again; here it is moved when it would become visible again.
pub fn standard() -> QueueSettings {
    let leases = LeaseSettings {
        waits: vec![Span::from_secs(30)],
        outlive_member: true,
        late_ack: LateAck::UntilRedelivered,
        in_flight: Some(120_000),
        batch: Some(10),
        back_to: BackTo::End,
        ..LeaseSettings::PLAIN
    };
    QueueSettings {
        leases,
        ttl: Some(Span::from_secs(4 * 86_400)),
        dead_letters: DeadLetters::Spent,
        ..QueueSettings::IDEAL
    }
}
