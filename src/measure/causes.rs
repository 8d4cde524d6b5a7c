//! Causes: what a story is told from. In bins of time much finer than the points of the series it is recorded how many
//! attempts along each edge somebody waits for (integrated over time: who is blocked on whom), which attempts failed and
//! of what, which of them were tried again, which failures of a callee ended their caller, how busy and how crowded
//! services were, and how much of their threads' time was for callers who had left.
//!
//! It costs little: what grows with every request is counted by the meters anyway and read off at the end of a bin, what
//! fails is rare or the run is no longer about speed. Rows are in the order of time, so that reading them off writes
//! forwards.

use crate::base::time::{Span, Time};
use crate::kernel::Departure;
use crate::model::Model;
use crate::policy::Outcome;

use super::message_causes::MessageCauses;
use super::messaging::MessagingMeters;
use super::meters::{EdgeMeter, ServiceMeter};
use super::results::OUTCOMES;

/// Bins are no wider than this, as long as there are not too many of them.
const BIN_MAX: Span = Span::from_millis(100);
/// A run has at least about so many bins.
const BINS_MIN: u64 = 200;
/// Rows of services and edges that a run keeps at most.
const ROWS_MAX: u64 = 400_000;

/// What a story is told from; see the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Causes {
    /// Width of a bin; the last one may be cut short.
    pub bin: Span,
    /// How many there are.
    pub bins: usize,
    /// How many workloads, services and edges have a row in each.
    sizes: [usize; 3],
    workloads: Vec<WorkloadBin>,
    services: Vec<ServiceBin>,
    edges: Vec<EdgeBin>,
    /// What failed, in the order of bins and, within one, of edges.
    pub failures: Vec<Failures>,
    /// What became of messages; empty where there are none.
    pub messages: MessageCauses,
}

/// A workload in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WorkloadBin {
    /// Requests that were meant to start in this bin.
    pub offered: u32,
    /// Of these, those that were answered well and in time, whenever that was.
    pub good: u32,
    /// Requests that were answered well and in time in this bin.
    pub good_now: u32,
    /// Requests that were answered too late in this bin.
    pub late: u32,
    /// Requests that failed in this bin.
    pub failed: u32,
    /// Requests that failed in this bin and whose users will ask again.
    pub reloads: u32,
}

/// A service in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceBin {
    /// Mean number of busy threads.
    pub busy: f32,
    /// Mean number of those that nobody waits for.
    pub wasted: f32,
    /// Mean number waiting for a thread.
    pub queue: f32,
    /// Mean number of requests in it.
    pub in_system: f32,
    /// Attempts that arrived.
    pub arrivals: u32,
    /// Requests that were answered well.
    pub completed: u32,
    /// Requests that a handler answered with an error.
    pub failed: u32,
    /// Turned away, at once or after a wait.
    pub rejected: u32,
    /// Found nobody there.
    pub refused: u32,
}

/// An edge in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EdgeBin {
    /// Mean number of attempts that somebody waits for.
    pub waiting: f32,
    /// Calls made.
    pub calls: u32,
    /// Attempts sent.
    pub attempts: u32,
    /// Attempts that ended well.
    pub ok: u32,
}

/// What failed along an edge in a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// In which bin.
    pub bin: u32,
    /// Along which edge.
    pub edge: u32,
    /// How attempts ended, by [`Outcome`].
    pub ended: [u32; OUTCOMES],
    /// Those of them after which there was another attempt.
    pub retried: [u32; OUTCOMES],
    /// Calls whose last attempt ended so, and that ended their caller.
    pub fatal: [u32; OUTCOMES],
}

impl Causes {
    /// A workload in a bin.
    pub fn workload(&self, bin: usize, id: usize) -> &WorkloadBin {
        &self.workloads[bin * self.sizes[0] + id]
    }

    /// A service in a bin.
    pub fn service(&self, bin: usize, id: usize) -> &ServiceBin {
        &self.services[bin * self.sizes[1] + id]
    }

    /// An edge in a bin.
    pub fn edge(&self, bin: usize, id: usize) -> &EdgeBin {
        &self.edges[bin * self.sizes[2] + id]
    }

    /// Where a bin begins.
    pub fn start(&self, bin: usize) -> Time {
        Time::from_nanos(self.bin.as_nanos().saturating_mul(bin as u64))
    }

    /// The bin in which `time` lies; the last one for what lies behind it.
    pub fn bin_of(&self, time: Time) -> usize {
        let bin = time.as_nanos() / self.bin.as_nanos().max(1);
        usize::try_from(bin).unwrap_or(usize::MAX).min(self.bins.saturating_sub(1))
    }
}

