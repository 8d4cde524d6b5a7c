//! Frames: what is in flight. A frame is a request in a handler, a branch of one, or a user's request; it
//! lives in a slab from the moment it is sent until it ends, and memory is what is in flight, no more.

use std::ops::{Index, IndexMut};

use crate::base::random::Key;
use crate::base::time::Time;
use crate::model::Workload;

use super::agenda::Ticket;
use super::observer::Watch;

/// No frame.
pub(super) const NONE: u32 = u32::MAX;

/// The parent of a frame that brings a message to its handler; its `parent_token` is the worker. To the kernel it is a
/// user who stands in a replica.
pub(super) const DELIVERY: u32 = u32::MAX - 1;

/// What a frame is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum State {
    /// Not in use.
    Free,
    /// On its way to its replica.
    Travelling,
    /// A newcomer in the queue for a thread.
    Waiting,
    /// Was handed a thread and is about to start or go on.
    Starting,
    /// Between two operations.
    Running,
    /// Using the CPU; `mark` is the end, unless the cores are shared.
    Working,
    /// Using the CPU of a frozen replica; `mark` is what is left, as nanoseconds.
    Frozen,
    /// Waiting without the CPU.
    Sleeping,
    /// Waiting for a connection to send its attempt; `mark` is since when.
    Connecting,
    /// Waiting at the client's gate to send its attempt; `pending` is for what.
    Held,
    /// Waiting for an answer; `mark` is when the attempt was sent.
    Calling,
    /// Waiting for the rest of an answer that has begun to stream in; `mark` is when the attempt was sent.
    Streaming,
    /// At one end of a stream, waiting for the other: a handler for room in the window, a reader for a message.
    Blocked,
    /// Waiting for the first good answer of several attempts; `mark` is when the next one is due, if ever.
    Hedging,
    /// Waiting to try again.
    BackingOff,
    /// Waiting until a message is stored, handled, or taken by the client library.
    Publishing,
    /// Waiting to publish again.
    Republishing,
    /// Waiting for branches.
    Joining,
    /// Served before, waiting for a thread to go on; `mark` is what is left of work that was interrupted, as
    /// nanoseconds.
    ComingBack,
    /// Waiting for a permit of a pool; `mark` is since when.
    Acquiring,
    /// Waiting for what another one fetches.
    Coalescing,
    /// What it waited for has failed, which it learns in a moment.
    Failing,
    /// A branch that has ended while its parent still waits for others.
    Done,
}

/// Facts about a frame that are true or not.
pub(super) mod flag {
    /// A user's request: `parent` is the user, `parent_token` the workload.
    pub(crate) const USER: u16 = 1;
    /// A branch: it runs on its parent's replica and, when handlers block, on its parent's thread.
    pub(crate) const BRANCH: u16 = 2;
    /// Holds a thread.
    pub(crate) const THREAD: u16 = 4;
    /// Has had a thread.
    pub(crate) const STARTED: u16 = 8;
    /// Its caller has his answer, or there is none to answer.
    pub(crate) const REPLIED: u16 = 16;
    /// Nobody waits for it any more, directly or further up.
    pub(crate) const ABANDONED: u16 = 32;
    /// Was told to stop.
    pub(crate) const CANCELLED: u16 = 64;
    /// Its job is on shared cores.
    pub(crate) const ON_CORES: u16 = 128;
    /// A branch whose failure counts as a success.
    pub(crate) const OPTIONAL: u16 = 256;
    /// Was interrupted in the middle of its work.
    pub(crate) const INTERRUPTED: u16 = 512;
    /// Works, and may be interrupted.
    pub(crate) const PREEMPTIBLE: u16 = 1024;
    /// Has something to give back: a permit, or an answer to those who wait for what it fetches.
    pub(crate) const OWES: u16 = 2048;
    /// Fetches for a cache in the background; a branch of nobody.
    pub(crate) const BACKGROUND: u16 = 4096;
    /// A branch that is one attempt of its parent's call.
    pub(crate) const HEDGE: u16 = 8192;
    /// Works on the handshake of a connection; always a branch.
    pub(crate) const HANDSHAKE: u16 = 16384;
    /// Handles a poisoned message, or brings one to its handler; never a branch.
    pub(crate) const POISONED: u16 = HANDSHAKE;
    /// Runs on a worker of a consumer, and needs no thread of a pool.
    pub(crate) const WORKER: u16 = 32768;
}

/// Beside the priority in [`Frame::rank`]: the observer wants to know on what the frame spends its time, and those that it
/// causes.
pub(super) const WATCHED: u8 = 128;
/// The same: what they do, too.
pub(super) const TRACED: u8 = 64;
/// Both of them.
pub(super) const TOLD: u8 = WATCHED | TRACED;
/// It was sent as the first request on its connection, or because of one that was: the answer may be the first, too. Without
/// it the answer is not.
pub(super) const COLD: u8 = 32;
/// All that stands beside the priority.
pub(super) const BESIDE: u8 = TOLD | COLD;

