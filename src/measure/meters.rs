//! The meters of one workload, service, edge or channel: what is counted there, and how points of the series and
//! totals are read off.

use crate::base::time::{Span, Time};
use crate::kernel::Departure;
use crate::model::Workload;
use crate::policy::Outcome;
use crate::policy::breaker::BreakerState;

use super::Detail;
use super::latency::{Latency, Mark};
use super::level::Level;
use super::results::{
    EdgeResult, EdgeSeries, LimitResult, OUTCOMES, ServiceResult, ServiceSeries, SessionResult, WorkloadResult,
    WorkloadSeries,
};
use super::sums::{EdgeSums, FailureSeries, ServiceSums};
use super::window::Counts;

pub(super) struct WorkloadMeter {
    pub(super) deadline: Option<Span>,
    pub(super) counts: Counts,
    pub(super) last: Counts,
    /// Outcomes of the result at the last point.
    pub(super) last_outcomes: [u64; OUTCOMES],
    pub(super) recent: Latency,
    pub(super) result: WorkloadResult,
    /// From the start on, by time of the event: sessions that started, were finished and were lost; and what of that is in
    /// the series.
    pub(super) sessions: [u64; 3],
    pub(super) last_sessions: [u64; 3],
    pub(super) watched: bool,
    /// Whether somebody asks how many are under way, and how many there are then.
    pub(super) level_watched: bool,
    pub(super) level: Level,
}

impl WorkloadMeter {
    /// Nothing has happened yet.
    pub(super) fn new(workload: &Workload, detail: Detail, watched: bool, level_watched: bool) -> WorkloadMeter {
        let has_sessions = detail != Detail::Expectations && workload.session.single().is_none();
        WorkloadMeter {
            deadline: workload.deadline,
            counts: Counts::default(),
            last: Counts::default(),
            last_outcomes: [0; OUTCOMES],
            recent: Latency::default(),
            result: WorkloadResult { sessions: has_sessions.then(SessionResult::default), ..WorkloadResult::default() },
            sessions: [0; 3],
            last_sessions: [0; 3],
            watched,
            level_watched,
            level: Level::default(),
        }
    }
}

/// What changes with every request, kept close together: in a large model each of these is cold.
#[derive(Clone, Default)]
pub(super) struct ServiceMeter {
    pub(super) busy: Level,
    pub(super) in_system: Level,
    pub(super) arrivals: u64,
    /// Requests that left, by [`Departure`].
    pub(super) left: [u64; DEPARTURES],
    /// Requests that had to wait.
    pub(super) waited: u64,
    /// Requests that got a thread at once, of those that count.
    pub(super) no_wait: u64,
    /// Use of cores that are not shared.
    pub(super) worked_nanos: u128,
    pub(super) sojourn_clipped_nanos: u128,
    pub(super) watched: bool,
    pub(super) waits_watched: bool,
    pub(super) rare: Box<ServiceExtra>,
}

/// What changes only when a service is in trouble, and what is read off now and then.
#[derive(Clone, Default)]
pub(super) struct ServiceExtra {
    pub(super) wasted: Level,
    pub(super) queue: Level,
    pub(super) cores: Level,
    pub(super) up: Level,
    pub(super) peak_queue: u32,
    /// Whether it has a limit on the number at a time, what that is, and how many were beyond it.
    pub(super) limits: bool,
    pub(super) limit: Level,
    pub(super) beyond: u64,
    /// Requests that came before the time that totals count, and left in it.
    pub(super) left_late: [u64; DEPARTURES],
    /// Requests that are still there at the end, of those that count.
    pub(super) in_flight: u64,
    /// At the start of the time that totals count.
    pub(super) before: ServiceReading,
    pub(super) last: ServiceReading,
    /// Work, waits and sojourns at the last point.
    pub(super) last_work_nanos: i128,
    pub(super) marks: [Mark; 2],
}

