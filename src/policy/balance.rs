//! Load balancing: which replica gets the next attempt. It belongs to the client.

use crate::base::random::Stream;

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