/// See the module. Fields are plain: the engine is their only user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Names its draws.
    pub(super) key: Key,
    /// When it reached its replica; a user's request: when it was meant to start.
    pub(super) arrived: Time,
    /// See [`State`].
    pub(super) mark: Time,
    /// Until when an answer is wanted, if it was told.
    pub(super) deadline: Time,
    /// Who waits for it.
    pub(super) parent: u32,
    /// The parent's token as long as he waits for this.
    pub(super) parent_token: u32,
    /// Bumped whenever what it waits for changes.
    pub(super) token: u32,
    /// Bumped when the frame is freed.
    pub(super) generation: u32,
    /// Place in the program.
    pub(super) pc: u32,
    /// Position in nested repeats, in mixed radix.
    pub(super) iteration: u32,
    /// The frame it waits for: the callee's, the first branch, or the latest attempt of a call with hedges. Of one that
    /// publishes: how the attempt before ended.
    pub(super) child: u32,
    /// The next branch of the same parent; the next free frame.
    pub(super) sibling: u32,
    /// The edge along which its answer goes.
    pub(super) edge: u32,
    /// Where it runs, across services; [`NONE`] for a user's request.
    pub(super) replica: u32,
    /// Whose replica that is.
    pub(super) service: u32,
    /// The replica that it has called; before that, the edge by which it was handed over.
    pub(super) target: u32,
    /// Branches that still run; the connection of an attempt, [`NONE`] as long as it has none.
    pub(super) pending: u32,
    /// Branches that must still succeed; a call's attempt number, the first being 1; bytes of a request that is still to be
    /// read.
    pub(super) count: u32,
    /// What the user's request is about, the same for all that it causes; [`NONE`] if nothing in particular.
    pub(super) request_key: u32,
    pub(super) state: State,
    /// How important it is (9 goes first, 0 last), [`WATCHED`], [`TRACED`] and [`COLD`].
    pub(super) rank: u8,
    pub(super) flags: u16,
}

const _: () = assert!(size_of::<Frame>() <= 96);

impl Frame {
    /// A frame that has just been made for `parent`.
    #[inline(always)]
    pub(super) fn new(key: Key, parent: Ticket) -> Frame {
        Frame {
            key,
            arrived: Time::ZERO,
            mark: Time::ZERO,
            deadline: Time::MAX,
            parent: parent.frame,
            parent_token: parent.token,
            token: 0,
            generation: 0,
            pc: 0,
            iteration: 0,
            child: NONE,
            sibling: NONE,
            edge: NONE,
            replica: NONE,
            service: NONE,
            target: NONE,
            pending: 0,
            count: 0,
            request_key: NONE,
            state: State::Travelling,
            rank: Workload::PRIORITY,
            flags: 0,
        }
    }

    #[inline]
    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// How important it is: 9 goes first, 0 last.
    #[inline]
    pub(super) fn priority(&self) -> u8 {
        self.rank & !BESIDE
    }

    /// Whether the observer wants to know on what it spends its time.
    #[inline]
    pub(super) fn is_watched(&self) -> bool {
        self.rank & WATCHED != 0
    }

    /// Whether the observer wants to know what it does.
    #[inline]
    pub(super) fn is_traced(&self) -> bool {
        self.rank & TRACED != 0
    }

    /// Whether its answer may be the first on its connection.
    #[inline]
    pub(super) fn is_cold(&self) -> bool {
        self.rank & COLD != 0
    }

    /// The observer is told so much of it from now on, and of all that it causes.
    #[inline]
    pub(super) fn tell(&mut self, watch: Watch) {
        self.rank |= match watch {
            Watch::Nothing => 0,
            Watch::Times => WATCHED,
            Watch::Deeds => TOLD,
        };
    }

    /// The key of the present attempt of its call, which stands at the place that `salt` names.
    #[inline]
    pub(super) fn place(&self, salt: u64) -> Key {
        self.key.child(salt ^ (u64::from(self.iteration) << 16) ^ u64::from(self.count))
    }

    /// Makes every ticket to it stale, which has the number `id`, and returns the new one.
    #[inline]
    pub(super) fn renew(&mut self, id: u32) -> Ticket {
        self.token = self.token.wrapping_add(1);
        Ticket { frame: id, token: self.token }
    }

    /// Who waits for it.
    #[inline]
    pub(super) fn parent_ticket(&self) -> Ticket {
        Ticket { frame: self.parent, token: self.parent_token }
    }
}

