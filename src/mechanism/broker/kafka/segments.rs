//! The files of a log on disk, as sums: which offsets each holds, how many bytes, and from when. Old ones are deleted
//! whole.
//!
//! Source: apache/kafka `UnifiedLog.deleteRetentionSizeBreachedSegments`, `deleteRetentionMsBreachedSegments`.

use std::collections::VecDeque;

use super::log::LogSettings;
use crate::base::time::Time;

/// One file.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Offset of its first record.
    base: u64,
    bytes: u64,
    /// When its first record was written.
    first: Time,
    /// When its last record was written.
    last: Time,
}

/// All files of one log.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(super) struct Segments {
    /// The one that is written to: beside what else a batch changes, since batches come to thousands of logs in turn.
    last: Option<Segment>,
    bytes: u64,
    /// The others, the oldest first; absent as long as there is only one.
    #[allow(clippy::box_collection, reason = "mostly absent, and then it takes a quarter of the room")]
    older: Option<Box<VecDeque<Segment>>>,
}

impl Segments {
    /// Writes a batch whose first record is at `base`.
    pub(super) fn append(&mut self, now: Time, base: u64, bytes: u64, settings: &LogSettings) {
        let limit = settings.segment.as_bytes();
        let full = |file: &Segment| file.bytes + bytes > limit || now.since(file.first) > settings.segment_age;
        self.bytes += bytes;
        match self.last.as_mut().filter(|file| !full(file)) {
            Some(file) => {
                file.bytes += bytes;
                file.last = now;
            }
            None => {
                if let Some(full) = self.last.replace(Segment { base, bytes, first: now, last: now }) {
                    self.older.get_or_insert_default().push_back(full);
                }
            }
        }
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of each file, the oldest first.
    pub(super) fn sizes(&self) -> impl Iterator<Item = u64> {
        self.files().map(|file| file.bytes)
    }

    /// When the oldest record was written.
    pub(super) fn oldest(&self) -> Option<Time> {
        self.files().next().map(|file| file.first)
    }

    fn files(&self) -> impl Iterator<Item = &Segment> {
        self.older.iter().flat_map(|older| older.iter()).chain(&self.last)
    }

    /// The first offset of the oldest file whose last record was written at `time` or later; `end` when there is none.
    pub(super) fn offset_at(&self, time: Time, end: u64) -> u64 {
        let older = self.older.as_ref().and_then(|older| older.get(older.partition_point(|file| file.last < time)));
        let last = self.last.as_ref().filter(|file| file.last >= time);
        older.or(last).map_or(end, |file| file.base)
    }

    /// How many of the oldest files can go, and the first offset that stays. `end` is the end of the log, and nothing from
    /// `keep` on is touched.
    pub(super) fn expired(&self, now: Time, keep: u64, end: u64, settings: &LogSettings) -> (usize, u64) {
        let ends = self.files().skip(1).map(|file| file.base).chain([end]);
        let mut surplus = settings.retention_size.map(|limit| self.bytes.saturating_sub(limit.as_bytes()));
        let (mut count, mut start) = (0, self.files().next().map_or(end, |file| file.base));
        let mut old = true;
        for (file, file_end) in self.files().zip(ends) {
            old &= settings.retention.is_some_and(|limit| now.since(file.last) > limit);
            let too_much = surplus.is_some_and(|surplus| surplus >= file.bytes && surplus > 0);
            if file_end > keep || !(old || too_much) {
                break;
            }
            surplus = surplus.map(|surplus| surplus.saturating_sub(file.bytes));
            (count, start) = (count + 1, file_end);
        }
        (count, start)
    }

    /// Deletes the oldest `count` files.
    pub(super) fn delete(&mut self, count: usize) {
        let mut closed = 0;
        if let Some(older) = &mut self.older {
            closed = count.min(older.len());
            older.drain(..closed).for_each(|file| self.bytes -= file.bytes);
        }
        if count > closed {
            self.bytes -= self.last.take().map_or(0, |file| file.bytes);
        }
    }

    /// Cuts everything from offset `end` on; the log went up to `log_end`. The bytes of a file that is cut are
    /// taken to be spread evenly over its records.
    pub(super) fn truncate(&mut self, end: u64, mut log_end: u64) {
        while let Some(file) = self.last.as_mut().filter(|_| end < log_end) {
            let records = log_end - file.base;
            let gone = records.min(log_end - end);
            let bytes = u64::try_from(u128::from(file.bytes) * u128::from(gone) / u128::from(records.max(1)))
                .expect("a part is not more than the whole");
            self.bytes -= bytes;
            file.bytes -= bytes;
            log_end -= gone;
            if gone == records {
                self.last = self.older.as_mut().and_then(|older| older.pop_back());
            }
        }
    }
}
