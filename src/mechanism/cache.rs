//! A cache: it holds as many keys as it can and forgets the one that was used longest ago (LRU), or whose time is
//! over. It says who must fetch, who is answered and who waits; what is fetched is not its business.

use std::collections::BTreeMap;

use crate::base::time::{Span, Time};

/// The knobs of a [`Cache`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CacheSettings {
    /// Keys that it holds; `u32::MAX` is unlimited.
    pub capacity: u32,
    /// How long it keeps one; [`Span::MAX`] is for ever.
    pub ttl: Span,
    /// Whether a hit starts the time anew.
    pub is_sliding: bool,
    /// For how long after that it is still answered, while one fetches it in the background (RFC 5861).
    pub stale: Span,
    /// β of XFetch: A. Vattani, F. Chierichetti and K. Lowenstein, Optimal probabilistic cache stampede prevention,
    /// VLDB 8 (2015): whoever finds a key fetches it if `now − δ·β·ln u ≥ expiry`, where δ is how long the last fetch
    /// took. Zero is never.
    pub early: f64,
    /// Whether those who miss a key that is being fetched wait for it (as in Go's `singleflight`).
    pub coalesce: bool,
}

/// What somebody finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It is there.
    Hit,
    /// It is there, and old: somebody must fetch it in the background.
    Stale,
    /// It is there, but this one fetches it, so that not all will have to.
    Early,
    /// It is not there: he must fetch it.
    Miss,
    /// It is not there, and another one fetches it already: he waits.
    Wait,
}

/// One cache. `T` is the ticket of one who waits.
#[derive(Clone, Debug)]
pub struct Cache<T> {
    settings: CacheSettings,
    entries: Vec<Entry>,
    /// Places in `entries`, by key.
    places: BTreeMap<u32, u32>,
    /// The entry that was used last.
    newest: u32,
    /// The one that was used longest ago.
    oldest: u32,
    free: u32,
    /// Fetches under way that others wait for or that nobody should start twice, by key, with those who wait.
    fetches: BTreeMap<u32, Vec<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    /// The entry that was used next after it.
    newer: u32,
    /// The entry that was used next before it; the next free place.
    older: u32,
    expires: Time,
    /// How long its fetch took.
    cost: Span,
}

/// No entry.
const NONE: u32 = u32::MAX;

/// What a lookup did to what is held.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lost {
    /// A key was found to be too old, and dropped.
    pub expired: bool,
    /// A key had to make room for another.
    pub evicted: bool,
}

impl<T: Copy> Cache<T> {
    /// It holds nothing.
    pub fn new(settings: CacheSettings) -> Cache<T> {
        Cache {
            settings,
            entries: Vec::new(),
            places: BTreeMap::new(),
            newest: NONE,
            oldest: NONE,
            free: NONE,
            fetches: BTreeMap::new(),
        }
    }

    /// Somebody looks `key` up; `u` in (0, 1) decides about an early fetch. One who must fetch ends it with
    /// [`Cache::fill`] and [`Cache::end_fetch`].
    pub fn get(&mut self, now: Time, key: u32, u: f64, ticket: T) -> (Found, Lost) {
        let mut lost = Lost::default();
        let settings = self.settings;
        if let Some(&place) = self.places.get(&key) {
            let entry = self.entries[place as usize];
            if now < entry.expires {
                if settings.is_sliding {
                    self.entries[place as usize].expires = now + settings.ttl;
                }
                self.use_again(place);
                let is_early = settings.early > 0.0 && is_early(now, entry.expires, entry.cost, settings.early, u);
                let found = if is_early && self.begin_fetch(key) { Found::Early } else { Found::Hit };
                return (found, lost);
            }
            if now < entry.expires + settings.stale {
                self.use_again(place);
                return (if self.begin_fetch(key) { Found::Stale } else { Found::Hit }, lost);
            }
            self.remove(key);
            lost.expired = true;
        }
        if !settings.coalesce || self.begin_fetch(key) {
            return (Found::Miss, lost);
        }
        self.fetches.entry(key).or_default().push(ticket);
        (Found::Wait, lost)
    }

    /// Whether `key` is held and not too old. Nobody fetches it.
    pub fn has(&mut self, now: Time, key: u32) -> bool {
        let Some(&place) = self.places.get(&key) else { return false };
        let is_fresh = now < self.entries[place as usize].expires;
        if is_fresh {
            self.use_again(place);
        }
        is_fresh
    }

    /// `key` is held from now on; its fetch has taken `cost`.
    pub fn fill(&mut self, now: Time, key: u32, cost: Span) -> Lost {
        let expires = if self.settings.ttl == Span::MAX { Time::MAX } else { now + self.settings.ttl };
        self.put(key, expires, cost)
    }

