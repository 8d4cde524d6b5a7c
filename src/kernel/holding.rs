//! Steps that hold something: permits of pools, and fetches for caches. What a frame takes it gives back when the
//! step is over, or when the frame ends in whatever way.

use crate::base::random::{Key, salt};
use crate::base::time::Span;
use crate::mechanism::cache::{Found, Lost};
use crate::mechanism::pool::Admission;
use crate::model::{CacheFill, Scope};
use crate::policy::Outcome;

use super::agenda::{Agenda, Event, Ticket};
use super::engine::Engine;
use super::frame::{Frame, State, flag};
use super::observer::{Deed, NotAcquired, Observer, Spent};
use super::program::Op;
use super::resources::{CacheState, Debt};

const SALT_KEY: u64 = salt("cache/key");
const SALT_CHANCE: u64 = salt("cache/chance");
const SALT_BACKGROUND: u64 = salt("cache/background");

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    pub(super) fn owe(&mut self, id: u32, debt: Debt) {
        self.frames[id].flags |= flag::OWES;
        self.resources.debts.push(id, debt);
    }

    /// The start of a `hold` step: `true` when the frame goes on at once.
    #[inline(never)]
    pub(super) fn acquire(&mut self, id: u32, pool: u32) -> bool {
        let now = self.now();
        let ticket = self.frames.renew(id);
        let frame = &mut self.frames[id];
        let state = &mut self.resources.pools[pool as usize];
        let instance = state.instance(frame.replica, frame.request_key);
        if state.is_optimistic {
            let version = *state.version(instance);
            self.observer.acquired(pool, now, Span::ZERO);
            self.owe(id, Debt::Version { pool, instance, version });
            return true;
        }
        match state.at(instance).arrive(now, ticket, 0) {
            Admission::Started => {
                self.observer.acquired(pool, now, Span::ZERO);
                self.observer.permits(pool, now, 1);
                self.owe(id, Debt::Permit { pool, instance });
                true
            }
            Admission::Queued => {
                frame.state = State::Acquiring;
                if frame.is_watched() {
                    self.observer.spends(id, now, Spent::Permits);
                }
                frame.mark = now;
                self.observer.permits_wanted(pool, now, 1);
                if let Some(timer) = state.timeout {
                    let frames = &self.frames;
                    self.agenda.arm(timer, ticket, |ticket| frames.live(ticket));
                }
                self.hand_back_thread(id);
                false
            }
            Admission::Rejected => {
                self.observer.not_acquired(pool, now, NotAcquired::Rejected);
                self.fail(id);
                false
            }
        }
    }

    /// One has waited too long for a permit.
    pub(super) fn acquire_timed_out(&mut self, id: u32) {
        let pool = self.stop_acquiring(id);
        self.observer.not_acquired(pool, self.agenda.now(), NotAcquired::TimedOut);
        self.frames[id].state = State::Running;
        self.fail(id);
    }

    /// A frame waits for a permit no longer; returns the pool.
    pub(super) fn stop_acquiring(&mut self, id: u32) -> u32 {
        let now = self.now();
        self.frames.renew(id);
        let frame = &self.frames[id];
        let Op::Acquire(pool) = self.world.program.ops[frame.pc as usize - 1] else {
            unreachable!("a frame that waits for a permit stands just behind the step")
        };
        let state = &mut self.resources.pools[pool as usize];
        let instance = state.instance(frame.replica, frame.request_key);
        let frames = &self.frames;
        state.at(instance).withdraw(true, |ticket| frames.live(ticket));
        self.observer.permits_wanted(pool, now, -1);
        pool
    }

    /// The end of a `hold` step: `true` when the frame goes on.
    #[inline(never)]
    pub(super) fn release(&mut self, id: u32) -> bool {
        let Some(debt) = self.pay(id) else { return true };
        if self.settle_debt(debt, true) {
            return true;
        }
        self.fail(id);
        false
    }

    fn pay(&mut self, id: u32) -> Option<Debt> {
        let (debt, was_last) = self.resources.debts.pop(id)?;
        if was_last {
            self.frames[id].flags &= !flag::OWES;
        }
        Some(debt)
    }

    /// Gives back all that a frame owes when it ends with `outcome`: what it holds its steps have not come to give back.
    #[cold]
    pub(super) fn settle(&mut self, id: u32, outcome: Outcome) {
        while let Some(debt) = self.pay(id) {
            match debt {
                Debt::Admission { in_flight } => self.ended_for_limit(id, in_flight, outcome),
                debt => {
                    self.settle_debt(debt, false);
                }
            }
        }
    }

    /// Pays a debt; `well` when the steps have succeeded for which it was made. `false` when they were in vain.
    fn settle_debt(&mut self, debt: Debt, well: bool) -> bool {
        let now = self.now();
        match debt {
            Debt::Permit { pool, instance } => {
                self.give_permit(pool, instance);
            }
            Debt::Version { pool, instance, version } if well => {
                let current = self.resources.pools[pool as usize].version(instance);
                if *current != version {
                    self.observer.not_acquired(pool, now, NotAcquired::Conflict);
                    return false;
                }
                *current += 1;
            }
            Debt::Version { .. } | Debt::Admission { .. } => {}
            Debt::Fetch { cache, instance, key, noted, .. } => {
                if noted {
                    self.end_fetch(cache, instance, key, false);
                }
            }
        }
        true
    }

    /// Gives a permit back, to whoever waits for it; `false` when nobody does.
    pub(super) fn give_permit(&mut self, pool: u32, instance: u32) -> bool {
        let now = self.now();
        let frames = &self.frames;
        let state = &mut self.resources.pools[pool as usize];
        let next = state.at(instance).release(now, |ticket| frames.live(ticket), |_| 0);
        let Some((next, _)) = next else {
            state.tidy(instance);
            self.observer.permits(pool, now, -1);
            return false;
        };
        self.observer.permits_wanted(pool, now, -1);
        self.observer.acquired(pool, now, now.since(self.frames[next.frame].mark));
        self.owe(next.frame, Debt::Permit { pool, instance });
        self.wake(next.frame, State::Sleeping);
        true
    }

    /// A frame that waits goes on in a moment, or learns then that it has failed.
    pub(super) fn wake(&mut self, id: u32, state: State) {
        let ticket = self.frames.renew(id);
        self.frames[id].state = state;
        self.soon.push_back(Event::Proceed(ticket));
    }

    /// The start of a `cache` step: `true` when the frame goes on at once, with or without what it wants.
    #[inline(never)]
    pub(super) fn look_up(&mut self, id: u32, lookup: u32) -> bool {
        let now = self.now();
        let ticket = self.frames.renew(id);
        let frame = &mut self.frames[id];
        let entry = &self.world.program.lookups[lookup as usize];
        let place = frame.key.child(entry.salt ^ u64::from(frame.iteration));
        let cache = entry.cache;
        let (after, miss) = (entry.after, entry.miss);
        let chance = place.child(SALT_CHANCE).uniform();
        let (instances, scope, coalesce) = match &mut self.resources.caches[cache as usize] {
            CacheState::Ratio(share) => {
                let found = if chance < *share { Found::Hit } else { Found::Miss };
                if found == Found::Hit {
                    frame.pc = after;
                }
                self.observer.looked_up(cache, now, found, Lost::default());
                return true;
            }
            CacheState::Lru { instances, scope, coalesce, .. } => (instances, *scope, *coalesce),
        };
        let key = match &entry.key {
            Some(keys) => keys.sample(place.child(SALT_KEY).draws()),
            None => frame.request_key,
        };
        let instance = if scope == Scope::Replica { frame.replica } else { 0 };
        let (found, lost) = instances[instance as usize].get(now, key, chance, ticket);
        self.observer.looked_up(cache, now, found, lost);
        let fetch = |noted| Debt::Fetch { cache, instance, key, since: now, noted };
        match found {
            Found::Hit => frame.pc = after,
            Found::Stale => {
                frame.pc = after;
                self.fetch_in_background(id, miss, place.child(SALT_BACKGROUND), fetch(true));
            }
            Found::Early => self.owe(id, fetch(true)),
            Found::Miss => self.owe(id, fetch(coalesce)),
            Found::Wait => {
                frame.state = State::Coalescing;
                self.tell_spends(id, Spent::Fetches);
                self.hand_back_thread(id);
                return false;
            }
        }
        true
    }

    /// Fetches what `id` has found to be old, without making it wait.
    fn fetch_in_background(&mut self, id: u32, miss: u32, key: Key, debt: Debt) {
        let frame = self.frames[id];
        // Of nobody: this token is never one again.
        let nobody = Ticket { frame: id, token: frame.token.wrapping_sub(1) };
        let Ticket { frame: fetch, .. } = self.frames.insert(Frame {
            arrived: self.agenda.now(),
            pc: miss,
            iteration: frame.iteration,
            edge: frame.edge,
            replica: frame.replica,
            service: frame.service,
            request_key: frame.request_key,
            rank: frame.rank,
            flags: flag::BRANCH | flag::REPLIED | flag::BACKGROUND,
            ..Frame::new(key, nobody)
        });
        self.frames.inherit_origin(fetch, id, u64::from(miss));
        self.tell_deed(fetch, Deed::Fetches { parent: id });
        self.owe(fetch, debt);
        self.go_on_soon(fetch);
    }

    /// The end of a `cache` step of one who has fetched: `true` when the frame goes on.
    #[inline(never)]
    pub(super) fn fill(&mut self, id: u32, lookup: u32) -> bool {
        let now = self.now();
        let cache = self.world.program.lookups[lookup as usize].cache;
        if let CacheState::Ratio(_) = self.resources.caches[cache as usize] {
            self.observer.fetched(cache, now, true, Lost::default());
            return true;
        }
        let Some(Debt::Fetch { cache, instance, key, since, noted }) = self.pay(id) else {
            unreachable!("whoever has fetched owes it to a cache")
        };
        let in_time = !self.frames[id].has(flag::ABANDONED);
        if let CacheState::Lru { instances, fill, .. } = &mut self.resources.caches[cache as usize] {
            let kept = in_time || *fill == CacheFill::Late;
            let lost =
                if kept { instances[instance as usize].fill(now, key, now.since(since)) } else { Lost::default() };
            self.observer.fetched(cache, now, kept, lost);
        }
        if noted {
            self.end_fetch(cache, instance, key, true);
        }
        if self.frames[id].has(flag::BACKGROUND) && !self.frames[id].has(flag::OWES) {
            self.end(id, Outcome::Ok);
            return false;
        }
        true
    }

    /// A fetch is over: those who wait for it go on behind their own steps, or fail with it.
    fn end_fetch(&mut self, cache: u32, instance: u32, key: u32, well: bool) {
        let CacheState::Lru { instances, .. } = &mut self.resources.caches[cache as usize] else { return };
        for waiter in instances[instance as usize].end_fetch(key) {
            if !self.live(waiter) {
                continue;
            }
            if !well {
                self.wake(waiter.frame, State::Failing);
                continue;
            }
            let frame = &mut self.frames[waiter.frame];
            let Op::Lookup(lookup) = self.world.program.ops[frame.pc as usize - 1] else {
                unreachable!("who waits for a fetch stands just behind a lookup")
            };
            frame.pc = self.world.program.lookups[lookup as usize].after;
            self.wake(waiter.frame, State::Sleeping);
        }
    }
}
