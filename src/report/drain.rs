//! How long consumers need until they have caught up after what went wrong.
//!
//! The level to come back to is the mean lag of the points of the series between the warm-up and the first fault or
//! change. The time runs from the end of the last fault, or from the last change, whichever is later; what lasts beyond
//! the run has no end. It stops where the lag first falls to that level: on the line between the middles of the two points
//! between which it does, so that it is more precise than a point is wide. A group that is no further behind then than at
//! its worst point before has nothing to catch up with.

use crate::base::time::Time;
use crate::measure::GroupSeries;

use super::facts::{self, Facts};

/// What went wrong, or was changed, in a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disturbance<'a> {
    /// When the first one began.
    began: Time,
    /// When the last one was over.
    pub(super) over: Time,
    /// Its name.
    pub(super) name: &'a str,
}

/// How a group came back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drain {
    /// Its mean lag before.
    pub(super) before: f64,
    /// How far it was behind when the last disturbance was over.
    pub(super) behind: f64,
    /// Seconds until it was back; `None` where it was not until the end.
    pub(super) secs: Option<f64>,
}

/// `None` where there is none that is over before the run is.
pub(super) fn disturbance<'a>(facts: &Facts<'a>) -> Option<Disturbance<'a>> {
    let (model, ended) = (facts.model, facts.results.ended);
    let faults = model.faults.iter().map(|it| (it.name.as_str(), it.at, facts::fault_over(it)));
    let changes = model.changes.iter().map(|it| (it.name.as_str(), it.at, Some(it.at)));
    let all: Vec<_> = faults.chain(changes).filter(|(_, at, _)| *at < ended).collect();
    let began = all.iter().map(|(_, at, _)| *at).min()?;
    let over = all.into_iter().filter_map(|(name, _, over)| Some((over.filter(|over| *over < ended)?, name)));
    let (over, name) = over.max_by_key(|(over, _)| *over)?;
    Some(Disturbance { began, over, name })
}

/// `None` where there is no point before the disturbance.
pub(super) fn drain(facts: &Facts, it: &Disturbance, series: &GroupSeries) -> Option<Drain> {
    let bounds = |point: usize| facts::point_bounds(facts.results, point);
    let warm = Time::ZERO + facts.model.warmup;
    let is_before = |point: usize| bounds(point).0 >= warm && bounds(point).1 <= it.began;
    let lags = series.lag.iter().copied().enumerate();
    let before: Vec<f64> = lags.clone().filter(|(point, _)| is_before(*point)).map(|(_, lag)| lag).collect();
    let worst = before.iter().copied().reduce(f64::max)?;
    let before = before.iter().sum::<f64>() / before.len() as f64;
    let after = lags.clone().find(|(point, _)| bounds(*point).0 >= it.over);
    let until = lags.clone().take_while(|(point, _)| bounds(*point).0 < it.over).last();
    // What a change lets loose is there only after it.
    let behind = [until, after].into_iter().flatten().map(|(_, lag)| lag).fold(0.0, f64::max);
    if behind <= worst {
        return Some(Drain { before, behind, secs: Some(0.0) });
    }
    let mut last: Option<(f64, f64)> = None;
    for (point, lag) in lags {
        let (from, to) = bounds(point);
        let middle = (from.as_secs_f64() + to.as_secs_f64()) / 2.0;
        if from >= it.over && lag <= before {
            let at = match last {
                Some((earlier, more)) if more > lag => earlier + (middle - earlier) * (more - before) / (more - lag),
                _ => middle,
            };
            return Some(Drain { before, behind, secs: Some((at - it.over.as_secs_f64()).max(0.0)) });
        }
        last = Some((middle, lag));
    }
    Some(Drain { before, behind, secs: None })
}
