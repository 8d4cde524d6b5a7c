//! How long consumers need until they have caught up after what went wrong.
//!
//! The level to come back to is the mean lag of the points of the series between the warm-up and the first fault or
//! change. The time runs from the end of a fault, or from a change; what lasts beyond the run has no end. It stops where
//! the lag first falls to that level: on the line between the middles of the two points between which it does, so that it is
//! more precise than a point is wide. A group that is no further behind then than at its worst point before has nothing to
//! catch up with. Of several faults and changes, the last one counts after which a group had.

use crate::base::time::Time;
use crate::measure::GroupSeries;
use crate::model::Group;

use super::facts::{self, Facts};

/// How a group came back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drain<'a> {
    /// After which fault or change.
    pub(super) after: &'a str,
    /// When that was over.
    pub(super) over: Time,
    /// Its mean lag before.
    pub(super) before: f64,
    /// How far it was behind when it was over.
    pub(super) behind: f64,
    /// Seconds until it was back; `None` where it was not until the end.
    pub(super) secs: Option<f64>,
}

/// `None` where nobody reads, where nothing went wrong that was over before the run was, and where there is no point before.
pub(super) fn drain<'a>(facts: &Facts<'a>, group: &Group, series: &GroupSeries) -> Option<Drain<'a>> {
    if group.consumers.is_empty() {
        return None;
    }
    let (model, ended) = (facts.model, facts.results.ended);
    let faults = model.faults.iter().map(|it| (it.name.as_str(), it.at, facts::fault_over(it)));
    let changes = model.changes.iter().map(|it| (it.name.as_str(), it.at, Some(it.at)));
    let all: Vec<_> = faults.chain(changes).filter(|(_, at, _)| *at < ended).collect();
    let began = all.iter().map(|(_, at, _)| *at).min()?;
    let over = |(name, _, over): (&'a str, Time, Option<Time>)| Some((over.filter(|over| *over < ended)?, name));
    let mut ends: Vec<(Time, &str)> = all.into_iter().filter_map(over).collect();
    ends.sort_by_key(|(over, _)| std::cmp::Reverse(*over));

    let points: Vec<Point> = series.lag.iter().enumerate().map(|(point, lag)| Point::new(facts, point, *lag)).collect();
    let warm = Time::ZERO + model.warmup;
    let calm: Vec<f64> = points.iter().filter(|it| it.from >= warm && it.until <= began).map(|it| it.lag).collect();
    let worst = calm.iter().copied().reduce(f64::max)?;
    let before = calm.iter().sum::<f64>() / calm.len() as f64;
    let at = |(over, after): (Time, &'a str)| {
        let behind = behind(&points, over);
        let secs = if behind > worst { back(&points, over, before) } else { Some(0.0) };
        Drain { after, over, before, behind, secs }
    };
    let mut drains = ends.into_iter().map(at);
    let last = drains.next()?;
    Some(std::iter::once(last).chain(drains).find(|it| it.behind > worst).unwrap_or(last))
}

/// A point of the series.
struct Point {
    from: Time,
    until: Time,
    lag: f64,
}

impl Point {
    fn new(facts: &Facts, point: usize, lag: f64) -> Point {
        let (from, until) = facts::point_bounds(facts.results, point);
        Point { from, until, lag }
    }

    /// Its middle, in seconds.
    fn middle(&self) -> f64 {
        (self.from.as_secs_f64() + self.until.as_secs_f64()) / 2.0
    }
}

/// The lag around a time: what a change lets loose is there only after it.
fn behind(points: &[Point], over: Time) -> f64 {
    let until = points.iter().take_while(|it| it.from < over).last();
    let after = points.iter().find(|it| it.from >= over);
    until.into_iter().chain(after).map(|it| it.lag).fold(0.0, f64::max)
}

/// Seconds from `over` until the lag falls to `level`.
fn back(points: &[Point], over: Time, level: f64) -> Option<f64> {
    let place = points.iter().position(|it| it.from >= over && it.lag <= level)?;
    let here = &points[place];
    let at = match place.checked_sub(1).map(|earlier| &points[earlier]) {
        Some(earlier) if earlier.lag > level => {
            earlier.middle() + (here.middle() - earlier.middle()) * (earlier.lag - level) / (earlier.lag - here.lag)
        }
        _ => here.middle(),
    };
    Some((at - over.as_secs_f64()).max(0.0))
}
