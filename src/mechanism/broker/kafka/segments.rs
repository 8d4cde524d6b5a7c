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

/// All files of one log, the oldest first. The last one is written to.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments {
    files: VecDeque<Segment>,
    bytes: u64,
}

impl Segments {
    /// Writes a batch whose first record is at `base`.
    pub(super) fn append(&mut self, now: Time, base: u64, bytes: u64, settings: &LogSettings) {
        let limit = settings.segment.as_bytes();
        let full = |file: &Segment| file.bytes + bytes > limit || now.since(file.first) > settings.segment_age;
        self.bytes += bytes;
        match self.files.back_mut().filter(|file| !full(file)) {
            Some(file) => {
                file.bytes += bytes;
                file.last = now;
            }
            None => self.files.push_back(Segment { base, bytes, first: now, last: now }),
        }
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of each file, the oldest first.
    pub(super) fn sizes(&self) -> impl Iterator<Item = u64> {
        self.files.iter().map(|file| file.bytes)
    }

    /// The first offset of the oldest file whose last record was written at `time` or later; `end` when there is none.
    pub(super) fn offset_at(&self, time: Time, end: u64) -> u64 {
        let later = self.files.partition_point(|file| file.last < time);
        self.files.get(later).map_or(end, |file| file.base)
    }

    /// How many of the oldest files can go, and the first offset that stays. `end` is the end of the log, and nothing from
    /// `keep` on is touched.
    pub(super) fn expired(&self, now: Time, keep: u64, end: u64, settings: &LogSettings) -> (usize, u64) {
        let ends = self.files.iter().skip(1).map(|file| file.base).chain([end]);
        let mut surplus = settings.retention_size.map(|limit| self.bytes.saturating_sub(limit.as_bytes()));
        let (mut count, mut start) = (0, self.files.front().map_or(end, |file| file.base));
        let mut old = true;
        for (file, file_end) in self.files.iter().zip(ends) {
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
        for file in self.files.drain(..count) {
            self.bytes -= file.bytes;
        }
    }

    /// Cuts everything from offset `end` on; the log went up to `log_end`. The bytes of a file that is cut are
    /// taken to be spread evenly over its records.
    pub(super) fn truncate(&mut self, end: u64, mut log_end: u64) {
        while let Some(file) = self.files.back_mut().filter(|_| end < log_end) {
            let records = log_end - file.base;
            let gone = records.min(log_end - end);
            let bytes = u64::try_from(u128::from(file.bytes) * u128::from(gone) / u128::from(records.max(1)))
                .expect("a part is not more than the whole");
            self.bytes -= bytes;
            file.bytes -= bytes;
            log_end -= gone;
            if gone == records {
                self.files.pop_back();
            }
        }
    }
}
