//! The request that a call sends: the frame that its caller waits for.

use crate::base::random::Key;
use crate::base::time::Time;

use super::agenda::Ticket;
use super::frame::{Frame, flag};
use super::program::Program;
use super::world::Route;

/// The request that a frame, which waits with `ticket`, sends along an edge to replica `number` of the callee.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "what it is made of")]
pub(super) fn request(
    program: &Program,
    route: &Route,
    frame: &mut Frame,
    ticket: Ticket,
    place: Key,
    edge: u32,
    number: u32,
    deadline: Time,
) -> Frame {
    frame.target = route.first_replica + number;
    Frame {
        deadline,
        pc: route.start,
        edge,
        replica: frame.target,
        service: route.service,
        request_key: frame.request_key,
        rank: program.rank(frame.pc - 1, frame.rank),
        flags: frame.flags & (flag::ABANDONED | flag::POISONED) | route.flags,
        ..Frame::new(place, ticket)
    }
}
