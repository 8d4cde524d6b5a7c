//! Where the time of users' requests goes, along the path that they wait for: whoever waits for an answer or for branches
//! takes over, when he has it, how the last one that he waited for spent that time. So the parts of a request add up to its
//! latency, to the nanosecond. What goes on beside that path, since something else takes longer, is no part of it.

use crate::base::time::{Span, Time};
use crate::kernel::Spent;

use super::sums::PathSums;

/// How many ways there are to spend time.
pub const PARTS: usize = Spent::ALL.len();

/// Requests that were answered well, and where their time went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathResult {
    /// How many they are: those of which the latency is recorded.
    pub requests: u64,
    /// By [`Spent`]; all parts together are the sum of all latencies.
    pub nanos: [u128; PARTS],
}

/// What a frame has done so far.
#[derive(Clone, Copy)]
struct Path {
    begun: Time,
    /// Up to here its time is in the parts.
    since: Time,
    on: Spent,
    /// Nanoseconds of CPU time that it has asked for last and not got yet, and what of that, and of what comes, is for messages.
    demand: u64,
    messages: u64,
    /// Which parts there are, a bit for each: few, and the others are not even written. As wide as it is read: what was
    /// written in fewer bytes than it is read in a moment later makes the processor wait until it has reached the cache.
    there: u32,
    /// Nanoseconds by [`Spent`].
    parts: [u64; PARTS],
}

const _: () = assert!(PARTS <= u32::BITS as usize);

const NOTHING: Path = Path {
    begun: Time::ZERO,
    since: Time::ZERO,
    on: Spent::Start,
    demand: 0,
    messages: 0,
    there: 0,
    parts: [0; PARTS],
};

impl Path {
    #[inline(always)]
    fn begin(&mut self, now: Time, on: Spent) {
        (self.begun, self.since, self.on) = (now, now, on);
        (self.demand, self.messages, self.there) = (0, 0, 0);
    }

    #[inline(always)]
    fn add(&mut self, part: usize, nanos: u64) {
        self.parts[part] = self.part(part) + nanos;
        self.there |= 1 << part;
    }

    /// A part, or zero; without a branch, since nobody could foretell it.
    #[inline(always)]
    fn part(&self, part: usize) -> u64 {
        self.parts[part] & 0_u64.wrapping_sub(u64::from(self.there >> part & 1))
    }

    /// The parts that there are, with their places.
    #[inline(always)]
    fn each(&self, mut found: impl FnMut(usize, u64)) {
        let mut left = self.there;
        while left != 0 {
            let part = left.trailing_zeros() as usize;
            found(part, self.parts[part]);
            left &= left - 1;
        }
    }

    /// Its time up to `now` is in the parts; what took none is none of them.
    #[inline(always)]
    fn close(&mut self, now: Time) {
        if now == self.since {
            return;
        }
        let span = now.since(self.since).as_nanos();
        self.since = now;
        if self.on != Spent::Work {
            self.add(self.on as usize, span);
            return;
        }
        let Served { work, messages, cores } = self.served(span);
        self.messages -= messages;
        self.demand -= work + messages;
        self.add(Spent::Work as usize, work);
        if messages > 0 {
            self.add(Spent::Messages as usize, messages);
        }
        if cores > 0 {
            self.add(Spent::Cores as usize, cores);
        }
    }

    /// What becomes of `span` nanoseconds of work.
    #[inline(always)]
    fn served(&self, span: u64) -> Served {
        let served = span.min(self.demand);
        let messages = self.messages.min(served);
        Served { work: served - messages, messages, cores: span - served }
    }

    /// Takes over how another one has spent its time up to `now`.
    #[inline(always)]
    fn take_over(&mut self, other: &Path, now: Time) {
        other.each(|part, nanos| self.parts[part] = self.part(part) + nanos);
        self.there |= other.there;
        let span = now.since(other.since).as_nanos();
        if other.on != Spent::Work {
            self.add(other.on as usize, span);
            return;
        }
        let Served { work, messages, cores } = other.served(span);
        self.add(Spent::Work as usize, work);
        if messages + cores > 0 {
            self.add(Spent::Messages as usize, messages);
            self.add(Spent::Cores as usize, cores);
        }
    }
}