/// A width of 1, 2 or 5 times a power of ten that is fine enough, and gives not too many rows.
fn width(model: &Model, rows_per_bin: usize) -> Span {
    let duration = model.duration.as_nanos();
    let fits = |nanos: u64| duration.div_ceil(nanos).saturating_mul(rows_per_bin as u64) <= ROWS_MAX;
    let fine = BIN_MAX.as_nanos().min((duration / BINS_MIN).max(1));
    let mut nice = [1_u64, 2, 5].into_iter().cycle().zip(0_u32..).map(|(factor, n)| factor * 10_u64.pow(n / 3));
    let mut below = 1;
    loop {
        // Ten to the eighteenth nanoseconds are longer than any run.
        let Some(nanos) = nice.next().filter(|nanos| *nanos < 1_000_000_000_000_000_000) else {
            return Span::from_nanos(duration.max(1));
        };
        if nanos <= fine {
            below = nanos;
        } else if fits(below) {
            return Span::from_nanos(below);
        } else {
            below = nanos;
        }
    }
}

/// Records [`Causes`] beside the other meters.
#[derive(Debug)]
pub(super) struct CauseMeter {
    causes: Causes,
    /// Where the present bin began, and where it ends.
    started: Time,
    pub(super) next: Time,
    services: Vec<ServiceTotals>,
    edges: Vec<EdgeTotals>,
    /// Failures of the present bin, by edge; only those of `dirty` hold any.
    failures: Vec<Failures>,
    dirty: Vec<u32>,
}

/// What stood at a service's meter when the last bin ended.
#[derive(Clone, Copy, Debug, Default)]
struct ServiceTotals {
    nanos: [u128; 4],
    counts: [u64; 5],
}

/// What stood at an edge's meter when the last bin ended.
#[derive(Clone, Copy, Debug, Default)]
struct EdgeTotals {
    waiting_nanos: u128,
    counts: [u64; 3],
}

impl CauseMeter {
    pub(super) fn new(model: &Model, edges: usize) -> CauseMeter {
        let sizes = [model.workloads.len(), model.services.len(), edges];
        let messages = MessageCauses::new(model);
        let bin = width(model, sizes[1] + sizes[2] + messages.rows_per_bin());
        let clean =
            |edge| Failures { bin: 0, edge, ended: [0; OUTCOMES], retried: [0; OUTCOMES], fatal: [0; OUTCOMES] };
        let mut causes = Causes { bin, sizes, messages, ..Causes::default() };
        causes.workloads.resize(sizes[0], WorkloadBin::default());
        CauseMeter {
            causes,
            started: Time::ZERO,
            next: Time::ZERO + bin,
            services: vec![ServiceTotals::default(); sizes[1]],
            edges: vec![EdgeTotals::default(); sizes[2]],
            failures: (0..sizes[2] as u32).map(clean).collect(),
            dirty: Vec::new(),
        }
    }

    /// The row of a workload in which `time` lies.
    #[inline]
    fn row(&mut self, workload: u32, time: Time) -> &mut WorkloadBin {
        // Nearly all are of the present bin, and a division would cost more than everything else here.
        let bin = match time >= self.started {
            true => self.causes.bins,
            false => (time.as_nanos() / self.causes.bin.as_nanos()) as usize,
        };
        &mut self.causes.workloads[bin * self.causes.sizes[0] + workload as usize]
    }

    #[inline]
    pub(super) fn offered(&mut self, workload: u32, arrived: Time) {
        self.row(workload, arrived).offered += 1;
    }

    #[inline]
    pub(super) fn good(&mut self, workload: u32, now: Time, arrived: Time) {
        self.row(workload, arrived).good += 1;
        self.row(workload, now).good_now += 1;
    }

    pub(super) fn late(&mut self, workload: u32, now: Time) {
        self.row(workload, now).late += 1;
    }

    pub(super) fn failed(&mut self, workload: u32, now: Time) {
        self.row(workload, now).failed += 1;
    }

    pub(super) fn will_reload(&mut self, workload: u32, now: Time) {
        self.row(workload, now).reloads += 1;
    }

    fn failures(&mut self, edge: u32) -> &mut Failures {
        let failures = &mut self.failures[edge as usize];
        let is_clean = |counts: &[u32; OUTCOMES]| counts.iter().all(|count| *count == 0);
        if [&failures.ended, &failures.retried, &failures.fatal].into_iter().all(is_clean) {
            self.dirty.push(edge);
        }
        failures
    }

    pub(super) fn ended(&mut self, edge: u32, outcome: Outcome) {
        self.failures(edge).ended[outcome as usize] += 1;
    }

    pub(super) fn retried(&mut self, edge: u32, cause: Outcome) {
        self.failures(edge).retried[cause as usize] += 1;
    }

