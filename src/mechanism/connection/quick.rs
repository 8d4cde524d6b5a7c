//! The short way: a connection is ready and taken, or given back while nobody waits, and nothing else becomes of it. That is
//! what nearly always happens. Whoever hears that it is not so asks again in full; nothing has changed.

use crate::base::time::{Span, Time};

use super::{ConnectionId, ConnectionSettings, Connections, Lent, slot};

/// Which settings make no difference to connections that are in use and become idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ease {
    /// Whether they never become too old.
    is_ageless: bool,
    /// Whether all of them are kept, whatever others want.
    keeps_all: bool,
}

impl Ease {
    pub(super) fn of(settings: &ConnectionSettings) -> Ease {
        Ease {
            is_ageless: settings.max_age == Span::MAX && settings.idle_timeout == Span::MAX,
            keeps_all: settings.total == u32::MAX && settings.idle == u32::MAX,
        }
    }
}

impl<T: Copy> Connections<T> {
    /// A place on a connection to `host` where there is one that is not too old, and no choice: the same as
    /// [`Connections::want`] then.
    #[inline(always)]
    pub fn take_at_once(&mut self, now: Time, host: u32) -> Option<Lent> {
        let Connections { settings, ease, hosts, slots, .. } = self;
        let ready = &mut hosts.get_mut(host as usize)?.ready;
        let last = match ready.as_slice() {
            [only] => *only,
            [.., last] if settings.streams == 1 => *last,
            _ => return None,
        };
        let connection = slots.get_mut(last as usize)?.as_mut()?;
        if !ease.is_ageless && connection.is_over(now, settings) {
            return None;
        }
        let requests = connection.requests + 1;
        if requests >= settings.max_requests {
            return None;
        }
        connection.requests = requests;
        connection.in_use += 1;
        if connection.in_use == settings.streams {
            ready.pop();
        }
        Some(connection.lent())
    }

    /// A request that was answered in full gives its connection back: the same as [`Connections::release`]. `false` where
    /// somebody may wait for it, or it may have to be closed.
    #[inline(always)]
    pub fn give_back_at_once(&mut self, now: Time, id: ConnectionId) -> bool {
        let Connections { settings, ease, hosts, slots, .. } = self;
        let Some(Some(connection)) = slots.get_mut(slot(id) as usize) else { return false };
        let Some(host) = hosts.get_mut(connection.host as usize) else { return false };
        let is_free = ease.keeps_all && !connection.is_leaving && host.waiters.is_empty();
        if !is_free || connection.id != id || !ease.is_ageless && now.since(connection.opened) >= settings.max_age {
            return false;
        }
        if connection.in_use == settings.streams {
            host.ready.push(slot(id));
        }
        connection.in_use -= 1;
        connection.idle_since = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Stream;
    use crate::mechanism::connection::Wanted;

    /// Requests come and go on two hosts, some of them badly; `quickly` asks for the short way first. What they got, and
    /// what is left in the end.
    fn history(settings: ConnectionSettings, seed: u64, quickly: bool) -> (Vec<Lent>, String, u32) {
        let mut connections: Connections<u32> = Connections::new(settings);
        let mut draws = Stream::new(seed, "requests");
        let (mut busy, mut got, mut quick) = (Vec::new(), Vec::new(), 0);
        for step in 0..3000 {
            let now = Time::ZERO + Span::from_millis(10 * u64::from(step));
            let host = draws.below(2);
            if draws.below(2) == 0 {
                let at_once = if quickly { connections.take_at_once(now, host) } else { None };
                quick += u32::from(at_once.is_some());
                match at_once.map_or_else(|| connections.want(now, host, step), Wanted::Has) {
                    Wanted::Has(lent) => {
                        got.push(lent);
                        busy.push(lent.id);
                    }
                    Wanted::Waits if connections.wants_more(host) => {
                        if let Some(id) = connections.open(now, host, host) {
                            connections.opened(now, id);
                        }
                    }
                    _ => {}
                }
            } else if !busy.is_empty() {
                let id = busy.swap_remove(draws.below(busy.len() as u32) as usize);
                let is_good = draws.below(10) > 0;
                let is_back = quickly && is_good && connections.give_back_at_once(now, id);
                quick += u32::from(is_back);
                if !is_back {
                    connections.release(now, id, is_good);
                }
            }
            while let Some((_, id)) = connections.next(now, host, |_| true) {
                busy.push(id);
            }
        }
        (got, format!("{connections:?}"), quick)
    }

    #[test]
    fn the_short_way_leads_to_the_same_place() {
        let unlimited = ConnectionSettings::UNLIMITED;
        let all = [
            unlimited,
            ConnectionSettings { streams: 3, per_host: 2, ..unlimited },
            ConnectionSettings { streams: 100, per_host: 1, ..unlimited },
            ConnectionSettings { idle_timeout: Span::from_millis(40), max_requests: 7, ..unlimited },
            ConnectionSettings { max_age: Span::from_millis(300), per_host: 3, streams: 2, ..unlimited },
            ConnectionSettings { idle: 1, total: 5, ..unlimited },
        ];
        for (n, settings) in all.into_iter().enumerate() {
            let (got, left, _) = history(settings, n as u64, false);
            let (quick_got, quick_left, quick) = history(settings, n as u64, true);
            assert_eq!((got, left), (quick_got, quick_left), "{settings:?}");
            assert!(quick > 100, "hardly ever on the short way, which says nothing of it: {quick}, {settings:?}");
        }
    }
}
