//! Transactions of producers: which partitions each has written to, and which are open for too long. What a reader sees of
//! them is the [log](super::Log)'s business.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use crate::base::time::{Span, Time};

/// Names a transaction; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(NonZeroU32);

/// How transactions go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionSettings {
    /// The broker aborts one that is open for longer (`transaction.timeout.ms`, 60 s).
    pub timeout: Span,
}

impl Default for TransactionSettings {
    fn default() -> TransactionSettings {
        TransactionSettings { timeout: Span::from_secs(60) }
    }
}

#[derive(Clone, Debug)]
struct Open<P> {
    id: TransactionId,
    due: Time,
    partitions: Vec<P>,
}

/// The coordinator of all transactions. `P` names a partition of any topic.
#[derive(Clone, Debug)]
pub struct Transactions<P> {
    settings: TransactionSettings,
    /// The oldest first.
    open: VecDeque<Open<P>>,
    begun: u32,
    /// Lists that are used again.
    spare: Vec<Vec<P>>,
}

impl<P: Copy + PartialEq> Transactions<P> {
    /// None is open.
    pub fn new(settings: TransactionSettings) -> Transactions<P> {
        Transactions { settings, open: VecDeque::new(), begun: 0, spare: Vec::new() }
    }

    /// A producer begins one.
    pub fn begin(&mut self, now: Time) -> TransactionId {
        self.begun += 1;
        let id = TransactionId(NonZeroU32::new(self.begun).expect("fewer than 2^32 transactions begin"));
        let partitions = self.spare.pop().unwrap_or_default();
        self.open.push_back(Open { id, due: now + self.settings.timeout, partitions });
        id
    }

    /// It is about to write to a partition. `false` when it is not open any more: then it must not.
    pub fn touch(&mut self, id: TransactionId, partition: P) -> bool {
        let Ok(place) = self.place(id) else { return false };
        let partitions = &mut self.open[place].partitions;
        if !partitions.contains(&partition) {
            partitions.push(partition);
        }
        true
    }

    /// Whether it has neither ended nor been aborted.
    pub fn is_open(&self, id: TransactionId) -> bool {
        self.place(id).is_ok()
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The producer ends it, one way or the other: hands out its partitions, to each of which
    /// [`Log::end_transaction`](super::Log::end_transaction) is told. `false` when the broker has aborted it.
    pub fn end(&mut self, id: TransactionId, mut partition: impl FnMut(P)) -> bool {
        let Ok(place) = self.place(id) else { return false };
        let Some(mut ended) = self.open.remove(place) else { return false };
        ended.partitions.drain(..).for_each(&mut partition);
        self.spare.push(ended.partitions);
        true
    }

    /// When the oldest has been open for too long.
    pub fn wake_at(&self) -> Option<Time> {
        self.open.front().map(|open| open.due)
    }

    /// The oldest that has been open for too long, and its partitions one by one, as in [`Transactions::end`]; its
    /// records are aborted. Ask again until there is none.
    pub fn expire(&mut self, now: Time, partition: impl FnMut(P)) -> Option<TransactionId> {
        let id = self.open.front().filter(|open| open.due <= now)?.id;
        self.end(id, partition);
        Some(id)
    }

    fn place(&self, id: TransactionId) -> Result<usize, usize> {
        self.open.binary_search_by_key(&id, |open| open.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_open_for_too_long_is_aborted() {
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        let mut it = Transactions::new(TransactionSettings::default());
        let (first, second, third) = (it.begin(at(0)), it.begin(at(10)), it.begin(at(20)));
        assert!(it.touch(first, 'a') && it.touch(second, 'b') && it.touch(second, 'c') && it.touch(second, 'b'));
        let mut told = Vec::new();
        assert!(it.end(second, |partition| told.push(partition)));
        assert_eq!((it.wake_at(), it.expire(at(59), |_| {})), (Some(at(60)), None));
        assert_eq!(it.expire(at(60), |partition| told.push(partition)), Some(first));
        assert_eq!(told, ['b', 'c', 'a']);
        assert!(!it.touch(first, 'a') && !it.end(first, |_| {}) && it.is_open(third));
        assert_eq!((it.open(), it.wake_at()), (1, Some(at(80))));
    }
}
