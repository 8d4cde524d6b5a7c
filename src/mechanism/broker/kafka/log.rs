//! One partition: records in the order in which they were appended, each at its offset. It decides which of them a reader
//! sees, which are stored twice, and which are deleted. Records that nobody can need again are let go of in memory, while
//! their bytes stay on disk.
//!
//! Simpler than the original: the marks that end a transaction take no offset.

use std::collections::VecDeque;
use std::rc::Rc;

use super::ProducerId;
use super::few::Few;
use super::marks::Marks;
use super::producer::{Record, Stamp};
use super::segments::Segments;
use super::transaction::TransactionId;
use crate::base::time::{Span, Time};
use crate::base::units::Size;

/// What a partition keeps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LogSettings {
    /// Files whose last record is older are deleted (`retention.ms`, 168 h); `None` keeps them.
    pub retention: Option<Span>,
    /// The oldest files are deleted while the rest is not smaller than this (`retention.bytes`); `None`, the default,
    /// keeps them.
    pub retention_size: Option<Size>,
    /// A file is closed before it is larger than this (`segment.bytes`, 1 GiB).
    pub segment: Size,
    /// A file is closed when its first record is older than this (`segment.ms`, 168 h).
    pub segment_age: Span,
    /// How often files are looked at to be deleted (`log.retention.check.interval.ms`, 5 min).
    pub retention_check: Span,
    /// Whether payloads stay in memory as long as their files are on disk, so that they can be read again.
    pub keeps_payloads: bool,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings {
            retention: Some(Span::from_secs(168 * 3600)),
            retention_size: None,
            segment: Size::from_bytes(1 << 30),
            segment_age: Span::from_secs(168 * 3600),
            retention_check: Span::from_secs(300),
            keeps_payloads: false,
        }
    }
}

/// What a reader sees (`isolation.level`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reading {
    /// Everything, whatever becomes of its transaction.
    #[default]
    Uncommitted,
    /// Nothing of an aborted transaction, and nothing behind the start of an open one.
    Committed,
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Append {
    /// It is in the log, from this offset on.
    Stored(u64),
    /// It was in the log already. The producer is told that all is well.
    Duplicate,
    /// One before it is missing. The producer sends it again later.
    OutOfOrder,
}

/// A record in memory, which lies in one line of the cache if its payload is small.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Stored<M> {
    payload: M,
    time: Time,
}

/// A numbered batch.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    /// Offset of its first record.
    base: u64,
    producer: ProducerId,
    sequence: u32,
}

/// See the module. Batches come to thousands of logs in turn, which are in no cache: what each batch touches lies
/// together, and in this order.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Log<M> {
    /// The records from `first` to the end.
    records: VecDeque<Stored<M>>,
    first: u64,
    high_watermark: u64,
    /// The first offset that is on disk.
    start: u64,
    /// Which of the records belong to transactions; absent as long as none does.
    marks: Option<Box<Marks>>,
    /// The number that each producer's next batch should have.
    expected: Vec<u32>,
    /// Numbered batches that are not replicated, the oldest first.
    recent: Few<Numbered>,
    settings: Rc<LogSettings>,
    segments: Segments,
    /// Whether somebody leads it; nothing can be read while nobody does.
    is_led: bool,
}

const _: () = assert!(size_of::<Log<u64>>() == 192);

impl<M: Copy> Log<M> {
    /// An empty log. The logs of a topic may share their settings.
    pub fn new(settings: impl Into<Rc<LogSettings>>) -> Log<M> {
        Log {
            settings: settings.into(),
            records: VecDeque::new(),
            first: 0,
            high_watermark: 0,
            start: 0,
            marks: None,
            expected: Vec::new(),
            recent: Few::default(),
            segments: Segments::default(),
            is_led: true,
        }
    }

    /// The leader stores a batch of `bytes` on disk. With a `stamp`, a batch that is here already is not stored again.
    /// A `transaction` must be open. Readers see it when it is [replicated](Log::replicated).
    pub fn append(
        &mut self,
        now: Time,
        stamp: Option<Stamp>,
        transaction: Option<TransactionId>,
        bytes: u64,
        records: &[Record<M>],
    ) -> Append {
        if let Some(stamp) = stamp
            && let Some(refusal) = self.check(stamp)
        {
            return refusal;
        }
        let base = self.end();
        if let Some(stamp) = stamp {
            self.recent.push_back(Numbered { base, producer: stamp.producer, sequence: stamp.sequence });
        }
        self.segments.append(now, base, bytes, &self.settings);
        if let Some(transaction) = transaction {
            self.marks.get_or_insert_default().append(base..base + records.len() as u64, transaction);
        }
        self.records.extend(records.iter().map(|record| Stored { payload: record.payload, time: now }));
        Append::Stored(base)
    }