/// What a service's meter shows at a time, counted from the start.
#[derive(Clone, Copy, Default)]
pub(super) struct ServiceReading {
    pub(super) arrivals: u64,
    pub(super) left: [u64; DEPARTURES],
    pub(super) waited: u64,
    pub(super) busy_nanos: u128,
    pub(super) wasted_nanos: u128,
    pub(super) queue_nanos: u128,
    pub(super) in_system_nanos: u128,
    pub(super) cores_nanos: u128,
    pub(super) limit_nanos: u128,
    pub(super) beyond: u64,
}

impl ServiceReading {
    /// What expectations want to know of it.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            offered: self.arrivals,
            answered: self.left[Departure::Completed as usize],
            failed: self.left[Departure::Failed as usize],
            rejected: self.left[Departure::Rejected as usize],
            shed: self.left[Departure::Shed as usize],
            dropped: self.left[Departure::Dropped as usize],
            waited: self.waited,
            busy_nanos: self.busy_nanos,
            wasted_nanos: self.wasted_nanos,
            queue_nanos: self.queue_nanos,
            in_system_nanos: self.in_system_nanos,
            limit_nanos: self.limit_nanos,
            ..Counts::default()
        }
    }
}

/// See [`ServiceMeter`].
#[derive(Clone, Default)]
pub(super) struct EdgeMeter {
    pub(super) calls: u64,
    pub(super) attempts: u64,
    /// Attempts that ended, by [`Outcome`].
    pub(super) outcomes: [u64; OUTCOMES],
    /// Attempts that somebody waits for.
    pub(super) waiting: Level,
    pub(super) from_workload: Option<u32>,
    pub(super) rare: Box<EdgeExtra>,
}

#[derive(Clone, Default)]
pub(super) struct EdgeExtra {
    pub(super) service: u32,
    pub(super) channel: u32,
    /// Whether its client has a throttle.
    pub(super) throttles: bool,
    /// Whether its client has a rate limit, a bulkhead or a limit, and how many attempts wait there.
    pub(super) gates: bool,
    pub(super) held: Level,
    /// Attempts that were sent before the time that totals count, and ended in it.
    pub(super) late: [u64; OUTCOMES],
    /// Attempts without an answer at the end, of those that count.
    pub(super) in_flight: u64,
    pub(super) before: EdgeReading,
    pub(super) last: EdgeReading,
    /// Latencies at the last point.
    pub(super) mark: Mark,
}

/// What an edge's meter shows at a time, counted from the start.
#[derive(Clone, Copy, Default)]
pub(super) struct EdgeReading {
    pub(super) calls: u64,
    pub(super) attempts: u64,
    pub(super) outcomes: [u64; OUTCOMES],
    pub(super) held_nanos: u128,
}

pub(super) const DEPARTURES: usize = 6;

pub(super) struct ChannelMeter {
    /// Breakers; zero when the client has none.
    pub(super) breakers: u32,
    pub(super) open: Level,
    pub(super) half_open: Level,
    pub(super) last: [u128; 2],
}

impl WorkloadMeter {
    pub(super) fn counts(&mut self, now: Time) -> Counts {
        Counts { requests: self.counts.offered, in_system_nanos: self.level.integral(now), ..self.counts }
    }

    pub(super) fn add_point(&mut self, series: &mut WorkloadSeries) {
        let (now, last) = (self.counts, self.last);
        series.offered.push(now.offered - last.offered);
        series.answered.push(now.answered - last.answered);
        series.good.push(now.good - last.good);
        series.failed.push(now.failed - last.failed);
        series.attempts.push(now.attempts - last.attempts);
        series.latency_nanos.push(self.recent.sum_nanos());
        series.p50.push(self.recent.quantile(0.50));
        series.p95.push(self.recent.quantile(0.95));
        series.p99.push(self.recent.quantile(0.99));
        if self.result.sessions.is_some() {
            let new: [u64; 3] = std::array::from_fn(|n| self.sessions[n] - self.last_sessions[n]);
            let columns = &mut series.sessions;
            let columns = [&mut columns.started, &mut columns.finished, &mut columns.lost];
            columns.into_iter().zip(new).for_each(|(column, count)| column.push(count));
            self.last_sessions = self.sessions;
        }
        self.recent.clear();
        self.last = now;
    }

