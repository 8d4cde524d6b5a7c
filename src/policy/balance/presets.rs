//! Balancers under the names that a scenario gives them, and their trace.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, unknown};
use crate::policy::trace::{self, Datum, Row, Trace};

use super::{AnyBalancer, Ask, Balance, Balancer, Fleet, Maglev, Ring};

macro_rules! balancers {
    ($( $Name:ident is $name:literal: $about:literal, $rules:expr, $source:literal; )+) => {
        /// Every balancer.
        pub const PRESETS: &[Preset] = &[$( Preset {
            kind: Kind::Balance,
            name: $name,
            about: $about,
            rules: &$rules,
            source: $source,
            trace_input: TRACE_INPUT,
            parameters: Vec::new,
            trace: |set| traced(Balance::$Name, set),
        } ),+];
    };
}

balancers! {
    JoinShortest is "join-shortest": "The replica with the fewest requests in it, known without delay.",
        ["Ties are broken by chance.", "No real client knows this: it is what the others are measured against."],
        "W. Winston, Optimality of the shortest line discipline, J. Appl. Prob. 14, 1977";
    LeastRequest is "least-request": "Of two random replicas, which may be the same, the one with fewer calls of this client.",
        [
            "The first drawn wins a tie, and the same replica may be drawn twice.",
            "Where weights differ it is a schedule of deadlines by weight / (calls + 1), looked at for each pick.",
            "A replica that fails fast has few calls outstanding, and gets ever more of them.",
        ],
        "envoyproxy/envoy, LeastRequestLoadBalancer (N_CHOICES)";
    Maglev is "maglev": "A table of 65537 places, in which each replica has its share; a request's key leads to its place.",
        [
            "Shares are even to within one place for every replica; keys move a little when a replica goes.",
            "A request without a key goes to any replica.",
        ],
        "Eisenbud et al., Maglev, NSDI 2016; envoyproxy/envoy, MaglevTable";
    PowerOfTwo is "p2c": "Of two different random replicas the one with fewer calls of this client.",
        ["It knows no weights."],
        "M. Mitzenmacher, The power of two choices, 2001; twitter/finagle p2c with leastLoaded";
    PeakEwma is "peak-ewma": "Of two different random replicas the one with the smaller product of calls and peak latency.",
        [
            "The latency of a replica jumps up at once, and sinks by a mean with a decay of ten seconds.",
            "One that was never heard of is worth a try, but not two at a time.",
        ],
        "twitter/finagle, PeakEwma; linkerd";
    Random is "random": "Any replica, with chances by weight.",
        ["Of n requests at n replicas the busiest gets about log n / log log n."],
        "envoyproxy/envoy, RandomLoadBalancer";
    RingHash is "ring-hash": "The replica that the request's key leads to on a ring of hashes.",
        [
            "Every replica stands on the ring equally often, at least 1024 entries in all; a hot key stays hot.",
            "One that is down is passed over clockwise; a request without a key goes to any replica.",
        ],
        "envoyproxy/envoy ring_hash; grpc/proposal A42";
    RoundRobin is "round-robin": "One after the other, from a random start; by weight where weights differ.",
        [
            "Every client starts somewhere else, or all of them would march in step.",
            "With weights it is nginx's smooth round robin; ties go to the earlier replica.",
        ],
        "nginx/nginx@3f6f7824, ngx_http_upstream_round_robin.c";
}

const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "weights": [5, 1, 1] },
  { "t_ms": 0, "op": "pick", "times": 7 },
  { "t_ms": 20, "op": "end", "times": 2 },
  { "t_ms": 20, "op": "pick", "key": 42 },
  { "t_ms": 30, "up": [1, 2] },
  { "t_ms": 30, "op": "pick", "times": 2 }
]
The first step says how many `hosts` there are, numbered from 0, or their `weights`; `up` are those that may be picked
from then on. `pick` sends requests, `times` of them, about a `key` if there is one; `end` answers the oldest ones, of one
`host` if it is named, as an `outcome` (success if absent). The answer is who was picked, and what each host holds."#;