    pub(super) fn fatal(&mut self, edge: u32, cause: Outcome) {
        self.failures(edge).fatal[cause as usize] += 1;
    }

    /// Ends a bin at `now`.
    pub(super) fn add_bin(
        &mut self,
        now: Time,
        services: &[ServiceMeter],
        edges: &[EdgeMeter],
        messaging: Option<&mut MessagingMeters>,
    ) {
        if let Some(messaging) = messaging {
            messaging.add_bin(now, now.since(self.started), &mut self.causes.messages);
        }
        let length = now.since(self.started).as_nanos() as f64;
        let mean = |nanos: u128| (as_f64(nanos) / length) as f32;
        for (meter, last) in services.iter().zip(&mut self.services) {
            let totals = ServiceTotals::of(meter, now);
            let nanos = |n: usize| mean(totals.nanos[n] - last.nanos[n]);
            let count = |n: usize| (totals.counts[n] - last.counts[n]) as u32;
            self.causes.services.push(ServiceBin {
                busy: nanos(0),
                in_system: nanos(1),
                queue: nanos(2),
                wasted: nanos(3),
                arrivals: count(0),
                completed: count(1),
                failed: count(2),
                rejected: count(3),
                refused: count(4),
            });
            *last = totals;
        }
        for (meter, last) in edges.iter().zip(&mut self.edges) {
            let totals = EdgeTotals {
                waiting_nanos: meter.waiting.integral(now),
                counts: [meter.calls, meter.attempts, meter.outcomes[Outcome::Ok as usize]],
            };
            let count = |n: usize| (totals.counts[n] - last.counts[n]) as u32;
            self.causes.edges.push(EdgeBin {
                waiting: mean(totals.waiting_nanos - last.waiting_nanos),
                calls: count(0),
                attempts: count(1),
                ok: count(2),
            });
            *last = totals;
        }
        self.dirty.sort_unstable();
        for edge in self.dirty.drain(..) {
            let failures = &mut self.failures[edge as usize];
            self.causes.failures.push(Failures { bin: self.causes.bins as u32, ..*failures });
            (failures.ended, failures.retried, failures.fatal) = ([0; OUTCOMES], [0; OUTCOMES], [0; OUTCOMES]);
        }
        self.causes.bins += 1;
        let rows = (self.causes.bins + 1) * self.causes.sizes[0];
        self.causes.workloads.resize(rows, WorkloadBin::default());
        self.started = now;
        self.next = now + self.causes.bin;
    }

    /// What was recorded when the run ended at `end`.
    pub(super) fn finish(
        mut self,
        end: Time,
        services: &[ServiceMeter],
        edges: &[EdgeMeter],
        messaging: Option<&mut MessagingMeters>,
    ) -> Causes {
        if end > self.started {
            self.add_bin(end, services, edges, messaging);
        }
        self.causes.workloads.truncate(self.causes.bins * self.causes.sizes[0]);
        self.causes
    }
}

/// The same as `nanos as f64`, which takes a subroutine: what adds up within a bin nearly always fits into 63 bits.
#[inline]
fn as_f64(nanos: u128) -> f64 {
    i64::try_from(nanos).map_or_else(|_| nanos as f64, |nanos| nanos as f64)
}

impl ServiceTotals {
    fn of(meter: &ServiceMeter, now: Time) -> ServiceTotals {
        let left = |how: Departure| meter.left[how as usize];
        ServiceTotals {
            nanos: [
                meter.busy.integral(now),
                meter.in_system.integral(now),
                meter.rare.queue.integral(now),
                meter.rare.wasted.integral(now),
            ],
            counts: [
                meter.arrivals,
                left(Departure::Completed),
                left(Departure::Failed),
                left(Departure::Rejected) + left(Departure::Shed),
                left(Departure::Refused),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_fine_unless_there_would_be_too_many_rows() {
        let text = "duration = '1s'\nworkload.users = { entry = 'a.get', arrivals = 'poisson(10/s)' }\nservice.a.endpoint.get.steps = [{ work = '1ms' }]\n";
        let loaded = crate::scenario::load("a", text.as_bytes(), &crate::scenario::LoadOptions::default());
        let mut model = loaded.model.unwrap();
        let mut width_of = |millis: u64, rows: usize| {
            model.duration = Span::from_millis(millis);
            width(&model, rows).as_nanos()
        };
        assert_eq!(width_of(180_000, 10), 100_000_000);
        assert_eq!(width_of(2_000, 10), 10_000_000);
        // 20 s of 2000 things in bins of 100 ms are just what is kept.
        assert_eq!(width_of(20_000, 2_000), 100_000_000);
        assert_eq!(width_of(20_001, 2_000), 200_000_000);
        assert_eq!(width_of(24 * 3_600_000, 10), 5_000_000_000);
    }
}
