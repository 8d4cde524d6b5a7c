//! nginx's passive health check (`ngx_http_upstream_round_robin.c`): a replica that has failed `max_fails` times is left
//! out for `fail_timeout`, and then tried again; the first request that it answers makes it whole. It counts in whole
//! seconds, as nginx does. A failure is no connection or no answer in time, nginx's `proxy_next_upstream error timeout`;
//! an answer with an error is none.

use crate::base::time::{NANOS_PER_SEC, Span, Time};
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Settings, settings};
use crate::policy::trace::{self, Datum, Row, Trace};
use crate::policy::{Outcome, Outcomes};

const FAILURES: Outcomes = Outcomes::of(&[Outcome::Timeout, Outcome::Refused]);
/// What says nothing about the replica.
const UNKNOWN: Outcomes = Outcomes::of(&[Outcome::Cancelled, Outcome::Expired]);

settings! {
    /// The knobs of [`PassiveHealth`]; the default is nginx's.
    pub struct PassiveHealthSettings {
        /// Failures after which a replica is left out; at least 1.
        max_fails: u32 = 1, "max_fails";
        /// For how long.
        fail_timeout: Span = Span::from_secs(10), "fail_timeout (s)";
    }
}

/// Every passive health check that has a name.
pub const HEALTH_PRESETS: &[Preset] = &[Preset {
    kind: Kind::Health,
    name: "nginx",
    about: "A server that does not answer is left out for ten seconds, then tried again.",
    rules: &[
        "It counts in whole seconds: a server is out as long as now - checked is at most fail_timeout.",
        "A failure is no connection or no answer in time (`proxy_next_upstream error timeout`); an error is an answer.",
        "When its time is over one request goes; the next good answer makes it whole, another failure starts it anew.",
        "A server that stands alone is never left out.",
    ],
    source: "nginx/nginx@3f6f7824, ngx_http_upstream_round_robin.c",
    trace_input: TRACE_INPUT,
    parameters: PassiveHealthSettings::parameters,
    trace: traced,
}];

impl PassiveHealthSettings {
    /// The settings that the proxy `name` ships with.
    pub fn preset(name: &str) -> Option<PassiveHealthSettings> {
        (name == HEALTH_PRESETS[0].name).then(PassiveHealthSettings::default)
    }
}

const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "hosts": 3 },
  { "t_ms": 100, "host": 1, "outcome": "timeout" },
  { "t_ms": 11200, "op": "observe" },
  { "t_ms": 11300, "host": 1, "outcome": "success" }
]
`hosts` is how many replicas there are, numbered from 0; then each step is how a request to one `host` ends (success, error,
timeout, refused); `observe` lets time pass. The answer is who is left out."#;

fn traced(set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    let mut settings = PassiveHealthSettings::default();
    for (name, text) in set {
        settings.read(name, text)?;
    }
    Ok(Box::new(HealthTrace { health: PassiveHealth::new(&settings), hosts: 0, now: Time::ZERO }))
}

struct HealthTrace {
    health: PassiveHealth,
    hosts: u32,
    now: Time,
}

impl Trace for HealthTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        if let Some(hosts) = step.get("hosts").and_then(Datum::count) {
            self.hosts = hosts;
        }
        if let Some(host) = step.get("host").and_then(Datum::count) {
            if host >= self.hosts {
                return Err(format!("there is no host {host}: the first step says how many `hosts` there are"));
            }
            let outcome = step.get("outcome").and_then(Datum::text).ok_or("a step with a `host` has an `outcome`")?;
            self.health.picked(self.now, host);
            self.health.ended(self.now, host, trace::outcome(outcome)?);
        }
        let is_out = |host: &u32| self.hosts > 1 && !self.health.is_eligible(self.now, *host);
        Ok(vec![("left_out", Datum::List((0..self.hosts).filter(is_out).map(Datum::from).collect()))])
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
