//! Which records of a log belong to transactions, and how those ended. Most logs have none of it.

use std::collections::VecDeque;
use std::ops::Range;

use super::transaction::TransactionId;

#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: u64,
    transaction: TransactionId,
    is_aborted: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Transactions that have records here and have not ended, with the offset of their first; the oldest first.
    open: Vec<(u64, TransactionId)>,
    /// Of the records in memory that belong to transactions, by offset.
    marks: VecDeque<Mark>,
    /// How many of them were aborted.
    aborted: u64,
}

impl Marks {
    /// Records of an open transaction are stored.
    pub(super) fn append(&mut self, offsets: Range<u64>, transaction: TransactionId) {
        if !self.open.iter().any(|(_, id)| *id == transaction) {
            self.open.push((offsets.start, transaction));
        }
        self.marks.extend(offsets.map(|offset| Mark { offset, transaction, is_aborted: false }));
    }

    /// A transaction has ended.
    pub(super) fn end(&mut self, transaction: TransactionId, succeeded: bool) {
        let Some(place) = self.open.iter().position(|(_, id)| *id == transaction) else { return };
        let (first, _) = self.open.remove(place);
        if succeeded {
            return;
        }
        let from = self.place(first);
        for mark in self.marks.range_mut(from..).filter(|mark| mark.transaction == transaction) {
            self.aborted += u64::from(!mark.is_aborted);
            mark.is_aborted = true;
        }
    }

    /// How many records belong to a transaction.
    pub(super) fn of(&self, transaction: TransactionId) -> u64 {
        self.marks.iter().filter(|mark| mark.transaction == transaction).count() as u64
    }

    /// Whether the record at an offset belongs to a transaction that did not succeed.
    pub(super) fn is_aborted(&self, offset: u64) -> bool {
        self.aborted > 0
            && self.marks.get(self.place(offset)).is_some_and(|mark| mark.offset == offset && mark.is_aborted)
    }

    /// How many records do, from the first of two offsets to before the second.
    pub(super) fn aborted(&self, offsets: Range<u64>) -> u64 {
        if self.aborted == 0 {
            return 0;
        }
        let marks = self.marks.range(self.place(offsets.start)..self.place(offsets.end));
        marks.filter(|mark| mark.is_aborted).count() as u64
    }

    /// Where the first transaction begins that has not ended; behind everything if there is none.
    pub(super) fn first_open(&self) -> u64 {
        self.open.first().map_or(u64::MAX, |(first, _)| *first)
    }

    /// What is before an offset is not in memory any more.
    pub(super) fn forget(&mut self, before: u64) {
        while let Some(mark) = self.marks.front().filter(|mark| mark.offset < before) {
            self.aborted -= u64::from(mark.is_aborted);
            self.marks.pop_front();
        }
    }

    /// What is from an offset on is lost.
    pub(super) fn cut(&mut self, from: u64) {
        while let Some(mark) = self.marks.back().filter(|mark| mark.offset >= from) {
            self.aborted -= u64::from(mark.is_aborted);
            self.marks.pop_back();
        }
        self.open.retain(|(first, _)| *first < from);
    }

    fn place(&self, offset: u64) -> usize {
        self.marks.partition_point(|mark| mark.offset < offset)
    }
}
