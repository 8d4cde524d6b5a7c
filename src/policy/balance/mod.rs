//! Load balancing: which replica gets the next attempt. It belongs to the client.

mod health;
mod join_shortest;
mod least_request;
mod maglev;
mod p2c;
mod peak_ewma;
mod presets;
mod ring_hash;
mod round_robin;
mod slow_start;
mod subset;
mod weighted;
mod zone;

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

pub use health::{HEALTH_PRESETS, PassiveHealth, PassiveHealthSettings};
pub use join_shortest::JoinShortest;
pub use least_request::{LeastRequest, weighted_load};
pub use maglev::Maglev;
pub use p2c::PowerOfTwo;
pub use peak_ewma::PeakEwma;
pub use presets::PRESETS;
pub use ring_hash::{Ring, RingHash};
pub use round_robin::RoundRobin;
pub use slow_start::{SLOW_START_PRESETS, SlowStartSettings};
pub use subset::subset;
pub use weighted::{EarliestDeadline, SmoothWeighted};
pub use zone::ZoneShares;

/// The balancers that a client can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One after the other, from a random start; by weight where replicas have different ones.
    RoundRobin,
    /// Any, with chances by weight.
    Random,
    /// The one of two random replicas, which may be the same, to which this client has fewer calls outstanding; by weight
    /// over calls where replicas have different ones.
    LeastRequest,
    /// The one of two different random replicas to which this client has fewer calls outstanding.
    PowerOfTwo,
    /// The one with the fewest requests in it, known without delay; ties are broken by chance.
    JoinShortest,
    /// The one of two different random replicas with the smaller product of calls outstanding and peak latency.
    PeakEwma,
    /// The one that the key of the request leads to on a ring of hashes. A request without a key goes to any.
    RingHash,
    /// The one that the key of the request leads to in a table that all share evenly. A request without a key goes to any.
    Maglev,
}

impl Balance {
    /// Every balancer.
    pub const ALL: [Balance; 8] = [
        Balance::RoundRobin,
        Balance::Random,
        Balance::LeastRequest,
        Balance::PowerOfTwo,
        Balance::JoinShortest,
        Balance::PeakEwma,
        Balance::RingHash,
        Balance::Maglev,
    ];
}

/// The replicas of a service, as the balancers of all its clients see them.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// The numbers of those that are up, ascending.
    pub up: Vec<u32>,
    /// Requests that each holds, waiting or in service, by replica number. Empty where no balancer asks for it.
    pub in_system: Vec<u32>,
    /// Where they stand on a ring, up or not. Empty where no balancer asks for it.
    pub ring: Ring,
    /// The table of those that are up. Empty where no balancer asks for it.
    pub maglev: Maglev,
    /// What part of the requests each is meant for, by replica number, over and over; empty when all are equal.
    pub weights: Vec<u32>,
    /// How those that have just come get their weight, and since when each is up, by replica number.
    pub slow_start: Option<(SlowStartSettings, Vec<Time>)>,
}

impl Fleet {
    /// The weight of a replica as in the file.
    pub fn written_weight(&self, replica: u32) -> u32 {
        if self.weights.is_empty() { 1 } else { self.weights[replica as usize % self.weights.len()] }
    }

    /// The weight of a replica at `now`.
    pub fn weight(&self, now: Time, replica: u32) -> f64 {
        let weight = f64::from(self.written_weight(replica));
        match &self.slow_start {
            None => weight,
            Some((settings, since)) => weight * settings.share(now.since(since[replica as usize])),
        }
    }

    /// Whether some of `up` have another weight than others at `now`.
    #[inline]
    pub fn is_weighted(&self, now: Time, up: &[u32]) -> bool {
        (!self.weights.is_empty() || self.slow_start.is_some()) && self.differs(now, up)
    }

    fn differs(&self, now: Time, up: &[u32]) -> bool {
        let mut weights = up.iter().map(|replica| self.weight(now, *replica));
        weights.next().is_some_and(|first| weights.any(|weight| weight != first))
    }

    /// Replicas came or went: `up` is as it is from now on.
    pub fn changed(&mut self) {
        if !self.maglev.is_empty() {
            let weights = self.up.iter().map(|replica| (*replica, self.written_weight(*replica))).collect::<Vec<_>>();
            self.maglev = Maglev::new(&weights);
        }
    }
}

/// A balancer is asked for a replica.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'f> {
    /// When.
    pub now: Time,
    /// The numbers of those that may be picked, ascending: some of those that are up, at least one.
    pub up: &'f [u32],
    /// All that is known of the service.
    pub fleet: &'f Fleet,
    /// What the request is about, if it is about something.
    pub key: Option<u32>,
}

/// What the kernel tells and asks a balancer. One per caller replica and callee service.
pub trait Balancer: Send {
    /// The replica for the next attempt: one of those in `up`.
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32;

    /// An attempt went to `replica`.
    fn started(&mut self, replica: u32);

    /// An attempt at `replica` ended for this client (answered, failed or given up) at `now`, after `rtt`.
    fn ended(&mut self, now: Time, replica: u32, rtt: Span, outcome: Outcome);
}

/// The balancer of one client instance: a built-in one without indirection, or one of a library user's own.
pub enum AnyBalancer {
    /// [`Balance::RoundRobin`].
    RoundRobin(RoundRobin),
    /// [`Balance::Random`], which remembers nothing.
    Random,
    /// [`Balance::LeastRequest`].
    LeastRequest(LeastRequest),
    /// [`Balance::PowerOfTwo`].
    PowerOfTwo(PowerOfTwo),
    /// [`Balance::JoinShortest`].
    JoinShortest(JoinShortest),
    /// [`Balance::PeakEwma`].
    PeakEwma(PeakEwma),
    /// [`Balance::RingHash`].
    RingHash(RingHash),
    /// Always this one: the caller is in the same process.
    Own(u32),
    /// [`Balance::Maglev`], whose table is the fleet's.
    Maglev,
    /// Anything else.
    Custom(Box<dyn Balancer>),
}