/// Nanoseconds of work, by what they were for.
struct Served {
    work: u64,
    messages: u64,
    /// In vain, since cores were busy.
    cores: u64,
}

/// See the module.
pub(super) struct Paths {
    /// By the place of the frame.
    paths: Vec<Path>,
    /// By workload.
    results: Vec<PathResult>,
    last: Vec<PathResult>,
}

impl Paths {
    pub(super) fn new(workloads: usize) -> Paths {
        Paths {
            paths: Vec::new(),
            results: vec![PathResult::default(); workloads],
            last: vec![PathResult::default(); workloads],
        }
    }

    #[inline]
    fn at(&mut self, frame: u32) -> &mut Path {
        if frame as usize >= self.paths.len() {
            self.grow(frame);
        }
        &mut self.paths[frame as usize]
    }

    #[cold]
    fn grow(&mut self, frame: u32) {
        self.paths.resize(frame as usize + 1, NOTHING);
    }

    #[inline]
    pub(super) fn begins(&mut self, frame: u32, now: Time, on: Spent) {
        self.at(frame).begin(now, on);
    }

    /// The caller waits for `frame` from now on, whose request goes off.
    #[inline]
    pub(super) fn visits(&mut self, frame: u32, now: Time, caller: u32) {
        self.at(frame.max(caller));
        let Ok([caller, path]) = self.paths.get_disjoint_mut([caller as usize, frame as usize]) else { return };
        caller.close(now);
        caller.on = Spent::Answers;
        path.begin(now, Spent::Network);
    }

    #[inline]
    pub(super) fn spends(&mut self, frame: u32, now: Time, on: Spent) {
        let path = self.at(frame);
        path.close(now);
        path.on = on;
    }

    #[inline]
    pub(super) fn demands(&mut self, frame: u32, now: Time, cpu: Span) {
        let Some(path) = self.paths.get_mut(frame as usize) else { return };
        path.close(now);
        (path.on, path.demand) = (Spent::Work, cpu.as_nanos());
    }

    /// Of what the frame demands next, so much is for messages.
    #[inline]
    pub(super) fn encodes(&mut self, frame: u32, now: Time, cpu: Span) {
        let path = self.at(frame);
        path.close(now);
        path.messages = cpu.as_nanos();
    }

    #[inline]
    pub(super) fn explains(&mut self, waiting: u32, other: u32, now: Time) {
        let Ok([path, other]) = self.paths.get_disjoint_mut([waiting as usize, other as usize]) else { return };
        if other.begun >= path.since {
            // One that began later, as hedges do, does not explain what was before.
            path.close(other.begun);
            path.take_over(other, now);
            path.since = now;
        } else {
            // A stream that ends badly: its reader has already said what he did meanwhile.
            path.close(now);
        }
        path.on = Spent::Network;
    }

    #[inline]
    pub(super) fn hands_over(&mut self, from: u32, to: u32, now: Time) {
        self.at(from).close(now);
        let path = Path { on: Spent::Network, messages: 0, ..*self.at(from) };
        *self.at(to) = path;
    }

    /// A user's request has ended that counts.
    pub(super) fn ends(&mut self, frame: u32, workload: u32, now: Time) {
        let path = self.at(frame);
        path.close(now);
        let path = *path;
        let result = &mut self.results[workload as usize];
        result.requests += 1;
        path.each(|part, nanos| result.nanos[part] += u128::from(nanos));
    }

    /// Adds what tells how sure means are.
    pub(super) fn add_sums(&mut self, sums: &mut [PathSums]) {
        for ((it, last), sums) in self.results.iter().zip(&mut self.last).zip(sums) {
            sums.count.push(it.requests - last.requests);
            for ((column, now), before) in sums.secs.iter_mut().zip(it.nanos).zip(last.nanos) {
                column.push((now - before) as f64 / 1e9);
            }
            last.clone_from(it);
        }
    }

    pub(super) fn finish(self) -> Vec<PathResult> {
        self.results
    }
}
