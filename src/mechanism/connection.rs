//! The connections of one client instance to one service: requests take them, wait for them, open new ones, and give
//! them back. Decisions only: how long a handshake lasts and what travels is the kernel's business.
//!
//! A connection carries one request at a time (HTTP/1.1) or several streams (HTTP/2). A *host* is what a connection goes
//! to: a replica where every request is balanced, or the service as a whole where a connection sticks to the replica that
//! it was opened to.

mod quick;

use std::collections::VecDeque;

use quick::Ease;

use crate::base::time::{Span, Time};

/// Limits of the connections of one client instance to one service; `u32::MAX` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionSettings {
    /// Requests that a connection carries at once.
    pub streams: u32,
    /// Connections to one host, those that are being opened included.
    pub per_host: u32,
    /// Connections to all hosts together.
    pub total: u32,
    /// Idle connections that are kept for one host; more are closed as they become idle.
    pub idle: u32,
    /// How long an idle connection is kept.
    pub idle_timeout: Span,
    /// Requests after which a connection is closed.
    pub max_requests: u32,
    /// From this age on a connection takes no new requests; it is closed when its last one has ended.
    pub max_age: Span,
    /// Requests that may wait for a connection to one host, whether or not one is being opened for them.
    pub queue: u32,
}

impl ConnectionSettings {
    /// One request at a time on each of any number of connections, which are kept for ever.
    pub const UNLIMITED: ConnectionSettings = ConnectionSettings {
        streams: 1,
        per_host: u32::MAX,
        total: u32::MAX,
        idle: u32::MAX,
        idle_timeout: Span::MAX,
        max_requests: u32::MAX,
        max_age: Span::MAX,
        queue: u32::MAX,
    };
}

/// Names a connection; once it is closed, nothing has that name for a long time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionId(pub u32);

/// What becomes of a request that wants a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// It has one.
    Has(Lent),
    /// It waits.
    Waits,
    /// Too many wait already.
    Rejected,
}

/// A connection with a request more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lent {
    /// Which.
    pub id: ConnectionId,
    /// See [`Connection::replica`].
    pub replica: u32,
    /// Whether this is its only request so far.
    pub is_first: bool,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    id: ConnectionId,
    /// What it goes to.
    pub host: u32,
    /// The replica at its other end.
    pub replica: u32,
    is_open: bool,
    /// How far it has come that is being opened; its owner counts.
    pub stage: u8,
    /// What is still to come when that is over; its owner's, too.
    pub rest: Span,
    /// Its server knows of it.
    pub is_at_server: bool,
    /// How often its server has ignored it.
    pub ignored: u8,
    /// It takes no new requests.
    is_leaving: bool,
    /// Requests that it carries.
    in_use: u32,
    /// Requests that it has carried, those under way included.
    pub requests: u32,
    opened: Time,
    idle_since: Time,
    /// In each direction: what is sent now arrives no earlier, since something sent before got lost and is sent again.
    clear_at: [Time; 2],
}

impl Connection {
    /// Whether it takes no new requests because of its age, or since it has been idle for too long.
    #[inline(always)]
    fn is_over(&self, now: Time, settings: &ConnectionSettings) -> bool {
        now.since(self.opened) >= settings.max_age
            || (self.in_use == 0 && now.since(self.idle_since) >= settings.idle_timeout)
    }

    /// Itself, as the one who uses it sees it.
    #[inline(always)]
    pub fn lent(&self) -> Lent {
        Lent { id: self.id, replica: self.replica, is_first: self.requests == 1 }
    }

    /// Whether requests can use it.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// When something arrives that would by itself arrive at `arrival`, after it was `missed` for so long because it got
    /// lost: no earlier than what was sent before it in the same direction and got lost.
    pub fn arrival(&mut self, direction: usize, arrival: Time, missed: Span) -> Time {
        let arrival = arrival.max(self.clear_at[direction]);
        if !missed.is_zero() {
            self.clear_at[direction] = arrival;
        }
        arrival
    }
}

#[derive(Clone, Debug)]
struct Host<T> {
    /// Connections with room for another request, the one used last at the end.
    ready: Vec<u32>,
    /// Connections, those that are being opened included.
    count: u32,
    opening: u32,
    /// Those who wait, each with the number of its arrival.
    waiters: VecDeque<(u64, T)>,
    /// Of these, those who have gone away.
    withdrawn: u32,
}