    /// Adds what tells how sure the shares of its outcomes are.
    pub(super) fn add_sums(&mut self, point: usize, failures: &mut FailureSeries) {
        let (now, last) = (self.result.outcomes, self.last_outcomes);
        failures.add(point, |outcome| now[outcome as usize] - last[outcome as usize]);
        self.last_outcomes = now;
    }
}

impl ServiceMeter {
    pub(super) fn read(&mut self, now: Time) -> ServiceReading {
        ServiceReading {
            arrivals: self.arrivals,
            left: self.left,
            waited: self.waited,
            busy_nanos: self.busy.integral(now),
            wasted_nanos: self.rare.wasted.integral(now),
            queue_nanos: self.rare.queue.integral(now),
            in_system_nanos: self.in_system.integral(now),
            cores_nanos: self.rare.cores.integral(now),
            limit_nanos: self.rare.limit.integral(now),
            beyond: self.rare.beyond,
        }
    }

    pub(super) fn add_point(&mut self, series: &mut ServiceSeries, now: Time, length: Span) {
        let reading = self.read(now);
        let last = std::mem::replace(&mut self.rare.last, reading);
        let left = |how: Departure| reading.left[how as usize] - last.left[how as usize];
        let mean = |nanos: u128| nanos as f64 / length.as_nanos() as f64;
        series.arrivals.push(reading.arrivals - last.arrivals);
        series.completed.push(left(Departure::Completed));
        series.failed.push(left(Departure::Failed));
        series.rejected.push(left(Departure::Rejected));
        series.shed.push(left(Departure::Shed));
        series.busy.push(mean(reading.busy_nanos - last.busy_nanos));
        series.wasted.push(mean(reading.wasted_nanos - last.wasted_nanos));
        series.queue.push(mean(reading.queue_nanos - last.queue_nanos));
        series.in_system.push(mean(reading.in_system_nanos - last.in_system_nanos));
        series.up.push(self.rare.up.value());
        if self.rare.limits {
            series.limit.push(mean(reading.limit_nanos - last.limit_nanos));
        }
    }

    /// Adds what tells how sure its means are, from what it has recorded so far.
    pub(super) fn add_sums(&mut self, now: Time, sums: &mut ServiceSums, wait: &Latency, sojourn: &Latency) {
        // What stops early takes back what it had counted when it began.
        let work_nanos = (self.rare.cores.integral(now) + self.worked_nanos) as i128;
        sums.work.push((work_nanos - self.rare.last_work_nanos) as f64 / 1e9);
        self.rare.last_work_nanos = work_nanos;
        let [waits, sojourns] = &mut self.rare.marks;
        wait.add_point(self.no_wait, waits, &mut sums.wait);
        sojourn.add_point(0, sojourns, &mut sums.sojourn);
    }

    pub(super) fn result(mut self, end: Time, mut wait: Latency, sojourn: Latency) -> ServiceResult {
        let after = self.read(end);
        let before = &self.rare.before;
        wait.record_zeros(self.no_wait);
        // Who came before does not count, though he left within the time.
        let left = |how: Departure| {
            let how = how as usize;
            after.left[how] - before.left[how] - self.rare.left_late[how]
        };
        ServiceResult {
            arrivals: after.arrivals - before.arrivals,
            completed: left(Departure::Completed),
            failed: left(Departure::Failed),
            rejected: left(Departure::Rejected),
            shed: left(Departure::Shed),
            refused: left(Departure::Refused),
            dropped: left(Departure::Dropped),
            in_flight: self.rare.in_flight,
            waited: after.waited - before.waited,
            wait,
            sojourn,
            busy_nanos: after.busy_nanos - before.busy_nanos,
            wasted_nanos: after.wasted_nanos - before.wasted_nanos,
            queue_nanos: after.queue_nanos - before.queue_nanos,
            in_system_nanos: after.in_system_nanos - before.in_system_nanos,
            sojourn_clipped_nanos: self.sojourn_clipped_nanos,
            work_nanos: after.cores_nanos - before.cores_nanos + self.worked_nanos,
            peak_queue: self.rare.peak_queue,
            limit: self.rare.limits.then(|| LimitResult {
                limit_nanos: after.limit_nanos - before.limit_nanos,
                beyond: after.beyond - before.beyond,
            }),
        }
    }
}

