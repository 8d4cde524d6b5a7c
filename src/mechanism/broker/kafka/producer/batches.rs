//! All batches of one producer that are not settled, in the order in which they were begun.

use super::super::Partition;
use super::Record;
use crate::base::time::Time;

const NOBODY: u32 = u32::MAX;

/// Names a batch, even when its place is used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) place: u32,
    pub(super) number: u32,
}

/// One batch. Thousands wait, and each is looked at three times in its life, with much in between: so it lies in one line
/// of the cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Entry<M> {
    number: u32,
    before: u32,
    after: u32,
    pub(super) partition: Partition,
    pub(super) begun: Time,
    /// Bytes on the way.
    pub(super) bytes: u32,
    pub(super) records: Vec<Record<M>>,
    /// It takes no more records.
    pub(super) is_closed: bool,
    /// It has waited long enough for more.
    pub(super) has_lingered: bool,
    pub(super) is_in_flight: bool,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// Its number; [`NOBODY`] without.
    sequence: u32,
}

impl<M> Entry<M> {
    /// Its number among those of its partition, if it has one.
    #[inline]
    pub(super) fn sequence(&self) -> Option<u32> {
        (self.sequence != NOBODY).then_some(self.sequence)
    }

    /// It goes on its way.
    #[inline]
    pub(super) fn depart(&mut self) {
        (self.is_closed, self.is_in_flight) = (true, true);
        self.attempts = self.attempts.saturating_add(1);
    }

    #[inline]
    pub(super) fn set_sequence(&mut self, sequence: u32) {
        self.sequence = sequence;
    }
}

const _: () = assert!(size_of::<Entry<u64>>() == 64);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Batches<M> {
    entries: Vec<Entry<M>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
}

impl<M> Batches<M> {
    pub(super) fn new() -> Batches<M> {
        Batches { entries: Vec::new(), free: Vec::new(), oldest: NOBODY, newest: NOBODY }
    }

    /// Begins one.
    pub(super) fn begin(&mut self, now: Time, partition: Partition) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            let place = u32::try_from(self.entries.len()).expect("fewer than 2^32 batches wait");
            self.entries.push(Entry {
                number: 0,
                before: NOBODY,
                after: NOBODY,
                partition,
                begun: now,
                bytes: 0,
                records: Vec::new(),
                is_closed: false,
                has_lingered: false,
                is_in_flight: false,
                attempts: 0,
                sequence: NOBODY,
            });
            place
        });
        let newest = self.newest;
        let entry = &mut self.entries[place as usize];
        debug_assert!(entry.records.is_empty(), "a free place is empty");
        (entry.before, entry.after) = (newest, NOBODY);
        (entry.partition, entry.begun, entry.bytes) = (partition, now, 0);
        (entry.is_closed, entry.has_lingered, entry.is_in_flight) = (false, false, false);
        (entry.attempts, entry.sequence) = (0, NOBODY);
        let number = entry.number;
        match newest {
            NOBODY => self.oldest = place,
            newest => self.entries[newest as usize].after = place,
        }
        self.newest = place;
        Key { place, number }
    }

    /// One is settled: takes it out, with its records handed out in order.
    pub(super) fn settle(&mut self, place: u32, mut each: impl FnMut(Record<M>)) {
        let entry = &mut self.entries[place as usize];
        entry.number = entry.number.wrapping_add(1);
        entry.records.drain(..).for_each(&mut each);
        let (before, after) = (entry.before, entry.after);
        match before {
            NOBODY => self.oldest = after,
            before => self.entries[before as usize].after = after,
        }
        match after {
            NOBODY => self.newest = before,
            after => self.entries[after as usize].before = before,
        }
        self.free.push(place);
    }

    /// The place of a batch that is not settled.
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        (self.entries[key.place as usize].number == key.number).then_some(key.place)
    }

    pub(super) fn key(&self, place: u32) -> Key {
        Key { place, number: self.entries[place as usize].number }
    }

    pub(super) fn get(&self, place: u32) -> &Entry<M> {
        &self.entries[place as usize]
    }

    pub(super) fn get_mut(&mut self, place: u32) -> &mut Entry<M> {
        &mut self.entries[place as usize]
    }

    /// The one that was begun first.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NOBODY).then_some(self.oldest)
    }

    /// How many are not settled.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