impl<T> Default for Host<T> {
    fn default() -> Self {
        Host { ready: Vec::new(), count: 0, opening: 0, waiters: VecDeque::new(), withdrawn: 0 }
    }
}

impl<T> Host<T> {
    fn waiting(&self) -> u32 {
        self.waiters.len() as u32 - self.withdrawn
    }
}

/// See the module. `T` is the ticket of who wants a connection.
#[derive(Clone, Debug)]
pub struct Connections<T> {
    settings: ConnectionSettings,
    ease: Ease,
    hosts: Vec<Host<T>>,
    slots: Vec<Option<Connection>>,
    /// How often each slot was used.
    uses: Vec<u32>,
    free: Vec<u32>,
    count: u32,
    opened: u64,
    arrivals: u64,
    /// Those that were closed of which servers know that count them, with their replicas.
    left: Vec<(u32, ConnectionId)>,
}

/// Slots of one instance; the rest of an id counts how often the slot was used.
const SLOT_BITS: u32 = 20;

impl<T: Copy> Connections<T> {
    /// None is open.
    pub fn new(settings: ConnectionSettings) -> Connections<T> {
        Connections {
            ease: Ease::of(&settings),
            settings,
            hosts: Vec::new(),
            slots: Vec::new(),
            uses: Vec::new(),
            free: Vec::new(),
            count: 0,
            opened: 0,
            arrivals: 0,
            left: Vec::new(),
        }
    }

    /// A request wants a connection to `host`. When it waits, ask [`Connections::wants_more`] whether to open one.
    pub fn want(&mut self, now: Time, host: u32, ticket: T) -> Wanted {
        if host as usize >= self.hosts.len() {
            self.hosts.resize_with(host as usize + 1, Host::default);
        }
        if let Some(lent) = self.take_ready(now, host) {
            return Wanted::Has(lent);
        }
        let host = &mut self.hosts[host as usize];
        if host.waiting() >= self.settings.queue {
            return Wanted::Rejected;
        }
        host.waiters.push_back((self.arrivals, ticket));
        self.arrivals += 1;
        Wanted::Waits
    }

    /// Whether those who wait for `host` need another connection, and may have it as far as that host is concerned.
    pub fn wants_more(&self, host: u32) -> bool {
        let streams = u64::from(self.settings.streams);
        let needs = |it: &Host<T>| u64::from(it.opening) * streams < u64::from(it.waiting());
        self.hosts.get(host as usize).is_some_and(|it| needs(it) && it.count < self.settings.per_host)
    }