impl AnyBalancer {
    /// The built-in balancer for `balance`, at its start.
    pub fn from_settings(balance: Balance) -> AnyBalancer {
        match balance {
            Balance::RoundRobin => AnyBalancer::RoundRobin(RoundRobin::default()),
            Balance::Random => AnyBalancer::Random,
            Balance::LeastRequest => AnyBalancer::LeastRequest(LeastRequest::default()),
            Balance::PowerOfTwo => AnyBalancer::PowerOfTwo(PowerOfTwo::default()),
            Balance::JoinShortest => AnyBalancer::JoinShortest(JoinShortest),
            Balance::PeakEwma => AnyBalancer::PeakEwma(PeakEwma::default()),
            Balance::RingHash => AnyBalancer::RingHash(RingHash),
            Balance::Maglev => AnyBalancer::Maglev,
        }
    }

    /// Whether it wants to hear of attempts: to the others, [`Balancer::started`] and [`Balancer::ended`] mean nothing.
    #[inline(always)]
    pub fn listens(&self) -> bool {
        matches!(
            self,
            AnyBalancer::LeastRequest(_)
                | AnyBalancer::PowerOfTwo(_)
                | AnyBalancer::PeakEwma(_)
                | AnyBalancer::Custom(_)
        )
    }
}

impl Balancer for AnyBalancer {
    #[inline]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        match self {
            AnyBalancer::RoundRobin(balancer) => balancer.pick(ask, stream),
            AnyBalancer::Random if ask.fleet.is_weighted(ask.now, ask.up) => weighted::random(ask, stream),
            AnyBalancer::Random => any(ask.up, stream),
            AnyBalancer::LeastRequest(balancer) => balancer.pick(ask, stream),
            AnyBalancer::PowerOfTwo(balancer) => balancer.pick(ask, stream),
            AnyBalancer::JoinShortest(balancer) => balancer.pick(ask, stream),
            AnyBalancer::PeakEwma(balancer) => balancer.pick(ask, stream),
            AnyBalancer::RingHash(balancer) => balancer.pick(ask, stream),
            AnyBalancer::Own(number) => *number,
            AnyBalancer::Maglev => maglev::pick(ask, stream),
            AnyBalancer::Custom(balancer) => balancer.pick(ask, stream),
        }
    }

    fn started(&mut self, replica: u32) {
        match self {
            AnyBalancer::LeastRequest(balancer) => balancer.started(replica),
            AnyBalancer::PowerOfTwo(balancer) => balancer.started(replica),
            AnyBalancer::PeakEwma(balancer) => balancer.started(replica),
            AnyBalancer::Custom(balancer) => balancer.started(replica),
            AnyBalancer::RoundRobin(_)
            | AnyBalancer::Random
            | AnyBalancer::JoinShortest(_)
            | AnyBalancer::RingHash(_)
            | AnyBalancer::Own(_)
            | AnyBalancer::Maglev => {}
        }
    }

    fn ended(&mut self, now: Time, replica: u32, rtt: Span, outcome: Outcome) {
        match self {
            AnyBalancer::LeastRequest(balancer) => balancer.ended(now, replica, rtt, outcome),
            AnyBalancer::PowerOfTwo(balancer) => balancer.ended(now, replica, rtt, outcome),
            AnyBalancer::PeakEwma(balancer) => balancer.ended(now, replica, rtt, outcome),
            AnyBalancer::RoundRobin(balancer) => balancer.ended(now, replica, rtt, outcome),
            AnyBalancer::Custom(balancer) => balancer.ended(now, replica, rtt, outcome),
            AnyBalancer::Random
            | AnyBalancer::JoinShortest(_)
            | AnyBalancer::RingHash(_)
            | AnyBalancer::Own(_)
            | AnyBalancer::Maglev => {}
        }
    }
}

/// Any of `up`, with equal chance.
#[inline]
fn any(up: &[u32], stream: &mut Stream) -> u32 {
    let count = u32::try_from(up.len()).expect("a service has fewer than 2^32 replicas");
    up[stream.below(count) as usize]
}

/// Two different ones of `up`, with equal chances; the same one twice where there is no other.
#[inline]
fn two(up: &[u32], stream: &mut Stream) -> (u32, u32) {
    let count = u32::try_from(up.len()).expect("a service has fewer than 2^32 replicas");
    if count == 1 {
        return (up[0], up[0]);
    }
    let first = stream.below(count);
    let second = stream.below(count - 1);
    (up[first as usize], up[(second + u32::from(second >= first)) as usize])
}

/// Calls of one client by replica.
#[derive(Clone, Debug, Default)]
struct Outstanding(Vec<u32>);

impl Outstanding {
    #[inline]
    fn of(&self, replica: u32) -> u32 {
        self.0.get(replica as usize).copied().unwrap_or(0)
    }

    #[inline]
    fn started(&mut self, replica: u32) {
        let place = replica as usize;
        if place >= self.0.len() {
            self.0.resize(place + 1, 0);
        }
        self.0[place] += 1;
    }

    #[inline]
    fn ended(&mut self, replica: u32) {
        let calls = self.0.get_mut(replica as usize);
        debug_assert!(calls.as_ref().is_some_and(|calls| **calls > 0), "an attempt ends after it started");
        if let Some(calls) = calls {
            *calls = calls.saturating_sub(1);
        }
    }
}
