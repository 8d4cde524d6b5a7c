//! What disturbs a process of itself: pauses of its garbage collector, and a neighbour on the same machine. They come
//! by chance or by what the process does; faults come at given times, and stand in `trouble`.

use crate::base::distribution::Distribution;
use crate::base::random::{Key, Stream};
use crate::base::time::Span;
use crate::model::{GcTrigger, Service};

use super::agenda::{Agenda, Event};
use super::engine::Engine;
use super::observer::Observer;

/// What disturbs one replica.
pub(super) struct Disturbance {
    gc: Option<Gc>,
    neighbour: Option<Neighbour>,
    /// Whether it has begun, which it does when its replica first starts.
    has_begun: bool,
}

struct Gc {
    trigger: Trigger,
    pause: Draws,
    is_on: bool,
}

enum Trigger {
    /// As long after the last pause.
    Every(Draws),
    /// So many bytes since the last pause, of so many that may be.
    Allocated(u64, u64),
}

struct Neighbour {
    quiet: Draws,
    noisy: Draws,
    slow: f64,
    is_on: bool,
}

/// A sequence of lengths of time that belong to no request.
struct Draws {
    lengths: Distribution,
    stream: Stream,
}

impl Draws {
    fn new(lengths: Distribution, seed: u64, name: &str) -> Draws {
        Draws { lengths, stream: Stream::new(seed, name) }
    }

    /// The next one. Never zero, or what repeats without an end would stop the clock.
    fn next(&mut self) -> Span {
        let key = Key::default().child(self.stream.next_u64());
        self.lengths.sample(key.draws()).max(Span::from_nanos(1))
    }
}

impl Disturbance {
    /// Of replica `number` of a service, if it has any.
    pub(super) fn new(service: &Service, number: u32, seed: u64) -> Option<Box<Disturbance>> {
        let name = |what: &str| format!("service/{}/replica/{number}/{what}", service.name);
        let gc = service.gc.as_ref().map(|gc| Gc {
            trigger: match &gc.trigger {
                GcTrigger::Every(every) => Trigger::Every(Draws::new(every.clone(), seed, &name("gc/every"))),
                GcTrigger::Allocated(size) => Trigger::Allocated(0, size.as_bytes()),
            },
            pause: Draws::new(gc.pause.clone(), seed, &name("gc/pause")),
            is_on: false,
        });
        let neighbour = service.neighbour.as_ref().map(|neighbour| Neighbour {
            quiet: Draws::new(neighbour.every.clone(), seed, &name("neighbour/every")),
            noisy: Draws::new(neighbour.lasts.clone(), seed, &name("neighbour/for")),
            slow: neighbour.slow,
            is_on: false,
        });
        (gc.is_some() || neighbour.is_some()).then(|| Box::new(Disturbance { gc, neighbour, has_begun: false }))
    }

    /// Whether the process stands still.
    pub(super) fn pauses(&self) -> bool {
        self.gc.as_ref().is_some_and(|gc| gc.is_on)
    }

    /// Work takes this many times as long.
    pub(super) fn slow(&self) -> f64 {
        self.neighbour.as_ref().filter(|neighbour| neighbour.is_on).map_or(1.0, |neighbour| neighbour.slow)
    }

    fn gc(&mut self) -> &mut Gc {
        self.gc.as_mut().expect("only a process with a collector is told of it")
    }

    fn neighbour(&mut self) -> &mut Neighbour {
        self.neighbour.as_mut().expect("only a process with a neighbour is told of him")
    }
}

impl<A: Agenda, O: Observer> Engine<'_, A, O> {
    /// Enters the first of all disturbances.
    pub(super) fn enter_disturbances(&mut self) {
        for index in 0..self.world.replicas.len() as u32 {
            if !self.world.replicas[index as usize].condition.down {
                self.enter_disturbance(index);
            }
        }
    }

    /// Enters the first disturbance of a replica, unless that was done before.
    pub(super) fn enter_disturbance(&mut self, index: u32) {
        let now = self.now();
        let disturbance = self.world.replicas[index as usize].disturbance.as_mut();
        let Some(disturbance) = disturbance.filter(|disturbance| !disturbance.has_begun) else { return };
        disturbance.has_begun = true;
        if let Some(Gc { trigger: Trigger::Every(every), .. }) = &mut disturbance.gc {
            self.agenda.at(now + every.next(), Event::GcStart(index));
        }
        if let Some(neighbour) = &mut disturbance.neighbour {
            self.agenda.at(now + neighbour.quiet.next(), Event::NoiseStart(index));
        }
    }

    fn disturbance(&mut self, replica: u32) -> &mut Disturbance {
        self.world.replicas[replica as usize].disturbance.as_mut().expect("only who is disturbed is told so")
    }

    /// A handler leaves memory behind: when it is too much, the process will stand still, once what happens now is over.
    #[inline(never)]
    pub(super) fn allocate(&mut self, replica: u32, bytes: u64) {
        let gc = self.disturbance(replica).gc();
        let Trigger::Allocated(allocated, room) = &mut gc.trigger else { return };
        let had_room = *allocated < *room;
        *allocated += bytes;
        if had_room && *allocated >= *room {
            self.soon.push_back(Event::GcStart(replica));
        }
    }

    /// A pause begins.
    pub(super) fn gc_starts(&mut self, replica: u32) {
        let now = self.now();
        let gc = self.disturbance(replica).gc();
        gc.is_on = true;
        if let Trigger::Allocated(allocated, _) = &mut gc.trigger {
            *allocated = 0;
        }
        let pause = gc.pause.next();
        self.agenda.at(now + pause, Event::GcEnd(replica));
        self.refresh_replica(replica);
    }

    /// A pause ends.
    pub(super) fn gc_ends(&mut self, replica: u32) {
        let now = self.now();
        let gc = self.disturbance(replica).gc();
        gc.is_on = false;
        if let Trigger::Every(every) = &mut gc.trigger {
            let next = every.next();
            self.agenda.at(now + next, Event::GcStart(replica));
        }
        self.refresh_replica(replica);
    }

    /// The neighbour becomes noisy.
    pub(super) fn noise_starts(&mut self, replica: u32) {
        let now = self.now();
        let neighbour = self.disturbance(replica).neighbour();
        neighbour.is_on = true;
        let noisy = neighbour.noisy.next();
        self.agenda.at(now + noisy, Event::NoiseEnd(replica));
        self.refresh_replica(replica);
    }

    /// The neighbour becomes quiet.
    pub(super) fn noise_ends(&mut self, replica: u32) {
        let now = self.now();
        let neighbour = self.disturbance(replica).neighbour();
        neighbour.is_on = false;
        let quiet = neighbour.quiet.next();
        self.agenda.at(now + quiet, Event::NoiseStart(replica));
        self.refresh_replica(replica);
    }
}