    /// Another connection to `host` is being opened: its name. An idle one to another host makes room where the total is
    /// what is short; `None` when there is none.
    pub fn open(&mut self, now: Time, host: u32, replica: u32) -> Option<ConnectionId> {
        if self.count >= self.settings.total && !self.close_one_idle() {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.uses.push(0);
            self.slots.len() as u32 - 1
        });
        assert!(slot < 1 << SLOT_BITS, "a client instance has fewer than 2^20 connections");
        let id = ConnectionId(slot | (self.uses[slot as usize] << SLOT_BITS));
        self.uses[slot as usize] = (self.uses[slot as usize] + 1) & (u32::MAX >> SLOT_BITS);
        self.slots[slot as usize] = Some(Connection {
            id,
            host,
            replica,
            is_open: false,
            stage: 0,
            rest: Span::ZERO,
            is_at_server: false,
            ignored: 0,
            is_leaving: false,
            in_use: 0,
            requests: 0,
            opened: now,
            idle_since: now,
            clear_at: [Time::ZERO; 2],
        });
        self.count += 1;
        self.opened += 1;
        let it = &mut self.hosts[host as usize];
        it.count += 1;
        it.opening += 1;
        Some(id)
    }

    /// A connection is open. Ask [`Connections::next`] for those who may use it.
    pub fn opened(&mut self, now: Time, id: ConnectionId) {
        let Some(connection) = self.at_mut(id) else { return };
        connection.is_open = true;
        (connection.opened, connection.idle_since) = (now, now);
        let host = connection.host;
        let it = &mut self.hosts[host as usize];
        it.opening -= 1;
        it.ready.push(slot(id));
    }

    /// The next of those `live` who wait for `host`, and the connection that it has from now on. `None` when nobody waits
    /// or no connection has room.
    pub fn next(&mut self, now: Time, host: u32, live: impl Fn(T) -> bool) -> Option<(T, ConnectionId)> {
        let it = self.hosts.get_mut(host as usize)?;
        while it.waiters.front().is_some_and(|(_, ticket)| !live(*ticket)) {
            it.waiters.pop_front();
            it.withdrawn -= 1;
        }
        it.waiters.front()?;
        let Lent { id, .. } = self.take_ready(now, host)?;
        let (_, ticket) = self.hosts[host as usize].waiters.pop_front()?;
        Some((ticket, id))
    }

    /// A request gives its connection back. `reusable` when it has been answered in full; of connections with several
    /// streams only the stream ends in any case. Its host, where somebody may wait for what has become free; `None` when
    /// the connection is gone.
    pub fn release(&mut self, now: Time, id: ConnectionId, reusable: bool) -> Option<u32> {
        let Connections { settings, slots, hosts, .. } = self;
        let connection = slots.get_mut(slot(id) as usize)?.as_mut().filter(|connection| connection.id == id)?;
        let host = connection.host;
        let was_full = connection.in_use == settings.streams;
        connection.in_use -= 1;
        connection.is_leaving |= (!reusable && settings.streams == 1)
            || connection.requests >= settings.max_requests
            || now.since(connection.opened) >= settings.max_age;
        let (in_use, is_leaving) = (connection.in_use, connection.is_leaving);
        connection.idle_since = now;
        let it = &mut hosts[host as usize];
        if is_leaving {
            if in_use == 0 {
                self.close(id);
            } else {
                it.ready.retain(|ready| *ready != slot(id));
            }
            return Some(host);
        }
        if settings.idle != u32::MAX && in_use == 0 && it.waiting() == 0 {
            let idle = settings.idle;
            if self.idle(host, id) >= idle {
                self.close(id);
            } else if was_full {
                self.hosts[host as usize].ready.push(slot(id));
            }
        } else if was_full {
            it.ready.push(slot(id));
        }
        Some(host)
    }

    /// One who waits for `host` goes away; its ticket must not be `live` any more.
    pub fn withdraw(&mut self, host: u32, live: impl Fn(T) -> bool) {
        let Some(it) = self.hosts.get_mut(host as usize) else { return };
        it.withdrawn += 1;
        if it.withdrawn as usize * 2 > it.waiters.len() {
            it.waiters.retain(|(_, ticket)| live(*ticket));
            it.withdrawn = 0;
        }
    }

    /// A connection breaks, or could not be opened.
    pub fn close(&mut self, id: ConnectionId) {
        let Some(connection) = self.at(id).copied() else { return };
        if connection.is_at_server {
            self.left.push((connection.replica, id));
        }
        let it = &mut self.hosts[connection.host as usize];
        it.count -= 1;
        it.opening -= u32::from(!connection.is_open);
        it.ready.retain(|ready| *ready != slot(id));
        self.slots[slot(id) as usize] = None;
        self.free.push(slot(id));
        self.count -= 1;
    }

    /// Closes what has been idle for too long, or is too old and idle.
    pub fn close_idle(&mut self, now: Time) {
        let settings = self.settings;
        let is_over = |connection: &Connection| {
            connection.is_open && connection.in_use == 0 && connection.is_over(now, &settings)
        };
        let over: Vec<ConnectionId> = self.slots.iter().flatten().filter(|it| is_over(it)).map(|it| it.id).collect();
        over.into_iter().for_each(|id| self.close(id));
    }

    /// All that wait for `host`, first come first, who do so no longer.
    pub fn dismiss(&mut self, host: u32, live: impl Fn(T) -> bool) -> Vec<T> {
        let Some(it) = self.hosts.get_mut(host as usize) else { return Vec::new() };
        it.withdrawn = 0;
        it.waiters.drain(..).map(|(_, ticket)| ticket).filter(|ticket| live(*ticket)).collect()
    }

    /// The first of those `live` who wait for `host`, who does so no longer.
    pub fn dismiss_first(&mut self, host: u32, live: impl Fn(T) -> bool) -> Option<T> {
        let it = self.hosts.get_mut(host as usize)?;
        while let Some((_, ticket)) = it.waiters.pop_front() {
            if live(ticket) {
                return Some(ticket);
            }
            it.withdrawn -= 1;
        }
        None
    }

    /// The host where somebody has waited longest for want of a connection in all; only where there is a total.
    pub fn neediest(&self) -> Option<u32> {
        if self.settings.total == u32::MAX {
            return None;
        }
        let first = |(host, it): (usize, &Host<T>)| {
            let needs = u64::from(it.opening) * u64::from(self.settings.streams) < u64::from(it.waiting());
            let arrival = it.waiters.front().map(|(arrival, _)| *arrival);
            arrival.filter(|_| needs && it.count < self.settings.per_host).map(|arrival| (arrival, host as u32))
        };
        self.hosts.iter().enumerate().filter_map(first).min().map(|(_, host)| host)
    }

    /// Everything ends; names are not used again.
    pub fn close_all(&mut self) {
        let all: Vec<ConnectionId> = self.slots.iter().flatten().map(|it| it.id).collect();
        all.into_iter().for_each(|id| self.close(id));
        self.hosts.clear();
    }

    /// Whether somebody may wait for what became free at `host`.
    #[inline]
    pub fn may_be_wanted(&self, host: u32) -> bool {
        self.settings.total != u32::MAX || self.waiting(host) > 0
    }

    /// Connections to `host` that requests can use.
    pub fn open_to(&self, host: u32) -> u32 {
        self.hosts.get(host as usize).map_or(0, |it| it.count - it.opening)
    }

    /// Whether some were closed of which their servers count, see [`Connections::take_left`].
    #[inline]
    pub fn has_left(&self) -> bool {
        !self.left.is_empty()
    }

    /// Those that were closed since the last time and were at a server that counts them, with their replicas.
    pub fn take_left(&mut self) -> Vec<(u32, ConnectionId)> {
        std::mem::take(&mut self.left)
    }

    /// Connections that are there, those that are being opened included.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Connections that were begun to be opened so far.
    pub fn opened_so_far(&self) -> u64 {
        self.opened
    }

    /// Those who wait for `host`.
    pub fn waiting(&self, host: u32) -> u32 {
        self.hosts.get(host as usize).map_or(0, Host::waiting)
    }

    /// A connection, as long as it is there.
    pub fn at(&self, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(slot(id) as usize)?.as_ref().filter(|connection| connection.id == id)
    }

    /// A connection, to be changed.
    pub fn at_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(slot(id) as usize)?.as_mut().filter(|connection| connection.id == id)
    }

    /// Connections to `replica` take no new requests, and are closed when their last one has ended.
    pub fn retire(&mut self, replica: u32) {
        for id in self.to_replica(replica) {
            let Some(connection) = self.at_mut(id).filter(|it| it.is_open) else { continue };
            connection.is_leaving = true;
            let (host, in_use) = (connection.host, connection.in_use);
            self.hosts[host as usize].ready.retain(|ready| *ready != slot(id));
            if in_use == 0 {
                self.close(id);
            }
        }
    }

    /// Every connection to `replica`.
    pub fn to_replica(&self, replica: u32) -> Vec<ConnectionId> {
        self.slots.iter().flatten().filter(|it| it.replica == replica).map(|it| it.id).collect()
    }

    /// When an idle connection is to be closed at the earliest, if ever: time for [`Connections::close_idle`].
    pub fn wake_at(&self) -> Option<Time> {
        let over = |connection: &Connection| {
            let idle = connection.idle_since + self.settings.idle_timeout;
            idle.min(connection.opened + self.settings.max_age)
        };
        let idle = self.slots.iter().flatten().filter(|it| it.is_open && it.in_use == 0);
        idle.map(over).min().filter(|time| *time < Time::MAX)
    }

    /// Takes a place on a connection to `host`: where each carries one request, on the one that was used last; else on the
    /// one that carries the fewest.
    fn take_ready(&mut self, now: Time, host: u32) -> Option<Lent> {
        loop {
            let Connections { settings, hosts, slots, .. } = self;
            let ready = &mut hosts[host as usize].ready;
            let at = match ready.len() {
                0 => return None,
                1 => 0,
                count if settings.streams == 1 => count - 1,
                _ => {
                    let in_use = |slot: u32| slots[slot as usize].map_or(u32::MAX, |it| it.in_use);
                    ready.iter().enumerate().min_by_key(|(_, slot)| in_use(**slot))?.0
                }
            };
            let connection = slots[ready[at] as usize].as_mut()?;
            if connection.is_over(now, settings) {
                connection.is_leaving = true;
                let (id, in_use) = (connection.id, connection.in_use);
                ready.remove(at);
                if in_use == 0 {
                    self.close(id);
                }
                continue;
            }
            connection.in_use += 1;
            connection.requests = connection.requests.saturating_add(1);
            let is_full = connection.in_use == settings.streams;
            let lent = connection.lent();
            let is_last = connection.requests >= settings.max_requests;
            connection.is_leaving |= is_last;
            if is_full || is_last {
                ready.remove(at);
            }
            return Some(lent);
        }
    }

    /// Idle connections of `host` besides `id`.
    fn idle(&self, host: u32, id: ConnectionId) -> u32 {
        let idle =
            |slot: &&u32| **slot != self::slot(id) && self.slots[**slot as usize].is_some_and(|it| it.in_use == 0);
        self.hosts[host as usize].ready.iter().filter(idle).count() as u32
    }

    /// Closes the connection that has been idle longest; `false` when none is idle.
    fn close_one_idle(&mut self) -> bool {
        let idle = self.slots.iter().flatten().filter(|it| it.is_open && it.in_use == 0);
        let Some(oldest) = idle.min_by_key(|it| it.idle_since).map(|it| it.id) else { return false };
        self.close(oldest);
        true
    }
}

