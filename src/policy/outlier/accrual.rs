//! Failure accrual, as Finagle and Linkerd have it: a host that is marked dead gets nothing for a while, then a single
//! probe, whose end decides.

use crate::base::random::Draws;
use crate::base::time::{Span, Time};
use crate::policy::retry::{Backoff, Jitter};

use super::own::Sight;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Life {
    #[default]
    Alive,
    Dead {
        until: Time,
    },
    /// Its time is over: the next request is the probe.
    ProbeOpen,
    /// The probe is under way.
    ProbeClosed,
}

#[derive(Clone, Debug, Default)]
struct Host {
    life: Life,
    failures: u32,
    deaths: u32,
}

/// The hosts of one client, and which of them are dead.
#[derive(Clone, Debug)]
pub(super) struct Accrual {
    hosts: Vec<Host>,
    sight: Sight,
    /// Hosts that are not alive.
    out: u32,
    /// When the next dead one is probed, if one is dead.
    next: Time,
    backoff: Backoff,
    draws: Draws,
}

impl Accrual {
    pub(super) fn new(backoff: Backoff, draws: Draws) -> Accrual {
        Accrual { hosts: Vec::new(), sight: Sight::default(), out: 0, next: Time::MAX, backoff, draws }
    }

    fn host(&mut self, replica: u32) -> &mut Host {
        let place = replica as usize;
        if place >= self.hosts.len() {
            self.hosts.resize(place + 1, Host::default());
        }
        &mut self.hosts[place]
    }

    pub(super) fn sight(&mut self, now: Time, up: &[u32], panic: f64) -> Option<&[u32]> {
        self.sight.look(up);
        if now >= self.next {
            self.next = Time::MAX;
            for host in &mut self.hosts {
                match host.life {
                    Life::Dead { until } if now >= until => {
                        host.life = Life::ProbeOpen;
                        self.sight.spoil();
                    }
                    Life::Dead { until } => self.next = self.next.min(until),
                    _ => {}
                }
            }
        }
        if self.out == 0 {
            return None;
        }
        let hosts = &self.hosts;
        let is_out = |number: u32| {
            let life = hosts.get(number as usize).map_or(Life::Alive, |host| host.life);
            matches!(life, Life::Dead { .. } | Life::ProbeClosed)
        };
        self.sight.through(panic, is_out)
    }

    pub(super) fn started(&mut self, replica: u32) {
        let host = self.host(replica);
        if host.life == Life::ProbeOpen {
            host.life = Life::ProbeClosed;
            self.sight.spoil();
        }
    }

    /// A request to it ended well; `true` if that was its probe.
    pub(super) fn succeeded(&mut self, replica: u32) -> bool {
        let host = self.host(replica);
        host.failures = 0;
        let was_probe = host.life == Life::ProbeClosed;
        if was_probe {
            (host.life, host.deaths) = (Life::Alive, 0);
            self.out -= 1;
            self.sight.spoil();
        }
        was_probe
    }

    /// A request to it failed; `is_dead` says whether so many failures in a row are enough, once it is alive.
    pub(super) fn failed(&mut self, now: Time, replica: u32, jitter: Jitter, is_dead: impl FnOnce(u32) -> bool) {
        let host = self.host(replica);
        host.failures += 1;
        let was_alive = host.life == Life::Alive;
        let dies = match host.life {
            Life::Alive => is_dead(host.failures),
            Life::ProbeClosed => true,
            Life::Dead { .. } | Life::ProbeOpen => false,
        };
        if !dies {
            return;
        }
        host.deaths = host.deaths.saturating_add(1);
        let deaths = host.deaths;
        let uniform = self.draws.next_uniform();
        let until = now + jitter.spread(self.backoff, deaths, |_| uniform);
        let host = self.host(replica);
        (host.life, host.failures) = (Life::Dead { until }, 0);
        self.out += u32::from(was_alive);
        self.next = self.next.min(until);
        self.sight.spoil();
    }

    /// A request to it ended without saying anything about it.
    pub(super) fn withdrawn(&mut self, replica: u32) {
        let host = self.host(replica);
        if host.life == Life::ProbeClosed {
            host.life = Life::ProbeOpen;
            self.sight.spoil();
        }
    }

    pub(super) fn ejected(&self) -> u32 {
        self.out
    }

    pub(super) fn record_of(&self, replica: u32) -> (u32, u32) {
        self.hosts.get(replica as usize).map_or((0, 0), |host| (host.failures, host.deaths))
    }
}

/// A delay that doubles from `base` to `cap`.
pub(super) fn doubling(base: Span, cap: Span) -> Backoff {
    Backoff::Exponential { base, factor: 2.0, cap: cap.max(base) }
}
