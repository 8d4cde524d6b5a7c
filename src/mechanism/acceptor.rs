//! Where connections to one process come in: so many are taken on, so many more wait in the backlog of the operating system,
//! and what comes then is ignored, so that its client tries again. Decisions only: whose connections these are, and when they
//! try again, is the kernel's business.

use std::collections::VecDeque;

/// What becomes of a connection that comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acceptance {
    /// It is taken on.
    Accepted,
    /// It is there, but nobody has taken it on.
    Waits,
    /// Nobody answers it.
    Ignored,
}

/// See the module. `T` names a connection.
#[derive(Clone, Debug)]
pub struct Acceptor<T> {
    most: u32,
    places: u32,
    accepted: u32,
    waiting: VecDeque<T>,
}

impl<T: Copy + PartialEq> Acceptor<T> {
    /// Nothing has come yet. So many connections are taken on at `most`; behind them `backlog` wait, and one more: the
    /// acceptor takes it off the backlog before it learns that there is no room (Tomcat's `AbstractEndpoint`).
    pub fn new(most: u32, backlog: u32) -> Acceptor<T> {
        Acceptor { most, places: backlog.saturating_add(1), accepted: 0, waiting: VecDeque::new() }
    }

    /// A connection comes.
    pub fn arrive(&mut self, connection: T) -> Acceptance {
        if self.accepted < self.most {
            self.accepted += 1;
            return Acceptance::Accepted;
        }
        if self.waiting.len() as u64 >= u64::from(self.places) {
            return Acceptance::Ignored;
        }
        self.waiting.push_back(connection);
        Acceptance::Waits
    }

    /// A connection is closed that was taken on or waited. The one that is taken on for it, if any.
    pub fn leave(&mut self, connection: T) -> Option<T> {
        if let Some(place) = self.waiting.iter().position(|it| *it == connection) {
            self.waiting.remove(place);
            return None;
        }
        let next = self.waiting.pop_front();
        self.accepted -= u32::from(next.is_none());
        next
    }

    /// Connections that are taken on.
    pub fn accepted(&self) -> u32 {
        self.accepted
    }

    /// Connections that wait to be taken on.
    pub fn waiting(&self) -> u32 {
        self.waiting.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_for_who_waits_longest() {
        let mut acceptor = Acceptor::new(2, 1);
        let came: Vec<Acceptance> = (0..5).map(|it| acceptor.arrive(it)).collect();
        use Acceptance::{Accepted, Ignored, Waits};
        assert_eq!(came, [Accepted, Accepted, Waits, Waits, Ignored]);
        // One that waits gives up: nobody is taken on for it, but there is a place again.
        assert_eq!(acceptor.leave(2), None);
        assert_eq!((acceptor.accepted(), acceptor.waiting()), (2, 1));
        assert_eq!(acceptor.arrive(5), Waits);
        assert_eq!((acceptor.leave(0), acceptor.leave(1), acceptor.leave(3)), (Some(3), Some(5), None));
        assert_eq!((acceptor.accepted(), acceptor.waiting()), (1, 0));
        assert_eq!(acceptor.arrive(6), Accepted);
    }
}