fn slot(id: ConnectionId) -> u32 {
    id.0 & ((1 << SLOT_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Time = Time::ZERO;

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::from_secs(secs)
    }

    fn all(_: u32) -> bool {
        true
    }

    /// Those of `tickets` that have a connection to host 0 once as many are open as are wanted, and those that wait.
    fn burst(connections: &mut Connections<u32>, now: Time, tickets: std::ops::Range<u32>) -> (Vec<ConnectionId>, u32) {
        let mut has = Vec::new();
        for ticket in tickets {
            match connections.want(now, 0, ticket) {
                Wanted::Has(lent) => has.push(lent.id),
                Wanted::Waits => open(connections, now, 0),
                Wanted::Rejected => {}
            }
            while let Some((_, id)) = connections.next(now, 0, all) {
                has.push(id);
            }
        }
        (has, connections.waiting(0))
    }

    fn open(connections: &mut Connections<u32>, now: Time, host: u32) {
        if connections.wants_more(host)
            && let Some(id) = connections.open(now, host, host)
        {
            connections.opened(now, id);
        }
    }

    /// Vector `h2-01` of the reference: 100 streams on one connection, 150 requests at once.
    #[test]
    fn streams_above_the_limit_wait_in_the_client() {
        let mut connections =
            Connections::new(ConnectionSettings { streams: 100, per_host: 1, ..ConnectionSettings::UNLIMITED });
        let (has, waiting) = burst(&mut connections, T0, 0..150);
        assert_eq!((has.len(), waiting, connections.count()), (100, 50, 1));
        connections.release(T0, has[0], true);
        assert_eq!(connections.next(T0, 0, all).map(|(ticket, _)| ticket), Some(100));
        assert_eq!(connections.next(T0, 0, all), None);
    }

    /// Vector `hc5-01` of the reference: 5 connections to a route and 25 in all.
    #[test]
    fn a_pool_has_a_limit_for_each_host_and_one_for_all() {
        let settings = ConnectionSettings { per_host: 5, total: 25, ..ConnectionSettings::UNLIMITED };
        let mut one = Connections::new(settings);
        let (leased, waiting) = burst(&mut one, T0, 0..8);
        assert_eq!((leased.len(), waiting), (5, 3));
        let mut ten = Connections::new(settings);
        let mut leased = Vec::new();
        for ticket in 0..50 {
            let host = ticket / 5;
            if ten.want(T0, host, ticket) == Wanted::Waits {
                open(&mut ten, T0, host);
                leased.extend(ten.next(T0, host, all));
            }
        }
        let waiting: u32 = (0..10).map(|host| ten.waiting(host)).sum();
        assert_eq!((leased.len(), waiting), (25, 25));
        // Whoever gives one back makes room for the host where somebody has waited longest.
        ten.release(T0, leased[0].1, true);
        assert_eq!(ten.neediest(), Some(5));
        open(&mut ten, T0, 5);
        assert_eq!((ten.next(T0, 5, all).map(|(ticket, _)| ticket), ten.count()), (Some(25), 25));
    }

    /// Vector `gohttp-01` of the reference: as many as are wanted, of which two stay when they become idle.
    #[test]
    fn more_idle_connections_than_are_kept_are_closed() {
        let mut connections = Connections::new(ConnectionSettings { idle: 2, ..ConnectionSettings::UNLIMITED });
        let (has, waiting) = burst(&mut connections, T0, 0..100);
        assert_eq!((has.len(), waiting, connections.count()), (100, 0, 100));
        has.into_iter().for_each(|id| assert!(connections.release(T0, id, true).is_some()));
        assert_eq!(connections.count(), 2);
        let ready = (0..100).filter(|ticket| matches!(connections.want(T0, 0, *ticket), Wanted::Has(_))).count();
        assert_eq!((ready, connections.waiting(0)), (2, 98), "the next burst opens 98 anew");
    }

    /// Vector `envoy-cb-01` of the reference: two connections, one request may wait.
    #[test]
    fn requests_beyond_the_queue_are_rejected() {
        let mut connections =
            Connections::new(ConnectionSettings { per_host: 2, queue: 1, ..ConnectionSettings::UNLIMITED });
        let (warm, _) = burst(&mut connections, T0, 0..2);
        warm.into_iter().for_each(|id| assert!(connections.release(T0, id, true).is_some()));
        let wanted: Vec<Wanted> = (2..6).map(|ticket| connections.want(T0, 0, ticket)).collect();
        assert!(matches!(wanted[..], [Wanted::Has(_), Wanted::Has(_), Wanted::Waits, Wanted::Rejected]), "{wanted:?}");
    }

    #[test]
    fn a_connection_ends_by_use_by_age_and_by_idleness() {
        let settings = ConnectionSettings {
            max_requests: 2,
            max_age: Span::from_secs(100),
            idle_timeout: Span::from_secs(10),
            ..ConnectionSettings::UNLIMITED
        };
        let mut connections = Connections::new(settings);
        let (has, _) = burst(&mut connections, T0, 0..1);
        connections.release(at(5), has[0], true);
        assert_eq!(connections.wake_at(), Some(at(15)));
        assert!(matches!(connections.want(at(5), 0, 1), Wanted::Has(lent) if lent.id == has[0]), "used again");
        connections.release(at(6), has[0], true);
        assert_eq!(connections.count(), 0, "its second request was its last");
        let (has, _) = burst(&mut connections, at(10), 2..3);
        connections.release(at(10), has[0], true);
        connections.close_idle(at(19));
        assert_eq!(connections.count(), 1);
        connections.close_idle(at(20));
        assert_eq!(connections.count(), 0, "idle for too long");
        let (has, _) = burst(&mut connections, at(30), 3..4);
        connections.release(at(130), has[0], true);
        assert_eq!(connections.count(), 0, "too old");
    }

    #[test]
    fn a_request_that_was_given_up_breaks_its_connection_but_only_ends_its_stream() {
        let mut one = Connections::new(ConnectionSettings::UNLIMITED);
        let (has, _) = burst(&mut one, T0, 0..1);
        one.release(T0, has[0], false);
        assert_eq!(one.count(), 0);
        assert_eq!(one.at(has[0]).map(|it| it.replica), None, "a name is used once");
        let mut many =
            Connections::new(ConnectionSettings { streams: 10, per_host: 1, ..ConnectionSettings::UNLIMITED });
        let (has, _) = burst(&mut many, T0, 0..2);
        many.release(T0, has[0], false);
        assert_eq!(many.count(), 1);
    }

    #[test]
    fn who_goes_away_is_not_served() {
        let mut connections = Connections::new(ConnectionSettings { per_host: 1, ..ConnectionSettings::UNLIMITED });
        let (has, waiting) = burst(&mut connections, T0, 0..4);
        assert_eq!((has.len(), waiting), (1, 3));
        connections.withdraw(0, |ticket| ticket != 1);
        assert_eq!(connections.waiting(0), 2);
        connections.release(T0, has[0], true);
        assert_eq!(connections.next(T0, 0, |ticket| ticket != 1), Some((2, has[0])));
        assert_eq!(connections.dismiss(0, |ticket| ticket != 1), [3]);
        assert_eq!(connections.waiting(0), 0);
    }

    #[test]
    fn while_one_is_being_opened_others_wait_for_it() {
        let mut connections =
            Connections::new(ConnectionSettings { streams: 2, per_host: 2, ..ConnectionSettings::UNLIMITED });
        assert_eq!(connections.want(T0, 0, 0), Wanted::Waits);
        let first = connections.open(T0, 0, 0).unwrap();
        assert_eq!(connections.want(T0, 0, 1), Wanted::Waits);
        assert!(!connections.wants_more(0), "two streams are on their way for two who wait");
        assert_eq!(connections.want(T0, 0, 2), Wanted::Waits);
        assert!(connections.wants_more(0));
        connections.opened(T0, first);
        assert_eq!(connections.next(T0, 0, all), Some((0, first)));
        assert_eq!(connections.next(T0, 0, all), Some((1, first)));
        assert_eq!(connections.next(T0, 0, all), None);
    }
}
