//! How connections come in at a process that does not take on all of them.

use crate::base::time::Span;
use crate::mechanism::acceptor::{Acceptance, Acceptor};
use crate::mechanism::connection::ConnectionId;
use crate::model::{Acceptance as Limits, Limit};

use super::agenda::{Agenda, Event};
use super::engine::Engine;
use super::observer::Observer;
use super::transport::FIRST_PACKET_TIMEOUT;
use super::world::limit;

/// Connections that come in, by port and name.
pub(super) type Door = Acceptor<(u32, ConnectionId)>;

pub(super) fn door(limits: &Limits) -> Option<Box<Door>> {
    let Limit::AtMost(most) = limits.max else { return None };
    Some(Box::new(Acceptor::new(most, limit(limits.queue))))
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// A connection that is being opened reaches a replica with a door; `true` when it is taken on. One that is ignored is
    /// tried again, since its client takes its packet for lost.
    pub(super) fn comes_in(&mut self, port: u32, connection: ConnectionId) -> bool {
        let now = self.now();
        let Some(line) = self.world.ports[port as usize].line.as_mut() else { return false };
        let Some(it) = line.connections.at_mut(connection) else { return false };
        if it.is_at_server {
            return true;
        }
        let replica = &mut self.world.replicas[it.replica as usize];
        let Some(door) = &mut replica.door else { return true };
        let acceptance = door.arrive((port, connection));
        it.is_at_server = acceptance != Acceptance::Ignored;
        match acceptance {
            Acceptance::Accepted => return true,
            Acceptance::Waits => {}
            Acceptance::Ignored => {
                let wait = FIRST_PACKET_TIMEOUT.as_nanos() << u32::from(it.ignored).min(30);
                it.ignored = it.ignored.saturating_add(1);
                self.agenda.at(now + Span::from_nanos(wait), Event::Dial { port, connection });
            }
        }
        self.observer.comes_in(replica.service, now, acceptance);
        false
    }

    /// Connections of a port that were at a server are closed: others come in.
    #[cold]
    pub(super) fn makes_room(&mut self, port: u32) {
        let now = self.now();
        let Some(line) = self.world.ports[port as usize].line.as_mut() else { return };
        for (replica, connection) in line.connections.take_left() {
            let door = self.world.replicas[replica as usize].door.as_mut();
            if let Some((port, connection)) = door.and_then(|door| door.leave((port, connection))) {
                self.agenda.at(now, Event::Dial { port, connection });
            }
        }
    }
}
