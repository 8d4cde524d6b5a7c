//! The replica that holds the fewest requests, as if one could know without asking: the ideal of balancing.

use crate::base::random::Stream;
use crate::base::time::{Span, Time};
use crate::policy::Outcome;

use super::{Ask, Balancer};

/// Remembers nothing; draws only where there is a tie.
#[derive(Clone, Copy, Debug, Default)]
pub struct JoinShortest;

impl Balancer for JoinShortest {
    #[inline]
    fn pick(&mut self, ask: &Ask<'_>, stream: &mut Stream) -> u32 {
        let (up, fleet) = (ask.up, ask.fleet);
        let requests = |replica: u32| fleet.in_system[replica as usize];
        let mut shortest = up[0];
        let mut ties = 1;
        for &replica in &up[1..] {
            if requests(replica) < requests(shortest) {
                (shortest, ties) = (replica, 1);
            } else if requests(replica) == requests(shortest) {
                ties += 1;
            }
        }
        if ties == 1 {
            return shortest;
        }
        let winner = stream.below(ties) as usize;
        let mut equals = up.iter().filter(|replica| requests(**replica) == requests(shortest));
        *equals.nth(winner).expect("as many as were counted")
    }

    fn started(&mut self, _replica: u32) {}

    fn ended(&mut self, _now: Time, _replica: u32, _rtt: Span, _outcome: Outcome) {}
}
