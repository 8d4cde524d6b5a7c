//! RabbitMQ's rules and defaults as settings (documentation of 4.x; `rabbit_fifo.erl` at 5b09e556).

use crate::base::time::Span;
use crate::base::units::{Share, Size};

use super::{CreditSettings, Lapse, LeaseSettings, NodeSettings, QueueSettings};

/// Failed deliveries that a quorum queue lets a message have before the next one is its last, since 4.0.
pub const DELIVERY_LIMIT: u32 = 20;

/// `credit_flow_default_credit`.
pub const CREDIT: CreditSettings = CreditSettings { initial: 400, more_after: 200 };

/// `vm_memory_high_watermark` and `disk_free_limit`; how large the machine is, the caller knows.
pub fn node() -> NodeSettings {
    NodeSettings {
        memory: None,
        watermark: Share::new(0.6).expect("a share"),
        disk: None,
        disk_reserve: Size::from_bytes(50_000_000),
    }
}

/// A classic queue: no limits, no prefetch, and a channel that holds a message for half an hour is closed. Messages that
/// leave are lost; with a dead-letter exchange set `dead_letters` to [`DeadLetters::All`](super::DeadLetters::All).
pub fn classic() -> QueueSettings {
    let leases = LeaseSettings {
        waits: vec![Span::from_secs(30 * 60)],
        check_every: Span::from_secs(60),
        lapse: Lapse::Member,
        lapse_counts: false,
        nack_counts: false,
        ..LeaseSettings::PLAIN
    };
    QueueSettings { leases, ..QueueSettings::IDEAL }
}

/// A quorum queue: what fails more often than the limit allows leaves. From 4.3 on a nack does not count (set
/// `nack_counts` for older ones); a reject and a death do, a consumer timeout does not. Its delayed retry is
/// [`RetryDelay`](super::RetryDelay); a queue without a limit sends what comes back to the end.
pub fn quorum() -> QueueSettings {
    let mut settings = classic();
    settings.leases.deliveries = deliveries(Some(DELIVERY_LIMIT));
    settings
}

/// A message leaves when its failed deliveries are *more* than the limit; `None` (-1) is no limit.
pub fn deliveries(delivery_limit: Option<u32>) -> Option<u32> {
    delivery_limit.map(|limit| limit.saturating_add(1))
}

/// `prefetch_count`, which holds for each consumer; zero is no limit.
pub fn prefetch(count: u32) -> Option<u32> {
    (count > 0).then_some(count)
}
