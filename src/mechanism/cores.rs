//! CPU cores shared by processor sharing: n jobs on c cores run at min(1, c/n) of full speed each.
//!
//! Kept in virtual time (the work that each job present has received), so that a change costs O(log n).
//! Virtual time is a u64 in units of 2⁻²⁰ ns, reset when idle and rebased before it could overflow;
//! completions round up to the nanosecond, and ties finish in the order of arrival.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::time::{Span, Time};

const UNITS_PER_NANO: u32 = 20;
/// Rebase beyond this: leaves room for one more job of the greatest demand.
const REBASE_AT: u64 = 1 << 62;
/// The greatest CPU demand of one job: 2⁴² ns (73 minutes); more is cut to it.
const DEMAND_MAX: u64 = 1 << 42;

/// The cores of one replica. `T` is the ticket of a job.
#[derive(Clone, Debug)]
pub struct Cores<T> {
    cores: u32,
    /// Virtual time per time at one job a core, in 1/2²⁰; 0 is frozen.
    speed: u64,
    /// The part of it that is left where jobs must take turns, because there are more of them than cores.
    turns: f64,
    crowded_speed: u64,
    virtual_now: u64,
    updated: Time,
    jobs: BinaryHeap<Reverse<Job<T>>>,
    active: u32,
    arrivals: u64,
}

#[derive(Clone, Copy, Debug)]
struct Job<T> {
    finish: u64,
    arrival: u64,
    ticket: T,
}

impl<T> PartialEq for Job<T> {
    fn eq(&self, other: &Self) -> bool {
        self.arrival == other.arrival
    }
}

impl<T> Eq for Job<T> {}

impl<T> PartialOrd for Job<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Job<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.finish, self.arrival).cmp(&(other.finish, other.arrival))
    }
}

impl<T: Copy> Cores<T> {
    /// At full speed, idle. Where jobs must take turns, work takes `slowdown` times as long: 1 costs nothing.
    pub fn new(cores: u32, slowdown: f64) -> Cores<T> {
        Cores {
            cores,
            speed: 1 << UNITS_PER_NANO,
            turns: slowdown,
            crowded_speed: speed(slowdown),
            virtual_now: 0,
            updated: Time::ZERO,
            jobs: BinaryHeap::new(),
            active: 0,
            arrivals: 0,
        }
    }

    /// A job with `demand` of CPU time joins.
    pub fn add(&mut self, now: Time, demand: Span, ticket: T) {
        self.catch_up(now);
        let finish = self.virtual_now + (demand.as_nanos().min(DEMAND_MAX) << UNITS_PER_NANO);
        self.arrivals += 1;
        self.active += 1;
        self.jobs.push(Reverse(Job { finish, arrival: self.arrivals, ticket }));
    }

    /// A job leaves before it is done; its ticket must not be live any more.
    pub fn remove(&mut self, now: Time) {
        self.catch_up(now);
        self.active -= 1;
        self.reset_when_idle();
    }

    /// Takes out the first job that `is` the one; returns the CPU time that it still needs.
    pub fn take(&mut self, now: Time, is: impl Fn(T) -> bool) -> Option<Span> {
        self.catch_up(now);
        let finish = self.jobs.iter().find(|job| is(job.0.ticket))?.0.finish;
        self.jobs.retain(|job| !is(job.0.ticket));
        let left = finish.saturating_sub(self.virtual_now).div_ceil(1 << UNITS_PER_NANO);
        self.active -= 1;
        self.reset_when_idle();
        Some(Span::from_nanos(left))
    }

    /// There are so many cores from now on; not none.
    pub fn resize(&mut self, now: Time, cores: u32) {
        self.catch_up(now);
        self.cores = cores;
    }

    /// From now on work runs at `1 / slow` of full speed; infinite is frozen.
    pub fn set_slow(&mut self, now: Time, slow: f64) {
        self.catch_up(now);
        self.speed = speed(slow);
        self.crowded_speed = speed(slow * self.turns);
    }

    /// When the next job is done if nothing changes; `None` when idle or frozen.
    pub fn next_done(&mut self, now: Time, live: impl Fn(T) -> bool) -> Option<Time> {
        self.catch_up(now);
        self.drop_stale(live);
        let finish = self.jobs.peek()?.0.finish;
        let rate = self.rate();
        if rate == 0 {
            return None;
        }
        let left = u128::from(finish.saturating_sub(self.virtual_now)) * u128::from(self.crowd());
        Some(now + Span::from_nanos(u64::try_from(left.div_ceil(rate)).unwrap_or(u64::MAX)))
    }

    /// Takes out the next job that is done by `now`.
    pub fn pop_done(&mut self, now: Time, live: impl Fn(T) -> bool) -> Option<T> {
        self.catch_up(now);
        self.drop_stale(live);
        if self.jobs.peek()?.0.finish > self.virtual_now {
            return None;
        }
        let Reverse(job) = self.jobs.pop()?;
        self.active -= 1;
        self.reset_when_idle();
        Some(job.ticket)
    }

    /// How many cores are in use; none while frozen.
    pub fn busy(&self) -> u32 {
        if self.speed == 0 { 0 } else { self.active.min(self.cores) }
    }

    /// Virtual units per nanosecond, times [`Cores::crowd`].
    fn rate(&self) -> u128 {
        let speed = if self.active > self.cores { self.crowded_speed } else { self.speed };
        u128::from(speed) * u128::from(self.cores.min(self.crowd()))
    }