/// The slab of frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    frames: Vec<Frame>,
    free: u32,
    /// Whether anybody asks what a frame does something for.
    knows_origins: bool,
    /// If so, the answer, by frame.
    origins: Vec<Key>,
}

impl Frames {
    /// `knows_origins` when somebody asks for [`Frames::origin`].
    pub(super) fn new(knows_origins: bool) -> Frames {
        Frames { frames: Vec::new(), free: NONE, knows_origins, origins: Vec::new() }
    }

    /// What a frame does something for: the same for all attempts at the same thing.
    pub(super) fn origin(&self, id: u32) -> Key {
        self.origins.get(id as usize).copied().unwrap_or(self.frames[id as usize].key)
    }

    /// A frame does something for this.
    #[inline]
    pub(super) fn set_origin(&mut self, id: u32, origin: Key) {
        if self.knows_origins {
            self.origins[id as usize] = origin;
        }
    }

    /// A frame does a part of what another one is for: that which stands at `place` there.
    #[inline]
    pub(super) fn inherit_origin(&mut self, id: u32, from: u32, place: u64) {
        if self.knows_origins {
            self.origins[id as usize] = self.origins[from as usize].child(place);
        }
    }

    /// Puts a frame into a free place. Its token and generation go on from those of the last tenant.
    #[inline(always)]
    pub(super) fn insert(&mut self, frame: Frame) -> Ticket {
        if self.free == NONE {
            self.grow();
        }
        let id = self.free;
        let place = &mut self.frames[id as usize];
        self.free = place.sibling;
        // Field by field, so that the frame is written once, where it lives, and never as a copy.
        let Frame { key, arrived, mark, deadline, parent, parent_token, token: _, generation: _, .. } = frame;
        let Frame { pc, iteration, child, sibling, edge, replica, service, target, pending, count, .. } = frame;
        (place.key, place.arrived, place.mark, place.deadline) = (key, arrived, mark, deadline);
        (place.parent, place.parent_token, place.pc, place.iteration) = (parent, parent_token, pc, iteration);
        (place.child, place.sibling, place.edge, place.replica) = (child, sibling, edge, replica);
        (place.service, place.target, place.pending, place.count) = (service, target, pending, count);
        (place.request_key, place.state) = (frame.request_key, frame.state);
        (place.rank, place.flags) = (frame.rank, frame.flags);
        Ticket { frame: id, token: place.token }
    }

    /// Adds a free place.
    #[cold]
    fn grow(&mut self) {
        let id = u32::try_from(self.frames.len()).expect("fewer than 2^32 requests are in flight");
        let nobody = Ticket { frame: NONE, token: 0 };
        if self.knows_origins {
            self.origins.push(Key::default());
        }
        self.frames.push(Frame { state: State::Free, sibling: NONE, ..Frame::new(Key::default(), nobody) });
        self.free = id;
    }

    /// Frees a place; every ticket to it is stale from now on.
    #[inline]
    pub(super) fn remove(&mut self, id: u32) {
        let frame = &mut self.frames[id as usize];
        debug_assert!(frame.state != State::Free, "a frame is freed once");
        frame.state = State::Free;
        frame.token = frame.token.wrapping_add(1);
        frame.generation = frame.generation.wrapping_add(1);
        frame.sibling = self.free;
        self.free = id;
    }

    /// Whether what `ticket` was made for is still waited for.
    #[inline]
    pub(super) fn live(&self, ticket: Ticket) -> bool {
        self.frames[ticket.frame as usize].token == ticket.token
    }

    /// Whether the frame of a notice (whose token is its generation) is past the queue of its replica.
    pub(super) fn is_inside(&self, notice: Ticket) -> bool {
        let frame = &self.frames[notice.frame as usize];
        let outside = matches!(frame.state, State::Free | State::Travelling | State::Waiting);
        !outside && frame.generation == notice.token
    }

    /// The current ticket of a frame.
    #[inline]
    pub(super) fn ticket(&self, id: u32) -> Ticket {
        Ticket { frame: id, token: self.frames[id as usize].token }
    }

    /// Makes every ticket to the frame stale and returns the new one.
    #[inline]
    pub(super) fn renew(&mut self, id: u32) -> Ticket {
        self.frames[id as usize].renew(id)
    }

    /// The ids of all places, used or free.
    pub(super) fn ids(&self) -> std::ops::Range<u32> {
        0..self.frames.len() as u32
    }
}

impl Index<u32> for Frames {
    type Output = Frame;
    #[inline]
    fn index(&self, id: u32) -> &Frame {
        &self.frames[id as usize]
    }
}

impl IndexMut<u32> for Frames {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut Frame {
        &mut self.frames[id as usize]
    }
}
