//! nginx's passive health check (`ngx_http_upstream_round_robin.c`): a replica that has failed `max_fails` times is left
//! out for `fail_timeout`, and then tried again; the first request that it answers makes it whole. It counts in whole
//! seconds, as nginx does. A failure is no connection or no answer in time, nginx's `proxy_next_upstream error timeout`;
//! an answer with an error is none.

use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::policy::{Outcome, Outcomes};

const FAILURES: Outcomes = Outcomes::of(&[Outcome::Timeout, Outcome::Refused]);
/// What says nothing about the replica.
const UNKNOWN: Outcomes = Outcomes::of(&[Outcome::Cancelled, Outcome::Expired]);

/// The knobs of [`PassiveHealth`]; the default is nginx's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassiveHealthSettings {
    /// Failures after which a replica is left out; at least 1.
    pub max_fails: u32,
    /// For how long.
    pub fail_timeout: Span,
}

impl Default for PassiveHealthSettings {
    fn default() -> Self {
        PassiveHealthSettings { max_fails: 1, fail_timeout: Span::from_secs(10) }
    }
}

/// What one client knows of the replicas of a service.
#[derive(Clone, Debug)]
pub struct PassiveHealth {
    settings: PassiveHealthSettings,
    /// By replica number; beyond its end none has failed.
    peers: Vec<Peer>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    fails: u32,
    /// In seconds: of the last failure, and of the last time that it was tried though it had failed.
    accessed: u64,
    checked: u64,
}

fn seconds(span: u64) -> u64 {
    span / NANOS_PER_SEC
}

impl PassiveHealth {
    /// Nobody has failed.
    pub fn new(settings: &PassiveHealthSettings) -> PassiveHealth {
        PassiveHealth { settings: *settings, peers: Vec::new() }
    }

    /// Whether a replica may be picked.
    pub fn is_eligible(&self, now: Time, replica: u32) -> bool {
        let Some(peer) = self.peers.get(replica as usize) else { return true };
        let PassiveHealthSettings { max_fails, fail_timeout } = self.settings;
        peer.fails < max_fails
            || seconds(now.as_nanos()).saturating_sub(peer.checked) > seconds(fail_timeout.as_nanos())
    }

    /// A replica was picked.
    pub fn picked(&mut self, now: Time, replica: u32) {
        let timeout = seconds(self.settings.fail_timeout.as_nanos());
        let Some(peer) = self.peers.get_mut(replica as usize) else { return };
        let now = seconds(now.as_nanos());
        if now.saturating_sub(peer.checked) > timeout {
            peer.checked = now;
        }
    }

    /// An attempt at a replica has ended.
    pub fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        let place = replica as usize;
        if FAILURES.has(outcome) {
            if place >= self.peers.len() {
                self.peers.resize(place + 1, Peer::default());
            }
            let peer = &mut self.peers[place];
            let now = seconds(now.as_nanos());
            (peer.fails, peer.accessed, peer.checked) = (peer.fails + 1, now, now);
        } else if let Some(peer) = self.peers.get_mut(place)
            && !UNKNOWN.has(outcome)
            && peer.accessed < peer.checked
        {
            peer.fails = 0;
        }
    }

    /// How many are left out.
    pub fn left_out(&self, now: Time) -> u32 {
        (0..self.peers.len() as u32).filter(|replica| !self.is_eligible(now, *replica)).count() as u32
    }
}
