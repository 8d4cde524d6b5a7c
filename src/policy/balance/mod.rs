//! Load balancing: which replica gets the next attempt. It belongs to the client.

mod join_shortest;
mod least_request;
mod round_robin;

use crate::base::random::Stream;

pub use join_shortest::JoinShortest;
pub use least_request::LeastRequest;
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
}

/// What the kernel tells and asks a balancer. One per caller replica and callee service.
pub trait Balancer: Send {
    /// The replica for the next attempt: an element of `up` (never empty, ascending replica numbers).
    /// `in_system[r]` is the number of requests that replica `r` holds, waiting or in service.
    fn pick(&mut self, up: &[u32], in_system: &[u32], stream: &mut Stream) -> u32;

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
        }
    }
}

impl Balancer for AnyBalancer {
    #[inline]
    fn pick(&mut self, up: &[u32], in_system: &[u32], stream: &mut Stream) -> u32 {
        match self {
            AnyBalancer::RoundRobin(balancer) => balancer.pick(up, in_system, stream),
            AnyBalancer::Random => any(up, stream),
            AnyBalancer::LeastRequest(balancer) => balancer.pick(up, in_system, stream),
            AnyBalancer::JoinShortest(balancer) => balancer.pick(up, in_system, stream),
            AnyBalancer::Custom(balancer) => balancer.pick(up, in_system, stream),
        }
    }

    #[inline]
    fn started(&mut self, replica: u32) {
        match self {
            AnyBalancer::RoundRobin(_) | AnyBalancer::Random | AnyBalancer::JoinShortest(_) => {}
            AnyBalancer::LeastRequest(balancer) => balancer.started(replica),
            AnyBalancer::Custom(balancer) => balancer.started(replica),
        }
    }

    #[inline]
    fn ended(&mut self, replica: u32) {
        match self {
            AnyBalancer::RoundRobin(_) | AnyBalancer::Random | AnyBalancer::JoinShortest(_) => {}
            AnyBalancer::LeastRequest(balancer) => balancer.ended(replica),
            AnyBalancer::Custom(balancer) => balancer.ended(replica),
        }
    }
}

/// Any of `up`, with equal chance.
#[inline]
fn any(up: &[u32], stream: &mut Stream) -> u32 {
    let count = u32::try_from(up.len()).expect("a service has fewer than 2^32 replicas");
    up[stream.below(count) as usize]
}