    /// Why a batch is not stored; otherwise it is noted as stored.
    fn check(&mut self, stamp: Stamp) -> Option<Append> {
        let producer = stamp.producer.index();
        if producer >= self.expected.len() {
            self.expected.resize(producer + 1, 0);
        }
        let expected = &mut self.expected[producer];
        if stamp.sequence < *expected {
            return Some(Append::Duplicate);
        }
        if stamp.sequence > *expected {
            return Some(Append::OutOfOrder);
        }
        *expected = stamp.sequence + 1;
        None
    }

    /// What a producer sends before this batch will never come.
    pub fn skip_to(&mut self, stamp: Stamp) {
        if let Some(expected) = self.expected.get_mut(stamp.producer.index()) {
            *expected = stamp.sequence.max(*expected);
        }
    }

    /// All in-sync replicas have what is before offset `upto`: that can be read, and survives the leader. `true` when that
    /// is more than before.
    pub fn replicated(&mut self, upto: u64) -> bool {
        debug_assert!(upto <= self.end());
        let more = upto > self.high_watermark;
        self.high_watermark = self.high_watermark.max(upto);
        while self.recent.front().is_some_and(|batch| batch.base < upto) {
            self.recent.pop_front();
        }
        more
    }

    /// The leader fails and another takes over: what was not [replicated](Log::replicated) is gone, though with
    /// [`Acks::Leader`](super::Acks::Leader) its producer was told that all is well. Hands out what is lost, with its
    /// offset and whether its transaction was aborted, the last first. A producer's batch that is lost so is stored when it is sent again.
    pub fn fail_over(&mut self, mut lost: impl FnMut(u64, M, bool)) {
        let end = self.end();
        self.segments.truncate(self.high_watermark, end);
        while self.end() > self.high_watermark {
            let Some(record) = self.records.pop_back() else { break };
            lost(self.end(), record.payload, self.is_aborted(self.end()));
        }
        for Numbered { producer, sequence, .. } in std::mem::take(&mut self.recent) {
            let expected = &mut self.expected[producer.index()];
            *expected = sequence.min(*expected);
        }
        let end = self.end();
        if let Some(marks) = &mut self.marks {
            marks.cut(end);
        }
    }

    /// Somebody leads it from now on, or nobody does: `true` when that is new. While nobody does, nothing is read.
    pub fn set_led(&mut self, is_led: bool) -> bool {
        std::mem::replace(&mut self.is_led, is_led) != is_led
    }

    /// Whether somebody leads it.
    #[inline]
    pub fn is_led(&self) -> bool {
        self.is_led
    }

    /// A transaction has ended. Readers of [`Reading::Committed`] never see the records of one that did not succeed.
    pub fn end_transaction(&mut self, transaction: TransactionId, succeeded: bool) {
        if let Some(marks) = &mut self.marks {
            marks.end(transaction, succeeded);
        }
    }

    /// How many records of a transaction are in memory.
    pub fn of_transaction(&self, transaction: TransactionId) -> u64 {
        self.marks.as_ref().map_or(0, |marks| marks.of(transaction))
    }

    /// Whether the record at `offset`, which is in memory, belongs to a transaction that did not succeed.
    #[inline]
    fn is_aborted(&self, offset: u64) -> bool {
        self.marks.as_ref().is_some_and(|marks| marks.is_aborted(offset))
    }

    /// Hands out up to `most` records with their offsets, from `position` on, and returns where to go on. `position` is
    /// not before [`Log::readable_from`].
    #[inline]
    pub fn fetch(&self, position: u64, reading: Reading, most: usize, mut take: impl FnMut(u64, M)) -> u64 {
        let end = self.readable_to(reading);
        debug_assert!(position >= self.readable_from(), "{position} is gone");
        if position >= end || most == 0 {
            return position;
        }
        let (from, to) = ((position - self.first) as usize, (end - self.first) as usize);
        let mut next = position;
        let mut left = most;
        for record in self.records.range(from..to) {
            next += 1;
            if reading == Reading::Committed && self.is_aborted(next - 1) {
                continue;
            }
            take(next - 1, record.payload);
            left -= 1;
            if left == 0 {
                break;
            }
        }
        next
    }