impl EdgeMeter {
    pub(super) fn read(&self, now: Time) -> EdgeReading {
        let held_nanos = self.rare.held.integral(now);
        EdgeReading { calls: self.calls, attempts: self.attempts, outcomes: self.outcomes, held_nanos }
    }

    /// Adds what tells how sure its means are, from what it has recorded so far; before the point ends.
    pub(super) fn add_sums(&mut self, point: usize, sums: &mut EdgeSums, latency: &Latency) {
        latency.add_point(0, &mut self.rare.mark, &mut sums.latency);
        let (now, last) = (&self.outcomes, &self.rare.last.outcomes);
        sums.failures.add(point, |outcome| now[outcome as usize] - last[outcome as usize]);
    }

    pub(super) fn add_point(&mut self, series: &mut EdgeSeries, shares: Option<(f64, f64)>, now: Time, length: Span) {
        let reading = self.read(now);
        let last = std::mem::replace(&mut self.rare.last, reading);
        let new: [u64; OUTCOMES] = std::array::from_fn(|n| reading.outcomes[n] - last.outcomes[n]);
        let ok = new[Outcome::Ok as usize];
        let (short, throttled) = (new[Outcome::ShortCircuited as usize], new[Outcome::Throttled as usize]);
        series.calls.push(reading.calls - last.calls);
        series.attempts.push(reading.attempts - last.attempts);
        series.ok.push(ok);
        let limited = new[Outcome::Limited as usize];
        series.failed.push(new.iter().sum::<u64>() - ok - short - throttled - limited);
        series.timeouts.push(new[Outcome::Timeout as usize]);
        series.short_circuited.push(short);
        if self.rare.throttles {
            series.throttled.push(throttled);
        }
        if self.rare.gates {
            series.limited.push(limited);
            series.held.push((reading.held_nanos - last.held_nanos) as f64 / length.as_nanos() as f64);
        }
        if let Some((open, half_open)) = shares {
            series.open.push(open);
            series.half_open.push(half_open);
        }
    }

    pub(super) fn result(self, end: Time, latency: Latency) -> EdgeResult {
        let held_nanos = self.read(end).held_nanos;
        let EdgeExtra { before, late, in_flight, gates, .. } = *self.rare;
        EdgeResult {
            calls: self.calls - before.calls,
            attempts: self.attempts - before.attempts,
            outcomes: std::array::from_fn(|n| self.outcomes[n] - before.outcomes[n] - late[n]),
            in_flight,
            latency,
            held_nanos: gates.then(|| held_nanos - before.held_nanos),
        }
    }
}

impl ChannelMeter {
    /// Shares of the breakers that were open and half open since the last time.
    pub(super) fn shares(&mut self, now: Time, length: Span) -> Option<(f64, f64)> {
        let integrals = [self.open.integral(now), self.half_open.integral(now)];
        let whole = length.as_nanos() as f64 * f64::from(self.breakers);
        let share = |n: usize| (integrals[n] - self.last[n]) as f64 / whole;
        let shares = (self.breakers > 0).then(|| (share(0), share(1)));
        self.last = integrals;
        shares
    }

    pub(super) fn level(&mut self, state: BreakerState) -> Option<&mut Level> {
        match state {
            BreakerState::Closed => None,
            BreakerState::Open => Some(&mut self.open),
            BreakerState::HalfOpen => Some(&mut self.half_open),
        }
    }
}
