//! Load balancing: which replica gets the next attempt. It belongs to the client.

mod join_shortest;
mod least_request;
mod ring_hash;
mod round_robin;

use crate::base::random::Stream;

pub use join_shortest::JoinShortest;
pub use least_request::LeastRequest;
pub use ring_hash::{Ring, RingHash};
pub use round_robin::RoundRobin;

/// The balancers that a client can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One after the other, from a random start.
    RoundRobin,
    /// Any, with equal chance.
    Random,
    /// The one of two random replicas to which this client has fewer calls outstanding.
    LeastRequest,
    /// The one with the fewest requests in it, known without delay; ties are broken by chance.
    JoinShortest,
    /// The one that the key of the request leads to on a ring of hashes. A request without a key goes to any.
    RingHash,
}

impl Balance {
    /// Every balancer.
    pub const ALL: [Balance; 5] =
        [Balance::RoundRobin, Balance::Random, Balance::LeastRequest, Balance::JoinShortest, Balance::RingHash];
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
}

/// What the kernel tells and asks a balancer. One per caller replica and callee service.
pub trait Balancer: Send {
    /// The replica for the next attempt: one of those in `fleet` that are up, of which there is at least one. `key` is
    /// what the request is about, if it is about something.
    fn pick(&mut self, fleet: &Fleet, key: Option<u32>, stream: &mut Stream) -> u32;

    /// An attempt went to `replica`.
    fn started(&mut self, replica: u32);

    /// An attempt at `replica` ended for this client (answered, failed or given up).
    fn ended(&mut self, replica: u32);
}

/// The balancer of one client instance: a built-in one without indirection, or one of a library user's own.
pub enum AnyBalancer {
    /// [`Balance::RoundRobin`].
    RoundRobin(RoundRobin),
    /// [`Balance::Random`], which remembers nothing.
    Random,
    /// [`Balance::LeastRequest`].
    LeastRequest(LeastRequest),
    /// [`Balance::JoinShortest`].
    JoinShortest(JoinShortest),
    /// [`Balance::RingHash`].
    RingHash(RingHash),
    /// Always this one: the caller is in the same process.
    Own(u32),
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
            Balance::JoinShortest => AnyBalancer::JoinShortest(JoinShortest),
            Balance::RingHash => AnyBalancer::RingHash(RingHash),
        }
    }
}

impl Balancer for AnyBalancer {
    #[inline]
    fn pick(&mut self, fleet: &Fleet, key: Option<u32>, stream: &mut Stream) -> u32 {
        match self {
            AnyBalancer::RoundRobin(balancer) => balancer.pick(fleet, key, stream),
            AnyBalancer::Random => any(&fleet.up, stream),
            AnyBalancer::LeastRequest(balancer) => balancer.pick(fleet, key, stream),
            AnyBalancer::JoinShortest(balancer) => balancer.pick(fleet, key, stream),
            AnyBalancer::RingHash(balancer) => balancer.pick(fleet, key, stream),
            AnyBalancer::Own(number) => *number,
            AnyBalancer::Custom(balancer) => balancer.pick(fleet, key, stream),
        }
    }

    #[inline]
    fn started(&mut self, replica: u32) {
        match self {
            AnyBalancer::LeastRequest(balancer) => balancer.started(replica),
            AnyBalancer::Custom(balancer) => balancer.started(replica),
            AnyBalancer::RoundRobin(_)
            | AnyBalancer::Random
            | AnyBalancer::JoinShortest(_)
            | AnyBalancer::RingHash(_)
            | AnyBalancer::Own(_) => {}
        }
    }

    #[inline]
    fn ended(&mut self, replica: u32) {
        match self {
            AnyBalancer::LeastRequest(balancer) => balancer.ended(replica),
            AnyBalancer::Custom(balancer) => balancer.ended(replica),
            AnyBalancer::RoundRobin(_)
            | AnyBalancer::Random
            | AnyBalancer::JoinShortest(_)
            | AnyBalancer::RingHash(_)
            | AnyBalancer::Own(_) => {}
        }
    }
}

/// Any of `up`, with equal chance.
#[inline]
fn any(up: &[u32], stream: &mut Stream) -> u32 {
    let count = u32::try_from(up.len()).expect("a service has fewer than 2^32 replicas");
    up[stream.below(count) as usize]
}