    /// `key` is held until `expires`.
    pub fn put(&mut self, key: u32, expires: Time, cost: Span) -> Lost {
        let mut lost = Lost::default();
        if let Some(&place) = self.places.get(&key) {
            let entry = &mut self.entries[place as usize];
            (entry.expires, entry.cost) = (expires, cost);
            self.use_again(place);
            return lost;
        }
        if self.places.len() >= self.settings.capacity as usize {
            let key = self.entries[self.oldest as usize].key;
            self.remove(key);
            lost.evicted = true;
        }
        let entry = Entry { key, newer: NONE, older: NONE, expires, cost };
        let place = if self.free == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let place = self.free;
            self.free = self.entries[place as usize].older;
            self.entries[place as usize] = entry;
            place
        };
        self.places.insert(key, place);
        self.link(place);
        lost
    }

    /// A fetch of `key` has ended, well or not: those who wait for it, who share what became of it.
    pub fn end_fetch(&mut self, key: u32) -> Vec<T> {
        self.fetches.remove(&key).unwrap_or_default()
    }

    /// Forgets all keys. Fetches go on.
    pub fn flush(&mut self) {
        self.entries.clear();
        self.places.clear();
        (self.newest, self.oldest, self.free) = (NONE, NONE, NONE);
    }

    /// How many keys it holds, those too old included that nobody has looked up since.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Notes a fetch; `false` when there is one already.
    fn begin_fetch(&mut self, key: u32) -> bool {
        let is_new = !self.fetches.contains_key(&key);
        if is_new {
            self.fetches.insert(key, Vec::new());
        }
        is_new
    }

    fn remove(&mut self, key: u32) {
        let Some(place) = self.places.remove(&key) else { return };
        self.unlink(place);
        self.entries[place as usize].older = self.free;
        self.free = place;
    }

    fn use_again(&mut self, place: u32) {
        if self.newest != place {
            self.unlink(place);
            self.link(place);
        }
    }

    fn link(&mut self, place: u32) {
        let before = self.newest;
        let entry = &mut self.entries[place as usize];
        (entry.newer, entry.older) = (NONE, before);
        match before {
            NONE => self.oldest = place,
            before => self.entries[before as usize].newer = place,
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: u32) {
        let Entry { newer, older, .. } = self.entries[place as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }
}

/// XFetch's rule; see [`CacheSettings::early`].
pub fn is_early(now: Time, expires: Time, cost: Span, beta: f64, u: f64) -> bool {
    -libm::log(u) * beta * cost.as_nanos() as f64 >= expires.since(now).as_nanos() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CacheSettings {
        CacheSettings {
            capacity: 2,
            ttl: Span::from_secs(10),
            is_sliding: false,
            stale: Span::ZERO,
            early: 0.0,
            coalesce: false,
        }
    }

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    fn found(cache: &mut Cache<u32>, secs: u64, key: u32) -> Found {
        cache.get(at(secs), key, 0.5, 0).0
    }

    #[test]
    fn who_was_used_longest_ago_makes_room() {
        let mut cache = Cache::new(settings());
        assert!(!cache.fill(at(0), 1, Span::ZERO).evicted);
        assert!(!cache.fill(at(0), 2, Span::ZERO).evicted);
        assert_eq!(found(&mut cache, 1, 1), Found::Hit);
        assert!(cache.fill(at(1), 3, Span::ZERO).evicted);
        assert_eq!([1, 2, 3].map(|key| found(&mut cache, 2, key)), [Found::Hit, Found::Miss, Found::Hit]);
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn a_key_is_kept_for_its_time_from_the_fill_or_from_the_last_use() {
        let mut fixed = Cache::new(settings());
        let mut sliding = Cache::new(CacheSettings { is_sliding: true, ..settings() });
        for cache in [&mut fixed, &mut sliding] {
            cache.fill(at(0), 1, Span::ZERO);
            assert_eq!(found(cache, 9, 1), Found::Hit);
        }
        assert_eq!(fixed.get(at(10), 1, 0.5, 0), (Found::Miss, Lost { expired: true, evicted: false }));
        assert!(fixed.is_empty());
        assert_eq!(found(&mut sliding, 18, 1), Found::Hit);
        assert_eq!(found(&mut sliding, 28, 1), Found::Miss);
    }

    #[test]
    fn those_who_miss_a_key_that_is_being_fetched_wait_for_it() {
        let mut cache = Cache::new(CacheSettings { coalesce: true, ..settings() });
        assert_eq!(cache.get(at(0), 1, 0.5, 7).0, Found::Miss);
        assert_eq!(cache.get(at(0), 1, 0.5, 8).0, Found::Wait);
        assert_eq!(cache.get(at(1), 1, 0.5, 9).0, Found::Wait);
        assert_eq!(cache.get(at(1), 2, 0.5, 10).0, Found::Miss, "another key");
        assert_eq!(cache.end_fetch(1), [8, 9]);
        assert_eq!(cache.get(at(2), 1, 0.5, 11).0, Found::Miss, "nothing was filled");
    }

    #[test]
    fn a_stale_key_is_answered_while_one_fetches_it() {
        let mut cache = Cache::new(CacheSettings { stale: Span::from_secs(3), ..settings() });
        cache.fill(at(0), 1, Span::ZERO);
        assert_eq!([9, 10, 12].map(|secs| found(&mut cache, secs, 1)), [Found::Hit, Found::Stale, Found::Hit]);
        cache.end_fetch(1);
        assert_eq!(found(&mut cache, 13, 1), Found::Miss, "too old, and nobody fetched it");
    }

    #[test]
    fn a_flush_forgets_all() {
        let mut cache = Cache::new(settings());
        cache.fill(at(0), 1, Span::ZERO);
        cache.flush();
        assert_eq!(found(&mut cache, 1, 1), Found::Miss);
        cache.fill(at(1), 1, Span::ZERO);
        assert_eq!(found(&mut cache, 2, 1), Found::Hit);
    }
}