    /// The first record from offset `from` on that a reader sees or will see, and its offset.
    pub fn first_from(&self, from: u64, reading: Reading) -> Option<(u64, M)> {
        let place = usize::try_from(from.saturating_sub(self.first)).ok()?;
        if place >= self.records.len() {
            return None;
        }
        let mut left = (self.first + place as u64..).zip(self.records.range(place..));
        let found = left.find(|(offset, _)| reading == Reading::Uncommitted || !self.is_aborted(*offset));
        found.map(|(offset, record)| (offset, record.payload))
    }

    /// How many records a reader sees from offset `from` up to `to`, all of which are in memory.
    pub fn visible(&self, from: u64, to: u64, reading: Reading) -> u64 {
        let to = to.min(self.end());
        if from >= to {
            return 0;
        }
        debug_assert!(from >= self.first, "{from} is gone");
        match &self.marks {
            Some(marks) if reading == Reading::Committed => to - from - marks.aborted(from..to),
            _ => to - from,
        }
    }

    /// The first offset that is on disk.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The first offset that can be read: on disk, and its payload not forgotten.
    pub fn readable_from(&self) -> u64 {
        self.start.max(self.first)
    }

    /// The offset that the next record gets.
    #[inline]
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Up to where everything is replicated.
    pub fn high_watermark(&self) -> u64 {
        self.high_watermark
    }

    /// Up to where a reader gets now: the high watermark, or the last stable offset.
    #[inline]
    pub fn readable_to(&self, reading: Reading) -> u64 {
        match &self.marks {
            Some(marks) if reading == Reading::Committed => self.high_watermark.min(marks.first_open()),
            _ => self.high_watermark,
        }
    }

    /// When the record at `offset` was appended; `None` when it is not in memory.
    pub fn time_of(&self, offset: u64) -> Option<Time> {
        let place = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        self.records.get(place).map(|record| record.time)
    }

    /// Where to read from to see what was appended at `time` or later. Where payloads are forgotten, it is exact to
    /// a file.
    pub fn offset_at(&self, time: Time) -> u64 {
        let exact = self.first + self.records.partition_point(|record| record.time < time) as u64;
        let offset = if exact > self.first { exact } else { self.segments.offset_at(time, self.end()).min(exact) };
        offset.max(self.start)
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.bytes()
    }

    /// When the oldest record on disk was written.
    pub fn oldest(&self) -> Option<Time> {
        self.segments.oldest()
    }

    /// Bytes of its files, the oldest first.
    pub fn segment_bytes(&self) -> impl Iterator<Item = u64> {
        self.segments.sizes()
    }

    /// Records in memory.
    pub fn held(&self) -> usize {
        self.records.len()
    }

    /// When files are next looked at to be deleted: at whole multiples of the interval after the start of the run.
    pub fn next_check(&self, now: Time) -> Option<Time> {
        let interval = self.settings.retention_check.as_nanos();
        let deletes = self.settings.retention.is_some() || self.settings.retention_size.is_some();
        (deletes && interval > 0).then(|| Time::from_nanos((now.as_nanos() / interval + 1).saturating_mul(interval)))
    }

    /// The start that [`Log::clean`] would leave now. Before it is called, each group must hear of it
    /// ([`Group::expire`](super::Group::expire)).
    pub fn cleaned_start(&self, now: Time) -> u64 {
        self.segments.expired(now, self.readable_to(Reading::Committed), self.end(), &self.settings).1.max(self.start)
    }

    /// Deletes old files. Call it at [`Log::next_check`].
    pub fn clean(&mut self, now: Time) {
        let keep = self.readable_to(Reading::Committed);
        let (count, start) = self.segments.expired(now, keep, self.end(), &self.settings);
        self.segments.delete(count);
        self.start = self.start.max(start);
        self.drop_before(self.start);
    }

    /// Nobody will read what is before `offset` again, unless the payloads are [kept](LogSettings::keeps_payloads).
    #[inline]
    pub fn forget_below(&mut self, offset: u64) {
        self.drop_before(self.forgotten_below(offset));
    }

    /// What is before this leaves memory when all before `offset` is [forgotten](Log::forget_below).
    #[inline]
    pub fn forgotten_below(&self, offset: u64) -> u64 {
        // An open transaction may still be aborted, but who has read its records has read them.
        if self.settings.keeps_payloads { self.first } else { offset.min(self.high_watermark).max(self.first) }
    }

