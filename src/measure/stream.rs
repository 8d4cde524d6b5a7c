//! Streams of messages along one edge: counted by the time of the event, from the end of the warm-up on.

use crate::base::time::{Span, Time};

use super::latency::{Latency, Mark};
use super::level::Level;
use super::results::StreamMessages;
use super::sums::StreamSums;

/// See the module.
#[derive(Default)]
pub(super) struct StreamMeter {
    read: u64,
    first: Latency,
    /// Bytes that were sent and not read; there may be more of them than a [`Level`] counts.
    unread: u64,
    unread_since: Time,
    unread_nanos: u128,
    unread_peak: u64,
    blocked: Level,
    blocked_before: u128,
    last: LastStream,
}

/// What was summed up to the last point of the series.
#[derive(Default)]
struct LastStream {
    first: Mark,
    unread_nanos: u128,
    blocked_nanos: u128,
}

impl StreamMeter {
    pub(super) fn first_message(&mut self, waited: Span) {
        self.first.record(waited);
    }

    pub(super) fn message_read(&mut self) {
        self.read += 1;
    }

    pub(super) fn unread(&mut self, now: Time, change: i64) {
        self.settle(now);
        debug_assert!(self.unread.checked_add_signed(change).is_some(), "no more is read than was sent");
        self.unread = self.unread.wrapping_add_signed(change);
        self.unread_peak = self.unread_peak.max(self.unread);
    }

    pub(super) fn blocked(&mut self, now: Time, change: i32) {
        self.blocked.add(now, change);
    }

    /// What has been counted so far is left out of the totals.
    pub(super) fn start_totals(&mut self, now: Time) {
        self.settle(now);
        (self.read, self.unread_nanos, self.unread_peak) = (0, 0, self.unread);
        self.last.unread_nanos = 0;
        self.blocked_before = self.blocked.integral(now);
    }

    /// Adds what tells how sure means are.
    pub(super) fn add_sums(&mut self, now: Time, sums: &mut StreamSums) {
        self.settle(now);
        let blocked = self.blocked.integral(now);
        let secs = |now: u128, last: u128| (now - last) as f64 / 1e9;
        self.first.add_point(0, &mut self.last.first, &mut sums.first);
        sums.unread.push(secs(self.unread_nanos, self.last.unread_nanos));
        sums.blocked.push(secs(blocked, self.last.blocked_nanos));
        (self.last.unread_nanos, self.last.blocked_nanos) = (self.unread_nanos, blocked);
    }

    /// Totals at the end of the run.
    pub(super) fn finish(mut self, end: Time) -> StreamMessages {
        self.settle(end);
        StreamMessages {
            read: self.read,
            first: self.first,
            unread_nanos: self.unread_nanos,
            unread_peak: self.unread_peak,
            blocked_nanos: self.blocked.integral(end) - self.blocked_before,
        }
    }

    fn settle(&mut self, now: Time) {
        self.unread_nanos += u128::from(self.unread) * u128::from(now.since(self.unread_since).as_nanos());
        self.unread_since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_blocked_handlers_are_integrated_from_the_end_of_the_warm_up_on() {
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        let mut meter = StreamMeter::default();
        meter.unread(at(0), 5_000_000_000);
        meter.unread(at(1), 2_000_000_000);
        meter.message_read();
        meter.blocked(at(2), 3);
        meter.unread(at(4), -6_000_000_000);
        meter.start_totals(at(10));
        meter.unread(at(12), 500_000_000);
        meter.message_read();
        meter.unread(at(14), -1_500_000_000);
        meter.blocked(at(15), -3);
        meter.first_message(Span::from_millis(7));
        let totals = meter.finish(at(20));
        assert_eq!((totals.read, totals.unread_peak), (1, 1_500_000_000));
        // A gigabyte for 2 s, and half as much more for 2 s.
        assert_eq!(totals.unread_nanos, 5_000_000_000 * 1_000_000_000);
        assert_eq!((totals.blocked_nanos, totals.first.max()), (15_000_000_000, Some(Span::from_millis(7))));
    }
}