    fn crowd(&self) -> u32 {
        self.active.max(1)
    }

    fn catch_up(&mut self, now: Time) {
        let elapsed = now.since(self.updated).as_nanos();
        self.updated = now;
        if self.active > 0 {
            let gained = u128::from(elapsed) * self.rate() / u128::from(self.crowd());
            self.virtual_now = self.virtual_now.saturating_add(u64::try_from(gained).unwrap_or(u64::MAX));
            if self.virtual_now > REBASE_AT {
                self.rebase();
            }
        }
    }

    fn rebase(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        self.jobs = jobs
            .into_iter()
            .map(|Reverse(job)| Reverse(Job { finish: job.finish.saturating_sub(self.virtual_now), ..job }))
            .collect();
        self.virtual_now = 0;
    }

    fn reset_when_idle(&mut self) {
        if self.active == 0 {
            self.jobs.clear();
            self.virtual_now = 0;
        }
    }

    fn drop_stale(&mut self, live: impl Fn(T) -> bool) {
        while self.jobs.peek().is_some_and(|job| !live(job.0.ticket)) {
            self.jobs.pop();
        }
    }
}

/// Virtual units per nanosecond at `1 / slow` of full speed.
fn speed(slow: f64) -> u64 {
    ((1u64 << UNITS_PER_NANO) as f64 / slow + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn two_equal_jobs_on_one_core_take_twice_as_long() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), 'a');
        cores.add(at(0), Span::from_nanos(100), 'b');
        assert_eq!(cores.next_done(at(0), |_| true), Some(at(200)));
        assert_eq!(cores.pop_done(at(199), |_| true), None);
        assert_eq!(cores.pop_done(at(200), |_| true), Some('a'), "ties finish in the order of arrival");
        assert_eq!(cores.pop_done(at(200), |_| true), Some('b'));
        assert_eq!(cores.next_done(at(200), |_| true), None);
    }

    #[test]
    fn a_short_job_overtakes_a_long_one() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), "long");
        cores.add(at(50), Span::from_nanos(10), "short");
        // Both run at half speed: the short one needs 20 ns, after which 40 ns of the long one are left.
        assert_eq!(cores.next_done(at(50), |_| true), Some(at(70)));
        assert_eq!(cores.pop_done(at(70), |_| true), Some("short"));
        assert_eq!(cores.next_done(at(70), |_| true), Some(at(110)));
    }

    #[test]
    fn as_many_jobs_as_cores_do_not_slow_each_other() {
        let mut cores = Cores::new(2, 1.0);
        cores.add(at(0), Span::from_nanos(100), 1);
        cores.add(at(0), Span::from_nanos(30), 2);
        assert_eq!(cores.next_done(at(0), |_| true), Some(at(30)));
        assert_eq!(cores.busy(), 2);
    }

    #[test]
    fn frozen_work_goes_on_where_it_stopped() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), 1);
        cores.set_slow(at(40), f64::INFINITY);
        assert_eq!(cores.next_done(at(40), |_| true), None);
        cores.set_slow(at(90), 2.0);
        assert_eq!(cores.next_done(at(90), |_| true), Some(at(210)));
    }

    #[test]
    fn more_cores_speed_up_what_is_left() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), 1);
        cores.add(at(0), Span::from_nanos(100), 2);
        cores.resize(at(100), 2);
        assert_eq!(cores.busy(), 2);
        assert_eq!(cores.next_done(at(100), |_| true), Some(at(150)));
    }

    #[test]
    fn who_leaves_early_speeds_up_the_rest() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), 1);
        cores.add(at(0), Span::from_nanos(50), 2);
        cores.remove(at(20));
        assert_eq!(cores.next_done(at(20), |ticket| ticket != 2), Some(at(110)));
    }

    #[test]
    fn taking_turns_costs_time_only_when_there_are_more_jobs_than_cores() {
        let mut cores = Cores::new(1, 1.25);
        cores.add(at(0), Span::from_nanos(100), 1);
        assert_eq!(cores.next_done(at(0), |_| true), Some(at(100)));
        cores.add(at(50), Span::from_nanos(50), 2);
        // 100 ns of work are left, at four fifths of full speed.
        assert_eq!(cores.next_done(at(50), |_| true), Some(at(175)));
    }

    #[test]
    fn who_is_taken_out_has_what_is_left_of_his_work() {
        let mut cores = Cores::new(1, 1.0);
        cores.add(at(0), Span::from_nanos(100), 1);
        cores.add(at(0), Span::from_nanos(50), 2);
        assert_eq!(cores.take(at(20), |ticket| ticket == 1), Some(Span::from_nanos(90)));
        assert_eq!(cores.take(at(20), |ticket| ticket == 1), None);
        assert_eq!(cores.next_done(at(20), |_| true), Some(at(60)));
    }

    #[test]
    fn work_is_conserved_over_days() {
        let mut cores = Cores::new(1, 1.0);
        let hour = 3_600_000_000_000;
        cores.add(at(0), Span::from_nanos(hour), 0);
        for n in 1..72 {
            cores.add(at((n - 1) * hour + hour / 2), Span::from_nanos(hour), n);
            let done = cores.next_done(at((n - 1) * hour + hour / 2), |_| true);
            assert!(done.is_some_and(|done| done <= at(72 * hour)), "{n}: {done:?}");
            cores.pop_done(at(n * hour), |_| true);
        }
    }
}