fn traced(balance: Balance, set: &[Assignment<'_>]) -> Result<Box<dyn Trace>, Misfit> {
    if let Some((name, _)) = set.first() {
        return Err(unknown(name, &[]));
    }
    Ok(Box::new(BalanceTrace {
        balancer: AnyBalancer::from_settings(balance),
        fleet: Fleet::default(),
        picks: Stream::new(1, "trace"),
        sent: Vec::new(),
        now: Time::ZERO,
    }))
}

struct BalanceTrace {
    balancer: AnyBalancer,
    fleet: Fleet,
    picks: Stream,
    /// The host of each request under way, and when it was sent; the oldest first.
    sent: Vec<(u32, Time)>,
    now: Time,
}

impl BalanceTrace {
    fn set_up(&mut self, weights: Vec<u32>) {
        let hosts = weights.len() as u32;
        let is_even = weights.windows(2).all(|pair| pair[0] == pair[1]);
        self.fleet = Fleet {
            up: (0..hosts).collect(),
            in_system: vec![0; weights.len()],
            ring: Ring::new(hosts),
            maglev: Maglev::new(&(0..).zip(weights.iter().copied()).collect::<Vec<_>>()),
            weights: if is_even { Vec::new() } else { weights },
            slow_start: None,
        };
    }

    fn pick(&mut self, key: Option<u32>) -> Result<u32, String> {
        let BalanceTrace { balancer, fleet, picks, now, .. } = self;
        if fleet.up.is_empty() {
            return Err("nobody is up: the first step says how many `hosts` there are".to_owned());
        }
        let host = balancer.pick(&Ask { now: *now, up: &fleet.up, fleet, key }, picks);
        balancer.started(host);
        fleet.in_system[host as usize] += 1;
        self.sent.push((host, self.now));
        Ok(host)
    }

    fn end(&mut self, host: Option<u32>, outcome: Outcome) -> Result<(), String> {
        let found = self.sent.iter().position(|(at, _)| host.is_none_or(|host| *at == host));
        let (host, since) = self.sent.remove(found.ok_or("there is no such request that could end")?);
        self.fleet.in_system[host as usize] -= 1;
        let rtt: Span = self.now.since(since);
        self.balancer.ended(self.now, host, rtt, outcome);
        Ok(())
    }
}

/// The whole numbers of a list.
fn counts(list: &Datum, key: &str) -> Result<Vec<u32>, String> {
    let counts: Option<Vec<u32>> = list.items().iter().map(Datum::count).collect();
    counts.filter(|counts| !counts.is_empty()).ok_or_else(|| format!("`{key}` is a list of whole numbers"))
}

impl Trace for BalanceTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        if let Some(hosts) = step.get("hosts").and_then(Datum::count) {
            self.set_up(vec![1; hosts as usize]);
        }
        if let Some(weights) = step.get("weights") {
            let weights = counts(weights, "weights")?;
            if weights.contains(&0) {
                return Err("`weights` are at least 1".to_owned());
            }
            self.set_up(weights);
        }
        if let Some(up) = step.get("up") {
            let mut up = counts(up, "up")?;
            up.sort_unstable();
            up.dedup();
            if up.last().is_some_and(|last| *last as usize >= self.fleet.in_system.len()) {
                return Err("`up` are numbers of hosts".to_owned());
            }
            self.fleet.up = up;
            self.fleet.changed();
        }
        let times = step.get("times").and_then(Datum::count).unwrap_or(1);
        let mut row = Row::new();
        match step.get("op").and_then(Datum::text) {
            Some("pick") => {
                let key = step.get("key").and_then(Datum::count);
                let picked: Result<Vec<u32>, String> = (0..times).map(|_| self.pick(key)).collect();
                row.push(("picked", Datum::List(picked?.into_iter().map(Datum::from).collect())));
            }
            Some("end") => {
                let host = step.get("host").and_then(Datum::count);
                let outcome = step.get("outcome").and_then(Datum::text).map(trace::outcome).transpose()?;
                (0..times).try_for_each(|_| self.end(host, outcome.unwrap_or(Outcome::Ok)))?;
            }
            None => {}
            Some(other) => return Err(format!("unknown `op` \"{other}\": it is `pick` or `end`")),
        }
        row.push(("requests", Datum::List(self.fleet.in_system.iter().map(|held| Datum::from(*held)).collect())));
        Ok(row)
    }
}