    fn drop_before(&mut self, offset: u64) {
        let before = self.records.len();
        let count = offset.saturating_sub(self.first).min(before as u64);
        self.records.drain(..count as usize);
        self.first += count;
        if let Some(marks) = &mut self.marks {
            marks.forget(self.first);
        }
        // A long queue that has drained gives its memory back, once it is long no more; one that is filled as far between
        // any two commits keeps it.
        if self.records.capacity() > 64 && before < self.records.capacity() / 8 {
            self.records.shrink_to(before * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    fn record(payload: u32) -> Record<u32> {
        Record { payload, bytes: 10 }
    }

    fn put(log: &mut Log<u32>, secs: u64, payload: u32) {
        assert_eq!(log.append(at(secs), None, None, 10, &[record(payload)]), Append::Stored(log.end() - 1));
        log.replicated(log.end());
    }

    fn read(log: &Log<u32>, from: u64) -> Vec<u32> {
        let mut found = Vec::new();
        log.fetch(from, Reading::Committed, 1000, |_, payload| found.push(payload));
        found
    }

    #[test]
    fn only_what_is_replicated_is_read_and_survives_the_leader() {
        let mut log = Log::new(LogSettings::default());
        put(&mut log, 0, 1);
        log.append(at(0), None, None, 20, &[record(2), record(3)]);
        assert_eq!((read(&log, 0), log.bytes()), (vec![1], 30));
        log.replicated(2);
        let mut lost = Vec::new();
        log.fail_over(|offset, payload, _| lost.push((offset, payload)));
        assert_eq!((lost, log.end(), log.bytes()), (vec![(2, 3)], 2, 20));
        put(&mut log, 1, 4);
        assert_eq!(read(&log, 0), [1, 2, 4]);
    }

    #[test]
    fn a_batch_that_comes_again_is_not_stored_again() {
        let mut log = Log::new(LogSettings::default());
        let stamp = |sequence| Stamp { producer: ProducerId(3), sequence };
        let send = |log: &mut Log<u32>, sequence| log.append(at(0), Some(stamp(sequence)), None, 10, &[record(0)]);
        assert_eq!(send(&mut log, 0), Append::Stored(0));
        assert_eq!(send(&mut log, 0), Append::Duplicate);
        assert_eq!(send(&mut log, 2), Append::OutOfOrder);
        log.skip_to(stamp(2));
        assert_eq!(send(&mut log, 2), Append::Stored(1), "the producer has given up the one before");
        assert_eq!(send(&mut log, 1), Append::Duplicate, "which is too late now");
        log.replicated(1);
        log.fail_over(|_, _, _| ());
        let again = stamp(2);
        assert_eq!(log.append(at(0), Some(again), None, 9, &[record(0)]), Append::Stored(1), "it was lost");
    }

    #[test]
    fn payloads_are_let_go_while_their_bytes_stay() {
        let mut log = Log::new(LogSettings::default());
        (0..1000).for_each(|n| put(&mut log, u64::from(n), n));
        log.forget_below(990);
        assert_eq!((log.held(), log.bytes(), log.start(), log.readable_from()), (10, 10_000, 0, 990));
        log.forget_below(990);
        assert!(log.records.capacity() < 100);
        assert_eq!(read(&log, 998), [998, 999]);
        assert_eq!((log.offset_at(at(995)), log.offset_at(at(10))), (995, 0));
        assert_eq!((log.time_of(995), log.time_of(3)), (Some(at(995)), None));
        let mut kept = Log::new(LogSettings { keeps_payloads: true, ..LogSettings::default() });
        (0..5).for_each(|n| put(&mut kept, 0, n));
        kept.forget_below(5);
        assert_eq!(read(&kept, 0).len(), 5);
    }

    #[test]
    fn old_files_go_whole_and_only_when_all_in_them_is_old() {
        let settings = LogSettings {
            retention: Some(Span::from_secs(100)),
            segment: Size::from_bytes(30),
            ..LogSettings::default()
        };
        let mut log = Log::new(settings);
        (0..7).for_each(|n| put(&mut log, u64::from(n) * 10, n));
        assert_eq!(log.segment_bytes().collect::<Vec<_>>(), [30, 30, 10]);
        assert_eq!(log.cleaned_start(at(120)), 0, "the third is not older than");
        log.clean(at(121));
        assert_eq!((log.start(), log.bytes(), log.held()), (3, 40, 4));
        log.clean(at(1000));
        assert_eq!((log.start(), log.bytes(), log.end(), log.held()), (7, 0, 7, 0));
        assert_eq!(log.next_check(at(301)), Some(at(600)));
    }
}
